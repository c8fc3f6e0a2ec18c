#!/usr/bin/env python3
# ===- rivals.py - Dropout as people write it in Triton --------------------===//
#
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Compiles dropout written in Triton for Hopper, without a GPU, and counts its
instructions by sass.py.

    rivals.py [--output DIR] [--json FILE]

Needs a Python with Triton (`pip install triton`). Writes PTX and binary of every
kernel and kernels.csv, a list for `sass.py --list`, into DIR (build/gpu/triton).
The binary counts, made by the ptxas that comes with Triton: it is what Triton
would launch.

The kernels follow Triton's documentation: mask and random numbers from the
offsets of a block, 1,024 offsets a program, 4 warps; pointers and sizes are
divisible by 16, as Triton's launcher would have found out.
"""

import argparse
import csv
import os
import sys
import warnings

try:
    import triton
    import triton.language as tl
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource
except ImportError as missing:
    sys.exit("rivals.py: error: expected a Python with Triton: %s" % missing)

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BLOCK, WARPS = 1024, 4
TYPES = {"f32": ("fp32", 4), "bf16": ("bf16", 2), "f16": ("fp16", 2)}

# ===----------------------------------------------------------------------===//
# The kernels
# ===----------------------------------------------------------------------===//


@triton.jit
def seeded(x_ptr, y_ptr, n, p, seed, BLOCK: tl.constexpr):
    """One random word an element."""
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < n
    x = tl.load(x_ptr + at, mask=inside)
    keep = tl.rand(seed, at) > p
    tl.store(y_ptr + at, tl.where(keep, x / (1 - p), 0.0), mask=inside)


@triton.jit
def four_chunks(x_ptr, y_ptr, n, p, seed, BLOCK: tl.constexpr):
    """Four words a Philox block, one for each of four chunks of BLOCK elements."""
    program = tl.program_id(0)
    lane = tl.arange(0, BLOCK)
    u0, u1, u2, u3 = tl.rand4x(seed, program * BLOCK + lane)
    at0 = program * (BLOCK * 4) + lane
    at1 = at0 + BLOCK
    at2 = at1 + BLOCK
    at3 = at2 + BLOCK
    scale = 1.0 / (1.0 - p)
    x0 = tl.load(x_ptr + at0, mask=at0 < n)
    x1 = tl.load(x_ptr + at1, mask=at1 < n)
    x2 = tl.load(x_ptr + at2, mask=at2 < n)
    x3 = tl.load(x_ptr + at3, mask=at3 < n)
    tl.store(y_ptr + at0, tl.where(u0 > p, x0 * scale, 0.0), mask=at0 < n)
    tl.store(y_ptr + at1, tl.where(u1 > p, x1 * scale, 0.0), mask=at1 < n)
    tl.store(y_ptr + at2, tl.where(u2 > p, x2 * scale, 0.0), mask=at2 < n)
    tl.store(y_ptr + at3, tl.where(u3 > p, x3 * scale, 0.0), mask=at3 < n)


@triton.jit
def four_interleaved(x_ptr, y_ptr, n, p, seed, BLOCK: tl.constexpr):
    """Four words a Philox block, for four elements side by side."""
    program = tl.program_id(0)
    block = program * (BLOCK // 4) + tl.arange(0, BLOCK // 4)
    u0, u1, u2, u3 = tl.rand4x(seed, block)
    u = tl.interleave(tl.interleave(u0, u2), tl.interleave(u1, u3))
    at = program * BLOCK + tl.arange(0, BLOCK)
    inside = at < n
    x = tl.load(x_ptr + at, mask=inside)
    scale = 1.0 / (1.0 - p)
    tl.store(y_ptr + at, tl.where(u > p, x * scale, 0.0), mask=inside)


@triton.jit
def alpha(x_ptr, y_ptr, n, p, scale, shift, seed, BLOCK: tl.constexpr):
    """Alpha dropout; scale and shift come from the host."""
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < n
    x = tl.load(x_ptr + at, mask=inside).to(tl.float32)
    keep = tl.rand(seed, at) > p
    y = tl.where(keep, x, -1.7580993408473766) * scale + shift
    tl.store(y_ptr + at, y, mask=inside)


@triton.jit
def fused(x_ptr, bias_ptr, residual_ptr, y_ptr, columns, p, seed, BLOCK: tl.constexpr):
    """dropout(gelu(x + bias)) + residual, one program for BLOCK columns of a row.
    tanh's gelu, as x times a sigmoid, which is the shorter way to write it."""
    column = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    at = tl.program_id(0) * columns + column
    inside = column < columns
    bias = tl.load(bias_ptr + column, mask=inside).to(tl.float32)
    x = tl.load(x_ptr + at, mask=inside).to(tl.float32) + bias
    residual = tl.load(residual_ptr + at, mask=inside).to(tl.float32)
    activated = x * tl.sigmoid(1.5957691216057308 * (x + 0.044715 * x * x * x))
    keep = tl.rand(seed, at) > p
    y = tl.where(keep, activated / (1 - p), 0.0) + residual
    tl.store(y_ptr + at, y, mask=inside)


class Kernel:
    """A kernel, its block, the elements of a program and how often an element of
    the type is read or written in memory (a bias comes from a cache)."""

    def __init__(self, name, function, block, elements, accesses):
        self.name, self.function, self.block = name, function, block
        self.elements, self.accesses = elements // (WARPS * 32), accesses


KERNELS = [
    Kernel("Triton rand", seeded, BLOCK, BLOCK, 2),
    Kernel("Triton rand4x, chunks of 256", four_chunks, BLOCK // 4, BLOCK, 2),
    Kernel("Triton rand4x, chunks of 1024", four_chunks, BLOCK, BLOCK * 4, 2),
    Kernel("Triton rand4x, interleaved", four_interleaved, BLOCK, BLOCK, 2),
    Kernel("Triton alpha", alpha, BLOCK, BLOCK, 2),
    Kernel("Triton gelu(x + bias), dropout, + residual", fused, BLOCK, BLOCK, 3),
]


def compile_kernel(kernel, type_name):
    signature, aligned = {}, {}
    for index, name in enumerate(kernel.function.arg_names):
        if name.endswith("_ptr"):
            signature[name] = "*" + type_name
        else:
            signature[name] = {"n": "i32", "columns": "i32", "seed": "i32", "BLOCK": "constexpr"}.get(
                name, "fp32")
        if name.endswith("_ptr") or name in ("n", "columns"):
            aligned[(index,)] = [["tt.divisibility", 16]]
    source = ASTSource(kernel.function, signature=signature, constexprs={"BLOCK": kernel.block},
                       attrs=aligned)
    return triton.compile(source, target=GPUTarget("cuda", 90, 32), options={"num_warps": WARPS})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", metavar="DIR",
                        default=os.path.join(ROOT, "build", "gpu", "triton"),
                        help="folder for PTX, binaries and their list (%(default)s)")
    parser.add_argument("--json", metavar="FILE", help="write all figures")
    arguments = parser.parse_args()
    # Triton 3.9 announces a new default of contraction to fma.
    warnings.filterwarnings("ignore", category=UserWarning, module="triton")
    try:
        os.makedirs(arguments.output, exist_ok=True)
        rows = []
        for kernel in KERNELS:
            for name, (type_name, size) in TYPES.items():
                compiled = compile_kernel(kernel, type_name)
                base = "%s_%d_%s" % (kernel.function.__name__, kernel.block, name)
                with open(os.path.join(arguments.output, base + ".ptx"), "w") as file:
                    file.write(compiled.asm["ptx"])
                with open(os.path.join(arguments.output, base + ".cubin"), "wb") as file:
                    file.write(compiled.asm["cubin"])
                rows.append([kernel.name, name, kernel.elements, kernel.accesses * size,
                             base + ".cubin"])
        listing = os.path.join(arguments.output, "kernels.csv")
        with open(listing, "w", newline="") as file:
            file.write("# Triton %s; name, type, elements per thread, bytes per element, file\n"
                       % triton.__version__)
            csv.writer(file, lineterminator="\n").writerows(rows)
    except OSError as error:
        sys.exit("rivals.py: error: %s" % error)
    command = [sys.executable, os.path.join(HERE, "sass.py"), "--list", listing]
    os.execv(sys.executable, command + (["--json", arguments.json] if arguments.json else []))


if __name__ == "__main__":
    main()
