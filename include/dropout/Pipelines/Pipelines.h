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

/// How dropout ops become loops. Masks and values are the same bits for all;
/// what exp, tanh, erf and the like next to them give may differ in the last
/// bits between vectors and scalars (see VectorMath).
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

/// What computes exp, tanh, erf and the like of vectors.
enum class VectorMath {
  /// libm, lane by lane.
  None,
  /// libmvec of glibc 2.35 or later on x86-64.
  Libmvec
};

/// Reads a VectorMath; an unknown name is an error that lists the known ones.
struct VectorMathParser : public llvm::cl::parser<VectorMath> {
  using parser::parser;
  bool parse(llvm::cl::Option &option, StringRef name, StringRef value,
             VectorMath &result) {
    if (findOption(value) == getNumOptions())
      return option.error("expected none or libmvec, but got '" + value + "'");
    return parser::parse(option, name, value, result);
  }
  static void print(raw_ostream &os, VectorMath value) {
    os << (value == VectorMath::Libmvec ? "libmvec" : "none");
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
  PassOptions::Option<bool> deviceArrays{
      *this, "device-arrays",
      llvm::cl::desc("Entry points refuse arrays that are not memory of a CUDA "
                     "device"),
      llvm::cl::init(false)};
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
  PassOptions::Option<VectorMath, VectorMathParser> vectorMath{
      *this, "vector-math",
      llvm::cl::desc("What computes exp, tanh, erf and the like of vectors"),
      llvm::cl::init(VectorMath::None),
      llvm::cl::values(
          clEnumValN(VectorMath::None, "none", "libm, lane by lane"),
          clEnumValN(VectorMath::Libmvec, "libmvec",
                     "glibc's libmvec (x86-64), on registers of vector-bits"))};
  PassOptions::Option<bool> nativeF16{
      *this, "native-f16",
      llvm::cl::desc("The target has instructions that convert f16 (all but "
                     "x86-64 without F16C)"),
      llvm::cl::init(true)};
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
/// and memcpy, libm (libmvec too where the options say so), and the runtime
/// (Runtime.h) where dropout ops need it.
void buildDropoutToLLVMPipeline(OpPassManager &pm,
                                const DropoutToLLVMOptions &options);

/// Registers the pipelines by name: `dropout-to-llvm`.
void registerPipelines();

} // namespace mlir::dropout

#endif // DROPOUT_PIPELINES_PIPELINES_H
