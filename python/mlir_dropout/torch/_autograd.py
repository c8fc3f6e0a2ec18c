# ===- _autograd.py - Gradients --------------------------------------------===//
#
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""What autograd is told: nodes that hold seed, offset and options, and no tensor.
Backward draws the mask again.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd import Function, forward_ad

from . import _operators
from ._draws import as_state
from ._kernel import BACKWARD, FORWARD, apply, kernel, repeat_aligned
from ._pytorch import is_compiling, is_fake, is_plain, materialize, mode_depth, transforms_active
from ._transforms import Transformed

_empty_like = torch.empty_like
_is_grad_enabled = torch.is_grad_enabled


def linear(dy: Tensor, options) -> Tensor:
    """The gradient of a call, dy by the mask and the scale: a linear map that
    is its own transpose."""
    if is_compiling() or not is_plain(dy) or mode_depth() or forward_ad._current_level >= 0 or transforms_active():
        return _linear_special(dy, options)
    if dy.requires_grad and _is_grad_enabled():
        return DropoutGradient.apply(dy, options)
    kind, p, seed, offset, mask_dims, rounds, resolution = options
    out = _empty_like(dy)
    try:
        apply(BACKWARD, kind, dy, out, p, seed, offset, mask_dims, rounds, resolution)
    except ValueError:
        repeat_aligned(BACKWARD, dy, out, options)
    return out


def _linear_special(dy: Tensor, options) -> Tensor:
    kind, p, seed, offset, mask_dims, rounds, resolution = options
    if transforms_active():
        state = as_state(seed, offset)
        return Transformed.apply(dy, state, BACKWARD, (kind, p, mask_dims, rounds, resolution))
    if not is_compiling() and not is_fake(dy) and dy.is_cpu:
        if dy.is_neg() or dy._is_zerotensor():
            return linear(materialize(dy), options)
        if is_plain(dy) and (_operators.operators is None or not mode_depth()):
            return DropoutGradient.apply(dy, options)
    if _operators.operators is not None:
        state = as_state(seed, offset)
        return _operators.operators.backward(dy, state, p, kind, mask_dims, rounds, resolution)
    if is_fake(dy):
        return torch.empty_like(dy)
    raise TypeError(f"expected a gradient that is a dense tensor in CPU memory, but got {type(dy).__name__} on "
                    f"{dy.device}")


class Dropout(Function):
    """Dropout into new memory. Saves no tensor."""

    @staticmethod
    def forward(ctx, x, options):
        ctx.options = options
        kind, p, seed, offset, mask_dims, rounds, resolution = options
        out = _empty_like(x)
        try:
            apply(FORWARD, kind, x, out, p, seed, offset, mask_dims, rounds, resolution)
        except ValueError:
            repeat_aligned(FORWARD, x, out, options)
        return out

    @staticmethod
    def backward(ctx, dy):
        return linear(dy, ctx.options), None

    @staticmethod
    def jvp(ctx, dx, _):
        return linear(dx, ctx.options)


# PyTorch's apply without the look at torch.func's transforms, which `train` has had.
apply_dropout = super(Function, Dropout).apply


class DropoutGradient(Function):
    """The gradient, as something that has a gradient: itself."""

    @staticmethod
    def forward(ctx, dy, options):
        ctx.options = options
        out = _empty_like(dy)
        kernel(BACKWARD, dy, out, options)
        return out

    @staticmethod
    def backward(ctx, ddx):
        return linear(ddx, ctx.options), None

    @staticmethod
    def jvp(ctx, ddy, _):
        return linear(ddy, ctx.options)


class DropoutInPlace(Function):
    """Dropout in place."""

    @staticmethod
    def forward(ctx, x, options):
        ctx.options = options
        kernel(FORWARD, x, x, options)
        ctx.mark_dirty(x)
        return x

    @staticmethod
    def backward(ctx, dy):
        return linear(dy, ctx.options), None
