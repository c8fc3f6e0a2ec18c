//===- Launch.cpp - Loading and launching kernels ---------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Error.h"
#include "Context.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>
#include <string_view>

using namespace dropout::runtime;
using namespace dropout::runtime::cuda;

namespace {

/// A module in one context. A list: DropoutCudaModule::loaded is its head.
struct LoadedModule {
  CUcontext context;
  CUmodule module;
  LoadedModule *next;
};

/// A kernel in one context. A list: DropoutCudaKernel::loaded is its head.
/// Grows at the front, under the lock; launches read it without.
struct LoadedKernel {
  CUcontext context;
  CUfunction function;
  LoadedKernel *next;
};

} // namespace

/// Held while a list changes, and over the driver's compilation of PTX: it
/// happens once, however many threads launch for the first time.
static std::mutex loadMutex;

// The heads are plain pointers of a C struct, so no std::atomic.
static LoadedKernel *firstLoaded(DropoutCudaKernel &kernel) noexcept {
#if defined(__GNUC__)
  return static_cast<LoadedKernel *>(
      __atomic_load_n(&kernel.loaded, __ATOMIC_ACQUIRE));
#else
  void *head = *const_cast<void *volatile *>(&kernel.loaded);
  std::atomic_thread_fence(std::memory_order_acquire);
  return static_cast<LoadedKernel *>(head);
#endif
}

static void publish(DropoutCudaKernel &kernel, LoadedKernel *head) noexcept {
#if defined(__GNUC__)
  __atomic_store_n(&kernel.loaded, static_cast<void *>(head), __ATOMIC_RELEASE);
#else
  std::atomic_thread_fence(std::memory_order_release);
  *const_cast<void *volatile *>(&kernel.loaded) = head;
#endif
}

static CUfunction findFunction(DropoutCudaKernel &kernel,
                               CUcontext context) noexcept {
  for (LoadedKernel *entry = firstLoaded(kernel); entry; entry = entry->next)
    if (entry->context == context)
      return entry->function;
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Loading
//===----------------------------------------------------------------------===//

/// "sm_90a" out of PTX's `.target sm_90a, ...`; empty when there is none.
static std::string_view findPtxTarget(const DropoutCudaModule &module) {
  std::string_view text(static_cast<const char *>(module.image),
                        module.imageSize);
  text = text.substr(0, text.find('\0'));
  size_t begin = text.find(".target");
  if (begin == text.npos)
    return {};
  begin = text.find_first_not_of(" \t", begin + std::strlen(".target"));
  if (begin == text.npos)
    return {};
  text.remove_prefix(begin);
  return text.substr(0, std::min<size_t>(text.find_first_of(" \t\r\n,;/"), 32));
}

static bool isPtx(const DropoutCudaModule &module) {
  std::string_view image(static_cast<const char *>(module.image),
                         module.imageSize);
  // A cubin, or a fat binary's magic number, little endian.
  return image.substr(0, 4) != "\x7f"
                               "ELF" &&
         image.substr(0, 4) != "\x50\xed\x55\xba";
}

/// Whether PTX for `target` ("sm_90", "sm_90a", "sm_100f") is compiled for a
/// device of that capability.
static bool runsOn(std::string_view target, int major, int minor) {
  std::string_view digits = target.substr(std::min<size_t>(3, target.size()));
  int number = 0;
  size_t numDigits = 0;
  while (numDigits < std::min<size_t>(digits.size(), 4) &&
         digits[numDigits] >= '0' && digits[numDigits] <= '9')
    number = number * 10 + (digits[numDigits++] - '0');
  std::string_view suffix = digits.substr(numDigits);
  int device = major * 10 + minor;
  if (suffix == "a")
    return number == device;
  if (suffix == "f")
    return number <= device && number / 10 == major;
  return number <= device;
}

/// Records why the image was not loaded.
static int32_t failToLoad(const Driver &driver, const DropoutCudaModule &module,
                          CUresult result, const char *log) {
  DeviceDescription device;
  std::string_view target;
  bool isOther = result == CUDA_ERROR_NO_BINARY_FOR_GPU;
  if (isPtx(module)) {
    target = findPtxTarget(module);
    isOther |= !target.empty();
  }
  // The driver's results for PTX of another architecture differ between its
  // versions; the image tells.
  if (isOther && describeDevice(driver, device) == DROPOUT_OK) {
    if (target.empty())
      return recordError(DROPOUT_GPU_ERROR,
                         "expected kernels that run on sm_%d%d (%s), but got "
                         "binaries for other GPUs only",
                         device.major, device.minor, device.name);
    if (!runsOn(target, device.major, device.minor))
      return recordError(DROPOUT_GPU_ERROR,
                         "expected kernels that run on sm_%d%d (%s), but got "
                         "PTX for %.*s",
                         device.major, device.minor, device.name,
                         int(target.size()), target.data());
  }
  char line[400];
  copyFirstLine(line, sizeof(line), log);
  return driver.fail("cuModuleLoadDataEx", result, line[0] ? line : nullptr);
}

/// The module in the current context. The lock is held.
static int32_t loadModule(const Driver &driver, DropoutCudaModule &module,
                          CUcontext context, CUmodule &loaded) {
  auto *head = static_cast<LoadedModule *>(module.loaded);
  for (LoadedModule *entry = head; entry; entry = entry->next) {
    if (entry->context == context) {
      loaded = entry->module;
      return DROPOUT_OK;
    }
  }
  auto entry = std::make_unique<LoadedModule>();
  char log[1024] = "";
  CUjit_option options[] = {CU_JIT_ERROR_LOG_BUFFER,
                            CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  void *values[] = {log, reinterpret_cast<void *>(uintptr_t(sizeof(log) - 1))};
  // A first launch may be captured into a graph. What loading allocates is no
  // part of it.
  CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_RELAXED;
  if (int32_t status =
          driver.check("cuThreadExchangeStreamCaptureMode",
                       driver.cuThreadExchangeStreamCaptureMode(&mode)))
    return status;
  CUresult result =
      driver.cuModuleLoadDataEx(&loaded, module.image, 2, options, values);
  (void)driver.cuThreadExchangeStreamCaptureMode(&mode);
  if (result != CUDA_SUCCESS)
    return failToLoad(driver, module, result, log);
  entry->context = context;
  entry->module = loaded;
  entry->next = head;
  module.loaded = entry.release();
  return DROPOUT_OK;
}

/// Loads the kernel into the current context, unless another thread just did.
static int32_t loadKernel(const Driver &driver, DropoutCudaKernel &kernel,
                          CUcontext context, CUfunction &function) {
  if (!kernel.module || !kernel.module->image || !kernel.name)
    return recordError(DROPOUT_INVALID_ARGUMENT,
                       "expected a kernel with a module, an image and a name, "
                       "but got NULL");
  if (int32_t status = driver.checkProcess())
    return status;
  std::lock_guard<std::mutex> lock(loadMutex);
  if ((function = findFunction(kernel, context)))
    return DROPOUT_OK;
  CUmodule module = nullptr;
  if (int32_t status = loadModule(driver, *kernel.module, context, module))
    return status;
  auto entry = std::make_unique<LoadedKernel>();
  CUresult result = driver.cuModuleGetFunction(&function, module, kernel.name);
  if (result != CUDA_SUCCESS) {
    char detail[256];
    std::snprintf(detail, sizeof(detail), "kernel '%s'", kernel.name);
    return driver.fail("cuModuleGetFunction", result, detail);
  }
  entry->context = context;
  entry->function = function;
  entry->next = firstLoaded(kernel);
  publish(kernel, entry.release());
  return DROPOUT_OK;
}

//===----------------------------------------------------------------------===//
// Launching
//===----------------------------------------------------------------------===//

static int32_t checkGrid(int64_t x, int64_t y, int64_t z) noexcept {
  if (x >= 0 && x <= 2147483647 && y >= 0 && y <= 65535 && z >= 0 && z <= 65535)
    return DROPOUT_OK;
  return recordError(DROPOUT_INVALID_ARGUMENT,
                     "expected a grid of 0x0x0 to 2147483647x65535x65535 "
                     "blocks, but got %lldx%lldx%lld",
                     static_cast<long long>(x), static_cast<long long>(y),
                     static_cast<long long>(z));
}

static int32_t checkBlock(int64_t x, int64_t y, int64_t z) noexcept {
  if (x >= 1 && x <= 1024 && y >= 1 && y <= 1024 && z >= 1 && z <= 64 &&
      x * y * z <= 1024)
    return DROPOUT_OK;
  return recordError(DROPOUT_INVALID_ARGUMENT,
                     "expected blocks of 1 to 1024 threads, at most "
                     "1024x1024x64, but got %lldx%lldx%lld",
                     static_cast<long long>(x), static_cast<long long>(y),
                     static_cast<long long>(z));
}

int32_t dropoutCudaLaunch(DropoutCudaKernel *kernel, int64_t gridX,
                          int64_t gridY, int64_t gridZ, int64_t blockX,
                          int64_t blockY, int64_t blockZ,
                          void **arguments) noexcept {
  if (int32_t status = dropoutLastStatus())
    return status;
  if (!kernel)
    return recordError(DROPOUT_INVALID_ARGUMENT,
                       "expected kernel, but got NULL");
  if (int32_t status = checkGrid(gridX, gridY, gridZ))
    return status;
  if (int32_t status = checkBlock(blockX, blockY, blockZ))
    return status;
  const Driver *driver;
  if (int32_t status = openDriver(driver))
    return status;
  if (gridX == 0 || gridY == 0 || gridZ == 0)
    return DROPOUT_OK;
  CUcontext context = nullptr;
  if (int32_t status = enterContext(*driver, context))
    return status;
  CUfunction function = findFunction(*kernel, context);
  if (!function)
    if (int32_t status = guarded(
            [&] { return loadKernel(*driver, *kernel, context, function); }))
      return status;
  return driver->check(
      "cuLaunchKernel",
      driver->cuLaunchKernel(function, unsigned(gridX), unsigned(gridY),
                             unsigned(gridZ), unsigned(blockX),
                             unsigned(blockY), unsigned(blockZ),
                             /*sharedMemBytes=*/0, threadChoice.stream,
                             arguments, /*extra=*/nullptr));
}

//===----------------------------------------------------------------------===//
// Unloading
//===----------------------------------------------------------------------===//

/// Unloads from a context, if that still exists.
static int32_t unloadFrom(const Driver &driver, const LoadedModule &entry) {
  auto isGone = [](CUresult result) {
    return result == CUDA_ERROR_INVALID_CONTEXT ||
           result == CUDA_ERROR_CONTEXT_IS_DESTROYED ||
           result == CUDA_ERROR_INVALID_VALUE ||
           result == CUDA_ERROR_INVALID_HANDLE ||
           result == CUDA_ERROR_DEINITIALIZED;
  };
  CUresult result = driver.cuCtxPushCurrent(entry.context);
  if (isGone(result))
    return DROPOUT_OK;
  if (int32_t status = driver.check("cuCtxPushCurrent", result))
    return status;
  result = driver.cuModuleUnload(entry.module);
  CUcontext popped;
  int32_t status =
      isGone(result) ? DROPOUT_OK : driver.check("cuModuleUnload", result);
  int32_t restored =
      driver.check("cuCtxPopCurrent", driver.cuCtxPopCurrent(&popped));
  return status ? status : restored;
}

static int32_t unload(DropoutCudaModule &module, DropoutCudaKernel *kernels,
                      int64_t numKernels) {
  const Driver *driver;
  if (int32_t status = openDriver(driver))
    return status;
  if (int32_t status = driver->checkProcess())
    return status;
  std::lock_guard<std::mutex> lock(loadMutex);
  for (int64_t i = 0; i < numKernels; ++i) {
    LoadedKernel *entry = firstLoaded(kernels[i]);
    publish(kernels[i], nullptr);
    while (entry) {
      LoadedKernel *next = entry->next;
      delete entry;
      entry = next;
    }
  }
  int32_t result = DROPOUT_OK;
  auto *entry = static_cast<LoadedModule *>(module.loaded);
  module.loaded = nullptr;
  while (entry) {
    int32_t status = unloadFrom(*driver, *entry);
    if (result == DROPOUT_OK)
      result = status;
    LoadedModule *next = entry->next;
    delete entry;
    entry = next;
  }
  return result;
}

int32_t dropoutCudaUnload(DropoutCudaModule *module, DropoutCudaKernel *kernels,
                          int64_t numKernels) noexcept {
  if (!module || numKernels < 0 || (!kernels && numKernels))
    return recordError(DROPOUT_INVALID_ARGUMENT,
                       "expected module and kernels, but got NULL or a "
                       "negative number");
  // Compiled code that never ran is unloaded without a driver, too.
  bool isLoaded = module->loaded;
  for (int64_t i = 0; i < numKernels; ++i)
    isLoaded |= kernels[i].loaded != nullptr;
  if (!isLoaded)
    return DROPOUT_OK;
  return guarded([&] { return unload(*module, kernels, numKernels); });
}
