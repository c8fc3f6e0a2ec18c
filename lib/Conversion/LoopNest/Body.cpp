//===- Body.cpp - What the body of a generic computes ---------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Body.h"

#include "dropout/Dialect/Dropout/IR/Dropout.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace mlir::dropout;

//===----------------------------------------------------------------------===//
// Linear forms
//===----------------------------------------------------------------------===//

/// Index arithmetic modulo 2^64: narrower integers would wrap elsewhere.
static bool isWide(Type type) {
  return type.isIndex() || type.isSignlessInteger(64);
}

LinearForms mlir::dropout::getLinearForms(OpBuilder &builder,
                                          linalg::GenericOp generic) {
  Location loc = generic.getLoc();
  Block *body = generic.getBody();
  int64_t numLoops = generic.getNumLoops();
  OpFoldResult zero = builder.getIndexAttr(0);
  LinearForms forms;

  auto constantForm = [&](OpFoldResult base) {
    return LinearForm{base, SmallVector<OpFoldResult>(numLoops, zero)};
  };
  auto getForm = [&](Value value) -> std::optional<LinearForm> {
    if (auto known = forms.find(value); known != forms.end())
      return known->second;
    if (!isWide(value.getType()))
      return std::nullopt;
    if (std::optional<int64_t> constant = getConstantIntValue(value))
      return constantForm(builder.getIndexAttr(*constant));
    if (value.getParentBlock() == body)
      return std::nullopt;
    if (!value.getType().isIndex())
      value = arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                         value);
    return constantForm(OpFoldResult(value));
  };
  auto isConstant = [&](const LinearForm &form) {
    return llvm::all_of(form.coefficients, isZeroInteger);
  };
  auto sum = [&](const LinearForm &a, const LinearForm &b) {
    LinearForm result{emitAdd(builder, loc, a.base, b.base), {}};
    for (auto [left, right] : llvm::zip_equal(a.coefficients, b.coefficients))
      result.coefficients.push_back(emitAdd(builder, loc, left, right));
    return result;
  };
  auto product = [&](const LinearForm &a,
                     const LinearForm &b) -> std::optional<LinearForm> {
    if (!isConstant(a) && !isConstant(b))
      return std::nullopt;
    const LinearForm &form = isConstant(a) ? b : a;
    OpFoldResult factor = isConstant(a) ? a.base : b.base;
    LinearForm result{emitMul(builder, loc, form.base, factor), {}};
    for (OpFoldResult coefficient : form.coefficients)
      result.coefficients.push_back(emitMul(builder, loc, coefficient, factor));
    return result;
  };
  // Sums and products; no divisions.
  std::function<std::optional<LinearForm>(AffineExpr, ValueRange, unsigned)>
      evaluate = [&](AffineExpr expr, ValueRange operands,
                     unsigned numDims) -> std::optional<LinearForm> {
    if (auto constant = dyn_cast<AffineConstantExpr>(expr))
      return constantForm(builder.getIndexAttr(constant.getValue()));
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      return getForm(operands[dim.getPosition()]);
    if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
      return getForm(operands[numDims + symbol.getPosition()]);
    auto binary = cast<AffineBinaryOpExpr>(expr);
    std::optional<LinearForm> a = evaluate(binary.getLHS(), operands, numDims);
    std::optional<LinearForm> b = evaluate(binary.getRHS(), operands, numDims);
    if (!a || !b)
      return std::nullopt;
    if (expr.getKind() == AffineExprKind::Add)
      return sum(*a, *b);
    if (expr.getKind() == AffineExprKind::Mul)
      return product(*a, *b);
    return std::nullopt;
  };

  for (Operation &op : body->without_terminator()) {
    if (op.getNumResults() != 1 || !isWide(op.getResult(0).getType()))
      continue;
    Value result = op.getResult(0);
    if (auto index = dyn_cast<linalg::IndexOp>(op)) {
      LinearForm form = constantForm(zero);
      form.coefficients[index.getDim()] = builder.getIndexAttr(1);
      forms[result] = form;
    } else if (isa<arith::IndexCastOp>(op) &&
               isWide(op.getOperand(0).getType())) {
      if (auto known = forms.find(op.getOperand(0)); known != forms.end()) {
        LinearForm form = known->second;
        forms[result] = form;
      }
    } else if (auto apply = dyn_cast<affine::AffineApplyOp>(op)) {
      AffineMap map = apply.getAffineMap();
      if (auto form = evaluate(map.getResult(0), apply.getMapOperands(),
                               map.getNumDims());
          form && !isConstant(*form))
        forms[result] = *form;
    } else if (isa<arith::AddIOp, arith::MulIOp>(op)) {
      std::optional<LinearForm> a = getForm(op.getOperand(0));
      std::optional<LinearForm> b = getForm(op.getOperand(1));
      if (!a || !b || (isConstant(*a) && isConstant(*b)))
        continue;
      if (isa<arith::AddIOp>(op))
        forms[result] = sum(*a, *b);
      else if (std::optional<LinearForm> form = product(*a, *b))
        forms[result] = *form;
    }
  }
  return forms;
}

//===----------------------------------------------------------------------===//
// Live values
//===----------------------------------------------------------------------===//

Value mlir::dropout::resolve(Value value, const KnownConditions &known) {
  while (auto select = value.getDefiningOp<arith::SelectOp>()) {
    auto condition = known.find(select.getCondition());
    if (condition == known.end())
      break;
    value = condition->second ? select.getTrueValue() : select.getFalseValue();
  }
  return value;
}

llvm::SetVector<Value>
mlir::dropout::getLiveValues(linalg::GenericOp generic,
                             const LinearForms &forms,
                             const KnownConditions &known) {
  Block *body = generic.getBody();
  llvm::SetVector<Value> live;
  auto visit = [&](Value value) {
    value = resolve(value, known);
    if (value.getParentBlock() == body && !known.contains(value))
      live.insert(value);
  };
  for (Value result : body->getTerminator()->getOperands())
    visit(result);
  for (size_t next = 0; next < live.size(); ++next) {
    Operation *op = live[next].getDefiningOp();
    if (op && !forms.contains(live[next]))
      for (Value operand : op->getOperands())
        visit(operand);
  }
  return live;
}

//===----------------------------------------------------------------------===//
// Conditions
//===----------------------------------------------------------------------===//

Value mlir::dropout::findCondition(linalg::GenericOp generic,
                                   const LinearForms &forms,
                                   const KnownConditions &known) {
  for (Value value : getLiveValues(generic, forms, known))
    if (auto select = value.getDefiningOp<arith::SelectOp>()) {
      Value condition = select.getCondition();
      if (condition.getParentBlock() != generic.getBody() &&
          condition.getType().isInteger(1))
        return condition;
    }
  return {};
}

LinearForms mlir::dropout::getLiveForms(const LinearForms &forms,
                                        const llvm::SetVector<Value> &live) {
  LinearForms result;
  for (Value value : live)
    if (auto form = forms.find(value); form != forms.end())
      result.insert(*form);
  return result;
}

bool mlir::dropout::writesItsInput(linalg::GenericOp generic,
                                   const KnownConditions &known) {
  for (auto [init, result] :
       llvm::zip_equal(generic.getDpsInitsMutable(),
                       generic.getBody()->getTerminator()->getOperands())) {
    auto argument = dyn_cast<BlockArgument>(resolve(result, known));
    if (!argument || argument.getOwner() != generic.getBody())
      return false;
    OpOperand &source = generic->getOpOperand(argument.getArgNumber());
    if (source.get() != init.get() || generic.getMatchingIndexingMap(&source) !=
                                          generic.getMatchingIndexingMap(&init))
      return false;
  }
  return true;
}

//===----------------------------------------------------------------------===//
// What can be taken
//===----------------------------------------------------------------------===//

static bool isNumber(Type type) {
  return type.isInteger(1) ||
         isa<Float16Type, BFloat16Type, Float32Type, Float64Type>(type) ||
         (isa<IntegerType>(type) && type.getIntOrFloatBitWidth() >= 8 &&
          llvm::isPowerOf2_32(type.getIntOrFloatBitWidth()) &&
          type.getIntOrFloatBitWidth() <= 64);
}

LogicalResult mlir::dropout::checkOperands(linalg::GenericOp generic,
                                           RewriterBase &rewriter) {
  if (!generic.hasPureBufferSemantics() || generic.getNumParallelLoops() == 0)
    return rewriter.notifyMatchFailure(generic, "no loop is parallel");
  for (OpOperand &operand : generic->getOpOperands()) {
    AffineMap map = generic.getMatchingIndexingMap(&operand);
    auto type = dyn_cast<MemRefType>(operand.get().getType());
    bool isOutput = generic.isDpsInit(&operand);
    // Every parallel loop walks along an output, no other one does.
    if (!map.isProjectedPermutation() ||
        (isOutput &&
         (map.getNumResults() != generic.getNumParallelLoops() ||
          !llvm::all_of(map.getResults(), [&](AffineExpr expr) {
            return linalg::isParallelIterator(
                generic.getIteratorTypesArray()[cast<AffineDimExpr>(expr)
                                                    .getPosition()]);
          }))))
      return rewriter.notifyMatchFailure(generic, "operand moves diagonally");
    if (!type) {
      if (!isNumber(operand.get().getType()))
        return rewriter.notifyMatchFailure(generic, "scalar of another type");
      continue;
    }
    SmallVector<int64_t> strides;
    int64_t offset;
    if (!isNumber(type.getElementType()) ||
        failed(type.getStridesAndOffset(strides, offset)))
      return rewriter.notifyMatchFailure(generic, "memory of another kind");
  }
  return success();
}

LogicalResult mlir::dropout::checkBody(linalg::GenericOp generic,
                                       const LinearForms &forms,
                                       RewriterBase &rewriter) {
  for (Operation &op : generic.getBody()->without_terminator()) {
    if (isa<KeepOp, linalg::IndexOp>(op) ||
        (op.getNumResults() == 1 && forms.contains(op.getResult(0))))
      continue;
    if (!OpTrait::hasElementwiseMappableTraits(&op) || !isPure(&op) ||
        !isSpeculatable(&op) || op.getNumResults() != 1 ||
        !VectorType::isValidElementType(op.getResult(0).getType()))
      return rewriter.notifyMatchFailure(generic, "op that has no vector form");
  }
  return success();
}
