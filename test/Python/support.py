# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# What the tests of the package share: seeds, comparison of bits, arrays with
# guard bytes around them, and errors that change nothing.

import contextlib
import itertools
import os
import pathlib
import signal
import subprocess
import sys
import textwrap

import ml_dtypes
import numpy as np
import oracle
import pytest

import mlir_dropout as md

TYPES = ("f16", "bf16", "f32", "f64")
DTYPES = {"f16": np.float16, "bf16": ml_dtypes.bfloat16, "f32": np.float32, "f64": np.float64}
KINDS = {"element": md.element, "channel": md.channel, "alpha": md.alpha, "feature_alpha": md.feature_alpha}
CHANNELS = ("channel", "feature_alpha")
OPTIONS = tuple({"rounds": rounds, "resolution": resolution} for rounds in (10, 7) for resolution in (16, 8))

# Seeds and offsets over all 64 bits: ends, halves, one bit, and the rest at random.
_RANDOM = np.random.default_rng(20).integers(0, 2**64, 24, np.uint64, False).tolist()
SEEDS = (
    (0, 0), (2**64 - 1, 2**64 - 1), (2**63, 2**32), (2**32, 2**63), (2**32 - 1, 1), (1, 2**32 - 1),
    (42, 7), (0x0123456789ABCDEF, 0xFEDCBA9876543210), *zip(_RANDOM[::2], _RANDOM[1::2]),
)
assert len(SEEDS) == 20


@pytest.fixture(autouse=True)
def process_state():
    """Puts the state of the process back after each test: import it."""
    state, threads = md.get_state(), md._core.get_num_threads()
    yield
    md.set_state(state)
    md.set_num_threads(0)
    if md.get_num_threads() != threads:
        md.set_num_threads(threads)


def ours(x, ty):
    """An array of the oracle as one that the package takes: the same memory."""
    return x.view(ml_dtypes.bfloat16) if ty == "bf16" else x


def theirs(x, ty):
    """The reverse."""
    return x.view(np.uint16) if ty == "bf16" else x


def bits(x):
    """The elements as unsigned numbers."""
    x = np.asarray(x)
    return np.ascontiguousarray(x).view("u%d" % x.dtype.itemsize).reshape(x.shape)


def same(got, want, what, loose=None):
    """Compares type, shape and bits; where `loose`, any NaN is as good as another."""
    got, want = np.asarray(got), np.asarray(want)
    assert got.dtype == want.dtype and got.shape == want.shape, (
        f"{what}: got {got.dtype}{list(got.shape)}, want {want.dtype}{list(want.shape)}")
    bad = bits(got) != bits(want)
    if loose is not None:
        with np.errstate(invalid="ignore"):
            bad &= ~(loose & np.isnan(got) & np.isnan(want))
    if not bad.any():
        return
    at = tuple(int(v[0]) for v in np.nonzero(bad)) if bad.ndim else ()
    pytest.fail(f"{what}: {int(bad.sum())} of {bad.size} differ, first at {list(at)}: got {got[at]!r} "
                f"({int(bits(got)[at]):#x}), want {want[at]!r} ({int(bits(want)[at]):#x})", pytrace=False)


def call(kind, x, p, backward=False, **options):
    """A forward call, or the gradient."""
    if not backward:
        return KINDS[kind](x, p, **options)
    return md.backward(x, p, kind=kind, **options)


def want(kind, x, ty, p, seed, offset, *, position=None, mask_dims=None, **options):
    """What the oracle says for an array of ours: values, and where NaNs are loose."""
    at, of = position or (None, None)
    y, loose = oracle.apply(kind, theirs(x, ty), ty, float(p), seed, offset, at=at, of=of, dims=mask_dims, **options)
    return ours(y, ty), loose


def want_mask(kind, shape, p, seed, offset, *, mask_dims=None, position=None, **options):
    """The keep mask of an array of that shape, repeated along dims that have no draws."""
    at, of = position or (None, None)
    dims = oracle.dims_of(kind, len(shape), mask_dims)
    m = oracle.mask(kind, shape, p, seed, offset, at=at, of=of, dims=mask_dims, **options)
    return np.array(oracle.broadcast(m, shape, dims))


def random(shape, ty, seed=0):
    """Ordinary values of either sign, none zero."""
    x = np.random.default_rng(seed).standard_normal(shape)
    return np.where(x == 0, 1, x).astype(DTYPES[ty])


class Guarded:
    """An array of any strides (in elements) in memory full of one odd byte."""

    BYTE, MARGIN = 0xA5, 192

    def __init__(self, shape, dtype, strides=None):
        self.dtype = np.dtype(dtype)
        size = self.dtype.itemsize
        if strides is None:
            strides = [int(np.prod(shape[d + 1:], dtype=int)) for d in range(len(shape))]
        reach = [(n - 1) * s if n else 0 for n, s in zip(shape, strides)]
        first = self.MARGIN + size * -sum(r for r in reach if r < 0)
        length = first + size * (1 + sum(r for r in reach if r > 0)) + self.MARGIN
        self.memory = np.full(length, self.BYTE, np.uint8)
        self._view = lambda memory, dtype: np.ndarray(shape, dtype, memory, first, [s * size for s in strides])
        self.array = self._view(self.memory, self.dtype)
        inside = np.zeros(length, np.uint8)
        self._view(inside, "u%d" % size)[...] = ~np.array(0, "u%d" % size)
        self.inside = inside != 0

    def check(self, what):
        """Nothing outside of the elements has changed."""
        outside = np.flatnonzero(~self.inside & (self.memory != self.BYTE))
        assert outside.size == 0, f"{what}: bytes outside of the array were written: {outside[:8].tolist()}"

    def fill(self, values):
        self.array[...] = values
        return self.array


def layouts(shape, steps=(1, 2)):
    """Strides (in elements) of all orders of the dims, directions and, for each of `steps`, gaps that wide."""
    rank = len(shape)
    for order in itertools.permutations(range(rank)):
        for signs in itertools.product((1, -1), repeat=rank):
            for step in steps:
                strides, reach = [0] * rank, step
                for d in reversed(order):
                    strides[d] = reach * signs[d]
                    reach *= max(shape[d], 1) + (step > 1)  # A gap behind each row, too.
                yield strides


def refused(exceptions, says, function, *arguments, unchanged=(), **options):
    """The call raises one of the exceptions; its message has all of the words; neither arrays nor state change."""
    before = [bits(a).copy() for a in unchanged]
    state = md.get_state()
    what = f"{getattr(function, '__name__', function)}{arguments!r:.200} {options!r:.300}"
    try:
        result = function(*arguments, **options)
    except exceptions as error:
        message = str(error)
        for word in [says] if isinstance(says, str) else says:
            assert word in message, f"{what}: expected the message to have {word!r}, but got {message!r}"
        assert "incompatible function arguments" not in message, f"{what}: {message}"
    except Exception as error:
        pytest.fail(f"{what}: expected {exceptions}, but got {error!r}")
    else:
        pytest.fail(f"{what}: expected {exceptions}, but got {result!r}", pytrace=False)
    for a, old in zip(unchanged, before):
        assert (bits(a) == old).all(), f"{what}: data changed"
    assert md.get_state() == state, f"{what}: the generator or the mode changed"


def run_python(code, *arguments, timeout=120, environment=None):
    """Runs code in a process of its own; returns what it printed. A variable that is None is not set there."""
    variables = {name: value for name, value in {**os.environ, **(environment or {})}.items() if value is not None}
    command = [sys.executable, "-X", "faulthandler", "-c", textwrap.dedent(code), *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=variables) as process:
        try:
            out, errors = process.communicate(timeout=timeout)
            state = f"exit code {process.returncode}"
        except subprocess.TimeoutExpired:
            # What hangs says where: what its threads wait for in the system, and, by SIGABRT, the lines of Python.
            state = f"not ended after {timeout} s\n{waits_of(process.pid)}"
            process.send_signal(signal.SIGABRT)
            try:
                out, errors = process.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                out, errors = process.communicate()
    assert process.returncode == 0, f"{state}\n{out[-2000:]}\n{errors[-4000:]}"
    return out


def waits_of(pid):
    """A line for every thread of a process: its name, its state, the call of the system that it waits in."""
    lines = []
    for task in sorted(pathlib.Path(f"/proc/{pid}/task").iterdir()):
        with contextlib.suppress(OSError):
            name, state = (task / "stat").read_text().split("(", 1)[1].rsplit(")", 1)
            lines.append(f"thread {task.name} {name}: {state.split()[0]} {(task / 'wchan').read_text()} "
                         f"{(task / 'syscall').read_text().strip()}")
    return "\n".join(lines)


@contextlib.contextmanager
def threads(n):
    md.set_num_threads(n)
    try:
        yield
    finally:
        md.set_num_threads(0)
