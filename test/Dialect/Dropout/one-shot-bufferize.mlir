// RUN: dropout-opt %s --one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" --cse --canonicalize | FileCheck %s --implicit-check-not=__out_of_place__ --implicit-check-not=memref.copy
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Where nobody reads x later, the result takes its buffer, for every op.
// CHECK-LABEL: func @in_place
// CHECK-SAME: %[[X:.*]]: memref<4x8xf32>, %[[P:.*]]: f64, %[[SEED:.*]]: i64, %[[OFFSET:.*]]: i64, %[[FLAG:.*]]: i1
// CHECK-NEXT: dropout.element %[[X]] into %[[X]] p(%[[P]]) rounds = 7 resolution = 8 rng(%[[SEED]], %[[OFFSET]]) training(%[[FLAG]]) : memref<4x8xf32>, memref<4x8xf32>
// CHECK-NEXT: dropout.channel %[[X]] into %[[X]] p = 3.000000e-01 mask_dims = [1] rng(%[[SEED]], %[[OFFSET]]) at [4, 0] of [8, 8] {note} : memref<4x8xf32>, memref<4x8xf32>
// CHECK-NEXT: dropout.alpha %[[X]] into %[[X]]
// CHECK-NEXT: dropout.feature_alpha %[[X]] into %[[X]]
// CHECK-NEXT: dropout.backward alpha %[[X]] into %[[X]] p = 3.000000e-01
// CHECK-NEXT: return %[[X]]
func.func @in_place(%x: tensor<4x8xf32>, %p: f64, %seed: i64, %offset: i64, %flag: i1) -> tensor<4x8xf32> {
  %a = dropout.element %x p(%p) rounds = 7 resolution = 8 rng(%seed, %offset) training(%flag) : tensor<4x8xf32>
  %b = dropout.channel %a p = 0.3 mask_dims = [1] rng(%seed, %offset) at [4, 0] of [8, 8] {note} : tensor<4x8xf32>
  %c = dropout.alpha %b p = 0.3 rng(%seed, %offset) : tensor<4x8xf32>
  %d = dropout.feature_alpha %c p = 0.3 rng(%seed, %offset) : tensor<4x8xf32>
  %e = dropout.backward alpha %d p = 0.3 rng(%seed, %offset) : tensor<4x8xf32>
  return %e : tensor<4x8xf32>
}

// An argument that may not be written: a new buffer, written once, no copy.
// CHECK-LABEL: func @read_only
// CHECK-SAME: %[[X:.*]]: memref<4x?xbf16>
// CHECK: %[[SIZE:.*]] = memref.dim %[[X]], %{{.*}}
// CHECK: %[[Y:.*]] = memref.alloc(%[[SIZE]]) {{.*}} : memref<4x?xbf16>
// CHECK-NEXT: dropout.alpha %[[X]] into %[[Y]]
// CHECK-NEXT: return %[[Y]]
func.func @read_only(%x: tensor<4x?xbf16> {bufferization.writable = false}, %seed: i64, %offset: i64) -> tensor<4x?xbf16> {
  %y = dropout.alpha %x p = 0.3 rng(%seed, %offset) : tensor<4x?xbf16>
  return %y : tensor<4x?xbf16>
}

// x is read behind the op: a new buffer, too, and x stays what it was.
// CHECK-LABEL: func @read_later
// CHECK-SAME: %[[X:.*]]: memref<4x8xf32>
// CHECK: %[[Y:.*]] = memref.alloc()
// CHECK-NEXT: dropout.channel %[[X]] into %[[Y]]
// CHECK-NEXT: %[[FIRST:.*]] = memref.load %[[X]]
// CHECK-NEXT: return %[[Y]], %[[FIRST]]
func.func @read_later(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) -> (tensor<4x8xf32>, f32) {
  %c0 = arith.constant 0 : index
  %y = dropout.channel %x p = 0.3 rng(%seed, %offset) : tensor<4x8xf32>
  %first = tensor.extract %x[%c0, %c0] : tensor<4x8xf32>
  return %y, %first : tensor<4x8xf32>, f32
}

// Two ops on one x: the first may not overwrite it, the second may.
// CHECK-LABEL: func @twice
// CHECK-SAME: %[[X:.*]]: memref<4xf32>
// CHECK: %[[Y:.*]] = memref.alloc()
// CHECK-NEXT: dropout.element %[[X]] into %[[Y]] p = 3.000000e-01
// CHECK-NEXT: dropout.element %[[X]] into %[[X]] p = 4.000000e-01
// CHECK-NEXT: return %[[Y]], %[[X]]
func.func @twice(%x: tensor<4xf32>, %seed: i64, %offset: i64) -> (tensor<4xf32>, tensor<4xf32>) {
  %a = dropout.element %x p = 0.3 rng(%seed, %offset) : tensor<4xf32>
  %b = dropout.element %x p = 0.4 rng(%seed, %offset) : tensor<4xf32>
  return %a, %b : tensor<4xf32>, tensor<4xf32>
}

// A tile of a tensor that the loop owns is dropped where it lies.
// CHECK-LABEL: func @tile
// CHECK-SAME: %[[X:.*]]: memref<64xf32>
// CHECK: scf.for %[[I:[a-z0-9]+]] =
// CHECK-NEXT: %[[TILE:.*]] = memref.subview %[[X]][%[[I]]] [16] [1]
// CHECK-NEXT: dropout.element %[[TILE]] into %[[TILE]] p = 3.000000e-01 rng(%{{.*}}, %{{.*}}) at [%[[I]]] of [64]
// CHECK-NEXT: }
// CHECK-NEXT: return %[[X]]
func.func @tile(%x: tensor<64xf32>, %seed: i64, %offset: i64) -> tensor<64xf32> {
  %c0 = arith.constant 0 : index
  %c16 = arith.constant 16 : index
  %c64 = arith.constant 64 : index
  %r = scf.for %i = %c0 to %c64 step %c16 iter_args(%t = %x) -> tensor<64xf32> {
    %slice = tensor.extract_slice %t[%i] [16] [1] : tensor<64xf32> to tensor<16xf32>
    %y = dropout.element %slice p = 0.3 rng(%seed, %offset) at [%i] of [64] : tensor<16xf32>
    %u = tensor.insert_slice %y into %t[%i] [16] [1] : tensor<16xf32> into tensor<64xf32>
    scf.yield %u : tensor<64xf32>
  }
  return %r : tensor<64xf32>
}

// A mask that is wanted gets a buffer of bytes.
// CHECK-LABEL: func @mask
// CHECK-SAME: %[[N:.*]]: index, %[[T:.*]]: i64, %{{.*}}: i64, %{{.*}}: i64)
// CHECK: %[[M:.*]] = memref.alloc(%[[N]]) {{.*}} : memref<4x?xi1>
// CHECK-NEXT: dropout.mask into %[[M]] threshold(%[[T]]) mask_dims = [1, 0] rng(%{{.*}}, %{{.*}}) at [0, 8] of [4, 64] : memref<4x?xi1>
// CHECK-NEXT: return %[[M]]
func.func @mask(%n: index, %t: i64, %seed: i64, %offset: i64) -> tensor<4x?xi1> {
  %m = dropout.mask(%n) threshold(%t) mask_dims = [1, 0] rng(%seed, %offset) at [0, 8] of [4, 64] : tensor<4x?xi1>
  return %m : tensor<4x?xi1>
}

// What is in memory already stays as it is, implicit ops too.
// CHECK-LABEL: func @memref
// CHECK-SAME: %[[X:.*]]: memref<4xf32>, %[[Y:.*]]: memref<4xf32>, %[[M:.*]]: memref<4xi1>
// CHECK-NEXT: dropout.element %[[X]] into %[[Y]] p = 3.000000e-01 : memref<4xf32>, memref<4xf32>
// CHECK-NEXT: dropout.mask into %[[M]] p = 3.000000e-01 rng
func.func @memref(%x: memref<4xf32>, %y: memref<4xf32>, %m: memref<4xi1>, %seed: i64, %offset: i64) {
  dropout.element %x into %y p = 0.3 : memref<4xf32>, memref<4xf32>
  dropout.mask into %m p = 0.3 rng(%seed, %offset) : memref<4xi1>
  return
}
