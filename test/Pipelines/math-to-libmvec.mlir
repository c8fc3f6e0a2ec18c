// RUN: dropout-opt %s --dropout-math-to-libmvec=vector-bits=512 --split-input-file | FileCheck %s --check-prefixes=CHECK,E
// RUN: dropout-opt %s --dropout-math-to-libmvec=vector-bits=256 --split-input-file | FileCheck %s --check-prefixes=CHECK,D
// RUN: dropout-opt %s --dropout-math-to-libmvec --split-input-file | FileCheck %s --check-prefixes=CHECK,D
// RUN: dropout-opt %s --dropout-math-to-libmvec=vector-bits=128 --split-input-file | FileCheck %s --check-prefixes=CHECK,B
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Each function by its name, in f32 and f64; declared as free of effects, and
// without fast-math flags.
// E-DAG: llvm.func @_ZGVeN16v_erff(vector<16xf32>) -> vector<16xf32> attributes {memory_effects = #llvm.memory_effects<other = none, argMem = none, inaccessibleMem = none, errnoMem = none, targetMem0 = none, targetMem1 = none>, no_unwind, will_return}
// E-DAG: llvm.func @_ZGVeN8vv_pow(vector<8xf64>, vector<8xf64>) -> vector<8xf64>
// D-DAG: llvm.func @_ZGVdN8v_erff(vector<8xf32>) -> vector<8xf32>
// D-DAG: llvm.func @_ZGVdN4vv_pow(vector<4xf64>, vector<4xf64>) -> vector<4xf64>
// B-DAG: llvm.func @_ZGVbN4v_erff(vector<4xf32>) -> vector<4xf32>
// B-DAG: llvm.func @_ZGVbN2vv_pow(vector<2xf64>, vector<2xf64>) -> vector<2xf64>
// CHECK-LABEL: func.func @f32
// CHECK-NOT: math.
// CHECK-NOT: fastmath
// E: llvm.call @_ZGVeN16v_acosf(
// D: llvm.call @_ZGVdN8v_acosf(
// B: llvm.call @_ZGVbN4v_acosf(
// E: llvm.call @_ZGVeN16v_acoshf(
// D: llvm.call @_ZGVdN8v_acoshf(
// B: llvm.call @_ZGVbN4v_acoshf(
// E: llvm.call @_ZGVeN16v_asinf(
// D: llvm.call @_ZGVdN8v_asinf(
// B: llvm.call @_ZGVbN4v_asinf(
// E: llvm.call @_ZGVeN16v_asinhf(
// D: llvm.call @_ZGVdN8v_asinhf(
// B: llvm.call @_ZGVbN4v_asinhf(
// E: llvm.call @_ZGVeN16v_atanf(
// D: llvm.call @_ZGVdN8v_atanf(
// B: llvm.call @_ZGVbN4v_atanf(
// E: llvm.call @_ZGVeN16v_atanhf(
// D: llvm.call @_ZGVdN8v_atanhf(
// B: llvm.call @_ZGVbN4v_atanhf(
// E: llvm.call @_ZGVeN16v_cbrtf(
// D: llvm.call @_ZGVdN8v_cbrtf(
// B: llvm.call @_ZGVbN4v_cbrtf(
// E: llvm.call @_ZGVeN16v_cosf(
// D: llvm.call @_ZGVdN8v_cosf(
// B: llvm.call @_ZGVbN4v_cosf(
// E: llvm.call @_ZGVeN16v_coshf(
// D: llvm.call @_ZGVdN8v_coshf(
// B: llvm.call @_ZGVbN4v_coshf(
// E: llvm.call @_ZGVeN16v_erff(
// D: llvm.call @_ZGVdN8v_erff(
// B: llvm.call @_ZGVbN4v_erff(
// E: llvm.call @_ZGVeN16v_erfcf(
// D: llvm.call @_ZGVdN8v_erfcf(
// B: llvm.call @_ZGVbN4v_erfcf(
// E: llvm.call @_ZGVeN16v_expf(
// D: llvm.call @_ZGVdN8v_expf(
// B: llvm.call @_ZGVbN4v_expf(
// E: llvm.call @_ZGVeN16v_exp2f(
// D: llvm.call @_ZGVdN8v_exp2f(
// B: llvm.call @_ZGVbN4v_exp2f(
// E: llvm.call @_ZGVeN16v_expm1f(
// D: llvm.call @_ZGVdN8v_expm1f(
// B: llvm.call @_ZGVbN4v_expm1f(
// E: llvm.call @_ZGVeN16v_logf(
// D: llvm.call @_ZGVdN8v_logf(
// B: llvm.call @_ZGVbN4v_logf(
// E: llvm.call @_ZGVeN16v_log10f(
// D: llvm.call @_ZGVdN8v_log10f(
// B: llvm.call @_ZGVbN4v_log10f(
// E: llvm.call @_ZGVeN16v_log1pf(
// D: llvm.call @_ZGVdN8v_log1pf(
// B: llvm.call @_ZGVbN4v_log1pf(
// E: llvm.call @_ZGVeN16v_log2f(
// D: llvm.call @_ZGVdN8v_log2f(
// B: llvm.call @_ZGVbN4v_log2f(
// E: llvm.call @_ZGVeN16v_sinf(
// D: llvm.call @_ZGVdN8v_sinf(
// B: llvm.call @_ZGVbN4v_sinf(
// E: llvm.call @_ZGVeN16v_sinhf(
// D: llvm.call @_ZGVdN8v_sinhf(
// B: llvm.call @_ZGVbN4v_sinhf(
// E: llvm.call @_ZGVeN16v_tanf(
// D: llvm.call @_ZGVdN8v_tanf(
// B: llvm.call @_ZGVbN4v_tanf(
// E: llvm.call @_ZGVeN16v_tanhf(
// D: llvm.call @_ZGVdN8v_tanhf(
// B: llvm.call @_ZGVbN4v_tanhf(
// E: llvm.call @_ZGVeN16vv_atan2f(
// D: llvm.call @_ZGVdN8vv_atan2f(
// B: llvm.call @_ZGVbN4vv_atan2f(
// E: llvm.call @_ZGVeN16vv_powf(
// D: llvm.call @_ZGVdN8vv_powf(
// B: llvm.call @_ZGVbN4vv_powf(
func.func @f32(%a: vector<4xf32>, %b: vector<4xf32>) -> vector<4xf32> {
  %0 = math.acos %a : vector<4xf32>
  %1 = math.acosh %0 : vector<4xf32>
  %2 = math.asin %1 : vector<4xf32>
  %3 = math.asinh %2 : vector<4xf32>
  %4 = math.atan %3 : vector<4xf32>
  %5 = math.atanh %4 : vector<4xf32>
  %6 = math.cbrt %5 : vector<4xf32>
  %7 = math.cos %6 : vector<4xf32>
  %8 = math.cosh %7 : vector<4xf32>
  %9 = math.erf %8 : vector<4xf32>
  %10 = math.erfc %9 : vector<4xf32>
  %11 = math.exp %10 : vector<4xf32>
  %12 = math.exp2 %11 : vector<4xf32>
  %13 = math.expm1 %12 : vector<4xf32>
  %14 = math.log %13 : vector<4xf32>
  %15 = math.log10 %14 : vector<4xf32>
  %16 = math.log1p %15 : vector<4xf32>
  %17 = math.log2 %16 : vector<4xf32>
  %18 = math.sin %17 : vector<4xf32>
  %19 = math.sinh %18 : vector<4xf32>
  %20 = math.tan %19 : vector<4xf32>
  %21 = math.tanh %20 : vector<4xf32>
  %22 = math.atan2 %21, %b : vector<4xf32>
  %23 = math.powf %22, %b fastmath<fast> : vector<4xf32>
  return %23 : vector<4xf32>
}

// CHECK-LABEL: func.func @f64
// CHECK-NOT: math.
// E: llvm.call @_ZGVeN8v_acos(
// D: llvm.call @_ZGVdN4v_acos(
// B: llvm.call @_ZGVbN2v_acos(
// E: llvm.call @_ZGVeN8v_acosh(
// D: llvm.call @_ZGVdN4v_acosh(
// B: llvm.call @_ZGVbN2v_acosh(
// E: llvm.call @_ZGVeN8v_asin(
// D: llvm.call @_ZGVdN4v_asin(
// B: llvm.call @_ZGVbN2v_asin(
// E: llvm.call @_ZGVeN8v_asinh(
// D: llvm.call @_ZGVdN4v_asinh(
// B: llvm.call @_ZGVbN2v_asinh(
// E: llvm.call @_ZGVeN8v_atan(
// D: llvm.call @_ZGVdN4v_atan(
// B: llvm.call @_ZGVbN2v_atan(
// E: llvm.call @_ZGVeN8v_atanh(
// D: llvm.call @_ZGVdN4v_atanh(
// B: llvm.call @_ZGVbN2v_atanh(
// E: llvm.call @_ZGVeN8v_cbrt(
// D: llvm.call @_ZGVdN4v_cbrt(
// B: llvm.call @_ZGVbN2v_cbrt(
// E: llvm.call @_ZGVeN8v_cos(
// D: llvm.call @_ZGVdN4v_cos(
// B: llvm.call @_ZGVbN2v_cos(
// E: llvm.call @_ZGVeN8v_cosh(
// D: llvm.call @_ZGVdN4v_cosh(
// B: llvm.call @_ZGVbN2v_cosh(
// E: llvm.call @_ZGVeN8v_erf(
// D: llvm.call @_ZGVdN4v_erf(
// B: llvm.call @_ZGVbN2v_erf(
// E: llvm.call @_ZGVeN8v_erfc(
// D: llvm.call @_ZGVdN4v_erfc(
// B: llvm.call @_ZGVbN2v_erfc(
// E: llvm.call @_ZGVeN8v_exp(
// D: llvm.call @_ZGVdN4v_exp(
// B: llvm.call @_ZGVbN2v_exp(
// E: llvm.call @_ZGVeN8v_exp2(
// D: llvm.call @_ZGVdN4v_exp2(
// B: llvm.call @_ZGVbN2v_exp2(
// E: llvm.call @_ZGVeN8v_expm1(
// D: llvm.call @_ZGVdN4v_expm1(
// B: llvm.call @_ZGVbN2v_expm1(
// E: llvm.call @_ZGVeN8v_log(
// D: llvm.call @_ZGVdN4v_log(
// B: llvm.call @_ZGVbN2v_log(
// E: llvm.call @_ZGVeN8v_log10(
// D: llvm.call @_ZGVdN4v_log10(
// B: llvm.call @_ZGVbN2v_log10(
// E: llvm.call @_ZGVeN8v_log1p(
// D: llvm.call @_ZGVdN4v_log1p(
// B: llvm.call @_ZGVbN2v_log1p(
// E: llvm.call @_ZGVeN8v_log2(
// D: llvm.call @_ZGVdN4v_log2(
// B: llvm.call @_ZGVbN2v_log2(
// E: llvm.call @_ZGVeN8v_sin(
// D: llvm.call @_ZGVdN4v_sin(
// B: llvm.call @_ZGVbN2v_sin(
// E: llvm.call @_ZGVeN8v_sinh(
// D: llvm.call @_ZGVdN4v_sinh(
// B: llvm.call @_ZGVbN2v_sinh(
// E: llvm.call @_ZGVeN8v_tan(
// D: llvm.call @_ZGVdN4v_tan(
// B: llvm.call @_ZGVbN2v_tan(
// E: llvm.call @_ZGVeN8v_tanh(
// D: llvm.call @_ZGVdN4v_tanh(
// B: llvm.call @_ZGVbN2v_tanh(
// E: llvm.call @_ZGVeN8vv_atan2(
// D: llvm.call @_ZGVdN4vv_atan2(
// B: llvm.call @_ZGVbN2vv_atan2(
// E: llvm.call @_ZGVeN8vv_pow(
// D: llvm.call @_ZGVdN4vv_pow(
// B: llvm.call @_ZGVbN2vv_pow(
func.func @f64(%a: vector<2xf64>, %b: vector<2xf64>) -> vector<2xf64> {
  %0 = math.acos %a : vector<2xf64>
  %1 = math.acosh %0 : vector<2xf64>
  %2 = math.asin %1 : vector<2xf64>
  %3 = math.asinh %2 : vector<2xf64>
  %4 = math.atan %3 : vector<2xf64>
  %5 = math.atanh %4 : vector<2xf64>
  %6 = math.cbrt %5 : vector<2xf64>
  %7 = math.cos %6 : vector<2xf64>
  %8 = math.cosh %7 : vector<2xf64>
  %9 = math.erf %8 : vector<2xf64>
  %10 = math.erfc %9 : vector<2xf64>
  %11 = math.exp %10 : vector<2xf64>
  %12 = math.exp2 %11 : vector<2xf64>
  %13 = math.expm1 %12 : vector<2xf64>
  %14 = math.log %13 : vector<2xf64>
  %15 = math.log10 %14 : vector<2xf64>
  %16 = math.log1p %15 : vector<2xf64>
  %17 = math.log2 %16 : vector<2xf64>
  %18 = math.sin %17 : vector<2xf64>
  %19 = math.sinh %18 : vector<2xf64>
  %20 = math.tan %19 : vector<2xf64>
  %21 = math.tanh %20 : vector<2xf64>
  %22 = math.atan2 %21, %b : vector<2xf64>
  %23 = math.powf %22, %b fastmath<fast> : vector<2xf64>
  return %23 : vector<2xf64>
}
// -----

// A vector of one register is the operand as it is.
// CHECK-LABEL: func.func @whole
// E-NEXT: %[[R:.*]] = llvm.call @_ZGVeN16v_erff(%arg0) : (vector<16xf32>) -> vector<16xf32>
// E-NEXT: return %[[R]]
// D-COUNT-2: llvm.call @_ZGVdN8v_erff
// B-COUNT-4: llvm.call @_ZGVbN4v_erff
func.func @whole(%x: vector<16xf32>) -> vector<16xf32> {
  %0 = math.erf %x : vector<16xf32>
  return %0 : vector<16xf32>
}

// What does not fill a register is filled up with its own elements.
// CHECK-LABEL: func.func @narrow
// E: %[[P:.*]] = vector.shuffle %arg0, %arg0 [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0]
// E-NEXT: %[[C:.*]] = llvm.call @_ZGVeN16v_tanhf(%[[P]])
// E-NEXT: %[[R:.*]] = vector.extract_strided_slice %[[C]] {offsets = [0], sizes = [3], strides = [1]}
// E-NEXT: return %[[R]]
// D: vector.shuffle %arg0, %arg0 [0, 1, 2, 0, 1, 2, 0, 1]
// B: vector.shuffle %arg0, %arg0 [0, 1, 2, 0]
// B-NEXT: llvm.call @_ZGVbN4v_tanhf
// B-NOT: llvm.call
// B: return
func.func @narrow(%x: vector<3xf32>) -> vector<3xf32> {
  %0 = math.tanh %x : vector<3xf32>
  return %0 : vector<3xf32>
}

// What is wider is cut; the end is a narrow one.
// CHECK-LABEL: func.func @wide
// E: vector.shuffle %arg0, %arg0 [0, 1, 2, 3, 4, 5, 6, 7]
// E: llvm.call @_ZGVeN8v_exp
// E: vector.shuffle %arg0, %arg0 [8, 9, 10, 0, 1, 2, 3, 4]
// E: %[[C:.*]] = llvm.call @_ZGVeN8v_exp
// E: %[[S:.*]] = vector.extract_strided_slice %[[C]] {offsets = [0], sizes = [3], strides = [1]}
// E: vector.insert_strided_slice %[[S]], %{{.*}} {offsets = [8], strides = [1]}
// D-COUNT-3: llvm.call @_ZGVdN4v_exp
// B-COUNT-6: llvm.call @_ZGVbN2v_exp
// CHECK-NOT: call
// CHECK: return
func.func @wide(%x: vector<11xf64>) -> vector<11xf64> {
  %0 = math.exp %x : vector<11xf64>
  return %0 : vector<11xf64>
}

// CHECK-LABEL: func.func @rank2
// CHECK: vector.shape_cast %arg0 : vector<2x3xf32> to vector<6xf32>
// E-COUNT-1: llvm.call @_ZGVeN16v_log1pf
// D-COUNT-1: llvm.call @_ZGVdN8v_log1pf
// B-COUNT-2: llvm.call @_ZGVbN4v_log1pf
// CHECK: vector.shape_cast %{{.*}} : vector<6xf32> to vector<2x3xf32>
func.func @rank2(%x: vector<2x3xf32>) -> vector<2x3xf32> {
  %0 = math.log1p %x : vector<2x3xf32>
  return %0 : vector<2x3xf32>
}

// Types of 16 bits are computed in f32 and rounded once.
// CHECK-LABEL: func.func @small
// CHECK: arith.extf %arg0 : vector<16xbf16> to vector<16xf32>
// E-NEXT: llvm.call @_ZGVeN16v_erff
// CHECK: arith.truncf %{{.*}} : vector<16xf32> to vector<16xbf16>
// CHECK: arith.extf %arg1 : vector<16xf16> to vector<16xf32>
// E-NEXT: llvm.call @_ZGVeN16v_expf
// CHECK: arith.truncf %{{.*}} : vector<16xf32> to vector<16xf16>
func.func @small(%x: vector<16xbf16>, %y: vector<16xf16>) -> (vector<16xbf16>, vector<16xf16>) {
  %0 = math.erf %x : vector<16xbf16>
  %1 = math.exp %y : vector<16xf16>
  return %0, %1 : vector<16xbf16>, vector<16xf16>
}

// CHECK-LABEL: func.func @left
// CHECK-NOT: call
// CHECK: return
func.func @left(%s: f32, %one: vector<1xf32>, %zero: vector<f32>, %sc: vector<[4]xf32>, %q: vector<4xf128>, %t: tensor<16xf32>, %x: vector<16xf32>) {
  %0 = math.exp %s : f32
  %1 = math.exp %one : vector<1xf32>
  %2 = math.exp %zero : vector<f32>
  %3 = math.exp %sc : vector<[4]xf32>
  %4 = math.exp %q : vector<4xf128>
  %5 = math.exp %t : tensor<16xf32>
  %6 = math.sqrt %x : vector<16xf32>
  %7 = math.fma %x, %x, %x : vector<16xf32>
  return
}

// -----

// A module in the module is for another machine.
// CHECK-LABEL: gpu.module
// CHECK: math.exp
gpu.module @device {
  func.func @f(%x: vector<16xf32>) -> vector<16xf32> {
    %0 = math.exp %x : vector<16xf32>
    return %0 : vector<16xf32>
  }
}

// -----

// The program has functions of these names: the first is what would be
// declared, the others are not.
llvm.func @_ZGVeN16v_expf(vector<16xf32>) -> vector<16xf32>
llvm.func @_ZGVdN8v_expf(vector<8xf32>) -> vector<8xf32>
llvm.func @_ZGVbN4v_expf(vector<4xf32>) -> vector<4xf32>
func.func private @_ZGVeN16v_logf(f32) -> f32
func.func private @_ZGVdN8v_logf(f32) -> f32
func.func private @_ZGVbN4v_logf(f32) -> f32
llvm.func @_ZGVeN16v_sinf(%x: vector<16xf32>) -> vector<16xf32> {
  llvm.return %x : vector<16xf32>
}
llvm.func @_ZGVdN8v_sinf(%x: vector<8xf32>) -> vector<8xf32> {
  llvm.return %x : vector<8xf32>
}
llvm.func @_ZGVbN4v_sinf(%x: vector<4xf32>) -> vector<4xf32> {
  llvm.return %x : vector<4xf32>
}
// CHECK-LABEL: func.func @names
// CHECK: llvm.call @_ZGV{{.*}}_expf
// CHECK: math.log
// CHECK: math.sin
func.func @names(%x: vector<4xf32>) -> (vector<4xf32>, vector<4xf32>, vector<4xf32>) {
  %0 = math.exp %x : vector<4xf32>
  %1 = math.log %x : vector<4xf32>
  %2 = math.sin %x : vector<4xf32>
  return %0, %1, %2 : vector<4xf32>, vector<4xf32>, vector<4xf32>
}
