//===- Process.cpp - The state of the process and its lock ------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Process.h"
#include "Error.h"
#include "Name.h"

#include <new>

#if !defined(_WIN32)
#include <pthread.h>
#endif

using namespace dropout::runtime;

namespace {

struct Process {
  std::mutex mutex;
  ProcessState state;

  Process();
};

} // namespace

/// Never destroyed: threads may still draw while the process runs its exit
/// handlers.
static Process &process() {
  alignas(Process) static unsigned char storage[sizeof(Process)];
  static Process *process = new (storage) Process();
  return *process;
}

Process::Process() {
#if !defined(_WIN32)
  // A child must not inherit the lock from a thread that it does not have, nor
  // a state in the middle of a change: fork only while holding the lock.
  int error = pthread_atfork([] { process().mutex.lock(); },
                             [] { process().mutex.unlock(); },
                             [] { process().mutex.unlock(); });
  if (error)
    throw std::bad_alloc(); // ENOMEM is all that POSIX knows
#endif
}

/// Built while the library is loaded, so that no fork meets it half built. If
/// that fails, the first call tries again and reports it.
[[maybe_unused]] static const int32_t builtAtLoad = guarded([]() -> int32_t {
  process();
  dropoutClearStatus();
  return DROPOUT_OK;
});

LockedState::LockedState() : state(process().state), lock(process().mutex) {}

int32_t ProcessState::find(const char *name, Generator *&generator) {
  if (!name) {
    generator = &defaultGenerator;
    return DROPOUT_OK;
  }
  std::string_view readableName;
  if (int32_t status = readName(name, "the generator name", readableName))
    return status;
  auto it = named.find(readableName);
  if (it == named.end())
    return recordError(DROPOUT_UNKNOWN_GENERATOR,
                       "unknown generator \"%s\"; create it first with "
                       "dropoutGeneratorCreate or dropoutGeneratorFork",
                       name);
  generator = &it->second;
  return DROPOUT_OK;
}
