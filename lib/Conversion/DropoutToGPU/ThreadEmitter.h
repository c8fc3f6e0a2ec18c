//===- ThreadEmitter.h - The elements of one GPU thread ---------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_LIB_CONVERSION_DROPOUTTOGPU_THREADEMITTER_H
#define DROPOUT_LIB_CONVERSION_DROPOUTTOGPU_THREADEMITTER_H

#include "../LoopNest/IterationSpace.h"

#include "dropout/Conversion/DropoutToGPU.h"
#include "dropout/Conversion/Utils/KeepBitEmitter.h"
#include "dropout/Dialect/Dropout/IR/Dropout.h"

#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/MapVector.h"

namespace mlir::dropout {

/// A kernel for one generic in one iteration space.
struct KernelPlan {
  KernelPlan(linalg::GenericOp generic, const IterationSpace &space,
             const KernelTarget &target, bool isAligned)
      : generic(generic), space(space), target(target), isAligned(isAligned) {}

  linalg::GenericOp generic;
  const IterationSpace &space;
  const KernelTarget &target;
  /// Memory of contiguous operands is aligned for vectors at the start of each
  /// group of elements.
  bool isAligned;
  /// One rank-1 memref in C order per operand, null for scalars: all that
  /// kernels get of the operand's.
  SmallVector<Value> arrays;
  /// What draws in whole blocks compare with; from in front of the launch.
  llvm::SmallDenseMap<Operation *, ThreadThreshold> thresholds;

  /// Draws whose blocks groups begin with; the others are drawn for each
  /// element.
  SmallVector<KeepOp> runs;

  /// Elements that a thread loads, draws and stores together: one Philox block.
  int64_t getGroupSize() const;
  /// Groups of a thread.
  int64_t getNumGroups() const;
  /// The index of the draw that groups begin with; there is one.
  const LinearForm &getLeadingForm() const;
  /// True if the first group of a row may begin in front of it: rows begin
  /// inside of a block.
  bool mayBeginInFront() const;
  /// Elements of an operand of that type in one access of a thread.
  int64_t getVectorSize(Type element) const;
};

/// What `keep` is drawn with where `known` holds.
DrawParameters getDrawParameters(KeepOp keep, const KnownConditions &known);

/// Bytes of an element in memory: an i1 is one.
int64_t getElementBytes(Type element);

/// Where a thread's elements are.
struct ThreadPosition {
  SmallVector<Value> outer; ///< Indices of the outer loops.
  Value group;              ///< Number of the thread's first group in the row.
  Value distance;           ///< From one group of the thread to its next one.
};

/// Emits what one thread does for one row.
class ThreadEmitter {
public:
  /// `live`: what getLiveValues finds for `known`; the plan's space has the
  /// forms of the linear values among them.
  ThreadEmitter(OpBuilder &builder, const KernelPlan &plan,
                const llvm::SetVector<Value> &live,
                const KnownConditions &known);

  void emit(const ThreadPosition &position);

private:
  /// The words of draws that walk along the row (emitThreadWords).
  using Words = llvm::SmallDenseMap<Operation *, SmallVector<Value>>;
  /// One operand's elements of a group, as they are and, for floats of 16 bits,
  /// in f32.
  struct Loaded {
    SmallVector<Value> values, wide;
  };

  /// Values that do not change along the row.
  void emitUniformValues();
  /// Branches on draws that hold for the whole row.
  void emitUnswitchedGroups();
  void emitGroups();
  /// All groups of the thread, which lie in the row.
  void emitWholeGroups(ArrayRef<Value> begins);
  /// Those elements of a group that lie in the row, in a loop. If it is `rare`,
  /// each has a draw of its own.
  void emitPartialGroup(Value begin, bool rare);

  /// The draws of the groups at `begins` that come in whole blocks.
  Words emitRuns(ArrayRef<Value> begins);
  Loaded loadGroup(unsigned operand, Value begin);
  void storeGroup(unsigned operand, Value begin, ArrayRef<Value> values,
                  ArrayRef<Value> wide);
  Value loadElement(unsigned operand, Value element);
  void storeElement(unsigned operand, Value element, Value value);
  /// The operand's array; of bytes where its elements are i1.
  Value getArray(unsigned operand);
  /// The index in the array of the row's element `element`.
  Value emitArrayIndex(unsigned operand, Value element);

  /// Maps the values of the body for the row's element `element`. Arguments are
  /// mapped; `wide` gives them in f32. `getBit` gives keep bits, null for those
  /// that are to be drawn.
  void emitBody(Value element, llvm::function_ref<Value(KeepOp)> getBit,
                const llvm::SmallMapVector<Value, Value, 4> &wide,
                IRMapping &mapping);
  /// A value of a 16-bit type as f32 that has yet to be rounded; null if it is
  /// not the result of rounding.
  Value emitUnrounded(Value value, IRMapping &mapping);
  Value emitKeep(KeepOp keep, Value index, bool rare);

  bool isRun(Value value) const;
  bool isVector(unsigned operand) const;
  Value constant(int64_t value);
  Value toIndex(OpFoldResult value);
  Value add(Value a, Value b);

  OpBuilder &builder;
  Location loc;
  const KernelPlan &plan;
  linalg::GenericOp generic;
  const IterationSpace &space;
  llvm::SetVector<Value> live;
  KnownConditions known;
  llvm::DenseSet<Value> uniform;
  IRMapping scalars; ///< Uniform values of the body, in this row.
  SmallVector<OpFoldResult> rowOffsets; ///< Per operand, in its array.
  llvm::DenseMap<Value, Value> bases;   ///< Linear values at the row's start.
  ThreadPosition position;
  int numBranches = 0;
};

} // namespace mlir::dropout

#endif // DROPOUT_LIB_CONVERSION_DROPOUTTOGPU_THREADEMITTER_H
