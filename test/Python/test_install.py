# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# `pip wheel ./python`, what is in the wheel, that it runs from another folder
# that cannot be written to, and what people read when something is missing.

import email
import importlib.machinery
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest

SUFFIX = importlib.machinery.EXTENSION_SUFFIXES[0]
CORE, LIBRARY = "mlir_dropout/_core" + SUFFIX, "mlir_dropout/libdropout_c.so"
LLVM_LIBRARIES = {"libMLIR.so.22.1", "libLLVM.so.22.1"}
# What every Linux with a C++ program has.
SYSTEM_LIBRARIES = {"libc.so.6", "libgcc_s.so.1", "libm.so.6", "libstdc++.so.6", "ld-linux-x86-64.so.2"}

# Prints the first keep bits of the contract's first known answer.
PROGRAM = """
import numpy, mlir_dropout
x = numpy.ones(32, numpy.float32)
y = mlir_dropout.element(x, 0.5, seed=0, offset=0)
print(mlir_dropout.__file__)
print("".join("1" if value else "0" for value in y))
"""
KNOWN_ANSWER = "10111111110001101000000011000100"


def environment(**changes):
    """Ours without what the tests put into it, and without what could choose another compiler or library."""
    hidden = ("PYTHON", "LD_", "CC", "CXX", "CMAKE_", "SKBUILD", "DROPOUT_", "ASAN_", "UBSAN_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    env.update(changes)
    return env


def run(*command, **options):
    options.setdefault("env", environment())
    return subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, universal_newlines=True, **options)


def check(*command, **options):
    done = run(*command, **options)
    assert done.returncode == 0, f"{' '.join(map(str, command))}: exit status {done.returncode}\n{done.stdout}"
    return done.stdout


def flat(text):
    """CMake breaks lines and pip indents them."""
    return " ".join(text.split())


@pytest.fixture(scope="module", autouse=True)
def plain_build(sanitized):
    if sanitized:
        pytest.skip("sanitizers: the wheel is built without them")


@pytest.fixture(scope="module")
def folder():
    """A folder that every user can look into."""
    path = Path(tempfile.mkdtemp(prefix="dropout-install-"))
    path.chmod(0o755)
    yield path
    for directory, _, _ in os.walk(path):
        os.chmod(directory, 0o755)
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def llvm(build):
    """The prefix of LLVM that the build tree was configured with."""
    with open(build / "CMakeCache.txt") as cache:
        found = re.search(r"^MLIR_DIR:\w+=(.*)/lib/cmake/mlir$", cache.read(), re.MULTILINE)
    return Path(found.group(1))


@pytest.fixture(scope="module")
def pip_wheel(root, llvm):
    """`pip wheel ./python` with a CMake build folder and more settings for CMake."""
    def call(output, cmake_build, **defines):
        if llvm != Path("/usr/lib/llvm-22"):
            defines.setdefault("MLIR_DIR", f"{llvm}/lib/cmake/mlir")
        return run(sys.executable, "-m", "pip", "wheel", "--no-build-isolation", "--no-index", "--no-deps",
                   f"--wheel-dir={output}", f"--config-settings=build-dir={cmake_build}",
                   *(f"--config-settings=cmake.define.{name}={value}" for name, value in defines.items()),
                   "./python", cwd=root)
    return call


@pytest.fixture(scope="module")
def wheel(folder, build, pip_wheel):
    """The wheel. Its object files are kept, so that only what changed is compiled again."""
    done = pip_wheel(folder / "wheel", build / "wheel")
    assert done.returncode == 0, done.stdout
    found = list((folder / "wheel").iterdir())
    assert len(found) == 1, found
    return found[0]


@pytest.fixture(scope="module")
def installed(folder, wheel):
    """A clean environment with the wheel, and nothing in it that can be written to."""
    venv = folder / "somewhere else"
    check(sys.executable, "-m", "venv", "--system-site-packages", "--without-pip", venv)
    check(sys.executable, "-m", "pip", "--python", venv / "bin" / "python", "install", "--no-index", "--no-deps", wheel)
    package, = venv.glob("lib/python*/site-packages/mlir_dropout")
    for directory, _, files in os.walk(venv):
        for name in files:
            path = os.path.join(directory, name)
            if not os.path.islink(path):
                os.chmod(path, os.stat(path).st_mode & ~0o222)
        os.chmod(directory, 0o555)
    return venv / "bin" / "python", package


def as_user():
    """Root may write everywhere: another user for a child process."""
    return {"user": 65534, "group": 65534, "extra_groups": []} if os.getuid() == 0 else {}


def snapshot(path):
    return {os.path.join(directory, name): os.lstat(os.path.join(directory, name)).st_mtime_ns
            for directory, directories, files in os.walk(path) for name in directories + files}


def dynamic(llvm, path):
    """The libraries that an ELF file needs, and where it looks for them."""
    text = check(llvm / "bin" / "llvm-readelf", "--dynamic-table", path)
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", text)
    paths = [entry for found in re.findall(r"\((?:RUNPATH|RPATH)\).*\[(.*)\]", text) for entry in found.split(":")]
    return needed, paths


# ---- The wheel --------------------------------------------------------------------------------------------------


def test_names(root, wheel):
    sources = root / "python" / "mlir_dropout"
    expected = {path.relative_to(root / "python").as_posix(): path
                for pattern in ("*.py", "*.pyi", "py.typed") for path in sources.rglob(pattern)}
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        for name, path in expected.items():
            assert name in names
            assert archive.read(name) == path.read_bytes(), name
    rest = names - set(expected)
    info = f"mlir_dropout-{version(root)}.dist-info/"
    assert rest == {CORE, LIBRARY, info + "METADATA", info + "WHEEL", info + "RECORD", info + "licenses/LICENSE"}


def version(root):
    return re.search(r"project\(Dropout VERSION ([\d.]+)", (root / "CMakeLists.txt").read_text()).group(1)


def test_metadata(root, wheel):
    info = f"mlir_dropout-{version(root)}.dist-info/"
    with zipfile.ZipFile(wheel) as archive:
        metadata = email.message_from_bytes(archive.read(info + "METADATA"))
        tag = email.message_from_bytes(archive.read(info + "WHEEL"))["Tag"]
    assert metadata["Name"] == "mlir-dropout"
    assert metadata["Version"] == version(root)
    needed = [line for line in metadata.get_all("Requires-Dist") if "extra ==" not in line]
    assert [re.match(r"[\w-]+", line).group() for line in needed] == ["numpy"]
    python = "cp%d%d" % sys.version_info[:2]
    assert re.fullmatch(rf"{python}-{python}-linux_\w+", tag)


def test_libraries(folder, llvm, wheel):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "content")
    needed, paths = dynamic(llvm, folder / "content" / CORE)
    assert paths == ["$ORIGIN"]
    assert set(needed) - SYSTEM_LIBRARIES == {"libdropout_c.so"}
    needed, paths = dynamic(llvm, folder / "content" / LIBRARY)
    assert paths == ["$ORIGIN", f"{llvm}/lib"]
    assert set(needed) - SYSTEM_LIBRARIES == LLVM_LIBRARIES


def test_no_path_of_the_build_machine(root, build, wheel):
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            for path in (root, build, Path(sys.prefix)):
                at = content.find(os.fsencode(path) + b"/")
                assert at < 0, f"{name} has a path of this machine: {content[max(0, at - 80):at + 120]}"


# ---- Elsewhere --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [
    {}, {"HOME": "/nonexistent"}, {"HOME": "/proc"}, {"HOME": "relative"}, {"HOME": ""},
    {"DROPOUT_CACHE_DIR": ""}, {"XDG_CACHE_HOME": "/proc"},
], ids=lambda changes: ",".join(f"{name}={value}" for name, value in changes.items()) or "HOME unset")
def test_read_only(installed, changes):
    python, package = installed
    env = environment(**{"HOME": "unset", **changes})
    if env["HOME"] == "unset":
        del env["HOME"]
    before = snapshot(package.parent)
    output = check(python, "-c", PROGRAM, cwd="/", env=env, **as_user())
    assert output.splitlines() == [str(package / "__init__.py"), KNOWN_ANSWER]
    assert snapshot(package.parent) == before


def test_named_cache_that_is_none(installed):
    """No folder by default is fine; one that the user names is not passed over."""
    python, _ = installed
    done = run(python, "-c", PROGRAM, cwd="/", env=environment(DROPOUT_CACHE_DIR="/proc/no/such"), **as_user())
    assert done.returncode == 1
    assert "ValueError: DROPOUT_CACHE_DIR: cannot keep compiled programs in /proc/no/such" in done.stdout


def test_main(installed):
    python, package = installed
    before = snapshot(package.parent)
    output = check(python, "-m", "mlir_dropout", "--help", cwd="/", env=environment(HOME="/nonexistent"), **as_user())
    assert "usage: python -m mlir_dropout" in flat(output)
    assert snapshot(package.parent) == before


# ---- What people read when something is missing -----------------------------------------------------------------


def check_packages(root, output):
    """All that is needed, on one line, and nothing that tools/dev does not install."""
    line = re.search(r"^ *apt-get install (.*)$", output, re.MULTILINE).group(1).split()
    assert {"clang-22", "libmlir-22-dev", "llvm-22-dev", "python3-dev"} <= set(line)
    known = re.search(r"^packages_build=\((.*?)\)", (root / "tools" / "dev").read_text(), re.DOTALL | re.MULTILINE)
    assert set(line) <= set(known.group(1).split())


def test_without_llvm(root, folder, pip_wheel):
    done = pip_wheel(folder / "no-llvm", folder / "no-llvm-build", CMAKE_DISABLE_FIND_PACKAGE_MLIR="ON")
    assert done.returncode != 0
    assert "MLIR 22.1 was not found. On Debian 12" in flat(done.stdout)
    check_packages(root, done.stdout)
    assert not (folder / "no-llvm").exists() or not list((folder / "no-llvm").iterdir())


def test_other_llvm(root, folder, pip_wheel):
    done = pip_wheel(folder / "other-llvm", folder / "other-llvm-build",
                     MLIR_DIR=root / "test" / "CMake" / "Inputs" / "other-mlir")
    assert done.returncode != 0
    assert "expected MLIR 22.1, but got MLIR 21.1" in flat(done.stdout)
    check_packages(root, done.stdout)


def test_without_compiler(root, folder, pip_wheel, monkeypatch):
    tools = folder / "no-compiler-bin"
    tools.mkdir()
    for name in ("cmake", "ninja"):
        (tools / name).symlink_to(shutil.which(name))
    monkeypatch.setenv("PATH", str(tools))
    done = pip_wheel(folder / "no-compiler", folder / "no-compiler-build")
    assert done.returncode != 0
    assert "No C++ compiler was found. On Debian 12" in flat(done.stdout)
    check_packages(root, done.stdout)


def test_without_headers_and_nanobind(root, folder, llvm):
    """CMake by itself, with a Python that lacks one of them."""
    venv = folder / "bare"
    check(sys.executable, "-m", "venv", "--without-pip", venv)
    cmake = ["cmake", "-S", root, "-G", "Ninja", f"-DMLIR_DIR={llvm}/lib/cmake/mlir", "-DDROPOUT_ENABLE_PYTHON=ON",
             "-DDROPOUT_ENABLE_TESTING=OFF", f"-DPython_EXECUTABLE={venv}/bin/python"]
    done = run(*cmake, "-B", folder / "bare-build")
    assert done.returncode != 0
    assert f"expected nanobind 3.1 or later of series 3 in {venv}/bin/python, but got none" in flat(done.stdout)
    assert f"{venv}/bin/python -m pip install 'nanobind>=3.1,<4'" in flat(done.stdout)
    done = run(*cmake, "-B", folder / "headless-build", "-DPython_INCLUDE_DIR=/nonexistent")
    assert done.returncode != 0
    assert "Python 3.10 or later with its headers was not found" in flat(done.stdout)
    assert "apt-get install python3-dev" in flat(done.stdout)


def copy_package(installed, target):
    python, package = installed
    shutil.copytree(package, target / "mlir_dropout")
    for path in (target / "mlir_dropout", *(target / "mlir_dropout").rglob("*")):
        path.chmod(0o755)
    return python, target / "mlir_dropout"


def import_error(python, target):
    done = run(python, "-c", "import mlir_dropout", cwd="/", env=environment(PYTHONPATH=str(target)))
    assert done.returncode == 1
    assert "\nImportError: " in done.stdout
    return flat(done.stdout.split("\nImportError: ")[-1])


@pytest.mark.parametrize("library", sorted(LLVM_LIBRARIES))
def test_import_without_llvm(installed, tmp_path, library):
    python, package = copy_package(installed, tmp_path)
    other = library.replace("22.1", "99.9")
    content = (package / "libdropout_c.so").read_bytes()
    assert content.count(library.encode() + b"\0") == 1
    (package / "libdropout_c.so").write_bytes(content.replace(library.encode() + b"\0", other.encode() + b"\0"))
    message = import_error(python, tmp_path)
    assert message.startswith("mlir_dropout needs the shared libraries of LLVM and MLIR 22.1, but "
                              f"{other} could not be loaded ({other}: cannot open shared object file")
    assert "apt-get install libmlir-22 libllvm22" in message


def test_import_with_damaged_llvm(installed, tmp_path):
    """Not a missing file, but one that the loader refuses."""
    python, _ = copy_package(installed, tmp_path)
    (tmp_path / "libMLIR.so.22.1").write_bytes(b"not a library")
    done = run(python, "-c", "import mlir_dropout", cwd="/",
               env=environment(PYTHONPATH=str(tmp_path), LD_LIBRARY_PATH=str(tmp_path)))
    assert done.returncode == 1
    assert "but libMLIR.so.22.1 could not be loaded" in flat(done.stdout)


def test_import_for_another_python(installed, tmp_path):
    python, package = copy_package(installed, tmp_path)
    core = tmp_path / CORE
    core.rename(package / "_core.cpython-399-x86_64-linux-gnu.so")
    message = import_error(python, tmp_path)
    assert message.startswith(f"expected {core.name} in {package}, which cpython 3.")
    assert "but got _core.cpython-399-x86_64-linux-gnu.so" in message


def test_import_from_the_sources(root, installed):
    message = import_error(installed[0], root / "python")
    assert message.startswith(f"expected _core{SUFFIX} in {root / 'python' / 'mlir_dropout'}, but it is not built here")
    assert "pip install ./python" in message


# ---- The package in the build tree ------------------------------------------------------------------------------


def test_build_tree_is_fresh(root, tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "torch").mkdir(parents=True)
    target.mkdir()
    for name in ("__init__.py", "old.py", "py.typed", "torch/__init__.py", "torch/old.py", "README.md"):
        (source / name).write_text(name)
    (target / "_core.so").write_text("compiled")

    def link():
        check("cmake", f"-DSOURCE={source}", f"-DDESTINATION={target}", "-P",
              root / "cmake" / "LinkPythonSources.cmake")
        return {path.relative_to(target).as_posix(): path.read_text()
                for path in target.rglob("*") if not path.is_dir()}

    expected = {name: name for name in ("__init__.py", "old.py", "py.typed", "torch/__init__.py", "torch/old.py")}
    expected["_core.so"] = "compiled"
    assert link() == expected
    (source / "old.py").unlink()
    (source / "torch" / "old.py").unlink()
    (source / "new.py").write_text("new.py")
    (source / "__init__.py").write_text("changed")
    del expected["old.py"], expected["torch/old.py"]
    expected.update({"new.py": "new.py", "__init__.py": "changed"})
    assert link() == expected
