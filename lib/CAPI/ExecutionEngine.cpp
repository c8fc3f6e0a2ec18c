//===- ExecutionEngine.cpp - C API: compile and run programs --------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout-c/ExecutionEngine.h"
#include "Status.h"
#include "dropout/ExecutionEngine/Executable.h"
#include "dropout/ExecutionEngine/ForkGate.h"

#include <cstdlib>
#include <cstring>
#include <deque>

using namespace mlir;
using namespace mlir::dropout;
using namespace mlir::dropout::capi;

struct DropoutExecutable {
  std::unique_ptr<Executable> executable;
  std::vector<CompiledFunction> functions;
  /// One per function: its arguments and results.
  std::vector<std::vector<DropoutValueType>> types;
  /// What `types` point to; elements of a deque stay where they are.
  std::deque<SmallVector<int64_t, 4>> shapes;
};

static constexpr size_t maxResultRank = 16;

/// A copy that the caller frees; null if there is no memory for it.
static char *copyBytes(StringRef bytes) {
  auto *copy = static_cast<char *>(std::malloc(bytes.size() + 1));
  if (!copy)
    return nullptr;
  std::memcpy(copy, bytes.data(), bytes.size());
  copy[bytes.size()] = 0;
  return copy;
}

/// Records the error, and gives its whole text to the caller as well: the slot
/// keeps a line, and diagnostics have many.
static int32_t fail(llvm::Error error, char **message) {
  auto [status, text] = takeStatus(std::move(error));
  if (message)
    *message = copyBytes(text);
  StringRef line = StringRef(text).split('\n').first;
  return dropoutRecordError(status, line.str().c_str());
}

static llvm::Expected<CompileOptions>
unwrap(const DropoutCompileOptions *options) {
  if (!options)
    return refuse("expected compile options, but got a null pointer");
  auto text = [](const char *string) { return string ? string : ""; };
  CompileOptions result;
  result.function = text(options->function);
  result.cpu = text(options->cpu);
  result.features = text(options->features);
  StringRef lowering = text(options->lowering);
  bool known = false;
  for (Lowering value : {Lowering::Vector, Lowering::Linalg,
                         Lowering::LinalgInline, Lowering::Affine})
    if (getLoweringName(value) == lowering) {
      result.lowering = value;
      known = true;
    }
  if (!known && !lowering.empty())
    return refuse("expected lowering to be vector, linalg, linalg-inline or "
                  "affine, but got '" +
                  lowering + "'");
  if (options->threads < 0 || options->threads > 1024)
    return refuse("expected threads in [0, 1024], but got " +
                  Twine(options->threads));
  if (options->nontemporalBytes < 0)
    return refuse("expected nontemporal bytes that are not negative, but got " +
                  Twine(options->nontemporalBytes));
  if (options->optimizationLevel < 0 || options->optimizationLevel > 3)
    return refuse("expected an optimization level in [0, 3], but got " +
                  Twine(options->optimizationLevel));
  result.threads = options->threads;
  result.nontemporalBytes = options->nontemporalBytes;
  result.optimizationLevel = unsigned(options->optimizationLevel);
  result.vectorMath = options->vectorMath != 0;
  return result;
}

static DropoutValueType wrap(const ValueType &type,
                             std::deque<SmallVector<int64_t, 4>> &shapes) {
  SmallVector<int64_t, 4> &shape = shapes.emplace_back(type.shape);
  std::replace(shape.begin(), shape.end(), ShapedType::kDynamic, int64_t(-1));
  DropoutValueType result = {};
  result.isArray = type.isShaped();
  result.isMemRef = type.kind == ValueType::Kind::MemRef;
  result.elementType = int32_t(type.element);
  result.rank = int32_t(shape.size());
  result.shape = shape.data();
  result.text = type.text.c_str();
  return result;
}

DropoutCompileOptions dropoutGetDefaultCompileOptions() {
  CompileOptions defaults;
  DropoutCompileOptions options = {};
  options.lowering = "vector";
  options.threads = defaults.threads;
  options.nontemporalBytes = defaults.nontemporalBytes;
  options.optimizationLevel = int32_t(defaults.optimizationLevel);
  options.vectorMath = defaults.vectorMath;
  options.useCache = 1;
  return options;
}

static llvm::Expected<std::unique_ptr<DropoutExecutable>>
compile(const char *source, size_t size, const DropoutCompileOptions *options) {
  if (!source)
    return refuse("expected a source, but got a null pointer");
  auto unwrapped = unwrap(options);
  if (!unwrapped)
    return unwrapped.takeError();
  std::unique_ptr<ObjectCache> cache;
  if (options->useCache) {
    auto opened = ObjectCache::openDefault();
    if (!opened)
      return opened.takeError();
    cache = std::move(*opened);
  }
  auto executable =
      Executable::compile(StringRef(source, size), *unwrapped, cache.get());
  if (!executable)
    return executable.takeError();
  auto result = std::make_unique<DropoutExecutable>();
  result->executable = std::move(*executable);
  for (const Signature &signature : result->executable->getSignatures()) {
    auto function = result->executable->lookup(signature.name);
    if (!function)
      return function.takeError();
    result->functions.push_back(*function);
    std::vector<DropoutValueType> types;
    types.reserve(signature.arguments.size() + signature.results.size());
    for (const ValueType &type : signature.arguments)
      types.push_back(wrap(type, result->shapes));
    for (const ValueType &type : signature.results)
      types.push_back(wrap(type, result->shapes));
    result->types.push_back(std::move(types));
  }
  return result;
}

int32_t dropoutExecutableCompile(const char *source, size_t size,
                                 const DropoutCompileOptions *options,
                                 DropoutExecutable **executable,
                                 char **message) {
  if (message)
    *message = nullptr;
  if (!executable)
    return fail(refuse("expected where to put the executable, but got a null "
                       "pointer"),
                message);
  *executable = nullptr;
  auto result = compile(source, size, options);
  if (!result)
    return fail(result.takeError(), message);
  *executable = result->release();
  return DROPOUT_OK;
}

void dropoutStopCompiling() { ForkGate::closeForOthers(); }

void dropoutExecutableDestroy(DropoutExecutable *executable) {
  delete executable;
}

static llvm::Error emit(const char *source, size_t size,
                        const DropoutCompileOptions *options, int32_t kind,
                        SmallVectorImpl<char> &code) {
  if (!source)
    return refuse("expected a source, but got a null pointer");
  EmitKind emitKind;
  switch (kind) {
  case DROPOUT_EMIT_LLVM_IR:
    emitKind = EmitKind::LLVMIR;
    break;
  case DROPOUT_EMIT_ASSEMBLY:
    emitKind = EmitKind::Assembly;
    break;
  case DROPOUT_EMIT_OBJECT:
    emitKind = EmitKind::Object;
    break;
  case DROPOUT_EMIT_HEADER:
    emitKind = EmitKind::Header;
    break;
  default:
    return refuse("expected the kind to be a DropoutEmitKind, but got " +
                  Twine(kind));
  }
  auto unwrapped = unwrap(options);
  if (!unwrapped)
    return unwrapped.takeError();
  auto program = Program::compileSource(StringRef(source, size), *unwrapped);
  if (!program)
    return program.takeError();
  llvm::raw_svector_ostream os(code);
  return (*program)->emit(emitKind, os);
}

int32_t dropoutEmit(const char *source, size_t size,
                    const DropoutCompileOptions *options, int32_t kind,
                    char **code, size_t *codeSize, char **message) {
  if (message)
    *message = nullptr;
  if (!code || !codeSize)
    return fail(refuse("expected where to put the code, but got a null "
                       "pointer"),
                message);
  *code = nullptr;
  *codeSize = 0;
  SmallString<0> bytes;
  if (llvm::Error error = emit(source, size, options, kind, bytes))
    return fail(std::move(error), message);
  *code = copyBytes(bytes);
  if (!*code)
    return dropoutRecordError(DROPOUT_OUT_OF_MEMORY, "out of memory");
  *codeSize = bytes.size();
  return DROPOUT_OK;
}

void dropoutFree(void *pointer) { std::free(pointer); }

int32_t dropoutExecutableGetNumFunctions(const DropoutExecutable *executable) {
  return executable ? int32_t(executable->functions.size()) : 0;
}

DropoutFunctionType
dropoutExecutableGetFunction(const DropoutExecutable *executable,
                             int32_t index) {
  DropoutFunctionType result = {};
  if (index < 0 || index >= dropoutExecutableGetNumFunctions(executable))
    return result;
  const Signature &signature = executable->functions[index].getSignature();
  result.name = signature.name.c_str();
  result.numArguments = int32_t(signature.arguments.size());
  result.numResults = int32_t(signature.results.size());
  result.types = executable->types[index].data();
  return result;
}

static llvm::Error call(const DropoutExecutable *executable, int32_t index,
                        const DropoutValue *arguments, int32_t numArguments,
                        DropoutValue *results) {
  if (index < 0 || index >= dropoutExecutableGetNumFunctions(executable))
    return refuse("expected the index of a function, but got " + Twine(index));
  const CompiledFunction &function = executable->functions[index];
  const Signature &signature = function.getSignature();
  if (numArguments < 0 || (numArguments > 0 && !arguments) ||
      (!signature.results.empty() && !results))
    return refuse("expected room for arguments and results, but got a null "
                  "pointer");
  for (const ValueType &type : signature.results)
    if (type.shape.size() > maxResultRank)
      return refuse("expected results of rank 16 at most, but got " +
                    type.text);

  SmallVector<Argument> unwrapped;
  for (const DropoutValue &value :
       ArrayRef<DropoutValue>(arguments, size_t(numArguments))) {
    auto number = unwrapped.size();
    const DropoutArray &array = value.array;
    if (array.elementType < DROPOUT_I1 || array.elementType > DROPOUT_F64)
      return refuse("expected the type of argument #" + Twine(number) +
                    " to be a DropoutElementType, but got " +
                    Twine(array.elementType));
    auto element = ElementType(array.elementType);
    // More arguments than the function has are the callee's to refuse.
    if (number >= signature.arguments.size() ||
        !signature.arguments[number].isShaped()) {
      unwrapped.push_back(Argument::scalar(element, value.bits));
      continue;
    }
    if (array.rank < 0 || (array.rank > 0 && (!array.shape || !array.strides)))
      return refuse("expected argument #" + Twine(number) +
                    " to have a shape and strides");
    ArrayView view;
    view.element = element;
    view.shape.assign(array.shape, array.shape + array.rank);
    view.strides.assign(array.strides, array.strides + array.rank);
    view.data = array.data;
    unwrapped.push_back(Argument::array(std::move(view)));
  }

  auto returned = function.call(unwrapped);
  if (!returned)
    return returned.takeError();
  for (auto [number, result] : llvm::enumerate(*returned)) {
    DropoutValue &value = results[number];
    value = {};
    value.array.elementType = int32_t(result.getElementType());
    if (!result.isArray()) {
      value.bits = result.getBits();
      continue;
    }
    const ArrayView &view = result.getArray();
    llvm::copy(view.shape, value.sizesAndStrides);
    llvm::copy(view.strides, value.sizesAndStrides + maxResultRank);
    value.array.data = view.data;
    value.array.rank = int32_t(view.shape.size());
    value.array.shape = value.sizesAndStrides;
    value.array.strides = value.sizesAndStrides + maxResultRank;
    value.owner = result.releaseMemory();
  }
  return llvm::Error::success();
}

int32_t dropoutExecutableCall(const DropoutExecutable *executable,
                              int32_t index, const DropoutValue *arguments,
                              int32_t numArguments, DropoutValue *results,
                              char **message) {
  FirstError first;
  if (message)
    *message = nullptr;
  if (llvm::Error error =
          call(executable, index, arguments, numArguments, results))
    return fail(std::move(error), message);
  return DROPOUT_OK;
}
