//===- DropoutToLinalg.cpp - Dropout to a mask and a linalg.generic -------===//
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
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::dropout {
#define GEN_PASS_DEF_CONVERTDROPOUTTOLINALGPASS
#include "dropout/Conversion/Passes.h.inc"
} // namespace mlir::dropout

using namespace mlir;
using namespace mlir::dropout;

/// The keep bit inside the body of a generic: `linalg.index` and, with
/// MaskForm::Inline, Philox; else a `dropout.keep`.
static Value emitKeepInBody(OpBuilder &builder, Location loc,
                            const LoweringParameters &parameters,
                            MaskForm form) {
  SmallVector<Value> indices;
  for (auto [dim, stride] : llvm::enumerate(parameters.strides))
    indices.push_back(linalg::IndexOp::create(builder, loc, dim));
  Value index = emitLinearIndex(builder, loc, parameters, indices);
  const DrawParameters &draw = parameters.draw;
  if (form == MaskForm::Inline)
    return KeepBitEmitter(builder, loc, draw)
        .emitKeep(index, TieForm::StraightLine);
  return KeepOp::create(builder, loc, index, draw.threshold, draw.seed,
                        draw.offset, draw.rounds, draw.resolution);
}

linalg::GenericOp
mlir::dropout::createGeneric(OpBuilder &builder, DropoutOpInterface op,
                             const LoweringParameters &parameters, Value mask,
                             MaskForm form) {
  Location loc = op.getLoc();
  Value output = op.getDest();
  if (!output)
    output = tensor::EmptyOp::create(builder, loc, op.getMixedShape(builder),
                                     op.getShapedType().getElementType());
  int64_t rank = op.getShapedType().getRank();
  AffineMap identity = builder.getMultiDimIdentityMap(rank);
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  if (Value source = op.getSource()) {
    inputs.push_back(source);
    maps.push_back(identity);
  }
  if (mask) {
    inputs.push_back(mask);
    SmallVector<AffineExpr> dims =
        llvm::map_to_vector(op.getEffectiveMaskDims(), [&](int64_t dim) {
          return builder.getAffineDimExpr(dim);
        });
    maps.push_back(AffineMap::get(rank, 0, dims, builder.getContext()));
  }
  maps.push_back(identity);
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  return linalg::GenericOp::create(
      builder, loc, TypeRange(op->getResultTypes()).take_front(), inputs,
      output, maps, iterators,
      [&](OpBuilder &nested, Location loc, ValueRange arguments) {
        Value keep =
            mask ? arguments[1] : emitKeepInBody(nested, loc, parameters, form);
        Value y = emitValue(nested, loc, parameters.value,
                            op.getSource() ? arguments[0] : Value(), keep);
        linalg::YieldOp::create(nested, loc, y);
      });
}

/// p and the training flag of a mask become its threshold.
static LogicalResult lowerThreshold(RewriterBase &rewriter, MaskOp mask) {
  if (mask.getThreshold())
    return failure();
  auto op = cast<DropoutOpInterface>(mask.getOperation());
  Value threshold = emitLoweringParameters(rewriter, op).draw.threshold;
  rewriter.modifyOpInPlace(mask, [&] {
    mask.getPValueMutable().clear();
    mask.getTrainingMutable().clear();
    mask.removePAttr();
    mask.getThresholdMutable().assign(threshold);
  });
  return success();
}

DecomposedDropout mlir::dropout::decomposeDropout(RewriterBase &rewriter,
                                                  DropoutOpInterface op) {
  LoweringParameters parameters = emitLoweringParameters(rewriter, op);
  DecomposedDropout parts;
  if (op.getMaskResult()) {
    // Whoever reads it sees ones in eval, too: its threshold knows the flag.
    parts.mask = createMask(rewriter, op);
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPoint(parts.mask);
    (void)lowerThreshold(rewriter, parts.mask);
  } else {
    parts.mask = createMask(rewriter, op, parameters.draw.threshold);
  }
  parts.value = createGeneric(rewriter, op, parameters, parts.mask.getResult(),
                              MaskForm::Op);
  SmallVector<Value> values(parts.value->getResults());
  if (op.getMaskResult())
    values.push_back(parts.mask.getResult());
  rewriter.replaceOp(op, values);
  return parts;
}

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

namespace {

/// Any op that draws a mask becomes a generic.
struct ConvertToGeneric : OpInterfaceRewritePattern<DropoutOpInterface> {
  ConvertToGeneric(MLIRContext *context, const KindFilter &filter,
                   MaskForm form)
      : OpInterfaceRewritePattern(context), filter(filter), form(form) {}

  LogicalResult matchAndRewrite(DropoutOpInterface op,
                                PatternRewriter &rewriter) const final {
    if (!filter.contains(op) || op.isImplicit())
      return failure();
    if (op.getMaskResult())
      return splitMaskResult(rewriter, op);
    bool isMask = op.getValueMap() == ValueMap::Keep;
    bool keepsMaskOp = form == MaskForm::Op && !op.isMemRefForm();
    if (isMask && keepsMaskOp)
      return lowerThreshold(rewriter, cast<MaskOp>(op.getOperation()));
    if (keepsMaskOp) {
      decomposeDropout(rewriter, op);
      return success();
    }
    LoweringParameters parameters = emitLoweringParameters(rewriter, op);
    rewriter.replaceOp(
        op, createGeneric(rewriter, op, parameters, /*mask=*/Value(), form));
    return success();
  }

private:
  KindFilter filter;
  MaskForm form;
};

struct ConvertDropoutToLinalgPass final
    : mlir::dropout::impl::ConvertDropoutToLinalgPassBase<
          ConvertDropoutToLinalgPass> {
  using Base::Base;

  void runOnOperation() override {
    Operation *root = getOperation();
    if (mask != "op" && mask != "inline") {
      root->emitError("expected option 'mask' to be op or inline, but got '")
          << mask << "'";
      return signalPassFailure();
    }
    MaskForm form = mask == "op" ? MaskForm::Op : MaskForm::Inline;
    if (failed(convertKinds(
            root, llvm::to_vector(kinds), requireExplicit,
            [&](RewritePatternSet &patterns, const KindFilter &filter) {
              populateDropoutToLinalgPatterns(patterns, filter, form);
            })))
      signalPassFailure();
  }
};

} // namespace

void mlir::dropout::populateDropoutToLinalgPatterns(RewritePatternSet &patterns,
                                                    const KindFilter &filter,
                                                    MaskForm form) {
  patterns.add<ConvertToGeneric>(patterns.getContext(), filter, form);
}
