# ===- _generator.py - Where seeds and offsets come from -------------------===//
#
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Generators, the mode of the process, and scopes on both.

Mode and default generator are the runtime's: programs that `compile` makes see the
same ones, and so does every thread.
"""

from __future__ import annotations

import secrets as _secrets
from typing import Optional, Tuple

from ._native import _core

__all__ = [
    "Generator",
    "default_generator",
    "get_state",
    "is_training",
    "manual_seed",
    "named_generator",
    "seed_scope",
    "set_state",
    "set_training",
    "training",
]


class Generator:
    """A seed and the next offset. Each draw in training takes one offset.

    `seed` is by default random bits of the operating system; both are ints in
    [0, 2**64). Any number of threads may draw: n draws take n offsets without a gap.
    Copies, also deep ones and those of pickle, go their own way from where this one
    stands.

    >>> g = Generator(seed=42)
    >>> g.reserve(), g.reserve()
    ((42, 0), (42, 1))
    >>> g.fork("data", 3)
    Generator(seed=0x41b50be9af90ae88, offset=0)
    """

    __slots__ = ("_state",)

    def __init__(self, seed: Optional[int] = None, offset: int = 0):
        self._state = _core.GeneratorState(_secrets.randbits(64) if seed is None else seed, offset)

    @property
    def seed(self) -> int:
        """The key of all masks; setting it leaves the offset (of a generator of the
        runtime, if nobody draws in the meantime)."""
        return self._state.get()[0]

    @seed.setter
    def seed(self, value: int) -> None:
        self._state.set_seed(value)

    @property
    def offset(self) -> int:
        """The offset that the next draw takes."""
        return self._state.get()[1]

    @offset.setter
    def offset(self, value: int) -> None:
        self._state.set_offset(value)

    def manual_seed(self, seed: int) -> "Generator":
        """Sets the seed, and the offset to 0. Returns the generator."""
        self._state.set(seed, 0)
        return self

    def reserve(self) -> Tuple[int, int]:
        """Takes one offset: (seed, offset), for a forward call and its `backward`."""
        return self._state.reserve()

    def fork(self, name: Optional[str] = None, rank: int = 0) -> "Generator":
        """A generator for one of several parallel streams, at offset 0.

        Its masks have nothing to do with this one's or another rank's or name's; this
        one does not move. `name` has 1 to 255 bytes of UTF-8 without control characters
        ("data", "tensor"), and may be left out: `fork(rank=3)`. `rank` is in [0, 2**62).
        ValueError for others. The formula is at `dropoutForkSeed` in Runtime.h.
        """
        if not isinstance(name, (str, bool)) and hasattr(name, "__index__") and rank == 0:
            name, rank = None, name  # fork(3)
        return Generator(_core.fork_seed(self.seed, "rank" if name is None else name, rank))

    def get_state(self) -> bytes:
        """Seed and offset as the runtime's blob: versioned, with a checksum, the same
        bytes on every machine."""
        return self._state.encode()

    def set_state(self, state: bytes) -> None:
        """Goes where `get_state` was called. ValueError for a blob that is damaged or of
        another version; nothing changes then."""
        if not isinstance(state, bytes):
            raise TypeError("expected state to be bytes, but got %s" % type(state).__name__)
        self._state.decode(state)

    def __reduce__(self):
        return Generator, self._state.get()

    def __copy__(self) -> "Generator":
        return Generator(*self._state.get())

    def __deepcopy__(self, memo) -> "Generator":
        return self.__copy__()

    def __repr__(self) -> str:
        seed, offset = self._state.get()
        if not self._state.is_runtimes:
            return "Generator(seed=%#x, offset=%d)" % (seed, offset)
        name = self._state.name
        what = "default_generator" if name is None else "named_generator(%r)" % name
        return "<mlir_dropout.%s, seed=%#x, offset=%d>" % (what, seed, offset)


def _of_runtime(name: Optional[str]) -> Generator:
    generator = Generator.__new__(Generator)
    generator._state = _core.GeneratorState.of_runtime(name)
    return generator


#: The process's generator: what functions draw from that are given none. Starts at
#: seed 0 and offset 0.
default_generator = _of_runtime(None)


def named_generator(name: str, seed: Optional[int] = None, offset: int = 0) -> Generator:
    """The generator that programs call `generator("name")`.

    With a seed it is created there, or set there if it exists; without one it must
    exist (LookupError). It belongs to the process.
    """
    if seed is not None:
        if _core.generator_exists(name):
            _of_runtime(name)._state.set(seed, offset)
        else:
            _core.create_generator(name, seed, offset)
    elif not _core.generator_exists(name):
        raise LookupError("expected the name of a generator of this process, but got %r" % (name,))
    return _of_runtime(name)


def manual_seed(seed: int) -> Generator:
    """Sets the process's generator to `seed`, in [0, 2**64), and offset 0. Returns it."""
    return default_generator.manual_seed(seed)


def is_training() -> bool:
    """The mode of the process: True in training, which is how it starts."""
    return _core.is_training()


def set_training(training: bool) -> None:
    """Sets the mode of the process. For a while only: `training`."""
    _core.set_training(training)


def get_state() -> bytes:
    """Mode, default generator and named generators of the process as a blob."""
    return _core.get_state()


def set_state(state: bytes) -> None:
    """Puts the process where `get_state` was called. ValueError for a blob that is damaged
    or of another version, RuntimeError inside of a scope; nothing changes then.

    The blob of a `Generator` is that of a process in training that has no other: use
    `Generator.set_state` for it."""
    if not isinstance(state, bytes):
        raise TypeError("expected state to be bytes, but got %s" % type(state).__name__)
    _core.set_state(state)


class training:
    """Sets the mode of the process in a `with` block, and puts it back after it, also
    after an exception.

    Scopes belong to the process, not to a thread, and end in the reverse order of their
    beginning (RuntimeError).

    >>> with training(False):
    ...     element(np.ones(4, np.float32), 0.5)
    array([1., 1., 1., 1.], dtype=float32)
    """

    def __init__(self, training: bool):
        self._training = training
        self._scopes = []

    def __enter__(self) -> None:
        self._scopes.append(_core.begin_mode_scope(self._training))

    def __exit__(self, *exception) -> None:
        _core.end_mode_scope(self._scopes[-1])
        self._scopes.pop()


class seed_scope:
    """Sets a generator, by default the process's, to (seed, offset) in a `with` block, and
    puts it back where it was after it, also after an exception.

    >>> with seed_scope(42, 7):
    ...     default_generator.reserve()
    (42, 7)
    """

    def __init__(self, seed: int, offset: int = 0, generator: Optional[Generator] = None):
        if generator is not None and not isinstance(generator, Generator):
            raise TypeError("expected generator to be a mlir_dropout.Generator, but got %r" % (generator,))
        self._at = (seed, offset)
        self._state = (default_generator if generator is None else generator)._state
        self._scopes = []

    def __enter__(self) -> None:
        self._scopes.append(self._state.begin_scope(*self._at))

    def __exit__(self, *exception) -> None:
        self._state.end_scope(self._scopes[-1])
        self._scopes.pop()
