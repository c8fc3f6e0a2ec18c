//===- Machine.cpp - The machine that is measured -------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Machine.h"
#include "Yardstick.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/TargetParser/Host.h"
#include <chrono>
#include <ctime>
#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>

using namespace bench;

/// The text of a small file of /proc or /sys; empty if there is none.
static std::string readText(const llvm::Twine &path) {
  auto buffer = llvm::MemoryBuffer::getFileAsStream(path);
  return buffer ? (*buffer)->getBuffer().trim().str() : std::string();
}

/// What stands behind "\p key :" in /proc/cpuinfo or /proc/meminfo.
static std::string findField(llvm::StringRef text, llvm::StringRef key) {
  llvm::SmallVector<llvm::StringRef> lines;
  text.split(lines, '\n');
  for (llvm::StringRef line : lines) {
    auto [name, value] = line.split(':');
    if (name.trim() == key)
      return value.trim().str();
  }
  return "";
}

llvm::json::Object bench::describeMachine() {
  llvm::json::Object result;
  result["cpu"] = findField(readText("/proc/cpuinfo"), "model name");
  result["llvm_cpu"] = llvm::sys::getHostCPUName();
  result["cpus"] = int64_t(std::thread::hardware_concurrency());
  result["memory"] = findField(readText("/proc/meminfo"), "MemTotal");
  llvm::json::Object caches;
  for (int index = 0; index < 8; ++index) {
    std::string folder = "/sys/devices/system/cpu/cpu0/cache/index" +
                         llvm::utostr(unsigned(index)) + "/";
    std::string size = readText(folder + "size");
    if (!size.empty())
      caches["L" + readText(folder + "level") + " " +
             readText(folder + "type")] = size;
  }
  result["caches"] = std::move(caches);
  result["huge_pages"] =
      readText("/sys/kernel/mm/transparent_hugepage/enabled");
  result["avx512"] = yardstick::isSupported(yardstick::Isa::AVX512);
  struct utsname name;
  if (uname(&name) == 0)
    result["kernel"] = std::string(name.sysname) + " " + name.release;
#if defined(__GLIBC__)
  result["libc"] =
      "glibc " + llvm::utostr(__GLIBC__) + "." + llvm::utostr(__GLIBC_MINOR__);
#endif
  return result;
}

std::string bench::getDate() {
  std::time_t now = std::time(nullptr);
  char text[32];
  std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&now));
  return text;
}

static void pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  sched_setaffinity(0, sizeof(set), &set);
}

std::pair<int, int> bench::pinToOneCpu() {
  cpu_set_t allowed;
  std::pair<int, int> result(-1, -1);
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
    return result;
  for (int cpu = CPU_SETSIZE - 1; cpu >= 0; --cpu) {
    if (!CPU_ISSET(cpu, &allowed))
      continue;
    if (result.first < 0)
      result.first = cpu;
    else if (result.second < 0)
      result.second = cpu;
  }
  if (result.first >= 0)
    pin(result.first);
  return result;
}

void Worker::pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

Worker::Worker(int cpu)
    : thread([this, cpu] {
        if (cpu >= 0)
          pin(cpu);
        uint64_t done = 0;
        while (!stop.load()) {
          if (started.load(std::memory_order_acquire) != done) {
            function(context);
            finished.store(++done, std::memory_order_release);
          } else if (active.load(std::memory_order_relaxed)) {
            pause();
          } else {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
          }
        }
      }) {}

Worker::~Worker() {
  stop.store(true);
  thread.join();
}
