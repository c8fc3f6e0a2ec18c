# RUN: %python %s
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Masks of compiled code behave like independent draws: rate, lags, lanes,
# dispersion, joint patterns, slices, steps (offset t, t + 1), seeds and the
# distribution of p-values. Each check states its size and the smallest defect it
# sees; the last part plants defects and demands that the right checks see them,
# and that fair masks pass. Bound: |z| <= 6 (two-sided 2e-9) everywhere; seeds
# are fixed, so a failure is a defect and not bad luck.

import math, os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
sys.dont_write_bytecode = True
import numpy as np
from harness import LOWERINGS, check, done, fp, run

Z, N = 6.0, 2**20


# ---- The checks. Each takes keep bits (and p) and returns the worst |z| and where it was.

def rate(m, p):
    """n = 2^20, z = 6: sees |rate - q| >= .0029 at p .5, .0018 at .1, .0002 at .001. Exact tails where pq n < 400."""
    n, d = m.size, int(m.size - m.sum())
    mean, var = n * p, n * p * (1 - p)
    if var >= 400:
        return abs(d - mean) / var**.5, "rate"
    if p > .5:
        d, p, mean = n - d, 1 - p, n * (1 - p)
    step = 1 if d > mean else -1  # the tail from d outwards; 600 terms are plenty below 400
    tail = sum(math.exp(math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) + k * math.log(p) + (n - k) * math.log1p(-p))
               for k in range(d, max(-1, d - 600) if step < 0 else d + 600, step) if k >= 0)
    return (0 if tail >= .5 else math.sqrt(-2 * math.log(2 * max(tail, 1e-300)))), "rate (exact tail)"


LAGS = sorted(set(range(1, 65)) | {1 << k for k in range(20)} | {v + e for v in (128, 256, 512, 1024, 4096) for e in (-1, 1)})


def lags(m, p, other=None, shifts=LAGS):
    """n = 2^20: sees a correlation of .006 between an element and the one `lag` later (or of another mask)."""
    x = (m.reshape(-1) - (1 - p)).astype(np.float32)
    y = x if other is None else (other.reshape(-1) - (1 - p)).astype(np.float32)
    worst = (0, "")
    for s in shifts:
        if abs(s) < x.size:
            a, b = (x[:x.size - s], y[s:]) if s >= 0 else (x[-s:], y[:s])
            if a.size * min(p, 1 - p)**2 < 30:
                continue  # too few joint drops for a z: one of them would be many sigma
            worst = max(worst, (abs(float(np.dot(a, b))) / (p * (1 - p) * a.size**.5), f"shift {s}"))
    return worst


def lanes(m, p):
    """n = 2^20: sees a lane of 8 that is off by .0083 at p .5, a lane of 1024 by .094."""
    worst = (0, "")
    for k in (2, 3, 4, 7, 8, 16, 31, 32, 64, 128, 256, 1024):
        x = m.reshape(-1)[:m.size // k * k].reshape(-1, k)
        z = np.abs(x.sum(axis=0) - x.shape[0] * (1 - p)) / (x.shape[0] * p * (1 - p))**.5
        worst = max(worst, (float(z.max()), f"lane {int(z.argmax())} of {k}"))
    return worst


def dispersion(m, p):
    """n = 2^20, two-sided: sees a variance of block sums that is off by 1.7% for blocks of 4, 53% for blocks of 4096."""
    worst, v = (0, ""), p * (1 - p)
    for k in (4, 8, 16, 64, 256, 1024, 4096):
        s = m.reshape(-1)[:m.size // k * k].reshape(-1, k).sum(axis=1)
        z = (((s - k * (1 - p))**2).mean() / (k * v) - 1) * s.size**.5 / (2 + (1 - 6 * v) / (k * v))**.5
        worst = max(worst, (abs(float(z)), f"blocks of {k}"))
    return worst


def patterns(m, p):
    """2^17 or 2^18 words: sees any 8-bit (p .5) or 4-bit pattern whose frequency is off by a factor of 1.27 (1.1)."""
    bits, worst = 8 if p == .5 else 4, (0, "")
    for stride in (1, 2, 4, 32, 128, 1024):
        x = m.reshape(-1)[:m.size // (stride * bits) * stride * bits].reshape(-1, bits, stride)
        word = sum(x[:, k, :].astype(np.int64) << k for k in range(bits)).reshape(-1)
        ones = np.array([bin(v).count("1") for v in range(1 << bits)])
        want = word.size * (1 - p)**ones * p**(bits - ones)
        chi = ((np.bincount(word, minlength=1 << bits) - want)**2 / want).sum()
        dof = (1 << bits) - 1
        z = (chi - dof) / (2 * dof + (1 / want).sum() - (dof**2 + 4 * dof + 1) / word.size)**.5
        worst = max(worst, (abs(float(z)), f"{bits}-bit words of stride {stride}"))
    return worst


def slices(m, p):
    """(8, 64, 2048): sees equal slices, and a correlation of .14 (time), .011 (channel) or .006 (sample) of any pair."""
    x = (m.reshape(8, 64, 2048) - (1 - p)).astype(np.float32)
    worst = (0, "")
    for axis, name in ((0, "samples"), (1, "channels")):
        rows = np.moveaxis(x, axis, 0).reshape(x.shape[axis], -1)
        g = np.abs(rows @ rows.T) / (p * (1 - p) * rows.shape[1]**.5)
        np.fill_diagonal(g, 0)
        worst = max(worst, (float(g.max()), f"two {name}"))
    rows = x.reshape(512, 2048)
    g = np.abs(rows @ rows.T) / (p * (1 - p) * 2048**.5)
    np.fill_diagonal(g, 0)
    return max(worst, (float(g.max()), "two (sample, channel) rows"))


CHECKS = {f.__name__: f for f in (rate, lags, lanes, dispersion, patterns, slices)}
STEPS = sorted(set(range(-64, 65)) | {s << k for k in range(7, 13) for s in (-1, 1)})


def steps(rows, p):
    """64 masks of 2^16: sees a correlation of .024 between a mask and the next one, shifted by up to 4096."""
    return max(lags(a, p, b, STEPS) for a, b in zip(rows, rows[1:]))


def pairs(rows, p):
    """All pairs of rows of n elements, e.g. 2^15: agreement p^2 + q^2; sees a correlation of .033."""
    x = (rows - (1 - p)).astype(np.float32)
    g = np.abs(x @ x.T) / (p * (1 - p) * x.shape[1]**.5)
    np.fill_diagonal(g, 0)
    return float(g.max()), "rows " + str(np.unravel_index(int(g.argmax()), g.shape))


def pvalues(rows, p):
    """1000 masks of 4096: Kolmogorov-Smirnov of the rate's z against normal, D sqrt(1000) <= 3.2 (2e-9), scaled to
    z = 6. Sees rates that scatter 60% too much or 40% too little, or are shifted by .3 sigma."""
    n = rows.shape[1]
    z = np.sort((rows.sum(axis=1) - n * (1 - p)) / (n * p * (1 - p))**.5)
    z = z + (np.random.default_rng(0).random(z.size) - .5) / (n * p * (1 - p))**.5  # counts are whole numbers: spread them
    u = np.sort([.5 * math.erfc(-v / 2**.5) for v in z])
    k = np.arange(1, u.size + 1)
    return float(max((k / u.size - u).max(), (u - (k - 1) / u.size).max())) * u.size**.5 * Z / 3.2, "p-values"


def demand(result, what):
    z, where = result
    check(z <= Z, f"{what}: z = {z:.1f} at {where}\n  {run.last}")


# ---- Compiled masks. One row per (seed, offset) of a table, p at run time.
TEXT = """func.func @f(%m: memref<?x?xi1>, %table: memref<?x2xi64>, %p: f64) {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %rows = memref.dim %m, %c0 : memref<?x?xi1>
  %n = memref.dim %m, %c1 : memref<?x?xi1>
  scf.for %r = %c0 to %rows step %c1 {{
    %s = memref.load %table[%r, %c0] : memref<?x2xi64>
    %o = memref.load %table[%r, %c1] : memref<?x2xi64>
    %row = memref.subview %m[%r, 0] [1, %n] [1, 1] : memref<?x?xi1> to memref<?xi1, strided<[1], offset: ?>>
    dropout.mask into %row p(%p){options} rng(%s, %o) : memref<?xi1, strided<[1], offset: ?>>
  }}
  return
}}
"""
turn = 0


def masks(table, n, p, options=""):
    """One mask of n elements per (seed, offset), from the lowering whose turn it is."""
    global turn
    turn += 1
    table = np.array([[v & (2**64 - 1) for v in row] for row in table], np.uint64).view(np.int64)
    out = run(TEXT.format(options=options), [np.zeros((len(table), n), bool), table, float(p)], 2, f"masks at p {p}",
              lowering=LOWERINGS[turn % len(LOWERINGS)])
    return out[0]


for p, options in ((.5, ""), (.3, ""), (.1, ""), (.9, ""), (.5, " rounds = 7"), (.5, " resolution = 8"),
                   (.25, " rounds = 7 resolution = 8")):
    m = masks([(2024, 11)], N, p, options)[0]
    for name, f in CHECKS.items():
        demand(f(m, p), f"{name} of p {p}{options}")
for p in (7e-6, 1e-4, .001, .01, .25, 1 / 3, .75, .99, .999, .9999):
    m = masks([(77 + k, 5) for k in range(4)], N, p)  # 2^22: 7e-6 expects 29 drops; a 16-bit threshold gives none
    demand(rate(m, p), f"rate of p {p}")
for p in (.5, .1):
    demand(steps(masks([(31, t) for t in range(2**32 - 8, 2**32 + 8)], 2**16, p), p), f"steps at p {p}")
    demand(steps(masks([(s, 31) for s in range(16)], 4099, p), p), f"neighbouring seeds at p {p}")
    base = (0x0123456789ABCDEF, 0x0F1E2D3C4B5A6978)
    table = [base] + [(base[0] ^ 1 << k, base[1]) for k in range(64)] + [(base[0], base[1] ^ 1 << k) for k in range(64)]
    demand(pairs(masks(table, 2**15, p), p), f"one bit of seed or offset at p {p}")
    demand(pvalues(masks([(s, 0) for s in range(1000)], 4096, p), p), f"1000 seeds at p {p}")

# ---- The checks see what they should. Fair masks come from NumPy's own generator.
rng = np.random.default_rng(20240607)
fair = lambda n=N, p=.5: rng.random(n) >= p
for p in (.5, .3, .1):
    m = fair(N, p)
    for name, f in CHECKS.items():
        z, where = f(m, p)
        check(z <= Z, f"self-test: {name} rejects a fair mask, z = {z:.1f} at {where}")
rows = fair((16, 2**16))
for f, r in ((steps, rows), (pairs, fair((129, 2**15))), (pvalues, fair((1000, 4096)))):
    z, where = f(r, .5)
    check(z <= Z, f"self-test: {f.__name__} rejects fair masks, z = {z:.1f}")

i = np.arange(N)
m = fair()
u = rng.random(N)
planted = [  # name, mask, p it claims, checks of which each must see it
    ("8-bit threshold", u >= 3 / 256, .01, ["rate"]), ("16-bit threshold", fair(4 * N, 0), 7e-6, ["rate"]),
    ("uniform in bf16", u.astype(np.float32) < .9961, .001, ["rate"]), ("rate inverted", u < .3, .3, ["rate"]),
    ("rate off by .004", u >= .504, .5, ["rate"]), ("period 1024", m[i % 1024], .5, ["lags", "lanes", "patterns", "slices"]),
    ("period 2^19", m[i % 2**19], .5, ["lags", "slices"]), ("a word for two elements", m[i // 2], .5, ["lags", "dispersion", "patterns"]),
    ("antithetic pairs", np.where(i % 2 == 1, ~m[i - 1], m), .5, ["lags", "dispersion", "patterns"]),
    ("exactly half of every 64", np.argsort(np.argsort(rng.random((N // 64, 64)), axis=1), axis=1).reshape(-1) < 32, .5, ["dispersion"]),
    ("a stuck lane", np.where(i % 16 == 5, True, m), .5, ["rate", "lanes", "dispersion"]),
    ("a lane at .53", np.where(i % 8 == 3, u >= .47, u >= .5), .5, ["lanes"]),
    ("tail not dropped", np.where(i >= N - 8192, True, m), .5, ["rate", "dispersion"]),
    ("parity of 8 fixed", np.where(i % 8 == 7, np.bitwise_xor.reduce(m.reshape(-1, 8)[:, :7], axis=1).repeat(8), m), .5, ["patterns"]),
    ("every sample alike", m.reshape(8, -1)[:1].repeat(8, axis=0), .5, ["slices"]),
    ("four channels alike", m.reshape(8, 64, 2048)[:, ::4].repeat(4, axis=1), .5, ["slices"]),
    ("one row twice", np.concatenate([m[:-2048], m[4096:6144]]), .5, ["slices"])]
seen = set()
for name, mask, p, by in planted:
    for check_name in by:
        z, _ = CHECKS[check_name](mask, p)
        check(z > Z, f"self-test: {check_name} does not see the planted defect '{name}', z = {z:.1f}")
        seen.add(check_name)
check(seen == set(CHECKS), f"self-test: nothing planted for {set(CHECKS) - seen}")
same = rows.copy(); same[9] = same[8]
shift = rows.copy(); shift[9] = np.roll(shift[8], 37)
weak = rows.copy(); weak[9] = np.where(rng.random(2**16) < .05, weak[8], weak[9])
for name, r in (("same mask twice", same), ("mask shifted", shift), ("5% taken over", weak)):
    check(steps(r, .5)[0] > Z, f"self-test: steps does not see '{name}'")
r = fair((129, 2**15)); r[77, ::16] = r[3, ::16]
check(pairs(r, .5)[0] > Z, "self-test: pairs does not see two seeds that share a lane")
check(pvalues(fair((1000, 1024)).repeat(4, axis=1), .5)[0] > Z, "self-test: pvalues misses draws used four times")
f = fair((1000, 1800))
check(pvalues(np.concatenate([f, ~f, fair((1000, 496))], axis=1), .5)[0] > Z, "self-test: pvalues misses antithetic draws")
check(pvalues(fair((1000, 4096), .495), .5)[0] > Z, "self-test: pvalues misses a shift")
done()
