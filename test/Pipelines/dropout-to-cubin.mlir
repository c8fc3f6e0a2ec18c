// RUN: dropout-opt %s --dropout-to-cubin=chip=sm_90 | FileCheck %s
// RUN: dropout-opt %s --dropout-to-cubin=serialize=false | FileCheck %s --check-prefix=KERNELS
// REQUIRES: ptxas
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The image is an ELF file.
// CHECK: llvm.func @f(
// CHECK: llvm.call @dropoutCudaLaunch(
// CHECK: llvm.mlir.global internal constant @dropout_kernels_image("\7FELF
// KERNELS: gpu.launch_func @dropout_kernels::@f_0
// KERNELS: gpu.module @dropout_kernels [#nvvm.target<O = 3, chip = "sm_80">]
func.func @f(%x: tensor<?xf32>, %s: i64, %o: i64) -> tensor<?xf32> {
  %y = dropout.element %x p = 0.1 rng(%s, %o) : tensor<?xf32>
  return %y : tensor<?xf32>
}
