//===- HostTarget.h - What code is generated for ----------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_LIB_EXECUTIONENGINE_HOSTTARGET_H
#define DROPOUT_LIB_EXECUTIONENGINE_HOSTTARGET_H

#include "dropout/ExecutionEngine/Program.h"

#include "llvm/ADT/StringMap.h"
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
  /// The same by name.
  llvm::StringMap<bool> hasFeature;
};

/// Looked up once: a virtual machine takes its time to say what CPU it has.
const HostTarget &getHostTarget();

/// What machine code is generated with: the CPU of the options, or of this
/// machine with all its features, position-independent, without contraction of
/// multiplications and additions. Not to be shared by threads. An error names
/// the triple, CPU or feature that is not known.
llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
createTargetMachine(const CompileOptions &options);

/// An error if code for that machine cannot run in this process. It names the
/// features that the CPU here lacks.
llvm::Error checkRunsHere(const llvm::TargetMachine &machine);
/// The same for what createTargetMachine makes of the options.
llvm::Error checkRunsHere(const CompileOptions &options);

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
