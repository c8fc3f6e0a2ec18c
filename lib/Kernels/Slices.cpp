//===- Slices.cpp - Threads that share an array ---------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Threads of our own and not OpenMP's: the processes that this runs in,
// Python's, often have an OpenMP, two of which may refuse to live together, and
// none of which survives a fork. LLVM's pool ends the process when the system
// has no thread left; here those that there are do the work.
//
//===----------------------------------------------------------------------===//

#include "Slices.h"
#include "dropout/Kernels/Kernels.h"

#include "llvm/Support/Threading.h"
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <memory>
#include <mutex>
#include <pthread.h>

using namespace mlir::dropout;

// What follows is made when the library is loaded, for children of fork(2): see
// ForkGate.cpp.
static const unsigned numHardwareThreads =
    llvm::hardware_concurrency().compute_thread_count();

unsigned mlir::dropout::getHardwareThreads() { return numHardwareThreads; }

namespace {
/// The slices of one call. Threads take the next one that nobody has.
class Job {
public:
  Job(unsigned count, llvm::function_ref<void(unsigned)> run)
      : count(count), run(run) {}

  bool isTaken() const { return next >= count; }
  void work() {
    for (unsigned slice = next++; slice < count; slice = next++) {
      run(slice);
      if (++numDone != count)
        continue;
      std::lock_guard<std::mutex> lock(mutex);
      done.notify_all();
    }
  }
  void wait() {
    std::unique_lock<std::mutex> lock(mutex);
    done.wait(lock, [this] { return numDone == count; });
  }

private:
  const unsigned count;
  /// Not called once all slices are taken: the caller may be gone then.
  llvm::function_ref<void(unsigned)> run;
  std::atomic<unsigned> next{0}, numDone{0};
  std::mutex mutex;
  std::condition_variable done;
};

/// Threads that wait for jobs, as many as any call has wanted so far.
class Pool {
public:
  void add(const std::shared_ptr<Job> &job, unsigned numThreads);

private:
  static void *loop(void *pool);
  bool startThread();

  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::shared_ptr<Job>> jobs;
  unsigned numThreads = 0;
};
} // namespace

void *Pool::loop(void *argument) {
  auto *pool = static_cast<Pool *>(argument);
  std::unique_lock<std::mutex> lock(pool->mutex);
  for (;;) {
    pool->wake.wait(lock, [&] { return !pool->jobs.empty(); });
    std::shared_ptr<Job> job = pool->jobs.front();
    if (job->isTaken()) {
      pool->jobs.pop_front();
      continue;
    }
    lock.unlock();
    job->work();
    lock.lock();
  }
  return nullptr;
}

/// False if the system has none left.
bool Pool::startThread() {
  // Signals are for the threads of the process, which have handlers for them.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  bool started = pthread_create(&thread, nullptr, &Pool::loop, this) == 0;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (started)
    pthread_detach(thread);
  return started;
}

void Pool::add(const std::shared_ptr<Job> &job, unsigned wanted) {
  {
    std::lock_guard<std::mutex> lock(mutex);
    while (numThreads < wanted && startThread())
      ++numThreads;
    if (numThreads == 0)
      return; // The caller does it alone.
    jobs.push_back(job);
  }
  wake.notify_all();
}

/// Never destroyed: its threads wait in it until the process ends.
static std::atomic<Pool *> currentPool{nullptr};

/// The threads of a parent are not in its child. Its pool stays where it is:
/// its locks may be held by threads that are gone.
[[maybe_unused]] static const int poolRegistration =
    pthread_atfork(nullptr, nullptr, [] { currentPool = nullptr; });

static Pool &getPool() {
  Pool *pool = currentPool;
  if (pool)
    return *pool;
  auto *fresh = new Pool();
  if (currentPool.compare_exchange_strong(pool, fresh))
    return *fresh;
  delete fresh; // Another thread was first.
  return *pool;
}

void mlir::dropout::runSlices(unsigned count,
                              llvm::function_ref<void(unsigned)> run) {
  if (count == 1)
    return run(0);
  auto job = std::make_shared<Job>(count, run);
  getPool().add(job, std::min(count - 1, 1023u));
  job->work();
  job->wait();
}
