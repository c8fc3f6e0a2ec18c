//===- Pipelines.cpp - Named pipelines ------------------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/Pipelines/Pipelines.h"
#include "PipelineStages.h"
#include "dropout/Conversion/Passes.h"
#include "dropout/Dialect/Dropout/Transforms/Passes.h"
#include "dropout/Pipelines/GPUPipelines.h"
#include "dropout/Pipelines/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/Pipelines/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/SCF/Transforms/Passes.h"
#include "mlir/Dialect/Vector/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::dropout;

void mlir::dropout::addStatePasses(OpPassManager &pm) {
  pm.addNestedPass<func::FuncOp>(createCheckProbabilitiesPass());
  pm.addNestedPass<func::FuncOp>(createMaterializeStatePass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

void mlir::dropout::addTensorPasses(OpPassManager &pm, Lowering lowering) {
  bool affine = lowering == Lowering::Affine;
  if (!affine) {
    ConvertDropoutToLinalgPassOptions options;
    options.mask = lowering == Lowering::LinalgInline ? "inline" : "op";
    pm.addPass(createConvertDropoutToLinalgPass(options));
  }
  pm.addNestedPass<func::FuncOp>(createConvertElementwiseToLinalgPass());
  pm.addNestedPass<func::FuncOp>(createPrepareLinalgPass());
  pm.addNestedPass<func::FuncOp>(createFuseElementwisePass());
  InlineMaskPassOptions inlineMask;
  inlineMask.unread = !affine; // convert-dropout-to-affine takes those.
  pm.addPass(createInlineMaskPass(inlineMask));
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  // No CSE behind it: accumulators would share what they start from.
  if (lowering == Lowering::Vector)
    pm.addNestedPass<func::FuncOp>(createTileAndFusePass());
}

void mlir::dropout::addBufferizationPasses(OpPassManager &pm) {
  // Deallocation puts constants beside the one op that a vector.mask may hold.
  pm.addNestedPass<func::FuncOp>(vector::createLowerVectorMaskPass());
  pm.addPass(createPrepareBufferizationPass());
  pm.addPass(bufferization::createEmptyTensorEliminationPass());
  bufferization::OneShotBufferizePassOptions options;
  options.bufferizeFunctionBoundaries = true;
  options.allowReturnAllocsFromLoops = true;
  options.functionBoundaryTypeConversion =
      bufferization::LayoutMapOption::IdentityLayoutMap;
  options.unknownTypeConversion =
      bufferization::LayoutMapOption::IdentityLayoutMap;
  pm.addPass(bufferization::createOneShotBufferizePass(options));
  pm.addPass(createCSEPass());
  pm.addPass(createCanonicalizerPass());
  pm.addNestedPass<func::FuncOp>(createSeparateResultsPass());
  bufferization::buildBufferDeallocationPipeline(pm);
  pm.addPass(createConvertBufferizationToMemRefPass());
}

/// From structured ops on memrefs to loops.
static void addLoopPasses(OpPassManager &pm,
                          const DropoutToLLVMOptions &pipeline) {
  if (pipeline.lowering == Lowering::Affine)
    pm.addPass(createConvertDropoutToAffinePass());
  pm.addNestedPass<func::FuncOp>(createExpandCopiesPass());
  if (pipeline.lowering == Lowering::Vector) {
    VectorizeContractionsPassOptions contractions;
    contractions.vectorBits = pipeline.vectorBits;
    pm.addNestedPass<func::FuncOp>(
        createVectorizeContractionsPass(contractions));
    ConvertLinalgToVectorPassOptions options;
    options.vectorBits = pipeline.vectorBits;
    options.maskedMemory = pipeline.maskedMemory;
    options.nontemporalBytes = pipeline.nontemporalBytes;
    options.threads = pipeline.threads;
    pm.addPass(createConvertLinalgToVectorPass(options));
  }
  pm.addNestedPass<func::FuncOp>(createConvertLinalgToLoopsPass());
  pm.addNestedPass<func::FuncOp>(createForallToForLoopPass());
  pm.addPass(memref::createFoldMemRefAliasOpsPass());
  pm.addPass(createLoopInvariantCodeMotionPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

void mlir::dropout::addLLVMPasses(OpPassManager &pm,
                                  const DropoutToLLVMOptions &pipeline) {
  if (pipeline.vectorMath == VectorMath::Libmvec) {
    MathToLibmvecPassOptions options;
    options.vectorBits = pipeline.vectorBits;
    pm.addPass(createMathToLibmvecPass(options));
  }
  pm.addPass(createLowerFloatsPass());
  if (!pipeline.nativeF16)
    pm.addPass(createExpandF16Pass());
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addNestedPass<func::FuncOp>(createConvertVectorToSCFPass());
  // As late as it can be: each op becomes some hundred.
  pm.addPass(createConvertDropoutToArithPass());
  pm.addPass(createVerifyLoweredPass());
  arith::ArithExpandOpsPassOptions expand;
  expand.includeBf16 = true;
  pm.addPass(arith::createArithExpandOpsPass(expand));
  pm.addPass(createLowerAffinePass());
  pm.addPass(createConvertMathToFuncs());
  if (pipeline.threads != 1) {
    ConvertSCFToOpenMPPassOptions options;
    options.numThreads = pipeline.threads;
    pm.addPass(createConvertSCFToOpenMPPass(options));
    pm.addPass(createCanonicalizerPass());
  }
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  if (pipeline.entryPoints) {
    EmitEntryPointsPassOptions options;
    options.deviceArrays = pipeline.deviceArrays;
    pm.addPass(createEmitEntryPointsPass(options));
  }
  pm.addPass(createConvertDropoutToLLVMPass());
  pm.addPass(createLowerVectorsPass());
  pm.addPass(createConvertToLLVMPass());
  pm.addPass(createVerifyLLVMPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
  pm.addPass(createLegalizeBF16Pass());
  if (!pipeline.nativeF16)
    pm.addPass(createExpandF16Pass());
}

void mlir::dropout::buildDropoutToLLVMPipeline(
    OpPassManager &pm, const DropoutToLLVMOptions &options) {
  addStatePasses(pm);
  addTensorPasses(pm, options.lowering);
  addBufferizationPasses(pm);
  addLoopPasses(pm, options);
  addLLVMPasses(pm, options);
}

void mlir::dropout::registerPipelines() {
  PassPipelineRegistration<DropoutToLLVMOptions>(
      "dropout-to-llvm",
      "Lower dropout, linalg, tensor, memref, arith, math, scf and func ops to "
      "the LLVM dialect, with a C entry point for every public function",
      buildDropoutToLLVMPipeline);
  PassPipelineRegistration<DropoutToPTXOptions>(
      "dropout-to-ptx",
      "Lower the same programs to PTX for NVIDIA GPUs, and host code in the "
      "LLVM dialect that launches it through the runtime",
      buildDropoutToPTXPipeline);
  PassPipelineRegistration<DropoutToPTXOptions>(
      "dropout-to-cubin",
      "The same with machine code for one architecture, made by ptxas of the "
      "CUDA toolkit",
      buildDropoutToCubinPipeline);
  PassPipelineRegistration<DropoutToAMDGCNOptions>(
      "dropout-to-amdgcn",
      "Lower the same programs to kernels for AMD GPUs; host code keeps its "
      "gpu.launch_func ops",
      buildDropoutToAMDGCNPipeline);
  PassPipelineRegistration<DropoutToSPIRVOptions>(
      "dropout-to-spirv",
      "Lower the same programs to a spirv.module for Vulkan; host code keeps "
      "its gpu.launch_func ops",
      buildDropoutToSPIRVPipeline);
}
