//===- TilingInterfaceImpl.h - Tiling of dropout ops ------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_DIALECT_DROPOUT_TRANSFORMS_TILINGINTERFACEIMPL_H
#define DROPOUT_DIALECT_DROPOUT_TRANSFORMS_TILINGINTERFACEIMPL_H

namespace mlir {
class DialectRegistry;

namespace dropout {
/// Registers the external models for the tiling of dropout ops.
void registerTilingInterfaceExternalModels(DialectRegistry &registry);
} // namespace dropout
} // namespace mlir

#endif // DROPOUT_DIALECT_DROPOUT_TRANSFORMS_TILINGINTERFACEIMPL_H
