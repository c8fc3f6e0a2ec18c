# ===- _compile.py - Functions compiled from MLIR --------------------------===//
#
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//

from __future__ import annotations

import atexit as _atexit
from typing import Any, List, Optional, Union

from ._native import _core

__all__ = ["CompileError", "CompiledFunction", "compile"]

CompileError = _core.CompileError

# Daemon threads may be compiling when the process ends, which takes away what they
# work with.
_atexit.register(_core.stop_compiling)


class CompiledFunction:
    """A function of a compiled program; call it with arrays and scalars.

    A tensor argument takes an array of its element type and shape, of any kind that
    `element` takes; one that is not in C order is copied first. A memref argument takes
    an array that may be written to. f64, f32, bf16 and f16 take numbers, i1 takes
    booleans, and i8 to i64 and index take ints, signed or unsigned (a seed is in
    [0, 2**64)). Several results come as a tuple, arrays as the kind of the first array
    argument (NumPy's if there is none), integers as signed ints.

    Raises TypeError and ValueError for arguments, ValueError for a p that is not in
    [0, 1], LookupError for a generator that does not exist. Any number of threads may
    call; the interpreter's lock is released while the code runs.
    """

    def __init__(self, program, index: int):
        self._program = program
        self._index = index
        #: The name in the program.
        self.__name__ = program.names[index]
        #: The types of arguments and results, as MLIR spells them.
        self.argument_types: List[str] = program.argument_types(index)
        self.result_types: List[str] = program.result_types(index)

    def __call__(self, *arguments: Any) -> Any:
        return self._program.call(self._index, *arguments)

    @property
    def llvm_ir(self) -> str:
        """The program in LLVM IR, after optimisation. Compiled again at each access."""
        return self._program.emit(_core.EMIT_LLVM_IR).decode()

    @property
    def asm(self) -> str:
        """The program in assembly. Compiled again at each access."""
        return self._program.emit(_core.EMIT_ASSEMBLY).decode()

    @property
    def object(self) -> bytes:
        """The program as a position-independent object file for the C ABI of
        EntryPoints.h. Compiled again at each access."""
        return self._program.emit(_core.EMIT_OBJECT)

    def __repr__(self) -> str:
        return "<mlir_dropout.CompiledFunction @%s(%s) -> (%s)>" % (
            self.__name__, ", ".join(self.argument_types), ", ".join(self.result_types))


def compile(
    source: Union[str, bytes],
    entry: Optional[str] = None,
    *,
    lowering: str = "vector",
    threads: int = 1,
    nontemporal_bytes: int = 16 << 20,
    optimization_level: int = 2,
    vector_math: bool = True,
    cpu: str = "",
    features: str = "",
    cache: bool = True,
) -> CompiledFunction:
    """Compiles a function of an MLIR program for this machine's CPU.

    Args:
        source: MLIR, as text or bytecode: any mix of dropout, linalg, tensor, math, arith
            and scf that the pipeline dropout-to-llvm can lower.
        entry: the function; it may be left out if only one is public.
        lowering: "vector", "linalg", "linalg-inline" or "affine": the same masks by other
            code.
        threads: that share the loops of a large output, through OpenMP (Debian: libomp5);
            0: as many as it has.
        nontemporal_bytes: size of an output from which on it is stored past the caches;
            0: never.
        optimization_level: 0 to 3.
        vector_math: exp, tanh, erf and the like of vectors from libmvec where this machine
            has it, at most 4 units in the last place off.
        cpu, features: another CPU than this one, as of clang's -march, and features more or
            fewer: "+avx512f,-avx512bw". What this machine can't run is an error.
        cache: keeps the machine code in, and takes it from, the file cache (the directory
            of DROPOUT_CACHE_DIR, by default ~/.cache/mlir-dropout).

    Raises:
        CompileError: with the diagnostics as its text.

    >>> f = compile('''
    ...   func.func @f(%x: tensor<?xf32>, %p: f64, %seed: i64, %offset: i64) -> tensor<?xf32> {
    ...     %y = dropout.element %x p(%p) rng(%seed, %offset) : tensor<?xf32>
    ...     return %y : tensor<?xf32>
    ...   }''')
    >>> f(np.ones(8, np.float32), 0.5, 0, 0)
    array([2., 0., 2., 2., 2., 2., 2., 2.], dtype=float32)
    """
    if isinstance(source, str):
        source = source.encode()
    elif not isinstance(source, bytes):
        raise TypeError("expected source to be str or bytes, but got %s" % type(source).__name__)
    for name, text in (("entry", entry or ""), ("lowering", lowering), ("cpu", cpu), ("features", features)):
        if not isinstance(text, str):
            raise TypeError("expected %s to be a str, but got %r" % (name, text))
        if "\0" in text:
            raise ValueError("expected %s to have no NUL, but got %r" % (name, text))
    for name, number, limit in (("threads", threads, 1024), ("nontemporal_bytes", nontemporal_bytes, 2**63 - 1),
                                ("optimization_level", optimization_level, 3)):
        if not hasattr(number, "__index__"):
            raise TypeError("expected %s to be an int, but got %r" % (name, number))
        if not 0 <= number <= limit:
            raise ValueError("expected %s in [0, %d], but got %r" % (name, limit, number))
    if entry == "":
        raise ValueError("expected entry to be the name of a function, but got ''")
    program = _core.Program(source, entry or "", lowering, int(threads), int(nontemporal_bytes),
                            int(optimization_level), vector_math, cpu, features, cache)
    names = program.names
    if entry is None and len(names) != 1:
        raise CompileError("expected entry, the name of one of the public functions, since there are %d: %s"
                           % (len(names), ", ".join(names) or "none"))
    return CompiledFunction(program, names.index(entry) if entry else 0)
