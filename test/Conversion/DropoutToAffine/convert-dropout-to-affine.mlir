// RUN: dropout-opt %s --convert-dropout-to-affine | FileCheck %s --implicit-check-not=dropout. --implicit-check-not=xi1
// RUN: dropout-opt %s --convert-dropout-to-affine > %t.once
// RUN: dropout-opt %t.once --convert-dropout-to-affine > %t.twice
// RUN: diff %t.once %t.twice
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Rows that start at a multiple of eight: the rows, their blocks of ten rounds,
// the eight elements of a block; a second block in the rare tie only.
// CHECK-LABEL: func @aligned
// CHECK-SAME: %[[X:.*]]: memref<4x16xf32>, %[[Y:.*]]: memref<4x16xf32>
// CHECK-DAG: %[[S:.*]] = arith.constant 2.000000e+00 : f32
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK: affine.for %[[I:[a-z0-9]+]] = 0 to 4 {
// CHECK: affine.for %[[BLOCK:[a-z0-9]+]] = 0 to 2 {
// CHECK-COUNT-20: arith.mului_extended
// CHECK-NOT: arith.mului_extended
// CHECK: affine.for %[[LANE:[a-z0-9]+]] = 0 to 8 {
// CHECK-NOT: arith.mului_extended
// CHECK: %[[TIE:.*]] = arith.cmpi eq
// CHECK: %[[KEEP:.*]] = scf.if %[[TIE]] -> (i1)
// CHECK-COUNT-20: arith.mului_extended
// CHECK-NOT: arith.mului_extended
// CHECK: %[[IN:.*]] = affine.load %[[X]][%[[I]], %[[BLOCK]] * 8 + %[[LANE]]]
// CHECK: %[[KEPT:.*]] = arith.mulf %[[IN]], %[[S]]
// CHECK: %[[OUT:.*]] = arith.select %[[KEEP]], %[[KEPT]], %[[ZERO]]
// CHECK: affine.store %[[OUT]], %[[Y]][%[[I]], %[[BLOCK]] * 8 + %[[LANE]]]
// CHECK: return
func.func @aligned(%x: memref<4x16xf32>, %y: memref<4x16xf32>, %seed: i64, %offset: i64) {
  dropout.element %x into %y p = 0.5 rng(%seed, %offset) : memref<4x16xf32>, memref<4x16xf32>
  return
}

// Other rows: the next block is drawn ahead, still one per eight elements, and a
// window is shifted over both. Dynamic sizes bound the last group.
// CHECK-LABEL: func @window
// CHECK-SAME: %[[X:.*]]: memref<4x?xf32, strided<[?, 2], offset: ?>>, %[[FLAG:.*]]: i1
// CHECK: memref.dim %[[X]], %{{.*}}
// CHECK: affine.for %[[I:[a-z0-9]+]] = 0 to 4 {
// CHECK-COUNT-20: arith.mului_extended
// CHECK-NOT: arith.mului_extended
// CHECK: affine.for %[[GROUP:[a-z0-9]+]] = 0 to #{{.*}}()[%{{.*}}] iter_args(%[[BITS:[a-z0-9]+]] = %{{.*}}) -> (i128) {
// CHECK-COUNT-20: arith.mului_extended
// CHECK-NOT: arith.mului_extended
// CHECK: arith.shrui %[[BITS]], %{{.*}} : i128
// CHECK: affine.for %[[LANE:[a-z0-9]+]] = 0 to min #{{.*}}(%[[GROUP]])[%{{.*}}] {
// CHECK: affine.load %[[X]][%[[I]], %[[GROUP]] * 8 + %[[LANE]]]
// CHECK: arith.select %[[FLAG]], %{{.*}}, %{{.*}} : f32
// CHECK: affine.store %{{.*}}, %[[X]][%[[I]], %[[GROUP]] * 8 + %[[LANE]]]
// CHECK: affine.yield %{{.*}} : i128
// CHECK: return
func.func @window(%x: memref<4x?xf32, strided<[?, 2], offset: ?>>, %flag: i1, %seed: i64, %offset: i64) {
  dropout.element %x into %x p = 0.5 rng(%seed, %offset) training(%flag) : memref<4x?xf32, strided<[?, 2], offset: ?>>, memref<4x?xf32, strided<[?, 2], offset: ?>>
  return
}

// With 8 bits sixteen elements share a block of fourteen multiplications, and
// there is no tie.
// CHECK-LABEL: func @bytes
// CHECK: affine.for %{{.*}} = 0 to 3 {
// CHECK-COUNT-14: arith.mului_extended
// CHECK-NOT: arith.mului_extended
// CHECK: affine.for %{{.*}} = 0 to 16 {
// CHECK-NOT: scf.if
// CHECK: math.fma
// CHECK: return
func.func @bytes(%x: memref<48xbf16>, %state: memref<2xi64>) {
  dropout.alpha %x into %x p = 0.5 rounds = 7 resolution = 8 rng(%state) : memref<48xbf16>, memref<48xbf16>
  return
}

// Mask dims are outermost, in their order, so that each channel is drawn once.
// CHECK-LABEL: func @channel
// CHECK: affine.for %[[C:[a-z0-9]+]] = 0 to 6 {
// CHECK: affine.for %[[GROUP:[a-z0-9]+]] = 0 to 2 {
// CHECK: affine.for %[[N:[a-z0-9]+]] = 0 to 8 {
// CHECK: scf.if
// CHECK: affine.for %[[H:[a-z0-9]+]] = 0 to 5 {
// CHECK-NOT: arith.mului_extended
// CHECK: affine.load %{{.*}}[%[[GROUP]] * 8 + %[[N]], %[[H]], %[[C]]]
// CHECK-NOT: arith.mului_extended
// CHECK: return
func.func @channel(%x: memref<16x5x6xf32>, %seed: i64, %offset: i64) {
  dropout.channel %x into %x p = 0.5 mask_dims = [2, 0] rng(%seed, %offset) : memref<16x5x6xf32>, memref<16x5x6xf32>
  return
}

// One draw for all, outside of every loop.
// CHECK-LABEL: func @one_draw
// CHECK: scf.if
// CHECK: affine.for
// CHECK-NOT: arith.mului_extended
// CHECK: return
func.func @one_draw(%x: memref<16xf64>, %seed: i64, %offset: i64) {
  dropout.feature_alpha %x into %x p = 0.5 mask_dims = [] rng(%seed, %offset) : memref<16xf64>, memref<16xf64>
  return
}

// A scalar has no loop, a gradient has a.
// CHECK-LABEL: func @scalar
// CHECK-DAG: %[[A:.*]] = arith.constant 0.886404871 : f32
// CHECK-NOT: affine.for
// CHECK: affine.load %{{.*}}[] : memref<f32>
// CHECK: arith.mulf %{{.*}}, %[[A]]
// CHECK: return
func.func @scalar(%dy: memref<f32>, %seed: i64, %offset: i64) {
  dropout.backward alpha %dy into %dy p = 0.5 rng(%seed, %offset) : memref<f32>, memref<f32>
  return
}

// A dynamic size of a memref from inside a loop is no symbol that could bound an
// affine loop: the same nest, of scf loops.
// CHECK-LABEL: func @tile
// CHECK: scf.for %[[I:[a-z0-9]+]] =
// CHECK: %[[TILE:.*]] = memref.subview
// CHECK: scf.for %[[GROUP:[a-z0-9]+]] =
// CHECK-COUNT-20: arith.mului_extended
// CHECK-NOT: arith.mului_extended
// CHECK: scf.for %[[LANE:[a-z0-9]+]] =
// CHECK-NOT: affine
// CHECK: memref.load %[[TILE]]
// CHECK: memref.store %{{.*}}, %[[TILE]]
// CHECK: return
func.func @tile(%x: memref<?xf32>, %n: index, %seed: i64, %offset: i64) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    %size = arith.subi %n, %i : index
    %tile = memref.subview %x[%i] [%size] [1] : memref<?xf32> to memref<?xf32, strided<[1], offset: ?>>
    dropout.element %tile into %tile p = 0.3 rng(%seed, %offset) at [%i] of [%n] : memref<?xf32, strided<[1], offset: ?>>, memref<?xf32, strided<[1], offset: ?>>
  }
  return
}

// A slice starts at the place of its element in the whole: row 3 of 96 + 8 is 296.
// CHECK-LABEL: func @position
// CHECK-DAG: %[[BASE:.*]] = arith.constant 296 : index
// CHECK-DAG: %[[STRIDE:.*]] = arith.constant 96 : index
// CHECK: affine.for %[[I:[a-z0-9]+]] = 0 to 4 {
// CHECK: %[[ROW:.*]] = arith.muli %[[I]], %[[STRIDE]]
// CHECK: arith.addi %[[ROW]], %[[BASE]]
// CHECK-COUNT-20: arith.mului_extended
// CHECK-NOT: arith.mului_extended
// CHECK: affine.for %{{.*}} = 0 to 8
func.func @position(%x: memref<4x16xf32>, %seed: i64, %offset: i64) {
  dropout.element %x into %x p = 0.5 rng(%seed, %offset) at [3, 8] of [64, 96] : memref<4x16xf32>, memref<4x16xf32>
  return
}
