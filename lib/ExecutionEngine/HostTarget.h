//===- HostTarget.h - What code is generated for ----------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_LIB_EXECUTIONENGINE_HOSTTARGET_H
#define DROPOUT_LIB_EXECUTIONENGINE_HOSTTARGET_H

#include "llvm/Support/Error.h"
#include "llvm/Target/TargetMachine.h"
#include <memory>
#include <string>

namespace mlir::dropout {

/// This machine, in LLVM's words.
struct HostTarget {
  std::string triple;
  std::string cpu;
  /// "+avx,-avx512f,...".
  std::string features;
};

/// Looked up once: a virtual machine takes its time to say what CPU it has.
const HostTarget &getHostTarget();

/// What machine code is generated with: the CPU of this machine and all its
/// features, position-independent, without contraction of multiplications and
/// additions. Not to be shared by threads.
llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
createHostTargetMachine(unsigned optimizationLevel);

/// glibc's vector function of that name ("_ZGVbN4v_erff"); null if this machine
/// has none.
void *findVectorFunction(llvm::StringRef name);

/// Whether this machine has all vector functions that MathToLibmvec calls.
bool hasVectorMath();

/// Names the build of this library and of LLVM's and MLIR's: code that another
/// build has generated is another's. Empty if there is no telling.
const std::string &getBuildIdentity();

} // namespace mlir::dropout

#endif // DROPOUT_LIB_EXECUTIONENGINE_HOSTTARGET_H
