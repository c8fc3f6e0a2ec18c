# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Where mlir_dropout.torch has its seeds and offsets from: torch's generator and
# all that torch does with it, generators of the user, checkpoints, threads.

import threading

import pytest
import torch
from torch.utils.checkpoint import checkpoint

import mlir_dropout.torch as mdt
import mlir_dropout.torch.functional as F
from mlir_dropout.torch import _draws
from torch_cases import FUNCTIONS, MODULES, SHAPES, core_mask, generator, same_bits, unmoved

all_functions = pytest.mark.parametrize("name", FUNCTIONS)
SHAPE = {"dropout2d": (9, 8, 1, 2), "dropout3d": (9, 8, 1, 1, 2)}
all_modules = pytest.mark.parametrize("name", MODULES)
reentrant = pytest.mark.parametrize("use_reentrant", [True, False])


def draws(name, count=3, **options):
    x = torch.ones(SHAPE.get(name, (9, 8, 2)))
    return [getattr(F, name)(x, 0.5, True, **options) for _ in range(count)]


def same(a, b):
    return len(a) == len(b) and all(same_bits(x, y) for x, y in zip(a, b))


# ===----------------------------------------------------------------------===//
# torch's generator
# ===----------------------------------------------------------------------===//


@all_functions
def test_manual_seed(name):
    torch.manual_seed(123)
    first = draws(name)
    assert not same_bits(first[0], first[1]) and not same_bits(first[1], first[2])
    second = draws(name)
    torch.manual_seed(123)
    assert same(draws(name), first) and same(draws(name), second)
    torch.manual_seed(124)
    assert not same(draws(name), first)


@all_functions
def test_saved_states_and_forks(name):
    torch.manual_seed(5)
    draws(name, 1)
    state = torch.get_rng_state()
    expected = draws(name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(99)
        draws(name)
    assert not same(draws(name), expected)
    torch.set_rng_state(state)
    with torch.random.fork_rng(devices=[]):
        assert same(draws(name), expected)
    assert same(draws(name), expected)


def test_the_seed_and_offset_of_a_call():
    # Two random numbers of 64 bits in one draw: the masks are those of the kernels for them.
    torch.manual_seed(2**40 + 1)
    numbers = [torch.empty(2, dtype=torch.int64).random_(-2**63, None).tolist() for _ in range(4)]
    torch.manual_seed(2**40 + 1)
    for seed, offset in numbers:
        y = F.dropout(torch.ones(500), 0.3)
        assert torch.equal(y != 0, core_mask((500,), 0.3, seed, offset))


def test_all_bits_of_a_draw_are_random():
    # 20000 draws: a bit that is set in 10000 +- 354 (five standard deviations) has a rate in .5 +- .018; one that is
    # stuck, or has a rate of .46, is found. Neighbouring bits are set together as often as chance has it.
    torch.manual_seed(8)
    numbers = [_draws.draw() for _ in range(20000)]
    assert len(set(numbers)) == len({s for s, _ in numbers}) == len({o for _, o in numbers}) == 20000
    bits = torch.tensor([[(n >> k) & 1 for n in pair for k in range(64)] for pair in numbers], dtype=torch.float64)
    assert (bits.sum(0) - 10000).abs().max() < 354
    together = (bits[:, 1:] == bits[:, :-1]).sum(0).to(torch.float64)
    assert (together - 10000).abs().max() < 354


@all_functions
def test_consecutive_masks_agree_by_chance_only(name):
    # p^2 + q^2 of 4000 draws, +- five standard deviations: a seed that stays, or is drawn wrongly, agrees in all.
    shape = (400, 10) + SHAPE.get(name, (9, 8, 2))[2:]
    torch.manual_seed(3)
    options = {"mask_dims": (0, 1)} if name == "feature_alpha_dropout" else {}
    a, b = (getattr(F, name)(torch.ones(shape), 0.3, True, **options) for _ in range(2))
    agree = ((a == b).reshape(400, 10, -1)[:, :, 0]).sum().item()
    assert abs(agree - 4000 * 0.58) < 5 * (4000 * 0.58 * 0.42)**0.5


def test_a_default_device_changes_nothing():
    torch.manual_seed(3)
    expected = F.dropout(torch.ones(50))
    _draws.buffers.clear()
    if hasattr(torch, "set_default_device"):
        torch.set_default_device("meta")
    try:
        torch.manual_seed(3)
        module = mdt.Dropout(0.5)
        y = module(torch.ones(50, device="cpu"))
    finally:
        if hasattr(torch, "set_default_device"):
            torch.set_default_device(None)
    assert same_bits(y, expected) and torch.equal(module.mask, y != 0)


def test_a_buffer_of_inference_mode_is_no_trap():
    _draws.buffers.clear()
    with torch.inference_mode():
        F.dropout(torch.ones(3))
        module = mdt.Dropout(0.5)
    F.dropout(torch.ones(3, requires_grad=True)).sum().backward()
    module(torch.ones(3))


# ===----------------------------------------------------------------------===//
# Generators of the user
# ===----------------------------------------------------------------------===//


def test_tensors_that_lie_anywhere():
    """PyTorch's operators take elements at any address, and so do ours."""
    values = torch.arange(1.0, 9.0)
    memory = bytearray(41)

    def odd():
        x = torch.frombuffer(memory, dtype=torch.float32, offset=1, count=8)
        x.copy_(values)
        return x

    want = F.dropout(values, generator=generator(3))
    g = generator(3)
    assert torch.equal(F.dropout(odd(), generator=g), want) and g.offset == 1
    x = odd()
    assert F.dropout(x, inplace=True, generator=generator(3)) is x and torch.equal(x, want)
    assert x._version > 1
    for inplace in (False, True):
        leaf = odd().requires_grad_()
        y = F.dropout(leaf * 1, .5, True, inplace, generator=generator(3))
        y.backward(torch.ones(8))
        assert torch.equal(leaf.grad, want / values)
    leaf = odd().requires_grad_()
    F.dropout(leaf, generator=generator(3)).backward(odd())
    assert torch.equal(leaf.grad, want)
    assert memory[0] == 0 and not any(memory[33:])


def test_a_generator_that_refuses():
    """Its exception comes through, and the input is as it was, for autograd, too."""

    class Empty:
        def reserve(self):
            raise RuntimeError("no more")

    for make in (lambda: torch.ones(3), lambda: torch.ones(3, requires_grad=True) * 1):
        x = make()
        version = x._version
        with pytest.raises(RuntimeError, match="no more"):
            F.dropout(x, .5, True, True, generator=Empty())
        assert x._version == version and torch.equal(x, torch.ones(3))
        if x.requires_grad:
            x.sum().backward()


@all_functions
def test_our_generator(name):
    with unmoved():
        g = generator(42, 2**64 - 1)
        first = draws(name, generator=g)
        assert (g.seed, g.offset) == (42, 2)
        assert same(first, [draws(name, 1, generator=generator(42, o))[0] for o in (2**64 - 1, 0, 1)])
        # Seeds and offsets of all 64 bits.
        for seed in (0, 1, 2**63, 2**64 - 1, 0x0123456789ABCDEF):
            draws(name, 1, generator=generator(seed, seed))
    y = F.dropout(torch.ones(200), 0.5, generator=generator(2**64 - 1, 2**63))
    assert torch.equal(y != 0, core_mask((200,), 0.5, 2**64 - 1, 2**63))


@all_functions
def test_torchs_generator(name):
    torch.manual_seed(77)
    expected = draws(name)
    with unmoved():
        g = torch.Generator().manual_seed(77)
        assert same(draws(name, generator=g), expected)
        state = g.get_state()
        following = draws(name, generator=g)
        g.set_state(state)
        assert same(draws(name, generator=g), following)


@all_modules
def test_a_modules_generator(name):
    x = torch.ones(SHAPES[name])
    g = generator(1)
    module = getattr(mdt, name)(0.5, generator=g)
    assert module.generator is g
    a = module(x)
    module.generator = torch.Generator().manual_seed(4)
    module(x)
    module.generator = None
    with unmoved(g):
        pass
    module(x)
    assert g.offset == 1
    module.generator = generator(1)
    assert same_bits(module(x), a)


# ===----------------------------------------------------------------------===//
# Checkpoints
# ===----------------------------------------------------------------------===//


def block(**options):
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(8, 8), mdt.Dropout(0.3, **options), torch.nn.Tanh(),
                               mdt.AlphaDropout(0.2, **options), torch.nn.Linear(8, 8), torch.nn.Tanh())


def step(model, run, seed=6):
    torch.manual_seed(seed)
    x = torch.randn(5, 8, requires_grad=True)
    model.zero_grad()
    y = run(x)
    y.pow(2).sum().backward()
    return [y.detach(), x.grad] + [p.grad.clone() for p in model.parameters()] + [torch.rand(3)]


@reentrant
def test_checkpoint(use_reentrant):
    model = block()
    expected = step(model, model)
    got = step(model, lambda x: checkpoint(model, x, use_reentrant=use_reentrant))
    assert same(got, expected)
    # The gradients are those of the mask, not of any other.
    other = step(model, lambda x: checkpoint(model, x, use_reentrant=use_reentrant), seed=7)
    assert not same_bits(other[2], expected[2])
    # Nested, and twice the same module.
    got = step(model, lambda x: checkpoint(lambda x: checkpoint(model, x, use_reentrant=use_reentrant), x,
                                           use_reentrant=use_reentrant))
    assert same(got, expected)
    expected = step(model, lambda x: model(model(x)))
    got = step(model, lambda x: checkpoint(model, checkpoint(model, x, use_reentrant=use_reentrant),
                                           use_reentrant=use_reentrant))
    assert same(got, expected)


@reentrant
@pytest.mark.parametrize("make", [lambda: generator(3, 5), lambda: torch.Generator().manual_seed(5)],
                         ids=["ours", "torch"])
def test_checkpoint_with_generators(use_reentrant, make):
    first, second = make(), make()
    model = block(generator=first)
    reference = block(generator=second)
    for _ in range(3):
        expected = step(reference, lambda x: reference(reference(x)))
        got = step(model, lambda x: mdt.checkpoint(model, mdt.checkpoint(model, x, use_reentrant=use_reentrant),
                                                   use_reentrant=use_reentrant))
        assert same(got, expected)
    a, b = first.get_state(), second.get_state()
    assert torch.equal(a, b) if torch.is_tensor(a) else a == b
    # A function is told of them; without them it is torch's checkpoint.
    expected = step(reference, reference)
    got = step(model, lambda x: mdt.checkpoint(lambda x: model(x), x, generators=[first, first],
                                               use_reentrant=use_reentrant))
    assert same(got, expected)
    plain = block()
    assert same(step(plain, lambda x: mdt.checkpoint(plain, x, use_reentrant=use_reentrant)), step(plain, plain))


def test_checkpoint_refuses_what_are_no_generators():
    for generators in ([3], None, [None], generator(1)):
        with pytest.raises(TypeError, match="expected generators to be a list of generators, but got"):
            mdt.checkpoint(torch.nn.Identity(), torch.ones(2, requires_grad=True), use_reentrant=False,
                           generators=generators)


@reentrant
def test_torchs_checkpoint_with_a_generator_is_an_error_not_another_mask(use_reentrant):
    g = generator(3, 5)
    model = block(generator=g)
    with pytest.raises(RuntimeError, match="mlir_dropout.torch.checkpoint"):
        step(model, lambda x: checkpoint(model, x, use_reentrant=use_reentrant))
    assert g.offset == 7  # The forward's two draws, no more.
    # Afterwards all is as before.
    step(model, model)
    assert g.offset == 9


# ===----------------------------------------------------------------------===//
# Threads
# ===----------------------------------------------------------------------===//


def test_threads_draw_different_masks():
    results, errors = [[] for _ in range(8)], []
    module, g = mdt.Dropout(0.5), generator(5)

    def run(index):
        try:
            x = torch.ones(64, requires_grad=bool(index % 2))
            for _ in range(100):
                results[index].append((module(x) != 0).tolist())
                results[index].append((F.dropout(x, 0.5, generator=g) != 0).tolist())
                in_place = torch.ones(64)
                F.dropout(in_place, 0.5, True, True)
                results[index].append((in_place != 0).tolist())
        except Exception as error:  # noqa: BLE001: reported below
            errors.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    masks = [tuple(m) for r in results for m in r]
    assert len(masks) == len(set(masks)) == 2400
    assert g.offset == 800


def test_the_kernels_of_a_call_run_without_the_interpreters_lock():
    x = torch.ones(1 << 24)
    counted, stop = [0], threading.Event()

    def count():
        while not stop.is_set():
            counted[0] += 1

    F.dropout(x)
    thread = threading.Thread(target=count)
    thread.start()
    before = counted[0]
    for _ in range(5):
        F.dropout(x)
    during = counted[0] - before
    stop.set()
    thread.join()
    assert during > 1000


def test_many_calls_leave_no_memory_behind():
    resource = pytest.importorskip("resource", reason="hardware: no resource module on this system")
    x, a = torch.ones(16), torch.ones(16, requires_grad=True)
    module, in_place = mdt.Dropout(0.5), mdt.AlphaDropout(0.5, inplace=True)

    def run(count):
        for _ in range(count):
            module(x)
            module(a).sum().backward()
            a.grad = None
            in_place(x)
            in_place(a * 1).sum().backward()
            a.grad = None
            x.fill_(1.0)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    before = run(5000)
    assert run(20000) - before < 2000  # KiB; 100 bytes lost per call would be 8000.
