//===- DropoutToArith.cpp - dropout.keep to Philox ------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/Conversion/DropoutToArith.h"
#include "dropout/Conversion/Passes.h"
#include "dropout/Dialect/Dropout/IR/Dropout.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "mlir/Transforms/LoopInvariantCodeMotionUtils.h"
#include "mlir/Transforms/RegionUtils.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::dropout {
#define GEN_PASS_DEF_CONVERTDROPOUTTOARITHPASS
#include "dropout/Conversion/Passes.h.inc"
} // namespace mlir::dropout

using namespace mlir;
using namespace mlir::dropout;

template <typename Op>
static DrawParameters getDrawParameters(Op op) {
  DrawParameters draw;
  draw.threshold = op.getThreshold();
  draw.seed = op.getSeed();
  draw.offset = op.getOffset();
  draw.rounds = op.getRounds();
  draw.resolution = op.getResolution();
  return draw;
}

//===----------------------------------------------------------------------===//
// Which draws of a loop are neighbours
//===----------------------------------------------------------------------===//

/// The factor of the loop's induction variable in `value`, if it is linear in
/// it with a constant factor.
static std::optional<int64_t> getFactor(Value value, scf::ForOp loop) {
  if (loop.isDefinedOutsideOfLoop(value))
    return 0;
  if (value == loop.getInductionVar())
    return 1;
  Operation *op = value.getDefiningOp();
  if (!op || op->getBlock() != loop.getBody())
    return std::nullopt;
  // Narrow integers wrap: look through casts of all 64 bits only.
  auto isWide = [](Type type) {
    return type.isIndex() || type.isSignlessInteger(64);
  };
  if (!isWide(value.getType()))
    return std::nullopt;
  if (isa<arith::IndexCastOp>(op))
    return getFactor(op->getOperand(0), loop);
  if (!isa<arith::AddIOp, arith::MulIOp>(op))
    return std::nullopt;
  std::optional<int64_t> a = getFactor(op->getOperand(0), loop);
  std::optional<int64_t> b = getFactor(op->getOperand(1), loop);
  if (!a || !b)
    return std::nullopt;
  int64_t factor;
  if (isa<arith::AddIOp>(op))
    return llvm::AddOverflow(*a, *b, factor) ? std::nullopt
                                             : std::optional(factor);
  if (*a == 0 && *b == 0)
    return 0;
  for (auto [linear, other] :
       {std::pair(*a, op->getOperand(1)), std::pair(*b, op->getOperand(0))})
    if (std::optional<int64_t> constant = getConstantIntValue(other))
      if (!llvm::MulOverflow(linear, *constant, factor))
        return factor;
  return std::nullopt;
}

/// `value`, linear in the induction variable, at the loop's lower bound:
/// computed in front of the loop.
static Value cloneAtLowerBound(OpBuilder &builder, Value value, scf::ForOp loop,
                               IRMapping &mapping) {
  if (loop.isDefinedOutsideOfLoop(value))
    return value;
  if (Value known = mapping.lookupOrNull(value))
    return known;
  Operation *op = value.getDefiningOp();
  for (Value operand : op->getOperands())
    mapping.map(operand, cloneAtLowerBound(builder, operand, loop, mapping));
  return builder.clone(*op, mapping)->getResult(0);
}

/// True if `loop` walks the draw's elements one by one.
static bool walksElements(KeepOp op, scf::ForOp loop) {
  if (op->getBlock() != loop.getBody() ||
      !loop.getInductionVar().getType().isIndex() || loop.getUnsignedCmp() ||
      getConstantIntValue(loop.getStep()) != 1)
    return false;
  for (Value invariant : {op.getThreshold(), op.getSeed(), op.getOffset()})
    if (!loop.isDefinedOutsideOfLoop(invariant))
      return false;
  return getFactor(op.getIndex(), loop) == 1;
}

//===----------------------------------------------------------------------===//
// Loops over blocks
//===----------------------------------------------------------------------===//

/// Splits `loop` into one over blocks and one over the elements of a block, and
/// expands `draws`, which all read element `index` and have blocks of
/// `perBlock` elements.
///
///   for iv = lb to ub { keep(start + iv - lb) }
/// becomes
///   skipped = start mod 8
///   for b = 0 to ceil((skipped + ub - lb) / 8) {
///     bits = Philox((start + 8 * b) / 8)
///     for iv = max(lb, lb + 8 * b - skipped)
///           to min(ub, lb + 8 * b + 8 - skipped) { bit of bits }
///   }
static void splitIntoBlocks(scf::ForOp loop, MutableArrayRef<KeepOp> draws) {
  Location loc = loop.getLoc();
  OpBuilder builder(loop);
  Type index = builder.getIndexType(), i64 = builder.getI64Type();
  int64_t perBlock = getDrawParameters(draws.front()).getElementsPerBlock();
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };

  // Elements are counted from the loop's start: an index may have all 64 bits.
  IRMapping atStart;
  Value lower = loop.getLowerBound(), upper = loop.getUpperBound();
  atStart.map(loop.getInductionVar(), lower);
  Value start =
      cloneAtLowerBound(builder, draws.front().getIndex(), loop, atStart);
  Value skipped = arith::AndIOp::create(
      builder, loc, arith::IndexCastOp::create(builder, loc, index, start),
      constant(perBlock - 1));
  Value count = arith::SubIOp::create(builder, loc, upper, lower);
  count = arith::MaxSIOp::create(builder, loc, count, constant(0));
  Value last = arith::AddIOp::create(builder, loc, skipped, count);
  last = arith::CeilDivUIOp::create(builder, loc, last, constant(perBlock));
  Value origin = arith::SubIOp::create(builder, loc, lower, skipped);

  auto blocks = scf::ForOp::create(builder, loc, constant(0), last, constant(1),
                                   loop.getInitArgs());
  blocks->setDiscardableAttrs(loop->getDiscardableAttrDictionary());
  builder.setInsertionPointToStart(blocks.getBody());
  Value firstOfBlock = arith::MulIOp::create(
      builder, loc, blocks.getInductionVar(), constant(perBlock));
  Value block =
      KeepBitEmitter(builder, loc, getDrawParameters(draws.front()))
          .emitBlockNumber(arith::AddIOp::create(
              builder, loc, start,
              arith::IndexCastOp::create(builder, loc, i64, firstOfBlock)));
  SmallVector<Value> bits;
  for (KeepOp draw : draws)
    bits.push_back(
        KeepBitEmitter(builder, loc, getDrawParameters(draw)).emitBlock(block));
  Value from = arith::AddIOp::create(builder, loc, origin, firstOfBlock);
  Value to = arith::AddIOp::create(builder, loc, from, constant(perBlock));
  from = arith::MaxSIOp::create(builder, loc, from, lower);
  to = arith::MinSIOp::create(builder, loc, to, upper);

  auto elements = scf::ForOp::create(builder, loc, from, to, constant(1),
                                     blocks.getRegionIterArgs());
  if (loop.getNumResults() != 0)
    scf::YieldOp::create(builder, loc, elements.getResults());

  // The body moves into the inner loop, unchanged but for the draws.
  for (auto [from, to] : llvm::zip_equal(loop.getBody()->getArguments(),
                                         elements.getBody()->getArguments()))
    from.replaceAllUsesWith(to);
  Block *body = elements.getBody();
  if (!body->empty())
    body->back().erase();
  body->getOperations().splice(body->end(), loop.getBody()->getOperations());
  for (auto [draw, blockBits] : llvm::zip_equal(draws, bits)) {
    builder.setInsertionPoint(draw);
    Value lane = arith::AndIOp::create(
        builder, loc, draw.getIndex(),
        arith::ConstantOp::create(builder, loc,
                                  builder.getI64IntegerAttr(perBlock - 1)));
    Value keep =
        KeepBitEmitter(builder, draw.getLoc(), getDrawParameters(draw))
            .emitKeep(blockBits, lane, draw.getIndex(), TieForm::Branch);
    draw.replaceAllUsesWith(keep);
    draw.erase();
  }
  loop.replaceAllUsesWith(blocks.getResults());
  loop.erase();
}

/// Splits every loop that walks the elements of draws. Draws of one loop share
/// its blocks if they read the same index; the others are expanded alone.
static void shareBlocksInLoops(Operation *root) {
  llvm::MapVector<Operation *, SmallVector<KeepOp>> drawsOfLoop;
  root->walk([&](KeepOp op) {
    auto loop = dyn_cast<scf::ForOp>(op->getParentOp());
    if (!loop || !walksElements(op, loop))
      return;
    SmallVector<KeepOp> &draws = drawsOfLoop[loop];
    if (draws.empty() || (draws.front().getIndex() == op.getIndex() &&
                          draws.front().getResolution() == op.getResolution()))
      draws.push_back(op);
  });
  for (auto &[loop, draws] : drawsOfLoop)
    splitIntoBlocks(cast<scf::ForOp>(loop), draws);
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

namespace {

struct ExpandKeep : OpRewritePattern<KeepOp> {
  ExpandKeep(MLIRContext *context, TieForm ties)
      : OpRewritePattern(context), ties(ties) {}

  LogicalResult matchAndRewrite(KeepOp op,
                                PatternRewriter &rewriter) const final {
    rewriter.replaceOp(
        op, KeepBitEmitter(rewriter, op.getLoc(), getDrawParameters(op))
                .emitKeep(op.getIndex(), ties));
    return success();
  }

private:
  TieForm ties;
};

/// Copies `bits`, and the vectors of i1 that they are made of.
static Value cloneBits(OpBuilder &builder, Value bits) {
  Operation *op = bits.getDefiningOp();
  auto type = dyn_cast<VectorType>(bits.getType());
  if (!op || !type || !type.getElementType().isInteger(1) || !isPure(op))
    return bits;
  IRMapping mapping;
  for (Value operand : op->getOperands())
    mapping.map(operand, cloneBits(builder, operand));
  return builder.clone(*op, mapping)
      ->getResult(cast<OpResult>(bits).getResultNumber());
}

/// Replaces `op` by `bits`, with a copy of the compare in each block that uses
/// them: few targets have registers for vectors of i1, and LLVM would pack bits
/// at the end of one block and unpack them in the next.
static void replaceByBits(RewriterBase &rewriter, KeepRunOp op, Value bits) {
  llvm::MapVector<Block *, Value> bitsOfBlock;
  bitsOfBlock[op->getBlock()] = bits;
  for (OpOperand &use : llvm::make_early_inc_range(op->getUses())) {
    Value &own = bitsOfBlock[use.getOwner()->getBlock()];
    if (!own) {
      OpBuilder::InsertionGuard guard(rewriter);
      rewriter.setInsertionPointToStart(use.getOwner()->getBlock());
      own = cloneBits(rewriter, bits);
    }
    rewriter.modifyOpInPlace(use.getOwner(), [&] { use.set(own); });
  }
  rewriter.eraseOp(op);
}

struct ExpandKeepRun : OpRewritePattern<KeepRunOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(KeepRunOp op,
                                PatternRewriter &rewriter) const final {
    replaceByBits(rewriter, op,
                  KeepBitEmitter(rewriter, op.getLoc(), getDrawParameters(op))
                      .emitRun(op.getBase(), op.getHigh(), op.getType()));
    return success();
  }
};

struct ConvertDropoutToArithPass final
    : mlir::dropout::impl::ConvertDropoutToArithPassBase<
          ConvertDropoutToArithPass> {
  using Base::Base;

  void runOnOperation() override {
    Operation *root = getOperation();
    // Inner loops first: what leaves one may leave the next one, too.
    root->walk([](LoopLikeOpInterface loop) {
      bool draws = false;
      loop->walk([&](KeepOp) { draws = true; });
      if (draws)
        moveLoopInvariantCode(loop);
    });
    if (shareBlocks)
      shareBlocksInLoops(root);
    RewritePatternSet patterns(&getContext());
    populateDropoutToArithPatterns(patterns);
    // Once is enough: no expansion leaves a draw, and folding is for later.
    walkAndApplyPatterns(root, std::move(patterns));
  }
};

} // namespace

void mlir::dropout::populateDropoutToArithPatterns(RewritePatternSet &patterns,
                                                   TieForm ties) {
  patterns.add<ExpandKeep>(patterns.getContext(), ties);
  if (ties == TieForm::Branch)
    patterns.add<ExpandKeepRun>(patterns.getContext());
}
