//===- DropoutContract.cpp - Threshold and constants of the contract ------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/Dialect/Dropout/IR/DropoutContract.h"

#include <algorithm>
#include <cmath>

using namespace mlir::dropout;

bool mlir::dropout::isProbability(double p) { return p >= 0.0 && p <= 1.0; }

bool mlir::dropout::isRepresentable(double p, uint32_t resolution) {
  if (resolution != 8 || !(p > 0.0 && p < 1.0))
    return true;
  double k = std::nearbyint(p * 256.0); // ties to even, the default mode
  return k >= 1.0 && k <= 255.0;
}

double mlir::dropout::getEffectiveProbability(double p, uint32_t resolution) {
  if (!isProbability(p))
    return 1.0;
  return resolution == 8 ? std::nearbyint(p * 256.0) / 256.0 : p;
}

uint64_t mlir::dropout::getThreshold(double p, uint32_t resolution) {
  p = getEffectiveProbability(p, resolution);
  if (resolution == 8)
    return static_cast<uint64_t>(p * 256.0);
  if (p == 0.0 || p == 1.0)
    return p == 0.0 ? 0 : uint64_t(1) << 32;
  double scaled = std::nearbyint(p * 4294967296.0);
  return static_cast<uint64_t>(std::clamp(scaled, 1.0, 4294967295.0));
}

double mlir::dropout::getScale(double p) { return 1.0 / (1.0 - p); }

AffineConstants mlir::dropout::getAffineConstants(double p) {
  double q = 1.0 - p;
  double v = q + ((kAlphaPrime * kAlphaPrime) * q) * p;
  double a = 1.0 / std::sqrt(v);
  double b = -((a * p) * kAlphaPrime);
  double d = p == 1.0 ? 0.0 : a * kAlphaPrime + b;
  return {a, b, d};
}
