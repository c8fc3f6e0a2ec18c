// RUN: dropout-opt %s --convert-dropout-to-arith | FileCheck %s --implicit-check-not=dropout. --implicit-check-not=mului_extended
// RUN: dropout-opt %s --convert-dropout-to-arith --convert-vector-to-llvm --convert-scf-to-cf --convert-to-llvm --reconcile-unrealized-casts | FileCheck %s --check-prefix=LLVM --implicit-check-not=dropout. --implicit-check-not=unrealized
// RUN: dropout-opt %s --convert-scf-to-cf --convert-vector-to-llvm --convert-to-llvm --reconcile-unrealized-casts | FileCheck %s --check-prefix=ALONE --implicit-check-not=dropout. --implicit-check-not=unrealized
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Each lane has its own block, multiplied in lanes of 64 bits; the second block
// is drawn where any lane ties.
// CHECK-LABEL: func @vector
// CHECK: arith.constant dense<3> : vector<8xi64>
// CHECK-COUNT-20: arith.muli %{{.*}} : vector<8xi64>
// CHECK-NOT: arith.muli %{{.*}} : vector<8xi64>
// CHECK: %[[TIES:.*]] = arith.cmpi eq, %{{.*}} : vector<8xi32>
// CHECK: %[[ANY:.*]] = vector.reduction <or>, %[[TIES]] : vector<8xi1> into i1
// CHECK: scf.if %[[ANY]] -> (vector<8xi1>)
// CHECK-COUNT-20: arith.muli %{{.*}} : vector<8xi64>
// CHECK-NOT: arith.muli %{{.*}} : vector<8xi64>
// CHECK: } else {
// LLVM-LABEL: llvm.func @vector
// LLVM: llvm.intr.vector.reduce.or
// ALONE-LABEL: llvm.func @vector
// ALONE-COUNT-40: llvm.mul %{{.*}} : vector<8xi64>
// ALONE-NOT: llvm.cond_br
// ALONE-LABEL: llvm.func @ranks
func.func @vector(%i: vector<8xi64>, %t: vector<8xi64>, %s: vector<8xi64>, %o: vector<8xi64>) -> vector<8xi1> {
  %k = dropout.keep %i threshold(%t) rng(%s, %o) : vector<8xi64>
  return %k : vector<8xi1>
}

// Other ranks: no tie, no branch with 8 bits.
// CHECK-LABEL: func @ranks
// CHECK: %[[FLAT:.*]] = vector.shape_cast %{{.*}} : vector<2x4xi1> to vector<8xi1>
// CHECK: vector.reduction <or>, %[[FLAT]]
// CHECK: vector.shape_cast %{{.*}} : vector<i1> to vector<1xi1>
// CHECK-COUNT-14: arith.muli %{{.*}} : vector<[4]xi64>
// CHECK-NOT: arith.muli %{{.*}} : vector<[4]xi64>
// CHECK-NOT: scf.if
// CHECK: return
func.func @ranks(%a: vector<2x4xi64>, %b: vector<i64>, %c: vector<[4]xi64>) -> (vector<2x4xi1>, vector<i1>, vector<[4]xi1>) {
  %k0 = dropout.keep %a threshold(%a) rng(%a, %a) : vector<2x4xi64>
  %k1 = dropout.keep %b threshold(%b) rng(%b, %b) : vector<i64>
  %k2 = dropout.keep %c threshold(%c) rng(%c, %c) rounds = 7 resolution = 8 : vector<[4]xi64>
  return %k0, %k1, %k2 : vector<2x4xi1>, vector<i1>, vector<[4]xi1>
}

// A vector in a loop over elements does not share the loop's blocks.
// CHECK-LABEL: func @in_loop
// CHECK: scf.for
// CHECK-NOT: scf.for
// CHECK: arith.muli %{{.*}} : vector<4xi64>
// CHECK: return
func.func @in_loop(%n: index, %m: memref<?xi64>, %t: vector<4xi64>, %s: vector<4xi64>, %o: vector<4xi64>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    %j = arith.index_cast %i : index to i64
    %v = vector.broadcast %j : i64 to vector<4xi64>
    %k = dropout.keep %v threshold(%t) rng(%s, %o) : vector<4xi64>
    %w = arith.extui %k : vector<4xi1> to vector<4xi64>
    %r = vector.reduction <add>, %w : vector<4xi64> into i64
    memref.store %r, %m[%i] : memref<?xi64>
  }
  return
}
