# ===- _modules.py - Dropout as torch modules ------------------------------===//
#
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""The dropout modules of ``torch.nn``, with this project's masks."""

from __future__ import annotations

from typing import Any, Dict, Optional, Tuple

import torch
from torch import Tensor
from torch.overrides import has_torch_function_unary

from . import functional
from ._draws import check_generator
from ._kernel import ALPHA, CHANNEL, ELEMENT, FEATURE_ALPHA, check_options, mask_of
from ._records import Record, recording
from ._training import train
from .functional import AnyGenerator, _call, _call_channels

__all__ = ["AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"]


class _Ours:
    """What our modules have beyond torch's."""

    p: float
    inplace: bool
    training: bool
    rounds: int
    resolution: int
    _record: Record

    _function: Any

    def __init__(self, p: float = 0.5, inplace: bool = False, *, generator: Optional[AnyGenerator] = None,
                 rounds: int = 10, resolution: int = 16) -> None:
        super().__init__(p, inplace)
        if p != p:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self._begin(generator, rounds, resolution)

    def _begin(self, generator=None, rounds: int = 10, resolution: int = 16) -> None:
        check_generator(generator)
        check_options(rounds, resolution, self.p)
        self.rounds = rounds
        self.resolution = resolution
        self._record = Record(generator)

    @property
    def generator(self) -> Optional[AnyGenerator]:
        """Where seeds and offsets come from; None is torch's default generator."""
        return self._record.generator

    @generator.setter
    def generator(self, value: Optional[AnyGenerator]) -> None:
        check_generator(value)
        self._record.generator = value

    @property
    def mask(self) -> Optional[Tensor]:
        """What the last forward call in training kept: bools of its input's
        shape. None before the first. Made anew at every access, from the seed
        and offset of that call."""
        last = self._record.last
        return None if last is None else mask_of(last)

    def extra_repr(self) -> str:
        return super().extra_repr() + "".join(f", {name}={value}" for name, value in self._stated().items())

    def _stated(self) -> Dict[str, Any]:
        """The options that aren't as by default."""
        stated = {}
        if self.generator is not None:
            stated["generator"] = self.generator
        if self.rounds != 10:
            stated["rounds"] = self.rounds
        if self.resolution != 16:
            stated["resolution"] = self.resolution
        return stated

    def _overridden(self, input, **options) -> Tensor:
        """For an input that has a __torch_function__ of its own."""
        with recording(self._record):
            return type(self)._function(input, self.p, self.training, self.inplace, generator=self._record.generator,
                                        rounds=self.rounds, resolution=self.resolution, **options)


class _Elements(_Ours):
    """Modules that drop elements."""

    _kind: int

    def forward(self, input: Tensor) -> Tensor:
        if has_torch_function_unary(input):
            return self._overridden(input)
        p = self.p
        if self.training is True and p.__class__ is float and 0.0 <= p <= 1.0 and isinstance(input, Tensor):
            return train(self._kind, input, p, self.inplace, None, self.rounds, self.resolution, None, self._record)
        return _call(self._function.__name__, self._kind, input, p, self.training, self.inplace, None, self.rounds,
                     self.resolution, None, self._record)


class _Channels(_Ours):
    """Modules that drop channels."""

    channel_axis: Optional[int]
    batch_axis: Optional[int]

    def __init__(self, p: float = 0.5, inplace: bool = False, *, generator: Optional[AnyGenerator] = None,
                 rounds: int = 10, resolution: int = 16, channel_axis: Optional[int] = None,
                 batch_axis: Optional[int] = 0) -> None:
        super().__init__(p, inplace, generator=generator, rounds=rounds, resolution=resolution)
        _check_axis("channel_axis", channel_axis)
        _check_axis("batch_axis", batch_axis)
        if channel_axis is None and batch_axis != 0:
            raise ValueError(f"expected channel_axis beside batch_axis={batch_axis}, but got None")
        if channel_axis is not None and channel_axis == batch_axis:
            raise ValueError("expected channel_axis and batch_axis to be different dimensions, but got "
                             f"{channel_axis} and {batch_axis}")
        self.channel_axis = channel_axis
        self.batch_axis = batch_axis

    def _begin(self, *args, **kwargs) -> None:
        super()._begin(*args, **kwargs)
        self.channel_axis = None
        self.batch_axis = 0

    def _stated(self) -> Dict[str, Any]:
        stated = super()._stated()
        if self.channel_axis is not None:
            stated["channel_axis"] = self.channel_axis
            if self.batch_axis != 0:
                stated["batch_axis"] = self.batch_axis
        return stated

    _kind: int
    # Numbers of dimensions that are (N, C, ...) without a word.
    _batched: Tuple[int, ...]

    def forward(self, input: Tensor) -> Tensor:
        mask_dims = stated = None
        axis, p = self.channel_axis, self.p
        if axis is not None:
            mask_dims = (axis,) if self.batch_axis is None else (self.batch_axis, axis)
            stated = ("batch_axis and channel_axis", (self.batch_axis, axis))
        if has_torch_function_unary(input):
            return self._overridden(input, mask_dims=mask_dims)
        if (axis is None and self.training is True and p.__class__ is float and 0.0 <= p <= 1.0
                and isinstance(input, Tensor) and input.dim() in self._batched):
            return train(self._kind, input, p, self.inplace, None, self.rounds, self.resolution, None, self._record)
        return _call_channels(self._function.__name__, self._kind, input, p, self.training, self.inplace, None,
                              self.rounds, self.resolution, mask_dims, self._record, stated)


def _check_axis(name: str, axis) -> None:
    if axis is not None and (not isinstance(axis, int) or isinstance(axis, bool)):
        raise TypeError(f"expected {name} to be an int or None, but got {axis!r}")


class Dropout(_Elements, torch.nn.Dropout):
    """``torch.nn.Dropout``: drops elements with probability p in training and
    scales the others by 1/(1-p).

    Args:
        p: in [0, 1], else ValueError, for NaN too. Default 0.5.
        inplace: write to the input. Default False.
        generator, rounds, resolution: see ``mlir_dropout.torch.functional``.

    Shape: any, and the output has it.

    Attributes: ``mask``, see there; ``generator``.

    >>> m = Dropout(0.5, generator=mlir_dropout.Generator(seed=0))
    >>> m.mask is None
    True
    >>> m(torch.ones(2, 4))
    tensor([[2., 0., 2., 2.],
            [2., 2., 2., 2.]])
    >>> m.mask
    tensor([[ True, False,  True,  True],
            [ True,  True,  True,  True]])
    >>> m.eval()(torch.ones(3))
    tensor([1., 1., 1.])

    Source: https://pytorch.org/docs/stable/generated/torch.nn.Dropout.html
    """
    _function = staticmethod(functional.dropout)
    _kind = ELEMENT


class AlphaDropout(_Elements, torch.nn.AlphaDropout):
    """``torch.nn.AlphaDropout``: drops elements so that mean 0 and variance 1
    stay. Arguments, shape and attributes as of ``Dropout``; ``inplace`` is
    honoured, which torch's module doesn't.

    >>> m = AlphaDropout(0.5, generator=mlir_dropout.Generator(seed=0))
    >>> m(torch.zeros(4))
    tensor([ 0.7792, -0.7792,  0.7792,  0.7792])

    Source: https://pytorch.org/docs/stable/generated/torch.nn.AlphaDropout.html
    """
    _function = staticmethod(functional.alpha_dropout)
    _kind = ALPHA


class Dropout1d(_Channels, torch.nn.Dropout1d):
    """``torch.nn.Dropout1d``: drops whole channels.

    Args:
        p, inplace, generator, rounds, resolution: as of ``Dropout``.
        channel_axis: the dimension of the channels, where the input isn't (N, C,
            L) or (C, L). Negative ones count from the end.
        batch_axis: beside channel_axis, the dimension of the batch; None: there
            is no batch. Default 0.

    Shape: (N, C, L) or (C, L), else RuntimeError; with channel_axis any that has
    the axes, else ValueError.

    >>> m = Dropout1d(0.5, generator=mlir_dropout.Generator(seed=0), channel_axis=-1)
    >>> m(torch.ones(1, 2, 4))
    tensor([[[2., 0., 2., 2.],
             [2., 0., 2., 2.]]])

    Source: https://pytorch.org/docs/stable/generated/torch.nn.Dropout1d.html
    """
    _function = staticmethod(functional.dropout1d)
    _kind = CHANNEL
    _batched = (3,)


class Dropout2d(_Channels, torch.nn.Dropout2d):
    """``torch.nn.Dropout2d``: drops whole channels of (N, C, H, W), or of (N, C,
    L) with torch's warning. Arguments and attributes as of ``Dropout1d``.

    >>> m = Dropout2d(0.5, channel_axis=0, batch_axis=None)  # unbatched (C, H, W)
    >>> m
    Dropout2d(p=0.5, inplace=False, channel_axis=0, batch_axis=None)
    >>> m(torch.ones(6, 4, 4)).shape
    torch.Size([6, 4, 4])

    Source: https://pytorch.org/docs/stable/generated/torch.nn.Dropout2d.html
    """
    _function = staticmethod(functional.dropout2d)
    _kind = CHANNEL
    _batched = (4,)


class Dropout3d(_Channels, torch.nn.Dropout3d):
    """``torch.nn.Dropout3d``: drops whole channels of (N, C, D, H, W) or (C, D, H,
    W). Arguments and attributes as of ``Dropout1d``.

    >>> Dropout3d()(torch.ones(2, 6, 4, 4, 4)).shape
    torch.Size([2, 6, 4, 4, 4])

    Source: https://pytorch.org/docs/stable/generated/torch.nn.Dropout3d.html
    """
    _function = staticmethod(functional.dropout3d)
    _kind = CHANNEL
    _batched = (5,)


class FeatureAlphaDropout(_Channels, torch.nn.FeatureAlphaDropout):
    """``torch.nn.FeatureAlphaDropout``: alpha dropout of whole channels of (N, C,
    ...). Arguments and attributes as of ``Dropout1d``; ``inplace`` is honoured,
    which torch's module doesn't.

    A 4-D input is (N, C, H, W), as in torch's code, with a warning once how to
    state another axis.

    >>> m = FeatureAlphaDropout(0.5, generator=mlir_dropout.Generator(seed=0))
    >>> m(torch.zeros(1, 4, 2))[0, :, 1]
    tensor([ 0.7792, -0.7792,  0.7792,  0.7792])

    Source: https://pytorch.org/docs/stable/generated/torch.nn.FeatureAlphaDropout.html
    """
    _function = staticmethod(functional.feature_alpha_dropout)
    _kind = FEATURE_ALPHA
    _batched = (2, 3, 5)
