//===- FuseElementwise.cpp - Fuse element-wise linalg ops -----------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/Pipelines/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::dropout {
#define GEN_PASS_DEF_FUSEELEMENTWISEPASS
#include "dropout/Pipelines/Passes.h.inc"
} // namespace mlir::dropout

using namespace mlir;

/// True if fusing the producer of \p operand into its reader computes each
/// element of it once.
static bool isComputedOnce(OpOperand *operand) {
  auto producer = operand->get().getDefiningOp<linalg::GenericOp>();
  if (!producer)
    return true; // A fill; folded into its reader as a constant.
  if (!producer->hasOneUse())
    return false;
  // A producer that only moves values (broadcast, transpose) costs nothing.
  if (llvm::hasSingleElement(producer.getBody()->getOperations()))
    return true;
  auto consumer = dyn_cast<linalg::LinalgOp>(operand->getOwner());
  return consumer && consumer.getMatchingIndexingMap(operand).isPermutation();
}

namespace {
struct FuseElementwisePass
    : public dropout::impl::FuseElementwisePassBase<FuseElementwisePass> {
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    RewritePatternSet patterns(context);
    linalg::populateElementwiseOpsFusionPatterns(patterns, isComputedOnce);
    linalg::populateEraseUnusedOperandsAndResultsPatterns(patterns);
    // Without these a fused producer of dynamic shape would live on in the
    // tensor.dim that sizes its reader's result.
    memref::populateResolveRankedShapedTypeResultDimsPatterns(patterns);
    tensor::populateFoldTensorEmptyPatterns(patterns);
    linalg::GenericOp::getCanonicalizationPatterns(patterns, context);
    affine::AffineApplyOp::getCanonicalizationPatterns(patterns, context);
    // Fusion walks down chains, which the default limit would cut.
    if (failed(applyPatternsGreedily(
            getOperation(), std::move(patterns),
            GreedyRewriteConfig().setUseTopDownTraversal())))
      signalPassFailure();
  }
};
} // namespace
