/*===- ExecutionEngine.h - C API: compile and run programs --------*- C -*-===*\
|*                                                                            *|
|* Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM  *|
|* Exceptions. See LICENSE for license information.                           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* Programs of any mix of dropout, linalg, tensor, arith, math and scf,       *|
|* compiled for this machine's CPU. Link libdropout_c.                        *|
|*                                                                            *|
|*   DropoutCompileOptions options = dropoutGetDefaultCompileOptions();       *|
|*   DropoutExecutable *program;                                              *|
|*   char *message;                                                           *|
|*   if (dropoutExecutableCompile(source, strlen(source), &options, &program, *|
|*                                &message)) { puts(message); ... }           *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef DROPOUT_C_EXECUTIONENGINE_H
#define DROPOUT_C_EXECUTIONENGINE_H

#include "dropout-c/Kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

/// A compiled program in the memory of this process. Any number of threads may
/// use one at once.
typedef struct DropoutExecutable DropoutExecutable;

/// How to compile; `dropoutGetDefaultCompileOptions` fills it in. Strings are
/// only read during calls; NULL is the empty string.
typedef struct DropoutCompileOptions {
  /// The one public function to compile, with what it calls; all if empty.
  const char *function;
  /// "vector", the default, "linalg", "linalg-inline" or "affine": the same
  /// bits by other code.
  const char *lowering;
  /// Threads that share the loops of a large output through OpenMP (libomp5): 1
  /// by default; 0: as many as it has at run time; at most 1024.
  int64_t threads;
  /// Smallest output, in bytes, that is stored past the caches (by default 16
  /// MiB); 0: never.
  int64_t nontemporalBytes;
  /// 0 to 3, by default 2. No fast-math flag is ever set.
  int32_t optimizationLevel;
  /// Nonzero, the default: exp, tanh, erf and the like of vectors call libmvec
  /// where this machine has it (at most 4 units in the last place off).
  int32_t vectorMath;
  /// As of clang's -march, and "+avx512f,-avx512bw"; this machine's by default.
  const char *cpu;
  const char *features;
  /// Nonzero, the default: compiled programs are kept in, and taken from, the
  /// directory of DROPOUT_CACHE_DIR (by default ~/.cache/mlir-dropout).
  int32_t useCache;
} DropoutCompileOptions;

DROPOUT_CAPI DropoutCompileOptions dropoutGetDefaultCompileOptions(void);

/// Compiles \p source, \p size bytes of MLIR as text or bytecode. On success
/// \p executable is the caller's to destroy. On error it is NULL, and
/// \p message, if it is not NULL, gets the diagnostics, lines of UTF-8, to be
/// freed with `dropoutFree`. Errors: `DROPOUT_INVALID_ARGUMENT`.
DROPOUT_CAPI int32_t dropoutExecutableCompile(
    const char *source, size_t size, const DropoutCompileOptions *options,
    DropoutExecutable **executable, char **message);

/// Waits for what other threads compile, kernels of Kernels.h included, and
/// lets none of them begin to compile for the rest of the process: they block.
/// To be called before exit() where threads may be compiling, since exit()
/// destroys what the compiler works with. This thread may go on. Never fails.
DROPOUT_CAPI void dropoutStopCompiling(void);

/// Unloads the code; no call may be inside of it. NULL is allowed.
DROPOUT_CAPI void dropoutExecutableDestroy(DropoutExecutable *executable);

/// The forms in which compiled code is written.
typedef enum DropoutEmitKind {
  DROPOUT_EMIT_LLVM_IR = 0,  ///< Text, after optimisation.
  DROPOUT_EMIT_ASSEMBLY = 1, ///< Text.
  DROPOUT_EMIT_OBJECT = 2,   ///< A position-independent object file.
  DROPOUT_EMIT_HEADER = 3    ///< C99 prototypes of the object's functions.
} DropoutEmitKind;

/// Compiles as `dropoutExecutableCompile` does and writes the code to memory
/// instead of loading it: \p code and \p codeSize on success (\p code ends with
/// a NUL that is not counted), and \p message on error, both to be freed with
/// `dropoutFree`.
DROPOUT_CAPI int32_t dropoutEmit(const char *source, size_t size,
                                 const DropoutCompileOptions *options,
                                 int32_t kind, char **code, size_t *codeSize,
                                 char **message);

/// Frees what this library returned. NULL is allowed.
DROPOUT_CAPI void dropoutFree(void *pointer);

/// The number of functions that can be called, in the order of the module.
DROPOUT_CAPI int32_t
dropoutExecutableGetNumFunctions(const DropoutExecutable *executable);

/// The type of an argument or a result.
typedef struct DropoutValueType {
  /// Nonzero for a tensor or memref, 0 for a scalar.
  int32_t isArray;
  /// Nonzero for a memref, which the function may write to. A tensor is only
  /// read, and must be in C order.
  int32_t isMemRef;
  /// A DropoutElementType.
  int32_t elementType;
  int32_t rank;
  /// The sizes; -1 where the caller chooses.
  const int64_t *shape;
  /// As MLIR spells it, "tensor<?x8xf32>".
  const char *text;
} DropoutValueType;

/// What a caller must know of a function; valid as long as the executable.
typedef struct DropoutFunctionType {
  const char *name;
  int32_t numArguments;
  int32_t numResults;
  /// The arguments, then the results.
  const DropoutValueType *types;
} DropoutFunctionType;

/// The function number \p index; its name is NULL if there is none.
DROPOUT_CAPI DropoutFunctionType dropoutExecutableGetFunction(
    const DropoutExecutable *executable, int32_t index);

/// An argument or a result of a call.
typedef struct DropoutValue {
  /// For a scalar only the type is set.
  DropoutArray array;
  /// The bits of a scalar, zero-extended.
  uint64_t bits;
  /// Of an array result: what to pass to `dropoutFree` when it is no longer
  /// needed.
  void *owner;
  /// Where `array.shape` and `array.strides` of a result are.
  int64_t sizesAndStrides[2 * 16];
} DropoutValue;

/// Calls function number \p index. \p arguments has one value per argument, of
/// which `array` or `bits` is read (a scalar's type is in `array.elementType`),
/// and \p results room for one per result (rank at most 16). Types, shapes and
/// layouts are checked. On error no result is owned; a \p message that is not
/// NULL is to be freed with `dropoutFree`. Errors: those of the runtime
/// (`DROPOUT_INVALID_P`, `DROPOUT_UNKNOWN_GENERATOR`, ...), and
/// `DROPOUT_INVALID_ARGUMENT`.
DROPOUT_CAPI int32_t dropoutExecutableCall(const DropoutExecutable *executable,
                                           int32_t index,
                                           const DropoutValue *arguments,
                                           int32_t numArguments,
                                           DropoutValue *results,
                                           char **message);

#ifdef __cplusplus
} // extern "C"
#endif

#endif // DROPOUT_C_EXECUTIONENGINE_H
