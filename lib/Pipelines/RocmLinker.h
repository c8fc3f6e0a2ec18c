//===- RocmLinker.h - Where the linker for AMD GPUs is ----------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_LIB_PIPELINES_ROCMLINKER_H
#define DROPOUT_LIB_PIPELINES_ROCMLINKER_H

#include <string>

namespace mlir::dropout {

/// The path of ld.lld: in llvm/bin of ROCM_PATH, else ld.lld-22 or ld.lld in
/// PATH. Empty if there is none. May be called from several threads.
std::string findRocmLinker();

} // namespace mlir::dropout

#endif // DROPOUT_LIB_PIPELINES_ROCMLINKER_H
