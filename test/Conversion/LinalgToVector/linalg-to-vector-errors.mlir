// RUN: not dropout-opt %s --dropout-convert-linalg-to-vector=vector-bits=384 2>&1 | FileCheck %s --check-prefix=BITS
// RUN: not dropout-opt %s --dropout-convert-linalg-to-vector=vector-bits=0 2>&1 | FileCheck %s --check-prefix=ZERO
// RUN: not dropout-opt %s --dropout-convert-linalg-to-vector=nontemporal-bytes=-1 2>&1 | FileCheck %s --check-prefix=BYTES
// RUN: not dropout-opt %s --dropout-convert-linalg-to-vector=threads=-2 2>&1 | FileCheck %s --check-prefix=THREADS
// RUN: not dropout-opt %s --dropout-convert-linalg-to-vector=threads=1025 2>&1 | FileCheck %s --check-prefix=MANY
// RUN: not dropout-opt %s --dropout-to-llvm=vector-bits=100 2>&1 | FileCheck %s --check-prefix=PIPELINE
// RUN: not dropout-opt %s --dropout-convert-linalg-to-vector=tile=0 2>&1 | FileCheck %s --check-prefix=OPTION
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// BITS: error: expected option 'vector-bits' to be 128, 256 or 512, but got 384
// ZERO: error: expected option 'vector-bits' to be 128, 256 or 512, but got 0
// BYTES: error: expected option 'nontemporal-bytes' to be at least 0, but got -1
// THREADS: error: expected option 'threads' to be 0 to 1024, but got -2
// MANY: error: expected option 'threads' to be 0 to 1024, but got 1025
// PIPELINE: error: expected option 'vector-bits' to be 128, 256 or 512, but got 100
// OPTION: no such option tile
func.func @f() {
  return
}
