//===- CallChecks.h - What is wrong with a call -----------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_LIB_KERNELS_CALLCHECKS_H
#define DROPOUT_LIB_KERNELS_CALLCHECKS_H

#include "dropout/Kernels/Kernels.h"

#include "llvm/ADT/Twine.h"

namespace mlir::dropout {

/// A RuntimeError with `DROPOUT_INVALID_ARGUMENT`.
llvm::Error refuseCall(const llvm::Twine &message);

/// All that can be wrong with \p call, but for what a plan finds (too many
/// dims).
llvm::Error checkCall(const KernelCall &call);

/// Of any stride, the smallest number included.
inline uint64_t getMagnitude(int64_t stride) {
  return stride < 0 ? -uint64_t(stride) : uint64_t(stride);
}

/// Whether the kind's default mask dims are batch and channel only.
inline bool hasChannels(KernelKind kind) {
  return kind == KernelKind::Channel || kind == KernelKind::FeatureAlpha;
}

} // namespace mlir::dropout

#endif // DROPOUT_LIB_KERNELS_CALLCHECKS_H
