# RUN: %python %s
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Math functions next to dropout: within 4 units in the last place of NumPy for
# special values, all magnitudes, dense ranges and odd lengths, whether libmvec
# or libm computes them; an element's bits do not depend on its neighbours, and
# masks not on who computes values.

import ctypes, math, os, platform, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
sys.dont_write_bytecode = True
import numpy as np
import oracle
from harness import SPECIALS, check, command, done, execute, path, run, transformed, write

UNARY = {"acos": np.arccos, "acosh": np.arccosh, "asin": np.arcsin, "asinh": np.arcsinh, "atan": np.arctan, "atanh": np.arctanh,
         "cbrt": np.cbrt, "cos": np.cos, "cosh": np.cosh, "erf": np.vectorize(math.erf, [float]),
         "erfc": np.vectorize(math.erfc, [float]), "exp": np.exp, "exp2": np.exp2, "expm1": np.expm1, "log": np.log, "log10": np.log10,
         "log1p": np.log1p, "log2": np.log2, "sin": np.sin, "sinh": np.sinh, "tan": np.tan, "tanh": np.tanh}
BINARY = {"atan2": np.arctan2, "powf": np.power}
WIDE = {"f16": np.float64, "bf16": np.float64, "f32": np.float64, "f64": np.longdouble}
FORMAT = {"f16": (11, -13, 16), "bf16": (8, -125, 128), "f32": (24, -125, 128), "f64": (53, -1021, 1024)}  # digits, exponents


def libmvec():
    try:
        return platform.machine() == "x86_64" and hasattr(ctypes.CDLL("libmvec.so.1"), "_ZGVbN4v_erff")
    except OSError:
        return False


def value(x, ty):
    """Numbers that NumPy computes with."""
    with np.errstate(all="ignore"):
        return oracle.widen(x, ty).astype(WIDE[ty])


def signals(x, ty):
    """Signalling NaNs: whether pow(1, NaN) is 1 for those, too, is left open."""
    quiet = oracle.bits(x) >> (FORMAT[ty][0] - 2) & 1
    return oracle.is_nan(x, ty) & (quiet == 0)


def reference(name, x, y, ty):
    """What the function gives, in a wider type; math.erf has none wider than f64, which costs it half a unit."""
    with np.errstate(all="ignore"):
        if name in BINARY:
            return BINARY[name](value(x, ty), value(y, ty))
        wide = value(x, ty)
        return UNARY[name](wide.astype(np.float64) if name.startswith("erf") else wide).astype(WIDE[ty])


def ulps(got, want, ty):
    """Distance in units in the last place; infinite for another NaN, infinity or zero. What overflows is 2^emax."""
    digits, emin, emax = FORMAT[ty]
    limit = np.ldexp(WIDE[ty](1), emax)
    with np.errstate(all="ignore"):
        rounded = oracle.widen(oracle.narrow(want.astype(np.float64), ty), ty)
    g, w = np.clip(got, -limit, limit), np.clip(want, -limit, limit)
    with np.errstate(all="ignore"):
        unit = np.ldexp(WIDE[ty](1), np.maximum(np.frexp(w)[1], emin) - digits)
        d = (np.abs(g - w) / unit).astype(np.float64)
    nan = np.isnan(want)
    d[nan | np.isnan(got)] = 0
    d[nan != np.isnan(got)] = np.inf
    zero = (got == 0) & (rounded == 0)
    d[zero & (np.signbit(got) != np.signbit(want))] = np.inf
    return d


def program(names, ty, n="?"):
    """One result for each function."""
    t = f"tensor<{n}x{ty}>"
    lines = [f"  %{k} = math.{f} %x{', %y' if f in BINARY else ''} : {t}" for k, f in enumerate(names)]
    return (f"func.func @f(%x: {t}, %y: {t}) -> ({', '.join([t] * len(names))}) {{\n" + "\n".join(lines)
            + f"\n  return {', '.join(f'%{k}' for k in range(len(names)))} : {', '.join([t] * len(names))}\n}}\n")


def inputs(ty):
    """Pairs of special values, patterns of bits from end to end, and ranges where functions are neither 0 nor 1."""
    width = np.dtype(oracle.DTYPE[ty]).itemsize * 8
    uint = oracle.BITS[width // 8]
    special = np.array(SPECIALS[ty], uint)
    more = np.array([.5, 1, 1.5, 2, 3, 10, 88, 104, 709, 746], np.float64 if ty == "f64" else np.float32)
    special = np.concatenate([special, oracle.bits(oracle.narrow(np.concatenate([more, -more]), ty))])
    x, y = (v.ravel() for v in np.meshgrid(special, special))
    rng = np.random.default_rng(1)
    steps = (np.arange(20011, dtype=np.float64) * (2.0 ** width / 20011)).astype(np.uint64).astype(uint)
    ranges = np.concatenate([np.linspace(-a, a, 5003) for a in (.01, 1.01, 4, 20, 100)])
    ranges = oracle.bits(oracle.narrow(ranges.astype(np.float64 if ty == "f64" else np.float32), ty))
    x = np.concatenate([x, steps, ranges])
    y = np.concatenate([y, rng.permutation(steps), rng.permutation(ranges)])
    return x.view(oracle.DTYPE[ty]), y.view(oracle.DTYPE[ty])


def near(got, x, y, names, ty, what):
    for name, result in zip(names, got):
        want = reference(name, x, y, ty)
        d = ulps(value(result, ty), want, ty)
        if name in BINARY:
            d[signals(x, ty) | signals(y, ty)] = 0
        # f16 and bf16: 4 units of f32, then one rounding.
        limit = {"f32": 4, "f64": 4.5}.get(ty, .501)
        k = int(np.argmax(d))
        check(d[k] <= limit, f"{what}: math.{name} of {ty} at {value(x, ty)[k]!r}, {value(y, ty)[k]!r}: got {value(result, ty)[k]!r}, "
              f"want {want[k]!r}, {d[k]} units off\n  {run.last}")


NAMES = list(UNARY) + list(BINARY)
for ty in oracle.TYPES:
    x, y = inputs(ty)
    names = [n for n in NAMES if ty in ("f32", "f64") or n in ("erf", "tanh", "exp", "log", "log1p", "powf")]
    text = program(names, ty)
    found = run(text, (x, y), len(names), f"{ty} vectors")
    near(found, x, y, names, ty, "vectors")
    # libm's, for whom it is the reference; glibc gives no bound, 4 holds.
    near(run(text, (x, y), len(names), f"{ty} libm", flags=["--no-vector-math"]), x, y, names, ty, "--no-vector-math")
    # Odd lengths. Registers have up to 16 lanes; behind the last one elements may be computed one by one.
    for n in (1, 3, 8, 15, 17, 31, 33, 100):
        for size in ("?", n):
            part = run(program(names, ty, size), (x[300:300 + n].copy(), y[300:300 + n].copy()), len(names), f"{ty} of {n}")
            near(part, x[300:300 + n], y[300:300 + n], names, ty, f"{n} elements")
    # The same elements elsewhere, with other neighbours.
    n = len(x) // 64 * 64
    turned = np.arange(n).reshape(-1, 64)[::-1].ravel()
    whole = run(text, (x[:n].copy(), y[:n].copy()), len(names), f"{ty} whole")
    moved = run(text, (x[:n][turned].copy(), y[:n][turned].copy()), len(names), f"{ty} moved")
    other = np.random.default_rng(2).permutation(n)
    mixed = run(text, (x[:n][other].copy(), y[:n][other].copy()), len(names), f"{ty} mixed")
    for name, a, b, c in zip(names, whole, moved, mixed):
        for what, got, order in (("turned", b, turned), ("permuted", c, other)):
            bad = (oracle.bits(a)[order] != oracle.bits(got)) & ~(oracle.is_nan(a, ty)[order] & oracle.is_nan(got, ty))
            check(not bad.any(), f"math.{name} of {ty}: {int(bad.sum())} elements have other bits among other neighbours ({what}), first "
                  f"{value(x[:n][order], ty)[np.argmax(bad)]!r}")

def on_vectors(names, ty, shape):
    """The functions on one vector of that shape each."""
    dims, n = "x".join(map(str, shape)), len(shape)
    t, v, at = f"tensor<{dims}x{ty}>", f"vector<{dims}x{ty}>", ", ".join(["%c0"] * n)
    inside = f"{{in_bounds = [{', '.join(['true'] * n)}]}}"
    text = f"""func.func @f(%x: {t}, %y: {t}) -> ({', '.join([t] * len(names))}) {{
  %c0 = arith.constant 0 : index
  %p = arith.constant 0.0 : {ty}
  %e = tensor.empty() : {t}
  %u = vector.transfer_read %x[{at}], %p {inside} : {t}, {v}
  %v = vector.transfer_read %y[{at}], %p {inside} : {t}, {v}
"""
    for k, f in enumerate(names):
        text += f"  %m{k} = math.{f} %u{', %v' if f in BINARY else ''} : {v}\n"
        text += f"  %{k} = vector.transfer_write %m{k}, %e[{at}] {inside} : {v}, {t}\n"
    return text + f"  return {', '.join(f'%{k}' for k in range(len(names)))} : {', '.join([t] * len(names))}\n}}\n"


# Vectors wider and narrower than a register, by the function of each register that this machine has: an element has
# the same bits in all of them.
flags = open("/proc/cpuinfo").read().split() if libmvec() else []
for bits in [128] * libmvec() + [256] * ("avx2" in flags) + [512] * ("avx512dq" in flags):
    for ty in oracle.TYPES:
        x, y = (np.ascontiguousarray(v[200:248]) for v in inputs(ty))
        names, first = ["erf", "exp", "atan2", "tanh"], None
        shapes = ((48,), (2,), (3,), (4,), (7,), (8,), (11,), (16,), (17,), (33,), (40,), (2, 3), (3, 5), (2, 2, 4))
        for shape in shapes if ty == "f32" else ((48,), (3,), (17,), (2, 5)):
            n = math.prod(shape)
            text = transformed(on_vectors(names, ty, shape), f"--dropout-math-to-libmvec=vector-bits={bits}")
            check("math." not in text, f"{bits} bits: a math op is left")
            got = run(text, (x[:n].reshape(shape), y[:n].reshape(shape)), len(names), f"{bits} bits, {ty}, {shape}")
            got = [r.ravel() for r in got]
            near(got, x[:n], y[:n], names, ty, f"{bits} bits, vector of {shape}")
            first = first or got
            for name, a, b in zip(names, first, got):
                ok = (oracle.bits(a)[:n] == oracle.bits(b)) | oracle.is_nan(b, ty)
                check(ok.all(), f"{bits} bits, vector of {shape}: math.{name} of {ty} has other bits than in a vector of 48")

# Masks do not depend on who computes, nor does what is dropped.
for shape in ("1000003x", "501x1003x"):
    t, m = f"tensor<{shape}f32>", f"tensor<{shape}i1>"
    text = f"""func.func @f(%x: {t}) -> ({t}, {m}) {{
  %s = arith.constant 42 : i64
  %o = arith.constant 7 : i64
  %0 = math.erf %x : {t}
  %1 = math.exp %0 : {t}
  %y, %m = dropout.element %1 p = 0.3 rng(%s, %o) : {t}, {m}
  return %y, %m : {t}, {m}
}}"""
    dims = tuple(int(v) for v in shape[:-1].split("x"))
    x = np.random.default_rng(3).standard_normal(dims).astype(np.float32)
    keep = oracle.mask("element", dims, .3, 42, 7)
    plain = np.exp(reference("erf", x.ravel(), None, "f32")) / np.float64(.7)
    for flags in ([], ["--no-vector-math"], ["--lowering=linalg"], ["--lowering=affine"], ["--num-threads=2"]):
        y, mask = run(text, (x,), 2, f"mask {flags}", flags=flags)
        check((mask == keep).all(), f"{flags}: another mask")
        check((oracle.bits(y)[~keep] == 0).all(), f"{flags}: what is dropped is not +0")
        d = np.abs(y.ravel() / plain - 1)[keep.ravel()]
        check(d.max() < 2.0 ** -19, f"{flags}: kept values are {d.max()} off")

# Which functions are called, and what an object links with.
f = write(program(["erf", "exp"], "f32"))
for flags, calls in (([], libmvec()), (["--no-vector-math"], False)):
    r = execute(command(f, flags=["--emit=asm", *flags]))
    check(r.returncode == 0 and ("_ZGV" in r.stdout) == calls, f"{flags}: expected calls of libmvec: {calls}\n{r.stderr}")
    check(calls or "erff" in r.stdout, f"{flags}: expected calls of libm")

# The file cache keeps them apart.
x = np.linspace(-4, 4, 1024, dtype=np.float32)
text, cache = program(["erf"], "f32"), path("cache")
want = [run(text, (x, x), 1, flags=flags)[0] for flags in ([], ["--no-vector-math"])]
check(not libmvec() or (want[0] != want[1]).any(), "expected libmvec's bits to differ somewhere from libm's")
for turn in range(2):
    for flags, w in zip(([], ["--no-vector-math"]), want):
        got, = run(text, (x, x), 1, flags=[*flags, f"--cache-dir={cache}"])
        check((got == w).all(), f"turn {turn}, {flags}: got the program of the other option from the cache")
done()
