//===- LinalgToVector.h - Element-wise linalg to vector loops ---*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_CONVERSION_LINALGTOVECTOR_H
#define DROPOUT_CONVERSION_LINALGTOVECTOR_H

#include <cstdint>

namespace mlir {
class RewritePatternSet;

namespace dropout {

/// What the vector loops are made for.
struct VectorTarget {
  /// Width of a vector register in bits: 128, 256 or 512.
  int64_t vectorBits = 512;
  /// True if loads and stores of some lanes only, of all element sizes, cost as
  /// much as whole ones (AVX-512 with BW and VL); else the last elements of a
  /// row are done one by one.
  bool maskedMemory = true;
  /// Outputs of at least so many bytes are stored past the caches; 0: never.
  int64_t nontemporalBytes = 0;
  /// Threads that share the loops of a large output, through `scf.parallel`; 0:
  /// as many as OpenMP has at run time.
  int64_t threads = 1;
};

/// Adds the pattern that turns a `linalg.generic` on memrefs that has a
/// parallel loop into loops over vectors.
void populateLinalgToVectorPatterns(RewritePatternSet &patterns,
                                    const VectorTarget &target);

} // namespace dropout
} // namespace mlir

#endif // DROPOUT_CONVERSION_LINALGTOVECTOR_H
