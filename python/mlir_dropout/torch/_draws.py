# ===- _draws.py - Seeds and offsets ---------------------------------------===//
#
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""A draw: seed and offset of one training call, from a generator of PyTorch's or
one of ours.
"""

from __future__ import annotations

import contextvars
import sys
from typing import Tuple

import torch
from torch import Tensor

from ._kernel import CPU

#: Of the signed numbers of 64 bits.
LOWEST = -(2**63)

# Tensors of two numbers for draws to land in. A draw takes one out and puts it
# back, so that neither another thread nor a re-entry can share it.
buffers: list = []


def new_buffer() -> Tensor:
    with torch.inference_mode(False):
        return torch.empty(2, dtype=torch.int64, device=CPU)


def draw(generator=None) -> Tuple[int, int]:
    """Seed and offset of one training call, as signed 64-bit numbers.

    Without a generator, or with one of PyTorch's: two random 64-bit numbers, all
    bits of them, in one draw. With one of ours: its next reservation.
    """
    if generator is None:
        return tuple(new_buffer().random_(LOWEST, None).tolist())
    if in_backward() and not replaying.get():
        raise RuntimeError("expected no draw from a generator of the user inside of a backward pass, but "
                           "torch.utils.checkpoint, or something like it, runs a forward again: it repeats the draws "
                           "of PyTorch's own generator only, and gradients would be of another mask. Use "
                           "mlir_dropout.torch.checkpoint, or no generator")
    if isinstance(generator, torch.Generator):
        return tuple(new_buffer().random_(LOWEST, None, generator=generator).tolist())
    return generator.reserve()


#: True while ``mlir_dropout.torch.checkpoint`` runs a forward again.
replaying: "contextvars.ContextVar[bool]" = contextvars.ContextVar("replaying", default=False)

if hasattr(torch._C, "_current_graph_task_id"):

    def in_backward() -> bool:
        """Whether this thread is in the midst of a backward pass."""
        return torch._C._current_graph_task_id() != -1

else:

    def in_backward() -> bool:
        """Whether a checkpoint of PyTorch runs a forward again in this thread."""
        frame = sys._getframe(2)
        while frame is not None:
            code = frame.f_code
            if code.co_name in ("backward", "unpack") and code.co_filename.endswith("torch/utils/checkpoint.py"):
                return True
            frame = frame.f_back
        return False


def check_generator(generator) -> None:
    """Raises unless it is None or something that ``draw`` can use."""
    if generator is None:
        return
    if isinstance(generator, torch.Generator):
        if generator.device.type != "cpu":
            raise ValueError(f"expected generator to be on the CPU, but got one on {generator.device}")
        return
    if not callable(getattr(generator, "reserve", None)):
        raise TypeError("expected generator to be a mlir_dropout.Generator or a torch.Generator, but got "
                        f"{type(generator).__name__}")


def _signed(value: int) -> int:
    """A 64-bit number as the int64 with its bits."""
    value &= 2**64 - 1
    return value - 2**64 if value >= 2**63 else value


def as_state(seed: int, offset: int) -> Tensor:
    """Seed and offset as operators take them: two int64."""
    return torch.tensor([_signed(seed), _signed(offset)], dtype=torch.int64, device=CPU)


@getattr(getattr(torch, "compiler", None), "disable", lambda f: f)
def draw_outside(generator) -> Tensor:
    """A draw from a generator that was passed to a function: between two
    graphs, since no graph can hold it. A module's generator has a handle."""
    return as_state(*draw(generator))
