# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The oracle: mask contract version 1 and the value contract, in NumPy, written
# from docs/DropoutDialect.md sections 2 and 3 and from nothing else. It shares no
# code with the compiler, is slow where that is clearer, and is exact: masks
# are integers, f32 and f64 fma are correctly rounded.
#
# `python3 oracle.py` is its own test: every known answer of the contract, the
# published Philox vectors, fma against exact fractions; then it plants defects
# in itself and demands that each is noticed.
#
# Arrays: f16, f32 and f64 are NumPy floats; bf16 is uint16 holding the bits.

import ctypes, ctypes.util, math, struct, sys, zlib
from fractions import Fraction
import numpy as np

U64 = np.uint64
LO32 = U64(0xFFFFFFFF)
ALPHA = -1.7580993408473768
FORK_BIT = 1 << 62
TYPES = ("f16", "bf16", "f32", "f64")
DTYPE = {"f16": np.float16, "bf16": np.uint16, "f32": np.float32, "f64": np.float64, "i1": np.bool_,
         "i8": np.int8, "i32": np.int32, "i64": np.int64}
BITS = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}
KINDS = ("element", "channel", "alpha", "feature_alpha")


# ---- Philox and the mask ------------------------------------------------------------------------------------------

def philox(counter, key, rounds=10):
    """Philox4x32-R: four counter words and two key words (uint64 arrays below 2^32) to four words."""
    c0, c1, c2, c3 = (np.asarray(c, U64) for c in counter)
    k0, k1 = (int(k) for k in key)
    for _ in range(rounds):
        a, b = c0 * U64(0xD2511F53), c2 * U64(0xCD9E8D57)
        c0, c1, c2, c3 = (b >> U64(32)) ^ c1 ^ U64(k0), b & LO32, (a >> U64(32)) ^ c3 ^ U64(k1), a & LO32
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c0, c1, c2, c3


def split(v):
    v = int(v) & (2**64 - 1)
    return v & 0xFFFFFFFF, v >> 32


def block(b, seed, offset, rounds):
    """Blocks b (uint64 array of n) as an array of n x 8 halfwords, low half of word 0 first."""
    b = np.asarray(b, U64)
    olo, ohi = split(offset)
    words = philox((b & LO32, b >> U64(32), np.full_like(b, olo), np.full_like(b, ohi)), split(seed), rounds)
    words = np.stack(words, axis=-1)
    return np.stack([words & U64(0xFFFF), words >> U64(16)], axis=-1).reshape(b.shape + (8,))


def block_bytes(b, seed, offset, rounds):
    h = block(b, seed, offset, rounds)
    return np.stack([h & U64(0xFF), h >> U64(8)], axis=-1).reshape(h.shape[:-1] + (16,))


def gather(i, per, source):
    """source(block numbers)[i mod per] at block i div per; a block is computed once where indices are dense."""
    flat = np.ascontiguousarray(i, U64).reshape(-1)
    if flat.size == 0:
        return np.zeros(np.shape(i), U64)
    b = flat // U64(per)
    lo, hi = int(b.min()), int(b.max())
    blocks, where = ((np.arange(hi - lo + 1, dtype=U64) + U64(lo), b - U64(lo)) if hi - lo < 2 * flat.size + 16 else
                     np.unique(b, return_inverse=True))
    return source(blocks)[where.astype(np.int64), (flat % U64(per)).astype(np.int64)].reshape(np.shape(i))


def high(i, seed, offset, rounds=10):
    return gather(i, 8, lambda b: block(b, seed, offset, rounds))


def low(i, seed, offset, rounds=10):
    return gather(i, 8, lambda b: block(b | U64(1 << 63), seed, offset, rounds))


def uniform(i, seed, offset, rounds=10):
    return (high(i, seed, offset, rounds) << U64(16)) + low(i, seed, offset, rounds)


def roundeven(v):
    return int(np.rint(np.float64(v)))


def threshold(p):
    t = roundeven(float(p) * 2.0**32)
    return min(max(t, 1), 2**32 - 1) if 0 < p < 1 else t


def byte_threshold(p):
    k = roundeven(float(p) * 256.0)
    if 0 < p < 1 and k in (0, 256):
        raise ValueError(f"p = {p} has no 8-bit threshold")
    return k


def effective(p, resolution=16):
    return p if resolution == 16 else byte_threshold(p) / 256


def index(shape, at=None, of=None):
    """Row-major linear index in `of` of every element of a slice of `shape` at `at`."""
    of, at = tuple(shape if of is None else of), tuple(at or (0,) * len(shape))
    assert len(at) == len(of) == len(shape)
    out, stride = np.zeros(shape, U64), 1
    for d in reversed(range(len(shape))):
        line = np.arange(shape[d], dtype=U64) + U64(at[d])
        out += (line * U64(stride)).reshape((-1,) + (1,) * (len(shape) - 1 - d))
        stride *= of[d]
    assert stride < 2**63
    return out


def dims_of(kind, rank, dims=None):
    if kind in ("element", "alpha"):
        return list(range(rank))
    return [0, 1] if dims is None else list(dims)


def keep_at(i, p, seed, offset, rounds=10, resolution=16):
    """1 where element i is kept, in training."""
    if resolution == 8:
        return gather(i, 16, lambda b: block_bytes(b, seed, offset, rounds)) >= U64(byte_threshold(p))
    return uniform(i, seed, offset, rounds) >= U64(threshold(p))


def mask(kind, shape, p, seed, offset, *, dims=None, rounds=10, resolution=16, training=True, at=None, of=None):
    """The mask result of an op on a tensor of `shape`: it has the shape of the dims listed, in that order."""
    dims = dims_of(kind, len(shape), dims)
    pick = lambda v: None if v is None else [v[d] for d in dims]
    i = index([shape[d] for d in dims], pick(at), pick(of))
    return np.asarray(keep_at(i, p, seed, offset, rounds, resolution)) if training else np.ones(i.shape, bool)


def broadcast(m, shape, dims):
    """A mask of the listed dims spread over the whole tensor."""
    order = np.argsort(dims, kind="stable").astype(int) if dims else []
    return np.broadcast_to(np.transpose(m, order).reshape([s if d in dims else 1 for d, s in enumerate(shape)]), shape)


def fork(seed, name, rank):
    fnv = 0xCBF29CE484222325
    for c in name.encode():
        fnv = ((fnv ^ c) * 0x100000001B3) & (2**64 - 1)
    w = philox(split(rank | FORK_BIT) + split(fnv), split(seed))
    return int(w[0]) | int(w[1]) << 32


# ---- Arithmetic -----------------------------------------------------------------------------------------------------

def bits(x):
    x = np.asarray(x)
    return np.ascontiguousarray(x).view(BITS[x.dtype.itemsize]).reshape(x.shape)


def is_nan(x, ty):
    return (bits(x) & 0x7FFF) > 0x7F80 if ty == "bf16" else np.isnan(x)


def widen(x, ty):
    if ty == "bf16":
        return (np.asarray(x).astype(np.uint32) << np.uint32(16)).view(np.float32)
    return np.asarray(x).astype(np.float64 if ty == "f64" else np.float32)


def narrow(v, ty):
    """From the compute type to the element type: once, to nearest even."""
    if ty != "bf16":
        return np.asarray(v).astype(DTYPE[ty])
    w = bits(np.asarray(v, np.float32)).astype(np.uint64)
    r = ((w + U64(0x7FFF) + ((w >> U64(16)) & U64(1))) >> U64(16)).astype(np.uint16)
    return np.where(np.isnan(v), (w >> U64(16)).astype(np.uint16) | np.uint16(0x40), r)


def fma32(a, x, b):
    """f32 fma: the f64 product is exact, the sum is rounded to odd, so the rounding to f32 is the only one."""
    p, c = np.asarray(a, np.float64) * np.asarray(x, np.float64), np.asarray(b, np.float64)
    p, c = np.broadcast_arrays(p, c)
    s = p + c
    z = s - p
    err = (p - (s - z)) + (c - z)  # TwoSum: s + err is exactly p + c
    fix = np.isfinite(s) & (err != 0) & ((bits(s) & U64(1)) == 0)
    return np.where(fix, np.nextafter(s, np.where(err > 0, np.inf, -np.inf)), s).astype(np.float32)


LIBM = ctypes.CDLL(ctypes.util.find_library("m") or "libm.so.6")
LIBM.fma.restype, LIBM.fma.argtypes = ctypes.c_double, [ctypes.c_double] * 3


def fma64(a, x, b):
    x = np.asarray(x, np.float64)
    return np.array([LIBM.fma(a, v, b) for v in x.reshape(-1).tolist()], np.float64).reshape(x.shape)


def alpha_constants(p):
    """a, b, d in f64, in the order that the contract gives."""
    q = 1.0 - p
    v = q + ((ALPHA * ALPHA) * q) * p
    a = 1.0 / math.sqrt(v)
    b = -((a * p) * ALPHA)
    return a, b, a * ALPHA + b


def apply(kind, x, ty, p, seed, offset, *, dims=None, rounds=10, resolution=16, training=True, at=None, of=None,
          backward=False):
    """y of a forward op, or dx of a backward op. Returns (values, where kept NaNs may differ in payload)."""
    x = np.asarray(x)
    assert x.dtype == DTYPE[ty], (x.dtype, ty)
    p = effective(p, resolution)
    if not training or p == 0:
        return x.copy(), np.zeros(x.shape, bool)
    d = dims_of(kind, x.ndim, dims)
    kept = broadcast(mask(kind, x.shape, p, seed, offset, dims=dims, rounds=rounds, resolution=resolution, at=at, of=of),
                     x.shape, d)
    compute = np.float64 if ty == "f64" else np.float32
    if p == 1:
        return np.zeros(x.shape, DTYPE[ty]), kept
    with np.errstate(all="ignore"):
        w, dropped = widen(x, ty), np.zeros((), DTYPE[ty])
        if kind in ("element", "channel"):
            y = w * compute(1.0 / (1.0 - p))
        else:
            a, b, fill = (compute(c) for c in alpha_constants(p))
            y = w * a if backward else fma64(a, w, b) if ty == "f64" else fma32(a, w, b)
            if not backward:
                dropped = narrow(fill, ty)
        return np.where(kept, narrow(y, ty), dropped), kept


def count_kept(n, p, seed, offset):
    m = keep_at(np.arange(n, dtype=U64), p, seed, offset)
    return int(m.sum()), f"{zlib.crc32(m.astype(np.uint8).tobytes()):08x}"


# ---- Self-test ------------------------------------------------------------------------------------------------------

BITS32 = [  # seed, offset, first element, p, rounds, resolution, 32 keep bits: docs/DropoutDialect.md
    (0, 0, 0, .5, 10, 16, "10111111110001101000000011000100"),
    (42, 7, 0, .3, 10, 16, "11011111111111101011111111111111"),
    (0x0123456789ABCDEF, 0xFEDCBA9876543210, 3, .1, 10, 16, "11111111111111111110111111111110"),
    (42, 7, 2**35 - 5, .3, 10, 16, "11011011111111011101111110111111"),
    (42, 7, 0, .3, 7, 16, "11111101010111010101111111010111"),
    (42, 7, 0, .3, 10, 8, "01111011011111110111110111110110")]
TIES = (7435, 94585, 111642, 335507)  # seed 42, offset 7, p .3: the first three (dropped), the first that is kept
CRCS = [(42, 7, .3, 733411, "aa6eaa79"), (1, 0, .1, 944396, "8df1c9eb"), (99, 12345, .9, 104273, "735d90ed")]
FORKS = [(0, "data", 0, 0x06DDEB8E89FD7D0B), (42, "data", 3, 0x41B50BE9AF90AE88), (42, "tensor", 3, 0xABC910F860DF55E0)]
ZERO, ONES = (0,) * 6, (0xFFFFFFFF,) * 6
PI = (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344, 0xA4093822, 0x299F31D0)
PHILOX = [  # Random123 kat_vectors: rounds, counter and key, words
    (10, ZERO, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"), (10, ONES, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    (10, PI, "d16cfe09 94fdcceb 5001e420 24126ea1"), (7, ZERO, "5f6fb709 0d893f64 4f121f81 4f730a48"),
    (7, ONES, "5207ddc2 45165e59 4d8ee751 8c52f662"), (7, PI, "4dfccaba 190a87f0 c47362ba b6b5242a")]
CONSTANTS = [  # p, a, b, d to 15 digits, computed with the formulas in another program
    (.05, .954844476005031, .0839355721938102, -1.59477587168239),
    (.1, .921284516149712, .16197097005757, -1.45773873051813),
    (.3, .860952616246356, .454092068137063, -1.05954815898648),
    (.5, .886404894665932, .779193930518032, -.779193930518032),
    (.9, 1.62610827604013, 2.57297389942736, -.285885988825262)]


def round_fraction(f, precision, emin):
    """A fraction rounded to nearest even, to `precision` bits, least exponent emin: by integers only."""
    if f == 0:
        return 0.0
    n, d = abs(f.numerator), f.denominator
    e = n.bit_length() - d.bit_length()
    e -= Fraction(n, d) < Fraction(2)**e
    ulp = Fraction(2)**max(e - precision + 1, emin)
    q, r = divmod(abs(f), ulp)
    q += r * 2 > ulp or (r * 2 == ulp and q % 2 == 1)
    return float(q * ulp) * (-1 if f < 0 else 1)


def known_answers():
    """Raises AssertionError at the first answer that is not as published."""
    for rounds, ck, words in PHILOX:
        assert " ".join(f"{int(w):08x}" for w in philox(ck[:4], ck[4:], rounds)) == words, "philox vectors"
    for seed, offset, first, p, rounds, resolution, want in BITS32:
        m = keep_at(U64(first) + np.arange(32, dtype=U64), p, seed, offset, rounds, resolution)
        assert "".join(map(str, m.astype(int))) == want, f"keep bits of seed {seed} offset {offset} p {p}"
        m = mask("element", (32,), p, seed, offset, rounds=rounds, resolution=resolution, at=[first], of=[2**36])
        assert "".join(map(str, m.astype(int))) == want, "keep bits through `at`"
    assert threshold(.3) == 0x4CCCCCCD and threshold(.5) == 2**31 and threshold(0.) == 0 and threshold(1.) == 2**32
    assert threshold(1e-320) == 1 and threshold(math.nextafter(1, 0)) == 2**32 - 1
    assert threshold(1.5 / 2**32) == 2 and threshold(2.5 / 2**32) == 2, "ties of T to even"
    ties = np.flatnonzero(high(np.arange(2**19), 42, 7) == threshold(.3) >> 16)
    kept = keep_at(ties, .3, 42, 7)
    assert (*ties[:3], *ties[kept][:1]) == TIES and not kept[:3].any(), "ties"
    for seed, offset, p, kept, crc in CRCS:
        assert count_kept(2**20, p, seed, offset) == (kept, crc), "count and CRC-32"
    for seed, name, rank, want in FORKS:
        assert fork(seed, name, rank) == want, "fork"
    # Layout: a slice keeps the indices of the whole; mask_dims order is index order; [] is one draw.
    whole = mask("element", (6, 10), .4, 1, 2)
    assert np.array_equal(mask("element", (2, 3), .4, 1, 2, at=[3, 4], of=[6, 10]), whole[3:5, 4:7]), "slice"
    assert np.array_equal(mask("channel", (6, 5, 10), .4, 1, 2, dims=[2, 0]), mask("element", (10, 6), .4, 1, 2)), "order"
    x = np.arange(1, 61, dtype=np.float32).reshape(6, 10)
    y = apply("channel", x, "f32", .4, 1, 2, dims=[1, 0])[0]
    assert ((y != 0) == mask("element", (10, 6), .4, 1, 2).T).all(), "broadcast of permuted mask_dims"
    assert mask("channel", (3, 3), .5, 0, 0, dims=[]).shape == () and mask("element", (), .5, 0, 0).shape == ()
    # Constants and arithmetic.
    for p, *want in CONSTANTS:
        assert np.allclose(alpha_constants(p), want, rtol=3e-14, atol=0), f"alpha constants of p {p}"
    assert alpha_constants(.5)[1:] == (-alpha_constants(.5)[2], alpha_constants(.5)[2])
    assert struct.pack(">d", ALPHA).hex() == "bffc212cc640f031", "alpha'"
    rng = np.random.default_rng(1)
    for precision, emin, ty, fn in ((24, -149, np.float32, fma32), (53, -1074, np.float64, fma64)):
        n, lim = 400, 20 if precision == 24 else 200
        for k in range(n):
            a, x, b = (ty(math.ldexp(rng.uniform(1, 2), int(rng.integers(-lim, lim)))) for _ in range(3))
            if k % 2:  # the sum lies just beside a tie of the result: naive double rounding goes wrong here
                a, x = ty(1 + 2.0**-(precision - 1)), ty(1.5 if k % 4 == 1 else 1 + 2.0**-(precision // 2))
                b = ty(math.ldexp(1, int(rng.integers(-2 * precision, 3)))) * ty(-1 if k % 8 > 4 else 1)
            if k % 5 == 0:
                a, x = ty(a * 2.0**(emin // 2)), ty(x * 2.0**(emin // 2 + precision // 2))
            want = round_fraction(Fraction(float(a)) * Fraction(float(x)) + Fraction(float(b)), precision, emin)
            assert float(fn(a, np.array([x]), b)[0]) == want, f"fma {ty.__name__}({a!r}, {x!r}, {b!r})"
    a = np.float32(1 + 2.0**-12)  # a*a + 2^-60: f64 alone would round the tie to even, the truth is above it
    assert fma32(a, np.array([a]), np.float32(2.0**-60))[0] == np.float32(1 + 2.0**-11 + 2.0**-23), "double rounding"
    for f, want in ((1.0234375, 0x3F83), (1.0 + 2**-8, 0x3F80), (1.0 + 3 * 2**-8, 0x3F82), (3.4e38, 0x7F80), (2.**-134, 0),
                    (float.fromhex("0x1.0002p-134"), 1), (-0.0, 0x8000)):
        assert int(narrow(np.float32(f), "bf16")) == want, f"bf16 of {f}"
    # Values: select, never multiply; eval and p = 0 bit for bit; p = 1 is +0; the constants are not those of bf16.
    nasty = np.array([np.nan, np.inf, -np.inf, -0.0, 1e-45, -1.0, 3.0, 0.0] * 8, np.float32)
    snan = nasty.copy(); snan.view(np.uint32)[::8] = 0x7F800001
    for kind in ("element", "alpha"):
        for back in (False, True):
            y, kept = apply(kind, nasty, "f32", .5, 3, 4, backward=back)
            a, b, d = alpha_constants(.5)
            fill = np.float32(d if kind == "alpha" and not back else 0)
            assert (bits(y[~kept]) == bits(fill)).all(), "dropped values"
            assert np.isnan(y[kept]).sum() == (np.isnan(nasty) & kept).sum(), "kept NaNs"
            one = y[kept & (nasty == 3)][0]
            want = 6.0 if kind == "element" else np.float32(a) * np.float32(3) if back else fma32(a, 3, b)
            assert one == want, "kept value"
            for off in (dict(training=False), dict(p=0.0), dict(p=0.0, training=False), dict(p=1.0, training=False)):
                y, loose = apply(kind, snan, "f32", off.get("p", .5), 3, 4, training=off.get("training", True), backward=back)
                assert (bits(y) == bits(snan)).all() and not loose.any(), "identity"
            assert (bits(apply(kind, nasty, "f32", 1.0, 3, 4, backward=back)[0]) == 0).all(), "p = 1"
    x = np.full(64, 0x3F83, np.uint16)
    assert set(apply("element", x, "bf16", .1, 0, 0)[0].tolist()) <= {0, int(narrow(np.float32(1.0234375 / .9), "bf16"))}
    assert np.isclose(apply("element", np.ones(99, np.float32), "f32", .1, 0, 0, resolution=8)[0].max(), 256 / 230)


def mutants():
    """(name, the planted defect as new globals): each must be noticed by known_answers()."""
    g = globals()
    old = {k: g[k] for k in ("philox", "block", "low", "high", "threshold", "keep_at", "index", "narrow", "fma32", "fork",
                             "broadcast", "alpha_constants", "apply", "byte_threshold", "block_bytes", "mask")}

    def masked(**change):  # mask with some options lost
        return lambda kind, shape, p, s, o, **kw: old["mask"](kind, shape, p, s, o, **{**kw, **change})

    def applied(f):
        return lambda kind, x, ty, p, s, o, **kw: f(old["apply"], kind, x, ty, p, s, o, kw)

    def multiply(ap, kind, x, ty, p, s, o, kw):
        y, k = ap(kind, x, ty, p, s, o, **kw)
        return (np.where(k, y, x * np.float32(0)), k) if ty == "f32" and y.size else (y, k)

    yield "9 rounds", dict(philox=lambda c, k, r=10: old["philox"](c, k, r - 1))
    yield "rounds ignored", dict(philox=lambda c, k, r=10: old["philox"](c, k, 10))
    yield "key words swapped", dict(philox=lambda c, k, r=10: old["philox"](c, k[::-1], r))
    yield "halfwords high first", dict(block=lambda *a: old["block"](*a)[..., [1, 0, 3, 2, 5, 4, 7, 6]])
    yield "word order", dict(block=lambda *a: old["block"](*a)[..., [2, 3, 0, 1, 4, 5, 6, 7]])
    yield "seed and offset exchanged", dict(block=lambda b, s, o, r: old["block"](b, o, s, r))
    yield "offset in 32 bits", dict(block=lambda b, s, o, r: old["block"](b, s, int(o) & 0xFFFFFFFF, r))
    yield "seed in 32 bits", dict(block=lambda b, s, o, r: old["block"](b, int(s) & 0xFFFFFFFF, o, r))
    yield "block number in 32 bits", dict(block=lambda b, s, o, r: old["block"](
        b & U64(0x80000000FFFFFFFF), s, o, r))
    yield "index in 32 bits", dict(index=lambda *a: old["index"](*a) & LO32)
    yield "no second block", dict(low=lambda i, s, o, r=10: old["high"](i, s, o, r))
    yield "second block at bit 62", dict(low=lambda i, s, o, r=10: gather(i, 8, lambda b: block(b | U64(1 << 62), s, o, r)))
    yield "16-bit threshold", dict(low=lambda i, s, o, r=10: old["high"](i, s, o, r) * U64(0) + U64(0xFFFF))
    yield "u > T", dict(high=lambda *a: old["high"](*a), keep_at=lambda i, p, s, o, r=10, z=16: (
        uniform(i, s, o, r) > U64(threshold(p)) + U64(0xFFFF)))
    yield "keep inverted", dict(keep_at=lambda *a, **k: ~old["keep_at"](*a, **k))
    yield "T truncated", dict(threshold=lambda p: int(p * 2.0**32) if p in (0, 1) else max(1, int(p * 2.0**32)))
    yield "T not clamped", dict(threshold=lambda p: roundeven(p * 2.0**32))
    yield "T half up", dict(threshold=lambda p: min(max(int(p * 2.0**32 + .5), 1), 2**32 - (p != 1)) if p else 0)
    yield "bytes high first", dict(block_bytes=lambda *a: old["block_bytes"](*a).reshape(-1, 8, 2)[..., ::-1].reshape(-1, 16))
    yield "byte threshold off by one", dict(byte_threshold=lambda p: old["byte_threshold"](p) + 1)
    yield "at ignored", dict(mask=masked(at=None, of=None))
    yield "mask_dims order ignored", dict(mask=lambda kind, sh, p, s, o, dims=None, **kw: old["mask"](
        kind, sh, p, s, o, dims=sorted(dims) if dims else dims, **kw))
    yield "broadcast in the listed order", dict(broadcast=lambda m, sh, d: np.broadcast_to(m.reshape(
        [s if k in d else 1 for k, s in enumerate(sh)]), sh))
    yield "fork without bit 62", dict(FORK_BIT=0)
    yield "fork ignores rank", dict(fork=lambda s, n, r: old["fork"](s, n, 0))
    yield "fma in two roundings", dict(fma32=lambda a, x, b: (np.float32(a) * np.asarray(x, np.float32)) + np.float32(b))
    yield "fma through f64 alone", dict(fma32=lambda a, x, b: (np.float64(a) * np.asarray(x, np.float64) + np.float64(b)
                                                             ).astype(np.float32))
    yield "alpha' of the papers' code", dict(ALPHA=-1.7580993408473766)
    yield "alpha constants without the affine", dict(alpha_constants=lambda p: (1.0, 0.0, ALPHA))
    yield "bf16 truncated", dict(narrow=lambda v, ty: (bits(np.asarray(v, np.float32)) >> np.uint32(16)).astype(
        np.uint16) if ty == "bf16" else old["narrow"](v, ty))
    yield "multiplied, not selected", dict(apply=applied(multiply))
    yield "identity quiets NaN", dict(apply=applied(lambda ap, kind, x, ty, p, s, o, kw: (
        lambda r: (narrow(widen(r[0], ty) * 1, "f32") if ty == "f32" and not r[1].any() else r[0], r[1]))(ap(kind, x, ty, p, s, o, **kw))))
    yield "p = 1 as any p", dict(apply=applied(lambda ap, kind, x, ty, p, s, o, kw: ap(
        kind, x, ty, math.nextafter(1, 0) if p == 1 else p, s, o, **kw)))
    yield "gradient gets the fill", dict(apply=applied(lambda ap, kind, x, ty, p, s, o, kw: ap(
        kind, x, ty, p, s, o, **{**kw, "backward": False})))
    yield "training ignored", dict(apply=applied(lambda ap, kind, x, ty, p, s, o, kw: ap(
        kind, x, ty, p, s, o, **{**kw, "training": True})))
    yield "constants of p, not k/256", dict(effective=lambda p, r=16: p)


def self_test():
    known_answers()
    missed, n = [], 0
    for name, change in mutants():
        saved = {k: globals()[k] for k in change}
        globals().update(change)
        try:
            known_answers()
            missed.append(name)
        except AssertionError:
            n += 1
        finally:
            globals().update(saved)
    known_answers()
    assert not missed, f"planted defects that nothing noticed: {missed}"
    print(f"oracle: known answers hold, {n} planted defects were all noticed")


if __name__ == "__main__":
    np.seterr(all="ignore")
    self_test()
