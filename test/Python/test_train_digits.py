# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# examples/train_digits.py --quick: what it prints is so. No time is asserted.

import json
import os
import re
import subprocess
import sys
import zlib

import numpy as np
import pytest

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def run(root, tmp_path_factory):
    """(what it printed, its figures)."""
    path = tmp_path_factory.mktemp("train") / "figures.json"
    done = subprocess.run([sys.executable, str(root / "examples" / "train_digits.py"), "--quick", "--json", str(path)],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, json.loads(path.read_text())


@pytest.mark.parametrize("net", ["mlp", "self_normalising"])
def test_both_learn_the_same(run, net):
    """Chance is 10 %; ours and torch's differ by no more than seeds do."""
    accuracy = run[1][net]["accuracy"]
    assert len(accuracy["torch"]) == len(accuracy["ours"]) == run[1]["seeds"] == 2
    assert min(accuracy["torch"] + accuracy["ours"]) > 85
    assert abs(np.mean(accuracy["torch"]) - np.mean(accuracy["ours"])) < 4


@pytest.mark.parametrize("net", ["mlp", "self_normalising", "again"])
def test_times_are_there(run, net):
    times = run[1][net]["time"]
    assert set(times) == {"torch", "ours", "none"} and times["none"]["added_ms"] == 0
    assert all(times[way]["ms"] > 0 and times[way]["share"] < 100 for way in times)


def test_ours_ends_at_the_same_weights(run):
    again = run[1]["again"]
    base = again["runs"][0][1]
    assert len(again["runs"]) == 7 and again["wrong"] == []
    for what, hashes in again["runs"]:
        assert re.fullmatch("[0-9a-f]{16}", hashes["ours"])
        assert hashes["ours"] == base["ours"] or what in again["moved"], what
    assert len(set(base.values())) == 3, "dropout of torch, ours and none end at different weights"


def test_torch_does_not_everywhere(run):
    runs, base = dict(run[1]["again"]["runs"]), run[1]["again"]["runs"][0][1]
    assert runs["one thread, once more"]["torch"] == base["torch"]
    assert runs["something else draws from PyTorch's generator"]["torch"] != base["torch"]
    assert runs["the same from weights, seed and number of the step alone"]["torch"] is None


def test_masks_are_the_oracles(run):
    import oracle

    crcs = b""
    for step in range(4):
        crc = 0
        for layer, (shape, p) in enumerate((((1024, 64), 0.2), ((1024, 256), 0.5))):
            mask = oracle.mask("element", shape, p, 42, 2 * step + layer).astype(bool)
            crc = zlib.crc32(mask.tobytes(), crc)
        crcs += crc.to_bytes(4, "little")
    assert run[1]["again"]["masks_crc"] == zlib.crc32(crcs) and run[1]["again"]["masks_same"]


def test_text(run):
    for text in ("MLP 64-128-128-10 with ReLU, Dropout(0.3)", "with SELU, AlphaDropout(0.1)",
                 "accuracy, mean +- deviation, %", "share of dropout, %", "start of their SHA-256",
                 "as on every machine and with every PyTorch: yes", "with one thread and with two: yes",
                 "5056 bytes of PyTorch's", "52 bytes of ours"):
        assert text in run[0]
    assert "nan" not in run[0]


def test_a_wrong_run_is_noticed(root):
    """Masks that depend on the number of threads, planted."""
    code = """
import json, sys; sys.path.insert(0, {folder!r})
import torch, mlir_dropout, train_digits
right = mlir_dropout.Generator.reserve
def reserve(generator):
    seed, offset = right(generator)
    return seed, offset + torch.get_num_threads()
mlir_dropout.Generator.reserve = reserve
print(json.dumps(train_digits.show_again(train_digits.Digits(), 2, 0.1)["wrong"]))
"""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", code.format(folder=str(root / "examples"))], stdout=subprocess.PIPE,
                          text=True, env=environment)
    assert done.returncode == 0
    assert json.loads(done.stdout.splitlines()[-1]) == [
        "two threads", "stopped half-way, resumed from files in a new process, two threads", "masks of two threads",
        "masks of the first four steps"]
    assert "DIFFERENT" in done.stdout and "with one thread and with two: NO" in done.stdout


@pytest.mark.parametrize("arguments, text", [(["--seeds", "-1"], "expected --seeds to be at least 1, but got -1"),
                                             (["--fast"], "unrecognized arguments: --fast")])
def test_wrong_arguments(root, arguments, text):
    done = subprocess.run([sys.executable, str(root / "examples" / "train_digits.py"), *arguments],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2 and text in done.stderr and not done.stdout
