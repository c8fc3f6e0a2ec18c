# RUN: %python %s
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# What a memref op writes, and nothing else: views inside bigger buffers full of
# a canary (padded rows, columns, every second element, permuted dims, odd
# offsets), rows of every length around a vector and a block, in place and not.
# Padding, inputs and the bytes beside a mask come back untouched.

import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
sys.dont_write_bytecode = True
import numpy as np
import oracle
from harness import Batch, canary, done, random, typed

# sizes, strides, offset, length of the buffer
VIEWS = [((4, 8), (11, 1), 5, 64), ((4, 8), (1, 5), 3, 48), ((6, 9), (36, 2), 1, 220), ((3, 4, 5), (1, 17, 3), 2, 72),
         ((2, 3, 4), (40, 12, 3), 7, 90), ((33,), (3,), 2, 110), ((5, 1), (7, 1), 0, 40), ((0, 4), (8, 1), 3, 16), ((), (), 5, 9),
         ((2, 2, 2, 2, 3), (100, 40, 16, 7, 2), 1, 190)]


def place(flat, sizes, strides, offset):
    """The view as a NumPy array on the flat buffer."""
    step = flat.dtype.itemsize
    return np.lib.stride_tricks.as_strided(flat[offset:], sizes, [s * step for s in strides])


def view(b, name, flat, ty, sizes, strides, offset, dynamic):
    """Lines that make the view of an argument; returns its name and type."""
    k, n = len(b.body), len(sizes)
    T = f"memref<{''.join(f'{s}x' for s in sizes)}{ty}, strided<{list(strides)}, offset: {offset}>>"
    b.line(f"%v{k} = memref.reinterpret_cast {name} to offset: [{offset}], sizes: {list(sizes)}, strides: {list(strides)} : "
           f"{typed(flat.shape, ty, kind='memref')} to {T}")
    if not dynamic:
        return f"%v{k}", T
    D = f"memref<{'?x' * n}{ty}, strided<[{', '.join('?' * n)}], offset: ?>>"
    b.line(f"%d{k} = memref.cast %v{k} : {T} to {D}")
    return f"%d{k}", D


def case(b, kind, ty, v, p, inplace=False, backward=False, dynamic=False, runtime=False, **tail):
    """One op between two views, in buffers of their own."""
    sizes, strides, offset, n = v
    src = canary((n,), ty)
    place(src, sizes, strides, offset)[...] = random(sizes, ty, n)
    y, loose = oracle.apply(kind, np.array(place(src, sizes, strides, offset)), ty, p, 42, 7, backward=backward, **tail)
    want = src.copy() if inplace else canary((n,), ty)
    place(want, sizes, strides, offset)[...] = y
    what = f"memory: {'backward ' if backward else ''}{kind} {ty} view {sizes} strides {strides} offset {offset} of {n}" \
           f"{' in place' if inplace else ''}{' dynamic' if dynamic else ''}"
    a = b.buffer(src, ty, want if inplace else src.copy(), what + ("" if inplace else " (its input)"))
    x, T = view(b, a, src, ty, sizes, strides, offset, dynamic)
    d, D = (x, T) if inplace else view(b, b.buffer(canary((n,), ty), ty, want, what), want, ty, sizes, strides, offset, dynamic)
    b.line(f"dropout.{'backward ' if backward else ''}{kind} {x} into {d}{b.tail(p, 42, 7, runtime, **tail)} : {T}, {D}")


for k, inplace in enumerate((False, True)):
    b = Batch("views")
    for j, v in enumerate(VIEWS):
        ty = oracle.TYPES[(j + k) % 4]
        case(b, ("element", "alpha")[j % 2], ty, v, .4, inplace, backward=j % 3 == 0, dynamic=j % 2 == k, runtime=j % 3 == 1)
        if len(v[0]) >= 2:
            case(b, ("channel", "feature_alpha")[j % 2], ty, v, .4, inplace, dynamic=j % 2 != k, dims=[1, 0] if j % 3 else None)
        if k == 0:
            case(b, "element", ty, v, 1.0, dynamic=True, runtime=True)
            case(b, "alpha", ty, v, .4, training=False, dynamic=True)
    b.check()

# Rows of 0 to 34 elements: every tail of a block and of a vector, beginning where blocks and alignment do not.
b = Batch("tails")
for n in list(range(19)) + [31, 32, 33, 34]:
    case(b, ("element", "alpha")[n % 2], oracle.TYPES[n % 4], ((n,), (1,), 3, n + 8), .5, inplace=n % 3 == 0, dynamic=n % 2 == 0)
    case(b, "element", "f32", ((3, n), (n + 2, 1), 1, 3 * n + 8), .5, backward=n % 2 == 1, dynamic=n % 3 == 0,
         at=(2, 5), of=(9, n + 11))
b.check()

# From one layout to another: source and destination may differ in strides.
b = Batch("layouts")
x = random((6, 9), "f32")
y = oracle.apply("element", x, "f32", .4, 42, 7)[0]
for j, (s, d) in enumerate((((9, 1), (1, 6)), ((1, 6), (9, 1)), ((20, 2), (1, 7)), ((1, 8), (12, 1)))):
    src, dst, want = canary((130,), "f32"), canary((130,), "f32"), canary((130,), "f32")
    place(src, x.shape, s, 4)[...] = x
    place(want, x.shape, d, 2)[...] = y
    v, T = view(b, b.buffer(src, "f32", src.copy(), f"layout {s} input"), src, "f32", x.shape, s, 4, j % 2 == 0)
    w, D = view(b, b.buffer(dst, "f32", want, f"layout {s} to {d}"), dst, "f32", x.shape, d, 2, j % 2 == 0)
    b.line(f"dropout.element {v} into {w}{b.tail(.4, 42, 7)} : {T}, {D}")
b.check()

# A mask in memory is one byte per element; the bytes around a strided one keep their values.
b = Batch("mask bytes")
for j, (sizes, strides, offset, n) in enumerate(VIEWS):
    for fill in (False, True):
        flat = np.full(n, fill)
        want = flat.copy()
        place(want, sizes, strides, offset)[...] = oracle.mask("element", sizes, .5, 42, 7)
        v, T = view(b, b.buffer(flat, "i1", want, f"mask view {sizes} {strides}"), flat, "i1", sizes, strides, offset, j % 2 == 0)
        b.line(f"dropout.mask into {v}{b.tail(.5, 42, 7)} : {T}")
b.check()

# rng(%state): seed and offset are read from memory by the op, which does not change them.
b = Batch("state in memory")
for s, o in ((42, 7), (2**64 - 1, 2**63), (2**63 + 1, 0)):
    state = np.array([s, o], np.uint64).view(np.int64)
    r = b.buffer(state, "i64", state.copy(), "the state")
    for kind in ("element", "alpha"):
        x = random((5, 13), "f32", s % 97)
        y, loose = oracle.apply(kind, x, "f32", .4, s, o, backward=kind == "alpha")
        d = b.buffer(canary(x.shape, "f32"), "f32", y, f"rng(%state) of {s}, {o}")
        b.line(f"dropout.{'backward ' if kind == 'alpha' else ''}{kind} {b.buffer(x, 'f32', x.copy(), 'input')} into {d} "
               f"p = 0.4 rng({r} : memref<2xi64>) : memref<5x13xf32>, memref<5x13xf32>")
b.check()
done()
