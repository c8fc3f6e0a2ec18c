// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Channel and feature-alpha dropout of feature maps: eight fixed 3x3 filters
// (the compass masks of Robinson: edges that face N, NE, E, ... NW) over each
// digit. One draw decides about a whole 8x8 map.

#input = affine_map<(n, c, h, w) -> (n, h, w)>
#id = affine_map<(n, c, h, w) -> (n, c, h, w)>

// Feature maps of mean about 0 and variance about 1.
func.func private @features(%digits: tensor<1797x8x8xi8>)
    -> tensor<1797x8x8x8xf32> {
  %empty = tensor.empty() : tensor<1797x1x8x8xf32>
  %x = linalg.generic {indexing_maps = [#input, #id],
                       iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%digits : tensor<1797x8x8xi8>) outs(%empty : tensor<1797x1x8x8xf32>) {
  ^bb0(%digit: i8, %out: f32):
    %f = arith.uitofp %digit : i8 to f32
    linalg.yield %f : f32
  } -> tensor<1797x1x8x8xf32>

  %zero = arith.constant 0.0 : f32
  %padded = tensor.pad %x low[0, 0, 1, 1] high[0, 0, 1, 1] {
  ^bb0(%n: index, %c: index, %h: index, %w: index):
    tensor.yield %zero : f32
  } : tensor<1797x1x8x8xf32> to tensor<1797x1x10x10xf32>

  %filters = arith.constant dense<[
    [[[ 1.0,  2.0,  1.0], [ 0.0,  0.0,  0.0], [-1.0, -2.0, -1.0]]],
    [[[ 0.0,  1.0,  2.0], [-1.0,  0.0,  1.0], [-2.0, -1.0,  0.0]]],
    [[[-1.0,  0.0,  1.0], [-2.0,  0.0,  2.0], [-1.0,  0.0,  1.0]]],
    [[[-2.0, -1.0,  0.0], [-1.0,  0.0,  1.0], [ 0.0,  1.0,  2.0]]],
    [[[-1.0, -2.0, -1.0], [ 0.0,  0.0,  0.0], [ 1.0,  2.0,  1.0]]],
    [[[ 0.0, -1.0, -2.0], [ 1.0,  0.0, -1.0], [ 2.0,  1.0,  0.0]]],
    [[[ 1.0,  0.0, -1.0], [ 2.0,  0.0, -2.0], [ 1.0,  0.0, -1.0]]],
    [[[ 2.0,  1.0,  0.0], [ 1.0,  0.0, -1.0], [ 0.0, -1.0, -2.0]]]
  ]> : tensor<8x1x3x3xf32>
  %maps_empty = tensor.empty() : tensor<1797x8x8x8xf32>
  %maps_zero = linalg.fill ins(%zero : f32) outs(%maps_empty : tensor<1797x8x8x8xf32>)
      -> tensor<1797x8x8x8xf32>
  %maps = linalg.conv_2d_nchw_fchw
      {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>}
      ins(%padded, %filters : tensor<1797x1x10x10xf32>, tensor<8x1x3x3xf32>)
      outs(%maps_zero : tensor<1797x8x8x8xf32>) -> tensor<1797x8x8x8xf32>

  %scale = arith.constant dense<0.0384615399> : tensor<1797x8x8x8xf32> // 1/26
  %scaled = arith.mulf %maps, %scale : tensor<1797x8x8x8xf32>
  return %scaled : tensor<1797x8x8x8xf32>
}

func.func @channel(%digits: tensor<1797x8x8xi8>, %seed: i64, %offset: i64)
    -> tensor<1797x8x8x8xf32> {
  %x = call @features(%digits)
      : (tensor<1797x8x8xi8>) -> tensor<1797x8x8x8xf32>
  %y = dropout.channel %x p = 0.5 mask_dims = [0, 1] rng(%seed, %offset)
      : tensor<1797x8x8x8xf32>
  return %y : tensor<1797x8x8x8xf32>
}

// The same with the channels last. The axis is stated, so the same maps are
// dropped.
func.func @channels_last(%digits: tensor<1797x8x8xi8>, %seed: i64, %offset: i64)
    -> tensor<1797x8x8x8xf32> {
  %nchw = call @features(%digits)
      : (tensor<1797x8x8xi8>) -> tensor<1797x8x8x8xf32>
  %empty = tensor.empty() : tensor<1797x8x8x8xf32>
  %x = linalg.transpose ins(%nchw : tensor<1797x8x8x8xf32>)
      outs(%empty : tensor<1797x8x8x8xf32>) permutation = [0, 2, 3, 1]
  %y = dropout.channel %x p = 0.5 mask_dims = [0, 3] rng(%seed, %offset)
      : tensor<1797x8x8x8xf32>
  return %y : tensor<1797x8x8x8xf32>
}

func.func @feature_alpha(%digits: tensor<1797x8x8xi8>, %seed: i64, %offset: i64)
    -> tensor<1797x8x8x8xf32> {
  %x = call @features(%digits)
      : (tensor<1797x8x8xi8>) -> tensor<1797x8x8x8xf32>
  %y = dropout.feature_alpha %x p = 0.25 rng(%seed, %offset)
      : tensor<1797x8x8x8xf32>
  return %y : tensor<1797x8x8x8xf32>
}

// The mask of @channel: one bit for each of 1797 * 8 maps.
func.func @channel_mask(%seed: i64, %offset: i64) -> tensor<1797x8xi1> {
  %m = dropout.mask p = 0.5 rng(%seed, %offset) : tensor<1797x8xi1>
  return %m : tensor<1797x8xi1>
}
