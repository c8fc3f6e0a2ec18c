# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Generators: what they give, what takes an offset and what does not, forks,
# copies, and states that are saved, damaged and restored.

import copy
import pickle
import threading

import numpy as np
import oracle
import pytest
from support import KINDS, SEEDS, md, process_state, refused, same

X = np.ones((4, 6), np.float32)
WRONG_SEEDS = [(-1, ValueError), (2**64, ValueError), (2**300, ValueError), (-2**70, ValueError), ("1", TypeError),
               (1.0, TypeError), (True, TypeError), (b"1", TypeError), ([1], TypeError), (np.float32(1), TypeError)]


def make():
    """One of each sort: its own, the process's, and a named one."""
    return [md.Generator(1, 2), md.default_generator, md.named_generator("data", 3)]


def test_seeds_and_offsets():
    for generator in make():
        for seed, offset in SEEDS:
            generator.seed, generator.offset = seed, offset
            assert (generator.seed, generator.offset) == (seed, offset)
            assert generator.reserve() == (seed, offset)
            assert (generator.seed, generator.offset) == (seed, (offset + 1) % 2**64), "after 2^64-1 comes 0"
            assert generator.manual_seed(offset) is generator
            assert (generator.seed, generator.offset) == (offset, 0)
        generator.seed = np.uint64(2**64 - 1)
        generator.offset = np.int8(5)
        assert generator.reserve() == (2**64 - 1, 5)
        assert f"{2**64 - 1:#x}" in repr(generator) and "offset=6" in repr(generator)
    assert md.Generator(7).offset == 0
    assert len({md.Generator().seed for _ in range(4)}) == 4, "seeds are random by default"
    assert md.manual_seed(9) is md.default_generator and md.default_generator.seed == 9


def test_wrong_seeds():
    for value, exception in WRONG_SEEDS:
        for generator in make():
            for name in ("seed", "offset"):
                refused(exception, (name, repr(value)), setattr, generator, name, value)
            refused(exception, ("seed", repr(value)), generator.manual_seed, value)
        refused(exception, ("seed", repr(value)), md.Generator, value)
        refused(exception, ("offset", repr(value)), md.Generator, 1, value)
        refused(exception, ("seed", repr(value)), md.manual_seed, value)
        refused(exception, ("seed", repr(value)), md.named_generator, "data", value)
        refused(exception, ("offset", repr(value)), md.named_generator, "data", 1, value)
        for function in (*KINDS.values(), lambda x, **o: md.mask(x.shape, **o)):
            refused(exception, ("seed", repr(value)), function, X, seed=value)
            refused(exception, ("offset", repr(value)), function, X, seed=1, offset=value)
        refused(exception, ("seed", repr(value)), md.backward, X, seed=value, offset=0)
        refused(exception, ("offset", repr(value)), md.backward, X, seed=0, offset=value)
    refused(TypeError, ("seed", "offset=3"), md.element, X, offset=3)
    refused(TypeError, ("seed", "None"), md.backward, X, seed=None, offset=None)
    refused(TypeError, ("seed", "None"), md.backward, X, seed=1, offset=None)
    refused(TypeError, ("offset", "None"), md.Generator, 1, None)
    for generator in (3, "data", object(), md.Generator, md._core.GeneratorState(1, 2)):
        refused(TypeError, ("generator", "mlir_dropout.Generator"), md.element, X, generator=generator)
        refused(TypeError, ("generator", "mlir_dropout.Generator"), md.mask, 4, generator=generator)
        refused(TypeError, ("generator", "mlir_dropout.Generator"), md.seed_scope, 4, generator=generator)
    refused(TypeError, ("seed", "generator", "both"), md.element, X, seed=1, generator=md.Generator(1))


def test_draws():
    """A call in training takes one offset whatever it does, and one in evaluation none."""
    for generator in make():
        chosen = {} if generator is md.default_generator else {"generator": generator}
        seed = generator.seed
        calls = [lambda f=f, **o: f(X, **o) for f in KINDS.values()]
        calls += [lambda **o: md.mask((4, 6), **o), lambda **o: md.element(X[:0], **o),
                  lambda **o: md.element(X, 0.0, **o),
                  lambda **o: md.element(X, 1.0, **o), lambda **o: md.element(X, return_mask=True, **o),
                  lambda **o: md.element(X.copy(), inplace=True, **o), lambda **o: md.element(X, out=X.copy(), **o),
                  lambda **o: md.mask((), **o), lambda **o: md.mask(0, **o),
                  lambda **o: md.element(X, position=((0, 0), (9, 9)), **o)]
        for number, function in enumerate(calls):
            before = generator.offset
            function(**chosen)
            assert generator.offset == before + 1, f"call {number} of {generator}"
            for options in ({"training": False}, {"training": np.bool_(False)}, {"training": 0}):
                function(**chosen, **options)
            assert generator.offset == before + 1, f"call {number} of {generator}, in evaluation"
            with md.training(False):
                function(**chosen)
                assert generator.offset == before + 1
                function(**chosen, training=True)
            assert generator.offset == before + 2, "training=True replaces the mode"
        offset = generator.offset
        md.backward(X, seed=1, offset=2)
        md.element(X, seed=1)
        assert (generator.seed, generator.offset) == (seed, offset), "explicit seeds draw nothing"
        # What is drawn is what comes out, values and mask from one offset.
        y, m = md.channel(X, .5, return_mask=True, **chosen)
        want = md.channel(X, .5, seed=seed, offset=offset, return_mask=True)
        same(y, want[0], "drawn values")
        same(m, want[1], "drawn mask")


def test_forks():
    for seed, name, rank, want in oracle.FORKS:
        assert md.Generator(seed).fork(name, rank).seed == want
    for seed, offset in SEEDS[:8]:
        parent = md.Generator(seed, offset)
        for name, rank in (("data", 0), ("tensor", 1), ("é" * 127, 2**62 - 1), ("a" * 255, 5)):
            child = parent.fork(name, rank)
            assert (child.seed, child.offset) == (oracle.fork(seed, name, rank), 0), f"{seed} {name} {rank}"
        assert parent.fork(3).seed == parent.fork(rank=3).seed == parent.fork(None, 3).seed != parent.fork(4).seed
        assert parent.fork(np.int64(3)).seed == parent.fork(3).seed
        assert (parent.seed, parent.offset) == (seed, offset), "the parent does not move"
    parent = md.Generator(1)
    for arguments, exception, says in [
        (("",), ValueError, ("name", "empty")), (("a" * 256,), ValueError, ("name", "255")),
        (("a\0b",), ValueError, ("name", "NUL", "'a\\x00b'")), (("\ud800",), ValueError, ("name", "UTF-8")),
        (("a\nb",), ValueError, ("name", "control")), ((b"data",), TypeError, ("name", "b'data'")),
        ((1.5,), TypeError, ("name", "1.5")), ((3, 4), TypeError, ("name", "3")),
        (("data", -1), ValueError, ("rank", "-1")), (("data", 2**62), ValueError, ("rank", str(2**62))),
        (("data", 2**64), ValueError, ("rank", str(2**64))), (("data", "x"), TypeError, ("rank", "'x'")),
        (("data", None), TypeError, ("rank", "None")),
    ]:
        refused(exception, says, parent.fork, *arguments)


def test_copies():
    for generator in make():
        generator.offset = 2**64 - 1
        for twin in (copy.copy(generator), copy.deepcopy(generator), pickle.loads(pickle.dumps(generator)),
                     pickle.loads(pickle.dumps(generator, 2)), copy.deepcopy([generator])[0]):
            assert type(twin) is md.Generator
            at = (generator.seed, generator.offset)
            assert twin.reserve() == at and (twin.seed, twin.offset) == (at[0], 0)
            assert (generator.seed, generator.offset) == at, "a copy goes its own way"


def test_states():
    for generator in make():
        for seed, offset in SEEDS:
            generator.seed, generator.offset = seed, offset
            blob = generator.get_state()
            assert isinstance(blob, bytes) and blob[:8] == b"DRPSTATE" and len(blob) == 52
            generator.reserve()
            other = md.Generator(0)
            for restored in (generator, other):
                restored.set_state(blob)
                assert (restored.seed, restored.offset) == (seed, offset)
            assert other.get_state() == blob, "the same state is the same bytes"
    # A whole process's blob is one, too: that of its default generator.
    md.manual_seed(77)
    generator.set_state(md.get_state())
    assert generator.seed == 77


def test_damaged_states():
    md.named_generator("data", 3)
    md.set_training(False)
    for generator in make():
        blob = generator.get_state()
        damaged = [blob[:n] for n in range(len(blob))] + [blob + b"\0", blob + blob, b"", bytes(52)]
        for at in range(len(blob)):
            damaged += [blob[:at] + bytes([blob[at] ^ flip]) + blob[at + 1:] for flip in (1, 0x80, 0xFF)]
        for bad in damaged:
            at = (generator.seed, generator.offset)
            refused(ValueError, "state", generator.set_state, bad)
            assert (generator.seed, generator.offset) == at
        for bad in (None, 3, "x", bytearray(blob), memoryview(blob)):
            refused(TypeError, ("state", "bytes", type(bad).__name__), generator.set_state, bad)
    blob = md.get_state()
    md.set_training(True)
    for at in range(len(blob)):
        for flip in (1, 0x80, 0xFF):
            refused(ValueError, "state", md.set_state, blob[:at] + bytes([blob[at] ^ flip]) + blob[at + 1:])
    for bad in (None, "x", bytearray(blob)):
        refused(TypeError, ("state", "bytes", type(bad).__name__), md.set_state, bad)
    md.set_state(blob)
    assert not md.is_training() and md.get_state() == blob


def test_process_state():
    md.manual_seed(5)
    md.named_generator("data", 6, 7)
    md.set_training(False)
    blob = md.get_state()
    md.set_training(True)
    md.named_generator("more", 1)
    md.named_generator("data").reserve()
    md.default_generator.reserve()
    md.set_state(blob)
    assert not md.is_training()
    assert (md.default_generator.seed, md.default_generator.offset) == (5, 0)
    assert (md.named_generator("data").seed, md.named_generator("data").offset) == (6, 7)
    refused(LookupError, "'more'", md.named_generator, "more")
    assert md.get_state() == blob


def test_named_generators():
    refused(LookupError, ("name", "'nobody'"), md.named_generator, "nobody")
    data = md.named_generator("data", 2**64 - 1, 5)
    assert (data.seed, data.offset) == (2**64 - 1, 5)
    same_one = md.named_generator("data")
    data.reserve()
    assert same_one.offset == 6, "one generator, two handles"
    assert md.named_generator("data", 4).offset == 0 and data.seed == 4, "with a seed it is set"
    assert "data" in repr(data)
    for name, exception, says in [
        ("", ValueError, "empty"), ("a" * 256, ValueError, "255"), ("a\nb", ValueError, "control"),
        ("data\0", ValueError, "NUL"), ("a\0b", ValueError, "NUL"), ("\ud800", ValueError, "UTF-8"),
        (3, TypeError, "3"), (b"data", TypeError, "b'data'"), (None, TypeError, "None"),
    ]:
        refused(exception, ("name", says), md.named_generator, name, 1)
    refused((LookupError, ValueError), "name", md.named_generator, "")
    # It may go away: its handle says so, and nothing crashes.
    md._core.destroy_generator("data")
    for function in (lambda: data.seed, data.reserve, lambda: md.element(X, generator=data), data.get_state):
        with pytest.raises(LookupError, match="data"):
            function()


def test_seed_and_offset_are_set_alone():
    """Setting the seed gives no offset twice, however many threads draw meanwhile."""
    generator, drawn, n = md.Generator(1), [], 20000

    def draw():
        drawn.extend([generator.reserve() for _ in range(n)])

    workers = [threading.Thread(target=draw) for _ in range(2)]
    for worker in workers:
        worker.start()
    seed = 1
    while any(worker.is_alive() for worker in workers):
        seed += 1
        generator.seed = seed
    for worker in workers:
        worker.join()
    assert sorted(offset for _, offset in drawn) == list(range(2 * n))
    assert (generator.seed, generator.offset) == (seed, 2 * n)
