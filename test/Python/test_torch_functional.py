# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The functions of mlir_dropout.torch.functional: arguments, ranks, errors and
# warnings as torch's; values as the contract's; nothing changes on an error.

import contextlib
import inspect
import math
import warnings

import pytest
import torch
import torch.nn.functional as TF

import mlir_dropout.torch as mdt
import mlir_dropout.torch.functional as F
from torch_cases import FLOATS, FUNCTIONS, core_mask, generator, outcome, ours, same_bits, unmoved

all_functions = pytest.mark.parametrize("name", FUNCTIONS)
ALPHA = ("alpha_dropout", "feature_alpha_dropout")
CHANNELS = ("dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout")
RANKS = {"dropout1d": 3, "dropout2d": 4, "dropout3d": 5, "feature_alpha_dropout": 3}


def shape_of(name):
    return (6, 5, 4, 3, 2)[:RANKS.get(name, 3)]


# ===----------------------------------------------------------------------===//
# Arguments
# ===----------------------------------------------------------------------===//


@all_functions
def test_positions_and_defaults_are_torchs(name):
    mine = inspect.signature(getattr(F, name)).parameters
    theirs = inspect.signature(getattr(TF, name)).parameters
    assert [(p.name, p.default) for p in mine.values() if p.kind is p.POSITIONAL_OR_KEYWORD] == \
        [(p.name, p.default) for p in theirs.values()]
    extras = {p.name: p.default for p in mine.values() if p.kind is p.KEYWORD_ONLY}
    expected = {"generator": None, "rounds": 10, "resolution": 16}
    if name in CHANNELS:
        expected["mask_dims"] = None
    assert extras == expected


@all_functions
def test_default_of_training(name):
    x = torch.ones(shape_of(name))
    if name in ALPHA:
        assert getattr(F, name)(x) is x
    else:
        assert getattr(F, name)(x) is not x


@all_functions
@pytest.mark.parametrize("training", [True, False])
def test_errors_are_torchs(name, training):
    mine, theirs = getattr(F, name), getattr(TF, name)
    x = torch.ones(shape_of(name))
    for arguments in ((x, -0.1), (x, 1.5), (x, float("inf")), (x, "a"), (x, None), (x, torch.tensor([0.1, 0.2]))):
        with unmoved():
            got, _ = outcome(lambda: mine(*arguments, training))
        assert got == outcome(lambda: theirs(*arguments, training))[0] and got[0] is not str
    # torch has another type here, from another place; the text is the same.
    got, _ = outcome(lambda: mine(x, float("nan"), training))
    expected, _ = outcome(lambda: theirs(x, float("nan"), training))
    assert got[0] is ValueError and got[1] == expected[1].split("\n")[0]


@pytest.mark.parametrize("name", ["dropout", "alpha_dropout"])
def test_wrong_types_are_refused_as_torch_does(name):
    mine, theirs = getattr(F, name), getattr(TF, name)
    for x in ([1.0, 2.0], None, 3.0, torch.ones(3).numpy()):
        got, _ = outcome(lambda: mine(x, 0.5, True))
        assert got[0] is TypeError and got == outcome(lambda: theirs(x, 0.5, True))[0]
    for training in (None, 1, "a"):
        got, _ = outcome(lambda: mine(torch.ones(3), 0.5, training))
        assert got[0] is TypeError
        assert got[1] == f"{name}(): argument 'train' (position 3) must be bool, not {type(training).__name__}"


@all_functions
@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
def test_wrong_input_changes_nothing(name):
    g, h = generator(), torch.Generator()
    shape = shape_of(name)
    f = torch.ones(shape)
    leaf = torch.ones(shape, requires_grad=True)
    cases = [  # input, options, error, what its text names
        (f.to(torch.int64), {}, TypeError, "torch.int64"),
        (f.to(torch.bool), {}, TypeError, "torch.bool"),
        (f.to(torch.complex64), {}, TypeError, "torch.complex64"),
        (f.to(torch.uint8), {"p": 1.0}, TypeError, "torch.uint8"),
        (torch.quantize_per_tensor(f, 0.1, 0, torch.quint8), {}, TypeError, "quint8"),
        (f.to_sparse(), {}, TypeError, "torch.sparse_coo"),
        (f, {"p": 2.0}, ValueError, "2.0"),
        (f, {"p": float("nan")}, ValueError, "nan"),
        (f, {"rounds": 9}, ValueError, "9"),
        (f, {"resolution": 12}, ValueError, "12"),
        (f, {"resolution": 8, "p": 1e-4}, ValueError, "0.0001"),
        (f, {"training": 1}, TypeError, "int"),
        (leaf, {"inplace": True}, RuntimeError, "a leaf Variable that requires grad"),
        (leaf[0:2], {"inplace": True}, RuntimeError, "a view of a leaf Variable that requires grad"),
        (torch.ones(1).expand(shape), {"inplace": True}, RuntimeError, "single memory location"),
    ]
    if name in CHANNELS:
        cases += [
            (f, {"mask_dims": (0, 9)}, ValueError, "(0, 9)"),
            (f, {"mask_dims": (-9,)}, ValueError, "(-9,)"),
            (f, {"mask_dims": (1, 1)}, ValueError, "(1, 1)"),
            (f, {"mask_dims": (0, -len(shape))}, ValueError, f"(0, {-len(shape)})"),
            (f, {"mask_dims": 1}, TypeError, "1"),
            (f, {"mask_dims": (0.0, 1)}, TypeError, "(0.0, 1)"),
            (f, {"mask_dims": "01"}, TypeError, "01"),
            (f, {"mask_dims": (True,)}, TypeError, "True"),
        ]
    for x, options, error, text in cases:
        for drawn in (None, g, h):
            for inplace in (False, True):
                options = {"p": 0.5, "training": True, "inplace": inplace, **options}
                values = x.detach().clone()
                version = x._version
                with unmoved(g, h):
                    got, _ = outcome(lambda: getattr(F, name)(x, generator=drawn, **options))
                assert got[0] is error and text in got[1], (got, options)
                assert x._version == version
                assert torch.equal(values.to_dense() if values.is_sparse else values.int_repr()
                                   if values.is_quantized else values,
                                   x.detach().to_dense() if x.is_sparse else x.int_repr()
                                   if x.is_quantized else x.detach())


@all_functions
def test_generators_that_there_are_not(name):
    for g in (5, "a", object()):
        with unmoved():
            got, _ = outcome(lambda: getattr(F, name)(torch.ones(shape_of(name)), 0.5, True, generator=g))
        assert got[0] is TypeError and "generator" in got[1] and type(g).__name__ in got[1]


@all_functions
def test_tensors_without_elements(name):
    # Of the meta device, and fake ones: shapes and types go through, in place too, and one draw is taken.
    from torch._subclasses import FakeTensorMode

    module = mdt.Dropout(0.5)
    shape = shape_of(name)
    for mode in (None, FakeTensorMode()):
        with mode or contextlib.nullcontext():
            x = torch.empty(shape, device="meta" if mode is None else "cpu", dtype=torch.bfloat16)
            y = getattr(F, name)(x, 0.5, True)
            assert type(y) is type(x) and y.device == x.device and y.shape == x.shape and y.dtype == x.dtype
            assert y is not x
            assert getattr(F, name)(x, 0.5, True, True) is x
            assert getattr(F, name)(x, 0.0, True) is x
            assert getattr(F, name)(x, 0.5, True, generator=generator()).shape == shape
            assert module(x).shape == shape
            with pytest.raises(TypeError, match="int64"):
                getattr(F, name)(torch.empty(shape, dtype=torch.int64, device=x.device), 0.5, True)


@all_functions
def test_memory_of_a_gpu(name):
    # There is none here, but a fake tensor's word is enough; an old torch can't fake one, there an attribute has to.
    from torch._subclasses import FakeTensorMode

    class Elsewhere(torch.Tensor):
        device = torch.device("cuda", 0)
        is_cpu = False

    with unmoved(), contextlib.ExitStack() as stack:
        if hasattr(torch.library, "register_fake"):
            stack.enter_context(FakeTensorMode())
            x = torch.empty(shape_of(name), device="cuda")
        else:
            x = torch.ones(shape_of(name)).as_subclass(Elsewhere)
            stack.enter_context(torch._C.DisableTorchFunction())
        for inplace in (False, True):
            with pytest.raises(ValueError, match="expected an input in CPU memory, but .* on cuda:0"):
                getattr(F, name)(x, 0.5, True, inplace)


# ===----------------------------------------------------------------------===//
# Ranks
# ===----------------------------------------------------------------------===//


def constant_dims(y, x):
    """The dims along which what was dropped never changes."""
    dropped = y == 0 if (y == 0).any() else y < 0
    return [d for d in range(x.dim()) if x.shape[d] > 1 and (dropped == dropped.narrow(d, 0, 1)).all()]


@pytest.mark.parametrize("name", CHANNELS)
@pytest.mark.parametrize("shape", [(), (7,), (6, 7), (4, 5, 6), (3, 5, 4, 6), (3, 5, 2, 4, 6), (2, 3, 2, 2, 2, 4), (0,),
                                   (0, 3), (2, 0, 3), (1, 4, 4), (5, 1, 4)])
@pytest.mark.parametrize("p", [0.5, 0.0, 1.0])
@pytest.mark.parametrize("training", [True, False])
def test_ranks_are_torchs(name, shape, p, training):
    # The same shapes are refused or warned of, with the same texts; what shares its fate is the same.
    mine, theirs = getattr(F, name), getattr(TF, name)
    x = torch.ones(shape)
    torch.manual_seed(2)
    got, warned = outcome(lambda: mine(x, p, training))
    expected, expected_warnings = outcome(lambda: theirs(x, p, training))
    warned = [w for w in warned if "feature_alpha_dropout: received a 4-D" not in w]
    assert warned == expected_warnings
    assert got[0] == expected[0]
    if got[0] != "returned":
        assert got[1] == expected[1].split("\nException raised")[0]
        return
    y, reference = got[1], expected[1]
    assert y.shape == reference.shape
    if p != 0.5 or not training or x.numel() == 0:
        assert torch.equal(y, reference)
        return
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patterns = [[constant_dims(f(x, p, True), x) for _ in range(40)] for f in (mine, theirs)]
    common = [set.intersection(*map(set, s)) for s in patterns]
    assert common[0] == common[1]


def test_feature_alpha_of_4_dims_warns_once(monkeypatch):
    monkeypatch.setattr(mdt.functional, "_warned", set())
    x = torch.randn(3, 4, 2, 2)

    def calls(count, **options):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for _ in range(count):
                F.feature_alpha_dropout(x, 0.5, **options)
        return caught

    assert not calls(1, training=False)
    assert not calls(1, training=True, mask_dims=(0, 1))
    caught = calls(3, training=True)
    assert len(caught) == 1 and "mask_dims=(0,)" in str(caught[0].message)
    assert not calls(3, training=True)


@pytest.mark.parametrize("name", CHANNELS)
def test_mask_dims(name):
    x = torch.randn(4, 3, 5, 6)
    for dims in ((0, 1), (0, 3), (3, 0), (2,), (), (-1, 1), [1, 2], (3, 2, 1, 0)):
        y = ours(name)(x, 0.4, mask_dims=dims)
        mask = core_mask(x.shape, 0.4, 7, 0, tuple(d % 4 for d in dims))
        dropped = y[~mask]
        assert len(torch.unique(dropped)) <= 1
        if name not in ALPHA:
            assert torch.equal(y != 0, mask) and same_bits(y[mask], x[mask] * torch.tensor(1 / 0.6))


# ===----------------------------------------------------------------------===//
# Values
# ===----------------------------------------------------------------------===//


def reference(name, x, p, mask):
    """The contract's values, from its formulas, in f64 and rounded once."""
    q, wide = 1.0 - p, torch.float64 if x.dtype == torch.float64 else torch.float32

    def const(value):
        return torch.tensor(value, dtype=wide)

    if name not in ALPHA:
        y = x.to(wide) * const(1.0 / q)
        return torch.where(mask, y, torch.zeros((), dtype=wide)).to(x.dtype)
    alpha = -1.7580993408473768
    a = 1.0 / math.sqrt(q + ((alpha * alpha) * q) * p)
    b = -((a * p) * alpha)
    d = a * alpha + b
    # The product of two f32 is exact in f64; so is the sum, but for the last bit.
    y = x.to(torch.float64) * const(a).to(torch.float64) + const(b).to(torch.float64)
    return torch.where(mask, y.to(wide), const(d)).to(x.dtype)


@all_functions
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_values(name, dtype):
    x = (torch.randn(shape_of(name), dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 3).to(dtype)
    for p in (0.1, 0.5, 0.9):
        y = ours(name)(x, p)
        dims = (0, 1) if name in CHANNELS else None
        expected = reference(name, x, p, core_mask(x.shape, p, 7, 0, dims))
        if name in ALPHA:  # f64 has no wider type to make an fma of: one unit in the last place.
            torch.testing.assert_close(y, expected, rtol=1e-15 if dtype == torch.float64 else 0, atol=1e-15)
        else:
            assert same_bits(y, expected)


@all_functions
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_nan_and_infinity_do_not_leak(name, dtype):
    shape = shape_of(name)
    clean = torch.randn(shape).to(dtype)
    mask = core_mask(shape, 0.5, 7, 0, (0, 1) if name in CHANNELS else None)
    for value in (float("nan"), float("inf"), -float("inf"), -1.0):
        for inplace in (False, True):
            x = torch.where(mask, clean, torch.tensor(value, dtype=dtype))
            y = ours(name)(x, 0.5, inplace=inplace)
            assert same_bits(y, ours(name)(clean, 0.5))
            assert not torch.signbit(y[~mask]).any() or name in ALPHA
        # What is kept stays what it is.
        x = torch.full(shape, value, dtype=dtype)
        y = ours(name)(x, 0.5)
        assert (torch.isnan(y[mask]) if math.isnan(value) else y[mask] == reference(name, x, 0.5, mask)[mask]).all()
        # And in the gradient.
        x = clean.clone().requires_grad_()
        dy = torch.where(mask, clean, torch.tensor(value, dtype=dtype))
        ours(name)(x, 0.5).backward(dy)
        assert torch.isfinite(x.grad).all() and same_bits(x.grad[~mask], torch.zeros_like(x.grad[~mask]))


@all_functions
def test_known_answer(name):
    # The first 32 keep bits of the contract for seed 42, offset 7, p 0.3.
    bits = "11011111111111101011111111111111"
    shape = (4, 8) + shape_of(name)[2:]
    x = torch.ones(shape)
    options = {"mask_dims": (0, 1)} if name in CHANNELS else {}
    if name in CHANNELS:
        y = getattr(F, name)(x, 0.3, True, generator=generator(42, 7), **options)
        kept = y.reshape(4, 8, -1)[:, :, -1].flatten() > 0.9
    else:
        kept = getattr(F, name)(torch.ones(32), 0.3, True, generator=generator(42, 7)) > 0.9
    assert "".join("01"[int(k)] for k in kept) == bits


@all_functions
def test_the_mask_depends_on_nothing_but_seed_offset_p_and_index(name):
    shape = (6, 5, 8, 4, 6)[:max(RANKS.get(name, 4), 3)]
    dims = (0, 1) if name in CHANNELS else None
    options = {"mask_dims": dims} if name in CHANNELS else {}
    expected = core_mask(shape, 0.5, 7, 0, dims)
    base = torch.randn(shape)
    layouts = [base]
    layouts += [base.transpose(i, j).contiguous().transpose(i, j) for i in range(len(shape)) for j in range(i)]
    bigger = torch.randn([2 * s + 1 for s in shape])
    layouts.append(bigger[tuple(slice(1, None, 2) for _ in shape)])
    layouts.append(torch.randn(shape[-1:]).expand(shape))
    if len(shape) == 4:
        layouts.append(base.contiguous(memory_format=torch.channels_last))
    if len(shape) == 5:
        layouts.append(base.contiguous(memory_format=torch.channels_last_3d))
    for dtype in FLOATS:
        for x in layouts if dtype == torch.float32 else layouts[-2:]:
            x = x.to(dtype)
            for requires in (False, True):
                x = x.detach().requires_grad_(requires)
                y = ours(name)(x, 0.5, **options)
                assert same_bits(y.detach(), ours(name)(x.detach().contiguous(), 0.5, **options))
                # Memory keeps its order, as torch's empty_like has it.
                assert y.stride() == torch.empty_like(x).stride()
                if name not in ALPHA:
                    assert torch.equal(y != 0, expected)
                if requires:
                    y.backward(torch.ones(1, dtype=dtype).expand(shape))
                    assert torch.equal(x.grad != 0, expected)
            in_place = x.detach().clone() if x.stride().count(0) else x.detach()
            if not in_place.stride().count(0):
                before = in_place.contiguous().clone()
                assert same_bits(ours(name)(in_place, 0.5, inplace=True, **options), ours(name)(before, 0.5, **options))


@pytest.mark.parametrize("name", ["dropout", "alpha_dropout"])
def test_the_mask_does_not_depend_on_the_number_of_threads(name):
    x = torch.randn(1 << 21, requires_grad=True)
    threads = torch.get_num_threads()
    results = []
    try:
        for n in (1, 2, 3):
            torch.set_num_threads(n)
            x.grad = None
            y = ours(name)(x, 0.3)
            y.backward(x.detach())
            results.append((y.detach(), x.grad))
    finally:
        torch.set_num_threads(threads)
    for y, dx in results[1:]:
        assert same_bits(y, results[0][0]) and same_bits(dx, results[0][1])
    if name == "dropout":
        assert torch.equal(results[0][0] != 0, core_mask(x.shape, 0.3, 7, 0))


def test_windows_of_a_large_mask():
    # Rows beyond 2^16 elements, of an odd width.
    x = torch.ones(70000, 3)
    assert torch.equal(F.dropout(x, 0.5, generator=generator(1, 2)) != 0, core_mask(x.shape, 0.5, 1, 2))


def test_torch_function_of_the_input_decides():
    seen = []

    class Logged(torch.Tensor):

        @classmethod
        def __torch_function__(cls, function, types, args=(), kwargs=None):
            seen.append(function)
            return super().__torch_function__(function, types, args, kwargs or {})

    x = torch.ones(4, 3, 2).as_subclass(Logged)
    for name in FUNCTIONS:
        if name not in ("dropout2d", "dropout3d"):
            y = getattr(F, name)(x, 0.5, True, generator=generator())
            assert getattr(F, name) in seen and type(y) is Logged
            assert same_bits(y.as_subclass(torch.Tensor), ours(name)(torch.ones(4, 3, 2)))
