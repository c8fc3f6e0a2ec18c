//===- Values.h - Inputs and outputs of dropout-run -------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_TOOLS_RUN_VALUES_H
#define DROPOUT_TOOLS_RUN_VALUES_H

#include "dropout/ExecutionEngine/Executable.h"
#include "dropout/ExecutionEngine/NpyFile.h"

namespace mlir::dropout {

/// An argument as it was read from the command line or a file.
struct Input {
  const ValueType *type = nullptr;
  /// What the file said; stays the dtype of an in-place buffer.
  NpyType fileType = NpyType::F32;
  /// The elements as the function sees them.
  ArrayView view;
  std::unique_ptr<void, NpyArray::Free> memory;
  int64_t memorySize = 0;
  /// Of a scalar.
  uint64_t bits = 0;

  Argument getArgument() const {
    return type->isShaped() ? Argument::array(view)
                            : Argument::scalar(type->element, bits);
  }
};

/// Reads \p text, a literal or the name of a .npy file, as a value of \p type.
/// The elements of a memref keep the order of the file if the type allows it;
/// those of a tensor are put into C order.
llvm::Expected<Input> readInput(const ValueType &type, llvm::StringRef text,
                                const llvm::Twine &what);

/// The dtype in which values of \p type are written.
NpyType getNpyType(ElementType type);

/// The value of an element, at the address \p data, as a double.
double getAsDouble(ElementType type, const void *data);

/// Calls \p visit with the index and address of each element, in C order.
void forEachElement(
    const ArrayView &view,
    llvm::function_ref<void(llvm::ArrayRef<int64_t>, const char *)> visit);

/// Writes a scalar, or an array in brief if it is large.
void printValue(llvm::raw_ostream &os, const ArrayView &view);

} // namespace mlir::dropout

#endif // DROPOUT_TOOLS_RUN_VALUES_H
