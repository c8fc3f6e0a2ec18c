# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# GPU kernels as a shared library of this machine. The kernels' LLVM IR, as it is
# given to NVPTX, is changed where no host can follow, and nowhere else:
#
#   - reads of special registers become calls of functions that load them;
#   - ptx_kernel, the target triple and the data layout go away.
#
# Added are, at the end of the module:
#
#   int32_t dropout_host_registers[12]   {tid, ntid, ctaid, nctaid} x {x, y, z}
#   void dropout_invoke_K(void **arguments)
#        one thread of kernel K; arguments[i] points to parameter i
#   const uint32_t dropout_argument_sizes_K[]
#        bytes of K's parameters, ending in 0
#
# `python3 host_kernels.py PROGRAM.mlir -o KERNELS.so [pipeline options]` makes
# such a library (the first module's, if there are several).

import os, re, shutil, subprocess, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
sys.dont_write_bytecode = True
import harness

CLANG = next((p for p in map(shutil.which, ("clang-22", "clang")) if p), "clang")
TRANSLATE = shutil.which("mlir-translate") or shutil.which("mlir-translate-22") or "/usr/lib/llvm-22/bin/mlir-translate"
FLAGS = ["-fPIC", "-ffp-contract=off", "-Wno-override-module"]
REGISTERS = [f"{name}.{dim}" for name in ("tid", "ntid", "ctaid", "nctaid") for dim in "xyz"]
SIZES = {"ptr": 8, "i64": 8, "double": 8, "i32": 4, "float": 4, "i16": 2, "half": 2, "bfloat": 2, "i8": 1, "i1": 1}
READ, HOST_READ = "@llvm.nvvm.read.ptx.sreg.", "@dropout_host_read_"
ADDED = "; Added for the host."

# What older compiler runtimes lack. A double is rounded to odd first, so that the second rounding is the only one.
# And what kernels with checks call.
SUPPORT = r"""
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#pragma GCC visibility push(hidden)
static uint16_t rounded(float value) {
  uint32_t word;
  memcpy(&word, &value, 4);
  if (value != value)
    return (uint16_t)(word >> 16 | 0x40);
  return (uint16_t)((word + 0x7fff + (word >> 16 & 1)) >> 16);
}
static __bf16 fromBits(uint16_t bits) {
  __bf16 result;
  memcpy(&result, &bits, 2);
  return result;
}
__bf16 __truncsfbf2(float value) { return fromBits(rounded(value)); }
__bf16 __truncdfbf2(double value) {
  float near = (float)value;
  uint32_t word;
  memcpy(&word, &near, 4);
  double back = near;
  if (back != value && value == value && !(word & 1)) {
    word += (value < 0 ? back > value : back < value) ? 1 : -1;
    memcpy(&near, &word, 4);
  }
  return fromBits(rounded(near));
}
void dropout_host_check_alignment(const void *pointer, uint64_t alignment) {
  if ((uintptr_t)pointer % alignment) {
    fprintf(stderr, "access of a vector that is not aligned\n");
    abort();
  }
}
"""


class Commands:
    """Processes that run side by side; the first that fails ends the test."""

    def __init__(self):
        self.running = []

    def start(self, *command, **options):
        self.running.append((command, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                                       errors="replace", **options)))

    @classmethod
    def one(cls, *command):
        commands = cls()
        commands.start(*command)
        return commands.finish()[0]

    def finish(self):
        """What they wrote to stdout."""
        out = []
        for command, process in self.running:
            text, errors = process.communicate()
            if process.returncode:
                harness.fail(f"{' '.join(command)}: exit code {process.returncode}\n{errors[-4000:]}")
            out.append(text)
        self.running = []
        return out


# ---- The kernels' LLVM IR ---------------------------------------------------------------------------------------------

def pipeline(options="", pipeline="dropout-to-ptx"):
    return f"--{pipeline}" + (f"={options}" if options else "")


def start_kernels(commands, mlir, options=""):
    """Starts what writes the input of `split`."""
    commands.start(harness.OPT, mlir, pipeline(f"serialize=false {options}".strip()))


def split(text):
    """The modules of kernels, each on its own, and the host code with an empty gpu.binary in place of each."""
    at = text.find("\nmodule ") + 1  # aliases of attributes stand in front
    aliases, kernels, host, end = text[:at], [], "", 0
    for begin in re.finditer(r"^  gpu\.module @(\w+).*\{$", text, re.M):
        body = text[begin.end():text.index("\n  }\n", begin.start())]
        kernels.append(f"{aliases}module {{{body}\n}}\n")
        host += text[end:begin.start()] + f'  gpu.binary @{begin[1]} [#gpu.object<#nvvm.target, assembly = "">]\n'
        end = begin.end() + len(body) + len("\n  }\n")
    return kernels, host + text[end:]


# What follows the translation of the kernels in dropout-to-ptx; GPU/kernels.py holds the two against each other.
HOST_PASSES = ["--dropout-launch-to-runtime", "--dropout-to-llvm=lowering=linalg device-arrays", "--dropout-allocate-on-device"]


def start_ir(commands, module):
    """Starts what writes the LLVM IR of one module that `split` gave."""
    commands.start(TRANSLATE, "--mlir-to-llvmir", harness.write(module, "kernels.mlir"))


def kernel_ir(mlir, options=""):
    """The kernels' LLVM IR, the text that is given to NVPTX: one per module of kernels."""
    commands = Commands()
    start_kernels(commands, mlir, options)
    for module in split(commands.finish()[0])[0]:
        start_ir(commands, module)
    return commands.finish()


# ---- The same for the host ----------------------------------------------------------------------------------------

KERNEL = re.compile(r"^define (?:\w+ )*?ptx_kernel void @([\w.]+)\((.*)\) ?(#\d+)? ?\{$", re.M)


def parameters(text):
    """Types of a kernel's parameters. Attributes and names follow the type."""
    return [p.split()[0] for p in re.sub(r"\([^()]*\)", "", text).split(",") if p.strip()]


def on_host(ir, checked=False):
    """The module for this machine. checked: vector accesses look at their alignment; only where that is the question."""
    kernels = KERNEL.findall(ir)
    if not kernels:
        harness.fail(f"no kernels in\n{ir[:2000]}")
    lines = []
    for line in ir.rstrip("\n").split("\n"):
        if line.startswith(("target triple", "target datalayout")) or (line.startswith("declare") and READ in line):
            continue
        if line.startswith("define"):
            line = line.replace("ptx_kernel ", "")
        elif READ in line:
            line = re.sub(re.escape(READ) + r"(\w+)\.([xyz])\(\)", HOST_READ + r"\1_\2()", line)
        access = checked and re.search(r"(?:load <.*>|store <.*> \S+), ptr (\S+), align (\d+)", line)
        if access:
            lines.append(f"  call void @dropout_host_check_alignment(ptr {access[1]}, i64 {access[2]})")
        lines.append(line)
    lines += ["", ADDED, "@dropout_host_registers = global [12 x i32] zeroinitializer"]
    for number, name in enumerate(REGISTERS):
        lines += [f"define internal i32 {HOST_READ}{name.replace('.', '_')}() alwaysinline {{",
                  f"  %r = load i32, ptr getelementptr ([12 x i32], ptr @dropout_host_registers, i64 0, i64 {number})",
                  "  ret i32 %r", "}"]
    for name, types, _ in kernels:
        types = parameters(types)
        sizes = ", ".join(f"i32 {SIZES[t]}" for t in types) + (", " if types else "") + "i32 0"
        lines += [f"@dropout_argument_sizes_{name} = constant [{len(types) + 1} x i32] [{sizes}]",
                  f"define void @dropout_invoke_{name}(ptr %arguments) {{"]
        for k, t in enumerate(types):
            lines += [f"  %a{k} = getelementptr ptr, ptr %arguments, i64 {k}", f"  %p{k} = load ptr, ptr %a{k}"]
            # An i1 in memory is a byte, 0 or 1.
            lines += [f"  %b{k} = load i8, ptr %p{k}", f"  %v{k} = trunc i8 %b{k} to i1"] if t == "i1" else [
                f"  %v{k} = load {t}, ptr %p{k}, align 1"]
        lines += [f"  call void @{name}({', '.join(f'{t} %v{k}' for k, t in enumerate(types))})", "  ret void", "}"]
    if checked:
        lines.append("declare void @dropout_host_check_alignment(ptr, i64)")
    return "\n".join(lines) + "\n"


def start_library(commands, ir, checked=False):
    """Starts the compiler on a module of kernels; returns the library's path. -march has what f16 and fma need, if this
    machine has it, and never AVX512-BF16, whose conversion takes subnormals for 0."""
    f = harness.write(on_host(ir, checked), "kernels.ll")
    commands.start(CLANG, "-O2", "-shared", *FLAGS, *march(), f, support(), "-lm", "-o", f[:-3] + ".so")
    return f[:-3] + ".so"


def support():
    """The object of SUPPORT, made once."""
    done = os.path.join(harness.TMP, "support.o")
    if not os.path.exists(done):
        Commands.one(CLANG, "-O2", *FLAGS, "-c", harness.write(SUPPORT, "support.c"), "-o", done)
    return done


def march():
    with open("/proc/cpuinfo") as info:
        flags = set(next((l for l in info if l.startswith("flags")), "").split())
    return ["-march=x86-64-v3"] if {"avx2", "fma", "f16c", "bmi2"} <= flags else []


if __name__ == "__main__":
    if len(sys.argv) < 4 or sys.argv[2] != "-o":
        sys.exit("usage: host_kernels.py PROGRAM.mlir -o KERNELS.so [pipeline options]")
    work = Commands()
    library = start_library(work, kernel_ir(sys.argv[1], " ".join(sys.argv[4:]))[0])
    work.finish()
    shutil.copy(library, sys.argv[3])
