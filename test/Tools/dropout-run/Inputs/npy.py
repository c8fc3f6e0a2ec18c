# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# npy.py DIR: .npy files of every kind through dropout-run and back, and
# malformed ones, each of which must give one error line and no output.

import os
import struct
import subprocess
import sys

import numpy as np

folder = sys.argv[1]
run = os.environ["DROPOUT_RUN"]
case = 0


def path(name):
    return os.path.join(folder, name)


def call(type, file, out, timeout=60):
    """Passes the file through the identity of that tensor type."""
    source = path("identity.mlir")
    with open(source, "w") as f:
        f.write(f"func.func @f(%x: {type}) -> {type} {{ return %x : {type} }}\n")
    return subprocess.run(
        [run, source, "--entry-point=f", "--input", file, "--output", out],
        capture_output=True, text=True, timeout=timeout)


def good(type, array, want=None, write=None):
    """The file comes back with the same elements, dtype and shape."""
    global case
    case += 1
    file, out = path(f"{case}-in.npy"), path(f"{case}-out.npy")
    if write:
        with open(file, "wb") as f:
            write(f, array)
    else:
        np.save(file, array)
    result = call(type, file, out)
    assert result.returncode == 0, (type, result.stderr)
    got = np.load(out)
    want = array if want is None else want
    assert got.dtype == want.dtype and got.shape == want.shape, (type, got)
    assert got.tobytes() == np.ascontiguousarray(want).tobytes(), (type, got)
    with open(out, "rb") as f:
        assert f.read(8) == b"\x93NUMPY\1\0"
        header, = struct.unpack("<H", f.read(2))
        assert (10 + header) % 64 == 0
    return result


def bad(data, message, type="tensor<?x?xf32>"):
    """The file is refused with a message that names it."""
    global case
    case += 1
    file, out = path(f"{case}-bad.npy"), path(f"{case}-out.npy")
    with open(file, "wb") as f:
        f.write(data)
    result = call(type, file, out)
    assert result.returncode == 1, (message, result)
    error = result.stderr.strip()
    assert error.startswith("error: ") and "\n" not in error, error
    assert os.path.basename(file) in error and message in error, (message, error)
    assert not os.path.exists(out)


def npy(header, data=b"", version=(1, 0), length=None):
    if isinstance(header, str):
        header = header.encode()
    header += b"\n"
    size = len(header) if length is None else length
    size = struct.pack("<H", size) if version[0] == 1 else struct.pack("<I", size)
    return b"\x93NUMPY" + bytes(version) + size + header + data


# Every dtype, signed and unsigned for signless integers.
values = [0, 1, 2, 100, 127, 255]
for type, dtypes in {
        "i1": ["?"], "i8": ["i1", "u1"], "i16": ["<i2", "<u2"],
        "i32": ["<i4", "<u4"], "i64": ["<i8", "<u8"], "index": ["<i8", "<u8"],
        "f16": ["<f2"], "bf16": ["<u2"], "f32": ["<f4"], "f64": ["<f8"]}.items():
    for dtype in dtypes:
        array = np.array(values).astype(dtype).reshape(2, 3)
        # A result has the type's own dtype, not that of the input.
        good(f"tensor<2x3x{type}>", array, array.astype(dtypes[0]))

# Every rank, empty arrays, static and dynamic sizes, Fortran order.
good("tensor<f32>", np.array(3, "f4"))
good("tensor<?xf32>", np.arange(5, dtype="f4"))
good("tensor<0xf32>", np.zeros(0, "f4"))
good("tensor<?x3xf32>", np.zeros((0, 3), "f4"))
good("tensor<3x?x0xf32>", np.zeros((3, 2, 0), "f4"))
good("tensor<2x3x4xf32>", np.asfortranarray(np.arange(24, dtype="f4").reshape(2, 3, 4)))
good("tensor<?x?x?xi8>", np.asfortranarray(np.arange(24, dtype="i1").reshape(2, 3, 4)))
good("tensor<1x2x1x2x1x2xf64>", np.arange(8, dtype="f8").reshape(1, 2, 1, 2, 1, 2))

# NaNs keep their bits.
good("tensor<4xf32>", np.array([0x7F800001, 0xFFC12345, 0x80000000, 1], "<u4").view("<f4"))

# Memrefs: in place, in the dtype of the file; strides that the type states.
for type, array in [("memref<2x3xi8>", np.arange(6, dtype="u1").reshape(2, 3)),
                    ("memref<2x3xf32, strided<[10, 2], offset: 3>>",
                     np.arange(6, dtype="f4").reshape(2, 3)),
                    ("memref<2x3xf32, strided<[1, ?]>>",
                     np.arange(6, dtype="f4").reshape(2, 3)),
                    ("memref<?x?xf32, strided<[?, ?], offset: ?>>",
                     np.asfortranarray(np.arange(6, dtype="f4").reshape(2, 3)))]:
    source, file, out = path("memref.mlir"), path("memref.npy"), path("memref-out.npy")
    with open(source, "w") as f:
        f.write(f"func.func @f(%x: {type}) {{ return }}\n")
    np.save(file, array)
    subprocess.run([run, source, "--input", file, "--output", out], check=True)
    got = np.load(out)
    assert got.dtype == array.dtype and (got == array).all(), (type, got)

# Format versions.
array = np.arange(6, dtype="f4").reshape(2, 3)
for version in [(1, 0), (2, 0), (3, 0)]:
    good("tensor<2x3xf32>", array,
         write=lambda f, a: np.lib.format.write_array(f, a, version=version))
header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"
data = array.tobytes()
for text in ["{'shape': (2, 3), 'fortran_order': False, 'descr': '<f4'}",
             '{"descr":"<f4","fortran_order":False,"shape":(2,3)}   ',
             "{'descr': '<f4', 'fortran_order': False, 'shape': ( 2,\n3 , ) , }"]:
    good("tensor<2x3xf32>", array, write=lambda f, a: f.write(npy(text, data)))

# Malformed files.
whole = npy(header, data)
for end in list(range(0, len(whole) - len(data), 7)) + [len(whole) - 1]:
    bad(whole[:end], "expected")
bad(whole + b"x", "expected 24 bytes of elements, but got 25")
bad(whole[:-1], "expected 24 bytes of elements, but got 23")
bad(b"\x93NUMPZ" + whole[6:], "expected a .npy file")
bad(npy(header, data, version=(4, 0)), "expected format version 1.0, 2.0 or 3.0, but got 4.0")
bad(npy(header, data, version=(0, 0)), "expected format version")
bad(npy(header, data, version=(1, 1)), "expected format version")
bad(npy(header, data, version=(2, 0), length=0xFFFFFFFF), "expected a header of at most 10000 bytes, but got 4294967295")
bad(npy(header, data, length=60000), "expected a header of at most 10000 bytes")
bad(npy(header + " " * 9000, data, length=9900), "expected a complete header")
for dtype in [">f4", "<c8", "|O", "|S4", "<f16", "<M8[s]", "f4", "<u3", "", "=f4", "|b2"]:
    bad(npy(header.replace("<f4", dtype), data), "expected dtype")
bad(npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 3)}", data), "expected a plain dtype string")
bad(npy("{'descr': '<f4', 'fortran_order': 0, 'shape': (2, 3)}", data), "expected True or False")
bad(npy("{'descr': '<f4', 'fortran_order': False}", data), "once each")
bad(npy("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}", data), "once each")
bad(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'x': 1}", data), "once each")
bad(npy(header + "x", data), "expected nothing after '}'")
bad(npy(header[:-1], data), "expected")
bad(npy(header[1:], data), "expected '{'")
bad(npy("\0" * 60, data), "expected '{'")
for shape in ["(2, -3)", "(2 3)", "2, 3", "(2, 3", "(2, 3]", "(2, 3.0)", "(,)", "(2,,3)",
              "(9223372036854775808,)", "(99999999999999999999999,)", "()x", "(a,)"]:
    bad(npy(header.replace("(2, 3)", shape), data), "expected")
bad(npy(header.replace("(2, 3)", "(4611686018427387904, 4)"), data), "expected a shape of less than 2^63 bytes")
bad(npy(header.replace("(2, 3)", "(0, 4611686018427387904, 4)")), "expected a shape of less than 2^63 bytes")
bad(npy(header.replace("(2, 3)", "(1000000000, 1000000000)"), data), "expected 4000000000000000000 bytes")
bad(npy(header.replace("(2, 3)", "(" + "1," * 65 + ")"), b"1234"), "expected at most 64 dims")
bad(npy(header.replace("<f4", "|b1"), b"\0\1\0\1\2\0"), "expected bool elements 0 or 1, but got 2", type="tensor<2x3xi1>")
bad(npy(header.replace("(2, 3)", "(2, " + "(" * 5000), data), "expected")

# Layouts that keep no two elements apart, or that nothing fits.
for type, message in [("memref<2x3xf32, strided<[1, 1]>>", "keep its elements apart"),
                      ("memref<2x3xf32, strided<[0, 1]>>", "keep its elements apart"),
                      ("memref<2x3xf32, strided<[-3, 1], offset: 3>>", "no negative stride"),
                      ("memref<2x3xf32, strided<[4611686018427387904, 1]>>", "fit into memory")]:
    file = path("layout.npy")
    np.save(file, array)
    with open(source, "w") as f:
        f.write(f"func.func @f(%x: {type}) {{ return }}\n")
    result = subprocess.run([run, source, "--input", file], capture_output=True, text=True)
    assert result.returncode == 1 and message in result.stderr, (type, result)

# Every byte of a good file, altered: read or refused, never a crash.
header_length = len(whole) - len(data)
file, out = path("altered.npy"), path("altered-out.npy")
for position in range(0, header_length, 3):
    for value in (0, 255):
        altered = bytearray(whole)
        altered[position] = value
        with open(file, "wb") as f:
            f.write(altered)
        result = call("tensor<?x?xf32>", file, out)
        assert result.returncode in (0, 1), (position, value, result)

leftovers = [name for name in os.listdir(folder) if name.endswith(".tmp")]
assert not leftovers, leftovers
print(f"npy: {case} files")
