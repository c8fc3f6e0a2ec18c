// RUN: dropout-opt %s --dropout-legalize-bf16 | FileCheck %s
// RUN: dropout-opt %s --dropout-legalize-bf16 --dropout-legalize-bf16 | FileCheck %s
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// CHECK: llvm.mlir.global private constant @table(dense<[16256, 1]> : tensor<2xi16>)
llvm.mlir.global private constant @table(dense<[1.0, 9.18354962E-41]> : tensor<2xbf16>) : !llvm.array<2 x bf16>

// CHECK-LABEL: llvm.func @select
// CHECK-SAME: (%[[C:.*]]: i1, %[[P:.*]]: !llvm.ptr, %[[X:.*]]: i16) -> !llvm.struct<(i16, i1)>
// CHECK-NOT: bf16
// CHECK: llvm.mlir.constant(16288 : i16) : i16
// CHECK: llvm.load %{{.*}} : !llvm.ptr -> i16
// CHECK: llvm.select %[[C]], %{{.*}}, %{{.*}} : i1, i16
// CHECK-NOT: bf16
llvm.func @select(%c: i1, %p: !llvm.ptr, %x: bf16) -> !llvm.struct<(bf16, i1)> {
  %k = llvm.mlir.constant(1.25 : bf16) : bf16
  %q = llvm.getelementptr %p[1] : (!llvm.ptr) -> !llvm.ptr, bf16
  %y = llvm.load %q : !llvm.ptr -> bf16
  %s = llvm.select %c, %y, %k : i1, bf16
  %b = llvm.bitcast %s : bf16 to i16
  %d = llvm.bitcast %b : i16 to bf16
  llvm.store %d, %q : bf16, !llvm.ptr
  %u = llvm.mlir.poison : !llvm.struct<(bf16, i1)>
  %v = llvm.insertvalue %d, %u[0] : !llvm.struct<(bf16, i1)>
  llvm.return %v : !llvm.struct<(bf16, i1)>
}
