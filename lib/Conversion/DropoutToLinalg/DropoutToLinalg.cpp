//===- DropoutToLinalg.cpp - Dropout to a mask and a linalg.generic
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

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

/// A `dropout.mask threshold(...)` that draws the mask of `op`, of the shape of
/// its mask dims in their order.
static Value createMaskOp(OpBuilder &builder, DropoutOpInterface op,
                          const LoweringParameters &parameters) {
  SmallVector<int64_t> dims = op.getEffectiveMaskDims();
  auto select = [&](ArrayRef<OpFoldResult> values) {
    return llvm::map_to_vector(dims, [&](int64_t dim) { return values[dim]; });
  };
  SmallVector<Value> dynamicSizes;
  SmallVector<int64_t> staticSizes;
  dispatchIndexOpFoldResults(select(op.getMixedShape(builder)), dynamicSizes,
                             staticSizes);
  const DrawParameters &draw = parameters.draw;
  auto mask = MaskOp::create(
      builder, op.getLoc(),
      RankedTensorType::get(staticSizes, builder.getI1Type()), dynamicSizes,
      /*dest=*/Value(), /*p_value=*/Value(), draw.threshold, draw.seed,
      draw.offset, /*state=*/Value(), /*training=*/Value(), ValueRange(),
      ValueRange(), /*p=*/FloatAttr(), /*mask_dims=*/DenseI64ArrayAttr(),
      draw.rounds, draw.resolution, op.getContractVersion(),
      /*generator=*/StringAttr(), DenseI64ArrayAttr(), DenseI64ArrayAttr());
  if (op.hasPosition())
    cast<DropoutOpInterface>(mask.getOperation())
        .setPosition(select(op.getMixedPositionOffsets(builder)),
                     select(op.getMixedPositionSizes(builder)));
  return mask.getResult();
}

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

/// One parallel generic over the dims of `op`. A mask tensor, where there is
/// one, is its second input.
static linalg::GenericOp createGeneric(OpBuilder &builder,
                                       DropoutOpInterface op, Value output,
                                       const LoweringParameters &parameters,
                                       Value mask, MaskForm form) {
  Location loc = op.getLoc();
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
      builder, loc, op->getResultTypes(), inputs, output, maps, iterators,
      [&](OpBuilder &nested, Location loc, ValueRange arguments) {
        Value keep = mask ? arguments[1]
                          : emitKeepInBody(nested, loc, parameters, form);
        Value y = emitValue(nested, loc, parameters.value,
                            op.getSource() ? arguments[0] : Value(), keep);
        linalg::YieldOp::create(nested, loc, y);
      });
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
      return lowerThreshold(cast<MaskOp>(op.getOperation()), rewriter);

    LoweringParameters parameters = emitLoweringParameters(rewriter, op);
    Value output = op.getDest();
    if (!output)
      output = tensor::EmptyOp::create(
          rewriter, op.getLoc(), op.getMixedShape(rewriter),
          op.getShapedType().getElementType());
    Value mask =
        keepsMaskOp ? createMaskOp(rewriter, op, parameters) : Value();
    linalg::GenericOp generic =
        createGeneric(rewriter, op, output, parameters, mask, form);
    rewriter.replaceOp(op, generic);
    return success();
  }

private:
  /// p and the training flag of a mask become its threshold.
  static LogicalResult lowerThreshold(MaskOp mask, PatternRewriter &rewriter) {
    if (mask.getThreshold())
      return failure();
    auto op = cast<DropoutOpInterface>(mask.getOperation());
    Value threshold =
        emitLoweringParameters(rewriter, op).draw.threshold;
    rewriter.modifyOpInPlace(mask, [&] {
      mask.getPValueMutable().clear();
      mask.getTrainingMutable().clear();
      mask.removePAttr();
      mask.getThresholdMutable().assign(threshold);
    });
    return success();
  }

  KindFilter filter;
  MaskForm form;
};

struct ConvertDropoutToLinalgPass final
    : mlir::dropout::impl::ConvertDropoutToLinalgPassBase<
          ConvertDropoutToLinalgPass> {
  using Base::Base;

  void runOnOperation() override {
    Operation *root = getOperation();
    FailureOr<KindFilter> filter = KindFilter::parse(
        root->getLoc(), SmallVector<std::string>(kinds.begin(), kinds.end()));
    if (failed(filter))
      return signalPassFailure();
    if (mask != "op" && mask != "inline") {
      root->emitError("expected option 'mask' to be op or inline, but got '")
          << mask << "'";
      return signalPassFailure();
    }
    SmallVector<Operation *> ops;
    WalkResult result = root->walk([&](DropoutOpInterface op) {
      if (!filter->contains(op))
        return WalkResult::advance();
      ops.push_back(op);
      return failed(requireExplicit(op)) ? WalkResult::interrupt()
                                         : WalkResult::advance();
    });
    if (result.wasInterrupted())
      return signalPassFailure();

    RewritePatternSet patterns(&getContext());
    populateDropoutToLinalgPatterns(
        patterns, *filter, mask == "op" ? MaskForm::Op : MaskForm::Inline);
    if (failed(convert(root, ops, std::move(patterns))))
      signalPassFailure();
  }

private:
  /// Told to convert some kinds, it touches nothing but their ops.
  LogicalResult convert(Operation *root, ArrayRef<Operation *> ops,
                        RewritePatternSet &&patterns) {
    if (kinds.empty())
      return applyPatternsGreedily(root, std::move(patterns));
    auto config = GreedyRewriteConfig().setStrictness(
        GreedyRewriteStrictness::ExistingAndNewOps);
    return applyOpPatternsGreedily(ops, std::move(patterns), config);
  }
};

} // namespace

void mlir::dropout::populateDropoutToLinalgPatterns(RewritePatternSet &patterns,
                                                    const KindFilter &filter,
                                                    MaskForm form) {
  patterns.add<ConvertToGeneric>(patterns.getContext(), filter, form);
}
