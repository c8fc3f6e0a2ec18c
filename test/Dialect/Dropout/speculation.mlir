// RUN: dropout-opt %s --loop-invariant-code-motion --allow-unregistered-dialect | FileCheck %s --check-prefix=LICM
// RUN: dropout-opt %s --control-flow-sink --allow-unregistered-dialect | FileCheck %s --check-prefix=SINK
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Out of a loop go the explicit ops with p as an attribute or checked, on tensors,
// and single bits; not one whose p is not checked, which might run where its check
// did not.
// LICM-LABEL: func @hoist
// LICM-SAME: %[[X:.*]]: tensor<4xf32>, %{{.*}}: memref<4xf32>, %[[P:.*]]: f64
// LICM: %[[Q:.*]] = dropout.check_p %[[P]]
// LICM: dropout.element %[[X]] p = 3.000000e-01
// LICM: dropout.backward alpha %[[X]] p(%[[Q]])
// LICM: dropout.mask p(%[[Q]])
// LICM: dropout.mask threshold
// LICM: dropout.keep
// LICM: scf.for
// LICM: dropout.element %[[X]] p(%[[P]])
// LICM: dropout.mask p(%[[P]])
// LICM: dropout.element %{{.*}} into
// LICM: dropout.check_p
// LICM: dropout.reserve
// LICM: "test.use"
func.func @hoist(%x: tensor<4xf32>, %m: memref<4xf32>, %p: f64, %t: i64, %seed: i64, %offset: i64, %lower: index, %upper: index, %step: index) {
  %q = dropout.check_p %p
  scf.for %i = %lower to %upper step %step {
    %a = dropout.element %x p = 0.3 rng(%seed, %offset) : tensor<4xf32>
    %b = dropout.backward alpha %x p(%q) rng(%seed, %offset) : tensor<4xf32>
    %c = dropout.mask p(%q) rng(%seed, %offset) : tensor<4xi1>
    %d = dropout.mask threshold(%t) rng(%seed, %offset) : tensor<4xi1>
    %e = dropout.keep %seed threshold(%t) rng(%seed, %offset)
    %f = dropout.element %x p(%p) rng(%seed, %offset) : tensor<4xf32>
    %g = dropout.mask p(%p) rng(%seed, %offset) : tensor<4xi1>
    dropout.element %m into %m p = 0.3 rng(%seed, %offset) : memref<4xf32>, memref<4xf32>
    %h = dropout.check_p %p
    %k:3 = dropout.reserve
    "test.use"(%a, %b, %c, %d, %e, %f, %g) : (tensor<4xf32>, tensor<4xf32>, tensor<4xi1>, tensor<4xi1>, i1, tensor<4xf32>, tensor<4xi1>) -> ()
  }
  return
}

// A check that is itself in the loop holds what depends on it there.
// LICM-LABEL: func @check_inside
// LICM: scf.for
// LICM-NEXT: %[[Q:.*]] = dropout.check_p
// LICM-NEXT: dropout.element %{{.*}} p(%[[Q]])
func.func @check_inside(%x: tensor<4xf32>, %p: f64, %seed: i64, %offset: i64, %lower: index, %upper: index, %step: index) {
  scf.for %i = %lower to %upper step %step {
    %q = dropout.check_p %p
    %y = dropout.element %x p(%q) rng(%seed, %offset) : tensor<4xf32>
    "test.use"(%y) : (tensor<4xf32>) -> ()
  }
  return
}

// What draws from a state in memory stays where the state may change.
// LICM-LABEL: func @state
// LICM: scf.for
// LICM: dropout.element
// LICM: memref.store
func.func @state(%x: memref<4xf32>, %state: memref<2xi64>, %seed: i64, %lower: index, %upper: index, %step: index) {
  scf.for %i = %lower to %upper step %step {
    dropout.element %x into %x p = 0.3 rng(%state) : memref<4xf32>, memref<4xf32>
    memref.store %seed, %state[%i] : memref<2xi64>
  }
  return
}

// An explicit op goes where its result is used, checked or not; the reserve and
// the check do not go with it.
// SINK-LABEL: func @sink
// SINK: dropout.check_p
// SINK-NEXT: dropout.reserve
// SINK-NEXT: scf.if
// SINK-NEXT: dropout.element
// SINK-NEXT: "test.use"
func.func @sink(%x: tensor<4xf32>, %p: f64, %flag: i1) {
  %q = dropout.check_p %p
  %t, %s, %o = dropout.reserve
  %y = dropout.element %x p(%q) rng(%s, %o) training(%t) : tensor<4xf32>
  scf.if %flag {
    "test.use"(%y) : (tensor<4xf32>) -> ()
  }
  return
}
