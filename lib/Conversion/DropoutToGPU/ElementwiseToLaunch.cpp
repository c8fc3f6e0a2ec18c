//===- ElementwiseToLaunch.cpp - Element-wise generics to kernels ---------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The host's part: which kernel runs, its grid, and what all threads share.
//
//===----------------------------------------------------------------------===//

#include "LaunchBuilder.h"
#include "ThreadEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace mlir::dropout;

/// Conditions that double the kernels; more of them stay in the body.
static constexpr size_t kMaxConditions = 2;

/// The largest grid in y.
static constexpr int64_t kMaxGridY = 65535;

namespace {

class KernelEmitter {
public:
  KernelEmitter(OpBuilder &builder, linalg::GenericOp generic,
                const LinearForms &forms, StringRef name,
                const KernelTarget &target)
      : builder(builder), loc(generic.getLoc()), generic(generic), forms(forms),
        name(name), target(target) {}

  /// Emits the kernels and the choice between them: one for either value of the
  /// first conditions that hold for all elements.
  void emit(const KnownConditions &known, StringRef variant) {
    Value condition;
    if (known.size() < kMaxConditions)
      condition = findCondition(generic, forms, known);
    if (!condition) {
      if (!writesItsInput(generic, known))
        emitAccesses(known, variant);
      return;
    }
    auto branch = scf::IfOp::create(builder, loc, condition,
                                    /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(builder);
    const char *inactive = known.empty() ? "_inactive" : "_inactive2";
    for (bool value : {true, false}) {
      builder.setInsertionPointToStart(value ? branch.thenBlock()
                                             : branch.elseBlock());
      KnownConditions inner = known;
      inner[condition] = value;
      emit(inner, value ? variant.str() : (variant + inactive).str());
    }
  }

private:
  /// A kernel with vector accesses for memory that allows them, and one for any
  /// memory.
  void emitAccesses(const KnownConditions &known, StringRef variant) {
    llvm::SetVector<Value> live = getLiveValues(generic, forms, known);
    LinearForms liveForms = getLiveForms(forms, live);
    std::string unaligned = (variant + "_unaligned").str();
    if (!target.vectorAccess) {
      IterationSpace space = createIterationSpace(builder, generic, liveForms,
                                                  /*assumeContiguous=*/false);
      return emitLaunch(space, live, known, /*isAligned=*/false, variant);
    }
    IterationSpace space = createIterationSpace(builder, generic, liveForms,
                                                /*assumeContiguous=*/true);
    KernelPlan plan = createPlan(space, live, known, /*isAligned=*/true);
    Value isAligned = emitIsAligned(plan, live);
    if (!isAligned) // Nothing is contiguous.
      return emitLaunch(space, live, known, /*isAligned=*/false, variant);
    if (space.isContiguous)
      isAligned =
          arith::AndIOp::create(builder, loc, isAligned, space.isContiguous);
    auto branch = scf::IfOp::create(builder, loc, isAligned,
                                    /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(branch.thenBlock());
    emitLaunch(space, live, known, /*isAligned=*/true, variant);
    builder.setInsertionPointToStart(branch.elseBlock());
    emitLaunch(createIterationSpace(builder, generic, liveForms,
                                    /*assumeContiguous=*/false),
               live, known, /*isAligned=*/false, unaligned);
  }

  /// Draws of neighbours along the row whose blocks begin together, and what
  /// they compare with.
  KernelPlan createPlan(const IterationSpace &space,
                        const llvm::SetVector<Value> &live,
                        const KnownConditions &known, bool isAligned) {
    KernelPlan plan(generic, space, target, isAligned);
    const LinearForm *leading = nullptr;
    for (Operation &op : generic.getBody()->without_terminator()) {
      auto keep = dyn_cast<KeepOp>(op);
      if (!keep || !live.contains(keep.getResult()))
        continue;
      auto form = space.forms.find(keep.getIndex());
      if (form == space.forms.end() ||
          !isOneInteger(form->second.coefficients.back()))
        continue;
      if (plan.runs.empty())
        leading = &form->second;
      else if (form->second.base != leading->base ||
               form->second.coefficients != leading->coefficients ||
               keep.getResolution() != plan.runs.front().getResolution())
        continue;
      plan.runs.push_back(keep);
    }
    return plan;
  }

  /// i1: all vector accesses are aligned, at the start of each group in every
  /// row; null if there are none. A group begins where the index in the mask,
  /// base + sum of c(k) * i(k) + e, is a multiple of its size, and an operand's
  /// address is p + bytes * (offset + sum of s(k) * i(k) + e): they go together
  /// if p + bytes * (offset - base) and bytes * (s(k) - c(k)) are multiples of
  /// the access, which divides bytes times the group's size.
  Value emitIsAligned(const KernelPlan &plan,
                      const llvm::SetVector<Value> &live) {
    const IterationSpace &space = plan.space;
    OpFoldResult zero = builder.getIndexAttr(0);
    LinearForm form{zero, SmallVector<OpFoldResult>(space.getNumLoops(), zero)};
    if (!plan.runs.empty())
      form = plan.getLeadingForm();
    Value result;
    for (OpOperand &operand : generic->getOpOperands()) {
      const OperandAccess &access = space.operands[operand.getOperandNumber()];
      auto type = dyn_cast<MemRefType>(operand.get().getType());
      if (!type || access.inner != InnerAccess::Contiguous ||
          !(generic.isDpsInit(&operand) ||
            live.contains(
                generic.getBody()->getArgument(operand.getOperandNumber()))))
        continue;
      Type element = type.getElementType();
      int64_t bytes = getElementBytes(element);
      int64_t vectorBytes = bytes * plan.getVectorSize(element);
      auto difference = [&](OpFoldResult a, OpFoldResult b) {
        OpFoldResult negative =
            emitMul(builder, loc, b, builder.getIndexAttr(-1));
        return emitMul(builder, loc, emitAdd(builder, loc, a, negative),
                       builder.getIndexAttr(bytes));
      };
      Value pointer = memref::ExtractAlignedPointerAsIndexOp::create(
          builder, loc, operand.get());
      Value all = toIndex(emitAdd(builder, loc, OpFoldResult(pointer),
                                  difference(access.offset, form.base)));
      for (auto [stride, step, extent] :
           llvm::zip(ArrayRef(access.strides).drop_back(), form.coefficients,
                     space.extents)) {
        OpFoldResult distance = difference(stride, step);
        if (isZeroInteger(distance))
          continue;
        // The only row of a loop that was merged into the next one.
        Value isOne =
            arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                  toIndex(extent), constant(1));
        Value matters = arith::SelectOp::create(builder, loc, isOne,
                                                constant(0), toIndex(distance));
        all = arith::OrIOp::create(builder, loc, all, matters);
      }
      Value within =
          arith::AndIOp::create(builder, loc, all, constant(vectorBytes - 1));
      Value isAligned = arith::CmpIOp::create(
          builder, loc, arith::CmpIPredicate::eq, within, constant(0));
      result =
          result ? Value(arith::AndIOp::create(builder, loc, result, isAligned))
                 : isAligned;
    }
    return result;
  }

  void emitLaunch(const IterationSpace &space,
                  const llvm::SetVector<Value> &live,
                  const KnownConditions &known, bool isAligned,
                  StringRef variant) {
    KernelPlan plan = createPlan(space, live, known, isAligned);
    // What the kernel gets: arrays without sizes, strides where they are used.
    for (OpOperand &operand : generic->getOpOperands()) {
      const OperandAccess &access = space.operands[operand.getOperandNumber()];
      plan.arrays.push_back(isa<MemRefType>(operand.get().getType())
                                ? emitKernelArray(builder, loc, access.memref)
                                : Value());
    }
    for (KeepOp keep : plan.runs)
      plan.thresholds[keep] =
          KeepBitEmitter(builder, loc, getDrawParameters(keep, known))
              .emitThreadThreshold();

    // Groups of the longest row, which may begin inside of a block.
    int64_t groupSize = plan.getGroupSize();
    OpFoldResult extent = space.extents.back();
    int64_t spare =
        groupSize - 1 + (plan.mayBeginInFront() ? groupSize - 1 : 0);
    Value groups =
        toIndex(emitAdd(builder, loc, extent, builder.getIndexAttr(spare)));
    groups = arith::DivUIOp::create(builder, loc, groups, constant(groupSize));
    LaunchShape shape;
    Value numGroups = constant(plan.getNumGroups());
    Value blockX = constant(target.blockSize), blockY = constant(1);
    Value rows;
    bool hasRows = space.getNumLoops() > 1;
    if (hasRows) {
      OpFoldResult product = builder.getIndexAttr(1);
      for (OpFoldResult outer : ArrayRef(space.extents).drop_back())
        product = emitMul(builder, loc, product, outer);
      rows = toIndex(product);
      if (!target.staticBlock)
        std::tie(blockX, blockY) = emitBlockShape(groups, numGroups);
      Value gridY = arith::CeilDivUIOp::create(builder, loc, rows, blockY);
      shape.gridY =
          arith::MinUIOp::create(builder, loc, gridY, constant(kMaxGridY));
    }
    Value perBlock = arith::MulIOp::create(builder, loc, blockX, numGroups);
    shape.gridX = arith::CeilDivUIOp::create(builder, loc, groups, perBlock);
    shape.blockX = blockX;
    shape.blockY = blockY;

    gpu::LaunchOp launch =
        createLaunch(builder, loc, shape, (name + variant).str());
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(&launch.getBody().front());
    gpu::KernelDim3 block = launch.getBlockIds(),
                    thread = launch.getThreadIds();
    gpu::KernelDim3 blockSize = launch.getBlockSize();
    auto multiply = [&](Value a, Value b) -> Value {
      return arith::MulIOp::create(builder, loc, a, b);
    };
    auto add = [&](Value a, Value b) -> Value {
      return arith::AddIOp::create(builder, loc, a, b);
    };
    ThreadPosition position;
    bool isShaped = hasRows && !target.staticBlock;
    position.distance =
        isShaped ? Value(blockSize.x) : constant(target.blockSize);
    position.group =
        add(multiply(block.x, multiply(position.distance,
                                       constant(plan.getNumGroups()))),
            thread.x);
    if (hasRows) {
      Value firstRow = block.y, step = launch.getGridSize().y;
      if (isShaped) {
        firstRow = add(multiply(firstRow, blockSize.y), thread.y);
        step = multiply(step, blockSize.y);
      }
      auto loop = scf::ForOp::create(builder, loc, firstRow, rows, step);
      builder.setInsertionPointToStart(loop.getBody());
      position.outer = emitOuterIndices(loop.getInductionVar(), space);
    }
    ThreadEmitter(builder, plan, live, known).emit(position);
    moveLoadsIntoKernel(launch);
  }

  /// Threads of a block in x and y: as many in x as a row of `groups` needs, a
  /// power of two.
  std::pair<Value, Value> emitBlockShape(Value groups, Value numGroups) {
    Value needed = arith::CeilDivUIOp::create(builder, loc, groups, numGroups);
    Value blockX = constant(1);
    for (int64_t size = 1; size < target.blockSize; size *= 2) {
      Value isMore = arith::CmpIOp::create(
          builder, loc, arith::CmpIPredicate::ugt, needed, constant(size));
      blockX = arith::SelectOp::create(builder, loc, isMore, constant(2 * size),
                                       blockX);
    }
    return {blockX, arith::DivUIOp::create(builder, loc,
                                           constant(target.blockSize), blockX)};
  }

  /// The indices of the outer loops in row number `row`.
  SmallVector<Value> emitOuterIndices(Value row, const IterationSpace &space) {
    ArrayRef<OpFoldResult> extents = ArrayRef(space.extents).drop_back();
    SmallVector<Value> indices(extents.size());
    for (size_t loop = extents.size(); loop-- > 1;) {
      Value extent = toIndex(extents[loop]);
      indices[loop] = arith::RemUIOp::create(builder, loc, row, extent);
      row = arith::DivUIOp::create(builder, loc, row, extent);
    }
    indices[0] = row;
    return indices;
  }

  Value constant(int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  }
  Value toIndex(OpFoldResult value) {
    return getValueOrCreateConstantIndexOp(builder, loc, value);
  }

  OpBuilder &builder;
  Location loc;
  linalg::GenericOp generic;
  const LinearForms &forms;
  StringRef name;
  const KernelTarget &target;
};

} // namespace

/// What draws depend on comes from outside of the body.
static LogicalResult checkDraws(linalg::GenericOp generic,
                                RewriterBase &rewriter) {
  Block *body = generic.getBody();
  for (auto keep : body->getOps<KeepOp>())
    for (Value operand :
         {keep.getThreshold(), keep.getSeed(), keep.getOffset()})
      if (operand.getParentBlock() == body)
        return rewriter.notifyMatchFailure(keep, "draw of its own seed");
  return success();
}

LogicalResult mlir::dropout::convertElementwiseToLaunch(
    RewriterBase &rewriter, linalg::GenericOp generic, StringRef name,
    const KernelTarget &target) {
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(generic);
  if (failed(checkOperands(generic, rewriter)) ||
      generic.getNumReductionLoops() != 0 ||
      failed(checkDraws(generic, rewriter)))
    return failure();
  LinearForms forms = getLinearForms(rewriter, generic);
  if (failed(checkBody(generic, forms, rewriter)))
    return failure();
  KernelEmitter(rewriter, generic, forms, name, target)
      .emit(KnownConditions(), "");
  rewriter.eraseOp(generic);
  return success();
}
