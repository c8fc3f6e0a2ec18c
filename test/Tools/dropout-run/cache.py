# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""dropout-run keeps compiled programs where it is told to, and nowhere else."""

# RUN: rm -rf %t && mkdir -p %t && %python %s %t

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

folder = sys.argv[1]
run = os.environ["DROPOUT_RUN"]
program = os.path.join(folder, "program.mlir")
with open(program, "w") as file:
    file.write("""
func.func @one(%a: i64) -> i64 { return %a : i64 }
func.func @two(%a: i64) -> i64 { %b = arith.addi %a, %a : i64 return %b : i64 }
""")
# No directory of the person who runs the tests.
clean = {key: value for key, value in os.environ.items() if key != "DROPOUT_CACHE_DIR"}
clean.update(HOME=os.path.join(folder, "home"), XDG_CACHE_HOME=os.path.join(folder, "xdg"))


def call(*options, environment={}, function="two", stdin=None):
    return subprocess.run(
        [run, "-" if stdin else program, f"--entry-point={function}", *options],
        env={**clean, **environment}, capture_output=True, text=True, input=stdin)


def check(result, text):
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == text and result.stderr == "", (result.stdout, result.stderr)


def entries(directory):
    """Name -> inode: an entry that is written again has another one."""
    return {name: os.stat(os.path.join(directory, name)).st_ino for name in os.listdir(directory)}


two = "result #0 : i64 = 42"
value = ("--input", "21")

# Off by default, when the variable is empty and when told so.
check(call(*value), two)
check(call(*value, environment={"DROPOUT_CACHE_DIR": ""}), two)
named = os.path.join(folder, "named")
check(call(*value, "--no-cache", environment={"DROPOUT_CACHE_DIR": named}), two)
assert sorted(os.listdir(folder)) == ["program.mlir"], os.listdir(folder)

# By the option, which wins over the variable; created for its user alone.
cache = os.path.join(folder, "new", "cache")
option = f"--cache-dir={cache}"
check(call(*value, option, environment={"DROPOUT_CACHE_DIR": named}), two)
assert not os.path.exists(named)
assert os.stat(cache).st_mode & 0o7777 == 0o700
first = entries(cache)
assert len(first) == 1
check(call(*value, option), two)
assert entries(cache) == first
# By the variable, the same entry; and from another file of the same bytes.
check(call(*value, environment={"DROPOUT_CACHE_DIR": cache}), two)
with open(program) as file:
    check(call(*value, option, stdin=file.read()), two)
assert entries(cache) == first
# What the code depends on makes another entry; what it does not, none.
check(call(*value, option, function="one"), "result #0 : i64 = 21")
check(call(*value, option, "-O1"), two)
check(call(*value, option, "--lowering=affine"), two)
assert len(entries(cache)) == 4
check(call(*value, option, "--verify-each", "--seed=1", "--eval"), two)
assert len(entries(cache)) == 4

# A damaged entry is compiled again and replaced, without a word.
[name] = first
entry = os.path.join(cache, name)
with open(entry, "rb") as file:
    good = file.read()
for bad in (b"", good[:50], good[:-1], good + b"\0", bytes(len(good)),
            good[:200] + bytes([good[200] ^ 4]) + good[201:]):
    with open(entry, "wb") as file:
        file.write(bad)
    check(call(*value, option), two)
    assert open(entry, "rb").read() == good
# As is one that others may have written.
os.chmod(entry, 0o666)
check(call(*value, option), two)
assert os.stat(entry).st_mode & 0o7777 == 0o600

# Many processes at once: one entry, nothing left behind.
shared = os.path.join(folder, "shared")
with ThreadPoolExecutor(6) as pool:
    for result in pool.map(lambda _: call(*value, f"--cache-dir={shared}"), range(6)):
        check(result, two)
assert list(entries(shared)) == [name]

# Errors, when the directory was named.
os.symlink(cache, os.path.join(folder, "link"))
os.mkdir(os.path.join(folder, "open"))
os.chmod(os.path.join(folder, "open"), 0o777)


def fails(message, *options, environment={}):
    result = call(*value, *options, environment=environment)
    assert result.returncode == 1 and result.stdout == "", result
    assert result.stderr.strip() == f"error: {message}", result.stderr


for which, reason in (
        ("link", "expected a directory, but got a file or a symbolic link"),
        ("open", "expected it to be writable by its owner alone, but its mode is 0777"),
        ("program.mlir", "expected a directory, but got a file or a symbolic link")):
    path = os.path.join(folder, which)
    text = f"cannot keep compiled programs in {path}: {reason}"
    fails(f"--cache-dir: {text}", f"--cache-dir={path}")
    fails(f"DROPOUT_CACHE_DIR: {text}", environment={"DROPOUT_CACHE_DIR": path})
fails("--cache-dir: expected the name of a directory, but got ''", "--cache-dir=")
fails("expected --cache-dir or --no-cache, but got both", option, "--no-cache")
result = call("--emit=llvm", option)
assert result.stderr.startswith("error: expected no --cache-dir together with --emit"), result.stderr
