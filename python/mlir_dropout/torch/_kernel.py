# ===- _kernel.py - Calls of the compiled kernels --------------------------===//
#
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Kinds, operations and element types as the compiled kernels have them, and what
can be said of a call's options.

The options of a call travel as one tuple:
    (kind, p, seed, offset, mask_dims, rounds, resolution)
A module remembers its last call as (shape, options): its mask can be made again.
"""

from __future__ import annotations

from typing import Optional

import torch
from torch import Tensor

from .._native import _core

ELEMENT: int = int(_core.ELEMENT)
CHANNEL: int = int(_core.CHANNEL)
ALPHA: int = int(_core.ALPHA)
FEATURE_ALPHA: int = int(_core.FEATURE_ALPHA)
FORWARD: int = int(_core.FORWARD)
BACKWARD: int = int(_core.BACKWARD)
MASK: int = int(_core.MASK)

FLOAT_TYPES = frozenset((torch.float16, torch.bfloat16, torch.float32, torch.float64))

CPU = torch.device("cpu")

apply = _core.apply


def kernel(op: int, x: Optional[Tensor], out: Tensor, options) -> None:
    """Runs a kernel on tensors that are plain."""
    kind, p, seed, offset, mask_dims, rounds, resolution = options
    try:
        apply(op, kind, x, out, p, seed, offset, mask_dims, rounds, resolution)
    except ValueError:
        repeat_aligned(op, x, out, options)


def repeat_aligned(op: int, x: Optional[Tensor], out: Tensor, options) -> None:
    """Repeats a refused call on copies, if it was refused for where its tensors
    lie: PyTorch's operators take any address. To be called while the refusal is
    handled; goes on with it otherwise."""
    if not any(t is not None and t.data_ptr() % t.element_size() for t in (x, out)):
        raise  # noqa: PLE0704
    with torch.no_grad():
        y = torch.empty_like(out)
        kind, p, seed, offset, mask_dims, rounds, resolution = options
        apply(op, kind, None if x is None else x.clone(), y, p, seed, offset, mask_dims, rounds, resolution)
        out.detach().copy_(y)


def mask_of(last) -> Tensor:
    """The keep mask of a remembered call."""
    shape, options = last
    out = torch.empty(tuple(shape), dtype=torch.bool, device=CPU)
    kernel(MASK, None, out, options)
    return out


def check_type(x: Tensor) -> None:
    """Raises unless x has an element type that dropout can act on."""
    if x.dtype not in FLOAT_TYPES:
        raise TypeError("expected an input of type float16, bfloat16, float32 or float64 in training, but got "
                        f"{x.dtype}")


def check_options(rounds: int, resolution: int, p: float) -> None:
    """Raises unless rounds and resolution are ones that there are, for this p."""
    if rounds not in (7, 10):
        raise ValueError(f"expected rounds to be 10 or 7, but got {rounds!r}")
    if resolution not in (8, 16):
        raise ValueError(f"expected resolution to be 16 or 8, but got {resolution!r}")
    if resolution == 8 and 0.0 < p < 1.0 and not 0 < round(p * 256) < 256:
        raise ValueError(f"expected p to be 0, 1 or to round to 1/256 ... 255/256 with resolution 8, but got {p}")
