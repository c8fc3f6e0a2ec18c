# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Runs programs that dropout-to-ptx compiled, without a GPU: the pipeline's own
# host code and kernels (host_kernels.py) in this process, launched by
# host_launch.c. Arrays lie between guard pages, here at the end of the memory,
# there at some odd element; every byte around them is looked at.
#
# `run` takes the place of harness.run, so a Batch works as it does for CPUs.
#
# Arguments of the script: as native.py has them.

import ctypes, importlib.util, os, re, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
sys.dont_write_bytecode = True
import numpy as np
import harness, host_kernels, native, oracle
from host_kernels import Commands

HERE = os.path.dirname(os.path.realpath(__file__))
INTEGERS = {"i8": np.int8, "i16": np.int16, "index": np.int64}
SCALARS = {"f64": ctypes.c_double, "f32": ctypes.c_float, "f16": ctypes.c_uint16, "bf16": ctypes.c_uint16, "i1": ctypes.c_uint8,
           "i8": ctypes.c_int8, "i16": ctypes.c_int16, "i32": ctypes.c_int32, "i64": ctypes.c_int64, "index": ctypes.c_int64}


def dtype(ty):
    return np.dtype(INTEGERS.get(ty) or oracle.DTYPE[ty])


# ---- Signatures -------------------------------------------------------------------------------------------------------

def pieces(text):
    """The parts between commas that stand in no bracket."""
    parts, depth, last = [], 0, ""
    for c in text.replace("->", "~>"):
        depth += (c in "<([{") - (c in ">)]}" and not last == "~")
        if c == "," and depth == 0:
            parts.append("")
        else:
            parts[-1:] = [(parts[-1] if parts else "") + c]
        last = c
    return [p.strip() for p in parts if p.strip()]


class Type:
    def __init__(self, text):
        self.text = text = re.sub(r"\s*\{.*\}$", "", text.strip())
        shaped = re.match(r"(tensor|memref)<((?:[\d?]+x)*)(\w+)(.*)>$", text)
        self.kind, sizes, self.element, layout = shaped.groups() if shaped else ("scalar", "", text, "")
        self.rank = sizes.count("x")
        self.strided = "strided" in layout
        self.offset = "offset: ?" in layout


def signatures(text):
    """Name to (argument types, result types) of the functions with a body."""
    found = {}
    for m in re.finditer(r"func\.func @(\w+)\(", text):
        depth, end = 1, m.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        rest = re.match(r"\s*(?:->\s*(.*?))?\s*\{\s*\n", text[end:], re.S)
        if not rest:
            continue
        results = rest[1] or ""
        if results.startswith("("):
            results = results[1:-1]
        found[m[1]] = ([Type(a.split(":", 1)[1]) for a in pieces(text[m.end():end - 1])], [Type(r) for r in pieces(results)])
    return found


# ---- Programs -----------------------------------------------------------------------------------------------------------

_serial = 0


class Program:
    """A compiled program. options: of dropout-to-ptx. checked: vector accesses look at their alignment."""

    def __init__(self, text, options="", what="", checked=False):
        self.what, self.signatures = f"{what} [{options}]" if options else what, signatures(text)
        self.mlir = mlir = harness.write(text)
        harness.run.last = self.last = f"to see it again: dropout-opt {mlir} '{host_kernels.pipeline(options)}'"
        work = Commands()
        host_kernels.start_kernels(work, mlir, options)
        kernels, host = host_kernels.split(work.finish()[0])
        for module in kernels:
            host_kernels.start_ir(work, module)
        work.start(harness.OPT, harness.write(host, "host.mlir"), *host_kernels.HOST_PASSES, "-o", mlir + ".host.mlir")
        self.ir = work.finish()[:-1]
        work.start(host_kernels.TRANSLATE, "--mlir-to-llvmir", mlir + ".host.mlir", "-o", mlir + ".ll")
        libraries = [host_kernels.start_library(work, ir, checked) for ir in self.ir]
        work.finish()
        work.start(native.LINK[0], "-O1", *host_kernels.FLAGS, "-shared", mlir + ".ll", launcher(), *runtime(), "-lm", "-ldl",
                    "-o", mlir + ".so")
        work.finish()
        self.library = ctypes.CDLL(mlir + ".so")
        self.library.dropoutCudaFree.argtypes = [ctypes.c_void_p]
        self.library.dropoutHostTakeLaunches.restype = ctypes.c_char_p
        self.kernels = [ctypes.CDLL(l) for l in libraries]
        for k in self.kernels:
            self.library.dropoutHostAddLibrary(ctypes.c_void_p(k._handle))

    def launches(self):
        """(kernel, gridX, gridY, blockX, blockY) of the launches since the last call."""
        lines = self.library.dropoutHostTakeLaunches().decode().split("\n")
        return [(l[0], *map(int, l[1:])) for l in map(str.split, lines) if l]

    def call(self, entry, inputs, what="", where=None, status=0):
        """The function's results and then its memref arguments, as arrays. where: of each array, or of all: "end", "begin",
        or bytes behind a multiple of 64."""
        global _serial
        types, results = self.signatures[entry]
        assert len(types) == len(inputs), (entry, len(types), len(inputs))
        what = f"{what or self.what}: {entry}"
        native.say(f"{what} ({self.last})")
        arguments, arrays = [], []
        for k, (t, value) in enumerate(zip(types, inputs)):
            if isinstance(value, str):
                value = np.load(value)
            if t.kind == "scalar":
                if t.element in ("f16", "bf16"):
                    value = int(oracle.bits(value))
                arguments.append(SCALARS[t.element](value if t.element[0] in "fb" else int(value)))
                continue
            _serial += 1
            place = where[k] if isinstance(where, (list, tuple)) else where
            item = dtype(t.element).itemsize
            if place is None:
                place = ("end", 0, "begin", item * (_serial % 15 + 1))[_serial % 4]
            array = np.asarray(value)
            assert array.dtype == dtype(t.element) and array.ndim == t.rank, (what, k, array.dtype, array.shape, t.text)
            if not t.strided or not array.size:
                strides = native.c_order(array.shape)
            else:
                strides = [s // item for s in array.strides]
            reach = sum((n - 1) * abs(s) for n, s in zip(array.shape, strides)) if array.size else 0
            memory = native.Memory((reach + 1) * item + 256)
            view = memory.place(t.element, array.shape, strides, place, 3 + k if t.offset else 0) if t.element in oracle.DTYPE else \
                native.View(memory, dtype(t.element), array.shape, strides, 64, 0)
            memory.bytes.fill(native.CANARY)
            view.on(memory.bytes)[...] = array
            arguments.append(ctypes.c_void_p(view.descriptor.ctypes.data))
            arrays.append((k, t, array, memory, view))
        outs = [np.zeros(3 + 2 * t.rank, np.int64) if t.kind != "scalar" else SCALARS[t.element]() for t in results]
        arguments += [ctypes.c_void_p(o.ctypes.data) if isinstance(o, np.ndarray) else ctypes.byref(o) for o in outs]
        got = self.library[f"dropout_{entry}"](*arguments)
        harness.check(got == status, f"{what}: expected status {status}, but got {got}\n  {self.last}")

        values, memrefs = [], []
        for t, o in zip(results, outs):
            if t.kind == "scalar":
                values.append(np.array(o.value))
                continue
            shape = o[3:3 + t.rank].tolist()
            size = int(np.prod(shape)) * dtype(t.element).itemsize if o[0] else 0
            raw = ctypes.string_at(int(o[1]) + int(o[2]) * dtype(t.element).itemsize, size) if size else b""
            values.append(np.frombuffer(raw, dtype(t.element)).reshape(shape).copy() if o[0] or not status else None)
            self.library.dropoutCudaFree(int(o[0]))
        left = self.library.dropoutHostCountAllocations()
        harness.check(left == 0, f"{what}: {left} arrays were not freed\n  {self.last}")
        for k, t, array, memory, view in arrays:
            now = view.on(memory.bytes).copy()
            if t.kind == "memref":
                memrefs.append(now)
            elif array.size and (oracle.bits(now) != oracle.bits(array)).any():
                harness.fail(f"{what}: argument {k}, a tensor, was written\n  {self.last}")
            view.on(memory.bytes)[...] = array
            expected = np.full(memory.size, native.CANARY, np.uint8)
            view.on(expected)[...] = array
            if not np.array_equal(memory.bytes, expected):
                at = int(np.flatnonzero(memory.bytes != expected)[0])
                harness.fail(f"{what}: argument {k} {list(array.shape)}: wrote outside, at byte {at - view.at} from its first element"
                             f"\n  {self.last}")
        return values + memrefs


def launcher():
    """The object of host_launch.c, made once."""
    done = os.path.join(harness.TMP, "host_launch.o")
    if not os.path.exists(done):
        Commands.one(native.LINK[0], "-O2", "-Wall", "-Wextra", "-fPIC", "-x", "c", "-std=c11", "-c", os.path.join(HERE, "host_launch.c"),
                     "-o", done)
    return done


def runtime():
    """All of the runtime, made once."""
    done = os.path.join(harness.TMP, "libruntime.so")
    if not os.path.exists(done):
        Commands.one(native.LINK[0], "-O1", "-fPIC", "-shared", "-Wl,--whole-archive", *native.LINK[1:], "-Wl,--no-whole-archive",
                     "-lstdc++", "-lpthread", "-o", done)
    return [done, f"-Wl,-rpath,{harness.TMP}"]


class Library:
    """A native.Module's functions, compiled for the GPU: what its `build` gives, to native.Checker."""

    def __init__(self, module, options="", checked=False):
        self.program = Program("".join(module.texts), options, module.name, checked)
        self.what = f"{self.program.what} ({self.program.mlir})"
        self.functions = {name: self.program.library[f"dropout_{name}"] for name in module.arity}
        for name, f in self.functions.items():
            f.argtypes = [ctypes.c_void_p] * module.arity[name] + [v[1] for v in native.SCALARS.values()]

    def call(self, name, views, **scalars):
        values = [scalars.get(k, v[2]) for k, v in native.SCALARS.items()]
        status = self.functions[name](*(v.descriptor.ctypes.data for v in views), *values)
        if status:
            harness.fail(f"{self.what}: {name} returned status {status}")


def only(module, names):
    """The module without the functions whose names do not match: compiling takes most of the time."""
    module.texts = [t for t, n in zip(module.texts, module.arity) if re.fullmatch(names, n)]
    module.arity = {n: a for n, a in module.arity.items() if re.fullmatch(names, n)}
    return module


def cpu_test(name):
    """The module of a test in CPU/, whose programs and checks are wanted here."""
    found = importlib.util.spec_from_file_location(name.replace("-", "_"), os.path.join(HERE, "..", "CPU", name + ".py"))
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


OPTIONS = [""]  # of `run`


def run(text, inputs=(), results=1, what="", entry="f", lowering=None, flags=()):
    """As harness.run. `lowering` is not looked at: a test of this folder has one."""
    assert not flags, flags
    out = Program(text, OPTIONS[0], what).call(entry, inputs, what)
    assert len(out) == results, (len(out), results)
    return out


def install():
    """Makes Batches run here."""
    harness.run = run
    harness.LOWERINGS = ["gpu"]
    run.last = ""
