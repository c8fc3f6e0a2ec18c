// RUN: dropout-opt %s --dropout-emit-entry-points | FileCheck %s
// RUN: dropout-opt %s --dropout-emit-entry-points --dropout-emit-entry-points | FileCheck %s
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// CHECK-DAG: llvm.func @dropoutClearStatus()
// CHECK-DAG: llvm.func @dropoutLastStatus() -> i32
// CHECK-DAG: llvm.func @dropoutCheckP(f64) -> f64
// CHECK-DAG: llvm.func @dropoutCheckPForResolution(f64, i32) -> f64

// CHECK-LABEL: func.func @dropout_scalars
// CHECK-SAME: (%{{.*}}: i8, %[[H:.*]]: i16, %{{.*}}: i16, %{{.*}}: f32, %{{.*}}: f64, %{{.*}}: i64, %{{.*}}: i64, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr) -> i32
// CHECK: llvm.call @dropoutClearStatus
// CHECK: arith.bitcast %[[H]] : i16 to f16
// CHECK: call @scalars
// CHECK: %[[B:.*]] = arith.extui %{{.*}} : i1 to i8
// CHECK: llvm.store %[[B]], %{{.*}} : i8
// CHECK: llvm.call @dropoutLastStatus
func.func @scalars(%a: i1, %b: f16, %c: bf16, %d: f32, %e: f64, %f: i64, %g: index) -> (i1, index) {
  return %a, %g : i1, index
}

// Sizes and strides are compared with the type's, and every p is checked before
// the call: also one that only a callee looks at.
// CHECK-LABEL: func.func @dropout_layer
// CHECK-SAME: (%[[X:.*]]: !llvm.ptr, %[[P:.*]]: f64, %[[Y:.*]]: !llvm.ptr) -> i32
// CHECK: %[[C3:.*]] = arith.constant 3 : i32
// CHECK: llvm.icmp "ne" %[[X]]
// CHECK: llvm.icmp "ne" %[[Y]]
// CHECK: cf.cond_br %{{.*}}, ^[[MEMORY:bb[0-9]+]], ^[[DONE:bb[0-9]+]](%[[C3]] : i32)
// CHECK: ^[[MEMORY]]:
// CHECK: llvm.store %{{.*}}, %[[Y]] : !llvm.struct
// CHECK: llvm.extractvalue %{{.*}}[3, 1]
// CHECK: cf.cond_br %{{.*}}, ^[[CHECK:bb[0-9]+]], ^[[DONE]](%[[C3]] : i32)
// CHECK: ^[[CHECK]]:
// CHECK: llvm.call @dropoutCheckPForResolution(%[[P]]
// CHECK: llvm.call @dropoutCheckP(%[[P]])
// CHECK: %[[S:.*]] = llvm.call @dropoutLastStatus
// CHECK: cf.cond_br %{{.*}}, ^[[DONE]](%[[S]] : i32), ^[[BODY:bb[0-9]+]]
// CHECK: ^[[BODY]]:
// CHECK: call @layer
// CHECK: ^[[DONE]](%[[R:.*]]: i32):
// CHECK: return %[[R]] : i32
func.func @layer(%x: memref<?x4xf32>, %p: f64) -> memref<?x4xf32> {
  call @helper(%p) : (f64) -> ()
  call @helper8(%p) : (f64) -> ()
  return %x : memref<?x4xf32>
}
func.func private @helper(%p: f64 {dropout.probability}) {
  %q = dropout.check_p %p
  return
}
func.func private @helper8(%p: f64 {dropout.probability}) {
  %q = dropout.check_p %p resolution = 8
  return
}

// CHECK: func.func @dropout_f_1_2(
func.func @"f.1$2"() {
  return
}

// No entry point for private functions, declarations and types that C lacks.
// CHECK-NOT: @dropout_
func.func private @declared(f32)
func.func @vectors(%x: vector<4xf32>) {
  return
}
func.func @odd(%x: i5) {
  return
}
func.func @tensor(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
func.func @unranked(%x: memref<*xf32>) {
  return
}
func.func @space(%x: memref<4xf32, 1>) {
  return
}
