// RUN: dropout-opt %s -split-input-file -verify-diagnostics
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// [O1]
func.func @f(%i: i64, %t: i64, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 'rounds' to be 7 or 10, but got 20}}
  %k = dropout.keep %i threshold(%t) rng(%seed, %offset) rounds = 20
  return
}

// -----

// [O2]
func.func @f(%i: i64, %t: i64, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 'resolution' to be 8 or 16, but got 1}}
  %k = dropout.keep %i threshold(%t) rng(%seed, %offset) resolution = 1
  return
}

// -----

// [O3]
func.func @f(%i: i64, %t: i64, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 'contract_version' to be 1, but got 3}}
  %k = dropout.keep %i threshold(%t) rng(%seed, %offset) {contract_version = 3 : i32}
  return
}

// -----

// The linear index is i64: an `index` may be narrower.
// expected-note@+1 {{prior use here}}
func.func @f(%i: index, %t: i64, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expects different type than prior uses: 'i64' vs 'index'}}
  %k = dropout.keep %i threshold(%t) rng(%seed, %offset)
  return
}

// -----

// The result is i1.
func.func @f(%i: i64, %t: i64, %seed: i64, %offset: i64) {
  // expected-error@+1 {{result #0 must be 1-bit signless integer, but got 'i8'}}
  %k = "dropout.keep"(%i, %t, %seed, %offset) : (i64, i64, i64, i64) -> i8
  return
}

// -----

// All operands are there.
func.func @f(%i: i64, %t: i64, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 4 operands, but found 3}}
  %k = "dropout.keep"(%i, %t, %seed) : (i64, i64, i64) -> i1
  return
}
