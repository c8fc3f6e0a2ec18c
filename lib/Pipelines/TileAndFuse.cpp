//===- TileAndFuse.cpp - Epilogues into contractions ----------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Upstream's tileConsumerAndFuseProducersUsingSCF starts from one consumer and
// makes a tile of a producer for each slice that is read of it, so that what
// two consumers share is computed, and drawn, twice. Here the ops to fuse are
// chosen first, and each is tiled once, by its TilingInterface.
//
//===----------------------------------------------------------------------===//

#include "dropout/Pipelines/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/TilingInterface.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/MapVector.h"

namespace mlir::dropout {
#define GEN_PASS_DEF_TILEANDFUSEPASS
#include "dropout/Pipelines/Passes.h.inc"
} // namespace mlir::dropout

using namespace mlir;

/// Rows of a tile: many enough to read a matrix of weights seldom, few enough
/// for the tiles of wide rows to stay in a second-level cache. 48 is a multiple
/// of the heights of register tiles and of lanes.
static constexpr int64_t kMostRows = 48, kFewestRows = 16;
static constexpr int64_t kTileBytes = 256 << 10;

namespace {

/// Ops that are computed tile by tile in one loop nest. The loops are those of
/// the root over all dimensions of its result but the last.
struct Group {
  linalg::LinalgOp root;
  /// Members, last first, and the loop of each that the group's loops tile.
  llvm::MapVector<Operation *, SmallVector<unsigned>> loops;
};

} // namespace

/// True if tiles of all loops, put together, are what the op computes.
static bool isTilable(linalg::LinalgOp op) {
  return isa<TilingInterface>(op.getOperation()) &&
         op.hasPureTensorSemantics() && isMemoryEffectFree(op) &&
         llvm::all_of(op->getResults(),
                      [&](OpResult result) {
                        return op.getIndexingMapMatchingResult(result)
                            .isProjectedPermutation();
                      }) &&
         op->getNumResults() != 0 &&
         // Upstream takes a tile of size 0 for a loop that is not tiled.
         !llvm::is_contained(op.getStaticLoopRanges(), 0);
}

/// The loops of the producer of \p operand that compute what the loops \p
/// tiled of its reader read; nothing if two tiles would read the same.
static std::optional<SmallVector<unsigned>>
getProducerLoops(OpOperand &operand, ArrayRef<unsigned> tiled) {
  auto reader = cast<linalg::LinalgOp>(operand.getOwner());
  auto producer = operand.get().getDefiningOp<linalg::LinalgOp>();
  AffineMap read = reader.getMatchingIndexingMap(&operand);
  AffineMap written =
      producer.getIndexingMapMatchingResult(cast<OpResult>(operand.get()));
  SmallVector<unsigned> loops;
  for (unsigned loop : tiled) {
    std::optional<unsigned> position;
    for (auto [index, expr] : llvm::enumerate(read.getResults())) {
      if (!expr.isFunctionOfDim(loop))
        continue;
      if (position || !isa<AffineDimExpr>(expr))
        return std::nullopt;
      position = index;
    }
    if (!position || !isa<AffineDimExpr>(written.getResult(*position)))
      return std::nullopt;
    loops.push_back(written.getDimPosition(*position));
  }
  // Every result must be complete.
  for (OpResult result : producer->getResults())
    for (unsigned loop : loops)
      if (!producer.getIndexingMapMatchingResult(result).isFunctionOfDim(loop))
        return std::nullopt;
  return loops;
}

/// What \p root and the ops before it can do in one loop nest.
static Group getGroup(linalg::LinalgOp root) {
  Group group;
  group.root = root;
  AffineMap map = root.getIndexingMapMatchingResult(root->getResult(0));
  SmallVector<unsigned> rootLoops;
  for (unsigned position = 0; position + 1 < map.getNumResults(); ++position)
    rootLoops.push_back(map.getDimPosition(position));
  for (OpResult result : root->getResults())
    for (unsigned loop : rootLoops)
      if (!root.getIndexingMapMatchingResult(result).isFunctionOfDim(loop))
        return group;
  group.loops.insert({root, rootLoops});

  for (Operation *op = root->getPrevNode(); op; op = op->getPrevNode()) {
    auto producer = dyn_cast<linalg::LinalgOp>(op);
    if (!producer || !isTilable(producer))
      continue;
    std::optional<SmallVector<unsigned>> loops;
    bool fusable = true;
    for (OpOperand &use : op->getUses()) {
      Operation *user = use.getOwner();
      auto member = group.loops.find(user);
      if (member != group.loops.end()) {
        auto needed = getProducerLoops(use, member->second);
        fusable &= needed && (!loops || *loops == *needed);
        loops = needed;
      } else if (!isa<linalg::FillOp>(op) && !isa<tensor::DimOp>(user)) {
        // Others read what the loops have made: they must come later.
        Operation *ancestor = op->getBlock()->findAncestorOpInBlock(*user);
        fusable &= ancestor && root->isBeforeInBlock(ancestor);
      }
      if (!fusable)
        break;
    }
    if (fusable && loops)
      group.loops.insert({op, *loops});
  }
  return group;
}

/// True if tiles keep something in cache: a reduction and another op.
static bool isWorthwhile(const Group &group) {
  bool reduces = false;
  int64_t ops = 0;
  for (const auto &[op, loops] : group.loops) {
    if (isa<linalg::FillOp>(op))
      continue;
    ++ops;
    reduces |= cast<linalg::LinalgOp>(op).getNumReductionLoops() != 0;
  }
  return reduces && ops > 1;
}

/// Rows of a tile of \p group, out of \p size.
static int64_t getTileRows(const Group &group, int64_t size) {
  int64_t rowBytes = 0;
  for (const auto &[op, loops] : group.loops) {
    // Most element-wise ops write over what they read.
    if (cast<linalg::LinalgOp>(op).getNumReductionLoops() == 0)
      continue;
    for (Type type : op->getResultTypes()) {
      auto tensor = cast<RankedTensorType>(type);
      Type element = tensor.getElementType();
      if (tensor.getRank() > 1 && !tensor.isDynamicDim(tensor.getRank() - 1) &&
          element.isIntOrFloat())
        rowBytes += tensor.getShape().back() *
                    llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
    }
  }
  int64_t rows = std::clamp(kTileBytes / std::max<int64_t>(rowBytes, 1) /
                                kFewestRows * kFewestRows,
                            kFewestRows, kMostRows);
  if (ShapedType::isDynamic(size))
    return rows;
  // Rather less than a tile of another size at the end.
  for (int64_t fewer = rows; fewer > rows / 2; --fewer)
    if (size % fewer == 0 && (fewer % 4 == 0 || fewer % 6 == 0))
      return fewer;
  return rows;
}

namespace {

/// Writes the loops of a group in front of its root.
class Tiler {
public:
  explicit Tiler(Group &group)
      : group(group), b(group.root.getLoc(), group.root) {}

  /// False, and nothing is changed, if there is but one tile.
  bool tile() {
    ArrayRef<unsigned> rootLoops = group.loops.front().second;
    SmallVector<int64_t> sizes = group.root.getStaticLoopRanges();
    for (auto [index, loop] : llvm::enumerate(rootLoops))
      tileSizes.push_back(
          index + 1 == rootLoops.size() ? getTileRows(group, sizes[loop]) : 1);
    bool single = true;
    for (auto [loop, tile] : llvm::zip_equal(rootLoops, tileSizes))
      single &= !ShapedType::isDynamic(sizes[loop]) && sizes[loop] <= tile;
    if (single)
      return false;

    for (auto &[op, loops] : llvm::reverse(group.loops)) {
      members.push_back(op);
      for (OpResult result : op->getResults())
        if (op == group.root || isReadLater(result))
          results.push_back(result);
    }
    SmallVector<Value> destinations;
    for (OpResult result : results)
      destinations.push_back(getDestination(result));
    for (Operation *op : members)
      domains[op] = cast<TilingInterface>(op).getIterationDomain(b);

    SmallVector<Value> tiled = emitLoops(0, destinations);
    for (auto [result, value] : llvm::zip_equal(results, tiled))
      result.replaceUsesWithIf(value, [&](OpOperand &use) {
        return !group.loops.contains(use.getOwner()) &&
               !isa<tensor::DimOp>(use.getOwner());
      });
    for (Operation *op : llvm::reverse(members))
      if (op->use_empty())
        op->erase();
    return true;
  }

private:
  bool isReadLater(OpResult result) {
    return !isa<linalg::FillOp>(result.getOwner()) &&
           llvm::any_of(result.getUsers(), [&](Operation *user) {
             return !group.loops.contains(user) && !isa<tensor::DimOp>(user);
           });
  }

  /// The tensor outside of the group whose place \p result takes.
  Value getDestination(OpResult result) {
    Value init = cast<linalg::LinalgOp>(result.getOwner())
                     .getDpsInitOperand(result.getResultNumber())
                     ->get();
    if (auto before = dyn_cast<OpResult>(init);
        before && group.loops.contains(before.getOwner()))
      return getDestination(before);
    return init;
  }

  SmallVector<Value> emitLoops(unsigned depth, ValueRange destinations) {
    ArrayRef<unsigned> rootLoops = group.loops.front().second;
    if (depth == rootLoops.size())
      return emitTile(destinations);
    OpFoldResult size = domains[group.root][rootLoops[depth]].size;
    int64_t tile = tileSizes[depth];
    auto loop = scf::ForOp::create(
        b, arith::ConstantIndexOp::create(b, 0),
        getValueOrCreateConstantIndexOp(b, b.getLoc(), size),
        arith::ConstantIndexOp::create(b, tile), destinations);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(loop.getBody());
    Value iv = loop.getInductionVar();
    offsets.push_back(iv);
    std::optional<int64_t> fixed = getConstantIntValue(size);
    if (tile == 1 || (fixed && *fixed % tile == 0)) {
      partSizes.push_back(b.getIndexAttr(tile));
    } else {
      AffineExpr i, n;
      bindDims(b.getContext(), i);
      bindSymbols(b.getContext(), n);
      AffineMap part = AffineMap::get(
          1, 1, {b.getAffineConstantExpr(tile), n - i}, b.getContext());
      partSizes.push_back(affine::makeComposedFoldedAffineMin(
          b, b.getLoc(), part, {OpFoldResult(iv), size}));
    }
    scf::YieldOp::create(b, emitLoops(depth + 1, loop.getRegionIterArgs()));
    return loop.getResults();
  }

  SmallVector<Value> emitTile(ValueRange destinations) {
    SmallVector<Value> inserted(destinations);
    for (Operation *op : members) {
      SmallVector<OpFoldResult> opOffsets, opSizes;
      for (Range range : domains[op]) {
        opOffsets.push_back(range.offset);
        opSizes.push_back(range.size);
      }
      for (auto [loop, offset, size] :
           llvm::zip_equal(group.loops[op], offsets, partSizes)) {
        opOffsets[loop] = offset;
        opSizes[loop] = size;
      }
      b.setLoc(op->getLoc());
      FailureOr<TilingResult> tile =
          cast<TilingInterface>(op).getTiledImplementation(b, opOffsets,
                                                           opSizes);
      assert(succeeded(tile) && "tiling of a linalg op failed");
      auto tiled = cast<linalg::LinalgOp>(tile->tiledOps.front());
      tiles[op] = tiled;
      connect(cast<linalg::LinalgOp>(op), tiled, destinations);
      for (auto [index, result] : llvm::enumerate(results)) {
        if (result.getOwner() != op)
          continue;
        SmallVector<OpFoldResult> at, size;
        (void)cast<TilingInterface>(op).getResultTilePosition(
            b, result.getResultNumber(), opOffsets, opSizes, at, size);
        SmallVector<OpFoldResult> ones(at.size(), b.getIndexAttr(1));
        inserts.push_back(
            {index, tiled->getResult(result.getResultNumber()), at, size});
      }
    }
    for (auto &[index, value, at, size] : inserts) {
      SmallVector<OpFoldResult> ones(at.size(), b.getIndexAttr(1));
      inserted[index] = tensor::InsertSliceOp::create(b, value, inserted[index],
                                                      at, size, ones);
    }
    for (Operation *op : members)
      reuseInput(cast<linalg::LinalgOp>(op), tiles[op]);
    return inserted;
  }

  /// Makes the tile of \p op read the tiles of other members, and take its
  /// destination from the loops.
  void connect(linalg::LinalgOp op, linalg::LinalgOp tiled,
               ValueRange destinations) {
    for (OpOperand &operand : op->getOpOperands()) {
      OpOperand &slice = tiled->getOpOperand(operand.getOperandNumber());
      auto before = dyn_cast<OpResult>(operand.get());
      if (before && group.loops.contains(before.getOwner())) {
        linalg::LinalgOp producer = tiles.lookup(before.getOwner());
        // What is accumulated into can't be shared.
        if (isa<linalg::FillOp>(producer) &&
            !producer->getResult(0).use_empty())
          producer = cast<linalg::LinalgOp>(
              OpBuilder(tiled).clone(*producer.getOperation()));
        Value value = producer->getResult(before.getResultNumber());
        Operation *unread = slice.get().getDefiningOp();
        if (value.getType() != slice.get().getType()) {
          OpBuilder::InsertionGuard guard(b);
          b.setInsertionPoint(tiled);
          value = tensor::CastOp::create(b, slice.get().getType(), value);
        }
        slice.set(value);
        if (unread && isa<tensor::ExtractSliceOp>(unread) &&
            unread->use_empty())
          unread->erase();
      } else if (op.isDpsInit(&operand)) {
        auto *at = llvm::find(results, op.getTiedOpResult(&operand));
        auto extract = slice.get().getDefiningOp<tensor::ExtractSliceOp>();
        if (at != results.end() && extract)
          extract.getSourceMutable().assign(destinations[at - results.begin()]);
      }
    }
  }

  /// Lets an element-wise op write over the tile that it reads last.
  void reuseInput(linalg::LinalgOp op, linalg::LinalgOp tiled) {
    if (!isa<linalg::GenericOp>(tiled.getOperation()) ||
        tiled.getNumReductionLoops() != 0 || tiled->getNumResults() != 1)
      return;
    OpOperand *init = tiled.getDpsInitOperand(0);
    if (tiled.payloadUsesValueFromOperand(init) ||
        !op.getDpsInitOperand(0)->get().getDefiningOp<tensor::EmptyOp>())
      return;
    for (OpOperand *input : tiled.getDpsInputOperands()) {
      auto value = dyn_cast<OpResult>(input->get());
      if (!value || input->get().getType() != init->get().getType() ||
          tiled.getMatchingIndexingMap(input) !=
              tiled.getMatchingIndexingMap(init) ||
          !isa<linalg::LinalgOp>(value.getOwner()) ||
          value.getOwner()->getBlock() != tiled->getBlock() ||
          !llvm::all_of(value.getUsers(), [&](Operation *user) {
            return user == tiled || user->isBeforeInBlock(tiled);
          }))
        continue;
      Operation *unread = init->get().getDefiningOp();
      init->set(value);
      if (unread && unread->use_empty())
        unread->erase();
      return;
    }
  }

  struct Insert {
    size_t index;
    Value value;
    SmallVector<OpFoldResult> offsets, sizes;
  };

  Group &group;
  ImplicitLocOpBuilder b;
  SmallVector<int64_t> tileSizes;   // By loop of the group.
  SmallVector<Operation *> members; // First first.
  SmallVector<OpResult> results;    // What the loops return.
  DenseMap<Operation *, SmallVector<Range>> domains;
  SmallVector<OpFoldResult> offsets, partSizes; // Of this tile.
  DenseMap<Operation *, linalg::LinalgOp> tiles;
  SmallVector<Insert> inserts;
};

struct TileAndFusePass
    : public dropout::impl::TileAndFusePassBase<TileAndFusePass> {
  void runOnOperation() override {
    bool reduces = getOperation()
                       ->walk([](linalg::LinalgOp op) {
                         return op.getNumReductionLoops() != 0
                                    ? WalkResult::interrupt()
                                    : WalkResult::advance();
                       })
                       .wasInterrupted();
    if (!reduces)
      return markAllAnalysesPreserved();

    SmallVector<Block *> blocks;
    getOperation()->walk([&](Block *block) {
      if (!isa_and_present<linalg::LinalgOp>(block->getParentOp()))
        blocks.push_back(block);
    });
    bool changed = false;
    // Kept by a tensor.dim for a while, maybe.
    DenseSet<Operation *> done;
    for (Block *block : blocks) {
      for (Operation *op = block->empty() ? nullptr : &block->back(); op;) {
        auto root = dyn_cast<linalg::LinalgOp>(op);
        bool tiled = false;
        if (root && !done.contains(op) && isTilable(root) &&
            cast<RankedTensorType>(root->getResult(0).getType()).getRank() >
                1) {
          Group group = getGroup(root);
          if (isWorthwhile(group)) {
            // The loops stay in front of what follows the root.
            Operation *next = op->getNextNode();
            for (const auto &[member, loops] : group.loops)
              done.insert(member);
            tiled = Tiler(group).tile();
            if (tiled)
              op = next->getPrevNode();
          }
        }
        changed |= tiled;
        op = op->getPrevNode();
      }
    }
    if (!changed)
      return markAllAnalysesPreserved();

    RewritePatternSet patterns(&getContext());
    // Sizes no longer keep what was tiled alive.
    memref::populateResolveRankedShapedTypeResultDimsPatterns(patterns);
    tensor::populateFoldTensorEmptyPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
