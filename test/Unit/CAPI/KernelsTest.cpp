//===- KernelsTest.cpp - The C API: dropout on arrays -----------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout-c/Kernels.h"

#include "gtest/gtest.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

extern "C" int dropoutTestFromC(void);

namespace {

/// Kernels are compiled here and left nowhere.
struct NoCache : testing::Environment {
  void SetUp() override { setenv("DROPOUT_CACHE_DIR", "", 1); }
};
const auto *noCache = testing::AddGlobalTestEnvironment(new NoCache);

using Dims = std::vector<int64_t>;

int64_t product(const Dims &shape) {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

Dims inOrder(const Dims &shape) {
  Dims strides(shape.size(), 1);
  for (size_t dim = shape.size(); dim-- > 1;)
    strides[dim - 1] = strides[dim] * shape[dim];
  return strides;
}

/// An array argument that owns its shape and strides, not its memory.
struct Array {
  Dims shape, strides;
  DropoutArray array;

  Array(void *data, int32_t type, Dims theShape, Dims theStrides)
      : shape(std::move(theShape)), strides(std::move(theStrides)),
        array{data, type, int32_t(shape.size()), shape.data(), strides.data()} {
  }
  Array(float *data, Dims shape)
      : Array(data, DROPOUT_F32, shape, inOrder(shape)) {}
  Array(float *data, Dims shape, Dims strides)
      : Array(data, DROPOUT_F32, std::move(shape), std::move(strides)) {}
  Array(const Array &) = delete;
  operator const DropoutArray *() const { return &array; }
};

/// Calls \p visit with the distance of each element from the first.
template <typename Visit>
void forEach(const Dims &shape, const Dims &strides, Visit visit,
             size_t dim = 0, int64_t at = 0) {
  if (dim == shape.size())
    return visit(at);
  for (int64_t index = 0; index < shape[dim]; ++index)
    forEach(shape, strides, visit, dim + 1, at + index * strides[dim]);
}

struct Statistics {
  uint64_t resident = 0, compiled = 0, loaded = 0;
  Statistics() { dropoutKernelStatistics(&resident, &compiled, &loaded); }
};

/// What a draw callback did, and what it does.
struct Drawn {
  int count = 0;
  int32_t status = DROPOUT_OK;
  int8_t training = 1;
  uint64_t seed = 42, offset = 7;

  static int32_t draw(void *context, int8_t *training, uint64_t *seed,
                      uint64_t *offset) {
    auto *drawn = static_cast<Drawn *>(context);
    ++drawn->count;
    if (drawn->status != DROPOUT_OK)
      return drawn->status;
    *training = drawn->training;
    *seed = drawn->seed;
    *offset = drawn->offset;
    return DROPOUT_OK;
  }
};

class KernelsTest : public testing::Test {
protected:
  void SetUp() override {
    dropoutClearStatus();
    parameters.seed = 42;
    parameters.offset = 7;
    parameters.p = 0.3;
    for (size_t i = 0; i < x.size(); ++i)
      x[i] = float(i + 1);
  }
  void TearDown() override { dropoutClearStatus(); }

  bool isKept(uint64_t index) const {
    return dropoutKeepBit(parameters.seed, parameters.offset, index,
                          parameters.p, parameters.rounds,
                          parameters.resolution) != 0;
  }
  float expected(float value, uint64_t index) const {
    return isKept(index) ? value * float(1 / (1 - parameters.p)) : 0;
  }

  /// That the status is DROPOUT_INVALID_ARGUMENT or another error, with that
  /// message, and that neither out nor the generator has changed.
  void expectError(int32_t status, const std::string &message,
                   int32_t expected = DROPOUT_INVALID_ARGUMENT) {
    EXPECT_EQ(status, expected);
    EXPECT_EQ(dropoutLastStatus(), expected);
    EXPECT_EQ(dropoutLastMessage(), message);
    dropoutClearStatus();
    EXPECT_EQ(y, std::vector<float>(y.size(), -1)) << message;
    EXPECT_EQ(drawn.count, 0) << "drawn although refused: " << message;
  }

  /// Parameters with the callback.
  DropoutParameters drawing() {
    DropoutParameters result = parameters;
    result.draw = &Drawn::draw;
    result.drawContext = &drawn;
    return result;
  }

  DropoutParameters parameters = dropoutGetDefaultParameters();
  Drawn drawn;
  std::vector<float> x = std::vector<float>(4096);
  std::vector<float> y = std::vector<float>(4096, -1);
};

TEST_F(KernelsTest, FromC) { EXPECT_EQ(dropoutTestFromC(), 0); }

TEST_F(KernelsTest, MaskBesideValues) {
  // A mask of the shape of x, of one draw with the values.
  std::vector<uint8_t> mask(24, 0xcc), alone(24);
  for (int32_t kind : {DROPOUT_ELEMENT, DROPOUT_CHANNEL, DROPOUT_ALPHA,
                       DROPOUT_FEATURE_ALPHA}) {
    Drawn before = drawn;
    DropoutParameters values = drawing();
    Array bytes(mask.data(), DROPOUT_I1, {2, 3, 4}, {12, 4, 1});
    values.mask = bytes;
    ASSERT_EQ(dropoutForward(kind, Array(x.data(), {2, 3, 4}),
                             Array(y.data(), {2, 3, 4}), &values),
              DROPOUT_OK)
        << dropoutLastMessage();
    EXPECT_EQ(drawn.count, before.count + 1);
    bool channels = kind == DROPOUT_CHANNEL || kind == DROPOUT_FEATURE_ALPHA;
    bool alpha = kind == DROPOUT_ALPHA || kind == DROPOUT_FEATURE_ALPHA;
    for (int i = 0; i < 24; ++i) {
      EXPECT_LE(mask[i], 1);
      if (!alpha)
        EXPECT_EQ(mask[i], y[i] != 0) << kind << " " << i;
      if (channels)
        EXPECT_EQ(mask[i], mask[i / 4 * 4]) << kind << " " << i;
    }
    ASSERT_EQ(dropoutBackward(kind, Array(x.data(), {2, 3, 4}),
                              Array(y.data(), {2, 3, 4}), &values),
              DROPOUT_OK);
  }
}

TEST_F(KernelsTest, MaskBesideValuesIsCheckedFirst) {
  std::vector<uint8_t> mask(24, 0xcc);
  auto refuse = [&](const Array &bytes, const std::string &message) {
    DropoutParameters values = drawing();
    values.mask = bytes;
    expectError(dropoutForward(DROPOUT_ELEMENT, Array(x.data(), {2, 3, 4}),
                               Array(y.data(), {2, 3, 4}), &values),
                message);
    EXPECT_EQ(mask, std::vector<uint8_t>(24, 0xcc));
  };
  refuse(Array(mask.data(), DROPOUT_I1, {2, 3, 3}, {12, 4, 1}),
         "expected mask to have the shape [2, 3, 4], but got [2, 3, 3]");
  refuse(Array(y.data(), DROPOUT_I1, {2, 3, 4}, {12, 4, 1}),
         "expected mask to lie apart from the other arrays, but they overlap");
  refuse(Array(mask.data(), DROPOUT_I8, {2, 3, 4}, {12, 4, 1}),
         "expected mask to be of i1, one byte per element, but got i8");
}

//===----------------------------------------------------------------------===//
// Bits
//===----------------------------------------------------------------------===//

TEST_F(KernelsTest, ElementIsTheRuntimesMask) {
  for (int64_t size : {0, 1, 7, 8, 9, 4095}) {
    std::fill(y.begin(), y.end(), -1.0f);
    ASSERT_EQ(dropoutForward(DROPOUT_ELEMENT, Array(x.data(), {size}),
                             Array(y.data(), {size}), &parameters),
              DROPOUT_OK)
        << dropoutLastMessage();
    for (int64_t i = 0; i < size; ++i)
      ASSERT_EQ(y[i], expected(x[i], i)) << size << " " << i;
    for (size_t i = size; i < y.size(); ++i)
      ASSERT_EQ(y[i], -1) << "written behind the array";
  }
}

TEST_F(KernelsTest, OptionsReachTheKernel) {
  std::vector<uint8_t> kept(1000), bytes(1002, 0xcc);
  for (int32_t rounds : {10, 7})
    for (int32_t resolution : {16, 8})
      for (double p : {0.0, 0.25, 0.3, 1.0})
        for (int32_t training : {0, 1, 2}) {
          parameters.rounds = rounds;
          parameters.resolution = resolution;
          parameters.p = p;
          parameters.training = training;
          parameters.seed = 0x0123456789abcdef;
          parameters.offset = 0xfedcba9876543210;
          ASSERT_EQ(
              dropoutMask(Array(bytes.data() + 1, DROPOUT_I1, {1000}, {1}),
                          &parameters),
              DROPOUT_OK);
          ASSERT_EQ(dropoutMaskFill(kept.data(), 0, 1000, p, parameters.seed,
                                    parameters.offset, rounds, resolution),
                    DROPOUT_OK);
          for (int i = 0; i < 1000; ++i)
            ASSERT_EQ(bytes[i + 1], training ? kept[i] : 1)
                << rounds << " " << resolution << " " << p << " " << i;
          EXPECT_EQ(bytes[0], 0xcc);
          EXPECT_EQ(bytes[1001], 0xcc);
        }
}

TEST_F(KernelsTest, KindsAndGradients) {
  // (2, 3, 4): the mask of channels is indexed by the first two dims.
  Dims shape = {2, 3, 4};
  for (int32_t kind : {DROPOUT_ELEMENT, DROPOUT_CHANNEL, DROPOUT_ALPHA,
                       DROPOUT_FEATURE_ALPHA}) {
    bool channels = kind == DROPOUT_CHANNEL || kind == DROPOUT_FEATURE_ALPHA;
    bool alpha = kind == DROPOUT_ALPHA || kind == DROPOUT_FEATURE_ALPHA;
    double prime = -1.7580993408473768, p = parameters.p, q = 1 - p;
    double v = q + ((prime * prime) * q) * p;
    double a = alpha ? 1 / std::sqrt(v) : 1 / q;
    double b = alpha ? -((a * p) * prime) : 0;
    auto dropped = alpha ? float(a * prime + b) : 0.0f;
    ASSERT_EQ(dropoutForward(kind, Array(x.data(), shape),
                             Array(y.data(), shape), &parameters),
              DROPOUT_OK);
    for (int i = 0; i < 24; ++i)
      ASSERT_EQ(y[i], isKept(channels ? i / 4 : i)
                          ? std::fma(float(a), x[i], float(b))
                          : dropped)
          << kind << " " << i;
    ASSERT_EQ(dropoutBackward(kind, Array(x.data(), shape),
                              Array(y.data(), shape), &parameters),
              DROPOUT_OK);
    for (int i = 0; i < 24; ++i)
      ASSERT_EQ(y[i], isKept(channels ? i / 4 : i) ? float(a) * x[i] : 0)
          << kind << " " << i;
  }
}

TEST_F(KernelsTest, MaskDimsAreInTheOrderListed) {
  int64_t dims[] = {2, 0};
  parameters.maskDims = dims;
  parameters.numMaskDims = 2;
  ASSERT_EQ(dropoutForward(DROPOUT_CHANNEL, Array(x.data(), {2, 3, 4}),
                           Array(y.data(), {2, 3, 4}), &parameters),
            DROPOUT_OK);
  for (int i = 0; i < 24; ++i)
    ASSERT_EQ(y[i], expected(x[i], (i % 4) * 2 + i / 12)) << i;
  parameters.numMaskDims = 0; // One draw for all.
  for (uint64_t offset = 0; offset < 8; ++offset) {
    parameters.offset = offset;
    ASSERT_EQ(dropoutForward(DROPOUT_CHANNEL, Array(x.data(), {5}),
                             Array(y.data(), {5}), &parameters),
              DROPOUT_OK);
    for (int i = 0; i < 5; ++i)
      ASSERT_EQ(y[i], expected(x[i], 0)) << i;
  }
}

TEST_F(KernelsTest, PositionIsThatOfTheWhole) {
  Dims position = {3, (int64_t(1) << 35) - 5}, full = {9, int64_t(1) << 36};
  parameters.position = position.data();
  parameters.fullShape = full.data();
  ASSERT_EQ(dropoutForward(DROPOUT_ELEMENT, Array(x.data(), {4, 10}),
                           Array(y.data(), {4, 10}), &parameters),
            DROPOUT_OK);
  for (int i = 0; i < 40; ++i)
    ASSERT_EQ(y[i], expected(x[i], uint64_t(position[0] + i / 10) * full[1] +
                                       position[1] + i % 10))
        << i;
}

TEST_F(KernelsTest, ScalarsAndNothing) {
  ASSERT_EQ(dropoutForward(DROPOUT_ELEMENT, Array(x.data(), {}),
                           Array(y.data(), {}), &parameters),
            DROPOUT_OK);
  EXPECT_EQ(y[0], expected(x[0], 0));
  y[0] = -1;
  // Without elements there is nothing to point to, and an offset is drawn.
  DropoutParameters draws = drawing();
  DropoutArray nothing = *Array(nullptr, {});
  Dims shape = {3, 0}, strides = {0, 0};
  nothing = {nullptr, DROPOUT_F32, 2, shape.data(), strides.data()};
  EXPECT_EQ(dropoutForward(DROPOUT_ALPHA, &nothing, &nothing, &draws),
            DROPOUT_OK);
  EXPECT_EQ(drawn.count, 1);
}

//===----------------------------------------------------------------------===//
// The draw callback
//===----------------------------------------------------------------------===//

TEST_F(KernelsTest, DrawsOnce) {
  parameters.seed = parameters.offset = 1; // To be replaced.
  DropoutParameters draws = drawing();
  Array from(x.data(), {100}), to(y.data(), {100});
  ASSERT_EQ(dropoutForward(DROPOUT_ELEMENT, from, to, &draws), DROPOUT_OK);
  EXPECT_EQ(drawn.count, 1);
  parameters.seed = 42;
  parameters.offset = 7;
  for (int i = 0; i < 100; ++i)
    ASSERT_EQ(y[i], expected(x[i], i));
  drawn.training = 0;
  ASSERT_EQ(dropoutForward(DROPOUT_ELEMENT, from, to, &draws), DROPOUT_OK);
  EXPECT_EQ(drawn.count, 2);
  for (int i = 0; i < 100; ++i)
    ASSERT_EQ(y[i], x[i]);
  ASSERT_EQ(dropoutBackward(DROPOUT_ELEMENT, from, to, &draws), DROPOUT_OK);
  std::vector<uint8_t> bytes(100);
  ASSERT_EQ(dropoutMask(Array(bytes.data(), DROPOUT_I1, {100}, {1}), &draws),
            DROPOUT_OK);
  EXPECT_EQ(drawn.count, 4);
  EXPECT_EQ(bytes, std::vector<uint8_t>(100, 1));
  // Arrays that threads share, too.
  std::vector<float> large(1 << 20, 1), result(1 << 20);
  draws.threads = 3;
  drawn.training = 1;
  ASSERT_EQ(dropoutForward(DROPOUT_ELEMENT, Array(large.data(), {1 << 20}),
                           Array(result.data(), {1 << 20}), &draws),
            DROPOUT_OK);
  EXPECT_EQ(drawn.count, 5);
  for (int i = 0; i < 1 << 20; i += 997)
    ASSERT_EQ(result[i], expected(1, i)) << i;
}

TEST_F(KernelsTest, DrawsOfTheRuntime) {
  struct Default {
    static int32_t draw(void *, int8_t *training, uint64_t *seed,
                        uint64_t *offset) {
      return dropoutReserve(nullptr, DROPOUT_RUNTIME_MODE, training, seed,
                            offset);
    }
  };
  parameters.draw = &Default::draw;
  ASSERT_EQ(dropoutGeneratorSet(nullptr, 42, 7), DROPOUT_OK);
  ASSERT_EQ(dropoutForward(DROPOUT_ELEMENT, Array(x.data(), {64}),
                           Array(y.data(), {64}), &parameters),
            DROPOUT_OK);
  for (int i = 0; i < 64; ++i)
    ASSERT_EQ(y[i], expected(x[i], i));
  uint64_t offset = 0;
  ASSERT_EQ(dropoutGeneratorGet(nullptr, nullptr, &offset), DROPOUT_OK);
  EXPECT_EQ(offset, 8u);
  ASSERT_EQ(dropoutSetTraining(DROPOUT_EVAL), DROPOUT_OK);
  ASSERT_EQ(dropoutForward(DROPOUT_ELEMENT, Array(x.data(), {64}),
                           Array(y.data(), {64}), &parameters),
            DROPOUT_OK);
  ASSERT_EQ(dropoutSetTraining(DROPOUT_TRAIN), DROPOUT_OK);
  EXPECT_EQ(y[0], x[0]);
  ASSERT_EQ(dropoutGeneratorGet(nullptr, nullptr, &offset), DROPOUT_OK);
  EXPECT_EQ(offset, 8u);
}

TEST_F(KernelsTest, DrawThatFails) {
  drawn.status = DROPOUT_NO_ENTROPY;
  DropoutParameters draws = drawing();
  EXPECT_EQ(dropoutForward(DROPOUT_ELEMENT, Array(x.data(), {64}),
                           Array(y.data(), {64}), &draws),
            DROPOUT_NO_ENTROPY);
  EXPECT_EQ(drawn.count, 1);
  EXPECT_EQ(dropoutLastStatus(), DROPOUT_NO_ENTROPY);
  EXPECT_STREQ(dropoutLastMessage(), "DROPOUT_NO_ENTROPY");
  EXPECT_EQ(y, std::vector<float>(y.size(), -1));
  // What the callback has recorded itself is the message.
  dropoutClearStatus();
  draws.draw = [](void *, int8_t *, uint64_t *, uint64_t *) {
    return dropoutRecordError(DROPOUT_INTERNAL_ERROR, "no more numbers");
  };
  EXPECT_EQ(dropoutForward(DROPOUT_ELEMENT, Array(x.data(), {64}),
                           Array(y.data(), {64}), &draws),
            DROPOUT_INTERNAL_ERROR);
  EXPECT_STREQ(dropoutLastMessage(), "no more numbers");
}

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

TEST_F(KernelsTest, RefusesArguments) {
  Array from(x.data(), {4, 5}), to(y.data(), {4, 5});
  DropoutParameters draws = drawing();
  auto run = [&] { return dropoutForward(DROPOUT_ELEMENT, from, to, &draws); };
  expectError(dropoutForward(4, from, to, &draws),
              "expected the kind to be a DropoutKind, but got 4");
  expectError(dropoutBackward(-1, from, to, &draws),
              "expected the kind to be a DropoutKind, but got -1");
  expectError(dropoutForward(DROPOUT_ELEMENT, from, to, nullptr),
              "expected parameters, but got a null pointer");
  expectError(dropoutForward(DROPOUT_ELEMENT, nullptr, to, &draws),
              "expected x, but got a null pointer");
  expectError(dropoutBackward(DROPOUT_ELEMENT, nullptr, to, &draws),
              "expected dy, but got a null pointer");
  expectError(dropoutForward(DROPOUT_ELEMENT, from, nullptr, &draws),
              "expected out, but got a null pointer");
  expectError(dropoutMask(nullptr, &draws),
              "expected out, but got a null pointer");

  for (double p : {-0.25, 1.5, std::numeric_limits<double>::infinity()}) {
    draws.p = p;
    char text[64];
    snprintf(text, sizeof text, "expected p in [0, 1], but got %g", p);
    expectError(run(), text, DROPOUT_INVALID_P);
    draws.training = 0; // In eval, too.
    expectError(run(), text, DROPOUT_INVALID_P);
    draws.training = 1;
  }
  draws.p = std::numeric_limits<double>::quiet_NaN();
  expectError(run(), "expected p in [0, 1], but got nan", DROPOUT_INVALID_P);
  draws.p = 0.001;
  draws.resolution = 8;
  expectError(run(),
              "p = 0.001 has no threshold of resolution 8: it would act as "
              "p = 0; use resolution 16",
              DROPOUT_INVALID_P);
  draws = drawing();

  draws.rounds = 9;
  expectError(run(), "expected rounds to be 7 or 10, but got 9");
  draws.rounds = 10;
  draws.resolution = 32;
  expectError(run(), "expected resolution to be 8 or 16, but got 32");
  draws.resolution = 16;
  draws.threads = -1;
  expectError(run(), "expected a number of threads that is not negative, but "
                     "got -1");
  draws.threads = 1;

  draws.numMaskDims = 1;
  expectError(run(), "expected mask_dims, but got a null pointer");
  int64_t dims[] = {0, 2, 0};
  draws.maskDims = dims;
  draws.numMaskDims = 2;
  expectError(run(), "expected mask_dims in [0, 2), but got [0, 2]");
  dims[1] = 0;
  expectError(run(), "expected distinct mask_dims, but got [0, 0]");
  dims[0] = -1;
  expectError(run(), "expected mask_dims in [0, 2), but got [-1, 0]");
  draws = drawing();
  expectError(dropoutForward(DROPOUT_CHANNEL, Array(x.data(), {5}),
                             Array(y.data(), {5}), &draws),
              "expected rank 2 or more for the default mask_dims [0, 1], but "
              "got rank 1");

  Dims position = {1, 0}, full = {4, 5};
  draws.position = position.data();
  expectError(run(), "expected both a position and a full shape, or neither");
  draws.fullShape = full.data();
  expectError(run(), "expected the slice of shape [4, 5] at [1, 0] to lie "
                     "inside the full shape, but got [4, 5]");
  position = {0, -1};
  expectError(run(), "expected the slice of shape [4, 5] at [0, -1] to lie "
                     "inside the full shape, but got [4, 5]");
  int64_t most = std::numeric_limits<int64_t>::max();
  position = {most, 0};
  full = {most, 5};
  expectError(run(), "expected the slice of shape [4, 5] at "
                     "[9223372036854775807, 0] to lie inside the full shape, "
                     "but got [9223372036854775807, 5]");
  position = {0, 0};
  expectError(run(), "expected the full shape to have fewer than 2^63 "
                     "elements, but got [9223372036854775807, 5]");
}

TEST_F(KernelsTest, RefusesArrays) {
  DropoutParameters draws = drawing();
  Array from(x.data(), {4, 5}), to(y.data(), {4, 5});
  auto run = [&] { return dropoutForward(DROPOUT_ELEMENT, from, to, &draws); };
  auto with = [&](auto change, const std::string &message) {
    DropoutArray oldFrom = from.array, oldTo = to.array;
    Dims oldShape = from.shape, oldStrides = from.strides;
    change();
    expectError(run(), message);
    from.array = oldFrom;
    to.array = oldTo;
    std::copy(oldShape.begin(), oldShape.end(), from.shape.begin());
    std::copy(oldStrides.begin(), oldStrides.end(), from.strides.begin());
  };
  for (int32_t type : {-1, 10}) {
    with([&] { from.array.elementType = type; },
         "expected the type of x to be a DropoutElementType, but got " +
             std::to_string(type));
    with([&] { to.array.elementType = type; },
         "expected the type of out to be a DropoutElementType, but got " +
             std::to_string(type));
  }
  const char *names[] = {"i1", "i8", "i16", "i32", "i64", "index"};
  for (int32_t type = DROPOUT_I1; type <= DROPOUT_INDEX; ++type)
    with([&] { from.array.elementType = to.array.elementType = type; },
         std::string("expected x to be of f16, bf16, f32 or f64, but got ") +
             names[type]);
  with([&] { to.array.elementType = DROPOUT_BF16; },
       "expected out to be of f32, as x, but got bf16");
  with([&] { from.array.rank = -1; },
       "expected the rank of x not to be negative, but got -1");
  with([&] { from.array.shape = nullptr; },
       "expected the shape and the strides of x, but got a null pointer");
  with([&] { to.array.strides = nullptr; },
       "expected the shape and the strides of out, but got a null pointer");
  with([&] { from.shape[1] = 4; },
       "expected out to have the shape [4, 4] of x, but got [4, 5]");
  with([&] { from.array.rank = 1; },
       "expected out to have the shape [4] of x, but got [4, 5]");
  with([&] { from.array.data = nullptr; },
       "expected the memory of x to be given, but got a null pointer");
  with([&] { to.array.data = nullptr; },
       "expected the memory of out to be given, but got a null pointer");
  with([&] { from.array.data = reinterpret_cast<char *>(x.data()) + 3; },
       "expected the memory of x to be aligned to 4 bytes, but its address is "
       "3 bytes past that");
  with([&] { to.array.data = reinterpret_cast<char *>(y.data()) + 2; },
       "expected the memory of out to be aligned to 4 bytes, but its address "
       "is 2 bytes past that");
  {
    Array one(x.data(), {-1}, {1}), other(y.data(), {-1}, {1});
    expectError(dropoutForward(DROPOUT_ELEMENT, one, other, &draws),
                "expected x to have no negative size, but got -1");
  }
  {
    int64_t most = std::numeric_limits<int64_t>::max();
    Array one(x.data(), {most, 2}, {0, 0}), other(y.data(), {most, 2}, {0, 0});
    expectError(dropoutForward(DROPOUT_ELEMENT, one, other, &draws),
                "expected x to have fewer than 2^63 elements, but its shape is "
                "[9223372036854775807, 2]");
  }
  expectError(dropoutMask(to, &draws),
              "expected out to be of i1, one byte per element, but got f32");
  uint8_t bytes[4] = {9, 9, 9, 9};
  expectError(dropoutMask(Array(bytes, DROPOUT_I1, {2, 4}, {0, 1}), &draws),
              "expected the elements of out not to share memory, but got shape "
              "[2, 4] and strides [0, 1]");
  EXPECT_EQ(bytes[0], 9);
  // 17 dims of which none continues another.
  Dims shape(17, 2), strides;
  for (int dim = 0; dim < 17; ++dim)
    strides.push_back(int64_t(1) << (dim * 2 + 1));
  std::vector<float> unused(1);
  DropoutArray wide = {y.data(), DROPOUT_F32, 17, shape.data(), strides.data()};
  expectError(dropoutForward(DROPOUT_ELEMENT, &wide, &wide, &draws),
              "expected x to have at most 16 dims that memory and mask do not "
              "walk as one, but "
              "got 17");
}

TEST_F(KernelsTest, ErrorsStayInTheSlot) {
  // The first one, until it is cleared.
  Array from(x.data(), {4}), to(y.data(), {4});
  parameters.p = 2;
  EXPECT_EQ(dropoutForward(DROPOUT_ELEMENT, from, to, &parameters),
            DROPOUT_INVALID_P);
  parameters.p = 0.5;
  EXPECT_EQ(dropoutForward(77, from, to, &parameters),
            DROPOUT_INVALID_ARGUMENT);
  EXPECT_EQ(dropoutForward(DROPOUT_ELEMENT, from, to, &parameters), DROPOUT_OK);
  EXPECT_EQ(dropoutLastStatus(), DROPOUT_INVALID_P);
  EXPECT_STREQ(dropoutLastMessage(), "expected p in [0, 1], but got 2");
  // It is the thread's.
  std::thread([] { EXPECT_EQ(dropoutLastStatus(), DROPOUT_OK); }).join();
}

//===----------------------------------------------------------------------===//
// Overlap
//===----------------------------------------------------------------------===//

TEST_F(KernelsTest, OverlapIsDecidedExactly) {
  // Random views of one buffer: refused if and only if an element is shared and
  // it is not the same view, or if out shares memory with itself.
  std::mt19937 random(1);
  auto pick = [&](int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random);
  };
  int refused = 0, accepted = 0, same = 0;
  for (int trial = 0; trial < 20000; ++trial) {
    auto rank = size_t(pick(1, 3));
    Dims shape(rank), strides[2] = {Dims(rank), Dims(rank)};
    for (size_t dim = 0; dim < rank; ++dim) {
      shape[dim] = pick(1, 4);
      for (Dims &each : strides)
        each[dim] = pick(-3, 3) * (pick(0, 1) ? pick(1, 20) : 1);
    }
    int64_t starts[2] = {pick(1800, 1800 + 60), pick(1800, 1800 + 60)};
    if (trial % 16 == 0) {
      starts[1] = starts[0];
      strides[1] = strides[0];
    }
    std::set<int64_t> places[2];
    bool injective = true, shared = false;
    for (int each : {0, 1})
      forEach(shape, strides[each], [&](int64_t at) {
        if (!places[each].insert(starts[each] + at).second)
          injective &= each == 0;
        if (each == 1)
          shared |= places[0].count(starts[1] + at) != 0;
      });
    bool isSame = starts[0] == starts[1];
    for (size_t dim = 0; dim < rank; ++dim)
      isSame &= shape[dim] == 1 || strides[0][dim] == strides[1][dim];
    // Some layouts in which no two elements are the same are refused all the
    // same: dims that interlock within one array.
    std::vector<float> before = x;
    int32_t status = dropoutForward(
        DROPOUT_ELEMENT, Array(x.data() + starts[0], shape, strides[0]),
        Array(x.data() + starts[1], shape, strides[1]), &parameters);
    std::string message = dropoutLastMessage();
    dropoutClearStatus();
    if (status != DROPOUT_OK) {
      ASSERT_EQ(x, before) << message;
      if (message.find("overlap") != std::string::npos) {
        ASSERT_TRUE(injective && shared && !isSame) << trial << message;
        ++refused;
      } else {
        ASSERT_NE(message.find("share memory"), std::string::npos) << message;
      }
      continue;
    }
    ASSERT_TRUE(injective) << trial;
    ASSERT_TRUE(isSame || !shared) << trial;
    ++(isSame ? same : accepted);
    // Right, and nothing else was written.
    Dims order = inOrder(shape);
    int64_t index = 0;
    std::vector<int64_t> from, to;
    forEach(shape, strides[0],
            [&](int64_t at) { from.push_back(starts[0] + at); });
    forEach(shape, strides[1],
            [&](int64_t at) { to.push_back(starts[1] + at); });
    for (index = 0; index < product(shape); ++index)
      ASSERT_EQ(x[to[index]], expected(before[from[index]], index)) << trial;
    for (int64_t at : to)
      x[at] = before[at];
    ASSERT_EQ(x, before) << trial;
  }
  EXPECT_GT(refused, 500);
  EXPECT_GT(accepted, 500);
  EXPECT_GT(same, 100);
}

TEST_F(KernelsTest, OverlapOfBytes) {
  // Neighbours in memory, by ends.
  parameters.p = 1;
  for (auto [a, b, overlap] :
       {std::tuple(0, 10, false), {10, 0, false}, {0, 9, true}, {9, 0, true}}) {
    Array from(x.data() + a, {10}), to(x.data() + b, {10});
    EXPECT_EQ(dropoutForward(DROPOUT_ELEMENT, from, to, &parameters),
              overlap ? DROPOUT_INVALID_ARGUMENT : DROPOUT_OK)
        << a << " " << b;
    if (overlap)
      EXPECT_STREQ(dropoutLastMessage(),
                   "expected out to be x itself or apart from it, but they "
                   "overlap");
    dropoutClearStatus();
  }
  // What nobody has memory for is refused and does not overflow.
  int64_t least = std::numeric_limits<int64_t>::min();
  Array odd(x.data(), {2}, {least}), other(x.data() + 1, {2}, {least});
  EXPECT_EQ(
      dropoutForward(DROPOUT_ELEMENT, odd, Array(y.data(), {3}), &parameters),
      DROPOUT_INVALID_ARGUMENT);
  dropoutClearStatus();
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

/// Runs a kernel on arrays of that shape and these strides.
void runOn(const Dims &shape, const Dims &strides, DropoutParameters parameters,
           int32_t kind = DROPOUT_ELEMENT, int32_t type = DROPOUT_F32) {
  int64_t reach = 1, before = 0;
  for (size_t dim = 0; dim < shape.size(); ++dim)
    if (shape[dim])
      (strides[dim] < 0 ? before : reach) +=
          std::abs(strides[dim]) * (shape[dim] - 1);
  std::vector<double> from(reach + before), to(reach + before);
  size_t size = type == DROPOUT_F64 ? 8 : type == DROPOUT_F32 ? 4 : 2;
  auto at = [&](std::vector<double> &data) {
    return reinterpret_cast<char *>(data.data()) + before * size;
  };
  ASSERT_EQ(dropoutForward(kind, Array(at(from), type, shape, strides),
                           Array(at(to), type, shape, strides), &parameters),
            DROPOUT_OK)
      << dropoutLastMessage();
}

TEST_F(KernelsTest, DimsThatMemoryWalksAsOneAreOne) {
  parameters.rounds = 7; // Kernels that no other test here has.
  parameters.resolution = 8;
  runOn({6}, {1}, parameters);
  uint64_t first = Statistics().resident;
  for (const Dims &shape : {Dims{},
                            {1},
                            {60},
                            {3, 4},
                            {2, 3, 4},
                            {1, 1, 1, 8},
                            {2, 2, 2, 2, 2, 2, 2, 2, 2, 2},
                            Dims(40, 1)})
    for (double p : {0.0, 0.5, 1.0}) {
      parameters.p = p;
      parameters.training = p == 0.5;
      parameters.seed += 3;
      runOn(shape, inOrder(shape), parameters);
      runOn(shape, inOrder(shape), parameters, DROPOUT_ELEMENT);
    }
  runOn({4, 6}, inOrder({4, 6}), parameters, DROPOUT_CHANNEL); // All dims.
  EXPECT_EQ(Statistics().resident, first) << "one kernel for all of C order";

  runOn({6}, {2}, parameters);
  EXPECT_EQ(Statistics().resident, first + 1) << "a step is another layout";
  for (auto &[shape, strides] : {std::pair(Dims{7}, Dims{-3}),
                                 {{2, 3}, {6, 2}},
                                 {{2, 3}, {-6, -2}},
                                 {{2, 1, 3}, {15, 77, 5}},
                                 {{5}, {-1}},
                                 {{1, 4}, {-9, 4}}})
    runOn(shape, strides, parameters);
  EXPECT_EQ(Statistics().resident, first + 1);
  runOn({2, 3}, {7, 2}, parameters);
  EXPECT_EQ(Statistics().resident, first + 2) << "rows with gaps";
  for (auto &[shape, strides] : {std::pair(Dims{4, 3}, Dims{-7, 2}),
                                 {{2, 2, 3}, {14, 7, 2}},
                                 {{2, 2, 3}, {30, 6, 2}},
                                 {{3, 1, 5}, {99, 1, 1}},
                                 {{2, 4}, {9, -1}}})
    runOn(shape, strides, parameters);
  EXPECT_EQ(Statistics().resident, first + 2);
}

TEST_F(KernelsTest, OneKernelForEachSort) {
  parameters.rounds = 7;
  parameters.resolution = 16;
  uint64_t count = Statistics().resident, compiled = Statistics().compiled;
  auto more = [&](const char *what) {
    EXPECT_EQ(Statistics().resident, ++count) << what;
  };
  for (int32_t type : {DROPOUT_F16, DROPOUT_BF16, DROPOUT_F32, DROPOUT_F64}) {
    runOn({9}, {1}, parameters, DROPOUT_ELEMENT, type);
    more("a type");
    runOn({3, 9}, {9, 1}, parameters, DROPOUT_ELEMENT, type);
  }
  runOn({9}, {1}, parameters, DROPOUT_ALPHA);
  more("alpha");
  runOn({2, 3}, {3, 1}, parameters, DROPOUT_FEATURE_ALPHA);
  runOn({2, 3, 4}, {12, 4, 1}, parameters, DROPOUT_CHANNEL);
  more("channels");
  runOn({2, 3, 4, 5}, {60, 20, 5, 1}, parameters, DROPOUT_CHANNEL);
  std::vector<uint8_t> bytes(24);
  EXPECT_EQ(
      dropoutMask(Array(bytes.data(), DROPOUT_I1, {12}, {2}), &parameters),
      DROPOUT_OK);
  more("masks");
  EXPECT_EQ(dropoutBackward(DROPOUT_ELEMENT, Array(x.data(), {9}),
                            Array(y.data(), {9}), &parameters),
            DROPOUT_OK);
  more("gradients");
  // Evaluation and what is refused compile nothing new.
  parameters.training = 0;
  runOn({9}, {1}, parameters);
  parameters.p = 5;
  EXPECT_EQ(dropoutForward(DROPOUT_ALPHA, Array(x.data(), {2}, {3}),
                           Array(y.data(), {2}, {3}), &parameters),
            DROPOUT_INVALID_P);
  dropoutClearStatus();
  EXPECT_EQ(Statistics().resident, count);
  EXPECT_EQ(Statistics().compiled - compiled, 8u) << "no file cache here";
  EXPECT_EQ(Statistics().loaded, 0u);
  // Any of the pointers may be null.
  uint64_t loaded = 5;
  dropoutKernelStatistics(nullptr, nullptr, &loaded);
  EXPECT_EQ(loaded, 0u);
}

//===----------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------===//

TEST_F(KernelsTest, ThreadsShareLargeArrays) {
  int64_t cut = (int64_t(4) << 20) / 4;
  for (int64_t size : {cut - 1, cut, cut + 1, 3 * cut + 4095}) {
    std::vector<float> from(size), one(size + 2, -1), many(size + 2, -1);
    for (int64_t i = 0; i < size; ++i)
      from[i] = float(i % 1000 + 1);
    Array source(from.data(), {size});
    ASSERT_EQ(dropoutForward(DROPOUT_ALPHA, source,
                             Array(one.data() + 1, {size}), &parameters),
              DROPOUT_OK);
    for (int32_t threads : {0, 2, 3, 7, 1000}) {
      parameters.threads = threads;
      std::fill(many.begin(), many.end(), -1.0f);
      ASSERT_EQ(dropoutForward(DROPOUT_ALPHA, source,
                               Array(many.data() + 1, {size}), &parameters),
                DROPOUT_OK);
      ASSERT_EQ(many, one) << size << " " << threads;
    }
    parameters.threads = 1;
  }
}

TEST_F(KernelsTest, ManyCallers) {
  // On their first use of one kernel, too.
  parameters.resolution = 8;
  parameters.rounds = 10;
  uint64_t before = Statistics().resident;
  std::vector<std::thread> threads;
  std::vector<std::vector<double>> results(8, std::vector<double>(256));
  std::vector<double> ones(256, 1.0);
  for (auto &result : results)
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i)
        EXPECT_EQ(
            dropoutForward(DROPOUT_ELEMENT,
                           Array(ones.data(), DROPOUT_F64, {16, 16}, {1, 16}),
                           Array(result.data(), DROPOUT_F64, {16, 16}, {16, 1}),
                           &parameters),
            DROPOUT_OK);
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(Statistics().resident, before + 1);
  for (int i = 0; i < 256; ++i)
    for (auto &result : results)
      ASSERT_EQ(result[i] != 0, isKept(i)) << i;
}

} // namespace
