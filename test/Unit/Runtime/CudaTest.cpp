//===- CudaTest.cpp - Launching kernels, on a fake driver -------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every test runs in a child process of its own, which opens the driver anew.
// This process never does.
//
//===----------------------------------------------------------------------===//

#include "RuntimeTest.h"

#include "dropout/Runtime/Cuda.h"

#if defined(__linux__)

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fstream>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace dropout::runtime::test;

namespace {

using Environment = std::vector<std::pair<std::string, std::string>>;

class CudaTest : public RuntimeTest {
protected:
  void SetUp() override {
    RuntimeTest::SetUp();
    log = testing::TempDir() + "dropout-cuda-" + std::to_string(getpid());
    std::remove(log.c_str());
  }
  void TearDown() override {
    std::remove(log.c_str());
    RuntimeTest::TearDown();
  }

  /// The wait status of a child that runs `body`, with `library` as its
  /// libcuda.so.1. Hangs are killed by an alarm clock.
  template <typename Body>
  int statusOf(const char *library, const Environment &environment,
               const Body &body) {
    std::fflush(nullptr);
    pid_t child = fork();
    if (child == 0) {
      alarm(60);
      setenv("DROPOUT_FAKE_CUDA_KERNELS", DROPOUT_TEST_CUDA_KERNELS, 1);
      setenv("DROPOUT_FAKE_CUDA_LOG", log.c_str(), 1);
      for (const auto &variable : environment)
        setenv(variable.first.c_str(), variable.second.c_str(), 1);
      // The loader knows it by its SONAME from now on.
      if (library)
        EXPECT_TRUE(dlopen(library, RTLD_NOW | RTLD_GLOBAL)) << dlerror();
      body();
      std::fflush(nullptr);
      _exit(HasFailure() ? 1 : 0);
    }
    EXPECT_GT(child, 0);
    int status = -1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return status;
  }

  /// Runs a test on the fake driver.
  template <typename Body>
  void run(const Environment &environment, const Body &body) {
    EXPECT_EQ(statusOf(DROPOUT_TEST_CUDA_DRIVER, environment, body), 0);
  }

  /// The calls of that name in the fake driver's log.
  int countCalls(const std::string &name) const {
    std::ifstream stream(log);
    int count = 0;
    for (std::string line; std::getline(stream, line);)
      count += line.substr(0, line.find(' ')) == name;
    return count;
  }

  std::string log;
};

/// An entry point of the fake driver that the runtime does not use.
template <typename Type>
Type driverFunction(const char *name) {
  void *address = dlsym(RTLD_DEFAULT, name);
  EXPECT_TRUE(address) << name;
  return reinterpret_cast<Type>(address);
}

/// PTX whose code does not matter: the fake driver has the host's.
#define TEST_PTX(target)                                                       \
  ".version 8.0\n"                                                             \
  ".target " target "\n"                                                       \
  ".address_size 64\n"                                                         \
  "// .visible .entry commented()\n"                                           \
  ".visible .entry empty(\n) { ret; }\n"                                       \
  ".visible .entry increment(.param .u64 a) { ret; }\n"                        \
  ".visible .entry registers(.param .u64 a) { ret; }\n"                        \
  ".visible .entry arguments(.param .u64 a) { ret; }\n"                        \
  ".visible .entry unbound() { ret; }\n"

const char ptx[] = TEST_PTX("sm_80");

/// An image with its kernels, as compiled code has them.
struct Image {
  template <size_t size>
  explicit Image(const char (&image)[size]) : module{image, size, nullptr} {}
  DropoutCudaModule module;
  DropoutCudaKernel kernels[5] = {{&module, "empty", nullptr},
                                  {&module, "increment", nullptr},
                                  {&module, "registers", nullptr},
                                  {&module, "arguments", nullptr},
                                  {&module, "unbound", nullptr}};
  DropoutCudaKernel *empty = &kernels[0];
  DropoutCudaKernel *increment = &kernels[1];
  DropoutCudaKernel *registers = &kernels[2];
  DropoutCudaKernel *arguments = &kernels[3];
  DropoutCudaKernel *unbound = &kernels[4];

  int32_t unload() { return dropoutCudaUnload(&module, kernels, 5); }
};

int32_t launch(DropoutCudaKernel *kernel) {
  return dropoutCudaLaunch(kernel, 1, 1, 1, 1, 1, 1, nullptr);
}

int32_t launchIncrement(Image &image, void *memory, int64_t size,
                        int32_t step = 1) {
  void *arguments[] = {&memory, &size, &step};
  return dropoutCudaLaunch(image.increment, (size + 31) / 32, 1, 1, 32, 1, 1,
                           arguments);
}

template <typename Type>
void *toDevice(const std::vector<Type> &values) {
  auto bytes = int64_t(values.size() * sizeof(Type));
  void *memory = dropoutCudaAllocate(bytes);
  EXPECT_EQ(dropoutCudaCopyToDevice(memory, values.data(), bytes), DROPOUT_OK)
      << dropoutLastMessage();
  return memory;
}

template <typename Type>
std::vector<Type> toHost(const void *memory, size_t size) {
  std::vector<Type> values(size);
  EXPECT_EQ(dropoutCudaCopyToHost(values.data(), memory,
                                  int64_t(size * sizeof(Type))),
            DROPOUT_OK)
      << dropoutLastMessage();
  return values;
}

} // namespace

#define EXPECT_OK(call) EXPECT_EQ(call, DROPOUT_OK) << dropoutLastMessage()

//===----------------------------------------------------------------------===//
// No driver, no device
//===----------------------------------------------------------------------===//

/// That every function that needs a GPU reports `message`.
template <typename Test>
static void expectUnavailable(const Test &expectError,
                              const std::string &message) {
  auto expect = [&](int32_t status) {
    expectError(status, DROPOUT_GPU_UNAVAILABLE, message);
  };
  int32_t major = 7, minor = 7;
  char name[8] = "before";
  void *stream = &major;
  int32_t number = 0;
  Image image(ptx);
  expect(dropoutCudaSetDevice(0));
  expect(dropoutCudaGetComputeCapability(&major, &minor));
  EXPECT_EQ(major, 0);
  EXPECT_EQ(minor, 0);
  expect(dropoutCudaGetDeviceName(name, sizeof(name)));
  EXPECT_STREQ(name, "");
  expect(dropoutCudaCreateStream(&stream));
  EXPECT_EQ(stream, nullptr);
  expect(dropoutCudaDestroyStream(&number));
  expect(dropoutCudaSynchronize());
  EXPECT_EQ(dropoutCudaAllocate(16), nullptr);
  expect(DROPOUT_GPU_UNAVAILABLE);
  expect(dropoutCudaFree(&number));
  expect(dropoutCudaCopy(&major, &minor, 4));
  expect(dropoutCudaCopyToDevice(&major, &minor, 4));
  expect(dropoutCudaCopyToHost(&major, &minor, 4));
  expect(dropoutCudaCheckPointer(&number, 1, 0));
  expect(launch(image.empty));
  uint64_t state[2] = {1, 2};
  expect(dropoutCudaAdvanceState(state, 1));
  // Nothing to do, so nothing to fail.
  EXPECT_OK(dropoutCudaFree(nullptr));
  EXPECT_OK(dropoutCudaDestroyStream(nullptr));
  EXPECT_OK(image.unload());
  dropoutCudaSetStream(&number);
  EXPECT_EQ(dropoutCudaGetStream(), &number);
}

TEST_F(CudaTest, NoDriver) {
  // Asked in a child: a real driver would stay in this process.
  if (statusOf(nullptr, {}, [] {
        if (dlopen("libcuda.so.1", RTLD_NOW))
          _exit(3);
      }) != 0)
    GTEST_SKIP() << "there is a CUDA driver";
  EXPECT_EQ(statusOf(nullptr, {},
                     [] {
                       std::string message =
                           "expected the CUDA driver, but libcuda.so.1 cannot "
                           "be opened: libcuda.so.1: cannot open shared object "
                           "file: No such file or directory";
                       int32_t count = 7;
                       expectError(dropoutCudaDeviceCount(&count),
                                   DROPOUT_GPU_UNAVAILABLE, message);
                       EXPECT_EQ(count, 0);
                       expectUnavailable(expectError, message);
                     }),
            0);
}

TEST_F(CudaTest, OldDriver) {
  EXPECT_EQ(statusOf(DROPOUT_TEST_CUDA_OLD_DRIVER, {},
                     [] {
                       int32_t count = 7;
                       expectError(dropoutCudaDeviceCount(&count),
                                   DROPOUT_GPU_UNAVAILABLE,
                                   "expected a CUDA driver of CUDA 11.2 or "
                                   "later, but libcuda.so.1 has no "
                                   "cuDeviceGet");
                     }),
            0);
}

TEST_F(CudaTest, NoDevice) {
  run({{"DROPOUT_FAKE_CUDA_DEVICES", "0"}}, [] {
    int32_t count = 7;
    EXPECT_OK(dropoutCudaDeviceCount(&count));
    EXPECT_EQ(count, 0);
    expectUnavailable(expectError,
                      "expected a CUDA device, but the driver finds none");
  });
}

TEST_F(CudaTest, DeviceIsLost) {
  run({{"DROPOUT_FAKE_CUDA_FAIL", "cuDeviceGetCount=100,cuCtxGetCurrent=100"}},
      [] {
        int32_t count = 7;
        EXPECT_OK(dropoutCudaDeviceCount(&count));
        EXPECT_EQ(count, 0);
        Image image(ptx);
        expectError(launch(image.empty), DROPOUT_GPU_UNAVAILABLE,
                    "expected a CUDA device, but the driver finds none");
      });
}

TEST_F(CudaTest, InitFails) {
  run({{"DROPOUT_FAKE_CUDA_FAIL", "cuInit=803"}}, [] {
    int32_t count = 7;
    std::string message =
        "cuInit failed: CUDA_ERROR_SYSTEM_DRIVER_MISMATCH: system has "
        "unsupported display driver / cuda driver combination";
    expectError(dropoutCudaDeviceCount(&count), DROPOUT_GPU_UNAVAILABLE,
                message);
    expectUnavailable(expectError, message);
  });
}

//===----------------------------------------------------------------------===//
// Devices and streams
//===----------------------------------------------------------------------===//

TEST_F(CudaTest, Devices) {
  run({{"DROPOUT_FAKE_CUDA_DEVICES", "2"},
       {"DROPOUT_FAKE_CUDA_CAPABILITY", "12.1"}},
      [&] {
        int32_t count = 0, major = 0, minor = 0;
        EXPECT_OK(dropoutCudaDeviceCount(&count));
        EXPECT_EQ(count, 2);
        EXPECT_OK(dropoutCudaGetComputeCapability(&major, &minor));
        EXPECT_EQ(major, 12);
        EXPECT_EQ(minor, 1);
        char name[64];
        EXPECT_OK(dropoutCudaGetDeviceName(name, sizeof(name)));
        EXPECT_STREQ(name, "Fake GPU 0");
        EXPECT_OK(dropoutCudaSetDevice(1));
        EXPECT_OK(dropoutCudaGetDeviceName(name, sizeof(name)));
        EXPECT_STREQ(name, "Fake GPU 1");
        std::memset(name, '-', sizeof(name));
        EXPECT_OK(dropoutCudaGetDeviceName(name, 5));
        EXPECT_STREQ(name, "Fake");
        EXPECT_EQ(name[5], '-');
        EXPECT_OK(dropoutCudaGetDeviceName(name, 1));
        EXPECT_STREQ(name, "");
        // The choice is the thread's.
        std::thread([&] {
          EXPECT_OK(dropoutCudaGetDeviceName(name, sizeof(name)));
          EXPECT_STREQ(name, "Fake GPU 0");
          EXPECT_OK(dropoutCudaSetDevice(1));
          EXPECT_OK(dropoutCudaSetDevice(0));
        }).join();
        EXPECT_EQ(countCalls("cuDevicePrimaryCtxRetain"), 2);
        // It outlives the context that was current.
        auto setCurrent = driverFunction<int (*)(void *)>("cuCtxSetCurrent");
        EXPECT_EQ(setCurrent(nullptr), 0);
        EXPECT_OK(dropoutCudaGetDeviceName(name, sizeof(name)));
        EXPECT_STREQ(name, "Fake GPU 1");

        expectError(dropoutCudaSetDevice(2), DROPOUT_INVALID_ARGUMENT,
                    "expected a device of 0 to 1, but got 2");
        expectError(dropoutCudaSetDevice(-1), DROPOUT_INVALID_ARGUMENT,
                    "expected a device of 0 to 1, but got -1");
        expectError(dropoutCudaDeviceCount(nullptr), DROPOUT_INVALID_ARGUMENT,
                    "expected count, but got NULL");
        expectError(dropoutCudaGetComputeCapability(&major, nullptr),
                    DROPOUT_INVALID_ARGUMENT,
                    "expected major and minor, but got NULL");
        EXPECT_EQ(major, 0);
        expectError(dropoutCudaGetDeviceName(nullptr, 3),
                    DROPOUT_INVALID_ARGUMENT,
                    "expected name and a size of at least 1, but got NULL");
        expectError(dropoutCudaGetDeviceName(name, 0), DROPOUT_INVALID_ARGUMENT,
                    "expected name and a size of at least 1, but got size 0");
      });
}

TEST_F(CudaTest, Streams) {
  run({}, [&] {
    EXPECT_EQ(dropoutCudaGetStream(), nullptr);
    void *stream = nullptr;
    EXPECT_OK(dropoutCudaCreateStream(&stream));
    ASSERT_TRUE(stream);
    dropoutCudaSetStream(stream);
    EXPECT_EQ(dropoutCudaGetStream(), stream);
    std::thread([] { EXPECT_EQ(dropoutCudaGetStream(), nullptr); }).join();
    Image image(ptx);
    EXPECT_OK(launch(image.empty));
    EXPECT_OK(dropoutCudaSynchronize());
    char text[64];
    std::snprintf(text, sizeof(text), "stream %p", stream);
    std::ifstream lines(log);
    std::string all(std::istreambuf_iterator<char>(lines), {});
    EXPECT_NE(all.find("cuLaunchKernel empty grid 1x1x1 block 1x1x1 " +
                       std::string(text)),
              all.npos);
    EXPECT_NE(all.find("cuStreamCreate 1\n"), all.npos);
    dropoutCudaSetStream(nullptr);
    EXPECT_OK(dropoutCudaDestroyStream(stream));
    expectError(dropoutCudaDestroyStream(stream), DROPOUT_GPU_ERROR,
                "cuStreamDestroy failed: CUDA_ERROR_INVALID_HANDLE: invalid "
                "resource handle");
    expectError(dropoutCudaCreateStream(nullptr), DROPOUT_INVALID_ARGUMENT,
                "expected stream, but got NULL");
  });
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

TEST_F(CudaTest, Memory) {
  run({}, [&] {
    std::vector<int32_t> values(1001);
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = int32_t(i * i);
    void *first = toDevice(values);
    EXPECT_EQ(uintptr_t(first) % 256, 0u);
    EXPECT_NE(first, values.data());
    void *second = dropoutCudaAllocate(4004);
    EXPECT_OK(dropoutCudaCopy(second, first, 4004));
    EXPECT_OK(dropoutCudaCopy(second, second, 4004));
    EXPECT_EQ(toHost<int32_t>(second, 1001), values);

    void *empty = dropoutCudaAllocate(0);
    EXPECT_TRUE(empty);
    EXPECT_OK(dropoutCudaCopy(empty, first, 0));
    EXPECT_OK(dropoutCudaCopyToDevice(nullptr, nullptr, 0));
    EXPECT_OK(dropoutCudaFree(empty));
    EXPECT_OK(dropoutCudaFree(first));
    EXPECT_OK(dropoutCudaFree(second));
    EXPECT_EQ(countCalls("cuMemFreeAsync"), 3);
    EXPECT_EQ(countCalls("cuMemcpyDtoDAsync"), 1);

    expectError(dropoutCudaFree(second), DROPOUT_GPU_ERROR,
                "cuMemFreeAsync failed: CUDA_ERROR_INVALID_VALUE: invalid "
                "argument");
    EXPECT_EQ(dropoutCudaAllocate(-1), nullptr);
    expectError(DROPOUT_INVALID_ARGUMENT, DROPOUT_INVALID_ARGUMENT,
                "expected a size of 0 bytes or more, but got -1");
    EXPECT_EQ(dropoutCudaAllocate(int64_t(1) << 50), nullptr);
    expectError(DROPOUT_GPU_ERROR, DROPOUT_GPU_ERROR,
                "cuMemAllocAsync failed: CUDA_ERROR_OUT_OF_MEMORY: out of "
                "memory (1125899906842624 bytes were asked for)");
    expectError(dropoutCudaCopyToHost(values.data(), first, -4),
                DROPOUT_INVALID_ARGUMENT,
                "expected a size of 0 bytes or more, but got -4");
    expectError(dropoutCudaCopyToDevice(first, nullptr, 4),
                DROPOUT_INVALID_ARGUMENT,
                "expected memory to copy from, but got NULL");
    expectError(dropoutCudaCopyToHost(nullptr, first, 4),
                DROPOUT_INVALID_ARGUMENT,
                "expected memory to copy to, but got NULL");
  });
}

TEST_F(CudaTest, WithoutMemoryPools) {
  run({{"DROPOUT_FAKE_CUDA_POOLS", "0"}}, [&] {
    std::vector<int32_t> values = {1, 2, 3};
    void *memory = toDevice(values);
    EXPECT_EQ(toHost<int32_t>(memory, 3), values);
    int waits = countCalls("cuStreamSynchronize");
    EXPECT_OK(dropoutCudaFree(memory));
    EXPECT_EQ(countCalls("cuMemAlloc"), 1);
    EXPECT_EQ(countCalls("cuMemFree"), 1);
    EXPECT_EQ(countCalls("cuStreamSynchronize"), waits + 1);
    EXPECT_EQ(countCalls("cuMemAllocAsync"), 0);
    EXPECT_EQ(dropoutCudaAllocate(int64_t(1) << 50), nullptr);
    expectError(DROPOUT_GPU_ERROR, DROPOUT_GPU_ERROR,
                "cuMemAlloc failed: CUDA_ERROR_OUT_OF_MEMORY: out of memory "
                "(1125899906842624 bytes were asked for)");
  });
}

TEST_F(CudaTest, CheckPointer) {
  run({{"DROPOUT_FAKE_CUDA_DEVICES", "2"}}, [] {
    auto *memory = static_cast<char *>(dropoutCudaAllocate(100));
    EXPECT_OK(dropoutCudaCheckPointer(memory, 1, 0));
    EXPECT_OK(dropoutCudaCheckPointer(memory + 99, 1, 0));
    EXPECT_OK(dropoutCudaCheckPointer(nullptr, 0, 0));
    int32_t local = 0;
    expectError(dropoutCudaCheckPointer(&local, 1, 0), DROPOUT_INVALID_ARGUMENT,
                "expected argument #0 to be device memory, but got a host "
                "pointer");
    expectError(dropoutCudaCheckPointer(nullptr, 1, 3),
                DROPOUT_INVALID_ARGUMENT,
                "expected argument #3 to be device memory, but got NULL");
    EXPECT_OK(dropoutCudaSetDevice(1));
    expectError(dropoutCudaCheckPointer(memory, 1, 2), DROPOUT_INVALID_ARGUMENT,
                "expected argument #2 to be device memory, but got memory that "
                "the current context cannot reach");
  });
}

// The fake driver's own guard: without it, tests of kernels would see less.
TEST_F(CudaTest, WritesOutsideAbort) {
  int status = statusOf(DROPOUT_TEST_CUDA_DRIVER, {}, [] {
    Image image(ptx);
    void *memory = dropoutCudaAllocate(40);
    EXPECT_OK(launchIncrement(image, memory, 11));
    dropoutCudaFree(memory);
  });
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGABRT);
}

//===----------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------===//

TEST_F(CudaTest, Registers) {
  run({}, [] {
    Image image(ptx);
    const int32_t grid[3] = {2, 3, 5}, block[3] = {4, 2, 3};
    const size_t numThreads = 2 * 3 * 5 * 4 * 2 * 3;
    void *memory = toDevice(std::vector<int32_t>(numThreads * 12));
    void *arguments[] = {&memory};
    EXPECT_OK(dropoutCudaLaunch(image.registers, 2, 3, 5, 4, 2, 3, arguments));
    std::vector<int32_t> values = toHost<int32_t>(memory, numThreads * 12);
    const int32_t *thread = values.data();
    for (int32_t bz = 0; bz < grid[2]; ++bz)
      for (int32_t by = 0; by < grid[1]; ++by)
        for (int32_t bx = 0; bx < grid[0]; ++bx)
          for (int32_t z = 0; z < block[2]; ++z)
            for (int32_t y = 0; y < block[1]; ++y)
              for (int32_t x = 0; x < block[0]; ++x, thread += 12)
                ASSERT_EQ(std::vector<int32_t>(thread, thread + 12),
                          (std::vector<int32_t>{x, y, z, 4, 2, 3, bx, by, bz, 2,
                                                3, 5}));
    EXPECT_OK(dropoutCudaFree(memory));
  });
}

TEST_F(CudaTest, Arguments) {
  run({}, [] {
    Image image(ptx);
    void *memory = toDevice(std::vector<char>(51));
    int8_t i8 = -3;
    int16_t i16 = -30001;
    int32_t i32 = 0x12345678;
    int64_t i64 = int64_t(0xfedcba9876543210);
    float f32 = -0.0f;
    double f64 = 1e300;
    char text[24] = "twenty-three characters";
    void *arguments[] = {&memory, &i8, &i16, &i32, &i64, &f32, &f64, text};
    EXPECT_OK(dropoutCudaLaunch(image.arguments, 1, 1, 1, 1, 1, 1, arguments));
    std::string expected;
    auto add = [&](const void *bytes, size_t size) {
      expected.append(static_cast<const char *>(bytes), size);
    };
    add(&i8, 1);
    add(&i16, 2);
    add(&i32, 4);
    add(&i64, 8);
    add(&f32, 4);
    add(&f64, 8);
    add(text, 24);
    std::vector<char> bytes = toHost<char>(memory, 51);
    EXPECT_EQ(std::string(bytes.begin(), bytes.end()), expected);
    EXPECT_OK(dropoutCudaFree(memory));
  });
}

TEST_F(CudaTest, LoadsOnce) {
  run({}, [&] {
    Image image(ptx);
    std::vector<int32_t> values(100, 5);
    void *memory = toDevice(values);
    for (int i = 0; i < 3; ++i)
      EXPECT_OK(launchIncrement(image, memory, 100, 2));
    EXPECT_OK(launch(image.empty));
    EXPECT_EQ(toHost<int32_t>(memory, 100), std::vector<int32_t>(100, 11));
    EXPECT_EQ(countCalls("cuModuleLoadDataEx"), 1);
    EXPECT_EQ(countCalls("cuModuleGetFunction"), 2);
    EXPECT_EQ(countCalls("cuLaunchKernel"), 4);
    EXPECT_OK(dropoutCudaFree(memory));
  });
}

TEST_F(CudaTest, GridsAndBlocks) {
  run({}, [&] {
    Image image(ptx);
    auto launchOf = [&](int64_t gx, int64_t gy, int64_t gz, int64_t bx,
                        int64_t by, int64_t bz) {
      return dropoutCudaLaunch(image.empty, gx, gy, gz, bx, by, bz, nullptr);
    };
    // Nothing to do, and the kernel is not even loaded.
    EXPECT_OK(launchOf(0, 1, 1, 1, 1, 1));
    EXPECT_OK(launchOf(1, 0, 1, 1, 1, 1));
    EXPECT_OK(launchOf(1, 1, 0, 1, 1, 1));
    EXPECT_EQ(countCalls("cuModuleLoadDataEx"), 0);
    EXPECT_OK(launchOf(1, 1, 1, 1024, 1, 1));
    EXPECT_OK(launchOf(1, 65535, 1, 1, 1, 1));
    EXPECT_OK(launchOf(1, 1, 65535, 1, 1, 1));
    EXPECT_OK(launchOf(1, 1, 1, 1, 16, 64));
    EXPECT_EQ(countCalls("cuLaunchKernel"), 4);
    auto expectGrid = [&](int64_t x, int64_t y, int64_t z, const char *got) {
      expectError(launchOf(x, y, z, 1, 1, 1), DROPOUT_INVALID_ARGUMENT,
                  std::string("expected a grid of 0x0x0 to "
                              "2147483647x65535x65535 blocks, but got ") +
                      got);
    };
    expectGrid(-1, 1, 1, "-1x1x1");
    expectGrid(1, -1, 1, "1x-1x1");
    expectGrid(1, 1, -1, "1x1x-1");
    expectGrid(int64_t(1) << 31, 1, 1, "2147483648x1x1");
    expectGrid(0, 65536, 1, "0x65536x1");
    expectGrid(1, 1, int64_t(1) << 32, "1x1x4294967296");
    auto expectBlock = [&](int64_t x, int64_t y, int64_t z, const char *got) {
      expectError(launchOf(0, 1, 1, x, y, z), DROPOUT_INVALID_ARGUMENT,
                  std::string("expected blocks of 1 to 1024 threads, at most "
                              "1024x1024x64, but got ") +
                      got);
    };
    expectBlock(0, 1, 1, "0x1x1");
    expectBlock(1, -4, 1, "1x-4x1");
    expectBlock(1, 1, 65, "1x1x65");
    expectBlock(1025, 1, 1, "1025x1x1");
    expectBlock(1, 1025, 1, "1x1025x1");
    expectBlock(32, 32, 2, "32x32x2");
    expectBlock(int64_t(1) << 62, 4, 1, "4611686018427387904x4x1");
    EXPECT_EQ(countCalls("cuLaunchKernel"), 4);
    expectError(launch(nullptr), DROPOUT_INVALID_ARGUMENT,
                "expected kernel, but got NULL");
    DropoutCudaKernel unnamed = {&image.module, nullptr, nullptr};
    expectError(launch(&unnamed), DROPOUT_INVALID_ARGUMENT,
                "expected a kernel with a module, an image and a name, but got "
                "NULL");
  });
}

TEST_F(CudaTest, ErrorsStick) {
  run({}, [&] {
    Image image(ptx);
    std::vector<int32_t> values = {1, 2, 3};
    void *memory = toDevice(values);
    void *other = dropoutCudaAllocate(12);
    EXPECT_OK(launchIncrement(image, memory, 3));
    int launches = countCalls("cuLaunchKernel");
    int copies = countCalls("cuMemcpyDtoHAsync");
    int allocations = countCalls("cuMemAllocAsync");
    dropoutRecordError(DROPOUT_INVALID_P, "earlier");
    EXPECT_EQ(launchIncrement(image, memory, 3), DROPOUT_INVALID_P);
    EXPECT_EQ(dropoutCudaLaunch(image.empty, -1, 1, 1, 1, 1, 1, nullptr),
              DROPOUT_INVALID_P);
    EXPECT_EQ(dropoutCudaAllocate(4), nullptr);
    EXPECT_EQ(dropoutCudaCopy(other, memory, 12), DROPOUT_INVALID_P);
    EXPECT_EQ(dropoutCudaCopyToDevice(memory, &copies, 4), DROPOUT_INVALID_P);
    EXPECT_EQ(dropoutCudaCopyToHost(values.data(), memory, 12),
              DROPOUT_INVALID_P);
    EXPECT_EQ(dropoutCudaAdvanceState(memory, 1), DROPOUT_INVALID_P);
    // What ends things works.
    EXPECT_OK(dropoutCudaFree(other));
    EXPECT_OK(dropoutCudaSynchronize());
    expectError(DROPOUT_INVALID_P, DROPOUT_INVALID_P, "earlier");
    EXPECT_EQ(countCalls("cuLaunchKernel"), launches);
    EXPECT_EQ(countCalls("cuMemcpyDtoHAsync"), copies);
    EXPECT_EQ(countCalls("cuMemAllocAsync"), allocations);
    EXPECT_EQ(countCalls("cuMemcpyDtoDAsync"), 0);
    EXPECT_EQ(values, (std::vector<int32_t>{1, 2, 3}));
    EXPECT_EQ(toHost<int32_t>(memory, 3), (std::vector<int32_t>{2, 3, 4}));
    EXPECT_OK(dropoutCudaFree(memory));
  });
}

//===----------------------------------------------------------------------===//
// What the driver refuses
//===----------------------------------------------------------------------===//

TEST_F(CudaTest, DriverErrors) {
  struct Case {
    const char *call;
    const char *pools;
    int32_t (*body)();
  };
  static Image *image;
  static void *memory, *stream;
  static int32_t number;
  static char name[8];
  Image theImage(ptx);
  image = &theImage;
  auto copyToHost = [] { return dropoutCudaCopyToHost(&number, memory, 4); };
  auto allocate = [] {
    EXPECT_EQ(dropoutCudaAllocate(4), nullptr);
    return dropoutLastStatus();
  };
  auto free = [] { return dropoutCudaFree(memory); };
  auto launchEmpty = [] { return launch(image->empty); };
  const Case cases[] = {
      {"cuDeviceGetCount", "1", [] { return dropoutCudaDeviceCount(&number); }},
      {"cuDeviceGet", "1", [] { return dropoutCudaSetDevice(0); }},
      {"cuDevicePrimaryCtxRetain", "1", launchEmpty},
      {"cuCtxGetCurrent", "1", launchEmpty},
      {"cuCtxSetCurrent", "1", [] { return dropoutCudaSetDevice(0); }},
      {"cuCtxGetDevice", "1", allocate},
      {"cuCtxGetDevice", "1", free},
      {"cuCtxGetDevice", "1",
       [] { return dropoutCudaGetDeviceName(name, sizeof(name)); }},
      {"cuDeviceGetAttribute", "1", allocate},
      {"cuDeviceGetAttribute", "1",
       [] { return dropoutCudaGetComputeCapability(&number, &number); }},
      {"cuDeviceGetName", "1",
       [] { return dropoutCudaGetDeviceName(name, sizeof(name)); }},
      {"cuStreamCreate", "1", [] { return dropoutCudaCreateStream(&stream); }},
      {"cuStreamDestroy", "1", [] { return dropoutCudaDestroyStream(memory); }},
      {"cuStreamSynchronize", "1", [] { return dropoutCudaSynchronize(); }},
      {"cuStreamSynchronize", "1", copyToHost},
      {"cuStreamSynchronize", "1",
       [] { return dropoutCudaCopyToDevice(memory, &number, 4); }},
      {"cuStreamSynchronize", "0", free},
      {"cuMemAllocAsync", "1", allocate},
      {"cuMemAlloc", "0", allocate},
      {"cuMemFreeAsync", "1", free},
      {"cuMemFree", "0", free},
      {"cuMemcpyDtoDAsync", "1",
       [] {
         return dropoutCudaCopy(memory, static_cast<char *>(memory) + 4, 4);
       }},
      {"cuMemcpyHtoDAsync", "1",
       [] { return dropoutCudaCopyToDevice(memory, &number, 4); }},
      {"cuMemcpyDtoHAsync", "1", copyToHost},
      {"cuPointerGetAttribute", "1",
       [] { return dropoutCudaCheckPointer(memory, 1, 0); }},
      {"cuThreadExchangeStreamCaptureMode", "1", launchEmpty},
      {"cuModuleLoadDataEx", "1", launchEmpty},
      {"cuLaunchKernel", "1", launchEmpty},
      {"cuLaunchKernel", "1",
       [] { return dropoutCudaAdvanceState(memory, 1); }},
      {"cuModuleUnload", "1",
       [] {
         EXPECT_OK(launch(image->empty));
         return image->unload();
       }},
      {"cuCtxPushCurrent", "1",
       [] {
         EXPECT_OK(launch(image->empty));
         return image->unload();
       }},
      {"cuCtxPopCurrent", "1",
       [] {
         EXPECT_OK(launch(image->empty));
         return image->unload();
       }},
  };
  for (const Case &test : cases) {
    SCOPED_TRACE(test.call);
    uint64_t buffer[4] = {};
    memory = buffer;
    run({{"DROPOUT_FAKE_CUDA_FAIL", std::string(test.call) + "=700"},
         {"DROPOUT_FAKE_CUDA_POOLS", test.pools}},
        [&] {
          // Memory that the driver knows, where it can be had.
          std::string call = test.call;
          if (call.find("cuMem") == 0 && call.find("cuMemAlloc") != 0) {
            memory = dropoutCudaAllocate(32);
            EXPECT_TRUE(memory) << dropoutLastMessage();
          } else if (call.find("cuStreamSync") == 0) {
            memory = dropoutCudaAllocate(32);
            EXPECT_TRUE(memory) << dropoutLastMessage();
          }
          expectError(test.body(), DROPOUT_GPU_ERROR,
                      call + " failed: CUDA_ERROR_ILLEGAL_ADDRESS: an illegal "
                             "memory access was encountered");
          // No call was tried again, or left out.
          EXPECT_GE(countCalls(call), 1);
        });
  }
}

TEST_F(CudaTest, UnknownDriverError) {
  run({{"DROPOUT_FAKE_CUDA_FAIL", "cuLaunchKernel=4711@2"}}, [] {
    Image image(ptx);
    EXPECT_OK(launch(image.empty));
    expectError(launch(image.empty), DROPOUT_GPU_ERROR,
                "cuLaunchKernel failed: unknown CUDA error 4711");
    expectError(launch(image.empty), DROPOUT_GPU_ERROR,
                "cuLaunchKernel failed: unknown CUDA error 4711");
  });
}

// After a failed load the next launch tries again.
TEST_F(CudaTest, WrongArchitecture) {
  run({}, [] {
    static const char newer[] = TEST_PTX("sm_100");
    Image image(newer);
    for (int i = 0; i < 2; ++i)
      expectError(launch(image.empty), DROPOUT_GPU_ERROR,
                  "expected kernels that run on sm_90 (Fake GPU 0), but got "
                  "PTX for sm_100");
    static const char cubin[] = "\x7f"
                                "ELF and so on";
    Image binary(cubin);
    expectError(launch(binary.empty), DROPOUT_GPU_ERROR,
                "expected kernels that run on sm_90 (Fake GPU 0), but got "
                "binaries for other GPUs only");
    Image fitting(ptx);
    EXPECT_OK(launch(fitting.empty));
    static const char exact[] = TEST_PTX("sm_90a, texmode_independent");
    Image specific(exact);
    EXPECT_OK(launch(specific.empty));
  });
  run({{"DROPOUT_FAKE_CUDA_CAPABILITY", "10.3"}}, [] {
    static const char specific[] = TEST_PTX("sm_90a");
    Image image(specific);
    expectError(launch(image.empty), DROPOUT_GPU_ERROR,
                "expected kernels that run on sm_103 (Fake GPU 0), but got PTX "
                "for sm_90a");
    static const char family[] = TEST_PTX("sm_100f");
    Image relative(family);
    EXPECT_OK(launch(relative.empty));
  });
  run({{"DROPOUT_FAKE_CUDA_CAPABILITY", "12.0"}}, [] {
    static const char family[] = TEST_PTX("sm_100f");
    Image image(family);
    expectError(launch(image.empty), DROPOUT_GPU_ERROR,
                "expected kernels that run on sm_120 (Fake GPU 0), but got PTX "
                "for sm_100f");
  });
}

TEST_F(CudaTest, BadImages) {
  run({}, [] {
    static const char text[] = "no PTX";
    Image image(text);
    expectError(launch(image.empty), DROPOUT_GPU_ERROR,
                "cuModuleLoadDataEx failed: CUDA_ERROR_INVALID_PTX: a PTX JIT "
                "compilation failed (ptxas application ptx input, line 1; "
                "fatal   : Missing .version directive at start of file "
                "'<stdin>')");
    static const char empty[] = "";
    Image nothing(empty);
    EXPECT_EQ(launch(nothing.empty), DROPOUT_GPU_ERROR);
    dropoutClearStatus();
  });
  run({{"DROPOUT_FAKE_CUDA_FAIL", "cuModuleLoadDataEx=222"}}, [] {
    Image image(ptx);
    expectError(launch(image.empty), DROPOUT_GPU_ERROR,
                "cuModuleLoadDataEx failed: "
                "CUDA_ERROR_UNSUPPORTED_PTX_VERSION: the provided PTX was "
                "compiled with an unsupported toolchain");
  });
}

TEST_F(CudaTest, MissingKernel) {
  run({}, [] {
    Image image(ptx);
    DropoutCudaKernel missing = {&image.module, "commented", nullptr};
    expectError(launch(&missing), DROPOUT_GPU_ERROR,
                "cuModuleGetFunction failed: CUDA_ERROR_NOT_FOUND: named "
                "symbol not found (kernel 'commented')");
    expectError(launch(image.unbound), DROPOUT_GPU_ERROR,
                "cuModuleGetFunction failed: CUDA_ERROR_NOT_FOUND: named "
                "symbol not found (kernel 'unbound')");
    EXPECT_OK(launch(image.empty));
  });
}

//===----------------------------------------------------------------------===//
// Contexts
//===----------------------------------------------------------------------===//

TEST_F(CudaTest, Unload) {
  run({}, [&] {
    Image image(ptx);
    EXPECT_OK(image.unload());
    EXPECT_OK(launch(image.empty));
    EXPECT_OK(launch(image.empty));
    EXPECT_OK(image.unload());
    EXPECT_EQ(image.module.loaded, nullptr);
    EXPECT_EQ(image.empty->loaded, nullptr);
    EXPECT_OK(image.unload());
    EXPECT_EQ(countCalls("cuModuleUnload"), 1);
    EXPECT_OK(launch(image.empty));
    EXPECT_EQ(countCalls("cuModuleLoadDataEx"), 2);
    EXPECT_OK(image.unload());
    EXPECT_EQ(countCalls("cuModuleUnload"), 2);
    // Kernel by kernel.
    EXPECT_OK(launch(image.empty));
    EXPECT_OK(dropoutCudaUnload(&image.module, image.registers, 1));
    EXPECT_OK(dropoutCudaUnload(&image.module, image.empty, 1));
    EXPECT_EQ(image.empty->loaded, nullptr);
    EXPECT_EQ(countCalls("cuModuleUnload"), 3);
    expectError(dropoutCudaUnload(nullptr, nullptr, 0),
                DROPOUT_INVALID_ARGUMENT,
                "expected module and kernels, but got NULL or a negative "
                "number");
    expectError(dropoutCudaUnload(&image.module, image.kernels, -1),
                DROPOUT_INVALID_ARGUMENT,
                "expected module and kernels, but got NULL or a negative "
                "number");
  });
}

TEST_F(CudaTest, TwoContexts) {
  run({{"DROPOUT_FAKE_CUDA_DEVICES", "2"}}, [&] {
    Image image(ptx);
    std::vector<int32_t> values = {1, 2, 3};
    void *memories[2];
    for (int device = 0; device < 2; ++device) {
      EXPECT_OK(dropoutCudaSetDevice(device));
      memories[device] = toDevice(values);
    }
    for (int i = 0; i < 3; ++i)
      for (int device = 0; device < 2; ++device) {
        EXPECT_OK(dropoutCudaSetDevice(device));
        EXPECT_OK(launchIncrement(image, memories[device], 3, device + 1));
      }
    EXPECT_EQ(toHost<int32_t>(memories[0], 3), (std::vector<int32_t>{4, 5, 6}));
    EXPECT_EQ(toHost<int32_t>(memories[1], 3), (std::vector<int32_t>{7, 8, 9}));
    EXPECT_EQ(countCalls("cuModuleLoadDataEx"), 2);
    EXPECT_EQ(countCalls("cuModuleGetFunction"), 2);
    EXPECT_OK(image.unload());
    EXPECT_EQ(countCalls("cuModuleUnload"), 2);
    // The current context is still that of device 1.
    char name[16];
    EXPECT_OK(dropoutCudaGetDeviceName(name, sizeof(name)));
    EXPECT_STREQ(name, "Fake GPU 1");
  });
}

// As PyTorch's: made current by others, and used.
TEST_F(CudaTest, ForeignContexts) {
  run({}, [&] {
    auto init = driverFunction<int (*)(unsigned)>("cuInit");
    auto create =
        driverFunction<int (*)(void **, unsigned, int)>("cuCtxCreate_v2");
    auto destroy = driverFunction<int (*)(void *)>("cuCtxDestroy_v2");
    void *contexts[2];
    ASSERT_EQ(init(0), 0);
    Image image(ptx);
    ASSERT_EQ(create(&contexts[0], 0, 0), 0);
    EXPECT_OK(launch(image.empty));
    ASSERT_EQ(create(&contexts[1], 0, 0), 0);
    EXPECT_OK(launch(image.empty));
    EXPECT_OK(launch(image.empty));
    EXPECT_EQ(countCalls("cuDevicePrimaryCtxRetain"), 0);
    EXPECT_EQ(countCalls("cuModuleLoadDataEx"), 2);
    // One is gone, the other is unloaded.
    EXPECT_EQ(destroy(contexts[1]), 0);
    EXPECT_OK(image.unload());
    EXPECT_EQ(countCalls("cuModuleUnload"), 1);
    EXPECT_OK(launch(image.empty));
  });
}

// The delay lets every thread come before the first one is done.
TEST_F(CudaTest, ThreadsLaunchFirst) {
  run({{"DROPOUT_FAKE_CUDA_DEVICES", "2"}, {"DROPOUT_FAKE_CUDA_DELAY", "50"}},
      [&] {
        Image image(ptx);
        constexpr int numThreads = 16;
        std::atomic<int> waiting(numThreads);
        std::vector<std::thread> threads;
        for (int t = 0; t < numThreads; ++t)
          threads.emplace_back([&, t] {
            --waiting;
            while (waiting != 0)
              std::this_thread::yield();
            EXPECT_OK(dropoutCudaSetDevice(t % 2));
            for (int i = 0; i < 50; ++i)
              EXPECT_OK(launch(image.empty));
          });
        for (std::thread &thread : threads)
          thread.join();
        EXPECT_EQ(countCalls("cuDevicePrimaryCtxRetain"), 2);
        EXPECT_EQ(countCalls("cuModuleLoadDataEx"), 2);
        EXPECT_EQ(countCalls("cuModuleGetFunction"), 2);
        EXPECT_EQ(countCalls("cuLaunchKernel"), numThreads * 50);
        EXPECT_OK(image.unload());
      });
}

TEST_F(CudaTest, ForkedChildren) {
  run({{"DROPOUT_FAKE_CUDA_LOG", ""}}, [] {
    Image image(ptx), other(ptx);
    EXPECT_OK(launch(image.empty));
    // Threads that hold the lock most of the time.
    std::atomic<bool> stop(false);
    std::vector<std::thread> threads;
    for (int t = 0; t < 2; ++t)
      threads.emplace_back([&] {
        Image mine(ptx);
        while (!stop) {
          launch(mine.empty);
          mine.unload();
        }
      });
    int good = 0;
    for (int i = 0; i < 40; ++i) {
      pid_t child = fork();
      if (child == 0) {
        alarm(10);
        // The driver's answer while the thread has a context, ours otherwise.
        bool isRefused = launch(image.empty) == DROPOUT_GPU_ERROR;
        dropoutClearStatus();
        isRefused &= launch(other.empty) == DROPOUT_GPU_ERROR;
        dropoutClearStatus();
        isRefused &= image.unload() == DROPOUT_GPU_ERROR;
        _exit(isRefused ? 0 : 1);
      }
      int status = -1;
      waitpid(child, &status, 0);
      good += status == 0;
    }
    stop = true;
    for (std::thread &thread : threads)
      thread.join();
    EXPECT_EQ(good, 40);
  });
}

//===----------------------------------------------------------------------===//
// The state
//===----------------------------------------------------------------------===//

TEST_F(CudaTest, AdvanceState) {
  run({}, [&] {
    void *state = toDevice(std::vector<uint64_t>{42, 7});
    EXPECT_OK(dropoutCudaAdvanceState(state, 3));
    EXPECT_EQ(toHost<uint64_t>(state, 2), (std::vector<uint64_t>{42, 10}));
    EXPECT_OK(dropoutCudaAdvanceState(state, 0));
    EXPECT_OK(dropoutCudaAdvanceState(state, ~uint64_t(0)));
    EXPECT_EQ(toHost<uint64_t>(state, 2), (std::vector<uint64_t>{42, 9}));
    EXPECT_EQ(countCalls("cuModuleLoadDataEx"), 1);
    expectError(dropoutCudaAdvanceState(nullptr, 1), DROPOUT_INVALID_ARGUMENT,
                "expected state, but got NULL");
    EXPECT_EQ(dropoutCudaAdvanceState(static_cast<char *>(state) + 4, 1),
              DROPOUT_INVALID_ARGUMENT);
    dropoutClearStatus();
    EXPECT_OK(dropoutCudaFree(state));
  });
}

// Everything that compiled code calls may be captured, first launches too.
TEST_F(CudaTest, Graph) {
  run({}, [&] {
    auto begin =
        driverFunction<int (*)(void *, int)>("cuStreamBeginCapture_v2");
    auto end = driverFunction<int (*)(void *, void **)>("cuStreamEndCapture");
    auto instantiate =
        driverFunction<int (*)(void **, void *, unsigned long long)>(
            "cuGraphInstantiateWithFlags");
    auto launchGraph = driverFunction<int (*)(void *, void *)>("cuGraphLaunch");
    Image image(ptx);
    void *state = toDevice(std::vector<uint64_t>{42, 7});
    void *result = toDevice(std::vector<int32_t>{0, 0});
    void *stream = nullptr;
    EXPECT_OK(dropoutCudaCreateStream(&stream));
    dropoutCudaSetStream(stream);
    ASSERT_EQ(begin(stream, 0), 0);
    void *scratch = dropoutCudaAllocate(8);
    EXPECT_OK(dropoutCudaCopy(scratch, result, 8));
    EXPECT_OK(launchIncrement(image, scratch, 2, 5));
    EXPECT_OK(dropoutCudaCopy(result, scratch, 8));
    EXPECT_OK(dropoutCudaFree(scratch));
    EXPECT_OK(dropoutCudaAdvanceState(state, 2));
    void *graph = nullptr, *executable = nullptr;
    ASSERT_EQ(end(stream, &graph), 0);
    ASSERT_EQ(instantiate(&executable, graph, 0), 0);
    EXPECT_EQ(toHost<uint64_t>(state, 2), (std::vector<uint64_t>{42, 7}));
    for (int i = 1; i <= 3; ++i) {
      ASSERT_EQ(launchGraph(executable, stream), 0);
      EXPECT_EQ(toHost<uint64_t>(state, 2),
                (std::vector<uint64_t>{42, uint64_t(7 + 2 * i)}));
      EXPECT_EQ(toHost<int32_t>(result, 2),
                (std::vector<int32_t>{5 * i, 5 * i}));
    }
    // The first launches left the thread's mode as it was: global.
    auto exchangeMode =
        driverFunction<int (*)(int *)>("cuThreadExchangeStreamCaptureMode");
    int mode = 0;
    ASSERT_EQ(exchangeMode(&mode), 0);
    EXPECT_EQ(mode, 0);
    // What waits can't be captured, and says so.
    ASSERT_EQ(begin(stream, 0), 0);
    expectError(dropoutCudaSynchronize(), DROPOUT_GPU_ERROR,
                "cuStreamSynchronize failed: "
                "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED: operation not "
                "permitted when stream is capturing");
    EXPECT_EQ(end(stream, &graph), 901);
  });
}

// What programs that measure call besides the runtime.
TEST_F(CudaTest, DriverForPrograms) {
  run({}, [&] {
    void *memory = dropoutCudaAllocate(100);
    ASSERT_TRUE(memory);
    auto address = static_cast<unsigned long long>(uintptr_t(memory));
    auto set = driverFunction<int (*)(unsigned long long, unsigned char, size_t,
                                      void *)>("cuMemsetD8Async");
    EXPECT_EQ(set(address, 7, 100, nullptr), 0);
    EXPECT_EQ(toHost<char>(memory, 100), std::vector<char>(100, 7));
    EXPECT_EQ(set(address, 7, 101, nullptr), 1);
    auto info = driverFunction<int (*)(size_t *, size_t *)>("cuMemGetInfo_v2");
    size_t available = 0, total = 0;
    EXPECT_EQ(info(&available, &total), 0);
    EXPECT_EQ(total - available, 100u);
    EXPECT_OK(dropoutCudaFree(memory));
    EXPECT_EQ(info(&available, &total), 0);
    EXPECT_EQ(total, available);

    auto createEvent =
        driverFunction<int (*)(void **, unsigned)>("cuEventCreate");
    auto record = driverFunction<int (*)(void *, void *)>("cuEventRecord");
    auto wait = driverFunction<int (*)(void *)>("cuEventSynchronize");
    auto elapsed =
        driverFunction<int (*)(float *, void *, void *)>("cuEventElapsedTime");
    auto destroyEvent = driverFunction<int (*)(void *)>("cuEventDestroy_v2");
    void *events[2];
    float milliseconds = -1;
    for (void *&event : events)
      ASSERT_EQ(createEvent(&event, 0), 0);
    EXPECT_EQ(elapsed(&milliseconds, events[0], events[1]), 400);
    EXPECT_EQ(record(events[0], nullptr), 0);
    usleep(2000);
    EXPECT_EQ(record(events[1], nullptr), 0);
    EXPECT_EQ(wait(events[1]), 0);
    EXPECT_EQ(elapsed(&milliseconds, events[0], events[1]), 0);
    EXPECT_GE(milliseconds, 2.0f);
    EXPECT_EQ(destroyEvent(events[0]), 0);
    EXPECT_EQ(destroyEvent(events[0]), 400);
  });
}

#endif // __linux__
