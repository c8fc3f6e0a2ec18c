// RUN: split-file %s %t
// RUN: not dropout-opt %t/ok.mlir --dropout-to-llvm=lowering=magic 2>&1 | FileCheck %s --check-prefix=LOWERING
// RUN: not dropout-opt %t/ok.mlir --pass-pipeline='builtin.module(dropout-to-llvm{lowering=magic})' 2>&1 | FileCheck %s --check-prefix=LOWERING
// RUN: not dropout-opt %t/ok.mlir --pass-pipeline='builtin.module(dropout-to-llvm{magic=1})' 2>&1 | FileCheck %s --check-prefix=OPTION
// RUN: not dropout-opt %t/gpu.mlir --dropout-to-llvm 2>&1 | FileCheck %s --check-prefix=GPU
// RUN: not dropout-opt %t/p.mlir --dropout-to-llvm 2>&1 | FileCheck %s --check-prefix=P
// RUN: not dropout-opt %t/name.mlir --dropout-to-llvm 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: not dropout-opt %t/dealloc.mlir --dropout-to-llvm 2>&1 | FileCheck %s --check-prefix=DEALLOC
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// LOWERING: for the --lowering option: expected vector, linalg, linalg-inline or affine, but got 'magic'
// OPTION: no such option magic
// GPU: gpu.mlir:2:8: error: expected an op that can be lowered to LLVM, but got 'gpu.thread_id'
// P: p.mlir:2:8: error: {{.*}}expected p in [0, 1], but got 1.5
// NAME: name.mlir:1:1: error: expected the name @dropout_f of the entry point to be free
// DEALLOC: dealloc.mlir:4:3: error: expected memref.dealloc of memory that this function allocates

//--- ok.mlir
func.func @f() {
  return
}
//--- gpu.mlir
func.func @f() -> index {
  %0 = gpu.thread_id x
  return %0 : index
}
//--- p.mlir
func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = dropout.element %x p = 1.5 : tensor<4xf32>
  return %0 : tensor<4xf32>
}
//--- name.mlir
func.func @f() {
  return
}
func.func @dropout_f() {
  return
}
//--- dealloc.mlir
func.func private @g() -> memref<4xf32>
func.func @f() {
  %0 = call @g() : () -> memref<4xf32>
  memref.dealloc %0 : memref<4xf32>
  return
}
