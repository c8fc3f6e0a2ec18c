//===- Kernels.h - The functions of kernels.mlir -----------------*- C++
//-*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_GPU_KIT_KERNELS_H
#define DROPOUT_GPU_KIT_KERNELS_H

#include "Reference.h"

namespace kit {

/// Arguments of any kernel; each takes what it knows.
struct Call {
  const void *x = nullptr;
  void *y = nullptr;
  /// The last `rank` of the kernel count: its row-major shape.
  int64_t sizes[3] = {0, 0, 0};
  double p = 0;
  bool training = true;
  uint64_t seed = 0;
  uint64_t offset = 0;
  /// Of `takesState`, instead of seed and offset.
  void *state = nullptr;
  /// Of `isFused`.
  const void *bias = nullptr;
  const void *residual = nullptr;
};

struct Kernel {
  const char *name;
  Type type;
  int rank;
  Map map;
  int rounds = 10;
  int resolution = 16;
  /// One draw for each index of the first two dims.
  bool isChannel = false;
  bool takesState = false;
  /// Never drops.
  bool isEval = false;
  /// y = residual + dropout(gelu(x + bias)); without dropout if isEval.
  bool isFused = false;
  /// Returns a DropoutStatus.
  int32_t (*function)(const Call &call);
};

extern const Kernel kernels[];
extern const size_t numKernels;

const Kernel &getKernel(const char *name);

/// @mask_at, which has a signature of its own.
int32_t callMaskAt(void *y, int64_t size, int64_t first, int64_t total,
                   double p, uint64_t seed, uint64_t offset);

} // namespace kit

#endif // DROPOUT_GPU_KIT_KERNELS_H
