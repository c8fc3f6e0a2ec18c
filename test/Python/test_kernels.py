# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Kernels are compiled once per kind, type, rank and layout class and options:
# never per shape, p, seed or mode; and read from the file cache by other processes.

import os
import re
import stat

import numpy as np
from support import KINDS, SEEDS, TYPES, md, process_state, random, run_python

COUNT = """
import sys
import numpy as np
import mlir_dropout as md


def kernels():
    return md._core.kernel_statistics()["resident"]
"""


def test_not_per_shape():
    run_python(COUNT + """
rng = np.random.default_rng(1)
x = np.ones(4096, np.float32)
assert kernels() == 0
md.element(x)
assert kernels() == 1, "one kernel for the first call"
# Shapes, ranks in C order, p, seeds, modes, out, in place, positions along the first dim, sizes, threads.
for shape in [(), (1,), (7,), (4096,), (64, 64), (16, 16, 16), (2,) * 12, (1, 4096, 1), (0,), (3, 0, 5), (1 << 19,)]:
    x = np.ones(shape, np.float32)
    for p in (0, 1e-9, .3, 1):
        for seed, offset in ((0, 0), (2**64 - 1, 2**63)):
            for training in (True, False):
                md.element(x, p, seed=seed, offset=offset, training=training)
        md.element(x, p)
        md.element(x.copy(), p, inplace=True)
        md.element(x, p, out=np.empty_like(x))
        if x.ndim:
            md.element(x, p, position=([5] + [0] * (x.ndim - 1), [2**30] + list(shape[1:])))
for n in (1, 2, 7):
    md.set_num_threads(n)
    md.element(np.ones(1 << 20, np.float32), .5)
md.channel(np.ones((64, 64), np.float32), .5)  # All dims index the mask: the same function.
md.channel(np.ones((64, 64, 3), np.float32), .5, mask_dims=(0, 1, 2))
assert kernels() == 1, kernels()
try:
    md.element(x, 3.0, rounds=7)
except ValueError:
    pass
assert kernels() == 1, "what is refused compiles nothing"
""")


def test_one_for_each():
    """Each type, kind, direction, option and layout class is one more, and no more than one."""
    run_python(COUNT + """
seen = 0


def more(count, what, *calls):
    global seen
    for call in calls:
        call()
    assert kernels() == seen + count, f"{what}: {kernels() - seen} kernels, expected {count}"
    seen = kernels()


import ml_dtypes
f32 = np.ones((6, 8), np.float32)
for dtype in (np.float32, np.float64, np.float16, ml_dtypes.bfloat16):
    x = f32.astype(dtype)
    more(1, dtype, lambda: md.element(x), lambda: md.element(x[:3], .1))
more(1, "alpha", lambda: md.alpha(f32), lambda: md.feature_alpha(f32))
more(1, "backward", lambda: md.backward(f32, seed=1, offset=2),
     lambda: md.backward(f32, kind="channel", seed=1, offset=2))
more(1, "backward of alpha", lambda: md.backward(f32, kind="alpha", seed=1, offset=2))
more(1, "rounds", lambda: md.element(f32, rounds=7))
more(1, "resolution", lambda: md.element(f32, resolution=8))
more(1, "both", lambda: md.element(f32, resolution=8, rounds=7))
more(1, "mask", lambda: md.mask(6), lambda: md.mask((6, 8)), lambda: md.mask(3, out=np.zeros(3, np.uint8)))
more(1, "a step", lambda: md.element(f32.reshape(-1)[::2]), lambda: md.element(f32.reshape(-1)[::-3]),
     lambda: md.element(f32[:, 1]), lambda: md.element(f32[:, ::2].T[0]), lambda: md.element(f32[::2, ::3][0]))
more(1, "rows with gaps", lambda: md.element(f32[:, :5], out=np.empty((6, 8), np.float32)[:, :5]),
     lambda: md.element(f32[::2, 3:], out=np.empty((6, 8), np.float32)[::-2, :5]),
     lambda: md.element(np.ones((9, 11), np.float32)[:, :-1], out=np.empty((9, 20), np.float32)[:, ::2]))
more(1, "channels", lambda: md.channel(np.ones((2, 3, 5), np.float32)),
     lambda: md.channel(np.ones((4, 2, 5, 6), np.float32)),
     lambda: md.channel(np.ones((2, 3, 5, 2, 2), np.float32), .1), lambda: md.channel(f32, mask_dims=(0,)))
more(1, "channels last", lambda: md.channel(np.ones((2, 4, 5, 3), np.float32), mask_dims=(0, 3)),
     lambda: md.channel(np.ones((3, 7, 9), np.float32), .2, mask_dims=(0, 2)))
more(0, "all again", lambda: md.element(f32), lambda: md.mask(9), lambda: md.channel(np.ones((2, 3, 9), np.float32)))
""")


def test_file_cache(tmp_path):
    """Another process reads the kernels of the first; a cache that is damaged or away is no error."""
    code = COUNT + """
x = np.ones((4, 5, 6), np.float32)
for function in (md.element, md.channel, md.alpha, md.feature_alpha):
    function(x, .5, seed=1)
md.element(x[:, ::2, ::-1], seed=1)
print(*md._core.kernel_statistics().values(), md.element(x, .5, seed=1).tobytes().hex())
"""
    cache = tmp_path / "cache"
    environment = {"DROPOUT_CACHE_DIR": str(cache)}

    def run():
        resident, compiled, loaded, result = run_python(code, environment=environment).split()
        return int(resident), int(compiled), int(loaded), result

    resident, compiled, loaded, result = run()
    assert (resident, compiled, loaded) == (5, 5, 0)
    files = [os.path.join(folder, name) for folder, _, names in os.walk(cache) for name in names]
    assert len(files) >= 5
    assert all(stat.S_IMODE(os.stat(f).st_mode) & 0o022 == 0 for f in files), "nobody else writes there"
    assert run() == (5, 0, 5, result), "all are read"
    for number, name in enumerate(files):  # Cut, altered and empty files are compiled again.
        data = open(name, "rb").read()
        damaged = (data[:len(data) // 2], data[:-1] + bytes([data[-1] ^ 1]), b"")[number % 3]
        with open(name, "wb") as f:
            f.write(damaged)
    resident, compiled, loaded, again = run()
    assert (resident, compiled, again) == (5, 5, result)
    assert run() == (5, 0, 5, result), "and stored again"
    # Where there is no home to keep them in, kernels are compiled each time; a folder that was asked for must be there.
    assert run_python(code, environment={"DROPOUT_CACHE_DIR": None, "XDG_CACHE_HOME": None,
                                         "HOME": "/proc/none"}).split() == ["5", "5", "0", result]
    (tmp_path / "file").write_text("no folder")
    message = run_python("""
import numpy as np, mlir_dropout as md
try:
    md.element(np.ones(3, np.float32))
except ValueError as error:
    print(error)
    assert md.default_generator.offset == 0
""", environment={"DROPOUT_CACHE_DIR": str(tmp_path / "file" / "below")})
    assert "DROPOUT_CACHE_DIR" in message and "below" in message


def test_warm_calls_compile_nothing():
    """A thousand calls in any order after the first of each sort: the count stays."""
    rng = np.random.default_rng(2)
    arrays = [random((rng.integers(1, 9), 6), ty, 1) for ty in TYPES for _ in range(5)]

    def once():
        for k, x in enumerate(arrays):
            seed, offset = SEEDS[k]
            list(KINDS.values())[k % 4](x, float(rng.uniform()), seed=seed, offset=offset, training=bool(k % 3))

    once()
    before = md._core.kernel_statistics()
    for _ in range(10):
        once()
    assert md._core.kernel_statistics() == before
    assert re.fullmatch(r"\d+\.\d+.*", md.__version__)


def test_tiles_compile_once():
    """Arrays that lie across their masks: one kernel for all shapes and orders, and one for what draws nothing."""
    run_python(PROGRAM_OF_TILES)


PROGRAM_OF_TILES = """
import numpy as np
import mlir_dropout as md


def count():
    return md._core.kernel_statistics()["resident"]


x = np.ones((64, 64), np.float32, order="F")
md.element(x, .5, seed=1)
first = count()
for shape in [(64, 257), (257, 64), (33, 65), (8, 64, 32), (5, 4, 33, 70)]:
    md.element(np.ones(shape, np.float32, order="F"), .5, seed=1)
    md.element(np.ones(shape, np.float32, order="F"), .5, seed=1, position=([3] * len(shape), [300] * len(shape)))
assert count() == first == 1, (first, count())
"""
