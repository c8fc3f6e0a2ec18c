/*===- aot.c - Calls compiled functions from C99 --------------------------===*\
|*                                                                            *|
|* Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM  *|
|* Exceptions. See LICENSE for license information.                           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "aot.h"
#include "aot.h" /* may be included twice */
#include "dropout/Runtime/Runtime.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                       \
  do {                                                                         \
    if (!(condition)) {                                                        \
      printf("%s:%d: %s\n", __FILE__, __LINE__, #condition);                   \
      return 1;                                                                \
    }                                                                          \
  } while (0)

/* The known answer for seed 42, offset 7, p .3. */
static const char keep[] = "11011111111111101011111111111111";

static int testLayer(void) {
  float x[32], bias[8];
  dropout_memref_f32_2 input = dropout_memref_f32_2_make(x, 4, 8), y;
  dropout_memref_f32_1 biases = dropout_memref_f32_1_make(bias, 8);
  dropout_memref_i1_2 mask;
  int i;
  for (i = 0; i < 32; ++i)
    x[i] = (float)i;
  for (i = 0; i < 8; ++i)
    bias[i] = 1;

  CHECK(dropout_layer(&input, &biases, 0.3, 42, 7, 1, &y, &mask) == DROPOUT_OK);
  CHECK(y.sizes[0] == 4 && y.sizes[1] == 8 && y.strides[0] == 8 &&
        y.strides[1] == 1);
  for (i = 0; i < 32; ++i) {
    float want = keep[i] == '1' ? (float)(i + 1) * (float)(1 / (1 - 0.3)) : 0;
    CHECK(y.aligned[y.offset + i] == want);
    CHECK(mask.aligned[mask.offset + i] == keep[i] - '0');
    CHECK(x[i] == (float)i);
  }
  CHECK(y.allocated != x && (void *)mask.allocated != (void *)y.allocated);
  free(y.allocated);
  free(mask.allocated);

  /* Eval; any nonzero flag is training. */
  CHECK(dropout_layer(&input, &biases, 0.3, 42, 7, 0, &y, &mask) == DROPOUT_OK);
  for (i = 0; i < 32; ++i)
    CHECK(y.aligned[i] == (float)(i + 1) && mask.aligned[i] == 1);
  free(y.allocated);
  free(mask.allocated);
  CHECK(dropout_layer(&input, &biases, 0.3, 42, 7, 2, &y, &mask) == DROPOUT_OK);
  CHECK(y.aligned[2] == 0);
  free(y.allocated);
  free(mask.allocated);

  /* No rows. */
  input.sizes[0] = 0;
  CHECK(dropout_layer(&input, &biases, 0.3, 42, 7, 1, &y, &mask) == DROPOUT_OK);
  CHECK(y.sizes[0] == 0);
  free(y.allocated);
  free(mask.allocated);
  return 0;
}

/* A bad p: nothing is written, results may be freed. */
static int testErrors(void) {
  float x[32] = {0}, bias[8] = {0};
  dropout_memref_f32_2 input = dropout_memref_f32_2_make(x, 4, 8), wrong, y;
  dropout_memref_f32_1 biases = dropout_memref_f32_1_make(bias, 8);
  dropout_memref_i1_2 mask;
  memset(&y, 255, sizeof(y));
  CHECK(dropout_layer(&input, &biases, NAN, 42, 7, 1, &y, &mask) ==
        DROPOUT_INVALID_P);
  CHECK(strcmp(dropoutLastMessage(), "expected p in [0, 1], but got nan") == 0);
  CHECK(y.allocated == NULL && mask.allocated == NULL && y.sizes[0] == 0);
  free(y.allocated);
  CHECK(dropout_layer(&input, &biases, -1, 42, 7, 0, &y, &mask) ==
        DROPOUT_INVALID_P);

  /* The next call starts afresh. */
  CHECK(dropout_layer(&input, &biases, 1, 42, 7, 1, &y, &mask) == DROPOUT_OK);
  CHECK(strcmp(dropoutLastMessage(), "") == 0);
  free(y.allocated);
  free(mask.allocated);

  /* Sizes and strides that the type does not have, and null pointers. */
  wrong = dropout_memref_f32_2_make(x, 8, 4);
  CHECK(dropout_layer(&wrong, &biases, 0.3, 42, 7, 1, &y, &mask) ==
        DROPOUT_INVALID_ARGUMENT);
  CHECK(y.allocated == NULL && mask.allocated == NULL);
  wrong = input;
  wrong.strides[0] = 1;
  wrong.strides[1] = 4;
  CHECK(dropout_layer(&wrong, &biases, 0.3, 42, 7, 1, &y, &mask) ==
        DROPOUT_INVALID_ARGUMENT);
  wrong = input;
  wrong.offset = 1;
  CHECK(dropout_layer(&wrong, &biases, 0.3, 42, 7, 1, &y, &mask) ==
        DROPOUT_INVALID_ARGUMENT);
  wrong = input;
  wrong.sizes[0] = -1;
  CHECK(dropout_layer(&wrong, &biases, 0.3, 42, 7, 1, &y, &mask) ==
        DROPOUT_INVALID_ARGUMENT);
  CHECK(dropout_layer(NULL, &biases, 0.3, 42, 7, 1, &y, &mask) ==
        DROPOUT_INVALID_ARGUMENT);
  CHECK(dropout_layer(&input, &biases, 0.3, 42, 7, 1, NULL, &mask) ==
        DROPOUT_INVALID_ARGUMENT);
  return 0;
}

/* In place, with strides, and the generator of the runtime. */
static int testInPlace(void) {
  uint16_t data[64];
  dropout_memref_bf16_2 x = dropout_memref_bf16_2_make(data, 4, 8);
  uint64_t seed, offset;
  int i;
  for (i = 0; i < 64; ++i)
    data[i] = 0x3f80;
  /* Every other element, columns first. */
  x.strides[0] = 2;
  x.strides[1] = 8;
  CHECK(dropoutGeneratorSet(NULL, 42, 7) == DROPOUT_OK);
  CHECK(dropout_inplace(&x, 1.5) == DROPOUT_INVALID_P);
  CHECK(dropoutGeneratorGet(NULL, &seed, &offset) == DROPOUT_OK && offset == 7);
  CHECK(dropout_inplace(&x, 0.3) == DROPOUT_OK);
  CHECK(dropoutGeneratorGet(NULL, &seed, &offset) == DROPOUT_OK && offset == 8);
  for (i = 0; i < 32; ++i) {
    int row = i / 8, column = i % 8;
    CHECK((data[2 * row + 8 * column] != 0) == (keep[i] == '1'));
    CHECK(data[2 * row + 8 * column + 1] == 0x3f80);
  }
  return 0;
}

int main(void) {
  uint16_t half = 0;
  uint8_t flag = 9;
  int64_t index = 0;
  if (testLayer() || testErrors() || testInPlace())
    return 1;
  CHECK(dropout_main(0x3c01, &half) == DROPOUT_OK && half == 0x3c01);
  CHECK(dropout_exp(3, &flag, &index) == DROPOUT_OK && flag == 1 &&
        index == -5);
  CHECK(exp(0) == 1);
  printf("all good\n");
  return 0;
}
