// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Every op of the dialect, in each of its forms.

func.func @state(%p: f64, %flag: i1) -> (i1, i64, i64, f64, f64) {
  %t, %s, %o = dropout.reserve
  %t2, %s2, %o2 = dropout.reserve generator("a \22\C3\A9") training(%flag)
  %q = dropout.check_p %p
  %r = dropout.check_p %q resolution = 8
  return %t, %s, %o2, %q, %r : i1, i64, i64, f64, f64
}

func.func @keep_run(%i: i64, %h: i64, %t: i64, %s: i64, %o: i64) -> (vector<64xi1>, vector<32xi1>) {
  %a = dropout.keep_run %i high(%h) threshold(%t) rng(%s, %o) : vector<64xi1>
  %b = dropout.keep_run %i threshold(%t) rng(%s, %o) rounds = 7 resolution = 8 {note} : vector<32xi1>
  return %a, %b : vector<64xi1>, vector<32xi1>
}

func.func @keep(%i: i64, %t: i64, %s: i64, %o: i64) -> (i1, i1) {
  %a = dropout.keep %i threshold(%t) rng(%s, %o)
  %b = dropout.keep %i threshold(%t) rng(%s, %o) rounds = 7 resolution = 8
  return %a, %b : i1, i1
}

func.func @mask(%m: memref<4x?xi1>, %p: f64, %th: i64, %s: i64, %o: i64, %t: i1, %i: index, %n: index, %state: memref<2xi64>) {
  %a = dropout.mask p = 0.3 mask_dims = [1, 0] rng(%s, %o) : tensor<4x8xi1>
  %b = dropout.mask(%n) p(%p) rounds = 7 resolution = 8 rng(%s, %o) training(%t) at [%i, 0] of [1024, %n] : tensor<?x8xi1>
  %c = dropout.mask threshold(%th) rng(%s, %o) : tensor<i1>
  dropout.mask into %m threshold(%th) rng(%state) : memref<4x?xi1>
  return
}

func.func @tensors(%x: tensor<4x?x6xf32>, %p: f64, %s: i64, %o: i64, %t: i1, %i: index, %n: index) -> tensor<4x?x6xf32> {
  %0 = dropout.element %x p = 0.1 : tensor<4x?x6xf32>
  %1 = dropout.element %0 p(%p) generator("data") training(%t) : tensor<4x?x6xf32>
  %2, %m2 = dropout.element %1 p = 1.0 rng(%s, %o) : tensor<4x?x6xf32>, tensor<4x?x6xi1>
  %3, %m3 = dropout.channel %2 p(%p) mask_dims = [2, 0] rounds = 7 resolution = 8 rng(%s, %o) training(%t) : tensor<4x?x6xf32>, tensor<6x4xi1>
  %4 = dropout.channel %3 p = 0.5 mask_dims = [] rng(%s, %o) : tensor<4x?x6xf32>
  %5, %m5 = dropout.alpha %4 p = 0.3 rng(%s, %o) at [4, %i, 0] of [16, %n, 6] : tensor<4x?x6xf32>, tensor<4x?x6xi1>
  %6, %m6 = dropout.feature_alpha %5 p = 0.3 rng(%s, %o) : tensor<4x?x6xf32>, tensor<4x?xi1>
  %7 = dropout.backward element %6 p = 0.3 rng(%s, %o) : tensor<4x?x6xf32>
  %8 = dropout.backward channel %7 p(%p) mask_dims = [1] rng(%s, %o) training(%t) : tensor<4x?x6xf32>
  %9 = dropout.backward alpha %8 p = 0.3 rounds = 7 rng(%s, %o) at [4, %i, 0] of [16, %n, 6] : tensor<4x?x6xf32>
  %10 = dropout.backward feature_alpha %9 p = 0.25 resolution = 8 rng(%s, %o) {note} : tensor<4x?x6xf32>
  return %10 : tensor<4x?x6xf32>
}

func.func @memrefs(%x: memref<4x8xbf16>, %y: memref<?x8xbf16, strided<[?, 1], offset: ?>>, %p: f64, %s: i64, %o: i64, %state: memref<2xi64>) {
  dropout.element %x into %x p = 0.3 : memref<4x8xbf16>, memref<4x8xbf16>
  dropout.channel %x into %y p(%p) rng(%s, %o) : memref<4x8xbf16>, memref<?x8xbf16, strided<[?, 1], offset: ?>>
  dropout.alpha %y into %x p = 0.3 rng(%state) : memref<?x8xbf16, strided<[?, 1], offset: ?>>, memref<4x8xbf16>
  dropout.feature_alpha %x into %x p = 0.3 mask_dims = [1] rng(%state : memref<2xi64>) : memref<4x8xbf16>, memref<4x8xbf16>
  dropout.backward feature_alpha %x into %y p = 0.3 rng(%s, %o) : memref<4x8xbf16>, memref<?x8xbf16, strided<[?, 1], offset: ?>>
  return
}
