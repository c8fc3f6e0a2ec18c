//===- DropoutOps.cpp - Shapes, effects and interfaces of the dropout ops -===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/Dialect/Dropout/IR/Dropout.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace mlir::dropout;

#include "dropout/Dialect/Dropout/IR/DropoutInterfaces.cpp.inc"

//===----------------------------------------------------------------------===//
// Types of dropout.keep
//===----------------------------------------------------------------------===//

Type mlir::dropout::detail::getKeepType(Type indices) {
  auto i1 = IntegerType::get(indices.getContext(), 1);
  if (auto vector = dyn_cast<VectorType>(indices))
    return vector.clone(i1);
  return i1;
}

/// The type of the operands: none is written for i64.
static ParseResult parseKeepType(OpAsmParser &parser, Type &indices) {
  indices = parser.getBuilder().getI64Type();
  return failed(parser.parseOptionalColon()) ? success()
                                             : parser.parseType(indices);
}

static void printKeepType(OpAsmPrinter &printer, KeepOp, Type indices) {
  if (isa<VectorType>(indices))
    printer << " : " << indices;
}

#define GET_OP_CLASSES
#include "dropout/Dialect/Dropout/IR/DropoutOps.cpp.inc"

//===----------------------------------------------------------------------===//
// Kinds
//===----------------------------------------------------------------------===//

static bool isAlpha(Kind kind) {
  return kind == Kind::Alpha || kind == Kind::FeatureAlpha;
}

ValueMap mlir::dropout::detail::getForwardMap(Kind kind) {
  return isAlpha(kind) ? ValueMap::Alpha : ValueMap::Scale;
}

ValueMap mlir::dropout::detail::getBackwardMap(Kind kind) {
  return isAlpha(kind) ? ValueMap::AlphaGradient : ValueMap::Scale;
}

SmallVector<int64_t>
mlir::dropout::detail::getEffectiveMaskDims(DropoutOpInterface op) {
  if (DenseI64ArrayAttr dims = op.getMaskDimsAttr())
    return llvm::to_vector(dims.asArrayRef());
  bool perChannel = op.getDropoutKind() == Kind::Channel ||
                    op.getDropoutKind() == Kind::FeatureAlpha;
  if (perChannel)
    return {0, 1};
  return llvm::to_vector(llvm::seq<int64_t>(0, op.getShapedType().getRank()));
}

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

LogicalResult
mlir::dropout::detail::inferReturnTypes(ValueRange operands,
                                        SmallVectorImpl<Type> &types) {
  if (operands.empty())
    return failure();
  if (isa<RankedTensorType>(operands.front().getType()))
    types.push_back(operands.front().getType());
  return success();
}

SmallVector<OpFoldResult>
mlir::dropout::detail::getMixedShape(DropoutOpInterface op,
                                     OpBuilder &builder) {
  ShapedType type = op.getShapedType();
  Value shaped = op.getSource() ? op.getSource() : op.getDest();
  auto mask = dyn_cast<MaskOp>(op.getOperation());
  SmallVector<OpFoldResult> sizes;
  unsigned dynamic = 0;
  for (auto [dim, size] : llvm::enumerate(type.getShape())) {
    if (ShapedType::isStatic(size))
      sizes.push_back(builder.getIndexAttr(size));
    else if (!shaped)
      sizes.push_back(mask.getDynamicSizes()[dynamic++]);
    else if (isa<MemRefType>(type))
      sizes.push_back(
          builder.createOrFold<memref::DimOp>(op.getLoc(), shaped, dim));
    else
      sizes.push_back(
          builder.createOrFold<tensor::DimOp>(op.getLoc(), shaped, dim));
  }
  return sizes;
}

LogicalResult
mlir::dropout::detail::reifyResultShapes(DropoutOpInterface op,
                                         OpBuilder &builder,
                                         ReifiedRankedShapedTypeDims &shapes) {
  if (op->getNumResults() == 0)
    return failure();
  SmallVector<OpFoldResult> shape = op.getMixedShape(builder);
  shapes.push_back(shape);
  if (op.getMaskResult())
    shapes.push_back(llvm::map_to_vector(
        op.getEffectiveMaskDims(), [&](int64_t dim) { return shape[dim]; }));
  return success();
}

SmallVector<OpFoldResult>
mlir::dropout::detail::getMixedPositionOffsets(DropoutOpInterface op,
                                               OpBuilder &builder) {
  if (op.hasPosition())
    return getMixedValues(op.getStaticOffsetsAttr().asArrayRef(),
                          op.getPositionOffsets(), builder);
  return SmallVector<OpFoldResult>(op.getShapedType().getRank(),
                                   builder.getIndexAttr(0));
}

SmallVector<OpFoldResult>
mlir::dropout::detail::getMixedPositionSizes(DropoutOpInterface op,
                                             OpBuilder &builder) {
  if (op.hasPosition())
    return getMixedValues(op.getStaticSizesAttr().asArrayRef(),
                          op.getPositionSizes(), builder);
  return op.getMixedShape(builder);
}

void mlir::dropout::detail::setPosition(DropoutOpInterface op,
                                        ArrayRef<OpFoldResult> offsets,
                                        ArrayRef<OpFoldResult> sizes) {
  SmallVector<int64_t> staticOffsets, staticSizes;
  SmallVector<Value> dynamicOffsets, dynamicSizes;
  dispatchIndexOpFoldResults(offsets, dynamicOffsets, staticOffsets);
  dispatchIndexOpFoldResults(sizes, dynamicSizes, staticSizes);
  op.getPositionOffsetsMutable().assign(dynamicOffsets);
  op.getPositionSizesMutable().assign(dynamicSizes);
  MLIRContext *context = op->getContext();
  op->setAttr("static_offsets", DenseI64ArrayAttr::get(context, staticOffsets));
  op->setAttr("static_sizes", DenseI64ArrayAttr::get(context, staticSizes));
}

//===----------------------------------------------------------------------===//
// Index arithmetic
//===----------------------------------------------------------------------===//

OpFoldResult mlir::dropout::emitMul(OpBuilder &builder, Location loc,
                                    OpFoldResult a, OpFoldResult b) {
  std::optional<int64_t> x = getConstantIntValue(a);
  std::optional<int64_t> y = getConstantIntValue(b);
  if (x && y)
    return builder.getIndexAttr(static_cast<uint64_t>(*x) *
                                static_cast<uint64_t>(*y));
  if (x == 0 || y == 0)
    return builder.getIndexAttr(0);
  if (x == 1)
    return b;
  if (y == 1)
    return a;
  return arith::MulIOp::create(builder, loc,
                               getValueOrCreateConstantIndexOp(builder, loc, a),
                               getValueOrCreateConstantIndexOp(builder, loc, b))
      .getResult();
}

OpFoldResult mlir::dropout::emitAdd(OpBuilder &builder, Location loc,
                                    OpFoldResult a, OpFoldResult b) {
  std::optional<int64_t> x = getConstantIntValue(a);
  std::optional<int64_t> y = getConstantIntValue(b);
  if (x && y)
    return builder.getIndexAttr(static_cast<uint64_t>(*x) +
                                static_cast<uint64_t>(*y));
  if (x == 0)
    return b;
  if (y == 0)
    return a;
  return arith::AddIOp::create(builder, loc,
                               getValueOrCreateConstantIndexOp(builder, loc, a),
                               getValueOrCreateConstantIndexOp(builder, loc, b))
      .getResult();
}

//===----------------------------------------------------------------------===//
// Effects
//===----------------------------------------------------------------------===//

void mlir::dropout::detail::getEffects(
    DropoutOpInterface op,
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  auto addAccess = [&](Value value, MemoryEffects::Effect *effect) {
    for (OpOperand &operand : op->getOpOperands())
      if (operand.get() == value && isa<MemRefType>(value.getType()))
        effects.emplace_back(effect, &operand);
  };
  if (op.isMemRefForm()) {
    // In place, x and the destination are one value: each operand has both
    // effects then, which is true.
    if (Value source = op.getSource())
      addAccess(source, MemoryEffects::Read::get());
    addAccess(op.getDest(), MemoryEffects::Write::get());
    if (Value state = op.getState())
      addAccess(state, MemoryEffects::Read::get());
  }
  if (op.isImplicit()) {
    effects.emplace_back(MemoryEffects::Read::get(), RuntimeState::get());
    effects.emplace_back(MemoryEffects::Write::get(), RuntimeState::get());
  }
}

Speculation::Speculatability
mlir::dropout::detail::getSpeculatability(DropoutOpInterface op) {
  if (op.isImplicit() || op.isMemRefForm())
    return Speculation::NotSpeculatable;
  // An unchecked p stays where its check would have to be.
  if (Value p = op.getPValue())
    if (!p.getDefiningOp<CheckPOp>())
      return Speculation::NotSpeculatable;
  return Speculation::Speculatable;
}

void ReserveOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), RuntimeState::get());
  effects.emplace_back(MemoryEffects::Write::get(), RuntimeState::get());
}

void CheckPOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  effects.emplace_back(MemoryEffects::Write::get(), RuntimeState::get());
}
