// RUN: dropout-opt %s | FileCheck %s
// RUN: dropout-opt %s | dropout-opt | FileCheck %s
// RUN: dropout-opt %s --mlir-print-op-generic | dropout-opt | FileCheck %s
// RUN: dropout-opt %s --emit-bytecode | dropout-opt | FileCheck %s
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A static mask, the probability as an attribute and as an operand.
// CHECK-LABEL: func @static
// CHECK-SAME: %[[P:.*]]: f64, %[[SEED:.*]]: i64, %[[OFFSET:.*]]: i64, %[[FLAG:.*]]: i1
// CHECK: dropout.mask p = 3.000000e-01 rng(%[[SEED]], %[[OFFSET]]) : tensor<4x8xi1>
// CHECK: dropout.mask p(%[[P]]) rng(%[[SEED]], %[[OFFSET]]) training(%[[FLAG]]) : tensor<i1>
func.func @static(%p: f64, %seed: i64, %offset: i64, %flag: i1) -> (tensor<4x8xi1>, tensor<i1>) {
  %a = dropout.mask p = 0.3 rng(%seed, %offset) : tensor<4x8xi1>
  %b = dropout.mask p(%p) rng(%seed, %offset) training(%flag) : tensor<i1>
  return %a, %b : tensor<4x8xi1>, tensor<i1>
}

// One operand per dynamic size, and a position.
// CHECK-LABEL: func @dynamic
// CHECK-SAME: %[[N:.*]]: index, %[[K:.*]]: index, %[[SEED:.*]]: i64, %[[OFFSET:.*]]: i64
// CHECK: dropout.mask(%[[N]], %[[K]]) p = 3.000000e-01 rng(%[[SEED]], %[[OFFSET]]) : tensor<?x8x?xi1>
// CHECK: dropout.mask(%[[N]]) p = 3.000000e-01 rng(%[[SEED]], %[[OFFSET]]) at [%[[K]], 0] of [1024, 8] : tensor<?x8xi1>
func.func @dynamic(%n: index, %k: index, %seed: i64, %offset: i64) -> (tensor<?x8x?xi1>, tensor<?x8xi1>) {
  %a = dropout.mask(%n, %k) p = 0.3 rng(%seed, %offset) : tensor<?x8x?xi1>
  %b = dropout.mask(%n) p = 0.3 rng(%seed, %offset) at [%k, 0] of [1024, 8] : tensor<?x8xi1>
  return %a, %b : tensor<?x8x?xi1>, tensor<?x8xi1>
}

// A computed threshold in place of p and the flag.
// CHECK-LABEL: func @threshold
// CHECK-SAME: %[[T:.*]]: i64, %[[SEED:.*]]: i64, %[[OFFSET:.*]]: i64
// CHECK: dropout.mask threshold(%[[T]]) rounds = 7 resolution = 8 rng(%[[SEED]], %[[OFFSET]]) : tensor<4x8xi1>
func.func @threshold(%t: i64, %seed: i64, %offset: i64) -> tensor<4x8xi1> {
  %m = dropout.mask threshold(%t) rounds = 7 resolution = 8 rng(%seed, %offset) : tensor<4x8xi1>
  return %m : tensor<4x8xi1>
}

// A transposed mask, and one that repeats along a dim.
// CHECK-LABEL: func @mask_dims
// CHECK: dropout.mask p = 3.000000e-01 mask_dims = [1, 0] rng(%{{.*}}, %{{.*}}) : tensor<4x8xi1>
// CHECK: dropout.mask p = 3.000000e-01 mask_dims = [1] rng(%{{.*}}, %{{.*}}) : tensor<4x8xi1>
// CHECK: dropout.mask p = 3.000000e-01 mask_dims = [] rng(%{{.*}}, %{{.*}}) : tensor<4x8xi1>
func.func @mask_dims(%seed: i64, %offset: i64) {
  %a = dropout.mask p = 0.3 mask_dims = [1, 0] rng(%seed, %offset) : tensor<4x8xi1>
  %b = dropout.mask p = 0.3 mask_dims = [1] rng(%seed, %offset) : tensor<4x8xi1>
  %c = dropout.mask p = 0.3 mask_dims = [] rng(%seed, %offset) : tensor<4x8xi1>
  return
}

// The memref form, the state in memory too.
// CHECK-LABEL: func @memref
// CHECK-SAME: %[[M:.*]]: memref<4x?xi1>, %[[SEED:.*]]: i64, %[[OFFSET:.*]]: i64, %[[T:.*]]: i64, %[[STATE:.*]]: memref<2xi64>
// CHECK: dropout.mask into %[[M]] p = 3.000000e-01 rng(%[[SEED]], %[[OFFSET]]) : memref<4x?xi1>
// CHECK: dropout.mask into %[[M]] threshold(%[[T]]) rng(%[[STATE]] : memref<2xi64>) : memref<4x?xi1>
func.func @memref(%m: memref<4x?xi1>, %seed: i64, %offset: i64, %t: i64, %state: memref<2xi64>) {
  dropout.mask into %m p = 0.3 rng(%seed, %offset) : memref<4x?xi1>
  dropout.mask into %m threshold(%t) rng(%state) : memref<4x?xi1>
  return
}
