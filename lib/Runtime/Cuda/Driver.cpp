//===- Driver.cpp - Opening the CUDA driver ---------------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Driver.h"
#include "../Error.h"

#include <atomic>
#include <cstdio>
#include <cstring>
#include <new>

#if defined(__linux__)
#include <dlfcn.h>
#include <unistd.h>
#endif

using namespace dropout::runtime;
using namespace dropout::runtime::cuda;

static std::atomic<const Driver *> published{nullptr};

static long currentProcess() noexcept {
#if defined(__linux__)
  return getpid();
#else
  return 0;
#endif
}

void cuda::copyFirstLine(char *line, size_t size, const char *text) noexcept {
  text += std::strspn(text, " \t\r\n");
  size_t length = 0;
  for (; length + 1 < size && text[length] && text[length] != '\n'; ++length) {
    auto byte = static_cast<unsigned char>(text[length]);
    line[length] = byte < 0x20 || byte >= 0x7f ? ' ' : text[length];
  }
  while (length && (line[length - 1] == ' ' || line[length - 1] == '.'))
    --length;
  line[length] = '\0';
}

/// "NAME: text" of a result, as the driver calls it.
static void describe(const Driver &driver, CUresult result, char *text,
                     size_t size) noexcept {
  const char *name = nullptr;
  const char *description = nullptr;
  if (driver.cuGetErrorName(result, &name) != CUDA_SUCCESS || !name ||
      driver.cuGetErrorString(result, &description) != CUDA_SUCCESS ||
      !description) {
    std::snprintf(text, size, "unknown CUDA error %d", int(result));
    return;
  }
  char line[256];
  copyFirstLine(line, sizeof(line), description);
  std::snprintf(text, size, "%s: %s", name, line);
}

#if defined(__linux__)
/// Fills the table. What is wrong goes to `problem`.
static void open(Driver &driver) noexcept {
  // Closed never: what it gave out is used until the process ends.
  void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *reason = dlerror();
    char line[512];
    copyFirstLine(line, sizeof(line), reason ? reason : "unknown reason");
    std::snprintf(
        driver.problem, sizeof(driver.problem),
        "expected the CUDA driver, but libcuda.so.1 cannot be opened: %s",
        line);
    return;
  }
  struct {
    const char *symbol;
    void *address;
    size_t size;
  } const slots[] = {
#define DROPOUT_CUDA_SLOT(name, symbol, parameters)                            \
  {symbol, &driver.name, sizeof(driver.name)},
      DROPOUT_CUDA_ENTRY_POINTS(DROPOUT_CUDA_SLOT)
#undef DROPOUT_CUDA_SLOT
  };
  for (const auto &slot : slots) {
    void *function = dlsym(library, slot.symbol);
    if (!function) {
      std::snprintf(driver.problem, sizeof(driver.problem),
                    "expected a CUDA driver of CUDA 11.2 or later, but "
                    "libcuda.so.1 has no %s",
                    slot.symbol);
      return;
    }
    static_assert(sizeof(driver.cuInit) == sizeof(function), "POSIX");
    std::memcpy(slot.address, &function, slot.size);
  }
  CUresult result = driver.cuInit(0);
  if (result == CUDA_SUCCESS)
    return;
  driver.hasNoDevice = result == CUDA_ERROR_NO_DEVICE;
  char text[320];
  describe(driver, result, text, sizeof(text));
  std::snprintf(driver.problem, sizeof(driver.problem), "cuInit failed: %s",
                text);
}
#else
static void open(Driver &driver) noexcept {
  std::snprintf(driver.problem, sizeof(driver.problem),
                "expected Linux for the CUDA driver, but got another system");
}
#endif

// Several threads may open it at the same time, and one of them publishes. To
// open it twice is harmless, and there is no lock that a child could inherit.
const Driver *cuda::findDriver() noexcept {
  const Driver *driver = published.load(std::memory_order_acquire);
  if (driver)
    return driver;
  auto *opened = new (std::nothrow) Driver();
  if (!opened)
    return nullptr;
  opened->process = currentProcess();
  open(*opened);
  if (published.compare_exchange_strong(driver, opened,
                                        std::memory_order_acq_rel))
    return opened;
  delete opened;
  return driver;
}

int32_t cuda::openDriver(const Driver *&driver) noexcept {
  driver = findDriver();
  if (!driver)
    return recordError(DROPOUT_OUT_OF_MEMORY, "out of memory");
  if (!driver->problem[0])
    return DROPOUT_OK;
  if (driver->hasNoDevice)
    return recordNoDevice();
  return recordError(DROPOUT_GPU_UNAVAILABLE, "%s", driver->problem);
}

int32_t cuda::recordNoDevice() noexcept {
  return recordError(DROPOUT_GPU_UNAVAILABLE,
                     "expected a CUDA device, but the driver finds none");
}

int32_t Driver::fail(const char *entryPoint, CUresult result,
                     const char *detail) const noexcept {
  if (result == CUDA_ERROR_NO_DEVICE)
    return recordNoDevice();
  char text[320];
  describe(*this, result, text, sizeof(text));
  if (!detail)
    return recordError(DROPOUT_GPU_ERROR, "%s failed: %s", entryPoint, text);
  return recordError(DROPOUT_GPU_ERROR, "%s failed: %s (%s)", entryPoint, text,
                     detail);
}

int32_t Driver::checkProcess() const noexcept {
  if (process == currentProcess())
    return DROPOUT_OK;
  return recordError(DROPOUT_GPU_ERROR,
                     "expected the process that opened the CUDA driver, but "
                     "got a child that was forked off it");
}
