# RUN: %python %s %dropout_src
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Where the reference of a pass says that one ```mlir block becomes another, the
# pass makes the second of the first: the same ops in the same order, constants
# aside. Whole functions are compared word for word, as they are printed; where
# the second block has an ellipsis, there may be more ops.

import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "Inputs"))
sys.dont_write_bytecode = True
from blocks import blocks, whole


def examples(page):
    """(line, pass, before, after) of each pair of blocks with `becomes` between."""
    lines = page.read_text().splitlines()
    found = list(blocks(page))
    for (first, before), (second, after) in zip(found, found[1:]):
        between = lines[first + before.count("\n") + 1:second - 2]
        if " ".join(between).split() == ["becomes"]:
            titles = [m for m in map(re.compile(r"### `-([\w-]+)`$").match, lines[:first]) if m]
            yield first, titles[-1].group(1), before, after


def ops(text):
    """Names of the ops of a text, without constants and what holds the rest."""
    names = re.findall(r"^ *(?:%[\w:]+(?:, %[\w:]+)* = )?([a-z_]+(?:\.[a-z_]+)+|return)\b", text, re.M)
    return [name for name in names if name not in ("arith.constant", "func.func", "return")]


def run(text, *options):
    done = subprocess.run([os.environ["DROPOUT_OPT"], *options, "-"], input=text, capture_output=True, text=True)
    return done.stdout if done.returncode == 0 and not done.stderr else sys.exit(f"{text}\n{done.stderr}")


def main():
    seen, written = [], 0
    for page in sorted((pathlib.Path(sys.argv[1]) / "docs").glob("*.md")):
        written += page.read_text().split("\n").count("becomes")
        for line, name, before, after in examples(page):
            got = run(whole(before, returning=True), f"--{name}")
            names, rest = ops(after), iter(ops(got))
            if "func.func" in after:
                right = run(after) == got
            elif "..." in after:
                right = all(op in rest for op in names)  # in order: `in` moves on
            else:
                right = names == list(rest)
            if not right or not names:
                sys.exit(f"{page.name}:{line}: {name} does not make this\n{after}\nbut\n{got}")
            seen.append(name)
    print(f"{len(seen)} examples become what the pages say: {', '.join(seen)}")
    if len(seen) < 3 or len(seen) != written:
        sys.exit(f"expected 3 examples or more, one for each of {written} lines `becomes`")


main()
