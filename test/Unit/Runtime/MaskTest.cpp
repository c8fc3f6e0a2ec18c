//===- MaskTest.cpp - Known answers of the mask contract --------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RuntimeTest.h"

#include <cmath>
#include <limits>
#include <numeric>

using namespace dropout::runtime::test;

static std::vector<uint8_t> fill(uint64_t first, uint64_t count, double p,
                                 uint64_t seed, uint64_t offset,
                                 int rounds = 10, int resolution = 16) {
  std::vector<uint8_t> mask(count, 0xcc);
  EXPECT_EQ(dropoutMaskFill(mask.data(), first, count, p, seed, offset, rounds,
                            resolution),
            DROPOUT_OK)
      << dropoutLastMessage();
  return mask;
}

class MaskTest : public RuntimeTest {};

// The table of docs/DropoutDialect.md: computed by an independent program.
TEST_F(MaskTest, KeepBits) {
  struct {
    uint64_t seed, offset, first;
    double p;
    int rounds, resolution;
    std::string bits;
  } cases[] = {
      {0, 0, 0, .5, 10, 16, "10111111110001101000000011000100"},
      {42, 7, 0, .3, 10, 16, "11011111111111101011111111111111"},
      {0x0123456789abcdef, 0xfedcba9876543210, 3, .1, 10, 16,
       "11111111111111111110111111111110"},
      {42, 7, (uint64_t(1) << 35) - 5, .3, 10, 16,
       "11011011111111011101111110111111"},
      {42, 7, 0, .3, 7, 16, "11111101010111010101111111010111"},
      {42, 7, 0, .3, 10, 8, "01111011011111110111110111110110"},
  };
  for (const auto &c : cases) {
    std::string filled, single;
    for (uint8_t keep :
         fill(c.first, 32, c.p, c.seed, c.offset, c.rounds, c.resolution))
      filled += char('0' + keep);
    for (uint64_t i = 0; i < 32; ++i)
      single += char('0' + dropoutKeepBit(c.seed, c.offset, c.first + i, c.p,
                                          c.rounds, c.resolution));
    EXPECT_EQ(filled, c.bits);
    EXPECT_EQ(single, c.bits);
  }
}

TEST_F(MaskTest, Checksums) {
  struct {
    uint64_t seed, offset;
    double p;
    uint64_t kept;
    uint32_t crc;
  } cases[] = {
      {42, 7, .3, 733411, 0xaa6eaa79},
      {1, 0, .1, 944396, 0x8df1c9eb},
      {99, 12345, .9, 104273, 0x735d90ed},
  };
  for (const auto &c : cases) {
    std::vector<uint8_t> mask = fill(0, 1 << 20, c.p, c.seed, c.offset);
    EXPECT_EQ(std::accumulate(mask.begin(), mask.end(), uint64_t(0)), c.kept);
    EXPECT_EQ(crc32(mask.data(), mask.size()), c.crc);
  }
}

// Where the high halfword equals the top half of T, the low one decides.
TEST_F(MaskTest, Ties) {
  std::vector<uint64_t> ties;
  for (uint64_t i = 0; i <= 335507; ++i) {
    uint64_t b = i / 8;
    uint32_t counter[4] = {uint32_t(b), uint32_t(b >> 32), 7, 0};
    uint32_t key[2] = {42, 0};
    uint32_t out[4];
    ASSERT_EQ(dropoutPhilox4x32(10, counter, key, out), DROPOUT_OK);
    if (((out[i % 8 / 2] >> (16 * (i % 2))) & 0xffff) == 0x4ccc)
      ties.push_back(i);
  }
  EXPECT_EQ(ties,
            (std::vector<uint64_t>{7435, 94585, 111642, 117335, 127773, 149315,
                                   152280, 159133, 204456, 335507}));
  // The last of these is the first that is kept.
  for (uint64_t tie : ties)
    EXPECT_EQ(dropoutKeepBit(42, 7, tie, .3, 10, 16), tie == 335507) << tie;
}

// The comparison at its edge: u >= T keeps where they are equal, and drops one
// further.
TEST_F(MaskTest, EqualIsKept) {
  for (uint32_t b = 0; b < 16; ++b) {
    uint32_t high[4] = {b, 0, 7, 0}, low[4] = {b, 0x80000000, 7, 0};
    uint32_t key[2] = {42, 0};
    ASSERT_EQ(dropoutPhilox4x32(10, high, key, high), DROPOUT_OK);
    ASSERT_EQ(dropoutPhilox4x32(10, low, key, low), DROPOUT_OK);
    for (unsigned i = 0; i < 8; ++i) {
      auto half = [&](uint32_t *words) {
        return (words[i / 2] >> (16 * (i % 2))) & 0xffff;
      };
      double u = half(high) * 65536.0 + half(low);
      EXPECT_EQ(dropoutKeepBit(42, 7, 8 * b + i, u / 0x1p32, 10, 16), 1);
      EXPECT_EQ(dropoutKeepBit(42, 7, 8 * b + i, (u + 1) / 0x1p32, 10, 16), 0);
    }
    for (unsigned i = 0; i < 16; ++i) {
      double u = (high[i / 4] >> (8 * (i % 4))) & 0xff;
      EXPECT_EQ(dropoutKeepBit(42, 7, 16 * b + i, u / 256, 10, 8), 1);
      EXPECT_EQ(dropoutKeepBit(42, 7, 16 * b + i, (u + 1) / 256, 10, 8), 0);
    }
  }
}

// The mask is a function of the index: any cut into ranges gives the same.
TEST_F(MaskTest, AnyRangeIsAPartOfTheWhole) {
  for (int resolution : {16, 8}) {
    std::vector<uint8_t> whole = fill(0, 200, .5, 5, 6, 10, resolution);
    for (uint64_t first = 0; first < 40; ++first)
      for (uint64_t count = 0; count < 40; ++count) {
        // One byte more on each side, which must stay.
        std::vector<uint8_t> part(count + 2, 0xcc);
        ASSERT_EQ(dropoutMaskFill(part.data() + 1, first, count, .5, 5, 6, 10,
                                  resolution),
                  DROPOUT_OK);
        std::vector<uint8_t> expected(whole.begin() + first,
                                      whole.begin() + first + count);
        expected.insert(expected.begin(), 0xcc);
        expected.push_back(0xcc);
        ASSERT_EQ(part, expected) << first << " " << count;
      }
  }
}

// Every bit of seed, offset and index counts.
TEST_F(MaskTest, EveryBitOfTheInputsCounts) {
  for (int resolution : {16, 8}) {
    unsigned indexBits = 0;
    for (uint64_t perBlock = 128 / resolution; perBlock > 1; perBlock /= 2)
      ++indexBits;
    std::vector<uint8_t> base = fill(0, 256, .5, 0, 0, 10, resolution);
    for (unsigned bit = 0; bit < 64; ++bit) {
      uint64_t flip = uint64_t(1) << bit;
      EXPECT_NE(fill(0, 256, .5, flip, 0, 10, resolution), base) << bit;
      EXPECT_NE(fill(0, 256, .5, 0, flip, 10, resolution), base) << bit;
      if (bit >= indexBits) {
        EXPECT_NE(fill(flip, 256, .5, 0, 0, 10, resolution), base) << bit;
      }
    }
    EXPECT_NE(fill(0, 256, .5, 0, 0, 7, resolution), base);
  }
}

TEST_F(MaskTest, ExtremeSeedsAndOffsets) {
  // Counter and key all ones except for the block index: against Philox itself.
  uint32_t counter[4] = {0, 0, ~0u, ~0u}, key[2] = {~0u, ~0u}, out[4];
  ASSERT_EQ(dropoutPhilox4x32(10, counter, key, out), DROPOUT_OK);
  for (unsigned i = 0; i < 8; ++i)
    EXPECT_EQ(dropoutKeepBit(~uint64_t(0), ~uint64_t(0), i, .5, 10, 16),
              int((out[i / 2] >> (16 * (i % 2) + 15)) & 1));
}

TEST_F(MaskTest, CertainProbabilities) {
  for (int resolution : {16, 8}) {
    EXPECT_EQ(fill(3, 1000, 0.0, 1, 2, 10, resolution),
              std::vector<uint8_t>(1000, 1));
    EXPECT_EQ(fill(3, 1000, -0.0, 1, 2, 10, resolution),
              std::vector<uint8_t>(1000, 1));
    EXPECT_EQ(fill(3, 1000, 1.0, 1, 2, 10, resolution),
              std::vector<uint8_t>(1000, 0));
  }
  // The neighbours of 0 and 1 drop or keep one in 2^32: none of the first few.
  EXPECT_EQ(fill(0, 100000, std::numeric_limits<double>::denorm_min(), 1, 2),
            std::vector<uint8_t>(100000, 1));
  EXPECT_EQ(fill(0, 100000, std::nextafter(1.0, 0.0), 1, 2),
            std::vector<uint8_t>(100000, 0));
}

TEST_F(MaskTest, LastIndex) {
  uint64_t last = ~uint64_t(0);
  std::vector<uint8_t> tail = fill(last - 19, 20, .5, 3, 4);
  for (unsigned i = 0; i < 20; ++i)
    EXPECT_EQ(tail[i], dropoutKeepBit(3, 4, last - 19 + i, .5, 10, 16));
  std::vector<uint8_t> mask(2, 0xcc);
  expectError(dropoutMaskFill(mask.data(), last, 2, .5, 3, 4, 10, 16),
              DROPOUT_INVALID_ARGUMENT,
              "2 elements from 18446744073709551615 on pass the last index");
  EXPECT_EQ(mask, std::vector<uint8_t>(2, 0xcc));
}

TEST_F(MaskTest, RefusesBadArguments) {
  std::vector<uint8_t> mask(4, 0xcc);
  auto tryFill = [&](double p, int rounds, int resolution) {
    return dropoutMaskFill(mask.data(), 0, 4, p, 1, 2, rounds, resolution);
  };
  expectError(tryFill(1.5, 10, 16), DROPOUT_INVALID_P,
              "expected p in [0, 1], but got 1.5");
  expectError(tryFill(.5, 8, 16), DROPOUT_INVALID_ARGUMENT,
              "expected rounds 7 or 10, but got 8");
  expectError(tryFill(.5, 10, 32), DROPOUT_INVALID_ARGUMENT,
              "expected resolution 8 or 16, but got 32");
  expectError(tryFill(.001, 10, 8), DROPOUT_INVALID_P,
              "p = 0.001 has no threshold of resolution 8: it would act as "
              "p = 0; use resolution 16");
  EXPECT_EQ(mask, std::vector<uint8_t>(4, 0xcc));
  expectError(dropoutMaskFill(nullptr, 0, 1, .5, 1, 2, 10, 16),
              DROPOUT_INVALID_ARGUMENT, "expected dst, but got NULL");
  EXPECT_EQ(dropoutMaskFill(nullptr, 0, 0, .5, 1, 2, 10, 16), DROPOUT_OK);
  // An invalid p acts as p = 1.
  expectError(dropoutKeepBit(1, 2, 3, -1, 10, 16) ? 0 : dropoutLastStatus(),
              DROPOUT_INVALID_P, "expected p in [0, 1], but got -1");
}
