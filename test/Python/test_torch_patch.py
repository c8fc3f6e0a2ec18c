# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# mlir_dropout.torch.patch and unpatch, and patched_functional.

import copy
import threading
import warnings

import pytest
import torch

import mlir_dropout.torch as mdt
import mlir_dropout.torch.functional as F
from torch_cases import FUNCTIONS, MODULES, SHAPES, generator


def model():
    return torch.nn.Sequential(
        torch.nn.Linear(4, 4), torch.nn.Dropout(0.1), torch.nn.ModuleDict({"a": torch.nn.AlphaDropout(0.2, True)}),
        torch.nn.ModuleList([torch.nn.Dropout1d(0.3), torch.nn.Dropout2d(0.4), torch.nn.Dropout3d(0.5)]),
        torch.nn.Sequential(torch.nn.Sequential(torch.nn.FeatureAlphaDropout(0.6))))


def leaves(model):
    return [m for m in model.modules() if not list(m.children())]


def test_patch_and_unpatch():
    m = model()
    names = [n for n, _ in m.named_modules()]
    before = leaves(m)
    assert mdt.patch(m) is m
    after = leaves(m)
    assert [n for n, _ in m.named_modules()] == names
    assert after[0] is before[0]
    for old, new in zip(before[1:], after[1:]):
        assert type(new) is getattr(mdt, type(old).__name__)
        assert (new.p, new.inplace, new.training) == (old.p, old.inplace, old.training)
        assert repr(new) == repr(old) and new.mask is None and new.generator is None
        assert new._record is not after[1]._record or new is after[1]
    # Again it does nothing; back it gives torch's.
    again = leaves(mdt.patch(m))
    assert all(a is b for a, b in zip(again, after))
    after[1](torch.ones(3))
    assert mdt.unpatch(m) is m
    for old, new in zip(before[1:], leaves(m)[1:]):
        assert type(new) is type(old) and new.__dict__.keys() == old.__dict__.keys()
        assert (new.p, new.inplace, new.training) == (old.p, old.inplace, old.training)
    torch.jit.script(m[1])


@pytest.mark.parametrize("name", MODULES)
def test_a_model_that_is_itself_dropout(name):
    old = getattr(torch.nn, name)(0.25).eval()
    new = mdt.patch(old)
    assert type(new) is getattr(mdt, name) and new.p == 0.25 and not new.training
    assert mdt.patch(new) is new
    new.train()
    torch.manual_seed(1)
    y = new(torch.ones(SHAPES[name]))
    assert torch.equal(new.mask, y > 0.9)
    back = mdt.unpatch(new)
    assert type(back) is getattr(torch.nn, name) and back.training and repr(back) == repr(old)
    assert mdt.unpatch(back) is back


def test_what_a_module_has_of_its_own_stays():
    m = torch.nn.Sequential(torch.nn.Dropout(0.5))
    seen = []
    m[0].note = "kept"
    handle = m[0].register_forward_hook(lambda module, args, y: seen.append(module))
    m[0].register_forward_pre_hook(lambda module, args: seen.append("pre"))
    m[0].register_buffer("extra", torch.ones(2))
    m.eval()
    mdt.patch(m)
    assert m[0].note == "kept" and not m[0].training and "0.extra" in m.state_dict()
    m(torch.ones(3))
    assert seen == ["pre", m[0]]
    handle.remove()  # The handle of the old module's hook.
    m(torch.ones(3))
    assert seen == ["pre", m[0], "pre"]


def test_a_shared_module_stays_shared():
    shared = torch.nn.Dropout(0.5)
    m = torch.nn.Sequential(shared, torch.nn.Sequential(shared, torch.nn.Dropout(0.5)))
    mdt.patch(m)
    assert m[0] is m[1][0] and m[0] is not m[1][1] and type(m[0]) is mdt.Dropout
    mdt.unpatch(m)
    assert m[0] is m[1][0] and type(m[0]) is torch.nn.Dropout


def test_subclasses_are_left_alone_and_named():

    class Mine(torch.nn.Dropout):
        pass

    m = torch.nn.Sequential(torch.nn.Dropout(), torch.nn.Sequential(Mine(), mdt.Dropout1d()))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        mdt.patch(m)
    assert type(m[1][0]) is Mine and type(m[0]) is mdt.Dropout
    assert len(caught) == 1 and "1.0 (" in str(caught[0].message) and "Mine" in str(caught[0].message)
    assert caught[0].filename == __file__

    class Ours(mdt.Dropout):
        pass

    m = torch.nn.Sequential(Ours())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert type(mdt.unpatch(mdt.patch(m))[0]) is Ours


def test_models_of_torch():
    torch.manual_seed(0)
    layer = torch.nn.TransformerEncoderLayer(16, 2, 32, 0.3, batch_first=True)
    m = torch.nn.TransformerEncoder(layer, 2)
    reference = copy.deepcopy(m).eval()
    mdt.patch(m)
    drops = [d for d in m.modules() if isinstance(d, torch.nn.Dropout)]
    assert len(drops) == 6 and all(type(d) is mdt.Dropout for d in drops)
    x = torch.randn(3, 5, 16)
    y = m(x)
    assert all(d.mask is not None and not d.mask.all() for d in drops)
    torch.testing.assert_close(m.eval()(x), reference(x))
    assert m.state_dict().keys() == reference.state_dict().keys()
    assert not torch.equal(y, reference(x))


def test_no_model():
    for value in (None, torch.nn.functional.dropout, torch.ones(3)):
        for function in (mdt.patch, mdt.unpatch):
            with pytest.raises(TypeError, match=type(value).__name__):
                function(value)


def test_patched_functional():
    theirs = {name: getattr(torch.nn.functional, name) for name in FUNCTIONS}
    ours = {name: getattr(F, name) for name in FUNCTIONS}

    def current():
        return {name: getattr(torch.nn.functional, name) for name in FUNCTIONS}

    class Stop(Exception):
        pass

    with pytest.raises(Stop):
        with mdt.patched_functional():
            assert current() == ours
            with mdt.patched_functional():
                assert current() == ours
            assert current() == ours
            seen = []
            thread = threading.Thread(target=lambda: seen.append(current()))
            thread.start()
            thread.join()
            assert seen == [ours]
            # torch's modules and attention use ours, and ours still work.
            x = torch.full((1000,), float("inf"))
            assert not torch.nn.Dropout(0.5)(x).isnan().any()
            attention = torch.nn.MultiheadAttention(4, 2, dropout=0.5)
            attention(torch.randn(3, 2, 4), torch.randn(3, 2, 4), torch.randn(3, 2, 4))[0].sum().backward()
            assert torch.equal(mdt.Dropout(generator=generator())(torch.ones(9)), F.dropout(torch.ones(9),
                                                                                         generator=generator()))
            raise Stop
    assert current() == theirs


def test_compiled_by_jit_is_left_alone_with_a_warning():
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Dropout(0.2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript itself is deprecated.
        scripted = torch.jit.script(model)
    with pytest.warns(UserWarning, match="compiled: 1"):
        assert mdt.patch(scripted) is scripted
