# RUN: %python %s
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The implicit form: in training every op takes one offset, in program order,
# whatever its kind, shape, p or use; in eval none, and then x comes back bit for
# bit. training(%f) replaces the mode, loops and branches draw as often as they
# run, --state carries the generator to the next process, named generators move
# on their own, and reserve shows what an op would get.

import ctypes, glob, os, subprocess, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
sys.dont_write_bytecode = True
import numpy as np
import oracle
from harness import LOWERINGS, RUN, canary, check, done, execute, fail, path, random, refused, run, same, specials, typed, command, write

X = random((6, 10), "f32")
T = typed(X.shape, "f32")
FULL = 2**64 - 1


def kept(y):
    """Where an element op on X kept: X has no zeros."""
    return y != 0


def drawn(y, seed, offset, what, p=.5):
    same(y, oracle.apply("element", X, "f32", p, seed, offset)[0], "f32", what)


# ---- One offset per op, in program order. Unused, equal, p = 0, p = 1 and empty ops count too; explicit ones do not.
text = f"""func.func @f(%x: {T}, %e: tensor<0x3xf32>, %q: f64, %s: i64, %o: i64)
    -> ({T}, {T}, {T}, {T}, {T}, {T}, {T}, tensor<2x3xi64>) {{
  %t0, %s0, %o0 = dropout.reserve
  %y1 = dropout.element %x p = 0.5 : {T}
  %y2 = dropout.alpha %x p(%q) : {T}
  %unused = dropout.element %x p = 0.5 : {T}
  %y4 = dropout.element %x p = 0.5 : {T}
  %y5 = dropout.element %x p = 0.5 : {T}
  %y6 = dropout.element %x p = 0.0 : {T}
  %y7 = dropout.element %x p = 1.0 : {T}
  %y8 = dropout.element %e p = 0.5 : tensor<0x3xf32>
  %z = dropout.element %x p = 0.5 rng(%s, %o) : {T}
  %y9 = dropout.channel %x p = 0.5 rounds = 7 : {T}
  %y10 = dropout.feature_alpha %x p = 0.5 mask_dims = [1] resolution = 8 : {T}
  %t11, %s11, %o11 = dropout.reserve
  %i0 = arith.extui %t0 : i1 to i64
  %i11 = arith.extui %t11 : i1 to i64
  %r = tensor.from_elements %i0, %s0, %o0, %i11, %s11, %o11 : tensor<2x3xi64>
  return %y1, %y2, %y4, %y5, %y7, %y9, %y10, %r : {T}, {T}, {T}, {T}, {T}, {T}, {T}, tensor<2x3xi64>
}}
"""
ins = [X, np.zeros((0, 3), np.float32), .25, 1, 2]
for lowering in LOWERINGS:
    for seed, first in ((42, 7), (FULL, 2**32 - 4), (0, FULL - 5)):
        o = [(first + k) & FULL for k in range(12)]
        out = run(text, ins, 8, "implicit ops", lowering=lowering, flags=["--train", f"--seed={seed}", f"--offset={first}"])
        what = f"implicit ops, seed {seed} offset {first} [{lowering}]"
        drawn(out[0], seed, o[1], what + ": op 1")
        same(out[1], oracle.apply("alpha", X, "f32", .25, seed, o[2])[0], "f32", what + ": op 2, alpha")
        drawn(out[2], seed, o[4], what + ": op 4, after one that is unused")
        drawn(out[3], seed, o[5], what + ": op 5, equal to op 4")
        same(out[4], np.zeros_like(X), "f32", what + ": p = 1")
        same(out[5], oracle.apply("channel", X, "f32", .5, seed, o[9], rounds=7)[0], "f32", what + ": channel")
        same(out[6], oracle.apply("feature_alpha", X, "f32", .5, seed, o[10], dims=[1], resolution=8)[0], "f32", what + ": feature alpha")
        r = out[7].view(np.uint64).tolist()
        check(r == [[1, seed, o[0]], [1, seed, o[11]]], f"{what}: reserve gave {r}\n  {run.last}")
    out = run(text, [specials(X.shape, "f32"), *ins[1:]], 8, "eval", lowering=lowering, flags=["--eval", "--seed=42", "--offset=7"])
    for k, got in enumerate(out[:7]):
        same(got, specials(X.shape, "f32"), "f32", f"implicit op {k} in eval [{lowering}]")
    r = out[7].view(np.uint64).tolist()
    check([v[0] for v in r] == [0, 0] and r[0] == r[1] == [0, 42, 7], f"reserve in eval gave {r} [{lowering}]\n  {run.last}")

# ---- training(%f) replaces the mode; loops, branches and calls draw as often as they run; the memref form draws too.
text = f"""func.func private @twice(%x: {T}) -> ({T}, {T}) {{
  %a = dropout.element %x p = 0.5 : {T}
  %b = dropout.element %x p = 0.5 : {T}
  return %a, %b : {T}, {T}
}}
func.func @f(%x: {T}, %n: i64, %c: i1, %yes: i1, %no: i1, %m: memref<6x10xf32>, %w: memref<6x10xf32>)
    -> ({T}, {T}, {T}, {T}, {T}, {T}, {T}, {T}) {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %k = arith.index_cast %n : i64 to index
  %y0 = dropout.element %x p = 0.5 training(%yes) : {T}
  %y1 = dropout.element %x p = 0.5 training(%no) : {T}
  %y2 = dropout.element %x p = 0.5 : {T}
  %y3 = scf.for %i = %c0 to %k step %c1 iter_args(%v = %x) -> ({T}) {{
    %d = dropout.element %x p = 0.5 : {T}
    scf.yield %d : {T}
  }}
  %y4 = scf.if %c -> ({T}) {{
    %d = dropout.element %x p = 0.5 : {T}
    scf.yield %d : {T}
  }} else {{
    scf.yield %x : {T}
  }}
  %y5, %y6 = call @twice(%x) : ({T}) -> ({T}, {T})
  dropout.element %m into %w p = 0.5 : memref<6x10xf32>, memref<6x10xf32>
  dropout.element %m into %m p = 0.5 : memref<6x10xf32>, memref<6x10xf32>
  %y7 = dropout.element %x p = 0.5 : {T}
  return %y0, %y1, %y2, %y3, %y4, %y5, %y6, %y7 : {T}, {T}, {T}, {T}, {T}, {T}, {T}, {T}
}}
"""
for lowering in LOWERINGS:
    for mode in ("--train", "--eval"):
        for n, c in ((3, True), (1, False)):
            out = run(text, [X, n, c, True, False, X, canary(X.shape, "f32")], 10, "control flow", lowering=lowering,
                      flags=[mode, "--seed=5", "--offset=100"])
            next_offset, train = 100, mode == "--train"

            def draw(on):
                global next_offset
                got = next_offset
                next_offset += on
                return got if on else None

            want = [draw(True), draw(False), draw(train)]
            want.append([draw(train) for _ in range(n)][-1])
            want.append(draw(train) if c else None)
            want += [draw(train), draw(train)]
            into, inplace = draw(train), draw(train)
            want += [draw(train), inplace, into]
            for k, (got, o) in enumerate(zip(out, want)):
                what = f"control flow {mode} n {n} c {c}: value {k} [{lowering}]"
                same(got, X, "f32", what) if o is None else drawn(got, 5, o, what)

# ---- --state: what one process drew the next one does not draw again; eval moves nothing.
text = f"""func.func @f(%x: {T}) -> ({T}, {T}, tensor<2xi64>) {{
  %a = dropout.element %x p = 0.5 : {T}
  %b = dropout.element %x p = 0.5 : {T}
  %no = arith.constant false
  %t, %s, %o = dropout.reserve training(%no)
  %r = tensor.from_elements %s, %o : tensor<2xi64>
  return %a, %b, %r : {T}, {T}, tensor<2xi64>
}}
"""
for seed, first in ((11, 3), (FULL - 1, 2**63 + 5)):
    state, o = path("generator.state"), first
    for step in range(3):
        flags = [f"--state={state}"] + ([f"--seed={seed}", f"--offset={first}"] if step == 0 else [])
        out = run(text, [X], 3, "state", flags=flags)
        drawn(out[0], seed, o, f"state, run {step}: op 1")
        drawn(out[1], seed, o + 1, f"state, run {step}: op 2")
        o += 2
        r = out[2].view(np.uint64).tolist()
        check(r == [seed, o], f"state, run {step}: the generator stands at {r}, want {[seed, o]}\n  {run.last}")
    saved = open(state, "rb").read()
    copy = path("generator.state")
    with open(copy, "wb") as f:
        f.write(saved)
    a = run(text, [X], 3, "state", flags=[f"--state={state}"])
    b = run(text, [X], 3, "state", flags=[f"--state={copy}"])
    check(all(np.array_equal(u, v) for u, v in zip(a, b)), "two runs from one saved state differ")
    check(open(state, "rb").read() == open(copy, "rb").read(), "two runs from one saved state ended in different ones")
    still = path("generator.state")
    with open(still, "wb") as f:
        f.write(saved)
    out = run(text, [X], 3, "state in eval", flags=[f"--state={still}", "--eval"])
    same(out[0], X, "f32", "state in eval")
    check(out[2].view(np.uint64).tolist() == [seed, o], "eval moved the generator")

# A run that says nothing of seed and state is reproducible: the runtime's first seed is a documented constant.
a, b = (run(text, [X], 3, "default seed") for _ in range(2))
check(all(np.array_equal(u, v) for u, v in zip(a, b)), "two runs without --seed differ")
check(int(a[2].view(np.uint64)[1]) == 2, f"two ops in training moved the default generator to offset {a[2][1]}\n  {run.last}")

# ---- Named generators. The runtime's own library makes a state that has them; dropout-run takes it from there.
text = f"""func.func @f(%x: {T}) -> ({T}, {T}, {T}, {T}) {{
  %a = dropout.element %x p = 0.5 generator("data") : {T}
  %b = dropout.element %x p = 0.5 generator("tensor") : {T}
  %c = dropout.element %x p = 0.5 : {T}
  %t, %s, %o = dropout.reserve generator("data")
  %d = dropout.element %x p = 0.5 rng(%s, %o) training(%t) : {T}
  return %a, %b, %c, %d : {T}, {T}, {T}, {T}
}}
"""
outs = [path(f"y{k}.npy") for k in range(4)]
cmd = command(write(text), [X], outs)
refused(cmd + ["--seed=1"], "data", "a generator that does not exist", outs)

MAKE = """
import ctypes, sys
lib, out = ctypes.CDLL(sys.argv[1]), sys.argv[2]
u64 = ctypes.c_uint64
assert lib.dropoutGeneratorSet(None, u64(42), u64(1000)) == 0
assert lib.dropoutGeneratorFork(None, b"data", u64(3), b"data") == 0
assert lib.dropoutGeneratorCreate(b"tensor", u64(2**64 - 1), u64(5)) == 0
size = ctypes.c_size_t()
assert lib.dropoutStateSave(None, ctypes.c_size_t(0), ctypes.byref(size)) == 0
blob = ctypes.create_string_buffer(size.value)
assert lib.dropoutStateSave(blob, size, ctypes.byref(size)) == 0
open(out, "wb").write(blob.raw[:size.value])
"""
libs = glob.glob(os.path.join(os.path.dirname(RUN), "..", "lib*", "**", "lib*untime.so"), recursive=True)
lib = os.environ.get("DROPOUT_RUNTIME") or next(iter(sorted(libs)), None)
state = path("named.state")
r = subprocess.run([sys.executable, "-c", MAKE, lib, state], capture_output=True, text=True) if lib else None
if r is None or "asan" in r.stderr.lower() or "sanitizer" in r.stderr.lower():
    print("named generators: not tested, this build's runtime cannot be loaded into Python")
elif r.returncode:
    fail(f"the runtime library {lib} did not make a state: {r.stderr}")
else:
    data = oracle.FORKS[1][3]  # fork of (42, "data", 3), from the contract's known answers
    for step, lowering in enumerate(LOWERINGS):
        out = run(text, [X], 4, "named generators", lowering=lowering, flags=[f"--state={state}"])
        for got, (seed, offset) in zip(out, ((data, 2 * step), (FULL, 5 + step), (42, 1000 + step), (data, 2 * step + 1))):
            drawn(got, seed, offset, f"named generators, run {step}, seed {seed} [{lowering}]")
done()
