# RUN: %python %s
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# dropout-gpu-check of the GPU kit, as it goes to a machine with a GPU, on the
# fake driver with the kit's kernels: passes, and fails with a message for every
# call of the driver that fails, and for kernels that are wrong.

import json, os, re, subprocess, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
sys.dont_write_bytecode = True
import harness, host_kernels
from harness import check, done, path

BUILD = os.path.normpath(os.path.join(os.path.dirname(harness.RUN), ".."))
RUNNER = os.path.join(BUILD, "gpu-kit", "dropout-gpu-check")
DRIVER = os.path.join(BUILD, "test", "fake-cuda")
SOURCE = os.path.normpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../../tools/dropout-gpu-kit/kernels.mlir"))

with open(SOURCE) as f:
    PROGRAM = f.read()


# ---- Kernels ----------------------------------------------------------------------------------------------------------

def function_of(name):
    """A function of the kit, with the maps in front of it."""
    body = re.search(rf"^func\.func @{name}\(.*?^}}$", PROGRAM, re.M | re.S)[0]
    return "".join(re.findall(r"^#.*\n", PROGRAM, re.M)) + body + "\n"


def change(ir, kernel, old, new):
    """The kernel's IR with the first `old`, a regular expression, replaced."""
    begin = re.search(rf"^define .*@{kernel}\(", ir, re.M).start()
    end = ir.index("\n}\n", begin)
    body, count = re.subn(old, new, ir[begin:end], count=1)
    check(count == 1, f"expected {old} in {kernel}:\n{ir[begin:end]}")
    return ir[:begin] + body + ir[end:]


WRONG = [ # function, kernel, what is changed, how, options, what the message says
    ("element_bf16", "element_bf16_0", r"fmul float", "fadd float", "element_bf16$",
     r"FAILED: element_bf16: n = \d+, p = [\d.]+, training, x \+ 0, y \+ 0: element \d+: expected 0x\w+, but got 0x\w+"),
    ("element_f32", "element_f32_0", r"icmp slt (i64 %\d+, %\d+\n *br )", r"icmp sle \1", "^element_f32$",
     r"FAILED: element_f32: n = \d+, .*: byte 0 behind the output was written"),
    ("alpha_f32", "alpha_f32_0_unaligned", r"@llvm\.fma\.f32\((.*?)float %(\w+), float %(\w+)\)", r"@llvm.fma.f32(\1float %\3, float %\2)",
     "alpha_f32", r"FAILED: alpha_f32: n = \d+, p = [\d.]+, training, x \+ \d, y \+ \d.*: element \d+: expected"),
    ("mask", "mask_0", r"-1640531527", "-1640531526", "known_answers", r"FAILED: known_answers: 2\^20 elements, seed 42, p 0\.3: expected 733411 kept, CRC-32 aa6eaa79, but got"),
    ("element_f32_state", "element_f32_state_0", r"fmul float", "fadd float", "graph",
     r"FAILED: graph: replay 0, n = 10007: element \d+: expected"),
]


def build():
    """The library of all kernels, and those of wrong ones."""
    work = host_kernels.Commands()
    host_kernels.start_kernels(work, SOURCE, f"chip=sm_{CHIP}")
    for name in dict.fromkeys(w[0] for w in WRONG):
        host_kernels.start_kernels(work, harness.write(function_of(name)), f"chip=sm_{CHIP}")
    modules = [host_kernels.split(text)[0][0] for text in work.finish()]
    for module in modules:
        host_kernels.start_ir(work, module)
    irs = work.finish()
    single = dict(zip(dict.fromkeys(w[0] for w in WRONG), irs[1:]))
    libraries = [host_kernels.start_library(work, irs[0])]
    for name, kernel, old, new, *_ in WRONG:
        libraries.append(host_kernels.start_library(work, change(single[name], kernel, old, new)))
    work.finish()
    return libraries[0], libraries[1:]


# ---- The runner -------------------------------------------------------------------------------------------------------

def run(*options, kernels, library_path=DRIVER, **environment):
    """Its exit code and all that it wrote. environment: DROPOUT_FAKE_CUDA_..."""
    variables = {k: v for k, v in os.environ.items() if not k.startswith("DROPOUT_FAKE_CUDA")}
    variables.update({f"DROPOUT_FAKE_CUDA_{k}": v for k, v in environment.items()})
    variables.update(LD_LIBRARY_PATH=library_path, DROPOUT_FAKE_CUDA_KERNELS=kernels)
    r = subprocess.run([RUNNER, *options], capture_output=True, text=True, errors="replace", timeout=harness.TIMEOUT, env=variables)
    return r.returncode, r.stdout + r.stderr


def expect(code, *says, options=(), **setting):
    got, text = run(*options, **setting)
    what = f"dropout-gpu-check {' '.join(options)} {setting}: exit code {got}\n{text[-4000:]}"
    check(got == code, f"expected exit code {code}; {what}")
    for s in says:
        check(re.search(s, text), f"expected {s!r}; {what}")
    check("Sanitizer" not in text and "terminate called" not in text, what)
    return text


def passes(kernels):
    figures = path("figures.json")
    text = expect(0, r"\ball \d+ checks passed", options=("--check", "--quick", "--json", figures), kernels=kernels)
    names = set(re.findall(r"^func\.func @(\w+)", PROGRAM, re.M)) - {"mask_at"} # of known_answers
    ran = {m[1]: int(m[2]) for m in re.finditer(r"^(\w+) +ok +(\d+) checks$", text, re.M)}
    check(names | {"reference", "known_answers", "graph", "streams"} == set(ran), f"expected other lines:\n{text}")
    check(all(ran.values()), text)
    with open(figures) as f:
        read = json.load(f)
    check({c["name"]: c["checks"] for c in read["checks"]} == ran and not any(c["failed"] for c in read["checks"]), str(read))
    # Without memory pools, and on an architecture that is just new enough.
    expect(0, "all", options=("--quick", "--filter", "element_f32|graph|streams"), kernels=kernels, POOLS="0",
           CAPABILITY=f"{CHIP // 10}.{CHIP % 10}")


def refuses(kernels):
    expect(1, r"expected a CUDA device, but the driver finds none", kernels=kernels, DEVICES="0")
    expect(1, rf"expected kernels that run on sm_50 .*, but got PTX for sm_{CHIP}", kernels=kernels, CAPABILITY="5.0")
    none = os.path.dirname(harness.write("", "libcuda.so.1"))
    os.rename(harness.write("", "libcuda.so.1"), os.path.join(none, "libcuda.so.1"))
    expect(1, r"expected the CUDA driver, but libcuda\.so\.1 cannot be opened", kernels=kernels, library_path=none)
    for options, says in ((["--fast"], "unknown argument '--fast'"), (["--json"], "expected a value after --json"),
                          (["--filter=["], r"expected a regular expression, but got '\['"), (["8"], "unknown argument '8'")):
        expect(2, says, "usage: ", options=options, kernels=kernels)
    expect(1, "nothing was checked", options=["--filter", "no_such_kernel"], kernels=kernels)
    expect(1, "cannot write", options=["--json", os.path.join(none, "no", "such", "folder")], kernels=kernels)
    expect(0, "usage: ", options=["--help"], kernels=kernels)


# Made at least three times, and less often.
CALLS = """cuMemAllocAsync cuMemFreeAsync cuMemcpyHtoDAsync cuMemcpyDtoHAsync cuModuleGetFunction cuLaunchKernel
    cuStreamSynchronize cuPointerGetAttribute cuMemsetD8Async cuGraphLaunch""".split()
RARE_CALLS = """cuInit cuDeviceGetCount cuDeviceGet cuDeviceGetName cuDeviceGetAttribute cuDevicePrimaryCtxRetain cuCtxSetCurrent
    cuModuleLoadDataEx cuStreamCreate cuStreamDestroy cuStreamBeginCapture cuStreamEndCapture cuGraphInstantiateWithFlags
    cuGraphExecDestroy cuGraphDestroy""".split()
BENCH_CALLS = "cuMemGetInfo cuEventCreate cuEventRecord cuEventSynchronize cuEventElapsedTime cuEventDestroy cuMemcpyDtoDAsync".split()


def failing_calls(kernels):
    for calls, suffix, options in ((CALLS + RARE_CALLS, "", ["--quick", "--filter=^(element_f32|graph)$"]),
                                   (CALLS, "@3", ["--quick", "--filter=^(element_f32|graph)$"]),
                                   (BENCH_CALLS, "", ["--bench", "--quick", "--filter=_eval"])):
        for call in calls:
            expect(1, rf"dropout-gpu-check: error: .*{call} failed: CUDA_ERROR_LAUNCH_FAILED.*: unspecified launch failure",
                   options=options, kernels=kernels, FAIL=f"{call}=719{suffix}")
    # When a kernel fails, and not a copy, its name is told: one of these is the wait for a kernel.
    texts = [run("--quick", "--filter=^element_f32$", kernels=kernels, FAIL=f"cuStreamSynchronize=700@{k}") for k in range(12, 18)]
    says = r"error: element_f32, n = \d+, p = .*: cuStreamSynchronize failed: CUDA_ERROR_ILLEGAL_ADDRESS"
    check(all(code == 1 for code, _ in texts) and any(re.search(says, text) for _, text in texts), f"expected {says!r}: {texts}")


def benchmark(kernels):
    figures = path("bench.json")
    expect(0, r"a call of a kernel takes \d+ ns", r"element_f32_eval +16 MiB .* of a copy",
           options=["--bench", "--quick", "--filter=_eval", f"--json={figures}"], kernels=kernels)
    with open(figures) as f:
        read = json.load(f)
    check([b["array_bytes"] for b in read["bench"]] == [1 << 24, 1 << 26] and "checks" not in read, str(read))
    check(all(b["traffic_bytes"] == 2 * b["array_bytes"] and b["ms"] > 0 and b["ratio_to_copy"] > 0 for b in read["bench"]), str(read))


def wrong_kernels(kernels, wrong):
    for (name, kernel, _, _, only, says), library in zip(WRONG, wrong):
        text = expect(1, says, r"\d+ of \d+ checks failed", options=["--quick", "--filter", only], kernels=f"{library}:{kernels}")
        check(re.search(r"^\w+ +FAILED +\d+ checks$", text, re.M), text)


if not os.access(RUNNER, os.X_OK):
    sys.exit(f"there is no dropout-gpu-check at {RUNNER}")
with open(os.path.join(BUILD, "tools", "dropout-gpu-kit", "kernels.ptx")) as f:
    CHIP = int(re.search(r"\.target sm_(\d+)", f.read())[1])
kernels, wrong = build()
passes(kernels)
refuses(kernels)
failing_calls(kernels)
benchmark(kernels)
wrong_kernels(kernels, wrong)
done()
