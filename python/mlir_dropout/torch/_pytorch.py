# ===- _pytorch.py - What this PyTorch has, and says of a tensor -----------===//
#
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""The questions that a call asks PyTorch first: what a tensor is, and who is
watching. Versions answer them in different ways.
"""

from __future__ import annotations

import sys

import torch
from torch import Tensor


def _never() -> bool:
    return False


# True while Dynamo traces, at the time of tracing.
is_compiling = getattr(getattr(torch, "compiler", None), "is_compiling", None) or getattr(
    getattr(torch, "_dynamo", None), "is_compiling", _never)

transforms_active = getattr(torch._C, "_are_functorch_transforms_active", _never)

mode_depth = getattr(torch._C, "_len_torch_dispatch_stack", _never)


def _probe_keys():
    """The dispatch keys of a tensor, where they can be compared."""
    keys = getattr(torch._C, "_dispatch_keys", None)
    if keys is None:
        return None
    a, b = torch.empty(0, device="cpu"), torch.empty(0, device="cpu")
    same = keys(a) == keys(b)
    other = keys(a) == keys(torch.empty(0, device="meta"))
    return keys if same is True and other is False else None


_keys = _probe_keys()


if _keys is not None:
    _PLAIN_KEYS = _keys(torch.empty(0, device="cpu"))
    with torch.inference_mode():
        _INFERENCE_KEYS = _keys(torch.empty(0, device="cpu"))

    def is_plain(x: Tensor) -> bool:
        """Whether x is a dense tensor in CPU memory and nothing more: no
        subclass with a dispatch of its own, nothing fake, functional, batched,
        sparse or lazily negated."""
        k = _keys(x)
        return k == _PLAIN_KEYS or k == _INFERENCE_KEYS

else:
    _is_functional = getattr(torch, "_is_functional_tensor", None) or (lambda x: False)
    _OWN_DISPATCH = (None, Tensor.__torch_dispatch__, torch._C._disabled_torch_dispatch_impl)

    def is_plain(x: Tensor) -> bool:
        """Whether x is a dense tensor in CPU memory and nothing more: no
        subclass with a dispatch of its own, nothing fake, functional, batched,
        sparse or lazily negated."""
        return (x.is_cpu and x.layout is torch.strided and not x.is_neg() and not x._is_zerotensor()
                and not x.is_nested and not _is_functional(x)
                and (x.__class__ is Tensor or x.__class__.__torch_dispatch__ in _OWN_DISPATCH)
                and ("functorch" not in sys.modules or "FuncTorch" not in str(torch._C._dispatch_keys(x))))


def is_fake(x: Tensor) -> bool:
    """Whether x has a shape and a type and no elements."""
    return x.is_meta or any(c.__name__ == "FakeTensor" for c in type(x).__mro__)


def fake_mode(x: Tensor):
    """The mode of a fake tensor, which only meets its like; None for others."""
    return torch._guards.detect_fake_mode(x) if is_fake(x) else None


def materialize(x: Tensor) -> Tensor:
    """x with its pending negation done and its zeros written."""
    if x._is_zerotensor():
        x = x.clone()
    return x.resolve_neg()
