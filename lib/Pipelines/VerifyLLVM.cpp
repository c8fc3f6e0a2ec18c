//===- VerifyLLVM.cpp - Report ops that were not lowered ------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/Dialect/Dropout/IR/Dropout.h"
#include "dropout/Pipelines/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/OpenMP/OpenMPDialect.h"

namespace mlir::dropout {
#define GEN_PASS_DEF_VERIFYLLVMPASS
#include "dropout/Pipelines/Passes.h.inc"
} // namespace mlir::dropout

using namespace mlir;
using mlir::dropout::DropoutDialect;

namespace {
struct VerifyLLVMPass
    : public dropout::impl::VerifyLLVMPassBase<VerifyLLVMPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    module->walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (op == module || isa<UnrealizedConversionCastOp>(op) ||
          isa_and_present<LLVM::LLVMDialect, omp::OpenMPDialect>(
              op->getDialect()))
        return WalkResult::advance();
      op->emitError("expected an op that can be lowered to LLVM, but got '")
          << op->getName() << "'";
      signalPassFailure();
      // What is inside is no news.
      return WalkResult::skip();
    });
    // LLVM does not know our attributes.
    for (auto function : module.getOps<LLVM::LLVMFuncOp>()) {
      function->removeDiscardableAttr("dropout.entry_point");
      for (unsigned i = 0, e = function.getNumArguments(); i < e; ++i)
        function.removeArgAttr(i, DropoutDialect::kProbabilityArgAttrName);
    }
  }
};
} // namespace
