// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Alpha dropout of the digits, standardised to mean 0 and variance 1: dropped
// pixels take SELU's saturation value, and an affine correction keeps mean and
// variance what they were.

#id = affine_map<(n, h, w) -> (n, h, w)>
#scalar = affine_map<(n, h, w) -> ()>

func.func @alpha(%digits: tensor<1797x8x8xi8>, %p: f64, %seed: i64,
                 %offset: i64) -> tensor<1797x8x8xf32> {
  // Mean and variance over all pixels; sums of integers, so no order matters.
  %zero = arith.constant dense<0> : tensor<i32>
  %sums:2 = linalg.generic {indexing_maps = [#id, #scalar, #scalar],
                            iterator_types = ["reduction", "reduction", "reduction"]}
      ins(%digits : tensor<1797x8x8xi8>) outs(%zero, %zero : tensor<i32>, tensor<i32>) {
  ^bb0(%digit: i8, %sum: i32, %squares: i32):
    %i = arith.extui %digit : i8 to i32
    %square = arith.muli %i, %i : i32
    %sum_next = arith.addi %sum, %i : i32
    %squares_next = arith.addi %squares, %square : i32
    linalg.yield %sum_next, %squares_next : i32, i32
  } -> (tensor<i32>, tensor<i32>)
  %sum_i = tensor.extract %sums#0[] : tensor<i32>
  %squares_i = tensor.extract %sums#1[] : tensor<i32>
  %sum = arith.sitofp %sum_i : i32 to f64
  %squares = arith.sitofp %squares_i : i32 to f64
  %count = arith.constant 115008.0 : f64
  %mean = arith.divf %sum, %count : f64
  %mean_of_squares = arith.divf %squares, %count : f64
  %square_of_mean = arith.mulf %mean, %mean : f64
  %variance = arith.subf %mean_of_squares, %square_of_mean : f64
  %deviation = math.sqrt %variance : f64
  %mean_f32 = arith.truncf %mean : f64 to f32
  %deviation_f32 = arith.truncf %deviation : f64 to f32

  %empty = tensor.empty() : tensor<1797x8x8xf32>
  %x = linalg.generic {indexing_maps = [#id, #id],
                       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%digits : tensor<1797x8x8xi8>) outs(%empty : tensor<1797x8x8xf32>) {
  ^bb0(%digit: i8, %out: f32):
    %f = arith.uitofp %digit : i8 to f32
    %centred = arith.subf %f, %mean_f32 : f32
    %standardised = arith.divf %centred, %deviation_f32 : f32
    linalg.yield %standardised : f32
  } -> tensor<1797x8x8xf32>
  %y = dropout.alpha %x p(%p) rng(%seed, %offset) : tensor<1797x8x8xf32>
  return %y : tensor<1797x8x8xf32>
}
