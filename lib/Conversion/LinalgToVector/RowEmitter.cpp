//===- RowEmitter.cpp - The innermost loop of a generic, in vectors -------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowEmitter.h"

#include "dropout/Conversion/Utils/KeepBitEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::dropout;

/// Rows of at least so many bytes are worth a branch that may be mispredicted,
/// for dropout of whole rows.
static constexpr int64_t kBranchBytes = 1024;

/// How far ahead of a large tensor's loads to prefetch, in bytes.
static constexpr int64_t kPrefetchBytes = 2048;

/// The same in front of the rounds of Philox, which take as long as the memory
/// does: a tile ahead.
static constexpr int64_t kPrefetchBesideDraws = 1024;

static constexpr int64_t kCacheLineBytes = 64;

/// Vectors of 32-bit values that one iteration works on: a whole tile if the
/// body has at most kSmallBody ops. (Bits of a part of the tile go through
/// memory.)
static constexpr int64_t kUnrolledVectors = 4;
static constexpr int64_t kSmallBody = 8;

/// Vectors of blocks that a tile draws together, to hide the latency of the
/// rounds, which are one chain.
static constexpr int64_t kVectorsOfBlocks = 4;

/// Elements of a tile; no more than a short row needs.
static int64_t getTileSize(const VectorTarget &target, OpFoldResult extent) {
  int64_t largest = target.vectorBits / 8 * kVectorsOfBlocks;
  // One vector of blocks; at least two blocks of sixteen elements.
  int64_t tile = std::max<int64_t>(target.vectorBits / 8, 32);
  std::optional<int64_t> known = getConstantIntValue(extent);
  while (tile < largest && (!known || tile < *known))
    tile *= 2;
  return tile;
}

/// Elements of a vector: 32 bits each, but bf16 is computed in pairs.
static int64_t getVectorSize(const VectorTarget &target,
                             linalg::GenericOp generic) {
  bool isBF16 = llvm::all_of(generic->getOperandTypes(), [](Type type) {
    return getElementTypeOrSelf(type).isBF16();
  });
  return target.vectorBits / (isBF16 ? 16 : 32);
}

static Type getElementType(Value memref) {
  return cast<MemRefType>(memref.getType()).getElementType();
}

static int64_t getElementBytes(Value memref) {
  // An i1 is a byte.
  return llvm::divideCeil(getElementType(memref).getIntOrFloatBitWidth(), 8);
}

RowEmitter::RowEmitter(OpBuilder &builder, linalg::GenericOp generic,
                       const IterationSpace &space, const VectorTarget &target,
                       const llvm::SetVector<Value> &live,
                       const KnownConditions &known, const NestFlags &flags)
    : builder(builder), loc(generic.getLoc()), generic(generic), space(space),
      target(target), live(live), known(known),
      isNontemporal(flags.isNontemporal),
      tile(getTileSize(target, space.extents.back())),
      step(getVectorSize(target, generic)), rows(space.operands.size()),
      rowOffsets(space.operands.size()) {
  uniform = getUniformValues(generic, space, this->live, this->known);
}

//===----------------------------------------------------------------------===//
// What does not change along a row
//===----------------------------------------------------------------------===//

bool RowEmitter::isRun(Value value) const {
  return live.contains(value) && value.getDefiningOp<KeepOp>() &&
         !uniform.contains(value);
}

void RowEmitter::emitUniformValues(ValueRange outer) {
  auto atRow = [&](OpFoldResult value, ArrayRef<OpFoldResult> steps) {
    for (auto [index, step] : llvm::zip(outer, steps))
      value = emitAdd(builder, loc, value,
                      emitMul(builder, loc, OpFoldResult(index), step));
    return value;
  };
  for (auto [row, rowOffset, access] :
       llvm::zip_equal(rows, rowOffsets, space.operands)) {
    if (!isa<MemRefType>(access.memref.getType()))
      continue;
    OpFoldResult offset = atRow(access.offset, access.strides);
    rowOffset = offset;
    auto type = cast<MemRefType>(access.memref.getType());
    OpFoldResult one = builder.getIndexAttr(1);
    auto layout = StridedLayoutAttr::get(
        builder.getContext(),
        getConstantIntValue(offset).value_or(ShapedType::kDynamic), 1);
    // Accesses have their own bounds; the size of the row is not looked at.
    row = memref::ReinterpretCastOp::create(
        builder, loc,
        MemRefType::get({ShapedType::kDynamic}, type.getElementType(), layout,
                        type.getMemorySpace()),
        access.base, offset, ArrayRef<OpFoldResult>{toIndex(end)}, one);
    // A vector of i1 in memory is packed bits, a memref of i1 is bytes.
    if (type.getElementType().isInteger(1))
      row = UnrealizedConversionCastOp::create(
                builder, loc,
                cast<MemRefType>(row.getType())
                    .clone(static_cast<Type>(builder.getI8Type())),
                row)
                .getResult(0);
  }
  for (auto &[value, form] : space.forms)
    if (live.contains(value))
      bases[value] = toIndex(atRow(form.base, form.coefficients));

  Block *body = generic.getBody();
  for (auto [condition, isTrue] : known)
    scalars.map(condition, arith::ConstantOp::create(
                               builder, loc, builder.getBoolAttr(isTrue)));
  for (BlockArgument argument : body->getArguments())
    if (uniform.contains(argument)) {
      unsigned operand = argument.getArgNumber();
      Position position;
      position.element = constant(0);
      scalars.map(argument, rows[operand] ? emitLoad(operand, position)
                                          : space.operands[operand].memref);
    }
  for (Operation &op : body->without_terminator()) {
    if (!llvm::any_of(op.getResults(),
                      [&](Value result) { return uniform.contains(result); }))
      continue;
    Value result = op.getResult(0);
    if (auto base = bases.find(result); base != bases.end()) {
      Value scalar = base->second;
      if (!result.getType().isIndex())
        scalar =
            arith::IndexCastOp::create(builder, loc, result.getType(), scalar);
      scalars.map(result, scalar);
      continue;
    }
    for (Value operand : op.getOperands())
      scalars.map(operand, scalars.lookupOrDefault(resolve(operand, known)));
    builder.clone(op, scalars);
  }
}

void RowEmitter::emit(ValueRange outer, OpFoldResult begin, OpFoldResult end) {
  this->begin = begin;
  this->end = end;
  emitUniformValues(outer);
  emitUnswitchedTiles();
}

void RowEmitter::emitUnswitchedTiles() {
  // A draw that holds for the whole row.
  Value condition;
  int64_t bytes = 1;
  for (Value value : live)
    if (uniform.contains(value) && value.getDefiningOp<KeepOp>())
      condition = value;
  if (!condition)
    return emitTiles();
  for (OpOperand &init : generic.getDpsInitsMutable())
    bytes = std::max(bytes, getElementBytes(init.get()));
  auto emitBranch = [&] {
    auto isKept = scf::IfOp::create(builder, loc, scalars.lookup(condition),
                                    /*withElseRegion=*/true);
    for (bool value : {true, false}) {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(value ? isKept.thenBlock()
                                             : isKept.elseBlock());
      RowEmitter inner(*this);
      inner.known[condition] = value;
      inner.live = getLiveValues(generic, space.forms, inner.known);
      inner.scalars.map(
          condition,
          arith::ConstantOp::create(builder, loc, builder.getBoolAttr(value)));
      inner.emitTiles();
    }
  };
  OpFoldResult extent = space.extents.back();
  if (std::optional<int64_t> size = getConstantIntValue(extent)) {
    if (*size * bytes >= kBranchBytes)
      return emitBranch();
    return emitTiles();
  }
  Value isLong =
      arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sge,
                            toIndex(extent), constant(kBranchBytes / bytes));
  auto isLongIf = scf::IfOp::create(builder, loc, isLong,
                                    /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(isLongIf.thenBlock());
  emitBranch();
  builder.setInsertionPointToStart(isLongIf.elseBlock());
  emitTiles();
}

//===----------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------===//

bool RowEmitter::isAligned(KeepOp keep) const {
  KeepOp leader = runs.front();
  const LinearForm &form = getForm(keep), &leading = getForm(leader);
  return form.base == leading.base &&
         form.coefficients == leading.coefficients &&
         keep.getResolution() == leader.getResolution();
}

const LinearForm &RowEmitter::getForm(KeepOp keep) const {
  return space.forms.find(keep.getIndex())->second;
}

void RowEmitter::emitTiles() {
  runs.clear();
  for (Operation &op : generic.getBody()->without_terminator())
    if (auto keep = dyn_cast<KeepOp>(op); keep && isRun(keep.getResult()))
      runs.push_back(keep);
  if (runs.empty()) {
    tile = std::min(tile, getUnrolledSize());
    Value first = toIndex(begin);
    return emitTileLoop(first, first, toIndex(end), /*high=*/Value());
  }

  // Tiles begin with a block of the first draw, and the elements of a loop over
  // tiles have blocks with one high word: as good as always all that there are.
  KeepOp leader = runs.front();
  int64_t perBlock = leader.getResolution() == 8 ? 16 : 8;
  const LinearForm &form = getForm(leader);
  auto emitSegment = [&](Value first, Value last, Value high) {
    Value start = first;
    auto isMultiple = [&](OpFoldResult value) {
      std::optional<int64_t> constant = getConstantIntValue(value);
      return constant && *constant % perBlock == 0;
    };
    if (!isMultiple(form.base) ||
        !llvm::all_of(ArrayRef(form.coefficients).drop_back(), isMultiple)) {
      Value index = add(bases.lookup(leader.getIndex()), first);
      Value within =
          arith::AndIOp::create(builder, loc, index, constant(perBlock - 1));
      start = arith::SubIOp::create(builder, loc, first, within);
    }
    emitTileLoop(start, first, last, high);
  };

  int64_t segment = perBlock << 32;
  std::optional<int64_t> largest = getLargestValue(form);
  if (largest && *largest < segment)
    return emitSegment(
        toIndex(begin), toIndex(end),
        arith::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(0)));
  Value base = bases.lookup(leader.getIndex());
  Value shift = constant(llvm::Log2_64(segment));
  auto getHigh = [&](Value element) -> Value {
    return arith::ShRSIOp::create(builder, loc, add(base, element), shift);
  };
  Value one = constant(1);
  Value lastElement = arith::SubIOp::create(builder, loc, toIndex(end), one);
  auto loop = scf::ForOp::create(builder, loc, getHigh(toIndex(begin)),
                                 add(getHigh(lastElement), one), one);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  Value high = loop.getInductionVar();
  Value from = arith::SubIOp::create(
      builder, loc, arith::ShLIOp::create(builder, loc, high, shift), base);
  Value to = add(from, constant(segment));
  from = arith::MaxSIOp::create(builder, loc, from, toIndex(begin));
  to = arith::MinSIOp::create(builder, loc, to, toIndex(end));
  emitSegment(
      from, to,
      arith::IndexCastOp::create(builder, loc, builder.getI64Type(), high));
}

std::optional<int64_t>
RowEmitter::getLargestValue(const LinearForm &form) const {
  std::optional<int64_t> sum = getConstantIntValue(form.base);
  for (auto [step, extent] :
       llvm::zip_equal(form.coefficients, space.extents)) {
    std::optional<int64_t> knownStep = getConstantIntValue(step);
    std::optional<int64_t> knownExtent = getConstantIntValue(extent);
    int64_t distance;
    if (!sum || *sum < 0 || !knownStep || *knownStep < 0 || !knownExtent ||
        llvm::MulOverflow(*knownStep, *knownExtent, distance) ||
        llvm::AddOverflow(*sum, distance, *sum))
      return std::nullopt;
  }
  return sum;
}

void RowEmitter::emitTileLoop(Value start, Value first, Value last,
                              Value high) {
  bool startsInside = start == first;
  Value storesPastCaches = isNontemporal;
  if (isNontemporal && getConstantIntValue(start) != 0) {
    // Outputs are aligned at element 0.
    Value within = arith::AndIOp::create(builder, loc, start, constant(63));
    Value isAligned = arith::CmpIOp::create(
        builder, loc, arith::CmpIPredicate::eq, within, constant(0));
    storesPastCaches =
        arith::AndIOp::create(builder, loc, isNontemporal, isAligned);
  }

  auto loop = scf::ForOp::create(builder, loc, start, last, constant(tile));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  Value element = loop.getInductionVar();
  if (storesPastCaches) {
    auto branch = scf::IfOp::create(builder, loc, storesPastCaches,
                                    /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(branch.thenBlock());
    emitPrefetch(element);
  }
  for (KeepOp keep : runs) {
    Value base = add(bases.lookup(keep.getIndex()), element);
    base = arith::IndexCastOp::create(builder, loc, builder.getI64Type(), base);
    auto scalar = [&](Value value) {
      return scalars.lookupOrDefault(resolve(value, known));
    };
    bits[keep] = KeepRunOp::create(
        builder, loc, VectorType::get(tile, builder.getI1Type()), base,
        isAligned(keep) ? high : Value(), scalar(keep.getThreshold()),
        scalar(keep.getSeed()), scalar(keep.getOffset()), keep.getRounds(),
        keep.getResolution(), keep.getContractVersion());
  }

  std::optional<int64_t> from = getConstantIntValue(start);
  std::optional<int64_t> to = getConstantIntValue(last);
  if (startsInside && from && to && (*to - *from) % tile == 0)
    return emitFullTile(element, storesPastCaches);
  Value next = add(element, constant(tile));
  Value isFull = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sle,
                                       next, last);
  if (!startsInside) {
    Value isInside = arith::CmpIOp::create(
        builder, loc, arith::CmpIPredicate::sge, element, first);
    isFull = arith::AndIOp::create(builder, loc, isFull, isInside);
  }
  auto branch =
      scf::IfOp::create(builder, loc, isFull, /*withElseRegion=*/true);
  builder.setInsertionPointToStart(branch.thenBlock());
  emitFullTile(element, storesPastCaches);
  builder.setInsertionPointToStart(branch.elseBlock());
  emitPartialTile(element, startsInside ? Value() : first, last);
}

void RowEmitter::emitPrefetch(Value element) {
  int64_t distance = runs.empty() ? kPrefetchBytes : kPrefetchBesideDraws;
  for (OpOperand &operand : generic->getOpOperands()) {
    unsigned number = operand.getOperandNumber();
    const OperandAccess &access = space.operands[number];
    // What is read again for each row is in the caches.
    if (!live.contains(generic.getBody()->getArgument(number)) ||
        access.inner != InnerAccess::Contiguous ||
        llvm::any_of(access.strides, isZeroInteger))
      continue;
    int64_t bytes = getElementBytes(operand.get());
    for (int64_t line = 0; line < tile * bytes; line += kCacheLineBytes) {
      Value ahead = add(element, constant((distance + line) / bytes));
      memref::PrefetchOp::create(builder, loc, rows[number], ahead,
                                 /*isWrite=*/false, /*localityHint=*/3,
                                 /*isDataCache=*/true);
    }
  }
}

void RowEmitter::emitFullTile(Value element, Value storesPastCaches) {
  int64_t unrolled = getUnrolledSize();
  int64_t size = llvm::count_if(live, [&](Value value) {
    return value.getDefiningOp() && !uniform.contains(value) &&
           !value.getDefiningOp<KeepOp>() && !space.forms.contains(value);
  });
  if (size <= kSmallBody || tile <= unrolled)
    return emitVectors(element, tile, storesPastCaches,
                       [&](KeepOp keep, int64_t offset) -> Value {
                         return vector::ExtractStridedSliceOp::create(
                             builder, loc, bits.lookup(keep), offset, step, 1);
                       });

  llvm::MapVector<Operation *, Value> words;
  for (auto &[keep, run] : bits)
    words[keep] = emitToInteger(builder, loc, run);
  auto loop = scf::ForOp::create(builder, loc, constant(0), constant(tile),
                                 constant(unrolled));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  Value shift = arith::IndexCastOp::create(
      builder, loc, builder.getIntegerType(tile), loop.getInductionVar());
  llvm::MapVector<Operation *, Value> parts;
  for (auto &[keep, word] : words) {
    Value shifted = arith::ShRUIOp::create(builder, loc, word, shift);
    parts[keep] = arith::TruncIOp::create(
        builder, loc, builder.getIntegerType(unrolled), shifted);
  }
  emitVectors(add(element, loop.getInductionVar()), unrolled, storesPastCaches,
              [&](KeepOp keep, int64_t offset) -> Value {
                return emitTestBits(parts.lookup(keep), offset);
              });
}

Value RowEmitter::emitTestBits(Value word, int64_t offset) {
  if (target.maskedMemory)
    return vector::ExtractStridedSliceOp::create(
        builder, loc, emitToBits(builder, loc, word), offset, step, 1);
  // In lanes of 32 bits, of which each tests its own: LLVM takes an integer
  // apart bit by bit where there are no registers for vectors of i1.
  Type i32 = builder.getI32Type();
  int64_t first = offset % 32;
  Value part = word;
  if (offset >= 32)
    part = arith::ShRUIOp::create(
        builder, loc, word,
        arith::ConstantOp::create(
            builder, loc,
            builder.getIntegerAttr(word.getType(), offset - first)));
  int64_t bits = word.getType().getIntOrFloatBitWidth();
  if (bits > 32)
    part = arith::TruncIOp::create(builder, loc, i32, part);
  else if (bits < 32)
    part = arith::ExtUIOp::create(builder, loc, i32, part);
  SmallVector<int32_t> own;
  for (int64_t lane = first; lane < first + step; ++lane)
    own.push_back(int32_t(uint32_t(1) << lane));
  auto type = VectorType::get(step, i32);
  Value masked = arith::AndIOp::create(
      builder, loc, vector::BroadcastOp::create(builder, loc, type, part),
      arith::ConstantOp::create(builder, loc,
                                DenseElementsAttr::get(type, ArrayRef(own))));
  return arith::CmpIOp::create(
      builder, loc, arith::CmpIPredicate::ne, masked,
      arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type)));
}

void RowEmitter::emitVectors(
    Value element, int64_t count, Value storesPastCaches,
    llvm::function_ref<Value(KeepOp, int64_t)> getBits) {
  // Loads and stores take turns: a burst of either waits for memory. But bits
  // that cross the branch between stores cost more without mask registers.
  int64_t size =
      target.maskedMemory ? std::min(count, getUnrolledSize()) : count;
  for (int64_t begin = 0; begin < count; begin += size) {
    SmallVector<std::pair<Position, SmallVector<Value>>> results;
    for (int64_t offset = begin; offset < begin + size; offset += step) {
      Position position{add(element, constant(offset)), step, Value()};
      results.push_back({position, emitBody(position, [&](KeepOp keep) {
                           return getBits(keep, offset);
                         })});
    }
    auto storeAll = [&](bool isNontemporal) {
      for (auto &[position, values] : results)
        for (auto [init, value] :
             llvm::zip_equal(generic.getDpsInitsMutable(), values))
          emitStore(init.getOperandNumber(), position, value, isNontemporal);
    };
    if (!storesPastCaches) {
      storeAll(false);
      continue;
    }
    auto branch = scf::IfOp::create(builder, loc, storesPastCaches,
                                    /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(branch.thenBlock());
    storeAll(true);
    builder.setInsertionPointToStart(branch.elseBlock());
    storeAll(false);
  }
}

int64_t RowEmitter::getUnrolledSize() const {
  return kUnrolledVectors * target.vectorBits / 32;
}

void RowEmitter::emitPartialTile(Value element, Value first, Value last) {
  Value from = element;
  if (first)
    from = arith::MaxSIOp::create(builder, loc, element, first);
  Value to =
      arith::MinSIOp::create(builder, loc, add(element, constant(tile)), last);
  // A loop, as this is not the code that has to be fast: one vector, or one
  // element, at a time.
  int64_t lanes = target.maskedMemory ? step : 0;
  Type word = builder.getIntegerType(tile);
  for (auto &[keep, run] : bits)
    run = emitToInteger(builder, loc, run);
  auto loop = scf::ForOp::create(builder, loc, from, to,
                                 constant(std::max<int64_t>(lanes, 1)));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  Position position{loop.getInductionVar(), lanes, Value()};
  Value skipped =
      arith::SubIOp::create(builder, loc, position.element, element);
  Value shift = arith::IndexCastOp::create(builder, loc, word, skipped);
  if (lanes != 0) {
    // The lowest bits, one for each element that is left.
    Value left = arith::SubIOp::create(builder, loc, to, position.element);
    Value count = arith::MinSIOp::create(builder, loc, left, constant(lanes));
    Value unused = arith::SubIOp::create(builder, loc, constant(lanes), count);
    Type mask = builder.getIntegerType(lanes);
    Value all = arith::ConstantOp::create(builder, loc,
                                          builder.getIntegerAttr(mask, -1));
    Value valid = arith::ShRUIOp::create(
        builder, loc, all,
        arith::IndexCastOp::create(builder, loc, mask, unused));
    position.mask = emitToBits(builder, loc, valid);
  }
  SmallVector<Value> values = emitBody(position, [&](KeepOp keep) -> Value {
    Value shifted =
        arith::ShRUIOp::create(builder, loc, bits.lookup(keep), shift);
    Value own = arith::TruncIOp::create(
        builder, loc, builder.getIntegerType(std::max<int64_t>(lanes, 1)),
        shifted);
    return lanes == 0 ? own : emitToBits(builder, loc, own);
  });
  for (auto [init, value] :
       llvm::zip_equal(generic.getDpsInitsMutable(), values))
    emitStore(init.getOperandNumber(), position, value,
              /*isNontemporal=*/false);
}

//===----------------------------------------------------------------------===//
// The body
//===----------------------------------------------------------------------===//

/// `type`, or a vector of `lanes` of it.
static Type getLaneType(Type type, int64_t lanes) {
  return lanes == 0 ? type : VectorType::get(lanes, type);
}

Value RowEmitter::emitAcrossLanes(Value scalar, const Position &position) {
  if (position.lanes == 0)
    return scalar;
  return vector::BroadcastOp::create(
      builder, loc, getLaneType(scalar.getType(), position.lanes), scalar);
}

Value RowEmitter::emitLinear(Value value, const Position &position) {
  const LinearForm &form = space.forms.find(value)->second;
  Value stride = toIndex(form.coefficients.back());
  Value scalar =
      add(bases.lookup(value),
          arith::MulIOp::create(builder, loc, position.element, stride));
  Value lanes = emitAcrossLanes(scalar, position);
  if (position.lanes != 0) {
    Value offsets = arith::MulIOp::create(
        builder, loc,
        vector::StepOp::create(
            builder, loc,
            VectorType::get(position.lanes, builder.getIndexType())),
        emitAcrossLanes(stride, position));
    lanes = arith::AddIOp::create(builder, loc, lanes, offsets);
  }
  if (value.getType().isIndex())
    return lanes;
  return arith::IndexCastOp::create(
      builder, loc, getLaneType(value.getType(), position.lanes), lanes);
}

SmallVector<Value>
RowEmitter::emitBody(const Position &position,
                     llvm::function_ref<Value(KeepOp)> getBits) {
  Block *body = generic.getBody();
  IRMapping values;
  for (BlockArgument argument : body->getArguments())
    if (live.contains(argument) && !uniform.contains(argument))
      values.map(argument, emitLoad(argument.getArgNumber(), position));

  auto getScalar = [&](Value value) { return scalars.lookupOrDefault(value); };
  auto getLanes = [&](Value value) {
    value = resolve(value, known);
    if (Value lanes = values.lookupOrNull(value))
      return lanes;
    return emitAcrossLanes(getScalar(value), position);
  };
  for (Operation &op : body->without_terminator()) {
    if (!llvm::any_of(op.getResults(), [&](Value result) {
          return live.contains(result) && !uniform.contains(result);
        }))
      continue;
    Value result = op.getResult(0);
    if (space.forms.contains(result)) {
      values.map(result, emitLinear(result, position));
      continue;
    }
    if (auto keep = dyn_cast<KeepOp>(op)) {
      values.map(result, getBits(keep));
      continue;
    }
    SmallVector<Value> operands;
    for (auto [index, operand] : llvm::enumerate(op.getOperands())) {
      Value resolved = resolve(operand, known);
      bool isScalarCondition =
          isa<arith::SelectOp>(op) && index == 0 && !values.contains(resolved);
      operands.push_back(isScalarCondition ? getScalar(resolved)
                                           : getLanes(operand));
    }
    SmallVector<Type> types;
    for (Type type : op.getResultTypes())
      types.push_back(getLaneType(type, position.lanes));
    Operation *inLanes = builder.create(loc, op.getName().getIdentifier(),
                                        operands, types, op.getAttrs());
    for (auto [scalar, lanes] :
         llvm::zip_equal(op.getResults(), inLanes->getResults()))
      values.map(scalar, lanes);
  }
  SmallVector<Value> results;
  for (Value result : body->getTerminator()->getOperands())
    results.push_back(getLanes(result));
  return results;
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Value RowEmitter::emitStridedIndex(unsigned operand, Value element) {
  const OperandAccess &access = space.operands[operand];
  if (access.inner == InnerAccess::Contiguous)
    return element;
  return arith::MulIOp::create(builder, loc, element,
                               toIndex(access.strides.back()));
}

Value RowEmitter::emitElement(unsigned operand, Value element) {
  auto row = cast<TypedValue<MemRefType>>(rows[operand]);
  OpFoldResult offset =
      emitAdd(builder, loc, rowOffsets[operand],
              OpFoldResult(emitStridedIndex(operand, element)));
  auto layout = StridedLayoutAttr::get(
      builder.getContext(),
      getConstantIntValue(offset).value_or(ShapedType::kDynamic), 1);
  OpFoldResult one = builder.getIndexAttr(1);
  return memref::ReinterpretCastOp::create(
      builder, loc,
      MemRefType::get({1}, row.getType().getElementType(), layout,
                      row.getType().getMemorySpace()),
      row, offset, ArrayRef<OpFoldResult>{one}, one);
}

Value RowEmitter::emitStridedLanes(unsigned operand, const Position &position) {
  return arith::MulIOp::create(
      builder, loc,
      vector::StepOp::create(
          builder, loc,
          VectorType::get(position.lanes, builder.getIndexType())),
      emitAcrossLanes(toIndex(space.operands[operand].strides.back()),
                      position));
}

static Value emitAllValid(OpBuilder &builder, Location loc, int64_t lanes) {
  auto type = VectorType::get(lanes, builder.getI1Type());
  return arith::ConstantOp::create(builder, loc,
                                   DenseElementsAttr::get(type, true));
}

Value RowEmitter::emitLoad(unsigned operand, const Position &position) {
  Value value = emitLoadBytes(operand, position);
  if (!getElementType(space.operands[operand].memref).isInteger(1))
    return value;
  Value zero = arith::ConstantOp::create(builder, loc,
                                         builder.getZeroAttr(value.getType()));
  return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, value,
                               zero);
}

Value RowEmitter::emitLoadBytes(unsigned operand, const Position &position) {
  const OperandAccess &access = space.operands[operand];
  Value row = rows[operand];
  if (position.lanes == 0)
    return memref::LoadOp::create(
        builder, loc, emitElement(operand, position.element), constant(0));
  Value index = emitStridedIndex(operand, position.element);
  auto type = VectorType::get(position.lanes, getElementType(row));
  bool isContiguous = access.inner == InnerAccess::Contiguous;
  if (isContiguous && !position.mask)
    return vector::LoadOp::create(builder, loc, type, row, index);
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
  if (isContiguous)
    return vector::MaskedLoadOp::create(builder, loc, type, row, index,
                                        position.mask, zero);
  Value valid = position.mask ? position.mask
                              : emitAllValid(builder, loc, position.lanes);
  return vector::GatherOp::create(builder, loc, type, row, index,
                                  emitStridedLanes(operand, position), valid,
                                  zero);
}

void RowEmitter::emitStore(unsigned operand, const Position &position,
                           Value value, bool isNontemporal) {
  const OperandAccess &access = space.operands[operand];
  Value row = rows[operand];
  if (value.getType() != getLaneType(getElementType(row), position.lanes))
    value = arith::ExtUIOp::create(
        builder, loc, getLaneType(getElementType(row), position.lanes), value);
  if (position.lanes == 0) {
    memref::StoreOp::create(builder, loc, value,
                            emitElement(operand, position.element),
                            constant(0));
    return;
  }
  Value index = emitStridedIndex(operand, position.element);
  if (access.inner == InnerAccess::Contiguous) {
    if (position.mask) {
      vector::MaskedStoreOp::create(builder, loc, row, index, position.mask,
                                    value);
      return;
    }
    auto alignment =
        isNontemporal
            ? llvm::MaybeAlign(std::min(kCacheLineBytes,
                                        position.lanes * getElementBytes(row)))
            : llvm::MaybeAlign();
    vector::StoreOp::create(builder, loc, value, row, index, isNontemporal,
                            alignment);
    return;
  }
  Value valid = position.mask ? position.mask
                              : emitAllValid(builder, loc, position.lanes);
  vector::ScatterOp::create(builder, loc, /*resultType=*/Type(), row, index,
                            emitStridedLanes(operand, position), valid, value);
}

//===----------------------------------------------------------------------===//
// Index arithmetic
//===----------------------------------------------------------------------===//

Value RowEmitter::constant(int64_t value) {
  return arith::ConstantIndexOp::create(builder, loc, value);
}

Value RowEmitter::add(Value a, Value b) {
  return arith::AddIOp::create(builder, loc, a, b);
}

Value RowEmitter::toIndex(OpFoldResult value) {
  return getValueOrCreateConstantIndexOp(builder, loc, value);
}
