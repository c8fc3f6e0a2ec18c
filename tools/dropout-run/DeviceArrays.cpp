//===- DeviceArrays.cpp - Copies of arrays on a GPU -----------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DeviceArrays.h"

#include "dropout/Runtime/Cuda.h"

using namespace mlir::dropout;

static llvm::Error takeError(int32_t status) {
  if (status == DROPOUT_OK)
    return llvm::Error::success();
  std::string message = dropoutLastMessage();
  dropoutClearStatus();
  return llvm::createStringError(message);
}

namespace {
/// The memory that a view's elements lie in.
struct Span {
  explicit Span(const ArrayView &view) {
    if (view.getNumElements() == 0)
      return;
    int64_t size = getElementSize(view.element), last = 0;
    for (auto [extent, stride] : llvm::zip_equal(view.shape, view.strides)) {
      int64_t distance = (extent - 1) * stride;
      (distance < 0 ? first : last) += distance;
    }
    bytes = (last - first + 1) * size;
    first *= size;
  }

  int64_t first = 0; ///< Bytes from element [0, ..., 0] to the lowest one.
  int64_t bytes = 0;
};
} // namespace

DeviceArrays::~DeviceArrays() {
  for (auto &[argument, copy] : copies)
    (void)dropoutCudaFree(copy.device);
}

llvm::Expected<ArrayView> DeviceArrays::copyToDevice(size_t argument,
                                                     const ArrayView &host) {
  Span span(host);
  Copy copy;
  copy.bytes = span.bytes;
  copy.host = static_cast<char *>(host.data) + span.first;
  copy.device = dropoutCudaAllocate(span.bytes);
  if (!copy.device)
    return takeError(dropoutLastStatus());
  copies[argument] = copy;
  if (llvm::Error error = takeError(
          dropoutCudaCopyToDevice(copy.device, copy.host, copy.bytes)))
    return error;
  ArrayView view = host;
  view.data = static_cast<char *>(copy.device) - span.first;
  return view;
}

llvm::Error DeviceArrays::copyBack(llvm::ArrayRef<size_t> arguments) {
  for (size_t argument : arguments) {
    const Copy &copy = copies[argument];
    if (llvm::Error error = takeError(
            dropoutCudaCopyToHost(copy.host, copy.device, copy.bytes)))
      return error;
  }
  return llvm::Error::success();
}

llvm::Expected<ArrayView> DeviceArrays::copyToHost(const ArrayView &device) {
  Span span(device);
  memory.emplace_back(new char[span.bytes]);
  char *copy = memory.back().get();
  if (llvm::Error error = takeError(dropoutCudaCopyToHost(
          copy, static_cast<char *>(device.data) + span.first, span.bytes)))
    return error;
  ArrayView view = device;
  view.data = copy - span.first;
  return view;
}
