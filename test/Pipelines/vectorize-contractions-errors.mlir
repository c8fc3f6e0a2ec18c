// RUN: not dropout-opt %s --pass-pipeline='builtin.module(func.func(dropout-vectorize-contractions{vector-bits=384}))' 2>&1 | FileCheck %s
// RUN: not dropout-opt %s --pass-pipeline='builtin.module(func.func(dropout-vectorize-contractions{vector-bits=0}))' 2>&1 | FileCheck %s --check-prefix=ZERO
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// CHECK: [[@LINE+2]]:1: error: expected option 'vector-bits' to be 128, 256 or 512, but got 384
// ZERO: [[@LINE+1]]:1: error: expected option 'vector-bits' to be 128, 256 or 512, but got 0
func.func @f() {
  return
}
