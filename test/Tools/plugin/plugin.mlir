// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stock mlir-opt with our plugin does what dropout-opt does.

// DEFINE: %{opt} = mlir-opt %s --load-dialect-plugin=%dropout_plugin --load-pass-plugin=%dropout_plugin
// UNSUPPORTED: sanitizers
// RUN: %{opt} | FileCheck %s --check-prefix=PARSE
// PARSE: dropout.element %{{.*}} p = 3.000000e-01 : tensor<4x8xf32>

// RUN: %{opt} --pass-pipeline='builtin.module(dropout-to-llvm)' -o %t.plugin
// RUN: dropout-opt %s --pass-pipeline='builtin.module(dropout-to-llvm)' -o %t.opt
// RUN: diff %t.plugin %t.opt
// RUN: FileCheck %s --input-file=%t.plugin
// CHECK: llvm.func @dropout_f(

// RUN: %{opt} --pass-pipeline='builtin.module(dropout-to-llvm{lowering=affine entry-points=false})' -o %t.plugin
// RUN: dropout-opt %s --dropout-to-llvm='lowering=affine entry-points=false' -o %t.opt
// RUN: diff %t.plugin %t.opt

// Every pass can be reached by name.
// RUN: %{opt} --pass-pipeline='builtin.module(dropout-check-probabilities,dropout-materialize-state,dropout-specialize-mode{mode=train},convert-dropout-to-linalg,func.func(dropout-prepare-linalg,dropout-fuse-elementwise),dropout-inline-mask,dropout-prepare-bufferization,one-shot-bufferize{bufferize-function-boundaries},func.func(dropout-separate-results,dropout-expand-copies,convert-linalg-to-loops),convert-dropout-to-affine,convert-dropout-to-arith,dropout-verify-lowered,dropout-lower-floats,dropout-emit-entry-points,convert-dropout-to-llvm,dropout-legalize-bf16)' -o /dev/null

// RUN: not %{opt} --pass-pipeline='builtin.module(dropout-to-llvm{lowering=magic})' 2>&1 | FileCheck %s --check-prefix=ERROR
// ERROR: for the --lowering option: expected vector, linalg, linalg-inline or affine, but got 'magic'

func.func @f(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %y = dropout.element %x p = 0.3 : tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}
