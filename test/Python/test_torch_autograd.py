# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Gradients of mlir_dropout.torch: right, of any order, in both directions, in
# place; and nothing of the size of the input is kept for them.

import gc
import weakref

import pytest
import torch
import torch.autograd.forward_ad as forward_ad
import torch.nn.functional as TF

import mlir_dropout.torch as mdt
import mlir_dropout.torch.functional as F
from torch_cases import FUNCTIONS, MODULES, SHAPES, core_mask, generator, outcome, ours, same_bits, unmoved

all_functions = pytest.mark.parametrize("name", FUNCTIONS)
CHANNELS = ("dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout")
ALPHA = ("alpha_dropout", "feature_alpha_dropout")
SMALL = {"dropout2d": (3, 4, 2, 2), "dropout3d": (3, 4, 2, 1, 2)}
# At p = 0.5: 1/(1-p), and alpha dropout's a.
DERIVATIVE = {False: 2.0, True: (0.5 + 1.7580993408473768**2 * 0.25)**-0.5}


def shape_of(name):
    return SMALL.get(name, (3, 4, 2))


def mask_of(name, seed=7, offset=0, p=0.5):
    shape = shape_of(name)
    return core_mask(shape, p, seed, offset, (0, 1) if name in CHANNELS else None)


def expected_gradient(name, dy):
    return torch.where(mask_of(name), dy * DERIVATIVE[name in ALPHA], torch.zeros((), dtype=dy.dtype))


# ===----------------------------------------------------------------------===//
# Values
# ===----------------------------------------------------------------------===//


@all_functions
@pytest.mark.parametrize("p", [0.0, 0.3, 0.5, 1.0])
def test_gradcheck(name, p):
    x = torch.randn(shape_of(name), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: ours(name)(x, p), x)
    assert torch.autograd.gradgradcheck(lambda x: ours(name)(x, p), x)
    # In place, on what isn't a leaf, and on a view of it.
    assert torch.autograd.gradcheck(lambda x: ours(name)(x * 1.0, p, inplace=True), x)
    assert torch.autograd.gradgradcheck(lambda x: ours(name)(x * 1.0, p, inplace=True), x)


@all_functions
def test_gradcheck_forward_mode(name):
    x = torch.randn(shape_of(name), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(ours(name), x, check_forward_ad=True, check_backward_ad=False)
    assert torch.autograd.gradcheck(lambda x: ours(name)(x * 1.0, inplace=True), x, check_forward_ad=True,
                                    check_backward_ad=False)
    with forward_ad.dual_level():
        x, dx = x.detach(), torch.randn(x.shape, dtype=x.dtype)
        primal, tangent = forward_ad.unpack_dual(ours(name)(forward_ad.make_dual(x, dx)))
        assert same_bits(primal, ours(name)(x))
        torch.testing.assert_close(tangent, expected_gradient(name, dx))
        # A tensor beside it has no tangent, and still gets its own gradient.
        a = x.clone().requires_grad_()
        ours(name)(a).sum().backward()
        torch.testing.assert_close(a.grad, expected_gradient(name, torch.ones_like(x)))


@all_functions
def test_double_backward_is_of_the_same_mask(name):
    x = torch.randn(shape_of(name), dtype=torch.float64, requires_grad=True)
    dy = torch.randn(shape_of(name), dtype=torch.float64, requires_grad=True)
    y = ours(name)(x)
    (dx,) = torch.autograd.grad(y, x, dy, create_graph=True)
    torch.testing.assert_close(dx.detach(), expected_gradient(name, dy.detach()))
    ddx = torch.randn_like(dx).requires_grad_()
    (ddy,) = torch.autograd.grad(dx, dy, ddx, create_graph=True)
    torch.testing.assert_close(ddy.detach(), expected_gradient(name, ddx.detach()))
    (third,) = torch.autograd.grad(ddy, ddx, dy.detach())
    torch.testing.assert_close(third, expected_gradient(name, dy.detach()))


@all_functions
def test_gradients_of_any_strides(name):
    shape = shape_of(name)
    x = torch.randn(shape, requires_grad=True)
    dense = torch.randn(shape)
    doubled = torch.randn([2 * s for s in shape])
    complexes = torch.randn(shape, dtype=torch.complex64)
    for dy in (dense, torch.ones(1).expand(shape), dense.transpose(0, 1).contiguous().transpose(0, 1),
               doubled[tuple(slice(None, None, 2) for _ in shape)], complexes.real, complexes.conj().imag,
               torch._efficientzerotensor(shape)):
        x.grad = None
        y = ours(name)(x)
        y.backward(dy)
        torch.testing.assert_close(x.grad, expected_gradient(name, dy.clone().resolve_neg() + 0))
    # As a sum or a mean gives it.
    x.grad = None
    ours(name)(x).sum().backward()
    torch.testing.assert_close(x.grad, expected_gradient(name, torch.ones(shape)))


@all_functions
def test_inputs_that_are_lazily_negated(name):
    x = torch.randn(shape_of(name), dtype=torch.complex64)
    negated = x.conj().imag
    assert negated.is_neg()
    expected = ours(name)(-x.imag.clone())
    assert same_bits(ours(name)(negated), expected)
    result = ours(name)(negated, inplace=True)
    assert result is negated and same_bits(negated.resolve_neg().contiguous(), expected)
    assert same_bits(-x.imag.contiguous(), expected)


def test_no_gradient_where_none_is_wanted():
    x = torch.randn(5, requires_grad=True)
    with torch.no_grad():
        assert not F.dropout(x).requires_grad
    assert not F.dropout(x.detach()).requires_grad
    with torch.inference_mode():
        y = F.dropout(x)
        assert y.is_inference() and same_bits(ours("dropout")(y.clone()), ours("dropout")(y.clone(), inplace=True))
    y = ours("dropout")(x)
    (dx,) = torch.autograd.grad(y.sum(), x)
    assert not dx.requires_grad


# ===----------------------------------------------------------------------===//
# What is kept
# ===----------------------------------------------------------------------===//


def reachable(node):
    """Everything that a node of the graph refers to, but not the tensors that are its leaves."""
    seen, todo = {}, [node]
    while todo:
        thing = todo.pop()
        if id(thing) in seen or isinstance(thing, type) or type(thing).__name__ in ("module", "function"):
            continue
        seen[id(thing)] = thing
        if torch.is_tensor(thing):
            continue
        todo += gc.get_referents(thing)
        for name in dir(thing):
            if name.startswith("_saved") or name in ("saved_tensors", "next_functions", "__dict__"):
                todo.append(getattr(thing, name))
    return seen.values()


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("inplace", [False, True])
def test_no_tensor_is_saved(name, inplace):
    module = getattr(mdt, name)(0.5, inplace)
    x = torch.randn(SHAPES[name], requires_grad=True)
    before = x.clone()
    packed = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: packed.append(t) or t, lambda t: t):
        y = module(before)
        (dx,) = torch.autograd.grad(y, x, torch.ones_like(y).requires_grad_(), create_graph=True)
    assert not [t for t in packed if t.numel() > 2 and t.shape == x.shape]
    assert not [t for t in reachable(y.grad_fn) if torch.is_tensor(t) and t is not x]


@pytest.mark.parametrize("name", MODULES)
def test_the_input_is_not_kept(name):
    module = getattr(mdt, name)(0.5)
    x = torch.randn(SHAPES[name], requires_grad=True)
    before = x.clone()
    alive = weakref.ref(before)
    y = module(before)
    del before
    gc.collect()
    assert alive() is None
    alive = weakref.ref(y)
    del y
    gc.collect()
    assert alive() is None


# ===----------------------------------------------------------------------===//
# In place
# ===----------------------------------------------------------------------===//


@all_functions
def test_in_place_on_what_torch_protects(name):
    # torch's errors, before anything is drawn or written.
    shape = (3,) + shape_of(name)

    def leaf():
        return torch.ones(shape, requires_grad=True)

    def view_under_no_grad():
        x = torch.ones(shape, requires_grad=True) * 1
        with torch.no_grad():
            return x[0]

    def leaf_view_under_no_grad():
        with torch.no_grad():
            view = torch.zeros(shape)[0]
        return view.requires_grad_()

    def of_inference_mode():
        with torch.inference_mode():
            return torch.ones(shape[1:])

    cases = [lambda: leaf()[0], lambda: leaf()[0][:], lambda: leaf().unbind(0)[0], lambda: (leaf() * 1).unbind(0)[1],
             lambda: (leaf() * 1).split(1)[1][0], view_under_no_grad, leaf_view_under_no_grad, of_inference_mode,
             lambda: torch.ones(shape[1:], requires_grad=True), lambda: torch.nn.Parameter(torch.ones(shape[1:])),
             lambda: torch.ones(1).expand(shape[1:]), lambda: (leaf() * 1)[0, :1].expand(shape[1:])]
    g = generator()
    for index, make in enumerate(cases):
        expected, _ = outcome(lambda: TF.dropout(make(), 0.5, True, True))
        assert expected[0] is RuntimeError
        for drawn in (None, g):
            x = make()
            values, version = x.detach().clone(), x._version if not x.is_inference() else 0
            with unmoved(g):
                got, _ = outcome(lambda: getattr(F, name)(x, 0.5, True, True, generator=drawn))
            assert got == expected, index
            assert torch.equal(x.detach(), values) and (x.is_inference() or x._version == version)


@all_functions
def test_in_place_views_and_versions(name):
    shape = shape_of(name)
    base = torch.randn((2,) + shape, requires_grad=True)
    for make in (lambda x: x[1], lambda x: x.unsqueeze(0)[0, 1], lambda x: x.transpose(0, 1)[:, 1]):
        x = base * 1.0
        view = make(x)
        before = view.detach().clone()
        result = ours(name)(view, inplace=True)
        assert result is view and x._version == view._version == 1
        assert same_bits(view.detach().contiguous(), ours(name)(before).contiguous())
        assert torch.equal(x[0], base[0])
        dy = torch.randn_like(x)
        (dx,) = torch.autograd.grad(x, base, dy)
        assert torch.equal(dx[0], dy[0])
        torch.testing.assert_close(dx[1], expected_gradient(name, dy[1]))


@all_functions
@pytest.mark.parametrize("grad", [True, False])
def test_in_place_invalidates_what_was_saved(name, grad):
    x = torch.randn(shape_of(name), requires_grad=True)
    y = x.exp()  # exp saves its result.
    if grad:
        ours(name)(y, inplace=True)
    else:
        with torch.no_grad():
            ours(name)(y, inplace=True)
    assert y._version == 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


@all_functions
def test_in_place_under_no_grad(name):
    # A leaf may be written there, as by torch's functions.
    x = torch.randn(shape_of(name), requires_grad=True)
    expected = ours(name)(x.detach())
    with torch.no_grad():
        assert ours(name)(x, inplace=True) is x
    assert same_bits(x.detach(), expected) and x._version == 1 and x.is_leaf and x.requires_grad
    with torch.inference_mode():
        y = torch.ones(shape_of(name))
        assert same_bits(ours(name)(y.clone(), inplace=True), ours(name)(y))


@all_functions
def test_in_place_on_elements_that_share_memory(name):
    # torch writes to some of them in whatever order; here nothing is drawn, counted or written.
    shape = shape_of(name)
    strides = [1] * len(shape)
    for grad in (False, True):
        base = torch.zeros(20, requires_grad=grad)
        x = (base * 1.0 if grad else base).as_strided(shape, strides)
        with unmoved(), pytest.raises(ValueError, match="share memory"):
            getattr(F, name)(x, 0.5, True, True)
        assert x._version == 0 and not x.any()
    # Rows that lie into each other and don't meet are none of those.
    x = torch.arange(48.0).as_strided((2, 24), (1, 2))
    before = x.clone()
    y = F.dropout(x, 0.5, True, True, generator=generator())
    assert y is x and same_bits(x.contiguous(), ours("dropout")(before).contiguous())


def test_in_place_changes_nothing_outside_of_a_slice():
    x = torch.randn(9, 9)
    before = x.clone()
    F.dropout(x[2:5, 1:8:3], 0.5, True, True)
    before[2:5, 1:8:3] = x[2:5, 1:8:3]
    assert torch.equal(x, before)


def test_backward_twice_and_in_other_threads():
    x = torch.randn(1000, requires_grad=True)
    y = ours("dropout")(x)
    first, = torch.autograd.grad(y.sum(), x, retain_graph=True)
    second, = torch.autograd.grad(y.sum(), x)
    assert torch.equal(first, second) and torch.equal(first != 0, core_mask((1000,), 0.5, 7, 0))


# ===----------------------------------------------------------------------===//
# torch.func, where torch has it
# ===----------------------------------------------------------------------===//


def test_transforms():
    x = torch.randn(6, 5, dtype=torch.float64)
    if not hasattr(torch, "func"):
        # An older functorch's tensors are refused, never read as plain memory.
        functorch = pytest.importorskip("functorch", reason="hardware: no functorch beside this old torch")
        for transform in (functorch.grad(lambda x: F.dropout(x).sum()), functorch.vmap(F.dropout)):
            with unmoved(), pytest.raises((TypeError, RuntimeError)):
                transform(x)
        return
    from torch.func import grad, jacfwd, jvp, vjp, vmap

    for name in ("dropout", "alpha_dropout"):
        function = getattr(F, name)

        def loss(x):
            return function(x, 0.5, True).pow(3).sum()

        torch.manual_seed(1)
        got = grad(loss)(x)
        torch.manual_seed(1)
        a = x.clone().requires_grad_()
        loss(a).backward()
        assert torch.equal(got, a.grad)
        torch.manual_seed(1)
        twice = grad(lambda x: grad(loss)(x).sum())(x)
        torch.manual_seed(1)
        (dx,) = torch.autograd.grad(loss(a), a, create_graph=True)
        (expected,) = torch.autograd.grad(dx.sum(), a)
        torch.testing.assert_close(twice, expected)
        dx = torch.randn_like(x)
        y, tangent = jvp(lambda x: ours(name)(x), (x,), (dx,))
        (pulled,) = vjp(lambda x: ours(name)(x), x)[1](dx)
        assert same_bits(y, ours(name)(x)) and same_bits(tangent, pulled)
        assert torch.equal(tangent != 0, core_mask(x.shape, 0.5, 7, 0))
        # One mask for all, one for each, or torch's error.
        ones = torch.ones(40, 50)
        same = vmap(lambda x: function(x, 0.5, True), randomness="same")(ones)
        assert (same == same[0]).all() and len(torch.unique(same)) == 2
        for dim in (0, 1):
            other = vmap(lambda x: function(x, 0.5, True), randomness="different", in_dims=dim, out_dims=dim)(ones)
            rows = other.movedim(dim, 0)
            assert len({tuple(row.tolist()) for row in rows}) == len(rows)
        with unmoved(), pytest.raises(RuntimeError, match="randomness"):
            vmap(lambda x: function(x, 0.5, True))(ones)
        # Each member's mask has the member's own indices, whatever is batched.
        fixed = vmap(lambda x: ours(name)(x), in_dims=1, out_dims=1, randomness="same")(ones)
        assert same_bits(fixed[:, 3].contiguous(), ours(name)(torch.ones(40)))
        per_sample = vmap(grad(lambda x: function(x, 0.5, True).sum()), randomness="different")(ones)
        assert len({tuple(row.tolist()) for row in per_sample}) == len(ones)
        diagonal = jacfwd(lambda x: ours(name)(x), randomness="same")(torch.ones(8))
        assert torch.equal(diagonal != 0, torch.diag(core_mask((8,), 0.5, 7, 0)))
    # Also of a tensor that isn't part of the batch.
    ones = torch.ones(50)
    rows = vmap(lambda y: F.dropout(ones) + y, randomness="different")(torch.zeros(40, 50))
    assert len({tuple(row.tolist()) for row in rows}) == len(rows)
    with unmoved(), pytest.raises(RuntimeError, match="randomness"):
        vmap(lambda y: F.dropout(ones) + y)(torch.zeros(40, 50))
    channels = vmap(lambda x: ours("dropout1d")(x), randomness="same", in_dims=2)(torch.ones(4, 3, 5))
    assert same_bits(channels[2].contiguous(), ours("dropout1d")(torch.ones(4, 3)))
    module = mdt.Dropout(0.5)
    y = grad(lambda x: module(x).sum())(torch.ones(30))
    assert torch.equal(module.mask, y != 0)
    vmap(module, randomness="different")(ones)
    assert module.mask is None  # They were many.


def test_jit_trace_in_training_is_refused():
    module = mdt.Dropout(0.5)
    with pytest.raises(RuntimeError, match="torch.jit.trace"):
        torch.jit.trace(module, torch.ones(3))
    traced = torch.jit.trace(module.eval(), torch.ones(3))
    assert torch.equal(traced(torch.full((3,), 2.0)), torch.full((3,), 2.0))


def test_symbolic_traces_hold_the_functions():
    import torch.fx

    for module, function in ((mdt.Dropout(0.5), F.dropout), (mdt.FeatureAlphaDropout(0.5, channel_axis=1),
                                                             F.feature_alpha_dropout)):
        graph = torch.fx.symbolic_trace(module)
        assert [n.target for n in graph.graph.nodes if n.op == "call_function"] == [function]
        torch.manual_seed(3)
        y = graph(torch.ones(4, 5, 2))
        torch.manual_seed(3)
        assert torch.equal(y, module(torch.ones(4, 5, 2)))
