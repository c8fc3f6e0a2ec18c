# ===- _records.py - What a module remembers of its last training call -----===//
#
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Records: a module's generator and the options of its last training call."""

from __future__ import annotations

import contextlib
import contextvars
import copy
import secrets
import weakref
from typing import Optional

import torch
from torch import Tensor

from ._kernel import CPU

records: "weakref.WeakValueDictionary[int, Record]" = weakref.WeakValueDictionary()


def find_record(number: int) -> "Optional[Record]":
    """The record of a number, if its module is still there."""
    return records.get(number)


class Record:
    """A module's generator and its last training call.

    A compiled graph can't hold a Python object. It holds ``handle``, a tensor
    with the number of this record, and the operator that draws looks it up when
    it runs: so no graph is compiled for one module's number.
    """
    __slots__ = ("generator", "last", "number", "handle", "__weakref__")

    def __init__(self, generator=None, last=None):
        self.generator = generator
        self.last = last
        # Not counted: a graph that is saved and loaded elsewhere must not find another module's.
        self.number = secrets.randbits(63)
        with torch.inference_mode(False):
            self.handle = torch.tensor([self.number], dtype=torch.int64, device=CPU)
        records[self.number] = self

    def __deepcopy__(self, memo):
        return Record(_copy_generator(self.generator, memo), self.last)

    def __copy__(self):
        return Record(self.generator, self.last)

    def __reduce__(self):
        if isinstance(self.generator, torch.Generator) and not _GENERATORS_PICKLE:
            return _load_record, (self.generator.get_state(), self.last)
        return Record, (self.generator, self.last)


# Old versions of PyTorch can't pickle a generator, nor copy one.
_GENERATORS_PICKLE = "__reduce__" in vars(torch.Generator)


def _copy_generator(generator, memo):
    """A copy, one for all modules of a model that share it."""
    if not isinstance(generator, torch.Generator):
        return copy.deepcopy(generator, memo)
    if id(generator) not in memo:
        memo[id(generator)] = _load_generator(generator.get_state())
    return memo[id(generator)]


def _load_generator(state: Tensor) -> torch.Generator:
    generator = torch.Generator()
    generator.set_state(state)
    return generator


def _load_record(state: Tensor, last) -> Record:
    return Record(_load_generator(state), last)


# The record of the module that is being called, while its input's own
# __torch_function__ decides what happens.
current_record: "contextvars.ContextVar[Optional[Record]]" = contextvars.ContextVar("record", default=None)


@contextlib.contextmanager
def recording(record: Record):
    """A block in which training calls are those of a record's module."""
    token = current_record.set(record)
    try:
        yield
    finally:
        current_record.reset(token)
