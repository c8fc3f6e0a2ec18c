# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Threads: those that share an array give the same bits, whatever their number;
# those of the caller may all call at once, and draw offsets without a gap.

import threading
import time

import numpy as np
import pytest
from support import DTYPES, KINDS, TYPES, Guarded, call, md, process_state, random, run_python, same, threads

MIB = 1 << 20
SHARED = 4 * MIB  # What threads share from.


def run_all(*functions):
    """Runs the functions on a thread each; raises what one of them raised."""
    errors = []

    def guard(function):
        try:
            function()
        except BaseException as error:
            errors.append(error)

    workers = [threading.Thread(target=guard, args=(f,)) for f in functions]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if errors:
        raise errors[0]


def test_same_bits():
    """Sizes around the cut of 4 MiB, and those that leave pieces of all lengths."""
    for k, kind in enumerate(KINDS):
        for t, ty in enumerate(TYPES):
            size = np.dtype(DTYPES[ty]).itemsize
            cut = SHARED // size
            for n in (cut - 1, cut, cut + 1, 2 * cut - 4096, 3 * cut + 4095)[(k + t) % 3:]:
                shape = {"channel": (1, n), "feature_alpha": (n, 1)}.get(kind, (n,))
                x = random(4096, ty, k)
                x = np.resize(x, n).reshape(shape)
                out = Guarded(shape, DTYPES[ty])
                for backward in (False, True)[:1 + (k + t) % 2]:
                    want = None
                    for count in (1, 2, 3, 7):
                        out.array[...] = 0
                        what = f"{kind} {ty} {n} backward {backward} threads {count}"
                        with threads(count):
                            call(kind, x, .3, backward, seed=k, offset=t, out=out.array)
                        out.check(what)
                        want = out.array.copy() if want is None else want
                        same(out.array, want, what)
    for n in (SHARED - 1, SHARED, SHARED + 1, 3 * SHARED + 5):
        with threads(1):
            want = md.mask(n, .3, seed=n)
        for count in (2, 3, 7):
            with threads(count):
                same(md.mask(n, .3, seed=n), want, f"mask {n} threads {count}")


def test_cut_along_any_dim():
    """The longest dim may be anywhere, and masks in any order."""
    for shape in ((2, 600_000), (600_000, 2), (2, 600_001, 1), (1, 2, 3, 199_999), (1200, 1000)):
        x = random(shape, "f32")
        for dims in ((0, 1), (1, 0), (1,), (len(shape) - 1,)):
            for array in (x, np.asfortranarray(x)):
                with threads(1):
                    want = md.channel(array, .4, seed=5, mask_dims=dims)
                for count in (2, 7):
                    with threads(count):
                        same(md.channel(array, .4, seed=5, mask_dims=dims), want, f"{shape} {dims} threads {count}")
                        same(md.channel(array.copy("K"), .4, seed=5, mask_dims=dims, inplace=True), want, "in place")


def test_threads_are_used():
    """Threads of the library's own appear with the first array that is shared, and not before."""
    run_python("""
import os
import numpy as np
import mlir_dropout as md
count = lambda: len(os.listdir("/proc/self/task"))
md.element(np.ones(8, np.float32), .5)
before = count()
md.set_num_threads(2)
md.element(np.ones((1 << 20) - 1, np.float32), .5)  # Less than 4 MiB.
md.set_num_threads(1)
md.element(np.ones(1 << 22, np.float32), .5)
assert count() == before, "nothing to share"
md.set_num_threads(2)
md.element(np.ones(1 << 20, np.float32), .5)
assert count() > before, "4 MiB are shared"
""")


def test_torch_setting():
    """Tensors take torch's number of threads; the bits are the same."""
    torch = pytest.importorskip("torch")
    x = torch.ones(MIB)
    old = torch.get_num_threads()
    try:
        results = []
        for n in (1, 2, 3):
            torch.set_num_threads(n)
            results.append(md.element(x, .5, seed=1))
        assert all(torch.equal(r, results[0]) for r in results)
    finally:
        torch.set_num_threads(old)


def test_callers_in_parallel():
    """Eight callers with explicit seeds, on small and shared arrays at once, each get their bits."""
    small, large = random((64,), "f32"), random((MIB // 2,), "f32")
    want = {}
    for seed in range(8):
        want[seed] = md.element(small, .5, seed=seed), md.alpha(large, .3, seed=seed)

    def caller(seed):
        def body():
            for _ in range(200):
                same(md.element(small, .5, seed=seed), want[seed][0], f"seed {seed}, small")
            for _ in range(4):
                same(md.alpha(large, .3, seed=seed), want[seed][1], f"seed {seed}, large")
        return body

    with threads(3):
        run_all(*map(caller, range(8)))


def test_draws_in_parallel():
    """n draws take n offsets without a gap, whatever draws them; each result is that of its offset."""
    x = np.ones(64, np.float32)
    compiled = md.compile("""func.func @f(%x: tensor<?xf32>) -> tensor<?xf32> {
      %y = dropout.element %x p = 0.5 : tensor<?xf32>
      return %y : tensor<?xf32>
    }""")
    for generator in (md.Generator(3), md.named_generator("data", 3), md.manual_seed(3)):
        offsets, results = [], []

        def reserve():
            offsets.extend([generator.reserve()[1] for _ in range(300)])

        def element():
            results.extend([md.element(x, .5, generator=generator).tobytes() for _ in range(300)])

        def refused():
            for _ in range(300):
                try:
                    md.element(x, 2.0, generator=generator)
                except ValueError:
                    pass

        def program():
            results.extend([compiled(x).tobytes() for _ in range(300)])

        workers = [reserve, reserve, element, element, refused]
        if generator is md.default_generator:
            workers.append(program)
        run_all(*workers)
        count = 300 * (len(workers) - 1)
        assert generator.offset == count, str(generator)
        assert len(set(offsets)) == len(offsets)
        rest = sorted(set(range(count)) - set(offsets))
        want = [md.element(x, .5, seed=3, offset=offset).tobytes() for offset in rest]
        assert sorted(results) == sorted(want), f"{generator}: the other offsets, each once"


def test_first_use_in_parallel():
    """A kernel that several threads want at once is compiled once."""
    x = np.ones((3, 4, 5, 2, 3), np.float64)[:, ::2, 1:, ::-1, :2]
    before = md._core.kernel_statistics()["resident"]
    results = []
    options = dict(seed=1, rounds=7, resolution=8, mask_dims=(4, 1, 3))
    run_all(*[lambda: results.append(md.feature_alpha(x, .5, **options))] * 6)
    assert md._core.kernel_statistics()["resident"] == before + 1
    for y in results:
        same(y, results[0], "the same kernel")


def test_lock_is_released():
    """Other Python threads run while a kernel does, and while a program is compiled: none stands still as long."""
    x = np.ones(1 << 26, np.float32)  # Some tens of ms.
    out = np.empty_like(x)

    def kernel():
        md.alpha(x, .5, seed=2, out=out)

    def compiler():
        md.compile("func.func @f(%x: tensor<?x7xf32>) -> tensor<?x7xf32> { %y = dropout.alpha %x p = 0.125 : "
                   "tensor<?x7xf32>\nreturn %y : tensor<?x7xf32> }", cache=False)

    with threads(1):
        for work in (kernel, compiler):
            work()
            shares = []
            for _ in range(6):
                times = [None, None]

                def body():
                    times[0] = time.perf_counter()
                    work()
                    times[1] = time.perf_counter()

                worker = threading.Thread(target=body)
                longest, last = 0.0, time.perf_counter()
                worker.start()
                while times[1] is None:
                    now = time.perf_counter()
                    longest, last = max(longest, now - last), now
                longest = max(longest, time.perf_counter() - last)
                worker.join()
                shares.append(longest / (times[1] - times[0]))
            assert min(shares) < .5, f"{work.__name__}: the interpreter stood still for {shares} of the call"


def test_scopes_of_other_threads():
    """The mode belongs to the process, as documented: another thread sees it."""
    seen = []
    with md.training(False):
        run_all(lambda: seen.append(md.is_training()))
    run_all(lambda: seen.append(md.is_training()))
    assert seen == [False, True]


def test_first_calls_in_parallel():
    """Two threads make the first call of a process, which imports NumPy: neither waits for the other for ever."""
    run_python("""
import array, faulthandler, threading
import mlir_dropout as md
faulthandler.dump_traceback_later(60, exit=True)
barrier, x = threading.Barrier(2), array.array("f", [1] * 8)


def call():
    barrier.wait()
    md.element(x, .5, seed=0)


workers = [threading.Thread(target=call) for _ in range(2)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
""")


def test_no_thread_to_be_had():
    """Where the system starts no thread, the one that calls does the work, with the same bits."""
    run_python("""
import os, resource
import numpy as np
import mlir_dropout as md
x = np.ones(1 << 20, np.float32)
md.set_num_threads(1)
want = md.element(x, .5, seed=1).tobytes()
if os.getuid() == 0:  # No limit holds for root.
    os.setgid(65534)
    os.setuid(54321)
resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
md.set_num_threads(4)
assert md.element(x, .5, seed=1).tobytes() == want
""")
