//===- DropoutContract.h - Threshold and constants of the contract --------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the mask and value contracts say of p, for a p known at compile time.
// All arithmetic is f64, in the order written, without contraction.
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_DIALECT_DROPOUT_IR_DROPOUTCONTRACT_H
#define DROPOUT_DIALECT_DROPOUT_IR_DROPOUTCONTRACT_H

#include <cstdint>

namespace mlir::dropout {

/// The version of the mask contract that this library draws.
constexpr uint32_t kContractVersion = 1;

/// alpha' = -lambda * alpha of SELU (Klambauer et al., "Self-Normalizing Neural
/// Networks", 2017), as the contract's literal, not as a product.
constexpr double kAlphaPrime = -1.7580993408473768;

/// True if p is in [0, 1]; false for NaN.
bool isProbability(double p);

/// True if p can be drawn with `resolution` bits: with 8 bits, 0 < p < 1 must
/// not round to 0/256 or 256/256.
bool isRepresentable(double p, uint32_t resolution);

/// The p that thresholds and constants use: k/256 with 8 bits; 1 for a p that
/// is not a probability.
double getEffectiveProbability(double p, uint32_t resolution);

/// T(p) = roundeven(p * 2^32), in [1, 2^32 - 1] when 0 < p < 1; with 8 bits
/// k = roundeven(256 p). An element is kept iff its draw is >= the threshold.
uint64_t getThreshold(double p, uint32_t resolution);

/// s = 1/(1-p), infinite for p = 1.
double getScale(double p);

/// The affine map of alpha dropout: kept elements become fma(a, x, b), dropped
/// ones d; d is 0 for p = 1.
struct AffineConstants {
  double a;
  double b;
  double d;
};
AffineConstants getAffineConstants(double p);

} // namespace mlir::dropout

#endif // DROPOUT_DIALECT_DROPOUT_IR_DROPOUTCONTRACT_H
