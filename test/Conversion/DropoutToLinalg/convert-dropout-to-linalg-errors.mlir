// RUN: dropout-opt %s -split-input-file -verify-diagnostics --convert-dropout-to-linalg
// RUN: dropout-opt %s -split-input-file -verify-diagnostics --convert-dropout-to-linalg=mask=inline
// RUN: not dropout-opt %s --convert-dropout-to-linalg=mask=memory 2>&1 | FileCheck %s --check-prefix=MASK
// RUN: not dropout-opt %s --convert-dropout-to-linalg=kinds=element,gaussian 2>&1 | FileCheck %s --check-prefix=KINDS
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// MASK: error: expected option 'mask' to be op or inline, but got 'memory'
// KINDS: error: expected option 'kinds' to name element, channel, alpha, feature_alpha or mask, but got 'gaussian'

// An implicit op has no seed and offset to draw from.
func.func @tensor(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{expected an explicit generator, but got an implicit op; run 'dropout-materialize-state' first}}
  %y = dropout.element %x p = 0.3 : tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// In memory, too.
func.func @memref(%x: memref<4xf32>) {
  // expected-error@+1 {{expected an explicit generator, but got an implicit op; run 'dropout-materialize-state' first}}
  dropout.alpha %x into %x p = 0.3 generator("data") : memref<4xf32>, memref<4xf32>
  return
}
