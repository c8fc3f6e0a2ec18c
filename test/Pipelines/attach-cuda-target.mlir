// RUN: dropout-opt %s --dropout-attach-cuda-target | FileCheck %s --check-prefixes=CHECK,SM80
// RUN: dropout-opt %s --dropout-attach-cuda-target=chip=sm_90 | FileCheck %s --check-prefixes=CHECK,SM90
// RUN: dropout-opt %s --dropout-attach-cuda-target=chip=sm_90a | FileCheck %s --check-prefixes=CHECK,SM90A
// RUN: dropout-opt %s --dropout-attach-cuda-target=chip=sm_100 | FileCheck %s --check-prefixes=CHECK,SM100
// RUN: dropout-opt %s '--dropout-attach-cuda-target=chip=sm_90 features=+ptx83' | FileCheck %s --check-prefixes=CHECK,PTX83
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The first PTX version of the architecture, but on sm_90 the one that has
// min.u16x2; a target that is there stays.
// SM80: gpu.module @kernels [#nvvm.target<O = 3, chip = "sm_80">]
// SM90: gpu.module @kernels [#nvvm.target<O = 3, chip = "sm_90", features = "+ptx80">]
// SM90A: gpu.module @kernels [#nvvm.target<O = 3, chip = "sm_90a", features = "+ptx80">]
// SM100: gpu.module @kernels [#nvvm.target<O = 3, chip = "sm_100">]
// PTX83: gpu.module @kernels [#nvvm.target<O = 3, chip = "sm_90", features = "+ptx83">]
gpu.module @kernels {
}
// CHECK: gpu.module @targeted [#nvvm.target<chip = "sm_75">]
gpu.module @targeted [#nvvm.target<chip = "sm_75">] {
}
