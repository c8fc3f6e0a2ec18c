//===- Machine.h - The machine that is measured -----------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_BENCHMARK_MACHINE_H
#define DROPOUT_BENCHMARK_MACHINE_H

#include "llvm/Support/JSON.h"
#include <atomic>
#include <cstdint>
#include <thread>
#include <utility>

namespace bench {

/// Model, caches, instruction sets, memory, kernel, page size policy.
llvm::json::Object describeMachine();

/// "2026-01-31T12:34:56Z".
std::string getDate();

/// Pins the calling thread to one CPU of those it may use, the last one (the
/// first is where interrupts go), and returns the others' numbers: first the
/// one for a second thread. -1 where there is none.
std::pair<int, int> pinToOneCpu();

/// A thread pinned to a CPU that spins while it waits: handing it work costs a
/// cache line, not a wake-up.
class Worker {
public:
  explicit Worker(int cpu);
  ~Worker();

  /// Runs \p there on the worker and \p here on this thread, and waits for
  /// both.
  template <typename Here, typename There>
  void run(Here &&here, There &&there) {
    using Function = std::remove_reference_t<There>;
    context = const_cast<void *>(static_cast<const void *>(&there));
    function = [](void *context) { (*static_cast<Function *>(context))(); };
    uint64_t ticket = started.fetch_add(1, std::memory_order_release) + 1;
    here();
    while (finished.load(std::memory_order_acquire) != ticket)
      pause();
  }

  /// Whether work is expected soon: a worker that is not active sleeps.
  void setActive(bool value) { active.store(value); }

private:
  static void pause();

  void *context = nullptr;
  void (*function)(void *) = nullptr;
  alignas(64) std::atomic<uint64_t> started{0};
  alignas(64) std::atomic<uint64_t> finished{0};
  std::atomic<bool> active{false};
  std::atomic<bool> stop{false};
  std::thread thread;
};

} // namespace bench

#endif // DROPOUT_BENCHMARK_MACHINE_H
