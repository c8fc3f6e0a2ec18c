/*===- vector-math.c - Calls functions that call libmvec or libm ----------===*\
|*                                                                            *|
|* Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM  *|
|* Exceptions. See LICENSE for license information.                           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "gate.h"

#include <math.h>
#include <stdio.h>

enum { N = 1001 };

int main(void) {
  static float x[N], y[N + 1];
  for (int i = 0; i < N; ++i)
    x[i] = (float)(i - N / 2) / 128;
  y[N] = 42;
  dropout_memref_f32_1 in = dropout_memref_f32_1_make(x, N);
  dropout_memref_f32_1 out = dropout_memref_f32_1_make(y, N);
  if (dropout_gate(&in, &out) != 0)
    return 1;
  for (int i = 0; i < N; ++i) {
    double want = tanh(erf(x[i]));
    /* 4 units of each function, and one for the rounding between them. */
    if (!(fabs(y[i] - want) <= 9 * 0x1p-24 * fabs(want) * 2)) {
      printf("element %d: got %a, want %a\n", i, (double)y[i], want);
      return 1;
    }
  }
  if (y[N] != 42)
    return 1;
  puts("all good");
  return 0;
}
