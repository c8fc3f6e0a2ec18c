//===- Philox.h - Constants of the generator --------------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Multipliers and Weyl increments of Philox4x32: Salmon, Moraes, Dror and Shaw,
// "Parallel random numbers: as easy as 1, 2, 3", SC'11, and Random123.
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_CONVERSION_UTILS_PHILOX_H
#define DROPOUT_CONVERSION_UTILS_PHILOX_H

#include <cstdint>

namespace mlir::dropout {

inline constexpr uint32_t kPhiloxMultiplier0 = 0xD2511F53;
inline constexpr uint32_t kPhiloxMultiplier1 = 0xCD9E8D57;
inline constexpr uint32_t kPhiloxKeyIncrement0 = 0x9E3779B9;
inline constexpr uint32_t kPhiloxKeyIncrement1 = 0xBB67AE85;

} // namespace mlir::dropout

#endif // DROPOUT_CONVERSION_UTILS_PHILOX_H
