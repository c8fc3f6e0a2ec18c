//===- ElementwiseGradients.h - Gradients of scalar ops ---------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The derivative of each arith and math op, written once for scalars (bodies of
// linalg ops) and tensors alike.
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_LIB_DIALECT_DROPOUT_TRANSFORMS_ELEMENTWISEGRADIENTS_H
#define DROPOUT_LIB_DIALECT_DROPOUT_TRANSFORMS_ELEMENTWISEGRADIENTS_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/Operation.h"

namespace mlir::dropout {

/// What gradients do at an op that depends on differentiated values.
enum class GradientRule {
  /// No rule: the op can't be differentiated.
  Unknown,
  /// The op is piecewise constant: its operands get no gradient.
  Zero,
  /// `emitElementwiseGradients` knows the derivative.
  Known
};

GradientRule getGradientRule(Operation *op);

/// Emits the gradients of the operands of `op`, an op with a known rule that
/// stands at or before the insertion point, from the gradient of its result.
/// Only operands in `wanted` get one; the others, and those whose gradient is
/// zero, are left null. `gradients` and `wanted` have an entry per operand.
///
/// A gradient that is zero stays zero, whatever the derivative is: infinities
/// and NaNs of dropped elements and of branches not taken don't leak.
void emitElementwiseGradients(OpBuilder &builder, Operation *op,
                              Value resultGradient, ArrayRef<bool> wanted,
                              MutableArrayRef<Value> gradients);

/// The scalar or splat constant `value` of the type of `like`, whose dynamic
/// sizes it takes.
Value createSplat(OpBuilder &builder, Location loc, double value, Value like);

} // namespace mlir::dropout

#endif // DROPOUT_LIB_DIALECT_DROPOUT_TRANSFORMS_ELEMENTWISEGRADIENTS_H
