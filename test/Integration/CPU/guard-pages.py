# RUN: %python %s %clang %if sanitizers %{ -std=c++17 -ffp-contract=off -DDROPOUT_RUNTIME_BUILD -I %include %dropout_src/lib/Runtime/*.cpp %} %else %{ %dropout_runtime_lib %}
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Nothing is read or written outside an operand: every buffer ends at, begins
# at, or lies between pages without access, at every alignment, for rows of
# every length around a vector, a tile and a block, every position in the mask,
# and every way to lay out rows. All bytes are compared with the oracle's.

import os, signal, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
sys.dont_write_bytecode = True
import numpy as np
import harness, native, oracle
from harness import check, done, random, specials
from native import HOST, Checker, Module, guarded, options

KINDS = [(kind, back) for kind in ("element", "alpha") for back in (False, True)]
LENGTHS = [*range(201), 255, 256, 257, 258, 263, 264, 265, 319, 320, 321, 511, 512, 513, 767, 768, 769, 1023, 1024, 1025]
FEW = [*range(19), 31, 32, 33, 63, 64, 65, 66, 71, 72, 127, 128, 129, 130, 255, 256, 257, 263, 264, 265, 511, 512, 513, 520, 777]
MOST = 1040
RNG = "rng(%s, %o)"
# What the machine of the test may not be: other widths, with and without masked memory, stores past the caches from a
# few bytes on.
TARGETS = [HOST, options(512, True, 64), options(256, False, 64), options(128, False), options(256, True)]


def op(kind, back):
    return ("backward " if back else "") + kind


def label(kind, back, ty):
    return f"{kind}{'_back' if back else ''}_{ty}"


DATA = {ty: random((MOST,), ty, 5) for ty in oracle.TYPES}
NASTY = {ty: specials((MOST,), ty, 6) for ty in oracle.TYPES}
WHOLE = {}


def whole(kind, ty, p, **options):
    """The oracle's answer for MOST elements in a row: shorter ones, and rows of a matrix, are a part of it."""
    key = (kind, ty, p, *sorted(options.items()))
    if key not in WHOLE:
        WHOLE[key] = oracle.apply(kind, DATA[ty], ty, p, 42, 7, **options)[0]
    return WHOLE[key]


# ---- Rows of every length -----------------------------------------------------------------------------------------

def rows(types):
    m = Module("rows")
    for ty in types:
        T, V = f"memref<?x{ty}>", f"memref<?x{ty}, strided<[?], offset: ?>>"
        for kind, back in KINDS:
            n, o = label(kind, back, ty), op(kind, back)
            m.add(n, dict(x=T, y=T), [f"dropout.{o} %x into %y p = 0.3 {RNG} : {T}, {T}"])
            m.add(n + "_dynamic", dict(x=T, y=T), [f"dropout.{o} %x into %y p(%p) {RNG} training(%t) : {T}, {T}"])
            m.add(n + "_inplace", dict(x=T), [f"dropout.{o} %x into %x p(%p) {RNG} : {T}, {T}"])
            m.add(n + "_at", dict(x=V, y=V), [f"dropout.{o} %x into %y p = 0.3 {RNG} at [%i] of [%n] : {V}, {V}"])
        m.add(f"short_{ty}", dict(x=T, y=T), [f"dropout.element %x into %y p = 0.3 rounds = 7 {RNG} : {T}, {T}"])
        m.add(f"bytes_{ty}", dict(x=T, y=T), [f"dropout.element %x into %y p(%p) resolution = 8 {RNG} training(%t) : {T}, {T}"])
        m.add(f"short_bytes_{ty}", dict(x=V, y=V), [f"dropout.alpha %x into %y p = 0.3 rounds = 7 resolution = 8 {RNG} "
                                                   f"at [%i] of [%n] : {V}, {V}"])
    m.add("mask", dict(y="memref<?xi1>"), [f"dropout.mask into %y p = 0.3 {RNG} : memref<?xi1>"])
    m.add("mask_at", dict(y="memref<?xi1>"), [f"dropout.mask into %y p(%p) {RNG} at [%i] of [%n] : memref<?xi1>"])
    return m


def check_rows(library, types, lengths):
    call = Checker(3 * native.PAGE, 2)
    sides = ("end", "begin")
    for ty in types:
        for k, (kind, back) in enumerate(KINDS):
            name = label(kind, back, ty)
            y = whole(kind, ty, .3, backward=back)
            for n in lengths:
                x, w = (DATA[ty][:n], ty), (y[:n], ty)
                for side in sides:
                    call(library, name, [x], w, side)
                    call(library, name + "_inplace", [x], w, side, inplace="argument")
                call(library, name, [x], w, sides[n % 2], inplace=True)
                call(library, name + "_dynamic", [x], w, sides[(n + k) % 2])
                if n % 8 == k:
                    for p, t in ((1.0, 1), (0.0, 1), (.3, 0), (1.0, 0)):
                        x0 = (NASTY[ty][:n], ty)
                        w0 = (oracle.apply(kind, x0[0], ty, p, 42, 7, training=bool(t), backward=back)[0], ty)
                        call(library, name + "_dynamic", [x0], w0, sides[n // 8 % 2], p=p, t=t)
                        if t:
                            call(library, name + "_inplace", [x0], w0, sides[n // 8 % 2], p=p, inplace="argument")
        for n in lengths:
            x = (DATA[ty][:n], ty)
            call(library, f"short_{ty}", [x], (whole("element", ty, .3, rounds=7)[:n], ty), sides[n % 2])
            call(library, f"bytes_{ty}", [x], (whole("element", ty, .3, resolution=8)[:n], ty), sides[n % 2])
    m = oracle.mask("element", (MOST,), .3, 42, 7)
    for n in lengths:
        for side in sides:
            call(library, "mask", [], (m[:n], "i1"), side)


def check_alignment(library, types):
    """Every element-aligned address modulo 64 of source and destination."""
    call = Checker(3 * native.PAGE, 2)
    for ty in types:
        size = np.dtype(oracle.DTYPE[ty]).itemsize
        y = whole("element", ty, .3)
        for a in range(0, 64, size):
            for b in {0, size, a, 64 - size, (a + 32) % 64}:
                for n in (777, 768, 40):
                    call(library, f"element_{ty}", [(DATA[ty][:n], ty)], (y[:n], ty), [a, b])
            call(library, f"element_{ty}_inplace", [(DATA[ty][:600], ty)], (y[:600], ty), a, inplace="argument")


# ---- Positions ----------------------------------------------------------------------------------------------------

def kept(low, high, kind="element", p=.3, **options):
    """The mask of elements low to high."""
    return oracle.keep_at(np.uint64(low) + np.arange(high - low, dtype=np.uint64), p, 42, 7, **options)


def check_positions(library, types, dense=True):
    """A window at every position near the one where something changes: a block, a tile, the high word of the block's
    number, a tie of the draw with the threshold."""
    call = Checker(6 * native.PAGE, 2)
    edges = [(0, range(0, 290) if dense else range(0, 290, 7)), (2**35, range(-270, 9) if dense else range(-270, 9, 13)),
             (3 * 2**35, range(-40, 3, 1 if dense else 5)), (2**32, range(-20, 3)), (2**62, range(-20, 3))]
    edges += [(tie, range(-260, 1, 3 if dense else 17)) for tie in oracle.TIES[:1] + oracle.TIES[3:]]
    serial = 0
    for d in range(290):  # nothing, wherever it is
        ty = types[d % len(types)]
        call(library, f"element_{ty}_at", [(DATA[ty][:0], ty)], (DATA[ty][:0], ty), ("end", "begin")[d % 2], i=d)
    for edge, range_ in edges:
        low, high = edge + range_[0], edge + range_[-1] + MOST
        m, m78 = kept(low, high), kept(low, high, rounds=7, resolution=8)
        for d in range_:
            serial += 1
            ty, (kind, back) = types[serial % len(types)], KINDS[serial // len(types) % 4]
            size = np.dtype(oracle.DTYPE[ty]).itemsize
            n = (1, 5, 64, 100, 257, 300, 520)[serial % 7]
            where = ("end", "begin", serial % (64 // size) * size)[serial % 3]
            first = edge + d - low
            keep = m[first:first + n]
            y = np.where(keep, all_kept(kind, back, ty)[:n], all_dropped(kind, back, ty))
            steps = ([1], [2], [-1], [1], [3], [-5])
            layout = [steps[serial // 5 % 6], steps[serial // 30 % 6]] if serial % 5 == 0 else None
            call(library, label(kind, back, ty) + "_at", [(DATA[ty][:n], ty)], (y, ty), where, layout=layout,
                 offset=serial % 5, i=edge + d, n=2**63 - 1)
            if serial % 4 == 0:
                call(library, "mask_at", [], (keep, "i1"), where if isinstance(where, str) else serial % 64, i=edge + d, n=2**63 - 1)
                y = np.where(m78[first:first + n], all_kept("alpha", False, ty, resolution=8)[:n],
                             all_dropped("alpha", False, ty, resolution=8))
                call(library, f"short_bytes_{ty}", [(DATA[ty][:n], ty)], (y, ty), where, i=edge + d, n=2**63 - 1)


def all_kept(kind, back, ty, p=.3, resolution=16):
    """What each element of DATA becomes where it is kept: by ways of the oracle that draw nothing that is dropped."""
    key = ("kept", kind, back, ty, p, resolution)
    if key not in WHOLE:
        value, mask = WHOLE.setdefault("values", {}), oracle.mask
        oracle.mask = lambda kind, shape, *a, **k: np.ones(shape, bool)
        try:
            WHOLE[key] = oracle.apply(kind, DATA[ty], ty, p, 42, 7, backward=back, resolution=resolution)[0]
        finally:
            oracle.mask = mask
    return WHOLE[key]


def all_dropped(kind, back, ty, p=.3, resolution=16):
    mask = oracle.mask
    oracle.mask = lambda kind, shape, *a, **k: np.zeros(shape, bool)
    try:
        return oracle.apply(kind, DATA[ty][:1], ty, p, 42, 7, backward=back, resolution=resolution)[0][0]
    finally:
        oracle.mask = mask


# ---- Matrices -----------------------------------------------------------------------------------------------------

LAYOUTS = {"c": "", "rows": ", strided<[?, 1], offset: ?>", "any": ", strided<[?, ?], offset: ?>",
           "columns": ", strided<[1, ?], offset: ?>"}
PAIRS = {"f32": [("c", "c"), ("rows", "rows"), ("rows", "c"), ("any", "any"), ("columns", "columns"), ("c", "columns"),
                 ("columns", "rows")],
         "bf16": [("any", "any"), ("rows", "rows")], "f64": [("columns", "rows"), ("rows", "c")],
         "f16": [("columns", "columns"), ("c", "columns")]}


def matrices(types):
    m = Module("matrices")
    for ty in types:
        for a, b in PAIRS[ty]:
            A, B = f"memref<?x?x{ty}{LAYOUTS[a]}>", f"memref<?x?x{ty}{LAYOUTS[b]}>"
            n = f"{a}_{b}_{ty}"
            m.add(n, dict(x=A, y=B), [f"dropout.element %x into %y p(%p) {RNG} : {A}, {B}"])
            m.add("at_" + n, dict(x=A, y=B), [f"dropout.alpha %x into %y p = 0.3 {RNG} at [%i, %j] of [%m, %n] : {A}, {B}"])
            m.add("channel_" + n, dict(x=A, y=B), [f"dropout.channel %x into %y p = 0.3 mask_dims = [0] {RNG} training(%t) : {A}, {B}"])
            m.add("column_" + n, dict(x=A, y=B), [f"dropout.backward feature_alpha %x into %y p = 0.3 mask_dims = [1] {RNG} : {A}, {B}"])
            m.add("turned_" + n, dict(x=A, y=B), [f"dropout.feature_alpha %x into %y p = 0.3 mask_dims = [1, 0] {RNG} : {A}, {B}"])
            if a == b:
                m.add("inplace_" + n, dict(x=A), [f"dropout.backward alpha %x into %x p = 0.3 {RNG} training(%t) : {A}, {A}"])
    return m


def strides_of(layout, r, c, k, is_input):
    """The k-th of the strides that the layout allows."""
    pad = k % 5 + 1
    if layout == "any":
        some = [[c * 2 + pad, 2], [c + pad, 1], [2, 2 * r + pad], [1, r + pad], [-c - pad, 1], [c + pad, -1], [-3, -3 * r]]
        some += [[0, 1], [1, 0], [0, 0]] if is_input else []
        return some[k % len(some)]
    return {"c": [c, 1], "rows": [(-c - pad, 0)[is_input] if k % 6 == 5 else c + pad, 1], "columns": [1, r + pad]}[layout]


def check_matrices(library, types, sizes):
    call = Checker(20 * native.PAGE, 2)
    serial = 0
    pairs = [(ty, pair) for ty in types for pair in PAIRS[ty]]
    for r, c in sizes:
        known = {}
        for ty, pair in pairs:
            serial += 1
            n = f"{pair[0]}_{pair[1]}_{ty}"
            layout = [strides_of(pair[0], r, c, serial // len(pairs), True), strides_of(pair[1], r, c, serial // len(pairs) + 1, False)]
            x = np.resize(DATA[ty], (r, c))
            # A stride of 0 reads one element again and again.
            x = x[[0] * r] if layout[0][0] == 0 and r else x
            x = x[:, [0] * c] if layout[0][1] == 0 and c else x

            def apply(kind, **k):
                key = (kind, ty, layout[0][0] == 0, layout[0][1] == 0, *map(str, k.values()))
                if key not in known:
                    known[key] = oracle.apply(kind, x, ty, .3, 42, 7, **k)[0]
                return known[key], ty

            for where in ("end", "begin"):
                where = where if serial % 3 else [serial % 8 * 8, where][::serial % 2 * 2 - 1]
                dynamic = lambda l: 0 if l == "c" else 3
                offset = dynamic(pair[0]) if dynamic(pair[0]) == dynamic(pair[1]) else 0
                run = lambda name, want, **k: call(library, name, [(x, ty)], want, where, layout=layout, offset=offset, **k)
                run(n, apply("element"))
                at = (r % 7, c * 5 % 23)
                if (r + c) % 16 == 0:
                    at = (2**35 // (c + 31), 0)
                run("at_" + n, apply("alpha", at=at, of=(2**27, c + 31)), i=at[0], j=at[1], m=2**27, n=c + 31)
                if where == "end" or serial % 4 == 0:
                    run("channel_" + n, apply("channel", dims=[0], training=bool(serial % 5)), t=int(bool(serial % 5)))
                    run("column_" + n, apply("feature_alpha", dims=[1], backward=True))
                    run("turned_" + n, apply("feature_alpha", dims=[1, 0]))
                    if pair[0] == pair[1] and 0 not in layout[0]:
                        call(library, "inplace_" + n, [(x, ty)], apply("alpha", backward=True), where,
                             layout=layout[:1], offset=offset, inplace="argument")


# ---- Static shapes ------------------------------------------------------------------------------------------------

STATIC = [1, 3, 8, 15, 16, 17, 33, 63, 64, 72, 129, 200, 255, 256, 257, 512, 777, 1001]


def statics():
    m = Module("statics")
    for k, n in enumerate(STATIC):
        ty = oracle.TYPES[k % 4]
        T, R, S = f"memref<{n}x{ty}>", f"memref<3x{n}x{ty}>", f"memref<3x{n}x{ty}, strided<[{n + 5}, 1]>>"
        m.add(f"row_{n}", dict(x=T, y=T), [f"dropout.element %x into %y p = 0.3 {RNG} : {T}, {T}"])
        m.add(f"rows_{n}", dict(x=R, y=S), [f"dropout.alpha %x into %y p(%p) {RNG} training(%t) : {R}, {S}"])
        m.add(f"middle_{n}", dict(x=R, y=R), [f"dropout.backward element %x into %y p = 0.3 {RNG} at [1, 5] of [9, {n + 6}] : {R}, {R}"])
        m.add(f"channel_{n}", dict(x=S, y=R), [f"dropout.channel %x into %y p = 0.3 mask_dims = [0] {RNG} : {S}, {R}"])
    return m


def check_statics(library):
    call = Checker(16 * native.PAGE, 2)
    for k, n in enumerate(STATIC):
        ty = oracle.TYPES[k % 4]
        x, x3 = DATA[ty][:n], np.resize(DATA[ty], (3, n))
        apply = lambda kind, x, **k: (oracle.apply(kind, x, ty, .3, 42, 7, **k)[0], ty)
        padded = [n + 5, 1]
        for where in ("end", "begin", [0, 16]):
            call(library, f"row_{n}", [(x, ty)], apply("element", x), where)
            call(library, f"rows_{n}", [(x3, ty)], apply("alpha", x3), where, layout=[None, padded])
            call(library, f"middle_{n}", [(x3, ty)], apply("element", x3, at=(1, 5), of=(9, n + 6), backward=True), where)
            call(library, f"channel_{n}", [(x3, ty)], apply("channel", x3, dims=[0]), where, layout=[padded, None])


def main():
    # The pages do what they are there for: one element more is a fault, on either side.
    control = Module("control")
    T = "memref<?xf32>"
    control.add("f", dict(x=T, y=T), [f"dropout.element %x into %y p = 0.3 {RNG} : {T}, {T}"])
    library = control.build()
    for shift, number in ((0, None), (4, signal.SIGSEGV)):
        def work():
            memories = [native.Memory(native.PAGE) for _ in range(2)]
            views = [memories[0].place("f32", (500,), (1,), "end"), memories[1].place("f32", (500,), (1,), 0)]
            views[0].descriptor[1] += shift
            library.call("f", views)
        check(native.died(work) == number, f"a buffer that ends {shift} bytes behind the last page: expected {number}")

    m = rows(oracle.TYPES)
    for k, target in enumerate(TARGETS):
        types = oracle.TYPES if k == 0 else ("f32", ("bf16", "f64", "f16")[k % 3])
        library = (m if k == 0 else rows(types)).build(target)
        guarded(lambda: check_rows(library, types, LENGTHS if k == 0 else FEW))
        if k < 4:
            guarded(lambda: check_alignment(library, types))
        guarded(lambda: check_positions(library, types, k == 0))
    few = [(r, c) for r in (2, 3) for c in range(1, 131)] + [(5, c) for c in (255, 256, 257, 264, 513)] + [
        (r, c) for c in (1, 3, 8, 17) for r in range(4, 131, 3)] + [(0, 4), (4, 0)]
    for k, target in enumerate(TARGETS[:3]):
        types = oracle.TYPES if k == 0 else ("f32",)
        library = matrices(types).build(target)
        guarded(lambda: check_matrices(library, types, few if k == 0 else few[::7]))
        if k in (0, 2):
            library = statics().build(target)
            guarded(lambda: check_statics(library))


if __name__ == "__main__":
    main()
    done()
