//===- LaunchBuilder.h - What all kernels of a function share ---*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_LIB_CONVERSION_DROPOUTTOGPU_LAUNCHBUILDER_H
#define DROPOUT_LIB_CONVERSION_DROPOUTTOGPU_LAUNCHBUILDER_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

namespace mlir::dropout {

/// Sizes of a grid and its blocks, index; null is 1.
struct LaunchShape {
  Value gridX, gridY;
  Value blockX, blockY;
};

/// An empty `gpu.launch` whose kernel is called `name`.
gpu::LaunchOp createLaunch(OpBuilder &builder, Location loc,
                           const LaunchShape &shape, StringRef name);

/// The whole buffer that `memref` is a part of, as a rank-1 memref in C order
/// that is long enough for its last element.
Value emitKernelArray(OpBuilder &builder, Location loc, Value memref);

/// Copies the loads and constant arrays that the kernel's captured values come
/// from, and the pure ops between, into the kernel: the host can't read device
/// memory (`rng(%state)`), nor the device the host's. A load stays where it is
/// if its memory may be written from there on until the kernel is done.
void moveLoadsIntoKernel(gpu::LaunchOp launch);

} // namespace mlir::dropout

#endif // DROPOUT_LIB_CONVERSION_DROPOUTTOGPU_LAUNCHBUILDER_H
