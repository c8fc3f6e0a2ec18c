# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# compile: any program on arrays and scalars, several results, errors with
# their diagnostics, and the code that was generated.

import array
import math
import os
import struct
import subprocess

import harness
import ml_dtypes
import numpy as np
import pytest
from support import KINDS, SEEDS, TYPES, Guarded, md, process_state, random, refused, same

LAYER = """
func.func @layer(%x: tensor<?x8xf32>, %bias: tensor<8xf32>, %p: f64, %seed: i64, %offset: i64)
    -> (tensor<?x8xf32>, tensor<?x8xi1>, i64) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %empty = tensor.empty(%n) : tensor<?x8xf32>
  %sum = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>,
                                          affine_map<(i, j) -> (i, j)>],
                         iterator_types = ["parallel", "parallel"]}
      ins(%x, %bias : tensor<?x8xf32>, tensor<8xf32>) outs(%empty : tensor<?x8xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<?x8xf32>
  %y, %m = dropout.element %sum p(%p) rng(%seed, %offset) : tensor<?x8xf32>, tensor<?x8xi1>
  return %y, %m, %offset : tensor<?x8xf32>, tensor<?x8xi1>, i64
}
"""
EMPTY = "func.func @f() { return }"


def test_layer():
    """A program of the user's own, with dropout inside, by every lowering."""
    x, bias = random((5, 8), "f32", 1), random((8,), "f32", 2)
    for lowering in ("vector", "linalg", "linalg-inline", "affine"):
        f = md.compile(LAYER, lowering=lowering)
        for seed, offset in SEEDS:
            y, m, o = f(x, bias, .4, seed, offset)
            want = md.element(x + bias, .4, seed=seed, offset=offset, return_mask=True)
            same(y, want[0], f"{lowering} seed {seed}")
            same(m, want[1], f"{lowering} seed {seed}: mask")
            assert o % 2**64 == offset and -2**63 <= o < 2**63, "integers come signed"
    assert f.__name__ == "layer" and f.result_types == ["tensor<?x8xf32>", "tensor<?x8xi1>", "i64"]
    assert f.argument_types == ["tensor<?x8xf32>", "tensor<8xf32>", "f64", "i64", "i64"]
    assert "@layer(tensor<?x8xf32>, tensor<8xf32>, f64, i64, i64)" in repr(f)
    # What other compilations give are the same bits.
    for options in (dict(optimization_level=0), dict(threads=2, vector_math=False),
                    dict(nontemporal_bytes=1, cache=False),
                    dict(cpu="x86-64-v3")):
        if "cpu" not in options or "avx2" in open("/proc/cpuinfo").read():
            same(md.compile(LAYER, **options)(x, bias, .4, 1, 2)[0], md.element(x + bias, .4, seed=1, offset=2),
                 options)


def test_every_op():
    """compile of the op gives what the function gives."""
    for number, (kind, function) in enumerate(KINDS.items()):
        ty = TYPES[number]
        tensor = f"tensor<?x?x?x{ty}>"
        f = md.compile(f"""func.func @f(%x: {tensor}, %p: f64, %s: i64, %o: i64, %t: i1) -> {tensor} {{
          %y = dropout.{kind} %x p(%p) rng(%s, %o) training(%t) : {tensor}
          return %y : {tensor}
        }}""")
        x = random((3, 4, 5), ty)
        for p in (0.0, .3, 1.0):
            for training in (True, False, np.bool_(True), 0):
                same(f(x, p, 3, 4, training), function(x, p, seed=3, offset=4, training=bool(training)),
                     f"{kind} {ty} {p} {training}")
        # A tensor in any layout is the same tensor.
        for view in (x[::-1], x.transpose(2, 0, 1), x[:, ::2], np.broadcast_to(x[:1], (2, 4, 5)), x[:0]):
            same(f(view, .3, 3, 4, True), function(view.copy("C"), .3, seed=3, offset=4), f"{kind} {view.strides}")


def test_scalars():
    kinds = "f32 bf16 f16 i1 i8 i16 i32 i64 index f64".split()
    f = md.compile(f"func.func @f({', '.join(f'%a{k}: {t}' for k, t in enumerate(kinds))}) -> ({', '.join(kinds)}) {{\n"
                   f"  return {', '.join(f'%a{k}' for k in range(10))} : {', '.join(kinds)} }}")
    base = [1.5, 1.5, 1.5, True, 1, 1, 1, 1, 1, 1.5]
    assert f(*base) == tuple(base)
    at = {t: k for k, t in enumerate(kinds)}

    def passed(ty, value):
        return f(*base[:at[ty]], value, *base[at[ty] + 1:])[at[ty]]

    for ty, width in (("i8", 8), ("i16", 16), ("i32", 32), ("i64", 64), ("index", 64)):
        for value in (0, 1, -1, 2**(width - 1) - 1, 2**(width - 1), 2**width - 1, -2**(width - 1), np.int8(-5),
                      np.uint8(5)):
            got = passed(ty, value)
            assert got % 2**width == int(value) % 2**width and -2**(width - 1) <= got < 2**(width - 1), f"{ty} {value}"
        for value in (2**width, -2**(width - 1) - 1, 2**200, -2**200):
            refused(ValueError, (f"argument #{at[ty]}", ty, str(value)), passed, ty, value)
        for value in (1.0, "1", None, [1]):
            refused(TypeError, (f"argument #{at[ty]}", ty, repr(value)), passed, ty, value)
    for value in (True, False, 1, 0, np.bool_(False), np.array(True)):
        assert passed("i1", value) is bool(value)
    for value in ("x", None, [1], np.ones(2)):
        refused(TypeError, ("argument #3", "bool"), passed, "i1", value)
    rng = np.random.default_rng(3)
    numbers = [0.0, -0.0, math.inf, -math.inf, 1e-50, 1e39, -1e39, 65519.9, 65520.0, -65520.0, 2.0**-24, 2.0**-25,
               1.5 * 2**-25, 1 + 2.0**-8, 1 + 2.0**-8 + 2.0**-40, 1 + 3 * 2.0**-8, 1 + 2.0**-11,
               1 + 2.0**-24 + 2.0**-50,
               2.0**-133, 2.0**-134, float.fromhex("0x1.0002p-134"), 3.4e38, np.float32(.1), np.float16(.1), 3]
    numbers += rng.standard_normal(50).tolist() + (rng.standard_normal(50) * 1e-41).tolist()
    with np.errstate(over="ignore", under="ignore"):
        for value in numbers:
            for ty, dtype in (("f64", np.float64), ("f32", np.float32), ("f16", np.float16)):
                want = float(np.float64(value).astype(dtype))
                got = passed(ty, value)
                assert struct.pack("d", got) == struct.pack("d", want), f"{ty} {value!r}: got {got!r}, want {want!r}"
            want = float(ours_bf16(value))
            got = passed("bf16", value)
            assert struct.pack("d", got) == struct.pack("d", want), f"bf16 {value!r}: got {got!r}, want {want!r}"
    for ty in ("f64", "f32", "f16", "bf16"):
        assert math.isnan(passed(ty, math.nan))
        for value in ("x", None, [1.0], 1j):
            refused(TypeError, (f"argument #{at[ty]}", ty), passed, ty, value)


def ours_bf16(value):
    """Rounded to bf16 once, to nearest even, by exact integers."""
    import oracle
    from fractions import Fraction

    value = float(value)
    if value == 0 or math.isinf(value):
        return value
    rounded = oracle.round_fraction(Fraction(value), 8, -133)
    return math.copysign(math.inf, value) if abs(rounded) > 3.3895313892515355e38 else math.copysign(rounded, value)


def test_memrefs():
    """Memref arguments are written where they are, with any strides; nothing else is."""
    ty = "memref<?x?xf32, strided<[?, ?], offset: ?>>"
    f = md.compile(f"""func.func @f(%x: {ty}, %y: {ty}, %p: f64) {{
      dropout.element %x into %y p(%p) : {ty}, {ty}
      return
    }}""")
    for strides in ((6, 1), (1, 4), (-12, 2), (1, -9)):
        x, y = Guarded((4, 6), np.float32, strides), Guarded((4, 6), np.float32, strides)
        x.fill(random((4, 6), "f32"))
        with md.seed_scope(5, 6):
            assert f(x.array, y.array, .5) is None
        same(y.array, md.element(x.array.copy(), .5, seed=5, offset=6), strides)
        y.check(strides)
        with md.seed_scope(5, 6):
            f(x.array, x.array, .5)
        same(x.array, y.array, f"{strides} in place")
        x.check(strides)
    locked = np.ones((4, 6), np.float32)
    locked.flags.writeable = False
    refused(ValueError, ("argument #1", "writable", "read-only"), f, x.array, locked, .5, unchanged=[x.array])
    refused(ValueError, ("p ", "1.5"), f, x.array, y.array, 1.5, unchanged=[x.array, y.array])
    refused(TypeError, ("argument #0", "memref<?x?xf32", "float64"), f, np.ones((4, 6)), y.array, .5)


def test_kinds_of_results():
    """Results are the kind of the first array: NumPy's or torch's; several come as a tuple, none as None."""
    torch = pytest.importorskip("torch")
    f = md.compile(LAYER)
    x, bias = random((3, 8), "f32"), np.zeros(8, np.float32)
    want = f(x, bias, .5, 1, 2)
    got = f(torch.from_numpy(x), bias, .5, 1, 2)
    assert isinstance(got, tuple) and [type(v) for v in got] == [torch.Tensor, torch.Tensor, int]
    assert got[1].dtype == torch.bool
    for a, b in zip(got[:2], want):
        same(a.numpy(), b, "torch")
    bias_first = md.compile("func.func @f(%x: tensor<?xf32>) -> tensor<?xf32> { return %x : tensor<?xf32> }")
    y = bias_first(x[0])
    assert y is not x[0] and not np.shares_memory(y, x), "a result is memory of its own"
    y[...] = 7
    assert md.compile("func.func @f() -> tensor<2xf32> { %c = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>\n"
                      "return %c : tensor<2xf32> }")().tolist() == [1, 2]
    assert md.compile(EMPTY)() is None
    assert bias_first(array.array("f", [1, 2])).tolist() == [1, 2]
    assert bias_first(memoryview(array.array("f", [1, 2, 3]))[::-2]).tolist() == [3, 1]
    half = md.compile("func.func @f(%x: tensor<?xbf16>) -> tensor<?xbf16> { return %x : tensor<?xbf16> }")
    for values in (np.array([1, 2, 3], ml_dtypes.bfloat16), np.array([1, 2, 3], ml_dtypes.bfloat16)[::-1]):
        same(half(values), values.copy(), "bf16")
    back = half(torch.tensor([1, 2]).bfloat16())
    assert back.dtype == torch.bfloat16 and back.tolist() == [1, 2]
    for ty, dtypes in (("i8", (np.int8, np.uint8)), ("i16", (np.int16, np.uint16)), ("i32", (np.int32, np.uint32)),
                       ("i64", (np.int64, np.uint64)), ("index", (np.int64,)), ("i1", (np.bool_,)),
                       ("f16", (np.float16,))):
        same_type = md.compile(f"func.func @f(%x: tensor<?x{ty}>) -> tensor<?x{ty}> {{ return %x : tensor<?x{ty}> }}")
        for dtype in dtypes:
            values = np.array([1, 0, 1], dtype)
            assert same_type(values).tolist() == values.tolist(), f"{ty} {dtype}"
    zero = md.compile("func.func @f(%x: tensor<f64>) -> tensor<f64> { return %x : tensor<f64> }")
    assert zero(np.array(2.5)).shape == () and zero(np.float64(2.5)) == 2.5
    refused(TypeError, ("argument #0", "requires_grad", "detach"), bias_first, torch.ones(2, requires_grad=True))


def test_wrong_calls():
    f = md.compile(LAYER)
    x, bias = np.ones((3, 8), np.float32), np.zeros(8, np.float32)
    for arguments, exception, says in [
        ((), TypeError, ("5 arguments", "'layer'", "0")),
        ((x, bias, .5, 1), TypeError, ("5 arguments", "4")),
        ((x, bias, .5, 1, 2, 3), TypeError, ("5 arguments", "6")),
        ((x.astype(np.float64), bias, .5, 1, 2), TypeError, ("#0", "tensor<?x8xf32>", "float64")),
        ((x[:, :7], bias, .5, 1, 2), ValueError, ("#0", "tensor<?x8xf32>", "3x7")),
        ((x[0], bias, .5, 1, 2), ValueError, ("#0", "tensor<?x8xf32>", "rank 1")),
        ((x, bias[:7], .5, 1, 2), ValueError, ("#1", "tensor<8xf32>", "7")),
        (([1.0], bias, .5, 1, 2), TypeError, ("#0", "list")),
        ((None, bias, .5, 1, 2), TypeError, ("#0", "NoneType")),
        ((x.astype(">f4"), bias, .5, 1, 2), TypeError, ("#0", "byte order", ">f4")),
        ((np.ma.array(x), bias, .5, 1, 2), TypeError, ("#0", "mask", "MaskedArray")),
        ((x.astype(object), bias, .5, 1, 2), TypeError, ("#0", "object")),
        ((x, bias, "a", 1, 2), TypeError, ("#2", "f64", "'a'")),
        ((x, bias, x, 1, 2), TypeError, ("#2", "f64")),
        ((x, bias, -.5, 1, 2), ValueError, ("p ", "-0.5")),
        ((x, bias, math.nan, 1, 2), ValueError, ("p ", "nan")),
        ((x, bias, .5, 2**64, 2), ValueError, ("#3", "i64", str(2**64))),
        ((x, bias, .5, 1, .5), TypeError, ("#4", "i64", "0.5")),
    ]:
        refused(exception, says, f, *arguments, unchanged=[x, bias])
    refused(TypeError, "p", f, x, bias, p=.5)
    data = md.compile("""func.func @f(%x: tensor<?xf32>, %p: f64) -> tensor<?xf32> {
      %y = dropout.element %x p(%p) generator("nobody") : tensor<?xf32>
      return %y : tensor<?xf32> }""")
    refused(LookupError, ("nobody", "mlir_dropout.named_generator"), data, bias, .5)
    refused(ValueError, "2.5", data, bias, 2.5)
    md.named_generator("nobody", 3)
    same(data(bias + 1, .5), md.element(bias + 1, seed=3), "now it exists")
    assert md.named_generator("nobody").offset == 1
    # The error of one call is not that of the next.
    same(f(x, bias, .5, 1, 2)[0], md.element(x, seed=1, offset=2), "after errors")


def test_wrong_programs():
    for source, says in [
        ("func.func @f( {", "source:1:"),
        ("func.func @f() {\n  nonsense\n}", "source:2:"),
        ('func.func @f() { "no.such"() : () -> () return }', "source:1:27"),
        ("func.func @f(%x: tensor<4xi32>) -> tensor<4xi32> { %y = dropout.element %x p = 0.5 : tensor<4xi32>\n"
         "return %y : tensor<4xi32> }", "i32"),
        ("func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> { %y = dropout.element %x p = 1.5 : tensor<4xf32>\n"
         "return %y : tensor<4xf32> }", "1.5"),
        (b"\xff\x00\x01", "source:1:"), (b"ML\xefR\x00", "error"),
        ("", "0"), ("func.func private @f()", "0"), (EMPTY + EMPTY.replace("@f", "@g"), "2: f, g"),
    ]:
        with pytest.raises(md.CompileError) as caught:
            md.compile(source)
        assert says in str(caught.value), f"{source}: {caught.value}"
        assert isinstance(caught.value, ValueError) and type(caught.value).__module__ == "mlir_dropout"
    two = EMPTY + "\nfunc.func @g() -> i64 { %c = arith.constant 5 : i64\n return %c : i64 }"
    assert md.compile(two, "g")() == 5 and md.compile(two, "f")() is None and md.compile(two.encode(), entry="g")() == 5
    with pytest.raises(md.CompileError, match="'h'"):
        md.compile(two, "h")
    for options, exception, says in [
        (dict(entry=3), TypeError, ("entry", "3")), (dict(entry="f\0"), ValueError, ("entry", "NUL")),
        (dict(entry=b"f"), TypeError, ("entry", "b'f'")),
        (dict(lowering="fast"), ValueError, ("lowering", "'fast'")),
        (dict(lowering=None), TypeError, ("lowering", "None")),
        (dict(threads=-1), ValueError, ("threads", "-1")), (dict(threads=1025), ValueError, ("threads", "1025")),
        (dict(threads=2**70), ValueError, ("threads", str(2**70))), (dict(threads=1.5), TypeError, ("threads", "1.5")),
        (dict(threads=None), TypeError, ("threads", "None")), (dict(threads="2"), TypeError, ("threads", "'2'")),
        (dict(nontemporal_bytes=-1), ValueError, ("nontemporal_bytes", "-1")),
        (dict(nontemporal_bytes=2**63), ValueError, ("nontemporal_bytes", str(2**63))),
        (dict(optimization_level=4), ValueError, ("optimization_level", "4")),
        (dict(optimization_level="2"), TypeError, ("optimization_level", "'2'")),
        (dict(cpu="potato"), ValueError, ("CPU", "potato")), (dict(cpu=5), TypeError, ("cpu", "5")),
        (dict(features="+potato"), ValueError, ("feature", "potato")),
        (dict(features="+avx\0"), ValueError, ("features", "NUL")),
    ]:
        refused(exception, says, md.compile, EMPTY, **options)
    for source in (None, 3, bytearray(b"x"), ["x"]):
        refused(TypeError, ("source", type(source).__name__), md.compile, source)
    # A program for a machine that this is not is refused, not run.
    if "sve" not in open("/proc/cpuinfo").read() and "amx_tile" not in open("/proc/cpuinfo").read():
        refused(md.CompileError, "amx-tile", md.compile, EMPTY, features="+amx-tile")


def test_code(tmp_path):
    f = md.compile(LAYER, features="-avx512f")
    assert "define i32 @dropout_layer(" in f.llvm_ir
    assert "dropout_layer:" in f.asm and "zmm" not in f.asm
    assert f.object[:4] == b"\x7fELF"
    path = tmp_path / "layer.o"
    path.write_bytes(f.object)
    import shutil

    nm = shutil.which("nm") or shutil.which("llvm-nm-22")
    if nm:
        symbols = subprocess.run([nm, str(path)], capture_output=True, text=True, check=True).stdout
        assert " T dropout_layer" in symbols
    # All of a program with several functions.
    both = md.compile(EMPTY + EMPTY.replace("@f", "@g"), "g")
    assert "dropout_g:" in both.asm and "dropout_f:" not in both.asm, "an entry and what it calls"


def test_bytecode():
    """What dropout-opt writes as bytecode is a source like text."""
    source = harness.write(LAYER)
    bytecode = source + ".bc"
    subprocess.run([harness.OPT, source, "--emit-bytecode", "-o", bytecode], check=True)
    data = open(bytecode, "rb").read()
    x, bias = random((3, 8), "f32"), random((8,), "f32", 1)
    for a, b in zip(md.compile(data)(x, bias, .3, 4, 5), md.compile(LAYER)(x, bias, .3, 4, 5)):
        same(np.asarray(a), np.asarray(b), "bytecode")
    with pytest.raises(md.CompileError):
        md.compile(data[:len(data) // 2])
    os.remove(bytecode)
