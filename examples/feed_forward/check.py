#!/usr/bin/env python3
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles feed_forward.mlir as one program and compares it with NumPy.

Twice: bit for bit with f32 arithmetic in the order of the program, every sum
from its first term to its last, and closely with f64. In the sizes of the file,
in odd ones, with every number of tokens known beforehand, and with every
lowering. DROPOUT_RUN names the compiler (default: build/bin/dropout-run).
"""

import ctypes
import ctypes.util
import math
import os
import sys

import numpy as np

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "test", "Integration"))
import harness  # noqa: E402
import oracle  # noqa: E402  masks and values of dropout in NumPy, which shares no code with the compiler

F32 = np.float32
SEED, OFFSET = 42, 7

libm = ctypes.CDLL(ctypes.util.find_library("m"))
libm.erff.restype, libm.erff.argtypes = ctypes.c_float, [ctypes.c_float]
erff = np.vectorize(libm.erff, otypes=[F32])


def program(tokens, model, hidden, static):
    """The file for other sizes; `static`: with the number of tokens in the types."""
    with open(os.path.join(HERE, "feed_forward.mlir")) as f:
        text = f.read()
    text = text.replace("x1024xf32", f"x{hidden}xf32").replace("<1024x", f"<{hidden}x")
    text = text.replace("x256xf32", f"x{model}xf32").replace("<256x", f"<{model}x").replace("256.0", f"{model}.0")
    if static:
        text = text.replace("tensor<?x", f"tensor<{tokens}x").replace("tensor.empty(%tokens)", "tensor.empty()")
    return text


def matmul(a, b):
    """In f32, one product after the other."""
    total = np.zeros((a.shape[0], b.shape[1]), F32)
    for k in range(a.shape[1]):
        total += a[:, k:k + 1] * b[k]
    return total


def row_sums(a):
    total = np.zeros((len(a), 1), F32)
    for k in range(a.shape[1]):
        total += a[:, k:k + 1]
    return total


def exact(x, w1, b1, w2, b2, gamma, beta, p):
    """The block in f32, op by op."""
    dropout = lambda v, offset: oracle.apply("element", v, "f32", p, SEED, offset)[0]
    h = matmul(x, w1) + b1
    gelu = (h * F32(0.5)) * (erff(h * F32(0.707106769)) + F32(1)) if h.size else h
    v = x + dropout(matmul(dropout(gelu, OFFSET), w2) + b2, OFFSET + 1)
    n = F32(x.shape[1])
    d = v - row_sums(v) / n
    return d / np.sqrt(row_sums(d * d) / n + F32(1e-5)) * gamma + beta


def close(x, w1, b1, w2, b2, gamma, beta, p):
    """The block in f64, as the formulas say it."""
    x, w1, b1, w2, b2, gamma, beta = (a.astype(np.float64) for a in (x, w1, b1, w2, b2, gamma, beta))
    dropout = lambda v, offset: np.where(oracle.mask("element", v.shape, p, SEED, offset), v / (1 - p), 0)
    h = x @ w1 + b1
    h = h / 2 * (1 + np.vectorize(math.erf, otypes=[float])(h / math.sqrt(2))) if h.size else h
    v = x + dropout(dropout(h, OFFSET) @ w2 + b2, OFFSET + 1)
    return (v - v.mean(1, keepdims=True)) / np.sqrt(v.var(1, keepdims=True) + 1e-5) * gamma + beta


def check(tokens, model, hidden, p, static, lowerings):
    draw = np.random.default_rng(tokens)
    normal = lambda *shape: draw.standard_normal(shape).astype(F32)
    inputs = [normal(tokens, model), normal(model, hidden) / F32(math.sqrt(model)), normal(hidden),
              normal(hidden, model) / F32(math.sqrt(hidden)), normal(model), normal(model), normal(model)]
    want, formula = exact(*inputs, p), close(*inputs, p)
    # With the C library's erf: bit for bit. As people run it, with its vector
    # library's, which is off by up to 4 ulp: within the bound.
    for lowering, flags in [(name, ["--no-vector-math"]) for name in lowerings] + [(lowerings[0], [])]:
        what = f"{tokens} tokens of {model}, hidden {hidden}, p {p}, {'static' if static else 'dynamic'}, {lowering} {' '.join(flags)}"
        (y,) = harness.run(program(tokens, model, hidden, static), inputs + [p, SEED, OFFSET], 1, what,
                           entry="feed_forward", lowering=lowering, flags=flags)
        if flags:
            harness.same(y, want, "f32", what)
        error = float(np.abs(y - formula).max(initial=0))
        harness.check(error < 1e-4, f"{what}: off by {error:.1e} from f64")
        bits = f"all {y.size} values as NumPy has them in f32, bit for bit; " if flags else ""
        print(f"{what}: {bits}largest error against f64 {error:.1e}", flush=True)


check(128, 256, 1024, 0.1, False, harness.LOWERINGS)
check(128, 256, 1024, 0.1, True, harness.LOWERINGS[:1])
check(37, 33, 70, 0.5, False, harness.LOWERINGS)
check(37, 33, 70, 0.5, True, harness.LOWERINGS[:1])
check(61, 72, 129, 0.0, False, harness.LOWERINGS[:1])  # eval, as a p of 0
check(1, 256, 1024, 0.9, False, harness.LOWERINGS[:1])
check(0, 33, 70, 0.1, False, harness.LOWERINGS[:1])
harness.done()
