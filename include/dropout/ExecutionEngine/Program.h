//===- Program.h - Compile a module -----------------------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_EXECUTIONENGINE_PROGRAM_H
#define DROPOUT_EXECUTIONENGINE_PROGRAM_H

#include "dropout/ExecutionEngine/Signature.h"
#include "dropout/Pipelines/Pipelines.h"

#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include <memory>

namespace llvm {
class TargetMachine;
} // namespace llvm

namespace mlir {
class PassManager;
} // namespace mlir

namespace mlir::dropout {

/// Where the loops of a program run.
enum class Device : uint8_t {
  Cpu, ///< Of this machine, or of `triple`.
  /// NVIDIA GPUs. Host code is for the CPU; all arrays are device memory.
  Cuda
};

/// The form of GPU kernels.
enum class KernelFormat : uint8_t {
  Assembly, ///< PTX, which the driver compiles.
  Binary    ///< Machine code for one architecture, which needs ptxas.
};

struct CompileOptions {
  Device device = Device::Cpu;
  /// The architecture of GPU kernels, as sm_90; empty: for an executable that
  /// of the thread's current device (PTX for the newest architecture that is
  /// known and not later), for a program sm_80.
  std::string chip;
  KernelFormat kernelFormat = KernelFormat::Assembly;
  /// How dropout ops become loops; the same bits for all. For the CPU, as are
  /// threads, nontemporalBytes and vectorMath.
  Lowering lowering = Lowering::Vector;
  /// Threads that share the loops of a large output, through OpenMP: 0 to 1024;
  /// 0: as many as it has at run time. Any number gives the same bits.
  int64_t threads = 1;
  /// Smallest output, in bytes, that is stored past the caches; 0: never.
  int64_t nontemporalBytes = int64_t(16) << 20;
  /// Calls libmvec for exp, tanh, erf and the like of vectors, many times the
  /// speed of libm, where this machine has it (x86-64, glibc 2.35 or later).
  /// Results are within 4 units in the last place, but not libm's bits.
  bool vectorMath = true;
  /// 0 to 3, as of clang's -O, but below 3 a program whose loops are all over
  /// vectors goes through a few passes of LLVM only. No fast-math flag is ever
  /// set.
  unsigned optimizationLevel = 2;
  /// The CPU to generate code for, as of clang's -march: "x86-64-v3", "znver4";
  /// this machine's if empty. An executable is refused if this machine lacks
  /// one of its features.
  std::string cpu;
  /// More features or fewer than the CPU has: "+avx512f,-avx512bw".
  std::string features;
  /// The target: "aarch64-linux-gnu" (then the default CPU is a generic one);
  /// this machine's if empty. x86_64 and aarch64 with ELF objects.
  std::string triple;
  /// The one public function to compile, with what it calls; the others need
  /// not compile. All public functions if empty.
  std::string function;
  /// Verifies the module after every pass, to find a pass that breaks it. It is
  /// always verified before and after them all.
  bool verifyEach = false;
  /// True hands MLIR's diagnostics to the handlers of the context, so that they
  /// can show the source line; false puts them into the error that is returned.
  bool forwardDiagnostics = false;
};

/// The forms in which compiled code is written.
enum class EmitKind : uint8_t {
  LLVMIR,   ///< Text, after optimisation.
  Assembly, ///< Text.
  Object,   ///< Position-independent.
  Header,   ///< C99 (and C++) prototypes of the entry points.
  Kernels   ///< GPU kernels as the object holds them: PTX or a cubin.
};

/// A module compiled for a CPU, by default that of this machine, not yet
/// loaded.
///
/// Not safe for concurrent use of one object; different programs may be
/// compiled and used on different threads, each with an MLIRContext of its own.
class Program {
public:
  /// Compiles \p module with `dropout-to-llvm` (for CUDA `dropout-to-ptx` or
  /// `dropout-to-cubin`) and LLVM. Adds what it needs
  /// (dialects, external models, translations) to the module's context. An
  /// error has the diagnostics of MLIR as its message.
  static llvm::Expected<std::unique_ptr<Program>>
  compile(OwningOpRef<ModuleOp> module, const CompileOptions &options = {});

  ~Program();

  /// Compiles \p source, text or bytecode, in a context that is kept for the
  /// next program. `forwardDiagnostics` has no effect.
  static llvm::Expected<std::unique_ptr<Program>>
  compileSource(llvm::StringRef source, CompileOptions options = {});

  /// The functions that can be called, in the order of the module.
  const std::vector<Signature> &getSignatures() const { return signatures; }

  /// Writes the code to \p os. For \p kind Header, \p name is the base of the
  /// include guard.
  llvm::Error emit(EmitKind kind, llvm::raw_pwrite_stream &os,
                   llvm::StringRef name = "dropout_program");

private:
  friend class Executable;
  Program() = default;

  static llvm::Expected<std::unique_ptr<Program>> compile(
      OwningOpRef<ModuleOp> module, const CompileOptions &options,
      llvm::function_ref<PassManager &(const llvm::TargetMachine &)> getPasses);

  /// Writes an object file that has a function to call each entry point
  /// through pointers as well. The code is gone from the program afterwards.
  llvm::Error emitInvocable(llvm::raw_pwrite_stream &os);

  std::vector<Signature> signatures;
  Device device = Device::Cpu;
  std::unique_ptr<llvm::LLVMContext> context;
  std::unique_ptr<llvm::Module> module;
  std::unique_ptr<llvm::TargetMachine> machine;
};

/// Writes C99 (and C++) prototypes, descriptor types and their documentation.
void writeCHeader(llvm::ArrayRef<Signature> signatures, Device device,
                  llvm::StringRef name, llvm::raw_ostream &os);

/// The architecture for the thread's current CUDA device: the newest one that
/// LLVM knows and that is not later than the device's. An error says why there
/// is no device.
llvm::Expected<std::string> getCudaChip();

} // namespace mlir::dropout

#endif // DROPOUT_EXECUTIONENGINE_PROGRAM_H
