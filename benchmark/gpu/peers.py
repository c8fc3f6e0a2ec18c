#!/usr/bin/env python3
# ===- peers.py - PyTorch's and Triton's dropout on a GPU -------------------===//
#
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Times dropout of PyTorch (eager and compiled) and Triton on this machine's GPU,
as fractions of the speed of a device-to-device copy of the same bytes.

    peers.py [--largest MIB] [--rounds N] [--json FILE]

Needs a Python with PyTorch for CUDA and Triton, and a GPU. Ours are timed by
`dropout-gpu-check --bench` of the GPU kit in the same way: each round times the
copy and every candidate once, by events, and the median of the rounds' ratios
counts. A figure is the time of the copy divided by that of the candidate: 1 is
copy speed. The copy moves as many bytes as the candidate has to.
"""

import argparse
import json
import statistics
import sys

try:
    import torch
    import triton

    import rivals
except ImportError as missing:
    sys.exit("peers.py: error: expected a Python with PyTorch and Triton: %s" % missing)

TYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}
SIZES = (16, 64, 256, 1024, 4096)  # MiB of x
COLUMNS = 4096


def time_once(run):
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    begin.record()
    run()
    end.record()
    end.synchronize()
    return begin.elapsed_time(end)


def launch(kernel, x, y, p, **more):
    grid = (triton.cdiv(x.numel(), kernel.elements * rivals.WARPS * 32),)
    kernel.function[grid](x, y, x.numel(), p, seed=7, BLOCK=kernel.block, num_warps=rivals.WARPS, **more)


def candidates(x, p):
    """Name, what to run, and the elements it reads and writes per element of x."""
    y = torch.empty_like(x)
    dropout = torch.nn.functional.dropout
    compiled = torch.compile(lambda t: dropout(t, p))
    alpha = torch.nn.functional.alpha_dropout
    yield "PyTorch eager, element", lambda: dropout(x, p), 2
    yield "PyTorch compiled, element", lambda: compiled(x), 2
    yield "PyTorch eager, alpha", lambda: alpha(x, p, training=True), 2
    leaf = x.detach().requires_grad_()
    result = dropout(leaf, p)
    yield "PyTorch eager, backward", lambda: result.backward(x, retain_graph=True), 2
    rows = x.view(-1, COLUMNS)
    residual, bias = torch.ones_like(rows), torch.ones(COLUMNS, device=x.device, dtype=x.dtype)

    def fused(t):
        return residual + dropout(torch.nn.functional.gelu(t + bias, approximate="tanh"), p)

    compiled_fused = torch.compile(fused)
    yield "PyTorch compiled, gelu(x + bias), dropout, + residual", lambda: compiled_fused(rows), 3
    for kernel in rivals.KERNELS:
        if kernel.function in (rivals.seeded, rivals.four_chunks, rivals.four_interleaved):
            yield kernel.name, lambda kernel=kernel: launch(kernel, x, y, p), 2
        elif kernel.function is rivals.alpha:
            yield kernel.name, lambda kernel=kernel: launch(kernel, x, y, p, scale=1.1, shift=0.1), 2
        elif kernel.function is rivals.fused:
            grid = (rows.shape[0], triton.cdiv(COLUMNS, kernel.block))
            yield kernel.name, lambda kernel=kernel, grid=grid: kernel.function[grid](
                rows, bias, residual, y.view(-1, COLUMNS), COLUMNS, p, 7, BLOCK=kernel.block,
                num_warps=rivals.WARPS), 3


def measure(type_name, mebibytes, p, rounds):
    dtype = TYPES[type_name]
    count = (mebibytes << 20) // dtype.itemsize
    x = torch.randn(count, device="cuda", dtype=dtype)
    runs = list(candidates(x, p))
    # A copy reads and writes half of what a candidate moves.
    source = torch.empty(3 * count * dtype.itemsize // 2, device="cuda", dtype=torch.uint8)
    target = torch.empty_like(source)

    def copy(accesses):
        size = accesses * count * dtype.itemsize // 2
        target[:size].copy_(source[:size])

    for _, run, accesses in runs:  # compiles, and fills the allocator
        run()
        copy(accesses)
    torch.cuda.synchronize()
    ratios = {name: [] for name, _, _ in runs}
    for _ in range(rounds):
        for name, run, accesses in runs:
            ratios[name].append(time_once(lambda: copy(accesses)) / time_once(run))
    return {name: statistics.median(values) for name, values in ratios.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--largest", type=int, default=1024, metavar="MIB", help="largest x (%(default)s)")
    parser.add_argument("--rounds", type=int, default=25, metavar="N", help="rounds (%(default)s)")
    parser.add_argument("--json", metavar="FILE", help="write all figures")
    options = parser.parse_args()
    if options.rounds < 1 or options.largest < SIZES[0]:
        parser.error("expected at least 1 round and %d MiB" % SIZES[0])
    if not torch.cuda.is_available():
        sys.exit("peers.py: error: expected a GPU, but PyTorch finds none")
    figures = []
    for mebibytes in SIZES:
        if mebibytes > options.largest:
            break
        for type_name in TYPES:
            for p in (0.1, 0.5):
                for name, ratio in measure(type_name, mebibytes, p, options.rounds).items():
                    figures.append({"kernel": name, "type": type_name, "mib": mebibytes, "p": p,
                                    "of_copy": ratio})
                    print("%-58s %-4s %5d MiB  p %.1f  %.3f" % (name, type_name, mebibytes, p, ratio),
                          flush=True)
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"gpu": torch.cuda.get_device_name(), "torch": torch.__version__,
                       "triton": triton.__version__, "figures": figures}, file, indent=1)


if __name__ == "__main__":
    main()
