//===- Mode.cpp - Train and eval mode ---------------------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Error.h"
#include "Process.h"

#include "dropout/Runtime/Runtime.h"

using namespace dropout::runtime;

int32_t dropoutSetTraining(int32_t training) noexcept {
  return guarded([&]() -> int32_t {
    if (training != DROPOUT_EVAL && training != DROPOUT_TRAIN)
      return recordError(DROPOUT_INVALID_ARGUMENT,
                         "expected training 0 or 1, but got %d",
                         static_cast<int>(training));
    LockedState()->training = training == DROPOUT_TRAIN;
    return DROPOUT_OK;
  });
}

int32_t dropoutIsTraining(void) noexcept {
  bool training = true;
  guarded([&]() -> int32_t {
    training = LockedState()->training;
    return DROPOUT_OK;
  });
  return training;
}
