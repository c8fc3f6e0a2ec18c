// RUN: dropout-opt %s -split-input-file --transform-interpreter | FileCheck %s
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The parts stand where the op was; the handles are to them.
// CHECK-LABEL: func @element
// CHECK-SAME: %[[X:.*]]: tensor<4x8xf32>, %[[SEED:.*]]: i64, %[[OFFSET:.*]]: i64
// CHECK: %[[T:.*]] = arith.constant 2147483648 : i64
// CHECK: %[[M:.*]] = dropout.mask threshold(%[[T]]) rng(%[[SEED]], %[[OFFSET]]) {the_mask} : tensor<4x8xi1>
// CHECK: %[[Y:.*]] = linalg.generic {{.*}}iterator_types = ["parallel", "parallel"]} ins(%[[X]], %[[M]] : {{.*}} attrs = {the_value}
// CHECK: arith.mulf
// CHECK: arith.select
// CHECK: return %[[Y]]
module attributes {transform.with_named_sequence} {
  func.func @element(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) -> tensor<4x8xf32> {
    %y = dropout.element %x p = 0.5 rng(%seed, %offset) : tensor<4x8xf32>
    return %y : tensor<4x8xf32>
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["dropout.element"]} in %root : (!transform.any_op) -> !transform.any_op
    %mask, %value = transform.dropout.decompose %op : (!transform.any_op) -> (!transform.op<"dropout.mask">, !transform.op<"linalg.generic">)
    transform.annotate %mask "the_mask" : !transform.op<"dropout.mask">
    transform.annotate %value "the_value" : !transform.op<"linalg.generic">
    transform.yield
  }
}

// -----

// Every kind and the gradients, one mask and one generic for each, in order; the
// tile of a bigger tensor keeps its place. Ops without a handle stay.
// CHECK-LABEL: func @kinds
// CHECK: %[[M0:.*]] = dropout.mask threshold(%{{.*}}) rng(%{{.*}}, %{{.*}}) {mask} : tensor<2x3xi1>
// CHECK: %[[A:.*]] = linalg.generic {{.*}} ins(%{{.*}}, %[[M0]] : tensor<2x3x4xf16>, tensor<2x3xi1>)
// CHECK: %[[M1:.*]] = dropout.mask threshold(%{{.*}}) rng(%{{.*}}, %{{.*}}) at [0, 8, 0] of [2, 16, 4] {mask} : tensor<2x3x4xi1>
// CHECK: %[[B:.*]] = linalg.generic {{.*}} ins(%[[A]], %[[M1]] :
// CHECK: math.fma
// CHECK: %[[M2:.*]] = dropout.mask threshold(%{{.*}}) rng(%{{.*}}, %{{.*}}) {mask} : tensor<4x2xi1>
// CHECK: %[[C:.*]] = linalg.generic {{.*}} ins(%[[B]], %[[M2]] : tensor<2x3x4xf16>, tensor<4x2xi1>)
// CHECK: %[[D:.*]] = dropout.element %[[C]]
// CHECK: return %[[D]]
module attributes {transform.with_named_sequence} {
  func.func @kinds(%x: tensor<2x3x4xf16>, %seed: i64, %offset: i64) -> tensor<2x3x4xf16> {
    %a = dropout.channel %x p = 0.3 rng(%seed, %offset) {me} : tensor<2x3x4xf16>
    %b = dropout.alpha %a p = 0.3 rng(%seed, %offset) at [0, 8, 0] of [2, 16, 4] {me} : tensor<2x3x4xf16>
    %c = dropout.backward feature_alpha %b p = 0.3 mask_dims = [2, 0] rng(%seed, %offset) {me} : tensor<2x3x4xf16>
    %d = dropout.element %c p = 0.3 rng(%seed, %offset) : tensor<2x3x4xf16>
    return %d : tensor<2x3x4xf16>
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %ops = transform.structured.match attributes {me} in %root : (!transform.any_op) -> !transform.any_op
    %masks, %values = transform.dropout.decompose %ops : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.annotate %masks "mask" : !transform.any_op
    transform.yield
  }
}

// -----

// A mask result is the mask that the generic reads: 1 everywhere in eval, so its
// threshold knows the flag.
// CHECK-LABEL: func @mask_result
// CHECK-SAME: %[[F:[a-z0-9]+]]: i1)
// CHECK: %[[T:.*]] = arith.select %[[F]], %{{.*}}, %{{.*}} : i64
// CHECK: %[[M:.*]] = dropout.mask(%{{.*}}) threshold(%[[T]])
// CHECK-NOT: dropout.mask
// CHECK: %[[Y:.*]] = linalg.generic {{.*}} ins(%{{.*}}, %[[M]] :
// CHECK-COUNT-2: arith.select {{.*}} : f32
// CHECK: return %[[Y]], %[[M]]
module attributes {transform.with_named_sequence} {
  func.func @mask_result(%x: tensor<?x8xf32>, %p: f64, %seed: i64, %offset: i64, %flag: i1) -> (tensor<?x8xf32>, tensor<?x8xi1>) {
    %y, %m = dropout.element %x p(%p) rng(%seed, %offset) training(%flag) : tensor<?x8xf32>, tensor<?x8xi1>
    return %y, %m : tensor<?x8xf32>, tensor<?x8xi1>
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["dropout.element"]} in %root : (!transform.any_op) -> !transform.any_op
    %mask, %value = transform.dropout.decompose %op : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// No target, no parts.
// CHECK-LABEL: func @nothing
// CHECK-NEXT: return
module attributes {transform.with_named_sequence} {
  func.func @nothing() {
    return
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["dropout.element"]} in %root : (!transform.any_op) -> !transform.any_op
    %mask, %value = transform.dropout.decompose %op : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}
