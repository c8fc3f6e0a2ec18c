# RUN: %python %s %ptxas
# REQUIRES: ptxas
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# No kernel of ours has registers in memory: ptxas reports neither spills nor a
# stack for any kind, element type and architecture.

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "Inputs"))
sys.dont_write_bytecode = True
from ptx import ptx

FLAT = ("element", "alpha", "backward element", "backward alpha")
CHANNELS = ("channel", "feature_alpha", "backward channel", "backward feature_alpha")


def function(name, op, array, rest=""):
    return f"""func.func @{name}(%x: {array}, %y: {array}, %s: i64, %o: i64, %p: f64, %t: i1) {{
  dropout.{op} %x into %y p(%p){rest} rng(%s, %o) training(%t) : {array}, {array}
  return
}}
"""


def programs():
    for element in ("f32", "bf16", "f16", "f64"):
        for op in FLAT + CHANNELS:
            array = f"memref<{'?x' * (2 if op in FLAT else 3)}{element}>"
            yield function(f"{op}_{element}".replace(" ", "_"), op, array)
        strided = f"memref<?x?x{element}, strided<[?, ?]>>"
        yield function(f"strided_{element}", "alpha", strided)
        yield function(f"bytes_{element}", "element", f"memref<?x{element}>", " rounds = 7 resolution = 8")
    yield """func.func @mask(%m: memref<?xi1>, %s: i64, %o: i64, %p: f64, %t: i1) {
  dropout.mask into %m p(%p) rng(%s, %o) training(%t) : memref<?xi1>
  return
}
"""


def main():
    text = "".join(programs())
    for chip in ("sm_80", "sm_90", "sm_100"):
        module = subprocess.run([os.environ["DROPOUT_OPT"], f"--dropout-to-ptx=chip={chip}", "-"], input=text,
                                capture_output=True, text=True, check=True).stdout
        code = ptx(module)
        done = subprocess.run([sys.argv[1], "-v", f"-arch={chip}", "-o", os.devnull, "-"], input=code,
                              capture_output=True, text=True)
        # ptxas names a kernel, then its stack and spills.
        figures = re.findall(r"Function properties for (\w+)\n *(\d+) bytes stack frame, (\d+) bytes spill stores, "
                             r"(\d+) bytes spill loads", done.stderr)
        kernels = re.findall(r"\.entry (\w+)\(", code)
        if done.returncode or sorted(kernels) != sorted(name for name, *_ in figures):
            sys.exit(f"{chip}: expected figures of {len(kernels)} kernels, but got {len(figures)}\n{done.stderr[-2000:]}")
        bad = [figure for figure in figures if figure[1:] != ("0", "0", "0")]
        if bad:
            sys.exit(f"{chip}: stack frames and spills of {bad}")
        print(f"{chip}: {len(kernels)} kernels without")
        if len(kernels) < 100:
            sys.exit(f"expected 100 kernels or more, but got {len(kernels)}")


main()
