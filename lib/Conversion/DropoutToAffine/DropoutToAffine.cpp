//===- DropoutToAffine.cpp - Dropout on memrefs to affine loops -----------===//
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
#include "mlir/Dialect/Affine/Utils.h"
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
///
/// Sizes that are no symbols (of a memref from inside a loop: a tile) can't
/// bound affine loops; the nest is then the same one of scf loops.
class NestBuilder {
public:
  NestBuilder(OpBuilder &builder, DropoutOpInterface op)
      : builder(builder), loc(op.getLoc()), op(op),
        maskDims(op.getEffectiveMaskDims()),
        parameters(emitLoweringParameters(builder, op)),
        sizes(op.getMixedShape(builder)),
        isAffine(llvm::all_of(sizes, [](OpFoldResult size) {
          auto value = dyn_cast<Value>(size);
          return !value || affine::isValidSymbol(value);
        })) {
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
  /// The index of a dim: `block` * perBlock + `element`, or just `element`.
  struct Index {
    Value block;
    Value element;
  };

  void buildOuterMaskDims(ArrayRef<int64_t> dims) {
    if (dims.empty())
      return buildRow();
    buildDim(dims.front(), [&] { buildOuterMaskDims(dims.drop_front()); });
  }

  void buildOtherDims(Value keep, ArrayRef<int64_t> dims) {
    if (dims.empty())
      return buildElement(keep);
    buildDim(dims.front(), [&] { buildOtherDims(keep, dims.drop_front()); });
  }

  /// for index = 0 to size(dim)
  void buildDim(int64_t dim, function_ref<void()> body) {
    Bound bound;
    bound.exprs = {getSize(dim, bound)};
    buildLoop(bound, Value(), [&](Value index, Value) {
      indices[dim] = {Value(), index};
      body();
      return Value();
    });
  }

  /// The blocks of the last mask dim's row.
  void buildRow() {
    int64_t dim = maskDims.back();
    Type i64 = builder.getI64Type();
    KeepBitEmitter emitter(builder, loc, parameters.draw);
    indices[dim] = {};
    Value start = emitIndexOfRow();
    Value firstBlock = emitter.emitBlockNumber(start);
    Value shift, firstBits;
    if (!isRowAligned()) {
      // Rows that start inside a block: look at two blocks through a window.
      shift =
          arith::AndIOp::create(builder, loc, start, constantI64(perBlock - 1));
      firstBits = emitter.emitBlock(firstBlock);
    }
    Bound blocks;
    blocks.exprs = {getSize(dim, blocks).ceilDiv(perBlock)};
    buildLoop(blocks, firstBits, [&](Value block, Value carried) {
      Value number = arith::AddIOp::create(
          builder, loc, firstBlock,
          arith::IndexCastOp::create(builder, loc, i64, block));
      Value next, bits;
      if (!carried) {
        bits = emitter.emitBlock(number);
      } else {
        next = emitter.emitBlock(
            arith::AddIOp::create(builder, loc, number, constantI64(1)));
        bits = emitter.emitWindow(carried, next, shift);
      }
      buildElementsOfBlock(dim, block, bits, start);
      return next;
    });
  }

  /// The elements of one block (or window) of the row, from `bits`.
  void buildElementsOfBlock(int64_t dim, Value block, Value bits, Value start) {
    Bound bound;
    bound.exprs = {builder.getAffineConstantExpr(perBlock)};
    if (getConstantIntValue(sizes[dim]).value_or(1) % perBlock != 0) {
      bound.dims = {block};
      bound.exprs.push_back(getSize(dim, bound) -
                            builder.getAffineDimExpr(0) * perBlock);
    }
    buildLoop(bound, Value(), [&](Value element, Value) {
      indices[dim] = {block, element};
      Type i64 = builder.getI64Type();
      Value lane = arith::IndexCastOp::create(builder, loc, i64, element);
      Value first = arith::MulIOp::create(
          builder, loc, arith::IndexCastOp::create(builder, loc, i64, block),
          constantI64(perBlock));
      Value index = arith::AddIOp::create(
          builder, loc, start,
          arith::AddIOp::create(builder, loc, first, lane));
      Value keep = KeepBitEmitter(builder, loc, parameters.draw)
                       .emitKeep(bits, lane, index, TieForm::Branch);
      buildOtherDims(keep, otherDims);
      return Value();
    });
  }

  void buildElement(Value keep) {
    Value x;
    if (Value source = op.getSource())
      x = emitLoad(source);
    emitStore(emitValue(builder, loc, parameters.value, x, keep));
  }

  //===--------------------------------------------------------------------===//
  // Affine or scf
  //===--------------------------------------------------------------------===//

  /// An upper bound: the least of `exprs`, over `dims` and `symbols`.
  struct Bound {
    SmallVector<AffineExpr, 2> exprs;
    SmallVector<Value, 1> dims;
    SmallVector<Value, 1> symbols;
  };

  /// The size of `dim` as a constant or as a new symbol of `bound`.
  AffineExpr getSize(int64_t dim, Bound &bound) {
    if (std::optional<int64_t> size = getConstantIntValue(sizes[dim]))
      return builder.getAffineConstantExpr(*size);
    bound.symbols.push_back(cast<Value>(sizes[dim]));
    return builder.getAffineSymbolExpr(bound.symbols.size() - 1);
  }

  /// for index = 0 to bound, carrying `initial` where there is one; `body`
  /// returns what the next iteration carries.
  void buildLoop(const Bound &bound, Value initial,
                 function_ref<Value(Value, Value)> body) {
    AffineMap map = AffineMap::get(bound.dims.size(), bound.symbols.size(),
                                   bound.exprs, builder.getContext());
    SmallVector<Value> operands(bound.dims.begin(), bound.dims.end());
    llvm::append_range(operands, bound.symbols);
    ValueRange carried = initial ? ValueRange(initial) : ValueRange();
    OpBuilder::InsertionGuard guard(builder);
    if (isAffine) {
      auto loop = affine::AffineForOp::create(
          builder, loc, ValueRange(), builder.getConstantAffineMap(0), operands,
          map, /*step=*/1, carried);
      builder.setInsertionPointToStart(loop.getBody());
      Value next = body(loop.getInductionVar(),
                        initial ? loop.getRegionIterArgs()[0] : Value());
      if (initial)
        affine::AffineYieldOp::create(builder, loc, next);
      return;
    }
    Value upper;
    for (AffineExpr expr : bound.exprs) {
      Value value = affine::expandAffineExpr(builder, loc, expr, bound.dims,
                                             bound.symbols);
      upper =
          upper ? arith::MinSIOp::create(builder, loc, upper, value) : value;
    }
    auto loop = scf::ForOp::create(
        builder, loc, arith::ConstantIndexOp::create(builder, loc, 0), upper,
        arith::ConstantIndexOp::create(builder, loc, 1), carried);
    builder.setInsertionPointToStart(loop.getBody());
    Value next = body(loop.getInductionVar(),
                      initial ? loop.getRegionIterArgs()[0] : Value());
    if (initial)
      scf::YieldOp::create(builder, loc, next);
  }

  /// The subscripts of the current element, over `operands`.
  AffineMap getSubscripts(SmallVectorImpl<Value> &operands) {
    SmallVector<AffineExpr> exprs;
    auto append = [&](Value value) {
      operands.push_back(value);
      return builder.getAffineDimExpr(operands.size() - 1);
    };
    for (const Index &index : indices) {
      AffineExpr expr = append(index.element);
      exprs.push_back(index.block ? append(index.block) * perBlock + expr
                                  : expr);
    }
    return AffineMap::get(operands.size(), 0, exprs, builder.getContext());
  }

  /// The subscripts as values, for scf loops.
  SmallVector<Value> getSubscriptValues() {
    SmallVector<Value> operands;
    AffineMap map = getSubscripts(operands);
    return llvm::map_to_vector(map.getResults(), [&](AffineExpr expr) {
      return affine::expandAffineExpr(builder, loc, expr, operands,
                                      ValueRange());
    });
  }

  Value emitLoad(Value source) {
    if (!isAffine)
      return memref::LoadOp::create(builder, loc, source, getSubscriptValues());
    SmallVector<Value> operands;
    AffineMap map = getSubscripts(operands);
    return affine::AffineLoadOp::create(builder, loc, source, map, operands);
  }

  void emitStore(Value y) {
    if (!isAffine) {
      memref::StoreOp::create(builder, loc, y, op.getDest(),
                              getSubscriptValues());
      return;
    }
    SmallVector<Value> operands;
    AffineMap map = getSubscripts(operands);
    affine::AffineStoreOp::create(builder, loc, y, op.getDest(), map, operands);
  }

  //===--------------------------------------------------------------------===//
  // Mask indices
  //===--------------------------------------------------------------------===//

  /// The linear index (i64) of the element at the current mask indices, the
  /// last one being zero inside buildRow.
  Value emitIndexOfRow() {
    OpFoldResult linear = parameters.base;
    for (int64_t dim : maskDims)
      if (Value index = indices[dim].element)
        linear = emitAdd(builder, loc, linear,
                         emitMul(builder, loc, OpFoldResult(index),
                                 parameters.strides[dim]));
    return arith::IndexCastOp::create(
        builder, loc, builder.getI64Type(),
        getValueOrCreateConstantIndexOp(builder, loc, linear));
  }

  /// True if every row starts at a block's first element.
  bool isRowAligned() {
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
  bool isAffine;
  int64_t perBlock = parameters.draw.getElementsPerBlock();
  SmallVector<Index> indices;
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
    if (failed(convertKinds(getOperation(), llvm::to_vector(kinds),
                            verifyConvertible,
                            populateDropoutToAffinePatterns)))
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
    return success();
  }
};

} // namespace

void mlir::dropout::populateDropoutToAffinePatterns(RewritePatternSet &patterns,
                                                    const KindFilter &filter) {
  patterns.add<ConvertToAffine>(patterns.getContext(), filter);
}
