//===- GPUPipelines.cpp - Named pipelines for GPUs ------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/Pipelines/GPUPipelines.h"
#include "CudaToolkit.h"
#include "PipelineStages.h"

#include "dropout/Conversion/Passes.h"
#include "dropout/Dialect/Dropout/Transforms/Passes.h"
#include "dropout/Pipelines/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/GPU/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/SPIRV/IR/SPIRVOps.h"
#include "mlir/Dialect/SPIRV/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::dropout;

namespace {
/// What kernels find out by themselves; the rest they get as arguments.
struct KernelKnowledge {
  bool memRefSizes = true;
  bool launchSizes = true;
};
} // namespace

/// From any program to functions that launch kernels, in a module of their own.
static void addKernelPasses(OpPassManager &pm,
                            const ConvertDropoutToGPUPassOptions &kernels,
                            const KernelKnowledge &known = {}) {
  addStatePasses(pm);
  addTensorPasses(pm, Lowering::Linalg);
  addBufferizationPasses(pm);
  pm.addPass(createConvertDropoutToGPUPass(kernels));
  if (!known.launchSizes)
    pm.addPass(createCaptureLaunchSizesPass());
  pm.addPass(memref::createFoldMemRefAliasOpsPass());
  pm.addPass(createLoopInvariantCodeMotionPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  // CSE takes a constant array of a kernel for the same one on the host.
  pm.addPass(createConvertDropoutToGPUPass(kernels));
  pm.addPass(known.memRefSizes ? createGpuLaunchSinkIndexComputationsPass()
                               : createSinkConstantsPass());
  pm.addPass(createGpuKernelOutliningPass());
}

/// From kernels to the LLVM dialect, as far as targets agree.
static void addKernelLoweringPasses(OpPassManager &pm) {
  OpPassManager &kernels = pm.nest<gpu::GPUModuleOp>();
  kernels.addPass(createConvertDropoutToArithPass());
  kernels.addPass(createVerifyLoweredPass());
  kernels.addPass(createLowerKernelMathPass());
  kernels.addPass(arith::createArithExpandOpsPass());
  kernels.addPass(memref::createExpandStridedMetadataPass());
  kernels.addPass(createLowerAffinePass());
  kernels.addPass(createSCFToControlFlowPass());
}

static void buildCudaPipeline(OpPassManager &pm,
                              const DropoutToPTXOptions &options,
                              bool isBinary) {
  ConvertDropoutToGPUPassOptions kernels;
  kernels.blockSize = options.blockSize;
  kernels.elementsPerThread = options.elementsPerThread;
  kernels.packedMinimum = hasPackedMinimum(options.chip, options.features);
  addKernelPasses(pm, kernels);
  AttachCudaTargetPassOptions target;
  target.chip = options.chip;
  target.features = options.features;
  target.binary = isBinary;
  pm.addPass(createAttachCudaTargetPass(target));
  addKernelLoweringPasses(pm);
  {
    OpPassManager &kernels = pm.nest<gpu::GPUModuleOp>();
    ConvertGpuOpsToNVVMOpsOptions nvvm;
    nvvm.indexBitwidth = 64;
    kernels.addPass(createConvertGpuOpsToNVVMOps(nvvm));
    kernels.addPass(createCanonicalizerPass());
    kernels.addPass(createCSEPass());
    kernels.addPass(createReconcileUnrealizedCastsPass());
    kernels.addPass(createVerifyKernelsPass());
  }
  if (!options.serialize)
    return;
  if (!isBinary)
    pm.addPass(createSerializeCudaPass());
  GpuModuleToBinaryPassOptions binary;
  binary.toolkitPath = findCudaToolkit(isBinary ? kPtxas : kLibdevice);
  binary.compilationTarget = isBinary ? "bin" : "isa";
  pm.addPass(createGpuModuleToBinaryPass(binary));
  LaunchToRuntimePassOptions launch;
  launch.unload = options.unload;
  pm.addPass(createLaunchToRuntimePass(launch));
  DropoutToLLVMOptions host;
  host.lowering = Lowering::Linalg;
  host.deviceArrays = true;
  addLLVMPasses(pm, host);
  pm.addPass(createAllocateOnDevicePass());
}

void mlir::dropout::buildDropoutToPTXPipeline(
    OpPassManager &pm, const DropoutToPTXOptions &options) {
  buildCudaPipeline(pm, options, /*isBinary=*/false);
}

void mlir::dropout::buildDropoutToCubinPipeline(
    OpPassManager &pm, const DropoutToPTXOptions &options) {
  buildCudaPipeline(pm, options, /*isBinary=*/true);
}

void mlir::dropout::buildDropoutToAMDGCNPipeline(
    OpPassManager &pm, const DropoutToAMDGCNOptions &options) {
  bool isBinary = options.format == RocmFormat::Binary;
  ConvertDropoutToGPUPassOptions kernels;
  kernels.blockSize = options.blockSize;
  kernels.elementsPerThread = options.elementsPerThread;
  kernels.packedMinimum = true; // v_pk_min_u16, of GFX9 and later.
  KernelKnowledge known;
  known.launchSizes = false;
  addKernelPasses(pm, kernels, known);
  AttachRocmTargetPassOptions target;
  target.chip = options.chip;
  target.features = options.features;
  target.binary = isBinary;
  pm.addPass(createAttachRocmTargetPass(target));
  addKernelLoweringPasses(pm);
  {
    OpPassManager &kernels = pm.nest<gpu::GPUModuleOp>();
    ConvertGpuOpsToROCDLOpsOptions rocdl;
    if (isRocmChip(options.chip)) // Else the pass above fails.
      rocdl.chipset = options.chip;
    rocdl.indexBitwidth = 64;
    kernels.addPass(createConvertGpuOpsToROCDLOps(rocdl));
    kernels.addPass(createCanonicalizerPass());
    kernels.addPass(createCSEPass());
    kernels.addPass(createReconcileUnrealizedCastsPass());
    kernels.addPass(createVerifyKernelsPass());
  }
  SerializeRocmPassOptions binary;
  binary.binary = isBinary;
  pm.addPass(createSerializeRocmPass(binary));
}

void mlir::dropout::buildDropoutToSPIRVPipeline(
    OpPassManager &pm, const DropoutToSPIRVOptions &options) {
  ConvertDropoutToGPUPassOptions kernels;
  kernels.blockSize = options.blockSize;
  kernels.elementsPerThread = options.elementsPerThread;
  kernels.vectorAccess = false;
  kernels.staticBlock = true;
  KernelKnowledge known;
  known.memRefSizes = false;
  addKernelPasses(pm, kernels, known);
  {
    OpPassManager &kernels = pm.nest<gpu::GPUModuleOp>();
    ConvertDropoutToArithPassOptions draws;
    draws.shareBlocks = false; // There are no integers of 128 bits.
    kernels.addPass(createConvertDropoutToArithPass(draws));
    kernels.addPass(createVerifyLoweredPass());
    kernels.addPass(arith::createArithExpandOpsPass());
    kernels.addPass(memref::createExpandStridedMetadataPass());
    kernels.addPass(createLowerAffinePass());
    kernels.addPass(createCanonicalizerPass());
    kernels.addPass(createCSEPass());
  }
  AttachSPIRVTargetPassOptions target;
  target.float64 = options.float64;
  pm.addPass(createAttachSPIRVTargetPass(target));
  // What follows converts everything but these.
  pm.addNestedPass<gpu::GPUModuleOp>(createConvertMathToSPIRVPass());
  // Upstream's constructor does not take the option.
  std::unique_ptr<Pass> conversion = createConvertGPUToSPIRVPass();
  LogicalResult isKnown = conversion->initializeOptions(
      "use-64bit-index=true", [](const Twine &) { return failure(); });
  assert(succeeded(isKnown) && "expected an option of convert-gpu-to-spirv");
  (void)isKnown;
  pm.addPass(std::move(conversion));
  pm.addPass(createForbidContractionPass());
  OpPassManager &modules = pm.nest<spirv::ModuleOp>();
  modules.addPass(createCanonicalizerPass());
  modules.addPass(createCSEPass());
  modules.addPass(spirv::createSPIRVLowerABIAttributesPass());
  modules.addPass(spirv::createSPIRVUpdateVCEPass());
}
