// RUN: dropout-opt %s --convert-dropout-to-linalg=kinds=alpha | FileCheck %s
// RUN: dropout-opt %s --convert-dropout-to-affine=kinds=alpha | FileCheck %s
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A mask result of a kind that is not asked for stays where it is.
// CHECK: dropout.element %{{.*}} p = 5.000000e-01 rng(%{{.*}}, %{{.*}}) : tensor<4xf32>, tensor<4xi1>
func.func @mask_result(%x: tensor<4xf32>, %seed: i64, %offset: i64) -> (tensor<4xf32>, tensor<4xi1>) {
  %y, %m = dropout.element %x p = 0.5 rng(%seed, %offset) : tensor<4xf32>, tensor<4xi1>
  return %y, %m : tensor<4xf32>, tensor<4xi1>
}
