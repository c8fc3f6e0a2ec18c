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

// [K1]
func.func @f(%i: vector<8xi64>, %t: i64, %seed: i64, %offset: i64) {
  // expected-error@+1 {{failed to verify that all of {index, threshold, seed, offset} have same type}}
  %k = "dropout.keep"(%i, %t, %seed, %offset) : (vector<8xi64>, i64, i64, i64) -> vector<8xi1>
  return
}

// -----

// [K1]
// expected-note@+1 {{prior use here}}
func.func @f(%i: vector<8xi64>, %t: vector<8xi64>, %seed: vector<4xi64>, %offset: vector<8xi64>) {
  // expected-error@+1 {{expects different type than prior uses: 'vector<8xi64>' vs 'vector<4xi64>'}}
  %k = dropout.keep %i threshold(%t) rng(%seed, %offset) : vector<8xi64>
  return
}

// -----

// [K1]
func.func @f(%i: vector<8xi32>) {
  // expected-error@+1 {{'index' must be 64-bit signless integer or vector of 64-bit signless integer values, but got 'vector<8xi32>'}}
  %k = dropout.keep %i threshold(%i) rng(%i, %i) : vector<8xi32>
  return
}

// -----

// [K1] A tensor is not a value in registers.
func.func @f(%i: tensor<8xi64>) {
  // expected-error@+1 {{'index' must be 64-bit signless integer or vector of 64-bit signless integer values, but got 'tensor<8xi64>'}}
  %k = dropout.keep %i threshold(%i) rng(%i, %i) : tensor<8xi64>
  return
}

// -----

// [K1]
func.func @f(%i: vector<8xi64>) {
  // expected-error@+1 {{expected non-function type}}
  %k = dropout.keep %i threshold(%i) rng(%i, %i) :
  return
}

// -----

// [K2]
func.func @f(%i: vector<8xi64>) {
  // expected-error@+1 {{failed to verify that result has the shape of the operands and is of i1}}
  %k = "dropout.keep"(%i, %i, %i, %i) : (vector<8xi64>, vector<8xi64>, vector<8xi64>, vector<8xi64>) -> vector<2x4xi1>
  return
}

// -----

// [K2]
func.func @f(%i: vector<8xi64>) {
  // expected-error@+1 {{failed to verify that result has the shape of the operands and is of i1}}
  %k = "dropout.keep"(%i, %i, %i, %i) : (vector<8xi64>, vector<8xi64>, vector<8xi64>, vector<8xi64>) -> i1
  return
}

// -----

// [O2] of vectors, too.
func.func @f(%i: vector<8xi64>) {
  // expected-error@+1 {{expected 'resolution' to be 8 or 16, but got 4}}
  %k = dropout.keep %i threshold(%i) rng(%i, %i) resolution = 4 : vector<8xi64>
  return
}

// -----

// [K2] The result is i1.
func.func @f(%i: i64, %t: i64, %seed: i64, %offset: i64) {
  // expected-error@+1 {{result #0 must be 1-bit signless integer or vector of 1-bit signless integer values, but got 'i8'}}
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
