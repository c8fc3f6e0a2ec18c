# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The value contract: what is kept, what is dropped, the identities of p = 0 and
# evaluation bit for bit, and NaNs and infinities that do not leak.

import harness
import numpy as np
import oracle
from support import DTYPES, KINDS, SEEDS, TYPES, bits, call, md, ours, process_state, random, same, want

NAMES = [(kind, ty, backward) for kind in KINDS for ty in TYPES for backward in (False, True)]


def test_special_values():
    for k, (kind, ty, backward) in enumerate(NAMES):
        x = ours(harness.specials((24, 9), ty, k), ty)
        for p in (0.0, 2.0**-32, .1, .5, .9, 1.0):
            for training in (True, False):
                seed, offset = SEEDS[k % 20]
                options = dict(seed=seed, offset=offset, training=training, backward=backward)
                what = f"{kind} {ty} backward {backward} p {p} training {training}"
                y, loose = want(kind, x, ty, p, seed, offset, training=training, backward=backward)
                got = call(kind, x, p, **options)
                same(got, y, what, loose)
                if not training or p == 0:
                    same(got, x, what + ": the identity, bit for bit")
                elif p == 1:
                    assert not bits(got).any(), what + ": +0 everywhere"
                same(call(kind, x.copy(), p, inplace=True, **options), got, what + " in place")


def test_dropped_values_do_not_leak():
    n = 4096
    for k, (kind, ty, backward) in enumerate(NAMES):
        seed, offset = SEEDS[k % 20]
        shape = (n, 1) if kind in ("channel", "feature_alpha") else (n,)
        m = md.mask(shape, .5, seed=seed, offset=offset)
        for bad in (np.nan, np.inf, -np.inf):
            x = random(shape, ty, k)
            x[~m] = bad
            y = call(kind, x, .5, backward, seed=seed, offset=offset)
            assert np.isfinite(y.astype(np.float64)).all(), f"{kind} {ty} backward {backward}: {bad} leaks"
            dropped = np.unique(bits(y[~m]))
            assert dropped.size == 1, f"{kind} {ty} backward {backward}: one value for all that is dropped"
            x[...] = bad
            y = call(kind, x, .5, backward, seed=seed, offset=offset)
            assert not np.isfinite(y[m].astype(np.float64)).any(), f"{kind} {ty}: a kept {bad} stays"


def test_gradient_is_the_slope():
    """backward is the derivative of forward: exact where both are exact, on dy of powers of two."""
    x = np.zeros((64, 64))
    step = np.ones((64, 64))
    for k, kind in enumerate(KINDS):
        seed, offset = SEEDS[k + 3]
        for p in (.5, .75):
            options = dict(seed=seed, offset=offset)
            slope = call(kind, x + step, p, **options) - call(kind, x, p, **options)
            dx = call(kind, step, p, True, **options)
            np.testing.assert_allclose(dx, slope, rtol=0, atol=1e-15, err_msg=f"{kind} p {p}")
            same(dx == 0, slope == 0, f"{kind} p {p}: the same are dropped")
            same(call(kind, 4 * step, p, True, **options), 4 * dx, f"{kind} p {p}: linear")


def test_alpha_constants():
    """Kept and dropped values for 0 and 1 are b, a + b and d, in the type's own rounding."""
    for p in (.05, .1, .3, .5, .9):
        a, b, d = oracle.alpha_constants(p)
        for ty in ("f32", "f64"):
            ones = np.ones(256, DTYPES[ty])
            m = md.mask(256, p, seed=5)
            zero, one = md.alpha(ones * 0, p, seed=5), md.alpha(ones, p, seed=5)
            tolerance = 1e-6 if ty == "f32" else 1e-14
            for got, value in ((zero[m], b), (zero[~m], d), (one[m], a + b), (one[~m], d)):
                np.testing.assert_allclose(got, value, rtol=tolerance, atol=tolerance, err_msg=f"{ty} p {p}")


def test_input_stays():
    """Without inplace x is only read; out is all written, whatever was in it."""
    for k, (kind, ty, backward) in enumerate(NAMES):
        x = random((5, 6), ty, k)
        old = x.copy()
        x.flags.writeable = False
        out = np.full_like(x, np.nan)
        got = call(kind, x, .5, backward, seed=k, offset=0, out=out)
        assert got is out
        same(x, old, f"{kind} {ty}: x")
        same(out, call(kind, old, .5, backward, seed=k, offset=0, inplace=True), f"{kind} {ty}: out")
