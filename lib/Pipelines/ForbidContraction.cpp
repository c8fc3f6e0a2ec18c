//===- ForbidContraction.cpp - Each operation rounds ----------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/Pipelines/Passes.h"

#include "mlir/Dialect/SPIRV/IR/SPIRVOps.h"

namespace mlir::dropout {
#define GEN_PASS_DEF_FORBIDCONTRACTIONPASS
#include "dropout/Pipelines/Passes.h.inc"
} // namespace mlir::dropout

using namespace mlir;

namespace {
struct ForbidContractionPass
    : public dropout::impl::ForbidContractionPassBase<ForbidContractionPass> {
  void runOnOperation() override {
    // The name that the serializer has for the decoration.
    StringRef name = "no_contraction";
    getOperation().walk([&](Operation *op) {
      if (isa<spirv::FAddOp, spirv::FSubOp, spirv::FMulOp>(op))
        op->setAttr(name, UnitAttr::get(&getContext()));
    });
  }
};
} // namespace
