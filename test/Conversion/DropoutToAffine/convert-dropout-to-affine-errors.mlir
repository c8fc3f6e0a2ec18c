// RUN: dropout-opt %s -split-input-file -verify-diagnostics --convert-dropout-to-affine
// RUN: not dropout-opt %s --convert-dropout-to-affine=kinds=dropout 2>&1 | FileCheck %s
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// CHECK: error: expected option 'kinds' to name element, channel, alpha, feature_alpha or mask, but got 'dropout'

// Tensors are bufferized first.
func.func @tensor(%x: tensor<4xf32>, %seed: i64, %offset: i64) -> tensor<4xf32> {
  // expected-error@+1 {{expected the memref form, but got a tensor; run 'one-shot-bufferize' first, or use 'convert-dropout-to-linalg'}}
  %y = dropout.element %x p = 0.3 rng(%seed, %offset) : tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// A mask tensor, too.
func.func @mask(%seed: i64, %offset: i64) -> tensor<4xi1> {
  // expected-error@+1 {{expected the memref form, but got a tensor; run 'one-shot-bufferize' first, or use 'convert-dropout-to-linalg'}}
  %m = dropout.mask p = 0.3 rng(%seed, %offset) : tensor<4xi1>
  return %m : tensor<4xi1>
}

// -----

// Implicit ops have no seed and offset to draw from.
func.func @implicit(%x: memref<4xf32>) {
  // expected-error@+1 {{expected an explicit generator, but got an implicit op; run 'dropout-materialize-state' first}}
  dropout.element %x into %x p = 0.3 : memref<4xf32>, memref<4xf32>
  return
}
