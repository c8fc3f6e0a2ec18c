// RUN: dropout-opt %s --allow-unregistered-dialect --dropout-lower-floats | FileCheck %s
// RUN: dropout-opt %s --allow-unregistered-dialect --dropout-lower-floats --dropout-lower-floats | FileCheck %s
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Each op rounds once, and nothing lets a later pass skip a rounding.
// CHECK-LABEL: func.func @arithmetic
// CHECK-NOT: contract
// CHECK: %[[S:.*]] = arith.addf %{{.*}}, %{{.*}} : f32
// CHECK: %[[R:.*]] = arith.truncf %[[S]] : f32 to bf16
// CHECK: %[[W:.*]] = arith.extf %[[R]] : bf16 to f32
// CHECK: %[[P:.*]] = arith.mulf %[[W]], %{{.*}} : f32
// CHECK: arith.truncf %[[P]] : f32 to bf16
// CHECK-NOT: contract
func.func @arithmetic(%a: bf16, %b: bf16) -> bf16 {
  %0 = arith.addf %a, %b : bf16
  %1 = arith.mulf %0, %a : bf16
  return %1 : bf16
}

// CHECK-LABEL: func.func @math
// CHECK: math.exp %{{.*}} : f32
// CHECK: math.tanh %{{.*}} : f16
func.func @math(%a: bf16, %b: f16) -> (bf16, f16) {
  %0 = math.exp %a : bf16
  %1 = math.tanh %b : f16
  return %0, %1 : bf16, f16
}

// What LLVM lacks or approximates is libm's.
// CHECK-LABEL: func.func @libm
// CHECK: call @log1pf
// CHECK: call @expm1
// CHECK: call @erff
func.func @libm(%a: f32, %b: f64) -> (f32, f64, f32) {
  %0 = math.log1p %a : f32
  %1 = math.expm1 %b : f64
  %2 = math.erf %a : f32
  return %0, %1, %2 : f32, f64, f32
}

// f64 to bf16 goes through f32 with rounding to odd.
// CHECK-LABEL: func.func @once
// CHECK: %[[N:.*]] = arith.truncf %{{.*}} : f64 to f32
// CHECK: arith.ori
// CHECK: %[[O:.*]] = arith.bitcast %{{.*}} : i32 to f32
// CHECK: arith.truncf %[[O]] : f32 to bf16
func.func @once(%a: f64) -> bf16 {
  %0 = arith.truncf %a : f64 to bf16
  return %0 : bf16
}

// Other types are left alone.
// CHECK-LABEL: func.func @others
// CHECK-NEXT: arith.addf %{{.*}} : f16
// CHECK-NEXT: arith.mulf %{{.*}} : f64
// CHECK-NEXT: math.exp %{{.*}} : f32
// CHECK-NEXT: return
func.func @others(%a: f16, %b: f64, %c: f32) -> (f16, f64, f32) {
  %0 = arith.addf %a, %a : f16
  %1 = arith.mulf %b, %b : f64
  %2 = math.exp %c : f32
  return %0, %1, %2 : f16, f64, f32
}

// An op of no dialect is passed over.
// CHECK-LABEL: func.func @unregistered
// CHECK: "some.use"
func.func @unregistered(%p: f64) {
  "some.use"(%p) : (f64) -> ()
  return
}

// An integer to bf16 is rounded once: f32 would round it first.
// CHECK-LABEL: func{{.*}} @integer
// CHECK: arith.sitofp %{{.*}} : i32 to f64
// CHECK-NOT: arith.sitofp {{.*}} f32
// CHECK: return
func.func @integer(%i: i32) -> bf16 {
  %b = arith.sitofp %i : i32 to bf16
  return %b : bf16
}
