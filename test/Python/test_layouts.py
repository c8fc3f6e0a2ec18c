# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Any layout gives the bits of C order, out= and inplace= write their elements
# and no other byte, and views that overlap are refused unless they interlock.

import itertools

import numpy as np
import pytest
from support import (DTYPES, KINDS, SEEDS, TYPES, Guarded, bits, call, layouts, md, process_state, random, refused,
                     same,
                     threads)

SHAPE = (3, 4, 5)
CASES = [(kind, TYPES[k]) for k, kind in enumerate(KINDS)]


def test_layouts():
    """All orders, directions and gaps, from x of any to out of another, and in place."""
    for k, (kind, ty) in enumerate(CASES):
        seed, offset = SEEDS[k]
        options = dict(seed=seed, offset=offset)
        values = random(SHAPE, ty, k)
        want = {backward: call(kind, values, .4, backward, **options) for backward in (False, True)}
        every = list(layouts(SHAPE, (1, 3)))
        # Orders of out in turn: each meets many of x. Half of the orders for each kind.
        for number, strides in enumerate(every):
            if (number // 16 + k) % 2:
                continue
            backward = k % 2 == number % 3 == 0
            what = f"{kind} {ty} backward {backward} strides {strides}"
            x = Guarded(SHAPE, DTYPES[ty], strides)
            x.fill(values)
            x.array.flags.writeable = False
            same(call(kind, x.array, .4, backward, **options), want[backward], what)
            out = Guarded(SHAPE, DTYPES[ty], every[(number + 7 * (number % 2)) % len(every)])
            call(kind, x.array, .4, backward, out=out.array, **options)
            same(out.array, want[backward], what + f" to {out.array.strides}")
            out.check(what)
            x.array = x._view(x.memory, x.dtype)
            assert call(kind, x.array, .4, backward, inplace=True, **options) is x.array
            same(x.array, want[backward], what + " in place")
            x.check(what)


def test_types_and_views():
    """Each type with what NumPy makes of slices, transposes and broadcasts."""
    views = {
        "transposed": lambda a: a.T,
        "reversed": lambda a: a[::-1, ::-1],
        "every other": lambda a: a[::2, 1::3],
        "a column": lambda a: a[:, 1],
        "a row": lambda a: a[1],
        "inner block": lambda a: a[1:4, 2:7],
        "new dims": lambda a: a[None, ::2, None, ::-1, None],
        "zero stride, inner": lambda a: np.broadcast_to(a[:, :1], a.shape),
        "zero stride, outer": lambda a: np.broadcast_to(a[:1], a.shape),
        "zero stride, all": lambda a: np.broadcast_to(a[0, 0], a.shape),
        "diagonal": lambda a: a.diagonal(),
        "windows": lambda a: np.lib.stride_tricks.sliding_window_view(a, (3, 2)),
        "empty": lambda a: a[5:5],
        "one": lambda a: a[2:3, 3:4],
        "scalar": lambda a: a[2, 3, ...],
    }
    for k, (name, view) in enumerate(views.items()):
        for t, ty in enumerate(TYPES):
            x = view(random((8, 9), ty, k))
            for kind in KINDS if x.ndim > 1 else ("element", "alpha"):
                if x.ndim > 2 and (k + t) % 2:
                    continue
                seed, offset = SEEDS[k]
                want = call(kind, x.copy("C"), .3, seed=seed, offset=offset)
                got, m = call(kind, x, .3, seed=seed, offset=offset, return_mask=True)
                same(got, want, f"{name} {kind} {ty}")
                assert m.flags.c_contiguous and m.dtype == bool, name
                same(m, call(kind, x.copy("C"), .3, seed=seed, offset=offset, return_mask=True)[1], f"{name}: mask")


def test_result_order():
    """The result has x's order of dims in memory, as NumPy's own functions give it."""
    for order in itertools.permutations(range(3)):
        x = np.ones((3, 4, 5), np.float32).transpose(order)
        y = md.element(x, .5, seed=1)
        assert y.strides == np.empty_like(x).strides == x.strides, order


def test_mask_out():
    """Masks go to any booleans or bytes, and nowhere else."""
    for number, strides in enumerate(layouts(SHAPE, (1, 2))):
        seed, offset = SEEDS[number % 20]
        dtype = (np.bool_, np.int8, np.uint8)[number % 3]
        dims = (None, (0, 1), (2, 0))[number // 3 % 3]
        out = Guarded(SHAPE, dtype, strides)
        assert md.mask(SHAPE, .4, mask_dims=dims, seed=seed, offset=offset, out=out.array) is out.array
        want = md.mask(SHAPE, .4, mask_dims=dims, seed=seed, offset=offset)
        same(out.array.astype(bool), want, f"strides {strides} mask_dims {dims}")
        assert set(np.unique(bits(out.array))) <= {0, 1}, "bytes are 0 or 1"
        out.check(f"mask with strides {strides}")


def test_many_dims():
    """Up to 64 dims where memory walks most of them as one, and 16 where not."""
    torch = pytest.importorskip("torch")
    values = np.arange(1, 65, dtype=np.float32)
    want = md.element(values, .5, seed=2)
    same(md.element(values.reshape((2,) * 6 + (1,) * 26), .5, seed=2).reshape(-1), want, "32 dims")
    deep = torch.from_numpy(values).reshape((1,) * 29 + (2,) * 6 + (1,) * 29)
    same(md.element(deep, .5, seed=2).reshape(-1).numpy(), want, "64 dims")
    x = np.ones((3,) * 16, np.float16)[(slice(None, None, 2),) * 16]
    same(md.element(x, .5, seed=2), md.element(x.copy("C"), .5, seed=2), "16 dims that do not merge")
    x = np.ones((3,) * 17, np.float16)[(slice(None, None, 2),) * 17]
    refused(ValueError, ("16", "17"), md.element, x, .5, seed=2)
    refused(ValueError, ("x", "64", "65"), md.element, deep[None], .5, seed=2)


def test_same_view_as_out():
    for kind, ty in CASES:
        for strides in ((20, 5, 1), (1, -3, 12), (40, -10, 2)):
            x = Guarded(SHAPE, DTYPES[ty], strides)
            x.fill(random(SHAPE, ty))
            want = call(kind, x.array.copy(), .4, seed=1)
            call(kind, x.array, .4, seed=1, out=x.array[:])
            same(x.array, want, f"{kind} {strides}")
            x.check(f"{kind} {strides}")
    # Another view of the same elements is the same one if it walks them alike.
    x = random((4, 1, 6), "f32")
    want = md.element(x, .5, seed=1)
    out = np.lib.stride_tricks.as_strided(x, x.shape, (24, 1000, 4))
    md.element(x, .5, seed=1, out=out)
    same(x, want, "strides of a dim of size 1 mean nothing")


def test_overlap():
    a = np.arange(1.0, 101)
    refused(ValueError, ("out", "overlap"), md.element, a[:-1], .5, seed=1, out=a[1:], unchanged=[a])
    refused(ValueError, ("out", "overlap"), md.element, a, .5, seed=1, out=a[::-1], unchanged=[a])
    refused(ValueError, ("out", "overlap"), md.element, a.reshape(10, 10), .5, seed=1, out=a.reshape(10, 10).T,
            unchanged=[a])
    refused(ValueError, ("out", "overlap"), md.element, a[:50], .5, seed=1, out=a[:100:2], unchanged=[a])
    refused(ValueError, ("out", "overlap"), md.element, np.broadcast_to(a[:1], (50,)), .5, seed=1, out=a[:50],
            unchanged=[a])
    shared = np.lib.stride_tricks.as_strided(a, (10, 10), (8, 8))
    refused(ValueError, ("out", "share memory", "[10, 10]", "[1, 1]"), md.element, np.ones((10, 10)), .5, seed=1,
            out=shared, unchanged=[a])
    refused(ValueError, ("share memory",), md.element, shared, .5, seed=1, inplace=True, unchanged=[a])
    refused(ValueError, ("share memory",), md.mask, (2, 4), seed=1,
            out=np.lib.stride_tricks.as_strided(np.zeros(4, bool), (2, 4), (0, 1)))


def test_interlocked():
    """Views that share no element may be anywhere in the same memory."""
    pairs = {
        "beside": lambda a: (a[:, :5], a[:, 5:]),
        "every other": lambda a: (a[:, ::2], a[:, 1::2]),
        "every other, reversed": lambda a: (a[:, ::2], a[:, ::-2]),
        "every other row": lambda a: (a[::2], a[1::2]),
        "every other of an odd number": lambda a: (a[:, :9:2][:, :4], a[:, 1:9:2]),
        "a frame": lambda a: (a[1:7:5, 1:9], a[2:4, 1:9]),
        "real and imaginary": lambda a: (a.view(np.complex64).real, a.view(np.complex64).imag),
        "above": lambda a: (a[:4], a[4:]),
    }
    for name, pair in pairs.items():
        for kind in KINDS:
            a = random((8, 10), "f32", 3)
            x, out = pair(a)
            before, want = x.copy(), call(kind, x.copy(), .5, seed=9)
            call(kind, x, .5, seed=9, out=out)
            same(out, want, f"{name} {kind}")
            same(x, before, f"{name} {kind}: x")


def test_any_two_views():
    """What shares an element is refused, unless it is x itself, and nothing else is."""
    rng = np.random.default_rng(8)
    a = np.empty((12, 14), np.float32)
    refusals = together = 0
    for number in range(3000):
        step = rng.choice([-3, -2, -1, 1, 2, 3], 4)
        if number % 2:
            step[2:] = np.abs(step[:2])  # Of the same grid, from anywhere in any direction.
        x, y = (a[int(rng.integers(12))::step[k], int(rng.integers(14))::step[k + 1]] for k in (0, 2))
        if number % 5 == 0 and min(*x.shape, *y.shape) > 0:
            x, y = x[0], y[0] if number % 2 else y[:, 0]
        if rng.integers(4) == 0:
            y = y.T
        if x.ndim != y.ndim:
            continue
        common = tuple(slice(0, min(n, m)) for n, m in zip(x.shape, y.shape))
        x, y = x[common], y[common]
        a[...] = np.arange(1, a.size + 1, dtype=np.float32).reshape(a.shape)
        before = a.copy()
        shares = np.shares_memory(x, y)
        same_view = x.__array_interface__["data"] == y.__array_interface__["data"] and all(
            n == 1 or s == t for n, s, t in zip(x.shape, x.strides, y.strides))
        want = md.element(x.copy(), .5, seed=number)
        what = f"{number}: {x.shape} {x.strides} {y.strides}"
        try:
            md.element(x, .5, seed=number, out=y)
        except ValueError as error:
            assert "overlap" in str(error) and not same_view and x.size, what
            same(a, before, what + ": written although refused")
            refusals += 1
            assert shares, what + ": apart, but refused"
            continue
        assert same_view or not shares, what + ": an overlap that was not seen"
        same(y, want, what)
        y[...] = before_of(before, a, y)
        same(a, before, what + ": other elements")
        together += 1
    assert refusals > 100 and together > 500, (refusals, together)


def before_of(before, a, view):
    """The elements of a copy of `a` that a view of `a` has."""
    offset = view.__array_interface__["data"][0] - a.__array_interface__["data"][0]
    return np.ndarray(view.shape, view.dtype, before, offset, view.strides)


def test_across_the_mask():
    """Arrays whose last dim in memory is not the last of the mask go through tiles: sizes around their edges, slices,
    and any order of either array."""
    shapes = [(300, 37), (17, 257), (16, 256), (15, 255), (33, 5, 70), (3, 2, 40, 50), (1, 70, 1, 9), (64, 1),
              (9001, 2), (2, 3000, 3), (4, 7, 300), (900, 1, 5), (2, 2, 2, 33, 3)]
    rng = np.random.default_rng(3)
    for number, shape in enumerate(shapes * 3):
        kind, ty = list(KINDS)[number % 4], TYPES[(number + number // 8) % 4]
        backward = number % 5 == 4
        seed, offset = SEEDS[number % 20]
        options = dict(seed=seed, offset=offset)
        if kind in ("channel", "feature_alpha"):  # All dims in another order, or some of them.
            dims = rng.permutation(len(shape)).tolist()
            options["mask_dims"] = dims if number % 3 else dims[:2]
        if number % 2:
            options["position"] = ([int(v) for v in rng.integers(0, 9, len(shape))], [n + 10 for n in shape])
        values = random(shape, ty, number)
        want = call(kind, values, .3, backward, **options)
        every = list(layouts(shape, (1, 2)))
        for trial in range(6):
            picked = [every[int(rng.integers(len(every)))] for _ in range(2)]
            x, out = (Guarded(shape, DTYPES[ty], strides) for strides in picked)
            x.fill(values)
            what = f"{kind} {ty} {shape} {picked} backward {backward} {options}"
            with threads(1 + trial % 3):
                call(kind, x.array, .3, backward, out=out.array, **options)
                same(out.array, want, what)
                out.check(what)
                call(kind, x.array, .3, backward, inplace=True, **options)
                same(x.array, want, what + " in place")
                x.check(what)
            if not backward:
                m = Guarded(shape, bool, picked[0])
                md.mask(shape, .3, out=m.array, **options)
                same(m.array, call(kind, values, .3, return_mask=True, **options)[1], what + ": mask")
                m.check(what)
                same(call(kind, x.array, .3, training=False, **options), x.array.copy(), what + ": evaluation")


def test_large_strided():
    """The same for arrays that threads share: rows with gaps, columns, and the whole transposed."""
    shape = (700, 401)
    for kind, ty in (("element", "f32"), ("feature_alpha", "f64"), ("alpha", "bf16"), ("channel", "f16")):
        values = random(shape, ty)
        values = np.tile(values, (3, 3))  # More than 4 MiB of each type.
        want = call(kind, values, .3, seed=11)
        for strides in ((1203 + 5, 1), (1, 2101), (-2 * 1203, 2), (1, -2100)):
            x, out = (Guarded(values.shape, DTYPES[ty], strides) for _ in range(2))
            x.fill(values)
            for n in (1, 2, 3):
                out.array[...] = 7
                with threads(n):
                    call(kind, x.array, .3, seed=11, out=out.array)
                same(out.array, want, f"{kind} {ty} {strides} threads {n}")
                out.check(f"{kind} {ty} {strides} threads {n}")
            x.check(f"{kind} {ty} {strides}")
