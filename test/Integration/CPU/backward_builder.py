# RUN: %python %s
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Gradient functions that dropout-build-backward writes, compiled and run, against
# finite differences in f64 of the forward function written again in NumPy with
# the oracle's masks; then where differences say nothing: kinks, overflow, NaN.

import math, os, subprocess, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
sys.dont_write_bytecode = True
import numpy as np
import oracle
from harness import LOWERINGS, OPT, check, done, fail, random, run, typed, write

SEED, OFFSET = 2**63 + 5, 2**40 + 3
S, O = SEED - 2**64, OFFSET  # as i64
erf = np.vectorize(math.erf)


def build(text):
    """The module with its gradient functions."""
    r = subprocess.run([OPT, write(text), "-dropout-build-backward"], capture_output=True, text=True)
    if r.returncode:
        fail(f"dropout-build-backward: {r.stderr[-3000:]}\n{text}")
    return r.stdout


def dropout(kind, x, p, **options):
    return oracle.apply(kind, x, "f64", p, SEED, OFFSET, **options)[0]


def close(got, want, tolerance, what):
    scale = max(1.0, float(np.max(np.abs(want), initial=0)))
    bad = ~(np.abs(got - want) <= tolerance * scale)
    check(got.shape == want.shape and not bad.any(), f"{what}: got {got}\nwant {want}\n  {run.last}")


def gradients(what, text, forward, tensors, scalars, appended, lowerings=("linalg",), ty="f64", step=1e-5, tolerance=1e-7):
    """Runs @f and @f_backward of `text`; `forward` maps f64 tensors to the list of results."""
    module = build(text)
    exact = [oracle.widen(t, ty).astype(np.float64) for t in tensors]
    want = forward(*exact)
    weights = [random(y.shape, ty, 70 + k) for k, y in enumerate(want)]
    for lowering in lowerings:
        outs = run(module, [*tensors, *scalars], len(want) + len(appended), f"{what} [{lowering}]", lowering=lowering)
        for k, y in enumerate(want):
            close(oracle.widen(outs[k], ty).astype(np.float64), y, tolerance, f"{what} [{lowering}]: result {k}")
        for got, value in zip(outs[len(want):], appended):
            check(got.shape == () and got[()] == value, f"{what} [{lowering}]: appended {got!r}, want {value!r}\n  {run.last}")
        got = run(module, [*weights, *tensors, *scalars, *appended], len(tensors), f"{what} backward [{lowering}]",
                  entry="f_backward", lowering=lowering)
        heavy = [oracle.widen(w, ty).astype(np.float64) for w in weights]
        for k, x in enumerate(exact):
            slope = np.zeros(x.shape)
            for i in np.ndindex(x.shape):
                ends = []
                for h in (step, -step):
                    moved = [v.copy() for v in exact]
                    moved[k][i] += h
                    ends.append(sum(float(np.sum(w * y)) for w, y in zip(heavy, forward(*moved))))
                slope[i] = (ends[0] - ends[1]) / (2 * step)
            close(oracle.widen(got[k], ty).astype(np.float64), slope, tolerance, f"{what} [{lowering}]: gradient {k}")


# ---- Bias, gelu, dropout, residual: what stands behind the matmul of an MLP.
GELU = {
    "tanh": ("""%x2 = arith.mulf %h, %h : TY
    %x3 = arith.mulf %x2, %h : TY
    %k = arith.constant 0.044715 : TY
    %kx3 = arith.mulf %k, %x3 : TY
    %in = arith.addf %h, %kx3 : TY
    %c = arith.constant 0.7978845608028654 : TY
    %u = arith.mulf %c, %in : TY
    %t = math.tanh %u : TY""", lambda h: .5 * h * (1 + np.tanh(0.7978845608028654 * (h + 0.044715 * h**3)))),
    "erf": ("""%c = arith.constant 0.7071067811865476 : TY
    %u = arith.mulf %c, %h : TY
    %t = math.erf %u : TY""", lambda h: .5 * h * (1 + erf(h * 0.7071067811865476))),
}
MLP = """
func.func @f(%x: XT, %bias: tensor<6xTY>, %residual: XT, %s: i64, %o: i64, %flag: i1, %p: f64) -> XT {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : XT
  %e = tensor.empty(SIZE) : XT
  %g = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>],
                       iterator_types = ["parallel", "parallel"]} ins(%x, %bias : XT, tensor<6xTY>) outs(%e : XT) {
  ^bb0(%a: TY, %b: TY, %out: TY):
    %h = arith.addf %a, %b : TY
    BODY
    %one = arith.constant 1.0 : TY
    %half = arith.constant 0.5 : TY
    %1 = arith.addf %one, %t : TY
    %2 = arith.mulf %half, %h : TY
    %3 = arith.mulf %2, %1 : TY
    linalg.yield %3 : TY
  } -> XT
  %d = dropout.KIND %g p(%p) rng(%s, %o) training(%flag) : XT
  %y = arith.addf %d, %residual : XT
  return %y : XT
}
"""
P = .3
for form, (body, gelu) in GELU.items():
    for kind, ty, dynamic in (("element", "f64", False), ("alpha", "f64", True), ("channel", "f32", True), ("element", "f16", False)):
        # 16-bit bodies are computed in 16 bits, as written: differences of them say little more than the sign.
        tolerance = {"f64": 1e-7, "f32": 1e-5, "f16": 2e-2}[ty]
        text = MLP.replace("BODY", body).replace("KIND", kind).replace("XT", "tensor<?x6xTY>" if dynamic else "tensor<5x6xTY>")
        text = text.replace("SIZE", "%n" if dynamic else "").replace("TY", ty)
        for flag in (True, False):
            gradients(f"mlp {form} {kind} {ty} {'train' if flag else 'eval'}", text,
                      lambda x, b, r: [dropout(kind, gelu(x + b), P, training=flag) + r],
                      [random((5, 6), ty, 1), random((6,), ty, 2), random((5, 6), ty, 3)],
                      [S, O, flag, P], [flag, S, O, P], LOWERINGS if flag and kind == "element" else ("linalg",), ty,
                      tolerance=tolerance)

# ---- Tensors that meet themselves and each other, shapes that broadcast, named ops, every kind with its options. At
# column 4 the channel mask differs from that of column 0.
gradients("products", """
func.func @f(%x: tensor<3x4xf64>, %y: tensor<3x4xf64>, %row: tensor<1x4xf64>, %col: tensor<3xf64>, %s: i64, %o: i64) -> (tensor<3x4xf64>, tensor<4x3xf64>) {
  %e = tensor.empty() : tensor<3x4xf64>
  %et = tensor.empty() : tensor<4x3xf64>
  %xy = linalg.mul ins(%x, %y : tensor<3x4xf64>, tensor<3x4xf64>) outs(%e : tensor<3x4xf64>) -> tensor<3x4xf64>
  %d = dropout.element %xy p = 0.25 resolution = 8 rng(%s, %o) : tensor<3x4xf64>
  %q = arith.mulf %d, %x : tensor<3x4xf64>
  %wide = linalg.broadcast ins(%col : tensor<3xf64>) outs(%e : tensor<3x4xf64>) dimensions = [1]
  %r = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (0, j)>, affine_map<(i, j) -> (0, j)>,
                                        affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%q, %row, %row : tensor<3x4xf64>, tensor<1x4xf64>, tensor<1x4xf64>) outs(%wide : tensor<3x4xf64>) {
  ^bb0(%a: f64, %b: f64, %c: f64, %out: f64):
    %i = linalg.index 1 : index
    %k = arith.index_cast %i : index to i32
    %w = arith.sitofp %k : i32 to f64
    %0 = arith.mulf %a, %b : f64
    %1 = math.fma %0, %c, %w : f64
    %2 = arith.mulf %1, %out : f64
    linalg.yield %2 : f64
  } -> tensor<3x4xf64>
  %t = linalg.transpose ins(%r : tensor<3x4xf64>) outs(%et : tensor<4x3xf64>) permutation = [1, 0]
  %sq = linalg.square ins(%t : tensor<4x3xf64>) outs(%et : tensor<4x3xf64>) -> tensor<4x3xf64>
  %c = dropout.channel %sq p = 0.5 mask_dims = [1] rounds = 7 rng(%s, %o) at [0, 4] of [4, 8] : tensor<4x3xf64>
  %fa = dropout.feature_alpha %c p = 0.25 mask_dims = [0] rng(%s, %o) : tensor<4x3xf64>
  return %q, %fa : tensor<3x4xf64>, tensor<4x3xf64>
}
""", lambda x, y, row, col: (lambda q: [q, dropout("feature_alpha", dropout("channel", (
    ((q * row**2 + np.arange(4.)) * col[:, None])**2).T.copy(), .5, dims=[1], rounds=7, at=[0, 4], of=[4, 8]), .25, dims=[0])])(
        dropout("element", x * y, .25, resolution=8) * x),
    [random(s, "f64", k) for k, s in enumerate([(3, 4), (3, 4), (1, 4), (3,)])], [S, O], [S, O])

# ---- Every op with a rule, each on arguments of its own.
UNARY = {
    "math.exp": np.exp, "math.exp2": np.exp2, "math.expm1": np.expm1, "math.sin": np.sin, "math.cos": np.cos, "math.tan": np.tan,
    "math.tanh": np.tanh, "math.sinh": np.sinh, "math.cosh": np.cosh, "math.asinh": np.arcsinh, "math.atan": np.arctan,
    "math.erf": erf, "math.erfc": lambda x: 1 - erf(x), "math.absf": np.abs, "arith.negf": np.negative, "math.cbrt": np.cbrt,
    "math.floor": np.floor, "math.ceil": np.ceil, "math.round": lambda x: np.sign(x) * np.floor(np.abs(x) + .5),
    "math.roundeven": np.rint, "math.trunc": np.trunc,
}
POSITIVE = {"math.log": np.log, "math.log2": np.log2, "math.log10": np.log10, "math.log1p": np.log1p, "math.sqrt": np.sqrt,
            "math.rsqrt": lambda x: 1 / np.sqrt(x)}
INSIDE = {"math.asin": np.arcsin, "math.acos": np.arccos, "math.atanh": np.arctanh}
ABOVE = {"math.acosh": np.arccosh}
BINARY = {"arith.addf": np.add, "arith.subf": np.subtract, "arith.mulf": np.multiply, "arith.divf": np.divide,
          "arith.maximumf": np.maximum, "arith.minimumf": np.minimum, "arith.maxnumf": np.fmax, "arith.minnumf": np.fmin,
          "math.powf": np.power}
ops, tensors, T = [], [], "tensor<5xf64>"
for table, domain in ((UNARY, [-2.2, -.7, -.1, .4, 1.3]), (POSITIVE, [.05, .3, 1., 2.5, 9.]), (INSIDE, [-.9, -.3, .01, .5, .8]),
                      (ABOVE, [1.1, 1.5, 2., 4., 9.])):
    for op, f in table.items():
        ops.append((op, f, [len(tensors)]))
        tensors.append(np.array(domain))
for op, f in BINARY.items():
    ops.append((op, f, [len(tensors), len(tensors) + 1]))
    tensors += [np.array([.2, .7, 1.1, 2.2, 3.1]), np.array([1.3, -.4, .9, -2., 2.6])]


def all_ops(in_body):
    body = []
    for k, (op, _, at) in enumerate(ops):
        a = ", ".join(f"%a{i}" for i in at)
        if not in_body:
            body.append(f"%y{k} = {op} {a} : {T}")
            continue
        body += [f"%y{k} = linalg.map ins({a} : {', '.join([T] * len(at))}) outs(%e : {T}) ({', '.join(f'%v{i}: f64' for i in at)}, %o{k}: f64) {{",
                 f"  %r{k} = {op} {', '.join(f'%v{i}' for i in at)} : f64", f"  linalg.yield %r{k} : f64", "}"]
    names, types = ", ".join(f"%y{k}" for k in range(len(ops))), ", ".join([T] * len(ops))
    args = ", ".join(f"%a{k}: {T}" for k in range(len(tensors)))
    return (f"func.func @f({args}, %s: i64) -> ({types}) {{\n  %e = tensor.empty() : {T}\n  %z = dropout.element %e p = 0.5 rng(%s, %s) : {T}\n  "
            + "\n  ".join(body) + f"\n  return {names} : {types}\n}}\n")


for in_body in (False, True):
    gradients(f"rules {'in linalg' if in_body else 'on tensors'}", all_ops(in_body),
              lambda *x: [f(*[x[i] for i in at]) for _, f, at in ops], tensors, [S], [S], step=1e-6, tolerance=1e-6)

# ---- Where differences say nothing. Relu at its kink, selu where exp overflows in the branch not taken, sigmoid written
# with a division, and a chain whose dropped elements are NaN or overflow: their gradient is +0.
T = "tensor<8xf64>"
text = f"""
func.func @f(%x: {T}, %s: i64, %o: i64) -> ({T}, {T}, {T}, {T}, {T}) {{
  %zero = arith.constant dense<0.0> : {T}
  %one = arith.constant dense<1.0> : {T}
  %alpha = arith.constant dense<1.6732632423543772> : {T}
  %scale = arith.constant dense<1.0507009873554805> : {T}
  %relu = arith.maximumf %x, %zero : {T}
  %relu2 = arith.maximumf %zero, %x : {T}
  %up = arith.cmpf ogt, %x, %zero : {T}
  %exp = math.exp %x : {T}
  %m1 = arith.subf %exp, %one : {T}
  %neg = arith.mulf %alpha, %m1 : {T}
  %branch = arith.select %up, %x, %neg : tensor<8xi1>, {T}
  %selu = arith.mulf %scale, %branch : {T}
  %minus = arith.negf %x : {T}
  %em = math.exp %minus : {T}
  %den = arith.addf %one, %em : {T}
  %sigmoid = arith.divf %one, %den : {T}
  %log = math.log %x : {T}
  %big = arith.mulf %exp, %log : {T}
  %drop = dropout.element %big p = 0.5 rng(%s, %o) : {T}
  return %relu, %relu2, %selu, %sigmoid, %drop : {T}, {T}, {T}, {T}, {T}
}}
"""
x = np.array([-1000., -1., -0., 0., .5, 2., 1000., np.nan])
dy = np.array([1.5, -2., 3., .25, -.5, 4., 2., 1.])
zeros = np.zeros(8)
sel, lam = 1.6732632423543772, 1.0507009873554805
with np.errstate(all="ignore"):
    sig = 1 / (1 + np.exp(-x))
    keep = oracle.mask("element", (8,), .5, SEED, OFFSET)
    relu = np.where(~(x <= 0), dy, 0)
    expect = [relu, relu, dy * lam * np.where(x > 0, 1, sel * np.exp(x)), dy * sig * (1 - sig),
              np.where(keep, 2 * dy * (np.exp(x) * np.log(x) + np.exp(x) / x), 0)]
check(keep.any() and not keep.all(), "expected some of eight elements dropped")
module = build(text)
for k, want in enumerate(expect):
    got, = run(module, [dy if i == k else zeros for i in range(len(expect))] + [x, S, O, S, O], 1, f"edges {k}", entry="f_backward")
    ok = np.isclose(got, want, rtol=1e-12, atol=1e-300) | (np.isnan(got) & np.isnan(want)) | (got == want)
    check(ok.all(), f"edges, result {k}: got {got}\nwant {want}\n  {run.last}")
check(not np.signbit(got[~keep]).any(), f"expected +0 where dropped, but got {got}\n  {run.last}")

# ---- Sums of many 16-bit numbers: 4096 ones are 4096 in f16 and bf16, too.
for ty in ("f16", "bf16"):
    module = build(f"""
func.func @f(%x: tensor<4096x2x{ty}>, %b: tensor<2x{ty}>, %s: i64) -> tensor<4096x2x{ty}> {{
  %e = tensor.empty() : tensor<4096x2x{ty}>
  %w = linalg.broadcast ins(%b : tensor<2x{ty}>) outs(%e : tensor<4096x2x{ty}>) dimensions = [0]
  %h = arith.addf %x, %w : tensor<4096x2x{ty}>
  %y = dropout.element %h p = 0.0 rng(%s, %s) : tensor<4096x2x{ty}>
  return %y : tensor<4096x2x{ty}>
}}
""")
    one = oracle.narrow(np.ones((4096, 2), np.float32), ty)
    _, got = run(module, [one, one, oracle.narrow(np.ones(2, np.float32), ty), 7, 7], 2, f"sum {ty}", entry="f_backward")
    check((oracle.widen(got, ty) == 4096).all(), f"sum of 4096 ones in {ty}: got {oracle.widen(got, ty)}\n  {run.last}")

# ---- Implicit ops through the whole chain: the draw of the forward is the gradient's.
T = typed((64,), "f32")
implicit = write(f"""
func.func @f(%x: {T}) -> {T} {{
  %y = dropout.element %x p = 0.5 : {T}
  return %y : {T}
}}
""")
r = subprocess.run([OPT, implicit, "-pass-pipeline=builtin.module(func.func(dropout-materialize-state),dropout-build-backward)"],
                   capture_output=True, text=True)
check(r.returncode == 0, f"materialize, then build: {r.stderr}")
one = np.ones(64, np.float32)
for mode in ("--train", "--eval"):
    y, flag, s, o = run(r.stdout, [one], 4, f"implicit {mode}", flags=[mode, "--seed", "42", "--offset", "7"])
    check(int(s) == 42 and int(o) == 7 and bool(flag) == (mode == "--train"), f"draw {flag} {s} {o}\n  {run.last}")
    dx, = run(r.stdout, [one, one, bool(flag), int(s), int(o)], 1, f"implicit backward {mode}", entry="f_backward")
    check((dx == y).all() and ((dx == 0).any() == (mode == "--train")), f"gradient's mask is the forward's {mode}\n  {run.last}")

done()
