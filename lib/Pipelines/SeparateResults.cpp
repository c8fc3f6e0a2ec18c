//===- SeparateResults.cpp - Give each result its own buffer --------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/Pipelines/Passes.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/BufferViewFlowAnalysis.h"

namespace mlir::dropout {
#define GEN_PASS_DEF_SEPARATERESULTSPASS
#include "dropout/Pipelines/Passes.h.inc"
} // namespace mlir::dropout

using namespace mlir;

namespace {
struct SeparateResultsPass
    : public dropout::impl::SeparateResultsPassBase<SeparateResultsPass> {
  void runOnOperation() override {
    SmallVector<func::ReturnOp> returns;
    getOperation().walk([&](func::ReturnOp op) {
      if (llvm::count_if(op.getOperandTypes(), llvm::IsaPred<BaseMemRefType>) >
          1)
        returns.push_back(op);
    });
    if (returns.empty())
      return;
    BufferViewFlowAnalysis analysis(getOperation());
    for (func::ReturnOp op : returns) {
      // All values that an operand so far may be a view of.
      llvm::SmallPtrSet<Value, 16> returned;
      for (OpOperand &operand : op->getOpOperands()) {
        if (!isa<BaseMemRefType>(operand.get().getType()))
          continue;
        BufferViewFlowAnalysis::ValueSetT origins =
            analysis.resolveReverse(operand.get());
        bool isShared = llvm::any_of(
            origins, [&](Value origin) { return returned.contains(origin); });
        if (!isShared) {
          returned.insert(origins.begin(), origins.end());
          continue;
        }
        OpBuilder builder(op);
        operand.set(bufferization::CloneOp::create(builder, op.getLoc(),
                                                   operand.get()));
      }
    }
  }
};
} // namespace
