//===- KernelTable.cpp - Kernels of this process --------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelTable.h"
#include "Plan.h"

#include "llvm/ADT/StringMap.h"
#include <mutex>
#include <pthread.h>
#include <shared_mutex>

using namespace mlir;
using namespace mlir::dropout;

namespace {
/// Kernels are never unloaded: a call on another thread may be inside of one.
struct KernelTable {
  /// Held while a kernel is compiled, so that two threads do not compile the
  /// same one; taken before `mutex`.
  std::mutex compiling;
  /// Guards what follows.
  std::shared_mutex mutex;
  llvm::StringMap<CompiledFunction> kernels;
  std::vector<std::unique_ptr<Executable>> executables;
  KernelStatistics statistics;
  /// Opened by the first compilation; null if there is none.
  std::unique_ptr<ObjectCache> cache;
  bool isCacheOpen = false;
};
} // namespace

/// Never destroyed: threads may run on while the process ends.
static KernelTable &getTable() {
  static KernelTable *table = [] {
    // fork(2) waits for a kernel that is being compiled. Otherwise the child
    // would have a lock that nobody holds, and half a compiler.
    pthread_atfork(
        [] {
          getTable().compiling.lock();
          getTable().mutex.lock();
        },
        [] {
          getTable().mutex.unlock();
          getTable().compiling.unlock();
        },
        [] {
          getTable().mutex.unlock();
          getTable().compiling.unlock();
        });
    return new KernelTable();
  }();
  return *table;
}

llvm::Expected<CompiledFunction> mlir::dropout::getKernel(StringRef key) {
  KernelTable &table = getTable();
  auto find = [&]() -> std::optional<CompiledFunction> {
    std::shared_lock<std::shared_mutex> lock(table.mutex);
    auto it = table.kernels.find(key);
    if (it == table.kernels.end())
      return std::nullopt;
    return it->second;
  };
  if (auto kernel = find())
    return *kernel;

  std::lock_guard<std::mutex> compiling(table.compiling);
  if (auto kernel = find()) // Compiled while we waited.
    return *kernel;
  if (!table.isCacheOpen) {
    auto cache = ObjectCache::openDefault();
    if (!cache)
      return cache.takeError();
    table.cache = std::move(*cache);
    table.isCacheOpen = true;
  }
  uint64_t hits = table.cache ? table.cache->getCounters().hits : 0;
  auto executable =
      Executable::compile(getKernelSource(key), {}, table.cache.get());
  if (!executable)
    return executable.takeError();
  auto kernel = (*executable)->lookup("kernel");
  if (!kernel)
    return kernel.takeError();

  std::unique_lock<std::shared_mutex> lock(table.mutex);
  table.kernels.try_emplace(key, *kernel);
  table.executables.push_back(std::move(*executable));
  ++table.statistics.resident;
  if (table.cache && table.cache->getCounters().hits != hits)
    ++table.statistics.loaded;
  else
    ++table.statistics.compiled;
  return *kernel;
}

KernelStatistics mlir::dropout::getKernelStatistics() {
  KernelTable &table = getTable();
  std::shared_lock<std::shared_mutex> lock(table.mutex);
  return table.statistics;
}
