//===- Yardstick.h - Dropout as an expert writes it by hand -----*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Hand-written intrinsics kernels of the mask and value contract, version 1:
// what compiled code is measured against. They share no code with the compiler
// or the runtime; the benchmark checks that all agree bit for bit before it
// times anything.
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_BENCHMARK_YARDSTICK_H
#define DROPOUT_BENCHMARK_YARDSTICK_H

#include <cstddef>
#include <cstdint>

namespace yardstick {

enum class Type : uint8_t { F32, BF16, F16, F64 };

/// What becomes of an element that is drawn.
enum class Map : uint8_t {
  Scale, ///< kept x * s, dropped +0
  Affine ///< kept fma(a, x, b), dropped d: alpha dropout
};

/// Neighbours in the same loop: y = residual + dropout(f(x + bias)), with one
/// bias per column. f32 and Map::Scale only.
enum class Chain : uint8_t {
  None,
  Bias,    ///< f(t) = t
  BiasGelu ///< f(t) = t/2 (1 + tanh(sqrt(2/pi) (t + 0.044715 t^3)))
};

enum class Isa : uint8_t { AVX2, AVX512 };

struct Options {
  Type type = Type::F32;
  Map map = Map::Scale;
  Chain chain = Chain::None;
  /// One draw per row of `columns` elements instead of one per element.
  bool channel = false;
  /// False: the same loop without dropout (only for chains).
  bool draw = true;
  int rounds = 10;
  int resolution = 16;
  /// 0 < p < 1.
  double p = 0.1;
};

/// Everything that a kernel reads. Made by `prepare`.
struct Arguments {
  /// First elements; `y` is `x` (in place) or disjoint from all else.
  const void *x = nullptr;
  void *y = nullptr;
  const float *bias = nullptr;
  const float *residual = nullptr;
  /// Elements. A multiple of `columns` for channels and chains.
  uint64_t count = 0;
  /// The index of the first element in the whole mask (of the first row, for
  /// channels); a multiple of 128.
  uint64_t first = 0;
  /// Of a row; a multiple of 64 for chains.
  uint64_t columns = 0;
  uint64_t seed = 0;
  uint64_t offset = 0;
  /// T of the contract, or k with 8 bits.
  uint64_t threshold = 0;
  int rounds = 10;
  int resolution = 16;
  /// Constants of the value contract in f64: the kernels round them.
  double scale = 1;
  double a = 1, b = 0, d = 0;
};

using Kernel = void (*)(const Arguments &);

/// True if this CPU and its operating system run kernels of \p isa.
bool isSupported(Isa isa);

/// The kernel for \p options, or null if none was written for them.
Kernel getKernel(Isa isa, const Options &options);

/// Threshold and constants for \p options; the caller fills in the rest.
Arguments prepare(const Options &options);

/// A copy with non-temporal stores and prefetched loads. \p to must be aligned
/// to 64 bytes. AVX-512 only.
void copyNonTemporal(void *to, const void *from, size_t bytes);

/// Outputs of at least this many bytes are stored past the caches when they are
/// aligned to 64 bytes: larger than the L2 cache of any core by a good margin.
constexpr uint64_t kNonTemporalBytes = uint64_t(8) << 20;

//===----------------------------------------------------------------------===//
// Shared by the files of each instruction set
//===----------------------------------------------------------------------===//

namespace detail {

Kernel getKernelAVX2(const Options &options);
Kernel getKernelAVX512(const Options &options);

/// The cold path. \p keep has the bits of 64 elements from block \p block on
/// whose upper 16 bits are above the threshold's, \p ties those that are equal:
/// returns the keep bits after a look at the lower 16 bits.
uint64_t resolveTies(const Arguments &arguments, uint64_t block, uint64_t keep,
                     uint64_t ties);

} // namespace detail

} // namespace yardstick

#endif // DROPOUT_BENCHMARK_YARDSTICK_H
