//===- Signature.h - Types of compiled functions ----------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a caller of compiled code must know about a function, without MLIR
// types: it outlives the context that the function was compiled in.
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_EXECUTIONENGINE_SIGNATURE_H
#define DROPOUT_EXECUTIONENGINE_SIGNATURE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace mlir::dropout {

/// A scalar type that compiled functions take. Integers are signless.
enum class ElementType : uint8_t {
  I1, ///< One byte in memory, 0 or 1.
  I8,
  I16,
  I32,
  I64,
  Index, ///< 64 bits.
  F16,
  BF16,
  F32,
  F64
};

/// Bytes of an element in memory.
unsigned getElementSize(ElementType type);

/// Its name in MLIR: "f32".
llvm::StringRef getElementTypeName(ElementType type);

/// The C type of an element and of a scalar argument: "float"; "uint16_t" for
/// f16 and bf16 (their bits); "uint8_t" for i1.
llvm::StringRef getElementCType(ElementType type);

/// What an argument means to the dropout ops of the function, which names it
/// in messages and in C headers.
enum class ArgumentRole : uint8_t { None, P, Seed, Offset, Training };

/// The type of an argument or result.
struct ValueType {
  enum class Kind : uint8_t { Scalar, Tensor, MemRef };

  Kind kind = Kind::Scalar;
  ElementType element = ElementType::F32;
  ArgumentRole role = ArgumentRole::None;
  /// Sizes; `ShapedType::kDynamic` where the caller chooses.
  llvm::SmallVector<int64_t, 4> shape;
  /// Of a memref, in elements; `ShapedType::kDynamic` where the caller chooses.
  /// Unused if `isContiguous`.
  llvm::SmallVector<int64_t, 4> strides;
  /// Of a memref, in elements; may be `ShapedType::kDynamic`.
  int64_t offset = 0;
  /// C order: tensors, and memrefs without a layout.
  bool isContiguous = true;
  /// The type as MLIR spells it.
  std::string text;

  bool isShaped() const { return kind != Kind::Scalar; }
};

/// A function that compiled code offers.
struct Signature {
  /// The name in the module, "layer".
  std::string name;
  /// The C name, "dropout_layer".
  std::string entryPoint;
  std::vector<ValueType> arguments;
  std::vector<ValueType> results;
};

/// The signature of a function before it is lowered. Error if a type in it can
/// not cross the C ABI (see EntryPoints.h), or if the function is private or
/// has no body.
llvm::Expected<Signature> getSignature(func::FuncOp function);

/// The signatures of all functions of the module that have one.
std::vector<Signature> getSignatures(ModuleOp module);

/// Whether a C-order, or any other, array of this layout may be passed as
/// \p type: same rank, static sizes, strides and element alignment as stated.
/// \p what names the value in the message ("argument #0").
llvm::Error checkLayout(const ValueType &type, llvm::ArrayRef<int64_t> shape,
                        llvm::ArrayRef<int64_t> strides,
                        const llvm::Twine &what);

/// The strides of an array in C order, in elements.
llvm::SmallVector<int64_t, 4>
getContiguousStrides(llvm::ArrayRef<int64_t> shape);

/// "2x3"; a dynamic size is "?"; "scalar" for rank 0.
std::string formatShape(llvm::ArrayRef<int64_t> shape);

} // namespace mlir::dropout

#endif // DROPOUT_EXECUTIONENGINE_SIGNATURE_H
