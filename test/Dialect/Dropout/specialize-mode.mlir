// RUN: dropout-opt %s --dropout-specialize-mode=mode=eval | FileCheck %s --check-prefixes=CHECK,EVAL
// RUN: dropout-opt %s --pass-pipeline='builtin.module(func.func(dropout-specialize-mode{mode=eval}))' | FileCheck %s --check-prefixes=CHECK,EVAL
// RUN: dropout-opt %s --pass-pipeline='builtin.module(func.func(dropout-specialize-mode{mode=eval},dropout-specialize-mode{mode=eval}))' | FileCheck %s --check-prefixes=CHECK,EVAL
// RUN: dropout-opt %s --pass-pipeline='builtin.module(func.func(dropout-specialize-mode{mode=train}))' | FileCheck %s --check-prefixes=CHECK,TRAIN
// RUN: dropout-opt %s --pass-pipeline='builtin.module(func.func(dropout-specialize-mode,dropout-specialize-mode))' | FileCheck %s --check-prefixes=CHECK,TRAIN
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Eval is the identity and takes no offset; train states the flag. Train is the
// default.
// CHECK-LABEL: func @tensor
// CHECK-SAME: %[[X:.*]]: tensor<4x8xf32>
// EVAL-NEXT: return %[[X]]
// TRAIN-NEXT: %[[TRUE:.*]] = arith.constant true
// TRAIN-NEXT: %[[Y:.*]] = dropout.channel %[[X]] p = 3.000000e-01 generator("data") training(%[[TRUE]]) : tensor<4x8xf32>
// TRAIN-NEXT: return %[[Y]]
func.func @tensor(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %y = dropout.channel %x p = 0.3 generator("data") : tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// In memory, eval copies to another buffer and leaves the same one alone.
// CHECK-LABEL: func @memref
// CHECK-SAME: %[[X:.*]]: memref<4xf32>, %[[Y:.*]]: memref<4xf32, strided<[2]>>
// EVAL-NEXT: memref.copy %[[X]], %[[Y]]
// EVAL-NEXT: return
// TRAIN: dropout.alpha %[[X]] into %[[Y]] p = 3.000000e-01 training(%{{.*}})
// TRAIN: dropout.alpha %[[X]] into %[[X]] p = 3.000000e-01 training(%{{.*}})
func.func @memref(%x: memref<4xf32>, %y: memref<4xf32, strided<[2]>>) {
  dropout.alpha %x into %y p = 0.3 : memref<4xf32>, memref<4xf32, strided<[2]>>
  dropout.alpha %x into %x p = 0.3 : memref<4xf32>, memref<4xf32>
  return
}

// An op that states its flag keeps it.
// CHECK-LABEL: func @flag
// CHECK-SAME: %[[X:.*]]: tensor<4xf32>, %[[FLAG:.*]]: i1
// CHECK-NEXT: dropout.element %[[X]] p = 3.000000e-01 training(%[[FLAG]]) : tensor<4xf32>
func.func @flag(%x: tensor<4xf32>, %flag: i1) -> tensor<4xf32> {
  %y = dropout.element %x p = 0.3 training(%flag) : tensor<4xf32>
  return %y : tensor<4xf32>
}

// Explicit ops do not read the runtime's mode.
// CHECK-LABEL: func @explicit
// CHECK-NEXT: dropout.element %{{.*}} p = 3.000000e-01 rng(%{{[^ ]*}}, %{{[^ ]*}}) : tensor<4xf32>
// CHECK-NEXT: dropout.backward element %{{.*}} p = 3.000000e-01 rng(%{{[^ ]*}}, %{{[^ ]*}}) : tensor<4xf32>
func.func @explicit(%x: tensor<4xf32>, %seed: i64, %offset: i64) -> (tensor<4xf32>, tensor<4xf32>) {
  %y = dropout.element %x p = 0.3 rng(%seed, %offset) : tensor<4xf32>
  %dx = dropout.backward element %x p = 0.3 rng(%seed, %offset) : tensor<4xf32>
  return %y, %dx : tensor<4xf32>, tensor<4xf32>
}

// A reserve gets the constant in place of the mode, and keeps a flag of its own.
// CHECK-LABEL: func @reserve
// CHECK-SAME: %[[FLAG:.*]]: i1
// EVAL: %[[MODE:.*]] = arith.constant false
// TRAIN: %[[MODE:.*]] = arith.constant true
// CHECK: dropout.reserve generator("data") training(%[[MODE]])
// CHECK: dropout.reserve training(%[[FLAG]])
func.func @reserve(%flag: i1) {
  %a:3 = dropout.reserve generator("data")
  %b:3 = dropout.reserve training(%flag)
  return
}

// p is checked in eval, too, with the resolution of the op.
// CHECK-LABEL: func @checked
// CHECK-SAME: %[[X:.*]]: tensor<4xf32>, %[[P:.*]]: f64
// EVAL-NEXT: dropout.check_p %[[P]] resolution = 8
// EVAL-NEXT: return %[[X]]
// TRAIN: dropout.element %[[X]] p(%[[P]])
func.func @checked(%x: tensor<4xf32>, %p: f64) -> tensor<4xf32> {
  %y = dropout.element %x p(%p) resolution = 8 : tensor<4xf32>
  return %y : tensor<4xf32>
}
