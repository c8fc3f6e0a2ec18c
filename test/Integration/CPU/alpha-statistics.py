# RUN: %python %s
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Alpha dropout keeps mean 0 and variance 1, element dropout does not: both alpha
# kinds on standard normal input at p .05, .1, .2, .5, and through 8 SELU layers
# with LeCun-normal weights. Bounds are 6 standard deviations of the sampling
# error, from the constants (one layer), or |mean| < .05 and |variance - 1| < .1
# (8 layers; 6 runs of the oracle stayed within .007 and .031, element dropout
# leaves them at every p: variance 1.2, 1.5, 2.4, 20). Element dropout must fail.

import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
sys.dont_write_bytecode = True
import numpy as np
import oracle
from harness import LOWERINGS, Batch, check, done, run, typed

RATES, Z = (.05, .1, .2, .5), 6.0


def bounds(p, n, draws):
    """6 sigma of mean and variance of n outputs with `draws` mask bits, on standard normal input. E.g. n = draws = 2^20:
    .0059 and .0077 at p .05, .0059 and .0072 at .1."""
    a, b, d = oracle.alpha_constants(p)
    q = 1 - p
    mean = p * q * (b - d)**2 / draws + q * a * a / n
    square = p * q * (a * a + b * b - d * d)**2 / draws + q * (2 * a**4 + 4 * a * a * b * b) / n
    return Z * mean**.5, Z * square**.5


def keeps(y, p, draws):
    y, (m, v) = y.astype(np.float64), bounds(p, y.size, draws)
    return abs(y.mean()) < m and abs(y.var() - 1) < v, f"mean {y.mean():.5f} (bound {m:.5f}), variance {y.var():.5f} (bound {v:.5f})"


# ---- One layer. (1024, 1024) and (512, 64, 32): a bit per element, and 32768 channels of 32.
check(np.allclose(bounds(.05, 2**20, 2**20), (.0059, .0077), atol=6e-5), f"bounds {bounds(.05, 2**20, 2**20)}")
for k, ty in enumerate(("f32", "f16")):
    rng = np.random.default_rng(k)
    x, c = (rng.standard_normal(s).astype(oracle.DTYPE[ty]) for s in ((1024, 1024), (512, 64, 32)))
    lowering = LOWERINGS[k % len(LOWERINGS)]
    b = Batch("one layer")
    for p in RATES:
        b.op("alpha", x, ty, p, 5, 1)
        b.op("feature_alpha", c, ty, p, 5, 2, runtime=True)
        b.op("element", x, ty, p, 5, 1)
        b.op("channel", c, ty, p, 5, 2)
    out = iter(b.check([lowering]))
    for p in RATES:
        for kind, draws in (("alpha", x.size), ("feature_alpha", 512 * 64), ("element", x.size), ("channel", 512 * 64)):
            ok, say = keeps(next(out), p, draws)
            check(ok == ("alpha" in kind), f"{kind} {ty} p {p}: {say}; must {'hold' if 'alpha' in kind else 'not hold'} [{lowering}]")

# ---- 8 layers, 256 wide, batch 256: linear, SELU, dropout, in one compiled loop, four networks side by side.
NETS = ("none", "alpha", "feature_alpha", "element")
T = "tensor<256x256xf32>"
body = ""
for k, kind in enumerate(NETS):
    body += f"""
    %h{k} = linalg.matmul ins(%v{k}, %wl : {T}, {T}) outs(%zeros : {T}) -> {T}
    %a{k} = linalg.generic {{indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}}
        ins(%h{k} : {T}) outs(%e : {T}) {{
    ^bb0(%u: f32, %out: f32):
      %g = math.exp %u : f32
      %m = arith.subf %g, %one : f32
      %n = arith.mulf %m, %sa : f32
      %q = arith.mulf %u, %scale : f32
      %c = arith.cmpf ogt, %u, %zero : f32
      %r = arith.select %c, %q, %n : f32
      linalg.yield %r : f32
    }} -> {T}"""
    if kind != "none":
        body += f"\n    %d{k} = dropout.{kind} %a{k} p(%p) rng(%s, %o) : {T}"
names = ["%a0", "%d1", "%d2", "%d3"]
text = f"""#id = affine_map<(i, j) -> (i, j)>
func.func @f(%x: {T}, %w: tensor<8x256x256xf32>, %p: f64, %s: i64) -> ({', '.join([T] * 4)}) {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %scale = arith.constant 1.05070098 : f32
  %sa = arith.constant 1.75809934 : f32
  %e = tensor.empty() : {T}
  %zeros = linalg.fill ins(%zero : f32) outs(%e : {T}) -> {T}
  %y:4 = scf.for %l = %c0 to %c8 step %c1 iter_args({', '.join(f'%v{k} = %x' for k in range(4))}) -> ({', '.join([T] * 4)}) {{
    %o = arith.index_cast %l : index to i64
    %wl = tensor.extract_slice %w[%l, 0, 0] [1, 256, 256] [1, 1, 1] : tensor<8x256x256xf32> to {T}
{body}
    scf.yield {', '.join(names)} : {', '.join([T] * 4)}
  }}
  return %y#0, %y#1, %y#2, %y#3 : {', '.join([T] * 4)}
}}
"""
for k, p in enumerate(RATES):
    rng = np.random.default_rng(k)
    w, x = (rng.standard_normal((8, 256, 256)) / 16).astype(np.float32), rng.standard_normal((256, 256)).astype(np.float32)
    lowering = LOWERINGS[k % len(LOWERINGS)]
    out = run(text, [x, w, p, 100 + k], 4, "8 layers", lowering=lowering)
    for y, kind in zip(out, NETS):
        ok = abs(y.mean()) < .05 and abs(y.var() - 1) < .1
        check(ok == (kind != "element"), f"8 SELU layers, {kind} dropout, p {p}: mean {y.mean():.4f}, variance {y.var():.4f}; "
              f"must {'fail' if kind == 'element' else 'keep'} |mean| < .05 and |variance - 1| < .1 [{lowering}]\n  {run.last}")
    check(np.array_equal(out[1].view(np.uint32), out[2].view(np.uint32)), "(N, C) feature alpha is not alpha")
done()
