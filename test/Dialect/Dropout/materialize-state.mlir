// RUN: dropout-opt %s --dropout-materialize-state | FileCheck %s
// RUN: dropout-opt %s --pass-pipeline='builtin.module(func.func(dropout-materialize-state))' | FileCheck %s
// RUN: dropout-opt %s --pass-pipeline='builtin.module(func.func(dropout-materialize-state,dropout-materialize-state))' | FileCheck %s
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// One reserve in front of the op; its results become flag, seed and offset.
// CHECK-LABEL: func @element
// CHECK-SAME: %[[X:.*]]: tensor<4x8xf32>
// CHECK-NEXT: %[[TRAIN:.*]], %[[SEED:.*]], %[[OFFSET:.*]] = dropout.reserve{{$}}
// CHECK-NEXT: %[[Y:.*]] = dropout.element %[[X]] p = 3.000000e-01 rng(%[[SEED]], %[[OFFSET]]) training(%[[TRAIN]]) : tensor<4x8xf32>
// CHECK-NEXT: return %[[Y]]
func.func @element(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %y = dropout.element %x p = 0.3 : tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// The generator's name and the flag move to the reserve, the other options stay.
// CHECK-LABEL: func @options
// CHECK-SAME: %[[X:.*]]: tensor<4x8x2xf32>, %[[FLAG:.*]]: i1, %[[P:.*]]: f64
// CHECK-NEXT: %[[TRAIN:.*]], %[[SEED:.*]], %[[OFFSET:.*]] = dropout.reserve generator("data") training(%[[FLAG]])
// CHECK-NEXT: dropout.channel %[[X]] p(%[[P]]) mask_dims = [2, 0] rounds = 7 resolution = 8 rng(%[[SEED]], %[[OFFSET]]) training(%[[TRAIN]]) at [0, 8, 0] of [4, 16, 2] {note} : tensor<4x8x2xf32>
func.func @options(%x: tensor<4x8x2xf32>, %flag: i1, %p: f64) -> tensor<4x8x2xf32> {
  %y = dropout.channel %x p(%p) mask_dims = [2, 0] rounds = 7 resolution = 8 generator("data") training(%flag) at [0, 8, 0] of [4, 16, 2] {note} : tensor<4x8x2xf32>
  return %y : tensor<4x8x2xf32>
}

// Offsets are taken in program order: also of unused ops, ops on memrefs and in
// regions, which take one offset each time that they run.
// CHECK-LABEL: func @order
// CHECK: %[[T0:.*]], %[[S0:.*]], %[[O0:.*]] = dropout.reserve
// CHECK-NEXT: dropout.alpha %{{.*}} rng(%[[S0]], %[[O0]]) training(%[[T0]]) : tensor
// CHECK-NEXT: scf.for
// CHECK-NEXT: %[[T1:.*]], %[[S1:.*]], %[[O1:.*]] = dropout.reserve
// CHECK-NEXT: dropout.feature_alpha %{{.*}} rng(%[[S1]], %[[O1]]) training(%[[T1]]) : memref
// CHECK-NEXT: }
// CHECK-NEXT: %[[T2:.*]], %[[S2:.*]], %[[O2:.*]] = dropout.reserve
// CHECK-NEXT: dropout.element %{{.*}} rng(%[[S2]], %[[O2]]) training(%[[T2]]) : memref
func.func @order(%x: tensor<4xf32>, %m: memref<4x2xf32>, %lower: index, %upper: index, %step: index) {
  %unused = dropout.alpha %x p = 0.3 : tensor<4xf32>
  scf.for %i = %lower to %upper step %step {
    dropout.feature_alpha %m into %m p = 0.3 : memref<4x2xf32>, memref<4x2xf32>
  }
  dropout.element %m into %m p = 0.3 : memref<4x2xf32>, memref<4x2xf32>
  return
}

// Explicit ops are left alone, those without a flag and with a state too.
// CHECK-LABEL: func @explicit
// CHECK-NOT: dropout.reserve
// CHECK: dropout.element %{{.*}} p = 3.000000e-01 rng(%{{[^ ]*}}, %{{[^ ]*}}) : tensor<4xf32>
// CHECK: dropout.element %{{.*}} into %{{.*}} p = 3.000000e-01 rng(%{{[^ ]*}} : memref<2xi64>) : memref<4xf32>, memref<4xf32>
// CHECK: dropout.mask p = 3.000000e-01 rng(%{{[^ ]*}}, %{{[^ ]*}}) : tensor<4xi1>
func.func @explicit(%x: tensor<4xf32>, %m: memref<4xf32>, %seed: i64, %offset: i64, %state: memref<2xi64>) -> tensor<4xf32> {
  %y = dropout.element %x p = 0.3 rng(%seed, %offset) : tensor<4xf32>
  dropout.element %m into %m p = 0.3 rng(%state) : memref<4xf32>, memref<4xf32>
  %k = dropout.mask p = 0.3 rng(%seed, %offset) : tensor<4xi1>
  return %y : tensor<4xf32>
}

// A declaration has nothing to materialize.
// CHECK: func private @declaration
func.func private @declaration(tensor<4xf32>)
