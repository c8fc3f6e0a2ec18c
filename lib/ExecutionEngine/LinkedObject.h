//===- LinkedObject.h - An object file in the memory of the process -*- C++
//-*-//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_LIB_EXECUTIONENGINE_LINKEDOBJECT_H
#define DROPOUT_LIB_EXECUTIONENGINE_LINKEDOBJECT_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ExecutionEngine/JITLink/JITLinkMemoryManager.h"
#include "llvm/ExecutionEngine/Orc/Shared/ExecutorAddress.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"
#include <memory>
#include <string>
#include <vector>

namespace mlir::dropout {

/// A relocatable object file, linked into this process by JITLink alone: it has
/// one file, one thread and no dynamic library to search but the process, so
/// ORC's sessions, layers and name tables would only cost time. The memory goes
/// with this object.
class LinkedObject {
public:
  /// Finds a function that the object calls; null if there is none.
  using Resolver = llvm::function_ref<void *(llvm::StringRef name)>;

  /// Links \p object, which need not outlive the call, and finds the addresses
  /// of its global functions \p exports. An error names each function that
  /// \p resolve does not find.
  static llvm::Expected<std::unique_ptr<LinkedObject>>
  link(llvm::MemoryBufferRef object, llvm::ArrayRef<std::string> exports,
       Resolver resolve);

  ~LinkedObject();
  LinkedObject(const LinkedObject &) = delete;
  LinkedObject &operator=(const LinkedObject &) = delete;

  /// One address for each of the exports.
  llvm::ArrayRef<void *> getAddresses() const { return addresses; }

private:
  class Context;
  LinkedObject() = default;

  std::vector<void *> addresses;
  llvm::jitlink::JITLinkMemoryManager::FinalizedAlloc memory;
  /// The unwind tables, as long as they are registered.
  llvm::orc::ExecutorAddrRange frames;
};

} // namespace mlir::dropout

#endif // DROPOUT_LIB_EXECUTIONENGINE_LINKEDOBJECT_H
