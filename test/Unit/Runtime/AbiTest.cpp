//===- AbiTest.cpp - Versions, C and the shared library ---------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RuntimeTest.h"

#include <set>

#if !defined(_WIN32)
#include <dlfcn.h>
#endif

using namespace dropout::runtime::test;

extern "C" int dropoutTestFromC(void);

class AbiTest : public RuntimeTest {};

TEST_F(AbiTest, Versions) {
  EXPECT_EQ(dropoutRuntimeAbiVersion(), 1u);
  EXPECT_EQ(dropoutMaskContractVersion(), 1u);
  EXPECT_EQ(DROPOUT_RUNTIME_ABI_VERSION, 1);
  EXPECT_EQ(DROPOUT_MASK_CONTRACT_VERSION, 1);
}

TEST_F(AbiTest, FromC) { EXPECT_EQ(dropoutTestFromC(), 0); }

#if !defined(_WIN32)
// The shared library, as a JIT loads it: all functions and a state of its own.
TEST_F(AbiTest, SharedLibrary) {
  void *library = dlopen(DROPOUT_RUNTIME_SHARED_LIBRARY, RTLD_NOW | RTLD_LOCAL);
  ASSERT_TRUE(library) << dlerror();
  for (const char *name : {"dropoutRuntimeAbiVersion",
                           "dropoutMaskContractVersion",
                           "dropoutLastStatus",
                           "dropoutLastMessage",
                           "dropoutClearStatus",
                           "dropoutRecordError",
                           "dropoutStatusName",
                           "dropoutCheckP",
                           "dropoutCheckPForResolution",
                           "dropoutSetTraining",
                           "dropoutIsTraining",
                           "dropoutReserve",
                           "dropoutGeneratorCreate",
                           "dropoutGeneratorFork",
                           "dropoutForkSeed",
                           "dropoutGeneratorGet",
                           "dropoutGeneratorSet",
                           "dropoutGeneratorExists",
                           "dropoutGeneratorDestroy",
                           "dropoutGeneratorList",
                           "dropoutSeedFromEntropy",
                           "dropoutModeScopeBegin",
                           "dropoutGeneratorScopeBegin",
                           "dropoutScopeEnd",
                           "dropoutStateSave",
                           "dropoutStateRestore",
                           "dropoutGeneratorEncode",
                           "dropoutGeneratorDecode",
                           "dropoutThreshold",
                           "dropoutKeepBit",
                           "dropoutMaskFill",
                           "dropoutPhilox4x32",
                           "dropoutCudaDeviceCount",
                           "dropoutCudaSetDevice",
                           "dropoutCudaGetComputeCapability",
                           "dropoutCudaGetDeviceName",
                           "dropoutCudaSetStream",
                           "dropoutCudaGetStream",
                           "dropoutCudaCreateStream",
                           "dropoutCudaDestroyStream",
                           "dropoutCudaSynchronize",
                           "dropoutCudaAllocate",
                           "dropoutCudaFree",
                           "dropoutCudaCopy",
                           "dropoutCudaCopyToDevice",
                           "dropoutCudaCopyToHost",
                           "dropoutCudaCheckPointer",
                           "dropoutCudaLaunch",
                           "dropoutCudaUnload",
                           "dropoutCudaAdvanceState"})
    EXPECT_TRUE(dlsym(library, name)) << name;
  // Hidden: its own C++.
  EXPECT_FALSE(dlsym(library, "_ZN7dropout7runtime8forkSeedEmSt17basic_string_"
                              "viewIcSt11char_traitsIcEEm"));

  auto set = reinterpret_cast<decltype(&dropoutGeneratorSet)>(
      dlsym(library, "dropoutGeneratorSet"));
  auto get = reinterpret_cast<decltype(&dropoutGeneratorGet)>(
      dlsym(library, "dropoutGeneratorGet"));
  uint64_t seed = 0, offset = 0;
  EXPECT_EQ(set(nullptr, 3, 4), DROPOUT_OK);
  EXPECT_EQ(get(nullptr, &seed, &offset), DROPOUT_OK);
  EXPECT_EQ(SeedOffset(seed, offset), SeedOffset(3, 4));

  // Its fork handlers go with it (a child would crash otherwise).
  EXPECT_EQ(dlclose(library), 0);
}
#endif
