# RUN: %python %s
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Upstream's own transformations keep the bits: the transform dialect tiles
# dropout ops with tile sizes 1, 3, 7 and 64 in every dim, fuses them into loops
# of their consumers and spreads them over forall; canonicalize, CSE, inlining
# and bufferization run before; what comes out runs on data. dropout-opt does
# the first half, dropout-run the second.

import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
sys.dont_write_bytecode = True
import numpy as np
import oracle
from harness import ANY, LOWERINGS, check, done, match, random, run, same, transformed, typed

OPS = [f"dropout.{kind}" for kind in oracle.KINDS] + ["dropout.backward"]


def tile_for(name, sizes):
    loops = sum(1 for s in sizes if s)
    return (f"%t_{name}, %l_{name}:{loops} = transform.structured.tile_using_for %{name} tile_sizes {list(sizes)} : ({ANY}) -> "
            f"({', '.join([ANY] * (loops + 1))})")


def each(tile):
    """Tiles every op of every kind: `tile` gives the line for one handle."""
    script = [match(f"o{k}", op) for k, op in enumerate(OPS)]
    for k in range(len(OPS)):
        script += [f"transform.foreach %o{k} : {ANY} {{", f"^bb0(%v{k}: {ANY}):", "  " + tile(f"v{k}"), "}"]
    return script


# ---- Tiling: one function with every kind, forward and backward, and the mask op, on (13, 70) and (5, 9, 21).
CASES = [(kind, back, s) for s in ((13, 70), (5, 9, 21)) for kind in oracle.KINDS for back in (False, True)]
x = {s: random(s, "f32") for s in ((13, 70), (5, 9, 21))}


def program(shape, dynamic):
    """All cases of one shape."""
    T = typed(shape, "f32", dynamic)
    lines, names, want = [], [], []
    for k, (kind, back, s) in enumerate(CASES):
        if s == shape:
            dims = {"channel": [1, 0], "feature_alpha": [len(s) - 1]}.get(kind) if k % 3 else None
            name, listed = ("backward " if back else "") + kind, f" mask_dims = {dims}" if dims else ""
            lines.append(f"%y{k} = dropout.{name} %x p(%p){listed} rng(%s, %o) : {T}")
            names.append(f"%y{k}")
            y, loose = oracle.apply(kind, x[s], "f32", .3, 5, 6, dims=dims, backward=back)
            want.append((f"{name}{listed}", y, loose))
    types = ", ".join([T] * len(names))
    return (f"func.func @f(%x: {T}, %p: f64, %s: i64, %o: i64) -> ({types}) {{\n" + "\n".join("  " + l for l in lines)
            + f"\n  return {', '.join(names)} : {types}\n}}\n"), want


turn = 0


def compare(text, inputs, want, what, buffers=0):
    """Runs the payload on the lowering whose turn it is."""
    global turn
    turn += 1
    lowering = LOWERINGS[turn % len(LOWERINGS)]
    for got, (name, y, loose) in zip(run(text, inputs, len(want) + buffers, what, lowering=lowering), want):
        same(got, y, "f32", f"{what}: {name} [{lowering}]", loose)


for shape, dynamic in (((13, 70), False), ((13, 70), True), ((5, 9, 21), False), ((5, 9, 21), True)):
    text, want = program(shape, dynamic)
    n = len(shape)
    for sizes in ((1,) * n, (3,) * n, (7,) * n, (64,) * n, (0,) * (n - 1) + (7,), (3,) + (0,) * (n - 1)):
        out = transformed(text, "--canonicalize", "--cse", script=each(lambda v: tile_for(v, sizes)))
        if any(0 < t < d for t, d in zip(sizes, shape)):  # else the one tile is the whole, and canonicalize leaves no loop
            check("scf.for" in out and " at [" in out, f"tiles {sizes} of {shape}: nothing was tiled")
        compare(out, [x[shape], .3, 5, 6], want, f"tile_using_for {list(sizes)} of {shape}{' dynamic' if dynamic else ''}")
    out = transformed(text, script=each(lambda v: f"%t_{v}, %f_{v} = transform.structured.tile_using_forall %{v} "
                                        f"tile_sizes {[3, 16, 8][:n]} : ({ANY}) -> ({ANY}, {ANY})"))
    check("scf.forall" in out, f"tile_using_forall of {shape}: nothing was tiled")
    compare(out, [x[shape], .3, 5, 6], want, f"tile_using_forall of {shape}")

# The mask op, and a mask that is tiled twice: slices of slices keep the indices of the whole.
text = """func.func @f(%s: i64, %o: i64) -> tensor<37x50xi1> {
  %m = dropout.mask p = 0.3 rng(%s, %o) : tensor<37x50xi1>
  return %m : tensor<37x50xi1>
}
"""
for first, second in (((16, 0), (3, 7)), ((7, 20), (1, 64)), ((1, 1), None)):
    script = [match("m", "dropout.mask"), tile_for("m", first)]
    if second:
        script += [tile_for("t_m", second)]
    out = run(transformed(text, "--canonicalize", script=script), [5, 6], 1, "tiled mask", lowering=LOWERINGS[0])
    same(out[0], oracle.mask("element", (37, 50), .3, 5, 6), "i1", f"mask tiled by {first} and {second}")

# ---- Fusion: dropout is pulled into the loop of its consumer and its producer comes along.
text = """#id = affine_map<(i, j) -> (i, j)>
#t = affine_map<(i, j) -> (j, i)>
func.func @f(%x: tensor<26x45xf32>, %r: tensor<45x26xf32>, %s: i64, %o: i64) -> tensor<45x26xf32> {
  %e = tensor.empty() : tensor<26x45xf32>
  %a = linalg.add ins(%x, %x : tensor<26x45xf32>, tensor<26x45xf32>) outs(%e : tensor<26x45xf32>) -> tensor<26x45xf32>
  %d = dropout.alpha %a p = 0.3 rng(%s, %o) : tensor<26x45xf32>
  %f = tensor.empty() : tensor<45x26xf32>
  %y = linalg.generic {indexing_maps = [#t, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%d, %r : tensor<26x45xf32>, tensor<45x26xf32>) outs(%f : tensor<45x26xf32>) {
  ^bb0(%u: f32, %v: f32, %w: f32):
    %q = arith.addf %u, %v : f32
    linalg.yield %q : f32
  } -> tensor<45x26xf32>
  return %y : tensor<45x26xf32>
}
"""
v, r = random((26, 45), "f32", 1), random((45, 26), "f32", 2)
want = oracle.apply("alpha", v + v, "f32", .3, 5, 6)[0].T + r
for sizes in ((8, 8), (1, 5), (45, 3)):
    script = [match("g", "linalg.generic"),
              f"%t, %l:2 = transform.structured.fuse %g tile_sizes {list(sizes)} {{apply_cleanup}} : ({ANY}) -> ({ANY}, {ANY}, {ANY})"]
    out = transformed(text, "--canonicalize", script=script)
    loop = out[out.index("scf.for"):]
    check("dropout.alpha" in loop and "dropout.alpha" not in out[:out.index("scf.for")], f"fuse {sizes}: dropout is not in the loop")
    for lowering in LOWERINGS:
        same(run(out, [v, r, 5, 6], 1, "fused", lowering=lowering)[0], want, "f32", f"fuse {sizes} [{lowering}]")

# ---- Ordinary passes first. After bufferization x is a buffer that a result may reuse, so it is not looked at.
text, want = program((13, 70), False)
for passes in (["--canonicalize", "--cse"],
               ["--symbol-dce", "--inline", "--loop-invariant-code-motion", "--sccp", "--cse", "--canonicalize"],
               ["--one-shot-bufferize=bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map"]):
    out, buffers = transformed(text, *passes), "one-shot" in passes[0]
    check("dropout.element" in out and ("memref" in out) == buffers and ("tensor" in out) != buffers, f"{passes} gave\n{out}")
    compare(out, [x[(13, 70)], .3, 5, 6], want, " ".join(passes), buffers)
done()
