// RUN: dropout-opt %s --dropout-emit-entry-points --verify-diagnostics --split-input-file
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// expected-error @+1 {{expected the name @dropout_f of the entry point to be free}}
func.func @f() {
  return
}
// expected-note @+1 {{it is taken here}}
func.func @dropout_f() {
  return
}

// -----

// expected-note @+1 {{it is taken here}}
func.func @"a.b"() {
  return
}
// expected-error @+1 {{expected the name @dropout_a_b of the entry point to be free}}
func.func @a_b() {
  return
}

// -----

func.func @f() {
  return
}
// expected-error @+1 {{redefinition of function 'dropoutClearStatus' of different type '!llvm.func<void ()>' is prohibited}}
llvm.func @dropoutClearStatus(i32)
