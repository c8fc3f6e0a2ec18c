/*===- capi.c - A project that uses the C API ---------------------*- C -*-===*\
|*                                                                            *|
|* Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM  *|
|* Exceptions. See LICENSE for license information.                           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "dropout-c/Kernels.h"

#include <stdio.h>

int main(void) {
  float x[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  const int64_t shape[1] = {8};
  const int64_t strides[1] = {1};
  const DropoutArray array = {x, DROPOUT_F32, 1, shape, strides};
  const DropoutParameters parameters = dropoutGetDefaultParameters();
  if (dropoutForward(DROPOUT_ELEMENT, &array, &array, &parameters)) {
    fprintf(stderr, "%s\n", dropoutLastMessage());
    return 1;
  }
  for (int i = 0; i < 8; ++i)
    printf("%g ", x[i]);
  printf("\n");
  return 0;
}
