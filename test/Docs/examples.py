# RUN: %python %s %dropout_src
#
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Every ```mlir block of the references, the rationale and the README parses,
# verifies and prints back. Values that a block uses and does not define become
# arguments of a function around it; their types come from the block's own ops.

import os
import pathlib
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "Inputs"))
sys.dont_write_bytecode = True
from blocks import blocks, whole


def main():
    root = pathlib.Path(sys.argv[1])
    pages = sorted((root / "docs").glob("*.md")) + [root / "README.md"]
    count = 0
    for page in pages:
        for line, block in blocks(page):
            text = whole(block)
            if text is None:
                continue
            done = subprocess.run(
                [os.environ["DROPOUT_OPT"], "--verify-roundtrip", "-"], input=text,
                capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(f"{page.name}:{line}: the example does not parse\n"
                         f"{text}\n{done.stderr}")
            count += 1
    print(f"{count} examples parse, verify and round-trip")
    if count < 12:
        sys.exit("expected 12 examples or more: were the pages read at all?")


main()
