# ===- _checkpoint.py - Checkpoints that repeat generators' draws ----------===//
#
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""torch.utils.checkpoint, for models whose dropout has generators."""

from __future__ import annotations

from typing import Any, Callable, Iterable, List

import torch
import torch.utils.checkpoint

from ._draws import replaying
from ._pytorch import is_compiling
from ._records import Record
from .functional import AnyGenerator


def checkpoint(function: Callable, *args: Any, generators: Iterable[AnyGenerator] = (), **kwargs: Any) -> Any:
    """``torch.utils.checkpoint.checkpoint``, which forgets what a forward
    computed and runs it again in backward, also for dropout with generators.

    torch's puts its own generators back for the second run and knows no others:
    a draw from one would be of another mask, which is a RuntimeError. This one
    puts back those of our modules in ``function``, if that is a module, and those
    in ``generators``. Without a generator, torch's own is all it takes.

    Args: ``function``, ``args`` and ``kwargs`` (``use_reentrant`` among them) as
    of torch's.

    >>> block = torch.nn.Sequential(torch.nn.Linear(4, 4), Dropout(0.5, generator=mlir_dropout.Generator(1)))
    >>> x = torch.ones(3, 4, requires_grad=True)
    >>> checkpoint(block, x, use_reentrant=False).sum().backward()

    Source: https://pytorch.org/docs/stable/checkpoint.html
    """
    try:
        found = list(generators)
    except TypeError:
        found = [None]
    if not all(callable(getattr(generator, "set_state", None)) for generator in found):
        raise TypeError(f"expected generators to be a list of generators, but got {generators!r}")
    if isinstance(function, torch.nn.Module):
        records = (getattr(module, "_record", None) for module in function.modules())
        found += [r.generator for r in records if isinstance(r, Record) and r.generator is not None]
    if found and not is_compiling():
        function = _Replayed(function, found)
    return torch.utils.checkpoint.checkpoint(function, *args, **kwargs)


class _Replayed:
    """A function that begins every call after its first with the generators
    where they were at its first, and leaves them alone."""

    def __init__(self, function: Callable, generators: List[AnyGenerator]):
        self.function = function
        self.generators = list({id(generator): generator for generator in generators}.values())
        self.states: List[Any] = []

    def __call__(self, *args, **kwargs):
        now = [generator.get_state() for generator in self.generators]
        if not self.states:
            self.states = now
            return self.function(*args, **kwargs)
        token = replaying.set(True)
        try:
            self._set(self.states)
            return self.function(*args, **kwargs)
        finally:
            self._set(now)
            replaying.reset(token)

    def _set(self, states: List[Any]) -> None:
        for generator, state in zip(self.generators, states):
            generator.set_state(state)
