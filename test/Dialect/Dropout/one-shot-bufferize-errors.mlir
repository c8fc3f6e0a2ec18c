// RUN: dropout-opt %s -split-input-file -verify-diagnostics --one-shot-bufferize=bufferize-function-boundaries
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The place of an implicit op in the order of draws is not known to
// bufferization.
func.func @implicit(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{expected an explicit generator, but got an implicit op; run 'dropout-materialize-state' first}}
  %y = dropout.element %x p = 0.3 : tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// A mask result is split off first.
func.func @mask_result(%x: tensor<4x2xf32>, %seed: i64, %offset: i64) -> (tensor<4x2xf32>, tensor<4x2xi1>) {
  // expected-error@+1 {{expected one result for bufferization, but got a mask result, too; run 'canonicalize' first, which splits it off}}
  %y, %m = dropout.channel %x p = 0.3 rng(%seed, %offset) : tensor<4x2xf32>, tensor<4x2xi1>
  return %y, %m : tensor<4x2xf32>, tensor<4x2xi1>
}
