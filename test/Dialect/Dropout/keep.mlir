// RUN: dropout-opt %s | FileCheck %s
// RUN: dropout-opt %s | dropout-opt | FileCheck %s
// RUN: dropout-opt %s --mlir-print-op-generic | dropout-opt | FileCheck %s
// RUN: dropout-opt %s --emit-bytecode | dropout-opt | FileCheck %s
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The bit of one element, with defaults and with options.
// CHECK-LABEL: func @keep
// CHECK-SAME: %[[I:.*]]: i64, %[[T:.*]]: i64, %[[SEED:.*]]: i64, %[[OFFSET:.*]]: i64
// CHECK: dropout.keep %[[I]] threshold(%[[T]]) rng(%[[SEED]], %[[OFFSET]]){{$}}
// CHECK: dropout.keep %[[I]] threshold(%[[T]]) rng(%[[SEED]], %[[OFFSET]]) rounds = 7{{$}}
// CHECK: dropout.keep %[[I]] threshold(%[[T]]) rng(%[[SEED]], %[[OFFSET]]) resolution = 8{{$}}
// CHECK: dropout.keep %[[I]] threshold(%[[T]]) rng(%[[SEED]], %[[OFFSET]]) rounds = 7 resolution = 8 {note}
func.func @keep(%i: i64, %t: i64, %seed: i64, %offset: i64) {
  %a = dropout.keep %i threshold(%t) rng(%seed, %offset)
  %b = dropout.keep %i threshold(%t) rng(%seed, %offset) rounds = 7
  %c = dropout.keep %i threshold(%t) rng(%seed, %offset) resolution = 8
  %d = dropout.keep %i threshold(%t) rng(%seed, %offset) rounds = 7 resolution = 8 {note}
  return
}
