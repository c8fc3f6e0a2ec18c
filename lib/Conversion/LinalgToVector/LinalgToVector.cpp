//===- LinalgToVector.cpp - Element-wise linalg to vector loops -----------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowEmitter.h"
#include "SharedNest.h"

#include "dropout/Conversion/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace mlir::dropout {
#define GEN_PASS_DEF_CONVERTLINALGTOVECTORPASS
#include "dropout/Conversion/Passes.h.inc"
} // namespace mlir::dropout

using namespace mlir;
using namespace mlir::dropout;

//===----------------------------------------------------------------------===//
// The nest
//===----------------------------------------------------------------------===//

namespace {

/// Conditions that double the loops; more of them stay in the body.
constexpr size_t kMaxConditions = 2;

class NestEmitter {
public:
  NestEmitter(OpBuilder &builder, linalg::GenericOp generic,
              const LinearForms &forms, const VectorTarget &target)
      : builder(builder), loc(generic.getLoc()), generic(generic), forms(forms),
        target(target) {}

  /// Emits the loops, in a version for either value of the first conditions
  /// that hold for all elements: in eval nothing is drawn.
  void emit(KnownConditions known) {
    Value condition;
    if (known.size() < kMaxConditions)
      condition = findCondition(generic, forms, known);
    if (condition) {
      auto branch = scf::IfOp::create(builder, loc, condition,
                                      /*withElseRegion=*/true);
      OpBuilder::InsertionGuard guard(builder);
      for (bool value : {true, false}) {
        builder.setInsertionPointToStart(value ? branch.thenBlock()
                                               : branch.elseBlock());
        KnownConditions inner = known;
        inner[condition] = value;
        emit(inner);
      }
      return;
    }
    if (!writesItsInput(generic, known))
      emitLayouts(known);
  }

  /// False if a draw is needed that is neither of neighbours nor the same for
  /// the row.
  bool canEmit() {
    bool possible = true;
    for (bool assumeContiguous : {true, false}) {
      OpBuilder::InsertionGuard guard(builder);
      KnownConditions known;
      llvm::SetVector<Value> live = getLiveValues(generic, forms, known);
      IterationSpace space = createIterationSpace(
          builder, generic, getLiveForms(forms, live), assumeContiguous);
      for (Value value : live)
        if (auto keep = value.getDefiningOp<KeepOp>()) {
          for (Value operand :
               {keep.getThreshold(), keep.getSeed(), keep.getOffset()})
            possible &= operand.getParentBlock() != generic.getBody();
          auto form = space.forms.find(keep.getIndex());
          if (form == space.forms.end()) {
            possible &= keep.getIndex().getParentBlock() != generic.getBody();
            continue;
          }
          OpFoldResult step = form->second.coefficients.back();
          possible &= isZeroInteger(step) || isOneInteger(step);
        }
    }
    return possible;
  }

private:
  /// A version for rows that are contiguous and one for those that are not, if
  /// only the caller knows.
  void emitLayouts(const KnownConditions &known) {
    llvm::SetVector<Value> live = getLiveValues(generic, forms, known);
    LinearForms liveForms = getLiveForms(forms, live);
    IterationSpace space = createIterationSpace(builder, generic, liveForms,
                                                /*assumeContiguous=*/true);
    if (!space.isContiguous)
      return emitLoops(space, live, known);
    auto branch = scf::IfOp::create(builder, loc, space.isContiguous,
                                    /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(branch.thenBlock());
    emitLoops(space, live, known);
    builder.setInsertionPointToStart(branch.elseBlock());
    emitLoops(createIterationSpace(builder, generic, liveForms,
                                   /*assumeContiguous=*/false),
              live, known);
  }

  void emitLoops(const IterationSpace &space,
                 const llvm::SetVector<Value> &live,
                 const KnownConditions &known) {
    NestFlags flags;
    if (target.nontemporalBytes != 0 && generic.getNumReductionLoops() == 0)
      flags.isNontemporal = emitIsNontemporal(space);
    auto emitPart = [&](const NestBounds &bounds) {
      emitRows(space, live, known, flags, bounds);
    };
    // A generic in a loop is one part of something larger; the iterations of a
    // reduction depend on each other.
    if (target.threads == 1 || generic.getNumReductionLoops() != 0 ||
        !generic->getParentOfType<func::FuncOp>() ||
        generic->getParentOfType<LoopLikeOpInterface>())
      emitPart(getAllIterations(builder, space));
    else
      emitSharedNest(builder, generic, space, target.threads, emitPart);
  }

  void emitRows(const IterationSpace &space, const llvm::SetVector<Value> &live,
                const KnownConditions &known, const NestFlags &flags,
                const NestBounds &bounds) {
    {
      OpBuilder::InsertionGuard guard(builder);
      SmallVector<Value> outer;
      for (OpFoldResult extent : ArrayRef(space.extents).drop_back()) {
        bool isOutermost = outer.empty();
        auto loop = scf::ForOp::create(
            builder, loc,
            isOutermost ? toIndex(bounds.outerBegin) : constant(0),
            toIndex(isOutermost ? bounds.outerEnd : extent), constant(1));
        outer.push_back(loop.getInductionVar());
        builder.setInsertionPointToStart(loop.getBody());
      }
      RowEmitter(builder, generic, space, target, live, known, flags)
          .emit(outer, bounds.innerBegin, bounds.innerEnd);
    }
    if (!flags.isNontemporal)
      return;
    // Stores past the caches are not ordered with others.
    auto branch = scf::IfOp::create(builder, loc, flags.isNontemporal,
                                    /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(branch.thenBlock());
    LLVM::FenceOp::create(builder, loc, LLVM::AtomicOrdering::seq_cst,
                          StringRef());
  }

  /// True if the outputs are large, contiguous, aligned to 64 bytes at the
  /// start of each row, and no input; null if that can't be.
  Value emitIsNontemporal(const IterationSpace &space) {
    Value result;
    auto both = [&](Value condition) {
      result =
          result ? Value(arith::AndIOp::create(builder, loc, result, condition))
                 : condition;
    };
    auto compare = [&](arith::CmpIPredicate predicate, Value a, Value b) {
      both(arith::CmpIOp::create(builder, loc, predicate, a, b));
    };
    OpFoldResult elements = builder.getIndexAttr(1);
    for (OpFoldResult extent : space.extents)
      elements = emitMul(builder, loc, elements, extent);
    auto getAddress = [&](Value memref) -> Value {
      return memref::ExtractAlignedPointerAsIndexOp::create(builder, loc,
                                                            memref);
    };
    for (OpOperand &init : generic.getDpsInitsMutable()) {
      const OperandAccess &access = space.operands[init.getOperandNumber()];
      if (access.inner != InnerAccess::Contiguous)
        return {};
      int64_t bytes = llvm::divideCeil(
          cast<MemRefType>(init.get().getType()).getElementTypeBitWidth(), 8);
      auto inBytes = [&](OpFoldResult count) {
        return emitMul(builder, loc, count, builder.getIndexAttr(bytes));
      };
      OpFoldResult size = inBytes(elements);
      if (std::optional<int64_t> known = getConstantIntValue(size);
          known && *known < target.nontemporalBytes)
        return {};
      if (!getConstantIntValue(size))
        compare(arith::CmpIPredicate::sge, toIndex(size),
                constant(target.nontemporalBytes));
      // The address and every step of the outer loops.
      OpFoldResult address = OpFoldResult(getAddress(init.get()));
      address = emitAdd(builder, loc, address, inBytes(access.offset));
      Value all = toIndex(address);
      for (OpFoldResult stride : ArrayRef(access.strides).drop_back())
        all = arith::OrIOp::create(builder, loc, all, toIndex(inBytes(stride)));
      compare(arith::CmpIPredicate::eq,
              arith::AndIOp::create(builder, loc, all, constant(63)),
              constant(0));
      for (Value input : generic.getDpsInputs()) {
        if (input == init.get())
          return {};
        if (isa<MemRefType>(input.getType()))
          compare(arith::CmpIPredicate::ne, getAddress(init.get()),
                  getAddress(input));
      }
    }
    return result;
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
  const VectorTarget &target;
};

//===----------------------------------------------------------------------===//
// Pattern and pass
//===----------------------------------------------------------------------===//

struct VectorizeGeneric : OpRewritePattern<linalg::GenericOp> {
  VectorizeGeneric(MLIRContext *context, const VectorTarget &target)
      : OpRewritePattern(context), target(target) {}

  LogicalResult matchAndRewrite(linalg::GenericOp generic,
                                PatternRewriter &rewriter) const final {
    if (failed(checkOperands(generic, rewriter)))
      return failure();
    LinearForms forms = getLinearForms(rewriter, generic);
    NestEmitter emitter(rewriter, generic, forms, target);
    if (failed(checkBody(generic, forms, rewriter)) || !emitter.canEmit())
      return failure();
    emitter.emit(KnownConditions());
    rewriter.eraseOp(generic);
    return success();
  }

private:
  VectorTarget target;
};

struct ConvertLinalgToVectorPass final
    : mlir::dropout::impl::ConvertLinalgToVectorPassBase<
          ConvertLinalgToVectorPass> {
  using Base::Base;

  void runOnOperation() override {
    VectorTarget target;
    if (vectorBits != 128 && vectorBits != 256 && vectorBits != 512) {
      getOperation()->emitError(
          "expected option 'vector-bits' to be 128, 256 or 512, but got ")
          << vectorBits.getValue();
      return signalPassFailure();
    }
    if (nontemporalBytes < 0) {
      getOperation()->emitError(
          "expected option 'nontemporal-bytes' to be at least 0, but got ")
          << nontemporalBytes.getValue();
      return signalPassFailure();
    }
    if (threads < 0 || threads > 1024) {
      getOperation()->emitError(
          "expected option 'threads' to be 0 to 1024, but got ")
          << threads.getValue();
      return signalPassFailure();
    }
    target.threads = threads;
    target.vectorBits = vectorBits;
    target.maskedMemory = maskedMemory;
    target.nontemporalBytes = nontemporalBytes;
    // Named ops (linalg.copy, linalg.fill) are generics with a name.
    SmallVector<linalg::LinalgOp> named;
    getOperation()->walk([&](linalg::LinalgOp op) {
      if (!isa<linalg::GenericOp>(op) && op.hasPureBufferSemantics() &&
          op.getNumParallelLoops() == op.getNumLoops())
        named.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (linalg::LinalgOp op : named) {
      rewriter.setInsertionPoint(op);
      (void)linalg::generalizeNamedOp(rewriter, op);
    }
    RewritePatternSet patterns(&getContext());
    populateLinalgToVectorPatterns(patterns, target);
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};

} // namespace

void mlir::dropout::populateLinalgToVectorPatterns(RewritePatternSet &patterns,
                                                   const VectorTarget &target) {
  patterns.add<VectorizeGeneric>(patterns.getContext(), target);
}
