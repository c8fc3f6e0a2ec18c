//===- ContractTest.cpp - Threshold and constants of the contract ---------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/Dialect/Dropout/IR/DropoutContract.h"
#include "gtest/gtest.h"

#include <cmath>
#include <limits>

using namespace mlir::dropout;

TEST(Threshold, KnownAnswer) {
  // From the contract's table of known answers.
  EXPECT_EQ(getThreshold(0.3, 16), 0x4ccccccdu);
  EXPECT_EQ(getThreshold(0.5, 16), 0x80000000u);
}

TEST(Threshold, IsZeroAndFullForZeroAndOneOnly) {
  EXPECT_EQ(getThreshold(0.0, 16), 0u);
  EXPECT_EQ(getThreshold(-0.0, 16), 0u);
  EXPECT_EQ(getThreshold(1.0, 16), uint64_t(1) << 32);
  EXPECT_EQ(getThreshold(std::numeric_limits<double>::denorm_min(), 16), 1u);
  EXPECT_EQ(getThreshold(std::nextafter(1.0, 0.0), 16), 0xffffffffu);
}

TEST(Threshold, RoundsHalfToEven) {
  double unit = std::ldexp(1.0, -32);
  EXPECT_EQ(getThreshold(2.5 * unit, 16), 2u);
  EXPECT_EQ(getThreshold(3.5 * unit, 16), 4u);
}

TEST(Threshold, OfTheWidenedSingleIsAnother) {
  EXPECT_NE(getThreshold(0.3, 16), getThreshold(0.3f, 16));
}

TEST(Threshold, EightBits) {
  EXPECT_EQ(getThreshold(0.3, 8), 77u); // roundeven(76.8)
  EXPECT_EQ(getThreshold(0.0, 8), 0u);
  EXPECT_EQ(getThreshold(1.0, 8), 256u);
  EXPECT_EQ(getEffectiveProbability(0.3, 8), 77.0 / 256.0);
  EXPECT_TRUE(isRepresentable(0.3, 8));
  EXPECT_FALSE(isRepresentable(0.001, 8));
  EXPECT_FALSE(isRepresentable(0.999, 8));
  EXPECT_TRUE(isRepresentable(0.001, 16));
}

TEST(Probability, RejectsWhatIsNone) {
  EXPECT_TRUE(isProbability(0.0));
  EXPECT_TRUE(isProbability(1.0));
  EXPECT_FALSE(isProbability(std::nextafter(1.0, 2.0)));
  EXPECT_FALSE(isProbability(-std::numeric_limits<double>::denorm_min()));
  EXPECT_FALSE(isProbability(std::nan("")));
  // An unchecked one drops everything.
  EXPECT_EQ(getThreshold(std::nan(""), 16), uint64_t(1) << 32);
  EXPECT_EQ(getThreshold(-1.0, 16), uint64_t(1) << 32);
}

// Klambauer et al., "Self-Normalizing Neural Networks"; figures to 15 digits
// computed with the formulas of the value contract in another program.
TEST(AffineConstants, KnownAnswers) {
  struct {
    double p, a, b, d;
  } cases[] = {
      {0.05, .954844476005031, .0839355721938102, -1.59477587168239},
      {0.1, .921284516149712, .16197097005757, -1.45773873051813},
      {0.5, .886404894665932, .779193930518032, -.779193930518032},
      {0.9, 1.62610827604013, 2.57297389942736, -.285885988825262},
  };
  for (auto &c : cases) {
    AffineConstants constants = getAffineConstants(c.p);
    EXPECT_NEAR(constants.a, c.a, 1e-14);
    EXPECT_NEAR(constants.b, c.b, 1e-14);
    EXPECT_NEAR(constants.d, c.d, 1e-14);
  }
}

TEST(AffineConstants, DropToZeroAtOne) {
  EXPECT_EQ(getAffineConstants(1.0).d, 0.0);
  EXPECT_FALSE(std::signbit(getAffineConstants(1.0).d));
}

TEST(Scale, IsTheInverseOfTheKeptShare) {
  EXPECT_EQ(getScale(0.5), 2.0);
  // In f64: 1 / (1 - 0.3f) differs in the eighth digit.
  EXPECT_EQ(getScale(0.3), 1.4285714285714286);
  EXPECT_EQ(getScale(0.0), 1.0);
  EXPECT_TRUE(std::isinf(getScale(1.0)));
}
