#!/usr/bin/env python3
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Breaks the code on purpose, one sentence of the contract at a time, and shows
# that a named test turns red. Each mutant compiles; the source is restored
# afterwards, whatever happens. Not part of the suite: 25 seconds a mutant.
#
#   test/mutate.py [--build DIR] [--list] [NAME...]

import argparse
import pathlib
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
EMITTER = "lib/Conversion/Utils/KeepBitEmitter.cpp"
LOWERING = "lib/Conversion/Utils/DropoutLowering.cpp"
CONTRACT = "lib/Dialect/Dropout/IR/DropoutContract.cpp"
OPS = "lib/Dialect/Dropout/IR/DropoutOps.cpp"
FOLDS = "lib/Dialect/Dropout/IR/DropoutFolds.cpp"
VERIFIER = "lib/Dialect/Dropout/IR/DropoutVerifier.cpp"
ARITH = "lib/Conversion/DropoutToArith/DropoutToArith.cpp"
AFFINE = "lib/Conversion/DropoutToAffine/DropoutToAffine.cpp"
LINALG = "lib/Conversion/DropoutToLinalg/DropoutToLinalg.cpp"
INLINE = "lib/Conversion/DropoutToLinalg/InlineMask.cpp"
TRANSFORMS = "lib/Dialect/Dropout/Transforms/"
RUNTIME = "lib/Runtime/"

KNOWN, VALUES, SHAPES = (f"Integration/CPU/{n}.py" for n in ("known-answers", "values", "shapes"))
INDICES, RELATIONS, MEMORY = (f"Integration/CPU/{n}.py" for n in ("indices", "relations", "memory"))
IMPLICIT, BAD = (f"Integration/CPU/{n}.py" for n in ("implicit", "bad-input"))
GTEST = "gtest"

# name: (what the contract says, file, old text, new text, test that must fail)
MUTANTS = {
    # Mask contract
    "rounds-nine": ("R = 10 by default", EMITTER,
                    "round < parameters.rounds", "round + 1 < parameters.rounds", KNOWN),
    "key-schedule": ("the key is bumped each round", EMITTER,
                     "if (round != 0) {", "if (round > 1) {", KNOWN),
    "multiplier": ("Philox4x32", EMITTER, "0xD2511F53", "0xD2511F51", KNOWN),
    "key-halves": ("the key is (lo32(seed), hi32(seed))", EMITTER,
                   "auto [k0, k1] = split(parameters.seed)",
                   "auto [k1, k0] = split(parameters.seed)", KNOWN),
    "offset-high": ("all 64 bits of the offset are in the counter", EMITTER,
                    "SmallVector<Value, 4> counter = {c0, c1, c2, c3};",
                    "SmallVector<Value, 4> counter = {c0, c1, c2, c2};", KNOWN),
    "offset-ignored": ("the offset is in the counter", EMITTER,
                       "split(parameters.offset)", "split(constantI64(7))", KNOWN),
    "block-32-bit": ("the index is 64-bit", EMITTER,
                     "auto [c0, c1] = split(block);",
                     "auto [c0, c1] = split(arith::AndIOp::create(builder, loc, block, "
                     "constantI64(0xffffffff)));", KNOWN),
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
                    "scf::YieldOp::create(builder, loc, above);", KNOWN),
    "compare-strict": ("element i is kept iff u(i) >= T(p)", EMITTER,
                       "arith::CmpIPredicate::uge, wide", "arith::CmpIPredicate::ugt, wide",
                       INDICES),
    "keep-inverted": ("kept iff u >= T", EMITTER,
                      "arith::CmpIPredicate::ugt,\n                                      draw, top",
                      "arith::CmpIPredicate::ult,\n                                      draw, top", KNOWN),
    "threshold-truncated": ("T(p) = roundeven(p * 2^32)", CONTRACT,
                            "std::nearbyint(p * 4294967296.0)", "std::floor(p * 4294967296.0)", GTEST),
    "threshold-clamp-low": ("T is clamped to [1, 2^32 - 1]", CONTRACT,
                            "std::clamp(scaled, 1.0,", "std::clamp(scaled, 0.0,", GTEST),
    "threshold-clamp-high": ("T = 2^32 only for p = 1", CONTRACT,
                             "scaled, 1.0, 4294967295.0", "scaled, 1.0, 4294967296.0", GTEST),
    "runtime-threshold": ("T(p) of a run-time p is the same", LOWERING,
                          "b.constant(resolution == 8 ? 256.0 : 4294967296.0)",
                          "b.constant(resolution == 8 ? 256.0 : 4294967295.0)", VALUES),
    "runtime-clamp": ("T of a tiny run-time p is 1", LOWERING,
                      "clamped, b.constantInt(1)", "clamped, b.constantInt(0)",
                      "Conversion"),
    "resolution-byte": ("byte i mod 16, low byte first", EMITTER,
                        "constantI32(parameters.resolution == 8 ? 0xff : 0xffff)",
                        "constantI32(parameters.resolution == 8 ? 0x7f : 0xffff)", KNOWN),
    "resolution-constants": ("every constant uses p = k/256", CONTRACT,
                             "return resolution == 8 ? std::nearbyint(p * 256.0) / 256.0 : p;",
                             "return p;", GTEST),
    "rounds-ignored": ("rounds = 7 is stated on the op", ARITH,
                       "draw.rounds = op.getRounds();", "draw.rounds = 10;", KNOWN),
    # Position
    "position-ignored": ("a slice keeps the big tensor's indices", OPS,
                         "  if (op.hasPosition())\n"
                         "    return getMixedValues(op.getStaticOffsetsAttr()",
                         "  if (false)\n    return getMixedValues(op.getStaticOffsetsAttr()", RELATIONS),
    "stride-of-tile": ("strides are those of the whole", LOWERING,
                       "op.getMixedPositionSizes(builder);\n  parameters.strides",
                       "op.getMixedShape(builder);\n  parameters.strides", RELATIONS),
    "mask-dims-order": ("mask_dims are linearised in the order listed", LOWERING,
                        "llvm::reverse(maskDims)", "maskDims", SHAPES),
    "default-mask-dims": ("the default mask_dims is [0, 1]", OPS,
                          "return {0, 1};", "return {1, 0};", SHAPES),
    "tile-position": ("tiling keeps the mask", TRANSFORMS + "TilingInterfaceImpl.cpp",
                      "position.push_back(addIndices(builder, loc, start, offset));",
                      "position.push_back(start);", "Dialect/Dropout/tiling.mlir"),
    "window-shift": ("rows that start inside a block", EMITTER,
                     "constant(i128, 127), down", "constant(i128, 126), down", SHAPES),
    "row-aligned": ("one mask for every lowering", AFFINE,
                    "if (!isMultiple(parameters.base))\n      return false;", "", RELATIONS),
    "block-loop-start": ("one mask for every row length", ARITH,
                         "constant(perBlock - 1)), shift);", "constant(0)), shift);", SHAPES),
    # Values
    "scale": ("kept: x * 1/(1-p)", CONTRACT, "return 1.0 / (1.0 - p);", "return 1.0 / (1.0 + p);", GTEST),
    "multiply-not-select": ("select, never multiply", LOWERING,
                            "  Value y = arith::SelectOp::create(builder, loc, keep, kept,\n"
                            "                                    parameters.dropped);",
                            "  Value y = kept;\n  if (parameters.map == ValueMap::Affine)\n"
                            "    y = arith::SelectOp::create(builder, loc, keep, kept, parameters.dropped);\n"
                            "  else\n    y = arith::MulFOp::create(builder, loc, kept, "
                            "arith::UIToFPOp::create(builder, loc, element, keep));", VALUES),
    "fma-split": ("kept: fma(a, x, b)", LOWERING,
                  "    kept = math::FmaOp::create(builder, loc, parameters.factor, wide,\n"
                  "                               parameters.summand);",
                  "    kept = arith::AddFOp::create(builder, loc, arith::MulFOp::create(builder, loc, "
                  "parameters.factor, wide), parameters.summand);", VALUES),
    "alpha-dropped": ("dropped: d = a * alpha' + b", CONTRACT,
                      "a * kAlphaPrime + b;", "a * kAlphaPrime;", GTEST),
    "alpha-variance": ("v = q + ((alpha' * alpha') * q) * p", CONTRACT,
                       "double v = q + ((kAlphaPrime * kAlphaPrime) * q) * p;",
                       "double v = q + ((kAlphaPrime * kAlphaPrime) * q) * q;", GTEST),
    "alpha-runtime": ("b = -((a * p) * alpha')", LOWERING,
                      "b.mul(b.mul(a, p), alphaPrime)", "b.mul(b.mul(a, q), alphaPrime)", VALUES),
    "alpha-at-one": ("p = 1 gives +0 everywhere", CONTRACT,
                     "p == 1.0 ? 0.0 : a * kAlphaPrime + b", "a * kAlphaPrime + b", GTEST),
    "gradient-affine": ("gradient of alpha: dy * a, dropped +0", OPS,
                        "return isAlpha(kind) ? ValueMap::AffineGradient : ValueMap::Scale;",
                        "return isAlpha(kind) ? ValueMap::Affine : ValueMap::Scale;", VALUES),
    "active-ignored": ("eval is x, bit for bit", LOWERING,
                       "  if (parameters.active)\n    y =", "  if (false)\n    y =", VALUES),
    "training-ignored": ("eval is the identity", LOWERING,
                         "value.active = b.both(training, value.active);", "(void)training;", VALUES),
    "mask-in-eval": ("a mask is 1 everywhere in eval", LOWERING,
                     "b.select(training, draw.threshold, b.constantInt(0))", "draw.threshold", RELATIONS),
    "constant-rounding": ("constants are computed in f64 and rounded once", LOWERING,
                          "value.factor = rounded(getScale(p), compute);",
                          "value.factor = rounded(static_cast<float>(1.0f / (1.0f - static_cast<float>(p))), compute);",
                          VALUES),
    "compute-type": ("f16 and bf16 compute in f32", LOWERING,
                     "return element.isF64() ? element : Float32Type::get(element.getContext());",
                     "return element;", VALUES),
    "nan-p": ("an unchecked invalid p acts as p = 1", LOWERING,
              "p = b.select(valid, p, b.constant(1.0));", "(void)valid;", "Conversion"),
    # Folds and verifiers
    "fold-eval-implicit": ("implicit ops are not folded", FOLDS,
                           "if (op.isImplicit() || op.isMemRefForm() || op->getNumResults() != 1)\n    return failure();\n  Outcome",
                           "if (op.isMemRefForm() || op->getNumResults() != 1)\n    return failure();\n  Outcome",
                           "Dialect/Dropout/canonicalize-implicit.mlir"),
    "fold-p-one": ("p = 1 folds only in training", FOLDS,
                   "if (p == 1.0 && training == true)", "if (p == 1.0)", "Dialect/Dropout/canonicalize.mlir"),
    "backward-fold-alpha": ("backward of alpha is not the forward op", FOLDS,
                            "if (op.getValueMap() != ValueMap::Scale)\n      return failure();\n    StringRef",
                            "StringRef", RELATIONS),
    "verifier-p": ("p is in [0, 1], NaN refused", VERIFIER,
                   "if (!isProbability(value)) // [P2]", "if (value > 1.0) // [P2]",
                   "Dialect/Dropout/element-errors.mlir"),
    "verifier-version": ("unknown contract versions are refused", VERIFIER,
                         "if (version != kContractVersion) // [O3]", "if (version > 2) // [O3]",
                         "Dialect/Dropout/element-errors.mlir"),
    "verifier-dims": ("mask_dims are distinct", VERIFIER,
                      "if (seen.test(dim)) // [D1]", "if (false) // [D1]",
                      "Dialect/Dropout/channel-errors.mlir"),
    # State
    "materialize-order": ("an op takes the flag it states", TRANSFORMS + "MaterializeState.cpp",
                          "op.getGeneratorAttr(),\n                          op.getTraining());",
                          "op.getGeneratorAttr(),\n                          Value());", IMPLICIT),
    "generator-name": ("a named generator is its own", TRANSFORMS + "MaterializeState.cpp",
                       "ReserveOp::create(builder, op.getLoc(), op.getGeneratorAttr(),",
                       "ReserveOp::create(builder, op.getLoc(), StringAttr(),", IMPLICIT),
    "specialize-eval": ("eval erases", TRANSFORMS + "SpecializeMode.cpp",
                        "if (train)\n        masked", "if (true)\n        masked",
                        "Dialect/Dropout/specialize-mode.mlir"),
    "check-missing": ("p at run time is checked", TRANSFORMS + "CheckProbabilities.cpp",
                      "op.getPValueMutable().assign(checked);", "(void)checked;", "Dialect/Dropout/check-probabilities.mlir"),
    "speculate-unchecked": ("an op with an unchecked p is not speculatable", OPS,
                            "if (!p.getDefiningOp<CheckPOp>())", "if (false)", "Dialect/Dropout/effects.mlir"),
    "implicit-pure": ("an implicit op touches the runtime", OPS,
                      "  if (op.isImplicit()) {\n    effects", "  if (false) {\n    effects",
                      "Dialect/Dropout/canonicalize-implicit.mlir"),
    "in-place": ("in place only where legal", TRANSFORMS + "BufferizableOpInterfaceImpl.cpp",
                 "if (!analysis.isInPlace(source))", "if (false)", MEMORY),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build", help="build tree (default: build)")
    parser.add_argument("--list", action="store_true", help="print the mutants and stop")
    parser.add_argument("names", nargs="*", help="mutants to run (default: all)")
    args = parser.parse_args()
    unknown = [n for n in args.names if n not in MUTANTS]
    if unknown:
        sys.exit(f"error: expected names of mutants (see --list), but got {', '.join(unknown)}")
    if args.list:
        for name, (says, path, *_, test) in MUTANTS.items():
            print(f"{name:24} {says} | {path} | {test}")
        return
    build = (ROOT / args.build).resolve()
    lit = next((p for p in ("/usr/lib/llvm-22/bin/lit",) if pathlib.Path(p).exists()), "lit")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

    def compiles():
        return subprocess.run(["ninja", "-C", build, "dropout-opt", "dropout-run", "DropoutUnitTests"],
                              capture_output=True, text=True)

    def red(test):
        if test == GTEST:
            return any(subprocess.run([exe], capture_output=True).returncode
                       for exe in build.glob("test/Unit/*/*Tests"))
        paths = [str(build / "test" / test)]
        return subprocess.run([lit, "-q", *paths], capture_output=True).returncode != 0

    survivors = []
    names = args.names or list(MUTANTS)
    for number, name in enumerate(names, 1):
        says, path, old, new, test = MUTANTS[name]
        source = ROOT / path
        text = source.read_text()
        start = time.time()
        if text.count(old) != 1:
            survivors.append(name)
            print(f"[{number}/{len(names)}] {name}: STALE, {path} holds the text {text.count(old)} times")
            continue
        try:
            source.write_text(text.replace(old, new))
            done = compiles()
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
    compiles()
    print(f"{len(names) - len(survivors)} of {len(names)} mutants killed")
    if survivors:
        sys.exit("not killed: " + ", ".join(survivors))


main()
