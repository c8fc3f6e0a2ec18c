// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Which programs go through all of LLVM's pipeline: those whose loops are
// scalar still, and at -O3 all. What shows it is that it inlines the function
// into its entry point, and that scalar loops become vector ones.

// RUN: dropout-run %s --entry-point=vectors --emit=llvm | FileCheck %s --check-prefix=SHORT
// RUN: dropout-run %s --entry-point=vectors --emit=llvm -O2 | FileCheck %s --check-prefix=SHORT
// RUN: dropout-run %s --entry-point=vectors --emit=llvm -O1 | FileCheck %s --check-prefix=SHORT
// RUN: dropout-run %s --entry-point=vectors --emit=llvm -O3 | FileCheck %s --check-prefix=WHOLE
// RUN: dropout-run %s --entry-point=scalars --emit=llvm | FileCheck %s --check-prefixes=WHOLE,VECTORIZED
// RUN: dropout-run %s --entry-point=both --emit=llvm | FileCheck %s --check-prefixes=WHOLE,VECTORIZED
// RUN: dropout-run %s --entry-point=calls --emit=llvm | FileCheck %s --check-prefix=INLINED

// SHORT: define {{.*}}@dropout_
// SHORT: call {{.*}}@vectors(
// WHOLE: define {{.*}}@dropout_
// VECTORIZED: <{{[0-9]+}} x float>
// WHOLE-NOT: call {{.*}}@{{vectors|scalars|both}}(
// INLINED-NOT: call {{.*}}@helper(

func.func @vectors(%a: memref<64xf32>) {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %c64 = arith.constant 64 : index
  scf.for %i = %c0 to %c64 step %c4 {
    %x = vector.load %a[%i] : memref<64xf32>, vector<4xf32>
    %y = arith.mulf %x, %x : vector<4xf32>
    vector.store %y, %a[%i] : memref<64xf32>, vector<4xf32>
  }
  return
}

func.func @scalars(%a: memref<?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = memref.dim %a, %c0 : memref<?xf32>
  scf.for %i = %c0 to %n step %c1 {
    %x = memref.load %a[%i] : memref<?xf32>
    %y = arith.mulf %x, %x : f32
    memref.store %y, %a[%i] : memref<?xf32>
  }
  return
}

func.func @both(%a: memref<?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %n = memref.dim %a, %c0 : memref<?xf32>
  scf.for %i = %c0 to %c4 step %c4 {
    %x = vector.load %a[%i] : memref<?xf32>, vector<4xf32>
    %y = arith.addf %x, %x : vector<4xf32>
    vector.store %y, %a[%i] : memref<?xf32>, vector<4xf32>
  }
  scf.for %i = %c0 to %n step %c1 {
    %x = memref.load %a[%i] : memref<?xf32>
    %y = arith.mulf %x, %x : f32
    memref.store %y, %a[%i] : memref<?xf32>
  }
  return
}

func.func private @helper(%x: vector<4xf32>) -> vector<4xf32> {
  %y = arith.mulf %x, %x : vector<4xf32>
  return %y : vector<4xf32>
}
func.func @calls(%a: memref<64xf32>) {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %c64 = arith.constant 64 : index
  scf.for %i = %c0 to %c64 step %c4 {
    %x = vector.load %a[%i] : memref<64xf32>, vector<4xf32>
    %y = func.call @helper(%x) : (vector<4xf32>) -> vector<4xf32>
    vector.store %y, %a[%i] : memref<64xf32>, vector<4xf32>
  }
  return
}
