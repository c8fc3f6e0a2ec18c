//===- ErrorTest.cpp - The thread's error slot ------------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RuntimeTest.h"

#include <set>
#include <thread>

using namespace dropout::runtime::test;

class ErrorTest : public RuntimeTest {};

TEST_F(ErrorTest, EmptyAtFirst) {
  EXPECT_EQ(dropoutLastStatus(), DROPOUT_OK);
  EXPECT_STREQ(dropoutLastMessage(), "");
}

TEST_F(ErrorTest, FirstErrorStaysUntilCleared) {
  dropoutCheckP(2);
  EXPECT_EQ(dropoutSetTraining(5), DROPOUT_INVALID_ARGUMENT);
  dropoutCheckP(3);
  EXPECT_EQ(dropoutCheckP(0.5), 0.5);
  EXPECT_EQ(dropoutSetTraining(1), DROPOUT_OK);
  EXPECT_EQ(dropoutLastStatus(), DROPOUT_INVALID_P);
  EXPECT_STREQ(dropoutLastMessage(), "expected p in [0, 1], but got 2");
  dropoutClearStatus();
  EXPECT_EQ(dropoutLastStatus(), DROPOUT_OK);
  EXPECT_STREQ(dropoutLastMessage(), "");
  dropoutCheckP(3);
  EXPECT_STREQ(dropoutLastMessage(), "expected p in [0, 1], but got 3");
}

TEST_F(ErrorTest, SlotBelongsToTheThread) {
  dropoutCheckP(2);
  std::thread([] {
    EXPECT_EQ(dropoutLastStatus(), DROPOUT_OK);
    EXPECT_STREQ(dropoutLastMessage(), "");
    dropoutCheckP(3);
    EXPECT_STREQ(dropoutLastMessage(), "expected p in [0, 1], but got 3");
  }).join();
  EXPECT_STREQ(dropoutLastMessage(), "expected p in [0, 1], but got 2");
  std::thread([] { dropoutClearStatus(); }).join();
  EXPECT_EQ(dropoutLastStatus(), DROPOUT_INVALID_P);
}

TEST_F(ErrorTest, RecordedByOthers) {
  std::string message = "expected argument #0 of 'f' to have 100 %s of 2x3";
  EXPECT_EQ(dropoutRecordError(DROPOUT_INVALID_ARGUMENT, message.c_str()),
            DROPOUT_INVALID_ARGUMENT);
  EXPECT_EQ(dropoutLastStatus(), DROPOUT_INVALID_ARGUMENT);
  std::string copy = message;
  message.assign(message.size(), '-'); // The text was copied.
  EXPECT_EQ(dropoutLastMessage(), copy);
  // The first error stays, and each call still returns its own.
  EXPECT_EQ(dropoutRecordError(DROPOUT_OUT_OF_MEMORY, "second"),
            DROPOUT_OUT_OF_MEMORY);
  EXPECT_EQ(dropoutLastMessage(), copy);

  dropoutClearStatus();
  std::string longText(5000, 'x');
  EXPECT_EQ(dropoutRecordError(DROPOUT_INTERNAL_ERROR, longText.c_str()),
            DROPOUT_INTERNAL_ERROR);
  EXPECT_EQ(dropoutLastMessage(), longText.substr(0, 1023));
}

TEST_F(ErrorTest, RecordedWithoutACode) {
  for (int32_t status : {-1, int(DROPOUT_OK), DROPOUT_GPU_ERROR + 1}) {
    dropoutClearStatus();
    EXPECT_EQ(dropoutRecordError(status, "m"), DROPOUT_INVALID_ARGUMENT);
    EXPECT_EQ(dropoutLastStatus(), DROPOUT_INVALID_ARGUMENT);
    EXPECT_EQ(dropoutLastMessage(),
              "expected a status of 1 to 14 and a message, but got status " +
                  std::to_string(status) + " and a message");
  }
  dropoutClearStatus();
  EXPECT_EQ(dropoutRecordError(DROPOUT_INVALID_P, nullptr),
            DROPOUT_INVALID_ARGUMENT);
  EXPECT_STREQ(dropoutLastMessage(), "expected a status of 1 to 14 and a "
                                     "message, but got status 1 and none");
}

TEST_F(ErrorTest, StatusNames) {
  EXPECT_STREQ(dropoutStatusName(DROPOUT_OK), "DROPOUT_OK");
  EXPECT_STREQ(dropoutStatusName(DROPOUT_INVALID_P), "DROPOUT_INVALID_P");
  EXPECT_STREQ(dropoutStatusName(DROPOUT_DAMAGED_STATE),
               "DROPOUT_DAMAGED_STATE");
  std::set<std::string> names;
  for (int32_t code = 0; code <= DROPOUT_GPU_ERROR; ++code)
    names.insert(dropoutStatusName(code));
  EXPECT_EQ(names.size(), size_t(DROPOUT_GPU_ERROR + 1));
  EXPECT_EQ(names.count("unknown status"), 0u);
  EXPECT_STREQ(dropoutStatusName(-1), "unknown status");
  EXPECT_STREQ(dropoutStatusName(DROPOUT_GPU_ERROR + 1), "unknown status");
}

// The codes are ABI: compiled code and other languages hold the numbers.
TEST_F(ErrorTest, CodesStay) {
  EXPECT_EQ(DROPOUT_OK, 0);
  EXPECT_EQ(DROPOUT_INVALID_P, 1);
  EXPECT_EQ(DROPOUT_UNKNOWN_GENERATOR, 2);
  EXPECT_EQ(DROPOUT_INVALID_ARGUMENT, 3);
  EXPECT_EQ(DROPOUT_DAMAGED_STATE, 4);
  EXPECT_EQ(DROPOUT_UNSUPPORTED_VERSION, 5);
  EXPECT_EQ(DROPOUT_GENERATOR_EXISTS, 6);
  EXPECT_EQ(DROPOUT_INVALID_SCOPE, 7);
  EXPECT_EQ(DROPOUT_OPEN_SCOPE, 8);
  EXPECT_EQ(DROPOUT_BUFFER_TOO_SMALL, 9);
  EXPECT_EQ(DROPOUT_OUT_OF_MEMORY, 10);
  EXPECT_EQ(DROPOUT_NO_ENTROPY, 11);
  EXPECT_EQ(DROPOUT_INTERNAL_ERROR, 12);
  EXPECT_EQ(DROPOUT_GPU_UNAVAILABLE, 13);
  EXPECT_EQ(DROPOUT_GPU_ERROR, 14);
}
