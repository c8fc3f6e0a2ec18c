//===- ThreadTest.cpp - Draws and scopes from many threads ------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RuntimeTest.h"

#include <algorithm>
#include <atomic>
#include <thread>

using namespace dropout::runtime::test;

class ThreadTest : public RuntimeTest {};

static constexpr int numThreads = 8;
// Enough that threads meet: 20,000 draws took less than a time slice.
static constexpr int numDraws = 400000;

/// Runs body(thread number) in all threads, which begin together.
template <typename Body>
static void inThreads(Body body) {
  std::atomic<int> waiting(numThreads);
  std::vector<std::thread> threads;
  threads.reserve(numThreads);
  for (int t = 0; t < numThreads; ++t)
    threads.emplace_back([&, t] {
      --waiting;
      while (waiting)
        std::this_thread::yield();
      body(t);
    });
  for (std::thread &thread : threads)
    thread.join();
}

/// That `offsets` are first, first + 1, ... in some order (as unsigned).
static void expectGapless(std::vector<uint64_t> offsets, uint64_t first) {
  for (uint64_t &offset : offsets)
    offset -= first;
  std::sort(offsets.begin(), offsets.end());
  for (uint64_t i = 0; i < offsets.size(); ++i)
    ASSERT_EQ(offsets[i], i);
}

TEST_F(ThreadTest, DrawsAreDistinctAndGapless) {
  ASSERT_EQ(dropoutGeneratorCreate("g", 5, 0), DROPOUT_OK);
  for (const char *name : {(const char *)nullptr, "g"}) {
    // Half way through, the offset wraps.
    uint64_t first = 0 - uint64_t(numThreads * numDraws / 2);
    ASSERT_EQ(dropoutGeneratorSet(name, 42, first), DROPOUT_OK);
    std::vector<std::vector<uint64_t>> offsets(numThreads);
    inThreads([&](int t) {
      // Nothing but draws, so that they meet.
      offsets[t].reserve(numDraws);
      bool good = true;
      for (int i = 0; i < numDraws; ++i) {
        Draw draw = reserve(name);
        good &= draw == Draw{0, 1, 42, draw.offset};
        offsets[t].push_back(draw.offset);
      }
      EXPECT_TRUE(good);
    });
    std::vector<uint64_t> all;
    for (const auto &mine : offsets) {
      // Each thread sees its own draws in order.
      for (size_t i = 1; i < mine.size(); ++i)
        ASSERT_LT(mine[i - 1] - first, mine[i] - first);
      all.insert(all.end(), mine.begin(), mine.end());
    }
    expectGapless(all, first);
    EXPECT_EQ(get(name), SeedOffset(42, first + numThreads * numDraws));
  }
}

// Mode and offset are read in one step: exactly the draws that report training
// took an offset, however fast the mode changes.
TEST_F(ThreadTest, ModeSwitchesUnderLoad) {
  std::vector<std::vector<uint64_t>> taken(numThreads);
  std::atomic<int> evals(0);
  inThreads([&](int t) {
    if (t == 0) {
      for (int i = 0; i < numDraws; ++i) {
        EXPECT_EQ(dropoutSetTraining(i % 2), DROPOUT_OK);
        std::this_thread::yield();
      }
      return;
    }
    for (int i = 0; i < numDraws; ++i) {
      Draw draw = reserve(nullptr);
      EXPECT_EQ(draw.status, DROPOUT_OK);
      if (draw.training)
        taken[t].push_back(draw.offset);
      else
        ++evals;
    }
  });
  std::vector<uint64_t> all;
  for (const auto &mine : taken)
    all.insert(all.end(), mine.begin(), mine.end());
  EXPECT_EQ(all.size() + evals, size_t((numThreads - 1) * numDraws));
  expectGapless(all, 0);
  EXPECT_EQ(get(nullptr).second, all.size());
}

// Seed and offset never come from two different settings.
TEST_F(ThreadTest, SeedAndOffsetBelongTogether) {
  ASSERT_EQ(dropoutGeneratorSet(nullptr, 0, 0), DROPOUT_OK);
  inThreads([&](int t) {
    for (uint64_t i = 0; i < numDraws; ++i) {
      if (t < 2) {
        uint64_t value = (2 * i + t) << 32;
        EXPECT_EQ(dropoutGeneratorSet(nullptr, value, value), DROPOUT_OK);
      } else if (t < 4) {
        uint64_t seed, offset;
        EXPECT_EQ(dropoutGeneratorGet(nullptr, &seed, &offset), DROPOUT_OK);
        EXPECT_EQ(seed >> 32, offset >> 32);
      } else {
        Draw draw = reserve(nullptr);
        EXPECT_EQ(draw.seed >> 32, draw.offset >> 32);
      }
    }
  });
}

// Everything at once: for the sanitizers, and for what must hold at the end.
TEST_F(ThreadTest, Everything) {
  ASSERT_EQ(dropoutGeneratorCreate("shared", 1, 0), DROPOUT_OK);
  std::atomic<uint64_t> draws(0);
  inThreads([&](int t) {
    std::string mine = "thread" + std::to_string(t);
    for (int i = 0; i < 300; ++i) {
      EXPECT_EQ(dropoutGeneratorFork("shared", "thread", t, mine.c_str()),
                DROPOUT_OK);
      uint64_t scope = 0;
      EXPECT_EQ(dropoutGeneratorScopeBegin(mine.c_str(), i, 9, &scope),
                DROPOUT_OK);
      EXPECT_EQ(reserve(mine.c_str(), 1), (Draw{0, 1, uint64_t(i), 9}));
      EXPECT_EQ(dropoutScopeEnd(scope), DROPOUT_OK);
      EXPECT_EQ(reserve("shared", 1).status, DROPOUT_OK);
      ++draws;
      char names[4096];
      size_t size;
      EXPECT_EQ(dropoutGeneratorList(names, sizeof(names), &size), DROPOUT_OK);
      EXPECT_EQ(dropoutStateSave(names, sizeof(names), &size), DROPOUT_OK);
      EXPECT_EQ(dropoutGeneratorExists(mine.c_str()), 1);
      dropoutCheckP(t + 2);
      EXPECT_EQ(dropoutLastMessage(),
                "expected p in [0, 1], but got " + std::to_string(t + 2));
      dropoutClearStatus();
      EXPECT_EQ(dropoutGeneratorDestroy(mine.c_str()), DROPOUT_OK);
    }
  });
  EXPECT_EQ(get("shared"), SeedOffset(1, draws.load()));
}

// A restore is one step for everybody else.
TEST_F(ThreadTest, RestoreUnderLoad) {
  ASSERT_EQ(dropoutGeneratorSet(nullptr, 1, uint64_t(1) << 32), DROPOUT_OK);
  std::vector<uint8_t> one = saveState();
  ASSERT_EQ(dropoutGeneratorSet(nullptr, 2, uint64_t(2) << 32), DROPOUT_OK);
  ASSERT_EQ(dropoutGeneratorCreate("g", 3, 4), DROPOUT_OK);
  std::vector<uint8_t> two = saveState();
  inThreads([&](int t) {
    for (int i = 0; i < 1000; ++i) {
      if (t == 0) {
        EXPECT_EQ(restoreState(i % 2 ? one : two), DROPOUT_OK);
      } else {
        Draw draw = reserve(nullptr);
        EXPECT_EQ(draw.seed, draw.offset >> 32);
        Draw named = reserve("g");
        EXPECT_TRUE(named.seed == 3 ||
                    named.status == DROPOUT_UNKNOWN_GENERATOR);
        dropoutClearStatus();
      }
    }
  });
}
