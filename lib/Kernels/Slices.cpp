//===- Slices.cpp - Threads that share an array ---------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Threads of LLVM's pool and not of OpenMP: the processes that this runs in,
// Python's, often have an OpenMP of their own, two of which may refuse to live
// together, and none of which survives a fork. Nothing is shared but the
// number of the slice, since each kernel call takes its position.
//
//===----------------------------------------------------------------------===//

#include "Slices.h"
#include "dropout/Kernels/Kernels.h"

#include "llvm/Support/ThreadPool.h"
#include "llvm/Support/Threading.h"
#include <atomic>
#include <mutex>
#include <pthread.h>

using namespace mlir::dropout;

unsigned mlir::dropout::getHardwareThreads() {
  static const unsigned count =
      llvm::hardware_concurrency().compute_thread_count();
  return count;
}

namespace {
/// The pool of this process, made by the first call that needs it and never
/// destroyed.
struct Pool {
  std::atomic<llvm::DefaultThreadPool *> threads{nullptr};
  std::mutex mutex;
};
} // namespace

static Pool &getPool() {
  static Pool *pool = [] {
    // The threads of a parent are not in its child. Its pool stays where it
    // is: its locks may be held by threads that are gone.
    pthread_atfork([] { getPool().mutex.lock(); },
                   [] { getPool().mutex.unlock(); },
                   [] {
                     getPool().threads = nullptr;
                     getPool().mutex.unlock();
                   });
    return new Pool();
  }();
  return *pool;
}

static llvm::DefaultThreadPool &getThreads() {
  Pool &pool = getPool();
  if (llvm::DefaultThreadPool *threads = pool.threads)
    return *threads;
  std::lock_guard<std::mutex> lock(pool.mutex);
  if (!pool.threads)
    pool.threads = new llvm::DefaultThreadPool(llvm::hardware_concurrency());
  return *pool.threads;
}

void mlir::dropout::runSlices(unsigned count,
                              llvm::function_ref<void(unsigned)> run) {
  if (count == 1)
    return run(0);
  llvm::ThreadPoolTaskGroup group(getThreads());
  for (unsigned slice = 1; slice < count; ++slice)
    group.async([run, slice] { run(slice); });
  run(0);
  group.wait();
}
