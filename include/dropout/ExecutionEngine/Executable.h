//===- Executable.h - Call compiled functions -------------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   auto cache = ObjectCache::openDefault();  // Null if there is none.
//   auto executable = Executable::compile(source, {}, cache->get());
//   auto layer = (*executable)->lookup("layer");
//   auto results = layer->call({Argument::array(x), Argument::f64(0.3)});
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_EXECUTIONENGINE_EXECUTABLE_H
#define DROPOUT_EXECUTIONENGINE_EXECUTABLE_H

#include "dropout/ExecutionEngine/ObjectCache.h"
#include "dropout/ExecutionEngine/Program.h"

#include "llvm/ADT/STLFunctionalExtras.h"

namespace mlir::dropout {

class LinkedObject;

/// An error that the runtime recorded while compiled code ran.
class RuntimeError : public llvm::ErrorInfo<RuntimeError> {
public:
  static char ID; // NOLINT(readability-identifier-naming): llvm::ErrorInfo's.
  RuntimeError(int32_t status, std::string message)
      : status(status), message(std::move(message)) {}

  /// A `DropoutStatus` (Runtime.h).
  int32_t getStatus() const { return status; }
  /// The message of the runtime: "expected p in [0, 1], but got 1.5".
  const std::string &getMessage() const { return message; }

  void log(llvm::raw_ostream &os) const override { os << message; }
  std::error_code convertToErrorCode() const override {
    return llvm::inconvertibleErrorCode();
  }

private:
  int32_t status;
  std::string message;
};

/// A view on an array that somebody else owns.
struct ArrayView {
  ElementType element = ElementType::F32;
  llvm::SmallVector<int64_t, 4> shape;
  /// In elements, one per dim; may be 0 or negative.
  llvm::SmallVector<int64_t, 4> strides;
  /// The element [0, ..., 0]; aligned to the size of an element. May be null
  /// for an array without elements.
  void *data = nullptr;

  int64_t getNumElements() const;
};

/// A scalar or an array to be passed to a function.
class Argument {
public:
  /// A scalar by its bits (the low ones of \p bits).
  static Argument scalar(ElementType type, uint64_t bits) {
    Argument result;
    result.view.element = type;
    result.bits = bits;
    return result;
  }
  static Argument f64(double value);
  static Argument f32(float value);
  static Argument i64(uint64_t value) {
    return scalar(ElementType::I64, value);
  }
  static Argument i1(bool value) { return scalar(ElementType::I1, value); }
  /// The memory, for a CUDA program memory of the device, must stay alive
  /// during the call (until its kernels have run). A function reads a tensor
  /// argument and reads and writes a memref argument.
  static Argument array(ArrayView view) {
    Argument result;
    result.view = std::move(view);
    result.isArray = true;
    return result;
  }

private:
  friend class CompiledFunction;
  ArrayView view;
  uint64_t bits = 0;
  bool isArray = false;
};

/// What a function returned; owns the memory of an array: device memory for a
/// CUDA program.
class Result {
public:
  Result(Result &&) = default;
  Result &operator=(Result &&) = default;

  bool isArray() const { return isShaped; }
  /// The array; valid as long as this object.
  const ArrayView &getArray() const { return view; }
  /// The bits of a scalar, zero-extended.
  uint64_t getBits() const { return bits; }
  ElementType getElementType() const { return view.element; }

  /// Gives the memory of an array to the caller, who frees it with `free`, or
  /// `dropoutCudaFree` for a CUDA program. The view stays valid until then.
  void *releaseMemory() { return memory.release(); }

private:
  friend class CompiledFunction;
  struct Free {
    Free() : Free(Device::Cpu) {}
    explicit Free(Device device) : device(device) {}
    void operator()(void *pointer) const;
    Device device;
  };
  Result() = default;

  ArrayView view;
  std::unique_ptr<void, Free> memory;
  uint64_t bits = 0;
  bool isShaped = false;
};

/// A function of an executable; a handle that may be copied. Calls may run on
/// any number of threads at once, as long as the executable lives and they do
/// not write to the same memory. Calls of a CUDA program return once its
/// kernels wait in the thread's stream (`dropoutCudaSetStream` of Cuda.h); so
/// do frees of its results.
class CompiledFunction {
public:
  const Signature &getSignature() const { return *signature; }

  /// Checks the arguments against the signature, calls the function and wraps
  /// its results. Tensor arguments must be in C order. An error of the runtime
  /// (p out of range, unknown generator) is a RuntimeError.
  llvm::Expected<std::vector<Result>>
  call(llvm::ArrayRef<Argument> arguments) const;

  /// The call without checks or conversions, for tight loops. One pointer per
  /// argument and then one per result, to a scalar or to a descriptor as
  /// EntryPoints.h lays it out; i1 scalars are one byte, f16 and bf16 two.
  /// Returns a `DropoutStatus`.
  int32_t invoke(void **pointers) const { return invoker(pointers); }

private:
  friend class Executable;
  CompiledFunction(const Signature *signature, int32_t (*invoker)(void **),
                   Device device)
      : signature(signature), invoker(invoker), device(device) {}

  const Signature *signature;
  int32_t (*invoker)(void **);
  Device device;
};

/// A program loaded into this process. All methods may be called from any
/// thread. The memory of the code goes with this object.
class Executable {
public:
  /// Compiles \p source, MLIR as text or bytecode, or takes it from \p cache
  /// (null: none) if it is there, without parsing it. What is not there is
  /// compiled and kept. A cache that can't be read or written is no error; a
  /// target with features that this machine lacks is one that names them.
  static llvm::Expected<std::unique_ptr<Executable>>
  compile(llvm::StringRef source, const CompileOptions &options = {},
          ObjectCache *cache = nullptr);

  /// The same with another way to compile \p source with \p options, called if
  /// it is not in the cache; for those that have a context of their own.
  static llvm::Expected<std::unique_ptr<Executable>> compile(
      llvm::StringRef source, const CompileOptions &options, ObjectCache *cache,
      llvm::function_ref<llvm::Expected<std::unique_ptr<Program>>()> compile);

  /// Generates machine code. Functions of the runtime are those that this
  /// library is linked with; other external functions are looked up in the
  /// process, and one that is missing is an error that names it. So is a
  /// feature of the program's target that this machine lacks.
  static llvm::Expected<std::unique_ptr<Executable>>
  load(std::unique_ptr<Program> program);

  ~Executable();

  const std::vector<Signature> &getSignatures() const { return signatures; }

  /// The function \p name of the module. Error, with the names there are, if
  /// there is none.
  llvm::Expected<CompiledFunction> lookup(llvm::StringRef name) const;

private:
  Executable();
  static llvm::Expected<std::unique_ptr<Executable>>
  link(std::vector<Signature> signatures, Device device,
       llvm::StringRef object);

  std::vector<Signature> signatures;
  Device device = Device::Cpu;
  std::vector<int32_t (*)(void **)> invokers;
  void (*unload)() = nullptr;
  std::unique_ptr<LinkedObject> object;
};

} // namespace mlir::dropout

#endif // DROPOUT_EXECUTIONENGINE_EXECUTABLE_H
