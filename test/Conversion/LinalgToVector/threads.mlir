// RUN: dropout-opt %s --convert-dropout-to-linalg --dropout-convert-linalg-to-vector=threads=3 --canonicalize --cse | FileCheck %s
// RUN: dropout-opt %s --convert-dropout-to-linalg --dropout-convert-linalg-to-vector=threads=0 --canonicalize --cse | FileCheck %s --check-prefix=ALL
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// ALL: func.func private @omp_get_max_threads() -> i32

// Small work is called, large work is shared; the generator occurs once.
// CHECK-LABEL: func.func @element
// CHECK: %[[LARGE:.*]] = arith.cmpi sge, %{{.*}}, %c131072
// CHECK: scf.if %[[LARGE]] {
// CHECK: scf.parallel (%{{.*}}) = (%c0) to (%c3) step (%c1) {
// CHECK: func.call @element.part
// CHECK: } else {
// CHECK: func.call @element.part(%c0, %[[N:.*]], %c0, %[[N]],
// CHECK: }
// CHECK: return
// CHECK-LABEL: func.func private @element.part(
// CHECK-COUNT-1: dropout.keep_run
// CHECK-NOT: dropout.keep
// CHECK: return
// ALL-LABEL: func.func @element
// ALL: %[[THREADS:.*]] = func.call @omp_get_max_threads()
// ALL: %[[COUNT:.*]] = arith.index_cast %[[THREADS]] : i32 to index
// ALL: scf.parallel (%{{.*}}) = (%c0) to (%[[COUNT]])
func.func @element(%x: memref<?xf32>, %y: memref<?xf32>, %s: i64, %o: i64) {
  dropout.element %x into %y p = 0.1 rng(%s, %o) : memref<?xf32>, memref<?xf32>
  return
}

// Known to be small; in a loop; a reduction.
// CHECK-LABEL: func.func @one_thread
// CHECK-NOT: scf.parallel
// CHECK: return
func.func @one_thread(%x: memref<1024xf32>, %y: memref<16x1048576xf32>, %z: memref<1048576xf32>, %s: i64, %o: i64) {
  dropout.element %x into %x p = 0.1 rng(%s, %o) : memref<1024xf32>, memref<1024xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  scf.for %i = %c0 to %c16 step %c1 {
    dropout.element %z into %z p = 0.1 rng(%s, %o) : memref<1048576xf32>, memref<1048576xf32>
  }
  linalg.reduce { arith.addf } ins(%y : memref<16x1048576xf32>) outs(%z : memref<1048576xf32>) dimensions = [0]
  return
}
