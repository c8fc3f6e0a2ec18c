// RUN: dropout-opt %s --convert-dropout-to-gpu | FileCheck %s
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#scalar = affine_map<(i) -> ()>
#id = affine_map<(i) -> (i)>

// The kernel reads what nobody writes.
// CHECK-LABEL: func.func @divide
// CHECK: gpu.launch
// CHECK-NEXT: memref.load %arg0[%c0]
func.func @divide(%x: memref<64xf32>, %y: memref<64xf32>) {
  %c0 = arith.constant 0 : index
  %v = memref.load %x[%c0] : memref<64xf32>
  linalg.generic {indexing_maps = [#scalar, #id], iterator_types = ["parallel"]} ins(%v : f32) outs(%y : memref<64xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.divf %b, %a : f32
    linalg.yield %0 : f32
  }
  return
}

// One thread writes what the others would read.
// CHECK-LABEL: func.func @normalize
// CHECK: %[[V:.*]] = memref.load %arg0[%c0]
// CHECK: gpu.launch
// CHECK-NOT: memref.load %arg0[%c0]
// CHECK: return
func.func @normalize(%x: memref<64xf32>) {
  %c0 = arith.constant 0 : index
  %v = memref.load %x[%c0] : memref<64xf32>
  linalg.generic {indexing_maps = [#scalar, #id], iterator_types = ["parallel"]} ins(%v : f32) outs(%x : memref<64xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.divf %b, %a : f32
    linalg.yield %0 : f32
  }
  return
}

// The second iteration would read what the first one wrote.
// CHECK-LABEL: func.func @iterate
// CHECK: memref.load %arg0[%c0]
// CHECK: scf.for
// CHECK-NOT: memref.load %arg0[%c0]
// CHECK: return
func.func @iterate(%x: memref<64xf32>, %y: memref<64xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %v = memref.load %x[%c0] : memref<64xf32>
  scf.for %i = %c0 to %n step %c1 {
    linalg.generic {indexing_maps = [#scalar, #id], iterator_types = ["parallel"]} ins(%v : f32) outs(%y : memref<64xf32>) {
    ^bb0(%a: f32, %b: f32):
      %0 = arith.addf %b, %a : f32
      linalg.yield %0 : f32
    }
    linalg.copy ins(%y : memref<64xf32>) outs(%x : memref<64xf32>)
  }
  return
}

// The memory may be any of two, one of which is written.
// CHECK-LABEL: func.func @either
// CHECK: memref.load
// CHECK: gpu.launch
// CHECK-NOT: memref.load %{{.*}}[%c0]
// CHECK: return
func.func @either(%x: memref<64xf32>, %y: memref<64xf32>, %b: i1) {
  %c0 = arith.constant 0 : index
  %z = arith.select %b, %x, %y : memref<64xf32>
  %v = memref.load %z[%c0] : memref<64xf32>
  linalg.generic {indexing_maps = [#scalar, #id], iterator_types = ["parallel"]} ins(%v : f32) outs(%y : memref<64xf32>) {
  ^bb0(%a: f32, %b_: f32):
    linalg.yield %a : f32
  }
  return
}

// A draw whose index depends on a condition of the call.
// CHECK-LABEL: func.func @chosen
// CHECK: gpu.launch {{.*}} function(@chosen_0)
// CHECK: gpu.launch {{.*}} function(@chosen_0_inactive)
func.func @chosen(%x: memref<?xf32>, %c: i1, %s: i64) {
  %t = arith.constant 1288490189 : i64
  %zero = arith.constant 0.0 : f32
  linalg.generic {indexing_maps = [#id], iterator_types = ["parallel"]} outs(%x : memref<?xf32>) {
  ^bb0(%a: f32):
    %i = linalg.index 0 : index
    %j = arith.index_cast %i : index to i64
    %d = arith.divui %j, %t : i64
    %q = arith.select %c, %d, %j : i64
    %keep = dropout.keep %q threshold(%t) rng(%s, %s)
    %y = arith.select %keep, %a, %zero : f32
    linalg.yield %y : f32
  }
  return
}
