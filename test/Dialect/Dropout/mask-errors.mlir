// RUN: dropout-opt %s -split-input-file -verify-diagnostics
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// [P1] [M1] Neither p nor a threshold.
func.func @f(%seed: i64, %offset: i64) {
  // expected-error@+1 {{expected exactly one of the attribute p, the operand p and the threshold, but got 0}}
  %m = "dropout.mask"(%seed, %offset) <{operandSegmentSizes = array<i32: 0, 0, 0, 0, 1, 1, 0, 0, 0, 0>}> : (i64, i64) -> (tensor<4x8xi1>)
  return
}

// -----

// [P1] [M1] p and a threshold.
func.func @f(%t: i64, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected exactly one of the attribute p, the operand p and the threshold, but got 2}}
  %m = "dropout.mask"(%t, %seed, %offset) <{p = 0.5 : f64, operandSegmentSizes = array<i32: 0, 0, 0, 1, 1, 1, 0, 0, 0, 0>}> : (i64, i64, i64) -> (tensor<4x8xi1>)
  return
}

// -----

// [P1] [M1] All three.
func.func @f(%p: f64, %t: i64, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected exactly one of the attribute p, the operand p and the threshold, but got 3}}
  %m = "dropout.mask"(%p, %t, %seed, %offset) <{p = 0.5 : f64, operandSegmentSizes = array<i32: 0, 0, 1, 1, 1, 1, 0, 0, 0, 0>}> : (f64, i64, i64, i64) -> (tensor<4x8xi1>)
  return
}

// -----

// [P2]
func.func @f(%seed: i64, %offset: i64) {
  // expected-error@+1 {{expected p in [0, 1], but got -1}}
  %m = dropout.mask p = -1 rng(%seed, %offset) : tensor<4x8xi1>
  return
}

// -----

// [P3]
func.func @f(%seed: i64, %offset: i64) {
  // expected-error@+1 {{expected p to be 0, 1 or to round to 1/256 ... 255/256 with 'resolution' 8, but got 1e-04}}
  %m = dropout.mask p = 0.0001 resolution = 8 rng(%seed, %offset) : tensor<4x8xi1>
  return
}

// -----

// [O1]
func.func @f(%seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 'rounds' to be 7 or 10, but got 0}}
  %m = dropout.mask p = 0.5 rounds = 0 rng(%seed, %offset) : tensor<4x8xi1>
  return
}

// -----

// [O2]
func.func @f(%seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 'resolution' to be 8 or 16, but got -8}}
  %m = dropout.mask p = 0.5 resolution = -8 rng(%seed, %offset) : tensor<4x8xi1>
  return
}

// -----

// [O3]
func.func @f(%seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 'contract_version' to be 1, but got 0}}
  %m = dropout.mask p = 0.5 rng(%seed, %offset) {contract_version = 0 : i32} : tensor<4x8xi1>
  return
}

// -----

// [D1] A dim that is not there.
func.func @f(%seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 'mask_dims' in [0, 2), but got [2]}}
  %m = dropout.mask p = 0.5 mask_dims = [2] rng(%seed, %offset) : tensor<4x8xi1>
  return
}

// -----

// [D1] A dim twice.
func.func @f(%seed: i64, %offset: i64) {
  // expected-error@+1 {{expected distinct 'mask_dims', but got [0, 0]}}
  %m = dropout.mask p = 0.5 mask_dims = [0, 0] rng(%seed, %offset) : tensor<4x8xi1>
  return
}

// -----

// [M2] A mask of bytes.
func.func @f(%seed: i64, %offset: i64) {
  // expected-error@+1 {{expected a mask of i1, but got 'tensor<4xi8>'}}
  %m = dropout.mask p = 0.5 rng(%seed, %offset) : tensor<4xi8>
  return
}

// -----

// [M2] A mask of unsigned bits.
func.func @f(%seed: i64, %offset: i64) {
  // expected-error@+1 {{expected a mask of i1, but got 'tensor<4xui1>'}}
  %m = dropout.mask p = 0.5 rng(%seed, %offset) : tensor<4xui1>
  return
}

// -----

// [M2] A destination of floats.
func.func @f(%d: memref<4xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected a mask of i1, but got 'memref<4xf32>'}}
  dropout.mask into %d p = 0.5 rng(%seed, %offset) : memref<4xf32>
  return
}

// -----

// [M3] A dynamic size without an operand.
func.func @f(%seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 1 dynamic size(s) for 'tensor<4x?xi1>', but got 0}}
  %m = dropout.mask p = 0.5 rng(%seed, %offset) : tensor<4x?xi1>
  return
}

// -----

// [M3] An operand without a dynamic size.
func.func @f(%n: index, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 0 dynamic size(s) for 'tensor<4x8xi1>', but got 1}}
  %m = dropout.mask(%n) p = 0.5 rng(%seed, %offset) : tensor<4x8xi1>
  return
}

// -----

// [M3] Sizes beside a destination, which has its own.
func.func @f(%n: index, %d: memref<?xi1>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected no dynamic sizes beside a destination, but got 1}}
  dropout.mask(%n) into %d p = 0.5 rng(%seed, %offset) : memref<?xi1>
  return
}

// -----

// [M4]
func.func @f(%t: i64, %flag: i1, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected no training flag beside a threshold, which stands for it, but got both}}
  %m = dropout.mask threshold(%t) rng(%seed, %offset) training(%flag) : tensor<4x8xi1>
  return
}

// -----

// [B1] There is no implicit form.
func.func @f() {
  // expected-error@+1 {{expected the seed and offset of the forward op, as there is no implicit form, but got none}}
  %m = dropout.mask p = 0.5 : tensor<4x8xi1>
  return
}

// -----

// [B1] Nor one with a generator's name.
func.func @f() {
  // expected-error@+1 {{expected the seed and offset of the forward op, as there is no implicit form, but got none}}
  %m = dropout.mask p = 0.5 generator("data") : tensor<4x8xi1>
  return
}

// -----

// [G1] A seed without an offset.
func.func @f(%seed: i64) {
  // expected-error@+1 {{expected seed and offset together, but got only the seed}}
  %m = "dropout.mask"(%seed) <{p = 0.5 : f64, operandSegmentSizes = array<i32: 0, 0, 0, 0, 1, 0, 0, 0, 0, 0>}> : (i64) -> (tensor<4x8xi1>)
  return
}

// -----

// [G1] Seed and offset beside a generator's name.
func.func @f(%seed: i64, %offset: i64) {
  // expected-error@+1 {{expected at most one of seed and offset, a state and a generator's name, but got 2}}
  %m = "dropout.mask"(%seed, %offset) <{p = 0.5 : f64, generator = "data", operandSegmentSizes = array<i32: 0, 0, 0, 0, 1, 1, 0, 0, 0, 0>}> : (i64, i64) -> (tensor<4x8xi1>)
  return
}

// -----

// [G2] A state in the tensor form.
func.func @f(%state: memref<2xi64>) {
  // expected-error@+1 {{expected a state only in the memref form, but the operand is 'tensor<4x8xi1>'}}
  %m = dropout.mask p = 0.5 rng(%state) : tensor<4x8xi1>
  return
}

// -----

// [G2] A state of another shape.
func.func @f(%d: memref<4xi1>, %state: memref<?xi64>) {
  // expected-error@+1 {{expected the state to be memref<2xi64>, but got 'memref<?xi64>'}}
  dropout.mask into %d p = 0.5 rng(%state : memref<?xi64>) : memref<4xi1>
  return
}

// -----

// [A1]
func.func @f(%seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 2 entries in 'at' and in 'of', but got 3 and 3}}
  %m = dropout.mask p = 0.5 rng(%seed, %offset) at [0, 0, 0] of [4, 8, 1] : tensor<4x8xi1>
  return
}

// -----

// [A2]
func.func @f(%seed: i64, %offset: i64) {
  // expected-error@+1 {{expected the slice to end at 8 or before in dim 0, but it covers [5, 5 + 4)}}
  %m = dropout.mask p = 0.5 rng(%seed, %offset) at [5, 0] of [8, 8] : tensor<4x8xi1>
  return
}

// -----

// [T1] A destination that has no strides.
func.func @f(%d: memref<4x8xi1, affine_map<(d0, d1) -> (d1 floordiv 2, d0, d1 mod 2)>>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected a strided memref, but got 'memref<4x8xi1, affine_map}}
  dropout.mask into %d p = 0.5 rng(%seed, %offset) : memref<4x8xi1, affine_map<(d0, d1) -> (d1 floordiv 2, d0, d1 mod 2)>>
  return
}

// -----

// [T1] An unranked result.
func.func @f(%seed: i64, %offset: i64) {
  // expected-error@+1 {{result #0 must be ranked tensor of any type values, but got 'tensor<*xi1>'}}
  %m = dropout.mask p = 0.5 rng(%seed, %offset) : tensor<*xi1>
  return
}

// -----

// [T1] A vector is no mask tensor.
func.func @f(%seed: i64, %offset: i64) {
  // expected-error@+1 {{result #0 must be ranked tensor of any type values, but got 'vector<8xi1>'}}
  %m = dropout.mask p = 0.5 rng(%seed, %offset) : vector<8xi1>
  return
}

// -----

// [T1] A mask with an encoding.
func.func @f(%seed: i64, %offset: i64) {
  // expected-error@+1 {{expected a tensor without encoding, but got 'tensor<4xi1, "sparse">'}}
  %m = dropout.mask p = 0.5 rng(%seed, %offset) : tensor<4xi1, "sparse">
  return
}

// -----

// [T2]
func.func @f(%seed: i64, %offset: i64) {
  // expected-error@+1 {{expected less than 2^63 elements, but got 'tensor<9223372036854775807x2xi1>'}}
  %m = dropout.mask p = 0.5 rng(%seed, %offset) : tensor<9223372036854775807x2xi1>
  return
}

// -----

// [F1] A memref can't be a result.
func.func @f(%seed: i64, %offset: i64) {
  // expected-error@+1 {{result #0 must be ranked tensor of any type values, but got 'memref<4xi1>'}}
  %m = dropout.mask p = 0.5 rng(%seed, %offset) : memref<4xi1>
  return
}

// -----

// [F1] Neither a result nor a destination.
func.func @f(%seed: i64, %offset: i64) {
  // expected-error@+1 {{expected a result or a destination, but got none}}
  "dropout.mask"(%seed, %offset) <{p = 0.5 : f64, operandSegmentSizes = array<i32: 0, 0, 0, 0, 1, 1, 0, 0, 0, 0>}> : (i64, i64) -> ()
  return
}

// -----

// [F1] A tensor can't be a destination.
func.func @f(%d: tensor<4x8xi1>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{operand #0 must be memref of any type values, but got 'tensor<4x8xi1>'}}
  dropout.mask into %d p = 0.5 rng(%seed, %offset) : tensor<4x8xi1>
  return
}

// -----

// [F3] A destination and a result.
func.func @f(%d: memref<4x8xi1>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected no result in the memref form, but got 1}}
  %m = "dropout.mask"(%d, %seed, %offset) <{p = 0.5 : f64, operandSegmentSizes = array<i32: 0, 1, 0, 0, 1, 1, 0, 0, 0, 0>}> : (memref<4x8xi1>, i64, i64) -> (tensor<4x8xi1>)
  return
}

// -----

// One type, not two.
func.func @f(%seed: i64, %offset: i64) {
  // expected-error@+1 {{expected one type, but got 2}}
  %m:2 = dropout.mask p = 0.5 rng(%seed, %offset) : tensor<4x8xi1>, tensor<4x8xi1>
  return
}

// -----

// Sizes are `index`.
// expected-note@+1 {{prior use here}}
func.func @f(%n: i64, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expects different type than prior uses: 'index' vs 'i64'}}
  %m = dropout.mask(%n) p = 0.5 rng(%seed, %offset) : tensor<?xi1>
  return
}

// -----

// A threshold is an operand.
func.func @f(%seed: i64, %offset: i64) {
  // expected-error@+1 {{expected '('}}
  %m = dropout.mask threshold = 5 rng(%seed, %offset) : tensor<4x8xi1>
  return
}
