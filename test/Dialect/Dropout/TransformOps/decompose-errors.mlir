// RUN: dropout-opt %s -split-input-file -verify-diagnostics --transform-interpreter
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// An implicit op has no seed yet.
module attributes {transform.with_named_sequence} {
  func.func @implicit(%x: tensor<8xf32>) -> tensor<8xf32> {
    // expected-error@+1 {{expected an explicit generator, but got an implicit op; apply 'transform.dropout.materialize_state' first}}
    %y = dropout.element %x p = 0.5 : tensor<8xf32>
    return %y : tensor<8xf32>
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["dropout.element"]} in %root : (!transform.any_op) -> !transform.any_op
    // expected-note@+1 {{to be decomposed here}}
    %mask, %value = transform.dropout.decompose %op : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// A mask has no parts.
module attributes {transform.with_named_sequence} {
  func.func @mask(%seed: i64, %offset: i64) -> tensor<8xi1> {
    // expected-error@+1 {{expected a dropout value op or a gradient, but got 'dropout.mask'}}
    %m = dropout.mask p = 0.5 rng(%seed, %offset) : tensor<8xi1>
    return %m : tensor<8xi1>
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["dropout.mask"]} in %root : (!transform.any_op) -> !transform.any_op
    // expected-note@+1 {{to be decomposed here}}
    %mask, %value = transform.dropout.decompose %op : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// Nor has a function: handles are to the ops themselves.
module attributes {transform.with_named_sequence} {
  // expected-error@+1 {{expected a dropout value op or a gradient, but got 'func.func'}}
  func.func @function(%x: tensor<8xf32>, %seed: i64, %offset: i64) -> tensor<8xf32> {
    %y = dropout.element %x p = 0.5 rng(%seed, %offset) : tensor<8xf32>
    return %y : tensor<8xf32>
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["func.func"]} in %root : (!transform.any_op) -> !transform.any_op
    // expected-note@+1 {{to be decomposed here}}
    %mask, %value = transform.dropout.decompose %op : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// In memory there is no mask op to fuse.
module attributes {transform.with_named_sequence} {
  func.func @memref(%x: memref<8xf32>, %seed: i64, %offset: i64) {
    // expected-error@+1 {{expected the tensor form, but got the memref form; decompose before bufferization}}
    dropout.element %x into %x p = 0.5 rng(%seed, %offset) : memref<8xf32>, memref<8xf32>
    return
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["dropout.element"]} in %root : (!transform.any_op) -> !transform.any_op
    // expected-note@+1 {{to be decomposed here}}
    %mask, %value = transform.dropout.decompose %op : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// The failure is silenceable, and the op is still there for what comes next.
module attributes {transform.with_named_sequence} {
  func.func @suppressed(%x: tensor<8xf32>) -> tensor<8xf32> {
    // expected-remark@+1 {{still here}}
    %y = dropout.element %x p = 0.5 : tensor<8xf32>
    return %y : tensor<8xf32>
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    transform.sequence %root : !transform.any_op failures(suppress) {
    ^bb0(%arg: !transform.any_op):
      %op = transform.structured.match ops{["dropout.element"]} in %arg : (!transform.any_op) -> !transform.any_op
      %mask, %value = transform.dropout.decompose %op : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    }
    %op = transform.structured.match ops{["dropout.element"]} in %root : (!transform.any_op) -> !transform.any_op
    transform.debug.emit_remark_at %op, "still here" : !transform.any_op
    transform.yield
  }
}

// -----

// The handle is consumed.
module attributes {transform.with_named_sequence} {
  func.func @consumed(%x: tensor<8xf32>, %seed: i64, %offset: i64) -> tensor<8xf32> {
    // expected-note@+1 {{payload op}}
    %y = dropout.element %x p = 0.5 rng(%seed, %offset) : tensor<8xf32>
    return %y : tensor<8xf32>
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    // expected-note@+1 {{handle to invalidated ops}}
    %op = transform.structured.match ops{["dropout.element"]} in %root : (!transform.any_op) -> !transform.any_op
    // expected-note@+1 {{invalidated by this transform op that consumes its operand #0 and invalidates all handles to payload IR entities associated with this operand and entities nested in them}}
    %mask, %value = transform.dropout.decompose %op : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    // expected-error@+1 {{op uses a handle invalidated by a previously executed transform op}}
    transform.debug.emit_remark_at %op, "gone" : !transform.any_op
    transform.yield
  }
}
