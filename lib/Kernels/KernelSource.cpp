//===- KernelSource.cpp - The program of a kernel -------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelSource.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::dropout;

KernelKey mlir::dropout::makeKernelKey(const KernelCall &call, KernelKind kind,
                                       bool isContiguous,
                                       ArrayRef<int64_t> maskOrders) {
  KernelKey key;
  for (uint8_t byte : {uint8_t(call.operation), uint8_t(kind),
                       uint8_t(call.destination.element), uint8_t(call.rounds),
                       uint8_t(call.resolution), uint8_t(isContiguous)})
    key.push_back(char(byte));
  for (int64_t order : maskOrders)
    key.push_back(char(order));
  return key;
}

std::string mlir::dropout::getKernelSource(StringRef key) {
  auto operation = KernelOperation(key[0]);
  auto kind = KernelKind(key[1]);
  auto element = ElementType(key[2]);
  bool isContiguous = key[5] != 0;
  StringRef orders = key.drop_front(6);
  size_t rank = orders.size();

  // Dims in the order in which they index the mask.
  SmallVector<size_t> maskDims;
  for (size_t order = 0; order < rank; ++order)
    if (size_t at = orders.find(char(order)); at != StringRef::npos)
      maskDims.push_back(at);
  bool inOrder = maskDims.size() == rank && llvm::is_sorted(maskDims);

  std::string type = "memref<";
  for (size_t dim = 0; dim < rank; ++dim)
    type += "?x";
  type += getElementTypeName(element);
  if (!isContiguous)
    type += ", strided<[" +
            llvm::join(SmallVector<StringRef>(rank, "?"), ", ") +
            "], offset: ?>";
  type += ">";

  std::string source;
  llvm::raw_string_ostream os(source);
  bool isMask = operation == KernelOperation::Mask;
  os << "func.func @kernel(";
  if (!isMask)
    os << "%x: " << type << ", ";
  os << "%y: " << type << ", %p: f64, %seed: i64, %offset: i64, %training: i1";
  for (size_t dim = 0; dim < rank; ++dim)
    os << ", %first" << dim << ": index, %full" << dim << ": index";
  os << ") {\n  dropout.";

  static constexpr StringLiteral kinds[] = {"element", "channel", "alpha",
                                            "feature_alpha"};
  StringRef kindName = kinds[size_t(kind)];
  if (isMask)
    os << "mask into %y";
  else if (operation == KernelOperation::Backward)
    os << "backward " << kindName << " %x into %y";
  else
    os << kindName << " %x into %y";
  os << " p(%p)";
  if (!inOrder) {
    os << " mask_dims = [";
    llvm::interleaveComma(maskDims, os);
    os << "]";
  }
  if (key[3] != 10)
    os << " rounds = " << int(key[3]);
  if (key[4] != 16)
    os << " resolution = " << int(key[4]);
  os << " rng(%seed, %offset) training(%training) at [";
  for (size_t dim = 0; dim < rank; ++dim)
    os << (dim ? ", " : "") << "%first" << dim;
  os << "] of [";
  for (size_t dim = 0; dim < rank; ++dim)
    os << (dim ? ", " : "") << "%full" << dim;
  os << "] : " << type;
  if (!isMask)
    os << ", " << type;
  os << "\n  return\n}\n";
  return source;
}
