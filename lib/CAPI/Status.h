//===- Status.h - Errors across the C API -----------------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_LIB_CAPI_STATUS_H
#define DROPOUT_LIB_CAPI_STATUS_H

#include "dropout/ExecutionEngine/Executable.h"
#include "dropout/Runtime/Runtime.h"

#include "llvm/Support/Error.h"

namespace mlir::dropout::capi {

/// Consumes \p error. Returns its status, that of a RuntimeError or
/// `DROPOUT_INVALID_ARGUMENT`, and its text.
std::pair<int32_t, std::string> takeStatus(llvm::Error error);

/// The error of an argument that can't be what it is.
inline llvm::Error refuse(const llvm::Twine &message) {
  return llvm::createStringError(message);
}

/// Consumes \p error and records it in the thread's slot, unless the runtime
/// has done so. Returns its status; `DROPOUT_OK` for success.
inline int32_t recordError(llvm::Error error) {
  if (!error)
    return DROPOUT_OK;
  auto [status, text] = takeStatus(std::move(error));
  return dropoutRecordError(status, text.c_str());
}

/// Compiled code empties the thread's slot before it runs. This puts back what
/// was in it: the first error stays until the caller clears it.
class FirstError {
public:
  FirstError() : status(dropoutLastStatus()) {
    if (status != DROPOUT_OK)
      message = dropoutLastMessage();
  }
  ~FirstError() {
    if (status == DROPOUT_OK)
      return;
    dropoutClearStatus();
    dropoutRecordError(status, message.c_str());
  }
  FirstError(const FirstError &) = delete;
  FirstError &operator=(const FirstError &) = delete;

private:
  int32_t status;
  std::string message;
};

} // namespace mlir::dropout::capi

#endif // DROPOUT_LIB_CAPI_STATUS_H
