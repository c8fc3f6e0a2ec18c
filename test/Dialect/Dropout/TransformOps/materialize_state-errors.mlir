// RUN: dropout-opt %s -split-input-file -verify-diagnostics --transform-interpreter
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// One handle goes in and one comes out.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    // expected-error@+1 {{number of operands and types do not match: got 1 operands and 0 types}}
    transform.dropout.materialize_state %root : () -> !transform.any_op
    transform.yield
  }
}

// -----

// Handles are to ops, not to parameters.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    // expected-error@+1 {{result #0 must be TransformHandleTypeInterface instance, but got '!transform.param<i64>'}}
    %ops = transform.dropout.materialize_state %root : (!transform.any_op) -> !transform.param<i64>
    transform.yield
  }
}

// -----

// The type of the result says what was implicit: only element dropout would do.
module attributes {transform.with_named_sequence} {
  func.func @type(%x: tensor<8xf32>) -> tensor<8xf32> {
    // expected-note@+1 {{payload operation}}
    %y = dropout.alpha %x p = 0.5 : tensor<8xf32>
    return %y : tensor<8xf32>
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    // expected-error@+1 {{incompatible payload operation name}}
    %ops = transform.dropout.materialize_state %root : (!transform.any_op) -> !transform.op<"dropout.element">
    transform.yield
  }
}
