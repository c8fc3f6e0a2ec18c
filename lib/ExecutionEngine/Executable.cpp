//===- Executable.cpp - Call compiled functions ---------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/ExecutionEngine/Executable.h"
#include "dropout/Runtime/Runtime.h"

#include "llvm/ADT/bit.h"
#include "llvm/ExecutionEngine/Orc/AbsoluteSymbols.h"
#include "llvm/ExecutionEngine/Orc/ExecutionUtils.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;
using namespace mlir::dropout;

char RuntimeError::ID = 0;

int64_t ArrayView::getNumElements() const {
  int64_t result = 1;
  for (int64_t size : shape)
    result *= size;
  return result;
}

Argument Argument::f64(double value) {
  return scalar(ElementType::F64, llvm::bit_cast<uint64_t>(value));
}

Argument Argument::f32(float value) {
  return scalar(ElementType::F32, llvm::bit_cast<uint32_t>(value));
}

void Result::Free::operator()(void *pointer) const { std::free(pointer); }

//===----------------------------------------------------------------------===//
// Loading
//===----------------------------------------------------------------------===//

/// Adds `i32 name(ptr pointers)`, which calls the entry point with what the
/// pointers point to.
static void addInvoker(llvm::Module &module, const Signature &signature,
                       const Twine &name) {
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

/// The runtime functions that compiled code calls.
static void addRuntimeSymbols(llvm::orc::SymbolMap &symbols,
                              llvm::orc::MangleAndInterner mangle) {
  auto add = [&](StringRef name, auto *function) {
    symbols[mangle(name)] = {llvm::orc::ExecutorAddr::fromPtr(function),
                             llvm::JITSymbolFlags::Exported |
                                 llvm::JITSymbolFlags::Callable};
  };
  add("dropoutCheckP", &dropoutCheckP);
  add("dropoutCheckPForResolution", &dropoutCheckPForResolution);
  add("dropoutClearStatus", &dropoutClearStatus);
  add("dropoutLastStatus", &dropoutLastStatus);
  add("dropoutReserve", &dropoutReserve);
}

Executable::~Executable() = default;

llvm::Expected<std::unique_ptr<Executable>>
Executable::load(std::unique_ptr<Program> program) {
  if (!program)
    return llvm::createStringError("expected a program, but got none");
  std::string reported; // Outlives the session that writes to it.
  std::unique_ptr<Executable> result(new Executable());
  result->signatures = std::move(program->signatures);
  for (auto [index, signature] : llvm::enumerate(result->signatures))
    addInvoker(*program->module, signature, "dropout.invoke." + Twine(index));

  auto builder = llvm::orc::JITTargetMachineBuilder::detectHost();
  if (!builder)
    return builder.takeError();
  builder->setCodeGenOptLevel(program->machine->getOptLevel());
  builder->getOptions().AllowFPOpFusion = llvm::FPOpFusion::Strict;
  auto jit = llvm::orc::LLJITBuilder()
                 .setJITTargetMachineBuilder(std::move(*builder))
                 .create();
  if (!jit)
    return jit.takeError();
  result->jit = std::move(*jit);

  // Errors come back through lookup(); the rest of what the session has to say
  // repeats them.
  llvm::orc::ExecutionSession &session = result->jit->getExecutionSession();
  session.setErrorReporter([&](llvm::Error error) {
    reported += llvm::toString(std::move(error)) + "\n";
  });
  auto fail = [&](llvm::Error error) {
    std::string message = llvm::toString(std::move(error));
    if (!reported.empty())
      message = StringRef(reported).rtrim().str();
    return llvm::createStringError(message);
  };

  llvm::orc::JITDylib &dylib = result->jit->getMainJITDylib();
  llvm::orc::SymbolMap symbols;
  addRuntimeSymbols(symbols, llvm::orc::MangleAndInterner(
                                 session, result->jit->getDataLayout()));
  if (llvm::Error error =
          dylib.define(llvm::orc::absoluteSymbols(std::move(symbols))))
    return error;
  auto process = llvm::orc::DynamicLibrarySearchGenerator::GetForCurrentProcess(
      result->jit->getDataLayout().getGlobalPrefix());
  if (!process)
    return process.takeError();
  dylib.addGenerator(std::move(*process));

  if (llvm::Error error = result->jit->addIRModule(llvm::orc::ThreadSafeModule(
          std::move(program->module), std::move(program->context))))
    return error;
  for (size_t index = 0; index < result->signatures.size(); ++index) {
    auto address =
        result->jit->lookup(("dropout.invoke." + Twine(index)).str());
    if (!address)
      return fail(address.takeError());
    result->invokers.push_back(address->toPtr<int32_t (*)(void **)>());
  }
  session.setErrorReporter(
      [](llvm::Error error) { llvm::consumeError(std::move(error)); });
  return result;
}

llvm::Expected<CompiledFunction> Executable::lookup(StringRef name) const {
  for (auto [signature, invoker] : llvm::zip(signatures, invokers))
    if (signature.name == name)
      return CompiledFunction(&signature, invoker);
  std::string names;
  llvm::raw_string_ostream os(names);
  llvm::interleaveComma(signatures, os, [&](const Signature &signature) {
    os << '\'' << signature.name << '\'';
  });
  return llvm::createStringError("expected the name of a function, but got '" +
                                 name + "'; there is " +
                                 (names.empty() ? "none" : names));
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

namespace {
/// A memref descriptor of any rank: pointer, pointer, offset, sizes, strides.
class Descriptor {
public:
  explicit Descriptor(size_t rank) : words(3 + 2 * rank), rank(rank) {}

  void *getAddress() { return words.data(); }
  void set(void *aligned, int64_t offset, ArrayRef<int64_t> sizes,
           ArrayRef<int64_t> strides) {
    words[0] = words[1] = reinterpret_cast<intptr_t>(aligned);
    words[2] = offset;
    llvm::copy(sizes, words.begin() + 3);
    llvm::copy(strides, words.begin() + 3 + rank);
  }
  void *getAllocated() const { return reinterpret_cast<void *>(words[0]); }
  /// Element [0, ..., 0].
  void *getData(unsigned elementSize) const {
    return reinterpret_cast<char *>(words[1]) + words[2] * elementSize;
  }
  ArrayRef<int64_t> getSizes() const {
    return ArrayRef<int64_t>(words).slice(3, rank);
  }
  ArrayRef<int64_t> getStrides() const {
    return ArrayRef<int64_t>(words).slice(3 + rank, rank);
  }

private:
  SmallVector<int64_t, 11> words;
  size_t rank;
  static_assert(sizeof(void *) == sizeof(int64_t), "64-bit hosts only");
};
} // namespace

llvm::Expected<std::vector<Result>>
CompiledFunction::call(ArrayRef<Argument> arguments) const {
  const std::vector<ValueType> &types = signature->arguments;
  if (arguments.size() != types.size())
    return llvm::createStringError(
        "expected " + Twine(types.size()) + " arguments of function '" +
        signature->name + "', but got " + Twine(arguments.size()));

  // Storage for scalars and descriptors; deques, since addresses are taken.
  SmallVector<uint64_t> scalars(types.size() + signature->results.size());
  std::vector<Descriptor> descriptors;
  descriptors.reserve(scalars.size());
  SmallVector<void *> pointers;
  for (auto [index, type, argument] : llvm::enumerate(types, arguments)) {
    const ArrayView &view = argument.view;
    std::string what = ("argument #" + Twine(index)).str();
    if (argument.isArray != type.isShaped() || view.element != type.element)
      return llvm::createStringError(
          "expected " + what + " of type " + type.text + ", but got " +
          (argument.isArray ? "an array of " : "a scalar ") +
          getElementTypeName(view.element));
    if (!type.isShaped()) {
      // Little-endian hosts: the low bytes come first.
      scalars[index] = argument.bits;
      pointers.push_back(&scalars[index]);
      continue;
    }
    if (llvm::Error error = checkLayout(type, view.shape, view.strides, what))
      return error;
    unsigned size = getElementSize(type.element);
    bool empty = view.getNumElements() == 0;
    if ((!view.data && !empty) ||
        reinterpret_cast<uintptr_t>(view.data) % size != 0)
      return llvm::createStringError("expected the memory of " + what +
                                     " to be aligned to " + Twine(size) +
                                     " bytes and not null");
    // The null pointer would be refused; an empty array is never read.
    void *data = view.data ? view.data : &scalars[index];
    int64_t offset = ShapedType::isDynamic(type.offset) ? 0 : type.offset;
    SmallVector<int64_t, 4> strides(view.strides);
    if (type.isContiguous)
      strides = getContiguousStrides(view.shape);
    descriptors.emplace_back(view.shape.size());
    descriptors.back().set(static_cast<char *>(data) - offset * size, offset,
                           view.shape, strides);
    pointers.push_back(descriptors.back().getAddress());
  }
  size_t firstResult = descriptors.size();
  for (auto [index, type] : llvm::enumerate(signature->results)) {
    if (!type.isShaped()) {
      pointers.push_back(&scalars[types.size() + index]);
      continue;
    }
    descriptors.emplace_back(type.shape.size());
    pointers.push_back(descriptors.back().getAddress());
  }

  int32_t status = invoker(pointers.data());

  std::vector<Result> results;
  for (auto [index, type] : llvm::enumerate(signature->results)) {
    Result result;
    result.view.element = type.element;
    result.isShaped = type.isShaped();
    if (type.isShaped()) {
      const Descriptor &descriptor = descriptors[firstResult++];
      result.memory.reset(descriptor.getAllocated());
      result.view.data = descriptor.getData(getElementSize(type.element));
      result.view.shape.assign(descriptor.getSizes().begin(),
                               descriptor.getSizes().end());
      result.view.strides.assign(descriptor.getStrides().begin(),
                                 descriptor.getStrides().end());
    } else {
      result.bits = scalars[types.size() + index];
    }
    results.push_back(std::move(result));
  }
  if (status == DROPOUT_OK) {
    // A size that the program computed from its arguments.
    for (auto [index, result] : llvm::enumerate(results))
      for (int64_t size : result.view.shape)
        if (size < 0)
          return llvm::createStringError("expected result #" + Twine(index) +
                                         " to have no negative size, but got " +
                                         Twine(size));
    return results;
  }
  const char *message = dropoutLastMessage();
  return llvm::make_error<RuntimeError>(
      status, *message ? message : dropoutStatusName(status));
}
