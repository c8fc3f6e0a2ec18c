//===- YardstickAVX512.cpp - Yardstick kernels for AVX-512 ----------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compiled for AVX512F/BW/DQ/VL, called only where the CPU has them.
//
// Philox4x32 runs on eight blocks at once, one per 64-bit lane, each of the
// four counter words in a vector of its own: vpmuludq reads the low half of a
// lane only, so whatever is in the high half is harmless and products are never
// masked. Eight blocks are 64 elements at 16 bits, 128 at 8.
//
//===----------------------------------------------------------------------===//

#include "Yardstick.h"

#if defined(__x86_64__)

#include <immintrin.h>

using namespace yardstick;

#define INLINE inline __attribute__((always_inline))

namespace {

constexpr uint32_t kMultiplier0 = 0xD2511F53;
constexpr uint32_t kMultiplier1 = 0xCD9E8D57;
constexpr uint32_t kWeyl0 = 0x9E3779B9;
constexpr uint32_t kWeyl1 = 0xBB67AE85;

/// How far loads are prefetched where data comes from memory.
constexpr size_t kPrefetchBytes = 2048;

enum class Stores {
  Plain,       ///< Data in the caches.
  Prefetch,    ///< Big, but in place or unaligned: the line is there already.
  NonTemporal, ///< Big: no read for ownership, no pollution.
};

INLINE __m512i xor3(__m512i a, __m512i b, __m512i c) {
  return _mm512_ternarylogic_epi64(a, b, c, 0x96);
}
INLINE __m512i broadcast(uint64_t value) {
  return _mm512_set1_epi64(static_cast<long long>(value));
}

//===----------------------------------------------------------------------===//
// Philox
//===----------------------------------------------------------------------===//

/// The blocks of one mask from some block on, of which only the low 32 bits of
/// the number may change. What is the same for all of them is computed here:
/// all of the second product of round 1 and of the first of round 2, and the
/// first product of round 1 is linear in the block's number.
template <int Rounds>
class Stream {
public:
  INLINE Stream(const Arguments &arguments, uint64_t block) {
    uint32_t k0 = uint32_t(arguments.seed);
    uint32_t k1 = uint32_t(arguments.seed >> 32);
    for (int round = 0; round < Rounds; ++round) {
      key0[round] = k0;
      key1[round] = k1;
      k0 += kWeyl0;
      k1 += kWeyl1;
    }
    uint64_t second1 = uint64_t(kMultiplier1) * uint32_t(arguments.offset);
    uint32_t word0 =
        uint32_t(second1 >> 32) ^ uint32_t(block >> 32) ^ uint32_t(key0[0]);
    uint64_t first2 = uint64_t(kMultiplier0) * word0;
    round1 = uint32_t(arguments.offset >> 32) ^ uint32_t(key1[0]);
    round2a = uint32_t(second1) ^ uint32_t(key0[1]);
    round2b = uint32_t(first2 >> 32) ^ uint32_t(key1[1]);
    round3 = uint32_t(first2) ^ uint32_t(key1[2]);
    // The last round delivers its words in the high halves.
    key0[Rounds - 1] <<= 32;
    key1[Rounds - 1] <<= 32;
    first1 = _mm512_add_epi64(
        broadcast(uint64_t(kMultiplier0) * uint32_t(block)),
        _mm512_mullo_epi64(_mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7),
                           broadcast(kMultiplier0)));
  }

  /// The next eight blocks for each of `Groups`: 32 words each, in order. One
  /// chain of rounds is 50 cycles of latency; interleaved ones hide it where a
  /// scheduler is too small to look ahead that far.
  template <int Groups>
  INLINE void next(__m512i (&low)[Groups], __m512i (&high)[Groups]) {
    const __m512i m0 = broadcast(kMultiplier0), m1 = broadcast(kMultiplier1);
    __m512i c0[Groups], c1[Groups], c2[Groups], c3[Groups];
#define FOR_GROUPS                                                             \
  _Pragma("clang loop unroll(full)") for (int g = 0; g < Groups; ++g)
    FOR_GROUPS {
      // Round 1.
      c3[g] = first1;
      first1 = _mm512_add_epi64(first1, broadcast(uint64_t(kMultiplier0) * 8));
      c2[g] = _mm512_xor_si512(_mm512_srli_epi64(c3[g], 32), broadcast(round1));
    }
    FOR_GROUPS {
      // Round 2.
      __m512i p1 = _mm512_mul_epu32(c2[g], m1);
      c0[g] = _mm512_xor_si512(_mm512_srli_epi64(p1, 32), broadcast(round2a));
      c1[g] = p1;
      c2[g] = _mm512_xor_si512(c3[g], broadcast(round2b));
    }
    FOR_GROUPS {
      // Round 3.
      __m512i p0 = _mm512_mul_epu32(c0[g], m0);
      __m512i p1 = _mm512_mul_epu32(c2[g], m1);
      c0[g] = xor3(_mm512_srli_epi64(p1, 32), c1[g], broadcast(key0[2]));
      c2[g] = _mm512_xor_si512(_mm512_srli_epi64(p0, 32), broadcast(round3));
      c1[g] = p1;
      c3[g] = p0;
    }
#pragma clang loop unroll(full)
    for (int round = 3; round < Rounds - 1; ++round) {
      FOR_GROUPS {
        __m512i p0 = _mm512_mul_epu32(c0[g], m0);
        __m512i p1 = _mm512_mul_epu32(c2[g], m1);
        c0[g] = xor3(_mm512_srli_epi64(p1, 32), c1[g], broadcast(key0[round]));
        c2[g] = xor3(_mm512_srli_epi64(p0, 32), c3[g], broadcast(key1[round]));
        c1[g] = p1;
        c3[g] = p0;
      }
    }
    const __m512i first = _mm512_setr_epi32(1, 0, 17, 16, 3, 2, 19, 18, 5, 4,
                                            21, 20, 7, 6, 23, 22);
    const __m512i last = _mm512_setr_epi32(9, 8, 25, 24, 11, 10, 27, 26, 13, 12,
                                           29, 28, 15, 14, 31, 30);
    FOR_GROUPS {
      // The last: word 0 above word 1, and word 2 above word 3, so that no
      // packing is needed; the permutation swaps them. The empty asm hides that
      // what is shifted is a product: LLVM would multiply 64 by 64 bits instead
      // (vpmullq, three micro-ops).
      asm("" : "+v"(c1[g]), "+v"(c3[g]));
      __m512i p0 = _mm512_mul_epu32(c0[g], m0);
      __m512i p1 = _mm512_mul_epu32(c2[g], m1);
      __m512i words01 =
          xor3(p1, _mm512_slli_epi64(c1[g], 32), broadcast(key0[Rounds - 1]));
      __m512i words23 =
          xor3(p0, _mm512_slli_epi64(c3[g], 32), broadcast(key1[Rounds - 1]));
      low[g] = _mm512_permutex2var_epi32(words01, first, words23);
      high[g] = _mm512_permutex2var_epi32(words01, last, words23);
    }
#undef FOR_GROUPS
  }

private:
  uint64_t key0[Rounds], key1[Rounds];
  uint64_t round1, round2a, round2b, round3;
  __m512i first1;
};

/// Keep bits, 64 or 128 at a time.
template <int Rounds, int Resolution>
class Mask {
public:
  static constexpr unsigned kElements = 8 * 128 / Resolution;
  static constexpr unsigned kWords = kElements / 32;

  INLINE Mask(const Arguments &arguments, uint64_t block)
      : arguments(arguments), stream(arguments, block), block(block) {
    if (Resolution == 16) {
      uint64_t top = arguments.threshold >> 16;
      threshold = _mm512_set1_epi16(short(top < 0xffff ? top : 0xffff));
    } else {
      threshold = _mm512_set1_epi8(char(arguments.threshold));
    }
  }

  /// Keep bits of the next `Groups * kElements` elements.
  template <int Groups>
  INLINE void next(__mmask32 (&keep)[Groups * kWords]) {
    __m512i low[Groups], high[Groups];
    stream.template next<Groups>(low, high);
    if constexpr (Resolution == 16) {
      __mmask32 ties[2 * Groups], any = 0;
#pragma clang loop unroll(full)
      for (int g = 0; g < Groups; ++g) {
        keep[2 * g] = _mm512_cmpgt_epu16_mask(low[g], threshold);
        keep[2 * g + 1] = _mm512_cmpgt_epu16_mask(high[g], threshold);
        ties[2 * g] = _mm512_cmpeq_epu16_mask(low[g], threshold);
        ties[2 * g + 1] = _mm512_cmpeq_epu16_mask(high[g], threshold);
        any = _kor_mask32(any, _kor_mask32(ties[2 * g], ties[2 * g + 1]));
      }
      if (__builtin_expect(!_kortestz_mask32_u8(any, any), 0)) {
        // Copies, so that the masks themselves may stay in registers.
        __mmask32 mended[2 * Groups], tied[2 * Groups];
        __builtin_memcpy(mended, keep, sizeof(mended));
        __builtin_memcpy(tied, ties, sizeof(tied));
        resolve(mended, tied, Groups);
        __builtin_memcpy(keep, mended, sizeof(mended));
      }
    } else {
#pragma clang loop unroll(full)
      for (int g = 0; g < Groups; ++g) {
        __mmask64 first = _mm512_cmpge_epu8_mask(low[g], threshold);
        __mmask64 second = _mm512_cmpge_epu8_mask(high[g], threshold);
        keep[4 * g] = __mmask32(first);
        keep[4 * g + 1] = __mmask32(_kshiftri_mask64(first, 32));
        keep[4 * g + 2] = __mmask32(second);
        keep[4 * g + 3] = __mmask32(_kshiftri_mask64(second, 32));
      }
    }
    block += 8 * Groups;
  }

private:
  const Arguments &arguments;
  Stream<Rounds> stream;
  uint64_t block;
  __m512i threshold;

  [[gnu::cold, gnu::noinline]] void
  resolve(__mmask32 *keep, const __mmask32 *ties, int groups) const {
    for (int g = 0; g < groups; ++g) {
      uint64_t all =
          detail::resolveTies(arguments, block + 8 * uint64_t(g),
                              keep[2 * g] | uint64_t(keep[2 * g + 1]) << 32,
                              ties[2 * g] | uint64_t(ties[2 * g + 1]) << 32);
      keep[2 * g] = __mmask32(all);
      keep[2 * g + 1] = __mmask32(all >> 32);
    }
  }
};

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

template <Stores S>
INLINE void store(void *to, __m512i value) {
  if constexpr (S == Stores::NonTemporal)
    _mm512_stream_si512(static_cast<__m512i *>(to), value);
  else
    _mm512_storeu_si512(to, value);
}
template <Stores S>
INLINE void store(void *to, __m512 value) {
  store<S>(to, _mm512_castps_si512(value));
}

// Shifts that stay in mask registers.
INLINE __mmask16 upper(__mmask32 mask) {
  return __mmask16(_kshiftri_mask32(mask, 16));
}
INLINE __mmask8 part(__mmask32 mask, int index) {
  switch (index) {
  case 0:
    return __mmask8(mask);
  case 1:
    return __mmask8(_kshiftri_mask32(mask, 8));
  case 2:
    return __mmask8(_kshiftri_mask32(mask, 16));
  default:
    return __mmask8(_kshiftri_mask32(mask, 24));
  }
}

// A value policy maps 32 elements; `partial` writes only those that `valid`
// names and reads no others.

template <Map M>
struct F32 {
  using Element = float;
  __m512 s, b, d;

  INLINE explicit F32(const Arguments &arguments) {
    s = _mm512_set1_ps(float(M == Map::Scale ? arguments.scale : arguments.a));
    b = _mm512_set1_ps(float(arguments.b));
    d = _mm512_set1_ps(float(arguments.d));
  }
  INLINE __m512 map(__mmask16 keep, __m512 x) const {
    if constexpr (M == Map::Scale)
      return _mm512_maskz_mul_ps(keep, x, s);
    else
      return _mm512_mask_mov_ps(d, keep, _mm512_fmadd_ps(x, s, b));
  }
  template <Stores S>
  INLINE void full(__mmask32 keep, const float *x, float *y) const {
    store<S>(y, map(__mmask16(keep), _mm512_loadu_ps(x)));
    store<S>(y + 16, map(upper(keep), _mm512_loadu_ps(x + 16)));
  }
  INLINE void partial(__mmask32 valid, __mmask32 keep, const float *x,
                      float *y) const {
    __mmask16 v0 = __mmask16(valid), v1 = upper(valid);
    _mm512_mask_storeu_ps(y, v0,
                          map(__mmask16(keep), _mm512_maskz_loadu_ps(v0, x)));
    _mm512_mask_storeu_ps(y + 16, v1,
                          map(upper(keep), _mm512_maskz_loadu_ps(v1, x + 16)));
  }
};

template <Map M>
struct F64 {
  using Element = double;
  __m512d s, b, d;

  INLINE explicit F64(const Arguments &arguments) {
    s = _mm512_set1_pd(M == Map::Scale ? arguments.scale : arguments.a);
    b = _mm512_set1_pd(arguments.b);
    d = _mm512_set1_pd(arguments.d);
  }
  INLINE __m512d map(__mmask8 keep, __m512d x) const {
    if constexpr (M == Map::Scale)
      return _mm512_maskz_mul_pd(keep, x, s);
    else
      return _mm512_mask_mov_pd(d, keep, _mm512_fmadd_pd(x, s, b));
  }
  template <Stores S>
  INLINE void full(__mmask32 keep, const double *x, double *y) const {
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; ++i)
      store<S>(y + 8 * i, _mm512_castpd_si512(
                              map(part(keep, i), _mm512_loadu_pd(x + 8 * i))));
  }
  INLINE void partial(__mmask32 valid, __mmask32 keep, const double *x,
                      double *y) const {
    for (int i = 0; i < 4; ++i) {
      __mmask8 v = part(valid, i);
      _mm512_mask_storeu_pd(
          y + 8 * i, v,
          map(part(keep, i), _mm512_maskz_loadu_pd(v, x + 8 * i)));
    }
  }
};

template <Map M>
struct BF16 {
  using Element = uint16_t;
  __m512 s, b;
  __m512i d;

  INLINE explicit BF16(const Arguments &arguments) {
    s = _mm512_set1_ps(float(M == Map::Scale ? arguments.scale : arguments.a));
    b = _mm512_set1_ps(float(arguments.b));
    float value = float(arguments.d); // finite
    uint32_t bits;
    __builtin_memcpy(&bits, &value, 4);
    d = _mm512_set1_epi16(short((bits + 0x7fff + (bits >> 16 & 1)) >> 16));
  }

  /// Rounds to nearest even. \p even has the products of the even elements,
  /// \p odd those of the odd ones. A NaN has no low bits (its payload is that
  /// of a bf16), so it is never rounded up to something else.
  static INLINE __m512i round(__m512 even, __m512 odd) {
    __m512i e = _mm512_castps_si512(even), o = _mm512_castps_si512(odd);
    const __m512i swap = _mm512_broadcast_i32x4(
        _mm_setr_epi8(2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13));
    // As asm, since LLVM makes two-operand permutations and a mask that is
    // expanded into a vector of these: three micro-ops more.
    __m512i upper = o, lower = e;
    asm("vpshufb %2, %1, %0 %{%3%}"
        : "+v"(upper)
        : "v"(e), "v"(swap), "Yk"(__mmask64(0x3333333333333333)));
    asm("vpshufb %2, %1, %0 %{%3%}"
        : "+v"(lower)
        : "v"(o), "v"(swap), "Yk"(__mmask64(0xcccccccccccccccc)));
    // Up iff the lower half is above the middle, or on it with an odd upper:
    // lower >= (upper odd ? 0x8000 : 0x8001).
    __m512i bound = _mm512_ternarylogic_epi32(upper, _mm512_set1_epi16(1),
                                              _mm512_set1_epi16(short(0x8000)),
                                              0xff & ((~0xf0 & 0xcc) | 0xaa));
    __mmask32 up = _mm512_cmpge_epu16_mask(lower, bound);
    asm("vpaddw %2, %0, %0 %{%1%}"
        : "+v"(upper)
        : "Yk"(up), "v"(_mm512_set1_epi16(1)));
    return upper;
  }
  INLINE __m512i map(__mmask32 keep, __m512i x) const {
    __m512 even = _mm512_castsi512_ps(_mm512_slli_epi32(x, 16));
    __m512 odd = _mm512_castsi512_ps(
        _mm512_and_si512(x, _mm512_set1_epi32(int(0xffff0000))));
    if constexpr (M == Map::Scale)
      return round(_mm512_mul_ps(even, s), _mm512_mul_ps(odd, s));
    return _mm512_mask_mov_epi16(
        d, keep,
        round(_mm512_fmadd_ps(even, s, b), _mm512_fmadd_ps(odd, s, b)));
  }
  // What is dropped is not even loaded: 0 * s is +0.
  static INLINE __mmask32 loaded(__mmask32 keep) {
    return M == Map::Scale ? keep : ~__mmask32(0);
  }
  template <Stores S>
  INLINE void full(__mmask32 keep, const uint16_t *x, uint16_t *y) const {
    __m512i value = M == Map::Scale ? _mm512_maskz_loadu_epi16(keep, x)
                                    : _mm512_loadu_si512(x);
    store<S>(y, map(keep, value));
  }
  INLINE void partial(__mmask32 valid, __mmask32 keep, const uint16_t *x,
                      uint16_t *y) const {
    __m512i value = _mm512_maskz_loadu_epi16(valid & loaded(keep), x);
    _mm512_mask_storeu_epi16(y, valid, map(keep, value));
  }
};

template <Map M>
struct F16 {
  using Element = uint16_t;
  static constexpr int kNearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
  __m512 s, b;
  __m256i d;

  INLINE explicit F16(const Arguments &arguments) {
    s = _mm512_set1_ps(float(M == Map::Scale ? arguments.scale : arguments.a));
    b = _mm512_set1_ps(float(arguments.b));
    d = _mm512_cvtps_ph(_mm512_set1_ps(float(arguments.d)), kNearest);
  }
  INLINE __m256i map(__mmask16 keep, __m256i x) const {
    __m512 value = _mm512_cvtph_ps(x);
    if constexpr (M == Map::Scale)
      return _mm512_cvtps_ph(_mm512_maskz_mul_ps(keep, value, s), kNearest);
    return _mm256_mask_mov_epi16(
        d, keep, _mm512_cvtps_ph(_mm512_fmadd_ps(value, s, b), kNearest));
  }
  template <Stores S>
  INLINE void full(__mmask32 keep, const uint16_t *x, uint16_t *y) const {
    __m256i low = map(__mmask16(keep),
                      _mm256_loadu_si256(reinterpret_cast<const __m256i *>(x)));
    __m256i high =
        map(upper(keep),
            _mm256_loadu_si256(reinterpret_cast<const __m256i *>(x + 16)));
    store<S>(y, _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1));
  }
  INLINE void partial(__mmask32 valid, __mmask32 keep, const uint16_t *x,
                      uint16_t *y) const {
    __mmask16 v0 = __mmask16(valid), v1 = upper(valid);
    _mm256_mask_storeu_epi16(
        y, v0, map(__mmask16(keep), _mm256_maskz_loadu_epi16(v0, x)));
    _mm256_mask_storeu_epi16(
        y + 16, v1, map(upper(keep), _mm256_maskz_loadu_epi16(v1, x + 16)));
  }
};

//===----------------------------------------------------------------------===//
// Element and alpha dropout
//===----------------------------------------------------------------------===//

template <Stores S>
INLINE void prefetch(const void *from, size_t bytes) {
  if constexpr (S != Stores::Plain)
#pragma clang loop unroll(full)
    for (size_t at = 0; at < bytes; at += 64)
      _mm_prefetch(static_cast<const char *>(from) + kPrefetchBytes + at,
                   _MM_HINT_T0);
}

} // namespace

template <int Rounds, int Resolution, Stores S, class Value>
static void elementwise(const Arguments &arguments) {
  using Element = typename Value::Element;
  using Bits = Mask<Rounds, Resolution>;
  constexpr unsigned step = Bits::kElements;
  // Drawn together. More than a KiB at once would outrun the prefetch.
  constexpr int kGroups =
      Resolution == 8 && S == Stores::NonTemporal && sizeof(Element) > 2 ? 2
                                                                         : 4;
  const Value value(arguments);
  auto *x = static_cast<const Element *>(arguments.x);
  auto *y = static_cast<Element *>(arguments.y);
  uint64_t block = arguments.first / (step / 8);
  uint64_t groups = arguments.count / step, rest = arguments.count % step;
  while (groups) {
    // A stream keeps the high half of the block's number.
    uint64_t run = ((uint64_t(1) << 32) - uint32_t(block)) / 8;
    run = run < groups ? run : groups;
    Bits bits(arguments, block);
    block += 8 * run;
    groups -= run;
    for (; run >= kGroups; run -= kGroups) {
      __mmask32 keep[kGroups * Bits::kWords];
      bits.template next<kGroups>(keep);
#pragma clang loop unroll(full)
      for (unsigned i = 0; i < kGroups * Bits::kWords; ++i) {
        prefetch<S>(x + 32 * i, 32 * sizeof(Element));
        value.template full<S>(keep[i], x + 32 * i, y + 32 * i);
      }
      x += kGroups * step;
      y += kGroups * step;
    }
    for (; run; --run) {
      __mmask32 keep[Bits::kWords];
      bits.template next<1>(keep);
#pragma clang loop unroll(full)
      for (unsigned i = 0; i < Bits::kWords; ++i)
        value.template full<S>(keep[i], x + 32 * i, y + 32 * i);
      x += step;
      y += step;
    }
  }
  if (rest) {
    __mmask32 keep[Bits::kWords];
    Bits bits(arguments, block);
    bits.template next<1>(keep);
    for (unsigned i = 0; i < Bits::kWords && rest > 32 * i; ++i) {
      uint64_t left = rest - 32 * i;
      __mmask32 valid = left < 32 ? (__mmask32(1) << left) - 1 : ~__mmask32(0);
      value.partial(valid, keep[i], x + 32 * i, y + 32 * i);
    }
  }
  if constexpr (S == Stores::NonTemporal)
    _mm_sfence();
}

/// Chooses how to store by size and alignment.
template <template <Stores> class Body>
static void choose(const Arguments &arguments, size_t elementSize) {
  if (arguments.count * elementSize < kNonTemporalBytes)
    return Body<Stores::Plain>::run(arguments);
  if (arguments.x == arguments.y || uintptr_t(arguments.y) % 64)
    return Body<Stores::Prefetch>::run(arguments);
  return Body<Stores::NonTemporal>::run(arguments);
}

namespace {

template <int Rounds, int Resolution, class Value>
struct Elementwise {
  template <Stores S>
  struct Body {
    static void run(const Arguments &arguments) {
      elementwise<Rounds, Resolution, S, Value>(arguments);
    }
  };
  static void run(const Arguments &arguments) {
    choose<Body>(arguments, sizeof(typename Value::Element));
  }
};

//===----------------------------------------------------------------------===//
// Channel and feature-alpha dropout
//===----------------------------------------------------------------------===//

/// \p whole bytes of a row set to \p fill, or mapped. A row that is dropped is
/// not read.
template <Stores S, class Value>
INLINE void row(const Value &value, bool keep, const Arguments &arguments,
                const typename Value::Element *x, typename Value::Element *y) {
  uint64_t columns = arguments.columns, i = 0;
  if (keep) {
    for (; i + 64 <= columns; i += 64) {
      prefetch<S>(x + i, 64 * sizeof(*x));
      value.template full<S>(~__mmask32(0), x + i, y + i);
      value.template full<S>(~__mmask32(0), x + i + 32, y + i + 32);
    }
  } else {
    for (; i + 64 <= columns; i += 64) {
      value.template fill<S>(y + i);
      value.template fill<S>(y + i + 32);
    }
  }
  for (; i < columns; i += 32) {
    __mmask32 valid =
        columns - i < 32 ? (__mmask32(1) << (columns - i)) - 1 : ~__mmask32(0);
    value.partial(valid, keep ? ~__mmask32(0) : 0, x + i, y + i);
  }
}

/// Adds the row of a dropped channel to a policy: 32 elements of d or +0.
template <class Base, Map M>
struct Filled : Base {
  using Base::Base;
  template <Stores S>
  INLINE void fill(typename Base::Element *y) const {
    constexpr unsigned perVector = 64 / sizeof(typename Base::Element);
    __m512i pattern = _mm512_setzero_si512();
    if constexpr (M == Map::Affine)
      __builtin_memcpy(&pattern, &this->d, sizeof(this->d));
    if constexpr (M == Map::Affine && sizeof(this->d) == 32)
      pattern = _mm512_inserti64x4(pattern, _mm512_castsi512_si256(pattern), 1);
#pragma clang loop unroll(full)
    for (unsigned i = 0; i < 32; i += perVector)
      store<S>(y + i, pattern);
  }
};

} // namespace

template <Stores S, class Value>
static void channels(const Arguments &arguments) {
  using Element = typename Value::Element;
  using Bits = Mask<10, 16>;
  const Value value(arguments);
  auto *x = static_cast<const Element *>(arguments.x);
  auto *y = static_cast<Element *>(arguments.y);
  uint64_t rows = arguments.columns ? arguments.count / arguments.columns : 0;
  for (uint64_t first = 0; first < rows; first += Bits::kElements) {
    __mmask32 keep[Bits::kWords];
    Bits bits(arguments, (arguments.first + first) / (Bits::kElements / 8));
    bits.template next<1>(keep);
    for (uint64_t i = 0; i < Bits::kElements && first + i < rows; ++i) {
      row<S>(value, keep[i / 32] >> (i % 32) & 1, arguments, x, y);
      x += arguments.columns;
      y += arguments.columns;
    }
  }
  if constexpr (S == Stores::NonTemporal)
    _mm_sfence();
}

namespace {

template <class Value>
struct Channels {
  template <Stores S>
  struct Body {
    static void run(const Arguments &arguments) {
      channels<S, Value>(arguments);
    }
  };
  static void run(const Arguments &arguments) {
    // Rows that do not start on a line can't be stored past the caches.
    if (arguments.columns * sizeof(typename Value::Element) % 64 &&
        arguments.count * sizeof(typename Value::Element) >= kNonTemporalBytes)
      return Body<Stores::Prefetch>::run(arguments);
    // In place, plain stores are best: a full line is not read before it is
    // written, and prefetching would read rows that are dropped.
    if (arguments.x == arguments.y)
      return Body<Stores::Plain>::run(arguments);
    choose<Body>(arguments, sizeof(typename Value::Element));
  }
};

//===----------------------------------------------------------------------===//
// residual + dropout(f(x + bias))
//===----------------------------------------------------------------------===//

/// The rational approximation of Eigen and MLIR, on [-7.9, 7.9]: a few ulp.
INLINE __m512 tanh(__m512 x) {
  const __m512 bound = _mm512_set1_ps(7.90531110763549805f);
  x = _mm512_max_ps(_mm512_min_ps(x, bound),
                    _mm512_sub_ps(_mm512_setzero_ps(), bound));
  __m512 square = _mm512_mul_ps(x, x);
  auto horner = [&](__m512 sum, float next) {
    return _mm512_fmadd_ps(sum, square, _mm512_set1_ps(next));
  };
  __m512 p =
      horner(_mm512_set1_ps(-2.76076847742355e-16f), 2.00018790482477e-13f);
  p = horner(p, -8.60467152213735e-11f);
  p = horner(p, 5.12229709037114e-08f);
  p = horner(p, 1.48572235717979e-05f);
  p = horner(p, 6.37261928875436e-04f);
  p = horner(p, 4.89352455891786e-03f);
  p = _mm512_mul_ps(p, x);
  __m512 q =
      horner(_mm512_set1_ps(1.19825839466702e-06f), 1.18534705686654e-04f);
  q = horner(q, 2.26843463243900e-03f);
  q = horner(q, 4.89352518554385e-03f);
  return _mm512_div_ps(p, q);
}

template <Chain C>
INLINE __m512 activate(__m512 t) {
  if constexpr (C == Chain::Bias)
    return t;
  const __m512 half = _mm512_set1_ps(0.5f);
  __m512 cube = _mm512_mul_ps(_mm512_mul_ps(t, t), t);
  __m512 inner = _mm512_mul_ps(
      _mm512_set1_ps(0.797884583f),
      _mm512_add_ps(t, _mm512_mul_ps(_mm512_set1_ps(0.044715f), cube)));
  return _mm512_mul_ps(_mm512_mul_ps(half, t),
                       _mm512_add_ps(_mm512_set1_ps(1.0f), tanh(inner)));
}

template <Chain C, bool Draw, Stores S>
INLINE void half(const float *x, const float *bias, const float *residual,
                 float *y, __mmask16 keep, __m512 s) {
  __m512 t =
      activate<C>(_mm512_add_ps(_mm512_loadu_ps(x), _mm512_loadu_ps(bias)));
  if constexpr (Draw)
    t = _mm512_maskz_mul_ps(keep, t, s);
  store<S>(y, _mm512_add_ps(t, _mm512_loadu_ps(residual)));
}

template <unsigned Value>
struct Number {
  static constexpr unsigned value = Value;
};

} // namespace

template <Chain C, bool Draw, Stores S>
static void chain(const Arguments &arguments) {
  using Bits = Mask<10, 16>;
  const __m512 s = _mm512_set1_ps(float(arguments.scale));
  auto *x = static_cast<const float *>(arguments.x);
  auto *y = static_cast<float *>(arguments.y);
  const float *residual = arguments.residual;
  uint64_t block = arguments.first / 8, column = 0;
  uint64_t groups = arguments.count / 64;
  while (groups) {
    uint64_t run = ((uint64_t(1) << 32) - uint32_t(block)) / 8;
    run = run < groups ? run : groups;
    Bits bits(arguments, block);
    block += 8 * run;
    groups -= run;
    auto some = [&](auto number) __attribute__((always_inline)) {
      constexpr unsigned length = 2 * decltype(number)::value;
      __mmask32 keep[length] = {};
      if constexpr (Draw)
        bits.template next<length / 2>(keep);
#pragma clang loop unroll(full)
      for (unsigned i = 0; i < length; ++i) {
        prefetch<S>(x, 128);
        prefetch<S>(residual, 128);
        const float *bias = arguments.bias + column;
        half<C, Draw, S>(x, bias, residual, y, __mmask16(keep[i]), s);
        half<C, Draw, S>(x + 16, bias + 16, residual + 16, y + 16,
                         upper(keep[i]), s);
        x += 32;
        y += 32;
        residual += 32;
        column = column + 32 == arguments.columns ? 0 : column + 32;
      }
    };
    for (; run >= 4; run -= 4)
      some(Number<4>());
    for (; run; --run)
      some(Number<1>());
  }
  if constexpr (S == Stores::NonTemporal)
    _mm_sfence();
}

namespace {

template <Chain C, bool Draw>
struct Chained {
  template <Stores S>
  struct Body {
    static void run(const Arguments &arguments) {
      chain<C, Draw, S>(arguments);
    }
  };
  static void run(const Arguments &arguments) {
    choose<Body>(arguments, sizeof(float));
  }
};

//===----------------------------------------------------------------------===//
// Choice
//===----------------------------------------------------------------------===//

} // namespace

// Few rounds or bits are for element dropout only: each combination is half a
// second of compile time.
template <int Rounds, int Resolution, template <Map> class Value>
static Kernel pickMap(const Options &options) {
  if constexpr (Rounds == 10 && Resolution == 16) {
    if (options.channel)
      return options.map == Map::Scale
                 ? Channels<Filled<Value<Map::Scale>, Map::Scale>>::run
                 : Channels<Filled<Value<Map::Affine>, Map::Affine>>::run;
    if (options.map == Map::Affine)
      return Elementwise<Rounds, Resolution, Value<Map::Affine>>::run;
  }
  if (options.channel || options.map == Map::Affine)
    return nullptr;
  return Elementwise<Rounds, Resolution, Value<Map::Scale>>::run;
}

template <int Rounds, int Resolution>
static Kernel pickType(const Options &options) {
  switch (options.type) {
  case Type::F32:
    return pickMap<Rounds, Resolution, F32>(options);
  case Type::BF16:
    return pickMap<Rounds, Resolution, BF16>(options);
  case Type::F16:
    return pickMap<Rounds, Resolution, F16>(options);
  case Type::F64:
    return pickMap<Rounds, Resolution, F64>(options);
  }
  return nullptr;
}

Kernel detail::getKernelAVX512(const Options &options) {
  if (options.chain != Chain::None) {
    if (options.type != Type::F32 || options.map != Map::Scale ||
        options.channel || options.rounds != 10 || options.resolution != 16)
      return nullptr;
    if (options.chain == Chain::Bias)
      return options.draw ? Chained<Chain::Bias, true>::run
                          : Chained<Chain::Bias, false>::run;
    return options.draw ? Chained<Chain::BiasGelu, true>::run
                        : Chained<Chain::BiasGelu, false>::run;
  }
  if (!options.draw)
    return nullptr;
  if (options.resolution == 16)
    return options.rounds == 10 ? pickType<10, 16>(options)
                                : pickType<7, 16>(options);
  return options.rounds == 10 ? pickType<10, 8>(options)
                              : pickType<7, 8>(options);
}

void yardstick::copyNonTemporal(void *to, const void *from, size_t bytes) {
  auto *x = static_cast<const char *>(from);
  auto *y = static_cast<char *>(to);
  size_t i = 0;
  for (; i + 256 <= bytes; i += 256) {
    prefetch<Stores::NonTemporal>(x + i, 256);
#pragma clang loop unroll(full)
    for (int j = 0; j < 256; j += 64)
      store<Stores::NonTemporal>(y + i + j, _mm512_loadu_si512(x + i + j));
  }
  _mm_sfence();
  __builtin_memcpy(y + i, x + i, bytes - i);
}

#endif // defined(__x86_64__)
