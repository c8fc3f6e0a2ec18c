//===- DropoutToArith.h - dropout.keep to Philox ----------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_CONVERSION_DROPOUTTOARITH_H
#define DROPOUT_CONVERSION_DROPOUTTOARITH_H

#include "dropout/Conversion/Utils/KeepBitEmitter.h"

namespace mlir {
class RewritePatternSet;

namespace dropout {

/// Adds the patterns that expand a `dropout.keep` where it stands. The pass
/// convert-dropout-to-arith shares blocks between neighbours first.
void populateDropoutToArithPatterns(RewritePatternSet &patterns,
                                    TieForm ties = TieForm::Branch);

} // namespace dropout
} // namespace mlir

#endif // DROPOUT_CONVERSION_DROPOUTTOARITH_H
