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
import json
import os
import platform
import re
import subprocess
import sys
import time
import timeit

import peers
from python_cases import (MIB, Memory, check_kept, get_cases, make_copy, make_jax, make_numpy, make_ours, make_torch,
                          overhead_calls, overhead_scope)
from python_tables import put_into, show

# What is installed beside peers' PyTorch and JAX.
peers.WHEELS["numpy"] = [["numpy", "ml_dtypes"]]
STATUS = {"torch": peers.STATUS["torch"], "jax": peers.STATUS["jax"], "numpy": 16}
WHAT = {"numpy": "NumPy and ml_dtypes", "torch": "PyTorch", "jax": "JAX"}

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
