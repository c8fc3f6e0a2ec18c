//===- KernelTable.h - Kernels of this process ------------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_LIB_KERNELS_KERNELTABLE_H
#define DROPOUT_LIB_KERNELS_KERNELTABLE_H

#include "dropout/ExecutionEngine/Executable.h"
#include "dropout/Kernels/Kernels.h"

namespace mlir::dropout {

/// The kernel with the plan's \p key, compiled or read from the default
/// ObjectCache if this is its first use. Safe for any thread, and at fork(2): a
/// child starts with its parent's kernels.
llvm::Expected<CompiledFunction> getKernel(llvm::StringRef key);

} // namespace mlir::dropout

#endif // DROPOUT_LIB_KERNELS_KERNELTABLE_H
