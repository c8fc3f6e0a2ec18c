//===- LaunchDeallocation.cpp - Buffers that kernels get ------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/Pipelines/GPUPipelines.h"

#include "mlir/Dialect/Bufferization/IR/BufferDeallocationOpInterface.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/DialectRegistry.h"

using namespace mlir;

namespace {
/// A kernel borrows its arguments. Without an interface upstream's deallocation
/// refuses the op: its effects are unknown.
struct LaunchDeallocation
    : bufferization::BufferDeallocationOpInterface::ExternalModel<
          LaunchDeallocation, gpu::LaunchFuncOp> {
  FailureOr<Operation *>
  process(Operation *op, bufferization::DeallocationState &,
          const bufferization::DeallocationOptions &) const {
    return op;
  }
};
} // namespace

void mlir::dropout::registerLaunchDeallocationExternalModel(
    DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, gpu::GPUDialect *) {
    gpu::LaunchFuncOp::attachInterface<LaunchDeallocation>(*context);
  });
}
