//===- Name.h - The rules of generator names --------------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_LIB_RUNTIME_NAME_H
#define DROPOUT_LIB_RUNTIME_NAME_H

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace dropout::runtime {

/// What is wrong with a name, and the byte where it shows.
struct NameDefect {
  const char *reason = nullptr;
  size_t position = 0;
  explicit operator bool() const { return reason != nullptr; }
};

/// 1 to DROPOUT_MAX_NAME_LENGTH bytes of valid UTF-8 without ASCII control
/// characters. That keeps every message that quotes a name one line of valid
/// UTF-8.
NameDefect findNameDefect(std::string_view name);

/// The bytes of a C string that is not NULL, but no more than one above what a
/// name may have.
std::string_view boundedName(const char *text);

/// Reads a C string that is not NULL as a name. Records and returns an error
/// when it is malformed; `what` is how the message calls the argument.
int32_t readName(const char *text, const char *what, std::string_view &name);

} // namespace dropout::runtime

#endif // DROPOUT_LIB_RUNTIME_NAME_H
