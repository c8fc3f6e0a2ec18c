//===- KeepRunEmitter.cpp - The vector form of the keep bits --------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Philox on vectors of 64-bit lanes, one block a lane: x86 multiplies the low
// halves of 64-bit lanes in one instruction (pmuludq), and what is left in the
// high half of a lane hurts nobody, as only low halves are multiplied.
//
//===----------------------------------------------------------------------===//

#include "dropout/Conversion/Utils/KeepBitEmitter.h"
#include "dropout/Conversion/Utils/Philox.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::dropout;

//===----------------------------------------------------------------------===//
// Philox on lanes
//===----------------------------------------------------------------------===//

/// `a`, a vector of integers, behind which LLVM does not look.
static Value emitFence(OpBuilder &builder, Location loc, Value a) {
  auto type = cast<VectorType>(a.getType());
  auto real = VectorType::get(type.getNumElements() *
                                  type.getElementTypeBitWidth() / 64,
                              builder.getF64Type());
  a = vector::BitCastOp::create(builder, loc, real, a);
  a = LLVM::CallIntrinsicOp::create(
          builder, loc, real, builder.getStringAttr("llvm.arithmetic.fence"),
          ValueRange{a})
          .getResult(0);
  return vector::BitCastOp::create(builder, loc, type, a);
}

namespace {

/// 64-bit arithmetic on values that are the same in all lanes (i64) or differ
/// between them (a vector of i64). What is the same stays scalar for as long as
/// it can: only one word of the counter differs between lanes, so that round 1
/// and 2 need two vector multiplications instead of four.
class LaneBuilder {
public:
  LaneBuilder(OpBuilder &builder, Location loc, int64_t numLanes)
      : builder(builder), loc(loc),
        vector(VectorType::get(numLanes, builder.getI64Type())) {}

  Value constant(uint64_t value) {
    return arith::ConstantOp::create(builder, loc,
                                     builder.getI64IntegerAttr(value));
  }
  /// The number of each lane's block times `step`. The first half of the
  /// blocks is in the even lanes: then the words of one output register come
  /// from one register of each input, 128 bits from the same 128 bits, which is
  /// one cheap shuffle whatever the width of registers is.
  Value blocks(uint64_t step) {
    SmallVector<int64_t> values;
    for (int64_t lane = 0; lane < vector.getNumElements(); ++lane) {
      int64_t block = lane / 2 + lane % 2 * vector.getNumElements() / 2;
      values.push_back(block * step);
    }
    return arith::ConstantOp::create(builder, loc,
                                     DenseIntElementsAttr::get(vector, values));
  }
  bool isUniform(Value value) { return !isa<VectorType>(value.getType()); }
  Value inLanes(Value value) {
    return isUniform(value)
               ? vector::BroadcastOp::create(builder, loc, vector, value)
               : value;
  }
  template <typename Op>
  Value binary(Value a, Value b) {
    if (isUniform(a) && isUniform(b))
      return Op::create(builder, loc, a, b);
    return Op::create(builder, loc, inLanes(a), inLanes(b));
  }
  Value exclusiveOr(Value a, Value b) { return binary<arith::XOrIOp>(a, b); }
  /// Scalars first, so that one broadcast serves both.
  Value exclusiveOr(Value a, Value b, Value c) {
    return isUniform(b) && isUniform(c) ? exclusiveOr(a, exclusiveOr(b, c))
                                        : exclusiveOr(exclusiveOr(a, b), c);
  }
  Value low(Value a) { return binary<arith::AndIOp>(a, constant(0xffffffff)); }
  Value high(Value a) { return binary<arith::ShRUIOp>(a, constant(32)); }
  Value toHigh(Value a) {
    if (isUniform(a))
      return binary<arith::ShLIOp>(a, constant(32));
    // A shift, but not one that LLVM folds into the multiplication behind it,
    // which would then need all 64 bits.
    auto words =
        VectorType::get(2 * vector.getNumElements(), builder.getI32Type());
    Value zero =
        arith::ConstantOp::create(builder, loc, builder.getZeroAttr(words));
    SmallVector<int64_t> order;
    for (int64_t lane = 0; lane < vector.getNumElements(); ++lane)
      order.append({words.getNumElements(), 2 * lane});
    a = vector::BitCastOp::create(builder, loc, words, a);
    a = vector::ShuffleOp::create(builder, loc, a, zero, order);
    return vector::BitCastOp::create(builder, loc, vector, a);
  }
  /// The 64-bit product of the low half of `a` and a constant below 2^32.
  Value multiply(Value a, uint64_t multiplier) {
    return binary<arith::MulIOp>(low(a), constant(multiplier));
  }

  /// `a`, behind which LLVM does not look for what to combine: along the chain
  /// of the rounds it finds nothing, and takes a third of the time to compile.
  Value fence(Value a) { return isUniform(a) ? a : emitFence(builder, loc, a); }

  OpBuilder &builder;
  Location loc;
  VectorType vector;
};

} // namespace

std::pair<Value, Value> KeepBitEmitter::emitRunDraws(Value base, Value high,
                                                     int64_t numBlocks) {
  LaneBuilder b(builder, loc, numBlocks);
  Value block = emitBlockNumber(base);
  Value keys[2] = {b.low(parameters.seed), b.high(parameters.seed)};
  const uint64_t increments[2] = {kPhiloxKeyIncrement0, kPhiloxKeyIncrement1};
  // The number of the block, the same but for word 0 if `high` is known. Words
  // 1 and 3 may carry anything in their high halves.
  Value c0 = b.low(block), c1 = high, c2 = parameters.offset,
        c3 = b.high(parameters.offset);
  if (!high) {
    // A run may begin in front of the mask: block -1 comes before block 0.
    block = arith::ShRSIOp::create(
        builder, loc, base,
        constantI64(llvm::Log2_64(parameters.getElementsPerBlock())));
    c0 = b.binary<arith::AddIOp>(block, b.blocks(1));
    c1 = b.high(c0);
  }
  Value packed[2];
  for (uint32_t round = 0; round < parameters.rounds; ++round) {
    Value product0 = b.multiply(c0, kPhiloxMultiplier0);
    if (round == 0 && high) // Linear in the lane: one addition.
      product0 =
          b.binary<arith::AddIOp>(product0, b.blocks(kPhiloxMultiplier0));
    Value product1 = b.multiply(c2, kPhiloxMultiplier1);
    if (round + 1 == parameters.rounds) {
      // Two words a lane, the first in the high half.
      packed[0] = b.exclusiveOr(product1, b.toHigh(c1), b.toHigh(keys[0]));
      packed[1] = b.exclusiveOr(product0, b.toHigh(c3), b.toHigh(keys[1]));
      break;
    }
    c0 = b.fence(b.exclusiveOr(b.high(product1), c1, keys[0]));
    c2 = b.fence(b.exclusiveOr(b.high(product0), c3, keys[1]));
    c1 = product1;
    c3 = product0;
    for (auto [key, increment] : llvm::zip_equal(keys, increments))
      key = b.low(b.binary<arith::AddIOp>(key, b.constant(increment)));
  }

  // Words 0, 1, 2 and 3 of block 0, of block 1, ...
  Type i32 = builder.getI32Type();
  auto words = VectorType::get(2 * numBlocks, i32);
  Value first = vector::BitCastOp::create(builder, loc, words, packed[0]);
  Value second = vector::BitCastOp::create(builder, loc, words, packed[1]);
  auto drawType =
      VectorType::get(2 * numBlocks * 32 / parameters.resolution,
                      builder.getIntegerType(parameters.resolution));
  auto half = [&](int64_t firstLane) -> Value {
    SmallVector<int64_t> order;
    for (int64_t lane = firstLane; lane < numBlocks; lane += 2)
      for (int64_t vector : {0, 1})
        for (int64_t word : {1, 0})
          order.push_back(2 * numBlocks * vector + 2 * lane + word);
    Value shuffled =
        vector::ShuffleOp::create(builder, loc, first, second, order);
    return vector::BitCastOp::create(builder, loc, drawType, shuffled);
  };
  return {half(0), half(1)};
}

//===----------------------------------------------------------------------===//
// The compare
//===----------------------------------------------------------------------===//

static Value emitCompareLanes(OpBuilder &builder, Location loc,
                              arith::CmpIPredicate predicate, Value draws,
                              Value limit) {
  return arith::CmpIOp::create(
      builder, loc, predicate, draws,
      vector::BroadcastOp::create(builder, loc, draws.getType(), limit));
}

Value mlir::dropout::emitToInteger(OpBuilder &builder, Location loc,
                                   Value bits) {
  int64_t size = cast<VectorType>(bits.getType()).getNumElements();
  Value one = vector::BitCastOp::create(
      builder, loc, VectorType::get(1, builder.getIntegerType(size)), bits);
  return vector::ExtractOp::create(builder, loc, one, 0);
}

Value mlir::dropout::emitToBits(OpBuilder &builder, Location loc,
                                Value integer) {
  int64_t size = integer.getType().getIntOrFloatBitWidth();
  Value one = vector::BroadcastOp::create(
      builder, loc, VectorType::get(1, integer.getType()), integer);
  return vector::BitCastOp::create(
      builder, loc, VectorType::get(size, builder.getI1Type()), one);
}

static Value emitConcatenate(OpBuilder &builder, Location loc, Value a,
                             Value b) {
  int64_t size = cast<VectorType>(a.getType()).getNumElements();
  return vector::ShuffleOp::create(builder, loc, a, b,
                                   llvm::to_vector(llvm::seq(2 * size)));
}

/// What `draws` have above `limit`, and 0 below.
static Value emitExcess(OpBuilder &builder, Location loc, Value draws,
                        Value limit) {
  return LLVM::USubSat::create(
      builder, loc, draws.getType(), draws,
      vector::BroadcastOp::create(builder, loc, draws.getType(), limit));
}

Value KeepBitEmitter::emitAlignedRun(Value base, Value high, VectorType type) {
  int64_t perBlock = parameters.getElementsPerBlock();
  std::pair<Value, Value> draws =
      emitRunDraws(base, high, type.getNumElements() / perBlock);
  Value first = draws.first, second = draws.second;
  auto drawType = cast<VectorType>(first.getType());
  auto narrow = [&](Value limit, uint64_t largest) -> Value {
    limit = arith::MinUIOp::create(builder, loc, limit, constantI64(largest));
    return arith::TruncIOp::create(builder, loc, drawType.getElementType(),
                                   limit);
  };
  // Kept is what has a nonzero excess over a limit. Bits live as vectors of
  // draws for as long as they can: few targets have registers for i1.
  auto isNonzero = [&](Value a, Value b) {
    Value zero =
        arith::ConstantOp::create(builder, loc, builder.getZeroAttr(drawType));
    auto compare = [&](Value excess) -> Value {
      return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne,
                                   excess, zero);
    };
    return emitConcatenate(builder, loc, compare(a), compare(b));
  };
  if (parameters.resolution == 8) {
    // Over k - 1; k = 0 keeps all.
    Value isZero = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                         parameters.threshold, constantI64(0));
    Value all = vector::BroadcastOp::create(
        builder, loc, drawType,
        arith::ExtUIOp::create(builder, loc, drawType.getElementType(),
                               isZero));
    Value above = arith::SubIOp::create(
        builder, loc,
        arith::MaxUIOp::create(builder, loc, parameters.threshold,
                               constantI64(1)),
        constantI64(1));
    auto excess = [&](Value draws) -> Value {
      return arith::OrIOp::create(
          builder, loc, emitExcess(builder, loc, draws, narrow(above, 0xff)),
          all);
    };
    return isNonzero(excess(first), excess(second));
  }

  // T = 2^32 has no top half of 16 bits; see emitCompare.
  Value top = narrow(arith::ShRUIOp::create(builder, loc, parameters.threshold,
                                            constantI64(16)),
                     0xffff);
  auto isTie = [&](Value draws) {
    return emitCompareLanes(builder, loc, arith::CmpIPredicate::eq, draws, top);
  };
  Value any = emitToInteger(
      builder, loc,
      arith::OrIOp::create(builder, loc, isTie(first), isTie(second)));
  Value hasTies = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne,
                                        any, constant(any.getType(), 0));
  Value never =
      arith::ConstantOp::create(builder, loc, builder.getBoolAttr(false));
  hasTies = LLVM::ExpectOp::create(builder, loc, hasTies, never);
  Value excess[] = {emitExcess(builder, loc, first, top),
                    emitExcess(builder, loc, second, top)};
  auto branch =
      scf::IfOp::create(builder, loc, TypeRange{drawType, drawType}, hasTies,
                        /*withElseRegion=*/true);
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(branch.thenBlock());
    // The fences: LLVM would take the bits from in front of the branch.
    Value ties =
        emitConcatenate(builder, loc, isTie(emitFence(builder, loc, first)),
                        isTie(emitFence(builder, loc, second)));
    Value both = emitConcatenate(builder, loc, excess[0], excess[1]);
    both = emitResolveTies(both, emitToInteger(builder, loc, ties), base);
    int64_t size = drawType.getNumElements();
    SmallVector<Value> halves;
    for (int64_t offset : {int64_t(0), size})
      halves.push_back(vector::ExtractStridedSliceOp::create(
          builder, loc, both, offset, size, /*strides=*/1));
    scf::YieldOp::create(builder, loc, halves);
    builder.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(builder, loc, excess);
  }
  return isNonzero(branch.getResult(0), branch.getResult(1));
}

Value KeepBitEmitter::emitRun(Value base, Value high, VectorType type) {
  if (high)
    return emitAlignedRun(base, high, type);
  // The run lies in two that begin with a block: the `within` lowest bits of
  // the first are not its own.
  int64_t size = type.getNumElements();
  Type narrow = builder.getIntegerType(size);
  Type wide = builder.getIntegerType(2 * size);
  Value within = arith::AndIOp::create(
      builder, loc, base, constantI64(parameters.getElementsPerBlock() - 1));
  Value start = arith::SubIOp::create(builder, loc, base, within);
  Value next = arith::AddIOp::create(builder, loc, start, constantI64(size));
  auto word = [&](Value start) -> Value {
    Value bits = emitToInteger(builder, loc,
                               emitAlignedRun(start, /*high=*/Value(), type));
    return arith::ExtUIOp::create(builder, loc, wide, bits);
  };
  Value upper =
      arith::ShLIOp::create(builder, loc, word(next), constant(wide, size));
  Value both = arith::OrIOp::create(builder, loc, word(start), upper);
  Value shift = within;
  if (2 * size > 64)
    shift = arith::ExtUIOp::create(builder, loc, wide, within);
  else if (2 * size < 64)
    shift = arith::TruncIOp::create(builder, loc, wide, within);
  Value shifted = arith::ShRUIOp::create(builder, loc, both, shift);
  return emitToBits(builder, loc,
                    arith::TruncIOp::create(builder, loc, narrow, shifted));
}

//===----------------------------------------------------------------------===//
// Ties
//===----------------------------------------------------------------------===//

Value KeepBitEmitter::emitColdLowHalf(Value index) {
  Value block = arith::OrIOp::create(builder, loc, emitBlockNumber(index),
                                     constantI64(uint64_t(1) << 63));
  LaneBuilder b(builder, loc, /*numLanes=*/1);
  SmallVector<Value> initial = {b.low(block),
                                b.high(block),
                                b.low(parameters.offset),
                                b.high(parameters.offset),
                                b.low(parameters.seed),
                                b.high(parameters.seed)};
  auto index0 = arith::ConstantIndexOp::create(builder, loc, 0);
  auto index1 = arith::ConstantIndexOp::create(builder, loc, 1);
  auto last = arith::ConstantIndexOp::create(builder, loc, parameters.rounds);
  auto rounds = scf::ForOp::create(
      builder, loc, index0, last, index1, initial,
      [&](OpBuilder &nested, Location loc, Value, ValueRange state) {
        LaneBuilder b(nested, loc, /*numLanes=*/1);
        Value product0 = b.multiply(state[0], kPhiloxMultiplier0);
        Value product1 = b.multiply(state[2], kPhiloxMultiplier1);
        auto nextKey = [&](Value key, uint64_t increment) {
          return b.low(b.binary<arith::AddIOp>(key, b.constant(increment)));
        };
        scf::YieldOp::create(
            nested, loc,
            {b.exclusiveOr(b.high(product1), state[1], state[4]),
             b.low(product1),
             b.exclusiveOr(b.high(product0), state[3], state[5]),
             b.low(product0), nextKey(state[4], kPhiloxKeyIncrement0),
             nextKey(state[5], kPhiloxKeyIncrement1)});
      });
  // Halfword j of the block: word j / 2, its low half first.
  auto pick = [&](Value low, Value high) {
    return b.exclusiveOr(low, b.toHigh(high));
  };
  Value lower = pick(rounds.getResult(0), rounds.getResult(1));
  Value upper = pick(rounds.getResult(2), rounds.getResult(3));
  Value isUpper = arith::CmpIOp::create(
      builder, loc, arith::CmpIPredicate::ne,
      arith::AndIOp::create(builder, loc, index, constantI64(4)),
      constantI64(0));
  Value four = arith::SelectOp::create(builder, loc, isUpper, upper, lower);
  Value shift = arith::ShLIOp::create(
      builder, loc, arith::AndIOp::create(builder, loc, index, constantI64(3)),
      constantI64(4));
  Value draw = arith::ShRUIOp::create(builder, loc, four, shift);
  return arith::AndIOp::create(builder, loc, draw, constantI64(0xffff));
}

Value KeepBitEmitter::emitResolveTies(Value excess, Value ties, Value base) {
  Type word = ties.getType(), i64 = builder.getI64Type();
  // T's low half, or 2^16 for T = 2^32.
  Value top = arith::MinUIOp::create(
      builder, loc,
      arith::ShRUIOp::create(builder, loc, parameters.threshold,
                             constantI64(16)),
      constantI64(0xffff));
  Value lowOfThreshold = arith::SubIOp::create(
      builder, loc, parameters.threshold,
      arith::ShLIOp::create(builder, loc, top, constantI64(16)));
  auto loop = scf::WhileOp::create(
      builder, loc, TypeRange{excess.getType(), word}, ValueRange{excess, ties},
      [&](OpBuilder &nested, Location loc, ValueRange state) {
        Value zero = arith::ConstantOp::create(nested, loc,
                                               nested.getIntegerAttr(word, 0));
        Value more = arith::CmpIOp::create(
            nested, loc, arith::CmpIPredicate::ne, state[1], zero);
        scf::ConditionOp::create(nested, loc, more, state);
      },
      [&](OpBuilder &nested, Location loc, ValueRange state) {
        KeepBitEmitter inner(nested, loc, parameters);
        Value lane = math::CountTrailingZerosOp::create(nested, loc, state[1]);
        Value offset = lane;
        if (word.getIntOrFloatBitWidth() < 64)
          offset = arith::ExtUIOp::create(nested, loc, i64, lane);
        else if (word.getIntOrFloatBitWidth() > 64)
          offset = arith::TruncIOp::create(nested, loc, i64, lane);
        Value low = inner.emitColdLowHalf(
            arith::AddIOp::create(nested, loc, base, offset));
        Value kept = arith::CmpIOp::create(
            nested, loc, arith::CmpIPredicate::uge, low, lowOfThreshold);
        // 1 if kept; it was 0.
        Type element = getElementTypeOrSelf(excess.getType());
        Value decided = vector::InsertOp::create(
            nested, loc, arith::ExtUIOp::create(nested, loc, element, kept),
            state[0],
            OpFoldResult(arith::IndexCastOp::create(
                nested, loc, nested.getIndexType(), offset)));
        Value without = arith::SubIOp::create(nested, loc, state[1],
                                              inner.constant(word, 1));
        scf::YieldOp::create(
            nested, loc,
            {decided, arith::AndIOp::create(nested, loc, state[1], without)});
      });
  return loop.getResult(0);
}
