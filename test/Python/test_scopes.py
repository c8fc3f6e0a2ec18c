# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Scopes: the mode and generators for the length of a with block.

import numpy as np
import pytest
from support import md, process_state, refused, same

X = np.ones(64, np.float32)


class Stop(Exception):
    pass


def test_training():
    assert md.is_training()
    with md.training(False) as nothing:
        assert nothing is None and not md.is_training()
        same(md.element(X), X, "evaluation")
        with md.training(True):
            assert md.is_training()
            with pytest.raises(Stop):
                with md.training(False):
                    assert not md.is_training()
                    raise Stop
            assert md.is_training()
        assert not md.is_training()
    assert md.is_training()
    scope = md.training(False)  # One object, used again and inside of itself.
    for _ in range(2):
        with scope:
            with scope:
                assert not md.is_training()
            assert not md.is_training()
        assert md.is_training()
    md.set_training(False)
    assert not md.is_training()
    with md.training(True):
        md.set_training(False)
    assert not md.is_training(), "the scope puts back what it found"
    md.set_training(np.bool_(True))
    assert md.is_training()
    for wrong in ("no", None, [], np.ones(2), object()):
        refused(TypeError, "training", md.set_training, wrong)
        refused(TypeError, "training", md.training(wrong).__enter__)
        refused(TypeError, "training", md.element, X, training=wrong) if wrong is not None else None


def test_seed_scope():
    for generator in (None, md.default_generator, md.Generator(5, 6), md.named_generator("data", 7, 8)):
        inside = md.default_generator if generator is None else generator
        options = {} if generator is None else {"generator": generator}
        inside.seed, inside.offset = 5, 6
        want = md.element(X, seed=42, offset=7)
        with md.seed_scope(42, 7, **options):
            same(md.element(X, generator=generator), want, f"in the scope of {inside}")
            assert (inside.seed, inside.offset) == (42, 8)
            with pytest.raises(Stop):
                with md.seed_scope(1, **options):
                    assert inside.reserve() == (1, 0)
                    raise Stop
            assert (inside.seed, inside.offset) == (42, 8), "after an exception, too"
            with pytest.raises(ValueError):
                with md.seed_scope(2, **options):
                    md.element(X, 7.0, generator=generator)
            assert (inside.seed, inside.offset) == (42, 8)
        assert (inside.seed, inside.offset) == (5, 6)
        scope = md.seed_scope(2**64 - 1, 2**64 - 1, **options)
        for _ in range(2):
            with scope:
                assert inside.reserve() == (2**64 - 1, 2**64 - 1) and inside.offset == 0
        for seed, offset, says in ((-1, 0, "seed"), (2**64, 0, "seed"), (0, -1, "offset"), (0, 2**64, "offset")):
            refused(ValueError, says, md.seed_scope(seed, offset, **options).__enter__)
        for seed, offset, says in (("1", 0, "seed"), (None, 0, "seed"), (0, 1.0, "offset"), (0, None, "offset")):
            refused(TypeError, says, md.seed_scope(seed, offset, **options).__enter__)
        assert (inside.seed, inside.offset) == (5, 6)


def test_order():
    """Scopes on one thing end in the reverse order, on different things in any."""
    outer, inner = md.training(False), md.training(True)
    outer.__enter__()
    inner.__enter__()
    with pytest.raises(RuntimeError):
        outer.__exit__(None, None, None)
    assert md.is_training(), "nothing changed"
    inner.__exit__(None, None, None)
    outer.__exit__(None, None, None)
    assert md.is_training()
    mode, seed = md.training(False), md.seed_scope(9)
    mode.__enter__()
    seed.__enter__()
    mode.__exit__(None, None, None)
    assert md.is_training() and md.default_generator.seed == 9
    seed.__exit__(None, None, None)
    state = md.get_state()
    with md.training(False):
        with pytest.raises(RuntimeError):
            md.set_state(state)
        assert not md.is_training()
    md.set_state(state)


def test_compiled_programs_see_scopes():
    f = md.compile("""func.func @f(%x: tensor<?xf32>) -> tensor<?xf32> {
      %y = dropout.element %x p = 0.5 : tensor<?xf32>
      return %y : tensor<?xf32>
    }""")
    want = md.element(X, seed=42, offset=7)
    with md.seed_scope(42, 7):
        same(f(X), want, "a program in a scope")
        assert md.default_generator.offset == 8
        with md.training(False):
            same(f(X), X, "in evaluation")
        assert md.default_generator.offset == 8
        same(f(X), md.element(X, seed=42, offset=8), "the next offset")


def test_order_on_a_generator():
    """Scopes on a generator of one's own end in the order of the runtime's, too."""
    generator = md.Generator(1)
    a, b = md.seed_scope(2, generator=generator), md.seed_scope(3, generator=generator)
    a.__enter__()
    b.__enter__()
    with pytest.raises(RuntimeError, match="innermost"):
        a.__exit__(None, None, None)
    assert (generator.seed, generator.offset) == (3, 0)
    b.__exit__(None, None, None)
    a.__exit__(None, None, None)
    assert (generator.seed, generator.offset) == (1, 0)
