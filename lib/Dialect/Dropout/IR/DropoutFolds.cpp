//===- DropoutFolds.cpp - Folds and canonicalizations ---------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// None of these changes a mask, a value or the number of offsets taken:
// implicit ops are never touched.
//
//===----------------------------------------------------------------------===//

#include "dropout/Dialect/Dropout/IR/Dropout.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::dropout;

//===----------------------------------------------------------------------===//
// What is known of an op
//===----------------------------------------------------------------------===//

namespace {
/// What an op does to all of its elements, if that is known.
enum class Outcome { Unknown, KeepsAll, DropsAll, Poison };
} // namespace

/// p if it is an attribute or a constant that is a probability.
static std::optional<double> getKnownProbability(DropoutOpInterface op) {
  if (FloatAttr p = op.getPAttr())
    return p.getValueAsDouble();
  FloatAttr attr;
  if (!op.getPValue() || !matchPattern(op.getPValue(), m_Constant(&attr)))
    return std::nullopt;
  double p = attr.getValueAsDouble();
  if (!isProbability(p) || !isRepresentable(p, op.getResolution()))
    return std::nullopt; // check_p reports it at run time.
  return p;
}

/// The training flag: true where there is none, std::nullopt if not known.
static std::optional<bool> getKnownTraining(DropoutOpInterface op) {
  if (!op.getTraining())
    return true;
  APInt flag;
  if (matchPattern(op.getTraining(), m_ConstantInt(&flag)))
    return flag.isOne();
  return std::nullopt;
}

static Outcome getOutcome(DropoutOpInterface op) {
  std::optional<bool> training = getKnownTraining(op);
  if (training == false)
    return Outcome::KeepsAll;
  std::optional<double> p = getKnownProbability(op);
  if (p == 0.0)
    return Outcome::KeepsAll;
  if (p == 1.0 && training == true)
    return Outcome::DropsAll;
  APInt threshold;
  bool knownThreshold =
      op.getThreshold() &&
      matchPattern(op.getThreshold(), m_ConstantInt(&threshold));
  if (knownThreshold) {
    if (threshold.isZero())
      return Outcome::KeepsAll;
    uint64_t most = op.getResolution() == 8 ? 0xff : 0xffffffff;
    if (threshold.ugt(most))
      return Outcome::DropsAll;
  }
  // A poison operand that every element depends on: not x, which dropped
  // elements do not read, and no seed where eval or p = 0 may give x.
  auto isPoison = [](Value value) {
    return value && value.getDefiningOp<ub::PoisonOp>();
  };
  bool draws = (training == true && p) || knownThreshold;
  if (isPoison(op.getThreshold()) ||
      (draws && (isPoison(op.getSeed()) || isPoison(op.getOffset()))))
    return Outcome::Poison;
  return Outcome::Unknown;
}

//===----------------------------------------------------------------------===//
// Folds
//===----------------------------------------------------------------------===//

LogicalResult
mlir::dropout::detail::foldMaskedOp(DropoutOpInterface op,
                                    SmallVectorImpl<OpFoldResult> &results) {
  if (op.isImplicit() || op.isMemRefForm() || op->getNumResults() != 1)
    return failure();
  Outcome outcome = getOutcome(op);
  if (outcome == Outcome::Unknown)
    return failure();
  if (outcome == Outcome::Poison) {
    results.push_back(ub::PoisonAttr::get(op->getContext()));
    return success();
  }
  if (outcome == Outcome::KeepsAll && op.getSource()) {
    results.push_back(op.getSource());
    return success();
  }
  auto type = cast<RankedTensorType>(op.getShapedType());
  if (!type.hasStaticShape())
    return failure();
  Builder builder(op->getContext());
  Attribute value = op.getSource()
                        ? builder.getZeroAttr(type.getElementType())
                        : builder.getBoolAttr(outcome == Outcome::KeepsAll);
  results.push_back(DenseElementsAttr::get(type, value));
  return success();
}

OpFoldResult CheckPOp::fold(FoldAdaptor adaptor) {
  if (auto p = dyn_cast_or_null<FloatAttr>(adaptor.getP())) {
    double value = p.getValueAsDouble();
    if (isProbability(value) && isRepresentable(value, getResolution()))
      return p;
  }
  if (auto check = getP().getDefiningOp<CheckPOp>())
    if (check.getResolution() == getResolution())
      return getP();
  return {};
}

//===----------------------------------------------------------------------===//
// Canonicalizations
//===----------------------------------------------------------------------===//

namespace {

/// p(%c) becomes p = c when c is a probability.
struct ConstantProbability : OpInterfaceRewritePattern<DropoutOpInterface> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;

  LogicalResult matchAndRewrite(DropoutOpInterface op,
                                PatternRewriter &rewriter) const final {
    if (!op.getPValue() || op.isImplicit())
      return failure();
    std::optional<double> p = getKnownProbability(op);
    if (!p)
      return rewriter.notifyMatchFailure(op, "p is not a known probability");
    rewriter.modifyOpInPlace(op, [&] {
      op.getPValueMutable().clear();
      op->setAttr("p", rewriter.getF64FloatAttr(*p));
    });
    return success();
  }
};

/// training(%true) is what an explicit op does anyway.
struct ConstantTraining : OpInterfaceRewritePattern<DropoutOpInterface> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;

  LogicalResult matchAndRewrite(DropoutOpInterface op,
                                PatternRewriter &rewriter) const final {
    if (!op.getTraining() || op.isImplicit() || getKnownTraining(op) != true)
      return failure();
    rewriter.modifyOpInPlace(op, [&] { op.getTrainingMutable().clear(); });
    return success();
  }
};

/// A value op with a mask result becomes one without and a `dropout.mask`.
struct SplitMaskResult : OpInterfaceRewritePattern<DropoutOpInterface> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;

  LogicalResult matchAndRewrite(DropoutOpInterface op,
                                PatternRewriter &rewriter) const final {
    return splitMaskResult(rewriter, op);
  }
};

/// The gradient of element and channel dropout is the forward op on dy.
struct BackwardToForward : OpRewritePattern<BackwardOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(BackwardOp op,
                                PatternRewriter &rewriter) const final {
    if (op.getValueMap() != ValueMap::Scale)
      return failure();
    StringRef name = op.getKind() == Kind::Element
                         ? ElementOp::getOperationName()
                         : ChannelOp::getOperationName();
    SmallVector<NamedAttribute> attributes =
        llvm::filter_to_vector(op->getAttrs(), [](NamedAttribute attr) {
          return attr.getName() != "kind";
        });
    OperationState state(op.getLoc(), name, op->getOperands(),
                         op->getResultTypes(), attributes);
    rewriter.replaceOp(op, rewriter.create(state));
    return success();
  }
};

/// Masks of ones or zeros and dropped values, of a shape not known here.
struct DynamicOutcome : OpInterfaceRewritePattern<DropoutOpInterface> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;

  LogicalResult matchAndRewrite(DropoutOpInterface op,
                                PatternRewriter &rewriter) const final {
    if (op.isImplicit() || op.isMemRefForm() || op->getNumResults() != 1 ||
        op.getShapedType().hasStaticShape())
      return failure();
    Outcome outcome = getOutcome(op);
    bool keepsAll = outcome == Outcome::KeepsAll;
    if (outcome != Outcome::DropsAll && !(keepsAll && !op.getSource()))
      return failure();
    Type element = op.getShapedType().getElementType();
    TypedAttr value = op.getSource() ? rewriter.getZeroAttr(element)
                                     : rewriter.getBoolAttr(keepsAll);
    SmallVector<Value> sizes;
    SmallVector<int64_t> staticSizes;
    dispatchIndexOpFoldResults(op.getMixedShape(rewriter), sizes, staticSizes);
    Value scalar = arith::ConstantOp::create(rewriter, op.getLoc(), value);
    rewriter.replaceOpWithNewOp<tensor::SplatOp>(
        op, scalar, op->getResult(0).getType(), sizes);
    return success();
  }
};

/// In place, keeping everything is doing nothing.
struct EraseInPlaceIdentity : OpInterfaceRewritePattern<DropoutOpInterface> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;

  LogicalResult matchAndRewrite(DropoutOpInterface op,
                                PatternRewriter &rewriter) const final {
    if (op.isImplicit() || !op.isMemRefForm() ||
        op.getSource() != op.getDest() || getOutcome(op) != Outcome::KeepsAll)
      return failure();
    rewriter.eraseOp(op);
    return success();
  }
};

/// Constant entries of `at` and `of` become attributes; the position of a
/// tensor that is not a slice goes.
struct SimplifyPosition : OpInterfaceRewritePattern<DropoutOpInterface> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;

  LogicalResult matchAndRewrite(DropoutOpInterface op,
                                PatternRewriter &rewriter) const final {
    if (!op.hasPosition() || op.isImplicit())
      return failure();
    ShapedType type = op.getShapedType();
    if (op.getStaticSizesAttr().asArrayRef() == type.getShape() &&
        type.hasStaticShape() &&
        llvm::all_equal(op.getStaticOffsetsAttr().asArrayRef()) &&
        (type.getRank() == 0 || op.getStaticOffsetsAttr()[0] == 0)) {
      rewriter.modifyOpInPlace(op, [&] {
        op->removeAttr("static_offsets");
        op->removeAttr("static_sizes");
      });
      return success();
    }
    SmallVector<OpFoldResult> offsets = op.getMixedPositionOffsets(rewriter);
    SmallVector<OpFoldResult> sizes = op.getMixedPositionSizes(rewriter);
    bool changed = false;
    for (int64_t dim = 0; dim < type.getRank(); ++dim) {
      std::optional<int64_t> offset = getConstantIntValue(offsets[dim]);
      std::optional<int64_t> whole = getConstantIntValue(sizes[dim]);
      // What the verifier would refuse stays dynamic: it is not reached.
      int64_t size = type.isDynamicDim(dim) ? 0 : type.getDimSize(dim);
      if ((offset && *offset < 0) || (whole && *whole < 0) ||
          (whole && size > *whole - offset.value_or(0)))
        continue;
      if (offset && isa<Value>(offsets[dim])) {
        offsets[dim] = rewriter.getIndexAttr(*offset);
        changed = true;
      }
      if (whole && isa<Value>(sizes[dim])) {
        sizes[dim] = rewriter.getIndexAttr(*whole);
        changed = true;
      }
    }
    SmallVector<Value> dynamicSizes;
    SmallVector<int64_t> staticSizes;
    dispatchIndexOpFoldResults(sizes, dynamicSizes, staticSizes);
    if (!changed || !mlir::dropout::detail::countElements(staticSizes))
      return failure();
    rewriter.modifyOpInPlace(op, [&] { op.setPosition(offsets, sizes); });
    return success();
  }
};

} // namespace

MaskOp mlir::dropout::createMask(OpBuilder &builder, DropoutOpInterface op,
                                 Value threshold) {
  SmallVector<int64_t> dims = op.getEffectiveMaskDims();
  auto select = [&](ArrayRef<OpFoldResult> values) {
    return llvm::map_to_vector(dims, [&](int64_t dim) { return values[dim]; });
  };
  SmallVector<Value> dynamicSizes;
  SmallVector<int64_t> staticSizes;
  dispatchIndexOpFoldResults(select(op.getMixedShape(builder)), dynamicSizes,
                             staticSizes);
  auto mask = MaskOp::create(
      builder, op.getLoc(),
      RankedTensorType::get(staticSizes, builder.getI1Type()), dynamicSizes,
      /*dest=*/Value(), threshold ? Value() : op.getPValue(), threshold,
      op.getSeed(), op.getOffset(), /*state=*/Value(),
      threshold ? Value() : op.getTraining(), ValueRange(), ValueRange(),
      threshold ? FloatAttr() : op.getPAttr(),
      /*mask_dims=*/DenseI64ArrayAttr(), op.getRounds(), op.getResolution(),
      op.getContractVersion(), /*generator=*/StringAttr(), DenseI64ArrayAttr(),
      DenseI64ArrayAttr());
  if (op.hasPosition())
    cast<DropoutOpInterface>(mask.getOperation())
        .setPosition(select(op.getMixedPositionOffsets(builder)),
                     select(op.getMixedPositionSizes(builder)));
  return mask;
}

LogicalResult mlir::dropout::splitMaskResult(RewriterBase &rewriter,
                                             DropoutOpInterface op) {
  if (!op.getMaskResult())
    return failure();
  MaskOp mask = createMask(rewriter, op);
  OperationState state(op.getLoc(), op->getName(), op->getOperands(),
                       op->getResult(0).getType(), op->getAttrs());
  Operation *value = rewriter.create(state);
  rewriter.replaceOp(op, {value->getResult(0), mask.getResult()});
  return success();
}

void DropoutDialect::getCanonicalizationPatterns(
    RewritePatternSet &results) const {
  results.add<BackwardToForward, ConstantProbability, ConstantTraining,
              DynamicOutcome, EraseInPlaceIdentity, SimplifyPosition,
              SplitMaskResult>(getContext());
}
