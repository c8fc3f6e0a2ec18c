// RUN: dropout-opt %s --convert-dropout-to-llvm | FileCheck %s
// RUN: dropout-opt %s --convert-dropout-to-llvm > %t.once
// RUN: dropout-opt %t.once --convert-dropout-to-llvm > %t.twice
// RUN: diff %t.once %t.twice
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// One declaration per runtime function and one string per name, however many ops
// use them.
// CHECK-DAG: llvm.mlir.global internal constant @[[$DATA:.*]]("data\00")
// CHECK-DAG: llvm.mlir.global internal constant @[[$EXPERT:.*]]("expert 1\00")
// CHECK-DAG: llvm.func @dropoutReserve(!llvm.ptr, i32, !llvm.ptr, !llvm.ptr, !llvm.ptr) -> i32
// CHECK-DAG: llvm.func @dropoutCheckPForResolution(f64, i32) -> f64

// The default generator has no name, the runtime's mode is -1; results come back
// through slots on the stack.
// CHECK-LABEL: func.func @default
// CHECK-DAG: %[[TRAIN:.*]] = llvm.alloca %{{.*}} x i8
// CHECK-DAG: %[[SEED:.*]] = llvm.alloca %{{.*}} x i64
// CHECK-DAG: %[[OFFSET:.*]] = llvm.alloca %{{.*}} x i64
// CHECK-DAG: %[[NAME:.*]] = llvm.mlir.zero : !llvm.ptr
// CHECK-DAG: %[[MODE:.*]] = llvm.mlir.constant(-1 : i32)
// CHECK: llvm.call @dropoutReserve(%[[NAME]], %[[MODE]], %[[TRAIN]], %{{.*}}, %{{.*}})
// CHECK: %[[FLAG:.*]] = llvm.load %[[TRAIN]] : !llvm.ptr -> i8
// CHECK: %[[T:.*]] = llvm.trunc %[[FLAG]] : i8 to i1
// CHECK: %[[S:.*]] = llvm.load %{{.*}} -> i64
// CHECK: %[[O:.*]] = llvm.load %{{.*}} -> i64
// CHECK: return %[[T]], %[[S]], %[[O]]
func.func @default() -> (i1, i64, i64) {
  %train, %seed, %offset = dropout.reserve
  return %train, %seed, %offset : i1, i64, i64
}

// A name is the address of its string, and a flag replaces the mode.
// CHECK-LABEL: func.func @named
// CHECK-SAME: %[[FLAG:.*]]: i1
// CHECK: %[[NAME:.*]] = llvm.mlir.addressof @[[$DATA]]
// CHECK: %[[MODE:.*]] = llvm.zext %[[FLAG]] : i1 to i32
// CHECK: llvm.call @dropoutReserve(%[[NAME]], %[[MODE]],
// CHECK: llvm.mlir.addressof @[[$DATA]]
// CHECK: llvm.call @dropoutReserve
// CHECK: llvm.mlir.addressof @[[$EXPERT]]
// CHECK: llvm.call @dropoutReserve
func.func @named(%flag: i1) {
  %a:3 = dropout.reserve generator("data") training(%flag)
  %b:3 = dropout.reserve generator("data")
  %c:3 = dropout.reserve generator("expert 1")
  return
}

// The slots of a reserve in a loop stand outside of it: the stack does not grow.
// CHECK-LABEL: func.func @loop
// CHECK-COUNT-3: llvm.alloca
// CHECK: scf.for
// CHECK-NOT: llvm.alloca
// CHECK: llvm.call @dropoutReserve
func.func @loop(%lower: index, %upper: index, %step: index) {
  scf.for %i = %lower to %upper step %step {
    %a:3 = dropout.reserve
  }
  return
}

// A check is a call with its resolution.
// CHECK-LABEL: func.func @check
// CHECK-SAME: %[[P:.*]]: f64
// CHECK-DAG: %[[SIXTEEN:.*]] = llvm.mlir.constant(16 : i32)
// CHECK: %[[Q:.*]] = llvm.call @dropoutCheckPForResolution(%[[P]], %[[SIXTEEN]])
// CHECK-DAG: %[[EIGHT:.*]] = llvm.mlir.constant(8 : i32)
// CHECK: %[[R:.*]] = llvm.call @dropoutCheckPForResolution(%[[Q]], %[[EIGHT]])
// CHECK: return %[[R]]
func.func @check(%p: f64) -> f64 {
  %q = dropout.check_p %p
  %r = dropout.check_p %q resolution = 8
  return %r : f64
}
