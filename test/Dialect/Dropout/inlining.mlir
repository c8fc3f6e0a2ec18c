// RUN: dropout-opt %s --inline --symbol-dce | FileCheck %s
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Implicit and explicit ops, reserves and checks are inlined, in their order.
// CHECK-LABEL: func @caller
// CHECK-SAME: %[[X:.*]]: tensor<4xf32>, %[[P:.*]]: f64
// CHECK-NEXT: %[[Q0:.*]] = dropout.check_p %[[P]]
// CHECK-NEXT: %[[T0:.*]], %[[S0:.*]], %[[O0:.*]] = dropout.reserve
// CHECK-NEXT: %[[A:.*]] = dropout.element %[[X]] p(%[[Q0]]) rng(%[[S0]], %[[O0]]) training(%[[T0]])
// CHECK-NEXT: %[[B:.*]] = dropout.alpha %[[A]] p = 3.000000e-01 : tensor<4xf32>
// CHECK-NEXT: %[[Q1:.*]] = dropout.check_p %[[P]]
// CHECK-NEXT: %[[T1:.*]], %[[S1:.*]], %[[O1:.*]] = dropout.reserve
// CHECK-NEXT: %[[C:.*]] = dropout.element %[[B]] p(%[[Q1]]) rng(%[[S1]], %[[O1]]) training(%[[T1]])
// CHECK-NEXT: %[[D:.*]] = dropout.alpha %[[C]] p = 3.000000e-01 : tensor<4xf32>
// CHECK-NEXT: return %[[D]]
// CHECK-NOT: func @callee
func.func @caller(%x: tensor<4xf32>, %p: f64) -> tensor<4xf32> {
  %y = call @callee(%x, %p) : (tensor<4xf32>, f64) -> tensor<4xf32>
  %z = call @callee(%y, %p) : (tensor<4xf32>, f64) -> tensor<4xf32>
  return %z : tensor<4xf32>
}

func.func private @callee(%x: tensor<4xf32>, %p: f64) -> tensor<4xf32> {
  %q = dropout.check_p %p
  %t, %s, %o = dropout.reserve
  %y = dropout.element %x p(%q) rng(%s, %o) training(%t) : tensor<4xf32>
  %z = dropout.alpha %y p = 0.3 : tensor<4xf32>
  return %z : tensor<4xf32>
}
