//===- DropoutTransformOps.td - Dropout transformation ops -*- tablegen -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_DIALECT_DROPOUT_TRANSFORMOPS_DROPOUTTRANSFORMOPS_TD
#define DROPOUT_DIALECT_DROPOUT_TRANSFORMOPS_DROPOUTTRANSFORMOPS_TD

include "mlir/Dialect/Transform/IR/TransformDialect.td"
include "mlir/Dialect/Transform/IR/TransformTypes.td"
include "mlir/Dialect/Transform/Interfaces/TransformInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/IR/OpBase.td"

/// Upstream's own ops have names like ours: the classes stay in our namespace.
class Dropout_TransformOp<string mnemonic, list<Trait> traits>
    : Op<Transform_Dialect, mnemonic, traits> {
  let cppNamespace = "::mlir::dropout";
}

//===----------------------------------------------------------------------===//
// Ops on handles
//===----------------------------------------------------------------------===//

def DecomposeOp : Dropout_TransformOp<"dropout.decompose",
    [FunctionalStyleTransformOpTrait, MemoryEffectsOpInterface,
     TransformOpInterface, TransformEachOpTrait,
     ReportTrackingListenerFailuresOpTrait]> {
  let summary = "Split dropout into a mask and an element-wise linalg.generic";
  let description = [{
    Replaces each target, one of the four value ops or a gradient in its tensor
    form, by a `dropout.mask` and a parallel `linalg.generic` that reads x and
    the mask, as `convert-dropout-to-linalg` does. Upstream's tiling and fusion
    work on both; the mask draws the same bits wherever it ends up.

    #### Return modes

    Consumes the target handle. The results are handles to the masks and to the
    generics, one of each per target in the same order. A mask result that the
    target has becomes the mask itself.

    Fails silenceably, at the target, and leaves it as it is

    - if the target is no value op and no gradient,
    - if it is implicit: apply `transform.dropout.materialize_state` first,
    - if it is in the memref form.

    Example: one loop nest holds the mask and the select.

    ```mlir
    module attributes {transform.with_named_sequence} {
      transform.named_sequence @__transform_main(%root: !transform.any_op) {
        %dropout = transform.dropout.materialize_state %root : (!transform.any_op) -> !transform.any_op
        %mask, %select = transform.dropout.decompose %dropout : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
        %tiled, %loops:2 = transform.structured.fuse %select tile_sizes [8, 64] : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
        transform.yield
      }
    }
    ```
  }];
  let arguments = (ins TransformHandleTypeInterface:$target);
  let results = (outs TransformHandleTypeInterface:$mask,
                      TransformHandleTypeInterface:$value);
  let assemblyFormat =
      "$target attr-dict `:` functional-type(operands, results)";
  let extraClassDeclaration = [{
    ::mlir::DiagnosedSilenceableFailure applyToOne(
        ::mlir::transform::TransformRewriter &rewriter,
        ::mlir::Operation *target,
        ::mlir::transform::ApplyToEachResultList &results,
        ::mlir::transform::TransformState &state);
  }];
}

def MaterializeStateOp : Dropout_TransformOp<"dropout.materialize_state",
    [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
     DeclareOpInterfaceMethods<TransformOpInterface>,
     ReportTrackingListenerFailuresOpTrait]> {
  let summary = "Make implicit dropout ops explicit through dropout.reserve";
  let description = [{
    Gives every implicit dropout op among and below the targets a
    `dropout.reserve` in front of it, whose results become its flag, seed and
    offset, as `dropout-materialize-state` does. Tiling, fusion, bufferization
    and `transform.dropout.decompose` want explicit ops.

    #### Return modes

    Reads the target handle and changes ops in place: no handle becomes invalid.
    The result is a handle to the ops that were implicit, in program order;
    it is empty if there were none. The reserve of each is the producer of its
    seed. Never fails.
  }];
  let arguments = (ins TransformHandleTypeInterface:$target);
  let results = (outs TransformHandleTypeInterface:$materialized);
  let assemblyFormat =
      "$target attr-dict `:` functional-type(operands, results)";
}

//===----------------------------------------------------------------------===//
// Patterns for transform.apply_patterns
//===----------------------------------------------------------------------===//

def ApplyInlineMaskPatternsOp : Dropout_TransformOp<
    "apply_patterns.dropout.inline_mask",
    [DeclareOpInterfaceMethods<PatternDescriptorOpInterface>]> {
  let summary = "Patterns that put masks into the linalg ops that read them";
  let description = [{
    The patterns of `dropout-inline-mask`: a `dropout.mask` becomes
    `linalg.index` and `dropout.keep` in the body of each linalg op that reads
    it. With `unread = false` a mask that no linalg op reads stays as it is, else
    it becomes a generic of its own.
  }];
  let arguments = (ins DefaultValuedAttr<BoolAttr, "true">:$unread);
  let assemblyFormat = "attr-dict";
}

def ApplyExpandKeepPatternsOp : Dropout_TransformOp<
    "apply_patterns.dropout.expand_keep",
    [DeclareOpInterfaceMethods<PatternDescriptorOpInterface>]> {
  let summary = "Patterns that expand dropout.keep to Philox";
  let description = [{
    Expands each `dropout.keep`, of scalars or vectors, to arith ops where it
    stands, one Philox block per element. An `scf.if` draws the low half of what
    ties with the threshold; with `straight_line` it is always drawn, and there
    is no control flow.

    Neighbours of a scalar loop share blocks if the pass
    `convert-dropout-to-arith` expands them
    (`transform.apply_registered_pass`).
  }];
  let arguments = (ins UnitAttr:$straight_line);
  let assemblyFormat = "attr-dict";
}

#endif // DROPOUT_DIALECT_DROPOUT_TRANSFORMOPS_DROPOUTTRANSFORMOPS_TD
