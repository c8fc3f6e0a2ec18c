//===- VerifyLowered.cpp - Dropout ops that no lowering has taken
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/Dialect/Dropout/Transforms/Passes.h"

#include "dropout/Dialect/Dropout/IR/Dropout.h"

namespace mlir::dropout {
#define GEN_PASS_DEF_VERIFYLOWEREDPASS
#include "dropout/Dialect/Dropout/Transforms/Passes.h.inc"
} // namespace mlir::dropout

using namespace mlir;
using namespace mlir::dropout;

/// The passes that take `op` from here.
static StringRef getMissingPass(Operation *op) {
  if (auto masked = dyn_cast<DropoutOpInterface>(op)) {
    if (masked.isImplicit())
      return "dropout-materialize-state";
    if (masked.getValueMap() == ValueMap::Keep && !masked.isMemRefForm())
      return "dropout-inline-mask";
    return masked.isMemRefForm()
               ? "convert-dropout-to-linalg' or 'convert-dropout-to-affine"
               : "convert-dropout-to-linalg";
  }
  return "convert-dropout-to-arith"; // dropout.keep
}

namespace {
struct VerifyLoweredPass final
    : mlir::dropout::impl::VerifyLoweredPassBase<VerifyLoweredPass> {
  void runOnOperation() override {
    bool failed = false;
    getOperation()->walk([&](Operation *op) {
      // State and checks become runtime calls in the conversion to LLVM.
      if (!isa_and_nonnull<DropoutDialect>(op->getDialect()) ||
          isa<ReserveOp, CheckPOp>(op))
        return;
      op->emitOpError("expected to be lowered, but got here; run '")
          << getMissingPass(op) << "' before";
      failed = true;
    });
    if (failed)
      return signalPassFailure();
    markAllAnalysesPreserved();
  }
};
} // namespace
