//===- Yardstick.cpp - Dropout as an expert writes it by hand -------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What needs no vector instructions: choice of a kernel, constants, ties.
//
//===----------------------------------------------------------------------===//

#include "Yardstick.h"

#include <algorithm>
#include <cmath>

using namespace yardstick;

bool yardstick::isSupported(Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::AVX2)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return __builtin_cpu_supports("avx512f") &&
         __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
#else
  return false;
#endif
}

Kernel yardstick::getKernel(Isa isa, const Options &options) {
#if defined(__x86_64__)
  return isa == Isa::AVX2 ? detail::getKernelAVX2(options)
                          : detail::getKernelAVX512(options);
#else
  return nullptr;
#endif
}

Arguments yardstick::prepare(const Options &options) {
  Arguments result;
  result.rounds = options.rounds;
  result.resolution = options.resolution;
  double p = options.p;
  if (options.resolution == 8) {
    result.threshold = uint64_t(std::nearbyint(p * 256));
    p = double(result.threshold) / 256;
  } else {
    result.threshold = std::clamp<uint64_t>(
        uint64_t(std::nearbyint(p * 4294967296.0)), 1, 0xffffffff);
  }
  constexpr double alpha = -1.7580993408473768;
  double q = 1 - p;
  double variance = q + ((alpha * alpha) * q) * p;
  result.scale = 1 / q;
  result.a = 1 / std::sqrt(variance);
  result.b = -((result.a * p) * alpha);
  result.d = result.a * alpha + result.b;
  return result;
}

[[gnu::cold, gnu::noinline]] uint64_t
detail::resolveTies(const Arguments &arguments, uint64_t block, uint64_t keep,
                    uint64_t ties) {
  for (; ties; ties &= ties - 1) {
    unsigned lane = unsigned(__builtin_ctzll(ties));
    uint64_t low = (block + lane / 8) | uint64_t(1) << 63;
    uint32_t c[4] = {uint32_t(low), uint32_t(low >> 32),
                     uint32_t(arguments.offset),
                     uint32_t(arguments.offset >> 32)};
    uint32_t k0 = uint32_t(arguments.seed);
    uint32_t k1 = uint32_t(arguments.seed >> 32);
    for (int round = 0; round < arguments.rounds; ++round) {
      uint64_t p0 = uint64_t(0xD2511F53) * c[0];
      uint64_t p1 = uint64_t(0xCD9E8D57) * c[2];
      c[0] = uint32_t(p1 >> 32) ^ c[1] ^ k0;
      c[1] = uint32_t(p1);
      c[2] = uint32_t(p0 >> 32) ^ c[3] ^ k1;
      c[3] = uint32_t(p0);
      k0 += 0x9E3779B9;
      k1 += 0xBB67AE85;
    }
    uint32_t half = (c[lane % 8 / 2] >> (16 * (lane % 2))) & 0xffff;
    if (half >= (arguments.threshold & 0xffff))
      keep |= uint64_t(1) << lane;
  }
  return keep;
}
