//===- ScopeTest.cpp - Scopes that restore what they changed ----*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RuntimeTest.h"

using namespace dropout::runtime::test;

class ScopeTest : public RuntimeTest {};

static uint64_t beginMode(int training) {
  uint64_t scope = 0;
  EXPECT_EQ(dropoutModeScopeBegin(training, &scope), DROPOUT_OK);
  EXPECT_NE(scope, 0u);
  return scope;
}

static uint64_t begin(const char *name, uint64_t seed, uint64_t offset) {
  uint64_t scope = 0;
  EXPECT_EQ(dropoutGeneratorScopeBegin(name, seed, offset, &scope), DROPOUT_OK);
  EXPECT_NE(scope, 0u);
  return scope;
}

TEST_F(ScopeTest, ModeIsPutBack) {
  for (int outer : {0, 1})
    for (int inner : {0, 1}) {
      dropoutSetTraining(outer);
      uint64_t scope = beginMode(inner);
      EXPECT_EQ(dropoutIsTraining(), inner);
      dropoutSetTraining(!inner); // a change inside does not outlive the scope
      EXPECT_EQ(dropoutScopeEnd(scope), DROPOUT_OK);
      EXPECT_EQ(dropoutIsTraining(), outer);
    }
  dropoutSetTraining(1);
}

TEST_F(ScopeTest, ModeScopesNest) {
  uint64_t a = beginMode(0);
  uint64_t b = beginMode(1);
  uint64_t c = beginMode(0);
  EXPECT_EQ(dropoutIsTraining(), 0);
  EXPECT_EQ(dropoutScopeEnd(c), DROPOUT_OK);
  EXPECT_EQ(dropoutIsTraining(), 1);
  EXPECT_EQ(dropoutScopeEnd(b), DROPOUT_OK);
  EXPECT_EQ(dropoutIsTraining(), 0);
  EXPECT_EQ(dropoutScopeEnd(a), DROPOUT_OK);
  EXPECT_EQ(dropoutIsTraining(), 1);
}

TEST_F(ScopeTest, GeneratorIsPutBack) {
  ASSERT_EQ(dropoutGeneratorCreate("g", 1, 2), DROPOUT_OK);
  for (const char *name : {(const char *)nullptr, "g"}) {
    ASSERT_EQ(dropoutGeneratorSet(name, 5, 50), DROPOUT_OK);
    uint64_t a = begin(name, 6, 60);
    EXPECT_EQ(reserve(name), (Draw{0, 1, 6, 60}));
    uint64_t b = begin(name, 7, ~uint64_t(0));
    EXPECT_EQ(reserve(name), (Draw{0, 1, 7, ~uint64_t(0)}));
    EXPECT_EQ(reserve(name), (Draw{0, 1, 7, 0}));
    EXPECT_EQ(dropoutScopeEnd(b), DROPOUT_OK);
    EXPECT_EQ(reserve(name), (Draw{0, 1, 6, 61}));
    ASSERT_EQ(dropoutGeneratorSet(name, 9, 90), DROPOUT_OK);
    EXPECT_EQ(dropoutScopeEnd(a), DROPOUT_OK);
    EXPECT_EQ(get(name), SeedOffset(5, 50));
  }
}

// A scope touches the thing that it is on and nothing else.
TEST_F(ScopeTest, ScopesOnDifferentThingsAreIndependent) {
  ASSERT_EQ(dropoutGeneratorCreate("g", 1, 2), DROPOUT_OK);
  uint64_t mode = beginMode(0);
  uint64_t standard = begin(nullptr, 10, 20);
  uint64_t named = begin("g", 30, 40);
  EXPECT_EQ(dropoutScopeEnd(mode), DROPOUT_OK);
  EXPECT_EQ(dropoutIsTraining(), 1);
  EXPECT_EQ(get(nullptr), SeedOffset(10, 20));
  EXPECT_EQ(get("g"), SeedOffset(30, 40));
  EXPECT_EQ(dropoutScopeEnd(standard), DROPOUT_OK);
  EXPECT_EQ(get(nullptr), SeedOffset(0, 0));
  EXPECT_EQ(get("g"), SeedOffset(30, 40));
  EXPECT_EQ(dropoutScopeEnd(named), DROPOUT_OK);
  EXPECT_EQ(get("g"), SeedOffset(1, 2));
}

TEST_F(ScopeTest, OutOfOrderIsRefusedAndCanBeMended) {
  uint64_t a = beginMode(0);
  uint64_t b = beginMode(1);
  expectError(dropoutScopeEnd(a), DROPOUT_INVALID_SCOPE,
              "scope " + std::to_string(a) + " can't end before scope " +
                  std::to_string(b) + ", which began inside it");
  EXPECT_EQ(dropoutIsTraining(), 1);
  EXPECT_EQ(dropoutScopeEnd(b), DROPOUT_OK);
  EXPECT_EQ(dropoutScopeEnd(a), DROPOUT_OK);

  a = begin(nullptr, 1, 2);
  b = begin(nullptr, 3, 4);
  EXPECT_EQ(dropoutScopeEnd(a), DROPOUT_INVALID_SCOPE);
  EXPECT_EQ(get(nullptr), SeedOffset(3, 4));
  EXPECT_EQ(dropoutScopeEnd(b), DROPOUT_OK);
  EXPECT_EQ(dropoutScopeEnd(a), DROPOUT_OK);
  EXPECT_EQ(get(nullptr), SeedOffset(0, 0));
}

TEST_F(ScopeTest, HandlesAreUsedOnce) {
  uint64_t a = beginMode(0);
  EXPECT_EQ(dropoutScopeEnd(a), DROPOUT_OK);
  expectError(dropoutScopeEnd(a), DROPOUT_INVALID_SCOPE,
              "scope " + std::to_string(a) +
                  " is not open: it never began or has ended");
  uint64_t b = beginMode(0);
  EXPECT_NE(a, b);
  EXPECT_EQ(dropoutScopeEnd(a), DROPOUT_INVALID_SCOPE);
  EXPECT_EQ(dropoutScopeEnd(0), DROPOUT_INVALID_SCOPE);
  EXPECT_EQ(dropoutScopeEnd(~uint64_t(0)), DROPOUT_INVALID_SCOPE);
  EXPECT_EQ(dropoutIsTraining(), 0);
  EXPECT_EQ(dropoutScopeEnd(b), DROPOUT_OK);
}

TEST_F(ScopeTest, BeginRefusesBadArguments) {
  uint64_t scope = 77;
  expectError(dropoutModeScopeBegin(-1, &scope), DROPOUT_INVALID_ARGUMENT,
              "expected training 0 or 1, but got -1");
  EXPECT_EQ(scope, 0u);
  scope = 77;
  EXPECT_EQ(dropoutGeneratorScopeBegin("nobody", 1, 2, &scope),
            DROPOUT_UNKNOWN_GENERATOR);
  EXPECT_EQ(scope, 0u);
  EXPECT_EQ(dropoutModeScopeBegin(0, nullptr), DROPOUT_INVALID_ARGUMENT);
  EXPECT_EQ(dropoutGeneratorScopeBegin(nullptr, 1, 2, nullptr),
            DROPOUT_INVALID_ARGUMENT);
  EXPECT_EQ(dropoutIsTraining(), 1);
  EXPECT_EQ(get(nullptr), SeedOffset(0, 0));
}

TEST_F(ScopeTest, GeneratorOfAnOpenScopeStays) {
  ASSERT_EQ(dropoutGeneratorCreate("g", 1, 2), DROPOUT_OK);
  uint64_t scope = begin("g", 3, 4);
  expectError(dropoutGeneratorDestroy("g"), DROPOUT_OPEN_SCOPE,
              "generator \"g\" can't be destroyed: scope " +
                  std::to_string(scope) + " on it is open");
  EXPECT_EQ(dropoutScopeEnd(scope), DROPOUT_OK);
  EXPECT_EQ(dropoutGeneratorDestroy("g"), DROPOUT_OK);
}

TEST_F(ScopeTest, RestoreWaitsForScopes) {
  std::vector<uint8_t> blob = saveState();
  uint64_t scope = beginMode(0);
  expectError(restoreState(blob), DROPOUT_OPEN_SCOPE,
              "the state can't be restored while scopes are open (1 of them)");
  EXPECT_EQ(dropoutIsTraining(), 0);
  EXPECT_EQ(dropoutScopeEnd(scope), DROPOUT_OK);
  EXPECT_EQ(restoreState(blob), DROPOUT_OK);
}
