//===- Slices.h - Threads that share an array -------------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_LIB_KERNELS_SLICES_H
#define DROPOUT_LIB_KERNELS_SLICES_H

#include "llvm/ADT/STLFunctionalExtras.h"

namespace mlir::dropout {

/// Calls \p run with 0, ..., \p count - 1 on this thread and those of a pool,
/// each once, and returns when all have returned. If the system has no thread
/// left, this one does it alone. Safe for any thread, and at fork(2): a child
/// makes a pool of its own.
void runSlices(unsigned count, llvm::function_ref<void(unsigned)> run);

} // namespace mlir::dropout

#endif // DROPOUT_LIB_KERNELS_SLICES_H
