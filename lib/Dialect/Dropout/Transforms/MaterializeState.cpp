//===- MaterializeState.cpp - Implicit ops through dropout.reserve --------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/Dialect/Dropout/Transforms/Passes.h"

#include "dropout/Dialect/Dropout/Transforms/Transforms.h"

namespace mlir::dropout {
#define GEN_PASS_DEF_MATERIALIZESTATEPASS
#include "dropout/Dialect/Dropout/Transforms/Passes.h.inc"
} // namespace mlir::dropout

using namespace mlir;
using namespace mlir::dropout;

namespace {
struct MaterializeStatePass final
    : mlir::dropout::impl::MaterializeStatePassBase<MaterializeStatePass> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation()->walk([&](DropoutOpInterface op) {
      if (op.isImplicit())
        materializeState(rewriter, op);
    });
  }
};
} // namespace

ReserveOp mlir::dropout::materializeState(RewriterBase &rewriter,
                                          DropoutOpInterface op) {
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(op);
  auto reserve = ReserveOp::create(rewriter, op.getLoc(), op.getGeneratorAttr(),
                                   op.getTraining());
  rewriter.modifyOpInPlace(op, [&] {
    op->removeAttr("generator");
    op.getSeedMutable().assign(reserve.getSeed());
    op.getOffsetMutable().assign(reserve.getOffset());
    op.getTrainingMutable().assign(reserve.getIsTraining());
  });
  return reserve;
}
