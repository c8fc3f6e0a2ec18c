// RUN: dropout-opt %s --dropout-verify-llvm --verify-diagnostics
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

llvm.func @fine() {
  llvm.return
}

// expected-error @+1 {{expected an op that can be lowered to LLVM, but got 'func.func'}}
func.func @func() {
  return
}

llvm.func @body(%x: f32) -> f32 {
  // expected-error @+1 {{expected an op that can be lowered to LLVM, but got 'math.sin'}}
  %0 = math.sin %x : f32
  llvm.return %0 : f32
}
