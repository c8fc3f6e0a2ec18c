//===- Kernels.cpp - C API: dropout on arrays -----------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dropout-c/Kernels.h"
#include "Status.h"
#include "dropout/Kernels/Kernels.h"

using namespace mlir::dropout;
using namespace mlir::dropout::capi;

static_assert(int(ElementType::I1) == DROPOUT_I1 &&
              int(ElementType::Index) == DROPOUT_INDEX &&
              int(ElementType::F16) == DROPOUT_F16 &&
              int(ElementType::F64) == DROPOUT_F64);
static_assert(int(KernelKind::Element) == DROPOUT_ELEMENT &&
              int(KernelKind::FeatureAlpha) == DROPOUT_FEATURE_ALPHA);

static llvm::Error unwrap(const DropoutArray *array, llvm::StringRef name,
                          StridedArray &result) {
  if (!array)
    return refuse("expected " + name + ", but got a null pointer");
  if (array->elementType < DROPOUT_I1 || array->elementType > DROPOUT_F64)
    return refuse("expected the type of " + name +
                  " to be a DropoutElementType, but got " +
                  llvm::Twine(array->elementType));
  if (array->rank < 0)
    return refuse("expected the rank of " + name +
                  " not to be negative, but got " + llvm::Twine(array->rank));
  if (array->rank > 0 && (!array->shape || !array->strides))
    return refuse("expected the shape and the strides of " + name +
                  ", but got a null pointer");
  result.data = array->data;
  result.element = ElementType(array->elementType);
  result.shape = {array->shape, size_t(array->rank)};
  result.strides = {array->strides, size_t(array->rank)};
  return llvm::Error::success();
}

static int32_t run(KernelOperation operation, int32_t kind,
                   const DropoutArray *source, const DropoutArray *destination,
                   const DropoutParameters *parameters) {
  FirstError first;
  KernelCall call;
  call.operation = operation;
  if (kind < DROPOUT_ELEMENT || kind > DROPOUT_FEATURE_ALPHA)
    return recordError(refuse(
        "expected the kind to be a DropoutKind, but got " + llvm::Twine(kind)));
  call.kind = KernelKind(kind);
  if (!parameters)
    return recordError(refuse("expected parameters, but got a null pointer"));
  bool forward = operation == KernelOperation::Forward;
  bool isMask = operation == KernelOperation::Mask;
  if (!isMask)
    if (llvm::Error error = unwrap(source, forward ? "x" : "dy", call.source))
      return recordError(std::move(error));
  if (llvm::Error error = unwrap(destination, "out", call.destination))
    return recordError(std::move(error));
  call.p = parameters->p;
  call.seed = parameters->seed;
  call.offset = parameters->offset;
  call.training = parameters->training != 0;
  call.rounds = parameters->rounds;
  call.resolution = parameters->resolution;
  if (parameters->numMaskDims < -1)
    return recordError(
        refuse("expected the number of mask_dims, or -1, but got " +
               llvm::Twine(parameters->numMaskDims)));
  if (parameters->numMaskDims > 0 && !parameters->maskDims)
    return recordError(refuse("expected mask_dims, but got a null pointer"));
  if (parameters->numMaskDims >= 0)
    call.maskDims = llvm::ArrayRef<int64_t>(parameters->maskDims,
                                            size_t(parameters->numMaskDims));
  if (!parameters->position != !parameters->fullShape)
    return recordError(
        refuse("expected both a position and a full shape, or neither"));
  if (parameters->position) {
    auto rank = size_t(destination->rank);
    call.position = {parameters->position, rank};
    call.fullShape = {parameters->fullShape, rank};
  }
  if (parameters->threads < 0)
    return recordError(
        refuse("expected a number of threads that is not negative, but got " +
               llvm::Twine(parameters->threads)));
  call.threads = unsigned(parameters->threads);
  if (parameters->mask)
    if (llvm::Error error =
            unwrap(parameters->mask, "mask", call.mask.emplace()))
      return recordError(std::move(error));
  auto draw = [&](KernelCall &call) -> llvm::Error {
    int8_t training = call.training;
    int32_t status = parameters->draw(parameters->drawContext, &training,
                                      &call.seed, &call.offset);
    call.training = training != 0;
    if (status == DROPOUT_OK)
      return llvm::Error::success();
    return llvm::make_error<RuntimeError>(status, dropoutStatusName(status));
  };
  if (parameters->draw)
    call.draw = draw;
  return recordError(runKernel(call));
}

DropoutParameters dropoutGetDefaultParameters() {
  DropoutParameters parameters = {};
  parameters.p = 0.5;
  parameters.training = 1;
  parameters.rounds = 10;
  parameters.resolution = 16;
  parameters.numMaskDims = -1;
  parameters.threads = 1;
  return parameters;
}

int32_t dropoutForward(int32_t kind, const DropoutArray *x,
                       const DropoutArray *out,
                       const DropoutParameters *parameters) {
  return run(KernelOperation::Forward, kind, x, out, parameters);
}

int32_t dropoutBackward(int32_t kind, const DropoutArray *dy,
                        const DropoutArray *out,
                        const DropoutParameters *parameters) {
  return run(KernelOperation::Backward, kind, dy, out, parameters);
}

int32_t dropoutMask(const DropoutArray *out,
                    const DropoutParameters *parameters) {
  return run(KernelOperation::Mask, DROPOUT_ELEMENT, nullptr, out, parameters);
}

void dropoutKernelStatistics(uint64_t *resident, uint64_t *compiled,
                             uint64_t *loaded) {
  KernelStatistics statistics = getKernelStatistics();
  if (resident)
    *resident = statistics.resident;
  if (compiled)
    *compiled = statistics.compiled;
  if (loaded)
    *loaded = statistics.loaded;
}

int32_t dropoutHardwareThreads() { return int32_t(getHardwareThreads()); }
