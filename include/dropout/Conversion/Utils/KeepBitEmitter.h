//===- KeepBitEmitter.h - Philox and the compare, as IR ---------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The one piece of code that emits mask bits. Every lowering calls it. It has a
// scalar form, one that draws each lane of a vector on its own, one for vectors
// of neighbouring elements, and one for the blocks of a GPU thread.
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_CONVERSION_UTILS_KEEPBITEMITTER_H
#define DROPOUT_CONVERSION_UTILS_KEEPBITEMITTER_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Value.h"

namespace mlir::dropout {

/// How a 64-bit number comes apart into two 32-bit words.
enum class WordForm {
  /// Shift and truncate; `arith.mului_extended` for products.
  Shift,
  /// `vector.bitcast`, also of an i64 product. For GPUs: ptxas drops the halves
  /// that nobody reads, and makes fewer instructions than of shifts.
  Bitcast
};

/// What a draw depends on besides its index. All values are i64, or all are
/// vectors of i64 of one shape.
struct DrawParameters {
  Value threshold;
  Value seed;
  Value offset;
  uint32_t rounds = 10;
  uint32_t resolution = 16;
  WordForm words = WordForm::Shift;
  /// The rounds of a scalar draw are a loop: small, for code that hardly ever
  /// runs.
  bool loopsOverRounds = false;

  /// Elements that share one Philox block: 8, or 16 with 8 bits each.
  int64_t getElementsPerBlock() const { return 128 / resolution; }
};

/// How a draw whose high half equals the threshold's is decided.
enum class TieForm {
  /// In an `scf.if` that draws a second block: it costs nothing but in one
  /// element of 65,536.
  Branch,
  /// Without control flow, for bodies that must stay straight-line: the second
  /// block is always drawn.
  StraightLine
};

/// The threshold as the thread form compares with it, i32 each: the same for
/// all threads of a kernel.
struct ThreadThreshold {
  /// With 16 bits: the largest word whose upper half is below the top half of
  /// the threshold (1 at least). With 8 bits: the threshold.
  Value limit;
  /// The top half of the threshold in both halves of a word; 16 bits only.
  Value tie;
};

/// A vector of n x i1 as an integer of n bits, lane 0 in bit 0, and back.
Value emitToInteger(OpBuilder &builder, Location loc, Value bits);
Value emitToBits(OpBuilder &builder, Location loc, Value integer);

/// Emits Philox4x32-R and the compare of the mask contract with ops of the
/// arith dialect (and one `scf.if` for TieForm::Branch; on vectors its
/// condition takes an op or two of the vector dialect).
class KeepBitEmitter {
public:
  KeepBitEmitter(OpBuilder &builder, Location loc,
                 const DrawParameters &parameters)
      : builder(builder), loc(loc), parameters(parameters) {}

  /// The number of the block (i64) that holds element `index` (i64).
  Value emitBlockNumber(Value index);

  /// Block number `block` (i64) as one i128 whose low bits are the draw of the
  /// block's first element.
  Value emitBlock(Value block);

  /// The 128 bits that start `shift` draws (i64, below getElementsPerBlock())
  /// into the 256 bits of `low` and `high`, two neighbouring blocks.
  Value emitWindow(Value low, Value high, Value shift);

  /// The keep bit (i1) of element `index` (i64), whose draw stands `lane` (i64)
  /// draws into `bits` (i128).
  Value emitKeep(Value bits, Value lane, Value index, TieForm ties);

  /// The keep bit (i1) of element `index` (i64), its block drawn for it alone.
  /// With parameters that are vectors, `index` and the bits are, too, and each
  /// lane has a block of its own.
  Value emitKeep(Value index, TieForm ties);

  /// The keep bits (`type`, a vector of n x i1) of elements `base` (i64) to
  /// `base` + n - 1, with ops of the arith and vector dialects. n is a power of
  /// two and at least two blocks. `high` (i64), if not null, is the high word
  /// of the number of all blocks, and `base` a multiple of
  /// getElementsPerBlock().
  Value emitRun(Value base, Value high, VectorType type);

  /// What emitThreadRun compares with, from the threshold (i64).
  ThreadThreshold emitThreadThreshold();

  /// The words (i32) of the getElementsPerBlock() elements from each of `bases`
  /// (i64, multiples of that number) on, for emitThreadKeep, with ops of the
  /// arith, scf and vector dialects. One test finds the ties of all of them.
  /// `packedMinimum`: the target has a minimum of two halfwords in one
  /// instruction.
  SmallVector<Value> emitThreadWords(ArrayRef<Value> bases,
                                     const ThreadThreshold &threshold,
                                     bool packedMinimum);

  /// The keep bit (i1) of element number `number` of those in `words`. To be
  /// called where the bit is used: predicates are few.
  Value emitThreadKeep(ArrayRef<Value> words, int64_t number,
                       const ThreadThreshold &threshold);

private:
  /// emitRun for a `base` that is a multiple of getElementsPerBlock(); `high`
  /// is null if it may differ between blocks.
  Value emitAlignedRun(Value base, Value high, VectorType type);
  /// The draws of the aligned run at `base`, in two vectors: halfwords (i16) or
  /// bytes (i8) in the order of the elements.
  std::pair<Value, Value> emitRunDraws(Value base, Value high,
                                       int64_t numBlocks);
  /// `excess`, a vector with as many lanes as the run has elements, with 1 for
  /// those of the bits set in `ties` (an integer) that the low halves keep.
  Value emitResolveTies(Value excess, Value ties, Value base);
  /// The low half of one element, with the rounds in a loop: small, for code
  /// that hardly ever runs.
  Value emitColdLowHalf(Value index);

  /// True (i1) if a halfword of `words` equals that of `tie`.
  Value emitAnyTie(ArrayRef<Value> words, Value tie, bool packedMinimum);
  /// `words`, the blocks at `bases`, with 0xffff in place of each halfword that
  /// is kept and 0 in place of the others, both halves of the draw compared.
  SmallVector<Value> emitDecidedWords(ArrayRef<Value> words,
                                      ArrayRef<Value> bases);

  /// The four i32 words of the block with number `block` (i64).
  SmallVector<Value, 4> emitPhilox(Value block);
  /// The same with the rounds in a loop.
  SmallVector<Value, 4> emitPhiloxLoop(Value block);
  /// The counter after one round.
  SmallVector<Value, 4> emitRound(ArrayRef<Value> counter, Value key0,
                                  Value key1);
  /// The halfword (byte) of element `index` out of four words, as i32.
  Value emitSelectDraw(ArrayRef<Value> words, Value index);
  /// The low half L(index) as i32, from the block beyond 2^63.
  Value emitLowHalf(Value index);
  /// kept iff draw >= threshold; `draw` is the element's high half or byte
  /// (i32).
  Value emitCompare(Value draw, Value index, TieForm ties);

  /// The low and the high half (i32) of `word64` (i64).
  std::pair<Value, Value> emitSplit(Value word64);
  /// The low and the high half (i32) of `multiplier` * `word` (i32).
  std::pair<Value, Value> emitProduct(uint32_t multiplier, Value word);
  /// True (i1) if any lane of `bits` is.
  Value emitAny(Value bits);

  /// `element`, or a vector of it with the lanes of the parameters.
  Type lanesOf(Type element) const;
  Value constant(Type type, uint64_t value);
  Value constantI32(uint32_t value);
  Value constantI64(uint64_t value);

  OpBuilder &builder;
  Location loc;
  DrawParameters parameters;
};

} // namespace mlir::dropout

#endif // DROPOUT_CONVERSION_UTILS_KEEPBITEMITTER_H
