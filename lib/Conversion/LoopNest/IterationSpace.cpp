//===- IterationSpace.cpp - The loops of an element-wise generic ----------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "IterationSpace.h"

#include "dropout/Dialect/Dropout/IR/Dropout.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace mlir::dropout;

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

/// True if `a` and `b` are known to be the same number.
static bool isSame(OpFoldResult a, OpFoldResult b) {
  if (isEqualConstantIntOrValue(a, b))
    return true;
  auto left = dyn_cast<Value>(a), right = dyn_cast<Value>(b);
  if (!left || !right)
    return false;
  // Sizes of one memref, read twice.
  auto leftDim = left.getDefiningOp<memref::DimOp>();
  auto rightDim = right.getDefiningOp<memref::DimOp>();
  if (leftDim && rightDim)
    return leftDim.getSource() == rightDim.getSource() &&
           leftDim.getConstantIndex() &&
           leftDim.getConstantIndex() == rightDim.getConstantIndex();
  // Products of them.
  auto leftMul = left.getDefiningOp<arith::MulIOp>();
  auto rightMul = right.getDefiningOp<arith::MulIOp>();
  if (!leftMul || !rightMul)
    return false;
  auto sameOperands = [&](unsigned first, unsigned second) {
    return isSame(leftMul.getLhs(), rightMul->getOperand(first)) &&
           isSame(leftMul.getRhs(), rightMul->getOperand(second));
  };
  return sameOperands(0, 1) || sameOperands(1, 0);
}

namespace {

/// Builds an IterationSpace.
class SpaceBuilder {
public:
  SpaceBuilder(OpBuilder &builder, linalg::GenericOp generic,
               bool assumeContiguous)
      : builder(builder), loc(generic.getLoc()), generic(generic),
        assumeContiguous(assumeContiguous) {}

  IterationSpace build(const LinearForms &forms) {
    findExtents();
    chooseOrder(forms);
    for (OpOperand &operand : generic->getOpOperands())
      addOperand(operand);
    for (auto &[value, form] : forms) {
      LinearForm ordered{form.base, {}};
      for (int64_t dim : order) // An index that is always 0 has no step.
        ordered.coefficients.push_back(
            isOneInteger(dimExtents[dim])
                ? OpFoldResult(builder.getIndexAttr(0))
                : form.coefficients[dim]);
      space.forms[value] = ordered;
    }
    mergeLoops();
    for (OperandAccess &access : space.operands)
      classify(access);
    return std::move(space);
  }

private:
  /// The number of iterations of each loop of the generic.
  void findExtents() {
    dimExtents.resize(generic.getNumLoops());
    SmallVector<int64_t, 4> ranges = generic.getStaticLoopRanges();
    for (auto [dim, range] : llvm::enumerate(ranges))
      if (!ShapedType::isDynamic(range))
        dimExtents[dim] = builder.getIndexAttr(range);
    for (OpOperand &operand : generic->getOpOperands()) {
      if (!isa<MemRefType>(operand.get().getType()))
        continue;
      AffineMap map = generic.getMatchingIndexingMap(&operand);
      for (auto [position, expr] : llvm::enumerate(map.getResults())) {
        auto dim = dyn_cast<AffineDimExpr>(expr);
        if (dim && !dimExtents[dim.getPosition()])
          dimExtents[dim.getPosition()] = OpFoldResult(Value(
              memref::DimOp::create(builder, loc, operand.get(), position)));
      }
    }
  }

  /// Reductions outside, in their order, then the loops in the order of the
  /// first output's memory; loops that run once are dropped. The innermost loop
  /// is one along which draws are neighbours, if there is one.
  void chooseOrder(const LinearForms &forms) {
    SmallVector<unsigned> reductions;
    generic.getReductionDims(reductions);
    llvm::append_range(order, reductions);
    AffineMap map =
        generic.getMatchingIndexingMap(generic.getDpsInitOperand(0));
    for (AffineExpr expr : map.getResults())
      order.push_back(cast<AffineDimExpr>(expr).getPosition());
    auto isNeighbour = [&](int64_t dim) {
      return llvm::all_of(forms, [&](const auto &form) {
        OpFoldResult step = form.second.coefficients[dim];
        return isZeroInteger(step) || isOneInteger(step);
      });
    };
    SmallVector<int64_t> candidates; // the last one first
    for (AffineExpr expr : llvm::reverse(map.getResults()))
      if (int64_t dim = cast<AffineDimExpr>(expr).getPosition();
          !isOneInteger(dimExtents[dim]))
        candidates.push_back(dim);
    int64_t innermost = candidates.empty() ? order.back() : candidates.front();
    if (auto dim = llvm::find_if(candidates, isNeighbour);
        dim != candidates.end())
      innermost = *dim;
    llvm::erase(order, innermost);
    llvm::erase_if(order,
                   [&](int64_t dim) { return isOneInteger(dimExtents[dim]); });
    if (!isOneInteger(dimExtents[innermost]) || order.empty() ||
        llvm::is_contained(reductions, order.back()))
      order.push_back(innermost);
    for (int64_t dim : order)
      space.extents.push_back(dimExtents[dim]);
  }

  /// Strides of a memref per dim of its own; in C order they are products of
  /// the extents of the loops.
  void getLayout(Value memref, AffineMap map, OperandAccess &access,
                 SmallVector<OpFoldResult> &strides) {
    auto type = cast<MemRefType>(memref.getType());
    SmallVector<int64_t> staticStrides;
    int64_t staticOffset;
    bool isStrided =
        succeeded(type.getStridesAndOffset(staticStrides, staticOffset));
    assert(isStrided && "checked before");
    (void)isStrided;
    auto metadata =
        memref::ExtractStridedMetadataOp::create(builder, loc, memref);
    access.base = metadata.getBaseBuffer();
    access.offset = ShapedType::isDynamic(staticOffset)
                        ? OpFoldResult(metadata.getOffset())
                        : builder.getIndexAttr(staticOffset);
    strides.resize(type.getRank());
    OpFoldResult product = builder.getIndexAttr(1);
    for (int64_t dim = type.getRank() - 1; dim >= 0; --dim) {
      if (!ShapedType::isDynamic(staticStrides[dim]))
        strides[dim] = builder.getIndexAttr(staticStrides[dim]);
      else if (type.getLayout().isIdentity())
        strides[dim] = product;
      else
        strides[dim] = OpFoldResult(metadata.getStrides()[dim]);
      auto loop = cast<AffineDimExpr>(map.getResult(dim)).getPosition();
      product = emitMul(builder, loc, product, dimExtents[loop]);
    }
  }

  void addOperand(OpOperand &operand) {
    OperandAccess access;
    access.memref = operand.get();
    AffineMap map = generic.getMatchingIndexingMap(&operand);
    access.strides.assign(order.size(), builder.getIndexAttr(0));
    if (isa<MemRefType>(operand.get().getType())) {
      SmallVector<OpFoldResult> strides;
      getLayout(operand.get(), map, access, strides);
      for (auto [expr, stride] : llvm::zip_equal(map.getResults(), strides)) {
        int64_t dim = cast<AffineDimExpr>(expr).getPosition();
        auto loop = llvm::find(order, dim);
        if (loop != order.end())
          access.strides[loop - order.begin()] = stride;
      }
    }
    space.operands.push_back(access);
  }

  /// Calls `visit` for the step of every operand and linear form in a loop and
  /// in the loop inside it.
  template <typename Visitor>
  void forEachStep(int64_t outer, Visitor visit) {
    for (OperandAccess &access : space.operands)
      visit(access.strides[outer], access.strides[outer + 1]);
    for (auto &[value, form] : space.forms)
      visit(form.coefficients[outer], form.coefficients[outer + 1]);
  }

  /// Two loops are one if each step of the outer one goes as far as the whole
  /// inner one, for all operands and forms.
  void mergeLoops() {
    // What is known at compile time.
    for (int64_t outer = space.getNumLoops() - 2; outer >= 0; --outer) {
      bool mergeable = true;
      forEachStep(outer, [&](OpFoldResult step, OpFoldResult inner) {
        mergeable &= isSame(
            step, emitMul(builder, loc, inner, space.extents[outer + 1]));
      });
      if (!mergeable)
        continue;
      space.extents[outer + 1] =
          emitMul(builder, loc, space.extents[outer], space.extents[outer + 1]);
      space.extents.erase(space.extents.begin() + outer);
      for (OperandAccess &access : space.operands)
        access.strides.erase(access.strides.begin() + outer);
      for (auto &[value, form] : space.forms)
        form.coefficients.erase(form.coefficients.begin() + outer);
    }
    // What is decided at run time, from the innermost loop outwards.
    Value all;
    OpFoldResult inner = space.extents.back();
    for (int64_t outer = space.getNumLoops() - 2; outer >= 0; --outer) {
      bool possible = true;
      Value condition = all;
      forEachStep(outer, [&](OpFoldResult step, OpFoldResult innerStep) {
        OpFoldResult whole =
            emitMul(builder, loc, innerStep, space.extents[outer + 1]);
        if (isSame(step, whole))
          return;
        if (getConstantIntValue(step) && getConstantIntValue(whole))
          possible = false;
        // A step of 0 is a broadcast: merged it would be one inside, too.
        if (isZeroInteger(step) != isZeroInteger(innerStep))
          possible = false;
        Value same = arith::CmpIOp::create(
            builder, loc, arith::CmpIPredicate::eq,
            getValueOrCreateConstantIndexOp(builder, loc, step),
            getValueOrCreateConstantIndexOp(builder, loc, whole));
        condition =
            condition
                ? Value(arith::AndIOp::create(builder, loc, condition, same))
                : same;
      });
      if (!possible || !condition)
        break;
      all = condition;
      auto select = [&](OpFoldResult yes, OpFoldResult no) {
        return OpFoldResult(Value(arith::SelectOp::create(
            builder, loc, all,
            getValueOrCreateConstantIndexOp(builder, loc, yes),
            getValueOrCreateConstantIndexOp(builder, loc, no))));
      };
      inner = select(emitMul(builder, loc, inner, space.extents[outer]), inner);
      mergedOuter.push_back(
          {outer, select(builder.getIndexAttr(1), space.extents[outer])});
    }
    for (auto &[loop, extent] : mergedOuter)
      space.extents[loop] = extent;
    space.extents.back() = inner;
  }

  void classify(OperandAccess &access) {
    OpFoldResult stride = access.strides.back();
    if (isZeroInteger(stride)) {
      access.inner = InnerAccess::Uniform;
    } else if (isOneInteger(stride)) {
      access.inner = InnerAccess::Contiguous;
    } else if (getConstantIntValue(stride) || !assumeContiguous ||
               !isFreeStride(access)) {
      access.inner = InnerAccess::Strided;
    } else {
      access.inner = InnerAccess::Contiguous;
      Value one = arith::ConstantIndexOp::create(builder, loc, 1);
      Value isOne = arith::CmpIOp::create(
          builder, loc, arith::CmpIPredicate::eq, cast<Value>(stride), one);
      space.isContiguous = space.isContiguous
                               ? Value(arith::AndIOp::create(
                                     builder, loc, space.isContiguous, isOne))
                               : isOne;
    }
  }

  /// True if the innermost stride is one that the caller chooses, not the size
  /// of a row, which is hardly ever 1.
  static bool isFreeStride(const OperandAccess &access) {
    return cast<Value>(access.strides.back())
               .getDefiningOp<memref::ExtractStridedMetadataOp>() != nullptr;
  }

  OpBuilder &builder;
  Location loc;
  linalg::GenericOp generic;
  bool assumeContiguous;
  SmallVector<OpFoldResult> dimExtents; ///< per loop of the generic
  SmallVector<int64_t> order;           ///< loops of the generic that stay
  SmallVector<std::pair<int64_t, OpFoldResult>> mergedOuter;
  IterationSpace space;
};

} // namespace

IterationSpace mlir::dropout::createIterationSpace(OpBuilder &builder,
                                                   linalg::GenericOp generic,
                                                   const LinearForms &forms,
                                                   bool assumeContiguous) {
  return SpaceBuilder(builder, generic, assumeContiguous).build(forms);
}

llvm::DenseSet<Value> mlir::dropout::getUniformValues(
    linalg::GenericOp generic, const IterationSpace &space,
    const llvm::SetVector<Value> &live, const KnownConditions &known) {
  llvm::DenseSet<Value> uniform;
  Block *body = generic.getBody();
  for (BlockArgument argument : body->getArguments())
    if (live.contains(argument) &&
        space.operands[argument.getArgNumber()].inner == InnerAccess::Uniform)
      uniform.insert(argument);
  auto isUniform = [&](Value operand) {
    operand = resolve(operand, known);
    return operand.getParentBlock() != body || known.contains(operand) ||
           uniform.contains(operand);
  };
  for (Operation &op : body->without_terminator())
    for (Value result : op.getResults()) {
      if (!live.contains(result))
        continue;
      auto form = space.forms.find(result);
      if (form != space.forms.end()
              ? isZeroInteger(form->second.coefficients.back())
              : llvm::all_of(op.getOperands(), isUniform))
        uniform.insert(result);
    }
  return uniform;
}
