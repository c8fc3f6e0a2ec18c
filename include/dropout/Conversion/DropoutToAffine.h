//===- DropoutToAffine.h - Dropout on memrefs to affine loops ---*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_CONVERSION_DROPOUTTOAFFINE_H
#define DROPOUT_CONVERSION_DROPOUTTOAFFINE_H

namespace mlir {
class RewritePatternSet;

namespace dropout {
class KindFilter;

/// Adds the patterns of convert-dropout-to-affine, for the ops in `filter`.
/// They match explicit ops in memref form only.
void populateDropoutToAffinePatterns(RewritePatternSet &patterns,
                                     const KindFilter &filter);

} // namespace dropout
} // namespace mlir

#endif // DROPOUT_CONVERSION_DROPOUTTOAFFINE_H
