//===- FakeDriver.h - A CUDA driver without a GPU ---------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A libcuda.so.1 for tests: it runs kernels that were compiled for the host,
// one thread after the other, in memory of the host. All work is done when the
// call that asks for it returns.
//
// Environment, read by the first call:
//
//   DROPOUT_FAKE_CUDA_DEVICES      number of devices; 1 when unset
//   DROPOUT_FAKE_CUDA_CAPABILITY   their compute capability; "9.0" when unset
//   DROPOUT_FAKE_CUDA_POOLS        0: devices without memory pools
//   DROPOUT_FAKE_CUDA_DELAY        milliseconds that it takes to load a module
//                                  or to make a primary context; 0 when unset
//   DROPOUT_FAKE_CUDA_KERNELS      shared libraries with the kernels, ':'
//                                  between them
//   DROPOUT_FAKE_CUDA_FAIL         "cuLaunchKernel=700,cuMemAllocAsync=2@3":
//                                  these calls do nothing and return that
//                                  CUresult, from the third call on in the
//                                  second case. Names without _v2
//   DROPOUT_FAKE_CUDA_LOG          a file that gets a line for each call: its
//                                  name (without _v2) and its main arguments
//
// A library with kernels exports, for the kernel `name`,
//
//   void dropout_invoke_<name>(void **arguments)
//       runs one thread; arguments[i] points to the value of parameter i
//   const uint32_t dropout_argument_sizes_<name>[]
//       bytes of each parameter, and a 0 at the end
//
// and once
//
//   int32_t dropout_host_registers[12]
//       tid, ntid, ctaid and nctaid (x, y, z each), set before every thread
//
// `dropout_advance_state` is built in. A module is PTX that declares its
// kernels `.visible .entry`; anything else is for another GPU. Allocations lie
// between pages that fault and bytes that are checked when they are freed, when
// a stream is waited for and when the process ends: abort() with a message.
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_TEST_INTEGRATION_GPU_FAKEDRIVER_FAKEDRIVER_H
#define DROPOUT_TEST_INTEGRATION_GPU_FAKEDRIVER_FAKEDRIVER_H

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#define FAKE_EXPORT extern "C" __attribute__((visibility("default")))

namespace fake {

/// CUresult.
enum Result : int {
  Success = 0,
  InvalidValue = 1,
  OutOfMemory = 2,
  NotInitialized = 3,
  NoDevice = 100,
  InvalidDevice = 101,
  InvalidContext = 201,
  NoBinaryForGpu = 209,
  InvalidPtx = 218,
  InvalidHandle = 400,
  IllegalState = 401,
  NotFound = 500,
  NotReady = 600,
  ContextIsDestroyed = 709,
  NotSupported = 801,
  CaptureUnsupported = 900,
  CaptureInvalidated = 901,
};

using DevicePointer = unsigned long long;

struct Context {
  int device;
  bool isDestroyed = false;
};

struct Allocation;
using AllocationPointer = std::shared_ptr<Allocation>;

/// What a stream captured, in order.
struct Graph {
  std::vector<std::function<Result()>> work;
};

struct Stream {
  bool isDestroyed = false;
  /// Not NULL while it captures.
  std::unique_ptr<Graph> capture;
  int captureMode = 0;
  bool isInvalidated = false;
};

struct Event {
  bool isRecorded = false;
  double milliseconds = 0;
};

struct Module;

struct Function {
  Module *module;
  std::string name;
  void (*invoke)(void **);
  int32_t *registers;
  /// Bytes of each parameter.
  std::vector<uint32_t> sizes;
};

struct Module {
  Context *context;
  bool isUnloaded = false;
  std::set<std::string> entries;
  std::map<std::string, std::unique_ptr<Function>> functions;
};

/// Calls that fail on purpose.
struct Failure {
  Result result;
  long firstCall;
  long calls;
};

/// Never destroyed. Handles stay valid addresses after they are destroyed, so
/// that their use is an error and no crash.
struct State {
  State();

  std::recursive_mutex mutex;
  /// The process that called cuInit.
  std::atomic<long> process{0};
  int numDevices = 1;
  int major = 9;
  int minor = 0;
  bool hasPools = true;
  int delay = 0;
  std::vector<void *> kernelLibraries;
  std::map<std::string, Failure> failures;
  std::FILE *log = nullptr;

  std::set<Context *> contexts;
  std::map<int, Context *> primaryContexts;
  Stream defaultStream;
  std::set<Stream *> streams;
  std::set<Event *> events;
  std::set<Module *> modules;
  std::set<Function *> functions;
  std::set<Graph *> graphs;
  std::set<Graph *> executableGraphs;
};

State &state();

/// Counts and logs a call; the failure that is due to it, or Success.
__attribute__((format(printf, 2, 3))) Result enter(const char *name,
                                                   const char *format, ...);

/// Whether CUDA was initialized by a parent, whose lock may be held for ever.
bool isForkedChild();

/// Begins every entry point.
#define FAKE_ENTER(name, ...)                                                  \
  if (fake::isForkedChild())                                                   \
    return fake::NotInitialized;                                               \
  std::lock_guard<std::recursive_mutex> fakeLock(fake::state().mutex);         \
  if (fake::Result fakeResult = fake::enter(name, __VA_ARGS__))                \
  return fakeResult

/// The thread's context in `context`, or why there is none.
Result currentContext(Context *&context);

/// As FAKE_ENTER, for calls that need a context.
#define FAKE_ENTER_IN_CONTEXT(name, ...)                                       \
  FAKE_ENTER(name, __VA_ARGS__);                                               \
  fake::Context *context;                                                      \
  if (fake::Result fakeResult = fake::currentContext(context))                 \
    return fakeResult;                                                         \
  (void)context

/// The stream of a handle, NULL and the special ones included; NULL when there
/// is none.
Stream *findStream(void *handle);

/// CaptureUnsupported, and all captures are void, when a call that may
/// synchronize is made while a stream captures; see
/// cuThreadExchangeStreamCaptureMode.
Result checkCaptureSafety();

/// Runs the work, or captures it.
template <typename Work>
Result submit(void *handle, const Work &work) {
  Stream *stream = findStream(handle);
  if (!stream)
    return InvalidHandle;
  if (!stream->capture)
    return work();
  stream->capture->work.push_back(work);
  return Success;
}

/// Aborts when bytes around a living allocation were written.
void checkAllocations();

/// Runs a kernel; `arguments` are copied.
Result submitLaunch(Context *context, void *function, const unsigned grid[3],
                    const unsigned block[3], void *stream, void **arguments);

} // namespace fake

#endif // DROPOUT_TEST_INTEGRATION_GPU_FAKEDRIVER_FAKEDRIVER_H
