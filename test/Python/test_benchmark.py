# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# benchmark/python_cases.py: what python.py times is dropout, and it would notice if it were
# not. Nothing is timed here.

import importlib
import sys
import timeit

import mlir_dropout
import numpy as np
import pytest


@pytest.fixture(scope="module")
def folder(root):
    sys.path.insert(0, str(root / "benchmark"))
    yield
    sys.path.remove(str(root / "benchmark"))


@pytest.fixture(scope="module")
def bench(folder):
    return importlib.import_module("python_cases")


@pytest.fixture(scope="module")
def driver(folder):
    return importlib.import_module("python")


@pytest.fixture(autouse=True)
def threads():
    before = mlir_dropout.get_num_threads()
    yield
    mlir_dropout.set_num_threads(before)


def cases(bench):
    return [case for case in bench.get_cases(True) if case.bytes == 64 << 10]


def test_cases(bench):
    names = [case.name for case in bench.get_cases(False)]
    assert len(names) == len(set(names)) == 36
    assert "element f32 p=0.1 64MiB" in names and "channel bf16 p=0.1 64KiB backward" in names
    for case in bench.get_cases(False):
        assert np.prod(case.shape) * (4 if case.type == "f32" else 2) == case.bytes
        assert case.kind != "channel" or len(case.shape) == 3 and case.shape[2] == 1024
    assert len(cases(bench)) == 12


@pytest.mark.parametrize("index", range(12))
def test_kernels_do_dropout(bench, index):
    case = cases(bench)[index]
    if case.type == "bf16":
        pytest.importorskip("ml_dtypes")
    memory = bench.Memory(case)
    kernels = [bench.make_ours(case, memory), bench.make_ours(case, memory, threads=2), bench.make_numpy(case, memory)]
    torch = pytest.importorskip("torch")
    import mlir_dropout.torch

    layer = {"element": "Dropout", "alpha": "AlphaDropout", "channel": "Dropout1d"}[case.kind]
    for name, module in (("ours, torch", mlir_dropout.torch), ("torch eager", torch.nn)):
        kernels.append(bench.make_torch(name, case, memory, getattr(module, layer)(case.p)))
    for kernel in kernels:
        bench.check_kept(kernel, case)
        kernel.run(3)
    memory.bits[0][...] = 0
    copy = bench.make_copy(case, memory)
    copy.run(1)
    assert not memory.bits[1].any()


@pytest.mark.parametrize("plant, text", [
    (lambda y, dx: (np.ones_like(y), dx), "expected a share of 0.9000 .* to be kept, but got 1.0000"),
    (lambda y, dx: (y * np.float32(0.9), dx), "expected values of y to be 1.1111 and 0.0000, but one is 0.1111 off"),
    (lambda y, dx: (y, dx[::-1]), "expected dx to keep what y keeps"),
    (lambda y, dx: (y, dx * np.float32(2)), "expected values of dx to be 1.1111"),
])
def test_wrong_kernels_are_noticed(bench, plant, text):
    case = next(case for case in cases(bench) if case.name == "element f32 p=0.1 64KiB backward")
    right = bench.make_ours(case, bench.Memory(case))
    bench.check_kept(right, case)
    with pytest.raises(RuntimeError, match=text):
        bench.check_kept(bench.Kernel("wrong", None, lambda: plant(*right.result())), case)


def test_channels_are_whole(bench):
    case = next(case for case in cases(bench) if case.name == "channel f32 p=0.1 64KiB")
    wrong = np.ones(case.shape, np.float32) / np.float32(0.9)
    wrong[0, 0, 5] = 0
    with pytest.raises(RuntimeError, match="expected whole channels to be dropped"):
        bench.check_kept(bench.Kernel("wrong", None, lambda: (wrong, None)), case)


def test_calls_run(bench):
    scope, versions = bench.overhead_scope()
    for group, name, statement, goal in bench.overhead_calls():
        if group == "NumPy" or "torch" in versions:
            timeit.Timer(statement, globals=scope).timeit(1)
            assert goal in (None, 3 if group == "NumPy" else 8), name


def test_a_failing_rival_costs_its_figures_alone(bench, driver, capsys):
    def broken(case, memory):
        raise OSError("no such library\nand more")

    found = driver.measure_cases(cases(bench)[:1], {"ours, NumPy": bench.make_ours, "broken": broken}, 0, "test")
    assert found["errors"] == {"broken": "element f32 p=0.1 64KiB: OSError: no such library"}
    (case,) = found["cases"]
    assert set(case["kernels"]) == {"ours, NumPy"} and case["rounds"] >= 5
    first, median, third = case["kernels"]["ours, NumPy"]["to_copy"]
    assert 0 < first <= median <= third
    assert "broken: element f32" in capsys.readouterr().err
