//===- SpecializeMode.cpp - Train or eval mode at compile time ------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/Dialect/Dropout/Transforms/Passes.h"

#include "dropout/Dialect/Dropout/IR/Dropout.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::dropout {
#define GEN_PASS_DEF_SPECIALIZEMODEPASS
#include "dropout/Dialect/Dropout/Transforms/Passes.h.inc"
} // namespace mlir::dropout

using namespace mlir;
using namespace mlir::dropout;

/// Eval is the identity, and takes no offset. p is checked in eval, too.
static void replaceByOperand(RewriterBase &rewriter, DropoutOpInterface op) {
  if (Value p = op.getPValue()) {
    auto check = p.getDefiningOp<CheckPOp>();
    if (!check || check.getResolution() != op.getResolution())
      CheckPOp::create(rewriter, op.getLoc(), p, op.getResolution());
  }
  Value source = op.getSource();
  if (!op.isMemRefForm())
    return rewriter.replaceOp(op, source);
  if (source != op.getDest())
    memref::CopyOp::create(rewriter, op.getLoc(), source, op.getDest());
  rewriter.eraseOp(op);
}

namespace {
struct SpecializeModePass final
    : mlir::dropout::impl::SpecializeModePassBase<SpecializeModePass> {
  using Base::Base;

  void runOnOperation() override {
    Operation *root = getOperation();
    if (mode != "train" && mode != "eval") {
      root->emitError("expected option 'mode' to be train or eval, but "
                      "got '")
          << mode << "'";
      return signalPassFailure();
    }
    bool train = mode == "train";
    IRRewriter rewriter(&getContext());
    auto createFlag = [&](Operation *op) -> Value {
      return arith::ConstantOp::create(rewriter, op->getLoc(),
                                       rewriter.getBoolAttr(train));
    };
    root->walk([&](Operation *op) {
      rewriter.setInsertionPoint(op);
      if (auto reserve = dyn_cast<ReserveOp>(op)) {
        if (!reserve.getTraining())
          reserve.getTrainingMutable().assign(createFlag(op));
        return;
      }
      auto masked = dyn_cast<DropoutOpInterface>(op);
      if (!masked || !masked.isImplicit() || masked.getTraining())
        return;
      if (train)
        masked.getTrainingMutable().assign(createFlag(op));
      else
        replaceByOperand(rewriter, masked);
    });
  }
};
} // namespace
