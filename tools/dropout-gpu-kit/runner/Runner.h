//===- Runner.h - Checks and measurements ------------------------*- C++
//-*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_GPU_KIT_RUNNER_H
#define DROPOUT_GPU_KIT_RUNNER_H

#include "Device.h"

#include <regex.h>
#include <string>

namespace kit {

struct Options {
  bool check = false;
  bool bench = false;
  bool quick = false;
  bool large = false;
  std::string json;
  /// Matches the names of what is run; everything if there is none.
  const regex_t *filter = nullptr;

  bool selects(const char *name) const {
    return !filter || regexec(filter, name, 0, nullptr, 0) == 0;
  }
};

/// Compares all that kernels write with what they must write, and prints a line
/// for each of them. Adds `"checks": ...` to the JSON object. Returns whether
/// all is as it must be.
bool runChecks(const Options &options, std::string &json);

/// Seconds until a first kernel has run: loading the module, where the driver
/// compiles PTX, is part of it. The context is there already.
double measureFirstLaunch();

/// Times kernels and copies, and prints tables. Adds `"bench": ...` to the JSON
/// object.
void runBench(const Options &options, std::string &json);

} // namespace kit

#endif // DROPOUT_GPU_KIT_RUNNER_H
