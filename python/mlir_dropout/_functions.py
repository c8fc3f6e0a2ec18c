# ===- _functions.py - Dropout on arrays -----------------------------------===//
#
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""The four value ops, their gradients and their masks, on arrays.

The formulas are those of the contract (docs/DropoutDialect.md). With q = 1 - p and
s = 1/q, rounded to the type that is computed in, where an element is kept or dropped:

============================  ===============  =======
function                      kept             dropped
============================  ===============  =======
`element`, `channel`          s x              0
`alpha`, `feature_alpha`      a x + b          a α' + b
gradient of the first two     s dy             0
gradient of the other two     a dy             0
============================  ===============  =======

α' = -1.7580993408473768, a = 1/sqrt(q + α'² q p), b = -a p α' (Klambauer et al.,
"Self-Normalizing Neural Networks", 2017). p = 1 gives 0 everywhere; p = 0 and
evaluation give x bit for bit. A dropped NaN or infinity does not leak.
"""

from __future__ import annotations

import operator as _operator
from typing import Any, Optional, Sequence, Tuple

from ._generator import Generator
from ._native import _core

__all__ = ["alpha", "backward", "channel", "element", "feature_alpha", "mask"]

#: The default of `mask_dims`: what is dropped at once lies behind these dims.
BATCH_AND_CHANNEL = (0, 1)

Position = Tuple[Sequence[int], Sequence[int]]

_KINDS = {
    "element": _core.ELEMENT,
    "channel": _core.CHANNEL,
    "alpha": _core.ALPHA,
    "feature_alpha": _core.FEATURE_ALPHA,
}
_FORWARD, _BACKWARD = _core.FORWARD, _core.BACKWARD
_ELEMENT, _CHANNEL, _ALPHA, _FEATURE_ALPHA = _KINDS.values()
_run = _core.run


def _run_with(operation, kind, x, p, mask_dims, seed, offset, generator, training, rounds, resolution, out, inplace,
              return_mask, position):
    if generator is not None:
        if not isinstance(generator, Generator):
            raise TypeError("expected generator to be a mlir_dropout.Generator, but got %r" % (generator,))
        generator = generator._state
    if mask_dims is BATCH_AND_CHANNEL:  # Not stated, which errors should not claim.
        mask_dims = None
    first = full = None
    if position is not None:
        first, full = _split(position)
    return _run(operation, kind, x, p, mask_dims, seed, offset, generator, training, rounds, resolution, out, inplace,
                return_mask, first, full)


def _split(position):
    try:
        first, full = position
    except (TypeError, ValueError):
        first = full = None
    if first is None or full is None:
        raise TypeError("expected position to be a pair (offsets, full shape), but got %r" % (position,))
    return first, full


def element(
    x: Any,
    p: float = 0.5,
    *,
    seed: Optional[int] = None,
    offset: Optional[int] = None,
    generator: Optional[Generator] = None,
    training: Optional[bool] = None,
    rounds: int = 10,
    resolution: int = 16,
    out: Any = None,
    inplace: bool = False,
    return_mask: bool = False,
    position: Optional[Position] = None,
) -> Any:
    """Drops each element of `x` with probability `p` and multiplies the others by 1/(1 - p).

    Args:
        x: array of any shape and strides, of float16, bfloat16, float32 or float64:
            NumPy's, torch's on the CPU, or anything with DLPack or the buffer protocol.
        p: probability to drop, in [0, 1].
        seed, offset: what the mask is made from, both in [0, 2**64); offset is 0 if only
            the seed is given. Nothing is drawn then.
        generator: where seed and offset come from otherwise; by default the process's
            generator. A call in training takes exactly one offset, whatever its shape
            and p, and one in evaluation none.
        training: False for evaluation, which gives a copy of x. By default the mode of
            the process (see `mlir_dropout.training`).
        rounds: of Philox4x32: 10, or 7, which is cheaper.
        resolution: bits of a draw: 16 (p is exact to 2**-32), or 8, which is cheaper and
            takes p as a multiple of 1/256.
        out: array to write to, of x's shape and type, x itself or apart from it.
        inplace: writes to x.
        return_mask: returns (y, mask), mask being the keep mask as booleans.
        position: (offsets, full shape) if x is a slice of a bigger array: its first
            element's index there, and the bigger array's shape. The slice gets its part
            of the bigger array's mask.

    Returns:
        An array of x's kind, shape, type and, for NumPy and torch, order in memory;
        `out` or `x` where those are written to.

    Raises:
        TypeError, ValueError: name the argument and its value; neither data nor
            generator has changed.

    Any number of threads may call; the interpreter's lock is released while a kernel
    runs. The first call for a type and layout compiles a kernel, or reads it from the
    file cache.

    >>> x = np.ones(8, np.float32)
    >>> element(x, 0.5, seed=0, offset=0)
    array([2., 0., 2., 2., 2., 2., 2., 2.], dtype=float32)
    >>> element(x[3:], 0.5, seed=0, offset=0, position=([3], [8]))  # the same, sliced
    array([2., 2., 2., 2., 2.], dtype=float32)
    >>> element(x, 0.5, training=False)
    array([1., 1., 1., 1., 1., 1., 1., 1.], dtype=float32)
    """
    if generator is None and position is None:
        return _run(_FORWARD, _ELEMENT, x, p, None, seed, offset, None, training, rounds, resolution, out, inplace,
                    return_mask, None, None)
    return _run_with(_FORWARD, _ELEMENT, x, p, None, seed, offset, generator, training, rounds, resolution, out,
                     inplace, return_mask, position)


def channel(
    x: Any,
    p: float = 0.5,
    *,
    mask_dims: Sequence[int] = BATCH_AND_CHANNEL,
    seed: Optional[int] = None,
    offset: Optional[int] = None,
    generator: Optional[Generator] = None,
    training: Optional[bool] = None,
    rounds: int = 10,
    resolution: int = 16,
    out: Any = None,
    inplace: bool = False,
    return_mask: bool = False,
    position: Optional[Position] = None,
) -> Any:
    """Drops whole channels of `x` with probability `p` and multiplies the others by
    1/(1 - p).

    `mask_dims` are the dims that have a draw of their own, in the order in which they
    index the mask: distinct, in [0, rank). (0, 1) stands for (batch, channel, ...),
    (0,) for an unbatched (channel, ...), (0, 3) for channels last (batch, height, width,
    channel), and (0,) on a batch for drop path. For all else see `element`; the mask of
    `return_mask` has the shape of x.

    >>> x = np.ones((2, 3, 2), np.float32)
    >>> channel(x, 0.5, seed=0, offset=1)[:, :, 0]
    array([[0., 2., 0.],
           [2., 2., 0.]], dtype=float32)
    """
    return _run_with(_FORWARD, _CHANNEL, x, p, mask_dims, seed, offset, generator, training, rounds, resolution, out,
                     inplace, return_mask, position)


def alpha(
    x: Any,
    p: float = 0.5,
    *,
    seed: Optional[int] = None,
    offset: Optional[int] = None,
    generator: Optional[Generator] = None,
    training: Optional[bool] = None,
    rounds: int = 10,
    resolution: int = 16,
    out: Any = None,
    inplace: bool = False,
    return_mask: bool = False,
    position: Optional[Position] = None,
) -> Any:
    """Alpha dropout: keeps mean 0 and variance 1 of self-normalising networks.

    Dropped elements are set to SELU's negative saturation and everything is scaled and
    shifted (the formulas are at the head of the module). The mask is that of `element`.
    For arguments, results and errors see `element`.

    >>> alpha(np.zeros(4, np.float32), 0.5, seed=0, offset=0)
    array([ 0.77919394, -0.77919394,  0.77919394,  0.77919394], dtype=float32)
    """
    return _run_with(_FORWARD, _ALPHA, x, p, None, seed, offset, generator, training, rounds, resolution, out, inplace,
                     return_mask, position)


def feature_alpha(
    x: Any,
    p: float = 0.5,
    *,
    mask_dims: Sequence[int] = BATCH_AND_CHANNEL,
    seed: Optional[int] = None,
    offset: Optional[int] = None,
    generator: Optional[Generator] = None,
    training: Optional[bool] = None,
    rounds: int = 10,
    resolution: int = 16,
    out: Any = None,
    inplace: bool = False,
    return_mask: bool = False,
    position: Optional[Position] = None,
) -> Any:
    """Alpha dropout of whole channels: the values of `alpha` with the mask of `channel`.

    For arguments, results and errors see `element` and `channel`.
    """
    return _run_with(_FORWARD, _FEATURE_ALPHA, x, p, mask_dims, seed, offset, generator, training, rounds, resolution,
                     out, inplace, return_mask, position)


def backward(
    dy: Any,
    p: float = 0.5,
    *,
    kind: str = "element",
    mask_dims: Optional[Sequence[int]] = None,
    seed: int,
    offset: int,
    training: bool = True,
    rounds: int = 10,
    resolution: int = 16,
    out: Any = None,
    inplace: bool = False,
    position: Optional[Position] = None,
) -> Any:
    """The gradient dx of a forward call with the same options, seed and offset.

    `kind` names the function: "element", "channel", "alpha" or "feature_alpha".
    `mask_dims` is by default that function's. The mask is drawn again, bit for bit. For
    the other arguments, results and errors see `element`; `dy` stands for x.

    >>> g = Generator(seed=0)
    >>> seed, offset = g.reserve()
    >>> y = element(np.ones(8, np.float32), 0.5, seed=seed, offset=offset)
    >>> backward(np.ones(8, np.float32), 0.5, seed=seed, offset=offset)
    array([2., 0., 2., 2., 2., 2., 2., 2.], dtype=float32)
    """
    if not isinstance(kind, str) or kind not in _KINDS:
        raise ValueError("expected kind to be 'element', 'channel', 'alpha' or 'feature_alpha', but got %r" % (kind,))
    if training is None:
        raise TypeError("expected training to be the mode of the forward call, but got None")
    if seed is None or offset is None:
        raise TypeError("expected seed and offset of the forward call, but got %r and %r" % (seed, offset))
    if mask_dims is not None and kind in ("element", "alpha"):
        raise ValueError("expected no mask_dims for kind %r, but got %r" % (kind, mask_dims))
    return _run_with(_BACKWARD, _KINDS[kind], dy, p, mask_dims, seed, offset, None, training, rounds, resolution, out,
                     inplace, False, position)


def mask(
    shape: Sequence[int],
    p: float = 0.5,
    *,
    mask_dims: Optional[Sequence[int]] = None,
    seed: Optional[int] = None,
    offset: Optional[int] = None,
    generator: Optional[Generator] = None,
    training: Optional[bool] = None,
    rounds: int = 10,
    resolution: int = 16,
    out: Any = None,
    position: Optional[Position] = None,
) -> Any:
    """The keep mask itself: True where a function with these arguments keeps.

    `shape` is that of the array (an int stands for one dim). `mask_dims` are the dims
    that index the mask, by default all; the mask repeats along the others. Returns a
    NumPy array of booleans, or `out`, which may be any array of booleans or bytes. For
    the other arguments and errors see `element`.

    >>> mask(8, 0.5, seed=0, offset=0)
    array([ True, False,  True,  True,  True,  True,  True,  True])
    """
    try:
        shape = (_operator.index(shape),)
    except TypeError:
        pass  # A sequence; anything else is refused below.
    if generator is not None:
        if not isinstance(generator, Generator):
            raise TypeError("expected generator to be a mlir_dropout.Generator, but got %r" % (generator,))
        generator = generator._state
    first = full = None
    if position is not None:
        first, full = _split(position)
    return _core.mask(shape, p, mask_dims, seed, offset, generator, training, rounds, resolution, out, first, full)
