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
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::dropout;

/// From any program to functions that launch kernels, in a module of their own.
static void addKernelPasses(OpPassManager &pm,
                            const ConvertDropoutToGPUPassOptions &kernels) {
  addStatePasses(pm);
  addTensorPasses(pm, Lowering::Linalg);
  addBufferizationPasses(pm);
  pm.addPass(createConvertDropoutToGPUPass(kernels));
  pm.addPass(memref::createFoldMemRefAliasOpsPass());
  pm.addPass(createLoopInvariantCodeMotionPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  // CSE takes a constant array of a kernel for the same one on the host.
  pm.addPass(createConvertDropoutToGPUPass(kernels));
  pm.addPass(createGpuLaunchSinkIndexComputationsPass());
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
