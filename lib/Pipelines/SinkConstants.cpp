//===- SinkConstants.cpp - Constants into kernels -------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/Pipelines/Passes.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"

namespace mlir::dropout {
#define GEN_PASS_DEF_SINKCONSTANTSPASS
#include "dropout/Pipelines/Passes.h.inc"
} // namespace mlir::dropout

using namespace mlir;

namespace {
struct SinkConstantsPass
    : public dropout::impl::SinkConstantsPassBase<SinkConstantsPass> {
  void runOnOperation() override {
    getOperation().walk([](gpu::LaunchOp launch) {
      Region &body = launch.getBody();
      llvm::SetVector<Value> captured;
      getUsedValuesDefinedAbove(body, captured);
      OpBuilder builder(launch.getContext());
      builder.setInsertionPointToStart(&body.front());
      for (Value value : captured)
        if (matchPattern(value, m_Constant()))
          replaceAllUsesInRegionWith(
              value, builder.clone(*value.getDefiningOp())->getResult(0), body);
    });
  }
};
} // namespace
