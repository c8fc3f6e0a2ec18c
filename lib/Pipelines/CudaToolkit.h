//===- CudaToolkit.h - Where the CUDA toolkit is ----------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_LIB_PIPELINES_CUDATOOLKIT_H
#define DROPOUT_LIB_PIPELINES_CUDATOOLKIT_H

#include <string>

namespace mlir::dropout {

/// The root of a CUDA toolkit that has `file`, a path in it: that of the ptxas
/// in PATH, else CUDA_ROOT, CUDA_HOME, CUDA_PATH or, if none of these is set,
/// /usr/local/cuda. Empty if there is none. May be called from several threads.
std::string findCudaToolkit(const char *file);

/// Paths in the toolkit.
inline constexpr const char *kPtxas = "bin/ptxas";
inline constexpr const char *kLibdevice = "nvvm/libdevice/libdevice.10.bc";

} // namespace mlir::dropout

#endif // DROPOUT_LIB_PIPELINES_CUDATOOLKIT_H
