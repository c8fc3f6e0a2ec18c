# RUN: %python %s %dropout_plugin %dropout_src %t
# UNSUPPORTED: sanitizers
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Every pass works alone, in stock mlir-opt and a fresh context that knows only
# the dialects of the program: what a pass builds, it declares. What it leaves
# verifies, prints, parses and prints the same, and a second run changes nothing.
# The passes are those of the Passes.td files: each must have its programs here.
# (Stock mlir-opt can't load a sanitized plugin.)

import pathlib, re, subprocess, sys

PLUGIN, SOURCE, TEMPORARY = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
KINDS = ("element", "channel", "alpha", "feature_alpha")
OPS = KINDS + tuple(f"backward {kind}" for kind in KINDS)
ARGS = "%p: f64, %s: i64, %o: i64, %t: i1, %i: index, %n: index"
EXPLICIT = "rng(%s, %o) training(%t)"


def tensors(p="p(%p)", state=EXPLICIT, ops=OPS, types=("f32", "f64", "bf16", "f16")):
    """One function on tensors for each op, to be run one at a time: nothing but func and dropout, whole or a slice."""
    for k, op in enumerate(ops):
        ty = f"tensor<4x?x6x{types[k % len(types)]}>"
        at = " at [%i, 0, 0] of [16, %n, 6]" if k % 2 else ""
        yield f"func.func @f(%x: {ty}, {ARGS}) -> {ty} {{\n" \
              f"  %y = dropout.{op} %x {p} {state}{at} : {ty}\n  return %y : {ty}\n}}"


def memrefs(p="p(%p)", state=EXPLICIT, ops=OPS, types=("f32", "bf16", "f16", "f64")):
    for k, op in enumerate(ops):
        a, b = f"memref<4x?x6x{types[k % len(types)]}>", f"memref<4x?x6x{types[k % len(types)]}, strided<[?, ?, ?]>>"
        yield f"func.func @f(%x: {a}, %y: {b}, {ARGS}) {{\n" \
              f"  dropout.{op} %x into %y {p} {state} : {a}, {b}\n  return\n}}"


EXPLICIT_TENSORS = [*tensors(), *tensors("p = 0.3", "rounds = 7 resolution = 8 rng(%s, %o)", KINDS)]
EXPLICIT_MEMREFS = [*memrefs(), *memrefs("p = 0.25", "rounds = 7 resolution = 8 rng(%s, %o)")]
IMPLICIT = [*tensors("p = 0.3", "", KINDS), *tensors("p(%p)", 'generator("data") training(%t)', KINDS),
            *memrefs("p = 0.3", "", KINDS), *memrefs("p(%p)", 'generator("data")', KINDS)]
MASKED = [f"""func.func @f(%x: tensor<4x8xf32>, {ARGS}) -> (tensor<4x8xf32>, {m}) {{
  %y, %m = dropout.{op} %x p(%p) {EXPLICIT} : tensor<4x8xf32>, {m}
  return %y, %m : tensor<4x8xf32>, {m}
}}""" for op, m in (("element", "tensor<4x8xi1>"), ("alpha", "tensor<4x8xi1>"), ("channel", "tensor<4x8xi1>"))]
MASKS = [f"""func.func @f({ARGS}) -> tensor<4x?xi1> {{
  %m = dropout.mask(%n) {p} rng(%s, %o){rest} : tensor<4x?xi1>
  return %m : tensor<4x?xi1>
}}""" for p, rest in (("p(%p)", " training(%t)"), ("p = 0.3 mask_dims = [1]", ""), ("threshold(%s)", ""),
                      ("p = 0.5 rounds = 7 resolution = 8", " at [%i, 0] of [16, %n]"))]
MEMREF_MASKS = [f"""func.func @f(%m: memref<4x?xi1>, {ARGS}) {{
  dropout.mask into %m {p} rng(%s, %o){rest} : memref<4x?xi1>
  return
}}""" for p, rest in (("p(%p)", " training(%t)"), ("threshold(%s)", ""), ("p = 0.5 rounds = 7 resolution = 8", ""))]
STATE = [f"func.func @f({ARGS}) -> (i64, i1) {{\n  %train, %seed, %offset = dropout.reserve{rest}\n"
         "  return %seed, %train : i64, i1\n}" for rest in ("", ' generator("data") training(%t)')] + \
        [f"func.func @f(%p: f64) -> f64 {{\n  %q = dropout.check_p %p{rest}\n  return %q : f64\n}}"
         for rest in ("", " resolution = 8")]
KEEPS = [f"func.func @f({ARGS}) -> i1 {{\n  %k = dropout.keep %s threshold(%o) rng(%s, %o){rest}\n  return %k : i1\n}}"
         for rest in ("", " rounds = 7 resolution = 8")] + ["""
func.func @f(%m: memref<?xi1>, %n: index, %first: i64, %t: i64, %s: i64, %o: i64) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    %j = arith.index_cast %i : index to i64
    %e = arith.addi %first, %j : i64
    %k = dropout.keep %e threshold(%t) rng(%s, %o)
    memref.store %k, %m[%i] : memref<?xi1>
  }
  return
}"""]
# A mask and its reader, which is not the only one.
READERS = ["""
#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (j)>
func.func @f(%x: tensor<4x?xf32>, %n: index, %s: i64, %o: i64) -> (tensor<4x?xf32>, tensor<?xi1>) {
  %m = dropout.mask(%n) p = 0.3 rng(%s, %o) : tensor<?xi1>
  %y = linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%m : tensor<?xi1>) outs(%x : tensor<4x?xf32>) {
  ^bb0(%k: i1, %a: f32):
    %r = arith.uitofp %k : i1 to f32
    linalg.yield %r : f32
  } -> tensor<4x?xf32>
  return %y, %m : tensor<4x?xf32>, tensor<?xi1>
}"""]
# What is straight-line code and has a gradient.
LAYERS = ["""
func.func @f(%x: tensor<4x8xf32>, %b: tensor<8xf32>, %e: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = linalg.broadcast ins(%b : tensor<8xf32>) outs(%e : tensor<4x8xf32>) dimensions = [0]
  %1 = linalg.add ins(%x, %0 : tensor<4x8xf32>, tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
  %t, %s, %o = dropout.reserve
  %2 = dropout.alpha %1 p = 0.3 rng(%s, %o) training(%t) : tensor<4x8xf32>
  return %2 : tensor<4x8xf32>
}""", """
func.func @f(%x: tensor<?xf16>, %p: f64, %s: i64, %o: i64) -> tensor<?xf16> {
  %q = dropout.check_p %p
  %0 = math.tanh %x : tensor<?xf16>
  %1 = dropout.element %0 p(%q) rng(%s, %o) : tensor<?xf16>
  return %1 : tensor<?xf16>
}"""]
LINALG = ["""
func.func @f(%x: tensor<?x4xf32>, %b: tensor<4xf32>, %e: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = linalg.broadcast ins(%b : tensor<4xf32>) outs(%e : tensor<?x4xf32>) dimensions = [0]
  %1 = linalg.add ins(%x, %0 : tensor<?x4xf32>, tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %1 : tensor<?x4xf32>
}""", """
func.func @f(%x: tensor<?x7xf32>, %e: tensor<?x7xf32>) -> tensor<?x7xf32> {
  %0 = linalg.softmax dimension(1) ins(%x : tensor<?x7xf32>) outs(%e : tensor<?x7xf32>) -> tensor<?x7xf32>
  return %0 : tensor<?x7xf32>
}""", """
func.func @f(%x: tensor<5x7xf32>, %p: tensor<2x2x4x4xf32>, %z: f32) -> tensor<2x2x4x4xf32> {
  %0 = linalg.pack %x padding_value(%z : f32) inner_dims_pos = [0, 1] inner_tiles = [4, 4] into %p : tensor<5x7xf32> -> tensor<2x2x4x4xf32>
  return %0 : tensor<2x2x4x4xf32>
}""", """
func.func @f(%x: tensor<2x2x4x4xf32>, %e: tensor<5x7xf32>) -> tensor<5x7xf32> {
  %0 = linalg.unpack %x inner_dims_pos = [0, 1] inner_tiles = [4, 4] into %e : tensor<2x2x4x4xf32> -> tensor<5x7xf32>
  return %0 : tensor<5x7xf32>
}""", """
func.func @f(%x: tensor<2x6x6x5xf32>, %e: tensor<6x6x1x1x2x5xf32>) -> tensor<6x6x1x1x2x5xf32> {
  %0 = linalg.winograd_input_transform fmr(F_4_3) ins(%x : tensor<2x6x6x5xf32>) outs(%e : tensor<6x6x1x1x2x5xf32>) -> tensor<6x6x1x1x2x5xf32>
  return %0 : tensor<6x6x1x1x2x5xf32>
}""", """
func.func @f(%x: memref<4xf32>) {
  linalg.add ins(%x, %x : memref<4xf32>, memref<4xf32>) outs(%x : memref<4xf32>)
  return
}"""]
# Two generics with nothing but linalg: the size of the second's result asks for tensor.dim.
GENERICS = ["""
#id = affine_map<(i) -> (i)>
func.func @f(%x: tensor<?xf32>, %e: tensor<?xf32>) -> tensor<?xf32> {
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<?xf32>) outs(%e : tensor<?xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %b : f32
  } -> tensor<?xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%0 : tensor<?xf32>) outs(%e : tensor<?xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  } -> tensor<?xf32>
  return %1 : tensor<?xf32>
}""", """
#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (j)>
func.func @f(%x: tensor<?x8xf32>, %b: tensor<8xf32>) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%n) : tensor<?x8xf32>
  %0 = linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%b : tensor<8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %s = math.exp %in : f32
    linalg.yield %s : f32
  } -> tensor<?x8xf32>
  %m = tensor.dim %0, %c0 : tensor<?x8xf32>
  %g = tensor.empty(%m) : tensor<?x8xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %0 : tensor<?x8xf32>, tensor<?x8xf32>) outs(%g : tensor<?x8xf32>) {
  ^bb0(%a: f32, %c: f32, %out: f32):
    %s = arith.addf %a, %c : f32
    linalg.yield %s : f32
  } -> tensor<?x8xf32>
  return %1 : tensor<?x8xf32>
}"""]
BUFFERS = ["""
func.func @f(%x: tensor<4xf32>, %y: tensor<?xbf16>) {
  return
}""", """
func.func @f() -> memref<8xf32> {
  %a = memref.alloc() : memref<4xf32>
  %b = memref.alloc() : memref<8xf32>
  memref.dealloc %a : memref<4xf32>
  return %b : memref<8xf32>
}"""]
RESULTS = ["""
func.func @f() -> (memref<4xf32>, memref<4xf32>, memref<2x2xf32>) {
  %a = memref.alloc() : memref<4xf32>
  %v = memref.expand_shape %a [[0, 1]] output_shape [2, 2] : memref<4xf32> into memref<2x2xf32>
  return %a, %a, %v : memref<4xf32>, memref<4xf32>, memref<2x2xf32>
}""", """
func.func @f(%a: memref<4xf32>) -> (memref<4xf32>, memref<4xf32>) {
  return %a, %a : memref<4xf32>, memref<4xf32>
}"""]
COPIES = ["""
func.func @f(%a: memref<?x4xf32>, %b: memref<?x4xf32>, %c: memref<?x4xf32, strided<[?, 1]>>) {
  memref.copy %a, %b : memref<?x4xf32> to memref<?x4xf32>
  memref.copy %c, %b : memref<?x4xf32, strided<[?, 1]>> to memref<?x4xf32>
  return
}"""]
FLOATS = ["""
func.func @f(%a: bf16, %b: bf16) -> bf16 {
  %0 = arith.addf %a, %b : bf16
  return %0 : bf16
}""", """
func.func @f(%a: vector<4xbf16>, %b: vector<4xf64>) -> (vector<4xbf16>, vector<4xbf16>) {
  %0 = math.exp %a : vector<4xbf16>
  %1 = arith.truncf %b : vector<4xf64> to vector<4xbf16>
  return %0, %1 : vector<4xbf16>, vector<4xbf16>
}""", """
func.func @f(%a: f32, %b: vector<2x2xf64>) -> (f32, vector<2x2xf64>) {
  %0 = math.log1p %a : f32
  %1 = math.erf %b : vector<2x2xf64>
  return %0, %1 : f32, vector<2x2xf64>
}""", """
func.func @f(%a: bf16, %b: f16, %c: bf16) -> (bf16, f16, bf16, i1, bf16) {
  %0 = math.expm1 %a : bf16
  %1 = math.tan %b : f16
  %2 = math.fma %a, %c, %0 : bf16
  %3 = arith.cmpf olt, %a, %c : bf16
  %4 = arith.fptosi %c : bf16 to i32
  %5 = math.fpowi %a, %4 : bf16, i32
  return %0, %1, %2, %3, %5 : bf16, f16, bf16, i1, bf16
}"""]
LLVM = ["""
llvm.mlir.global private constant @table(dense<1.0> : tensor<2xbf16>) : !llvm.array<2 x bf16>
llvm.func @f(%c: i1, %p: !llvm.ptr, %x: bf16) -> !llvm.struct<(bf16, i1)> {
  %k = llvm.mlir.constant(1.25 : bf16) : bf16
  %s = llvm.select %c, %x, %k : i1, bf16
  llvm.store %s, %p : bf16, !llvm.ptr
  %u = llvm.mlir.poison : !llvm.struct<(bf16, i1)>
  %v = llvm.insertvalue %s, %u[0] : !llvm.struct<(bf16, i1)>
  llvm.return %v : !llvm.struct<(bf16, i1)>
}""", """
llvm.func @f(%p: f64 {dropout.probability}) -> f64 attributes {dropout.entry_point = "g"} {
  llvm.return %p : f64
}"""]
INTERFACES = ["""
func.func @scalars(%a: i1, %b: f16, %c: bf16, %e: f64, %g: index) -> (i1, index) {
  return %a, %g : i1, index
}""", """
func.func @layer(%x: memref<?x4xf32>, %y: memref<4xbf16, strided<[2], offset: ?>>, %p: f64) -> memref<?x4xf32> {
  call @helper(%p) : (f64) -> ()
  return %x : memref<?x4xf32>
}
func.func private @helper(%p: f64 {dropout.probability}) {
  return
}""", """
func.func @"f.1$2"() {
  return
}
func.func @other(%x: tensor<4xf32>) {
  return
}"""]
EMPTY = [""]
FOREIGN = ["""
func.func @f(%x: memref<4xf32>, %y: tensor<?x4xf32>, %n: index) -> tensor<?x4xf32> {
  return %y : tensor<?x4xf32>
}"""]
OTHERS = EMPTY + FOREIGN

ELEMENTWISE = ["""
#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (j)>
func.func @f(%x: memref<?x?xbf16, strided<[?, 1]>>, %b: memref<?xf32, strided<[?]>>, %y: memref<?x?xf16>, %m: memref<?x?xi1>,
             %t: i64, %s: i64, %training: i1) {
  linalg.generic {indexing_maps = [#id, #row, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %b : memref<?x?xbf16, strided<[?, 1]>>, memref<?xf32, strided<[?]>>) outs(%y, %m : memref<?x?xf16>, memref<?x?xi1>) {
  ^bb0(%p: bf16, %q: f32, %r: f16, %u: i1):
    %j = linalg.index 1 : index
    %l = arith.index_cast %j : index to i64
    %keep = dropout.keep %l threshold(%t) rng(%s, %s)
    %e = arith.extf %p : bf16 to f32
    %a = arith.addf %e, %q : f32
    %z = arith.constant 0.0 : f32
    %d = arith.select %keep, %a, %z : f32
    %v = arith.select %training, %d, %a : f32
    %w = arith.truncf %v : f32 to f16
    linalg.yield %w, %keep : f16, i1
  }
  return
}""", """
func.func @f(%x: memref<32x64xf32>, %y: memref<64xf32>) {
  linalg.reduce { arith.addf } ins(%x : memref<32x64xf32>) outs(%y : memref<64xf32>) dimensions = [0]
  return
}"""]
CONTRACTIONS = ["""
func.func @f(%a: memref<?x33xf32>, %b: memref<33x?xf32>, %c: memref<?x?xf32>) {
  linalg.matmul ins(%a, %b : memref<?x33xf32>, memref<33x?xf32>) outs(%c : memref<?x?xf32>)
  return
}"""]
EPILOGUES = ["""
func.func @f(%a: tensor<64x33xf32>, %b: tensor<33x70xf32>, %c: tensor<64x70xf32>) -> tensor<64x70xf32> {
  %z = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<64x70xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<64x70xf32>) -> tensor<64x70xf32>
  %m = linalg.matmul ins(%a, %b : tensor<64x33xf32>, tensor<33x70xf32>) outs(%f : tensor<64x70xf32>) -> tensor<64x70xf32>
  %y = linalg.add ins(%m, %c : tensor<64x70xf32>, tensor<64x70xf32>) outs(%e : tensor<64x70xf32>) -> tensor<64x70xf32>
  return %y : tensor<64x70xf32>
}"""]
VECTORS = ["""
func.func @f(%x: vector<32xf32>, %h: vector<16xf16>, %i: index, %m: memref<?xf32>) -> (vector<32xf32>, vector<16xf16>, vector<8xf32>) {
  %e = math.erf %x : vector<32xf32>
  %g = arith.addf %h, %h : vector<16xf16>
  %v = vector.load %m[%i] : memref<?xf32>, vector<8xf32>
  %w = vector.broadcast %i : index to vector<4xindex>
  return %e, %g, %v : vector<32xf32>, vector<16xf16>, vector<8xf32>
}"""]
# Dropout in place and not, what stands beside it, and a user's kernel.
LAUNCHES = EXPLICIT_MEMREFS[:8] + MEMREF_MASKS + ELEMENTWISE + CONTRACTIONS + ["""
func.func @f(%x: memref<?xf32>, %a: memref<?x4xf32, strided<[?, 1]>>, %b: memref<?x4xf32>, %state: memref<2xi64>) {
  dropout.element %x into %x p = 0.3 rng(%state : memref<2xi64>) : memref<?xf32>, memref<?xf32>
  memref.copy %a, %b : memref<?x4xf32, strided<[?, 1]>> to memref<?x4xf32>
  return
}""", """
gpu.module @kernels {
  gpu.func @f(%x: memref<8xf32>, %s: i64, %o: i64) kernel {
    dropout.element %x into %x p = 0.3 rng(%s, %o) : memref<8xf32>, memref<8xf32>
    gpu.return
  }
}"""]
KERNEL_MATH = ["""
gpu.module @kernels {
  gpu.func @f(%x: memref<4xf32>, %y: memref<4xbf16>, %z: memref<4xf64>, %i: index) kernel {
    %a = memref.load %x[%i] : memref<4xf32>
    %0 = math.exp %a : f32
    %1 = math.tanh %0 : f32
    %2 = math.erf %1 : f32
    %3 = math.fma %2, %a, %1 : f32
    memref.store %3, %x[%i] : memref<4xf32>
    %b = memref.load %y[%i] : memref<4xbf16>
    %4 = math.sqrt %b : bf16
    memref.store %4, %y[%i] : memref<4xbf16>
    %c = memref.load %z[%i] : memref<4xf64>
    %5 = math.exp %c : f64
    memref.store %5, %z[%i] : memref<4xf64>
    gpu.return
  }
}"""]
KERNELS = ["""
gpu.module @kernels {
  llvm.func @g(%x: f32) -> f32 {
    llvm.return %x : f32
  }
  llvm.func @f(%x: f32) attributes {gpu.kernel, nvvm.kernel} {
    %0 = llvm.call @g(%x) : (f32) -> f32
    llvm.return
  }
}"""]
BINARIES = ["""
module attributes {gpu.container_module} {
  gpu.binary @kernels [#gpu.object<#nvvm.target<chip = "sm_90">, assembly = "text">]
  func.func @f(%x: memref<?xf32>, %s: i64, %n: index) {
    gpu.launch_func @kernels::@k blocks in (%n, %n, %n) threads in (%n, %n, %n) args(%s : i64, %x : memref<?xf32>)
    return
  }
}"""]
ALLOCATIONS = ["""
llvm.func @malloc(i64) -> !llvm.ptr
llvm.func @free(!llvm.ptr)
llvm.func @f(%n: i64) {
  %0 = llvm.call @malloc(%n) : (i64) -> !llvm.ptr
  llvm.call @free(%0) : (!llvm.ptr) -> ()
  llvm.return
}"""]

LAUNCHES = ["""
func.func @f(%x: memref<?xf32>, %v: f32, %n: index) {
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %z = arith.constant 2.0 : f32
  gpu.launch blocks(%bx, %by, %bz) in (%gx = %n, %gy = %c1, %gz = %c1) threads(%tx, %ty, %tz) in (%sx = %c64, %sy = %c1, %sz = %c1) {
    %0 = arith.muli %bx, %sx : index
    %1 = arith.addi %0, %tx : index
    %2 = arith.mulf %v, %z : f32
    memref.store %2, %x[%1] : memref<?xf32>
    gpu.terminator
  }
  return
}"""]
OUTLINED = ["""
module attributes {gpu.container_module} {
  gpu.module @kernels {
    gpu.func @f(%x: memref<?xf32>, %v: f32) kernel attributes {known_block_size = array<i32: 64, 1, 1>} {
      %i = gpu.thread_id x
      memref.store %v, %x[%i] : memref<?xf32>
      gpu.return
    }
  }
}"""]
SPIRV = ["""
spirv.module Logical GLSL450 requires #spirv.vce<v1.0, [Shader], []> {
  spirv.func @f(%a: f32, %b: f32) -> f32 "None" {
    %0 = spirv.FMul %a, %b : f32
    %1 = spirv.FAdd %0, %b : f32
    spirv.ReturnValue %1 : f32
  }
}"""]
CUDA = ["""
module attributes {gpu.container_module} {
  gpu.module @kernels [#nvvm.target<chip = "sm_90">] {
    llvm.func @f(%p: !llvm.ptr, %v: f32) attributes {gpu.kernel, nvvm.kernel} {
      llvm.store %v, %p : f32, !llvm.ptr
      llvm.return
    }
  }
}"""]
ROCM = ["""
module attributes {gpu.container_module} {
  gpu.module @kernels [#rocdl.target<chip = "gfx942">] {
    llvm.func @f(%p: !llvm.ptr, %v: f32) attributes {gpu.kernel, rocdl.kernel} {
      llvm.store %v, %p : f32, !llvm.ptr
      llvm.return
    }
  }
}"""]

# The pass, as it is written in a pipeline, and what it runs on. The first of a pass has its defaults.
PROGRAMS = {
    "convert-dropout-to-gpu": LAUNCHES + OTHERS,
    "convert-dropout-to-gpu{block-size=64 elements-per-thread=64 vector-access=false packed-minimum}": LAUNCHES,
    "convert-dropout-to-affine": EXPLICIT_MEMREFS + MEMREF_MASKS + STATE + KEEPS + OTHERS,
    "convert-dropout-to-affine{kinds=alpha}": EXPLICIT_MEMREFS + EXPLICIT_TENSORS[:2] + OTHERS,
    "convert-dropout-to-arith": KEEPS + EXPLICIT_TENSORS + STATE + OTHERS,
    "convert-dropout-to-arith{share-blocks=false}": KEEPS,
    "convert-dropout-to-linalg": EXPLICIT_TENSORS + MASKED + EXPLICIT_MEMREFS + MASKS + MEMREF_MASKS + STATE + KEEPS + OTHERS,
    "convert-dropout-to-linalg{mask=inline}": EXPLICIT_TENSORS + MASKED + EXPLICIT_MEMREFS + MASKS + MEMREF_MASKS + STATE + KEEPS + OTHERS,
    "convert-dropout-to-linalg{kinds=element,mask}": EXPLICIT_TENSORS + MASKED + EXPLICIT_MEMREFS + MASKS + MEMREF_MASKS,
    "convert-dropout-to-llvm": STATE + OTHERS,
    "dropout-allocate-on-device": ALLOCATIONS + EMPTY,
    "dropout-attach-cuda-target": KERNEL_MATH + KERNELS + OTHERS,
    "dropout-attach-cuda-target{chip=sm_90a features=+ptx83}": KERNEL_MATH,
    "dropout-attach-rocm-target": OUTLINED + OTHERS,
    "dropout-attach-rocm-target{chip=gfx90a features=+xnack binary}": OUTLINED,
    "dropout-attach-spirv-target": OUTLINED + EMPTY,
    "dropout-attach-spirv-target{float64}": OUTLINED,
    "dropout-build-backward": EXPLICIT_TENSORS + LAYERS + OTHERS,
    "dropout-build-backward{functions=f}": EXPLICIT_TENSORS + LAYERS,
    "dropout-capture-launch-sizes": LAUNCHES + OTHERS,
    "dropout-check-probabilities": EXPLICIT_TENSORS + EXPLICIT_MEMREFS + IMPLICIT + MASKS + MEMREF_MASKS + STATE + OTHERS,
    "dropout-convert-linalg-to-vector": ELEMENTWISE + CONTRACTIONS + OTHERS,
    "dropout-convert-linalg-to-vector{threads=0 nontemporal-bytes=1024 vector-bits=256 masked-memory=false}": ELEMENTWISE,
    "dropout-emit-entry-points": INTERFACES + BUFFERS[1:] + RESULTS + EXPLICIT_MEMREFS + STATE + OTHERS,
    "dropout-emit-entry-points{device-arrays}": INTERFACES + BUFFERS[1:],
    "dropout-expand-copies": COPIES + OTHERS,
    "dropout-expand-f16": VECTORS + OTHERS,
    "dropout-forbid-contraction": SPIRV + OTHERS,
    "dropout-fuse-elementwise": GENERICS + READERS + LINALG + OTHERS,
    "dropout-inline-mask": MASKS + READERS + MEMREF_MASKS + OTHERS,
    "dropout-launch-to-runtime": BINARIES + OTHERS,
    "dropout-legalize-bf16": LLVM + EMPTY,
    "dropout-lower-floats": FLOATS + OTHERS,
    "dropout-lower-kernel-math": KERNEL_MATH + OTHERS,
    "dropout-lower-vectors": VECTORS + OTHERS,
    "dropout-materialize-state": IMPLICIT + EXPLICIT_TENSORS + STATE + OTHERS,
    "dropout-math-to-libmvec": VECTORS + FLOATS + OTHERS,
    "dropout-prepare-bufferization": BUFFERS + RESULTS + OTHERS,
    "dropout-prepare-linalg": LINALG + GENERICS + READERS + OTHERS,
    "dropout-separate-results": RESULTS + BUFFERS[1:] + OTHERS,
    "dropout-serialize-cuda": CUDA + OTHERS,
    "dropout-serialize-rocm": ROCM + OTHERS,
    "dropout-serialize-rocm{binary}": ROCM,
    "dropout-sink-constants": LAUNCHES + OTHERS,
    "dropout-specialize-mode": IMPLICIT + EXPLICIT_TENSORS + STATE + OTHERS,
    "dropout-specialize-mode{mode=eval}": IMPLICIT + EXPLICIT_TENSORS + STATE + OTHERS,
    "dropout-tile-and-fuse": EPILOGUES + LINALG + OTHERS,
    "dropout-vectorize-contractions": CONTRACTIONS + ELEMENTWISE + OTHERS,
    "dropout-verify-kernels": KERNELS + OTHERS,
    "dropout-verify-llvm": LLVM + EMPTY,
    "dropout-verify-lowered": STATE + OTHERS,
}

# A pipeline that says at its second run that there is nothing for it to do.
REFUSED = {"dropout-build-backward{functions=f}": "expected a function without a gradient"}


def defined():
    """Names of our passes, and the op that each runs on: the module if it does not say."""
    passes = {}
    for td in sorted((SOURCE / "include").rglob("Passes.td")):
        text = td.read_text()
        found = re.findall(r'^def \w+\s*:\s*Pass<\s*"([^"]+)"\s*(?:,\s*"([^"]+)")?', text, re.M)
        assert len(found) == len(re.findall(r"^def \w+", text, re.M)), f"{td}: a definition that this test can't read"
        passes.update(found)
    return passes


ANCHORS = {"": "{}", "::mlir::ModuleOp": "{}", "::mlir::func::FuncOp": "func.func({})",
           "::mlir::gpu::GPUModuleOp": "gpu.module({})"}
failures = []


def start(text, *options):
    """mlir-opt on a file, each part of it in a context of its own."""
    return subprocess.run(["mlir-opt", f"--load-dialect-plugin={PLUGIN}", f"--load-pass-plugin={PLUGIN}",
                           "--split-input-file", *options, "-"], input=text, capture_output=True, text=True)


def run(what, text, *options):
    """What mlir-opt makes of a file; None, and a failure, if it says anything."""
    done = start(text, *options)
    if done.returncode == 0 and not done.stderr:
        return done.stdout
    path = pathlib.Path(f"{TEMPORARY}.{len(failures)}.mlir")
    path.write_text(text)
    failures.append(f"{what}: exit code {done.returncode}\n{done.stderr[:3000]}\ninput: {path}")
    return None


def refused(what, text, option, message):
    done = start(text, option)
    if done.returncode == 0 or len(re.findall(f"error: {message}", done.stderr)) != text.count("// -----") + 1:
        failures.append(f"{what}: expected '{message}' for each part, but got exit code {done.returncode}\n{done.stderr[:3000]}")


def same(what, expected, got):
    if got is None or expected == got:
        return
    parts = zip(*(text.split("// -----\n") for text in (expected, got)))
    first = next((pair for pair in parts if pair[0] != pair[1]), (expected, got))
    failures.append(f"{what}:\n{first[0]}\nbecomes\n{first[1]}")


def main():
    passes = defined()
    unknown = {name.partition("{")[0] for name in PROGRAMS} ^ set(passes)
    if len(passes) < 17 or unknown:
        sys.exit(f"the passes of Passes.td are not those of this test: {sorted(unknown)}")
    for name, programs in PROGRAMS.items():
        pipeline = ANCHORS[passes[name.partition('{')[0]]].format(name)
        option = f"--pass-pipeline=builtin.module({pipeline})"
        once = run(name, "\n// -----\n".join(programs), option)
        if once is None:
            continue
        same(f"{name}: what it leaves prints otherwise when it is parsed", once, run(f"{name}: what it leaves", once))
        if name in REFUSED:
            refused(f"{name}: a second run", once, option, REFUSED[name])
        else:
            same(f"{name}: a second run changes something", once, run(f"{name}: a second run", once, option))
    for failure in failures:
        print(failure, end="\n\n")
    print(f"{len(passes)} passes, {len(PROGRAMS)} pipelines, {len(failures)} failures")
    sys.exit(len(failures) != 0)


main()
