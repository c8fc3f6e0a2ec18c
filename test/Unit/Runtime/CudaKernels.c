/*===- CudaKernels.c - Kernels for the fake driver ----------------*- C -*-===*\
|*                                                                            *|
|* Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM  *|
|* Exceptions. See LICENSE for license information.                           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* Host code as test/Integration/GPU/FakeDriver/FakeDriver.h asks for.        *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include <stdint.h>
#include <string.h>

int32_t dropout_host_registers[12];

/* The number of this thread in the whole grid. */
static int64_t globalThread(void) {
  const int32_t *thread = dropout_host_registers, *threads = thread + 3,
                *block = thread + 6, *blocks = thread + 9;
  int64_t inBlock =
      ((int64_t)thread[2] * threads[1] + thread[1]) * threads[0] + thread[0];
  int64_t blockNumber =
      ((int64_t)block[2] * blocks[1] + block[1]) * blocks[0] + block[0];
  return blockNumber * threads[0] * threads[1] * threads[2] + inBlock;
}

/* empty() */
const uint32_t dropout_argument_sizes_empty[] = {0};
void dropout_invoke_empty(void **arguments) { (void)arguments; }

/* increment(int32_t *memory, int64_t size, int32_t step) */
const uint32_t dropout_argument_sizes_increment[] = {8, 8, 4, 0};
void dropout_invoke_increment(void **arguments) {
  int32_t *memory = *(int32_t **)arguments[0];
  int64_t size = *(int64_t *)arguments[1];
  int64_t i = globalThread();
  if (i < size)
    memory[i] += *(int32_t *)arguments[2];
}

/* registers(int32_t *memory): the 12 registers of each thread */
const uint32_t dropout_argument_sizes_registers[] = {8, 0};
void dropout_invoke_registers(void **arguments) {
  int32_t *memory = *(int32_t **)arguments[0];
  memcpy(memory + globalThread() * 12, dropout_host_registers,
         sizeof(dropout_host_registers));
}

/* arguments(char *memory, i8, i16, i32, i64, float, double, char[24]):
   all but the first, back to back */
const uint32_t dropout_argument_sizes_arguments[] = {8, 1, 2,  4, 8,
                                                     4, 8, 24, 0};
void dropout_invoke_arguments(void **arguments) {
  char *memory = *(char **)arguments[0];
  for (int i = 1; i < 8; ++i) {
    uint32_t size = dropout_argument_sizes_arguments[i];
    memcpy(memory, arguments[i], size);
    memory += size;
  }
}
