//===- AdvanceState.cpp - Moving a state on the device ----------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Error.h"

#include "dropout/Runtime/Cuda.h"

using namespace dropout::runtime;

/// Old PTX for an old target: every driver compiles it for every device. One
/// thread.
static const char advanceStatePtx[] = R"ptx(.version 4.3
.target sm_50
.address_size 64

.visible .entry dropout_advance_state(
  .param .u64 state,
  .param .u64 count
)
{
  .reg .b64 %pointer, %step, %offset;
  ld.param.u64 %pointer, [state];
  ld.param.u64 %step, [count];
  cvta.to.global.u64 %pointer, %pointer;
  ld.global.u64 %offset, [%pointer+8];
  add.u64 %offset, %offset, %step;
  st.global.u64 [%pointer+8], %offset;
  ret;
}
)ptx";

static DropoutCudaModule advanceStateModule = {
    advanceStatePtx, sizeof(advanceStatePtx), nullptr};
static DropoutCudaKernel advanceStateKernel = {
    &advanceStateModule, "dropout_advance_state", nullptr};

int32_t dropoutCudaAdvanceState(void *state, uint64_t count) noexcept {
  if (int32_t status = dropoutLastStatus())
    return status;
  if (!state)
    return recordError(DROPOUT_INVALID_ARGUMENT,
                       "expected state, but got NULL");
  if (reinterpret_cast<uintptr_t>(state) % sizeof(uint64_t) != 0)
    return recordError(DROPOUT_INVALID_ARGUMENT,
                       "expected a state aligned to 8 bytes, but got %p",
                       state);
  void *arguments[] = {&state, &count};
  return dropoutCudaLaunch(&advanceStateKernel, 1, 1, 1, 1, 1, 1, arguments);
}
