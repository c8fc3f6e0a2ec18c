# ===- functional.py - Dropout as functions on torch's tensors -------------===//
#
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""The dropout functions of ``torch.nn.functional``, with this project's masks.

>>> import torch, mlir_dropout
>>> import mlir_dropout.torch.functional as F
>>> x = torch.tensor([[1., 2., 3., 4.], [5., 6., 7., 8.]])
>>> F.dropout(x, 0.5, generator=mlir_dropout.Generator(seed=0))
tensor([[ 2.,  0.,  6.,  8.],
        [10., 12., 14., 16.]])

Positions, defaults and errors of the arguments are torch's. All functions also
take, by keyword:

generator
    A ``mlir_dropout.Generator`` or a ``torch.Generator`` of the CPU. By default
    seed and offset come from torch's default generator of the CPU, in one draw
    per call, so ``torch.manual_seed``, ``torch.random.fork_rng``, saved states
    and ``torch.utils.checkpoint`` do what they do for torch's own functions.
rounds
    Of Philox: 10, or 7 (cheaper).
resolution
    16, for an exact p, or 8: p in steps of 1/256 (cheaper).
mask_dims
    Functions on channels only: the dimensions, in order, that have a mask of
    their own; all others share it. ``(0, 1)`` is torch's (N, C, ...), ``(0, 3)``
    a channels-last (N, H, W, C), ``(0,)`` one without a batch, (C, ...), and
    ``()`` one draw for everything. Negative ones count from the end. With
    mask_dims the number of dimensions of the input is free.

What is dropped becomes +0 (or alpha dropout's constant), whatever was there: a
NaN or an infinity doesn't leak. A call in training takes one draw, also where p
is 0; a call in eval mode takes none and returns its input. Tensors may be
float16, bfloat16, float32 or float64, of any strides, in CPU memory; others
raise TypeError or ValueError in training. Autograd keeps seed and offset, not
the mask.

Source: https://pytorch.org/docs/stable/nn.functional.html#dropout-functions
"""

from __future__ import annotations

import warnings
from typing import Optional, Sequence, Tuple, Union

import torch
from torch import Tensor
from torch.overrides import handle_torch_function, has_torch_function_unary

from ._draws import check_generator
from ._kernel import ALPHA, CHANNEL, ELEMENT, FEATURE_ALPHA
from ._training import train
from .._generator import Generator as _Generator

__all__ = ["alpha_dropout", "dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout"]

AnyGenerator = Union[_Generator, torch.Generator]
MaskDims = Optional[Sequence[int]]

# ===----------------------------------------------------------------------===//
# What all functions check
# ===----------------------------------------------------------------------===//


def _call(name, kind, input, p, training, inplace, generator, rounds, resolution, mask_dims, record):
    if p < 0.0 or p > 1.0 or p != p:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not isinstance(input, Tensor):
        raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not {_type_name(input)}")
    if training is True:
        return train(kind, input, p, inplace, generator, rounds, resolution, mask_dims, record)
    if training is not False:
        raise TypeError(f"{name}(): argument 'train' (position 3) must be bool, not {_type_name(training)}")
    return input


def _type_name(value) -> str:
    """As the interpreter writes it: with the module, for types not written in Python."""
    cls = type(value)
    is_heap_type = cls.__flags__ & (1 << 9)
    return cls.__name__ if is_heap_type or cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__name__}"


def _call_channels(name, kind, input, p, training, inplace, generator, rounds, resolution, mask_dims, record,
                   stated=None):
    """The same for functions on channels. stated: what the user said, (argument,
    value), where that isn't mask_dims."""
    if p < 0.0 or p > 1.0 or p != p:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not isinstance(input, Tensor):
        raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not {_type_name(input)}")
    rank = input.dim()
    if mask_dims is not None:
        mask_dims = _check_mask_dims(mask_dims, rank, stated)
    else:
        mask_dims = _RULES[name](rank, training)
        if mask_dims is _TOO_LOW:
            if training is True and 0.0 < p < 1.0 and input.numel() != 0:
                raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
            mask_dims = ()
    return _call(name, kind, input, p, training, inplace, generator, rounds, resolution, mask_dims, record)


def _check_mask_dims(mask_dims, rank: int, stated=None) -> Tuple[int, ...]:
    """mask_dims as a tuple of distinct numbers in [0, rank)."""
    dims: list = []
    error = None if isinstance(mask_dims, (tuple, list)) else TypeError
    for dim in mask_dims if error is None else ():
        if not isinstance(dim, int) or isinstance(dim, bool):
            error = TypeError
            break
        if dim < 0:
            dim += rank
        if not 0 <= dim < rank or dim in dims:
            error = ValueError
            break
        dims.append(dim)
    if error is None:
        return tuple(dims)
    name, value = stated or ("mask_dims", mask_dims)
    raise error(f"expected {name} to be distinct dimensions in [{-rank}, {rank}), for an input of {rank} dimensions, "
                f"but got {value}")


# ===----------------------------------------------------------------------===//
# Which dimensions are batch and channel, as torch's code has it
# ===----------------------------------------------------------------------===//

_TOO_LOW = object()
_BATCHED = None  # The kernels' default, (0, 1).
_UNBATCHED = (0,)


def _rule_1d(rank: int, training):
    if rank not in (2, 3):
        raise RuntimeError(f"dropout1d: Expected 2D or 3D input, but received a {rank}D input. "
                           "Note that dropout1d exists to provide channel-wise dropout on inputs with 1 "
                           "spatial dimension, a channel dimension, and an optional batch dimension "
                           "(i.e. 2D or 3D inputs).")
    return _BATCHED if rank == 3 else _UNBATCHED


def _rule_2d(rank: int, training):
    if rank not in (3, 4):
        _warn(f"dropout2d: Received a {rank}-D input to dropout2d, which is deprecated "
              "and will result in an error in a future release. To retain the behavior "
              "and silence this warning, please use dropout instead. Note that dropout2d "
              "exists to provide channel-wise dropout on inputs with 2 spatial dimensions, "
              "a channel dimension, and an optional batch dimension (i.e. 3D or 4D inputs).")
    if rank == 3:
        _warn("dropout2d: Received a 3D input to dropout2d and assuming that channel-wise "
              "1D dropout behavior is desired - input is interpreted as shape (N, C, L), where C "
              "is the channel dim. This behavior will change in a future release to interpret the "
              "input as one without a batch dimension, i.e. shape (C, H, W). To maintain the 1D "
              "channel-wise dropout behavior, please switch to using dropout1d instead.")
    return _BATCHED if rank >= 2 else _TOO_LOW


def _rule_3d(rank: int, training):
    if rank not in (4, 5):
        _warn(f"dropout3d: Received a {rank}-D input to dropout3d, which is deprecated "
              "and will result in an error in a future release. To retain the behavior "
              "and silence this warning, please use dropout instead. Note that dropout3d "
              "exists to provide channel-wise dropout on inputs with 3 spatial dimensions, "
              "a channel dimension, and an optional batch dimension (i.e. 4D or 5D inputs).")
    if rank == 5:
        return _BATCHED
    return _UNBATCHED if rank >= 1 else _TOO_LOW


def _rule_feature_alpha(rank: int, training):
    if rank == 4 and training:
        _warn_once("feature_alpha_dropout: received a 4-D input, whose first two dimensions are taken as (N, C), as "
                   "torch's code does; torch's documentation calls a 4-D input an unbatched (C, D, H, W). State the "
                   "channel axis to choose, and to silence this warning: mask_dims=(0, 1), or channel_axis=1 of the "
                   "module, for (N, C, H, W); mask_dims=(0,), or channel_axis=0 and batch_axis=None, for (C, D, H, "
                   "W).")
    return _BATCHED if rank >= 2 else _TOO_LOW


_RULES = {
    "dropout1d": _rule_1d,
    "dropout2d": _rule_2d,
    "dropout3d": _rule_3d,
    "feature_alpha_dropout": _rule_feature_alpha,
}


# Dynamo can't trace a warning, but calls these while it traces.
_at_once = getattr(getattr(torch, "compiler", None), "assume_constant_result", lambda f: f)


@_at_once
def _warn(message: str) -> None:
    warnings.warn(message, stacklevel=5)


@_at_once
def _warn_once(message: str) -> None:
    if message not in _warned:
        _warned.add(message)
        warnings.warn(message, stacklevel=5)


# What the second has said.
_warned: set = set()


# ===----------------------------------------------------------------------===//
# The functions
# ===----------------------------------------------------------------------===//


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False, *,
            generator: Optional[AnyGenerator] = None, rounds: int = 10, resolution: int = 16) -> Tensor:
    """Drops elements with probability p and scales the others by 1/(1-p).

    Args:
        input: any shape.
        p: in [0, 1], else ValueError. 1 drops everything.
        training: False returns the input itself.
        inplace: write to the input, and return it.
        generator, rounds, resolution: see the module.

    >>> x = torch.ones(2, 4, requires_grad=True)
    >>> y = dropout(x, 0.3, generator=mlir_dropout.Generator(seed=42, offset=7))
    >>> y.sum().backward()
    >>> torch.equal(x.grad, y), bool(y[0, 2] == 0)
    (True, True)
    """
    if has_torch_function_unary(input):
        return handle_torch_function(dropout, (input,), input, p=p, training=training, inplace=inplace,
                                     generator=generator, rounds=rounds, resolution=resolution)
    if generator is not None:
        check_generator(generator)
    return _call("dropout", ELEMENT, input, p, training, inplace, generator, rounds, resolution, None, None)


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False, *,
                  generator: Optional[AnyGenerator] = None, rounds: int = 10, resolution: int = 16) -> Tensor:
    """Drops elements to SELU's negative limit, and scales and shifts all so that
    mean 0 and variance 1 stay. Training is off by default, as torch has it.

    Args: as of ``dropout``.

    >>> x = torch.zeros(4)
    >>> alpha_dropout(x, 0.5, True, generator=mlir_dropout.Generator(seed=0))
    tensor([ 0.7792, -0.7792,  0.7792,  0.7792])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(alpha_dropout, (input,), input, p=p, training=training, inplace=inplace,
                                     generator=generator, rounds=rounds, resolution=resolution)
    if generator is not None:
        check_generator(generator)
    return _call("alpha_dropout", ALPHA, input, p, training, inplace, generator, rounds, resolution, None, None)


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False, *,
              generator: Optional[AnyGenerator] = None, rounds: int = 10, resolution: int = 16,
              mask_dims: MaskDims = None) -> Tensor:
    """Drops whole channels of (N, C, L) or (C, L). Others: RuntimeError.

    >>> x = torch.ones(4, 3)
    >>> dropout1d(x, 0.5, generator=mlir_dropout.Generator(seed=0))[:, 0]
    tensor([2., 0., 2., 2.])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(dropout1d, (input,), input, p=p, training=training, inplace=inplace,
                                     generator=generator, rounds=rounds, resolution=resolution, mask_dims=mask_dims)
    if generator is not None:
        check_generator(generator)
    return _call_channels("dropout1d", CHANNEL, input, p, training, inplace, generator, rounds, resolution, mask_dims,
                          None)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False, *,
              generator: Optional[AnyGenerator] = None, rounds: int = 10, resolution: int = 16,
              mask_dims: MaskDims = None) -> Tensor:
    """Drops whole channels of (N, C, H, W), or of (N, C, L) with torch's warning:
    a 3-D input is no unbatched (C, H, W), say ``mask_dims=(0,)`` for that.

    >>> x = torch.ones(2, 4, 4, 3)  # channels last
    >>> y = dropout2d(x, 0.5, generator=mlir_dropout.Generator(seed=0), mask_dims=(0, 3))
    >>> y[0, 0, 0], y[0, 3, 3]
    (tensor([2., 0., 2.]), tensor([2., 0., 2.]))
    """
    if has_torch_function_unary(input):
        return handle_torch_function(dropout2d, (input,), input, p=p, training=training, inplace=inplace,
                                     generator=generator, rounds=rounds, resolution=resolution, mask_dims=mask_dims)
    if generator is not None:
        check_generator(generator)
    return _call_channels("dropout2d", CHANNEL, input, p, training, inplace, generator, rounds, resolution, mask_dims,
                          None)


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False, *,
              generator: Optional[AnyGenerator] = None, rounds: int = 10, resolution: int = 16,
              mask_dims: MaskDims = None) -> Tensor:
    """Drops whole channels of (N, C, D, H, W) or (C, D, H, W).

    Inputs of other ranks get torch's warning, and their first dimension is the
    channel, as in torch.

    >>> x = torch.ones(4, 2, 2, 2)
    >>> dropout3d(x, 0.5, generator=mlir_dropout.Generator(seed=0))[:, 1, 1, 1]
    tensor([2., 0., 2., 2.])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(dropout3d, (input,), input, p=p, training=training, inplace=inplace,
                                     generator=generator, rounds=rounds, resolution=resolution, mask_dims=mask_dims)
    if generator is not None:
        check_generator(generator)
    return _call_channels("dropout3d", CHANNEL, input, p, training, inplace, generator, rounds, resolution, mask_dims,
                          None)


def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False, *,
                          generator: Optional[AnyGenerator] = None, rounds: int = 10, resolution: int = 16,
                          mask_dims: MaskDims = None) -> Tensor:
    """Alpha dropout of whole channels of (N, C, ...). Training is off by default.

    A 4-D input is (N, C, H, W), as in torch's code, not the unbatched (C, D, H,
    W) of its documentation; a warning, once, says how to state it.

    >>> x = torch.zeros(1, 4, 2)
    >>> feature_alpha_dropout(x, 0.5, True, generator=mlir_dropout.Generator(seed=0))[0, :, 1]
    tensor([ 0.7792, -0.7792,  0.7792,  0.7792])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(feature_alpha_dropout, (input,), input, p=p, training=training, inplace=inplace,
                                     generator=generator, rounds=rounds, resolution=resolution, mask_dims=mask_dims)
    if generator is not None:
        check_generator(generator)
    return _call_channels("feature_alpha_dropout", FEATURE_ALPHA, input, p, training, inplace, generator, rounds,
                          resolution, mask_dims, None)
