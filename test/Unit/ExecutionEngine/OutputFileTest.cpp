//===- OutputFileTest.cpp - Whole files or none ---------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/ExecutionEngine/OutputFile.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include <gtest/gtest.h>

using namespace mlir::dropout;
using namespace llvm;

namespace {

struct OutputFileTest : public testing::Test {
  void SetUp() override {
    ASSERT_FALSE(sys::fs::createUniqueDirectory("dropout-output", folder));
  }
  void TearDown() override { sys::fs::remove_directories(folder); }

  std::string path(StringRef name) {
    SmallString<128> result(folder);
    sys::path::append(result, name);
    return result.str().str();
  }
  std::string read(StringRef name) {
    auto buffer = MemoryBuffer::getFile(path(name));
    return buffer ? (*buffer)->getBuffer().str() : "";
  }
  void write(StringRef name, StringRef text) {
    std::error_code code;
    raw_fd_ostream(path(name), code) << text;
  }
  size_t countFiles() {
    size_t count = 0;
    std::error_code code;
    for (sys::fs::directory_iterator it(folder, code), end; it != end && !code;
         it.increment(code))
      ++count;
    return count;
  }

  SmallString<128> folder;
};

TEST_F(OutputFileTest, AppearsAtCommit) {
  auto file = cantFail(OutputFile::create(path("x")));
  file->os() << "hello";
  EXPECT_FALSE(sys::fs::exists(path("x")));
  EXPECT_FALSE(bool(file->finish()));
  EXPECT_FALSE(bool(file->commit()));
  EXPECT_EQ(read("x"), "hello");
  file.reset();
  EXPECT_EQ(countFiles(), 1u);
}

TEST_F(OutputFileTest, DroppedWithoutCommit) {
  write("x", "old");
  {
    auto file = cantFail(OutputFile::create(path("x")));
    file->os() << "new";
    EXPECT_FALSE(bool(file->finish()));
  }
  EXPECT_EQ(read("x"), "old");
  EXPECT_EQ(countFiles(), 1u);
}

TEST_F(OutputFileTest, ReplacesTheTargetOfALink) {
  write("x", "old");
  ASSERT_FALSE(sys::fs::create_link(path("x"), path("link")));
  auto file = cantFail(OutputFile::create(path("link")));
  file->os() << "new";
  EXPECT_FALSE(bool(file->finish()));
  EXPECT_FALSE(bool(file->commit()));
  EXPECT_EQ(read("x"), "new");
  EXPECT_TRUE(sys::fs::is_symlink_file(path("link")));
}

TEST_F(OutputFileTest, Errors) {
  auto fails = [](StringRef path) {
    auto file = OutputFile::create(path);
    if (file)
      return false;
    consumeError(file.takeError());
    return true;
  };
  EXPECT_TRUE(fails(""));
  EXPECT_TRUE(fails(folder));
  EXPECT_TRUE(fails(path("no/x")));
  EXPECT_TRUE(fails(path(std::string(300, 'x'))));
  EXPECT_EQ(countFiles(), 0u);
}

#if defined(__linux__)
TEST_F(OutputFileTest, Devices) {
  auto null = cantFail(OutputFile::create("/dev/null"));
  null->os() << "gone";
  EXPECT_FALSE(bool(null->finish()));
  EXPECT_FALSE(bool(null->commit()));
  // It is still a device.
  sys::fs::file_status status;
  ASSERT_FALSE(sys::fs::status("/dev/null", status));
  EXPECT_EQ(status.type(), sys::fs::file_type::character_file);

  auto full = cantFail(OutputFile::create("/dev/full"));
  full->os() << "too much";
  EXPECT_FALSE(bool(full->finish()));
  Error error = full->commit();
  EXPECT_TRUE(bool(error));
  consumeError(std::move(error));
}
#endif

} // namespace
