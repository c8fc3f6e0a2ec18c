#!/usr/bin/env python3
# ===- python.py - The Python package beside what people use today ---------===//
#
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Times mlir_dropout from Python: what a call costs, and whole arrays beside a
copy, PyTorch, torch.compile, JAX and NumPy, interleaved, in one process per
library.

    python.py --build BUILD [--json FILE] [--quick] [--markdown] [--into PAGE]

Wheels are installed below BUILD/peers, as by peers.py. Exit status: 0, or the sum
of 4 (no PyTorch), 8 (no JAX) and 16 (no NumPy of its own) for what could not be
had, or not in full.
"""

import argparse
import contextlib
import ctypes
import itertools
import json
import os
import platform
import re
import subprocess
import sys
import time
import timeit

import peers
import report

MIB = peers.MIB
P = 0.1

# What is installed beside peers' PyTorch and JAX.
peers.WHEELS["numpy"] = [["numpy", "ml_dtypes"]]
STATUS = {"torch": peers.STATUS["torch"], "jax": peers.STATUS["jax"], "numpy": 16}
WHAT = {"numpy": "NumPy and ml_dtypes", "torch": "PyTorch", "jax": "JAX"}

# ===----------------------------------------------------------------------===//
# What is measured
# ===----------------------------------------------------------------------===//


class Case(peers.Case):
    """Dropout of an array of ones, and with `backward` its gradient for ones."""

    def __init__(self, kind, type, size, backward, p=P):
        super().__init__(kind, type, p, size)
        self.backward = backward

    @property
    def name(self):
        return super().name + (" backward" if self.backward else "")

    @property
    def shape(self):
        """Channels are 1,024 elements long, as many in a batch entry as there are entries, or four times."""
        if self.kind != "channel":
            return (self.elements,)
        channels = self.elements // 1024
        batch = 1 << ((channels.bit_length() - 1) // 2)
        return (batch, channels // batch, 1024)

    @property
    def draws(self):
        return self.elements // 1024 if self.kind == "channel" else self.elements

    def describe(self):
        return {"name": self.name, "kind": self.kind, "type": self.type, "p": self.p, "bytes": self.bytes,
                "backward": self.backward}


def get_cases(quick, pattern=""):
    sizes = (64 << 10, MIB) if quick else (64 << 10, MIB, 64 * MIB)
    cases = [Case(kind, type, size, backward) for backward in (False, True) for kind in ("element", "alpha", "channel")
             for type in ("f32", "bf16") for size in sizes]
    return [case for case in cases if re.search(pattern, case.name)]


def alpha_constants(p):
    """Scale, shift and dropped value."""
    alpha, q = -1.7580993408473768, 1 - p
    scale = (q + alpha * alpha * q * p) ** -0.5
    return scale, -scale * p * alpha, scale * alpha - scale * p * alpha


# ===----------------------------------------------------------------------===//
# What can be timed on a case
# ===----------------------------------------------------------------------===//


class Kernel:
    """run(calls) does the work; result() gives (y, dx or None) of one call as NumPy arrays of f32."""

    def __init__(self, name, run, result):
        self.name, self.run, self.result = name, run, result


def repeat(call):
    def run(calls):
        for _ in range(calls):
            call()

    return run


class Memory:
    """x, y, dy and dx of a case, as NumPy arrays in huge pages; `bits` are the same as integers."""

    def __init__(self, case):
        import numpy as np
        kind = np.uint32 if case.type == "f32" else np.uint16
        self.bits = []
        for arrays in [peers.Arrays(case) for _ in range(2 if case.backward else 1)]:
            for memory, address in zip(arrays.maps, arrays.addresses):
                first = address - ctypes.addressof(ctypes.c_char.from_buffer(memory))
                self.bits.append(np.frombuffer(memory, kind, case.elements, first).reshape(case.shape))
        self.type = np.dtype(np.float32)
        if case.type == "bf16":
            import ml_dtypes
            self.type = np.dtype(ml_dtypes.bfloat16)
        self.x, self.y, *rest = (bits.view(self.type) for bits in self.bits)
        self.dy, self.dx = rest if case.backward else (None, None)


def make_copy(case, memory):
    import numpy as np
    copy = np.copyto
    x, y, *rest = memory.bits

    def run(calls):
        for _ in range(calls):
            copy(y, x)

    def run_both(calls):
        dy, dx = rest
        for _ in range(calls):
            copy(y, x)
            copy(dx, dy)

    return Kernel("copy", run_both if case.backward else run, None)


def make_ours(case, memory, threads=1):
    import mlir_dropout as md
    import numpy as np
    function, backward, kind, p = getattr(md, case.kind), md.backward, case.kind, case.p
    x, y, dy, dx = memory.x, memory.y, memory.dy, memory.dx
    offsets = itertools.count()

    def run(calls):
        md.set_num_threads(threads)
        for _ in range(calls):
            function(x, p, seed=42, offset=next(offsets), out=y)

    def run_both(calls):
        md.set_num_threads(threads)
        for _ in range(calls):
            offset = next(offsets)
            function(x, p, seed=42, offset=offset, out=y)
            backward(dy, p, kind=kind, seed=42, offset=offset, out=dx)

    run = run_both if case.backward else run

    def result():
        run(1)
        return y.astype(np.float32), dx.astype(np.float32) if case.backward else None

    return Kernel("ours, NumPy" if threads == 1 else "ours, %d threads" % threads, run, result)


def make_numpy(case, memory):
    """What people write by hand."""
    import numpy as np
    rng, x, dy, p = np.random.default_rng(42), memory.x, memory.dy, np.float32(case.p)
    one = np.float32(1)
    shape = x.shape[:2] + (1,) if case.kind == "channel" else x.shape
    scale, shift, dropped = map(np.float32, alpha_constants(case.p))
    to = (lambda a: a) if case.type == "f32" else lambda a: a.astype(x.dtype)

    def forward():
        keep = rng.random(shape, dtype=np.float32) >= p
        if case.kind == "alpha":
            return to(np.where(keep, scale * x + shift, dropped)), keep
        return to(x * keep / (one - p)), keep

    def both():
        y, keep = forward()
        if case.kind == "alpha":
            return y, to(scale * dy * keep)
        return y, to(dy * keep / (one - p))

    def result():
        y, dx = both() if case.backward else (forward()[0], None)
        return y.astype(np.float32), None if dx is None else dx.astype(np.float32)

    return Kernel("NumPy", repeat(both if case.backward else forward), result)


def make_torch(name, case, memory, layer):
    import torch
    signed = [bits.view("int32" if case.type == "f32" else "int16") for bits in memory.bits]
    x, _, *rest = (torch.from_numpy(bits).view(torch.float32 if case.type == "f32" else torch.bfloat16)
                   for bits in signed)
    gradient = torch.autograd.grad
    if case.backward:
        x.requires_grad_()

        def call():
            y = layer(x)
            return y, gradient(y, x, rest[0])[0]
    else:
        def call():
            return layer(x), None

    def result():
        y, dx = call()
        return y.detach().float().numpy(), None if dx is None else dx.float().numpy()

    return Kernel(name, repeat(call if case.backward else lambda: layer(x)), result)


def make_jax(case):
    import jax
    import jax.numpy as jnp
    import numpy as np
    p = case.p
    scale, shift, dropped = alpha_constants(p)
    x = jnp.ones(case.shape, dtype=jnp.float32 if case.type == "f32" else jnp.bfloat16)
    key = jax.random.key(42)

    def forward(x, key, step):
        shape = x.shape[:2] + (1,) if case.kind == "channel" else x.shape
        keep = jax.random.bernoulli(jax.random.fold_in(key, step), 1 - p, shape)
        if case.kind == "alpha":
            return jnp.where(keep, scale * x + shift, dropped).astype(x.dtype)
        return jnp.where(keep, x / (1 - p), 0).astype(x.dtype)

    def both(x, dy, key, step):
        y, pull = jax.vjp(lambda x: forward(x, key, step), x)
        return y, pull(dy)[0]

    function, arguments = (jax.jit(both), (x, x)) if case.backward else (jax.jit(forward), (x,))
    steps = itertools.count()

    def call():
        return jax.block_until_ready(function(*arguments, key, next(steps)))

    def result():
        found = call()
        y, dx = found if case.backward else (found, None)
        return np.asarray(y, np.float32), None if dx is None else np.asarray(dx, np.float32)

    return Kernel("JAX jit", repeat(call), result)


def check_kept(kernel, case):
    """Whether a kernel does what it shall: the share that is kept, within 6 sigma; values; the gradient's mask."""
    import numpy as np
    y, dx = kernel.result()
    kept = y > 0
    if case.kind == "channel":
        if not (kept == kept[..., :1]).all():
            raise RuntimeError("expected whole channels to be dropped")
        kept = kept[..., 0]
    share, bound = kept.mean(), 6 * (case.p * (1 - case.p) / case.draws) ** 0.5
    if abs(share - (1 - case.p)) > bound:
        raise RuntimeError("expected a share of %.4f +- %.4f to be kept, but got %.4f" % (1 - case.p, bound, share))
    scale, shift, dropped = alpha_constants(case.p) if case.kind == "alpha" else (1 / (1 - case.p), 0, 0)
    for what, got, on, off in (("y", y, scale + shift, dropped), ("dx", dx, scale, 0)):
        if got is None:
            continue
        if ((got > 0) != (y > 0)).any():
            raise RuntimeError("expected %s to keep what y keeps" % what)
        wrong = np.abs(got - np.where(got > 0, on, off)).max()
        if wrong > (1e-5 if case.type == "f32" else 2e-2):
            raise RuntimeError("expected values of %s to be %.4f and %.4f, but one is %.4f off"
                               % (what, on, off, wrong))


# ===----------------------------------------------------------------------===//
# Processes that measure
# ===----------------------------------------------------------------------===//


def pin():
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def first_line(error):
    lines = [line for line in str(error).splitlines() if line.strip()] or [""]
    return ("%s: %s" % (type(error).__name__, lines[0].strip()))[:200]


def measure_cases(cases, makers, seconds, label, clock=time.process_time):
    """makers: name -> make(case, memory). What a maker throws costs its figures, not those of others. One thread is
    measured in time of the CPU, which other programs of the machine do not add to."""
    found, errors = [], {}
    for case in cases:
        print("%s: %s" % (label, case.name), file=sys.stderr, flush=True)
        try:
            memory = Memory(case)
        except ImportError as error:
            errors.setdefault("bf16 in NumPy arrays", first_line(error))
            continue
        kernels = [make_copy(case, memory)]
        for name, make in makers.items():
            if name in errors:
                continue
            try:
                kernel = make(case, memory)
                check_kept(kernel, case)
                kernels.append(kernel)
            except Exception as error:  # whatever a rival throws, others go on
                errors[name] = "%s: %s" % (case.name, first_line(error))
                print("%s: %s" % (name, errors[name]), file=sys.stderr, flush=True)
        rounds = peers.measure([kernel.run for kernel in kernels], seconds, clock)
        result = dict(case.describe(), process=label, rounds=len(rounds),
                      copy_us=peers.quartiles([r[0] * 1e6 for r in rounds]), kernels={})
        for index, kernel in enumerate(kernels[1:], 1):
            result["kernels"][kernel.name] = {"us": peers.quartiles([r[index] * 1e6 for r in rounds]),
                                              "to_copy": peers.quartiles([r[index] / r[0] for r in rounds])}
        found.append(result)
        makers_reset()
    return {"cases": found, "errors": errors}


def makers_reset():
    """torch.compile counts what one piece of code was compiled for, and gives up."""
    dynamo = sys.modules.get("torch._dynamo")
    if dynamo is not None:
        dynamo.reset()


def work_torch(options):
    """PyTorch, torch.compile and NumPy beside ours, one thread."""
    import mlir_dropout as md
    pin()
    makers = {"ours, NumPy": make_ours, "NumPy": make_numpy}
    md.set_num_threads(1)
    missing = {}
    try:
        import torch
    except ImportError as error:
        missing = {name: first_line(error) for name in ("ours, torch", "torch eager", "torch.compile")}
    else:
        import mlir_dropout.torch as mdt
        torch.set_num_threads(1)
        layers = {"element": "Dropout", "alpha": "AlphaDropout", "channel": "Dropout1d"}
        makers["ours, torch"] = lambda case, memory: make_torch(
            "ours, torch", case, memory, getattr(mdt, layers[case.kind])(case.p))
        makers["torch eager"] = lambda case, memory: make_torch(
            "torch eager", case, memory, getattr(torch.nn, layers[case.kind])(case.p))
        makers["torch.compile"] = lambda case, memory: make_torch(
            "torch.compile", case, memory, torch.compile(getattr(torch.nn, layers[case.kind])(case.p), dynamic=False))
    result = measure_cases(get_cases(options.quick, options.filter), makers, 0.3 if options.quick else 1.0, "torch")
    result["errors"].update(missing)
    return dict(result, versions=get_versions())


def work_jax(options):
    """JAX beside ours, one thread."""
    import jax
    import mlir_dropout as md
    pin()
    md.set_num_threads(1)
    makers = {"ours, NumPy": make_ours, "JAX jit": lambda case, memory: make_jax(case)}
    result = measure_cases(get_cases(options.quick, options.filter), makers, 0.3 if options.quick else 1.0, "jax")
    return dict(result, versions={"JAX": "%s (%s)" % (jax.__version__, jax.config.jax_default_prng_impl)})


def work_threads(options):
    """Ours with two threads beside a copy with one."""
    if len(os.sched_getaffinity(0)) < 2:
        return {"cases": [], "errors": {"ours, 2 threads": "this process may use one CPU only"}}
    cases = [case for case in get_cases(options.quick, options.filter) if case.bytes >= MIB]
    makers = {"ours, NumPy": make_ours, "ours, 2 threads": lambda case, memory: make_ours(case, memory, threads=2)}
    return measure_cases(cases, makers, 0.3 if options.quick else 1.0, "threads", time.perf_counter)


OVERHEAD_ELEMENTS = 64


def overhead_calls():
    """(group, name, statement, goal in microseconds or None); names are those of `overhead_scope`."""
    yield "NumPy", "np.copyto(y, x)", "copyto(y, x)", None
    yield "NumPy", "np.copyto(np.empty_like(x), x)", "copyto(empty_like(x), x)", None
    yield "NumPy", "element(x, p)", "element(x, 0.1)", 3
    yield "NumPy", "element(x, p, out=y)", "element(x, 0.1, out=y)", 3
    yield "NumPy", "element(x, p, inplace=True)", "element(z, 0.0, inplace=True)", 3
    yield "NumPy", "element(x, p, seed=s, offset=o)", "element(x, 0.1, seed=1, offset=2)", 3
    yield "NumPy", "element(x, p, generator=g)", "element(x, 0.1, generator=g)", 3
    yield "NumPy", "element(x, p, training=False)", "element(x, 0.1, training=False)", 3
    yield "NumPy", "alpha(x, p)", "alpha(x, 0.1)", 3
    yield "NumPy", "channel(x, p), x of 4 x 4 x 4", "channel(x3, 0.1)", 3
    yield "NumPy", "backward(dy, p, seed=s, offset=o)", "backward(x, 0.1, seed=1, offset=2)", 3
    yield "NumPy", "mask(64, p)", "mask(64, 0.1)", 3
    yield "torch", "x.clone()", "t.clone()", None
    for title, layer, x in (("Dropout", "drop", "t"), ("AlphaDropout", "alphas", "t"), ("Dropout1d", "channels", "t3")):
        yield "torch", "mlir_dropout.torch.%s, forward" % title, "our_%s(%s)" % (layer, x), 8
        yield "torch", "torch.nn.%s, forward" % title, "their_%s(%s)" % (layer, x), None
    yield "torch", "mlir_dropout.torch.Dropout, forward of a tensor with gradient", "our_drop(tg)", 8
    yield "torch", "torch.nn.Dropout, forward of a tensor with gradient", "their_drop(tg)", None
    yield "torch", "mlir_dropout.torch.Dropout, forward and backward", "grad(our_drop(tg), tg, t)", None
    yield "torch", "torch.nn.Dropout, forward and backward", "grad(their_drop(tg), tg, t)", None
    yield "torch", "mlir_dropout.torch.Dropout with a generator, forward", "our_drop_g(t)", 8
    yield "torch", "mlir_dropout.torch.Dropout, eval()", "our_eval(t)", None
    yield "torch", "torch.nn.Dropout, eval()", "their_eval(t)", None


def overhead_scope():
    import mlir_dropout as md
    import numpy as np
    n = OVERHEAD_ELEMENTS
    scope = {name: getattr(md, name) for name in ("element", "alpha", "channel", "backward", "mask")}
    scope.update(copyto=np.copyto, empty_like=np.empty_like, g=md.Generator(1), x=np.ones(n, np.float32),
                 y=np.ones(n, np.float32), z=np.ones(n, np.float32), x3=np.ones((4, 4, 4), np.float32))
    versions = {"NumPy": np.__version__}
    try:
        import torch
    except ImportError:
        return scope, versions
    import mlir_dropout.torch as mdt
    torch.set_num_threads(1)
    versions["torch"] = torch.__version__
    for name, layer in (("drop", "Dropout"), ("alphas", "AlphaDropout"), ("channels", "Dropout1d")):
        scope["our_" + name] = getattr(mdt, layer)(P)
        scope["their_" + name] = getattr(torch.nn, layer)(P)
    scope.update(our_drop_g=mdt.Dropout(P, generator=md.Generator(1)), our_eval=mdt.Dropout(P).eval(),
                 their_eval=torch.nn.Dropout(P).eval(), t=torch.ones(n), t3=torch.ones(4, 4, 4),
                 tg=torch.ones(n, requires_grad=True), grad=torch.autograd.grad)
    return scope, versions


def work_overhead(options):
    """What a call costs."""
    pin()
    scope, versions = overhead_scope()
    calls = [(group, name, timeit.Timer(statement, timer=time.process_time, globals=scope), goal)
             for group, name, statement, goal in overhead_calls() if group == "NumPy" or "torch" in versions]
    times = [[] for _ in calls]
    for _, _, timer, _ in calls:
        timer.timeit(200)
    for _ in range(20 if options.quick else 60):
        for values, (_, _, timer, _) in zip(times, calls):
            values.append(timer.timeit(500) / 500 * 1e6)
    return {"overhead": {"versions": versions, "python": platform.python_version(), "rows": [
        {"group": group, "name": name, "goal": goal, "us": peers.quartiles(values)}
        for values, (group, name, _, goal) in zip(times, calls)]}}


def get_versions():
    import mlir_dropout as md
    import numpy as np
    from mlir_dropout import __main__ as package
    versions = {"mlir_dropout": md.__version__, "LLVM": package.llvm_version().partition(",")[0],
                "Python": platform.python_version(), "NumPy": np.__version__}
    with contextlib.suppress(ImportError):
        import ml_dtypes
        versions["ml_dtypes"] = ml_dtypes.__version__
    with contextlib.suppress(ImportError):
        import torch
        versions["PyTorch"] = "%s (%s)" % (torch.__version__, "MKL" if torch.backends.mkl.is_available() else "no MKL")
    return versions


WORKERS = {"torch": work_torch, "jax": work_jax, "threads": work_threads, "overhead": work_overhead}

# ===----------------------------------------------------------------------===//
# The machine, and one process after another
# ===----------------------------------------------------------------------===//


def read(path):
    try:
        with open(path) as f:
            return f.read().strip()
    except OSError:
        return ""


def describe_machine():
    found = re.search(r"^model name\s*: (.*)$", read("/proc/cpuinfo"), re.MULTILINE)
    caches = {}
    for index in range(8):
        folder = "/sys/devices/system/cpu/cpu0/cache/index%d/" % index
        if read(folder + "size"):
            caches["L%s %s" % (read(folder + "level"), read(folder + "type"))] = read(folder + "size")
    pages = re.search(r"\[(\w+)\]", read("/sys/kernel/mm/transparent_hugepage/enabled"))
    return {"cpu": found.group(1) if found else platform.machine(), "cpus": os.cpu_count(), "caches": caches,
            "kernel": "%s %s" % (platform.system(), platform.release()), "libc": " ".join(platform.libc_ver()),
            "huge_pages": pages.group(1) if pages else "unknown", "load": os.getloadavg()[0]}


def run_worker(python, name, build, folder, clang, options):
    environment = peers.worker_environment(folder, clang)
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [os.path.join(build, "python"),
                                                              os.environ.get("PYTHONPATH")]))
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    # Results that libraries allocate lie in huge pages, too, as x and y do.
    environment["GLIBC_TUNABLES"] = "glibc.malloc.hugetlb=1"
    command = [python, os.path.realpath(__file__), "--worker", name, "--filter=" + options.filter]
    command += ["--quick"] if options.quick else []
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment)
    if done.returncode:
        raise peers.Unavailable("the measurement ended with status %d, see above" % done.returncode)
    return json.loads(done.stdout.splitlines()[-1])


def measure(build, options):
    """(the figures, exit status)."""
    start, machine = time.time(), describe_machine()
    folder, _, python = peers.make_environment(build)
    clang = os.path.join(options.llvm, "bin", "clang")
    result = {"date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "mode": "quick" if options.quick else "full",
              "machine": machine, "versions": {}, "overhead": [], "cases": [], "errors": {}}
    failed = set()

    def fail(name, error, what):
        failed.add(name)
        result["errors"].setdefault(what, str(error))
        print("python.py: %s: %s" % (what, error), file=sys.stderr)

    for name in ("numpy", "torch", "jax"):
        try:
            peers.install(python, name, folder)
        except peers.Unavailable as error:
            fail(name, "cannot be had: %s" % error, WHAT[name])
    if "numpy" in failed:
        python = sys.executable
    jobs = [(python, "overhead")] + ([(sys.executable, "overhead")] if python != sys.executable else [])
    jobs += [(python, "torch"), (python, "threads")] + ([(python, "jax")] if "jax" not in failed else [])
    for executable, name in jobs:
        try:
            found = run_worker(executable, name, build, folder, clang, options)
        except peers.Unavailable as error:
            fail("jax" if name == "jax" else "torch", error, WORKERS[name].__doc__.rstrip("."))
            continue
        if "overhead" in found:
            result["overhead"].append(found["overhead"])
        result["cases"] += found.get("cases", [])
        result["versions"].update(found.get("versions", {}))
        result["errors"].update(found.get("errors", {}))
        if found.get("errors"):
            failed.add("jax" if name == "jax" else "torch")
    result["seconds"] = round(time.time() - start)
    return result, sum(STATUS[name] for name in failed)


# ===----------------------------------------------------------------------===//
# Tables
# ===----------------------------------------------------------------------===//

COLUMNS = ["ours, NumPy", "ours, torch", "torch eager", "torch.compile", "JAX jit", "NumPy"]


def overhead_rows(result):
    """[call, microseconds in each environment, goal, verdict]."""
    tables = [{row["name"]: row for row in overhead["rows"]} for overhead in result["overhead"]]
    names = []
    for table in tables:
        names += [name for name in table if name not in names]
    for name in names:
        rows = [table.get(name) for table in tables]
        goal = next(row["goal"] for row in rows if row)
        worst = max(row["us"][1] for row in rows if row)
        yield [name] + ["%.2f" % row["us"][1] if row else "-" for row in rows] + (
            ["%d" % goal, "reached" if worst <= goal else "missed"] if goal else ["", ""])


def size_name(size):
    return "%d MiB" % (size // MIB) if size >= MIB else "%d KiB" % (size >> 10)


def merged(result, backward):
    """One entry for each case: [kind, type, size, microseconds of a copy, {kernel: ratio}]."""
    found = {}
    for case in result["cases"]:
        if case["backward"] != backward:
            continue
        entry = found.setdefault((case["kind"], case["type"], case["bytes"]), [case["copy_us"][1], {}])
        for name, kernel in case["kernels"].items():
            entry[1].setdefault(name, kernel["to_copy"][1])
    return [list(key) + value for key, value in found.items()]


def ratio(value):
    return "-" if value is None else "%.2f" % value if value < 10 else "%.1f" % value if value < 100 else "%.0f" % value


def case_rows(result, backward):
    for kind, type, size, copy, ratios in merged(result, backward):
        yield (["%s %s %s" % (kind, type, size_name(size)), "%.1f" % copy]
               + [ratio(ratios.get(name)) for name in COLUMNS])


def thread_rows(result):
    for backward in (False, True):
        for case in result["cases"]:
            two = case["kernels"].get("ours, 2 threads")
            if two and case["backward"] == backward:
                one = case["kernels"]["ours, NumPy"]
                yield ["%s %s %s%s" % (case["kind"], case["type"], size_name(case["bytes"]),
                                       ", forward + backward" if backward else ""),
                       ratio(one["to_copy"][1]), ratio(two["to_copy"][1]), "%.2f" % (one["us"][1] / two["us"][1])]


def rival_rows(result):
    """Times slower than ours, least and most over types and sizes: [rival, kind, forward, both]."""
    for rival in COLUMNS[2:]:
        ours = "ours, torch" if rival.startswith("torch") else "ours, NumPy"
        for kind in ("element", "alpha", "channel"):
            cells = []
            for backward in (False, True):
                values = [ratios[rival] / ratios[ours] for k, _, _, _, ratios in merged(result, backward)
                          if k == kind and rival in ratios and ours in ratios]
                cells.append("%s to %s" % (ratio(min(values)), ratio(max(values))) if values else "-")
            if cells != ["-", "-"]:
                yield [rival, kind] + cells


def describe(result):
    machine = result["machine"]
    caches = ", ".join("%s %s" % item for item in sorted(machine["caches"].items()))
    yield "%s, %d CPUs, %s; %s, %s; transparent huge pages: %s" % (
        machine["cpu"], machine["cpus"], caches, machine["kernel"], machine["libc"], machine["huge_pages"])
    yield "%s; a %s run of %d s; load before it %.2f" % (
        result["date"], result["mode"], result["seconds"], machine["load"])
    yield "; ".join("%s %s" % item for item in result["versions"].items())
    if machine["load"] > 0.5:
        yield ("Others used this machine: times of memory are longer, and ratios less sure, than on a quiet one; the "
               "table of two threads says nothing.")


def show(result, markdown, out):
    for line in describe(result):
        out.write(line + ("  \n" if markdown else "\n"))

    def table(title, header, rows):
        report.print_table(title, header, list(rows), markdown, out)

    table("What a call costs, %d elements, microseconds" % OVERHEAD_ELEMENTS, ["call"] + [
        "Python %s, %s" % (overhead["python"], ", ".join("%s %s" % item for item in overhead["versions"].items()))
        for overhead in result["overhead"]] + ["goal", ""], overhead_rows(result))
    table("Forward, as multiples of a copy", ["case", "copy, us"] + COLUMNS, case_rows(result, False))
    table("Forward and backward, as multiples of two copies", ["case", "copies, us"] + COLUMNS,
          case_rows(result, True))
    table("Two threads, as multiples of a copy by one", ["case", "one thread", "two threads", "times faster"],
          thread_rows(result))
    table("Times slower than ours, from the best to the worst case", ["", "kind", "forward", "forward + backward"],
          rival_rows(result))
    table("Not measured", ["what", "why"], sorted(result["errors"].items()))


BEGIN, END = "<!-- Figures of tools/dev bench --python. -->\n", "<!-- End of the figures. -->\n"


def put_into(page, result):
    """Replaces what is between the markers of a page."""
    import io
    with open(page) as f:
        text = f.read()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit("python.py: expected %s to have the lines\n  %s  %sbut it has not" % (page, BEGIN, END))
    tables = io.StringIO()
    show(result, True, tables)
    with open(page + ".new", "w") as f:
        f.write(before + begin + "\n" + tables.getvalue() + "\n" + end + after)
    os.replace(page + ".new", page)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build")
    parser.add_argument("--llvm", default="/usr/lib/llvm-22")
    parser.add_argument("--json", help="where the figures go [BUILD/bench/python.json]")
    parser.add_argument("--quick", action="store_true", help="arrays of 64 KiB and 1 MiB, short")
    parser.add_argument("--filter", metavar="REGEX", default="", help="only arrays whose name matches: 'bf16.*1MiB'")
    parser.add_argument("--markdown", action="store_true", help="print tables for a page")
    parser.add_argument("--into", metavar="PAGE", help="put the tables between the markers of a page")
    parser.add_argument("--show", action="store_true", help="measure nothing, show the JSON")
    parser.add_argument("--worker", choices=sorted(WORKERS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    try:
        if not get_cases(options.quick, options.filter):
            parser.error("no case matches %r" % options.filter)
    except re.error as error:
        parser.error("--filter: %s" % error)
    if options.worker:
        print(json.dumps(WORKERS[options.worker](options)))
        return 0
    build = os.path.realpath(options.build)
    path, status = options.json or os.path.join(build, "bench", "python.json"), 0
    if options.show:
        with open(path) as f:
            result = json.load(f)
    else:
        result, status = measure(build, options)
        os.makedirs(os.path.dirname(os.path.realpath(path)), exist_ok=True)
        with open(path + ".new", "w") as f:
            json.dump(result, f, indent=2)
            f.write("\n")
        os.replace(path + ".new", path)
    show(result, options.markdown, sys.stdout)
    if options.into:
        put_into(options.into, result)
    return status


if __name__ == "__main__":
    sys.exit(main())
