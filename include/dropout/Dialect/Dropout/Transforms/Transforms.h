//===- Transforms.h - Rewrites of dropout ops -------------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_DIALECT_DROPOUT_TRANSFORMS_TRANSFORMS_H
#define DROPOUT_DIALECT_DROPOUT_TRANSFORMS_TRANSFORMS_H

#include "dropout/Dialect/Dropout/IR/Dropout.h"

namespace mlir::dropout {

/// Makes the implicit op `op` explicit, in place, and returns the new
/// `dropout.reserve` in front of it that gives its flag, seed and offset.
ReserveOp materializeState(RewriterBase &rewriter, DropoutOpInterface op);

} // namespace mlir::dropout

#endif // DROPOUT_DIALECT_DROPOUT_TRANSFORMS_TRANSFORMS_H
