//===- Tiles.h - Arrays that lie across their masks -------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A mask is indexed by the order of the dims, not by that of memory. Where the
// two differ in the dim that is walked first (Fortran order; element dropout of
// channels last in memory only), each element of a run in memory is in another
// Philox block, and a kernel draws a block for each. So such arrays go through
// a buffer of a few KiB, tile by tile, in which the order is the mask's.
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_LIB_KERNELS_TILES_H
#define DROPOUT_LIB_KERNELS_TILES_H

#include "Plan.h"
#include "dropout/ExecutionEngine/Executable.h"

namespace mlir::dropout {

/// How a plan is cut into tiles, two dims at a time.
struct Tiling {
  size_t
      memoryDim;  ///< Neighbours in memory, the destination's or the source's.
  size_t maskDim; ///< Neighbours in the mask.
  int64_t memorySize;
  int64_t maskSize;
  int64_t count; ///< Of tiles.
};

/// None where memory and mask agree, or where tiles would be too small.
std::optional<Tiling> getTiling(const Plan &plan, ElementType element);

/// The kernel for the tiles of \p call. It has two dims, of memory and of the
/// mask; all others have one element in a tile and are part of its position. So
/// there is one kernel for all shapes and orders.
KernelKey getTileKey(const KernelCall &call, const Plan &plan);

/// Runs that \p kernel on the tiles \p first to \p last - 1 of \p call, whose
/// plan is \p plan. Returns a status.
int32_t runTiles(const CompiledFunction &kernel, const KernelCall &call,
                 const Plan &plan, const Tiling &tiling, int64_t first,
                 int64_t last);

} // namespace mlir::dropout

#endif // DROPOUT_LIB_KERNELS_TILES_H
