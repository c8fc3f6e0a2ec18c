//===- Version.cpp - Versions of the loaded library -------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/Runtime/Runtime.h"

uint32_t dropoutRuntimeAbiVersion(void) noexcept {
  return DROPOUT_RUNTIME_ABI_VERSION;
}

uint32_t dropoutMaskContractVersion(void) noexcept {
  return DROPOUT_MASK_CONTRACT_VERSION;
}
