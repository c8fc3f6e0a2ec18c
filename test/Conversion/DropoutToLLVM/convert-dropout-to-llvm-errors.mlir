// RUN: dropout-opt %s -split-input-file -verify-diagnostics --convert-dropout-to-llvm
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A name that the runtime needs is taken by a function of another type.
// expected-note@+1 {{}}
func.func private @dropoutReserve(f32)

func.func @taken() {
  // expected-error@+1 {{failed to legalize operation 'dropout.reserve' that was explicitly marked illegal}}
  %a:3 = dropout.reserve
  return
}
