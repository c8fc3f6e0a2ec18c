//===- Arrays.h - Arrays of other libraries ---------------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_PYTHON_ARRAYS_H
#define DROPOUT_PYTHON_ARRAYS_H

#include "dropout-c/Kernels.h"

#include <memory>
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <optional>

namespace dropout::python {

namespace nb = nanobind;

/// The library that an array is of, and that results are given to.
enum class Library : uint8_t {
  NumPy, ///< And what only exports its memory: results of that are NumPy's.
  Torch,
  Other ///< What imports DLPack as well as it exports it: JAX and the like.
};

/// Most dims of an array, NumPy's own limit.
constexpr int32_t maxRank = 64;

enum class Access : uint8_t { Read, Write };

/// A view on the memory of a Python object, which it keeps alive and exported.
/// Made and destroyed with the interpreter's lock held; the array may be used
/// without.
class ArrayArgument {
public:
  /// Views \p object, called \p name in messages. Throws TypeError for what is
  /// no array of a known type of elements, and ValueError for memory that can't
  /// be used: on another device, not aligned, or read-only where \p access says
  /// that it is written.
  ArrayArgument(nb::handle object, const char *name, Access access);
  ArrayArgument(const ArrayArgument &) = delete;
  ArrayArgument &operator=(const ArrayArgument &) = delete;

  const DropoutArray &get() const { return array; }
  Library getLibrary() const { return library; }
  nb::handle getObject() const { return object; }
  int64_t getNumBytes() const;
  bool isContiguous() const;
  bool isOfNumPy() const;

  /// Makes the array a copy in C order, which lives as long as this.
  void makeContiguous();

private:
  /// Given back also if the constructor throws.
  struct Buffer : Py_buffer {
    Buffer() : Py_buffer() {}
    ~Buffer() {
      if (obj)
        PyBuffer_Release(this);
    }
  };

  /// Each returns false if the object is none of its kind.
  bool viewNumPy(Access access);
  bool viewTorch(Access access);
  bool viewDLPack(Access access);
  bool viewBuffer(Access access);
  /// The capsule of its memory. Throws TypeError, or ValueError for memory that
  /// can't be written to where it is to be.
  nb::object exportDLPack(Access access) const;
  void readBuffer(Access access, nb::handle exporter,
                  std::optional<DropoutElementType> type);
  void setType(DropoutElementType type, int32_t rank);
  [[noreturn]] void refuse(PyObject *exception, const std::string &expected,
                           const std::string &got) const;

  nb::handle object;
  const char *name;
  Library library = Library::NumPy;
  DropoutArray array = {};
  Buffer buffer;
  nb::object owner; ///< What is viewed in place of the object, if anything.
  nb::ndarray<nb::ro> readable;
  nb::ndarray<> writable;
  std::unique_ptr<char[]> copy;
  int64_t shape[maxRank], strides[maxRank];
};

/// An array for the result of \p like: of its library, type, shape and, where
/// the library has such, its order of dims in memory. For Library::Other it is
/// memory that `finishArray` makes an array of that library of.
nb::object makeArrayLike(const ArrayArgument &like);

/// The same for its keep mask: of booleans, in C order; NumPy's where the
/// library takes none by DLPack.
nb::object makeMaskLike(const ArrayArgument &like);

/// What to return to the caller for an array that one of the above made.
nb::object finishArray(nb::object array, const ArrayArgument &like);

/// An array of a library from memory that `dropoutFree(owner)` frees. \p like:
/// any array of that library; none is NumPy's.
nb::object adoptMemory(const DropoutArray &array, void *owner, Library library,
                       nb::handle like);

nb::tuple makeShape(const DropoutArray &array);

/// NumPy's array of that shape.
nb::object makeNumPyArray(nb::handle shape, const char *type);

/// The number of threads of torch, which a tensor's kernels should use.
int32_t getTorchThreads();

/// Throws TypeError for a tensor that autograd follows.
void refuseAutograd(const ArrayArgument &array, const char *name);

/// Tells torch that a tensor of the caller was written to: what autograd had
/// saved of it is no longer good.
void noteWritten(const ArrayArgument &array);

/// Throws TypeError unless the elements are of a type that dropout has.
void requireFloats(const ArrayArgument &array, const char *name);

/// "ndarray of float32" for an array, else the type: for messages.
std::string describe(nb::handle object);

} // namespace dropout::python

#endif // DROPOUT_PYTHON_ARRAYS_H
