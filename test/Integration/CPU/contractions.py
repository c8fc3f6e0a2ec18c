# RUN: %python %s
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# dropout-vectorize-contractions and dropout-tile-and-fuse change no bit: every
# program here runs as it is, in scalar loops, and after the passes.

import os, subprocess, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
import numpy as np
import harness, oracle
from harness import check, fail, random, run, specials, typed, write

FUSE = ("builtin.module(func.func(dropout-check-probabilities,dropout-materialize-state),canonicalize,"
        "convert-dropout-to-linalg,func.func(convert-elementwise-to-linalg,dropout-prepare-linalg,dropout-fuse-elementwise),"
        "dropout-inline-mask,canonicalize,cse,func.func(dropout-tile-and-fuse),canonicalize)")


def vectorize(bits):
    return f"builtin.module(func.func(dropout-vectorize-contractions{{vector-bits={bits}}}),canonicalize)"


def apply(text, pipeline, gone=None, comes=None, keeps=None):
    """The text after the passes; `gone` must not be in it, `comes` must be, `keeps` must still be."""
    done = subprocess.run([harness.OPT, write(text), f"--pass-pipeline={pipeline}"], capture_output=True, text=True)
    if done.returncode:
        fail(f"{pipeline}: {done.stderr[-3000:]}")
    for word, there in ((gone, False), (comes, True), (keeps, True)):
        if word:
            check((word in done.stdout) == there, f"expected {word!r} {'in' if there else 'gone from'} the result of {pipeline}: "
                  + write(done.stdout))
    return done.stdout


# ---- Many ops on memrefs in one function --------------------------------------------------------


class Ops:
    """linalg ops on memref arguments of @f, outputs behind inputs. Dynamic ones that are equal but for sizes are one function."""

    def __init__(self, dynamic):
        self.dynamic, self.args, self.values, self.types, self.body, self.what, self.functions = dynamic, [], [], [], [], [], {}

    def arg(self, value, ty, layout=""):
        t = typed(value.shape, ty + layout, self.dynamic or bool(layout), "memref")
        self.args.append(t)
        self.values.append(value)
        self.types.append(ty)
        return f"%a{len(self.args) - 1}", t

    def op(self, name, ins, outs, attributes="", body=""):
        a, b = [self.arg(*x) for x in ins], [self.arg(*x) for x in outs]
        self.what.append((name, [x[0].shape for x in ins], len(self.args) - 1, len(outs)))
        operands, types = [x[0] for x in a + b], [x[1] for x in a + b]
        if self.dynamic:
            formal = [f"%p{k}" for k in range(len(operands))]
        else:
            formal = operands
        split = lambda names: f"ins({', '.join(names[:len(a)])} : {', '.join(types[:len(a)])}) " \
                              f"outs({', '.join(names[len(a):])} : {', '.join(types[len(a):])})"
        text = f"{name}{' ' + attributes if attributes else ''} {split(formal)}{body}"
        if self.dynamic:
            function = self.functions.setdefault((text, tuple(types)), f"@op{len(self.functions)}")
            text = f"call {function}({', '.join(operands)}) : ({', '.join(types)}) -> ()"
        self.body.append(text)

    def generic(self, maps, iterators, ins, outs, body):
        """Body: text of the block, arguments %0, %1, ..."""
        kinds = ", ".join('"parallel"' if c == "p" else '"reduction"' for c in iterators)
        types = [x[1] for x in ins + outs]
        block = ", ".join(f"%x{k}: {t}" for k, t in enumerate(types))
        self.op("linalg.generic", ins, outs, f"{{indexing_maps = [{', '.join(f'affine_map<{m}>' for m in maps)}], "
                f"iterator_types = [{kinds}]}}", f" {{\n  ^bb0({block}):\n    {body}\n  }}")

    def text(self):
        args = ", ".join(f"%a{k}: {t}" for k, t in enumerate(self.args))
        functions = "".join(
            f"func.func private {name}({', '.join(f'%p{k}: {t}' for k, t in enumerate(types))}) attributes {{no_inline}} {{\n  {text}\n  return\n}}\n"
            for (text, types), name in self.functions.items())
        return functions + f"func.func @f({args}) {{\n  " + "\n  ".join(self.body) + "\n  return\n}\n"

    def compare(self, what, widths, keeps=None):
        """Bits of every buffer, inputs too, for each width of a vector."""
        want = run(self.text(), self.values, len(self.values), what)
        for bits in widths:
            text = apply(self.text(), vectorize(bits), None if keeps else "linalg.", "vector.", keeps)
            got = run(text, self.values, len(self.values), f"{what}, {bits} bits")
            for k, (g, w, ty) in enumerate(zip(got, want, self.types)):
                op = next((n, s) for n, s, last, _ in self.what if k <= last)
                harness.same(g, w, ty, f"{what}, {bits} bits: buffer {k} of {op}",
                             loose=np.ones(w.shape, bool) if ty[0] in "fb" else None)


def ints(shape, ty, seed=0):
    info = np.iinfo(oracle.DTYPE[ty])
    return np.random.default_rng(seed).integers(info.min, info.max, shape, oracle.DTYPE[ty], endpoint=True)


for t, d in (("i8", np.int8), ("i32", np.int32), ("i64", np.int64)):
    oracle.DTYPE.setdefault(t, d)

ROW, COL = "(m, n) -> (m, n)", "(m, n) -> (n, m)"
ADD = "%s = arith.addf %x1, %x0 : f32\n    linalg.yield %s : f32"
SHAPES = [(1, 2, 1), (2, 3, 5), (3, 15, 4), (6, 16, 16), (7, 17, 33), (12, 64, 16), (13, 65, 17), (5, 131, 3), (19, 100, 40),
          (1, 200, 7), (35, 35, 35), (4, 32, 0), (0, 32, 4), (4, 0, 4), (8, 33, 1)]


def matrix_products(dynamic):
    f = Ops(dynamic)
    # The last ones are packed, in several parts; one size serves a dynamic op as well as another.
    for k, (m, n, r) in enumerate(SHAPES + [(25, 70, 530), (24, 1030, 260)]):
        x = lambda *s: (random(s, "f32", k + len(f.args)), "f32")
        f.op("linalg.matmul", [x(m, r), x(r, n)], [x(m, n)])
        f.op("linalg.matmul", [x(r, m), x(r, n)], [x(m, n)],
             "indexing_maps = [affine_map<(m, n, k) -> (k, m)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>]")
        f.op("linalg.matmul", [x(m, r), x(n, r)], [x(m, n)],
             "indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]")
        if k % 4 == 0:
            f.op("linalg.batch_matmul", [x(2, m, r), x(2, r, n)], [x(2, m, n)])
            f.op("linalg.matvec", [x(n, r), x(r)], [x(n)])
            f.op("linalg.vecmat", [x(r), x(r, n)], [x(n)])
    return f


def element_types(dynamic):
    f = Ops(dynamic)
    for a, c in (("f16", "f16"), ("bf16", "bf16"), ("f64", "f64"), ("f16", "f32"), ("bf16", "f32"), ("f32", "f64")):
        for k, (m, n, r) in enumerate(((7, 37, 19), (6, 32, 16), (3, 70, 5))):
            make = specials if k == 2 else random
            f.op("linalg.matmul", [(make((m, r), a, k), a), (make((r, n), a, k + 1), a)], [(random((m, n), c, k + 2), c)])
            f.generic([ROW, "(m, n) -> (m)"], "pr", [(make((n, r), a, k), a)], [(random((n,), c, 3), c)],
                      (f"%w = arith.extf %x0 : {a} to {c}\n    " if a != c else f"%z = arith.constant 0.0 : {a}\n    %w = arith.addf %x0, %z : {a}\n    ")
                      + f"%s = arith.addf %x1, %w : {c}\n    linalg.yield %s : {c}")
    for m, n, r in ((7, 37, 19), (6, 64, 16)):
        f.op("linalg.matmul", [(ints((m, r), "i8"), "i8"), (ints((r, n), "i8", 1), "i8")], [(ints((m, n), "i32", 2), "i32")])
    return f


def reductions(dynamic):
    f = Ops(dynamic)
    for k, (m, n) in enumerate(((1, 1), (2, 1), (3, 50), (16, 16), (17, 33), (40, 15), (15, 64), (33, 1), (9, 0), (0, 9), (64, 100))):
        x = lambda *s: ((specials if k % 2 else random)(s, "f32", k + len(f.args)), "f32")
        f.generic([ROW, "(m, n) -> (m)"], "pr", [x(m, n)], [x(m)], ADD)
        f.generic([ROW, "(m, n) -> (n)"], "rp", [x(m, n)], [x(n)], ADD)
        f.generic([COL, "(m, n) -> (m)"], "pr", [x(n, m)], [x(m)], ADD)
        f.generic(["(m, n) -> (m * 2, n * 3)", ROW, "(m, n) -> (m)"], "pr", [x(2 * m, 3 * n), x(m, n)], [x(m)],
                  "%p = arith.mulf %x0, %x1 : f32\n    %s = arith.addf %x2, %p : f32\n    linalg.yield %s : f32")
        # A variance: the mean is the same for a row.
        f.generic([ROW, "(m, n) -> (m)", "(m, n) -> (m)"], "pr", [x(m, n), x(m)], [x(m)],
                  "%d = arith.subf %x0, %x1 : f32\n    %q = arith.mulf %d, %d : f32\n    %s = arith.addf %x2, %q : f32\n    linalg.yield %s : f32")
        # Two outputs.
        f.generic([ROW, "(m, n) -> (m)", "(m, n) -> (m)"], "pr", [x(m, n)], [x(m), x(m)],
                  "%s = arith.addf %x1, %x0 : f32\n    %t = arith.maximumf %x0, %x2 : f32\n    linalg.yield %s, %t : f32, f32")
        # Where the greatest is, with the first of equals, and transcendental functions.
        f.generic([ROW, "(m, n) -> (m)", "(m, n) -> (m)"], "pr", [x(m, n)], [x(m), (ints((m,), "i64"), "i64")],
                  "%i = linalg.index 1 : index\n    %j = arith.index_cast %i : index to i64\n    %g = arith.cmpf ogt, %x0, %x1 : f32\n"
                  "    %v = arith.select %g, %x0, %x1 : f32\n    %w = arith.select %g, %j, %x2 : i64\n    linalg.yield %v, %w : f32, i64")
        f.generic([ROW, "(m, n) -> (m)"], "pr", [x(m, n)], [x(m)],
                  "%m = linalg.index 0 : index\n    %c = arith.index_cast %m : index to i32\n    %h = arith.sitofp %c : i32 to f32\n"
                  "    %e = math.exp %x0 : f32\n    %g = arith.addf %e, %h : f32\n    %s = arith.addf %x1, %g : f32\n    linalg.yield %s : f32")
    # Over two dimensions around a parallel one.
    for shape in ((3, 20, 5), (16, 16, 16), (2, 1, 70)):
        x = lambda *s: (random(s, "f32", len(f.args)), "f32")
        f.generic(["(a, m, b) -> (a, m, b)", "(a, m, b) -> (m)"], "rpr", [x(*shape)], [x(shape[1])], ADD)
        f.generic(["(a, m, b) -> (a, m, b)", "(a, m, b) -> (a, b)"], "prp", [x(*shape)], [x(shape[0], shape[2])], ADD)
        f.generic(["(a, m, b) -> (a, m, b)", "(a, m, b) -> (a, m)"], "ppr", [x(*shape)], [x(*shape[:2])], ADD)
    # Keep bits that are read.
    bits = np.random.default_rng(3).integers(0, 2, (20, 30)).astype(bool)
    f.generic([ROW, ROW, "(m, n) -> (m)"], "pr", [(bits, "i1"), x(20, 30)], [x(20)],
              "%z = arith.constant 0.0 : f32\n    %v = arith.select %x0, %x1, %z : f32\n    %s = arith.addf %x2, %v : f32\n    linalg.yield %s : f32")
    return f


def convolutions(dynamic):
    f = Ops(dynamic)
    x = lambda *s: (random(s, "f32", len(f.args)), "f32")
    for strides, dilations in ((1, 1), (2, 1), (1, 2)):
        attributes = f"{{strides = dense<{strides}> : vector<2xi64>, dilations = dense<{dilations}> : vector<2xi64>}}"
        size = lambda out, window: (out - 1) * strides + (window - 1) * dilations + 1
        f.op("linalg.conv_2d_nhwc_hwcf", [x(2, size(5, 3), size(9, 2), 3), x(3, 2, 3, 20)], [x(2, 5, 9, 20)], attributes)
        f.op("linalg.conv_2d_nchw_fchw", [x(2, 3, size(5, 3), size(37, 2)), x(7, 3, 3, 2)], [x(2, 7, 5, 37)], attributes)
        f.op("linalg.depthwise_conv_2d_nhwc_hwc", [x(2, size(5, 3), size(6, 2), 33), x(3, 2, 33)], [x(2, 5, 6, 33)], attributes)
        f.op("linalg.pooling_nhwc_max", [x(2, size(5, 3), size(6, 2), 17), x(3, 2)], [x(2, 5, 6, 17)], attributes)
    return f


def left_alone():
    """What the pass must not touch: one sum, strided rows, an output that is an input, a division that traps."""
    f = Ops(True)
    x = lambda *s: (random(s, "f32", len(f.args)), "f32")
    f.op("linalg.dot", [x(40), x(40)], [(random((), "f32"), "f32")])
    strided = ", strided<[?, ?], offset: ?>"
    f.op("linalg.matmul", [x(9, 8), x(8, 20)], [(np.asfortranarray(random((9, 20), "f32")), "f32", strided)])
    f.generic([ROW, "(m, n) -> (m)"], "pr", [(ints((20, 30), "i32", 1) | 1, "i32")], [(ints((20,), "i32"), "i32")],
              "%d = arith.divsi %x1, %x0 : i32\n    linalg.yield %d : i32")
    a, t = f.arg(random((20, 20), "f32"), "f32")
    f.what.append(("in place", [], len(f.args) - 1, 1))
    f.body.append(f"linalg.matmul ins({a}, {a} : {t}, {t}) outs({a} : {t})")
    text, values = f.text(), f.values
    want = run(text, values, len(values), "left alone")
    after = apply(text, vectorize(512), "vector.", None, "linalg.dot")
    for g, w in zip(run(after, values, len(values), "left alone"), want):
        check(g.tobytes() == w.tobytes(), "an op that must be left alone changed")


# ---- Every size, beside loops of its own --------------------------------------------------------

EVERY = """
// The number of bit patterns that differ between linalg.matmul (and row sums) on windows of every size and loops, in
// buffers whose padding is looked at, too.
func.func @f(%a: memref<36x40xf32>, %b: memref<40x80xf32>, %c: memref<36x80xf32>) -> (i64, i64) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c36 = arith.constant 36 : index
  %c80 = arith.constant 80 : index
  %last_m = arith.constant @M@ : index
  %last_n = arith.constant @N@ : index
  %last_k = arith.constant @K@ : index
  %none = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %got = memref.alloc() : memref<36x80xf32>
  %want = memref.alloc() : memref<36x80xf32>
  %r:2 = scf.for %m = %c0 to %last_m step %c1 iter_args(%dm = %none, %cm = %none) -> (i64, i64) {
    %rn:2 = scf.for %n = %c0 to %last_n step %c1 iter_args(%dn = %dm, %cn = %cm) -> (i64, i64) {
      %rk:2 = scf.for %k = %c0 to %last_k step %c1 iter_args(%dk = %dn, %ck = %cn) -> (i64, i64) {
        scf.for %i = %c0 to %c36 step %c1 {
          scf.for %j = %c0 to %c80 step %c1 {
            %v = memref.load %c[%i, %j] : memref<36x80xf32>
            memref.store %v, %got[%i, %j] : memref<36x80xf32>
            memref.store %v, %want[%i, %j] : memref<36x80xf32>
          }
        }
        %at = memref.subview %a[1, 1][%m, %k][1, 1] : memref<36x40xf32> to memref<?x?xf32, strided<[40, 1], offset: 41>>
        %bt = memref.subview %b[1, 1][%k, %n][1, 1] : memref<40x80xf32> to memref<?x?xf32, strided<[80, 1], offset: 81>>
        %gt = memref.subview %got[0, 1][%m, %n][1, 1] : memref<36x80xf32> to memref<?x?xf32, strided<[80, 1], offset: 1>>
        linalg.matmul ins(%at, %bt : memref<?x?xf32, strided<[40, 1], offset: 41>>, memref<?x?xf32, strided<[80, 1], offset: 81>>)
            outs(%gt : memref<?x?xf32, strided<[80, 1], offset: 1>>)
        %bn = memref.subview %b[1, 1][%n, %k][1, 1] : memref<40x80xf32> to memref<?x?xf32, strided<[80, 1], offset: 81>>
        %gs = memref.subview %got[35, 1][1, %n][1, 1] : memref<36x80xf32> to memref<?xf32, strided<[1], offset: 2801>>
        linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m)>],
                        iterator_types = ["parallel", "reduction"]}
            ins(%bn : memref<?x?xf32, strided<[80, 1], offset: 81>>) outs(%gs : memref<?xf32, strided<[1], offset: 2801>>) {
        ^bb0(%x: f32, %y: f32):
          %s = arith.addf %y, %x : f32
          linalg.yield %s : f32
        }
        scf.for %i = %c0 to %m step %c1 {
          scf.for %j = %c0 to %n step %c1 {
            %j1 = arith.addi %j, %c1 : index
            %old = memref.load %want[%i, %j1] : memref<36x80xf32>
            %new = scf.for %l = %c0 to %k step %c1 iter_args(%acc = %old) -> f32 {
              %x = memref.load %at[%i, %l] : memref<?x?xf32, strided<[40, 1], offset: 41>>
              %y = memref.load %bt[%l, %j] : memref<?x?xf32, strided<[80, 1], offset: 81>>
              %p = arith.mulf %x, %y : f32
              %s = arith.addf %acc, %p : f32
              scf.yield %s : f32
            }
            memref.store %new, %want[%i, %j1] : memref<36x80xf32>
          }
        }
        %c35 = arith.constant 35 : index
        scf.for %j = %c0 to %n step %c1 {
          %j1 = arith.addi %j, %c1 : index
          %old = memref.load %want[%c35, %j1] : memref<36x80xf32>
          %new = scf.for %l = %c0 to %k step %c1 iter_args(%acc = %old) -> f32 {
            %x = memref.load %bn[%j, %l] : memref<?x?xf32, strided<[80, 1], offset: 81>>
            %s = arith.addf %acc, %x : f32
            scf.yield %s : f32
          }
          memref.store %new, %want[%c35, %j1] : memref<36x80xf32>
        }
        %d:1 = scf.for %i = %c0 to %c36 step %c1 iter_args(%di = %dk) -> i64 {
          %dj = scf.for %j = %c0 to %c80 step %c1 iter_args(%d0 = %di) -> i64 {
            %g = memref.load %got[%i, %j] : memref<36x80xf32>
            %w = memref.load %want[%i, %j] : memref<36x80xf32>
            %gb = arith.bitcast %g : f32 to i32
            %wb = arith.bitcast %w : f32 to i32
            %ne = arith.cmpi ne, %gb, %wb : i32
            %bit = arith.extui %ne : i1 to i64
            %d1 = arith.addi %d0, %bit : i64
            scf.yield %d1 : i64
          }
          scf.yield %dj : i64
        }
        %more = arith.addi %ck, %one : i64
        scf.yield %d#0, %more : i64, i64
      }
      scf.yield %rk#0, %rk#1 : i64, i64
    }
    scf.yield %rn#0, %rn#1 : i64, i64
  }
  memref.dealloc %got : memref<36x80xf32>
  memref.dealloc %want : memref<36x80xf32>
  return %r#0, %r#1 : i64, i64
}
"""


def every_size():
    a, b, c = (random(s, "f32", k) for k, s in enumerate(((36, 40), (40, 80), (36, 80))))
    for bits, (m, n, k) in ((512, (8, 71, 3)), (512, (3, 37, 37)), (256, (6, 37, 4)), (128, (6, 20, 5))):
        # The window of a row sum has n rows of b.
        text = EVERY.replace("@M@", str(min(m, 35))).replace("@N@", str(n)).replace("@K@", str(k))
        if n > 39:  # b has 40 rows: the sums of the first 39.
            text = text.replace("memref.subview %b[1, 1][%n, %k]", "memref.subview %b[1, 1][%rows, %k]").replace(
                "%gs = memref.subview %got[35, 1][1, %n]", "%gs = memref.subview %got[35, 1][1, %rows]").replace(
                "%at = memref", "%c39 = arith.constant 39 : index\n        %rows = arith.minui %n, %c39 : index\n        %at = memref").replace(
                "scf.for %j = %c0 to %n step %c1 {\n          %j1 = arith.addi %j, %c1 : index\n          %old = memref.load %want[%c35",
                "scf.for %j = %c0 to %rows step %c1 {\n          %j1 = arith.addi %j, %c1 : index\n          %old = memref.load %want[%c35")
        differ, count = run(apply(text, vectorize(bits), "linalg.", "vector."), [a, b, c], 5, f"every size, {bits} bits")[:2]
        check(int(count) == min(m, 35) * n * k and int(differ) == 0, f"{bits} bits: {differ} differ after {count} sizes")


# ---- Fusion on tensors --------------------------------------------------------------------------

MN = "affine_map<(m, n) -> (m, n)>"
M = "affine_map<(m, n) -> (m)>"
N = "affine_map<(m, n) -> (n)>"


def layer(rows, inner, columns, dynamic, also_read=False):
    """softmax(dropout(relu(x w + b))), and what came before the dropout if also_read."""
    t = lambda *s: typed(s, "f32", dynamic)
    dim = lambda name, of, k: f"  %{name} = tensor.dim {of}, %c{k} : {t(rows, inner) if of == '%x' else t(inner, columns)}\n"
    empty = "%m, %n" if dynamic else ""
    second = f", {t(rows, columns)}" if also_read else ""
    return f"""
func.func @f(%x: {t(rows, inner)}, %w: {t(inner, columns)}, %b: {t(columns)}, %p: f64, %s: i64, %o: i64) -> ({t(rows, columns)}{second}) {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
{dim("m", "%x", 0) + dim("n", "%w", 1) if dynamic else ""}  %e = tensor.empty({empty}) : {t(rows, columns)}
  %z = linalg.fill ins(%zero : f32) outs(%e : {t(rows, columns)}) -> {t(rows, columns)}
  %h = linalg.matmul ins(%x, %w : {t(rows, inner)}, {t(inner, columns)}) outs(%z : {t(rows, columns)}) -> {t(rows, columns)}
  %a = linalg.generic {{indexing_maps = [{MN}, {N}, {MN}], iterator_types = ["parallel", "parallel"]}}
      ins(%h, %b : {t(rows, columns)}, {t(columns)}) outs(%e : {t(rows, columns)}) {{
  ^bb0(%v: f32, %bias: f32, %out: f32):
    %y = arith.addf %v, %bias : f32
    %r = arith.maximumf %y, %zero : f32
    linalg.yield %r : f32
  }} -> {t(rows, columns)}
  %d = dropout.element %a p(%p) rng(%s, %o) : {t(rows, columns)}
  %y = linalg.softmax dimension(1) ins(%d : {t(rows, columns)}) outs(%e : {t(rows, columns)}) -> {t(rows, columns)}
  return %y{", %a" if also_read else ""} : {t(rows, columns)}{second}
}}
"""


def fused():
    for rows, inner, columns in ((50, 16, 37), (130, 20, 64), (1, 5, 9), (100, 3, 1000), (49, 0, 8), (0, 4, 8)):
        for dynamic in (False, True):
            for also_read in (False, True) if inner * rows > 10 else (False,):
                text = layer(rows, inner, columns, dynamic, also_read)
                values = [random((rows, inner), "f32", 1), random((inner, columns), "f32", 2), random((columns,), "f32", 3), 0.3, 42, 7]
                results = 2 if also_read else 1
                what = f"layer {rows}x{inner}x{columns} dynamic {dynamic} twice {also_read}"
                want = run(text, values, results, what)
                tiled = apply(text, FUSE, None, "scf.for" if dynamic or rows > 48 else "linalg.generic")
                check(tiled.count("dropout.keep") == 1 or also_read, f"{what}: drawn more than once\n{tiled}")
                for g, w in zip(run(tiled, values, results, what), want):
                    harness.same(g, w, "f32", what)


def attention(heads, queries, keys, size, dynamic):
    """dropout(softmax(q k^T)) v, for some heads."""
    t = lambda *s: typed(s, "f32", dynamic)
    q, k, v, s, y = t(heads, queries, size), t(heads, keys, size), t(heads, keys, size), t(heads, queries, keys), t(heads, queries, size)
    dims = "".join(f"  %{n} = tensor.dim {of}, %c{d} : {ty}\n"
                   for n, of, d, ty in (("b", "%q", 0, q), ("n", "%q", 1, q), ("d", "%q", 2, q), ("m", "%k", 1, k)))
    scores, out = ("%b, %n, %m", "%b, %n, %d") if dynamic else ("", "")
    maps = "affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (b, n, k)>, affine_map<(b, m, n, k) -> (b, m, n)>"
    return f"""
func.func @f(%q: {q}, %k: {k}, %v: {v}, %p: f64, %s: i64, %o: i64) -> {y} {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %zero = arith.constant 0.0 : f32
{dims if dynamic else ""}  %se = tensor.empty({scores}) : {s}
  %ye = tensor.empty({out}) : {y}
  %sz = linalg.fill ins(%zero : f32) outs(%se : {s}) -> {s}
  %yz = linalg.fill ins(%zero : f32) outs(%ye : {y}) -> {y}
  %qk = linalg.batch_matmul indexing_maps = [{maps}] ins(%q, %k : {q}, {k}) outs(%sz : {s}) -> {s}
  %soft = linalg.softmax dimension(2) ins(%qk : {s}) outs(%se : {s}) -> {s}
  %w = dropout.element %soft p(%p) rng(%s, %o) : {s}
  %y = linalg.batch_matmul ins(%w, %v : {s}, {v}) outs(%yz : {y}) -> {y}
  return %y : {y}
}}
"""


def heads():
    for sizes in ((3, 50, 70, 16), (2, 96, 33, 20), (1, 7, 300, 64)):
        h, n, m, d = sizes
        values = [random((h, n, d), "f32", 1), random((h, m, d), "f32", 2), random((h, m, d), "f32", 3), 0.2, 42, 7]
        for dynamic in (False, True):
            what, text = f"attention {sizes} dynamic {dynamic}", attention(*sizes, dynamic)
            want = run(text, values, 1, what)[0]
            tiled = apply(text, FUSE, None, None if sizes[0] == 1 and not dynamic else "scf.for")
            check(tiled.count("dropout.keep") == 1, f"{what}: drawn more than once\n{tiled}")
            harness.same(run(tiled, values, 1, what)[0], want, "f32", what)


for dynamic in (False, True):
    for cases in (matrix_products, element_types, reductions, convolutions):
        widths = (512, 256, 128) if dynamic and cases in (matrix_products, reductions) else (512,)
        # Sums of columns run along rows anyway.
        keeps = "linalg." if cases == reductions else None
        cases(dynamic).compare(f"{cases.__name__} {'dynamic' if dynamic else 'static'}", widths, keeps)
left_alone()
every_size()
fused()
heads()
harness.done()
