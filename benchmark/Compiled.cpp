//===- Compiled.cpp - Our kernels, ready to be called ---------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Compiled.h"

#include "dropout/InitAll.h"
#include "dropout/Runtime/Runtime.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/raw_ostream.h"
#include <cstring>

using namespace bench;
using mlir::dropout::Executable;

std::unique_ptr<mlir::MLIRContext> bench::createContext() {
  mlir::DialectRegistry registry;
  mlir::dropout::registerAllDialects(registry);
  mlir::dropout::registerAllExtensions(registry);
  return std::make_unique<mlir::MLIRContext>(
      registry, mlir::MLIRContext::Threading::DISABLED);
}

llvm::Expected<std::unique_ptr<Executable>>
bench::compile(llvm::StringRef source, mlir::MLIRContext &context,
               const mlir::dropout::CompileOptions &options) {
  auto module = mlir::parseSourceString<mlir::ModuleOp>(source, &context);
  if (!module)
    return llvm::createStringError("could not parse:\n" + source);
  auto program = mlir::dropout::Program::compile(std::move(module), options);
  if (!program)
    return program.takeError();
  return Executable::load(std::move(*program));
}

void Call::addArray(void *data, llvm::ArrayRef<int64_t> shape) {
  std::array<int64_t, 7> descriptor = {};
  descriptor[0] = descriptor[1] = int64_t(reinterpret_cast<intptr_t>(data));
  size_t rank = shape.size();
  int64_t stride = 1;
  for (size_t dim = rank; dim-- > 0;) {
    descriptor[3 + dim] = shape[dim];
    descriptor[3 + rank + dim] = stride;
    stride *= shape[dim];
  }
  slots.push_back(descriptor);
}

void Call::addScalar(uint64_t bits) { slots.push_back({int64_t(bits)}); }

void Call::addScalar(double value) {
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  addScalar(bits);
}

void Call::finish() {
  pointers.clear();
  for (std::array<int64_t, 7> &slot : slots)
    pointers.push_back(slot.data());
}

void Call::fail() {
  llvm::errs() << "dropout-bench: error: a compiled kernel failed: "
               << dropoutLastMessage() << "\n";
  std::exit(1);
}

std::unique_ptr<Call> bench::prepareCall(const Executable &executable,
                                         const Case &c, Variant variant,
                                         const Arrays &arrays, uint64_t count,
                                         uint64_t seed, uint64_t base,
                                         uint64_t total) {
  auto call =
      std::make_unique<Call>(llvm::cantFail(executable.lookup("kernel")));
  int64_t columns = variant == Variant::OddRows ? 1001 : int64_t(c.columns);
  llvm::SmallVector<int64_t, 2> shape;
  if (columns)
    shape = {int64_t(count) / columns, columns};
  else
    shape = {int64_t(count)};
  call->addArray(arrays.x, shape);
  if (c.options.chain != yardstick::Chain::None) {
    call->addArray(arrays.bias, columns);
    call->addArray(arrays.residual, shape);
  }
  if (!c.inPlace)
    call->addArray(arrays.y, shape);
  if (c.runtimeP)
    call->addScalar(c.options.p);
  if (c.threads != 1) {
    call->addScalar(base);
    call->addScalar(total);
  }
  call->addScalar(seed);
  call->addScalar(uint64_t(0));
  call->finish();
  return call;
}
