# RUN: %python %s
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Every example of the documents that this project started from (lucid, PyTorch, torch.js),
# as they print it, or as the value contract corrects it: the (1, 4) tensor with
# its gradient, ones(4, 8), the SELU MLP, eval as a no-op, FeatureAlphaDropout
# on (20, 16, 4, 32, 32) and (C, D, H, W), and all the shapes of the
# feature_alpha_dropout page with its SNN block.

import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
sys.dont_write_bytecode = True
import numpy as np
import oracle
from harness import LOWERINGS, Batch, check, done, fp, random, run, same, typed

# ---- Dropout with mask and gradient: x = [[1, 2, 3, 4]], p = .5. Kept values double; with dy = 1 the gradient is 2 where
# kept and 0 elsewhere (the document prints x's values there, which is wrong).
x, dy = np.array([[1, 2, 3, 4]], np.float32), np.ones((1, 4), np.float32)
seed = next(s for s in range(100) if oracle.mask("element", (1, 4), .5, s, 0).tolist() == [[True, False, True, True]])
b = Batch("[1, 2, 3, 4]")
b.op("element", x, "f32", .5, seed, 0, mask=True)
b.op("element", dy, "f32", .5, seed, 0, backward=True)
for lowering in LOWERINGS:
    y, m, dx = b.check([lowering])
    check(y.tolist() == [[2, 0, 6, 8]], f"the document prints [2, 0, 6, 8], got {y.tolist()} [{lowering}]")
    check(m.tolist() == [[True, False, True, True]], f"mask {m.tolist()} [{lowering}]")
    check(dx.tolist() == [[2, 0, 2, 2]], f"gradient {dx.tolist()}, want [2, 0, 2, 2] [{lowering}]")

# ---- The same page's network: Linear(4, 2), then dropout. The product is returned, so that dropout's bits can be checked.
text = """func.func @f(%x: tensor<1x4xf32>, %w: tensor<4x2xf32>, %b: tensor<1x2xf32>, %dy: tensor<1x2xf32>, %s: i64, %o: i64)
    -> (tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf32>) {
  %h = linalg.matmul ins(%x, %w : tensor<1x4xf32>, tensor<4x2xf32>) outs(%b : tensor<1x2xf32>) -> tensor<1x2xf32>
  %y = dropout.element %h p = 0.5 rng(%s, %o) : tensor<1x2xf32>
  %dh = dropout.backward element %dy p = 0.5 rng(%s, %o) : tensor<1x2xf32>
  return %h, %y, %dh : tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf32>
}
"""
w, bias = random((4, 2), "f32", 1), random((1, 2), "f32", 2)
for lowering in LOWERINGS:
    h, y, dh = run(text, [x, w, bias, np.ones((1, 2), np.float32), 3, 4], 3, "Linear and dropout", lowering=lowering)
    check(np.allclose(h, x @ w + bias, rtol=1e-5), f"Linear(4, 2) [{lowering}]")
    same(y, oracle.apply("element", h, "f32", .5, 3, 4)[0], "f32", f"dropout after Linear [{lowering}]")
    check(np.array_equal(dh != 0, y != 0), f"gradient of dropout after Linear [{lowering}]")

# ---- Dropout: ones(4, 8) at .3 in training, and in eval the sum is exactly 32. Alpha: randn(4, 16) comes back in eval.
b = Batch("ones(4, 8)")
ones, r = np.ones((4, 8), np.float32), random((4, 16), "f32")
b.op("element", ones, "f32", .3, 0, 0)
b.op("element", ones, "f32", .3, 0, 0, training=False)
b.op("alpha", r, "f32", .5, 0, 0, training=False)
b.op("element", ones, "f32", .3, 0, 0, form="inplace")
for lowering in LOWERINGS:
    y, e, a = b.check([lowering])
    check(set(y.reshape(-1).tolist()) <= {0.0, float(np.float32(1 / .7))} and y.shape == (4, 8), f"ones(4, 8) gave {y} [{lowering}]")
    check(float(e.sum()) == 32.0, f"the sum in eval is {e.sum()}, not 32 [{lowering}]")
    check(np.array_equal(a, r), f"eval is not a no-op [{lowering}]")

# ---- AlphaDropout: Linear(32, 64), SELU, AlphaDropout(.05), Linear(64, 10) on randn(8, 32). SELU's result is returned too.
SELU = """#id = affine_map<(i, j) -> (i, j)>
func.func private @selu(%h: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %scale = arith.constant 1.05070098 : f32
  %sa = arith.constant 1.75809934 : f32
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%h : tensor<?x?xf32>) outs(%h : tensor<?x?xf32>) {
  ^bb0(%v: f32, %out: f32):
    %e = math.exp %v : f32
    %m = arith.subf %e, %one : f32
    %n = arith.mulf %m, %sa : f32
    %q = arith.mulf %v, %scale : f32
    %c = arith.cmpf ogt, %v, %zero : f32
    %r = arith.select %c, %q, %n : f32
    linalg.yield %r : f32
  } -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}
"""


def selu(h):
    h = h.astype(np.float64)
    return np.where(h > 0, 1.0507009873554805 * h, 1.7580993408473768 * np.expm1(np.minimum(h, 0)))


MLP = SELU + """func.func @f(%x: tensor<8x32xf32>, %w1: tensor<32x64xf32>, %b1: tensor<8x64xf32>, 
    %w2: tensor<64x10xf32>, %b2: tensor<8x10xf32>, %p: f64, %s: i64, %o: i64, %t: i1)
    -> (tensor<8x10xf32>, tensor<8x64xf32>, tensor<8x64xf32>) {
  %h = linalg.matmul ins(%x, %w1 : tensor<8x32xf32>, tensor<32x64xf32>) outs(%b1 : tensor<8x64xf32>) -> tensor<8x64xf32>
  %hd = tensor.cast %h : tensor<8x64xf32> to tensor<?x?xf32>
  %ad = call @selu(%hd) : (tensor<?x?xf32>) -> tensor<?x?xf32>
  %a = tensor.cast %ad : tensor<?x?xf32> to tensor<8x64xf32>
  %d = dropout.alpha %a p(%p) rng(%s, %o) training(%t) : tensor<8x64xf32>
  %y = linalg.matmul ins(%d, %w2 : tensor<8x64xf32>, tensor<64x10xf32>) outs(%b2 : tensor<8x10xf32>) -> tensor<8x10xf32>
  return %y, %a, %d : tensor<8x10xf32>, tensor<8x64xf32>, tensor<8x64xf32>
}
"""
x, b1, b2 = random((8, 32), "f32", 1), random((8, 64), "f32", 4), random((8, 10), "f32", 5)
w1, w2 = random((32, 64), "f32", 2) / np.float32(32**.5), random((64, 10), "f32", 3) / np.float32(8)
for lowering in LOWERINGS:
    for train in (True, False):
        y, a, d = run(MLP, [x, w1, b1, w2, b2, .05, 9, 1, train], 3, "SELU MLP", lowering=lowering)
        what = f"SELU MLP training {train} [{lowering}]"
        check(y.shape == (8, 10), what)
        check(np.allclose(a, selu(x @ w1 + b1), rtol=1e-4, atol=1e-5), what + ": SELU")
        same(d, oracle.apply("alpha", a, "f32", .05, 9, 1, training=train)[0], "f32", what + ": alpha dropout")
        check(np.allclose(y, d @ w2 + b2, rtol=1e-4, atol=1e-4), what + ": second Linear")

# ---- FeatureAlphaDropout and feature_alpha_dropout. Big tensors go by one shape per function, so that memory stays small.
PAGES = [((20, 16, 4, 32, 32), None, .2), ((16, 4, 32, 32), [0], .2), ((32, 64, 28, 28), None, .1), ((16, 128, 10), None, .05),
         ((8, 256, 32, 32), None, .1), ((16, 64, 14, 14), None, .1), ((32, 512), None, .05), ((32, 512), None, .1), ((32, 512), None, .2)]
for k, (shape, dims, p) in enumerate(PAGES):
    lowering = LOWERINGS[k % len(LOWERINGS)]
    x = random(shape, "f32", k)
    b = Batch("feature_alpha page")
    b.op("feature_alpha", x, "f32", p, 42, 7, mask=True, dims=dims, runtime=True, training=True)
    b.op("feature_alpha", x, "f32", p, 42, 7, dims=dims, runtime=True, training=False)
    if shape == (16, 64, 14, 14):
        b.op("element", x, "f32", p, 42, 7)  # "loses self-normalization": see alpha-statistics.py
    if len(shape) > 3:
        b.op("channel", x, "f32", p, 42, 7, dims=dims)  # Dropout2d and Dropout3d
    y, m, e, *_ = b.check([lowering])
    n = m.size
    flat = y.reshape(n, -1)
    fill = oracle.narrow(np.float32(oracle.alpha_constants(p)[2]), "f32")
    whole = (flat == fill).all(axis=1)
    check(np.array_equal(whole, ~m.reshape(-1)), f"{shape}: channels are not dropped as a whole [{lowering}]")
    # "~10% of channels dropped": the count of dropped channels within z = 6; fixed seed, so this always says the same.
    z = ((~m).sum() - n * p) / (n * p * (1 - p))**.5
    check(abs(z) < 6, f"{shape}: {(~m).sum()} of {n} channels dropped at p {p}, z {z:.1f}")
    check(np.array_equal(e, x), f"{shape}: inference does not return the input")

# Dropout1d, 2d and 3d of the Dropout page ("See also"), and unbatched forms by mask_dims.
b = Batch("Dropout1d, 2d, 3d")
for shape in ((4, 6, 10), (4, 6, 5, 7), (4, 6, 3, 4, 5)):
    b.op("channel", random(shape, "f32"), "f32", .5, mask=True)
    b.op("channel", random(shape[1:], "f32"), "f32", .5, dims=[0], mask=True)
b.check()

# ---- The SNN block: linear, selu, feature_alpha_dropout(p = .1), mode at run time; and its gradient's mask.
SNN = SELU + """func.func @f(%x: tensor<32x128xf32>, %w: tensor<128x96xf32>, %b: tensor<32x96xf32>, %dy: tensor<32x96xf32>)
    -> (tensor<32x96xf32>, tensor<32x96xf32>, tensor<32x96xf32>) {
  %h = linalg.matmul ins(%x, %w : tensor<32x128xf32>, tensor<128x96xf32>) outs(%b : tensor<32x96xf32>) -> tensor<32x96xf32>
  %hd = tensor.cast %h : tensor<32x96xf32> to tensor<?x?xf32>
  %ad = call @selu(%hd) : (tensor<?x?xf32>) -> tensor<?x?xf32>
  %a = tensor.cast %ad : tensor<?x?xf32> to tensor<32x96xf32>
  %t, %s, %o = dropout.reserve
  %y = dropout.feature_alpha %a p = 0.1 rng(%s, %o) training(%t) : tensor<32x96xf32>
  %g = dropout.backward feature_alpha %dy p = 0.1 rng(%s, %o) training(%t) : tensor<32x96xf32>
  return %a, %y, %g : tensor<32x96xf32>, tensor<32x96xf32>, tensor<32x96xf32>
}
"""
x, w, bias = random((32, 128), "f32", 1), random((128, 96), "f32", 2) / np.float32(128**.5), np.zeros((32, 96), np.float32)
dy = random((32, 96), "f32", 3)
for lowering in LOWERINGS:
    for flag, train in (("--train", True), ("--eval", False)):
        a, y, g = run(SNN, [x, w, bias, dy], 3, "SNN block", lowering=lowering, flags=[flag, "--seed=8", "--offset=2"])
        what = f"SNN block {flag} [{lowering}]"
        check(np.allclose(a, selu(x @ w), rtol=1e-4, atol=1e-5), what + ": selu")
        same(y, oracle.apply("feature_alpha", a, "f32", .1, 8, 2, training=train)[0], "f32", what)
        same(g, oracle.apply("feature_alpha", dy, "f32", .1, 8, 2, training=train, backward=True)[0], "f32", what + ": gradient")
done()
