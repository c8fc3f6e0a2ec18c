// RUN: dropout-opt %s -split-input-file -verify-diagnostics --dropout-verify-lowered
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Each op that is left is reported, and the pass that it needs named.
func.func @tensor(%x: tensor<4xf32>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected to be lowered, but got here; run 'dropout-materialize-state' before}}
  %a = dropout.element %x p = 0.3 : tensor<4xf32>
  // expected-error@+1 {{expected to be lowered, but got here; run 'convert-dropout-to-linalg' before}}
  %b = dropout.alpha %x p = 0.3 rng(%seed, %offset) : tensor<4xf32>
  // expected-error@+1 {{expected to be lowered, but got here; run 'convert-dropout-to-linalg' before}}
  %c = dropout.backward alpha %x p = 0.3 rng(%seed, %offset) : tensor<4xf32>
  // expected-error@+1 {{expected to be lowered, but got here; run 'dropout-inline-mask' before}}
  %d = dropout.mask p = 0.3 rng(%seed, %offset) : tensor<4xi1>
  return
}

// -----

// On memrefs there are two lowerings.
func.func @memref(%x: memref<4xf32>, %m: memref<4xi1>, %seed: i64, %offset: i64) {
  // expected-error@+1 {{expected to be lowered, but got here; run 'dropout-materialize-state' before}}
  dropout.element %x into %x p = 0.3 : memref<4xf32>, memref<4xf32>
  // expected-error@+1 {{expected to be lowered, but got here; run 'convert-dropout-to-linalg' or 'convert-dropout-to-affine' before}}
  dropout.element %x into %x p = 0.3 rng(%seed, %offset) : memref<4xf32>, memref<4xf32>
  // expected-error@+1 {{expected to be lowered, but got here; run 'convert-dropout-to-linalg' or 'convert-dropout-to-affine' before}}
  dropout.mask into %m p = 0.3 rng(%seed, %offset) : memref<4xi1>
  return
}

// -----

// A bit that was not expanded.
func.func @keep(%i: i64, %t: i64, %seed: i64, %offset: i64) -> i1 {
  // expected-error@+1 {{expected to be lowered, but got here; run 'convert-dropout-to-arith' before}}
  %k = dropout.keep %i threshold(%t) rng(%seed, %offset)
  return %k : i1
}
