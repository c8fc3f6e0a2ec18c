//===- Plan.h - A call as a kernel sees it ----------------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_LIB_KERNELS_PLAN_H
#define DROPOUT_LIB_KERNELS_PLAN_H

#include "KernelSource.h"
#include "dropout/Kernels/Kernels.h"

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

/// A call with as few dims as its arrays and its mask allow.
struct Plan {
  /// At least one.
  llvm::SmallVector<PlanDim, 6> dims;
  /// One dim, and both arrays walk it element by element.
  bool isContiguous = false;
  int64_t numElements = 1;
  KernelKind kind = KernelKind::Element;
  KernelKey key;
};

/// The dims that a kernel can have; arrays of more need dims that merge.
constexpr size_t kMaxKernelRank = 16;

/// The plan of \p call, which has been checked. Error: too many dims.
llvm::Expected<Plan> makePlan(const KernelCall &call);

} // namespace mlir::dropout

#endif // DROPOUT_LIB_KERNELS_PLAN_H
