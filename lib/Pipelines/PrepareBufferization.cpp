//===- PrepareBufferization.cpp - Protect what callers own ----------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/Pipelines/Passes.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/BufferViewFlowAnalysis.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/CallInterfaces.h"

namespace mlir::dropout {
#define GEN_PASS_DEF_PREPAREBUFFERIZATIONPASS
#include "dropout/Pipelines/Passes.h.inc"
} // namespace mlir::dropout

using namespace mlir;
using bufferization::BufferizationDialect;

/// Marks the tensor arguments of a public function as read-only.
static void protectArguments(func::FuncOp function) {
  Builder builder(function.getContext());
  for (unsigned i = 0, e = function.getNumArguments(); i < e; ++i)
    if (isa<TensorType>(function.getArgument(i).getType()) &&
        !function.getArgAttr(i, BufferizationDialect::kWritableAttrName))
      function.setArgAttr(i, BufferizationDialect::kWritableAttrName,
                          builder.getBoolAttr(false));
}

/// Marks each memref.dealloc of the function, and what it frees.
static LogicalResult markManualMemory(func::FuncOp function) {
  SmallVector<memref::DeallocOp> deallocs;
  function.walk([&](memref::DeallocOp op) {
    if (!op->hasAttr(BufferizationDialect::kManualDeallocation))
      deallocs.push_back(op);
  });
  if (deallocs.empty())
    return success();

  BufferViewFlowAnalysis analysis(function);
  UnitAttr unit = UnitAttr::get(function.getContext());
  for (memref::DeallocOp dealloc : deallocs) {
    for (Value origin : analysis.resolveReverse(dealloc.getMemref())) {
      Operation *op = origin.getDefiningOp();
      if (!op)
        continue;
      if (isa<CallOpInterface>(op)) {
        InFlightDiagnostic diagnostic =
            dealloc.emitError("expected memref.dealloc of memory that this "
                              "function allocates, but got the result of a "
                              "call, which is freed automatically");
        diagnostic.attachNote(op->getLoc()) << "the call is here";
        return diagnostic;
      }
      if (isa<memref::AllocOp>(op))
        op->setAttr(BufferizationDialect::kManualDeallocation, unit);
    }
    dealloc->setAttr(BufferizationDialect::kManualDeallocation, unit);
  }
  return success();
}

namespace {
struct PrepareBufferizationPass
    : public dropout::impl::PrepareBufferizationPassBase<
          PrepareBufferizationPass> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function.isExternal())
        continue;
      if (function.isPublic())
        protectArguments(function);
      if (failed(markManualMemory(function)))
        return signalPassFailure();
    }
  }
};
} // namespace
