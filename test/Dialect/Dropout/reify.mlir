// RUN: dropout-opt %s --resolve-ranked-shaped-type-result-dims --canonicalize --cse | FileCheck %s
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The sizes of a result are those of x, so that the op need not be there for
// them; those of a mask are the listed dims in their order.
// CHECK-LABEL: func @value
// CHECK-SAME: %[[X:.*]]: tensor<4x?x?xf32>
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[C2:.*]] = arith.constant 2 : index
// CHECK-DAG: %[[D1:.*]] = tensor.dim %[[X]], %[[C1]]
// CHECK-DAG: %[[D2:.*]] = tensor.dim %[[X]], %[[C2]]
// CHECK-NOT: dropout
// CHECK: return %[[D1]], %[[D2]], %[[D2]], %[[D1]]
func.func @value(%x: tensor<4x?x?xf32>, %seed: i64, %offset: i64) -> (index, index, index, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %y, %m = dropout.channel %x p = 0.3 mask_dims = [2, 0, 1] rng(%seed, %offset) : tensor<4x?x?xf32>, tensor<?x4x?xi1>
  %0 = tensor.dim %y, %c1 : tensor<4x?x?xf32>
  %1 = tensor.dim %y, %c2 : tensor<4x?x?xf32>
  %2 = tensor.dim %m, %c0 : tensor<?x4x?xi1>
  %3 = tensor.dim %m, %c2 : tensor<?x4x?xi1>
  return %0, %1, %2, %3 : index, index, index, index
}

// Those of a gradient are dy's, those of a mask its operands.
// CHECK-LABEL: func @others
// CHECK-SAME: %[[DY:.*]]: tensor<?xf32>, %[[N:.*]]: index
// CHECK: %[[SIZE:.*]] = tensor.dim %[[DY]]
// CHECK: return %[[SIZE]], %[[N]]
func.func @others(%dy: tensor<?xf32>, %n: index, %seed: i64, %offset: i64) -> (index, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %dx = dropout.backward alpha %dy p = 0.3 rng(%seed, %offset) : tensor<?xf32>
  %m = dropout.mask(%n) p = 0.3 rng(%seed, %offset) : tensor<4x?xi1>
  %0 = tensor.dim %dx, %c0 : tensor<?xf32>
  %1 = tensor.dim %m, %c1 : tensor<4x?xi1>
  return %0, %1 : index, index
}

// The shape of an implicit op is known, too; the op stays.
// CHECK-LABEL: func @implicit
// CHECK-SAME: %[[X:.*]]: tensor<?xf32>
// CHECK-DAG: dropout.element %[[X]]
// CHECK-DAG: %[[SIZE:.*]] = tensor.dim %[[X]]
// CHECK: return %[[SIZE]]
func.func @implicit(%x: tensor<?xf32>) -> index {
  %c0 = arith.constant 0 : index
  %y = dropout.element %x p = 0.3 : tensor<?xf32>
  %0 = tensor.dim %y, %c0 : tensor<?xf32>
  return %0 : index
}
