#!/usr/bin/env python3
# ===- report.py - The figures of the benchmark as a table ----------------===//
#
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Prints the JSON of dropout-bench: the goals first, then every case.

    report.py FILE [--markdown]

All ratios are medians of per-round ratios of time per element. A goal that
covers several cases shows the worst of them.
"""

import argparse
import json
import sys

MIB = 1 << 20


class Goal:
    """What is to be reached. `select(case)` gives the value of a case, or None
    where the goal says nothing about it; smaller is better unless `more`."""

    def __init__(self, text, must, reach, select, unit="x", more=False):
        self.text, self.must, self.reach = text, must, reach
        self.select, self.unit, self.more = select, unit, more


def ratio(case, kernel, base):
    """The median ratio of two kernels of a case, or None."""
    entry = case["kernels"].get(kernel)
    return entry["ratio_to"][base][1] if entry and base in entry["ratio_to"] else None


def is_plain(tags):
    """An elementwise kernel that is no special form."""
    return (tags["kind"] in ("element", "alpha") and tags["chain"] == "none" and not tags["odd_rows"]
            and tags["threads"] == 1 and not tags["runtime_p"])


def against_memcpy(condition):
    def select(case):
        return ratio(case, "compiled", "memcpy") if condition(case["tags"]) else None

    return select


def against_no_dropout(condition):
    def select(case):
        return ratio(case, "compiled", "compiled without dropout") if condition(case["tags"]) else None

    return select


def is_f32_mib(tags, rounds):
    return (is_plain(tags) and tags["kind"] == "element" and tags["type"] == "f32" and tags["bytes"] == MIB
            and tags["rounds"] == rounds and tags["resolution"] == 16)


def goals():
    yield Goal("every case, against the yardstick", 1.15, 1.0, lambda case: ratio(case, "compiled", "yardstick"))
    yield Goal("f32 element and alpha, from 64 MiB, against memcpy", 1.1, 1.0, against_memcpy(
        lambda t: is_plain(t) and t["type"] == "f32" and t["bytes"] >= 64 * MIB and not t["in_place"]))
    yield Goal("the same in place", 0.95, 0.85, against_memcpy(
        lambda t: is_plain(t) and t["type"] == "f32" and t["bytes"] >= 64 * MIB and t["in_place"]))
    yield Goal("f32, 1 MiB, against memcpy", 1.5, 1.3, against_memcpy(lambda t: is_f32_mib(t, 10)))
    yield Goal("f32, 1 MiB, 7 rounds, against memcpy", 1.3, 1.15, against_memcpy(lambda t: is_f32_mib(t, 7)))
    yield Goal("bf16 and f16, from 64 MiB, against memcpy", 1.4, 1.2, against_memcpy(
        lambda t: is_plain(t) and t["type"] in ("bf16", "f16") and t["bytes"] >= 64 * MIB))
    yield Goal("gelu(x + bias), dropout, + residual, against no dropout", 1.1, 1.03,
               against_no_dropout(lambda t: t["chain"] == "gelu"))
    yield Goal("(x + bias), dropout, + residual, from 64 MiB, against no dropout", 1.1, 1.03,
               against_no_dropout(lambda t: t["chain"] == "bias" and t["bytes"] >= 64 * MIB))
    yield Goal("the same, 64 KiB", 2.0, 1.6,
               against_no_dropout(lambda t: t["chain"] == "bias" and t["bytes"] == 64 << 10))
    yield Goal("channel, p = .5, from 4 Ki elements a channel, against memcpy", 0.95, 0.8, against_memcpy(
        lambda t: t["kind"] == "channel" and t["p"] == 0.5 and t["columns"] >= 4096))
    yield Goal("rows of 1001, dynamic shape, against rows of 1024, static", 1.3, 1.1,
               lambda case: ratio(case, "compiled", "compiled rows of 1024"))


def compile_goals(result):
    """(text, must, reach, milliseconds or None)."""
    times = result.get("compile", {})
    for key, text, must, reach in (("warm_ms", "compile a 1-D kernel never seen, warm process", 40, 20),
                                   ("first_ms", "the same, first of a process", 70, 40),
                                   ("cached_ms", "the same, from the file cache", 3, 1)):
        yield text, must, reach, times[key][1] if key in times else None


def peer_values(result, name, condition):
    """Times faster than a rival, of each of its cases: [(value, case)]."""
    for rival in result.get("peers", {}).get("rivals", []):
        if rival["name"] == name:
            return [(case["times_slower_than_ours"][1], case["name"]) for case in rival["cases"] if condition(case)]
    return []


def peer_goals(result):
    """(text, must, reach, [(value, case)]); more is better."""
    def element(size):
        return lambda case: case["kind"] == "element" and case["type"] == "f32" and case["bytes"] == size

    for text, name, size, must, reach in (
            ("times faster than oneMKL by hand (Philox), 1 MiB", "oneMKL", MIB, 1.5, 2.0),
            ("times faster than oneMKL by hand (Philox), 64 MiB", "oneMKL", 64 * MIB, 1.4, 1.6),
            ("times faster than PyTorch eager, 64 MiB", "PyTorch eager", 64 * MIB, 25, None),
            ("times faster than torch.compile, 64 MiB", "torch.compile", 64 * MIB, 15, None),
            ("times faster than JAX jit, 64 MiB", "JAX jit", 64 * MIB, 15, None)):
        yield text, must, reach, peer_values(result, name, element(size))


def two_threads(result):
    """How time falls with two threads, ours against memcpy's: text, or None."""
    by_tags = {}
    for case in result["cases"]:
        tags = dict(case["tags"])
        threads = tags.pop("threads")
        by_tags.setdefault(json.dumps(tags, sort_keys=True), {})[threads] = case
    for cases in by_tags.values():
        if 1 in cases and 2 in cases:
            speedups = {kernel: cases[1]["kernels"][kernel]["ns_per_element"][1] /
                        cases[2]["kernels"][kernel]["ns_per_element"][1]
                        for kernel in ("memcpy", "compiled", "yardstick") if kernel in cases[2]["kernels"]}
            yield [cases[1]["name"]] + ["%.2f" % speedups[k] if k in speedups else "-"
                                        for k in ("memcpy", "yardstick", "compiled")]


def verdict(value, must, reach, more=False):
    sign = -1 if more else 1
    if reach is not None and sign * value <= sign * reach:
        return "reached"
    return "holds" if sign * value <= sign * must else "missed"


def goal_rows(result):
    """[goal, must, reach, measured, verdict, case]."""
    def row(text, must, reach, values, form, more=False):
        shown = [text, form % must, form % reach if reach is not None else "-"]
        if not values:
            return shown + ["-", "not measured", ""]
        value, case = (min if more else max)(values)
        return shown + [form % value, verdict(value, must, reach, more), case]

    for goal in goals():
        values = [(goal.select(case), case["name"]) for case in result["cases"]]
        yield row(goal.text, goal.must, goal.reach, [v for v in values if v[0] is not None], "%.2f")
    for text, must, reach, values in peer_goals(result):
        yield row(text, must, reach, values, "%.1f", more=True)
    for text, must, reach, value in compile_goals(result):
        yield row(text, must, reach, [] if value is None else [(value, "")], "%.1f ms")


def case_rows(result):
    """[case, memcpy ns, NT copy, yardstick, ours, ours / yardstick, spread]."""
    def form(value):
        return "-" if value is None else "%.2f" % value

    for case in result["cases"]:
        first, median, third = case["kernels"]["compiled"]["ratio_to"]["memcpy"]
        yield [case["name"], "%.3f" % case["kernels"]["memcpy"]["ns_per_element"][1],
               form(ratio(case, "NT copy", "memcpy")), form(ratio(case, "yardstick", "memcpy")), "%.2f" % median,
               form(ratio(case, "compiled", "yardstick")), "%.2f-%.2f" % (first, third)]
        extra = [(name, name) for name in case["kernels"]
                 if name not in ("memcpy", "NT copy", "yardstick", "compiled")]
        for name, _ in sorted(extra):
            yield ["    " + name, "", "", "", form(ratio(case, name, "memcpy")), "", ""]


def peer_rows(result):
    """[rival, case, ns an element, to memcpy, times slower than ours]."""
    for rival in result.get("peers", {}).get("rivals", []):
        name = rival["name"] + (" " + rival["version"] if rival.get("version") else "")
        if rival.get("error"):
            yield [name, "not to be had: " + rival["error"], "", "", ""]
        for case in rival["cases"]:
            yield [name, case["name"], "%.2f" % case["ns_per_element"][1], "%.1f" % case["to_memcpy"][1],
                   "%.1f" % case["times_slower_than_ours"][1]]


def print_table(title, header, rows, markdown, out):
    rows = [[str(cell) for cell in row] for row in rows]
    if not rows:
        return
    widths = [max(len(row[i]) for row in rows + [header]) for i in range(len(header))]
    if markdown:
        out.write("\n### %s\n\n" % title)
        out.write("| " + " | ".join(header) + " |\n|" + "---|" * len(header) + "\n")
        for row in rows:
            out.write("| " + " | ".join(cell.replace("    ", "&emsp;") for cell in row) + " |\n")
        return
    out.write("\n%s\n" % title)
    for row in [header, ["-" * width for width in widths]] + rows:
        cells = [cell.ljust(width) if i in (0, len(row) - 1) else cell.rjust(width)
                 for i, (cell, width) in enumerate(zip(row, widths))]
        out.write("  ".join(cells).rstrip() + "\n")


def describe(result):
    machine, versions = result["machine"], result["versions"]
    caches = ", ".join("%s %s" % item for item in sorted(machine.get("caches", {}).items()))
    return ["%s (%s), %d CPUs, %s; %s, %s" % (machine["cpu"], machine["llvm_cpu"], machine["cpus"], caches,
                                              machine.get("kernel", ""), machine.get("libc", "")),
            "%s; MLIR Dropout %s, LLVM %s, lowering %s, %s run of %d s" % (
                result["date"], versions["dropout"], versions["llvm"], result["lowering"], result["mode"],
                result["seconds"])]


def report(result, markdown, out):
    for line in describe(result):
        out.write(line + ("  \n" if markdown else "\n"))
    print_table("Goals (worst case of each)", ["goal", "must", "reach for", "measured", "verdict", "case"],
                list(goal_rows(result)), markdown, out)
    print_table("Cases: ratio to memcpy",
                ["case", "memcpy ns/elem", "NT copy", "yardstick", "ours", "ours / yardstick", "ours, quartiles"],
                list(case_rows(result)), markdown, out)
    print_table("Two threads: times faster than one", ["case", "memcpy", "yardstick", "ours"],
                list(two_threads(result)), markdown, out)
    print_table("Rivals", ["rival", "case", "ns/elem", "to memcpy", "times slower than ours"],
                list(peer_rows(result)), markdown, out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("--markdown", action="store_true", help="tables for docs/Benchmarks.md")
    arguments = parser.parse_args()
    with open(arguments.file) as f:
        result = json.load(f)
    report(result, arguments.markdown, sys.stdout)


if __name__ == "__main__":
    main()
