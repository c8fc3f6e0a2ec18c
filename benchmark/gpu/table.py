#!/usr/bin/env python3
# ===- table.py - The table of docs/GPU.md ---------------------------------===//
#
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Prints the JSON of sass.py as a Markdown table.

    table.py FILE... [--update PAGE]

Kernels appear in the order of the files. Those of ours that no file has get an
empty row. --update puts the table between the marks of a page,
`<!-- gpu-static: begin -->` and `<!-- gpu-static: end -->`.
"""

import argparse
import json
import os
import re
import sys

# Kernels of ours that the page is to show: names and types in a list for sass.py.
OURS = [("ours, " + name, type_name)
        for name in ("element", "alpha") for type_name in ("f32", "bf16", "f16")]
HEADER = ["kernel", "type", "elements a thread", "registers", "instructions / element",
          "wide multiplies", "LOP3", "conversions", "loads and stores, bits", "local memory",
          "elements / clock / SM", "H200 needs", "H200: bound by", "H100 needs", "H100: bound by", "ptxas"]
BEGIN, END = "<!-- gpu-static: begin -->", "<!-- gpu-static: end -->"


def bits(counts):
    """`128 x2` for {"LDG.E.128.CONSTANT": 2}."""
    widths = {}
    for name, number in counts.items():
        found = re.search(r"\.[US]?(256|128|64|16|8)\b", name)
        width = int(found.group(1)) if found else 32
        widths[width] = widths.get(width, 0) + number
    return ", ".join("%d x%d" % (width, number) for width, number in sorted(widths.items(), reverse=True))


def span(low, high):
    """A range where pipes that multiplies may share make a difference."""
    low, high = "%.1f" % low, "%.1f" % high
    return high if low == high else "%s to %s" % (low, high)


def row(kernel):
    hot, elements = kernel["hot"], kernel["elements_per_thread"]
    if not elements:
        sys.exit("table.py: error: %s: expected elements per thread in the JSON" % kernel["name"])
    bound = {"memory": "memory", "ALU": "ALU", "ALU if shared": "memory or ALU"}
    cells = [kernel["name"], kernel["type"] or "", elements,
             "" if kernel["registers"] is None else kernel["registers"],
             "%.1f" % kernel["instructions_per_element"],
             "%.1f" % (hot["wide_multiplies"] / elements), "%.1f" % (hot["lop3"] / elements),
             "%.1f" % (hot["conversions"] / elements),
             "%s; %s" % (bits(hot["loads"]) or "-", bits(hot["stores"]) or "-"),
             "none" if not kernel["local"] and not kernel["spills"] else "used",
             span(kernel["elements_per_clock_shared"], kernel["elements_per_clock"])]
    for machine in ("H200", "H100"):
        figures = kernel["machines"][machine]
        cells += ["%.2f" % figures["needed"], bound[figures["bound"]]]
    cells.append(kernel["ptxas"] or "")
    return [str(cell) for cell in cells]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="+", metavar="FILE", help="JSON of sass.py")
    parser.add_argument("--update", metavar="PAGE", help="replace the table of a page")
    arguments = parser.parse_args()
    try:
        kernels = []
        for path in arguments.files:
            with open(path, encoding="utf-8") as file:
                kernels += json.load(file)["kernels"]
        known = {(kernel["name"], kernel["type"]) for kernel in kernels}
        rows = [list(slot) + [""] * (len(HEADER) - 2) for slot in OURS if slot not in known]
        rows += [row(kernel) for kernel in kernels]
        lines = ["| %s |\n" % " | ".join(cells) for cells in [HEADER] + rows]
        lines.insert(1, "|%s\n" % ("---|" * len(HEADER)))
        table = "".join(lines)
        if not arguments.update:
            print(table, end="")
            return
        with open(arguments.update, encoding="utf-8") as file:
            text = file.read()
        if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
            sys.exit("table.py: error: %s: expected '%s' and '%s' once each" % (arguments.update, BEGIN, END))
        before, after = text.split(BEGIN)[0], text.split(END)[1]
        # Whole or not at all: the page is never left half written.
        partial = arguments.update + ".new"
        with open(partial, "w", encoding="utf-8") as file:
            file.write(before + BEGIN + "\n" + table + END + after)
        os.replace(partial, arguments.update)
    except OSError as error:
        sys.exit("table.py: error: %s: %s" % (error.filename, error.strerror))
    except (KeyError, TypeError, ValueError) as error:
        sys.exit("table.py: error: expected JSON of sass.py: %s" % error)


if __name__ == "__main__":
    main()
