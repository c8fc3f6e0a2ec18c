//===- Status.cpp - Errors across the C API -------------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Status.h"

using namespace mlir::dropout;

std::pair<int32_t, std::string>
mlir::dropout::capi::takeStatus(llvm::Error error) {
  int32_t status = DROPOUT_INVALID_ARGUMENT;
  std::string text;
  llvm::handleAllErrors(
      std::move(error),
      [&](const RuntimeError &failure) {
        status = failure.getStatus();
        text = failure.getMessage();
      },
      [&](const llvm::ErrorInfoBase &failure) { text = failure.message(); });
  return {status, text};
}
