//===- Program.cpp - Compile a module for this machine --------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/ExecutionEngine/Program.h"
#include "HostTarget.h"
#include "StoredProgram.h"
#include "dropout/ExecutionEngine/ForkGate.h"
#include "dropout/InitAll.h"
#include "dropout/Pipelines/GPUPipelines.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/OpenMP/OpenMPToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/Utils/Cloning.h"
#include "llvm/Transforms/Utils/LoopUtils.h"
#include <mutex>

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

//===----------------------------------------------------------------------===//
// LLVM
//===----------------------------------------------------------------------===//

/// Whether LLVM's own pipeline has something to do for a loop nest: it has no
/// vectors yet (nor says that it is to have none, as a remainder does), or it
/// calls what could be inlined.
static bool needsWholePipeline(const llvm::Loop &nest) {
  bool hasVectors = false;
  for (llvm::BasicBlock *block : nest.blocks())
    for (llvm::Instruction &inst : *block) {
      if (auto *call = llvm::dyn_cast<llvm::CallBase>(&inst)) {
        llvm::Function *callee = call->getCalledFunction();
        if (!callee || !callee->isDeclaration())
          return true;
      }
      hasVectors |= inst.getType()->isVectorTy() ||
                    llvm::any_of(inst.operand_values(), [](llvm::Value *value) {
                      return value->getType()->isVectorTy();
                    });
    }
  return !hasVectors && llvm::getOptionalBoolLoopAttribute(
                            &nest, "llvm.loop.vectorize.enable") != false;
}

static bool needsWholePipeline(llvm::Module &module) {
  for (llvm::Function &function : module) {
    if (function.isDeclaration())
      continue;
    llvm::DominatorTree dominators(function);
    llvm::LoopInfo loops(dominators);
    if (llvm::any_of(
            loops, [](llvm::Loop *nest) { return needsWholePipeline(*nest); }))
      return true;
  }
  return false;
}

/// Registers for bits, and masked loads and stores of all element sizes.
static bool hasMaskRegisters(const llvm::TargetMachine &machine) {
  return machine.getTargetTriple().isX86() &&
         machine.getMCSubtargetInfo()->checkFeatures(
             "+avx512bw,+avx512dq,+avx512vl");
}

/// What loops over vectors need: redundancies and invariants go. Within 2 % of
/// the speed that the whole pipeline gives, in a small part of its time.
/// instcombine would take more than all of these together and find nothing that
/// instruction selection does not, where bits are in registers of their own.
static constexpr llvm::StringLiteral vectorPipeline =
    "function(lower-expect,sroa,early-cse,{0},simplifycfg,"
    "reassociate,loop-mssa(loop-rotate,licm),early-cse,simplifycfg)";

/// Runs LLVM's default pipeline of that level, or a short one if that does it.
static llvm::Error optimize(llvm::Module &module, llvm::TargetMachine &machine,
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
  llvm::ModulePassManager passes;
  if (level == 0)
    passes = builder.buildO0DefaultPipeline(levels[0]);
  else if (level == 3 || needsWholePipeline(module))
    passes = builder.buildPerModuleDefaultPipeline(levels[level]);
  else if (llvm::Error error = builder.parsePassPipeline(
               passes, llvm::formatv(vectorPipeline.data(),
                                     hasMaskRegisters(machine)
                                         ? "instsimplify"
                                         : "instcombine<no-verify-fixpoint>")
                           .str()))
    return error;
  passes.run(module, modules);
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// MLIR
//===----------------------------------------------------------------------===//

/// All that a program may need; put together once.
static const DialectRegistry &getRegistry() {
  static const DialectRegistry registry = [] {
    DialectRegistry result;
    registerAllDialects(result);
    registerAllExtensions(result);
    registerBuiltinDialectTranslation(result);
    registerLLVMDialectTranslation(result);
    registerOpenMPDialectTranslation(result);
    return result;
  }();
  return registry;
}

/// The part of the pipeline's options that follows from the target.
static void setTargetOptions(DropoutToLLVMOptions &pipeline,
                             const llvm::TargetMachine &machine) {
  const llvm::MCSubtargetInfo &subtarget = *machine.getMCSubtargetInfo();
  bool isX86 = machine.getTargetTriple().isX86();
  bool hasAVX512 = hasMaskRegisters(machine);
  bool hasAVX2 = isX86 && subtarget.checkFeatures("+avx2");
  pipeline.vectorBits = hasAVX512 ? 512 : hasAVX2 ? 256 : 128;
  pipeline.maskedMemory = hasAVX512;
  pipeline.nativeF16 = !isX86 || subtarget.checkFeatures("+f16c");
}

/// Adds the pipeline for the device, with host code for that machine.
static void addPasses(PassManager &pm, const CompileOptions &options,
                      const llvm::TargetMachine &machine) {
  pm.enableVerifier(options.verifyEach);
  if (options.device == Device::Cuda) {
    DropoutToPTXOptions pipeline;
    if (!options.chip.empty())
      pipeline.chip = options.chip;
    pipeline.unload = true;
    if (options.kernelFormat == KernelFormat::Binary)
      buildDropoutToCubinPipeline(pm, pipeline);
    else
      buildDropoutToPTXPipeline(pm, pipeline);
    return;
  }
  DropoutToLLVMOptions pipeline;
  pipeline.lowering = options.lowering;
  setTargetOptions(pipeline, machine);
  pipeline.nontemporalBytes = options.nontemporalBytes;
  if (options.vectorMath && hasVectorMath())
    pipeline.vectorMath = VectorMath::Libmvec;
  pipeline.threads = options.threads;
  buildDropoutToLLVMPipeline(pm, pipeline);
}

namespace {
/// A context and the passes that ran in it last: passes collect their patterns
/// once, which takes longer than it takes some of them to run.
class WarmContext {
public:
  WarmContext() : context(getRegistry(), MLIRContext::Threading::DISABLED) {
    context.printOpOnDiagnostic(false);
  }

  MLIRContext *getContext() { return &context; }

  PassManager &getPasses(const CompileOptions &options,
                         const llvm::TargetMachine &machine) {
    if (!passes || options.device != passOptions.device ||
        options.chip != passOptions.chip ||
        options.kernelFormat != passOptions.kernelFormat ||
        options.lowering != passOptions.lowering ||
        options.threads != passOptions.threads ||
        options.nontemporalBytes != passOptions.nontemporalBytes ||
        options.vectorMath != passOptions.vectorMath ||
        options.cpu != passOptions.cpu ||
        options.features != passOptions.features ||
        options.triple != passOptions.triple ||
        options.verifyEach != passOptions.verifyEach) {
      passes.emplace(&context, ModuleOp::getOperationName());
      passOptions = options;
      addPasses(*passes, options, machine);
    }
    return *passes;
  }

  size_t sourceBytes = 0;

private:
  MLIRContext context;
  CompileOptions passOptions;
  std::optional<PassManager> passes;
};

/// Contexts that wait for the next program. A context keeps each type and
/// attribute that it has ever seen, so none lives for ever.
class ContextPool {
public:
  std::unique_ptr<WarmContext> take() {
    {
      std::lock_guard<std::mutex> lock(mutex);
      if (!idle.empty())
        return idle.pop_back_val();
    }
    return std::make_unique<WarmContext>();
  }

  void give(std::unique_ptr<WarmContext> context, size_t sourceBytes) {
    context->sourceBytes += sourceBytes;
    if (context->sourceBytes > maxSourceBytes)
      return;
    std::lock_guard<std::mutex> lock(mutex);
    if (idle.size() < maxIdle)
      idle.push_back(std::move(context));
  }

private:
  static constexpr size_t maxIdle = 4;
  static constexpr size_t maxSourceBytes = 1 << 20;
  std::mutex mutex;
  SmallVector<std::unique_ptr<WarmContext>, maxIdle> idle;
};

/// Makes the errors of MLIR the message of an llvm::Error.
class ErrorCollector {
public:
  ErrorCollector(MLIRContext *context, bool forward) {
    if (!forward)
      handler.emplace(context, [this](Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
          return failure(); // Not ours to judge.
        llvm::raw_string_ostream os(messages);
        printDiagnostic(diagnostic, os);
        return success();
      });
  }

  /// The errors so far; \p what if there is none.
  llvm::Error fail(StringRef what) const {
    StringRef text = StringRef(messages).rtrim();
    return llvm::createStringError(text.empty() ? what : text);
  }

private:
  std::string messages;
  std::optional<ScopedDiagnosticHandler> handler;
};
} // namespace

/// Makes all public functions but one private, and removes what is unused.
static llvm::Error isolate(ModuleOp module, StringRef name) {
  auto function = module.lookupSymbol<func::FuncOp>(name);
  if (!function || function.isExternal() || !function.isPublic())
    return llvm::createStringError(
        "expected the name of a public function with a body, but got '" + name +
        "'");
  for (auto other : module.getOps<func::FuncOp>())
    if (other != function && !other.isExternal())
      other.setPrivate();
  PassManager pm(module.getContext(), ModuleOp::getOperationName());
  pm.enableVerifier(false);
  pm.addPass(createSymbolDCEPass());
  if (failed(pm.run(module)))
    return llvm::createStringError("cannot remove unused functions");
  return llvm::Error::success();
}

llvm::Expected<std::unique_ptr<Program>>
Program::compileSource(StringRef source, CompileOptions options) {
  ForkGate gate;
  static auto *pool = new ContextPool(); // Never destroyed: threads may run on.
  options.forwardDiagnostics = false;    // Nobody else listens.
  std::unique_ptr<WarmContext> warm = pool->take();
  auto program = [&]() -> llvm::Expected<std::unique_ptr<Program>> {
    OwningOpRef<ModuleOp> module;
    {
      ErrorCollector errors(warm->getContext(), /*forward=*/false);
      module = parseSourceString<ModuleOp>(
          source, ParserConfig(warm->getContext()), "source");
      if (!module)
        return errors.fail("cannot read the source");
    }
    return compile(std::move(module), options,
                   [&](const llvm::TargetMachine &machine) -> PassManager & {
                     return warm->getPasses(options, machine);
                   });
  }();
  pool->give(std::move(warm), source.size());
  return program;
}

llvm::Expected<std::unique_ptr<Program>>
Program::compile(OwningOpRef<ModuleOp> module, const CompileOptions &options) {
  if (!module)
    return llvm::createStringError("expected a module, but got none");
  MLIRContext *context = module->getContext();
  context->appendDialectRegistry(getRegistry());
  PassManager pm(context, ModuleOp::getOperationName());
  return compile(std::move(module), options,
                 [&](const llvm::TargetMachine &machine) -> PassManager & {
                   addPasses(pm, options, machine);
                   return pm;
                 });
}

llvm::Expected<std::unique_ptr<Program>> Program::compile(
    OwningOpRef<ModuleOp> module, const CompileOptions &options,
    llvm::function_ref<PassManager &(const llvm::TargetMachine &)> getPasses) {
  if (options.optimizationLevel > 3)
    return llvm::createStringError(
        "expected optimization level 0 to 3, but got " +
        Twine(options.optimizationLevel));
  ErrorCollector errors(module->getContext(), options.forwardDiagnostics);
  if (failed(verify(*module)))
    return errors.fail("expected a module that is valid");
  if (!options.function.empty())
    if (llvm::Error error = isolate(*module, options.function))
      return error;

  auto machine = createTargetMachine(options);
  if (!machine)
    return machine.takeError();

  std::unique_ptr<Program> program(new Program());
  program->signatures = dropout::getSignatures(*module);
  program->device = options.device;

  if (failed(getPasses(**machine).run(*module)) || failed(verify(*module)))
    return errors.fail("could not lower the module to LLVM");

  program->context = std::make_unique<llvm::LLVMContext>();
  program->module =
      translateModuleToLLVMIR(*module, *program->context, "dropout");
  if (!program->module)
    return errors.fail("could not translate the module to LLVM IR");

  program->machine = std::move(*machine);
  program->module->setDataLayout(program->machine->createDataLayout());
  program->module->setTargetTriple(program->machine->getTargetTriple());

  // Only entry points are visible: a function called `main` or `exp` must not
  // meet the C library's.
  llvm::StringSet<> entryPoints;
  for (const Signature &signature : program->signatures)
    entryPoints.insert(signature.entryPoint);
  if (options.device == Device::Cuda)
    entryPoints.insert(unloadName);
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
  if (llvm::Error error = optimize(*program->module, *program->machine,
                                   options.optimizationLevel))
    return error;
  return program;
}

//===----------------------------------------------------------------------===//
// Machine code
//===----------------------------------------------------------------------===//

/// Writes machine code; changes the module.
static llvm::Error generateCode(llvm::Module &module,
                                llvm::TargetMachine &machine,
                                llvm::CodeGenFileType type,
                                llvm::raw_pwrite_stream &os) {
  llvm::legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, os, nullptr, type))
    return llvm::createStringError(
        "the target cannot emit " +
        Twine(type == llvm::CodeGenFileType::ObjectFile ? "object files"
                                                        : "assembly"));
  passes.run(module);
  return llvm::Error::success();
}

/// Adds `i32 name(ptr pointers)`, which calls the entry point with what the
/// pointers point to.
static void addInvoker(llvm::Module &module, const Signature &signature,
                       StringRef name) {
  llvm::Function *entry = module.getFunction(signature.entryPoint);
  llvm::IRBuilder<> builder(module.getContext());
  auto *type = llvm::FunctionType::get(builder.getInt32Ty(),
                                       {builder.getPtrTy()}, false);
  auto *invoker = llvm::Function::Create(
      type, llvm::GlobalValue::ExternalLinkage, name, module);
  builder.SetInsertPoint(
      llvm::BasicBlock::Create(module.getContext(), "", invoker));
  SmallVector<llvm::Value *> operands;
  size_t numArguments = signature.arguments.size();
  for (llvm::Argument &argument : entry->args()) {
    unsigned index = argument.getArgNo();
    llvm::Value *address = builder.CreateLoad(
        builder.getPtrTy(), builder.CreateConstInBoundsGEP1_64(
                                builder.getPtrTy(), invoker->getArg(0), index));
    bool isScalar =
        index < numArguments && !signature.arguments[index].isShaped();
    operands.push_back(
        isScalar ? builder.CreateLoad(argument.getType(), address) : address);
  }
  builder.CreateRet(builder.CreateCall(entry, operands));
}

llvm::Error Program::emitInvocable(llvm::raw_pwrite_stream &os) {
  for (auto [index, signature] : llvm::enumerate(signatures))
    addInvoker(*module, signature, getInvokerName(index));
  return generateCode(*module, *machine, llvm::CodeGenFileType::ObjectFile, os);
}

/// Writes the images of GPU kernels: the globals that dropout-launch-to-runtime
/// makes of each gpu.binary.
static llvm::Error writeKernels(const llvm::Module &module,
                                llvm::raw_ostream &os) {
  bool found = false;
  for (const llvm::GlobalVariable &global : module.globals()) {
    StringRef name = global.getName();
    if (!name.consume_back("_image") || !global.hasInitializer() ||
        !module.getNamedGlobal((name + "_module").str()))
      continue;
    auto *data =
        llvm::dyn_cast<llvm::ConstantDataSequential>(global.getInitializer());
    if (!data)
      continue;
    os << data->getRawDataValues().drop_back(); // All but the NUL.
    found = true;
  }
  if (!found)
    return llvm::createStringError(
        "expected a program with GPU kernels, but there is none");
  return llvm::Error::success();
}

llvm::Error Program::emit(EmitKind kind, llvm::raw_pwrite_stream &os,
                          StringRef name) {
  ForkGate gate;
  if (kind == EmitKind::Header) {
    writeCHeader(signatures, device, name, os);
    return llvm::Error::success();
  }
  if (kind == EmitKind::Kernels)
    return writeKernels(*module, os);
  if (kind == EmitKind::LLVMIR) {
    module->print(os, nullptr);
    return llvm::Error::success();
  }
  // Code generation changes the module.
  std::unique_ptr<llvm::Module> copy = llvm::CloneModule(*module);
  return generateCode(*copy, *machine,
                      kind == EmitKind::Object
                          ? llvm::CodeGenFileType::ObjectFile
                          : llvm::CodeGenFileType::AssemblyFile,
                      os);
}
