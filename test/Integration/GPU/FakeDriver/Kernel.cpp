//===- Kernel.cpp - Modules and launches ------------------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FakeDriver.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <unistd.h>

using namespace fake;

//===----------------------------------------------------------------------===//
// Modules
//===----------------------------------------------------------------------===//

/// PTX without its comments.
static std::string stripComments(const std::string &text) {
  std::string stripped;
  for (size_t i = 0; i < text.size();) {
    if (text.compare(i, 2, "//") == 0) {
      i = std::min(text.find('\n', i), text.size());
    } else if (text.compare(i, 2, "/*") == 0) {
      size_t end = text.find("*/", i + 2);
      i = end == text.npos ? text.size() : end + 2;
    } else {
      stripped += text[i++];
    }
  }
  return stripped;
}

/// The word behind position `i`.
static std::string readWord(const std::string &text, size_t i) {
  size_t begin = std::min(text.find_first_not_of(" \t\r\n", i), text.size());
  size_t end = std::min(text.find_first_of(" \t\r\n,;({", begin), text.size());
  return text.substr(begin, end - begin);
}

/// Compiles PTX, that is, reads its target and the names of its kernels. What
/// is wrong goes to `log`.
static Result compile(const std::string &ptx, Module &module,
                      std::string &log) {
  std::string text = stripComments(ptx);
  size_t version = text.find(".version");
  size_t target = text.find(".target");
  if (version == text.npos || target == text.npos || target < version) {
    log = "ptxas application ptx input, line 1; fatal   : Missing .version "
          "directive at start of file '<stdin>'";
    return InvalidPtx;
  }
  std::string name = readWord(text, target + std::strlen(".target"));
  int number = 0;
  char suffix[8] = "";
  if (std::sscanf(name.c_str(), "sm_%d%7s", &number, suffix) < 1) {
    log = "ptxas application ptx input, line 2; fatal   : Unknown target '" +
          name + "'";
    return InvalidPtx;
  }
  int device = state().major * 10 + state().minor;
  bool fits = number <= device;
  if (std::strcmp(suffix, "a") == 0)
    fits = number == device;
  else if (std::strcmp(suffix, "f") == 0)
    fits = number <= device && number / 10 == device / 10;
  if (!fits) {
    log = "\nptxas fatal   : SM version specified by .target is higher than "
          "default SM version assumed\n";
    return InvalidPtx;
  }
  const char entry[] = ".visible .entry";
  for (size_t i = text.find(entry); i != text.npos; i = text.find(entry, i + 1))
    module.entries.insert(readWord(text, i + std::strlen(entry)));
  return Success;
}

static Result loadModule(Module **module, const void *image,
                         unsigned numOptions, const int *options,
                         void **values) {
  Context *context;
  if (Result result = currentContext(context))
    return result;
  if (Result result = checkCaptureSafety())
    return result;
  if (!module || !image)
    return InvalidValue;
  // A cubin, or a fat binary. Text may be shorter than their magic numbers.
  auto *text = static_cast<const char *>(image);
  if (std::strncmp(text,
                   "\x7f"
                   "ELF",
                   4) == 0 ||
      std::strncmp(text, "\x50\xed\x55\xba", 4) == 0)
    return NoBinaryForGpu;
  auto loaded = std::make_unique<Module>();
  loaded->context = context;
  std::string log;
  if (Result result = compile(text, *loaded, log)) {
    char *buffer = nullptr;
    size_t size = 0;
    for (unsigned i = 0; i < numOptions; ++i) {
      if (options[i] == 5) // ERROR_LOG_BUFFER
        buffer = static_cast<char *>(values[i]);
      if (options[i] == 6) // ERROR_LOG_BUFFER_SIZE_BYTES
        size = reinterpret_cast<uintptr_t>(values[i]);
    }
    if (buffer && size)
      std::snprintf(buffer, size, "%s", log.c_str());
    return result;
  }
  *module = loaded.release();
  state().modules.insert(*module);
  return Success;
}

FAKE_EXPORT Result cuModuleLoadDataEx(Module **module, const void *image,
                                      unsigned numOptions, int *options,
                                      void **values) {
  usleep(useconds_t(state().delay) * 1000);
  FAKE_ENTER("cuModuleLoadDataEx", "%s", "");
  return loadModule(module, image, numOptions, options, values);
}

FAKE_EXPORT Result cuModuleLoadData(Module **module, const void *image) {
  FAKE_ENTER("cuModuleLoadData", "%s", "");
  return loadModule(module, image, 0, nullptr, nullptr);
}

FAKE_EXPORT Result cuModuleUnload(Module *module) {
  FAKE_ENTER_IN_CONTEXT("cuModuleUnload", "%s", "");
  if (!state().modules.count(module) || module->isUnloaded ||
      module->context != context)
    return InvalidHandle;
  module->isUnloaded = true;
  return Success;
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

static void invokeAdvanceState(void **arguments) {
  auto *seedAndOffset = *static_cast<uint64_t **>(arguments[0]);
  seedAndOffset[1] += *static_cast<uint64_t *>(arguments[1]);
}

/// Finds the host's code for a kernel.
static bool bind(Function &function) {
  static int32_t noRegisters[12];
  if (function.name == "dropout_advance_state") {
    function.invoke = invokeAdvanceState;
    function.registers = noRegisters;
    function.sizes = {8, 8};
    return true;
  }
  for (void *library : state().kernelLibraries) {
    void *invoke = dlsym(library, ("dropout_invoke_" + function.name).c_str());
    if (!invoke)
      continue;
    void *registers = dlsym(library, "dropout_host_registers");
    void *sizes =
        dlsym(library, ("dropout_argument_sizes_" + function.name).c_str());
    if (!registers || !sizes) {
      std::fprintf(stderr,
                   "fake CUDA driver: the library of kernel '%s' lacks "
                   "dropout_host_registers or dropout_argument_sizes_%s\n",
                   function.name.c_str(), function.name.c_str());
      std::abort();
    }
    function.invoke = reinterpret_cast<void (*)(void **)>(invoke);
    function.registers = static_cast<int32_t *>(registers);
    for (auto *size = static_cast<const uint32_t *>(sizes); *size; ++size)
      function.sizes.push_back(*size);
    return true;
  }
  return false;
}

FAKE_EXPORT Result cuModuleGetFunction(Function **function, Module *module,
                                       const char *name) {
  FAKE_ENTER_IN_CONTEXT("cuModuleGetFunction", "%s", name);
  if (!state().modules.count(module) || module->isUnloaded)
    return InvalidHandle;
  if (!module->entries.count(name))
    return NotFound;
  std::unique_ptr<Function> &slot = module->functions[name];
  if (!slot) {
    auto bound = std::make_unique<Function>();
    bound->module = module;
    bound->name = name;
    if (!bind(*bound))
      return NotFound;
    state().functions.insert(bound.get());
    slot = std::move(bound);
  }
  *function = slot.get();
  return Success;
}

//===----------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------===//

namespace {
/// A launch with its arguments.
struct Launch {
  Function *function;
  unsigned grid[3];
  unsigned block[3];
  /// The values, each in slots of 16 bytes, as aligned as any parameter.
  struct alignas(16) Slot {
    unsigned char bytes[16];
  };
  std::vector<Slot> slots;

  Result run() const;
};
} // namespace

Result Launch::run() const {
  if (function->module->isUnloaded)
    return InvalidHandle;
  std::vector<Slot> values = slots;
  std::vector<void *> arguments;
  size_t slot = 0;
  for (uint32_t size : function->sizes) {
    arguments.push_back(&values[slot]);
    slot += (size + sizeof(Slot) - 1) / sizeof(Slot);
  }
  int32_t *registers = function->registers;
  for (int i = 0; i < 3; ++i) {
    registers[3 + i] = int32_t(block[i]);
    registers[9 + i] = int32_t(grid[i]);
  }
  for (unsigned blockZ = 0; blockZ < grid[2]; ++blockZ)
    for (unsigned blockY = 0; blockY < grid[1]; ++blockY)
      for (unsigned blockX = 0; blockX < grid[0]; ++blockX) {
        registers[6] = int32_t(blockX);
        registers[7] = int32_t(blockY);
        registers[8] = int32_t(blockZ);
        for (unsigned z = 0; z < block[2]; ++z)
          for (unsigned y = 0; y < block[1]; ++y)
            for (unsigned x = 0; x < block[0]; ++x) {
              registers[0] = int32_t(x);
              registers[1] = int32_t(y);
              registers[2] = int32_t(z);
              function->invoke(arguments.data());
            }
      }
  return Success;
}

Result fake::submitLaunch(Context *context, void *handle,
                          const unsigned grid[3], const unsigned block[3],
                          void *stream, void **arguments) {
  auto *function = static_cast<Function *>(handle);
  if (!state().functions.count(function) || function->module->isUnloaded ||
      function->module->context != context)
    return InvalidHandle;
  for (int i = 0; i < 3; ++i)
    if (grid[i] == 0 || block[i] == 0)
      return InvalidValue;
  if (grid[0] > 2147483647u || grid[1] > 65535 || grid[2] > 65535 ||
      block[0] > 1024 || block[1] > 1024 || block[2] > 64 ||
      block[0] * block[1] * block[2] > 1024)
    return InvalidValue;
  Launch launch{function,
                {grid[0], grid[1], grid[2]},
                {block[0], block[1], block[2]},
                {}};
  for (size_t i = 0; i < function->sizes.size(); ++i) {
    if (!arguments || !arguments[i])
      return InvalidValue;
    size_t size = function->sizes[i];
    size_t slot = launch.slots.size();
    launch.slots.resize(slot + (size + sizeof(Launch::Slot) - 1) /
                                   sizeof(Launch::Slot));
    std::memcpy(&launch.slots[slot], arguments[i], size);
  }
  return submit(stream, [launch] { return launch.run(); });
}

FAKE_EXPORT Result cuLaunchKernel(Function *function, unsigned gridX,
                                  unsigned gridY, unsigned gridZ,
                                  unsigned blockX, unsigned blockY,
                                  unsigned blockZ, unsigned sharedBytes,
                                  void *stream, void **arguments,
                                  void **extra) {
  if (isForkedChild())
    return NotInitialized;
  std::lock_guard<std::recursive_mutex> lock(state().mutex);
  bool isFunction = state().functions.count(function);
  FAKE_ENTER_IN_CONTEXT("cuLaunchKernel",
                        "%s grid %ux%ux%u block %ux%ux%u stream %p",
                        isFunction ? function->name.c_str() : "?", gridX, gridY,
                        gridZ, blockX, blockY, blockZ, stream);
  if (extra || sharedBytes > 48 * 1024)
    return NotSupported;
  const unsigned grid[] = {gridX, gridY, gridZ};
  const unsigned block[] = {blockX, blockY, blockZ};
  return submitLaunch(context, function, grid, block, stream, arguments);
}
