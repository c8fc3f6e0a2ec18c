// RUN: dropout-opt %s -split-input-file --transform-interpreter --canonicalize --cse | FileCheck %s
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A tile is the same op on a slice that knows its place in the whole; sizes that
// tiles do not divide are cut off.
// CHECK-LABEL: func @element
// CHECK-SAME: %[[X:.*]]: tensor<64x?xf32>, %[[P:.*]]: f64, %[[SEED:.*]]: i64, %[[OFFSET:.*]]: i64, %[[FLAG:.*]]: i1
// CHECK: %[[WIDTH:.*]] = tensor.dim %[[X]], %{{.*}}
// CHECK: scf.for %[[I:[a-z0-9]+]] = %{{.*}} to %{{.*}} step %{{.*}} iter_args
// CHECK: scf.for %[[J:[a-z0-9]+]] = %{{.*}} to %[[WIDTH]] step %{{.*}} iter_args(%[[TO:.*]] = %{{.*}})
// CHECK: %[[SIZE:.*]] = affine.min
// CHECK: %[[SLICE:.*]] = tensor.extract_slice %[[X]][%[[I]], %[[J]]] [16, %[[SIZE]]] [1, 1]
// CHECK: %[[TILE:.*]] = dropout.element %[[SLICE]] p(%[[P]]) rounds = 7 resolution = 8 rng(%[[SEED]], %[[OFFSET]]) training(%[[FLAG]]) at [%[[I]], %[[J]]] of [64, %[[WIDTH]]] {note} : tensor<16x?xf32>
// CHECK: tensor.insert_slice %[[TILE]] into %[[TO]][%[[I]], %[[J]]] [16, %[[SIZE]]] [1, 1]
module attributes {transform.with_named_sequence} {
  func.func @element(%x: tensor<64x?xf32>, %p: f64, %seed: i64, %offset: i64, %flag: i1) -> tensor<64x?xf32> {
    %y = dropout.element %x p(%p) rounds = 7 resolution = 8 rng(%seed, %offset) training(%flag) {note} : tensor<64x?xf32>
    return %y : tensor<64x?xf32>
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["dropout.element"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loops:2 = transform.structured.tile_using_for %op tile_sizes [16, 8] : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// The tile of a slice adds up both places; dims that share a draw are tiled like
// the others, and the order of the mask dims stays.
// CHECK-LABEL: func @channel
// CHECK: scf.for %[[I:[a-z0-9]+]] =
// CHECK: scf.for %[[J:[a-z0-9]+]] =
// CHECK: %[[PLACE:.*]] = arith.addi %[[I]], %{{.*}}
// CHECK: dropout.channel %{{.*}} p = 3.000000e-01 mask_dims = [2, 0] rng(%{{.*}}, %{{.*}}) at [%[[PLACE]], %[[J]], 0] of [96, 32, 7] : tensor<16x8x7xf32>
module attributes {transform.with_named_sequence} {
  func.func @channel(%x: tensor<64x32x7xf32>, %seed: i64, %offset: i64) -> tensor<64x32x7xf32> {
    %y = dropout.channel %x p = 0.3 mask_dims = [2, 0] rng(%seed, %offset) at [32, 0, 0] of [96, 32, 7] : tensor<64x32x7xf32>
    return %y : tensor<64x32x7xf32>
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["dropout.channel"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loops:2 = transform.structured.tile_using_for %op tile_sizes [16, 8] : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// The memref form: both buffers are sliced, and one only in place.
// CHECK-LABEL: func @memref
// CHECK-SAME: %[[X:.*]]: memref<64x32xf16>, %[[Y:.*]]: memref<64x32xf16>
// CHECK: scf.for %[[I:[a-z0-9]+]] =
// CHECK: %[[FROM:.*]] = memref.subview %[[X]][%[[I]], 0] [16, 32] [1, 1]
// CHECK: %[[TO:.*]] = memref.subview %[[Y]][%[[I]], 0] [16, 32] [1, 1]
// CHECK: dropout.alpha %[[FROM]] into %[[TO]] p = 3.000000e-01 rng(%{{.*}}, %{{.*}}) at [%[[I]], 0] of [64, 32]
// CHECK: scf.for %[[I:[a-z0-9]+]] =
// CHECK-COUNT-1: memref.subview
// CHECK-NOT: memref.subview
// CHECK: dropout.alpha %[[IN_PLACE:.*]] into %[[IN_PLACE]] p = 3.000000e-01 rng(%{{.*}} : memref<2xi64>) at
module attributes {transform.with_named_sequence} {
  func.func @memref(%x: memref<64x32xf16>, %y: memref<64x32xf16>, %seed: i64, %offset: i64, %state: memref<2xi64>) {
    dropout.alpha %x into %y p = 0.3 rng(%seed, %offset) : memref<64x32xf16>, memref<64x32xf16>
    dropout.alpha %x into %x p = 0.3 rng(%state) : memref<64x32xf16>, memref<64x32xf16>
    return
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["dropout.alpha"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [16] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// Feature-alpha dropout into tiles for threads; here the first and the last dim.
// CHECK-LABEL: func @forall
// CHECK: scf.forall (%[[I:[a-z0-9]+]], %[[K:[a-z0-9]+]]) in (4, 2) shared_outs(%[[OUT:.*]] = %{{.*}})
// CHECK: %[[I0:.*]] = affine.apply {{.*}}(%[[I]])
// CHECK: %[[K0:.*]] = affine.apply {{.*}}(%[[K]])
// CHECK: %[[TILE:.*]] = dropout.feature_alpha %{{.*}} p = 3.000000e-01 mask_dims = [0, 2] rng(%{{.*}}, %{{.*}}) at [%[[I0]], 0, %[[K0]]] of [64, 5, 8] : tensor<16x5x4xbf16>
// CHECK: tensor.parallel_insert_slice %[[TILE]] into %[[OUT]][%[[I0]], 0, %[[K0]]]
module attributes {transform.with_named_sequence} {
  func.func @forall(%x: tensor<64x5x8xbf16>, %seed: i64, %offset: i64) -> tensor<64x5x8xbf16> {
    %y = dropout.feature_alpha %x p = 0.3 mask_dims = [0, 2] rng(%seed, %offset) : tensor<64x5x8xbf16>
    return %y : tensor<64x5x8xbf16>
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["dropout.feature_alpha"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %op tile_sizes [16, 0, 4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// Gradients are tiled like their forward ops.
// CHECK-LABEL: func @backward
// CHECK: scf.forall (%[[I:[a-z0-9]+]]) in (8)
// CHECK: %[[I0:.*]] = affine.apply {{.*}}(%[[I]])
// CHECK: dropout.backward alpha %{{.*}} p = 3.000000e-01 rng(%{{.*}}, %{{.*}}) at [%[[I0]]] of [64] : tensor<8xf64>
module attributes {transform.with_named_sequence} {
  func.func @backward(%dy: tensor<64xf64>, %seed: i64, %offset: i64) -> tensor<64xf64> {
    %dx = dropout.backward alpha %dy p = 0.3 rng(%seed, %offset) : tensor<64xf64>
    return %dx : tensor<64xf64>
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["dropout.backward"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %op num_threads [8] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// A mask has no operand to slice: sizes of its tiles are its operands.
// CHECK-LABEL: func @mask
// CHECK-SAME: %[[N:.*]]: index
// CHECK: scf.for %[[I:[a-z0-9]+]] =
// CHECK: %[[SIZE:.*]] = affine.min
// CHECK: dropout.mask(%[[SIZE]]) threshold(%{{.*}}) mask_dims = [1, 0] rng(%{{.*}}, %{{.*}}) at [%[[I]], 0] of [%[[N]], 32] : tensor<?x32xi1>
module attributes {transform.with_named_sequence} {
  func.func @mask(%n: index, %t: i64, %seed: i64, %offset: i64) -> tensor<?x32xi1> {
    %m = dropout.mask(%n) threshold(%t) mask_dims = [1, 0] rng(%seed, %offset) : tensor<?x32xi1>
    return %m : tensor<?x32xi1>
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["dropout.mask"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [16] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// A mask on memrefs is tiled, too.
// CHECK-LABEL: func @mask_memref
// CHECK: scf.for %[[I:[a-z0-9]+]] =
// CHECK: %[[TO:.*]] = memref.subview %{{.*}}[0, %[[I]]] [4, 8] [1, 1]
// CHECK: dropout.mask into %[[TO]] p = 3.000000e-01 rng(%{{.*}}, %{{.*}}) at [0, %[[I]]] of [4, 32]
module attributes {transform.with_named_sequence} {
  func.func @mask_memref(%m: memref<4x32xi1>, %seed: i64, %offset: i64) {
    dropout.mask into %m p = 0.3 rng(%seed, %offset) : memref<4x32xi1>
    return
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["dropout.mask"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [0, 8] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// Tile-and-fuse pulls the mask, drawn where it is read, into its consumer's loop.
// CHECK-LABEL: func @fuse_mask
// CHECK-NOT: dropout.mask
// CHECK: scf.for %[[I:[a-z0-9]+]] =
// CHECK: scf.for %[[J:[a-z0-9]+]] =
// CHECK: %[[MASK:.*]] = dropout.mask p = 3.000000e-01 rng(%{{.*}}, %{{.*}}) at [%[[I]], %[[J]]] of [64, 32] : tensor<16x8xi1>
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %[[MASK]] :
// CHECK-NOT: dropout.mask
// CHECK: return
module attributes {transform.with_named_sequence} {
  func.func @fuse_mask(%x: tensor<64x32xf32>, %seed: i64, %offset: i64) -> tensor<64x32xf32> {
    %m = dropout.mask p = 0.3 rng(%seed, %offset) : tensor<64x32xi1>
    %empty = tensor.empty() : tensor<64x32xf32>
    %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
                         iterator_types = ["parallel", "parallel"]}
        ins(%x, %m : tensor<64x32xf32>, tensor<64x32xi1>) outs(%empty : tensor<64x32xf32>) {
    ^bb0(%in: f32, %keep: i1, %out: f32):
      %select = arith.select %keep, %in, %out : f32
      linalg.yield %select : f32
    } -> tensor<64x32xf32>
    return %y : tensor<64x32xf32>
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["linalg.generic"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loops:2 = transform.structured.fuse %op tile_sizes [16, 8] : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// Dropout as a producer, and as the root with a producer and a mask of its own:
// everything ends up in one loop.
// CHECK-LABEL: func @fuse_chain
// CHECK: scf.for %[[I:[a-z0-9]+]] =
// CHECK-DAG: %[[A:.*]] = dropout.element %{{.*}} p = 3.000000e-01 rng(%{{.*}}, %{{.*}}) at [%[[I]], 0] of [64, 32] : tensor<16x32xf32>
// CHECK-DAG: %[[B:.*]] = linalg.exp ins(%[[A]] :
// CHECK: dropout.channel %[[B]] p = 3.000000e-01 rng(%{{.*}}, %{{.*}}) at [%[[I]], 0] of [64, 32] : tensor<16x32xf32>
// CHECK: scf.yield
// CHECK-NOT: dropout
// CHECK: return
module attributes {transform.with_named_sequence} {
  func.func @fuse_chain(%x: tensor<64x32xf32>, %seed: i64, %offset: i64) -> tensor<64x32xf32> {
    %a = dropout.element %x p = 0.3 rng(%seed, %offset) : tensor<64x32xf32>
    %empty = tensor.empty() : tensor<64x32xf32>
    %b = linalg.exp ins(%a : tensor<64x32xf32>) outs(%empty : tensor<64x32xf32>) -> tensor<64x32xf32>
    %y = dropout.channel %b p = 0.3 rng(%seed, %offset) : tensor<64x32xf32>
    return %y : tensor<64x32xf32>
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["dropout.channel"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.fuse %op tile_sizes [16] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// Dropout goes into the loop of a consumer that was tiled before it, for threads.
// CHECK-LABEL: func @fuse_into
// CHECK-NOT: dropout.alpha
// CHECK: scf.forall (%[[I:[a-z0-9]+]]) in (4)
// CHECK: %[[A:.*]] = dropout.alpha %{{.*}} p = 3.000000e-01 rng(%{{.*}}, %{{.*}}) at [%{{.*}}, 0] of [64, 32] : tensor<16x32xf32>
// CHECK: linalg.exp ins(%[[A]] :
module attributes {transform.with_named_sequence} {
  func.func @fuse_into(%x: tensor<64x32xf32>, %seed: i64, %offset: i64) -> tensor<64x32xf32> {
    %a = dropout.alpha %x p = 0.3 rng(%seed, %offset) : tensor<64x32xf32>
    %empty = tensor.empty() : tensor<64x32xf32>
    %b = linalg.exp ins(%a : tensor<64x32xf32>) outs(%empty : tensor<64x32xf32>) -> tensor<64x32xf32>
    return %b : tensor<64x32xf32>
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["linalg.exp"]} in %root : (!transform.any_op) -> !transform.any_op
    %producer = transform.structured.match ops{["dropout.alpha"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %op tile_sizes [16] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %fused, %new_loop = transform.structured.fuse_into_containing_op %producer into %loop : (!transform.any_op, !transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// A scalar has no loop to tile, and a tile of the whole size none that runs twice.
// CHECK-LABEL: func @whole
// CHECK-NOT: scf.for
// CHECK: dropout.element %{{.*}} : tensor<16xf32>
module attributes {transform.with_named_sequence} {
  func.func @whole(%x: tensor<16xf32>, %seed: i64, %offset: i64) -> tensor<16xf32> {
    %y = dropout.element %x p = 0.3 rng(%seed, %offset) : tensor<16xf32>
    return %y : tensor<16xf32>
  }
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["dropout.element"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [16] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}
