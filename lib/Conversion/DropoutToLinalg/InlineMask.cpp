//===- InlineMask.cpp - Masks into their readers --------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GenericBuilder.h"

#include "dropout/Conversion/DropoutToLinalg.h"
#include "dropout/Conversion/Passes.h"
#include "dropout/Conversion/Utils/DropoutLowering.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::dropout {
#define GEN_PASS_DEF_INLINEMASKPASS
#include "dropout/Conversion/Passes.h.inc"
} // namespace mlir::dropout

using namespace mlir;
using namespace mlir::dropout;

/// True if the generic writes nothing but keep bits.
static bool isMaskGeneric(Operation *op) {
  auto generic = dyn_cast_or_null<linalg::GenericOp>(op);
  return generic && generic.getNumDpsInputs() == 0 &&
         generic->getNumResults() == 1 &&
         generic.getBody()
             ->getTerminator()
             ->getOperand(0)
             .getDefiningOp<KeepOp>();
}

namespace {

struct MaskToGeneric : OpRewritePattern<MaskOp> {
  MaskToGeneric(MLIRContext *context, bool unread)
      : OpRewritePattern(context), unread(unread) {}

  LogicalResult matchAndRewrite(MaskOp op,
                                PatternRewriter &rewriter) const final {
    if (!unread &&
        !llvm::any_of(op->getUsers(), llvm::IsaPred<linalg::LinalgOp>))
      return rewriter.notifyMatchFailure(op, "no linalg op reads the mask");
    auto masked = cast<DropoutOpInterface>(op.getOperation());
    rewriter.replaceOp(op,
                       createGeneric(rewriter, masked,
                                     emitLoweringParameters(rewriter, masked),
                                     /*mask=*/Value(), MaskForm::Op));
    return success();
  }

private:
  bool unread;
};

/// Named ops that read a mask (linalg.select) become generics.
struct GeneralizeReader : OpInterfaceRewritePattern<linalg::LinalgOp> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;

  LogicalResult matchAndRewrite(linalg::LinalgOp op,
                                PatternRewriter &rewriter) const final {
    if (isa<linalg::GenericOp>(op) || !op.hasPureTensorSemantics())
      return failure();
    bool readsMask = llvm::any_of(op.getDpsInputs(), [](Value input) {
      return isMaskGeneric(input.getDefiningOp());
    });
    if (!readsMask)
      return failure();
    return linalg::generalizeNamedOp(rewriter, op);
  }
};

/// The mask moves into every reader: drawing it again costs less than keeping
/// it.
struct FuseIntoReader : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const final {
    for (OpOperand *operand : op.getDpsInputOperands()) {
      Operation *mask = operand->get().getDefiningOp();
      if (!isMaskGeneric(mask) || !linalg::areElementwiseOpsFusable(operand))
        continue;
      // Fusion would keep the result of a mask with other readers.
      if (!mask->hasOneUse()) {
        rewriter.setInsertionPoint(op);
        Operation *own = rewriter.clone(*mask);
        rewriter.modifyOpInPlace(op, [&] { operand->set(own->getResult(0)); });
      }
      FailureOr<linalg::ElementwiseOpFusionResult> fused =
          linalg::fuseElementwiseOps(rewriter, operand);
      if (failed(fused))
        continue;
      for (auto [from, to] : fused->replacements)
        rewriter.replaceAllUsesWith(from, to);
      rewriter.eraseOp(op);
      return success();
    }
    return failure();
  }
};

struct InlineMaskPass final
    : mlir::dropout::impl::InlineMaskPassBase<InlineMaskPass> {
  using Base::Base;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateInlineMaskPatterns(patterns, unread);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace

void mlir::dropout::populateInlineMaskPatterns(RewritePatternSet &patterns,
                                               bool unread) {
  MLIRContext *context = patterns.getContext();
  patterns.add<FuseIntoReader, GeneralizeReader>(context);
  patterns.add<MaskToGeneric>(context, unread);
}
