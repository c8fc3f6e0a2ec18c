//===- Patterns.h - Patterns of the conversions, for pipelines of your own
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_CONVERSION_PATTERNS_H
#define DROPOUT_CONVERSION_PATTERNS_H

#include "dropout/Conversion/Utils/DropoutLowering.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir {
class ConversionTarget;
class DialectRegistry;
class LLVMTypeConverter;

namespace dropout {

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

/// Adds the patterns of dropout-inline-mask.
void populateInlineMaskPatterns(RewritePatternSet &patterns);

/// Adds the patterns of convert-dropout-to-affine, for the ops in `filter`.
/// They match explicit ops in memref form only.
void populateDropoutToAffinePatterns(RewritePatternSet &patterns,
                                     const KindFilter &filter);

/// Adds the patterns that expand a `dropout.keep` where it stands. The pass
/// convert-dropout-to-arith shares blocks between neighbours first.
void populateDropoutToArithPatterns(RewritePatternSet &patterns,
                                    TieForm ties = TieForm::Branch);

/// Adds the patterns of convert-dropout-to-llvm.
void populateDropoutToLLVMPatterns(const LLVMTypeConverter &converter,
                                   RewritePatternSet &patterns);

/// Makes upstream's convert-to-llvm convert the dropout dialect.
void registerConvertDropoutToLLVMInterface(DialectRegistry &registry);

} // namespace dropout
} // namespace mlir

#endif // DROPOUT_CONVERSION_PATTERNS_H
