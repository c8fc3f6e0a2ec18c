//===- Timing.cpp - Timing of dropout-run ---------------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Timing.h"
#include "dropout/Runtime/Runtime.h"

#include "llvm/ADT/ScopeExit.h"
#include <chrono>
#include <cstring>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

using namespace mlir;
using namespace mlir::dropout;

void mlir::dropout::keepFreedMemory() {
#if defined(__GLIBC__)
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
  mallopt(M_TOP_PAD, 64 << 20);
#endif
}

static double getMedian(std::vector<double> values) {
  llvm::sort(values);
  size_t middle = values.size() / 2;
  return values.size() % 2 ? values[middle]
                           : (values[middle - 1] + values[middle]) / 2;
}

static double seconds(llvm::function_ref<void()> function) {
  auto start = std::chrono::steady_clock::now();
  function();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
      .count();
}

/// Mode and generators of the runtime.
static SmallVector<char, 0> saveState() {
  SmallVector<char, 0> state;
  size_t size = 0;
  while (dropoutStateSave(state.data(), state.size(), &size) != DROPOUT_OK ||
         state.size() != size) {
    dropoutClearStatus();
    state.resize(size);
  }
  return state;
}

llvm::Expected<Timing>
mlir::dropout::timeFunction(const CompiledFunction &function,
                            ArrayRef<Input> inputs, unsigned runs) {
  // What each run must find as it is now.
  SmallVector<char, 0> state = saveState();
  std::vector<SmallVector<char, 0>> contents(inputs.size());
  for (auto [input, content] : llvm::zip(inputs, contents))
    if (input.type->kind == ValueType::Kind::MemRef)
      content.append(static_cast<char *>(input.memory.get()),
                     static_cast<char *>(input.memory.get()) +
                         input.memorySize);
  auto restoreBuffers = [&] {
    for (auto [input, content] : llvm::zip(inputs, contents))
      if (!content.empty())
        std::memcpy(input.memory.get(), content.data(), content.size());
  };
  llvm::scope_exit restore([&] {
    restoreBuffers();
    dropoutStateRestore(state.data(), state.size());
  });

  SmallVector<Argument> arguments;
  Timing timing;
  for (const Input &input : inputs) {
    arguments.push_back(input.getArgument());
    if (input.type->isShaped())
      timing.copiedBytes = std::max(
          timing.copiedBytes, input.view.getNumElements() *
                                  int64_t(getElementSize(input.type->element)));
  }
  std::vector<double> functionTimes, copyTimes;
  SmallVector<char, 0> from, to;
  for (unsigned run = 0; run < runs; ++run) {
    restoreBuffers();
    llvm::Error error = llvm::Error::success();
    int64_t resultBytes = 0;
    functionTimes.push_back(seconds([&] {
      auto results = function.call(arguments);
      if (!results) {
        error = results.takeError();
        return;
      }
      for (const Result &result : *results)
        if (result.isArray())
          resultBytes =
              std::max(resultBytes,
                       result.getArray().getNumElements() *
                           int64_t(getElementSize(result.getElementType())));
    }));
    if (error)
      return error;
    if (run == 0) {
      timing.copiedBytes = std::max(timing.copiedBytes, resultBytes);
      from.assign(timing.copiedBytes, 1);
      to.assign(timing.copiedBytes, 2);
    }
    copyTimes.push_back(seconds([&] {
      std::memcpy(to.data(), from.data(), from.size());
      // The copy must happen although nobody reads it.
      asm volatile("" : : "r"(to.data()) : "memory");
    }));
  }
  timing.function = getMedian(std::move(functionTimes));
  timing.copy = getMedian(std::move(copyTimes));
  return timing;
}
