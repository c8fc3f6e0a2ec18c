//===- DropoutToGPU.cpp - Dropout and its neighbours to kernels -----------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/Conversion/DropoutToGPU.h"
#include "LaunchBuilder.h"

#include "dropout/Conversion/DropoutToLinalg.h"
#include "dropout/Conversion/Passes.h"
#include "dropout/Conversion/Utils/DropoutLowering.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

namespace mlir::dropout {
#define GEN_PASS_DEF_CONVERTDROPOUTTOGPUPASS
#include "dropout/Conversion/Passes.h.inc"
} // namespace mlir::dropout

using namespace mlir;
using namespace mlir::dropout;

static bool isInKernel(Operation *op) {
  return op->getParentOfType<gpu::LaunchOp>() ||
         op->getParentOfType<gpu::GPUFuncOp>();
}

namespace {

/// Names of kernels: that of the function, and a number.
class KernelNames {
public:
  std::string getNext(Operation *op) {
    auto function = op->getParentOfType<FunctionOpInterface>();
    std::string name = function ? function.getName().str() : "kernel";
    for (char &c : name)
      if (!llvm::isAlnum(c))
        c = '_';
    if (name.empty() || llvm::isDigit(name.front()))
      name.insert(name.begin(), '_');
    return name + "_" + std::to_string(numbers[name]++);
  }

private:
  llvm::StringMap<int64_t> numbers;
};

struct ConvertDropoutToGPUPass final
    : mlir::dropout::impl::ConvertDropoutToGPUPassBase<
          ConvertDropoutToGPUPass> {
  using Base::Base;

  void runOnOperation() override {
    KernelTarget target;
    if (failed(readOptions(target)))
      return signalPassFailure();
    Operation *root = getOperation();
    auto verify = [](DropoutOpInterface op) -> LogicalResult {
      if (failed(requireExplicit(op)))
        return failure();
      if (op.isMemRefForm())
        return success();
      return op.emitOpError("expected memrefs, but got tensors; bufferize "
                            "first");
    };
    // The rewriter folds all that it walks: kernels stay as they are.
    auto found =
        root->walk([](DropoutOpInterface) { return WalkResult::interrupt(); });
    if (found.wasInterrupted() &&
        failed(convertKinds(
            root, {}, verify,
            [](RewritePatternSet &patterns, const KindFilter &filter) {
              populateDropoutToLinalgPatterns(patterns, filter, MaskForm::Op);
            })))
      return signalPassFailure();

    IRRewriter rewriter(&getContext());
    // Copies are as large as what they stand between.
    bool isRanked = true;
    root->walk([&](memref::CopyOp copy) {
      if (isInKernel(copy))
        return;
      for (Value array : {copy.getSource(), copy.getTarget()})
        if (!isa<MemRefType>(array.getType())) {
          copy.emitOpError("expected arrays with a rank, but got ")
              << array.getType();
          isRanked = false;
          return;
        }
      rewriter.setInsertionPoint(copy);
      rewriter.replaceOpWithNewOp<linalg::CopyOp>(copy, copy.getSource(),
                                                  copy.getTarget());
    });
    if (!isRanked)
      return signalPassFailure();
    // The host looks at the alignment of its own copy of a constant.
    root->walk([](memref::GlobalOp global) {
      if (global.getAlignment().value_or(1) < 16)
        global.setAlignment(16);
    });
    SmallVector<linalg::LinalgOp> ops;
    root->walk([&](linalg::LinalgOp op) {
      if (op.hasPureBufferSemantics())
        ops.push_back(op);
    });
    KernelNames names;
    for (linalg::LinalgOp op : ops)
      if (failed(convert(rewriter, op, names, target)))
        return signalPassFailure();
    // Launches of an earlier run, too: CSE may have put the host's array in the
    // place of the kernel's.
    root->walk([](gpu::LaunchOp launch) {
      if (launch.getModule() == kKernelModuleName)
        moveLoadsIntoKernel(launch);
    });
  }

private:
  LogicalResult readOptions(KernelTarget &target) {
    if (blockSize < 32 || blockSize > 1024 || !llvm::isPowerOf2_64(blockSize))
      return getOperation()->emitError("expected option 'block-size' to be a "
                                       "power of two, 32 to 1024, but got ")
             << blockSize.getValue();
    if (elementsPerThread != 16 && elementsPerThread != 32 &&
        elementsPerThread != 64)
      return getOperation()->emitError("expected option 'elements-per-thread' "
                                       "to be 16, 32 or 64, but got ")
             << elementsPerThread.getValue();
    target.blockSize = blockSize;
    target.elementsPerThread = elementsPerThread;
    target.vectorAccess = vectorAccess;
    target.packedMinimum = packedMinimum;
    target.staticBlock = staticBlock;
    return success();
  }

  LogicalResult convert(RewriterBase &rewriter, linalg::LinalgOp op,
                        KernelNames &names, const KernelTarget &target) {
    rewriter.setInsertionPoint(op);
    if (isInKernel(op)) {
      // Each thread runs the op on its operands.
      if (failed(linalg::linalgOpToLoops(rewriter, op)))
        return op.emitOpError("expected an op that has loops");
      rewriter.eraseOp(op);
      return success();
    }
    std::string name = names.getNext(op);
    if (!isa<linalg::GenericOp>(op.getOperation()) &&
        op.getNumParallelLoops() == op.getNumLoops()) {
      // A generic with a name.
      FailureOr<linalg::GenericOp> generic =
          linalg::generalizeNamedOp(rewriter, op);
      if (succeeded(generic))
        op = cast<linalg::LinalgOp>(generic->getOperation());
    }
    if (auto generic = dyn_cast<linalg::GenericOp>(op.getOperation()))
      if (succeeded(
              convertElementwiseToLaunch(rewriter, generic, name, target)))
        return success();
    if (failed(convertPointwiseToLaunch(rewriter, op, name, target)))
      return op.emitOpError("expected an op that has loops");
    return success();
  }
};

} // namespace
