//===- PeersMKL.cxx - Dropout by hand with oneMKL -------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What an expert writes today with the vendor's library: raw bits of a
// Philox4x32-10 stream for 4096 elements at a time, in the cache, and a select
// that the compiler vectorises. Built by peers.py for this machine. Not a .cpp file,
// since tools that read every one of those (clang-tidy) would want the wheel.
//
//===----------------------------------------------------------------------===//

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <mkl_service.h>
#include <mkl_vsl.h>

static VSLStreamStatePtr getStream() {
  static VSLStreamStatePtr stream = [] {
    VSLStreamStatePtr result = nullptr;
    vslNewStream(&result, VSL_BRNG_PHILOX4X32X10, 42);
    return result;
  }();
  return stream;
}

template <bool NonTemporal>
static int run(const float *x, float *y, int64_t count, double p,
               int64_t calls) {
  constexpr int64_t block = 4096;
  alignas(64) static unsigned bits[block];
  auto threshold = static_cast<unsigned>(std::nearbyint(p * 4294967296.0));
  auto scale = static_cast<float>(1 / (1 - p));
  for (int64_t call = 0; call < calls; ++call) {
    for (int64_t first = 0; first < count; first += block) {
      int64_t length = std::min(block, count - first);
      if (int status =
              viRngUniformBits32(VSL_RNG_METHOD_UNIFORMBITS32_STD, getStream(),
                                 static_cast<int>(length), bits))
        return status;
      auto *from =
          static_cast<const float *>(__builtin_assume_aligned(x + first, 64));
      auto *to = static_cast<float *>(__builtin_assume_aligned(y + first, 64));
      for (int64_t i = 0; i < length; ++i) {
        float value = bits[i] >= threshold ? from[i] * scale : 0.0f;
        if (NonTemporal)
          __builtin_nontemporal_store(value, to + i);
        else
          to[i] = value;
      }
    }
    if (NonTemporal)
      __builtin_ia32_sfence();
  }
  return 0;
}

/// Element dropout of \p count f32 elements, \p calls times. \p x and \p y are
/// aligned to 64 bytes. Returns the status of the library, 0 if all went well.
extern "C" int peerMKL(const float *x, float *y, int64_t count, double p,
                       int64_t calls, int nonTemporal) {
  return nonTemporal ? run<true>(x, y, count, p, calls)
                     : run<false>(x, y, count, p, calls);
}

/// The library's version, "2026.2".
extern "C" void peerMKLVersion(int *major, int *update) {
  MKLVersion version;
  mkl_get_version(&version);
  *major = version.MajorVersion;
  *update = version.MinorVersion;
}
