# RUN: %python %s
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Compiled code gives the answers that docs/DropoutDialect.md prints: keep
# bits, ties, counts and CRC-32 of the first 2^20 elements. The numbers compared
# with are those of the document; the oracle only says where to look. It also
# runs the oracle's own self-test, on which all the other tests rest.

import os, sys, zlib
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
sys.dont_write_bytecode = True
import numpy as np
import oracle
from harness import LOWERINGS, Batch, check, done, fp, run

with np.errstate(all="ignore"):
    oracle.self_test()

# The 32 printed bits: as a mask, through the result of an op, and as zeros of
# the values; at the printed first element of a bigger whole.
lines, names, want = [], [], []
seeds = sorted({v for row in oracle.BITS32 for v in row[:2]})
const = {s: f"%c{k}" for k, s in enumerate(seeds)}
for k, (seed, offset, first, p, rounds, resolution, bits) in enumerate(oracle.BITS32):
    tail = f"p = {p} rounds = {rounds} resolution = {resolution} rng({const[seed]}, {const[offset]}) at [{first}] of [{2**40}]"
    lines += [f"%m{k} = dropout.mask {tail} : tensor<32xi1>",
              f"%y{k}, %n{k} = dropout.alpha %x {tail} : tensor<32xf32>, tensor<32xi1>",
              f"%e{k} = dropout.element %x {tail} : tensor<32xf32>"]
    names += [(f"%m{k}", "i1"), (f"%n{k}", "i1"), (f"%e{k}", "f32")]
    want += [bits] * 3
types = ", ".join(f"tensor<32x{t}>" for _, t in names)
text = f"""func.func @f(%x: tensor<32xf32>, {', '.join(f'{c}: i64' for c in const.values())}) -> ({types}) {{
  {chr(10).join('  ' + l for l in lines)}
  return {', '.join(n for n, _ in names)} : {types}
}}
"""
for lowering in LOWERINGS:
    out = run(text, [np.ones(32, np.float32), *seeds], len(names), "known answers", lowering=lowering)
    for got, bits, (name, _) in zip(out, want, names):
        got = "".join("1" if v else "0" for v in got)
        check(got == bits, f"{name} [{lowering}]: got {got}, the contract says {bits}\n  {run.last}")

# Ties, and 2^20 elements: three masks in one function, as bytes.
body = "\n".join(f"  dropout.mask into %m{k} p = {p} rng(%s{k}, %o{k}) : memref<1048576xi1>"
                 for k, (_, _, p, _, _) in enumerate(oracle.CRCS))
text = "func.func @f(" + ", ".join(f"%m{k}: memref<1048576xi1>, %s{k}: i64, %o{k}: i64" for k in range(3)) + f""") {{
{body}
  return
}}
"""
for lowering in LOWERINGS:
    inputs = [v for seed, offset, *_ in oracle.CRCS for v in (np.zeros(2**20, bool), seed, offset)]
    out = run(text, inputs, 3, "first 2^20 elements", lowering=lowering)
    for got, (seed, offset, p, kept, crc) in zip(out, oracle.CRCS):
        raw = got.view(np.uint8)
        check(raw.max() <= 1, f"a mask byte is {raw.max()} [{lowering}]")
        say = f"seed {seed} offset {offset} p {p} [{lowering}]"
        check(int(raw.sum()) == kept, f"{say}: {int(raw.sum())} kept, the contract says {kept}\n  {run.last}")
        check(f"{zlib.crc32(raw.tobytes()):08x}" == crc, f"{say}: CRC-32 is not {crc}\n  {run.last}")
    ties = [int(out[0][i]) for i in oracle.TIES]
    check(ties == [0, 0, 0, 1], f"the tied elements {oracle.TIES} are {ties} [{lowering}]")
done()
