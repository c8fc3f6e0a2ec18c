//===- Measure.h - Interleaved timing ---------------------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_BENCHMARK_MEASURE_H
#define DROPOUT_BENCHMARK_MEASURE_H

#include "Machine.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace bench {

/// Memory aligned to 2 MiB, huge pages advised, touched.
class Buffer {
public:
  Buffer() = default;
  explicit Buffer(size_t bytes);
  ~Buffer();
  Buffer(Buffer &&other) noexcept { swap(other); }
  Buffer &operator=(Buffer &&other) noexcept {
    swap(other);
    return *this;
  }

  void *data() const { return memory; }
  template <typename T>
  T *as() const {
    return static_cast<T *>(memory);
  }
  size_t size() const { return bytes; }

private:
  void swap(Buffer &other) {
    std::swap(memory, other.memory);
    std::swap(bytes, other.bytes);
  }
  void *memory = nullptr;
  size_t bytes = 0;
};

/// Something to be timed.
struct Kernel {
  std::string name;
  /// What one call works on: times are compared per element.
  uint64_t elements = 0;
  /// Gets a fresh offset each time, so that no branch predictor learns a mask.
  std::function<void(uint64_t offset)> run;
};

/// Times of one kernel: seconds of one call, one entry per round.
struct Series {
  std::string name;
  uint64_t elements = 0;
  std::vector<double> seconds;
};

/// First quartile, median, third quartile.
struct Quartiles {
  double first = 0, median = 0, third = 0;
};
Quartiles getQuartiles(std::vector<double> values);

/// Nanoseconds per element.
Quartiles getTimes(const Series &series);

/// Per-round ratios of times per element.
Quartiles getRatios(const Series &series, const Series &base);

struct MeasureOptions {
  /// Rounds are added until this is spent, within the limits.
  double seconds = 1;
  unsigned minRounds = 5;
  unsigned maxRounds = 101;
  /// What a sample of a small kernel lasts at least: it is called repeatedly.
  double sampleSeconds = 150e-6;
  /// Calls that warm the caches before each sample of a kernel that fits them.
  bool warm = false;
};

/// Runs each kernel once per round, in turn.
std::vector<Series> measure(const std::vector<Kernel> &kernels,
                            const MeasureOptions &options);

} // namespace bench

#endif // DROPOUT_BENCHMARK_MEASURE_H
