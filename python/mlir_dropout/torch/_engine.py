# ===- _engine.py - What every function and module here runs on ------------===//
#
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""A training call: draw seed and offset, run the kernel, tell autograd.

An ordinary tensor takes the short way: ``train`` draws, calls the compiled
kernel on the tensor's memory and, if a gradient is wanted, leaves an
``autograd.Function`` behind that holds seed, offset and options, no tensor.

Everything else (``torch.compile``, fake and functional tensors, subclasses,
dispatch modes, ``torch.func``, forward-mode differentiation, ``jit.trace``) is
sorted out by ``_special``, mostly into the operators of ``_operators``.
"""

from __future__ import annotations

import contextlib
import contextvars
import copy
import secrets
import sys
import weakref
from typing import Any, Optional, Tuple

import torch
from torch import Tensor
from torch.autograd import Function, forward_ad

from .._native import _core

ELEMENT: int = int(_core.ELEMENT)
CHANNEL: int = int(_core.CHANNEL)
ALPHA: int = int(_core.ALPHA)
FEATURE_ALPHA: int = int(_core.FEATURE_ALPHA)
FORWARD: int = int(_core.FORWARD)
BACKWARD: int = int(_core.BACKWARD)
MASK: int = int(_core.MASK)

FLOAT_TYPES = frozenset((torch.float16, torch.bfloat16, torch.float32, torch.float64))

_apply = _core.apply
_empty_like = torch.empty_like
_is_grad_enabled = torch.is_grad_enabled
_get_tracing_state = torch._C._get_tracing_state
_strided = torch.strided

# ===----------------------------------------------------------------------===//
# What this PyTorch has
# ===----------------------------------------------------------------------===//


def _never() -> bool:
    return False


# True while Dynamo traces, at the time of tracing.
is_compiling = getattr(getattr(torch, "compiler", None), "is_compiling", None) or getattr(
    getattr(torch, "_dynamo", None), "is_compiling", _never)

_transforms_active = getattr(torch._C, "_are_functorch_transforms_active", _never)

_mode_depth = getattr(torch._C, "_len_torch_dispatch_stack", _never)

#: Set by ``_operators`` where torch.library can hold our operators (2.4 on).
operators: Any = None


def _probe_keys():
    """The dispatch keys of a tensor, where they can be compared."""
    keys = getattr(torch._C, "_dispatch_keys", None)
    if keys is None:
        return None
    a, b = torch.empty(0, device="cpu"), torch.empty(0, device="cpu")
    same = keys(a) == keys(b)
    other = keys(a) == keys(torch.empty(0, device="meta"))
    return keys if same is True and other is False else None


_keys = _probe_keys()

if _keys is not None:
    _PLAIN_KEYS = _keys(torch.empty(0, device="cpu"))
    with torch.inference_mode():
        _INFERENCE_KEYS = _keys(torch.empty(0, device="cpu"))

    def _is_plain(x: Tensor) -> bool:
        """Whether x is a dense tensor in CPU memory and nothing more: no
        subclass with a dispatch of its own, nothing fake, functional, batched,
        sparse or lazily negated."""
        k = _keys(x)
        return k == _PLAIN_KEYS or k == _INFERENCE_KEYS

else:
    _is_functional = getattr(torch, "_is_functional_tensor", None) or (lambda x: False)
    _OWN_DISPATCH = (None, Tensor.__torch_dispatch__, torch._C._disabled_torch_dispatch_impl)

    def _is_plain(x: Tensor) -> bool:
        """Whether x is a dense tensor in CPU memory and nothing more: no
        subclass with a dispatch of its own, nothing fake, functional, batched,
        sparse or lazily negated."""
        return (x.is_cpu and x.layout is _strided and not x.is_neg() and not x._is_zerotensor()
                and not _is_functional(x) and (x.__class__ is Tensor or x.__class__.__torch_dispatch__ in _OWN_DISPATCH)
                and ("functorch" not in sys.modules or "FuncTorch" not in str(torch._C._dispatch_keys(x))))


if hasattr(torch.autograd.graph, "increment_version"):
    _increment_version = torch.autograd.graph.increment_version
else:

    class _Touch(Function):
        """Marks x as written and does nothing else."""

        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx, dy):
            return dy

    # For an x that wants no gradient, or where none are computed.
    _increment_version = _Touch.apply


# ===----------------------------------------------------------------------===//
# Seed and offset
# ===----------------------------------------------------------------------===//

_LOWEST = -(2**63)
_CPU = torch.device("cpu")

# Tensors of two numbers for draws to land in. A draw takes one out and puts it
# back, so that neither another thread nor a re-entry can share it.
_buffers: list = []


def _new_buffer() -> Tensor:
    with torch.inference_mode(False):
        return torch.empty(2, dtype=torch.int64, device=_CPU)


def draw(generator=None) -> Tuple[int, int]:
    """Seed and offset of one training call, as signed 64-bit numbers.

    Without a generator, or with one of PyTorch's: two random 64-bit numbers, all
    bits of them, in one draw. With one of ours: its next reservation.
    """
    if generator is None:
        return tuple(_new_buffer().random_(_LOWEST, None).tolist())
    if in_backward() and not replaying.get():
        raise RuntimeError("expected no draw from a generator of the user inside of a backward pass, but "
                           "torch.utils.checkpoint, or something like it, runs a forward again: it repeats the draws "
                           "of PyTorch's own generator only, and gradients would be of another mask. Use "
                           "mlir_dropout.torch.checkpoint, or no generator")
    if isinstance(generator, torch.Generator):
        return tuple(_new_buffer().random_(_LOWEST, None, generator=generator).tolist())
    return generator.reserve()


#: True while ``mlir_dropout.torch.checkpoint`` runs a forward again.
replaying: "contextvars.ContextVar[bool]" = contextvars.ContextVar("replaying", default=False)

if hasattr(torch._C, "_current_graph_task_id"):

    def in_backward() -> bool:
        """Whether this thread is in the midst of a backward pass."""
        return torch._C._current_graph_task_id() != -1

else:

    def in_backward() -> bool:
        """Whether a checkpoint of PyTorch runs a forward again in this thread."""
        frame = sys._getframe(2)
        while frame is not None:
            code = frame.f_code
            if code.co_name in ("backward", "unpack") and code.co_filename.endswith("torch/utils/checkpoint.py"):
                return True
            frame = frame.f_back
        return False


def check_generator(generator) -> None:
    """Raises unless it is None or something that ``draw`` can use."""
    if generator is None:
        return
    if isinstance(generator, torch.Generator):
        if generator.device.type != "cpu":
            raise ValueError(f"expected generator to be on the CPU, but got one on {generator.device}")
        return
    if not callable(getattr(generator, "reserve", None)):
        raise TypeError("expected generator to be a mlir_dropout.Generator or a torch.Generator, but got "
                        f"{type(generator).__name__}")


# ===----------------------------------------------------------------------===//
# What a module remembers of its last training call
# ===----------------------------------------------------------------------===//


# The options of a call travel as one tuple:
#     (kind, p, seed, offset, mask_dims, rounds, resolution)
# A module remembers its last call as (shape, options): its mask can be made again.


def kernel(op: int, x: Optional[Tensor], out: Tensor, options) -> None:
    """Runs a kernel on tensors that are plain."""
    kind, p, seed, offset, mask_dims, rounds, resolution = options
    _apply(op, kind, x, out, p, seed, offset, mask_dims, rounds, resolution)


def mask_of(last) -> Tensor:
    """The keep mask of a remembered call."""
    shape, options = last
    out = torch.empty(tuple(shape), dtype=torch.bool, device=_CPU)
    kernel(MASK, None, out, options)
    return out


_records: "weakref.WeakValueDictionary[int, Record]" = weakref.WeakValueDictionary()


def find_record(number: int) -> "Optional[Record]":
    """The record of a number, if its module is still there."""
    return _records.get(number)


class Record:
    """A module's generator and its last training call.

    A compiled graph can't hold a Python object. It holds ``handle``, a tensor
    with the number of this record, and the operator that draws looks it up when
    it runs: so no graph is compiled for one module's number.
    """
    __slots__ = ("generator", "last", "number", "handle", "__weakref__")

    def __init__(self, generator=None, last=None):
        self.generator = generator
        self.last = last
        # Not counted: a graph that is saved and loaded elsewhere must not find another module's.
        self.number = secrets.randbits(63)
        with torch.inference_mode(False):
            self.handle = torch.tensor([self.number], dtype=torch.int64, device=_CPU)
        _records[self.number] = self

    def __deepcopy__(self, memo):
        return Record(_copy_generator(self.generator, memo), self.last)

    def __copy__(self):
        return Record(self.generator, self.last)

    def __reduce__(self):
        if isinstance(self.generator, torch.Generator) and not _GENERATORS_PICKLE:
            return _load_record, (self.generator.get_state(), self.last)
        return Record, (self.generator, self.last)


# Old versions of PyTorch can't pickle a generator, nor copy one.
_GENERATORS_PICKLE = "__reduce__" in vars(torch.Generator)


def _copy_generator(generator, memo):
    """A copy, one for all modules of a model that share it."""
    if not isinstance(generator, torch.Generator):
        return copy.deepcopy(generator, memo)
    if id(generator) not in memo:
        memo[id(generator)] = _load_generator(generator.get_state())
    return memo[id(generator)]


def _load_generator(state: Tensor) -> torch.Generator:
    generator = torch.Generator()
    generator.set_state(state)
    return generator


def _load_record(state: Tensor, last) -> Record:
    return Record(_load_generator(state), last)


# The record of the module that is being called, while its input's own
# __torch_function__ decides what happens.
_current_record: "contextvars.ContextVar[Optional[Record]]" = contextvars.ContextVar("record", default=None)


@contextlib.contextmanager
def recording(record: Record):
    """A block in which training calls are those of a record's module."""
    token = _current_record.set(record)
    try:
        yield
    finally:
        _current_record.reset(token)


# ===----------------------------------------------------------------------===//
# Autograd
# ===----------------------------------------------------------------------===//


def linear(dy: Tensor, options) -> Tensor:
    """The gradient of a call, dy by the mask and the scale: a linear map that
    is its own transpose."""
    if is_compiling() or not _is_plain(dy) or _mode_depth() or forward_ad._current_level >= 0 or _transforms_active():
        return _linear_special(dy, options)
    if dy.requires_grad and _is_grad_enabled():
        return DropoutGradient.apply(dy, options)
    kind, p, seed, offset, mask_dims, rounds, resolution = options
    out = _empty_like(dy)
    _apply(BACKWARD, kind, dy, out, p, seed, offset, mask_dims, rounds, resolution)
    return out


class Dropout(Function):
    """Dropout into new memory. Saves no tensor."""

    @staticmethod
    def forward(ctx, x, options):
        ctx.options = options
        kind, p, seed, offset, mask_dims, rounds, resolution = options
        out = _empty_like(x)
        _apply(FORWARD, kind, x, out, p, seed, offset, mask_dims, rounds, resolution)
        return out

    @staticmethod
    def backward(ctx, dy):
        return linear(dy, ctx.options), None

    @staticmethod
    def jvp(ctx, dx, _):
        return linear(dx, ctx.options)


# PyTorch's apply without the look at torch.func's transforms, which `train` has had.
_apply_dropout = super(Function, Dropout).apply


class DropoutGradient(Function):
    """The gradient, as something that has a gradient: itself."""

    @staticmethod
    def forward(ctx, dy, options):
        ctx.options = options
        out = _empty_like(dy)
        kernel(BACKWARD, dy, out, options)
        return out

    @staticmethod
    def backward(ctx, ddx):
        return linear(ddx, ctx.options), None

    @staticmethod
    def jvp(ctx, ddy, _):
        return linear(ddy, ctx.options)


class DropoutInPlace(Function):
    """Dropout in place. ``apply`` only lets PyTorch check that x may be written
    and puts this node into the graph; the caller then draws and writes."""

    @staticmethod
    def forward(ctx, x, node):
        node.append(ctx)
        ctx.mark_dirty(x)
        return x

    @staticmethod
    def backward(ctx, dy):
        return linear(dy, ctx.options), None


# ===----------------------------------------------------------------------===//
# A training call
# ===----------------------------------------------------------------------===//


def train(kind: int, x: Tensor, p: float, inplace: bool, generator, rounds: int, resolution: int,
          mask_dims: Optional[Tuple[int, ...]], record: Optional[Record]) -> Tensor:
    """Dropout in training mode. p has been checked against [0, 1], mask_dims
    against the rank of x."""
    if is_compiling():
        return _traced(kind, x, p, inplace, generator, rounds, resolution, mask_dims, record)
    if p.__class__ is not float:
        p = float(p)
    if record is None:
        record = _current_record.get()
    if record is not None:
        generator = record.generator
    if rounds != 10 or resolution != 16:
        check_options(rounds, resolution, p)
    if (not _is_plain(x) or _mode_depth() or forward_ad._current_level >= 0 or _transforms_active()
            or _get_tracing_state() is not None):
        return _special(kind, x, p, inplace, generator, rounds, resolution, mask_dims, record)
    dtype = x.dtype
    if p != 0.0 and dtype not in FLOAT_TYPES:
        check_type(x)
    grad = x.requires_grad and _is_grad_enabled()
    # p = 0 returns the input object itself, of any type, as PyTorch does.
    node = _claim(x, grad) if inplace and p != 0.0 else None
    if generator is None:
        try:
            buffer = _buffers.pop()
        except IndexError:
            buffer = _new_buffer()
        seed, offset = buffer.random_(_LOWEST, None).tolist()
        _buffers.append(buffer)
    else:
        seed, offset = draw(generator)
    options = (kind, p, seed, offset, mask_dims, rounds, resolution)
    if p == 0.0:
        y = x
    elif inplace:
        y = x
        if node is not None:
            node.options = options
        kernel(FORWARD, x, x, options)
    elif grad:
        y = _apply_dropout(x, options)
    else:
        y = _empty_like(x)
        _apply(FORWARD, kind, x, y, p, seed, offset, mask_dims, rounds, resolution)
    if record is not None:
        record.last = x.shape, options
    return y


def _claim(x: Tensor, grad: bool):
    """Everything that PyTorch says against writing to x, before anything is
    drawn or written. Counts the write. Returns the node in the graph, or None."""
    check_writable(x)
    if not grad:
        if not x.is_inference():
            _increment_version(x)
        elif not torch.is_inference_mode_enabled():
            raise RuntimeError("Inplace update to inference tensor outside InferenceMode is not allowed."
                               "You can make a clone to get a normal tensor before doing inplace update."
                               "See https://github.com/pytorch/rfcs/pull/17 for more details.")
        return None
    check_leaf(x)
    nodes: list = []
    DropoutInPlace.apply(x, nodes)
    return nodes[0]


def check_leaf(x: Tensor) -> None:
    """Raises if x, which wants a gradient, is or looks into what autograd doesn't
    let anybody write to: a leaf, or one of the several views of unbind or split.

    ``apply`` would find out, too, but only after it has counted the write.
    """
    if x._is_view():
        if not _is_view_of_a_result(x):
            _let_torch_refuse(x)
    elif x.is_leaf:
        raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")


# Nodes of views that come several at once.
_SEVERAL_VIEWS = ("Unbind", "Split", "Chunk", "TensorSplit", "Unsafe")


def _is_view_of_a_result(x: Tensor) -> bool:
    """Whether x surely is a view, by PyTorch's own operators of one view each, of
    what an operator has computed."""
    end, node = x._base.grad_fn, x.grad_fn
    while end is not None and node is not None:
        if node is end:
            return True
        name = node.name()
        if not name[-1].isdigit() or name.startswith(_SEVERAL_VIEWS):
            return False
        node = node.next_functions[0][0]
    return False


def _let_torch_refuse(x: Tensor) -> None:
    """Raises what PyTorch raises for any write to x, if it does.

    An addition whose shapes don't fit fails after that check and before it does
    anything.
    """
    try:
        x.add_(torch.empty(x.shape[-1] + 2 if x.dim() else 2, dtype=x.dtype, device=x.device))
    except RuntimeError as error:
        if "match" not in str(error):
            raise error from None


def check_writable(x: Tensor) -> None:
    """Raises if two elements of x share their memory."""
    if x.is_contiguous():
        return
    reach = 0
    for stride, size in sorted(zip(x.stride(), x.shape)):
        if size < 2:
            continue
        if stride == 0:
            raise RuntimeError("unsupported operation: more than one element of the written-to tensor refers to a "
                               "single memory location. Please clone() the tensor before performing the operation.")
        if stride <= reach:  # Rows that lie into each other, with or without a meeting: the kernels know.
            _apply(FORWARD, ELEMENT, x, x, 0.0, 0, 0, None)
            return
        reach += stride * (size - 1)


def check_type(x: Tensor) -> None:
    """Raises unless x has an element type that dropout can act on."""
    if x.dtype not in FLOAT_TYPES:
        raise TypeError("expected an input of type float16, bfloat16, float32 or float64 in training, but got "
                        f"{x.dtype}")


def check_options(rounds: int, resolution: int, p: float) -> None:
    """Raises unless rounds and resolution are ones that there are, for this p."""
    if rounds not in (7, 10):
        raise ValueError(f"expected rounds to be 10 or 7, but got {rounds!r}")
    if resolution not in (8, 16):
        raise ValueError(f"expected resolution to be 16 or 8, but got {resolution!r}")
    if resolution == 8 and 0.0 < p < 1.0 and not 0 < round(p * 256) < 256:
        raise ValueError(f"expected p to be 0, 1 or to round to 1/256 ... 255/256 with resolution 8, but got {p}")


# ===----------------------------------------------------------------------===//
# Everything but plain tensors
# ===----------------------------------------------------------------------===//


def _special(kind, x, p, inplace, generator, rounds, resolution, mask_dims, record):
    """A training call on something that isn't a plain tensor, or at a time when
    more than the plain tensor has to be dealt with."""
    if x.layout is not _strided:
        raise TypeError(f"expected a dense input, but got one of layout {x.layout}")
    if x.device.type not in ("cpu", "meta"):
        raise ValueError(f"expected an input in CPU memory, but got a tensor on {x.device}")
    if p != 0.0:
        check_type(x)
    if _get_tracing_state() is not None:
        raise RuntimeError("expected no torch.jit.trace around dropout in training, which would trace one mask: trace "
                           "in eval mode, or mlir_dropout.torch.unpatch the model first")
    if _transforms_active():
        return _under_transforms(kind, x, p, inplace, generator, rounds, resolution, mask_dims, record)
    lazy = not is_fake(x) and x.is_cpu and (x.is_neg() or x._is_zerotensor())
    if lazy or forward_ad._current_level >= 0:
        # Out of place on memory that says what it means; PyTorch's own copy_
        # does what being in place asks for.
        if inplace and p != 0.0:
            check_writable(x)
            if x.requires_grad and _is_grad_enabled():
                check_leaf(x)
        if not lazy and _is_plain(x) and not _mode_depth():
            seed, offset = draw(generator)
            options = (kind, p, seed, offset, mask_dims, rounds, resolution)
            y = x if p == 0.0 else Dropout.apply(x, options)
            if record is not None:
                record.last = x.shape, (kind, p, seed, offset, mask_dims, rounds, resolution)
        elif lazy:
            y = train(kind, x if p == 0.0 else materialize(x), p, False, generator, rounds, resolution, mask_dims,
                      record)
        else:
            return _traced(kind, x, p, inplace, generator, rounds, resolution, mask_dims, record)
        return x if p == 0.0 else x.copy_(y) if inplace else y
    if operators is not None:
        return _traced(kind, x, p, inplace, generator, rounds, resolution, mask_dims, record)
    # No operators here: PyTorch before 2.4.
    if is_fake(x):
        if not _mode_depth():
            seed, offset = draw(generator)
            if record is not None:
                record.last = x.shape, (kind, p, seed, offset, mask_dims, rounds, resolution)
        return x if p == 0.0 or inplace else torch.empty_like(x)
    raise TypeError(f"expected a torch.Tensor that this PyTorch ({torch.__version__}) can pass to an operator without "
                    f"torch.library (2.4 has it), but got {type(x).__name__} under "
                    f"{_mode_depth()} dispatch modes")


def is_fake(x: Tensor) -> bool:
    """Whether x has a shape and a type and no elements."""
    return x.is_meta or any(c.__name__ == "FakeTensor" for c in type(x).__mro__)


def materialize(x: Tensor) -> Tensor:
    """x with its pending negation done and its zeros written."""
    if x._is_zerotensor():
        x = x.clone()
    return x.resolve_neg()


def _linear_special(dy: Tensor, options) -> Tensor:
    kind, p, seed, offset, mask_dims, rounds, resolution = options
    if _transforms_active():
        state = as_state(seed, offset)
        return Transformed.apply(dy, state, BACKWARD, (kind, p, mask_dims, rounds, resolution))
    if not is_compiling() and not is_fake(dy) and dy.is_cpu:
        if dy.is_neg() or dy._is_zerotensor():
            return linear(materialize(dy), options)
        if _is_plain(dy) and (operators is None or not _mode_depth()):
            return DropoutGradient.apply(dy, options)
    if operators is not None:
        state = as_state(seed, offset)
        return operators.backward(dy, state, p, kind, mask_dims, rounds, resolution)
    if is_fake(dy):
        return torch.empty_like(dy)
    raise TypeError(f"expected a gradient that is a dense tensor in CPU memory, but got {type(dy).__name__} on "
                    f"{dy.device}")


def _signed(value: int) -> int:
    """A 64-bit number as the int64 with its bits."""
    value &= 2**64 - 1
    return value - 2**64 if value >= 2**63 else value


def _traced(kind, x, p, inplace, generator, rounds, resolution, mask_dims, record):
    """A training call by way of the operators: what tracers see."""
    if operators is None:
        raise RuntimeError("expected PyTorch 2.4 or newer under torch.compile, which needs torch.library's custom "
                           f"operators, but got {torch.__version__}")
    p = float(p)
    check_options(rounds, resolution, p)
    if x.device.type not in ("cpu", "meta"):
        raise ValueError(f"expected an input in CPU memory, but got a tensor on {x.device}")
    if p != 0.0:
        check_type(x)
    fakes = None if is_compiling() else _fake_mode(x)
    if record is None and generator is not None:
        state = _draw_outside(generator)
    else:
        handle = record.handle if record is not None and (fakes is None or fakes.allow_non_fake_inputs) else None
        state = operators.draw(handle, p, x.shape, kind, mask_dims, rounds, resolution, device=_CPU)
    if fakes is not None and not is_fake(state):  # A fake tensor outside of its mode.
        state = fakes.from_tensor(state)
    if p == 0.0:
        return x
    y = operators.forward(x, state, p, kind, mask_dims, rounds, resolution)
    return x.copy_(y) if inplace else y


@getattr(getattr(torch, "compiler", None), "disable", lambda f: f)
def _draw_outside(generator) -> Tensor:
    """A draw from a generator that was passed to a function: between two
    graphs, since no graph can hold it. A module's generator has a handle."""
    return as_state(*draw(generator))


def as_state(seed: int, offset: int) -> Tensor:
    return torch.tensor([_signed(seed), _signed(offset)], dtype=torch.int64, device=_CPU)


def _fake_mode(x: Tensor):
    """The mode of a fake tensor, which only meets its like; None for others."""
    return torch._guards.detect_fake_mode(x) if is_fake(x) else None


# ===----------------------------------------------------------------------===//
# torch.func
# ===----------------------------------------------------------------------===//

if hasattr(Function, "setup_context"):

    class Transformed(Function):
        """Forward and its gradient, for torch.func's transforms."""

        @staticmethod
        def forward(x, state, op, options):
            kind, p, mask_dims, rounds, resolution = options
            if operators is not None and (not _is_plain(x) or _mode_depth()):
                call = operators.forward if op == FORWARD else operators.backward
                return call(x, state, p, kind, mask_dims, rounds, resolution)
            seed, offset = state.tolist()
            out = _empty_like(x)
            kernel(op, x, out, (kind, p, seed, offset, mask_dims, rounds, resolution))
            return out

        @staticmethod
        def setup_context(ctx, inputs, output):
            _, state, _, ctx.options = inputs
            ctx.save_for_backward(state)
            ctx.save_for_forward(state)

        @staticmethod
        def backward(ctx, dy):
            return Transformed.apply(dy, ctx.saved_tensors[0], BACKWARD, ctx.options), None, None, None

        @staticmethod
        def jvp(ctx, dx, *_):
            return Transformed.apply(dx, ctx.saved_tensors[0], BACKWARD, ctx.options)

        @staticmethod
        def vmap(info, in_dims, x, state, op, options):
            kind, p, mask_dims, rounds, resolution = options

            def call(x, state, kind, mask_dims):
                return Transformed.apply(x, state, op, (kind, p, mask_dims, rounds, resolution))

            return batch(call, info, in_dims, x, state, kind, mask_dims)


def batch(call, info, in_dims, x, state, kind, mask_dims):
    """A rule for vmap: ``call(x, state, kind, mask_dims)`` for every member of a
    batch, and the dimension of the result that they lie along."""
    x_dim, state_dim = in_dims[:2]
    if state_dim is None:
        # One mask for all: the batch is a dimension of x that the mask hasn't.
        if info.randomness == "different":
            raise RuntimeError("expected no generator under vmap with randomness='different'; let dropout draw from "
                               "PyTorch's own, or use randomness='same'")
        if mask_dims is None:
            mask_dims = (0, 1) if kind in (CHANNEL, FEATURE_ALPHA) else tuple(range(x.dim() - 1))
        kind = {ELEMENT: CHANNEL, ALPHA: FEATURE_ALPHA}.get(kind, kind)
        return call(x.movedim(x_dim, 0), state, kind, tuple(d + 1 for d in mask_dims)), 0
    state = state.movedim(state_dim, 0)
    members = [x] * info.batch_size if x_dim is None else x.movedim(x_dim, 0)
    return torch.stack([call(x, state, kind, mask_dims) for x, state in zip(members, state)]), 0


def _under_transforms(kind, x, p, inplace, generator, rounds, resolution, mask_dims, record):
    if not hasattr(Function, "setup_context"):
        raise RuntimeError("expected PyTorch 2.0 or newer for dropout under functorch's transforms, but got "
                           f"{torch.__version__}")
    if inplace and p != 0.0 and x.requires_grad and _is_grad_enabled():
        check_leaf(x)
    if generator is None:
        # Out of place, so that vmap decides whether all get the same; the flip
        # gives the bits that random_ gives outside of a transform.
        state = torch.randint(_LOWEST, 2**63 - 1, (2,), dtype=torch.int64, device=_CPU) ^ _LOWEST
    else:
        seed, offset = draw(generator)
        state = as_state(seed, offset)
    if record is not None:
        record.last = None
        try:
            numbers = state[0].item(), state[1].item()
            record.last = x.shape, (kind, p, *numbers, mask_dims, rounds, resolution)
        except RuntimeError:
            pass  # A batch of masks is none to remember.
    if p == 0.0:
        return x
    y = Transformed.apply(x, state, FORWARD, (kind, p, mask_dims, rounds, resolution))
    return x.copy_(y) if inplace else y
