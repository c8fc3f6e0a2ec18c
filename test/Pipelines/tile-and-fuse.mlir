// RUN: dropout-opt %s --pass-pipeline='builtin.module(func.func(dropout-tile-and-fuse),canonicalize)' | FileCheck %s
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#mn = affine_map<(m, n) -> (m, n)>
#nm = affine_map<(m, n) -> (n, m)>
#m = affine_map<(m, n) -> (m)>

// Product, dropout and row sum in one loop. Bits are drawn once, at the indices
// of the whole; dropout writes over the product.
// CHECK-LABEL: func.func @chain
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x8xf32>
// CHECK-NOT: linalg
// CHECK: scf.for %[[I:.*]] = %{{.*}} to %[[M:.*]] step %{{.*}} iter_args(%[[OUT:.*]] = %{{.*}}) -> (tensor<?x64xf32>) {
// CHECK: %[[ROWS:.*]] = affine.min {{.*}}(%[[I]])[%[[M]]]
// CHECK: tensor.empty(%[[ROWS]]) : tensor<?x64xf32>
// CHECK: linalg.fill
// CHECK: tensor.extract_slice %[[X]][%[[I]], 0] [%[[ROWS]], 8] [1, 1]
// CHECK: %[[H:.*]] = linalg.matmul
// CHECK: linalg.generic {{.*}} ins(%[[H]] : tensor<?x64xf32>) outs(%[[H]] : tensor<?x64xf32>)
// CHECK: linalg.index 0
// CHECK: affine.apply {{.*}}(%[[I]])
// CHECK-COUNT-1: dropout.keep
// CHECK-NOT: dropout.keep
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "reduction"]
// CHECK: %[[Y:.*]] = linalg.generic
// CHECK: %[[NEXT:.*]] = tensor.insert_slice %{{.*}} into %[[OUT]][%[[I]], 0] [%[[ROWS]], 64] [1, 1]
// CHECK: scf.yield %[[NEXT]]
// CHECK: }
// CHECK-NOT: linalg
// CHECK: return
func.func @chain(%x: tensor<?x8xf32>, %w: tensor<8x64xf32>, %s: i64, %t: i64) -> tensor<?x64xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %m = tensor.dim %x, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%m) : tensor<?x64xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x64xf32>) -> tensor<?x64xf32>
  %h = linalg.matmul ins(%x, %w : tensor<?x8xf32>, tensor<8x64xf32>) outs(%z : tensor<?x64xf32>) -> tensor<?x64xf32>
  %d = linalg.generic {indexing_maps = [#mn, #mn], iterator_types = ["parallel", "parallel"]}
      ins(%h : tensor<?x64xf32>) outs(%e : tensor<?x64xf32>) {
  ^bb0(%a: f32, %out: f32):
    %c64 = arith.constant 64 : index
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %row = arith.muli %i, %c64 : index
    %at = arith.addi %row, %j : index
    %l = arith.index_cast %at : index to i64
    %keep = dropout.keep %l threshold(%t) rng(%s, %s)
    %v = arith.select %keep, %a, %zero : f32
    linalg.yield %v : f32
  } -> tensor<?x64xf32>
  %re = tensor.empty(%m) : tensor<?xf32>
  %rz = linalg.fill ins(%zero : f32) outs(%re : tensor<?xf32>) -> tensor<?xf32>
  %sum = linalg.generic {indexing_maps = [#mn, #m], iterator_types = ["parallel", "reduction"]}
      ins(%d : tensor<?x64xf32>) outs(%rz : tensor<?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %v = arith.addf %b, %a : f32
    linalg.yield %v : f32
  } -> tensor<?xf32>
  %y = linalg.generic {indexing_maps = [#mn, #m, #mn], iterator_types = ["parallel", "parallel"]}
      ins(%d, %sum : tensor<?x64xf32>, tensor<?xf32>) outs(%e : tensor<?x64xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %v = arith.divf %a, %b : f32
    linalg.yield %v : f32
  } -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// What is read elsewhere, too, is a second result. Tiles of a known number of
// rows are equal, if they can be.
// CHECK-LABEL: func.func @twice
// CHECK: %[[BOTH:.*]]:2 = scf.for {{.*}} -> (tensor<96x64xf32>, tensor<96x64xf32>) {
// CHECK: %[[H:.*]] = linalg.matmul {{.*}} -> tensor<48x64xf32>
// CHECK: %[[Y:.*]] = linalg.exp ins(%[[H]] :
// CHECK-DAG: tensor.insert_slice %[[H]]
// CHECK-DAG: tensor.insert_slice %[[Y]]
// CHECK: return %[[BOTH]]#1, %[[BOTH]]#0
func.func @twice(%x: tensor<96x8xf32>, %w: tensor<8x64xf32>, %h0: tensor<96x64xf32>, %e: tensor<96x64xf32>)
    -> (tensor<96x64xf32>, tensor<96x64xf32>) {
  %h = linalg.matmul ins(%x, %w : tensor<96x8xf32>, tensor<8x64xf32>) outs(%h0 : tensor<96x64xf32>) -> tensor<96x64xf32>
  %y = linalg.exp ins(%h : tensor<96x64xf32>) outs(%e : tensor<96x64xf32>) -> tensor<96x64xf32>
  return %y, %h : tensor<96x64xf32>, tensor<96x64xf32>
}

// Only the last reader writes over what it reads.
// CHECK-LABEL: func.func @last_reader
// CHECK: %[[H:.*]] = linalg.matmul
// CHECK: %[[E:.*]] = tensor.empty() : tensor<48x64xf32>
// CHECK: %[[A:.*]] = linalg.generic {{.*}} ins(%[[H]] : tensor<48x64xf32>) outs(%[[E]] : tensor<48x64xf32>)
// CHECK: arith.negf
// CHECK: linalg.generic {{.*}} ins(%[[H]], %[[A]] : tensor<48x64xf32>, tensor<48x64xf32>) outs(%[[H]] :
func.func @last_reader(%x: tensor<96x8xf32>, %w: tensor<8x64xf32>, %h0: tensor<96x64xf32>) -> tensor<96x64xf32> {
  %e = tensor.empty() : tensor<96x64xf32>
  %h = linalg.matmul ins(%x, %w : tensor<96x8xf32>, tensor<8x64xf32>) outs(%h0 : tensor<96x64xf32>) -> tensor<96x64xf32>
  %a = linalg.generic {indexing_maps = [#mn, #mn], iterator_types = ["parallel", "parallel"]}
      ins(%h : tensor<96x64xf32>) outs(%e : tensor<96x64xf32>) {
  ^bb0(%v: f32, %out: f32):
    %r = arith.negf %v : f32
    linalg.yield %r : f32
  } -> tensor<96x64xf32>
  %y = linalg.generic {indexing_maps = [#mn, #mn, #mn], iterator_types = ["parallel", "parallel"]}
      ins(%h, %a : tensor<96x64xf32>, tensor<96x64xf32>) outs(%e : tensor<96x64xf32>) {
  ^bb0(%v: f32, %b: f32, %out: f32):
    %r = arith.mulf %v, %b : f32
    linalg.yield %r : f32
  } -> tensor<96x64xf32>
  return %y : tensor<96x64xf32>
}

// In front of the last two dimensions, tiles have a size of 1.
// CHECK-LABEL: func.func @batch
// CHECK: scf.for {{.*}} step %[[C1:.*]] iter_args
// CHECK: scf.for
// CHECK: linalg.batch_matmul {{.*}} -> tensor<1x48x64xf32>
// CHECK: linalg.exp
func.func @batch(%x: tensor<3x96x8xf32>, %w: tensor<3x8x64xf32>, %e: tensor<3x96x64xf32>) -> tensor<3x96x64xf32> {
  %h = linalg.batch_matmul ins(%x, %w : tensor<3x96x8xf32>, tensor<3x8x64xf32>) outs(%e : tensor<3x96x64xf32>) -> tensor<3x96x64xf32>
  %y = linalg.exp ins(%h : tensor<3x96x64xf32>) outs(%e : tensor<3x96x64xf32>) -> tensor<3x96x64xf32>
  return %y : tensor<3x96x64xf32>
}

// Every tile would need all rows of the product.
// CHECK-LABEL: func.func @transposed
// CHECK-NOT: scf.for
// CHECK: return
func.func @transposed(%x: tensor<96x8xf32>, %w: tensor<8x96xf32>, %e: tensor<96x96xf32>) -> tensor<96x96xf32> {
  %h = linalg.matmul ins(%x, %w : tensor<96x8xf32>, tensor<8x96xf32>) outs(%e : tensor<96x96xf32>) -> tensor<96x96xf32>
  %g = linalg.matmul ins(%w, %h : tensor<8x96xf32>, tensor<96x96xf32>) outs(%w : tensor<8x96xf32>) -> tensor<8x96xf32>
  %y = linalg.generic {indexing_maps = [#nm, #mn, #mn], iterator_types = ["parallel", "parallel"]}
      ins(%h, %h : tensor<96x96xf32>, tensor<96x96xf32>) outs(%e : tensor<96x96xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %v = arith.addf %a, %b : f32
    linalg.yield %v : f32
  } -> tensor<96x96xf32>
  %u = tensor.insert_slice %g into %y[0, 0] [8, 96] [1, 1] : tensor<8x96xf32> into tensor<96x96xf32>
  return %u : tensor<96x96xf32>
}

// Something in between reads the product: it is complete before.
// CHECK-LABEL: func.func @between
// CHECK-NOT: scf.for
// CHECK: return
func.func private @use(tensor<96x64xf32>)
func.func @between(%x: tensor<96x8xf32>, %w: tensor<8x64xf32>, %e: tensor<96x64xf32>) -> tensor<96x64xf32> {
  %h = linalg.matmul ins(%x, %w : tensor<96x8xf32>, tensor<8x64xf32>) outs(%e : tensor<96x64xf32>) -> tensor<96x64xf32>
  call @use(%h) : (tensor<96x64xf32>) -> ()
  %y = linalg.exp ins(%h : tensor<96x64xf32>) outs(%e : tensor<96x64xf32>) -> tensor<96x64xf32>
  return %y : tensor<96x64xf32>
}

// One tile would do; no reduction; only one op; no rows at all.
// CHECK-LABEL: func.func @small
// CHECK-NOT: scf.for
// CHECK: return
func.func @small(%x: tensor<40x8xf32>, %w: tensor<8x64xf32>, %e: tensor<40x64xf32>) -> tensor<40x64xf32> {
  %h = linalg.matmul ins(%x, %w : tensor<40x8xf32>, tensor<8x64xf32>) outs(%e : tensor<40x64xf32>) -> tensor<40x64xf32>
  %y = linalg.exp ins(%h : tensor<40x64xf32>) outs(%e : tensor<40x64xf32>) -> tensor<40x64xf32>
  return %y : tensor<40x64xf32>
}

// CHECK-LABEL: func.func @elementwise
// CHECK-NOT: scf.for
// CHECK: return
func.func @elementwise(%x: tensor<96x64xf32>) -> tensor<96x64xf32> {
  %h = linalg.exp ins(%x : tensor<96x64xf32>) outs(%x : tensor<96x64xf32>) -> tensor<96x64xf32>
  %y = linalg.exp ins(%h : tensor<96x64xf32>) outs(%x : tensor<96x64xf32>) -> tensor<96x64xf32>
  return %y : tensor<96x64xf32>
}

// CHECK-LABEL: func.func @empty
// CHECK-NOT: scf.for
// CHECK: return
func.func @empty(%x: tensor<96x0xf32>, %w: tensor<0x64xf32>, %e: tensor<96x64xf32>) -> tensor<96x64xf32> {
  %h = linalg.matmul ins(%x, %w : tensor<96x0xf32>, tensor<0x64xf32>) outs(%e : tensor<96x64xf32>) -> tensor<96x64xf32>
  %y = linalg.exp ins(%h : tensor<96x64xf32>) outs(%e : tensor<96x64xf32>) -> tensor<96x64xf32>
  return %y : tensor<96x64xf32>
}
