// RUN: dropout-opt %s -split-input-file -verify-diagnostics
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// [P1] Neither the attribute p nor the operand p.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected exactly one of the attribute p and the operand p, but got 0}}
  %y = "dropout.alpha"(%x, %seed, %offset) <{operandSegmentSizes = array<i32: 1, 0, 0, 1, 1, 0, 0, 0, 0>}> : (tensor<4x8xf32>, i64, i64) -> (tensor<4x8xf32>)
  return
}

// -----

// [P1] Both the attribute p and the operand p.
func.func @f(%x: tensor<4x8xf32>, %p: f64, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected exactly one of the attribute p and the operand p, but got 2}}
  %y = "dropout.alpha"(%x, %p, %seed, %offset) <{p = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0, 1, 1, 1, 0, 0, 0, 0>}> : (tensor<4x8xf32>, f64, i64, i64) -> (tensor<4x8xf32>)
  return
}

// -----

// [P2] p above 1.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected p in [0, 1], but got 1.5}}
  %y = dropout.alpha %x p = 1.5 rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// [P3] p rounds to 0/256.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected p to be 0, 1 or to round to 1/256 ... 255/256 with 'resolution' 8, but got 0.001}}
  %y = dropout.alpha %x p = 0.001 resolution = 8 rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// [O1]
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 'rounds' to be 7 or 10, but got 8}}
  %y = dropout.alpha %x p = 0.5 rounds = 8 rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// [O2]
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 'resolution' to be 8 or 16, but got 32}}
  %y = dropout.alpha %x p = 0.5 resolution = 32 rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// [O3]
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 'contract_version' to be 1, but got 2}}
  %y = dropout.alpha %x p = 0.5 rng(%seed, %offset) {contract_version = 2 : i32} : tensor<4x8xf32>
  return
}

// -----

// [D2]
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected no 'mask_dims' for alpha dropout, but got [0]}}
  %y = dropout.alpha %x p = 0.5 mask_dims = [0] rng(%seed, %offset) : tensor<4x8xf32>
  return
}

// -----

// [G1] A seed without an offset.
func.func @f(%x: tensor<4x8xf32>, %seed: i64) {
  // expected-error@+1 {{expected seed and offset together, but got only the seed}}
  %y = "dropout.alpha"(%x, %seed) <{p = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0, 0, 1, 0, 0, 0, 0, 0>}> : (tensor<4x8xf32>, i64) -> (tensor<4x8xf32>)
  return
}

// -----

// [G1] An offset without a seed.
func.func @f(%x: tensor<4x8xf32>, %offset: i64) {
  // expected-error@+1 {{expected seed and offset together, but got only the offset}}
  %y = "dropout.alpha"(%x, %offset) <{p = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0, 0, 0, 1, 0, 0, 0, 0>}> : (tensor<4x8xf32>, i64) -> (tensor<4x8xf32>)
  return
}

// -----

// [G2] A state of another shape.
func.func @f(%x: memref<4x8xf32>, %state: memref<3xi64>) {
  // expected-error@+1 {{expected the state to be memref<2xi64>, but got 'memref<3xi64>'}}
  dropout.alpha %x into %x p = 0.5 rng(%state : memref<3xi64>) : memref<4x8xf32>, memref<4x8xf32>
  return
}

// -----

// [A1] Fewer entries than dims.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 2 entries in 'at' and in 'of', but got 1 and 1}}
  %y = dropout.alpha %x p = 0.5 rng(%seed, %offset) at [0] of [4] : tensor<4x8xf32>
  return
}

// -----

// [A2] A slice that ends behind the whole.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected the slice to end at 8 or before in dim 1, but it covers [1, 1 + 8)}}
  %y = dropout.alpha %x p = 0.5 rng(%seed, %offset) at [0, 1] of [4, 8] : tensor<4x8xf32>
  return
}

// -----

// [T1] An element type that is not f16, bf16, f32 or f64.
func.func @f(%x: tensor<4x8xi32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected elements of f16, bf16, f32 or f64, but got 'i32'}}
  %y = dropout.alpha %x p = 0.5 rng(%seed, %offset) : tensor<4x8xi32>
  return
}

// -----

// [T1] No operand to drop.
func.func @f(%seed: i64, %offset: i64) {
  // expected-error@+1 {{expected one operand to drop, but got 0}}
  %y = "dropout.alpha"(%seed, %offset) <{p = 0.5 : f64, operandSegmentSizes = array<i32: 0, 0, 0, 1, 1, 0, 0, 0, 0>}> : (i64, i64) -> (tensor<4x8xf32>)
  return
}

// -----

// [T2] More elements than 63 bits count.
func.func @f(%x: tensor<4294967296x2147483648xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected less than 2^63 elements, but got 'tensor<4294967296x2147483648xf32>'}}
  %y = dropout.alpha %x p = 0.5 rng(%seed, %offset) : tensor<4294967296x2147483648xf32>
  return
}

// -----

// [F1] A memref without a destination.
func.func @f(%x: memref<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected 'into' and a destination for a memref operand}}
  dropout.alpha %x p = 0.5 rng(%seed, %offset) : memref<4x8xf32>
  return
}

// -----

// [F1] A tensor with a destination.
func.func @f(%x: tensor<4x8xf32>, %z: memref<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected no destination for a tensor operand, but got 'memref<4x8xf32>'}}
  dropout.alpha %x into %z p = 0.5 rng(%seed, %offset) : tensor<4x8xf32>, memref<4x8xf32>
  return
}

// -----

// [F2] A destination of another shape.
func.func @f(%x: memref<4x8xf32>, %z: memref<8x4xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected the destination to have shape [4, 8] and element type 'f32', but got 'memref<8x4xf32>'}}
  dropout.alpha %x into %z p = 0.5 rng(%seed, %offset) : memref<4x8xf32>, memref<8x4xf32>
  return
}

// -----

// [F3] The memref form with a result.
func.func @f(%x: memref<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected no results in the memref form, but got 1}}
  %y = "dropout.alpha"(%x, %x, %seed, %offset) <{p = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 0, 0>}> : (memref<4x8xf32>, memref<4x8xf32>, i64, i64) -> (tensor<4x8xf32>)
  return
}

// -----

// [R1] No result.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected one result, or two with the mask, but got 0}}
  "dropout.alpha"(%x, %seed, %offset) <{p = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0, 0, 1, 1, 0, 0, 0, 0>}> : (tensor<4x8xf32>, i64, i64) -> ()
  return
}

// -----

// [R1] A result of another type.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected a result of type 'tensor<4x8xf32>', but got 'tensor<8x4xf32>'}}
  %y = "dropout.alpha"(%x, %seed, %offset) <{p = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0, 0, 1, 1, 0, 0, 0, 0>}> : (tensor<4x8xf32>, i64, i64) -> (tensor<8x4xf32>)
  return
}

// -----

// [R2] A mask of another shape.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected a mask of type 'tensor<4x8xi1>', but got 'tensor<8xi1>'}}
  %y:2 = dropout.alpha %x p = 0.5 rng(%seed, %offset) : tensor<4x8xf32>, tensor<8xi1>
  return
}

// -----

// [R2] A mask of bytes.
func.func @f(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected a mask of type 'tensor<4x8xi1>', but got 'tensor<4x8xi8>'}}
  %y:2 = dropout.alpha %x p = 0.5 rng(%seed, %offset) : tensor<4x8xf32>, tensor<4x8xi8>
  return
}

// -----

// [R2] The mask of an implicit op.
func.func @f(%x: tensor<4x8xf32>) {
  // expected-error@+1 {{expected seed and offset for a mask result, but got an implicit op}}
  %y:2 = dropout.alpha %x p = 0.5 : tensor<4x8xf32>, tensor<4x8xi1>
  return
}
