//===- Mask.cpp - Keep bits on the host, mask contract 1 --------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Error.h"
#include "Philox.h"
#include "Probability.h"

#include "dropout/Runtime/Runtime.h"

#include <algorithm>
#include <cstring>

using namespace dropout::runtime;

namespace {

/// All that decides a mask except the index, checked and ready.
struct MaskSource {
  uint64_t seed;
  uint64_t offset;
  uint64_t threshold;
  int rounds;

  PhiloxBlock block(uint64_t b) const {
    return philox4x32(rounds, b, offset, seed);
  }
};

/// Blocks of high halfwords have an index below 2^61, so bit 63 gives each one
/// a companion of low halfwords.
constexpr uint64_t lowHalfwords = uint64_t(1) << 63;

} // namespace

static uint32_t halfword(const PhiloxBlock &block, unsigned position) {
  return (block[position / 2] >> (16 * (position % 2))) & 0xffff;
}

static uint32_t byteOf(const PhiloxBlock &block, unsigned position) {
  return (block[position / 4] >> (8 * (position % 4))) & 0xff;
}

/// Keep bits of the positions [begin, end) of block b, resolution 16.
static void fillBlock16(uint8_t *dst, const MaskSource &source, uint64_t b,
                        unsigned begin, unsigned end) {
  PhiloxBlock high = source.block(b);
  uint64_t top = source.threshold >> 16;
  for (unsigned position = begin; position < end; ++position) {
    uint32_t h = halfword(high, position);
    bool keep = h > top;
    // Once in 65536 elements the low halfword decides.
    if (h == top)
      keep = halfword(source.block(b | lowHalfwords), position) >=
             (source.threshold & 0xffff);
    *dst++ = keep;
  }
}

/// Keep bits of the positions [begin, end) of block b, resolution 8.
static void fillBlock8(uint8_t *dst, const MaskSource &source, uint64_t b,
                       unsigned begin, unsigned end) {
  PhiloxBlock block = source.block(b);
  for (unsigned position = begin; position < end; ++position)
    *dst++ = byteOf(block, position) >= source.threshold;
}

static int32_t fillMask(uint8_t *dst, uint64_t first, uint64_t count, double p,
                        uint64_t seed, uint64_t offset, int32_t rounds,
                        int32_t resolution) {
  if (rounds != 7 && rounds != 10)
    return recordError(DROPOUT_INVALID_ARGUMENT,
                       "expected rounds 7 or 10, but got %d",
                       static_cast<int>(rounds));
  MaskSource source = {seed, offset, 0, rounds};
  if (int32_t status = computeThreshold(p, resolution, source.threshold))
    return status;
  if (count == 0)
    return DROPOUT_OK;
  if (!dst)
    return recordError(DROPOUT_INVALID_ARGUMENT, "expected dst, but got NULL");
  // The last index, not the end: the end may be 2^64.
  if (first + (count - 1) < first || count > SIZE_MAX)
    return recordError(DROPOUT_INVALID_ARGUMENT,
                       "%llu elements from %llu on pass the last index",
                       static_cast<unsigned long long>(count),
                       static_cast<unsigned long long>(first));

  if (p == 0.0 || p == 1.0) {
    std::memset(dst, p == 0.0, static_cast<size_t>(count));
    return DROPOUT_OK;
  }
  auto *fillBlock = resolution == 8 ? fillBlock8 : fillBlock16;
  unsigned perBlock = 128 / static_cast<unsigned>(resolution);
  uint64_t b = first / perBlock;
  unsigned begin = static_cast<unsigned>(first % perBlock);
  while (count) {
    unsigned length =
        static_cast<unsigned>(std::min<uint64_t>(count, perBlock - begin));
    fillBlock(dst, source, b, begin, begin + length);
    dst += length;
    count -= length;
    begin = 0;
    ++b;
  }
  return DROPOUT_OK;
}

int32_t dropoutMaskFill(uint8_t *dst, uint64_t first, uint64_t count, double p,
                        uint64_t seed, uint64_t offset, int32_t rounds,
                        int32_t resolution) noexcept {
  return fillMask(dst, first, count, p, seed, offset, rounds, resolution);
}

int32_t dropoutKeepBit(uint64_t seed, uint64_t offset, uint64_t index, double p,
                       int32_t rounds, int32_t resolution) noexcept {
  uint8_t keep = 0;
  fillMask(&keep, index, 1, p, seed, offset, rounds, resolution);
  return keep;
}
