//===- InitAll.h - Registration of everything -------------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_INITALL_H
#define DROPOUT_INITALL_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace mlir::dropout {

/// Adds the dropout dialect and the upstream dialects that programs around it
/// and the pipelines are made of: affine, arith, bufferization, cf, complex,
/// func, gpu, index, linalg, llvm, math, memref, nvvm, omp, rocdl, scf, spirv,
/// tensor, ub and vector. May be called any number of times, also where some of
/// them are registered already.
void registerAllDialects(DialectRegistry &registry);

/// Adds what the dialects above need to be tiled, bufferized, inlined and
/// converted to LLVM: the external models of the dropout dialect and of the
/// upstream dialects; and our ops to the transform dialect, where it is
/// registered.
void registerAllExtensions(DialectRegistry &registry);

/// Registers the passes and the named pipelines of the project with the global
/// pass registry. Call it once per process, before passes are parsed.
void registerAllPasses();

} // namespace mlir::dropout

#endif // DROPOUT_INITALL_H
