//===- Memory.cpp - Device memory -------------------------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Error.h"
#include "Context.h"

#include <cstdio>

using namespace dropout::runtime;
using namespace dropout::runtime::cuda;

static CUdeviceptr toDevicePointer(const void *pointer) noexcept {
  return reinterpret_cast<uintptr_t>(pointer);
}

/// Whether the current context's device has stream-ordered allocation.
static int32_t hasMemoryPools(const Driver &driver, bool &has) noexcept {
  CUdevice device = 0;
  if (int32_t status =
          driver.check("cuCtxGetDevice", driver.cuCtxGetDevice(&device)))
    return status;
  int value = 0;
  if (int32_t status = driver.check(
          "cuDeviceGetAttribute",
          driver.cuDeviceGetAttribute(
              &value, CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED, device)))
    return status;
  has = value != 0;
  return DROPOUT_OK;
}

void *dropoutCudaAllocate(int64_t bytes) noexcept {
  if (dropoutLastStatus() != DROPOUT_OK)
    return nullptr;
  if (bytes < 0) {
    recordError(DROPOUT_INVALID_ARGUMENT,
                "expected a size of 0 bytes or more, but got %lld",
                static_cast<long long>(bytes));
    return nullptr;
  }
  const Driver *driver;
  bool isAsync = false;
  if (openDriverInContext(driver) != DROPOUT_OK ||
      hasMemoryPools(*driver, isAsync) != DROPOUT_OK)
    return nullptr;
  // The driver refuses 0 bytes.
  size_t size = bytes ? bytes : 1;
  CUdeviceptr memory = 0;
  CUresult result =
      isAsync ? driver->cuMemAllocAsync(&memory, size, threadChoice.stream)
              : driver->cuMemAlloc(&memory, size);
  if (result != CUDA_SUCCESS) {
    char detail[64];
    std::snprintf(detail, sizeof(detail), "%lld bytes were asked for",
                  static_cast<long long>(bytes));
    driver->fail(isAsync ? "cuMemAllocAsync" : "cuMemAlloc", result,
                 result == CUDA_ERROR_OUT_OF_MEMORY ? detail : nullptr);
    return nullptr;
  }
  return reinterpret_cast<void *>(static_cast<uintptr_t>(memory));
}

int32_t dropoutCudaFree(void *memory) noexcept {
  if (!memory)
    return DROPOUT_OK;
  const Driver *driver;
  if (int32_t status = openDriverInContext(driver))
    return status;
  bool isAsync = false;
  if (int32_t status = hasMemoryPools(*driver, isAsync))
    return status;
  if (isAsync)
    return driver->check(
        "cuMemFreeAsync",
        driver->cuMemFreeAsync(toDevicePointer(memory), threadChoice.stream));
  // After an error of earlier work the memory is still to be freed.
  int32_t waited = driver->check(
      "cuStreamSynchronize", driver->cuStreamSynchronize(threadChoice.stream));
  int32_t status =
      driver->check("cuMemFree", driver->cuMemFree(toDevicePointer(memory)));
  return waited ? waited : status;
}

/// What all copies check first. `isDone` when nothing is left to do.
static int32_t checkCopy(const void *target, const void *source, int64_t bytes,
                         const Driver *&driver, bool &isDone) noexcept {
  isDone = true;
  if (int32_t status = dropoutLastStatus())
    return status;
  if (bytes < 0)
    return recordError(DROPOUT_INVALID_ARGUMENT,
                       "expected a size of 0 bytes or more, but got %lld",
                       static_cast<long long>(bytes));
  if (bytes != 0 && (!target || !source))
    return recordError(DROPOUT_INVALID_ARGUMENT,
                       "expected memory to copy %s, but got NULL",
                       target ? "from" : "to");
  int32_t status = openDriverInContext(driver);
  isDone = status != DROPOUT_OK || bytes == 0 || target == source;
  return status;
}

int32_t dropoutCudaCopy(void *target, const void *source,
                        int64_t bytes) noexcept {
  const Driver *driver;
  bool isDone;
  int32_t status = checkCopy(target, source, bytes, driver, isDone);
  if (isDone)
    return status;
  return driver->check("cuMemcpyDtoDAsync",
                       driver->cuMemcpyDtoDAsync(
                           toDevicePointer(target), toDevicePointer(source),
                           size_t(bytes), threadChoice.stream));
}

int32_t dropoutCudaCopyToDevice(void *device, const void *host,
                                int64_t bytes) noexcept {
  const Driver *driver;
  bool isDone;
  int32_t status = checkCopy(device, host, bytes, driver, isDone);
  if (isDone)
    return status;
  if ((status = driver->check("cuMemcpyHtoDAsync",
                              driver->cuMemcpyHtoDAsync(toDevicePointer(device),
                                                        host, size_t(bytes),
                                                        threadChoice.stream))))
    return status;
  return driver->check("cuStreamSynchronize",
                       driver->cuStreamSynchronize(threadChoice.stream));
}

int32_t dropoutCudaCopyToHost(void *host, const void *device,
                              int64_t bytes) noexcept {
  const Driver *driver;
  bool isDone;
  int32_t status = checkCopy(host, device, bytes, driver, isDone);
  if (isDone)
    return status;
  if ((status = driver->check(
           "cuMemcpyDtoHAsync",
           driver->cuMemcpyDtoHAsync(host, toDevicePointer(device),
                                     size_t(bytes), threadChoice.stream))))
    return status;
  return driver->check("cuStreamSynchronize",
                       driver->cuStreamSynchronize(threadChoice.stream));
}

int32_t dropoutCudaCheckPointer(const void *pointer, int64_t bytes,
                                int32_t argument) noexcept {
  if (bytes == 0)
    return DROPOUT_OK;
  const Driver *driver;
  if (int32_t status = openDriverInContext(driver))
    return status;
  auto refuse = [&](const char *what) {
    return recordError(DROPOUT_INVALID_ARGUMENT,
                       "expected argument #%d to be device memory, but got %s",
                       int(argument), what);
  };
  if (!pointer)
    return refuse("NULL");
  CUdeviceptr address = toDevicePointer(pointer);
  CUdeviceptr reached = 0;
  CUresult result = driver->cuPointerGetAttribute(
      &reached, CU_POINTER_ATTRIBUTE_DEVICE_POINTER, address);
  // Registered host memory may have another address in kernels.
  if (result == CUDA_SUCCESS && reached == address)
    return DROPOUT_OK;
  if (result != CUDA_SUCCESS && result != CUDA_ERROR_INVALID_VALUE)
    return driver->fail("cuPointerGetAttribute", result);
  unsigned type = 0;
  bool isKnown =
      driver->cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE,
                                    address) == CUDA_SUCCESS;
  constexpr unsigned deviceMemory = 2;
  return refuse(isKnown && type == deviceMemory
                    ? "memory that the current context cannot reach"
                    : "a host pointer");
}
