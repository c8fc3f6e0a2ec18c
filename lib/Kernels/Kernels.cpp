//===- Kernels.cpp - Dropout on strided arrays ----------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/Kernels/Kernels.h"
#include "CallChecks.h"
#include "Invoke.h"
#include "KernelTable.h"
#include "Plan.h"
#include "Slices.h"
#include "Tiles.h"
#include "dropout/Runtime/Runtime.h"

#include "llvm/Support/MathExtras.h"
#include <atomic>

using namespace mlir;
using namespace mlir::dropout;

/// Arrays of fewer bytes are not shared among threads, and no thread gets fewer
/// than half of that: waking one takes ten microseconds, on a virtual machine
/// fifty, in which this one gets through one megabyte.
static constexpr int64_t minSharedBytes = int64_t(4) << 20;

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

namespace {
/// A call with all that it takes to run it: nothing of it fails any more.
struct PreparedCall {
  KernelCall call;
  Plan plan;
  /// What draws nothing has no order to keep, and is never tiled.
  std::optional<CompiledFunction> kernel, tileKernel;
  std::optional<Tiling> tiling;
};
} // namespace

static llvm::Expected<PreparedCall> prepare(const KernelCall &call) {
  PreparedCall prepared;
  prepared.call = call;
  auto plan = makePlan(call);
  if (!plan)
    return plan.takeError();
  prepared.plan = std::move(*plan);
  if (prepared.plan.numElements == 0)
    return prepared;
  bool mayDraw = (call.draw || call.training) && call.p > 0 && call.p < 1;
  if (mayDraw)
    prepared.tiling = getTiling(prepared.plan, call.destination.element);
  if (prepared.tiling) {
    auto kernel = getKernel(getTileKey(call, prepared.plan));
    if (!kernel)
      return kernel.takeError();
    prepared.tileKernel = *kernel;
  }
  if (!prepared.tiling || call.draw) {
    auto kernel = getKernel(prepared.plan.key);
    if (!kernel)
      return kernel.takeError();
    prepared.kernel = *kernel;
  }
  return prepared;
}

/// Returns a status; p and the arrays were checked, so kernels have nothing
/// left to refuse.
static int32_t execute(const PreparedCall &prepared) {
  const KernelCall &call = prepared.call;
  const Plan &plan = prepared.plan;
  if (plan.numElements == 0)
    return DROPOUT_OK;
  unsigned elementSize = getElementSize(call.destination.element);
  unsigned numSlices = getNumSlices(plan, elementSize, call.threads);
  std::atomic<int32_t> failure{DROPOUT_OK};
  if (prepared.tiling && call.training) {
    const Tiling &tiling = *prepared.tiling;
    auto slices = unsigned(std::min<int64_t>(numSlices, tiling.count));
    int64_t share = tiling.count / slices, rest = tiling.count % slices;
    runSlices(slices, [&](unsigned slice) {
      int64_t first = share * slice + std::min<int64_t>(slice, rest);
      int64_t last = first + share + (slice < rest ? 1 : 0);
      if (int32_t status =
              runTiles(*prepared.tileKernel, call, plan, tiling, first, last))
        failure = status;
    });
    return failure;
  }

  Cut cut = getCut(plan, numSlices);
  runSlices(cut.count, [&](unsigned slice) {
    SmallVector<PlanDim, 6> dims = plan.dims;
    PlanDim &dim = dims[cut.dim];
    int64_t first = slice * cut.step;
    if (cut.count != 1) {
      dim.size = std::min(cut.step, dim.size - first);
      dim.position += first;
    }
    auto advance = [&](void *data, int64_t stride) -> void * {
      if (!data)
        return nullptr; // The source of a mask.
      return static_cast<char *>(data) + first * stride * int64_t(elementSize);
    };
    if (int32_t status =
            invokeKernel(*prepared.kernel, call, dims,
                         advance(call.source.data, dim.sourceStride),
                         advance(call.destination.data, dim.destinationStride)))
      failure = status;
  });
  return failure;
}

llvm::Error mlir::dropout::runKernel(KernelCall call) {
  if (llvm::Error error = checkCall(call))
    return error;
  auto values = prepare(call);
  if (!values)
    return values.takeError();
  std::optional<PreparedCall> mask;
  static constexpr int64_t channelDims[] = {0, 1};
  if (call.mask) {
    KernelCall maskCall = call;
    maskCall.operation = KernelOperation::Mask;
    maskCall.destination = *call.mask;
    if (!call.maskDims && hasChannels(call.kind))
      maskCall.maskDims = channelDims;
    auto prepared = prepare(maskCall);
    if (!prepared)
      return prepared.takeError();
    mask = std::move(*prepared);
  }

  if (call.draw)
    if (llvm::Error error = call.draw(call))
      return error;
  int32_t status = DROPOUT_OK;
  for (PreparedCall *prepared : {&*values, mask ? &*mask : nullptr}) {
    if (!prepared || status != DROPOUT_OK)
      continue;
    prepared->call.training = call.training;
    prepared->call.seed = call.seed;
    prepared->call.offset = call.offset;
    status = execute(*prepared);
  }
  if (status == DROPOUT_OK)
    return llvm::Error::success();
  return llvm::make_error<RuntimeError>(status,
                                        std::string("the kernel failed with ") +
                                            dropoutStatusName(status));
}
