//===- Driver.cpp - Devices, contexts and errors ----------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FakeDriver.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <unistd.h>

using namespace fake;

/// The thread's stack of contexts.
static thread_local std::vector<Context *> contextStack;

//===----------------------------------------------------------------------===//
// State
//===----------------------------------------------------------------------===//

[[noreturn]] static void refuseEnvironment(const char *name, const char *why) {
  std::fprintf(stderr, "fake CUDA driver: %s: %s\n", name, why);
  std::abort();
}

static std::string variable(const char *name, const char *standard) {
  const char *value = std::getenv(name);
  return value ? value : standard;
}

static std::vector<std::string> split(const std::string &text, char separator) {
  std::vector<std::string> parts;
  size_t begin = 0;
  while (begin < text.size()) {
    size_t end = std::min(text.find(separator, begin), text.size());
    if (end != begin)
      parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

State::State() {
  numDevices = std::atoi(variable("DROPOUT_FAKE_CUDA_DEVICES", "1").c_str());
  if (std::sscanf(variable("DROPOUT_FAKE_CUDA_CAPABILITY", "9.0").c_str(),
                  "%d.%d", &major, &minor) != 2)
    refuseEnvironment("DROPOUT_FAKE_CUDA_CAPABILITY", "expected \"9.0\"");
  hasPools = variable("DROPOUT_FAKE_CUDA_POOLS", "1") != "0";
  delay = std::atoi(variable("DROPOUT_FAKE_CUDA_DELAY", "0").c_str());
  for (const std::string &path :
       split(variable("DROPOUT_FAKE_CUDA_KERNELS", ""), ':')) {
    void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library)
      refuseEnvironment("DROPOUT_FAKE_CUDA_KERNELS", dlerror());
    kernelLibraries.push_back(library);
  }
  for (const std::string &entry :
       split(variable("DROPOUT_FAKE_CUDA_FAIL", ""), ',')) {
    char name[64];
    int result = 0;
    long firstCall = 1;
    if (std::sscanf(entry.c_str(), "%63[^=]=%d@%ld", name, &result,
                    &firstCall) < 2)
      refuseEnvironment("DROPOUT_FAKE_CUDA_FAIL", "expected name=result@call");
    failures[name] = {Result(result), firstCall, 0};
  }
  std::string path = variable("DROPOUT_FAKE_CUDA_LOG", "");
  if (!path.empty() && !(log = std::fopen(path.c_str(), "a")))
    refuseEnvironment("DROPOUT_FAKE_CUDA_LOG", "cannot be opened");
}

State &fake::state() {
  static State *state = new State();
  return *state;
}

Result fake::enter(const char *name, const char *format, ...) {
  State &driver = state();
  if (driver.log) {
    std::fputs(name, driver.log);
    va_list arguments;
    va_start(arguments, format);
    if (*format) {
      std::fputc(' ', driver.log);
      std::vfprintf(driver.log, format, arguments);
    }
    va_end(arguments);
    std::fputc('\n', driver.log);
    std::fflush(driver.log);
  }
  if (!driver.failures.empty()) {
    auto it = driver.failures.find(name);
    if (it != driver.failures.end() &&
        ++it->second.calls >= it->second.firstCall)
      return it->second.result;
  }
  bool isReady = driver.process != 0 || std::strcmp(name, "cuInit") == 0;
  return isReady ? Success : NotInitialized;
}

bool fake::isForkedChild() {
  long process = state().process;
  return process != 0 && process != getpid();
}

Result fake::currentContext(Context *&context) {
  if (contextStack.empty())
    return InvalidContext;
  context = contextStack.back();
  return context->isDestroyed ? ContextIsDestroyed : Success;
}

//===----------------------------------------------------------------------===//
// Errors and versions
//===----------------------------------------------------------------------===//

namespace {
struct ErrorText {
  int result;
  const char *name;
  const char *text;
};
} // namespace

static const ErrorText errorTexts[] = {
    {0, "CUDA_SUCCESS", "no error"},
    {1, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {2, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {3, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {4, "CUDA_ERROR_DEINITIALIZED", "driver shutting down"},
    {100, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {101, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {201, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {209, "CUDA_ERROR_NO_BINARY_FOR_GPU",
     "no kernel image is available for execution on the device"},
    {218, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
    {222, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
     "the provided PTX was compiled with an unsupported toolchain."},
    {400, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {401, "CUDA_ERROR_ILLEGAL_STATE",
     "the operation cannot be performed in the present state"},
    {500, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {600, "CUDA_ERROR_NOT_READY", "device not ready"},
    {700, "CUDA_ERROR_ILLEGAL_ADDRESS",
     "an illegal memory access was encountered"},
    {709, "CUDA_ERROR_CONTEXT_IS_DESTROYED", "context is destroyed"},
    {719, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {801, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
    {803, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH",
     "system has unsupported display driver / cuda driver combination"},
    {900, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED",
     "operation not permitted when stream is capturing"},
    {901, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED",
     "operation failed due to a previous error during capture"},
};

static const ErrorText *findErrorText(int result) {
  for (const ErrorText &entry : errorTexts)
    if (entry.result == result)
      return &entry;
  return nullptr;
}

FAKE_EXPORT Result cuGetErrorName(Result result, const char **name) {
  const ErrorText *entry = findErrorText(result);
  *name = entry ? entry->name : nullptr;
  return entry ? Success : InvalidValue;
}

FAKE_EXPORT Result cuGetErrorString(Result result, const char **text) {
  const ErrorText *entry = findErrorText(result);
  *text = entry ? entry->text : nullptr;
  return entry ? Success : InvalidValue;
}

FAKE_EXPORT Result cuDriverGetVersion(int *version) {
  *version = 12080;
  return Success;
}

//===----------------------------------------------------------------------===//
// Devices
//===----------------------------------------------------------------------===//

FAKE_EXPORT Result cuInit(unsigned flags) {
  FAKE_ENTER("cuInit", "%u", flags);
  State &driver = state();
  if (flags != 0)
    return InvalidValue;
  if (driver.numDevices == 0)
    return NoDevice;
  driver.process = getpid();
  return Success;
}

static bool isDevice(int device) {
  return device >= 0 && device < state().numDevices;
}

FAKE_EXPORT Result cuDeviceGetCount(int *count) {
  FAKE_ENTER("cuDeviceGetCount", "%s", "");
  *count = state().numDevices;
  return Success;
}

FAKE_EXPORT Result cuDeviceGet(int *device, int ordinal) {
  FAKE_ENTER("cuDeviceGet", "%d", ordinal);
  if (!isDevice(ordinal))
    return InvalidDevice;
  *device = ordinal;
  return Success;
}

FAKE_EXPORT Result cuDeviceGetName(char *name, int size, int device) {
  FAKE_ENTER("cuDeviceGetName", "%d", device);
  if (!isDevice(device))
    return InvalidDevice;
  std::snprintf(name, size_t(size), "Fake GPU %d", device);
  return Success;
}

FAKE_EXPORT Result cuDeviceTotalMem_v2(size_t *bytes, int device) {
  FAKE_ENTER("cuDeviceTotalMem", "%d", device);
  if (!isDevice(device))
    return InvalidDevice;
  *bytes = size_t(16) << 30;
  return Success;
}

FAKE_EXPORT Result cuDeviceGetAttribute(int *value, int attribute, int device) {
  FAKE_ENTER("cuDeviceGetAttribute", "%d of %d", attribute, device);
  if (!isDevice(device))
    return InvalidDevice;
  const State &driver = state();
  switch (attribute) {
  case 1: // MAX_THREADS_PER_BLOCK
    *value = 1024;
    return Success;
  case 10: // WARP_SIZE
    *value = 32;
    return Success;
  case 13: // CLOCK_RATE, kHz
    *value = 1000000;
    return Success;
  case 16: // MULTIPROCESSOR_COUNT
    *value = 2;
    return Success;
  case 36: // MEMORY_CLOCK_RATE, kHz
    *value = 1000000;
    return Success;
  case 37: // GLOBAL_MEMORY_BUS_WIDTH, bits
    *value = 64;
    return Success;
  case 38: // L2_CACHE_SIZE, bytes
    *value = 1 << 20;
    return Success;
  case 39: // MAX_THREADS_PER_MULTIPROCESSOR
    *value = 2048;
    return Success;
  case 41: // UNIFIED_ADDRESSING
    *value = 1;
    return Success;
  case 75: // COMPUTE_CAPABILITY_MAJOR
    *value = driver.major;
    return Success;
  case 76: // COMPUTE_CAPABILITY_MINOR
    *value = driver.minor;
    return Success;
  case 88: // PAGEABLE_MEMORY_ACCESS
    *value = 0;
    return Success;
  case 115: // MEMORY_POOLS_SUPPORTED
    *value = driver.hasPools;
    return Success;
  }
  return InvalidValue;
}

//===----------------------------------------------------------------------===//
// Contexts
//===----------------------------------------------------------------------===//

static Result checkContext(Context *context) {
  if (!state().contexts.count(context))
    return InvalidContext;
  return context->isDestroyed ? ContextIsDestroyed : Success;
}

static Context *createContext(int device) {
  auto *context = new Context{device};
  state().contexts.insert(context);
  return context;
}

FAKE_EXPORT Result cuDevicePrimaryCtxRetain(Context **context, int device) {
  usleep(useconds_t(state().delay) * 1000);
  FAKE_ENTER("cuDevicePrimaryCtxRetain", "%d", device);
  if (!isDevice(device))
    return InvalidDevice;
  Context *&primary = state().primaryContexts[device];
  if (!primary)
    primary = createContext(device);
  *context = primary;
  return Success;
}

FAKE_EXPORT Result cuDevicePrimaryCtxRelease_v2(int device) {
  FAKE_ENTER("cuDevicePrimaryCtxRelease", "%d", device);
  return isDevice(device) ? Success : InvalidDevice;
}

FAKE_EXPORT Result cuCtxCreate_v2(Context **context, unsigned flags,
                                  int device) {
  FAKE_ENTER("cuCtxCreate", "%u on %d", flags, device);
  if (!isDevice(device))
    return InvalidDevice;
  *context = createContext(device);
  contextStack.push_back(*context);
  return Success;
}

FAKE_EXPORT Result cuCtxDestroy_v2(Context *context) {
  FAKE_ENTER("cuCtxDestroy", "%p", static_cast<void *>(context));
  if (Result result = checkContext(context))
    return result;
  context->isDestroyed = true;
  for (Module *module : state().modules)
    module->isUnloaded |= module->context == context;
  if (!contextStack.empty() && contextStack.back() == context)
    contextStack.pop_back();
  return Success;
}

FAKE_EXPORT Result cuCtxGetCurrent(Context **context) {
  FAKE_ENTER("cuCtxGetCurrent", "%s", "");
  *context = contextStack.empty() ? nullptr : contextStack.back();
  return Success;
}

FAKE_EXPORT Result cuCtxSetCurrent(Context *context) {
  FAKE_ENTER("cuCtxSetCurrent", "%p", static_cast<void *>(context));
  if (context)
    if (Result result = checkContext(context))
      return result;
  if (!contextStack.empty())
    contextStack.pop_back();
  if (context)
    contextStack.push_back(context);
  return Success;
}

FAKE_EXPORT Result cuCtxPushCurrent_v2(Context *context) {
  FAKE_ENTER("cuCtxPushCurrent", "%p", static_cast<void *>(context));
  if (Result result = checkContext(context))
    return result;
  contextStack.push_back(context);
  return Success;
}

FAKE_EXPORT Result cuCtxPopCurrent_v2(Context **context) {
  FAKE_ENTER("cuCtxPopCurrent", "%s", "");
  if (contextStack.empty())
    return InvalidContext;
  if (context)
    *context = contextStack.back();
  contextStack.pop_back();
  return Success;
}

FAKE_EXPORT Result cuCtxGetDevice(int *device) {
  FAKE_ENTER_IN_CONTEXT("cuCtxGetDevice", "%s", "");
  *device = context->device;
  return Success;
}

FAKE_EXPORT Result cuCtxSynchronize() {
  FAKE_ENTER_IN_CONTEXT("cuCtxSynchronize", "%s", "");
  if (Result result = checkCaptureSafety())
    return result;
  checkAllocations();
  return Success;
}
