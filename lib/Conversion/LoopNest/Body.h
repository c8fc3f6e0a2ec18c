//===- Body.h - What the body of a generic computes -------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_LIB_CONVERSION_LOOPNEST_BODY_H
#define DROPOUT_LIB_CONVERSION_LOOPNEST_BODY_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

namespace mlir::dropout {

/// An integer of the body (index or i64) that is linear in the loop indices,
/// modulo 2^64: base + sum over d of coefficients[d] * index(d).
struct LinearForm {
  OpFoldResult base;
  SmallVector<OpFoldResult> coefficients;
};
using LinearForms = llvm::MapVector<Value, LinearForm>;

/// The integers of the generic's body that are linear in its loop indices.
/// Emits what they are made of at the builder's insertion point, in front of
/// the generic.
LinearForms getLinearForms(OpBuilder &builder, linalg::GenericOp generic);

/// i1 values that are known where code is emitted.
using KnownConditions = llvm::SmallMapVector<Value, bool, 2>;

/// `value`, or what a select of the body with a known condition makes of it.
Value resolve(Value value, const KnownConditions &known);

/// The values of the body, block arguments among them, that its results depend
/// on where `known` holds. What linear values are made of is not among them.
llvm::SetVector<Value> getLiveValues(linalg::GenericOp generic,
                                     const LinearForms &forms,
                                     const KnownConditions &known);

/// The forms of the values in `live`.
LinearForms getLiveForms(const LinearForms &forms,
                         const llvm::SetVector<Value> &live);

/// An i1 from outside the body, not in `known`, that a live select asks for;
/// null if there is none.
Value findCondition(linalg::GenericOp generic, const LinearForms &forms,
                    const KnownConditions &known);

/// True if each output only gets what it holds already where `known` holds
/// (eval in place).
bool writesItsInput(linalg::GenericOp generic, const KnownConditions &known);

/// Succeeds if the generic works on memrefs of numbers, has a parallel loop,
/// and each of its outputs has one element for each point of the parallel
/// loops; else fails with the reason.
LogicalResult checkOperands(linalg::GenericOp generic, RewriterBase &rewriter);

/// Succeeds if the body is one of pure element-wise ops, draws and the values
/// in `forms`; else fails with the reason.
LogicalResult checkBody(linalg::GenericOp generic, const LinearForms &forms,
                        RewriterBase &rewriter);

} // namespace mlir::dropout

#endif // DROPOUT_LIB_CONVERSION_LOOPNEST_BODY_H
