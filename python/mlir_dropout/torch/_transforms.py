# ===- _transforms.py - torch.func -----------------------------------------===//
#
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Dropout under torch.func's transforms: grad, vmap, jvp and their like."""

from __future__ import annotations

import torch
from torch.autograd import Function

from . import _operators
from ._draws import LOWEST, as_state, draw
from ._in_place import check_leaf
from ._kernel import BACKWARD, CPU, FORWARD, kernel
from ._pytorch import is_plain, mode_depth
from ._vmap import batch

if hasattr(Function, "setup_context"):

    class Transformed(Function):
        """Forward and its gradient, for torch.func's transforms."""

        @staticmethod
        def forward(x, state, op, options):
            kind, p, mask_dims, rounds, resolution = options
            if _operators.operators is not None and (not is_plain(x) or mode_depth()):
                operators = _operators.operators
                call = operators.forward if op == FORWARD else operators.backward
                return call(x, state, p, kind, mask_dims, rounds, resolution)
            seed, offset = state.tolist()
            out = torch.empty_like(x)
            kernel(op, x, out, (kind, p, seed, offset, mask_dims, rounds, resolution))
            return out

        @staticmethod
        def setup_context(ctx, inputs, output):
            _, state, _, ctx.options = inputs
            ctx.save_for_backward(state)
            ctx.save_for_forward(state)

        @staticmethod
        def backward(ctx, dy):
            return Transformed.apply(dy, ctx.saved_tensors[0], BACKWARD, ctx.options), None, None, None

        @staticmethod
        def jvp(ctx, dx, *_):
            return Transformed.apply(dx, ctx.saved_tensors[0], BACKWARD, ctx.options)

        @staticmethod
        def vmap(info, in_dims, x, state, op, options):
            kind, p, mask_dims, rounds, resolution = options

            def call(x, state, kind, mask_dims):
                return Transformed.apply(x, state, op, (kind, p, mask_dims, rounds, resolution))

            return batch(call, info, in_dims, x, state, kind, mask_dims)

else:
    Transformed = None  # Before PyTorch 2.0, whose functorch `under_transforms` refuses.


def under_transforms(kind, x, p, inplace, generator, rounds, resolution, mask_dims, record):
    """A training call inside of a transform."""
    if not hasattr(Function, "setup_context"):
        raise RuntimeError("expected PyTorch 2.0 or newer for dropout under functorch's transforms, but got "
                           f"{torch.__version__}")
    if inplace and p != 0.0 and x.requires_grad and torch.is_grad_enabled():
        check_leaf(x)
    if generator is None:
        # Out of place, so that vmap decides whether all get the same; the flip
        # gives the bits that random_ gives outside of a transform.
        state = torch.randint(LOWEST, 2**63 - 1, (2,), dtype=torch.int64, device=CPU) ^ LOWEST
    else:
        seed, offset = draw(generator)
        state = as_state(seed, offset)
    if record is not None:
        record.last = None
        try:
            numbers = state[0].item(), state[1].item()
            record.last = x.shape, (kind, p, *numbers, mask_dims, rounds, resolution)
        except RuntimeError:
            pass  # A batch of masks is none to remember.
    if p == 0.0:
        return x
    y = Transformed.apply(x, state, FORWARD, (kind, p, mask_dims, rounds, resolution))
    return x.copy_(y) if inplace else y
