//===- Context.cpp - Devices, contexts and streams --------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Context.h"
#include "../Error.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>

using namespace dropout::runtime;
using namespace dropout::runtime::cuda;

thread_local ThreadChoice cuda::threadChoice;

namespace {
/// The primary context of a device, retained until the process ends.
struct PrimaryContext {
  int32_t device;
  CUcontext context;
  const PrimaryContext *next;
};
} // namespace

/// Grows at the front, under the lock; read without it.
static std::atomic<const PrimaryContext *> primaryContexts{nullptr};
static std::mutex primaryContextsMutex;

static CUcontext findPrimaryContext(int32_t device) noexcept {
  for (const PrimaryContext *entry =
           primaryContexts.load(std::memory_order_acquire);
       entry; entry = entry->next)
    if (entry->device == device)
      return entry->context;
  return nullptr;
}

static int32_t retainPrimaryContext(const Driver &driver, int32_t device,
                                    CUcontext &context) {
  if (int32_t status = driver.checkProcess())
    return status;
  std::lock_guard<std::mutex> lock(primaryContextsMutex);
  if ((context = findPrimaryContext(device)))
    return DROPOUT_OK;
  int count = 0;
  if (int32_t status =
          driver.check("cuDeviceGetCount", driver.cuDeviceGetCount(&count)))
    return status;
  if (count == 0)
    return recordNoDevice();
  if (device < 0 || device >= count)
    return recordError(DROPOUT_INVALID_ARGUMENT,
                       "expected a device of 0 to %d, but got %d", count - 1,
                       int(device));
  CUdevice handle = 0;
  if (int32_t status =
          driver.check("cuDeviceGet", driver.cuDeviceGet(&handle, device)))
    return status;
  auto *entry = new PrimaryContext{device, nullptr, primaryContexts.load()};
  if (int32_t status =
          driver.check("cuDevicePrimaryCtxRetain",
                       driver.cuDevicePrimaryCtxRetain(&context, handle))) {
    delete entry;
    context = nullptr;
    return status;
  }
  entry->context = context;
  primaryContexts.store(entry, std::memory_order_release);
  return DROPOUT_OK;
}

static int32_t enterDevice(const Driver &driver, int32_t device,
                           CUcontext &context) noexcept {
  context = findPrimaryContext(device);
  if (!context)
    if (int32_t status = guarded(
            [&] { return retainPrimaryContext(driver, device, context); }))
      return status;
  return driver.check("cuCtxSetCurrent", driver.cuCtxSetCurrent(context));
}

int32_t cuda::enterPrimaryContext(const Driver &driver,
                                  CUcontext &context) noexcept {
  return enterDevice(driver, threadChoice.device, context);
}

int32_t cuda::openDriverInContext(const Driver *&driver) noexcept {
  if (int32_t status = openDriver(driver))
    return status;
  CUcontext context = nullptr;
  return enterContext(*driver, context);
}

static int32_t getCapability(const Driver &driver, int &major,
                             int &minor) noexcept {
  CUdevice device = 0;
  if (int32_t status =
          driver.check("cuCtxGetDevice", driver.cuCtxGetDevice(&device)))
    return status;
  if (int32_t status = driver.check(
          "cuDeviceGetAttribute",
          driver.cuDeviceGetAttribute(
              &major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device)))
    return status;
  return driver.check(
      "cuDeviceGetAttribute",
      driver.cuDeviceGetAttribute(
          &minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, device));
}

static int32_t getName(const Driver &driver, char *name, int size) noexcept {
  CUdevice device = 0;
  if (int32_t status =
          driver.check("cuCtxGetDevice", driver.cuCtxGetDevice(&device)))
    return status;
  return driver.check("cuDeviceGetName",
                      driver.cuDeviceGetName(name, size, device));
}

int32_t cuda::describeDevice(const Driver &driver,
                             DeviceDescription &description) noexcept {
  if (int32_t status =
          getCapability(driver, description.major, description.minor))
    return status;
  return getName(driver, description.name, sizeof(description.name));
}

//===----------------------------------------------------------------------===//
// The C functions
//===----------------------------------------------------------------------===//

int32_t dropoutCudaDeviceCount(int32_t *count) noexcept {
  if (!count)
    return recordError(DROPOUT_INVALID_ARGUMENT,
                       "expected count, but got NULL");
  *count = 0;
  const Driver *found = findDriver();
  if (found && found->hasNoDevice)
    return DROPOUT_OK;
  const Driver *driver;
  if (int32_t status = openDriver(driver))
    return status;
  int number = 0;
  CUresult result = driver->cuDeviceGetCount(&number);
  if (result == CUDA_ERROR_NO_DEVICE)
    return DROPOUT_OK;
  if (int32_t status = driver->check("cuDeviceGetCount", result))
    return status;
  *count = number;
  return DROPOUT_OK;
}

int32_t dropoutCudaSetDevice(int32_t device) noexcept {
  const Driver *driver;
  if (int32_t status = openDriver(driver))
    return status;
  CUcontext context = nullptr;
  if (int32_t status = enterDevice(*driver, device, context))
    return status;
  threadChoice.device = device;
  return DROPOUT_OK;
}

int32_t dropoutCudaGetComputeCapability(int32_t *major,
                                        int32_t *minor) noexcept {
  if (major)
    *major = 0;
  if (minor)
    *minor = 0;
  if (!major || !minor)
    return recordError(DROPOUT_INVALID_ARGUMENT,
                       "expected major and minor, but got NULL");
  const Driver *driver;
  if (int32_t status = openDriverInContext(driver))
    return status;
  int numbers[2] = {0, 0};
  if (int32_t status = getCapability(*driver, numbers[0], numbers[1]))
    return status;
  *major = numbers[0];
  *minor = numbers[1];
  return DROPOUT_OK;
}

int32_t dropoutCudaGetDeviceName(char *name, size_t size) noexcept {
  if (!name || size == 0)
    return recordError(DROPOUT_INVALID_ARGUMENT,
                       "expected name and a size of at least 1, but got %s",
                       name ? "size 0" : "NULL");
  name[0] = '\0';
  const Driver *driver;
  if (int32_t status = openDriverInContext(driver))
    return status;
  char text[256] = "";
  if (int32_t status = getName(*driver, text, sizeof(text)))
    return status;
  size_t length = std::min(std::strlen(text), size - 1);
  std::memcpy(name, text, length);
  name[length] = '\0';
  return DROPOUT_OK;
}

void dropoutCudaSetStream(void *stream) noexcept {
  threadChoice.stream = static_cast<CUstream>(stream);
}

void *dropoutCudaGetStream(void) noexcept { return threadChoice.stream; }

int32_t dropoutCudaCreateStream(void **stream) noexcept {
  if (!stream)
    return recordError(DROPOUT_INVALID_ARGUMENT,
                       "expected stream, but got NULL");
  *stream = nullptr;
  const Driver *driver;
  if (int32_t status = openDriverInContext(driver))
    return status;
  CUstream created = nullptr;
  if (int32_t status = driver->check(
          "cuStreamCreate",
          driver->cuStreamCreate(&created, CU_STREAM_NON_BLOCKING)))
    return status;
  *stream = created;
  return DROPOUT_OK;
}

int32_t dropoutCudaDestroyStream(void *stream) noexcept {
  if (!stream)
    return DROPOUT_OK;
  const Driver *driver;
  if (int32_t status = openDriverInContext(driver))
    return status;
  return driver->check("cuStreamDestroy",
                       driver->cuStreamDestroy(static_cast<CUstream>(stream)));
}

int32_t dropoutCudaSynchronize(void) noexcept {
  const Driver *driver;
  if (int32_t status = openDriverInContext(driver))
    return status;
  return driver->check("cuStreamSynchronize",
                       driver->cuStreamSynchronize(threadChoice.stream));
}
