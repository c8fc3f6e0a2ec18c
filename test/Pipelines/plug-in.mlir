// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass lists of the README's table, through stock mlir-opt and our plugin:
// nothing of the dialect but runtime calls is left, and no mask is in memory.

// Before tiling: the mask is pulled into the tile.
// UNSUPPORTED: sanitizers
// RUN: mlir-opt %s --load-dialect-plugin=%dropout_plugin --load-pass-plugin=%dropout_plugin --pass-pipeline='builtin.module(dropout-check-probabilities,dropout-materialize-state,canonicalize,convert-dropout-to-linalg,transform-interpreter,canonicalize,dropout-inline-mask,one-shot-bufferize{bufferize-function-boundaries},func.func(convert-linalg-to-loops),convert-dropout-to-arith,canonicalize)' | FileCheck %s

// Before bufferization.
// RUN: mlir-opt %s --load-dialect-plugin=%dropout_plugin --load-pass-plugin=%dropout_plugin --pass-pipeline='builtin.module(dropout-check-probabilities,dropout-materialize-state,canonicalize,convert-dropout-to-linalg,linalg-fuse-elementwise-ops,dropout-inline-mask,one-shot-bufferize{bufferize-function-boundaries},func.func(convert-linalg-to-loops),convert-dropout-to-arith,canonicalize)' | FileCheck %s

// Upstream passes only behind.
// RUN: mlir-opt %s --load-dialect-plugin=%dropout_plugin --load-pass-plugin=%dropout_plugin --pass-pipeline='builtin.module(dropout-check-probabilities,dropout-materialize-state,canonicalize,convert-dropout-to-linalg{mask=inline},linalg-fuse-elementwise-ops,one-shot-bufferize{bufferize-function-boundaries},func.func(convert-linalg-to-loops),canonicalize)' | FileCheck %s

// At memrefs.
// RUN: mlir-opt %s --load-dialect-plugin=%dropout_plugin --load-pass-plugin=%dropout_plugin --pass-pipeline='builtin.module(dropout-check-probabilities,dropout-materialize-state,one-shot-bufferize{bufferize-function-boundaries},convert-dropout-to-affine,func.func(convert-linalg-to-loops),canonicalize)' | FileCheck %s

module attributes {transform.with_named_sequence} {
  // CHECK-LABEL: func.func @f
  // CHECK: dropout.check_p
  // CHECK: dropout.reserve
  // CHECK-NOT: i1>
  // CHECK-NOT: dropout.
  // CHECK: arith.mului_extended
  // CHECK-NOT: i1>
  // CHECK-NOT: dropout.
  // CHECK: return
  func.func @f(%x: tensor<64x40xf32>, %r: tensor<64x40xf32>, %p: f64) -> tensor<64x40xf32> {
    %d = dropout.element %x p(%p) : tensor<64x40xf32>
    %e = tensor.empty() : tensor<64x40xf32>
    %y = linalg.add ins(%d, %r : tensor<64x40xf32>, tensor<64x40xf32>) outs(%e : tensor<64x40xf32>) -> tensor<64x40xf32>
    return %y : tensor<64x40xf32>
  }

  transform.named_sequence @__transform_main(%m: !transform.any_op {transform.readonly}) {
    %add = transform.structured.match ops{["linalg.add"]} in %m : (!transform.any_op) -> !transform.any_op
    %tiled, %loops:2 = transform.structured.fuse %add tile_sizes [8, 16] {apply_cleanup} : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}
