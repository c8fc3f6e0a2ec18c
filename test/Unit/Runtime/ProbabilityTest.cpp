//===- ProbabilityTest.cpp - The check and the threshold of p ---*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RuntimeTest.h"

#include <cfenv>
#include <cmath>
#include <cstring>
#include <limits>

using namespace dropout::runtime::test;

using Limits = std::numeric_limits<double>;

static uint64_t threshold(double p, int resolution) {
  uint64_t result = 77;
  EXPECT_EQ(dropoutThreshold(p, resolution, &result), DROPOUT_OK)
      << dropoutLastMessage();
  return result;
}

class ProbabilityTest : public RuntimeTest {};

TEST_F(ProbabilityTest, CheckReturnsValidBits) {
  for (double p : {0.0, -0.0, Limits::denorm_min(), 0.3, 0.5,
                   std::nextafter(1.0, 0.0), 1.0}) {
    double result = dropoutCheckP(p);
    EXPECT_EQ(std::memcmp(&result, &p, sizeof(p)), 0) << p;
  }
  EXPECT_EQ(dropoutLastStatus(), DROPOUT_OK);
}

TEST_F(ProbabilityTest, CheckNamesTheValue) {
  struct {
    double p;
    const char *text;
  } cases[] = {
      {Limits::quiet_NaN(), "nan"},
      {-Limits::quiet_NaN(), "nan"},
      {Limits::infinity(), "inf"},
      {-Limits::infinity(), "-inf"},
      {-0.5, "-0.5"},
      {1.5, "1.5"},
      {2, "2"},
      // The neighbours of the interval must not look like its ends.
      {std::nextafter(1.0, 2.0), "1.0000000000000002"},
      {-Limits::denorm_min(), "-5e-324"},
      {-Limits::min(), "-2.2250738585072014e-308"},
      {-Limits::max(), "-1.7976931348623157e+308"},
  };
  for (const auto &c : cases) {
    EXPECT_EQ(dropoutCheckP(c.p), 1.0);
    expectError(dropoutLastStatus(), DROPOUT_INVALID_P,
                std::string("expected p in [0, 1], but got ") + c.text);
  }
}

TEST_F(ProbabilityTest, CheckForResolution) {
  EXPECT_EQ(dropoutCheckPForResolution(0.3, 16), 0.3);
  EXPECT_EQ(dropoutCheckPForResolution(1e-300, 16), 1e-300);
  EXPECT_EQ(dropoutCheckPForResolution(0.3, 8), 0.3);
  EXPECT_EQ(dropoutCheckPForResolution(0.0, 8), 0.0);
  EXPECT_EQ(dropoutCheckPForResolution(1.0, 8), 1.0);
  EXPECT_EQ(dropoutLastStatus(), DROPOUT_OK);

  EXPECT_EQ(dropoutCheckPForResolution(0.001, 8), 1.0);
  expectError(dropoutLastStatus(), DROPOUT_INVALID_P,
              "p = 0.001 has no threshold of resolution 8: it would act as "
              "p = 0; use resolution 16");
  EXPECT_EQ(dropoutCheckPForResolution(0.999, 8), 1.0);
  expectError(dropoutLastStatus(), DROPOUT_INVALID_P,
              "p = 0.999 has no threshold of resolution 8: it would act as "
              "p = 1; use resolution 16");
  EXPECT_EQ(dropoutCheckPForResolution(Limits::quiet_NaN(), 8), 1.0);
  expectError(dropoutLastStatus(), DROPOUT_INVALID_P,
              "expected p in [0, 1], but got nan");
  EXPECT_EQ(dropoutCheckPForResolution(0.3, 32), 1.0);
  expectError(dropoutLastStatus(), DROPOUT_INVALID_ARGUMENT,
              "expected resolution 8 or 16, but got 32");
}

TEST_F(ProbabilityTest, Threshold16) {
  EXPECT_EQ(threshold(0.3, 16), 0x4ccccccdu);
  EXPECT_EQ(threshold(0.5, 16), 0x80000000u);
  // f32 0.3 widened is another p.
  EXPECT_EQ(threshold(0.3f, 16), 0x4ccccd00u);
  EXPECT_EQ(threshold(0.0, 16), 0u);
  EXPECT_EQ(threshold(-0.0, 16), 0u);
  EXPECT_EQ(threshold(1.0, 16), 0x100000000u);
  // The clamp: 0 is for p = 0 alone, 2^32 for p = 1 alone.
  EXPECT_EQ(threshold(Limits::denorm_min(), 16), 1u);
  EXPECT_EQ(threshold(Limits::min(), 16), 1u);
  EXPECT_EQ(threshold(0x1p-33, 16), 1u);
  EXPECT_EQ(threshold(std::nextafter(1.0, 0.0), 16), 0xffffffffu);
  EXPECT_EQ(threshold(1.0 - 0x1p-33, 16), 0xffffffffu);
  // Ties go to even.
  EXPECT_EQ(threshold(0x1.8p-32, 16), 2u);
  EXPECT_EQ(threshold(0x1.4p-31, 16), 2u);
  EXPECT_EQ(threshold(0x1.cp-31, 16), 4u);
  EXPECT_EQ(threshold(std::nextafter(0x1.4p-31, 1.0), 16), 3u);
  EXPECT_EQ(threshold(std::nextafter(0x1.8p-32, 0.0), 16), 1u);
}

TEST_F(ProbabilityTest, Threshold8) {
  EXPECT_EQ(threshold(0.3, 8), 77u); // 76.8
  EXPECT_EQ(threshold(0.0, 8), 0u);
  EXPECT_EQ(threshold(1.0, 8), 256u);
  EXPECT_EQ(threshold(1.5 / 256, 8), 2u);
  EXPECT_EQ(threshold(2.5 / 256, 8), 2u);
  EXPECT_EQ(threshold(std::nextafter(0.5 / 256, 1.0), 8), 1u);
  EXPECT_EQ(threshold(std::nextafter(255.5 / 256, 0.0), 8), 255u);
  for (double p : {0.5 / 256, Limits::denorm_min(), 255.5 / 256,
                   std::nextafter(1.0, 0.0)}) {
    uint64_t result = 77;
    EXPECT_EQ(dropoutThreshold(p, 8, &result), DROPOUT_INVALID_P) << p;
    EXPECT_EQ(result, 0u);
  }
}

TEST_F(ProbabilityTest, ThresholdIgnoresTheRoundingMode) {
  int before = std::fegetround();
  for (int mode : {FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO, FE_TONEAREST}) {
    ASSERT_EQ(std::fesetround(mode), 0);
    EXPECT_EQ(threshold(0.3, 16), 0x4ccccccdu) << mode;
    EXPECT_EQ(threshold(0.1, 16), 0x1999999au) << mode;
    EXPECT_EQ(threshold(0x1.4p-31, 16), 2u) << mode;
    EXPECT_EQ(threshold(0.3, 8), 77u) << mode;
  }
  std::fesetround(before);
}

TEST_F(ProbabilityTest, ThresholdRefusesBadArguments) {
  uint64_t result = 77;
  expectError(dropoutThreshold(-1, 16, &result), DROPOUT_INVALID_P,
              "expected p in [0, 1], but got -1");
  EXPECT_EQ(result, 0u);
  expectError(dropoutThreshold(0.5, 0, &result), DROPOUT_INVALID_ARGUMENT,
              "expected resolution 8 or 16, but got 0");
  EXPECT_EQ(dropoutThreshold(0.5, 16, nullptr), DROPOUT_INVALID_ARGUMENT);
}
