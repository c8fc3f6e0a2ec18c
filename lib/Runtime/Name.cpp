//===- Name.cpp - The rules of generator names ------------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Name.h"
#include "Error.h"

#include "dropout/Runtime/Runtime.h"

using namespace dropout::runtime;

/// Length of the UTF-8 sequence at the start of `text`, or 0 when malformed.
/// The ranges are those of table 3-7 of the Unicode standard: no overlong form,
/// no surrogate, nothing above U+10FFFF.
static size_t utf8SequenceLength(std::string_view text) {
  auto isIn = [&](size_t i, unsigned low, unsigned high) {
    if (i >= text.size())
      return false;
    unsigned byte = static_cast<unsigned char>(text[i]);
    return byte >= low && byte <= high;
  };
  auto isTail = [&](size_t i) { return isIn(i, 0x80, 0xbf); };
  unsigned lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80)
    return 1;
  if (lead >= 0xc2 && lead <= 0xdf)
    return isTail(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    unsigned low = lead == 0xe0 ? 0xa0 : 0x80;
    unsigned high = lead == 0xed ? 0x9f : 0xbf;
    return isIn(1, low, high) && isTail(2) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    unsigned low = lead == 0xf0 ? 0x90 : 0x80;
    unsigned high = lead == 0xf4 ? 0x8f : 0xbf;
    return isIn(1, low, high) && isTail(2) && isTail(3) ? 4 : 0;
  }
  return 0;
}

NameDefect dropout::runtime::findNameDefect(std::string_view name) {
  static_assert(DROPOUT_MAX_NAME_LENGTH == 255, "a reason below names it");
  if (name.empty())
    return {"is empty", 0};
  if (name.size() > DROPOUT_MAX_NAME_LENGTH)
    return {"is longer than 255 bytes", DROPOUT_MAX_NAME_LENGTH};
  for (size_t i = 0; i < name.size();) {
    auto byte = static_cast<unsigned char>(name[i]);
    if (byte < 0x20 || byte == 0x7f)
      return {"has a control character", i};
    size_t length = utf8SequenceLength(name.substr(i));
    if (length == 0)
      return {"is not valid UTF-8", i};
    i += length;
  }
  return {};
}

std::string_view dropout::runtime::boundedName(const char *text) {
  size_t length = 0;
  while (length <= DROPOUT_MAX_NAME_LENGTH && text[length])
    ++length;
  return std::string_view(text, length);
}

int32_t dropout::runtime::readName(const char *text, const char *what,
                                   std::string_view &name) {
  name = boundedName(text);
  if (NameDefect defect = findNameDefect(name))
    return recordError(DROPOUT_INVALID_ARGUMENT, "%s %s (at byte %zu)", what,
                       defect.reason, defect.position);
  return DROPOUT_OK;
}
