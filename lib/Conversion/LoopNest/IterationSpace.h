//===- IterationSpace.h - The loops of an element-wise generic --*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_LIB_CONVERSION_LOOPNEST_ITERATIONSPACE_H
#define DROPOUT_LIB_CONVERSION_LOOPNEST_ITERATIONSPACE_H

#include "Body.h"

#include "llvm/ADT/DenseSet.h"

namespace mlir::dropout {

/// How an operand is read or written along the innermost loop.
enum class InnerAccess {
  Uniform,    ///< One element for the whole row.
  Contiguous, ///< Neighbours in memory.
  Strided     ///< Each `strides.back()` elements apart.
};

/// One operand of the generic in the loops of an IterationSpace. Strides and
/// offset are in elements.
struct OperandAccess {
  Value memref;
  Value base; ///< rank-0 memref of the whole buffer
  OpFoldResult offset;
  SmallVector<OpFoldResult> strides; ///< one per loop
  InnerAccess inner;
};

/// The loops of a generic, from the outermost to the innermost, which is a
/// parallel one, after merging those that walk memory and masks as one.
/// Merging is decided at compile time where it can be, and else at run time:
/// then the extent of a merged outer loop is 1 and that of the inner one their
/// product.
struct IterationSpace {
  /// One per loop; at least one.
  SmallVector<OpFoldResult> extents;
  /// One per operand of the generic, in order.
  SmallVector<OperandAccess> operands;
  /// Linear values of the body, over these loops.
  LinearForms forms;
  /// i1: every operand whose innermost stride is not known at compile time is
  /// contiguous; null if all are known. Such operands are Contiguous here.
  Value isContiguous;

  int64_t getNumLoops() const { return extents.size(); }
};

/// Emits the sizes and strides of `generic`, which works on memrefs, in front
/// of it. `forms`: linear forms over its loops, of values whose users need
/// them. With `assumeContiguous` operands of unknown innermost stride count as
/// contiguous, else as strided.
IterationSpace createIterationSpace(OpBuilder &builder,
                                    linalg::GenericOp generic,
                                    const LinearForms &forms,
                                    bool assumeContiguous);

/// The values in `live`, which holds where `known` does, that are the same
/// along the innermost loop.
llvm::DenseSet<Value> getUniformValues(linalg::GenericOp generic,
                                       const IterationSpace &space,
                                       const llvm::SetVector<Value> &live,
                                       const KnownConditions &known);

} // namespace mlir::dropout

#endif // DROPOUT_LIB_CONVERSION_LOOPNEST_ITERATIONSPACE_H
