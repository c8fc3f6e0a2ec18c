# RUN: %python %s %clang %if sanitizers %{ -std=c++17 -ffp-contract=off -DDROPOUT_RUNTIME_BUILD -I %include %dropout_src/lib/Runtime/*.cpp %} %else %{ %dropout_runtime_lib %}
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Dropout among its neighbours in one GPU kernel, run on the host: the programs
# of CPU/fused-loops.py. Each vector access looks at its alignment.

import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
sys.dont_write_bytecode = True
import native
from harness import done
from host_run import Library, cpu_test, only

fused = cpu_test("fused-loops")


class Some(native.Checker):
    """Calls what the library has."""

    def __call__(self, library, name, *rest, **options):
        if name in library.functions:
            super().__call__(library, name, *rest, **options)


fused.Checker = Some
SIZES = fused.SIZES[::2] + [(3, 1001), (40, 24), (1, 1030)]
PARTS = {"f32": "chain|padded|two|twice|channels|both", "bf16": "chain|turned|padded|two", "f16": "padded|transposed|channels",
         "f64": "twice|per_row|per_column|two"}
for k, types in enumerate((("f32",), ("bf16", "f16", "f64"))):
    module = native.Module("dynamic")
    for ty in types:
        fused.programs(module, (None, None), ty)
    only(module, "|".join(f"({PARTS[ty]})_{ty}" for ty in types))
    library = Library(module, ("", "chip=sm_90 block-size=32 elements-per-thread=32")[k], checked=True)
    for ty in types:
        native.guarded(lambda: fused.check(library, ty, SIZES))
module = native.Module("static")
for (r, c), ty in zip(((2, 512), (3, 257), (130, 5)), ("bf16", "f32", "f16")):
    fused.programs(module, (r, c), ty, f"_{r}x{c}")
only(module, "chain_.*|two_.*512|twice_.*|transposed_.*")
library = Library(module, checked=True)
for (r, c), ty in zip(((2, 512), (3, 257), (130, 5)), ("bf16", "f32", "f16")):
    native.guarded(lambda: fused.check(library, ty, [(r, c)] * 17, f"_{r}x{c}"))
done()
