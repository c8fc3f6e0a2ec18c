//===- DropoutToAffine.cpp - Dropout on memrefs to affine loops
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/Conversion/DropoutToAffine.h"
#include "dropout/Conversion/Passes.h"
#include "dropout/Conversion/Utils/DropoutLowering.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::dropout {
#define GEN_PASS_DEF_CONVERTDROPOUTTOAFFINEPASS
#include "dropout/Conversion/Passes.h.inc"
} // namespace mlir::dropout

using namespace mlir;
using namespace mlir::dropout;

namespace {

/// Writes the loop nest of one op:
///
///   for each mask dim but the last
///     for each block of the last mask dim's row
///       for each element of the block: its keep bit
///         for each other dim: load, value map, store
class NestBuilder {
public:
  NestBuilder(OpBuilder &builder, DropoutOpInterface op)
      : builder(builder), loc(op.getLoc()), op(op),
        maskDims(op.getEffectiveMaskDims()),
        parameters(emitLoweringParameters(builder, op)),
        sizes(op.getMixedShape(builder)) {
    for (int64_t dim = 0; dim < op.getShapedType().getRank(); ++dim)
      if (!llvm::is_contained(maskDims, dim))
        otherDims.push_back(dim);
    indices.resize(sizes.size());
  }

  void build() {
    if (maskDims.empty()) {
      Value keep = KeepBitEmitter(builder, loc, parameters.draw)
                       .emitKeep(emitIndexOfRow(), TieForm::Branch);
      return buildOtherDims(keep, otherDims);
    }
    buildOuterMaskDims(ArrayRef(maskDims).drop_back());
  }

private:
  /// An affine expression over `dims`, ready to become part of a subscript.
  struct Subscript {
    AffineExpr expr; // over d0, d1, ... = operands
    SmallVector<Value, 2> operands;
  };

  void buildOuterMaskDims(ArrayRef<int64_t> dims) {
    if (dims.empty())
      return buildRow();
    buildLoop(dims.front(), [&] { buildOuterMaskDims(dims.drop_front()); });
  }

  void buildOtherDims(Value keep, ArrayRef<int64_t> dims) {
    if (dims.empty())
      return buildElement(keep);
    buildLoop(dims.front(), [&] { buildOtherDims(keep, dims.drop_front()); });
  }

  /// for iv = 0 to size(dim)
  void buildLoop(int64_t dim, function_ref<void()> body) {
    AffineMap zero = builder.getConstantAffineMap(0);
    SmallVector<Value, 1> operands;
    AffineExpr size = getSize(dim, operands);
    AffineMap upper = AffineMap::get(0, operands.size(), size);
    auto loop = affine::AffineForOp::create(builder, loc, ValueRange(), zero,
                                            operands, upper);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    indices[dim] = {builder.getAffineDimExpr(0), {loop.getInductionVar()}};
    body();
  }

  /// The blocks of the last mask dim's row.
  void buildRow() {
    int64_t dim = maskDims.back();
    int64_t perBlock = parameters.draw.getElementsPerBlock();
    Type i64 = builder.getI64Type();
    KeepBitEmitter emitter(builder, loc, parameters.draw);
    bool aligned = isRowAligned(perBlock);
    indices[dim] = {builder.getAffineConstantExpr(0), {}};
    Value start = emitIndexOfRow();
    Value firstBlock = emitter.emitBlockNumber(start);
    Value shift, carried;
    if (!aligned) {
      // Rows that start inside a block: look at two blocks through a window.
      shift = arith::AndIOp::create(builder, loc, start,
                                    constantI64(perBlock - 1));
      carried = emitter.emitBlock(firstBlock);
    }
    SmallVector<Value, 1> sizeOperands;
    AffineExpr size = getSize(dim, sizeOperands);
    AffineMap groups =
        AffineMap::get(0, sizeOperands.size(), size.ceilDiv(perBlock));
    auto loop = affine::AffineForOp::create(
        builder, loc, ValueRange(), builder.getConstantAffineMap(0),
        sizeOperands, groups, /*step=*/1,
        carried ? ValueRange(carried) : ValueRange());
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    Value group = loop.getInductionVar();
    Value number = arith::AddIOp::create(
        builder, loc, firstBlock,
        arith::IndexCastOp::create(builder, loc, i64, group));
    Value bits;
    if (aligned) {
      bits = emitter.emitBlock(number);
    } else {
      Value next = emitter.emitBlock(
          arith::AddIOp::create(builder, loc, number, constantI64(1)));
      bits = emitter.emitWindow(loop.getRegionIterArgs()[0], next, shift);
      affine::AffineYieldOp::create(builder, loc, next);
      builder.setInsertionPoint(&loop.getBody()->back());
    }
    buildLanes(dim, group, bits, start, perBlock);
  }

  /// The elements of one block (or window) of the row, from `bits`.
  void buildLanes(int64_t dim, Value group, Value bits, Value start,
                  int64_t perBlock) {
    SmallVector<Value, 2> operands = {group};
    SmallVector<Value, 1> sizeOperands;
    AffineExpr size = getSize(dim, sizeOperands);
    llvm::append_range(operands, sizeOperands);
    AffineExpr full = builder.getAffineConstantExpr(perBlock);
    AffineExpr rest = size - builder.getAffineDimExpr(0) * perBlock;
    SmallVector<AffineExpr, 2> bounds = {full, rest};
    if (getConstantIntValue(sizes[dim]).value_or(1) % perBlock == 0) {
      bounds.pop_back();
      operands.clear();
      sizeOperands.clear();
    }
    AffineMap upper = AffineMap::get(operands.empty() ? 0 : 1,
                                     sizeOperands.size(), bounds,
                                     builder.getContext());
    auto loop = affine::AffineForOp::create(builder, loc, ValueRange(),
                                            builder.getConstantAffineMap(0),
                                            operands, upper);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    Value lane = loop.getInductionVar();
    indices[dim] = {builder.getAffineDimExpr(0) * perBlock +
                        builder.getAffineDimExpr(1),
                    {group, lane}};
    Type i64 = builder.getI64Type();
    Value laneI64 = arith::IndexCastOp::create(builder, loc, i64, lane);
    Value groupI64 = arith::IndexCastOp::create(builder, loc, i64, group);
    Value column = arith::AddIOp::create(
        builder, loc,
        arith::MulIOp::create(builder, loc, groupI64, constantI64(perBlock)),
        laneI64);
    Value index = arith::AddIOp::create(builder, loc, start, column);
    Value keep = KeepBitEmitter(builder, loc, parameters.draw)
                     .emitKeep(bits, laneI64, index, TieForm::Branch);
    buildOtherDims(keep, otherDims);
  }

  void buildElement(Value keep) {
    SmallVector<Value> operands;
    SmallVector<AffineExpr> exprs;
    for (const Subscript &subscript : indices) {
      exprs.push_back(subscript.expr.shiftDims(subscript.operands.size(),
                                               operands.size()));
      llvm::append_range(operands, subscript.operands);
    }
    AffineMap map =
        AffineMap::get(operands.size(), 0, exprs, builder.getContext());
    Value x;
    if (Value source = op.getSource())
      x = affine::AffineLoadOp::create(builder, loc, source, map, operands);
    Value y = emitValue(builder, loc, parameters.value, x, keep);
    affine::AffineStoreOp::create(builder, loc, y, op.getDest(), map, operands);
  }

  /// The linear index (i64) of the element at the current mask indices, the
  /// last one being zero inside buildRow.
  Value emitIndexOfRow() {
    OpFoldResult linear = parameters.base;
    for (int64_t dim : maskDims)
      if (!indices[dim].operands.empty())
        linear = emitAdd(builder, loc, linear,
                         emitMul(builder, loc,
                                 OpFoldResult(indices[dim].operands.front()),
                                 parameters.strides[dim]));
    return arith::IndexCastOp::create(
        builder, loc, builder.getI64Type(),
        getValueOrCreateConstantIndexOp(builder, loc, linear));
  }

  /// True if every row starts at a multiple of `perBlock` in the mask.
  bool isRowAligned(int64_t perBlock) {
    auto isMultiple = [&](OpFoldResult value) {
      std::optional<int64_t> constant = getConstantIntValue(value);
      return constant && *constant % perBlock == 0;
    };
    if (!isMultiple(parameters.base))
      return false;
    return llvm::all_of(ArrayRef(maskDims).drop_back(), [&](int64_t dim) {
      return isMultiple(parameters.strides[dim]);
    });
  }

  /// The size of `dim` as a constant or as a symbol appended to `operands`.
  AffineExpr getSize(int64_t dim, SmallVectorImpl<Value> &operands) {
    if (std::optional<int64_t> size = getConstantIntValue(sizes[dim]))
      return builder.getAffineConstantExpr(*size);
    operands.push_back(cast<Value>(sizes[dim]));
    return builder.getAffineSymbolExpr(operands.size() - 1);
  }

  Value constantI64(int64_t value) {
    return arith::ConstantOp::create(builder, loc,
                                     builder.getI64IntegerAttr(value));
  }

  OpBuilder &builder;
  Location loc;
  DropoutOpInterface op;
  SmallVector<int64_t> maskDims, otherDims;
  LoweringParameters parameters;
  SmallVector<OpFoldResult> sizes;
  SmallVector<Subscript> indices;
};

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

struct ConvertToAffine : OpInterfaceRewritePattern<DropoutOpInterface> {
  ConvertToAffine(MLIRContext *context, const KindFilter &filter)
      : OpInterfaceRewritePattern(context), filter(filter) {}

  LogicalResult matchAndRewrite(DropoutOpInterface op,
                                PatternRewriter &rewriter) const final {
    if (!filter.contains(op) || op.isImplicit() || !op.isMemRefForm())
      return failure();
    NestBuilder(rewriter, op).build();
    rewriter.eraseOp(op);
    return success();
  }

private:
  KindFilter filter;
};

struct ConvertDropoutToAffinePass final
    : mlir::dropout::impl::ConvertDropoutToAffinePassBase<
          ConvertDropoutToAffinePass> {
  using Base::Base;

  void runOnOperation() override {
    Operation *root = getOperation();
    FailureOr<KindFilter> filter = KindFilter::parse(
        root->getLoc(), SmallVector<std::string>(kinds.begin(), kinds.end()));
    if (failed(filter))
      return signalPassFailure();
    WalkResult result = root->walk([&](DropoutOpInterface op) {
      return filter->contains(op) && failed(verifyConvertible(op))
                 ? WalkResult::interrupt()
                 : WalkResult::advance();
    });
    if (result.wasInterrupted())
      return signalPassFailure();
    RewritePatternSet patterns(&getContext());
    populateDropoutToAffinePatterns(patterns, *filter);
    if (failed(applyPatternsGreedily(root, std::move(patterns))))
      signalPassFailure();
  }

private:
  static LogicalResult verifyConvertible(DropoutOpInterface op) {
    if (failed(requireExplicit(op)))
      return failure();
    if (!op.isMemRefForm())
      return op->emitOpError("expected the memref form, but got a tensor; run "
                             "'one-shot-bufferize' first, or use "
                             "'convert-dropout-to-linalg'");
    // The sizes become symbols of affine bounds. memref.dim of a value from
    // inside a loop is none.
    Value shaped = op.getSource() ? op.getSource() : op.getDest();
    if (!op.getShapedType().hasStaticShape() && !affine::isTopLevelValue(shaped))
      return op->emitOpError("expected a memref of static shape or one from "
                             "the top level of its function, whose sizes can "
                             "bound affine loops, but got ")
             << shaped.getType()
             << " from a nested region; use 'convert-dropout-to-linalg'";
    return success();
  }
};

} // namespace

void mlir::dropout::populateDropoutToAffinePatterns(RewritePatternSet &patterns,
                                                    const KindFilter &filter) {
  patterns.add<ConvertToAffine>(patterns.getContext(), filter);
}
