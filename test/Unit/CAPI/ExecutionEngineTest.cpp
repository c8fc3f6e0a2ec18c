//===- ExecutionEngineTest.cpp - The C API: programs ------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout-c/ExecutionEngine.h"

#include "gtest/gtest.h"

#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr const char *source = R"(
func.func @layer(%x: tensor<?x8xf32>, %p: f64, %seed: i64, %offset: i64)
    -> (tensor<?x8xf32>, i64, tensor<?x8xi1>) {
  %y, %m = dropout.element %x p(%p) rng(%seed, %offset)
    : tensor<?x8xf32>, tensor<?x8xi1>
  return %y, %offset, %m : tensor<?x8xf32>, i64, tensor<?x8xi1>
}
func.func @inplace(%x: memref<?x?xf32, strided<[?, ?], offset: ?>>, %p: f64) {
  dropout.element %x into %x p(%p) : memref<?x?xf32, strided<[?, ?], offset: ?>>,
                                     memref<?x?xf32, strided<[?, ?], offset: ?>>
  return
}
func.func @flags(%a: i1, %b: f16, %c: i8) -> (i1, f16, i8) {
  return %a, %b, %c : i1, f16, i8
}
func.func @named(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = dropout.element %x p = 0.5 generator("nobody") : tensor<4xf32>
  return %y : tensor<4xf32>
}
)";

/// A string that `dropoutFree` frees.
std::string take(char *text) {
  std::string result = text ? text : "";
  dropoutFree(text);
  return result;
}

DropoutValue scalar(int32_t type, uint64_t bits) {
  DropoutValue value = {};
  value.array.elementType = type;
  value.bits = bits;
  return value;
}

DropoutValue number(double p) {
  uint64_t bits;
  std::memcpy(&bits, &p, 8);
  return scalar(DROPOUT_F64, bits);
}

DropoutValue array(void *data, const int64_t *shape, const int64_t *strides,
                   int32_t rank = 2, int32_t type = DROPOUT_F32) {
  DropoutValue value = {};
  value.array = {data, type, rank, shape, strides};
  return value;
}

class ProgramTest : public testing::Test {
protected:
  void SetUp() override {
    dropoutClearStatus();
    options.useCache = 0;
    for (float &value : x)
      value = 3;
    ASSERT_EQ(compile(source), DROPOUT_OK) << dropoutLastMessage();
    for (int32_t index = 0; index < dropoutExecutableGetNumFunctions(program);
         ++index)
      names.emplace_back(dropoutExecutableGetFunction(program, index).name);
  }
  void TearDown() override {
    dropoutExecutableDestroy(program);
    dropoutClearStatus();
  }

  int32_t compile(const std::string &text) {
    DropoutExecutable *compiled = nullptr;
    char *text2 = nullptr;
    int32_t status = dropoutExecutableCompile(text.data(), text.size(),
                                              &options, &compiled, &text2);
    message = take(text2);
    if (compiled) {
      dropoutExecutableDestroy(program);
      program = compiled;
    }
    EXPECT_EQ(status == DROPOUT_OK, compiled != nullptr);
    EXPECT_EQ(status == DROPOUT_OK, message.empty());
    return status;
  }

  int32_t find(const char *name) {
    for (size_t index = 0; index < names.size(); ++index)
      if (names[index] == name)
        return int32_t(index);
    return -1;
  }

  int32_t call(const char *name, std::vector<DropoutValue> arguments,
               DropoutValue *results) {
    char *text = nullptr;
    int32_t status =
        dropoutExecutableCall(program, find(name), arguments.data(),
                              int32_t(arguments.size()), results, &text);
    message = take(text);
    return status;
  }

  DropoutCompileOptions options = dropoutGetDefaultCompileOptions();
  DropoutExecutable *program = nullptr;
  std::vector<std::string> names;
  std::string message;
  float x[4 * 8];
  int64_t shape[2] = {4, 8}, strides[2] = {8, 1};
};

TEST_F(ProgramTest, Types) {
  ASSERT_EQ(names,
            (std::vector<std::string>{"layer", "inplace", "flags", "named"}));
  DropoutFunctionType layer = dropoutExecutableGetFunction(program, 0);
  ASSERT_EQ(layer.numArguments, 4);
  ASSERT_EQ(layer.numResults, 3);
  const DropoutValueType *types = layer.types;
  EXPECT_STREQ(types[0].text, "tensor<?x8xf32>");
  EXPECT_TRUE(types[0].isArray && !types[0].isMemRef);
  EXPECT_EQ(types[0].elementType, DROPOUT_F32);
  ASSERT_EQ(types[0].rank, 2);
  EXPECT_EQ(types[0].shape[0], -1);
  EXPECT_EQ(types[0].shape[1], 8);
  EXPECT_FALSE(types[1].isArray);
  EXPECT_EQ(types[1].elementType, DROPOUT_F64);
  EXPECT_EQ(types[3].elementType, DROPOUT_I64);
  EXPECT_STREQ(types[4].text, "tensor<?x8xf32>");
  EXPECT_FALSE(types[5].isArray);
  EXPECT_EQ(types[6].elementType, DROPOUT_I1);
  DropoutFunctionType inplace = dropoutExecutableGetFunction(program, 1);
  EXPECT_TRUE(inplace.types[0].isArray && inplace.types[0].isMemRef);
  EXPECT_EQ(inplace.numResults, 0);
  for (int32_t index : {-1, 4, 1000}) {
    DropoutFunctionType none = dropoutExecutableGetFunction(program, index);
    EXPECT_EQ(none.name, nullptr);
    EXPECT_EQ(none.numArguments + none.numResults, 0);
  }
  EXPECT_EQ(dropoutExecutableGetNumFunctions(nullptr), 0);
  EXPECT_EQ(dropoutExecutableGetFunction(nullptr, 0).name, nullptr);
  dropoutExecutableDestroy(nullptr);
  dropoutFree(nullptr);
}

TEST_F(ProgramTest, Call) {
  DropoutValue results[3];
  ASSERT_EQ(call("layer",
                 {array(x, shape, strides), number(0.3),
                  scalar(DROPOUT_I64, 42), scalar(DROPOUT_I64, 7)},
                 results),
            DROPOUT_OK)
      << message;
  EXPECT_EQ(message, "");
  ASSERT_EQ(results[0].array.rank, 2);
  EXPECT_EQ(results[0].array.elementType, DROPOUT_F32);
  EXPECT_EQ(results[0].array.shape, results[0].sizesAndStrides);
  EXPECT_EQ(results[0].array.shape[0], 4);
  EXPECT_EQ(results[0].array.shape[1], 8);
  ASSERT_EQ(results[0].array.strides[0], 8);
  ASSERT_EQ(results[0].array.strides[1], 1);
  EXPECT_EQ(results[1].bits, 7u);
  EXPECT_EQ(results[1].owner, nullptr);
  EXPECT_EQ(results[2].array.elementType, DROPOUT_I1);
  const auto *y = static_cast<const float *>(results[0].array.data);
  const auto *m = static_cast<const uint8_t *>(results[2].array.data);
  for (int i = 0; i < 32; ++i) {
    int32_t kept = dropoutKeepBit(42, 7, i, 0.3, 10, 16);
    EXPECT_EQ(m[i], kept) << i;
    EXPECT_EQ(y[i], kept ? 3 * float(1 / 0.7) : 0) << i;
    EXPECT_EQ(x[i], 3) << "tensors are only read";
  }
  EXPECT_NE(results[0].owner, nullptr);
  dropoutFree(results[0].owner);
  dropoutFree(results[2].owner);

  // A memref is written, with any strides, where its elements are.
  ASSERT_EQ(dropoutGeneratorSet(nullptr, 42, 7), DROPOUT_OK);
  int64_t some[2] = {2, 3}, apart[2] = {-16, 2};
  ASSERT_EQ(call("inplace", {array(x + 16, some, apart), number(1)}, nullptr),
            DROPOUT_OK)
      << message;
  for (int i = 0; i < 32; ++i)
    EXPECT_EQ(x[i], i == 0 || i == 2 || i == 4 || i == 16 || i == 18 || i == 20
                        ? 0
                        : 3)
        << i;
  // Scalars of fewer bits come zero-extended.
  DropoutValue flags[3];
  ASSERT_EQ(call("flags",
                 {scalar(DROPOUT_I1, 1), scalar(DROPOUT_F16, 0xbc00),
                  scalar(DROPOUT_I8, 0xff)},
                 flags),
            DROPOUT_OK);
  EXPECT_EQ(flags[0].bits, 1u);
  EXPECT_EQ(flags[1].bits, 0xbc00u);
  EXPECT_EQ(flags[2].bits, 0xffu);
  // An array without elements needs no memory.
  int64_t empty[2] = {0, 8};
  ASSERT_EQ(call("layer",
                 {array(nullptr, empty, strides), number(0.3),
                  scalar(DROPOUT_I64, 42), scalar(DROPOUT_I64, 7)},
                 results),
            DROPOUT_OK)
      << message;
  EXPECT_EQ(results[0].array.shape[0], 0);
  dropoutFree(results[0].owner);
  dropoutFree(results[2].owner);
}

TEST_F(ProgramTest, RefusesCalls) {
  DropoutValue results[3];
  std::vector<DropoutValue> good = {array(x, shape, strides), number(0.3),
                                    scalar(DROPOUT_I64, 1),
                                    scalar(DROPOUT_I64, 2)};
  auto expectError = [&](std::vector<DropoutValue> arguments,
                         const std::string &text,
                         int32_t status = DROPOUT_INVALID_ARGUMENT) {
    EXPECT_EQ(call("layer", std::move(arguments), results), status);
    EXPECT_EQ(message, text);
    EXPECT_EQ(dropoutLastStatus(), status);
    EXPECT_EQ(dropoutLastMessage(), text);
    dropoutClearStatus();
  };
  auto with = [&](size_t index, DropoutValue value) {
    std::vector<DropoutValue> arguments = good;
    arguments[index] = value;
    return arguments;
  };
  expectError(with(1, number(1.5)), "expected p in [0, 1], but got 1.5",
              DROPOUT_INVALID_P);
  expectError({good[0], good[1], good[2]},
              "expected 4 arguments of function 'layer', but got 3");
  expectError({good[0], good[1], good[2], good[3], good[3]},
              "expected 4 arguments of function 'layer', but got 5");
  expectError(with(1, scalar(DROPOUT_I64, 3)),
              "expected argument #1 of type f64, but got a scalar i64");
  expectError(with(0, array(x, shape, strides, 2, DROPOUT_F64)),
              "expected argument #0 of type tensor<?x8xf32>, but got an array "
              "of f64");
  expectError(with(2, scalar(11, 3)),
              "expected the type of argument #2 to be a DropoutElementType, "
              "but got 11");
  int64_t seven[2] = {4, 7}, steps[2] = {16, 2};
  expectError(with(0, array(x, seven, strides)),
              "expected argument #0 of type tensor<?x8xf32>, but got shape "
              "4x7");
  expectError(with(0, array(x, shape, strides, 1)),
              "expected argument #0 of type tensor<?x8xf32>, but got rank 1 "
              "(4)");
  EXPECT_EQ(call("layer", with(0, array(x, shape, steps)), results),
            DROPOUT_INVALID_ARGUMENT);
  EXPECT_NE(message.find("argument #0"), std::string::npos) << message;
  dropoutClearStatus();
  expectError(with(0, array(x, shape, strides, -1)),
              "expected argument #0 to have a shape and strides");
  expectError(with(0, array(x, nullptr, strides)),
              "expected argument #0 to have a shape and strides");
  expectError(with(0, array(x, shape, nullptr)),
              "expected argument #0 to have a shape and strides");
  std::string aligned =
      "expected the memory of argument #0 to be aligned to 4 bytes and not "
      "null";
  expectError(with(0, array(nullptr, shape, strides)), aligned);
  expectError(with(0, array(reinterpret_cast<char *>(x) + 1, shape, strides)),
              aligned);
  std::string room =
      "expected room for arguments and results, but got a null pointer";
  char *text = nullptr;
  EXPECT_EQ(dropoutExecutableCall(program, 0, nullptr, 4, results, &text),
            DROPOUT_INVALID_ARGUMENT);
  EXPECT_EQ(take(text), room);
  EXPECT_EQ(dropoutExecutableCall(program, 0, good.data(), -1, results, &text),
            DROPOUT_INVALID_ARGUMENT);
  EXPECT_EQ(take(text), room);
  EXPECT_EQ(dropoutExecutableCall(program, 0, good.data(), 4, nullptr, &text),
            DROPOUT_INVALID_ARGUMENT);
  EXPECT_EQ(take(text), room);
  for (int32_t index : {-1, 4}) {
    EXPECT_EQ(
        dropoutExecutableCall(program, index, good.data(), 4, results, nullptr),
        DROPOUT_INVALID_ARGUMENT);
  }
  EXPECT_EQ(dropoutExecutableCall(nullptr, 0, good.data(), 4, results, nullptr),
            DROPOUT_INVALID_ARGUMENT);
  dropoutClearStatus();
  int64_t four[1] = {4}, one[1] = {1};
  EXPECT_EQ(call("named", {array(x, four, one, 1)}, results),
            DROPOUT_UNKNOWN_GENERATOR);
  EXPECT_NE(message.find("\"nobody\""), std::string::npos) << message;
  dropoutClearStatus();
  // And then it works, and leaves an error that is in the slot there.
  dropoutRecordError(DROPOUT_OPEN_SCOPE, "an earlier error");
  ASSERT_EQ(call("layer", good, results), DROPOUT_OK) << message;
  EXPECT_EQ(dropoutLastStatus(), DROPOUT_OPEN_SCOPE);
  EXPECT_STREQ(dropoutLastMessage(), "an earlier error");
  dropoutFree(results[0].owner);
  dropoutFree(results[2].owner);
}

TEST_F(ProgramTest, RefusesPrograms) {
  EXPECT_EQ(compile("func.func @f() {\n  nonsense\n}\nfunc.func @g(\n"),
            DROPOUT_INVALID_ARGUMENT);
  EXPECT_NE(message.find("source:2:"), std::string::npos) << message;
  EXPECT_EQ(std::string(dropoutLastMessage()),
            message.substr(0, message.find('\n')))
      << "the slot has the first line";
  dropoutClearStatus();
  EXPECT_EQ(compile("func.func @f() { return }\nfunc.func @f() { return }"),
            DROPOUT_INVALID_ARGUMENT);
  ASSERT_NE(message.find('\n'), std::string::npos) << message;
  EXPECT_EQ(std::string(dropoutLastMessage()),
            message.substr(0, message.find('\n')))
      << "a note is not in it";
  dropoutClearStatus();
  EXPECT_EQ(compile(std::string("ML\xefR\0", 5)), DROPOUT_INVALID_ARGUMENT);
  dropoutClearStatus();

  const char *good = "func.func @f() { return }";
  DropoutExecutable *compiled = program;
  char *text = nullptr;
  EXPECT_EQ(dropoutExecutableCompile(nullptr, 0, &options, &compiled, &text),
            DROPOUT_INVALID_ARGUMENT);
  EXPECT_EQ(take(text), "expected a source, but got a null pointer");
  EXPECT_EQ(compiled, nullptr);
  EXPECT_EQ(
      dropoutExecutableCompile(good, strlen(good), nullptr, &compiled, &text),
      DROPOUT_INVALID_ARGUMENT);
  EXPECT_EQ(take(text), "expected compile options, but got a null pointer");
  EXPECT_EQ(
      dropoutExecutableCompile(good, strlen(good), &options, nullptr, &text),
      DROPOUT_INVALID_ARGUMENT);
  EXPECT_EQ(take(text),
            "expected where to put the executable, but got a null pointer");
  EXPECT_EQ(
      dropoutExecutableCompile(good, strlen(good), &options, nullptr, nullptr),
      DROPOUT_INVALID_ARGUMENT);
  dropoutClearStatus();

  auto expectError = [&](const std::string &expected) {
    EXPECT_EQ(compile(good), DROPOUT_INVALID_ARGUMENT);
    EXPECT_EQ(message, expected);
    char *code = nullptr, *text = nullptr;
    size_t size = 1;
    EXPECT_EQ(dropoutEmit(good, strlen(good), &options, DROPOUT_EMIT_ASSEMBLY,
                          &code, &size, &text),
              DROPOUT_INVALID_ARGUMENT);
    EXPECT_EQ(take(text), expected);
    EXPECT_EQ(code, nullptr);
    EXPECT_EQ(size, 0u);
    dropoutClearStatus();
    options = dropoutGetDefaultCompileOptions();
    options.useCache = 0;
  };
  options.lowering = "fast";
  expectError("expected lowering to be vector, linalg, linalg-inline or "
              "affine, but got 'fast'");
  options.threads = -1;
  expectError("expected threads in [0, 1024], but got -1");
  options.threads = 1025;
  expectError("expected threads in [0, 1024], but got 1025");
  options.nontemporalBytes = -1;
  expectError("expected nontemporal bytes that are not negative, but got -1");
  options.optimizationLevel = 4;
  expectError("expected an optimization level in [0, 3], but got 4");
  options.optimizationLevel = -1;
  expectError("expected an optimization level in [0, 3], but got -1");
  options.function = "g";
  EXPECT_EQ(compile(good), DROPOUT_INVALID_ARGUMENT);
  EXPECT_NE(message.find("'g'"), std::string::npos) << message;
}

TEST_F(ProgramTest, Options) {
  // Strings may be null, one function may be chosen, and every lowering gives
  // the same bits.
  options.lowering = nullptr;
  ASSERT_EQ(compile(source), DROPOUT_OK) << message;
  EXPECT_EQ(dropoutExecutableGetNumFunctions(program), 4);
  options.function = "layer";
  std::vector<std::string> bits;
  int32_t level = 0;
  for (const char *lowering :
       {"vector", "linalg", "linalg-inline", "affine", ""}) {
    options.lowering = lowering;
    options.optimizationLevel = level;
    options.vectorMath = level == 0;
    level = 3 - level;
    ASSERT_EQ(compile(source), DROPOUT_OK) << message;
    ASSERT_EQ(dropoutExecutableGetNumFunctions(program), 1);
    names = {"layer"};
    DropoutValue results[3];
    ASSERT_EQ(call("layer",
                   {array(x, shape, strides), number(0.3),
                    scalar(DROPOUT_I64, 42), scalar(DROPOUT_I64, 7)},
                   results),
              DROPOUT_OK);
    bits.emplace_back(static_cast<const char *>(results[0].array.data),
                      sizeof(x));
    dropoutFree(results[0].owner);
    dropoutFree(results[2].owner);
    EXPECT_EQ(bits.back(), bits.front()) << lowering;
  }
}

TEST_F(ProgramTest, Emit) {
  auto emit = [&](int32_t kind) {
    char *code = nullptr, *text = nullptr;
    size_t size = 0;
    EXPECT_EQ(dropoutEmit(source, strlen(source), &options, kind, &code, &size,
                          &text),
              DROPOUT_OK);
    EXPECT_EQ(text, nullptr);
    EXPECT_EQ(code[size], 0);
    std::string result(code, size);
    dropoutFree(code);
    return result;
  };
  options.function = "layer";
  EXPECT_NE(emit(DROPOUT_EMIT_LLVM_IR).find("define i32 @dropout_layer("),
            std::string::npos);
  EXPECT_NE(emit(DROPOUT_EMIT_ASSEMBLY).find("dropout_layer:"),
            std::string::npos);
  EXPECT_EQ(emit(DROPOUT_EMIT_OBJECT).substr(1, 3), "ELF");
  EXPECT_NE(emit(DROPOUT_EMIT_HEADER).find("int32_t dropout_layer("),
            std::string::npos);
  for (int32_t kind : {-1, 4}) {
    char *code = nullptr, *text = nullptr;
    size_t size = 5;
    EXPECT_EQ(dropoutEmit(source, strlen(source), &options, kind, &code, &size,
                          &text),
              DROPOUT_INVALID_ARGUMENT);
    EXPECT_EQ(take(text),
              "expected the kind to be a DropoutEmitKind, but got " +
                  std::to_string(kind));
    EXPECT_EQ(size, 0u);
  }
  char *code = nullptr, *text = nullptr;
  size_t size = 0;
  EXPECT_EQ(
      dropoutEmit(source, strlen(source), &options, 0, nullptr, &size, &text),
      DROPOUT_INVALID_ARGUMENT);
  EXPECT_EQ(take(text),
            "expected where to put the code, but got a null pointer");
  EXPECT_EQ(
      dropoutEmit(source, strlen(source), &options, 0, &code, nullptr, nullptr),
      DROPOUT_INVALID_ARGUMENT);
  EXPECT_EQ(dropoutEmit(nullptr, 0, &options, 0, &code, &size, &text),
            DROPOUT_INVALID_ARGUMENT);
  EXPECT_EQ(take(text), "expected a source, but got a null pointer");
  EXPECT_EQ(dropoutEmit("nonsense", 8, &options, 0, &code, &size, &text),
            DROPOUT_INVALID_ARGUMENT);
  EXPECT_NE(take(text).find("source:1:1"), std::string::npos);
}

TEST_F(ProgramTest, ManyCallers) {
  std::vector<std::thread> threads;
  for (uint64_t seed = 0; seed < 6; ++seed)
    threads.emplace_back([&, seed] {
      for (int round = 0; round < 50; ++round) {
        DropoutValue results[3];
        DropoutValue arguments[4] = {array(x, shape, strides), number(0.3),
                                     scalar(DROPOUT_I64, seed),
                                     scalar(DROPOUT_I64, 7)};
        ASSERT_EQ(
            dropoutExecutableCall(program, 0, arguments, 4, results, nullptr),
            DROPOUT_OK);
        const auto *m = static_cast<const uint8_t *>(results[2].array.data);
        for (int i = 0; i < 32; ++i)
          EXPECT_EQ(m[i], dropoutKeepBit(seed, 7, i, 0.3, 10, 16));
        dropoutFree(results[0].owner);
        dropoutFree(results[2].owner);
        // Errors are the thread's own.
        arguments[1] = number(double(seed) + 2);
        EXPECT_EQ(
            dropoutExecutableCall(program, 0, arguments, 4, results, nullptr),
            DROPOUT_INVALID_P);
        EXPECT_EQ(std::string(dropoutLastMessage()),
                  "expected p in [0, 1], but got " + std::to_string(seed + 2));
        dropoutClearStatus();
      }
    });
  for (std::thread &thread : threads)
    thread.join();
}

} // namespace
