# ===- _threads.py - Threads that share large arrays -----------------------===//
#
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//

import os as _os

from ._native import _core


def set_num_threads(n: int) -> None:
    """Sets how many threads share an array of 4 MiB or more, for this process.

    0 restores the default: all CPUs that the process may run on, and for torch's
    tensors `torch.get_num_threads()`. The environment variable
    MLIR_DROPOUT_NUM_THREADS sets it at start. The bits are the same for any
    number. ValueError for a negative number.
    """
    _core.set_num_threads(n)


def get_num_threads() -> int:
    """The number that `set_num_threads` set, or that of the CPUs."""
    return _core.get_num_threads()


def _read_environment() -> None:
    text = _os.environ.get("MLIR_DROPOUT_NUM_THREADS", "")
    if not text:
        return
    try:
        set_num_threads(int(text))
    except (ValueError, TypeError):
        raise ImportError("expected MLIR_DROPOUT_NUM_THREADS to be a number of threads, but got %r" % text) from None


_read_environment()
