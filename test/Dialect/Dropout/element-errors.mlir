// RUN: dropout-opt %s -split-input-file -verify-diagnostics
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Without p the parser says how it is written.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 'p' (the probability: 'p = F' or 'p(%p)')}}
  %y = dropout.element %x rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// A word is no probability.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected floating point literal}}
  %y = dropout.element %x p = half rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// Nor are two signs and a number.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected a number for p, but got '-'}}
  %y = dropout.element %x p = --1 rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// A bit pattern of more than 64 bits.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{hexadecimal float constant out of range for type}}
  %y = dropout.element %x p = 0x3FF00000000000000 rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// The operand p is f64.
// expected-note@+1 {{prior use here}}
func.func @f(%x: tensor<4x8xf32>, %p: f32, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expects different type than prior uses: 'f64' vs 'f32'}}
  %y = dropout.element %x p(%p) rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// A threshold is for `dropout.mask` only.
func.func @f(%x: tensor<4x8xf32>, %t: i64, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 'p' (the probability: 'p = F' or 'p(%p)')}}
  %y = dropout.element %x threshold(%t) rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// Options have one order.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected ':'}}
  %y = dropout.element %x p = 0.5 resolution = 8 rounds = 7 rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// An option that needs more than 32 bits.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{integer value too large}}
  %y = dropout.element %x p = 0.5 rounds = 4294967306 rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// An option that is no integer.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected integer value}}
  %y = dropout.element %x p = 0.5 rounds = ten rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// `mask_dims` is a list.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected '['}}
  %y = dropout.element %x p = 0.5 mask_dims = 0 rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// A mask dim that needs more than 64 bits.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{integer value too large}}
  %y = dropout.element %x p = 0.5 mask_dims = [9223372036854775808] rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// Three values for the generator.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected ')'}}
  %y = dropout.element %x p = 0.5 rng(%seed, %offset, %offset) : tensor<4x8xf32>
  return
}

// -----

// A generator's name is a string.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected string}}
  %y = dropout.element %x p = 0.5 generator(data) : tensor<4x8xf32>
  return
}

// -----

// `rng` or `generator`, not both.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected ':'}}
  %y = dropout.element %x p = 0.5 rng(%seed, %offset) generator("data") : tensor<4x8xf32>
  return
}

// -----

// The training flag is i1.
// expected-note@+1 {{prior use here}}
func.func @f(%x: tensor<4x8xf32>, %flag: i8, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expects different type than prior uses: 'i1' vs 'i8'}}
  %y = dropout.element %x p = 0.5 rng(%seed, %offset) training(%flag) : tensor<4x8xf32>
  return
}

// -----

// `at` needs `of`.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 'of'}}
  %y = dropout.element %x p = 0.5 rng(%seed, %offset) at [0, 0] : tensor<4x8xf32>
  return
}

// -----

// Entries of a position are `index`.
// expected-note@+1 {{prior use here}}
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expects different type than prior uses: 'index' vs 'i64'}}
  %y = dropout.element %x p = 0.5 rng(%seed, %offset) at [%seed, 0] of [4, 8] : tensor<4x8xf32>
  return
}

// -----

// Entries of a position have no brackets of their own.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected entries that are not scalable, but got one in brackets}}
  %y = dropout.element %x p = 0.5 rng(%seed, %offset) at [[0], 0] of [4, 8] : tensor<4x8xf32>
  return
}

// -----

// What has a syntax of its own has no second one.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 'p' before the attribute dictionary, not in it}}
  %y = dropout.element %x p = 0.5 rng(%seed, %offset) {p = 0.3 : f64} : tensor<4x8xf32>
  return
}

// -----

// Nor may the sizes of operand groups be stated.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 'operandSegmentSizes' before the attribute dictionary, not in it}}
  %y = dropout.element %x p = 0.5 rng(%seed, %offset) {operandSegmentSizes = array<i32: 1>} : tensor<4x8xf32>
  return
}

// -----

// The contract's version is an i32.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 'contract_version' to be an i32 attribute, but got "1"}}
  %y = dropout.element %x p = 0.5 rng(%seed, %offset) {contract_version = "1"} : tensor<4x8xf32>
  return
}

// -----

// The contract's version is of 32 bits.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 'contract_version' to be an i32 attribute, but got 1 : i64}}
  %y = dropout.element %x p = 0.5 rng(%seed, %offset) {contract_version = 1 : i64} : tensor<4x8xf32>
  return
}

// -----

// The type is not optional.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected ':'}}
  %y = dropout.element %x p = 0.5 rng(%seed, %offset)
  func.call @g() : () -> ()
  return
}

// -----

// One type for a result, one for the mask.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected the type of x and, for a mask result, that of the mask, but got 3 type(s)}}
  %y:3 = dropout.element %x p = 0.5 rng(%seed, %offset) : tensor<4x8xf32>, tensor<4x8xi1>, tensor<4x8xi1>
  return
}

// -----

// `into` needs a second type.
func.func @f(%x: memref<4xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected the types of the operand and of the destination, but got 1 type(s)}}
  dropout.element %x into %x p = 0.5 rng(%seed, %offset) : memref<4xf32>
  return
}

// -----

// `into` needs a destination.
func.func @f(%x: memref<4xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected SSA operand}}
  dropout.element %x into p = 0.5 rng(%seed, %offset) : memref<4xf32>
  return
}

// -----

// Groups of operands do not add up.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{operand count (3) does not match with the total size (0) specified in attribute 'operandSegmentSizes'}}
  %y = "dropout.element"(%x, %seed, %offset) <{p = 0.5 : f64}> : (tensor<4x8xf32>, i64, i64) -> tensor<4x8xf32>
  return
}

// -----

// A group of negative size.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{'operandSegmentSizes' attribute cannot have negative elements}}
  %y = "dropout.element"(%x, %seed, %offset) <{p = 0.5 : f64, operandSegmentSizes = array<i32: 2, -1, 0, 1, 1, 0, 0, 0, 0>}> : (tensor<4x8xf32>, i64, i64) -> tensor<4x8xf32>
  return
}

// -----

// A group too few.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{size mismatch in attribute conversion: 8 vs 9}}
  %y = "dropout.element"(%x, %seed, %offset) <{p = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0, 0, 1, 1, 0, 0, 0>}> : (tensor<4x8xf32>, i64, i64) -> tensor<4x8xf32>
  return
}

// -----

// Two seeds.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{operand group starting at #1 requires 0 or 1 element, but found 2}}
  %y = "dropout.element"(%x, %seed, %seed, %offset) <{p = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0, 0, 2, 1, 0, 0, 0, 0>}> : (tensor<4x8xf32>, i64, i64, i64) -> tensor<4x8xf32>
  return
}

// -----

// An op that the dialect does not have.
func.func @f() {
  // expected-error@+1 {{unregistered operation 'dropout.gaussian' found in dialect ('dropout') that does not allow unknown operations}}
  "dropout.gaussian"() : () -> ()
  return
}

// -----

// [P1] Neither the attribute p nor the operand p.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected exactly one of the attribute p and the operand p, but got 0}}
  %y = "dropout.element"(%x, %seed, %offset) <{operandSegmentSizes = array<i32: 1, 0, 0, 1, 1, 0, 0, 0, 0>}> : (tensor<4x8xf32>, i64, i64) -> (tensor<4x8xf32>)
  return
}

// -----

// [P1] Both the attribute p and the operand p.
func.func @f(%x: tensor<4x8xf32>, %p: f64, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected exactly one of the attribute p and the operand p, but got 2}}
  %y = "dropout.element"(%x, %p, %seed, %offset) <{p = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0, 1, 1, 1, 0, 0, 0, 0>}> : (tensor<4x8xf32>, f64, i64, i64) -> (tensor<4x8xf32>)
  return
}

// -----

// [P2] p above 1.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected p in [0, 1], but got 1.5}}
  %y = dropout.element %x p = 1.5 rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// [P2] A negative p.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected p in [0, 1], but got -0.1}}
  %y = dropout.element %x p = -0.1 rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// [P2] The next value above 1 is shown with all of its digits.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected p in [0, 1], but got 1.0000000000000002}}
  %y = dropout.element %x p = 0x3FF0000000000001 rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// [P2] p is not a number.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected p in [0, 1], but got nan}}
  %y = dropout.element %x p = 0x7FF8000000000000 rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// [P2] An infinite p.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected p in [0, 1], but got inf}}
  %y = dropout.element %x p = 0x7FF0000000000000 rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// [P2] A large integer.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected p in [0, 1], but got 18446744073709551616}}
  %y = dropout.element %x p = 18446744073709551617 rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// [P3] p rounds to 0/256.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected p to be 0, 1 or to round to 1/256 ... 255/256 with 'resolution' 8, but got 0.001}}
  %y = dropout.element %x p = 0.001 resolution = 8 rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// [P3] p rounds to 256/256.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{but got 0.999}}
  %y = dropout.element %x p = 0.999 resolution = 8 rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// [P3] p = 1/512 is a tie: it rounds to the even 0.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{but got 0.001953125}}
  %y = dropout.element %x p = 0.001953125 resolution = 8 rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// [O1]
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 'rounds' to be 7 or 10, but got 8}}
  %y = dropout.element %x p = 0.5 rounds = 8 rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// [O1] A negative number of rounds.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 'rounds' to be 7 or 10, but got -10}}
  %y = dropout.element %x p = 0.5 rounds = -10 rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// [O1] Another width than 32 bits.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{attribute 'rounds' failed to satisfy constraint: 32-bit signless integer attribute}}
  %y = "dropout.element"(%x, %seed, %offset) <{p = 0.5 : f64, rounds = 10 : i64, operandSegmentSizes = array<i32: 1, 0, 0, 1, 1, 0, 0, 0, 0>}> : (tensor<4x8xf32>, i64, i64) -> (tensor<4x8xf32>)
  return
}

// -----

// [O2]
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 'resolution' to be 8 or 16, but got 32}}
  %y = dropout.element %x p = 0.5 resolution = 32 rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// [O3]
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 'contract_version' to be 1, but got 2}}
  %y = dropout.element %x p = 0.5 rng(%seed, %offset) {contract_version = 2 : i32} : tensor<4x8xf32>
  return
}

// -----

// [D2]
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected no 'mask_dims' for element dropout, but got [0]}}
  %y = dropout.element %x p = 0.5 mask_dims = [0] rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// [D2] Not even an empty list.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected no 'mask_dims' for element dropout, but got []}}
  %y = dropout.element %x p = 0.5 mask_dims = [] rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// [G1] A seed without an offset.
func.func @f(%x: tensor<4x8xf32>, %seed: i64) {
  // expected-error@+1 {{expected seed and offset together, but got only the seed}}
  %y = "dropout.element"(%x, %seed) <{p = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0, 0, 1, 0, 0, 0, 0, 0>}> : (tensor<4x8xf32>, i64) -> (tensor<4x8xf32>)
  return
}

// -----

// [G1] An offset without a seed.
func.func @f(%x: tensor<4x8xf32>, %offset: i64) {
  // expected-error@+1 {{expected seed and offset together, but got only the offset}}
  %y = "dropout.element"(%x, %offset) <{p = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0, 0, 0, 1, 0, 0, 0, 0>}> : (tensor<4x8xf32>, i64) -> (tensor<4x8xf32>)
  return
}

// -----

// [G1] Seed and offset beside a generator's name.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected at most one of seed and offset, a state and a generator's name, but got 2}}
  %y = "dropout.element"(%x, %seed, %offset) <{p = 0.5 : f64, generator = "data", operandSegmentSizes = array<i32: 1, 0, 0, 1, 1, 0, 0, 0, 0>}> : (tensor<4x8xf32>, i64, i64) -> (tensor<4x8xf32>)
  return
}

// -----

// [G1] All three at once.
func.func @f(%x: memref<4xf32>, %seed: i64, %offset: i64, %state: memref<2xi64>) {
  // expected-error@+1 {{expected at most one of seed and offset, a state and a generator's name, but got 3}}
  "dropout.element"(%x, %x, %seed, %offset, %state) <{p = 0.5 : f64, generator = "data", operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 1, 0, 0, 0>}> : (memref<4xf32>, memref<4xf32>, i64, i64, memref<2xi64>) -> ()
  return
}

// -----

// [S1] A generator without a name.
func.func @f(%x: tensor<4x8xf32>) {
  // expected-error@+1 {{expected a generator's name of 1 to 255 bytes of UTF-8 without control characters, but got}}
  %y = dropout.element %x p = 0.5 generator("") : tensor<4x8xf32>
  return
}

// -----

// [S1] A name that ends at its second character for the runtime.
func.func @f(%x: tensor<4x8xf32>) {
  // expected-error@+1 {{expected a generator's name of 1 to 255 bytes of UTF-8 without control characters, but got}}
  %y = dropout.element %x p = 0.5 generator("a\00b") : tensor<4x8xf32>
  return
}

// -----

// [G2] A state of another shape.
func.func @f(%x: memref<4x8xf32>, %state: memref<3xi64>) {
  // expected-error@+1 {{expected the state to be memref<2xi64>, but got 'memref<3xi64>'}}
  dropout.element %x into %x p = 0.5 rng(%state : memref<3xi64>) : memref<4x8xf32>, memref<4x8xf32>
  return
}

// -----

// [G2] A state of another type.
func.func @f(%x: memref<4xf32>, %state: memref<2xi32>) {
  // expected-error@+1 {{expected the state to be memref<2xi64>, but got 'memref<2xi32>'}}
  dropout.element %x into %x p = 0.5 rng(%state : memref<2xi32>) : memref<4xf32>, memref<4xf32>
  return
}

// -----

// [G2] A state that is no memref.
func.func @f(%x: memref<4xf32>, %state: i64) {
  // expected-error@+1 {{operand #2 must be memref of any type values, but got 'i64'}}
  dropout.element %x into %x p = 0.5 rng(%state : i64) : memref<4xf32>, memref<4xf32>
  return
}

// -----

// [G2] A state in the tensor form.
func.func @f(%x: tensor<4x8xf32>, %state: memref<2xi64>) {
  // expected-error@+1 {{expected a state only in the memref form, but the operand is 'tensor<4x8xf32>'}}
  %y = dropout.element %x p = 0.5 rng(%state) : tensor<4x8xf32>
  return
}

// -----

// [A1] Fewer entries than dims.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 2 entries in 'at' and in 'of', but got 1 and 1}}
  %y = dropout.element %x p = 0.5 rng(%seed, %offset) at [0] of [4] : tensor<4x8xf32>
  return
}

// -----

// [A1] More entries than dims.
func.func @f(%x: tensor<f32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 0 entries in 'at' and in 'of', but got 1 and 0}}
  %y = dropout.element %x p = 0.5 rng(%seed, %offset) at [0] of [] : tensor<f32>
  return
}

// -----

// [A1] `at` without `of`.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 'at' and 'of' together, but got only}}
  %y = "dropout.element"(%x, %seed, %offset) <{p = 0.5 : f64, static_offsets = array<i64: 0, 0>, operandSegmentSizes = array<i32: 1, 0, 0, 1, 1, 0, 0, 0, 0>}> : (tensor<4x8xf32>, i64, i64) -> (tensor<4x8xf32>)
  return
}

// -----

// [A1] Operands of a position without its entries.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64, %i: index) {
  // expected-error@+1 {{expected 'at' and 'of' together, but got only}}
  %y = "dropout.element"(%x, %seed, %offset, %i) <{p = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0, 0, 1, 1, 0, 0, 1, 0>}> : (tensor<4x8xf32>, i64, i64, index) -> (tensor<4x8xf32>)
  return
}

// -----

// [A1] A dynamic entry without an operand.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected one operand per dynamic entry of 'at' and 'of', but got 0 and 0}}
  %y = "dropout.element"(%x, %seed, %offset) <{p = 0.5 : f64, static_offsets = array<i64: -9223372036854775808, 0>, static_sizes = array<i64: 4, 8>, operandSegmentSizes = array<i32: 1, 0, 0, 1, 1, 0, 0, 0, 0>}> : (tensor<4x8xf32>, i64, i64) -> (tensor<4x8xf32>)
  return
}

// -----

// [A1] An operand without a dynamic entry.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64, %n: index) {
  // expected-error@+1 {{expected one operand per dynamic entry of 'at' and 'of', but got 0 and 1}}
  %y = "dropout.element"(%x, %seed, %offset, %n) <{p = 0.5 : f64, static_offsets = array<i64: 0, 0>, static_sizes = array<i64: 4, 8>, operandSegmentSizes = array<i32: 1, 0, 0, 1, 1, 0, 0, 0, 1>}> : (tensor<4x8xf32>, i64, i64, index) -> (tensor<4x8xf32>)
  return
}

// -----

// [A2] A slice that ends behind the whole.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected the slice to end at 8 or before in dim 1, but it covers [1, 1 + 8)}}
  %y = dropout.element %x p = 0.5 rng(%seed, %offset) at [0, 1] of [4, 8] : tensor<4x8xf32>
  return
}

// -----

// [A2] A negative offset.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected entries of 'at' and 'of' that are not negative, but got -1}}
  %y = dropout.element %x p = 0.5 rng(%seed, %offset) at [-1, 0] of [4, 8] : tensor<4x8xf32>
  return
}

// -----

// [A2] A negative size.
func.func @f(%x: tensor<?xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected entries of 'at' and 'of' that are not negative, but got -8}}
  %y = dropout.element %x p = 0.5 rng(%seed, %offset) at [0] of [-8] : tensor<?xf32>
  return
}

// -----

// [A2] The end is not computed: it would overflow.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected the slice to end at 9223372036854775807 or before in dim 0, but it covers [9223372036854775807, 9223372036854775807 + 4)}}
  %y = dropout.element %x p = 0.5 rng(%seed, %offset) at [9223372036854775807, 0] of [9223372036854775807, 1] : tensor<4x8xf32>
  return
}

// -----

// [A2] A slice of unknown size starts behind the whole.
func.func @f(%x: tensor<?xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected the slice to end at 8 or before in dim 0, but it covers [9, 9 + 0)}}
  %y = dropout.element %x p = 0.5 rng(%seed, %offset) at [9] of [8] : tensor<?xf32>
  return
}

// -----

// [A2] A slice at an unknown place is larger than the whole.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64, %i: index) {
  // expected-error@+1 {{expected the slice to end at 3 or before in dim 0, but it covers [0, 0 + 4)}}
  %y = dropout.element %x p = 0.5 rng(%seed, %offset) at [%i, 0] of [3, 8] : tensor<4x8xf32>
  return
}

// -----

// [T1] An element type that is not f16, bf16, f32 or f64.
func.func @f(%x: tensor<4x8xi32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected elements of f16, bf16, f32 or f64, but got 'i32'}}
  %y = dropout.element %x p = 0.5 rng(%seed, %offset) : tensor<4x8xi32>
  return
}

// -----

// [T1] Another float.
func.func @f(%x: tensor<4xf8E5M2>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected elements of f16, bf16, f32 or f64, but got 'f8E5M2'}}
  %y = dropout.element %x p = 0.5 rng(%seed, %offset) : tensor<4xf8E5M2>
  return
}

// -----

// [T1] A complex type.
func.func @f(%x: tensor<4xcomplex<f32>>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected elements of f16, bf16, f32 or f64, but got 'complex<f32>'}}
  %y = dropout.element %x p = 0.5 rng(%seed, %offset) : tensor<4xcomplex<f32>>
  return
}

// -----

// [T1] A vector type.
func.func @f(%x: tensor<4xvector<4xf32>>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected elements of f16, bf16, f32 or f64, but got 'vector<4xf32>'}}
  %y = dropout.element %x p = 0.5 rng(%seed, %offset) : tensor<4xvector<4xf32>>
  return
}

// -----

// [T1] An unranked tensor.
func.func @f(%x: tensor<*xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{operand #0 must be ranked tensor of any type values or memref of any type values, but got 'tensor<*xf32>'}}
  %y = dropout.element %x p = 0.5 rng(%seed, %offset) : tensor<*xf32>
  return
}

// -----

// [T1] A vector.
func.func @f(%x: vector<4xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{operand #0 must be ranked tensor of any type values or memref of any type values, but got 'vector<4xf32>'}}
  %y = dropout.element %x p = 0.5 rng(%seed, %offset) : vector<4xf32>
  return
}

// -----

// [T1] A scalar.
func.func @f(%x: f32, %seed: i64, %offset: i64) {
  // expected-error@+1 {{operand #0 must be ranked tensor of any type values or memref of any type values, but got 'f32'}}
  %y = dropout.element %x p = 0.5 rng(%seed, %offset) : f32
  return
}

// -----

// [T1] An unranked memref.
func.func @f(%x: memref<*xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{operand #0 must be ranked tensor of any type values or memref of any type values, but got 'memref<*xf32>'}}
  dropout.element %x into %x p = 0.5 rng(%seed, %offset) : memref<*xf32>, memref<*xf32>
  return
}

// -----

// [T1] A memref that has no strides.
func.func @f(%x: memref<4x8xf32, affine_map<(d0, d1) -> (d1 floordiv 2, d0, d1 mod 2)>>, %z: memref<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected a strided memref, but got 'memref<4x8xf32, affine_map}}
  dropout.element %x into %z p = 0.5 rng(%seed, %offset) : memref<4x8xf32, affine_map<(d0, d1) -> (d1 floordiv 2, d0, d1 mod 2)>>, memref<4x8xf32>
  return
}

// -----

// [T1] A destination that has no strides.
func.func @f(%x: memref<4x8xf32>, %z: memref<4x8xf32, affine_map<(d0, d1) -> (d1 floordiv 2, d0, d1 mod 2)>>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected a strided memref, but got 'memref<4x8xf32, affine_map}}
  dropout.element %x into %z p = 0.5 rng(%seed, %offset) : memref<4x8xf32>, memref<4x8xf32, affine_map<(d0, d1) -> (d1 floordiv 2, d0, d1 mod 2)>>
  return
}

// -----

// [T1] A tensor with an encoding.
func.func @f(%x: tensor<4xf32, "sparse">, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected a tensor without encoding, but got 'tensor<4xf32, "sparse">'}}
  %y = dropout.element %x p = 0.5 rng(%seed, %offset) : tensor<4xf32, "sparse">
  return
}

// -----

// [T1] No operand to drop.
func.func @f(%seed: i64, %offset: i64) {
  // expected-error@+1 {{expected one operand to drop, but got 0}}
  %y = "dropout.element"(%seed, %offset) <{p = 0.5 : f64, operandSegmentSizes = array<i32: 0, 0, 0, 1, 1, 0, 0, 0, 0>}> : (i64, i64) -> (tensor<4x8xf32>)
  return
}

// -----

// [T1] Two operands to drop.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected one operand to drop, but got 2}}
  %y = "dropout.element"(%x, %x, %seed, %offset) <{p = 0.5 : f64, operandSegmentSizes = array<i32: 2, 0, 0, 1, 1, 0, 0, 0, 0>}> : (tensor<4x8xf32>, tensor<4x8xf32>, i64, i64) -> (tensor<4x8xf32>)
  return
}

// -----

// [T1] A destination only.
func.func @f(%x: memref<4xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected one operand to drop, but got 0}}
  "dropout.element"(%x, %seed, %offset) <{p = 0.5 : f64, operandSegmentSizes = array<i32: 0, 1, 0, 1, 1, 0, 0, 0, 0>}> : (memref<4xf32>, i64, i64) -> ()
  return
}

// -----

// [T2] More elements than 63 bits count.
func.func @f(%x: tensor<4294967296x2147483648xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected less than 2^63 elements, but got 'tensor<4294967296x2147483648xf32>'}}
  %y = dropout.element %x p = 0.5 rng(%seed, %offset) : tensor<4294967296x2147483648xf32>
  return
}

// -----

// [T2] Static dims alone are too many, whatever the dynamic one is.
func.func @f(%x: tensor<4294967296x?x4294967296xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected less than 2^63 elements, but got 'tensor<4294967296x?x4294967296xf32>'}}
  %y = dropout.element %x p = 0.5 rng(%seed, %offset) : tensor<4294967296x?x4294967296xf32>
  return
}

// -----

// [T2] The whole tensor is too large.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected less than 2^63 elements in the whole tensor, but got [4294967296, 2147483648]}}
  %y = dropout.element %x p = 0.5 rng(%seed, %offset) at [0, 0] of [4294967296, 2147483648] : tensor<4x8xf32>
  return
}

// -----

// [F1] A memref without a destination.
func.func @f(%x: memref<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 'into' and a destination for a memref operand}}
  dropout.element %x p = 0.5 rng(%seed, %offset) : memref<4x8xf32>
  return
}

// -----

// [F1] The same in the generic form.
func.func @f(%x: memref<4xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected a destination for the memref operand, but got none}}
  "dropout.element"(%x, %seed, %offset) <{p = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0, 0, 1, 1, 0, 0, 0, 0>}> : (memref<4xf32>, i64, i64) -> ()
  return
}

// -----

// [F1] A tensor with a destination.
func.func @f(%x: tensor<4x8xf32>, %z: memref<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected no destination for a tensor operand, but got 'memref<4x8xf32>'}}
  dropout.element %x into %z p = 0.5 rng(%seed, %offset) : tensor<4x8xf32>, memref<4x8xf32>
  return
}

// -----

// [F2] A destination of another shape.
func.func @f(%x: memref<4x8xf32>, %z: memref<8x4xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected the destination to have shape [4, 8] and element type 'f32', but got 'memref<8x4xf32>'}}
  dropout.element %x into %z p = 0.5 rng(%seed, %offset) : memref<4x8xf32>, memref<8x4xf32>
  return
}

// -----

// [F2] A destination of another rank.
func.func @f(%x: memref<?xf32>, %z: memref<?x1xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected the destination to have shape [?] and element type 'f32', but got 'memref<?x1xf32>'}}
  dropout.element %x into %z p = 0.5 rng(%seed, %offset) : memref<?xf32>, memref<?x1xf32>
  return
}

// -----

// [F2] A destination of another type.
func.func @f(%x: memref<4xf32>, %z: memref<4xf16>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected the destination to have shape [4] and element type 'f32', but got 'memref<4xf16>'}}
  dropout.element %x into %z p = 0.5 rng(%seed, %offset) : memref<4xf32>, memref<4xf16>
  return
}

// -----

// [F3] The memref form with a result.
func.func @f(%x: memref<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected no results in the memref form, but got 1}}
  %y = "dropout.element"(%x, %x, %seed, %offset) <{p = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 0, 0>}> : (memref<4x8xf32>, memref<4x8xf32>, i64, i64) -> (tensor<4x8xf32>)
  return
}

// -----

// [R1] No result.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected one result, or two with the mask, but got 0}}
  "dropout.element"(%x, %seed, %offset) <{p = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0, 0, 1, 1, 0, 0, 0, 0>}> : (tensor<4x8xf32>, i64, i64) -> ()
  return
}

// -----

// [R1] A result of another type.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected a result of type 'tensor<4x8xf32>', but got 'tensor<8x4xf32>'}}
  %y = "dropout.element"(%x, %seed, %offset) <{p = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0, 0, 1, 1, 0, 0, 0, 0>}> : (tensor<4x8xf32>, i64, i64) -> (tensor<8x4xf32>)
  return
}

// -----

// [R1] Three results.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected one result, or two with the mask, but got 3}}
  %y:3 = "dropout.element"(%x, %seed, %offset) <{p = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0, 0, 1, 1, 0, 0, 0, 0>}> : (tensor<4x8xf32>, i64, i64) -> (tensor<4x8xf32>, tensor<4x8xi1>, tensor<4x8xi1>)
  return
}

// -----

// [R2] A mask of another shape.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected a mask of type 'tensor<4x8xi1>', but got 'tensor<8xi1>'}}
  %y:2 = dropout.element %x p = 0.5 rng(%seed, %offset) : tensor<4x8xf32>, tensor<8xi1>
  return
}

// -----

// [R2] A mask of bytes.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected a mask of type 'tensor<4x8xi1>', but got 'tensor<4x8xi8>'}}
  %y:2 = dropout.element %x p = 0.5 rng(%seed, %offset) : tensor<4x8xf32>, tensor<4x8xi8>
  return
}

// -----

// [R2] The mask of an implicit op.
func.func @f(%x: tensor<4x8xf32>) {
  // expected-error@+1 {{expected seed and offset for a mask result, but got an implicit op}}
  %y:2 = dropout.element %x p = 0.5 : tensor<4x8xf32>, tensor<4x8xi1>
  return
}
