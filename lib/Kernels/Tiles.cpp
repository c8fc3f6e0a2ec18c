//===- Tiles.cpp - Arrays that lie across their masks ---------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Tiles.h"

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
    if (dim.size > 1 && dim.maskOrder > plan.dims[maskDim].maskOrder)
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

llvm::Error mlir::dropout::runTiles(const KernelCall &call, const Plan &plan,
                                    const Tiling &tiling, int64_t first,
                                    int64_t last) {
  bool isMask = call.operation == KernelOperation::Mask;
  unsigned elementSize = getElementSize(call.destination.element);
  auto copy = getCopy(elementSize);
  size_t rank = plan.dims.size();

  // What all tiles have in common: a call on the buffer, whose rows run along
  // the mask. Its dims are those of the plan, of size 1 but for two.
  alignas(lineBytes) char buffer[maxMaskSize * lineBytes];
  SmallVector<int64_t, 6> shape(rank, 1), strides(rank, 1), position(rank),
      full(rank), maskDims;
  for (size_t order = 0; order < rank; ++order)
    for (size_t dim = 0; dim < rank; ++dim)
      if (plan.dims[dim].maskOrder == int64_t(order))
        maskDims.push_back(int64_t(dim));
  KernelCall tile = call;
  tile.draw = nullptr;
  tile.threads = 1;
  if (call.kind == KernelKind::Element)
    tile.kind = KernelKind::Channel;
  else if (call.kind == KernelKind::Alpha)
    tile.kind = KernelKind::FeatureAlpha;
  tile.maskDims = maskDims;
  tile.position = position;
  tile.fullShape = full;
  tile.destination.data = buffer;
  tile.destination.shape = shape;
  tile.destination.strides = strides;
  tile.source = tile.destination;

  const PlanDim &memory = plan.dims[tiling.memoryDim];
  const PlanDim &mask = plan.dims[tiling.maskDim];
  for (int64_t number = first; number < last; ++number) {
    int64_t rest = number, source = 0, destination = 0;
    for (size_t dim = rank; dim-- > 0;) {
      const PlanDim &planDim = plan.dims[dim];
      int64_t size = dim == tiling.memoryDim ? tiling.memorySize
                     : dim == tiling.maskDim ? tiling.maskSize
                                             : 1;
      auto steps = int64_t(llvm::divideCeil(planDim.size, size));
      int64_t begin = rest % steps * size;
      rest /= steps;
      shape[dim] = std::min(size, planDim.size - begin);
      position[dim] = planDim.position + begin;
      full[dim] = planDim.full;
      source += begin * planDim.sourceStride;
      destination += begin * planDim.destinationStride;
    }
    int64_t rows = shape[tiling.maskDim], columns = shape[tiling.memoryDim];
    strides[tiling.memoryDim] = rows;
    if (!isMask)
      copy(static_cast<const char *>(call.source.data) +
               source * int64_t(elementSize),
           mask.sourceStride, memory.sourceStride, buffer, 1, rows, rows,
           columns);
    if (llvm::Error error = runKernel(tile))
      return error;
    copy(buffer, 1, rows,
         static_cast<char *>(call.destination.data) +
             destination * int64_t(elementSize),
         mask.destinationStride, memory.destinationStride, rows, columns);
  }
  return llvm::Error::success();
}
