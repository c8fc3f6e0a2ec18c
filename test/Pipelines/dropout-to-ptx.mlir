// RUN: dropout-opt %s --dropout-to-ptx=chip=sm_90 -o %t.90
// RUN: dropout-opt %s --dropout-to-ptx -o %t.80
// RUN: %python %S/Inputs/ptx.py < %t.90 | FileCheck %s --check-prefixes=PTX,SM90 --implicit-check-not=.local --implicit-check-not=__local_depot --implicit-check-not=.func --implicit-check-not=call
// RUN: %python %S/Inputs/ptx.py < %t.80 | FileCheck %s --check-prefixes=PTX,SM80 --implicit-check-not=.local --implicit-check-not=__local_depot --implicit-check-not=min.u16x2
// RUN: %python %S/Inputs/ptx.py --hot < %t.90 | FileCheck %s --check-prefixes=HOT,HOT90
// RUN: %python %S/Inputs/ptx.py --hot < %t.80 | FileCheck %s --check-prefix=HOT
// RUN: FileCheck %s --check-prefix=HOST --input-file=%t.90
// RUN: FileCheck %s --check-prefix=IMAGE --input-file=%t.90
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What ptx.py prints are whole kernels or, with --hot, what a thread executes
// whose 16 elements lie in the array and have no tie.

// SM90: .version 8.0
// SM90: .target sm_90
// SM80: .version 7.0
// SM80: .target sm_80

// Host code: p is checked, arrays are the device's, the result is allocated
// there, one of two kernels is launched.
// HOST: llvm.func @element(
// HOST-DAG: llvm.call @dropoutCudaAllocate(
// HOST-DAG: llvm.mlir.addressof @dropout_kernels_element_0_kernel
// HOST-DAG: llvm.mlir.addressof @dropout_kernels_element_0_unaligned_kernel
// HOST-COUNT-2: llvm.call @dropoutCudaLaunch(
// HOST-NOT: llvm.call @dropoutCudaLaunch(
// HOST: llvm.func @dropout_element(
// HOST: llvm.call @dropoutCudaCheckPointer

// Accesses of 16 bytes; two blocks of Philox are 40 products but for the one of
// the offset, which they share; and arithmetic of f32 only.
// PTX-LABEL: .entry element_0(
// PTX: .maxntid 256, 1, 1
// PTX-NOT: .f64
// SM90: min.u16x2
// PTX-LABEL: .entry element_0_unaligned(
// PTX-NOT: .global.v
// PTX-NOT: .f64
// HOT: .entry element_0{{$}}
// HOT-NOT: mul.wide.u32 {{.*}}, {{-845247145|-766435501}};
// HOT-COUNT-4: ld.global.v4.b32
// HOT-NOT: ld.global
// HOT-COUNT-39: mul.wide.u32 {{.*}}, {{-845247145|-766435501}};
// HOT-NOT: mul.{{wide|hi|lo}}
// HOT90-COUNT-7: min.u16x2
// HOT90-NOT: min.u16x2
// HOT: bra
// HOT-NOT: bra
// HOT-COUNT-16: mul.rn.f32
// HOT-NOT: mul.rn.f32
// HOT-COUNT-2: st.global.v4.b32
// HOT: ret
// HOT: .entry element_0_unaligned{{$}}
// HOT-NEXT: .entry bytes_0{{$}}
func.func @element(%x: tensor<?xf32>, %s: i64, %o: i64) -> tensor<?xf32> {
  %y = dropout.element %x p = 0.1 rng(%s, %o) : tensor<?xf32>
  return %y : tensor<?xf32>
}

// 7 rounds and 8 bits: one block for 16 elements, and no branch.
// HOT-COUNT-14: mul.wide.u32 {{.*}}, {{-845247145|-766435501}};
// HOT-NOT: mul.wide.u32 {{.*}}, {{-845247145|-766435501}};
// HOT-NOT: bra
// HOT: .entry bytes_0_unaligned{{$}}
// PTX-LABEL: .entry bytes_0(
func.func @bytes(%x: tensor<?xf32>, %s: i64, %o: i64) -> tensor<?xf32> {
  %y = dropout.element %x p = 0.25 rounds = 7 resolution = 8 rng(%s, %o) : tensor<?xf32>
  return %y : tensor<?xf32>
}

// bf16: unpacked as integers, multiplied in f32, rounded in pairs.
// HOT: .entry bf16_0{{$}}
// HOT-COUNT-2: ld.global.v4.b32
// HOT-NOT: ld.global
// HOT-COUNT-39: mul.wide.u32 {{.*}}, {{-845247145|-766435501}};
// HOT-COUNT-16: mul.rn.f32
// HOT-NOT: mul.rn
// HOT: ret
// PTX-LABEL: .entry bf16_0(
// PTX-NOT: .f64
// PTX-NOT: mul.{{(rn\.)?}}bf16
// PTX-COUNT-8: cvt.rn.bf16x2.f32
func.func @bf16(%x: tensor<?xbf16>, %s: i64, %o: i64) -> tensor<?xbf16> {
  %y = dropout.element %x p = 0.1 rng(%s, %o) : tensor<?xbf16>
  return %y : tensor<?xbf16>
}

// f16: the same with conversions.
// PTX-LABEL: .entry f16_0(
// PTX: ld.global.v4.b32
// PTX-NOT: mul.{{(rn\.)?}}f16
// PTX: cvt.f32.f16
// PTX: cvt.rn.f16x2.f32
func.func @f16(%x: tensor<?xf16>, %s: i64, %o: i64) -> tensor<?xf16> {
  %y = dropout.element %x p = 0.1 rng(%s, %o) : tensor<?xf16>
  return %y : tensor<?xf16>
}

// PTX-LABEL: .entry f64_0(
// PTX: ld.global.v2.b64
// PTX: mul.rn.f64
// PTX: st.global.v2.b64
func.func @f64(%x: tensor<?xf64>, %s: i64, %o: i64) -> tensor<?xf64> {
  %y = dropout.element %x p = 0.1 rng(%s, %o) : tensor<?xf64>
  return %y : tensor<?xf64>
}

// Alpha is one fma.
// HOT: .entry alpha_0{{$}}
// HOT-COUNT-16: fma.rn.f32
// HOT-NOT: {{fma|mul|add}}.rn
// HOT: ret
// PTX-LABEL: .entry alpha_0(
// PTX-NOT: .f64
// PTX: fma.rn.f32
func.func @alpha(%x: tensor<?xf32>, %s: i64, %o: i64) -> tensor<?xf32> {
  %y = dropout.alpha %x p = 0.1 rng(%s, %o) : tensor<?xf32>
  return %y : tensor<?xf32>
}

// A product and a sum of its neighbours in one kernel, which are not contracted.
// HOT: .entry residual_0{{$}}
// HOT-COUNT-8: ld.global.v4.b32
// HOT-NOT: fma
// HOT: mul.rn.f32
// HOT-NOT: fma
// HOT: add.rn.f32
// HOT-NOT: fma
// HOT: ret
// PTX-LABEL: .entry residual_0(
// PTX-NOT: fma.rn
// PTX-LABEL: .entry residual_0_unaligned(
// PTX-NOT: fma.rn
// PTX-NOT: .entry residual_1
func.func @residual(%x: tensor<?xf32>, %r: tensor<?xf32>, %s: i64, %o: i64) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %d = tensor.dim %x, %c0 : tensor<?xf32>
  %e = tensor.empty(%d) : tensor<?xf32>
  %y = dropout.element %x p = 0.1 rng(%s, %o) : tensor<?xf32>
  %z = linalg.add ins(%y, %r : tensor<?xf32>, tensor<?xf32>) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  return %z : tensor<?xf32>
}

// A dropped channel is not read: where its kernel jumps to, zeros are stored.
// PTX-LABEL: .entry channel_0(
// PTX: ld.global.v4.b32
// PTX: mul.rn.f32
// PTX: st.global.v4.b32
func.func @channel(%x: tensor<8x4x4096xf32>, %s: i64, %o: i64) -> tensor<8x4x4096xf32> {
  %y = dropout.channel %x p = 0.1 rng(%s, %o) : tensor<8x4x4096xf32>
  return %y : tensor<8x4x4096xf32>
}

// exp, tanh and erf of f32 need no library.
// PTX-LABEL: .entry chain_0(
// PTX-NOT: __nv_
// PTX-NOT: .f64
// PTX: fma.rn.f32
// PTX: ret
func.func @chain(%x: tensor<?xf32>, %s: i64, %o: i64) -> tensor<?xf32> {
  %0 = math.tanh %x : tensor<?xf32>
  %1 = math.erf %0 : tensor<?xf32>
  %2 = math.exp %1 : tensor<?xf32>
  %3 = dropout.element %2 p = 0.1 rng(%s, %o) : tensor<?xf32>
  return %3 : tensor<?xf32>
}

// In eval nothing is drawn.
// PTX-LABEL: .entry training_0(
// PTX-LABEL: .entry training_0_inactive(
// PTX-NOT: -845247145
// PTX-LABEL: .entry training_0_inactive_unaligned(
// PTX-NOT: -845247145
func.func @training(%x: memref<?xf32>, %y: memref<?xf32>, %s: i64, %o: i64, %t: i1, %p: f64) {
  dropout.element %x into %y p(%p) rng(%s, %o) training(%t) : memref<?xf32>, memref<?xf32>
  return
}
// HOST: llvm.func @training(
// HOST-DAG: llvm.mlir.addressof @dropout_kernels_training_0_kernel
// HOST-DAG: llvm.mlir.addressof @dropout_kernels_training_0_inactive_kernel
// HOST: llvm.func @dropout_training(
// HOST: llvm.call @dropoutCheckP(
// IMAGE: llvm.mlir.global internal constant @dropout_kernels_image("//\0A// Generated by LLVM NVPTX
