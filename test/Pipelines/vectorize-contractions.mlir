// RUN: dropout-opt %s --pass-pipeline='builtin.module(func.func(dropout-vectorize-contractions),canonicalize,cse)' | FileCheck %s
// RUN: dropout-opt %s --pass-pipeline='builtin.module(func.func(dropout-vectorize-contractions{vector-bits=256}),canonicalize,cse)' | FileCheck %s --check-prefix=AVX2
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#mn = affine_map<(m, n) -> (m, n)>
#m = affine_map<(m, n) -> (m)>
#n = affine_map<(m, n) -> (n)>

// A register tile of 6 rows of 4 vectors; a product and a sum of their own, in
// the order of k. No mask: 24 and 128 are multiples of the tile.
// CHECK-LABEL: func.func @matmul
// CHECK-NOT: memref.alloc
// CHECK-DAG: %[[C6:.*]] = arith.constant 6 : index
// CHECK-DAG: %[[C64:.*]] = arith.constant 64 : index
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[C24:.*]] = arith.constant 24 : index
// CHECK-DAG: %[[C40:.*]] = arith.constant 40 : index
// CHECK: scf.for %{{.*}} = %[[C0]] to %{{.*}} step %[[C64]] {
// CHECK: scf.for %{{.*}} = %[[C0]] to %[[C24]] step %[[C6]] {
// CHECK-COUNT-24: vector.load %{{.*}} : memref<24x128xf32>, vector<16xf32>
// CHECK: scf.for %{{.*}} = %[[C0]] to %[[C40]] step %[[C1]] iter_args
// CHECK: memref.load
// CHECK: vector.broadcast
// CHECK: vector.load
// CHECK-NEXT: %[[P:.*]] = arith.mulf %{{.*}}, %{{.*}} : vector<16xf32>
// CHECK-NEXT: arith.addf %{{.*}}, %[[P]] : vector<16xf32>
// CHECK-NOT: fma
// CHECK-NOT: fastmath
// CHECK: scf.yield
// CHECK-COUNT-24: vector.store
// CHECK-NOT: vector.maskedstore
// CHECK: return

// Half the registers, of half the size: 4 rows of 2 vectors of 8 lanes.
// AVX2-LABEL: func.func @matmul
// AVX2-COUNT-8: vector.load %{{.*}} : memref<24x128xf32>, vector<8xf32>
// AVX2-NOT: vector.load %{{.*}} : memref<24x128xf32>
// AVX2: scf.for
// AVX2-COUNT-8: vector.store
// AVX2-NOT: vector.store
// AVX2: return
func.func @matmul(%a: memref<24x40xf32>, %b: memref<40x128xf32>, %c: memref<24x128xf32>) {
  linalg.matmul ins(%a, %b : memref<24x40xf32>, memref<40x128xf32>) outs(%c : memref<24x128xf32>)
  return
}

// Sizes at run time: a panel of the matrix is packed for all rows, columns that
// are no whole tile are masked, rows beyond the last are the last.
// CHECK-LABEL: func.func @dynamic
// CHECK: %[[PANEL:.*]] = memref.alloc() {alignment = 64 : i64} : memref<256x64xf32>
// CHECK: scf.for
// CHECK: scf.for
// CHECK: scf.for
// CHECK-COUNT-4: vector.store %{{.*}}, %[[PANEL]]
// CHECK: scf.for
// CHECK: arith.minui
// CHECK-COUNT-24: vector.store
// CHECK: vector.create_mask
// CHECK-COUNT-6: vector.maskedstore
// CHECK: memref.dealloc %[[PANEL]]
func.func @dynamic(%a: memref<?x?xf32>, %b: memref<?x?xf32>, %c: memref<?x?xf32>) {
  linalg.matmul ins(%a, %b : memref<?x?xf32>, memref<?x?xf32>) outs(%c : memref<?x?xf32>)
  return
}

// A row sum adds columns of 16 rows, a square at a time.
// CHECK-LABEL: func.func @row_sum
// CHECK: vector.load %{{.*}} : memref<32xf32>, vector<16xf32>
// CHECK: scf.for %{{.*}} iter_args(%[[SUM:.*]] = %{{.*}}) -> (vector<16xf32>) {
// CHECK-COUNT-16: vector.load %{{.*}} : memref<32x48xf32>, vector<16xf32>
// CHECK-COUNT-64: vector.shuffle
// CHECK-NOT: vector.shuffle
// CHECK-NEXT: %[[FIRST:.*]] = arith.addf %[[SUM]], %{{.*}} : vector<16xf32>
// CHECK-NEXT: arith.addf %[[FIRST]], %{{.*}} : vector<16xf32>
// CHECK-COUNT-14: arith.addf
// CHECK-NOT: vector.reduction
// CHECK: vector.store
func.func @row_sum(%x: memref<32x48xf32>, %y: memref<32xf32>) {
  linalg.reduce { arith.addf } ins(%x : memref<32x48xf32>) outs(%y : memref<32xf32>) dimensions = [1]
  return
}

// A convolution: pixels of a row are the rows of the tile. What all lanes share
// is computed once, as a scalar.
// CHECK-LABEL: func.func @convolution
// CHECK: scf.for
// CHECK: memref.load %{{.*}} : memref<1x10x10x3xf16>
// CHECK-NEXT: arith.extf %{{.*}} : f16 to f32
// CHECK-NEXT: vector.broadcast %{{.*}} : f32 to vector<16xf32>
// CHECK-NEXT: vector.load %{{.*}} : memref<3x3x3x16xf16>, vector<16xf16>
// CHECK-NEXT: arith.extf %{{.*}} : vector<16xf16> to vector<16xf32>
// CHECK: vector.store
func.func @convolution(%x: memref<1x10x10x3xf16>, %w: memref<3x3x3x16xf16>, %y: memref<1x8x8x16xf32>) {
  linalg.conv_2d_nhwc_hwcf ins(%x, %w : memref<1x10x10x3xf16>, memref<3x3x3x16xf16>) outs(%y : memref<1x8x8x16xf32>)
  return
}

// One sum has one order.
// CHECK-LABEL: func.func @dot
// CHECK: linalg.dot
func.func @dot(%a: memref<64xf32>, %b: memref<64xf32>, %c: memref<f32>) {
  linalg.dot ins(%a, %b : memref<64xf32>, memref<64xf32>) outs(%c : memref<f32>)
  return
}

// Runs along rows as it is.
// CHECK-LABEL: func.func @column_sum
// CHECK: linalg.reduce
func.func @column_sum(%x: memref<32x48xf32>, %y: memref<48xf32>) {
  linalg.reduce { arith.addf } ins(%x : memref<32x48xf32>) outs(%y : memref<48xf32>) dimensions = [0]
  return
}

// Columns of the output are not neighbours, or may not be.
// CHECK-LABEL: func.func @strided
// CHECK: linalg.matmul
func.func @strided(%a: memref<8x8xf32>, %b: memref<8x8xf32>, %c: memref<8x8xf32, strided<[?, ?]>>) {
  linalg.matmul ins(%a, %b : memref<8x8xf32>, memref<8x8xf32>) outs(%c : memref<8x8xf32, strided<[?, ?]>>)
  return
}

// What the output holds is read again.
// CHECK-LABEL: func.func @overlap
// CHECK: linalg.matmul
func.func @overlap(%a: memref<16x8xf32>, %b: memref<8x8xf32>) {
  %top = memref.subview %a[0, 0] [8, 8] [1, 1] : memref<16x8xf32> to memref<8x8xf32, strided<[8, 1]>>
  %bottom = memref.subview %a[4, 0] [8, 8] [1, 1] : memref<16x8xf32> to memref<8x8xf32, strided<[8, 1], offset: 32>>
  linalg.matmul ins(%top, %b : memref<8x8xf32, strided<[8, 1]>>, memref<8x8xf32>) outs(%bottom : memref<8x8xf32, strided<[8, 1], offset: 32>>)
  return
}

// A lane that is off would divide by zero; a keep bit has no vector form here.
// CHECK-LABEL: func.func @body
// CHECK-COUNT-2: linalg.generic
func.func @body(%x: memref<16x20xi32>, %y: memref<16xi32>, %s: i64, %t: i64) {
  linalg.generic {indexing_maps = [#mn, #m], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<16x20xi32>) outs(%y : memref<16xi32>) {
  ^bb0(%a: i32, %b: i32):
    %q = arith.divsi %b, %a : i32
    linalg.yield %q : i32
  }
  linalg.generic {indexing_maps = [#mn, #m], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<16x20xi32>) outs(%y : memref<16xi32>) {
  ^bb0(%a: i32, %b: i32):
    %i = linalg.index 1 : index
    %l = arith.index_cast %i : index to i64
    %keep = dropout.keep %l threshold(%t) rng(%s, %s)
    %k = arith.extui %keep : i1 to i32
    %q = arith.addi %b, %k : i32
    linalg.yield %q : i32
  }
  return
}

// No reduction.
// CHECK-LABEL: func.func @elementwise
// CHECK: linalg.generic
func.func @elementwise(%x: memref<16x20xf32>, %y: memref<20xf32>) {
  linalg.generic {indexing_maps = [#n, #mn], iterator_types = ["parallel", "parallel"]}
      ins(%y : memref<20xf32>) outs(%x : memref<16x20xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  }
  return
}
