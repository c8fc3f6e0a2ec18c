//===- Compiled.h - Our kernels, ready to be called -------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_BENCHMARK_COMPILED_H
#define DROPOUT_BENCHMARK_COMPILED_H

#include "Cases.h"

#include "dropout/ExecutionEngine/Executable.h"

#include "mlir/IR/MLIRContext.h"
#include <memory>

namespace bench {

/// A context with all that our programs are made of.
std::unique_ptr<mlir::MLIRContext> createContext();

/// Compiles and loads `@kernel` of \p source.
llvm::Expected<std::unique_ptr<mlir::dropout::Executable>>
compile(llvm::StringRef source, mlir::MLIRContext &context,
        const mlir::dropout::CompileOptions &options);

/// A call of `@kernel` with all arguments in place, so that a call costs what
/// the compiled code itself costs. Not movable: it holds pointers to itself.
class Call {
public:
  explicit Call(mlir::dropout::CompiledFunction function)
      : function(function) {}
  Call(const Call &) = delete;
  Call &operator=(const Call &) = delete;

  /// A memref in C order.
  void addArray(void *data, llvm::ArrayRef<int64_t> shape);
  /// A scalar of 64 bits.
  void addScalar(uint64_t bits);
  void addScalar(double value);
  /// Must be called after all arguments were added, the last of which is the
  /// offset of the draw.
  void finish();

  void operator()(uint64_t offset) {
    slots.back()[0] = int64_t(offset);
    if (function.invoke(pointers.data()) != 0)
      fail();
  }

private:
  [[noreturn]] static void fail();

  mlir::dropout::CompiledFunction function;
  /// A descriptor of rank 2 at most, or a scalar.
  std::vector<std::array<int64_t, 7>> slots;
  std::vector<void *> pointers;
};

/// The arrays that a case works on.
struct Arrays {
  void *x = nullptr, *y = nullptr, *bias = nullptr, *residual = nullptr;
};

/// The call of \p executable, compiled from `getSource(c, variant)`, on
/// \p count elements; \p base is where they start in a mask of \p total.
std::unique_ptr<Call> prepareCall(const mlir::dropout::Executable &executable,
                                  const Case &c, Variant variant,
                                  const Arrays &arrays, uint64_t count,
                                  uint64_t seed, uint64_t base = 0,
                                  uint64_t total = 0);

} // namespace bench

#endif // DROPOUT_BENCHMARK_COMPILED_H
