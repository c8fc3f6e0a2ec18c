//===- VerifyKernels.cpp - Refuse kernels that call what is not there -----===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CudaToolkit.h"

#include "dropout/Pipelines/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/LLVMIR/ROCDLDialect.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/IR/TypeUtilities.h"

namespace mlir::dropout {
#define GEN_PASS_DEF_VERIFYKERNELSPASS
#include "dropout/Pipelines/Passes.h.inc"
} // namespace mlir::dropout

using namespace mlir;

namespace {
struct VerifyKernelsPass
    : public dropout::impl::VerifyKernelsPassBase<VerifyKernelsPass> {
  void runOnOperation() override {
    gpu::GPUModuleOp module = getOperation();
    module.walk([&](Operation *op) {
      if (op == module)
        return;
      if (!isa_and_present<LLVM::LLVMDialect, NVVM::NVVMDialect,
                           ROCDL::ROCDLDialect>(op->getDialect())) {
        op->emitError("expected an op that has a form on the GPU, but got '")
            << op->getName() << "'";
        return signalPassFailure();
      }
      for (Type type : op->getResultTypes()) {
        Type element = getElementTypeOrSelf(type);
        if (!isa<Float80Type, Float128Type>(element))
          continue;
        op->emitError("expected a type that GPUs have, but got ") << element;
        return signalPassFailure();
      }
      auto call = dyn_cast<LLVM::CallOp>(op);
      if (!call || !call.getCallee())
        return;
      auto callee = module.lookupSymbol<LLVM::LLVMFuncOp>(*call.getCallee());
      if (callee && !callee.isExternal())
        return;
      if (call.getCallee()->starts_with("__nv_") &&
          !dropout::findCudaToolkit(dropout::kLibdevice).empty())
        return;
      call.emitError("expected a kernel to call functions with a body, but got "
                     "@")
          << *call.getCallee()
          << (call.getCallee()->starts_with("__nv_")
                  ? ", and found no CUDA toolkit whose libdevice has it"
                  : "");
      signalPassFailure();
    });
  }
};
} // namespace
