//===- Memory.cpp - Device memory -------------------------------*- C++ -*-===//
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
#include <sys/mman.h>
#include <unistd.h>

using namespace fake;

//===----------------------------------------------------------------------===//
// Allocations between guards
//===----------------------------------------------------------------------===//

/// In front of the memory: a page that faults, canaries up to a multiple of the
/// alignment. Behind it: canaries up to one, a page that faults.
struct fake::Allocation {
  unsigned char *mapping;
  size_t mappingSize;
  unsigned char *usable;
  unsigned char *begin;
  size_t size;
  unsigned char *end;
  int device;
  /// Freed by a graph, which allocates it again when it is launched.
  bool isFreedInGraph = false;

  ~Allocation() {
    check();
    munmap(mapping, mappingSize);
  }
  void fill();
  void check() const;
};

constexpr size_t alignment = 256;
constexpr size_t totalMemory = size_t(16) << 30;
constexpr unsigned char canary = 0xc7;
/// Fresh memory holds no zeros.
constexpr unsigned char garbage = 0xa5;

static size_t usedMemory = 0;

/// By address. Never destroyed.
static std::map<uintptr_t, AllocationPointer> &allocations() {
  static auto *allocations = new std::map<uintptr_t, AllocationPointer>();
  return *allocations;
}

static size_t roundUp(size_t size, size_t multiple) {
  return (size + multiple - 1) / multiple * multiple;
}

void Allocation::fill() {
  std::memset(usable, canary, size_t(begin - usable));
  std::memset(begin, garbage, size);
  std::memset(begin + size, canary, size_t(end - begin) - size);
}

void Allocation::check() const {
  for (const unsigned char *byte = usable; byte < end; ++byte) {
    if (byte == begin)
      byte += size;
    if (byte < end && *byte != canary) {
      std::fprintf(stderr,
                   "fake CUDA driver: byte %td of an allocation of %zu bytes "
                   "was written\n",
                   byte - begin, size);
      std::abort();
    }
  }
}

static AllocationPointer allocate(size_t size, int device) {
  auto pageSize = size_t(sysconf(_SC_PAGESIZE));
  if (size > totalMemory - usedMemory)
    return nullptr;
  size_t padded = roundUp(size, alignment);
  size_t usable = roundUp(padded, pageSize);
  size_t mappingSize = usable + 2 * pageSize;
  void *mapping = mmap(nullptr, mappingSize, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED)
    return nullptr;
  auto *base = static_cast<unsigned char *>(mapping);
  if (mprotect(base + pageSize, usable, PROT_READ | PROT_WRITE) != 0) {
    munmap(mapping, mappingSize);
    return nullptr;
  }
  auto allocation = std::make_shared<Allocation>();
  allocation->mapping = base;
  allocation->mappingSize = mappingSize;
  allocation->usable = base + pageSize;
  allocation->end = base + pageSize + usable;
  allocation->begin = allocation->end - padded;
  allocation->size = size;
  allocation->device = device;
  allocation->fill();
  allocations()[reinterpret_cast<uintptr_t>(allocation->begin)] = allocation;
  usedMemory += size;
  return allocation;
}

/// The allocation that holds all of [address, address + size).
static Allocation *findAllocation(DevicePointer address, size_t size) {
  auto it = allocations().upper_bound(uintptr_t(address));
  if (it == allocations().begin())
    return nullptr;
  Allocation *allocation = std::prev(it)->second.get();
  size_t offset = size_t(address - std::prev(it)->first);
  return offset <= allocation->size && size <= allocation->size - offset &&
                 (size != 0 || offset < allocation->size)
             ? allocation
             : nullptr;
}

static Result release(DevicePointer address) {
  auto it = allocations().find(uintptr_t(address));
  if (it == allocations().end())
    return InvalidValue;
  usedMemory -= it->second->size;
  allocations().erase(it);
  return Success;
}

void fake::checkAllocations() {
  for (const auto &entry : allocations())
    entry.second->check();
}

__attribute__((destructor)) static void checkAtExit() { checkAllocations(); }

static unsigned char *bytes(DevicePointer address) {
  return reinterpret_cast<unsigned char *>(uintptr_t(address));
}

//===----------------------------------------------------------------------===//
// Entry points
//===----------------------------------------------------------------------===//

FAKE_EXPORT Result cuMemAlloc_v2(DevicePointer *address, size_t size) {
  FAKE_ENTER_IN_CONTEXT("cuMemAlloc", "%zu", size);
  if (Result result = checkCaptureSafety())
    return result;
  if (size == 0)
    return InvalidValue;
  AllocationPointer allocation = allocate(size, context->device);
  if (!allocation)
    return OutOfMemory;
  *address = reinterpret_cast<uintptr_t>(allocation->begin);
  return Success;
}

FAKE_EXPORT Result cuMemFree_v2(DevicePointer address) {
  FAKE_ENTER_IN_CONTEXT("cuMemFree", "%#llx", address);
  if (Result result = checkCaptureSafety())
    return result;
  return release(address);
}

FAKE_EXPORT Result cuMemAllocAsync(DevicePointer *address, size_t size,
                                   void *handle) {
  FAKE_ENTER_IN_CONTEXT("cuMemAllocAsync", "%zu stream %p", size, handle);
  Stream *stream = findStream(handle);
  if (!stream)
    return InvalidHandle;
  if (!state().hasPools)
    return NotSupported;
  if (size == 0)
    return InvalidValue;
  AllocationPointer allocation = allocate(size, context->device);
  if (!allocation)
    return OutOfMemory;
  *address = reinterpret_cast<uintptr_t>(allocation->begin);
  // The address is the same in every replay. What it held is not.
  if (stream->capture)
    stream->capture->work.push_back([allocation] {
      allocation->fill();
      return Success;
    });
  return Success;
}

FAKE_EXPORT Result cuMemFreeAsync(DevicePointer address, void *handle) {
  FAKE_ENTER_IN_CONTEXT("cuMemFreeAsync", "%#llx stream %p", address, handle);
  Stream *stream = findStream(handle);
  if (!stream)
    return InvalidHandle;
  auto it = allocations().find(uintptr_t(address));
  if (it == allocations().end())
    return InvalidValue;
  if (!stream->capture)
    return release(address);
  AllocationPointer allocation = it->second;
  if (allocation->isFreedInGraph)
    return InvalidValue;
  // It stays for the replays, until the process ends.
  allocation->isFreedInGraph = true;
  stream->capture->work.push_back([allocation] {
    allocation->check();
    return Success;
  });
  return Success;
}

static Result copy(void *target, const void *source, size_t size,
                   void *handle) {
  return submit(handle, [=] {
    std::memmove(target, source, size);
    return Success;
  });
}

FAKE_EXPORT Result cuMemcpyDtoDAsync_v2(DevicePointer target,
                                        DevicePointer source, size_t size,
                                        void *stream) {
  FAKE_ENTER_IN_CONTEXT("cuMemcpyDtoDAsync", "%zu stream %p", size, stream);
  if (!findAllocation(target, size) || !findAllocation(source, size))
    return InvalidValue;
  return copy(bytes(target), bytes(source), size, stream);
}

FAKE_EXPORT Result cuMemcpyHtoDAsync_v2(DevicePointer target,
                                        const void *source, size_t size,
                                        void *stream) {
  FAKE_ENTER_IN_CONTEXT("cuMemcpyHtoDAsync", "%zu stream %p", size, stream);
  if (!findAllocation(target, size))
    return InvalidValue;
  return copy(bytes(target), source, size, stream);
}

FAKE_EXPORT Result cuMemcpyDtoHAsync_v2(void *target, DevicePointer source,
                                        size_t size, void *stream) {
  FAKE_ENTER_IN_CONTEXT("cuMemcpyDtoHAsync", "%zu stream %p", size, stream);
  if (!findAllocation(source, size))
    return InvalidValue;
  return copy(target, bytes(source), size, stream);
}

FAKE_EXPORT Result cuMemcpyHtoD_v2(DevicePointer target, const void *source,
                                   size_t size) {
  FAKE_ENTER_IN_CONTEXT("cuMemcpyHtoD", "%zu", size);
  if (Result result = checkCaptureSafety())
    return result;
  if (!findAllocation(target, size))
    return InvalidValue;
  return copy(bytes(target), source, size, nullptr);
}

FAKE_EXPORT Result cuMemcpyDtoH_v2(void *target, DevicePointer source,
                                   size_t size) {
  FAKE_ENTER_IN_CONTEXT("cuMemcpyDtoH", "%zu", size);
  if (Result result = checkCaptureSafety())
    return result;
  if (!findAllocation(source, size))
    return InvalidValue;
  return copy(target, bytes(source), size, nullptr);
}

FAKE_EXPORT Result cuMemsetD8Async(DevicePointer target, unsigned char value,
                                   size_t size, void *stream) {
  FAKE_ENTER_IN_CONTEXT("cuMemsetD8Async", "%zu stream %p", size, stream);
  if (!findAllocation(target, size))
    return InvalidValue;
  return submit(stream, [=] {
    std::memset(bytes(target), value, size);
    return Success;
  });
}

FAKE_EXPORT Result cuMemGetInfo_v2(size_t *available, size_t *total) {
  FAKE_ENTER_IN_CONTEXT("cuMemGetInfo", "%s", "");
  *available = totalMemory - usedMemory;
  *total = totalMemory;
  return Success;
}

FAKE_EXPORT Result cuPointerGetAttribute(void *data, int attribute,
                                         DevicePointer address) {
  FAKE_ENTER_IN_CONTEXT("cuPointerGetAttribute", "%d of %#llx", attribute,
                        address);
  Allocation *allocation = findAllocation(address, 0);
  if (!allocation)
    return InvalidValue;
  switch (attribute) {
  case 2: { // MEMORY_TYPE
    unsigned deviceMemory = 2;
    std::memcpy(data, &deviceMemory, sizeof(deviceMemory));
    return Success;
  }
  case 3: // DEVICE_POINTER
    if (allocation->device != context->device)
      return InvalidValue;
    std::memcpy(data, &address, sizeof(address));
    return Success;
  case 9: // DEVICE_ORDINAL
    std::memcpy(data, &allocation->device, sizeof(allocation->device));
    return Success;
  }
  return InvalidValue;
}
