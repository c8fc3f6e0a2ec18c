# ===- _patch.py - Our dropout in models that have torch's -----------------===//
#
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Replaces torch's dropout modules in a model, and its functions for a while."""

from __future__ import annotations

import contextlib
import threading
import warnings
from typing import Callable, Dict, Iterator

import torch

from . import _modules, functional

_TO_OURS = {getattr(torch.nn, name): getattr(_modules, name) for name in _modules.__all__}
_TO_TORCHS = {ours: theirs for theirs, ours in _TO_OURS.items()}
_EXTRAS = ("rounds", "resolution", "_record", "channel_axis", "batch_axis")


def patch(model: torch.nn.Module) -> torch.nn.Module:
    """Replaces every dropout module of torch in a model by ours, and returns the
    model; if that is itself a dropout module, the replacement.

    p, inplace, the training flag, hooks and further attributes stay. A module
    that is used in several places stays one module. Subclasses of torch's modules
    that aren't ours are left alone, with a warning that names them; so is what no
    model lists as a submodule, and calls of ``torch.nn.functional.dropout``: see
    ``patched_functional`` for those.

    >>> model = torch.nn.TransformerEncoderLayer(8, 2)
    >>> patch(model) is model, type(model.dropout1).__module__
    (True, 'mlir_dropout.torch._modules')
    """
    left = []

    def replace(module: torch.nn.Module) -> torch.nn.Module:
        ours = _TO_OURS.get(type(module))
        if ours is None:
            if isinstance(module, tuple(_TO_OURS)) and not isinstance(module, _modules._Ours):
                left.append(module)
            return module
        new = ours.__new__(ours)
        new.__dict__.update(module.__dict__)
        new._begin()
        return new

    new = _replace(model, replace)
    scripted = [name or "the model" for name, module in new.named_modules()
                if isinstance(module, torch.jit.ScriptModule)
                and module.original_name in (cls.__name__ for cls in _TO_OURS)]
    if scripted:
        warnings.warn("patch: left alone dropout modules that torch.jit has compiled: " + ", ".join(scripted),
                      stacklevel=2)
    if left:
        names = {id(module): name for name, module in reversed(list(new.named_modules()))}
        what = ", ".join(f"{names[id(module)] or 'the model'} ({type(module).__qualname__})" for module in left)
        warnings.warn(f"patch: left alone what subclasses torch's dropout modules: {what}", stacklevel=2)
    return new


def unpatch(model: torch.nn.Module) -> torch.nn.Module:
    """Puts torch's modules in the place of ours, and returns the model: for
    TorchScript, say. What only ours have (generator, channel_axis, ...) goes;
    subclasses of our modules stay.

    >>> unpatch(patch(torch.nn.Sequential(torch.nn.Dropout(0.1))))
    Sequential(
      (0): Dropout(p=0.1, inplace=False)
    )
    """

    def replace(module: torch.nn.Module) -> torch.nn.Module:
        theirs = _TO_TORCHS.get(type(module))
        if theirs is None:
            return module
        new = theirs.__new__(theirs)
        new.__dict__.update({name: value for name, value in module.__dict__.items() if name not in _EXTRAS})
        return new

    return _replace(model, replace)


def _replace(model: torch.nn.Module, replace: Callable[[torch.nn.Module], torch.nn.Module]) -> torch.nn.Module:
    """The model with every module, once, put through ``replace``."""
    if not isinstance(model, torch.nn.Module):
        raise TypeError(f"expected model to be a torch.nn.Module, but got {type(model).__name__}")
    done: Dict[torch.nn.Module, torch.nn.Module] = {}
    for parent in list(model.modules()):
        for name, child in parent._modules.items():
            if child is not None:
                if child not in done:
                    done[child] = replace(child)
                if done[child] is not child:
                    parent._modules[name] = done[child]
    return done[model] if model in done else replace(model)


_FUNCTIONS = ("dropout", "alpha_dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout")
_lock = threading.Lock()
_depth = 0
_torchs: dict = {}


@contextlib.contextmanager
def patched_functional() -> Iterator[None]:
    """Within a ``with`` block, torch.nn.functional's dropout functions are ours,
    in all threads: for models that call ``F.dropout``, and for torch's own modules
    that do, multi-head attention that returns its weights among them. Code that has
    imported the functions by name keeps torch's, and so does what draws in C++:
    ``scaled_dot_product_attention``, which attention without weights is from PyTorch
    2.0 on, and ``LSTM``, ``GRU`` and ``RNN``. Nests.

    >>> x = torch.full((1000,), torch.inf)
    >>> torch.nn.functional.dropout(x).isnan().any()  # inf * 0
    tensor(True)
    >>> with patched_functional():
    ...     torch.nn.functional.dropout(x).isnan().any()
    tensor(False)
    """
    global _depth
    theirs = torch.nn.functional
    with _lock:
        if _depth == 0:
            for name in _FUNCTIONS:
                if hasattr(theirs, name):
                    _torchs[name] = getattr(theirs, name)
                    setattr(theirs, name, getattr(functional, name))
        _depth += 1
    try:
        yield
    finally:
        with _lock:
            _depth -= 1
            if _depth == 0:
                for name, function in _torchs.items():
                    setattr(theirs, name, function)
                _torchs.clear()
