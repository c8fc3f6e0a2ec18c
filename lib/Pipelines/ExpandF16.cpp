//===- ExpandF16.cpp - Conversions of f16 in integer code -----------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/Pipelines/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"
#include "llvm/ADT/bit.h"

namespace mlir::dropout {
#define GEN_PASS_DEF_EXPANDF16PASS
#include "dropout/Pipelines/Passes.h.inc"
} // namespace mlir::dropout

using namespace mlir;

namespace {

/// Arithmetic on a scalar or on lanes, with constants as plain numbers.
class Lanes {
public:
  Lanes(PatternRewriter &rewriter, Location loc, Type shape)
      : b(loc, rewriter), shape(shape) {}

  Type of(Type element) {
    if (auto shaped = dyn_cast<ShapedType>(shape))
      return shaped.clone(element);
    return element;
  }
  Value i32(uint32_t value) {
    IntegerAttr attr = b.getI32IntegerAttr(int32_t(value));
    Type type = of(b.getI32Type());
    if (auto shaped = dyn_cast<ShapedType>(type))
      return arith::ConstantOp::create(b, DenseElementsAttr::get(shaped, attr));
    return arith::ConstantOp::create(b, attr);
  }
  Value f32(float value) { return asF32(i32(llvm::bit_cast<uint32_t>(value))); }
  Value asF32(Value bits) {
    return arith::BitcastOp::create(b, of(b.getF32Type()), bits);
  }
  Value asI32(Value value) {
    return arith::BitcastOp::create(b, of(b.getI32Type()), value);
  }
  template <typename Op>
  Value op(Value x, Value y) {
    return Op::create(b, x, y);
  }
  Value bitAnd(Value x, uint32_t y) { return op<arith::AndIOp>(x, i32(y)); }
  Value bitOr(Value x, Value y) { return op<arith::OrIOp>(x, y); }
  Value compare(arith::CmpIPredicate predicate, Value x, uint32_t y) {
    return arith::CmpIOp::create(b, predicate, x, i32(y));
  }
  Value select(Value condition, Value x, Value y) {
    return arith::SelectOp::create(b, condition, x, y);
  }

  ImplicitLocOpBuilder b;

private:
  Type shape;
};

/// 2 to the power of what f32's exponents have over f16's, 127 - 15.
constexpr float kRebias = 0x1p112f;
constexpr uint32_t kInfinityF32 = 0x7f800000;

/// The multiplication moves the exponent and normalizes subnormal numbers.
struct ExpandExtF : OpRewritePattern<arith::ExtFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::ExtFOp op,
                                PatternRewriter &rewriter) const final {
    if (!getElementTypeOrSelf(op.getIn().getType()).isF16())
      return failure();
    Lanes l(rewriter, op.getLoc(), op.getType());
    Value half =
        arith::BitcastOp::create(l.b, l.of(l.b.getIntegerType(16)), op.getIn());
    half = arith::ExtUIOp::create(l.b, l.of(l.b.getI32Type()), half);
    Value sign = l.op<arith::ShLIOp>(l.bitAnd(half, 0x8000), l.i32(16));
    Value magnitude =
        l.op<arith::ShLIOp>(l.bitAnd(half, 0x7fff), l.i32(23 - 10));
    Value finite =
        l.asI32(l.op<arith::MulFOp>(l.asF32(magnitude), l.f32(kRebias)));
    Value special = l.bitOr(magnitude, l.i32(kInfinityF32));
    Value isFinite = l.compare(arith::CmpIPredicate::slt, magnitude,
                               uint32_t(0x7c00) << (23 - 10));
    Value result = l.asF32(l.bitOr(l.select(isFinite, finite, special), sign));
    if (getElementTypeOrSelf(op.getType()).isF32())
      rewriter.replaceOp(op, result);
    else
      rewriter.replaceOpWithNewOp<arith::ExtFOp>(op, op.getType(), result);
    return success();
  }
};

/// f64 to f32, rounded to odd: a second rounding then finds what it must know.
static Value emitRoundToOdd(Lanes &l, Value x) {
  Value nearest = arith::TruncFOp::create(l.b, l.of(l.b.getF32Type()), x);
  Value back = arith::ExtFOp::create(l.b, x.getType(), nearest);
  Value isInexact =
      arith::CmpFOp::create(l.b, arith::CmpFPredicate::ONE, back, x);
  Value isAway = arith::CmpFOp::create(l.b, arith::CmpFPredicate::OGT,
                                       math::AbsFOp::create(l.b, back),
                                       math::AbsFOp::create(l.b, x));
  Value bits = l.asI32(nearest);
  Value towardsZero =
      l.select(isAway, l.op<arith::SubIOp>(bits, l.i32(1)), bits);
  return l.asF32(l.select(isInexact, l.bitOr(towardsZero, l.i32(1)), bits));
}

/// To nearest even, in integers; where the result is subnormal, an addition
/// rounds.
struct ExpandTruncF : OpRewritePattern<arith::TruncFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::TruncFOp op,
                                PatternRewriter &rewriter) const final {
    Type from = getElementTypeOrSelf(op.getIn().getType());
    if (!getElementTypeOrSelf(op.getType()).isF16() ||
        (!from.isF32() && !from.isF64()) || op.getRoundingmodeAttr())
      return failure();
    Lanes l(rewriter, op.getLoc(), op.getType());
    Value x = from.isF64() ? emitRoundToOdd(l, op.getIn()) : op.getIn();
    Value bits = l.asI32(x);
    Value magnitude = l.bitAnd(bits, 0x7fffffff);
    // The other exponent, and half a unit less one; and one if the last bit is
    // set.
    Value isOdd = l.bitAnd(l.op<arith::ShRUIOp>(magnitude, l.i32(23 - 10)), 1);
    Value rounded = l.op<arith::AddIOp>(
        magnitude, l.i32(0xfff - (uint32_t(127 - 15) << 23)));
    Value normal = l.op<arith::ShRUIOp>(l.op<arith::AddIOp>(rounded, isOdd),
                                        l.i32(23 - 10));
    // The unit of 0.5 in f32 is the least number of f16.
    Value sum = l.op<arith::AddFOp>(l.asF32(magnitude), l.f32(0.5f));
    Value subnormal = l.op<arith::SubIOp>(l.asI32(sum), l.asI32(l.f32(0.5f)));
    Value isNaN = l.compare(arith::CmpIPredicate::sgt, magnitude, kInfinityF32);
    Value special = l.select(isNaN, l.i32(0x7e00), l.i32(0x7c00));
    Value isSubnormal = l.compare(arith::CmpIPredicate::slt, magnitude,
                                  llvm::bit_cast<uint32_t>(0x1p-14f));
    Value isSpecial = l.compare(arith::CmpIPredicate::sge, magnitude,
                                llvm::bit_cast<uint32_t>(0x1p16f));
    Value result =
        l.select(isSpecial, special, l.select(isSubnormal, subnormal, normal));
    Value sign = l.bitAnd(l.op<arith::ShRUIOp>(bits, l.i32(16)), 0x8000);
    Value half = arith::TruncIOp::create(l.b, l.of(l.b.getIntegerType(16)),
                                         l.bitOr(result, sign));
    rewriter.replaceOpWithNewOp<arith::BitcastOp>(op, op.getType(), half);
    return success();
  }
};

/// LLVM takes vectors of f16 apart to select from them.
struct ExpandSelect : OpRewritePattern<arith::SelectOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::SelectOp op,
                                PatternRewriter &rewriter) const final {
    if (!getElementTypeOrSelf(op.getType()).isF16())
      return failure();
    Lanes l(rewriter, op.getLoc(), op.getType());
    auto asI16 = [&](Value value) -> Value {
      return arith::BitcastOp::create(l.b, l.of(l.b.getIntegerType(16)), value);
    };
    rewriter.replaceOpWithNewOp<arith::BitcastOp>(
        op, op.getType(),
        l.select(op.getCondition(), asI16(op.getTrueValue()),
                 asI16(op.getFalseValue())));
    return success();
  }
};

/// The type with i16 for f16.
static Type withI16(Type type) {
  Type i16 = IntegerType::get(type.getContext(), 16);
  auto vector = dyn_cast<VectorType>(type);
  return vector ? Type(vector.clone(i16)) : i16;
}

/// With a bitcast in front of a store, or behind a load, LLVM would make the
/// select between them one of f16 again.
struct LoadI16 : OpRewritePattern<LLVM::LoadOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(LLVM::LoadOp op,
                                PatternRewriter &rewriter) const final {
    if (!getElementTypeOrSelf(op.getType()).isF16())
      return failure();
    Type type = withI16(op.getType());
    Operation *load = rewriter.clone(*op);
    load->getResult(0).setType(type);
    rewriter.replaceOpWithNewOp<LLVM::BitcastOp>(op, op.getType(),
                                                 load->getResult(0));
    return success();
  }
};

struct FoldBitcast : OpRewritePattern<LLVM::BitcastOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(LLVM::BitcastOp op,
                                PatternRewriter &rewriter) const final {
    auto cast = op.getArg().getDefiningOp<LLVM::BitcastOp>();
    if (!cast || cast.getArg().getType() != op.getType())
      return failure();
    rewriter.replaceOp(op, cast.getArg());
    return success();
  }
};

struct StoreI16 : OpRewritePattern<LLVM::StoreOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(LLVM::StoreOp op,
                                PatternRewriter &rewriter) const final {
    Value value = op.getValue();
    if (!getElementTypeOrSelf(value.getType()).isF16())
      return failure();
    Type type = withI16(value.getType());
    auto cast = value.getDefiningOp<LLVM::BitcastOp>();
    Value bits = cast && cast.getArg().getType() == type
                     ? cast.getArg()
                     : Value(LLVM::BitcastOp::create(rewriter, op.getLoc(),
                                                     type, value));
    rewriter.modifyOpInPlace(op, [&] { op.getValueMutable().assign(bits); });
    return success();
  }
};

struct ExpandF16Pass : public dropout::impl::ExpandF16PassBase<ExpandF16Pass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ExpandExtF, ExpandSelect, ExpandTruncF, FoldBitcast, LoadI16,
                 StoreI16>(&getContext());
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};

} // namespace
