//===- Device.cpp - Memory, streams and events of a GPU
//--------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Device.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>

using namespace kit;

void kit::fatal(const char *format, ...) {
  std::fflush(stdout);
  std::fputs("dropout-gpu-check: error: ", stderr);
  va_list arguments;
  va_start(arguments, format);
  std::vfprintf(stderr, format, arguments);
  va_end(arguments);
  std::fputc('\n', stderr);
  // Without destructors: what the driver refused once it may refuse again.
  std::fflush(stderr);
  std::_Exit(1);
}

void kit::check(int32_t status, const char *what) {
  if (status != DROPOUT_OK)
    fatal("%s: %s (%s)", what, dropoutLastMessage(), dropoutStatusName(status));
}

void Driver::check(Result result, const char *call) const {
  if (result == 0)
    return;
  const char *name = nullptr;
  const char *text = nullptr;
  if (cuGetErrorName(result, &name) || !name)
    name = "unknown error";
  if (cuGetErrorString(result, &text) || !text)
    text = "no text";
  fatal("%s failed: %s (%d): %s", call, name, result, text);
}

static Driver openDriver() {
  // The runtime has opened it and says why it cannot be.
  int32_t count = 0;
  kit::check(dropoutCudaDeviceCount(&count), "CUDA");
  void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library)
    fatal("%s", dlerror());
  Driver driver{};
  auto load = [&](auto &function, const char *symbol) {
    void *address = dlsym(library, symbol);
    if (!address)
      fatal("expected a CUDA driver of CUDA 11.4 or later, but libcuda.so.1 "
            "has no %s",
            symbol);
    std::memcpy(&function, &address, sizeof(address));
  };
  load(driver.cuGetErrorName, "cuGetErrorName");
  load(driver.cuGetErrorString, "cuGetErrorString");
  load(driver.cuDriverGetVersion, "cuDriverGetVersion");
  load(driver.cuMemGetInfo, "cuMemGetInfo_v2");
  load(driver.cuMemsetD8Async, "cuMemsetD8Async");
  load(driver.cuEventCreate, "cuEventCreate");
  load(driver.cuEventDestroy, "cuEventDestroy_v2");
  load(driver.cuEventRecord, "cuEventRecord");
  load(driver.cuEventSynchronize, "cuEventSynchronize");
  load(driver.cuEventElapsedTime, "cuEventElapsedTime");
  load(driver.cuStreamBeginCapture, "cuStreamBeginCapture_v2");
  load(driver.cuStreamEndCapture, "cuStreamEndCapture");
  load(driver.cuGraphInstantiateWithFlags, "cuGraphInstantiateWithFlags");
  load(driver.cuGraphLaunch, "cuGraphLaunch");
  load(driver.cuGraphExecDestroy, "cuGraphExecDestroy");
  load(driver.cuGraphDestroy, "cuGraphDestroy");
  return driver;
}

const Driver &kit::driver() {
  static const Driver driver = openDriver();
  return driver;
}

Buffer::Buffer(size_t size)
    : memory(dropoutCudaAllocate(int64_t(size))), size(size) {
  kit::check(dropoutLastStatus(), "device memory");
}

Buffer::Buffer(const void *data, size_t size) : Buffer(size) {
  write(0, data, size);
}

Buffer::~Buffer() { kit::check(dropoutCudaFree(memory), "device memory"); }

void Buffer::write(size_t byte, const void *data, size_t count) const {
  kit::check(dropoutCudaCopyToDevice(at(byte), data, int64_t(count)),
             "copy to the device");
}

void Buffer::read(size_t byte, void *data, size_t count) const {
  kit::check(dropoutCudaCopyToHost(data, at(byte), int64_t(count)),
             "copy to the host");
}

void Buffer::fill(unsigned char value) const {
  KIT_CUDA(cuMemsetD8Async,
           Driver::Pointer(reinterpret_cast<uintptr_t>(memory)), value, size,
           dropoutCudaGetStream());
}

Event::Event() { KIT_CUDA(cuEventCreate, &event, 0); }

Event::~Event() { KIT_CUDA(cuEventDestroy, event); }

void Event::record() const {
  KIT_CUDA(cuEventRecord, event, dropoutCudaGetStream());
}

double Event::millisecondsSince(const Event &start) const {
  KIT_CUDA(cuEventSynchronize, event);
  float milliseconds = 0;
  KIT_CUDA(cuEventElapsedTime, &milliseconds, start.event, event);
  return double(milliseconds);
}

Stream::Stream() : previous(dropoutCudaGetStream()) {
  kit::check(dropoutCudaCreateStream(&stream), "stream");
  use();
}

Stream::~Stream() {
  dropoutCudaSetStream(previous);
  kit::check(dropoutCudaDestroyStream(stream), "stream");
}

size_t kit::getFreeMemory() {
  // What was freed before counts, too.
  check(dropoutCudaSynchronize(), "device memory");
  size_t available = 0;
  size_t total = 0;
  KIT_CUDA(cuMemGetInfo, &available, &total);
  return available;
}

DeviceInfo kit::openDevice() {
  DeviceInfo info;
  char name[256];
  int32_t major = 0;
  int32_t minor = 0;
  check(dropoutCudaSetDevice(0), "device 0");
  check(dropoutCudaGetDeviceName(name, sizeof(name)), "device 0");
  check(dropoutCudaGetComputeCapability(&major, &minor), "device 0");
  info.name = name;
  info.major = major;
  info.minor = minor;
  KIT_CUDA(cuDriverGetVersion, &info.driverVersion);
  return info;
}
