/*===- host_launch.c - Launches of kernels that were compiled for the host
--===*\
|*                                                                            *|
|* Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM  *|
|* Exceptions. See LICENSE for license information.                           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* What host code of dropout-to-ptx calls, in place of the functions of       *|
|* Cuda.h: a launch runs the kernel's threads one after the other, in an      *|
|* order that changes from launch to launch; memory ends at a page that       *|
|* nobody may touch and begins as garbage. A misuse ends the process.         *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int32_t dropoutLastStatus(void);

/* As in dropout/Runtime/Cuda.h. */
typedef struct {
  void *module;
  const char *name;
  void *loaded;
} Kernel;

static void die(const char *what, const char *name) {
  fprintf(stderr, "%s: %s\n", what, name);
  fflush(stderr);
  abort();
}

/*===----------------------------------------------------------------------===*\
|* Launches                                                                   *|
\*===----------------------------------------------------------------------===*/

enum { maxLibraries = 8, maxArguments = 256 };

static void *libraries[maxLibraries];
static int numLibraries;
static char history[1 << 16];
static size_t historySize;
static unsigned numLaunches;

void dropoutHostAddLibrary(void *handle) {
  if (numLibraries == maxLibraries)
    die("too many libraries", "");
  libraries[numLibraries++] = handle;
}

/* "name gridX gridY blockX blockY" of the last launches, a line each; forgets
   them. */
const char *dropoutHostTakeLaunches(void) {
  static char taken[sizeof(history)];
  memcpy(taken, history, historySize);
  taken[historySize] = 0;
  historySize = 0;
  return taken;
}

static uint64_t greatestDivisor(uint64_t a, uint64_t b) {
  while (b) {
    uint64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

int32_t dropoutCudaLaunch(Kernel *kernel, int64_t gridX, int64_t gridY,
                          int64_t gridZ, int64_t blockX, int64_t blockY,
                          int64_t blockZ, void **arguments) {
  if (dropoutLastStatus())
    return dropoutLastStatus();
  const char *name = kernel->name;
  if (blockX < 1 || blockY < 1 || blockZ < 1 || blockZ > 64 || blockX > 1024 ||
      blockY > 1024 || blockX * blockY * blockZ > 1024)
    die("block of a size that no device takes", name);
  if (gridX < 0 || gridY < 0 || gridZ < 0 || gridX > INT32_MAX ||
      gridY > 65535 || gridZ > 65535)
    die("grid of a size that no device takes", name);
  if (historySize + strlen(name) + 100 < sizeof(history))
    historySize += sprintf(history + historySize, "%s %lld %lld %lld %lld\n",
                           name, (long long)gridX, (long long)gridY,
                           (long long)blockX, (long long)blockY);

  char symbol[1024];
  void (*invoke)(void **) = NULL;
  int32_t *registers = NULL;
  const uint32_t *sizes = NULL;
  for (int i = 0; i < numLibraries && !invoke; ++i) {
    snprintf(symbol, sizeof(symbol), "dropout_invoke_%s", name);
    *(void **)&invoke = dlsym(libraries[i], symbol);
    snprintf(symbol, sizeof(symbol), "dropout_argument_sizes_%s", name);
    sizes = (const uint32_t *)dlsym(libraries[i], symbol);
    registers = (int32_t *)dlsym(libraries[i], "dropout_host_registers");
  }
  if (!invoke || !registers || !sizes)
    die("there is no such kernel", name);

  /* A launch copies the arguments: so many bytes, no more. */
  void *copies[maxArguments];
  int numArguments = 0;
  for (; sizes[numArguments]; ++numArguments) {
    if (numArguments == maxArguments)
      die("too many arguments", name);
    copies[numArguments] = malloc(sizes[numArguments]);
    memcpy(copies[numArguments], arguments[numArguments], sizes[numArguments]);
  }

  const uint64_t extents[6] = {blockX, blockY, blockZ, gridX, gridY, gridZ};
  uint64_t total = 1;
  for (int i = 0; i < 6; ++i)
    total *= extents[i];
  uint64_t step = 1, first = 0;
  switch (numLaunches++ % 3) {
  case 1:
    step = total - 1, first = total - 1;
    break;
  case 2:
    step = total / 2 + total / 8 + 1;
    while (total && greatestDivisor(step, total) != 1)
      ++step;
    break;
  }
  for (int i = 0; i < 3; ++i) {
    registers[3 + i] = (int32_t)extents[i];
    registers[9 + i] = (int32_t)extents[3 + i];
  }
  for (uint64_t count = 0, thread = first; count < total; ++count) {
    uint64_t rest = thread;
    for (int i = 0; i < 6; ++i) {
      registers[i < 3 ? i : 3 + i] = (int32_t)(rest % extents[i]);
      rest /= extents[i];
    }
    invoke(copies);
    thread = (uint64_t)(((unsigned __int128)thread + step) % total);
  }
  for (int i = 0; i < numArguments; ++i)
    free(copies[i]);
  return 0;
}

/*===----------------------------------------------------------------------===*\
|* Memory                                                                     *|
\*===----------------------------------------------------------------------===*/

enum { guard = 0x5a, garbage = 0xa5 };

typedef struct Allocation {
  struct Allocation *next;
  char *pages, *begin;
  size_t numBytes, numMapped;
} Allocation;

static Allocation *allocations;

/* Arrays that were allocated and not freed. */
int32_t dropoutHostCountAllocations(void) {
  int32_t count = 0;
  for (Allocation *a = allocations; a; a = a->next)
    ++count;
  return count;
}

void *dropoutCudaAllocate(int64_t numBytes) {
  if (dropoutLastStatus())
    return NULL;
  if (numBytes < 0)
    die("allocation of a negative size", "");
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t inside = ((size_t)numBytes + page - 1) / page * page;
  Allocation *a = malloc(sizeof(*a));
  a->numBytes = (size_t)numBytes;
  a->numMapped = inside + 2 * page;
  a->pages = mmap(NULL, a->numMapped, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (a->pages == MAP_FAILED)
    die("no memory", "");
  char *end = a->pages + page + inside;
  a->begin = end - ((size_t)numBytes + 255) / 256 * 256;
  memset(a->pages, guard, a->numMapped);
  memset(a->begin, garbage, (size_t)numBytes);
  mprotect(a->pages, page, PROT_NONE);
  mprotect(end, page, PROT_NONE);
  a->next = allocations;
  allocations = a;
  return a->begin;
}

int32_t dropoutCudaFree(void *memory) {
  if (!memory)
    return 0;
  Allocation **link = &allocations;
  while (*link && (*link)->begin != memory)
    link = &(*link)->next;
  Allocation *a = *link;
  if (!a)
    die("free of what was not allocated", "");
  long page = sysconf(_SC_PAGESIZE);
  for (char *p = a->pages + page; p < a->pages + a->numMapped - page; ++p)
    if ((p < a->begin || p >= a->begin + a->numBytes) && *p != guard)
      die("write outside of allocated memory", "");
  *link = a->next;
  munmap(a->pages, a->numMapped);
  free(a);
  return 0;
}

int32_t dropoutCudaCopy(void *target, const void *source, int64_t numBytes) {
  if (dropoutLastStatus())
    return dropoutLastStatus();
  memmove(target, source, (size_t)numBytes);
  return 0;
}

int32_t dropoutCudaCheckPointer(const void *pointer) {
  (void)pointer;
  return 0;
}
