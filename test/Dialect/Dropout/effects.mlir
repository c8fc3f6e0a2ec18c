// RUN: dropout-opt %s --cse --allow-unregistered-dialect | FileCheck %s --check-prefix=CSE
// RUN: dropout-opt %s --canonicalize --allow-unregistered-dialect | FileCheck %s --check-prefix=DCE
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Explicit ops on tensors are values: equal ones are one, unless what they draw
// from or how differs.
// CSE-LABEL: func @equal
// CSE: %[[A:.*]] = dropout.element %{{.*}} p = 3.000000e-01 rng
// CSE-NEXT: %[[B:.*]] = dropout.element %{{.*}} p = 3.000000e-01 rounds = 7
// CSE-NEXT: %[[C:.*]] = dropout.element %{{.*}} p = 4.000000e-01
// CSE-NEXT: return %[[A]], %[[A]], %[[B]], %[[C]]
func.func @equal(%x: tensor<4xf32>, %seed: i64, %offset: i64) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %a = dropout.element %x p = 0.3 rng(%seed, %offset) : tensor<4xf32>
  %b = dropout.element %x p = 0.3 rng(%seed, %offset) : tensor<4xf32>
  %c = dropout.element %x p = 0.3 rounds = 7 rng(%seed, %offset) : tensor<4xf32>
  %d = dropout.element %x p = 0.4 rng(%seed, %offset) : tensor<4xf32>
  return %a, %b, %c, %d : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// Unused explicit ops on tensors and bits go; ops that write a buffer, reserve or
// check stay.
// DCE-LABEL: func @unused
// DCE-NOT: dropout{{.*}} : tensor
// DCE-NOT: dropout.keep
// DCE: dropout.element %{{.*}} into
// DCE-NEXT: dropout.mask into
// DCE-NEXT: dropout.reserve
// DCE-NEXT: dropout.check_p
// DCE-NEXT: return
func.func @unused(%x: tensor<4xf32>, %m: memref<4xf32>, %n: memref<4xi1>, %p: f64, %seed: i64, %offset: i64) {
  %a = dropout.element %x p(%p) rng(%seed, %offset) : tensor<4xf32>
  %b:2 = dropout.alpha %x p = 0.3 rng(%seed, %offset) : tensor<4xf32>, tensor<4xi1>
  %c = dropout.backward alpha %x p = 0.3 rng(%seed, %offset) : tensor<4xf32>
  %d = dropout.mask p = 0.3 rng(%seed, %offset) : tensor<4xi1>
  %e = dropout.keep %seed threshold(%seed) rng(%seed, %offset)
  dropout.element %m into %m p = 0.3 rng(%seed, %offset) : memref<4xf32>, memref<4xf32>
  dropout.mask into %n p = 0.3 rng(%seed, %offset) : memref<4xi1>
  %r:3 = dropout.reserve
  %q = dropout.check_p %p
  return
}

// A load is not merged with one in front of a write to its buffer.
// CSE-LABEL: func @memory
// CSE-SAME: %[[X:.*]]: memref<4xf32>, %[[Y:.*]]: memref<4xf32>, %[[STATE:.*]]: memref<2xi64>
// CSE: %[[X0:.*]] = memref.load %[[X]]
// CSE: %[[Y0:.*]] = memref.load %[[Y]]
// CSE: %[[S0:.*]] = memref.load %[[STATE]]
// CSE: dropout.element %[[X]] into %[[Y]]
// CSE: %[[Y1:.*]] = memref.load %[[Y]]
// CSE: "test.use"(%{{.*}}, %[[Y0]], %{{.*}}, %{{.*}}, %[[Y1]], %{{.*}})
func.func @memory(%x: memref<4xf32>, %y: memref<4xf32>, %state: memref<2xi64>, %i: index) {
  %x0 = memref.load %x[%i] : memref<4xf32>
  %y0 = memref.load %y[%i] : memref<4xf32>
  %s0 = memref.load %state[%i] : memref<2xi64>
  dropout.element %x into %y p = 0.3 rng(%state) : memref<4xf32>, memref<4xf32>
  %x1 = memref.load %x[%i] : memref<4xf32>
  %y1 = memref.load %y[%i] : memref<4xf32>
  %s1 = memref.load %state[%i] : memref<2xi64>
  "test.use"(%x0, %y0, %s0, %x1, %y1, %s1) : (f32, f32, i64, f32, f32, i64) -> ()
  return
}
