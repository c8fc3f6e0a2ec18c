//===- DropoutToGPU.h - Dropout and its neighbours to kernels ---*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_CONVERSION_DROPOUTTOGPU_H
#define DROPOUT_CONVERSION_DROPOUTTOGPU_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mlir::dropout {

/// The name of the `gpu.module` (then `gpu.binary`) with a program's kernels.
inline constexpr llvm::StringLiteral kKernelModuleName = "dropout_kernels";

/// What kernels are made for.
struct KernelTarget {
  /// Threads of a block: a power of two, 32 to 1024.
  int64_t blockSize = 256;
  /// Elements of a thread: 16, 32 or 64. Each is a multiple of the elements of
  /// a Philox block.
  int64_t elementsPerThread = 16;
  /// Loads and stores of several elements, up to 16 bytes, exist.
  bool vectorAccess = true;
  /// A minimum of two halfwords is one instruction.
  bool packedMinimum = false;
  /// Blocks are blockSize x 1 threads, a constant; else as many in x as a row
  /// needs.
  bool staticBlock = false;
};

/// Replaces `generic`, on memrefs, by a `gpu.launch` or, where only the run
/// decides (training, alignment, strides), a choice of several; kernels and
/// their module get names that begin with `name`. Fails, with nothing changed
/// but dead index arithmetic, if the generic is not element-wise: see
/// checkOperands and checkBody.
LogicalResult convertElementwiseToLaunch(RewriterBase &rewriter,
                                         linalg::GenericOp generic,
                                         StringRef name,
                                         const KernelTarget &target);

/// Replaces any `op` on memrefs by a `gpu.launch` in which each thread computes
/// one point of the parallel loops, reductions in their order. Fails if the op
/// has no loops.
LogicalResult convertPointwiseToLaunch(RewriterBase &rewriter,
                                       linalg::LinalgOp op, StringRef name,
                                       const KernelTarget &target);

} // namespace mlir::dropout

#endif // DROPOUT_CONVERSION_DROPOUTTOGPU_H
