//===- KeepBitEmitter.cpp - Philox and the compare, as IR -----------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/Conversion/Utils/KeepBitEmitter.h"
#include "dropout/Conversion/Utils/Philox.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::dropout;

Type KeepBitEmitter::lanesOf(Type element) const {
  if (auto vector = dyn_cast<VectorType>(parameters.seed.getType()))
    return vector.clone(element);
  return element;
}

Value KeepBitEmitter::constant(Type type, uint64_t value) {
  APInt bits(type.getIntOrFloatBitWidth(), value);
  TypedAttr attr = builder.getIntegerAttr(type, bits);
  if (auto vector = dyn_cast<VectorType>(lanesOf(type)))
    attr = DenseElementsAttr::get(vector, bits);
  return arith::ConstantOp::create(builder, loc, attr);
}

Value KeepBitEmitter::constantI32(uint32_t value) {
  return constant(builder.getI32Type(), value);
}

Value KeepBitEmitter::constantI64(uint64_t value) {
  return constant(builder.getI64Type(), value);
}

Value KeepBitEmitter::emitBlockNumber(Value index) {
  unsigned shift = parameters.resolution == 8 ? 4 : 3;
  return arith::ShRUIOp::create(builder, loc, index, constantI64(shift));
}

std::pair<Value, Value> KeepBitEmitter::emitSplit(Value word64) {
  Type i32 = lanesOf(builder.getI32Type());
  if (parameters.words == WordForm::Bitcast && !isa<VectorType>(i32)) {
    Value one = vector::FromElementsOp::create(
        builder, loc, VectorType::get(1, word64.getType()), word64);
    Value two =
        vector::BitCastOp::create(builder, loc, VectorType::get(2, i32), one);
    return {vector::ExtractOp::create(builder, loc, two, 0),
            vector::ExtractOp::create(builder, loc, two, 1)};
  }
  Value high = arith::ShRUIOp::create(builder, loc, word64, constantI64(32));
  return {arith::TruncIOp::create(builder, loc, i32, word64),
          arith::TruncIOp::create(builder, loc, i32, high)};
}

std::pair<Value, Value> KeepBitEmitter::emitProduct(uint32_t multiplier,
                                                    Value word) {
  if (!isa<VectorType>(word.getType()) && parameters.words == WordForm::Shift) {
    auto product = arith::MulUIExtendedOp::create(
        builder, loc, constantI32(multiplier), word);
    return {product.getLow(), product.getHigh()};
  }
  // The extended product of vectors becomes half-words and carries; CPUs
  // multiply the low halves of 64-bit lanes in one instruction.
  Value wide =
      arith::ExtUIOp::create(builder, loc, lanesOf(builder.getI64Type()), word);
  return emitSplit(
      arith::MulIOp::create(builder, loc, wide, constantI64(multiplier)));
}

SmallVector<Value, 4> KeepBitEmitter::emitRound(ArrayRef<Value> counter,
                                                Value key0, Value key1) {
  auto exclusiveOr = [&](Value a, Value b, Value c) -> Value {
    return arith::XOrIOp::create(builder, loc,
                                 arith::XOrIOp::create(builder, loc, a, b), c);
  };
  auto [low0, high0] = emitProduct(kPhiloxMultiplier0, counter[0]);
  auto [low1, high1] = emitProduct(kPhiloxMultiplier1, counter[2]);
  return {exclusiveOr(high1, counter[1], key0), low1,
          exclusiveOr(high0, counter[3], key1), low0};
}

SmallVector<Value, 4> KeepBitEmitter::emitPhilox(Value block) {
  if (parameters.loopsOverRounds)
    return emitPhiloxLoop(block);
  auto [c0, c1] = emitSplit(block);
  auto [c2, c3] = emitSplit(parameters.offset);
  auto [k0, k1] = emitSplit(parameters.seed);
  SmallVector<Value, 4> counter = {c0, c1, c2, c3};
  Value key0 = k0, key1 = k1;
  for (uint32_t round = 0; round < parameters.rounds; ++round) {
    if (round != 0) {
      key0 = arith::AddIOp::create(builder, loc, key0,
                                   constantI32(kPhiloxKeyIncrement0));
      key1 = arith::AddIOp::create(builder, loc, key1,
                                   constantI32(kPhiloxKeyIncrement1));
    }
    counter = emitRound(counter, key0, key1);
  }
  return counter;
}

SmallVector<Value, 4> KeepBitEmitter::emitPhiloxLoop(Value block) {
  auto [c0, c1] = emitSplit(block);
  auto [c2, c3] = emitSplit(parameters.offset);
  auto [k0, k1] = emitSplit(parameters.seed);
  auto constantIndex = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };
  auto loop = scf::ForOp::create(
      builder, loc, constantIndex(0), constantIndex(parameters.rounds),
      constantIndex(1), ValueRange{c0, c1, c2, c3, k0, k1},
      [&](OpBuilder &nested, Location loc, Value, ValueRange state) {
        KeepBitEmitter inner(nested, loc, parameters);
        SmallVector<Value> next =
            llvm::to_vector(ArrayRef<Value>(inner.emitRound(
                llvm::to_vector(state.take_front(4)), state[4], state[5])));
        next.push_back(arith::AddIOp::create(
            nested, loc, state[4], inner.constantI32(kPhiloxKeyIncrement0)));
        next.push_back(arith::AddIOp::create(
            nested, loc, state[5], inner.constantI32(kPhiloxKeyIncrement1)));
        scf::YieldOp::create(nested, loc, next);
      });
  ValueRange words = loop.getResults().take_front(4);
  return {words.begin(), words.end()};
}

Value KeepBitEmitter::emitBlock(Value block) {
  Type i128 = builder.getIntegerType(128);
  SmallVector<Value, 4> words = emitPhilox(block);
  Value bits = arith::ExtUIOp::create(builder, loc, i128, words[0]);
  for (unsigned word = 1; word < 4; ++word) {
    Value wide = arith::ExtUIOp::create(builder, loc, i128, words[word]);
    wide = arith::ShLIOp::create(builder, loc, wide, constant(i128, 32 * word));
    bits = arith::OrIOp::create(builder, loc, bits, wide);
  }
  return bits;
}

Value KeepBitEmitter::emitWindow(Value low, Value high, Value shift) {
  Type i128 = builder.getIntegerType(128);
  Value wide = arith::ExtUIOp::create(builder, loc, i128, shift);
  Value down = arith::MulIOp::create(builder, loc, wide,
                                     constant(i128, parameters.resolution));
  // A shift by 128 is poison: shift by one less, then by one.
  Value up = arith::SubIOp::create(builder, loc, constant(i128, 127), down);
  Value one = constant(i128, 1);
  Value upper = arith::ShLIOp::create(
      builder, loc, arith::ShLIOp::create(builder, loc, high, up), one);
  Value lower = arith::ShRUIOp::create(builder, loc, low, down);
  return arith::OrIOp::create(builder, loc, lower, upper);
}

Value KeepBitEmitter::emitKeep(Value bits, Value lane, Value index,
                               TieForm ties) {
  Type i128 = builder.getIntegerType(128);
  Value wide = arith::ExtUIOp::create(builder, loc, i128, lane);
  Value shift = arith::MulIOp::create(builder, loc, wide,
                                      constant(i128, parameters.resolution));
  Value draw = arith::TruncIOp::create(
      builder, loc, builder.getI32Type(),
      arith::ShRUIOp::create(builder, loc, bits, shift));
  draw = arith::AndIOp::create(
      builder, loc, draw,
      constantI32(parameters.resolution == 8 ? 0xff : 0xffff));
  return emitCompare(draw, index, ties);
}

Value KeepBitEmitter::emitSelectDraw(ArrayRef<Value> words, Value index) {
  // Selects and a shift instead of a variable word: this also vectorizes.
  Type i32 = lanesOf(builder.getI32Type());
  bool bytes = parameters.resolution == 8;
  Value position = arith::TruncIOp::create(builder, loc, i32, index);
  auto bit = [&](unsigned number) -> Value {
    Value masked = arith::AndIOp::create(builder, loc, position,
                                         constantI32(1u << number));
    return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, masked,
                                 constantI32(0));
  };
  unsigned perWord = bytes ? 2 : 1; // log2 of the draws in a word
  Value odd = bit(perWord), upper = bit(perWord + 1);
  Value low = arith::SelectOp::create(builder, loc, odd, words[1], words[0]);
  Value high = arith::SelectOp::create(builder, loc, odd, words[3], words[2]);
  Value word = arith::SelectOp::create(builder, loc, upper, high, low);
  Value within =
      arith::AndIOp::create(builder, loc, position, constantI32(bytes ? 3 : 1));
  Value shift = arith::MulIOp::create(builder, loc, within,
                                      constantI32(parameters.resolution));
  Value draw = arith::ShRUIOp::create(builder, loc, word, shift);
  return arith::AndIOp::create(builder, loc, draw,
                               constantI32(bytes ? 0xff : 0xffff));
}

Value KeepBitEmitter::emitKeep(Value index, TieForm ties) {
  SmallVector<Value, 4> words = emitPhilox(emitBlockNumber(index));
  return emitCompare(emitSelectDraw(words, index), index, ties);
}

Value KeepBitEmitter::emitLowHalf(Value index) {
  Value block = arith::OrIOp::create(builder, loc, emitBlockNumber(index),
                                     constantI64(uint64_t(1) << 63));
  return emitSelectDraw(emitPhilox(block), index);
}

Value KeepBitEmitter::emitAny(Value bits) {
  auto type = dyn_cast<VectorType>(bits.getType());
  if (!type)
    return bits;
  auto flat = VectorType::get({type.getNumElements()}, type.getElementType(),
                              {type.isScalable()});
  if (type != flat)
    bits = vector::ShapeCastOp::create(builder, loc, flat, bits);
  return vector::ReductionOp::create(builder, loc, vector::CombiningKind::OR,
                                     bits);
}

Value KeepBitEmitter::emitCompare(Value draw, Value index, TieForm ties) {
  Type i32 = lanesOf(builder.getI32Type());
  Type i64 = lanesOf(builder.getI64Type());
  auto atLeastThreshold = [&](Value value) -> Value {
    Value wide = arith::ExtUIOp::create(builder, loc, i64, value);
    return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::uge, wide,
                                 parameters.threshold);
  };
  if (parameters.resolution == 8)
    return atLeastThreshold(draw);

  auto exact = [&]() -> Value {
    Value high = arith::ShLIOp::create(builder, loc, draw, constantI32(16));
    Value low = emitLowHalf(index);
    return atLeastThreshold(arith::OrIOp::create(builder, loc, high, low));
  };
  if (ties == TieForm::StraightLine)
    return exact();

  // T = 2^32 has no top half of 16 bits; 0xffff still drops everything, since
  // no draw is above it and the exact compare decides the tie.
  Value top = arith::ShRUIOp::create(builder, loc, parameters.threshold,
                                     constantI64(16));
  top = arith::MinUIOp::create(builder, loc, top, constantI64(0xffff));
  top = arith::TruncIOp::create(builder, loc, i32, top);
  Value above =
      arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ugt, draw, top);
  Value tie =
      arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, draw, top);
  auto branch = scf::IfOp::create(builder, loc, tie.getType(), emitAny(tie),
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(builder, loc, exact());
  builder.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(builder, loc, above);
  return branch.getResult(0);
}
