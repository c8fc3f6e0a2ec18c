//===- PhiloxTest.cpp - Published answers of Philox4x32 ---------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RuntimeTest.h"

#include <array>

using namespace dropout::runtime::test;

namespace {
using Words = std::array<uint32_t, 4>;

struct KnownAnswer {
  int rounds;
  Words counter;
  std::array<uint32_t, 2> key;
  Words out;
};
} // namespace

// Random123's kat_vectors, philox4x32.
static const KnownAnswer knownAnswers[] = {
    {10,
     {0, 0, 0, 0},
     {0, 0},
     {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {10,
     {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
     {0xffffffff, 0xffffffff},
     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {10,
     {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    {7, {0, 0, 0, 0}, {0, 0}, {0x5f6fb709, 0x0d893f64, 0x4f121f81, 0x4f730a48}},
    {7,
     {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
     {0xffffffff, 0xffffffff},
     {0x5207ddc2, 0x45165e59, 0x4d8ee751, 0x8c52f662}},
    {7,
     {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0},
     {0x4dfccaba, 0x190a87f0, 0xc47362ba, 0xb6b5242a}},
};

class PhiloxTest : public RuntimeTest {};

TEST_F(PhiloxTest, KnownAnswers) {
  for (const KnownAnswer &known : knownAnswers) {
    Words out = {};
    EXPECT_EQ(dropoutPhilox4x32(known.rounds, known.counter.data(),
                                known.key.data(), out.data()),
              DROPOUT_OK);
    EXPECT_EQ(out, known.out) << "rounds " << known.rounds;
  }
}

TEST_F(PhiloxTest, OutMayBeCounter) {
  for (const KnownAnswer &known : knownAnswers) {
    Words words = known.counter;
    EXPECT_EQ(dropoutPhilox4x32(known.rounds, words.data(), known.key.data(),
                                words.data()),
              DROPOUT_OK);
    EXPECT_EQ(words, known.out);
  }
}

// One round by hand: products 0xD2511F53 * c0 and 0xCD9E8D57 * c2, no bumped
// key yet. The published answers do not exercise the key's bits one by one.
TEST_F(PhiloxTest, OneRoundUsesEveryKeyBit) {
  for (unsigned bit = 0; bit < 64; ++bit) {
    Words counter = {2, 0x10, 3, 0x20};
    uint32_t key[2] = {bit < 32 ? 1u << bit : 0,
                       bit < 32 ? 0 : 1u << (bit - 32)};
    Words out;
    EXPECT_EQ(dropoutPhilox4x32(1, counter.data(), key, out.data()),
              DROPOUT_OK);
    Words expected = {0x2u ^ 0x10u ^ key[0], 0x68dba805, 0x1u ^ 0x20u ^ key[1],
                      0xa4a23ea6};
    EXPECT_EQ(out, expected);
  }
}

TEST_F(PhiloxTest, RefusesBadArguments) {
  Words counter = {1, 2, 3, 4};
  uint32_t key[2] = {5, 6};
  for (int rounds : {0, -1, 17}) {
    Words out = {9, 9, 9, 9};
    expectError(dropoutPhilox4x32(rounds, counter.data(), key, out.data()),
                DROPOUT_INVALID_ARGUMENT,
                "expected rounds in [1, 16], but got " +
                    std::to_string(rounds));
    EXPECT_EQ(out, Words{});
  }
  Words out = {9, 9, 9, 9};
  EXPECT_EQ(dropoutPhilox4x32(10, nullptr, key, out.data()),
            DROPOUT_INVALID_ARGUMENT);
  EXPECT_EQ(out, Words{});
  EXPECT_EQ(dropoutPhilox4x32(10, counter.data(), nullptr, out.data()),
            DROPOUT_INVALID_ARGUMENT);
  EXPECT_EQ(dropoutPhilox4x32(10, counter.data(), key, nullptr),
            DROPOUT_INVALID_ARGUMENT);
  EXPECT_EQ(dropoutPhilox4x32(16, counter.data(), key, out.data()), DROPOUT_OK);
}
