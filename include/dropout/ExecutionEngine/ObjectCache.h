//===- ObjectCache.h - Compiled programs kept in files ----------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   auto cache = ObjectCache::openDefault();
//   auto executable = Executable::compile(source, options, cache->get());
//
// A directory with one file per compiled program. The name of a file is the
// hash of everything that the machine code depends on, so an entry is never out
// of date; it is only ever missing, or too old to be kept.
//
// Whoever can write to the directory can run code as its user. So directory and
// entries must belong to the effective user and be writable by nobody else, and
// no symbolic link is followed. A checksum over the whole entry finds what a
// full disk or a crash left behind; it is no defence against the user.
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_EXECUTIONENGINE_OBJECTCACHE_H
#define DROPOUT_EXECUTIONENGINE_OBJECTCACHE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

namespace mlir::dropout {

/// Identifies a compiled program: a hash of 256 bits.
using ObjectKey = std::array<uint8_t, 32>;

/// Files of compiled programs. Any number of threads may use one object, and
/// any number of processes one directory. Only `open` and `openDefault` have
/// errors: an entry that is missing, damaged, of a foreign version or not to be
/// trusted is a miss, and what can't be written is not kept.
class ObjectCache {
public:
  /// Bytes of entries that are kept, 256 MiB.
  static constexpr uint64_t kDefaultMaxSize = uint64_t(256) << 20;

  /// Uses \p directory, which is created, readable for its user alone, if it is
  /// not there. Entries hold at most \p maxSize bytes in all; the least
  /// recently used go first. Error if it can't be created, is no directory or a
  /// symbolic link, or if others own it or may write to it.
  static llvm::Expected<std::unique_ptr<ObjectCache>>
  open(llvm::StringRef directory, uint64_t maxSize = kDefaultMaxSize);

  /// Uses the directory that the environment variable DROPOUT_CACHE_DIR names;
  /// if it is not set, `mlir-dropout` in $XDG_CACHE_HOME or ~/.cache. Null,
  /// which stands for no cache, if DROPOUT_CACHE_DIR is empty or if there is no
  /// directory that can be used. An error is about DROPOUT_CACHE_DIR only: what
  /// the user did not ask for does not fail. A set-user-ID process, whose
  /// environment belongs to somebody else, gets null.
  static llvm::Expected<std::unique_ptr<ObjectCache>>
  openDefault(uint64_t maxSize = kDefaultMaxSize);

  ~ObjectCache();
  ObjectCache(const ObjectCache &) = delete;
  ObjectCache &operator=(const ObjectCache &) = delete;

  const std::string &getDirectory() const { return directory; }

  /// The contents stored under \p key, in memory of their own; null on a miss.
  std::unique_ptr<llvm::MemoryBuffer> lookup(const ObjectKey &key);

  /// Keeps \p contents under \p key, in place of what was there, in one step.
  /// Then deletes old entries until the rest, this one included, fits. False if
  /// the entry is not kept (too large, disk full, directory read-only).
  bool store(const ObjectKey &key, llvm::StringRef contents);

  /// What happened so far through this object.
  struct Counters {
    uint64_t hits = 0;
    /// Lookups without a result, `refused` ones included.
    uint64_t misses = 0;
    /// Entries that were there but damaged, foreign or not to be trusted.
    uint64_t refused = 0;
    uint64_t stores = 0;
    uint64_t failedStores = 0;
  };
  Counters getCounters() const;

  /// The name of the file of an entry in the directory.
  static std::string getFileName(const ObjectKey &key);

private:
  ObjectCache(int fd, std::string directory, uint64_t maxSize)
      : fd(fd), directory(std::move(directory)), maxSize(maxSize) {}

  /// Deletes old entries other than \p keep, and what interrupted writers left.
  void prune(llvm::StringRef keep);

  /// The directory itself: what it is checked for stays true of it.
  int fd;
  std::string directory;
  uint64_t maxSize;
  std::atomic<uint64_t> hits{0}, misses{0}, refused{0}, stores{0},
      failedStores{0};
};

} // namespace mlir::dropout

#endif // DROPOUT_EXECUTIONENGINE_OBJECTCACHE_H
