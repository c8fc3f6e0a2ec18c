// RUN: dropout-opt %s -split-input-file -verify-diagnostics --convert-dropout-to-llvm
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A name that the runtime needs is taken by a function of another type.
// expected-error@+1 {{redefinition of function 'dropoutReserve' of different type}}
llvm.func @dropoutReserve(f32)

func.func @reserve() {
  // expected-error@+1 {{failed to legalize operation 'dropout.reserve' that was explicitly marked illegal}}
  %a:3 = dropout.reserve
  return
}

// -----

// The same for the check.
// expected-error@+1 {{redefinition of function 'dropoutCheckPForResolution' of different type}}
llvm.func @dropoutCheckPForResolution(f64) -> f64

func.func @check(%p: f64) -> f64 {
  // expected-error@+1 {{failed to legalize operation 'dropout.check_p' that was explicitly marked illegal}}
  %q = dropout.check_p %p
  return %q : f64
}

// -----

// What no lowering has taken is named with the pass that takes it.
func.func @survivor(%x: memref<4xf32>, %s: i64, %o: i64) {
  // expected-error@+1 {{expected to be lowered, but got here; run 'convert-dropout-to-linalg' or 'convert-dropout-to-affine' before}}
  dropout.element %x into %x p = 0.3 rng(%s, %o) : memref<4xf32>, memref<4xf32>
  return
}
