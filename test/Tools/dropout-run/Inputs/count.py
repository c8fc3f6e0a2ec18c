# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# count.py FILE DTYPE ORDER SIZE...: an array 1, 2, 3, ... in C order of indices.

import sys

import numpy as np

path, dtype, order, *shape = sys.argv[1:]
shape = [int(size) for size in shape]
x = np.arange(1, np.prod(shape, dtype=int) + 1).astype(dtype).reshape(shape)
np.save(path, np.asfortranarray(x) if order == "F" else x)
