// RUN: dropout-opt %s -verify-diagnostics --pass-pipeline='builtin.module(func.func(dropout-specialize-mode{mode=test}))'
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// There are two modes.
// expected-error@+1 {{expected option 'mode' to be train or eval, but got 'test'}}
func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = dropout.element %x p = 0.3 : tensor<4xf32>
  return %y : tensor<4xf32>
}
