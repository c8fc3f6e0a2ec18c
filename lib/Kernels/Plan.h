//===- Plan.h - A call as a kernel sees it ----------------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_LIB_KERNELS_PLAN_H
#define DROPOUT_LIB_KERNELS_PLAN_H

#include "dropout/Kernels/Kernels.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/SmallVector.h"

namespace mlir::dropout {

/// A dim of the space that a kernel walks.
struct PlanDim {
  int64_t size;
  /// In elements.
  int64_t sourceStride;
  int64_t destinationStride;
  /// Of the first element in the bigger array, and the size of that.
  int64_t position;
  int64_t full;
  /// Where the dim stands among those that index the mask; -1 if it does not.
  int64_t maskOrder;
};

/// A checked call with as few dims as its arrays and its mask allow.
struct Plan {
  /// At least one.
  llvm::SmallVector<PlanDim, 6> dims;
  /// One dim, and both arrays walk it element by element.
  bool isContiguous = false;
  int64_t numElements = 1;
  /// Everything that the code of the kernel depends on, as bytes; what
  /// `getKernelSource` reads.
  llvm::SmallString<24> key;
};

/// The dims that a kernel can have; arrays of more need dims that merge.
constexpr size_t kMaxKernelRank = 16;

/// Checks all of \p call but p and makes its plan.
llvm::Expected<Plan> makePlan(const KernelCall &call);

/// The MLIR program, with one function @kernel, of the plan's key. Its
/// arguments: the source (unless it writes a mask) and the destination, p,
/// seed, offset, the training flag, and for each dim position and full size.
std::string getKernelSource(llvm::StringRef key);

} // namespace mlir::dropout

#endif // DROPOUT_LIB_KERNELS_PLAN_H
