# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Arrays of all libraries go in and out without a copy, as the caller's kind:
# NumPy's and ml_dtypes', torch's, DLPack's, and whatever has the buffer protocol.

import array
import ctypes
import mmap

import ml_dtypes
import numpy as np
import pytest
from support import DTYPES, KINDS, TYPES, Guarded, call, md, process_state, random, refused, same

VALUES = np.arange(1, 13, dtype=np.float32).reshape(3, 4)
WANT = md.element(VALUES, .5, seed=1)


class DLPack:
    """Exports somebody else's array, and can't import."""

    def __init__(self, array, device=None):
        self.array, self.device, self.exports = array, device, 0

    def __dlpack__(self, **options):
        self.exports += 1
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.device or self.array.__dlpack_device__()


class Own(DLPack):
    """A library of its own: what it gets back is made by its from_dlpack."""

    imported = 0

    @classmethod
    def from_dlpack(cls, other):
        cls.imported += 1
        return cls(np.from_dlpack(other))


class Standard(DLPack):
    """A library of the array API standard."""

    def __array_namespace__(self):
        return Standard

    @staticmethod
    def from_dlpack(other):
        return Standard(np.from_dlpack(other))


class Versioned:
    """Exports a NumPy array of f32 as a capsule of a version, with flags."""

    class Tensor(ctypes.Structure):
        _fields_ = [("major", ctypes.c_uint32), ("minor", ctypes.c_uint32), ("context", ctypes.c_void_p),
                    ("deleter", ctypes.c_void_p), ("flags", ctypes.c_uint64), ("data", ctypes.c_void_p),
                    ("device", ctypes.c_int32 * 2), ("rank", ctypes.c_int32), ("code", ctypes.c_uint8),
                    ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16), ("shape", ctypes.c_void_p),
                    ("strides", ctypes.c_void_p), ("offset", ctypes.c_uint64)]

    def __init__(self, array, major=1, flags=0):
        rank = array.ndim
        self.array, self.capsules = array, 0
        self.shape = (ctypes.c_int64 * rank)(*array.shape)
        self.strides = (ctypes.c_int64 * rank)(*(s // array.itemsize for s in array.strides))
        self.tensor = self.Tensor(major, 0, None, None, flags, array.ctypes.data, (1, 0), rank, 2, 32, 1,
                                  ctypes.addressof(self.shape), ctypes.addressof(self.strides), 0)

    def __dlpack__(self, **options):
        if "max_version" not in options:
            raise BufferError("only with a version")
        self.capsules += 1
        new = ctypes.pythonapi.PyCapsule_New
        new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
        return new(ctypes.addressof(self.tensor), b"dltensor_versioned", None)


READ_ONLY, COPIED = 1, 2


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


def test_numpy():
    for ty in TYPES:
        x = random((3, 4), ty)
        y = md.element(x, .5, seed=1)
        assert type(y) is np.ndarray and y.dtype == x.dtype and y.flags.owndata and y.flags.writeable
        assert type(md.element(x, .5, seed=1, return_mask=True)) is tuple
    for x in (np.float32(3), np.float64(3), np.float16(3), np.array(3.0)):
        y = md.element(x, .5, seed=0)
        assert y.shape == () and y == 6 and y.dtype == x.dtype
    class Sub(np.ndarray):
        pass
    y = md.element(VALUES.view(Sub), .5, seed=1)
    assert type(y) is Sub
    same(np.asarray(y), WANT, "a subclass")
    part = np.zeros(4, [("a", "f4"), ("b", "f4")])
    part["a"], part["b"] = [1, 2, 3, 4], 9
    assert md.element(part["a"], .5, seed=0, inplace=True).tolist() == [2, 0, 6, 8], "a field"
    assert (part["b"] == 9).all(), "its neighbour"


def test_memory_map(tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, VALUES)
    x = np.load(path, mmap_mode="r+")
    md.element(x, .5, seed=1, inplace=True)
    x.flush()
    same(np.load(path), WANT, "in a file")
    same(np.asarray(md.element(np.load(path, mmap_mode="r"), .5, training=False)), WANT, "from a read-only file")
    refused(ValueError, ("x ", "writable"), md.element, np.load(path, mmap_mode="r"), .5, inplace=True)


def test_buffers():
    """Results of what is no array of a library are NumPy's."""
    for code, ty in (("f", "f32"), ("d", "f64")):
        x = array.array(code, range(1, 13))
        want = md.element(np.array(x), .5, seed=1)
        y = md.element(x, .5, seed=1)
        assert type(y) is np.ndarray
        same(y, want, f"array of {code}")
        assert md.element(x, .5, seed=1, inplace=True) is x
        same(np.array(x), want, f"array of {code} in place")
        view = memoryview(array.array(code, range(1, 13)))
        for sliced in (view[::2], view[::-1], view[3:9], view[9:3:-2], view[5:5]):
            same(md.element(sliced, .5, seed=1), md.element(np.array(sliced), .5, seed=1), "memoryview")
        ctype = {"f": ctypes.c_float, "d": ctypes.c_double}[code]
        flat, deep = (ctype * 12)(*range(1, 13)), ((ctype * 4) * 3)(*[(ctype * 4)(*range(k, k + 4)) for k in (1, 5, 9)])
        same(md.element(flat, .5, seed=1), want, "ctypes")
        same(md.element(deep, .5, seed=1), want.reshape(3, 4), "ctypes, two dims")
        md.element(deep, .5, seed=1, inplace=True)
        same(np.array(deep), want.reshape(3, 4), "ctypes in place")
        assert md.element(ctype(3), .5, seed=0) == 6
    half = memoryview(np.arange(1, 5, dtype=np.float16))
    same(md.element(half, .5, seed=1), md.element(np.asarray(half), .5, seed=1), "format e")
    memory = mmap.mmap(-1, 48)
    md.element(VALUES, .5, seed=1, out=memoryview(memory).cast("B").cast("f", (3, 4)))
    assert memory[:] == WANT.tobytes()
    out = array.array("f", bytes(48))
    assert md.element(np.arange(1, 13, dtype=np.float32), .5, seed=1, out=out) is out
    assert out.tobytes() == WANT.tobytes()
    for wrong, says in ((array.array("i", [1]), "array"), (array.array("q", [1]), "array"),
                        (array.array("u", "a"), "array"),
                        ((ctypes.c_int * 2)(), "c_int"), ((ctypes.c_float.__ctype_be__ * 2)(), "byte order"),
                        (mmap.mmap(-1, 8), "mmap"), (memoryview(b"abcd"), "memoryview")):
        refused(TypeError, ("x ", says), md.element, wrong)
    # Nothing stays exported.
    x = array.array("f", range(12))
    md.element(x, .5, seed=1, return_mask=True)
    md.element(x, .5, seed=1, inplace=True)
    with pytest.raises(ValueError):
        md.element(x, 5.0)
    x.append(1.0)


def test_bfloat16(torch):
    for shape in ((12,), (3, 4), (), (0, 3)):
        x = np.full(shape, 3, ml_dtypes.bfloat16)
        y, m = md.element(x, .5, seed=1, return_mask=True)
        assert y.dtype == ml_dtypes.bfloat16 and type(y) is np.ndarray and y.shape == m.shape == shape
        same(y, np.where(m, 6, 0).astype(x.dtype), f"shape {shape}")
        t = torch.ones(shape).bfloat16() * 3
        z = md.element(t, .5, seed=1)
        assert z.dtype == torch.bfloat16 and z.float().numpy().tolist() == y.astype(np.float32).tolist()
        from_capsule = md.element(DLPack(t), .5, seed=1)
        same(from_capsule, y, "DLPack of bf16 is ml_dtypes'")
    x = np.ones(6, ml_dtypes.bfloat16)
    assert md.element(x, .5, seed=1, inplace=True) is x
    out = torch.zeros(6).bfloat16()
    assert md.element(np.ones(6, ml_dtypes.bfloat16), .5, seed=1, out=out) is out
    assert out.tolist() == x.tolist()
    x.flags.writeable = False
    refused(ValueError, ("x ", "writable", "bfloat16"), md.element, x, inplace=True, unchanged=[x])
    refused(ValueError, ("out", "bf16", "f16"), md.element, x, out=np.ones(6, np.float16))


def test_torch(torch):
    for ty, dtype in (("f16", torch.float16), ("bf16", torch.bfloat16), ("f32", torch.float32), ("f64", torch.float64)):
        x = torch.from_numpy(VALUES).to(dtype)
        for view in (x, x.t(), x[:, ::2], x[1:], x[:, 1:2].expand(3, 5), x[0, 0], x[:0], x.reshape(1, 3, 1, 4)):
            y, m = md.element(view, .5, seed=1, return_mask=True)
            assert isinstance(y, torch.Tensor) and y.dtype == dtype and m.dtype == torch.bool and y.shape == view.shape
            want = md.element(view.to(torch.float32).numpy().copy("C"), .5, seed=1)
            same(y.float().numpy(), want, f"{ty} {tuple(view.shape)} {view.stride()}")
            same(m.numpy(), want != 0, "mask")
        z = x.clone()
        version = z._version
        assert md.element(z, .5, seed=1, inplace=True) is z and z._version > version
        assert torch.equal(z, md.element(x, .5, seed=1))
        out = torch.empty_like(x)
        version = out._version
        assert md.element(x, .5, seed=1, out=out) is out and torch.equal(out, z) and out._version > version
    # Channels last keeps its order in memory, and the mask its channels.
    x = torch.ones(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
    y = md.channel(x, .5, seed=3)
    assert y.is_contiguous(memory_format=torch.channels_last)
    same(y.numpy()[:, :, 0, 0] != 0, md.mask((2, 3), seed=3), "channels")
    # Across libraries.
    out = np.zeros((3, 4), np.float32)
    assert md.element(torch.from_numpy(VALUES), .5, seed=1, out=out) is out
    same(out, WANT, "torch to NumPy")
    out = torch.zeros(3, 4)
    md.element(VALUES, .5, seed=1, out=out)
    same(out.numpy(), WANT, "NumPy to torch")
    m = torch.zeros(8, dtype=torch.uint8)
    assert md.mask(8, seed=0, out=m) is m and m.tolist() == md.mask(8, seed=0).astype(int).tolist()


def test_torch_refused(torch):
    x = torch.ones(4)
    grad = torch.ones(4, requires_grad=True)
    floats = "float16, bfloat16, float32 or float64"
    for array, exception, says in [
        (x.int(), TypeError, (floats, "torch.int32")), (x.bool(), TypeError, (floats, "torch.bool")),
        (x.cfloat(), TypeError, (floats, "complex64")), (x.to_sparse(), TypeError, ("strided", "sparse")),
        (x.to("meta"), ValueError, ("CPU", "meta")), (grad, TypeError, ("gradient", "requires_grad", "detach")),
        (torch.quantize_per_tensor(x, .1, 0, torch.quint8), TypeError, (floats, "quint8")),
        (x.to_mkldnn(), TypeError, ("strided", "mkldnn")),
    ]:
        for kind, function in KINDS.items():
            refused(exception, ("x ", *says), function, array)
        if "gradient" not in says:
            refused((exception, ValueError), "out", md.element, x, out=array, unchanged=[x])
    refused(TypeError, ("out", "requires_grad"), md.element, x, out=torch.ones(4, requires_grad=True))
    refused(ValueError, ("share memory",), md.element, torch.ones(1).expand(4), inplace=True)
    with torch.no_grad():
        assert torch.equal(md.element(grad, .5, seed=1), md.element(x, .5, seed=1))
    assert grad.grad_fn is None
    # A view that torch negates when it reads it: the imaginary part of a conjugate.
    lazy = torch.tensor([1 + 2j, 3 + 4j, 5 + 6j]).conj().imag
    assert lazy.is_neg()
    y = md.element(lazy, .5, seed=1)
    assert torch.equal(y, md.element(lazy.resolve_neg(), .5, seed=1)) and not y.is_neg()
    refused(ValueError, ("x ", "writable", "resolve_neg"), md.element, lazy, inplace=True)
    refused(ValueError, ("out", "writable", "resolve_neg"), md.element, torch.ones(3), out=lazy)


def test_refusals_are_no_writes(torch):
    """Autograd goes on with what a refused call was to write to."""
    x = torch.ones(3, requires_grad=True)
    y = x.exp()
    refused(ValueError, "p ", md.element, y.detach(), 2.5, inplace=True)
    refused(ValueError, "out", md.element, torch.ones(4), out=y.detach())
    refused(ValueError, "out", md.mask, 7, out=y.detach().bool())
    refused(ValueError, "share memory", md.element, y.detach()[:1].expand(3), inplace=True)
    y.sum().backward()
    with torch.inference_mode():
        inference = torch.ones(3)
        md.element(inference, inplace=True)
    refused(ValueError, ("x ", "inference"), md.element, inference, inplace=True)
    refused(ValueError, ("out", "inference"), md.element, torch.ones(3), out=inference)
    md.element(inference)
    zeros = torch._efficientzerotensor(3)
    refused(TypeError, ("x ", "memory"), md.element, zeros)


def test_dlpack(torch):
    for ty in TYPES:
        t = torch.from_numpy(VALUES).to(getattr(torch, np.dtype(DTYPES[ty]).name))
        for view in (t, t.t(), t[::2, 1:], t[:, :1].expand(3, 4), t[0, 0], t[:0]):
            want = call("alpha", view.double().numpy().copy("C").astype(DTYPES[ty]), .5, seed=1)
            y, m = md.alpha(DLPack(view), .5, seed=1, return_mask=True)
            assert type(y) is np.ndarray and type(m) is np.ndarray and y.flags.writeable
            same(y, want, f"{ty} {view.stride()}")
        z = t.clone()
        exporter = DLPack(z)
        assert md.alpha(exporter, .5, seed=1, inplace=True) is exporter
        same(z.double().numpy().astype(DTYPES[ty]), call("alpha", VALUES.astype(DTYPES[ty]), .5, seed=1),
             f"{ty} in place")
        out = DLPack(torch.zeros_like(t))
        assert md.alpha(t, .5, seed=1, out=out) is out and torch.equal(out.array, z)
    for cls in (Own, Standard):
        y = md.element(cls(VALUES), .5, seed=1)
        assert type(y) is cls
        same(y.array, WANT, cls.__name__)
    assert Own.imported == 1
    f = md.compile("func.func @f(%x: tensor<?x?xf32>) -> (tensor<?x?xf32>, i64) {\n%c = arith.constant 5 : i64\n"
                   "return %x, %c : tensor<?x?xf32>, i64 }")
    for view in (VALUES, VALUES.T, VALUES[::2, ::-1]):
        y, five = f(DLPack(view))
        assert five == 5 and type(y) is np.ndarray
        same(y, view.copy("C"), "compiled")
        y, five = f(Own(view))
        assert type(y) is Own
        same(y.array, view.copy("C"), "compiled, own")


def test_dlpack_refused():
    x = VALUES.copy()
    for device in ((2, 0), (2, 1), (10, 0), (3, 0), (13, 0)):
        exporter = DLPack(x, device)
        refused(ValueError, ("x ", "CPU", str(device)), md.element, exporter, unchanged=[x])
        refused(ValueError, ("out", "CPU", str(device)), md.element, x, out=exporter, unchanged=[x])
        assert exporter.exports == 0, "memory of another device is not asked for"
    for device in (7, "cpu", (), (None, 0), ("a", 1)):
        refused(TypeError, ("x ", "device"), md.element, DLPack(x, device) if device else DLPack(x, ((),)))

    class Broken(DLPack):
        def __init__(self, array, result):
            super().__init__(array)
            self.result = result

        def __dlpack__(self, **options):
            if isinstance(self.result, Exception):
                raise self.result
            return self.result

    for result in (None, 3, "capsule", RuntimeError("no memory today"), BufferError("no")):
        refused(TypeError, ("x ", "DLPack", "Broken"), md.element, Broken(x, result))
    reason = RuntimeError("no memory today")
    with pytest.raises(TypeError) as refusal:
        md.element(Broken(x, reason))
    assert refusal.value.__cause__ is reason
    for exception in (KeyboardInterrupt, SystemExit, MemoryError):
        broken = Broken(x, x)
        broken.__class__ = type("Interrupted", (Broken,), {"__dlpack__": lambda self, **_: raise_(exception)})
        with pytest.raises(exception):
            md.element(broken)
    refused(TypeError, ("x ", "float16, bfloat16"), md.element, DLPack(np.ones(3, int)))
    refused(TypeError, ("x ", "float16, bfloat16"), md.element, DLPack(np.ones(3, complex)))
    locked = np.ones(3)
    locked.flags.writeable = False
    refused((TypeError, ValueError), "x ", md.element, DLPack(locked), inplace=True, unchanged=[locked])


def raise_(exception):
    raise exception


def test_dlpack_versions():
    """Capsules say whether their memory may be written to, and whether it is the exporter's own."""
    x = VALUES.copy()
    for flags in (0, READ_ONLY, COPIED):
        y, m = md.element(Versioned(x, flags=flags), .5, seed=1, return_mask=True)
        same(y, WANT, f"flags {flags}")
        assert m.dtype == bool
    out = np.zeros_like(x)
    exporter = Versioned(out)
    assert md.element(x, .5, seed=1, out=exporter) is exporter and exporter.capsules == 1
    same(out, WANT, "out")
    exporter = Versioned(x.copy())
    assert md.element(exporter, .5, seed=1, inplace=True) is exporter
    same(exporter.array, WANT, "in place")
    for flags, word in ((READ_ONLY, "read-only"), (COPIED, "copy"), (READ_ONLY | COPIED, "read-only")):
        for options in ({"inplace": True}, {}):
            exporter = Versioned(x, flags=flags)
            source = exporter if options else VALUES
            refused(ValueError, ("writable", word, "Versioned"), md.element, source, .5, unchanged=[x],
                    **(options or {"out": exporter}))
    for major in (0, 2, 9):
        for options in ({}, {"inplace": True}):
            refused(TypeError, ("x ", "DLPack 1", f"version {major}"), md.element, Versioned(x, major=major),
                    unchanged=[x], **options)


def test_mask_of_other_libraries():
    """The mask of return_mask is an array of the caller's library, where that takes booleans by DLPack."""
    want = md.mask(VALUES.shape, .5, seed=1)

    class Booleans(DLPack):

        @classmethod
        def from_dlpack(cls, other):
            get = ctypes.pythonapi.PyCapsule_GetPointer
            get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
            capsule = other.__dlpack__()
            tensor = Versioned.Tensor.from_address(get(capsule, b"dltensor") - Versioned.Tensor.data.offset)
            if tensor.code != 6:
                return cls(np.from_dlpack(other))
            shape = (ctypes.c_int64 * tensor.rank).from_address(tensor.shape)
            memory = (ctypes.c_bool * int(np.prod(shape))).from_address(tensor.data)
            return cls(np.array(memory).reshape(tuple(shape)))

    y, m = md.element(Booleans(VALUES), .5, seed=1, return_mask=True)
    assert type(y) is Booleans and type(m) is Booleans
    same(y.array, WANT, "values")
    assert m.array.dtype == bool and (m.array == want).all()

    class NoBooleans(Booleans):

        @classmethod
        def from_dlpack(cls, other):
            result = super().from_dlpack(other)
            if result.array.dtype == bool:
                raise BufferError("no booleans")
            return result

    y, m = md.element(NoBooleans(VALUES), .5, seed=1, return_mask=True)
    assert type(y) is NoBooleans and type(m) is np.ndarray and (m == want).all()


def test_zero_copy():
    """No array is copied on its way in or out: a call on 64 MiB needs no second 64 MiB."""
    import resource

    x = np.ones(1 << 24, np.float32)
    out = np.ones_like(x)
    md.element(x[:1024], .5, seed=1, out=out[:1024])
    md.element(memoryview(x)[:1024], .5, seed=1, out=memoryview(out)[:1024])
    md.element(DLPack(x[:1024]), .5, seed=1, out=DLPack(out[:1024]))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    md.element(x, .5, seed=1, out=out)
    md.element(memoryview(x), .5, seed=1, out=memoryview(out))
    md.element(DLPack(x), .5, seed=1, out=DLPack(out))
    md.element(DLPack(x), .5, seed=1, inplace=True)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 << 10, "KiB more than before"


def test_guarded_fields():
    """Elements of records: every other float of memory, and nothing between them."""
    for ty in ("f32", "f64"):
        x = Guarded((5, 3), DTYPES[ty], (8, 2))
        x.fill(random((5, 3), ty))
        want = md.element(x.array.copy(), .5, seed=2)
        md.element(x.array, .5, seed=2, inplace=True)
        same(x.array, want, ty)
        x.check(ty)


def test_autograd_is_told_of_masks(torch):
    """A mask that is drawn anew into a tensor that autograd has saved is an error in backward."""
    mask, x = torch.ones(8, dtype=torch.bool), torch.ones(8, requires_grad=True)
    y = torch.where(mask, x, torch.zeros(()))
    md.mask(8, out=mask)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_tangents_are_refused(torch):
    """Forward-mode differentiation is not dropped without a word."""
    with torch.autograd.forward_ad.dual_level():
        x = torch.autograd.forward_ad.make_dual(torch.ones(4), torch.ones(4))
        with pytest.raises(TypeError, match="tangent"):
            md.element(x, 0.5)
