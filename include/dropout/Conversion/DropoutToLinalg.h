//===- DropoutToLinalg.h - Dropout to a mask and a linalg.generic ---------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_CONVERSION_DROPOUTTOLINALG_H
#define DROPOUT_CONVERSION_DROPOUTTOLINALG_H

namespace mlir {
class RewritePatternSet;

namespace dropout {
class KindFilter;

/// Where convert-dropout-to-linalg puts the mask.
enum class MaskForm {
  /// A `dropout.mask` that tile-and-fuse pulls into its consumer's loop.
  Op,
  /// Arith ops in the body of the `linalg.generic`.
  Inline
};

/// Adds the patterns of convert-dropout-to-linalg, for the ops in `filter`.
/// They match explicit ops only.
void populateDropoutToLinalgPatterns(RewritePatternSet &patterns,
                                     const KindFilter &filter, MaskForm form);

/// Adds the patterns of dropout-inline-mask; without `unread`, for masks that a
/// linalg op reads only.
void populateInlineMaskPatterns(RewritePatternSet &patterns,
                                bool unread = true);

} // namespace dropout
} // namespace mlir

#endif // DROPOUT_CONVERSION_DROPOUTTOLINALG_H
