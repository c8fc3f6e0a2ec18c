//===- SharedNest.cpp - A loop nest for several threads -------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SharedNest.h"

#include "dropout/Dialect/Dropout/IR/Dropout.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/SymbolTable.h"

using namespace mlir;
using namespace mlir::dropout;

/// Outputs of fewer bytes are written by one thread: starting the others takes
/// about as long.
static constexpr int64_t kSharedBytes = 512 << 10;

/// Parts of the innermost loop begin at multiples of so many elements: of every
/// tile size, and of a cache line for every element type.
static constexpr int64_t kPartElements = 1024;

NestBounds mlir::dropout::getAllIterations(OpBuilder &builder,
                                           const IterationSpace &space) {
  OpFoldResult zero = builder.getIndexAttr(0);
  return {zero, space.extents.front(), zero, space.extents.back()};
}

/// Creates a private function of index arguments whose body `emitBody` emits,
/// and which takes what the body needs from around `anchor` as further
/// arguments: they are added to `captured`.
static func::FuncOp outline(OpBuilder &builder, Operation *anchor,
                            unsigned numArguments,
                            llvm::function_ref<void(ValueRange)> emitBody,
                            SmallVectorImpl<Value> &captured) {
  Location loc = anchor->getLoc();
  auto parent = anchor->getParentOfType<func::FuncOp>();
  Operation *table = SymbolTable::getNearestSymbolTable(parent);
  OpBuilder::InsertionGuard guard(builder);
  SmallVector<Type> types(numArguments, builder.getIndexType());
  auto function =
      func::FuncOp::create(loc, (parent.getSymName() + ".part").str(),
                           builder.getFunctionType(types, {}));
  function.setPrivate();
  // Gives it another name if the function has such a part already, which works
  // only while it is not in the module.
  SymbolTable(table).insert(function, std::next(Block::iterator(parent)));
  Block *body = function.addEntryBlock();
  builder.setInsertionPointToStart(body);
  emitBody(body->getArguments());
  builder.setInsertionPointToEnd(body);
  func::ReturnOp::create(builder, loc);

  llvm::DenseMap<Value, Value> inside;
  builder.setInsertionPointToStart(body);
  function.walk([&](Operation *op) {
    for (OpOperand &operand : op->getOpOperands()) {
      Value value = operand.get();
      if (function.getBody().isAncestor(value.getParentRegion()))
        continue;
      Value &replacement = inside[value];
      if (!replacement) {
        if (matchPattern(value, m_Constant())) {
          replacement = builder.clone(*value.getDefiningOp())->getResult(0);
        } else {
          replacement = body->addArgument(value.getType(), value.getLoc());
          captured.push_back(value);
        }
      }
      operand.set(replacement);
    }
  });
  function.setFunctionType(
      builder.getFunctionType(body->getArgumentTypes(), {}));
  return function;
}

/// The number of threads, as an index.
static Value emitNumThreads(OpBuilder &builder, Operation *anchor,
                            int64_t threads) {
  Location loc = anchor->getLoc();
  if (threads != 0)
    return arith::ConstantIndexOp::create(builder, loc, threads);
  StringRef name = "omp_get_max_threads";
  Operation *table = SymbolTable::getNearestSymbolTable(anchor);
  if (!SymbolTable::lookupSymbolIn(table, name)) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(&table->getRegion(0).front());
    func::FuncOp::create(builder, loc, name,
                         builder.getFunctionType({}, builder.getI32Type()))
        .setPrivate();
  }
  auto call =
      func::CallOp::create(builder, loc, name, TypeRange{builder.getI32Type()});
  return arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                    call.getResult(0));
}

void mlir::dropout::emitSharedNest(
    OpBuilder &builder, linalg::GenericOp generic, const IterationSpace &space,
    int64_t threads, llvm::function_ref<void(const NestBounds &)> emitNest) {
  Location loc = generic.getLoc();
  auto toIndex = [&](OpFoldResult value) {
    return getValueOrCreateConstantIndexOp(builder, loc, value);
  };
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };

  OpFoldResult elements = builder.getIndexAttr(1);
  for (OpFoldResult extent : space.extents)
    elements = emitMul(builder, loc, elements, extent);
  int64_t bytes = 0;
  for (Value init : generic.getDpsInits())
    bytes += llvm::divideCeil(
        cast<MemRefType>(init.getType()).getElementTypeBitWidth(), 8);
  std::optional<int64_t> known = getConstantIntValue(elements);
  if (known && *known * bytes < kSharedBytes)
    return emitNest(getAllIterations(builder, space));

  SmallVector<Value> captured;
  func::FuncOp part = outline(
      builder, generic, /*numArguments=*/4,
      [&](ValueRange bounds) {
        emitNest({bounds[0], bounds[1], bounds[2], bounds[3]});
      },
      captured);
  auto call = [&](Value outerBegin, Value outerEnd, Value innerBegin,
                  Value innerEnd) {
    SmallVector<Value> operands = {outerBegin, outerEnd, innerBegin, innerEnd};
    llvm::append_range(operands, captured);
    func::CallOp::create(builder, loc, part, operands);
  };

  Value outer = toIndex(space.extents.front());
  Value inner = toIndex(space.extents.back());
  Value isLarge = arith::CmpIOp::create(
      builder, loc, arith::CmpIPredicate::sge, toIndex(elements),
      constant(llvm::divideCeil(kSharedBytes, bytes)));
  auto branch =
      scf::IfOp::create(builder, loc, isLarge, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.elseBlock());
  call(constant(0), outer, constant(0), inner);

  // Whole rows if there are enough of them, else parts of each row.
  builder.setInsertionPointToStart(branch.thenBlock());
  Value count = emitNumThreads(builder, generic, threads);
  Value splitsOuter =
      space.getNumLoops() == 1
          ? Value(arith::ConstantOp::create(builder, loc,
                                            builder.getBoolAttr(false)))
          : Value(arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sge,
                                        outer, count));
  Value outerPart = arith::CeilDivUIOp::create(builder, loc, outer, count);
  Value innerPart = arith::CeilDivUIOp::create(builder, loc, inner, count);
  innerPart = arith::CeilDivUIOp::create(builder, loc, innerPart,
                                         constant(kPartElements));
  innerPart =
      arith::MulIOp::create(builder, loc, innerPart, constant(kPartElements));
  scf::ParallelOp::create(
      builder, loc, ValueRange{constant(0)}, ValueRange{count},
      ValueRange{constant(1)},
      [&](OpBuilder &nested, Location loc, ValueRange ids) {
        OpBuilder::InsertionGuard guard(builder);
        builder.setInsertionPoint(nested.getInsertionBlock(),
                                  nested.getInsertionPoint());
        auto bounds = [&](Value extent, Value size, bool ofOuter) {
          Value begin = arith::MulIOp::create(builder, loc, ids[0], size);
          begin = arith::MinSIOp::create(builder, loc, begin, extent);
          Value end = arith::AddIOp::create(builder, loc, begin, size);
          end = arith::MinSIOp::create(builder, loc, end, extent);
          auto select = [&](Value own, Value all) -> Value {
            return arith::SelectOp::create(builder, loc, splitsOuter,
                                           ofOuter ? own : all,
                                           ofOuter ? all : own);
          };
          return std::pair(select(begin, constant(0)), select(end, extent));
        };
        auto [outerBegin, outerEnd] = bounds(outer, outerPart, true);
        auto [innerBegin, innerEnd] = bounds(inner, innerPart, false);
        call(outerBegin, outerEnd, innerBegin, innerEnd);
      });
}
