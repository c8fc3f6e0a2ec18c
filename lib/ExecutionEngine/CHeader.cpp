//===- CHeader.cpp - C prototypes of entry points -------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/ExecutionEngine/Program.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace mlir::dropout;

/// The descriptor type: "dropout_memref_f32_2".
static std::string getDescriptorName(const ValueType &type) {
  return ("dropout_memref_" + getElementTypeName(type.element) + "_" +
          Twine(type.shape.size()))
      .str();
}

/// \p name as a C identifier in capitals.
static std::string getMacroName(StringRef name) {
  std::string result = name.upper();
  for (char &c : result)
    if (!llvm::isAlnum(c))
      c = '_';
  if (result.empty() || llvm::isDigit(result.front()))
    result.insert(result.begin(), '_');
  return result;
}

static StringRef getFreeName(Device device) {
  return device == Device::Cpu ? "free" : "dropoutCudaFree";
}

static void writeDescriptor(const ValueType &type, llvm::raw_ostream &os) {
  std::string name = getDescriptorName(type);
  StringRef element = getElementCType(type.element);
  size_t rank = type.shape.size();
  std::string guard = getMacroName(name);
  os << "#ifndef " << guard << "\n#define " << guard << "\n"
     << "/// An array of " << getElementTypeName(type.element) << " of rank "
     << rank << ".\n"
     << "typedef struct " << name << " {\n"
     << "  " << element
     << " *allocated; ///< Of a result: its owner frees it.\n"
     << "  " << element << " *aligned;\n"
     << "  int64_t offset; ///< Elements from aligned to the first element.\n";
  if (rank)
    os << "  int64_t sizes[" << rank << "];\n"
       << "  int64_t strides[" << rank << "]; ///< In elements.\n";
  os << "} " << name << ";\n\n"
     << "/// The array at `data`" << (rank ? ", in C order" : "") << ".\n"
     << "static inline " << name << " " << name << "_make(" << element
     << " *data";
  for (size_t dim = 0; dim < rank; ++dim)
    os << ", int64_t size" << dim;
  os << ") {\n  " << name << " result;\n"
     << "  result.allocated = data;\n  result.aligned = data;\n"
     << "  result.offset = 0;\n";
  for (size_t dim = 0; dim < rank; ++dim)
    os << "  result.sizes[" << dim << "] = size" << dim << ";\n";
  for (size_t dim = rank; dim-- > 0;) {
    os << "  result.strides[" << dim << "] = ";
    if (dim + 1 == rank)
      os << "1;\n";
    else
      os << "result.strides[" << dim + 1 << "] * size" << dim + 1 << ";\n";
  }
  os << "  return result;\n}\n#endif\n\n";
}

/// How the memory of an array must look: "shape 4 x any, C order".
static std::string describeLayout(const ValueType &type) {
  std::string result;
  llvm::raw_string_ostream os(result);
  if (type.shape.empty())
    return "one element";
  os << "shape ";
  auto writeList = [&](ArrayRef<int64_t> values, StringRef separator) {
    llvm::interleave(
        values, os,
        [&](int64_t value) {
          if (ShapedType::isDynamic(value))
            os << "any";
          else
            os << value;
        },
        separator);
  };
  writeList(type.shape, " x ");
  if (type.isContiguous) {
    os << ", C order";
    return result;
  }
  os << ", strides ";
  writeList(type.strides, ", ");
  if (!ShapedType::isDynamic(type.offset))
    os << ", offset " << type.offset;
  return result;
}

/// Names of the arguments: what they are for, or arg0, arg1, ...
static SmallVector<std::string> getArgumentNames(const Signature &signature) {
  SmallVector<std::string> names;
  llvm::StringMap<unsigned> taken;
  for (auto [index, type] : llvm::enumerate(signature.arguments)) {
    StringRef role;
    switch (type.role) {
    case ArgumentRole::None:
      names.push_back(("arg" + Twine(index)).str());
      continue;
    case ArgumentRole::P:
      role = "p";
      break;
    case ArgumentRole::Seed:
      role = "seed";
      break;
    case ArgumentRole::Offset:
      role = "offset";
      break;
    case ArgumentRole::Training:
      role = "training";
      break;
    }
    unsigned number = taken[role]++;
    names.push_back(number ? (role + Twine(number)).str() : role.str());
  }
  return names;
}

/// Seeds and offsets are unsigned, whatever the IR says.
static StringRef getScalarCType(const ValueType &type) {
  bool isUnsigned =
      type.role == ArgumentRole::Seed || type.role == ArgumentRole::Offset;
  return isUnsigned ? "uint64_t" : getElementCType(type.element);
}

static StringRef describeRole(ArgumentRole role) {
  switch (role) {
  case ArgumentRole::None:
    return "";
  case ArgumentRole::P:
    return "; probability to drop, in [0, 1]";
  case ArgumentRole::Seed:
    return "; seed, 0 to 2^64-1";
  case ArgumentRole::Offset:
    return "; offset, 0 to 2^64-1";
  case ArgumentRole::Training:
    return "; nonzero in training";
  }
  llvm_unreachable("unknown role");
}

static StringRef describeScalar(ElementType type) {
  switch (type) {
  case ElementType::F16:
    return " (bits of an IEEE half)";
  case ElementType::BF16:
    return " (bits of a bfloat16)";
  case ElementType::I1:
    return " (0 is false)";
  default:
    return "";
  }
}

static void writePrototype(const Signature &signature, Device device,
                           llvm::raw_ostream &os) {
  SmallVector<std::string> names = getArgumentNames(signature);
  os << "/// `" << signature.name << "`:";
  os << "\n";
  for (auto [name, type] : llvm::zip(names, signature.arguments)) {
    os << "/// \\param " << name << " " << type.text << ": ";
    switch (type.kind) {
    case ValueType::Kind::Scalar:
      os << "by value" << describeScalar(type.element)
         << describeRole(type.role);
      break;
    case ValueType::Kind::Tensor:
      os << describeLayout(type) << "; only read";
      break;
    case ValueType::Kind::MemRef:
      os << describeLayout(type) << "; read and written in place";
      break;
    }
    os << ".\n";
  }
  for (auto [index, type] : llvm::enumerate(signature.results)) {
    os << "/// \\param result" << index << " " << type.text << ": ";
    if (type.isShaped())
      os << "filled in; pass result" << index << "->allocated to "
         << getFreeName(device) << "()";
    else
      os << "written" << describeScalar(type.element);
    os << ".\n";
  }
  os << "/// \\returns 0, or a DropoutStatus of dropout/Runtime/Runtime.h.\n"
     << "int32_t " << signature.entryPoint << "(";
  SmallVector<std::string> parameters;
  for (auto [name, type] : llvm::zip(names, signature.arguments))
    parameters.push_back(type.isShaped()
                             ? "const " + getDescriptorName(type) + " *" + name
                             : (getScalarCType(type) + " " + name).str());
  for (auto [index, type] : llvm::enumerate(signature.results))
    parameters.push_back(
        ((type.isShaped() ? Twine(getDescriptorName(type))
                          : Twine(getElementCType(type.element))) +
         " *result" + Twine(index))
            .str());
  if (parameters.empty())
    os << "void";
  llvm::interleave(parameters, os, ",\n    ");
  os << ");\n\n";
}

void mlir::dropout::writeCHeader(ArrayRef<Signature> signatures, Device device,
                                 StringRef name, llvm::raw_ostream &os) {
  std::string guard = getMacroName(name) + "_H";
  os << "// Written by MLIR Dropout; do not edit.\n"
        "//\n"
        "// Functions of a compiled module. Link the object file with the\n"
     << (device == Device::Cpu
             ? "// runtime (libdropout_runtime) and libm; on x86-64 with "
               "glibc, -lm\n"
               "// stands for libmvec, too (or say -lmvec -lm). Each function "
               "returns\n"
             : "// runtime (libdropout_runtime) and libm. They launch CUDA "
               "kernels: all\n"
               "// arrays are device memory, and work goes to the thread's "
               "stream (see\n"
               "// dropout/Runtime/Cuda.h). Each function returns\n")
     << "// 0, or a DropoutStatus of dropout/Runtime/Runtime.h, whose\n"
        "// dropoutLastMessage() has the text. Probabilities among the\n"
        "// arguments are checked before anything is drawn or written. Null\n"
        "// pointers and arrays of other sizes or strides than stated give\n"
        "// DROPOUT_INVALID_ARGUMENT, without a text. Functions may be called\n"
        "// from several threads at once.\n"
        "//\n"
        "// Element [i, j] of an array is\n"
        "// aligned[offset + i * strides[0] + j * strides[1]]. f16 and bf16\n"
        "// elements are their bits; i1 elements are bytes, 0 or 1. Arrays of\n"
        "// arguments belong to the caller and their `allocated` is not "
        "looked\n"
     << (device == Device::Cpu
             ? "// at; those of results come from malloc(), and after an "
               "error\n"
               "// `allocated` may be null, so that free() is right in any "
               "case.\n"
             : "// at; those of results are freed by dropoutCudaFree(), which "
               "after an\n"
               "// error, when `allocated` may be null, is right, too.\n")
     << "\n"
     << "#ifndef " << guard << "\n#define " << guard << "\n\n"
     << "#include <stdint.h>\n\n"
        "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n";
  llvm::StringMap<bool> written;
  for (const Signature &signature : signatures)
    for (const std::vector<ValueType> *types :
         {&signature.arguments, &signature.results})
      for (const ValueType &type : *types)
        if (type.isShaped() &&
            written.try_emplace(getDescriptorName(type), true).second)
          writeDescriptor(type, os);
  for (const Signature &signature : signatures)
    writePrototype(signature, device, os);
  os << "#ifdef __cplusplus\n} // extern \"C\"\n#endif\n\n#endif // " << guard
     << "\n";
}
