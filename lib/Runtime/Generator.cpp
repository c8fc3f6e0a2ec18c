//===- Generator.cpp - Generators and draws from them -----------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Entropy.h"
#include "Error.h"
#include "Fork.h"
#include "Name.h"
#include "Process.h"

#include "dropout/Runtime/Runtime.h"

#include <cstring>

using namespace dropout::runtime;

/// Adds a generator; `text` is the name that the caller gave.
static int32_t addGenerator(ProcessState &state, const char *text,
                            uint64_t seed, uint64_t offset) {
  if (!text)
    return recordError(DROPOUT_INVALID_ARGUMENT,
                       "the default generator always exists; set it with "
                       "dropoutGeneratorSet");
  std::string_view name;
  if (int32_t status = readName(text, "the generator name", name))
    return status;
  Generator generator;
  generator.seed = seed;
  generator.offset = offset;
  if (!state.named.emplace(name, generator).second)
    return recordError(DROPOUT_GENERATOR_EXISTS,
                       "generator \"%s\" exists already; set it with "
                       "dropoutGeneratorSet",
                       text);
  return DROPOUT_OK;
}

int32_t dropoutReserve(const char *name, int32_t training, int8_t *outTraining,
                       uint64_t *outSeed, uint64_t *outOffset) noexcept {
  // Compiled code goes on after an error, so what it reads must be defined.
  if (outTraining)
    *outTraining = DROPOUT_TRAIN;
  if (outSeed)
    *outSeed = 0;
  if (outOffset)
    *outOffset = 0;
  return guarded([&]() -> int32_t {
    if (!outTraining || !outSeed || !outOffset)
      return recordError(DROPOUT_INVALID_ARGUMENT,
                         "expected outTraining, outSeed and outOffset, but got "
                         "NULL");
    if (training != DROPOUT_EVAL && training != DROPOUT_TRAIN &&
        training != DROPOUT_RUNTIME_MODE)
      return recordError(DROPOUT_INVALID_ARGUMENT,
                         "expected training 0, 1 or -1, but got %d",
                         static_cast<int>(training));
    LockedState state;
    Generator *generator;
    if (int32_t status = state->find(name, generator))
      return status;
    bool isTraining = training == DROPOUT_RUNTIME_MODE
                          ? state->training
                          : training == DROPOUT_TRAIN;
    *outTraining = isTraining;
    *outSeed = generator->seed;
    *outOffset = generator->offset;
    if (isTraining)
      ++generator->offset;
    return DROPOUT_OK;
  });
}

int32_t dropoutGeneratorCreate(const char *name, uint64_t seed,
                               uint64_t offset) noexcept {
  return guarded(
      [&] { return addGenerator(*LockedState(), name, seed, offset); });
}

int32_t dropoutGeneratorFork(const char *parent, const char *name,
                             uint64_t rank, const char *newName) noexcept {
  return guarded([&]() -> int32_t {
    std::string_view readableName;
    if (int32_t status = readForkArguments(name, rank, readableName))
      return status;
    LockedState state;
    Generator *generator;
    if (int32_t status = state->find(parent, generator))
      return status;
    return addGenerator(*state, newName,
                        forkSeed(generator->seed, readableName, rank),
                        /*offset=*/0);
  });
}

int32_t dropoutGeneratorGet(const char *name, uint64_t *outSeed,
                            uint64_t *outOffset) noexcept {
  uint64_t seed = 0;
  uint64_t offset = 0;
  int32_t result = guarded([&]() -> int32_t {
    LockedState state;
    Generator *generator;
    if (int32_t status = state->find(name, generator))
      return status;
    seed = generator->seed;
    offset = generator->offset;
    return DROPOUT_OK;
  });
  if (outSeed)
    *outSeed = seed;
  if (outOffset)
    *outOffset = offset;
  return result;
}

int32_t dropoutGeneratorSet(const char *name, uint64_t seed,
                            uint64_t offset) noexcept {
  return guarded([&]() -> int32_t {
    LockedState state;
    Generator *generator;
    if (int32_t status = state->find(name, generator))
      return status;
    generator->seed = seed;
    generator->offset = offset;
    return DROPOUT_OK;
  });
}

int32_t dropoutGeneratorExists(const char *name) noexcept {
  if (!name)
    return 1;
  bool exists = false;
  guarded([&]() -> int32_t {
    LockedState state;
    exists = state->named.find(boundedName(name)) != state->named.end();
    return DROPOUT_OK;
  });
  return exists;
}

int32_t dropoutGeneratorDestroy(const char *name) noexcept {
  return guarded([&]() -> int32_t {
    if (!name)
      return recordError(DROPOUT_INVALID_ARGUMENT,
                         "the default generator can't be destroyed");
    LockedState state;
    Generator *generator;
    if (int32_t status = state->find(name, generator))
      return status;
    if (generator->innermostScope)
      return recordError(
          DROPOUT_OPEN_SCOPE,
          "generator \"%s\" can't be destroyed: scope %llu on it is open", name,
          static_cast<unsigned long long>(generator->innermostScope));
    state->named.erase(state->named.find(std::string_view(name)));
    return DROPOUT_OK;
  });
}

int32_t dropoutGeneratorList(char *buffer, size_t capacity,
                             size_t *outSize) noexcept {
  if (outSize)
    *outSize = 0;
  return guarded([&]() -> int32_t {
    if (!outSize || (!buffer && capacity))
      return recordError(DROPOUT_INVALID_ARGUMENT,
                         "expected outSize, and a buffer of the capacity that "
                         "was given, but got NULL");
    LockedState state;
    size_t size = 0;
    for (const auto &entry : state->named)
      size += entry.first.size() + 1;
    *outSize = size;
    if (!buffer)
      return DROPOUT_OK;
    if (capacity < size)
      return recordError(DROPOUT_BUFFER_TOO_SMALL,
                         "the list of generators needs %zu bytes, but the "
                         "buffer has %zu",
                         size, capacity);
    for (const auto &entry : state->named) {
      std::memcpy(buffer, entry.first.c_str(), entry.first.size() + 1);
      buffer += entry.first.size() + 1;
    }
    return DROPOUT_OK;
  });
}

int32_t dropoutSeedFromEntropy(const char *name, uint64_t *outSeed) noexcept {
  if (outSeed)
    *outSeed = 0;
  return guarded([&]() -> int32_t {
    // Asked for before the lock is taken: the system may let it wait.
    uint64_t seed;
    if (!readEntropy(seed))
      return recordError(DROPOUT_NO_ENTROPY,
                         "the operating system gave no random bytes");
    LockedState state;
    Generator *generator;
    if (int32_t status = state->find(name, generator))
      return status;
    generator->seed = seed;
    generator->offset = 0;
    if (outSeed)
      *outSeed = seed;
    return DROPOUT_OK;
  });
}
