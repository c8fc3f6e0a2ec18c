// RUN: dropout-opt %s --dropout-to-ptx=serialize=false | FileCheck %s
// RUN: dropout-opt %s --dropout-to-ptx | %python %S/Inputs/ptx.py | FileCheck %s --check-prefix=PTX
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A constant array is the kernel's own: the device can't read the host's. Only
// its alignment, which is the same, is looked at on the host.
// CHECK: func.func @f
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref
// CHECK: %[[TABLE:.*]] = memref.get_global @[[NAME:.*]] : memref<64xf32>
// CHECK: memref.extract_aligned_pointer_as_index %[[TABLE]]
// CHECK-NOT: %[[TABLE]]
// CHECK: gpu.launch_func @dropout_kernels::@f_0 blocks
// CHECK-NOT: %[[TABLE]]
// CHECK: gpu.launch_func @dropout_kernels::@f_0_unaligned blocks
// CHECK-NOT: %[[TABLE]]
// CHECK: return
// CHECK: gpu.module @dropout_kernels
// CHECK: llvm.mlir.global {{.*}}@[[NAME]]
// PTX: .global .align 64 .b8 {{.*}}[256] = {
// PTX: .entry f_0(
func.func @f(%x: tensor<?x64xf32>, %s: i64, %o: i64) -> tensor<?x64xf32> {
  %c0 = arith.constant 0 : index
  %table = arith.constant dense<[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0, 17.0, 18.0, 19.0, 20.0, 21.0, 22.0, 23.0, 24.0, 25.0, 26.0, 27.0, 28.0, 29.0, 30.0, 31.0, 32.0, 33.0, 34.0, 35.0, 36.0, 37.0, 38.0, 39.0, 40.0, 41.0, 42.0, 43.0, 44.0, 45.0, 46.0, 47.0, 48.0, 49.0, 50.0, 51.0, 52.0, 53.0, 54.0, 55.0, 56.0, 57.0, 58.0, 59.0, 60.0, 61.0, 62.0, 63.0, 64.0]> : tensor<64xf32>
  %n = tensor.dim %x, %c0 : tensor<?x64xf32>
  %e = tensor.empty(%n) : tensor<?x64xf32>
  %0 = linalg.broadcast ins(%table : tensor<64xf32>) outs(%e : tensor<?x64xf32>) dimensions = [0]
  %1 = linalg.add ins(%x, %0 : tensor<?x64xf32>, tensor<?x64xf32>) outs(%e : tensor<?x64xf32>) -> tensor<?x64xf32>
  %y = dropout.element %1 p = 0.1 rng(%s, %o) : tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}
