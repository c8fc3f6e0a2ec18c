# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The lit suite. Folders mirror include/dropout; Integration runs compiled code.
#
#   DROPOUT_CHECK_ROUNDTRIP=1   every dropout-opt also prints, parses and
#                               compares its input, as text and as bytecode

import os
import platform
import shutil
import subprocess

import lit.formats

config.name = "Dropout"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".py", ".test"]
config.excludes = [
    "CMakeLists.txt", "Inputs", "Python", "Unit", "lit.cfg.py", "lit.site.cfg.py",
    "oracle.py", "harness.py", "native.py", "mutate.py", "host_kernels.py",
    "host_run.py",
]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.dropout_binary_dir, "test")

tools, llvm = config.dropout_tools_dir, config.llvm_tools_dir
libs = config.dropout_libs_dir
opt = os.path.join(tools, "dropout-opt")
run = os.path.join(tools, "dropout-run")
bench = os.path.join(tools, "dropout-bench")
plugin = os.path.join(libs, "DropoutPlugin.so")

config.environment["PATH"] = os.pathsep.join(
    [tools, llvm, config.environment["PATH"]])
config.environment["FILECHECK_OPTS"] = "-enable-var-scope"
config.environment["DROPOUT_OPT"] = opt
config.environment["DROPOUT_RUN"] = run
config.environment["PYTHONDONTWRITEBYTECODE"] = "1"
if config.sanitizers:
    # Debian's LLVM libraries are not instrumented: memory that crosses their
    # border can't be judged for leaks or container overflows.
    config.environment["ASAN_OPTIONS"] = (
        "detect_leaks=0:detect_container_overflow=0:allocator_may_return_null=1")
    config.environment["UBSAN_OPTIONS"] = "print_stacktrace=1:halt_on_error=1"
    config.available_features.add("sanitizers")

# What this machine can run of x86-64's levels.
LEVELS = {
    "hw-x86-64-v2": "cx16 lahf_lm popcnt sse4_1 sse4_2 ssse3",
    "hw-x86-64-v3": "abm avx avx2 bmi1 bmi2 f16c fma movbe xsave",
    "hw-x86-64-v4": "avx512bw avx512cd avx512dq avx512f avx512vl",
}
flags = set()
if platform.machine() == "x86_64":
    with open("/proc/cpuinfo") as cpuinfo:
        for line in cpuinfo:
            if line.startswith("flags"):
                flags = set(line.split(":")[1].split())
                break
needed = set()
for level, names in LEVELS.items():
    needed |= set(names.split())
    if needed <= flags:
        config.available_features.add(level)

# Where dropout-to-cubin looks for ptxas.
stated = {name: os.environ[name] for name in ("CUDA_ROOT", "CUDA_HOME", "CUDA_PATH")
          if name in os.environ}
config.environment.update(stated)
roots = [root for root in stated.values() if root] if stated else ["/usr/local/cuda"]
ptxas = shutil.which("ptxas") or shutil.which(
    "ptxas", path=os.pathsep.join(os.path.join(root, "bin") for root in roots))
if ptxas:
    config.available_features.add("ptxas")
    config.substitutions.append(("%ptxas", ptxas))
# Where a Vulkan driver runs our kernels: Mesa's lavapipe does on any machine.
if (os.access(config.vulkan_run, os.X_OK) and shutil.which("spirv-val") and
        subprocess.run([config.vulkan_run], stdin=subprocess.DEVNULL,
                       capture_output=True).returncode == 0):
    config.available_features.add("vulkan")

roundtrip = os.environ.get("DROPOUT_CHECK_ROUNDTRIP")
config.substitutions += [
    (r"\bdropout-opt\b", opt + (" --verify-roundtrip" if roundtrip else "")),
    (r"\bdropout-run\b", run),
    (r"\bdropout-bench\b", bench),
    ("%dropout_plugin", plugin),
    ("%dropout_runtime_lib", os.path.join(libs, "libdropout_runtime_static.a")),
    ("%dropout_bin", config.dropout_binary_dir),
    ("%dropout_src", config.dropout_source_dir),
    ("%include", os.path.join(config.dropout_source_dir, "include")),
    ("%python", config.python),
    ("%clang", config.cc),
    ("%cmake", config.cmake),
    ("%cxx_compiler", config.cxx_compiler),
    ("%c_compiler", config.c_compiler),
    ("%mlir_dir", config.mlir_dir),
    ("%vulkan_run", config.vulkan_run),
    ("%mlir_include", config.mlir_include_dir),
    ("%sanitizer_flags", "-DCMAKE_C_FLAGS=-fsanitize=address,undefined "
     "-DCMAKE_CXX_FLAGS=-fsanitize=address,undefined" if config.sanitizers else ""),
]
