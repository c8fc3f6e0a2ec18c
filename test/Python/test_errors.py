# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Wrong input raises TypeError or ValueError that names the argument and its
# value, and leaves data, mode and generator as they were.

import math

import ml_dtypes
import numpy as np
import pytest
from support import CHANNELS, KINDS, md, process_state, refused, same

X = np.arange(1, 13, dtype=np.float32).reshape(3, 4)
FUNCTIONS = {**KINDS, "backward": lambda x, p=.5, **options: md.backward(x, p, seed=1, offset=2, **options)}


class Says:
    """What has no use as anything."""

    def __repr__(self):
        return "<nonsense>"


def every(exception, says, *arguments, mask=True, **options):
    """All functions on arrays, from x to a new array and in place; and mask."""
    for function in FUNCTIONS.values():
        x = X.copy()
        refused(exception, says, function, x, *arguments, unchanged=[x], **options)
        if "out" not in options and "inplace" not in options:
            refused(exception, says, function, x, *arguments, inplace=True, unchanged=[x], **options)
            out = X * 2
            refused(exception, says, function, x, *arguments, out=out, unchanged=[x, out], **options)
    if mask:
        out = np.full(X.shape, 7, np.uint8)
        refused(exception, says, md.mask, X.shape, *arguments, unchanged=[out], **{"out": out, **options})


def test_p():
    for p, text in [(-.1, "-0.1"), (1.5, "1.5"), (np.nextafter(1, 2), "1.0000000000000002"), (-1e-300, "-1e-300"),
                    (math.inf, "inf"), (-math.inf, "-inf"), (math.nan, "nan"), (2, "2"), (-1, "-1"), (10**30, "1e+30"),
                    (np.float32(1.5), "1.5"), (np.array(1.5), "1.5")]:
        every(ValueError, ("p ", text), p)
        every(ValueError, ("p ", text), p, training=False)
        for function in FUNCTIONS.values():
            empty = X[:0]
            refused(ValueError, ("p ", text), function, empty, p)
    for p, text in [("0.5", "'0.5'"), (None, "None"), ([.5], "[0.5]"), (Says(), "<nonsense>"), (.5j, "0.5j"),
                    (np.array([.5, .5]), "array([0.5, 0.5])"), (b"x", "b'x'"), (10**400, "1000")]:
        every((TypeError, ValueError), ("p ", text), p)
    for p in (.001, 1 / 512, .9985):
        every(ValueError, ("p = " + repr(p), "resolution 8"), p, resolution=8)



def test_options():
    for name, good in (("rounds", "7 or 10"), ("resolution", "8 or 16")):
        for value in (0, -1, 9, 2**32 + 10, 2**64 + 10, 10**30, True):
            every(ValueError, (name, good, repr(value)), **{name: value})
        for value in ("10", 10.0, None, [10], Says()):
            every(TypeError, (name, repr(value)), **{name: value})
    for value in ("yes", "", Says(), [True], (), np.ones(2), {}):
        every(TypeError, ("training", "bool", repr(value)[:20]), training=value)
        for name in ("inplace", "return_mask"):
            for function in KINDS.values():
                refused(TypeError, (name, "bool", repr(value)[:20]), function, X, **{name: value})
    for name in ("inplace", "return_mask"):
        refused(TypeError, (name, "None"), md.element, X, **{name: None})
    for function in FUNCTIONS.values():
        out = X.copy()
        refused(TypeError, ("inplace", "out"), function, X, out=out, inplace=True, unchanged=[X, out])
        refused(TypeError, "potato", function, X, potato=1)
        refused(TypeError, "", function)
    refused(TypeError, "", md.element, X, .5, 1, 2)  # Seeds have names.


def test_mask_dims():
    for dims, exception, says in [
        ((0, 0), ValueError, ("mask_dims", "[0, 0]")), ((2,), ValueError, ("mask_dims", "[2]")),
        ((-1,), ValueError, ("mask_dims", "[-1]")), ((0, 1, 2), ValueError, ("mask_dims", "[0, 1, 2]")),
        ((2**63,), ValueError, ("mask_dims", str(2**63))), ((0.0,), TypeError, ("mask_dims", "(0.0,)")),
        (("0",), TypeError, ("mask_dims", "('0',)")), ("ab", TypeError, ("mask_dims", "'ab'")),
        (1, TypeError, ("mask_dims", "1")), (Says(), TypeError, ("mask_dims", "<nonsense>")),
        (range(65), ValueError, ("mask_dims", "64", "65")), ((None,), TypeError, ("mask_dims", "None")),
    ]:
        for kind in CHANNELS:
            x = X.copy()
            refused(exception, says, KINDS[kind], x, mask_dims=dims, inplace=True, unchanged=[x])
            refused(exception, says, md.backward, x, kind=kind, mask_dims=dims, seed=1, offset=2, inplace=True,
                    unchanged=[x])
        refused(exception, says, md.mask, X.shape, mask_dims=dims)
    for kind in CHANNELS:
        refused(ValueError, ("mask_dims", "[0, 1]"), KINDS[kind], X[0])
        refused(ValueError, ("mask_dims", "[0, 1]", "rank"), KINDS[kind], X[0], mask_dims=None)
        refused(ValueError, ("mask_dims", "[0, 1]", "rank"), md.backward, X[0], kind=kind, seed=1, offset=2)
    for kind in ("element", "alpha"):
        refused(ValueError, ("mask_dims", repr(kind), "(0,)"), md.backward, X, kind=kind, mask_dims=(0,), seed=1,
                offset=2)
        refused(TypeError, "mask_dims", KINDS[kind], X, mask_dims=(0,))
    for kind in ("potato", "", None, 3, ["element"], Says()):
        refused(ValueError, ("kind", "'element'", repr(kind)), md.backward, X, kind=kind, seed=1, offset=2)


def test_arrays():
    """What is no array, or has no elements of a type that dropout has, as x and as out."""
    floats = "float16, bfloat16, float32 or float64"
    wrong = [
        ([1.0, 2.0], TypeError, ("array", "list")), ((1.0,), TypeError, ("array", "tuple")), (1.0, TypeError, "float"),
        (None, TypeError, "NoneType"), ("text", TypeError, "str"), (Says(), TypeError, "Says"),
        (X.dtype, TypeError, "array"),
        (b"abcd", (TypeError, ValueError), "bytes"), (bytearray(8), TypeError, "bytearray"),
        (memoryview(bytearray(8)), TypeError, "memoryview"),
        (np.ones(4, object), TypeError, (floats, "object")), (np.array(["a"]), TypeError, (floats, "<U1")),
        (np.ones(4, complex), TypeError, (floats, "complex128")),
        (np.ones(4, np.longdouble), TypeError, (floats, "float")),
        (np.zeros(4, "M8[s]"), TypeError, (floats, "datetime64")), (np.zeros(4, "V4"), TypeError, (floats, "V4")),
        (np.zeros(4, [("a", "f4")]), TypeError, (floats, "'a'")), (np.ones(4, "S4"), TypeError, (floats, "S4")),
        (np.ones(4, ml_dtypes.float8_e4m3fn), TypeError, (floats, "float8_e4m3fn")),
        (np.ones(4, ml_dtypes.int4), TypeError, (floats, "int4")),
        *((np.ones(4, ">" + c), TypeError, ("byte order", ">" + c)) for c in ("f2", "f4", "f8")),
        (np.zeros(4, np.dtype(ml_dtypes.bfloat16).newbyteorder(">")), TypeError, "byte order"),
        (np.ma.array([1.0, 2.0], mask=[0, 1]), TypeError, ("mask", "MaskedArray of float64")),
        (np.frombuffer(bytearray(41), np.uint8)[1:].view(np.float64), ValueError, ("aligned", "8 bytes", "1 bytes")),
        (np.frombuffer(bytearray(41), np.uint8)[3:35].view(np.float32), ValueError, ("aligned", "4 bytes", "3 bytes")),
        (np.zeros(4, [("a", "f4"), ("b", "u1")])["a"], ValueError, ("strides", "5 bytes")),
        (np.zeros((2, 4), [("a", "f8"), ("b", "u4")])["a"], ValueError, ("strides", "12 bytes")),
    ]
    for array, exception, says in wrong:
        says = (says,) if isinstance(says, str) else says
        for function in FUNCTIONS.values():
            if function is FUNCTIONS["backward"]:
                refused(exception, ("dy", *says), function, array)
                continue
            refused(exception, ("x ", *says), function, array)
            refused(exception, ("x ", *says), function, array, inplace=True)
            if array is not None:
                # Some are of a type that no element has, some of another type than x.
                refused((*np.atleast_1d(exception), ValueError), "out", function, X, out=array, unchanged=[X])
    for dtype in (np.int8, np.uint8, np.int16, np.int32, np.int64, np.uint64, np.bool_):
        for function in FUNCTIONS.values():
            refused(TypeError, (floats, np.dtype(dtype).name), function, np.ones((2, 2), dtype))
    # Whatever the mode: evaluation of integers is an error as well.
    refused(TypeError, (floats, "int64"), md.element, np.ones(2, int), training=False)


def test_out():
    readonly = X.copy()
    readonly.flags.writeable = False
    for function in FUNCTIONS.values():
        x = X.copy()
        for out, exception, says in [
            (readonly, ValueError, ("out", "writable", "read-only ndarray of float32")),
            (np.broadcast_to(np.float32(1), X.shape), ValueError, ("out", "writable", "read-only")),
            (np.ones((4, 3), np.float32), ValueError, ("out", "[3, 4]", "[4, 3]")),
            (np.ones(12, np.float32), ValueError, ("out", "[3, 4]", "[12]")),
            (np.ones((3, 4, 1), np.float32), ValueError, ("out", "[3, 4]", "[3, 4, 1]")),
            (np.ones((3, 4)), ValueError, ("out", "f32", "f64")),
            (np.ones((3, 4), np.float16), ValueError, ("out", "f32", "f16")),
            (np.ones((3, 4), np.int32), ValueError, ("out", "f32", "i32")),
        ]:
            refused(exception, says, function, x, out=out, unchanged=[x, out])
        name = "dy" if function is FUNCTIONS["backward"] else "x"
        refused(ValueError, (name, "writable", "read-only ndarray of float32"), function, readonly, inplace=True,
                unchanged=[readonly])
        refused(ValueError, (name, "writable", "read-only"), function, memoryview(readonly), inplace=True)
        refused(ValueError, ("share memory", "[3, 4]", "[0, 1]"), function,
                np.lib.stride_tricks.as_strided(x, (3, 4), (0, 4)), inplace=True, unchanged=[x])
    for out, exception, says in [
        (np.zeros(4), TypeError, ("out", "booleans", "float64")),
        (np.zeros(4, np.int16), TypeError, ("out", "booleans", "int16")),
        (np.zeros(5, bool), ValueError, ("out", "(4,)", "(5,)")),
        (np.zeros((2, 2), bool), ValueError, ("out", "(4,)", "(2, 2)")),
        (bytearray(5), ValueError, ("out", "(4,)", "(5,)")), (b"1234", ValueError, ("out", "writable", "bytes")),
        ([0] * 4, TypeError, ("out", "list")), (np.zeros(4, object), TypeError, ("out", "object")),
        (np.broadcast_to(False, (4,)), ValueError, ("out", "writable")),
    ]:
        refused(exception, says, md.mask, 4, out=out)


def test_shapes():
    for shape, exception, says in [
        ((-1,), ValueError, ("shape", "(-1,)")), ((2, -3), ValueError, ("shape", "(2, -3)")),
        (-4, ValueError, ("shape", "-4")),
        ((2**40, 2**40), ValueError, ("shape", "2**63", str(2**40))), (2**63, ValueError, ("shape", str(2**63))),
        ((2**70, 0), ValueError, ("shape", str(2**70))), ("ab", TypeError, ("shape", "'ab'")),
        (None, TypeError, ("shape", "None")),
        (2.0, TypeError, ("shape", "2.0")), ((2.0,), TypeError, ("shape", "(2.0,)")),
        (((2,),), TypeError, ("shape", "((2,),)")),
        (Says(), TypeError, ("shape", "<nonsense>")), ((1,) * 65, ValueError, ("shape", "64", "65")),
    ]:
        refused(exception, says, md.mask, shape, .5)
    for shape in (0, (0, 2**40), (3, 0)):
        assert md.mask(shape, .5, seed=1).size == 0
    for shape in (np.int64(4), [4], np.array([4]), range(4, 5), True + 3):
        same(md.mask(shape, .5, seed=1), md.mask((4,), .5, seed=1), repr(shape))


def test_threads():
    for n, exception, says in [(-1, ValueError, "-1"), (1025, ValueError, "1025"), (2**40, ValueError, str(2**40)),
                               (2**80, ValueError, str(2**80)), (-2**80, ValueError, str(-2**80)),
                               ("2", TypeError, "'2'"),
                               (1.0, TypeError, "1.0"), (None, TypeError, "None")]:
        before = md.get_num_threads()
        refused(exception, ("n ", says), md.set_num_threads, n)
        assert md.get_num_threads() == before
    md.set_num_threads(np.int32(3))
    assert md.get_num_threads() == 3
    md.set_num_threads(0)
    assert md.get_num_threads() >= 1


def test_exceptions_in_the_middle():
    """Exceptions of the caller's own objects come through, and nothing stays exported."""

    class Stop(Exception):
        pass

    class Raises:
        def __float__(self):
            raise Stop

        __index__ = __bool__ = __iter__ = __len__ = __dlpack__ = __float__

        def __getitem__(self, index):
            raise Stop

        def __dlpack_device__(self):
            raise Stop

    memory = bytearray(64)
    x = memoryview(memory).cast("f")
    for options in [dict(p=Raises()), dict(seed=Raises()), dict(seed=1, offset=Raises()), dict(training=Raises()),
                    dict(out=Raises()), dict(rounds=Raises()), dict(position=Raises()),
                    dict(position=([Raises()], [3])),
                    dict(inplace=Raises()), dict(p=3), dict(out=x[:3]), dict(out=memoryview(memory).cast("f")[::-1])]:
        with pytest.raises((Stop, TypeError, ValueError)):
            md.element(x, **options)
        assert memory == bytes(64), options
    refused((Stop,), "", md.element, Raises())
    del x, options
    memory.append(1)  # A BufferError if anything still held it.
    same(md.element(X, seed=1), X * 2 * md.mask(X.shape, seed=1), "all is well")


def test_mask_result_is_checked_first():
    """What is wrong with the mask that is asked for is found before anything is drawn or written."""
    generator, x = md.Generator(7), np.ones((2,) * 17, np.float32, order="F")
    with pytest.raises(ValueError, match="at most 16 dims"):
        md.channel(x, mask_dims=range(16, -1, -1), inplace=True, return_mask=True, generator=generator)
    assert generator.offset == 0 and x.min() == x.max() == 1


def test_no_memory_for_a_result():
    generator = md.Generator(7)
    with pytest.raises(MemoryError):
        md.element(np.broadcast_to(np.float32(1), (2**44,)), generator=generator)
    assert generator.offset == 0


def test_booleans_are_no_numbers():
    refused(TypeError, ("p", "True"), md.element, X, True, unchanged=[X])
    refused(TypeError, ("mask_dims", "(True,)"), md.channel, X, mask_dims=(True,), unchanged=[X])
    for shape in ({1, 2}, {3: 1}, b"\2\3", ""):
        refused(TypeError, ("shape", repr(shape)), md.mask, shape)
    refused(ValueError, ("entry", "''"), md.compile, "module {}", "")
    refused(TypeError, ("cache", "'no'"), md.compile, "module {}", cache="no")
