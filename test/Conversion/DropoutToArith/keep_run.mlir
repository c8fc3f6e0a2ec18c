// RUN: dropout-opt %s --convert-dropout-to-arith --canonicalize --cse | FileCheck %s
// RUN: dropout-opt %s --convert-dropout-to-arith --canonicalize --cse | FileCheck %s --check-prefix=COUNT
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// One block a lane. Words that are the same in all lanes stay scalar: of the 20
// products of the ten rounds, round 1 has one of scalars and one that is linear
// in the lane, round 2 one of scalars.
// CHECK-LABEL: func @known_high
// CHECK-SAME: %[[BASE:[a-z0-9]+]]: i64, %[[HIGH:[a-z0-9]+]]: i64
// CHECK: %[[BLOCK:.*]] = arith.shrui %[[BASE]], %{{.*}} : i64
// CHECK: arith.addi %{{.*}}, %{{.*}} : vector<32xi64>
// The order of the elements. A draw's excess over the limit says what is kept,
// and is a vector of halfwords until it is used.
// CHECK: vector.shuffle %{{.*}}, %{{.*}} [1, 0, 65, 64, 5, 4, 69, 68,
// CHECK: %[[FIRST:.*]] = vector.bitcast %{{.*}} : vector<64xi32> to vector<128xi16>
// CHECK: vector.shuffle %{{.*}}, %{{.*}} [3, 2, 67, 66, 7, 6, 71, 70,
// CHECK: arith.cmpi eq, %[[FIRST]], %[[LIMIT:.*]] : vector<128xi16>
// Ties are unlikely, and decided one after the other.
// CHECK: %[[TIE:.*]] = llvm.intr.expect %{{.*}}, %false
// CHECK: %[[EXCESS:.*]] = llvm.intr.usub.sat(%[[FIRST]], %[[LIMIT]])
// CHECK: %[[DECIDED:.*]]:2 = scf.if %[[TIE]] -> (vector<128xi16>, vector<128xi16>)
// CHECK: scf.while
// CHECK: math.cttz
// CHECK: scf.for
// CHECK: } else {
// CHECK-NEXT: scf.yield %[[EXCESS]], %{{.*}} : vector<128xi16>, vector<128xi16>
// CHECK: arith.cmpi ne, %[[DECIDED]]#0, %{{.*}} : vector<128xi16>
// COUNT-LABEL: func @known_high
// COUNT-COUNT-17: arith.muli {{.*}} : vector<32xi64>
// COUNT-NOT: arith.muli {{.*}} : vector
// COUNT: return
func.func @known_high(%base: i64, %high: i64, %t: i64, %s: i64, %o: i64) -> vector<256xi1> {
  %k = dropout.keep_run %base high(%high) threshold(%t) rng(%s, %o) : vector<256xi1>
  return %k : vector<256xi1>
}

// Seven rounds: eleven products.
// COUNT-LABEL: func @seven_rounds
// COUNT-COUNT-11: arith.muli {{.*}} : vector<8xi64>
// COUNT-NOT: arith.muli {{.*}} : vector
// COUNT: return
func.func @seven_rounds(%base: i64, %high: i64, %t: i64, %s: i64, %o: i64) -> vector<64xi1> {
  %k = dropout.keep_run %base high(%high) threshold(%t) rng(%s, %o) rounds = 7 : vector<64xi1>
  return %k : vector<64xi1>
}

// Sixteen elements a block, no ties; what is above k - 1 is kept, k = 0 keeps
// all and k = 256 nothing.
// CHECK-LABEL: func @bytes
// CHECK-NOT: scf.if
// CHECK: arith.cmpi eq, %{{.*}}, %c0_i64 : i64
// CHECK: llvm.intr.usub.sat({{.*}}) : (vector<32xi8>, vector<32xi8>) -> vector<32xi8>
// CHECK: arith.cmpi ne, %{{.*}}, %{{.*}} : vector<32xi8>
// CHECK: return
// COUNT-LABEL: func @bytes
// COUNT-COUNT-17: arith.muli {{.*}} : vector<4xi64>
// COUNT-NOT: arith.muli {{.*}} : vector
// COUNT: return
func.func @bytes(%base: i64, %high: i64, %t: i64, %s: i64, %o: i64) -> vector<64xi1> {
  %k = dropout.keep_run %base high(%high) threshold(%t) rng(%s, %o) resolution = 8 : vector<64xi1>
  return %k : vector<64xi1>
}

// A base that may be any number: two runs from the start of its block on, and a
// window over both. The block's number is a vector of 64 bits.
// CHECK-LABEL: func @any_base
// CHECK-SAME: %[[BASE:[a-z0-9]+]]: i64
// CHECK: %[[WITHIN:.*]] = arith.andi %[[BASE]], %c7_i64
// CHECK: arith.subi %[[BASE]], %[[WITHIN]]
// CHECK: %[[WIDE:.*]] = arith.extui %[[WITHIN]] : i64 to i128
// CHECK: arith.shrui %{{.*}}, %[[WIDE]] : i128
// CHECK: arith.trunci %{{.*}} : i128 to i64
func.func @any_base(%base: i64, %t: i64, %s: i64, %o: i64) -> vector<64xi1> {
  %k = dropout.keep_run %base threshold(%t) rng(%s, %o) : vector<64xi1>
  return %k : vector<64xi1>
}
