//===- AttachCudaTarget.cpp - The architecture of kernels -----------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CudaToolkit.h"
#include "Subtarget.h"

#include "dropout/Pipelines/GPUPipelines.h"
#include "dropout/Pipelines/Passes.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/TargetSelect.h"

namespace mlir::dropout {
#define GEN_PASS_DEF_ATTACHCUDATARGETPASS
#include "dropout/Pipelines/Passes.h.inc"
} // namespace mlir::dropout

using namespace mlir;
using namespace mlir::dropout;

static constexpr llvm::StringLiteral kTriple = "nvptx64-nvidia-cuda";

unsigned mlir::dropout::getCudaArchitecture(StringRef chip) {
  unsigned number = 0;
  if (!chip.consume_front("sm_") || chip.consumeInteger(10, number))
    return 0;
  return number;
}

/// The first PTX version that knows the architecture, 78 for 7.8: PTX ISA,
/// "Release Notes". LLVM keeps its own table to itself.
static unsigned getFirstVersion(StringRef chip) {
  bool isSpecific = chip.ends_with("a"), isFamily = chip.ends_with("f");
  switch (getCudaArchitecture(chip)) {
  case 50:
    return 40;
  case 52:
    return 41;
  case 53:
    return 42;
  case 60:
  case 61:
  case 62:
    return 50;
  case 70:
    return 60;
  case 72:
    return 61;
  case 75:
    return 63;
  case 80:
    return 70;
  case 86:
    return 71;
  case 87:
    return 74;
  case 89:
    return 78;
  case 90:
    return isSpecific ? 80 : 78;
  case 100:
  case 101:
    return isFamily ? 88 : 86;
  case 120:
    return isFamily ? 88 : 87;
  case 103:
  case 121:
    return 88;
  default:
    return 90;
  }
}

std::string mlir::dropout::getCudaFeatures(StringRef chip, StringRef features) {
  if (features.empty() && getCudaArchitecture(chip) == 90)
    return "+ptx80"; // The first with min.u16x2; sm_90 itself is of 7.8.
  return features.str();
}

bool mlir::dropout::hasPackedMinimum(StringRef chip, StringRef features) {
  if (getCudaArchitecture(chip) < 90)
    return false;
  std::string all = getCudaFeatures(chip, features);
  if (all.empty())
    return true; // Later architectures begin with later versions.
  unsigned newest = 0;
  SmallVector<StringRef> names;
  StringRef(all).split(names, ',');
  for (StringRef name : names) {
    unsigned version;
    if (name.consume_front("+ptx") && !name.getAsInteger(10, version))
      newest = std::max(newest, version);
  }
  return newest >= 80;
}

/// LLVM's table of NVIDIA's architectures; null, with an error at `op` unless
/// that is null, if it was built without them.
static std::unique_ptr<llvm::MCSubtargetInfo>
lookUpCudaSubtarget(Operation *op) {
  LLVMInitializeNVPTXTargetInfo();
  LLVMInitializeNVPTXTarget();
  LLVMInitializeNVPTXTargetMC();
  return lookUpSubtarget(op, kTriple);
}

std::string mlir::dropout::getNewestCudaChip(unsigned architecture) {
  std::unique_ptr<llvm::MCSubtargetInfo> subtarget =
      lookUpCudaSubtarget(/*op=*/nullptr);
  unsigned newest = 0;
  if (subtarget)
    for (const auto &entry : subtarget->getAllProcessorDescriptions()) {
      unsigned known = getCudaArchitecture(entry.Key);
      // Code for sm_90a runs on that architecture alone.
      bool isPortable = llvm::isDigit(StringRef(entry.Key).back());
      if (isPortable && known <= architecture)
        newest = std::max(newest, known);
    }
  return newest < 50 ? "" : "sm_" + std::to_string(newest);
}

namespace {
struct AttachCudaTargetPass
    : public dropout::impl::AttachCudaTargetPassBase<AttachCudaTargetPass> {
  using Base::Base;

  void runOnOperation() override {
    if (failed(verifyTarget()) || (binary && failed(verifyToolkit())))
      return signalPassFailure();
    OpBuilder builder(&getContext());
    auto target =
        NVVM::NVVMTargetAttr::get(&getContext(), /*optLevel=*/3, kTriple, chip,
                                  getCudaFeatures(chip, features));
    for (auto module : getOperation().getOps<gpu::GPUModuleOp>())
      if (!module.getTargetsAttr())
        module.setTargetsAttr(builder.getArrayAttr(target));
  }

private:
  LogicalResult verifyTarget() {
    std::unique_ptr<llvm::MCSubtargetInfo> subtarget =
        lookUpCudaSubtarget(getOperation());
    if (!subtarget || failed(verifyChip(getOperation(), *subtarget, chip)))
      return failure();
    SmallVector<StringRef> names;
    StringRef(features).split(names, ',', /*MaxSplit=*/-1,
                              /*KeepEmpty=*/false);
    for (StringRef name : names)
      if (!name.consume_front("+") || !name.starts_with("ptx") ||
          !isKnownFeature(*subtarget, name))
        return getOperation().emitError(
                   "expected option 'features' to be a PTX version, as "
                   "+ptx80, but got '")
               << features << "'";
    return verifyVersion(names);
  }

  /// LLVM ends the process at an architecture that the version does not know.
  LogicalResult verifyVersion(ArrayRef<StringRef> names) {
    if (names.empty())
      return success();
    unsigned version = 0, needed = getFirstVersion(chip);
    for (StringRef name : names) {
      unsigned number;
      name.consume_front("+");
      if (name.consume_front("ptx") && !name.getAsInteger(10, number))
        version = std::max(version, number);
    }
    if (version >= needed)
      return success();
    return getOperation().emitError("expected option 'features' to name PTX ")
           << needed / 10 << "." << needed % 10 << " or later for " << chip
           << ", but got '" << features << "'";
  }

  LogicalResult verifyToolkit() {
    if (!findCudaToolkit(kPtxas).empty())
      return success();
    return getOperation().emitError(
        "expected ptxas of the CUDA toolkit, which makes machine code, in "
        "PATH, CUDA_ROOT, CUDA_HOME, CUDA_PATH or, if none of these is set, "
        "/usr/local/cuda, but found none; PTX needs no toolkit");
  }
};
} // namespace
