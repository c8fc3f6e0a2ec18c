//===- TilingInterfaceImpl.cpp - Tiling of dropout ops --------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tile is the same op on a slice, at its place in the whole: `at ... of ...`
// keeps the mask what it was. Works on tensors and on memrefs.
//
//===----------------------------------------------------------------------===//

#include "dropout/Dialect/Dropout/Transforms/TilingInterfaceImpl.h"

#include "dropout/Dialect/Dropout/IR/Dropout.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/TilingInterface.h"

using namespace mlir;
using namespace mlir::dropout;

/// Fails with an error if the op can't be tiled.
static LogicalResult verifyTilable(DropoutOpInterface op) {
  if (failed(requireExplicit(op)))
    return failure();
  if (op.getMaskResult())
    return op->emitOpError("expected one result for tiling, but got a mask "
                           "result, too; run 'canonicalize' first, which "
                           "splits it off");
  return success();
}

/// `source`[offsets][sizes] with unit strides, and the op that makes it.
static Operation *createSlice(OpBuilder &builder, Location loc, Value source,
                              ArrayRef<OpFoldResult> offsets,
                              ArrayRef<OpFoldResult> sizes) {
  SmallVector<OpFoldResult> strides(offsets.size(), builder.getIndexAttr(1));
  if (isa<MemRefType>(source.getType()))
    return memref::SubViewOp::create(builder, loc, source, offsets, sizes,
                                     strides);
  return tensor::ExtractSliceOp::create(builder, loc, source, offsets, sizes,
                                        strides);
}

/// Creates the op of the tile.
static TilingResult createTile(OpBuilder &builder, DropoutOpInterface op,
                               ArrayRef<OpFoldResult> offsets,
                               ArrayRef<OpFoldResult> sizes) {
  Location loc = op.getLoc();
  SmallVector<OpFoldResult> position;
  for (auto [start, offset] :
       llvm::zip_equal(op.getMixedPositionOffsets(builder), offsets))
    position.push_back(emitAdd(builder, loc, start, offset));
  SmallVector<OpFoldResult> whole = op.getMixedPositionSizes(builder);

  SmallVector<Operation *> slices;
  IRMapping mapping;
  Type resultType;
  if (Value source = op.getSource()) {
    Operation *slice = createSlice(builder, loc, source, offsets, sizes);
    slices.push_back(slice);
    mapping.map(source, slice->getResult(0));
    resultType = slice->getResult(0).getType();
  } else {
    SmallVector<int64_t> shape;
    SmallVector<Value> dynamicSizes;
    dispatchIndexOpFoldResults(sizes, dynamicSizes, shape);
    resultType = RankedTensorType::get(shape, builder.getI1Type());
  }
  Value dest = op.getDest();
  if (dest && !mapping.contains(dest)) {
    Operation *slice = createSlice(builder, loc, dest, offsets, sizes);
    slices.push_back(slice);
    mapping.map(dest, slice->getResult(0));
  }

  Operation *tile = builder.clone(*op, mapping);
  if (auto mask = dyn_cast<MaskOp>(tile); mask && !dest) {
    SmallVector<int64_t> shape;
    SmallVector<Value> dynamicSizes;
    dispatchIndexOpFoldResults(sizes, dynamicSizes, shape);
    mask.getDynamicSizesMutable().assign(dynamicSizes);
  }
  cast<DropoutOpInterface>(tile).setPosition(position, whole);
  if (!dest)
    tile->getResult(0).setType(resultType);
  return {{tile}, SmallVector<Value>(tile->getResults()), slices};
}

namespace {

template <typename OpTy>
struct DropoutTilingInterface
    : TilingInterface::ExternalModel<DropoutTilingInterface<OpTy>, OpTy> {
  SmallVector<utils::IteratorType> getLoopIteratorTypes(Operation *op) const {
    int64_t rank = cast<DropoutOpInterface>(op).getShapedType().getRank();
    return SmallVector<utils::IteratorType>(rank,
                                            utils::IteratorType::parallel);
  }

  SmallVector<Range> getIterationDomain(Operation *op,
                                        OpBuilder &builder) const {
    OpFoldResult zero = builder.getIndexAttr(0), one = builder.getIndexAttr(1);
    return llvm::map_to_vector(
        cast<DropoutOpInterface>(op).getMixedShape(builder),
        [&](OpFoldResult size) { return Range{zero, size, one}; });
  }

  FailureOr<TilingResult>
  getTiledImplementation(Operation *op, OpBuilder &builder,
                         ArrayRef<OpFoldResult> offsets,
                         ArrayRef<OpFoldResult> sizes) const {
    auto masked = cast<DropoutOpInterface>(op);
    if (failed(verifyTilable(masked)))
      return failure();
    return createTile(builder, masked, offsets, sizes);
  }

  LogicalResult getResultTilePosition(
      Operation *, OpBuilder &, unsigned, ArrayRef<OpFoldResult> offsets,
      ArrayRef<OpFoldResult> sizes, SmallVector<OpFoldResult> &resultOffsets,
      SmallVector<OpFoldResult> &resultSizes) const {
    resultOffsets.assign(offsets.begin(), offsets.end());
    resultSizes.assign(sizes.begin(), sizes.end());
    return success();
  }

  LogicalResult getIterationDomainTileFromResultTile(
      Operation *, OpBuilder &, unsigned, ArrayRef<OpFoldResult> offsets,
      ArrayRef<OpFoldResult> sizes,
      SmallVectorImpl<OpFoldResult> &domainOffsets,
      SmallVectorImpl<OpFoldResult> &domainSizes) const {
    domainOffsets.assign(offsets.begin(), offsets.end());
    domainSizes.assign(sizes.begin(), sizes.end());
    return success();
  }

  LogicalResult getIterationDomainTileFromOperandTiles(
      Operation *op, OpBuilder &, ArrayRef<unsigned> operandNumbers,
      ArrayRef<SmallVector<OpFoldResult>> allOffsets,
      ArrayRef<SmallVector<OpFoldResult>> allSizes,
      SmallVectorImpl<OpFoldResult> &domainOffsets,
      SmallVectorImpl<OpFoldResult> &domainSizes) const {
    // Only x (and the destination) has tiles: seeds and flags are scalars.
    Value source = cast<DropoutOpInterface>(op).getSource();
    if (operandNumbers.empty() || !source ||
        op->getOperand(operandNumbers.front()) != source)
      return failure();
    domainOffsets.assign(allOffsets.front().begin(), allOffsets.front().end());
    domainSizes.assign(allSizes.front().begin(), allSizes.front().end());
    return success();
  }

  FailureOr<TilingResult>
  generateResultTileValue(Operation *op, OpBuilder &builder, unsigned,
                          ArrayRef<OpFoldResult> offsets,
                          ArrayRef<OpFoldResult> sizes) const {
    return getTiledImplementation(op, builder, offsets, sizes);
  }

  FailureOr<TilingResult> getTiledImplementationFromOperandTiles(
      Operation *op, OpBuilder &builder, ArrayRef<unsigned> operandNumbers,
      ArrayRef<SmallVector<OpFoldResult>> allOffsets,
      ArrayRef<SmallVector<OpFoldResult>> allSizes) const {
    SmallVector<OpFoldResult> offsets, sizes;
    if (failed(getIterationDomainTileFromOperandTiles(
            op, builder, operandNumbers, allOffsets, allSizes, offsets, sizes)))
      return failure();
    return getTiledImplementation(op, builder, offsets, sizes);
  }
};

} // namespace

void mlir::dropout::registerTilingInterfaceExternalModels(
    DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, DropoutDialect *) {
    AlphaOp::attachInterface<DropoutTilingInterface<AlphaOp>>(*context);
    BackwardOp::attachInterface<DropoutTilingInterface<BackwardOp>>(*context);
    ChannelOp::attachInterface<DropoutTilingInterface<ChannelOp>>(*context);
    ElementOp::attachInterface<DropoutTilingInterface<ElementOp>>(*context);
    FeatureAlphaOp::attachInterface<DropoutTilingInterface<FeatureAlphaOp>>(
        *context);
    MaskOp::attachInterface<DropoutTilingInterface<MaskOp>>(*context);
    context->loadDialect<arith::ArithDialect, memref::MemRefDialect,
                         tensor::TensorDialect>();
  });
}
