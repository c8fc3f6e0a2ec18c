// RUN: dropout-opt %s --dropout-to-llvm | FileCheck %s
// RUN: dropout-opt %s --dropout-to-llvm=lowering=linalg | FileCheck %s
// RUN: dropout-opt %s --dropout-to-llvm=lowering=linalg-inline | FileCheck %s
// RUN: dropout-opt %s --dropout-to-llvm=lowering=affine | FileCheck %s
// RUN: dropout-opt %s --dropout-to-llvm=entry-points=false | FileCheck %s --check-prefix=BARE
// RUN: dropout-opt %s --dropout-to-llvm | mlir-translate --mlir-to-llvmir -o %t.ll
// RUN: FileCheck %s --check-prefix=IR --input-file=%t.ll
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// BARE-NOT: @dropout_

// Nothing but LLVM is left, no library function but malloc, free and libm's is
// called, and bf16 is gone.
// CHECK-NOT: {{[^.]}}dropout.
// CHECK-NOT: bf16
// CHECK-NOT: memrefCopy
// CHECK-NOT: __trunc
// CHECK-NOT: fastmath
// CHECK-DAG: llvm.func @malloc
// CHECK-DAG: llvm.func @dropoutReserve
// CHECK-DAG: llvm.func @dropoutCheckPForResolution

// IR-DAG: define i32 @dropout_tensors(
// IR-DAG: define i32 @dropout_memrefs(
// IR-DAG: define i32 @dropout_layer(

func.func @tensors(%x: tensor<4x8xf32>, %b: tensor<4x8xbf16>, %s: i64, %o: i64) -> (tensor<4x8xf32>, tensor<4x8xbf16>, tensor<4x8xi1>) {
  %0 = dropout.element %x p = 0.3 rng(%s, %o) : tensor<4x8xf32>
  %1 = dropout.channel %0 p = 0.5 mask_dims = [1] : tensor<4x8xf32>
  %2, %m = dropout.alpha %b p = 0.1 rng(%s, %o) : tensor<4x8xbf16>, tensor<4x8xi1>
  return %1, %2, %m : tensor<4x8xf32>, tensor<4x8xbf16>, tensor<4x8xi1>
}

func.func @memrefs(%x: memref<?x?xf16, strided<[?, ?], offset: ?>>, %y: memref<?x?xf16>, %p: f64) {
  dropout.feature_alpha %x into %y p(%p) : memref<?x?xf16, strided<[?, ?], offset: ?>>, memref<?x?xf16>
  memref.copy %y, %x : memref<?x?xf16> to memref<?x?xf16, strided<[?, ?], offset: ?>>
  return
}

// A mix of everything, with loops, calls and memory of the program's own.
func.func @layer(%x: tensor<?x8xf32>, %w: tensor<8x8xf32>, %b: tensor<8xf32>, %n: index, %p: f64) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %z = arith.constant 0.0 : f32
  %r = tensor.dim %x, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%r) : tensor<?x8xf32>
  %y = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x) -> tensor<?x8xf32> {
    %f = linalg.fill ins(%z : f32) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
    %m = linalg.matmul ins(%a, %w : tensor<?x8xf32>, tensor<8x8xf32>) outs(%f : tensor<?x8xf32>) -> tensor<?x8xf32>
    %c = linalg.broadcast ins(%b : tensor<8xf32>) outs(%e : tensor<?x8xf32>) dimensions = [0]
    %s = linalg.add ins(%m, %c : tensor<?x8xf32>, tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
    %g = math.erf %s : tensor<?x8xf32>
    %d = dropout.element %g p(%p) : tensor<?x8xf32>
    %q = func.call @residual(%d, %a) : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
    %h = linalg.softmax dimension(1) ins(%q : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
    scf.yield %h : tensor<?x8xf32>
  }
  %t = memref.alloc() : memref<8xf32>
  memref.store %z, %t[%c0] : memref<8xf32>
  memref.dealloc %t : memref<8xf32>
  return %y, %x : tensor<?x8xf32>, tensor<?x8xf32>
}
func.func private @residual(%x: tensor<?x8xf32>, %y: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %0 = arith.addf %x, %y : tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}
