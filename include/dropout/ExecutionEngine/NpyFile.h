//===- NpyFile.h - Arrays in NumPy's file format ----------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The .npy format, versions 1.0 to 3.0
// (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html),
// for plain little-endian numbers. NumPy has no bf16: such arrays are stored
// as their bits with dtype `<u2`.
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_EXECUTIONENGINE_NPYFILE_H
#define DROPOUT_EXECUTIONENGINE_NPYFILE_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdint>
#include <cstdlib>
#include <memory>

namespace mlir::dropout {

/// The dtypes that are read and written.
enum class NpyType : uint8_t {
  Bool, ///< |b1
  I8,   ///< |i1
  I16,
  I32,
  I64,
  U8, ///< |u1
  U16,
  U32,
  U64,
  F16,
  F32,
  F64
};

/// "<f4".
llvm::StringRef getNpyDescr(NpyType type);

/// Bytes of an element.
unsigned getNpySize(NpyType type);

/// An array read from a file.
struct NpyArray {
  struct Free {
    void operator()(void *pointer) const { std::free(pointer); }
  };

  NpyType type = NpyType::F32;
  llvm::SmallVector<int64_t, 4> shape;
  bool fortranOrder = false;
  /// Aligned to 64 bytes; null if there are no elements.
  std::unique_ptr<void, Free> data;

  int64_t getNumElements() const;
  /// In elements, by the order of the file.
  llvm::SmallVector<int64_t, 4> getStrides() const;
};

/// Reads a file. The length must be exactly that of header and elements; bool
/// elements must be 0 or 1. No more memory is taken than the file is long. An
/// error starts with the path: "x.npy: expected ...".
llvm::Expected<NpyArray> readNpyFile(llvm::StringRef path);

/// The same from memory; \p name stands in messages.
llvm::Expected<NpyArray> readNpy(llvm::StringRef bytes, llvm::StringRef name);

/// Writes an array in C order, format version 1.0. \p strides are in elements,
/// \p data is element [0, ..., 0].
void writeNpy(llvm::raw_ostream &os, NpyType type,
              llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> strides,
              const void *data);

/// Copies the elements of a strided array to \p to, in C order. Sizes and
/// strides in elements of \p size bytes.
void copyToContiguous(void *to, const void *from, unsigned size,
                      llvm::ArrayRef<int64_t> shape,
                      llvm::ArrayRef<int64_t> strides);

} // namespace mlir::dropout

#endif // DROPOUT_EXECUTIONENGINE_NPYFILE_H
