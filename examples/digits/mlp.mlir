// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One layer of an MLP over the digits, y = x + dropout(gelu(x W + b), p): plain
// linalg and arith around one dropout op. @epilogue is what follows the matmul;
// the pass dropout-build-backward makes @epilogue_backward from it.

#id = affine_map<(n, k) -> (n, k)>

// x = digits / 16, one row a digit.
func.func private @input(%digits: tensor<1797x8x8xi8>) -> tensor<1797x64xf32> {
  %rows = tensor.collapse_shape %digits [[0], [1, 2]]
      : tensor<1797x8x8xi8> into tensor<1797x64xi8>
  %empty = tensor.empty() : tensor<1797x64xf32>
  %x = linalg.generic {indexing_maps = [#id, #id],
                       iterator_types = ["parallel", "parallel"]}
      ins(%rows : tensor<1797x64xi8>) outs(%empty : tensor<1797x64xf32>) {
  ^bb0(%digit: i8, %out: f32):
    %f = arith.uitofp %digit : i8 to f32
    %sixteenth = arith.constant 0.0625 : f32
    %scaled = arith.mulf %f, %sixteenth : f32
    linalg.yield %scaled : f32
  } -> tensor<1797x64xf32>
  return %x : tensor<1797x64xf32>
}

// h = x W + b, and x itself.
func.func @linear(%digits: tensor<1797x8x8xi8>, %w: tensor<64x64xf32>,
                  %b: tensor<64xf32>) -> (tensor<1797x64xf32>, tensor<1797x64xf32>) {
  %x = call @input(%digits) : (tensor<1797x8x8xi8>) -> tensor<1797x64xf32>
  %empty = tensor.empty() : tensor<1797x64xf32>
  %bias = linalg.broadcast ins(%b : tensor<64xf32>)
      outs(%empty : tensor<1797x64xf32>) dimensions = [0]
  %h = linalg.matmul ins(%x, %w : tensor<1797x64xf32>, tensor<64x64xf32>)
      outs(%bias : tensor<1797x64xf32>) -> tensor<1797x64xf32>
  return %h, %x : tensor<1797x64xf32>, tensor<1797x64xf32>
}

// y = residual + dropout(gelu(h), p), gelu(h) = h/2 (1 + erf(h / sqrt 2)).
func.func @epilogue(%h: tensor<1797x64xf32>, %residual: tensor<1797x64xf32>,
                    %p: f64, %seed: i64, %offset: i64) -> tensor<1797x64xf32> {
  %half = arith.constant dense<0.5> : tensor<1797x64xf32>
  %one = arith.constant dense<1.0> : tensor<1797x64xf32>
  %rsqrt2 = arith.constant dense<0.707106769> : tensor<1797x64xf32>
  %scaled = arith.mulf %h, %rsqrt2 : tensor<1797x64xf32>
  %erf = math.erf %scaled : tensor<1797x64xf32>
  %cdf2 = arith.addf %erf, %one : tensor<1797x64xf32>
  %h2 = arith.mulf %h, %half : tensor<1797x64xf32>
  %gelu = arith.mulf %h2, %cdf2 : tensor<1797x64xf32>
  %dropped = dropout.element %gelu p(%p) rng(%seed, %offset) : tensor<1797x64xf32>
  %y = arith.addf %residual, %dropped : tensor<1797x64xf32>
  return %y : tensor<1797x64xf32>
}

func.func @mlp(%digits: tensor<1797x8x8xi8>, %w: tensor<64x64xf32>,
               %b: tensor<64xf32>, %p: f64, %seed: i64, %offset: i64)
    -> tensor<1797x64xf32> {
  %h, %x = call @linear(%digits, %w, %b)
      : (tensor<1797x8x8xi8>, tensor<64x64xf32>, tensor<64xf32>)
      -> (tensor<1797x64xf32>, tensor<1797x64xf32>)
  %y = call @epilogue(%h, %x, %p, %seed, %offset)
      : (tensor<1797x64xf32>, tensor<1797x64xf32>, f64, i64, i64)
      -> tensor<1797x64xf32>
  return %y : tensor<1797x64xf32>
}

// What is left of the gradient once @epilogue_backward has made dh from dy:
// dW = x^T dh, db = sum of dh over the digits, dx = dresidual + dh W^T.
func.func @linear_backward(%digits: tensor<1797x8x8xi8>, %w: tensor<64x64xf32>,
                           %dh: tensor<1797x64xf32>, %dresidual: tensor<1797x64xf32>)
    -> (tensor<64x64xf32>, tensor<64xf32>, tensor<1797x64xf32>) {
  %x = call @input(%digits) : (tensor<1797x8x8xi8>) -> tensor<1797x64xf32>
  %zero = arith.constant 0.0 : f32
  %xt_empty = tensor.empty() : tensor<64x1797xf32>
  %xt = linalg.transpose ins(%x : tensor<1797x64xf32>)
      outs(%xt_empty : tensor<64x1797xf32>) permutation = [1, 0]
  %dw_empty = tensor.empty() : tensor<64x64xf32>
  %dw_zero = linalg.fill ins(%zero : f32) outs(%dw_empty : tensor<64x64xf32>)
      -> tensor<64x64xf32>
  %dw = linalg.matmul ins(%xt, %dh : tensor<64x1797xf32>, tensor<1797x64xf32>)
      outs(%dw_zero : tensor<64x64xf32>) -> tensor<64x64xf32>

  %db_empty = tensor.empty() : tensor<64xf32>
  %db_zero = linalg.fill ins(%zero : f32) outs(%db_empty : tensor<64xf32>)
      -> tensor<64xf32>
  %db = linalg.reduce { arith.addf } ins(%dh : tensor<1797x64xf32>)
      outs(%db_zero : tensor<64xf32>) dimensions = [0]

  %wt = linalg.transpose ins(%w : tensor<64x64xf32>)
      outs(%dw_empty : tensor<64x64xf32>) permutation = [1, 0]
  %dx = linalg.matmul ins(%dh, %wt : tensor<1797x64xf32>, tensor<64x64xf32>)
      outs(%dresidual : tensor<1797x64xf32>) -> tensor<1797x64xf32>
  return %dw, %db, %dx : tensor<64x64xf32>, tensor<64xf32>, tensor<1797x64xf32>
}
