//===- ForkTest.cpp - fork(2) at any moment ---------------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RuntimeTest.h"

#if !defined(_WIN32)

#include <atomic>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace dropout::runtime::test;

class ForkTest : public RuntimeTest {};

/// Runs body in a child; true when it returned true. A child that hangs is
/// killed by its alarm clock.
template <typename Body>
static bool inChild(Body body) {
  pid_t child = fork();
  if (child == 0) {
    alarm(20);
    _exit(body() ? 0 : 1);
  }
  EXPECT_GT(child, 0);
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST_F(ForkTest, ChildStartsWithACopy) {
  ASSERT_EQ(dropoutGeneratorSet(nullptr, 42, 7), DROPOUT_OK);
  ASSERT_EQ(dropoutGeneratorCreate("g", 1, 2), DROPOUT_OK);
  dropoutSetTraining(0);
  EXPECT_TRUE(inChild([] {
    bool same = reserve(nullptr, 1) == Draw{0, 1, 42, 7} &&
                reserve("g", 1) == Draw{0, 1, 1, 2} && !dropoutIsTraining();
    return same && dropoutGeneratorDestroy("g") == DROPOUT_OK;
  }));
  // What the child did is its own.
  EXPECT_EQ(get(nullptr), SeedOffset(42, 7));
  EXPECT_EQ(get("g"), SeedOffset(1, 2));
}

// Without fork handlers the child inherits, sooner or later, a lock that
// nobody holds.
TEST_F(ForkTest, WhileOtherThreadsDraw) {
  std::atomic<bool> stop(false);
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&] {
      while (!stop)
        reserve(nullptr);
    });
  int good = 0;
  const int numChildren = 60;
  for (int i = 0; i < numChildren && good == i; ++i)
    good += inChild([] {
      Draw first = reserve(nullptr);
      Draw second = reserve(nullptr);
      return first.status == 0 && second.offset == first.offset + 1;
    });
  stop = true;
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(good, numChildren);
}

TEST_F(ForkTest, EntropyDiffersInTheChild) {
  int pipes[2];
  ASSERT_EQ(pipe(pipes), 0);
  EXPECT_TRUE(inChild([&] {
    uint64_t seed = 0;
    return dropoutSeedFromEntropy(nullptr, &seed) == DROPOUT_OK &&
           write(pipes[1], &seed, sizeof(seed)) == sizeof(seed);
  }));
  uint64_t childSeed = 0, seed = 0;
  EXPECT_EQ(read(pipes[0], &childSeed, sizeof(childSeed)),
            ssize_t(sizeof(childSeed)));
  EXPECT_EQ(dropoutSeedFromEntropy(nullptr, &seed), DROPOUT_OK);
  EXPECT_NE(seed, childSeed);
  close(pipes[0]);
  close(pipes[1]);
}

#endif // !_WIN32
