/*===- Cuda.h - Launching compiled kernels on NVIDIA GPUs ---------*- C -*-===*\
|*                                                                            *|
|* Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM  *|
|* Exceptions. See LICENSE for license information.                           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* What host code that `dropout-to-ptx` and `dropout-to-cubin` make calls at  *|
|* run time, and what its callers need: devices, streams, memory. The CUDA    *|
|* driver (libcuda.so.1) is opened when the first of these functions is       *|
|* called; nothing of CUDA is needed to build or link. C99 and C++17.         *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef DROPOUT_RUNTIME_CUDA_H
#define DROPOUT_RUNTIME_CUDA_H

#include "dropout/Runtime/Runtime.h"

/// \file
///
/// The conventions of Runtime.h about errors and threads hold here, too, and
/// these besides:
///
/// **Errors.** Without a driver or a device every function that needs one is
/// `DROPOUT_GPU_UNAVAILABLE`; what the driver refuses is `DROPOUT_GPU_ERROR`,
/// with the driver's name and text for it. `dropoutCudaLaunch`,
/// `dropoutCudaAdvanceState`, `dropoutCudaAllocate` and the copies do nothing
/// while the thread's slot holds an error (and return it), so that compiled
/// code calls one after the other without a look in between, and the first
/// error is the one that counts. Errors of a kernel that already runs come from
/// a later call, as the driver has it.
///
/// **Contexts.** The calling thread's current CUDA context is used (PyTorch's,
/// for example). A thread that has none gets the primary context of the
/// device that it chose by `dropoutCudaSetDevice`, else of device 0. It is
/// retained once and never released. A context that is destroyed or reset
/// (cudaDeviceReset) takes the kernels in it along: call `dropoutCudaUnload`
/// before they are launched again.
///
/// **fork(2).** A child can use CUDA only if nothing here was called before the
/// fork; otherwise its calls are `DROPOUT_GPU_ERROR`.
///
/// **Streams.** Work goes to the thread's stream: `dropoutCudaSetStream`, at
/// first the default stream (NULL). Nothing waits unless its comment says so.

#ifdef __cplusplus
extern "C" {
#endif

/*===----------------------------------------------------------------------===*\
|* Devices                                                                    *|
\*===----------------------------------------------------------------------===*/

/// Writes the number of CUDA devices. No driver is an error, no device is 0.
DROPOUT_RUNTIME_API int32_t dropoutCudaDeviceCount(int32_t *count)
    DROPOUT_RUNTIME_NOEXCEPT;

/// Makes the primary context of \p device (0 to count - 1; anything else is
/// `DROPOUT_INVALID_ARGUMENT`) this thread's current one.
DROPOUT_RUNTIME_API int32_t dropoutCudaSetDevice(int32_t device)
    DROPOUT_RUNTIME_NOEXCEPT;

/// Writes the compute capability of the current context's device, 9 and 0 for
/// sm_90.
DROPOUT_RUNTIME_API int32_t dropoutCudaGetComputeCapability(
    int32_t *major, int32_t *minor) DROPOUT_RUNTIME_NOEXCEPT;

/// Writes the name of the current context's device, cut to \p size bytes with
/// the terminating NUL. \p size is at least 1.
DROPOUT_RUNTIME_API int32_t dropoutCudaGetDeviceName(char *name, size_t size)
    DROPOUT_RUNTIME_NOEXCEPT;

/*===----------------------------------------------------------------------===*\
|* Streams                                                                    *|
\*===----------------------------------------------------------------------===*/

/// Makes \p stream (a CUstream or cudaStream_t; NULL: the default stream) the
/// one that this thread's work goes to. It is not looked at, and never fails.
DROPOUT_RUNTIME_API void
dropoutCudaSetStream(void *stream) DROPOUT_RUNTIME_NOEXCEPT;

/// This thread's stream.
DROPOUT_RUNTIME_API void *dropoutCudaGetStream(void) DROPOUT_RUNTIME_NOEXCEPT;

/// Writes a new stream that does not wait for the default stream. Destroy it
/// by `dropoutCudaDestroyStream`; NULL is ignored there.
DROPOUT_RUNTIME_API int32_t dropoutCudaCreateStream(void **stream)
    DROPOUT_RUNTIME_NOEXCEPT;
DROPOUT_RUNTIME_API int32_t dropoutCudaDestroyStream(void *stream)
    DROPOUT_RUNTIME_NOEXCEPT;

/// Waits for all work in this thread's stream.
DROPOUT_RUNTIME_API int32_t dropoutCudaSynchronize(void)
    DROPOUT_RUNTIME_NOEXCEPT;

/*===----------------------------------------------------------------------===*\
|* Memory                                                                     *|
\*===----------------------------------------------------------------------===*/

/// Device memory of \p bytes (0 is allowed, a negative number is not) in the
/// order of this thread's stream, aligned to 256 bytes; NULL after an error.
/// Free it by `dropoutCudaFree`, which also works in the order of the stream of
/// the thread that calls it; NULL is ignored there. Both may be captured into a
/// graph, except on devices without memory pools, where freeing waits for the
/// stream.
DROPOUT_RUNTIME_API void *
dropoutCudaAllocate(int64_t bytes) DROPOUT_RUNTIME_NOEXCEPT;
DROPOUT_RUNTIME_API int32_t dropoutCudaFree(void *memory)
    DROPOUT_RUNTIME_NOEXCEPT;

/// Copies between device memories, in the order of this thread's stream. The
/// memories are disjoint or the same.
DROPOUT_RUNTIME_API int32_t dropoutCudaCopy(
    void *target, const void *source, int64_t bytes) DROPOUT_RUNTIME_NOEXCEPT;

/// Copy from or to the host's memory, behind all work in this thread's stream,
/// and wait until it is done.
DROPOUT_RUNTIME_API int32_t dropoutCudaCopyToDevice(
    void *device, const void *host, int64_t bytes) DROPOUT_RUNTIME_NOEXCEPT;
DROPOUT_RUNTIME_API int32_t dropoutCudaCopyToHost(
    void *host, const void *device, int64_t bytes) DROPOUT_RUNTIME_NOEXCEPT;

/// `DROPOUT_INVALID_ARGUMENT` if \p pointer is not memory that the driver gave
/// out, or pinned, for kernels of the current context: memory from malloc is
/// refused even on systems whose kernels can reach it. With 0 \p bytes, the
/// size of an empty array, any pointer will do. \p argument, counted from 0, is
/// its number in the message: "expected argument #0 to be device memory, but
/// got a host pointer".
DROPOUT_RUNTIME_API int32_t
dropoutCudaCheckPointer(const void *pointer, int64_t bytes,
                        int32_t argument) DROPOUT_RUNTIME_NOEXCEPT;

/*===----------------------------------------------------------------------===*\
|* Kernels                                                                    *|
\*===----------------------------------------------------------------------===*/

/// Kernels as compiled code holds them, one object per image. It is loaded into
/// a context when the first of its kernels is launched there.
typedef struct DropoutCudaModule {
  /// PTX that ends in NUL, a cubin or a fat binary.
  const void *image;
  /// Bytes of the image.
  uint64_t imageSize;
  /// The runtime's; NULL at first.
  void *loaded;
} DropoutCudaModule;

/// One kernel of a module.
typedef struct DropoutCudaKernel {
  DropoutCudaModule *module;
  /// Its name in the image; ends in NUL.
  const char *name;
  /// The runtime's; NULL at first.
  void *loaded;
} DropoutCudaKernel;

/// Launches \p kernel in this thread's stream with a grid of
/// \p gridX x \p gridY x \p gridZ blocks (0 in any: nothing to do) of
/// \p blockX x \p blockY x \p blockZ threads (1 to 1024 in all, z at most 64;
/// grids up to 2^31 - 1, 65535 and 65535; `DROPOUT_INVALID_ARGUMENT` beyond).
/// `arguments[i]` points to the value of parameter i; all is copied before the
/// call returns.
DROPOUT_RUNTIME_API int32_t
dropoutCudaLaunch(DropoutCudaKernel *kernel, int64_t gridX, int64_t gridY,
                  int64_t gridZ, int64_t blockX, int64_t blockY, int64_t blockZ,
                  void **arguments) DROPOUT_RUNTIME_NOEXCEPT;

/// Unloads the module from every context that still exists and forgets its
/// kernels. No launch of them may be under way in another thread. A module that
/// was not loaded is ignored. Its kernels may be handed over in several calls.
/// Compiled code that is never unloaded need not call it.
DROPOUT_RUNTIME_API int32_t
dropoutCudaUnload(DropoutCudaModule *module, DropoutCudaKernel *kernels,
                  int64_t numKernels) DROPOUT_RUNTIME_NOEXCEPT;

/// Adds \p count to the offset of \p state, device memory (aligned to 8) of
/// {seed, offset} (two 64-bit numbers: `rng(%state)`), by a kernel in this
/// thread's stream. Captured into a graph behind the kernels that read the
/// state, it gives every replay masks of its own.
DROPOUT_RUNTIME_API int32_t dropoutCudaAdvanceState(void *state, uint64_t count)
    DROPOUT_RUNTIME_NOEXCEPT;

#ifdef __cplusplus
} // extern "C"
#endif

#endif // DROPOUT_RUNTIME_CUDA_H
