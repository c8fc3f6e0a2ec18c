// RUN: dropout-opt %s --convert-to-llvm | FileCheck %s --implicit-check-not=dropout.
// RUN: dropout-opt %s --convert-to-llvm="dynamic=1" | FileCheck %s --implicit-check-not=dropout.
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Upstream's pass finds our patterns through the interface, and expands a single
// bit without a branch: two blocks of ten rounds.
// CHECK: llvm.func @dropoutCheckPForResolution
// CHECK-LABEL: llvm.func @all
// CHECK: llvm.call @dropoutReserve
// CHECK: llvm.call @dropoutCheckPForResolution
// CHECK-NOT: llvm.cond_br
// CHECK: llvm.icmp "uge"
// CHECK: llvm.return
func.func @all(%p: f64, %i: i64, %t: i64) -> (f64, i1) {
  %train, %seed, %offset = dropout.reserve
  %q = dropout.check_p %p
  %k = dropout.keep %i threshold(%t) rng(%seed, %offset)
  return %q, %k : f64, i1
}
