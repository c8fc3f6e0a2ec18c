//===- RowEmitter.h - The innermost loop of a generic, in vectors -*- C++ -*-=//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_LIB_CONVERSION_LINALGTOVECTOR_ROWEMITTER_H
#define DROPOUT_LIB_CONVERSION_LINALGTOVECTOR_ROWEMITTER_H

#include "../LoopNest/IterationSpace.h"

#include "dropout/Conversion/LinalgToVector.h"
#include "dropout/Dialect/Dropout/IR/Dropout.h"

#include "mlir/IR/IRMapping.h"

namespace mlir::dropout {

/// i1 values from in front of the loops.
struct NestFlags {
  Value isNontemporal; ///< Store past the caches; null: never.
};

/// Emits one row of the generic: everything that does not change along the row
/// first, then a loop over tiles. A tile begins with a block of the mask, so
/// that the first and the last tile of a row may be partial.
class RowEmitter {
public:
  /// `live`: what getLiveValues finds for `known`; `space` has the forms of the
  /// linear values among them.
  RowEmitter(OpBuilder &builder, linalg::GenericOp generic,
             const IterationSpace &space, const VectorTarget &target,
             const llvm::SetVector<Value> &live, const KnownConditions &known,
             const NestFlags &flags);

  /// Emits elements `begin` to `end` of the row with the induction variables
  /// `outer` of all loops but the innermost, at the builder's insertion point.
  void emit(ValueRange outer, OpFoldResult begin, OpFoldResult end);

private:
  /// Where the lanes of a vector, or a single element, stand in the row.
  struct Position {
    Value element;     ///< Number of the first lane's element (index).
    int64_t lanes = 0; ///< 0 for a scalar.
    Value mask;        ///< Valid lanes; null for all.
  };

  bool isRun(Value value) const;
  void emitUniformValues(ValueRange outer);
  /// A tile loop for either value of a condition that holds for a whole row, if
  /// rows are long: a dropped channel is not read.
  void emitUnswitchedTiles();
  void emitTiles();
  const LinearForm &getForm(KeepOp keep) const;
  /// No value of the form is above it; nothing if that is not known.
  std::optional<int64_t> getLargestValue(const LinearForm &form) const;
  /// True if the draw's blocks begin where those of the first draw do.
  bool isAligned(KeepOp keep) const;
  /// Elements `first` to `last`, in tiles that begin at `start`, which is not
  /// above `first`. `high`: the high word of all block numbers.
  void emitTileLoop(Value start, Value first, Value last, Value high);
  /// Asks for what a later iteration reads in place of the tile at `element`.
  void emitPrefetch(Value element);
  /// Elements that are loaded before any of them is stored.
  int64_t getUnrolledSize() const;
  void emitFullTile(Value element, Value storesPastCaches);
  /// `count` elements, a multiple of the vector's, as straight-line code.
  void emitVectors(Value element, int64_t count, Value storesPastCaches,
                   llvm::function_ref<Value(KeepOp, int64_t)> getBits);
  /// Bits `offset` to `offset` + step - 1 of an integer as a vector of i1.
  Value emitTestBits(Value word, int64_t offset);
  /// The elements of the tile at `element` that are neither in front of `first`
  /// (null: there are none) nor behind `last`.
  void emitPartialTile(Value element, Value first, Value last);

  /// What the outputs get, one value per output, from the bits of the runs.
  SmallVector<Value> emitBody(const Position &position,
                              llvm::function_ref<Value(KeepOp)> getBits);
  Value emitLinear(Value value, const Position &position);
  Value emitLoad(unsigned operand, const Position &position);
  /// emitLoad with i8 for i1.
  Value emitLoadBytes(unsigned operand, const Position &position);
  void emitStore(unsigned operand, const Position &position, Value value,
                 bool isNontemporal);
  Value emitAcrossLanes(Value scalar, const Position &position);
  /// A memref of the one element: an index into a row may not be negative.
  Value emitElement(unsigned operand, Value element);
  /// position.element times the operand's stride, and the lanes' offsets.
  Value emitStridedIndex(unsigned operand, Value element);
  Value emitStridedLanes(unsigned operand, const Position &position);

  Value constant(int64_t value);
  Value add(Value a, Value b);
  Value toIndex(OpFoldResult value);

  OpBuilder &builder;
  Location loc;
  linalg::GenericOp generic;
  const IterationSpace &space;
  const VectorTarget &target;
  llvm::SetVector<Value> live;
  KnownConditions known;
  Value isNontemporal;
  int64_t tile; ///< Elements a tile.
  int64_t step; ///< Elements a vector of 32-bit values.

  llvm::DenseSet<Value> uniform;        ///< Live values of one value a row.
  IRMapping scalars;                    ///< What is emitted for them.
  OpFoldResult begin, end;              ///< The elements to emit.
  SmallVector<Value> rows;              ///< Per operand: memref of the row.
  SmallVector<OpFoldResult> rowOffsets; ///< Per operand: of element 0.
  llvm::DenseMap<Value, Value> bases;   ///< Linear values (index) at element 0.
  SmallVector<KeepOp> runs;             ///< Draws of neighbouring elements.
  llvm::MapVector<Operation *, Value> bits; ///< Of runs, in the current tile.
};

} // namespace mlir::dropout

#endif // DROPOUT_LIB_CONVERSION_LINALGTOVECTOR_ROWEMITTER_H
