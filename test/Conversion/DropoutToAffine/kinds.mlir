// RUN: dropout-opt %s --convert-dropout-to-affine=kinds=channel | FileCheck %s
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Only channel dropout and its gradient are lowered.
// CHECK: dropout.element
// CHECK-NOT: dropout.channel
// CHECK: affine.for
// CHECK: dropout.alpha
// CHECK-NOT: dropout.backward
// CHECK: affine.for
// CHECK: dropout.mask
func.func @kinds(%x: memref<4x8xf32>, %m: memref<4xi1>, %seed: i64, %offset: i64) {
  dropout.element %x into %x p = 0.5 rng(%seed, %offset) : memref<4x8xf32>, memref<4x8xf32>
  dropout.channel %x into %x p = 0.5 rng(%seed, %offset) : memref<4x8xf32>, memref<4x8xf32>
  dropout.alpha %x into %x p = 0.5 rng(%seed, %offset) : memref<4x8xf32>, memref<4x8xf32>
  dropout.backward channel %x into %x p = 0.5 rng(%seed, %offset) : memref<4x8xf32>, memref<4x8xf32>
  dropout.mask into %m p = 0.5 rng(%seed, %offset) : memref<4xi1>
  return
}
