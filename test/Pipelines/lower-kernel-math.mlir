// RUN: dropout-opt %s --pass-pipeline='builtin.module(gpu.module(dropout-lower-kernel-math))' | FileCheck %s
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

gpu.module @kernels {
  // Polynomials instead of a library.
  // CHECK-LABEL: gpu.func @functions
  // CHECK-NOT: math.{{exp|tanh|erf|log}}
  // Its polynomial fails for large arguments.
  // CHECK: math.sin
  // CHECK-NOT: math.{{exp|tanh|erf|log|sin}}
  // CHECK: gpu.return
  gpu.func @functions(%x: memref<4xf32>, %i: index) kernel {
    %0 = memref.load %x[%i] : memref<4xf32>
    %1 = math.exp %0 : f32
    %2 = math.tanh %1 : f32
    %3 = math.erf %2 : f32
    %4 = math.log %3 : f32
    %5 = math.sin %4 : f32
    memref.store %5, %x[%i] : memref<4xf32>
    gpu.return
  }

  // Narrow floats are computed in f32, and rounded after each op.
  // CHECK-LABEL: gpu.func @narrow
  // CHECK-SAME: %[[B:[a-z0-9]+]]: bf16, %[[H:[a-z0-9]+]]: f16
  // CHECK-DAG: %[[WB:.*]] = arith.extf %[[B]] : bf16 to f32
  // CHECK-DAG: %[[WH:.*]] = arith.extf %[[H]] : f16 to f32
  // CHECK-DAG: %[[SB:.*]] = llvm.call_intrinsic "llvm.sqrt"(%[[WB]]) : (f32) -> f32
  // CHECK-DAG: %[[SH:.*]] = llvm.call_intrinsic "llvm.sqrt"(%[[WH]]) : (f32) -> f32
  // CHECK-DAG: arith.truncf %[[SB]] : f32 to bf16
  // CHECK-DAG: arith.truncf %[[SH]] : f32 to f16
  // CHECK-NOT: math.
  // CHECK: gpu.return
  gpu.func @narrow(%b: bf16, %h: f16, %y: memref<4xbf16>, %z: memref<4xf16>, %i: index) kernel {
    %0 = math.sqrt %b : bf16
    %1 = math.sqrt %h : f16
    memref.store %0, %y[%i] : memref<4xbf16>
    memref.store %1, %z[%i] : memref<4xf16>
    gpu.return
  }

  // Instructions of the target; functions of f64 stay.
  // CHECK-LABEL: gpu.func @instructions
  // CHECK: llvm.call_intrinsic "llvm.fma"
  // CHECK: llvm.call_intrinsic "llvm.sqrt"
  // CHECK: llvm.call_intrinsic "llvm.fabs"
  // CHECK: llvm.call_intrinsic "llvm.copysign"
  // CHECK: llvm.call_intrinsic "llvm.floor"
  // CHECK: llvm.call_intrinsic "llvm.ceil"
  // CHECK: llvm.call_intrinsic "llvm.trunc"
  // CHECK: llvm.call_intrinsic "llvm.roundeven"
  // CHECK: math.exp %{{.*}} : f64
  // CHECK: gpu.return
  gpu.func @instructions(%x: memref<4xf64>, %i: index) kernel {
    %0 = memref.load %x[%i] : memref<4xf64>
    %1 = math.fma %0, %0, %0 : f64
    %2 = math.sqrt %1 : f64
    %3 = math.absf %2 : f64
    %4 = math.copysign %3, %0 : f64
    %5 = math.floor %4 : f64
    %6 = math.ceil %5 : f64
    %7 = math.trunc %6 : f64
    %8 = math.roundeven %7 : f64
    %9 = math.exp %8 : f64
    memref.store %9, %x[%i] : memref<4xf64>
    gpu.return
  }
}

// Code of the host is not looked at.
// CHECK-LABEL: func.func @host
// CHECK: math.tanh
func.func @host(%x: f32) -> f32 {
  %0 = math.tanh %x : f32
  return %0 : f32
}
