// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

func.func @element(%x: tensor<1000x1000xf32>, %p: f64) -> tensor<1000x1000xf32> {
  %y = dropout.element %x p(%p) : tensor<1000x1000xf32>
  return %y : tensor<1000x1000xf32>
}
func.func @channel(%x: tensor<1000x1000xf32>) -> tensor<1000x1000xf32> {
  %y = dropout.channel %x p = 0.25 mask_dims = [0] : tensor<1000x1000xf32>
  return %y : tensor<1000x1000xf32>
}
func.func @alpha(%x: memref<1000x1000xf32>) {
  dropout.alpha %x into %x p = 0.5 : memref<1000x1000xf32>, memref<1000x1000xf32>
  return
}
func.func @coarse(%x: tensor<1000x1000xf32>) -> tensor<1000x1000xf32> {
  %y = dropout.element %x p = 0.1 resolution = 8 : tensor<1000x1000xf32>
  return %y : tensor<1000x1000xf32>
}
func.func @inner(%x: tensor<1000x1000xf32>) -> tensor<1000x1000xf32> {
  %z = arith.addf %x, %x : tensor<1000x1000xf32>
  %y = dropout.element %z p = 0.1 : tensor<1000x1000xf32>
  return %y : tensor<1000x1000xf32>
}
