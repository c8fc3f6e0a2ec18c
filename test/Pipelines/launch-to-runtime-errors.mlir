// RUN: dropout-opt %s --dropout-launch-to-runtime --verify-diagnostics --split-input-file
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

func.func @f(%x: memref<4xf32>, %i: index, %v: f32) -> f32 {
  // expected-error@+1 {{expected device memory to be read in kernels only, but got 'memref.load' on the host}}
  %0 = memref.load %x[%i] : memref<4xf32>
  // expected-error@+1 {{expected device memory to be written in kernels only, but got 'memref.store' on the host}}
  memref.store %v, %x[%i] : memref<4xf32>
  return %0 : f32
}

// -----

// Sizes are the host's, and so is the memory as a whole.
func.func @f(%x: memref<?xf32>, %i: index) -> index {
  %0 = memref.dim %x, %i : memref<?xf32>
  %1 = memref.alloc(%0) : memref<?xf32>
  memref.dealloc %1 : memref<?xf32>
  return %0 : index
}

// -----

module attributes {gpu.container_module} {
  gpu.module @kernels {
    gpu.func @k() kernel {
      gpu.return
    }
  }
  func.func @f(%n: index) {
    // expected-error@+1 {{expected a gpu.binary of the name @kernels}}
    gpu.launch_func @kernels::@k blocks in (%n, %n, %n) threads in (%n, %n, %n)
    return
  }
}

// -----

module attributes {gpu.container_module} {
  gpu.binary @kernels [#gpu.object<#nvvm.target<chip = "sm_90">, assembly = "text">]
  func.func @f(%n: index, %bytes: i32) {
    // expected-error@+1 {{expected a launch without tokens, clusters and shared memory}}
    gpu.launch_func @kernels::@k blocks in (%n, %n, %n) threads in (%n, %n, %n) dynamic_shared_memory_size %bytes
    return
  }
}

// -----

module attributes {gpu.container_module} {
  gpu.binary @kernels [#gpu.object<#nvvm.target<chip = "sm_90">, assembly = "text">]
  func.func @f(%n: index, %t: tensor<4xf32>) {
    // expected-error@+1 {{expected arguments of kernels to be numbers and memrefs, but got 'tensor<4xf32>'}}
    gpu.launch_func @kernels::@k blocks in (%n, %n, %n) threads in (%n, %n, %n) args(%t : tensor<4xf32>)
    return
  }
}

// -----

// The address of a constant on the host, and of the stack, is no use to a GPU.
memref.global "private" constant @weights : memref<4xf32> = dense<[1.0, 2.0, 3.0, 4.0]>
func.func private @callee(memref<4xf32>, memref<?xf32>)
func.func @f(%x: memref<?xf32>) {
  // expected-note@+1 {{it comes from here}}
  %w = memref.get_global @weights : memref<4xf32>
  // expected-error@+1 {{expected device memory, but got memory of the host's}}
  call @callee(%w, %x) : (memref<4xf32>, memref<?xf32>) -> ()
  return
}

// -----

memref.global "private" constant @weights : memref<4xf32> = dense<[1.0, 2.0, 3.0, 4.0]>
func.func @f(%b: i1, %x: memref<4xf32>) -> memref<4xf32> {
  // expected-note@+1 {{it comes from here}}
  %w = memref.get_global @weights : memref<4xf32>
  %y = scf.if %b -> memref<4xf32> {
    // expected-error@+1 {{expected device memory, but got memory of the host's}}
    scf.yield %w : memref<4xf32>
  } else {
    scf.yield %x : memref<4xf32>
  }
  return %y : memref<4xf32>
}

// -----

module attributes {gpu.container_module} {
  gpu.binary @kernels [#gpu.object<#nvvm.target<chip = "sm_90">, assembly = "text">]
  func.func @f(%n: index) {
    // expected-note@+1 {{it comes from here}}
    %a = memref.alloca() : memref<4xf32>
    %v = memref.cast %a : memref<4xf32> to memref<?xf32>
    // expected-error@+1 {{expected device memory, but got memory of the host's}}
    gpu.launch_func @kernels::@k blocks in (%n, %n, %n) threads in (%n, %n, %n) args(%v : memref<?xf32>)
    return
  }
}
