//===- Scope.cpp - Scopes that restore what they changed --------*- C++ -*-===//
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

/// Opens a scope on `generator`, or on the mode when it is NULL, and returns
/// its handle. Changes nothing when it throws.
static uint64_t openScope(ProcessState &state, Generator *generator) {
  uint64_t &innermost =
      generator ? generator->innermostScope : state.innermostModeScope;
  Scope scope;
  scope.generator = generator;
  scope.training = state.training;
  scope.seed = generator ? generator->seed : 0;
  scope.offset = generator ? generator->offset : 0;
  scope.enclosing = innermost;
  state.openScopes.emplace(state.lastScope + 1, scope);
  innermost = ++state.lastScope;
  return innermost;
}

int32_t dropoutModeScopeBegin(int32_t training, uint64_t *outScope) noexcept {
  if (outScope)
    *outScope = 0;
  return guarded([&]() -> int32_t {
    if (!outScope)
      return recordError(DROPOUT_INVALID_ARGUMENT,
                         "expected outScope, but got NULL");
    if (training != DROPOUT_EVAL && training != DROPOUT_TRAIN)
      return recordError(DROPOUT_INVALID_ARGUMENT,
                         "expected training 0 or 1, but got %d",
                         static_cast<int>(training));
    LockedState state;
    *outScope = openScope(*state, /*generator=*/nullptr);
    state->training = training == DROPOUT_TRAIN;
    return DROPOUT_OK;
  });
}

int32_t dropoutGeneratorScopeBegin(const char *name, uint64_t seed,
                                   uint64_t offset,
                                   uint64_t *outScope) noexcept {
  if (outScope)
    *outScope = 0;
  return guarded([&]() -> int32_t {
    if (!outScope)
      return recordError(DROPOUT_INVALID_ARGUMENT,
                         "expected outScope, but got NULL");
    LockedState state;
    Generator *generator;
    if (int32_t status = state->find(name, generator))
      return status;
    *outScope = openScope(*state, generator);
    generator->seed = seed;
    generator->offset = offset;
    return DROPOUT_OK;
  });
}

int32_t dropoutScopeEnd(uint64_t handle) noexcept {
  return guarded([&]() -> int32_t {
    LockedState state;
    auto it = state->openScopes.find(handle);
    if (it == state->openScopes.end())
      return recordError(DROPOUT_INVALID_SCOPE,
                         "scope %llu is not open: it never began or has ended",
                         static_cast<unsigned long long>(handle));
    const Scope &scope = it->second;
    uint64_t &innermost = scope.generator ? scope.generator->innermostScope
                                          : state->innermostModeScope;
    if (innermost != handle)
      return recordError(DROPOUT_INVALID_SCOPE,
                         "scope %llu can't end before scope %llu, which began "
                         "inside it",
                         static_cast<unsigned long long>(handle),
                         static_cast<unsigned long long>(innermost));
    if (scope.generator) {
      scope.generator->seed = scope.seed;
      scope.generator->offset = scope.offset;
    } else {
      state->training = scope.training;
    }
    innermost = scope.enclosing;
    state->openScopes.erase(it);
    return DROPOUT_OK;
  });
}
