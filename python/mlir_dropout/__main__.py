# ===- __main__.py - Is it installed, is it right, is it fast --------------===//
#
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Says what this installation is made of, compares it with the known answers of
the mask contract, and shows how fast it is beside a copy, NumPy and PyTorch.

Exit status: 0, or 1 if an answer differs.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib
import importlib.util
import itertools
import os
import platform
import re
import sys
import time
import zlib

import numpy as np

import mlir_dropout as md

from ._native import _core

# ===----------------------------------------------------------------------===//
# Known answers: of a NumPy program that shares no code with the compiler
# ===----------------------------------------------------------------------===//

# (seed, offset, first element, p, rounds, resolution): which of 32 elements are kept.
KEPT = {
    (0, 0, 0, 0.5, 10, 16): "10111111110001101000000011000100",
    (42, 7, 0, 0.3, 10, 16): "11011111111111101011111111111111",
    (0x0123456789ABCDEF, 0xFEDCBA9876543210, 3, 0.1, 10, 16): "11111111111111111110111111111110",
    (42, 7, 2**35 - 5, 0.3, 10, 16): "11011011111111011101111110111111",
    (42, 7, 0, 0.3, 7, 16): "11111101010111010101111111010111",
    (42, 7, 0, 0.3, 10, 8): "01111011011111110111110111110110",
}

# (seed, offset, p): how many of the first 2^20 elements are kept, and the CRC-32 of that
# many bytes 0 and 1.
COUNTS = {
    (42, 7, 0.3): (733411, 0xAA6EAA79),
    (1, 0, 0.1): (944396, 0x8DF1C9EB),
    (99, 12345, 0.9): (104273, 0x735D90ED),
}

# Elements that the first 16 bits of a draw can't decide: seed 42, offset 7, p = 0.3.
TIES = {7435: False, 94585: False, 111642: False, 335507: True}

# (seed, name, rank): the seed of the fork.
FORKS = {
    (0, "data", 0): 0x06DDEB8E89FD7D0B,
    (42, "data", 3): 0x41B50BE9AF90AE88,
    (42, "tensor", 3): 0xABC910F860DF55E0,
}

# p: the scale and shift of what alpha dropout keeps, and what it puts for the rest.
ALPHA = {
    0.1: ("0x1.d7b29aa659301p-1", "0x1.4bb76f9a63a79p-3", "-0x1.752e5d8db01c8p+0"),
    0.3: ("0x1.b8cec8045e12ep-1", "0x1.d0fd82d81635ap-2", "-0x1.0f3e8c53624a0p+0"),
    0.5: ("0x1.c5d6dcc335815p-1", "0x1.8ef281c1a21efp-1", "-0x1.8ef281c1a21efp-1"),
}


def answers():
    """(what, expected, got) of each known answer."""
    for (seed, offset, first, p, rounds, resolution), expected in KEPT.items():
        kept = md.mask(32, p, seed=seed, offset=offset, training=True, rounds=rounds, resolution=resolution,
                       position=([first], [first + 32]))
        what = "32 elements from %d on of seed %d, offset %d, p = %s" % (first, seed, offset, p)
        if (rounds, resolution) != (10, 16):
            what += ", rounds = %d, resolution = %d" % (rounds, resolution)
        yield what, expected, "".join("01"[bit] for bit in kept.tolist())
    for (seed, offset, p), (count, crc) in COUNTS.items():
        for threads in (1, 2, 3):
            kept = np.empty(1 << 20, bool)
            _core.apply(_core.MASK, _core.ELEMENT, None, kept, p, seed, offset, None, 10, 16, None, None, threads)
            what = "the first 2^20 elements of seed %d, offset %d, p = %s" % (seed, offset, p)
            if threads > 1:
                what += ", by %d threads" % threads
            yield (what, "%d kept, CRC-32 %08x" % (count, crc),
                   "%d kept, CRC-32 %08x" % (np.count_nonzero(kept), zlib.crc32(kept.tobytes())))
    kept = md.mask(max(TIES) + 1, 0.3, seed=42, offset=7, training=True)
    for index, expected in TIES.items():
        yield "whether element %d of seed 42, offset 7, p = 0.3 is kept" % index, expected, bool(kept[index])
    for (seed, name, rank), expected in FORKS.items():
        yield ("the fork %r, %d of seed %d" % (name, rank, seed), "%#018x" % expected,
               "%#018x" % md.Generator(seed).fork(name, rank).seed)
    for p, constants in ALPHA.items():
        scale, shift, dropped = map(float.fromhex, constants)
        kept = md.mask(64, p, seed=1, offset=2, training=True)
        for type in (np.float64, np.float32, np.float16):
            # Constants are rounded once to the type of the computation, results once more.
            compute = np.float64 if type is np.float64 else np.float32
            expected = [float(type(compute(value))) for value in (scale, shift, dropped)]
            one, zero = np.ones(64, type), np.zeros(64, type)
            gradient = md.backward(one, p, kind="alpha", seed=1, offset=2)
            y = md.alpha(zero, p, seed=1, offset=2, training=True)
            for name, value, got in (("scale", expected[0], gradient[kept]), ("shift", expected[1], y[kept]),
                                     ("dropped value", expected[2], y[~kept])):
                found = sorted(set(got.tolist()))
                yield ("the %s of alpha dropout for p = %s in %s" % (name, p, type.__name__), repr(value),
                       ", ".join(map(repr, found)))
    # Values and gradients drop what the mask says, whatever the type.
    for type in (np.float16, np.float32, np.float64):
        kept = md.mask((3, 7, 11), 0.3, seed=42, offset=7, training=True)
        compute = np.float64 if type is np.float64 else np.float32
        x = np.arange(1, kept.size + 1).astype(type).reshape(kept.shape)
        y = np.where(kept, (x.astype(compute) * compute(1 / (1 - 0.3))).astype(type), type(0))
        at = {"seed": 42, "offset": 7, "training": True}
        for what, got in (("element dropout", md.element(x, 0.3, **at)),
                          ("element dropout in Fortran order", md.element(np.asfortranarray(x), 0.3, **at)),
                          ("the gradient of element dropout", md.backward(x, 0.3, **at))):
            yield ("%s of 3 x 7 x 11 numbers in %s" % (what, type.__name__), 0, int(np.count_nonzero(got != y)))


def check(out):
    """Compares with all known answers; prints what differs. Returns whether all are as expected."""
    wrong, count, found = [], 0, answers()
    while True:
        try:
            what, expected, got = next(found)
        except StopIteration:
            break
        except Exception as error:  # what can't be computed is no answer
            wrong.append("after %d answers: %s: %s" % (count, type(error).__name__, error))
            break
        count += 1
        if expected != got:
            wrong.append("%s: expected %s, but got %.100s" % (what, expected, got))
    if not wrong:
        line(out, "self-check", "ok: %d known answers of the mask contract, bit for bit" % count)
        return True
    line(out, "self-check", "FAILED: %d of %d known answers differ" % (len(wrong), count))
    for text in wrong:
        out.write("  %s\n" % text)
    return False


# ===----------------------------------------------------------------------===//
# What it is made of
# ===----------------------------------------------------------------------===//


def line(out, title, text):
    out.write("%-12s %s\n" % (title, text))


def llvm_version():
    """The version of LLVM and through what it is known."""
    try:
        with open("/proc/self/maps") as f:
            libraries = sorted({found.group() for found in re.finditer(r"/\S*/lib(?:LLVM|MLIR)\b\S*\.so\S*", f.read())})
    except OSError as error:
        return "not known (%s)" % error
    if not libraries:
        return "not known: linked statically"
    path = next((path for path in libraries if "libLLVM" in path), libraries[0])
    numbers = [ctypes.c_uint() for _ in range(3)]
    try:
        ctypes.CDLL(path).LLVMGetVersion(*map(ctypes.byref, numbers))
    except (OSError, AttributeError):
        found = re.search(r"\.so\.([\d.]+)$", path)
        return "%s (from its file name) in %s" % (found.group(1) if found else "not known", path)
    return "%s, as %s says" % (".".join(str(number.value) for number in numbers), path)


# Flags of /proc/cpuinfo, in the order in which they are shown.
FEATURES = [("avx2", "AVX2"), ("fma", "FMA"), ("f16c", "F16C"), ("avx512f", "AVX-512F"), ("avx512bw", "BW"),
            ("avx512cd", "CD"), ("avx512dq", "DQ"), ("avx512vl", "VL"), ("avx512vbmi", "VBMI"),
            ("avx512_vbmi2", "VBMI2"), ("avx512_vnni", "VNNI"), ("avx512_bf16", "BF16"), ("avx512_fp16", "FP16"),
            ("asimd", "NEON"), ("sve", "SVE"), ("sve2", "SVE2"), ("bf16", "BF16")]
# What the levels of the x86-64 ABI add.
LEVELS = [(2, "cx16 lahf_lm popcnt sse4_1 sse4_2 ssse3"), (3, "avx avx2 bmi1 bmi2 f16c fma abm movbe xsave"),
          (4, "avx512f avx512bw avx512cd avx512dq avx512vl")]


def describe_cpu():
    """(model, features) from /proc/cpuinfo."""
    try:
        with open("/proc/cpuinfo") as f:
            text = f.read()
    except OSError as error:
        return platform.machine(), "not known (%s)" % error
    model = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    found = re.search(r"^(?:flags|Features)\s*: (.*)$", text, re.MULTILINE)
    flags = set(found.group(1).split()) if found else set()
    shown = [name for flag, name in FEATURES if flag in flags]
    level = 0
    if platform.machine() in ("x86_64", "AMD64"):
        level = 1
        for number, needed in LEVELS:
            if level == number - 1 and flags.issuperset(needed.split()):
                level = number
    return (model.group(1) if model else platform.machine(),
            ("x86-64-v%d: " % level if level else "") + (", ".join(shown) or "none that kernels use"))


PROBE = """
func.func @probe(%x: memref<?xf32>, %y: memref<?xf32>, %seed: i64, %offset: i64) {
  dropout.element %x into %y p = 0.1 rng(%seed, %offset) : memref<?xf32>, memref<?xf32>
  return
}
"""


def vector_width():
    """What registers the code of a kernel has, which is what counts."""
    try:
        asm = md.compile(PROBE, "probe").asm
    except Exception as error:
        return "not known (%s)" % (str(error).splitlines() or [type(error).__name__])[0]
    for pattern, bits in ((r"%zmm\d", 512), (r"%ymm\d", 256), (r"%xmm\d", 128), (r"\bz\d+\.s\b", 0),
                          (r"\bv\d+\.4s\b", 128)):
        if re.search(pattern, asm):
            return "%s, as the assembly of a kernel shows" % ("%d bits" % bits if bits else "scalable")
    return "none: the assembly of a kernel has no vectors"


def describe_cache():
    """Where the compiler's file cache is, and whether it can be used."""
    named = os.environ.get("DROPOUT_CACHE_DIR")
    if named == "":
        return "none (DROPOUT_CACHE_DIR is empty): kernels are compiled anew in each process"
    if named is not None:
        path, why = named, " (DROPOUT_CACHE_DIR)"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
        path, why = os.path.join(base, "mlir-dropout"), ""
        if not os.path.isabs(path):
            return "none: there is no home directory"
    try:
        status = os.stat(path)
        if status.st_uid != os.geteuid() or status.st_mode & 0o022:
            return "%s%s, not used: it can be written to by others" % (path, why)
        sizes = [entry.stat().st_size for entry in os.scandir(path) if entry.name.endswith(".dropout")]
    except OSError as error:
        return "%s%s, not used: %s" % (path, why, error.strerror)
    return "%s%s: %d programs, %.1f MB" % (path, why, len(sizes), sum(sizes) / 1e6)


def describe(out):
    line(out, "mlir_dropout", "%s in %s" % (md.__version__, os.path.dirname(os.path.abspath(md.__file__))))
    line(out, "Python", "%s (%s), NumPy %s" % (platform.python_version(), platform.python_implementation(),
                                               np.__version__))
    line(out, "LLVM, MLIR", llvm_version())
    model, features = describe_cpu()
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    line(out, "CPU", "%s, %s, %d usable" % (model, platform.machine(), cpus))
    line(out, "features", features)
    line(out, "vectors", vector_width())
    line(out, "threads", "%d for arrays of 4 MiB or more" % md.get_num_threads())
    line(out, "file cache", describe_cache())


# ===----------------------------------------------------------------------===//
# How fast it is
# ===----------------------------------------------------------------------===//

P = 0.1
MIB = 1 << 20
# What all of it may take, beside imports.
SECONDS = 2.6


def load_torch():
    """(torch, None), or None and why not."""
    try:
        if importlib.util.find_spec("torch") is None:
            return None, "not installed"
        return importlib.import_module("torch"), None
    except Exception as error:  # whatever a broken installation throws
        return None, "%s: %s" % (type(error).__name__, (str(error).splitlines() or [""])[0])


def numpy_one_liner(kind, x, rng):
    """What people write by hand."""
    if kind == "element":
        return lambda: x * (rng.random(x.shape, dtype=np.float32) >= P) / (1 - P)
    if kind == "channel":
        return lambda: x * (rng.random(x.shape[:2] + (1,), dtype=np.float32) >= P) / (1 - P)
    scale, shift, dropped = (np.float32(float.fromhex(text)) for text in ALPHA[P])
    return lambda: np.where(rng.random(x.shape, dtype=np.float32) >= P, scale * x + shift, dropped)


class Kernel:
    """Something to time. `limit`: seconds that all its calls may take."""

    def __init__(self, call, limit):
        self.call, self.limit, self.ratios = call, limit, []

    def sample(self):
        start = time.perf_counter()
        for _ in range(self.calls):
            self.call()
        return (time.perf_counter() - start) / self.calls

    def warm(self):
        self.calls = 1
        once = self.sample()
        if once < 20e-3:
            once = min(self.sample(), self.sample())
        self.calls = max(1, int(100e-6 / once))
        self.rounds = min(51, max(1, int(self.limit / (once * self.calls))))


def compare(kernels):
    """The median time of the first kernel; the others get their ratios to it, round by round."""
    for kernel in kernels:
        kernel.warm()
    first, times = kernels[0], []
    for round in range(max(3, min(first.rounds, kernels[1].rounds))):
        base = first.sample()
        times.append(base)
        for kernel in kernels[1:]:
            if round < kernel.rounds:
                kernel.ratios.append(kernel.sample() / base)
    return float(np.median(times))


def show_speed(out):
    threads = md.get_num_threads()
    torch, reason = load_torch()
    torch_threads = torch.get_num_threads() if torch is not None else 0
    try:
        md.set_num_threads(1)
        if torch is not None:
            torch.set_num_threads(1)
        show_table(out, threads, torch)
    finally:
        md.set_num_threads(threads)
        if torch is not None:
            torch.set_num_threads(torch_threads)
    out.write("\nA copy (np.copyto) and ours write to memory that is there; the others have no such way and allocate.\n"
              "NumPy: x * (rng.random(x.shape, dtype=np.float32) >= p) / (1 - p), and the like for other kinds.\n"
              "One short run, on a machine that may be busy; docs/Python.md has long ones.\n")
    if torch is None:
        out.write("Without torch: it is %s.\n" % reason)


def show_table(out, threads, torch):
    rivals = {"torch " + torch.__version__.partition("+")[0]: torch} if torch is not None else {}
    titles = ["mlir_dropout"] + (["%d threads" % threads] if threads > 1 else []) + list(rivals) + ["NumPy"]
    widths = [max(9, len(title)) for title in titles]
    out.write("\nf32, p = %s, one thread: the time of a copy, and how many times that time others take\n\n" % P)
    out.write("%-16s %10s  %s\n" % ("", "copy", "  ".join(t.rjust(w) for t, w in zip(titles, widths))))
    kinds = {"element": _core.ELEMENT, "alpha": _core.ALPHA, "channel": _core.CHANNEL}
    names = {"element": "dropout", "alpha": "alpha_dropout", "channel": "dropout1d"}
    rows = [("element", 64 << 10), ("element", MIB), ("element", 64 * MIB), ("alpha", MIB), ("alpha", 64 * MIB),
            ("channel", 64 * MIB)]
    rng = np.random.default_rng(0)
    offsets = itertools.count()  # a mask that comes again would be learnt by the branch predictor
    end = time.perf_counter() + SECONDS
    for row, (kind, size) in enumerate(rows):
        shape = (16, size // 4 // 16 // 1024, 1024) if kind == "channel" else (size // 4,)
        x, y = np.ones(shape, np.float32), np.zeros(shape, np.float32)
        function = getattr(md, kind)
        # What rows before did not use goes to those that are left.
        left = max(0.02, (end - time.perf_counter()) / (len(rows) - row))
        kernels = [
            Kernel(lambda: np.copyto(y, x), left * 0.15),
            Kernel(lambda: function(x, P, seed=42, offset=next(offsets), training=True, out=y), left * 0.15)]
        if threads > 1:
            kernels.append(size >= MIB and Kernel(
                lambda: _core.apply(_core.FORWARD, kinds[kind], x, y, P, 42, next(offsets), None, 10, 16, None, None,
                                    threads), left * 0.1))
        if torch is not None:
            tensor, theirs = torch.from_numpy(x), getattr(torch.nn.functional, names[kind], None)
            kernels.append(theirs and Kernel(lambda: theirs(tensor, P, True), left * 0.4))
        kernels.append(Kernel(numpy_one_liner(kind, x, rng), left * 0.2))
        copy = compare([kernel for kernel in kernels if kernel])
        cells = ["%.2f" % np.median(kernel.ratios) if kernel else "-" for kernel in kernels[1:]]
        name = "%-8s %s" % (kind, "%d MiB" % (size // MIB) if size >= MIB else "%d KiB" % (size >> 10))
        out.write("%-16s %7.*f us  %s\n" % (name, 1 if copy < 1e-4 else 0, copy * 1e6,
                                            "  ".join(cell.rjust(width) for cell, width in zip(cells, widths))))
        out.flush()


def main(arguments=None):
    description, _, epilog = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(prog="python -m mlir_dropout", description=description, epilog=epilog)
    parser.add_argument("--version", action="version", version="mlir_dropout " + md.__version__)
    parser.add_argument("--check", action="store_true", help="only compare with the known answers")
    options = parser.parse_args(arguments)
    out = sys.stdout
    if not options.check:
        describe(out)
        out.flush()
    right = check(out)
    if not options.check and right:
        out.flush()
        show_speed(out)
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
