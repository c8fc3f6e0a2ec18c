//===- Pipelines.h - Named pipelines ----------------------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_PIPELINES_PIPELINES_H
#define DROPOUT_PIPELINES_PIPELINES_H

#include "mlir/Pass/PassOptions.h"
#include "llvm/Support/ErrorHandling.h"

namespace mlir {
class OpPassManager;
} // namespace mlir

namespace mlir::dropout {

/// How dropout ops become loops. Masks and values are the same bits for all.
enum class Lowering {
  /// Loops over vectors, fused with element-wise neighbours. The fast one.
  Vector,
  /// Scalar loops, fused with element-wise neighbours.
  Linalg,
  /// Philox as arith ops in the bodies of linalg.generic from the start.
  LinalgInline,
  /// Affine loops over bufferized dropout ops; nothing else is fused with them.
  Affine
};

/// Its name as an option: "vector", "linalg", "linalg-inline" or "affine".
inline StringRef getLoweringName(Lowering lowering) {
  switch (lowering) {
  case Lowering::Vector:
    return "vector";
  case Lowering::Linalg:
    return "linalg";
  case Lowering::LinalgInline:
    return "linalg-inline";
  case Lowering::Affine:
    return "affine";
  }
  llvm_unreachable("unknown lowering");
}

/// Reads a Lowering; an unknown name is an error that lists the known ones.
struct LoweringParser : public llvm::cl::parser<Lowering> {
  using parser::parser;
  bool parse(llvm::cl::Option &option, StringRef name, StringRef value,
             Lowering &result) {
    if (findOption(value) == getNumOptions())
      return option.error(
          "expected vector, linalg, linalg-inline or affine, but got '" +
          value + "'");
    return parser::parse(option, name, value, result);
  }
  static void print(raw_ostream &os, Lowering value) {
    os << getLoweringName(value);
  }
};

/// Options of `dropout-to-llvm`.
struct DropoutToLLVMOptions : public PassPipelineOptions<DropoutToLLVMOptions> {
  PassOptions::Option<Lowering, LoweringParser> lowering{
      *this, "lowering",
      llvm::cl::desc("How dropout ops become loops (same bits for all)"),
      llvm::cl::init(Lowering::Vector),
      llvm::cl::values(
          clEnumValN(Lowering::Vector, "vector",
                     "loops over vectors, fused with element-wise neighbours"),
          clEnumValN(Lowering::Linalg, "linalg",
                     "scalar loops, fused with element-wise neighbours"),
          clEnumValN(Lowering::LinalgInline, "linalg-inline",
                     "Philox as arith ops in the bodies of linalg.generic"),
          clEnumValN(Lowering::Affine, "affine",
                     "affine loops over bufferized dropout ops"))};
  PassOptions::Option<bool> entryPoints{
      *this, "entry-points",
      llvm::cl::desc("Add the C function `dropout_f`, which returns a status, "
                     "for every public function `f`"),
      llvm::cl::init(true)};
  PassOptions::Option<int64_t> threads{
      *this, "threads",
      llvm::cl::desc("Threads that share the loops of a large output, through "
                     "OpenMP; 0: as many as it has at run time. Same bits for "
                     "any number"),
      llvm::cl::init(1)};
  PassOptions::Option<int64_t> vectorBits{
      *this, "vector-bits",
      llvm::cl::desc("Width of the vector registers of the target, for "
                     "lowering=vector: 128, 256 or 512"),
      llvm::cl::init(256)};
  PassOptions::Option<bool> maskedMemory{
      *this, "masked-memory",
      llvm::cl::desc(
          "The target loads and stores some lanes of a vector at the "
          "price of all (AVX-512 with BW and VL)"),
      llvm::cl::init(false)};
  PassOptions::Option<int64_t> nontemporalBytes{
      *this, "nontemporal-bytes",
      llvm::cl::desc("Smallest output that is stored past the caches; 0: "
                     "never"),
      llvm::cl::init(0)};
};

/// Adds the passes of `dropout-to-llvm` to \p pm, which must run on
/// `builtin.module`: any mix of dropout (tensor and memref form), linalg,
/// tensor, memref, arith, math, scf, affine, vector, bufferization and func ops
/// becomes LLVM dialect with 64-bit indices. What can't be lowered is an error
/// that names the op and its place.
///
/// Tensor arguments become memrefs in C order, which public functions only
/// read (unless the program says `bufferization.writable = true`); results are
/// memrefs in C order that the caller frees. The code calls libc's malloc, free
/// and memcpy, libm, and the runtime (Runtime.h) where dropout ops need it.
void buildDropoutToLLVMPipeline(OpPassManager &pm,
                                const DropoutToLLVMOptions &options);

/// Registers the pipelines by name: `dropout-to-llvm`.
void registerPipelines();

} // namespace mlir::dropout

#endif // DROPOUT_PIPELINES_PIPELINES_H
