// RUN: dropout-opt %s -split-input-file -verify-diagnostics
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// [S1] No name.
func.func @f() {
  // expected-error@+1 {{expected a generator's name of 1 to 255 bytes of UTF-8 without control characters, but got}}
  %t:3 = dropout.reserve generator("")
  return
}

// -----

// [S1] A name that ends early for the runtime.
func.func @f() {
  // expected-error@+1 {{expected a generator's name of 1 to 255 bytes of UTF-8 without control characters, but got}}
  %t:3 = dropout.reserve generator("a\00b")
  return
}

// -----

// [S1] A name that is not UTF-8.
func.func @f() {
  // expected-error@+1 {{expected a generator's name of 1 to 255 bytes of UTF-8 without control characters, but got}}
  %t:3 = dropout.reserve generator("\FF")
  return
}

// -----

// [S1] A name of 256 bytes.
func.func @f() {
  // expected-error@+1 {{expected a generator's name of 1 to 255 bytes of UTF-8 without control characters, but got}}
  %t:3 = dropout.reserve generator("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")
  return
}

// -----

// The flag is i1.
// expected-note@+1 {{prior use here}}
func.func @f(%flag: i64) {
  // expected-error@+1 {{expects different type than prior uses: 'i1' vs 'i64'}}
  %t:3 = dropout.reserve training(%flag)
  return
}

// -----

// The name is a string.
func.func @f() {
  // expected-error@+1 {{expected attribute value}}
  %t:3 = dropout.reserve generator(data)
  return
}

// -----

// The name is one in the generic form, too.
func.func @f() {
  // expected-error@+1 {{Invalid attribute `generator` in property conversion: 3 : i32}}
  %t:3 = "dropout.reserve"() <{generator = 3 : i32}> : () -> (i1, i64, i64)
  return
}

// -----

// Two flags.
func.func @f(%flag: i1) {
  // expected-error@+1 {{operand group starting at #0 requires 0 or 1 element, but found 2}}
  %t:3 = "dropout.reserve"(%flag, %flag) : (i1, i1) -> (i1, i64, i64)
  return
}

// -----

// Flag, seed and offset are all there.
func.func @f() {
  // expected-error@+1 {{expected 3 results}}
  %t:2 = "dropout.reserve"() : () -> (i1, i64)
  return
}
