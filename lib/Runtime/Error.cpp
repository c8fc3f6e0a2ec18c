//===- Error.cpp - The thread's error slot ----------------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Error.h"

#include <charconv>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <cstring>

using namespace dropout::runtime;

namespace {
/// Plain data without constructor or destructor: usable from the first to the
/// last moment of a thread, and when no memory is left.
struct ErrorSlot {
  int32_t status;
  char message[1024];
};
} // namespace

static thread_local ErrorSlot slot;

int32_t dropout::runtime::recordError(DropoutStatus code, const char *format,
                                      ...) noexcept {
  if (slot.status != DROPOUT_OK)
    return code;
  slot.status = code;
  va_list arguments;
  va_start(arguments, format);
  if (std::vsnprintf(slot.message, sizeof(slot.message), format, arguments) < 0)
    slot.message[0] = '\0';
  va_end(arguments);
  return code;
}

DoubleText::DoubleText(double value) noexcept {
  if (std::isnan(value)) {
    std::strcpy(text, "nan");
    return;
  }
  *std::to_chars(text, text + sizeof(text) - 1, value).ptr = '\0';
}

int32_t dropoutRecordError(int32_t status, const char *message) noexcept {
  // An unnamed code, or no error at all, would be read as success.
  if (status <= DROPOUT_OK || status > DROPOUT_GPU_ERROR || !message)
    return recordError(DROPOUT_INVALID_ARGUMENT,
                       "expected a status of 1 to %d and a message, but got "
                       "status %d and %s",
                       int(DROPOUT_GPU_ERROR), int(status),
                       message ? "a message" : "none");
  return recordError(DropoutStatus(status), "%s", message);
}

int32_t dropoutLastStatus(void) noexcept { return slot.status; }

const char *dropoutLastMessage(void) noexcept { return slot.message; }

void dropoutClearStatus(void) noexcept {
  slot.status = DROPOUT_OK;
  slot.message[0] = '\0';
}

const char *dropoutStatusName(int32_t status) noexcept {
  switch (status) {
#define DROPOUT_STATUS_CASE(name)                                              \
  case name:                                                                   \
    return #name
    DROPOUT_STATUS_CASE(DROPOUT_OK);
    DROPOUT_STATUS_CASE(DROPOUT_INVALID_P);
    DROPOUT_STATUS_CASE(DROPOUT_UNKNOWN_GENERATOR);
    DROPOUT_STATUS_CASE(DROPOUT_INVALID_ARGUMENT);
    DROPOUT_STATUS_CASE(DROPOUT_DAMAGED_STATE);
    DROPOUT_STATUS_CASE(DROPOUT_UNSUPPORTED_VERSION);
    DROPOUT_STATUS_CASE(DROPOUT_GENERATOR_EXISTS);
    DROPOUT_STATUS_CASE(DROPOUT_INVALID_SCOPE);
    DROPOUT_STATUS_CASE(DROPOUT_OPEN_SCOPE);
    DROPOUT_STATUS_CASE(DROPOUT_BUFFER_TOO_SMALL);
    DROPOUT_STATUS_CASE(DROPOUT_OUT_OF_MEMORY);
    DROPOUT_STATUS_CASE(DROPOUT_NO_ENTROPY);
    DROPOUT_STATUS_CASE(DROPOUT_INTERNAL_ERROR);
    DROPOUT_STATUS_CASE(DROPOUT_GPU_UNAVAILABLE);
    DROPOUT_STATUS_CASE(DROPOUT_GPU_ERROR);
#undef DROPOUT_STATUS_CASE
  }
  return "unknown status";
}
