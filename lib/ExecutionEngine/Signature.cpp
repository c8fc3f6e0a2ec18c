//===- Signature.cpp - Types of compiled functions ------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/ExecutionEngine/Signature.h"
#include "dropout/Dialect/Dropout/IR/Dropout.h"
#include "dropout/Pipelines/EntryPoints.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::dropout;

unsigned mlir::dropout::getElementSize(ElementType type) {
  switch (type) {
  case ElementType::I1:
  case ElementType::I8:
    return 1;
  case ElementType::I16:
  case ElementType::F16:
  case ElementType::BF16:
    return 2;
  case ElementType::I32:
  case ElementType::F32:
    return 4;
  case ElementType::I64:
  case ElementType::Index:
  case ElementType::F64:
    return 8;
  }
  llvm_unreachable("unknown element type");
}

StringRef mlir::dropout::getElementTypeName(ElementType type) {
  switch (type) {
  case ElementType::I1:
    return "i1";
  case ElementType::I8:
    return "i8";
  case ElementType::I16:
    return "i16";
  case ElementType::I32:
    return "i32";
  case ElementType::I64:
    return "i64";
  case ElementType::Index:
    return "index";
  case ElementType::F16:
    return "f16";
  case ElementType::BF16:
    return "bf16";
  case ElementType::F32:
    return "f32";
  case ElementType::F64:
    return "f64";
  }
  llvm_unreachable("unknown element type");
}

StringRef mlir::dropout::getElementCType(ElementType type) {
  switch (type) {
  case ElementType::I1:
    return "uint8_t";
  case ElementType::I8:
    return "int8_t";
  case ElementType::I16:
    return "int16_t";
  case ElementType::I32:
    return "int32_t";
  case ElementType::I64:
  case ElementType::Index:
    return "int64_t";
  case ElementType::F16:
  case ElementType::BF16:
    return "uint16_t";
  case ElementType::F32:
    return "float";
  case ElementType::F64:
    return "double";
  }
  llvm_unreachable("unknown element type");
}

/// The element type of a type that isEntryPointType() accepts.
static ElementType getElementType(Type type) {
  type = getElementTypeOrSelf(type);
  if (type.isIndex())
    return ElementType::Index;
  if (type.isF16())
    return ElementType::F16;
  if (type.isBF16())
    return ElementType::BF16;
  if (type.isF32())
    return ElementType::F32;
  if (type.isF64())
    return ElementType::F64;
  switch (type.getIntOrFloatBitWidth()) {
  case 1:
    return ElementType::I1;
  case 8:
    return ElementType::I8;
  case 16:
    return ElementType::I16;
  case 32:
    return ElementType::I32;
  default:
    return ElementType::I64;
  }
}

static ValueType getValueType(Type type) {
  ValueType result;
  llvm::raw_string_ostream(result.text) << type;
  result.element = getElementType(type);
  if (auto tensor = dyn_cast<RankedTensorType>(type)) {
    result.kind = ValueType::Kind::Tensor;
    result.shape.assign(tensor.getShape().begin(), tensor.getShape().end());
  } else if (auto memref = dyn_cast<MemRefType>(type)) {
    result.kind = ValueType::Kind::MemRef;
    result.shape.assign(memref.getShape().begin(), memref.getShape().end());
    auto [strides, offset] = memref.getStridesAndOffset();
    result.strides.assign(strides.begin(), strides.end());
    result.offset = offset;
    result.isContiguous = memref.getLayout().isIdentity();
  }
  return result;
}

/// What the dropout ops of the function take the argument for.
static ArgumentRole getRole(BlockArgument argument) {
  if (argument.getType().isInteger(64) || argument.getType().isInteger(1) ||
      isa<FloatType>(argument.getType())) {
    for (OpOperand &use : argument.getUses()) {
      Operation *user = use.getOwner();
      // An f32 or f16 probability is widened first.
      if (isa<arith::ExtFOp>(user))
        for (Operation *next : user->getUsers())
          if (auto op = dyn_cast<DropoutOpInterface>(next))
            if (op.getPValue() == user->getResult(0))
              return ArgumentRole::P;
      if (isa<CheckPOp>(user))
        return ArgumentRole::P;
      if (auto reserve = dyn_cast<ReserveOp>(user);
          reserve && reserve.getTraining() == argument)
        return ArgumentRole::Training;
      if (auto op = dyn_cast<DropoutOpInterface>(user)) {
        if (op.getPValue() == argument)
          return ArgumentRole::P;
        if (op.getSeed() == argument)
          return ArgumentRole::Seed;
        if (op.getOffset() == argument)
          return ArgumentRole::Offset;
        if (op.getTraining() == argument)
          return ArgumentRole::Training;
      }
    }
  }
  return ArgumentRole::None;
}

llvm::Expected<Signature> mlir::dropout::getSignature(func::FuncOp function) {
  StringRef name = function.getSymName();
  if (function.isExternal())
    return llvm::createStringError("expected function '" + name +
                                   "' to have a body, but it is declared only");
  if (!function.isPublic())
    return llvm::createStringError("expected function '" + name +
                                   "' to be public, but it is private");
  Signature result;
  result.name = name.str();
  result.entryPoint = getEntryPointName(name);
  auto check = [&](Type type, StringRef what, unsigned index) -> llvm::Error {
    if (isEntryPointType(type))
      return llvm::Error::success();
    std::string text;
    llvm::raw_string_ostream(text) << type;
    return llvm::createStringError(
        "expected " + what + " #" + Twine(index) + " of function '" + name +
        "' to be a ranked tensor or strided memref of, or a scalar, i1, i8, "
        "i16, i32, i64, index, f16, bf16, f32 or f64, but got '" +
        text + "'");
  };
  for (BlockArgument argument : function.getArguments()) {
    if (llvm::Error error =
            check(argument.getType(), "argument", argument.getArgNumber()))
      return error;
    ValueType type = getValueType(argument.getType());
    type.role = getRole(argument);
    result.arguments.push_back(std::move(type));
  }
  for (auto [index, type] : llvm::enumerate(function.getResultTypes())) {
    if (llvm::Error error = check(type, "result", index))
      return error;
    result.results.push_back(getValueType(type));
  }
  return result;
}

std::vector<Signature> mlir::dropout::getSignatures(ModuleOp module) {
  std::vector<Signature> result;
  for (auto function : module.getOps<func::FuncOp>()) {
    llvm::Expected<Signature> signature = dropout::getSignature(function);
    if (signature)
      result.push_back(std::move(*signature));
    else
      llvm::consumeError(signature.takeError());
  }
  return result;
}

SmallVector<int64_t, 4>
mlir::dropout::getContiguousStrides(ArrayRef<int64_t> shape) {
  SmallVector<int64_t, 4> strides(shape.size());
  int64_t stride = 1;
  for (size_t dim = shape.size(); dim-- > 0;) {
    strides[dim] = stride;
    stride *= shape[dim];
  }
  return strides;
}

std::string mlir::dropout::formatShape(ArrayRef<int64_t> shape) {
  if (shape.empty())
    return "scalar";
  std::string result;
  llvm::raw_string_ostream os(result);
  llvm::interleave(
      shape, os,
      [&](int64_t size) {
        if (ShapedType::isDynamic(size))
          os << '?';
        else
          os << size;
      },
      "x");
  return result;
}

llvm::Error mlir::dropout::checkLayout(const ValueType &type,
                                       ArrayRef<int64_t> shape,
                                       ArrayRef<int64_t> strides,
                                       const Twine &what) {
  auto mismatch = [&](const Twine &got) {
    return llvm::createStringError("expected " + what + " of type " +
                                   type.text + ", but got " + got);
  };
  if (shape.size() != type.shape.size() || strides.size() != shape.size())
    return mismatch("rank " + Twine(shape.size()) + " (" + formatShape(shape) +
                    ")");
  bool empty = false;
  for (size_t dim = 0; dim < shape.size(); ++dim) {
    if (shape[dim] < 0 || (!ShapedType::isDynamic(type.shape[dim]) &&
                           shape[dim] != type.shape[dim]))
      return mismatch("shape " + formatShape(shape));
    empty |= shape[dim] == 0;
  }
  if (empty)
    return llvm::Error::success();
  SmallVector<int64_t, 4> contiguous = getContiguousStrides(shape);
  for (size_t dim = 0; dim < shape.size(); ++dim) {
    int64_t stated = type.isContiguous ? contiguous[dim] : type.strides[dim];
    if (shape[dim] > 1 && !ShapedType::isDynamic(stated) &&
        strides[dim] != stated)
      return mismatch("stride " + Twine(strides[dim]) + " in dim " +
                      Twine(dim) + " (shape " + formatShape(shape) + ")");
  }
  return llvm::Error::success();
}
