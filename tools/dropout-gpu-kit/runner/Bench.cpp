//===- Bench.cpp - Kernels against copies
//----------------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every round times, for every kernel, a copy by the driver of as many bytes as
// the kernel moves, the kernel, and what we have of the same kernel without
// dropout, one right after the other, each between two events. What is reported
// are medians over the rounds of the ratios within a round.
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"
#include "Runner.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>

using namespace kit;

static double now() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

static double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  size_t middle = values.size() / 2;
  return values.size() % 2 ? values[middle]
                           : (values[middle - 1] + values[middle]) / 2;
}

double kit::measureFirstLaunch() {
  // Room for kernels that write too much, which the checks tell.
  Buffer x(256), y(256);
  Call call;
  call.x = x.at(0);
  call.y = y.at(0);
  call.sizes[2] = 1;
  call.p = 0.1;
  check(dropoutCudaSynchronize(), "first launch");
  double start = now();
  check(getKernel("element_f32").function(call), "first launch");
  check(dropoutCudaSynchronize(), "first launch");
  return now() - start;
}

/// Host's nanoseconds of one call, with a queue that never fills.
static double measureCall(const Options &options) {
  const Kernel &kernel = getKernel("element_f32");
  // Room for kernels that write too much, which the checks tell.
  Buffer x(256), y(256);
  Call call;
  call.x = x.at(0);
  call.y = y.at(0);
  call.sizes[2] = 1;
  call.p = 0.1;
  constexpr int calls = 200;
  std::vector<double> times;
  for (int batch = 0; batch < (options.quick ? 5 : 50); ++batch) {
    double start = now();
    for (int i = 0; i < calls; ++i) {
      call.offset = uint64_t(i);
      check(kernel.function(call), kernel.name);
    }
    times.push_back((now() - start) / calls);
    check(dropoutCudaSynchronize(), "launches");
  }
  return median(times) * 1e9;
}

namespace {
/// A kernel, a p and a size, and its times in milliseconds.
struct Case {
  const Kernel *kernel;
  const Kernel *plain; ///< What the second yardstick runs.
  double p;
  Call call;
  uint64_t traffic; ///< Bytes read and written.
  std::vector<double> copy, own, time;
};

class Bench {
public:
  Bench(uint64_t bytes, const Options &options)
      : bytes(bytes), rounds(options.quick ? 3 : 15),
        // As long as the events are exact: some 0.1 ms.
        repetitions(int(std::clamp<uint64_t>((uint64_t(256) << 20) / bytes, 1,
                                             options.quick ? 2 : 16))) {
    auto allocate = [&] {
      auto buffer = std::make_unique<Buffer>(size_t(bytes));
      buffer->fill(0x3f);
      return buffer;
    };
    x = allocate();
    y = allocate();
    // Fused kernels read two arrays.
    if (getFreeMemory() > bytes + (uint64_t(512) << 20))
      residual = allocate();
    bias.fill(0x3f);
    for (size_t i = 0; i < numKernels; ++i)
      for (double p : {0.1, 0.5})
        if (options.selects(kernels[i].name))
          addCase(kernels[i], p);
  }

  void run() {
    Event events[4];
    for (int round = -1; round < rounds; ++round) // The first one warms up.
      for (Case &c : cases) {
        events[0].record();
        for (int i = 0; i < repetitions; ++i)
          copy(c.traffic / 2);
        events[1].record();
        for (int i = 0; i < repetitions; ++i)
          check(c.kernel->function(c.call), c.kernel->name);
        events[2].record();
        Call eval = c.call;
        eval.training = false;
        for (int i = 0; i < repetitions; ++i)
          check(c.plain->function(eval), c.plain->name);
        events[3].record();
        double copy = events[1].millisecondsSince(events[0]) / repetitions;
        double time = events[2].millisecondsSince(events[1]) / repetitions;
        double own = events[3].millisecondsSince(events[2]) / repetitions;
        if (round < 0)
          continue;
        c.copy.push_back(copy);
        c.time.push_back(time);
        c.own.push_back(own);
      }
  }

  void report(std::string &json) const {
    for (const Case &c : cases) {
      std::vector<double> toCopy, toOwn;
      for (size_t i = 0; i < c.time.size(); ++i) {
        toCopy.push_back(c.time[i] / c.copy[i]);
        toOwn.push_back(c.time[i] / c.own[i]);
      }
      double time = median(c.time);
      double speed = double(c.traffic) / time * 1e-6;
      double copySpeed = double(c.traffic) / median(c.copy) * 1e-6;
      std::printf(
          "%-22s %5.0f MiB  p %.1f  %9.4f ms %7.0f GB/s  copy %7.0f GB/s"
          "  %6.3f of a copy  %6.3f of eval\n",
          c.kernel->name, double(bytes) / (1 << 20), c.p, time, speed,
          copySpeed, median(toCopy), median(toOwn));
      char text[512];
      std::snprintf(
          text, sizeof(text),
          "%s\n      {\"name\": \"%s\", \"array_bytes\": %llu, \"p\": %g, "
          "\"traffic_bytes\": %llu, \"ms\": %.6g, \"copy_ms\": %.6g, "
          "\"eval_ms\": %.6g, \"gb_per_s\": %.6g, \"copy_gb_per_s\": %.6g, "
          "\"ratio_to_copy\": %.6g, \"ratio_to_eval\": %.6g}",
          json.back() == '[' ? "" : ",", c.kernel->name,
          static_cast<unsigned long long>(bytes), c.p,
          static_cast<unsigned long long>(c.traffic), time, median(c.copy),
          median(c.own), speed, copySpeed, median(toCopy), median(toOwn));
      json += text;
    }
    std::fflush(stdout);
  }

private:
  /// In two parts if it is more than an array has.
  void copy(uint64_t count) const {
    uint64_t parts = (count + bytes - 1) / bytes;
    for (uint64_t i = 0; i < parts; ++i)
      check(dropoutCudaCopy(y->at(0), x->at(0), int64_t(count / parts)),
            "copy");
  }

  void addCase(const Kernel &kernel, double p) {
    if (kernel.isFused && !residual)
      return;
    if (kernel.isEval && p != 0.1) // p does not matter.
      return;
    Case c;
    c.kernel = c.plain = &kernel;
    c.p = p;
    c.call.x = x->at(0);
    c.call.y = y->at(0);
    c.call.p = p;
    c.call.seed = 42;
    auto count = int64_t(bytes / bytesOf(kernel.type));
    c.call.sizes[2] = count;
    c.traffic = kernel.type == Type::I1 ? bytes : 2 * bytes;
    if (kernel.isChannel) {
      c.call.sizes[0] = 64;
      c.call.sizes[1] = count / 64 / 4096;
      c.call.sizes[2] = 4096;
    }
    if (kernel.takesState) {
      const uint64_t values[] = {42, 0};
      state.write(0, values, sizeof(values));
      c.call.state = state.at(0);
    }
    if (kernel.isFused) {
      c.call.sizes[1] = count / 4096;
      c.call.sizes[2] = 4096;
      c.call.bias = bias.at(0);
      c.call.residual = residual->at(0);
      c.traffic = 3 * bytes;
      c.plain = &getKernel(kernel.type == Type::F32 ? "fused_f32_plain"
                                                    : "fused_bf16_plain");
    }
    cases.push_back(std::move(c));
  }

  uint64_t bytes;
  int rounds;
  int repetitions;
  std::unique_ptr<Buffer> x, y, residual;
  Buffer state{16};
  Buffer bias{4096 * 8};
  std::vector<Case> cases;
};
} // namespace

void kit::runBench(const Options &options, std::string &json) {
  Stream stream;
  double call = measureCall(options);
  std::printf("a call of a kernel takes %.0f ns of the host\n", call);
  char text[64];
  std::snprintf(text, sizeof(text), ",\n  \"call_ns\": %.6g", call);
  json += text;
  json += ",\n  \"bench\": [";
  // Times 4, to 4 GiB.
  for (uint64_t bytes = uint64_t(16) << 20; bytes <= uint64_t(4) << 30;
       bytes *= 4) {
    if (options.quick && bytes > uint64_t(64) << 20)
      break;
    uint64_t needed = 2 * bytes + (uint64_t(256) << 20);
    if (getFreeMemory() < needed) {
      std::printf("%.0f MiB: not run: needs %.1f GB\n",
                  double(bytes) / (1 << 20), double(needed) * 1e-9);
      break;
    }
    Bench bench(bytes, options);
    bench.run();
    bench.report(json);
  }
  json += "\n  ]";
}
