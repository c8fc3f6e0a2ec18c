// RUN: dropout-opt %s '--dropout-to-ptx=block-size=128 elements-per-thread=32 unload' -o %t
// RUN: %python %S/Inputs/ptx.py --hot < %t | FileCheck %s --check-prefix=HOT
// RUN: %python %S/Inputs/ptx.py < %t | FileCheck %s --check-prefix=PTX
// RUN: FileCheck %s --check-prefix=UNLOAD --input-file=%t
// RUN: dropout-opt %s --dropout-to-ptx=serialize=false | FileCheck %s --check-prefix=KERNELS
// RUN: dropout-opt %s '--dropout-to-ptx=chip=sm_90 features=+ptx78' | %python %S/Inputs/ptx.py | FileCheck %s --check-prefix=OLD --implicit-check-not=min.u16x2
// RUN: dropout-opt %s --dropout-to-ptx=chip=sm_100 | %python %S/Inputs/ptx.py | FileCheck %s --check-prefix=SM100
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// 32 elements a thread are four blocks, which share the product of the offset.
// HOT: .entry element_0{{$}}
// HOT-COUNT-77: mul.wide.u32 {{.*}}, {{-845247145|-766435501}};
// HOT-NOT: mul.wide.u32 {{.*}}, {{-845247145|-766435501}};
// HOT: .entry element_0_unaligned{{$}}
// PTX-LABEL: .entry element_0(
// PTX: .maxntid 128, 1, 1
// UNLOAD: llvm.func @dropout_unload()
// UNLOAD: @dropoutCudaUnload(

// KERNELS: func.func @element
// KERNELS: gpu.launch_func @dropout_kernels::@element_0 blocks
// KERNELS: gpu.module @dropout_kernels [#nvvm.target<O = 3, chip = "sm_80">]
// KERNELS: llvm.func @element_0({{.*}} attributes {{.*}}gpu.kernel

// PTX 7.8 has no min.u16x2, and what sm_100 begins with has.
// OLD: .version 7.8
// OLD: .target sm_90
// SM100: .version 8.6
// SM100: .target sm_100
// SM100: min.u16x2
func.func @element(%x: tensor<?xf32>, %s: i64, %o: i64) -> tensor<?xf32> {
  %y = dropout.element %x p = 0.1 rng(%s, %o) : tensor<?xf32>
  return %y : tensor<?xf32>
}
