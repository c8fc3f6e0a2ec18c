# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Loads the compiled part of the package, ``_core``, or says what is missing."""

import importlib
import importlib.machinery
import os
import re
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))

# As the loader of glibc and musl name what they could not load or bind.
_LLVM_LIBRARY = re.compile(r"\blib(?:MLIR|LLVM)\b[\w.+-]*\.so[\w.]*|\b(?:MLIR|LLVM)_[\d.]+\b")


def _explain(error):
    """What an ImportError of ``_core`` means for people, or None."""
    text = str(error)
    library = _LLVM_LIBRARY.search(text)
    if library:
        return (
            f"mlir_dropout needs the shared libraries of LLVM and MLIR 22.1, but {library.group()} could not be "
            f"loaded ({text}). On Debian 12 (its security archive has LLVM 22):\n"
            "    apt-get install libmlir-22 libllvm22\n"
            "Elsewhere put the folder that has libMLIR.so.22.1 into LD_LIBRARY_PATH."
        )
    if isinstance(error, ModuleNotFoundError) and error.name == __package__ + "._core":
        python = f"{sys.implementation.name} {sys.version_info.major}.{sys.version_info.minor}"
        expected = "_core" + importlib.machinery.EXTENSION_SUFFIXES[0]
        others = sorted(name for name in os.listdir(_HERE) if name.startswith("_core."))
        if others:
            return (
                f"expected {expected} in {_HERE}, which {python} loads, but got {', '.join(others)}: install "
                "mlir-dropout with this Python"
            )
        return (
            f"expected {expected} in {_HERE}, but it is not built here: install the package (pip install ./python in "
            "a clone of MLIR Dropout), or run tools/dev build and put build/python into PYTHONPATH"
        )
    return None


def _load():
    try:
        return importlib.import_module("._core", __package__)
    except ImportError as error:
        message = _explain(error)
        if message is None:
            raise
        raise ImportError(message, name=error.name, path=error.path) from None


_core = _load()
