# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ptx.py [--hot]: the PTX in a module that dropout-opt prints, from standard
# input; with --hot only the instructions of each kernel that a thread executes
# whose elements all lie in the array and have no tie: of the shortest way from
# the first instruction to `ret` that passes a vector access. A kernel without
# vector accesses is only named.

import re, sys


def ptx(text):
    """The text of the image, which MLIR prints with \\XX for bytes."""
    image, = re.findall(r'@dropout_kernels_image\("((?:[^"\\]|\\.)*)"\)', text)
    return re.sub(r"\\([0-9A-F]{2}|.)", lambda m: chr(int(m[1], 16)) if len(m[1]) == 2 else m[1], image).rstrip("\0")


def blocks(body):
    """{label: (instructions, labels that may follow)}, the first one's label is None."""
    found, label, fallen = {None: ([], [])}, None, False
    for line in map(str.strip, body.splitlines()):
        begins = re.match(r"(\$\w+):", line)
        if begins:
            if not fallen:
                found[label][1].append(begins[1])
            label, fallen = begins[1], False
            found[label] = [], []
        elif re.match(r"@|[a-z]", line):
            if fallen:  # behind a branch: a block without a label
                label, fallen = object(), False
                found[label] = [], []
            found[label][0].append(line)
            target = re.match(r"(@!?%\w+ )?\s*bra(?:\.uni)?\s+(\$\w+)", line)
            if target:
                found[label][1].append(target[2])
                if target[1]:
                    following = object()
                    found[label][1].append(following)
                    found[following] = [], []
                    label = following
                else:
                    fallen = True
            elif line.startswith("ret"):
                fallen = True
    return found


def way(code, start, is_end):
    """The shortest way from a block to one that `is_end`, breadth first."""
    before, queue = {start: None}, [start]
    for label in queue:
        if is_end(code[label][0]):
            found = [label]
            while before[found[0]] is not None or found[0] != start:
                found.insert(0, before[found[0]])
            return found
        for following in code[label][1]:
            if following not in before:
                before[following] = label
                queue.append(following)
    return []


def main():
    text = ptx(sys.stdin.read())
    if sys.argv[1:] != ["--hot"]:
        return print(text)
    for name, body in re.findall(r"\.entry (\w+)\([^)]*\)[^{]*\{\n(.*?)\n\}", text, re.S):
        print(f".entry {name}")
        code = blocks(body)
        first = way(code, None, lambda block: any(re.search(r"\.global\.v\d", line) for line in block))
        rest = way(code, first[-1], lambda block: "ret;" in block) if first else []
        for label in first + rest[1:]:
            print("\n".join(code[label][0]))


if __name__ == "__main__":
    main()
