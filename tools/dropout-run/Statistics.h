//===- Statistics.h - Statistics of dropout-run -----------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_TOOLS_RUN_STATISTICS_H
#define DROPOUT_TOOLS_RUN_STATISTICS_H

#include "Values.h"
#include "dropout/Dialect/Dropout/IR/Dropout.h"

namespace mlir::dropout {

/// A dropout op between an argument of the function and one of its results or
/// memref arguments, so that both sides of it can be seen from outside.
struct VisibleDropout {
  std::string opName;
  Kind kind = Kind::Element;
  ValueMap map = ValueMap::Scale;
  llvm::SmallVector<int64_t> maskDims;
  unsigned resolution = 16;
  /// The argument that is x or dy.
  unsigned input = 0;
  /// The result, or the argument, that is y or dx.
  unsigned output = 0;
  bool outputIsResult = true;
  /// p, or the argument that it is.
  std::optional<double> p;
  unsigned pArgument = 0;
  /// The flag, or the argument that it is; neither where the runtime's mode
  /// decides.
  std::optional<bool> training;
  std::optional<unsigned> trainingArgument;
};

/// The dropout ops of a function that can be seen from outside. Call it before
/// the function is lowered.
std::vector<VisibleDropout> findVisibleDropout(func::FuncOp function);

/// Prints mean and variance of an array.
void printMoments(llvm::raw_ostream &os, llvm::StringRef name,
                  llvm::StringRef type, const ArrayView &view);

/// Prints the dropped fraction beside p with its z-score. \p in and \p out are
/// x and y; \p training is the mode in which the op ran.
void printDropped(llvm::raw_ostream &os, const VisibleDropout &op, double p,
                  bool training, const ArrayView &in, const ArrayView &out);

} // namespace mlir::dropout

#endif // DROPOUT_TOOLS_RUN_STATISTICS_H
