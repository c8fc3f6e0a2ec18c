// RUN: dropout-opt %s --convert-dropout-to-linalg=kinds=alpha | FileCheck %s
// RUN: dropout-opt %s --convert-dropout-to-affine=kinds=alpha | FileCheck %s
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// An op that is not asked for is no error, implicit or not.
// CHECK: dropout.element %{{.*}} p = 5.000000e-01 : tensor<4xf32>
func.func @implicit(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = dropout.element %x p = 0.5 : tensor<4xf32>
  return %y : tensor<4xf32>
}
