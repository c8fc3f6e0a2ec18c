# RUN: %python %s %clang %if sanitizers %{ -std=c++17 -ffp-contract=off -DDROPOUT_RUNTIME_BUILD -I %include %dropout_src/lib/Runtime/*.cpp %} %else %{ %dropout_runtime_lib %}
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# GPU kernels of many rows, run on the host: rows and columns of every length,
# padded, transposed, strided, backwards; more rows than a grid has; ranks 0 to
# 6; mask_dims in every order. Each vector access looks at its alignment; all
# bytes around the operands are compared.

import itertools, os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
sys.dont_write_bytecode = True
import numpy as np
import harness, host_run, native, oracle
from harness import Batch, check, done, random
from host_run import Library, cpu_test
from native import Checker, Module, guarded

pages = cpu_test("guard-pages")
host_run.install()
# Compiling takes most of the time: fewer layouts, each with all it can be.
pages.PAIRS = {"f32": [("c", "c"), ("rows", "rows"), ("any", "any")], "bf16": [("rows", "c")], "f64": [("columns", "rows")],
               "f16": [("c", "columns")]}
pages.STATIC = [1, 8, 72, 257, 1001]
SIZES = [(3, 1001), (5, 7), (1, 300), (300, 1), (2, 520), (17, 64), (130, 3)] + [
    (2 + c % 2, c) for c in range(1, 131, 3)] + [(0, 4), (4, 0)]


def many_rows(options, sizes):
    """More rows than a grid has in y: a thread has several."""
    m = Module("many rows")
    T, R = "memref<?x?xf32>", "memref<?x?xf32, strided<[?, 1], offset: ?>>"
    m.add("element", dict(x=T, y=R), [f"dropout.element %x into %y p = 0.3 {pages.RNG} : {T}, {R}"])
    m.add("channel", dict(x=R, y=T), [f"dropout.channel %x into %y p = 0.3 mask_dims = [0] {pages.RNG} : {R}, {T}"])
    library = Library(m, options)

    def work():
        for r, c in sizes:
            x = np.resize(pages.DATA["f32"], (r, c))
            call = Checker(4 * r * (c + 1) + 4 * native.PAGE, 2)
            library.program.launches()
            call(library, "element", [(x, "f32")], (oracle.apply("element", x, "f32", .3, 42, 7)[0], "f32"), "end",
                 layout=[None, [c + 1, 1]])
            grids = [l[2] for l in library.program.launches()]
            call(library, "channel", [(x, "f32")], (oracle.apply("channel", x, "f32", .3, 42, 7, dims=[0])[0], "f32"), "end",
                 layout=[[c + 1, 1], None])
            check(len(grids) == 1 and grids[0] <= 65535 and (grids[0] == 65535 or r < 2**21), f"{r} rows: a grid of {grids}")

    guarded(work)


SHAPES = [(), (1,), (9,), (131,), (3, 5), (1, 17), (17, 1), (2, 3, 16), (5, 1, 3), (2, 3, 4, 5), (2, 1, 3, 2, 9), (2, 3, 1, 2, 2, 7), (0,),
          (4, 0, 3)]


def ranks():
    """Every rank and empty extents, in each form that memory has."""
    for form in ("dynamic", "strided"):
        b = Batch("ranks")
        for k, s in enumerate(SHAPES):
            ty, kind = oracle.TYPES[k % 4], ("element", "alpha")[k // 2 % 2]
            x = random(s, ty, k)
            b.op(kind, np.asfortranarray(x) if form == "strided" and k % 3 else x, ty, .4, backward=k % 3 == 0, runtime=k % 2 == 0,
                 form=form, mask=form != "strided" and k % 3 == 1)
        b.check()


def mask_dims():
    """All subsets of three dims in all orders, channels-last among them; and of high rank, where some are 1."""
    x, y = random((3, 4, 5), "f32"), random((2, 3, 1, 4, 2, 3), "bf16")
    b = Batch("mask_dims")
    for k, dims in enumerate(list(d) for n in range(4) for d in itertools.permutations(range(3), n)):
        b.op(("channel", "feature_alpha")[k % 2], x, "f32", .5, dims=dims, mask=k % 2 == 0, backward=k % 4 == 1,
             runtime=k % 3 == 0, form="tensor" if k % 2 == 0 else "inplace")
    for k, dims in enumerate(([5, 0], [0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0], [2], [], [4, 2, 0])):
        b.op(("channel", "feature_alpha")[k % 2], y, "bf16", .5, dims=dims, form=("strided", "dynamic")[k % 2])
    b.op("channel", random((4, 6, 7, 32), "f16"), "f16", .3, dims=[0, 3])
    b.op("feature_alpha", random((4, 6, 7, 32), "f64"), "f64", .3, dims=[3, 0], backward=True)
    b.check()


def main():
    for k, (options, types) in enumerate((("", ("f32",)), ("chip=sm_90 elements-per-thread=32 block-size=64", ("bf16", "f64", "f16")))):
        library = Library(pages.matrices(types), options, checked=True)
        guarded(lambda: pages.check_matrices(library, types, SIZES[k::2] if k else SIZES))
    library = Library(pages.statics(), checked=True)
    guarded(lambda: pages.check_statics(library))
    many_rows("", ((70000, 3), (65535, 1), (65537, 9), (1, 70000), (257, 513), (9, 0), (0, 9)))
    many_rows("block-size=32 elements-per-thread=64", ((65535 * 32 + 77, 1), (65536, 2), (33, 1000)))
    guarded(ranks)
    guarded(mask_dims)


main()
done()
