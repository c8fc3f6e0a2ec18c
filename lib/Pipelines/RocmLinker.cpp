//===- RocmLinker.cpp - Where the linker for AMD GPUs is ------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RocmLinker.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include <cstdlib>

std::string mlir::dropout::findRocmLinker() {
  if (const char *root = std::getenv("ROCM_PATH")) {
    llvm::SmallString<128> path(root);
    llvm::sys::path::append(path, "llvm", "bin", "ld.lld");
    if (*root && llvm::sys::fs::can_execute(path))
      return path.str().str();
  }
  for (const char *name : {"ld.lld-22", "ld.lld"})
    if (llvm::ErrorOr<std::string> path = llvm::sys::findProgramByName(name))
      return *path;
  return "";
}
