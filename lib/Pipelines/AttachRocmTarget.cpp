//===- AttachRocmTarget.cpp - The AMD architecture of kernels -------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RocmLinker.h"
#include "Subtarget.h"

#include "dropout/Pipelines/GPUPipelines.h"
#include "dropout/Pipelines/Passes.h"

#include "mlir/Dialect/AMDGPU/Utils/Chipset.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/ROCDLDialect.h"
#include "llvm/Support/TargetSelect.h"

namespace mlir::dropout {
#define GEN_PASS_DEF_ATTACHROCMTARGETPASS
#include "dropout/Pipelines/Passes.h.inc"
} // namespace mlir::dropout

using namespace mlir;
using namespace mlir::dropout;

static constexpr llvm::StringLiteral kTriple = "amdgcn-amd-amdhsa";

/// The oldest generation with global memory instructions, which vector accesses
/// become: GFX9.
static constexpr unsigned kFirstGeneration = 9;

bool mlir::dropout::isRocmChip(StringRef chip) {
  if (!chip.starts_with("gfx"))
    return false;
  FailureOr<amdgpu::Chipset> chipset = amdgpu::Chipset::parse(chip);
  return succeeded(chipset) && chipset->majorVersion >= kFirstGeneration;
}

namespace {
struct AttachRocmTargetPass
    : public dropout::impl::AttachRocmTargetPassBase<AttachRocmTargetPass> {
  using Base::Base;

  void runOnOperation() override {
    if (failed(verifyTarget()) || (binary && failed(verifyLinker())))
      return signalPassFailure();
    OpBuilder builder(&getContext());
    auto target = ROCDL::ROCDLTargetAttr::get(&getContext(), /*optLevel=*/3,
                                              kTriple, chip, features);
    for (auto module : getOperation().getOps<gpu::GPUModuleOp>())
      if (!module.getTargetsAttr())
        module.setTargetsAttr(builder.getArrayAttr(target));
  }

private:
  LogicalResult verifyTarget() {
    LLVMInitializeAMDGPUTargetInfo();
    LLVMInitializeAMDGPUTarget();
    LLVMInitializeAMDGPUTargetMC();
    std::unique_ptr<llvm::MCSubtargetInfo> subtarget =
        lookUpSubtarget(getOperation(), kTriple);
    if (!subtarget ||
        failed(verifyChip(getOperation(), *subtarget, chip, isRocmChip)))
      return failure();
    SmallVector<StringRef> names;
    StringRef(features).split(names, ',', /*MaxSplit=*/-1,
                              /*KeepEmpty=*/false);
    // What a code object's name may say; LLVM has many more features, and ends
    // the process at some that a chip does not have.
    for (StringRef name : names)
      if (!(name.consume_front("+") || name.consume_front("-")) ||
          (name != "xnack" && name != "sramecc"))
        return getOperation().emitError(
                   "expected option 'features' to be xnack or sramecc with a "
                   "sign, as +xnack,-sramecc, but got '")
               << features << "'";
    return success();
  }

  LogicalResult verifyLinker() {
    if (!findRocmLinker().empty())
      return success();
    return getOperation().emitError(
        "expected ld.lld, which links code objects, in ROCM_PATH/llvm/bin, or "
        "ld.lld-22 or ld.lld in PATH, but found none; assembly (format=isa) "
        "needs no linker");
  }
};
} // namespace
