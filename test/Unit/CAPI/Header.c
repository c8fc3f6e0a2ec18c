/*===- Header.c - The C API is plain C99 --------------------------*- C -*-===*\
|*                                                                            *|
|* Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM  *|
|* Exceptions. See LICENSE for license information.                           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "dropout-c/ExecutionEngine.h"
#include "dropout-c/Kernels.h"

/* Twice: they are guarded. */
#include "dropout-c/ExecutionEngine.h"
#include "dropout-c/Kernels.h"

#include <string.h>

int dropoutTestFromC(void);

/* Every function through the type that its documentation states, and the
   smallest programs of a C user. The line of the first surprise, or 0. */
int dropoutTestFromC(void) {
  int32_t (*forward)(int32_t, const DropoutArray *, const DropoutArray *,
                     const DropoutParameters *) = dropoutForward;
  int32_t (*backward)(int32_t, const DropoutArray *, const DropoutArray *,
                      const DropoutParameters *) = dropoutBackward;
  int32_t (*mask)(const DropoutArray *, const DropoutParameters *) =
      dropoutMask;
  DropoutParameters (*defaults)(void) = dropoutGetDefaultParameters;
  void (*statistics)(uint64_t *, uint64_t *, uint64_t *) =
      dropoutKernelStatistics;
  int32_t (*hardwareThreads)(void) = dropoutHardwareThreads;
  DropoutCompileOptions (*compileDefaults)(void) =
      dropoutGetDefaultCompileOptions;
  int32_t (*compile)(const char *, size_t, const DropoutCompileOptions *,
                     DropoutExecutable **, char **) = dropoutExecutableCompile;
  void (*destroy)(DropoutExecutable *) = dropoutExecutableDestroy;
  int32_t (*emit)(const char *, size_t, const DropoutCompileOptions *, int32_t,
                  char **, size_t *, char **) = dropoutEmit;
  void (*release)(void *) = dropoutFree;
  int32_t (*numFunctions)(const DropoutExecutable *) =
      dropoutExecutableGetNumFunctions;
  DropoutFunctionType (*getFunction)(const DropoutExecutable *, int32_t) =
      dropoutExecutableGetFunction;
  int32_t (*call)(const DropoutExecutable *, int32_t, const DropoutValue *,
                  int32_t, DropoutValue *, char **) = dropoutExecutableCall;

  float x[8] = {1, 2, 3, 4, 5, 6, 7, 8}, y[8];
  uint8_t kept[8];
  int64_t shape[1] = {8}, strides[1] = {1};
  DropoutArray from = {x, DROPOUT_F32, 1, shape, strides};
  DropoutArray to = {y, DROPOUT_F32, 1, shape, strides};
  DropoutArray bytes = {kept, DROPOUT_I1, 1, shape, strides};
  DropoutParameters parameters = defaults();
  DropoutCompileOptions options = compileDefaults();
  DropoutExecutable *executable = NULL;
  DropoutValue argument, result;
  const char *source = "func.func @half(%x: f64) -> f64 {\n"
                       "  %c = arith.constant 0.5 : f64\n"
                       "  %y = arith.mulf %x, %c : f64\n"
                       "  return %y : f64\n}\n";
  char *text = NULL, *message = NULL;
  size_t size = 0;
  double number = 3.0;
  int i;

  if (parameters.p != 0.5 || parameters.seed != 0 || parameters.offset != 0 ||
      parameters.training != 1 || parameters.rounds != 10 ||
      parameters.resolution != 16 || parameters.numMaskDims != -1 ||
      parameters.maskDims || parameters.position || parameters.fullShape ||
      parameters.threads != 1 || parameters.draw || parameters.drawContext)
    return __LINE__;
  if (forward(DROPOUT_ELEMENT, &from, &to, &parameters) != DROPOUT_OK)
    return __LINE__;
  if (mask(&bytes, &parameters) != DROPOUT_OK)
    return __LINE__;
  for (i = 0; i < 8; ++i) {
    if (kept[i] != (i != 1)) /* The known answer of seed 0, offset 0, p .5. */
      return __LINE__;
    if (y[i] != (kept[i] ? 2 * x[i] : 0))
      return __LINE__;
  }
  if (backward(DROPOUT_ALPHA, &from, &from, &parameters) != DROPOUT_OK)
    return __LINE__;
  if (x[1] != 0 || x[0] == 1)
    return __LINE__;
  if (hardwareThreads() < 1)
    return __LINE__;
  statistics(NULL, NULL, NULL);

  if (strcmp(options.lowering, "vector") != 0 || options.threads != 1 ||
      options.nontemporalBytes != 16 << 20 || options.optimizationLevel != 2 ||
      options.vectorMath != 1 || options.useCache != 1 || options.function ||
      options.cpu || options.features)
    return __LINE__;
  options.useCache = 0;
  if (compile(source, strlen(source), &options, &executable, &message) !=
          DROPOUT_OK ||
      !executable || message)
    return __LINE__;
  if (numFunctions(executable) != 1 ||
      strcmp(getFunction(executable, 0).name, "half") != 0)
    return __LINE__;
  memset(&argument, 0, sizeof argument);
  argument.array.elementType = DROPOUT_F64;
  memcpy(&argument.bits, &number, 8);
  if (call(executable, 0, &argument, 1, &result, NULL) != DROPOUT_OK)
    return __LINE__;
  memcpy(&number, &result.bits, 8);
  if (number != 1.5)
    return __LINE__;
  destroy(executable);
  if (emit(source, strlen(source), &options, DROPOUT_EMIT_HEADER, &text, &size,
           &message) != DROPOUT_OK ||
      !strstr(text, "half") || strlen(text) != size)
    return __LINE__;
  release(text);
  return 0;
}
