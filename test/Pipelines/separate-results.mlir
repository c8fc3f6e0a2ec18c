// RUN: dropout-opt %s --pass-pipeline='builtin.module(func.func(dropout-separate-results))' | FileCheck %s
// RUN: dropout-opt %s --pass-pipeline='builtin.module(func.func(dropout-separate-results,dropout-separate-results))' | FileCheck %s
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// CHECK-LABEL: func.func @twice
// CHECK: %[[A:.*]] = memref.alloc
// CHECK: %[[C:.*]] = bufferization.clone %[[A]]
// CHECK: return %[[A]], %[[C]]
func.func @twice() -> (memref<4xf32>, memref<4xf32>) {
  %a = memref.alloc() : memref<4xf32>
  return %a, %a : memref<4xf32>, memref<4xf32>
}

// CHECK-LABEL: func.func @view
// CHECK: %[[V:.*]] = memref.expand_shape
// CHECK: %[[C:.*]] = bufferization.clone %[[V]]
// CHECK: return %{{.*}}, %{{.*}}, %[[C]]
func.func @view() -> (memref<4xf32>, memref<4xf32>, memref<2x2xf32>) {
  %a = memref.alloc() : memref<4xf32>
  %b = memref.alloc() : memref<4xf32>
  %v = memref.expand_shape %a [[0, 1]] output_shape [2, 2] : memref<4xf32> into memref<2x2xf32>
  return %a, %b, %v : memref<4xf32>, memref<4xf32>, memref<2x2xf32>
}

// CHECK-LABEL: func.func @apart
// CHECK-NOT: clone
// CHECK: return
func.func @apart(%n: index) -> (memref<4xf32>, index, memref<4xf32>) {
  %a = memref.alloc() : memref<4xf32>
  %b = memref.alloc() : memref<4xf32>
  return %a, %n, %b : memref<4xf32>, index, memref<4xf32>
}
