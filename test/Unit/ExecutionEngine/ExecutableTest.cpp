//===- ExecutableTest.cpp - Compile once, call often ----------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/ExecutionEngine/Executable.h"
#include "dropout/InitAll.h"
#include "dropout/Runtime/Runtime.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"
#include <atomic>
#include <gtest/gtest.h>
#include <thread>

using namespace mlir;
using namespace mlir::dropout;

namespace {

constexpr const char *source = R"(
func.func @layer(%x: tensor<?x8xf32>, %p: f64, %seed: i64, %offset: i64)
    -> (tensor<?x8xf32>, i64) {
  %y = dropout.element %x p(%p) rng(%seed, %offset) : tensor<?x8xf32>
  return %y, %offset : tensor<?x8xf32>, i64
}
func.func @inplace(%x: memref<?x8xf32, strided<[?, ?], offset: ?>>, %p: f64) {
  dropout.element %x into %x p(%p)
    : memref<?x8xf32, strided<[?, ?], offset: ?>>, memref<?x8xf32, strided<[?, ?], offset: ?>>
  return
}
func.func @draw() -> i64 {
  %t, %s, %o = dropout.reserve
  return %o : i64
}
func.func @flags(%a: i1, %b: f16) -> (i1, f16) {
  return %a, %b : i1, f16
}
)";

llvm::Expected<std::unique_ptr<Executable>>
compile(const char *text, CompileOptions options = {}) {
  DialectRegistry registry;
  registerAllDialects(registry);
  registerAllExtensions(registry);
  MLIRContext context(registry);
  auto program =
      Program::compile(parseSourceString<ModuleOp>(text, &context), options);
  if (!program)
    return program.takeError();
  // The context goes; what was compiled stays.
  return Executable::load(std::move(*program));
}

std::string message(llvm::Error error) { return toString(std::move(error)); }

/// The known answer for seed 42, offset 7, p .3.
constexpr const char *keep = "11011111111111101011111111111111";

struct ExecutableTest : public testing::Test {
  void SetUp() override {
    auto loaded = compile(source);
    ASSERT_TRUE(bool(loaded)) << message(loaded.takeError());
    executable = std::move(*loaded);
    for (float &x : data)
      x = 1;
    view = {ElementType::F32, {4, 8}, {8, 1}, data};
  }
  CompiledFunction lookup(StringRef name) {
    return llvm::cantFail(executable->lookup(name));
  }
  std::unique_ptr<Executable> executable;
  alignas(64) float data[32];
  ArrayView view;
};

TEST_F(ExecutableTest, KnownAnswer) {
  CompiledFunction layer = lookup("layer");
  auto results = layer.call({Argument::array(view), Argument::f64(0.3),
                             Argument::i64(42), Argument::i64(7)});
  ASSERT_TRUE(bool(results)) << message(results.takeError());
  ASSERT_EQ(results->size(), 2u);
  const ArrayView &y = results->front().getArray();
  EXPECT_EQ(y.shape, (SmallVector<int64_t, 4>{4, 8}));
  for (int i = 0; i < 32; ++i)
    EXPECT_EQ(static_cast<float *>(y.data)[i] != 0, keep[i] == '1') << i;
  EXPECT_NE(y.data, static_cast<void *>(data));
  EXPECT_FALSE((*results)[1].isArray());
  EXPECT_EQ((*results)[1].getBits(), 7u);
}

TEST_F(ExecutableTest, InPlaceWithStrides) {
  dropoutGeneratorSet(nullptr, 42, 7);
  ArrayView columns = {ElementType::F32, {4, 8}, {1, 4}, data};
  auto results =
      lookup("inplace").call({Argument::array(columns), Argument::f64(0.3)});
  ASSERT_TRUE(bool(results)) << message(results.takeError());
  EXPECT_TRUE(results->empty());
  for (int i = 0; i < 32; ++i)
    EXPECT_EQ(data[i / 8 + 4 * (i % 8)] != 0, keep[i] == '1') << i;
}

TEST_F(ExecutableTest, Scalars) {
  auto results = lookup("flags").call(
      {Argument::i1(true), Argument::scalar(ElementType::F16, 0x3c01)});
  ASSERT_TRUE(bool(results)) << message(results.takeError());
  EXPECT_EQ(results->front().getBits(), 1u);
  EXPECT_EQ(results->back().getBits(), 0x3c01u);
}

TEST_F(ExecutableTest, RuntimeErrorHasCodeAndMessage) {
  auto results =
      lookup("layer").call({Argument::array(view), Argument::f64(1.5),
                            Argument::i64(42), Argument::i64(7)});
  ASSERT_FALSE(bool(results));
  bool seen = false;
  llvm::handleAllErrors(results.takeError(), [&](const RuntimeError &error) {
    seen = true;
    EXPECT_EQ(error.getStatus(), DROPOUT_INVALID_P);
    EXPECT_EQ(error.getMessage(), "expected p in [0, 1], but got 1.5");
  });
  EXPECT_TRUE(seen);
}

TEST_F(ExecutableTest, ArgumentsAreChecked) {
  CompiledFunction layer = lookup("layer");
  auto fail = [&](ArrayRef<Argument> arguments) {
    auto results = layer.call(arguments);
    return results ? std::string("no error") : message(results.takeError());
  };
  Argument p = Argument::f64(0.3), n = Argument::i64(1);
  EXPECT_EQ(fail({Argument::array(view), p, n}),
            "expected 4 arguments of function 'layer', but got 3");
  EXPECT_EQ(fail({p, p, n, n}), "expected argument #0 of type tensor<?x8xf32>, "
                                "but got a scalar f64");
  EXPECT_EQ(fail({Argument::array(view), Argument::f32(0.3f), n, n}),
            "expected argument #1 of type f64, but got a scalar f32");
  ArrayView other = view;
  other.shape = {8, 4};
  EXPECT_EQ(fail({Argument::array(other), p, n, n}),
            "expected argument #0 of type tensor<?x8xf32>, but got shape 8x4");
  other = view;
  other.strides = {1, 4};
  EXPECT_EQ(fail({Argument::array(other), p, n, n}),
            "expected argument #0 of type tensor<?x8xf32>, but got stride 1 in "
            "dim 0 (shape 4x8)");
  other = view;
  other.data = reinterpret_cast<char *>(data) + 1;
  EXPECT_EQ(fail({Argument::array(other), p, n, n}),
            "expected the memory of argument #0 to be aligned to 4 bytes and "
            "not null");
  other.data = nullptr;
  EXPECT_NE(fail({Argument::array(other), p, n, n}), "no error");
  other.shape = {0, 8};
  EXPECT_EQ(fail({Argument::array(other), p, n, n}), "no error");
}

TEST_F(ExecutableTest, UnknownFunction) {
  auto function = executable->lookup("magic");
  ASSERT_FALSE(bool(function));
  EXPECT_EQ(message(function.takeError()),
            "expected the name of a function, but got 'magic'; there is "
            "'layer', 'inplace', 'draw', 'flags'");
}

TEST_F(ExecutableTest, Threads) {
  constexpr int numThreads = 4, numCalls = 200;
  CompiledFunction layer = lookup("layer"), draw = lookup("draw");
  dropoutGeneratorSet(nullptr, 1, 0);
  std::vector<std::vector<uint64_t>> offsets(numThreads);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int id = 0; id < numThreads; ++id)
    threads.emplace_back([&, id] {
      for (int i = 0; i < numCalls; ++i) {
        auto drawn = draw.call({});
        if (!drawn) {
          llvm::consumeError(drawn.takeError());
          ++wrong;
          continue;
        }
        offsets[id].push_back(drawn->front().getBits());
        // Every other thread errs: its error stays with it.
        auto results = layer.call({Argument::array(view),
                                   Argument::f64(id % 2 ? 2.0 : 0.3),
                                   Argument::i64(42), Argument::i64(7)});
        if (bool(results) != (id % 2 == 0))
          ++wrong;
        if (!results) {
          llvm::consumeError(results.takeError());
          continue;
        }
        auto *y = static_cast<float *>(results->front().getArray().data);
        for (int k = 0; k < 32; ++k)
          if ((y[k] != 0) != (keep[k] == '1'))
            ++wrong;
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
  std::vector<uint64_t> all;
  for (auto &some : offsets)
    all.insert(all.end(), some.begin(), some.end());
  llvm::sort(all);
  ASSERT_EQ(all.size(), size_t(numThreads * numCalls));
  for (size_t i = 0; i < all.size(); ++i)
    EXPECT_EQ(all[i], i);
}

TEST(Compile, Errors) {
  auto none = Program::compile(nullptr);
  ASSERT_FALSE(bool(none));
  EXPECT_EQ(message(none.takeError()), "expected a module, but got none");

  CompileOptions options;
  options.optimizationLevel = 4;
  auto level = compile("func.func @f() { return }", options);
  ASSERT_FALSE(bool(level));
  EXPECT_EQ(message(level.takeError()),
            "expected optimization level 0 to 3, but got 4");

  // Another architecture: a program, but not one to be loaded.
  options = {};
  bool isX86 = llvm::Triple(llvm::sys::getProcessTriple()).isX86();
  options.triple = isX86 ? "aarch64-linux-gnu" : "x86_64-linux-gnu";
  auto program = Program::compileSource("func.func @f() { return }", options);
  ASSERT_TRUE(bool(program)) << message(program.takeError());
  auto foreign = Executable::load(std::move(*program));
  ASSERT_FALSE(bool(foreign));
  EXPECT_NE(message(foreign.takeError()).find("to run here, but got one for"),
            std::string::npos);
  auto uncompiled = Executable::compile("func.func @f() { return }", options);
  ASSERT_FALSE(bool(uncompiled));
  EXPECT_NE(message(uncompiled.takeError()).find("to run here, but got one"),
            std::string::npos);

  // The message of MLIR, with its place.
  auto taken = compile("func.func @f() { return }\n"
                       "func.func @dropout_f() { return }");
  ASSERT_FALSE(bool(taken));
  EXPECT_EQ(StringRef(message(taken.takeError())).split('\n').first,
            "-:1:1: error: expected the name @dropout_f of the entry point to "
            "be free");

  // A function that nobody has.
  auto missing = compile("func.func private @no_such_function_anywhere()\n"
                         "func.func @f() {\n"
                         "  call @no_such_function_anywhere() : () -> ()\n"
                         "  return\n"
                         "}");
  ASSERT_FALSE(bool(missing));
  EXPECT_NE(message(missing.takeError()).find("no_such_function_anywhere"),
            std::string::npos);
}

TEST(Compile, EveryLoweringAndLevel) {
  float data[8] = {1, 1, 1, 1, 1, 1, 1, 1};
  ArrayView view = {ElementType::F32, {1, 8}, {8, 1}, data};
  for (Lowering lowering : {Lowering::Vector, Lowering::Linalg,
                            Lowering::LinalgInline, Lowering::Affine})
    for (unsigned level : {0u, 3u}) {
      CompileOptions options;
      options.lowering = lowering;
      options.optimizationLevel = level;
      auto executable = compile(source, options);
      ASSERT_TRUE(bool(executable)) << message(executable.takeError());
      auto layer = llvm::cantFail((*executable)->lookup("layer"));
      auto results = layer.call({Argument::array(view), Argument::f64(0.3),
                                 Argument::i64(42), Argument::i64(7)});
      ASSERT_TRUE(bool(results)) << message(results.takeError());
      for (int i = 0; i < 8; ++i)
        EXPECT_EQ(static_cast<float *>(results->front().getArray().data)[i] !=
                      0,
                  keep[i] == '1');
    }
}

TEST(Compile, TwoProgramsAtOnce) {
  auto one = compile(source), two = compile(source);
  ASSERT_TRUE(bool(one) && bool(two));
  dropoutGeneratorSet(nullptr, 1, 5);
  auto first = llvm::cantFail((*one)->lookup("draw")).call({});
  auto second = llvm::cantFail((*two)->lookup("draw")).call({});
  ASSERT_TRUE(bool(first) && bool(second));
  // They share the runtime of the process.
  EXPECT_EQ(first->front().getBits(), 5u);
  EXPECT_EQ(second->front().getBits(), 6u);
}

} // namespace
