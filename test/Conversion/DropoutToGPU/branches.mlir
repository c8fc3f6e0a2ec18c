// RUN: dropout-opt %s --convert-dropout-to-gpu | FileCheck %s
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#row = affine_map<(i, j) -> (i, j)>

// Three draws that hold for a row, of which two become branches: four bodies of
// four stores, not eight, and a select for the third draw.
// CHECK-LABEL: func.func @rows
// CHECK: gpu.launch {{.*}} function(@rows_0) {
// CHECK: arith.select %{{.*}}, %{{.*}}, %{{.*}} : f32
// CHECK-COUNT-16: vector.store
// CHECK-NOT: vector.store
// CHECK: function(@rows_0_unaligned)
// CHECK: return
func.func @rows(%x: memref<8x4096xf32>, %y: memref<8x4096xf32>, %s: i64) {
  %t = arith.constant 1288490189 : i64
  %zero = arith.constant 0.0 : f32
  %c1 = arith.constant 1 : i64
  %c2 = arith.constant 2 : i64
  linalg.generic {indexing_maps = [#row, #row], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<8x4096xf32>) outs(%y : memref<8x4096xf32>) {
  ^bb0(%a: f32, %b: f32):
    %i = linalg.index 0 : index
    %n = arith.index_cast %i : index to i64
    %k0 = dropout.keep %n threshold(%t) rng(%s, %s)
    %k1 = dropout.keep %n threshold(%t) rng(%s, %c1)
    %k2 = dropout.keep %n threshold(%t) rng(%s, %c2)
    %y0 = arith.select %k0, %a, %zero : f32
    %y1 = arith.select %k1, %a, %zero : f32
    %y2 = arith.select %k2, %a, %zero : f32
    %sum0 = arith.addf %y0, %y1 : f32
    %sum1 = arith.addf %sum0, %y2 : f32
    linalg.yield %sum1 : f32
  }
  return
}
