# ===- _training.py - A training call --------------------------------------===//
#
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""A training call: draw seed and offset, run the kernel, tell autograd.

An ordinary tensor takes the short way: ``train`` draws, calls the compiled
kernel on the tensor's memory and, if a gradient is wanted, leaves a node of
``_autograd`` behind that holds seed, offset and options, no tensor.

Everything else (``torch.compile``, fake and functional tensors, subclasses,
dispatch modes, ``torch.func``, forward-mode differentiation, ``jit.trace``) is
sorted out by ``_special``, mostly into the operators of ``_operators``.
"""

from __future__ import annotations

from typing import Optional, Tuple

import torch
from torch import Tensor
from torch.autograd import forward_ad

from . import _operators
from ._autograd import Dropout, DropoutInPlace, apply_dropout
from ._draws import LOWEST, buffers, draw, draw_outside, new_buffer
from ._in_place import check_leaf, check_writable, increment_version
from ._kernel import CPU, FLOAT_TYPES, FORWARD, apply, check_options, check_type, kernel, repeat_aligned
from ._pytorch import fake_mode, is_compiling, is_fake, is_plain, materialize, mode_depth, transforms_active
from ._records import Record, current_record
from ._transforms import under_transforms

_empty_like = torch.empty_like
_is_grad_enabled = torch.is_grad_enabled
_get_tracing_state = torch._C._get_tracing_state


def train(kind: int, x: Tensor, p: float, inplace: bool, generator, rounds: int, resolution: int,
          mask_dims: Optional[Tuple[int, ...]], record: Optional[Record]) -> Tensor:
    """Dropout in training mode. p has been checked against [0, 1], mask_dims
    against the rank of x."""
    if is_compiling():
        return _traced(kind, x, p, inplace, generator, rounds, resolution, mask_dims, record)
    if p.__class__ is not float:
        p = float(p)
    if record is None:
        record = current_record.get()
    if record is not None:
        generator = record.generator
    if rounds != 10 or resolution != 16:
        check_options(rounds, resolution, p)
    if (not is_plain(x) or mode_depth() or forward_ad._current_level >= 0 or transforms_active()
            or _get_tracing_state() is not None):
        return _special(kind, x, p, inplace, generator, rounds, resolution, mask_dims, record)
    dtype = x.dtype
    if p != 0.0 and dtype not in FLOAT_TYPES:
        check_type(x)
    grad = x.requires_grad and _is_grad_enabled()
    # p = 0 returns the input object itself, of any type, as PyTorch does.
    if inplace and p != 0.0:
        _check_in_place(x, grad)
    if generator is None:
        try:
            buffer = buffers.pop()
        except IndexError:
            buffer = new_buffer()
        seed, offset = buffer.random_(LOWEST, None).tolist()
        buffers.append(buffer)
    else:
        seed, offset = draw(generator)
    options = (kind, p, seed, offset, mask_dims, rounds, resolution)
    if p == 0.0:
        y = x
    elif inplace:
        y = x
        if grad:
            DropoutInPlace.apply(x, options)
        else:
            kernel(FORWARD, x, x, options)
            if not x.is_inference():
                increment_version(x)
    elif grad:
        y = apply_dropout(x, options)
    else:
        y = _empty_like(x)
        try:
            apply(FORWARD, kind, x, y, p, seed, offset, mask_dims, rounds, resolution)
        except ValueError:
            repeat_aligned(FORWARD, x, y, options)
    if record is not None:
        record.last = x.shape, options
    return y


def _check_in_place(x: Tensor, grad: bool) -> None:
    """Everything that PyTorch says against writing to x, before anything is
    drawn or written."""
    check_writable(x)
    if grad:
        check_leaf(x)
    elif x.is_inference() and not torch.is_inference_mode_enabled():
        raise RuntimeError("Inplace update to inference tensor outside InferenceMode is not allowed."
                           "You can make a clone to get a normal tensor before doing inplace update."
                           "See https://github.com/pytorch/rfcs/pull/17 for more details.")


def _special(kind, x, p, inplace, generator, rounds, resolution, mask_dims, record):
    """A training call on something that isn't a plain tensor, or at a time when
    more than the plain tensor has to be dealt with."""
    if x.layout is not torch.strided or x.is_nested:
        raise TypeError(f"expected a dense input, but got one of layout {x.layout}{', nested' * x.is_nested}")
    if x.device.type not in ("cpu", "meta"):
        raise ValueError(f"expected an input in CPU memory, but got a tensor on {x.device}")
    if p != 0.0:
        check_type(x)
    if _get_tracing_state() is not None:
        raise RuntimeError("expected no torch.jit.trace around dropout in training, which would trace one mask: trace "
                           "in eval mode, or mlir_dropout.torch.unpatch the model first")
    if transforms_active():
        return under_transforms(kind, x, p, inplace, generator, rounds, resolution, mask_dims, record)
    lazy = not is_fake(x) and x.is_cpu and (x.is_neg() or x._is_zerotensor())
    if lazy or forward_ad._current_level >= 0:
        # Out of place on memory that says what it means; PyTorch's own copy_
        # does what being in place asks for.
        if inplace and p != 0.0:
            check_writable(x)
            if x.requires_grad and _is_grad_enabled():
                check_leaf(x)
        if not lazy and is_plain(x) and not mode_depth():
            seed, offset = draw(generator)
            options = (kind, p, seed, offset, mask_dims, rounds, resolution)
            y = x if p == 0.0 else Dropout.apply(x, options)
            if record is not None:
                record.last = x.shape, (kind, p, seed, offset, mask_dims, rounds, resolution)
        elif lazy:
            y = train(kind, x if p == 0.0 else materialize(x), p, False, generator, rounds, resolution, mask_dims,
                      record)
        else:
            return _traced(kind, x, p, inplace, generator, rounds, resolution, mask_dims, record)
        return x if p == 0.0 else x.copy_(y) if inplace else y
    if _operators.operators is not None:
        return _traced(kind, x, p, inplace, generator, rounds, resolution, mask_dims, record)
    # No operators here: PyTorch before 2.4.
    if is_fake(x):
        if not mode_depth():
            seed, offset = draw(generator)
            if record is not None:
                record.last = x.shape, (kind, p, seed, offset, mask_dims, rounds, resolution)
        return x if p == 0.0 or inplace else torch.empty_like(x)
    raise TypeError(f"expected a torch.Tensor that this PyTorch ({torch.__version__}) can pass to an operator without "
                    f"torch.library (2.4 has it), but got {type(x).__name__} under "
                    f"{mode_depth()} dispatch modes")


def _traced(kind, x, p, inplace, generator, rounds, resolution, mask_dims, record):
    """A training call by way of the operators: what tracers see."""
    if _operators.operators is None:
        raise RuntimeError("expected PyTorch 2.4 or newer under torch.compile, which needs torch.library's custom "
                           f"operators, but got {torch.__version__}")
    p = float(p)
    check_options(rounds, resolution, p)
    if x.device.type not in ("cpu", "meta"):
        raise ValueError(f"expected an input in CPU memory, but got a tensor on {x.device}")
    if p != 0.0:
        check_type(x)
    fakes = None if is_compiling() else fake_mode(x)
    if record is None and generator is not None:
        state = draw_outside(generator)
    else:
        handle = record.handle if record is not None and (fakes is None or fakes.allow_non_fake_inputs) else None
        state = _operators.operators.draw(handle, p, x.shape, kind, mask_dims, rounds, resolution, device=CPU)
    if fakes is not None and not is_fake(state):  # A fake tensor outside of its mode.
        state = fakes.from_tensor(state)
    if p == 0.0:
        return x
    y = _operators.operators.forward(x, state, p, kind, mask_dims, rounds, resolution)
    return x.copy_(y) if inplace else y
