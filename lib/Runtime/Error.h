//===- Error.h - The thread's error slot ------------------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_LIB_RUNTIME_ERROR_H
#define DROPOUT_LIB_RUNTIME_ERROR_H

#include "dropout/Runtime/Runtime.h"

#include <cstdint>
#include <new>

#if defined(__GNUC__)
#define DROPOUT_PRINTF_LIKE __attribute__((format(printf, 2, 3)))
#else
#define DROPOUT_PRINTF_LIKE
#endif

namespace dropout::runtime {

/// Puts code and message into the thread's slot unless it holds an older error.
/// Returns the code, so that a function can `return recordError(...)`. Never
/// allocates: it also reports that memory ran out. Use no conversion of a
/// double here, it would follow the locale; see DoubleText.
DROPOUT_PRINTF_LIKE int32_t recordError(DropoutStatus code, const char *format,
                                        ...) noexcept;

/// The shortest decimal that reads back as `value`; "nan" for every NaN.
class DoubleText {
public:
  explicit DoubleText(double value) noexcept;
  const char *c_str() const noexcept { return text; }

private:
  // The longest shortest double, -2.2250738585072014e-308, takes 24 characters.
  char text[32];
};

/// Runs the body of a C function: what it throws becomes a status.
template <typename Body>
int32_t guarded(Body &&body) noexcept {
  try {
    return body();
  } catch (const std::bad_alloc &) {
    return recordError(DROPOUT_OUT_OF_MEMORY, "out of memory");
  } catch (...) {
    return recordError(DROPOUT_INTERNAL_ERROR,
                       "unexpected exception in the dropout runtime");
  }
}

} // namespace dropout::runtime

#endif // DROPOUT_LIB_RUNTIME_ERROR_H
