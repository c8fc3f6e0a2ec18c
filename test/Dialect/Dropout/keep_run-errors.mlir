// RUN: dropout-opt %s -split-input-file -verify-diagnostics
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// [O1]
func.func @f(%i: i64, %t: i64, %s: i64, %o: i64) {
  // expected-error@+1 {{expected 'rounds' to be 7 or 10, but got 8}}
  %k = dropout.keep_run %i threshold(%t) rng(%s, %o) rounds = 8 : vector<64xi1>
  return
}

// -----

// [O2]
func.func @f(%i: i64, %t: i64, %s: i64, %o: i64) {
  // expected-error@+1 {{expected 'resolution' to be 8 or 16, but got 32}}
  %k = dropout.keep_run %i threshold(%t) rng(%s, %o) resolution = 32 : vector<64xi1>
  return
}

// -----

// [O3]
func.func @f(%i: i64, %t: i64, %s: i64, %o: i64) {
  // expected-error@+1 {{expected 'contract_version' to be 1, but got 2}}
  %k = dropout.keep_run %i threshold(%t) rng(%s, %o) {contract_version = 2 : i32} : vector<64xi1>
  return
}

// -----

// [K3] Less than two blocks.
func.func @f(%i: i64, %t: i64, %s: i64, %o: i64) {
  // expected-error@+1 {{expected a fixed vector of 16, 32, 64, 128 or 256 bits, but got 'vector<8xi1>'}}
  %k = dropout.keep_run %i threshold(%t) rng(%s, %o) : vector<8xi1>
  return
}

// -----

// [K3] Less than two blocks of sixteen.
func.func @f(%i: i64, %t: i64, %s: i64, %o: i64) {
  // expected-error@+1 {{expected a fixed vector of 32, 64, 128 or 256 bits, but got 'vector<16xi1>'}}
  %k = dropout.keep_run %i threshold(%t) rng(%s, %o) resolution = 8 : vector<16xi1>
  return
}

// -----

// [K3] No power of two.
func.func @f(%i: i64, %t: i64, %s: i64, %o: i64) {
  // expected-error@+1 {{expected a fixed vector of 16, 32, 64, 128 or 256 bits, but got 'vector<48xi1>'}}
  %k = dropout.keep_run %i threshold(%t) rng(%s, %o) : vector<48xi1>
  return
}

// -----

// [K3] Too long.
func.func @f(%i: i64, %t: i64, %s: i64, %o: i64) {
  // expected-error@+1 {{expected a fixed vector of 16, 32, 64, 128 or 256 bits, but got 'vector<512xi1>'}}
  %k = dropout.keep_run %i threshold(%t) rng(%s, %o) : vector<512xi1>
  return
}

// -----

// [K3] Scalable.
func.func @f(%i: i64, %t: i64, %s: i64, %o: i64) {
  // expected-error@+1 {{expected a fixed vector of 16, 32, 64, 128 or 256 bits, but got 'vector<[64]xi1>'}}
  %k = dropout.keep_run %i threshold(%t) rng(%s, %o) : vector<[64]xi1>
  return
}

// -----

// [K3] Two dims.
func.func @f(%i: i64, %t: i64, %s: i64, %o: i64) {
  // expected-error@+1 {{must be vector of 1-bit signless integer values of ranks 1, but got 'vector<8x8xi1>'}}
  %k = dropout.keep_run %i threshold(%t) rng(%s, %o) : vector<8x8xi1>
  return
}

// -----

// [K3] Not bits.
func.func @f(%i: i64, %t: i64, %s: i64, %o: i64) {
  // expected-error@+1 {{must be vector of 1-bit signless integer values of ranks 1, but got 'vector<64xi8>'}}
  %k = dropout.keep_run %i threshold(%t) rng(%s, %o) : vector<64xi8>
  return
}
