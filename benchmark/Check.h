//===- Check.h - All kernels compute the same -------------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_BENCHMARK_CHECK_H
#define DROPOUT_BENCHMARK_CHECK_H

#include "Compiled.h"

namespace bench {

/// Compares the program of the case, and the yardstick where there is one,
/// with a scalar computation from the runtime's masks, bit for bit, for small
/// sizes and for those of the case's kind of store. Inputs hold every kind of
/// float. The gelu may differ by its approximation; masks may not. Error
/// with the place of the first difference.
llvm::Error check(const Case &c, const mlir::dropout::Executable &compiled,
                  const mlir::dropout::Executable *oddRows);

/// Masks of the runtime and of the yardstick against the known answers of the
/// mask contract: the first 2^20 elements of three masks.
llvm::Error checkKnownAnswers();

} // namespace bench

#endif // DROPOUT_BENCHMARK_CHECK_H
