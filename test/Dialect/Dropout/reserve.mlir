// RUN: dropout-opt %s | FileCheck %s
// RUN: dropout-opt %s | dropout-opt | FileCheck %s
// RUN: dropout-opt %s --mlir-print-op-generic | dropout-opt | FileCheck %s
// RUN: dropout-opt %s --emit-bytecode | dropout-opt | FileCheck %s
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The default generator in the runtime's mode.
// CHECK-LABEL: func @default
// CHECK: %{{.*}}, %{{.*}}, %{{.*}} = dropout.reserve{{$}}
func.func @default() -> (i1, i64, i64) {
  %train, %seed, %offset = dropout.reserve
  return %train, %seed, %offset : i1, i64, i64
}

// A named generator, and a flag in place of the mode.
// CHECK-LABEL: func @named
// CHECK-SAME: %[[FLAG:.*]]: i1
// CHECK: dropout.reserve generator("data") training(%[[FLAG]])
// CHECK: dropout.reserve training(%[[FLAG]])
// CHECK: dropout.reserve generator("data") {note}
func.func @named(%flag: i1) {
  %a:3 = dropout.reserve generator("data") training(%flag)
  %b:3 = dropout.reserve training(%flag)
  %c:3 = dropout.reserve generator("data") {note}
  return
}
