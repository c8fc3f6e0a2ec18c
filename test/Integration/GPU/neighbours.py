# RUN: %python %s %clang %if sanitizers %{ -std=c++17 -ffp-contract=off -DDROPOUT_RUNTIME_BUILD -I %include %dropout_src/lib/Runtime/*.cpp %} %else %{ %dropout_runtime_lib %}
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# What stands beside dropout in a program, in GPU kernels that run on the host:
# casts and activations, reductions, contractions, constants, copies, a softmax;
# bit for bit what dropout-run's scalar loops give, functions of libm within the
# bounds stated here. And dropout in kernels that users wrote.

import ctypes, os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
sys.dont_write_bytecode = True
import numpy as np
import harness, host_kernels, oracle
from harness import check, done, random, same, specials
from host_kernels import Commands
from host_run import Program
from native import guarded

np.seterr(all="ignore")


PROGRAMS = {}


def agree(name, text, inputs, types, ulps=0, entry="f"):
    """The GPU program's results are the CPU's; with ulps, within so many of the last bits."""
    program = PROGRAMS[text] = PROGRAMS.get(text) or Program(text, "", name)
    want = harness.run(text, inputs, len(types), name, entry=entry, lowering="linalg")

    def work():
        for where in (0, "end", None):
            got = program.call(entry, inputs, where=where)
            for k, (a, b, ty) in enumerate(zip(got, want, types)):
                if not ulps:
                    same(a, b, ty, f"{name}: result {k}")
                    continue
                u = {2: np.int16, 4: np.int32, 8: np.int64}[a.itemsize]
                ordered = lambda v: np.where(v.view(u) < 0, np.iinfo(u).min - v.view(u), v.view(u)).astype(np.int64)
                far = np.abs(ordered(a) - ordered(b)).max()
                check(far <= ulps, f"{name}: result {k} is {far} ulps off, expected {ulps} at most")
                check(((a == 0) == (b == 0)).all(), f"{name}: result {k}: the masks differ")

    guarded(work)


# ---- Element-wise ---------------------------------------------------------------------------------------------------

# f16 in and out, f32 between: bias, relu, dropout, residual.
for ty, shape in (("f16", "?x?"), ("bf16", "6x72")):
    dynamic = "?" in shape
    sizes = "%m, %n" if dynamic else ""
    text = f"""
func.func @f(%x: tensor<{shape}x{ty}>, %b: tensor<{shape.split('x')[1]}x{ty}>, %r: tensor<{shape}x{ty}>, %p: f64, %s: i64, %o: i64, %t: i1)
    -> (tensor<{shape}x{ty}>, tensor<{shape}xf32>) {{
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  {"%m = tensor.dim %x, %zero : tensor<?x?xf16>" if dynamic else ""}
  {"%n = tensor.dim %x, %one : tensor<?x?xf16>" if dynamic else ""}
  %e = tensor.empty({sizes}) : tensor<{shape}xf32>
  %h = linalg.generic {{indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>],
                       iterator_types = ["parallel", "parallel"]}} ins(%x, %b : tensor<{shape}x{ty}>, tensor<{shape.split('x')[1]}x{ty}>)
                       outs(%e : tensor<{shape}xf32>) {{
  ^bb0(%a: {ty}, %c: {ty}, %old: f32):
    %f0 = arith.constant 0.0 : f32
    %wa = arith.extf %a : {ty} to f32
    %wc = arith.extf %c : {ty} to f32
    %sum = arith.addf %wa, %wc : f32
    %relu = arith.maximumf %sum, %f0 : f32
    linalg.yield %relu : f32
  }} -> tensor<{shape}xf32>
  %d = dropout.element %h p(%p) rng(%s, %o) training(%t) : tensor<{shape}xf32>
  %e16 = tensor.empty({sizes}) : tensor<{shape}x{ty}>
  %y = linalg.generic {{indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
                       iterator_types = ["parallel", "parallel"]}} ins(%d, %r : tensor<{shape}xf32>, tensor<{shape}x{ty}>)
                       outs(%e16 : tensor<{shape}x{ty}>) {{
  ^bb0(%a: f32, %c: {ty}, %old: {ty}):
    %wc = arith.extf %c : {ty} to f32
    %sum = arith.addf %a, %wc : f32
    %narrow = arith.truncf %sum : f32 to {ty}
    linalg.yield %narrow : {ty}
  }} -> tensor<{shape}x{ty}>
  return %y, %d : tensor<{shape}x{ty}>, tensor<{shape}xf32>
}}
"""
    x, b, r = random((6, 72), ty), random((72,), ty, 1), random((6, 72), ty, 2)
    for training in (True, False) if dynamic else (True,):
        agree(f"chain of {ty}", text, [x, b, r, .3, 5, 6, training], (ty, "f32"))

# A chain of functions and constants that differ from element to element.
text = """
func.func @f(%x: tensor<5x16xf32>, %s: i64, %o: i64) -> (tensor<5x16xf32>, tensor<16xf32>) {
  %c = arith.constant dense<[1.0, -2.0, 3.5, 0.25, 5.0, -6.0, 7.0, 8.0, 9.0, 1.5, 11.0, -12.0, 13.0, 14.0, 15.0, 16.0]> : tensor<16xf32>
  %e = tensor.empty() : tensor<5x16xf32>
  %wide = linalg.broadcast ins(%c : tensor<16xf32>) outs(%e : tensor<5x16xf32>) dimensions = [0]
  %h = arith.mulf %x, %wide : tensor<5x16xf32>
  %y = dropout.alpha %h p = 0.4 rng(%s, %o) : tensor<5x16xf32>
  %d = dropout.element %c p = 0.4 rng(%o, %s) : tensor<16xf32>
  return %y, %d : tensor<5x16xf32>, tensor<16xf32>
}
"""
agree("constants", text, [random((5, 16), "f32"), 3, 4], ("f32", "f32"))
for function, ty, ulps in (("tanh", "f32", 4), ("erf", "f32", 4), ("exp", "f32", 4), ("tanh", "bf16", 1), ("erf", "f16", 1)):
    text = f"""
func.func @f(%x: tensor<?x64x{ty}>, %s: i64, %o: i64) -> tensor<?x64x{ty}> {{
  %h = math.{function} %x : tensor<?x64x{ty}>
  %y = dropout.element %h p = 0.5 rng(%s, %o) : tensor<?x64x{ty}>
  return %y : tensor<?x64x{ty}>
}}
"""
    agree(function, text, [random((9, 64), ty), 3, 4], (ty,), ulps=ulps)

# Draws that begin together but for how they draw.
for shape in ("?x?", "4x40"):
    text = f"""
func.func @f(%x: tensor<{shape}xf32>, %p: f64, %s: i64, %o: i64) -> tensor<{shape}xf32> {{
  %a = dropout.element %x p(%p) rng(%s, %o) : tensor<{shape}xf32>
  %b = dropout.alpha %a p = 0.25 resolution = 8 rng(%o, %s) : tensor<{shape}xf32>
  %c = dropout.element %b p = 0.25 rounds = 7 rng(%s, %o) : tensor<{shape}xf32>
  %d = dropout.channel %c p = 0.25 mask_dims = [1, 0] rng(%s, %o) : tensor<{shape}xf32>
  return %d : tensor<{shape}xf32>
}}
"""
    agree("draws of several kinds", text, [random((4, 40), "f32"), .3, 42, 7], ("f32",))

# ---- Reductions and contractions --------------------------------------------------------------------------------------

text = """
func.func @f(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %s: i64, %o: i64) -> (tensor<?x?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<f32>) {
  %i0 = arith.constant 0 : index
  %i1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %m = tensor.dim %x, %i0 : tensor<?x?xf32>
  %n = tensor.dim %w, %i1 : tensor<?x?xf32>
  %e = tensor.empty(%m, %n) : tensor<?x?xf32>
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?xf32>) -> tensor<?x?xf32>
  %d = dropout.element %x p = 0.25 rng(%s, %o) : tensor<?x?xf32>
  %h = linalg.matmul ins(%d, %w : tensor<?x?xf32>, tensor<?x?xf32>) outs(%init : tensor<?x?xf32>) -> tensor<?x?xf32>
  %y = dropout.alpha %h p = 0.5 rng(%o, %s) : tensor<?x?xf32>
  %er = tensor.empty(%m) : tensor<?xf32>
  %ir = linalg.fill ins(%zero : f32) outs(%er : tensor<?xf32>) -> tensor<?xf32>
  %rows = linalg.reduce {arith.addf} ins(%y : tensor<?x?xf32>) outs(%ir : tensor<?xf32>) dimensions = [1]
  %ec = tensor.empty(%n) : tensor<?xf32>
  %ic = linalg.fill ins(%zero : f32) outs(%ec : tensor<?xf32>) -> tensor<?xf32>
  %columns = linalg.reduce {arith.maximumf} ins(%y : tensor<?x?xf32>) outs(%ic : tensor<?xf32>) dimensions = [0]
  %ea = tensor.empty() : tensor<f32>
  %ia = linalg.fill ins(%zero : f32) outs(%ea : tensor<f32>) -> tensor<f32>
  %all = linalg.reduce {arith.addf} ins(%y : tensor<?x?xf32>) outs(%ia : tensor<f32>) dimensions = [0, 1]
  return %y, %rows, %columns, %all : tensor<?x?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<f32>
}
"""
for m, k, n in ((17, 9, 33), (300, 2, 5), (1, 40, 1), (4, 0, 6), (0, 3, 4)):
    x, w = random((m, k), "f32"), random((k, n), "f32", 1)
    agree(f"matmul and reductions {m}x{k}x{n}", text, [x, w, 3, 4], ("f32",) * 4)

text = """
func.func @f(%x: tensor<2x6x7x3xf32>, %w: tensor<3x3x3x8xf32>, %a: tensor<2x5x4xbf16>, %b: tensor<2x4x6xbf16>, %s: i64, %o: i64)
    -> (tensor<2x4x5x8xf32>, tensor<2x6x5xbf16>, tensor<8x5xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x4x5x8xf32>
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  %h = linalg.conv_2d_nhwc_hwcf ins(%x, %w : tensor<2x6x7x3xf32>, tensor<3x3x3x8xf32>) outs(%init : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  %y = dropout.channel %h p = 0.5 mask_dims = [0, 3] rng(%s, %o) : tensor<2x4x5x8xf32>
  %z16 = arith.constant 0.0 : bf16
  %eb = tensor.empty() : tensor<2x5x6xbf16>
  %ib = linalg.fill ins(%z16 : bf16) outs(%eb : tensor<2x5x6xbf16>) -> tensor<2x5x6xbf16>
  %g = linalg.batch_matmul ins(%a, %b : tensor<2x5x4xbf16>, tensor<2x4x6xbf16>) outs(%ib : tensor<2x5x6xbf16>) -> tensor<2x5x6xbf16>
  %d = dropout.element %g p = 0.5 rng(%s, %o) : tensor<2x5x6xbf16>
  %et = tensor.empty() : tensor<2x6x5xbf16>
  %t = linalg.transpose ins(%d : tensor<2x5x6xbf16>) outs(%et : tensor<2x6x5xbf16>) permutation = [0, 2, 1]
  %slice = tensor.extract_slice %y[1, 2, 0, 0] [1, 1, 5, 8] [1, 1, 1, 1] : tensor<2x4x5x8xf32> to tensor<5x8xf32>
  %es = tensor.empty() : tensor<8x5xf32>
  %u = linalg.transpose ins(%slice : tensor<5x8xf32>) outs(%es : tensor<8x5xf32>) permutation = [1, 0]
  return %y, %t, %u : tensor<2x4x5x8xf32>, tensor<2x6x5xbf16>, tensor<8x5xf32>
}
"""
agree("convolution", text, [random((2, 6, 7, 3), "f32"), random((3, 3, 3, 8), "f32", 1), random((2, 5, 4), "bf16", 2),
                            random((2, 4, 6), "bf16", 3), 3, 4], ("f32", "bf16", "f32"))

text = """
func.func @f(%x: tensor<?x37xf32>, %s: i64, %o: i64) -> tensor<?x37xf32> {
  %e = tensor.empty(%n) : tensor<?x37xf32>
  %soft = linalg.softmax dimension(1) ins(%x : tensor<?x37xf32>) outs(%e : tensor<?x37xf32>) -> tensor<?x37xf32>
  %y = dropout.element %soft p = 0.1 rng(%s, %o) : tensor<?x37xf32>
  return %y : tensor<?x37xf32>
}
""".replace("{\n", "{\n  %zero = arith.constant 0 : index\n  %n = tensor.dim %x, %zero : tensor<?x37xf32>\n", 1)
agree("softmax", text, [random((11, 37), "f32"), 3, 4], ("f32",), ulps=16)

# ---- Kernels of users -------------------------------------------------------------------------------------------------

text = """
module attributes {gpu.container_module} {
  gpu.module @mine {
    gpu.func @rows(%x: memref<?x24xf32>, %y: memref<?x24xf32>, %m: memref<?x24xi1>, %s: i64, %o: i64) kernel {
      %row = gpu.block_id x
      %i0 = arith.constant 0 : index
      %n = memref.dim %x, %i0 : memref<?x24xf32>
      %a = memref.subview %x[%row, 0] [1, 24] [1, 1] : memref<?x24xf32> to memref<24xf32, strided<[1], offset: ?>>
      %b = memref.subview %y[%row, 0] [1, 24] [1, 1] : memref<?x24xf32> to memref<24xf32, strided<[1], offset: ?>>
      %k = memref.subview %m[%row, 0] [1, 24] [1, 1] : memref<?x24xi1> to memref<24xi1, strided<[1], offset: ?>>
      %at = arith.constant 24 : index
      %first = arith.muli %row, %at : index
      %whole = arith.muli %n, %at : index
      dropout.alpha %a into %b p = 0.3 rng(%s, %o) at [%first] of [%whole] : memref<24xf32, strided<[1], offset: ?>>, memref<24xf32, strided<[1], offset: ?>>
      dropout.mask into %k p = 0.3 rng(%s, %o) at [%first] of [%whole] : memref<24xi1, strided<[1], offset: ?>>
      gpu.return
    }
  }
}
"""
launch = """
func.func @launch(%x: memref<?xf16>, %s: i64, %o: i64) {
  %one = arith.constant 1 : index
  gpu.launch blocks(%bx, %by, %bz) in (%gx = %one, %gy = %one, %gz = %one) threads(%tx, %ty, %tz) in (%sx = %one, %sy = %one, %sz = %one) {
    dropout.element %x into %x p = 0.3 rng(%s, %o) : memref<?xf16>, memref<?xf16>
    gpu.terminator
  }
  return
}
"""
work = Commands()
library = host_kernels.start_library(work, host_kernels.kernel_ir(harness.write(text))[0])
work.finish()
kernels, program = ctypes.CDLL(library), Program(launch, "", "a user's launch")


def work():
    x = random((70, 24), "f32")
    y, m = harness.canary(x.shape, "f32"), np.zeros(x.shape, bool)
    values = [v for a in (x, y, m) for v in (a.ctypes.data, a.ctypes.data, 0, *a.shape, a.shape[1], 1)] + [42, 7]
    values = [np.array(v) for v in values]
    arguments = (ctypes.c_void_p * len(values))(*(v.ctypes.data for v in values))
    registers = (ctypes.c_int32 * 12).in_dll(kernels, "dropout_host_registers")
    for row in range(70):
        registers[6] = row
        kernels.dropout_invoke_rows(arguments)
    same(y, oracle.apply("alpha", x, "f32", .3, 42, 7)[0], "f32", "a user's kernel")
    same(m, oracle.mask("element", x.shape, .3, 42, 7), "i1", "a mask in a user's kernel")
    x = specials((7440,), "f16")  # the first tie of seed 42, offset 7 is 7435
    want, loose = oracle.apply("element", x, "f16", .3, 42, 7)
    same(program.call("launch", [x, 42, 7])[0], want, "f16", "a user's launch", loose)


guarded(work)
done()
