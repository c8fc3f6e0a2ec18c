# RUN: %python %s
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Bad input: every mistake ends with a message that names it, a plain failing
# exit code, no crash, and no output written (a file that was there before keeps
# its bytes). IR, .npy files, scalars, p, entry points, arguments, options,
# outputs and saved states.

import os, struct, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
sys.dont_write_bytecode = True
import numpy as np
from harness import LOWERINGS, RUN, TMP, check, command, done, execute, path, random, refused, run, save, write

GOOD = """func.func @f(%x: tensor<4x8xf32>, %p: f64, %s: i64, %o: i64, %t: i1) -> (tensor<4x8xf32>, tensor<4x8xi1>) {
  %y, %m = dropout.element %x p(%p) rng(%s, %o) training(%t) : tensor<4x8xf32>, tensor<4x8xi1>
  return %y, %m : tensor<4x8xf32>, tensor<4x8xi1>
}
"""
x = random((4, 8), "f32")
good, xfile = write(GOOD), save(x)
ARGS = [xfile, ".3", "42", "7", "true"]


def bad(says, what, mlir=good, inputs=None, n=2, flags=(), entry="f", old=True, prefix="error: "):
    """One failing run; its first output exists beforehand and must keep its bytes."""
    outs = [path(f"bad{k}.npy") for k in range(n)]
    if old and outs:
        with open(outs[0], "wb") as f:
            f.write(b"was here before")
    return refused(command(mlir, ARGS if inputs is None else inputs, outs, entry=entry, flags=flags), says, what, outs, prefix)


def swap(k, v):
    return ARGS[:k] + [v] + ARGS[k + 1:]


check(len(run(GOOD, [x, .3, 42, 7, True], 2)) == 2, "the good run that all of these break")

# ---- IR.
IR = (  # what, the words of line 2 that change, into what, what the message says
    ("syntax", "rng(", "rng[", "expected"),
    ("unknown op", "dropout.element", "dropout.bernoulli", "dropout.bernoulli"),
    ("unknown value", "p(%p)", "p(%z)", "%z"),
    ("wrong mask type", "xf32>, tensor<4x8xi1>", "xf32>, tensor<8x4xi1>", "8x4xi1"),
    ("integer tensor", "4x8xf32", "4x8xi32", "i32"),
    ("p of 1.5", "p(%p)", "p = 1.5", "1.5"),
    ("p below 0", "p(%p)", "p = -0.25", "-0.25"),
    ("p just above 1", "p(%p)", "p = 1.0000000000000002", "1.0000000000000002"),
    ("p NaN", "p(%p)", "p = 0x7FF8000000000000", "nan"),
    ("p infinite", "p(%p)", "p = 0x7FF0000000000000", "inf"),
    ("p without 8-bit threshold", "p(%p)", "p = 0.001 resolution = 8", "0.001"),
    ("rounds", "p(%p)", "p(%p) rounds = 8", "8"),
    ("resolution", "p(%p)", "p(%p) resolution = 12", "12"),
    ("contract version", "training(%t)", "training(%t) {contract_version = 2 : i32}", "2"),
    ("mask_dims on element", "p(%p)", "p(%p) mask_dims = [0]", "mask_dims"),
    ("mask_dims out of range", "element %x p(%p)", "channel %x p(%p) mask_dims = [0, 2]", "2"),
    ("mask_dims twice", "element %x p(%p)", "channel %x p(%p) mask_dims = [1, 1]", "mask_dims"),
    ("position outside", "training(%t)", "training(%t) at [2, 0] of [5, 8]", ""),
    ("position of wrong rank", "training(%t)", "training(%t) at [0] of [8]", ""),
    ("a whole of 2^63 elements", "training(%t)", f"training(%t) at [0, 0] of [{2**60}, 8]", ""))
head, op, *rest = GOOD.split("\n")
for what, old, new, says in IR:
    check(old in op, f"{old} is not in {op}")
    f = write("\n".join([head, op.replace(old, new), *rest]))
    bad([f"{f}:2:", says], "IR: " + what, f)
f = write(GOOD.replace("%s: i64", "%s: i32"))
bad(f"{f}:2:", "IR: seed of 32 bits", f)
# Facts that are not on line 2.
f = write("func.func @f(%x: tensor<4x8xf32>) {\n")
bad(f, "IR: truncated", f, [xfile], 0)
for what, text in (("empty file", ""), ("bytes", "\x00\xff\x7fELF\x01"), ("no op at all", "// nothing\n")):
    f = path("odd.mlir")
    with open(f, "w", encoding="latin-1") as out:
        out.write(text)
    bad("", "IR: " + what, f)
bad("no-such-file.mlir", "IR: missing file", os.path.join(TMP, "no-such-file.mlir"))
bad("", "IR: a folder", TMP)
for text in ("%y = dropout.backward element %x p = 0.5 : tensor<4x8xf32>", "%y = dropout.mask p = 0.5 : tensor<4x8xi1>"):
    f = write(f"func.func @f(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {{\n  {text}\n  return %x : tensor<4x8xf32>\n}}\n")
    bad(f"{f}:2:", f"IR: implicit {text}", f, [xfile], 1)

# ---- Entry points.
bad("nope", "unknown entry point", entry="nope")
bad("", "no entry point", entry="")
for sig in ("tensor<*xf32>", "tuple<f32>", "() -> ()", "tensor<4xcomplex<f32>>", "tensor<4xi7>", "vector<4xf32>"):
    bad("", f"entry point takes {sig}", write(f"func.func @f(%x: {sig}) {{\n  return\n}}\n"), [xfile], 0)
bad("", "declared only", write("func.func private @f(tensor<4x8xf32>) -> tensor<4x8xf32>\n"), [xfile], 1)

# ---- Arguments.
bad("", "missing input", inputs=ARGS[:4])
bad("", "no input", inputs=[])
bad("", "surplus input", inputs=ARGS + ["1"])
bad("", "surplus output", n=3)
SCALARS = {1: ("abc", "0.3x", "", "0,3", "0.3 0.4"), 3: ("seven",), 4: ("2", "yes", "-1"),
           2: ("18446744073709551616", "-9223372036854775809", "1.5", "0x", "")}
for k, texts in SCALARS.items():
    for v in texts:
        bad(v, f"scalar {v!r} for argument {k}", inputs=swap(k, v))
bad("", "array for a scalar", inputs=swap(1, xfile))
bad("", "scalar for an array", inputs=swap(0, "0.5"))
bad("no-such.npy", "missing .npy", inputs=swap(0, os.path.join(TMP, "no-such.npy")))
bad("", "folder as .npy", inputs=swap(0, TMP))

# ---- .npy files.
raw = open(xfile, "rb").read()


def npy(data, what, says=""):
    f = path("bad.npy")
    with open(f, "wb") as out:
        out.write(data)
    bad([f, says] if says else f, ".npy: " + what, inputs=swap(0, f))


def header(text, data=x.tobytes(), version=b"\x01\x00"):
    text = text.encode() + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H" if version[0] == 1 else "<I", len(text)) + text + data


DICT = "{'descr': '%s', 'fortran_order': False, 'shape': %s, }"
check(np.array_equal(run(GOOD, [save(x), .3, 1, 1, False], 2)[0], x), "np.save's own file")
h3 = path("v3.npy")
with open(h3, "wb") as out:
    out.write(header(DICT % ("<f4", "(4, 8)"), version=b"\x02\x00"))
check(np.array_equal(run(GOOD, [h3, .3, 1, 1, False], 2)[0], x), "a version 2.0 file")
npy(b"", "empty"), npy(b"\x93NUM", "cut magic"), npy(b"NUMPY" * 30, "no magic"), npy(raw[:9], "cut header length")
for n in (10, 11, 60, 100, 127):
    npy(raw[:n], f"header cut at {n}")
for n in (128, 129, len(raw) - 128, len(raw) - 1):
    npy(raw[:n], f"data cut at {n}")
npy(raw + b"\0", "a byte too many")
npy(raw[:6] + b"\x09\x00" + raw[8:], "version 9"), npy(raw[:8] + b"\xff\xff" + raw[10:], "header length 65535")
npy(b"\x93NUMPY\x02\x00" + b"\xff\xff\xff\xff" + raw[10:], "header length 2^32 - 1")
npy(b"\x93NUMPY\x03\x00" + struct.pack("<I", 2**31 - 1) + raw[12:], "header length 2^31 - 1")
SHAPES = ["(4, 9)", "(8, 4)", "(32,)", "(4, 8, 1)", "()", "(0, 8)", "(4, -8)", f"({2**62}, 8)", f"({2**64}, 8)",
          f"({2**32}, {2**32})", "(4, 8", "4, 8", "'(4, 8)'", "(4, x)", "(4.0, 8)", "None", "((4, 8))((4, 8))",
          "(" + "1, " * 5000 + ")"]
DTYPES = ["<f8", "<f2", "<i4", "<u4", "<c8", ">f4", "|O", "|S4", "<f99999999999", "", "f", "[('a', '<f4')]"]
OK = DICT % ("<f4", "(4, 8)")
HEADERS = ["", "{}", "{'descr': '<f4'}", OK.replace("False", "Maybe"), OK.replace("}", ""), OK.replace("'descr': '<f4',", ""),
           OK.replace("}", "'x': 1}"), OK.replace("'", ""), "{" * 2000, "\0" * 64]
for shape in SHAPES:
    npy(header(DICT % ("<f4", shape)), f"shape {shape[:30]}")
for descr in DTYPES:
    npy(header(DICT % (descr, "(4, 8)"), x.tobytes() * 4), f"dtype {descr!r}")
for text in HEADERS:
    npy(header(text), f"header {text[:40]!r}")
bf = write("func.func @f(%x: tensor<4x8xbf16>) -> tensor<4x8xbf16> {\n  return %x : tensor<4x8xbf16>\n}\n")
for a in (x, x.astype(np.float16), x.astype(np.int16)):
    bad("bf16", f"{a.dtype} for bf16", bf, [save(a)], 1)
i1 = write("func.func @f(%x: tensor<4x8xi1>) -> tensor<4x8xi1> {\n  return %x : tensor<4x8xi1>\n}\n")
bad("", "f32 for i1", i1, [xfile], 1)

# ---- p at run time: checked in training and in eval, for every lowering, before anything is drawn or written.
WRONG = {"1.5": "1.5", "-0.25": "-0.25", "nan": "nan", "-nan": "nan", "inf": "inf", "-inf": "-inf", "2.0": "2",
         "1.0000000000000002": "1.0000000000000002", "-5e-324": "-5e-324", "1e300": "1e+300"}
for k, (p, shown) in enumerate(WRONG.items()):
    for t in ("true", "false"):
        bad(f"expected p in [0, 1], but got {shown}", f"p = {p}, training {t}", inputs=[xfile, p, "1", "2", t],
            flags=[f"--lowering={LOWERINGS[k % len(LOWERINGS)]}"])
eight = write(GOOD.replace("p(%p)", "p(%p) resolution = 8"))
for p in ("0.001", "0.999", "1e-300"):
    bad(p if p[0] == "0" else "1e-300", f"p = {p} with 8 bits", eight, swap(1, p))
check(len(run(open(eight).read(), [x, .5, 1, 2, True], 2)) == 2, "p = .5 with 8 bits")
DOUBLE = """  %two = arith.constant 2.0 : f64
  %q = arith.mulf %p, %two : f64
"""
late = write(GOOD.replace("  %y, %m", DOUBLE + "  %y, %m").replace("p(%p)", "p(%q)"))
bad("expected p in [0, 1], but got 1.2", "p computed inside", late, swap(1, "0.6"))
state = path("draws.state")
draws = """func.func @f(%x: tensor<4x8xf32>, %p: f64) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %a = dropout.element %x p = 0.5 : tensor<4x8xf32>
  %b = dropout.element %x p(%p) : tensor<4x8xf32>
  return %a, %b : tensor<4x8xf32>, tensor<4x8xf32>
}
"""
run(draws, [x, .5], 2, flags=[f"--state={state}"])
before = open(state, "rb").read()
bad("expected p in [0, 1], but got 7", "p of an implicit op", write(draws), [xfile, "7.0"], flags=[f"--state={state}"])
check(open(state, "rb").read() == before, "a refused p moved the saved generator")
inplace = write("""func.func @f(%x: memref<4x8xf32>, %p: f64, %s: i64) {
  dropout.alpha %x into %x p(%p) rng(%s, %s) : memref<4x8xf32>, memref<4x8xf32>
  return
}
""")
bad("expected p in [0, 1], but got -1", "p of an op in place", inplace, [xfile, "-1.0", "3"], 1)
check(open(xfile, "rb").read() == raw, "an input file changed")

# ---- Outputs that can't be written: nothing is, the other one neither.
for what, out in (("folder missing", os.path.join(TMP, "none", "y.npy")), ("is a folder", TMP)):
    other = path("other.npy")
    for outs in ([other, out], [out, other]):
        refused(command(good, ARGS, outs), out, "output: " + what, [other])
        check(not os.path.exists(other), f"output {what}: the other output was written")
if os.path.exists("/dev/full"):
    refused(command(good, ARGS, ["/dev/full", path("y.npy")]), "/dev/full", "output: no space")

# ---- Saved states: cut, extended, or damaged at any byte; refused, and the file stays as it is.
blob = open(state, "rb").read()


def damaged(data, what):
    f = path("damaged.state")
    with open(f, "wb") as out:
        out.write(data)
    bad("", "state: " + what, write(draws), [xfile, ".5"], flags=[f"--state={f}"])
    check(open(f, "rb").read() == data, f"a damaged state was overwritten: {what}")


for n in sorted({0, 1, 7, len(blob) // 2, len(blob) - 1}):
    damaged(blob[:n], f"cut to {n} of {len(blob)} bytes")
damaged(blob + b"\0", "a byte too many"), damaged(b"\xff" * len(blob), "noise"), damaged(blob * 2, "twice")
for k in sorted(set(range(0, len(blob), max(1, len(blob) // 12))) | {len(blob) - 1}):
    damaged(blob[:k] + bytes([blob[k] ^ 1 << k % 8]) + blob[k + 1:], f"bit {k % 8} of byte {k}")
bad(TMP, "state: a folder", write(draws), [xfile, ".5"], flags=[f"--state={TMP}"])
bad("none", "state: can't be saved", write(draws), [xfile, ".5"], flags=[f"--state={os.path.join(TMP, 'none', 's')}"])

# ---- Options.
for option, says in (("--frobnicate", "frobnicate"), ("--lowering=magic", "magic"), ("--seed=abc", "abc"),
                     ("--seed=18446744073709551616", "18446744073709551616"), ("--offset=1.5", "1.5"),
                     ("--offset=", "offset"), ("--time=-1", "time"), ("--time=x", "x"), ("--emit=poetry", "poetry")):
    bad(says, f"option {option}", flags=[option], prefix="")
refused([RUN], "", "no arguments at all", prefix="")
into = write("""func.func @f(%x: memref<?x8xf32>, %y: memref<?x8xf32>, %s: i64, %o: i64) {
  dropout.element %x into %y p = 0.5 rng(%s, %o) : memref<?x8xf32>, memref<?x8xf32>
  return
}
""", "into.mlir")
big, small = save(np.ones((1000, 8), np.float32), "big.npy"), save(np.ones((1, 8), np.float32), "small.npy")
refused(command(into, [big, small, 1, 2]), ["[1000, 8]", "[1, 8]"], "a destination smaller than its operand")
two = write("func.func @f() { return }\nfunc.func @g() { return }\n", "two.mlir")
refused([RUN, two], "entry-point", "no entry point given", prefix="")
done()
