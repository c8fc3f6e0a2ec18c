//===- KernelTable.cpp - Kernels of this process --------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelTable.h"
#include "KernelSource.h"
#include "dropout/ExecutionEngine/ForkGate.h"

#include "llvm/Support/xxhash.h"
#include <array>
#include <atomic>
#include <mutex>

using namespace mlir;
using namespace mlir::dropout;

namespace {
struct Kernel {
  std::string key;
  CompiledFunction function;
  const Kernel *next; ///< In the same bucket.
};

/// Kernels are never unloaded: a call on another thread may be inside of one.
struct KernelTable {
  /// Read without a lock, which would cost calls their time, and a child of
  /// fork(2) would have to know who held it: a kernel that is in a list stays
  /// as it is, and new ones are put before it.
  std::array<std::atomic<const Kernel *>, 256> buckets = {};
  std::atomic<uint64_t> compiled{0}, loaded{0};

  std::atomic<const Kernel *> &getBucket(StringRef key) {
    return buckets[llvm::xxh3_64bits(key) % buckets.size()];
  }

  /// Guards what follows, and the writing of the above. Held while a kernel is
  /// compiled, so that two threads do not compile the same one; taken inside of
  /// the ForkGate only.
  std::mutex mutex;
  std::vector<std::unique_ptr<Executable>> executables;
  /// Opened by the first compilation; null if there is none.
  std::unique_ptr<ObjectCache> cache;
  bool isCacheOpen = false;
};
} // namespace

/// Never destroyed: threads may run on while the process ends.
static KernelTable &getTable() {
  static auto *table = new KernelTable();
  return *table;
}

/// Made when the library is loaded, for children of fork(2): see ForkGate.cpp.
[[maybe_unused]] static const KernelTable &madeTable = getTable();

static const CompiledFunction *lookup(const std::atomic<const Kernel *> &bucket,
                                      StringRef key) {
  const Kernel *kernel = bucket.load(std::memory_order_acquire);
  while (kernel && kernel->key != key)
    kernel = kernel->next;
  return kernel ? &kernel->function : nullptr;
}

llvm::Expected<CompiledFunction> mlir::dropout::getKernel(StringRef key) {
  KernelTable &table = getTable();
  std::atomic<const Kernel *> &bucket = table.getBucket(key);
  if (const CompiledFunction *kernel = lookup(bucket, key))
    return *kernel;

  ForkGate gate;
  std::lock_guard<std::mutex> lock(table.mutex);
  if (const CompiledFunction *kernel = lookup(bucket, key))
    return *kernel; // Compiled while we waited.
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

  table.executables.push_back(std::move(*executable));
  bool isLoaded = table.cache && table.cache->getCounters().hits != hits;
  ++(isLoaded ? table.loaded : table.compiled);
  bucket.store(new Kernel{key.str(), *kernel, bucket.load()},
               std::memory_order_release);
  return *kernel;
}

KernelStatistics mlir::dropout::getKernelStatistics() {
  const KernelTable &table = getTable();
  KernelStatistics statistics;
  statistics.compiled = table.compiled;
  statistics.loaded = table.loaded;
  statistics.resident = statistics.compiled + statistics.loaded;
  return statistics;
}
