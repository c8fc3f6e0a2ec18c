//===- Philox.cpp - Philox4x32 on the host ----------------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Philox.h"
#include "Error.h"

#include "dropout/Runtime/Runtime.h"

#include <algorithm>

using namespace dropout::runtime;

int32_t dropoutPhilox4x32(int32_t rounds, const uint32_t counter[4],
                          const uint32_t key[2], uint32_t out[4]) noexcept {
  if (!out)
    return recordError(DROPOUT_INVALID_ARGUMENT, "expected out, but got NULL");
  if (!counter || !key || rounds < 1 || rounds > 16) {
    std::fill_n(out, 4, 0u);
    if (!counter || !key)
      return recordError(DROPOUT_INVALID_ARGUMENT,
                         "expected counter and key, but got NULL");
    return recordError(DROPOUT_INVALID_ARGUMENT,
                       "expected rounds in [1, 16], but got %d",
                       static_cast<int>(rounds));
  }
  PhiloxBlock block = philox4x32(
      rounds, PhiloxBlock{counter[0], counter[1], counter[2], counter[3]},
      key[0], key[1]);
  std::copy(block.begin(), block.end(), out);
  return DROPOUT_OK;
}
