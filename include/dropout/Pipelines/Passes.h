//===- Passes.h - Passes that the pipelines need ----------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_PIPELINES_PASSES_H
#define DROPOUT_PIPELINES_PASSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace mlir::dropout {

#define GEN_PASS_DECL
#include "dropout/Pipelines/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "dropout/Pipelines/Passes.h.inc"

} // namespace mlir::dropout

#endif // DROPOUT_PIPELINES_PASSES_H
