/*===- Kernels.h - C API: dropout on arrays -----------------------*- C -*-===*\
|*                                                                            *|
|* Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM  *|
|* Exceptions. See LICENSE for license information.                           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* Element, channel, alpha and feature-alpha dropout, their gradients and     *|
|* masks, on strided arrays of the caller. Link libdropout_c, which has the   *|
|* runtime (dropout/Runtime/Runtime.h) in it.                                 *|
|*                                                                            *|
|* The conventions of Runtime.h hold: functions return a DropoutStatus, the   *|
|* message of an error is in the thread's slot (`dropoutLastMessage`), and    *|
|* every function may be called from any thread at any time.                  *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef DROPOUT_C_KERNELS_H
#define DROPOUT_C_KERNELS_H

#include "dropout/Runtime/Runtime.h"

#include <stdint.h>

#define DROPOUT_CAPI __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

/// Types of elements and scalars. Numbers are part of the ABI.
typedef enum DropoutElementType {
  DROPOUT_I1 = 0, ///< One byte in memory, 0 or 1.
  DROPOUT_I8 = 1,
  DROPOUT_I16 = 2,
  DROPOUT_I32 = 3,
  DROPOUT_I64 = 4,
  DROPOUT_INDEX = 5, ///< 64 bits.
  DROPOUT_F16 = 6,
  DROPOUT_BF16 = 7,
  DROPOUT_F32 = 8,
  DROPOUT_F64 = 9
} DropoutElementType;

/// The four value ops (docs/DropoutDialect.md).
typedef enum DropoutKind {
  DROPOUT_ELEMENT = 0,
  DROPOUT_CHANNEL = 1,
  DROPOUT_ALPHA = 2,
  DROPOUT_FEATURE_ALPHA = 3
} DropoutKind;

/// A view on memory that the caller owns.
typedef struct DropoutArray {
  /// Element [0, ..., 0], aligned to the size of an element. May be NULL for an
  /// array without elements.
  void *data;
  /// A DropoutElementType.
  int32_t elementType;
  /// The length of `shape` and `strides`, which may be NULL if it is 0.
  int32_t rank;
  const int64_t *shape;
  /// In elements; 0 and negative ones are allowed.
  const int64_t *strides;
} DropoutArray;

/// What a mask depends on besides the shape; `dropoutGetDefaultParameters`
/// fills it in.
typedef struct DropoutParameters {
  /// Probability to drop, in [0, 1]; by default 0.5.
  double p;
  /// As `dropoutReserve` gave them; by default 0.
  uint64_t seed;
  uint64_t offset;
  /// Nonzero in training, the default; 0 in eval.
  int32_t training;
  /// Of Philox4x32: 10, the default, or 7.
  int32_t rounds;
  /// Bits of a draw: 16, the default (with ties broken by 16 more), or 8.
  int32_t resolution;
  /// Dims that index the mask, in that order: distinct and in [0, rank). With
  /// `numMaskDims` -1, which is the default: [0, 1] for channel and
  /// feature-alpha dropout, and all dims for the others and for a mask.
  int32_t numMaskDims;
  const int64_t *maskDims;
  /// For a slice of a bigger array, one number per dim: the index of the
  /// slice's first element there, and the bigger array's shape. By default both
  /// are NULL: the array is the whole.
  const int64_t *position;
  const int64_t *fullShape;
  /// Threads that share an array of 4 MiB or more; by default 1; 0: as many as
  /// the process may run on. The bits are the same for any number.
  int32_t threads;
  /// Where mode, seed and offset come from if they are not known yet. If not
  /// NULL (the default), it is called once per call, on the calling thread,
  /// after all arguments were checked and before anything is written, with
  /// `drawContext` and with the values above to be replaced. So what is refused
  /// draws nothing. Returns a DropoutStatus; an error ends the call with it. A
  /// `dropoutReserve` of a generator is such a function but for its arguments.
  int32_t (*draw)(void *drawContext, int8_t *training, uint64_t *seed,
                  uint64_t *offset);
  void *drawContext;
  /// If not NULL (the default), where forward and backward write the keep mask
  /// besides: of i1, of the shape of the other arrays, apart from them.
  const DropoutArray *mask;
} DropoutParameters;

/// The defaults named above. Never fails.
DROPOUT_CAPI DropoutParameters dropoutGetDefaultParameters(void);

/// Dropout of \p x into \p out, with the values of the contract: kept elements
/// are x*s with s = 1/(1-p), or fma(a, x, b), dropped ones +0 or alpha
/// dropout's constant, and in eval or for p = 0 y is x bit for bit.
///
/// \p kind is a DropoutKind. x is of f16, bf16, f32 or f64; out has its type
/// and shape and is x itself (the same view) or memory apart from it, and no
/// two of its elements share memory. The kernel for this kind, type and layout
/// is compiled, or read from the file cache, by its first call in the process
/// (some 40 ms, or 1 ms); it depends on no shape, p, seed, offset or mode.
///
/// Errors: `DROPOUT_INVALID_P`; `DROPOUT_INVALID_ARGUMENT` names the argument
/// and its value. Nothing has been written then.
DROPOUT_CAPI int32_t dropoutForward(int32_t kind, const DropoutArray *x,
                                    const DropoutArray *out,
                                    const DropoutParameters *parameters);

/// The gradient of `dropoutForward` with the same kind and parameters: out is
/// dy*s or dy*a where kept and +0 where dropped, and dy in eval. The mask
/// is drawn again. For arrays and errors see there.
DROPOUT_CAPI int32_t dropoutBackward(int32_t kind, const DropoutArray *dy,
                                     const DropoutArray *out,
                                     const DropoutParameters *parameters);

/// The keep mask: 1 where `dropoutForward` with these parameters keeps, else 0.
/// \p out is of i1, one byte per element.
DROPOUT_CAPI int32_t dropoutMask(const DropoutArray *out,
                                 const DropoutParameters *parameters);

/// Counts kernels of this process: those in memory, and of them those that were
/// compiled and those that were read from the file cache. Any pointer may be
/// NULL. Never fails.
DROPOUT_CAPI void dropoutKernelStatistics(uint64_t *resident,
                                          uint64_t *compiled, uint64_t *loaded);

/// The threads that this process may run on. Never fails.
DROPOUT_CAPI int32_t dropoutHardwareThreads(void);

#ifdef __cplusplus
} // extern "C"
#endif

#endif // DROPOUT_C_KERNELS_H
