//===- YardstickAVX2.cpp - Yardstick kernel for AVX2 ----------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Element dropout of f32, ten rounds, 16 bits: four blocks at once, one per
// 64-bit lane, 32 elements. See YardstickAVX512.cpp for the idea.
//
//===----------------------------------------------------------------------===//

#include "Yardstick.h"

#if defined(__x86_64__)

#include <immintrin.h>

using namespace yardstick;

#define INLINE inline __attribute__((always_inline))

namespace {

constexpr int kRounds = 10;

INLINE __m256i broadcast(uint64_t value) {
  return _mm256_set1_epi64x(static_cast<long long>(value));
}
INLINE __m256i xor3(__m256i a, __m256i b, uint64_t c) {
  return _mm256_xor_si256(_mm256_xor_si256(a, b), broadcast(c));
}

struct Keys {
  uint64_t key0[kRounds], key1[kRounds];

  explicit Keys(uint64_t seed) {
    uint32_t k0 = uint32_t(seed), k1 = uint32_t(seed >> 32);
    for (int round = 0; round < kRounds; ++round) {
      key0[round] = k0;
      key1[round] = k1;
      k0 += 0x9E3779B9;
      k1 += 0xBB67AE85;
    }
    // The last round delivers its words in the high halves, and every halfword
    // with its top bit flipped, since AVX2 compares as signed.
    key0[kRounds - 1] = key0[kRounds - 1] << 32 ^ 0x8000800080008000;
    key1[kRounds - 1] = key1[kRounds - 1] << 32 ^ 0x8000800080008000;
  }
};

/// Four blocks from \p block on: 32 halfwords in order, top bits flipped.
INLINE void draw(const Keys &keys, uint64_t block, uint64_t offset,
                 __m256i &low, __m256i &high) {
  const __m256i m0 = broadcast(0xD2511F53), m1 = broadcast(0xCD9E8D57);
  // In this order the blocks come out in theirs.
  __m256i c0 = _mm256_add_epi64(broadcast(uint32_t(block)),
                                _mm256_setr_epi64x(0, 2, 1, 3));
  __m256i c1 = broadcast(block >> 32);
  __m256i c2 = broadcast(uint32_t(offset));
  __m256i c3 = broadcast(offset >> 32);
#pragma clang loop unroll(full)
  for (int round = 0; round < kRounds - 1; ++round) {
    __m256i p0 = _mm256_mul_epu32(c0, m0), p1 = _mm256_mul_epu32(c2, m1);
    c0 = xor3(_mm256_srli_epi64(p1, 32), c1, keys.key0[round]);
    c2 = xor3(_mm256_srli_epi64(p0, 32), c3, keys.key1[round]);
    c1 = p1;
    c3 = p0;
  }
  __m256i p0 = _mm256_mul_epu32(c0, m0), p1 = _mm256_mul_epu32(c2, m1);
  __m256i words01 = xor3(p1, _mm256_slli_epi64(c1, 32), keys.key0[kRounds - 1]);
  __m256i words23 = xor3(p0, _mm256_slli_epi64(c3, 32), keys.key1[kRounds - 1]);
  low = _mm256_shuffle_epi32(_mm256_unpacklo_epi64(words01, words23), 0xb1);
  high = _mm256_shuffle_epi32(_mm256_unpackhi_epi64(words01, words23), 0xb1);
}

/// One bit per 16-bit element of two masks.
INLINE uint32_t toBits(__m256i low, __m256i high) {
  __m256i bytes = _mm256_permute4x64_epi64(_mm256_packs_epi16(low, high), 0xd8);
  return uint32_t(_mm256_movemask_epi8(bytes));
}

} // namespace

[[gnu::cold, gnu::noinline]] static void mendTies(const Arguments &arguments,
                                                  uint64_t block, __m256i tie0,
                                                  __m256i tie1,
                                                  __m256i (&keep)[2]) {
  uint64_t bits = detail::resolveTies(
      arguments, block, toBits(keep[0], keep[1]), toBits(tie0, tie1));
  alignas(32) int16_t lanes[32];
  for (int i = 0; i < 32; ++i)
    lanes[i] = bits >> i & 1 ? -1 : 0;
  keep[0] = _mm256_load_si256(reinterpret_cast<__m256i *>(lanes));
  keep[1] = _mm256_load_si256(reinterpret_cast<__m256i *>(lanes + 16));
}

namespace {

/// Masks of 32 elements, 16 bits each.
INLINE void keepBits(const Arguments &arguments, const Keys &keys,
                     uint64_t block, __m256i top, __m256i (&keep)[2]) {
  __m256i low, high;
  draw(keys, block, arguments.offset, low, high);
  keep[0] = _mm256_cmpgt_epi16(low, top);
  keep[1] = _mm256_cmpgt_epi16(high, top);
  __m256i tie0 = _mm256_cmpeq_epi16(low, top);
  __m256i tie1 = _mm256_cmpeq_epi16(high, top);
  __m256i ties = _mm256_or_si256(tie0, tie1);
  if (__builtin_expect(!_mm256_testz_si256(ties, ties), 0))
    mendTies(arguments, block, tie0, tie1, keep);
}

template <bool NonTemporal>
INLINE void store(float *to, __m256 value) {
  if (NonTemporal)
    _mm256_stream_ps(to, value);
  else
    _mm256_storeu_ps(to, value);
}

} // namespace

template <bool NonTemporal>
static void element(const Arguments &arguments) {
  const Keys keys(arguments.seed);
  const __m256 s = _mm256_set1_ps(float(arguments.scale));
  const __m256i top =
      _mm256_set1_epi16(short((arguments.threshold >> 16) ^ 0x8000));
  auto *x = static_cast<const float *>(arguments.x);
  auto *y = static_cast<float *>(arguments.y);
  uint64_t block = arguments.first / 8;
  uint64_t i = 0;
  __m256i keep[2];
  for (; i + 32 <= arguments.count; i += 32, block += 4) {
    if (NonTemporal) {
      _mm_prefetch(reinterpret_cast<const char *>(x + i) + 2048, _MM_HINT_T0);
      _mm_prefetch(reinterpret_cast<const char *>(x + i) + 2112, _MM_HINT_T0);
    }
    keepBits(arguments, keys, block, top, keep);
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; ++j) {
      __m128i half = j % 2 ? _mm256_extracti128_si256(keep[j / 2], 1)
                           : _mm256_castsi256_si128(keep[j / 2]);
      __m256 mask = _mm256_castsi256_ps(_mm256_cvtepi16_epi32(half));
      __m256 value = _mm256_mul_ps(_mm256_loadu_ps(x + i + 8 * j), s);
      store<NonTemporal>(y + i + 8 * j, _mm256_and_ps(value, mask));
    }
  }
  if (i < arguments.count) {
    keepBits(arguments, keys, block, top, keep);
    uint32_t bits = toBits(keep[0], keep[1]);
    float scale = float(arguments.scale);
    for (unsigned lane = 0; i < arguments.count; ++i, ++lane)
      y[i] = bits >> lane & 1 ? x[i] * scale : 0.0f;
  }
  if (NonTemporal)
    _mm_sfence();
}

static void run(const Arguments &arguments) {
  bool big = arguments.count * sizeof(float) >= kNonTemporalBytes;
  if (big && arguments.x != arguments.y && uintptr_t(arguments.y) % 64 == 0)
    return element<true>(arguments);
  element<false>(arguments);
}

Kernel detail::getKernelAVX2(const Options &options) {
  if (options.type != Type::F32 || options.map != Map::Scale ||
      options.chain != Chain::None || options.channel || !options.draw ||
      options.rounds != 10 || options.resolution != 16)
    return nullptr;
  return run;
}

#endif // defined(__x86_64__)
