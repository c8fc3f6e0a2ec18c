//===- ForkGate.cpp - The compiler and fork(2) ----------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/ExecutionEngine/ForkGate.h"

#include <pthread.h>

using namespace mlir::dropout;

/// Lets fork(2) in before the next compilation: threads that compile one
/// program after another would keep it out for ever.
static void initialize(pthread_rwlock_t *lock) {
  pthread_rwlockattr_t attributes;
  pthread_rwlockattr_init(&attributes);
  pthread_rwlockattr_setkind_np(&attributes,
                                PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
  pthread_rwlock_init(lock, &attributes);
  pthread_rwlockattr_destroy(&attributes);
}

/// Held for good by the thread that closed the gate.
static bool isClosed = false;

/// Never destroyed: threads may compile while the process ends.
static pthread_rwlock_t *getLock() {
  static pthread_rwlock_t *lock = [] {
    auto *lock = new pthread_rwlock_t;
    initialize(lock);
    // The child's is a new one: threads of the parent that wait at the gate
    // are counted in it, and are not there.
    pthread_atfork(
        [] {
          if (!isClosed)
            pthread_rwlock_wrlock(getLock());
        },
        [] {
          if (!isClosed)
            pthread_rwlock_unlock(getLock());
        },
        [] { initialize(getLock()); });
    return lock;
  }();
  return lock;
}

/// Made when the library is loaded: a child of a fork(2) during its first use
/// would wait for ever for the thread that makes it.
[[maybe_unused]] static pthread_rwlock_t *const madeLock = getLock();

/// How often this thread is inside.
static thread_local unsigned depth = 0;

ForkGate::ForkGate() {
  if (depth++ == 0)
    pthread_rwlock_rdlock(getLock());
}

ForkGate::~ForkGate() {
  if (--depth == 0)
    pthread_rwlock_unlock(getLock());
}

void ForkGate::closeForOthers() {
  if (isClosed)
    return;
  pthread_rwlock_wrlock(getLock());
  isClosed = true;
  ++depth; // So that this thread never asks for the lock again.
}
