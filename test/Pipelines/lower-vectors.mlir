// RUN: dropout-opt %s --dropout-lower-vectors | FileCheck %s
// RUN: dropout-opt %s --dropout-lower-vectors --convert-to-llvm --reconcile-unrealized-casts | FileCheck %s --check-prefix=LLVM --implicit-check-not=vector. --implicit-check-not=unrealized
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What LLVM has instructions for stays, even where a pattern would fold it.
// CHECK-LABEL: func @instructions
// CHECK: vector.broadcast
// CHECK: vector.bitcast
// CHECK: vector.shuffle
// CHECK: vector.extract
// CHECK: vector.maskedload
// LLVM-LABEL: llvm.func @instructions
// LLVM: llvm.intr.masked.load
func.func @instructions(%a: i64, %m: memref<?xf32>, %mask: vector<16xi1>, %i: index) -> (i32, vector<16xf32>) {
  %none = arith.constant dense<0.0> : vector<16xf32>
  %v = vector.broadcast %a : i64 to vector<8xi64>
  %w = vector.bitcast %v : vector<8xi64> to vector<16xi32>
  %s = vector.shuffle %w, %w [1, 0, 17, 16] : vector<16xi32>, vector<16xi32>
  %e = vector.extract %s[2] : i32 from vector<4xi32>
  %x = vector.maskedload %m[%i], %mask, %none : memref<?xf32>, vector<16xi1>, vector<16xf32> into vector<16xf32>
  return %e, %x : i32, vector<16xf32>
}

// CHECK-LABEL: func @others
// CHECK-NOT: vector.{{create_mask|extract_strided_slice|transpose|transfer_read|step|shape_cast}}
// CHECK: return
// LLVM-LABEL: llvm.func @others
func.func @others(%m: memref<?xf32>, %n: index, %a: vector<64xf32>, %b: vector<2x4xf32>)
    -> (vector<16xi1>, vector<16xf32>, vector<4x2xf32>, vector<16xf32>, vector<4xindex>, vector<8xf32>) {
  %zero = arith.constant 0.0 : f32
  %mask = vector.create_mask %n : vector<16xi1>
  %slice = vector.extract_strided_slice %a {offsets = [16], sizes = [16], strides = [1]}
    : vector<64xf32> to vector<16xf32>
  %t = vector.transpose %b, [1, 0] : vector<2x4xf32> to vector<4x2xf32>
  %r = vector.transfer_read %m[%n], %zero : memref<?xf32>, vector<16xf32>
  %step = vector.step : vector<4xindex>
  %flat = vector.shape_cast %b : vector<2x4xf32> to vector<8xf32>
  return %mask, %slice, %t, %r, %step, %flat
    : vector<16xi1>, vector<16xf32>, vector<4x2xf32>, vector<16xf32>, vector<4xindex>, vector<8xf32>
}
