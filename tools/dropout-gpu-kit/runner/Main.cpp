//===- Main.cpp - dropout-gpu-check
//----------------------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Checks and times the kernels of kernels.mlir on the GPU of this machine. It
// needs the CUDA driver, libc and libm, and nothing else.
//
//===----------------------------------------------------------------------===//

#include "Runner.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace kit;

static const char usage[] =
    "usage: dropout-gpu-check [--check] [--bench] [--quick] [--large]\n"
    "                         [--json FILE] [--filter REGEX]\n"
    "\n"
    "  --check         compare what kernels write with built-in answers (what "
    "it\n"
    "                  does without --bench, too)\n"
    "  --bench         time kernels against copies of the same bytes\n"
    "  --quick         fewer and smaller arrays\n"
    "  --large         check arrays of more than 2^32 elements, too (18 GB)\n"
    "  --json FILE     write all figures to this file, too\n"
    "  --filter REGEX  only what has a match of this (POSIX extended) in its "
    "name\n"
    "\n"
    "Exit code: 0 if all checks passed, 1 if one failed or nothing could be "
    "run,\n"
    "2 for wrong options.\n";

[[noreturn]] static void badUsage(const std::string &message) {
  std::fprintf(stderr, "dropout-gpu-check: error: %s\n%s", message.c_str(),
               usage);
  std::exit(2);
}

/// A string as JSON has it.
static std::string quote(const std::string &text) {
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      quoted += '\\';
    quoted += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return quoted + '"';
}

int main(int argc, char **argv) {
  Options options;
  regex_t filter;
  for (int i = 1; i < argc; ++i) {
    const char *argument = argv[i];
    // The value of `--name VALUE` or `--name=VALUE`, or null.
    auto valueOf = [&](const char *name) -> const char * {
      size_t length = std::strlen(name);
      if (std::strncmp(argument, name, length) != 0)
        return nullptr;
      if (argument[length] == '=')
        return argument + length + 1;
      if (argument[length] != '\0')
        return nullptr;
      if (++i == argc)
        badUsage(std::string("expected a value after ") + name);
      return argv[i];
    };
    if (!std::strcmp(argument, "--help") || !std::strcmp(argument, "-h")) {
      std::fputs(usage, stdout);
      return 0;
    }
    if (!std::strcmp(argument, "--check"))
      options.check = true;
    else if (!std::strcmp(argument, "--bench"))
      options.bench = true;
    else if (!std::strcmp(argument, "--quick"))
      options.quick = true;
    else if (!std::strcmp(argument, "--large"))
      options.large = true;
    else if (const char *file = valueOf("--json"))
      options.json = file;
    else if (const char *expression = valueOf("--filter")) {
      if (options.filter)
        badUsage("expected one --filter, but got two");
      if (regcomp(&filter, expression, REG_EXTENDED | REG_NOSUB))
        badUsage(std::string("expected a regular expression, but got '") +
                 expression + "'");
      options.filter = &filter;
    } else
      badUsage(std::string("unknown argument '") + argument + "'");
  }
  if (options.large && options.bench && !options.check)
    badUsage("expected --check together with --large");
  if (!options.bench)
    options.check = true;

  // Before the work, which takes its time.
  std::FILE *json = nullptr;
  if (!options.json.empty() && !(json = std::fopen(options.json.c_str(), "w")))
    fatal("cannot write %s: %s", options.json.c_str(), std::strerror(errno));
  // What it costs to compile, not what it costs to find it in a cache.
  if (options.bench)
    setenv("CUDA_CACHE_DISABLE", "1", /*overwrite=*/0);

  DeviceInfo device = openDevice();
  std::printf("%s, sm_%d%d, driver for CUDA %d.%d\n", device.name.c_str(),
              device.major, device.minor, device.driverVersion / 1000,
              device.driverVersion % 1000 / 10);
  std::fflush(stdout);
  double firstLaunch = measureFirstLaunch();
  std::printf("the first launch took %.1f ms\n", firstLaunch * 1e3);
  char text[160];
  std::snprintf(text, sizeof(text),
                ",\n  \"compute_capability\": \"%d.%d\",\n"
                "  \"driver_version\": %d,\n  \"first_launch_ms\": %.6g",
                device.major, device.minor, device.driverVersion,
                firstLaunch * 1e3);
  std::string figures = "{\n  \"device\": " + quote(device.name) + text;

  bool passed = true;
  if (options.check)
    passed = runChecks(options, figures);
  if (options.bench)
    runBench(options, figures);
  figures += "\n}\n";
  if (json) {
    bool isWritten =
        std::fwrite(figures.data(), 1, figures.size(), json) == figures.size();
    isWritten &= std::fclose(json) == 0;
    if (!isWritten)
      fatal("cannot write %s: %s", options.json.c_str(), std::strerror(errno));
  }
  return passed ? 0 : 1;
}
