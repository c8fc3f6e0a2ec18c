// RUN: dropout-opt %s --allow-unregistered-dialect --dropout-check-probabilities | FileCheck %s
// RUN: dropout-opt %s --allow-unregistered-dialect --pass-pipeline='builtin.module(func.func(dropout-check-probabilities))' | FileCheck %s
// RUN: dropout-opt %s --allow-unregistered-dialect --pass-pipeline='builtin.module(func.func(dropout-check-probabilities,dropout-check-probabilities))' | FileCheck %s
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// An argument is checked at the top of the function, once for all ops, and
// marked for the entry point.
// CHECK-LABEL: func @argument
// CHECK-SAME: %[[X:.*]]: tensor<4xf32>, %[[P:.*]]: f64 {dropout.probability}, %[[SEED:.*]]: i64, %[[OFFSET:.*]]: i64
// CHECK-NEXT: %[[Q:.*]] = dropout.check_p %[[P]]{{$}}
// CHECK-NEXT: "some.effect"
// CHECK-NEXT: dropout.element %[[X]] p(%[[Q]])
// CHECK-NEXT: dropout.backward alpha %[[X]] p(%[[Q]])
// CHECK-NEXT: dropout.mask p(%[[Q]])
// CHECK-NOT: dropout.check_p
func.func @argument(%x: tensor<4xf32>, %p: f64, %seed: i64, %offset: i64) {
  "some.effect"() : () -> ()
  %a = dropout.element %x p(%p) rng(%seed, %offset) : tensor<4xf32>
  %b = dropout.backward alpha %x p(%p) rng(%seed, %offset) : tensor<4xf32>
  %c = dropout.mask p(%p) rng(%seed, %offset) : tensor<4xi1>
  return
}

// A p computed inside is checked where it is defined, and implicit ops and ops on
// memrefs are checked, too.
// CHECK-LABEL: func @computed
// CHECK-NOT: dropout.probability
// CHECK: %[[P:.*]] = arith.mulf
// CHECK-NEXT: %[[Q:.*]] = dropout.check_p %[[P]]{{$}}
// CHECK: scf.if
// CHECK-NEXT: dropout.element %{{.*}} into %{{.*}} p(%[[Q]])
func.func @computed(%x: memref<4xf32>, %a: f64, %flag: i1) {
  %p = arith.mulf %a, %a : f64
  scf.if %flag {
    dropout.element %x into %x p(%p) : memref<4xf32>, memref<4xf32>
  }
  return
}

// The argument of a block that is not the function's first is no argument of it.
// CHECK-LABEL: func @block
// CHECK-SAME: f64, %{{.*}}: i64
// CHECK: ^bb1(%[[P:.*]]: f64):
// CHECK-NEXT: %[[Q:.*]] = dropout.check_p %[[P]]
// CHECK-NEXT: dropout.element %{{.*}} p(%[[Q]])
func.func @block(%x: tensor<4xf32>, %a: f64, %seed: i64, %offset: i64) -> tensor<4xf32> {
  cf.br ^bb1(%a : f64)
^bb1(%p: f64):
  %y = dropout.element %x p(%p) rng(%seed, %offset) : tensor<4xf32>
  return %y : tensor<4xf32>
}

// Another resolution has another check: 0.001 is a probability, but no multiple
// of 1/256.
// CHECK-LABEL: func @resolutions
// CHECK-SAME: %[[X:.*]]: tensor<4xf32>, %[[P:.*]]: f64 {dropout.probability}
// CHECK-DAG: %[[Q16:.*]] = dropout.check_p %[[P]]{{$}}
// CHECK-DAG: %[[Q8:.*]] = dropout.check_p %[[P]] resolution = 8
// CHECK: dropout.element %[[X]] p(%[[Q16]]) rng
// CHECK: dropout.element %[[X]] p(%[[Q8]]) resolution = 8
func.func @resolutions(%x: tensor<4xf32>, %p: f64, %seed: i64, %offset: i64) {
  %a = dropout.element %x p(%p) rng(%seed, %offset) : tensor<4xf32>
  %b = dropout.element %x p(%p) resolution = 8 rng(%seed, %offset) : tensor<4xf32>
  return
}

// What the program checked for the op's resolution is not checked again, and
// what it checked for another one is.
// CHECK-LABEL: func @checked
// CHECK-SAME: %[[X:.*]]: tensor<4xf32>, %[[P:.*]]: f64 {dropout.probability}
// CHECK-NEXT: %[[Q:.*]] = dropout.check_p %[[P]]{{$}}
// CHECK-NEXT: %[[R:.*]] = dropout.check_p %[[Q]] resolution = 8
// CHECK-NEXT: dropout.element %[[X]] p(%[[Q]]) rng
// CHECK-NEXT: dropout.element %[[X]] p(%[[R]]) resolution = 8
func.func @checked(%x: tensor<4xf32>, %p: f64, %seed: i64, %offset: i64) {
  %q = dropout.check_p %p
  %a = dropout.element %x p(%q) rng(%seed, %offset) : tensor<4xf32>
  %b = dropout.element %x p(%q) resolution = 8 rng(%seed, %offset) : tensor<4xf32>
  return
}

// The verifier has checked attributes.
// CHECK-LABEL: func @attribute
// CHECK-NOT: dropout.check_p
// CHECK: return
func.func @attribute(%x: tensor<4xf32>, %seed: i64, %offset: i64) -> tensor<4xf32> {
  %y = dropout.element %x p = 0.3 rng(%seed, %offset) : tensor<4xf32>
  return %y : tensor<4xf32>
}

// A declaration is left alone.
// CHECK: func private @declaration(f64)
func.func private @declaration(f64)

// Inside a gpu.func there is no runtime: the host checks.
// CHECK-LABEL: gpu.func @kernel
// CHECK-NOT: dropout.check_p
// CHECK: gpu.return
gpu.module @device {
  gpu.func @kernel(%x: memref<4xf32>, %p: f64, %s: i64, %o: i64) kernel {
    dropout.element %x into %x p(%p) rng(%s, %o) : memref<4xf32>, memref<4xf32>
    gpu.return
  }
}
