//===- Process.h - The state of the process and its lock --------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_LIB_RUNTIME_PROCESS_H
#define DROPOUT_LIB_RUNTIME_PROCESS_H

#include "dropout/Runtime/Runtime.h"

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace dropout::runtime {

struct Generator {
  uint64_t seed = DROPOUT_DEFAULT_SEED;
  /// The next one to be drawn.
  uint64_t offset = 0;
  /// Handle of the innermost open scope on this generator, or 0.
  uint64_t innermostScope = 0;
};

/// Ordered, so that lists and blobs of one state are the same bytes; found by
/// string_view, so that a draw does not allocate.
using GeneratorMap = std::map<std::string, Generator, std::less<>>;

struct Scope {
  /// The generator that the scope is on; NULL when it is on the mode. The
  /// pointer stays good: a generator with an open scope is not destroyed.
  Generator *generator;
  /// What the scope found, and puts back.
  bool training;
  uint64_t seed;
  uint64_t offset;
  /// The scope on the same thing that this one began in, or 0.
  uint64_t enclosing;
};

struct ProcessState {
  bool training = true;
  Generator defaultGenerator;
  GeneratorMap named;

  /// Handle of the innermost open scope on the mode, or 0.
  uint64_t innermostModeScope = 0;
  std::map<uint64_t, Scope> openScopes;
  uint64_t lastScope = 0;

  /// The generator called `name` (NULL: the default one). Records and returns
  /// an error when the name is malformed or unknown.
  int32_t find(const char *name, Generator *&generator);
};

/// The state of the process, locked for the life of this object: each C
/// function holds one for all that it reads and writes, which makes it one
/// atomic step. Never call out while holding one. May throw.
class LockedState {
public:
  LockedState();
  ProcessState *operator->() const { return &state; }
  ProcessState &operator*() const { return state; }

private:
  ProcessState &state;
  std::unique_lock<std::mutex> lock;
};

} // namespace dropout::runtime

#endif // DROPOUT_LIB_RUNTIME_PROCESS_H
