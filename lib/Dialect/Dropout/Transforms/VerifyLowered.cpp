//===- VerifyLowered.cpp - Dropout ops that no lowering has taken ---------===//
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

namespace {
struct VerifyLoweredPass final
    : mlir::dropout::impl::VerifyLoweredPassBase<VerifyLoweredPass> {
  void runOnOperation() override {
    if (failed(verifyLowered(getOperation())))
      return signalPassFailure();
    markAllAnalysesPreserved();
  }
};
} // namespace
