// RUN: dropout-opt %s --dropout-expand-f16 | FileCheck %s
// RUN: dropout-opt %s --dropout-to-llvm=native-f16=false | FileCheck %s --check-prefix=LLVM
// RUN: dropout-opt %s --dropout-to-llvm | FileCheck %s --check-prefix=NATIVE

// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Every value is compared in test/Integration/CPU/targets.py.

// CHECK-LABEL: func.func private @convert(
// CHECK-NOT: f16 to f
// CHECK: arith.bitcast %{{.*}} : vector<8xf16> to vector<8xi16>
// CHECK-NOT: f16 to f
// CHECK: arith.truncf %{{.*}} : f64 to f32
// CHECK-NOT: to f16{{$}}
// CHECK: arith.bitcast %{{.*}} : i16 to f16
// CHECK: return
// LLVM-LABEL: llvm.func @convert(
// LLVM-NOT: llvm.fpext {{.*}}f16
// LLVM-NOT: llvm.fptrunc {{.*}}to f16
// LLVM: llvm.func @select(
// NATIVE-LABEL: llvm.func @convert(
// NATIVE: llvm.fpext {{.*}}vector<8xf16> to vector<8xf32>
// NATIVE: llvm.fptrunc {{.*}} f64 to f16
func.func private @convert(%a: vector<8xf16>, %x: f64) -> (vector<8xf32>, f16) {
  %0 = arith.extf %a : vector<8xf16> to vector<8xf32>
  %1 = arith.truncf %x : f64 to f16
  return %0, %1 : vector<8xf32>, f16
}

// Bits are loaded, selected and stored: LLVM has no selects of f16.
// CHECK-LABEL: func.func private @select(
// CHECK: arith.select %{{.*}}, %{{.*}}, %{{.*}} : vector<8xi1>, vector<8xi16>
// LLVM: llvm.load {{.*}} -> vector<8xi16>
// LLVM: llvm.select {{.*}} vector<8xi1>, vector<8xi16>
// LLVM: llvm.store {{.*}} : vector<8xi16>, !llvm.ptr
func.func private @select(%m: memref<8xf16>, %keep: vector<8xi1>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : vector<8xf16>
  %0 = vector.load %m[%c0] : memref<8xf16>, vector<8xf16>
  %1 = arith.select %keep, %0, %zero : vector<8xi1>, vector<8xf16>
  vector.store %1, %m[%c0] : memref<8xf16>, vector<8xf16>
  return
}
