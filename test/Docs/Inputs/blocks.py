# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The ```mlir blocks of a page, and how one becomes a module.

import re

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
    """Types of the tensor, memref and vector operands, by name, from `: types`."""
    types = {}
    for line in block.splitlines():
        keep = re.search(r"dropout\.keep (.*) : (vector<.*>)$", line)
        if keep:
            types.update(dict.fromkeys(re.findall(r"%\w+", keep.group(1)), keep.group(2)))
        m = re.search(r"dropout\.(?:backward \w+|\w+)(?:\([^)]*\))? (%\w+)?"
                      r"(?: ?into (%\w+))?.* : (.*?)(?: *//.*)?$", line)
        if not m:
            continue
        written = re.findall(r"(?:tensor|memref)<[^>]*>", m.group(3))
        for name, ty in ((m.group(1), written[:1]), (m.group(2), written[-1:])):
            if name and ty:
                types[name] = ty[0]
    return types


def whole(block, returning=False):
    """The block as a module; None for a sketch. If asked to, the functions return
    the one value that each statement defines, so that it is not dead."""
    if "func.func" in block or "module" in block:
        return block
    # What %i and %t stand for.
    kind = dict.fromkeys(("i", "base", "h"), "i64") if "dropout.keep" in block else {}
    if "training(%t)" in block:
        kind["t"] = "i1"
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
        result, value = "", ""
        if returning:
            (name,), ty = defined, text.rpartition(" : ")[2]
            result, value = f" -> {ty}", f" {name} : {ty}"
        functions.append(f"func.func @f{k}({', '.join(args)}){result} {{\n{text}\n  return{value}\n}}")
    return "\n".join(functions)
