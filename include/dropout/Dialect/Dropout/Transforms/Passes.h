//===- Passes.h - Passes on the dropout dialect -----------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_DIALECT_DROPOUT_TRANSFORMS_PASSES_H
#define DROPOUT_DIALECT_DROPOUT_TRANSFORMS_PASSES_H

#include "mlir/Pass/Pass.h"

namespace mlir::dropout {

#define GEN_PASS_DECL
#include "dropout/Dialect/Dropout/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "dropout/Dialect/Dropout/Transforms/Passes.h.inc"

} // namespace mlir::dropout

#endif // DROPOUT_DIALECT_DROPOUT_TRANSFORMS_PASSES_H
