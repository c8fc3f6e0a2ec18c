# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# `python -m mlir_dropout`: what it prints, that its self-check can fail, and that
# it needs nothing but NumPy.

import os
import re
import subprocess
import sys

import mlir_dropout
import pytest
from mlir_dropout import __main__ as main

NO_TORCH = "import sys; sys.modules['torch'] = None; "
RUN = "import sys; from mlir_dropout import __main__ as main; sys.exit(main.main(sys.argv[1:]))"


def run(*arguments, code=None, **environment):
    command = ["-c", code] if code else ["-m", "mlir_dropout"]
    return subprocess.run([sys.executable, *command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, env={**os.environ, **environment})


def test_version():
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, "mlir_dropout %s\n" % mlir_dropout.__version__)


def test_help():
    done = run("--help")
    assert done.returncode == 0 and "--check" in done.stdout and "--version" in done.stdout


def test_unknown_argument():
    done = run("--fast")
    assert done.returncode == 2 and "unrecognized arguments: --fast" in done.stderr and not done.stdout


def test_check_only():
    done = run("--check")
    assert done.returncode == 0 and not done.stderr
    assert re.fullmatch(r"self-check +ok: 58 known answers of the mask contract, bit for bit\n", done.stdout)


def test_check_with_any_cache(tmp_path):
    """Empty, full, and none."""
    for cache in (str(tmp_path), str(tmp_path), ""):
        assert run("--check", DROPOUT_CACHE_DIR=cache).returncode == 0
    assert list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def whole():
    return run(code=NO_TORCH + RUN)


def test_output(whole):
    assert whole.returncode == 0 and not whole.stderr
    text = whole.stdout
    for pattern in (r"mlir_dropout +%s in \S+" % re.escape(mlir_dropout.__version__),
                    r"Python +%s \(CPython\), NumPy \d+\.\d+\S*" % re.escape(sys.version.split()[0].rstrip("+")),
                    r"LLVM, MLIR +(22\.1\.\d+, as \S*libLLVM\S* says|not known: linked statically)",
                    r"CPU +\S.*, %s, \d+ usable" % re.escape(os.uname().machine),
                    r"features +\S.*",
                    r"vectors +(\d+ bits|scalable), as the assembly of a kernel shows",
                    r"threads +\d+ for arrays of 4 MiB or more",
                    r"file cache +%s \(DROPOUT_CACHE_DIR\): \d+ programs, \d+\.\d MB"
                    % re.escape(os.environ["DROPOUT_CACHE_DIR"]),
                    r"self-check +ok: 58 known answers of the mask contract, bit for bit"):
        assert re.search("^%s$" % pattern, text, re.MULTILINE), pattern
    assert len(text.splitlines()) <= 30 and max(map(len, text.splitlines())) <= 120


def test_table(whole):
    """Every row has the time of a copy and a figure in each column, but for the threads of the first."""
    lines = whole.stdout.splitlines()
    head = next(index for index, text in enumerate(lines) if re.match(r" +copy +mlir_dropout ", text))
    rows = lines[head + 1:lines.index("", head)]
    assert [" ".join(row.split()[:3]) for row in rows] == [
        "element 64 KiB", "element 1 MiB", "element 64 MiB", "alpha 1 MiB", "alpha 64 MiB", "channel 64 MiB"]
    columns = len(re.findall(r"  +\S+(?: \S+)*", lines[head])) - 1
    for row in rows:
        found = re.fullmatch(r"\w+ +\d+ [KM]iB +(\d+(?:\.\d)?) us((?: +(?:\d+\.\d\d|-))+)", row)
        assert found and float(found.group(1)) > 0, row
        assert len(found.group(2).split()) == columns, row
        assert "-" not in found.group(2).split() or "64 KiB" in row, row
    assert all(title in lines[head] for title in ("mlir_dropout", "NumPy")) and "torch" not in lines[head]


def test_without_torch(whole):
    assert "Without torch: it is not installed." in whole.stdout


def test_with_a_broken_torch(tmp_path):
    (tmp_path / "torch.py").write_text("raise RuntimeError('half an installation\\nof torch')\n")
    path = os.pathsep.join([str(tmp_path), os.environ["PYTHONPATH"]])
    done = run(code="import mlir_dropout.__main__ as main; main.show_table = lambda *_: None; " + RUN, PYTHONPATH=path)
    assert done.returncode == 0
    assert "Without torch: it is RuntimeError: half an installation." in done.stdout


@pytest.mark.parametrize("change, text", [
    ("KEPT[0, 0, 0, 0.5, 10, 16] = '0' * 32",
     "32 elements from 0 on of seed 0, offset 0, p = 0.5: expected %s, but got 1011111111" % ("0" * 32)),
    ("COUNTS[1, 0, 0.1] = (944396, 0)", "by 3 threads: expected 944396 kept, CRC-32 00000000, but got 944396 kept, "
     "CRC-32 8df1c9eb"),
    ("TIES[335507] = False", "element 335507 of seed 42, offset 7, p = 0.3 is kept: expected False, but got True"),
    ("FORKS[0, 'data', 0] ^= 1", "the fork 'data', 0 of seed 0: expected 0x06ddeb8e89fd7d0a, but got "
     "0x06ddeb8e89fd7d0b"),
    ("ALPHA[0.5] = ('0x1.c5d6dcc335816p-1', '0x1.8ef281c1a21efp-1', '-0x1.8ef281c1a21efp-1')",
     "the scale of alpha dropout for p = 0.5 in float64: expected 0.886404894665932, but got 0.8864048946659319"),
])
def test_check_fails(change, text):
    done = run("--check", code="import mlir_dropout.__main__ as main; main.%s; " % change + RUN)
    assert done.returncode == 1
    count = len(done.stdout.splitlines()) - 1
    assert re.match(r"self-check +FAILED: %d of 58 known answers differ\n" % count, done.stdout)
    assert text in done.stdout


def test_wrong_values_are_noticed():
    """Kernels that do as they please: everything that went wrong is listed, and nothing is timed."""
    done = run(code="import mlir_dropout as md, mlir_dropout.__main__ as main; right = md.element; "
               "md.element = lambda x, *a, **k: right(x, *a, **k) + 1; " + RUN)
    assert done.returncode == 1 and "FAILED: 6 of 58" in done.stdout
    assert "element dropout of 3 x 7 x 11 numbers in float32: expected 0, but got 231" in done.stdout
    assert " us " not in done.stdout


def test_an_error_is_a_failure():
    done = run("--check", code="import mlir_dropout as md, mlir_dropout.__main__ as main\n"
               "def mask(*_, **__): raise ValueError('no kernel')\nmd.mask = mask\n" + RUN)
    assert done.returncode == 1
    assert "after 0 answers: ValueError: no kernel" in done.stdout


def test_answers_are_the_oracles():
    """The tables agree with the independent program."""
    import numpy as np
    import oracle

    for (seed, offset, first, p, rounds, resolution), expected in main.KEPT.items():
        kept = oracle.keep_at(np.arange(first, first + 32, dtype=np.uint64), p, seed, offset, rounds, resolution)
        assert "".join("01"[int(bit)] for bit in kept) == expected
    for (seed, name, rank), expected in main.FORKS.items():
        assert oracle.fork(seed, name, rank) == expected
    for p, constants in main.ALPHA.items():
        assert tuple(map(float.fromhex, constants)) == oracle.alpha_constants(p)


def test_cache_is_described(tmp_path, monkeypatch):
    monkeypatch.setenv("DROPOUT_CACHE_DIR", "")
    assert main.describe_cache().startswith("none (DROPOUT_CACHE_DIR is empty)")
    monkeypatch.setenv("DROPOUT_CACHE_DIR", str(tmp_path / "none"))
    assert main.describe_cache().endswith("not used: No such file or directory")
    monkeypatch.setenv("DROPOUT_CACHE_DIR", str(tmp_path))
    tmp_path.chmod(0o700)
    (tmp_path / "a.dropout").write_bytes(bytes(200000))
    assert main.describe_cache() == "%s (DROPOUT_CACHE_DIR): 1 programs, 0.2 MB" % tmp_path
    tmp_path.chmod(0o777)
    assert main.describe_cache().endswith("not used: it can be written to by others")
    monkeypatch.delenv("DROPOUT_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert main.describe_cache().startswith(str(tmp_path / "mlir-dropout"))
