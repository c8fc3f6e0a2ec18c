//===- Stream.cpp - Streams, events and graphs ------------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FakeDriver.h"

#include <chrono>

using namespace fake;

/// CUstreamCaptureMode.
enum CaptureMode { Global = 0, ThreadLocal = 1, Relaxed = 2 };

static thread_local int threadCaptureMode = Global;

Stream *fake::findStream(void *handle) {
  // NULL, CU_STREAM_LEGACY and CU_STREAM_PER_THREAD.
  if (reinterpret_cast<uintptr_t>(handle) <= 2)
    return &state().defaultStream;
  auto *stream = static_cast<Stream *>(handle);
  return state().streams.count(stream) && !stream->isDestroyed ? stream
                                                               : nullptr;
}

Result fake::checkCaptureSafety() {
  if (threadCaptureMode == Relaxed)
    return Success;
  Result result = Success;
  for (Stream *stream : state().streams)
    if (stream->capture && stream->captureMode != Relaxed) {
      stream->isInvalidated = true;
      result = CaptureUnsupported;
    }
  return result;
}

FAKE_EXPORT Result cuThreadExchangeStreamCaptureMode(int *mode) {
  FAKE_ENTER("cuThreadExchangeStreamCaptureMode", "%d", *mode);
  std::swap(threadCaptureMode, *mode);
  return Success;
}

//===----------------------------------------------------------------------===//
// Streams
//===----------------------------------------------------------------------===//

FAKE_EXPORT Result cuStreamCreate(Stream **stream, unsigned flags) {
  FAKE_ENTER_IN_CONTEXT("cuStreamCreate", "%u", flags);
  if (flags > 1)
    return InvalidValue;
  *stream = new Stream();
  state().streams.insert(*stream);
  return Success;
}

FAKE_EXPORT Result cuStreamDestroy_v2(Stream *stream) {
  FAKE_ENTER_IN_CONTEXT("cuStreamDestroy", "%p", static_cast<void *>(stream));
  if (!state().streams.count(stream) || stream->isDestroyed)
    return InvalidHandle;
  stream->isDestroyed = true;
  stream->capture.reset();
  return Success;
}

FAKE_EXPORT Result cuStreamSynchronize(void *handle) {
  FAKE_ENTER_IN_CONTEXT("cuStreamSynchronize", "%p", handle);
  Stream *stream = findStream(handle);
  if (!stream)
    return InvalidHandle;
  if (stream->capture) {
    stream->isInvalidated = true;
    return CaptureUnsupported;
  }
  checkAllocations();
  return Success;
}

FAKE_EXPORT Result cuStreamQuery(void *handle) {
  FAKE_ENTER_IN_CONTEXT("cuStreamQuery", "%p", handle);
  Stream *stream = findStream(handle);
  if (!stream)
    return InvalidHandle;
  return stream->capture ? CaptureUnsupported : Success;
}

FAKE_EXPORT Result cuStreamWaitEvent(void *handle, Event *event,
                                     unsigned flags) {
  FAKE_ENTER_IN_CONTEXT("cuStreamWaitEvent", "%p %u", handle, flags);
  return findStream(handle) && state().events.count(event) ? Success
                                                           : InvalidHandle;
}

//===----------------------------------------------------------------------===//
// Events
//===----------------------------------------------------------------------===//

FAKE_EXPORT Result cuEventCreate(Event **event, unsigned flags) {
  FAKE_ENTER_IN_CONTEXT("cuEventCreate", "%u", flags);
  *event = new Event();
  state().events.insert(*event);
  return Success;
}

FAKE_EXPORT Result cuEventDestroy_v2(Event *event) {
  FAKE_ENTER_IN_CONTEXT("cuEventDestroy", "%s", "");
  if (!state().events.erase(event))
    return InvalidHandle;
  delete event;
  return Success;
}

FAKE_EXPORT Result cuEventRecord(Event *event, void *stream) {
  FAKE_ENTER_IN_CONTEXT("cuEventRecord", "stream %p", stream);
  if (!state().events.count(event))
    return InvalidHandle;
  return submit(stream, [event] {
    auto now = std::chrono::steady_clock::now().time_since_epoch();
    event->milliseconds =
        std::chrono::duration<double, std::milli>(now).count();
    event->isRecorded = true;
    return Success;
  });
}

FAKE_EXPORT Result cuEventSynchronize(Event *event) {
  FAKE_ENTER_IN_CONTEXT("cuEventSynchronize", "%s", "");
  return state().events.count(event) ? Success : InvalidHandle;
}

FAKE_EXPORT Result cuEventQuery(Event *event) {
  FAKE_ENTER_IN_CONTEXT("cuEventQuery", "%s", "");
  return state().events.count(event) ? Success : InvalidHandle;
}

static Result elapsedTime(float *milliseconds, Event *start, Event *end) {
  if (!state().events.count(start) || !state().events.count(end) ||
      !start->isRecorded || !end->isRecorded)
    return InvalidHandle;
  *milliseconds = float(end->milliseconds - start->milliseconds);
  return Success;
}

FAKE_EXPORT Result cuEventElapsedTime(float *milliseconds, Event *start,
                                      Event *end) {
  FAKE_ENTER_IN_CONTEXT("cuEventElapsedTime", "%s", "");
  return elapsedTime(milliseconds, start, end);
}

FAKE_EXPORT Result cuEventElapsedTime_v2(float *milliseconds, Event *start,
                                         Event *end) {
  FAKE_ENTER_IN_CONTEXT("cuEventElapsedTime", "%s", "");
  return elapsedTime(milliseconds, start, end);
}

//===----------------------------------------------------------------------===//
// Graphs
//===----------------------------------------------------------------------===//

FAKE_EXPORT Result cuStreamBeginCapture_v2(void *handle, int mode) {
  FAKE_ENTER_IN_CONTEXT("cuStreamBeginCapture", "%p mode %d", handle, mode);
  Stream *stream = findStream(handle);
  if (!stream)
    return InvalidHandle;
  if (stream == &state().defaultStream)
    return CaptureUnsupported;
  if (stream->capture)
    return IllegalState;
  stream->capture = std::make_unique<Graph>();
  stream->captureMode = mode;
  stream->isInvalidated = false;
  return Success;
}

FAKE_EXPORT Result cuStreamIsCapturing(void *handle, int *status) {
  FAKE_ENTER_IN_CONTEXT("cuStreamIsCapturing", "%p", handle);
  Stream *stream = findStream(handle);
  if (!stream)
    return InvalidHandle;
  *status = !stream->capture ? 0 : stream->isInvalidated ? 2 : 1;
  return Success;
}

FAKE_EXPORT Result cuStreamEndCapture(void *handle, Graph **graph) {
  FAKE_ENTER_IN_CONTEXT("cuStreamEndCapture", "%p", handle);
  *graph = nullptr;
  Stream *stream = findStream(handle);
  if (!stream)
    return InvalidHandle;
  if (!stream->capture)
    return IllegalState;
  std::unique_ptr<Graph> captured = std::move(stream->capture);
  if (stream->isInvalidated)
    return CaptureInvalidated;
  *graph = captured.release();
  state().graphs.insert(*graph);
  return Success;
}

FAKE_EXPORT Result cuGraphInstantiateWithFlags(Graph **executable, Graph *graph,
                                               unsigned long long flags) {
  FAKE_ENTER_IN_CONTEXT("cuGraphInstantiateWithFlags", "%llu", flags);
  if (!state().graphs.count(graph))
    return InvalidValue;
  *executable = new Graph(*graph);
  state().executableGraphs.insert(*executable);
  return Success;
}

FAKE_EXPORT Result cuGraphLaunch(Graph *executable, void *stream) {
  FAKE_ENTER_IN_CONTEXT("cuGraphLaunch", "stream %p", stream);
  if (!state().executableGraphs.count(executable))
    return InvalidValue;
  return submit(stream, [work = executable->work] {
    for (const std::function<Result()> &step : work)
      if (Result result = step())
        return result;
    return Success;
  });
}

FAKE_EXPORT Result cuGraphExecDestroy(Graph *executable) {
  FAKE_ENTER_IN_CONTEXT("cuGraphExecDestroy", "%s", "");
  if (!state().executableGraphs.erase(executable))
    return InvalidValue;
  delete executable;
  return Success;
}

FAKE_EXPORT Result cuGraphDestroy(Graph *graph) {
  FAKE_ENTER_IN_CONTEXT("cuGraphDestroy", "%s", "");
  if (!state().graphs.erase(graph))
    return InvalidValue;
  delete graph;
  return Success;
}
