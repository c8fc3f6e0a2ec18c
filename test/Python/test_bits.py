# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Masks and values are those of the contract: its known answers, the programs of
# dropout-run for every kind, type and option at twenty seeds, and the oracle.

import zlib

import harness
import numpy as np
import oracle
import pytest
from support import (CHANNELS, DTYPES, KINDS, OPTIONS, SEEDS, TYPES, call, md, ours, process_state, random, same, want,
                     want_mask)

SHAPE = (3, 5, 7)


def test_known_answers():
    with np.errstate(all="ignore"):
        oracle.known_answers()  # On which all the rest stands.
    for seed, offset, first, p, rounds, resolution, keep in oracle.BITS32:
        what = f"seed {seed} offset {offset} first {first} p {p} rounds {rounds} resolution {resolution}"
        options = dict(seed=seed, offset=offset, rounds=rounds, resolution=resolution, position=([first], [2**40]))
        m = md.mask(32, p, **options)
        assert "".join(map(str, m.astype(int))) == keep, what
        for ty in TYPES:
            ones = np.ones(32, DTYPES[ty])
            for kind, function in (("element", md.element), ("alpha", md.alpha)):
                y, returned = function(ones, p, return_mask=True, **options)
                dropped = y == y[~m][0]
                assert (dropped == ~m).all() and (returned == m).all(), f"{what} {kind} {ty}"
    m = md.mask(2**19, .3, seed=42, offset=7)
    assert not m[list(oracle.TIES[:3])].any() and m[oracle.TIES[3]], "ties"
    for seed, offset, p, kept, crc in oracle.CRCS:
        raw = md.mask(2**20, p, seed=seed, offset=offset).view(np.uint8)
        assert (int(raw.sum()), f"{zlib.crc32(raw.tobytes()):08x}") == (kept, crc), f"seed {seed} offset {offset} p {p}"


def op(name, ty, options, operands=""):
    """The text of an op with everything at run time, up to its type."""
    return (f"dropout.{name} {operands} p(%p) rounds = {options['rounds']} resolution = {options['resolution']} "
            "rng(%seed, %offset) training(%training)")


def program():
    """A function of all kinds, types and options, of gradients and masks; and a list of its results."""
    results, lines = [], []
    for t, ty in enumerate(TYPES):
        for k, kind in enumerate(KINDS):
            for name, backward, options in ((kind, False, OPTIONS[(t + k) % 4]),
                                            (f"backward {kind}", True, OPTIONS[(t + k + 1) % 4])):
                lines.append(op(name, ty, options, f"%x{ty}") + f" : tensor<?x?x?x{ty}>")
                results.append((kind, ty, backward, options, f"tensor<?x?x?x{ty}>"))
    mask_type = f"tensor<{'x'.join(map(str, SHAPE))}xi1>"
    for options in OPTIONS:
        lines.append(op("mask", "i1", options) + f" : {mask_type}")
        results.append(("mask", "i1", False, options, mask_type))
    types = ", ".join(r[-1] for r in results)
    arguments = ", ".join(f"%x{ty}: tensor<?x?x?x{ty}>" for ty in TYPES)
    body = "".join(f"  %r{k} = {line}\n" for k, line in enumerate(lines))
    return (f"func.func @f({arguments}, %p: f64, %seed: i64, %offset: i64, %training: i1) -> ({types}) {{\n{body}"
            f"  return {', '.join(f'%r{k}' for k in range(len(results)))} : {types}\n}}\n"), results


def scalars(k):
    """p and mode for seed number k: ends, common values, and anything; one evaluation."""
    return (0.0, 1.0, 0.5, 0.3)[k] if k < 4 else float(np.random.default_rng(k).uniform(.01, .99)), k != 5


def test_same_as_dropout_run():
    text, results = program()
    for k, (seed, offset) in enumerate(SEEDS):
        p, training = scalars(k)
        x = {ty: harness.random(SHAPE, ty, k) for ty in TYPES}
        outputs = harness.run(text, [*x.values(), p, seed, offset, training], len(results), f"seed {seed}")
        for (kind, ty, backward, options, _), theirs in zip(results, outputs):
            what = f"{kind} {ty} backward {backward} {options} seed {seed} offset {offset} p {p!r} training {training}"
            options = dict(options, training=training)
            if kind == "mask":
                got = md.mask(SHAPE, p, seed=seed, offset=offset, **options)
                same(got, theirs, what)
                same(got, want_mask("element", SHAPE, p, seed, offset, **options), what + ", the oracle")
                continue
            array = ours(x[ty], ty)
            got = call(kind, array, p, backward, seed=seed, offset=offset, **options)
            same(got, ours(theirs, ty), what)
            same(got, want(kind, array, ty, p, seed, offset, backward=backward, **options)[0], what + ", the oracle")


def test_same_as_dropout_run_with_strides():
    """From one memref in Fortran's order to another. Other layouts: test_layouts.py."""
    cases = [(kind, TYPES[k], bool(k % 2), OPTIONS[k]) for k, kind in enumerate(KINDS)]
    cases += [(kind, TYPES[(k + 2) % 4], not k % 2, OPTIONS[(k + 1) % 4]) for k, kind in enumerate(KINDS)]
    arguments, lines = [], []
    for k, (kind, ty, backward, options) in enumerate(cases):
        memref = f"memref<?x?x?x{ty}, strided<[?, ?, ?], offset: ?>>"
        arguments += [f"%x{k}: {memref}", f"%y{k}: {memref}"]
        name = f"backward {kind}" if backward else kind
        lines.append(f"  {op(name, ty, options, f'%x{k} into %y{k}')} : {memref}, {memref}\n")
    text = (f"func.func @f({', '.join(arguments)}, %p: f64, %seed: i64, %offset: i64, %training: i1) {{\n"
            + "".join(lines) + "  return\n}\n")
    for k, (seed, offset) in enumerate(SEEDS):
        p, training = scalars(k)
        x = [np.asfortranarray(harness.random(SHAPE, ty, k)) for _, ty, _, _ in cases]
        buffers = [a for v in x for a in (v, np.asfortranarray(np.zeros_like(v)))]
        outputs = harness.run(text, [*buffers, p, seed, offset, training], len(buffers), f"strides, seed {seed}")[1::2]
        for (kind, ty, backward, options), source, theirs in zip(cases, x, outputs):
            got = call(kind, ours(source, ty), p, backward, seed=seed, offset=offset, training=training, **options)
            what = f"{kind} {ty} backward {backward} {options} seed {seed} offset {offset} p {p!r} training {training}"
            same(got, ours(theirs, ty), what)
            assert got.strides == source.strides, what


def test_every_option():
    """The rest of kinds, types, directions and options, against the oracle."""
    for t, ty in enumerate(TYPES):
        for k, kind in enumerate(KINDS):
            seed, offset = SEEDS[4 * t + k]
            x = random(SHAPE, ty, k)
            for number, options in enumerate(OPTIONS):
                backward = (t + k + number) % 4 == 2
                got = call(kind, x, .35, backward, seed=seed, offset=offset, **options)
                same(got, want(kind, x, ty, .35, seed, offset, backward=backward, **options)[0],
                     f"{kind} {ty} backward {backward} {options} seed {seed}")


def test_mask_dims():
    """Every choice and order of dims that index the mask."""
    import itertools

    serial = 0
    for count in range(4):
        for dims in itertools.permutations(range(3), count):
            for kind in CHANNELS[:1 + (count < 2)] if serial % 2 else CHANNELS[::-1][:1 + (count < 2)]:
                serial += 1
                ty = TYPES[serial % 4]
                x = random(SHAPE, ty, serial)
                seed, offset = SEEDS[serial % 20]
                options = dict(mask_dims=dims, **OPTIONS[serial // 4 % 4])
                backward = serial % 4 > 1
                got = call(kind, x, .45, backward, seed=seed, offset=offset, **options)
                same(got, want(kind, x, ty, .45, seed, offset, backward=backward, **options)[0],
                     f"{kind} {ty} mask_dims {dims} backward {backward} {options}")
                if backward:
                    continue
                y, m = call(kind, x, .45, seed=seed, offset=offset, return_mask=True, **options)
                same(m, want_mask(kind, SHAPE, .45, seed, offset, **options), f"mask of {kind} {dims}")
                same(m, md.mask(SHAPE, .45, seed=seed, offset=offset, **options), f"mask {dims}")
    # None is the default of the kind: batch and channel.
    y, m = md.channel(random(SHAPE, "f32"), .5, seed=3, mask_dims=None, return_mask=True)
    same(m, want_mask("channel", SHAPE, .5, 3, 0), "mask_dims None")
    same(y != 0, m, "mask_dims None")
    # One channel axis is the same mask whatever the others are.
    for shape in ((6, 4), (6, 4, 9), (6, 4, 3, 3), (6, 4, 2, 2, 2)):
        y = md.channel(np.ones(shape, np.float32), .5, seed=3, offset=4)
        same((y != 0).reshape(6, 4, -1)[:, :, 0], md.mask((6, 4), .5, seed=3, offset=4), f"shape {shape}")


def test_thresholds():
    """p is exact to 2^-32, at both ends, for floats of any kind."""
    n = 2**16
    for p in (0.0, 1.0, 1e-320, 2.0**-33, 2.0**-32, 1.5 * 2**-32, np.nextafter(1, 0), 1 - 2.0**-32, 65535 / 65536,
              1 / 65536, np.float32(.3), .3, np.nextafter(.3, 1)):
        for seed, offset in SEEDS[:3]:
            same(md.mask(n, p, seed=seed, offset=offset), want_mask("element", (n,), float(p), seed, offset),
                 f"p {p!r} seed {seed}")
    # Right at the draw of an element: p = u / 2^32 keeps it, and the next number drops it.
    for seed, offset in SEEDS[:4]:
        for index, u in enumerate(oracle.uniform(np.arange(24, dtype=np.uint64), seed, offset).tolist()):
            for step in (0, 1):
                m = md.mask(24, (u + step) / 2**32, seed=seed, offset=offset)
                assert m[index] == (step == 0), f"element {index} of seed {seed}, u {u}, p (u + {step}) / 2^32"
    # A float32 is widened exactly: its mask is that of another threshold.
    assert oracle.threshold(float(np.float32(.3))) != oracle.threshold(.3)
    for p, says in ((.001, "0.001"), (.999, "0.999"), (1 / 512, "0.001953125")):
        with pytest.raises(ValueError, match=says):
            md.mask(8, p, seed=0, resolution=8)


def test_element_types_share_masks():
    """The mask does not depend on type, kind, direction or rank, only on the index."""
    n = 4099
    for seed, offset in SEEDS[:6]:
        m = md.mask(n, .37, seed=seed, offset=offset)
        for ty in TYPES:
            for kind in ("element", "alpha"):
                x = np.ones(n, DTYPES[ty])
                for backward in (False, True):
                    y = call(kind, x, .37, backward, seed=seed, offset=offset)
                    assert ((y == y[np.flatnonzero(m)[0]]) == m).all(), f"{kind} {ty} backward {backward} seed {seed}"
        for shape in ((n,), (1, n), (n, 1), (1, n, 1, 1)):
            same(md.mask(shape, .37, seed=seed, offset=offset).reshape(-1), m, f"shape {shape}")
    # Neighbouring seeds and offsets are other masks.
    masks = {md.mask(256, .5, seed=s, offset=o).tobytes() for s in (0, 1, 2**32, 2**63) for o in (0, 1, 2**32, 2**63)}
    assert len(masks) == 16
