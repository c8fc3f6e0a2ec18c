//===- Kernels.cpp - The functions of kernels.mlir
//-------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"

#include "kernels.h"

#include <cstdlib>
#include <cstring>

using namespace kit;

/// The array at `data` whose dims are the last ones of `sizes`.
template <typename Array>
static Array makeArray(const void *data, const int64_t (&sizes)[3]) {
  constexpr int rank = sizeof(Array::sizes) / sizeof(int64_t);
  Array array;
  array.allocated = array.aligned =
      static_cast<decltype(array.aligned)>(const_cast<void *>(data));
  array.offset = 0;
  int64_t stride = 1;
  for (int dim = rank; dim-- > 0;) {
    array.sizes[dim] = sizes[3 - rank + dim];
    array.strides[dim] = stride;
    stride *= array.sizes[dim];
  }
  return array;
}

template <typename Array>
static int32_t call(int32_t (*function)(const Array *, const Array *, double,
                                        uint8_t, uint64_t, uint64_t),
                    const Call &call) {
  auto x = makeArray<Array>(call.x, call.sizes);
  auto y = makeArray<Array>(call.y, call.sizes);
  return function(&x, &y, call.p, call.training, call.seed, call.offset);
}

template <typename Array, typename State>
static int32_t call(int32_t (*function)(const Array *, const Array *, double,
                                        uint8_t, const State *),
                    const Call &call) {
  auto x = makeArray<Array>(call.x, call.sizes);
  auto y = makeArray<Array>(call.y, call.sizes);
  auto state = makeArray<State>(call.state, {0, 0, 2});
  return function(&x, &y, call.p, call.training, &state);
}

template <typename Array>
static int32_t call(int32_t (*function)(const Array *, const Array *, double,
                                        uint64_t, uint64_t),
                    const Call &call) {
  auto x = makeArray<Array>(call.x, call.sizes);
  auto y = makeArray<Array>(call.y, call.sizes);
  return function(&x, &y, call.p, call.seed, call.offset);
}

template <typename Array>
static int32_t call(int32_t (*function)(const Array *, double, uint8_t,
                                        uint64_t, uint64_t),
                    const Call &call) {
  auto y = makeArray<Array>(call.y, call.sizes);
  return function(&y, call.p, call.training, call.seed, call.offset);
}

template <typename Array, typename Bias>
static int32_t call(int32_t (*function)(const Array *, const Bias *,
                                        const Array *, const Array *, double,
                                        uint8_t, uint64_t, uint64_t),
                    const Call &call) {
  auto x = makeArray<Array>(call.x, call.sizes);
  auto bias = makeArray<Bias>(call.bias, call.sizes);
  auto residual = makeArray<Array>(call.residual, call.sizes);
  auto y = makeArray<Array>(call.y, call.sizes);
  return function(&x, &bias, &residual, &y, call.p, call.training, call.seed,
                  call.offset);
}

template <typename Array, typename Bias>
static int32_t call(int32_t (*function)(const Array *, const Bias *,
                                        const Array *, const Array *),
                    const Call &call) {
  auto x = makeArray<Array>(call.x, call.sizes);
  auto bias = makeArray<Bias>(call.bias, call.sizes);
  auto residual = makeArray<Array>(call.residual, call.sizes);
  auto y = makeArray<Array>(call.y, call.sizes);
  return function(&x, &bias, &residual, &y);
}

static Kernel make(const char *name, Type type, Map map,
                   int32_t (*function)(const Call &)) {
  Kernel kernel{};
  kernel.name = name;
  kernel.type = type;
  kernel.rank = 1;
  kernel.map = map;
  kernel.rounds = 10;
  kernel.resolution = 16;
  kernel.function = function;
  auto has = [&](const char *word) {
    return std::strstr(name, word) != nullptr;
  };
  if (has("7_rounds"))
    kernel.rounds = 7;
  if (has("8_bits"))
    kernel.resolution = 8;
  kernel.takesState = has("_state");
  kernel.isEval = has("_eval") || has("_plain");
  if ((kernel.isChannel = has("channel")))
    kernel.rank = 3;
  if ((kernel.isFused = has("fused")))
    kernel.rank = 2;
  return kernel;
}

#define KERNEL(name, type, map)                                                \
  make(#name, Type::type, Map::map,                                            \
       [](const Call &c) { return call(dropout_##name, c); })

const Kernel kit::kernels[] = {
    KERNEL(element_f32, F32, Scale),
    KERNEL(element_bf16, BF16, Scale),
    KERNEL(element_f16, F16, Scale),
    KERNEL(element_f64, F64, Scale),
    KERNEL(backward_f32, F32, Scale),
    KERNEL(backward_bf16, BF16, Scale),
    KERNEL(alpha_f32, F32, Alpha),
    KERNEL(alpha_bf16, BF16, Alpha),
    KERNEL(alpha_f16, F16, Alpha),
    KERNEL(alpha_backward_f32, F32, AlphaGradient),
    KERNEL(channel_f32, F32, Scale),
    KERNEL(element_f32_7_rounds, F32, Scale),
    KERNEL(element_f32_8_bits, F32, Scale),
    KERNEL(element_f32_state, F32, Scale),
    KERNEL(element_f32_eval, F32, Scale),
    KERNEL(mask, I1, Scale),
    KERNEL(fused_f32, F32, Scale),
    KERNEL(fused_bf16, BF16, Scale),
    KERNEL(fused_f32_plain, F32, Scale),
    KERNEL(fused_bf16_plain, BF16, Scale),
};
const size_t kit::numKernels = sizeof(kernels) / sizeof(kernels[0]);

const Kernel &kit::getKernel(const char *name) {
  for (const Kernel &kernel : kernels)
    if (!std::strcmp(kernel.name, name))
      return kernel;
  std::abort();
}

int32_t kit::callMaskAt(void *y, int64_t size, int64_t first, int64_t total,
                        double p, uint64_t seed, uint64_t offset) {
  auto array = makeArray<dropout_memref_i1_1>(y, {0, 0, size});
  return dropout_mask_at(&array, first, total, p, /*training=*/1, seed, offset);
}
