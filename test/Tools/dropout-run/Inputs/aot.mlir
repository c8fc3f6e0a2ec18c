// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

func.func @layer(%x: tensor<?x8xf32>, %bias: tensor<8xf32>, %p: f64, %seed: i64, %offset: i64, %training: i1)
    -> (tensor<?x8xf32>, tensor<?x8xi1>) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%n) : tensor<?x8xf32>
  %b = linalg.broadcast ins(%bias : tensor<8xf32>) outs(%e : tensor<?x8xf32>) dimensions = [0]
  %s = arith.addf %x, %b : tensor<?x8xf32>
  %y, %m = dropout.element %s p(%p) rng(%seed, %offset) training(%training) : tensor<?x8xf32>, tensor<?x8xi1>
  return %y, %m : tensor<?x8xf32>, tensor<?x8xi1>
}
func.func @inplace(%x: memref<?x?xbf16, strided<[?, ?], offset: ?>>, %p: f64) {
  dropout.element %x into %x p(%p)
    : memref<?x?xbf16, strided<[?, ?], offset: ?>>, memref<?x?xbf16, strided<[?, ?], offset: ?>>
  return
}
// Names that the C library has, too.
func.func @main(%x: f16) -> f16 {
  return %x : f16
}
func.func @exp(%x: i1) -> (i1, index) {
  %c = arith.constant -5 : index
  return %x, %c : i1, index
}
