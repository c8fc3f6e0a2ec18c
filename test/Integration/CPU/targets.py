# REQUIRES: hw-x86-64-v2
# RUN: %python %s x86-64
# RUN: %python %s x86-64-v2
# RUN: %python %s x86-64-v2 +fma,+avx
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The same masks and values, bit for bit, whatever the CPU: its name, and then
# features, are the arguments. Kinds, types, sizes with remainders, ties, ends
# of the range of p, draws that do not begin with a block, bodies that are long.

import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
sys.dont_write_bytecode = True
import numpy as np
import oracle
from harness import Batch, check, done, random, run, same, specials

if len(sys.argv) < 2:
    sys.exit("usage: targets.py CPU [FEATURES]")
FLAGS = [f"--cpu={sys.argv[1]}"] + [f"--features={f}" for f in sys.argv[2:3]]
VECTOR = {"lowerings": ["vector"], "flags": FLAGS}
np.seterr(all="ignore")

# Every type, kind and form; sizes about those of vectors, tiles and several tiles.
for ty in oracle.TYPES:
    b = Batch(f"{ty} {' '.join(FLAGS)}")
    for k, n in enumerate((1, 7, 8, 15, 16, 17, 31, 33, 63, 64, 65, 127, 129, 257, 1001)):
        kind, back = ("element", "alpha")[k % 2], k % 3 == 0
        b.op(kind, specials((n,), ty, k), ty, .3, backward=back, form=("dynamic", "memref", "inplace")[k % 3], runtime=k % 4 == 0)
        b.op(kind, random((3, n), ty, k), ty, .6, seed=k, rounds=7, form=("tensor", "dynamic", "strided")[k % 3])
        b.op(kind, random((2, n), ty, k), ty, .5, offset=k, resolution=8, backward=not back, form="dynamic")
    b.op("channel", specials((2, 5, 131), ty), ty, .4, form="dynamic")
    b.op("feature_alpha", specials((2, 3, 700), ty), ty, .4, form="tensor")
    b.op("channel", random((4, 33, 6), ty), ty, .4, dims=[2, 0], form="dynamic")
    b.check(**VECTOR)

# Every bit pattern of the 16-bit types, which few CPUs have instructions for.
for ty in ("f16", "bf16"):
    b = Batch(f"bit patterns {' '.join(FLAGS)}")
    x = np.arange(65536).astype(np.uint16).view(oracle.DTYPE[ty])
    for kind in ("element", "alpha"):
        b.op(kind, x, ty, .3)
        b.op(kind, x, ty, 1 - 2**-10, seed=3, offset=0, backward=True)
    b.check(**VECTOR)

# Ties: about eight each, and with the least and the greatest top half that there are.
b = Batch(f"ties {' '.join(FLAGS)}")
x = random((1 << 19,), "f32")
for p in (.3, 2.0**-17, 2.0**-32, 1 - 2.0**-17, 1 - 2.0**-32, .5):
    i = np.arange(x.size)
    ties = oracle.high(i, 42, 7) == min(oracle.threshold(p) >> 16, 0xffff)
    check(ties.sum() >= 2, f"expected ties for p = {p}, but got {ties.sum()}")
    b.op("element", x, "f32", p, form="dynamic")
b.check(**VECTOR)

# Bytes, with thresholds at both ends; the mask where nothing or all is dropped.
b = Batch(f"bytes {' '.join(FLAGS)}")
for p in (1 / 256, 255 / 256, .5, 0.0, 1.0):
    b.op("element", random((4099,), "f32"), "f32", p, resolution=8, form="dynamic", runtime=True)
    for resolution in (8, 16):
        b.mask((4099,), p, resolution=resolution, form="dynamic", runtime=True)
b.check(**VECTOR)

# Two draws in one loop whose blocks do not begin together.
TWICE = """func.func @f(%x: tensor<?xf32>) -> tensor<?xf32> {
  %s = arith.constant 42 : i64
  %o = arith.constant 7 : i64
  %a = dropout.element %x p = 0.3 rng(%s, %o) at [3] of [2000000] : tensor<?xf32>
  %b = dropout.element %a p = 0.4 RES rng(%o, %s) : tensor<?xf32>
  return %b : tensor<?xf32>
}
"""
for n in (5, 64, 1000, 400001):
    x = random((n,), "f32", n)
    for resolution in (8, 16):
        a, _ = oracle.apply("element", x, "f32", .3, 42, 7, at=[3], of=[2000000])
        want, _ = oracle.apply("element", a, "f32", .4, 7, 42, resolution=resolution)
        text = TWICE.replace("RES", f"resolution = {resolution}")
        got, = run(text, [x], what=f"twice {' '.join(FLAGS)}", lowering="vector", flags=FLAGS)
        same(got, want, "f32", f"two draws of {n} elements, {resolution} bits, {' '.join(FLAGS)}")

# A body too long for a whole tile at once.
LONG = """func.func @f(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
  %s = arith.constant 42 : i64
  %o = arith.constant 7 : i64
  %0 = arith.addf %x, %y : tensor<?xf32>
  %1 = arith.mulf %0, %y : tensor<?xf32>
  %2 = arith.subf %1, %x : tensor<?xf32>
  %3 = arith.mulf %2, %0 : tensor<?xf32>
  %4 = arith.addf %3, %y : tensor<?xf32>
  %5 = arith.mulf %4, %1 : tensor<?xf32>
  %6 = arith.subf %5, %x : tensor<?xf32>
  %7 = arith.mulf %6, %6 : tensor<?xf32>
  %8 = dropout.element %7 p = 0.4 rng(%s, %o) : tensor<?xf32>
  %9 = arith.addf %8, %x : tensor<?xf32>
  return %9 : tensor<?xf32>
}
"""
for n in (5, 128, 1001, 70000):
    x, y = random((n,), "f32", 1), random((n,), "f32", 2)
    v0 = x + y
    v1 = v0 * y
    v4 = (v1 - x) * v0 + y
    v6 = v4 * v1 - x
    v8, _ = oracle.apply("element", v6 * v6, "f32", .4, 42, 7)
    got, = run(LONG, [x, y], what=f"long {' '.join(FLAGS)}", lowering="vector", flags=FLAGS)
    same(got, v8 + x, "f32", f"a long body over {n} elements, {' '.join(FLAGS)}")

done()
