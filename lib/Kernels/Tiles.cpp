//===- Tiles.cpp - Arrays that lie across their masks ---------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Tiles.h"
#include "CallChecks.h"
#include "Invoke.h"
#include "dropout/Runtime/Runtime.h"

#include "llvm/Support/MathExtras.h"
#include <cstring>
#include <utility>

using namespace mlir;
using namespace mlir::dropout;

/// A line of the cache: what a tile takes of memory at a time.
static constexpr int64_t lineBytes = 64;
/// Elements of a tile along the mask, and what such a tile fills with a line.
static constexpr int64_t maxMaskSize = 256;
static constexpr int64_t bufferBytes = maxMaskSize * lineBytes;
/// Arrays of more bytes are in no cache that is near: tiles are fetched ahead.
static constexpr int64_t minPrefetchedBytes = int64_t(4) << 20;
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
  if (maskDim == memoryDim) // Then it is the source that may lie across.
    for (auto [index, dim] : llvm::enumerate(plan.dims))
      if (dim.size > 1 && dim.sourceStride != 0 &&
          getMagnitude(dim.sourceStride) <
              getMagnitude(plan.dims[memoryDim].sourceStride))
        memoryDim = index;
  if (maskDim == memoryDim || plan.dims[memoryDim].maskOrder < 0)
    return std::nullopt;
  Tiling tiling;
  tiling.memoryDim = memoryDim;
  tiling.maskDim = maskDim;
  int64_t elementSize = std::max(getElementSize(element), 2u);
  int64_t line = lineBytes / elementSize;
  tiling.maskSize = std::min(plan.dims[maskDim].size, maxMaskSize);
  // As many lines as the buffer has room for.
  int64_t lines = bufferBytes / elementSize / tiling.maskSize / line;
  tiling.memorySize = std::min(plan.dims[memoryDim].size, lines * line);
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

namespace {
/// A square of words, as many a side as a vector register has on any machine.
template <typename Word>
struct Square {
  static constexpr int64_t kSide = 16 / sizeof(Word);
  using Row __attribute__((vector_size(16))) = Word;

  /// Interleaves the halves of two rows; after log2(side) rounds of that on
  /// rows half the square apart, rows are columns.
  template <size_t... I>
  void transpose(std::index_sequence<I...>) {
    Row next[kSide];
    for (int64_t width = 1; width < kSide; width *= 2) {
      for (int64_t row = 0; row < kSide / 2; ++row) {
        const Row &a = rows[row], &b = rows[row + kSide / 2];
        next[2 * row] = __builtin_shufflevector(a, b, getLane(I)...);
        next[2 * row + 1] =
            __builtin_shufflevector(a, b, (getLane(I) + kSide / 2)...);
      }
      std::copy(next, next + kSide, rows);
    }
  }
  static constexpr int getLane(size_t index) {
    return int(index / 2 + (index % 2) * kSide);
  }

  void load(const Word *from, int64_t stride) {
    for (int64_t row = 0; row < kSide; ++row)
      std::memcpy(&rows[row], from + row * stride, sizeof(Row));
  }
  void store(Word *to, int64_t stride) const {
    for (int64_t row = 0; row < kSide; ++row)
      std::memcpy(to + row * stride, &rows[row], sizeof(Row));
  }

  Row rows[kSide];
};
} // namespace

/// Transposes a strip of squares. Not inlined: it needs all registers.
template <typename Word>
[[gnu::noinline]] static void
transposeSquares(const Word *from, int64_t fromStride, int64_t fromStep,
                 Word *to, int64_t toStride, int64_t toStep, int64_t count) {
  Square<Word> square;
  for (int64_t number = 0; number < count; ++number) {
    square.load(from, fromStride);
    square.transpose(std::make_index_sequence<Square<Word>::kSide>());
    square.store(to, toStride);
    from += fromStep;
    to += toStep;
  }
}

/// Copies a matrix, of which rows lie along the mask and columns along memory.
template <typename Word>
static void copyMatrix(const char *from, int64_t fromRow, int64_t fromColumn,
                       char *to, int64_t toRow, int64_t toColumn, int64_t rows,
                       int64_t columns, bool fetchesNext) {
  auto *source = reinterpret_cast<const Word *>(from);
  auto *destination = reinterpret_cast<Word *>(to);
  auto copyWords = [&](int64_t firstRow, int64_t lastRow, int64_t firstColumn) {
    for (int64_t row = firstRow; row < lastRow; ++row)
      for (int64_t column = firstColumn; column < columns; ++column)
        destination[row * toRow + column * toColumn] =
            source[row * fromRow + column * fromColumn];
  };
  constexpr int64_t side = Square<Word>::kSide;
  if (fromRow == 1 && toRow == 1) {
    for (int64_t column = 0; column < columns; ++column)
      std::memcpy(destination + column * toColumn, source + column * fromColumn,
                  size_t(rows) * sizeof(Word));
    return;
  }
  bool in = fromColumn == 1 && toRow == 1;
  if (!in && !(fromRow == 1 && toColumn == 1))
    return copyWords(0, rows, 0);
  // A few rows at a time take whole lines of memory.
  int64_t squares = columns / side, row = 0;
  for (; row + side <= rows; row += side) {
    // No processor sees by itself that so many rows are walked at once.
    if (fetchesNext) {
      const Word *next =
          (in ? source + row * fromRow : destination + row * toRow) + columns;
      for (int64_t ahead = 0; ahead < side; ++ahead)
        __builtin_prefetch(next + ahead * (in ? fromRow : toRow));
    }
    transposeSquares(source + row * fromRow, in ? fromRow : fromColumn,
                     side * fromColumn, destination + row * toRow,
                     in ? toColumn : toRow, side * toColumn, squares);
    copyWords(row, row + side, squares * side);
  }
  copyWords(row, rows, 0);
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
  bool isLarge = plan.numElements * elementSize >= minPrefetchedBytes;
  const PlanDim &memory = plan.dims[tiling.memoryDim];
  const PlanDim &mask = plan.dims[tiling.maskDim];
  // The dims that index the mask, in its order; the last is `maskDim`.
  SmallVector<size_t, 6> maskOrder;
  for (size_t order = 0; order < plan.dims.size(); ++order)
    for (auto [index, dim] : llvm::enumerate(plan.dims))
      if (dim.maskOrder == int64_t(order))
        maskOrder.push_back(index);

  alignas(lineBytes) char buffer[bufferBytes];
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
    bool fetchesNext =
        isLarge && begins[tiling.memoryDim] + columns < memory.size;
    // Rows that are whole in the mask follow one another in it: one long row.
    if (dims[1].position == 0 && dims[1].full == rows) {
      dims[1] = {columns * rows,      1, 1, dims[0].position * rows,
                 dims[0].full * rows, 1};
      dims[0] = {1, 1, 1, 0, 1, 0};
    }
    if (call.operation != KernelOperation::Mask)
      copy(static_cast<const char *>(call.source.data) + source * elementSize,
           mask.sourceStride, memory.sourceStride, buffer, 1, rows, rows,
           columns, fetchesNext);
    if (int32_t status = invokeKernel(kernel, call, dims, buffer, buffer))
      return status;
    copy(buffer, 1, rows,
         static_cast<char *>(call.destination.data) + destination * elementSize,
         mask.destinationStride, memory.destinationStride, rows, columns,
         fetchesNext);
  }
  return DROPOUT_OK;
}
