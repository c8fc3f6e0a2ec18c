//===- Fork.cpp - Seeds of forked generators --------------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fork.h"
#include "Error.h"
#include "Name.h"
#include "Philox.h"

#include "dropout/Runtime/Runtime.h"

using namespace dropout::runtime;

static uint64_t fnv1a64(std::string_view bytes) {
  uint64_t hash = 0xcbf29ce484222325;
  for (char c : bytes) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3;
  }
  return hash;
}

uint64_t dropout::runtime::forkSeed(uint64_t seed, std::string_view name,
                                    uint64_t rank) {
  // The bit above all ranks keeps the counter apart from that of every mask.
  PhiloxBlock block =
      philox4x32(/*rounds=*/10, rank | forkRankLimit, fnv1a64(name), seed);
  return block[0] | uint64_t(block[1]) << 32;
}

int32_t dropout::runtime::readForkArguments(const char *text, uint64_t rank,
                                            std::string_view &name) {
  if (!text)
    return recordError(DROPOUT_INVALID_ARGUMENT,
                       "expected a name to fork by, but got NULL");
  if (int32_t status = readName(text, "the name to fork by", name))
    return status;
  if (rank >= forkRankLimit)
    return recordError(DROPOUT_INVALID_ARGUMENT,
                       "expected a rank below 2^62, but got %llu",
                       static_cast<unsigned long long>(rank));
  return DROPOUT_OK;
}

int32_t dropoutForkSeed(uint64_t seed, const char *name, uint64_t rank,
                        uint64_t *outSeed) noexcept {
  if (!outSeed)
    return recordError(DROPOUT_INVALID_ARGUMENT,
                       "expected outSeed, but got NULL");
  *outSeed = 0;
  std::string_view readableName;
  if (int32_t status = readForkArguments(name, rank, readableName))
    return status;
  *outSeed = forkSeed(seed, readableName, rank);
  return DROPOUT_OK;
}
