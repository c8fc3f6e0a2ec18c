//===- Kernels.cpp - Dropout on strided arrays ----------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/Kernels/Kernels.h"
#include "KernelTable.h"
#include "Plan.h"
#include "Slices.h"
#include "Tiles.h"
#include "dropout/Runtime/Runtime.h"

#include "llvm/Support/MathExtras.h"
#include <array>
#include <atomic>
#include <mutex>

using namespace mlir;
using namespace mlir::dropout;

/// Arrays of fewer bytes are not shared among threads, and no thread gets fewer
/// than half of that: waking one takes ten microseconds, in which this one gets
/// through a quarter of a megabyte.
static constexpr int64_t minSharedBytes = int64_t(1) << 20;

/// Slices of one dim begin at multiples of this, so that they share no cache
/// line, Philox block or vector.
static constexpr int64_t sliceStep = 4096;

/// Where slices are cut.
struct Cut {
  size_t dim = 0;
  int64_t step = 0; ///< Sizes of all slices but the last.
  unsigned count = 1;
};

/// How many slices an array is worth.
static unsigned getNumSlices(const Plan &plan, unsigned elementSize,
                             unsigned threads) {
  if (threads == 0)
    threads = getHardwareThreads();
  int64_t bytes = plan.numElements * elementSize;
  if (threads == 1 || bytes < minSharedBytes)
    return 1;
  return unsigned(std::min<int64_t>(threads, bytes / (minSharedBytes / 2)));
}

static Cut getCut(const Plan &plan, unsigned count) {
  if (count == 1)
    return {};
  // The outermost dim in memory that is long enough, else the longest.
  size_t best = 0;
  auto getRank = [&](const PlanDim &dim) {
    auto stride = std::abs(dim.destinationStride);
    return dim.size >= int64_t(count) ? std::pair(int64_t(1), stride)
                                      : std::pair(int64_t(0), dim.size);
  };
  for (size_t dim = 1; dim < plan.dims.size(); ++dim)
    if (getRank(plan.dims[dim]) > getRank(plan.dims[best]))
      best = dim;
  const PlanDim &dim = plan.dims[best];
  int64_t step = llvm::divideCeil(dim.size, count);
  if (dim.destinationStride == 1)
    step = llvm::alignTo(step, sliceStep);
  return {best, step, unsigned(llvm::divideCeil(dim.size, step))};
}

/// A memref descriptor (EntryPoints.h) on the stack.
using Descriptor = std::array<int64_t, 3 + 2 * kMaxKernelRank>;

static void writeDescriptor(Descriptor &words, void *data, unsigned elementSize,
                            ArrayRef<PlanDim> dims, int64_t PlanDim::*stride,
                            const Cut &cut, int64_t first, int64_t size) {
  auto *start = static_cast<char *>(data) +
                first * dims[cut.dim].*stride * int64_t(elementSize);
  words[0] = words[1] = reinterpret_cast<intptr_t>(start);
  words[2] = 0;
  for (auto [index, dim] : llvm::enumerate(dims)) {
    words[3 + index] = index == cut.dim ? size : dim.size;
    words[3 + dims.size() + index] = dim.*stride;
  }
}

llvm::Error mlir::dropout::runKernel(KernelCall call) {
  auto plan = makePlan(call);
  if (!plan)
    return plan.takeError();
  // The message of the check is the runtime's.
  uint64_t threshold;
  if (int32_t status =
          dropoutThreshold(call.p, int32_t(call.resolution), &threshold))
    return llvm::make_error<RuntimeError>(status, dropoutLastMessage());
  std::optional<CompiledFunction> kernel;
  if (plan->numElements != 0) {
    auto found = getKernel(plan->key);
    if (!found)
      return found.takeError();
    kernel = *found;
  }
  if (call.draw)
    if (llvm::Error error = call.draw(call))
      return error;
  if (!kernel)
    return llvm::Error::success();

  bool isMask = call.operation == KernelOperation::Mask;
  unsigned elementSize = getElementSize(call.destination.element);
  unsigned numSlices = getNumSlices(*plan, elementSize, call.threads);
  // What draws nothing has no order to keep.
  bool draws = call.training && call.p > 0 && call.p < 1;
  if (auto tiling =
          draws ? getTiling(*plan, call.destination.element) : std::nullopt) {
    auto slices = unsigned(std::min<int64_t>(numSlices, tiling->count));
    std::mutex mutex;
    llvm::Error failure = llvm::Error::success();
    runSlices(slices, [&](unsigned slice) {
      llvm::Error error =
          runTiles(call, *plan, *tiling, tiling->count * slice / slices,
                   tiling->count * (slice + 1) / slices);
      std::lock_guard<std::mutex> lock(mutex);
      failure = llvm::joinErrors(std::move(failure), std::move(error));
    });
    return failure;
  }

  Cut cut = getCut(*plan, numSlices);
  std::atomic<int32_t> failure{DROPOUT_OK};
  auto runSlice = [&](unsigned slice) {
    ArrayRef<PlanDim> dims = plan->dims;
    int64_t first = slice * cut.step;
    int64_t left = dims[cut.dim].size - first;
    int64_t size = cut.count == 1 ? left : std::min(cut.step, left);

    Descriptor source, destination;
    SmallVector<void *, 6 + 2 * 8> arguments;
    if (!isMask) {
      writeDescriptor(source, call.source.data, elementSize, dims,
                      &PlanDim::sourceStride, cut, first, size);
      arguments.push_back(source.data());
    }
    writeDescriptor(destination, call.destination.data, elementSize, dims,
                    &PlanDim::destinationStride, cut, first, size);
    arguments.push_back(destination.data());
    double p = call.p;
    uint64_t seed = call.seed, offset = call.offset;
    uint8_t training = call.training;
    arguments.append({&p, &seed, &offset, &training});
    std::array<int64_t, kMaxKernelRank> positions, fulls;
    for (auto [index, dim] : llvm::enumerate(dims)) {
      positions[index] = dim.position + (index == cut.dim ? first : 0);
      fulls[index] = dim.full;
      arguments.append({&positions[index], &fulls[index]});
    }
    if (int32_t status = kernel->invoke(arguments.data()))
      failure = status;
  };
  runSlices(cut.count, runSlice);
  // p and the arrays were checked: a kernel has nothing left to refuse.
  if (int32_t status = failure)
    return llvm::make_error<RuntimeError>(
        status,
        std::string("the kernel failed with ") + dropoutStatusName(status));
  return llvm::Error::success();
}
