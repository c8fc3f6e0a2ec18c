// RUN: dropout-opt %s --dropout-emit-entry-points=device-arrays | FileCheck %s
// RUN: dropout-opt %s --dropout-emit-entry-points | FileCheck %s --check-prefix=HOST --implicit-check-not=dropoutCudaCheckPointer
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// CHECK: llvm.func @dropoutCudaCheckPointer(!llvm.ptr, i64, i32) -> i32
// HOST-NOT: dropoutCuda

// Each array, with its bytes and its number among the arguments, before
// anything is run.
// CHECK-LABEL: func.func @dropout_arrays
// CHECK: %[[TWO:.*]] = arith.constant 2 : i64
// CHECK-NEXT: %[[ROWS:.*]] = llvm.extractvalue %{{.*}}[3, 0]
// CHECK: %[[A:.*]] = arith.muli %[[TWO]], %[[ROWS]]
// CHECK: %[[COLUMNS:.*]] = llvm.extractvalue %{{.*}}[3, 1]
// CHECK: %[[B:.*]] = arith.muli %[[A]], %[[COLUMNS]]
// CHECK: %[[POINTER:.*]] = llvm.extractvalue %{{.*}}[1]
// CHECK: %[[ZERO:.*]] = arith.constant 0 : i32
// CHECK: llvm.call @dropoutCudaCheckPointer(%[[POINTER]], %[[B]], %[[ZERO]])
// CHECK: %[[NUMBER:.*]] = arith.constant 2 : i32
// CHECK: llvm.call @dropoutCudaCheckPointer(%{{.*}}, %{{.*}}, %[[NUMBER]])
// CHECK-NOT: dropoutCudaCheckPointer
// CHECK: %[[STATUS:.*]] = llvm.call @dropoutLastStatus
// CHECK: arith.cmpi ne, %[[STATUS]]
// CHECK: cf.cond_br
// CHECK: call @arrays
func.func @arrays(%x: memref<?x?xbf16>, %s: i64, %m: memref<4xi1>) {
  return
}

// CHECK-LABEL: func.func @dropout_none
// CHECK-NOT: dropoutCudaCheckPointer
func.func @none(%s: i64) {
  return
}
