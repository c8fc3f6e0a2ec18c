// RUN: not dropout-opt %s -split-input-file --transform-interpreter 2>&1 | FileCheck %s
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// An implicit op would take an offset per tile.
module attributes {transform.with_named_sequence} {
  func.func @implicit(%x: tensor<64xf32>) -> tensor<64xf32> {
    // CHECK: :[[#@LINE+1]]:{{.*}} error: {{.*}} expected an explicit generator, but got an implicit op; run 'dropout-materialize-state' first
    %y = dropout.element %x p = 0.3 : tensor<64xf32>
    return %y : tensor<64xf32>
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["dropout.element"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [16] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// In memory, too.
module attributes {transform.with_named_sequence} {
  func.func @implicit_memref(%x: memref<64xf32>) {
    // CHECK: :[[#@LINE+1]]:{{.*}} error: {{.*}} expected an explicit generator, but got an implicit op; run 'dropout-materialize-state' first
    dropout.alpha %x into %x p = 0.3 : memref<64xf32>, memref<64xf32>
    return
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["dropout.alpha"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [16] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// A mask result is split off first.
module attributes {transform.with_named_sequence} {
  func.func @mask_result(%x: tensor<64xf32>, %seed: i64, %offset: i64) -> (tensor<64xf32>, tensor<64xi1>) {
    // CHECK: :[[#@LINE+1]]:{{.*}} error: {{.*}} expected one result for tiling, but got a mask result, too; run 'canonicalize' first, which splits it off
    %y, %m = dropout.element %x p = 0.3 rng(%seed, %offset) : tensor<64xf32>, tensor<64xi1>
    return %y, %m : tensor<64xf32>, tensor<64xi1>
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["dropout.element"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %op tile_sizes [16] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}
