// The middle of the pipeline with `lowering=vector`: the example is one loop over
// rows, with one buffer for the hidden tile, two for the row sums and one for
// the result, which the second product is computed in; nothing is copied.
//
// RUN: dropout-opt %dropout_src/examples/feed_forward/feed_forward.mlir --dropout-to-llvm \
// RUN:   --mlir-print-ir-after=dropout-expand-copies -o /dev/null 2>&1 | FileCheck %s
// RUN: dropout-opt %dropout_src/examples/feed_forward/feed_forward.mlir --dropout-to-llvm=vector-bits=512 \
// RUN:   --mlir-print-ir-after=convert-linalg-to-loops -o /dev/null 2>&1 | FileCheck %s --check-prefix=LOOPS
// RUN: dropout-opt %dropout_src/examples/feed_forward/feed_forward.mlir \
// RUN:   --dropout-to-llvm=lowering=affine \
// RUN:   --mlir-print-ir-after=convert-linalg-to-loops -o /dev/null 2>&1 | FileCheck %s --check-prefix=AFFINE
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// CHECK: func.func @feed_forward
// CHECK: memref.alloc({{.*}} : memref<?x256xf32>
// CHECK-NOT: memref.alloc
// CHECK-NOT: memref.copy
// CHECK: scf.for
// CHECK: memref.alloc({{.*}} : memref<?x1024xf32>
// CHECK: %[[TILE:.*]] = memref.subview
// CHECK: memref.alloc({{.*}} : memref<?xf32>
// CHECK: memref.alloc({{.*}} : memref<?xf32>
// CHECK-NOT: memref.alloc
// CHECK-NOT: memref.copy
// CHECK: linalg.matmul
// CHECK-COUNT-1: dropout.keep
// CHECK: linalg.matmul {{.*}} outs(%[[TILE]] :
// CHECK-COUNT-1: dropout.keep
// CHECK: linalg.reduce
// CHECK-NOT: dropout.keep
// CHECK-NOT: memref.copy
// CHECK: return

// LOOPS: func.func @feed_forward
// LOOPS: arith.mulf {{.*}} : vector<16xf32>
// LOOPS: dropout.keep_run
// LOOPS: arith.mulf {{.*}} : vector<16xf32>
// LOOPS: dropout.keep_run
// LOOPS: vector.shuffle
// LOOPS-NOT: dropout.keep
// LOOPS: return

// AFFINE: func.func @feed_forward
// AFFINE-NOT: vector
// AFFINE: return
