// RUN: dropout-opt %s -split-input-file -verify-diagnostics
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// [O2]
func.func @f(%p: f64) {
  // expected-error@+1 {{expected 'resolution' to be 8 or 16, but got 32}}
  %q = dropout.check_p %p resolution = 32
  return
}

// -----

// [O2] Another width than 32 bits.
func.func @f(%p: f64) {
  // expected-error@+1 {{attribute 'resolution' failed to satisfy constraint: 32-bit signless integer attribute}}
  %q = "dropout.check_p"(%p) <{resolution = 8 : i8}> : (f64) -> f64
  return
}

// -----

// p is f64.
// expected-note@+1 {{prior use here}}
func.func @f(%p: f32) {
  // expected-error@+1 {{expects different type than prior uses: 'f64' vs 'f32'}}
  %q = dropout.check_p %p
  return
}

// -----

// So is the result.
func.func @f(%p: f64) {
  // expected-error@+1 {{result #0 must be 64-bit float, but got 'f32'}}
  %q = "dropout.check_p"(%p) : (f64) -> f32
  return
}

// -----

// The dialect has one argument attribute.
// expected-error@+1 {{expected 'dropout.probability', the one argument attribute of the dialect, but got 'dropout.p'}}
func.func @f(%p: f64 {dropout.p}) {
  return
}

// -----

// It has no value.
// expected-error@+1 {{expected 'dropout.probability' to be a unit attribute, but got 5.000000e-01 : f64}}
func.func @f(%p: f64 {dropout.probability = 0.5}) {
  return
}

// -----

// It is for a probability.
// expected-error@+1 {{expected 'dropout.probability' on an f64 argument, but got 'f32'}}
func.func @f(%p: f32 {dropout.probability}) {
  return
}
