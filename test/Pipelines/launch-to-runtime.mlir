// RUN: dropout-opt %s --dropout-launch-to-runtime | FileCheck %s --implicit-check-not=dropout_unload
// RUN: dropout-opt %s --dropout-launch-to-runtime=unload | FileCheck %s --check-prefix=UNLOAD
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Text ends in one NUL, which counts; machine code has its size.
// CHECK: module {
// CHECK-NOT: gpu.
// CHECK: llvm.func @dropoutCudaLaunch(!llvm.ptr, i64, i64, i64, i64, i64, i64, !llvm.ptr) -> i32
// CHECK: llvm.mlir.global internal constant @kernels_image("text\00")
// CHECK: llvm.mlir.global internal @kernels_module() {{.*}} : !llvm.struct<(ptr, i64, ptr)> {
// CHECK: %[[IMAGE:.*]] = llvm.mlir.addressof @kernels_image
// CHECK: %[[SIZE:.*]] = llvm.mlir.constant(5 : i64)
// CHECK: %[[NULL:.*]] = llvm.mlir.zero
// CHECK: llvm.insertvalue %[[IMAGE]], %{{.*}}[0]
// CHECK: llvm.insertvalue %[[SIZE]], %{{.*}}[1]
// CHECK: llvm.insertvalue %[[NULL]], %{{.*}}[2]
// CHECK: llvm.mlir.global internal constant @kernels_k_name("k\00")
// CHECK: llvm.mlir.global internal @kernels_k_kernel() {{.*}} : !llvm.struct<(ptr, ptr, ptr)> {
// CHECK: llvm.mlir.addressof @kernels_module
// CHECK: llvm.mlir.addressof @kernels_k_name
// CHECK-NOT: @kernels_k_kernel()
// CHECK: llvm.mlir.global internal constant @machine_image("code\00")
// CHECK: llvm.mlir.constant(4 : i64)
module attributes {gpu.container_module} {
  gpu.binary @kernels [#gpu.object<#nvvm.target<chip = "sm_90">, assembly = "text\00">]
  gpu.binary @machine [#gpu.object<#nvvm.target<chip = "sm_90">, bin = "code">]

  // A memref is the fields of its descriptor; parameters are passed by address,
  // in memory of the function's that loops do not add to.
  // CHECK-LABEL: func.func @f
  // CHECK-SAME: %[[X:[a-z0-9]+]]: memref<?xf32>, %[[S:[a-z0-9]+]]: i64, %[[N:[a-z0-9]+]]: index
  // CHECK: %[[SLOT:.*]] = llvm.alloca %{{.*}} x i64
  // CHECK: %[[BASE:.*]] = llvm.alloca %{{.*}} x !llvm.ptr
  // CHECK: %[[SIX:.*]] = llvm.mlir.constant(6 : i64)
  // CHECK: %[[ADDRESSES:.*]] = llvm.alloca %[[SIX]] x !llvm.ptr
  // CHECK: scf.for
  // CHECK-NOT: llvm.alloca
  // CHECK: %[[D:.*]] = builtin.unrealized_conversion_cast %[[X]] : memref<?xf32> to !llvm.struct
  // CHECK: %[[POINTER:.*]] = llvm.extractvalue %[[D]][0]
  // CHECK: llvm.extractvalue %[[D]][1]
  // CHECK: llvm.extractvalue %[[D]][2]
  // CHECK: llvm.store %[[S]], %[[SLOT]] : i64
  // CHECK: %[[FIRST:.*]] = llvm.getelementptr %[[ADDRESSES]][0]
  // CHECK: llvm.store %[[SLOT]], %[[FIRST]]
  // CHECK: llvm.store %[[POINTER]], %[[BASE]]
  // CHECK: llvm.getelementptr %[[ADDRESSES]][5]
  // CHECK: %[[KERNEL:.*]] = llvm.mlir.addressof @kernels_k_kernel
  // CHECK: %[[GRID:.*]] = builtin.unrealized_conversion_cast %[[N]] : index to i64
  // CHECK: llvm.call @dropoutCudaLaunch(%[[KERNEL]], %[[GRID]], {{.*}}, %[[ADDRESSES]])
  // CHECK: return
  func.func @f(%x: memref<?xf32>, %s: i64, %n: index) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    scf.for %i = %c0 to %n step %c1 {
      gpu.launch_func @kernels::@k blocks in (%n, %c1, %c1) threads in (%n, %c1, %c1) args(%s : i64, %x : memref<?xf32>)
    }
    return
  }

  // A kernel has one object, however often it is launched; sizes may be i32.
  // CHECK-LABEL: func.func @g
  // CHECK: llvm.mlir.addressof @kernels_k_kernel
  // CHECK: llvm.mlir.addressof @machine_h_kernel
  // CHECK: arith.extui %{{.*}} : i32 to i64
  // CHECK: return
  func.func @g(%x: memref<?xf32>, %n: i32, %s: i64) {
    gpu.launch_func @kernels::@k blocks in (%n, %n, %n) threads in (%n, %n, %n) : i32 args(%s : i64, %x : memref<?xf32>)
    gpu.launch_func @machine::@h blocks in (%n, %n, %n) threads in (%n, %n, %n) : i32
    return
  }
}

// UNLOAD: llvm.func @dropout_unload() {
// UNLOAD: %[[MODULE:.*]] = llvm.mlir.addressof @kernels_module
// UNLOAD: %[[KERNEL:.*]] = llvm.mlir.addressof @kernels_k_kernel
// UNLOAD: %[[ONE:.*]] = llvm.mlir.constant(1 : i64)
// UNLOAD: llvm.call @dropoutCudaUnload(%[[MODULE]], %[[KERNEL]], %[[ONE]])
// UNLOAD: llvm.mlir.addressof @machine_module
// UNLOAD: llvm.call @dropoutCudaUnload
// UNLOAD-NOT: llvm.call
// UNLOAD: llvm.return
