# ===- _operators.py - Dropout as PyTorch operators ------------------------===//
#
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""The operators ``torch.ops.mlir_dropout.draw``, ``forward`` and ``backward``.

They are what a compiled graph holds: seed and offset are a tensor of two int64
that ``draw`` makes each time the graph runs, so ten steps of one graph are ten
masks. Needs torch.library as of PyTorch 2.4; with an older one, ``register``
does nothing.

A draw moves a generator, so no compiler may drop, repeat or reorder one. Newer
versions can be told that it has an effect (2.15 is tried): masks are then those
of eager mode. Older ones only know that it is random (2.4 is tried): they may
leave a draw out that nobody uses, as for p = 0, and Inductor may reorder draws in
a graph without gradients, so masks may be other calls' than in eager mode; a
graph that would repeat one in backward is refused when it runs.
"""

from __future__ import annotations

import sys
from typing import Optional, Type

import torch
from torch.autograd import forward_ad

from ._draws import as_state, draw, in_backward
from ._kernel import BACKWARD, FORWARD, kernel
from ._records import find_record
from ._vmap import batch

_OPTIONS = "float p, int kind, int[]? mask_dims, int rounds, int resolution"

_SCHEMAS = {
    # handle: the number of a module's record, or nothing. The other arguments
    # are what the record remembers of the call.
    "draw": "(Tensor? handle, float p, SymInt[] shape, int kind, int[]? mask_dims, int rounds, int resolution, *, "
            "Device device) -> Tensor",
    "forward": f"(Tensor x, Tensor state, {_OPTIONS}) -> Tensor",
    "backward": f"(Tensor dy, Tensor state, {_OPTIONS}) -> Tensor",
}


def _draw(handle, p, shape, kind, mask_dims, rounds, resolution, *, device):
    if not _Operators.has_effects and in_backward():
        _refuse_repetition()
    record = None if handle is None else find_record(handle.item())
    seed, offset = draw(None if record is None else record.generator)
    if record is not None:
        dims = None if mask_dims is None else tuple(mask_dims)
        record.last = tuple(shape), (kind, p, seed, offset, dims, rounds, resolution)
    return as_state(seed, offset)


def _refuse_repetition() -> None:
    """Raises if a compiled backward pass draws afresh, not from a saved state of
    the generator: its mask would not be the forward's."""
    frame = sys._getframe(2)
    while frame is not None:
        code = frame.f_code
        if code.co_filename.endswith(("torch/_prims/rng_prims.py", "torch/utils/checkpoint.py")):
            return
        if code.co_filename.endswith("_aot_autograd/runtime_wrappers.py") and "backward" in code.co_name:
            raise RuntimeError("expected a compiled backward pass to keep the forward's seed and offset, but it draws "
                               "again, and gradients would be of another mask; PyTorch does so to save memory: leave "
                               "torch._functorch.config.activation_memory_budget at 1")
        frame = frame.f_back


def _forward(x, state, p, kind, mask_dims, rounds, resolution):
    return _run(FORWARD, x, state, p, kind, mask_dims, rounds, resolution)


def _backward(dy, state, p, kind, mask_dims, rounds, resolution):
    return _run(BACKWARD, dy, state, p, kind, mask_dims, rounds, resolution)


def _run(op, x, state, p, kind, mask_dims, rounds, resolution):
    seed, offset = state.tolist()
    out = torch.empty_like(x)
    dims = None if mask_dims is None else tuple(mask_dims)
    kernel(op, x, out, (kind, p, seed, offset, dims, rounds, resolution))
    return out


def _draw_fake(handle, p, shape, kind, mask_dims, rounds, resolution, *, device):
    return torch.empty(2, dtype=torch.int64, device=device)


def _fake(x, state, p, kind, mask_dims, rounds, resolution):
    return torch.empty_like(x)


def _for_autograd(name):
    """The kernel of an operator for the key Autograd. Like that of
    torch.library.register_autograd, which drops tangents without a word."""
    from torch._functorch.utils import enable_single_level_autograd_function

    op = getattr(torch.ops.mlir_dropout, name).default

    # Not a Function: the dispatcher has dealt with torch.func's transforms by now.
    class Node(torch.autograd.function._SingleLevelFunction):
        """Forward, whose gradient is the same map of gradients and of tangents."""

        @staticmethod
        def forward(ctx, keyset, x, state, *options):
            ctx.options = options
            ctx.save_for_backward(state)
            ctx.save_for_forward(state)
            # A forward runs without gradients of either mode; transforms around this one have theirs.
            with torch.enable_grad(), forward_ad._set_fwd_grad_enabled(True), torch._C._AutoDispatchBelowAutograd():
                return op.redispatch(keyset & torch._C._after_autograd_keyset, x, state, *options)

        @staticmethod
        def backward(ctx, dy):
            (state,) = ctx.saved_tensors
            return (None, torch.ops.mlir_dropout.backward(dy, state, *ctx.options)) + (None,) * (1 + len(ctx.options))

        @staticmethod
        def jvp(ctx, _, dx, *others):
            return torch.ops.mlir_dropout.backward(dx, ctx.saved_tensors[0], *ctx.options)

    def kernel(keyset, *args):
        # Also without a gradient: a compiled graph does not say whether there are tangents.
        with enable_single_level_autograd_function():
            return Node.apply(keyset, *args)

    return kernel


def _vmap(op):

    def rule(info, in_dims, x, state, p, kind, mask_dims, rounds, resolution):
        dims = None if mask_dims is None else tuple(mask_dims)
        return batch(lambda x, state, kind, dims: op(x, state, p, kind, dims, rounds, resolution), info,
                             in_dims, x, state, kind, dims)

    return rule


def register() -> None:
    """Registers the operators, once."""
    global operators
    library = torch.library
    needed = ("register_autograd", "register_fake", "Library")  # Of 2.4, whose internals are used here.
    if operators is not None or not all(hasattr(library, name) for name in needed):
        return
    lib = library.Library("mlir_dropout", "DEF")
    tags = [torch.Tag.pt2_compliant_tag]
    # The kernels take any strides, but a graph must hold the ones that it was
    # made for: those of the output follow from them.
    exact = getattr(torch.Tag, "needs_exact_strides", None) or torch.Tag.needs_fixed_stride_order
    lib.define("draw" + _SCHEMAS["draw"], tags=[*tags, torch.Tag.nondeterministic_seeded])
    lib.define("forward" + _SCHEMAS["forward"], tags=[*tags, exact])
    lib.define("backward" + _SCHEMAS["backward"], tags=[*tags, exact])
    lib.impl("draw", _draw, "CompositeExplicitAutograd")
    lib.impl("forward", _forward, "CPU")
    lib.impl("backward", _backward, "CPU")
    library.register_fake("mlir_dropout::draw", _draw_fake, lib=lib)
    for name in ("forward", "backward"):
        library.register_fake(f"mlir_dropout::{name}", _fake, lib=lib)
        lib.impl(name, _for_autograd(name), "Autograd", with_keyset=True)
        if hasattr(library, "register_vmap"):
            library.register_vmap(f"mlir_dropout::{name}", _vmap(getattr(torch.ops.mlir_dropout, name)), lib=lib)
    _keep_order(lib)
    _Operators.library = lib
    operators = _Operators


def _keep_order(lib) -> None:
    """Has compilers keep every draw, in the order of the program, and not
    repeat one in backward: where PyTorch can be told so."""
    try:
        from torch._library.effects import EffectType
        lib._register_effectful_op("mlir_dropout::draw", EffectType.ORDERED)
    except (ImportError, AttributeError):
        return
    _Operators.has_effects = True


class _Operators:
    """The operators, as Python calls them."""
    library = None
    has_effects = False
    draw = staticmethod(lambda *args, **kwargs: torch.ops.mlir_dropout.draw(*args, **kwargs))
    forward = staticmethod(lambda *args: torch.ops.mlir_dropout.forward(*args))
    backward = staticmethod(lambda *args: torch.ops.mlir_dropout.backward(*args))


#: None where torch.library can't hold operators (before 2.4), and until `register` has been called.
operators: "Optional[Type[_Operators]]" = None
