//===- Executable.cpp - Call compiled functions ---------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/ExecutionEngine/Executable.h"
#include "HostTarget.h"
#include "LinkedObject.h"
#include "StoredProgram.h"
#include "dropout/ExecutionEngine/ForkGate.h"
#include "dropout/Runtime/Cuda.h"
#include "dropout/Runtime/Runtime.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/DynamicLibrary.h"
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

void Result::Free::operator()(void *pointer) const {
  if (device == Device::Cuda)
    (void)dropoutCudaFree(pointer);
  else
    std::free(pointer);
}

//===----------------------------------------------------------------------===//
// Loading
//===----------------------------------------------------------------------===//

/// The runtime functions that compiled code calls.
static void *findRuntimeFunction(StringRef name) {
  static const llvm::StringMap<void *> functions = [] {
    llvm::StringMap<void *> result;
    auto add = [&](StringRef name, auto *function) {
      result[name] = reinterpret_cast<void *>(function);
    };
    add("dropoutCheckP", &dropoutCheckP);
    add("dropoutCheckPForResolution", &dropoutCheckPForResolution);
    add("dropoutClearStatus", &dropoutClearStatus);
    add("dropoutLastStatus", &dropoutLastStatus);
    add("dropoutRecordError", &dropoutRecordError);
    add("dropoutReserve", &dropoutReserve);
    add("dropoutCudaAllocate", &dropoutCudaAllocate);
    add("dropoutCudaCheckPointer", &dropoutCudaCheckPointer);
    add("dropoutCudaFree", &dropoutCudaFree);
    add("dropoutCudaLaunch", &dropoutCudaLaunch);
    add("dropoutCudaUnload", &dropoutCudaUnload);
    return result;
  }();
  return functions.lookup(name);
}

static bool isOpenMPFunction(StringRef name) {
  return name.starts_with("__kmpc_") || name.starts_with("omp_");
}

/// LLVM's OpenMP runtime, loaded by the first program with threads unless the
/// process has one: two in one process would not know of each other.
static llvm::sys::DynamicLibrary &getOpenMP() {
  static llvm::sys::DynamicLibrary library =
      llvm::sys::DynamicLibrary::getPermanentLibrary("libomp.so.5");
  return library;
}

/// Any function that compiled code calls.
static void *findFunction(StringRef name) {
  if (void *address = findRuntimeFunction(name))
    return address;
  static llvm::sys::DynamicLibrary process =
      llvm::sys::DynamicLibrary::getPermanentLibrary(nullptr);
  if (void *address = process.getAddressOfSymbol(name.str().c_str()))
    return address;
  if (void *address = findVectorFunction(name))
    return address;
  return isOpenMPFunction(name)
             ? getOpenMP().getAddressOfSymbol(name.str().c_str())
             : nullptr;
}

Executable::Executable() = default;
Executable::~Executable() {
  ForkGate gate;
  if (unload)
    unload();
  object.reset();
}

llvm::Expected<std::unique_ptr<Executable>>
Executable::link(std::vector<Signature> signatures, Device device,
                 StringRef object) {
  std::vector<std::string> names;
  for (size_t index = 0; index < signatures.size(); ++index)
    names.push_back(getInvokerName(index));
  if (device == Device::Cuda)
    names.push_back(unloadName.str());
  bool missesOpenMP = false;
  auto linked = LinkedObject::link(
      llvm::MemoryBufferRef(object, "dropout"), names, [&](StringRef name) {
        void *address = findFunction(name);
        missesOpenMP |= !address && isOpenMPFunction(name);
        return address;
      });
  if (!linked && missesOpenMP) {
    llvm::consumeError(linked.takeError());
    return llvm::createStringError(
        "expected LLVM's OpenMP runtime for a program with threads, but could "
        "not load libomp.so.5 (Debian: libomp5)");
  }
  if (!linked)
    return linked.takeError();
  std::unique_ptr<Executable> result(new Executable());
  for (void *address : (*linked)->getAddresses().take_front(signatures.size()))
    result->invokers.push_back(reinterpret_cast<int32_t (*)(void **)>(address));
  if (device == Device::Cuda)
    result->unload =
        reinterpret_cast<void (*)()>((*linked)->getAddresses().back());
  result->device = device;
  result->signatures = std::move(signatures);
  result->object = std::move(*linked);
  return result;
}

llvm::Expected<std::unique_ptr<Executable>>
Executable::load(std::unique_ptr<Program> program) {
  ForkGate gate;
  if (!program)
    return llvm::createStringError("expected a program, but got none");
  if (llvm::Error error = checkRunsHere(*program->machine))
    return error;
  llvm::SmallString<0> object;
  llvm::raw_svector_ostream os(object);
  if (llvm::Error error = program->emitInvocable(os))
    return error;
  return link(std::move(program->signatures), program->device, object);
}

llvm::Expected<std::unique_ptr<Executable>>
Executable::compile(StringRef source, const CompileOptions &options,
                    ObjectCache *cache) {
  CompileOptions resolved = options;
  if (options.device == Device::Cuda && options.chip.empty()) {
    auto chip = getCudaChip();
    if (!chip)
      return chip.takeError();
    resolved.chip = std::move(*chip);
  }
  return compile(source, resolved, cache,
                 [&] { return Program::compileSource(source, resolved); });
}

llvm::Expected<std::unique_ptr<Executable>> Executable::compile(
    StringRef source, const CompileOptions &options, ObjectCache *cache,
    llvm::function_ref<llvm::Expected<std::unique_ptr<Program>>()> compile) {
  ForkGate gate;
  if (llvm::Error error = checkRunsHere(options))
    return error;
  std::optional<ObjectKey> key;
  if (cache)
    key = getObjectKey(source, options);
  if (key)
    if (std::unique_ptr<llvm::MemoryBuffer> bytes = cache->lookup(*key))
      if (auto stored = StoredProgram::read(bytes->getBuffer())) {
        auto result =
            link(std::move(stored->signatures), options.device, stored->object);
        if (result)
          return result;
        // The same without the cache, or not: either way compiling is right.
        llvm::consumeError(result.takeError());
      }

  auto program = compile();
  if (!program)
    return program.takeError();
  llvm::SmallString<0> object;
  llvm::raw_svector_ostream os(object);
  if (llvm::Error error = (*program)->emitInvocable(os))
    return error;
  llvm::SmallString<0> bytes;
  if (key)
    bytes = StoredProgram{(*program)->signatures, object}.write();
  auto result =
      link(std::move((*program)->signatures), (*program)->device, object);
  // What does not run here is not kept. That it can't be kept is no error.
  if (result && key)
    cache->store(*key, bytes);
  return result;
}

llvm::Expected<CompiledFunction> Executable::lookup(StringRef name) const {
  for (auto [signature, invoker] : llvm::zip(signatures, invokers))
    if (signature.name == name)
      return CompiledFunction(&signature, invoker, device);
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

  // Storage for scalars and descriptors: it must not move, as addresses are
  // taken.
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
      result.memory = {descriptor.getAllocated(), Result::Free(device)};
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
