// RUN: dropout-opt %s --dropout-legalize-bf16 --verify-diagnostics --split-input-file
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

llvm.func @arithmetic(%x: bf16) -> bf16 {
  // expected-error @+1 {{expected no arithmetic on bf16, but got 'llvm.fadd'}}
  %0 = llvm.fadd %x, %x : bf16
  llvm.return %0 : bf16
}

// -----

// expected-error @+1 {{expected an external function without bf16 values, but got @external}}
llvm.func @external(bf16)
