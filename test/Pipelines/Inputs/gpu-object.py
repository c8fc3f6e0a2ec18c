# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: gpu-object.py [FILE]
#
# The bytes of the first object of a gpu.binary in printed MLIR: what stands
# between the quotes, with its escapes undone.

import re, sys

text = (open(sys.argv[1], "rb") if len(sys.argv) > 1 else sys.stdin.buffer).read()
found = re.search(rb'gpu\.binary @\w+ +\[#gpu\.object<#\w+\.target<[^>]*>, (?:\w+ = )?"([^"]*)"', text)
if not found:
    sys.exit("expected a gpu.binary with an object")
escapes = {b"\\\\": b"\\", b"\\n": b"\n", b"\\t": b"\t"}
undo = lambda m: escapes[m[0]] if m[0] in escapes else bytes([int(m[1], 16)])
sys.stdout.buffer.write(re.sub(rb"\\(?:([0-9A-F]{2})|[\\nt])", undo, found[1]))
