//===- DropoutToLinalg.h - Dropout to a mask and a linalg.generic ---------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_CONVERSION_DROPOUTTOLINALG_H
#define DROPOUT_CONVERSION_DROPOUTTOLINALG_H

#include "dropout/Dialect/Dropout/IR/Dropout.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

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

/// What a value op or a gradient becomes: the mask, and the generic that reads
/// x and the mask.
struct DecomposedDropout {
  MaskOp mask;
  linalg::GenericOp value;
};

/// Replaces `op`, an explicit value op or gradient in the tensor form, by its
/// parts, in front of it. A mask result is replaced by the mask.
DecomposedDropout decomposeDropout(RewriterBase &rewriter,
                                   DropoutOpInterface op);

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
