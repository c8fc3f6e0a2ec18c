// RUN: dropout-opt %s --convert-dropout-to-affine | FileCheck %s --implicit-check-not=dropout.
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A mask that is wanted in memory is stored bit by bit.
// CHECK-LABEL: func @mask
// CHECK-SAME: %[[M:.*]]: memref<4x16xi1>, %[[T:.*]]: i64
// CHECK: affine.for %[[I:[a-z0-9]+]] = 0 to 4 {
// CHECK: affine.for %[[BLOCK:[a-z0-9]+]] = 0 to 2 {
// CHECK: affine.for %[[LANE:[a-z0-9]+]] = 0 to 8 {
// CHECK: %[[K:.*]] = scf.if
// CHECK: affine.store %[[K]], %[[M]][%[[I]], %[[BLOCK]] * 8 + %[[LANE]]] : memref<4x16xi1>
func.func @mask(%m: memref<4x16xi1>, %t: i64, %seed: i64, %offset: i64) {
  dropout.mask into %m threshold(%t) rng(%seed, %offset) : memref<4x16xi1>
  return
}
