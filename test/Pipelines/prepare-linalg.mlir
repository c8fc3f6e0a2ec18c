// RUN: dropout-opt %s --pass-pipeline='builtin.module(func.func(dropout-prepare-linalg))' | FileCheck %s
// RUN: dropout-opt %s --pass-pipeline='builtin.module(func.func(dropout-prepare-linalg,dropout-prepare-linalg))' | FileCheck %s
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Element-wise named ops become generics.
// CHECK-LABEL: func.func @elementwise
// CHECK-NOT: linalg.broadcast
// CHECK: linalg.generic
// CHECK: linalg.generic
// CHECK-NOT: linalg.add
func.func @elementwise(%x: tensor<?x4xf32>, %b: tensor<4xf32>, %e: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = linalg.broadcast ins(%b : tensor<4xf32>) outs(%e : tensor<?x4xf32>) dimensions = [0]
  %1 = linalg.add ins(%x, %0 : tensor<?x4xf32>, tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %1 : tensor<?x4xf32>
}

// Contractions, reductions and fills keep their names.
// CHECK-LABEL: func.func @contraction
// CHECK: linalg.fill
// CHECK: linalg.matmul
// CHECK: linalg.reduce
func.func @contraction(%a: tensor<4x8xf32>, %b: tensor<8x2xf32>, %e: tensor<4x2xf32>, %r: tensor<4xf32>) -> tensor<4xf32> {
  %z = arith.constant 0.0 : f32
  %0 = linalg.fill ins(%z : f32) outs(%e : tensor<4x2xf32>) -> tensor<4x2xf32>
  %1 = linalg.matmul ins(%a, %b : tensor<4x8xf32>, tensor<8x2xf32>) outs(%0 : tensor<4x2xf32>) -> tensor<4x2xf32>
  %2 = linalg.reduce { arith.addf } ins(%1 : tensor<4x2xf32>) outs(%r : tensor<4xf32>) dimensions = [1]
  return %2 : tensor<4xf32>
}

// What upstream cannot bufferize is taken apart.
// CHECK-LABEL: func.func @aggregates
// CHECK-NOT: linalg.softmax
// CHECK-NOT: linalg.pack
// CHECK: tensor.pad
// CHECK: return
func.func @aggregates(%x: tensor<5x7xf32>, %e: tensor<5x7xf32>, %p: tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32> {
  %z = arith.constant 0.0 : f32
  %0 = linalg.softmax dimension(1) ins(%x : tensor<5x7xf32>) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %1 = linalg.pack %0 padding_value(%z : f32) inner_dims_pos = [0, 1] inner_tiles = [4, 4] into %p : tensor<5x7xf32> -> tensor<2x2x4x4xf32>
  return %1 : tensor<2x2x4x4xf32>
}

// Memrefs are left alone.
// CHECK-LABEL: func.func @memref
// CHECK: linalg.add
func.func @memref(%x: memref<4xf32>) {
  linalg.add ins(%x, %x : memref<4xf32>, memref<4xf32>) outs(%x : memref<4xf32>)
  return
}
