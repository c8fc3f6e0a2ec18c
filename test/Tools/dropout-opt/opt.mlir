// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// dropout-opt is mlir-opt with our dialect, passes and pipelines in it.

// RUN: dropout-opt --help | FileCheck %s --check-prefix=HELP
// HELP-DAG: --convert-dropout-to-linalg
// HELP-DAG: --dropout-materialize-state
// HELP-DAG: --dropout-to-llvm
// HELP-DAG: --lowering
// HELP-DAG: --one-shot-bufferize
// HELP-DAG: --transform-interpreter

// RUN: dropout-opt --show-dialects | FileCheck %s --check-prefix=DIALECTS
// DIALECTS-DAG: dropout
// DIALECTS-DAG: gpu

// RUN: dropout-opt %s --verify-roundtrip -o /dev/null
// RUN: dropout-opt %s --emit-bytecode | dropout-opt | FileCheck %s
// CHECK: dropout.element %{{.*}} p = 3.000000e-01 rng(%{{.*}}, %{{.*}}) : tensor<4x8xf32>

// A reproducer holds the whole pipeline, and fails again in the same way.
// RUN: echo 'func.func @g() -> index { %%0 = gpu.thread_id x return %%0 : index }' > %t.bad.mlir
// RUN: not dropout-opt %t.bad.mlir --dropout-to-llvm --mlir-pass-pipeline-crash-reproducer=%t.repro.mlir 2>&1 | FileCheck %s --check-prefix=FAIL
// RUN: FileCheck %s --check-prefix=REPRODUCER --input-file=%t.repro.mlir
// RUN: not dropout-opt %t.repro.mlir --run-reproducer 2>&1 | FileCheck %s --check-prefix=FAIL
// FAIL: error: expected an op that can be lowered to LLVM, but got 'gpu.thread_id'
// REPRODUCER: mlir_reproducer
// REPRODUCER-NEXT: pipeline:
// REPRODUCER-SAME: convert-dropout-to-linalg
// REPRODUCER-SAME: dropout-emit-entry-points

// RUN: not dropout-opt %s --no-such-pass 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: Unknown command line argument '--no-such-pass'

func.func @f(%x: tensor<4x8xf32>, %s: i64, %o: i64) -> tensor<4x8xf32> {
  %y = dropout.element %x p = 0.3 rng(%s, %o) : tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}
