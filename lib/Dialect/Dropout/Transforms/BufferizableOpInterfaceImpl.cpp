//===- BufferizableOpInterfaceImpl.cpp - Bufferization of dropout ops -----===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The result of a value op may take the buffer of x. Where that is not legal,
// the op writes a new buffer: x is read once and copied never.
//
//===----------------------------------------------------------------------===//

#include "dropout/Dialect/Dropout/Transforms/BufferizableOpInterfaceImpl.h"

#include "dropout/Dialect/Dropout/IR/Dropout.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace mlir::dropout;

/// Set on an op between the two phases of bufferization: its result must not
/// take the buffer of x.
static constexpr StringLiteral kOutOfPlace = "dropout.__out_of_place__";

static LogicalResult verifyBufferizable(DropoutOpInterface op) {
  if (failed(requireExplicit(op)))
    return failure();
  if (op.getMaskResult())
    return op->emitOpError("expected one result for bufferization, but got a "
                           "mask result, too; run 'canonicalize' first, which "
                           "splits it off");
  return success();
}

/// The memref form of `op` from `source` into `dest`.
static void createMemRefForm(RewriterBase &rewriter, DropoutOpInterface op,
                             Value source, Value dest) {
  IRMapping mapping;
  if (source)
    mapping.map(op.getSource(), source);
  OperationState state(op.getLoc(), op->getName());
  for (Value operand : op->getOperands())
    state.operands.push_back(mapping.lookupOrDefault(operand));
  for (NamedAttribute attr : op->getAttrs())
    if (attr.getName() != kOutOfPlace)
      state.attributes.push_back(attr);
  // Built with the tensor form's segments, then changed: dynamic sizes go, the
  // destination comes.
  Operation *created = rewriter.create(state);
  if (auto mask = dyn_cast<MaskOp>(created))
    mask.getDynamicSizesMutable().clear();
  cast<DropoutOpInterface>(created).getDestMutable().assign(dest);
}

namespace {

template <typename OpTy>
struct ValueOpInterface
    : BufferizableOpInterface::ExternalModel<ValueOpInterface<OpTy>, OpTy> {
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand,
                              const AnalysisState &) const {
    return operand.get() == cast<DropoutOpInterface>(op).getSource();
  }

  bool bufferizesToMemoryWrite(Operation *op, OpOperand &operand,
                               const AnalysisState &) const {
    return operand.get() == cast<DropoutOpInterface>(op).getSource();
  }

  AliasingValueList getAliasingValues(Operation *op, OpOperand &operand,
                                      const AnalysisState &) const {
    if (operand.get() != cast<DropoutOpInterface>(op).getSource() ||
        op->getNumResults() == 0)
      return {};
    return {{op->getResult(0), BufferRelation::Equivalent}};
  }

  /// Each element is read before its place is written.
  bool bufferizesToElementwiseAccess(Operation *, const AnalysisState &,
                                     ArrayRef<OpOperand *>) const {
    return true;
  }

  LogicalResult resolveConflicts(Operation *op, RewriterBase &rewriter,
                                 const AnalysisState &analysis,
                                 const BufferizationState &) const {
    auto masked = cast<DropoutOpInterface>(op);
    if (masked.isMemRefForm() || failed(verifyBufferizable(masked)))
      return success(masked.isMemRefForm());
    OpOperand &source = op->getOpOperand(0);
    if (!analysis.isInPlace(source))
      rewriter.modifyOpInPlace(
          op, [&] { op->setAttr(kOutOfPlace, rewriter.getUnitAttr()); });
    return success();
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto masked = cast<DropoutOpInterface>(op);
    if (masked.isMemRefForm())
      return success();
    if (failed(verifyBufferizable(masked)))
      return failure();
    FailureOr<Value> source =
        getBuffer(rewriter, masked.getSource(), options, state);
    if (failed(source))
      return failure();
    Value dest = *source;
    if (op->hasAttr(kOutOfPlace)) {
      auto type = cast<MemRefType>(dest.getType());
      SmallVector<Value> dynamicSizes;
      for (int64_t dim = 0; dim < type.getRank(); ++dim)
        if (type.isDynamicDim(dim))
          dynamicSizes.push_back(
              memref::DimOp::create(rewriter, op->getLoc(), *source, dim));
      FailureOr<Value> allocated = options.createAlloc(
          rewriter, op->getLoc(),
          MemRefType::get(type.getShape(), type.getElementType(),
                          MemRefLayoutAttrInterface(), type.getMemorySpace()),
          dynamicSizes);
      if (failed(allocated))
        return failure();
      dest = *allocated;
    }
    createMemRefForm(rewriter, masked, *source, dest);
    replaceOpWithBufferizedValues(rewriter, op, dest);
    return success();
  }

  FailureOr<BufferLikeType>
  getBufferType(Operation *op, Value value, const BufferizationOptions &options,
                const BufferizationState &state,
                SmallVector<Value> &invocationStack) const {
    auto masked = cast<DropoutOpInterface>(op);
    FailureOr<BufferLikeType> source = bufferization::getBufferType(
        masked.getSource(), options, state, invocationStack);
    if (failed(source) || !op->hasAttr(kOutOfPlace))
      return source;
    auto type = cast<MemRefType>(*source);
    return cast<BufferLikeType>(
        MemRefType::get(type.getShape(), type.getElementType(),
                        MemRefLayoutAttrInterface(), type.getMemorySpace()));
  }
};

/// A mask that survives unfused gets a buffer, one byte per element.
struct MaskOpInterface
    : BufferizableOpInterface::ExternalModel<MaskOpInterface, MaskOp> {
  bool bufferizesToMemoryRead(Operation *, OpOperand &,
                              const AnalysisState &) const {
    return false;
  }
  bool bufferizesToMemoryWrite(Operation *, OpOperand &,
                               const AnalysisState &) const {
    return false;
  }
  AliasingValueList getAliasingValues(Operation *, OpOperand &,
                                      const AnalysisState &) const {
    return {};
  }
  bool bufferizesToAllocation(Operation *, Value) const { return true; }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &) const {
    auto mask = cast<MaskOp>(op);
    if (mask.getDest())
      return success();
    auto tensor = cast<RankedTensorType>(mask.getResult().getType());
    FailureOr<Value> dest = options.createAlloc(
        rewriter, op->getLoc(),
        MemRefType::get(tensor.getShape(), tensor.getElementType()),
        mask.getDynamicSizes());
    if (failed(dest))
      return failure();
    createMemRefForm(rewriter, cast<DropoutOpInterface>(op), Value(), *dest);
    replaceOpWithBufferizedValues(rewriter, op, *dest);
    return success();
  }

  FailureOr<BufferLikeType> getBufferType(Operation *op, Value value,
                                          const BufferizationOptions &,
                                          const BufferizationState &,
                                          SmallVector<Value> &) const {
    auto tensor = cast<RankedTensorType>(value.getType());
    return cast<BufferLikeType>(
        MemRefType::get(tensor.getShape(), tensor.getElementType()));
  }
};

} // namespace

void mlir::dropout::registerBufferizableOpInterfaceExternalModels(
    DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, DropoutDialect *) {
    AlphaOp::attachInterface<ValueOpInterface<AlphaOp>>(*context);
    BackwardOp::attachInterface<ValueOpInterface<BackwardOp>>(*context);
    ChannelOp::attachInterface<ValueOpInterface<ChannelOp>>(*context);
    ElementOp::attachInterface<ValueOpInterface<ElementOp>>(*context);
    FeatureAlphaOp::attachInterface<ValueOpInterface<FeatureAlphaOp>>(*context);
    MaskOp::attachInterface<MaskOpInterface>(*context);
    context->loadDialect<bufferization::BufferizationDialect,
                         memref::MemRefDialect>();
  });
}
