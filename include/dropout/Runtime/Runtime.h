/*===- Runtime.h - C ABI of the MLIR Dropout runtime --------------*- C -*-===*\
|*                                                                            *|
|* Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM  *|
|* Exceptions. See LICENSE for license information.                           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* What compiled dropout code, the JIT and the Python package need at run     *|
|* time: train/eval mode, generators, the check of p, saved state, and host   *|
|* reference functions for the mask. C99 and C++17; no LLVM or MLIR header.   *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef DROPOUT_RUNTIME_RUNTIME_H
#define DROPOUT_RUNTIME_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

/// \file
///
/// Conventions that hold for every function here
/// ---------------------------------------------
///
/// **Errors.** A function that returns `int32_t` returns a `DropoutStatus`
/// unless its comment says otherwise. An error is also recorded, with a message
/// for people, in a slot of the calling thread (`dropoutLastStatus`). The slot
/// keeps the *first* error until `dropoutClearStatus`, so a caller may look
/// once, after several calls. A call that succeeds never touches the slot. A
/// call that fails changes no state, writes zero to its outputs (where its
/// comment says nothing else), and never aborts, exits, prints or throws.
///
/// **State.** The mode, the generators and the open scopes belong to the
/// process: every thread sees the same ones. The error slot belongs to the
/// thread. At start the mode is train, the default generator stands at seed
/// `DROPOUT_DEFAULT_SEED` and offset 0, and there is no named generator. All
/// this holds per copy of the library: link the shared library, or the static
/// one into one image only, or a process has two states.
///
/// **Threads.** Every function may be called from any thread at any time. Each
/// call is one atomic step: all calls that touch the state behave as if they
/// happened one after another. No function is async-signal-safe.
///
/// **fork(2).** Safe at any moment, also while other threads are inside the
/// runtime. The child starts with a copy of the state, so parent and child draw
/// the *same* masks from then on. That is reproducible and deliberate: give a
/// child that is to differ its own seed (`dropoutForkSeed` with its rank, then
/// `dropoutGeneratorSet`).
///
/// **Names.** `NULL` is the default generator, which always exists. Any other
/// name is a NUL-terminated string of 1 to `DROPOUT_MAX_NAME_LENGTH` bytes of
/// valid UTF-8 without ASCII control characters. Names are compared byte by
/// byte. Anything else is `DROPOUT_INVALID_ARGUMENT`.
///
/// **Numbers.** Seeds and offsets are 64-bit unsigned, all values allowed; the
/// offset after 2^64-1 is 0. p is the probability to *drop*, in [0, 1].

#if defined(_WIN32)
#if defined(DROPOUT_RUNTIME_BUILD)
#define DROPOUT_RUNTIME_API __declspec(dllexport)
#elif defined(DROPOUT_RUNTIME_STATIC)
#define DROPOUT_RUNTIME_API
#else
#define DROPOUT_RUNTIME_API __declspec(dllimport)
#endif
#else
#define DROPOUT_RUNTIME_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
#define DROPOUT_RUNTIME_NOEXCEPT noexcept
extern "C" {
#else
#define DROPOUT_RUNTIME_NOEXCEPT
#endif

/*===----------------------------------------------------------------------===*\
|* Versions                                                                   *|
\*===----------------------------------------------------------------------===*/

/// Version of this C ABI. It rises when a function changes or goes, not when
/// one is added.
#define DROPOUT_RUNTIME_ABI_VERSION 1

/// Version of the map (seed, offset, index, p) -> keep or drop. Masks of one
/// contract version are the same bits for ever.
#define DROPOUT_MASK_CONTRACT_VERSION 1

/// Seed of the default generator when the process starts.
#define DROPOUT_DEFAULT_SEED 0

/// Longest generator name, in bytes without the terminating NUL.
#define DROPOUT_MAX_NAME_LENGTH 255

/// The `DROPOUT_RUNTIME_ABI_VERSION` that the loaded library was built with.
/// Never fails.
DROPOUT_RUNTIME_API uint32_t dropoutRuntimeAbiVersion(void)
    DROPOUT_RUNTIME_NOEXCEPT;

/// The `DROPOUT_MASK_CONTRACT_VERSION` of the loaded library. Never fails.
DROPOUT_RUNTIME_API uint32_t dropoutMaskContractVersion(void)
    DROPOUT_RUNTIME_NOEXCEPT;

/*===----------------------------------------------------------------------===*\
|* Errors                                                                     *|
\*===----------------------------------------------------------------------===*/

/// What a call came to. Numbers are part of the ABI and are never reused.
typedef enum DropoutStatus {
  DROPOUT_OK = 0,
  /// p is not in [0, 1], or has no 8-bit threshold where one was asked for.
  DROPOUT_INVALID_P = 1,
  /// No generator of that name.
  DROPOUT_UNKNOWN_GENERATOR = 2,
  /// A null pointer, a number out of its range or a malformed name.
  DROPOUT_INVALID_ARGUMENT = 3,
  /// A state blob that is cut, extended or altered.
  DROPOUT_DAMAGED_STATE = 4,
  /// A sound state blob of a format or mask contract that this library does not
  /// know.
  DROPOUT_UNSUPPORTED_VERSION = 5,
  /// A generator of that name exists already.
  DROPOUT_GENERATOR_EXISTS = 6,
  /// A scope that is not open, or not the innermost one of its kind.
  DROPOUT_INVALID_SCOPE = 7,
  /// Not allowed while scopes are open.
  DROPOUT_OPEN_SCOPE = 8,
  /// The buffer is smaller than the result; the size needed was written.
  DROPOUT_BUFFER_TOO_SMALL = 9,
  DROPOUT_OUT_OF_MEMORY = 10,
  /// The operating system gave no random bytes.
  DROPOUT_NO_ENTROPY = 11,
  /// A defect of the runtime; please report it.
  DROPOUT_INTERNAL_ERROR = 12,
  /// No CUDA driver or no CUDA device (Cuda.h).
  DROPOUT_GPU_UNAVAILABLE = 13,
  /// The CUDA driver refused a call, or reports that earlier work failed.
  DROPOUT_GPU_ERROR = 14
} DropoutStatus;

/// The first error of this thread since the last clear, or `DROPOUT_OK`.
/// Never fails.
DROPOUT_RUNTIME_API int32_t dropoutLastStatus(void) DROPOUT_RUNTIME_NOEXCEPT;

/// The message of that error, one line of UTF-8 without a full stop, or "" when
/// there is none. Never NULL. The pointer is for this thread; the text stays
/// until this thread clears the slot or ends.
DROPOUT_RUNTIME_API const char *
dropoutLastMessage(void) DROPOUT_RUNTIME_NOEXCEPT;

/// Records an error that code other than the runtime has found: what compiled
/// entry points call for an argument that they refuse. \p message is one line
/// of UTF-8 without a full stop; it is copied, and cut after 1023 bytes. As
/// always the first error of the thread is kept. Returns \p status, so that a
/// function can return the result. A \p status that is no error code, or a NULL
/// message, is `DROPOUT_INVALID_ARGUMENT`.
DROPOUT_RUNTIME_API int32_t dropoutRecordError(
    int32_t status, const char *message) DROPOUT_RUNTIME_NOEXCEPT;

/// Empties this thread's slot. Never fails.
DROPOUT_RUNTIME_API void dropoutClearStatus(void) DROPOUT_RUNTIME_NOEXCEPT;

/// The name of a status code, "DROPOUT_INVALID_P" for 1; "unknown status" for
/// a number that is none. Never NULL, never fails.
DROPOUT_RUNTIME_API const char *
dropoutStatusName(int32_t status) DROPOUT_RUNTIME_NOEXCEPT;

/*===----------------------------------------------------------------------===*\
|* The check of p                                                             *|
\*===----------------------------------------------------------------------===*/

/// Checks a probability: returns \p p itself, bit for bit, when 0 <= p <= 1
/// (-0.0 too). Anything else, NaN included, records `DROPOUT_INVALID_P` with
/// the message "expected p in [0, 1], but got X" and returns 1.0, so that code
/// that goes on regardless drops everything and never has undefined behaviour.
/// X is the shortest decimal that reads back as the same double; every NaN is
/// "nan".
DROPOUT_RUNTIME_API double dropoutCheckP(double p) DROPOUT_RUNTIME_NOEXCEPT;

/// As `dropoutCheckP`, for an op with that \p resolution (8 or 16). With 8, a p
/// strictly between 0 and 1 whose roundeven(256 p) is 0 or 256 is refused as
/// well: it would silently act as 0 or 1. Returns 1.0 on any error.
DROPOUT_RUNTIME_API double
dropoutCheckPForResolution(double p,
                           int32_t resolution) DROPOUT_RUNTIME_NOEXCEPT;

/*===----------------------------------------------------------------------===*\
|* Train and eval mode                                                        *|
\*===----------------------------------------------------------------------===*/

/// The values of a `training` argument.
enum {
  DROPOUT_EVAL = 0,
  DROPOUT_TRAIN = 1,
  /// `dropoutReserve` only: whatever mode the runtime is in.
  DROPOUT_RUNTIME_MODE = -1
};

/// Sets the mode of the process: `DROPOUT_EVAL` or `DROPOUT_TRAIN`. Any other
/// number is `DROPOUT_INVALID_ARGUMENT`.
DROPOUT_RUNTIME_API int32_t dropoutSetTraining(int32_t training)
    DROPOUT_RUNTIME_NOEXCEPT;

/// Returns the mode, 1 in training and 0 in eval (not a status).
DROPOUT_RUNTIME_API int32_t dropoutIsTraining(void) DROPOUT_RUNTIME_NOEXCEPT;

/*===----------------------------------------------------------------------===*\
|* Drawing                                                                    *|
\*===----------------------------------------------------------------------===*/

/// Takes one offset from the generator \p name: what `dropout.reserve` calls.
///
/// \p training is `DROPOUT_TRAIN`, `DROPOUT_EVAL` or `DROPOUT_RUNTIME_MODE`.
/// The mode is read, and the offset taken, in one atomic step. Writes the mode
/// that holds (0 or 1), the generator's seed and its next offset. In training
/// the generator then moves on by exactly one; in eval it does not move. So n
/// draws from any number of threads get n different offsets without a gap.
///
/// Errors: `DROPOUT_UNKNOWN_GENERATOR`, `DROPOUT_INVALID_ARGUMENT`. On error
/// nothing is taken, and the outputs (those that are not NULL) are still
/// defined: training 1, seed 0, offset 0.
DROPOUT_RUNTIME_API int32_t
dropoutReserve(const char *name, int32_t training, int8_t *outTraining,
               uint64_t *outSeed, uint64_t *outOffset) DROPOUT_RUNTIME_NOEXCEPT;

/*===----------------------------------------------------------------------===*\
|* Generators                                                                 *|
\*===----------------------------------------------------------------------===*/

/// Creates the generator \p name at \p seed and \p offset. Errors:
/// `DROPOUT_GENERATOR_EXISTS`; `DROPOUT_INVALID_ARGUMENT` for a malformed name
/// and for NULL (the default generator always exists).
DROPOUT_RUNTIME_API int32_t dropoutGeneratorCreate(
    const char *name, uint64_t seed, uint64_t offset) DROPOUT_RUNTIME_NOEXCEPT;

/// Creates the generator \p newName with the seed that `dropoutForkSeed` gives
/// for the seed of \p parent, \p name and \p rank, at offset 0. The parent does
/// not move. \p name labels the stream ("data", "tensor"); it need not be a
/// generator and may equal \p newName. Errors: `DROPOUT_UNKNOWN_GENERATOR`
/// (parent), `DROPOUT_GENERATOR_EXISTS` (newName), `DROPOUT_INVALID_ARGUMENT`.
DROPOUT_RUNTIME_API int32_t
dropoutGeneratorFork(const char *parent, const char *name, uint64_t rank,
                     const char *newName) DROPOUT_RUNTIME_NOEXCEPT;

/// The pure function behind it; touches no state. The forked seed is words 0
/// (low) and 1 of Philox4x32-10 with key \p seed and counter
/// (\p rank | 2^62, FNV-1a-64 of the bytes of \p name), each as (low 32 bits,
/// high 32 bits). Bit 62 keeps it apart from every mask. \p rank is below 2^62,
/// \p name keeps the rules of names (and is not NULL); anything else is
/// `DROPOUT_INVALID_ARGUMENT`.
/// Philox: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11.
/// FNV-1a: Fowler, Noll, Vo; draft-eastlake-fnv.
DROPOUT_RUNTIME_API int32_t dropoutForkSeed(uint64_t seed, const char *name,
                                            uint64_t rank, uint64_t *outSeed)
    DROPOUT_RUNTIME_NOEXCEPT;

/// Reads seed and next offset of a generator in one step. Either output may be
/// NULL. Error: `DROPOUT_UNKNOWN_GENERATOR`, `DROPOUT_INVALID_ARGUMENT`.
DROPOUT_RUNTIME_API int32_t
dropoutGeneratorGet(const char *name, uint64_t *outSeed,
                    uint64_t *outOffset) DROPOUT_RUNTIME_NOEXCEPT;

/// Sets seed and next offset of an existing generator in one step. Error:
/// `DROPOUT_UNKNOWN_GENERATOR`, `DROPOUT_INVALID_ARGUMENT`.
DROPOUT_RUNTIME_API int32_t dropoutGeneratorSet(
    const char *name, uint64_t seed, uint64_t offset) DROPOUT_RUNTIME_NOEXCEPT;

/// Returns 1 when there is such a generator and 0 when not (not a status). NULL
/// gives 1; a malformed name gives 0. Never records an error.
DROPOUT_RUNTIME_API int32_t dropoutGeneratorExists(const char *name)
    DROPOUT_RUNTIME_NOEXCEPT;

/// Destroys a named generator. Errors: `DROPOUT_UNKNOWN_GENERATOR`;
/// `DROPOUT_OPEN_SCOPE` while a scope on it is open; `DROPOUT_INVALID_ARGUMENT`
/// for a malformed name and for NULL (the default generator stays).
DROPOUT_RUNTIME_API int32_t dropoutGeneratorDestroy(const char *name)
    DROPOUT_RUNTIME_NOEXCEPT;

/// Lists the named generators: their names in ascending byte order, each ended
/// by a NUL, back to back. \p outSize gets the bytes of the whole list (0 when
/// there is none). With \p buffer NULL and \p capacity 0 only the size is
/// written. A \p capacity below the size is `DROPOUT_BUFFER_TOO_SMALL`: the
/// size is written, the buffer is not; another thread may have added a
/// generator since the query, so loop.
DROPOUT_RUNTIME_API int32_t dropoutGeneratorList(
    char *buffer, size_t capacity, size_t *outSize) DROPOUT_RUNTIME_NOEXCEPT;

/// Gives a generator a seed from the operating system's entropy and offset 0,
/// and writes the seed to \p outSeed (which may be NULL: `dropoutGeneratorGet`
/// reads it back). `dropoutGeneratorSet(name, thatSeed, 0)` replays the run.
/// Errors: `DROPOUT_UNKNOWN_GENERATOR`, `DROPOUT_INVALID_ARGUMENT`,
/// `DROPOUT_NO_ENTROPY`.
DROPOUT_RUNTIME_API int32_t dropoutSeedFromEntropy(
    const char *name, uint64_t *outSeed) DROPOUT_RUNTIME_NOEXCEPT;

/*===----------------------------------------------------------------------===*\
|* Scopes                                                                     *|
\*===----------------------------------------------------------------------===*/

/// A scope changes the mode, or one generator, and puts back at its end what
/// it found at its beginning, whatever happened in between. Scopes nest: those
/// on the mode must end in the reverse order of their beginning, and so must
/// those on one generator; scopes on different things are independent. Like
/// the state itself a scope belongs to the process, so threads that change the
/// same thing for a while must agree among themselves on the order (or use the
/// explicit form of the ops, which needs no scope). Handles are never 0 and
/// never used twice.

/// Sets the mode (`DROPOUT_EVAL` or `DROPOUT_TRAIN`) until the scope ends.
DROPOUT_RUNTIME_API int32_t dropoutModeScopeBegin(
    int32_t training, uint64_t *outScope) DROPOUT_RUNTIME_NOEXCEPT;

/// Sets a generator to \p seed and \p offset until the scope ends. Offsets that
/// are drawn inside are given back by the end: the generator stands exactly
/// where it stood.
DROPOUT_RUNTIME_API int32_t
dropoutGeneratorScopeBegin(const char *name, uint64_t seed, uint64_t offset,
                           uint64_t *outScope) DROPOUT_RUNTIME_NOEXCEPT;

/// Ends a scope of either kind, from any thread. `DROPOUT_INVALID_SCOPE` when
/// the handle is not of an open scope, or when a scope that began later on the
/// same thing is still open; nothing changes then, and the scopes can still be
/// ended in the right order.
DROPOUT_RUNTIME_API int32_t dropoutScopeEnd(uint64_t scope)
    DROPOUT_RUNTIME_NOEXCEPT;

/*===----------------------------------------------------------------------===*\
|* Saved state                                                                *|
\*===----------------------------------------------------------------------===*/

/// Writes the mode and all generators, as they are now, as one blob (open
/// scopes are not in it, the values they set are). \p outSize gets its size.
/// With \p buffer NULL and \p capacity 0 only the size is written. A
/// \p capacity below the size is `DROPOUT_BUFFER_TOO_SMALL`: the size is
/// written, the buffer is not; another thread may have added a generator since
/// the query, so loop. The same state always gives the same bytes, on every
/// machine. The format is described in lib/Runtime/State.cpp.
DROPOUT_RUNTIME_API int32_t dropoutStateSave(
    void *buffer, size_t capacity, size_t *outSize) DROPOUT_RUNTIME_NOEXCEPT;

/// Puts the process into the state of a blob: its mode, its default generator
/// and exactly its named generators (others go). \p size is the exact size of
/// the blob. It is read as untrusted bytes. All or nothing: on error nothing
/// has changed. Errors: `DROPOUT_DAMAGED_STATE`, `DROPOUT_UNSUPPORTED_VERSION`,
/// `DROPOUT_INVALID_ARGUMENT` (NULL), and `DROPOUT_OPEN_SCOPE` while any scope
/// is open, since its end would mix two states.
DROPOUT_RUNTIME_API int32_t dropoutStateRestore(const void *data, size_t size)
    DROPOUT_RUNTIME_NOEXCEPT;

/// Writes seed and offset of a generator that is not one of the process's, as
/// the blob of a process in train mode whose default generator stands there and
/// that has no others. Buffer, size and errors: see `dropoutStateSave`.
DROPOUT_RUNTIME_API int32_t dropoutGeneratorEncode(
    uint64_t seed, uint64_t offset, void *buffer, size_t capacity,
    size_t *outSize) DROPOUT_RUNTIME_NOEXCEPT;

/// Reads where the default generator of a blob, of either function, stands;
/// changes no state. Errors: those of `dropoutStateRestore` about the blob.
DROPOUT_RUNTIME_API int32_t
dropoutGeneratorDecode(const void *data, size_t size, uint64_t *outSeed,
                       uint64_t *outOffset) DROPOUT_RUNTIME_NOEXCEPT;

/*===----------------------------------------------------------------------===*\
|* The mask, on the host                                                      *|
\*===----------------------------------------------------------------------===*/

/// These functions are the reference for what compiled kernels keep and drop.
/// They touch no state and take the seed and offset that `dropoutReserve` gave.
/// \p rounds is 10 or 7 (of Philox4x32), \p resolution 16 or 8, as stated on
/// the op.

/// The integer threshold of \p p. Element i is kept iff its random number is at
/// least this. With resolution 16 the number has 32 bits and the threshold is
/// roundeven(p * 2^32), clamped to [1, 2^32 - 1] when 0 < p < 1. With
/// resolution 8 it has 8 bits and the threshold is roundeven(p * 256), and a p
/// in (0, 1) that gives 0 or 256 is `DROPOUT_INVALID_P`, like any p outside
/// [0, 1].
DROPOUT_RUNTIME_API int32_t dropoutThreshold(double p, int32_t resolution,
                                             uint64_t *outThreshold)
    DROPOUT_RUNTIME_NOEXCEPT;

/// Whether element \p index (row-major, in the whole logical mask) is kept:
/// returns 1 or 0 (not a status). On error, which is recorded, returns 0: an
/// invalid p acts as p = 1.
DROPOUT_RUNTIME_API int32_t
dropoutKeepBit(uint64_t seed, uint64_t offset, uint64_t index, double p,
               int32_t rounds, int32_t resolution) DROPOUT_RUNTIME_NOEXCEPT;

/// Writes the keep bits of the elements \p first to \p first + \p count - 1 to
/// \p dst, one byte each, 1 kept and 0 dropped: the layout of a mask in memory.
/// Any range of a mask may be filled on its own, also by several threads. The
/// range must not pass the last index, 2^64 - 1. \p dst may be NULL when
/// \p count is 0. On error (`DROPOUT_INVALID_P`, `DROPOUT_INVALID_ARGUMENT`)
/// \p dst is not written.
DROPOUT_RUNTIME_API int32_t
dropoutMaskFill(uint8_t *dst, uint64_t first, uint64_t count, double p,
                uint64_t seed, uint64_t offset, int32_t rounds,
                int32_t resolution) DROPOUT_RUNTIME_NOEXCEPT;

/// One block of Philox4x32-\p rounds, 1 to 16 rounds, bit-equal to Random123's
/// philox4x32_R. \p out may be the same memory as \p counter.
DROPOUT_RUNTIME_API int32_t dropoutPhilox4x32(
    int32_t rounds, const uint32_t counter[4], const uint32_t key[2],
    uint32_t out[4]) DROPOUT_RUNTIME_NOEXCEPT;

#ifdef __cplusplus
} // extern "C"
#endif

#endif // DROPOUT_RUNTIME_RUNTIME_H
