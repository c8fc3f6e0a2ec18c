# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The modules of mlir_dropout.torch: what they share with torch's, and what they
# have beyond.

import copy
import gc
import inspect
import io
import pickle
import warnings

import pytest
import torch

import mlir_dropout.torch as mdt
import mlir_dropout.torch.functional as F
from torch_cases import (CHANNELS, ELEMENTS, FUNCTION_OF, MODULES, SHAPES, core_mask, generator, outcome,
                         same_bits, unmoved)

all_modules = pytest.mark.parametrize("name", MODULES)
channel_modules = pytest.mark.parametrize("name", CHANNELS)


def both(name):
    return getattr(mdt, name), getattr(torch.nn, name)


# ===----------------------------------------------------------------------===//
# As torch's
# ===----------------------------------------------------------------------===//


@all_modules
def test_is_a_module_of_torch(name):
    ours, theirs = both(name)
    module = ours()
    assert isinstance(module, theirs) and type(module) is not theirs
    assert (module.p, module.inplace, module.training) == (theirs().p, theirs().inplace, theirs().training)
    positional = [p.name for p in inspect.signature(theirs.__init__).parameters.values()]
    mine = [p for p in inspect.signature(ours.__init__).parameters.values()]
    assert [p.name for p in mine if p.kind is p.POSITIONAL_OR_KEYWORD] == positional
    assert (ours(0.2, True).p, ours(0.2, True).inplace) == (0.2, True)


@all_modules
def test_repr(name):
    ours, theirs = both(name)
    assert repr(ours()) == repr(theirs())
    assert repr(ours(0.25, inplace=True)) == repr(theirs(0.25, inplace=True))
    assert repr(ours(rounds=7)) == f"{name}(p=0.5, inplace=False, rounds=7)"
    assert repr(ours(resolution=8)) == f"{name}(p=0.5, inplace=False, resolution=8)"
    assert repr(ours(generator=generator(5))) == f"{name}(p=0.5, inplace=False, generator={generator(5)})"


@channel_modules
def test_repr_of_axes(name):
    ours = getattr(mdt, name)
    assert repr(ours(channel_axis=1)) == f"{name}(p=0.5, inplace=False, channel_axis=1)"
    expected = f"{name}(p=0.5, inplace=False, channel_axis=0, batch_axis=None)"
    assert repr(ours(channel_axis=0, batch_axis=None)) == expected


@all_modules
@pytest.mark.parametrize("p", [-0.1, 1.1, -1, 2, float("inf"), -float("inf")])
def test_p_out_of_range(name, p):
    ours, theirs = both(name)
    got, _ = outcome(lambda: ours(p))
    assert got[0] is ValueError and got == outcome(lambda: theirs(p))[0]
    # Also when it is set later, in training and in eval.
    for training in (True, False):
        mine, reference = ours().train(training), theirs().train(training)
        mine.p = reference.p = p
        x = torch.ones(SHAPES[name])
        with unmoved():
            got, _ = outcome(lambda: mine(x))
        assert got[0] is ValueError and got == outcome(lambda: reference(x))[0]


@all_modules
def test_p_nan(name):
    text = "dropout probability has to be between 0 and 1, but got nan"
    assert outcome(lambda: getattr(mdt, name)(float("nan")))[0] == (ValueError, text)
    module = getattr(mdt, name)()
    module.p = float("nan")
    for training in (True, False):
        assert outcome(lambda: module.train(training)(torch.ones(SHAPES[name])))[0] == (ValueError, text)


@all_modules
@pytest.mark.parametrize("p", ["a", None, [0.5]])
def test_p_of_another_type(name, p):
    ours, theirs = both(name)
    got, _ = outcome(lambda: ours(p))
    assert got[0] is TypeError and got == outcome(lambda: theirs(p))[0]


@all_modules
def test_eval_returns_the_input(name):
    module = getattr(mdt, name)(0.5).eval()
    for dtype in (torch.float32, torch.float16, torch.int64, torch.bool, torch.complex64):
        x = torch.ones(SHAPES[name]).to(dtype)
        with unmoved():
            assert module(x) is x
    assert module.mask is None


@all_modules
def test_train_and_eval_switch(name):
    module, x = getattr(mdt, name)(0.5), torch.ones(SHAPES[name])
    torch.manual_seed(0)
    assert not torch.equal(module(x), x)
    assert module.train(False)(x) is x
    assert not torch.equal(module.train()(x), x)


@all_modules
def test_p_0_returns_the_input_and_draws(name):
    g = generator()
    module = getattr(mdt, name)(0.0, generator=g)
    for dtype in (torch.float32, torch.int64):
        x = torch.ones(SHAPES[name]).to(dtype)
        assert module(x) is x
    assert g.offset == 2
    assert module.mask.all()


@all_modules
@pytest.mark.parametrize("p", [0.0, 1e-300, 0.5, 1.0 - 2**-53, 1.0, 1, 0, True, torch.tensor(0.5)])
def test_every_training_call_draws_once(name, p):
    g, x = generator(3, 5), torch.ones(SHAPES[name])
    module = getattr(mdt, name)(p, generator=g)
    for call in range(3):
        module(x)
        assert g.offset == 6 + call
    module.eval()(x)
    assert g.offset == 8
    torch.manual_seed(11)
    getattr(mdt, name)(p)(x)
    ours = torch.get_rng_state()
    torch.manual_seed(11)
    torch.empty(2, dtype=torch.int64).random_(-2**63, None)
    assert torch.equal(ours, torch.get_rng_state())


@all_modules
def test_p_1_drops_everything(name):
    x = torch.full(SHAPES[name], -1.0)
    x[0], x[1] = float("nan"), float("-inf")
    x.requires_grad_()
    y = getattr(mdt, name)(1.0)(x)
    assert same_bits(y.detach(), torch.zeros(x.shape))
    y.backward(torch.full(x.shape, float("nan")))
    assert same_bits(x.grad, torch.zeros(x.shape))


@all_modules
def test_inplace(name):
    x = torch.randn(SHAPES[name])
    expected = getattr(mdt, name)(0.5, generator=generator())(x)
    module = getattr(mdt, name)(0.5, True, generator=generator())
    given, version = x.clone(), 0
    result = module(given)
    assert result is given and same_bits(given, expected) and given._version == version + 1
    assert module.eval()(given) is given and given._version == version + 1


@all_modules
@pytest.mark.parametrize("p", [0.2, 0.5])
def test_kept_values_and_gradients_are_torchs(name, p):
    # Where both happen to keep an element, both give the same value; so do their gradients.
    shape = (40, 30) + SHAPES[name][2:]
    ours, theirs = both(name)
    torch.manual_seed(5)
    for dtype, tolerance in ((torch.float64, 1e-14), (torch.float32, 1e-6), (torch.bfloat16, 2**-7)):
        x, dy = torch.randn(shape).to(dtype), torch.randn(shape).to(dtype)
        results = []
        for module in (ours(p), theirs(p)):
            a = x.clone().requires_grad_()
            y = module(a)
            y.backward(dy)
            results.append((y.detach(), a.grad, a.grad != 0))
        (y, dx, kept), (their_y, their_dx, their_kept) = results
        both_kept, both_dropped = kept & their_kept, ~kept & ~their_kept
        assert both_kept.sum() > 100 and both_dropped.sum() > 30
        for at in (both_kept, both_dropped):
            torch.testing.assert_close(y[at], their_y[at], rtol=tolerance, atol=tolerance)
            torch.testing.assert_close(dx[at], their_dx[at], rtol=tolerance, atol=tolerance)
        if dtype != torch.bfloat16 and name not in ("AlphaDropout", "FeatureAlphaDropout"):
            assert torch.equal(y[both_kept], their_y[both_kept])


# ===----------------------------------------------------------------------===//
# Copies
# ===----------------------------------------------------------------------===//


def copies(module):
    # Also without the part of a pickle that a file may hold.
    buffer = io.BytesIO()
    torch.save(module, buffer)
    buffer.seek(0)
    options = {"weights_only": False} if "weights_only" in inspect.signature(torch.load).parameters else {}
    return [copy.deepcopy(module), pickle.loads(pickle.dumps(module)), torch.load(buffer, **options)]


@all_modules
def test_copies(name):
    for g in (None, generator(9, 4), torch.Generator().manual_seed(3)):
        axes = {"channel_axis": 1} if name in CHANNELS else {}
        module = getattr(mdt, name)(0.25, True, generator=g, rounds=7, resolution=8, **axes).eval()
        for new in copies(module):
            assert new is not module and new.mask is None and not new.training
            assert (new.p, new.inplace, new.rounds, new.resolution) == (0.25, True, 7, 8)
            assert getattr(new, "channel_axis", 1) == 1
        module.train()
        module(torch.ones(SHAPES[name]))
        for new in copies(module):
            assert torch.equal(new.mask, module.mask)
            if g is None:
                assert new.generator is None
                continue
            # The copy's generator stands where this one's does and goes its own way.
            assert new.generator is not module.generator
            a, b = new(torch.ones(SHAPES[name])), copy.deepcopy(module)(torch.ones(SHAPES[name]))
            assert same_bits(a, b)
        # Nor does a copy's call change what this one remembers.
        mask = module.mask
        copy.deepcopy(module)(torch.ones(SHAPES[name]))
        assert torch.equal(mask, module.mask)


@pytest.mark.parametrize("g", [generator(), torch.Generator()], ids=["ours", "torch"])
def test_a_shared_generator_stays_shared_in_a_deep_copy(g):
    model = torch.nn.Sequential(mdt.Dropout(generator=g), mdt.AlphaDropout(generator=g))
    new = copy.deepcopy(model)
    assert new[0].generator is new[1].generator and new[0].generator is not g


@all_modules
def test_checkpoints_of_torchs_modules_load(name):
    ours, theirs = both(name)
    model, reference = (torch.nn.Sequential(torch.nn.Linear(4, 4), module()) for module in (ours, theirs))
    model(torch.ones(4, 4) if name not in ("Dropout3d", "Dropout2d") else torch.ones(1, 4, 4, 4))
    assert model.state_dict().keys() == reference.state_dict().keys()
    assert not model[1].state_dict() and not list(model[1].buffers()) and not list(model[1].parameters())
    model.load_state_dict(reference.state_dict())
    reference.load_state_dict(model.state_dict())
    model.to(torch.float64).share_memory()


# ===----------------------------------------------------------------------===//
# The mask
# ===----------------------------------------------------------------------===//


@all_modules
def test_mask(name):
    x = torch.randn(SHAPES[name])
    module = getattr(mdt, name)(0.3, generator=generator(42, 7))
    assert module.mask is None
    assert module.eval()(x) is x and module.mask is None
    module.train()
    a = x.clone().requires_grad_()
    module(a).backward(torch.ones_like(a))
    mask = module.mask
    assert mask.dtype == torch.bool and mask.shape == x.shape
    assert torch.equal(mask, a.grad != 0)
    dims = tuple(range(x.dim())) if name in ELEMENTS else (0, 1)
    assert torch.equal(mask, core_mask(x.shape, 0.3, 42, 7, dims))
    assert module.mask is not mask and torch.equal(module.mask, mask)
    # It stays that of the last call in training.
    module.eval()(x)
    assert torch.equal(module.mask, mask)
    module.train()(x)
    assert torch.equal(module.mask, core_mask(x.shape, 0.3, 42, 8, dims))


@all_modules
def test_mask_is_that_of_the_call_whatever_changes_later(name):
    module = getattr(mdt, name)(0.3, generator=generator(42, 7))
    module(torch.ones(SHAPES[name]))
    mask = module.mask
    module.p, module.rounds, module.resolution, module.generator = 0.9, 7, 8, None
    if name in CHANNELS:
        module.channel_axis = 0
        module.batch_axis = None
    assert torch.equal(module.mask, mask)


@pytest.mark.parametrize("options", [{"rounds": 7}, {"resolution": 8}, {"rounds": 7, "resolution": 8}])
def test_mask_with_options(options):
    module = mdt.Dropout(0.3, generator=generator(42, 7), **options)
    y = module(torch.ones(1000))
    assert torch.equal(module.mask, y != 0)
    assert torch.equal(module.mask, core_mask((1000,), 0.3, 42, 7, None, **options))
    # 77/256, not 0.3, is what resolution 8 scales by.
    p = 77 / 256 if options.get("resolution") == 8 else 0.3
    assert torch.equal(y[module.mask], torch.full((1000,), 1 / (1 - p))[module.mask])


def test_mask_is_not_stored():
    # Nothing that the module or the result holds is as large as the mask: not in bytes, either.
    x = torch.ones(1 << 20, requires_grad=True)
    module = mdt.Dropout(0.5)
    gc.collect()
    before = {id(o) for o in gc.get_objects()}
    y = module(x)
    gc.collect()
    new = [o for o in gc.get_objects() if id(o) not in before and o is not y]
    assert not [o for o in new if torch.is_tensor(o) and o.numel() > 16]
    assert len(pickle.dumps(module)) < 2000


def test_mask_of_an_input_with_its_own_torch_function():

    class Tagged(torch.Tensor):
        pass

    module = mdt.Dropout(0.5)
    y = module(torch.ones(64).as_subclass(Tagged))
    assert type(y) is Tagged
    assert torch.equal(module.mask, (y != 0).as_subclass(torch.Tensor))


def test_mask_under_a_torch_function_mode():

    class Nothing(torch.overrides.TorchFunctionMode):

        def __torch_function__(self, function, types, args=(), kwargs=None):
            called.append(function)
            return function(*args, **(kwargs or {}))

    called = []
    module = mdt.Dropout(0.5)
    with Nothing():
        y = module(torch.ones(64))
    assert F.dropout in called
    assert torch.equal(module.mask, y != 0)


# ===----------------------------------------------------------------------===//
# Options beyond torch's
# ===----------------------------------------------------------------------===//


@all_modules
def test_options_that_there_are_not(name):
    ours = getattr(mdt, name)
    for options, error in (({"rounds": 8}, ValueError), ({"rounds": None}, ValueError),
                           ({"resolution": 32}, ValueError), ({"generator": 5}, TypeError),
                           ({"generator": "a"}, TypeError)):
        (option, value), = options.items()
        got, _ = outcome(lambda: ours(**options))
        assert got[0] is error and option in got[1] and (str(value) in got[1] or type(value).__name__ in got[1])
    got, _ = outcome(lambda: ours(0.001, resolution=8))
    assert got[0] is ValueError and "0.001" in got[1] and "resolution 8" in got[1]
    module = ours()
    with pytest.raises(TypeError, match="generator"):
        module.generator = 5
    assert module.generator is None


@channel_modules
def test_axes(name):
    ours = getattr(mdt, name)
    x = torch.randn(4, 3, 5, 6)
    for axes, dims in (((1, 0), (0, 1)), ((3, 0), (0, 3)), ((-1, 0), (0, 3)), ((0, None), (0,)), ((-3, None), (1,)),
                       ((0, 2), (2, 0)), ((1, -1), (3, 1))):
        module = ours(0.4, channel_axis=axes[0], batch_axis=axes[1], generator=generator(1, 2))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            y = module(x)
        mask = core_mask(x.shape, 0.4, 1, 2, dims)
        assert torch.equal(module.mask, mask)
        reference = getattr(F, FUNCTION_OF[name])(x, 0.4, True, mask_dims=dims, generator=generator(1, 2))
        assert same_bits(y, reference)
        assert len(torch.unique(y[~mask])) == 1
    # Any number of dimensions that has the axes.
    assert ours(channel_axis=0, batch_axis=None)(torch.ones(7)).shape == (7,)
    assert ours(channel_axis=1)(torch.ones(2, 3, 1, 1, 1, 1, 2)).shape == (2, 3, 1, 1, 1, 1, 2)


@channel_modules
def test_axes_that_there_are_not(name):
    ours = getattr(mdt, name)
    for options in ({"channel_axis": 1.5}, {"channel_axis": "1"}, {"channel_axis": 1, "batch_axis": 0.0},
                    {"channel_axis": True}):
        got, _ = outcome(lambda: ours(**options))
        assert got[0] is TypeError and "axis" in got[1]
    for options in ({"batch_axis": 1}, {"batch_axis": None}, {"channel_axis": 1, "batch_axis": 1}):
        got, _ = outcome(lambda: ours(**options))
        assert got[0] is ValueError and "axis" in got[1]
    g = generator()
    for axes in ((3, 0), (-4, 0), (1, 3), (-3, 0)):  # The last: both are dimension 0.
        module = ours(channel_axis=axes[0], batch_axis=axes[1], generator=g)
        with unmoved(g):
            got, _ = outcome(lambda: module(torch.ones(2, 3, 4)))
        assert got[0] is ValueError and "channel_axis" in got[1] and str(axes[0]) in got[1]
    # In eval mode, too: a mistake doesn't wait for training.
    assert outcome(lambda: ours(channel_axis=3).eval()(torch.ones(2, 3)))[0][0] is ValueError


def test_hooks():
    module, seen = mdt.Dropout(0.5), []
    module.register_forward_pre_hook(lambda m, args: seen.append("pre"))
    module.register_forward_hook(lambda m, args, y: seen.append(m))
    module(torch.ones(3))
    assert seen == ["pre", module]


def test_records_go_with_their_modules():
    from mlir_dropout.torch import _records

    gc.collect()
    before = len(_records.records)
    modules = [mdt.Dropout() for _ in range(10)]
    assert len(_records.records) == before + 10
    del modules
    gc.collect()
    assert len(_records.records) == before
