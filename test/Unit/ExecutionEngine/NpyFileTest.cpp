//===- NpyFileTest.cpp - The .npy format, damaged anywhere ----------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout/ExecutionEngine/NpyFile.h"

#include "llvm/Support/raw_ostream.h"
#include <cstring>
#include <gtest/gtest.h>

using namespace mlir::dropout;
using namespace llvm;

static std::string write(NpyType type, ArrayRef<int64_t> shape,
                         ArrayRef<int64_t> strides, const void *data) {
  std::string bytes;
  raw_string_ostream os(bytes);
  writeNpy(os, type, shape, strides, data);
  return bytes;
}

static bool isRefused(StringRef bytes) {
  Expected<NpyArray> array = readNpy(bytes, "x.npy");
  if (array)
    return false;
  std::string message = toString(array.takeError());
  EXPECT_TRUE(StringRef(message).starts_with("x.npy: ")) << message;
  return true;
}

TEST(NpyFile, RoundTrip) {
  float data[] = {0, 1, 2, 3, 4, 5};
  std::string bytes = write(NpyType::F32, {2, 3}, {3, 1}, data);
  EXPECT_EQ((bytes.size() - sizeof(data)) % 64, 0u);
  Expected<NpyArray> array = readNpy(bytes, "x.npy");
  ASSERT_TRUE(bool(array)) << toString(array.takeError());
  EXPECT_EQ(array->type, NpyType::F32);
  EXPECT_EQ(array->shape, (SmallVector<int64_t, 4>{2, 3}));
  EXPECT_FALSE(array->fortranOrder);
  EXPECT_EQ(std::memcmp(array->data.get(), data, sizeof(data)), 0);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(array->data.get()) % 64, 0u);

  // Strides: the transpose.
  array = readNpy(write(NpyType::F32, {3, 2}, {1, 3}, data), "x.npy");
  ASSERT_TRUE(bool(array));
  float transposed[] = {0, 3, 1, 4, 2, 5};
  EXPECT_EQ(std::memcmp(array->data.get(), transposed, sizeof(data)), 0);
}

TEST(NpyFile, RanksAndEmptyArrays) {
  double x = 3;
  for (auto shape : {SmallVector<int64_t>{}, SmallVector<int64_t>{1},
                     SmallVector<int64_t>{1, 1, 1, 1, 1, 1, 1},
                     SmallVector<int64_t>{0}, SmallVector<int64_t>{3, 0, 5}}) {
    SmallVector<int64_t> strides(shape.size(), 1);
    Expected<NpyArray> array =
        readNpy(write(NpyType::F64, shape, strides, &x), "x.npy");
    ASSERT_TRUE(bool(array)) << toString(array.takeError());
    EXPECT_EQ(ArrayRef<int64_t>(array->shape), ArrayRef<int64_t>(shape));
    EXPECT_EQ(array->getNumElements(), llvm::is_contained(shape, 0) ? 0 : 1);
  }
}

TEST(NpyFile, CutAnywhere) {
  int32_t data[] = {1, 2, 3};
  std::string bytes = write(NpyType::I32, {3}, {1}, data);
  for (size_t length = 0; length < bytes.size(); ++length)
    EXPECT_TRUE(isRefused(StringRef(bytes).take_front(length))) << length;
  EXPECT_TRUE(isRefused(bytes + "x"));
}

TEST(NpyFile, AlteredAnywhere) {
  int32_t data[] = {1, 2, 3};
  const std::string bytes = write(NpyType::I32, {3}, {1}, data);
  size_t headerLength = bytes.size() - sizeof(data);
  for (size_t i = 0; i < headerLength; ++i)
    for (int value = 0; value < 256; ++value) {
      std::string altered = bytes;
      altered[i] = char(value);
      Expected<NpyArray> array = readNpy(altered, "x.npy");
      if (!array) {
        consumeError(array.takeError());
        continue;
      }
      // What is still read has exactly the bytes that are there.
      EXPECT_EQ(array->getNumElements() * getNpySize(array->type),
                int64_t(sizeof(data)));
    }
}

TEST(NpyFile, HugeClaims) {
  std::string header = "{'descr': '<f8', 'fortran_order': False, 'shape': "
                       "(1152921504606846975,), }\n";
  std::string bytes("\x93NUMPY\1\0", 8);
  bytes += char(header.size());
  bytes += '\0';
  EXPECT_TRUE(isRefused(bytes + header + "12345678"));
  std::string longHeader("\x93NUMPY\2\0\xff\xff\xff\xff", 12);
  EXPECT_TRUE(isRefused(longHeader + header));
}
