//===- ObjectCacheTest.cpp - Entries, damage, trust and size --------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/ExecutionEngine/ObjectCache.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

using namespace mlir::dropout;
using namespace llvm;

namespace {

std::string message(Error error) { return toString(std::move(error)); }

ObjectKey makeKey(StringRef name) {
  return BLAKE3::hash<32>(arrayRefFromStringRef(name));
}

struct ObjectCacheTest : public testing::Test {
  void SetUp() override {
    ASSERT_FALSE(sys::fs::createUniqueDirectory("dropout-cache", folder));
    ASSERT_EQ(::chmod(folder.c_str(), 0700), 0);
    cache = cantFail(ObjectCache::open(folder));
  }
  void TearDown() override { sys::fs::remove_directories(folder); }

  std::string path(StringRef name) {
    SmallString<128> result(folder);
    sys::path::append(result, name);
    return result.str().str();
  }
  std::string path(const ObjectKey &key) {
    return path(ObjectCache::getFileName(key));
  }
  static std::string read(const std::string &file) {
    auto buffer = MemoryBuffer::getFile(file);
    return buffer ? (*buffer)->getBuffer().str() : "<none>";
  }
  /// Keeps the inode and its mode.
  static void write(const std::string &file, StringRef bytes) {
    std::error_code code;
    raw_fd_ostream(file, code) << bytes;
    ASSERT_FALSE(code) << code.message();
  }
  std::vector<std::string> list() {
    std::vector<std::string> names;
    std::error_code code;
    for (sys::fs::directory_iterator it(folder, code), end; it != end && !code;
         it.increment(code))
      names.push_back(sys::path::filename(it->path()).str());
    sort(names);
    return names;
  }
  /// The contents, or "<miss>".
  std::string lookup(const ObjectKey &key) {
    auto contents = cache->lookup(key);
    return contents ? contents->getBuffer().str() : "<miss>";
  }
  /// A lookup that finds something and does not take it.
  void expectRefused(const ObjectKey &key, const Twine &what) {
    ObjectCache::Counters before = cache->getCounters();
    EXPECT_EQ(lookup(key), "<miss>") << what.str();
    ObjectCache::Counters after = cache->getCounters();
    EXPECT_EQ(after.refused, before.refused + 1) << what.str();
    EXPECT_EQ(after.misses, before.misses + 1) << what.str();
  }
  static void setAge(const std::string &file, time_t seconds) {
    timespec times[2] = {};
    times[0].tv_sec = times[1].tv_sec = ::time(nullptr) - seconds;
    ASSERT_EQ(::utimensat(AT_FDCWD, file.c_str(), times, 0), 0);
  }

  SmallString<128> folder;
  std::unique_ptr<ObjectCache> cache;
  ObjectKey key = makeKey("a");
};

//===----------------------------------------------------------------------===//
// Entries
//===----------------------------------------------------------------------===//

TEST_F(ObjectCacheTest, StoreAndLookup) {
  EXPECT_EQ(lookup(key), "<miss>");
  EXPECT_EQ(cache->getCounters().refused, 0u);
  EXPECT_TRUE(cache->store(key, StringRef("con\0tents", 9)));
  EXPECT_EQ(lookup(key), std::string("con\0tents", 9));
  EXPECT_EQ(lookup(makeKey("b")), "<miss>");
  EXPECT_TRUE(cache->store(key, ""));
  EXPECT_EQ(lookup(key), "");
  EXPECT_EQ(list(), std::vector<std::string>{ObjectCache::getFileName(key)});
  // For its user alone, whatever the umask.
  struct stat status;
  ASSERT_EQ(::stat(path(key).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
  // Another object, as another process would have it.
  auto other = cantFail(ObjectCache::open(folder));
  EXPECT_TRUE(bool(other->lookup(key)));

  ObjectCache::Counters counters = cache->getCounters();
  EXPECT_EQ(counters.hits, 2u);
  EXPECT_EQ(counters.misses, 2u);
  EXPECT_EQ(counters.refused, 0u);
  EXPECT_EQ(counters.stores, 2u);
  EXPECT_EQ(counters.failedStores, 0u);
}

TEST_F(ObjectCacheTest, DamagedEntries) {
  ASSERT_TRUE(cache->store(key, "the contents of an entry"));
  const std::string good = read(path(key));
  ASSERT_EQ(good.size(), 88u + 24u);
  // Every byte matters.
  for (size_t i = 0; i < good.size(); ++i)
    for (uint8_t flip : {0x01, 0x80}) {
      std::string bad = good;
      bad[i] ^= flip;
      write(path(key), bad);
      expectRefused(key, "byte " + Twine(i));
    }
  // And so does every length.
  for (size_t size = 0; size < good.size(); ++size) {
    write(path(key), StringRef(good).take_front(size));
    expectRefused(key, "size " + Twine(size));
  }
  write(path(key), good + "x");
  expectRefused(key, "one byte more");
  write(path(key), std::string(good.size(), '\0'));
  expectRefused(key, "zeros, as a crash leaves them");

  // It is replaced, and all is well.
  EXPECT_TRUE(cache->store(key, "new"));
  EXPECT_EQ(lookup(key), "new");
  write(path(key), good);
  EXPECT_EQ(lookup(key), "the contents of an entry");
}

TEST_F(ObjectCacheTest, SoundEntryOfAnotherVersionOrKey) {
  ASSERT_TRUE(cache->store(key, "contents"));
  const std::string good = read(path(key));
  auto seal = [](std::string bytes) {
    BLAKE3 hash;
    hash.update(StringRef(bytes).take_front(56));
    hash.update(StringRef(bytes).drop_front(88));
    auto sum = hash.final();
    bytes.replace(56, 32, reinterpret_cast<const char *>(sum.data()), 32);
    return bytes;
  };
  EXPECT_EQ(seal(good), good); // So that it is not the checksum that fails.
  std::string version = good;
  support::endian::write32le(&version[8], 2);
  write(path(key), seal(version));
  expectRefused(key, "version 2");
  std::string reserved = good;
  reserved[12] = 1;
  write(path(key), seal(reserved));
  expectRefused(key, "reserved bytes");
  // An entry under another name, which a rename or a copy makes.
  ObjectKey other = makeKey("b");
  write(path(key), good);
  ASSERT_FALSE(sys::fs::copy_file(path(key), path(other)));
  expectRefused(other, "the entry of another key");
  EXPECT_EQ(lookup(key), "contents");
}

//===----------------------------------------------------------------------===//
// Trust
//===----------------------------------------------------------------------===//

TEST_F(ObjectCacheTest, EntriesThatOthersMayHaveWritten) {
  ASSERT_TRUE(cache->store(key, "contents"));
  for (mode_t mode : {0620, 0602, 0666}) {
    ASSERT_EQ(::chmod(path(key).c_str(), mode), 0);
    expectRefused(key, "mode " + Twine(mode));
  }
  ASSERT_EQ(::chmod(path(key).c_str(), 0644), 0);
  EXPECT_EQ(lookup(key), "contents");
  if (::geteuid() == 0) { // Only root can give a file away.
    ASSERT_EQ(::chown(path(key).c_str(), 12345, -1), 0);
    expectRefused(key, "another owner");
    ASSERT_EQ(::chown(path(key).c_str(), 0, -1), 0);
  }

  // A link to an entry that is sound.
  ASSERT_EQ(::rename(path(key).c_str(), path("moved").c_str()), 0);
  ASSERT_EQ(::symlink("moved", path(key).c_str()), 0);
  expectRefused(key, "a symbolic link");
  EXPECT_TRUE(cache->store(key, "new"));
  EXPECT_EQ(lookup(key), "new");
  EXPECT_NE(read(path("moved")), read(path(key))); // Not written through.
  // What is no file, and a pipe that nobody writes to.
  ASSERT_EQ(::unlink(path(key).c_str()), 0);
  ASSERT_EQ(::mkfifo(path(key).c_str(), 0600), 0);
  expectRefused(key, "a pipe");
  ASSERT_EQ(::unlink(path(key).c_str()), 0);
  ASSERT_EQ(::mkdir(path(key).c_str(), 0700), 0);
  expectRefused(key, "a directory");
  EXPECT_FALSE(cache->store(key, "new"));
  EXPECT_EQ(cache->getCounters().failedStores, 1u);
  EXPECT_EQ(list().size(), 2u); // No temporary file is left.
}

TEST_F(ObjectCacheTest, DirectoryIsCreatedPrivate) {
  mode_t before = ::umask(0);
  auto made = ObjectCache::open(path("some/deep/directory/"));
  ::umask(before);
  ASSERT_TRUE(bool(made)) << message(made.takeError());
  EXPECT_EQ((*made)->getDirectory(), path("some/deep/directory"));
  struct stat status;
  ASSERT_EQ(::stat(path("some/deep/directory").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0700u);
}

TEST_F(ObjectCacheTest, DirectoriesThatAreRefused) {
  auto refusal = [&](StringRef directory) {
    auto opened = ObjectCache::open(directory);
    if (opened)
      return std::string("no error");
    std::string text = message(opened.takeError());
    StringRef rest(text);
    EXPECT_TRUE(rest.consume_front("cannot keep compiled programs in " +
                                   directory.str() + ": ") ||
                directory.empty());
    return rest.str();
  };
  EXPECT_EQ(refusal(""), "expected the name of a directory, but got ''");
  write(path("file"), "");
  EXPECT_NE(refusal(path("file")), "no error");
  EXPECT_NE(refusal(path("file/inside")), "no error");
  ASSERT_EQ(::symlink(folder.c_str(), path("link").c_str()), 0);
  for (const char *name : {"link", "link/"})
    EXPECT_EQ(refusal(path(name)),
              "expected a directory, but got a file or a symbolic link");
  ASSERT_EQ(::mkdir(path("open").c_str(), 0700), 0);
  for (mode_t mode : {0720, 0702, 0777}) {
    ASSERT_EQ(::chmod(path("open").c_str(), mode), 0);
    EXPECT_EQ(
        refusal(path("open")),
        "expected it to be writable by its owner alone, but its mode is 0" +
            std::string(mode == 0720   ? "720"
                        : mode == 0702 ? "702"
                                       : "777"));
  }
  ASSERT_EQ(::chmod(path("open").c_str(), 0755), 0);
  EXPECT_EQ(refusal(path("open")), "no error");

  std::string foreign = "/usr";
  uid_t owner = 0;
  if (::geteuid() == 0) {
    foreign = path("open");
    owner = 12345;
    ASSERT_EQ(::chown(foreign.c_str(), owner, -1), 0);
  }
  EXPECT_EQ(refusal(foreign),
            "expected it to be owned by user " + std::to_string(::geteuid()) +
                ", but it is owned by user " + std::to_string(owner));
}

/// Sets environment variables until it goes.
class Environment {
public:
  Environment(const char *name, const char *value) : name(name) {
    if (const char *text = std::getenv(name))
      before = text;
    if (value)
      ::setenv(name, value, 1);
    else
      ::unsetenv(name);
  }
  ~Environment() {
    if (before)
      ::setenv(name, before->c_str(), 1);
    else
      ::unsetenv(name);
  }

private:
  const char *name;
  std::optional<std::string> before;
};

TEST_F(ObjectCacheTest, DefaultDirectory) {
  auto open = [] { return ObjectCache::openDefault(); };
  std::string home = path("home");
  Environment environmentHome("HOME", home.c_str());
  {
    Environment xdg("XDG_CACHE_HOME", path("xdg").c_str());
    {
      Environment named("DROPOUT_CACHE_DIR", path("named").c_str());
      EXPECT_EQ(cantFail(open())->getDirectory(), path("named"));
    }
    {
      Environment off("DROPOUT_CACHE_DIR", "");
      EXPECT_EQ(cantFail(open()), nullptr);
    }
    Environment unset("DROPOUT_CACHE_DIR", nullptr);
    EXPECT_EQ(cantFail(open())->getDirectory(), path("xdg/mlir-dropout"));
    // What the user did not ask for does not fail.
    ASSERT_EQ(::chmod(path("xdg/mlir-dropout").c_str(), 0777), 0);
    EXPECT_EQ(cantFail(open()), nullptr);
    Environment relative("XDG_CACHE_HOME", "relative");
    EXPECT_EQ(cantFail(open()), nullptr);
    EXPECT_FALSE(sys::fs::exists("relative"));
  }
  {
    Environment unset("DROPOUT_CACHE_DIR", nullptr);
    Environment noXdg("XDG_CACHE_HOME", nullptr);
    EXPECT_EQ(cantFail(open())->getDirectory(),
              path("home/.cache/mlir-dropout"));
  }
  write(path("file"), "");
  Environment named("DROPOUT_CACHE_DIR", path("file").c_str());
  auto failed = open();
  ASSERT_FALSE(bool(failed));
  EXPECT_TRUE(StringRef(message(failed.takeError()))
                  .starts_with("DROPOUT_CACHE_DIR: cannot keep compiled "
                               "programs in " +
                               path("file") + ": "));
}

//===----------------------------------------------------------------------===//
// Size, and no room
//===----------------------------------------------------------------------===//

TEST_F(ObjectCacheTest, LeastRecentlyUsedGoFirst) {
  constexpr size_t size = 1000, entrySize = size + 88;
  const std::string contents(size, 'x');
  cache = cantFail(ObjectCache::open(folder, 3 * entrySize));
  const ObjectKey a = makeKey("a"), b = makeKey("b"), c = makeKey("c"),
                  d = makeKey("d"), e = makeKey("e");
  write(path("notes.txt"), contents + contents + contents + contents);
  for (const ObjectKey &key : {a, b, c})
    ASSERT_TRUE(cache->store(key, contents));
  setAge(path(a), 300);
  setAge(path(b), 200);
  setAge(path(c), 100);
  // Three fit; looking makes the oldest the youngest.
  EXPECT_EQ(lookup(a), contents);
  ASSERT_TRUE(cache->store(d, contents));
  EXPECT_FALSE(sys::fs::exists(path(b)));
  EXPECT_TRUE(sys::fs::exists(path(a)) && sys::fs::exists(path(c)));
  // Storing an entry again takes no more room.
  ASSERT_TRUE(cache->store(d, contents));
  EXPECT_TRUE(sys::fs::exists(path(a)) && sys::fs::exists(path(c)));
  // A big one takes the room of all others; files of others do not count.
  setAge(path(a), -100); // Even of those that are younger.
  ASSERT_TRUE(cache->store(e, contents + contents + contents));
  EXPECT_EQ(list(), (std::vector<std::string>{ObjectCache::getFileName(e),
                                              "notes.txt"}));
  // One that is larger than everything is not kept, and costs no other.
  EXPECT_FALSE(cache->store(a, std::string(3 * entrySize - 87, 'x')));
  EXPECT_TRUE(sys::fs::exists(path(e)));
  EXPECT_FALSE(sys::fs::exists(path(a)));
}

TEST_F(ObjectCacheTest, WhatInterruptedWritersLeave) {
  std::string name = ObjectCache::getFileName(makeKey("b"));
  write(path(name + ".1-2.tmp"), "half");
  write(path(name + ".3-4.tmp"), "half");
  write(path("mine.tmp"), "not ours");
  setAge(path(name + ".1-2.tmp"), 2 * 3600);
  setAge(path("mine.tmp"), 2 * 3600);
  ASSERT_TRUE(cache->store(key, "contents"));
  EXPECT_FALSE(sys::fs::exists(path(name + ".1-2.tmp")));
  EXPECT_TRUE(sys::fs::exists(path(name + ".3-4.tmp"))); // Still at it.
  EXPECT_TRUE(sys::fs::exists(path("mine.tmp")));
}

TEST_F(ObjectCacheTest, FullDisk) {
  ASSERT_TRUE(cache->store(key, "old"));
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  for (rlim_t room : {0, 50, 88, 1000}) { // In the header, after it, later.
    small.rlim_cur = room;
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    bool stored = cache->store(key, std::string(100000, 'x'));
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    EXPECT_FALSE(stored);
  }
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(cache->getCounters().failedStores, 4u);
  EXPECT_EQ(lookup(key), "old");
  EXPECT_EQ(list().size(), 1u);
}

TEST_F(ObjectCacheTest, DirectoryThatIsGone) {
  sys::fs::remove_directories(folder);
  EXPECT_EQ(lookup(key), "<miss>");
  EXPECT_FALSE(cache->store(key, "contents"));
  EXPECT_FALSE(sys::fs::exists(folder));
}

//===----------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------===//

TEST_F(ObjectCacheTest, Threads) {
  // Two objects on one directory, as two processes have them, with room for
  // half of the entries.
  constexpr int numThreads = 4, numRounds = 300, numKeys = 8;
  std::unique_ptr<ObjectCache> caches[2];
  for (auto &each : caches)
    each = cantFail(ObjectCache::open(folder, 4 * (4000 + 88)));
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int id = 0; id < numThreads; ++id)
    threads.emplace_back([&, id] {
      ObjectCache &mine = *caches[id % 2];
      for (int round = 0; round < numRounds; ++round) {
        int which = (round * 7 + id * 3) % numKeys;
        ObjectKey key = makeKey(std::to_string(which));
        std::string contents(4000, 'a' + which);
        if (auto found = mine.lookup(key)) {
          if (found->getBuffer() != contents)
            ++wrong;
        } else if (!mine.store(key, contents)) {
          ++wrong;
        }
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
  for (auto &each : caches)
    EXPECT_EQ(each->getCounters().refused, 0u); // Nobody saw half an entry.
  ASSERT_TRUE(caches[0]->store(key, "last"));
  EXPECT_LE(list().size(), 5u);
}

} // namespace
