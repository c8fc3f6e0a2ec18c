# RUN: %python %s
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# dropout-run --target=cuda on the fake driver: every array that it gives has the
# bits that it gives on the CPU, and what goes wrong ends with a message and
# without output.

import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
sys.dont_write_bytecode = True
import numpy as np
import harness, host_kernels, oracle
from harness import check, done, path, refused

DRIVER = os.path.join(os.path.dirname(harness.RUN), "..", "test", "fake-cuda")
STRIDED = "memref<?x?xf32, strided<[?, ?], offset: ?>>"
PROGRAM = f"""
func.func @tensor(%x: tensor<?x8xf32>, %p: f64, %training: i1) -> tensor<?x8xf32> {{
  %seed = arith.constant 42 : i64
  %offset = arith.constant 7 : i64
  %y = dropout.element %x p(%p) rng(%seed, %offset) training(%training) : tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}}
func.func @in_place(%x: memref<?xbf16>, %p: f64, %seed: i64) {{
  %offset = arith.constant 7 : i64
  dropout.element %x into %x p(%p) rng(%seed, %offset) : memref<?xbf16>, memref<?xbf16>
  return
}}
func.func @strided(%x: {STRIDED}, %y: {STRIDED}, %p: f64) {{
  %seed = arith.constant 42 : i64
  dropout.channel %x into %y p(%p) mask_dims = [1] rng(%seed, %seed) : {STRIDED}, {STRIDED}
  return
}}
func.func @two(%x: tensor<?xf16>) -> (tensor<?xf16>, tensor<?xi1>) {{
  %seed = arith.constant 42 : i64
  %y, %m = dropout.alpha %x p = 0.3 rng(%seed, %seed) : tensor<?xf16>, tensor<?xi1>
  return %y, %m : tensor<?xf16>, tensor<?xi1>
}}
func.func @scalars(%x: tensor<?x8xf64>, %p: f64) -> (index, f64, tensor<?x8xf64>, i1) {{
  %seed = arith.constant 42 : i64
  %c0 = arith.constant 0 : index
  %one = arith.constant 1.0 : f64
  %true = arith.constant true
  %n = tensor.dim %x, %c0 : tensor<?x8xf64>
  %q = arith.subf %one, %p : f64
  %y = dropout.backward alpha %x p(%p) rng(%seed, %seed) : tensor<?x8xf64>
  return %n, %q, %y, %true : index, f64, tensor<?x8xf64>, i1
}}
func.func @implicit(%x: tensor<4x?xf32>) -> (tensor<4x?xf32>, tensor<4x?xf32>) {{
  %y = dropout.element %x p = 0.5 : tensor<4x?xf32>
  %z = dropout.channel %y p = 0.5 : tensor<4x?xf32>
  return %y, %z : tensor<4x?xf32>, tensor<4x?xf32>
}}
func.func @chain(%x: tensor<?x?xf32>, %bias: tensor<?xf32>, %p: f64) -> tensor<?x?xf32> {{
  %seed = arith.constant 42 : i64
  %d = dropout.element %x p(%p) rng(%seed, %seed) : tensor<?x?xf32>
  %y = linalg.generic {{indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (n)>, affine_map<(m, n) -> (m, n)>],
      iterator_types = ["parallel", "parallel"]}} ins(%d, %bias : tensor<?x?xf32>, tensor<?xf32>) outs(%x : tensor<?x?xf32>) {{
  ^bb0(%a: f32, %b: f32, %out: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  }} -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}}
"""
MLIR = harness.write(PROGRAM)


def environment(library=DRIVER, **settings):
    for name in [k for k in os.environ if k.startswith("DROPOUT_FAKE_CUDA_")]:
        del os.environ[name]
    os.environ.update({f"DROPOUT_FAKE_CUDA_{k}": v for k, v in settings.items()}, LD_LIBRARY_PATH=library)
    os.environ["DROPOUT_FAKE_CUDA_KERNELS"] = KERNELS


def outputs(entry, inputs, results, flags):
    files = [path(f"{entry}.npy") for _ in range(results)]
    command = harness.command(MLIR, inputs, files, entry, flags=flags)
    r = harness.execute(command)
    if r.returncode:
        harness.fail(f"{' '.join(command)}: exit code {r.returncode}\n{r.stderr}")
    return [np.load(f) for f in files], r.stdout


def agree(entry, inputs, results=1, flags=(), what=""):
    """CPU and GPU write the same bits; returns them."""
    cpu, _ = outputs(entry, inputs, results, flags)
    gpu, _ = outputs(entry, inputs, results, [*flags, "--target=cuda"])
    for k, (a, b) in enumerate(zip(cpu, gpu)):
        check(a.dtype == b.dtype and a.shape == b.shape, f"@{entry} {what}: output #{k}: {a.dtype}{a.shape} and {b.dtype}{b.shape}")
        bits = oracle.BITS[a.dtype.itemsize]
        differ = np.ascontiguousarray(a).view(bits) != np.ascontiguousarray(b).view(bits)
        if a.dtype.kind == "f":
            differ &= ~(np.isnan(a) & np.isnan(b))
        check(not differ.any(), f"@{entry} {what}: output #{k} differs at {np.argwhere(differ)[:3].tolist()}")
    return gpu


def programs():
    for n in (0, 3, 1001):
        x = harness.specials((n, 8), "f32", n)
        for p, training in ((.3, True), (.3, False), (0.0, True), (1.0, True))[:1 if n != 3 else 4]:
            (y,) = agree("tensor", [x, p, training], what=f"n {n} p {p} training {training}")
            want, loose = oracle.apply("element", x, "f32", p, 42, 7, training=training)
            harness.run.last = "@tensor"
            harness.same(y, want, "f32", "@tensor", loose)
        agree("in_place", [harness.random((n * 8,), "bf16", n), .1, 99], what=f"n {n}")
        agree("two", [harness.random((n,), "f16", n)], 2, what=f"n {n}")
        agree("scalars", [harness.random((n, 8), "f64", n), .4], 4, what=f"n {n}")
        agree("chain", [harness.random((n, 5), "f32", n), harness.random((5,), "f32", 1), .5], what=f"n {n}")
    for order in (np.ascontiguousarray, np.asfortranarray):
        x = order(harness.random((37, 21), "f32", 3))
        agree("strided", [x, order(harness.canary(x.shape, "f32")), .5], 2, what=order.__name__)
    x = harness.random((4, 9), "f32", 5)
    agree("implicit", [x], 2, ["--seed=42", "--offset=7"])
    agree("implicit", [x], 2, ["--eval"])
    state = [path("state"), path("state")]
    for file, target in zip(state, ("cpu", "cuda")):
        outputs("implicit", [x], 2, ["--seed=42", f"--state={file}", f"--target={target}"])
    check(open(state[0], "rb").read() == open(state[1], "rb").read(), "the state differs after @implicit")


def options():
    (a, cpu), (b, gpu) = (outputs("tensor", [harness.random((1000, 8), "f32"), .3, True], 1, [f"--target={t}", "--stats"])
                          for t in ("cpu", "cuda"))
    check(cpu == gpu and "elements dropped" in cpu and np.array_equal(a, b), f"expected the same statistics:\n{cpu}\n{gpu}")
    environment(CAPABILITY="8.0")
    outputs("tensor", [harness.random((10, 8), "f32"), .3, True], 1, ["--target=cuda"])
    environment(CAPABILITY="7.5")
    outputs("tensor", [harness.random((10, 8), "f32"), .3, True], 1, ["--target=cuda", "--chip=sm_75"])
    environment()


def errors():
    x = harness.random((1000, 8), "f32")

    def refuses(says, what, inputs=(x, .3, True), entry="tensor", flags=(), results=1):
        files = [path("out.npy") for _ in range(results)]
        refused(harness.command(MLIR, inputs, files, entry, flags=["--target=cuda", *flags]), says, what, files)

    refuses("expected no --time together with --target=cuda", "time", flags=["--time=3"])
    for p in (-.1, 1.5, float("nan")):
        refuses("expected p in [0, 1], but got " + ("nan" if p != p else repr(p)), f"p {p}", (x, p, True))
    refuses("expected p in [0, 1], but got 2", "p of a memref", (harness.random((99,), "bf16"), 2.0, 1), "in_place")
    for call in ("cuInit", "cuDeviceGet", "cuDevicePrimaryCtxRetain", "cuMemAllocAsync", "cuMemcpyHtoDAsync", "cuModuleLoadDataEx",
                 "cuModuleGetFunction", "cuLaunchKernel", "cuStreamSynchronize", "cuMemcpyDtoHAsync", "cuPointerGetAttribute"):
        environment(FAIL=f"{call}=719")
        refuses(f"{call} failed: CUDA_ERROR_LAUNCH_FAILED: unspecified launch failure", call)
    environment(DEVICES="0")
    refuses("expected a CUDA device, but the driver finds none", "no device")
    environment(CAPABILITY="5.0")
    refuses(["expected kernels that run on sm_50", "got PTX for sm_80"], "old device", flags=["--chip=sm_80"])
    none = harness.TMP + "/none"
    os.mkdir(none)
    open(none + "/libcuda.so.1", "w").close()
    environment(library=none)
    refuses("expected the CUDA driver, but libcuda.so.1 cannot be opened", "no driver")
    # To compile takes neither driver nor device.
    r = harness.execute([harness.RUN, MLIR, "--target=cuda", "--emit=obj,header,kernels", "-o", path("emitted")])
    check(r.returncode == 0, r.stderr)


KERNELS = path("kernels.so")
os.environ.pop("DROPOUT_CACHE_DIR", None)
work = host_kernels.Commands()
KERNELS = host_kernels.start_library(work, host_kernels.kernel_ir(MLIR, "chip=sm_90")[0])
work.finish()
environment()
programs()
options()
errors()
done()
