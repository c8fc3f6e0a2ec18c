//===- ObjectCache.cpp - Compiled programs kept in files ------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An entry is a header and the contents. Multi-byte numbers are little-endian.
//
//   byte 0    "dropout\n"
//        8    version of this format, 4 bytes; 4 bytes of zero
//       16    size of the contents, 8 bytes
//       24    key, 32 bytes
//       56    BLAKE3 of bytes 0 to 55 and of the contents, 32 bytes
//       88    the contents
//
//===----------------------------------------------------------------------===//

#include "dropout/ExecutionEngine/ObjectCache.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/Errno.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

using namespace mlir::dropout;
using namespace llvm;

static constexpr char magic[8] = {'d', 'r', 'o', 'p', 'o', 'u', 't', '\n'};
static constexpr uint32_t formatVersion = 1;
static constexpr size_t checksumOffset = 56;
static constexpr size_t headerSize = 88;
static constexpr StringLiteral entrySuffix = ".dropout";
static constexpr StringLiteral temporarySuffix = ".tmp";
/// A temporary file this old, in seconds, has lost its writer.
static constexpr time_t abandonedAge = 3600;

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

namespace {
/// Closes a file descriptor.
class ScopedFD {
public:
  explicit ScopedFD(int fd) : fd(fd) {}
  ~ScopedFD() {
    if (fd >= 0)
      ::close(fd);
  }
  ScopedFD(const ScopedFD &) = delete;
  ScopedFD &operator=(const ScopedFD &) = delete;

  operator int() const { return fd; }
  int release() { return std::exchange(fd, -1); }

private:
  int fd;
};
} // namespace

/// Whether nobody else could have written it.
static bool isPrivate(const struct stat &status) {
  return status.st_uid == ::geteuid() &&
         (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/// "0755".
static std::string formatMode(mode_t mode) {
  std::string text;
  raw_string_ostream(text) << format("%04o", unsigned(mode & 07777));
  return text;
}

static bool readAll(int fd, MutableArrayRef<char> buffer) {
  while (!buffer.empty()) {
    ssize_t count =
        sys::RetryAfterSignal(-1, ::read, fd, buffer.data(), buffer.size());
    if (count <= 0)
      return false;
    buffer = buffer.drop_front(count);
  }
  return true;
}

static bool writeAll(int fd, StringRef data) {
  while (!data.empty()) {
    ssize_t count =
        sys::RetryAfterSignal(-1, ::write, fd, data.data(), data.size());
    if (count <= 0)
      return false;
    data = data.drop_front(count);
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Entries
//===----------------------------------------------------------------------===//

/// The checksum of an entry with these first bytes.
static BLAKE3Result<> computeChecksum(StringRef header, StringRef contents) {
  BLAKE3 hash;
  hash.update(header.take_front(checksumOffset));
  hash.update(contents);
  return hash.final();
}

static std::array<char, headerSize> makeHeader(const ObjectKey &key,
                                               StringRef contents) {
  std::array<char, headerSize> header = {};
  std::memcpy(header.data(), magic, sizeof(magic));
  support::endian::write32le(header.data() + 8, formatVersion);
  support::endian::write64le(header.data() + 16, contents.size());
  std::memcpy(header.data() + 24, key.data(), key.size());
  auto checksum =
      computeChecksum(StringRef(header.data(), headerSize), contents);
  std::memcpy(header.data() + checksumOffset, checksum.data(), checksum.size());
  return header;
}

std::string ObjectCache::getFileName(const ObjectKey &key) {
  return toHex(key, /*LowerCase=*/true) + entrySuffix.str();
}

/// Whether it is a file of ours; others in the directory are left alone.
static bool isEntryName(StringRef name) {
  return name.consume_back(entrySuffix) &&
         name.size() == 2 * sizeof(ObjectKey) && all_of(name, isHexDigit);
}

static bool isTemporaryName(StringRef name) {
  return name.consume_back(temporarySuffix) &&
         isEntryName(name.rsplit('.').first);
}

std::unique_ptr<MemoryBuffer> ObjectCache::lookup(const ObjectKey &key) {
  std::string name = getFileName(key);
  // Not to wait for a pipe that somebody has put there.
  ScopedFD file(::openat(fd, name.c_str(),
                         O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (file < 0) {
    ++misses;
    if (errno != ENOENT)
      ++refused;
    return nullptr;
  }
  auto refuse = [&] {
    ++misses;
    ++refused;
    return nullptr;
  };
  struct stat status;
  if (::fstat(file, &status) != 0 || !S_ISREG(status.st_mode) ||
      !isPrivate(status) || status.st_size < off_t(headerSize) ||
      uint64_t(status.st_size) > maxSize)
    return refuse();

  // Read, not mapped: what was checked must not change.
  std::array<char, headerSize> header;
  size_t size = status.st_size - headerSize;
  auto contents = WritableMemoryBuffer::getNewUninitMemBuffer(size, name);
  if (!contents || !readAll(file, header) ||
      !readAll(file, contents->getBuffer()))
    return refuse();
  StringRef text(contents->getBufferStart(), size);
  if (header != makeHeader(key, text))
    return refuse();

  // Recently used; that it fails does no harm.
  (void)::futimens(file, nullptr);
  ++hits;
  return contents;
}

bool ObjectCache::store(const ObjectKey &key, StringRef contents) {
  auto fail = [&] {
    ++failedStores;
    return false;
  };
  if (headerSize + contents.size() > maxSize)
    return fail();
  std::string name = getFileName(key), temporary;
  // Names of other writers are other ones; a collision is left to them.
  temporary =
      (name + "." + Twine::utohexstr(sys::Process::getProcessId()) + "-" +
       Twine::utohexstr(sys::Process::GetRandomNumber()) + temporarySuffix)
          .str();
  {
    ScopedFD file(::openat(fd, temporary.c_str(),
                           O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                           S_IRUSR | S_IWUSR));
    if (file < 0)
      return fail();
    std::array<char, headerSize> header = makeHeader(key, contents);
    bool written = writeAll(file, StringRef(header.data(), header.size())) &&
                   writeAll(file, contents);
    // Some file systems say only now that they are full.
    written &= ::close(file.release()) == 0;
    if (!written) {
      ::unlinkat(fd, temporary.c_str(), 0);
      return fail();
    }
  }
  if (::renameat(fd, temporary.c_str(), fd, name.c_str()) != 0) {
    ::unlinkat(fd, temporary.c_str(), 0);
    return fail();
  }
  ++stores;
  prune(name);
  return true;
}

void ObjectCache::prune(StringRef keep) {
  // Other processes may add and delete at the same time: each bounds what it
  // sees, and a file that is gone already is no error.
  ScopedFD copy(::openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (copy < 0)
    return;
  DIR *stream = ::fdopendir(copy);
  if (!stream)
    return;
  copy.release();

  struct Entry {
    timespec used;
    uint64_t size;
    std::string name;
  };
  std::vector<Entry> entries;
  uint64_t total = 0;
  while (dirent *item = ::readdir(stream)) {
    StringRef name = item->d_name;
    bool temporary = isTemporaryName(name);
    struct stat status;
    if ((!temporary && !isEntryName(name)) ||
        ::fstatat(fd, item->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
      continue;
    if (!temporary) {
      total += status.st_size;
      if (name != keep)
        entries.push_back(
            {status.st_mtim, uint64_t(status.st_size), name.str()});
    } else if (status.st_mtime + abandonedAge < std::time(nullptr)) {
      ::unlinkat(fd, item->d_name, 0);
    }
  }
  ::closedir(stream);
  if (total <= maxSize)
    return;
  sort(entries, [](const Entry &a, const Entry &b) {
    return std::tie(a.used.tv_sec, a.used.tv_nsec, a.name) <
           std::tie(b.used.tv_sec, b.used.tv_nsec, b.name);
  });
  for (const Entry &entry : entries) {
    if (total <= maxSize)
      return;
    ::unlinkat(fd, entry.name.c_str(), 0);
    total -= entry.size;
  }
}

//===----------------------------------------------------------------------===//
// The directory
//===----------------------------------------------------------------------===//

Expected<std::unique_ptr<ObjectCache>> ObjectCache::open(StringRef directory,
                                                         uint64_t maxSize) {
  if (directory.empty())
    return createStringError("expected the name of a directory, but got ''");
  auto fail = [&](const Twine &message) {
    return createStringError("cannot keep compiled programs in " + directory +
                             ": " + message);
  };
  // With a separator at its end, a symbolic link would be followed.
  SmallString<128> path(directory);
  while (path.size() > 1 && sys::path::is_separator(path.back()))
    path.pop_back();
  if (std::error_code code = sys::fs::create_directories(
          path, /*IgnoreExisting=*/true, sys::fs::perms::owner_all))
    return fail(code.message());
  ScopedFD fd(
      ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (fd < 0)
    return errno == ENOTDIR || errno == ELOOP
               ? fail("expected a directory, but got a file or a symbolic link")
               : fail(sys::StrError());
  struct stat status;
  if (::fstat(fd, &status) != 0)
    return fail(sys::StrError());
  if (status.st_uid != ::geteuid())
    return fail("expected it to be owned by user " + Twine(::geteuid()) +
                ", but it is owned by user " + Twine(status.st_uid));
  if (!isPrivate(status))
    return fail("expected it to be writable by its owner alone, but its mode "
                "is " +
                formatMode(status.st_mode));
  return std::unique_ptr<ObjectCache>(
      new ObjectCache(fd.release(), path.str().str(), maxSize));
}

Expected<std::unique_ptr<ObjectCache>>
ObjectCache::openDefault(uint64_t maxSize) {
  if (::getuid() != ::geteuid() || ::getgid() != ::getegid())
    return nullptr;
  if (const char *named = std::getenv("DROPOUT_CACHE_DIR")) {
    if (*named == '\0')
      return nullptr;
    Expected<std::unique_ptr<ObjectCache>> cache = open(named, maxSize);
    if (!cache)
      return createStringError("DROPOUT_CACHE_DIR: " +
                               toString(cache.takeError()));
    return cache;
  }
  SmallString<128> path;
  if (!sys::path::cache_directory(path) || !sys::path::is_absolute(path))
    return nullptr;
  sys::path::append(path, "mlir-dropout");
  Expected<std::unique_ptr<ObjectCache>> cache = open(path, maxSize);
  if (cache)
    return cache;
  consumeError(cache.takeError());
  return nullptr;
}

ObjectCache::~ObjectCache() { ::close(fd); }

ObjectCache::Counters ObjectCache::getCounters() const {
  Counters counters;
  counters.hits = hits;
  counters.misses = misses;
  counters.refused = refused;
  counters.stores = stores;
  counters.failedStores = failedStores;
  return counters;
}
