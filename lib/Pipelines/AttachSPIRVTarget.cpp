//===- AttachSPIRVTarget.cpp - What Vulkan has to have --------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/Pipelines/Passes.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/SPIRV/IR/SPIRVAttributes.h"
#include "mlir/Dialect/SPIRV/IR/SPIRVDialect.h"
#include "mlir/Dialect/SPIRV/IR/TargetAndABI.h"

namespace mlir::dropout {
#define GEN_PASS_DEF_ATTACHSPIRVTARGETPASS
#include "dropout/Pipelines/Passes.h.inc"
} // namespace mlir::dropout

using namespace mlir;

namespace {
struct AttachSPIRVTargetPass
    : public dropout::impl::AttachSPIRVTargetPassBase<AttachSPIRVTargetPass> {
  using Base::Base;

  void runOnOperation() override {
    MLIRContext *context = &getContext();
    SmallVector<spirv::Capability> capabilities = {
        spirv::Capability::Shader, spirv::Capability::Int64,
        spirv::Capability::Float16,
        spirv::Capability::StorageBuffer16BitAccess};
    if (float64)
      capabilities.push_back(spirv::Capability::Float64);
    auto triple =
        spirv::VerCapExtAttr::get(spirv::Version::V_1_3, capabilities,
                                  ArrayRef<spirv::Extension>(), context);
    getOperation()->setAttr(
        spirv::getTargetEnvAttrName(),
        spirv::TargetEnvAttr::get(triple,
                                  spirv::getDefaultResourceLimits(context),
                                  spirv::ClientAPI::Vulkan));
    for (auto module : getOperation().getOps<gpu::GPUModuleOp>()) {
      WalkResult result = module.walk([&](Operation *op) {
        return succeeded(verifyTypes(op)) ? WalkResult::advance()
                                          : WalkResult::interrupt();
      });
      if (result.wasInterrupted())
        return signalPassFailure();
      for (auto kernel : module.getOps<gpu::GPUFuncOp>())
        if (kernel.isKernel() && failed(attachBlockSize(kernel)))
          return signalPassFailure();
    }
  }

private:
  /// Upstream's conversion replaces a type that the target lacks by a wider
  /// one, in memory, too (a bf16 by an f32).
  LogicalResult verifyTypes(Operation *op) {
    auto verify = [&](Type type) -> LogicalResult {
      if (isSupported(type))
        return success();
      return op->emitError("expected types that SPIR-V kernels have (i32, i64, "
                           "f16, f32")
             << (float64 ? ", f64" : "; f64 with the option 'float64'")
             << "; i1 not in memory), but got " << type;
    };
    for (Type type : op->getOperandTypes())
      if (failed(verify(type)))
        return failure();
    for (Type type : op->getResultTypes())
      if (failed(verify(type)))
        return failure();
    if (auto function = dyn_cast<gpu::GPUFuncOp>(op))
      for (Type type : function.getArgumentTypes())
        if (type.isInteger(1) || failed(verify(type)))
          return type.isInteger(1)
                     ? op->emitError(
                           "expected kernel arguments that SPIR-V has "
                           "in memory, but got 'i1'")
                     : failure();
    return success();
  }

  bool isSupported(Type type) const {
    if (auto memref = dyn_cast<MemRefType>(type))
      return !memref.getElementType().isInteger(1) &&
             isSupported(memref.getElementType());
    if (auto vector = dyn_cast<VectorType>(type))
      return vector.getRank() == 1 && !vector.isScalable() &&
             vector.getNumElements() <= 4 &&
             isSupported(vector.getElementType());
    return type.isIndex() || type.isInteger(1) || type.isInteger(32) ||
           type.isInteger(64) || type.isF16() || type.isF32() ||
           (float64 && type.isF64());
  }

  /// The size of the block is part of a kernel.
  LogicalResult attachBlockSize(gpu::GPUFuncOp kernel) {
    std::optional<ArrayRef<int32_t>> size = kernel.getKnownBlockSize();
    if (!size)
      return kernel.emitError("expected a kernel whose block has a constant "
                              "size");
    kernel->setAttr(spirv::getEntryPointABIAttrName(),
                    spirv::getEntryPointABIAttr(&getContext(), *size));
    return success();
  }
};
} // namespace
