# RUN: %python %s %clang %if sanitizers %{ -std=c++17 -ffp-contract=off -DDROPOUT_RUNTIME_BUILD -I %include %dropout_src/lib/Runtime/*.cpp %} %else %{ %dropout_runtime_lib %}
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The mask and the value contract in GPU kernels that run on the host, bit for
# bit: every bit pattern of f16 and bf16 and many of f32 and f64 in every kind,
# forward and backward, training and eval; the known answers; seeds and offsets
# of all 64 bits; positions beyond 2^35; state that kernels read from memory.

import ctypes, math, os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
sys.dont_write_bytecode = True
import numpy as np
import harness, host_run, oracle
from harness import Batch, check, done, random, same, specials
from host_run import Program
from native import guarded

host_run.install()
np.seterr(all="ignore")
NEXT0, NEXT1 = math.nextafter(0, 1), math.nextafter(1, 0)
EDGES = (0, 1, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1, 0x0123456789ABCDEF, 0xFEDCBA9876543210)


def patterns(ty):
    """All bit patterns of a 16-bit type, random ones of a wider type with the special values among them."""
    u = oracle.BITS[np.dtype(oracle.DTYPE[ty]).itemsize]
    if u == np.uint16:
        return np.arange(65536).astype(u).view(oracle.DTYPE[ty])
    x = np.random.default_rng(5).integers(0, 2**(8 * np.dtype(u).itemsize), 16384, dtype=u).view(oracle.DTYPE[ty])
    x[::2] = specials(x[::2].shape, ty)
    return x


# One function per kind with everything at run time, and calls of it: the kernels are the same for all values.
def every_value(ty, options):
    functions, T, Z = [], f"memref<?x{ty}>", f"memref<?x?x?x{ty}>"
    for kind in oracle.KINDS:
        for back in ("", "backward "):
            M = Z if kind in ("channel", "feature_alpha") else T
            functions.append(f"func.func @{back.strip()}_{kind}(%x: {M}, %y: {M}, %p: f64, %s: i64, %o: i64, %t: i1) {{\n"
                             f"  dropout.{back}{kind} %x into %y p(%p) rng(%s, %o) training(%t) : {M}, {M}\n  return\n}}\n")
    functions.append(f"func.func @inplace(%x: {T}, %p: f64, %s: i64, %o: i64, %t: i1) {{\n"
                     f"  dropout.alpha %x into %x p(%p) rng(%s, %o) training(%t) : {T}, {T}\n  return\n}}\n")
    functions.append(f"func.func @both(%x: tensor<?x{ty}>, %p: f64, %s: i64, %o: i64) -> (tensor<?x{ty}>, tensor<?xi1>) {{\n"
                     f"  %y, %m = dropout.alpha %x p(%p) rng(%s, %o) : tensor<?x{ty}>, tensor<?xi1>\n"
                     f"  return %y, %m : tensor<?x{ty}>, tensor<?xi1>\n}}\n")
    program = Program("".join(functions), options, f"values of {ty}")
    x = patterns(ty)
    few = specials((7, 3, 24), ty, 1)
    cases = [(x, .3, True, 42, 7), (x, .2, True, 4, 7), (x, .5, False, 42, 7)]  # s = 1.25: exact ties of the rounding to 16 bits
    cases += [(few, p, t, 42, 7) for p in (0., 1., .1, .5, .9, NEXT0, NEXT1, 1e-320, -0.) for t in (True, False)]
    cases += [(few, .4, True, s, o) for s, o in zip(EDGES, EDGES[::-1])]

    def work():
        for x, p, t, s, o in cases:
            what = f"{ty}{list(x.shape)} p {p!r} training {t} seed {s} offset {o}"
            for kind in oracle.KINDS:
                flat = x.reshape(-1) if kind in ("element", "alpha") else x.reshape(16, -1, 32) if x.ndim == 1 else x
                for back in (False, True):
                    want, loose = oracle.apply(kind, flat, ty, p, s, o, training=t, backward=back)
                    got = program.call(f"{'backward' if back else ''}_{kind}", [flat, harness.canary(flat.shape, ty), p, s, o, t], what)
                    same(got[1], want, ty, f"{what} {kind} {'backward' if back else ''}", loose)
                    same(got[0], flat, ty, f"{what} {kind}: input")
            flat = x.reshape(-1)
            want, loose = oracle.apply("alpha", flat, ty, p, s, o, training=t)
            same(program.call("inplace", [flat, p, s, o, t], what)[0], want, ty, what + " in place", loose)
            if t:
                y, m = program.call("both", [flat, p, s, o], what)
                same(y, want, ty, what + " with its mask", loose)
                same(m, oracle.mask("alpha", flat.shape, p, s, o), "i1", what + " mask")

    guarded(work)


def p_is_checked():
    """A p that is none: a status, and nothing is written."""
    program = Program("func.func @f(%x: memref<?xf32>, %y: memref<?xf32>, %p: f64, %s: i64) {\n"
                      "  dropout.element %x into %y p(%p) rng(%s, %s) : memref<?xf32>, memref<?xf32>\n  return\n}\n")

    def work():
        x, y = random((50,), "f32"), harness.canary((50,), "f32")
        for p in (-.1, 1.1, math.nan, math.inf):
            same(program.call("f", [x, y, p, 1], f"p {p}", status=1)[1], y, "f32", f"p {p}")
            check(not program.launches(), "a kernel was launched")

    guarded(work)


def static_options():
    """What is known at compile time: p, rounds, resolution, mode, positions; with memory that is not dynamic."""
    b = Batch("static")
    for k, ty in enumerate(oracle.TYPES):
        x, z = specials((1001,), ty, k), random((3, 4, 40), ty, k)
        b.op("element", x, ty, (.1, .3, .5, .9)[k], rounds=7)
        b.op("alpha", x, ty, (1., 0., .3, .5)[k], training=True if k % 2 else None)
        b.op(("channel", "feature_alpha")[k % 2], z, ty, .3, dims=([0, 2], [2, 0], [1], [])[k], backward=k > 1)
    x = specials((1001,), "f32")
    b.op("element", x, "f32", .3, resolution=8)
    b.op("alpha", x, "f32", .3, resolution=8, rounds=7, runtime=True)
    b.op("element", x, "f32", 0.)
    b.op("element", x, "f32", 1.)
    b.mask((3, 77), .3, form="memref")
    guarded(b.check)


def known_answers():
    """The table of the contract, where draws of 2^35 and more lie, and what follows the first tie."""
    program = Program("""
func.func @mask(%m: memref<?xi1>, %p: f64, %s: i64, %o: i64, %i: index, %n: index) {
  dropout.mask into %m p(%p) rng(%s, %o) at [%i] of [%n] : memref<?xi1>
  return
}
func.func @seven(%m: memref<?xi1>, %p: f64, %s: i64, %o: i64) {
  dropout.mask into %m p(%p) rounds = 7 rng(%s, %o) : memref<?xi1>
  return
}
func.func @eight(%m: memref<?xi1>, %p: f64, %s: i64, %o: i64) {
  dropout.mask into %m p(%p) resolution = 8 rng(%s, %o) : memref<?xi1>
  return
}
func.func @window(%x: memref<?x?xf32>, %y: memref<?x?xf32>, %p: f64, %s: i64, %o: i64, %i: index, %j: index, %m: index, %n: index) {
  dropout.element %x into %y p(%p) rng(%s, %o) at [%i, %j] of [%m, %n] : memref<?x?xf32>, memref<?x?xf32>
  return
}
func.func @state(%x: memref<?xf32>, %y: memref<?xf32>, %state: memref<2xi64>) {
  dropout.element %x into %y p = 0.3 rng(%state) : memref<?xf32>, memref<?xf32>
  return
}
func.func @advanced(%x: memref<?xf32>, %y: memref<?xf32>, %state: memref<2xi64>, %next: memref<2xi64>) {
  dropout.element %x into %x p = 0.3 rng(%state) : memref<?xf32>, memref<?xf32>
  memref.copy %next, %state : memref<2xi64> to memref<2xi64>
  dropout.element %x into %y p = 0.3 rng(%state) : memref<?xf32>, memref<?xf32>
  return
}
""", "", "known answers")

    def work():
        for seed, offset, first, p, rounds, resolution, want in oracle.BITS32:
            entry = "mask" if rounds == 10 and resolution == 16 else "seven" if rounds == 7 else "eight"
            got = program.call(entry, [np.zeros(32, bool), p, seed, offset] + ([first, 2**40] if entry == "mask" else []))[0]
            check("".join(map(str, got.astype(int))) == want, f"{entry} of seed {seed} offset {offset} first {first}: {got}")
        m = program.call("mask", [np.zeros(2**18, bool), .3, 42, 7, 0, 2**18], where=0)[0]
        same(m, oracle.mask("element", (2**18,), .3, 42, 7), "i1", "2^18 draws")
        ties = np.flatnonzero(oracle.high(np.arange(2**18), 42, 7) == oracle.threshold(.3) >> 16)
        check(ties.size > 2 and not m[ties[:3]].any(), "ties")
        x = random((5, 60), "f32")
        for i, j, n in ((2**35 // 1000 - 2, 70, 1000), (2**40, 2**20 - 60, 2**20), (0, 3, 64), (7, 2**35 - 30, 2**36), (2, 0, 60), (2**31, 1, 2**31 - 1)):
            want = oracle.apply("element", x, "f32", .3, 42, 7, at=[i, j], of=[2**62 // n, n])[0]
            for where in (0, "end"):
                got = program.call("window", [x, x, .3, 42, 7, i, j, 2**62 // n, n], where=where)[1]
                same(got, want, "f32", f"window at {i}, {j} of rows of {n}")
        y = random((100,), "f32")
        for seed, offset in ((5, 6), (2**64 - 1, 2**63), (1 << 32, 0)):
            state = np.array([seed, offset], np.uint64).view(np.int64)
            want = oracle.apply("element", y, "f32", .3, seed, offset)[0]
            same(program.call("state", [y, y, state])[1], want, "f32", "state in memory")
            # The second kernel reads what was written between: a launch reads memory in its turn.
            want = oracle.apply("element", want, "f32", .3, 8, 9)[0]
            same(program.call("advanced", [y, y, state, np.array([8, 9])])[1], want, "f32", "state written between two kernels")

    guarded(work)


def implicit():
    """Mode and generator of the runtime: an offset for each op in training, none in eval."""
    program = Program("""func.func @f(%x: tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>) {
  %y = dropout.element %x p = 0.3 : tensor<?xf32>
  %z = dropout.alpha %y p = 0.5 generator("data") : tensor<?xf32>
  return %y, %z : tensor<?xf32>, tensor<?xf32>
}
""", "", "implicit state")

    def work():
        runtime, x = program.library, random((1001,), "f32")
        runtime.dropoutGeneratorSet(None, ctypes.c_uint64(5), ctypes.c_uint64(2**32 - 1))
        runtime.dropoutGeneratorCreate(b"data", ctypes.c_uint64(2**63), ctypes.c_uint64(2**64 - 2))
        for training, step in ((1, 0), (1, 1), (0, 2), (1, 2)):
            runtime.dropoutSetTraining(training)
            want = [oracle.apply("element", x, "f32", .3, 5, 2**32 - 1 + step, training=bool(training))[0]]
            want.append(oracle.apply("alpha", want[0], "f32", .5, 2**63, (2**64 - 2 + step) % 2**64, training=bool(training))[0])
            for k, (a, b) in enumerate(zip(program.call("f", [x]), want)):
                same(a, b, "f32", f"implicit op {k}, step {step}, training {training}")

    guarded(work)


def stale_state():
    """A load cannot move past a write to its memory, nor can the host read what a device holds: an error, not other masks."""
    copy = "  memref.copy %next, %state : memref<2xi64> to memref<2xi64>\n"
    fill = "  linalg.fill ins(%o : i64) outs(%state : memref<2xi64>)\n"
    for write in (copy, fill):
        text = f"""func.func @f(%x: memref<?xf32>, %y: memref<?xf32>, %state: memref<2xi64>, %next: memref<2xi64>, %o: i64) {{
  %i = arith.constant 0 : index
  %s = memref.load %state[%i] : memref<2xi64>
{write}  dropout.element %x into %y p = 0.3 rng(%s, %o) : memref<?xf32>, memref<?xf32>
  return
}}
"""
        command = [harness.OPT, harness.write(text)]
        harness.refused([*command, "--dropout-to-ptx"], "expected device memory to be read in kernels only", "a stale seed")
        moved = text.replace(write, "").replace("  return", write + "  return")
        check(not harness.execute([harness.OPT, harness.write(moved), "--dropout-to-ptx"]).returncode, "a seed that is read in time")


for k, ty in enumerate(oracle.TYPES):
    every_value(ty, ("", "chip=sm_90", "", "elements-per-thread=32 block-size=128")[k])
p_is_checked()
static_options()
known_answers()
implicit()
stale_state()
done()
