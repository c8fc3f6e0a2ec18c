//===- Measure.cpp - Interleaved timing -----------------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Measure.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>

using namespace bench;

Buffer::Buffer(size_t bytes) : bytes(bytes) {
  constexpr size_t page = size_t(2) << 20;
  size_t rounded = (std::max<size_t>(bytes, 1) + page - 1) / page * page;
  memory = std::aligned_alloc(page, rounded);
  if (!memory) {
    std::fprintf(stderr, "dropout-bench: error: no memory for %zu MiB\n",
                 rounded >> 20);
    std::exit(1);
  }
#if defined(MADV_HUGEPAGE)
  madvise(memory, rounded, MADV_HUGEPAGE);
#endif
  std::memset(memory, 0, rounded);
}

Buffer::~Buffer() { std::free(memory); }

Quartiles bench::getQuartiles(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  auto at = [&](double share) {
    if (values.empty())
      return std::nan("");
    double position = share * double(values.size() - 1);
    size_t low = size_t(position);
    size_t high = std::min(low + 1, values.size() - 1);
    return values[low] + (values[high] - values[low]) * (position - low);
  };
  return {at(0.25), at(0.5), at(0.75)};
}

Quartiles bench::getTimes(const Series &series) {
  std::vector<double> values = series.seconds;
  for (double &value : values)
    value *= 1e9 / double(series.elements);
  return getQuartiles(std::move(values));
}

Quartiles bench::getRatios(const Series &series, const Series &base) {
  std::vector<double> values;
  values.reserve(series.seconds.size());
  for (size_t round = 0; round < series.seconds.size(); ++round)
    values.push_back(series.seconds[round] / double(series.elements) /
                     (base.seconds[round] / double(base.elements)));
  return getQuartiles(std::move(values));
}

static double now() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::vector<Series> bench::measure(const std::vector<Kernel> &kernels,
                                   const MeasureOptions &options) {
  // Never the same mask twice in a process.
  static uint64_t offset = 0;
  auto sample = [&](const Kernel &kernel, unsigned calls) {
    double start = now();
    for (unsigned call = 0; call < calls; ++call)
      kernel.run(offset++);
    return (now() - start) / calls;
  };

  std::vector<Series> result;
  std::vector<unsigned> calls;
  for (const Kernel &kernel : kernels) {
    result.push_back({kernel.name, kernel.elements, {}});
    sample(kernel, 1); // page faults, code that is loaded lazily
    double once = std::min(sample(kernel, 1), sample(kernel, 1));
    calls.push_back(unsigned(
        std::clamp(std::ceil(options.sampleSeconds / once), 1.0, 1e6)));
  }
  double start = now();
  for (unsigned round = 0; round < options.maxRounds; ++round) {
    if (round >= options.minRounds && now() - start > options.seconds)
      break;
    for (size_t i = 0; i < kernels.size(); ++i) {
      if (options.warm)
        sample(kernels[i], 1);
      result[i].seconds.push_back(sample(kernels[i], calls[i]));
    }
  }
  return result;
}
