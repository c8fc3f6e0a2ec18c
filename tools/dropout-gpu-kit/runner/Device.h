//===- Device.h - Memory, streams and events of a GPU ------------*- C++
//-*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An error of the driver or the runtime ends the program, with its text.
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_GPU_KIT_DEVICE_H
#define DROPOUT_GPU_KIT_DEVICE_H

#include "dropout/Runtime/Cuda.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace kit {

/// Prints "dropout-gpu-check: error: ..." and ends the program with exit
/// code 1.
[[noreturn]] __attribute__((format(printf, 1, 2))) void
fatal(const char *format, ...);

/// Ends the program if \p status, of a function of the runtime or of a kernel,
/// is an error.
void check(int32_t status, const char *what);

/// The calls of the driver that the runtime has no function for.
struct Driver {
  using Result = int;
  using Pointer = unsigned long long;
  Result (*cuGetErrorName)(Result, const char **);
  Result (*cuGetErrorString)(Result, const char **);
  Result (*cuDriverGetVersion)(int *);
  Result (*cuMemGetInfo)(size_t *, size_t *);
  Result (*cuMemsetD8Async)(Pointer, unsigned char, size_t, void *);
  Result (*cuEventCreate)(void **, unsigned);
  Result (*cuEventDestroy)(void *);
  Result (*cuEventRecord)(void *, void *);
  Result (*cuEventSynchronize)(void *);
  Result (*cuEventElapsedTime)(float *, void *, void *);
  Result (*cuStreamBeginCapture)(void *, int);
  Result (*cuStreamEndCapture)(void *, void **);
  Result (*cuGraphInstantiateWithFlags)(void **, void *, unsigned long long);
  Result (*cuGraphLaunch)(void *, void *);
  Result (*cuGraphExecDestroy)(void *);
  Result (*cuGraphDestroy)(void *);

  /// Ends the program if `result` is an error of `call`.
  void check(Result result, const char *call) const;
};

/// The driver, which the runtime has opened.
const Driver &driver();

/// driver().NAME(...), checked.
#define KIT_CUDA(name, ...)                                                    \
  ::kit::driver().check(::kit::driver().name(__VA_ARGS__), #name)

/// Device memory.
class Buffer {
public:
  explicit Buffer(size_t size);
  Buffer(const void *data, size_t size);
  Buffer(const Buffer &) = delete;
  Buffer &operator=(const Buffer &) = delete;
  ~Buffer();

  void *at(size_t byte) const { return static_cast<char *>(memory) + byte; }
  size_t getSize() const { return size; }
  void write(size_t byte, const void *data, size_t count) const;
  void read(size_t byte, void *data, size_t count) const;
  void fill(unsigned char value) const;

private:
  void *memory;
  size_t size;
};

class Event {
public:
  Event();
  Event(const Event &) = delete;
  Event &operator=(const Event &) = delete;
  ~Event();
  /// In the thread's stream.
  void record() const;
  /// Waits for this event.
  double millisecondsSince(const Event &start) const;

private:
  void *event = nullptr;
};

/// A stream, the thread's as long as it lives.
class Stream {
public:
  Stream();
  Stream(const Stream &) = delete;
  Stream &operator=(const Stream &) = delete;
  ~Stream();
  void use() const { dropoutCudaSetStream(stream); }
  void *get() const { return stream; }

private:
  void *stream = nullptr;
  void *previous;
};

/// Bytes of device memory that are free.
size_t getFreeMemory();

struct DeviceInfo {
  std::string name;
  int major = 0;
  int minor = 0;
  int driverVersion = 0;
};

/// Opens the driver and device 0.
DeviceInfo openDevice();

} // namespace kit

#endif // DROPOUT_GPU_KIT_DEVICE_H
