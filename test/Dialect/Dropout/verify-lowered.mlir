// RUN: dropout-opt %s --dropout-verify-lowered | FileCheck %s
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// State and checks become runtime calls later; nothing else is left.
// CHECK-LABEL: func @state
// CHECK: dropout.reserve
// CHECK: dropout.check_p
func.func @state(%p: f64) -> (i64, f64) {
  %train, %seed, %offset = dropout.reserve
  %q = dropout.check_p %p
  return %seed, %q : i64, f64
}
