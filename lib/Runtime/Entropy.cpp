//===- Entropy.cpp - Random bytes from the operating system -----*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Entropy.h"

#if defined(__unix__) || defined(__APPLE__)
#include <sys/random.h>
#include <unistd.h>

bool dropout::runtime::readEntropy(uint64_t &value) {
  return getentropy(&value, sizeof(value)) == 0;
}
#else
#include <exception>
#include <random>

bool dropout::runtime::readEntropy(uint64_t &value) {
  try {
    std::random_device device;
    uint64_t high = device();
    value = high << 32 | device();
    return true;
  } catch (const std::exception &) {
    return false;
  }
}
#endif
