#!/usr/bin/env python3
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Breaks the code on purpose, one sentence of the contract at a time, and shows
# that a named test turns red. First every named test is run on the code as it
# is. Each mutant compiles; the source is restored afterwards, whatever happens.
# Not part of the suite: some 5 seconds a mutant.
#
#   test/mutate.py [--build DIR] [--list] [--check] [NAME...]

import argparse
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIMIT = 600  # seconds that a test may take; one that hangs is red

EMITTER = "lib/Conversion/Utils/KeepBitEmitter.cpp"
PHILOX = "include/dropout/Conversion/Utils/Philox.h"
RUN_EMITTER = "lib/Conversion/Utils/KeepRunEmitter.cpp"
LINALG_TO_VECTOR = "lib/Conversion/LinalgToVector/"
THREAD_EMITTER = "lib/Conversion/Utils/KeepThreadEmitter.cpp"
TO_GPU_SOURCE = "lib/Conversion/DropoutToGPU/"
LOWERING = "lib/Conversion/Utils/DropoutLowering.cpp"
CONTRACT = "lib/Dialect/Dropout/IR/DropoutContract.cpp"
OPS = "lib/Dialect/Dropout/IR/DropoutOps.cpp"
FOLDS = "lib/Dialect/Dropout/IR/DropoutFolds.cpp"
VERIFIER = "lib/Dialect/Dropout/IR/DropoutVerifier.cpp"
TRANSFORMS = "lib/Dialect/Dropout/Transforms/"
TO_LINALG_SOURCE = "lib/Conversion/DropoutToLinalg/DropoutToLinalg.cpp"
TRANSFORM_OPS = "lib/Dialect/Dropout/TransformOps/DropoutTransformOps.cpp"
ARITH = "lib/Conversion/DropoutToArith/DropoutToArith.cpp"
AFFINE = "lib/Conversion/DropoutToAffine/DropoutToAffine.cpp"
LLVM = "lib/Conversion/DropoutToLLVM/DropoutToLLVM.cpp"
ENTRY = "lib/Pipelines/EmitEntryPoints.cpp"
RUNTIME = "lib/Runtime/"
PLAN = "lib/Kernels/Plan.cpp"
CALL_CHECKS = "lib/Kernels/CallChecks.cpp"
KERNEL_SOURCE = "lib/Kernels/KernelSource.cpp"
TILES = "lib/Kernels/Tiles.cpp"
KERNELS = "lib/Kernels/Kernels.cpp"
KERNEL_TABLE = "lib/Kernels/KernelTable.cpp"
CAPI = "lib/CAPI/"
PYTHON_SOURCE = "python/src/"
PACKAGE = "python/mlir_dropout/"

# Tests: a file below test/, a gtest executable and the filter of its tests, or
# a test of the Python package (file::name).
TO_ARITH = "Conversion/DropoutToArith/convert-dropout-to-arith.mlir"
TO_LINALG = "Conversion/DropoutToLinalg/convert-dropout-to-linalg.mlir"
TO_LLVM = "Conversion/DropoutToLLVM/convert-dropout-to-llvm.mlir"
EVERYTHING_TO_LLVM = "Conversion/DropoutToLLVM/convert-to-llvm.mlir"
DIALECT = "Dialect/Dropout/"
ELEMENT_ERRORS = DIALECT + "element-errors.mlir"
CHANNEL_ERRORS = DIALECT + "channel-errors.mlir"
CANONICALIZE = DIALECT + "canonicalize.mlir"
EFFECTS = DIALECT + "effects.mlir"
MATERIALIZE = DIALECT + "materialize-state.mlir"
SPECIALIZE = DIALECT + "specialize-mode.mlir"
ENTRY_POINTS = "Pipelines/emit-entry-points.mlir"
KNOWN = "Integration/CPU/known-answers.py"
MEMORY = "Integration/CPU/memory.py"
INDICES = "Integration/CPU/indices.py"
SCHEDULES = "Integration/CPU/schedules.py"
FUSED = "Integration/CPU/fused-loops.py"
GUARDS = "Integration/CPU/guard-pages.py"
LARGE = "Integration/CPU/large-outputs.py"
THREADS = "Integration/CPU/threads.py"
VALUES = "Integration/CPU/values.py"
TO_VECTOR = "Conversion/LinalgToVector/linalg-to-vector.mlir"
TO_GPU = "Conversion/DropoutToGPU/convert-dropout-to-gpu.mlir"
TO_PTX = "Pipelines/dropout-to-ptx.mlir"
CONTRACT_TESTS = "Unit/Dialect/DropoutContractTests:"
RUNTIME_TESTS = "Unit/Runtime/DropoutRuntimeTests:"
CAPI_TESTS = "Unit/CAPI/DropoutCAPITests:"
PYTHON = "Python/"

# name: (what the contract says, file, old text, new text, test that must fail)
MUTANTS = {
    # The vector lowering.
    "run-order": ("natural order of elements", RUN_EMITTER, "for (int64_t word : {1, 0})", "for (int64_t word : {0, 1})", KNOWN),
    "run-keys": ("a key per round", RUN_EMITTER, "key = b.low(b.binary<arith::AddIOp>(key, b.constant(increment)));", "key = b.low(b.binary<arith::AddIOp>(key, b.constant(increment + 1)));", KNOWN),
    "run-linear": ("one block a lane", RUN_EMITTER, "b.blocks(kPhiloxMultiplier0)", "b.blocks(kPhiloxMultiplier1)", KNOWN),
    "run-ties": ("ties are decided by L", RUN_EMITTER, "isTie(emitFence(builder, loc, second))", "isTie(emitFence(builder, loc, first))", KNOWN),
    "run-before-zero": ("a run may begin in front of the mask", RUN_EMITTER, "block = arith::ShRSIOp::create(", "block = arith::ShRUIOp::create(", FUSED),
    "run-follower": ("each draw has its own position", LINALG_TO_VECTOR + "RowEmitter.cpp", "form.base == leading.base &&", "(form.base, leading.base) &&", FUSED),
    "run-high": ("block numbers have 64 bits", LINALG_TO_VECTOR + "RowEmitter.cpp", "perBlock << 32", "perBlock << 33", INDICES),
    "tile-begin": ("nothing is written in front of a row", LINALG_TO_VECTOR + "RowEmitter.cpp", "MaxSIOp::create(builder, loc, element, first)", "MaxSIOp::create(builder, loc, element, element)", GUARDS),
    "store-alignment": ("stores past the caches are aligned", LINALG_TO_VECTOR + "RowEmitter.cpp", "start, constant(63)", "start, constant(0)", LARGE),
    "merge-loops": ("strides are as stated", "lib/Conversion/LoopNest/IterationSpace.cpp", "mergeable &= isSame(", "mergeable |= isSame(", MEMORY),
    "eval-in-place": ("eval is the identity", "lib/Conversion/LoopNest/Body.cpp", "source.get() != init.get()", "source.get() == init.get()", TO_VECTOR),
    "thread-part": ("same bits for any thread count", LINALG_TO_VECTOR + "SharedNest.cpp", "bounds(inner, innerPart, false)", "bounds(inner, outerPart, false)", THREADS),
    "bf16-middle": ("rounded to nearest even", "lib/Pipelines/LowerFloats.cpp", "splat(halfwords, 0x8000)", "splat(halfwords, 0x7fff)", VALUES),
    # The GPU lowering
    "thread-tie": ("a tie in any halfword is decided exactly", THREAD_EMITTER, "word, tie);", "word, word);", TO_GPU),
    "thread-tie-halves": ("ties of both halfwords are found", THREAD_EMITTER, "found =\n      arith::AndIOp::create(builder, loc, all, constantI32(0x80008000))", "found =\n      arith::AndIOp::create(builder, loc, all, constantI32(0x00008000))", TO_GPU),
    "thread-limit": ("T in [1, 2^16) keeps what it should", THREAD_EMITTER, "arith::MaxUIOp::create(builder, loc, top, constantI64(1))", "arith::MaxUIOp::create(builder, loc, top, constantI64(0))", TO_GPU),
    "thread-low-block": ("L(i) comes from block((i div 8) | 2^63)", THREAD_EMITTER, "uint64_t(1) << 63", "uint64_t(1) << 62", TO_GPU),
    "thread-halves": ("low half of a word first", THREAD_EMITTER, "if (place == 0)", "if (place != 0)", TO_GPU),
    "gpu-alignment": ("any strided layout works", TO_GPU_SOURCE + "ElementwiseToLaunch.cpp", "constant(vectorBytes - 1)", "constant(bytes - 1)", TO_GPU),
    "gpu-row-alignment": ("rows of any length are aligned or not, each", TO_GPU_SOURCE + "ElementwiseToLaunch.cpp", "constant(0), toIndex(distance))", "constant(0), constant(0))", TO_GPU),
    "gpu-row-groups": ("rows that begin inside of a block are whole", TO_GPU_SOURCE + "ElementwiseToLaunch.cpp", "(plan.mayBeginInFront() ? groupSize - 1 : 0)", "(plan.mayBeginInFront() ? 0 : 0)", TO_GPU),
    "gpu-tail": ("nothing is written behind a row", TO_GPU_SOURCE + "ThreadEmitter.cpp", "arith::CmpIPredicate::sle,\n                                        add(begins.back(), groupSize), extent)", "arith::CmpIPredicate::sle,\n                                        begins.back(), extent)", TO_GPU),
    "gpu-element-tail": ("nothing is written behind a row, element by element", TO_GPU_SOURCE + "ThreadEmitter.cpp", "Value end = arith::MinSIOp::create(builder, loc,\n                                     add(begin, constant(plan.getGroupSize())),\n                                     toIndex(space.extents.back()));", "Value end = add(begin, constant(plan.getGroupSize()));", TO_GPU),
    "gpu-row-offset": ("rows that begin inside of a block", TO_GPU_SOURCE + "ThreadEmitter.cpp", "first = arith::SubIOp::create(builder, loc, first, within);", "(void)within;", TO_GPU),
    "gpu-distance": ("each group is one thread's", TO_GPU_SOURCE + "ThreadEmitter.cpp", "begins.push_back(add(begins.back(), distance));", "begins.push_back(add(begins.back(), groupSize));", TO_GPU),
    "gpu-pair-order": ("results are stored where they belong", TO_GPU_SOURCE + "ThreadEmitter.cpp", "mapping.lookupOrDefault(resolve(select.getCondition(), known)), yes, no)", "mapping.lookupOrDefault(resolve(select.getCondition(), known)), no, yes)", TO_GPU),
    "gpu-bf16-halves": ("a bf16 in the upper half of a word", TO_GPU_SOURCE + "ThreadEmitter.cpp", "int32_t(0xffff0000)", "int32_t(0x0000ffff)", TO_GPU),
    "gpu-vector-alignment": ("copy speed: accesses of 16 bytes", TO_GPU_SOURCE + "ThreadEmitter.cpp", "array, index,\n        /*nontemporal=*/false, llvm::MaybeAlign(bytes)", "array, index,\n        /*nontemporal=*/false, llvm::MaybeAlign()", TO_PTX),
    "gpu-state": ("rng(%state) is read inside the kernel", TO_GPU_SOURCE + "LaunchBuilder.cpp", "if (!comesFromLoad(value, kernel))", "if (true)", TO_GPU),
    "gpu-in-place": ("eval is the identity", TO_GPU_SOURCE + "ElementwiseToLaunch.cpp", "if (!writesItsInput(generic, known))", "if (true)", TO_GPU),
    "gpu-points": ("one thread for each point, and no more", TO_GPU_SOURCE + "PointwiseToLaunch.cpp", "arith::CmpIPredicate::ult, point, points", "arith::CmpIPredicate::ule, point, points", TO_GPU),
    # Mask contract
    "rounds-nine": ("R = 10 by default", EMITTER,
                    "round < parameters.rounds", "round + 1 < parameters.rounds", TO_ARITH),
    "rounds-ignored": ("rounds = 7 is stated on the op", ARITH,
                       "draw.rounds = op.getRounds();", "draw.rounds = 10;", TO_ARITH),
    "key-schedule": ("the key is bumped each round", EMITTER,
                     "if (round != 0) {", "if (round > 1) {", KNOWN),
    "multiplier": ("Philox4x32", PHILOX, "0xD2511F53", "0xD2511F51", KNOWN),
    "key-halves": ("the key is (lo32(seed), hi32(seed))", EMITTER,
                   "auto [k0, k1] = emitSplit(parameters.seed);\n  SmallVector<Value, 4> counter",
                   "auto [k1, k0] = emitSplit(parameters.seed);\n  SmallVector<Value, 4> counter", KNOWN),
    "offset-high": ("all 64 bits of the offset are in the counter", EMITTER,
                    "SmallVector<Value, 4> counter = {c0, c1, c2, c3};",
                    "SmallVector<Value, 4> counter = {c0, c1, c2, c2};", KNOWN),
    "offset-ignored": ("the offset is in the counter", EMITTER,
                       "emitSplit(parameters.offset);\n  auto [k0, k1] = emitSplit(parameters.seed);\n"
                       "  SmallVector<Value, 4> counter",
                       "emitSplit(constantI64(7));\n  auto [k0, k1] = emitSplit(parameters.seed);\n"
                       "  SmallVector<Value, 4> counter", KNOWN),
    "block-32-bit": ("the index is 64-bit", EMITTER,
                     "return emitPhiloxLoop(block);\n  auto [c0, c1] = emitSplit(block);",
                     "return emitPhiloxLoop(block);\n  auto [c0, c1] = emitSplit(arith::AndIOp::create("
                     "builder, loc, block, constantI64(0xffffffff)));", KNOWN),
    "elements-per-block": ("H(i) = halfword i mod 8 of block(i div 8)", EMITTER,
                           "parameters.resolution == 8 ? 4 : 3", "parameters.resolution == 8 ? 4 : 4",
                           KNOWN),
    "halfword-order": ("low half of word 0 first", EMITTER,
                       "Value bits = arith::ExtUIOp::create(builder, loc, i128, words[0]);\n"
                       "  for (unsigned word = 1; word < 4; ++word) {\n"
                       "    Value wide = arith::ExtUIOp::create(builder, loc, i128, words[word]);",
                       "Value bits = arith::ExtUIOp::create(builder, loc, i128, words[1]);\n"
                       "  for (unsigned word = 1; word < 4; ++word) {\n"
                       "    Value wide = arith::ExtUIOp::create(builder, loc, i128, words[word ^ 1]);",
                       KNOWN),
    "low-block": ("L(i) comes from block((i div 8) | 2^63)", EMITTER,
                  "constantI64(uint64_t(1) << 63)", "constantI64(uint64_t(1) << 62)", KNOWN),
    "tie-dropped": ("ties are decided by L", EMITTER,
                    "scf::YieldOp::create(builder, loc, exact());",
                    "scf::YieldOp::create(builder, loc, above);", TO_ARITH),
    "compare-strict": ("element i is kept iff u(i) >= T(p)", EMITTER,
                       "arith::CmpIPredicate::uge, wide", "arith::CmpIPredicate::ugt, wide",
                       EVERYTHING_TO_LLVM),
    "keep-inverted": ("kept iff u >= T", EMITTER,
                      "arith::CmpIPredicate::ugt, draw, top", "arith::CmpIPredicate::ult, draw, top", KNOWN),
    "threshold-truncated": ("T(p) = roundeven(p * 2^32)", CONTRACT,
                            "std::nearbyint(p * 4294967296.0)", "std::floor(p * 4294967296.0)",
                            CONTRACT_TESTS + "Threshold.*"),
    "threshold-clamp-low": ("T is clamped to [1, 2^32 - 1]", CONTRACT,
                            "std::clamp(scaled, 1.0,", "std::clamp(scaled, 0.0,", CONTRACT_TESTS + "Threshold.*"),
    "threshold-clamp-high": ("T = 2^32 only for p = 1", CONTRACT,
                             "scaled, 1.0, 4294967295.0", "scaled, 1.0, 4294967296.0",
                             CONTRACT_TESTS + "Threshold.*"),
    "runtime-threshold": ("T(p) of a run-time p is the same", LOWERING,
                          "b.constant(resolution == 8 ? 256.0 : 4294967296.0)",
                          "b.constant(resolution == 8 ? 256.0 : 4294967295.0)", INDICES),
    "runtime-clamp": ("T of a tiny run-time p is 1", LOWERING,
                      "clamped, b.constantInt(1)", "clamped, b.constantInt(0)", TO_LINALG),
    "runtime-byte-constants": ("a run-time p is k/256, too", LOWERING,
                               "return b.mul(k, b.constant(1.0 / 256.0));", "(void)k;\n  return p;", INDICES),
    "resolution-byte": ("byte i mod 16, low byte first", EMITTER,
                        "constantI32(parameters.resolution == 8 ? 0xff : 0xffff)",
                        "constantI32(parameters.resolution == 8 ? 0x7f : 0xffff)", KNOWN),
    "resolution-constants": ("every constant uses p = k/256", CONTRACT,
                             "return resolution == 8 ? std::nearbyint(p * 256.0) / 256.0 : p;",
                             "return p;", TO_LINALG),
    "resolution-none": ("k = 256 is an error that names p", CONTRACT,
                        "return k >= 1.0 && k <= 255.0;", "return k >= 1.0;", CONTRACT_TESTS + "Threshold.EightBits"),
    "state-halves": ("rng(%state) is {seed, offset}", LOWERING,
                     "draw.offset = load(1);", "draw.offset = load(0);", MEMORY),
    # Position
    "position-ignored": ("a slice keeps the big tensor's indices", OPS,
                         "  if (op.hasPosition())\n"
                         "    return getMixedValues(op.getStaticOffsetsAttr()",
                         "  if (false)\n    return getMixedValues(op.getStaticOffsetsAttr()", TO_LINALG),
    "stride-of-tile": ("strides are those of the whole", LOWERING,
                       "op.getMixedPositionSizes(builder);\n  parameters.strides",
                       "op.getMixedShape(builder);\n  parameters.strides", TO_LINALG),
    "mask-dims-order": ("mask_dims are linearised in the order listed", LOWERING,
                        "llvm::reverse(maskDims)", "maskDims", TO_LINALG),
    "default-mask-dims": ("the default mask_dims is [0, 1]", OPS,
                          "return {0, 1};", "return {1, 0};", CHANNEL_ERRORS),
    "tile-position": ("tiling keeps the mask", TRANSFORMS + "TilingInterfaceImpl.cpp",
                      "position.push_back(emitAdd(builder, loc, start, offset));",
                      "position.push_back(start);", DIALECT + "tiling.mlir"),
    "window-shift": ("rows that start inside a block", EMITTER,
                     "constant(i128, 127), down", "constant(i128, 126), down", MEMORY),
    "row-aligned": ("one mask for every lowering", AFFINE,
                    "if (!isMultiple(parameters.base))\n      return false;", "", KNOWN),
    "block-loop-start": ("one mask for every row length", ARITH,
                         "constant(perBlock - 1));\n  Value count", "constant(0));\n  Value count", KNOWN),
    "loop-step": ("the index of every element counts", ARITH,
                  "getConstantIntValue(loop.getStep()) != 1)", "false)", TO_ARITH),
    "loop-factor": ("neighbours in a loop are neighbours in the mask", ARITH,
                    "return getFactor(op.getIndex(), loop) == 1;",
                    "return getFactor(op.getIndex(), loop).has_value();", MEMORY),
    "loop-narrow": ("all index arithmetic is 64-bit", ARITH,
                    "if (!isWide(value.getType()))", "if (false)", TO_ARITH),
    # Values
    "scale": ("kept: x * 1/(1-p)", CONTRACT, "return 1.0 / (1.0 - p);", "return 1.0 / (1.0 + p);",
              CONTRACT_TESTS + "Scale.*"),
    "constant-single": ("constants are computed in f64", CONTRACT, "return 1.0 / (1.0 - p);",
                        "return 1.0 / (1.0 - static_cast<float>(p));", MEMORY),
    "multiply-not-select": ("select, never multiply", LOWERING,
                            "  Value y = arith::SelectOp::create(builder, loc, keep, kept,\n"
                            "                                    parameters.dropped);",
                            "  Value y = arith::MulFOp::create(\n"
                            "      builder, loc, kept, arith::UIToFPOp::create(builder, loc, element, keep));",
                            TO_LINALG),
    "fast-math": ("no fast-math flag on the data path", LOWERING,
                  "arith::MulFOp::create(builder, loc, wide, parameters.factor)",
                  "arith::MulFOp::create(builder, loc, wide, parameters.factor, "
                  "arith::FastMathFlags::contract)", TO_LINALG),
    "fma-split": ("kept: fma(a, x, b)", LOWERING,
                  "    kept = math::FmaOp::create(builder, loc, parameters.factor, wide,\n"
                  "                               parameters.summand);",
                  "    kept = arith::AddFOp::create(builder, loc, arith::MulFOp::create(builder, loc, "
                  "parameters.factor, wide), parameters.summand);", TO_LINALG),
    "alpha-dropped": ("dropped: d = a * alpha' + b", CONTRACT,
                      "a * kAlphaPrime + b;", "a * kAlphaPrime;", CONTRACT_TESTS + "AffineConstants.*"),
    "alpha-variance": ("v = q + ((alpha' * alpha') * q) * p", CONTRACT,
                       "double v = q + ((kAlphaPrime * kAlphaPrime) * q) * p;",
                       "double v = q + ((kAlphaPrime * kAlphaPrime) * q) * q;",
                       CONTRACT_TESTS + "AffineConstants.*"),
    "alpha-runtime": ("b = -((a * p) * alpha')", LOWERING,
                      "b.mul(b.mul(a, p), alphaPrime)", "b.mul(b.mul(a, q), alphaPrime)", TO_LINALG),
    "alpha-at-one": ("p = 1 gives +0 everywhere", CONTRACT,
                     "p == 1.0 ? 0.0 : a * kAlphaPrime + b", "a * kAlphaPrime + b",
                     CONTRACT_TESTS + "AffineConstants.*"),
    "gradient-alpha": ("gradient of alpha: dy * a, dropped +0", OPS,
                       "ValueMap mlir::dropout::detail::getBackwardMap(Kind kind) {\n",
                       "ValueMap mlir::dropout::detail::getBackwardMap(Kind kind) {\n"
                       "  if (isAlpha(kind))\n    return getForwardMap(kind);\n", TO_LINALG),
    "active-ignored": ("eval is x, bit for bit", LOWERING,
                       "  if (parameters.active)\n    y =", "  if (false)\n    y =", TO_LINALG),
    "training-ignored": ("eval is the identity", LOWERING,
                         "value.active = b.both(training, value.active);", "(void)training;", TO_LINALG),
    "active-zero": ("p = 0 is x, bit for bit", LOWERING,
                    "b.compare(arith::CmpFPredicate::ONE, p, 0.0)", "b.compare(arith::CmpFPredicate::OGE, p, 0.0)",
                    TO_LINALG),
    "mask-in-eval": ("a mask is 1 everywhere in eval", LOWERING,
                     "b.select(training, draw.threshold, b.constantInt(0))", "draw.threshold", TO_LINALG),
    "compute-type": ("f16 and bf16 compute in f32", LOWERING,
                     "return element.isF64() ? element : Float32Type::get(element.getContext());",
                     "return element;", TO_LINALG),
    "nan-p": ("an unchecked invalid p acts as p = 1", LOWERING,
              "p = b.select(valid, p, b.constant(1.0));", "(void)valid;", TO_LINALG),
    # Folds and verifiers
    "fold-eval-implicit": ("implicit ops are not folded", FOLDS,
                           "if (op.isImplicit() || op.isMemRefForm() || op->getNumResults() != 1)\n"
                           "    return failure();\n  Outcome",
                           "if (op.isMemRefForm() || op->getNumResults() != 1)\n    return failure();\n  Outcome",
                           DIALECT + "canonicalize-implicit.mlir"),
    "fold-p-one": ("p = 1 folds only in training", FOLDS,
                   "if (p == 1.0 && training == true)", "if (p == 1.0)", CANONICALIZE),
    "fold-check": ("p has to suit the resolution", FOLDS,
                   "if (isProbability(value) && isRepresentable(value, getResolution()))",
                   "if (isProbability(value))", CANONICALIZE),
    "backward-fold-alpha": ("backward of alpha is not the forward op", FOLDS,
                            "if (op.getValueMap() != ValueMap::Scale)\n      return failure();\n    StringRef",
                            "StringRef", CANONICALIZE),
    "verifier-p": ("p is in [0, 1], NaN refused", VERIFIER,
                   "if (!isProbability(value)) // [P2]", "if (value > 1.0) // [P2]", ELEMENT_ERRORS),
    "verifier-resolution": ("k = 0 is an error that names p", VERIFIER,
                            "if (!isRepresentable(value, op.getResolution())) // [P3]", "if (false) // [P3]",
                            ELEMENT_ERRORS),
    "verifier-version": ("unknown contract versions are refused", VERIFIER,
                         "if (version != kContractVersion) // [O3]", "if (version > 2) // [O3]", ELEMENT_ERRORS),
    "verifier-rounds": ("rounds are 7 or 10", VERIFIER,
                        "if (rounds != 7 && rounds != 10) // [O1]", "if (rounds == 0) // [O1]", ELEMENT_ERRORS),
    "verifier-implicit": ("mask and backward have no implicit form", VERIFIER,
                          "if (needsSeed && op.isImplicit()) // [B1]", "if (false) // [B1]",
                          DIALECT + "backward-errors.mlir"),
    "verifier-type": ("element types: f16, bf16, f32, f64", VERIFIER,
                      "!element.isF64()) { // [T1]", "!element.isF64() && !element.isInteger(32)) { // [T1]",
                      ELEMENT_ERRORS),
    "verifier-count": ("the index never wraps", VERIFIER,
                       "llvm::MulOverflow(count, size, count))\n      return std::nullopt;",
                       "llvm::MulOverflow(count, size, count))\n      return 0;", ELEMENT_ERRORS),
    "verifier-slice": ("a slice lies inside the whole", VERIFIER,
                       "begin > whole || extent > whole - begin", "begin > whole", ELEMENT_ERRORS),
    "verifier-dims": ("mask_dims are distinct", VERIFIER,
                      "if (seen.test(dim)) // [D1]", "if (false) // [D1]", CHANNEL_ERRORS),
    "verifier-rank": ("the default mask_dims needs rank >= 2", VERIFIER,
                      "rank < 2) // [D3]", "rank < 1) // [D3]", CHANNEL_ERRORS),
    # State, in the compiler
    "materialize-flag": ("%f replaces the runtime's mode", TRANSFORMS + "MaterializeState.cpp",
                         "op.getGeneratorAttr(), op.getTraining());", "op.getGeneratorAttr(), Value());",
                         MATERIALIZE),
    "generator-name": ("a named generator is its own", TRANSFORMS + "MaterializeState.cpp",
                       "ReserveOp::create(rewriter, op.getLoc(), op.getGeneratorAttr(),",
                       "ReserveOp::create(rewriter, op.getLoc(), StringAttr(),", MATERIALIZE),
    "generator-call": ("a named generator's offset is taken", LLVM,
                       "Value name = op.getGenerator()", "Value name = false", TO_LLVM),
    "mode-call": ("without a flag the runtime's mode counts", LLVM, "loc, i32, -1)", "loc, i32, 1)", TO_LLVM),
    "check-call": ("k of 8 bits is checked at run time", LLVM,
                   "                                                op.getResolution());",
                   "                                                16);", TO_LLVM),
    "specialize-eval": ("eval erases", TRANSFORMS + "SpecializeMode.cpp",
                        "if (train)\n        masked", "if (true)\n        masked", SPECIALIZE),
    "specialize-train": ("train becomes training(true)", TRANSFORMS + "SpecializeMode.cpp",
                         "masked.getTrainingMutable().assign(createFlag(op));", "(void)createFlag(op);", SPECIALIZE),
    "specialize-check": ("p is checked in eval too", TRANSFORMS + "SpecializeMode.cpp",
                         "if (!check || check.getResolution() != op.getResolution())", "if (false)", SPECIALIZE),
    "check-missing": ("p at run time is checked", TRANSFORMS + "CheckProbabilities.cpp",
                      "op.getPValueMutable().assign(checked);", "(void)checked;",
                      DIALECT + "check-probabilities.mlir"),
    "check-late": ("every p that is an argument is checked first", TRANSFORMS + "CheckProbabilities.cpp",
                   "if (argument && argument.getOwner() == &function.front())", "if (false)",
                   DIALECT + "check-probabilities.mlir"),
    "pipeline-check": ("every pipeline checks p", "lib/Pipelines/Pipelines.cpp",
                       "pm.addNestedPass<func::FuncOp>(createCheckProbabilitiesPass());", "",
                       "Pipelines/dropout-to-llvm.mlir"),
    "entry-unchecked": ("nothing is drawn or written if a p is invalid", ENTRY,
                        "cf::CondBranchOp::create(b, failed, done, *status, run, ValueRange());",
                        "(void)failed;\n    cf::BranchOp::create(b, run);", ENTRY_POINTS),
    "entry-resolution": ("8 bits have a check of their own", ENTRY,
                         "add(argument, check.getResolution());", "add(argument, 16);", ENTRY_POINTS),
    "entry-callee": ("a p that a callee checks is an argument, too", ENTRY,
                     "changed |= add(outer, resolution);", "(void)resolution;", ENTRY_POINTS),
    "speculate-unchecked": ("an op with an unchecked p is not speculatable", OPS,
                            "if (!p.getDefiningOp<CheckPOp>())", "if (false)", DIALECT + "speculation.mlir"),
    "implicit-pure": ("an implicit op touches the runtime", OPS,
                      "  if (op.isImplicit()) {\n    effects", "  if (false) {\n    effects",
                      DIALECT + "canonicalize-implicit.mlir"),
    "reserve-pure": ("reserve takes an offset", OPS,
                     "void ReserveOp::getEffects(\n    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {\n",
                     "void ReserveOp::getEffects(\n    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {\n"
                     "  if (true)\n    return;\n", EFFECTS),
    "check-pure": ("check_p has effects", OPS,
                   "void CheckPOp::getEffects(\n    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {\n",
                   "void CheckPOp::getEffects(\n    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {\n"
                   "  if (true)\n    return;\n", EFFECTS),
    "tile-implicit": ("tiling refuses implicit ops", TRANSFORMS + "TilingInterfaceImpl.cpp",
                      "if (failed(requireExplicit(op)))", "if (false)", DIALECT + "tiling-errors.mlir"),
    "bufferize-implicit": ("bufferization refuses implicit ops", TRANSFORMS + "BufferizableOpInterfaceImpl.cpp",
                           "if (failed(requireExplicit(op)))", "if (false)", DIALECT + "one-shot-bufferize-errors.mlir"),
    "in-place": ("in place only where legal", TRANSFORMS + "BufferizableOpInterfaceImpl.cpp",
                 "if (!analysis.isInPlace(source))", "if (false)", DIALECT + "one-shot-bufferize.mlir"),
    "vector-product": ("vector lanes draw what scalars draw", EMITTER,
                       "return {arith::TruncIOp::create(builder, loc, i32, word64),",
                       "return {arith::TruncIOp::create(builder, loc, i32, high),", SCHEDULES),
    "vector-ties": ("a tie in any lane is decided exactly", EMITTER,
                    "vector::CombiningKind::OR", "vector::CombiningKind::AND", SCHEDULES),
    "decompose-flag": ("a decomposed mask result is 1 everywhere in eval", TO_LINALG_SOURCE,
                       "(void)lowerThreshold(rewriter, parts.mask);",
                       "parts.mask.getTrainingMutable().clear();\n    (void)lowerThreshold(rewriter, parts.mask);",
                       DIALECT + "TransformOps/decompose.mlir"),
    "decompose-implicit": ("decomposition refuses implicit ops", TRANSFORM_OPS,
                           "if (op.isImplicit())\n    return fail(", "if (false)\n    return fail(",
                           DIALECT + "TransformOps/decompose-errors.mlir"),
    "gradient-draw": ("the gradient's draw is the forward's", TRANSFORMS + "BuildBackward.cpp",
                      "lookup(op.getSeed()), lookup(op.getOffset()),", "lookup(op.getSeed()), lookup(op.getSeed()),",
                      DIALECT + "build-backward.mlir"),
    # The runtime
    "fork-bit": ("bit 62 keeps a fork apart from every mask", RUNTIME + "Fork.cpp",
                 "rank | forkRankLimit,", "rank,", RUNTIME_TESTS + "GeneratorTest.ForkSeeds"),
    "fork-hash": ("FNV-1a, not FNV-1", RUNTIME + "Fork.cpp",
                  "    hash ^= static_cast<unsigned char>(c);\n    hash *= 0x100000001b3;\n",
                  "    hash *= 0x100000001b3;\n    hash ^= static_cast<unsigned char>(c);\n",
                  RUNTIME_TESTS + "GeneratorTest.ForkSeeds"),
    "fork-words": ("seed' = words 0 and 1, low first", RUNTIME + "Fork.cpp",
                   "block[0] | uint64_t(block[1]) << 32", "block[1] | uint64_t(block[0]) << 32",
                   RUNTIME_TESTS + "GeneratorTest.ForkSeeds"),
    "fork-offset": ("offset' = 0", RUNTIME + "Generator.cpp",
                    "/*offset=*/0);", "generator->offset);", RUNTIME_TESTS + "GeneratorTest.Fork"),
    "eval-consumes": ("an op in eval mode consumes no offset", RUNTIME + "Generator.cpp",
                      "if (isTraining)\n      ++generator->offset;", "++generator->offset;",
                      RUNTIME_TESTS + "GeneratorTest.TrainingTakesOneOffsetEvalNone"),
    "reserve-two": ("an op in training mode consumes exactly one offset", RUNTIME + "Generator.cpp",
                    "++generator->offset;", "generator->offset += 2;",
                    RUNTIME_TESTS + "GeneratorTest.TrainingTakesOneOffsetEvalNone"),
    "reserve-mode": ("%f replaces the runtime's mode", RUNTIME + "Generator.cpp",
                     ": training == DROPOUT_TRAIN;", ": state->training;",
                     RUNTIME_TESTS + "GeneratorTest.TrainingTakesOneOffsetEvalNone"),
    "reserve-torn": ("reserve is one atomic step", RUNTIME + "Generator.cpp",
                     "*outOffset = generator->offset;\n    if (isTraining)",
                     "*outOffset = generator->offset;\n    state.~LockedState();\n    sched_yield();\n"
                     "    new (&state) LockedState();\n    if (isTraining)",
                     RUNTIME_TESTS + "ThreadTest.DrawsAreDistinctAndGapless"),
    "one-generator": ("named generators are their own", RUNTIME + "Process.cpp",
                      "generator = &it->second;", "generator = &defaultGenerator;",
                      RUNTIME_TESTS + "GeneratorTest.NamedGeneratorsAreIndependent"),
    "eval-at-start": ("the mode is train at start", RUNTIME + "Process.h",
                      "bool training = true;\n  Generator defaultGenerator;",
                      "bool training = false;\n  Generator defaultGenerator;",
                      RUNTIME_TESTS + "GeneratorTest.InitialState"),
    "offset-at-start": ("the initial seed and offset are documented", RUNTIME + "Process.h",
                        "uint64_t offset = 0;\n  /// Handle", "uint64_t offset = 1;\n  /// Handle",
                        RUNTIME_TESTS + "GeneratorTest.InitialState"),
    "name-utf8": ("names are UTF-8", RUNTIME + "Name.cpp", "lead >= 0xc2", "lead >= 0xc0",
                  RUNTIME_TESTS + "GeneratorTest.Names"),
    "scope-mode": ("a scope restores the mode", RUNTIME + "Scope.cpp",
                   "state->training = scope.training;", "(void)scope;", RUNTIME_TESTS + "ScopeTest.*"),
    "scope-offset": ("a scope restores seed and offset", RUNTIME + "Scope.cpp",
                     "scope.generator->offset = scope.offset;", "", RUNTIME_TESTS + "ScopeTest.*"),
    "scope-order": ("scopes end in the order that they nest", RUNTIME + "Scope.cpp",
                    "if (innermost != handle)", "if (false)", RUNTIME_TESTS + "ScopeTest.*"),
    "scope-open": ("an open scope's generator stays", RUNTIME + "Generator.cpp",
                   "if (generator->innermostScope)", "if (false)", RUNTIME_TESTS + "ScopeTest.*"),
    "scope-restore": ("a blob is not restored into open scopes", RUNTIME + "State.cpp",
                      "if (!state->openScopes.empty())", "if (false)", RUNTIME_TESTS + "ScopeTest.*"),
    "blob-checksum": ("a damaged blob is refused", RUNTIME + "State.cpp",
                      "if (crc32(bytes, checkedSize) !=", "if (false && crc32(bytes, checkedSize) !=",
                      RUNTIME_TESTS + "StateTest.*"),
    "blob-half": ("a damaged blob changes nothing", RUNTIME + "State.cpp",
                  "\"expected a state, but got NULL\");\n    SavedState saved;\n",
                  "\"expected a state, but got NULL\");\n    SavedState saved;\n    LockedState()->named.clear();\n",
                  RUNTIME_TESTS + "StateTest.*"),
    "blob-version": ("the blob is versioned", RUNTIME + "State.cpp",
                     "if (version != formatVersion)", "if (false)", RUNTIME_TESTS + "StateTest.*"),
    "blob-endian": ("the blob is the same on every machine", RUNTIME + "State.cpp",
                    "at[i]) << (8 * i)", "at[i]) << (8 * (sizeof(Int) - 1 - i))", RUNTIME_TESTS + "StateTest.*"),
    "error-last": ("the slot keeps the first error", RUNTIME + "Error.cpp",
                   "if (slot.status != DROPOUT_OK)", "if (false)", RUNTIME_TESTS + "ErrorTest.*"),
    "error-shared": ("code and message are thread-local", RUNTIME + "Error.cpp",
                     "static thread_local ErrorSlot slot;", "static ErrorSlot slot;", RUNTIME_TESTS + "ErrorTest.*"),
    "bytes": ("a mask in memory is one byte per element, 0 or 1", RUNTIME + "Mask.cpp",
              "*dst++ = keep;", "*dst++ = keep ? 0xff : 0;", RUNTIME_TESTS + "MaskTest.*"),
    "runtime-tie": ("the runtime's masks are those of compiled code", RUNTIME + "Mask.cpp",
                    "if (h == top)", "if (false)", RUNTIME_TESTS + "MaskTest.*"),
    "runtime-key": ("the runtime's Philox is the same", RUNTIME + "Philox.h",
                    "key1 += weyl1;", "key1 += weyl0;", RUNTIME_TESTS + "PhiloxTest.*"),
    "runtime-ties-up": ("T(p) is rounded half to even", RUNTIME + "Probability.cpp",
                        "rest == 0.5 && (result & 1)", "rest == 0.5", RUNTIME_TESTS + "ProbabilityTest.*"),
    "runtime-nan": ("NaN is no probability", RUNTIME + "Probability.cpp",
                    "return p >= 0.0 && p <= 1.0;", "return !(p < 0.0 || p > 1.0);",
                    RUNTIME_TESTS + "ProbabilityTest.*"),
    "runtime-byte": ("k = 0 or 256 is an error that names p", RUNTIME + "Probability.cpp",
                     "if (isProper && (k == 0 || k == 256))", "if (false)", RUNTIME_TESTS + "ProbabilityTest.*"),
    "runtime-invalid": ("an invalid p acts as p = 1", RUNTIME + "Probability.cpp",
                        "== DROPOUT_OK ? p : 1.0;", "== DROPOUT_OK ? p : 0.0;", RUNTIME_TESTS + "ProbabilityTest.*"),
    "generator-blob": ("a generator's blob is that of a process in train mode", RUNTIME + "State.cpp",
                       "return write(/*training=*/true,", "return write(/*training=*/false,",
                       RUNTIME_TESTS + "StateTest.Generator*"),
    "generator-decode": ("outputs are zero on error", RUNTIME + "State.cpp",
                         "if (outOffset)\n    *outOffset = 0;\n  return guarded([&]() -> int32_t {\n    if (!data ||",
                         "return guarded([&]() -> int32_t {\n    if (!data ||",
                         RUNTIME_TESTS + "StateTest.DamagedGenerators"),
    # Kernels on strided arrays
    "merge-order": ("dims merge where the mask walks them as one", PLAN,
                    "inner.maskOrder == outer.maskOrder + 1 &&", "inner.maskOrder >= outer.maskOrder &&",
                    PYTHON + "test_positions.py::test_slices_of_the_whole"),
    "merge-slice": ("a slice keeps the big tensor's indices", PLAN,
                    "(inner.position == 0 && inner.size == inner.full)", "(inner.position == 0)",
                    PYTHON + "test_positions.py::test_slices_of_the_whole"),
    "merge-source": ("any strided layout works", PLAN,
                     "(follows(outer.sourceStride, inner.sourceStride) &&", "(",
                     PYTHON + "test_layouts.py::test_layouts"),
    "merge-draws": ("dims that the mask repeats along are apart from those it is indexed by", PLAN,
                    "if (outer.maskOrder < 0 || inner.maskOrder < 0)\n    return outer.maskOrder == inner.maskOrder;",
                    "if (outer.maskOrder < 0 || inner.maskOrder < 0)\n    return true;",
                    CAPI_TESTS + "KernelsTest.KindsAndGradients"),
    "merge-position": ("a merged dim begins where its parts do", PLAN,
                       "outer.position * inner.full + inner.position", "outer.position * inner.full",
                       PYTHON + "test_positions.py::test_rows_of_one"),
    "merge-never": ("a kernel is compiled once per rank and layout class", PLAN,
                    "  size_t last = 0;\n  for (size_t next = 1; next < dims.size(); ++next) {",
                    "  size_t last = dims.size() - 1;\n  for (size_t next = dims.size(); next < dims.size(); ++next) {",
                    CAPI_TESTS + "KernelsTest.DimsThatMemoryWalksAsOneAreOne"),
    "single-dim": ("a dim of size 1 moves the index of a slice", PLAN,
                   "if (size == 1 && (order < 0 || full == 1))", "if (size == 1)",
                   PYTHON + "test_positions.py::test_slices_of_the_whole"),
    "plan-default-dims": ("the default mask_dims is [0, 1]", PLAN, "channels && index > 1 ? -1",
                          "channels && index > 2 ? -1",
                          CAPI_TESTS + "KernelsTest.KindsAndGradients"),
    "key-rounds": ("rounds = 7 is stated", KERNEL_SOURCE, "uint8_t(call.rounds),", "uint8_t(10),",
                   CAPI_TESTS + "KernelsTest.OptionsReachTheKernel"),
    "source-order": ("mask_dims are linearised in the order listed", KERNEL_SOURCE,
                     "llvm::interleaveComma(maskDims, os);",
                     "llvm::sort(maskDims);\n    llvm::interleaveComma(maskDims, os);",
                     CAPI_TESTS + "KernelsTest.MaskDimsAreInTheOrderListed"),
    "injective": ("no two elements of out share memory", CALL_CHECKS, "if (stride < span)\n      return false;",
                  "if (stride == 0)\n      return false;", CAPI_TESTS + "KernelsTest.OverlapIsDecidedExactly"),
    "overlap-none": ("out is x itself or apart from it", CALL_CHECKS, "!isSameView(x, y) && mayOverlap(x, y)", "false",
                     PYTHON + "test_layouts.py::test_any_two_views"),
    "overlap-same": ("out may be x itself", CALL_CHECKS, "!isSameView(x, y) && mayOverlap(x, y)", "mayOverlap(x, y)",
                     PYTHON + "test_layouts.py::test_same_view_as_out"),
    "overlap-sign": ("views may go backwards", CALL_CHECKS, "if (array == &b && stride > 0)", "if (array == &b && stride < 0)",
                     CAPI_TESTS + "KernelsTest.OverlapIsDecidedExactly"),
    "overlap-count": ("views that interlock are apart", CALL_CHECKS, "std::min(term.count - 1, sum / term.stride)",
                      "sum / term.stride", CAPI_TESTS + "KernelsTest.OverlapIsDecidedExactly"),
    "overlap-all": ("views that interlock are apart", CALL_CHECKS, "return canAddUpTo(terms, sum, budget);",
                    "return canAddUpTo(terms, sum, budget) || true;", PYTHON + "test_layouts.py::test_interlocked"),
    "plan-slice": ("a slice lies inside the whole", CALL_CHECKS, "first > full || size > full - first",
                   "first > full || size > full",
                   CAPI_TESTS + "KernelsTest.RefusesArguments"),
    "plan-alignment": ("memory that is not aligned is refused", CALL_CHECKS,
                       "if (uintptr_t(array.data) % size != 0 && !empty)",
                       "if (false)", CAPI_TESTS + "KernelsTest.RefusesArrays"),
    "plan-rank": ("at most 16 dims that do not merge", PLAN, "if (plan.dims.size() > kMaxKernelRank)",
                  "if (plan.dims.size() > kMaxKernelRank + 1)", CAPI_TESTS + "KernelsTest.RefusesArrays"),
    "draw-first": ("what is refused draws nothing", KERNELS,
                   "  if (llvm::Error error = checkCall(call))\n    return error;\n  auto values",
                   "  if (call.draw)\n    if (llvm::Error error = call.draw(call))\n      return error;\n"
                   "  call.draw = nullptr;\n  if (llvm::Error error = checkCall(call))\n    return error;\n"
                   "  auto values", CAPI_TESTS + "KernelsTest.RefusesArguments"),
    "draw-empty": ("an op consumes one offset whatever its shape", KERNELS, "if (call.draw)\n    if (llvm::Error",
                   "if (call.draw && values->plan.numElements)\n    if (llvm::Error",
                   PYTHON + "test_generator.py::test_draws"),
    "draw-mask": ("values and mask are of one draw", KERNELS, "prepared->call.offset = call.offset;", "",
                  PYTHON + "test_generator.py::test_draws"),
    "mask-beside": ("the mask of channels has their default dims", KERNELS, "maskCall.maskDims = channelDims;",
                    "(void)channelDims;", CAPI_TESTS + "KernelsTest.MaskBesideValues"),
    "slice-position": ("same bits for any thread count", KERNELS, "dim.position += first;", "",
                       PYTHON + "test_threads.py::test_same_bits"),
    "slice-address": ("threads share any layout", KERNELS, "first * stride * int64_t(elementSize)",
                      "first * (stride ? 1 : 0) * int64_t(elementSize)",
                      PYTHON + "test_threads.py::test_cut_along_any_dim"),
    "slice-end": ("nothing is written behind an array", KERNELS, "std::min(cut.step, dim.size - first)", "cut.step",
                  PYTHON + "test_threads.py::test_same_bits"),
    "tiles-threads": ("no tile is lost", KERNELS, "int64_t last = first + share + (slice < rest ? 1 : 0);",
                     "int64_t last = first + share;", PYTHON + "test_layouts.py::test_large_strided"),
    "tiles-position": ("a slice keeps the big tensor's indices", TILES, "planDim.position + begins[index]",
                      "begins[index]", PYTHON + "test_layouts.py::test_across_the_mask"),
    "tiles-full": ("strides are those of the whole", TILES, "dim->full *= planDim.full;", "dim->full *= planDim.size;",
                  PYTHON + "test_layouts.py::test_across_the_mask"),
    "tiles-edge": ("nothing is written behind a row", TILES, "rows = std::min(size, dim.size - begins[index]);",
                  "rows = size;", PYTHON + "test_layouts.py::test_across_the_mask"),
    "tiles-stride": ("any strided layout works", TILES, "source += begins[index] * dim.sourceStride;",
                    "source += begins[index] * dim.destinationStride;",
                    PYTHON + "test_layouts.py::test_across_the_mask"),
    "tiles-square": ("tiles are transposed", TILES, "int(index / 2 + (index % 2) * kSide)",
                     "int(index / 2 + (1 - index % 2) * kSide)",
                     PYTHON + "test_layouts.py::test_across_the_mask"),
    "tiles-strip": ("columns behind the last square are copied", TILES, "copyWords(row, row + side, squares * side);",
                    "", PYTHON + "test_layouts.py::test_across_the_mask"),
    "tiles-rest": ("rows behind the last square are copied", TILES, "copyWords(row, rows, 0);", "",
                   PYTHON + "test_layouts.py::test_across_the_mask"),
    "tiles-whole-rows": ("a slice of rows is none of whole ones", TILES,
                         "dims[1].position == 0 && dims[1].full == rows", "dims[1].position == 0",
                         PYTHON + "test_layouts.py::test_across_the_mask"),
    "tiles-kind": ("tiles have the values of their kind", TILES, "isAlpha ? KernelKind::Alpha : KernelKind::Element",
                  "KernelKind::Element", PYTHON + "test_layouts.py::test_across_the_mask"),
    "slice-count": ("no slice is lost", KERNELS, "unsigned(llvm::divideCeil(dim.size, step))",
                    "unsigned(dim.size / step)",
                    PYTHON + "test_threads.py::test_same_bits"),
    "slice-cut": ("arrays of 4 MiB are shared", KERNELS, "bytes < minSharedBytes)", "bytes <= minSharedBytes)",
                  PYTHON + "test_threads.py::test_threads_are_used"),
    "pool-fork": ("a child of fork has threads of its own", "lib/Kernels/Slices.cpp", "[] { currentPool = nullptr; }",
                  "[] {}", PYTHON + "test_processes.py::test_fork"),
    "gate-fork": ("fork waits for the compiler", "lib/ExecutionEngine/ForkGate.cpp",
                  "if (depth++ == 0)\n    pthread_rwlock_rdlock(getLock());\n}\n\nForkGate::~ForkGate() {\n"
                  "  if (--depth == 0)\n    pthread_rwlock_unlock(getLock());",
                  "++depth;\n}\n\nForkGate::~ForkGate() {\n  --depth;",
                  PYTHON + "test_processes.py::test_fork_with_threads_inside"),
    "gate-child": ("a child of fork compiles", "lib/ExecutionEngine/ForkGate.cpp", "[] { initialize(getLock()); }",
                   "[] {}", PYTHON + "test_processes.py::test_fork"),
    "compiled-twice": ("a kernel that several threads want at once is compiled once", KERNEL_TABLE,
                       "  if (const CompiledFunction *kernel = lookup(bucket, key))\n"
                       "    return *kernel; // Compiled while we waited.\n", "",
                       CAPI_TESTS + "KernelsTest.ManyCallers"),
    "kernel-file-cache": ("kernels come from the file cache", KERNEL_TABLE, "{}, table.cache.get());", "{}, nullptr);",
                          PYTHON + "test_kernels.py::test_file_cache"),
    # The C API
    "capi-slot": ("the slot keeps the first error", CAPI + "Status.h", "if (status == DROPOUT_OK)\n      return;\n"
                  "    dropoutClearStatus();", "if (status != -1)\n      return;\n    dropoutClearStatus();",
                  CAPI_TESTS + "KernelsTest.ErrorsStayInTheSlot"),
    "capi-training": ("nonzero is training", CAPI + "Kernels.cpp", "parameters->training != 0",
                      "parameters->training == 1",
                      CAPI_TESTS + "KernelsTest.OptionsReachTheKernel"),
    "capi-drawn-mode": ("the draw sets the mode", CAPI + "Kernels.cpp", "call.training = training != 0;", "",
                        CAPI_TESTS + "KernelsTest.DrawsOnce"),
    "capi-position": ("both a position and a full shape, or neither", CAPI + "Kernels.cpp",
                      "if (!parameters->position != !parameters->fullShape)", "if (false)",
                      CAPI_TESTS + "KernelsTest.RefusesArguments"),
    "capi-owner": ("results are the caller's", CAPI + "ExecutionEngine.cpp", "value.owner = result.releaseMemory();",
                   "",
                   CAPI_TESTS + "ProgramTest.Call"),
    "capi-strides": ("a result has its strides", CAPI + "ExecutionEngine.cpp",
                     "value.array.strides = value.sizesAndStrides + maxResultRank;",
                     "value.array.strides = value.sizesAndStrides;", CAPI_TESTS + "ProgramTest.Call"),
    "capi-dynamic": ("-1 is a size that the caller chooses", CAPI + "ExecutionEngine.cpp",
                     "ShapedType::kDynamic, int64_t(-1)", "ShapedType::kDynamic, int64_t(0)",
                     CAPI_TESTS + "ProgramTest.Types"),
    "capi-line": ("the slot keeps a line", CAPI + "ExecutionEngine.cpp", "StringRef(text).split('\\n').first", "text",
                  CAPI_TESTS + "ProgramTest.RefusesPrograms"),
    "capi-level": ("options are checked", CAPI + "ExecutionEngine.cpp", "options->optimizationLevel > 3", "false",
                   CAPI_TESTS + "ProgramTest.RefusesPrograms"),
    # The Python package
    "python-strides": ("buffers without strides are in C order", PYTHON_SOURCE + "Arrays.cpp",
                       "buffer.strides ? buffer.strides[dim] : inOrder", "buffer.strides[dim]",
                       PYTHON + "test_arrays.py::test_buffers"),
    "python-negated": ("a tensor is what torch reads", PYTHON_SOURCE + "Arrays.cpp",
                       "if (isNeg.call(object).ptr() == Py_True)", "if (false)",
                       PYTHON + "test_arrays.py::test_torch_refused"),
    "python-order": ("the other byte order is refused", PYTHON_SOURCE + "Arrays.cpp",
                     "if (isNative.of(dtype).ptr() != Py_True)", "if (false)", PYTHON + "test_errors.py::test_arrays"),
    "python-swapped": ("the other byte order is refused", PYTHON_SOURCE + "Arrays.cpp",
                       "*format == '@' || *format == '='", "*format == '>' || *format == '@' || *format == '='",
                       PYTHON + "test_errors.py::test_arrays"),
    "python-device": ("memory of another device is refused", PYTHON_SOURCE + "Arrays.cpp",
                      "if (number != nb::device::cpu::value)", "if (false)",
                      PYTHON + "test_arrays.py::test_dlpack_refused"),
    "python-write-count": ("a refused call is no write", PYTHON_SOURCE + "Functions.cpp",
                           "call.run(&source, source.get(), maskArray, source);\n    noteWritten(source);",
                           "noteWritten(source);\n    call.run(&source, source.get(), maskArray, source);",
                           PYTHON + "test_arrays.py::test_refusals_are_no_writes"),
    "torch-aligned": ("tensors may lie at any address", PACKAGE + "torch/_kernel.py",
                      "if not any(t is not None and t.data_ptr() % t.element_size() for t in (x, out)):", "if True:",
                      PYTHON + "test_torch_random.py::test_tensors_that_lie_anywhere"),
    "torch-late-draw": ("a draw that fails leaves autograd alone", PACKAGE + "torch/_training.py",
                        "_check_in_place(x, grad)\n    if generator", "increment_version(x.detach())\n    if generator",
                        PYTHON + "test_torch_random.py::test_a_generator_that_refuses"),
    "torch-jit": ("patch names what it leaves alone", PACKAGE + "torch/_patch.py", "if scripted:", "if False:",
                  PYTHON + "test_torch_patch.py::test_compiled_by_jit_is_left_alone_with_a_warning"),
    "torch-generators": ("only generators are replayed", PACKAGE + "torch/_checkpoint.py",
                         "if not all(callable(getattr(generator, \"set_state\", None)) for generator in found):",
                         "if False:",
                         PYTHON + "test_torch_random.py::test_checkpoint_refuses_what_are_no_generators"),
    "python-copied": ("a copy is no memory to write to", PYTHON_SOURCE + "Arrays.cpp", "header->flags & copiedFlag",
                      "false", PYTHON + "test_arrays.py::test_dlpack_versions"),
    "python-dlpack-2": ("capsules of another layout are refused", PYTHON_SOURCE + "Arrays.cpp",
                        "header->major != knownMajor", "false", PYTHON + "test_arrays.py::test_dlpack_versions"),
    "python-exporter": ("an interrupt of the user is not an array's refusal", PYTHON_SOURCE + "Arrays.cpp",
                        "if (!error.matches(PyExc_Exception) || error.matches(PyExc_MemoryError)) {", "if (false) {",
                        PYTHON + "test_arrays.py::test_dlpack_refused"),
    "python-mask-library": ("masks are the caller's kind of array", PYTHON_SOURCE + "Functions.cpp",
                            "finishArray(std::move(mask), source)", "mask",
                            PYTHON + "test_arrays.py::test_mask_of_other_libraries"),
    "python-writable": ("read-only arrays are not written", PYTHON_SOURCE + "Arrays.cpp",
                        "flags |= PyBUF_WRITABLE;", "flags |= 0;", PYTHON + "test_errors.py::test_out"),
    "python-masked": ("an array with a mask of its own is refused", PYTHON_SOURCE + "Arrays.cpp",
                      "isA(object, numpy.maskedArrayType))", "false)", PYTHON + "test_errors.py::test_arrays"),
    "python-grad": ("a tensor that needs a gradient is refused", PYTHON_SOURCE + "Arrays.cpp", "if (!gradient)",
                    "if (gradient || !gradient)", PYTHON + "test_arrays.py::test_torch_refused"),
    "python-version": ("torch knows what was written to", PYTHON_SOURCE + "Arrays.cpp",
                       "noteWritten(const ArrayArgument &array) {\n  if (array.getLibrary() == Library::Torch)",
                       "noteWritten(const ArrayArgument &array) {\n  if (false)",
                       PYTHON + "test_arrays.py::test_torch"),
    "python-copy": ("a tensor in any layout is the same tensor", PYTHON_SOURCE + "Arrays.cpp",
                    "from + index * array.strides[dim] * size", "from + index * size",
                    PYTHON + "test_arrays.py::test_dlpack"),
    "python-release": ("buffers are given back", PYTHON_SOURCE + "Arrays.h", "PyBuffer_Release(this);", "(void)0;",
                       PYTHON + "test_errors.py::test_exceptions_in_the_middle"),
    "python-lock": ("the interpreter's lock is released", PYTHON_SOURCE + "Functions.cpp",
                    "Unlocked unlocked;\n  if (operation == Forward)", "if (operation == Forward)",
                    PYTHON + "test_threads.py::test_lock_is_released"),
    "python-exit": ("daemon threads do not abort a process that ends", PYTHON_SOURCE + "Unlocked.h",
                    "for (;;)\n        pause();", "(void)&pause;",
                    PYTHON + "test_processes.py::test_exit_while_running"),
    "python-eval": ("a call in evaluation takes no offset", PYTHON_SOURCE + "Generator.cpp",
                    "if (*training)\n    ++offset;", "++offset;", PYTHON + "test_generator.py::test_draws"),
    "python-range": ("seeds out of range are refused", PYTHON_SOURCE + "Generator.cpp",
                     "uint64_t result = PyLong_AsUnsignedLongLong(number.ptr());",
                     "uint64_t result = PyLong_AsUnsignedLongLongMask(number.ptr());",
                     PYTHON + "test_generator.py::test_wrong_seeds"),
    "python-truth": ("a string is no truth", PYTHON_SOURCE + "Generator.cpp",
                     "if (!value.is_none() && number && number->nb_bool)", "(void)number;",
                     PYTHON + "test_errors.py::test_options"),
    "python-nul": ("names are not cut", PYTHON_SOURCE + "Generator.cpp", "std::strlen(text) != size_t(size)", "false",
                   PYTHON + "test_generator.py::test_named_generators"),
    "python-bf16": ("a number is rounded to bf16 once", PYTHON_SOURCE + "Program.cpp", "bits |= 1;", "",
                    PYTHON + "test_compile.py::test_scalars"),
    "python-width": ("an integer that does not fit is refused", PYTHON_SOURCE + "Program.cpp",
                     "small >= 1ll << width", "false", PYTHON + "test_compile.py::test_scalars"),
    "python-leak": ("results are freed", PYTHON_SOURCE + "Arrays.cpp",
                    "[](void *memory) noexcept { dropoutFree(memory); }", "[](void *) noexcept {}",
                    PYTHON + "test_leaks.py::test_compiled"),
    "scope-of-its-own": ("a scope restores after an exception", PYTHON_SOURCE + "Generator.cpp",
                         "offset = scopes.back().offset;", "", PYTHON + "test_scopes.py::test_seed_scope"),
    "backward-seed": ("backward needs the seed of its forward call", PACKAGE + "_functions.py",
                      "if seed is None or offset is None:", "if False:",
                      PYTHON + "test_generator.py::test_wrong_seeds"),
}


def find(text, old):
    """Where `old` stands in the source, however that is wrapped."""
    return [m.span() for m in re.finditer(r"\s*".join(map(re.escape, "".join(old.split()))), text)]


def split_test(test):
    """The file below test/ and, for a gtest executable, the filter; of a Python test the name."""
    path, _, tests = test.partition("::" if is_python(test) else ":")
    return path, tests


def is_python(test):
    return test.startswith(PYTHON)


def targets(test):
    """What to build before the test can run."""
    path, tests = split_test(test)
    if is_python(test):
        return ["DropoutPython", "dropout-opt", "dropout-run"]
    if tests:
        return [pathlib.PurePath(path).name]
    if path.startswith("Integration/"):
        return ["dropout-opt", "dropout-run", "DropoutRuntime"]
    return ["dropout-opt"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build", help="build tree (default: build)")
    parser.add_argument("--list", action="store_true", help="print the mutants and stop")
    parser.add_argument("--check", action="store_true",
                        help="only see that the text of every mutant stands in the source, and stop")
    parser.add_argument("names", nargs="*", help="mutants to run (default: all)")
    args = parser.parse_args()
    unknown = [n for n in args.names if n not in MUTANTS]
    if unknown:
        sys.exit(f"error: expected names of mutants (see --list), but got {', '.join(unknown)}")
    # Those of one file in a row: less to compile.
    names = sorted(args.names or MUTANTS, key=lambda name: MUTANTS[name][1])
    if args.list:
        for name in names:
            says, path, *_, test = MUTANTS[name]
            print(f"{name:22} {says} | {path} | {test}")
        return

    # Nothing is stale.
    errors = []
    for name in names:
        _, path, old, new, test = MUTANTS[name]
        count = len(find((ROOT / path).read_text(), old))
        if count != 1 or old == new:
            errors.append(f"{name}: expected its text once in {path}, but got it {count} times")
        file, tests = split_test(test)
        if (not tests or is_python(test)) and not (ROOT / "test" / file).is_file():
            errors.append(f"{name}: expected a test file, but got {file}")
        if is_python(test) and f"\ndef {tests}(" not in (ROOT / "test" / file).read_text():
            errors.append(f"{name}: expected a test of {file}, but got {tests}")
    if errors:
        sys.exit("error: " + "\nerror: ".join(errors))
    if args.check:
        return

    build = (ROOT / args.build).resolve()
    cache = (build / "CMakeCache.txt").read_text()
    found = re.search(r"^LLVM_EXTERNAL_LIT:\w+=(.+)$", cache, re.M)
    if not found:
        sys.exit(f"error: expected LLVM_EXTERNAL_LIT in {build}/CMakeCache.txt, but got none")
    lit = found[1]
    found = re.search(r"^Python_EXECUTABLE:\w+=(.+)$", cache, re.M)
    if not found and any(is_python(MUTANTS[name][-1]) for name in names):
        sys.exit(f"error: expected Python_EXECUTABLE in {build}/CMakeCache.txt, but got none")
    python = found and found[1]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

    def compiles(wanted):
        return subprocess.run(["ninja", "-C", build, *wanted], capture_output=True, text=True)

    def red(test):
        path, tests = split_test(test)
        if is_python(test):
            command = [python, "-m", "pytest", "-q", "-x", f"{ROOT}/test/{test}"]
        elif tests:
            command = [build / "test" / path, "--gtest_brief=1", f"--gtest_filter={tests}"]
        else:
            command = [lit, "-q", build / "test" / path]
        environment = {**os.environ, "DROPOUT_BUILD": str(build), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
                       "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            return subprocess.run(command, capture_output=True, timeout=LIMIT, env=environment).returncode != 0
        except subprocess.TimeoutExpired:
            return True

    # The code as it is: everything builds, every filter means some test, and every test is green.
    tests_named = sorted({MUTANTS[name][-1] for name in names})
    done = compiles(sorted({target for test in tests_named for target in targets(test)}))
    if done.returncode:
        sys.exit("error: expected the code as it is to build, but got\n" + done.stdout[-2000:])
    for number, test in enumerate(tests_named, 1):
        start = time.time()
        path, tests = split_test(test)
        listing = [build / "test" / path, "--gtest_list_tests", f"--gtest_filter={tests}"]
        if tests and not is_python(test) and not subprocess.run(listing, capture_output=True).stdout.strip():
            sys.exit(f"error: expected tests, but got none of {test}")
        if red(test):
            sys.exit(f"error: expected {test} to pass on the code as it is, but it fails")
        print(f"[{number}/{len(tests_named)}] {test} is green ({time.time() - start:.0f} s)", flush=True)

    survivors = []
    for number, name in enumerate(names, 1):
        says, path, old, new, test = MUTANTS[name]
        source = ROOT / path
        text = source.read_text()
        start = time.time()
        (begin, end), = find(text, old)
        try:
            source.write_text(text[:begin] + new + text[end:])
            done = compiles(targets(test))
            if done.returncode:
                verdict = "DOES NOT COMPILE\n" + done.stdout[-2000:]
            else:
                verdict = "killed" if red(test) else "SURVIVED"
        finally:
            source.write_text(text)
        if verdict != "killed":
            survivors.append(name)
        print(f"[{number}/{len(names)}] {name}: {verdict} by {test} ({time.time() - start:.0f} s): {says}",
              flush=True)
    compiles(sorted({target for test in tests_named for target in targets(test)}))
    print(f"{len(names) - len(survivors)} of {len(names)} mutants killed")
    if survivors:
        sys.exit("not killed: " + ", ".join(survivors))


main()
