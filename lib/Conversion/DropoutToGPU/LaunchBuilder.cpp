//===- LaunchBuilder.cpp - What all kernels of a function share -----------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LaunchBuilder.h"

#include "dropout/Conversion/DropoutToGPU.h"
#include "dropout/Dialect/Dropout/IR/Dropout.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace mlir::dropout;

gpu::LaunchOp mlir::dropout::createLaunch(OpBuilder &builder, Location loc,
                                          const LaunchShape &shape,
                                          StringRef name) {
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  auto orOne = [&](Value size) { return size ? size : one; };
  auto launch = gpu::LaunchOp::create(
      builder, loc, orOne(shape.gridX), orOne(shape.gridY), one,
      orOne(shape.blockX), orOne(shape.blockY), one);
  launch.setModule(kKernelModuleName);
  launch.setFunction(name);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(&launch.getBody().front());
  gpu::TerminatorOp::create(builder, loc);
  return launch;
}

Value mlir::dropout::emitKernelArray(OpBuilder &builder, Location loc,
                                     Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  if (type.getRank() == 1 && type.isDynamicDim(0) &&
      type.getLayout().isIdentity())
    return memref;
  auto metadata =
      memref::ExtractStridedMetadataOp::create(builder, loc, memref);
  auto array =
      MemRefType::get({ShapedType::kDynamic}, type.getElementType(),
                      MemRefLayoutAttrInterface(), type.getMemorySpace());
  // More than enough, but not negative where there is no element.
  OpFoldResult size = builder.getIndexAttr(1);
  for (auto [extent, stride] :
       llvm::zip_equal(metadata.getConstifiedMixedSizes(),
                       metadata.getConstifiedMixedStrides()))
    size = emitAdd(builder, loc, size, emitMul(builder, loc, extent, stride));
  size = emitAdd(builder, loc, size, metadata.getConstifiedMixedOffset());
  return memref::ReinterpretCastOp::create(
      builder, loc, array, metadata.getBaseBuffer(),
      /*offset=*/OpFoldResult(builder.getIndexAttr(0)),
      ArrayRef<OpFoldResult>{size},
      ArrayRef<OpFoldResult>{builder.getIndexAttr(1)});
}

//===----------------------------------------------------------------------===//
// Loads
//===----------------------------------------------------------------------===//

/// The memref that `memref` is a view of, as far as ops say.
static Value getViewSource(Value memref) {
  while (Operation *op = memref.getDefiningOp()) {
    if (auto view = dyn_cast<ViewLikeOpInterface>(op))
      memref = view.getViewSource();
    else if (isa<UnrealizedConversionCastOp>(op) && op->getNumOperands() == 1)
      memref = op->getOperand(0);
    else
      break;
  }
  return memref;
}

/// True if `memory`, no view, is an array of its own: a function's argument, an
/// allocation or a constant. Arguments do not overlap.
static bool isWholeArray(Value memory) {
  if (auto argument = dyn_cast<BlockArgument>(memory))
    return isa<FunctionOpInterface>(argument.getOwner()->getParentOp());
  return isa<memref::AllocOp, memref::AllocaOp, memref::GetGlobalOp>(
      memory.getDefiningOp());
}

/// True if an op under `root` may write to `memory`, a whole array.
static bool mayWrite(Operation *root, Value memory) {
  WalkResult result = root->walk([&](Operation *op) {
    auto effects = dyn_cast<MemoryEffectOpInterface>(op);
    if (!effects)
      return op->hasTrait<OpTrait::HasRecursiveMemoryEffects>()
                 ? WalkResult::advance()
                 : WalkResult::interrupt();
    SmallVector<MemoryEffects::EffectInstance> instances;
    effects.getEffects(instances);
    for (MemoryEffects::EffectInstance &effect : instances) {
      if (!isa<MemoryEffects::Write, MemoryEffects::Free>(effect.getEffect()))
        continue;
      if (!effect.getValue()) {
        if (isa<SideEffects::DefaultResource>(effect.getResource()))
          return WalkResult::interrupt();
        continue;
      }
      Value target = getViewSource(effect.getValue());
      if (target == memory || !isWholeArray(target))
        return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  return result.wasInterrupted();
}

/// True if nothing from `load` on, up to and with the loops and branches that
/// `kernel` stands in, and the kernel itself, writes to what it reads.
static bool canSink(memref::LoadOp load, Operation *kernel) {
  Operation *ancestor = load->getBlock()->findAncestorOpInBlock(*kernel);
  Value memory = getViewSource(load.getMemRef());
  if (!ancestor || !isWholeArray(memory))
    return false;
  for (Operation *op = load->getNextNode(); op; op = op->getNextNode()) {
    if (mayWrite(op, memory))
      return false;
    if (op == ancestor)
      return true;
  }
  return false;
}

/// True if `value` comes, by pure ops, from a load that can be moved to
/// `kernel`.
static bool comesFromLoad(Value value, Operation *kernel) {
  Operation *op = value.getDefiningOp();
  if (!op || op->getNumRegions() != 0)
    return false;
  if (auto load = dyn_cast<memref::LoadOp>(op))
    return canSink(load, kernel);
  if (isa<memref::GetGlobalOp>(op))
    return true;
  if (!isPure(op))
    return false;
  return llvm::any_of(op->getOperands(), [&](Value operand) {
    return comesFromLoad(operand, kernel);
  });
}

static Value copyIntoKernel(OpBuilder &builder, Value value,
                            gpu::LaunchOp kernel, IRMapping &mapping) {
  if (Value known = mapping.lookupOrNull(value))
    return known;
  if (!comesFromLoad(value, kernel))
    return value;
  Operation *op = value.getDefiningOp();
  IRMapping operands;
  for (Value operand : op->getOperands())
    operands.map(operand, copyIntoKernel(builder, operand, kernel, mapping));
  Operation *copy = builder.clone(*op, operands);
  for (auto [from, to] : llvm::zip(op->getResults(), copy->getResults()))
    mapping.map(from, to);
  return mapping.lookup(value);
}

void mlir::dropout::moveLoadsIntoKernel(gpu::LaunchOp launch) {
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(launch.getBody(), captured);
  OpBuilder builder(launch.getContext());
  builder.setInsertionPointToStart(&launch.getBody().front());
  IRMapping mapping;
  for (Value value : captured) {
    Value inside = copyIntoKernel(builder, value, launch, mapping);
    if (inside != value)
      replaceAllUsesInRegionWith(value, inside, launch.getBody());
  }
}
