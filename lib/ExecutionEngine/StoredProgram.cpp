//===- StoredProgram.cpp - Compiled programs as bytes ---------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "StoredProgram.h"
#include "HostTarget.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/Endian.h"

using namespace mlir;
using namespace mlir::dropout;

std::string mlir::dropout::getInvokerName(size_t index) {
  return ("dropout.invoke." + Twine(index)).str();
}

//===----------------------------------------------------------------------===//
// The key
//===----------------------------------------------------------------------===//

namespace {
/// Hashes a sequence of values such that no two sequences give the same bytes.
class KeyBuilder {
public:
  void add(uint64_t value) {
    uint8_t bytes[8];
    llvm::support::endian::write64le(bytes, value);
    hash.update(bytes);
  }
  void add(StringRef text) {
    add(uint64_t(text.size()));
    hash.update(text);
  }
  ObjectKey finish() { return hash.final(); }

private:
  llvm::BLAKE3 hash;
};
} // namespace

/// Raised whenever StoredProgram changes its bytes.
static constexpr uint64_t storedVersion = 1;

std::optional<ObjectKey>
mlir::dropout::getObjectKey(StringRef source, const CompileOptions &options) {
  if (getBuildIdentity().empty())
    return std::nullopt;
  const HostTarget &target = getHostTarget();
  KeyBuilder key;
  key.add(storedVersion);
  key.add(getBuildIdentity());
  key.add(target.triple);
  key.add(target.cpu);
  key.add(target.features);
  // A new option does not compile before it is added here, or named as one that
  // the code does not depend on.
  const auto &[device, chip, kernelFormat, lowering, threads, nontemporalBytes,
               vectorMath, optimizationLevel, cpu, features, triple, function,
               verifyEach, forwardDiagnostics] = options;
  key.add(uint64_t(device));
  key.add(chip);
  key.add(uint64_t(kernelFormat));
  key.add(uint64_t(lowering));
  key.add(uint64_t(threads));
  key.add(uint64_t(nontemporalBytes));
  key.add(uint64_t(vectorMath && hasVectorMath()));
  key.add(uint64_t(optimizationLevel));
  key.add(cpu);
  key.add(features);
  key.add(triple);
  key.add(function);
  (void)verifyEach;
  (void)forwardDiagnostics;
  key.add(source);
  return key.finish();
}

//===----------------------------------------------------------------------===//
// The bytes
//===----------------------------------------------------------------------===//

namespace {
class Writer {
public:
  explicit Writer(SmallVectorImpl<char> &bytes) : bytes(bytes) {}

  void write(uint64_t value) {
    char text[8];
    llvm::support::endian::write64le(text, value);
    bytes.append(text, text + 8);
  }
  void write(StringRef text) {
    write(uint64_t(text.size()));
    bytes.append(text.begin(), text.end());
  }
  void write(ArrayRef<int64_t> values) {
    write(uint64_t(values.size()));
    for (int64_t value : values)
      write(uint64_t(value));
  }
  void write(const ValueType &type) {
    write(uint64_t(type.kind));
    write(uint64_t(type.element));
    write(uint64_t(type.role));
    write(ArrayRef<int64_t>(type.shape));
    write(ArrayRef<int64_t>(type.strides));
    write(uint64_t(type.offset));
    write(uint64_t(type.isContiguous));
    write(StringRef(type.text));
  }
  void write(const Signature &signature) {
    write(StringRef(signature.name));
    write(StringRef(signature.entryPoint));
    writeAll(signature.arguments);
    writeAll(signature.results);
  }
  template <typename T>
  void writeAll(const std::vector<T> &values) {
    write(uint64_t(values.size()));
    for (const T &value : values)
      write(value);
  }

private:
  SmallVectorImpl<char> &bytes;
};

/// Reads what Writer has written. Once something is wrong everything fails.
class Reader {
public:
  explicit Reader(StringRef bytes) : bytes(bytes) {}

  bool read(uint64_t &value) {
    if (bytes.size() < 8)
      return false;
    value = llvm::support::endian::read64le(bytes.data());
    bytes = bytes.drop_front(8);
    return true;
  }
  bool read(int64_t &value) {
    uint64_t bits;
    if (!read(bits))
      return false;
    value = int64_t(bits);
    return true;
  }
  bool read(StringRef &text) {
    uint64_t size;
    if (!read(size) || bytes.size() < size)
      return false;
    text = bytes.take_front(size);
    bytes = bytes.drop_front(size);
    return true;
  }
  bool read(std::string &text) {
    StringRef view;
    if (!read(view))
      return false;
    text = view.str();
    return true;
  }
  bool read(bool &value) {
    uint64_t number;
    if (!read(number) || number > 1)
      return false;
    value = number != 0;
    return true;
  }
  template <typename Enum>
  bool readEnum(Enum &value, Enum last) {
    uint64_t number;
    if (!read(number) || number > uint64_t(last))
      return false;
    value = Enum(number);
    return true;
  }
  bool read(ValueType &type) {
    return readEnum(type.kind, ValueType::Kind::MemRef) &&
           readEnum(type.element, ElementType::F64) &&
           readEnum(type.role, ArgumentRole::Training) && readAll(type.shape) &&
           readAll(type.strides) && read(type.offset) &&
           read(type.isContiguous) && read(type.text);
  }
  bool read(Signature &signature) {
    return read(signature.name) && read(signature.entryPoint) &&
           readAll(signature.arguments) && readAll(signature.results);
  }
  template <typename Container>
  bool readAll(Container &values) {
    uint64_t size;
    // Each takes 8 bytes at least: a size that is wrong takes no memory.
    if (!read(size) || size > bytes.size() / 8)
      return false;
    values.resize(size);
    for (auto &value : values)
      if (!read(value))
        return false;
    return true;
  }
  bool isAtEnd() const { return bytes.empty(); }

private:
  StringRef bytes;
};
} // namespace

llvm::SmallString<0> StoredProgram::write() const {
  llvm::SmallString<0> bytes;
  Writer writer(bytes);
  // 16 bytes, so that the object stays aligned.
  writer.write(uint64_t(object.size()));
  writer.write(storedVersion);
  bytes += object;
  writer.writeAll(signatures);
  return bytes;
}

std::optional<StoredProgram> StoredProgram::read(StringRef bytes) {
  uint64_t size, version;
  Reader header(bytes);
  if (!header.read(size) || !header.read(version) || version != storedVersion ||
      bytes.size() - 16 < size)
    return std::nullopt;
  StoredProgram program;
  program.object = bytes.substr(16, size);
  Reader reader(bytes.drop_front(16 + size));
  if (!reader.readAll(program.signatures) || !reader.isAtEnd())
    return std::nullopt;
  return program;
}
