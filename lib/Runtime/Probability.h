//===- Probability.h - The check and the threshold of p ---------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_LIB_RUNTIME_PROBABILITY_H
#define DROPOUT_LIB_RUNTIME_PROBABILITY_H

#include <cstdint>

namespace dropout::runtime {

/// Checks p and the resolution and computes the threshold, as described at
/// dropoutThreshold. Returns a status; on error the threshold is not written.
int32_t computeThreshold(double p, int32_t resolution, uint64_t &threshold);

} // namespace dropout::runtime

#endif // DROPOUT_LIB_RUNTIME_PROBABILITY_H
