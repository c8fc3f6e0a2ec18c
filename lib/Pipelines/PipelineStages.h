//===- PipelineStages.h - What pipelines are made of ------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_LIB_PIPELINES_PIPELINESTAGES_H
#define DROPOUT_LIB_PIPELINES_PIPELINESTAGES_H

#include "dropout/Pipelines/Pipelines.h"

namespace mlir::dropout {

/// Makes every dropout op explicit and every p at run time checked.
void addStatePasses(OpPassManager &pm);

/// Fuses what is element-wise, on tensors.
void addTensorPasses(OpPassManager &pm, Lowering lowering);

/// From tensors to memrefs. Arguments and results are in C order; arguments of
/// public functions are not written; results belong to the caller.
void addBufferizationPasses(OpPassManager &pm);

/// From loops and arithmetic to the LLVM dialect.
void addLLVMPasses(OpPassManager &pm, const DropoutToLLVMOptions &pipeline);

} // namespace mlir::dropout

#endif // DROPOUT_LIB_PIPELINES_PIPELINESTAGES_H
