# ===- python_tables.py - The figures of python.py as tables ---------------===//
#
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""What `tools/dev bench --python` prints and puts into a page, from the JSON."""

import io
import os
import sys

import report
from peers import MIB
from python_cases import OVERHEAD_ELEMENTS

COLUMNS = ["ours, NumPy", "ours, torch", "torch eager", "torch.compile", "JAX jit", "NumPy"]


def overhead_rows(result):
    """[call, microseconds in each environment, goal, verdict]."""
    tables = [{row["name"]: row for row in overhead["rows"]} for overhead in result["overhead"]]
    names = []
    for table in tables:
        names += [name for name in table if name not in names]
    for name in names:
        rows = [table.get(name) for table in tables]
        goal = next(row["goal"] for row in rows if row)
        worst = max(row["us"][1] for row in rows if row)
        yield [name] + ["%.2f" % row["us"][1] if row else "-" for row in rows] + (
            ["%d" % goal, "reached" if worst <= goal else "missed"] if goal else ["", ""])


def size_name(size):
    return "%d MiB" % (size // MIB) if size >= MIB else "%d KiB" % (size >> 10)


def merged(result, backward):
    """One entry for each case: [kind, type, size, microseconds of a copy, {kernel: ratio}]."""
    found = {}
    for case in result["cases"]:
        if case["backward"] != backward:
            continue
        entry = found.setdefault((case["kind"], case["type"], case["bytes"]), [case["copy_us"][1], {}])
        for name, kernel in case["kernels"].items():
            entry[1].setdefault(name, kernel["to_copy"][1])
    return [list(key) + value for key, value in found.items()]


def ratio(value):
    return "-" if value is None else "%.2f" % value if value < 10 else "%.1f" % value if value < 100 else "%.0f" % value


def case_rows(result, backward):
    for kind, type, size, copy, ratios in merged(result, backward):
        yield (["%s %s %s" % (kind, type, size_name(size)), "%.1f" % copy]
               + [ratio(ratios.get(name)) for name in COLUMNS])


def thread_rows(result):
    for backward in (False, True):
        for case in result["cases"]:
            two = case["kernels"].get("ours, 2 threads")
            if two and case["backward"] == backward:
                one = case["kernels"]["ours, NumPy"]
                yield ["%s %s %s%s" % (case["kind"], case["type"], size_name(case["bytes"]),
                                       ", forward + backward" if backward else ""),
                       ratio(one["to_copy"][1]), ratio(two["to_copy"][1]), "%.2f" % (one["us"][1] / two["us"][1])]


def rival_rows(result):
    """Times slower than ours, least and most over types and sizes: [rival, kind, forward, both]."""
    for rival in COLUMNS[2:]:
        ours = "ours, torch" if rival.startswith("torch") else "ours, NumPy"
        for kind in ("element", "alpha", "channel"):
            cells = []
            for backward in (False, True):
                values = [ratios[rival] / ratios[ours] for k, _, _, _, ratios in merged(result, backward)
                          if k == kind and rival in ratios and ours in ratios]
                cells.append("%s to %s" % (ratio(min(values)), ratio(max(values))) if values else "-")
            if cells != ["-", "-"]:
                yield [rival, kind] + cells


def describe(result):
    machine = result["machine"]
    caches = ", ".join("%s %s" % item for item in sorted(machine["caches"].items()))
    yield "%s, %d CPUs, %s; %s, %s; transparent huge pages: %s" % (
        machine["cpu"], machine["cpus"], caches, machine["kernel"], machine["libc"], machine["huge_pages"])
    yield "%s; a %s run of %d s; load before it %.2f" % (
        result["date"], result["mode"], result["seconds"], machine["load"])
    yield "; ".join("%s %s" % item for item in result["versions"].items())
    if machine["load"] > 0.5:
        yield ("Others used this machine: times of memory are longer, and ratios less sure, than on a quiet one; the "
               "table of two threads says nothing.")


def show(result, markdown, out):
    for line in describe(result):
        out.write(line + ("  \n" if markdown else "\n"))

    def table(title, header, rows):
        report.print_table(title, header, list(rows), markdown, out)

    table("What a call costs, %d elements, microseconds" % OVERHEAD_ELEMENTS, ["call"] + [
        "Python %s, %s" % (overhead["python"], ", ".join("%s %s" % item for item in overhead["versions"].items()))
        for overhead in result["overhead"]] + ["goal", ""], overhead_rows(result))
    table("Forward, as multiples of a copy", ["case", "copy, us"] + COLUMNS, case_rows(result, False))
    table("Forward and backward, as multiples of two copies", ["case", "copies, us"] + COLUMNS,
          case_rows(result, True))
    table("Two threads, as multiples of a copy by one", ["case", "one thread", "two threads", "times faster"],
          thread_rows(result))
    table("Times slower than ours, from the best to the worst case", ["", "kind", "forward", "forward + backward"],
          rival_rows(result))
    table("Not measured", ["what", "why"], sorted(result["errors"].items()))


BEGIN, END = "<!-- Figures of tools/dev bench --python. -->\n", "<!-- End of the figures. -->\n"


def put_into(page, result):
    """Replaces what is between the markers of a page."""
    with open(page) as f:
        text = f.read()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit("python.py: expected %s to have the lines\n  %s  %sbut it has not" % (page, BEGIN, END))
    tables = io.StringIO()
    show(result, True, tables)
    with open(page + ".new", "w") as f:
        f.write(before + begin + "\n" + tables.getvalue() + "\n" + end + after)
    os.replace(page + ".new", page)
