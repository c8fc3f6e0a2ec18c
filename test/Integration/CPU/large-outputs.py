# RUN: %python %s %clang %if sanitizers %{ -std=c++17 -ffp-contract=off -DDROPOUT_RUNTIME_BUILD -I %include %dropout_src/lib/Runtime/*.cpp %} %else %{ %dropout_runtime_lib %}
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# What is done only for large outputs: stores past the caches (17 MiB, aligned to
# 64 bytes and not, rows that are aligned and rows that are not) and threads,
# which share rows or parts of rows. Buffers lie between guard pages, all bytes
# are compared with the oracle's.

import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
sys.dont_write_bytecode = True
import numpy as np
import harness, native, oracle
from harness import done, random
from native import Checker, Module, guarded

RNG = "rng(%s, %o)"
WHERES = ["end", "begin", 0, [16, 0], [0, 16], [4, 0], [0, 4], [0, 40]]


def functions(types):
    m = Module("large")
    for ty in types:
        T, V = f"memref<?x{ty}>", f"memref<?x?x{ty}, strided<[?, 1], offset: ?>>"
        m.add(f"row_{ty}", dict(x=T, y=T), [f"dropout.element %x into %y p(%p) {RNG} training(%t) : {T}, {T}"])
        m.add(f"inplace_{ty}", dict(x=T), [f"dropout.element %x into %x p = 0.3 {RNG} training(%t) : {T}, {T}"])
        m.add(f"window_{ty}", dict(x=T, y=T), [f"dropout.element %x into %y p = 0.3 {RNG} at [%i] of [%n] : {T}, {T}"])
        m.add(f"rows_{ty}", dict(x=V, y=V), [f"dropout.alpha %x into %y p = 0.3 {RNG} at [%i, %j] of [%m, %n] : {V}, {V}"])
        m.add(f"channels_{ty}", dict(x=V, y=V), [f"dropout.channel %x into %y p = 0.3 mask_dims = [0] {RNG} : {V}, {V}"])
    B, T = "tensor<?xf32>", "tensor<?x?xf32>"
    m.add("biased", dict(x="memref<?x?xf32>", b="memref<?xf32>", y="memref<?x?xf32>"), [
        f"%xt = bufferization.to_tensor %x restrict : memref<?x?xf32> to {T}", "%c0 = arith.constant 0 : index",
        f"%bt = bufferization.to_tensor %b restrict : memref<?xf32> to {B}", "%c1 = arith.constant 1 : index",
        f"%d0 = tensor.dim %xt, %c0 : {T}", f"%d1 = tensor.dim %xt, %c1 : {T}", f"%e = tensor.empty(%d0, %d1) : {T}",
        f"%a = linalg.broadcast ins(%bt : {B}) outs(%e : {T}) dimensions = [0]", f"%h = arith.addf %xt, %a : {T}",
        f"%d = dropout.element %h p = 0.3 {RNG} : {T}", f"%r = arith.addf %d, %xt : {T}",
        f"bufferization.materialize_in_destination %r in restrict writable %y : ({T}, memref<?x?xf32>) -> ()"])
    return m


def check(library, ty, sizes, rows, wheres):
    """sizes: of rows alone; rows: counts, lengths and the padding behind each."""
    most = max(max(sizes), max(r * (c + pad) for r, c, pad in rows))
    size = np.dtype(oracle.DTYPE[ty]).itemsize
    call = Checker((most + 64) * size + 128, 2)
    data = np.resize(random((99991,), ty, 3), most)
    apply = lambda kind, x, **k: (oracle.apply(kind, x, ty, .3, 42, 7, **k)[0], ty)
    y, first = apply("element", data)[0], 77
    window = apply("element", data, at=(first,), of=(2**40,))[0]
    for n in sizes:
        x, w = (data[:n], ty), (y[:n], ty)
        for k, where in enumerate(wheres):
            where = [v // size * size for v in where] if isinstance(where, list) else where
            call(library, f"row_{ty}", [x], w, where)
            call(library, f"inplace_{ty}", [x], w, where[0] if isinstance(where, list) else where, inplace="argument")
            if k % 2 == 0:
                call(library, f"row_{ty}", [x], w, where, inplace=True)
                call(library, f"window_{ty}", [x], (window[:n], ty), where, i=first, n=2**40)
            if k % 3 == 0:
                call(library, f"row_{ty}", [x], x, where, t=0)
                call(library, f"row_{ty}", [x], x, where, p=0.0)
    for k, (r, c, pad) in enumerate(rows):
        x = data[:r * c].reshape(r, c)
        at = (3, 5 * k)
        w, channels = apply("alpha", x, at=at, of=(2**20, c + 99)), apply("channel", x, dims=[0])
        for where in wheres[:5:2] + wheres[4:6]:
            where = [v // size * size for v in where] if isinstance(where, list) else where
            layout = [[c + pad, 1]] * 2
            call(library, f"rows_{ty}", [(x, ty)], w, where, layout=layout, i=at[0], j=at[1], m=2**20, n=c + 99)
            call(library, f"channels_{ty}", [(x, ty)], channels, where, layout=layout)


def check_biased(library, shapes, wheres):
    call = Checker(max(r * c for r, c in shapes) * 4 + 4096, 3)
    for r, c in shapes:
        x, b = np.resize(random((99991,), "f32", 3), (r, c)), np.resize(random((9973,), "f32", 4), c)
        want = oracle.apply("element", x + b, "f32", .3, 42, 7)[0] + x
        for where in wheres:
            call(library, "biased", [(x, "f32"), (b, "f32")], (want, "f32"), where)


# Past the caches: from 16 MiB on.
MIB = 1 << 20
library = functions(("f32", "bf16", "f64")).build()
guarded(lambda: check(library, "f32", [17 * MIB // 4, 17 * MIB // 4 + 5, 16 * MIB // 4, 16 * MIB // 4 - 1],
                      [(4352, 1024, 0), (4451, 1001, 0), (4200, 1024, 16), (5, 900001, 3), (70000, 64, 0)], WHERES))
guarded(lambda: check(library, "bf16", [17 * MIB // 2 + 33], [(4352, 2048, 32)], WHERES[2:6]))
guarded(lambda: check(library, "f64", [17 * MIB // 8 + 3], [(2200, 1024, 0)], WHERES[2:5]))
guarded(lambda: check_biased(library, [(4352, 1024), (4451, 1001), (3, 1500000)], [[0, 0, 0], "end", [0, 4, 32]]))

# Threads: from 512 KiB on. Enough rows for each, too few, one; parts that are empty for some.
LENGTHS = [131071, 131072, 131073, 200001, 8 * MIB // 16 + 1]
ROWS = [(700, 301, 3), (2, 150001, 5), (3, 66001, 0), (2, 132096, 1), (1, 131500, 0), (40000, 5, 2), (260, 1024, 0)]
for threads in (2, 3, 0, 16, 150):
    library = functions(("f32", "bf16")).build(threads=threads)
    guarded(lambda: check(library, "f32", LENGTHS, ROWS, WHERES[:6]))
    guarded(lambda: check(library, "bf16", [300007], [(500, 700, 1), (2, 170001, 5)], WHERES[:4]))
    guarded(lambda: check_biased(library, [(700, 301), (2, 150001), (40, 4000)], [[0, 0, 0], "end", [0, 4, 32]]))
library = functions(("f32",)).build(threads=3)
guarded(lambda: check(library, "f32", [17 * MIB // 4 + 5], [(4352, 1024, 0), (2, 2300001, 7)], [0, [0, 4], "end"]))
done()
