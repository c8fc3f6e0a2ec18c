// RUN: dropout-opt %s | FileCheck %s
// RUN: dropout-opt %s | dropout-opt | FileCheck %s
// RUN: dropout-opt %s --mlir-print-op-generic | dropout-opt | FileCheck %s
// RUN: dropout-opt %s --emit-bytecode | dropout-opt | FileCheck %s
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Without `mask_dims` the mask is over [0, 1]: batch and channel.
// CHECK-LABEL: func @default
// CHECK-SAME: %[[X:.*]]: tensor<8x64x28x28xf32>, %[[SEED:.*]]: i64, %[[OFFSET:.*]]: i64
// CHECK: dropout.channel %[[X]] p = 5.000000e-01 rng(%[[SEED]], %[[OFFSET]]) : tensor<8x64x28x28xf32>
func.func @default(%x: tensor<8x64x28x28xf32>, %seed: i64, %offset: i64) -> tensor<8x64x28x28xf32> {
  %y = dropout.channel %x p = 0.5 rng(%seed, %offset) : tensor<8x64x28x28xf32>
  return %y : tensor<8x64x28x28xf32>
}

// Channels-last, unbatched or drop-path, one draw for all, channel-major; the
// mask has the shape of the listed dims, in their order.
// CHECK-LABEL: func @mask_dims
// CHECK-SAME: %[[X:.*]]: tensor<8x28x?x64xf32>, %[[SEED:.*]]: i64, %[[OFFSET:.*]]: i64
// CHECK: dropout.channel %[[X]] p = 5.000000e-01 mask_dims = [0, 3] rng(%[[SEED]], %[[OFFSET]]) : tensor<8x28x?x64xf32>, tensor<8x64xi1>
// CHECK: dropout.channel %[[X]] p = 5.000000e-01 mask_dims = [0] rng(%[[SEED]], %[[OFFSET]]) : tensor<8x28x?x64xf32>, tensor<8xi1>
// CHECK: dropout.channel %[[X]] p = 5.000000e-01 mask_dims = [] rng(%[[SEED]], %[[OFFSET]]) : tensor<8x28x?x64xf32>, tensor<i1>
// CHECK: dropout.channel %[[X]] p = 5.000000e-01 mask_dims = [3, 2, 0] rng(%[[SEED]], %[[OFFSET]]) : tensor<8x28x?x64xf32>, tensor<64x?x8xi1>
func.func @mask_dims(%x: tensor<8x28x?x64xf32>, %seed: i64, %offset: i64) {
  %y0, %m0 = dropout.channel %x p = 0.5 mask_dims = [0, 3] rng(%seed, %offset) : tensor<8x28x?x64xf32>, tensor<8x64xi1>
  %y1, %m1 = dropout.channel %x p = 0.5 mask_dims = [0] rng(%seed, %offset) : tensor<8x28x?x64xf32>, tensor<8xi1>
  %y2, %m2 = dropout.channel %x p = 0.5 mask_dims = [] rng(%seed, %offset) : tensor<8x28x?x64xf32>, tensor<i1>
  %y3, %m3 = dropout.channel %x p = 0.5 mask_dims = [3, 2, 0] rng(%seed, %offset) : tensor<8x28x?x64xf32>, tensor<64x?x8xi1>
  return
}

// Stated `mask_dims` make any rank legal.
// CHECK-LABEL: func @low_rank
// CHECK: dropout.channel %{{.*}} p = 5.000000e-01 mask_dims = [0] : tensor<?xf16>
// CHECK: dropout.channel %{{.*}} p = 5.000000e-01 mask_dims = [] : tensor<f64>
func.func @low_rank(%x: tensor<?xf16>, %scalar: tensor<f64>) {
  %a = dropout.channel %x p = 0.5 mask_dims = [0] : tensor<?xf16>
  %b = dropout.channel %scalar p = 0.5 mask_dims = [] : tensor<f64>
  return
}

// The whole tail in its order, in the memref form.
// CHECK-LABEL: func @memref
// CHECK-SAME: %[[X:.*]]: memref<4x2x3xbf16>, %[[Y:.*]]: memref<4x2x3xbf16>, %[[P:.*]]: f64, %[[SEED:.*]]: i64, %[[OFFSET:.*]]: i64, %[[FLAG:.*]]: i1, %[[I:.*]]: index
// CHECK: dropout.channel %[[X]] into %[[Y]] p(%[[P]]) mask_dims = [1, 0] rounds = 7 resolution = 8 rng(%[[SEED]], %[[OFFSET]]) training(%[[FLAG]]) at [%[[I]], 0, 0] of [8, 2, 3] : memref<4x2x3xbf16>, memref<4x2x3xbf16>
func.func @memref(%x: memref<4x2x3xbf16>, %y: memref<4x2x3xbf16>, %p: f64, %seed: i64, %offset: i64, %flag: i1, %i: index) {
  dropout.channel %x into %y p(%p) mask_dims = [1, 0] rounds = 7 resolution = 8 rng(%seed, %offset) training(%flag) at [%i, 0, 0] of [8, 2, 3] : memref<4x2x3xbf16>, memref<4x2x3xbf16>
  return
}

// The implicit form of a named generator.
// CHECK-LABEL: func @implicit
// CHECK: dropout.channel %{{.*}} p = 5.000000e-01 generator("tensor") : tensor<4x2x3xf32>
func.func @implicit(%x: tensor<4x2x3xf32>) -> tensor<4x2x3xf32> {
  %y = dropout.channel %x p = 0.5 generator("tensor") : tensor<4x2x3xf32>
  return %y : tensor<4x2x3xf32>
}
