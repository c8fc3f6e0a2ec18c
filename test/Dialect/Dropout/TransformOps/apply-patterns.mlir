// RUN: dropout-opt %s -split-input-file --transform-interpreter | FileCheck %s
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The mask goes into its reader. One that nobody reads becomes a generic, too.
// CHECK-LABEL: func @inline_mask
// CHECK-NOT: dropout.mask
// CHECK: linalg.generic {{.*}} outs(%{{.*}} : tensor<4x8xi1>)
// CHECK: dropout.keep
// CHECK: linalg.generic {{.*}} ins(%{{[^,]*}} : tensor<4x8xf32>)
// CHECK: linalg.index
// CHECK: dropout.keep
// CHECK: arith.select
module attributes {transform.with_named_sequence} {
  func.func @inline_mask(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) -> (tensor<4x8xf32>, tensor<4x8xi1>) {
    %m = dropout.mask p = 0.5 rng(%seed, %offset) : tensor<4x8xi1>
    %y = dropout.element %x p = 0.5 rng(%seed, %offset) : tensor<4x8xf32>
    return %y, %m : tensor<4x8xf32>, tensor<4x8xi1>
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["dropout.element"]} in %root : (!transform.any_op) -> !transform.any_op
    %mask, %value = transform.dropout.decompose %op : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %f = transform.structured.match ops{["func.func"]} in %root : (!transform.any_op) -> !transform.any_op
    transform.apply_patterns to %f {
      transform.apply_patterns.dropout.inline_mask
    } : !transform.any_op
    transform.yield
  }
}

// -----

// Unless it is to stay.
// CHECK-LABEL: func @unread
// CHECK: %[[M:.*]] = dropout.mask
// CHECK: dropout.keep
// CHECK: return %{{.*}}, %[[M]]
module attributes {transform.with_named_sequence} {
  func.func @unread(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) -> (tensor<4x8xf32>, tensor<4x8xi1>) {
    %m = dropout.mask p = 0.5 rng(%seed, %offset) : tensor<4x8xi1>
    %y = dropout.element %x p = 0.5 rng(%seed, %offset) : tensor<4x8xf32>
    return %y, %m : tensor<4x8xf32>, tensor<4x8xi1>
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["dropout.element"]} in %root : (!transform.any_op) -> !transform.any_op
    %mask, %value = transform.dropout.decompose %op : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %f = transform.structured.match ops{["func.func"]} in %root : (!transform.any_op) -> !transform.any_op
    transform.apply_patterns to %f {
      transform.apply_patterns.dropout.inline_mask {unread = false}
    } : !transform.any_op
    transform.yield
  }
}

// -----

// Ten rounds of two multiplications, and again where the draw ties: in a branch,
// or always.
// CHECK-LABEL: func @branch
// CHECK-NOT: dropout.keep
// CHECK-COUNT-20: arith.mului_extended
// CHECK: scf.if
// CHECK-COUNT-20: arith.mului_extended
// CHECK-LABEL: func @straight_line
// CHECK-NOT: dropout.keep
// CHECK-NOT: scf.if
// CHECK-COUNT-40: arith.mului_extended
// CHECK-NOT: scf.if
// CHECK: return
module attributes {transform.with_named_sequence} {
  func.func @branch(%i: i64, %t: i64, %seed: i64, %offset: i64) -> i1 {
    %k = dropout.keep %i threshold(%t) rng(%seed, %offset)
    return %k : i1
  }
  func.func @straight_line(%i: i64, %t: i64, %seed: i64, %offset: i64) -> i1 {
    %k = dropout.keep %i threshold(%t) rng(%seed, %offset)
    return %k : i1
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %f = transform.structured.match ops{["func.func"]} attributes {sym_name = "branch"} in %root : (!transform.any_op) -> !transform.any_op
    transform.apply_patterns to %f {
      transform.apply_patterns.dropout.expand_keep
    } : !transform.any_op
    %g = transform.structured.match ops{["func.func"]} attributes {sym_name = "straight_line"} in %root : (!transform.any_op) -> !transform.any_op
    transform.apply_patterns to %g {
      transform.apply_patterns.dropout.expand_keep {straight_line}
    } : !transform.any_op
    transform.yield
  }
}
