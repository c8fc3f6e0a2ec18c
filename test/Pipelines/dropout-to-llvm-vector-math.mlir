// RUN: dropout-opt %s --dropout-to-llvm="vector-math=libmvec vector-bits=512 masked-memory=true" | FileCheck %s --check-prefix=E
// RUN: dropout-opt %s --dropout-to-llvm="vector-math=libmvec vector-bits=256" | FileCheck %s --check-prefix=D
// RUN: dropout-opt %s --dropout-to-llvm="vector-bits=256" | FileCheck %s --check-prefix=NONE
// RUN: dropout-opt %s --dropout-to-llvm="vector-math=none" | FileCheck %s --check-prefix=NONE
// RUN: dropout-opt %s --dropout-to-llvm="vector-math=libmvec lowering=linalg" | FileCheck %s --check-prefix=NONE
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Neighbours of a dropout call the function of a whole register; ends of rows
// too where memory can be masked, else they are computed one by one.
// E-LABEL: llvm.func {{.*}}@f
// E-NOT: @erff
// E: llvm.call @_ZGVeN16v_erff
// E-NOT: @erff
// E: llvm.return
// D-LABEL: llvm.func {{.*}}@f
// D-DAG: llvm.call @_ZGVdN8v_erff
// D-DAG: llvm.call @erff
// NONE-NOT: _ZGV
// NONE: llvm.call @erff
// NONE-NOT: _ZGV
func.func @f(%x: tensor<?xf32>, %s: i64, %o: i64) -> tensor<?xf32> {
  %0 = math.erf %x : tensor<?xf32>
  %1 = dropout.element %0 p = 0.3 rng(%s, %o) : tensor<?xf32>
  return %1 : tensor<?xf32>
}
