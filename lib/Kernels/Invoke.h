//===- Invoke.h - Call a kernel ---------------------------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_LIB_KERNELS_INVOKE_H
#define DROPOUT_LIB_KERNELS_INVOKE_H

#include "Plan.h"
#include "dropout/ExecutionEngine/Executable.h"

namespace mlir::dropout {

/// Calls \p kernel on \p dims, one per dim that it has, with the options of
/// \p call. The arrays begin at \p source, which is not looked at for a mask,
/// and \p destination. Returns a status.
int32_t invokeKernel(const CompiledFunction &kernel, const KernelCall &call,
                     llvm::ArrayRef<PlanDim> dims, void *source,
                     void *destination);

} // namespace mlir::dropout

#endif // DROPOUT_LIB_KERNELS_INVOKE_H
