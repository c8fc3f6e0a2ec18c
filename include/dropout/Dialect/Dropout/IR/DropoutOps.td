//===- DropoutOps.td - Dropout dialect operations ----------*- tablegen -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Constraints carry labels, [P1] and the like. Each label stands in the op's
// documentation, at the line of the verifier that checks it (DropoutVerifier.cpp)
// and in the test that breaks it (test/Dialect/Dropout/*-errors.mlir).
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_DIALECT_DROPOUT_IR_DROPOUTOPS_TD
#define DROPOUT_DIALECT_DROPOUT_IR_DROPOUTOPS_TD

include "dropout/Dialect/Dropout/IR/DropoutDialect.td"
include "dropout/Dialect/Dropout/IR/DropoutEnums.td"
include "dropout/Dialect/Dropout/IR/DropoutInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Dropout_Op<string mnemonic, list<Trait> traits = []>
    : Op<Dropout_Dialect, mnemonic, traits>;

//===----------------------------------------------------------------------===//
// What every op that draws a mask shares
//===----------------------------------------------------------------------===//

/// The operands and attributes of the grammar's `tail`, split where ops differ.
class Dropout_Tail {
  dag probability = (ins Optional<F64>:$p_value);
  dag rest = (ins
    Optional<I64>:$seed,
    Optional<I64>:$offset,
    Optional<AnyMemRef>:$state,
    Optional<I1>:$training,
    Variadic<Index>:$position_offsets,
    Variadic<Index>:$position_sizes,
    OptionalAttr<F64Attr>:$p,
    OptionalAttr<DenseI64ArrayAttr>:$mask_dims,
    DefaultValuedAttr<I32Attr, "10">:$rounds,
    DefaultValuedAttr<I32Attr, "16">:$resolution,
    DefaultValuedAttr<I32Attr, "1">:$contract_version,
    OptionalAttr<StrAttr>:$generator,
    OptionalAttr<DenseI64ArrayAttr>:$static_offsets,
    OptionalAttr<DenseI64ArrayAttr>:$static_sizes
  );
}
def Dropout_SharedTail : Dropout_Tail;

defvar Dropout_TailDoc = [{

    Constraints that every op with a mask keeps:

    - [P1] exactly one of the attribute and the operand p is given.
    - [P2] the attribute p is in [0, 1] and not NaN.
    - [P3] with `resolution = 8` and 0 < p < 1, roundeven(256 p) is in [1, 255].
    - [O1] `rounds` is 7 or 10.
    - [O2] `resolution` is 8 or 16.
    - [O3] `contract_version` is 1.
    - [D1] `mask_dims` are distinct and in [0, rank).
    - [G1] seed and offset come together, and not beside a state or a generator.
    - [G2] the state is a `memref<2xi64>` and belongs to the memref form.
    - [S1] a generator's name has 1 to 255 bytes of UTF-8 without control characters.
    - [A1] `at` and `of` have one entry per dim.
    - [A2] static entries are not negative and the slice lies inside the whole.
    - [T1] the operand is a ranked tensor without encoding or a strided memref, of f16, bf16, f32 or f64.
    - [T2] the shape, and the whole tensor's, has less than 2^63 elements.
    - [F1] a memref has a destination, a tensor has none.
    - [F2] the destination has the operand's shape and element type; dynamic sizes are equal when the op runs, else it is undefined.
    - [F3] the memref form has no results.
}];

/// Base of the ops that draw a mask. Syntax, verification, effects and shape
/// inference are written once, against DropoutOpInterface.
class Dropout_MaskedOp<string mnemonic, list<Trait> traits = []>
    : Dropout_Op<mnemonic, traits # [
        AttrSizedOperandSegments,
        DeclareOpInterfaceMethods<DropoutOpInterface,
          ["getValueMap", "getDropoutKind", "getEffectiveMaskDims",
           "getSource", "getShapedType"]>,
        DeclareOpInterfaceMethods<ConditionallySpeculatable>,
        DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
        DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface,
          ["reifyResultShapes"]>]> {
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasFolder = 1;
  code commonDefinition = [{
    ::mlir::Speculation::Speculatability $cppClass::getSpeculatability() {
      return ::mlir::dropout::detail::getSpeculatability(*this);
    }
    ::mlir::ParseResult $cppClass::parse(::mlir::OpAsmParser &parser,
                                         ::mlir::OperationState &result) {
      return ::mlir::dropout::detail::parseMaskedOp(parser, result);
    }
    void $cppClass::print(::mlir::OpAsmPrinter &printer) {
      ::mlir::dropout::detail::printMaskedOp(*this, printer);
    }
    ::llvm::LogicalResult $cppClass::verify() {
      return ::mlir::dropout::detail::verifyMaskedOp(*this);
    }
    ::llvm::LogicalResult $cppClass::fold(
        FoldAdaptor,
        ::llvm::SmallVectorImpl<::mlir::OpFoldResult> &results) {
      return ::mlir::dropout::detail::foldMaskedOp(*this, results);
    }
    void $cppClass::getEffects(
        ::llvm::SmallVectorImpl<::mlir::MemoryEffects::EffectInstance>
            &effects) {
      ::mlir::dropout::detail::getEffects(*this, effects);
    }
    ::llvm::LogicalResult $cppClass::reifyResultShapes(
        ::mlir::OpBuilder &builder,
        ::mlir::ReifiedRankedShapedTypeDims &reifiedReturnShapes) {
      return ::mlir::dropout::detail::reifyResultShapes(*this, builder, reifiedReturnShapes);
    }
  }];
}

/// Base of the four value ops: y from x.
class Dropout_ValueOp<string mnemonic, string kind>
    : Dropout_MaskedOp<mnemonic, [
        DeclareOpInterfaceMethods<InferTypeOpInterface,
          ["inferReturnTypes"]>]> {
  let arguments = !con(
    (ins AnyTypeOf<[AnyRankedTensor, AnyMemRef]>:$input,
         Optional<AnyMemRef>:$dest),
    Dropout_SharedTail.probability, Dropout_SharedTail.rest);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let builders = [
    // Explicit tensor form, p known.
    OpBuilder<(ins "::mlir::Value":$x, "double":$p, "::mlir::Value":$seed,
                   "::mlir::Value":$offset,
                   CArg<"::mlir::Value", "{}">:$training)>,
    // Explicit tensor form, p at run time.
    OpBuilder<(ins "::mlir::Value":$x, "::mlir::Value":$p,
                   "::mlir::Value":$seed, "::mlir::Value":$offset,
                   CArg<"::mlir::Value", "{}">:$training)>
  ];
  let extraClassDeclaration = [{
    /// A mask may be asked for, too: [R1] and [R2] of the verifier say what is
    /// wrong in words of our own.
    static bool isCompatibleReturnTypes(::mlir::TypeRange, ::mlir::TypeRange) {
      return true;
    }
  }];
  let extraClassDefinition = commonDefinition # [{
    ::mlir::dropout::ValueMap $cppClass::getValueMap() {
      return ::mlir::dropout::detail::getForwardMap(getDropoutKind());
    }
    ::mlir::dropout::Kind $cppClass::getDropoutKind() {
      return ::mlir::dropout::Kind::}] # kind # [{;
    }
    ::llvm::SmallVector<int64_t> $cppClass::getEffectiveMaskDims() {
      return ::mlir::dropout::detail::getEffectiveMaskDims(*this);
    }
    ::mlir::Value $cppClass::getSource() { return getInput(); }
    ::mlir::ShapedType $cppClass::getShapedType() {
      return ::llvm::cast<::mlir::ShapedType>(getInput().getType());
    }
    ::llvm::LogicalResult $cppClass::inferReturnTypes(
        ::mlir::MLIRContext *, ::std::optional<::mlir::Location>,
        ::mlir::ValueRange operands, ::mlir::DictionaryAttr,
        ::mlir::OpaqueProperties, ::mlir::RegionRange,
        ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      return ::mlir::dropout::detail::inferReturnTypes(operands, types);
    }
    void $cppClass::build(::mlir::OpBuilder &builder,
                          ::mlir::OperationState &state, ::mlir::Value x,
                          double p, ::mlir::Value seed, ::mlir::Value offset,
                          ::mlir::Value training) {
      build(builder, state, ::mlir::TypeRange(x.getType()), x,
            /*dest=*/{}, /*p_value=*/{}, seed, offset, /*state=*/{}, training,
            /*position_offsets=*/{}, /*position_sizes=*/{},
            builder.getF64FloatAttr(p), /*mask_dims=*/{}, /*rounds=*/10,
            /*resolution=*/16, kContractVersion, /*generator=*/{},
            /*static_offsets=*/{}, /*static_sizes=*/{});
    }
    void $cppClass::build(::mlir::OpBuilder &builder,
                          ::mlir::OperationState &state, ::mlir::Value x,
                          ::mlir::Value p, ::mlir::Value seed,
                          ::mlir::Value offset, ::mlir::Value training) {
      build(builder, state, ::mlir::TypeRange(x.getType()), x,
            /*dest=*/{}, p, seed, offset, /*state=*/{}, training,
            /*position_offsets=*/{}, /*position_sizes=*/{}, /*p=*/{},
            /*mask_dims=*/{}, /*rounds=*/10, /*resolution=*/16,
            kContractVersion, /*generator=*/{}, /*static_offsets=*/{},
            /*static_sizes=*/{});
    }
  }];
}

//===----------------------------------------------------------------------===//
// Value ops
//===----------------------------------------------------------------------===//

def Dropout_ElementOp : Dropout_ValueOp<"element", "Element"> {
  let summary = "Element-wise dropout";
  let description = !strconcat([{
    Drops each element on its own:
    `y[i] = keep(i) ? x[i] * 1/(1-p) : +0`. In eval (`training(%false)`) and for
    p = 0 the result is x, bit for bit; for p = 1 it is +0 everywhere.

    The optional second result is the keep mask; its shape is that of x.

    - [D2] element dropout takes no `mask_dims`.
    - [R1] the first result has the type of x.
    - [R2] the mask result is an i1 tensor of the mask's shape, of explicit ops only.
  }], Dropout_TailDoc, [{

    Example:

    ```mlir
    %y = dropout.element %x p = 0.3 rng(%seed, %offset) : tensor<4x8xf32>
    %y = dropout.element %x p(%p) rng(%seed, %offset) training(%flag) : tensor<?x8xbf16>
    dropout.element %x into %y p = 0.3 rng(%seed, %offset) : memref<4x8xf32>, memref<4x8xf32>
    %y = dropout.element %x p = 0.3 : tensor<4x8xf32>  // implicit: state of the runtime
    ```
  }]);
}

def Dropout_ChannelOp : Dropout_ValueOp<"channel", "Channel"> {
  let summary = "Whole-channel dropout over stated dims";
  let description = !strconcat([{
    One draw per index of `mask_dims`; all other dims share it. The default
    `[0, 1]` is (batch, channel); unbatched `(C, ...)` is `[0]`, channels-last
    `(N, H, W, C)` is `[0, 3]`, drop-path is `[0]`, and `[]` is one draw for
    all. The mask is linearised in the order listed.

    The optional second result is the keep mask, of the shape of the listed dims
    in that order.

    - [D3] without `mask_dims` the rank is at least 2.
    - [R1] the first result has the type of x.
    - [R2] the mask result is an i1 tensor of the mask's shape, of explicit ops only.
  }], Dropout_TailDoc, [{

    Example:

    ```mlir
    %y = dropout.channel %x p = 0.5 rng(%seed, %offset) : tensor<8x64x28x28xf32>
    %y = dropout.channel %x p = 0.5 mask_dims = [0, 3] rng(%seed, %offset) : tensor<8x28x28x64xf32>
    ```
  }]);
}

def Dropout_AlphaOp : Dropout_ValueOp<"alpha", "Alpha"> {
  let summary = "Dropout that keeps the mean and variance of SELU activations";
  let description = !strconcat([{
    `y[i] = keep(i) ? fma(a, x[i], b) : d` with the constants of the dialect's
    value table: dropped elements take the saturation value of SELU, and the
    affine map restores mean 0 and variance 1. In eval and for p = 0 the result
    is x, bit for bit; for p = 1 it is +0 everywhere.

    - [D2] alpha dropout takes no `mask_dims`.
    - [R1] the first result has the type of x.
    - [R2] the mask result is an i1 tensor of the mask's shape, of explicit ops only.
  }], Dropout_TailDoc, [{

    Example:

    ```mlir
    %y, %m = dropout.alpha %x p = 0.1 rng(%seed, %offset) : tensor<64x512xf16>, tensor<64x512xi1>
    ```
  }]);
}

def Dropout_FeatureAlphaOp : Dropout_ValueOp<"feature_alpha", "FeatureAlpha"> {
  let summary = "Alpha dropout of whole channels";
  let description = !strconcat([{
    The value map of `dropout.alpha` with the mask of `dropout.channel`.

    - [D3] without `mask_dims` the rank is at least 2.
    - [R1] the first result has the type of x.
    - [R2] the mask result is an i1 tensor of the mask's shape, of explicit ops only.
  }], Dropout_TailDoc, [{

    Example:

    ```mlir
    %y = dropout.feature_alpha %x p = 0.2 rng(%seed, %offset) : tensor<20x16x4x32x32xf32>
    ```
  }]);
}

//===----------------------------------------------------------------------===//
// Gradient and mask
//===----------------------------------------------------------------------===//

def Dropout_BackwardOp : Dropout_MaskedOp<"backward", [
    DeclareOpInterfaceMethods<InferTypeOpInterface,
      ["inferReturnTypes"]>]> {
  let summary = "Gradient of a dropout op, its mask drawn again";
  let description = !strconcat([{
    The gradient of any of the four value ops from dy and the options of its
    forward: `dx[i] = keep(i) ? dy[i] * s : +0`, with a in place of s for the
    alpha kinds. The mask is drawn again from the same seed and offset, so
    nothing of the forward is kept in memory.

    - [B1] the gradient names its seed and offset: there is no implicit form.
    - [D2] the element and alpha kinds take no `mask_dims`.
    - [D3] without `mask_dims` the channel kinds need rank 2 or more.
    - [R1] the result has the type of dy.
  }], Dropout_TailDoc, [{

    Example:

    ```mlir
    %dx = dropout.backward alpha %dy p = 0.1 rng(%seed, %offset) : tensor<64x512xf16>
    ```
  }]);
  let arguments = !con(
    (ins AnyTypeOf<[AnyRankedTensor, AnyMemRef]>:$input,
         Optional<AnyMemRef>:$dest),
    Dropout_SharedTail.probability, Dropout_SharedTail.rest,
    (ins Dropout_Kind:$kind));
  let results = (outs Optional<AnyRankedTensor>:$result);
  let extraClassDeclaration = [{
    /// A mask may be asked for, too: [R1] and [R2] of the verifier say what is
    /// wrong in words of our own.
    static bool isCompatibleReturnTypes(::mlir::TypeRange, ::mlir::TypeRange) {
      return true;
    }
  }];
  let extraClassDefinition = commonDefinition # [{
    ::mlir::dropout::ValueMap $cppClass::getValueMap() {
      return ::mlir::dropout::detail::getBackwardMap(getKind());
    }
    ::mlir::dropout::Kind $cppClass::getDropoutKind() { return getKind(); }
    ::llvm::SmallVector<int64_t> $cppClass::getEffectiveMaskDims() {
      return ::mlir::dropout::detail::getEffectiveMaskDims(*this);
    }
    ::mlir::Value $cppClass::getSource() { return getInput(); }
    ::mlir::ShapedType $cppClass::getShapedType() {
      return ::llvm::cast<::mlir::ShapedType>(getInput().getType());
    }
    ::llvm::LogicalResult $cppClass::inferReturnTypes(
        ::mlir::MLIRContext *, ::std::optional<::mlir::Location>,
        ::mlir::ValueRange operands, ::mlir::DictionaryAttr,
        ::mlir::OpaqueProperties, ::mlir::RegionRange,
        ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      return ::mlir::dropout::detail::inferReturnTypes(operands, types);
    }
  }];
}

def Dropout_MaskOp : Dropout_MaskedOp<"mask"> {
  let summary = "The keep mask itself: what every lowering fuses";
  let description = !strconcat([{
    One i1 per element, 1 where kept. Value ops decompose into this op and an
    element-wise `linalg.generic`, so that tile-and-fuse pulls the mask into
    whatever loop its consumer ends up in.

    `mask_dims` lists the dims of the result that index the logical mask, in the
    order that linearises it: all of them by default, a permutation for a
    transposed mask, fewer for one that repeats along the others.

    In place of p, `threshold(%t)` takes the integer T(p) (k for 8 bits), which
    stands for p and the training flag together: 0 keeps everything, 2^32 (256)
    or more drops everything.

    In eval and for p = 0 it is 1 everywhere, for p = 1 it is 0 everywhere. In
    memory an element is one byte, 0 or 1.

    - [M1] exactly one of the attribute p, the operand p and the threshold is given.
    - [M2] the element type is i1.
    - [M3] the tensor form has one operand per dynamic size, the memref form none.
    - [M4] a threshold stands for the training flag: not both.
    - [B1] the mask names its seed and offset: there is no implicit form.
  }], Dropout_TailDoc, [{

    Example:

    ```mlir
    %m = dropout.mask p = 0.3 rng(%seed, %offset) : tensor<4x8xi1>
    %m = dropout.mask(%n) p(%p) rng(%seed, %offset) at [%i, 0] of [1024, 8] : tensor<?x8xi1>
    dropout.mask into %b p = 0.3 rng(%seed, %offset) : memref<4x8xi1>
    ```
  }]);
  let arguments = !con(
    (ins Variadic<Index>:$dynamic_sizes, Optional<AnyMemRef>:$dest),
    Dropout_SharedTail.probability, (ins Optional<I64>:$threshold),
    Dropout_SharedTail.rest);
  let results = (outs Optional<AnyRankedTensor>:$result);
  let extraClassDefinition = commonDefinition # [{
    ::mlir::dropout::ValueMap $cppClass::getValueMap() {
      return ::mlir::dropout::ValueMap::Keep;
    }
    ::mlir::dropout::Kind $cppClass::getDropoutKind() {
      return ::mlir::dropout::Kind::Element;
    }
    ::llvm::SmallVector<int64_t> $cppClass::getEffectiveMaskDims() {
      return ::mlir::dropout::detail::getEffectiveMaskDims(*this);
    }
    ::mlir::Value $cppClass::getSource() { return {}; }
    ::mlir::ShapedType $cppClass::getShapedType() {
      ::mlir::Value shaped = getDest();
      if (!shaped)
        shaped = getResult();
      return ::llvm::cast<::mlir::ShapedType>(shaped.getType());
    }
  }];
}

//===----------------------------------------------------------------------===//
// State and validation
//===----------------------------------------------------------------------===//

def Dropout_ReserveOp : Dropout_Op<"reserve", [
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Read the runtime's mode and take one offset, in one step";
  let description = [{
    In training it returns (true, seed, offset) and moves the generator by one
    offset; in eval it returns the offset that comes next without taking it.
    `training(%f)` replaces the runtime's mode. The step is atomic: n concurrent
    draws give n distinct offsets.

    - [S1] a generator's name has 1 to 255 bytes of UTF-8 without control characters.

    Example:

    ```mlir
    %train, %seed, %offset = dropout.reserve
    %train, %seed, %offset = dropout.reserve generator("data") training(%flag)
    ```
  }];
  let arguments = (ins OptionalAttr<StrAttr>:$generator,
                       Optional<I1>:$training);
  let results = (outs I1:$is_training, I64:$seed, I64:$offset);
  let assemblyFormat = [{
    (`generator` `(` $generator^ `)`)? (`training` `(` $training^ `)`)?
    attr-dict
  }];
  let hasVerifier = 1;
}

def Dropout_CheckPOp : Dropout_Op<"check_p", [
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Record an error if p is not a probability";
  let description = [{
    Returns p if it is in [0, 1]. Otherwise it records an error, with the value
    in its message, in the runtime's thread-local slot and returns 1, which
    drops everything. With `resolution = 8`, 0 < p < 1 with roundeven(256 p) of
    0 or 256 is an error too. Effects keep the op where it stands: p is checked
    in eval too.

    - [O2] `resolution` is 8 or 16.

    Example:

    ```mlir
    %q = dropout.check_p %p
    ```
  }];
  let arguments = (ins F64:$p,
                       DefaultValuedAttr<I32Attr, "16">:$resolution);
  let results = (outs F64:$result);
  let assemblyFormat = "$p (`resolution` `=` $resolution^)? attr-dict";
  let hasFolder = 1;
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Inside a loop
//===----------------------------------------------------------------------===//

/// i64 or a vector of it, of any rank.
def Dropout_I64Lanes : AnyTypeOf<[I64, VectorOfAnyRankOf<[I64]>]>;

def Dropout_KeepOp : Dropout_Op<"keep", [
    Pure,
    AllTypesMatch<["index", "threshold", "seed", "offset"]>,
    TypesMatchWith<"result has the shape of the operands and is of i1",
      "index", "result", "::mlir::dropout::detail::getKeepType($_self)">
  ] # ElementwiseMappable.traits> {
  let summary = "The keep bit of one element of the mask, or of a vector of them";
  let description = [{
    What `dropout.mask` becomes inside a loop or the body of a `linalg.generic`:
    the bit of the element with linear index `index`, kept iff u(index) >=
    threshold. It carries a whole Philox block through the pipeline as one op;
    `convert-dropout-to-arith` expands it, and draws one block for eight
    neighbouring elements where the loop around it allows.

    On vectors, all four of one type, each lane is a draw of its own: what
    upstream's vectorizer makes of the scalar op. No type is written for scalars.

    - [K1] the operands are all i64, or all vectors of i64 of one shape.
    - [K2] the result is i1, or a vector of i1 of the operands' shape.
    - [O1] `rounds` is 7 or 10.
    - [O2] `resolution` is 8 or 16.
    - [O3] `contract_version` is 1.

    Example:

    ```mlir
    %k = dropout.keep %i threshold(%t) rng(%seed, %offset)
    %k = dropout.keep %i threshold(%t) rng(%seed, %offset) rounds = 7
    %ks = dropout.keep %is threshold(%ts) rng(%seeds, %offsets) : vector<4x8xi64>
    ```
  }];
  let arguments = (ins Dropout_I64Lanes:$index, Dropout_I64Lanes:$threshold,
                       Dropout_I64Lanes:$seed, Dropout_I64Lanes:$offset,
                       DefaultValuedAttr<I32Attr, "10">:$rounds,
                       DefaultValuedAttr<I32Attr, "16">:$resolution,
                       DefaultValuedAttr<I32Attr, "1">:$contract_version);
  let results = (outs AnyTypeOf<[I1, VectorOfAnyRankOf<[I1]>]>:$result);
  let assemblyFormat = [{
    $index `threshold` `(` $threshold `)` `rng` `(` $seed `,` $offset `)`
    (`rounds` `=` $rounds^)? (`resolution` `=` $resolution^)? attr-dict
    `` custom<KeepType>(type($index))
  }];
  let hasVerifier = 1;
}

def Dropout_KeepRunOp : Dropout_Op<"keep_run", [Pure]> {
  let summary = "The keep bits of a run of neighbouring elements";
  let description = [{
    The vector form of `dropout.keep`: lane l is the bit of the element with
    linear index `base` + l. `convert-dropout-to-arith` expands it to Philox on
    64-bit lanes, one block for eight elements.

    `high(%h)` promises that `base` is a multiple of the elements of a block and
    that %h is the high word of the number of every block in the run; if that
    does not hold, the bits are unspecified. Without it, `base` is any number:
    the bits are shifted into place.

    - [O1] `rounds` is 7 or 10.
    - [O2] `resolution` is 8 or 16.
    - [O3] `contract_version` is 1.
    - [K3] the result is a fixed vector of 16, 32, 64, 128 or 256 i1, at least two blocks.

    Example:

    ```mlir
    %k = dropout.keep_run %base high(%h) threshold(%t) rng(%seed, %offset) : vector<64xi1>
    %k = dropout.keep_run %base threshold(%t) rng(%seed, %offset) rounds = 7 : vector<32xi1>
    ```
  }];
  let arguments = (ins I64:$base, Optional<I64>:$high, I64:$threshold,
                       I64:$seed, I64:$offset,
                       DefaultValuedAttr<I32Attr, "10">:$rounds,
                       DefaultValuedAttr<I32Attr, "16">:$resolution,
                       DefaultValuedAttr<I32Attr, "1">:$contract_version);
  let results = (outs VectorOfRankAndType<[1], [I1]>:$result);
  let assemblyFormat = [{
    $base (`high` `(` $high^ `)`)? `threshold` `(` $threshold `)`
    `rng` `(` $seed `,` $offset `)` (`rounds` `=` $rounds^)?
    (`resolution` `=` $resolution^)? attr-dict `:` type($result)
  }];
  let hasVerifier = 1;
}

#endif // DROPOUT_DIALECT_DROPOUT_IR_DROPOUTOPS_TD
