// RUN: dropout-opt %s --convert-dropout-to-linalg --dropout-inline-mask --one-shot-bufferize=bufferize-function-boundaries --convert-linalg-to-loops --convert-dropout-to-arith | FileCheck %s --implicit-check-not=dropout. --implicit-check-not=xi1
// RUN: dropout-opt %s --one-shot-bufferize=bufferize-function-boundaries --convert-dropout-to-linalg --convert-linalg-to-loops --convert-dropout-to-arith | FileCheck %s --implicit-check-not=dropout. --implicit-check-not=xi1
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// From a tensor to loops, lowered before or behind bufferization: no mask in
// memory, and one block for eight elements.
// CHECK-LABEL: func @element
// CHECK: scf.for
// CHECK: scf.for
// CHECK-COUNT-20: arith.mului_extended
// CHECK-NOT: arith.mului_extended
// CHECK: scf.for
// CHECK-NOT: arith.mului_extended
// CHECK: scf.if
// CHECK-COUNT-20: arith.mului_extended
// CHECK-NOT: arith.mului_extended
// CHECK: arith.mulf
// CHECK: arith.select
// CHECK: memref.store
// CHECK: return
func.func @element(%x: tensor<4x?xf32>, %seed: i64, %offset: i64) -> tensor<4x?xf32> {
  %y = dropout.element %x p = 0.3 rng(%seed, %offset) : tensor<4x?xf32>
  return %y : tensor<4x?xf32>
}

// The draw of a channel stands outside of the loops over its elements.
// CHECK-LABEL: func @channel
// CHECK: scf.for
// CHECK: scf.for
// CHECK: arith.mului_extended
// CHECK: scf.for
// CHECK: scf.for
// CHECK-NOT: arith.mului_extended
// CHECK: memref.store
// CHECK: return
func.func @channel(%x: tensor<4x3x5x6xf32>, %seed: i64, %offset: i64) -> tensor<4x3x5x6xf32> {
  %y = dropout.channel %x p = 0.3 rng(%seed, %offset) : tensor<4x3x5x6xf32>
  return %y : tensor<4x3x5x6xf32>
}
