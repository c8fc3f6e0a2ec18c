// The middle of the pipeline: bias, activation, dropout and residual are one
// loop nest, and no buffer holds a mask.
//
// RUN: dropout-opt %s --dropout-to-llvm=lowering=linalg --mlir-print-ir-after=convert-linalg-to-loops \
// RUN:   -o /dev/null 2>&1 | FileCheck %s
// RUN: dropout-opt %s --dropout-to-llvm=lowering=linalg --mlir-print-ir-after=convert-linalg-to-loops \
// RUN:   -o /dev/null 2>&1 | FileCheck %s --check-prefix=MASK
// RUN: dropout-opt %s --dropout-to-llvm=lowering=linalg-inline --mlir-print-ir-after=convert-linalg-to-loops \
// RUN:   -o /dev/null 2>&1 | FileCheck %s --check-prefix=MASK
// RUN: dropout-opt %s --dropout-to-llvm=lowering=affine --mlir-print-ir-after=convert-linalg-to-loops \
// RUN:   -o /dev/null 2>&1 | FileCheck %s --check-prefix=MASK
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// MASK-NOT: memref<{{.*}}xi1

// CHECK-LABEL: func.func @layer
// CHECK-COUNT-1: memref.alloc
// CHECK-NOT: memref.alloc
// CHECK: scf.for
// CHECK: scf.for
// CHECK-COUNT-2: memref.load
// CHECK-NOT: memref.load
// CHECK: dropout.keep
// CHECK: math.exp
// CHECK: arith.select
// CHECK: memref.store
// CHECK-NOT: memref.store
// CHECK: return
func.func @layer(%x: tensor<?x64xf32>, %b: tensor<64xf32>, %s: i64, %o: i64) -> tensor<?x64xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x64xf32>
  %e = tensor.empty(%n) : tensor<?x64xf32>
  %0 = linalg.broadcast ins(%b : tensor<64xf32>) outs(%e : tensor<?x64xf32>) dimensions = [0]
  %1 = linalg.add ins(%x, %0 : tensor<?x64xf32>, tensor<?x64xf32>) outs(%e : tensor<?x64xf32>) -> tensor<?x64xf32>
  %2 = math.exp %1 : tensor<?x64xf32>
  %3 = dropout.element %2 p = 0.1 rng(%s, %o) : tensor<?x64xf32>
  %4 = arith.addf %3, %x : tensor<?x64xf32>
  return %4 : tensor<?x64xf32>
}
