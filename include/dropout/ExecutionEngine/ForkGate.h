//===- ForkGate.h - The compiler and fork(2) --------------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_EXECUTIONENGINE_FORKGATE_H
#define DROPOUT_EXECUTIONENGINE_FORKGATE_H

namespace mlir::dropout {

/// Stands in a function that is inside of the compiler, LLVM's or ours. fork(2)
/// waits until no other thread is: a child in which nobody holds LLVM's locks
/// any more, but they are locked, could never compile again. Any number of
/// threads may be inside, and a thread more than once.
class ForkGate {
public:
  ForkGate();
  ~ForkGate();
  ForkGate(const ForkGate &) = delete;
  ForkGate &operator=(const ForkGate &) = delete;

  /// Waits until no other thread is inside, and lets none in for the rest of
  /// the process but this one: before exit(), which destroys what LLVM works
  /// with.
  static void closeForOthers();
};

} // namespace mlir::dropout

#endif // DROPOUT_EXECUTIONENGINE_FORKGATE_H
