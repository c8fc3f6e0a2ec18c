//===- KeepThreadEmitter.cpp - The keep bits of a GPU thread --------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A thread draws whole blocks in scalar registers. Each halfword is compared
// where it stands, in the upper half of a word: nothing is masked or shifted
// out but the lower half, by one shift.
//
//===----------------------------------------------------------------------===//

#include "dropout/Conversion/Utils/KeepBitEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::dropout;

ThreadThreshold KeepBitEmitter::emitThreadThreshold() {
  Type i32 = builder.getI32Type();
  auto truncate = [&](Value value) -> Value {
    return arith::TruncIOp::create(builder, loc, i32, value);
  };
  if (parameters.resolution == 8)
    return {truncate(parameters.threshold), Value()};
  // The largest word below the top half: with T = 0 it is that of 1, and halves
  // of 0 are ties; with T = 2^32 nothing is above it, and halves of 0 are taken
  // for ties, which drops them.
  Value top = arith::ShRUIOp::create(builder, loc, parameters.threshold,
                                     constantI64(16));
  Value limit = arith::MaxUIOp::create(builder, loc, top, constantI64(1));
  limit = arith::ShLIOp::create(builder, loc, limit, constantI64(16));
  limit = arith::SubIOp::create(builder, loc, limit, constantI64(1));
  Value half = arith::AndIOp::create(builder, loc, top, constantI64(0xffff));
  Value tie = arith::MulIOp::create(builder, loc, half, constantI64(0x10001));
  return {truncate(limit), truncate(tie)};
}

Value KeepBitEmitter::emitAnyTie(ArrayRef<Value> words, Value tie,
                                 bool packedMinimum) {
  // (d - 0x00010001) & ~d has the top bit of a halfword set if d's is 0; a
  // borrow sets another one only beside such a halfword.
  auto findZero = [&](Value d) -> Value {
    Value less =
        arith::SubIOp::create(builder, loc, d, constantI32(0x00010001));
    Value inverse =
        arith::XOrIOp::create(builder, loc, d, constantI32(0xffffffff));
    return arith::AndIOp::create(builder, loc, less, inverse);
  };
  auto oneWord = VectorType::get(1, builder.getI32Type());
  auto twoHalves = VectorType::get(2, builder.getIntegerType(16));
  Value all;
  for (Value word : words) {
    Value d = arith::XOrIOp::create(builder, loc, word, tie);
    if (packedMinimum) {
      d = vector::FromElementsOp::create(builder, loc, oneWord, d);
      d = vector::BitCastOp::create(builder, loc, twoHalves, d);
      all = all ? Value(arith::MinUIOp::create(builder, loc, all, d)) : d;
    } else {
      d = findZero(d);
      all = all ? Value(arith::OrIOp::create(builder, loc, all, d)) : d;
    }
  }
  if (packedMinimum) {
    all = vector::BitCastOp::create(builder, loc, oneWord, all);
    all = findZero(vector::ExtractOp::create(builder, loc, all, 0));
  }
  Value found =
      arith::AndIOp::create(builder, loc, all, constantI32(0x80008000));
  return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, found,
                               constantI32(0));
}

SmallVector<Value> KeepBitEmitter::emitDecidedWords(ArrayRef<Value> words,
                                                    ArrayRef<Value> bases) {
  auto isAtLeastThreshold = [&](Value draw) -> Value {
    Value wide =
        arith::ExtUIOp::create(builder, loc, builder.getI64Type(), draw);
    return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::uge, wide,
                                 parameters.threshold);
  };
  auto decide = [&](Value high, Value low) -> Value {
    Value sixteen = constantI32(16);
    Value lowerHalf = constantI32(0xffff), upperHalf = constantI32(0xffff0000);
    Value first = arith::OrIOp::create(
        builder, loc, arith::ShLIOp::create(builder, loc, high, sixteen),
        arith::AndIOp::create(builder, loc, low, lowerHalf));
    Value second = arith::OrIOp::create(
        builder, loc, arith::AndIOp::create(builder, loc, high, upperHalf),
        arith::ShRUIOp::create(builder, loc, low, sixteen));
    Value zero = constantI32(0);
    return arith::OrIOp::create(
        builder, loc,
        arith::SelectOp::create(builder, loc, isAtLeastThreshold(first),
                                lowerHalf, zero),
        arith::SelectOp::create(builder, loc, isAtLeastThreshold(second),
                                upperHalf, zero));
  };
  // One block after the other, in a loop: this code is to be small.
  Value numBlocks = arith::ConstantIndexOp::create(builder, loc, bases.size());
  auto loop = scf::ForOp::create(
      builder, loc, arith::ConstantIndexOp::create(builder, loc, 0), numBlocks,
      arith::ConstantIndexOp::create(builder, loc, 1), words,
      [&](OpBuilder &nested, Location loc, Value number, ValueRange state) {
        KeepBitEmitter inner(nested, loc, parameters);
        SmallVector<Value> isBlock;
        for (size_t block = 0; block < bases.size(); ++block)
          isBlock.push_back(arith::CmpIOp::create(
              nested, loc, arith::CmpIPredicate::eq, number,
              arith::ConstantIndexOp::create(nested, loc, block)));
        auto choose = [&](llvm::function_ref<Value(size_t)> get) {
          Value chosen = get(0);
          for (size_t block = 1; block < bases.size(); ++block)
            chosen = arith::SelectOp::create(nested, loc, isBlock[block],
                                             get(block), chosen);
          return chosen;
        };
        Value base = choose([&](size_t block) { return bases[block]; });
        Value beyond =
            arith::OrIOp::create(nested, loc, inner.emitBlockNumber(base),
                                 inner.constantI64(uint64_t(1) << 63));
        SmallVector<Value, 4> low = inner.emitPhiloxLoop(beyond);
        SmallVector<Value> next(state);
        OpBuilder::InsertionGuard guard(builder);
        builder.setInsertionPoint(nested.getInsertionBlock(),
                                  nested.getInsertionPoint());
        for (size_t word = 0; word < 4; ++word) {
          Value high =
              choose([&](size_t block) { return state[4 * block + word]; });
          Value decided = decide(high, low[word]);
          for (size_t block = 0; block < bases.size(); ++block)
            next[4 * block + word] = arith::SelectOp::create(
                builder, loc, isBlock[block], decided, state[4 * block + word]);
        }
        scf::YieldOp::create(builder, loc, next);
      });
  return SmallVector<Value>(loop.getResults());
}

SmallVector<Value>
KeepBitEmitter::emitThreadWords(ArrayRef<Value> bases,
                                const ThreadThreshold &threshold,
                                bool packedMinimum) {
  SmallVector<Value> words;
  for (Value base : bases)
    llvm::append_range(words, emitPhilox(emitBlockNumber(base)));
  if (parameters.resolution == 8)
    return words;
  // The branch gives words, not bits: LLVM keeps what follows in one piece.
  Value isTie = emitAnyTie(words, threshold.tie, packedMinimum);
  SmallVector<Type> types(words.size(), builder.getI32Type());
  auto branch =
      scf::IfOp::create(builder, loc, types, isTie, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(builder, loc, emitDecidedWords(words, bases));
  builder.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(builder, loc, words);
  return SmallVector<Value>(branch.getResults());
}

Value KeepBitEmitter::emitThreadKeep(ArrayRef<Value> words, int64_t number,
                                     const ThreadThreshold &threshold) {
  int64_t perWord = 32 / parameters.resolution;
  Value draw = words[number / perWord];
  uint32_t place = number % perWord * parameters.resolution;
  if (parameters.resolution == 8) {
    draw = arith::ShRUIOp::create(builder, loc, draw, constantI32(place));
    draw = arith::AndIOp::create(builder, loc, draw, constantI32(0xff));
    return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::uge, draw,
                                 threshold.limit);
  }
  if (place == 0)
    draw = arith::ShLIOp::create(builder, loc, draw, constantI32(16));
  return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ugt, draw,
                               threshold.limit);
}
