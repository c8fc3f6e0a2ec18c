//===- ForkGate.cpp - The compiler and fork(2) ----------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/ExecutionEngine/ForkGate.h"

#include <pthread.h>
#include <shared_mutex>

using namespace mlir::dropout;

/// Never destroyed: threads may compile while the process ends.
static std::shared_mutex &getMutex() {
  static auto *mutex = [] {
    pthread_atfork([] { getMutex().lock(); }, [] { getMutex().unlock(); },
                   [] { getMutex().unlock(); });
    return new std::shared_mutex();
  }();
  return *mutex;
}

/// How often this thread is inside.
static thread_local unsigned depth = 0;

ForkGate::ForkGate() {
  if (depth++ == 0)
    getMutex().lock_shared();
}

ForkGate::~ForkGate() {
  if (--depth == 0)
    getMutex().unlock_shared();
}
