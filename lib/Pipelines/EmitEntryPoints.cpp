//===- EmitEntryPoints.cpp - C entry points with a status -----------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/Dialect/Dropout/IR/Dropout.h"
#include "dropout/Pipelines/EntryPoints.h"
#include "dropout/Pipelines/Passes.h"
#include "dropout/Runtime/Runtime.h"

#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/LLVMIR/FunctionCallUtils.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/StringExtras.h"

namespace mlir::dropout {
#define GEN_PASS_DEF_EMITENTRYPOINTSPASS
#include "dropout/Pipelines/Passes.h.inc"
} // namespace mlir::dropout

using namespace mlir;
using namespace mlir::dropout;

/// On an entry point: the name of the function that it calls.
static constexpr StringLiteral entryPointAttrName = "dropout.entry_point";

std::string mlir::dropout::getEntryPointName(StringRef name) {
  std::string result = "dropout_";
  for (char c : name)
    result += llvm::isAlnum(c) ? c : '_';
  return result;
}

static bool isEntryPointElementType(Type type) {
  if (type.isSignlessInteger())
    return llvm::is_contained({1u, 8u, 16u, 32u, 64u},
                              type.getIntOrFloatBitWidth());
  return isa<IndexType, Float16Type, BFloat16Type, Float32Type, Float64Type>(
      type);
}

bool mlir::dropout::isEntryPointType(Type type) {
  if (auto tensor = dyn_cast<RankedTensorType>(type))
    return !tensor.getEncoding() &&
           isEntryPointElementType(tensor.getElementType());
  if (auto memref = dyn_cast<MemRefType>(type))
    return !memref.getMemorySpace() && memref.isStrided() &&
           isEntryPointElementType(memref.getElementType());
  return isEntryPointElementType(type);
}

namespace {

/// For each argument of each function, the resolutions of the ops that use it
/// as their p: a set of at most {8, 16}.
class ProbabilityArguments {
public:
  explicit ProbabilityArguments(ModuleOp module);

  /// In ascending order; empty if the argument is no probability.
  ArrayRef<int32_t> getResolutions(BlockArgument argument) const {
    auto it = resolutions.find(argument);
    return it == resolutions.end() ? ArrayRef<int32_t>()
                                   : ArrayRef<int32_t>(it->second);
  }

private:
  bool add(BlockArgument argument, int32_t resolution) {
    SmallVector<int32_t, 2> &set = resolutions[argument];
    if (llvm::is_contained(set, resolution))
      return false;
    set.insert(llvm::lower_bound(set, resolution), resolution);
    return true;
  }

  llvm::DenseMap<BlockArgument, SmallVector<int32_t, 2>> resolutions;
};

/// Builds the entry point of one function.
class EntryPointBuilder {
public:
  EntryPointBuilder(func::FuncOp function, ModuleOp module,
                    const ProbabilityArguments &probabilities,
                    bool deviceArrays)
      : function(function), module(module), probabilities(probabilities),
        deviceArrays(deviceArrays), b(function.getLoc(), function.getContext()),
        converter(function.getContext()),
        pointer(LLVM::LLVMPointerType::get(function.getContext())) {}

  LogicalResult build(StringRef name);

private:
  Type getArgumentType(Type type) const;
  Value loadArgument(Type type, Value argument);
  void storeResult(Value result, Value address);
  Value isTrue(arith::CmpIPredicate predicate, Value lhs, Value rhs) {
    return arith::CmpIOp::create(b, predicate, lhs, rhs);
  }
  Value constant(int64_t value, unsigned width = 64) {
    return arith::ConstantIntOp::create(b, value, width);
  }
  Value conjunction(Value lhs, Value rhs) {
    return lhs ? arith::AndIOp::create(b, lhs, rhs).getResult() : rhs;
  }
  Value isLayoutAsStated(MemRefType type, Value descriptor);
  /// Records an error if the array is not device memory.
  LogicalResult checkIsOnDevice(MemRefType type, Value descriptor,
                                int64_t argument);
  FailureOr<Value> callRuntime(StringRef name, ValueRange arguments,
                               Type result);

  func::FuncOp function;
  ModuleOp module;
  const ProbabilityArguments &probabilities;
  bool deviceArrays;
  ImplicitLocOpBuilder b;
  LLVMTypeConverter converter;
  Type pointer;
};

} // namespace

ProbabilityArguments::ProbabilityArguments(ModuleOp module) {
  StringLiteral attribute = DropoutDialect::kProbabilityArgAttrName;
  for (auto function : module.getOps<func::FuncOp>()) {
    if (function.isExternal())
      continue;
    for (BlockArgument argument : function.getArguments()) {
      if (!function.getArgAttr(argument.getArgNumber(), attribute))
        continue;
      bool used = false;
      for (Operation *user : argument.getUsers())
        if (auto check = dyn_cast<CheckPOp>(user)) {
          add(argument, check.getResolution());
          used = true;
        }
      if (!used)
        add(argument, 16);
    }
  }
  // What is handed to such an argument is one, too.
  SymbolTableCollection symbols;
  bool changed = true;
  while (changed) {
    changed = false;
    module.walk([&](func::CallOp call) {
      auto callee = symbols.lookupNearestSymbolFrom<func::FuncOp>(
          call, call.getCalleeAttr());
      if (!callee || callee.isExternal())
        return;
      for (auto [operand, inner] :
           llvm::zip(call.getOperands(), callee.getArguments())) {
        auto outer = dyn_cast<BlockArgument>(operand);
        if (!outer || !isa<func::FuncOp>(outer.getOwner()->getParentOp()))
          continue;
        for (int32_t resolution :
             SmallVector<int32_t, 2>(getResolutions(inner)))
          changed |= add(outer, resolution);
      }
    });
  }
}

/// The type of an argument of the entry point for one of the function.
Type EntryPointBuilder::getArgumentType(Type type) const {
  if (isa<MemRefType>(type))
    return pointer;
  if (type.isInteger(1))
    return IntegerType::get(type.getContext(), 8);
  if (isa<Float16Type, BFloat16Type>(type))
    return IntegerType::get(type.getContext(), 16);
  if (isa<IndexType>(type))
    return IntegerType::get(type.getContext(), 64);
  return type;
}

/// The argument as the function wants it.
Value EntryPointBuilder::loadArgument(Type type, Value argument) {
  if (isa<MemRefType>(type)) {
    Value descriptor =
        LLVM::LoadOp::create(b, converter.convertType(type), argument);
    return UnrealizedConversionCastOp::create(b, type, descriptor).getResult(0);
  }
  if (type.isInteger(1))
    return isTrue(arith::CmpIPredicate::ne, argument, constant(0, 8));
  if (isa<Float16Type, BFloat16Type>(type))
    return arith::BitcastOp::create(b, type, argument);
  if (isa<IndexType>(type))
    return arith::IndexCastOp::create(b, type, argument);
  return argument;
}

void EntryPointBuilder::storeResult(Value result, Value address) {
  Type type = result.getType();
  if (isa<MemRefType, IndexType>(type))
    result = UnrealizedConversionCastOp::create(b, converter.convertType(type),
                                                result)
                 .getResult(0);
  else if (type.isInteger(1))
    result = arith::ExtUIOp::create(b, b.getI8Type(), result);
  LLVM::StoreOp::create(b, result, address);
}

/// Whether sizes, strides and offset in the descriptor are those of the type.
/// Strides of dims of size 1, and of empty memrefs, do not matter.
Value EntryPointBuilder::isLayoutAsStated(MemRefType type, Value descriptor) {
  auto [strides, offset] = type.getStridesAndOffset();
  MemRefDescriptor memref(descriptor);
  Value good;
  if (!ShapedType::isDynamic(offset))
    good = isTrue(arith::CmpIPredicate::eq, memref.offset(b, b.getLoc()),
                  constant(offset));
  Value empty, stridesGood;
  bool identity = type.getLayout().isIdentity();
  Value contiguous = identity ? constant(1) : Value();
  for (int64_t dim = type.getRank() - 1; dim >= 0; --dim) {
    Value size = memref.size(b, b.getLoc(), dim);
    good = conjunction(
        good, type.isDynamicDim(dim)
                  ? isTrue(arith::CmpIPredicate::sge, size, constant(0))
                  : isTrue(arith::CmpIPredicate::eq, size,
                           constant(type.getDimSize(dim))));
    Value isEmpty = isTrue(arith::CmpIPredicate::eq, size, constant(0));
    empty =
        empty ? arith::OrIOp::create(b, empty, isEmpty).getResult() : isEmpty;
    Value expected = contiguous;
    if (!identity && !ShapedType::isDynamic(strides[dim]))
      expected = constant(strides[dim]);
    if (expected)
      stridesGood = conjunction(
          stridesGood,
          arith::OrIOp::create(
              b, isTrue(arith::CmpIPredicate::sle, size, constant(1)),
              isTrue(arith::CmpIPredicate::eq,
                     memref.stride(b, b.getLoc(), dim), expected)));
    if (identity && dim != 0)
      contiguous = arith::MulIOp::create(b, contiguous, size);
  }
  if (stridesGood)
    good = conjunction(good, arith::OrIOp::create(b, empty, stridesGood));
  return good ? good : constant(1, 1);
}

FailureOr<Value> EntryPointBuilder::callRuntime(StringRef name,
                                                ValueRange arguments,
                                                Type result) {
  SmallVector<Type> types(arguments.getTypes());
  OpBuilder declarations = OpBuilder::atBlockBegin(module.getBody());
  if (!result)
    result = LLVM::LLVMVoidType::get(b.getContext());
  FailureOr<LLVM::LLVMFuncOp> callee =
      LLVM::lookupOrCreateFn(declarations, module, name, types, result);
  if (failed(callee))
    return failure(); // It says that the program has another of that name.
  auto call = LLVM::CallOp::create(b, *callee, arguments);
  return call->getNumResults() ? Value(call.getResult()) : Value();
}

LogicalResult EntryPointBuilder::checkIsOnDevice(MemRefType type,
                                                 Value descriptor,
                                                 int64_t argument) {
  MemRefDescriptor view(descriptor);
  Type element = type.getElementType();
  Value bytes = constant(
      element.isIndex() ? 8
                        : llvm::divideCeil(element.getIntOrFloatBitWidth(), 8));
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    bytes = arith::MulIOp::create(b, bytes, view.size(b, b.getLoc(), dim));
  return callRuntime(
      "dropoutCudaCheckPointer",
      {view.alignedPtr(b, b.getLoc()), bytes, constant(argument, 32)},
      b.getI32Type());
}

LogicalResult EntryPointBuilder::build(StringRef name) {
  Type i32 = b.getI32Type();
  Type f64 = b.getF64Type();
  SmallVector<Type> types;
  for (Type type : function.getArgumentTypes())
    types.push_back(getArgumentType(type));
  types.append(function.getNumResults(), pointer);

  b.setInsertionPointAfter(function);
  auto entry = func::FuncOp::create(b, name, b.getFunctionType(types, i32));
  entry->setAttr(entryPointAttrName, function.getSymNameAttr());
  Block *start = entry.addEntryBlock();
  Region &body = entry.getBody();
  Block *checkMemory = b.createBlock(&body);
  Block *checkP = b.createBlock(&body);
  Block *run = b.createBlock(&body);
  Block *done = b.createBlock(&body, body.end(), {i32}, {b.getLoc()});
  unsigned numArguments = function.getNumArguments();
  ValueRange arguments =
      ValueRange(entry.getArguments()).take_front(numArguments);
  ValueRange results =
      ValueRange(entry.getArguments()).drop_front(numArguments);

  b.setInsertionPointToEnd(done);
  func::ReturnOp::create(b, done->getArgument(0));

  // No pointer is null.
  b.setInsertionPointToEnd(start);
  if (failed(callRuntime("dropoutClearStatus", {}, {})))
    return failure();
  Value invalid = constant(DROPOUT_INVALID_ARGUMENT, 32);
  Value null = LLVM::ZeroOp::create(b, pointer);
  Value good = constant(1, 1);
  for (Value argument : entry.getArguments())
    if (argument.getType() == pointer)
      good = conjunction(good, LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::ne,
                                                    argument, null));
  cf::CondBranchOp::create(b, good, checkMemory, ValueRange(), done, invalid);

  // Sizes, strides and offsets are those of the types.
  b.setInsertionPointToEnd(checkMemory);
  for (auto [type, address] : llvm::zip(function.getResultTypes(), results))
    if (isa<MemRefType>(type))
      LLVM::StoreOp::create(
          b, LLVM::ZeroOp::create(b, converter.convertType(type)), address);
  good = constant(1, 1);
  for (auto [index, type, address] :
       llvm::enumerate(function.getArgumentTypes(), arguments)) {
    auto memref = dyn_cast<MemRefType>(type);
    if (!memref)
      continue;
    Value descriptor =
        LLVM::LoadOp::create(b, converter.convertType(memref), address);
    good = conjunction(good, isLayoutAsStated(memref, descriptor));
    if (deviceArrays && failed(checkIsOnDevice(memref, descriptor, index)))
      return failure();
  }
  cf::CondBranchOp::create(b, good, checkP, ValueRange(), done, invalid);

  // Every p that is an argument is a probability.
  b.setInsertionPointToEnd(checkP);
  bool checked = deviceArrays;
  for (auto [argument, value] : llvm::zip(function.getArguments(), arguments)) {
    for (int32_t resolution : probabilities.getResolutions(argument)) {
      FailureOr<Value> result =
          resolution == 16
              ? callRuntime("dropoutCheckP", value, f64)
              : callRuntime("dropoutCheckPForResolution",
                            {value, constant(resolution, 32)}, f64);
      if (failed(result))
        return failure();
      checked = true;
    }
  }
  if (checked) {
    FailureOr<Value> status = callRuntime("dropoutLastStatus", {}, i32);
    if (failed(status))
      return failure();
    Value failed = isTrue(arith::CmpIPredicate::ne, *status, constant(0, 32));
    cf::CondBranchOp::create(b, failed, done, *status, run, ValueRange());
  } else {
    cf::BranchOp::create(b, run);
  }

  // The function itself.
  b.setInsertionPointToEnd(run);
  SmallVector<Value> operands;
  for (auto [type, value] : llvm::zip(function.getArgumentTypes(), arguments))
    operands.push_back(loadArgument(type, value));
  auto call = func::CallOp::create(b, function, operands);
  for (auto [result, address] : llvm::zip(call.getResults(), results))
    storeResult(result, address);
  FailureOr<Value> status = callRuntime("dropoutLastStatus", {}, i32);
  if (failed(status))
    return failure();
  cf::BranchOp::create(b, done, *status);
  return success();
}

namespace {
struct EmitEntryPointsPass
    : public dropout::impl::EmitEntryPointsPassBase<EmitEntryPointsPass> {
  using Base::Base;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    ProbabilityArguments probabilities(module);
    llvm::StringMap<Operation *> names;
    auto isLowered = [](Type type) {
      return isEntryPointType(type) && !isa<TensorType>(type);
    };
    for (auto function : llvm::to_vector(module.getOps<func::FuncOp>())) {
      if (function.isExternal() || !function.isPublic() ||
          function->hasAttr(entryPointAttrName) ||
          !llvm::all_of(function.getArgumentTypes(), isLowered) ||
          !llvm::all_of(function.getResultTypes(), isLowered))
        continue;
      std::string name = getEntryPointName(function.getSymName());
      Operation *other = module.lookupSymbol(name);
      if (other &&
          other->getAttr(entryPointAttrName) == function.getSymNameAttr())
        continue; // It has one already.
      auto [it, isNew] = names.try_emplace(name, function);
      if (!isNew)
        other = it->second;
      if (other) {
        InFlightDiagnostic diagnostic =
            function.emitError("expected the name @")
            << name << " of the entry point to be free";
        diagnostic.attachNote(other->getLoc()) << "it is taken here";
        return signalPassFailure();
      }
      if (failed(
              EntryPointBuilder(function, module, probabilities, deviceArrays)
                  .build(name)))
        return signalPassFailure();
    }
  }
};
} // namespace
