// RUN: dropout-opt %s --pass-pipeline='builtin.module(func.func(dropout-expand-copies))' | FileCheck %s
// RUN: dropout-opt %s --pass-pipeline='builtin.module(func.func(dropout-expand-copies,dropout-expand-copies))' | FileCheck %s
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// CHECK-LABEL: func.func @copies
// CHECK: memref.copy %{{.*}} : memref<4x4xf32> to memref<4x4xf32>
// CHECK-NOT: memref.copy
// CHECK: linalg.copy ins(%{{.*}} : memref<4x4xf32, strided<[?, 1]>>) outs(%{{.*}} : memref<4x4xf32>)
// CHECK-NOT: memref.copy
func.func @copies(%a: memref<4x4xf32>, %b: memref<4x4xf32>, %c: memref<4x4xf32, strided<[?, 1]>>) {
  memref.copy %a, %b : memref<4x4xf32> to memref<4x4xf32>
  memref.copy %c, %b : memref<4x4xf32, strided<[?, 1]>> to memref<4x4xf32>
  return
}
