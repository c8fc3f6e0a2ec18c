# RUN: %python %s
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Shapes and layouts: 0-d to 6-d, empty, odd and block-sized rows, static and
# dynamic tensors, memrefs contiguous, in place, strided and transposed; the
# mask depends on the logical index alone. mask_dims in every order, [] too.

import itertools, os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
sys.dont_write_bytecode = True
import numpy as np
import oracle
from harness import Batch, canary, done, random, typed

SHAPES = [(), (1,), (7,), (8,), (9,), (64,), (131,), (3, 5), (4, 8), (1, 17), (17, 1), (2, 3, 16), (5, 1, 3), (2, 3, 4, 5), (2, 1, 3, 2, 9),
          (2, 3, 1, 2, 2, 7), (0,), (0, 5), (4, 0, 3)]

# Every shape in every form. Kinds and types take turns, so that each meets many shapes.
for form in ("tensor", "dynamic", "memref", "inplace", "strided"):
    b = Batch("shapes")
    for k, s in enumerate(SHAPES):
        ty = oracle.TYPES[k % 4]
        for kind in ("element", "alpha") if k % 2 else ("alpha", "element"):
            back = kind == "alpha" and k % 3 == 0  # a gradient has no mask result
            b.op(kind, random(s, ty, k), ty, .4, backward=back, runtime=k % 2 == 0,
                 mask=form in ("tensor", "dynamic") and k % 2 == 1 and not back)
        if len(s) >= 2:
            b.op(("channel", "feature_alpha")[k % 2], random(s, ty, k), ty, .4, backward=k % 3 == 1)
    if form in ("tensor", "dynamic", "memref"):
        for s in SHAPES:
            b.mask(s, .4, form=form)
    b.check()

# Transposed: a Fortran array in a function of strided memrefs; and Fortran arrays where the layout is the identity.
b = Batch("transposed")
for k, s in enumerate(((6, 11), (3, 4, 5), (8, 16), (2, 3, 4, 5))):
    f = np.asfortranarray(random(s, "f32", k))
    b.op(("element", "alpha")[k % 2], f, "f32", .4, form="strided")
    b.op("channel", f, "f32", .4, form="strided", dims=[1, 0], backward=k % 2 == 1)
    b.op("alpha", f, "f32", .4, form="tensor", mask=True)
    b.op("element", f, "f32", .4, form="dynamic")
    b.op("element", f, "f32", .4, form="memref")
b.check()

# mask_dims: all subsets of three dims in all orders, each with its mask result; and of unit and empty dims.
x = random((3, 4, 5), "f32")
orders = [list(d) for n in range(4) for d in itertools.permutations(range(3), n)]
for runtime in (False, True):
    b = Batch("mask_dims")
    for k, dims in enumerate(orders):
        kind = ("channel", "feature_alpha")[k % 2]
        b.op(kind, x, "f32", .5, dims=dims, mask=True, runtime=runtime)
        b.op(kind, x, "f32", .5, dims=dims, backward=True, form=("dynamic", "memref")[k % 2], runtime=runtime)
    b.check()
b = Batch("mask_dims of high rank")
y = random((2, 3, 1, 4, 2, 3), "f32")
for dims in ([5, 0], [3, 1, 4], [0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0], [2], [], [4, 2, 0]):
    b.op("channel", y, "f32", .5, dims=dims, mask=True)
    b.op("feature_alpha", y, "f32", .5, dims=dims, form="strided")
for s, dims in (((0, 3), [1]), ((0, 3), [0]), ((2, 0, 3), [2, 0]), ((), []), ((5,), [0]), ((5,), [])):
    b.op("channel", random(s, "f32"), "f32", .5, dims=dims, mask=True)
    b.op("feature_alpha", random(s, "f32"), "f32", .5, dims=dims, backward=True, form="dynamic")
b.check()

# A mask op whose dims are listed in another order is the same mask seen from elsewhere.
b = Batch("mask op with mask_dims")
for shape, dims in (((4, 6), [1, 0]), ((3, 4, 5), [2, 0, 1])):
    want = oracle.broadcast(oracle.mask("channel", shape, .5, 42, 7, dims=dims), shape, dims)
    for form in ("tensor", "memref"):
        k, t = len(b.body), typed(shape, "i1", kind=form)
        what = f"mask {shape} mask_dims {dims} {form}"
        if form == "tensor":
            b.line(f"%m{k} = dropout.mask{b.tail(.5, 42, 7, dims=dims)} : {t}")
            b.result(f"%m{k}", t, "i1", np.ascontiguousarray(want), what)
        else:
            b.line(f"dropout.mask into {b.buffer(~want, 'i1', np.ascontiguousarray(want), what)}{b.tail(.5, 42, 7, dims=dims)} : {t}")
b.check()
done()
