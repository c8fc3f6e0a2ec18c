//===- DropoutLowering.cpp - What the lowerings of a dropout op share -----===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/Conversion/Utils/DropoutLowering.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;
using namespace mlir::dropout;

//===----------------------------------------------------------------------===//
// Index arithmetic
//===----------------------------------------------------------------------===//

Value mlir::dropout::emitLinearIndex(OpBuilder &builder, Location loc,
                                     const LoweringParameters &parameters,
                                     ValueRange indices) {
  OpFoldResult linear = parameters.base;
  for (auto [index, stride] : llvm::zip_equal(indices, parameters.strides))
    linear = emitAdd(builder, loc, linear,
                     emitMul(builder, loc, OpFoldResult(index), stride));
  return arith::IndexCastOp::create(
      builder, loc, builder.getI64Type(),
      getValueOrCreateConstantIndexOp(builder, loc, linear));
}

//===----------------------------------------------------------------------===//
// Threshold and constants
//===----------------------------------------------------------------------===//

namespace {
/// f64 arithmetic in the order of the contract. No op gets a fast-math flag, so
/// nothing is contracted or reassociated.
class DoubleBuilder {
public:
  DoubleBuilder(OpBuilder &builder, Location loc)
      : builder(builder), loc(loc) {}

  Value constant(double value) {
    return arith::ConstantOp::create(builder, loc,
                                     builder.getF64FloatAttr(value));
  }
  Value constantInt(uint64_t value) {
    return arith::ConstantOp::create(builder, loc,
                                     builder.getI64IntegerAttr(value));
  }
  Value add(Value a, Value b) {
    return arith::AddFOp::create(builder, loc, a, b);
  }
  Value sub(Value a, Value b) {
    return arith::SubFOp::create(builder, loc, a, b);
  }
  Value mul(Value a, Value b) {
    return arith::MulFOp::create(builder, loc, a, b);
  }
  Value div(Value a, Value b) {
    return arith::DivFOp::create(builder, loc, a, b);
  }
  Value compare(arith::CmpFPredicate predicate, Value a, double b) {
    return arith::CmpFOp::create(builder, loc, predicate, a, constant(b));
  }
  Value both(Value a, Value b) {
    return arith::AndIOp::create(builder, loc, a, b);
  }
  Value select(Value condition, Value a, Value b) {
    return arith::SelectOp::create(builder, loc, condition, a, b);
  }
  /// 2^52 + roundeven(value), for 0 <= value < 2^51: the spacing of doubles
  /// there is 1. Its low 52 bits are the integer. Needs no libm.
  Value roundEvenPlus2To52(Value value) {
    return add(value, constant(4503599627370496.0));
  }

  OpBuilder &builder;
  Location loc;
};
} // namespace

/// p for thresholds and constants: 1 if it is not a probability, and k/256 with
/// 8 bits.
static Value emitEffectiveProbability(DoubleBuilder &b, Value p,
                                      uint32_t resolution) {
  Value valid = b.both(b.compare(arith::CmpFPredicate::OGE, p, 0.0),
                       b.compare(arith::CmpFPredicate::OLE, p, 1.0));
  p = b.select(valid, p, b.constant(1.0));
  if (resolution != 8)
    return p;
  Value scaled = b.mul(p, b.constant(256.0));
  Value k = b.sub(b.roundEvenPlus2To52(scaled), b.constant(4503599627370496.0));
  return b.mul(k, b.constant(1.0 / 256.0));
}

/// T(p) as i64, for an effective probability.
static Value emitThreshold(DoubleBuilder &b, Value p, uint32_t resolution) {
  OpBuilder &builder = b.builder;
  Value scaled = b.mul(p, b.constant(resolution == 8 ? 256.0 : 4294967296.0));
  Value bits = arith::BitcastOp::create(builder, b.loc, builder.getI64Type(),
                                        b.roundEvenPlus2To52(scaled));
  Value threshold = arith::AndIOp::create(
      builder, b.loc, bits, b.constantInt((uint64_t(1) << 52) - 1));
  if (resolution == 8)
    return threshold;
  Value clamped = arith::MinUIOp::create(builder, b.loc, threshold,
                                         b.constantInt(0xffffffff));
  clamped = arith::MaxUIOp::create(builder, b.loc, clamped, b.constantInt(1));
  Value inside = b.both(b.compare(arith::CmpFPredicate::OGT, p, 0.0),
                        b.compare(arith::CmpFPredicate::OLT, p, 1.0));
  return b.select(inside, clamped, threshold);
}

/// A known f64 constant rounded to `compute`, then to `type`.
static Value emitRounded(OpBuilder &builder, Location loc, double value,
                         Type compute, Type type) {
  APFloat rounded(value);
  bool losesInfo;
  for (Type step : {compute, type})
    rounded.convert(cast<FloatType>(step).getFloatSemantics(),
                    APFloat::rmNearestTiesToEven, &losesInfo);
  return arith::ConstantOp::create(builder, loc, FloatAttr::get(type, rounded));
}

static Value emitTruncation(OpBuilder &builder, Location loc, Value value,
                            Type type) {
  if (value.getType() == type)
    return value;
  return arith::TruncFOp::create(builder, loc, type, value);
}

/// f32 for f16, bf16 and f32; f64 for f64.
static Type getComputeType(Type element) {
  return element.isF64() ? element : Float32Type::get(element.getContext());
}

static void emitKnownConstants(OpBuilder &builder, Location loc, double p,
                               ValueParameters &value) {
  Type element = value.elementType, compute = getComputeType(element);
  auto rounded = [&](double constant, Type type) {
    return emitRounded(builder, loc, constant, compute, type);
  };
  value.dropped = rounded(0.0, element);
  if (value.map == ValueMap::Scale) {
    value.factor = rounded(getScale(p), compute);
    return;
  }
  AffineConstants constants = getAffineConstants(p);
  value.factor = rounded(constants.a, compute);
  if (value.map == ValueMap::Alpha) {
    value.summand = rounded(constants.b, compute);
    value.dropped = rounded(constants.d, element);
  }
}

static void emitRuntimeConstants(DoubleBuilder &b, Value p,
                                 ValueParameters &value) {
  OpBuilder &builder = b.builder;
  Type element = value.elementType, compute = getComputeType(element);
  auto rounded = [&](Value constant, Type type) {
    return emitTruncation(builder, b.loc,
                          emitTruncation(builder, b.loc, constant, compute),
                          type);
  };
  value.dropped =
      arith::ConstantOp::create(builder, b.loc, builder.getZeroAttr(element));
  Value one = b.constant(1.0);
  Value q = b.sub(one, p);
  if (value.map == ValueMap::Scale) {
    value.factor = rounded(b.div(one, q), compute);
    return;
  }
  // v = q + ((alpha' * alpha') * q) * p, a = 1 / sqrt(v).
  Value square = b.constant(kAlphaPrime * kAlphaPrime);
  Value v = b.add(q, b.mul(b.mul(square, q), p));
  Value a = b.div(one, math::SqrtOp::create(builder, b.loc, v));
  value.factor = rounded(a, compute);
  if (value.map != ValueMap::Alpha)
    return;
  // b = -((a * p) * alpha'), d = a * alpha' + b; p = 1 drops to +0.
  Value alphaPrime = b.constant(kAlphaPrime);
  Value summand =
      arith::NegFOp::create(builder, b.loc, b.mul(b.mul(a, p), alphaPrime));
  Value dropped = b.add(b.mul(a, alphaPrime), summand);
  dropped = b.select(b.compare(arith::CmpFPredicate::OEQ, p, 1.0),
                     b.constant(0.0), dropped);
  value.summand = rounded(summand, compute);
  value.dropped = rounded(dropped, element);
}

//===----------------------------------------------------------------------===//
// The op as a whole
//===----------------------------------------------------------------------===//

static void emitPosition(OpBuilder &builder, DropoutOpInterface op,
                         LoweringParameters &parameters) {
  Location loc = op.getLoc();
  SmallVector<OpFoldResult> offsets = op.getMixedPositionOffsets(builder);
  SmallVector<OpFoldResult> sizes = op.getMixedPositionSizes(builder);
  parameters.strides.assign(offsets.size(), builder.getIndexAttr(0));
  parameters.base = builder.getIndexAttr(0);
  OpFoldResult stride = builder.getIndexAttr(1);
  SmallVector<int64_t> maskDims = op.getEffectiveMaskDims();
  for (int64_t dim : llvm::reverse(maskDims)) {
    parameters.strides[dim] = stride;
    parameters.base = emitAdd(builder, loc, parameters.base,
                              emitMul(builder, loc, offsets[dim], stride));
    stride = emitMul(builder, loc, stride, sizes[dim]);
  }
}

LoweringParameters
mlir::dropout::emitLoweringParameters(OpBuilder &builder,
                                      DropoutOpInterface op) {
  Location loc = op.getLoc();
  LoweringParameters parameters;
  DrawParameters &draw = parameters.draw;
  ValueParameters &value = parameters.value;
  draw.rounds = op.getRounds();
  draw.resolution = op.getResolution();
  draw.seed = op.getSeed();
  draw.offset = op.getOffset();
  if (Value state = op.getState()) {
    auto load = [&](int64_t index) -> Value {
      Value position = arith::ConstantIndexOp::create(builder, loc, index);
      return memref::LoadOp::create(builder, loc, state, position);
    };
    draw.seed = load(0);
    draw.offset = load(1);
  }
  value.map = op.getValueMap();
  value.elementType = op.getShapedType().getElementType();
  bool isMask = value.map == ValueMap::Keep;

  DoubleBuilder b(builder, loc);
  if (Value threshold = op.getThreshold()) {
    draw.threshold = threshold;
  } else if (FloatAttr attr = op.getPAttr()) {
    double p =
        getEffectiveProbability(attr.getValueAsDouble(), draw.resolution);
    draw.threshold = b.constantInt(getThreshold(p, draw.resolution));
    if (!isMask)
      emitKnownConstants(builder, loc, p, value);
    if (p == 0.0)
      value.active =
          arith::ConstantOp::create(builder, loc, builder.getBoolAttr(false));
    else
      value.active = op.getTraining();
  } else {
    Value p = emitEffectiveProbability(b, op.getPValue(), draw.resolution);
    draw.threshold = emitThreshold(b, p, draw.resolution);
    if (!isMask)
      emitRuntimeConstants(b, p, value);
    value.active = b.compare(arith::CmpFPredicate::ONE, p, 0.0);
    if (Value training = op.getTraining())
      value.active = b.both(training, value.active);
  }
  if (isMask) {
    value.active = {};
    // In eval a mask is 1 everywhere: threshold 0 keeps everything.
    if (Value training = op.getTraining())
      draw.threshold = b.select(training, draw.threshold, b.constantInt(0));
  }
  emitPosition(builder, op, parameters);
  return parameters;
}

Value mlir::dropout::emitValue(OpBuilder &builder, Location loc,
                               const ValueParameters &parameters, Value x,
                               Value keep) {
  if (parameters.map == ValueMap::Keep)
    return keep;
  Type element = parameters.elementType, compute = getComputeType(element);
  Value wide = x;
  if (element != compute)
    wide = arith::ExtFOp::create(builder, loc, compute, x);
  Value kept;
  if (parameters.map == ValueMap::Alpha)
    kept = math::FmaOp::create(builder, loc, parameters.factor, wide,
                               parameters.summand);
  else
    kept = arith::MulFOp::create(builder, loc, wide, parameters.factor);
  kept = emitTruncation(builder, loc, kept, element);
  Value y =
      arith::SelectOp::create(builder, loc, keep, kept, parameters.dropped);
  if (parameters.active)
    y = arith::SelectOp::create(builder, loc, parameters.active, y, x);
  return y;
}

//===----------------------------------------------------------------------===//
// Kinds
//===----------------------------------------------------------------------===//

FailureOr<KindFilter> KindFilter::parse(Location loc,
                                        ArrayRef<std::string> names) {
  KindFilter filter;
  if (names.empty()) {
    filter.kinds = {Kind::Element, Kind::Channel, Kind::Alpha,
                    Kind::FeatureAlpha};
    return filter;
  }
  filter.masks = false;
  for (StringRef name : names) {
    if (name == "mask") {
      filter.masks = true;
      continue;
    }
    std::optional<Kind> kind = symbolizeKind(name);
    if (!kind) {
      emitError(loc) << "expected option 'kinds' to name element, channel, "
                        "alpha, feature_alpha or mask, but got '"
                     << name << "'";
      return failure();
    }
    filter.kinds.push_back(*kind);
  }
  return filter;
}

bool KindFilter::contains(DropoutOpInterface op) const {
  if (op.getValueMap() == ValueMap::Keep)
    return masks;
  return llvm::is_contained(kinds, op.getDropoutKind());
}

LogicalResult mlir::dropout::convertKinds(
    Operation *root, ArrayRef<std::string> kinds,
    function_ref<LogicalResult(DropoutOpInterface)> verify,
    function_ref<void(RewritePatternSet &, const KindFilter &)> populate) {
  FailureOr<KindFilter> filter = KindFilter::parse(root->getLoc(), kinds);
  if (failed(filter))
    return failure();
  SmallVector<Operation *> ops;
  bool valid = true;
  root->walk([&](DropoutOpInterface op) {
    if (!filter->contains(op))
      return;
    ops.push_back(op);
    valid &= succeeded(verify(op));
  });
  if (!valid)
    return failure();
  RewritePatternSet patterns(root->getContext());
  populate(patterns, *filter);
  if (kinds.empty())
    return applyPatternsGreedily(root, std::move(patterns));
  auto config = GreedyRewriteConfig().setStrictness(
      GreedyRewriteStrictness::ExistingAndNewOps);
  return applyOpPatternsGreedily(ops, std::move(patterns), config);
}
