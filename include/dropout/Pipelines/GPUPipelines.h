//===- GPUPipelines.h - Named pipelines for GPUs ----------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// They take the programs that `dropout-to-llvm` takes. What is made of arrays
// runs in kernels; host code computes sizes, thresholds and constants, and
// chooses and launches kernels. All arrays of a function (arguments, results,
// what lies between) are device memory.
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_PIPELINES_GPUPIPELINES_H
#define DROPOUT_PIPELINES_GPUPIPELINES_H

#include "dropout/Conversion/DropoutToGPU.h"
#include "dropout/Pipelines/Pipelines.h"

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace mlir::dropout {

/// The oldest architecture that has bf16 arithmetic; PTX for it runs on every
/// later one.
inline constexpr llvm::StringLiteral kDefaultCudaChip = "sm_80";

/// Options of `dropout-to-ptx` and `dropout-to-cubin`.
struct DropoutToPTXOptions : public PassPipelineOptions<DropoutToPTXOptions> {
  PassOptions::Option<std::string> chip{
      *this, "chip", llvm::cl::desc("Architecture: sm_50 or later"),
      llvm::cl::init(kDefaultCudaChip.str())};
  PassOptions::Option<std::string> features{
      *this, "features",
      llvm::cl::desc("PTX version, as +ptx80; empty: the first that knows the "
                     "architecture (8.0 from sm_90 on)")};
  PassOptions::Option<int64_t> blockSize{
      *this, "block-size",
      llvm::cl::desc("Threads of a block: a power of two, 32 to 1024"),
      llvm::cl::init(KernelTarget().blockSize)};
  PassOptions::Option<int64_t> elementsPerThread{
      *this, "elements-per-thread",
      llvm::cl::desc("Elements of a thread: 16, 32 or 64"),
      llvm::cl::init(KernelTarget().elementsPerThread)};
  PassOptions::Option<bool> serialize{
      *this, "serialize",
      llvm::cl::desc("Translate the kernels; else they stay in the LLVM "
                     "dialect, and the host code as it is"),
      llvm::cl::init(true)};
  PassOptions::Option<bool> unload{
      *this, "unload",
      llvm::cl::desc("Add the function dropout_unload, which unloads kernels"),
      llvm::cl::init(false)};
};

/// What kernels for AMD GPUs are translated to.
enum class RocmFormat {
  /// Assembly, as text.
  Assembly,
  /// A code object (HSACO), which HIP's and HSA's loaders take. Needs ld.lld.
  Binary
};

/// AMD Instinct MI300.
inline constexpr llvm::StringLiteral kDefaultRocmChip = "gfx942";

/// Options of `dropout-to-amdgcn`.
struct DropoutToAMDGCNOptions
    : public PassPipelineOptions<DropoutToAMDGCNOptions> {
  PassOptions::Option<std::string> chip{
      *this, "chip", llvm::cl::desc("Architecture: gfx900 or later"),
      llvm::cl::init(kDefaultRocmChip.str())};
  PassOptions::Option<std::string> features{
      *this, "features",
      llvm::cl::desc("xnack and sramecc, as +xnack,-sramecc; empty: any")};
  PassOptions::Option<RocmFormat> format{
      *this, "format", llvm::cl::desc("What kernels are translated to"),
      llvm::cl::init(RocmFormat::Assembly),
      llvm::cl::values(clEnumValN(RocmFormat::Assembly, "isa", "assembly"),
                       clEnumValN(RocmFormat::Binary, "bin",
                                  "code object (HSACO), linked by ld.lld"))};
  PassOptions::Option<int64_t> blockSize{
      *this, "block-size",
      llvm::cl::desc("Threads of a block: a power of two, 32 to 1024"),
      llvm::cl::init(KernelTarget().blockSize)};
  PassOptions::Option<int64_t> elementsPerThread{
      *this, "elements-per-thread",
      llvm::cl::desc("Elements of a thread: 16, 32 or 64"),
      llvm::cl::init(KernelTarget().elementsPerThread)};
};

/// Options of `dropout-to-spirv`.
struct DropoutToSPIRVOptions
    : public PassPipelineOptions<DropoutToSPIRVOptions> {
  PassOptions::Option<int64_t> blockSize{
      *this, "block-size",
      llvm::cl::desc("Threads of a workgroup: a power of two, 32 to 1024; all "
                     "devices have 128"),
      llvm::cl::init(128)};
  PassOptions::Option<int64_t> elementsPerThread{
      *this, "elements-per-thread",
      llvm::cl::desc("Elements of a thread: 16, 32 or 64"),
      llvm::cl::init(KernelTarget().elementsPerThread)};
  PassOptions::Option<bool> float64{
      *this, "float64",
      llvm::cl::desc("The device has f64 (the capability Float64)"),
      llvm::cl::init(false)};
};

/// Whether `chip` names an AMD architecture that kernels can be made for, as
/// far as the name tells: GFX9 or later.
bool isRocmChip(StringRef chip);

/// 90 for sm_90, sm_90a; 0 if it is no such name.
unsigned getCudaArchitecture(StringRef chip);

/// The newest architecture from sm_50 on that LLVM knows and whose code runs on
/// devices of \p architecture: empty if there is none.
std::string getNewestCudaChip(unsigned architecture);

/// The features that kernels are made with: the given ones, or what
/// DropoutToPTXOptions says of none.
std::string getCudaFeatures(StringRef chip, StringRef features);

/// Whether these have min.u16x2 as an instruction.
bool hasPackedMinimum(StringRef chip, StringRef features);

/// Adds the passes of `dropout-to-ptx`, a pipeline on a builtin module. The
/// result is a `gpu.binary` and host code in the LLVM dialect, with an entry
/// point (EntryPoints.h) for every public function.
void buildDropoutToPTXPipeline(OpPassManager &pm,
                               const DropoutToPTXOptions &options);

/// The same with machine code instead of PTX; fails without ptxas.
void buildDropoutToCubinPipeline(OpPassManager &pm,
                                 const DropoutToPTXOptions &options);

/// Adds the passes of `dropout-to-amdgcn`, a pipeline on a builtin module. The
/// result is a `gpu.binary`, and host code as it was before: functions on
/// memrefs of device memory with `gpu.launch_func` ops (and the ops of dropout
/// that check probabilities and reserve offsets), for a launcher of the
/// caller's. A kernel takes a memref as the fields of its descriptor: two
/// pointers, the offset, a size and a stride for each dimension.
void buildDropoutToAMDGCNPipeline(OpPassManager &pm,
                                  const DropoutToAMDGCNOptions &options);

/// Adds the passes of `dropout-to-spirv`, a pipeline on a builtin module:
/// kernels in one `spirv.module` for Vulkan, which `mlir-translate
/// --serialize-spirv` takes. Host code and the `gpu.module` stay as they are,
/// as a description of what is to be launched: functions with `gpu.launch_func`
/// ops.
///
/// Each kernel is an entry point of its own name. Its arguments are storage
/// buffers in descriptor set 0, bound in the order of the operands of its
/// `gpu.launch_func`: a memref of the host function is the array from the
/// allocation's first element on, a number is a buffer with nothing but it
/// (index: 64 bits). A workgroup has `block-size` x 1 x 1 threads; the grid is
/// that of the `gpu.launch_func`.
///
/// The device has to have Int64; for f16 Float16 and StorageBuffer16BitAccess;
/// and as many storage buffers in a stage as a kernel has arguments. Some
/// devices have grids of no more than 65535 workgroups in x: n elements in a
/// row take n / (block-size * elements-per-thread).
///
/// Masks are those of the contract, bit for bit. Values are, too, where the
/// driver keeps denormals and NaNs and rounds conversions to f16 to the nearest
/// even; but kept values of alpha dropout may differ by the rounding of a
/// product: Vulkan does not say that an Fma is fused. Functions (math.exp) are
/// as exact as the driver's.
///
/// Errors, at the op: bf16, f64 without `float64`, arrays of i1 (masks),
/// integers other than i32 and i64; ops without a form in SPIR-V (math.erf);
/// and ops that are not element-wise (matmul) on arrays whose sizes are not
/// known.
void buildDropoutToSPIRVPipeline(OpPassManager &pm,
                                 const DropoutToSPIRVOptions &options);
/// Lets the pipelines take programs that launch kernels of their own.
void registerLaunchDeallocationExternalModel(DialectRegistry &registry);

} // namespace mlir::dropout

#endif // DROPOUT_PIPELINES_GPUPIPELINES_H
