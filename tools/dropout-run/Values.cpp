//===- Values.cpp - Inputs and outputs of dropout-run ---------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Values.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/APInt.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/Format.h"
#include <cstring>

using namespace mlir;
using namespace mlir::dropout;
using llvm::APFloat;

NpyType mlir::dropout::getNpyType(ElementType type) {
  switch (type) {
  case ElementType::I1:
    return NpyType::Bool;
  case ElementType::I8:
    return NpyType::I8;
  case ElementType::I16:
    return NpyType::I16;
  case ElementType::I32:
    return NpyType::I32;
  case ElementType::I64:
  case ElementType::Index:
    return NpyType::I64;
  case ElementType::F16:
    return NpyType::F16;
  case ElementType::BF16: // By its bits: NumPy has no bf16.
    return NpyType::U16;
  case ElementType::F32:
    return NpyType::F32;
  case ElementType::F64:
    return NpyType::F64;
  }
  llvm_unreachable("unknown element type");
}

/// The other dtype that a signless integer is read from; else the same.
static NpyType getUnsignedNpyType(ElementType type) {
  switch (type) {
  case ElementType::I8:
    return NpyType::U8;
  case ElementType::I16:
    return NpyType::U16;
  case ElementType::I32:
    return NpyType::U32;
  case ElementType::I64:
  case ElementType::Index:
    return NpyType::U64;
  default:
    return getNpyType(type);
  }
}

//===----------------------------------------------------------------------===//
// Scalars
//===----------------------------------------------------------------------===//

static const llvm::fltSemantics *getSemantics(ElementType type) {
  switch (type) {
  case ElementType::F16:
    return &APFloat::IEEEhalf();
  case ElementType::BF16:
    return &APFloat::BFloat();
  case ElementType::F32:
    return &APFloat::IEEEsingle();
  case ElementType::F64:
    return &APFloat::IEEEdouble();
  default:
    return nullptr;
  }
}

static llvm::Expected<uint64_t> parseScalar(const ValueType &type,
                                            StringRef text, const Twine &what) {
  auto fail = [&](const Twine &wanted) {
    return llvm::createStringError("expected " + what + " of type " +
                                   type.text + " to be " + wanted +
                                   ", but got '" + text + "'");
  };
  if (const llvm::fltSemantics *semantics = getSemantics(type.element)) {
    APFloat value(*semantics);
    // The parser of hexadecimal literals asserts on an empty exponent.
    StringRef number = text;
    number.consume_front("-") || number.consume_front("+");
    bool hex = number.starts_with_insensitive("0x");
    if (number.empty() || (hex && !number.contains_insensitive('p')))
      return fail("a floating-point number");
    auto status = value.convertFromString(text, APFloat::rmNearestTiesToEven);
    if (!status) {
      llvm::consumeError(status.takeError());
      return fail("a floating-point number");
    }
    if (*status & APFloat::opOverflow)
      return fail("a number in its range");
    return value.bitcastToAPInt().getZExtValue();
  }
  if (type.element == ElementType::I1) {
    if (text == "true" || text == "1")
      return 1;
    if (text == "false" || text == "0")
      return 0;
    return fail("true, false, 1 or 0");
  }
  // Signless: from the least signed to the greatest unsigned value.
  unsigned width = 8 * getElementSize(type.element);
  StringRef digits = text;
  bool negative = digits.consume_front("-");
  uint64_t magnitude;
  if (digits.empty() || !llvm::isDigit(digits.front()) ||
      digits.getAsInteger(0, magnitude))
    return fail("an integer of " + Twine(width) + " bits");
  uint64_t mostNegative = uint64_t(1) << (width - 1);
  uint64_t greatest = width == 64 ? ~uint64_t(0) : (uint64_t(1) << width) - 1;
  if (magnitude > (negative ? mostNegative : greatest))
    return fail("an integer of " + Twine(width) + " bits");
  return (negative ? -magnitude : magnitude) & greatest;
}

//===----------------------------------------------------------------------===//
// Arrays
//===----------------------------------------------------------------------===//

/// Strides that the memref type allows and that give each element a place of
/// its own, for a file whose own layout the type does not allow. Error if there
/// are none.
static llvm::Expected<SmallVector<int64_t, 4>>
chooseStrides(const ValueType &type, ArrayRef<int64_t> shape,
              const Twine &what) {
  if (type.isContiguous)
    return getContiguousStrides(shape);
  auto fail = [&](const Twine &wanted) {
    return llvm::createStringError("expected " + what + " of type " +
                                   type.text + " to " + wanted + ", shape " +
                                   formatShape(shape));
  };
  // Dynamic strides step over all that lies within the static ones, and over
  // each other, innermost first.
  SmallVector<int64_t, 4> strides(type.strides);
  int64_t extent = 1;
  for (bool dynamic : {false, true}) {
    for (size_t dim = shape.size(); dim-- > 0;) {
      if (ShapedType::isDynamic(type.strides[dim]) != dynamic)
        continue;
      if (dynamic)
        strides[dim] = extent;
      if (strides[dim] < 0)
        return fail("have no negative stride");
      int64_t span;
      if (llvm::MulOverflow(strides[dim], std::max<int64_t>(shape[dim], 1),
                            span) ||
          span > (int64_t(1) << 40))
        return fail("fit into memory");
      extent = std::max(extent, span);
    }
  }
  SmallVector<size_t> order = llvm::to_vector(llvm::seq<size_t>(shape.size()));
  llvm::sort(order,
             [&](size_t a, size_t b) { return strides[a] < strides[b]; });
  int64_t last = 0;
  for (size_t dim : order) {
    if (shape[dim] <= 1)
      continue;
    if (strides[dim] <= last)
      return fail("have strides that keep its elements apart");
    last += strides[dim] * (shape[dim] - 1);
  }
  return strides;
}

/// Copies \p from to \p to; shapes are equal.
static void copyElements(const ArrayView &from, const ArrayView &to) {
  unsigned size = getElementSize(from.element);
  forEachElement(from, [&](ArrayRef<int64_t> index, const char *element) {
    int64_t position = 0;
    for (auto [i, stride] : llvm::zip(index, to.strides))
      position += i * stride;
    std::memcpy(static_cast<char *>(to.data) + position * size, element, size);
  });
}

static llvm::Expected<Input> makeInput(const ValueType &type, NpyArray file,
                                       StringRef path, const Twine &what) {
  auto fail = [&](llvm::Error error) {
    return llvm::createStringError(path + ": " +
                                   llvm::toString(std::move(error)));
  };
  if (file.type != getNpyType(type.element) &&
      file.type != getUnsignedNpyType(type.element))
    return fail(llvm::createStringError(
        "expected dtype " + getNpyDescr(getNpyType(type.element)) +
        (type.element == ElementType::BF16 ? " (bits of bf16)" : "") + " for " +
        what + " of type " + type.text + ", but got " +
        getNpyDescr(file.type)));

  Input input;
  input.type = &type;
  input.fileType = file.type;
  unsigned size = getElementSize(type.element);
  input.memorySize = file.getNumElements() * size;
  input.view = {type.element, file.shape, file.getStrides(), file.data.get()};
  llvm::Error mismatch =
      checkLayout(type, input.view.shape, input.view.strides, what);
  if (!mismatch) {
    input.memory = std::move(file.data);
  } else {
    // Perhaps only the order differs.
    if (llvm::Error error = checkLayout(
            type.isContiguous ? type : [&] {
              ValueType any = type;
              any.strides.assign(any.shape.size(), ShapedType::kDynamic);
              return any;
            }(),
            input.view.shape,
            type.isContiguous ? getContiguousStrides(input.view.shape)
                              : input.view.strides,
            what)) {
      llvm::consumeError(std::move(mismatch));
      return fail(std::move(error));
    }
    llvm::consumeError(std::move(mismatch));
    auto strides = chooseStrides(type, input.view.shape, what);
    if (!strides)
      return fail(strides.takeError());
    int64_t last = 0;
    for (auto [count, stride] : llvm::zip(input.view.shape, *strides))
      last += (count - 1) * stride;
    input.memorySize = (last + 1) * size;
    input.memory.reset(
        std::aligned_alloc(64, (input.memorySize + 63) / 64 * 64));
    if (!input.memory)
      return fail(llvm::createStringError("not enough memory for " +
                                          Twine(input.memorySize) + " bytes"));
    std::memset(input.memory.get(), 0, input.memorySize);
    ArrayView copy = {type.element, input.view.shape, *strides,
                      input.memory.get()};
    copyElements(input.view, copy);
    input.view = std::move(copy);
  }
  if (!type.isShaped())
    std::memcpy(&input.bits, input.memory.get(), size);
  return input;
}

llvm::Expected<Input> mlir::dropout::readInput(const ValueType &type,
                                               StringRef text,
                                               const Twine &what) {
  if (!type.isShaped() && !text.ends_with_insensitive(".npy")) {
    auto bits = parseScalar(type, text, what);
    if (!bits)
      return bits.takeError();
    Input input;
    input.type = &type;
    input.bits = *bits;
    input.view.element = type.element;
    return input;
  }
  if (!text.ends_with_insensitive(".npy"))
    return llvm::createStringError("expected a .npy file for " + what +
                                   " of type " + type.text + ", but got '" +
                                   text + "'");
  auto file = readNpyFile(text);
  if (!file)
    return file.takeError();
  return makeInput(type, std::move(*file), text, what);
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

template <typename T>
static T load(const void *data) {
  T value;
  std::memcpy(&value, data, sizeof(T));
  return value;
}

/// The value of an IEEE half.
static double halfToDouble(uint16_t bits) {
  int exponent = (bits >> 10) & 31;
  int mantissa = bits & 1023;
  double value;
  if (exponent == 31)
    value = mantissa ? std::nan("") : HUGE_VAL;
  else if (exponent == 0)
    value = std::ldexp(mantissa, -24);
  else
    value = std::ldexp(mantissa + 1024, exponent - 25);
  return bits >> 15 ? -value : value;
}

double mlir::dropout::getAsDouble(ElementType type, const void *data) {
  switch (type) {
  case ElementType::I1:
    return load<uint8_t>(data) != 0;
  case ElementType::I8:
    return load<int8_t>(data);
  case ElementType::I16:
    return load<int16_t>(data);
  case ElementType::I32:
    return load<int32_t>(data);
  case ElementType::I64:
  case ElementType::Index:
    return double(load<int64_t>(data));
  case ElementType::F16:
    return halfToDouble(load<uint16_t>(data));
  case ElementType::BF16:
    return llvm::bit_cast<float>(uint32_t(load<uint16_t>(data)) << 16);
  case ElementType::F32:
    return load<float>(data);
  case ElementType::F64:
    return load<double>(data);
  }
  llvm_unreachable("unknown element type");
}

void mlir::dropout::forEachElement(
    const ArrayView &view,
    llvm::function_ref<void(ArrayRef<int64_t>, const char *)> visit) {
  if (view.getNumElements() == 0)
    return;
  int64_t size = getElementSize(view.element);
  const char *data = static_cast<const char *>(view.data);
  SmallVector<int64_t> index(view.shape.size());
  while (true) {
    visit(index, data);
    size_t dim = view.shape.size();
    for (; dim > 0; --dim) {
      data += view.strides[dim - 1] * size;
      if (++index[dim - 1] < view.shape[dim - 1])
        break;
      data -= view.strides[dim - 1] * size * view.shape[dim - 1];
      index[dim - 1] = 0;
    }
    if (dim == 0)
      return;
  }
}

//===----------------------------------------------------------------------===//
// Printing
//===----------------------------------------------------------------------===//

static void printElement(llvm::raw_ostream &os, ElementType type,
                         const void *data) {
  switch (type) {
  case ElementType::I1:
    os << (load<uint8_t>(data) ? "true" : "false");
    return;
  case ElementType::I8:
  case ElementType::I16:
  case ElementType::I32:
    os << int64_t(getAsDouble(type, data));
    return;
  case ElementType::I64:
  case ElementType::Index:
    os << load<int64_t>(data);
    return;
  case ElementType::F64:
    os << llvm::format("%.9g", getAsDouble(type, data));
    return;
  default:
    os << llvm::format("%.6g", getAsDouble(type, data));
    return;
  }
}

/// Dims longer than this are shown by their first and last elements.
static constexpr int64_t shownAtEnds = 3;

static void printDim(llvm::raw_ostream &os, const ArrayView &view, size_t dim,
                     const char *data, bool brief) {
  if (dim == view.shape.size())
    return printElement(os, view.element, data);
  os << '[';
  int64_t size = view.shape[dim];
  int64_t step = view.strides[dim] * int64_t(getElementSize(view.element));
  for (int64_t i = 0; i < size; ++i) {
    if (i)
      os << ", ";
    if (brief && size > 2 * shownAtEnds && i == shownAtEnds) {
      os << "...";
      i = size - shownAtEnds - 1;
      continue;
    }
    printDim(os, view, dim + 1, data + i * step, brief);
  }
  os << ']';
}

void mlir::dropout::printValue(llvm::raw_ostream &os, const ArrayView &view) {
  if (view.shape.empty() && view.element == ElementType::I64 &&
      load<int64_t>(view.data) < 0) {
    // A seed or an offset, perhaps.
    os << load<int64_t>(view.data) << " (unsigned " << load<uint64_t>(view.data)
       << ")";
    return;
  }
  printDim(os, view, 0, static_cast<const char *>(view.data),
           /*brief=*/view.getNumElements() > 64);
}
