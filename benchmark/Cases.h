//===- Cases.h - What is measured -------------------------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_BENCHMARK_CASES_H
#define DROPOUT_BENCHMARK_CASES_H

#include "Yardstick.h"

#include "llvm/Support/JSON.h"
#include <string>
#include <vector>

namespace bench {

/// One thing that is measured: a kernel of the yardstick and the program that
/// we compile to do the same.
struct Case {
  yardstick::Options options;
  bool backward = false;
  bool inPlace = false;
  /// p is an argument of the program instead of an attribute.
  bool runtimeP = false;
  /// Two kernels of our own instead of a yardstick: rows of 1001 elements of
  /// dynamic shape against rows of 1024 of static shape.
  bool oddRows = false;
  /// Of x, and of y.
  uint64_t bytes = 0;
  /// Elements of a row; 0 for a program on 1-D memory.
  uint64_t columns = 0;
  unsigned threads = 1;
  /// Measured by --quick too.
  bool quick = false;
  /// Measured by --full only.
  bool full = false;

  /// "element f32 p=0.1 64MiB in-place".
  std::string getName() const;
  /// The same for programs, to choose cases by.
  llvm::json::Object getTags() const;
  uint64_t getElements() const;
};

unsigned getElementSize(yardstick::Type type);
/// "bf16".
const char *getTypeName(yardstick::Type type);

/// All cases, in the order in which they are measured.
std::vector<Case> getCases();

/// What a compiled program is to compute.
enum class Variant {
  Plain,     ///< What the case says.
  NoDropout, ///< The chain without its dropout.
  OddRows    ///< Rows of 1001, every size dynamic.
};

/// The MLIR source of the case: `@kernel` on memrefs, with the arguments
/// (x, [bias, residual,] [y,] [p,] [base, total,] seed, offset). With two
/// threads it works on a slice that starts at `base` of `total` elements.
std::string getSource(const Case &c, Variant variant);

} // namespace bench

#endif // DROPOUT_BENCHMARK_CASES_H
