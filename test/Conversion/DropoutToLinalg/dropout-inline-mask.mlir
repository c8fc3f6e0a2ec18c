// RUN: dropout-opt %s --dropout-inline-mask | FileCheck %s --implicit-check-not=dropout.mask
// RUN: dropout-opt %s --dropout-inline-mask > %t.once
// RUN: dropout-opt %t.once --dropout-inline-mask > %t.twice
// RUN: diff %t.once %t.twice
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (j)>
#reduced = affine_map<(i, j) -> (i)>

// The mask moves into its reader: one generic, no tensor of bits.
// CHECK-LABEL: func @reader
// CHECK-SAME: %[[X:.*]]: tensor<4x8xf32>, %[[T:.*]]: i64, %[[SEED:.*]]: i64, %[[OFFSET:.*]]: i64)
// CHECK-NOT: xi1
// CHECK: linalg.generic {{.*}} ins(%[[X]] : tensor<4x8xf32>)
// CHECK: %[[K:.*]] = dropout.keep %{{.*}} threshold(%[[T]]) rng(%[[SEED]], %[[OFFSET]]) rounds = 7 resolution = 8
// CHECK: arith.select %[[K]]
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @reader(%x: tensor<4x8xf32>, %t: i64, %seed: i64, %offset: i64) -> tensor<4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %m = dropout.mask threshold(%t) rounds = 7 resolution = 8 rng(%seed, %offset) : tensor<4x8xi1>
  %empty = tensor.empty() : tensor<4x8xf32>
  %y = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %m : tensor<4x8xf32>, tensor<4x8xi1>) outs(%empty : tensor<4x8xf32>) {
  ^bb0(%in: f32, %keep: i1, %out: f32):
    %s = arith.select %keep, %in, %zero : f32
    linalg.yield %s : f32
  } -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// A mask of a slice, broadcast along the first dim: its index is that of the
// column in the whole row.
// CHECK-LABEL: func @broadcast
// CHECK-SAME: %{{.*}}: tensor<4x8xf32>, %[[I:.*]]: index
// CHECK: linalg.generic
// CHECK: %[[J:.*]] = linalg.index 1
// CHECK: %[[SUM:.*]] = arith.addi %[[I]], %[[J]]
// CHECK: %[[INDEX:.*]] = arith.index_cast %[[SUM]]
// CHECK: dropout.keep %[[INDEX]]
// CHECK: return
func.func @broadcast(%x: tensor<4x8xf32>, %i: index, %seed: i64, %offset: i64) -> tensor<4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %m = dropout.mask p = 0.3 rng(%seed, %offset) at [%i] of [64] : tensor<8xi1>
  %empty = tensor.empty() : tensor<4x8xf32>
  %y = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %m : tensor<4x8xf32>, tensor<8xi1>) outs(%empty : tensor<4x8xf32>) {
  ^bb0(%in: f32, %keep: i1, %out: f32):
    %s = arith.select %keep, %in, %zero : f32
    linalg.yield %s : f32
  } -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// Every reader draws for itself, one that reduces and a named one too.
// CHECK-LABEL: func @readers
// CHECK-NOT: xi1
// CHECK: linalg.generic
// CHECK-SAME: iterator_types = ["parallel", "reduction"]
// CHECK: dropout.keep
// CHECK: arith.addf
// CHECK: linalg.generic
// CHECK: dropout.keep
// CHECK: arith.select
// CHECK: return
func.func @readers(%x: tensor<4x8xf32>, %sum: tensor<4xf32>, %seed: i64, %offset: i64) -> (tensor<4xf32>, tensor<4x8xf32>) {
  %zero = arith.constant 0.0 : f32
  %m = dropout.mask p = 0.3 rng(%seed, %offset) : tensor<4x8xi1>
  %a = linalg.generic {indexing_maps = [#id, #id, #reduced], iterator_types = ["parallel", "reduction"]}
      ins(%x, %m : tensor<4x8xf32>, tensor<4x8xi1>) outs(%sum : tensor<4xf32>) {
  ^bb0(%in: f32, %keep: i1, %out: f32):
    %s = arith.select %keep, %in, %zero : f32
    %t = arith.addf %s, %out : f32
    linalg.yield %t : f32
  } -> tensor<4xf32>
  %empty = tensor.empty() : tensor<4x8xf32>
  %b = linalg.select ins(%m, %x, %x : tensor<4x8xi1>, tensor<4x8xf32>, tensor<4x8xf32>) outs(%empty : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %a, %b : tensor<4xf32>, tensor<4x8xf32>
}

// A mask that is itself wanted stays as a generic, and its reader draws again.
// CHECK-LABEL: func @wanted
// CHECK: %[[M:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<4x8xi1>)
// CHECK: dropout.keep
// CHECK: %[[Y:.*]] = linalg.generic {{.*}} ins(%{{[^ ]*}} : tensor<4x8xf32>)
// CHECK: dropout.keep
// CHECK: return %[[M]], %[[Y]]
func.func @wanted(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) -> (tensor<4x8xi1>, tensor<4x8xf32>) {
  %m = dropout.mask p = 0.3 rng(%seed, %offset) : tensor<4x8xi1>
  %empty = tensor.empty() : tensor<4x8xf32>
  %y = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %m : tensor<4x8xf32>, tensor<4x8xi1>) outs(%empty : tensor<4x8xf32>) {
  ^bb0(%in: f32, %keep: i1, %out: f32):
    %s = arith.select %keep, %in, %out : f32
    linalg.yield %s : f32
  } -> tensor<4x8xf32>
  return %m, %y : tensor<4x8xi1>, tensor<4x8xf32>
}

// A mask in memory is a generic that writes it.
// CHECK-LABEL: func @memref
// CHECK-SAME: %[[M:.*]]: memref<4x?xi1>
// CHECK: linalg.generic {{.*}} outs(%[[M]] : memref<4x?xi1>)
// CHECK: %[[K:.*]] = dropout.keep
// CHECK: linalg.yield %[[K]] : i1
func.func @memref(%m: memref<4x?xi1>, %p: f64, %flag: i1, %seed: i64, %offset: i64) {
  dropout.mask into %m p(%p) rng(%seed, %offset) training(%flag) : memref<4x?xi1>
  return
}

// A transposed mask permutes strides; one that repeats has none in the dim along
// which it does.
// CHECK-LABEL: func @strides
// CHECK-DAG: %[[C4:.*]] = arith.constant 4 : index
// CHECK: linalg.generic
// CHECK: %[[I:.*]] = linalg.index 0
// CHECK: %[[J:.*]] = linalg.index 1
// CHECK: %[[SLOW:.*]] = arith.muli %[[J]], %[[C4]]
// CHECK: arith.addi %[[I]], %[[SLOW]]
// CHECK: linalg.generic
// CHECK: %[[J:.*]] = linalg.index 1
// CHECK-NEXT: %[[INDEX:.*]] = arith.index_cast %[[J]]
// CHECK-NEXT: dropout.keep %[[INDEX]]
func.func @strides(%seed: i64, %offset: i64) -> (tensor<4x8xi1>, tensor<4x8xi1>) {
  %a = dropout.mask p = 0.3 mask_dims = [1, 0] rng(%seed, %offset) : tensor<4x8xi1>
  %b = dropout.mask p = 0.3 mask_dims = [1] rng(%seed, %offset) : tensor<4x8xi1>
  return %a, %b : tensor<4x8xi1>, tensor<4x8xi1>
}
