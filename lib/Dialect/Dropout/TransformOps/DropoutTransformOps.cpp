//===- DropoutTransformOps.cpp - Dropout transformation ops ---------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/Dialect/Dropout/TransformOps/DropoutTransformOps.h"

#include "dropout/Conversion/DropoutToArith.h"
#include "dropout/Conversion/DropoutToLinalg.h"
#include "dropout/Dialect/Dropout/IR/Dropout.h"
#include "dropout/Dialect/Dropout/Transforms/Transforms.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Transform/IR/TransformDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::dropout;

#define GET_OP_CLASSES
#include "dropout/Dialect/Dropout/TransformOps/DropoutTransformOps.cpp.inc"

//===----------------------------------------------------------------------===//
// DecomposeOp
//===----------------------------------------------------------------------===//

DiagnosedSilenceableFailure DecomposeOp::applyToOne(
    transform::TransformRewriter &rewriter, Operation *target,
    transform::ApplyToEachResultList &results, transform::TransformState &) {
  auto fail = [&](const Twine &what) {
    DiagnosedSilenceableFailure diag = emitSilenceableFailure(target, what);
    diag.attachNote(getLoc()) << "to be decomposed here";
    return diag;
  };
  auto op = dyn_cast<DropoutOpInterface>(target);
  if (!op || op.getValueMap() == ValueMap::Keep)
    return fail("expected a dropout value op or a gradient, but got '" +
                target->getName().getStringRef() + "'");
  if (op.isImplicit())
    return fail("expected an explicit generator, but got an implicit op; apply "
                "'transform.dropout.materialize_state' first");
  if (op.isMemRefForm())
    return fail("expected the tensor form, but got the memref form; decompose "
                "before bufferization");
  rewriter.setInsertionPoint(target);
  DecomposedDropout parts = decomposeDropout(rewriter, op);
  results.push_back(parts.mask);
  results.push_back(parts.value);
  return DiagnosedSilenceableFailure::success();
}

//===----------------------------------------------------------------------===//
// MaterializeStateOp
//===----------------------------------------------------------------------===//

DiagnosedSilenceableFailure
MaterializeStateOp::apply(transform::TransformRewriter &rewriter,
                          transform::TransformResults &results,
                          transform::TransformState &state) {
  SmallVector<Operation *> materialized;
  for (Operation *target : state.getPayloadOps(getTarget()))
    target->walk([&](DropoutOpInterface op) {
      if (!op.isImplicit())
        return;
      materializeState(rewriter, op);
      materialized.push_back(op);
    });
  results.set(cast<OpResult>(getMaterialized()), materialized);
  return DiagnosedSilenceableFailure::success();
}

void MaterializeStateOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  transform::onlyReadsHandle(getTargetMutable(), effects);
  transform::producesHandle(getOperation()->getOpResults(), effects);
  transform::modifiesPayload(effects);
}

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

void ApplyInlineMaskPatternsOp::populatePatterns(RewritePatternSet &patterns) {
  populateInlineMaskPatterns(patterns, getUnread());
}

void ApplyExpandKeepPatternsOp::populatePatterns(RewritePatternSet &patterns) {
  populateDropoutToArithPatterns(
      patterns, getStraightLine() ? TieForm::StraightLine : TieForm::Branch);
}

//===----------------------------------------------------------------------===//
// Registration
//===----------------------------------------------------------------------===//

namespace {

class DropoutTransformDialectExtension
    : public transform::TransformDialectExtension<
          DropoutTransformDialectExtension> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(DropoutTransformDialectExtension)

  using Base::Base;

  void init() {
    declareGeneratedDialect<affine::AffineDialect>();
    declareGeneratedDialect<arith::ArithDialect>();
    declareGeneratedDialect<DropoutDialect>();
    declareGeneratedDialect<linalg::LinalgDialect>();
    declareGeneratedDialect<math::MathDialect>();
    declareGeneratedDialect<memref::MemRefDialect>();
    declareGeneratedDialect<scf::SCFDialect>();
    declareGeneratedDialect<tensor::TensorDialect>();
    declareGeneratedDialect<vector::VectorDialect>();
    registerTransformOps<
#define GET_OP_LIST
#include "dropout/Dialect/Dropout/TransformOps/DropoutTransformOps.cpp.inc"
        >();
  }
};

} // namespace

void mlir::dropout::registerTransformDialectExtension(
    DialectRegistry &registry) {
  registry.addExtensions<DropoutTransformDialectExtension>();
}
