//===- Context.h - The thread's context and stream --------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_LIB_RUNTIME_CUDA_CONTEXT_H
#define DROPOUT_LIB_RUNTIME_CUDA_CONTEXT_H

#include "Driver.h"

namespace dropout::runtime::cuda {

/// What the calling thread has chosen. Plain data, usable until the thread's
/// last moment.
struct ThreadChoice {
  CUstream stream;
  int32_t device;
};
extern thread_local ThreadChoice threadChoice;

/// Makes the primary context of the thread's device current.
int32_t enterPrimaryContext(const Driver &driver, CUcontext &context) noexcept;

/// The thread's current context; makes the primary one current when there is
/// none.
inline int32_t enterContext(const Driver &driver, CUcontext &context) noexcept {
  CUresult result = driver.cuCtxGetCurrent(&context);
  if (result != CUDA_SUCCESS)
    return driver.fail("cuCtxGetCurrent", result);
  return context ? int32_t(DROPOUT_OK) : enterPrimaryContext(driver, context);
}

/// The opened driver, with a current context in the thread. Records and returns
/// an error otherwise.
int32_t openDriverInContext(const Driver *&driver) noexcept;

/// Compute capability and name of the current context's device.
struct DeviceDescription {
  int major;
  int minor;
  char name[256];
};
int32_t describeDevice(const Driver &driver,
                       DeviceDescription &description) noexcept;

} // namespace dropout::runtime::cuda

#endif // DROPOUT_LIB_RUNTIME_CUDA_CONTEXT_H
