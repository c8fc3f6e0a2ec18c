//===- DropoutToLLVM.h - State and validation to runtime calls --*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_CONVERSION_DROPOUTTOLLVM_H
#define DROPOUT_CONVERSION_DROPOUTTOLLVM_H

namespace mlir {
class DialectRegistry;
class LLVMTypeConverter;
class RewritePatternSet;

namespace dropout {

/// Adds the patterns of convert-dropout-to-llvm.
void populateDropoutToLLVMPatterns(const LLVMTypeConverter &converter,
                                   RewritePatternSet &patterns);

/// Makes upstream's convert-to-llvm convert the dropout dialect.
void registerConvertDropoutToLLVMInterface(DialectRegistry &registry);

} // namespace dropout
} // namespace mlir

#endif // DROPOUT_CONVERSION_DROPOUTTOLLVM_H
