// RUN: dropout-opt %s | FileCheck %s
// RUN: dropout-opt %s | dropout-opt | FileCheck %s
// RUN: dropout-opt %s --mlir-print-op-generic | dropout-opt | FileCheck %s
// RUN: dropout-opt %s --emit-bytecode | dropout-opt | FileCheck %s
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// For both resolutions.
// CHECK-LABEL: func @resolutions
// CHECK-SAME: %[[P:.*]]: f64
// CHECK: dropout.check_p %[[P]]{{$}}
// CHECK: dropout.check_p %[[P]]{{$}}
// CHECK: dropout.check_p %[[P]] resolution = 8{{$}}
func.func @resolutions(%p: f64) -> (f64, f64, f64) {
  %a = dropout.check_p %p
  %b = dropout.check_p %p resolution = 16
  %c = dropout.check_p %p resolution = 8
  return %a, %b, %c : f64, f64, f64
}

// The argument attribute that entry points check.
// CHECK-LABEL: func @argument
// CHECK-SAME: f64 {dropout.probability}
func.func @argument(%p: f64 {dropout.probability}) -> f64 {
  %q = dropout.check_p %p
  return %q : f64
}
