# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# A slice of a bigger array keeps the bigger array's mask: position=.

import numpy as np
from support import (DTYPES, KINDS, OPTIONS, SEEDS, TYPES, call, md, process_state, random, refused, same, threads,
                     want,
                     want_mask)


def block_of(rng, shape):
    """Any block of an array, an empty one or the whole now and then."""
    first = [int(rng.integers(0, n + 1)) for n in shape]
    return first, [int(rng.integers(0, n - at + 1)) for n, at in zip(shape, first)]


def test_slices_of_the_whole():
    rng = np.random.default_rng(5)
    cases = [("element", (60,), None), ("alpha", (6, 20), None), ("element", (4, 5, 7), None),
             ("channel", (6, 20), (0, 1)), ("channel", (4, 5, 7), (2, 0)), ("feature_alpha", (4, 5, 7), (1,)),
             ("feature_alpha", (4, 5, 7), (1, 2, 0)), ("channel", (3, 4, 3, 5), (3, 1)), ("channel", (6, 20), ())]
    for number, (kind, shape, dims) in enumerate(cases):
        ty = TYPES[number % 4]
        seed, offset = SEEDS[number]
        options = dict(seed=seed, offset=offset, **OPTIONS[number % 4])
        if dims is not None:
            options["mask_dims"] = dims
        backward = number % 3 == 2
        whole = random(shape, ty, number)
        y = call(kind, whole, .4, backward, **options)
        m = md.mask(shape, .4, **options)
        for trial in range(20):
            first, size = block_of(rng, shape) if trial else ([0] * len(shape), list(shape))
            block = tuple(slice(at, at + n) for at, n in zip(first, size))
            what = f"{kind} {ty} backward {backward} {shape} at {first} size {size} {options}"
            at = dict(options, position=(first, shape))
            for x in (whole[block], whole[block].copy("C"), whole[block].copy("F")):
                same(call(kind, x, .4, backward, **at), y[block], what)
            same(md.mask(size, .4, **at), m[block], what + ": mask")
            if not backward and trial < 5:
                same(call(kind, whole[block], .4, return_mask=True, **at)[1], m[block], what + ": its mask")


def test_far_away():
    """Indices beyond 32 bits, at seams of blocks and words, up to the last below 2^63."""
    seams = [2**32 - 9, 2**32 - 1, 2**32, 2**35 - 5, 2**35, 2**40 + 3, 2**62 - 33, 2**63 - 1 - 65]
    for number, first in enumerate(seams):
        for k, kind in enumerate(("element", "alpha")):
            ty = TYPES[(number + k) % 4]
            seed, offset = SEEDS[number]
            x = random((65,), ty, number)
            options = dict(OPTIONS[number % 4], position=([first], [2**63 - 1]))
            same(call(kind, x, .3, seed=seed, offset=offset, **options),
                 want(kind, x, ty, .3, seed, offset, **options)[0], f"{kind} {ty} at {first} {options}")
    for number, (at, of) in enumerate([((2**31 - 2, 2**31 - 9), (2**31, 2**31)), ((3, 2**40), (5, 2**40 + 20)),
                                       ((2**40, 1), (2**41, 2**20)), ((1, 2), (2**32 + 1, 2**30 - 1))]):
        for k, kind in enumerate(KINDS):
            ty = TYPES[(number + k) % 4]
            x = random((2, 9), ty, number)[:, ::-1]
            options = dict(position=(at, of))
            if kind in ("channel", "feature_alpha"):
                options["mask_dims"] = ((1, 0), (0,), (1,), (0, 1))[number]
            same(call(kind, x, .3, seed=7, offset=8, **options), want(kind, x, ty, .3, 7, 8, **options)[0],
                 f"{kind} {ty} {options}")


def test_rows_of_one():
    """A dim of one element moves the index of those inside of it."""
    whole = random((5, 6, 7), "f32")
    for kind in KINDS:
        y = call(kind, whole, .4, seed=3, offset=4)
        for i, j, k in ((4, 0, 0), (3, 2, 0), (1, 5, 3), (0, 1, 6), (2, 3, 2)):
            for block in (np.s_[i:i + 1, j:, k:], np.s_[i:i + 1, j:j + 1, k:], np.s_[i:, j:j + 1, k:k + 1],
                          np.s_[i:i + 1, j:j + 1, k:k + 1], np.s_[i:i + 1, j:, k:k + 1]):
                same(call(kind, whole[block], .4, seed=3, offset=4, position=((i, j, k), whole.shape)), y[block],
                     f"{kind} at {(i, j, k)} {block}")


def test_shards_are_the_whole():
    """Cut along each axis, also for several threads, the parts are those of the unsharded array."""
    shape = (1024, 2048)  # 8 MiB, and 4 MiB each half.
    x = random(shape, "f32")
    for kind in KINDS:
        y = call(kind, x, .25, seed=13, offset=14)
        for axis in (0, 1):
            for parts in (2, 3):
                edges = np.linspace(0, shape[axis], parts + 1).astype(int)
                for a, b in zip(edges, edges[1:]):
                    block = (slice(a, b), slice(None)) if axis == 0 else (slice(None), slice(a, b))
                    with threads(1 + parts % 2):
                        got = call(kind, x[block], .25, seed=13, offset=14,
                                   position=((a, 0) if axis == 0 else (0, a), shape))
                    same(got, y[block], f"{kind} axis {axis} from {a} to {b}")


def test_mask_positions():
    for number, (seed, offset) in enumerate(SEEDS):
        dims = (None, (1,), (1, 0), ())[number % 4]
        options = dict(mask_dims=dims, position=((2, 3), (10, 2**33)), **OPTIONS[number % 4])
        kind = "element" if dims is None else "channel"
        same(md.mask((5, 6), .5, seed=seed, offset=offset, **options),
             want_mask(kind, (5, 6), .5, seed, offset, **options), f"seed {seed} {options}")


def test_wrong_positions():
    x = np.ones((4, 5), np.float32)
    pair = "(offsets, full shape)"
    for position, exception, says in [
        (3, TypeError, ("position", pair, "3")),
        ((1, 2, 3), TypeError, ("position", pair, "(1, 2, 3)")),
        ("ab", TypeError, ("position", "'a'")),
        ((None, None), TypeError, ("position", pair)),
        (([0, 0], None), TypeError, ("position", pair)),
        (([0], [4]), ValueError, ("position", "2", "1")),
        (([0, 0, 0], [4, 5, 1]), ValueError, ("position", "2", "3")),
        (([0, 0], [4]), ValueError, ("position", "2", "1")),
        (([0.0, 0], [4, 5]), TypeError, ("position", "0.0")),
        (([0, 0], [4, None]), TypeError, ("position", "None")),
        (([2**63, 0], [2**63 + 9, 5]), ValueError, ("position", "2**63", str(2**63))),
        (([0, 0], [2**64, 5]), ValueError, ("position", str(2**64))),
        (([-1, 0], [4, 5]), ValueError, ("[-1, 0]", "[4, 5]")),
        (([0, 0], [-4, 5]), ValueError, ("[-4, 5]",)),
        (([1, 0], [4, 5]), ValueError, ("[1, 0]", "[4, 5]")),
        (([0, 1], [4, 5]), ValueError, ("[0, 1]", "[4, 5]")),
        (([2**62, 0], [2**62 + 3, 5]), ValueError, (str(2**62),)),
        (([0, 0], [2**32, 2**31]), ValueError, ("2^63", str(2**32))),
        (([0] * 65, [9] * 65), ValueError, ("position", "64", "65")),
    ]:
        for kind in KINDS:
            refused(exception, says, KINDS[kind], x, .5, seed=1, position=position, inplace=True, unchanged=[x])
        refused(exception, says, md.mask, (4, 5), .5, seed=1, position=position)
        refused(exception, says, md.backward, x, .5, seed=1, offset=2, position=position, inplace=True, unchanged=[x])
