# RUN: %python %s %clang %if sanitizers %{ -std=c++17 -ffp-contract=off -DDROPOUT_RUNTIME_BUILD -I %include %dropout_src/lib/Runtime/*.cpp %} %else %{ %dropout_runtime_lib %}
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# GPU kernels of one row, run on the host: every length from 0 to 300 and those
# around the work of a block, every alignment, every position in the mask near
# where something changes, ties that are forced; for every number of elements of
# a thread, several block sizes, and both tests for ties. Each vector access
# looks at its alignment; all bytes around the operands are compared.

import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
sys.dont_write_bytecode = True
import numpy as np
import harness, native, oracle
from harness import check, done
from host_run import Library, cpu_test, only
from native import Checker, Module, guarded

pages = cpu_test("guard-pages")
LENGTHS = [*range(301), *range(501, 530, 4), 777, 1023, 1024, 1025]
FEW = pages.FEW[::2]
TARGETS = ["", "chip=sm_90 block-size=32 elements-per-thread=32", "elements-per-thread=64 block-size=1024", "chip=sm_90 block-size=64"]
TYPES = [oracle.TYPES, ("bf16",), ("f16",), ("f64",)]
# All of f32, and some of the others, in different kernels.
NAMES = [r".*_f32.*|(element|alpha_back)_(bf16|f16|f64)(_inplace)?|(element|alpha)_(bf16|f16|f64)_dynamic|mask.*"] + [
    r"(element|alpha)_[^_]*(_inplace)?|.*_at|(short_)?bytes_.*|mask"] * 3


def lengths(library, ty, few):
    """Every length and both ways to a kernel of it, with pages on either side."""
    call, sides = Checker(3 * native.PAGE, 2), ("end", "begin", [16, 32], "begin")
    for k, (kind, back) in enumerate(pages.KINDS):
        name, y = pages.label(kind, back, ty), pages.whole(kind, ty, .3, backward=back)
        for n in few if k else LENGTHS:
            x, w = (pages.DATA[ty][:n], ty), (y[:n], ty)
            if name in library.functions:
                call(library, name, [x], w, sides[n % 4])
            if name + "_inplace" in library.functions:
                call(library, name + "_inplace", [x], w, sides[(n + 1) % 4] if n % 4 != 1 else 8, inplace="argument")
            for p, t in ((1.0, 1), (0.0, 1), (.3, 0), (.3, 1)) if n % 8 == k and name + "_dynamic" in library.functions else ():
                x0 = (pages.NASTY[ty][:n], ty)
                w0 = (oracle.apply(kind, x0[0], ty, p, 42, 7, training=bool(t), backward=back)[0], ty)
                call(library, name + "_dynamic", [x0], w0, sides[n // 8 % 4], p=p, t=t)
    m = oracle.mask("element", (pages.MOST,), .3, 42, 7)
    for n in few:
        x = (pages.DATA[ty][:n], ty)
        for name, options in (("short", dict(rounds=7)), ("bytes", dict(resolution=8))):
            if f"{name}_{ty}" in library.functions:
                call(library, f"{name}_{ty}", [x], (pages.whole("element", ty, .3, **options)[:n], ty), sides[n % 4])
        call(library, "mask", [], (m[:n], "i1"), ("end", "begin", 16, 3)[n % 4])


def many_blocks(library, ty):
    """Grids of more than one block: around the elements of one, and of two."""
    x = harness.random((70000,), ty, 7)
    y = oracle.apply("element", x, ty, .3, 42, 7)[0]
    call = Checker(x.nbytes + 2 * native.PAGE, 2)
    for n in [4096 * k + d for k in (1, 2, 4, 8) for d in (-9, -1, 0, 1, 8)] + [16384 * 2 + 5, 65536, 70000]:
        call(library, f"element_{ty}", [(x[:n], ty)], (y[:n], ty), ("end", 0, 8)[n % 3])
        if f"element_{ty}_at" in library.functions:  # a block of the mask more, if the row begins inside of one
            for i in (1, 7):
                at = oracle.apply("element", x[:n], ty, .3, 42, 7, at=[i], of=[2**20])[0]
                call(library, f"element_{ty}_at", [(x[:n], ty)], (at, ty), 0 if n % 2 else (64 - i) * x.itemsize % 64, i=i, n=2**20)


def ties(library, ty):
    """p whose T has the top half of a draw at hand: that draw ties, and the lower half decides."""
    high = oracle.high(np.arange(600), 42, 7)
    low = oracle.low(np.arange(600), 42, 7)
    x = pages.DATA[ty][:600]
    call = Checker(3 * native.PAGE, 2)
    for i in [*range(0, 16), 127, 128, 300, 511, 512, 597, 598, 599]:
        u = int(high[i]) << 16 | int(low[i])
        for T in {u, u + 1, u - 1, int(high[i]) << 16, int(high[i]) << 16 | 0xFFFF}:
            p = T / 2**32
            if 0 < p < 1:
                y = oracle.apply("element", x, ty, p, 42, 7)[0]
                kept = oracle.keep_at(np.array([i], np.uint64), p, 42, 7)[0]
                check(bool(kept) == (u >= T), f"element {i} with T = {T:#x}")
                if f"element_{ty}_dynamic" in library.functions:
                    call(library, f"element_{ty}_dynamic", [(x, ty)], (y, ty), 0, p=p)
                call(library, f"element_{ty}_inplace", [(x, ty)], (y, ty), "end", p=p, inplace="argument")
    # The ends of T: few draws decide, or all do.
    for p in (2.0**-32, 3 * 2.0**-32, 2.0**-17, 2.0**-16, 1.5 * 2.0**-16, 1 - 2.0**-32, 1 - 2.0**-16, 1 - 2.0**-17, .5, 1e-300):
        for kind in ("element", "alpha"):
            y = oracle.apply(kind, x, ty, p, 42, 7)[0]
            call(library, f"{kind}_{ty}_inplace", [(x, ty)], (y, ty), 0, p=p, inplace="argument")


def zero_halves():
    """Halves of 0 are where T = 0, p = 1 and the smallest T meet: a row around the first one, of 2^16 or so."""
    m = Module("zero halves")
    m.add("f", dict(x="memref<?xf32>", y="memref<?xf32>"),
          ["dropout.element %x into %y p(%p) rng(%s, %o) at [%i] of [%n] : memref<?xf32>, memref<?xf32>"])
    library = Library(m)
    draws = np.arange(2**19)
    at = [int(v) for v in np.flatnonzero(oracle.high(draws, 42, 7) == 0)[:3]]
    check(len(at) == 3, "no halves of 0 to look at")
    call, x = Checker(3 * native.PAGE, 2), pages.DATA["f32"][:64]
    for i in at:
        for p in (2.0**-32, 2.0**-18, 2.0**-17, 2.0**-16, 1.0, 0.0):
            y = oracle.apply("element", x, "f32", p, 42, 7, at=[i - 9], of=[2**20])[0]
            call(library, "f", [(x, "f32")], (y, "f32"), 0, p=p, i=i - 9, n=2**20)


def launched(library):
    """Aligned memory has vector accesses, other memory has not, and work that needs none is not done."""
    T, memory = np.float32, [native.Memory(native.PAGE) for _ in range(2)]

    def kernels(name, where, count, **scalars):
        library.program.launches()
        library.call(name, [m.place("f32", (n,), (1,), w) for m, n, w in zip(memory, count, where)], **scalars)
        return [l[0] for l in library.program.launches()]

    for name, where, count, scalars, want in (
            ("element_f32_dynamic", (0, 16), (100, 100), {}, ""), ("element_f32_dynamic", (0, 4), (100, 100), {}, "_unaligned"),
            ("element_f32_dynamic", (8, 0), (100, 100), {}, "_unaligned"),
            ("element_f32_dynamic", (0, 0), (100, 100), dict(t=0), "_inactive"),
            ("element_f32_dynamic", (0, 0), (100, 100), dict(p=0.0), "_inactive"),
            ("element_f32_dynamic", (0, 4), (100, 100), dict(p=0.0), "_inactive_unaligned"),
            ("element_f32_inplace", (0,), (100,), {}, ""), ("element_f32_inplace", (0,), (100,), dict(p=0.0), None),
            ("element_f32_at", (0, 0), (100, 100), dict(i=8), ""), ("element_f32_at", (0, 0), (100, 100), dict(i=3), "_unaligned"),
            ("element_f32_at", (4, 4), (100, 100), dict(i=1), ""), ("element_f32_at", (4, 4), (100, 100), dict(i=9), "")):
        got = kernels(name, where, count, **scalars)
        check([g.partition("_0")[2] for g in got] == ([] if want is None else [want]),
              f"{name} at {where} {scalars}: expected kernel {want!r}, but got {got}")


def main():
    for k, (target, types, names) in enumerate(zip(TARGETS, TYPES, NAMES)):
        library = Library(only(pages.rows(types), names), target, checked=True)

        def work():
            for ty in types:
                lengths(library, ty, FEW if k == 0 else FEW[::2])
                many_blocks(library, ty)
                if f"alpha_{ty}_inplace" in library.functions:
                    ties(library, ty)
            pages.check_alignment(library, types)
            pages.check_positions(library, types if k else ("f32",), False)
            if k == 0:
                launched(library)

        guarded(work)
    guarded(zero_halves)


main()
done()
