//===- LowerFloats.cpp - Exact bf16 arithmetic and math functions ---------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/Pipelines/Passes.h"

#include "mlir/Conversion/MathToLibm/MathToLibm.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/DialectConversion.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"
#include "llvm/ADT/SetVector.h"

namespace mlir::dropout {
#define GEN_PASS_DEF_LOWERFLOATSPASS
#include "dropout/Pipelines/Passes.h.inc"
} // namespace mlir::dropout

using namespace mlir;

/// \p type (a scalar or a vector of them) with another element type.
static Type withElementType(Type type, Type element) {
  if (auto shaped = dyn_cast<ShapedType>(type))
    return shaped.clone(element);
  return element;
}

namespace {

/// f64 to bf16, rounded once: to f32 with rounding to odd, which keeps what the
/// second rounding must know, then to bf16.
struct TruncF64ToBF16 : public OpRewritePattern<arith::TruncFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::TruncFOp op,
                                PatternRewriter &rewriter) const override {
    Value x = op.getIn();
    if (!getElementTypeOrSelf(x.getType()).isF64() ||
        !getElementTypeOrSelf(op.getType()).isBF16() ||
        op.getRoundingmodeAttr())
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Type f32 = withElementType(x.getType(), b.getF32Type());
    Type i32 = withElementType(x.getType(), b.getI32Type());
    Value one = arith::ConstantOp::create(
        b, isa<ShapedType>(i32)
               ? TypedAttr(DenseElementsAttr::get(cast<ShapedType>(i32),
                                                  b.getI32IntegerAttr(1)))
               : TypedAttr(b.getI32IntegerAttr(1)));
    Value nearest = arith::TruncFOp::create(b, f32, x);
    Value back = arith::ExtFOp::create(b, x.getType(), nearest);
    Value inexact =
        arith::CmpFOp::create(b, arith::CmpFPredicate::ONE, back, x);
    Value away = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT,
                                       math::AbsFOp::create(b, back),
                                       math::AbsFOp::create(b, x));
    Value bits = arith::BitcastOp::create(b, i32, nearest);
    Value towardsZero = arith::SelectOp::create(
        b, away, arith::SubIOp::create(b, bits, one), bits);
    Value odd = arith::OrIOp::create(b, towardsZero, one);
    Value rounded = arith::SelectOp::create(b, inexact, odd, bits);
    rewriter.replaceOpWithNewOp<arith::TruncFOp>(
        op, op.getType(), arith::BitcastOp::create(b, f32, rounded));
    return success();
  }
};

/// f32 arithmetic between vectors of bf16, on their even and odd elements
/// apart: each half of a vector of bf16 is one of f32 after a single op, and
/// rounding takes two shuffles and compares 16 bits, half of what it takes on
/// f32.
///
/// A NaN keeps its upper bits: what is computed from bf16 values has none in
/// its lower 16 bits, so that rounding can't turn it into something else. NaNs
/// among other operands lose theirs first.
class PairBuilder {
public:
  PairBuilder(OpBuilder &builder, arith::TruncFOp op)
      : b(op.getLoc(), builder), root(op.getIn()),
        lanes(cast<VectorType>(op.getType()).getNumElements()),
        half(VectorType::get(lanes / 2, b.getF32Type())),
        words(VectorType::get(lanes / 2, b.getI32Type())),
        halfwords(VectorType::get(lanes, b.getI16Type())) {}

  /// True if the operand is computed from bf16 vectors and scalars only.
  bool canBuild() { return isPair(root) && hasLanes; }

  /// The operand, rounded to nearest even.
  Value build() {
    auto [even, odd] = getPair(root);
    Value first = arith::BitcastOp::create(b, words, even);
    Value second = arith::BitcastOp::create(b, words, odd);
    first = vector::BitCastOp::create(b, halfwords, first);
    second = vector::BitCastOp::create(b, halfwords, second);
    auto gather = [&](int64_t part) -> Value {
      SmallVector<int64_t> order;
      for (int64_t lane = 0; lane < lanes; lane += 2)
        order.append({lane + part, lanes + lane + part});
      return vector::ShuffleOp::create(b, first, second, order);
    };
    Value lower = gather(0), upper = gather(1);
    // Up iff the lower half is above the middle, or on it beside an odd upper.
    Value one = splat(halfwords, 1);
    Value limit = arith::SubIOp::create(b, splat(halfwords, 0x8000),
                                        arith::AndIOp::create(b, upper, one));
    Value up =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ugt, lower, limit);
    Value rounded = arith::SelectOp::create(
        b, up, arith::AddIOp::create(b, upper, one), upper);
    return arith::BitcastOp::create(b, VectorType::get(lanes, b.getBF16Type()),
                                    rounded);
  }

private:
  static bool isArithmetic(Operation *op) {
    return isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::DivFOp,
               arith::NegFOp, math::FmaOp>(op);
  }

  bool isPair(Value value) {
    if (auto known = arePairs.find(value); known != arePairs.end())
      return known->second;
    bool result = computeIsPair(value);
    arePairs[value] = result;
    return result;
  }

  bool computeIsPair(Value value) {
    Operation *op = value.getDefiningOp();
    if (!op)
      return false;
    if (auto extend = dyn_cast<arith::ExtFOp>(op)) {
      bool isBF16 = getElementTypeOrSelf(extend.getIn().getType()).isBF16();
      hasLanes |= isBF16;
      return isBF16;
    }
    if (isa<vector::BroadcastOp>(op))
      return !isa<VectorType>(op->getOperand(0).getType());
    DenseElementsAttr constant;
    if (matchPattern(value, m_Constant(&constant)))
      return constant.isSplat();
    return isArithmetic(op) &&
           llvm::all_of(op->getOperands(), [&](Value v) { return isPair(v); });
  }

  std::pair<Value, Value> getPair(Value value) {
    if (auto known = pairs.find(value); known != pairs.end())
      return known->second;
    std::pair<Value, Value> pair = emitPair(value);
    pairs[value] = pair;
    return pair;
  }

  std::pair<Value, Value> emitPair(Value value) {
    Operation *op = value.getDefiningOp();
    if (auto extend = dyn_cast<arith::ExtFOp>(op)) {
      Value bits = arith::BitcastOp::create(b, halfwords, extend.getIn());
      bits = vector::BitCastOp::create(b, words, bits);
      Value even = arith::ShLIOp::create(b, bits, splat(words, 16));
      Value odd = arith::AndIOp::create(b, bits, splat(words, 0xffff0000));
      return {arith::BitcastOp::create(b, half, even),
              arith::BitcastOp::create(b, half, odd)};
    }
    DenseElementsAttr constant;
    if (matchPattern(value, m_Constant(&constant))) {
      auto bits = constant.getSplatValue<APFloat>();
      if (bits.isNaN())
        bits = APFloat::getQNaN(bits.getSemantics());
      Value splat =
          arith::ConstantOp::create(b, DenseElementsAttr::get(half, bits));
      return {splat, splat};
    }
    if (auto broadcast = dyn_cast<vector::BroadcastOp>(op)) {
      Value scalar = broadcast.getSource();
      Value quiet = arith::ConstantOp::create(
          b, b.getFloatAttr(b.getF32Type(),
                            APFloat::getQNaN(APFloat::IEEEsingle())));
      Value isNaN =
          arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, scalar, scalar);
      scalar = arith::SelectOp::create(b, isNaN, quiet, scalar);
      Value splat = vector::BroadcastOp::create(b, half, scalar);
      return {splat, splat};
    }
    SmallVector<Value> even, odd;
    for (Value operand : op->getOperands()) {
      auto [first, second] = getPair(operand);
      even.push_back(first);
      odd.push_back(second);
    }
    auto emit = [&](ValueRange operands) {
      return b
          .create(b.getLoc(), op->getName().getIdentifier(), operands,
                  TypeRange{half}, op->getAttrs())
          ->getResult(0);
    };
    return {emit(even), emit(odd)};
  }

  Value splat(VectorType type, uint64_t value) {
    APInt bits(type.getElementTypeBitWidth(), value);
    return arith::ConstantOp::create(b, DenseElementsAttr::get(type, bits));
  }

  ImplicitLocOpBuilder b;
  Value root;
  int64_t lanes;
  VectorType half, words, halfwords;
  bool hasLanes = false;
  llvm::SmallDenseMap<Value, bool> arePairs;
  llvm::SmallDenseMap<Value, std::pair<Value, Value>> pairs;
};

/// An integer of up to 32 bits to bf16, rounded once: through f64, which holds
/// it. (Of 64 bits, f64 rounds, too.)
template <typename Op>
struct ConvertIntegerThroughF64 : public OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    Type from = getElementTypeOrSelf(op.getIn().getType());
    if (!getElementTypeOrSelf(op.getType()).isBF16() ||
        from.getIntOrFloatBitWidth() > 32)
      return failure();
    Value wide = Op::create(
        rewriter, op.getLoc(),
        withElementType(op.getType(), rewriter.getF64Type()), op.getIn());
    rewriter.replaceOpWithNewOp<arith::TruncFOp>(op, op.getType(), wide);
    return success();
  }
};

struct RoundPairs : public OpRewritePattern<arith::TruncFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::TruncFOp op,
                                PatternRewriter &rewriter) const override {
    auto type = dyn_cast<VectorType>(op.getType());
    if (!type || !type.getElementType().isBF16() || type.getRank() != 1 ||
        type.isScalable() || type.getNumElements() % 2 != 0 ||
        !getElementTypeOrSelf(op.getIn().getType()).isF32() ||
        op.getRoundingmodeAttr())
      return failure();
    PairBuilder pairs(rewriter, op);
    if (!pairs.canBuild())
      return failure();
    rewriter.replaceOp(op, pairs.build());
    return success();
  }
};

struct LowerFloatsPass
    : public dropout::impl::LowerFloatsPassBase<LowerFloatsPass> {
  /// Calls libm for the functions that convert-math-to-llvm lacks or
  /// approximates.
  LogicalResult callLibm() {
    ConversionTarget target(getContext());
    target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    target.addIllegalOp<math::AcoshOp, math::AsinhOp, math::AtanhOp,
                        math::CbrtOp, math::ErfOp, math::ErfcOp, math::ExpM1Op,
                        math::Log1pOp>();
    RewritePatternSet patterns(&getContext());
    populateMathToLibmConversionPatterns(patterns);
    return applyPartialConversion(getOperation(), target, std::move(patterns));
  }

  /// Computes math ops on bf16 in f32.
  LogicalResult extendMath() {
    MLIRContext *context = &getContext();
    llvm::SetVector<Type> supported;
    supported.insert(Float16Type::get(context));
    supported.insert(Float32Type::get(context));
    supported.insert(Float64Type::get(context));
    TypeConverter converter;
    math::populateExtendToSupportedTypesTypeConverter(
        converter, supported, Float32Type::get(context));
    ConversionTarget target(*context);
    // Upstream's target asks an op for its dialect; not every op has one.
    target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    target.addDynamicallyLegalDialect<math::MathDialect>(
        [&](Operation *op) { return converter.isLegal(op); });
    RewritePatternSet patterns(context);
    math::populateExtendToSupportedTypesPatterns(patterns, converter);
    return applyPartialConversion(getOperation(), target, std::move(patterns));
  }

  /// Computes arith ops on bf16 in f32.
  LogicalResult extendArith() {
    MLIRContext *context = &getContext();
    TypeConverter converter;
    arith::populateEmulateUnsupportedFloatsConversions(
        converter, {BFloat16Type::get(context)}, Float32Type::get(context));
    ConversionTarget target(*context);
    arith::populateEmulateUnsupportedFloatsLegality(target, converter);
    RewritePatternSet patterns(context);
    arith::populateEmulateUnsupportedFloatsPatterns(patterns, converter);
    return applyPartialConversion(getOperation(), target, std::move(patterns));
  }

  /// Upstream's emulation marks its conversions `contract`, which lets later
  /// passes skip the rounding between two ops.
  void dropContract() {
    auto drop = [](auto op) {
      arith::FastMathFlags flags =
          op.getFastmath().value_or(arith::FastMathFlags::none);
      if (!bitEnumContainsAny(flags, arith::FastMathFlags::contract))
        return;
      flags = flags & ~arith::FastMathFlags::contract;
      if (flags == arith::FastMathFlags::none)
        op.removeFastmathAttr();
      else
        op.setFastmath(flags);
    };
    getOperation().walk([&](Operation *op) {
      if (auto extend = dyn_cast<arith::ExtFOp>(op))
        drop(extend);
      else if (auto truncate = dyn_cast<arith::TruncFOp>(op))
        drop(truncate);
    });
  }

  void runOnOperation() override {
    RewritePatternSet integers(&getContext());
    integers.add<ConvertIntegerThroughF64<arith::SIToFPOp>,
                 ConvertIntegerThroughF64<arith::UIToFPOp>>(&getContext());
    walkAndApplyPatterns(getOperation(), std::move(integers));
    if (failed(callLibm()) || failed(extendMath()) || failed(extendArith()))
      return signalPassFailure();
    dropContract();
    RewritePatternSet patterns(&getContext());
    patterns.add<RoundPairs, TruncF64ToBF16>(&getContext());
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};

} // namespace
