//===- EntryPoints.h - C ABI of compiled functions --------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The calling convention of compiled code. `dropout-emit-entry-points` makes
// functions that keep it, the JIT calls them, and `dropout-run --emit=header`
// writes their prototypes.
//
// For every public function `@f` that has a body there is
//
//   int32_t dropout_f(<arguments of @f>, <one pointer per result of @f>);
//
// - The name is `dropout_` and the symbol's name, in which every byte other
//   than a letter, a digit or `_` is replaced by `_`.
// - A scalar argument is passed by value: f32 and f64 as `float` and `double`,
//   f16 and bf16 as their bits in a `uint16_t`, i8 ... i64 as `int8_t` ...
//   `int64_t`, `index` as `int64_t`, i1 as `uint8_t` (0 is false, anything else
//   is true).
// - A memref argument, and a tensor one, which becomes a memref, is passed as a
//   pointer to a descriptor:
//
//     struct { T *allocated; T *aligned; int64_t offset;
//              int64_t sizes[rank]; int64_t strides[rank]; };
//
//   Strides and offset are in elements; element [i, j] is
//   `aligned[offset + i * strides[0] + j * strides[1]]`. An i1 element is one
//   byte, 0 or 1. With rank 0 the arrays are absent. Tensors are in C order
//   and are only read. `allocated` is not looked at.
// - A result is written through its pointer: a scalar in its C type (i1 as one
//   byte, 0 or 1), a tensor or memref as a descriptor whose `allocated` the
//   caller passes to `free()`. On an early error scalars are not written and
//   descriptors are all zero, so `free(y.allocated)` is always right.
// - The value returned is a `DropoutStatus` (dropout/Runtime/Runtime.h), 0 when
//   all went well; `dropoutLastMessage()` has the text. Sizes or strides that
//   contradict the type, and null pointers, give `DROPOUT_INVALID_ARGUMENT`,
//   without a message. An error in a p that is an argument is found before
//   anything is drawn or written. After an error in a p that is computed,
//   outputs are unspecified (and must be freed), and draws are not undone.
//
// Entry points hold no state of their own and may be called from any number of
// threads.
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_PIPELINES_ENTRYPOINTS_H
#define DROPOUT_PIPELINES_ENTRYPOINTS_H

#include "mlir/IR/Types.h"
#include "llvm/ADT/StringRef.h"
#include <string>

namespace mlir::dropout {

/// The name of the C function for the function \p name: "dropout_" and the
/// name, every byte of which that no C identifier may have is a `_`.
std::string getEntryPointName(llvm::StringRef name);

/// True if a value of \p type can be passed to or returned by an entry point:
/// i1, i8, i16, i32, i64 (signless), index, f16, bf16, f32, f64; ranked tensors
/// (without encoding) and strided memrefs (in the default memory space) of
/// these.
bool isEntryPointType(Type type);

} // namespace mlir::dropout

#endif // DROPOUT_PIPELINES_ENTRYPOINTS_H
