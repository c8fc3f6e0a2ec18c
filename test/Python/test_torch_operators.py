# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The operators of mlir_dropout.torch where torch can hold some (2.4 on), and
# that nothing needs them where it can't. torch.compile itself: torch_compile/.

import subprocess
import sys

import pytest
import torch

import mlir_dropout.torch as mdt
import mlir_dropout.torch.functional as F
from mlir_dropout.torch import _draws, _operators
from torch_cases import FUNCTIONS, core_mask, ours, outcome, same_bits

HAS_OPERATORS = all(hasattr(torch.library, name) for name in ("register_fake", "register_autograd"))


def test_operators_are_there_where_torch_can_hold_them():
    version = tuple(int(part) for part in torch.__version__.split(".")[:2])
    assert HAS_OPERATORS == (version >= (2, 4))
    assert (_operators.operators is not None) == HAS_OPERATORS
    namespace = torch.ops.mlir_dropout
    for name in ("draw", "forward", "backward"):
        assert hasattr(namespace, name) == HAS_OPERATORS
    # Eager calls don't go through them.
    torch.manual_seed(0)
    with torch.autograd.profiler.profile() as profile:
        x = torch.ones(8, requires_grad=True)
        F.dropout(x).sum().backward()
        mdt.Dropout(inplace=True)(torch.ones(8))
    assert not [event for event in profile.function_events if event.name.startswith("mlir_dropout::")]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_operators_give_what_functions_give(name):
    shape = {"dropout2d": (4, 3, 2, 2), "dropout3d": (4, 3, 2, 1, 2)}.get(name, (4, 3, 2))
    kind = {"dropout": 0, "alpha_dropout": 2, "feature_alpha_dropout": 3}.get(name, 1)
    x = torch.randn(shape, requires_grad=True)
    expected = ours(name)(x)
    expected.sum().backward()
    if not HAS_OPERATORS:
        # What asks for them says so; plain tensors and those without elements don't.
        from torch.utils._python_dispatch import TorchDispatchMode

        class Pass(TorchDispatchMode):

            def __torch_dispatch__(self, function, types, args=(), kwargs=None):
                return function(*args, **(kwargs or {}))

        with Pass():
            got, _ = outcome(lambda: ours(name)(x))
        assert got[0] is TypeError and torch.__version__ in got[1] and "2.4" in got[1]
        assert ours(name)(torch.empty(shape, device="meta")).shape == shape
        return
    operators = torch.ops.mlir_dropout
    state = torch.tensor([7, 0])
    a = x.detach().clone().requires_grad_()
    y = operators.forward(a, state, 0.5, kind, None, 10, 16)
    y.sum().backward()
    assert same_bits(y.detach(), expected.detach()) and same_bits(a.grad, x.grad)
    dx = operators.backward(torch.ones(shape), state, 0.5, kind, None, 10, 16)
    assert same_bits(dx, x.grad)
    torch.manual_seed(4)
    state = operators.draw(None, 0.5, shape, kind, None, 10, 16, device=torch.device("cpu"))
    torch.manual_seed(4)
    assert state.tolist() == list(_draws.draw())


def test_torch_is_only_needed_here():
    program = """
import sys
sys.modules["torch"] = None
import mlir_dropout
assert not [name for name in sys.modules if name.startswith("mlir_dropout.torch")]
try:
    import mlir_dropout.torch
except ImportError as error:
    print(error)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "mlir_dropout.torch needs PyTorch" in run.stdout and "pip install torch" in run.stdout
    run = subprocess.run([sys.executable, "-c", "import mlir_dropout, sys; print('torch' in sys.modules)"],
                         capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_masks_are_the_contracts():
    y = F.dropout(torch.ones(1 << 20), 0.3, generator=__import__("mlir_dropout").Generator(42, 7))
    assert (y != 0).sum().item() == 733411
    assert torch.equal(y != 0, core_mask((1 << 20,), 0.3, 42, 7))
