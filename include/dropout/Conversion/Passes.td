//===- Passes.td - Conversions from the dropout dialect ----*- tablegen -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_CONVERSION_PASSES_TD
#define DROPOUT_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

defvar Dropout_KindsDoc = [{
    `kinds` lowers only some kinds (element, channel, alpha, feature_alpha, mask;
    a gradient is of its forward's kind) and leaves the others untouched.
}];

def ConvertDropoutToLinalgPass : Pass<"convert-dropout-to-linalg"> {
  let summary = "Convert dropout to a mask and an element-wise linalg.generic";
  let description = !strconcat([{
    ```mlir
    %y = dropout.element %x p = 0.5 rng(%s, %o) : tensor<4x8xf32>
    ```
    becomes
    ```mlir
    %t = arith.constant 2147483648 : i64
    %m = dropout.mask threshold(%t) rng(%s, %o) : tensor<4x8xi1>
    %y = linalg.generic ... ins(%x, %m) {  // multiply by 2, select against +0
    ```

    Threshold and constants are computed once per op, outside all loops. The
    mask implements TilingInterface, so upstream tile-and-fuse pulls it into its
    consumer's loop; `dropout-inline-mask` then puts what is left into the
    bodies of its consumers, and no mask reaches memory.

    On memrefs, and with `mask=inline` on tensors, there is no mask op:
    `linalg.index` and the bit go into the body of the generic; with
    `mask=inline` the bit is expanded to arith ops at once, for pipelines that
    have upstream passes only.

    Implicit ops are refused: run `dropout-materialize-state` first. Masks and
    values are those of the contract, bit for bit.
  }], Dropout_KindsDoc);
  let options = [
    Option<"mask", "mask", "std::string", /*default=*/"\"op\"",
           "How the mask is written: op (a dropout.mask) or inline (arith ops "
           "in the body of the generic)">,
    ListOption<"kinds", "kinds", "std::string", "Kinds to convert; all if empty">
  ];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::dropout::DropoutDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
    "::mlir::tensor::TensorDialect"];
}

def InlineMaskPass : Pass<"dropout-inline-mask"> {
  let summary = "Put dropout.mask into the bodies of the linalg ops that read it";
  let description = [{
    A `dropout.mask` becomes a `linalg.generic` whose body is `linalg.index` and
    `dropout.keep`, and is fused into each element-wise, reducing or other
    generic that reads it, whatever the number of its readers. A mask that is
    itself wanted (returned, stored, read by something else) stays as that
    generic, or with `unread=false` a mask that no linalg op reads stays a
    `dropout.mask`. Works at any tile: run it after tiling and before
    bufferization.
  }];
  let options = [
    Option<"unread", "unread", "bool", /*default=*/"true",
           "Turn masks that no linalg op reads into generics, too">
  ];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::dropout::DropoutDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::memref::MemRefDialect", "::mlir::tensor::TensorDialect"];
}

def ConvertDropoutToAffinePass : Pass<"convert-dropout-to-affine"> {
  let summary = "Convert dropout on memrefs to affine loops";
  let description = !strconcat([{
    The memref form becomes one nest of `affine.for`, the dims that index the
    mask outermost: one Philox block per eight mask elements and, for channels,
    one draw per channel. Where a row starts at a multiple of eight in the
    mask the block is used as it is; elsewhere the next block is drawn ahead and
    a window is shifted over both. Static, dynamic and strided memrefs of any
    rank, in place or not. Where a size can't bound an affine loop (a tile's,
    made inside a loop) the nest is the same one of scf loops.

    The tensor form is refused: bufferize first. So are implicit ops: run
    `dropout-materialize-state` first.
  }], Dropout_KindsDoc);
  let options = [
    ListOption<"kinds", "kinds", "std::string", "Kinds to convert; all if empty">
  ];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::dropout::DropoutDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect"];
}

def ConvertDropoutToArithPass : Pass<"convert-dropout-to-arith"> {
  let summary = "Expand dropout.keep to Philox, one block per eight elements";
  let description = [{
    The scalar mask lowering. An `scf.for` whose `dropout.keep` ops walk
    neighbouring elements is split into a loop over Philox blocks and a loop
    over the elements of a block, so that eight elements share one block
    wherever the row starts. Other `dropout.keep` ops, those on vectors among
    them, are expanded where they stand, one block per element. Draws that do
    not depend on a loop are hoisted out of it first.

    The low 16 bits of a draw are computed only where its high 16 bits equal
    the threshold's, once in 65,536 elements; of a vector, where
    one of them does.

    A `dropout.keep_run` becomes Philox on vectors of 64-bit lanes, one block a
    lane, with the order of the elements restored in registers and ties decided
    in a branch that is marked unlikely. The bits stay integers as wide as the
    draws until they are used, and each block that uses them compares for
    itself: most targets have no registers for vectors of i1.
  }];
  let options = [
    Option<"shareBlocks", "share-blocks", "bool", /*default=*/"true",
           "Split loops over neighbouring elements, which takes integers of 128 "
           "bits; else each draw is expanded where it stands">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::dropout::DropoutDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::math::MathDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

def ConvertDropoutToLLVMPass : Pass<"convert-dropout-to-llvm"> {
  let summary = "Convert dropout.reserve and dropout.check_p to runtime calls";
  let description = [{
    `dropout.reserve` becomes a call of `dropoutReserve`, `dropout.check_p` one
    of `dropoutCheckPForResolution` (Runtime.h). A dropout op that no lowering
    has taken is an error that names the pass. The same patterns reach upstream's
    `convert-to-llvm` through ConvertToLLVMPatternInterface, which also expands
    a `dropout.keep` that stands alone.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def ConvertLinalgToVectorPass
    : Pass<"dropout-convert-linalg-to-vector", "::mlir::ModuleOp"> {
  let summary = "Convert element-wise linalg on memrefs to loops over vectors";
  let description = [{
    The vector lowering. A `linalg.generic` on memrefs, with `dropout.keep` in
    its body or not, becomes one loop nest whose innermost loop is a parallel
    one; reductions are the outermost loops, in their order:

    - Loops that walk memory and masks as one are merged; where only the caller
      knows, strides and sizes decide at run time.
    - The innermost loop goes in tiles of 256 elements (128 with vectors of 256
      bits, 64 with 128; fewer in short rows) that begin with a block of the
      mask: four vectors of blocks hide each other's latency. Each has one
      `dropout.keep_run`: the generator occurs once per loop. What does not
      change along a row is computed in front of it.
    - Partial tiles at either end of a row use masked loads and stores, or, with
      `masked-memory=false`, go element by element with the same bits.
    - A condition that holds for the whole op (training, p = 0) selects one of
      two nests. A draw that holds for a row (channels) becomes a branch around
      the row if it is long: dropped rows are not read.
    - Outputs of at least `nontemporal-bytes` that are aligned to 64 bytes and
      are no inputs are stored past the caches, with prefetching; decided at
      run time.
    - With `threads`, the nest of an output of 512 KiB or more becomes a
      function that an `scf.parallel` calls for each thread's part: of the rows,
      or of each row if there are few.
    - Operands that are not contiguous along the innermost loop are gathered and
      scattered.

    Other ops, and bodies with ops that have no vector form, stay as they are.
  }];
  let options = [
    Option<"vectorBits", "vector-bits", "int64_t", /*default=*/"512",
           "Width of a vector register: 128, 256 or 512 bits">,
    Option<"maskedMemory", "masked-memory", "bool", /*default=*/"true",
           "Loads and stores of some lanes cost as much as whole ones">,
    Option<"nontemporalBytes", "nontemporal-bytes", "int64_t",
           /*default=*/"0",
           "Smallest output that is stored past the caches; 0: never">,
    Option<"threads", "threads", "int64_t", /*default=*/"1",
           "Threads that share the loops of a large output; 0: as many as "
           "OpenMP has at run time">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::dropout::DropoutDialect",
    "::mlir::func::FuncDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect"];
}

def ConvertDropoutToGPUPass : Pass<"convert-dropout-to-gpu"> {
  let summary = "Convert dropout and linalg on memrefs to GPU kernels";
  let description = [{
    Every dropout and linalg op on memrefs becomes a `gpu.launch`; what has been
    fused into one `linalg.generic` is one kernel, with the random numbers drawn
    in its registers:

    - A thread works on groups of eight elements, each one block of the mask (of
      sixteen with 8 bits an element): `elements-per-thread` of them in all, one
      block size apart, so that neighbouring threads read neighbouring memory.
    - Loops that walk memory and masks as one are merged, as in the vector
      lowering; where only the caller knows, sizes and strides decide at run
      time. The innermost loop is x of the grid, the others are y.
    - Groups that lie in a row use accesses of 16 bytes, if the host finds all
      of them to be aligned and contiguous; other memory has a kernel of its own
      (`_unaligned`), and the ends of a row go element by element.
    - A condition that holds for the whole op (training, p = 0) selects a kernel
      on the host (`_inactive`): nothing is drawn in eval, and nothing at all is
      launched in place. Thresholds and constants are computed on the host.
    - A draw that holds for a row (channels) becomes a branch: what is dropped is
      not read.
    - `rng(%state)` is read in the kernel.
    - Other structured ops (reductions, matmul) get one thread for each point of
      their parallel loops; `memref.copy` becomes a kernel, too.

    Inside a `gpu.func` or `gpu.launch` an op becomes loops that the thread runs
    on its operands, at its `at ... of ...`.

    The tensor form and implicit ops are refused. `gpu-kernel-outlining` makes
    functions of the kernels. Masks and values are those of the contract, bit for
    bit.
  }];
  let options = [
    Option<"blockSize", "block-size", "int64_t", /*default=*/"256",
           "Threads of a block: a power of two, 32 to 1024">,
    Option<"elementsPerThread", "elements-per-thread", "int64_t",
           /*default=*/"16", "Elements of a thread: 16, 32 or 64">,
    Option<"vectorAccess", "vector-access", "bool", /*default=*/"true",
           "Load and store several elements at once">,
    Option<"packedMinimum", "packed-minimum", "bool", /*default=*/"false",
           "A minimum of two halfwords is one instruction (sm_90)">,
    Option<"staticBlock", "static-block", "bool", /*default=*/"false",
           "Blocks have one row of block-size threads; else as many in x as a "
           "row of the arrays needs, which only the run may know">
  ];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::dropout::DropoutDialect", "::mlir::gpu::GPUDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect"];
}

#endif // DROPOUT_CONVERSION_PASSES_TD
