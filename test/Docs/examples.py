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
import re
import subprocess
import sys

SCALARS = {"p": "f64", "q": "f64", "seed": "i64", "s": "i64", "offset": "i64",
           "o": "i64", "t": "i64", "flag": "i1", "f": "i1", "i": "index",
           "n": "index", "state": "memref<2xi64>"}


def blocks(path):
    inside, lines = False, []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.strip() == "```mlir":
            inside, lines, first = True, [], number + 1
        elif inside and line.strip() == "```":
            inside = False
            yield first, "\n".join(lines)
        elif inside:
            lines.append(line)


def shaped_types(block):
    """Types of the tensor and memref operands, by name, from `: types`."""
    types = {}
    for line in block.splitlines():
        m = re.search(r"dropout\.(?:backward \w+|\w+)(?:\([^)]*\))? (%\w+)?"
                      r"(?: ?into (%\w+))?.* : (.*?)(?: *//.*)?$", line)
        if not m:
            continue
        written = re.findall(r"(?:tensor|memref)<[^>]*>", m.group(3))
        for name, ty in ((m.group(1), written[:1]), (m.group(2), written[-1:])):
            if name and ty:
                types[name] = ty[0]
    return types


def whole(block, kind):
    """The block as a module, `kind` being what %i and %t stand for."""
    if "func.func" in block or "module" in block:
        return block
    # Each statement stands alone: the same name may be defined twice.
    functions = []
    statements, rest = [], block.splitlines()
    for line in rest:
        if statements and (line.startswith(" ") or line.startswith("}")):
            statements[-1] += "\n" + line
        elif line.strip():
            statements.append(line)
    if "linalg.generic" in block:
        return None  # abridged with "...", as a sketch
    for k, text in enumerate(statements):
        left, _, right = text.partition(" = ")
        defined = set(re.findall(r"%\w+", left)) if _ and left.startswith("%") else set()
        used = set(re.findall(r"%\w+", text)) - defined
        types = shaped_types(text)
        args = []
        for name in sorted(used):
            ty = types.get(name) or kind.get(name[1:]) or SCALARS.get(name[1:])
            assert ty, f"{name} has no type in: {text}"
            args.append(f"{name}: {ty}")
        functions.append(f"func.func @f{k}({', '.join(args)}) {{\n{text}\n  return\n}}")
    return "\n".join(functions)


def main():
    root = pathlib.Path(sys.argv[1])
    pages = sorted((root / "docs").glob("*.md")) + [root / "README.md"]
    count = 0
    for page in pages:
        for line, block in blocks(page):
            kind = {"i": "i64"} if "dropout.keep" in block else {}
            if "training(%t)" in block:
                kind["t"] = "i1"
            text = whole(block, kind)
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
