/*===- CudaOldDriver.c - A libcuda.so.1 that is too old -----------*- C -*-===*\
|*                                                                            *|
|* Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM  *|
|* Exceptions. See LICENSE for license information.                           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

int cuInit(unsigned flags);
int cuGetErrorName(int result, const char **name);
int cuGetErrorString(int result, const char **text);

int cuInit(unsigned flags) { return flags ? 1 : 0; }

int cuGetErrorName(int result, const char **name) {
  (void)result;
  *name = 0;
  return 1;
}

int cuGetErrorString(int result, const char **text) {
  (void)result;
  *text = 0;
  return 1;
}
