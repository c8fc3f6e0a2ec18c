// RUN: dropout-opt %s | FileCheck %s
// RUN: dropout-opt %s | dropout-opt | FileCheck %s
// RUN: dropout-opt %s --mlir-print-op-generic | dropout-opt | FileCheck %s
// RUN: dropout-opt %s --emit-bytecode | dropout-opt | FileCheck %s
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// CHECK-LABEL: func @keep_run
// CHECK-SAME: %[[I:.*]]: i64, %[[H:.*]]: i64, %[[T:.*]]: i64, %[[S:.*]]: i64, %[[O:.*]]: i64
// CHECK: dropout.keep_run %[[I]] threshold(%[[T]]) rng(%[[S]], %[[O]]) : vector<16xi1>
// CHECK: dropout.keep_run %[[I]] high(%[[H]]) threshold(%[[T]]) rng(%[[S]], %[[O]]) : vector<256xi1>
// CHECK: dropout.keep_run %[[I]] threshold(%[[T]]) rng(%[[S]], %[[O]]) rounds = 7 resolution = 8 {note} : vector<32xi1>
func.func @keep_run(%i: i64, %h: i64, %t: i64, %s: i64, %o: i64) {
  %a = dropout.keep_run %i threshold(%t) rng(%s, %o) : vector<16xi1>
  %b = dropout.keep_run %i high(%h) threshold(%t) rng(%s, %o) : vector<256xi1>
  %c = dropout.keep_run %i threshold(%t) rng(%s, %o) rounds = 7 resolution = 8 {note} : vector<32xi1>
  return
}

// It has no effects: one that nothing reads goes, two that are equal are one.
// RUN: dropout-opt %s --cse | FileCheck %s --check-prefix=CSE
// CSE-LABEL: func @pure
// CSE-COUNT-1: dropout.keep_run
// CSE-NOT: dropout.keep_run
// CSE: return
func.func @pure(%i: i64, %t: i64, %s: i64, %o: i64) -> (vector<64xi1>, vector<64xi1>) {
  %a = dropout.keep_run %i threshold(%t) rng(%s, %o) : vector<64xi1>
  %b = dropout.keep_run %i threshold(%t) rng(%s, %o) : vector<64xi1>
  %c = dropout.keep_run %t threshold(%t) rng(%s, %o) : vector<64xi1>
  return %a, %b : vector<64xi1>, vector<64xi1>
}
