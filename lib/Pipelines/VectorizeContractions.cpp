//===- VectorizeContractions.cpp - Reductions as vector code --------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Upstream's way (vector.contract to outer products, vector.multi_reduction)
// fuses multiplications with additions, or adds in another order. Here the
// lanes of a vector, and the vectors of a register tile, are different elements
// of the output; each of them still meets its reduction in the order of the
// loops. So results are those of the scalar loops, bit for bit.
//
//===----------------------------------------------------------------------===//

#include "dropout/Dialect/Dropout/IR/Dropout.h"
#include "dropout/Pipelines/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

namespace mlir::dropout {
#define GEN_PASS_DEF_VECTORIZECONTRACTIONSPASS
#include "dropout/Pipelines/Passes.h.inc"
} // namespace mlir::dropout

using namespace mlir;

namespace {

/// How a vector of lanes along the vector loop reads an operand.
enum class Access {
  /// One element for all lanes.
  Invariant,
  /// Neighbours in memory.
  Contiguous,
  /// A row of memory per lane, along the innermost reduction: squares of
  /// elements are loaded by rows and transposed in registers.
  Transposed,
  /// An element of its own per lane.
  Gathered
};

/// The most accumulators in a register tile, by vectors per row. More vectors
/// a row read the other operand less often; the rest of the registers hold one
/// row of vectors, a broadcast and products.
struct RegisterTile {
  int64_t rows, vectors;
};

/// What to do with one op.
struct Plan {
  linalg::LinalgOp op;
  unsigned laneDim = 0;
  /// The loop whose steps share what is read along lanes: rows of the tile.
  std::optional<unsigned> rowDim;
  SmallVector<unsigned> outerDims, reductionDims;
  SmallVector<Access> access; // Of inputs.
  int64_t lanes = 0;
  RegisterTile tile{1, 1};
  /// An input that is copied to a panel of neighbours first, for all rows.
  std::optional<unsigned> packed;
};

} // namespace

/// The factor of \p dim in \p expr, or nothing if \p expr is not linear in it.
static std::optional<int64_t> getCoefficient(AffineExpr expr, unsigned dim) {
  if (!expr.isFunctionOfDim(dim))
    return 0;
  if (isa<AffineDimExpr>(expr))
    return 1;
  auto binary = cast<AffineBinaryOpExpr>(expr);
  std::optional<int64_t> left = getCoefficient(binary.getLHS(), dim);
  std::optional<int64_t> right = getCoefficient(binary.getRHS(), dim);
  if (!left || !right)
    return std::nullopt;
  if (expr.getKind() == AffineExprKind::Add)
    return *left + *right;
  auto factor = dyn_cast<AffineConstantExpr>(binary.getRHS());
  if (expr.getKind() == AffineExprKind::Mul && factor)
    return *left * factor.getValue();
  return std::nullopt;
}

/// True if elements of the last dimension are neighbours, each of whole bytes.
static bool hasContiguousRows(MemRefType type) {
  if (type.getRank() == 0 || !type.getElementType().isIntOrFloat() ||
      type.getElementTypeBitWidth() % 8 != 0)
    return false;
  int64_t offset;
  SmallVector<int64_t> strides;
  return succeeded(type.getStridesAndOffset(strides, offset)) &&
         strides.back() == 1;
}

static Access classifyAccess(AffineMap map, MemRefType type, unsigned laneDim,
                             unsigned innermostReduction) {
  if (!map.isFunctionOfDim(laneDim))
    return Access::Invariant;
  if (!hasContiguousRows(type))
    return Access::Gathered;
  ArrayRef<AffineExpr> outer = map.getResults().drop_back();
  AffineExpr last = map.getResults().back();
  auto dependsOn = [](unsigned dim) {
    return [dim](AffineExpr expr) { return expr.isFunctionOfDim(dim); };
  };
  if (llvm::none_of(outer, dependsOn(laneDim)))
    return getCoefficient(last, laneDim) == 1 ? Access::Contiguous
                                              : Access::Gathered;
  if (!last.isFunctionOfDim(laneDim) &&
      llvm::none_of(outer, dependsOn(innermostReduction)) &&
      getCoefficient(last, innermostReduction) == 1)
    return Access::Transposed;
  return Access::Gathered;
}

/// The buffer that a memref is a view of.
static Value getBuffer(Value memref) {
  while (auto view = memref.getDefiningOp<ViewLikeOpInterface>())
    memref = view.getViewSource();
  return memref;
}

/// True if every op of the body has a vector form that may run for lanes that
/// are off.
static bool isBodyVectorizable(linalg::LinalgOp op) {
  for (Operation &inner : op.getBlock()->without_terminator()) {
    if (isa<linalg::IndexOp, arith::ConstantOp>(inner))
      continue;
    if (isa<dropout::KeepOp>(
            inner) || // A block for each lane costs more than scalars.
        !OpTrait::hasElementwiseMappableTraits(&inner) ||
        !isPure(&inner) || inner.getNumRegions() != 0)
      return false;
  }
  auto isScalar = [](Type type) { return type.isIntOrIndexOrFloat(); };
  return !op.getBlock()
              ->walk([&](Operation *inner) {
                return llvm::all_of(inner->getOperandTypes(), isScalar) &&
                               llvm::all_of(inner->getResultTypes(), isScalar)
                           ? WalkResult::advance()
                           : WalkResult::interrupt();
              })
              .wasInterrupted();
}

/// Steps of a reduction for which a panel is packed: 64 KiB with 512 bits.
static constexpr int64_t kPanelDepth = 256;
/// Rows that a panel must serve, and bytes of a row of the matrix from which
/// panels out of the matrix itself would compete for the same sets of a cache.
static constexpr int64_t kPanelRows = 24, kPackedRowBytes = 4096;

/// The input to pack, if that pays: one that all rows share, in an op with one
/// reduction.
static std::optional<unsigned> getPackedInput(const Plan &plan,
                                              ArrayRef<int64_t> sizes) {
  auto isSmall = [](int64_t size, int64_t least) {
    return !ShapedType::isDynamic(size) && size < least;
  };
  linalg::LinalgOp op = plan.op;
  if (!plan.rowDim || plan.reductionDims.size() != 1 ||
      isSmall(sizes[*plan.rowDim], kPanelRows))
    return std::nullopt;
  std::optional<unsigned> packed;
  for (auto [input, access] :
       llvm::zip_equal(op.getDpsInputOperands(), plan.access)) {
    if (access == Access::Invariant)
      continue;
    auto type = cast<MemRefType>(input->get().getType());
    // A transposed one is packed in any case: once for all rows.
    if (packed || access == Access::Gathered ||
        op.getMatchingIndexingMap(input).isFunctionOfDim(*plan.rowDim) ||
        (access == Access::Contiguous &&
         isSmall(type.getShape().back(),
                 kPackedRowBytes * 8 / type.getElementTypeBitWidth())))
      return std::nullopt;
    packed = input->getOperandNumber();
  }
  return packed;
}

/// The widest element that the body computes with, in bits.
static int64_t getWidestElement(linalg::LinalgOp op) {
  int64_t widest = 8;
  auto add = [&](Type type) {
    widest = std::max<int64_t>(
        widest, type.isIndex() ? 64 : type.getIntOrFloatBitWidth());
  };
  for (BlockArgument argument : op.getBlock()->getArguments())
    add(argument.getType());
  for (Operation &inner : op.getBlock()->without_terminator())
    for (Type type : inner.getResultTypes())
      add(type);
  return llvm::PowerOf2Ceil(widest);
}

/// Picks the tile of an op in which `rows` reads of one vector are shared.
static RegisterTile getRegisterTile(int64_t vectorBits, bool squares,
                                    int64_t laneSize, int64_t lanes,
                                    bool hasRows, int64_t rowSize) {
  // 32 registers with 512 bits, else 16. Squares need `lanes` registers.
  int64_t accumulators = vectorBits == 512 ? 24 : 8;
  int64_t vectors = squares ? 1 : vectorBits == 512 ? 4 : 2;
  int64_t rows = squares ? accumulators / 3 : accumulators / vectors;
  if (!ShapedType::isDynamic(laneSize)) {
    vectors = std::clamp<int64_t>(laneSize / lanes, 1, vectors);
    // Rather fewer vectors than a rest.
    for (int64_t fewer = vectors; fewer > vectors / 2; --fewer)
      if (laneSize % (fewer * lanes) == 0) {
        vectors = fewer;
        break;
      }
    if (!squares)
      rows = std::min(accumulators / vectors, 2 * rows);
  }
  if (!hasRows)
    return {1, vectors};
  if (!ShapedType::isDynamic(rowSize)) {
    rows = std::clamp<int64_t>(rowSize, 1, rows);
    // Rather a lower tile than one that computes rows twice.
    auto twice = [&](int64_t height) {
      return llvm::alignTo(rowSize, height) - rowSize;
    };
    int64_t best = rows;
    for (int64_t fewer = rows; fewer > rows / 2; --fewer)
      if (twice(fewer) < twice(best))
        best = fewer;
    rows = best;
  }
  return {rows, vectors};
}

/// Decides how \p op becomes vector code; nothing if scalar loops must do.
static std::optional<Plan> makePlan(linalg::LinalgOp op, int64_t vectorBits) {
  Plan plan;
  plan.op = op;
  for (auto [dim, type] : llvm::enumerate(op.getIteratorTypesArray()))
    if (type == utils::IteratorType::reduction)
      plan.reductionDims.push_back(dim);
  if (plan.reductionDims.empty() || op.getNumParallelLoops() == 0 ||
      !op.hasPureBufferSemantics() || !isBodyVectorizable(op))
    return std::nullopt;
  unsigned innermost = plan.reductionDims.back();

  // Every output has all parallel loops, the same one innermost.
  SmallVector<Value> buffers;
  for (OpOperand &output : op.getDpsInitsMutable()) {
    AffineMap map = op.getMatchingIndexingMap(&output);
    if (!hasContiguousRows(cast<MemRefType>(output.get().getType())) ||
        !map.isProjectedPermutation() ||
        map.getNumResults() != op.getNumParallelLoops() ||
        !op.payloadUsesValueFromOperand(&output))
      return std::nullopt;
    unsigned last = map.getDimPosition(map.getNumResults() - 1);
    if (buffers.empty())
      plan.laneDim = last;
    if (plan.laneDim != last)
      return std::nullopt;
    Value buffer = getBuffer(output.get());
    if (llvm::is_contained(buffers, buffer))
      return std::nullopt;
    buffers.push_back(buffer);
  }

  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  int64_t laneSize = sizes[plan.laneDim];
  if (laneSize >= 0 && laneSize < 2)
    return std::nullopt;
  for (OpOperand *input : op.getDpsInputOperands()) {
    auto type = dyn_cast<MemRefType>(input->get().getType());
    if (type && llvm::is_contained(buffers, getBuffer(input->get())))
      return std::nullopt; // Where a store is seen by a load, order matters.
    if (!type || !op.payloadUsesValueFromOperand(input)) {
      plan.access.push_back(Access::Invariant);
      continue;
    }
    plan.access.push_back(classifyAccess(op.getMatchingIndexingMap(input), type,
                                         plan.laneDim, innermost));
  }

  // Rows: the innermost loop that some vector does not depend on.
  for (auto [dim, type] : llvm::enumerate(op.getIteratorTypesArray())) {
    if (type != utils::IteratorType::parallel || dim == plan.laneDim)
      continue;
    for (auto [input, access] :
         llvm::zip_equal(op.getDpsInputOperands(), plan.access))
      if (access != Access::Invariant &&
          !op.getMatchingIndexingMap(input).isFunctionOfDim(dim))
        plan.rowDim = dim;
  }
  for (unsigned dim = 0; dim < op.getNumLoops(); ++dim)
    if (dim != plan.laneDim && dim != plan.rowDim &&
        !llvm::is_contained(plan.reductionDims, dim))
      plan.outerDims.push_back(dim);

  plan.lanes = vectorBits / getWidestElement(op);
  // A sum over rows that runs along them has nothing to keep in registers: it
  // is element-wise but for its output, and reads memory in order as it is.
  if (!plan.rowDim && plan.laneDim + 1 == op.getNumLoops() &&
      llvm::all_of(plan.access, [](Access access) {
        return access == Access::Contiguous || access == Access::Invariant;
      }))
    return std::nullopt;

  plan.packed = getPackedInput(plan, sizes);
  bool squares = !plan.packed && llvm::any_of(plan.access, [](Access access) {
    return access == Access::Transposed || access == Access::Gathered;
  });
  plan.tile = getRegisterTile(vectorBits, squares, laneSize, plan.lanes,
                              plan.rowDim.has_value(),
                              plan.rowDim ? sizes[*plan.rowDim] : 1);
  return plan;
}

namespace {

/// Writes the loops of a plan in front of its op.
class Emitter {
public:
  explicit Emitter(const Plan &plan)
      : plan(plan), op(plan.op), b(op.getLoc(), op) {}

  void emit() {
    zero = arith::ConstantIndexOp::create(b, 0);
    for (Range range : op.createLoopRanges(b, op.getLoc()))
      sizes.push_back(range.size);
    ivs.assign(sizes.size(), Value());
    for (OpOperand *input : op.getDpsInputOperands())
      markDependences(input);
    for (OpOperand &output : op.getDpsInitsMutable())
      depends[op.getMatchingBlockArgument(&output)] = {true, true};
    for (Operation &inner : op.getBlock()->without_terminator())
      markDependences(&inner);
    if (plan.packed) {
      Type element =
          cast<MemRefType>(getPacked().get().getType()).getElementType();
      panel = memref::AllocOp::create(
          b,
          MemRefType::get({kPanelDepth, plan.tile.vectors * plan.lanes},
                          element),
          ValueRange(), b.getI64IntegerAttr(64));
    }
    emitOuterLoops(plan.outerDims);
    if (plan.packed)
      memref::DeallocOp::create(b, panel);
  }

private:
  /// Which loops of the register tile change a value of the body.
  struct Dependence {
    bool rows = false, lanes = false;
  };
  /// Rows and vectors of the kernel that is being written; a mask if some of
  /// its lanes may be off.
  struct Kernel {
    int64_t rows, vectors;
    Value mask;
  };
  using Instance = std::tuple<Value, int64_t, int64_t>;

  //===--------------------------------------------------------------------===//
  // Loops
  //===--------------------------------------------------------------------===//

  Value asValue(OpFoldResult value) {
    return getValueOrCreateConstantIndexOp(b, b.getLoc(), value);
  }

  Value constant(int64_t value) {
    return arith::ConstantIndexOp::create(b, value);
  }

  Value add(Value index, int64_t value) {
    return value == 0
               ? index
               : arith::AddIOp::create(b, index, constant(value)).getResult();
  }

  /// The largest multiple of \p step that is not above \p size.
  OpFoldResult roundDown(OpFoldResult size, int64_t step) {
    if (std::optional<int64_t> fixed = getConstantIntValue(size))
      return b.getIndexAttr(*fixed / step * step);
    if (step == 1)
      return size;
    Value value = asValue(size);
    return arith::SubIOp::create(
               b, value, arith::RemUIOp::create(b, value, constant(step)))
        .getResult();
  }

  /// A loop over dimension \p dim; none if it is known to be empty.
  void emitLoop(unsigned dim, OpFoldResult from, OpFoldResult to, int64_t step,
                function_ref<void()> body) {
    std::optional<int64_t> first = getConstantIntValue(from);
    if (first && first == getConstantIntValue(to))
      return;
    auto loop =
        scf::ForOp::create(b, asValue(from), asValue(to), constant(step));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    ivs[dim] = loop.getInductionVar();
    body();
  }

  void emitOuterLoops(ArrayRef<unsigned> dims) {
    if (dims.empty())
      return emitLaneLoops();
    emitLoop(dims.front(), b.getIndexAttr(0), sizes[dims.front()], 1,
             [&] { emitOuterLoops(dims.drop_front()); });
  }

  /// Whole register tiles, then single vectors with a mask.
  void emitLaneLoops() {
    OpFoldResult size = sizes[plan.laneDim];
    int64_t step = plan.tile.vectors * plan.lanes;
    OpFoldResult whole = roundDown(size, step);
    auto emitWhole = [&] {
      emitLoop(plan.laneDim, b.getIndexAttr(0), whole, step, [&] {
        kernel = {1, plan.tile.vectors, Value()};
        if (plan.packed)
          emitPacking();
        emitRowLoops(kernel);
      });
    };
    if (plan.packed)
      emitPanelLoop(emitWhole);
    else
      emitWhole();
    emitLoop(plan.laneDim, whole, size, plan.lanes, [&] {
      Value left = arith::SubIOp::create(b, asValue(size), ivs[plan.laneDim]);
      Value mask = vector::CreateMaskOp::create(
          b, VectorType::get(plan.lanes, b.getI1Type()), ValueRange{left});
      emitRowLoops({1, 1, mask});
    });
  }

  OpOperand &getPacked() { return op->getOpOperand(*plan.packed); }

  /// Cuts the reduction into parts as deep as the panel. An accumulator waits
  /// in its output between two parts.
  void emitPanelLoop(function_ref<void()> body) {
    OpFoldResult size = sizes[plan.reductionDims.back()];
    auto loop =
        scf::ForOp::create(b, zero, asValue(size), constant(kPanelDepth));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    part.emplace(
        loop.getInductionVar(),
        arith::MinUIOp::create(b, add(loop.getInductionVar(), kPanelDepth),
                               asValue(size)));
    body();
    part.reset();
  }

  /// Copies what the vectors of the tile read of the packed input in this part
  /// of the reduction.
  void emitPacking() {
    unsigned dim = plan.reductionDims.back();
    OpOperand &input = getPacked();
    auto store = [&](Value vector, int64_t column) {
      vector::StoreOp::create(
          b, vector, panel,
          ValueRange{arith::SubIOp::create(b, ivs[dim], part->first),
                     constant(column * plan.lanes)});
    };
    OpFoldResult first = part->first, last = part->second;
    if (plan.access[*plan.packed] == Access::Transposed) {
      Value depth = arith::SubIOp::create(b, part->second, part->first);
      OpFoldResult whole =
          arith::AddIOp::create(b, part->first,
                                asValue(roundDown(depth, plan.lanes)))
              .getResult();
      emitLoop(dim, first, whole, plan.lanes, [&] {
        Value start = ivs[dim];
        for (int64_t column = 0; column < kernel.vectors; ++column) {
          ivs[dim] = start;
          for (auto [step, vector] :
               llvm::enumerate(loadSquare(input, 0, column))) {
            ivs[dim] = add(start, step);
            store(vector, column);
          }
        }
      });
      first = whole;
    }
    emitLoop(dim, first, last, 1, [&] {
      for (int64_t column = 0; column < kernel.vectors; ++column)
        store(loadVector(input, 0, column), column);
    });
  }

  void emitRowLoops(Kernel kernel) {
    if (!plan.rowDim)
      return emitKernel(kernel);
    kernel.rows = plan.tile.rows;
    emitLoop(*plan.rowDim, b.getIndexAttr(0), sizes[*plan.rowDim],
             plan.tile.rows, [&] { emitKernel(kernel); });
  }

  //===--------------------------------------------------------------------===//
  // The kernel
  //===--------------------------------------------------------------------===//

  VectorType getVectorType(Type element) {
    return VectorType::get(plan.lanes, element);
  }

  /// Index of a row of the tile. Rows beyond the end are the last row once
  /// more: the same values, computed and stored twice, cost less than a kernel
  /// for the rest, in time to compile above all.
  Value getRow(int64_t row) {
    unsigned dim = *plan.rowDim;
    Value index = add(ivs[dim], row);
    std::optional<int64_t> fixed = getConstantIntValue(sizes[dim]);
    if (row == 0 || (fixed && *fixed % plan.tile.rows == 0))
      return index;
    return arith::MinUIOp::create(
        b, index, arith::SubIOp::create(b, asValue(sizes[dim]), constant(1)));
  }

  /// Indices of the element that row \p row and lane \p lane of the tile read
  /// or write. Lanes beyond the end are those at the end if \p clamp.
  SmallVector<Value> getIndices(AffineMap map, int64_t row, int64_t lane,
                                bool clamp = false) {
    SmallVector<Value> at(ivs);
    if (plan.rowDim && map.isFunctionOfDim(*plan.rowDim))
      at[*plan.rowDim] = getRow(row);
    if (map.isFunctionOfDim(plan.laneDim)) {
      at[plan.laneDim] = add(at[plan.laneDim], lane);
      if (clamp)
        at[plan.laneDim] = arith::MinUIOp::create(
            b, at[plan.laneDim],
            arith::SubIOp::create(b, asValue(sizes[plan.laneDim]),
                                  constant(1)));
    }
    SmallVector<Value> indices;
    for (AffineExpr expr : map.getResults()) {
      if (auto dim = dyn_cast<AffineDimExpr>(expr))
        indices.push_back(at[dim.getPosition()]);
      else
        indices.push_back(affine::AffineApplyOp::create(
            b, AffineMap::get(map.getNumDims(), 0, expr), fillUnused(at)));
    }
    return indices;
  }

  /// Loops that are not open yet have no value; no index there needs one.
  SmallVector<Value> fillUnused(ArrayRef<Value> values) {
    return llvm::map_to_vector(
        values, [&](Value value) { return value ? value : zero; });
  }

  void emitKernel(const Kernel &tile) {
    kernel = tile;
    SmallVector<Value> accumulators;
    for (OpOperand &output : op.getDpsInitsMutable())
      for (int64_t row = 0; row < kernel.rows; ++row)
        for (int64_t column = 0; column < kernel.vectors; ++column)
          accumulators.push_back(
              loadContiguous(output, row, column * plan.lanes));
    accumulators = emitReductions(plan.reductionDims, accumulators);
    ArrayRef<Value> rest = accumulators;
    for (OpOperand &output : op.getDpsInitsMutable())
      for (int64_t row = 0; row < kernel.rows; ++row)
        for (int64_t column = 0; column < kernel.vectors; ++column) {
          SmallVector<Value> indices = getIndices(
              op.getMatchingIndexingMap(&output), row, column * plan.lanes);
          if (kernel.mask)
            vector::MaskedStoreOp::create(b, output.get(), indices, kernel.mask,
                                          rest.front());
          else
            vector::StoreOp::create(b, rest.front(), output.get(), indices);
          rest = rest.drop_front();
        }
  }

  Value loadContiguous(OpOperand &operand, int64_t row, int64_t lane) {
    SmallVector<Value> indices =
        getIndices(op.getMatchingIndexingMap(&operand), row, lane);
    VectorType type =
        getVectorType(getElementTypeOrSelf(operand.get().getType()));
    if (!kernel.mask)
      return vector::LoadOp::create(b, type, operand.get(), indices);
    Value off = arith::ConstantOp::create(b, b.getZeroAttr(type));
    return vector::MaskedLoadOp::create(b, type, operand.get(), indices,
                                        kernel.mask, off);
  }

  /// Loops over \p dims with the accumulators in registers; returns what they
  /// are at the end.
  SmallVector<Value> emitReductions(ArrayRef<unsigned> dims,
                                    ArrayRef<Value> accumulators) {
    if (dims.empty())
      return emitBody(accumulators);
    unsigned dim = dims.front();
    auto emit = [&](OpFoldResult from, OpFoldResult to, int64_t step,
                    ArrayRef<Value> start,
                    function_ref<SmallVector<Value>(ArrayRef<Value>)> body) {
      std::optional<int64_t> first = getConstantIntValue(from);
      if (first && first == getConstantIntValue(to))
        return SmallVector<Value>(start);
      auto loop = scf::ForOp::create(b, asValue(from), asValue(to),
                                     constant(step), start);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToEnd(loop.getBody());
      ivs[dim] = loop.getInductionVar();
      SmallVector<Value> next =
          body(SmallVector<Value>(loop.getRegionIterArgs()));
      scf::YieldOp::create(b, next);
      return SmallVector<Value>(loop.getResults());
    };
    SmallVector<Value> start(accumulators);
    if (part)
      return emit(part->first, part->second, 1, start,
                  [&](ArrayRef<Value> values) { return emitBody(values); });
    OpFoldResult first = b.getIndexAttr(0);
    if (dims.size() == 1 &&
        llvm::is_contained(plan.access, Access::Transposed)) {
      OpFoldResult whole = roundDown(sizes[dim], plan.lanes);
      start = emit(first, whole, plan.lanes, start,
                   [&](ArrayRef<Value> values) { return emitSquares(values); });
      first = whole;
    }
    return emit(first, sizes[dim], 1, start, [&](ArrayRef<Value> values) {
      return emitReductions(dims.drop_front(), values);
    });
  }

  /// As many steps of the innermost reduction as there are lanes.
  SmallVector<Value> emitSquares(ArrayRef<Value> accumulators) {
    unsigned dim = plan.reductionDims.back();
    Value first = ivs[dim];
    SmallVector<SmallVector<std::pair<Instance, Value>>> columns(plan.lanes);
    for (auto [input, access] :
         llvm::zip_equal(op.getDpsInputOperands(), plan.access)) {
      if (access != Access::Transposed)
        continue;
      BlockArgument argument = op.getMatchingBlockArgument(input);
      int64_t rows = depends[argument].rows ? kernel.rows : 1;
      for (int64_t row = 0; row < rows; ++row)
        for (int64_t column = 0; column < kernel.vectors; ++column)
          for (auto [step, vector] :
               llvm::enumerate(loadSquare(*input, row, column)))
            columns[step].push_back({{argument, row, column}, vector});
    }
    SmallVector<Value> values(accumulators);
    for (int64_t step = 0; step < plan.lanes; ++step) {
      ivs[dim] = add(first, step);
      values = emitBody(values, columns[step]);
    }
    return values;
  }

  /// Vector k of the result holds what each lane reads in step k.
  SmallVector<Value> loadSquare(OpOperand &input, int64_t row, int64_t column) {
    int64_t n = plan.lanes;
    VectorType type =
        getVectorType(getElementTypeOrSelf(input.get().getType()));
    SmallVector<Value> square;
    for (int64_t lane = 0; lane < n; ++lane)
      square.push_back(vector::LoadOp::create(
          b, type, input.get(),
          getIndices(op.getMatchingIndexingMap(&input), row, column * n + lane,
                     /*clamp=*/bool(kernel.mask))));
    // Swap the off-diagonal halves of blocks of 2, 4, ... elements.
    for (int64_t half = 1; half < n; half *= 2) {
      SmallVector<int64_t> low, high;
      for (int64_t lane = 0; lane < n; ++lane) {
        low.push_back(lane & half ? n + lane - half : lane);
        high.push_back(lane & half ? n + lane : lane + half);
      }
      for (int64_t i = 0; i < n; ++i) {
        if (i & half)
          continue;
        Value a = square[i], c = square[i + half];
        square[i] = vector::ShuffleOp::create(b, a, c, low);
        square[i + half] = vector::ShuffleOp::create(b, a, c, high);
      }
    }
    return square;
  }

  //===--------------------------------------------------------------------===//
  // The body
  //===--------------------------------------------------------------------===//

  void markDependences(OpOperand *input) {
    AffineMap map = op.getMatchingIndexingMap(input);
    depends[op.getMatchingBlockArgument(input)] = {
        plan.rowDim && map.isFunctionOfDim(*plan.rowDim),
        map.isFunctionOfDim(plan.laneDim)};
  }

  void markDependences(Operation *inner) {
    Dependence dependence;
    if (auto index = dyn_cast<linalg::IndexOp>(inner))
      dependence = {plan.rowDim && index.getDim() == *plan.rowDim,
                    index.getDim() == plan.laneDim};
    for (Value operand : inner->getOperands()) {
      Dependence of = depends.lookup(operand);
      dependence.rows |= of.rows;
      dependence.lanes |= of.lanes;
    }
    for (Value result : inner->getResults())
      depends[result] = dependence;
  }

  /// One step of the reduction for the whole register tile. \p loaded are
  /// values of arguments that are in registers already.
  SmallVector<Value>
  emitBody(ArrayRef<Value> accumulators,
           ArrayRef<std::pair<Instance, Value>> loaded = {}) {
    values.clear();
    for (const auto &[instance, value] : loaded)
      values[instance] = value;
    ArrayRef<Value> rest = accumulators;
    for (OpOperand &output : op.getDpsInitsMutable())
      for (int64_t row = 0; row < kernel.rows; ++row)
        for (int64_t column = 0; column < kernel.vectors; ++column) {
          values[{op.getMatchingBlockArgument(&output), row, column}] =
              rest.front();
          rest = rest.drop_front();
        }
    SmallVector<Value> next;
    for (Value yielded : op.getBlock()->getTerminator()->getOperands())
      for (int64_t row = 0; row < kernel.rows; ++row)
        for (int64_t column = 0; column < kernel.vectors; ++column)
          next.push_back(getVector(yielded, row, column));
    return next;
  }

  /// \p value of the body as a vector.
  Value getVector(Value value, int64_t row, int64_t column) {
    Value found = getValue(value, row, column);
    if (isa<VectorType>(found.getType()))
      return found;
    // A scalar has no column; this one is its broadcast.
    Instance key{value, depends.lookup(value).rows ? row : 0, -1};
    if (Value known = values.lookup(key))
      return known;
    Value broadcast =
        vector::BroadcastOp::create(b, getVectorType(found.getType()), found);
    values[key] = broadcast;
    return broadcast;
  }

  /// \p value of the body: a scalar if it is the same for all lanes. What rows
  /// or columns share is computed once.
  Value getValue(Value value, int64_t row, int64_t column) {
    if (value.getParentBlock() != op.getBlock())
      return value;
    Dependence dependence = depends.lookup(value);
    Instance key{value, dependence.rows ? row : 0,
                 dependence.lanes ? column : 0};
    if (Value known = values.lookup(key))
      return known;
    Value created;
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      created = loadInput(*op.getMatchingOpOperand(argument), row, column);
    } else if (auto index = value.getDefiningOp<linalg::IndexOp>()) {
      created = getIndex(index.getDim(), row, column);
    } else {
      Operation *inner = value.getDefiningOp();
      OperationState state(op.getLoc(), inner->getName());
      state.addAttributes(inner->getAttrDictionary().getValue());
      for (Value operand : inner->getOperands())
        state.operands.push_back(dependence.lanes
                                     ? getVector(operand, row, column)
                                     : getValue(operand, row, column));
      for (Type type : inner->getResultTypes())
        state.addTypes(dependence.lanes ? Type(getVectorType(type)) : type);
      Operation *copy = b.create(state);
      for (auto [from, to] :
           llvm::zip_equal(inner->getResults(), copy->getResults()))
        values[{from, std::get<1>(key), std::get<2>(key)}] = to;
      return values.lookup(key);
    }
    values[key] = created;
    return created;
  }

  Value loadInput(OpOperand &input, int64_t row, int64_t column) {
    auto type = dyn_cast<MemRefType>(input.get().getType());
    if (!type)
      return input.get();
    if (plan.access[input.getOperandNumber()] == Access::Invariant)
      return memref::LoadOp::create(
          b, input.get(),
          getIndices(op.getMatchingIndexingMap(&input), row, 0));
    if (part && input.getOperandNumber() == *plan.packed)
      return vector::LoadOp::create(
          b, getVectorType(type.getElementType()), panel,
          ValueRange{arith::SubIOp::create(b, ivs[plan.reductionDims.back()],
                                           part->first),
                     constant(column * plan.lanes)});
    return loadVector(input, row, column);
  }

  /// What a vector of the tile reads of \p input in this step.
  Value loadVector(OpOperand &input, int64_t row, int64_t column) {
    auto type = cast<MemRefType>(input.get().getType());
    AffineMap map = op.getMatchingIndexingMap(&input);
    if (plan.access[input.getOperandNumber()] == Access::Contiguous)
      return loadContiguous(input, row, column * plan.lanes);
    // Also the rest of a transposed one that is no square.
    SmallVector<Value> elements;
    for (int64_t lane = 0; lane < plan.lanes; ++lane)
      elements.push_back(memref::LoadOp::create(
          b, input.get(),
          getIndices(map, row, column * plan.lanes + lane,
                     /*clamp=*/bool(kernel.mask))));
    return vector::FromElementsOp::create(
        b, getVectorType(type.getElementType()), elements);
  }

  Value getIndex(unsigned dim, int64_t row, int64_t column) {
    if (dim != plan.laneDim)
      return plan.rowDim == dim ? getRow(row) : ivs[dim];
    Value start = add(ivs[dim], column * plan.lanes);
    VectorType type = getVectorType(b.getIndexType());
    return arith::AddIOp::create(b, vector::BroadcastOp::create(b, type, start),
                                 vector::StepOp::create(b, type));
  }

  const Plan &plan;
  linalg::LinalgOp op;
  ImplicitLocOpBuilder b;
  Value zero;
  SmallVector<OpFoldResult> sizes;
  SmallVector<Value> ivs; // By dimension; null while its loop is not open.
  Kernel kernel{1, 1, Value()};
  Value panel;
  /// The part of the reduction that is in the panel, while one is.
  std::optional<std::pair<Value, Value>> part;
  DenseMap<Value, Dependence> depends;
  DenseMap<Instance, Value> values; // Of the body, in this step.
};

struct VectorizeContractionsPass
    : public dropout::impl::VectorizeContractionsPassBase<
          VectorizeContractionsPass> {
  using Base::Base;

  void runOnOperation() override {
    if (vectorBits != 128 && vectorBits != 256 && vectorBits != 512) {
      getOperation().emitError(
          "expected option 'vector-bits' to be 128, 256 or 512, "
          "but got ")
          << int64_t(vectorBits);
      return signalPassFailure();
    }
    SmallVector<linalg::LinalgOp> ops;
    getOperation().walk([&](linalg::LinalgOp op) {
      if (op.getNumReductionLoops() != 0)
        ops.push_back(op);
    });
    for (linalg::LinalgOp op : ops) {
      std::optional<Plan> plan = makePlan(op, vectorBits);
      if (!plan)
        continue;
      Emitter(*plan).emit();
      op->erase();
    }
  }
};

} // namespace
