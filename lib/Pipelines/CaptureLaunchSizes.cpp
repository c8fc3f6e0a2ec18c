//===- CaptureLaunchSizes.cpp - Grid and block sizes as arguments ---------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/Pipelines/Passes.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

namespace mlir::dropout {
#define GEN_PASS_DEF_CAPTURELAUNCHSIZESPASS
#include "dropout/Pipelines/Passes.h.inc"
} // namespace mlir::dropout

using namespace mlir;

namespace {
struct CaptureLaunchSizesPass
    : public dropout::impl::CaptureLaunchSizesPassBase<CaptureLaunchSizesPass> {
  void runOnOperation() override {
    getOperation().walk([](gpu::LaunchOp launch) {
      auto capture = [](gpu::KernelDim3 inside,
                        const gpu::KernelDim3 &outside) {
        inside.x.replaceAllUsesWith(outside.x);
        inside.y.replaceAllUsesWith(outside.y);
        inside.z.replaceAllUsesWith(outside.z);
      };
      capture(launch.getGridSize(), launch.getGridSizeOperandValues());
      capture(launch.getBlockSize(), launch.getBlockSizeOperandValues());
    });
  }
};
} // namespace
