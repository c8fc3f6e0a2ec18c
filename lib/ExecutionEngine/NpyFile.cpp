//===- NpyFile.cpp - Arrays in NumPy's file format ------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/ExecutionEngine/NpyFile.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/CheckedArithmetic.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include <cstring>
#include <optional>

using namespace mlir::dropout;
using namespace llvm;

static_assert(endianness::native == endianness::little,
              "elements are used as they are in the file");

namespace {
struct TypeInfo {
  NpyType type;
  StringLiteral descr;
  unsigned size;
};
} // namespace

static constexpr TypeInfo typeInfos[] = {
    {NpyType::Bool, "|b1", 1}, {NpyType::I8, "|i1", 1},
    {NpyType::I16, "<i2", 2},  {NpyType::I32, "<i4", 4},
    {NpyType::I64, "<i8", 8},  {NpyType::U8, "|u1", 1},
    {NpyType::U16, "<u2", 2},  {NpyType::U32, "<u4", 4},
    {NpyType::U64, "<u8", 8},  {NpyType::F16, "<f2", 2},
    {NpyType::F32, "<f4", 4},  {NpyType::F64, "<f8", 8}};

StringRef mlir::dropout::getNpyDescr(NpyType type) {
  return typeInfos[unsigned(type)].descr;
}

unsigned mlir::dropout::getNpySize(NpyType type) {
  return typeInfos[unsigned(type)].size;
}

int64_t NpyArray::getNumElements() const {
  int64_t result = 1;
  for (int64_t size : shape)
    result *= size;
  return result;
}

SmallVector<int64_t, 4> NpyArray::getStrides() const {
  SmallVector<int64_t, 4> strides(shape.size());
  int64_t stride = 1;
  for (size_t i = 0; i < shape.size(); ++i) {
    size_t dim = fortranOrder ? i : shape.size() - 1 - i;
    strides[dim] = stride;
    stride *= shape[dim];
  }
  return strides;
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

/// NumPy writes headers of about 100 bytes and refuses ones above 10,000.
static constexpr uint64_t maxHeaderLength = 10000;

/// NumPy's own limit.
static constexpr size_t maxRank = 64;

namespace {

/// Bytes from the start of a file, and the file's length.
struct Header {
  NpyType type;
  SmallVector<int64_t, 4> shape;
  bool fortranOrder;
  uint64_t dataOffset;
  uint64_t dataLength;
};

/// Reads the Python literal `{'descr': '<f4', 'fortran_order': False,
/// 'shape': (2, 3), }`: keys in any order, each exactly once.
class HeaderParser {
public:
  explicit HeaderParser(StringRef text) : rest(text) {}

  Error parse(Header &header);

private:
  bool consume(StringRef token) {
    rest = rest.ltrim(" \t\n");
    return rest.consume_front(token);
  }
  Error expected(const Twine &what) {
    StringRef got = rest.ltrim(" \t\n").take_front(20);
    std::string escaped;
    raw_string_ostream os(escaped);
    printEscapedString(got, os);
    return createStringError("expected " + what + " in the header, but got '" +
                             escaped + "'");
  }
  std::optional<StringRef> parseString() {
    for (StringRef quote : {"'", "\""}) {
      if (!consume(quote))
        continue;
      size_t end = rest.find_first_of("'\"\\\n");
      if (end == StringRef::npos || !rest.substr(end).starts_with(quote))
        return std::nullopt;
      StringRef result = rest.take_front(end);
      rest = rest.drop_front(end + 1);
      return result;
    }
    return std::nullopt;
  }
  Error parseDescr(Header &header);
  Error parseShape(Header &header);

  StringRef rest;
};

} // namespace

Error HeaderParser::parseDescr(Header &header) {
  std::optional<StringRef> descr = parseString();
  if (!descr)
    return expected("a plain dtype string");
  for (const TypeInfo &info : typeInfos)
    // One byte has no order; some writers state one.
    if (*descr == info.descr ||
        (info.size == 1 && descr->size() == 3 && (*descr)[0] == '<' &&
         descr->drop_front() == info.descr.drop_front())) {
      header.type = info.type;
      return Error::success();
    }
  std::string escaped;
  raw_string_ostream os(escaped);
  printEscapedString(descr->take_front(40), os);
  return createStringError(
      "expected dtype |b1, |i1, |u1, <i2, <i4, <i8, <u2, <u4, <u8, <f2, <f4 or "
      "<f8 (little-endian), but got '" +
      escaped + "'");
}

Error HeaderParser::parseShape(Header &header) {
  if (!consume("("))
    return expected("'(' and the shape");
  while (!consume(")")) {
    rest = rest.ltrim(" \t\n");
    StringRef digits = rest.take_while(isDigit);
    int64_t size;
    if (digits.empty() || digits.getAsInteger(10, size))
      return expected("a size of at most 63 bits");
    rest = rest.drop_front(digits.size());
    header.shape.push_back(size);
    if (header.shape.size() > maxRank)
      return createStringError("expected at most " + Twine(maxRank) + " dims");
    if (consume(","))
      continue;
    if (!consume(")"))
      return expected("',' or ')'");
    break;
  }
  return Error::success();
}

Error HeaderParser::parse(Header &header) {
  bool hasDescr = false, hasOrder = false, hasShape = false;
  if (!consume("{"))
    return expected("'{'");
  while (!consume("}")) {
    std::optional<StringRef> key = parseString();
    if (!key)
      return expected("a key");
    bool *seen = StringSwitch<bool *>(*key)
                     .Case("descr", &hasDescr)
                     .Case("fortran_order", &hasOrder)
                     .Case("shape", &hasShape)
                     .Default(nullptr);
    if (!seen || *seen)
      return createStringError("expected the keys 'descr', 'fortran_order' and "
                               "'shape' once each in the header");
    *seen = true;
    if (!consume(":"))
      return expected("':'");
    if (seen == &hasDescr) {
      if (Error error = parseDescr(header))
        return error;
    } else if (seen == &hasShape) {
      if (Error error = parseShape(header))
        return error;
    } else if (consume("True")) {
      header.fortranOrder = true;
    } else if (consume("False")) {
      header.fortranOrder = false;
    } else {
      return expected("True or False");
    }
    if (consume(","))
      continue;
    if (!consume("}"))
      return expected("',' or '}'");
    break;
  }
  if (!hasDescr || !hasOrder || !hasShape)
    return createStringError("expected the keys 'descr', 'fortran_order' and "
                             "'shape' once each in the header");
  if (!rest.trim(" \t\n").empty())
    return expected("nothing after '}'");
  return Error::success();
}

/// The length of magic, version and header length, and the header's length.
static Error parsePreamble(StringRef bytes, uint64_t &start, uint64_t &length) {
  if (!bytes.starts_with("\x93NUMPY"))
    return createStringError(
        "expected a .npy file, but its first bytes differ");
  if (bytes.size() < 10)
    return createStringError("expected a complete header, but the file ends");
  unsigned major = uint8_t(bytes[6]), minor = uint8_t(bytes[7]);
  if (major < 1 || major > 3 || minor != 0)
    return createStringError(
        "expected format version 1.0, 2.0 or 3.0, but got " + Twine(major) +
        "." + Twine(minor));
  if (major == 1) {
    start = 10;
    length = support::endian::read16le(bytes.data() + 8);
  } else {
    start = 12;
    if (bytes.size() < start)
      return createStringError("expected a complete header, but the file ends");
    length = support::endian::read32le(bytes.data() + 8);
  }
  if (length > maxHeaderLength)
    return createStringError("expected a header of at most " +
                             Twine(maxHeaderLength) + " bytes, but got " +
                             Twine(length));
  return Error::success();
}

/// Checks everything but the elements. \p bytes has at least the header, or the
/// whole file if that is shorter.
static Expected<Header> parseHeader(StringRef bytes, uint64_t fileLength) {
  uint64_t start, length;
  if (Error error = parsePreamble(bytes, start, length))
    return error;
  if (bytes.size() < start + length)
    return createStringError("expected a complete header, but the file ends");
  Header header;
  if (Error error = HeaderParser(bytes.substr(start, length)).parse(header))
    return error;
  header.dataOffset = start + length;

  // The product over the sizes that are not 0, so that a size after a 0 is
  // checked as well.
  std::optional<int64_t> total = getNpySize(header.type);
  bool empty = false;
  for (int64_t size : header.shape) {
    if (size == 0)
      empty = true;
    else if (total)
      total = checkedMul(*total, size);
  }
  if (!total)
    return createStringError("expected a shape of less than 2^63 bytes");
  header.dataLength = empty ? 0 : *total;
  uint64_t got = fileLength - header.dataOffset;
  if (got != header.dataLength)
    return createStringError("expected " + Twine(header.dataLength) +
                             " bytes of elements, but got " + Twine(got));
  return header;
}

static Error checkBools(const NpyArray &array, uint64_t length) {
  if (array.type != NpyType::Bool)
    return Error::success();
  const auto *bytes = static_cast<const uint8_t *>(array.data.get());
  const auto *end = bytes + length;
  const auto *bad = std::find_if(bytes, end, [](uint8_t b) { return b > 1; });
  if (bad == end)
    return Error::success();
  return createStringError("expected bool elements 0 or 1, but got " +
                           Twine(unsigned(*bad)));
}

/// An array with memory for its elements.
static Expected<NpyArray> allocate(const Header &header) {
  NpyArray array;
  array.type = header.type;
  array.shape = header.shape;
  array.fortranOrder = header.fortranOrder;
  if (header.dataLength) {
    // aligned_alloc wants a multiple of the alignment.
    array.data.reset(
        std::aligned_alloc(64, (header.dataLength + 63) / 64 * 64));
    if (!array.data)
      return createStringError("not enough memory for " +
                               Twine(header.dataLength) + " bytes");
  }
  return array;
}

static Error addName(StringRef name, Error error) {
  return createStringError(name + ": " + toString(std::move(error)));
}

Expected<NpyArray> mlir::dropout::readNpy(StringRef bytes, StringRef name) {
  Expected<Header> header = parseHeader(bytes, bytes.size());
  if (!header)
    return addName(name, header.takeError());
  Expected<NpyArray> array = allocate(*header);
  if (!array)
    return addName(name, array.takeError());
  if (header->dataLength)
    std::memcpy(array->data.get(), bytes.data() + header->dataOffset,
                header->dataLength);
  if (Error error = checkBools(*array, header->dataLength))
    return addName(name, std::move(error));
  return array;
}

/// Reads exactly \p length bytes.
static Error readExactly(sys::fs::file_t file, char *to, uint64_t length,
                         uint64_t offset) {
  while (length) {
    // One call takes at most 2 GiB on some systems.
    size_t chunk = std::min<uint64_t>(length, 1 << 30);
    Expected<size_t> got = sys::fs::readNativeFileSlice(
        file, MutableArrayRef<char>(to, chunk), offset);
    if (!got)
      return got.takeError();
    if (*got == 0)
      return createStringError("the file became shorter while it was read");
    to += *got;
    offset += *got;
    length -= *got;
  }
  return Error::success();
}

static Expected<NpyArray> readOpenFile(sys::fs::file_t file) {
  sys::fs::file_status status;
  if (std::error_code code = sys::fs::status(file, status))
    return errorCodeToError(code);
  if (!sys::fs::is_regular_file(status))
    return createStringError("expected a regular file");
  SmallVector<char, 0> start(
      std::min<uint64_t>(status.getSize(), 12 + maxHeaderLength));
  if (Error error = readExactly(file, start.data(), start.size(), 0))
    return error;
  Expected<Header> header =
      parseHeader(StringRef(start.data(), start.size()), status.getSize());
  if (!header)
    return header.takeError();
  Expected<NpyArray> array = allocate(*header);
  if (!array)
    return array.takeError();
  if (Error error = readExactly(file, static_cast<char *>(array->data.get()),
                                header->dataLength, header->dataOffset))
    return error;
  if (Error error = checkBools(*array, header->dataLength))
    return error;
  return array;
}

Expected<NpyArray> mlir::dropout::readNpyFile(StringRef path) {
  Expected<sys::fs::file_t> file = sys::fs::openNativeFileForRead(path);
  if (!file)
    return addName(path, file.takeError());
  Expected<NpyArray> array = readOpenFile(*file);
  sys::fs::closeFile(*file);
  if (!array)
    return addName(path, array.takeError());
  return array;
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

/// Calls \p visit with the address of each run of elements that lie side by
/// side, in C order, and the run's number of elements.
static void forEachRun(const char *data, unsigned size, ArrayRef<int64_t> shape,
                       ArrayRef<int64_t> strides,
                       function_ref<void(const char *, int64_t)> visit) {
  if (llvm::is_contained(shape, 0))
    return;
  // The innermost dims that are contiguous together.
  int64_t run = 1;
  while (!shape.empty() && (strides.back() == run || shape.back() == 1)) {
    run *= shape.back();
    shape = shape.drop_back();
    strides = strides.drop_back();
  }
  SmallVector<int64_t> index(shape.size());
  while (true) {
    visit(data, run);
    size_t dim = shape.size();
    while (dim > 0) {
      --dim;
      data += strides[dim] * int64_t(size);
      if (++index[dim] < shape[dim])
        break;
      data -= strides[dim] * int64_t(size) * shape[dim];
      index[dim] = 0;
      if (dim == 0)
        return;
    }
    if (shape.empty())
      return;
  }
}

void mlir::dropout::copyToContiguous(void *to, const void *from, unsigned size,
                                     ArrayRef<int64_t> shape,
                                     ArrayRef<int64_t> strides) {
  char *next = static_cast<char *>(to);
  forEachRun(static_cast<const char *>(from), size, shape, strides,
             [&](const char *data, int64_t count) {
               std::memcpy(next, data, count * size);
               next += count * size;
             });
}

void mlir::dropout::writeNpy(raw_ostream &os, NpyType type,
                             ArrayRef<int64_t> shape, ArrayRef<int64_t> strides,
                             const void *data) {
  std::string header;
  raw_string_ostream text(header);
  text << "{'descr': '" << getNpyDescr(type)
       << "', 'fortran_order': False, 'shape': (";
  interleaveComma(shape, text);
  text << (shape.size() == 1 ? ",), }" : "), }");
  // Elements start at a multiple of 64 bytes; the header ends with a newline.
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  char length[2];
  support::endian::write16le(length, header.size());
  os << "\x93NUMPY" << '\1' << '\0' << StringRef(length, 2) << header;
  unsigned size = getNpySize(type);
  forEachRun(static_cast<const char *>(data), size, shape, strides,
             [&](const char *run, int64_t count) {
               os << StringRef(run, count * size);
             });
}
