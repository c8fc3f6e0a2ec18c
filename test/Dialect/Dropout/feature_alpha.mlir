// RUN: dropout-opt %s | FileCheck %s
// RUN: dropout-opt %s | dropout-opt | FileCheck %s
// RUN: dropout-opt %s --mlir-print-op-generic | dropout-opt | FileCheck %s
// RUN: dropout-opt %s --emit-bytecode | dropout-opt | FileCheck %s
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The default mask dims and stated ones, with the mask.
// CHECK-LABEL: func @mask
// CHECK-SAME: %[[X:.*]]: tensor<20x16x4x32x32xf32>, %[[SEED:.*]]: i64, %[[OFFSET:.*]]: i64
// CHECK: dropout.feature_alpha %[[X]] p = 2.000000e-01 rng(%[[SEED]], %[[OFFSET]]) : tensor<20x16x4x32x32xf32>, tensor<20x16xi1>
// CHECK: dropout.feature_alpha %[[X]] p = 2.000000e-01 mask_dims = [4, 1] rng(%[[SEED]], %[[OFFSET]]) : tensor<20x16x4x32x32xf32>, tensor<32x16xi1>
func.func @mask(%x: tensor<20x16x4x32x32xf32>, %seed: i64, %offset: i64) {
  %y0, %m0 = dropout.feature_alpha %x p = 0.2 rng(%seed, %offset) : tensor<20x16x4x32x32xf32>, tensor<20x16xi1>
  %y1, %m1 = dropout.feature_alpha %x p = 0.2 mask_dims = [4, 1] rng(%seed, %offset) : tensor<20x16x4x32x32xf32>, tensor<32x16xi1>
  return
}

// Operands, options and a position, in the memref form.
// CHECK-LABEL: func @tail
// CHECK-SAME: %[[X:.*]]: memref<?x4xf16>, %[[P:.*]]: f64, %[[SEED:.*]]: i64, %[[OFFSET:.*]]: i64, %[[FLAG:.*]]: i1, %[[I:.*]]: index
// CHECK: dropout.feature_alpha %[[X]] into %[[X]] p(%[[P]]) mask_dims = [0] rounds = 7 resolution = 8 rng(%[[SEED]], %[[OFFSET]]) training(%[[FLAG]]) at [%[[I]], 0] of [1024, 4] : memref<?x4xf16>, memref<?x4xf16>
func.func @tail(%x: memref<?x4xf16>, %p: f64, %seed: i64, %offset: i64, %flag: i1, %i: index) {
  dropout.feature_alpha %x into %x p(%p) mask_dims = [0] rounds = 7 resolution = 8 rng(%seed, %offset) training(%flag) at [%i, 0] of [1024, 4] : memref<?x4xf16>, memref<?x4xf16>
  return
}

// The implicit form.
// CHECK-LABEL: func @implicit
// CHECK: dropout.feature_alpha %{{.*}} p = 2.000000e-01 : tensor<4x2xbf16>
func.func @implicit(%x: tensor<4x2xbf16>) -> tensor<4x2xbf16> {
  %y = dropout.feature_alpha %x p = 0.2 : tensor<4x2xbf16>
  return %y : tensor<4x2xbf16>
}
