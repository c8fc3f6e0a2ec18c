//===- dropout-run.cpp - Compile a file and run a function of it ----------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compiles an MLIR file for this machine and runs a function of it on .npy
// files, or writes the compiled code.
//
//   dropout-run layer.mlir --entry-point=layer --input x.npy --input 0.3
//       --output y.npy --seed 42 --stats
//
// Inputs, one per argument: a literal for a scalar, else a .npy file in C or
// Fortran order. dtypes are those of the elements; bf16 is stored as its bits
// in <u2, i1 as |b1, other integers as signed or unsigned of their width, index
// as 64 bits. Outputs, one per result and then one per memref argument (its
// contents after the call): a .npy file, or - for the terminal; without any,
// all go to the terminal, large ones in brief.
//
// With --cache-dir, or DROPOUT_CACHE_DIR in the environment, compiled programs
// are kept in files of that directory and are not compiled again; without, none
// are kept. --emit always compiles.
//
// Everything is checked before the function runs, and files are written only
// after everything has gone well, each in one step.
//
//===----------------------------------------------------------------------===//

#include "DeviceArrays.h"
#include "Statistics.h"
#include "Timing.h"
#include "dropout/Dialect/Dropout/IR/Dropout.h"
#include "dropout/ExecutionEngine/OutputFile.h"
#include "dropout/InitAll.h"
#include "dropout/Runtime/Runtime.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/WithColor.h"
#include <cstdlib>
#include <cstring>
#include <functional>

using namespace mlir;
using namespace mlir::dropout;
namespace cl = llvm::cl;

//===----------------------------------------------------------------------===//
// Options
//===----------------------------------------------------------------------===//

namespace {

/// Created once LLVM's own options exist: theirs are removed.
struct Options {
  cl::OptionCategory category{"dropout-run options"};

  cl::opt<std::string> file{cl::Positional, cl::desc("FILE.mlir (- is stdin)"),
                            cl::Required, cl::cat(category)};
  cl::opt<std::string> entryPoint{
      "entry-point",
      cl::desc("Function to run (by default the only public one)"),
      cl::value_desc("name"), cl::cat(category)};
  cl::list<std::string> inputs{
      "input",
      cl::desc("Value of the next argument: a .npy file, or a literal for a "
               "scalar (bf16 arrays have dtype <u2)"),
      cl::value_desc("value"), cl::cat(category)};
  cl::list<std::string> outputs{
      "output",
      cl::desc("Where the next result, or after the results the next memref "
               "argument, goes: a .npy file, or - for the terminal"),
      cl::value_desc("file"), cl::cat(category)};
  cl::opt<bool> train{"train", cl::desc("Training mode (the default)"),
                      cl::cat(category)};
  cl::opt<bool> eval{"eval", cl::desc("Evaluation mode"), cl::cat(category)};
  cl::opt<unsigned long long> seed{
      "seed", cl::desc("Seed of the default generator, 0 to 2^64-1"),
      cl::value_desc("n"), cl::cat(category)};
  cl::opt<unsigned long long> offset{
      "offset", cl::desc("Offset of the default generator, 0 to 2^64-1"),
      cl::value_desc("n"), cl::cat(category)};
  cl::list<std::string> generators{
      "generator",
      cl::desc("Create a named generator, or set it if --state has it"),
      cl::value_desc("name=seed[:offset]"), cl::cat(category)};
  cl::opt<std::string> state{
      "state",
      cl::desc("Mode and generators: read before the run if the file exists, "
               "written after it"),
      cl::value_desc("file"), cl::cat(category)};
  cl::opt<Device> device{
      "target",
      cl::desc("Where it runs, or what is emitted runs; same masks for all"),
      cl::init(Device::Cpu),
      cl::values(clEnumValN(Device::Cpu, "cpu", "this machine (the default)"),
                 clEnumValN(Device::Cuda, "cuda",
                            "NVIDIA GPU; arrays are copied in and out")),
      cl::cat(category)};
  cl::opt<std::string> chip{
      "chip",
      cl::desc("GPU architecture, as sm_90 (default: the device's; of --emit "
               "sm_80)"),
      cl::value_desc("name"), cl::cat(category)};
  cl::opt<Lowering, false, LoweringParser> lowering{
      "lowering", cl::desc("How dropout ops become loops; same bits for all"),
      cl::init(Lowering::Vector),
      cl::values(clEnumValN(Lowering::Vector, "vector",
                            "loops over vectors (the default)"),
                 clEnumValN(Lowering::Linalg, "linalg", "scalar loops"),
                 clEnumValN(Lowering::LinalgInline, "linalg-inline",
                            "as arithmetic in linalg bodies from the start"),
                 clEnumValN(Lowering::Affine, "affine", "affine loops")),
      cl::cat(category)};
  cl::opt<int64_t> threads{
      "num-threads",
      cl::desc("Threads that share large outputs (default 1; 0: all that "
               "OpenMP has); same bits for any number"),
      cl::value_desc("n"), cl::init(1), cl::cat(category)};
  cl::opt<bool> noVectorMath{
      "no-vector-math",
      cl::desc(
          "Call libm for each exp, tanh, erf and the like of a vector, not "
          "glibc's libmvec: slow, but the same bits on all machines with "
          "this libm, and objects that link with any"),
      cl::cat(category)};
  cl::opt<std::string> cpu{
      "cpu",
      cl::desc("CPU to generate code for, as of clang's -march (default: this "
               "machine's): x86-64-v3, znver4"),
      cl::value_desc("name"), cl::cat(category)};
  cl::opt<std::string> features{
      "features",
      cl::desc("More features or fewer than the CPU has: +avx2,-fma"),
      cl::value_desc("list"), cl::cat(category)};
  cl::opt<std::string> triple{
      "triple",
      cl::desc("Target of --emit, x86_64 or aarch64 (default: this machine): "
               "aarch64-linux-gnu"),
      cl::value_desc("name"), cl::cat(category)};
  cl::opt<unsigned> optimization{"O",
                                 cl::desc("Optimization level, 0 to 3 "
                                          "(default 2)"),
                                 cl::Prefix, cl::init(2), cl::cat(category)};
  cl::opt<std::string> cacheDir{
      "cache-dir",
      cl::desc("Keep compiled programs in this directory, at most 256 MiB (by "
               "default the one that DROPOUT_CACHE_DIR names, if it is set)"),
      cl::value_desc("directory"), cl::cat(category)};
  cl::opt<bool> noCache{"no-cache",
                        cl::desc("Keep nothing, whatever DROPOUT_CACHE_DIR is"),
                        cl::cat(category)};
  cl::opt<bool> verifyEach{
      "verify-each",
      cl::desc("Verify the module after every pass of the compiler"),
      cl::cat(category)};
  cl::opt<bool> stats{
      "stats",
      cl::desc("Print mean and variance, and the dropped fraction beside p"),
      cl::cat(category)};
  cl::opt<unsigned> time{
      "time",
      cl::desc("Print the median time of n runs and its ratio to a memcpy of "
               "the same bytes"),
      cl::value_desc("n"), cl::cat(category)};
  cl::list<EmitKind> emit{
      "emit", cl::desc("Write the compiled code instead of running it:"),
      cl::CommaSeparated,
      cl::values(clEnumValN(EmitKind::LLVMIR, "llvm", "LLVM IR, optimized"),
                 clEnumValN(EmitKind::Assembly, "asm", "assembly"),
                 clEnumValN(EmitKind::Object, "obj", "object file"),
                 clEnumValN(EmitKind::Header, "header", "C header"),
                 clEnumValN(EmitKind::Kernels, "kernels",
                            "GPU kernels: PTX, or with --cubin machine code")),
      cl::cat(category)};
  cl::opt<bool> cubin{
      "cubin",
      cl::desc("Compile GPU kernels to machine code for --chip by ptxas of the "
               "CUDA toolkit; else the driver compiles them"),
      cl::cat(category)};
  cl::opt<std::string> emitTo{
      "o",
      cl::desc("File for --emit; with several kinds the name without .ll, .s, "
               ".o, .h and .ptx"),
      cl::value_desc("file"), cl::cat(category)};
};

} // namespace

static llvm::Error error(const Twine &message) {
  return llvm::createStringError(message);
}

/// Options that contradict each other.
static llvm::Error checkOptions(const Options &options) {
  if (options.train && options.eval)
    return error("expected --train or --eval, but got both");
  if (options.noCache && options.cacheDir.getNumOccurrences())
    return error("expected --cache-dir or --no-cache, but got both");
  if (options.optimization > 3)
    return error("expected -O0 to -O3, but got -O" +
                 Twine(options.optimization));
  if (options.time.getNumOccurrences() &&
      (options.time == 0 || options.time > 1000000))
    return error("expected --time of 1 to 1000000 runs, but got " +
                 Twine(options.time));
  const std::reference_wrapper<const cl::opt<std::string>> targetOptions[] = {
      options.cpu, options.features, options.triple, options.chip};
  for (const cl::opt<std::string> &option : targetOptions)
    if (option.getNumOccurrences() && option.empty())
      return error("expected --" + option.ArgStr + " of something, but got ''");
  if (options.device == Device::Cpu) {
    if (options.chip.getNumOccurrences() || options.cubin)
      return error("expected --chip and --cubin together with --target=cuda");
    if (llvm::is_contained(options.emit, EmitKind::Kernels))
      return error("expected --emit=kernels together with --target=cuda");
  } else {
    const std::reference_wrapper<const cl::Option> cpuOptions[] = {
        options.lowering, options.threads, options.noVectorMath, options.time};
    for (const cl::Option &option : cpuOptions)
      if (option.getNumOccurrences())
        return error("expected no --" + option.ArgStr +
                     " together with --target=cuda");
  }
  if (options.emit.empty()) {
    if (options.triple.getNumOccurrences())
      return error("expected --triple together with --emit; what runs here is "
                   "for this machine");
    if (options.emitTo.getNumOccurrences())
      return error("expected -o together with --emit; results go to --output");
    return llvm::Error::success();
  }
  const std::reference_wrapper<const cl::Option> runOptions[] = {
      options.inputs, options.outputs,    options.train,    options.eval,
      options.seed,   options.offset,     options.state,    options.stats,
      options.time,   options.generators, options.cacheDir, options.noCache};
  for (const cl::Option &option : runOptions)
    if (option.getNumOccurrences())
      return error("expected no --" + option.ArgStr +
                   " together with --emit, which does not run anything");
  llvm::SmallVector<EmitKind> kinds;
  for (EmitKind kind : options.emit) {
    if (llvm::is_contained(kinds, kind))
      return error("expected each kind of --emit once");
    kinds.push_back(kind);
  }
  if (options.emitTo.empty() &&
      (kinds.size() > 1 || kinds.front() == EmitKind::Object))
    return error("expected -o together with --emit of an object or of several "
                 "kinds");
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// The module
//===----------------------------------------------------------------------===//

/// The function to run, or null if the module has several and none is named.
static llvm::Expected<func::FuncOp> findFunction(ModuleOp module,
                                                 const Options &options) {
  llvm::SmallVector<func::FuncOp> functions;
  for (auto function : module.getOps<func::FuncOp>())
    if (function.isPublic() && !function.isExternal())
      functions.push_back(function);
  std::string names;
  llvm::raw_string_ostream os(names);
  llvm::interleaveComma(functions, os, [&](func::FuncOp function) {
    os << '\'' << function.getSymName() << '\'';
  });
  if (names.empty())
    names = "none";
  if (options.entryPoint.getNumOccurrences() == 0) {
    if (functions.size() == 1)
      return functions.front();
    return error("expected --entry-point to name one of the public functions, "
                 "of which there is " +
                 names);
  }
  Operation *symbol = module.lookupSymbol(options.entryPoint);
  if (!symbol)
    return error("expected a function of the file, but got '" +
                 options.entryPoint + "'; there is " + names);
  auto function = dyn_cast<func::FuncOp>(symbol);
  if (!function)
    return error("expected '" + options.entryPoint +
                 "' to be a func.func, but it is a " +
                 symbol->getName().getStringRef());
  return function;
}

//===----------------------------------------------------------------------===//
// --emit
//===----------------------------------------------------------------------===//

static StringRef getExtension(EmitKind kind, const Options &options) {
  switch (kind) {
  case EmitKind::LLVMIR:
    return ".ll";
  case EmitKind::Assembly:
    return ".s";
  case EmitKind::Object:
    return ".o";
  case EmitKind::Header:
    return ".h";
  case EmitKind::Kernels:
    return options.cubin ? ".cubin" : ".ptx";
  }
  llvm_unreachable("unknown kind");
}

static llvm::Error emit(OwningOpRef<ModuleOp> module, const Options &options,
                        const CompileOptions &compileOptions) {
  // Names of files, and the one that the header is known by.
  std::string base = options.emitTo;
  if (options.emit.size() > 1) {
    StringRef extension = llvm::sys::path::extension(base);
    if (llvm::is_contained({".ll", ".s", ".o", ".h", ".ptx", ".cubin"},
                           extension))
      base.resize(base.size() - extension.size());
  }
  StringRef stem = llvm::sys::path::stem(base);
  std::vector<std::unique_ptr<OutputFile>> files;
  for (EmitKind kind : options.emit) {
    if (base.empty() || base == "-")
      break;
    auto file = OutputFile::create(
        options.emit.size() > 1 ? base + getExtension(kind, options).str()
                                : base);
    if (!file)
      return file.takeError();
    files.push_back(std::move(*file));
  }

  auto program = Program::compile(std::move(module), compileOptions);
  if (!program)
    return program.takeError();
  if ((*program)->getSignatures().empty())
    return error("expected a public function that C can call, but there is "
                 "none");
  StringRef name = stem.empty() || stem == "-" ? "dropout_program" : stem;
  for (auto [index, kind] : llvm::enumerate(options.emit)) {
    if (index < files.size()) {
      if (llvm::Error e = (*program)->emit(kind, files[index]->os(), name))
        return e;
      continue;
    }
    llvm::SmallString<0> buffer;
    llvm::raw_svector_ostream os(buffer);
    if (llvm::Error e = (*program)->emit(kind, os, name))
      return e;
    llvm::outs() << buffer;
  }
  for (auto &file : files)
    if (llvm::Error e = file->finish())
      return e;
  for (auto &file : files)
    if (llvm::Error e = file->commit())
      return e;
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

/// The runtime's error, after a call that has failed.
static llvm::Error takeRuntimeError(const Twine &what) {
  std::string message = dropoutLastMessage();
  dropoutClearStatus();
  return error(what + message);
}

/// Creates or sets the generator of `name=seed[:offset]`.
static llvm::Error setGenerator(StringRef text) {
  auto [name, numbers] = text.rsplit('=');
  auto [seedText, offsetText] = numbers.split(':');
  uint64_t seed = 0, offset = 0;
  if (!text.contains('=') || seedText.getAsInteger(0, seed) ||
      (numbers.contains(':') && offsetText.getAsInteger(0, offset)))
    return error("expected --generator name=seed[:offset], but got '" + text +
                 "'");
  std::string nameText = name.str();
  int32_t status = dropoutGeneratorExists(nameText.c_str())
                       ? dropoutGeneratorSet(nameText.c_str(), seed, offset)
                       : dropoutGeneratorCreate(nameText.c_str(), seed, offset);
  return status == DROPOUT_OK ? llvm::Error::success()
                              : takeRuntimeError("--generator: ");
}

/// Brings the runtime into the state that the options ask for.
static llvm::Error setState(const Options &options) {
  if (!options.state.empty() && llvm::sys::fs::exists(options.state)) {
    auto buffer = llvm::MemoryBuffer::getFile(options.state, /*IsText=*/false,
                                              /*RequiresNullTerminator=*/false);
    if (!buffer)
      return error(options.state + ": " + buffer.getError().message());
    if (dropoutStateRestore((*buffer)->getBufferStart(),
                            (*buffer)->getBufferSize()) != DROPOUT_OK)
      return takeRuntimeError(options.state + ": ");
  }
  uint64_t seed = 0, offset = 0;
  dropoutGeneratorGet(nullptr, &seed, &offset);
  // A new seed starts from the beginning.
  if (options.seed.getNumOccurrences()) {
    seed = options.seed;
    offset = 0;
  }
  if (options.offset.getNumOccurrences())
    offset = options.offset;
  dropoutGeneratorSet(nullptr, seed, offset);
  for (const std::string &generator : options.generators)
    if (llvm::Error e = setGenerator(generator))
      return e;
  if (options.train || options.eval)
    dropoutSetTraining(options.train ? DROPOUT_TRAIN : DROPOUT_EVAL);
  return llvm::Error::success();
}

static llvm::Error writeState(llvm::raw_ostream &os) {
  size_t size = 0;
  std::vector<char> blob;
  while (true) {
    int32_t status = dropoutStateSave(blob.data(), blob.size(), &size);
    if (status == DROPOUT_OK && blob.size() == size)
      break;
    if (status != DROPOUT_OK && status != DROPOUT_BUFFER_TOO_SMALL)
      return takeRuntimeError("cannot save the state: ");
    dropoutClearStatus();
    blob.resize(size);
  }
  os.write(blob.data(), blob.size());
  return llvm::Error::success();
}

namespace {
/// A result or an in-place buffer of the call.
struct Output {
  std::string name;
  const ValueType *type;
  ArrayView view;
  NpyType fileType;
};
} // namespace

/// "argument #0", "result #1".
static std::string getName(StringRef what, size_t index) {
  return (what + " #" + Twine(index)).str();
}

/// "12.5 us", "3.21 ms".
static std::string formatTime(double seconds) {
  std::string result;
  llvm::raw_string_ostream os(result);
  if (seconds < 1e-3)
    os << llvm::format("%.3g us", seconds * 1e6);
  else if (seconds < 1)
    os << llvm::format("%.3g ms", seconds * 1e3);
  else
    os << llvm::format("%.3g s", seconds);
  return result;
}

/// Prints what --stats asks for.
static void printStatistics(ArrayRef<VisibleDropout> ops,
                            ArrayRef<Input> inputs, ArrayRef<ArrayView> before,
                            ArrayRef<Output> outputs, size_t numResults,
                            ArrayRef<size_t> memrefs) {
  llvm::raw_ostream &os = llvm::outs();
  for (auto [index, input] : llvm::enumerate(inputs))
    if (input.type->isShaped())
      printMoments(os, "in  " + getName("argument", index), input.type->text,
                   before[index]);
  for (const Output &output : outputs)
    if (output.type->isShaped())
      printMoments(os, "out " + output.name, output.type->text, output.view);
  for (const VisibleDropout &op : ops) {
    const Output *output =
        op.outputIsResult
            ? &outputs[op.output]
            : &outputs[numResults +
                       (llvm::find(memrefs, op.output) - memrefs.begin())];
    double p = op.p ? *op.p
                    : getAsDouble(inputs[op.pArgument].type->element,
                                  &inputs[op.pArgument].bits);
    bool training = op.training.value_or(dropoutIsTraining());
    if (op.trainingArgument)
      training = inputs[*op.trainingArgument].bits & 1;
    printDropped(os, op, p, training, before[op.input], output->view);
  }
}

/// Dynamic sizes of an operand and of its destination must be equal when the op
/// runs ([F2]); here those that are both arguments can be compared.
static llvm::Error checkDestinations(func::FuncOp function,
                                     ArrayRef<Input> inputs) {
  std::string message;
  auto findInput = [&](Value value) -> const Input * {
    auto argument = dyn_cast_or_null<BlockArgument>(value);
    if (!argument || argument.getOwner() != &function.front())
      return nullptr;
    return &inputs[argument.getArgNumber()];
  };
  function.walk([&](DropoutOpInterface op) {
    const Input *source = findInput(op.getSource());
    const Input *dest = findInput(op.getDest());
    if (!message.empty() || !source || !dest ||
        source->view.shape == dest->view.shape)
      return;
    llvm::raw_string_ostream os(message);
    os << "expected argument #"
       << cast<BlockArgument>(op.getDest()).getArgNumber()
       << ", the destination of argument #"
       << cast<BlockArgument>(op.getSource()).getArgNumber()
       << ", to have its shape [";
    llvm::interleaveComma(source->view.shape, os);
    os << "], but got [";
    llvm::interleaveComma(dest->view.shape, os);
    os << "]";
  });
  return message.empty() ? llvm::Error::success() : error(message);
}

/// The cache that the options and the environment ask for; null for none. A
/// tool that people call by hand leaves no files that they did not ask for, so
/// the default directory of the library is not used.
static llvm::Expected<std::unique_ptr<ObjectCache>>
openCache(const Options &options) {
  if (options.cacheDir.getNumOccurrences()) {
    auto cache = ObjectCache::open(options.cacheDir);
    if (!cache)
      return error("--cache-dir: " + toString(cache.takeError()));
    return cache;
  }
  if (options.noCache || !std::getenv("DROPOUT_CACHE_DIR"))
    return nullptr;
  return ObjectCache::openDefault();
}

static llvm::Error run(OwningOpRef<ModuleOp> module, func::FuncOp function,
                       StringRef source, const Options &options,
                       const CompileOptions &compileOptions) {
  auto signature = getSignature(function);
  if (!signature)
    return signature.takeError();
  const std::string name = signature->name;

  // Everything that can be wrong is found before anything is compiled.
  size_t numArguments = signature->arguments.size();
  if (options.inputs.size() != numArguments)
    return error("expected " + Twine(numArguments) + " --input for function '" +
                 name + "', but got " + Twine(options.inputs.size()));
  SmallVector<size_t> memrefs;
  for (auto [index, type] : llvm::enumerate(signature->arguments))
    if (type.kind == ValueType::Kind::MemRef)
      memrefs.push_back(index);
  size_t numResults = signature->results.size();
  size_t numOutputs = numResults + memrefs.size();
  if (!options.outputs.empty() && options.outputs.size() != numOutputs)
    return error("expected no --output or " + Twine(numOutputs) +
                 " (one per result, then one per memref argument) for "
                 "function '" +
                 name + "', but got " + Twine(options.outputs.size()));
  std::vector<Input> inputs;
  for (auto [index, type] : llvm::enumerate(signature->arguments)) {
    auto input =
        readInput(type, options.inputs[index], getName("argument", index));
    if (!input)
      return input.takeError();
    inputs.push_back(std::move(*input));
  }
  if (llvm::Error e = checkDestinations(function, inputs))
    return e;
  if (llvm::Error e = setState(options))
    return e;
  std::vector<std::unique_ptr<OutputFile>> files(numOutputs);
  std::unique_ptr<OutputFile> stateFile;
  llvm::StringSet<> paths;
  auto open = [&](StringRef path,
                  std::unique_ptr<OutputFile> &file) -> llvm::Error {
    if (!paths.insert(path).second)
      return error("expected each output file once, but got '" + path +
                   "' twice");
    auto opened = OutputFile::create(path);
    if (!opened)
      return opened.takeError();
    file = std::move(*opened);
    return llvm::Error::success();
  };
  for (auto [index, path] : llvm::enumerate(options.outputs)) {
    if (path == "-")
      continue;
    if (llvm::Error e = open(path, files[index]))
      return e;
  }
  if (!options.state.empty())
    if (llvm::Error e = open(options.state, stateFile))
      return e;

  std::vector<VisibleDropout> ops;
  if (options.stats)
    ops = findVisibleDropout(function);
  auto cache = openCache(options);
  if (!cache)
    return cache.takeError();
  auto executable =
      Executable::compile(source, compileOptions, cache->get(), [&] {
        return Program::compile(std::move(module), compileOptions);
      });
  if (!executable)
    return executable.takeError();
  auto compiled = (*executable)->lookup(name);
  if (!compiled)
    return compiled.takeError();

  // In-place buffers as they were, for the statistics.
  std::vector<ArrayView> before;
  std::vector<std::unique_ptr<char[]>> copies;
  for (Input &input : inputs) {
    before.push_back(input.view);
    if (!options.stats || input.type->kind != ValueType::Kind::MemRef)
      continue;
    copies.emplace_back(new char[input.memorySize]);
    std::memcpy(copies.back().get(), input.memory.get(), input.memorySize);
    before.back().data = copies.back().get();
  }

  DeviceArrays deviceArrays;
  SmallVector<Argument> arguments;
  for (auto [index, input] : llvm::enumerate(inputs)) {
    if (compileOptions.device == Device::Cpu || !input.type->isShaped()) {
      arguments.push_back(input.getArgument());
      continue;
    }
    auto copy = deviceArrays.copyToDevice(index, input.view);
    if (!copy)
      return copy.takeError();
    arguments.push_back(Argument::array(*copy));
  }
  auto results = compiled->call(arguments);
  if (!results)
    return results.takeError();
  if (compileOptions.device == Device::Cuda)
    if (llvm::Error e = deviceArrays.copyBack(memrefs))
      return e;

  std::vector<Output> outputs;
  SmallVector<uint64_t> scalars(numResults);
  for (auto [index, result] : llvm::enumerate(*results)) {
    const ValueType &type = compiled->getSignature().results[index];
    Output output = {getName("result", index), &type, result.getArray(),
                     getNpyType(type.element)};
    if (!result.isArray()) {
      scalars[index] = result.getBits();
      output.view.data = &scalars[index];
    } else if (compileOptions.device == Device::Cuda) {
      auto copy = deviceArrays.copyToHost(output.view);
      if (!copy)
        return copy.takeError();
      output.view = *copy;
    }
    outputs.push_back(std::move(output));
  }
  for (size_t index : memrefs)
    outputs.push_back({getName("argument", index), inputs[index].type,
                       inputs[index].view, inputs[index].fileType});

  // What is written must not be touched by the runs that are timed.
  for (auto [output, file] : llvm::zip(outputs, files))
    if (file)
      writeNpy(file->os(), output.fileType, output.view.shape,
               output.view.strides, output.view.data);
  if (stateFile)
    if (llvm::Error e = writeState(stateFile->os()))
      return e;

  std::optional<Timing> timing;
  if (options.time) {
    auto measured = timeFunction(*compiled, inputs, options.time);
    if (!measured)
      return measured.takeError();
    timing = *measured;
  }
  for (auto &file : files)
    if (file)
      if (llvm::Error e = file->finish())
        return e;
  if (stateFile)
    if (llvm::Error e = stateFile->finish())
      return e;

  llvm::raw_ostream &os = llvm::outs();
  for (auto [output, file] : llvm::zip(outputs, files))
    if (!file) {
      os << output.name << " : " << output.type->text << " = ";
      printValue(os, output.view);
      os << '\n';
    }
  if (options.stats)
    printStatistics(ops, inputs, before, outputs, numResults, memrefs);
  if (timing) {
    os << "time: median of " << unsigned(options.time) << " runs "
       << formatTime(timing->function);
    if (timing->copiedBytes)
      os << llvm::format(", %.2f", timing->function / timing->copy)
         << " x memcpy of " << timing->copiedBytes << " bytes ("
         << formatTime(timing->copy) << ')';
    os << '\n';
  }
  os.flush();

  for (auto &file : files)
    if (file)
      if (llvm::Error e = file->commit())
        return e;
  if (stateFile)
    if (llvm::Error e = stateFile->commit())
      return e;
  return llvm::Error::success();
}

static llvm::Error runMain(const Options &options) {
  if (llvm::Error e = checkOptions(options))
    return e;
  std::string message;
  std::unique_ptr<llvm::MemoryBuffer> buffer =
      openInputFile(options.file, &message);
  if (!buffer)
    return error(message);

  DialectRegistry registry;
  registerAllDialects(registry);
  registerAllExtensions(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  context.printOpOnDiagnostic(false); // The source line says it better.
  StringRef source = buffer->getBuffer();
  auto sources = std::make_shared<llvm::SourceMgr>();
  sources->AddNewSourceBuffer(std::move(buffer), llvm::SMLoc());
  SourceMgrDiagnosticHandler handler(*sources, &context);
  OwningOpRef<ModuleOp> module =
      parseSourceFile<ModuleOp>(sources, ParserConfig(&context));
  if (!module)
    return error("cannot read " + options.file);

  CompileOptions compileOptions;
  compileOptions.device = options.device;
  compileOptions.chip = options.chip;
  compileOptions.kernelFormat =
      options.cubin ? KernelFormat::Binary : KernelFormat::Assembly;
  compileOptions.lowering = options.lowering;
  compileOptions.optimizationLevel = options.optimization;
  compileOptions.threads = options.threads;
  compileOptions.vectorMath = !options.noVectorMath;
  compileOptions.cpu = options.cpu;
  compileOptions.features = options.features;
  compileOptions.triple = options.triple;
  compileOptions.verifyEach = options.verifyEach;
  compileOptions.forwardDiagnostics = true;

  if (!options.emit.empty() && !options.entryPoint.getNumOccurrences())
    return emit(std::move(module), options, compileOptions);
  auto function = findFunction(*module, options);
  if (!function)
    return function.takeError();
  // The others, which are not used, need not compile.
  compileOptions.function = function->getSymName().str();
  if (options.emit.empty()) {
    if (options.device == Device::Cuda && options.chip.empty()) {
      auto chip = getCudaChip();
      if (!chip)
        return chip.takeError();
      compileOptions.chip = std::move(*chip);
    }
    return run(std::move(module), *function, source, options, compileOptions);
  }
  auto signature = getSignature(*function);
  if (!signature)
    return signature.takeError();
  return emit(std::move(module), options, compileOptions);
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  keepFreedMemory();

  // LLVM defines options of its own while it parses, --stats among them, which
  // is another thing.
  const char *name = argv[0];
  cl::ParseCommandLineOptions(1, &name);
  if (cl::Option *other = cl::getRegisteredOptions().lookup("stats"))
    other->removeArgument();

  Options options;
  cl::HideUnrelatedOptions(options.category);
  std::string message;
  llvm::raw_string_ostream os(message);
  if (!cl::ParseCommandLineOptions(
          argc, argv, "Compiles an MLIR file and runs a function of it\n",
          &os)) {
    StringRef text = StringRef(message).trim();
    text.consume_front((llvm::sys::path::filename(argv[0]) + ": ").str());
    // Options report values that they refuse on their own.
    llvm::WithColor::error()
        << (text.empty() ? "cannot read the command line" : text) << '\n';
    return 1;
  }
  if (llvm::Error e = runMain(options)) {
    llvm::handleAllErrors(std::move(e), [](const llvm::ErrorInfoBase &info) {
      llvm::WithColor::error() << info.message() << '\n';
    });
    return 1;
  }
  return 0;
}
