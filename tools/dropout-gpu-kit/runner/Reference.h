//===- Reference.h - What kernels must answer --------------------*- C++
//-*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Plain C arithmetic and the runtime's mask on the host; nothing of the
// compiler.
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_GPU_KIT_REFERENCE_H
#define DROPOUT_GPU_KIT_REFERENCE_H

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kit {

enum class Type { F32, BF16, F16, F64, I1 };

/// What becomes of a kept element, and of a dropped one.
enum class Map { Scale, Alpha, AlphaGradient };

size_t bytesOf(Type type);

/// Rounds to nearest, ties to even. The bits of the result.
uint16_t toBF16(float value);
uint16_t toF16(float value);
float fromBF16(uint16_t bits);
float fromF16(uint16_t bits);

uint32_t bitsOf(float value);
float floatOf(uint32_t bits);

/// An element in the low bytes, without a change.
uint64_t loadElement(const void *array, Type type, size_t i);
void storeElement(void *array, Type type, size_t i, uint64_t bits);

bool isNaN(uint64_t bits, Type type);

/// f16, bf16 and f32 to f32.
float widen(uint64_t bits, Type type);
uint64_t narrow(float value, Type type);

/// `count` elements, the same on every machine: numbers of all sizes, zeros and
/// subnormals of both signs, infinities and NaNs.
std::vector<unsigned char> makeInput(Type type, size_t count, uint32_t salt);

/// The constants of a p, rounded once to the type in which kernels compute.
class Values {
public:
  Values(Map map, Type type, double p, int resolution, bool training);

  /// The result for an element.
  uint64_t expect(uint64_t bits, bool isKept) const;
  /// Whether elements are dropped at all.
  bool isActive() const { return active; }
  float getScale() const { return float(scale); }

private:
  Map map;
  Type type;
  bool active;
  bool dropsAll;
  double scale = 1, a = 1, b = 0, d = 0;
};

/// CRC-32 as of zlib.
uint32_t crc32(const void *data, size_t size);

} // namespace kit

#endif // DROPOUT_GPU_KIT_REFERENCE_H
