//===- Tiles.cpp - Arrays that lie across their masks ---------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Tiles.h"
#include "Invoke.h"
#include "dropout/Runtime/Runtime.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::dropout;

/// A line of the cache: what a tile takes of memory at a time.
static constexpr int64_t lineBytes = 64;
/// Elements of a tile along the mask: with a line of floats 16 KiB.
static constexpr int64_t maxMaskSize = 256;
/// Below that a tile costs more to set up than its draws.
static constexpr int64_t minTileElements = 64;

std::optional<Tiling> mlir::dropout::getTiling(const Plan &plan,
                                               ElementType element) {
  size_t memoryDim = plan.dims.size() - 1, maskDim = memoryDim;
  if (plan.dims[memoryDim].maskOrder < 0)
    return std::nullopt; // One bit for a whole run.
  for (auto [index, dim] : llvm::enumerate(plan.dims))
    if (dim.maskOrder > plan.dims[maskDim].maskOrder)
      maskDim = index;
  if (maskDim == memoryDim)
    return std::nullopt;
  Tiling tiling;
  tiling.memoryDim = memoryDim;
  tiling.maskDim = maskDim;
  tiling.memorySize =
      std::min<int64_t>(plan.dims[memoryDim].size,
                        lineBytes / std::max(getElementSize(element), 2u));
  tiling.maskSize = std::min(plan.dims[maskDim].size, maxMaskSize);
  if (tiling.memorySize * tiling.maskSize < minTileElements)
    return std::nullopt;
  tiling.count = 1;
  for (auto [index, dim] : llvm::enumerate(plan.dims))
    tiling.count *=
        index == memoryDim ? llvm::divideCeil(dim.size, tiling.memorySize)
        : index == maskDim ? llvm::divideCeil(dim.size, tiling.maskSize)
                           : dim.size;
  return tiling;
}

/// Copies a matrix, memory first in the inner loop.
template <typename Word>
static void copyMatrix(const char *from, int64_t fromRow, int64_t fromColumn,
                       char *to, int64_t toRow, int64_t toColumn, int64_t rows,
                       int64_t columns) {
  for (int64_t row = 0; row < rows; ++row) {
    auto *source = reinterpret_cast<const Word *>(from) + row * fromRow;
    auto *destination = reinterpret_cast<Word *>(to) + row * toRow;
    for (int64_t column = 0; column < columns; ++column)
      destination[column * toColumn] = source[column * fromColumn];
  }
}

static auto getCopy(unsigned elementSize) {
  switch (elementSize) {
  case 1:
    return copyMatrix<uint8_t>;
  case 2:
    return copyMatrix<uint16_t>;
  case 4:
    return copyMatrix<uint32_t>;
  default:
    return copyMatrix<uint64_t>;
  }
}

KernelKey mlir::dropout::getTileKey(const KernelCall &call, const Plan &plan) {
  bool isAlpha =
      plan.kind == KernelKind::Alpha || plan.kind == KernelKind::FeatureAlpha;
  return makeKernelKey(call, isAlpha ? KernelKind::Alpha : KernelKind::Element,
                       /*isContiguous=*/false, {0, 1});
}

int32_t mlir::dropout::runTiles(const CompiledFunction &kernel,
                                const KernelCall &call, const Plan &plan,
                                const Tiling &tiling, int64_t first,
                                int64_t last) {
  auto elementSize = int64_t(getElementSize(call.destination.element));
  auto copy = getCopy(unsigned(elementSize));
  const PlanDim &memory = plan.dims[tiling.memoryDim];
  const PlanDim &mask = plan.dims[tiling.maskDim];
  // The dims that index the mask, in its order; the last is `maskDim`.
  SmallVector<size_t, 6> maskOrder;
  for (size_t order = 0; order < plan.dims.size(); ++order)
    for (auto [index, dim] : llvm::enumerate(plan.dims))
      if (dim.maskOrder == int64_t(order))
        maskOrder.push_back(index);

  alignas(lineBytes) char buffer[maxMaskSize * lineBytes];
  SmallVector<int64_t, 6> begins(plan.dims.size());
  for (int64_t number = first; number < last; ++number) {
    int64_t rest = number, columns = 1, rows = 1, source = 0, destination = 0;
    for (size_t index = plan.dims.size(); index-- > 0;) {
      const PlanDim &dim = plan.dims[index];
      int64_t size = index == tiling.memoryDim ? tiling.memorySize
                     : index == tiling.maskDim ? tiling.maskSize
                                               : 1;
      auto steps = int64_t(llvm::divideCeil(dim.size, size));
      begins[index] = rest % steps * size;
      rest /= steps;
      if (index == tiling.memoryDim)
        columns = std::min(size, dim.size - begins[index]);
      if (index == tiling.maskDim)
        rows = std::min(size, dim.size - begins[index]);
      source += begins[index] * dim.sourceStride;
      destination += begins[index] * dim.destinationStride;
    }
    // In the buffer, columns lie along memory and rows along the mask. A dim of
    // one element moves the position of the next one in the mask.
    PlanDim dims[] = {{columns, rows, rows, 0, 1, 0}, {rows, 1, 1, 0, 1, 1}};
    PlanDim *dim = dims;
    for (size_t index : maskOrder) {
      const PlanDim &planDim = plan.dims[index];
      dim->position =
          dim->position * planDim.full + planDim.position + begins[index];
      dim->full *= planDim.full;
      if (index == tiling.memoryDim)
        ++dim;
    }
    if (call.operation != KernelOperation::Mask)
      copy(static_cast<const char *>(call.source.data) + source * elementSize,
           mask.sourceStride, memory.sourceStride, buffer, 1, rows, rows,
           columns);
    if (int32_t status = invokeKernel(kernel, call, dims, buffer, buffer))
      return status;
    copy(buffer, 1, rows,
         static_cast<char *>(call.destination.data) + destination * elementSize,
         mask.destinationStride, memory.destinationStride, rows, columns);
  }
  return DROPOUT_OK;
}
