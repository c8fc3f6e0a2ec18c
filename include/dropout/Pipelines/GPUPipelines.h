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

/// Lets the pipelines take programs that launch kernels of their own.
void registerLaunchDeallocationExternalModel(DialectRegistry &registry);

} // namespace mlir::dropout

#endif // DROPOUT_PIPELINES_GPUPIPELINES_H
