//===- Timing.h - Timing of dropout-run -------------------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_TOOLS_RUN_TIMING_H
#define DROPOUT_TOOLS_RUN_TIMING_H

#include "Values.h"

namespace mlir::dropout {

/// Seconds, medians over the runs.
struct Timing {
  double function = 0;
  double copy = 0;
  /// What the copy moves: the largest array of the call.
  int64_t copiedBytes = 0;
};

/// Lets the C library keep freed memory, so that a result of some megabytes
/// does not cost page faults in every run. Call it before the first
/// allocation that should profit.
void keepFreedMemory();

/// Calls the function \p runs times, each followed by one memcpy of as many
/// bytes as its largest array has. In-place buffers get their contents back
/// before each run (which is not timed) and at the end; mode and generators of
/// the runtime are as before.
llvm::Expected<Timing> timeFunction(const CompiledFunction &function,
                                    llvm::ArrayRef<Input> inputs,
                                    unsigned runs);

} // namespace mlir::dropout

#endif // DROPOUT_TOOLS_RUN_TIMING_H
