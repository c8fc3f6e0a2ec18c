// RUN: dropout-opt %s | FileCheck %s
// RUN: dropout-opt %s | dropout-opt | FileCheck %s
// RUN: dropout-opt %s --mlir-print-op-generic | dropout-opt | FileCheck %s
// RUN: dropout-opt %s --emit-bytecode | dropout-opt | FileCheck %s
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The explicit tensor form, p as an attribute.
// CHECK-LABEL: func @attribute
// CHECK-SAME: %[[X:.*]]: tensor<4x8xf32>, %[[SEED:.*]]: i64, %[[OFFSET:.*]]: i64
// CHECK: dropout.element %[[X]] p = 3.000000e-01 rng(%[[SEED]], %[[OFFSET]]) : tensor<4x8xf32>
func.func @attribute(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) -> tensor<4x8xf32> {
  %y = dropout.element %x p = 0.3 rng(%seed, %offset) : tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// p and the training flag as operands, a dynamic shape.
// CHECK-LABEL: func @operands
// CHECK-SAME: %[[X:.*]]: tensor<?x8xbf16>, %[[P:.*]]: f64, %[[SEED:.*]]: i64, %[[OFFSET:.*]]: i64, %[[FLAG:.*]]: i1
// CHECK: dropout.element %[[X]] p(%[[P]]) rng(%[[SEED]], %[[OFFSET]]) training(%[[FLAG]]) : tensor<?x8xbf16>
func.func @operands(%x: tensor<?x8xbf16>, %p: f64, %seed: i64, %offset: i64, %flag: i1) -> tensor<?x8xbf16> {
  %y = dropout.element %x p(%p) rng(%seed, %offset) training(%flag) : tensor<?x8xbf16>
  return %y : tensor<?x8xbf16>
}

// Without `rng` the op is implicit; with a name it draws from that generator.
// CHECK-LABEL: func @implicit
// CHECK-SAME: %[[X:.*]]: tensor<4x8xf32>, %[[FLAG:.*]]: i1
// CHECK: %[[A:.*]] = dropout.element %[[X]] p = 3.000000e-01 : tensor<4x8xf32>
// CHECK: %[[B:.*]] = dropout.element %[[A]] p = 3.000000e-01 generator("data") : tensor<4x8xf32>
// CHECK: dropout.element %[[B]] p = 3.000000e-01 generator("\22a\C3\A9\22") training(%[[FLAG]]) : tensor<4x8xf32>
func.func @implicit(%x: tensor<4x8xf32>, %flag: i1) -> tensor<4x8xf32> {
  %a = dropout.element %x p = 0.3 : tensor<4x8xf32>
  %b = dropout.element %a p = 0.3 generator("data") : tensor<4x8xf32>
  %c = dropout.element %b p = 0.3 generator("\22a\C3\A9\22") training(%flag) : tensor<4x8xf32>
  return %c : tensor<4x8xf32>
}

// The memref form: in place, into a buffer of another layout and size type,
// implicit, and with the state in memory.
// CHECK-LABEL: func @memref
// CHECK-SAME: %[[X:.*]]: memref<4x8xf32>, %[[Y:.*]]: memref<?x8xf32, strided<[?, 1], offset: ?>>, %[[SEED:.*]]: i64, %[[OFFSET:.*]]: i64, %[[STATE:.*]]: memref<2xi64>
// CHECK-NEXT: dropout.element %[[X]] into %[[X]] p = 3.000000e-01 rng(%[[SEED]], %[[OFFSET]]) : memref<4x8xf32>, memref<4x8xf32>
// CHECK-NEXT: dropout.element %[[X]] into %[[Y]] p = 3.000000e-01 rng(%[[SEED]], %[[OFFSET]]) : memref<4x8xf32>, memref<?x8xf32, strided<[?, 1], offset: ?>>
// CHECK-NEXT: dropout.element %[[Y]] into %[[X]] p = 3.000000e-01 : memref<?x8xf32, strided<[?, 1], offset: ?>>, memref<4x8xf32>
// CHECK-NEXT: dropout.element %[[X]] into %[[X]] p = 3.000000e-01 rng(%[[STATE]] : memref<2xi64>) : memref<4x8xf32>, memref<4x8xf32>
// CHECK-NEXT: dropout.element %[[X]] into %[[X]] p = 3.000000e-01 rng(%[[STATE]] : memref<2xi64>) : memref<4x8xf32>, memref<4x8xf32>
func.func @memref(%x: memref<4x8xf32>, %y: memref<?x8xf32, strided<[?, 1], offset: ?>>,
                  %seed: i64, %offset: i64, %state: memref<2xi64>) {
  dropout.element %x into %x p = 0.3 rng(%seed, %offset) : memref<4x8xf32>, memref<4x8xf32>
  dropout.element %x into %y p = 0.3 rng(%seed, %offset) : memref<4x8xf32>, memref<?x8xf32, strided<[?, 1], offset: ?>>
  dropout.element %y into %x p = 0.3 : memref<?x8xf32, strided<[?, 1], offset: ?>>, memref<4x8xf32>
  dropout.element %x into %x p = 0.3 rng(%state : memref<2xi64>) : memref<4x8xf32>, memref<4x8xf32>
  dropout.element %x into %x p = 0.3 rng(%state) : memref<4x8xf32>, memref<4x8xf32>
  return
}

// A memory space is kept.
// CHECK-LABEL: func @memory_space
// CHECK: memref<4xf32, 3>, memref<4xf32>
func.func @memory_space(%x: memref<4xf32, 3>, %y: memref<4xf32>, %seed: i64, %offset: i64) {
  dropout.element %x into %y p = 0.3 rng(%seed, %offset) : memref<4xf32, 3>, memref<4xf32>
  return
}

// The second type asks for the mask.
// CHECK-LABEL: func @mask
// CHECK: dropout.element %{{.*}} p = 3.000000e-01 rng(%{{.*}}, %{{.*}}) : tensor<4x?xf32>, tensor<4x?xi1>
func.func @mask(%x: tensor<4x?xf32>, %seed: i64, %offset: i64) -> (tensor<4x?xf32>, tensor<4x?xi1>) {
  %y, %m = dropout.element %x p = 0.3 rng(%seed, %offset) : tensor<4x?xf32>, tensor<4x?xi1>
  return %y, %m : tensor<4x?xf32>, tensor<4x?xi1>
}

// A slice keeps the place that it has in the whole; entries are static or
// `index`, sizes of 0 and a slice that ends where the whole ends are fine.
// CHECK-LABEL: func @position
// CHECK-SAME: %[[X:.*]]: tensor<4x?xf32>, %[[SEED:.*]]: i64, %[[OFFSET:.*]]: i64, %[[I:.*]]: index, %[[N:.*]]: index
// CHECK: dropout.element %[[X]] p = 3.000000e-01 rng(%[[SEED]], %[[OFFSET]]) at [12, %[[I]]] of [16, %[[N]]] : tensor<4x?xf32>
// CHECK: dropout.element %[[X]] p = 3.000000e-01 rng(%[[SEED]], %[[OFFSET]]) at [%[[I]], %[[I]]] of [%[[N]], %[[N]]] : tensor<4x?xf32>
// CHECK: dropout.element %{{.*}} p = 3.000000e-01 rng(%[[SEED]], %[[OFFSET]]) at [] of [] : tensor<f32>
// CHECK: dropout.element %{{.*}} p = 3.000000e-01 rng(%[[SEED]], %[[OFFSET]]) at [7] of [7] : tensor<0xf32>
func.func @position(%x: tensor<4x?xf32>, %seed: i64, %offset: i64, %i: index, %n: index, %scalar: tensor<f32>,
                    %empty: tensor<0xf32>) -> (tensor<4x?xf32>, tensor<4x?xf32>, tensor<f32>, tensor<0xf32>) {
  %a = dropout.element %x p = 0.3 rng(%seed, %offset) at [12, %i] of [16, %n] : tensor<4x?xf32>
  %b = dropout.element %x p = 0.3 rng(%seed, %offset) at [%i, %i] of [%n, %n] : tensor<4x?xf32>
  %c = dropout.element %scalar p = 0.3 rng(%seed, %offset) at [] of [] : tensor<f32>
  %d = dropout.element %empty p = 0.3 rng(%seed, %offset) at [7] of [7] : tensor<0xf32>
  return %a, %b, %c, %d : tensor<4x?xf32>, tensor<4x?xf32>, tensor<f32>, tensor<0xf32>
}

// Options are printed where they are not the default, in this order.
// CHECK-LABEL: func @options
// CHECK: dropout.element %{{.*}} p = 3.000000e-01 rounds = 7 resolution = 8 rng(%{{.*}}, %{{.*}}) training(%{{.*}}) at [0] of [8] {note = "x"} : tensor<8xf32>
// CHECK: dropout.element %{{[^ ]*}} p = 3.000000e-01 rng(%{{[^ ]*}}, %{{[^ ]*}}) : tensor<8xf32>
func.func @options(%x: tensor<8xf32>, %seed: i64, %offset: i64, %flag: i1) -> (tensor<8xf32>, tensor<8xf32>) {
  %a = dropout.element %x p = 0.3 rounds = 7 resolution = 8 rng(%seed, %offset) training(%flag) at [0] of [8] {note = "x"} : tensor<8xf32>
  %b = dropout.element %x p = 0.3 rounds = 10 resolution = 16 rng(%seed, %offset) {contract_version = 1 : i32} : tensor<8xf32>
  return %a, %b : tensor<8xf32>, tensor<8xf32>
}

// p is written as an integer, a decimal or a bit pattern, and read back exactly;
// the next values inside (0, 1) are not 0 and 1.
// CHECK-LABEL: func @probabilities
// CHECK-COUNT-2: p = 0.000000e+00
// CHECK-COUNT-2: p = 1.000000e+00
// CHECK: p = 2.500000e-01
// CHECK: p = -0.000000e+00
// CHECK: p = 4.940660e-324
// CHECK: p = 0.99999999999999988
func.func @probabilities(%x: memref<f32>) {
  dropout.element %x into %x p = 0 : memref<f32>, memref<f32>
  dropout.element %x into %x p = 0.0 : memref<f32>, memref<f32>
  dropout.element %x into %x p = 1 : memref<f32>, memref<f32>
  dropout.element %x into %x p = 1.0e0 : memref<f32>, memref<f32>
  dropout.element %x into %x p = 0x3FD0000000000000 : memref<f32>, memref<f32>
  dropout.element %x into %x p = -0.0 : memref<f32>, memref<f32>
  dropout.element %x into %x p = 0x0000000000000001 : memref<f32>, memref<f32>
  dropout.element %x into %x p = 0x3FEFFFFFFFFFFFFF : memref<f32>, memref<f32>
  return
}

// Four element types, rank 0 and 7, empty and huge shapes.
// CHECK-LABEL: func @types
// CHECK: tensor<f16>
// CHECK: tensor<0x4611686018427387904x16xbf16>
// CHECK: tensor<9223372036854775807xf32>
// CHECK: tensor<1x2x3x4x5x6x7xf64>
func.func @types(%a: tensor<f16>, %b: tensor<0x4611686018427387904x16xbf16>, %c: tensor<9223372036854775807xf32>,
                 %d: tensor<1x2x3x4x5x6x7xf64>) {
  %0 = dropout.element %a p = 0.3 : tensor<f16>
  %1 = dropout.element %b p = 0.3 : tensor<0x4611686018427387904x16xbf16>
  %2 = dropout.element %c p = 0.3 : tensor<9223372036854775807xf32>
  %3 = dropout.element %d p = 0.3 : tensor<1x2x3x4x5x6x7xf64>
  return
}
