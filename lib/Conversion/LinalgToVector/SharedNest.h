//===- SharedNest.h - A loop nest for several threads -----------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_LIB_CONVERSION_LINALGTOVECTOR_SHAREDNEST_H
#define DROPOUT_LIB_CONVERSION_LINALGTOVECTOR_SHAREDNEST_H

#include "../LoopNest/IterationSpace.h"

namespace mlir::dropout {

/// The part of a nest that is emitted: iterations of the outermost and of the
/// innermost loop. With a single loop only the inner ones count.
struct NestBounds {
  OpFoldResult outerBegin, outerEnd;
  OpFoldResult innerBegin, innerEnd;
};

/// All iterations of `space`.
NestBounds getAllIterations(OpBuilder &builder, const IterationSpace &space);

/// Emits a nest that `threads` threads (0: as many as OpenMP has) share if it
/// writes enough: the nest becomes a function of its bounds, which is called
/// once, or by each iteration of an `scf.parallel` for its part. Parts of the
/// innermost loop begin at multiples of 1024. `emitNest` emits the nest at the
/// builder's insertion point; values from in front of it become arguments.
void emitSharedNest(OpBuilder &builder, linalg::GenericOp generic,
                    const IterationSpace &space, int64_t threads,
                    llvm::function_ref<void(const NestBounds &)> emitNest);

} // namespace mlir::dropout

#endif // DROPOUT_LIB_CONVERSION_LINALGTOVECTOR_SHAREDNEST_H
