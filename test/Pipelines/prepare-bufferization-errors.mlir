// RUN: dropout-opt %s --dropout-prepare-bufferization --verify-diagnostics
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

func.func private @callee() -> memref<4xf32>

func.func @freed_twice() {
  // expected-note @+1 {{the call is here}}
  %0 = call @callee() : () -> memref<4xf32>
  // expected-error @+1 {{expected memref.dealloc of memory that this function allocates, but got the result of a call, which is freed automatically}}
  memref.dealloc %0 : memref<4xf32>
  return
}
