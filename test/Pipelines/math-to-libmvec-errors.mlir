// RUN: not dropout-opt %s --dropout-math-to-libmvec=vector-bits=64 2>&1 | FileCheck %s
// RUN: not dropout-opt %s --dropout-to-llvm=vector-math=svml 2>&1 | FileCheck %s --check-prefix=NAME
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// CHECK: error: expected option 'vector-bits' to be 128, 256 or 512, but got 64
// NAME: expected none or libmvec, but got 'svml'
module {}
