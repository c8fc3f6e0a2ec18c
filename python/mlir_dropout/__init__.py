# ===- __init__.py - Dropout whose masks are the same bits everywhere ------===//
#
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Dropout that is exact, reproducible and as fast as a copy.

>>> import numpy as np
>>> import mlir_dropout as md
>>> x = np.arange(1, 9, dtype=np.float32)
>>> md.element(x, 0.5, seed=0, offset=0)
array([ 2.,  0.,  6.,  8., 10., 12., 14., 16.], dtype=float32)

The mask is a pure function of (seed, offset, index of the element, p): the same
bits for every thread count, memory layout, element type, slice and machine, in
forward and in backward, and those of the compiler (docs/DropoutDialect.md).

Arrays are NumPy's, torch's (on the CPU), or of anything that has DLPack or the
buffer protocol; results are the caller's kind. For networks with gradients see
`mlir_dropout.torch`.
"""

from ._native import _core
from ._functions import alpha, backward, channel, element, feature_alpha, mask
from ._generator import (
    Generator,
    default_generator,
    get_state,
    is_training,
    manual_seed,
    named_generator,
    seed_scope,
    set_state,
    set_training,
    training,
)
from ._compile import CompiledFunction, CompileError, compile
from ._threads import get_num_threads, set_num_threads

__version__: str = _core.__version__

__all__ = [
    "CompileError",
    "CompiledFunction",
    "Generator",
    "alpha",
    "backward",
    "channel",
    "compile",
    "default_generator",
    "element",
    "feature_alpha",
    "get_num_threads",
    "get_state",
    "is_training",
    "manual_seed",
    "mask",
    "named_generator",
    "seed_scope",
    "set_num_threads",
    "set_state",
    "set_training",
    "training",
    "__version__",
]
