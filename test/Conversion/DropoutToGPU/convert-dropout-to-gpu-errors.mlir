// RUN: split-file %s %t
// RUN: not dropout-opt %t/ok.mlir --convert-dropout-to-gpu=block-size=100 2>&1 | FileCheck %s --check-prefix=BLOCK -DSIZE=100
// RUN: not dropout-opt %t/ok.mlir --convert-dropout-to-gpu=block-size=16 2>&1 | FileCheck %s --check-prefix=BLOCK -DSIZE=16
// RUN: not dropout-opt %t/ok.mlir --convert-dropout-to-gpu=block-size=2048 2>&1 | FileCheck %s --check-prefix=BLOCK -DSIZE=2048
// RUN: not dropout-opt %t/ok.mlir --convert-dropout-to-gpu=block-size=-256 2>&1 | FileCheck %s --check-prefix=BLOCK -DSIZE=-256
// RUN: not dropout-opt %t/ok.mlir --convert-dropout-to-gpu=elements-per-thread=8 2>&1 | FileCheck %s --check-prefix=ELEMENTS -DSIZE=8
// RUN: not dropout-opt %t/ok.mlir --convert-dropout-to-gpu=elements-per-thread=0 2>&1 | FileCheck %s --check-prefix=ELEMENTS -DSIZE=0
// RUN: not dropout-opt %t/ok.mlir --convert-dropout-to-gpu=elements-per-thread=48 2>&1 | FileCheck %s --check-prefix=ELEMENTS -DSIZE=48
// RUN: not dropout-opt %t/ok.mlir --convert-dropout-to-gpu=kinds=element 2>&1 | FileCheck %s --check-prefix=OPTION
// RUN: not dropout-opt %t/ok.mlir --dropout-to-ptx=block-size=100 2>&1 | FileCheck %s --check-prefix=BLOCK -DSIZE=100
// RUN: not dropout-opt %t/tensor.mlir --convert-dropout-to-gpu 2>&1 | FileCheck %s --check-prefix=TENSOR
// RUN: not dropout-opt %t/mask.mlir --convert-dropout-to-gpu 2>&1 | FileCheck %s --check-prefix=MASK
// RUN: not dropout-opt %t/implicit.mlir --convert-dropout-to-gpu 2>&1 | FileCheck %s --check-prefix=IMPLICIT
// RUN: not dropout-opt %t/kernel.mlir --convert-dropout-to-gpu 2>&1 | FileCheck %s --check-prefix=KERNEL
// RUN: not dropout-opt %t/unranked.mlir --convert-dropout-to-gpu 2>&1 | FileCheck %s --check-prefix=UNRANKED
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// BLOCK: error: expected option 'block-size' to be a power of two, 32 to 1024, but got [[SIZE]]
// ELEMENTS: error: expected option 'elements-per-thread' to be 16, 32 or 64, but got [[SIZE]]
// OPTION: no such option kinds
// TENSOR: tensor.mlir:2:8: error: 'dropout.element' op expected memrefs, but got tensors; bufferize first
// MASK: mask.mlir:2:8: error: 'dropout.mask' op expected memrefs, but got tensors; bufferize first
// IMPLICIT: implicit.mlir:2:3: error: 'dropout.channel' op
// IMPLICIT-SAME: dropout-materialize-state
// KERNEL: kernel.mlir:3:5: error: 'dropout.element' op
// KERNEL-SAME: dropout-materialize-state

// UNRANKED: unranked.mlir:2:3: error: 'memref.copy' op expected arrays with a rank, but got 'memref<*xf32>'

//--- unranked.mlir
func.func @f(%x: memref<*xf32>, %y: memref<4xf32>) {
  memref.copy %x, %y : memref<*xf32> to memref<4xf32>
  return
}

//--- ok.mlir
func.func @f() {
  return
}
//--- tensor.mlir
func.func @f(%x: tensor<4xf32>, %s: i64, %o: i64) -> tensor<4xf32> {
  %y = dropout.element %x p = 0.1 rng(%s, %o) : tensor<4xf32>
  return %y : tensor<4xf32>
}
//--- mask.mlir
func.func @f(%s: i64, %o: i64) -> tensor<4xi1> {
  %m = dropout.mask p = 0.1 rng(%s, %o) : tensor<4xi1>
  return %m : tensor<4xi1>
}
//--- implicit.mlir
func.func @f(%x: memref<4x4xf32>) {
  dropout.channel %x into %x p = 0.1 : memref<4x4xf32>, memref<4x4xf32>
  return
}
//--- kernel.mlir
gpu.module @kernels {
  gpu.func @f(%x: memref<4xf32>) kernel {
    dropout.element %x into %x p = 0.1 : memref<4xf32>, memref<4xf32>
    gpu.return
  }
}
