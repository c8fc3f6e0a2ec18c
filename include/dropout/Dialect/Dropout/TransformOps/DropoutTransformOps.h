//===- DropoutTransformOps.h - Dropout transformation ops -------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_DIALECT_DROPOUT_TRANSFORMOPS_DROPOUTTRANSFORMOPS_H
#define DROPOUT_DIALECT_DROPOUT_TRANSFORMOPS_DROPOUTTRANSFORMOPS_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Transform/IR/TransformTypes.h"
#include "mlir/Dialect/Transform/Interfaces/TransformInterfaces.h"
#include "mlir/IR/OpImplementation.h"

#define GET_OP_CLASSES
#include "dropout/Dialect/Dropout/TransformOps/DropoutTransformOps.h.inc"

namespace mlir {
class DialectRegistry;

namespace dropout {

/// Adds the `transform.dropout.*` and `transform.apply_patterns.dropout.*` ops
/// to the transform dialect, once it is loaded.
void registerTransformDialectExtension(DialectRegistry &registry);

} // namespace dropout
} // namespace mlir

#endif // DROPOUT_DIALECT_DROPOUT_TRANSFORMOPS_DROPOUTTRANSFORMOPS_H
