# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the tests of mlir_dropout.torch share."""

import contextlib
import warnings

import torch

import mlir_dropout
import mlir_dropout.torch.functional as F
from mlir_dropout._native import _core

FUNCTIONS = ("dropout", "alpha_dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout")
MODULES = ("Dropout", "AlphaDropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout")
CHANNELS = ("Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout")
ELEMENTS = ("Dropout", "AlphaDropout")
# A shape that each takes as (N, C, ...), without a warning.
SHAPES = {
    "Dropout": (6, 5, 4),
    "AlphaDropout": (6, 5, 4),
    "Dropout1d": (6, 5, 4),
    "Dropout2d": (6, 5, 4, 3),
    "Dropout3d": (6, 5, 2, 3, 2),
    "FeatureAlphaDropout": (6, 5, 4),
}
FUNCTION_OF = dict(zip(MODULES, ("dropout", "alpha_dropout", "dropout1d", "dropout2d", "dropout3d",
                                 "feature_alpha_dropout")))
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def generator(seed=7, offset=0):
    return mlir_dropout.Generator(seed, offset)


def ours(name):
    """Our function, in training, with one call's generator: the same mask every time."""
    function = getattr(F, name)
    return lambda x, p=0.5, **options: function(x, p, True, generator=generator(), **options)


def core_mask(shape, p, seed, offset, mask_dims=None, rounds=10, resolution=16):
    """The mask that the kernels say."""
    out = torch.empty(shape, dtype=torch.bool)
    _core.apply(_core.MASK, _core.ELEMENT, None, out, p, seed, offset, mask_dims, rounds, resolution)
    return out


def same_bits(a, b):
    """Equal in shape, type and every bit; NaNs equal NaNs."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    nan = torch.isnan(a)
    return bool((nan == torch.isnan(b)).all() and (torch.signbit(a) == torch.signbit(b))[~nan].all()
                and (a == b)[~nan].all())


def outcome(function):
    """What a call does: ("returned", value), or the type and text of its error, and its warnings' texts."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = "returned", function()
        except Exception as error:  # noqa: BLE001: the error is what is looked at
            result = type(error), str(error)
    return result, [str(w.message) for w in caught]


@contextlib.contextmanager
def unmoved(*generators):
    """A block that must leave torch's generator and these where they are."""
    before = torch.get_rng_state(), [g.get_state() for g in generators]
    yield
    assert torch.equal(torch.get_rng_state(), before[0]), "torch's generator has moved"
    for g, state in zip(generators, before[1]):
        now = g.get_state()
        assert torch.equal(now, state) if torch.is_tensor(state) else now == state, "a generator has moved"
