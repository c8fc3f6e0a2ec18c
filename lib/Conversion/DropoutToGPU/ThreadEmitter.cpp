//===- ThreadEmitter.cpp - The elements of one GPU thread -----------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ThreadEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::dropout;

/// The widest access of a thread.
static constexpr int64_t kVectorBytes = 16;

/// Draws of whole rows that become branches: each doubles the code.
static constexpr int kMaxBranches = 2;

//===----------------------------------------------------------------------===//
// Plan
//===----------------------------------------------------------------------===//

int64_t mlir::dropout::getElementBytes(Type element) {
  return llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
}

int64_t KernelPlan::getGroupSize() const {
  return !runs.empty() && KeepOp(runs.front()).getResolution() == 8 ? 16 : 8;
}

int64_t KernelPlan::getNumGroups() const {
  return target.elementsPerThread / getGroupSize();
}

int64_t KernelPlan::getVectorSize(Type element) const {
  return std::min(getGroupSize(), kVectorBytes / getElementBytes(element));
}

const LinearForm &KernelPlan::getLeadingForm() const {
  return space.forms.find(KeepOp(runs.front()).getIndex())->second;
}

bool KernelPlan::mayBeginInFront() const {
  if (runs.empty())
    return false;
  const LinearForm &form = getLeadingForm();
  auto isMultiple = [&](OpFoldResult value) {
    std::optional<int64_t> known = getConstantIntValue(value);
    return known && *known % getGroupSize() == 0;
  };
  return !isMultiple(form.base) ||
         !llvm::all_of(ArrayRef(form.coefficients).drop_back(), isMultiple);
}

DrawParameters mlir::dropout::getDrawParameters(KeepOp keep,
                                                const KnownConditions &known) {
  DrawParameters draw;
  draw.threshold = resolve(keep.getThreshold(), known);
  draw.seed = resolve(keep.getSeed(), known);
  draw.offset = resolve(keep.getOffset(), known);
  draw.rounds = keep.getRounds();
  draw.resolution = keep.getResolution();
  draw.words = WordForm::Bitcast;
  return draw;
}

//===----------------------------------------------------------------------===//
// What does not change along a row
//===----------------------------------------------------------------------===//

ThreadEmitter::ThreadEmitter(OpBuilder &builder, const KernelPlan &plan,
                             const llvm::SetVector<Value> &live,
                             const KnownConditions &known)
    : builder(builder), loc(linalg::GenericOp(plan.generic).getLoc()),
      plan(plan), generic(plan.generic), space(plan.space), live(live),
      known(known), rowOffsets(plan.space.operands.size()) {
  uniform = getUniformValues(generic, space, this->live, this->known);
}

Value ThreadEmitter::emitKeep(KeepOp keep, Value index, bool rare) {
  DrawParameters draw = getDrawParameters(keep, known);
  draw.loopsOverRounds = rare;
  return KeepBitEmitter(builder, loc, draw).emitKeep(index, TieForm::Branch);
}

void ThreadEmitter::emitUniformValues() {
  auto atRow = [&](OpFoldResult value, ArrayRef<OpFoldResult> steps) {
    for (auto [index, step] : llvm::zip(position.outer, steps))
      value = emitAdd(builder, loc, value,
                      emitMul(builder, loc, OpFoldResult(index), step));
    return value;
  };
  for (auto [rowOffset, access] : llvm::zip_equal(rowOffsets, space.operands))
    if (isa<MemRefType>(access.memref.getType()))
      rowOffset = atRow(access.offset, access.strides);
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
      scalars.map(argument, plan.arrays[operand]
                                ? loadElement(operand, constant(0))
                                : space.operands[operand].memref);
    }
  for (Operation &op : body->without_terminator()) {
    if (!llvm::any_of(op.getResults(),
                      [&](Value result) { return uniform.contains(result); }))
      continue;
    Value result = op.getResult(0);
    if (auto base = bases.find(result); base != bases.end()) {
      Value value = base->second;
      if (!result.getType().isIndex())
        value =
            arith::IndexCastOp::create(builder, loc, result.getType(), value);
      scalars.map(result, value);
      continue;
    }
    for (Value operand : op.getOperands())
      scalars.map(operand, scalars.lookupOrDefault(resolve(operand, known)));
    if (auto keep = dyn_cast<KeepOp>(op))
      scalars.map(result, emitKeep(keep,
                                   scalars.lookupOrDefault(
                                       resolve(keep.getIndex(), known)),
                                   /*rare=*/false));
    else
      builder.clone(op, scalars);
  }
}

void ThreadEmitter::emit(const ThreadPosition &where) {
  position = where;
  emitUniformValues();
  emitUnswitchedGroups();
}

void ThreadEmitter::emitUnswitchedGroups() {
  Value condition;
  for (Value value : live)
    if (uniform.contains(value) && value.getDefiningOp<KeepOp>())
      condition = value;
  if (!condition || numBranches == kMaxBranches)
    return emitGroups();
  auto isKept = scf::IfOp::create(builder, loc, scalars.lookup(condition),
                                  /*withElseRegion=*/true);
  for (bool value : {true, false}) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(value ? isKept.thenBlock()
                                           : isKept.elseBlock());
    ThreadEmitter inner(*this);
    inner.known[condition] = value;
    ++inner.numBranches;
    inner.live = getLiveValues(generic, space.forms, inner.known);
    inner.scalars.map(condition, arith::ConstantOp::create(
                                     builder, loc, builder.getBoolAttr(value)));
    // What is uniform now may not have been before.
    inner.uniform = getUniformValues(generic, space, inner.live, inner.known);
    inner.emitUniformValues();
    inner.emitUnswitchedGroups();
  }
}

//===----------------------------------------------------------------------===//
// Groups
//===----------------------------------------------------------------------===//

bool ThreadEmitter::isRun(Value value) const {
  auto keep = value.getDefiningOp<KeepOp>();
  return keep && live.contains(value) && !uniform.contains(value) &&
         llvm::is_contained(plan.runs, keep);
}

void ThreadEmitter::emitGroups() {
  int64_t size = plan.getGroupSize(), numGroups = plan.getNumGroups();
  Value extent = toIndex(space.extents.back());
  Value groupSize = constant(size);
  Value first = arith::MulIOp::create(builder, loc, position.group, groupSize);
  Value distance =
      arith::MulIOp::create(builder, loc, position.distance, groupSize);
  if (plan.mayBeginInFront()) {
    // Linear in the outer loops, whether or not this version draws.
    const LinearForm &form = plan.getLeadingForm();
    OpFoldResult index = form.base;
    for (auto [outer, step] : llvm::zip(position.outer, form.coefficients))
      index = emitAdd(builder, loc, index,
                      emitMul(builder, loc, OpFoldResult(outer), step));
    Value within =
        arith::AndIOp::create(builder, loc, toIndex(index), constant(size - 1));
    first = arith::SubIOp::create(builder, loc, first, within);
  }
  SmallVector<Value> begins = {first};
  while (int64_t(begins.size()) < numGroups)
    begins.push_back(add(begins.back(), distance));

  // Of a nest of one row only one thread or two meet its ends.
  bool hasVectors = plan.isAligned && plan.target.vectorAccess;
  bool isRarelyPartial = hasVectors && space.getNumLoops() == 1;
  auto emitPartialGroups = [&] {
    auto loop = scf::ForOp::create(builder, loc, constant(0),
                                   constant(numGroups), constant(1));
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    Value begin =
        arith::MulIOp::create(builder, loc, loop.getInductionVar(), distance);
    begin = add(first, begin);
    emitPartialGroup(begin, isRarelyPartial);
  };
  if (!hasVectors)
    return emitPartialGroups();
  Value isWhole = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sle,
                                        add(begins.back(), groupSize), extent);
  if (plan.mayBeginInFront()) {
    Value beginsInside = arith::CmpIOp::create(
        builder, loc, arith::CmpIPredicate::sge, first, constant(0));
    isWhole = arith::AndIOp::create(builder, loc, isWhole, beginsInside);
  }
  auto branch =
      scf::IfOp::create(builder, loc, isWhole, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.thenBlock());
  emitWholeGroups(begins);
  builder.setInsertionPointToStart(branch.elseBlock());
  emitPartialGroups();
}

ThreadEmitter::Words ThreadEmitter::emitRuns(ArrayRef<Value> begins) {
  Words words;
  for (KeepOp keep : plan.runs) {
    if (!isRun(keep.getResult()))
      continue;
    SmallVector<Value> indices;
    for (Value begin : begins)
      indices.push_back(arith::IndexCastOp::create(
          builder, loc, builder.getI64Type(),
          add(bases.lookup(keep.getIndex()), begin)));
    words[keep] = KeepBitEmitter(builder, loc, getDrawParameters(keep, known))
                      .emitThreadWords(indices, plan.thresholds.lookup(keep),
                                       plan.target.packedMinimum);
  }
  return words;
}

void ThreadEmitter::emitWholeGroups(ArrayRef<Value> begins) {
  Block *body = generic.getBody();
  size_t size = plan.getGroupSize();
  // Loads first: they take longest.
  std::vector<llvm::MapVector<Value, Loaded>> loaded(begins.size());
  for (auto [group, begin] : llvm::enumerate(begins))
    for (BlockArgument argument : body->getArguments())
      if (live.contains(argument) && !uniform.contains(argument))
        loaded[group][argument] = loadGroup(argument.getArgNumber(), begin);
  Words words = emitRuns(begins);

  ValueRange yielded = body->getTerminator()->getOperands();
  for (size_t group = 0; group < begins.size(); ++group) {
    Value begin = begins[group];
    SmallVector<SmallVector<Value>> values(yielded.size()),
        unrounded(yielded.size());
    for (size_t number = 0; number < size; ++number) {
      IRMapping mapping(scalars);
      llvm::SmallMapVector<Value, Value, 4> wide;
      for (auto &[argument, elements] : loaded[group]) {
        mapping.map(argument, elements.values[number]);
        if (!elements.wide.empty())
          wide[argument] = elements.wide[number];
      }
      Value element = add(begin, constant(number));
      auto getBit = [&](KeepOp keep) -> Value {
        auto run = words.find(keep);
        if (run == words.end())
          return {};
        return KeepBitEmitter(builder, loc, getDrawParameters(keep, known))
            .emitThreadKeep(run->second, group * size + number,
                            plan.thresholds.lookup(keep));
      };
      emitBody(element, getBit, wide, mapping);
      for (auto [result, value] : llvm::enumerate(yielded)) {
        value = resolve(value, known);
        values[result].push_back(mapping.lookupOrDefault(value));
        if (value.getType().isF16() || value.getType().isBF16())
          if (Value exact = emitUnrounded(value, mapping))
            unrounded[result].push_back(exact);
      }
    }
    for (auto [init, result, exact] :
         llvm::zip_equal(generic.getDpsInitsMutable(), values, unrounded))
      storeGroup(init.getOperandNumber(), begin, result, exact);
  }
}

void ThreadEmitter::emitPartialGroup(Value begin, bool rare) {
  // Bits of the group in an integer, so that one body does for all elements.
  llvm::SmallDenseMap<Operation *, Value> masks;
  auto constantI32 = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(builder, loc,
                                     builder.getI32IntegerAttr(value));
  };
  if (!rare)
    for (auto &[op, words] : emitRuns(begin)) {
      auto keep = cast<KeepOp>(op);
      KeepBitEmitter emitter(builder, loc, getDrawParameters(keep, known));
      Value mask = constantI32(0);
      for (int64_t number = 0; number < plan.getGroupSize(); ++number)
        mask = arith::OrIOp::create(
            builder, loc, mask,
            arith::SelectOp::create(
                builder, loc,
                emitter.emitThreadKeep(words, number,
                                       plan.thresholds.lookup(keep)),
                constantI32(int64_t(1) << number), constantI32(0)));
      masks[op] = mask;
    }

  Value first = begin;
  if (plan.mayBeginInFront())
    first = arith::MaxSIOp::create(builder, loc, begin, constant(0));
  Value end = arith::MinSIOp::create(builder, loc,
                                     add(begin, constant(plan.getGroupSize())),
                                     toIndex(space.extents.back()));
  auto loop = scf::ForOp::create(builder, loc, first, end, constant(1));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  Value element = loop.getInductionVar();
  Value bit;
  if (!masks.empty()) {
    Value number = arith::SubIOp::create(builder, loc, element, begin);
    bit = arith::ShLIOp::create(
        builder, loc, constantI32(1),
        arith::IndexCastOp::create(builder, loc, builder.getI32Type(), number));
  }
  Block *body = generic.getBody();
  IRMapping mapping(scalars);
  for (BlockArgument argument : body->getArguments())
    if (live.contains(argument) && !uniform.contains(argument))
      mapping.map(argument, loadElement(argument.getArgNumber(), element));
  auto getBit = [&](KeepOp keep) -> Value {
    if (rare)
      return emitKeep(
          keep, mapping.lookupOrDefault(resolve(keep.getIndex(), known)), rare);
    auto mask = masks.find(keep);
    if (mask == masks.end())
      return {};
    return arith::CmpIOp::create(
        builder, loc, arith::CmpIPredicate::ne,
        arith::AndIOp::create(builder, loc, mask->second, bit), constantI32(0));
  };
  emitBody(element, getBit, /*wide=*/{}, mapping);
  for (auto [init, value] : llvm::zip_equal(
           generic.getDpsInitsMutable(), body->getTerminator()->getOperands()))
    storeElement(init.getOperandNumber(), element,
                 mapping.lookupOrDefault(resolve(value, known)));
}

//===----------------------------------------------------------------------===//
// Body
//===----------------------------------------------------------------------===//

void ThreadEmitter::emitBody(Value element,
                             llvm::function_ref<Value(KeepOp)> getBit,
                             const llvm::SmallMapVector<Value, Value, 4> &wide,
                             IRMapping &mapping) {
  for (Operation &op : generic.getBody()->without_terminator()) {
    if (op.getNumResults() != 1)
      continue;
    Value result = op.getResult(0);
    if (!live.contains(result) || uniform.contains(result))
      continue;
    if (auto form = space.forms.find(result); form != space.forms.end()) {
      OpFoldResult index =
          emitAdd(builder, loc, OpFoldResult(bases.lookup(result)),
                  emitMul(builder, loc, OpFoldResult(element),
                          form->second.coefficients.back()));
      Value value = toIndex(index);
      if (!result.getType().isIndex())
        value =
            arith::IndexCastOp::create(builder, loc, result.getType(), value);
      mapping.map(result, value);
      continue;
    }
    if (auto keep = dyn_cast<KeepOp>(op)) {
      Value bit = getBit(keep);
      mapping.map(result, bit ? bit
                              : emitKeep(keep,
                                         mapping.lookupOrDefault(
                                             resolve(keep.getIndex(), known)),
                                         /*rare=*/false));
      continue;
    }
    if (isa<arith::ExtFOp>(op) && result.getType().isF32())
      if (Value known = wide.lookup(op.getOperand(0))) {
        mapping.map(result, known);
        continue;
      }
    for (Value operand : op.getOperands())
      mapping.map(operand, mapping.lookupOrDefault(resolve(operand, known)));
    builder.clone(op, mapping);
  }
}

Value ThreadEmitter::emitUnrounded(Value value, IRMapping &mapping) {
  value = resolve(value, known);
  Type f32 = builder.getF32Type();
  Operation *op = value.getDefiningOp();
  if (!op)
    return {};
  bool isOutside = value.getParentBlock() != generic.getBody();
  // A constant of the op, which the host may have rounded: no NaN that the way
  // through f32 would quiet.
  if (isa<arith::ConstantOp>(op) || (isOutside && isa<arith::TruncFOp>(op)))
    return arith::ExtFOp::create(builder, loc, f32,
                                 mapping.lookupOrDefault(value));
  if (isOutside)
    return {};
  if (auto truncation = dyn_cast<arith::TruncFOp>(op)) {
    Value exact = resolve(truncation.getIn(), known);
    return exact.getType().isF32() && !truncation.getRoundingmodeAttr()
               ? mapping.lookupOrDefault(exact)
               : Value();
  }
  auto select = dyn_cast<arith::SelectOp>(op);
  if (!select)
    return {};
  Value yes = emitUnrounded(select.getTrueValue(), mapping);
  Value no = emitUnrounded(select.getFalseValue(), mapping);
  if (!yes || !no)
    return {};
  return arith::SelectOp::create(
      builder, loc,
      mapping.lookupOrDefault(resolve(select.getCondition(), known)), yes, no);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Value ThreadEmitter::getArray(unsigned operand) {
  Value array = plan.arrays[operand];
  auto type = cast<MemRefType>(array.getType());
  if (!type.getElementType().isInteger(1))
    return array;
  // A vector of i1 in memory is packed bits, a memref of i1 is bytes.
  return UnrealizedConversionCastOp::create(
             builder, loc, type.clone(static_cast<Type>(builder.getI8Type())),
             array)
      .getResult(0);
}

Value ThreadEmitter::emitArrayIndex(unsigned operand, Value element) {
  return toIndex(emitAdd(builder, loc, rowOffsets[operand],
                         emitMul(builder, loc, OpFoldResult(element),
                                 space.operands[operand].strides.back())));
}

Value ThreadEmitter::loadElement(unsigned operand, Value element) {
  Value array = getArray(operand);
  Value value = memref::LoadOp::create(builder, loc, array,
                                       emitArrayIndex(operand, element));
  Type expected =
      cast<MemRefType>(plan.arrays[operand].getType()).getElementType();
  if (value.getType() != expected)
    value = arith::TruncIOp::create(builder, loc, expected, value);
  return value;
}

void ThreadEmitter::storeElement(unsigned operand, Value element, Value value) {
  Value array = getArray(operand);
  Type type = cast<MemRefType>(array.getType()).getElementType();
  if (value.getType() != type)
    value = arith::ExtUIOp::create(builder, loc, type, value);
  memref::StoreOp::create(builder, loc, value, array,
                          emitArrayIndex(operand, element));
}

bool ThreadEmitter::isVector(unsigned operand) const {
  return space.operands[operand].inner == InnerAccess::Contiguous;
}

ThreadEmitter::Loaded ThreadEmitter::loadGroup(unsigned operand, Value begin) {
  int64_t groupSize = plan.getGroupSize();
  Loaded loaded;
  if (!isVector(operand)) {
    for (int64_t number = 0; number < groupSize; ++number)
      loaded.values.push_back(
          loadElement(operand, add(begin, constant(number))));
    return loaded;
  }
  Value array = getArray(operand);
  Type element = cast<MemRefType>(array.getType()).getElementType();
  Type real = cast<MemRefType>(plan.arrays[operand].getType()).getElementType();
  int64_t size = plan.getVectorSize(element);
  int64_t bytes = size * getElementBytes(element);
  for (int64_t first = 0; first < groupSize; first += size) {
    Value index = emitArrayIndex(operand, add(begin, constant(first)));
    Value vector = vector::LoadOp::create(
        builder, loc, VectorType::get(size, element), array, index,
        /*nontemporal=*/false, llvm::MaybeAlign(bytes));
    for (int64_t lane = 0; lane < size; ++lane) {
      Value value = vector::ExtractOp::create(builder, loc, vector, lane);
      if (element != real)
        value = arith::TruncIOp::create(builder, loc, real, value);
      loaded.values.push_back(value);
    }
    // A bf16 is the upper half of an f32: cheaper than a conversion.
    if (!element.isBF16())
      continue;
    Type i32 = builder.getI32Type();
    Value words = vector::BitCastOp::create(
        builder, loc, VectorType::get(size / 2, i32), vector);
    auto word = [&](int64_t value) -> Value {
      return arith::ConstantOp::create(builder, loc,
                                       builder.getI32IntegerAttr(value));
    };
    for (int64_t lane = 0; lane < size / 2; ++lane) {
      Value pair = vector::ExtractOp::create(builder, loc, words, lane);
      for (Value half :
           {Value(arith::ShLIOp::create(builder, loc, pair, word(16))),
            Value(arith::AndIOp::create(builder, loc, pair,
                                        word(int32_t(0xffff0000))))})
        loaded.wide.push_back(
            arith::BitcastOp::create(builder, loc, builder.getF32Type(), half));
    }
  }
  return loaded;
}

void ThreadEmitter::storeGroup(unsigned operand, Value begin,
                               ArrayRef<Value> values,
                               ArrayRef<Value> unrounded) {
  int64_t groupSize = plan.getGroupSize();
  if (!isVector(operand)) {
    for (int64_t number = 0; number < groupSize; ++number)
      storeElement(operand, add(begin, constant(number)), values[number]);
    return;
  }
  Value array = getArray(operand);
  Type element = cast<MemRefType>(array.getType()).getElementType();
  int64_t size = plan.getVectorSize(element);
  int64_t bytes = size * getElementBytes(element);
  auto type = VectorType::get(size, element);
  for (int64_t first = 0; first < groupSize; first += size) {
    Value vector;
    if (unrounded.size() == values.size()) {
      // Two are rounded in one instruction.
      SmallVector<Value> words;
      for (int64_t lane = first; lane < first + size; lane += 2) {
        Value pair = vector::FromElementsOp::create(
            builder, loc, VectorType::get(2, builder.getF32Type()),
            unrounded.slice(lane, 2));
        pair = arith::TruncFOp::create(builder, loc,
                                       VectorType::get(2, element), pair);
        pair = vector::BitCastOp::create(
            builder, loc, VectorType::get(1, builder.getI32Type()), pair);
        words.push_back(vector::ExtractOp::create(builder, loc, pair, 0));
      }
      vector = vector::FromElementsOp::create(
          builder, loc, VectorType::get(words.size(), builder.getI32Type()),
          words);
      vector = vector::BitCastOp::create(builder, loc, type, vector);
    } else {
      SmallVector<Value> lanes(values.slice(first, size));
      for (Value &lane : lanes)
        if (lane.getType() != element)
          lane = arith::ExtUIOp::create(builder, loc, element, lane);
      vector = vector::FromElementsOp::create(builder, loc, type, lanes);
    }
    vector::StoreOp::create(
        builder, loc, vector, array,
        emitArrayIndex(operand, add(begin, constant(first))),
        /*nontemporal=*/false, llvm::MaybeAlign(bytes));
  }
}

//===----------------------------------------------------------------------===//
// Small things
//===----------------------------------------------------------------------===//

Value ThreadEmitter::constant(int64_t value) {
  return arith::ConstantIndexOp::create(builder, loc, value);
}

Value ThreadEmitter::toIndex(OpFoldResult value) {
  return getValueOrCreateConstantIndexOp(builder, loc, value);
}

Value ThreadEmitter::add(Value a, Value b) {
  return toIndex(emitAdd(builder, loc, OpFoldResult(a), OpFoldResult(b)));
}
