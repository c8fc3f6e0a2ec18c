//===- StateTest.cpp - Saved state and damage to it -------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RuntimeTest.h"

#include <algorithm>
#include <memory>

using namespace dropout::runtime::test;

namespace {
class StateTest : public RuntimeTest {
protected:
  /// A state with all that a blob can hold.
  static void makeState() {
    ASSERT_EQ(dropoutSetTraining(0), DROPOUT_OK);
    ASSERT_EQ(
        dropoutGeneratorSet(nullptr, 0x0123456789abcdef, 0xfedcba9876543210),
        DROPOUT_OK);
    ASSERT_EQ(dropoutGeneratorCreate("data", 1, ~uint64_t(0)), DROPOUT_OK);
    ASSERT_EQ(dropoutGeneratorCreate("t\xc3\xa9nsor", ~uint64_t(0), 2),
              DROPOUT_OK);
  }

  static void makeAnotherState() {
    ASSERT_EQ(dropoutSetTraining(1), DROPOUT_OK);
    ASSERT_EQ(dropoutGeneratorSet(nullptr, 9, 9), DROPOUT_OK);
    ASSERT_EQ(dropoutGeneratorSet("data", 9, 9), DROPOUT_OK);
    ASSERT_EQ(dropoutGeneratorDestroy("t\xc3\xa9nsor"), DROPOUT_OK);
    ASSERT_EQ(dropoutGeneratorCreate("other", 9, 9), DROPOUT_OK);
  }

  /// Restores a copy that ends where its memory ends, so that a sanitizer sees
  /// every read past it.
  static int32_t restoreExactly(const std::vector<uint8_t> &blob) {
    std::unique_ptr<uint8_t[]> copy(new uint8_t[blob.size()]);
    std::copy(blob.begin(), blob.end(), copy.get());
    return dropoutStateRestore(copy.get(), blob.size());
  }

  /// That the blob is refused with a message and nothing changes.
  static void expectRefused(const std::vector<uint8_t> &blob, int32_t expected,
                            const std::string &message = {}) {
    std::vector<uint8_t> before = saveState();
    dropoutClearStatus();
    EXPECT_EQ(restoreExactly(blob), expected);
    EXPECT_EQ(dropoutLastStatus(), expected);
    EXPECT_STRNE(dropoutLastMessage(), "");
    if (!message.empty()) {
      EXPECT_EQ(dropoutLastMessage(), message);
    }
    dropoutClearStatus();
    EXPECT_EQ(saveState(), before);
  }

  static void put32(std::vector<uint8_t> &blob, size_t at, uint32_t value) {
    for (int i = 0; i < 4; ++i)
      blob[at + i] = uint8_t(value >> (8 * i));
  }

  /// A blob that a faulty writer made: size and checksum are right.
  static std::vector<uint8_t> seal(std::vector<uint8_t> blob) {
    put32(blob, 16, uint32_t(blob.size()));
    put32(blob, blob.size() - 4, crc32(blob.data(), blob.size() - 4));
    return blob;
  }
};
} // namespace

TEST_F(StateTest, Checksum) {
  // The check value of CRC-32, so that these tests stand on firm ground.
  EXPECT_EQ(crc32(reinterpret_cast<const uint8_t *>("123456789"), 9),
            0xcbf43926u);
}

// The bytes themselves: a later runtime has to read them.
TEST_F(StateTest, GoldenBlob) {
  ASSERT_EQ(dropoutGeneratorSet(nullptr, 0x0123456789abcdef, 7), DROPOUT_OK);
  ASSERT_EQ(dropoutGeneratorCreate("data", 0xfedcba9876543210, 8), DROPOUT_OK);
  std::vector<uint8_t> expected = {
      'D',  'R',  'P',  'S',  'T',  'A',  'T',  'E',  // magic
      1,    0,    0,    0,    1,    0,    0,    0,    // versions
      76,   0,    0,    0,    0,    0,    0,    0,    // size
      1,    0,    0,    0,    1,    0,    0,    0,    // mode, count
      0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01, // default seed
      7,    0,    0,    0,    0,    0,    0,    0,    // default offset
      4,    0,    0,    0,                            // length
      0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe, // seed
      8,    0,    0,    0,    0,    0,    0,    0,    // offset
      'd',  'a',  't',  'a',                          // name
      0,    0,    0,    0,                            // checksum
  };
  EXPECT_EQ(saveState(), seal(expected));
}

TEST_F(StateTest, RoundTrip) {
  makeState();
  std::vector<uint8_t> blob = saveState();
  makeAnotherState();
  ASSERT_NE(saveState(), blob);
  ASSERT_EQ(restoreExactly(blob), DROPOUT_OK) << dropoutLastMessage();
  EXPECT_EQ(saveState(), blob);
  EXPECT_EQ(dropoutIsTraining(), 0);
  EXPECT_EQ(get(nullptr), SeedOffset(0x0123456789abcdef, 0xfedcba9876543210));
  EXPECT_EQ(get("data"), SeedOffset(1, ~uint64_t(0)));
  EXPECT_EQ(get("t\xc3\xa9nsor"), SeedOffset(~uint64_t(0), 2));
  EXPECT_EQ(dropoutGeneratorExists("other"), 0);
  EXPECT_EQ(reserve("data", 1), (Draw{0, 1, 1, ~uint64_t(0)}));
  EXPECT_EQ(reserve("data", 1), (Draw{0, 1, 1, 0}));
}

TEST_F(StateTest, ManyGenerators) {
  for (int i = 0; i < 500; ++i)
    ASSERT_EQ(
        dropoutGeneratorCreate(("rank" + std::to_string(i)).c_str(), i, i * 3),
        DROPOUT_OK);
  std::vector<uint8_t> blob = saveState();
  for (int i = 0; i < 500; i += 2)
    ASSERT_EQ(dropoutGeneratorDestroy(("rank" + std::to_string(i)).c_str()),
              DROPOUT_OK);
  ASSERT_EQ(restoreExactly(blob), DROPOUT_OK) << dropoutLastMessage();
  EXPECT_EQ(saveState(), blob);
  EXPECT_EQ(get("rank250"), SeedOffset(250, 750));
}

TEST_F(StateTest, SizeQuery) {
  makeState();
  size_t size = 0;
  ASSERT_EQ(dropoutStateSave(nullptr, 0, &size), DROPOUT_OK);
  std::vector<uint8_t> buffer(size + 1, 0xcc);
  size_t written = 0;
  EXPECT_EQ(dropoutStateSave(buffer.data(), size - 1, &written),
            DROPOUT_BUFFER_TOO_SMALL);
  EXPECT_EQ(written, size);
  EXPECT_EQ(buffer, std::vector<uint8_t>(size + 1, 0xcc));
  EXPECT_EQ(dropoutStateSave(buffer.data(), size + 1, &written), DROPOUT_OK);
  EXPECT_EQ(written, size);
  EXPECT_EQ(buffer[size], 0xcc);
  EXPECT_EQ(dropoutStateSave(buffer.data(), size, nullptr),
            DROPOUT_INVALID_ARGUMENT);
  EXPECT_EQ(dropoutStateSave(nullptr, size, &written),
            DROPOUT_INVALID_ARGUMENT);
  EXPECT_EQ(written, 0u);
  EXPECT_EQ(dropoutStateRestore(nullptr, 52), DROPOUT_INVALID_ARGUMENT);
}

TEST_F(StateTest, EveryChangedByteIsSeen) {
  makeState();
  const std::vector<uint8_t> blob = saveState();
  makeAnotherState();
  for (size_t at = 0; at < blob.size(); ++at)
    for (unsigned flip = 1; flip < 256; ++flip) {
      std::vector<uint8_t> damaged = blob;
      damaged[at] ^= uint8_t(flip);
      // All changes of each byte; whether the state stayed once per byte.
      if (flip == 1)
        expectRefused(damaged, DROPOUT_DAMAGED_STATE);
      else
        ASSERT_EQ(restoreExactly(damaged), DROPOUT_DAMAGED_STATE)
            << at << " " << flip;
      dropoutClearStatus();
    }
}

TEST_F(StateTest, EveryTruncationIsSeen) {
  makeState();
  const std::vector<uint8_t> blob = saveState();
  makeAnotherState();
  for (size_t size = 0; size < blob.size(); ++size) {
    std::vector<uint8_t> cut(blob.begin(), blob.begin() + size);
    expectRefused(cut, DROPOUT_DAMAGED_STATE);
    // Cut, and mended by someone who knows the format but lost the data.
    if (size >= 24) {
      expectRefused(seal(cut), DROPOUT_DAMAGED_STATE);
    }
  }
}

TEST_F(StateTest, EveryExtensionIsSeen) {
  makeState();
  const std::vector<uint8_t> blob = saveState();
  makeAnotherState();
  for (size_t more = 1; more < 64; ++more) {
    std::vector<uint8_t> extended = blob;
    extended.resize(blob.size() + more);
    expectRefused(extended, DROPOUT_DAMAGED_STATE,
                  "damaged state: it has " + std::to_string(extended.size()) +
                      " bytes, but says " + std::to_string(blob.size()));
    expectRefused(seal(extended), DROPOUT_DAMAGED_STATE,
                  "damaged state: there are bytes after the last generator");
  }
}

TEST_F(StateTest, SaysWhatIsWrong) {
  makeState();
  const std::vector<uint8_t> blob = saveState();
  makeAnotherState();
  auto changed = [&](size_t at, uint32_t value) {
    std::vector<uint8_t> copy = blob;
    put32(copy, at, value);
    return copy;
  };
  expectRefused({}, DROPOUT_DAMAGED_STATE,
                "damaged state: 0 bytes, fewer than any state has");
  expectRefused(std::vector<uint8_t>(100), DROPOUT_DAMAGED_STATE,
                "damaged state: it does not begin with \"DRPSTATE\"");
  expectRefused(changed(32, 5), DROPOUT_DAMAGED_STATE,
                "damaged state: the checksum does not match");
  // With a right checksum, these are true blobs of other versions ...
  expectRefused(seal(changed(8, 2)), DROPOUT_UNSUPPORTED_VERSION,
                "state of format version 2, but this runtime reads version 1");
  expectRefused(seal(changed(8, 0)), DROPOUT_UNSUPPORTED_VERSION,
                "state of format version 0, but this runtime reads version 1");
  expectRefused(
      seal(changed(12, 2)), DROPOUT_UNSUPPORTED_VERSION,
      "state of mask contract version 2, but this runtime has version 1");
  // ... or the work of a faulty writer. The first name, "data", is at 68.
  expectRefused(seal(changed(24, 2)), DROPOUT_DAMAGED_STATE,
                "damaged state: the mode is neither train nor eval");
  expectRefused(seal(changed(28, 3)), DROPOUT_DAMAGED_STATE,
                "damaged state: a generator is cut off");
  expectRefused(seal(changed(28, 0xffffffff)), DROPOUT_DAMAGED_STATE,
                "damaged state: a generator is cut off");
  expectRefused(seal(changed(28, 1)), DROPOUT_DAMAGED_STATE,
                "damaged state: there are bytes after the last generator");
  expectRefused(seal(changed(48, 0xffffffff)), DROPOUT_DAMAGED_STATE,
                "damaged state: the name of a generator is cut off");
  expectRefused(seal(changed(48, 0)), DROPOUT_DAMAGED_STATE,
                "damaged state: the name of a generator is malformed");
  // Ends are exact: the second length is at 72, for 7 bytes of name.
  expectRefused(seal(changed(72, 8)), DROPOUT_DAMAGED_STATE,
                "damaged state: the name of a generator is cut off");
  expectRefused(seal(changed(72, 2)), DROPOUT_DAMAGED_STATE,
                "damaged state: the name of a generator is malformed");
  for (size_t size = 48; size < 96; ++size)
    expectRefused(
        seal({blob.begin(), blob.begin() + size}), DROPOUT_DAMAGED_STATE,
        size < 52   ? "damaged state: " + std::to_string(size) +
                          " bytes, fewer than any state has"
        : size < 72 ? "damaged state: a generator is cut off"
        : size < 76 ? "damaged state: the name of a generator is cut off"
                    : "damaged state: a generator is cut off");
  expectRefused(seal(changed(68, 0x00616164)), DROPOUT_DAMAGED_STATE,
                "damaged state: the name of a generator is malformed");
  expectRefused(seal(changed(68, 0x7a7a7a7a)), DROPOUT_DAMAGED_STATE,
                "damaged state: the generators are not in order");
}

TEST_F(StateTest, SameNameTwice) {
  ASSERT_EQ(dropoutGeneratorCreate("aa", 1, 2), DROPOUT_OK);
  ASSERT_EQ(dropoutGeneratorCreate("ab", 3, 4), DROPOUT_OK);
  std::vector<uint8_t> blob = saveState();
  EXPECT_EQ(restoreExactly(seal(blob)), DROPOUT_OK);
  blob[blob.size() - 5] = 'a';
  expectRefused(seal(blob), DROPOUT_DAMAGED_STATE,
                "damaged state: the generators are not in order");
}

//===----------------------------------------------------------------------===//
// One generator
//===----------------------------------------------------------------------===//

namespace {
std::vector<uint8_t> encode(uint64_t seed, uint64_t offset) {
  size_t size = 0;
  EXPECT_EQ(dropoutGeneratorEncode(seed, offset, nullptr, 0, &size),
            DROPOUT_OK);
  std::vector<uint8_t> blob(size);
  EXPECT_EQ(
      dropoutGeneratorEncode(seed, offset, blob.data(), blob.size(), &size),
      DROPOUT_OK);
  EXPECT_EQ(size, blob.size());
  return blob;
}

/// Decodes a copy that ends where its memory ends.
int32_t decodeExactly(const std::vector<uint8_t> &blob, SeedOffset &at) {
  std::unique_ptr<uint8_t[]> copy(new uint8_t[blob.size()]);
  std::copy(blob.begin(), blob.end(), copy.get());
  at = {77, 77};
  return dropoutGeneratorDecode(copy.get(), blob.size(), &at.first, &at.second);
}
} // namespace

TEST_F(StateTest, GeneratorRoundTrip) {
  makeState();
  const std::vector<uint8_t> state = saveState();
  for (uint64_t seed : {uint64_t(0), uint64_t(1), uint64_t(1) << 63,
                        uint64_t(0x0123456789abcdef), ~uint64_t(0)})
    for (uint64_t offset : {uint64_t(0), uint64_t(1) << 32, ~uint64_t(0)}) {
      SeedOffset at;
      ASSERT_EQ(decodeExactly(encode(seed, offset), at), DROPOUT_OK);
      EXPECT_EQ(at, SeedOffset(seed, offset));
    }
  EXPECT_EQ(saveState(), state) << "no state is read or written";
}

// It is the blob of a process: train, no named generators.
TEST_F(StateTest, GeneratorIsAProcess) {
  ASSERT_EQ(dropoutGeneratorSet(nullptr, 0x0123456789abcdef, 7), DROPOUT_OK);
  EXPECT_EQ(encode(0x0123456789abcdef, 7), saveState());
  makeState();
  SeedOffset at;
  ASSERT_EQ(decodeExactly(saveState(), at), DROPOUT_OK)
      << "mode and named generators are passed over";
  EXPECT_EQ(at, SeedOffset(0x0123456789abcdef, 0xfedcba9876543210));
  ASSERT_EQ(restoreExactly(encode(3, 4)), DROPOUT_OK);
  EXPECT_EQ(get(nullptr), SeedOffset(3, 4));
  EXPECT_EQ(dropoutIsTraining(), 1);
  EXPECT_EQ(dropoutGeneratorExists("data"), 0);
  // An open scope is nobody's business here.
  uint64_t scope = 0;
  ASSERT_EQ(dropoutModeScopeBegin(0, &scope), DROPOUT_OK);
  EXPECT_EQ(decodeExactly(encode(5, 6), at), DROPOUT_OK);
  ASSERT_EQ(dropoutScopeEnd(scope), DROPOUT_OK);
}

TEST_F(StateTest, GeneratorSizeQuery) {
  size_t size = 0;
  ASSERT_EQ(dropoutGeneratorEncode(1, 2, nullptr, 0, &size), DROPOUT_OK);
  EXPECT_EQ(size, 52u);
  std::vector<uint8_t> buffer(size + 1, 0xcc);
  size_t written = 0;
  EXPECT_EQ(dropoutGeneratorEncode(1, 2, buffer.data(), size - 1, &written),
            DROPOUT_BUFFER_TOO_SMALL);
  EXPECT_EQ(written, size);
  EXPECT_EQ(buffer, std::vector<uint8_t>(size + 1, 0xcc));
  dropoutClearStatus();
  EXPECT_EQ(dropoutGeneratorEncode(1, 2, buffer.data(), size + 1, &written),
            DROPOUT_OK);
  EXPECT_EQ(written, size);
  EXPECT_EQ(buffer[size], 0xcc);
  EXPECT_EQ(dropoutGeneratorEncode(1, 2, buffer.data(), size, nullptr),
            DROPOUT_INVALID_ARGUMENT);
  EXPECT_EQ(dropoutGeneratorEncode(1, 2, nullptr, size, &written),
            DROPOUT_INVALID_ARGUMENT);
  EXPECT_EQ(written, 0u);
}

TEST_F(StateTest, DamagedGenerators) {
  makeState();
  const std::vector<uint8_t> state = saveState();
  auto refused = [&](const std::vector<uint8_t> &blob, int32_t expected) {
    SeedOffset at;
    EXPECT_EQ(decodeExactly(blob, at), expected);
    EXPECT_EQ(at, SeedOffset(0, 0)) << "outputs are zero on error";
    EXPECT_EQ(dropoutLastStatus(), expected);
    EXPECT_STRNE(dropoutLastMessage(), "");
    dropoutClearStatus();
  };
  const std::vector<uint8_t> blob = encode(0x0123456789abcdef, 7);
  for (size_t at = 0; at < blob.size(); ++at)
    for (unsigned flip : {1u, 0x10u, 0x80u, 0xffu}) {
      std::vector<uint8_t> damaged = blob;
      damaged[at] ^= uint8_t(flip);
      refused(damaged, DROPOUT_DAMAGED_STATE);
    }
  for (size_t size = 0; size < blob.size(); ++size)
    refused({blob.begin(), blob.begin() + size}, DROPOUT_DAMAGED_STATE);
  std::vector<uint8_t> extended = blob;
  extended.push_back(0);
  refused(extended, DROPOUT_DAMAGED_STATE);
  std::vector<uint8_t> later = blob;
  put32(later, 8, 2);
  refused(seal(later), DROPOUT_UNSUPPORTED_VERSION);
  later = blob;
  put32(later, 12, 2);
  refused(seal(later), DROPOUT_UNSUPPORTED_VERSION);

  uint64_t seed = 77, offset = 77;
  EXPECT_EQ(dropoutGeneratorDecode(nullptr, 52, &seed, &offset),
            DROPOUT_INVALID_ARGUMENT);
  EXPECT_EQ(SeedOffset(seed, offset), SeedOffset(0, 0));
  seed = offset = 77;
  EXPECT_EQ(dropoutGeneratorDecode(blob.data(), blob.size(), nullptr, &offset),
            DROPOUT_INVALID_ARGUMENT);
  EXPECT_EQ(offset, 0u);
  EXPECT_EQ(dropoutGeneratorDecode(blob.data(), blob.size(), &seed, nullptr),
            DROPOUT_INVALID_ARGUMENT);
  EXPECT_EQ(seed, 0u);
  EXPECT_EQ(saveState(), state);
}
