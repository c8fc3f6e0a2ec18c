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

// Vectors of any rank, scalable ones among them; the type stands at the end.
// CHECK-LABEL: func @vectors
// CHECK: dropout.keep %{{.*}} threshold(%{{.*}}) rng(%{{.*}}, %{{.*}}) : vector<8xi64>{{$}}
// CHECK: dropout.keep %{{.*}} threshold(%{{.*}}) rng(%{{.*}}, %{{.*}}) rounds = 7 resolution = 8 {note} : vector<2x4xi64>{{$}}
// CHECK: dropout.keep %{{.*}} threshold(%{{.*}}) rng(%{{.*}}, %{{.*}}) : vector<i64>{{$}}
// CHECK: dropout.keep %{{.*}} threshold(%{{.*}}) rng(%{{.*}}, %{{.*}}) : vector<[4]xi64>{{$}}
// CHECK: return %{{.*}}, %{{.*}} : vector<8xi1>, vector<2x4xi1>
func.func @vectors(%a: vector<8xi64>, %b: vector<2x4xi64>, %c: vector<i64>, %d: vector<[4]xi64>) -> (vector<8xi1>, vector<2x4xi1>) {
  %k0 = dropout.keep %a threshold(%a) rng(%a, %a) : vector<8xi64>
  %k1 = dropout.keep %b threshold(%b) rng(%b, %b) rounds = 7 resolution = 8 {note} : vector<2x4xi64>
  %k2 = dropout.keep %c threshold(%c) rng(%c, %c) : vector<i64>
  %k3 = dropout.keep %d threshold(%d) rng(%d, %d) : vector<[4]xi64>
  return %k0, %k1 : vector<8xi1>, vector<2x4xi1>
}
