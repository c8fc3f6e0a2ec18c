# ===- _in_place.py - May a tensor be written to? --------------------------===//
#
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Everything that PyTorch says against writing to a tensor, asked before a call
draws or writes.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd import Function

from ._kernel import ELEMENT, FORWARD, apply


if hasattr(torch.autograd.graph, "increment_version"):
    increment_version = torch.autograd.graph.increment_version
else:

    class _Touch(Function):
        """Marks x as written and does nothing else."""

        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx, dy):
            return dy

    # For an x that wants no gradient, or where none are computed.
    increment_version = _Touch.apply


def check_leaf(x: Tensor) -> None:
    """Raises if x, which wants a gradient, is or looks into what autograd doesn't
    let anybody write to: a leaf, or one of the several views of unbind or split.

    ``apply`` would find out, too, but only after the write.
    """
    if x._is_view():
        if not _is_view_of_a_result(x):
            _let_torch_refuse(x)
    elif x.is_leaf:
        raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")


# Nodes of views that come several at once.
_SEVERAL_VIEWS = ("Unbind", "Split", "Chunk", "TensorSplit", "Unsafe")


def _is_view_of_a_result(x: Tensor) -> bool:
    """Whether x surely is a view, by PyTorch's own operators of one view each, of
    what an operator has computed."""
    end, node = x._base.grad_fn, x.grad_fn
    while end is not None and node is not None:
        if node is end:
            return True
        name = node.name()
        if not name[-1].isdigit() or name.startswith(_SEVERAL_VIEWS):
            return False
        node = node.next_functions[0][0]
    return False


def _let_torch_refuse(x: Tensor) -> None:
    """Raises what PyTorch raises for any write to x, if it does.

    An addition whose shapes don't fit fails after that check and before it does
    anything.
    """
    try:
        x.add_(torch.empty(x.shape[-1] + 2 if x.dim() else 2, dtype=x.dtype, device=x.device))
    except RuntimeError as error:
        if "match" not in str(error):
            raise error from None


def check_writable(x: Tensor) -> None:
    """Raises if two elements of x share their memory."""
    if x.is_contiguous():
        return
    reach = 0
    for stride, size in sorted(zip(x.stride(), x.shape)):
        if size < 2:
            continue
        if stride == 0:
            raise RuntimeError("unsupported operation: more than one element of the written-to tensor refers to a "
                               "single memory location. Please clone() the tensor before performing the operation.")
        if stride <= reach:  # Rows that lie into each other, with or without a meeting: the kernels know.
            apply(FORWARD, ELEMENT, x, x, 0.0, 0, 0, None)
            return
        reach += stride * (size - 1)
