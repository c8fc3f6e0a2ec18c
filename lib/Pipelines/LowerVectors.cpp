//===- LowerVectors.cpp - Vector ops that LLVM has no like of -------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Upstream's convert-vector-to-llvm collects a few hundred patterns at every
// run and looks at every op, which takes longer than all the rest of a small
// kernel's way to LLVM. Here patterns are collected once, only the ops that
// need one are looked at, and convert-to-llvm does the rest.
//
//===----------------------------------------------------------------------===//

#include "dropout/Pipelines/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "mlir/Dialect/Vector/Transforms/VectorRewritePatterns.h"
#include "mlir/Rewrite/FrozenRewritePatternSet.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::dropout {
#define GEN_PASS_DEF_LOWERVECTORSPASS
#include "dropout/Pipelines/Passes.h.inc"
} // namespace mlir::dropout

using namespace mlir;

static bool isAtMostRank1(Type type) {
  auto vector = dyn_cast<VectorType>(type);
  return !vector || (vector.getRank() == 1 && !vector.isScalable());
}

/// Whether convert-to-llvm takes the op as it is: instructions of LLVM.
static bool isInstruction(Operation *op) {
  return isa<vector::BitCastOp, vector::BroadcastOp, vector::ExtractOp,
             vector::InsertOp, vector::LoadOp, vector::MaskedLoadOp,
             vector::MaskedStoreOp, vector::ShuffleOp, vector::StoreOp>(op) &&
         llvm::all_of(op->getOperandTypes(), isAtMostRank1) &&
         llvm::all_of(op->getResultTypes(), isAtMostRank1);
}

namespace {
struct LowerVectorsPass
    : public dropout::impl::LowerVectorsPassBase<LowerVectorsPass> {
  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet set(context);
    vector::populateVectorToVectorCanonicalizationPatterns(set);
    vector::populateVectorBitCastLoweringPatterns(set);
    vector::populateVectorBroadcastLoweringPatterns(set);
    vector::populateVectorContractLoweringPatterns(
        set, vector::VectorContractLowering::Dot);
    vector::populateVectorMaskOpLoweringPatterns(set);
    vector::populateVectorShapeCastLoweringPatterns(set);
    vector::populateVectorInterleaveLoweringPatterns(set);
    vector::populateVectorTransposeLoweringPatterns(
        set, vector::VectorTransposeLowering::EltWise);
    vector::populateVectorTransferLoweringPatterns(set, /*maxTransferRank=*/1);
    vector::populateVectorMaskMaterializationPatterns(
        set, /*force32BitVectorIndices=*/false);
    vector::populateVectorInsertExtractStridedSliceTransforms(set);
    vector::populateVectorStepLoweringPatterns(set);
    vector::populateVectorRankReducingFMAPattern(set);
    vector::populateVectorGatherLoweringPatterns(set);
    patterns = std::move(set);
    return success();
  }

  void runOnOperation() override {
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (isa_and_present<vector::VectorDialect>(op->getDialect()) &&
          !isInstruction(op))
        ops.push_back(op);
    });
    if (ops.empty())
      return;
    GreedyRewriteConfig config;
    config.setStrictness(GreedyRewriteStrictness::ExistingAndNewOps);
    // What does not converge meets an error of convert-to-llvm.
    (void)applyOpPatternsGreedily(ops, patterns, config);
  }

  FrozenRewritePatternSet patterns;
};
} // namespace
