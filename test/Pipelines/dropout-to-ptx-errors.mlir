// RUN: split-file %s %t
// RUN: not dropout-opt %t/ok.mlir --dropout-to-ptx=chip=gfx942 2>&1 | FileCheck %s --check-prefix=CHIP
// RUN: not dropout-opt %t/ok.mlir '--dropout-to-ptx=chip=sm_90 features=+sse' 2>&1 | FileCheck %s --check-prefix=FEATURES
// RUN: not dropout-opt %t/ok.mlir '--dropout-to-ptx=chip=sm_120 features=+ptx80' 2>&1 | FileCheck %s --check-prefix=OLD
// RUN: not dropout-opt %t/ok.mlir --dropout-to-ptx=elements-per-thread=7 2>&1 | FileCheck %s --check-prefix=ELEMENTS
// RUN: not dropout-opt %t/ok.mlir --dropout-to-ptx=magic=1 2>&1 | FileCheck %s --check-prefix=OPTION
// RUN: not dropout-opt %t/load.mlir --dropout-to-ptx 2>&1 | FileCheck %s --check-prefix=LOAD
// RUN: not dropout-opt %t/extract.mlir --dropout-to-ptx 2>&1 | FileCheck %s --check-prefix=EXTRACT
// RUN: not dropout-opt %t/call.mlir --dropout-to-ptx 2>&1 | FileCheck %s --check-prefix=CALL
// RUN: not dropout-opt %t/p.mlir --dropout-to-ptx 2>&1 | FileCheck %s --check-prefix=P
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Without a toolkit: a variable that is set keeps others from being looked for.
// RUN: env PATH= CUDA_ROOT= CUDA_HOME= CUDA_PATH= not dropout-opt %t/exp.mlir --dropout-to-ptx 2>&1 | FileCheck %s --check-prefix=EXP
// RUN: env PATH= CUDA_ROOT= CUDA_HOME= CUDA_PATH= not dropout-opt %t/ok.mlir --dropout-to-cubin 2>&1 | FileCheck %s --check-prefix=PTXAS
// RUN: env PATH= CUDA_ROOT= CUDA_HOME= CUDA_PATH= not dropout-opt %t/ok.mlir --dropout-attach-cuda-target=binary 2>&1 | FileCheck %s --check-prefix=PTXAS
// PTX needs none.
// RUN: env PATH= CUDA_ROOT= CUDA_HOME= CUDA_PATH= dropout-opt %t/ok.mlir --dropout-to-ptx -o %t/ok.out

// CHIP: error: expected option 'chip' to be one of {{.*}}, but got 'gfx942'
// FEATURES: error: expected option 'features' to be a PTX version, as +ptx80, but got '+sse'
// OLD: error: expected option 'features' to name PTX 8.7 or later for sm_120, but got '+ptx80'
// ELEMENTS: error: expected option 'elements-per-thread' to be 16, 32 or 64, but got 7
// OPTION: no such option magic
// LOAD: load.mlir:2:8: error: expected device memory to be read in kernels only, but got 'memref.load' on the host
// EXTRACT: extract.mlir:2:8: error: expected device memory to be read in kernels only, but got 'memref.load' on the host
// CALL: call.mlir:{{.*}}: error: expected a kernel to call functions with a body, but got @{{.*}}g
// P: p.mlir:2:8: error: {{.*}}expected p in [0, 1], but got 1.5
// EXP: exp.mlir:2:8: error: expected a kernel to call functions with a body, but got @__nv_exp, and found no CUDA toolkit whose libdevice has it
// PTXAS: error: expected ptxas of the CUDA toolkit, which makes machine code, in PATH, CUDA_ROOT, CUDA_HOME, CUDA_PATH or, if none of these is set, /usr/local/cuda, but found none; PTX needs no toolkit

//--- ok.mlir
func.func @f(%x: tensor<?xf32>, %s: i64, %o: i64) -> tensor<?xf32> {
  %y = dropout.element %x p = 0.1 rng(%s, %o) : tensor<?xf32>
  return %y : tensor<?xf32>
}
//--- load.mlir
func.func @f(%x: memref<4xf32>, %i: index) -> f32 {
  %0 = memref.load %x[%i] : memref<4xf32>
  return %0 : f32
}
//--- extract.mlir
func.func @f(%x: tensor<4xf32>, %i: index) -> f32 {
  %0 = tensor.extract %x[%i] : tensor<4xf32>
  return %0 : f32
}
//--- call.mlir
func.func private @g(f32) -> f32
func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = linalg.map ins(%x : tensor<4xf32>) outs(%x : tensor<4xf32>) (%a: f32, %b: f32) {
    %1 = func.call @g(%a) : (f32) -> f32
    linalg.yield %1 : f32
  }
  return %0 : tensor<4xf32>
}
//--- exp.mlir
func.func @f(%x: tensor<4xf64>) -> tensor<4xf64> {
  %0 = math.exp %x : tensor<4xf64>
  return %0 : tensor<4xf64>
}
//--- p.mlir
func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = dropout.element %x p = 1.5 : tensor<4xf32>
  return %0 : tensor<4xf32>
}
