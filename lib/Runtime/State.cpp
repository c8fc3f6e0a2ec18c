//===- State.cpp - Saved state ----------------------------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A blob, all numbers unsigned and little-endian:
//
//   bytes  what
//       8  "DRPSTATE"
//       4  format version, 1
//       4  mask contract version, 1
//       8  size of the whole blob
//       4  mode: 1 train, 0 eval
//       4  number n of named generators
//      16  default generator: seed, offset
//          n times, names in strictly ascending byte order:
//       4    length of the name
//      16    seed, offset
//       .    the name, without NUL
//       4  CRC-32 (that of zlib and PNG) of all bytes before
//
// Magic, format version, size and CRC keep their places in every later format,
// so a blob that was altered is told from one of another version. A CRC-32 sees
// every change of up to 32 adjacent bits.
//
//===----------------------------------------------------------------------===//

#include "Error.h"
#include "Name.h"
#include "Process.h"

#include "dropout/Runtime/Runtime.h"

#include <cstring>

using namespace dropout::runtime;

static constexpr char magic[] = {'D', 'R', 'P', 'S', 'T', 'A', 'T', 'E'};
static constexpr uint32_t formatVersion = 1;
static constexpr size_t headerSize = 48;
static constexpr size_t generatorSize = 20; // and the name
static constexpr size_t checksumSize = 4;

/// Bit by bit: blobs are small, and a table would be most of this file's code.
static uint32_t crc32(const unsigned char *bytes, size_t size) {
  uint32_t crc = 0xffffffff;
  for (size_t i = 0; i < size; ++i) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; ++bit)
      crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc;
}

namespace {

class Writer {
public:
  explicit Writer(void *buffer)
      : begin(static_cast<unsigned char *>(buffer)), at(begin) {}

  template <typename Int>
  void number(Int value) {
    for (size_t i = 0; i < sizeof(Int); ++i)
      *at++ = static_cast<unsigned char>(value >> (8 * i));
  }
  void text(const char *bytes, size_t size) {
    std::memcpy(at, bytes, size);
    at += size;
  }
  void checksum() { number(crc32(begin, static_cast<size_t>(at - begin))); }

private:
  unsigned char *begin;
  unsigned char *at;
};

/// Reads what the caller knows to be there.
class Reader {
public:
  Reader(const void *data, size_t size)
      : at(static_cast<const unsigned char *>(data)), left(size) {}

  size_t bytesLeft() const { return left; }
  template <typename Int>
  Int number() {
    Int value = 0;
    for (size_t i = 0; i < sizeof(Int); ++i)
      value |= static_cast<Int>(at[i]) << (8 * i);
    skip(sizeof(Int));
    return value;
  }
  std::string_view text(size_t size) {
    std::string_view result(reinterpret_cast<const char *>(at), size);
    skip(size);
    return result;
  }
  void skip(size_t size) {
    at += size;
    left -= size;
  }

private:
  const unsigned char *at;
  size_t left;
};

/// What a blob holds.
struct SavedState {
  bool training = true;
  Generator defaultGenerator;
  GeneratorMap named;
};

} // namespace

static int32_t recordDamage(const char *what) {
  return recordError(DROPOUT_DAMAGED_STATE, "damaged state: %s", what);
}

/// Reads a blob that may be anything. Order matters: what proves that the bytes
/// are as they were written comes before what they mean.
static int32_t parse(const void *data, size_t size, SavedState &saved) {
  if (size < headerSize + checksumSize)
    return recordError(DROPOUT_DAMAGED_STATE,
                       "damaged state: %zu bytes, fewer than any state has",
                       size);
  if (std::memcmp(data, magic, sizeof(magic)) != 0)
    return recordDamage("it does not begin with \"DRPSTATE\"");

  Reader reader(data, size);
  reader.skip(sizeof(magic));
  auto version = reader.number<uint32_t>();
  auto contract = reader.number<uint32_t>();
  auto writtenSize = reader.number<uint64_t>();
  if (writtenSize != size)
    return recordError(DROPOUT_DAMAGED_STATE,
                       "damaged state: it has %zu bytes, but says %llu", size,
                       static_cast<unsigned long long>(writtenSize));
  auto *bytes = static_cast<const unsigned char *>(data);
  size_t checkedSize = size - checksumSize;
  if (crc32(bytes, checkedSize) !=
      Reader(bytes + checkedSize, checksumSize).number<uint32_t>())
    return recordDamage("the checksum does not match");
  if (version != formatVersion)
    return recordError(DROPOUT_UNSUPPORTED_VERSION,
                       "state of format version %u, but this runtime reads "
                       "version %u",
                       static_cast<unsigned>(version),
                       static_cast<unsigned>(formatVersion));
  if (contract != DROPOUT_MASK_CONTRACT_VERSION)
    return recordError(DROPOUT_UNSUPPORTED_VERSION,
                       "state of mask contract version %u, but this runtime "
                       "has version %u",
                       static_cast<unsigned>(contract),
                       static_cast<unsigned>(DROPOUT_MASK_CONTRACT_VERSION));

  // From here on only a faulty or hostile writer can be the cause.
  auto mode = reader.number<uint32_t>();
  if (mode > 1)
    return recordDamage("the mode is neither train nor eval");
  saved.training = mode == 1;
  auto count = reader.number<uint32_t>();
  saved.defaultGenerator.seed = reader.number<uint64_t>();
  saved.defaultGenerator.offset = reader.number<uint64_t>();
  for (uint32_t i = 0; i < count; ++i) {
    if (reader.bytesLeft() < generatorSize + checksumSize)
      return recordDamage("a generator is cut off");
    Generator generator;
    auto length = reader.number<uint32_t>();
    generator.seed = reader.number<uint64_t>();
    generator.offset = reader.number<uint64_t>();
    if (length > reader.bytesLeft() - checksumSize)
      return recordDamage("the name of a generator is cut off");
    std::string_view name = reader.text(length);
    if (findNameDefect(name))
      return recordDamage("the name of a generator is malformed");
    if (!saved.named.empty() && saved.named.rbegin()->first >= name)
      return recordDamage("the generators are not in order");
    saved.named.emplace_hint(saved.named.end(), name, generator);
  }
  if (reader.bytesLeft() != checksumSize)
    return recordDamage("there are bytes after the last generator");
  return DROPOUT_OK;
}

/// Writes a blob, in the way that dropoutStateSave describes.
static int32_t write(bool training, const Generator &defaultGenerator,
                     const GeneratorMap &named, void *buffer, size_t capacity,
                     size_t *outSize) {
  size_t size = headerSize + checksumSize;
  for (const auto &entry : named)
    size += generatorSize + entry.first.size();
  *outSize = size;
  if (!buffer)
    return DROPOUT_OK;
  if (capacity < size)
    return recordError(DROPOUT_BUFFER_TOO_SMALL,
                       "the state needs %zu bytes, but the buffer has %zu",
                       size, capacity);

  Writer writer(buffer);
  writer.text(magic, sizeof(magic));
  writer.number<uint32_t>(formatVersion);
  writer.number<uint32_t>(DROPOUT_MASK_CONTRACT_VERSION);
  writer.number<uint64_t>(size);
  writer.number<uint32_t>(training);
  writer.number<uint32_t>(static_cast<uint32_t>(named.size()));
  writer.number<uint64_t>(defaultGenerator.seed);
  writer.number<uint64_t>(defaultGenerator.offset);
  for (const auto &entry : named) {
    writer.number<uint32_t>(static_cast<uint32_t>(entry.first.size()));
    writer.number<uint64_t>(entry.second.seed);
    writer.number<uint64_t>(entry.second.offset);
    writer.text(entry.first.data(), entry.first.size());
  }
  writer.checksum();
  return DROPOUT_OK;
}

/// Checks where a blob goes; `*outSize` is 0 from then on.
static int32_t checkBuffer(const void *buffer, size_t capacity,
                           size_t *outSize) {
  if (outSize)
    *outSize = 0;
  if (!outSize || (!buffer && capacity))
    return recordError(DROPOUT_INVALID_ARGUMENT,
                       "expected outSize, and a buffer of the capacity that "
                       "was given, but got NULL");
  return DROPOUT_OK;
}

int32_t dropoutStateSave(void *buffer, size_t capacity,
                         size_t *outSize) noexcept {
  return guarded([&]() -> int32_t {
    if (int32_t status = checkBuffer(buffer, capacity, outSize))
      return status;
    LockedState state;
    return write(state->training, state->defaultGenerator, state->named, buffer,
                 capacity, outSize);
  });
}

int32_t dropoutGeneratorEncode(uint64_t seed, uint64_t offset, void *buffer,
                               size_t capacity, size_t *outSize) noexcept {
  return guarded([&]() -> int32_t {
    if (int32_t status = checkBuffer(buffer, capacity, outSize))
      return status;
    Generator generator;
    generator.seed = seed;
    generator.offset = offset;
    return write(/*training=*/true, generator, {}, buffer, capacity, outSize);
  });
}

int32_t dropoutGeneratorDecode(const void *data, size_t size, uint64_t *outSeed,
                               uint64_t *outOffset) noexcept {
  if (outSeed)
    *outSeed = 0;
  if (outOffset)
    *outOffset = 0;
  return guarded([&]() -> int32_t {
    if (!data || !outSeed || !outOffset)
      return recordError(DROPOUT_INVALID_ARGUMENT,
                         "expected a state, and where to put seed and offset, "
                         "but got NULL");
    SavedState saved;
    if (int32_t status = parse(data, size, saved))
      return status;
    *outSeed = saved.defaultGenerator.seed;
    *outOffset = saved.defaultGenerator.offset;
    return DROPOUT_OK;
  });
}

int32_t dropoutStateRestore(const void *data, size_t size) noexcept {
  return guarded([&]() -> int32_t {
    if (!data)
      return recordError(DROPOUT_INVALID_ARGUMENT,
                         "expected a state, but got NULL");
    SavedState saved;
    if (int32_t status = parse(data, size, saved))
      return status;
    LockedState state;
    if (!state->openScopes.empty())
      return recordError(DROPOUT_OPEN_SCOPE,
                         "the state can't be restored while scopes are open "
                         "(%zu of them)",
                         state->openScopes.size());
    // Nothing below throws; the old generators go when the lock has gone.
    state->training = saved.training;
    state->defaultGenerator = saved.defaultGenerator;
    state->named.swap(saved.named);
    return DROPOUT_OK;
  });
}
