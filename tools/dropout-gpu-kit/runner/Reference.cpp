//===- Reference.cpp - What kernels must answer
//----------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Reference.h"

#include <cmath>
#include <cstring>

using namespace kit;

size_t kit::bytesOf(Type type) {
  switch (type) {
  case Type::F32:
    return 4;
  case Type::BF16:
  case Type::F16:
    return 2;
  case Type::F64:
    return 8;
  case Type::I1:
    return 1;
  }
  return 0;
}

uint32_t kit::bitsOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

float kit::floatOf(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

uint16_t kit::toBF16(float value) {
  uint32_t bits = bitsOf(value);
  if (value != value)
    return uint16_t(bits >> 16 | 0x40);
  return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float kit::fromBF16(uint16_t bits) { return floatOf(uint32_t(bits) << 16); }

uint16_t kit::toF16(float value) {
  uint32_t bits = bitsOf(value);
  uint32_t sign = bits >> 16 & 0x8000;
  uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000)
    return uint16_t(sign | 0x7e00);
  if (magnitude >= 0x477ff000) // Half way from 65504 to 65536.
    return uint16_t(sign | 0x7c00);
  if (magnitude < 0x38800000) // Below 2^-14: a multiple of 2^-24.
    return uint16_t(sign |
                    uint32_t(std::nearbyint(floatOf(magnitude) * 0x1p24f)));
  magnitude += 0xfff + (magnitude >> 13 & 1);
  return uint16_t(sign | (magnitude - 0x38000000) >> 13);
}

float kit::fromF16(uint16_t bits) {
  float sign = bits & 0x8000 ? -1.0f : 1.0f;
  int exponent = bits >> 10 & 31;
  int mantissa = bits & 1023;
  if (exponent == 31)
    return mantissa ? floatOf(0x7fc00000 | uint32_t(mantissa) << 13)
                    : sign * HUGE_VALF;
  if (exponent == 0)
    return sign * std::ldexp(float(mantissa), -24);
  return sign * std::ldexp(float(1024 + mantissa), exponent - 25);
}

uint64_t kit::loadElement(const void *array, Type type, size_t i) {
  // Little endian, as every host of CUDA.
  uint64_t bits = 0;
  std::memcpy(&bits, static_cast<const char *>(array) + i * bytesOf(type),
              bytesOf(type));
  return bits;
}

void kit::storeElement(void *array, Type type, size_t i, uint64_t bits) {
  std::memcpy(static_cast<char *>(array) + i * bytesOf(type), &bits,
              bytesOf(type));
}

static double doubleOf(uint64_t bits) {
  double value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

static uint64_t bitsOf(double value) {
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

float kit::widen(uint64_t bits, Type type) {
  switch (type) {
  case Type::BF16:
    return fromBF16(uint16_t(bits));
  case Type::F16:
    return fromF16(uint16_t(bits));
  default:
    return floatOf(uint32_t(bits));
  }
}

uint64_t kit::narrow(float value, Type type) {
  switch (type) {
  case Type::BF16:
    return toBF16(value);
  case Type::F16:
    return toF16(value);
  default:
    return kit::bitsOf(value);
  }
}

bool kit::isNaN(uint64_t bits, Type type) {
  if (type == Type::I1)
    return false;
  if (type == Type::F64)
    return std::isnan(doubleOf(bits));
  return std::isnan(widen(bits, type));
}

/// SplitMix64 of a counter (Steele et al., OOPSLA 2014).
static uint64_t hash(uint64_t counter) {
  uint64_t z = counter * 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

std::vector<unsigned char> kit::makeInput(Type type, size_t count,
                                          uint32_t salt) {
  std::vector<unsigned char> data(count * bytesOf(type));
  for (size_t i = 0; i < count; ++i) {
    uint64_t random = hash(uint64_t(salt) << 40 | i);
    double value = double(int64_t(random)) * 0x1p-61; // -4 to 4
    uint64_t bits =
        type == Type::F64 ? ::bitsOf(value) : narrow(float(value), type);
    switch (random % 16) {
    case 0: // Any bits at all.
    case 1:
      bits = hash(random);
      break;
    case 2: {
      const double special[] = {0.0,          -0.0, HUGE_VAL, -HUGE_VAL,
                                HUGE_VAL * 0, 1.0,  -1.0,     1e-310};
      double chosen = special[random >> 4 & 7];
      bits = type == Type::F64 ? ::bitsOf(chosen) : narrow(float(chosen), type);
      break;
    }
    case 3: // Subnormals.
      bits &= type == Type::F64    ? 0x800fffffffffffff
              : type == Type::F32  ? 0x807fffff
              : type == Type::BF16 ? 0x807f
                                   : 0x83ff;
      break;
    default:
      break;
    }
    storeElement(data.data(), type, i, bits);
  }
  return data;
}

Values::Values(Map map, Type type, double p, int resolution, bool training)
    : map(map), type(type), active(training && p != 0), dropsAll(p == 1) {
  if (resolution == 8)
    p = std::nearbyint(256 * p) / 256;
  if (!active || dropsAll)
    return;
  double q = 1 - p;
  if (map == Map::Scale) {
    scale = 1 / q;
  } else {
    const double alpha = -1.7580993408473768;
    double v = q + ((alpha * alpha) * q) * p;
    a = 1 / std::sqrt(v);
    b = -((a * p) * alpha);
    d = a * alpha + b;
  }
  if (type == Type::F64)
    return;
  scale = float(scale);
  a = float(a);
  b = float(b);
  d = float(d);
}

uint64_t Values::expect(uint64_t bits, bool isKept) const {
  if (!active)
    return bits;
  if (dropsAll)
    return 0;
  bool isAlpha = map == Map::Alpha;
  if (type == Type::F64) {
    double x = doubleOf(bits);
    if (!isKept)
      return isAlpha ? ::bitsOf(d) : 0;
    return ::bitsOf(isAlpha             ? std::fma(a, x, b)
                    : map == Map::Scale ? x * scale
                                        : x * a);
  }
  if (!isKept)
    return isAlpha ? narrow(float(d), type) : 0;
  float x = widen(bits, type);
  return narrow(isAlpha             ? std::fma(float(a), x, float(b))
                : map == Map::Scale ? x * float(scale)
                                    : x * float(a),
                type);
}

uint32_t kit::crc32(const void *data, size_t size) {
  static uint32_t table[256];
  if (!table[1])
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit)
        value = value >> 1 ^ (value & 1 ? 0xedb88320u : 0);
      table[i] = value;
    }
  uint32_t crc = ~0u;
  for (size_t i = 0; i < size; ++i)
    crc = crc >> 8 ^
          table[(crc ^ static_cast<const unsigned char *>(data)[i]) & 255];
  return ~crc;
}
