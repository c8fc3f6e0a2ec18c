//===- Passes.td - Passes that the pipelines need ----------*- tablegen -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_PIPELINES_PASSES_TD
#define DROPOUT_PIPELINES_PASSES_TD

include "mlir/Pass/PassBase.td"

def PrepareLinalgPass : Pass<"dropout-prepare-linalg", "::mlir::func::FuncOp"> {
  let summary = "Decompose and generalize linalg ops on tensors for fusion";
  let description = [{
    Ops that upstream neither bufferizes nor turns into loops (`linalg.softmax`,
    `linalg.pack`, `linalg.unpack`, Winograd transforms) are decomposed, and
    named ops whose loops are all parallel (`linalg.add`, `linalg.broadcast`)
    become `linalg.generic`, so that they fuse. Contractions, convolutions and
    reductions keep their names.
  }];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::tensor::TensorDialect"];
}

def FuseElementwisePass
    : Pass<"dropout-fuse-elementwise", "::mlir::func::FuncOp"> {
  let summary = "Fuse element-wise linalg ops without computing anything twice";
  let description = [{
    As upstream's `linalg-fuse-elementwise-ops`, but a producer only enters a
    consumer that reads each of its elements once: upstream would also fuse
    dropout into the operand of a matrix multiplication written as a
    `linalg.generic`, and draw each bit once per row of the other operand.
    Sizes of fused results are computed from the inputs, so that no producer
    stays alive for the sake of a `tensor.dim`.
  }];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::tensor::TensorDialect"];
}

def PrepareBufferizationPass
    : Pass<"dropout-prepare-bufferization", "::mlir::ModuleOp"> {
  let summary = "Protect tensor arguments and memory that the program manages";
  let description = [{
    Tensor arguments of public functions get `bufferization.writable = false`,
    so that no caller sees its input change; an attribute that is already there
    stays. A `memref.dealloc` of the program, and the allocation that it frees,
    are marked `bufferization.manual_deallocation`, so that
    `buffer-deallocation-pipeline` leaves both alone.
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect"];
}

def SeparateResultsPass
    : Pass<"dropout-separate-results", "::mlir::func::FuncOp"> {
  let summary = "Give each memref that a function returns a buffer of its own";
  let description = [{
    `return %y, %y`, or two views of one buffer, would make the caller free one
    buffer twice: upstream's `ownership-based-buffer-deallocation` hands out the
    ownership once per result. The second result and later ones that may share
    a buffer with an earlier one are cloned. Run it between bufferization and
    deallocation.
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect"];
}

def ExpandCopiesPass : Pass<"dropout-expand-copies", "::mlir::func::FuncOp"> {
  let summary = "Turn copies of strided memrefs into linalg.copy";
  let description = [{
    A `memref.copy` between contiguous memrefs becomes `llvm.memcpy` later.
    Upstream turns any other into a call of `memrefCopy` from its runner
    library, which compiled code of ours does not link; a `linalg.copy` becomes
    loops.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect"];
}

def ExpandF16Pass : Pass<"dropout-expand-f16"> {
  let summary = "Convert f16 to and from other floats by integer code";
  let description = [{
    For targets without instructions for it (x86-64 without F16C), where LLVM
    would call a function for every element. `arith.extf` from and `arith.truncf`
    to f16, on scalars and vectors, round once, to nearest even; a NaN stays
    one. `arith.select` on f16 selects bits, `llvm.load` and `llvm.store` move
    them: run the pass in front of the conversion to LLVM and once more behind
    it. Other arithmetic on f16 is not touched.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::math::MathDialect"];
}

def LowerFloatsPass : Pass<"dropout-lower-floats", "::mlir::ModuleOp"> {
  let summary = "Lower bf16 arithmetic and math functions without loss";
  let description = [{
    What upstream lowers with a loss, or to functions that this machine's
    libraries lack:

    - arith and math ops on bf16 are computed in f32 and rounded once each, to
      nearest even, by integer code. (With AVX512-BF16, LLVM would round with
      an instruction that flushes subnormals; without, call a function that
      libgcc has since version 13.) f64 and integers of up to 32 bits to bf16 are
      rounded once, too; wider integers twice, through f32.
    - `math.log1p`, `math.expm1`, `math.erf` and other functions that LLVM
      lacks or approximates become calls of libm.

    No fast-math flag is set, and bf16 intermediate results stay rounded.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::math::MathDialect", "::mlir::vector::VectorDialect"];
}

def MathToLibmvecPass : Pass<"dropout-math-to-libmvec", "::mlir::ModuleOp"> {
  let summary = "Call glibc's vector functions for math ops on vectors";
  let description = [{
    A math op on a vector that is left to LLVM or to libm becomes a call per
    lane. This pass makes it a call per register of libmvec, which is part of
    glibc on x86-64: `math.erf` on `vector<16xf32>` calls `_ZGVeN16v_erff`. It
    takes `acos`, `acosh`, `asin`, `asinh`, `atan`, `atan2`, `atanh`, `cbrt`,
    `cos`, `cosh`, `erf`, `erfc`, `exp`, `exp2`, `expm1`, `log`, `log10`,
    `log1p`, `log2`, `powf`, `sin`, `sinh`, `tan` and `tanh`. Most of them are
    there from glibc 2.35 on.

    Results are within 4 units in the last place, and infinities, NaNs, signed
    zeros and subnormals are those of libm. (glibc's own promise; we measured it
    for f32 and f64, see the rationale.) They are not libm's bits, nor the same
    on all machines: what a function gives may differ in the last bits between
    scalar code and vectors, and between widths of registers.

    A vector wider than a register is cut, and what does not fill one is filled
    up with elements of the same vector, so that the function is always that of
    the register: an element gives the same bits in any vector of the module,
    whatever its neighbours. f16 and bf16 are computed in f32 and rounded once.
    Scalars, vectors of one element and scalable vectors are left alone, as is
    code in a nested symbol table (`gpu.module`). Whoever compiles the result
    has to enable the instruction set of the width: SSE4 is there, or AVX2, or
    AVX-512 F and DQ; and links with `-lm`, or with `-lmvec -lm` where libm is
    no linker script that knows libmvec.
  }];
  let options = [
    Option<"vectorBits", "vector-bits", "int64_t", /*default=*/"256",
           "Bits in a vector register: 128, 256 or 512">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::vector::VectorDialect"];
}

def LegalizeBF16Pass : Pass<"dropout-legalize-bf16", "::mlir::ModuleOp"> {
  let summary = "Hold bf16 values as their bits in the LLVM dialect";
  let description = [{
    The type bf16 becomes i16 everywhere. On machines with AVX512-BF16, LLVM
    turns even a `select` of two bf16 values into a conversion to f32 and back,
    and the way back flushes subnormals and changes NaNs. Runs after
    `dropout-lower-floats`, which leaves no arithmetic on bf16, and conversion
    to LLVM; arithmetic that is still there, and external functions that take
    or return bf16, are errors.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def EmitEntryPointsPass
    : Pass<"dropout-emit-entry-points", "::mlir::ModuleOp"> {
  let summary = "Add a C function that returns a status for every function";
  let description = [{
    For every public function `@f` with a body and a signature that C can call,
    adds `dropout_f` (see EntryPoints.h for names and calling convention):

    1. clears the error slot of the runtime for this thread,
    2. sets descriptors of results to zero,
    3. checks that no pointer is null and that the sizes, strides and offsets
       of memref arguments are those that the type states,
    4. checks every argument that carries `dropout.probability`, also when only
       a function that it is handed to looks at it, before anything is drawn or
       written,
    5. calls `@f`, stores its results,
    6. returns `dropoutLastStatus()`.

    Runs on functions over memrefs, before conversion to LLVM. Functions with
    other types in their signature get no entry point. An entry point carries
    the attribute `dropout.entry_point` with the name of its function.
    With `device-arrays`, step 3 also refuses arrays that are not device memory.
  }];
  let options = [
    Option<"deviceArrays", "device-arrays", "bool", /*default=*/"false",
           "Arrays are memory of a CUDA device">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect",
    "::mlir::func::FuncDialect", "::mlir::LLVM::LLVMDialect"];
}

def VerifyLLVMPass : Pass<"dropout-verify-llvm", "::mlir::ModuleOp"> {
  let summary = "Report every op that could not be lowered to LLVM";
  let description = [{
    The last check of the pipelines: names each op outside the LLVM dialect and
    its place. Without it the message would be about an
    `unrealized_conversion_cast`, which says nothing to the user. Removes the
    attributes `dropout.probability` and `dropout.entry_point`, which mean
    nothing to LLVM.
  }];
}

def TileAndFusePass
    : Pass<"dropout-tile-and-fuse", "::mlir::func::FuncOp"> {
  let summary = "Compute contractions with their neighbours, rows at a time";
  let description = [{
    Where linalg ops on tensors make a chain with a matrix product, a
    convolution or a row sum in it, and tiles of some rows of every op need no
    other rows of the others, one loop computes the chain tile by tile:
    matmul, bias, activation, dropout, residual and layer normalization while
    the rows are in cache. Rows are the last dimension but one of the last op's
    result; all dimensions in front of it are loops, too. Each op is tiled once,
    so nothing is computed, and no random number drawn, twice; a result that is
    also read elsewhere becomes a result of the loop. An op that is
    element-wise writes over a tile that nobody reads after it.

    Run it after `dropout-inline-mask`; what dropout then is in a body keeps the
    indices of the whole tensor. Tiles have up to 48 rows, fewer where rows are
    wide. A function without reductions is left as it is.
  }];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect"];
}

def LowerVectorsPass : Pass<"dropout-lower-vectors", "::mlir::ModuleOp"> {
  let summary = "Lower the vector ops that have no like in LLVM";
  let description = [{
    Vectors of several dimensions, masks, slices, transfers, gathers and the
    like become vector ops of one dimension or none, which `convert-to-llvm`
    takes. Run it last on vectors; transfers of several dimensions are for
    `convert-vector-to-scf` first. The same as the first half of upstream's
    `convert-vector-to-llvm`, but it looks at nothing else.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect", "::mlir::vector::VectorDialect"];
}

def VectorizeContractionsPass
    : Pass<"dropout-vectorize-contractions", "::mlir::func::FuncOp"> {
  let summary = "Turn linalg reductions on memrefs into vector loops";
  let description = [{
    Matrix products, convolutions, row and column sums and any other linalg op
    with reductions becomes `scf.for` and vector ops on registers. The result is
    that of the scalar loops, bit for bit: lanes are different elements of the
    output, and each adds up its products in the order of the loops, with a
    multiplication and an addition of its own. So a sum over the contiguous
    dimension runs over as many rows at a time as there are lanes, on squares
    that are transposed in registers; a sum of everything to one number has no
    rows, and stays scalar. (Upstream's `vector.contract` and
    `vector.multi_reduction` fuse the two operations or change the order.)

    A register tile is some vectors along the contiguous dimension of the output
    times some rows; ends of rows are masked. Sizes may be dynamic or zero.

    A matrix that many rows of the other are multiplied with is packed, 256 steps
    of the reduction at a time, where its rows are wide, not known, or not along
    the lanes: that takes a buffer of up to 64 KiB.

    Left alone are ops that can't keep this: without a parallel loop, with an
    output that is not contiguous in its last dimension or that is visibly an
    input, too, and with ops in the body that have no vector form; and sums whose
    innermost loop runs along their output, which are loops over neighbours
    already. As upstream's vectorizer, the pass takes buffers that are different
    values, and not views of the same one, for disjoint. On machines without
    AVX-512, where registers are fewer, give `vector-bits`.
  }];
  let options = [
    Option<"vectorBits", "vector-bits", "int64_t", /*default=*/"512",
           "Bits in a vector register: 128, 256 or 512">
  ];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect"];
}

//===----------------------------------------------------------------------===//
// GPU
//===----------------------------------------------------------------------===//

def AttachCudaTargetPass
    : Pass<"dropout-attach-cuda-target", "::mlir::ModuleOp"> {
  let summary = "State the NVIDIA architecture that kernels are made for";
  let description = [{
    Gives every `gpu.module` without a target an `#nvvm.target`. Upstream's
    `nvvm-attach-target` takes any name, and LLVM then ends the process at one
    that it does not know: here unknown architectures and features are errors,
    and so is a missing ptxas where `binary` asks for machine code.
  }];
  let options = [
    Option<"chip", "chip", "std::string", /*default=*/"\"sm_80\"",
           "Architecture, as sm_90">,
    Option<"features", "features", "std::string", /*default=*/"\"\"",
           "PTX version, as +ptx80; empty: the first that knows the "
           "architecture (8.0 from sm_90 on)">,
    Option<"binary", "binary", "bool", /*default=*/"false",
           "Machine code is wanted: ptxas has to be there">
  ];
  let dependentDialects = [
    "::mlir::gpu::GPUDialect", "::mlir::NVVM::NVVMDialect"];
}

def AttachRocmTargetPass
    : Pass<"dropout-attach-rocm-target", "::mlir::ModuleOp"> {
  let summary = "State the AMD architecture that kernels are made for";
  let description = [{
    Gives every `gpu.module` without a target a `#rocdl.target`. Unknown
    architectures, those before GFX9, and features that a code object can't name
    are errors, and so is a missing ld.lld where `binary` asks for machine code.
  }];
  let options = [
    Option<"chip", "chip", "std::string", /*default=*/"\"gfx942\"",
           "Architecture, as gfx942">,
    Option<"features", "features", "std::string", /*default=*/"\"\"",
           "xnack and sramecc, as +xnack,-sramecc; empty: any">,
    Option<"binary", "binary", "bool", /*default=*/"false",
           "A code object is wanted: ld.lld has to be there">
  ];
  let dependentDialects = [
    "::mlir::gpu::GPUDialect", "::mlir::ROCDL::ROCDLDialect"];
}

def CaptureLaunchSizesPass
    : Pass<"dropout-capture-launch-sizes", "::mlir::ModuleOp"> {
  let summary = "Pass the sizes of grids and blocks to kernels as arguments";
  let description = [{
    Reading them on an AMD GPU takes a library of the vendor's, ockl.
  }];
}

def SerializeCudaPass
    : Pass<"dropout-serialize-cuda", "::mlir::ModuleOp"> {
  let summary = "Convert kernels to PTX";
  let description = [{
    Every `gpu.module` in the LLVM dialect with a `#nvvm.target` becomes a
    `gpu.binary` with PTX, by a few of LLVM's passes: upstream's
    `gpu-module-to-binary` runs all of them, which takes five times as long and
    gains 3 %. Modules that call functions without a body stay: upstream links
    CUDA's libdevice.
  }];
  let dependentDialects = [
    "::mlir::gpu::GPUDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::NVVM::NVVMDialect"];
}

def SerializeRocmPass
    : Pass<"dropout-serialize-rocm", "::mlir::ModuleOp"> {
  let summary = "Convert kernels to assembly or code objects of AMD GPUs";
  let description = [{
    Every `gpu.module`, in the LLVM dialect and with a `#rocdl.target`, becomes a
    `gpu.binary`. As upstream's `gpu-module-to-binary`, which wants the linker in
    a folder `llvm/bin` of a toolkit: this takes the one of `ROCM_PATH`, else
    ld.lld-22 or ld.lld from PATH.
  }];
  let options = [
    Option<"binary", "binary", "bool", /*default=*/"false",
           "A code object (HSACO, an ELF file) instead of assembly">
  ];
  let dependentDialects = [
    "::mlir::gpu::GPUDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::ROCDL::ROCDLDialect"];
}

def SinkConstantsPass
    : Pass<"dropout-sink-constants", "::mlir::ModuleOp"> {
  let summary = "Copy constants into the kernels that use them";
  let description = [{
    Upstream's `gpu-launch-sink-index-computations` moves sizes of memrefs, too,
    which kernels in SPIR-V do not know.
  }];
}

def AttachSPIRVTargetPass
    : Pass<"dropout-attach-spirv-target", "::mlir::ModuleOp"> {
  let summary = "State what kernels for Vulkan need, and refuse other types";
  let description = [{
    Gives the module a `spirv.target_env` (SPIR-V 1.3, with Shader, Int64, Float16
    and StorageBuffer16BitAccess) and every kernel a `spirv.entry_point_abi` with
    the size of its block, which has to be constant.

    Types that this target lacks are errors: `convert-gpu-to-spirv` would take
    wider ones for them without a word, in memory, too. These are bf16, f64
    (unless `float64`), memrefs and arguments of i1, and integers other than i1,
    i32, i64 and index.
  }];
  let options = [
    Option<"float64", "float64", "bool", /*default=*/"false",
           "The device has f64 (the capability Float64)">
  ];
  let dependentDialects = ["::mlir::spirv::SPIRVDialect"];
}

def ForbidContractionPass
    : Pass<"dropout-forbid-contraction", "::mlir::ModuleOp"> {
  let summary = "Forbid drivers to fuse products and sums in SPIR-V";
  let description = [{
    Every floating-point sum, difference and product gets the decoration
    NoContraction: without it a Vulkan driver may round both at once.
  }];
}

def LowerKernelMathPass
    : Pass<"dropout-lower-kernel-math", "::mlir::gpu::GPUModuleOp"> {
  let summary = "Expand math functions in kernels to arithmetic";
  let description = [{
    exp, tanh, erf, log and the like of f32 and narrower floats become upstream's
    polynomials, so that kernels need no library of the vendor's; fma, sqrt and
    what targets have as instructions become intrinsics of LLVM. The polynomials
    know no subnormal numbers: exp gives 0 for them, and log takes them for the
    smallest normal one. sin and cos, whose polynomials fail for large arguments,
    and functions of f64 stay: they need that library.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::math::MathDialect", "::mlir::vector::VectorDialect"];
}

def VerifyKernelsPass
    : Pass<"dropout-verify-kernels", "::mlir::gpu::GPUModuleOp"> {
  let summary = "Refuse kernels that call what is not there";
  let description = [{
    After conversion to the LLVM dialect: an op of another dialect, and a call of
    a function without a body, are errors; but functions of CUDA's libdevice
    (`__nv_...`) are allowed if a CUDA toolkit is found.
  }];
}

def LaunchToRuntimePass
    : Pass<"dropout-launch-to-runtime", "::mlir::ModuleOp"> {
  let summary = "Convert gpu.launch_func and gpu.binary to runtime calls";
  let description = [{
    Each `gpu.binary` becomes a constant with its first object and a
    `DropoutCudaModule` (Cuda.h), each kernel that is launched a
    `DropoutCudaKernel`, and each `gpu.launch_func` a call of
    `dropoutCudaLaunch`. Arguments are passed as `convert-gpu-to-nvvm` expects
    them: a memref as the fields of its descriptor. `dropout_unload`, which
    unloads all modules, is added with `unload`.

    A function on the host that reads or writes elements of a memref is refused:
    arrays are device memory.
  }];
  let options = [
    Option<"unload", "unload", "bool", /*default=*/"false",
           "Add the function dropout_unload">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect"];
}

def AllocateOnDevicePass
    : Pass<"dropout-allocate-on-device", "::mlir::ModuleOp"> {
  let summary = "Make malloc and free those of the device";
  let description = [{
    Calls of `malloc` and `free` become calls of `dropoutCudaAllocate` and
    `dropoutCudaFree`. Runs on the LLVM dialect, on host code all of whose
    memrefs are device memory.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif // DROPOUT_PIPELINES_PASSES_TD
