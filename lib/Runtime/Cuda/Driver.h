//===- Driver.h - The CUDA driver's entry points ----------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Declared by hand after the CUDA driver API reference, so that no CUDA header
// is needed. An entry point's ABI never changes under one symbol; that is what
// the suffix _v2 of some is for.
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_LIB_RUNTIME_CUDA_DRIVER_H
#define DROPOUT_LIB_RUNTIME_CUDA_DRIVER_H

#include "dropout/Runtime/Cuda.h"

#include <cstddef>
#include <cstdint>

namespace dropout::runtime::cuda {

using CUdevice = int;
using CUdeviceptr = unsigned long long;
using CUcontext = struct CUctx_st *;
using CUmodule = struct CUmod_st *;
using CUfunction = struct CUfunc_st *;
using CUstream = struct CUstream_st *;

/// The results that are told apart.
enum CUresult : int {
  CUDA_SUCCESS = 0,
  CUDA_ERROR_INVALID_VALUE = 1,
  CUDA_ERROR_OUT_OF_MEMORY = 2,
  CUDA_ERROR_DEINITIALIZED = 4,
  CUDA_ERROR_NO_DEVICE = 100,
  CUDA_ERROR_INVALID_CONTEXT = 201,
  CUDA_ERROR_NO_BINARY_FOR_GPU = 209,
  CUDA_ERROR_INVALID_HANDLE = 400,
  CUDA_ERROR_CONTEXT_IS_DESTROYED = 709,
};

enum CUdevice_attribute : int {
  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75,
  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76,
  CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED = 115,
};

enum CUpointer_attribute : int {
  CU_POINTER_ATTRIBUTE_MEMORY_TYPE = 2,
  CU_POINTER_ATTRIBUTE_DEVICE_POINTER = 3,
};

enum CUjit_option : int {
  CU_JIT_ERROR_LOG_BUFFER = 5,
  CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES = 6,
};

enum CUstreamCaptureMode : int { CU_STREAM_CAPTURE_MODE_RELAXED = 2 };

constexpr unsigned CU_STREAM_NON_BLOCKING = 1;

/// X(name, symbol, parameters); all return CUresult.
#define DROPOUT_CUDA_ENTRY_POINTS(X)                                           \
  X(cuGetErrorName, "cuGetErrorName", (CUresult, const char **))               \
  X(cuGetErrorString, "cuGetErrorString", (CUresult, const char **))           \
  X(cuInit, "cuInit", (unsigned))                                              \
  X(cuDeviceGet, "cuDeviceGet", (CUdevice *, int))                             \
  X(cuDeviceGetCount, "cuDeviceGetCount", (int *))                             \
  X(cuDeviceGetName, "cuDeviceGetName", (char *, int, CUdevice))               \
  X(cuDeviceGetAttribute, "cuDeviceGetAttribute",                              \
    (int *, CUdevice_attribute, CUdevice))                                     \
  X(cuDevicePrimaryCtxRetain, "cuDevicePrimaryCtxRetain",                      \
    (CUcontext *, CUdevice))                                                   \
  X(cuCtxGetCurrent, "cuCtxGetCurrent", (CUcontext *))                         \
  X(cuCtxSetCurrent, "cuCtxSetCurrent", (CUcontext))                           \
  X(cuCtxPushCurrent, "cuCtxPushCurrent_v2", (CUcontext))                      \
  X(cuCtxPopCurrent, "cuCtxPopCurrent_v2", (CUcontext *))                      \
  X(cuCtxGetDevice, "cuCtxGetDevice", (CUdevice *))                            \
  X(cuStreamCreate, "cuStreamCreate", (CUstream *, unsigned))                  \
  X(cuStreamDestroy, "cuStreamDestroy_v2", (CUstream))                         \
  X(cuStreamSynchronize, "cuStreamSynchronize", (CUstream))                    \
  X(cuThreadExchangeStreamCaptureMode, "cuThreadExchangeStreamCaptureMode",    \
    (CUstreamCaptureMode *))                                                   \
  X(cuMemAlloc, "cuMemAlloc_v2", (CUdeviceptr *, size_t))                      \
  X(cuMemFree, "cuMemFree_v2", (CUdeviceptr))                                  \
  X(cuMemAllocAsync, "cuMemAllocAsync", (CUdeviceptr *, size_t, CUstream))     \
  X(cuMemFreeAsync, "cuMemFreeAsync", (CUdeviceptr, CUstream))                 \
  X(cuMemcpyDtoDAsync, "cuMemcpyDtoDAsync_v2",                                 \
    (CUdeviceptr, CUdeviceptr, size_t, CUstream))                              \
  X(cuMemcpyHtoDAsync, "cuMemcpyHtoDAsync_v2",                                 \
    (CUdeviceptr, const void *, size_t, CUstream))                             \
  X(cuMemcpyDtoHAsync, "cuMemcpyDtoHAsync_v2",                                 \
    (void *, CUdeviceptr, size_t, CUstream))                                   \
  X(cuPointerGetAttribute, "cuPointerGetAttribute",                            \
    (void *, CUpointer_attribute, CUdeviceptr))                                \
  X(cuModuleLoadDataEx, "cuModuleLoadDataEx",                                  \
    (CUmodule *, const void *, unsigned, CUjit_option *, void **))             \
  X(cuModuleUnload, "cuModuleUnload", (CUmodule))                              \
  X(cuModuleGetFunction, "cuModuleGetFunction",                                \
    (CUfunction *, CUmodule, const char *))                                    \
  X(cuLaunchKernel, "cuLaunchKernel",                                          \
    (CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,   \
     unsigned, CUstream, void **, void **))

/// The opened driver. Never changes after it is published, and stays until the
/// process ends.
struct Driver {
#define DROPOUT_CUDA_MEMBER(name, symbol, parameters)                          \
  CUresult(*name) parameters;
  DROPOUT_CUDA_ENTRY_POINTS(DROPOUT_CUDA_MEMBER)
#undef DROPOUT_CUDA_MEMBER

  /// The process that opened it: CUDA does not live through fork(2).
  long process;
  /// cuInit found no device.
  bool hasNoDevice;
  /// Why it cannot be used, or "".
  char problem[768];

  /// Records that `entryPoint` gave `result`, which is an error, as
  /// DROPOUT_GPU_ERROR (DROPOUT_GPU_UNAVAILABLE when there is no device):
  /// "cuInit failed: NAME: text", `detail` behind it in parentheses when it is
  /// not NULL. Returns the status.
  int32_t fail(const char *entryPoint, CUresult result,
               const char *detail = nullptr) const noexcept;

  /// DROPOUT_OK for CUDA_SUCCESS, else `fail`.
  int32_t check(const char *entryPoint, CUresult result) const noexcept {
    return result == CUDA_SUCCESS ? int32_t(DROPOUT_OK)
                                  : fail(entryPoint, result);
  }

  /// Records and returns an error in a child of the process that opened the
  /// driver. To be asked before a lock is taken: the child may have a copy that
  /// nobody gives back.
  int32_t checkProcess() const noexcept;
};

/// The driver, opened by the first call, whether or not it can be used. NULL
/// when memory ran out, which is not recorded. Takes no lock.
const Driver *findDriver() noexcept;

/// The driver, ready for use. Records and returns an error otherwise. Takes no
/// lock.
int32_t openDriver(const Driver *&driver) noexcept;

/// Records that there is no device.
int32_t recordNoDevice() noexcept;

/// One line of UTF-8 without a full stop out of a text of the driver: its first
/// line that is not blank, cut to `size` bytes with the terminating NUL.
void copyFirstLine(char *line, size_t size, const char *text) noexcept;

} // namespace dropout::runtime::cuda

#endif // DROPOUT_LIB_RUNTIME_CUDA_DRIVER_H
