// RUN: dropout-opt %s --convert-dropout-to-linalg=mask=inline | FileCheck %s --implicit-check-not=dropout.
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A mask that is wanted becomes a generic of its own.
// CHECK-LABEL: func @mask
// CHECK: linalg.generic
// CHECK-SAME: outs(%{{.*}} : tensor<4x?xi1>)
// CHECK-COUNT-40: arith.mului_extended
// CHECK-NOT: arith.mului_extended
// CHECK: linalg.yield %{{.*}} : i1
func.func @mask(%n: index, %p: f64, %seed: i64, %offset: i64) -> tensor<4x?xi1> {
  %m = dropout.mask(%n) p(%p) rng(%seed, %offset) : tensor<4x?xi1>
  return %m : tensor<4x?xi1>
}
