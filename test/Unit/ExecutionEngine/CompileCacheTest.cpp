//===- CompileCacheTest.cpp - Programs compiled once ----------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/ExecutionEngine/Executable.h"
#include "dropout/InitAll.h"

#include "dropout/InitAll.h"
#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/TargetParser/Host.h"
#include <atomic>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <thread>

using namespace mlir;
using namespace mlir::dropout;

namespace {

constexpr const char *source = R"(
func.func @f(%x: tensor<?x8xf32>, %p: f64, %seed: i64, %offset: i64)
    -> (tensor<?x8xf32>, i64) {
  %y = dropout.alpha %x p(%p) rng(%seed, %offset) : tensor<?x8xf32>
  return %y, %offset : tensor<?x8xf32>, i64
}
func.func @strided(%x: memref<?x8xf32, strided<[?, 1], offset: ?>>, %t: i1) {
  dropout.element %x into %x p = 0.25 training(%t)
    : memref<?x8xf32, strided<[?, 1], offset: ?>>, memref<?x8xf32, strided<[?, 1], offset: ?>>
  return
}
)";

std::string message(llvm::Error error) { return toString(std::move(error)); }

struct CompileCacheTest : public testing::Test {
  void SetUp() override {
    ASSERT_FALSE(
        llvm::sys::fs::createUniqueDirectory("dropout-compile", folder));
    ASSERT_EQ(::chmod(folder.c_str(), 0700), 0);
    cache = llvm::cantFail(ObjectCache::open(folder));
  }
  void TearDown() override { llvm::sys::fs::remove_directories(folder); }

  std::unique_ptr<Executable> compile(StringRef text,
                                      const CompileOptions &options = {}) {
    auto executable =
        Executable::compile(text, options, cache.get(),
                            [&]() -> llvm::Expected<std::unique_ptr<Program>> {
                              ++numCompiled;
                              return Program::compileSource(text, options);
                            });
    EXPECT_TRUE(bool(executable)) << message(executable.takeError());
    return executable ? std::move(*executable) : nullptr;
  }
  /// How often the compiler runs for that program.
  int countCompiles(StringRef text, const CompileOptions &options = {}) {
    int before = numCompiled;
    compile(text, options);
    return numCompiled - before;
  }
  /// The bytes that @f makes of numbers, NaN and infinity among them.
  static std::string run(const Executable &executable, int64_t rows = 50) {
    std::vector<float> x(8 * rows);
    for (size_t i = 0; i < x.size(); ++i)
      x[i] = i == 17 ? __builtin_nanf("") : 0.37f * float(i) - 40;
    x[18] = __builtin_inff();
    ArrayView view = {ElementType::F32, {rows, 8}, {8, 1}, x.data()};
    auto results =
        llvm::cantFail(llvm::cantFail(executable.lookup("f"))
                           .call({Argument::array(view), Argument::f64(0.3),
                                  Argument::i64(42), Argument::i64(7)}));
    const ArrayView &y = results.front().getArray();
    return std::string(static_cast<const char *>(y.data), 4 * 8 * rows) +
           std::to_string(results.back().getBits());
  }
  /// The only entry there is.
  std::string findEntry() {
    std::error_code code;
    llvm::sys::fs::directory_iterator it(folder, code);
    return it->path();
  }

  SmallString<128> folder;
  std::unique_ptr<ObjectCache> cache;
  int numCompiled = 0;
};

bool isSame(const std::vector<ValueType> &types,
            const std::vector<ValueType> &others) {
  return llvm::equal(types, others, [](const ValueType &a, const ValueType &b) {
    return a.kind == b.kind && a.element == b.element && a.role == b.role &&
           a.shape == b.shape && a.strides == b.strides &&
           a.offset == b.offset && a.isContiguous == b.isContiguous &&
           a.text == b.text;
  });
}

TEST_F(CompileCacheTest, SameBitsAndSignatures) {
  for (Lowering lowering : {Lowering::Vector, Lowering::Linalg,
                            Lowering::LinalgInline, Lowering::Affine}) {
    CompileOptions options;
    options.lowering = lowering;
    auto fresh = compile(source, options);
    auto cached = compile(source, options);
    ASSERT_TRUE(fresh && cached);
    EXPECT_EQ(run(*fresh), run(*cached));
    auto without = llvm::cantFail(Executable::compile(source, options));
    EXPECT_EQ(run(*without), run(*cached));

    ASSERT_EQ(cached->getSignatures().size(), 2u);
    for (auto [a, b] :
         llvm::zip_equal(fresh->getSignatures(), cached->getSignatures())) {
      EXPECT_EQ(a.name, b.name);
      EXPECT_EQ(a.entryPoint, b.entryPoint);
      EXPECT_TRUE(isSame(a.arguments, b.arguments));
      EXPECT_TRUE(isSame(a.results, b.results));
    }
    EXPECT_EQ(cached->getSignatures()[0].arguments[1].role, ArgumentRole::P);
  }
  EXPECT_EQ(numCompiled, 4);
  ObjectCache::Counters counters = cache->getCounters();
  EXPECT_EQ(counters.hits, 4u);
  EXPECT_EQ(counters.stores, 4u);
}

/// A feature of this machine.
static std::string anyFeature() {
  for (const auto &feature : llvm::sys::getHostCPUFeatures())
    if (feature.second)
      return feature.first().str();
  return "";
}

TEST_F(CompileCacheTest, WhatTheKeyHolds) {
  EXPECT_EQ(countCompiles(source), 1);
  EXPECT_EQ(countCompiles(source), 0);
  // The bytes of the source.
  EXPECT_EQ(countCompiles(std::string(source) + " "), 1);
  // Every option that the code depends on.
  CompileOptions options;
  options.lowering = Lowering::Affine;
  EXPECT_EQ(countCompiles(source, options), 1);
  options = {};
  options.optimizationLevel = 1;
  EXPECT_EQ(countCompiles(source, options), 1);
  options = {};
  options.function = "f";
  EXPECT_EQ(countCompiles(source, options), 1);
  EXPECT_EQ(countCompiles(source, options), 0);
  options = {};
  options.triple = llvm::sys::getProcessTriple();
  EXPECT_EQ(countCompiles(source, options), 1);
  options.cpu = "generic";
  EXPECT_EQ(countCompiles(source, options), 1);
  options.features = "+" + anyFeature();
  EXPECT_EQ(countCompiles(source, options), 1);
  EXPECT_EQ(countCompiles(source, options), 0);
  // And no other.
  options = {};
  options.verifyEach = true;
  options.forwardDiagnostics = true;
  EXPECT_EQ(countCompiles(source, options), 0);
}

TEST_F(CompileCacheTest, Bytecode) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  auto module = parseSourceString<ModuleOp>(source, &context);
  std::string bytes;
  llvm::raw_string_ostream os(bytes);
  ASSERT_TRUE(succeeded(writeBytecodeToFile(*module, os)));
  EXPECT_EQ(run(*compile(bytes)), run(*compile(source)));
  EXPECT_EQ(numCompiled, 2);
  EXPECT_EQ(run(*compile(bytes)), run(*compile(source)));
  EXPECT_EQ(numCompiled, 2);
}

TEST_F(CompileCacheTest, OneFunction) {
  // The others need not even have a lowering.
  std::string text = std::string(source) +
                     "func.func @bad(%x: tensor<*xf32>) -> tensor<*xf32> {\n"
                     "  return %x : tensor<*xf32>\n}\n";
  CompileOptions options;
  options.function = "f";
  auto executable = compile(text, options);
  ASSERT_TRUE(executable);
  ASSERT_EQ(executable->getSignatures().size(), 1u);
  EXPECT_EQ(run(*executable), run(*compile(source)));

  options.function = "magic";
  auto failed = Executable::compile(text, options, cache.get());
  ASSERT_FALSE(bool(failed));
  EXPECT_EQ(message(failed.takeError()),
            "expected the name of a public function with a body, but got "
            "'magic'");
}

TEST_F(CompileCacheTest, DamagedEntriesAreReplaced) {
  auto good = compile(source);
  const std::string expected = run(*good);
  const std::string entry = findEntry();
  uint64_t size;
  ASSERT_FALSE(llvm::sys::fs::file_size(entry, size));
  auto damage = [&](uint64_t at) {
    std::fstream file(entry, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(at);
    char byte = file.get() ^ 0x10;
    file.seekp(at);
    file.put(byte);
  };
  // In the header, in machine code, in the signatures.
  for (uint64_t at : {uint64_t(0), uint64_t(60), size / 2, size - 1}) {
    damage(at);
    int before = numCompiled;
    EXPECT_EQ(run(*compile(source)), expected);
    EXPECT_EQ(numCompiled, before + 1);
    EXPECT_EQ(countCompiles(source), 0);
  }
  for (uint64_t length : {uint64_t(0), uint64_t(50), size - 1}) {
    ASSERT_EQ(::truncate(entry.c_str(), length), 0);
    int before = numCompiled;
    EXPECT_EQ(run(*compile(source)), expected);
    EXPECT_EQ(numCompiled, before + 1);
    EXPECT_EQ(countCompiles(source), 0);
  }
}

/// Entries whose checksum is right and whose contents are not: what another
/// version of the code that writes them could leave.
TEST_F(CompileCacheTest, SoundEntriesOfOtherContents) {
  auto good = compile(source);
  const std::string expected = run(*good);
  std::string hex = llvm::fromHex(
      llvm::sys::path::stem(llvm::sys::path::filename(findEntry())));
  ObjectKey key;
  ASSERT_EQ(hex.size(), key.size());
  std::memcpy(key.data(), hex.data(), key.size());
  const std::string contents = cache->lookup(key)->getBuffer().str();
  auto check = [&](StringRef bytes, const Twine &what) {
    ASSERT_TRUE(cache->store(key, bytes));
    int before = numCompiled;
    EXPECT_EQ(run(*compile(source)), expected) << what.str();
    EXPECT_EQ(numCompiled, before + 1) << what.str();
    EXPECT_EQ(cache->lookup(key)->getBuffer(), contents) << what.str();
  };
  check("", "nothing");
  check("garbage", "garbage");
  check(std::string(4096, '\xff'), "huge sizes");
  check(StringRef(contents).drop_back(), "one byte less");
  check(contents + "x", "one byte more");
  std::string bad = contents;
  bad[8] ^= 1;
  check(bad, "another version");
  bad = contents;
  bad[16] ^= 1;
  check(bad, "no object file");
  bad = contents;
  bad.replace(16 + 16, 64, 64, '\xff');
  check(bad, "a damaged object file");
}

TEST_F(CompileCacheTest, WhatDoesNotLoadIsNotKept) {
  for (StringRef text : {"func.func private @no_such_function_anywhere()\n"
                         "func.func @f() {\n"
                         "  call @no_such_function_anywhere() : () -> ()\n"
                         "  return\n"
                         "}",
                         "func.func @f() { magic }"}) {
    auto failed = Executable::compile(text, {}, cache.get());
    ASSERT_FALSE(bool(failed));
    std::string text2 = message(failed.takeError());
    EXPECT_TRUE(text2 == "expected this process to have what the program "
                         "calls, but there is no 'no_such_function_anywhere'" ||
                StringRef(text2).starts_with("source:1:18: error: "))
        << text2;
  }
  EXPECT_EQ(cache->getCounters().stores, 0u);
}

TEST_F(CompileCacheTest, CacheThatCannotBeWritten) {
  llvm::sys::fs::remove_directories(folder);
  auto first = compile(source), second = compile(source);
  EXPECT_EQ(run(*first), run(*second));
  EXPECT_EQ(numCompiled, 2);
  EXPECT_EQ(cache->getCounters().failedStores, 2u);
}

TEST_F(CompileCacheTest, MemoryIsGivenBack) {
  auto countMappings = [] {
    std::ifstream maps("/proc/self/maps");
    return std::count(std::istreambuf_iterator<char>(maps), {}, '\n');
  };
  compile(source);
  run(*compile(source));
  auto before = countMappings();
  for (int i = 0; i < 500; ++i)
    run(*compile(source));
  EXPECT_LE(countMappings(), before + 20);
  EXPECT_EQ(numCompiled, 1);
}

TEST_F(CompileCacheTest, Threads) {
  // Each thread compiles one program of its own and one that all have, with
  // and without finding them in the cache, and calls them.
  constexpr int numThreads = 4, numRounds = 6;
  const std::string expected =
      run(*llvm::cantFail(Executable::compile(source)));
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int id = 0; id < numThreads; ++id)
    threads.emplace_back([&, id] {
      for (int round = 0; round < numRounds; ++round) {
        std::string own =
            std::string(source) + "// " + std::to_string(100 * id + round / 2);
        for (const std::string &text : {std::string(source), own}) {
          auto executable = Executable::compile(text, {}, cache.get());
          if (!executable) {
            llvm::consumeError(executable.takeError());
            ++wrong;
          } else if (run(**executable) != expected) {
            ++wrong;
          }
        }
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
  ObjectCache::Counters counters = cache->getCounters();
  EXPECT_EQ(counters.refused, 0u);
  EXPECT_EQ(counters.failedStores, 0u);
  EXPECT_GE(counters.hits, uint64_t(numThreads * numRounds));
}

TEST_F(CompileCacheTest, ThreadsOfEveryKind) {
  // Each thread compiles programs of every lowering, for one thread and for
  // several, and calls them and one that all have; the rows are enough for
  // programs to share them out.
  constexpr int numThreads = 4, numRounds = 4;
  constexpr int64_t rows = 40000;
  const Lowering lowerings[] = {Lowering::Vector, Lowering::Linalg,
                                Lowering::LinalgInline, Lowering::Affine};
  auto all = llvm::cantFail(Executable::compile(source));
  CompileOptions several;
  several.threads = 3;
  auto shared = llvm::cantFail(Executable::compile(source, several));
  const std::string expected = run(*all, rows);
  ASSERT_EQ(run(*shared, rows), expected);
  std::atomic<int> wrong{0}, failed{0};
  std::vector<std::thread> threads;
  for (int id = 0; id < numThreads; ++id)
    threads.emplace_back([&, id] {
      for (int round = 0; round < numRounds; ++round) {
        CompileOptions options;
        options.lowering = lowerings[(id + round) % 4];
        options.threads = (id + 2 * round) % 3;
        // Half of them go through the cache.
        auto executable = Executable::compile(
            source, options, round % 2 ? cache.get() : nullptr);
        if (!executable) {
          llvm::consumeError(executable.takeError());
          ++failed;
          continue;
        }
        wrong += run(**executable, rows) != expected;
        wrong += run(*shared, rows) != expected;
        wrong += run(*all, rows) != expected;
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(wrong, 0);
}

} // namespace
