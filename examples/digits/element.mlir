// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Element dropout of the 1,797 handwritten digits, its gradient and its mask.
// p is given at run time; seed and offset choose the mask.

#id = affine_map<(n, h, w) -> (n, h, w)>

// y = x * 1/(1-p) where kept, +0 where dropped; x = the digits as f32.
func.func @element(%digits: tensor<1797x8x8xi8>, %p: f64, %seed: i64,
                   %offset: i64) -> tensor<1797x8x8xf32> {
  %empty = tensor.empty() : tensor<1797x8x8xf32>
  %x = linalg.generic {indexing_maps = [#id, #id],
                       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%digits : tensor<1797x8x8xi8>) outs(%empty : tensor<1797x8x8xf32>) {
  ^bb0(%digit: i8, %out: f32):
    %f = arith.uitofp %digit : i8 to f32
    linalg.yield %f : f32
  } -> tensor<1797x8x8xf32>
  %y = dropout.element %x p(%p) rng(%seed, %offset) : tensor<1797x8x8xf32>
  return %y : tensor<1797x8x8xf32>
}

// dx = dy * 1/(1-p) where kept, +0 where dropped. No mask was stored: the same
// seed and offset give the same mask again.
func.func @gradient(%dy: tensor<1797x8x8xf32>, %p: f64, %seed: i64,
                    %offset: i64) -> tensor<1797x8x8xf32> {
  %dx = dropout.backward element %dy p(%p) rng(%seed, %offset)
      : tensor<1797x8x8xf32>
  return %dx : tensor<1797x8x8xf32>
}

// The mask itself, one byte each: 1 = kept.
func.func @mask(%p: f64, %seed: i64, %offset: i64) -> tensor<1797x8x8xi1> {
  %m = dropout.mask p(%p) rng(%seed, %offset) : tensor<1797x8x8xi1>
  return %m : tensor<1797x8x8xi1>
}
