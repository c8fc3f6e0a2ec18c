//===- Program.cpp - Compile a module for this machine --------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/ExecutionEngine/Program.h"
#include "dropout/InitAll.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/OpenMP/OpenMPToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/Utils/Cloning.h"

using namespace mlir;
using namespace mlir::dropout;

Program::~Program() = default;

/// "file.mlir:3:8: error: message" for each error, one per line.
static void printDiagnostic(Diagnostic &diagnostic, llvm::raw_ostream &os) {
  auto print = [&](Location location, StringRef severity, Diagnostic &text) {
    if (auto file = location->findInstanceOf<FileLineColLoc>())
      os << file.getFilename().getValue() << ':' << file.getLine() << ':'
         << file.getColumn() << ": ";
    os << severity << ": " << text << '\n';
  };
  print(diagnostic.getLocation(), "error", diagnostic);
  for (Diagnostic &note : diagnostic.getNotes())
    print(note.getLocation(), "note", note);
}

/// What the machine code is generated with: the CPU of this machine and all its
/// features, and no contraction of multiplications and additions.
static llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
createTargetMachine(unsigned optimizationLevel) {
  static bool initialized = [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    return true;
  }();
  (void)initialized;
  auto builder = llvm::orc::JITTargetMachineBuilder::detectHost();
  if (!builder)
    return builder.takeError();
  builder->setRelocationModel(llvm::Reloc::PIC_);
  builder->setCodeModel(llvm::CodeModel::Small);
  builder->setCodeGenOptLevel(
      *llvm::CodeGenOpt::getLevel(int(optimizationLevel)));
  builder->getOptions().AllowFPOpFusion = llvm::FPOpFusion::Strict;
  return builder->createTargetMachine();
}

/// The part of the pipeline's options that follows from the machine.
static void setTargetOptions(DropoutToLLVMOptions &pipeline,
                             const llvm::TargetMachine &machine) {
  const llvm::MCSubtargetInfo &subtarget = *machine.getMCSubtargetInfo();
  bool isX86 = machine.getTargetTriple().isX86();
  bool hasAVX512 =
      isX86 && subtarget.checkFeatures("+avx512bw,+avx512dq,+avx512vl");
  bool hasAVX2 = isX86 && subtarget.checkFeatures("+avx2");
  pipeline.vectorBits = hasAVX512 ? 512 : hasAVX2 ? 256 : 128;
  pipeline.maskedMemory = hasAVX512;
}

/// Runs LLVM's default pipeline of that level.
static void optimize(llvm::Module &module, llvm::TargetMachine &machine,
                     unsigned level) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = tuning.SLPVectorization = level >= 2;
  llvm::PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  const llvm::OptimizationLevel levels[] = {
      llvm::OptimizationLevel::O0, llvm::OptimizationLevel::O1,
      llvm::OptimizationLevel::O2, llvm::OptimizationLevel::O3};
  llvm::ModulePassManager passes =
      level == 0 ? builder.buildO0DefaultPipeline(levels[0])
                 : builder.buildPerModuleDefaultPipeline(levels[level]);
  passes.run(module, modules);
}

llvm::Expected<std::unique_ptr<Program>>
Program::compile(OwningOpRef<ModuleOp> module, const CompileOptions &options) {
  if (!module)
    return llvm::createStringError("expected a module, but got none");
  if (options.optimizationLevel > 3)
    return llvm::createStringError(
        "expected optimization level 0 to 3, but got " +
        Twine(options.optimizationLevel));
  MLIRContext *context = module->getContext();
  DialectRegistry registry;
  registerAllDialects(registry);
  registerAllExtensions(registry);
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerOpenMPDialectTranslation(registry);
  context->appendDialectRegistry(registry);

  auto machine = createTargetMachine(options.optimizationLevel);
  if (!machine)
    return machine.takeError();

  std::string messages;
  std::optional<ScopedDiagnosticHandler> handler;
  if (!options.forwardDiagnostics)
    handler.emplace(context, [&](Diagnostic &diagnostic) {
      if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
        return failure(); // Not ours to judge.
      llvm::raw_string_ostream os(messages);
      printDiagnostic(diagnostic, os);
      return success();
    });
  auto fail = [&](StringRef what) {
    StringRef text = StringRef(messages).rtrim();
    return llvm::createStringError(text.empty() ? what : text);
  };

  std::unique_ptr<Program> program(new Program());
  program->signatures = dropout::getSignatures(*module);
  program->optimizationLevel = options.optimizationLevel;

  PassManager pm(context, ModuleOp::getOperationName());
  DropoutToLLVMOptions pipeline;
  pipeline.lowering = options.lowering;
  setTargetOptions(pipeline, **machine);
  pipeline.nontemporalBytes = options.nontemporalBytes;
  pipeline.threads = options.threads;
  buildDropoutToLLVMPipeline(pm, pipeline);
  if (failed(pm.run(*module)))
    return fail("could not lower the module to LLVM");

  program->context = std::make_unique<llvm::LLVMContext>();
  program->module =
      translateModuleToLLVMIR(*module, *program->context, "dropout");
  if (!program->module)
    return fail("could not translate the module to LLVM IR");

  program->machine = std::move(*machine);
  program->module->setDataLayout(program->machine->createDataLayout());
  program->module->setTargetTriple(program->machine->getTargetTriple());

  // Only entry points are visible: a function called `main` or `exp` must not
  // meet the C library's.
  llvm::StringSet<> entryPoints;
  for (const Signature &signature : program->signatures)
    entryPoints.insert(signature.entryPoint);
  for (llvm::Function &function : *program->module) {
    if (function.isDeclaration())
      continue;
    if (!entryPoints.contains(function.getName()))
      function.setLinkage(llvm::GlobalValue::InternalLinkage);
    // So that LLVM picks instructions of this CPU in every function.
    function.addFnAttr("target-cpu", program->machine->getTargetCPU());
    function.addFnAttr("target-features",
                       program->machine->getTargetFeatureString());
    function.addFnAttr("prefer-vector-width", "512");
  }
  optimize(*program->module, *program->machine, options.optimizationLevel);
  return program;
}

llvm::Error Program::emit(EmitKind kind, llvm::raw_pwrite_stream &os,
                          StringRef name) {
  if (kind == EmitKind::Header) {
    writeCHeader(signatures, name, os);
    return llvm::Error::success();
  }
  if (kind == EmitKind::LLVMIR) {
    module->print(os, nullptr);
    return llvm::Error::success();
  }
  // Code generation changes the module.
  std::unique_ptr<llvm::Module> copy = llvm::CloneModule(*module);
  llvm::legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, os, nullptr,
                                   kind == EmitKind::Object
                                       ? llvm::CodeGenFileType::ObjectFile
                                       : llvm::CodeGenFileType::AssemblyFile))
    return llvm::createStringError(
        "the target cannot emit " +
        Twine(kind == EmitKind::Object ? "object files" : "assembly"));
  passes.run(*copy);
  return llvm::Error::success();
}
