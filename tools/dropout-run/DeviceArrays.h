//===- DeviceArrays.h - Copies of arrays on a GPU ---------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_TOOLS_RUN_DEVICEARRAYS_H
#define DROPOUT_TOOLS_RUN_DEVICEARRAYS_H

#include "dropout/ExecutionEngine/Executable.h"

#include "llvm/ADT/DenseMap.h"

namespace mlir::dropout {

/// Copies of arrays of the host in memory of the CUDA device, and the other way
/// round. All memory is freed with this object.
class DeviceArrays {
public:
  DeviceArrays() = default;
  DeviceArrays(const DeviceArrays &) = delete;
  DeviceArrays &operator=(const DeviceArrays &) = delete;
  ~DeviceArrays();

  /// Copies all memory between the first and the last element of \p argument:
  /// it looks the same on the device.
  llvm::Expected<ArrayView> copyToDevice(size_t argument,
                                         const ArrayView &host);

  /// Copies \p arguments back to where they were.
  llvm::Error copyBack(llvm::ArrayRef<size_t> arguments);

  /// A copy of an array on the device, valid as long as this object.
  llvm::Expected<ArrayView> copyToHost(const ArrayView &device);

private:
  struct Copy {
    char *host = nullptr; ///< The element with the lowest address.
    void *device = nullptr;
    int64_t bytes = 0;
  };
  llvm::DenseMap<size_t, Copy> copies;
  std::vector<std::unique_ptr<char[]>> memory;
};

} // namespace mlir::dropout

#endif // DROPOUT_TOOLS_RUN_DEVICEARRAYS_H
