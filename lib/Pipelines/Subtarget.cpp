//===- Subtarget.cpp - The processors that LLVM knows ---------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Subtarget.h"

#include "llvm/MC/TargetRegistry.h"

using namespace mlir;

std::unique_ptr<llvm::MCSubtargetInfo>
mlir::dropout::lookUpSubtarget(Operation *op, StringRef name) {
  std::string error;
  llvm::Triple triple(name);
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target) {
    if (op)
      op->emitError("expected LLVM to know '") << name << "', but " << error;
    return nullptr;
  }
  return std::unique_ptr<llvm::MCSubtargetInfo>(
      target->createMCSubtargetInfo(triple, "", ""));
}

LogicalResult
mlir::dropout::verifyChip(Operation *op, const llvm::MCSubtargetInfo &subtarget,
                          StringRef chip,
                          llvm::function_ref<bool(StringRef)> isOffered) {
  SmallVector<StringRef> offered;
  for (const llvm::SubtargetSubTypeKV &entry :
       subtarget.getAllProcessorDescriptions())
    if (isOffered(entry.Key))
      offered.push_back(entry.Key);
  if (llvm::is_contained(offered, chip))
    return success();
  InFlightDiagnostic diagnostic =
      op->emitError("expected option 'chip' to be one of ");
  llvm::interleaveComma(offered, diagnostic,
                        [&](StringRef name) { diagnostic << name; });
  return diagnostic << ", but got '" << chip << "'";
}

bool mlir::dropout::isKnownFeature(const llvm::MCSubtargetInfo &subtarget,
                                   StringRef name) {
  return llvm::any_of(
      subtarget.getAllProcessorFeatures(),
      [&](const llvm::SubtargetFeatureKV &entry) { return name == entry.Key; });
}
