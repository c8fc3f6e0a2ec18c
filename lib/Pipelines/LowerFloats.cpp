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
    if (failed(callLibm()) || failed(extendMath()) || failed(extendArith()))
      return signalPassFailure();
    dropContract();
    RewritePatternSet patterns(&getContext());
    patterns.add<TruncF64ToBF16>(&getContext());
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};

} // namespace
