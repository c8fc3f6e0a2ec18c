//===- Entropy.h - Random bytes from the operating system -------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_LIB_RUNTIME_ENTROPY_H
#define DROPOUT_LIB_RUNTIME_ENTROPY_H

#include <cstdint>

namespace dropout::runtime {

/// 64 random bits from the operating system, new ones for every call and every
/// process. Returns false when it has none. May throw.
bool readEntropy(uint64_t &value);

} // namespace dropout::runtime

#endif // DROPOUT_LIB_RUNTIME_ENTROPY_H
