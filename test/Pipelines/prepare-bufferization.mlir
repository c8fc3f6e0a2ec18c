// RUN: dropout-opt %s --dropout-prepare-bufferization | FileCheck %s
// RUN: dropout-opt %s --dropout-prepare-bufferization --dropout-prepare-bufferization | FileCheck %s
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// CHECK: func.func @public(%{{.*}}: tensor<4xf32> {bufferization.writable = false}, %{{.*}}: tensor<4xf32> {bufferization.writable = true}, %{{.*}}: memref<4xf32>, %{{.*}}: f32)
func.func @public(%x: tensor<4xf32>, %y: tensor<4xf32> {bufferization.writable = true},
                  %m: memref<4xf32>, %f: f32) {
  return
}

// CHECK: func.func private @private(%{{.*}}: tensor<4xf32>) {
func.func private @private(%x: tensor<4xf32>) {
  return
}

// CHECK: func.func private @external(tensor<4xf32>)
func.func private @external(tensor<4xf32>)

// CHECK-LABEL: func.func @manual
// CHECK: memref.alloc() {bufferization.manual_deallocation} : memref<4xf32>
// CHECK: memref.alloc() {bufferization.manual_deallocation} : memref<4xf32>
// CHECK: memref.alloc() : memref<8xf32>
// CHECK: memref.dealloc %{{.*}} {bufferization.manual_deallocation}
func.func @manual(%f: i1) -> memref<8xf32> {
  %a = memref.alloc() : memref<4xf32>
  %b = memref.alloc() : memref<4xf32>
  %c = memref.alloc() : memref<8xf32>
  %s = arith.select %f, %a, %b : memref<4xf32>
  %d = memref.cast %s : memref<4xf32> to memref<?xf32>
  memref.dealloc %d : memref<?xf32>
  return %c : memref<8xf32>
}
