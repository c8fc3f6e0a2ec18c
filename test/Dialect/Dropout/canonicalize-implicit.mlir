// RUN: dropout-opt %s --allow-unregistered-dialect --canonicalize | FileCheck %s
// RUN: dropout-opt %s --allow-unregistered-dialect --cse | FileCheck %s
// RUN: dropout-opt %s --allow-unregistered-dialect --sccp | FileCheck %s
// RUN: dropout-opt %s --allow-unregistered-dialect --loop-invariant-code-motion | FileCheck %s
// RUN: dropout-opt %s --allow-unregistered-dialect --loop-invariant-subset-hoisting | FileCheck %s
// RUN: dropout-opt %s --allow-unregistered-dialect --symbol-dce | FileCheck %s
// RUN: dropout-opt %s --allow-unregistered-dialect --remove-dead-values | FileCheck %s
// RUN: dropout-opt %s --allow-unregistered-dialect --control-flow-sink | FileCheck %s
// RUN: dropout-opt %s --allow-unregistered-dialect --canonicalize --cse --loop-invariant-code-motion --sccp --canonicalize --symbol-dce | FileCheck %s
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Nothing touches implicit ops: each takes its offset, unused or not, in eval and
// with p = 0 too, equal ones both, in this order.
// CHECK-LABEL: func @order
// CHECK-SAME: %[[X:.*]]: tensor<4xf32>
// CHECK: dropout.element %[[X]] p{{.*}} : tensor<4xf32>
// CHECK: dropout.element %[[X]] p{{.*}} : tensor<4xf32>
// CHECK: dropout.alpha %[[X]] p{{.*}} : tensor<4xf32>
// CHECK: dropout.element %[[X]] p{{.*}} generator("data") : tensor<4xf32>
// CHECK: dropout.element %[[X]] p{{.*}} training(%{{.*}}) : tensor<4xf32>
// CHECK: dropout.element %[[X]] p{{.*}} training(%{{.*}}) : tensor<4xf32>
// CHECK: dropout.element %[[X]] p{{.*}} : tensor<4xf32>
// CHECK: return
func.func @order(%x: tensor<4xf32>) -> tensor<4xf32> {
  %false = arith.constant false
  %true = arith.constant true
  %one = arith.constant 1.0 : f64
  %unused = dropout.element %x p = 0 : tensor<4xf32>
  %same = dropout.element %x p = 0 : tensor<4xf32>
  %all = dropout.alpha %x p(%one) : tensor<4xf32>
  %named = dropout.element %x p = 0.3 generator("data") : tensor<4xf32>
  %eval = dropout.element %x p = 0.3 training(%false) : tensor<4xf32>
  %train = dropout.element %x p = 0.3 training(%true) : tensor<4xf32>
  %used = dropout.element %x p = 0.3 : tensor<4xf32>
  return %used : tensor<4xf32>
}

// A constant flag and a constant p stay operands, and a position stays.
// CHECK-LABEL: func @operands
// CHECK: dropout.element %{{.*}} p(%{{.*}}) training(%{{.*}}) at [%{{.*}}] of [4] : tensor<4xf32>
func.func @operands(%x: tensor<4xf32>) -> tensor<4xf32> {
  %true = arith.constant true
  %half = arith.constant 0.5 : f64
  %c0 = arith.constant 0 : index
  %y = dropout.element %x p(%half) training(%true) at [%c0] of [4] : tensor<4xf32>
  return %y : tensor<4xf32>
}

// No op leaves or enters a loop or a branch, and reserves and checks stay where
// they are.
// CHECK-LABEL: func @regions
// CHECK: dropout.reserve
// CHECK: dropout.reserve
// CHECK: scf.for
// CHECK: dropout.check_p
// CHECK: dropout.check_p
// CHECK: dropout.reserve
// CHECK: dropout.element
// CHECK: dropout.element
// CHECK: "test.use"
// CHECK: }
// CHECK: %[[Y:.*]] = dropout.element
// CHECK: scf.if
// CHECK: "test.use"(%[[Y]])
func.func @regions(%x: tensor<4xf32>, %m: memref<4xf32>, %p: f64, %flag: i1, %lower: index, %upper: index, %step: index) {
  %a:3 = dropout.reserve
  %b:3 = dropout.reserve
  scf.for %i = %lower to %upper step %step {
    %q = dropout.check_p %p
    %r = dropout.check_p %p
    %c:3 = dropout.reserve
    %d = dropout.element %x p = 0.3 : tensor<4xf32>
    dropout.element %m into %m p = 0 : memref<4xf32>, memref<4xf32>
    "test.use"(%d, %q) : (tensor<4xf32>, f64) -> ()
  }
  %y = dropout.element %x p = 0.3 : tensor<4xf32>
  scf.if %flag {
    "test.use"(%y) : (tensor<4xf32>) -> ()
  }
  return
}
