// RUN: dropout-opt %s | FileCheck %s
// RUN: dropout-opt %s | dropout-opt | FileCheck %s
// RUN: dropout-opt %s --mlir-print-op-generic | dropout-opt | FileCheck %s
// RUN: dropout-opt %s --emit-bytecode | dropout-opt | FileCheck %s
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The explicit tensor form with its mask.
// CHECK-LABEL: func @mask
// CHECK-SAME: %[[X:.*]]: tensor<64x512xf16>, %[[SEED:.*]]: i64, %[[OFFSET:.*]]: i64
// CHECK: dropout.alpha %[[X]] p = 1.000000e-01 rng(%[[SEED]], %[[OFFSET]]) : tensor<64x512xf16>, tensor<64x512xi1>
func.func @mask(%x: tensor<64x512xf16>, %seed: i64, %offset: i64) -> (tensor<64x512xf16>, tensor<64x512xi1>) {
  %y, %m = dropout.alpha %x p = 0.1 rng(%seed, %offset) : tensor<64x512xf16>, tensor<64x512xi1>
  return %y, %m : tensor<64x512xf16>, tensor<64x512xi1>
}

// Operands, options and a position.
// CHECK-LABEL: func @tail
// CHECK-SAME: %[[X:.*]]: tensor<?xf64>, %[[P:.*]]: f64, %[[SEED:.*]]: i64, %[[OFFSET:.*]]: i64, %[[FLAG:.*]]: i1, %[[I:.*]]: index
// CHECK: dropout.alpha %[[X]] p(%[[P]]) rounds = 7 resolution = 8 rng(%[[SEED]], %[[OFFSET]]) training(%[[FLAG]]) at [%[[I]]] of [1024] : tensor<?xf64>
func.func @tail(%x: tensor<?xf64>, %p: f64, %seed: i64, %offset: i64, %flag: i1, %i: index) -> tensor<?xf64> {
  %y = dropout.alpha %x p(%p) rounds = 7 resolution = 8 rng(%seed, %offset) training(%flag) at [%i] of [1024] : tensor<?xf64>
  return %y : tensor<?xf64>
}

// The memref form and the implicit form.
// CHECK-LABEL: func @memref
// CHECK: dropout.alpha %[[X:.*]] into %[[X]] p = 1.000000e-01 rng(%{{.*}} : memref<2xi64>) : memref<4xf32>, memref<4xf32>
// CHECK: dropout.alpha %[[X]] into %[[X]] p = 1.000000e-01 : memref<4xf32>, memref<4xf32>
func.func @memref(%x: memref<4xf32>, %state: memref<2xi64>) {
  dropout.alpha %x into %x p = 0.1 rng(%state) : memref<4xf32>, memref<4xf32>
  dropout.alpha %x into %x p = 0.1 : memref<4xf32>, memref<4xf32>
  return
}
