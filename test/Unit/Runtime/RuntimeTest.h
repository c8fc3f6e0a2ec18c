//===- RuntimeTest.h - What the tests of the runtime share ------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_TEST_UNIT_RUNTIME_RUNTIMETEST_H
#define DROPOUT_TEST_UNIT_RUNTIME_RUNTIMETEST_H

#include "dropout/Runtime/Runtime.h"

#include "gtest/gtest.h"

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

namespace dropout::runtime::test {

/// Mode, offset and seed, as one draw gives them.
struct Draw {
  int status = -1;
  int8_t training = -1;
  uint64_t seed = 77;
  uint64_t offset = 77;

  bool operator==(const Draw &other) const {
    return status == other.status && training == other.training &&
           seed == other.seed && offset == other.offset;
  }
};

inline std::ostream &operator<<(std::ostream &os, const Draw &draw) {
  return os << "{status " << draw.status << ", training " << int(draw.training)
            << ", seed " << draw.seed << ", offset " << draw.offset << "}";
}

inline Draw reserve(const char *name, int training = DROPOUT_RUNTIME_MODE) {
  Draw draw;
  draw.status =
      dropoutReserve(name, training, &draw.training, &draw.seed, &draw.offset);
  return draw;
}

inline std::vector<uint8_t> saveState() {
  size_t size = 0;
  EXPECT_EQ(dropoutStateSave(nullptr, 0, &size), DROPOUT_OK);
  std::vector<uint8_t> blob(size);
  EXPECT_EQ(dropoutStateSave(blob.data(), blob.size(), &size), DROPOUT_OK);
  EXPECT_EQ(size, blob.size());
  return blob;
}

inline int32_t restoreState(const std::vector<uint8_t> &blob) {
  return dropoutStateRestore(blob.data(), blob.size());
}

inline std::pair<uint64_t, uint64_t> get(const char *name) {
  uint64_t seed = 77, offset = 77;
  EXPECT_EQ(dropoutGeneratorGet(name, &seed, &offset), DROPOUT_OK);
  return {seed, offset};
}

using SeedOffset = std::pair<uint64_t, uint64_t>;

/// CRC-32 as in zlib, not shared with the runtime.
inline uint32_t crc32(const uint8_t *bytes, size_t size) {
  uint32_t crc = ~uint32_t(0);
  for (size_t i = 0; i < size * 8; ++i) {
    uint32_t bit = (bytes[i / 8] >> (i % 8)) & 1;
    crc = ((crc ^ bit) & 1) ? (crc >> 1) ^ 0xedb88320 : crc >> 1;
  }
  return ~crc;
}

/// Starts every test from the initial state and fails it when it leaves a scope
/// open.
class RuntimeTest : public ::testing::Test {
protected:
  void SetUp() override {
    dropoutClearStatus();
    initial = saveState();
  }
  void TearDown() override {
    dropoutClearStatus();
    EXPECT_EQ(restoreState(initial), DROPOUT_OK) << dropoutLastMessage();
  }

  /// That `status` is the error that was just recorded, and clears it.
  static void expectError(int32_t status, int32_t expected,
                          const std::string &message) {
    EXPECT_EQ(status, expected);
    EXPECT_EQ(dropoutLastStatus(), expected);
    EXPECT_EQ(dropoutLastMessage(), message);
    dropoutClearStatus();
  }

private:
  std::vector<uint8_t> initial;
};

} // namespace dropout::runtime::test

#endif // DROPOUT_TEST_UNIT_RUNTIME_RUNTIMETEST_H
