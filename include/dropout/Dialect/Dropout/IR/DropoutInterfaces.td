//===- DropoutInterfaces.td - Interfaces of dropout ops ----*- tablegen -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_DIALECT_DROPOUT_IR_DROPOUTINTERFACES_TD
#define DROPOUT_DIALECT_DROPOUT_IR_DROPOUTINTERFACES_TD

include "mlir/IR/OpBase.td"

class Dropout_Get<string desc, string type, string name>
    : InterfaceMethod<desc, type, name, (ins), "",
                      "return $_op." # name # "();">;

def DropoutOpInterface : OpInterface<"DropoutOpInterface"> {
  let cppNamespace = "::mlir::dropout";
  let description = [{
    An op that draws a keep mask: the four value ops, `dropout.backward` and
    `dropout.mask`. Lowerings match this interface, never op names.
  }];
  let methods = [
    InterfaceMethod<"How kept and dropped elements become results.",
                    "::mlir::dropout::ValueMap", "getValueMap">,
    InterfaceMethod<[{
      The kind of dropout. A `dropout.mask` is of the element kind.
    }], "::mlir::dropout::Kind", "getDropoutKind">,
    InterfaceMethod<[{
      The dims of the operand (of the result, for `dropout.mask`) that index
      the logical mask, in the order that linearises it. All other dims share
      one draw.
    }], "::llvm::SmallVector<int64_t>", "getEffectiveMaskDims">,
    InterfaceMethod<"x or dy; null for `dropout.mask`.", "::mlir::Value",
                    "getSource">,
    InterfaceMethod<[{
      The type whose dims `at ... of ...` and `mask_dims` speak of: the type of
      x, or of the mask.
    }], "::mlir::ShapedType", "getShapedType">,
    Dropout_Get<"The destination of the memref form; else null.",
                "::mlir::Value", "getDest">,
    Dropout_Get<"p as an attribute; else null.", "::mlir::FloatAttr",
                "getPAttr">,
    Dropout_Get<"p as an f64 operand; else null.", "::mlir::Value",
                "getPValue">,
    InterfaceMethod<[{
      The precomputed threshold (i64) that stands for p and the training flag;
      only a `dropout.mask` has one.
    }], "::mlir::Value", "getThreshold", (ins), "", "return {};">,
    Dropout_Get<"The seed (i64); null unless `rng(%seed, %offset)`.",
                "::mlir::Value", "getSeed">,
    Dropout_Get<"The offset (i64); null unless `rng(%seed, %offset)`.",
                "::mlir::Value", "getOffset">,
    Dropout_Get<"The `memref<2xi64>` {seed, offset}; else null.",
                "::mlir::Value", "getState">,
    Dropout_Get<"The runtime generator's name; else null.",
                "::mlir::StringAttr", "getGeneratorAttr">,
    Dropout_Get<"The training flag (i1); else null.", "::mlir::Value",
                "getTraining">,
    Dropout_Get<"Rounds of Philox: 7 or 10.", "uint32_t", "getRounds">,
    Dropout_Get<"Bits drawn per element: 16 or 8.", "uint32_t",
                "getResolution">,
    Dropout_Get<"Version of the mask contract.", "uint32_t",
                "getContractVersion">,
    Dropout_Get<"`mask_dims` as given; else null.", "::mlir::DenseI64ArrayAttr",
                "getMaskDimsAttr">,
    Dropout_Get<"Dynamic entries of the slice's offsets.",
                "::mlir::OperandRange", "getPositionOffsets">,
    Dropout_Get<"Dynamic entries of the whole tensor's sizes.",
                "::mlir::OperandRange", "getPositionSizes">,
    Dropout_Get<"Static entries of the slice's offsets; null without `at`.",
                "::mlir::DenseI64ArrayAttr", "getStaticOffsetsAttr">,
    Dropout_Get<"Static entries of the whole tensor's sizes; null without `at`.",
                "::mlir::DenseI64ArrayAttr", "getStaticSizesAttr">,
    InterfaceMethod<"The operand p, to be replaced.",
                    "::mlir::MutableOperandRange", "getPValueMutable">,
    InterfaceMethod<"The training flag, to be replaced.",
                    "::mlir::MutableOperandRange", "getTrainingMutable">,
    InterfaceMethod<"The seed, to be replaced.",
                    "::mlir::MutableOperandRange", "getSeedMutable">,
    InterfaceMethod<"The offset, to be replaced.",
                    "::mlir::MutableOperandRange", "getOffsetMutable">,
    InterfaceMethod<"The destination, to be replaced.",
                    "::mlir::MutableOperandRange", "getDestMutable">,
    InterfaceMethod<"The slice's dynamic offsets, to be replaced.",
                    "::mlir::MutableOperandRange", "getPositionOffsetsMutable">,
    InterfaceMethod<"The whole tensor's dynamic sizes, to be replaced.",
                    "::mlir::MutableOperandRange", "getPositionSizesMutable">,
  ];
  let extraSharedClassDeclaration = [{
    /// True if mode and generator come from the runtime.
    bool isImplicit() {
      return !$_op.getSeed() && !$_op.getState();
    }
    /// True in the memref form.
    bool isMemRefForm() { return static_cast<bool>($_op.getDest()); }
    /// True if the op is one of a slice (`at ... of ...`).
    bool hasPosition() {
      return static_cast<bool>($_op.getStaticOffsetsAttr());
    }
    /// The second result of a value op: its mask. Null if not asked for.
    ::mlir::Value getMaskResult() {
      return $_op->getNumResults() == 2 ? ::mlir::Value($_op->getResult(1))
                                        : ::mlir::Value();
    }
    /// Offsets of the slice in the whole tensor, one per dim; zeros without
    /// `at`.
    ::llvm::SmallVector<::mlir::OpFoldResult>
    getMixedPositionOffsets(::mlir::OpBuilder &builder) {
      return ::mlir::dropout::detail::getMixedPositionOffsets($_op, builder);
    }
    /// Sizes of the whole tensor, one per dim; the op's own shape without
    /// `at`, for which ops may be created at the builder's insertion point.
    ::llvm::SmallVector<::mlir::OpFoldResult>
    getMixedPositionSizes(::mlir::OpBuilder &builder) {
      return ::mlir::dropout::detail::getMixedPositionSizes($_op, builder);
    }
    /// The op's own sizes, one per dim.
    ::llvm::SmallVector<::mlir::OpFoldResult>
    getMixedShape(::mlir::OpBuilder &builder) {
      return ::mlir::dropout::detail::getMixedShape($_op, builder);
    }
    /// Makes the op one of the slice at `offsets` of a tensor of `sizes`.
    void setPosition(::llvm::ArrayRef<::mlir::OpFoldResult> offsets,
                     ::llvm::ArrayRef<::mlir::OpFoldResult> sizes) {
      ::mlir::dropout::detail::setPosition($_op, offsets, sizes);
    }
  }];
}

#endif // DROPOUT_DIALECT_DROPOUT_IR_DROPOUTINTERFACES_TD
