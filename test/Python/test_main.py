# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# python -m mlir_dropout: what it says, and that its self-check finds what is wrong.

import re
import subprocess
import sys

from support import md, process_state, run_python


def run(*arguments):
    return subprocess.run([sys.executable, "-m", "mlir_dropout", *arguments], capture_output=True, text=True,
                          timeout=120)


def test_check():
    result = run("--check")
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.fullmatch(r"self-check +ok: \d+ known answers of the mask contract, bit for bit\n", result.stdout)
    assert int(re.search(r"\d+", result.stdout)[0]) >= 40
    assert run("--version").stdout == f"mlir_dropout {md.__version__}\n"
    wrong = run("--potato")
    assert wrong.returncode == 2 and "--potato" in wrong.stderr and "Traceback" not in wrong.stderr


def test_everything():
    result = run()
    assert result.returncode == 0, result.stdout + result.stderr
    for says in ("mlir_dropout", "Python", "LLVM, MLIR", "CPU", "features", "vectors", "threads", "file cache",
                 "self-check   ok"):
        assert re.search(f"^{says}", result.stdout, re.MULTILINE), f"{says} is not in\n{result.stdout}"
    rows = re.findall(r"^(element|alpha|channel) +(\d+ [KM]iB) +([\d.]+) us +(.*)$", result.stdout, re.MULTILINE)
    assert [row[:2] for row in rows] == [("element", "64 KiB"), ("element", "1 MiB"), ("element", "64 MiB"),
                                         ("alpha", "1 MiB"), ("alpha", "64 MiB"), ("channel", "64 MiB")]
    for row in rows:
        assert float(row[2]) > 0 and all(float(cell) > 0 for cell in row[3].split() if cell != "-"), row
    assert max(map(len, result.stdout.splitlines())) <= 140 and result.stdout.count("\n") < 40, "one screen"


def test_wrong_answers_are_found():
    """Each sort of answer, altered, ends with status 1 and a line that says which."""
    run_python("""
import contextlib, io
import numpy as np
import mlir_dropout as md
from mlir_dropout import __main__ as main


def check():
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        status = main.main(["--check"])
    return status, out.getvalue()


assert check()[0] == 0
for table, says in ((main.KEPT, "32 elements"), (main.COUNTS, "first 2^20"), (main.TIES, "element"),
                    (main.FORKS, "fork"), (main.ALPHA, "alpha")):
    for key, value in list(table.items()):
        table[key] = {str: lambda v: v[::-1], bool: lambda v: not v, int: lambda v: v ^ 1,
                      tuple: lambda v: tuple(reversed(v))}[type(value)](value)
        status, text = check()
        assert status == 1 and "FAILED" in text and says in text, (key, text)
        table[key] = value
# Code that is wrong, too.
for name, wrong in (("element", lambda x, *a, **o: x), ("mask", lambda shape, *a, **o: np.ones(shape, bool)),
                    ("alpha", lambda x, *a, **o: x + 1), ("backward", lambda x, *a, **o: 1 / 0)):
    right = getattr(md, name)
    setattr(md, name, wrong)
    status, text = check()
    assert status == 1 and "FAILED" in text, (name, text)
    setattr(md, name, right)
assert check()[0] == 0
""")
