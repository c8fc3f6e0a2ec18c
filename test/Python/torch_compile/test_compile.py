# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""mlir_dropout.torch under torch.compile and its relatives: needs PyTorch 2.4 or
newer, and a C++ compiler for Inductor. To run it by hand, with a Python of the
version that the package was built for:

    python3 -m venv VENV
    VENV/bin/pip install torch numpy pytest
    DROPOUT_BUILD=BUILD VENV/bin/python -m pytest test/Python/torch_compile

`tools/dev test` does not collect it with Debian's PyTorch (see conftest.py).
"""

import copy
import functools
import sys
import warnings
from pathlib import Path

import pytest
import torch
import torch._dynamo
import torch._dynamo.testing
import torch._inductor.config
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils.checkpoint import checkpoint

import mlir_dropout.torch as mdt
import mlir_dropout.torch.functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from torch_cases import FLOATS, MODULES, SHAPES, core_mask, generator, ours, same_bits, unmoved  # noqa: E402

BACKENDS = ("aot_eager", "inductor")
# Whether this PyTorch can be told that a draw has an effect; an older one leaves draws out that nobody uses.
EFFECTS = hasattr(torch.library.Library, "_register_effectful_op")
backends = pytest.mark.parametrize("backend", BACKENDS)
operators = torch.ops.mlir_dropout
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def fresh():
    torch._dynamo.reset()
    # Graphs of an earlier run, of code that has changed since, would hide what they test.
    with torch._inductor.config.patch(force_disable_caches=True), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def drops(model):
    return [m for m in model.modules() if isinstance(m, torch.nn.Module) and hasattr(m, "mask")]


def steps(model, call, inputs, seed=0):
    """Everything that training steps give: outputs, gradients, masks, and where torch's generator is afterwards."""
    torch.manual_seed(seed)
    results = []
    for x in inputs:
        model.zero_grad()
        a = x.clone().requires_grad_()
        y = call(a)
        y.pow(2).sum().backward()
        results.append([y.detach(), a.grad] + [p.grad.clone() for p in model.parameters()] + [torch.rand(2)]
                       + [m.mask for m in drops(model)])
    return results


def check(model, inputs, backend, frames=1, **options):
    """Compiled steps are the eager ones, bit for bit, and compiled that often."""
    torch._dynamo.reset()
    twin = copy.deepcopy(model)
    counter = torch._dynamo.testing.CompileCounterWithBackend(backend)
    compiled = torch.compile(model, backend=counter, fullgraph=True, **options)
    got, expected = steps(model, compiled, inputs), steps(twin, twin, inputs)
    for index, (a, b) in enumerate(zip(got, expected)):
        for position, (x, y) in enumerate(zip(a, b)):
            if x.dtype == torch.bool:
                assert torch.equal(x, y), (index, position)
            else:  # Inductor may contract what surrounds us; the masks must be the same.
                torch.testing.assert_close(x, y, msg=lambda m: f"step {index}, result {position}: {m}")
                assert torch.equal(x == 0, y == 0)
    assert frames is None or counter.frame_count == frames
    return got


def net(**options):
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Linear(16, 16), mdt.Dropout(0.3, **options), torch.nn.Tanh(),
                               torch.nn.Linear(16, 16), mdt.AlphaDropout(0.2, **options), mdt.Dropout(0.5, **options))


class Checkpointed(torch.nn.Module):

    def __init__(self, model, run=checkpoint, **options):
        super().__init__()
        self.model, self.run, self.options = model, run, options

    def forward(self, x):
        return self.run(self.model, x, **self.options)


# ===----------------------------------------------------------------------===//
# torch.compile
# ===----------------------------------------------------------------------===//


@backends
def test_ten_steps_of_one_graph_are_ten_masks(backend):
    results = check(net(), [torch.randn(8, 16)] * 10, backend)
    for position in (-1, -2, -3):
        assert len({tuple(r[position].flatten().tolist()) for r in results}) == 10


@backends
@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("inplace", [False, True])
def test_modules(backend, name, inplace):
    class Model(torch.nn.Module):

        def __init__(self):
            super().__init__()
            self.drop = getattr(mdt, name)(0.4, inplace)

        def forward(self, x):
            return self.drop(x * 2) + 1 if not inplace else self.drop(x * 2)

    x = torch.randn(SHAPES[name])
    model = Model()
    results = check(model, [x] * 3, backend)
    assert torch.equal(results[-1][-1], model.drop.mask)


@backends
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_types_and_layouts(backend, dtype):
    model = torch.nn.Sequential(mdt.Dropout2d(0.5), mdt.Dropout(0.3), mdt.FeatureAlphaDropout(0.2, channel_axis=-1))
    x = torch.randn(3, 4, 5, 6).to(dtype)
    inputs = [x, x.contiguous(memory_format=torch.channels_last), x.transpose(1, 3).contiguous().transpose(1, 3)]
    for x in inputs:
        check(model, [x] * 2, backend)


@backends
@pytest.mark.parametrize("options", [{"rounds": 7}, {"resolution": 8}], ids=str)
def test_options(backend, options):
    check(net(**options), [torch.randn(8, 16)] * 2, backend)


@backends
@pytest.mark.parametrize("make", [lambda: generator(5, 3), lambda: torch.Generator().manual_seed(5)],
                         ids=["ours", "torch"])
def test_generators_of_modules(backend, make):
    g = make()
    model = net(generator=g)
    twin = copy.deepcopy(model)
    check(model, [torch.randn(8, 16)] * 3, backend)
    other = twin[1].generator
    x = torch.randn(8, 16)
    for _ in range(3):
        twin(x)
    a, b = g.get_state(), other.get_state()
    assert torch.equal(a, b) if torch.is_tensor(a) else a == b
    # Another generator later: no new graph.
    torch._dynamo.reset()
    counter = torch._dynamo.testing.CompileCounterWithBackend(backend)
    compiled = torch.compile(model, backend=counter, fullgraph=True)
    compiled(x)
    for drop in drops(model):
        drop.generator = generator(9)
    compiled(x)
    assert torch.equal(model[1].mask, core_mask((8, 16), 0.3, 9, 0)) and counter.frame_count == 1


@backends
def test_p_of_0_and_1(backend):
    check(torch.nn.Sequential(mdt.Dropout(0.5), mdt.Dropout(1.0)), [torch.randn(9, 9)] * 2, backend)
    nothing = [mdt.Dropout(0.0), mdt.Dropout(0.5), mdt.AlphaDropout(0.0)]
    if EFFECTS:
        check(torch.nn.Sequential(*nothing), [torch.randn(9, 9)] * 3, backend)
    else:
        x = torch.randn(9, 9)
        y = torch.compile(torch.nn.Sequential(*nothing), backend=backend, fullgraph=True)(x)
        assert same_bits(y[nothing[1].mask], x[nothing[1].mask] * 2)


@backends
@pytest.mark.parametrize("dynamic", [True, None])
def test_dynamic_shapes(backend, dynamic):
    inputs = [torch.randn(n, 16) for n in (8, 3, 31, 64, 5)]
    check(net(), inputs, backend, frames=None, dynamic=dynamic)
    # Not a graph per shape: after the second there is no new one.
    torch._dynamo.reset()
    counter = torch._dynamo.testing.CompileCounterWithBackend(backend)
    compiled = torch.compile(net(), backend=counter, fullgraph=True, dynamic=dynamic)
    counts = []
    for x in inputs:
        compiled(x)
        counts.append(counter.frame_count)
    assert counts[1:] == [counts[1]] * 4


@backends
def test_functions(backend):
    def call(x):
        y = F.dropout(F.alpha_dropout(x, 0.2, True), 0.3) - F.dropout(x, 0.3)
        return F.dropout1d(y, 0.5) + F.dropout2d(y[None, None], 0.5)[0, 0] + F.dropout(x, 0.5, False)

    x = torch.randn(12, 7)
    compiled = torch.compile(call, backend=backend, fullgraph=True)
    for seed in range(3):
        torch.manual_seed(seed)
        expected = call(x)
        torch.manual_seed(seed)
        torch.testing.assert_close(compiled(x), expected)
    # The same call twice is two draws, not one.
    twice = torch.compile(lambda x: (F.dropout(x), F.dropout(x)), backend=backend, fullgraph=True)
    a, b = twice(torch.ones(100))
    assert not torch.equal(a, b)


@backends
def test_draws_keep_their_order_and_none_is_lost(backend):
    # Results that nobody uses, or uses in another order, and random numbers of torch's own in between.
    def call(x):
        if EFFECTS:
            F.dropout(x, 0.1)
        a, b, c = F.dropout(x, 0.1), F.dropout(x, 0.2), F.dropout(x, 0.3)
        return F.dropout(c, 0.0 if EFFECTS else 0.5), c * 2, b.sum(0), a + 1

    x = torch.randn(40, 40)
    with torch._inductor.config.patch(fallback_random=True):
        # Without effects, Inductor reorders draws where there is no gradient.
        for grad in (False, True) if EFFECTS or backend != "inductor" else (True,):
            torch._dynamo.reset()
            compiled = torch.compile(call, backend=backend, fullgraph=True)
            x.requires_grad_(grad)
            torch.manual_seed(5)
            expected, after = call(x), torch.rand(1)
            torch.manual_seed(5)
            for got, wanted in zip(compiled(x), expected):
                torch.testing.assert_close(got, wanted)
            assert torch.equal(torch.rand(1), after)


@backends
def test_train_and_eval(backend):
    model = net()
    counter = torch._dynamo.testing.CompileCounterWithBackend(backend)
    compiled = torch.compile(model, backend=counter, fullgraph=True)
    x = torch.randn(8, 16)
    for _ in range(3):
        model.train()
        compiled(x)
        masks = [m.mask for m in drops(model)]
        model.eval()
        with unmoved():
            assert torch.allclose(compiled(x), model(x))
        assert all(torch.equal(a, m.mask) for a, m in zip(masks, drops(model)))
    assert counter.frame_count == 2
    # A p that changes is a new graph, as with torch's modules.
    model.train()
    model[5].p = 1.0
    assert not compiled(x).any()


def test_one_graph_for_all_modules_of_a_kind():
    # As for torch's modules: an older torch makes one for each.
    counts = []
    for library in (mdt, torch.nn):
        torch._dynamo.reset()
        counter = torch._dynamo.testing.CompileCounterWithBackend("aot_eager")
        modules = [library.Dropout(0.3) for _ in range(6)]
        outputs = [torch.compile(m, backend=counter, fullgraph=True)(torch.ones(20, 20)) for m in modules]
        counts.append(counter.frame_count)
        if library is mdt:
            assert all(torch.equal(module.mask, y != 0) for module, y in zip(modules, outputs))
    assert counts[0] == counts[1]


def test_a_functions_generator_breaks_the_graph_and_works():
    g = generator(5)

    def call(x):
        return F.dropout(x * 2, 0.5, generator=g) + 1

    x = torch.ones(30)
    expected = [ours_of(x * 2, 5, offset) + 1 for offset in range(3)]
    compiled = torch.compile(call, backend="aot_eager")
    assert all(same_bits(compiled(x), y) for y in expected) and g.offset == 3
    torch._dynamo.reset()
    with pytest.raises(torch._dynamo.exc.Unsupported):
        torch.compile(call, backend="aot_eager", fullgraph=True)(x)
    assert g.offset == 3


def ours_of(x, seed, offset):
    return F.dropout(x, 0.5, generator=generator(seed, offset))


@backends
def test_in_place(backend):
    def call(x):
        F.dropout(x, 0.5, True, True)
        F.alpha_dropout(x[1:], 0.3, True, True)
        return x

    torch.manual_seed(1)
    expected = call(torch.ones(6, 20))
    torch.manual_seed(1)
    x = torch.ones(6, 20)
    result = torch.compile(call, backend=backend, fullgraph=True)(x)
    assert same_bits(x, expected) and result.data_ptr() == x.data_ptr()
    leaf = torch.ones(3, 4, requires_grad=True)
    with unmoved(), pytest.raises(Exception, match="a leaf Variable that requires grad"):
        torch.compile(lambda x: F.dropout(x, 0.5, True, True), backend=backend, fullgraph=True)(leaf)
    assert torch.equal(leaf.detach(), torch.ones(3, 4))


@pytest.mark.parametrize("x,options,text", [
    (torch.ones(3, dtype=torch.int64), {}, "torch.int64"),
    (torch.ones(3), {"rounds": 8}, "rounds"),
    (torch.ones(3), {"resolution": 9}, "resolution"),
    (torch.ones(3), {"p": 1e-4, "resolution": 8}, "0.0001"),
    (torch.ones(3), {"p": 1.5}, "between 0 and 1"),
    (torch.ones(3), {"p": float("nan")}, "between 0 and 1"),
], ids=lambda v: str(v).replace(" ", ""))
def test_errors(x, options, text):
    with unmoved(), pytest.raises(Exception, match=text if EFFECTS else "Observed exception|" + text):
        torch.compile(lambda x: F.dropout(x, **options), backend="aot_eager", fullgraph=True)(x)


def test_warnings_are_given_while_tracing():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        compiled = torch.compile(mdt.Dropout2d(), backend="aot_eager", fullgraph=True)
        compiled(torch.ones(2, 3, 4))
    assert [w for w in caught if "dropout2d: Received a 3D input" in str(w.message)]


# ===----------------------------------------------------------------------===//
# Activation checkpoints
# ===----------------------------------------------------------------------===//


@backends
@pytest.mark.parametrize("use_reentrant", [True, False])
def test_checkpoint_in_a_graph(backend, use_reentrant):
    check(Checkpointed(net(), use_reentrant=use_reentrant), [torch.randn(8, 16)] * 3, backend)
    model = torch.nn.Sequential(*[Checkpointed(net(), use_reentrant=use_reentrant) for _ in range(3)])
    check(model, [torch.randn(8, 16)] * 2, backend)


@backends
def test_checkpoint_in_a_graph_with_generators(backend):
    # In a graph the draw is kept, so that torch's own checkpoint is right as well; eager needs ours. An older torch
    # repeats the draw, which is an error.
    model = Checkpointed(net(generator=generator(3)), use_reentrant=False)
    twin = copy.deepcopy(model)
    compiled = torch.compile(model, backend=backend, fullgraph=True)
    inputs = [torch.randn(8, 16)] * 3
    if not EFFECTS:
        with pytest.raises(RuntimeError, match="mlir_dropout.torch.checkpoint"):
            steps(model, compiled, inputs)
        return
    for a, b in zip(steps(model, compiled, inputs), steps(twin, twin.model, inputs)):
        for x, y in zip(a, b):
            torch.testing.assert_close(x, y)
    check(Checkpointed(net(generator=generator(3)), mdt.checkpoint, use_reentrant=False), inputs, backend)


@backends
@pytest.mark.parametrize("use_reentrant", [True, False])
def test_checkpoint_around_a_graph(backend, use_reentrant):
    model = net()
    twin = copy.deepcopy(model)
    compiled = torch.compile(model, backend=backend, fullgraph=True)
    inputs = [torch.randn(8, 16)] * 3
    if not EFFECTS and not use_reentrant:
        # An older torch can't, with its own modules either.
        plain = torch.compile(torch.nn.Sequential(torch.nn.Linear(16, 16), torch.nn.Dropout(0.5)), backend=backend)
        for call in (plain, compiled):
            with pytest.raises(torch._dynamo.exc.BackendCompilerFailed, match="FX to symbolically trace"):
                checkpoint(call, inputs[0].clone().requires_grad_(), use_reentrant=False).sum().backward()
        return
    got = steps(model, lambda x: checkpoint(compiled, x, use_reentrant=use_reentrant), inputs)
    for a, b in zip(got, steps(twin, twin, inputs)):
        for x, y in zip(a, b):
            torch.testing.assert_close(x, y)


@backends
def test_selective_checkpoint(backend):
    from torch.utils import checkpoint as module

    if not hasattr(module, "create_selective_checkpoint_contexts"):
        assert not EFFECTS  # Of 2.4 there is nothing to test here.
        return

    def policy(context, operator, *args, **kwargs):
        keep = operator in (torch.ops.aten.mm.default, torch.ops.aten.addmm.default)
        return module.CheckpointPolicy.MUST_SAVE if keep else module.CheckpointPolicy.PREFER_RECOMPUTE

    contexts = functools.partial(module.create_selective_checkpoint_contexts, policy)
    model = Checkpointed(net(), use_reentrant=False, context_fn=contexts)
    twin = copy.deepcopy(model.model)
    inputs = [torch.randn(8, 16)] * 2
    expected = steps(twin, twin, inputs)
    for call in (model, torch.compile(model, backend=backend, fullgraph=True)):
        for a, b in zip(steps(model, call, inputs), expected):
            for x, y in zip(a, b):
                torch.testing.assert_close(x, y)


@backends
@pytest.mark.parametrize("budget", [0.5, 0.0])
def test_recomputation_for_memory(backend, budget):
    # A partitioner that is told to save memory repeats draws (pytorch#190717, #190758), and gradients are of another
    # mask. Ours either is a draw with an effect, and 2.15 then fails to compile, or says so when it is repeated. Never
    # silently wrong is what is tested here.
    with torch._functorch.config.patch(activation_memory_budget=budget):
        try:
            check(net(), [torch.randn(64, 16)] * 3, backend, frames=None)
        except Exception as error:  # noqa: BLE001: of many types
            assert "result " not in str(error) and "Tensor-likes" not in str(error)
            assert EFFECTS or "activation_memory_budget" in str(error) or "raised" in str(error)


# ===----------------------------------------------------------------------===//
# The operators
# ===----------------------------------------------------------------------===//


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("kind,dims", [(0, None), (1, None), (1, [1]), (1, [2, 0]), (2, None), (3, None), (3, [0])])
def test_opcheck(dtype, kind, dims):
    state = torch.tensor([-5, 2**62])
    x = torch.randn(4, 3, 5).to(dtype)
    for x in (x, x.clone().requires_grad_(), x.transpose(0, 2), x[:, ::2], x[:1].expand(4, 3, 5)):
        for operator in (operators.forward.default, operators.backward.default):
            torch.library.opcheck(operator, (x, state, 0.4, kind, dims, 10, 16))


def test_opcheck_of_the_draw():
    module = mdt.Dropout()
    for handle in (None, module._record.handle):
        torch.library.opcheck(operators.draw.default, (handle, 0.5, [3, 4], 0, None, 10, 16), {"device": CPU})
    assert torch.Tag.nondeterministic_seeded in operators.draw.default.tags


@pytest.mark.parametrize("mode", ["real", "fake", "symbolic"])
def test_make_fx(mode):
    module = mdt.Dropout(0.5)
    graph = make_fx(lambda x: module(x) * 2, tracing_mode=mode)(torch.ones(5, 6))
    targets = [n.target for n in graph.graph.nodes if n.op == "call_function"]
    assert operators.draw.default in targets and operators.forward.default in targets
    x = torch.randn(5, 6)
    torch.manual_seed(2)
    first, second = graph(x), graph(x)
    torch.manual_seed(2)
    assert same_bits(first, module(x) * 2) and same_bits(second, module(x) * 2)
    assert not torch.equal(first, second)
    # p = 0 is a draw and nothing else.
    module.p = 0.0
    graph = make_fx(module, tracing_mode=mode)(torch.ones(5, 6))
    assert [n.target for n in graph.graph.nodes if n.op == "call_function" and "sym" not in str(n.target)] \
        == [operators.draw.default]


@pytest.mark.parametrize("strict", [False, True])
def test_export(strict):
    model = net()
    program = torch.export.export(model, (torch.randn(8, 16),), strict=strict)
    x = torch.randn(8, 16)
    torch.manual_seed(2)
    expected = model(x)
    torch.manual_seed(2)
    torch.testing.assert_close(program.module()(x), expected)


def test_modes_see_the_operators():
    from torch.utils._python_dispatch import TorchDispatchMode

    class Log(TorchDispatchMode):

        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            seen.append(str(function))
            return function(*args, **(kwargs or {}))

    seen = []
    x = torch.randn(30, requires_grad=True)
    torch.manual_seed(1)
    with Log():
        y = F.dropout(x, 0.5)
        y.sum().backward()
    assert [s.split(".")[1] for s in seen if s.startswith("mlir_dropout")] == ["draw", "forward", "backward"]
    torch.manual_seed(1)
    a = x.detach().clone().requires_grad_()
    z = F.dropout(a, 0.5)
    z.sum().backward()
    assert same_bits(y.detach(), z.detach()) and same_bits(x.grad, a.grad)
    # Eager in forward, a mode in backward.
    a.grad = None
    y = ours("dropout")(a)
    with Log():
        y.sum().backward()
    assert torch.equal(a.grad != 0, y != 0)


def test_subclasses_with_a_dispatch_of_their_own():

    class Wrapped(torch.Tensor):

        @staticmethod
        def __new__(cls, inner):
            return torch.Tensor._make_wrapper_subclass(cls, inner.shape, dtype=inner.dtype)

        def __init__(self, inner):
            self.inner = inner

        __torch_function__ = torch._C._disabled_torch_function_impl

        @classmethod
        def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
            args = [a.inner if isinstance(a, cls) else a for a in args]
            result = function(*args, **(kwargs or {}))
            return cls(result) if isinstance(result, torch.Tensor) and result.is_floating_point() else result

    x = torch.randn(50)
    torch.manual_seed(1)
    y = F.dropout(Wrapped(x), 0.5)
    torch.manual_seed(1)
    assert type(y) is Wrapped and same_bits(y.inner, F.dropout(x, 0.5))


def test_transforms_in_a_graph():
    from torch.func import vmap

    def call(x):
        return vmap(lambda x: F.dropout(x, 0.5), randomness="same")(x)

    torch.manual_seed(3)
    y = torch.compile(call, backend="aot_eager", fullgraph=True)(torch.ones(4, 60))
    torch.manual_seed(3)
    assert same_bits(y[2].contiguous(), F.dropout(torch.ones(60), 0.5))
    # What there isn't is an error, never one mask for all.
    if not hasattr(torch.library, "register_vmap"):
        return
    with pytest.raises(Exception, match="randomness"):
        torch.compile(lambda x: vmap(F.dropout, randomness="different")(x), backend="aot_eager",
                      fullgraph=True)(torch.ones(4, 60))


class Watched(torch.utils._python_dispatch.TorchDispatchMode):
    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", ("dropout", "alpha_dropout"))
def test_tangents(name):
    """Forward-mode derivatives through the operators: none is lost, and all are of the forward's mask."""
    function = functools.partial(getattr(F, name), p=0.5, training=True)
    alpha = name == "alpha_dropout"
    on, off = (0.8864053 if alpha else 2.0), 0.0
    x, dx = torch.randn(64), torch.randn(64)

    def check(y, dy, dx=dx, x=x):
        kept = torch.isclose(dy, on * dx)
        assert torch.equal(dy[~kept], torch.full_like(dy[~kept], off)) and 10 < kept.sum() < 54
        # The forward kept the same: of what is dropped y is one value.
        assert y[~kept].unique().numel() == 1
        if not alpha:
            assert torch.equal(y[kept], 2 * x[kept])

    jvp = torch.func.jvp
    for backend in ("eager", "aot_eager"):
        check(*torch.compile(lambda x, dx: jvp(function, (x,), (dx,)), backend=backend)(x, dx))
        jacobian = torch.compile(lambda x: torch.func.jacfwd(function, randomness="same")(x), backend=backend)(x)
        diagonal = jacobian.diagonal()
        assert torch.equal(jacobian, diagonal.diag())
        assert 10 < torch.isclose(diagonal, torch.tensor(on)).sum() < 54
        if not EFFECTS:
            continue  # PyTorch 2.4 can't compile what follows, of its own functions neither.
        squares = torch.func.hessian(lambda x: function(x).square().sum())
        hessian = torch.compile(lambda x: squares(x), backend=backend)(x)
        diagonal = hessian.diagonal()
        assert torch.equal(hessian, diagonal.diag())
        assert 10 < torch.isclose(diagonal, torch.tensor(2 * on * on)).sum() < 54
    with torch.autograd.forward_ad.dual_level():
        unpack, dual = torch.autograd.forward_ad.unpack_dual, torch.autograd.forward_ad.make_dual(x, dx)
        with Watched():
            check(*unpack(function(dual)))
            check(*unpack(function(torch.autograd.forward_ad.make_dual(x.requires_grad_(), dx))))
            x.requires_grad_(False)
        kind = 2 if alpha else 0
        check(*unpack(operators.forward(dual, torch.tensor([5, 6]), 0.5, kind, None, 10, 16)))
        check(*unpack(torch.compile(function, backend="aot_eager")(dual)))
    with torch.no_grad():
        y, tangent = torch.func.linearize(functools.partial(function, generator=generator(3)), x)
        dy = tangent(dx)
        assert 10 < torch.isclose(dy, on * dx).sum() < 54


def test_an_empty_batch():
    for randomness in ("different", "same"):
        for backend in (None, "aot_eager") if hasattr(torch.library, "register_vmap") else (None,):
            batch = torch.func.vmap(F.dropout, randomness=randomness)
            call = batch if backend is None else torch.compile(batch, backend=backend)
            assert call(torch.ones(0, 5)).shape == (0, 5)


def test_nested_tensors_are_refused():
    for layout in (torch.jagged, torch.strided):
        nested = torch.nested.nested_tensor([torch.ones(3), torch.ones(5)], layout=layout)
        with pytest.raises(TypeError, match="expected a dense input, but got .*(jagged|nested)"):
            F.dropout(nested)
