//===- Invoke.cpp - Call a kernel -----------------------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Invoke.h"

#include <array>

using namespace mlir;
using namespace mlir::dropout;

/// A memref descriptor (EntryPoints.h) on the stack.
using Descriptor = std::array<int64_t, 3 + 2 * kMaxKernelRank>;

static void writeDescriptor(Descriptor &words, void *data,
                            ArrayRef<PlanDim> dims, int64_t PlanDim::*stride) {
  words[0] = words[1] = reinterpret_cast<intptr_t>(data);
  words[2] = 0;
  for (auto [index, dim] : llvm::enumerate(dims)) {
    words[3 + index] = dim.size;
    words[3 + dims.size() + index] = dim.*stride;
  }
}

int32_t mlir::dropout::invokeKernel(const CompiledFunction &kernel,
                                    const KernelCall &call,
                                    ArrayRef<PlanDim> dims, void *source,
                                    void *destination) {
  Descriptor sourceWords, destinationWords;
  SmallVector<void *, 6 + 2 * 8> arguments;
  if (call.operation != KernelOperation::Mask) {
    writeDescriptor(sourceWords, source, dims, &PlanDim::sourceStride);
    arguments.push_back(sourceWords.data());
  }
  writeDescriptor(destinationWords, destination, dims,
                  &PlanDim::destinationStride);
  arguments.push_back(destinationWords.data());
  double p = call.p;
  uint64_t seed = call.seed, offset = call.offset;
  uint8_t training = call.training;
  arguments.append({&p, &seed, &offset, &training});
  std::array<int64_t, kMaxKernelRank> positions, fulls;
  for (auto [index, dim] : llvm::enumerate(dims)) {
    positions[index] = dim.position;
    fulls[index] = dim.full;
    arguments.append({&positions[index], &fulls[index]});
  }
  return kernel.invoke(arguments.data());
}
