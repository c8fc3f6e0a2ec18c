//===- Check.cpp - Kernels against built-in answers
//------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"
#include "Runner.h"

#include <algorithm>
#include <cinttypes>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <limits>

using namespace kit;

//===----------------------------------------------------------------------===//
// Reports
//===----------------------------------------------------------------------===//

namespace {
/// What one line of the report is about.
class Group {
public:
  Group(const char *name, std::string &json) : name(name), json(json) {}
  ~Group() {
    if (notRun.empty())
      std::printf("%-22s %-6s %8ld checks\n", name, failed ? "FAILED" : "ok",
                  checks);
    else
      std::printf("%-22s not run: %s\n", name, notRun.c_str());
    std::fflush(stdout);
    if (json.back() != '[')
      json += ',';
    json += "\n    {\"name\": \"" + std::string(name) +
            "\", \"checks\": " + std::to_string(checks) +
            ", \"failed\": " + std::to_string(failed) +
            (notRun.empty() ? "}" : ", \"not_run\": \"" + notRun + "\"}");
  }

  /// Counts a check; prints the first few that fail.
  __attribute__((format(printf, 3, 4))) bool check(bool holds,
                                                   const char *format, ...) {
    ++checks;
    if (holds)
      return true;
    if (++failed <= 5) {
      std::printf("FAILED: %s: ", name);
      va_list arguments;
      va_start(arguments, format);
      std::vprintf(format, arguments);
      va_end(arguments);
      std::putchar('\n');
    }
    return false;
  }

  void skip(const std::string &reason) { notRun = reason; }

  const char *name;
  long checks = 0;
  long failed = 0;

private:
  std::string &json;
  std::string notRun;
};

/// Where a call reads and writes.
struct Placement {
  /// In elements, from an address that is aligned to 256 bytes.
  size_t x = 0;
  size_t y = 0;
  bool inPlace = false;
};
} // namespace

static constexpr size_t guardBytes = 64;
static constexpr unsigned char guardByte = 0xc7;

/// Compares the bytes around and the elements in what a kernel wrote. `image`
/// has guardBytes in front of and behind `count` elements. Unless `isExact` any
/// NaN will do for another.
template <typename Expect>
static bool compare(Group &group, const std::string &what, Type type,
                    const std::vector<unsigned char> &image, size_t count,
                    bool isExact, const Expect &expect) {
  size_t bytes = count * bytesOf(type);
  for (size_t i = 0; i < guardBytes; ++i) {
    if (image[i] != guardByte)
      return group.check(false,
                         "%s: byte %zu in front of the output was written",
                         what.c_str(), guardBytes - i);
    if (image[guardBytes + bytes + i] != guardByte)
      return group.check(false, "%s: byte %zu behind the output was written",
                         what.c_str(), i);
  }
  for (size_t i = 0; i < count; ++i) {
    uint64_t got = loadElement(&image[guardBytes], type, i);
    uint64_t expected = expect(i);
    auto differ = [&](uint64_t a, uint64_t b) {
      return a != b && (isExact || !isNaN(a, type) || !isNaN(b, type));
    };
    if (!differ(got, expected))
      continue;
    size_t others = 0;
    for (size_t j = i + 1; j < count; ++j)
      others += differ(loadElement(&image[guardBytes], type, j), expect(j));
    return group.check(false,
                       "%s: element %zu: expected 0x%" PRIx64
                       ", but got 0x%" PRIx64 " (and %zu more behind it)",
                       what.c_str(), i, expected, got, others);
  }
  return group.check(true, "%s", "");
}

static std::string describe(size_t size, double p, bool training,
                            const Placement &placement) {
  char text[160];
  std::snprintf(text, sizeof(text), "n = %zu, p = %g, %s, x + %zu, %s%zu", size,
                p, training ? "training" : "eval", placement.x,
                placement.inPlace ? "in place, y + " : "y + ", placement.y);
  return text;
}

/// Runs it and waits, so that an error of the kernel is not taken for one of
/// what follows.
static void launch(const Kernel &kernel, const Call &call,
                   const std::string &what) {
  std::string text = std::string(kernel.name) + ", " + what;
  check(kernel.function(call), text.c_str());
  check(dropoutCudaSynchronize(), text.c_str());
}

//===----------------------------------------------------------------------===//
// Kernels of one array
//===----------------------------------------------------------------------===//

static std::vector<uint8_t> maskOf(const Kernel &kernel, size_t count, double p,
                                   uint64_t seed, uint64_t offset) {
  std::vector<uint8_t> mask(count);
  check(dropoutMaskFill(mask.data(), 0, count, p, seed, offset, kernel.rounds,
                        kernel.resolution),
        "the mask of the host");
  return mask;
}

/// Sizes of the first two dims and of the others, of `size` elements in all as
/// far as it goes.
static void shapeChannels(size_t size, int64_t (&sizes)[3]) {
  size_t inner = size % 7 == 0    ? 7
                 : size % 16 == 0 ? 16
                 : size % 13 == 0 ? 13
                                  : 1;
  size_t rest = size / inner;
  size_t outer = rest % 3 == 0 ? 3 : 1;
  sizes[0] = int64_t(outer);
  sizes[1] = int64_t(rest / outer);
  sizes[2] = int64_t(inner);
}

namespace {
/// Runs one kernel, with one input, in memory of its own.
class KernelCheck {
public:
  KernelCheck(const Kernel &kernel, size_t maxSize, Group &group)
      : kernel(kernel), group(group), element(bytesOf(kernel.type)),
        room(maxSize * element + 3 * guardBytes + 256), x(room), y(room),
        state(16), input(makeInput(kernel.type, maxSize, 1)) {}

  void run(size_t size, double p, bool training, const Placement &placement,
           const std::vector<uint8_t> &mask, uint64_t seed, uint64_t offset) {
    Call call;
    call.sizes[2] = int64_t(size);
    if (kernel.isChannel)
      shapeChannels(size, call.sizes);
    call.p = p;
    call.training = training;
    call.seed = seed;
    call.offset = offset;
    if (kernel.takesState) {
      const uint64_t values[] = {seed, offset};
      state.write(0, values, sizeof(values));
      call.state = state.at(0);
    }
    // 256 bytes and the offset lie in front of what is aligned to 256.
    size_t bytes = size * element;
    size_t yByte = 256 + placement.y * element;
    image.assign(bytes + 2 * guardBytes, guardByte);
    if (placement.inPlace) {
      if (bytes)
        std::memcpy(&image[guardBytes], input.data(), bytes);
      call.x = y.at(yByte);
    } else {
      size_t xByte = 256 + placement.x * element;
      if (kernel.type != Type::I1)
        x.write(xByte, input.data(), bytes);
      call.x = x.at(xByte);
    }
    call.y = y.at(yByte);
    y.write(yByte - guardBytes, image.data(), image.size());
    std::string what = describe(size, p, training, placement);
    launch(kernel, call, what);
    y.read(yByte - guardBytes, image.data(), image.size());

    Values values(kernel.map, kernel.type, p, kernel.resolution,
                  training && !kernel.isEval);
    size_t inner = kernel.isChannel ? size_t(call.sizes[2]) : 1;
    if (kernel.type == Type::I1)
      compare(
          group, what, kernel.type, image, size, !values.isActive(),
          [&](size_t i) { return uint64_t(values.isActive() ? mask[i] : 1); });
    else
      compare(group, what, kernel.type, image, size, !values.isActive(),
              [&](size_t i) {
                return values.expect(loadElement(input.data(), kernel.type, i),
                                     mask[i / inner]);
              });
  }

  void refuse(double p, const char *shown) {
    size_t size = 1001;
    image.assign(size * element, guardByte);
    x.write(0, input.data(), size * element);
    y.write(0, image.data(), image.size());
    Call call;
    call.sizes[2] = int64_t(size);
    if (kernel.isChannel)
      shapeChannels(size, call.sizes);
    call.p = p;
    call.x = x.at(0);
    call.y = y.at(0);
    call.state = state.at(0);
    int32_t status = kernel.function(call);
    std::string message = dropoutLastMessage();
    dropoutClearStatus();
    std::string expected =
        std::string("expected p in [0, 1], but got ") + shown;
    group.check(
        status == DROPOUT_INVALID_P && message == expected,
        "p = %s: expected DROPOUT_INVALID_P, \"%s\", but got %s, \"%s\"", shown,
        expected.c_str(), dropoutStatusName(status), message.c_str());
    checkUnwritten("p out of range");
  }

  void refuseHostPointer(bool isOutput) {
    if (!isOutput && kernel.type == Type::I1)
      return;
    size_t size = 1001;
    image.assign(size * element, guardByte);
    y.write(0, image.data(), image.size());
    std::vector<unsigned char> host(size * element, guardByte);
    Call call;
    call.sizes[2] = int64_t(size);
    if (kernel.isChannel)
      shapeChannels(size, call.sizes);
    call.p = 0.5;
    call.x = isOutput ? x.at(0) : host.data();
    call.y = isOutput ? host.data() : y.at(0);
    call.state = state.at(0);
    int32_t status = kernel.function(call);
    std::string message = dropoutLastMessage();
    dropoutClearStatus();
    std::string expected = std::string("expected argument #") +
                           (isOutput && kernel.type != Type::I1 ? "1" : "0") +
                           " to be device memory, but got a host pointer";
    group.check(status == DROPOUT_INVALID_ARGUMENT && message == expected,
                "host pointer: expected DROPOUT_INVALID_ARGUMENT, \"%s\", but "
                "got %s, \"%s\"",
                expected.c_str(), dropoutStatusName(status), message.c_str());
    group.check(std::count(host.begin(), host.end(), guardByte) ==
                    std::ptrdiff_t(host.size()),
                "host pointer: memory of the host was written");
    checkUnwritten("host pointer");
  }

private:
  void checkUnwritten(const char *what) {
    y.read(0, image.data(), image.size());
    group.check(std::count(image.begin(), image.end(), guardByte) ==
                    std::ptrdiff_t(image.size()),
                "%s: the output was written", what);
  }

  const Kernel &kernel;
  Group &group;
  size_t element;
  size_t room;
  Buffer x, y, state;
  std::vector<unsigned char> input;
  std::vector<unsigned char> image;
};
} // namespace

static void checkKernel(const Kernel &kernel, const Options &options,
                        Group &group) {
  std::vector<size_t> sizes = {0,  1,    7,    8,    9,    15,     16,
                               17, 1001, 4095, 4096, 4097, 100003, 1 << 20};
  std::vector<double> ps = {0, .1, .3, .5, .9, 1};
  std::vector<Placement> placements = {
      {0, 0}, {1, 0}, {2, 0}, {3, 0}, {0, 1},       {0, 2},      {0, 3},
      {1, 1}, {2, 2}, {3, 3}, {1, 2}, {0, 0, true}, {0, 1, true}};
  if (options.quick) {
    sizes = {0, 1, 7, 8, 9, 16, 17, 1001, 4097};
    ps = {0, .1, .5, 1};
    placements = {{0, 0}, {1, 0}, {0, 2}, {3, 3}, {0, 0, true}, {0, 1, true}};
  }
  if (kernel.type == Type::I1)
    placements = {{0, 0}, {0, 1}, {0, 2}, {0, 3}, {0, 8}};
  KernelCheck check(kernel, sizes.back(), group);
  const uint64_t seed = 0x0123456789abcdef;
  const uint64_t offset = 0xfedcba9876543210;
  for (double p : ps) {
    std::vector<uint8_t> mask = maskOf(kernel, sizes.back(), p, seed, offset);
    for (size_t size : sizes)
      for (bool training : {true, false}) {
        // Large sizes and eval mode: what they have of their own.
        bool isShort = size > 10000 || !training || p == 0 || p == 1;
        for (size_t i = 0; i < placements.size(); ++i)
          if (!isShort || i < 3 || placements[i].inPlace)
            check.run(size, p, training, placements[i], mask, seed, offset);
      }
  }
  check.refuse(-0.1, "-0.1");
  check.refuse(1.5, "1.5");
  check.refuse(std::numeric_limits<double>::quiet_NaN(), "nan");
  check.refuseHostPointer(/*isOutput=*/false);
  check.refuseHostPointer(/*isOutput=*/true);
}

//===----------------------------------------------------------------------===//
// Fused kernels
//===----------------------------------------------------------------------===//

static Call makeFusedCall(int64_t rows, int64_t columns, const Buffer &x,
                          const Buffer &bias, const Buffer &residual,
                          const Buffer &y) {
  Call call;
  call.sizes[1] = rows;
  call.sizes[2] = columns;
  call.x = x.at(0);
  call.bias = bias.at(0);
  call.residual = residual.at(0);
  call.y = y.at(guardBytes * 4);
  return call;
}

/// What the plain kernel of f32 has for gelu(x + bias), whatever the type.
static std::vector<float> runGelu(const Kernel &kernel,
                                  const std::vector<unsigned char> &input,
                                  const std::vector<unsigned char> &bias,
                                  int64_t rows, int64_t columns) {
  size_t count = size_t(rows * columns);
  std::vector<float> x(count), b(size_t(columns), 0);
  // g + -0 is g for every g.
  std::vector<float> zeros(count, -0.0f);
  for (size_t i = 0; i < count; ++i)
    x[i] = widen(loadElement(input.data(), kernel.type, i), kernel.type);
  for (size_t i = 0; i < b.size(); ++i)
    b[i] = widen(loadElement(bias.data(), kernel.type, i), kernel.type);
  Buffer xs(x.data(), count * 4), bs(b.data(), b.size() * 4),
      rs(zeros.data(), count * 4), ys(count * 4 + guardBytes * 8);
  Call call = makeFusedCall(rows, columns, xs, bs, rs, ys);
  check(getKernel("fused_f32_plain").function(call), "fused_f32_plain");
  ys.read(guardBytes * 4, x.data(), count * 4);
  return x;
}

static void checkFused(const Kernel &kernel, const Options &options,
                       Group &group) {
  const int64_t shapes[][2] = {{1, 1},  {3, 5},     {2, 16},    {7, 33},
                               {5, 64}, {128, 256}, {37, 1001}, {0, 8}};
  size_t element = bytesOf(kernel.type);
  for (const auto &shape : shapes) {
    int64_t rows = shape[0];
    int64_t columns = shape[1];
    auto count = size_t(rows * columns);
    if (options.quick && count > 20000)
      continue;
    std::vector<unsigned char> input = makeInput(kernel.type, count, 2),
                               bias =
                                   makeInput(kernel.type, size_t(columns), 3),
                               residual = makeInput(kernel.type, count, 4);
    std::vector<float> gelu = runGelu(kernel, input, bias, rows, columns);
    Buffer xs(input.data(), input.size()), bs(bias.data(), bias.size()),
        rs(residual.data(), residual.size()),
        ys(count * element + guardBytes * 8);
    auto residualOf = [&](size_t i) {
      return widen(loadElement(residual.data(), kernel.type, i), kernel.type);
    };
    for (double p : {0.0, 0.1, 0.5, 1.0})
      for (bool training : {true, false}) {
        Values values(Map::Scale, Type::F32, p, 16, training && !kernel.isEval);
        std::vector<uint8_t> mask = maskOf(kernel, count, p, 42, 7);
        std::vector<unsigned char> image(count * element + 2 * guardBytes,
                                         guardByte);
        ys.write(guardBytes * 3, image.data(), image.size());
        Call call = makeFusedCall(rows, columns, xs, bs, rs, ys);
        call.p = p;
        call.training = training;
        call.seed = 42;
        call.offset = 7;
        std::string what = std::to_string(rows) + " x " +
                           std::to_string(columns) + ", " +
                           describe(count, p, training, {});
        launch(kernel, call, what);
        ys.read(guardBytes * 3, image.data(), image.size());
        compare(group, what, kernel.type, image, count, /*isExact=*/false,
                [&](size_t i) {
                  float dropped = floatOf(
                      uint32_t(values.expect(bitsOf(gelu[i]), mask[i] != 0)));
                  return narrow(dropped + residualOf(i), kernel.type);
                });
      }
    if (!kernel.isEval)
      continue;
    // The function itself, which no machine rounds like another.
    for (size_t i = 0; i < count; ++i) {
      double v = double(
          widen(loadElement(input.data(), kernel.type, i), kernel.type) +
          widen(loadElement(bias.data(), kernel.type, i % size_t(columns)),
                kernel.type));
      double scaled = 0.7978845608028654 * (v + 0.044715 * v * v * v);
      double expected = v / 2 * (1 + std::tanh(scaled));
      double got = double(gelu[i]);
      if (std::isfinite(v) && std::fabs(v) < 1e30 &&
          !group.check(std::fabs(got - expected) <= 1e-5 * (1 + std::fabs(v)),
                       "gelu(%g): expected %g, but got %g", v, expected, got))
        break;
    }
  }
}

//===----------------------------------------------------------------------===//
// Known answers
//===----------------------------------------------------------------------===//

static void checkBits(Group &group, const char *what, const uint8_t *bytes,
                      const char *expected) {
  std::string got;
  for (int i = 0; i < 32; ++i)
    got += bytes[i] == 1 ? '1' : bytes[i] == 0 ? '0' : '?';
  group.check(got == expected, "%s: expected %s, but got %s", what, expected,
              got.c_str());
}

static void checkReference(Group &group) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    auto half = uint16_t(bits);
    group.check(toF16(fromF16(half)) == half || isNaN(half, Type::F16),
                "f16 0x%04x", bits);
    group.check(toBF16(fromBF16(half)) == half || isNaN(half, Type::BF16),
                "bf16 0x%04x", bits);
  }
  group.check(toF16(65520.0f) == 0x7c00 && toF16(65519.99f) == 0x7bff &&
                  toF16(1.00048828125f) == 0x3c00 &&
                  toF16(1.00146484375f) == 0x3c02 && toF16(0x1p-25f) == 0 &&
                  toF16(0x1.8p-24f) == 2 && toF16(0x1.000002p-25f) == 1,
              "rounding to f16");
  group.check(toBF16(floatOf(0x3f808000)) == 0x3f80 &&
                  toBF16(floatOf(0x3f818000)) == 0x3f82 &&
                  toBF16(floatOf(0x3f808001)) == 0x3f81 &&
                  toBF16(floatOf(0x7f7fffff)) == 0x7f80,
              "rounding to bf16");
  group.check(crc32("123456789", 9) == 0xcbf43926, "CRC-32");
}

/// A mask from the kernel @mask.
static std::vector<uint8_t> runMask(size_t count, double p, uint64_t seed,
                                    uint64_t offset) {
  Buffer y(count);
  std::vector<uint8_t> mask(count);
  Call call;
  call.y = y.at(0);
  call.sizes[2] = int64_t(count);
  call.p = p;
  call.seed = seed;
  call.offset = offset;
  check(getKernel("mask").function(call), "mask");
  y.read(0, mask.data(), count);
  return mask;
}

/// The same from a value kernel of f32.
static std::vector<uint8_t> runOnes(const char *name, size_t count, double p,
                                    uint64_t seed, uint64_t offset) {
  std::vector<float> ones(count, 1.0f);
  Buffer x(ones.data(), count * 4);
  Buffer y(count * 4);
  Call call;
  call.x = x.at(0);
  call.y = y.at(0);
  call.sizes[2] = int64_t(count);
  call.p = p;
  call.seed = seed;
  call.offset = offset;
  check(getKernel(name).function(call), name);
  y.read(0, ones.data(), count * 4);
  std::vector<uint8_t> mask;
  for (float value : ones)
    mask.push_back(value != 0);
  return mask;
}

static std::vector<uint8_t> runMaskAt(int64_t count, int64_t first,
                                      int64_t total, double p, uint64_t seed,
                                      uint64_t offset) {
  Buffer y{size_t(count)};
  std::vector<uint8_t> mask(size_t(count), 0);
  check(callMaskAt(y.at(0), count, first, total, p, seed, offset), "mask_at");
  y.read(0, mask.data(), mask.size());
  return mask;
}

static void checkKnownAnswers(Group &group) {
  checkBits(group, "seed 0, p .5", runMask(32, .5, 0, 0).data(),
            "10111111110001101000000011000100");
  checkBits(group, "seed 42, p .3", runMask(32, .3, 42, 7).data(),
            "11011111111111101011111111111111");
  checkBits(group, "large seed, p .1",
            runMask(35, .1, 0x0123456789abcdef, 0xfedcba9876543210).data() + 3,
            "11111111111111111110111111111110");
  checkBits(
      group, "large seed, p .1, from 3 on",
      runMaskAt(32, 3, 35, .1, 0x0123456789abcdef, 0xfedcba9876543210).data(),
      "11111111111111111110111111111110");
  int64_t far = (int64_t(1) << 35) - 5;
  checkBits(group, "from 2^35 - 5 on",
            runMaskAt(32, far, far + 32, .3, 42, 7).data(),
            "11011011111111011101111110111111");
  checkBits(group, "7 rounds",
            runOnes("element_f32_7_rounds", 32, .3, 42, 7).data(),
            "11111101010111010101111111010111");
  checkBits(group, "8 bits",
            runOnes("element_f32_8_bits", 32, .3, 42, 7).data(),
            "01111011011111110111110111110110");
  const struct {
    uint64_t seed, offset;
    double p;
    int64_t kept;
    uint32_t crc;
  } rows[] = {{42, 7, .3, 733411, 0xaa6eaa79},
              {1, 0, .1, 944396, 0x8df1c9eb},
              {99, 12345, .9, 104273, 0x735d90ed}};
  for (const auto &row : rows) {
    std::vector<uint8_t> mask = runMask(1 << 20, row.p, row.seed, row.offset);
    int64_t kept = std::count(mask.begin(), mask.end(), 1);
    uint32_t crc = crc32(mask.data(), mask.size());
    group.check(kept == row.kept && crc == row.crc,
                "2^20 elements, seed %d, p %g: expected %d kept, CRC-32 %08x, "
                "but got %d, %08x",
                int(row.seed), row.p, int(row.kept), row.crc, int(kept), crc);
    if (row.seed != 42)
      continue;
    const struct {
      size_t element;
      uint8_t keep;
    } ties[] = {{7435, 0}, {94585, 0}, {111642, 0}, {335507, 1}};
    for (const auto &tie : ties)
      group.check(mask[tie.element] == tie.keep,
                  "element %zu, a tie: expected %d, but got %d", tie.element,
                  tie.keep, mask[tie.element]);
  }
}

//===----------------------------------------------------------------------===//
// Graphs and streams
//===----------------------------------------------------------------------===//

static void checkGraph(Group &group) {
  const Kernel &kernel = getKernel("element_f32_state");
  constexpr size_t count = 10007;
  const uint64_t seed = 42;
  const uint64_t offset = 0xffffffff; // The high half moves, too.
  const uint64_t values[] = {seed, offset};
  std::vector<float> input(count, 1.0f);
  Buffer x(input.data(), count * 4), y(count * 4), state(values, 16);
  Call call;
  call.x = x.at(0);
  call.y = y.at(0);
  call.sizes[2] = count;
  call.p = 0.3;
  call.state = state.at(0);

  Stream stream;
  constexpr int captureModeGlobal = 0;
  void *graph = nullptr;
  void *executable = nullptr;
  KIT_CUDA(cuStreamBeginCapture, stream.get(), captureModeGlobal);
  check(kernel.function(call), "a kernel in a graph");
  check(dropoutCudaAdvanceState(state.at(0), 1), "advance in a graph");
  KIT_CUDA(cuStreamEndCapture, stream.get(), &graph);
  KIT_CUDA(cuGraphInstantiateWithFlags, &executable, graph, 0);
  uint64_t now[2];
  state.read(0, now, sizeof(now));
  group.check(now[0] == seed && now[1] == offset,
              "capturing changed the state");
  std::vector<std::vector<float>> results;
  for (int i = 0; i < 3; ++i) {
    y.fill(guardByte);
    KIT_CUDA(cuGraphLaunch, executable, stream.get());
    results.emplace_back(count);
    y.read(0, results.back().data(), count * 4);
  }
  KIT_CUDA(cuGraphExecDestroy, executable);
  KIT_CUDA(cuGraphDestroy, graph);
  state.read(0, now, sizeof(now));
  group.check(now[0] == seed && now[1] == offset + 3,
              "expected offset 0x%" PRIx64 " after three replays, but got "
              "0x%" PRIx64,
              offset + 3, now[1]);
  for (uint64_t i = 0; i < 3; ++i) {
    std::vector<uint8_t> mask = maskOf(kernel, count, .3, seed, offset + i);
    std::vector<float> plain(count);
    Call again = call;
    again.seed = seed;
    again.offset = offset + i;
    check(getKernel("element_f32").function(again), "element_f32");
    y.read(0, plain.data(), count * 4);
    Values scale(Map::Scale, Type::F32, .3, 16, true);
    for (size_t j = 0; j < count; ++j) {
      float expected = mask[j] ? scale.getScale() : 0.0f;
      if (!group.check(results[i][j] == expected && plain[j] == expected,
                       "replay %d, n = %zu: element %zu: expected %g, but got "
                       "%g, and %g of a plain call",
                       int(i), count, j, double(expected),
                       double(results[i][j]), double(plain[j])))
        break;
    }
    group.check(i == 0 || results[i] != results[i - 1],
                "replays %d and %d have the same mask", int(i - 1), int(i));
  }
}

static void checkStreams(const Options &options, Group &group) {
  const Kernel &kernel = getKernel("element_f32");
  size_t count = options.quick ? 50021 : 1 << 22;
  constexpr int launches = 4;
  std::vector<unsigned char> input = makeInput(Type::F32, count, 5);
  std::vector<unsigned char> output(input.size());
  Buffer x(input.data(), input.size());
  Buffer ya(input.size() * launches), yb(input.size() * launches);
  auto call = [&](const Buffer &y, int i, uint64_t seed) {
    Call call;
    call.x = x.at(0);
    call.y = y.at(input.size() * size_t(i));
    call.sizes[2] = int64_t(count);
    call.p = 0.5;
    call.seed = seed;
    call.offset = uint64_t(i);
    check(kernel.function(call), "two streams");
  };
  check(dropoutCudaSynchronize(), "two streams");
  Stream a;
  {
    Stream b;
    for (int i = 0; i < launches; ++i) {
      a.use();
      call(ya, i, 1);
      b.use();
      call(yb, i, 2);
    }
    check(dropoutCudaSynchronize(), "two streams");
    a.use();
    check(dropoutCudaSynchronize(), "two streams");
    b.use();
  }
  Values values(Map::Scale, Type::F32, .5, 16, true);
  for (const Buffer *y : {&ya, &yb})
    for (int i = 0; i < launches; ++i) {
      uint64_t seed = y == &ya ? 1 : 2;
      std::vector<uint8_t> mask = maskOf(kernel, count, .5, seed, uint64_t(i));
      y->read(input.size() * size_t(i), output.data(), output.size());
      for (size_t j = 0; j < count; ++j) {
        uint64_t got = loadElement(output.data(), Type::F32, j);
        uint64_t expected =
            values.expect(loadElement(input.data(), Type::F32, j), mask[j]);
        if (got != expected &&
            !(isNaN(got, Type::F32) && isNaN(expected, Type::F32))) {
          group.check(false,
                      "stream %d, launch %d, n = %zu: element %zu: expected "
                      "0x%" PRIx64 ", but got 0x%" PRIx64,
                      int(seed), i, count, j, expected, got);
          break;
        }
      }
      group.check(true, "%s", "");
    }
}

//===----------------------------------------------------------------------===//
// More than 2^32 elements
//===----------------------------------------------------------------------===//

static constexpr uint64_t largeSize = (uint64_t(1) << 32) + 1001;

static bool hasMemory(Group &group, uint64_t bytes) {
  // What allocators keep for themselves.
  uint64_t needed = bytes + (uint64_t(256) << 20);
  if (getFreeMemory() >= needed)
    return true;
  char text[64];
  std::snprintf(text, sizeof(text), "needs %.1f GB", double(needed) * 1e-9);
  group.skip(text);
  return false;
}

static void checkLarge(Type type, Group &group) {
  size_t element = bytesOf(type);
  bool isMask = type == Type::I1;
  uint64_t bytes = largeSize * element;
  if (!hasMemory(group, isMask ? bytes : 2 * bytes))
    return;
  Buffer y{size_t(bytes)};
  Buffer x{isMask ? size_t(1) : size_t(bytes)};
  x.fill(0x3f);
  y.fill(guardByte);
  const Kernel &kernel = getKernel(isMask ? "mask" : "element_bf16");
  Call call;
  call.x = x.at(0);
  call.y = y.at(0);
  call.sizes[2] = int64_t(largeSize);
  call.p = 0.3;
  call.seed = 42;
  call.offset = 7;
  check(kernel.function(call), kernel.name);
  constexpr uint64_t window = 1 << 16;
  Values values(Map::Scale, type, .3, 16, true);
  // The last one has 2^32 in it.
  for (uint64_t first :
       {uint64_t(0), (uint64_t(1) << 31) - window / 2, largeSize - window}) {
    std::vector<uint8_t> mask(window);
    std::vector<unsigned char> got(window * element);
    check(dropoutMaskFill(mask.data(), first, window, .3, 42, 7, 10, 16),
          "the mask of the host");
    y.read(size_t(first) * element, got.data(), got.size());
    for (size_t i = 0; i < window; ++i) {
      uint64_t expected =
          isMask ? mask[i] : values.expect(0x3f3f, mask[i] != 0);
      uint64_t bits = loadElement(got.data(), type, i);
      if (!group.check(bits == expected,
                       "n = %" PRIu64 ": element %" PRIu64
                       ": expected 0x%" PRIx64 ", but got 0x%" PRIx64,
                       largeSize, first + i, expected, bits))
        break;
    }
  }
}

//===----------------------------------------------------------------------===//
// All of them
//===----------------------------------------------------------------------===//

bool kit::runChecks(const Options &options, std::string &json) {
  long checks = 0;
  long failed = 0;
  json += ",\n  \"checks\": [";
  auto run = [&](const char *name, auto body) {
    if (!options.selects(name))
      return;
    Group group(name, json);
    body(group);
    checks += group.checks;
    failed += group.failed;
  };
  run("reference", checkReference);
  run("known_answers", checkKnownAnswers);
  for (size_t i = 0; i < numKernels; ++i)
    run(kernels[i].name, [&](Group &group) {
      if (kernels[i].isFused)
        checkFused(kernels[i], options, group);
      else
        checkKernel(kernels[i], options, group);
    });
  run("graph", checkGraph);
  run("streams", [&](Group &group) { checkStreams(options, group); });
  if (options.large) {
    run("large_mask", [](Group &group) { checkLarge(Type::I1, group); });
    run("large_element_bf16",
        [](Group &group) { checkLarge(Type::BF16, group); });
  }
  json += "\n  ]";
  if (failed)
    std::printf("%ld of %ld checks failed\n", failed, checks);
  else if (checks)
    std::printf("all %ld checks passed\n", checks);
  if (!checks)
    fatal("nothing was checked");
  return failed == 0;
}
