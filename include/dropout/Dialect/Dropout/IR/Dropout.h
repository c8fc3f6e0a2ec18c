//===- Dropout.h - Dropout dialect ------------------------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_DIALECT_DROPOUT_IR_DROPOUT_H
#define DROPOUT_DIALECT_DROPOUT_IR_DROPOUT_H

#include "dropout/Dialect/Dropout/IR/DropoutContract.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dropout/Dialect/Dropout/IR/DropoutDialect.h.inc"
#include "dropout/Dialect/Dropout/IR/DropoutEnums.h.inc"

namespace mlir::dropout {

class DropoutOpInterface;

/// How an op turns x (or dy) and the keep bit into its result.
enum class ValueMap {
  /// The keep bit itself: `dropout.mask`.
  Keep,
  /// kept: x * s, dropped: +0. Element and channel dropout, and their gradient.
  Scale,
  /// kept: fma(a, x, b), dropped: d. The alpha kinds.
  Alpha,
  /// kept: dy * a, dropped: +0. The gradient of the alpha kinds.
  AlphaGradient
};

/// The resource that implicit ops, `dropout.reserve` and `dropout.check_p` read
/// and write: the runtime's mode, generators and error slot. Nothing else
/// aliases it.
struct RuntimeState : public SideEffects::Resource::Base<RuntimeState> {
  StringRef getName() final { return "dropout::RuntimeState"; }
};

namespace detail {
// What the ops that draw a mask share; each op's methods forward here.
ValueMap getForwardMap(Kind kind);
ValueMap getBackwardMap(Kind kind);
SmallVector<int64_t> getEffectiveMaskDims(DropoutOpInterface op);
Speculation::Speculatability getSpeculatability(DropoutOpInterface op);
void getEffects(DropoutOpInterface op,
                SmallVectorImpl<MemoryEffects::EffectInstance> &effects);
LogicalResult reifyResultShapes(DropoutOpInterface op, OpBuilder &builder,
                                ReifiedRankedShapedTypeDims &shapes);
LogicalResult inferReturnTypes(ValueRange operands,
                               SmallVectorImpl<Type> &types);
ParseResult parseMaskedOp(OpAsmParser &parser, OperationState &result);
void printMaskedOp(DropoutOpInterface op, OpAsmPrinter &printer);
LogicalResult verifyMaskedOp(DropoutOpInterface op);
LogicalResult foldMaskedOp(DropoutOpInterface op,
                           SmallVectorImpl<OpFoldResult> &results);
SmallVector<OpFoldResult> getMixedPositionOffsets(DropoutOpInterface op,
                                                  OpBuilder &builder);
SmallVector<OpFoldResult> getMixedPositionSizes(DropoutOpInterface op,
                                                OpBuilder &builder);
SmallVector<OpFoldResult> getMixedShape(DropoutOpInterface op,
                                        OpBuilder &builder);
/// The number of elements of `shape`, dynamic dims counted as 1; std::nullopt
/// if it does not fit 63 bits. The contract's indices are 64-bit.
std::optional<int64_t> countElements(ArrayRef<int64_t> shape);
void setPosition(DropoutOpInterface op, ArrayRef<OpFoldResult> offsets,
                 ArrayRef<OpFoldResult> sizes);
/// The type of the keep bits of elements whose indices have type `indices`: i1,
/// or a vector of it of the same shape.
Type getKeepType(Type indices);
} // namespace detail

} // namespace mlir::dropout

#include "dropout/Dialect/Dropout/IR/DropoutInterfaces.h.inc"

#define GET_OP_CLASSES
#include "dropout/Dialect/Dropout/IR/DropoutOps.h.inc"

namespace mlir::dropout {

/// Emits an error and fails if the op is implicit: what changes where or how
/// often an op is run takes explicit ops.
LogicalResult requireExplicit(DropoutOpInterface op);

/// Splits a value op with a mask result into the value op and a `dropout.mask`;
/// fails if it has none. Canonicalization does that, too.
LogicalResult splitMaskResult(RewriterBase &rewriter, DropoutOpInterface op);

/// Creates the `dropout.mask` that draws the mask of `op`, a tensor of the
/// shape of its mask dims in their order: with the op's p and flag or, if it is
/// given, with `threshold` in their place.
MaskOp createMask(OpBuilder &builder, DropoutOpInterface op,
                  Value threshold = {});

/// Emits an error at every dropout op under `root` that a lowering should have
/// taken, naming the pass; `dropout.reserve` and `dropout.check_p` may be
/// there.
LogicalResult verifyLowered(Operation *root);

/// a * b and a + b of index values and attributes, folded where known; modulo
/// 2^64, as an empty tensor may have strides that do not fit.
OpFoldResult emitMul(OpBuilder &builder, Location loc, OpFoldResult a,
                     OpFoldResult b);
OpFoldResult emitAdd(OpBuilder &builder, Location loc, OpFoldResult a,
                     OpFoldResult b);

} // namespace mlir::dropout

#endif // DROPOUT_DIALECT_DROPOUT_IR_DROPOUT_H
