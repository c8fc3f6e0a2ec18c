# RUN: %python %s %vulkan_run
# REQUIRES: vulkan
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Kernels of dropout-to-spirv, run by a Vulkan driver (on a machine without a GPU
# that is Mesa's lavapipe), against the oracle: masks and the values of element
# and channel dropout bit for bit, alpha's with the product rounded or not.
#
# The host code runs, too: its gpu.launch_func ops are replaced by stores of
# their operands, and dropout-run compiles the rest. What it stores is bound and
# dispatched as GPUPipelines.h says.

import os, re, subprocess, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", ".."))
sys.dont_write_bytecode = True
import numpy as np
import harness, oracle
from harness import OPT, check, done, execute, fail, path, random, specials, write

RUNNER = sys.argv[1]
SLOT = 64  # of one gpu.launch_func in what the host stores: whether it ran, the grid, the arguments
SPARE = 64  # elements behind an array, which stay as they are
BYTES = {"index": 8, "i64": 8, "i32": 4, "f32": 4, "f16": 4}
LAUNCH = re.compile(r"gpu\.launch_func +@dropout_kernels::@(\w+) blocks in \((.*?)\) threads in \(.*?\) +args\((.*)\)")


class Program:
    """A function @f on memrefs and numbers, compiled."""

    def __init__(self, text):
        mlir = write(text)
        r = execute([OPT, mlir, "--dropout-to-spirv"])
        check(r.returncode == 0, f"dropout-to-spirv of {mlir}: {r.stderr[:2000]}")
        host, _, rest = r.stdout.partition("  spirv.module ")
        kernels = "spirv.module " + rest[:rest.index("\n  gpu.module ")]
        host = host[host.index("  func.func "):]
        self.spv = path("kernels.spv")
        r = execute(["mlir-translate", "--no-implicit-module", "--serialize-spirv", write(kernels), "-o", self.spv])
        check(r.returncode == 0, f"serialization: {r.stderr[:2000]}")
        r = execute(["spirv-val", "--target-env", "vulkan1.1", self.spv])
        check(r.returncode == 0, f"spirv-val {self.spv}: {r.stdout}{r.stderr}")
        self.launches = []  # kernel, its arguments: a type, or the number of an array of the function
        self.views = dict(re.findall(r"(%\w+) = memref\.reinterpret_cast (%\w+) ", host))
        self.views |= dict(re.findall(r"(%\w+), .* = memref\.extract_strided_metadata (%\w+) ", host))
        host = "\n".join(self.record(line) for line in host.splitlines())
        self.host = re.sub(r"(func\.func @f\(.*)\) \{", r"\1, %record: memref<1024xi64>) {", host, count=1)
        check(self.launches and "%record: memref" in self.host, f"no launches in {mlir}")

    def record(self, line):
        found = LAUNCH.search(line)
        if not found:
            return line
        site, lines, arguments = len(self.launches), [], []

        def store(value, place, type):
            k = f"%r{site}_{place}"
            cast = {"index": f"arith.index_cast {value} : index to i64", "i64": f"arith.ori {value}, {value} : i64",
                    "i32": f"arith.extui {value} : i32 to i64"}
            if type in ("f32", "f16"):
                lines.append(f"{k}b = arith.bitcast {value} : {type} to i{type[1:]}")
                cast[type] = f"arith.extui {k}b : i{type[1:]} to i64"
            lines.append(f"{k}v = {cast[type]}")
            lines.append(f"{k}i = arith.constant {SLOT * site + place} : index")
            lines.append(f"memref.store {k}v, %record[{k}i] : memref<1024xi64>")

        lines.append(f"%r{site}_ran = arith.constant 1 : i64")
        store(f"%r{site}_ran", 0, "i64")
        for k, size in enumerate(found[2].split(", ")):
            store(size, 1 + k, "index")
        for k, (value, type) in enumerate(re.findall(r"(%\w+) : (memref<[^>]*>|\w+)", found[3])):
            if type.startswith("memref"):
                while value in self.views:
                    value = self.views[value]
                arguments.append(int(re.fullmatch(r"%arg(\d+)", value)[1]))
            else:
                store(value, 4 + k, type)
                arguments.append(type)
        self.launches.append((found[1], arguments))
        return "\n".join(lines)

    def jobs(self, values, outputs):
        """The lines for vulkan-run that compute @f of `values`, and the file of each array."""
        record = harness.run(self.host, [*values, np.zeros(1024, np.int64)],
                             sum(isinstance(v, np.ndarray) for v in values) + 1, "host code")[-1]
        files, lines = {}, []
        for k, v in enumerate(values):
            if isinstance(v, np.ndarray):
                raw = np.concatenate([oracle.bits(v).ravel(), np.full(SPARE, 0x5A5A, oracle.bits(v).dtype)])
                raw.tofile(files.setdefault(k, path("array")))
        for site, (kernel, arguments) in enumerate(self.launches):
            ran, *grid = (int(v) for v in record[SLOT * site:SLOT * site + 4])
            if not ran:
                continue
            words = [self.spv, kernel, *map(str, grid)]
            for k, a in enumerate(arguments):
                if isinstance(a, int):
                    words.append(("=" if a in outputs else "") + files[a])
                else:
                    number = record[SLOT * site + 4 + k:][:1].tobytes()[:BYTES[a]]
                    words.append(path("number"))
                    with open(words[-1], "wb") as out:
                        out.write(number)
            lines.append(" ".join(words))
        return lines, files


cases = []  # what, lines, file of y, wanted arrays (any of them will do at each element), loose, type
programs = {}


def add(kind, ty, x, p, seed=42, offset=7, position=None, backward=False):
    """y = kind(x); position: (first element, size of the whole) of rank 1."""
    key = kind, ty, x.ndim, position is not None, backward
    type = f"memref<{'?x' * x.ndim}{ty}>"
    if key not in programs:
        at = " at [%i] of [%n]" if position else ""
        programs[key] = Program(f"""func.func @f(%x: {type}, %y: {type}, %p: f64, %s: i64, %o: i64{', %i: index, %n: index' if position else ''}) {{
  dropout.{'backward ' if backward else ''}{kind} %x into %y p(%p) rng(%s, %o){at} : {type}, {type}
  return
}}""")
    y = harness.canary(x.shape, ty)
    lines, files = programs[key].jobs([x, y, float(p), seed, offset, *(position or ())], {1})
    place = dict(at=(position[0],), of=(position[1],)) if position else {}
    want, loose = oracle.apply(kind, x, ty, p, seed, offset, backward=backward, **place)
    wanted = [want]
    if kind in ("alpha", "feature_alpha") and 0 < p < 1 and not backward:
        kept = oracle.mask(kind, x.shape, p, seed, offset, **place)
        if kind == "feature_alpha":
            kept = kept[(...,) + (None,) * (x.ndim - 2)]
        a, b, _ = (np.float32(c) for c in oracle.alpha_constants(p))
        with np.errstate(all="ignore"):
            wanted.append(np.where(kept, oracle.narrow(oracle.widen(x, ty) * a + b, ty), want))
    what = f"{'backward ' if backward else ''}{kind} {ty}{list(x.shape)} p {p} {position or ''}"
    cases.append((what, lines, files[1], wanted, loose, ty))


SIZES, PS = (1, 7, 8, 1001, 100003), (0.0, .1, .5, 1.0)
for ty in ("f32", "f16"):
    for n in SIZES:
        for p in PS:
            add("element", ty, random((n,), ty, n), p)
        add("alpha", ty, random((n,), ty, n), PS[SIZES.index(n) % 4])
    add("alpha", ty, random((100003,), ty), .1)
    add("element", ty, specials((1001,), ty), .3)
    add("element", ty, random((335600,), ty), .3)  # with the ties of the contract, the first that is kept among them
    add("element", ty, random((777,), ty), .3, position=(2**35 - 5, 2**40))
    for shape in ((1, 1, 1), (3, 5, 7), (2, 3, 1001), (300, 7, 5)):
        for p in PS:
            add("channel", ty, random(shape, ty), p)
    add("element", ty, random((5, 3, 67), ty), .3)
    add("alpha", ty, random((7, 1001), ty), .5)
    add("feature_alpha", ty, random((5, 7, 33), ty), .5)
    add("alpha", ty, random((1001,), ty), .5, backward=True)
    add("channel", ty, random((5, 7, 33), ty), .5, backward=True)

add("channel", "f32", random((70000, 1, 2), "f32"), .5)  # more rows than a grid may have

# What is fused into one kernel: a bias of each column, relu, and a residual, read transposed.
M, V = "memref<?x?xf32>", "memref<?xf32>"
T, U = "tensor<?x?xf32>", "tensor<?xf32>"
fused = Program(f"""#id = affine_map<(i, j) -> (i, j)>
func.func @f(%x: {M}, %y: {M}, %b: {V}, %r: {M}, %p: f64, %s: i64, %o: i64, %t: i1) {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %xt = bufferization.to_tensor %x restrict : {M} to {T}
  %bt = bufferization.to_tensor %b restrict : {V} to {U}
  %rt = bufferization.to_tensor %r restrict : {M} to {T}
  %m = tensor.dim %xt, %c0 : {T}
  %n = tensor.dim %xt, %c1 : {T}
  %e = tensor.empty(%m, %n) : {T}
  %0 = linalg.generic {{indexing_maps = [#id, affine_map<(i, j) -> (j)>, #id], iterator_types = ["parallel", "parallel"]}}
      ins(%xt, %bt : {T}, {U}) outs(%e : {T}) {{
  ^bb0(%u: f32, %v: f32, %w: f32):
    %1 = arith.addf %u, %v : f32
    %2 = arith.maximumf %1, %zero : f32
    linalg.yield %2 : f32
  }} -> {T}
  %3 = dropout.element %0 p(%p) rng(%s, %o) training(%t) : {T}
  %4 = linalg.generic {{indexing_maps = [#id, affine_map<(i, j) -> (j, i)>, #id], iterator_types = ["parallel", "parallel"]}}
      ins(%3, %rt : {T}, {T}) outs(%e : {T}) {{
  ^bb0(%u: f32, %v: f32, %w: f32):
    %5 = arith.addf %u, %v : f32
    linalg.yield %5 : f32
  }} -> {T}
  bufferization.materialize_in_destination %4 in restrict writable %y : ({T}, {M}) -> ()
  return
}}
""")
check(len(fused.launches) == 2, f"expected one kernel for training and one for eval, but got {fused.launches}")
for shape in ((1, 1), (7, 1001), (513, 9)):
    for p, training in ((.3, True), (.3, False), (1.0, True)):
        x, b, r = random(shape, "f32", 1), random(shape[1:], "f32", 2), random(shape[::-1], "f32", 3)
        lines, files = fused.jobs([x, harness.canary(shape, "f32"), b, r, p, 42, 7, training], {1})
        want = oracle.apply("element", np.maximum(x + b, np.float32(0)), "f32", p, 42, 7, training=training)[0] + r.T
        cases.append((f"fused {list(shape)} p {p} {training}", lines, files[1], [want], np.zeros(shape, bool), "f32"))

lines = "".join(f"{line}\n" for _, lines, *_ in cases for line in lines)
r = subprocess.run([RUNNER], input=lines, capture_output=True, text=True, timeout=600)
check(r.returncode == 0, f"{RUNNER}: exit code {r.returncode} {r.stderr[-2000:]}")
ran = ties = rounded = 0
for what, lines, file, wanted, loose, ty in cases:
    raw = np.fromfile(file, oracle.bits(wanted[0]).dtype)
    n = wanted[0].size
    check((raw[n:] == 0x5A5A).all(), f"{what}: wrote behind the array")
    got = raw[:n].view(oracle.DTYPE[ty]).reshape(wanted[0].shape)
    right = np.zeros(got.shape, bool)
    for want in wanted:
        right |= oracle.bits(got) == oracle.bits(want)
    rounded += int((oracle.bits(got) != oracle.bits(wanted[0])).sum())
    right |= loose & oracle.is_nan(got, ty) & oracle.is_nan(wanted[0], ty)
    if not right.all():
        at = tuple(int(v[0]) for v in np.nonzero(~right))
        fail(f"{what}: {int((~right).sum())} of {n} differ, first at {list(at)}: got {got[at]!r}, want {wanted[0][at]!r}")
    check(True, what)
    ran += len(lines)
check(ran >= len(cases) > 90, f"only {ran} kernels ran for {len(cases)} cases")
print(f"{ran} kernels ran; {rounded} values of alpha have a rounded product (or NaNs another payload)")
done()
