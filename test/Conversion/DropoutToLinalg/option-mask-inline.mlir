// RUN: dropout-opt %s --convert-dropout-to-linalg=mask=inline | FileCheck %s --implicit-check-not=dropout. --implicit-check-not=xi1
// RUN: dropout-opt %s --convert-dropout-to-linalg=mask=inline | mlir-opt --one-shot-bufferize=bufferize-function-boundaries --convert-linalg-to-loops | FileCheck %s --check-prefix=UPSTREAM --implicit-check-not=xi1
// RUN: dropout-opt %s --convert-dropout-to-linalg=mask=inline > %t.once
// RUN: dropout-opt %t.once --convert-dropout-to-linalg=mask=inline > %t.twice
// RUN: diff %t.once %t.twice
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The bit is drawn in the body, of upstream ops only, which stock mlir-opt reads;
// without a branch both halves of the draw are computed: two blocks of ten rounds.
// CHECK-LABEL: func @element
// CHECK-DAG: arith.constant -766435501 : i32
// CHECK: linalg.generic
// CHECK-SAME: ins(%{{.*}} : tensor<4x8xf32>) outs
// CHECK: linalg.index 0
// CHECK: linalg.index 1
// CHECK-COUNT-40: arith.mului_extended
// CHECK-NOT: arith.mului_extended
// CHECK: arith.cmpi uge, %{{.*}}, %{{.*}} : i64
// CHECK: arith.select
// CHECK: return
// UPSTREAM-LABEL: func @element
// UPSTREAM: scf.for
func.func @element(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) -> tensor<4x8xf32> {
  %y = dropout.element %x p = 0.3 rng(%seed, %offset) : tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// Seven rounds of 8 bits, which have no second half: one block.
// CHECK-LABEL: func @bytes
// CHECK: linalg.generic
// CHECK-COUNT-14: arith.mului_extended
// CHECK-NOT: arith.mului_extended
// CHECK: return
func.func @bytes(%x: tensor<?xf16>, %p: f64, %flag: i1, %seed: i64, %offset: i64) -> tensor<?xf16> {
  %y = dropout.alpha %x p(%p) rounds = 7 resolution = 8 rng(%seed, %offset) training(%flag) : tensor<?xf16>
  return %y : tensor<?xf16>
}

// Channels and memrefs.
// CHECK-LABEL: func @memref
// CHECK: linalg.generic
// CHECK-SAME: ins(%{{.*}} : memref<4x8x2xbf16>) outs(%{{.*}} : memref<4x8x2xbf16>)
// CHECK: linalg.index 2
// CHECK-COUNT-28: arith.mului_extended
// CHECK-NOT: arith.mului_extended
// CHECK: return
func.func @memref(%x: memref<4x8x2xbf16>, %state: memref<2xi64>) {
  dropout.feature_alpha %x into %x p = 0.3 mask_dims = [2, 0] rounds = 7 rng(%state) : memref<4x8x2xbf16>, memref<4x8x2xbf16>
  return
}
