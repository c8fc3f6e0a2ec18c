# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# fork and spawn, at any time; each case in a process of its own.

import subprocess
import sys

from support import process_state, run_python

PRELUDE = """
import os, signal, sys, threading, time
import numpy as np
import mlir_dropout as md

x = np.arange(1, 9, dtype=np.float32)
big = np.ones(1 << 20, np.float32)  # 4 MiB: shared among threads.
WANT = md.mask(1 << 16, .3, seed=42, offset=7).tobytes()
ALPHA = md.alpha(big, .5, seed=1).tobytes()


def check():
    assert md.mask(1 << 16, .3, seed=42, offset=7).tobytes() == WANT
    md.set_num_threads(3)
    assert md.alpha(big, .5, seed=1).tobytes() == ALPHA


def child(function):
    # Its exit code; killed after a while, since a lock that nobody holds is waited for for ever.
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            signal.alarm(60)
            function()
            code = 0
        except BaseException:
            import traceback
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    assert status == 0, f"child ended with status {status}"
"""


def test_fork():
    """A child draws the same masks, has kernels of its own from then on, and threads; so do its children."""
    run_python(PRELUDE + """
md.set_num_threads(3)
check()  # The pool is there.
md.manual_seed(5)
md.default_generator.reserve()
own, named = md.Generator(6, 7), md.named_generator("data", 8)
want = md.element(x, seed=5, offset=1).tobytes()


def grandchild():
    check()
    assert md.default_generator.reserve() == (5, 2)


def body():
    assert len(os.listdir("/proc/self/task")) == 1
    check()
    assert len(os.listdir("/proc/self/task")) > 1, "the parent's threads are not here"
    assert md.element(x).tobytes() == want and md.default_generator.offset == 2
    assert own.reserve() == (6, 7) and named.reserve() == (8, 0)
    # New kernels and programs.
    assert (md.element(x.astype(np.float16), seed=1) == md.element(x, seed=1)).all()
    md.compile("func.func @f(%x: tensor<?xf32>) -> tensor<?xf32> { return %x : tensor<?xf32> }", cache=False)(x)
    child(grandchild)
    threading.Thread(target=check).start()


child(body)
assert md.default_generator.offset == 1 and own.offset == 7 and named.offset == 0, "the parent does not move"
check()
with md.training(False):
    def inside():
        assert not md.is_training()
        assert (md.element(x) == x).all()
    child(inside)
assert md.is_training()
""")


def test_fork_with_threads_inside():
    """While others compile, run, draw and share: the child never waits for a lock of a thread that is gone."""
    run_python(PRELUDE + """
stop = threading.Event()
generator = md.Generator(1)


def compiler():
    number = 0
    while not stop.is_set():
        number += 1
        md.compile(f"func.func @f(%x: tensor<{number}xf32>) -> tensor<{number}xf32> {{ %y = dropout.element %x p = 0.5 "
                   f": tensor<{number}xf32>\\n return %y : tensor<{number}xf32> }}", cache=False)


def kernels():
    import itertools
    for rounds, resolution, dtype, dims in itertools.product((10, 7), (16, 8), (np.float32, np.float64, np.float16),
                                                             itertools.permutations(range(3))):
        if stop.is_set():
            return
        md.channel(np.ones((2, 3, 4), dtype), .5, seed=1, mask_dims=dims, rounds=rounds, resolution=resolution)


def runner():
    while not stop.is_set():
        md.alpha(big, .5, seed=1)


def drawer():
    while not stop.is_set():
        md.element(x, generator=generator)
        md.element(x)


def body():
    check()
    md.element(x)
    generator.reserve()
    assert (md.element(x[::-2].astype(np.float64), seed=1) == md.element(x[::-2], seed=1)).all()
    md.compile("func.func @f() { return }", cache=False)()
    if os.getpid() % 3 == 0:
        child(check)


md.set_num_threads(2)
workers = [threading.Thread(target=f) for f in (compiler, compiler, kernels, runner, drawer)]
for worker in workers:
    worker.start()
try:
    for _ in range(int(sys.argv[1])):
        child(body)
        time.sleep(.002)
finally:
    stop.set()
    for worker in workers:
        worker.join()
check()
""", 12)


def test_fork_from_a_thread():
    run_python(PRELUDE + """
errors = []


def body():
    try:
        child(check)
    except BaseException as error:
        errors.append(error)


workers = [threading.Thread(target=body) for _ in range(4)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
assert not errors, errors
""")


def test_multiprocessing(tmp_path):
    """Workers that are spawned, forked or served give the parent's bits, each from its own fork of a generator."""
    script = tmp_path / "work.py"
    script.write_text("""
import multiprocessing, sys
import numpy as np
import mlir_dropout as md


def work(argument):
    generator, shape = argument
    return md.element(np.ones(shape, np.float32), .5, generator=generator).tobytes(), generator.offset


if __name__ == "__main__":
    generator = md.Generator(9)
    for method in ("spawn", "fork", "forkserver"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            ranks = [generator.fork("data", rank) for rank in range(4)]
            results = pool.map(work, [(rank, 1000) for rank in ranks])
        assert [offset for _, offset in results] == [1] * 4
        for rank, (got, _) in zip(ranks, results):
            assert rank.offset == 0
            assert got == md.element(np.ones(1000, np.float32), .5, seed=rank.seed, offset=0).tobytes(), method
        assert len({got for got, _ in results}) == 4
    print("ok")
""")
    result = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120)
    assert result.stdout.strip() == "ok", result.stderr


def test_exit_while_running():
    """The process ends in order while daemon threads are inside of the library."""
    run_python(PRELUDE + """
def forever():
    while True:
        md.element(x)
        md.alpha(big, .5)


def compiler():
    number = 0
    while True:
        number += 1
        md.compile(f"func.func @f(%x: tensor<{number}xf32>) {{ return }}", cache=False)


md.set_num_threads(2)
for function in (forever, compiler):
    threading.Thread(target=function, daemon=True).start()
time.sleep(.3)
""")


def test_interrupt():
    """Ctrl-C ends a loop of calls with KeyboardInterrupt, and all works on."""
    run_python(PRELUDE + """
# A shell without job control starts what it puts into the background with interrupts ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
signal.setitimer(signal.ITIMER_REAL, .2)
generator = md.Generator(1)
try:
    while True:
        with md.training(True), md.seed_scope(3, generator=generator):
            md.alpha(big, .5, generator=generator)
except KeyboardInterrupt:
    pass
else:
    raise AssertionError
assert md.is_training() and generator.offset in (0, 1)
check()
""")


def test_threads_of_the_environment():
    code = "import mlir_dropout as md; print(md.get_num_threads())"
    assert run_python(code, environment={"MLIR_DROPOUT_NUM_THREADS": "5"}).strip() == "5"
    wrong = """
try:
    import mlir_dropout
except ImportError as error:
    print(error)
"""
    for value in ("many", "-1", "1.5"):
        message = run_python(wrong, environment={"MLIR_DROPOUT_NUM_THREADS": value})
        assert "MLIR_DROPOUT_NUM_THREADS" in message and repr(value) in message


def test_fork_while_generators_draw():
    """A child draws from a generator that other threads were drawing from when it was forked."""
    run_python(PRELUDE + """
generator, end = md.Generator(3), time.monotonic() + 3


def draw():
    while time.monotonic() < end:
        md.element(x, generator=generator)


workers = [threading.Thread(target=draw) for _ in range(2)]
for worker in workers:
    worker.start()
while time.monotonic() < end:
    child(lambda: generator.reserve())
for worker in workers:
    worker.join()
""")
