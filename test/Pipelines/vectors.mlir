// RUN: dropout-opt %s --dropout-to-llvm | FileCheck %s --implicit-check-not=vector. --implicit-check-not=affine. --implicit-check-not=unrealized
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Programs that were vectorized before: a masked read, and transfers of rank 2,
// which become loops over rows.
// CHECK-LABEL: llvm.func {{.*}}@vectors
// CHECK: llvm.intr.masked.load
// CHECK: llvm.return
func.func @vectors(%x: tensor<?xf32>, %y: tensor<8x32xf32>, %n: index, %i: index) -> (vector<8xf32>, tensor<8x32xf32>) {
  %c0 = arith.constant 0 : index
  %pad = arith.constant 0.0 : f32
  %m = vector.create_mask %n : vector<8xi1>
  %a = vector.mask %m { vector.transfer_read %x[%i], %pad {in_bounds = [true]} : tensor<?xf32>, vector<8xf32> } : vector<8xi1> -> vector<8xf32>
  %b = vector.transfer_read %y[%i, %c0], %pad {in_bounds = [true, true]} : tensor<8x32xf32>, vector<2x32xf32>
  %z = vector.transfer_write %b, %y[%c0, %c0] {in_bounds = [true, true]} : vector<2x32xf32>, tensor<8x32xf32>
  return %a, %z : vector<8xf32>, tensor<8x32xf32>
}
