//===- StoredProgram.h - Compiled programs as bytes -------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What is kept of a program in an ObjectCache: its object file, and what a
// caller must know to call it without MLIR.
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_LIB_EXECUTIONENGINE_STOREDPROGRAM_H
#define DROPOUT_LIB_EXECUTIONENGINE_STOREDPROGRAM_H

#include "dropout/ExecutionEngine/ObjectCache.h"
#include "dropout/ExecutionEngine/Program.h"
#include <optional>

namespace mlir::dropout {

/// The hash of all that the object file depends on: the source, byte by byte,
/// the options, the target, and the build of the compiler. None if the build
/// can't be told from others.
///
/// The bytes of the source are hashed as they are, text or bytecode. Two
/// spellings of one program are compiled twice, but nothing need be parsed to
/// find one that is there.
std::optional<ObjectKey> getObjectKey(llvm::StringRef source,
                                      const CompileOptions &options);

/// A program without what was needed to compile it.
struct StoredProgram {
  std::vector<Signature> signatures;
  /// An object file with the functions `getInvokerName` of each signature.
  llvm::StringRef object;

  /// As bytes of their own.
  llvm::SmallString<0> write() const;

  /// From such bytes, which `object` then points into. None if they are none.
  static std::optional<StoredProgram> read(llvm::StringRef bytes);
};

/// The function `i32 name(ptr pointers)` that calls function number \p index
/// of the program with what the pointers point to.
std::string getInvokerName(size_t index);

/// The function `void name()` of a CUDA program that unloads its kernels.
inline constexpr llvm::StringLiteral unloadName = "dropout_unload";

} // namespace mlir::dropout

#endif // DROPOUT_LIB_EXECUTIONENGINE_STOREDPROGRAM_H
