// RUN: dropout-opt %s -split-input-file --transform-interpreter --canonicalize --cse | FileCheck %s
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Upstream's transform ops on what decompose makes; test/Integration/CPU/schedules.py
// runs what comes out.

// The mask goes into the loop over threads in which its reader stands already.
// CHECK-LABEL: func @fuse_mask_into
// CHECK-NOT: dropout.mask
// CHECK: scf.forall (%[[I:.*]], %[[J:.*]]) in (4, 2)
// CHECK: %[[I0:.*]] = affine.apply {{.*}}(%[[I]])
// CHECK: %[[J0:.*]] = affine.apply {{.*}}(%[[J]])
// CHECK: %[[M:.*]] = dropout.mask threshold(%{{.*}}) rng(%{{.*}}, %{{.*}}) at [%[[I0]], %[[J0]]] of [16, 64] : tensor<4x32xi1>
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %[[M]] : tensor<4x32xf32>, tensor<4x32xi1>)
// CHECK-NOT: dropout.mask
// CHECK: return
module attributes {transform.with_named_sequence} {
  func.func @fuse_mask_into(%x: tensor<16x64xf32>, %seed: i64, %offset: i64) -> tensor<16x64xf32> {
    %y = dropout.element %x p = 0.3 rng(%seed, %offset) : tensor<16x64xf32>
    return %y : tensor<16x64xf32>
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["dropout.element"]} in %root : (!transform.any_op) -> !transform.any_op
    %mask, %select = transform.dropout.decompose %op : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %tiled, %loop = transform.structured.tile_using_forall %select tile_sizes [4, 32] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %fused, %new = transform.structured.fuse_into_containing_op %mask into %loop : (!transform.any_op, !transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// Channels first, a transposed mask, dynamic sizes: the keep bit is drawn in all
// lanes, from the indices of the whole tensor, and only x and y are masked.
// CHECK-LABEL: func @vectorize_masked
// CHECK-SAME: %[[X:.*]]: tensor<?x?xf32>, %[[SEED:.*]]: i64, %[[OFFSET:.*]]: i64
// CHECK: scf.for
// CHECK: scf.for
// CHECK: vector.mask %{{.*}} { vector.transfer_read %{{.*}} vector<4x8xf32>
// CHECK-DAG: %[[SEEDS:.*]] = vector.broadcast %[[SEED]] : i64 to vector<4x8xi64>
// CHECK-DAG: %[[OFFSETS:.*]] = vector.broadcast %[[OFFSET]] : i64 to vector<4x8xi64>
// CHECK-DAG: %[[INDEX:.*]] = arith.index_cast %{{.*}} : vector<4x8xindex> to vector<4x8xi64>
// CHECK: %[[KEEP:.*]] = dropout.keep %[[INDEX]] threshold(%{{.*}}) rng(%[[SEEDS]], %[[OFFSETS]]) rounds = 7 : vector<4x8xi64>
// CHECK: arith.select %[[KEEP]], %{{.*}} : vector<4x8xi1>, vector<4x8xf32>
// CHECK: vector.mask %{{.*}} { vector.transfer_write
// CHECK-NOT: linalg
// CHECK: return
module attributes {transform.with_named_sequence} {
  func.func @vectorize_masked(%x: tensor<?x?xf32>, %seed: i64, %offset: i64) -> tensor<?x?xf32> {
    %y = dropout.channel %x p = 0.3 mask_dims = [1, 0] rounds = 7 rng(%seed, %offset) : tensor<?x?xf32>
    return %y : tensor<?x?xf32>
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["dropout.channel"]} in %root : (!transform.any_op) -> !transform.any_op
    %mask, %select = transform.dropout.decompose %op : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %tiled, %loops:2 = transform.structured.fuse %select tile_sizes [4, 8] : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    %f = transform.structured.match ops{["func.func"]} in %root : (!transform.any_op) -> !transform.any_op
    transform.apply_patterns to %f {
      transform.apply_patterns.dropout.inline_mask
      transform.apply_patterns.canonicalization
    } : !transform.any_op
    %generic = transform.structured.match ops{["linalg.generic"]} in %f : (!transform.any_op) -> !transform.any_op
    transform.structured.vectorize %generic vector_sizes [4, 8] : !transform.any_op
    transform.yield
  }
}
