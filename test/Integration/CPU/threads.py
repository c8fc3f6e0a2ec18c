# RUN: %python %s
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The number of threads changes no bit, for no lowering: outputs above and below
# the size from which they share a loop, rows that are shared out and rows that
# are cut, every kind and direction, windows of something larger, in place,
# static and dynamic, memory in C order and in Fortran order.

import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
sys.dont_write_bytecode = True
import numpy as np
import oracle
from harness import LOWERINGS, Batch, done, random

# Shapes whose f32 outputs are above 512 KiB: many rows, fewer rows than threads, one row; then some below.
SHAPES = [(700, 251), (2, 70001), (139999,), (5, 27, 1031), (300, 301), (3, 4000)]
COUNTS = {"vector": (1, 2, 3, 0)}

b = Batch("threads")
for k, shape in enumerate(SHAPES):
    kind, ty = ("element", "alpha")[k % 2], ("f32", "f32", "bf16", "f16")[k % 4]
    x = random(shape, ty, k)
    back = k % 3 == 2
    b.op(kind, x, ty, .3, form="dynamic", runtime=True, backward=back)
    if k % 2 == 0:
        b.op("alpha", x, ty, .3, mask=True, training=True)
    b.op("element", x, ty, .3, form="inplace", backward=back)
    at, of = [k + 1] * len(shape), [s + k + 9 for s in shape]
    b.op("element", x, ty, .3, form="memref", at=at, of=of, position=("static", "dynamic")[k % 2])
    if len(shape) > 1:
        b.op(("channel", "feature_alpha")[k % 2], x, ty, .4, form="memref", dims=([0], [1], [1, 0])[k % 3], backward=back)
        b.op("element", np.asfortranarray(x), ty, .3, form="strided")
    else:
        b.op("element", x, ty, .3, form="memref", rounds=7, resolution=8)
    b.mask(shape, .3, form=("memref", "tensor")[k % 2])
for lowering in LOWERINGS:
    for count in COUNTS.get(lowering, (3,)):
        b.check([lowering], flags=[f"--num-threads={count}"])
done()
