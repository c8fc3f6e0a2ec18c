//===- Subtarget.h - The processors that LLVM knows -------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_LIB_PIPELINES_SUBTARGET_H
#define DROPOUT_LIB_PIPELINES_SUBTARGET_H

#include "mlir/IR/Operation.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include <memory>

namespace mlir::dropout {

/// LLVM's tables of the processors and features of `triple`, whose target is
/// initialized; null, with an error at `op` unless that is null, if this LLVM
/// does not have it.
std::unique_ptr<llvm::MCSubtargetInfo> lookUpSubtarget(Operation *op,
                                                       StringRef triple);

/// Fails with an error at `op` that lists the processors, if `chip` is none of
/// those that `isOffered` takes.
LogicalResult verifyChip(
    Operation *op, const llvm::MCSubtargetInfo &subtarget, StringRef chip,
    llvm::function_ref<bool(StringRef)> isOffered = [](StringRef) {
      return true;
    });

/// Whether the table has a feature `name`, without a sign.
bool isKnownFeature(const llvm::MCSubtargetInfo &subtarget, StringRef name);

} // namespace mlir::dropout

#endif // DROPOUT_LIB_PIPELINES_SUBTARGET_H
