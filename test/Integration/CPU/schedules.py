# RUN: %python %s %dropout_src
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Schedules of users: dropout decomposed, its parts tiled, fused, vectorized and
# bufferized by upstream's transform ops, on every kind and type, static and
# dynamic. What comes out runs and gives the bits of the default pipeline, which
# other tests hold against the oracle; here it stands in where ties are forced.

import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
sys.dont_write_bytecode = True
import numpy as np
import oracle
from harness import ANY, check, done, match, random, run, same, transformed, typed

OPS = ", ".join(f'"dropout.{name}"' for name in (*oracle.KINDS, "backward"))
DECOMPOSE = [f"%ops = transform.structured.match ops{{[{OPS}]}} in %root : ({ANY}) -> {ANY}",
             f"%mask, %select = transform.dropout.decompose %ops : ({ANY}) -> ({ANY}, {ANY})"]
INLINE = [match("f", "func.func"), f"transform.apply_patterns to %f {{", "  transform.apply_patterns.dropout.inline_mask",
          "  transform.apply_patterns.canonicalization", f"}} : {ANY}"]


def each(handle, line):
    """The line for every op of a handle, as %one."""
    return [f"transform.foreach %{handle} : {ANY} {{", f"^bb0(%one: {ANY}):", "  " + line, "}"]


def fuse(sizes):
    loops = ", ".join([ANY] * (len(sizes) + 1))
    return each("select", f"%t, %l:{len(sizes)} = transform.structured.fuse %one tile_sizes {list(sizes)} : ({ANY}) -> ({loops})")


def vectorize(sizes=None):
    return [match("g", "linalg.generic")] + each("g", "transform.structured.vectorize %one" +
                                                 (f" vector_sizes {list(sizes)}" if sizes else "") + f" : {ANY}")


def program(shape, ty, dynamic=False, tails=(" rng(%s, %o)",)):
    """Every kind, forward and backward, of one tensor, with each tail; p at run time."""
    T, lines = typed(shape, ty, dynamic), []
    for tail in tails:
        for kind in oracle.KINDS:
            for back in ("", "backward "):
                lines.append(f"%y{len(lines)} = dropout.{back}{kind} %x p(%p){tail} : {T}")
    types = ", ".join([T] * len(lines))
    return (f"func.func @f(%x: {T}, %p: f64, %s: i64, %o: i64, %t: i1) -> ({types}) {{\n" + "\n".join("  " + l for l in lines)
            + f"\n  return {', '.join(f'%y{k}' for k in range(len(lines)))} : {types}\n}}\n"), len(lines)


def agree(text, out, inputs, results, ty, what, flags=(), dropped=True):
    """The transformed program gives the bits of the program itself."""
    want = run(text, inputs, results, what + ", untransformed", flags=flags)
    for k, (got, expected) in enumerate(zip(run(out, inputs, results, what, flags=flags), want)):
        same(got, expected, ty, f"{what}: result {k}")
        check(not dropped or (got != inputs[0]).any(), f"{what}: result {k} is the input: nothing was dropped")


# ---- Mask and select in one nest of tiles.
for ty, cases in (("f32", (((13, 70), False, (3, 16)), ((13, 70), True, (5, 64)), ((5, 9, 21), True, (2, 4, 8)))),
                  ("bf16", (((13, 70), True, (4, 8)),))):
    for shape, dynamic, sizes in cases:
        text, n = program(shape, ty, dynamic)
        out = transformed(text, "--canonicalize", script=DECOMPOSE + fuse(sizes))
        head = out[:out.index("scf.for")]
        check(out.count("dropout.mask") == n and "dropout.mask" not in head, f"the masks are not in the loops:\n{out}")
        agree(text, out, [random(shape, ty), .3, 5, 6, True], n, ty, f"fused {ty}{list(shape)} {'dynamic' if dynamic else ''}")

# Into a loop over threads that stands already; in eval, and with every option.
text, n = program((13, 70), "f32", tails=(" rounds = 7 rng(%s, %o) training(%t)", " resolution = 8 rng(%s, %o)",
                                          " rng(%s, %o) at [7, 70] of [20, 140]"))
script = DECOMPOSE + [
    f"transform.foreach %mask, %select : {ANY}, {ANY} {{", f"^bb0(%m: {ANY}, %v: {ANY}):",
    f"  %t, %loop = transform.structured.tile_using_forall %v tile_sizes [4, 32] : ({ANY}) -> ({ANY}, {ANY})",
    f"  %fused, %new = transform.structured.fuse_into_containing_op %m into %loop : ({ANY}, {ANY}) -> ({ANY}, {ANY})", "}"]
out = transformed(text, "--canonicalize", script=script)
check(out.count("scf.forall (") == n and "dropout.mask" not in out[:out.index("scf.forall (")], f"the masks are not in the loops:\n{out}")
for training in (True, False):
    agree(text, out, [random((13, 70), "f32"), .3, 5, 6, training], n, "f32", f"forall, training {training}", dropped=training)

# ---- Vectors: `dropout.keep` in all lanes of a tile; masked where sizes are dynamic or do not divide.
STATIC, MASKED, CUBE = ((6, 32), False, (2, 16), None), ((7, 21), True, (2, 8), (2, 8)), ((3, 5, 9), True, (1, 2, 4), (1, 2, 4))
for ty, cases in (("f16", (STATIC,)), ("bf16", (MASKED,)), ("f32", (STATIC, MASKED, CUBE)), ("f64", (MASKED,))):
    for shape, dynamic, sizes, lanes in cases:
        text, n = program(shape, ty, dynamic)
        out = transformed(text, script=DECOMPOSE + fuse(sizes) + INLINE + vectorize(lanes))
        check(out.count("dropout.keep") == n and "linalg.generic" not in out and "dropout.mask" not in out,
              f"something is no vector:\n{out}")
        agree(text, out, [random(shape, ty), .3, 5, 6, True], n, ty, f"vectors {ty}{list(shape)} {'dynamic' if dynamic else ''}")

# Every option in vector form; p = 0 and 1; indices around 2^35, where blocks pass 2^32.
text, n = program((4, 20), "f32", tails=(" rounds = 7 rng(%s, %o) training(%t)", " resolution = 8 rng(%s, %o)",
                                         " rounds = 7 resolution = 8 rng(%s, %o)", " rng(%s, %o) at [1717986917, 0] of [1717986922, 20]"))
out = transformed(text, script=DECOMPOSE + fuse((2, 10)) + INLINE + vectorize())
check(out.count("dropout.keep") == n and "linalg.generic" not in out, f"something is no vector:\n{out}")
for p, training in ((.5, True), (.5, False), (0., True), (1., True)):
    agree(text, out, [random((4, 20), "f32"), p, 2**64 - 3, 2**63 + 5, training], n, "f32", f"vectors, p {p}, training {training}",
          dropped=p != 0 and training)

# Ties: with seed 42 and offset 7 elements 7435, 94585 and 111642 tie with T(.3) and are dropped, 335507 is kept.
for first in (7424, 94560, 111616, 335488):
    text = f"""func.func @f(%x: tensor<96xf32>, %s: i64, %o: i64) -> tensor<96xf32> {{
  %y = dropout.element %x p = 0.3 rng(%s, %o) at [{first}] of [400000] : tensor<96xf32>
  return %y : tensor<96xf32>
}}
"""
    out = transformed(text, script=DECOMPOSE + fuse((32,)) + INLINE + vectorize())
    check("dropout.keep" in out and "vector<32xi64>" in out, f"no vectors:\n{out}")
    x = random((96,), "f32")
    keep = oracle.mask("element", (96,), .3, 42, 7, at=[first], of=[400000])
    got = run(out, [x, 42, 7], 1, f"ties from {first}")[0]
    same(got, np.where(keep, x * np.float32(1 / (1 - .3)), np.float32(0)), "f32", f"ties from {first}")
    agree(text, out, [x, 42, 7], 1, "f32", f"ties from {first}")

# ---- Implicit ops take the same offsets in the same order.
text = """func.func @f(%x: tensor<13x70xf32>) -> (tensor<13x70xf32>, tensor<13x70xf32>, tensor<13x70xf32>) {
  %a = dropout.element %x p = 0.3 : tensor<13x70xf32>
  %b = dropout.alpha %a p = 0.3 generator("data") : tensor<13x70xf32>
  %c = dropout.channel %b p = 0.5 : tensor<13x70xf32>
  return %a, %b, %c : tensor<13x70xf32>, tensor<13x70xf32>, tensor<13x70xf32>
}
"""
script = [f"%ops = transform.dropout.materialize_state %root : ({ANY}) -> {ANY}",
          f"%mask, %select = transform.dropout.decompose %ops : ({ANY}) -> ({ANY}, {ANY})"] + fuse((4, 32))
out = transformed(text, "--canonicalize", script=script)
check(out.count("dropout.reserve") == 3 and out.count("dropout.mask") == 3, f"the state is not there:\n{out}")
for flags in (("--seed=5", "--offset=9", "--generator=data=3"), ("--seed=5", "--generator=data=3", "--eval")):
    agree(text, out, [random((13, 70), "f32")], 3, "f32", " ".join(flags), flags=flags, dropped="--eval" not in flags)

# ---- A layer as one nest: matmul, bias and relu are pulled into the select's tiles. Small integers: no order of sums matters.
root = sys.argv[1]
layer = open(os.path.join(root, "examples/schedule/layer.mlir")).read().replace("@layer", "@f")
schedule = open(os.path.join(root, "examples/schedule/schedule.mlir")).read()
rng = np.random.default_rng(1)
x, w, bias = (rng.integers(-9, 9, s).astype(np.float32) for s in ((64, 96), (96, 128), (128,)))
y = np.maximum(x @ w + bias, 0)
want = oracle.apply("element", y, "f32", .1, 42, 7)[0]
out = transformed(layer, script=schedule)
check("vector.contract" in out and "dropout.keep" in out and "linalg" not in out, f"the example's schedule gave\n{out}")
same(run(out, [x, w, bias, 42, 7], 1, "the example")[0], want, "f32", "the example")
same(run(layer, [x, w, bias, 42, 7], 1, "the example, unscheduled")[0], want, "f32", "the example, unscheduled")

# The same chain on scalars, bufferized and lowered to loops by the script: no mask reaches memory, nor the whole of what is fused.
script = DECOMPOSE + [
    f"%t, %l:2 = transform.structured.fuse %select tile_sizes [16, 32] : ({ANY}) -> ({ANY}, {ANY}, {ANY})"] + INLINE + [
    f"%fused = transform.apply_registered_pass \"linalg-fuse-elementwise-ops\" to %f : ({ANY}) -> {ANY}",
    f"transform.apply_patterns to %fused {{", "  transform.apply_patterns.tensor.fold_tensor_empty", f"}} : {ANY}",
    f"transform.bufferization.eliminate_empty_tensors %root : {ANY}",
    f"%b = transform.bufferization.one_shot_bufferize layout{{IdentityLayoutMap}} %root {{bufferize_function_boundaries = true}} : "
    f"({ANY}) -> {ANY}",
    f"%g = transform.structured.match ops{{[\"func.func\"]}} in %b : ({ANY}) -> {ANY}",
    f"%loops = transform.apply_registered_pass \"convert-linalg-to-loops\" to %g : ({ANY}) -> {ANY}",
    f"%arith = transform.apply_registered_pass \"convert-dropout-to-arith\" to %loops : ({ANY}) -> {ANY}"]
out = transformed(layer, script=script)
check("tensor<" not in out and "dropout." not in out and "linalg." not in out and "xi1>" not in out, f"something is left:\n{out}")
check(out.count("memref.alloc(") == 2, f"not only the result and a tile are allocated:\n{out}")
same(run(out, [x, w, bias, 42, 7], 4, "loops of the example")[0], want, "f32", "loops of the example")
done()
