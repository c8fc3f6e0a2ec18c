//===- GeneratorTest.cpp - Mode, generators and draws -----------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RuntimeTest.h"

using namespace dropout::runtime::test;

class GeneratorTest : public RuntimeTest {};

static const uint64_t maximum = ~uint64_t(0);

static std::vector<std::string> list() {
  size_t size = 77;
  EXPECT_EQ(dropoutGeneratorList(nullptr, 0, &size), DROPOUT_OK);
  std::string text(size, '?');
  EXPECT_EQ(dropoutGeneratorList(&text[0], size, &size), DROPOUT_OK);
  std::vector<std::string> names;
  for (size_t at = 0; at < size; at += names.back().size() + 1)
    names.push_back(text.c_str() + at);
  return names;
}

// Each test begins in the state that the process began in: see RuntimeTest.
TEST_F(GeneratorTest, InitialState) {
  EXPECT_EQ(dropoutIsTraining(), 1);
  EXPECT_EQ(get(nullptr), SeedOffset(DROPOUT_DEFAULT_SEED, 0));
  EXPECT_EQ(DROPOUT_DEFAULT_SEED, 0);
  EXPECT_TRUE(list().empty());
}

TEST_F(GeneratorTest, SetTraining) {
  EXPECT_EQ(dropoutSetTraining(0), DROPOUT_OK);
  EXPECT_EQ(dropoutIsTraining(), 0);
  expectError(dropoutSetTraining(2), DROPOUT_INVALID_ARGUMENT,
              "expected training 0 or 1, but got 2");
  expectError(dropoutSetTraining(-1), DROPOUT_INVALID_ARGUMENT,
              "expected training 0 or 1, but got -1");
  EXPECT_EQ(dropoutIsTraining(), 0);
  EXPECT_EQ(dropoutSetTraining(1), DROPOUT_OK);
  EXPECT_EQ(dropoutIsTraining(), 1);
}

TEST_F(GeneratorTest, TrainingTakesOneOffsetEvalNone) {
  ASSERT_EQ(dropoutGeneratorSet(nullptr, 42, 7), DROPOUT_OK);
  EXPECT_EQ(reserve(nullptr), (Draw{0, 1, 42, 7}));
  EXPECT_EQ(reserve(nullptr), (Draw{0, 1, 42, 8}));
  dropoutSetTraining(0);
  EXPECT_EQ(reserve(nullptr), (Draw{0, 0, 42, 9}));
  EXPECT_EQ(reserve(nullptr), (Draw{0, 0, 42, 9}));
  // The op's flag replaces the mode, in both directions.
  EXPECT_EQ(reserve(nullptr, 1), (Draw{0, 1, 42, 9}));
  EXPECT_EQ(reserve(nullptr, 0), (Draw{0, 0, 42, 10}));
  dropoutSetTraining(1);
  EXPECT_EQ(reserve(nullptr, 0), (Draw{0, 0, 42, 10}));
  EXPECT_EQ(reserve(nullptr, 1), (Draw{0, 1, 42, 10}));
  EXPECT_EQ(get(nullptr), SeedOffset(42, 11));
}

TEST_F(GeneratorTest, OffsetWraps) {
  ASSERT_EQ(dropoutGeneratorSet(nullptr, maximum, maximum), DROPOUT_OK);
  EXPECT_EQ(reserve(nullptr, 0), (Draw{0, 0, maximum, maximum}));
  EXPECT_EQ(reserve(nullptr), (Draw{0, 1, maximum, maximum}));
  EXPECT_EQ(reserve(nullptr), (Draw{0, 1, maximum, 0}));
  ASSERT_EQ(dropoutGeneratorCreate("g", 1, uint64_t(1) << 63), DROPOUT_OK);
  EXPECT_EQ(reserve("g"), (Draw{0, 1, 1, uint64_t(1) << 63}));
}

TEST_F(GeneratorTest, NamedGeneratorsAreIndependent) {
  ASSERT_EQ(dropoutGeneratorCreate("data", 1, 10), DROPOUT_OK);
  ASSERT_EQ(dropoutGeneratorCreate("tensor", 2, 20), DROPOUT_OK);
  EXPECT_EQ(reserve("data"), (Draw{0, 1, 1, 10}));
  EXPECT_EQ(reserve("tensor"), (Draw{0, 1, 2, 20}));
  EXPECT_EQ(reserve("data"), (Draw{0, 1, 1, 11}));
  EXPECT_EQ(reserve(nullptr), (Draw{0, 1, 0, 0}));
  EXPECT_EQ(get("tensor"), SeedOffset(2, 21));
}

TEST_F(GeneratorTest, FailedReserveTakesNothing) {
  const Draw nothing = {0, 1, 0, 0};
  ASSERT_EQ(dropoutGeneratorSet(nullptr, 42, 7), DROPOUT_OK);
  dropoutSetTraining(0);
  Draw draw = reserve("data");
  expectError(draw.status, DROPOUT_UNKNOWN_GENERATOR,
              "unknown generator \"data\"; create it first with "
              "dropoutGeneratorCreate or dropoutGeneratorFork");
  draw.status = 0;
  EXPECT_EQ(draw, nothing);
  draw = reserve(nullptr, 2);
  expectError(draw.status, DROPOUT_INVALID_ARGUMENT,
              "expected training 0, 1 or -1, but got 2");
  draw.status = 0;
  EXPECT_EQ(draw, nothing);
  draw = reserve("");
  expectError(draw.status, DROPOUT_INVALID_ARGUMENT,
              "the generator name is empty (at byte 0)");
  draw.status = 0;
  EXPECT_EQ(draw, nothing);

  int8_t training = 77;
  uint64_t seed = 77, offset = 77;
  EXPECT_EQ(dropoutReserve(nullptr, 1, nullptr, &seed, &offset),
            DROPOUT_INVALID_ARGUMENT);
  EXPECT_EQ(seed, 0u);
  EXPECT_EQ(offset, 0u);
  offset = 77;
  EXPECT_EQ(dropoutReserve(nullptr, 1, &training, nullptr, &offset),
            DROPOUT_INVALID_ARGUMENT);
  EXPECT_EQ(training, 1);
  EXPECT_EQ(offset, 0u);
  training = 77;
  seed = 77;
  EXPECT_EQ(dropoutReserve(nullptr, 1, &training, &seed, nullptr),
            DROPOUT_INVALID_ARGUMENT);
  EXPECT_EQ(training, 1);
  EXPECT_EQ(seed, 0u);
  EXPECT_EQ(get(nullptr), SeedOffset(42, 7));
}

TEST_F(GeneratorTest, CreateAndDestroy) {
  EXPECT_EQ(dropoutGeneratorExists("g"), 0);
  EXPECT_EQ(dropoutGeneratorCreate("g", 5, 6), DROPOUT_OK);
  EXPECT_EQ(dropoutGeneratorExists("g"), 1);
  expectError(dropoutGeneratorCreate("g", 7, 8), DROPOUT_GENERATOR_EXISTS,
              "generator \"g\" exists already; set it with "
              "dropoutGeneratorSet");
  EXPECT_EQ(get("g"), SeedOffset(5, 6));
  EXPECT_EQ(dropoutGeneratorDestroy("g"), DROPOUT_OK);
  EXPECT_EQ(dropoutGeneratorExists("g"), 0);
  expectError(dropoutGeneratorDestroy("g"), DROPOUT_UNKNOWN_GENERATOR,
              "unknown generator \"g\"; create it first with "
              "dropoutGeneratorCreate or dropoutGeneratorFork");
  EXPECT_EQ(dropoutGeneratorCreate("g", 9, 0), DROPOUT_OK);
  EXPECT_EQ(get("g"), SeedOffset(9, 0));

  expectError(dropoutGeneratorCreate(nullptr, 1, 2), DROPOUT_INVALID_ARGUMENT,
              "the default generator always exists; set it with "
              "dropoutGeneratorSet");
  expectError(dropoutGeneratorDestroy(nullptr), DROPOUT_INVALID_ARGUMENT,
              "the default generator can't be destroyed");
  EXPECT_EQ(dropoutGeneratorExists(nullptr), 1);
}

TEST_F(GeneratorTest, GetAndSet) {
  EXPECT_EQ(dropoutGeneratorSet(nullptr, maximum, maximum - 1), DROPOUT_OK);
  EXPECT_EQ(get(nullptr), SeedOffset(maximum, maximum - 1));
  uint64_t value = 77;
  EXPECT_EQ(dropoutGeneratorGet(nullptr, &value, nullptr), DROPOUT_OK);
  EXPECT_EQ(value, maximum);
  EXPECT_EQ(dropoutGeneratorGet(nullptr, nullptr, &value), DROPOUT_OK);
  EXPECT_EQ(value, maximum - 1);
  uint64_t seed = 77, offset = 77;
  EXPECT_EQ(dropoutGeneratorGet("g", &seed, &offset),
            DROPOUT_UNKNOWN_GENERATOR);
  EXPECT_EQ(seed, 0u);
  EXPECT_EQ(offset, 0u);
  EXPECT_EQ(dropoutGeneratorSet("g", 1, 2), DROPOUT_UNKNOWN_GENERATOR);
  EXPECT_EQ(dropoutGeneratorExists("g"), 0);
}

TEST_F(GeneratorTest, List) {
  for (const char *name : {"tensor", "data", "data2", "\xc3\xa9", "Data"})
    ASSERT_EQ(dropoutGeneratorCreate(name, 0, 0), DROPOUT_OK);
  EXPECT_EQ(list(), (std::vector<std::string>{"Data", "data", "data2", "tensor",
                                              "\xc3\xa9"}));
  char buffer[64] = "untouched";
  size_t size = 0;
  expectError(dropoutGeneratorList(buffer, 25, &size), DROPOUT_BUFFER_TOO_SMALL,
              "the list of generators needs 26 bytes, but the buffer has 25");
  EXPECT_EQ(size, 26u);
  EXPECT_STREQ(buffer, "untouched");
  EXPECT_EQ(dropoutGeneratorList(buffer, 26, &size), DROPOUT_OK);
  EXPECT_EQ(dropoutGeneratorList(buffer, 64, nullptr),
            DROPOUT_INVALID_ARGUMENT);
  EXPECT_EQ(dropoutGeneratorList(nullptr, 64, &size), DROPOUT_INVALID_ARGUMENT);
  EXPECT_EQ(size, 0u);
}

TEST_F(GeneratorTest, Names) {
  const std::string longest(DROPOUT_MAX_NAME_LENGTH, 'x');
  for (const std::string &name :
       {std::string("a"), std::string(" "), longest, std::string("\xc2\x80"),
        std::string("\xe0\xa0\x80"), std::string("\xed\x9f\xbf"),
        std::string("\xf0\x90\x80\x80"), std::string("\xf4\x8f\xbf\xbf")}) {
    EXPECT_EQ(dropoutGeneratorCreate(name.c_str(), 1, 2), DROPOUT_OK) << name;
    EXPECT_EQ(reserve(name.c_str()), (Draw{0, 1, 1, 2})) << name;
    EXPECT_EQ(dropoutGeneratorExists(name.c_str()), 1) << name;
  }
  struct {
    std::string name, message;
  } bad[] = {
      {"", "is empty (at byte 0)"},
      {longest + "x", "is longer than 255 bytes (at byte 255)"},
      {"a\n", "has a control character (at byte 1)"},
      {"\x7f", "has a control character (at byte 0)"},
      {"ab\x80", "is not valid UTF-8 (at byte 2)"},           // a tail alone
      {"\xc3", "is not valid UTF-8 (at byte 0)"},             // cut
      {"\xe2\x82", "is not valid UTF-8 (at byte 0)"},         // cut
      {"\xc0\xaf", "is not valid UTF-8 (at byte 0)"},         // overlong
      {"\xe0\x9f\xbf", "is not valid UTF-8 (at byte 0)"},     // overlong
      {"\xf0\x8f\xbf\xbf", "is not valid UTF-8 (at byte 0)"}, // overlong
      {"\xed\xa0\x80", "is not valid UTF-8 (at byte 0)"},     // surrogate
      {"\xf4\x90\x80\x80", "is not valid UTF-8 (at byte 0)"}, // > U+10FFFF
      {"\xff", "is not valid UTF-8 (at byte 0)"},
  };
  for (const auto &b : bad) {
    expectError(dropoutGeneratorCreate(b.name.c_str(), 0, 0),
                DROPOUT_INVALID_ARGUMENT, "the generator name " + b.message);
    EXPECT_EQ(dropoutGeneratorExists(b.name.c_str()), 0);
    EXPECT_EQ(dropoutLastStatus(), DROPOUT_OK);
    uint64_t seed = 77;
    expectError(dropoutForkSeed(0, b.name.c_str(), 0, &seed),
                DROPOUT_INVALID_ARGUMENT, "the name to fork by " + b.message);
    EXPECT_EQ(seed, 0u);
  }
}

TEST_F(GeneratorTest, ForkSeeds) {
  struct {
    uint64_t seed;
    const char *name;
    uint64_t rank, forked;
  } cases[] = {
      {0, "data", 0, 0x06ddeb8e89fd7d0b},
      {42, "data", 3, 0x41b50be9af90ae88},
      {42, "tensor", 3, 0xabc910f860df55e0},
  };
  for (const auto &c : cases) {
    uint64_t seed = 77;
    EXPECT_EQ(dropoutForkSeed(c.seed, c.name, c.rank, &seed), DROPOUT_OK);
    EXPECT_EQ(seed, c.forked);
  }
  // By its definition, for a rank of more than 32 bits and a name beyond ASCII.
  uint64_t rank = (uint64_t(1) << 62) - 1, seed = 0;
  struct {
    const char *name;
    uint64_t fnv;
  } names[] = {{"a", 0xaf63dc4c8601ec8c}, {"\xc3\xa9", 0xac21707b7181e01}};
  for (const auto &n : names) {
    uint32_t counter[4] = {0xffffffff, 0x7fffffff, uint32_t(n.fnv),
                           uint32_t(n.fnv >> 32)};
    uint32_t key[2] = {0x89abcdef, 0x01234567}, out[4];
    ASSERT_EQ(dropoutPhilox4x32(10, counter, key, out), DROPOUT_OK);
    EXPECT_EQ(dropoutForkSeed(0x0123456789abcdef, n.name, rank, &seed),
              DROPOUT_OK);
    EXPECT_EQ(seed, out[0] | uint64_t(out[1]) << 32);
  }

  seed = 77;
  expectError(dropoutForkSeed(0, "data", rank + 1, &seed),
              DROPOUT_INVALID_ARGUMENT,
              "expected a rank below 2^62, but got 4611686018427387904");
  EXPECT_EQ(seed, 0u);
  EXPECT_EQ(dropoutForkSeed(0, nullptr, 0, &seed), DROPOUT_INVALID_ARGUMENT);
  EXPECT_EQ(dropoutForkSeed(0, "data", 0, nullptr), DROPOUT_INVALID_ARGUMENT);
}

TEST_F(GeneratorTest, Fork) {
  ASSERT_EQ(dropoutGeneratorSet(nullptr, 42, 1000), DROPOUT_OK);
  EXPECT_EQ(dropoutGeneratorFork(nullptr, "data", 3, "data:3"), DROPOUT_OK);
  EXPECT_EQ(reserve("data:3"), (Draw{0, 1, 0x41b50be9af90ae88, 0}));
  EXPECT_EQ(get(nullptr), SeedOffset(42, 1000));
  // From a named parent; the label may equal the name.
  ASSERT_EQ(dropoutGeneratorCreate("parent", 0, 5), DROPOUT_OK);
  EXPECT_EQ(dropoutGeneratorFork("parent", "data", 0, "data"), DROPOUT_OK);
  EXPECT_EQ(get("data"), SeedOffset(0x06ddeb8e89fd7d0b, 0));
  EXPECT_EQ(get("parent"), SeedOffset(0, 5));

  EXPECT_EQ(dropoutGeneratorFork("nobody", "data", 0, "x"),
            DROPOUT_UNKNOWN_GENERATOR);
  EXPECT_EQ(dropoutGeneratorFork(nullptr, "data", 0, "data"),
            DROPOUT_GENERATOR_EXISTS);
  EXPECT_EQ(dropoutGeneratorFork(nullptr, "data", uint64_t(1) << 62, "x"),
            DROPOUT_INVALID_ARGUMENT);
  EXPECT_EQ(dropoutGeneratorFork(nullptr, nullptr, 0, "x"),
            DROPOUT_INVALID_ARGUMENT);
  EXPECT_EQ(dropoutGeneratorFork(nullptr, "data", 0, nullptr),
            DROPOUT_INVALID_ARGUMENT);
  EXPECT_EQ(dropoutGeneratorExists("x"), 0);
  EXPECT_EQ(get("data"), SeedOffset(0x06ddeb8e89fd7d0b, 0));
}

TEST_F(GeneratorTest, EntropyCanBeReplayed) {
  uint64_t seed = 0;
  ASSERT_EQ(dropoutGeneratorSet(nullptr, 1, 55), DROPOUT_OK);
  ASSERT_EQ(dropoutSeedFromEntropy(nullptr, &seed), DROPOUT_OK);
  EXPECT_EQ(get(nullptr), SeedOffset(seed, 0));
  std::vector<Draw> first = {reserve(nullptr), reserve(nullptr)};
  EXPECT_EQ(first[1], (Draw{0, 1, seed, 1}));

  uint64_t other = 0;
  ASSERT_EQ(dropoutSeedFromEntropy(nullptr, &other), DROPOUT_OK);
  EXPECT_NE(other, seed); // fails once in 2^64 runs
  // All 64 bits are random: none stays in 64 trials (2^-63 each).
  uint64_t all = maximum, any = 0;
  for (int i = 0; i < 64; ++i) {
    ASSERT_EQ(dropoutSeedFromEntropy(nullptr, nullptr), DROPOUT_OK);
    all &= get(nullptr).first;
    any |= get(nullptr).first;
  }
  EXPECT_EQ(all, 0u);
  EXPECT_EQ(any, maximum);

  ASSERT_EQ(dropoutGeneratorSet(nullptr, seed, 0), DROPOUT_OK);
  EXPECT_EQ(reserve(nullptr), first[0]);
  EXPECT_EQ(reserve(nullptr), first[1]);

  seed = 77;
  EXPECT_EQ(dropoutSeedFromEntropy("nobody", &seed), DROPOUT_UNKNOWN_GENERATOR);
  EXPECT_EQ(seed, 0u);
  ASSERT_EQ(dropoutGeneratorCreate("g", 3, 4), DROPOUT_OK);
  EXPECT_EQ(dropoutSeedFromEntropy("g", &seed), DROPOUT_OK);
  EXPECT_EQ(get("g"), SeedOffset(seed, 0));
}
