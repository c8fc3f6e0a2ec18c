# ===- _vmap.py - A rule for vmap ------------------------------------------===//
#
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Dropout of every member of a batch: one mask for all, or one each."""

from __future__ import annotations

import torch

from ._kernel import ALPHA, CHANNEL, ELEMENT, FEATURE_ALPHA


def batch(call, info, in_dims, x, state, kind, mask_dims):
    """A rule for vmap: ``call(x, state, kind, mask_dims)`` for every member of a
    batch, and the dimension of the result that they lie along."""
    x_dim, state_dim = in_dims[:2]
    if state_dim is None:
        # One mask for all: the batch is a dimension of x that the mask hasn't.
        if info.randomness == "different":
            raise RuntimeError("expected no generator under vmap with randomness='different'; let dropout draw from "
                               "PyTorch's own, or use randomness='same'")
        if mask_dims is None:
            mask_dims = (0, 1) if kind in (CHANNEL, FEATURE_ALPHA) else tuple(range(x.dim() - 1))
        kind = {ELEMENT: CHANNEL, ALPHA: FEATURE_ALPHA}.get(kind, kind)
        return call(x.movedim(x_dim, 0), state, kind, tuple(d + 1 for d in mask_dims)), 0
    if info.batch_size == 0:
        return (torch.empty_like(x).unsqueeze(0)[:0] if x_dim is None else torch.empty_like(x.movedim(x_dim, 0))), 0
    state = state.movedim(state_dim, 0)
    members = [x] * info.batch_size if x_dim is None else x.movedim(x_dim, 0)
    return torch.stack([call(x, state, kind, mask_dims) for x, state in zip(members, state)]), 0
