//===- Benchmark.cpp - dropout-bench --------------------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Times compiled dropout against memcpy, a non-temporal copy loop and the
// hand-written kernels of Yardstick.h, in one process, interleaved. See
// docs/Benchmarks.md.
//
//===----------------------------------------------------------------------===//

#include "Check.h"
#include "Compiled.h"
#include "Machine.h"
#include "Measure.h"
#include "dropout/ExecutionEngine/ObjectCache.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Regex.h"
#include "llvm/Support/raw_ostream.h"
#include <chrono>
#include <cstring>
#include <optional>

using namespace bench;
using mlir::dropout::CompileOptions;
using mlir::dropout::Executable;
using mlir::dropout::Program;
using yardstick::Chain;
using yardstick::Isa;
using yardstick::Map;
using yardstick::Type;

//===----------------------------------------------------------------------===//
// Command line
//===----------------------------------------------------------------------===//

constexpr const char *kHelp =
    R"(usage: dropout-bench [--quick | --full] [--filter REGEX] [--json FILE]
                     [--lowering NAME] [--check] [--list]

Times compiled dropout against memcpy and hand-written kernels.

  --quick           the cases that the goals are about, less time for each
  --full            1 GiB arrays too
  --filter REGEX    only the cases whose name matches; `compile` is the
                    compile times (see --list)
  --json FILE       write all figures to FILE
  --lowering NAME   the lowering of `dropout-to-llvm`, instead of its default
  --check           compare all kernels bit for bit, time nothing
  --list            print the names of the cases
)";

namespace {

struct CommandLine {
  bool quick = false, full = false, check = false, list = false;
  /// One compilation, from the start of the process; prints its milliseconds.
  bool compileOnce = false;
  std::string filter = ".", json, lowering;
  CompileOptions compileOptions;
};

} // namespace

[[noreturn]] static void fail(const llvm::Twine &message) {
  llvm::errs() << "dropout-bench: error: " << message << "\n";
  std::exit(1);
}

[[noreturn]] static void fail(llvm::Error error) {
  fail(llvm::toString(std::move(error)));
}

static CommandLine parse(int argc, char **argv) {
  CommandLine result;
  auto badUsage = [](const llvm::Twine &message) {
    llvm::errs() << "dropout-bench: error: " << message << "\n" << kHelp;
    std::exit(2);
  };
  for (int i = 1; i < argc; ++i) {
    llvm::StringRef argument = argv[i];
    auto [name, value] = argument.split('=');
    std::string *text = name == "--filter"     ? &result.filter
                        : name == "--json"     ? &result.json
                        : name == "--lowering" ? &result.lowering
                                               : nullptr;
    bool *flag = argument == "--quick"          ? &result.quick
                 : argument == "--full"         ? &result.full
                 : argument == "--check"        ? &result.check
                 : argument == "--list"         ? &result.list
                 : argument == "--compile-once" ? &result.compileOnce
                                                : nullptr;
    if (argument == "--help" || argument == "-h") {
      llvm::outs() << kHelp;
      std::exit(0);
    } else if (flag) {
      *flag = true;
    } else if (text && argument.contains('=')) {
      *text = value.str();
    } else if (text) {
      if (++i == argc)
        badUsage("expected a value after " + argument);
      *text = argv[i];
    } else {
      badUsage("unknown argument '" + argument + "'");
    }
  }
  if (result.quick && result.full)
    badUsage("expected one of --quick and --full, but got both");
  std::string message;
  if (!llvm::Regex(result.filter).isValid(message))
    badUsage("--filter: " + message);
  if (!result.lowering.empty()) {
    mlir::dropout::DropoutToLLVMOptions options;
    llvm::raw_null_ostream null;
    if (failed(options.parseFromString("lowering=" + result.lowering)))
      std::exit(2);
    result.compileOptions.lowering = options.lowering;
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Kernels of a case
//===----------------------------------------------------------------------===//

/// Numbers in [0.5, 1.5), so that no speed depends on special values.
static void fill(void *to, Type type, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) {
    float value = 0.5f + float((i * 2654435761) >> 8 & 0xffff) / 65536;
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof(bits));
    switch (type) {
    case Type::F32:
      static_cast<float *>(to)[i] = value;
      break;
    case Type::F64:
      static_cast<double *>(to)[i] = value;
      break;
    case Type::BF16:
      static_cast<uint16_t *>(to)[i] = uint16_t(bits >> 16);
      break;
    case Type::F16: // 0.5 to 1.5: exponents 14 and 15
      static_cast<uint16_t *>(to)[i] =
          uint16_t((bits - ((127 - 15) << 23)) >> 13);
      break;
    }
  }
}

namespace {

/// The programs of a case, kept by their source.
class Programs {
public:
  explicit Programs(const CompileOptions &options)
      : options(options), context(createContext()) {}

  const Executable &get(const Case &c, Variant variant) {
    std::string source = getSource(c, variant);
    std::unique_ptr<Executable> &executable = executables[source];
    if (!executable) {
      auto compiled = compile(source, *context, options);
      if (!compiled)
        fail(c.getName() + ": " + llvm::toString(compiled.takeError()) + "\n" +
             source);
      executable = std::move(*compiled);
    }
    return *executable;
  }

private:
  CompileOptions options;
  std::unique_ptr<mlir::MLIRContext> context;
  llvm::StringMap<std::unique_ptr<Executable>> executables;
};

/// Kernels of a case and what they need while they are timed.
struct Kernels {
  std::vector<Kernel> list;
  std::vector<std::unique_ptr<Call>> calls;
};

constexpr uint64_t kSeed = 0x0123456789abcdef;

class KernelBuilder {
public:
  KernelBuilder(const Case &c, Programs &programs, const Arrays &arrays,
                Worker *worker)
      : c(c), programs(programs), arrays(arrays), worker(worker) {}

  Kernels build() {
    uint64_t bytes = c.bytes, half = c.threads == 1 ? bytes : bytes / 2;
    // Through a pointer, so that the compiler knows nothing about it.
    static void *(*volatile copy)(void *, const void *, size_t) = std::memcpy;
    addSplit("memcpy", [arrays = arrays, half](int part) {
      copy(at(arrays.y, part * half), at(arrays.x, part * half), half);
    });
    if (yardstick::isSupported(Isa::AVX512))
      addSplit("NT copy", [arrays = arrays, half](int part) {
        yardstick::copyNonTemporal(at(arrays.y, part * half),
                                   at(arrays.x, part * half), half);
      });
    if (c.oddRows) {
      addCompiled("compiled rows of 1024", Variant::Plain);
      addCompiled("compiled", Variant::OddRows);
      return std::move(kernels);
    }
    addYardstick("yardstick", Isa::AVX512, true);
    if (c.options.chain != Chain::None)
      addYardstick("yardstick without dropout", Isa::AVX512, false);
    else if (!c.inPlace && !c.backward && !c.runtimeP && c.threads == 1)
      addYardstick("yardstick AVX2", Isa::AVX2, true);
    addCompiled("compiled", Variant::Plain);
    if (c.options.chain != Chain::None)
      addCompiled("compiled without dropout", Variant::NoDropout);
    return std::move(kernels);
  }

private:
  static char *at(void *data, uint64_t byte) {
    return static_cast<char *>(data) + byte;
  }

  /// Adds `body(part)` as a kernel: part 0 alone, or parts 0 and 1 on two
  /// threads.
  template <typename Body>
  void addSplit(const char *name, Body body) {
    add(name, c.getElements(), [body](int part, uint64_t) { body(part); });
  }
  template <typename Body>
  void add(const char *name, uint64_t elements, Body body) {
    if (c.threads == 1) {
      kernels.list.push_back(
          {name, elements, [body](uint64_t offset) { body(0, offset); }});
      return;
    }
    kernels.list.push_back({name, elements, [body, pair = worker](uint64_t o) {
                              pair->run([&] { body(0, o); },
                                        [&] { body(1, o); });
                            }});
  }

  Arrays getArrays(uint64_t byte) const {
    Arrays result = arrays;
    result.x = at(c.inPlace ? arrays.y : arrays.x, byte);
    result.y = at(arrays.y, byte);
    return result;
  }

  void addYardstick(const char *name, Isa isa, bool draw) {
    yardstick::Options options = c.options;
    options.draw = draw;
    yardstick::Arguments arguments = yardstick::prepare(options);
    if (c.backward && options.map == Map::Affine) {
      // The gradient of alpha dropout is a scale by a.
      options.map = Map::Scale;
      arguments.scale = arguments.a;
    }
    yardstick::Kernel kernel = yardstick::getKernel(isa, options);
    if (!yardstick::isSupported(isa) || !kernel)
      return;
    arguments.columns = c.columns;
    arguments.seed = kSeed;
    arguments.bias = static_cast<float *>(arrays.bias);
    arguments.residual = static_cast<float *>(arrays.residual);
    arguments.count = c.getElements() / c.threads;
    std::array<yardstick::Arguments, 2> parts = {arguments, arguments};
    for (int part = 0; part < 2; ++part) {
      Arrays here = getArrays(part * (c.bytes / 2));
      parts[part].x = here.x;
      parts[part].y = here.y;
      parts[part].first = part * arguments.count;
    }
    add(name, c.getElements(), [=](int part, uint64_t offset) {
      yardstick::Arguments now = parts[part];
      now.offset = offset;
      kernel(now);
    });
  }

  void addCompiled(const char *name, Variant variant) {
    const Executable &executable = programs.get(c, variant);
    uint64_t elements = c.getElements();
    if (variant == Variant::OddRows)
      elements = elements / 1001 * 1001;
    uint64_t count = elements / c.threads;
    std::array<Call *, 2> parts = {};
    for (unsigned part = 0; part < c.threads; ++part) {
      kernels.calls.push_back(
          prepareCall(executable, c, variant, getArrays(part * (c.bytes / 2)),
                      count, kSeed, part * count, elements));
      parts[part] = kernels.calls.back().get();
    }
    add(name, elements,
        [parts](int part, uint64_t offset) { (*parts[part])(offset); });
  }

  const Case &c;
  Programs &programs;
  Arrays arrays;
  Worker *worker;
  Kernels kernels;
};

//===----------------------------------------------------------------------===//
// Compile times
//===----------------------------------------------------------------------===//

/// Milliseconds.
struct CompileTimes {
  std::vector<double> warm, first, cached, ptx;
};

} // namespace

static double now() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// A 1-D kernel that nobody has compiled before: its p is new.
static std::string getNeverSeenSource() {
  static unsigned count = 0;
  Case c;
  c.bytes = 4096;
  c.options.p = 0.1;
  std::string source = getSource(c, Variant::Plain);
  std::string p =
      "p = 0.1" +
      llvm::utostr(
          uint64_t(
              std::chrono::system_clock::now().time_since_epoch().count()) %
          1000000007) +
      llvm::utostr(count++);
  source.replace(source.find("p = 0.1"), 7, p);
  return source;
}

static CompileTimes measureCompileTimes(const CommandLine &options,
                                        const char *program) {
  CompileTimes result;
  for (unsigned i = 0; i < (options.quick ? 6 : 16); ++i) {
    std::string source = getNeverSeenSource();
    double start = now();
    auto executable =
        Executable::compile(source, options.compileOptions, nullptr);
    if (!executable)
      fail(executable.takeError());
    llvm::cantFail((*executable)->lookup("kernel"));
    if (i != 0) // the first one is not warm
      result.warm.push_back((now() - start) * 1e3);
  }
  // For a GPU: to PTX, and host code to LLVM IR.
  CompileOptions cuda;
  cuda.device = mlir::dropout::Device::Cuda;
  cuda.chip = "sm_90";
  for (unsigned i = 0; i < (options.quick ? 6 : 16); ++i) {
    std::string source = getNeverSeenSource();
    double start = now();
    if (auto kernels = Program::compileSource(source, cuda); !kernels)
      fail(kernels.takeError());
    if (i != 0)
      result.ptx.push_back((now() - start) * 1e3);
  }
  // From the file cache, which somebody else has filled.
  llvm::SmallString<128> directory;
  if (llvm::sys::fs::createUniqueDirectory("dropout-bench", directory))
    fail("cannot create a temporary directory");
  if (auto cache = mlir::dropout::ObjectCache::open(directory)) {
    std::string source = getNeverSeenSource();
    for (unsigned i = 0; i < 21; ++i) {
      double start = now();
      auto executable =
          Executable::compile(source, options.compileOptions, cache->get());
      if (!executable)
        fail(executable.takeError());
      llvm::cantFail((*executable)->lookup("kernel"));
      if (i != 0)
        result.cached.push_back((now() - start) * 1e3);
    }
  } else {
    fail(cache.takeError());
  }
  llvm::sys::fs::remove_directories(directory);
  // A process of its own for each first compilation.
  for (unsigned i = 0; i < (options.quick ? 3 : 7); ++i) {
    llvm::SmallString<128> output;
    int descriptor = -1;
    if (llvm::sys::fs::createTemporaryFile("dropout-bench", "txt", descriptor,
                                           output))
      fail("cannot create a temporary file");
    llvm::sys::Process::SafelyCloseFileDescriptor(descriptor);
    llvm::SmallVector<llvm::StringRef> arguments = {program, "--compile-once"};
    std::string lowering = "--lowering=" + options.lowering;
    if (!options.lowering.empty())
      arguments.push_back(lowering);
    std::optional<llvm::StringRef> redirects[] = {
        std::nullopt, llvm::StringRef(output), std::nullopt};
    int status = llvm::sys::ExecuteAndWait(
        llvm::sys::fs::getMainExecutable(program, nullptr), arguments,
        std::nullopt, redirects);
    auto text = llvm::MemoryBuffer::getFile(output);
    llvm::sys::fs::remove(output);
    double milliseconds = 0;
    if (status != 0 || !text ||
        (*text)->getBuffer().trim().getAsDouble(milliseconds))
      fail("the first compilation of a process failed");
    result.first.push_back(milliseconds);
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

static llvm::json::Value toJSON(const Quartiles &quartiles) {
  return llvm::json::Array{quartiles.first, quartiles.median, quartiles.third};
}

static llvm::json::Object toJSON(const Case &c,
                                 const std::vector<Series> &series) {
  llvm::json::Object kernels;
  for (const Series &one : series) {
    llvm::json::Object entry{{"ns_per_element", toJSON(getTimes(one))},
                             {"elements", int64_t(one.elements)}};
    llvm::json::Object ratios;
    for (const Series &base : series)
      if (base.name != one.name)
        ratios[base.name] = toJSON(getRatios(one, base));
    entry["ratio_to"] = std::move(ratios);
    kernels[one.name] = std::move(entry);
  }
  return llvm::json::Object{{"name", c.getName()},
                            {"tags", c.getTags()},
                            {"rounds", int64_t(series[0].seconds.size())},
                            {"kernels", std::move(kernels)}};
}

static void print(const Case &c, const std::vector<Series> &series) {
  llvm::raw_ostream &os = llvm::errs();
  os << llvm::format("%-52s memcpy %6.3f ns;", c.getName().c_str(),
                     getTimes(series[0]).median);
  for (const Series &one : llvm::ArrayRef(series).drop_front())
    os << " " << one.name << " "
       << llvm::format("%.2f", getRatios(one, series[0]).median);
  os << "\n";
}

//===----------------------------------------------------------------------===//
// All of it
//===----------------------------------------------------------------------===//

static std::vector<Series> measureCase(const Case &c,
                                       const CommandLine &options,
                                       Programs &programs, const Arrays &arrays,
                                       Worker *worker) {
  fill(arrays.x, c.options.type, c.getElements());
  std::memcpy(arrays.y, arrays.x, c.bytes);
  if (c.options.chain != Chain::None) {
    fill(arrays.bias, Type::F32, c.columns);
    fill(arrays.residual, Type::F32, c.getElements());
  }
  Kernels kernels = KernelBuilder(c, programs, arrays, worker).build();
  MeasureOptions measureOptions;
  measureOptions.seconds = options.quick ? 0.5 : 1.2;
  measureOptions.minRounds = options.quick ? 5 : 9;
  measureOptions.warm = c.bytes < yardstick::kNonTemporalBytes;
  if (worker)
    worker->setActive(c.threads != 1);
  std::vector<Series> series = measure(kernels.list, measureOptions);
  if (worker)
    worker->setActive(false);
  return series;
}

int main(int argc, char **argv) {
  double start = now();
  CommandLine options = parse(argc, argv);
  if (options.compileOnce) {
    auto executable = Executable::compile(getNeverSeenSource(),
                                          options.compileOptions, nullptr);
    if (!executable)
      fail(executable.takeError());
    llvm::cantFail((*executable)->lookup("kernel"));
    llvm::outs() << (now() - start) * 1e3 << "\n";
    return 0;
  }

  llvm::Regex filter(options.filter);
  std::vector<Case> cases;
  for (const Case &c : getCases())
    if (filter.match(c.getName()) && (!options.quick || c.quick) &&
        (options.full || !c.full))
      cases.push_back(c);
  bool compileTimes = filter.match("compile") && !options.check;
  if (options.list) {
    for (const Case &c : cases)
      llvm::outs() << c.getName() << "\n";
    llvm::outs() << "compile\n";
    return 0;
  }
  if (cases.empty() && !compileTimes)
    fail("no case matches '" + options.filter + "'");
  std::error_code code;
  std::unique_ptr<llvm::raw_fd_ostream> json;
  if (!options.json.empty()) { // before the work, not after it
    json = std::make_unique<llvm::raw_fd_ostream>(options.json, code);
    if (code)
      fail("cannot write " + options.json + ": " + code.message());
  }

  if (auto error = checkKnownAnswers())
    fail(std::move(error));
  Programs programs(options.compileOptions);
  llvm::StringMap<bool> checked;
  auto checkCase = [&](const Case &c) {
    // Sizes of one program differ in how they store, no more.
    bool big = c.bytes >= yardstick::kNonTemporalBytes;
    if (!checked.try_emplace(getSource(c, Variant::Plain) + (big ? "big" : ""))
             .second)
      return;
    const Executable *oddRows =
        c.oddRows ? &programs.get(c, Variant::OddRows) : nullptr;
    if (auto error = check(c, programs.get(c, Variant::Plain), oddRows))
      fail(std::move(error));
  };
  if (options.check) {
    for (const Case &c : cases) {
      checkCase(c);
      llvm::outs() << "same bits: " << c.getName() << "\n";
    }
    return 0;
  }

  auto [cpu, secondCpu] = pinToOneCpu();
  std::unique_ptr<Worker> worker;
  if (secondCpu >= 0)
    worker = std::make_unique<Worker>(secondCpu);
  uint64_t bytes = 0;
  bool chained = false;
  for (const Case &c : cases) {
    bytes = std::max(bytes, c.bytes);
    chained |= c.options.chain != Chain::None;
  }
  Buffer x(bytes), y(bytes), bias(4096), residual(chained ? bytes : 0);
  Arrays arrays = {x.data(), y.data(), bias.data(), residual.data()};

  llvm::json::Array results;
  unsigned done = 0;
  for (const Case &c : cases) {
    llvm::errs() << "[" << ++done << "/" << cases.size() << "] ";
    if (c.threads != 1 && !worker) {
      llvm::errs() << c.getName() << ": left out, there is only one CPU\n";
      continue;
    }
    checkCase(c);
    std::vector<Series> series =
        measureCase(c, options, programs, arrays, worker.get());
    print(c, series);
    results.push_back(toJSON(c, series));
  }
  llvm::json::Object compilation;
  if (compileTimes) {
    CompileTimes times = measureCompileTimes(options, argv[0]);
    Quartiles warm = getQuartiles(times.warm),
              first = getQuartiles(times.first),
              cached = getQuartiles(times.cached),
              ptx = getQuartiles(times.ptx);
    compilation["warm_ms"] = toJSON(warm);
    compilation["first_ms"] = toJSON(first);
    compilation["cached_ms"] = toJSON(cached);
    compilation["ptx_ms"] = toJSON(ptx);
    llvm::errs() << llvm::format(
        "compile: a kernel never seen %.1f ms, the first of a process %.1f "
        "ms, from the file cache %.2f ms; to PTX for sm_90 %.1f ms\n",
        warm.median, first.median, cached.median, ptx.median);
  }

  if (json) {
    llvm::json::Object machine = describeMachine();
    machine["cpu_used"] = cpu;
    llvm::json::Object all{
        {"format", 1},
        {"date", getDate()},
        {"machine", std::move(machine)},
        {"versions", llvm::json::Object{{"dropout", DROPOUT_VERSION},
                                        {"llvm", LLVM_VERSION_STRING},
                                        {"compiler", __VERSION__}}},
        {"lowering", getLoweringName(options.compileOptions.lowering)},
        {"mode", options.quick  ? "quick"
                 : options.full ? "full"
                                : "default"},
        {"seconds", now() - start},
        {"cases", std::move(results)},
        {"compile", std::move(compilation)},
    };
    *json << llvm::formatv("{0:2}\n", llvm::json::Value(std::move(all)));
    json->close();
    if (json->has_error())
      fail("cannot write " + options.json);
  }
  return 0;
}
