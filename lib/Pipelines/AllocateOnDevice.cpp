//===- AllocateOnDevice.cpp - Host code allocates device memory -----------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/Pipelines/Passes.h"

#include "mlir/Dialect/LLVMIR/FunctionCallUtils.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace mlir::dropout {
#define GEN_PASS_DEF_ALLOCATEONDEVICEPASS
#include "dropout/Pipelines/Passes.h.inc"
} // namespace mlir::dropout

using namespace mlir;

namespace {
struct AllocateOnDevicePass
    : public dropout::impl::AllocateOnDevicePassBase<AllocateOnDevicePass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    OpBuilder builder(&getContext());
    Type pointer = LLVM::LLVMPointerType::get(&getContext());
    Type i64 = builder.getI64Type(), i32 = builder.getI32Type();
    SmallVector<LLVM::CallOp> calls;
    module.walk([&](LLVM::CallOp call) {
      if (call.getCallee() == "malloc" || call.getCallee() == "free")
        calls.push_back(call);
    });
    for (LLVM::CallOp call : calls) {
      bool allocates = call.getCallee() == "malloc";
      builder.setInsertionPointToStart(module.getBody());
      FailureOr<LLVM::LLVMFuncOp> callee =
          allocates ? LLVM::lookupOrCreateFn(
                          builder, module, "dropoutCudaAllocate", i64, pointer)
                    : LLVM::lookupOrCreateFn(builder, module, "dropoutCudaFree",
                                             pointer, i32);
      if (failed(callee))
        return signalPassFailure();
      builder.setInsertionPoint(call);
      auto replacement = LLVM::CallOp::create(builder, call.getLoc(), *callee,
                                              call.getArgOperands());
      if (allocates)
        call.replaceAllUsesWith(replacement);
      call.erase();
    }
    for (StringRef name : {"malloc", "free"})
      if (auto function = module.lookupSymbol<LLVM::LLVMFuncOp>(name);
          function && function.isExternal() &&
          SymbolTable::symbolKnownUseEmpty(function, module))
        function.erase();
  }
};
} // namespace
