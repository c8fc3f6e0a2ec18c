//===- Check.cpp - All kernels compute the same ---------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Check.h"
#include "Measure.h"

#include "dropout/Runtime/Runtime.h"

#include "llvm/Support/CRC.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>
#include <cstring>

using namespace bench;
using mlir::dropout::Executable;
using yardstick::Chain;
using yardstick::Isa;
using yardstick::Map;
using yardstick::Type;

template <typename To, typename From>
static To bitCast(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof(to));
  return to;
}

//===----------------------------------------------------------------------===//
// Numbers of each type
//===----------------------------------------------------------------------===//

namespace {

// Each has the type in memory, the type that is computed in, and both ways.
struct F32 {
  using Memory = float;
  using Compute = float;
  static float load(float x) { return x; }
  static float store(float x) { return x; }
};
struct F64 {
  using Memory = double;
  using Compute = double;
  static double load(double x) { return x; }
  static double store(double x) { return x; }
};
struct BF16 {
  using Memory = uint16_t;
  using Compute = float;
  static float load(uint16_t x) { return bitCast<float>(uint32_t(x) << 16); }
  static uint16_t store(float x) {
    uint32_t bits = bitCast<uint32_t>(x);
    if (std::isnan(x))
      return uint16_t(bits >> 16 | 0x40);
    return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
  }
};
struct F16 {
  using Memory = uint16_t;
  using Compute = float;
  static float load(uint16_t x) { return float(bitCast<_Float16>(x)); }
  static uint16_t store(float x) { return bitCast<uint16_t>(_Float16(x)); }
};

} // namespace

static uint64_t hash(uint64_t x) { // splitmix64
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/// Any bits: NaN, infinities, subnormals and both zeros among them. Chains get
/// numbers in [-4, 4).
template <typename T>
static void fill(T *to, uint64_t count, uint64_t salt, bool tame) {
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t bits = hash(i ^ salt << 40);
    if (tame)
      to[i] = T(double(bits >> 40) / double(1 << 21) - 4);
    else
      std::memcpy(&to[i], &bits, sizeof(T));
  }
}

static float gelu(float t) {
  float inner = 0.797884583f * (t + 0.044715f * (t * t * t));
  return 0.5f * t * (1 + std::tanh(inner));
}

namespace {

//===----------------------------------------------------------------------===//
// One run
//===----------------------------------------------------------------------===//

struct Run {
  const Case &c;
  uint64_t count;
  uint64_t columns; ///< 1 for element-wise masks.
  uint64_t seed, offset;
};

template <typename T>
class Checker {
public:
  using Memory = typename T::Memory;
  using Compute = typename T::Compute;

  Checker(const Run &run)
      : run(run), x(run.count * sizeof(Memory)),
        expected(run.count * sizeof(Memory)) {
    chained = run.c.options.chain != Chain::None;
    fill(x.as<Memory>(), run.count, run.seed, chained);
    if (chained) {
      bias = Buffer(run.c.columns * sizeof(float));
      residual = Buffer(run.count * sizeof(float));
      fill(bias.as<float>(), run.c.columns, 77, true);
      fill(residual.as<float>(), run.count, 78, true);
    }
    computeExpected();
  }

  /// Runs \p kernel(arrays) and compares.
  template <typename Kernel>
  llvm::Error operator()(const char *name, Kernel &&kernel) {
    // Canaries behind the end.
    Buffer y((run.count + 64) * sizeof(Memory));
    std::memset(y.data(), 0x5a, y.size());
    if (run.c.inPlace)
      std::memcpy(y.data(), x.data(), run.count * sizeof(Memory));
    kernel(Arrays{run.c.inPlace ? y.data() : x.data(), y.data(), bias.data(),
                  residual.data()});
    const Memory *got = y.as<Memory>(), *want = expected.as<Memory>();
    for (uint64_t i = 0; i < run.count; ++i) {
      if (isSame(got[i], want[i]))
        continue;
      return llvm::createStringError(
          llvm::formatv("{0}: {1}: element {2} of {3}: expected {4:e}, but got "
                        "{5:e} (seed {6}, "
                        "offset {7})",
                        run.c.getName(), name, i, run.count, T::load(want[i]),
                        T::load(got[i]), run.seed, run.offset));
    }
    auto *bytes = y.as<unsigned char>();
    for (uint64_t i = run.count * sizeof(Memory); i < y.size(); ++i)
      if (bytes[i] != 0x5a)
        return llvm::createStringError(
            llvm::formatv("{0}: {1}: wrote past the last of {2} elements",
                          run.c.getName(), name, run.count));
    return llvm::Error::success();
  }

private:
  void computeExpected() {
    const yardstick::Options &options = run.c.options;
    std::vector<uint8_t> keep(run.count / run.columns);
    if (dropoutMaskFill(keep.data(), 0, keep.size(), options.p, run.seed,
                        run.offset, options.rounds,
                        options.resolution) != DROPOUT_OK)
      llvm::report_fatal_error(dropoutLastMessage());
    yardstick::Arguments constants = yardstick::prepare(options);
    bool affine = options.map == Map::Affine && !run.c.backward;
    Compute s =
        Compute(options.map == Map::Affine ? constants.a : constants.scale);
    Compute a = Compute(constants.a), b = Compute(constants.b),
            d = affine ? Compute(constants.d) : Compute(0);
    const Memory *from = x.template as<Memory>();
    Memory *to = expected.template as<Memory>();
    for (uint64_t i = 0; i < run.count; ++i) {
      Compute value = T::load(from[i]);
      if (chained) {
        value += bias.as<float>()[i % run.c.columns];
        if (options.chain == Chain::BiasGelu)
          value = gelu(float(value));
      }
      value = !keep[i / run.columns] ? d
              : affine               ? std::fma(a, value, b)
                                     : value * s;
      if (chained)
        value += residual.as<float>()[i];
      to[i] = T::store(value);
    }
  }

  bool isSame(Memory got, Memory want) const {
    if (std::memcmp(&got, &want, sizeof(got)) == 0)
      return true;
    Compute a = T::load(got), b = T::load(want);
    if (std::isnan(a) && std::isnan(b))
      return true;
    // A dropped element shows its residual, bit for bit, unless the gelu is 0.
    return run.c.options.chain == Chain::BiasGelu &&
           std::abs(a - b) <= Compute(1e-5) * (1 + std::abs(b));
  }

  const Run &run;
  bool chained;
  Buffer x, expected, bias, residual;
};

} // namespace

//===----------------------------------------------------------------------===//
// A case
//===----------------------------------------------------------------------===//

/// Two halves for two threads, the first a multiple of 4096 elements.
static uint64_t getSplit(const Case &c, uint64_t count) {
  return c.threads == 1 ? count : count / 2 / 4096 * 4096;
}

template <typename T>
static llvm::Error checkRun(const Run &run, const Executable &compiled,
                            Variant variant) {
  const Case &c = run.c;
  Checker<T> checker(run);
  using Memory = typename T::Memory;
  uint64_t split = getSplit(c, run.count);
  auto slice = [&](const Arrays &arrays, uint64_t first) {
    Arrays result = arrays;
    result.x = static_cast<Memory *>(arrays.x) + first;
    result.y = static_cast<Memory *>(arrays.y) + first;
    return result;
  };
  if (auto error = checker("compiled", [&](const Arrays &arrays) {
        (*prepareCall(compiled, c, variant, arrays, split, run.seed, 0,
                      run.count))(run.offset);
        if (split != run.count)
          (*prepareCall(compiled, c, variant, slice(arrays, split),
                        run.count - split, run.seed, split,
                        run.count))(run.offset);
      }))
    return error;

  if (variant == Variant::OddRows)
    return llvm::Error::success();
  yardstick::Options options = c.options;
  yardstick::Arguments arguments = yardstick::prepare(options);
  if (c.backward && options.map == Map::Affine) {
    options.map = Map::Scale;
    arguments.scale = arguments.a;
  }
  arguments.seed = run.seed;
  arguments.offset = run.offset;
  arguments.columns = c.columns;
  for (auto [isa, name] : {std::pair(Isa::AVX512, "yardstick AVX-512"),
                           std::pair(Isa::AVX2, "yardstick AVX2")}) {
    yardstick::Kernel kernel = yardstick::getKernel(isa, options);
    if (!yardstick::isSupported(isa) || !kernel)
      continue;
    if (auto error = checker(name, [&](const Arrays &arrays) {
          arguments.x = arrays.x;
          arguments.y = arrays.y;
          arguments.bias = static_cast<float *>(arrays.bias);
          arguments.residual = static_cast<float *>(arrays.residual);
          arguments.count = split;
          arguments.first = 0;
          kernel(arguments);
          if (split == run.count)
            return;
          Arrays rest = slice(arrays, split);
          arguments.x = rest.x;
          arguments.y = rest.y;
          arguments.count = run.count - split;
          arguments.first = split;
          kernel(arguments);
        }))
      return error;
  }
  return llvm::Error::success();
}

static llvm::Error checkRun(const Run &run, const Executable &compiled,
                            Variant variant) {
  switch (run.c.options.type) {
  case Type::F32:
    return checkRun<F32>(run, compiled, variant);
  case Type::BF16:
    return checkRun<BF16>(run, compiled, variant);
  case Type::F16:
    return checkRun<F16>(run, compiled, variant);
  case Type::F64:
    return checkRun<F64>(run, compiled, variant);
  }
  llvm_unreachable("unknown type");
}

llvm::Error bench::check(const Case &c, const Executable &compiled,
                         const Executable *oddRows) {
  unsigned size = getElementSize(c.options.type);
  std::vector<uint64_t> counts;
  uint64_t row = c.columns ? c.columns : 1;
  if (c.oddRows) {
    counts = {c.getElements()}; // of static shape
  } else {
    // 16-bit types: all their values; rows: more than one group of draws.
    counts.push_back(c.columns ? 131 * row : 65536 + 4096 + 37);
    // The last elements, one by one.
    if (!c.columns)
      for (uint64_t count = 0; count <= 130; ++count)
        counts.push_back(count);
    if (c.bytes >= yardstick::kNonTemporalBytes)
      counts.push_back(
          c.columns ? (yardstick::kNonTemporalBytes / size / row + 67) * row
                    : yardstick::kNonTemporalBytes / size + 4096 + 37);
  }
  uint64_t seed = 42, offset = 7;
  for (uint64_t count : counts) {
    Run run = {c, count, c.options.channel ? c.columns : 1, seed, offset};
    if (auto error = checkRun(run, compiled, Variant::Plain))
      return error;
    if (oddRows) {
      run.count = count / 1001 * 1001;
      if (auto error = checkRun(run, *oddRows, Variant::OddRows))
        return error;
    }
    seed = hash(seed);
    offset = hash(offset);
  }
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Known answers
//===----------------------------------------------------------------------===//

llvm::Error bench::checkKnownAnswers() {
  struct Answer {
    uint64_t seed, offset;
    double p;
    unsigned kept;
    uint32_t crc;
  };
  constexpr uint64_t count = uint64_t(1) << 20;
  std::vector<uint8_t> mask(count);
  std::vector<float> x(count, 1.0f), y(count);
  for (const Answer &answer : {Answer{42, 7, 0.3, 733411, 0xaa6eaa79},
                               Answer{1, 0, 0.1, 944396, 0x8df1c9eb},
                               Answer{99, 12345, 0.9, 104273, 0x735d90ed}}) {
    auto compare = [&](const char *name) -> llvm::Error {
      unsigned kept = 0;
      for (uint8_t bit : mask)
        kept += bit;
      uint32_t crc = llvm::crc32(mask);
      if (kept == answer.kept && crc == answer.crc)
        return llvm::Error::success();
      return llvm::createStringError(llvm::formatv(
          "known answer for seed {0}, offset {1}, p = {2}: {3}: expected {4} "
          "kept and CRC {5:x}, but got {6} and {7:x}",
          answer.seed, answer.offset, answer.p, name, answer.kept, answer.crc,
          kept, crc));
    };
    dropoutMaskFill(mask.data(), 0, count, answer.p, answer.seed, answer.offset,
                    10, 16);
    if (auto error = compare("runtime"))
      return error;
    yardstick::Options options;
    options.p = answer.p;
    yardstick::Arguments arguments = yardstick::prepare(options);
    arguments.x = x.data();
    arguments.y = y.data();
    arguments.count = count;
    arguments.seed = answer.seed;
    arguments.offset = answer.offset;
    for (Isa isa : {Isa::AVX2, Isa::AVX512}) {
      if (!yardstick::isSupported(isa))
        continue;
      yardstick::getKernel(isa, options)(arguments);
      for (uint64_t i = 0; i < count; ++i)
        mask[i] = y[i] != 0;
      if (auto error = compare(isa == Isa::AVX2 ? "AVX2" : "AVX-512"))
        return error;
    }
  }
  return llvm::Error::success();
}
