#!/usr/bin/env python3
# ===- peers.py - The rivals of today, beside our own code -----------------===//
#
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Times oneMKL, PyTorch and JAX against memcpy and our compiled kernels, in one
process per rival, interleaved, on one CPU, and adds the figures to the JSON of
dropout-bench.

    peers.py --build BUILD --json FILE [--quick]

Wheels are installed below BUILD/peers. Exit status: 0, or the sum of 2 (no
oneMKL), 4 (no PyTorch) and 8 (no JAX) for the rivals that could not be had, or
not in full.
"""

import argparse
import ctypes
import json
import os
import re
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.realpath(__file__))
MIB = 1 << 20

# ===----------------------------------------------------------------------===//
# What is measured
# ===----------------------------------------------------------------------===//


class Case:
    def __init__(self, kind, type, p, size):
        self.kind, self.type, self.p, self.bytes = kind, type, p, size
        self.elements = size // (4 if type == "f32" else 2)

    @property
    def symbol(self):
        """The function of our library."""
        return "%s_%s_%d" % (self.kind, self.type, round(self.p * 10))

    @property
    def name(self):
        """As dropout-bench calls it."""
        size = "%dMiB" % (self.bytes // MIB) if self.bytes >= MIB else "%dKiB" % (self.bytes >> 10)
        return "%s %s p=%.1f %s" % (self.kind, self.type, self.p, size)


def get_cases(quick):
    sizes = (MIB, 64 * MIB) if quick else (64 << 10, MIB, 64 * MIB, 256 * MIB)
    cases = [Case("element", "f32", 0.1, size) for size in sizes]
    if not quick:
        cases += [Case("element", "f32", 0.5, 64 * MIB), Case("element", "bf16", 0.1, 64 * MIB),
                  Case("alpha", "f32", 0.1, 64 * MIB)]
    return cases


# ===----------------------------------------------------------------------===//
# Our side, as a shared library
# ===----------------------------------------------------------------------===//

# One call of Python costs a microsecond: loops are in C.
OURS_C = """
#include <stdint.h>
#include <string.h>
struct array { void *allocated, *aligned; int64_t offset, size, stride; };
#define OURS(NAME) \\
  int32_t dropout_##NAME(struct array *, struct array *, int64_t, int64_t); \\
  int run_##NAME(void *x, void *y, int64_t count, int64_t offset, int64_t calls) { \\
    struct array from = {x, x, 0, count, 1}, to = {y, y, 0, count, 1}; \\
    int32_t status = 0; \\
    for (int64_t call = 0; call < calls; ++call) \\
      status |= dropout_##NAME(&from, &to, 42, offset + call); \\
    return status; \\
  }
void run_memcpy(void *x, void *y, int64_t bytes, int64_t calls) {
  static void *(*volatile copy)(void *, const void *, size_t) = memcpy;
  for (int64_t call = 0; call < calls; ++call)
    copy(y, x, bytes);
}
"""


def build_ours(build, folder, clang, lowering):
    symbols = {case.symbol: case for quick in (True, False) for case in get_cases(quick)}
    program = os.path.join(folder, "ours.mlir")
    with open(program, "w") as f:
        for symbol, case in sorted(symbols.items()):
            memref = "memref<?x%s>" % case.type
            f.write("func.func @%s(%%x: %s, %%y: %s, %%s: i64, %%o: i64) {\n"
                    "  dropout.%s %%x into %%y p = %.1f rng(%%s, %%o) : %s, %s\n  return\n}\n"
                    % (symbol, memref, memref, case.kind, case.p, memref, memref))
    source = os.path.join(folder, "ours.c")
    with open(source, "w") as f:
        f.write(OURS_C + "".join("OURS(%s)\n" % symbol for symbol in sorted(symbols)))
    code, library = os.path.join(folder, "ours.o"), os.path.join(folder, "libours.so")
    subprocess.run([os.path.join(build, "bin", "dropout-run"), program, "--emit=obj", "-o", code]
                   + (["--lowering=" + lowering] if lowering else []), check=True)
    subprocess.run([clang, "-O2", "-shared", "-fPIC", source, code,
                    os.path.join(build, "lib", "libdropout_runtime_static.a"), "-lstdc++", "-lm", "-lpthread",
                    "-o", library], check=True)
    return library


# ===----------------------------------------------------------------------===//
# A rival's process
# ===----------------------------------------------------------------------===//


class Arrays:
    """x and y of a case, aligned to 2 MiB with huge pages advised."""

    def __init__(self, case):
        import mmap
        page = 2 << 20
        self.maps, self.addresses = [], []
        for _ in range(2):
            memory = mmap.mmap(-1, case.bytes + page)
            memory.madvise(mmap.MADV_HUGEPAGE)
            start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
            self.maps.append(memory)
            self.addresses.append((start + page - 1) // page * page)
            ctypes.memset(self.addresses[-1], 0, case.bytes)
        # 1.0 everywhere.
        one = b"\x00\x00\x80\x3f" if case.type == "f32" else b"\x80\x3f"
        ctypes.memmove(self.addresses[0], one * case.elements, case.bytes)


def quartiles(values):
    values = sorted(values)

    def at(share):
        position = share * (len(values) - 1)
        low = int(position)
        high = min(low + 1, len(values) - 1)
        return values[low] + (values[high] - values[low]) * (position - low)

    return [at(0.25), at(0.5), at(0.75)]


def measure(kernels, seconds, clock=time.perf_counter):
    """Seconds of one call, per round, of each kernel(calls)."""
    def sample(kernel, calls):
        start = clock()
        kernel(calls)
        return (clock() - start) / calls

    calls, cached = [], []
    for kernel in kernels:
        sample(kernel, 1)
        once = min(sample(kernel, 1), sample(kernel, 1))
        calls.append(max(1, int(150e-6 / once)))
        cached.append(once < 1e-3)
    rounds, start = [], time.perf_counter()
    while len(rounds) < 5 or (len(rounds) < 101 and time.perf_counter() - start < seconds):
        rounds.append([])
        for kernel, count, warm in zip(kernels, calls, cached):
            if warm:
                kernel(1)  # warms the caches, which the one before may have emptied
            rounds[-1].append(sample(kernel, count))
    return rounds


def run_worker(name, library, quick):
    """Measures one rival in this process; prints its part of the JSON."""
    cpu = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cpu})
    ours = ctypes.CDLL(library)
    rivals = []
    for maker in WORKERS[name](library):
        rival = {"name": maker.name, "version": maker.version, "cases": []}
        rivals.append(rival)
        try:
            measure_rival(maker, rival["cases"], ours, quick)
        except Exception as error:  # whatever a rival throws, others go on
            lines = [line for line in str(error).splitlines() if "error" in line.lower()] or [repr(error)]
            rival["error"] = lines[-1].strip()[:200]
    print(json.dumps(rivals))


def measure_rival(maker, results, ours, quick):
    for case in get_cases(quick):
        if not maker.can(case):
            continue
        print("%s: %s" % (maker.name, case.name), file=sys.stderr, flush=True)
        arrays = Arrays(case)
        x, y = (ctypes.c_void_p(address) for address in arrays.addresses)
        count, size = ctypes.c_int64(case.elements), ctypes.c_int64(case.bytes)
        function = getattr(ours, "run_" + case.symbol)
        offset = [0]

        def run_ours(calls):
            if function(x, y, count, ctypes.c_int64(offset[0]), ctypes.c_int64(calls)):
                raise RuntimeError("our kernel failed")
            offset[0] += calls

        def run_copy(calls):
            ours.run_memcpy(x, y, size, ctypes.c_int64(calls))

        kernel = maker.make(case, arrays)
        rounds = measure([run_copy, run_ours, kernel], 0.7 if quick else 2)
        nanoseconds = 1e9 / case.elements
        results.append({
            "name": case.name, "kind": case.kind, "type": case.type, "p": case.p, "bytes": case.bytes,
            "rounds": len(rounds),
            "ns_per_element": quartiles([r[2] * nanoseconds for r in rounds]),
            "memcpy_ns_per_element": quartiles([r[0] * nanoseconds for r in rounds]),
            "ours_to_memcpy": quartiles([r[1] / r[0] for r in rounds]),
            "to_memcpy": quartiles([r[2] / r[0] for r in rounds]),
            "times_slower_than_ours": quartiles([r[2] / r[1] for r in rounds]),
        })


class Rival:
    def __init__(self, name, version, can, make):
        self.name, self.version, self.can, self.make = name, version, can, make


def work_mkl(library):
    peer = ctypes.CDLL(os.path.join(os.path.dirname(library), "libpeermkl.so"))
    major, update = ctypes.c_int(), ctypes.c_int()
    peer.peerMKLVersion(ctypes.byref(major), ctypes.byref(update))
    version = "%d.%d" % (major.value, update.value)

    def make(non_temporal):
        def of(case, arrays):
            x, y = (ctypes.c_void_p(address) for address in arrays.addresses)

            def run(calls):
                if peer.peerMKL(x, y, ctypes.c_int64(case.elements), ctypes.c_double(case.p), ctypes.c_int64(calls),
                                ctypes.c_int(non_temporal)):
                    raise RuntimeError("oneMKL reported an error")

            run(1)
            y_values = (ctypes.c_float * case.elements).from_address(arrays.addresses[1])
            sample = [y_values[i] for i in range(0, case.elements, max(1, case.elements // 20000))]
            kept = sum(value != 0 for value in sample) / len(sample)
            if abs(kept - (1 - case.p)) > 0.02:
                raise RuntimeError("expected oneMKL to keep %.2f, but it kept %.4f" % (1 - case.p, kept))
            return run

        return of

    def can(case):
        return case.kind == "element" and case.type == "f32"

    yield Rival("oneMKL", version, can, make(0))
    yield Rival("oneMKL, non-temporal", version, lambda case: can(case) and case.bytes >= 8 * MIB, make(1))


def work_torch(library):
    import torch
    torch.set_num_threads(1)
    dropouts = {"element": torch.nn.functional.dropout, "alpha": torch.nn.functional.alpha_dropout}
    version = "%s (%s)" % (torch.__version__, "MKL" if torch.backends.mkl.is_available() else "no MKL")

    def tensor(case):
        return torch.ones(case.elements, dtype=torch.float32 if case.type == "f32" else torch.bfloat16)

    def make(transform):
        def of(case, arrays):
            x, dropout = tensor(case), dropouts[case.kind]
            layer = transform(lambda t: dropout(t, p=case.p, training=True))

            def run(calls):
                with torch.no_grad():
                    for _ in range(calls):
                        layer(x)

            return run

        return of

    yield Rival("PyTorch eager", version, lambda case: True, make(lambda f: f))
    yield Rival("torch.compile", version, lambda case: True, make(lambda f: torch.compile(f, dynamic=False)))


def work_jax(library):
    import jax
    import jax.numpy as jnp
    version = "%s (%s)" % (jax.__version__, jax.config.jax_default_prng_impl)

    def make(case, arrays):
        x = jnp.ones(case.elements, dtype=jnp.float32 if case.type == "f32" else jnp.bfloat16)
        key = jax.random.key(42)

        @jax.jit
        def layer(x, key, step):
            keep = jax.random.bernoulli(jax.random.fold_in(key, step), 1 - case.p, x.shape)
            return jnp.where(keep, x / (1 - case.p), 0).astype(x.dtype)

        step = [0]

        def run(calls):
            for _ in range(calls):
                step[0] += 1
                layer(x, key, step[0]).block_until_ready()

        return run

    yield Rival("JAX jit", version, lambda case: case.kind == "element", make)


WORKERS = {"mkl": work_mkl, "torch": work_torch, "jax": work_jax}

# ===----------------------------------------------------------------------===//
# Wheels, and one process after another
# ===----------------------------------------------------------------------===//

# What to install: the first list of arguments that works.
WHEELS = {
    "mkl": [["mkl", "mkl-include"]],
    # The small wheels without CUDA have an index of their own. PyPI's one wants CUDA's
    # libraries, some GB, of which it loads only these on a CPU.
    "torch": [["torch", "--index-url", "https://download.pytorch.org/whl/cpu"],
              ["--no-deps", "torch", "filelock", "fsspec", "jinja2", "MarkupSafe", "mpmath", "networkx", "setuptools",
               "sympy", "typing_extensions", "nvidia-cufile", "nvidia-cusparselt-cu13", "nvidia-nccl-cu13",
               "nvidia-nvshmem-cu13"],
              ["torch"]],
    "jax": [["jax[cpu]"]],
}
# What is installed must be usable: this module.
IMPORTS = {"torch": "torch", "jax": "jax"}
NAMES = {"mkl": ["oneMKL"], "torch": ["PyTorch eager", "torch.compile"], "jax": ["JAX jit"]}
STATUS = {"mkl": 2, "torch": 4, "jax": 8}


class Unavailable(Exception):
    pass


def make_environment(build):
    """(folder, virtual environment in it, its Python), made if they are not there."""
    folder = os.path.join(build, "peers")
    environment = os.path.join(folder, "venv")
    python = os.path.join(environment, "bin", "python")
    os.makedirs(folder, exist_ok=True)
    if not os.path.exists(python):
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    return folder, environment, python


def log_tail(path):
    with open(path, errors="replace") as f:
        lines = [line.strip() for line in f if line.strip()]
    errors = [line for line in lines if re.search("error", line, re.IGNORECASE)]
    return (errors or lines or ["no output"])[-1][:200]


def install(python, name, folder):
    marker = os.path.join(folder, name + ".installed")
    if os.path.exists(marker):
        return
    log = os.path.join(folder, "pip-%s.log" % name)
    for arguments in WHEELS[name]:
        print("installing   %s" % " ".join(arguments), file=sys.stderr, flush=True)
        with open(log, "w") as f:
            status = subprocess.run([python, "-m", "pip", "install", "--disable-pip-version-check", "--retries", "1"]
                                    + arguments, stdout=f, stderr=subprocess.STDOUT).returncode
            if status == 0 and name in IMPORTS:
                status = subprocess.run([python, "-c", "import " + IMPORTS[name]], stdout=f,
                                        stderr=subprocess.STDOUT).returncode
        if status == 0:
            open(marker, "w").close()
            return
    raise Unavailable("%s (%s)" % (log_tail(log), log))


def build_mkl(folder, environment, clang):
    prefix = os.path.join(environment, "lib")
    libraries = sorted(file for file in os.listdir(prefix) if file.startswith("libmkl_rt.so"))
    if not libraries:
        raise Unavailable("the wheel has no libmkl_rt.so")
    log = os.path.join(folder, "mkl-build.log")
    with open(log, "w") as f:
        status = subprocess.run(
            [clang + "++", "-O3", "-march=native", "-std=c++17", "-shared", "-fPIC",
             "-I" + os.path.join(environment, "include"), os.path.join(HERE, "PeersMKL.cxx"),
             os.path.join(prefix, libraries[0]), "-Wl,-rpath," + prefix,
             "-o", os.path.join(folder, "libpeermkl.so")], stdout=f, stderr=subprocess.STDOUT).returncode
    if status:
        raise Unavailable("cannot build PeersMKL.cxx: %s (%s)" % (log_tail(log), log))


def worker_environment(folder, clang):
    environment = dict(os.environ)
    environment.update({
        "MKL_THREADING_LAYER": "SEQUENTIAL", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1",
        "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false", "JAX_PLATFORMS": "cpu",
        "TORCHINDUCTOR_CACHE_DIR": os.path.join(folder, "inductor"),
        # Debian's clang has no omp.h of its own.
        "CXX": environment.get("CXX") or shutil.which("g++") or clang + "++",
        # No page faults in every call: results are as big as the input.
        "MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 40), "MALLOC_TOP_PAD_": str(64 * MIB),
    })
    return environment


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build")
    parser.add_argument("--llvm", default="/usr/lib/llvm-22")
    parser.add_argument("--json")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--full", action="store_true", help="the same as without")
    parser.add_argument("--filter", help="a rival: mkl, torch or jax; anything else takes all")
    parser.add_argument("--lowering")
    parser.add_argument("--worker", choices=sorted(WORKERS), help=argparse.SUPPRESS)
    parser.add_argument("--library", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        return run_worker(arguments.worker, arguments.library, arguments.quick)
    if not arguments.json:
        parser.error("expected --json FILE of dropout-bench")

    with open(arguments.json) as f:
        result = json.load(f)
    build = os.path.realpath(arguments.build)
    folder, environment, python = make_environment(build)
    clang = os.path.join(arguments.llvm, "bin", "clang")
    library = build_ours(build, folder, clang, arguments.lowering)

    names = [arguments.filter] if arguments.filter in WORKERS else sorted(WORKERS)
    rivals, status = [], 0
    for name in names:
        try:
            install(python, name, folder)
            if name == "mkl":
                build_mkl(folder, environment, clang)
            command = [python, os.path.realpath(__file__), "--worker", name, "--library", library]
            done = subprocess.run(command + (["--quick"] if arguments.quick else []), stdout=subprocess.PIPE,
                                  text=True, env=worker_environment(folder, clang))
            if done.returncode:
                raise Unavailable("the measurement ended with status %d, see above" % done.returncode)
            measured = json.loads(done.stdout.splitlines()[-1])
            rivals += measured
            for rival in measured:
                if "error" in rival:
                    print("peers.py: %s: %s" % (rival["name"], rival["error"]), file=sys.stderr)
            if any("error" in rival for rival in measured):
                status += STATUS[name]
        except Unavailable as error:
            print("peers.py: %s cannot be had: %s" % (", ".join(NAMES[name]), error), file=sys.stderr)
            rivals += [{"name": rival, "error": str(error), "cases": []} for rival in NAMES[name]]
            status += STATUS[name]
    result["peers"] = {"rivals": rivals}
    temporary = arguments.json + ".new"
    with open(temporary, "w") as f:
        json.dump(result, f, indent=2)
        f.write("\n")
    os.replace(temporary, arguments.json)
    return status


if __name__ == "__main__":
    sys.exit(main())
