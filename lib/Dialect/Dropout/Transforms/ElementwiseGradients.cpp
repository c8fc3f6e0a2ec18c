//===- ElementwiseGradients.cpp - Gradients of scalar ops -----------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ElementwiseGradients.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::dropout;

//===----------------------------------------------------------------------===//
// Emitting
//===----------------------------------------------------------------------===//

Value mlir::dropout::createSplat(OpBuilder &builder, Location loc, double value,
                                 Value like) {
  Type type = like.getType();
  FloatAttr scalar = builder.getFloatAttr(getElementTypeOrSelf(type), value);
  auto tensorType = dyn_cast<RankedTensorType>(type);
  if (!tensorType)
    return arith::ConstantOp::create(builder, loc, scalar);
  if (tensorType.hasStaticShape())
    return arith::ConstantOp::create(
        builder, loc, DenseElementsAttr::get(tensorType, scalar.getValue()));
  SmallVector<Value> sizes;
  for (auto [dim, size] : llvm::enumerate(tensorType.getShape()))
    if (ShapedType::isDynamic(size))
      sizes.push_back(builder.createOrFold<tensor::DimOp>(loc, like, dim));
  Value element = arith::ConstantOp::create(builder, loc, scalar);
  return tensor::SplatOp::create(builder, loc, tensorType, element, sizes);
}

namespace {

/// What a rule works with: the op, the gradient `dy` of its result, and short
/// names for the arithmetic of derivatives.
class RuleEmitter {
public:
  RuleEmitter(OpBuilder &builder, Operation *op, Value dy,
              ArrayRef<bool> wanted, MutableArrayRef<Value> gradients)
      : dy(dy), builder(builder), loc(op->getLoc()), op(op), wanted(wanted),
        gradients(gradients) {}

  const Value dy;

  Value operand(unsigned index) { return op->getOperand(index); }
  Value result() { return op->getResult(0); }
  Type typeOf(unsigned index) { return op->getOperand(index).getType(); }
  bool wants(unsigned index) { return wanted[index]; }

  Value constant(double value) { return createSplat(builder, loc, value, dy); }
  template <typename OpTy>
  Value unary(Value x) {
    return OpTy::create(builder, loc, x);
  }
  template <typename OpTy>
  Value cast(Value x, Type type) {
    return OpTy::create(builder, loc, type, x);
  }
  Value add(Value x, Value y) {
    return arith::AddFOp::create(builder, loc, x, y);
  }
  Value sub(Value x, Value y) {
    return arith::SubFOp::create(builder, loc, x, y);
  }
  Value mul(Value x, Value y) {
    return arith::MulFOp::create(builder, loc, x, y);
  }
  Value div(Value x, Value y) {
    return arith::DivFOp::create(builder, loc, x, y);
  }
  Value pow(Value x, Value y) {
    return math::PowFOp::create(builder, loc, x, y);
  }
  Value neg(Value x) { return unary<arith::NegFOp>(x); }
  Value square(Value x) { return mul(x, x); }
  Value compare(arith::CmpFPredicate predicate, Value x, Value y) {
    return arith::CmpFOp::create(builder, loc, predicate, x, y);
  }
  Value select(Value condition, Value x, Value y) {
    return arith::SelectOp::create(builder, loc, condition, x, y);
  }

  /// Gives operand `index` the gradient `value`.
  void give(unsigned index, Value value) { gradients[index] = value; }

  /// The same for a `value` that is a product of dy and a factor that may be
  /// infinite or NaN: where dy is zero, the gradient is dy.
  void giveGuarded(unsigned index, Value value) {
    if (!dyIsZero)
      dyIsZero = compare(arith::CmpFPredicate::OEQ, dy, constant(0));
    give(index, select(dyIsZero, dy, value));
  }

  /// dy * `factor`; a constant factor needs no guard.
  void giveProduct(unsigned index, Value factor) {
    Value product = mul(dy, factor);
    if (matchPattern(factor, m_Constant()))
      return give(index, product);
    giveGuarded(index, product);
  }

private:
  OpBuilder &builder;
  Location loc;
  Operation *op;
  ArrayRef<bool> wanted;
  MutableArrayRef<Value> gradients;
  Value dyIsZero;
};

} // namespace

//===----------------------------------------------------------------------===//
// Rules of more than a line
//===----------------------------------------------------------------------===//

static void emitDivision(RuleEmitter &e) {
  Value b = e.operand(1);
  Value quotient = e.div(e.dy, b);
  if (e.wants(0)) {
    if (matchPattern(b, m_Constant()))
      e.give(0, quotient);
    else
      e.giveGuarded(0, quotient);
  }
  if (e.wants(1))
    e.giveGuarded(1, e.neg(e.mul(quotient, e.result())));
}

/// The operand that `wins` over the other gets dy. Where they tie, the one that
/// isn't differentiated gets it (so relu has slope 0 at 0, on whichever side
/// its zero stands); of two differentiated ones, the second.
static void emitExtremum(RuleEmitter &e, arith::CmpFPredicate wins) {
  unsigned first = e.wants(0) ? 0 : 1;
  Value zero = e.constant(0);
  Value won = e.compare(wins, e.operand(first), e.operand(1 - first));
  e.give(first, e.select(won, e.dy, zero));
  if (first == 0 && e.wants(1))
    e.give(1, e.select(won, zero, e.dy));
}

static void emitSelect(RuleEmitter &e) {
  Value condition = e.operand(0), zero = e.constant(0);
  if (e.wants(1))
    e.give(1, e.select(condition, e.dy, zero));
  if (e.wants(2))
    e.give(2, e.select(condition, zero, e.dy));
}

static void emitPower(RuleEmitter &e) {
  Value x = e.operand(0), y = e.operand(1);
  if (e.wants(0)) // y x^(y-1) is 0 for y = 0, at x = 0 too
    e.giveGuarded(
        0,
        e.mul(e.dy,
              e.select(e.compare(arith::CmpFPredicate::OEQ, y, e.constant(0)),
                       y, e.mul(y, e.pow(x, e.sub(y, e.constant(1)))))));
  if (e.wants(1)) // x^y log x is 0 where x^y is
    e.giveGuarded(
        1, e.mul(e.dy, e.select(e.compare(arith::CmpFPredicate::OEQ, e.result(),
                                          e.constant(0)),
                                e.result(),
                                e.mul(e.result(), e.unary<math::LogOp>(x)))));
}

static void emitAbs(RuleEmitter &e) {
  Value x = e.operand(0), zero = e.constant(0);
  Value below = e.compare(arith::CmpFPredicate::OLT, x, zero);
  Value above = e.compare(arith::CmpFPredicate::OGT, x, zero);
  e.give(0, e.select(below, e.neg(e.dy), e.select(above, e.dy, zero)));
}

/// dy / sqrt(`radicand`), `negative` for the arc cosine.
static void emitInverseRoot(RuleEmitter &e, Value radicand,
                            bool negative = false) {
  Value slope = e.unary<math::RsqrtOp>(radicand);
  e.giveProduct(0, negative ? e.neg(slope) : slope);
}

//===----------------------------------------------------------------------===//
// The rules
//===----------------------------------------------------------------------===//

using Rule = void (*)(RuleEmitter &);

/// The rule of `op`; null if there is none. `x` is the operand, `y` the result.
static Rule getRule(Operation *op) {
  using E = RuleEmitter;
  return llvm::TypeSwitch<Operation *, Rule>(op)
      // arith
      .Case<arith::AddFOp>([](auto) -> Rule {
        return [](E &e) {
          e.give(0, e.dy);
          e.give(1, e.dy);
        };
      })
      .Case<arith::SubFOp>([](auto) -> Rule {
        return [](E &e) {
          e.give(0, e.dy);
          if (e.wants(1))
            e.give(1, e.neg(e.dy));
        };
      })
      .Case<arith::MulFOp>([](auto) -> Rule {
        return [](E &e) {
          for (unsigned index : {0, 1})
            if (e.wants(index))
              e.giveProduct(index, e.operand(1 - index));
        };
      })
      .Case<arith::DivFOp>([](auto) -> Rule { return emitDivision; })
      .Case<arith::NegFOp>(
          [](auto) -> Rule { return [](E &e) { e.give(0, e.neg(e.dy)); }; })
      // A NaN wins over a number in maximumf and minimumf, and loses in
      // maxnumf and minnumf.
      .Case<arith::MaximumFOp>([](auto) -> Rule {
        return [](E &e) { emitExtremum(e, arith::CmpFPredicate::UGT); };
      })
      .Case<arith::MinimumFOp>([](auto) -> Rule {
        return [](E &e) { emitExtremum(e, arith::CmpFPredicate::ULT); };
      })
      .Case<arith::MaxNumFOp>([](auto) -> Rule {
        return [](E &e) { emitExtremum(e, arith::CmpFPredicate::OGT); };
      })
      .Case<arith::MinNumFOp>([](auto) -> Rule {
        return [](E &e) { emitExtremum(e, arith::CmpFPredicate::OLT); };
      })
      .Case<arith::SelectOp>([](auto) -> Rule { return emitSelect; })
      .Case<arith::ExtFOp>([](auto) -> Rule {
        return
            [](E &e) { e.give(0, e.cast<arith::TruncFOp>(e.dy, e.typeOf(0))); };
      })
      .Case<arith::TruncFOp>([](auto) -> Rule {
        return
            [](E &e) { e.give(0, e.cast<arith::ExtFOp>(e.dy, e.typeOf(0))); };
      })
      .Case<tensor::CastOp>([](auto) -> Rule {
        return
            [](E &e) { e.give(0, e.cast<tensor::CastOp>(e.dy, e.typeOf(0))); };
      })
      // math: exponentials and logarithms
      .Case<math::ExpOp>([](auto) -> Rule {
        return [](E &e) { e.giveProduct(0, e.result()); };
      })
      .Case<math::Exp2Op>([](auto) -> Rule {
        return [](E &e) {
          e.giveProduct(0, e.mul(e.result(), e.constant(llvm::numbers::ln2)));
        };
      })
      .Case<math::ExpM1Op>([](auto) -> Rule {
        return [](E &e) { e.giveProduct(0, e.add(e.result(), e.constant(1))); };
      })
      .Case<math::LogOp>([](auto) -> Rule {
        return [](E &e) { e.giveGuarded(0, e.div(e.dy, e.operand(0))); };
      })
      .Case<math::Log2Op>([](auto) -> Rule {
        return [](E &e) {
          e.giveGuarded(0, e.div(e.mul(e.dy, e.constant(llvm::numbers::log2e)),
                                 e.operand(0)));
        };
      })
      .Case<math::Log10Op>([](auto) -> Rule {
        return [](E &e) {
          e.giveGuarded(0, e.div(e.mul(e.dy, e.constant(llvm::numbers::log10e)),
                                 e.operand(0)));
        };
      })
      .Case<math::Log1pOp>([](auto) -> Rule {
        return [](E &e) {
          e.giveGuarded(0, e.div(e.dy, e.add(e.operand(0), e.constant(1))));
        };
      })
      // math: powers
      .Case<math::PowFOp>([](auto) -> Rule { return emitPower; })
      .Case<math::SqrtOp>([](auto) -> Rule {
        return [](E &e) {
          e.giveGuarded(0, e.div(e.mul(e.dy, e.constant(0.5)), e.result()));
        };
      })
      .Case<math::RsqrtOp>([](auto) -> Rule {
        return [](E &e) {
          Value y = e.result();
          e.giveProduct(0, e.mul(e.constant(-0.5), e.mul(y, e.square(y))));
        };
      })
      .Case<math::CbrtOp>([](auto) -> Rule {
        return [](E &e) {
          e.giveGuarded(
              0, e.div(e.dy, e.mul(e.constant(3), e.square(e.result()))));
        };
      })
      .Case<math::FmaOp>([](auto) -> Rule {
        return [](E &e) {
          for (unsigned index : {0, 1})
            if (e.wants(index))
              e.giveProduct(index, e.operand(1 - index));
          e.give(2, e.dy);
        };
      })
      .Case<math::AbsFOp>([](auto) -> Rule { return emitAbs; })
      // math: the error function, 2 / sqrt(pi) exp(-x^2)
      .Case<math::ErfOp, math::ErfcOp>([](auto) -> Rule {
        return [](E &e) {
          double scale = 2 * llvm::numbers::inv_sqrtpi;
          if (isa<math::ErfcOp>(e.result().getDefiningOp()))
            scale = -scale;
          Value bell = e.unary<math::ExpOp>(e.neg(e.square(e.operand(0))));
          e.giveProduct(0, e.mul(e.constant(scale), bell));
        };
      })
      // math: trigonometric functions
      .Case<math::SinOp>([](auto) -> Rule {
        return
            [](E &e) { e.giveProduct(0, e.unary<math::CosOp>(e.operand(0))); };
      })
      .Case<math::CosOp>([](auto) -> Rule {
        return [](E &e) {
          e.giveProduct(0, e.neg(e.unary<math::SinOp>(e.operand(0))));
        };
      })
      .Case<math::TanOp>([](auto) -> Rule {
        return [](E &e) {
          e.giveProduct(0, e.add(e.constant(1), e.square(e.result())));
        };
      })
      .Case<math::AsinOp>([](auto) -> Rule {
        return [](E &e) {
          emitInverseRoot(e, e.sub(e.constant(1), e.square(e.operand(0))));
        };
      })
      .Case<math::AcosOp>([](auto) -> Rule {
        return [](E &e) {
          emitInverseRoot(e, e.sub(e.constant(1), e.square(e.operand(0))),
                          /*negative=*/true);
        };
      })
      .Case<math::AtanOp>([](auto) -> Rule {
        return [](E &e) {
          e.giveGuarded(
              0, e.div(e.dy, e.add(e.constant(1), e.square(e.operand(0)))));
        };
      })
      // math: hyperbolic functions
      .Case<math::SinhOp>([](auto) -> Rule {
        return
            [](E &e) { e.giveProduct(0, e.unary<math::CoshOp>(e.operand(0))); };
      })
      .Case<math::CoshOp>([](auto) -> Rule {
        return
            [](E &e) { e.giveProduct(0, e.unary<math::SinhOp>(e.operand(0))); };
      })
      .Case<math::TanhOp>([](auto) -> Rule {
        return [](E &e) {
          e.giveProduct(0, e.sub(e.constant(1), e.square(e.result())));
        };
      })
      .Case<math::AsinhOp>([](auto) -> Rule {
        return [](E &e) {
          emitInverseRoot(e, e.add(e.square(e.operand(0)), e.constant(1)));
        };
      })
      .Case<math::AcoshOp>([](auto) -> Rule {
        return [](E &e) {
          emitInverseRoot(e, e.sub(e.square(e.operand(0)), e.constant(1)));
        };
      })
      .Case<math::AtanhOp>([](auto) -> Rule {
        return [](E &e) {
          e.giveGuarded(
              0, e.div(e.dy, e.sub(e.constant(1), e.square(e.operand(0)))));
        };
      })
      .Default(Rule(nullptr));
}

GradientRule mlir::dropout::getGradientRule(Operation *op) {
  if (isa<arith::CmpFOp, arith::FPToSIOp, arith::FPToUIOp, math::CeilOp,
          math::FloorOp, math::RoundOp, math::RoundEvenOp, math::TruncOp,
          math::IsFiniteOp, math::IsInfOp, math::IsNaNOp, math::IsNormalOp,
          tensor::DimOp>(op))
    return GradientRule::Zero;
  return getRule(op) ? GradientRule::Known : GradientRule::Unknown;
}

void mlir::dropout::emitElementwiseGradients(OpBuilder &builder, Operation *op,
                                             Value resultGradient,
                                             ArrayRef<bool> wanted,
                                             MutableArrayRef<Value> gradients) {
  RuleEmitter emitter(builder, op, resultGradient, wanted, gradients);
  if (Rule rule = getRule(op))
    rule(emitter);
  for (auto [index, wants] : llvm::enumerate(wanted))
    if (!wants)
      gradients[index] = Value();
}
