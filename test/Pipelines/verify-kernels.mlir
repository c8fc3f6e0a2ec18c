// RUN: dropout-opt %s --pass-pipeline='builtin.module(gpu.module(dropout-verify-kernels))' --verify-diagnostics --split-input-file
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

gpu.module @fine {
  llvm.func @g(%x: f32) -> f32 {
    llvm.return %x : f32
  }
  llvm.func @f(%x: f32) attributes {gpu.kernel, nvvm.kernel} {
    %0 = llvm.call @g(%x) : (f32) -> f32
    %1 = nvvm.read.ptx.sreg.tid.x : i32
    llvm.return
  }
}

// -----

gpu.module @kernels {
  llvm.func @sinf(f32) -> f32
  llvm.func @f(%x: f32) attributes {gpu.kernel, nvvm.kernel} {
    // expected-error@+1 {{expected a kernel to call functions with a body, but got @sinf}}
    %0 = llvm.call @sinf(%x) : (f32) -> f32
    llvm.return
  }
}

// -----

gpu.module @kernels {
  llvm.func @f(%x: f32) attributes {gpu.kernel, nvvm.kernel} {
    // expected-error@+1 {{expected an op that has a form on the GPU, but got 'math.exp'}}
    %0 = math.exp %x : f32
    // expected-error@+1 {{expected an op that has a form on the GPU, but got 'math.cos'}}
    %1 = math.cos %x : f32
    llvm.return
  }
}

// -----

gpu.module @kernels {
  llvm.func @f(%p: !llvm.ptr) attributes {gpu.kernel, nvvm.kernel} {
    // expected-error@+1 {{expected a type that GPUs have, but got 'f80'}}
    %0 = llvm.load %p : !llvm.ptr -> f80
    llvm.return
  }
}
