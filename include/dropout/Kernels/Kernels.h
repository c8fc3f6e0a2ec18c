//===- Kernels.h - Dropout on strided arrays --------------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The dialect's ops for callers that have arrays and no program: what the C API
// and the Python package call.
//
// A kernel is a function of the dialect, compiled on first use and kept for the
// life of the process (and, through the default ObjectCache, between
// processes). There is one per operation, value map, element type, rank and
// layout class, order of mask dims, rounds and resolution. Shapes, strides, p,
// seed, offset, mode and position are its arguments: none of them compiles
// anything. Dims that memory and mask walk as one are merged first, so an array
// in C order has rank 1 whatever its shape.
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_KERNELS_KERNELS_H
#define DROPOUT_KERNELS_KERNELS_H

#include "dropout/ExecutionEngine/Signature.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"
#include <optional>

namespace mlir::dropout {

enum class KernelOperation : uint8_t {
  Forward,  ///< x to y.
  Backward, ///< dy to dx.
  Mask      ///< The keep mask, one byte per element.
};

/// The value op that a kernel is made of.
enum class KernelKind : uint8_t { Element, Channel, Alpha, FeatureAlpha };

/// An array that somebody else owns.
struct StridedArray {
  /// Element [0, ..., 0], aligned to the size of an element. May be null for an
  /// array without elements.
  void *data = nullptr;
  ElementType element = ElementType::F32;
  llvm::ArrayRef<int64_t> shape;
  /// In elements; 0 and negative ones are allowed.
  llvm::ArrayRef<int64_t> strides;
};

/// One operation on arrays: the operands and options of the op of that name
/// (docs/DropoutDialect.md).
struct KernelCall {
  KernelOperation operation = KernelOperation::Forward;
  /// Not looked at for a mask.
  KernelKind kind = KernelKind::Element;
  /// x or dy, of f16, bf16, f32 or f64; not looked at for a mask.
  StridedArray source;
  /// y or dx, of the type and shape of the source: the source itself, or memory
  /// apart from it. A mask is of i1. No two elements may share memory.
  StridedArray destination;
  /// To drop, in [0, 1].
  double p = 0.5;
  uint64_t seed = 0;
  uint64_t offset = 0;
  bool training = true;
  /// 10 or 7.
  int64_t rounds = 10;
  /// 16 or 8.
  int64_t resolution = 16;
  /// Dims that index the mask, in that order. By default [0, 1] for channel and
  /// feature-alpha dropout, and all dims for the others and for a mask.
  std::optional<llvm::ArrayRef<int64_t>> maskDims;
  /// For a slice of a bigger array: the index of its first element there, and
  /// the bigger array's shape. Both empty, or one entry per dim.
  llvm::ArrayRef<int64_t> position;
  llvm::ArrayRef<int64_t> fullShape;
  /// Threads that share a large array (from 4 MiB on): 0 for as many as this
  /// process may run on. The bits are the same for any number.
  unsigned threads = 1;
  /// If given, called once after all checks and before anything is written, to
  /// set `training`, `seed` and `offset`: a call that is refused draws nothing.
  llvm::function_ref<llvm::Error(KernelCall &)> draw;
  /// If given, the keep mask is written there as well: of i1, of the shape of
  /// the destination, apart from both arrays. Not beside a mask.
  std::optional<StridedArray> mask;
};

/// Runs \p call. Any number of threads may do so at once, on destinations that
/// do not overlap. An error, which is a RuntimeError with a status of
/// Runtime.h, names the argument and its value; nothing has been written then.
llvm::Error runKernel(KernelCall call);

/// What happened so far in this process.
struct KernelStatistics {
  uint64_t resident = 0; ///< Kernels in memory.
  uint64_t compiled = 0; ///< Of them compiled here,
  uint64_t loaded = 0;   ///< or read from the ObjectCache.
};
KernelStatistics getKernelStatistics();

/// The threads that this process may run on.
unsigned getHardwareThreads();

} // namespace mlir::dropout

#endif // DROPOUT_KERNELS_KERNELS_H
