// RUN: dropout-opt %s -split-input-file --transform-interpreter | FileCheck %s
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Below the target, in program order, in both forms and in regions; what was
// explicit is left alone and is not among the results. The old handle stays valid.
// CHECK-LABEL: func @below
// CHECK-SAME: %[[X:.*]]: tensor<8xf32>, %[[B:.*]]: memref<8xf32>, %[[F:.*]]: i1, %[[SEED:.*]]: i64
// CHECK: %[[T0:.*]], %[[S0:.*]], %[[O0:.*]] = dropout.reserve{{$}}
// CHECK: %[[Y:.*]] = dropout.element %[[X]] p = 5.000000e-01 rng(%[[S0]], %[[O0]]) training(%[[T0]]) {materialized} :
// CHECK: scf.if
// CHECK: %[[T1:.*]], %[[S1:.*]], %[[O1:.*]] = dropout.reserve generator("data") training(%[[F]])
// CHECK: dropout.alpha %[[B]] into %[[B]] p = 5.000000e-01 rng(%[[S1]], %[[O1]]) training(%[[T1]]) {materialized} :
// CHECK-NOT: dropout.reserve
// CHECK: dropout.element %[[Y]] p = 5.000000e-01 rng(%[[SEED]], %[[SEED]]) : tensor<8xf32>
// CHECK: } {walked}
// CHECK-LABEL: func @elsewhere
// CHECK-NOT: dropout.reserve
// CHECK: dropout.element %{{.*}} p = 5.000000e-01 : tensor<8xf32>
module attributes {transform.with_named_sequence} {
  func.func @below(%x: tensor<8xf32>, %b: memref<8xf32>, %f: i1, %seed: i64) -> tensor<8xf32> {
    %y = dropout.element %x p = 0.5 : tensor<8xf32>
    scf.if %f {
      dropout.alpha %b into %b p = 0.5 generator("data") training(%f) : memref<8xf32>, memref<8xf32>
    }
    %z = dropout.element %y p = 0.5 rng(%seed, %seed) : tensor<8xf32>
    scf.if %f {
    } {walked}
    return %z : tensor<8xf32>
  }
  func.func @elsewhere(%x: tensor<8xf32>) -> tensor<8xf32> {
    %y = dropout.element %x p = 0.5 : tensor<8xf32>
    return %y : tensor<8xf32>
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %f = transform.structured.match ops{["func.func"]} attributes {sym_name = "below"} in %root : (!transform.any_op) -> !transform.any_op
    %ops = transform.dropout.materialize_state %f : (!transform.any_op) -> !transform.any_op
    transform.annotate %ops "materialized" : !transform.any_op
    %again = transform.dropout.materialize_state %f : (!transform.any_op) -> !transform.any_op
    transform.annotate %again "again" : !transform.any_op
    transform.yield
  }
}

// -----

// The target itself; the reserve is the producer of its seed.
// CHECK-LABEL: func @itself
// CHECK: dropout.reserve {reserve}
// CHECK: dropout.channel %{{.*}} {ours}
// CHECK-NOT: dropout.reserve
// CHECK: dropout.element %{{.*}} p = 5.000000e-01 : tensor<8x4xf32>
module attributes {transform.with_named_sequence} {
  func.func @itself(%x: tensor<8x4xf32>) -> tensor<8x4xf32> {
    %y = dropout.channel %x p = 0.5 : tensor<8x4xf32>
    %z = dropout.element %y p = 0.5 : tensor<8x4xf32>
    return %z : tensor<8x4xf32>
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["dropout.channel"]} in %root : (!transform.any_op) -> !transform.any_op
    %explicit = transform.dropout.materialize_state %op : (!transform.any_op) -> !transform.op<"dropout.channel">
    %reserve = transform.get_producer_of_operand %explicit[1] : (!transform.op<"dropout.channel">) -> !transform.any_op
    transform.annotate %reserve "reserve" : !transform.any_op
    transform.annotate %op "ours" : !transform.any_op
    transform.yield
  }
}
