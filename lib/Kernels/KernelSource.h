//===- KernelSource.h - The program of a kernel -----------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_LIB_KERNELS_KERNELSOURCE_H
#define DROPOUT_LIB_KERNELS_KERNELSOURCE_H

#include "dropout/Kernels/Kernels.h"

#include "llvm/ADT/SmallString.h"

namespace mlir::dropout {

/// Everything that the code of a kernel depends on, as bytes.
using KernelKey = llvm::SmallString<24>;

/// A kernel for the operation, type and options of \p call and the value map of
/// \p kind, over dims of which number d stands at \p maskOrders[d] among those
/// that index the mask, or does not index it where that is negative. One
/// \p isContiguous dim is walked element by element; others have strides.
KernelKey makeKernelKey(const KernelCall &call, KernelKind kind,
                        bool isContiguous, llvm::ArrayRef<int64_t> maskOrders);

/// The MLIR program, with one function @kernel, of a key. Its arguments: the
/// source (unless it writes a mask) and the destination, p, seed, offset, the
/// training flag, and for each dim position and full size.
std::string getKernelSource(llvm::StringRef key);

} // namespace mlir::dropout

#endif // DROPOUT_LIB_KERNELS_KERNELSOURCE_H
