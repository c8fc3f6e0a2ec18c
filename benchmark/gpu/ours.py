#!/usr/bin/env python3
# ===- ours.py - Our kernels, counted --------------------------------------===//
#
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Compiles kernels of the GPU kit for Hopper, without a GPU, and counts their
instructions by sass.py.

    ours.py [--build DIR] [--output DIR] [--json FILE]

Needs a build with dropout-run, and ptxas with nvdisasm or cuobjdump (sass.py says
where it looks). Writes PTX and kernels.csv, a list for `sass.py --list`, into DIR
(build/gpu/ours). Fails if a kernel uses local memory or spills.
"""

import argparse
import csv
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SOURCE = os.path.join(ROOT, "tools", "dropout-gpu-kit", "kernels.mlir")
ELEMENTS = 16  # of a thread: the pipeline's default
BYTES = {"f32": 4, "bf16": 2, "f16": 2}
FUSED = "ours, gelu(x + bias), dropout, + residual"
# Name in the table, type, function, arrays that go through memory.
KERNELS = [("ours, element", t, "element_" + t, 2) for t in BYTES]
KERNELS += [("ours, alpha", t, "alpha_" + t, 2) for t in BYTES]
KERNELS += [(FUSED, t, "fused_" + t, 3) for t in ("f32", "bf16")]
KERNELS += [(FUSED + ", without dropout", t, "fused_%s_plain" % t, 3) for t in ("f32", "bf16")]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default=os.path.join(ROOT, "build"), help="build folder (%(default)s)")
    parser.add_argument("--output", default=None, help="folder for PTX (BUILD/gpu/ours)")
    parser.add_argument("--json", default=None, help="file for all figures")
    options = parser.parse_args()
    output = options.output or os.path.join(options.build, "gpu", "ours")
    os.makedirs(output, exist_ok=True)
    ptx = os.path.join(output, "kernels.ptx")
    compile_command = [os.path.join(options.build, "bin", "dropout-run"), SOURCE, "--target=cuda",
                       "--chip=sm_90", "--emit=kernels", "-o", ptx]
    if subprocess.run(compile_command).returncode != 0:
        sys.exit("ours.py: error: could not compile %s" % SOURCE)
    names = os.path.join(output, "kernels.csv")
    with open(names, "w", newline="") as file:
        writer = csv.writer(file)
        for name, kind, function, arrays in KERNELS:
            writer.writerow([name, kind, ELEMENTS, arrays * BYTES[kind], "kernels.ptx#%s_0" % function])
    command = [sys.executable, os.path.join(HERE, "sass.py"), "--list", names, "--check"]
    sys.exit(subprocess.run(command + (["--json", options.json] if options.json else [])).returncode)


if __name__ == "__main__":
    main()
