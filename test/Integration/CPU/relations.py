# RUN: %python %s
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Relations that hold whatever the bits are: tiles of 1, 3, 7 and 64 of every
# dim put together are the whole, in memory and in tensors; the gradient drops
# what the forward dropped; element type, shape, layout, form and lowering do not
# change a mask; NHWC is NCHW; neighbours that get fused change nothing.

import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
sys.dont_write_bytecode = True
import numpy as np
import oracle
from harness import LOWERINGS, Batch, canary, check, done, random, run, same, typed

# ---- Tiles. All kinds and directions in one loop nest over a (37, 70) and a (5, 6, 21) tensor; tile sizes at run time.
CASES = [(kind, back) for kind in oracle.KINDS for back in (False, True)]
P, SEED, OFFSET = .3, 2**63 + 11, 2**33


def nest(shape, tag):
    """A loop nest that calls every case on one tile at a time, memref form."""
    n, T = len(shape), typed(shape, "f32", kind="memref")
    strides = [int(np.prod(shape[d + 1:])) for d in range(n)]
    V = f"memref<{'?x' * n}f32, strided<{strides}, offset: ?>>"
    at = ", ".join(f"%{tag}i{d}" for d in range(n))
    size, ones = ", ".join(f"%{tag}z{d}" for d in range(n)), ", ".join("1" * n)
    text = [f"%{tag}n{d} = arith.constant {s} : index" for d, s in enumerate(shape)]
    text += [f"scf.for %{tag}i{d} = %c0 to %{tag}n{d} step %t{d} {{" for d in range(n)]
    for d in range(n):
        text += [f"%{tag}r{d} = arith.subi %{tag}n{d}, %{tag}i{d} : index",
                 f"%{tag}z{d} = arith.minsi %{tag}r{d}, %t{d} : index"]
    text.append(f"%{tag}x = memref.subview %{tag}[{at}] [{size}] [{ones}] : {T} to {V}")
    for k, (kind, back) in enumerate(CASES):
        dims = " mask_dims = [1, 0]" if kind == "channel" else f" mask_dims = [{n - 1}]" if kind == "feature_alpha" else ""
        text += [f"%{tag}v{k} = memref.subview %{tag}y{k}[{at}] [{size}] [{ones}] : {T} to {V}",
                 f"dropout.{'backward ' if back else ''}{kind} %{tag}x into %{tag}v{k} p = {P}{dims} rng(%s, %o) "
                 f"at [{at}] of {list(shape)} : {V}, {V}"]
    return text + ["}"] * n, [f"%{tag}: {T}"] + [f"%{tag}y{k}: {T}" for k in range(len(CASES))]


shapes = {"p": (37, 70), "q": (5, 6, 21)}
nests = {tag: nest(s, tag) for tag, s in shapes.items()}
text = "func.func @f(" + ", ".join(nests["p"][1] + nests["q"][1]) + """, %s: i64, %o: i64, %a: i64, %b: i64, %c: i64) {
  %c0 = arith.constant 0 : index
  %t0 = arith.index_cast %a : i64 to index
  %t1 = arith.index_cast %b : i64 to index
  %t2 = arith.index_cast %c : i64 to index
""" + "\n".join("  " + l for tag in nests for l in nests[tag][0]) + "\n  return\n}\n"
x = {tag: random(s, "f32") for tag, s in shapes.items()}
for lowering in LOWERINGS:
    for tile in ((1, 1, 1), (3, 3, 3), (7, 7, 7), (64, 64, 64), (1, 64, 7), (64, 3, 1), (7, 1, 64)):
        inputs = [v for tag, s in shapes.items() for v in [x[tag]] + [canary(s, "f32")] * len(CASES)]
        out = iter(run(text, inputs + [SEED, OFFSET, *tile], len(inputs), f"tiles {tile}", lowering=lowering))
        for tag, s in shapes.items():
            same(next(out), x[tag], "f32", "input of tiles")
            for kind, back in CASES:
                dims = {"channel": [1, 0], "feature_alpha": [len(s) - 1]}.get(kind)
                want, loose = oracle.apply(kind, x[tag], "f32", P, SEED, OFFSET, dims=dims, backward=back)
                same(next(out), want, "f32", f"tiles {tile} of {'backward ' if back else ''}{kind} {s} [{lowering}]", loose)

# The same on tensors: slices of dynamic size, inserted into the result, one dim tiled at a time.
loops, args, rets = [], [], []
for k, (kind, back, s) in enumerate((("element", False, (37, 70)), ("alpha", True, (37, 70)), ("channel", False, (9, 16, 5)),
                                     ("feature_alpha", True, (9, 16, 5)))):
    for d in range(len(s)):
        n, T, i = len(s), typed(s, "f32"), f"{k}{d}"
        at = ", ".join(f"%i{i}" if e == d else "0" for e in range(n))
        size = ", ".join(f"%z{i}" if e == d else str(s[e]) for e in range(n))
        S = f"tensor<{'x'.join('?' if e == d else str(s[e]) for e in range(n))}xf32>"
        one = ", ".join("1" * n)
        loops += [f"%n{i} = arith.constant {s[d]} : index",
                  f"%y{i} = scf.for %i{i} = %c0 to %n{i} step %t iter_args(%w{i} = %x{k}) -> ({T}) {{",
                  f"  %r{i} = arith.subi %n{i}, %i{i} : index", f"  %z{i} = arith.minsi %r{i}, %t : index",
                  f"  %e{i} = tensor.extract_slice %x{k}[{at}] [{size}] [{one}] : {T} to {S}",
                  f"  %d{i} = dropout.{'backward ' if back else ''}{kind} %e{i} p = {P} rng(%s, %o) at [{at}] of {list(s)} : {S}",
                  f"  %q{i} = tensor.insert_slice %d{i} into %w{i}[{at}] [{size}] [{one}] : {S} into {T}",
                  f"  scf.yield %q{i} : {T}", "}"]
        rets.append((f"%y{i}", T, kind, back, s))
    args.append((f"%x{k}: {typed(s, 'f32')}", random(s, "f32", k)))
text = f"""func.func @f({', '.join(a for a, _ in args)}, %s: i64, %o: i64, %a: i64) -> ({', '.join(r[1] for r in rets)}) {{
  %c0 = arith.constant 0 : index
  %t = arith.index_cast %a : i64 to index
{chr(10).join('  ' + l for l in loops)}
  return {', '.join(r[0] for r in rets)} : {', '.join(r[1] for r in rets)}
}}
"""
for lowering in LOWERINGS:
    for tile in (1, 3, 7, 64):
        out = run(text, [a for _, a in args] + [SEED, OFFSET, tile], len(rets), f"tensor tiles {tile}", lowering=lowering)
        for got, (name, _, kind, back, s) in zip(out, rets):
            whole = args[int(name[2])][1]
            want, loose = oracle.apply(kind, whole, "f32", P, SEED, OFFSET, backward=back)
            same(got, want, "f32", f"tensor tiles {tile} of {kind} {s} dim {name[3]} [{lowering}]", loose)

# ---- One mask whatever the kind of value: results are compared with each other, not with the oracle.
b = Batch("one mask")
for ty in oracle.TYPES:
    for form in ("tensor", "dynamic"):
        v = random((11, 42), ty, 3)
        b.op("element", v, ty, .35, mask=True, form=form, runtime=form == "dynamic")
        b.op("element", v, ty, .35, backward=True, form=form)
    for s in ((462,), (2, 21, 11), (3, 1, 2, 7, 11, 1)):
        b.op("element", random(s, ty, 4), ty, .35, backward=s == (462,))
for lowering in LOWERINGS:
    masks = [o.reshape(-1) != 0 for o in b.check([lowering])]
    for m in masks[1:]:
        check(np.array_equal(m, masks[0]), f"two ops with the same seed, offset and p dropped different elements [{lowering}]")
    kept = masks[0] if lowering == LOWERINGS[0] else kept
    check(np.array_equal(masks[0], kept), f"{lowering} and {LOWERINGS[0]} dropped different elements")

# Backward drops what forward dropped, for every kind; and x = 0 does not fool it (the mask is not read from values).
b = Batch("zeros")
zero, one = np.zeros((9, 33), np.float32), np.ones((9, 33), np.float32)
for kind in oracle.KINDS:
    b.op(kind, zero, "f32", .4, mask=True)
    b.op(kind, one, "f32", .4, backward=True)
for lowering in LOWERINGS:
    out = b.check([lowering])
    for k, kind in enumerate(oracle.KINDS):
        m = oracle.broadcast(out[3 * k + 1], one.shape, oracle.dims_of(kind, 2))
        check(np.array_equal(out[3 * k + 2] != 0, m), f"gradient and mask of {kind} differ [{lowering}]")

# ---- NHWC is NCHW, transposed.
b = Batch("NHWC")
v = random((3, 5, 4, 6), "f32")
w = np.ascontiguousarray(v.transpose(0, 2, 3, 1))
for kind in ("channel", "feature_alpha"):
    for back in (False, True):
        b.op(kind, v, "f32", .5, backward=back)
        b.op(kind, w, "f32", .5, dims=[0, 3], backward=back)
for lowering in LOWERINGS:
    out = b.check([lowering])
    for c, l in zip(out[::2], out[1::2]):
        check(np.array_equal(c.transpose(0, 2, 3, 1).view(np.uint32), l.view(np.uint32)), f"NHWC differs from NCHW [{lowering}]")

# ---- Neighbours that a pipeline fuses: bias, max, dropout, residual. Every op is exactly rounded, so NumPy has its bits.
text = """#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (j)>
func.func @f(%x: tensor<33x50xf32>, %b: tensor<50xf32>, %p: f64, %s: i64, %o: i64)
    -> (tensor<33x50xf32>, tensor<33x50xf32>, tensor<50x33xf32>, tensor<33xf32>, tensor<33x50xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<33x50xf32>
  %h = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %b : tensor<33x50xf32>, tensor<50xf32>) outs(%e : tensor<33x50xf32>) {
  ^bb0(%u: f32, %v: f32, %w: f32):
    %t = arith.addf %u, %v : f32
    %r = arith.maximumf %t, %zero : f32
    linalg.yield %r : f32
  } -> tensor<33x50xf32>
  %d = dropout.element %h p(%p) rng(%s, %o) : tensor<33x50xf32>
  %y = linalg.add ins(%d, %x : tensor<33x50xf32>, tensor<33x50xf32>) outs(%e : tensor<33x50xf32>) -> tensor<33x50xf32>
  %a = dropout.alpha %y p = 0.2 rng(%o, %s) : tensor<33x50xf32>
  %te = tensor.empty() : tensor<50x33xf32>
  %t = linalg.transpose ins(%a : tensor<33x50xf32>) outs(%te : tensor<50x33xf32>) permutation = [1, 0]
  %re = tensor.empty() : tensor<33xf32>
  %z = linalg.fill ins(%zero : f32) outs(%re : tensor<33xf32>) -> tensor<33xf32>
  %sum = linalg.reduce ins(%d : tensor<33x50xf32>) outs(%z : tensor<33xf32>) dimensions = [1]
    (%u: f32, %acc: f32) {
      %m = arith.maximumf %u, %acc : f32
      linalg.yield %m : f32
    }
  %g = arith.mulf %a, %d : tensor<33x50xf32>
  return %d, %y, %t, %sum, %g : tensor<33x50xf32>, tensor<33x50xf32>, tensor<50x33xf32>, tensor<33xf32>, tensor<33x50xf32>
}
"""
v, bias = random((33, 50), "f32", 8), random((50,), "f32", 9)
h = np.maximum(v + bias, np.float32(0))
d = oracle.apply("element", h, "f32", .4, 5, 6)[0]
y = d + v
a = oracle.apply("alpha", y, "f32", .2, 6, 5)[0]
for lowering in LOWERINGS:
    out = run(text, [v, bias, .4, 5, 6], 5, "fused neighbours", lowering=lowering)
    for got, want, name in zip(out, (d, y, np.ascontiguousarray(a.T), d.max(axis=1), a * d),
                               ("dropout of bias + max", "residual", "transposed alpha", "row maximum", "product of both")):
        same(got, want, "f32", f"fused neighbours, {name} [{lowering}]")
done()
