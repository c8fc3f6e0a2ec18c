//===- CudaTarget.cpp - The GPU of this machine ---------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/ExecutionEngine/Program.h"
#include "dropout/Pipelines/GPUPipelines.h"
#include "dropout/Runtime/Cuda.h"

using namespace mlir::dropout;

llvm::Expected<std::string> mlir::dropout::getCudaChip() {
  int32_t major = 0, minor = 0;
  if (dropoutCudaGetComputeCapability(&major, &minor) != DROPOUT_OK) {
    std::string message = dropoutLastMessage();
    dropoutClearStatus();
    return llvm::createStringError(message);
  }
  std::string chip = getNewestCudaChip(10 * major + minor);
  if (chip.empty())
    return llvm::createStringError(
        "expected a CUDA device of compute capability 5.0 or later, but got " +
        llvm::Twine(major) + "." + llvm::Twine(minor));
  return chip;
}
