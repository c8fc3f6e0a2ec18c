//===- PointwiseToLaunch.cpp - Any structured op to a kernel --------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What stands beside dropout in a program and is not element-wise: right, and
// nothing more.
//
//===----------------------------------------------------------------------===//

#include "LaunchBuilder.h"

#include "dropout/Conversion/DropoutToGPU.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::dropout;

/// `op` as a generic whose parallel loops are the outer ones; null if it has no
/// form as one.
static linalg::GenericOp putParallelLoopsOutside(RewriterBase &rewriter,
                                                 linalg::LinalgOp op) {
  auto generic = dyn_cast<linalg::GenericOp>(op.getOperation());
  if (!generic) {
    FailureOr<linalg::GenericOp> result =
        linalg::generalizeNamedOp(rewriter, op);
    if (failed(result))
      return {};
    generic = *result;
  }
  SmallVector<unsigned> order, reductions;
  generic.getParallelDims(order);
  generic.getReductionDims(reductions);
  llvm::append_range(order, reductions);
  if (llvm::is_sorted(order))
    return generic;
  FailureOr<linalg::GenericOp> result =
      linalg::interchangeGenericOp(rewriter, generic, order);
  return succeeded(result) ? *result : linalg::GenericOp();
}

/// Puts what follows `first` in its block, up to `last`, into a kernel of one
/// thread.
static gpu::LaunchOp wrapInLaunch(RewriterBase &rewriter, Operation *op,
                                  StringRef name) {
  rewriter.setInsertionPoint(op);
  gpu::LaunchOp launch =
      createLaunch(rewriter, op->getLoc(), LaunchShape(), name);
  rewriter.moveOpBefore(op, &launch.getBody().front(),
                        launch.getBody().front().begin());
  return launch;
}

/// A thread for each point of `loops`, which reduce nothing.
static gpu::LaunchOp convertToLaunch(RewriterBase &rewriter,
                                     scf::ParallelOp loops, StringRef name,
                                     const KernelTarget &target) {
  Location loc = loops.getLoc();
  rewriter.setInsertionPoint(loops);
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(rewriter, loc, value);
  };
  SmallVector<Value> counts;
  Value points = constant(1);
  for (auto [lower, upper, step] : llvm::zip_equal(
           loops.getLowerBound(), loops.getUpperBound(), loops.getStep())) {
    Value distance = arith::SubIOp::create(rewriter, loc, upper, lower);
    distance = arith::MaxSIOp::create(rewriter, loc, distance, constant(0));
    counts.push_back(arith::CeilDivUIOp::create(rewriter, loc, distance, step));
    points = arith::MulIOp::create(rewriter, loc, points, counts.back());
  }
  LaunchShape shape;
  shape.blockX = constant(target.blockSize);
  shape.gridX = arith::CeilDivUIOp::create(rewriter, loc, points, shape.blockX);
  gpu::LaunchOp launch = createLaunch(rewriter, loc, shape, name);
  rewriter.setInsertionPointToStart(&launch.getBody().front());
  Value point = arith::MulIOp::create(rewriter, loc, launch.getBlockIds().x,
                                      shape.blockX);
  point = arith::AddIOp::create(rewriter, loc, point, launch.getThreadIds().x);
  Value isInside = arith::CmpIOp::create(
      rewriter, loc, arith::CmpIPredicate::ult, point, points);
  auto branch =
      scf::IfOp::create(rewriter, loc, isInside, /*withElseRegion=*/false);
  rewriter.setInsertionPointToStart(branch.thenBlock());
  SmallVector<Value> indices(counts.size());
  for (size_t loop = counts.size(); loop-- > 0;) {
    Value index = point;
    if (loop != 0) {
      index = arith::RemUIOp::create(rewriter, loc, point, counts[loop]);
      point = arith::DivUIOp::create(rewriter, loc, point, counts[loop]);
    }
    index = arith::MulIOp::create(rewriter, loc, index, loops.getStep()[loop]);
    indices[loop] = arith::AddIOp::create(rewriter, loc, index,
                                          loops.getLowerBound()[loop]);
  }
  rewriter.eraseOp(loops.getBody()->getTerminator());
  rewriter.inlineBlockBefore(loops.getBody(), branch.thenBlock(),
                             std::prev(branch.thenBlock()->end()), indices);
  rewriter.eraseOp(loops);
  return launch;
}

LogicalResult
mlir::dropout::convertPointwiseToLaunch(RewriterBase &rewriter,
                                        linalg::LinalgOp op, StringRef name,
                                        const KernelTarget &target) {
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(op);
  linalg::GenericOp generic = putParallelLoopsOutside(rewriter, op);
  if (!generic)
    return failure();
  rewriter.setInsertionPoint(generic);
  gpu::LaunchOp launch;
  if (generic.getNumParallelLoops() == 0) {
    // One thread, and all of the op in it.
    launch = wrapInLaunch(rewriter, generic, name);
    rewriter.setInsertionPoint(generic);
    if (failed(linalg::linalgOpToLoops(rewriter, generic)))
      return failure();
    rewriter.eraseOp(generic);
  } else {
    FailureOr<linalg::LinalgLoops> loops =
        linalg::linalgOpToParallelLoops(rewriter, generic);
    if (failed(loops) || loops->empty() ||
        !isa<scf::ParallelOp>(loops->front()))
      return failure();
    rewriter.eraseOp(generic);
    launch = convertToLaunch(rewriter, cast<scf::ParallelOp>(loops->front()),
                             name, target);
  }
  moveLoadsIntoKernel(launch);
  return success();
}
