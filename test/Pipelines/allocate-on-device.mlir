// RUN: dropout-opt %s --dropout-allocate-on-device --split-input-file | FileCheck %s
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// CHECK: llvm.func @dropoutCudaFree(!llvm.ptr) -> i32
// CHECK: llvm.func @dropoutCudaAllocate(i64) -> !llvm.ptr
// CHECK-NOT: @malloc
// CHECK-NOT: @free
// CHECK-LABEL: llvm.func @f
// CHECK-SAME: %[[N:.*]]: i64)
// CHECK: %[[P:.*]] = llvm.call @dropoutCudaAllocate(%[[N]]) : (i64) -> !llvm.ptr
// CHECK: llvm.store %{{.*}}, %[[P]]
// CHECK: llvm.call @dropoutCudaFree(%[[P]]) : (!llvm.ptr) -> i32
llvm.func @malloc(i64) -> !llvm.ptr
llvm.func @free(!llvm.ptr)
llvm.func @f(%n: i64) {
  %0 = llvm.call @malloc(%n) : (i64) -> !llvm.ptr
  llvm.store %n, %0 : i64, !llvm.ptr
  llvm.call @free(%0) : (!llvm.ptr) -> ()
  llvm.return
}

// -----

// What is used otherwise stays.
// CHECK-NOT: @dropoutCuda
// CHECK: llvm.func @malloc
// CHECK: llvm.mlir.addressof @malloc
llvm.func @malloc(i64) -> !llvm.ptr
llvm.func @f() -> !llvm.ptr {
  %0 = llvm.mlir.addressof @malloc : !llvm.ptr
  llvm.return %0 : !llvm.ptr
}
