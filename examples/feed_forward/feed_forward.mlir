// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The feed-forward block of a transformer, trained:
//
//   h = dropout(gelu(x W1 + b1), p)
//   y = layernorm(x + dropout(h W2 + b2, p))
//
// for any number of tokens, each a row of 256, with 1,024 hidden features.
// dropout-run compiles it as one program; check.py compares it with NumPy.

#mn = affine_map<(m, n) -> (m, n)>
#m = affine_map<(m, n) -> (m)>
#n = affine_map<(m, n) -> (n)>

func.func @feed_forward(
    %x: tensor<?x256xf32>,
    %w1: tensor<256x1024xf32>, %b1: tensor<1024xf32>,
    %w2: tensor<1024x256xf32>, %b2: tensor<256xf32>,
    %gamma: tensor<256xf32>, %beta: tensor<256xf32>,
    %p: f64, %seed: i64, %offset: i64) -> tensor<?x256xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %tokens = tensor.dim %x, %c0 : tensor<?x256xf32>
  %hidden_empty = tensor.empty(%tokens) : tensor<?x1024xf32>
  %model_empty = tensor.empty(%tokens) : tensor<?x256xf32>
  %row_empty = tensor.empty(%tokens) : tensor<?xf32>
  %hidden_zero = linalg.fill ins(%zero : f32) outs(%hidden_empty : tensor<?x1024xf32>) -> tensor<?x1024xf32>
  %model_zero = linalg.fill ins(%zero : f32) outs(%model_empty : tensor<?x256xf32>) -> tensor<?x256xf32>
  %row_zero = linalg.fill ins(%zero : f32) outs(%row_empty : tensor<?xf32>) -> tensor<?xf32>

  // x W1 + b1
  %xw1 = linalg.matmul ins(%x, %w1 : tensor<?x256xf32>, tensor<256x1024xf32>)
      outs(%hidden_zero : tensor<?x1024xf32>) -> tensor<?x1024xf32>
  %bias1 = linalg.broadcast ins(%b1 : tensor<1024xf32>)
      outs(%hidden_empty : tensor<?x1024xf32>) dimensions = [0]
  %h1 = linalg.add ins(%xw1, %bias1 : tensor<?x1024xf32>, tensor<?x1024xf32>)
      outs(%hidden_empty : tensor<?x1024xf32>) -> tensor<?x1024xf32>

  // gelu(h) = h/2 (1 + erf(h / sqrt 2))
  %gelu = linalg.generic {indexing_maps = [#mn, #mn], iterator_types = ["parallel", "parallel"]}
      ins(%h1 : tensor<?x1024xf32>) outs(%hidden_empty : tensor<?x1024xf32>) {
  ^bb0(%h: f32, %out: f32):
    %half = arith.constant 0.5 : f32
    %one = arith.constant 1.0 : f32
    %rsqrt2 = arith.constant 0.707106769 : f32
    %scaled = arith.mulf %h, %rsqrt2 : f32
    %erf = math.erf %scaled : f32
    %cdf2 = arith.addf %erf, %one : f32
    %h2 = arith.mulf %h, %half : f32
    %g = arith.mulf %h2, %cdf2 : f32
    linalg.yield %g : f32
  } -> tensor<?x1024xf32>
  %h = dropout.element %gelu p(%p) rng(%seed, %offset) : tensor<?x1024xf32>

  // h W2 + b2
  %hw2 = linalg.matmul ins(%h, %w2 : tensor<?x1024xf32>, tensor<1024x256xf32>)
      outs(%model_zero : tensor<?x256xf32>) -> tensor<?x256xf32>
  %bias2 = linalg.broadcast ins(%b2 : tensor<256xf32>)
      outs(%model_empty : tensor<?x256xf32>) dimensions = [0]
  %h2 = linalg.add ins(%hw2, %bias2 : tensor<?x256xf32>, tensor<?x256xf32>)
      outs(%model_empty : tensor<?x256xf32>) -> tensor<?x256xf32>

  // An offset for each op: equal ones draw equal bits.
  %one = arith.constant 1 : i64
  %next = arith.addi %offset, %one : i64
  %dropped = dropout.element %h2 p(%p) rng(%seed, %next) : tensor<?x256xf32>
  %sum = arith.addf %x, %dropped : tensor<?x256xf32>

  // layernorm(v) = (v - mean) / sqrt(variance + 1e-5) * gamma + beta
  %total = linalg.reduce { arith.addf } ins(%sum : tensor<?x256xf32>)
      outs(%row_zero : tensor<?xf32>) dimensions = [1]
  %squares = linalg.generic {indexing_maps = [#mn, #m, #m], iterator_types = ["parallel", "reduction"]}
      ins(%sum, %total : tensor<?x256xf32>, tensor<?xf32>) outs(%row_zero : tensor<?xf32>) {
  ^bb0(%v: f32, %t: f32, %acc: f32):
    %n = arith.constant 256.0 : f32
    %mean = arith.divf %t, %n : f32
    %d = arith.subf %v, %mean : f32
    %sq = arith.mulf %d, %d : f32
    %s = arith.addf %acc, %sq : f32
    linalg.yield %s : f32
  } -> tensor<?xf32>
  %y = linalg.generic {indexing_maps = [#mn, #m, #m, #n, #n, #mn], iterator_types = ["parallel", "parallel"]}
      ins(%sum, %total, %squares, %gamma, %beta
          : tensor<?x256xf32>, tensor<?xf32>, tensor<?xf32>, tensor<256xf32>, tensor<256xf32>)
      outs(%model_empty : tensor<?x256xf32>) {
  ^bb0(%v: f32, %t: f32, %sq: f32, %g: f32, %b: f32, %out: f32):
    %n = arith.constant 256.0 : f32
    %epsilon = arith.constant 1.0e-5 : f32
    %mean = arith.divf %t, %n : f32
    %variance = arith.divf %sq, %n : f32
    %shifted = arith.addf %variance, %epsilon : f32
    %deviation = math.sqrt %shifted : f32
    %d = arith.subf %v, %mean : f32
    %normal = arith.divf %d, %deviation : f32
    %scaled = arith.mulf %normal, %g : f32
    %r = arith.addf %scaled, %b : f32
    linalg.yield %r : f32
  } -> tensor<?x256xf32>
  return %y : tensor<?x256xf32>
}
