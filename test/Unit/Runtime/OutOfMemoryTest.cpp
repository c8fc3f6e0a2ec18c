//===- OutOfMemoryTest.cpp - No exception leaves the runtime ----*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Replaces operator new for this test program, with one that fails on demand.
//
//===----------------------------------------------------------------------===//

#include "RuntimeTest.h"

#include <cstdlib>
#include <new>

using namespace dropout::runtime::test;

/// Allocations of this thread that still succeed; negative: all of them.
static thread_local int allocationsLeft = -1;

// Not inlined: GCC would see malloc and free in one place and new and delete
// in another, and warn of a mismatch.
#if defined(__GNUC__)
#define NOINLINE __attribute__((noinline))
#else
#define NOINLINE
#endif

NOINLINE void *operator new(size_t size) {
  if (allocationsLeft == 0)
    throw std::bad_alloc();
  if (allocationsLeft > 0)
    --allocationsLeft;
  if (void *memory = std::malloc(size ? size : 1))
    return memory;
  throw std::bad_alloc();
}

// A sanitizer has its own of these, whose memory is not free's.
NOINLINE void *operator new(size_t size, const std::nothrow_t &) noexcept {
  try {
    return operator new(size);
  } catch (const std::bad_alloc &) {
    return nullptr;
  }
}

NOINLINE void operator delete(void *memory) noexcept { std::free(memory); }
NOINLINE void operator delete(void *memory, size_t) noexcept {
  std::free(memory);
}

class OutOfMemoryTest : public RuntimeTest {};

/// Calls body with 0, 1, 2, ... allocations until it succeeds. Each failure
/// must be reported and must leave the state alone. Returns their number.
template <typename Body>
static int countFailures(Body body) {
  std::vector<uint8_t> before = saveState();
  for (int failures = 0; failures < 100; ++failures) {
    dropoutClearStatus();
    allocationsLeft = failures;
    int32_t status = body();
    allocationsLeft = -1;
    if (status == DROPOUT_OK)
      return failures;
    EXPECT_EQ(status, DROPOUT_OUT_OF_MEMORY);
    EXPECT_EQ(dropoutLastStatus(), DROPOUT_OUT_OF_MEMORY);
    EXPECT_STREQ(dropoutLastMessage(), "out of memory");
    EXPECT_EQ(saveState(), before);
  }
  return -1;
}

static const char longName[] = "a name that is too long to stand in a string";

TEST_F(OutOfMemoryTest, Create) {
  EXPECT_EQ(
      countFailures([] { return dropoutGeneratorCreate(longName, 1, 2); }), 2);
  EXPECT_EQ(get(longName), SeedOffset(1, 2));
}

TEST_F(OutOfMemoryTest, Fork) {
  EXPECT_GT(countFailures([] {
              return dropoutGeneratorFork(nullptr, "data", 0, longName);
            }),
            0);
}

TEST_F(OutOfMemoryTest, Scopes) {
  uint64_t scope = 0;
  EXPECT_EQ(countFailures([&] { return dropoutModeScopeBegin(0, &scope); }), 1);
  EXPECT_EQ(dropoutScopeEnd(scope), DROPOUT_OK);
  EXPECT_EQ(dropoutIsTraining(), 1);
  EXPECT_EQ(countFailures([&] {
              return dropoutGeneratorScopeBegin(nullptr, 1, 2, &scope);
            }),
            1);
  EXPECT_EQ(dropoutScopeEnd(scope), DROPOUT_OK);
  EXPECT_EQ(get(nullptr), SeedOffset(0, 0));
  // A scope that did not begin holds nothing.
  ASSERT_EQ(dropoutGeneratorCreate("g", 1, 2), DROPOUT_OK);
  EXPECT_EQ(countFailures(
                [&] { return dropoutGeneratorScopeBegin("g", 1, 2, &scope); }),
            1);
  EXPECT_EQ(dropoutScopeEnd(scope), DROPOUT_OK);
  EXPECT_EQ(dropoutGeneratorDestroy("g"), DROPOUT_OK);
}

TEST_F(OutOfMemoryTest, Restore) {
  ASSERT_EQ(dropoutGeneratorCreate("a", 1, 2), DROPOUT_OK);
  ASSERT_EQ(dropoutGeneratorCreate(longName, 3, 4), DROPOUT_OK);
  std::vector<uint8_t> blob = saveState();
  ASSERT_EQ(dropoutGeneratorSet("a", 5, 6), DROPOUT_OK);
  EXPECT_EQ(countFailures([&] { return restoreState(blob); }), 3);
  EXPECT_EQ(get("a"), SeedOffset(1, 2));
}

// What compiled code calls must not need memory at all, failures included.
TEST_F(OutOfMemoryTest, DrawsDoNotAllocate) {
  ASSERT_EQ(dropoutGeneratorCreate(longName, 1, 2), DROPOUT_OK);
  allocationsLeft = 0;
  Draw standard = reserve(nullptr);
  Draw named = reserve(longName);
  Draw unknown = reserve("nobody, and that under a rather long name");
  dropoutClearStatus();
  double p = dropoutCheckP(2);
  int32_t status = dropoutLastStatus();
  uint8_t mask[100];
  int32_t filled = dropoutMaskFill(mask, 0, 100, .5, 1, 2, 10, 16);
  char blob[256];
  size_t size;
  int32_t saved = dropoutStateSave(blob, sizeof(blob), &size);
  allocationsLeft = -1;
  EXPECT_EQ(standard, (Draw{0, 1, 0, 0}));
  EXPECT_EQ(named, (Draw{0, 1, 1, 2}));
  EXPECT_EQ(unknown.status, DROPOUT_UNKNOWN_GENERATOR);
  EXPECT_EQ(p, 1.0);
  EXPECT_EQ(status, DROPOUT_INVALID_P);
  EXPECT_EQ(filled, DROPOUT_OK);
  EXPECT_EQ(saved, DROPOUT_OK);
}
