// RUN: dropout-opt %s -split-input-file -verify-diagnostics
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The kind is stated.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected valid keyword}}
  %y = dropout.backward %x p = 0.5 rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// The kind is one of four.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected element, channel, alpha or feature_alpha, but got gaussian}}
  %y = dropout.backward gaussian %x p = 0.5 rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// The generic form needs a kind, too.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{requires attribute 'kind'}}
  %y = "dropout.backward"(%x, %seed, %offset) <{p = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0, 0, 1, 1, 0, 0, 0, 0>}> : (tensor<4x8xf32>, i64, i64) -> tensor<4x8xf32>
  return
}

// -----

// There is no fifth kind.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{Invalid attribute `kind` in property conversion: 4 : i32}}
  %y = "dropout.backward"(%x, %seed, %offset) <{p = 0.5 : f64, kind = 4 : i32, operandSegmentSizes = array<i32: 1, 0, 0, 1, 1, 0, 0, 0, 0>}> : (tensor<4x8xf32>, i64, i64) -> tensor<4x8xf32>
  return
}

// -----

// [D1] A dim that is not there.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 'mask_dims' in [0, 2), but got [2]}}
  %y = dropout.backward channel %x p = 0.5 mask_dims = [2] rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// [D1] A dim twice.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected distinct 'mask_dims', but got [1, 1]}}
  %y = dropout.backward channel %x p = 0.5 mask_dims = [1, 1] rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// [D3] The default mask dims need rank 2.
func.func @f(%x: tensor<8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected rank 2 or more for the default 'mask_dims' [0, 1], but got rank 1; state 'mask_dims'}}
  %y = dropout.backward channel %x p = 0.5 rng(%seed, %offset) : tensor<8xf32>
  return
}

// -----

// [D1] A dim that is not there.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 'mask_dims' in [0, 2), but got [2]}}
  %y = dropout.backward feature_alpha %x p = 0.5 mask_dims = [2] rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// [D1] A dim twice.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected distinct 'mask_dims', but got [1, 1]}}
  %y = dropout.backward feature_alpha %x p = 0.5 mask_dims = [1, 1] rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// [D3] The default mask dims need rank 2.
func.func @f(%x: tensor<8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected rank 2 or more for the default 'mask_dims' [0, 1], but got rank 1; state 'mask_dims'}}
  %y = dropout.backward feature_alpha %x p = 0.5 rng(%seed, %offset) : tensor<8xf32>
  return
}

// -----

// [D2] Element dropout.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected no 'mask_dims' for element dropout, but got [0]}}
  %y = dropout.backward element %x p = 0.5 mask_dims = [0] rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// [P1] Neither the attribute p nor the operand p.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected exactly one of the attribute p and the operand p, but got 0}}
  %y = "dropout.backward"(%x, %seed, %offset) <{kind = 2 : i32, operandSegmentSizes = array<i32: 1, 0, 0, 1, 1, 0, 0, 0, 0>}> : (tensor<4x8xf32>, i64, i64) -> (tensor<4x8xf32>)
  return
}

// -----

// [P1] Both the attribute p and the operand p.
func.func @f(%x: tensor<4x8xf32>, %p: f64, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected exactly one of the attribute p and the operand p, but got 2}}
  %y = "dropout.backward"(%x, %p, %seed, %offset) <{p = 0.5 : f64, kind = 2 : i32, operandSegmentSizes = array<i32: 1, 0, 1, 1, 1, 0, 0, 0, 0>}> : (tensor<4x8xf32>, f64, i64, i64) -> (tensor<4x8xf32>)
  return
}

// -----

// [P2] p above 1.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected p in [0, 1], but got 1.5}}
  %y = dropout.backward alpha %x p = 1.5 rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// [P2] A negative p.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected p in [0, 1], but got -0.1}}
  %y = dropout.backward alpha %x p = -0.1 rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// [P2] The next value above 1 is shown with all of its digits.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected p in [0, 1], but got 1.0000000000000002}}
  %y = dropout.backward alpha %x p = 0x3FF0000000000001 rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// [P2] p is not a number.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected p in [0, 1], but got nan}}
  %y = dropout.backward alpha %x p = 0x7FF8000000000000 rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// [P2] An infinite p.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected p in [0, 1], but got inf}}
  %y = dropout.backward alpha %x p = 0x7FF0000000000000 rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// [P2] A large integer.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected p in [0, 1], but got 18446744073709551616}}
  %y = dropout.backward alpha %x p = 18446744073709551617 rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// [P3] p rounds to 0/256.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected p to be 0, 1 or to round to 1/256 ... 255/256 with 'resolution' 8, but got 0.001}}
  %y = dropout.backward alpha %x p = 0.001 resolution = 8 rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// [P3] p rounds to 256/256.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{but got 0.999}}
  %y = dropout.backward alpha %x p = 0.999 resolution = 8 rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// [P3] p = 1/512 is a tie: it rounds to the even 0.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{but got 0.001953125}}
  %y = dropout.backward alpha %x p = 0.001953125 resolution = 8 rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// [O1]
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 'rounds' to be 7 or 10, but got 8}}
  %y = dropout.backward alpha %x p = 0.5 rounds = 8 rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// [O1] A negative number of rounds.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 'rounds' to be 7 or 10, but got -10}}
  %y = dropout.backward alpha %x p = 0.5 rounds = -10 rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// [O1] Another width than 32 bits.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{attribute 'rounds' failed to satisfy constraint: 32-bit signless integer attribute}}
  %y = "dropout.backward"(%x, %seed, %offset) <{p = 0.5 : f64, rounds = 10 : i64, kind = 2 : i32, operandSegmentSizes = array<i32: 1, 0, 0, 1, 1, 0, 0, 0, 0>}> : (tensor<4x8xf32>, i64, i64) -> (tensor<4x8xf32>)
  return
}

// -----

// [O2]
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 'resolution' to be 8 or 16, but got 32}}
  %y = dropout.backward alpha %x p = 0.5 resolution = 32 rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// [O3]
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 'contract_version' to be 1, but got 2}}
  %y = dropout.backward alpha %x p = 0.5 rng(%seed, %offset) {contract_version = 2 : i32} : tensor<4x8xf32>
  return
}

// -----

// [D2]
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected no 'mask_dims' for alpha dropout, but got [0]}}
  %y = dropout.backward alpha %x p = 0.5 mask_dims = [0] rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// [D2] Not even an empty list.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected no 'mask_dims' for alpha dropout, but got []}}
  %y = dropout.backward alpha %x p = 0.5 mask_dims = [] rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// [G1] A seed without an offset.
func.func @f(%x: tensor<4x8xf32>, %seed: i64) {
  // expected-error@+1 {{expected seed and offset together, but got only the seed}}
  %y = "dropout.backward"(%x, %seed) <{p = 0.5 : f64, kind = 2 : i32, operandSegmentSizes = array<i32: 1, 0, 0, 1, 0, 0, 0, 0, 0>}> : (tensor<4x8xf32>, i64) -> (tensor<4x8xf32>)
  return
}

// -----

// [B1] There is no implicit form.
func.func @f(%x: tensor<4x8xf32>) {
  // expected-error@+1 {{expected the seed and offset of the forward op, as there is no implicit form, but got none}}
  %y = dropout.backward alpha %x p = 0.5 : tensor<4x8xf32>
  return
}

// -----

// [B1] Nor one with a generator's name.
func.func @f(%x: tensor<4x8xf32>) {
  // expected-error@+1 {{expected the seed and offset of the forward op, as there is no implicit form, but got none}}
  %y = dropout.backward alpha %x p = 0.5 generator("data") : tensor<4x8xf32>
  return
}

// -----

// [G1] Seed and offset beside a generator's name.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected at most one of seed and offset, a state and a generator's name, but got 2}}
  %y = "dropout.backward"(%x, %seed, %offset) <{p = 0.5 : f64, generator = "data", kind = 2 : i32, operandSegmentSizes = array<i32: 1, 0, 0, 1, 1, 0, 0, 0, 0>}> : (tensor<4x8xf32>, i64, i64) -> (tensor<4x8xf32>)
  return
}

// -----

// [G1] All three at once.
func.func @f(%x: memref<4xf32>, %seed: i64, %offset: i64, %state: memref<2xi64>) {
  // expected-error@+1 {{expected at most one of seed and offset, a state and a generator's name, but got 3}}
  "dropout.backward"(%x, %x, %seed, %offset, %state) <{p = 0.5 : f64, generator = "data", kind = 2 : i32, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 1, 0, 0, 0>}> : (memref<4xf32>, memref<4xf32>, i64, i64, memref<2xi64>) -> ()
  return
}

// -----

// [G2] A state of another shape.
func.func @f(%x: memref<4x8xf32>, %state: memref<3xi64>) {
  // expected-error@+1 {{expected the state to be memref<2xi64>, but got 'memref<3xi64>'}}
  dropout.backward alpha %x into %x p = 0.5 rng(%state : memref<3xi64>) : memref<4x8xf32>, memref<4x8xf32>
  return
}

// -----

// [G2] A state of another type.
func.func @f(%x: memref<4xf32>, %state: memref<2xi32>) {
  // expected-error@+1 {{expected the state to be memref<2xi64>, but got 'memref<2xi32>'}}
  dropout.backward alpha %x into %x p = 0.5 rng(%state : memref<2xi32>) : memref<4xf32>, memref<4xf32>
  return
}

// -----

// [G2] A state that is no memref.
func.func @f(%x: memref<4xf32>, %state: i64) {
  // expected-error@+1 {{operand #2 must be memref of any type values, but got 'i64'}}
  dropout.backward alpha %x into %x p = 0.5 rng(%state : i64) : memref<4xf32>, memref<4xf32>
  return
}

// -----

// [G2] A state in the tensor form.
func.func @f(%x: tensor<4x8xf32>, %state: memref<2xi64>) {
  // expected-error@+1 {{expected a state only in the memref form, but the operand is 'tensor<4x8xf32>'}}
  %y = dropout.backward alpha %x p = 0.5 rng(%state) : tensor<4x8xf32>
  return
}

// -----

// [A1] Fewer entries than dims.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 2 entries in 'at' and in 'of', but got 1 and 1}}
  %y = dropout.backward alpha %x p = 0.5 rng(%seed, %offset) at [0] of [4] : tensor<4x8xf32>
  return
}

// -----

// [A1] More entries than dims.
func.func @f(%x: tensor<f32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 0 entries in 'at' and in 'of', but got 1 and 0}}
  %y = dropout.backward alpha %x p = 0.5 rng(%seed, %offset) at [0] of [] : tensor<f32>
  return
}

// -----

// [A1] `at` without `of`.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 'at' and 'of' together, but got only}}
  %y = "dropout.backward"(%x, %seed, %offset) <{p = 0.5 : f64, static_offsets = array<i64: 0, 0>, kind = 2 : i32, operandSegmentSizes = array<i32: 1, 0, 0, 1, 1, 0, 0, 0, 0>}> : (tensor<4x8xf32>, i64, i64) -> (tensor<4x8xf32>)
  return
}

// -----

// [A1] Operands of a position without its entries.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64, %i: index) {
  // expected-error@+1 {{expected 'at' and 'of' together, but got only}}
  %y = "dropout.backward"(%x, %seed, %offset, %i) <{p = 0.5 : f64, kind = 2 : i32, operandSegmentSizes = array<i32: 1, 0, 0, 1, 1, 0, 0, 1, 0>}> : (tensor<4x8xf32>, i64, i64, index) -> (tensor<4x8xf32>)
  return
}

// -----

// [A1] A dynamic entry without an operand.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected one operand per dynamic entry of 'at' and 'of', but got 0 and 0}}
  %y = "dropout.backward"(%x, %seed, %offset) <{p = 0.5 : f64, static_offsets = array<i64: -9223372036854775808, 0>, static_sizes = array<i64: 4, 8>, kind = 2 : i32, operandSegmentSizes = array<i32: 1, 0, 0, 1, 1, 0, 0, 0, 0>}> : (tensor<4x8xf32>, i64, i64) -> (tensor<4x8xf32>)
  return
}

// -----

// [A1] An operand without a dynamic entry.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64, %n: index) {
  // expected-error@+1 {{expected one operand per dynamic entry of 'at' and 'of', but got 0 and 1}}
  %y = "dropout.backward"(%x, %seed, %offset, %n) <{p = 0.5 : f64, static_offsets = array<i64: 0, 0>, static_sizes = array<i64: 4, 8>, kind = 2 : i32, operandSegmentSizes = array<i32: 1, 0, 0, 1, 1, 0, 0, 0, 1>}> : (tensor<4x8xf32>, i64, i64, index) -> (tensor<4x8xf32>)
  return
}

// -----

// [A2] A slice that ends behind the whole.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected the slice to end at 8 or before in dim 1, but it covers [1, 1 + 8)}}
  %y = dropout.backward alpha %x p = 0.5 rng(%seed, %offset) at [0, 1] of [4, 8] : tensor<4x8xf32>
  return
}

// -----

// [A2] A negative offset.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected entries of 'at' and 'of' that are not negative, but got -1}}
  %y = dropout.backward alpha %x p = 0.5 rng(%seed, %offset) at [-1, 0] of [4, 8] : tensor<4x8xf32>
  return
}

// -----

// [A2] A negative size.
func.func @f(%x: tensor<?xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected entries of 'at' and 'of' that are not negative, but got -8}}
  %y = dropout.backward alpha %x p = 0.5 rng(%seed, %offset) at [0] of [-8] : tensor<?xf32>
  return
}

// -----

// [A2] The end is not computed: it would overflow.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected the slice to end at 9223372036854775807 or before in dim 0, but it covers [9223372036854775807, 9223372036854775807 + 4)}}
  %y = dropout.backward alpha %x p = 0.5 rng(%seed, %offset) at [9223372036854775807, 0] of [9223372036854775807, 1] : tensor<4x8xf32>
  return
}

// -----

// [A2] A slice of unknown size starts behind the whole.
func.func @f(%x: tensor<?xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected the slice to end at 8 or before in dim 0, but it covers [9, 9 + 0)}}
  %y = dropout.backward alpha %x p = 0.5 rng(%seed, %offset) at [9] of [8] : tensor<?xf32>
  return
}

// -----

// [A2] A slice at an unknown place is larger than the whole.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64, %i: index) {
  // expected-error@+1 {{expected the slice to end at 3 or before in dim 0, but it covers [0, 0 + 4)}}
  %y = dropout.backward alpha %x p = 0.5 rng(%seed, %offset) at [%i, 0] of [3, 8] : tensor<4x8xf32>
  return
}

// -----

// [T1] An element type that is not f16, bf16, f32 or f64.
func.func @f(%x: tensor<4x8xi32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected elements of f16, bf16, f32 or f64, but got 'i32'}}
  %y = dropout.backward alpha %x p = 0.5 rng(%seed, %offset) : tensor<4x8xi32>
  return
}

// -----

// [T1] Another float.
func.func @f(%x: tensor<4xf8E5M2>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected elements of f16, bf16, f32 or f64, but got 'f8E5M2'}}
  %y = dropout.backward alpha %x p = 0.5 rng(%seed, %offset) : tensor<4xf8E5M2>
  return
}

// -----

// [T1] A complex type.
func.func @f(%x: tensor<4xcomplex<f32>>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected elements of f16, bf16, f32 or f64, but got 'complex<f32>'}}
  %y = dropout.backward alpha %x p = 0.5 rng(%seed, %offset) : tensor<4xcomplex<f32>>
  return
}

// -----

// [T1] A vector type.
func.func @f(%x: tensor<4xvector<4xf32>>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected elements of f16, bf16, f32 or f64, but got 'vector<4xf32>'}}
  %y = dropout.backward alpha %x p = 0.5 rng(%seed, %offset) : tensor<4xvector<4xf32>>
  return
}

// -----

// [T1] An unranked tensor.
func.func @f(%x: tensor<*xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{operand #0 must be ranked tensor of any type values or memref of any type values, but got 'tensor<*xf32>'}}
  %y = dropout.backward alpha %x p = 0.5 rng(%seed, %offset) : tensor<*xf32>
  return
}

// -----

// [T1] A vector.
func.func @f(%x: vector<4xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{operand #0 must be ranked tensor of any type values or memref of any type values, but got 'vector<4xf32>'}}
  %y = dropout.backward alpha %x p = 0.5 rng(%seed, %offset) : vector<4xf32>
  return
}

// -----

// [T1] A scalar.
func.func @f(%x: f32, %seed: i64, %offset: i64) {
  // expected-error@+1 {{operand #0 must be ranked tensor of any type values or memref of any type values, but got 'f32'}}
  %y = dropout.backward alpha %x p = 0.5 rng(%seed, %offset) : f32
  return
}

// -----

// [T1] An unranked memref.
func.func @f(%x: memref<*xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{operand #0 must be ranked tensor of any type values or memref of any type values, but got 'memref<*xf32>'}}
  dropout.backward alpha %x into %x p = 0.5 rng(%seed, %offset) : memref<*xf32>, memref<*xf32>
  return
}

// -----

// [T1] A memref that has no strides.
func.func @f(%x: memref<4x8xf32, affine_map<(d0, d1) -> (d1 floordiv 2, d0, d1 mod 2)>>, %z: memref<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected a strided memref, but got 'memref<4x8xf32, affine_map}}
  dropout.backward alpha %x into %z p = 0.5 rng(%seed, %offset) : memref<4x8xf32, affine_map<(d0, d1) -> (d1 floordiv 2, d0, d1 mod 2)>>, memref<4x8xf32>
  return
}

// -----

// [T1] A destination that has no strides.
func.func @f(%x: memref<4x8xf32>, %z: memref<4x8xf32, affine_map<(d0, d1) -> (d1 floordiv 2, d0, d1 mod 2)>>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected a strided memref, but got 'memref<4x8xf32, affine_map}}
  dropout.backward alpha %x into %z p = 0.5 rng(%seed, %offset) : memref<4x8xf32>, memref<4x8xf32, affine_map<(d0, d1) -> (d1 floordiv 2, d0, d1 mod 2)>>
  return
}

// -----

// [T1] A tensor with an encoding.
func.func @f(%x: tensor<4xf32, "sparse">, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected a tensor without encoding, but got 'tensor<4xf32, "sparse">'}}
  %y = dropout.backward alpha %x p = 0.5 rng(%seed, %offset) : tensor<4xf32, "sparse">
  return
}

// -----

// [T1] No operand to drop.
func.func @f(%seed: i64, %offset: i64) {
  // expected-error@+1 {{expected one operand to drop, but got 0}}
  %y = "dropout.backward"(%seed, %offset) <{p = 0.5 : f64, kind = 2 : i32, operandSegmentSizes = array<i32: 0, 0, 0, 1, 1, 0, 0, 0, 0>}> : (i64, i64) -> (tensor<4x8xf32>)
  return
}

// -----

// [T1] Two operands to drop.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected one operand to drop, but got 2}}
  %y = "dropout.backward"(%x, %x, %seed, %offset) <{p = 0.5 : f64, kind = 2 : i32, operandSegmentSizes = array<i32: 2, 0, 0, 1, 1, 0, 0, 0, 0>}> : (tensor<4x8xf32>, tensor<4x8xf32>, i64, i64) -> (tensor<4x8xf32>)
  return
}

// -----

// [T1] A destination only.
func.func @f(%x: memref<4xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected one operand to drop, but got 0}}
  "dropout.backward"(%x, %seed, %offset) <{p = 0.5 : f64, kind = 2 : i32, operandSegmentSizes = array<i32: 0, 1, 0, 1, 1, 0, 0, 0, 0>}> : (memref<4xf32>, i64, i64) -> ()
  return
}

// -----

// [T2] More elements than 63 bits count.
func.func @f(%x: tensor<4294967296x2147483648xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected less than 2^63 elements, but got 'tensor<4294967296x2147483648xf32>'}}
  %y = dropout.backward alpha %x p = 0.5 rng(%seed, %offset) : tensor<4294967296x2147483648xf32>
  return
}

// -----

// [T2] Static dims alone are too many, whatever the dynamic one is.
func.func @f(%x: tensor<4294967296x?x4294967296xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected less than 2^63 elements, but got 'tensor<4294967296x?x4294967296xf32>'}}
  %y = dropout.backward alpha %x p = 0.5 rng(%seed, %offset) : tensor<4294967296x?x4294967296xf32>
  return
}

// -----

// [T2] The whole tensor is too large.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected less than 2^63 elements in the whole tensor, but got [4294967296, 2147483648]}}
  %y = dropout.backward alpha %x p = 0.5 rng(%seed, %offset) at [0, 0] of [4294967296, 2147483648] : tensor<4x8xf32>
  return
}

// -----

// [F1] A memref without a destination.
func.func @f(%x: memref<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 'into' and a destination for a memref operand}}
  dropout.backward alpha %x p = 0.5 rng(%seed, %offset) : memref<4x8xf32>
  return
}

// -----

// [F1] The same in the generic form.
func.func @f(%x: memref<4xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected a destination for the memref operand, but got none}}
  "dropout.backward"(%x, %seed, %offset) <{p = 0.5 : f64, kind = 2 : i32, operandSegmentSizes = array<i32: 1, 0, 0, 1, 1, 0, 0, 0, 0>}> : (memref<4xf32>, i64, i64) -> ()
  return
}

// -----

// [F1] A tensor with a destination.
func.func @f(%x: tensor<4x8xf32>, %z: memref<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected no destination for a tensor operand, but got 'memref<4x8xf32>'}}
  dropout.backward alpha %x into %z p = 0.5 rng(%seed, %offset) : tensor<4x8xf32>, memref<4x8xf32>
  return
}

// -----

// [F2] A destination of another shape.
func.func @f(%x: memref<4x8xf32>, %z: memref<8x4xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected the destination to have shape [4, 8] and element type 'f32', but got 'memref<8x4xf32>'}}
  dropout.backward alpha %x into %z p = 0.5 rng(%seed, %offset) : memref<4x8xf32>, memref<8x4xf32>
  return
}

// -----

// [F2] A destination of another rank.
func.func @f(%x: memref<?xf32>, %z: memref<?x1xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected the destination to have shape [?] and element type 'f32', but got 'memref<?x1xf32>'}}
  dropout.backward alpha %x into %z p = 0.5 rng(%seed, %offset) : memref<?xf32>, memref<?x1xf32>
  return
}

// -----

// [F2] A destination of another type.
func.func @f(%x: memref<4xf32>, %z: memref<4xf16>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected the destination to have shape [4] and element type 'f32', but got 'memref<4xf16>'}}
  dropout.backward alpha %x into %z p = 0.5 rng(%seed, %offset) : memref<4xf32>, memref<4xf16>
  return
}

// -----

// [F3] The memref form with a result.
func.func @f(%x: memref<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected no results in the memref form, but got 1}}
  %y = "dropout.backward"(%x, %x, %seed, %offset) <{p = 0.5 : f64, kind = 2 : i32, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 0, 0>}> : (memref<4x8xf32>, memref<4x8xf32>, i64, i64) -> (tensor<4x8xf32>)
  return
}

// -----

// [R1] No result.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected one result, but got 0}}
  "dropout.backward"(%x, %seed, %offset) <{p = 0.5 : f64, kind = 2 : i32, operandSegmentSizes = array<i32: 1, 0, 0, 1, 1, 0, 0, 0, 0>}> : (tensor<4x8xf32>, i64, i64) -> ()
  return
}

// -----

// [R1] A result of another type.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected a result of type 'tensor<4x8xf32>', but got 'tensor<8x4xf32>'}}
  %y = "dropout.backward"(%x, %seed, %offset) <{p = 0.5 : f64, kind = 2 : i32, operandSegmentSizes = array<i32: 1, 0, 0, 1, 1, 0, 0, 0, 0>}> : (tensor<4x8xf32>, i64, i64) -> (tensor<8x4xf32>)
  return
}

// -----

// [R1] There is no mask result.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected the type of dy, but got 2 type(s)}}
  %y:2 = dropout.backward alpha %x p = 0.5 rng(%seed, %offset) : tensor<4x8xf32>, tensor<4x8xi1>
  return
}

// -----

// [R1] Nor in the generic form.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{result group starting at #0 requires 0 or 1 element, but found 2}}
  %y:2 = "dropout.backward"(%x, %seed, %offset) <{p = 0.5 : f64, kind = 2 : i32, operandSegmentSizes = array<i32: 1, 0, 0, 1, 1, 0, 0, 0, 0>}> : (tensor<4x8xf32>, i64, i64) -> (tensor<4x8xf32>, tensor<4x8xi1>)
  return
}
