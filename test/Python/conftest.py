# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Tests of the Python package, against the build tree that DROPOUT_BUILD names
# (by default build): `tools/dev test`, or
#
#   build/venv/bin/python -m pytest test/Python
#
# A test may be skipped for what only a machine provides, with a reason that
# begins with "hardware: "; under --sanitize also with "sanitizers: ". Any other
# skipped test counts as failed.

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("DROPOUT_BUILD") or ROOT / "build").resolve()
PACKAGE = BUILD / "python"

# Here and in child processes: the package of the build tree, the tools beside
# it, the oracle of test/Integration, and a file cache that starts empty.
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "test" / "Integration"))
sys.path.insert(0, str(PACKAGE))
os.environ["PYTHONPATH"] = str(PACKAGE)
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
TEMPORARY = Path(tempfile.mkdtemp(prefix="dropout-pytest-"))
atexit.register(shutil.rmtree, TEMPORARY, ignore_errors=True)
os.environ["DROPOUT_CACHE_DIR"] = str(TEMPORARY / "cache")
for tool in ("dropout-run", "dropout-opt"):
    path = BUILD / "bin" / tool
    if os.environ.get("LD_PRELOAD"):
        # What Python needs to load a sanitized extension (tools/dev), tools have in them.
        program, path = path, TEMPORARY / tool
        path.write_text(f'#!/bin/sh\nunset LD_PRELOAD\nexec "{program}" "$@"\n')
        path.chmod(0o755)
    os.environ[tool.upper().replace("-", "_")] = str(path)


def pytest_configure(config):
    import mlir_dropout

    if PACKAGE not in Path(mlir_dropout.__file__).parents:
        pytest.exit(f"expected mlir_dropout from {PACKAGE}, but got {mlir_dropout.__file__}", returncode=4)


def pytest_report_header(config):
    import numpy

    return f"mlir_dropout of {PACKAGE}, NumPy {numpy.__version__}"


@pytest.fixture(scope="session")
def root():
    """The source tree."""
    return ROOT


@pytest.fixture(scope="session")
def build():
    """The build tree."""
    return BUILD


@pytest.fixture(scope="session")
def sanitized():
    """Whether our code was built with sanitizers."""
    with open(BUILD / "CMakeCache.txt") as cache:
        return any(line.startswith("DROPOUT_ENABLE_SANITIZERS:") and line.rstrip().endswith("=ON") for line in cache)
