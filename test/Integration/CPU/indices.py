# RUN: %python %s
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The index never wraps and every bit of seed and offset counts: windows of a
# huge whole across 2^32, 2^35 (where the block number passes 32 bits) and up to
# 2^63, ties of H with T at both ends of p, seeds and offsets that differ in one
# bit, static, dynamic and mixed positions, 7 rounds, 8-bit resolution.

import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
sys.dont_write_bytecode = True
import numpy as np
import oracle
from harness import Batch, check, done, random

x = np.ones(40, np.float32)
ALL = 2**63 - 1

# Boundaries. An element window of 40 crosses each; also as rows of a matrix and as channels.
b = Batch("boundaries")
for k, edge in enumerate((2**16, 2**31, 2**32, 2**34, 2**35, 2**36, 2**62, ALL - 20)):
    pos = ("static", "dynamic", "mixed")[k % 3]
    b.mask((40,), .3, at=[edge - 20], of=[ALL], position=pos)
    b.op(("element", "alpha")[k % 2], x, "f32", .3, at=[edge - 20], of=[ALL], backward=k % 4 > 1, position=pos, runtime=k % 2 == 0)
b.check()

b = Batch("boundaries in 2-d and 3-d")
m = random((4, 24), "f32")
for k, (at, of) in enumerate((((2**32 // 16 - 2, 4), (2**40, 16)), ((2**35 // 24 - 1, 0), (2**40, 24)), ((1, 2**32 - 9), (5, 2**33)),
                              ((2**31, 2**31 - 3), (2**31 + 7, 2**31)))):
    of = of if of[1] >= at[1] + 24 else (of[0], at[1] + 24)
    b.op("element", m, "f32", .3, at=at, of=of, position=("dynamic", "static")[k % 2])
    b.op("alpha", m, "f32", .3, at=at, of=of, backward=True, position=("static", "dynamic")[k % 2], form="memref")
c = random((3, 4, 5), "f32")
for dims, at, of in (([0, 1], (2**32 // 4 - 1, 0, 3), (2**34, 4, 9)), ([1, 0], (7, 2**31 + 2**30, 3), (11, 2**34, 9)),
                     ([2], (1, 2, 2**35 - 2), (7, 8, 2**36)), ([2, 0], (3, 0, 2**32 - 2), (8, 4, 2**33))):
    for kind in ("channel", "feature_alpha"):
        b.op(kind, c, "f32", .4, dims=dims, at=at, of=of, mask=True)
        b.op(kind, c, "f32", .4, dims=dims, at=at, of=of, backward=True, position="mixed", runtime=True)
b.check()

# Ties: windows around the elements that the contract names, then the first kept and the first dropped tie of other
# thresholds, those whose top half is 0 or 0xffff among them.
b = Batch("ties")
for k, i in enumerate(oracle.TIES):
    b.mask((40,), .3, at=[i - 13], of=[400000])
    b.op("element", x, "f32", .3, at=[i - 13 - k], of=[400000], backward=k % 2 == 1, runtime=True)
ties = 0
for p in (1e-6, 2**-17, .1, .5, .75, 1 / 3, .9, 1 - 2**-18, 1 - 1e-6):
    t = oracle.threshold(p)
    i = np.flatnonzero(oracle.high(np.arange(2**19, dtype=np.uint64), 9, 1) == t >> 16)
    kept = oracle.keep_at(i, p, 9, 1)
    for part in (i[kept][:1], i[~kept][:1]):
        for at in part.tolist():
            ties += 1
            b.mask((24,), p, 9, 1, at=[max(at - 7, 0)], of=[2**20], runtime=ties % 2 == 0)
check(ties >= 14, f"only {ties} ties were found to test")
b.check()

# T to its last bit. Elements whose number is u get a p with T = u (kept), u + 1 (dropped), and halfway between, where T
# goes to the even one. With seed 42 and offset 7 two elements draw the least and the greatest u: the first is dropped by
# every p > 0, the second is kept by every p < 1.
b = Batch("last bit of T")
u = oracle.uniform(np.arange(1, 9), 42, 7).tolist()
for k, v in enumerate(u):
    for p, keep in ((v, 1), (v + 1, 0), (v + .5, v % 2 == 0), (v + .4, 1), (v + .6, 0)):
        p /= 2.0**32
        check(bool(oracle.keep_at(np.array(k + 1), p, 42, 7)) == bool(keep), f"the oracle is wrong about u {v} at p {p!r}")
        b.mask((9,), p, runtime=k % 2 == 0)
# An f32 p is widened exactly: where that is above u / 2^32, the element that T(u / 2^32) keeps is dropped.
for k, v in enumerate(u):
    p = np.float32(v / 2.0**32)
    wide = b.arg(p, "f32")
    b.line(f"%w{k} = arith.extf {wide} : f32 to f64")
    b.line(f"%e{k} = dropout.mask p(%w{k}) rng({b.i64(42)}, {b.i64(7)}) : tensor<9xi1>")
    b.result(f"%e{k}", "tensor<9xi1>", "i1", oracle.mask("element", (9,), float(p), 42, 7), f"mask of f32 p {p!r}")
check(any(float(np.float32(v / 2.0**32)) * 2**32 > v + 1 for v in u), "no f32 p that drops where the f64 one keeps")
b.check()
b = Batch("least and greatest number")
LEAST, GREATEST = 4020067813, 1547870234
check(oracle.uniform(np.array([LEAST, GREATEST]), 42, 7).tolist() == [0, 2**32 - 1], "the least and the greatest number moved")
for p, i in ((1e-320, LEAST), (5e-324, LEAST), (1e-12, LEAST), (1 - 2**-53, GREATEST), (1 - 1e-12, GREATEST)):
    for runtime in (False, True):
        b.mask((40,), p, at=[i - 11], of=[2**40], runtime=runtime)
        for ty in oracle.TYPES:
            b.op("alpha" if runtime else "element", random((24,), ty), ty, p, at=[i - 11], of=[2**40], runtime=runtime, backward=ty == "f64")
b.check()

# Every bit of seed and offset: 64-bit values as run-time operands, and neighbours in one bit.
b = Batch("seeds and offsets")
for k, (s, o) in enumerate(((0, 0), (2**64 - 1, 2**64 - 1), (2**63, 2**63), (1 << 32, 0), (0, 1 << 32), (2**32 - 1, 2**32),
                            (0x0123456789ABCDEF, 0xFEDCBA9876543210), (2**63 + 42, 2**64 - 2))):
    b.mask((130,), .5, s, o, form=("tensor", "memref")[k % 2])
    b.op(("element", "alpha", "channel", "feature_alpha")[k % 4], m, "f32", .3, s, o, runtime=True, backward=k > 4)
for bit in range(0, 64, 9):
    b.mask((130,), .5, 1 << bit, 5)
    b.mask((130,), .5, 5, 1 << bit)
b.check()

# The stated options: 7 rounds and 8 bits, alone and together, for every kind and direction, across 2^35.
b = Batch("rounds and resolution")
for rounds, resolution in ((7, None), (None, 8), (7, 8), (10, 16)):
    for kind in oracle.KINDS:
        back = kind in ("channel", "alpha")
        b.op(kind, m, "f32", .3, rounds=rounds, resolution=resolution, runtime=back, backward=back)
        b.op(kind, m, "f32", .7, rounds=rounds, resolution=resolution, runtime=not back, mask=True, training=True)
    b.mask((70,), .3, at=[2**35 - 33], of=[2**40], rounds=rounds, resolution=resolution)
b.check()
b = Batch("8 bits")
f = random((600,), "f16")
for p in (1 / 256, 255 / 256, .5, .3, .1, 2.5 / 256, 3.5 / 256, 0.0, 1.0):  # 2.5 and 3.5: roundeven
    b.op("element", f, "f16", p, resolution=8, mask=True, runtime=p < .4)
    b.op("alpha", f, "f16", p, resolution=8, backward=p > .4, runtime=p > .4, training=p > .4 or None)
b.op("element", f, "f16", .3, resolution=8, training=False, mask=True)
b.op("alpha", f, "f16", .3, resolution=8, rounds=7, training=False, runtime=True)
b.check()
done()
