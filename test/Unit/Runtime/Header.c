/*===- Header.c - The header is plain C99 -------------------------*- C -*-===*\
|*                                                                            *|
|* Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM  *|
|* Exceptions. See LICENSE for license information.                           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "dropout/Runtime/Cuda.h"
#include "dropout/Runtime/Runtime.h"

/* Twice: they are guarded. */
#include "dropout/Runtime/Cuda.h"
#include "dropout/Runtime/Runtime.h"

int dropoutTestFromC(void);

/* Every function through the type that its documentation and the compiler's
   lowering count on. The line of the first surprise, or 0. */
int dropoutTestFromC(void) {
  uint32_t (*abiVersion)(void) = dropoutRuntimeAbiVersion;
  uint32_t (*contractVersion)(void) = dropoutMaskContractVersion;
  int32_t (*lastStatus)(void) = dropoutLastStatus;
  const char *(*lastMessage)(void) = dropoutLastMessage;
  void (*clearStatus)(void) = dropoutClearStatus;
  const char *(*statusName)(int32_t) = dropoutStatusName;
  double (*checkP)(double) = dropoutCheckP;
  double (*checkPForResolution)(double, int32_t) = dropoutCheckPForResolution;
  int32_t (*setTraining)(int32_t) = dropoutSetTraining;
  int32_t (*isTraining)(void) = dropoutIsTraining;
  int32_t (*reserve)(const char *, int32_t, int8_t *, uint64_t *, uint64_t *) =
      dropoutReserve;
  int32_t (*create)(const char *, uint64_t, uint64_t) = dropoutGeneratorCreate;
  int32_t (*forkGenerator)(const char *, const char *, uint64_t, const char *) =
      dropoutGeneratorFork;
  int32_t (*forkSeed)(uint64_t, const char *, uint64_t, uint64_t *) =
      dropoutForkSeed;
  int32_t (*get)(const char *, uint64_t *, uint64_t *) = dropoutGeneratorGet;
  int32_t (*set)(const char *, uint64_t, uint64_t) = dropoutGeneratorSet;
  int32_t (*exists)(const char *) = dropoutGeneratorExists;
  int32_t (*destroy)(const char *) = dropoutGeneratorDestroy;
  int32_t (*list)(char *, size_t, size_t *) = dropoutGeneratorList;
  int32_t (*entropy)(const char *, uint64_t *) = dropoutSeedFromEntropy;
  int32_t (*modeScope)(int32_t, uint64_t *) = dropoutModeScopeBegin;
  int32_t (*generatorScope)(const char *, uint64_t, uint64_t, uint64_t *) =
      dropoutGeneratorScopeBegin;
  int32_t (*scopeEnd)(uint64_t) = dropoutScopeEnd;
  int32_t (*save)(void *, size_t, size_t *) = dropoutStateSave;
  int32_t (*restore)(const void *, size_t) = dropoutStateRestore;
  int32_t (*encode)(uint64_t, uint64_t, void *, size_t, size_t *) =
      dropoutGeneratorEncode;
  int32_t (*decode)(const void *, size_t, uint64_t *, uint64_t *) =
      dropoutGeneratorDecode;
  int32_t (*threshold)(double, int32_t, uint64_t *) = dropoutThreshold;
  int32_t (*keepBit)(uint64_t, uint64_t, uint64_t, double, int32_t, int32_t) =
      dropoutKeepBit;
  int32_t (*maskFill)(uint8_t *, uint64_t, uint64_t, double, uint64_t, uint64_t,
                      int32_t, int32_t) = dropoutMaskFill;
  int32_t (*philox)(int32_t, const uint32_t[4], const uint32_t[2],
                    uint32_t[4]) = dropoutPhilox4x32;
  int32_t (*deviceCount)(int32_t *) = dropoutCudaDeviceCount;
  int32_t (*setDevice)(int32_t) = dropoutCudaSetDevice;
  int32_t (*capability)(int32_t *, int32_t *) = dropoutCudaGetComputeCapability;
  int32_t (*deviceName)(char *, size_t) = dropoutCudaGetDeviceName;
  void (*setStream)(void *) = dropoutCudaSetStream;
  void *(*getStream)(void) = dropoutCudaGetStream;
  int32_t (*createStream)(void **) = dropoutCudaCreateStream;
  int32_t (*destroyStream)(void *) = dropoutCudaDestroyStream;
  int32_t (*synchronize)(void) = dropoutCudaSynchronize;
  void *(*allocate)(int64_t) = dropoutCudaAllocate;
  int32_t (*freeMemory)(void *) = dropoutCudaFree;
  int32_t (*copy)(void *, const void *, int64_t) = dropoutCudaCopy;
  int32_t (*toDevice)(void *, const void *, int64_t) = dropoutCudaCopyToDevice;
  int32_t (*toHost)(void *, const void *, int64_t) = dropoutCudaCopyToHost;
  int32_t (*checkPointer)(const void *, int64_t, int32_t) =
      dropoutCudaCheckPointer;
  int32_t (*launch)(DropoutCudaKernel *, int64_t, int64_t, int64_t, int64_t,
                    int64_t, int64_t, void **) = dropoutCudaLaunch;
  int32_t (*unload)(DropoutCudaModule *, DropoutCudaKernel *, int64_t) =
      dropoutCudaUnload;
  int32_t (*advanceState)(void *, uint64_t) = dropoutCudaAdvanceState;

  int8_t training = 0;
  uint64_t seed = 0, offset = 0;
  if (abiVersion() != DROPOUT_RUNTIME_ABI_VERSION)
    return __LINE__;
  if (contractVersion() != DROPOUT_MASK_CONTRACT_VERSION)
    return __LINE__;
  if (set(NULL, 42, 7) != DROPOUT_OK)
    return __LINE__;
  if (reserve(NULL, DROPOUT_RUNTIME_MODE, &training, &seed, &offset) !=
      DROPOUT_OK)
    return __LINE__;
  if (training != DROPOUT_TRAIN || seed != 42 || offset != 7)
    return __LINE__;
  if (checkP(2.0) != 1.0 || lastStatus() != DROPOUT_INVALID_P)
    return __LINE__;
  clearStatus();
  if (lastMessage()[0] != '\0')
    return __LINE__;
  return statusName && checkPForResolution && setTraining && isTraining &&
                 create && forkGenerator && forkSeed && get && exists &&
                 destroy && list && entropy && modeScope && generatorScope &&
                 scopeEnd && save && restore && encode && decode && threshold &&
                 keepBit && maskFill && philox && deviceCount && setDevice &&
                 capability && deviceName && setStream && getStream &&
                 createStream && destroyStream && synchronize && allocate &&
                 freeMemory && copy && toDevice && toHost && checkPointer &&
                 launch && unload && advanceState
             ? 0
             : __LINE__;
}
