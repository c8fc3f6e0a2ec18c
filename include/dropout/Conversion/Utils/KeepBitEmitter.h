//===- KeepBitEmitter.h - Philox and the compare, as IR ---------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The one piece of code that emits mask bits. Every lowering calls it; it has a
// scalar form now, a vector and a GPU form join it.
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_CONVERSION_UTILS_KEEPBITEMITTER_H
#define DROPOUT_CONVERSION_UTILS_KEEPBITEMITTER_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/Value.h"

namespace mlir::dropout {

/// What a draw depends on besides its index. All values are i64.
struct DrawParameters {
  Value threshold;
  Value seed;
  Value offset;
  uint32_t rounds = 10;
  uint32_t resolution = 16;

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

/// Emits Philox4x32-R and the compare of the mask contract with ops of the
/// arith dialect (and one `scf.if` for TieForm::Branch).
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
  Value emitKeep(Value index, TieForm ties);

private:
  /// The four i32 words of the block with number `block` (i64).
  SmallVector<Value, 4> emitPhilox(Value block);
  /// The halfword (byte) of element `index` out of four words, as i32.
  Value emitSelectDraw(ArrayRef<Value> words, Value index);
  /// The low half L(index) as i32, from the block beyond 2^63.
  Value emitLowHalf(Value index);
  /// kept iff draw >= threshold; `draw` is the element's high half or byte
  /// (i32).
  Value emitCompare(Value draw, Value index, TieForm ties);

  Value constant(Type type, uint64_t value);
  Value constantI32(uint32_t value);
  Value constantI64(uint64_t value);

  OpBuilder &builder;
  Location loc;
  DrawParameters parameters;
};

} // namespace mlir::dropout

#endif // DROPOUT_CONVERSION_UTILS_KEEPBITEMITTER_H
