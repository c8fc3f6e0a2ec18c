# RUN: %python %s %clang %if sanitizers %{ -std=c++17 -ffp-contract=off -DDROPOUT_RUNTIME_BUILD -I %include %dropout_src/lib/Runtime/*.cpp %} %else %{ %dropout_runtime_lib %}
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# What the other tests of this folder stand on: kernels compiled for the host are
# those given to NVPTX but for reads of special registers, the calling convention
# and the target; the host code is that of the whole pipeline; what is added to a
# library of kernels is as host_kernels.py says.

import ctypes, os, re, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
sys.dont_write_bytecode = True
import numpy as np
import harness, host_kernels, host_run, oracle
from harness import check, done
from host_kernels import Commands

PROGRAM = """
func.func @rows(%x: memref<?x?xf16>, %y: memref<?x?xf16, strided<[?, 1], offset: ?>>, %m: memref<?xi1>, %p: f64, %s: i64, %o: i64,
                %t: i1) {
  dropout.alpha %x into %y p(%p) rng(%s, %o) training(%t) : memref<?x?xf16>, memref<?x?xf16, strided<[?, 1], offset: ?>>
  dropout.mask into %m p(%p) rng(%s, %o) : memref<?xi1>
  return
}
func.func @chain(%x: tensor<64x32xbf16>, %w: tensor<32x16xbf16>, %s: i64, %o: i64) -> (tensor<64x16xbf16>, tensor<64xf32>) {
  %zero = arith.constant 0.0 : bf16
  %empty = tensor.empty() : tensor<64x16xbf16>
  %init = linalg.fill ins(%zero : bf16) outs(%empty : tensor<64x16xbf16>) -> tensor<64x16xbf16>
  %h = linalg.matmul ins(%x, %w : tensor<64x32xbf16>, tensor<32x16xbf16>) outs(%init : tensor<64x16xbf16>) -> tensor<64x16xbf16>
  %g = math.tanh %h : tensor<64x16xbf16>
  %y = dropout.element %g p = 0.25 rng(%s, %o) : tensor<64x16xbf16>
  %e = arith.constant dense<0.0> : tensor<64xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
                       iterator_types = ["parallel", "reduction"]} ins(%y : tensor<64x16xbf16>) outs(%e : tensor<64xf32>) {
  ^bb0(%a: bf16, %sum: f32):
    %b = arith.extf %a : bf16 to f32
    %c = arith.addf %b, %sum : f32
    linalg.yield %c : f32
  } -> tensor<64xf32>
  return %y, %r : tensor<64x16xbf16>, tensor<64xf32>
}
"""

# ---- Two modules that say the same ------------------------------------------------------------------------------------

REGISTER = re.compile(r"call (?:range\(i32 \d+, \d+\) )?i32 (@[\w.]+)\(\)")
ADDITIONS = re.compile(
    r"@dropout_host_registers = .*global \[12 x i32\] zeroinitializer.*|@dropout_argument_sizes_\w+ = .*constant \[.*|"
    r"define internal i32 @dropout_host_read_\w+\(\).*|define void @dropout_invoke_\w+\(ptr %arguments\).*")


def normalized(ir):
    """The text that LLVM prints of it, without comments."""
    text = Commands.one("sh", "-c", f"llvm-as -o - {harness.write(ir, 'module.ll')} | llvm-dis")
    return [line for line in (l.split("; ")[0].rstrip() for l in text.split("\n")) if line and not line.startswith(("source_filename", ";"))]


def without_additions(lines):
    """The lines outside of definitions that only the host has."""
    kept, inside = [], False
    for line in lines:
        added = ADDITIONS.fullmatch(line)
        if not inside and not added:
            kept.append(line)
        inside = line != "}" if inside else bool(added) and line.endswith("{")
    return kept


def difference(device, host):
    """The first thing that is not the same in the host's module, None if all is."""
    def body(lines):
        return [l for l in lines if not l.startswith(("target ", "attributes ")) and not (
            l.startswith("declare ") and "@llvm.nvvm.read.ptx.sreg." in l)]

    def attributes(lines):
        """What each number of an attribute group stands for."""
        groups = dict(re.match(r"attributes (#\d+) = \{ (.*) \}", l).groups() for l in lines if l.startswith("attributes"))
        return [l if l.startswith("attributes ") else re.sub(r"(?<=[ )])#\d+", lambda m: groups[m[0]], l) for l in lines]

    a, b = body(attributes(device)), body(attributes(without_additions(host)))
    if len(a) != len(b):
        return f"{len(a)} and {len(b)} lines"
    for old, new in zip(a, b):
        if old == new:
            continue
        if old.startswith("define ptx_kernel void @") and new == old.replace("ptx_kernel ", "", 1):
            continue
        read = REGISTER.search(old), REGISTER.search(new)
        if all(read) and read[0][1].startswith("@llvm.nvvm.read.ptx.sreg.") and old.replace(read[0][1], "") == new.replace(read[1][1], "") and \
                read[1][1] == "@dropout_host_read_" + read[0][1][len("@llvm.nvvm.read.ptx.sreg."):].replace(".", "_"):
            continue
        return f"{old!r} and {new!r}"
    return None


def compare():
    mlir = harness.write(PROGRAM)
    for options in ("", "chip=sm_90 block-size=64"):
        for ir in host_kernels.kernel_ir(mlir, options):
            # With what a target adds, should the text come from behind that.
            ir = 'target datalayout = "e-p6:32:32-i64:64-i128:128-v16:16-v32:32-n16:32:64"\ntarget triple = "nvptx64-nvidia-cuda"\n' + ir
            device, text = normalized(ir), host_kernels.on_host(ir)
            host = normalized(text)
            check(difference(device, host) is None, f"the host's kernels are others: {difference(device, host)}")
            check(sum("ptx_kernel" in l for l in device) >= 6 and any("sreg.tid.x" in l for l in device), "there is nothing to change")
            check(not any("nvvm.read" in l or "ptx_kernel" in l or "target" in l or "asm " in l for l in host), "something is left")
            # Each change of one thing is seen.
            for old, new in (("icmp sle", "icmp slt"), ("@dropout_host_read_tid_x()", "@dropout_host_read_ctaid_x()"),
                             ("range(i32 0, ", "range(i32 1, "), ("fmul float", "fmul fast float"), ("mul i64", "mul nsw i64"),
                             ('"nvvm.maxntid"="', '"nvvm.maxntid"="9'), (", align 16", ", align 8"),
                             (host_kernels.ADDED, "define void @more() { ret void }"), ("  br i1 ", "  fence seq_cst\n  br i1 ")):
                check(old in text, f"there is no {old!r}")
                at = text.index(old, text.index("fmul float")) if old in text[text.index("fmul float"):] else text.index(old)
                changed = text[:at] + new + text[at + len(old):]
                check(difference(device, normalized(changed)) is not None, f"{new!r} for {old!r} is not seen")


def same_host_code():
    """The host code that the tests run is what the whole pipeline gives, which translates the kernels too."""
    mlir = harness.write(PROGRAM)
    work = Commands()
    host_kernels.start_kernels(work, mlir)
    work.start(harness.OPT, mlir, host_kernels.pipeline())
    kernels, whole = work.finish()
    quick = Commands.one(harness.OPT, harness.write(host_kernels.split(kernels)[1]), *host_kernels.HOST_PASSES)
    check(".visible .entry rows_0" in whole, "no PTX")

    def lines(text):  # without the image and its size
        text = re.sub(r'(@dropout_kernels_image)\(".*"\)', r"\1", text).split("\n")
        at = next(k for k, l in enumerate(text) if "@dropout_kernels_module(" in l)
        text[at:at + 8] = [re.sub(r"constant\(\d+ : i64\)", "constant(SIZE)", l) for l in text[at:at + 8]]
        return text

    for a, b in zip(lines(quick), lines(whole)):
        check(a == b, f"the host code differs:\n{a}\n{b}")
    check(len(lines(quick)) == len(lines(whole)), "the host code differs in length")


KERNEL = """
module attributes {gpu.container_module} {
  gpu.module @mine {
    gpu.func @fill(%x: memref<?xi32>, %add: i32, %twice: i1, %scale: bf16) kernel {
      %thread = gpu.thread_id x
      %column = gpu.thread_id y
      %block = gpu.block_id x
      %threads = gpu.block_dim x
      %blocks = gpu.grid_dim x
      %0 = arith.muli %block, %threads : index
      %1 = arith.addi %0, %thread : index
      %2 = arith.muli %blocks, %threads : index
      %3 = arith.muli %2, %column : index
      %at = arith.addi %1, %3 : index
      %value = arith.index_cast %at : index to i32
      %sum = arith.addi %value, %add : i32
      %double = arith.addi %sum, %sum : i32
      %chosen = arith.select %twice, %double, %sum : i32
      %wide = arith.fptosi %scale : bf16 to i32
      %result = arith.muli %chosen, %wide : i32
      memref.store %result, %x[%at] : memref<?xi32>
      gpu.return
    }
  }
}
"""


def interface():
    """A library of kernels by itself, as a driver uses it."""
    library = harness.path("kernels.so")
    Commands.one(sys.executable, os.path.join(os.path.dirname(os.path.realpath(__file__)), "host_kernels.py"), harness.write(KERNEL), "-o",
                 library, "block-size=32")
    kernels = ctypes.CDLL(library)
    sizes = list((ctypes.c_uint32 * 9).in_dll(kernels, "dropout_argument_sizes_fill"))
    check(sizes == [8, 8, 8, 8, 8, 4, 1, 2, 0], f"sizes {sizes}")
    registers = (ctypes.c_int32 * 12).in_dll(kernels, "dropout_host_registers")
    for twice in (0, 1):
        x = np.zeros(5 * 3 * 2, np.int32)
        values = [np.array(v) for v in (x.ctypes.data, x.ctypes.data, 0, x.size, 1)] + [
            np.array(100, np.int32), np.array(twice, np.uint8), np.array(0x4040, np.uint16)]
        arguments = (ctypes.c_void_p * 8)(*(v.ctypes.data for v in values))
        registers[3:6], registers[9:12] = [5, 2, 1], [3, 1, 1]
        for thread in range(5):
            for column in range(2):
                for block in range(3):
                    registers[0:3], registers[6:9] = [thread, column, 0], [block, 0, 0]
                    kernels.dropout_invoke_fill(arguments)
        check((x == (np.arange(30) + 100) * (1 + twice) * 3).all(), f"the kernel wrote {x}")


def support():
    """f32 and f64 to bf16: rounded once, to nearest even."""
    support = harness.path("support.so")
    source = harness.write(host_kernels.SUPPORT.replace("#pragma GCC visibility push(hidden)", "") + """
void narrow(const float *f, const double *d, uint16_t *a, uint16_t *b, long n) {
  for (long i = 0; i < n; ++i) {
    __bf16 v = __truncsfbf2(f[i]), w = __truncdfbf2(d[i]);
    memcpy(a + i, &v, 2);
    memcpy(b + i, &w, 2);
  }
}
""", "support.c")
    Commands.one(host_kernels.CLANG, "-O1", "-shared", "-fPIC", source, "-o", support)
    rng = np.random.default_rng(3)
    f = np.concatenate([rng.integers(0, 2**32, 100000, dtype=np.uint64).astype(np.uint32).view(np.float32), harness.specials((1000,), "f32"),
                        (np.arange(2**17, dtype=np.uint32) << 15).view(np.float32)])
    with np.errstate(all="ignore"):
        ties = (np.arange(2**16, dtype=np.uint32) << 16 | 0x8000).view(np.float32).astype(np.float64)
        d = np.concatenate([ties, np.nextafter(ties, np.inf), np.nextafter(ties, -np.inf), f.astype(np.float64),
                            [1e-320, -1e-320, 1e300, -1e300, 2.0**-134, np.nextafter(2.0**-134, 1), -np.nextafter(2.0**-134, 1)]])
    n = max(f.size, d.size)
    f, d = np.resize(f, n), np.resize(d, n)
    a, b = np.zeros(n, np.uint16), np.zeros(n, np.uint16)
    pointer = lambda v: ctypes.c_void_p(v.ctypes.data)
    ctypes.CDLL(support).narrow(pointer(f), pointer(d), pointer(a), pointer(b), ctypes.c_long(n))
    good = (a == oracle.narrow(f, "bf16")) | np.isnan(f)
    check(good.all(), f"__truncsfbf2({f[~good][:1]})")
    # Between two bf16 the middle decides, exactly; towards infinity it lies where the next number would be.
    with np.errstate(all="ignore"):
        near = b.astype(np.uint32) << 16
        value = near.view(np.float32).astype(np.float64)
        magnitude, low = np.abs(d), (near & 0x7FFF0000)
        at = lambda bits: np.where(bits >= 0x7F800000, 2.0**128, bits.astype(np.uint32).view(np.float32).astype(np.float64))
        below, above = (at(low) + at(low - 0x10000)) / 2, (at(low) + at(low + 0x10000)) / 2
        odd = (low >> 16 & 1).astype(bool)
        good = np.where(low == 0, magnitude <= 2.0**-134, np.where(odd, below < magnitude, below <= magnitude)) & (
            (low == 0x7F800000) | np.where(odd, magnitude < above, magnitude <= above)) & (np.signbit(d) == np.signbit(value))
    good |= np.isnan(d)
    check(good.all(), f"__truncdfbf2({d[~good][:1]}) is {value[~good][:1]}")


def results():
    """And it runs."""
    program = host_run.Program(PROGRAM, "", "the program")
    x, w = harness.random((64, 32), "bf16"), harness.random((32, 16), "bf16", 1)
    y, r = program.call("chain", [x, w, 5, 6])
    cpu = harness.run(PROGRAM, [x, w, 5, 6], 2, "the program", entry="chain", lowering="linalg")
    close = np.abs(oracle.widen(y, "bf16") - oracle.widen(cpu[0], "bf16")) <= 2.0**-7 * np.abs(oracle.widen(cpu[0], "bf16"))
    check(close.all() and ((y == 0) == (cpu[0] == 0)).all(), "chain")
    check(np.allclose(r, cpu[1], rtol=1e-2, atol=1e-1), "sums")
    x = harness.random((9, 33), "f16")
    out = program.call("rows", [x, np.zeros((9, 33), np.float16), np.zeros(50, bool), .3, 3, 4, True])
    harness.same(out[1], oracle.apply("alpha", x, "f16", .3, 3, 4)[0], "f16", "rows")
    harness.same(out[2], oracle.mask("element", (50,), .3, 3, 4), "i1", "mask")


compare()
same_host_code()
interface()
support()
results()
done()
