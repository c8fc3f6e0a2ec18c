//===- Cases.cpp - What is measured ---------------------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cases.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace bench;
using yardstick::Chain;
using yardstick::Map;
using yardstick::Type;

constexpr uint64_t kKiB = 1024, kMiB = kKiB * 1024;

unsigned bench::getElementSize(Type type) {
  switch (type) {
  case Type::F32:
    return 4;
  case Type::BF16:
  case Type::F16:
    return 2;
  case Type::F64:
    return 8;
  }
  return 0;
}

const char *bench::getTypeName(Type type) {
  switch (type) {
  case Type::F32:
    return "f32";
  case Type::BF16:
    return "bf16";
  case Type::F16:
    return "f16";
  case Type::F64:
    return "f64";
  }
  return "";
}

static const char *getKind(const yardstick::Options &options) {
  if (options.channel)
    return options.map == Map::Affine ? "feature_alpha" : "channel";
  return options.map == Map::Affine ? "alpha" : "element";
}

static std::string formatBytes(uint64_t bytes) {
  if (bytes >= 1024 * kMiB)
    return llvm::utostr(bytes / (1024 * kMiB)) + "GiB";
  return bytes >= kMiB ? llvm::utostr(bytes / kMiB) + "MiB"
                       : llvm::utostr(bytes / kKiB) + "KiB";
}

static std::string formatP(double p) {
  return llvm::formatv("{0:f1}", p).str();
}

std::string Case::getName() const {
  std::string name;
  llvm::raw_string_ostream os(name);
  if (options.chain == Chain::Bias)
    os << "(x+bias),dropout,+residual ";
  else if (options.chain == Chain::BiasGelu)
    os << "gelu(x+bias),dropout,+residual ";
  else
    os << getKind(options) << " ";
  os << getTypeName(options.type) << " p=" << formatP(options.p) << " "
     << formatBytes(bytes);
  if (backward)
    os << " backward";
  if (inPlace)
    os << " in-place";
  if (runtimeP)
    os << " p-at-run-time";
  if (options.channel)
    os << " columns=" << columns;
  if (options.rounds != 10)
    os << " rounds=" << options.rounds;
  if (options.resolution != 16)
    os << " resolution=" << options.resolution;
  if (oddRows)
    os << " rows-of-1001";
  if (threads != 1)
    os << " threads=" << threads;
  return name;
}

llvm::json::Object Case::getTags() const {
  return llvm::json::Object{
      {"kind", getKind(options)},
      {"type", getTypeName(options.type)},
      {"p", options.p},
      {"bytes", int64_t(bytes)},
      {"backward", backward},
      {"in_place", inPlace},
      {"runtime_p", runtimeP},
      {"columns", int64_t(columns)},
      {"rounds", options.rounds},
      {"resolution", options.resolution},
      {"chain", options.chain == Chain::None   ? "none"
                : options.chain == Chain::Bias ? "bias"
                                               : "gelu"},
      {"odd_rows", oddRows},
      {"threads", int64_t(threads)},
  };
}

uint64_t Case::getElements() const {
  return bytes / getElementSize(options.type);
}

//===----------------------------------------------------------------------===//
// The list
//===----------------------------------------------------------------------===//

std::vector<Case> bench::getCases() {
  std::vector<Case> cases;
  const uint64_t sizes[] = {64 * kKiB, kMiB, 64 * kMiB, 256 * kMiB,
                            1024 * kMiB};
  auto add = [&](uint64_t bytes, bool quick, auto &&change) {
    Case c;
    c.bytes = bytes;
    c.quick = quick;
    c.full = bytes > 256 * kMiB;
    change(c);
    cases.push_back(c);
  };

  for (uint64_t bytes : sizes)
    for (double p : {0.1, 0.5})
      add(bytes, bytes <= 64 * kMiB && p == 0.1,
          [&](Case &c) { c.options.p = p; });
  for (uint64_t bytes : {64 * kKiB, kMiB, 64 * kMiB})
    add(bytes, false, [](Case &c) { c.runtimeP = true; });
  for (uint64_t bytes : sizes)
    add(bytes, bytes == 64 * kMiB,
        [](Case &c) { c.options.map = Map::Affine; });
  add(64 * kMiB, false, [](Case &c) {
    c.options.map = Map::Affine;
    c.options.p = 0.5;
  });
  for (Map map : {Map::Scale, Map::Affine})
    for (uint64_t bytes : {64 * kKiB, 64 * kMiB, 256 * kMiB})
      add(bytes, bytes == 64 * kMiB && map == Map::Scale, [&](Case &c) {
        c.inPlace = true;
        c.options.map = map;
      });
  for (uint64_t bytes : {64 * kKiB, kMiB, 64 * kMiB}) {
    add(bytes, bytes == kMiB, [](Case &c) { c.options.rounds = 7; });
    add(bytes, false, [](Case &c) { c.options.resolution = 8; });
  }
  for (Type type : {Type::BF16, Type::F16}) {
    for (uint64_t bytes : sizes)
      add(bytes, bytes == 64 * kMiB, [&](Case &c) { c.options.type = type; });
    for (double p : {0.1, 0.5})
      add(64 * kMiB, false, [&](Case &c) {
        c.options.type = type;
        c.options.p = p;
        // One of each: p = 0.5, and alpha.
        c.options.map = p == 0.1 ? Map::Affine : Map::Scale;
      });
    add(64 * kMiB, false, [&](Case &c) {
      c.options.type = type;
      c.inPlace = true;
    });
    // s = 1.25: products that lie in the middle of two numbers.
    add(kMiB, false, [&](Case &c) {
      c.options.type = type;
      c.options.p = 0.2;
    });
  }
  for (uint64_t bytes : {kMiB, 64 * kMiB})
    add(bytes, false, [](Case &c) { c.options.type = Type::F64; });

  auto channel = [](Case &c) {
    c.options.channel = true;
    c.options.p = 0.5;
    c.columns = 4096;
  };
  for (uint64_t bytes : {kMiB, 64 * kMiB, 256 * kMiB})
    add(bytes, bytes == 64 * kMiB, channel);
  add(64 * kMiB, false, [&](Case &c) {
    channel(c);
    c.options.p = 0.1;
  });
  for (uint64_t bytes : {kMiB, 64 * kMiB})
    add(bytes, false, [&](Case &c) {
      channel(c);
      c.columns = 256;
    });
  add(64 * kMiB, false, [&](Case &c) {
    channel(c);
    c.options.type = Type::BF16;
  });
  add(64 * kMiB, false, [&](Case &c) {
    channel(c);
    c.inPlace = true;
  });
  add(64 * kMiB, false, [&](Case &c) {
    channel(c);
    c.options.map = Map::Affine;
  });

  for (uint64_t bytes : {kMiB, 64 * kMiB})
    add(bytes, false, [](Case &c) { c.backward = true; });
  add(64 * kMiB, false, [](Case &c) {
    c.backward = true;
    c.options.map = Map::Affine;
  });

  for (Chain chain : {Chain::Bias, Chain::BiasGelu})
    for (uint64_t bytes : {64 * kKiB, kMiB, 64 * kMiB})
      add(bytes, bytes != kMiB, [&](Case &c) {
        c.options.chain = chain;
        c.columns = 1024;
      });
  for (uint64_t bytes : {64 * kKiB, kMiB, 64 * kMiB})
    add(bytes, bytes == kMiB, [](Case &c) {
      c.oddRows = true;
      c.columns = 1024;
    });

  auto twoThreads = [](Case &c) { c.threads = 2; };
  for (uint64_t bytes : {kMiB, 64 * kMiB, 256 * kMiB})
    add(bytes, bytes == 64 * kMiB, twoThreads);
  add(64 * kMiB, false, [&](Case &c) {
    c.threads = 2;
    c.options.type = Type::BF16;
  });
  return cases;
}

//===----------------------------------------------------------------------===//
// Programs
//===----------------------------------------------------------------------===//

/// The tail of a dropout op: p, options, generator and position.
static std::string getTail(const Case &c) {
  std::string tail;
  llvm::raw_string_ostream os(tail);
  os << (c.runtimeP ? std::string("p(%p)") : "p = " + formatP(c.options.p));
  if (c.options.channel)
    os << " mask_dims = [0]";
  if (c.options.rounds != 10)
    os << " rounds = " << c.options.rounds;
  if (c.options.resolution != 16)
    os << " resolution = " << c.options.resolution;
  os << " rng(%s, %o)";
  if (c.threads != 1)
    os << " at [%base] of [%total]";
  return tail;
}

/// x + bias, or its gelu, in tensors of type \p tensor.
static void writeBody(llvm::raw_ostream &os, Chain chain) {
  os << "  ^bb0(%in: f32, %bias: f32, %out: f32):\n"
        "    %t = arith.addf %in, %bias : f32\n";
  if (chain == Chain::Bias) {
    os << "    linalg.yield %t : f32\n";
    return;
  }
  os << R"(    %half = arith.constant 0.5 : f32
    %one = arith.constant 1.0 : f32
    %root = arith.constant 0.797884583 : f32
    %third = arith.constant 0.044715 : f32
    %t2 = arith.mulf %t, %t : f32
    %t3 = arith.mulf %t2, %t : f32
    %u = arith.mulf %t3, %third : f32
    %v = arith.addf %t, %u : f32
    %w = arith.mulf %v, %root : f32
    %tanh = math.tanh %w : f32
    %sum = arith.addf %one, %tanh : f32
    %scaled = arith.mulf %half, %t : f32
    %gelu = arith.mulf %scaled, %sum : f32
    linalg.yield %gelu : f32
)";
}

static std::string getChainSource(const Case &c, Variant variant) {
  std::string source;
  llvm::raw_string_ostream os(source);
  std::string tensor = "tensor<?x" + llvm::utostr(c.columns) + "xf32>";
  std::string memref = "memref<?x" + llvm::utostr(c.columns) + "xf32>";
  std::string row = llvm::utostr(c.columns) + "xf32>";
  os << "func.func @kernel(%x: " << memref << ", %b: memref<" << row
     << ", %r: " << memref << ", %y: " << memref << ", %s: i64, %o: i64) {\n"
     << "  %xt = bufferization.to_tensor %x restrict : " << memref << " to "
     << tensor << "\n"
     << "  %bt = bufferization.to_tensor %b restrict : memref<" << row
     << " to tensor<" << row << "\n"
     << "  %rt = bufferization.to_tensor %r restrict : " << memref << " to "
     << tensor << "\n"
     << "  %c0 = arith.constant 0 : index\n"
     << "  %n = memref.dim %x, %c0 : " << memref << "\n"
     << "  %e = tensor.empty(%n) : " << tensor << "\n"
     << "  %h = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, "
        "affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], "
        "iterator_types = [\"parallel\", \"parallel\"]} ins(%xt, %bt : "
     << tensor << ", tensor<" << row << ") outs(%e : " << tensor << ") {\n";
  writeBody(os, c.options.chain);
  os << "  } -> " << tensor << "\n";
  if (variant != Variant::NoDropout)
    os << "  %d = dropout.element %h " << getTail(c) << " : " << tensor << "\n";
  os << "  %z = linalg.add ins(%" << (variant == Variant::NoDropout ? "h" : "d")
     << ", %rt : " << tensor << ", " << tensor << ") outs(%e : " << tensor
     << ") -> " << tensor << "\n"
     << "  bufferization.materialize_in_destination %z in restrict writable "
        "%y : ("
     << tensor << ", " << memref << ") -> ()\n"
     << "  return\n}\n";
  return source;
}

std::string bench::getSource(const Case &c, Variant variant) {
  if (c.options.chain != Chain::None)
    return getChainSource(c, variant);
  std::string source;
  llvm::raw_string_ostream os(source);
  std::string memref = "memref<?x";
  if (variant == Variant::OddRows)
    memref += "?x";
  else if (c.oddRows) // the static twin
    memref = "memref<" + llvm::utostr(c.getElements() / c.columns) + "x" +
             llvm::utostr(c.columns) + "x";
  else if (c.columns)
    memref += llvm::utostr(c.columns) + "x";
  memref += std::string(getTypeName(c.options.type)) + ">";
  os << "func.func @kernel(%x: " << memref;
  if (!c.inPlace)
    os << ", %y: " << memref;
  if (c.runtimeP)
    os << ", %p: f64";
  if (c.threads != 1)
    os << ", %base: index, %total: index";
  os << ", %s: i64, %o: i64) {\n  dropout.";
  if (c.backward)
    os << "backward ";
  os << getKind(c.options) << " %x into " << (c.inPlace ? "%x " : "%y ")
     << getTail(c) << " : " << memref << ", " << memref << "\n  return\n}\n";
  return source;
}
