//===- Fork.h - Seeds of forked generators ----------------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_LIB_RUNTIME_FORK_H
#define DROPOUT_LIB_RUNTIME_FORK_H

#include <cstdint>
#include <string_view>

namespace dropout::runtime {

/// Ranks are below this.
constexpr uint64_t forkRankLimit = uint64_t(1) << 62;

/// The seed that dropoutForkSeed describes; `rank` is below forkRankLimit.
uint64_t forkSeed(uint64_t seed, std::string_view name, uint64_t rank);

/// Checks the arguments of both C functions that fork and reads `text` as a
/// name. Returns a status.
int32_t readForkArguments(const char *text, uint64_t rank,
                          std::string_view &name);

} // namespace dropout::runtime

#endif // DROPOUT_LIB_RUNTIME_FORK_H
