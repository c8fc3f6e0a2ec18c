// RUN: dropout-opt %s | FileCheck %s
// RUN: dropout-opt %s | dropout-opt | FileCheck %s
// RUN: dropout-opt %s --mlir-print-op-generic | dropout-opt | FileCheck %s
// RUN: dropout-opt %s --emit-bytecode | dropout-opt | FileCheck %s
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The gradient of each kind.
// CHECK-LABEL: func @kinds
// CHECK-SAME: %[[DY:.*]]: tensor<64x512xf16>, %[[SEED:.*]]: i64, %[[OFFSET:.*]]: i64
// CHECK: dropout.backward element %[[DY]] p = 1.000000e-01 rng(%[[SEED]], %[[OFFSET]]) : tensor<64x512xf16>
// CHECK: dropout.backward channel %[[DY]] p = 1.000000e-01 rng(%[[SEED]], %[[OFFSET]]) : tensor<64x512xf16>
// CHECK: dropout.backward alpha %[[DY]] p = 1.000000e-01 rng(%[[SEED]], %[[OFFSET]]) : tensor<64x512xf16>
// CHECK: dropout.backward feature_alpha %[[DY]] p = 1.000000e-01 mask_dims = [1] rng(%[[SEED]], %[[OFFSET]]) : tensor<64x512xf16>
func.func @kinds(%dy: tensor<64x512xf16>, %seed: i64, %offset: i64) {
  %0 = dropout.backward element %dy p = 0.1 rng(%seed, %offset) : tensor<64x512xf16>
  %1 = dropout.backward channel %dy p = 0.1 rng(%seed, %offset) : tensor<64x512xf16>
  %2 = dropout.backward alpha %dy p = 0.1 rng(%seed, %offset) : tensor<64x512xf16>
  %3 = dropout.backward feature_alpha %dy p = 0.1 mask_dims = [1] rng(%seed, %offset) : tensor<64x512xf16>
  return
}

// The options of the forward op.
// CHECK-LABEL: func @tail
// CHECK-SAME: %[[DY:.*]]: tensor<?x2x3xf32>, %[[P:.*]]: f64, %[[SEED:.*]]: i64, %[[OFFSET:.*]]: i64, %[[FLAG:.*]]: i1, %[[I:.*]]: index
// CHECK: dropout.backward channel %[[DY]] p(%[[P]]) mask_dims = [2, 0] rounds = 7 resolution = 8 rng(%[[SEED]], %[[OFFSET]]) training(%[[FLAG]]) at [%[[I]], 0, 0] of [16, 2, 3] : tensor<?x2x3xf32>
func.func @tail(%dy: tensor<?x2x3xf32>, %p: f64, %seed: i64, %offset: i64, %flag: i1, %i: index) -> tensor<?x2x3xf32> {
  %dx = dropout.backward channel %dy p(%p) mask_dims = [2, 0] rounds = 7 resolution = 8 rng(%seed, %offset) training(%flag) at [%i, 0, 0] of [16, 2, 3] : tensor<?x2x3xf32>
  return %dx : tensor<?x2x3xf32>
}

// The memref form, in place and not, the state in memory.
// CHECK-LABEL: func @memref
// CHECK-SAME: %[[DY:.*]]: memref<4xbf16>, %[[DX:.*]]: memref<?xbf16, strided<[?]>>, %[[STATE:.*]]: memref<2xi64>
// CHECK: dropout.backward alpha %[[DY]] into %[[DX]] p = 1.000000e-01 rng(%[[STATE]] : memref<2xi64>) : memref<4xbf16>, memref<?xbf16, strided<[?]>>
// CHECK: dropout.backward alpha %[[DY]] into %[[DY]] p = 1.000000e-01 rng(%[[STATE]] : memref<2xi64>) : memref<4xbf16>, memref<4xbf16>
func.func @memref(%dy: memref<4xbf16>, %dx: memref<?xbf16, strided<[?]>>, %state: memref<2xi64>) {
  dropout.backward alpha %dy into %dx p = 0.1 rng(%state) : memref<4xbf16>, memref<?xbf16, strided<[?]>>
  dropout.backward alpha %dy into %dy p = 0.1 rng(%state) : memref<4xbf16>, memref<4xbf16>
  return
}
