# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Runs MLIR text through dropout-run and compares bits. A Batch puts many ops
# into one function and knows what the oracle wants of each, so that one process
# checks dozens of cases. The first difference ends the test with the case, the
# index, both bit patterns and the command that shows it again.
#
# Environment: DROPOUT_RUN and DROPOUT_OPT name the tools (default: build/bin),
# DROPOUT_LOWERINGS the lowerings (default: all).

import atexit, os, shlex, shutil, subprocess, sys, tempfile
import numpy as np
import oracle

HERE = os.path.dirname(os.path.realpath(__file__))
BIN = os.path.normpath(os.path.join(HERE, "..", "..", "build", "bin"))
RUN = os.environ.get("DROPOUT_RUN") or os.path.join(BIN, "dropout-run")
OPT = os.environ.get("DROPOUT_OPT") or os.path.join(BIN, "dropout-opt")
LOWERINGS = (os.environ.get("DROPOUT_LOWERINGS") or "vector,linalg,linalg-inline,affine").split(",")
TIMEOUT = 300

if not os.access(RUN, os.X_OK):
    sys.exit(f"there is no dropout-run at {RUN}: build it, or set DROPOUT_RUN")

checks, _serial, _keep = 0, 0, False
TMP = tempfile.mkdtemp(prefix="dropout-test-")


@atexit.register
def _clean():
    if not _keep:
        shutil.rmtree(TMP, ignore_errors=True)


def fail(message):
    """Ends the test; its files stay, so that the command printed works."""
    global _keep
    _keep = True
    sys.stdout.flush()
    sys.exit(f"FAIL {os.path.basename(sys.argv[0])}: {message}")


def check(ok, message):
    global checks
    checks += 1
    if not ok:
        fail(message)


def done():
    print(f"{os.path.basename(sys.argv[0])}: {checks} checks passed")


def path(name):
    """A new file name in this test's own folder."""
    global _serial
    _serial += 1
    return os.path.join(TMP, f"{_serial:03}-{name}")


def write(text, name="case.mlir"):
    f = path(name)
    with open(f, "w") as out:
        out.write(text)
    return f


def save(array, name="x.npy"):
    f = path(name)
    np.save(f, array)
    return f


def literal(v):
    """A scalar as dropout-run takes it."""
    return str(v).lower() if isinstance(v, (bool, np.bool_)) else repr(float(v)) if isinstance(v, (float, np.floating)) else str(v)


def fp(p):
    """An f64 that MLIR's parser reads back as the same number (its lexer wants a point before the exponent)."""
    s = repr(float(p))
    m, e, x = s.partition("e")
    return s if "." in m or "inf" in s or "nan" in s else f"{m}.0{e}{x}"


def command(mlir, inputs=(), outputs=(), entry="f", lowering=None, flags=()):
    cmd = [RUN, mlir, "--entry-point", entry]
    for v in inputs:
        cmd.append("--input=" + (v if isinstance(v, str) else save(v) if isinstance(v, np.ndarray) else literal(v)))
    cmd += [f"--output={o}" for o in outputs]
    return cmd + ([f"--lowering={lowering}"] if lowering else []) + list(flags)


def execute(cmd):
    try:
        return subprocess.run(cmd, capture_output=True, text=True, timeout=TIMEOUT, errors="replace")
    except subprocess.TimeoutExpired:
        fail(f"no answer within {TIMEOUT} s: {' '.join(cmd)}")


def run(text, inputs=(), results=1, what="", **options):
    """Runs the function; returns its results and then its memref arguments, as arrays."""
    mlir = write(text)
    cmd = command(mlir, inputs, outs := [path(f"out{k}.npy") for k in range(results)], **options)
    run.last = f"to see it again: sh {mlir}.sh"
    with open(mlir + ".sh", "w") as script:
        script.write(shlex.join(cmd) + "\n")
    r = execute(cmd)
    if r.returncode:
        fail(f"{what}: exit code {r.returncode}\n{r.stderr[-4000:]}\n  {run.last}")
    return [np.load(o) for o in outs]


ANY = "!transform.any_op"  # the type of most handles


def transformed(text, *passes, script=None):
    """The payload after the transform script (a file's text, or the lines of its sequence on %root) and the passes."""
    cmd = [OPT, write(text, "payload.mlir")]
    if script:
        lib = write(script if isinstance(script, str) else "module attributes {transform.with_named_sequence} {\n"
                    f"  transform.named_sequence @__transform_main(%root: {ANY}) {{\n"
                    + "".join(f"    {l}\n" for l in script) + "    transform.yield\n  }\n}\n", "script.mlir")
        cmd += [f"--transform-preload-library=transform-library-paths={lib}", "--transform-interpreter"]
    r = execute(cmd + list(passes))
    if r.returncode:
        fail(f"{' '.join(cmd + list(passes))}: {r.stderr[-3000:]}")
    return r.stdout


def match(name, op):
    return f'%{name} = transform.structured.match ops{{["{op}"]}} in %root : ({ANY}) -> {ANY}'


def refused(cmd, says, what, outputs=(), prefix="error: "):
    """A run that must end with a message holding every string of `says`, no signal, and nothing written."""
    before = {o: open(o, "rb").read() if os.path.isfile(o) else None for o in outputs}
    r = execute(cmd)
    where = f"{what}: {' '.join(cmd)}\n  exit code {r.returncode}\n  stderr: {r.stderr[-2000:]}"
    check(0 < r.returncode < 126, "expected a plain failing exit code; " + where)
    check("Stack dump" not in r.stderr and "PLEASE submit" not in r.stderr and "Sanitizer" not in r.stderr, "crashed; " + where)
    for s in [prefix] + ([says] if isinstance(says, str) else list(says)):
        check(s.lower() in r.stderr.lower(), f"expected the message to say {s!r}; " + where)
    for o, old in before.items():
        now = open(o, "rb").read() if os.path.isfile(o) else None
        check(now == old, f"{o} was written; " + where)
    return r


def same(got, want, ty, what, loose=None):
    """Compares bits; where `loose`, one NaN is as good as another."""
    global checks
    checks += 1
    if got.dtype != oracle.DTYPE[ty] or got.shape != want.shape:
        fail(f"{what}: got {got.dtype}{list(got.shape)}, want {ty}{list(want.shape)}\n  {run.last}")
    bad = oracle.bits(got) != oracle.bits(want)
    if loose is not None:
        bad &= ~(loose & oracle.is_nan(got, ty) & oracle.is_nan(want, ty))
    if bad.any():
        at = tuple(int(v[0]) for v in np.nonzero(bad)) if bad.ndim else ()
        fail(f"{what}: {int(bad.sum())} of {bad.size} differ, first at {list(at)}: got {got[at]!r} "
             f"({int(oracle.bits(got)[at]):#x}), want {want[at]!r} ({int(oracle.bits(want)[at]):#x})\n  {run.last}")


def random(shape, ty, seed=0):
    """Ordinary values of either sign, none zero."""
    x = np.random.default_rng(seed).standard_normal(shape)
    return oracle.narrow((np.where(x == 0, 1, x)).astype(np.float64 if ty == "f64" else np.float32), ty)


SPECIALS = {  # quiet and signalling NaNs of both signs, infinities, zeros, least and greatest numbers
    "f16": [0x7E01, 0xFE02, 0x7C01, 0xFC01, 0x7C00, 0xFC00, 0, 0x8000, 1, 0x8001, 0x03FF, 0x0400, 0x7BFF, 0xFBFF],
    "bf16": [0x7FC1, 0xFFC2, 0x7F81, 0xFF81, 0x7F80, 0xFF80, 0, 0x8000, 1, 0x8001, 0x007F, 0x0080, 0x7F7F, 0xFF7F],
    "f32": [0x7FC00001, 0xFFC00002, 0x7F800001, 0xFF800001, 0x7F800000, 0xFF800000, 0, 0x80000000, 1, 0x80000001,
            0x007FFFFF, 0x00800000, 0x7F7FFFFF, 0xFF7FFFFF],
    "f64": [0x7FF8000000000001, 0xFFF8000000000002, 0x7FF0000000000001, 0xFFF0000000000001, 0x7FF0000000000000,
            0xFFF0000000000000, 0, 0x8000000000000000, 1, 0x8000000000000001, 0x000FFFFFFFFFFFFF, 0x0010000000000000,
            0x7FEFFFFFFFFFFFFF, 0xFFEFFFFFFFFFFFFF]}


def specials(shape, ty, seed=0):
    """Half special values, half ordinary ones, in a shuffled order."""
    n, rng = int(np.prod(shape)), np.random.default_rng(seed)
    pool = np.array(SPECIALS[ty], oracle.BITS[np.dtype(oracle.DTYPE[ty]).itemsize]).view(oracle.DTYPE[ty])
    x = random((n,), ty, seed)
    x[::2] = pool[np.arange((n + 1) // 2) % len(pool)]
    return x[rng.permutation(n)].reshape(shape)


def typed(shape, ty, dynamic=False, kind="tensor"):
    return f"{kind}<{''.join(('?' if dynamic else str(s)) + 'x' for s in shape)}{ty}>"


SENTINEL = {"f16": 0x5A5A, "bf16": 0x5A5A, "f32": 0x5A5A5A5A, "f64": 0x5A5A5A5A5A5A5A5A}


def canary(shape, ty):
    """A buffer full of one odd bit pattern."""
    return np.full(shape, SENTINEL[ty], oracle.BITS[np.dtype(oracle.DTYPE[ty]).itemsize]).view(oracle.DTYPE[ty])


class Batch:
    """Many ops in one function @f; `check` compares every result and every buffer with the oracle."""

    def __init__(self, name):
        self.name, self.args, self.body, self.values, self.results, self.buffers, self.known = name, [], [], [], [], [], {}

    def arg(self, value, type, key=None):
        """An argument of the function, one for equal scalars or for the same array."""
        key = key or (type, id(value) if isinstance(value, np.ndarray) else literal(value))
        if key not in self.known:
            self.known[key] = f"%a{len(self.args)}"
            self.args.append(f"%a{len(self.args)}: {type}")
            self.values.append(value)
        return self.known[key]

    def buffer(self, value, ty, want, what, loose=None, type=None):
        """A memref argument of its own, and what must be in it afterwards."""
        name = f"%a{len(self.args)}"
        self.args.append(f"{name}: {type or typed(value.shape, ty, kind='memref')}")
        self.values.append(value)
        self.buffers.append((ty, want, what, loose))
        return name

    def line(self, text):
        self.body.append("  " + text)

    def result(self, name, type, ty, want, what, loose=None):
        self.results.append((name, type, ty, want, what, loose))

    def i64(self, v):
        return self.arg(int(v), "i64")

    def tail(self, p, seed, offset, runtime=False, training=None, dims=None, rounds=None, resolution=None, at=None,
             of=None, position="static"):
        p = f" p({self.arg(float(p), 'f64')})" if runtime else f" p = {fp(p)}"
        t = p + (f" mask_dims = {list(dims)}" if dims is not None else "")
        t += (f" rounds = {rounds}" if rounds else "") + (f" resolution = {resolution}" if resolution else "")
        if seed is not None:
            t += f" rng({self.i64(seed)}, {self.i64(offset)})"
        if training is not None:
            t += f" training({self.arg(bool(training), 'i1')})"
        if at is not None:
            names = []
            for k, v in enumerate(list(at) + list(of)):
                if position == "static" or (position == "mixed" and k % 2):
                    names.append(str(v))
                else:
                    n = f"%i{len(self.body)}"
                    self.line(f"{n} = arith.index_cast {self.i64(v)} : i64 to index")
                    names.append(n)
            t += f" at [{', '.join(names[:len(at)])}] of [{', '.join(names[len(at):])}]"
        return t

    def op(self, kind, x, ty, p, seed=42, offset=7, *, backward=False, mask=False, form="tensor", runtime=False, **tail):
        """One value op or gradient on x. form: tensor, dynamic, memref, inplace, strided (dynamic layout)."""
        want = {k: v for k, v in tail.items() if k != "position" and v is not None}
        what = f"{self.name}: {'backward ' if backward else ''}{kind} {ty}{list(x.shape)} p {p!r} seed {seed} offset {offset} " \
               f"{form}{' runtime' if runtime else ''} {tail or ''}"
        y, loose = oracle.apply(kind, x, ty, p, seed, offset, backward=backward, **want)
        name, k = (f"backward {kind}" if backward else kind), len(self.body)
        if form in ("tensor", "dynamic"):
            type = typed(x.shape, ty, form == "dynamic")
            a, t = self.arg(x, type), self.tail(p, seed, offset, runtime, **tail)
            if mask:
                m = oracle.mask(kind, x.shape, p, seed, offset, **want)
                mtype = typed(m.shape, "i1", form == "dynamic")
                self.line(f"%y{k}, %m{k} = dropout.{name} {a}{t} : {type}, {mtype}")
            else:
                self.line(f"%y{k} = dropout.{name} {a}{t} : {type}")
            self.result(f"%y{k}", type, ty, y, what, loose)
            if mask:
                self.result(f"%m{k}", mtype, "i1", m, what + " mask")
        else:
            assert not mask
            layout = f", strided<[{', '.join('?' * x.ndim)}], offset: ?>" if x.ndim else ", strided<[], offset: ?>"
            type = typed(x.shape, ty + layout, True, "memref") if form == "strided" else typed(x.shape, ty, kind="memref")
            inplace = form == "inplace"
            a = self.buffer(x, ty, y if inplace else x, what + (" in place" if inplace else " input"), loose if inplace else None, type)
            b = a if inplace else self.buffer(canary(x.shape, ty) if x.flags.c_contiguous else
                                              np.asfortranarray(canary(x.shape, ty)), ty, y, what, loose, type)
            self.line(f"dropout.{name} {a} into {b}{self.tail(p, seed, offset, runtime, **tail)} : {type}, {type}")

    def mask(self, shape, p, seed=42, offset=7, *, form="tensor", runtime=False, **tail):
        """The mask op itself."""
        what = f"{self.name}: mask {list(shape)} p {p!r} seed {seed} offset {offset} {form} {tail or ''}"
        m = oracle.mask("element", shape, p, seed, offset, **{k: v for k, v in tail.items() if k != "position" and v is not None})
        t, k = self.tail(p, seed, offset, runtime, **tail), len(self.body)
        if form == "memref":
            type = typed(shape, "i1", kind="memref")
            b = self.buffer(np.asarray(~m), "i1", m, what)
            self.line(f"dropout.mask into {b}{t} : {type}")
            return
        type, sizes = typed(shape, "i1", form == "dynamic"), ""
        if form == "dynamic" and shape:
            for d, s in enumerate(shape):
                self.line(f"%s{k}_{d} = arith.index_cast {self.i64(s)} : i64 to index")
            sizes = "(" + ", ".join(f"%s{k}_{d}" for d in range(len(shape))) + ")"
        self.line(f"%m{k} = dropout.mask{sizes}{t} : {type}")
        self.result(f"%m{k}", type, "i1", m, what)

    def text(self):
        types = ", ".join(r[1] for r in self.results)
        ret = f"  return {', '.join(r[0] for r in self.results)} : {types}" if self.results else "  return"
        return f"func.func @f({', '.join(self.args)}){f' -> ({types})' if self.results else ''} {{\n" + "\n".join(
            self.body + [ret, "}", ""])

    def check(self, lowerings=None, **options):
        """Runs with every lowering; returns the tensor results of the last."""
        for lowering in lowerings or LOWERINGS:
            out = run(self.text(), self.values, len(self.results) + len(self.buffers), f"{self.name} {lowering}",
                      lowering=lowering, **options)
            for got, (_, _, ty, want, what, loose) in zip(out, self.results):
                same(got, want, ty, f"{what} [{lowering}]", loose)
            for got, (ty, want, what, loose) in zip(out[len(self.results):], self.buffers):
                same(got, want, ty, f"{what} [{lowering}]", loose)
        return out[:len(self.results)]
