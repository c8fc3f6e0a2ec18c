// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

func.func @explicit(%x: tensor<?x8xf32>, %p: f64, %seed: i64, %offset: i64, %train: i1) -> tensor<?x8xf32> {
  %y = dropout.element %x p(%p) rng(%seed, %offset) training(%train) : tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
func.func @implicit(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %y = dropout.element %x p = 0.3 : tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}
func.func @draw() -> (i1, i64, i64) {
  %t, %s, %o = dropout.reserve
  return %t, %s, %o : i1, i64, i64
}
func.func @inplace(%x: memref<?x?xf32, strided<[?, ?], offset: ?>>, %seed: i64, %offset: i64) {
  dropout.element %x into %x p = 0.3 rng(%seed, %offset)
    : memref<?x?xf32, strided<[?, ?], offset: ?>>, memref<?x?xf32, strided<[?, ?], offset: ?>>
  return
}
func.func @copy(%x: memref<4x8xf32>, %y: memref<4x8xf32>) -> i64 {
  %n = arith.constant -1 : i64
  memref.copy %x, %y : memref<4x8xf32> to memref<4x8xf32>
  return %n : i64
}
// The second p is computed, so its error is found after the first draw.
func.func @late(%x: tensor<4x8xf32>, %p: f64) -> tensor<4x8xf32> {
  %one = arith.constant 1.0 : f64
  %q = arith.addf %p, %one : f64
  %y = dropout.element %x p = 0.3 : tensor<4x8xf32>
  %z = dropout.element %y p(%q) : tensor<4x8xf32>
  return %z : tensor<4x8xf32>
}
func.func @named(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %y = dropout.element %x p = 0.3 generator("data") : tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}
func.func @scalars(%a: i1, %b: i8, %c: i64, %d: index, %e: f16, %f: bf16, %g: f32, %h: f64)
    -> (i1, i8, i64, index, f16, bf16, f32, f64) {
  return %a, %b, %c, %d, %e, %f, %g, %h : i1, i8, i64, index, f16, bf16, f32, f64
}
func.func @sized(%n: index) -> tensor<?xi8> {
  %e = tensor.empty(%n) : tensor<?xi8>
  return %e : tensor<?xi8>
}
func.func private @hidden(%x: f32) -> f32 {
  return %x : f32
}
func.func private @declared(f32) -> f32
func.func @vectors(%x: vector<4xf32>) {
  return
}
