# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# 100,000 calls, and neither memory nor counts of references grow.

import gc
import sys

import ml_dtypes
import numpy as np
import pytest
from support import md, process_state

CALLS = 100_000


@pytest.fixture(autouse=True)
def plain_build(sanitized):
    if sanitized:
        pytest.skip("sanitizers: they keep memory that was freed")


BATCHES = 5


def resident():
    """Bytes of this process's own memory. Pages of files are left out: the system drops them and brings them back."""
    gc.collect()
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith("RssAnon:"))


def smallest_growth(function, calls, enough):
    """Bytes that each of several batches of calls adds at least. A leak adds to every batch; an allocator that moves to
    another page, a cache that fills, and another thread that frees late don't."""
    smallest = sys.maxsize
    for _ in range(BATCHES):
        before = resident()
        for _ in range(calls):
            function()
        smallest = min(smallest, resident() - before)
        if smallest < enough:
            break
    return smallest


def flat(name, function, objects=(), calls=CALLS):
    """Calls it often, once warm. What can be lost has 16 bytes and more: 1.6 MB by 100,000 calls, 160 KB by 10,000."""
    for _ in range(calls // 10):
        function()
    objects = [*objects, None, np.ndarray, np.dtype(np.float32), md.element, md.default_generator, 5, "x", ()]
    counts = [sys.getrefcount(o) for o in objects]
    allowed = max(8 * calls, 128 << 10)
    grown = smallest_growth(function, calls, allowed)
    assert grown < allowed, f"{name}: {grown} bytes more after {calls} calls"
    for o, count in zip(objects, counts):
        assert abs(sys.getrefcount(o) - count) < calls // 20, f"{name}: references to {type(o)} {str(o):.40}"


def ignoring(function, *arguments, **options):
    def body():
        try:
            function(*arguments, **options)
        except (TypeError, ValueError, LookupError, OverflowError, RuntimeError):
            return
        raise AssertionError("expected an error")
    return body


X = np.ones(16, np.float32)


def test_forward():
    out, generator = np.empty_like(X), md.Generator(1)
    flat("new array", lambda: md.element(X, .5, seed=1), [X])
    flat("out", lambda: md.element(X, .5, seed=2**64 - 1, offset=2**63, out=out), [X, out])
    flat("drawn", lambda: md.alpha(X, .5, generator=generator, inplace=False), [X, generator, generator._state])
    flat("mask", lambda: md.element(X, .5, return_mask=True), [X, np.dtype(bool)])
    flat("position", lambda: md.channel(X.reshape(4, 4), .5, mask_dims=(1, 0), position=((1, 2), (9, 9))), [X],
         CALLS // 4)
    flat("mask()", lambda: md.mask((4, 4), .5), [], CALLS // 4)
    flat("backward", lambda: md.backward(X, .5, seed=1, offset=2, kind="alpha"), [X], CALLS // 4)


def test_other_arrays():
    torch = pytest.importorskip("torch")

    class DLPack:
        def __init__(self, array):
            self.array = array

        def __dlpack__(self, **options):
            return self.array.__dlpack__(**options)

        def __dlpack_device__(self):
            return self.array.__dlpack_device__()

    half = X.astype(ml_dtypes.bfloat16)
    flat("bf16", lambda: md.element(half, .5, seed=1), [half, half.dtype])
    tensor, lazy = torch.ones(16), torch.ones(3, dtype=torch.cfloat).conj().imag
    flat("torch", lambda: md.element(tensor, .5, seed=1), [tensor], CALLS // 2)
    flat("torch, in place with a mask", lambda: md.element(tensor, .0, inplace=True, return_mask=True), [tensor],
         CALLS // 4)
    flat("negated", lambda: md.element(lazy, .5, seed=1), [lazy], CALLS // 10)
    exporter = DLPack(X)
    flat("DLPack", lambda: md.element(exporter, .5, seed=1), [exporter, X], CALLS // 2)
    flat("DLPack in place", lambda: md.element(exporter, .0, inplace=True), [exporter, X], CALLS // 2)
    view = memoryview(X)
    flat("buffer", lambda: md.element(view, .5, seed=1), [view, X], CALLS // 4)


def test_errors():
    strings = np.array(["a"])
    for name, body in {
        "p": ignoring(md.element, X, 1.5), "type": ignoring(md.element, strings), "list": ignoring(md.element, [1.0]),
        "out": ignoring(md.element, X, out=X[:4]), "overlap": ignoring(md.element, X[1:], out=X[:-1]),
        "seed": ignoring(md.element, X, seed=2**64), "position": ignoring(md.element, X, position=([9], [3])),
        "options": ignoring(md.element, X, rounds=9), "mask_dims": ignoring(md.channel, X, mask_dims=(7, 7)),
        "state": ignoring(md.Generator(1).set_state, b"DRPSTATE" * 7), "name": ignoring(md.named_generator, "nobody"),
    }.items():
        flat(name, body, [X, strings, ValueError, TypeError], CALLS // 10)


def test_generators():
    generator = md.Generator(1)

    def body():
        generator.set_state(generator.get_state())
        generator.fork("data", 3).reserve()
        with md.seed_scope(1, generator=generator), md.training(False), md.seed_scope(2):
            generator.reserve()

    flat("generators and scopes", body, [generator], CALLS // 4)
    flat("state of the process", lambda: md.set_state(md.get_state()), [], CALLS // 4)
    flat("named", lambda: md.named_generator("data", 5).reserve(), [], CALLS // 4)


def test_compiled():
    f = md.compile("""
    func.func @f(%x: tensor<?x?xf32>, %p: f64, %y: memref<?xf32>) -> (tensor<?x?xf32>, i64, tensor<?x?xi1>) {
      %c = arith.constant 5 : i64
      %r, %m = dropout.element %x p(%p) rng(%c, %c) : tensor<?x?xf32>, tensor<?x?xi1>
      dropout.element %y into %y p(%p) rng(%c, %c) : memref<?xf32>, memref<?xf32>
      return %r, %c, %m : tensor<?x?xf32>, i64, tensor<?x?xi1>
    }""")
    x, y = X.reshape(4, 4), np.zeros(4, np.float32)
    flat("several results", lambda: f(x, .5, y), [x, y, f])
    flat("a copy first", lambda: f(x.T, .5, y), [x, y, f], CALLS // 2)
    flat("an error", ignoring(f, x, 1.5, y), [x, y, f], CALLS // 4)
    flat("a wrong argument", ignoring(f, x, .5, x), [x, y, f], CALLS // 4)
    half = md.compile("func.func @f(%x: tensor<?xbf16>) -> tensor<?xbf16> { return %x : tensor<?xbf16> }")
    values = X.astype(ml_dtypes.bfloat16)
    flat("bf16", lambda: half(values), [values], CALLS // 4)


def test_programs():
    """Code that is no longer used goes; a program that does not compile leaves nothing."""
    good = "func.func @f(%x: tensor<?xf32>) -> tensor<?xf32> { return %x : tensor<?xf32> }"
    md.compile(good)

    def loaded():
        assert md.compile(good)(X).shape == (16,)

    for name, body, calls, limit in (("from the cache", loaded, 100, 60_000),
                                     ("broken", ignoring(md.compile, "func.func @f( {"), 1000, 600)):
        for _ in range(calls // 4):
            body()
        allowed = max(limit * calls, 128 << 10)
        grown = smallest_growth(body, calls, allowed)
        assert grown < allowed, f"{name}: {grown} bytes after {calls}"
