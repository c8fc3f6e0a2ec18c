//===- consumer.cpp - A project that uses MLIR Dropout --------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/Conversion/Passes.h"
#include "dropout/Dialect/Dropout/IR/Dropout.h"
#include "dropout/Dialect/Dropout/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

using namespace mlir;

static const char *const kSource = R"mlir(
func.func @f(%x: tensor<4x8xf32>, %s: i64, %o: i64) -> tensor<4x8xf32> {
  %y = dropout.element %x p = 0.3 rng(%s, %o) : tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}
)mlir";

int main() {
  MLIRContext context;
  context.loadDialect<dropout::DropoutDialect, func::FuncDialect>();
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(kSource, &context);
  if (!module)
    return 1;
  PassManager manager(&context);
  manager.addPass(dropout::createConvertDropoutToLinalgPass());
  manager.addPass(dropout::createInlineMaskPass());
  if (failed(manager.run(*module)))
    return 1;
  module->print(llvm::outs());
  return 0;
}
