//===- Errors.h - Statuses of the C API as exceptions -----------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_PYTHON_ERRORS_H
#define DROPOUT_PYTHON_ERRORS_H

#include <cstdint>
#include <string>

namespace dropout::python {

/// Throws the Python exception for a status that is not 0, with \p message or,
/// if that is empty, the runtime's. Empties the thread's slot.
[[noreturn]] void throwStatus(int32_t status, std::string message = {});

/// The same unless \p status is 0. The interpreter's lock is held.
inline void check(int32_t status) {
  if (status != 0)
    throwStatus(status);
}

} // namespace dropout::python

#endif // DROPOUT_PYTHON_ERRORS_H
