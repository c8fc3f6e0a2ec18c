//===- Philox.h - Philox4x32 on the host ------------------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_LIB_RUNTIME_PHILOX_H
#define DROPOUT_LIB_RUNTIME_PHILOX_H

#include <array>
#include <cstdint>

namespace dropout::runtime {

using PhiloxBlock = std::array<uint32_t, 4>;

inline uint32_t lo32(uint64_t x) { return static_cast<uint32_t>(x); }
inline uint32_t hi32(uint64_t x) { return static_cast<uint32_t>(x >> 32); }

/// Philox4x32-`rounds` of Salmon et al., SC'11. Its constants stand here and
/// nowhere else in the runtime. Inline, since the mask calls it once per eight
/// elements.
inline PhiloxBlock philox4x32(int rounds, PhiloxBlock counter, uint32_t key0,
                              uint32_t key1) {
  constexpr uint64_t multiplier0 = 0xD2511F53;
  constexpr uint64_t multiplier1 = 0xCD9E8D57;
  constexpr uint32_t weyl0 = 0x9E3779B9; // golden ratio
  constexpr uint32_t weyl1 = 0xBB67AE85; // sqrt(3) - 1
  for (int round = 0; round < rounds; ++round) {
    uint64_t product0 = multiplier0 * counter[0];
    uint64_t product1 = multiplier1 * counter[2];
    counter = {hi32(product1) ^ counter[1] ^ key0, lo32(product1),
               hi32(product0) ^ counter[3] ^ key1, lo32(product0)};
    key0 += weyl0;
    key1 += weyl1;
  }
  return counter;
}

/// The same with counter and key given as 64-bit numbers, low word first: the
/// only way in which the mask contract uses them.
inline PhiloxBlock philox4x32(int rounds, uint64_t counterLow,
                              uint64_t counterHigh, uint64_t key) {
  return philox4x32(rounds,
                    PhiloxBlock{lo32(counterLow), hi32(counterLow),
                                lo32(counterHigh), hi32(counterHigh)},
                    lo32(key), hi32(key));
}

} // namespace dropout::runtime

#endif // DROPOUT_LIB_RUNTIME_PHILOX_H
