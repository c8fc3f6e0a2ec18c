# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Compiled functions called in this process, on memory between two pages that
# nobody may touch. The work is done in a child, so that a fault is a failure
# with the name of the case, not the end of the test.
#
# Arguments of the script: the compiler that links, and what the runtime is made
# of (default: clang-22 and the library under build/).

import ctypes, mmap, os, shutil, signal, subprocess, sys
import numpy as np
import harness, oracle

LINK = sys.argv[1:] or ["clang-22", os.path.join(harness.BIN, "..", "lib", "libdropout_runtime_static.a")]
PAGE = mmap.PAGESIZE
CANARY = 0x5A
HOST = None  # for this machine, as dropout-run compiles

TRANSLATE = shutil.which("mlir-translate") or "mlir-translate-22"
LIBC = ctypes.CDLL(None, use_errno=True)


def options(bits, masked, nontemporal=0):
    """Another target than this machine's."""
    return f"vector-bits={bits} masked-memory={str(masked).lower()} nontemporal-bytes={nontemporal}"


def tool(*command):
    r = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if r.returncode:
        harness.fail(f"{' '.join(command)}: exit code {r.returncode}\n{r.stderr[-4000:]}")


SCALARS = {"p": ("f64", ctypes.c_double, .3), "s": ("i64", ctypes.c_uint64, 42), "o": ("i64", ctypes.c_uint64, 7),
           "t": ("i1", ctypes.c_uint8, 1), "i": ("index", ctypes.c_int64, 0), "j": ("index", ctypes.c_int64, 0),
           "m": ("index", ctypes.c_int64, 2**40), "n": ("index", ctypes.c_int64, 2**20)}


class Module:
    """Functions of memrefs and of all the scalars of SCALARS (%p, %s ...), in one library."""

    def __init__(self, name):
        self.name, self.texts, self.arity = name, [], {}

    def add(self, name, memrefs, body):
        """memrefs: argument name to type; body: lines."""
        if name in self.arity:
            return
        self.arity[name] = len(memrefs)
        args = [f"%{k}: {t}" for k, t in memrefs.items()] + [f"%{k}: {v[0]}" for k, v in SCALARS.items()]
        self.texts.append(f"func.func @{name}({', '.join(args)}) {{\n" + "".join(f"  {l}\n" for l in body) + "  return\n}\n")

    def build(self, target=HOST, threads=1):
        """threads: those that a program for this machine shares its loops between."""
        mlir, out = harness.write("".join(self.texts), self.name + ".mlir"), harness.path(self.name + ".so")
        if target is HOST:
            tool(harness.RUN, mlir, "--emit=obj", f"--num-threads={threads}", "-o", mlir + ".o")
        else:
            tool(harness.OPT, mlir, f"--dropout-to-llvm={target}", "-o", mlir + ".ll.mlir")
            tool(TRANSLATE, "--mlir-to-llvmir", mlir + ".ll.mlir", "-o", mlir + ".ll")
            flags = {"128": "x86-64", "256": "x86-64-v3", "512": "x86-64-v4"}[target.partition("vector-bits=")[2][:3]]
            flags = [f"-march={flags}"] if os.uname().machine == "x86_64" and runs(flags) else []
            tool(LINK[0], "-O1", "-fPIC", *flags, "-Wno-override-module", "-c", mlir + ".ll", "-o", mlir + ".o")
        tool(LINK[0], "-shared", "-fPIC", mlir + ".o", *LINK[1:], "-lstdc++", "-lm", "-lpthread", "-o", out)
        if threads != 1:
            ctypes.CDLL("libomp.so.5", ctypes.RTLD_GLOBAL)
        return Library(self, out, f"{self.name} ({target or 'this machine'}, {threads} threads; {mlir})")


def runs(level):
    """True if this machine has what the x86-64 level wants."""
    with open("/proc/cpuinfo") as info:
        flags = set(next((l for l in info if l.startswith("flags")), "").split())
    return {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"} <= flags if level == "x86-64-v4" else \
        {"avx2", "fma", "f16c", "bmi2"} <= flags if level == "x86-64-v3" else True


class Library:
    def __init__(self, module, path, what):
        self.what, library, self.functions = what, ctypes.CDLL(path), {}
        for name, arity in module.arity.items():
            f = self.functions[name] = getattr(library, "dropout_" + name)
            f.argtypes = [ctypes.c_void_p] * arity + [v[1] for v in SCALARS.values()]

    def call(self, name, views, **scalars):
        values = [scalars.get(k, v[2]) for k, v in SCALARS.items()]
        status = self.functions[name](*(v.descriptor.ctypes.data for v in views), *values)
        if status:
            harness.fail(f"{self.what}: {name} returned status {status}")


class Memory:
    """Bytes between two pages without access."""

    def __init__(self, size):
        self.size = (size + PAGE - 1) // PAGE * PAGE
        self.map = mmap.mmap(-1, self.size + 2 * PAGE)
        everything = np.frombuffer(self.map, np.uint8)
        self.address = everything.ctypes.data + PAGE
        for page in (self.address - PAGE, self.address + self.size):
            if LIBC.mprotect(ctypes.c_void_p(page), ctypes.c_size_t(PAGE), 0):
                harness.fail(f"mprotect: {os.strerror(ctypes.get_errno())}")
        self.bytes = everything[PAGE:PAGE + self.size]

    def place(self, ty, shape, strides, where, offset=0):
        """A view on part of it. where: "end" (its last element is the last there is), "begin", or the number of bytes
        from a multiple of 64 to its first element. Strides are in elements, may be negative, and 0 for inputs."""
        dtype = np.dtype(oracle.DTYPE[ty])
        reach = [(n - 1) * s * dtype.itemsize for n, s in zip(shape, strides)] if all(shape) else []
        before = -sum(r for r in reach if r < 0)
        span = sum(map(abs, reach)) + dtype.itemsize if all(shape) else 0
        at = self.size - span if where == "end" else 0 if where == "begin" else 64 + where
        assert 0 <= at and at + span <= self.size
        return View(self, dtype, shape, strides, at + before, offset)


class View:
    def __init__(self, memory, dtype, shape, strides, at, offset):
        self.memory, self.dtype, self.shape, self.at = memory, dtype, shape, at
        self.steps = [s * dtype.itemsize for s in strides]
        start = memory.address + at - offset * dtype.itemsize
        self.descriptor = np.array([0, start, offset, *shape, *strides], np.int64)

    def on(self, bytes):
        """The array in other bytes of the same size."""
        return np.ndarray(self.shape, self.dtype, bytes, self.at, self.steps)


def c_order(shape):
    return [int(np.prod(shape[d + 1:])) for d in range(len(shape))]


class Checker:
    """Calls functions and compares all bytes around the operands with what must be there."""

    def __init__(self, size, operands=3):
        self.memories = [Memory(size) for _ in range(operands)]
        self.expected = [np.empty(m.size, np.uint8) for m in self.memories]

    def __call__(self, library, name, ins, out, where, what="", layout=None, inplace=False, offset=0, **scalars):
        """ins: arrays with their types; out: what must come out, and its type, or a list of such. layout: strides per
        operand, C order where there is none. In place the first input is the output; `inplace` is "argument" where the function has one
        argument for both."""
        outs = out if isinstance(out, list) else [out]
        operands = list(ins) if inplace else list(ins) + outs
        views = []
        for k, (array, ty) in enumerate(operands):
            shape = array.shape
            strides = layout[k] if layout and layout[k] is not None else c_order(shape)
            view = self.memories[k].place(ty, shape, strides, where[k] if isinstance(where, (list, tuple)) else where,
                                          offset)
            self.memories[k].bytes.fill(CANARY)
            self.expected[k].fill(CANARY)
            if inplace or k < len(ins):
                view.on(self.memories[k].bytes)[...] = array
            view.on(self.expected[k])[...] = outs[0][0] if inplace and k == 0 else array
            views.append(view)
        case = f"{library.what}: {name} {[list(o[0].shape) for o in operands]} at {where} {what} " \
               f"{'in place ' if inplace else ''}{layout or ''} {scalars or ''}"
        say(case)
        library.call(name, [views[0]] * 2 if inplace is True else views, **scalars)
        harness.checks += 1
        for k, (memory, view) in enumerate(zip(self.memories, views)):
            if not np.array_equal(memory.bytes, self.expected[k]):
                self.explain(case, k, memory, view)

    def explain(self, case, k, memory, view):
        got, want = view.on(memory.bytes), view.on(self.expected[k])
        bad = oracle.bits(got) != oracle.bits(want)
        if bad.any():
            at = tuple(int(v[0]) for v in np.nonzero(bad))
            harness.fail(f"{case}: operand {k}: {int(bad.sum())} of {bad.size} differ, first at {list(at)}: got {got[at]!r}, "
                         f"want {want[at]!r}")
        at = int(np.flatnonzero(memory.bytes != self.expected[k])[0])
        harness.fail(f"{case}: operand {k}: wrote outside, at byte {at - view.at} from its first element")


_said = mmap.mmap(-1, 2 * PAGE)


def say(case):
    """Names what is going on, for the process that waits."""
    text = case.encode()[:2 * PAGE - 1] + b"\0"
    _said[:len(text)] = text


def died(work):
    """Runs `work` in a child; None if it ended well, else the signal. A failure of the child ends this process."""
    sys.stdout.flush()
    sys.stderr.flush()
    counter = mmap.mmap(-1, 8)
    child = os.fork()
    if child == 0:
        code = 0
        try:
            work()
            counter[:] = int(harness.checks).to_bytes(8, "little")
        except SystemExit as end:
            print(end.code, file=sys.stderr)
            code = 1
        except BaseException:
            import traceback
            traceback.print_exc()
            code = 1
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status)
    if os.WEXITSTATUS(status):
        harness._keep = True
        sys.exit(1)
    harness.checks = int.from_bytes(counter[:], "little")
    return None


def guarded(work):
    """Runs `work` in a child and fails with the case it was in if that dies."""
    number = died(work)
    if number is not None:
        harness.fail(f"{signal.Signals(number).name} in {_said[:].split(bytes(1))[0].decode()}")
