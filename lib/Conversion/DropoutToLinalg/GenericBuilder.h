//===- GenericBuilder.h - The linalg.generic of a dropout op ----*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_LIB_CONVERSION_DROPOUTTOLINALG_GENERICBUILDER_H
#define DROPOUT_LIB_CONVERSION_DROPOUTTOLINALG_GENERICBUILDER_H

#include "dropout/Conversion/DropoutToLinalg.h"
#include "dropout/Conversion/Utils/DropoutLowering.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mlir::dropout {

/// One parallel generic over the dims of `op`, into its destination or a new
/// tensor. The keep bit is read from `mask`, its second input, or, if that is
/// null, drawn in the body: by a `dropout.keep` or, with MaskForm::Inline, by
/// arith ops.
linalg::GenericOp createGeneric(OpBuilder &builder, DropoutOpInterface op,
                                const LoweringParameters &parameters,
                                Value mask, MaskForm form);

} // namespace mlir::dropout

#endif // DROPOUT_LIB_CONVERSION_DROPOUTTOLINALG_GENERICBUILDER_H
