//===- Probability.cpp - The check and the threshold of p -------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Probability.h"
#include "Error.h"

#include "dropout/Runtime/Runtime.h"

#include <algorithm>
#include <cmath>

using namespace dropout::runtime;

/// Written so that NaN fails it.
static bool isProbability(double p) { return p >= 0.0 && p <= 1.0; }

static int32_t recordInvalidP(double p) {
  return recordError(DROPOUT_INVALID_P, "expected p in [0, 1], but got %s",
                     DoubleText(p).c_str());
}

/// Rounds to nearest, ties to even, for 0 <= x <= 2^32. C++17 has no
/// std::roundeven, and std::nearbyint follows the thread's rounding mode; both
/// steps here are exact, so they do not.
static uint64_t roundEven(double x) {
  double floor = std::floor(x);
  double rest = x - floor;
  uint64_t result = static_cast<uint64_t>(floor);
  if (rest > 0.5 || (rest == 0.5 && (result & 1)))
    ++result;
  return result;
}

int32_t dropout::runtime::computeThreshold(double p, int32_t resolution,
                                           uint64_t &threshold) {
  if (resolution != 8 && resolution != 16)
    return recordError(DROPOUT_INVALID_ARGUMENT,
                       "expected resolution 8 or 16, but got %d",
                       static_cast<int>(resolution));
  if (!isProbability(p))
    return recordInvalidP(p);

  bool isProper = p > 0.0 && p < 1.0;
  if (resolution == 8) {
    uint64_t k = roundEven(p * 256.0);
    if (isProper && (k == 0 || k == 256))
      return recordError(DROPOUT_INVALID_P,
                         "p = %s has no threshold of resolution 8: it would "
                         "act as p = %d; use resolution 16",
                         DoubleText(p).c_str(), k ? 1 : 0);
    threshold = k;
    return DROPOUT_OK;
  }

  uint64_t t = roundEven(p * 4294967296.0);
  if (isProper)
    t = std::clamp<uint64_t>(t, 1, UINT32_MAX);
  threshold = t;
  return DROPOUT_OK;
}

double dropoutCheckP(double p) noexcept {
  if (isProbability(p))
    return p;
  recordInvalidP(p);
  return 1.0;
}

double dropoutCheckPForResolution(double p, int32_t resolution) noexcept {
  uint64_t threshold;
  return computeThreshold(p, resolution, threshold) == DROPOUT_OK ? p : 1.0;
}

int32_t dropoutThreshold(double p, int32_t resolution,
                         uint64_t *outThreshold) noexcept {
  if (!outThreshold)
    return recordError(DROPOUT_INVALID_ARGUMENT,
                       "expected outThreshold, but got NULL");
  *outThreshold = 0;
  return computeThreshold(p, resolution, *outThreshold);
}
