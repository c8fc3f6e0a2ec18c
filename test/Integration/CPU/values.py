# RUN: %python %s
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The value contract, bit for bit: every bit pattern of f16 and bf16 and many of
# f32 and f64, every kind, forward and backward, p as attribute and at run time,
# training and eval. NaNs, infinities, subnormals and -0 at kept and at dropped
# positions; p = 0, p = 1, their neighbours, 1e-320 and a p that keeps 1 in 1024.

import math, os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
sys.dont_write_bytecode = True
import numpy as np
import oracle
from harness import Batch, check, done, specials

TINY, NEXT0, NEXT1 = 1e-320, math.nextafter(0, 1), math.nextafter(1, 0)
np.seterr(all="ignore")


def patterns(ty, n=65536):
    """All bit patterns of a 16-bit type, random ones of a wider type with the special values among them."""
    u = oracle.BITS[np.dtype(oracle.DTYPE[ty]).itemsize]
    if u == np.uint16:
        return np.arange(n).astype(u).view(oracle.DTYPE[ty])
    n //= 8 if ty == "f64" else 1
    x = np.random.default_rng(5).integers(0, 2**(8 * np.dtype(u).itemsize), n, dtype=u).view(oracle.DTYPE[ty])
    x[::2] = specials((n,), ty)[::2]
    return x


for ty in oracle.TYPES:
    x = patterns(ty)
    b = Batch("bit patterns")
    for kind in ("element", "alpha"):
        for back in (False, True):
            b.op(kind, x, ty, .3, backward=back)
            b.op(kind, x, ty, .2, seed=4, backward=back)  # s = 1.25: exact ties of the rounding to 16 bits
            b.op(kind, x, ty, 1 - 2**-10, seed=3, offset=0, backward=back, runtime=True)
            b.op(kind, x, ty, .1, backward=back, runtime=True, training=True)
            b.op(kind, x, ty, .5, backward=back, runtime=back, training=False)  # signalling NaNs come out as they went in
    z = x.reshape(16, -1, 32)
    for kind in ("channel", "feature_alpha"):
        for back in (False, True):
            b.op(kind, z, ty, .25, backward=back, runtime=back)
            b.op(kind, z, ty, .25, dims=[0, 2], backward=back, runtime=True, training=False)
    b.op("element", x, ty, .3, form="memref", training=True)
    b.op("alpha", x, ty, .3, form="inplace", runtime=True)
    b.op("alpha", x, ty, .3, form="inplace", training=False)
    b.check()

    # f32 inputs for which a fma in f64 lands on a tie of f32 that the exact sum misses: rounding twice goes wrong there.
    if ty == "f32":
        b = Batch("fma rounds once")
        for p, t in ((.08, "0x1.67ed36p-23"), (.15, "0x1.d89026p-11"), (.285, "0x1.66a15p-16"), (.5, "0x1.0f00ep-12"), (.75, "0x1.280960p-11")):
            t, (a, c, _) = np.float32(float.fromhex(t)), (np.float32(v) for v in oracle.alpha_constants(p))
            twice = np.float32(float(a) * float(t) + float(c))
            check(oracle.fma32(a, t, c) != twice, f"x = {t!r} at p {p} does not tell one rounding from two")
            for runtime in (False, True):
                b.op("alpha", np.array([t, -t] * 20, np.float32), ty, p, runtime=runtime)
        b.check()

    # The ends of p, where constants overflow, T is clamped and values must still be those of the table. With mask.
    x = specials((7, 24), ty, seed=1)
    b = Batch("ends of p")
    for kind in ("element", "alpha"):
        for p in (0.0, 1.0, TINY, NEXT1):
            b.op(kind, x, ty, p, mask=True)
            b.op(kind, x, ty, p, backward=True)
        for p in (0.0, 1.0, TINY, NEXT0, NEXT1, -0.0):
            b.op(kind, x, ty, p, mask=True, runtime=True)
            b.op(kind, x, ty, p, backward=True, runtime=True, training=True)
        for p in (0.0, 1.0):
            b.op(kind, x, ty, p, runtime=True, training=False, mask=True)
            b.op(kind, x, ty, p, training=False)
    b.check()
    b = Batch("ends of p, channels")
    for kind in ("channel", "feature_alpha"):
        for p in (0.0, 1.0, TINY, NEXT1):
            b.op(kind, x, ty, p, mask=True, runtime=p == TINY)
            b.op(kind, x, ty, p, backward=True, runtime=p != TINY, dims=[1])
        b.op(kind, x, ty, 1.0, training=False, mask=True, runtime=True)
    for p in (0.0, 1.0, NEXT1):
        b.op("element", x, ty, p, form="inplace", runtime=True)
        b.op("alpha", x, ty, p, form="memref", runtime=True)
    b.check()
done()
