//===- Arrays.cpp - Arrays of other libraries -----------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// NumPy's arrays are read through the buffer protocol and torch's tensors
// through their attributes: either is several times faster than a DLPack
// capsule, and a call has 3 us in all. DLPack is for all others.
//
//===----------------------------------------------------------------------===//

#include "Arrays.h"
#include "dropout-c/ExecutionEngine.h"

#include <array>
#include <cstring>
#include <nanobind/stl/string.h>

using namespace dropout::python;

//===----------------------------------------------------------------------===//
// Types and modules
//===----------------------------------------------------------------------===//

namespace {
struct TypeInfo {
  DropoutElementType type;
  int64_t size;
  /// The names of NumPy's and torch's types.
  const char *numpy;
  const char *torch;
  nb::dlpack::dtype dlpack;
};
} // namespace

static constexpr auto code(nb::dlpack::dtype_code code) {
  return uint8_t(code);
}

static constexpr TypeInfo typeInfos[] = {
    {DROPOUT_F32,
     4,
     "float32",
     "float32",
     {code(nb::dlpack::dtype_code::Float), 32, 1}},
    {DROPOUT_F64,
     8,
     "float64",
     "float64",
     {code(nb::dlpack::dtype_code::Float), 64, 1}},
    {DROPOUT_F16,
     2,
     "float16",
     "float16",
     {code(nb::dlpack::dtype_code::Float), 16, 1}},
    {DROPOUT_BF16,
     2,
     "bfloat16",
     "bfloat16",
     {code(nb::dlpack::dtype_code::Bfloat), 16, 1}},
    {DROPOUT_I1, 1, "bool", "bool", {code(nb::dlpack::dtype_code::Bool), 8, 1}},
    {DROPOUT_I8, 1, "int8", "int8", {code(nb::dlpack::dtype_code::Int), 8, 1}},
    {DROPOUT_I16,
     2,
     "int16",
     "int16",
     {code(nb::dlpack::dtype_code::Int), 16, 1}},
    {DROPOUT_I32,
     4,
     "int32",
     "int32",
     {code(nb::dlpack::dtype_code::Int), 32, 1}},
    {DROPOUT_I64,
     8,
     "int64",
     "int64",
     {code(nb::dlpack::dtype_code::Int), 64, 1}},
};

static const TypeInfo &getInfo(int32_t type) {
  for (const TypeInfo &info : typeInfos)
    if (info.type == type)
      return info;
  return getInfo(DROPOUT_I64); // index
}

namespace {
/// A Python string that lives as long as the process.
class Name {
public:
  explicit Name(const char *text) : object(PyUnicode_InternFromString(text)) {}
  operator nb::handle() const { return object; }
  nb::object of(nb::handle owner) const {
    return nb::steal(check(PyObject_GetAttr(owner.ptr(), object)));
  }
  nb::object call(nb::handle owner) const {
    return nb::steal(check(PyObject_CallMethodNoArgs(owner.ptr(), object)));
  }

private:
  static PyObject *check(PyObject *result) {
    if (!result)
      throw nb::python_error();
    return result;
  }
  PyObject *object;
};

struct NumPy {
  nb::handle arrayType, emptyLike, empty, maskedArrayType, boolean;
};

struct Torch {
  nb::handle tensorType, emptyLike, strided, boolean, isGradEnabled,
      getNumThreads;
  std::array<nb::handle, std::size(typeInfos)> types;
  nb::handle uint8, forwardAD, isInferenceMode;
};
} // namespace

/// Handles are never released: they may be looked at until the process ends.
static nb::handle keep(nb::object object) { return object.release(); }

/// A new reference that a function of Python returned, or its exception.
static nb::object takeResult(PyObject *result) {
  if (!result)
    throw nb::python_error();
  return nb::steal(result);
}

/// Unlike `nb::hasattr` it forgets no other exception, an interrupt by the user
/// among them.
static bool hasAttribute(nb::handle object, const char *name) {
  auto value = nb::steal(PyObject_GetAttrString(object.ptr(), name));
  if (value.is_valid())
    return true;
  if (!PyErr_ExceptionMatches(PyExc_AttributeError))
    throw nb::python_error();
  PyErr_Clear();
  return false;
}

/// An import lets other threads run: two may get here, and both must get on. So
/// this is no initialiser of a static variable, in which the second would wait
/// for the first with the interpreter's lock in its hands.
static const NumPy &getNumPy() {
  static const NumPy *numpy = nullptr;
  if (!numpy) {
    nb::object module = nb::module_::import_("numpy");
    nb::object masked = module.attr("ma").attr("MaskedArray");
    auto *result = new NumPy{
        keep(module.attr("ndarray")), keep(module.attr("empty_like")),
        keep(module.attr("empty")), keep(masked), keep(module.attr("bool_"))};
    if (numpy)
      delete result;
    else
      numpy = result;
  }
  return *numpy;
}

/// Null as long as nobody has imported torch: then nothing is its tensor.
static const Torch *getTorch() {
  static const Torch *torch = nullptr;
  static const Name moduleName("torch");
  if (torch)
    return torch;
  auto module = nb::steal(PyImport_GetModule(nb::handle(moduleName).ptr()));
  if (!module.is_valid()) {
    PyErr_Clear();
    return nullptr;
  }
  // While torch itself is being imported it has no tensors yet.
  if (!hasAttribute(module, "empty_like") || !hasAttribute(module, "Tensor") ||
      !hasAttribute(module, "autograd") ||
      !hasAttribute(module.attr("autograd"), "forward_ad"))
    return nullptr;
  auto *result = new Torch{keep(module.attr("Tensor")),
                           keep(module.attr("empty_like")),
                           keep(module.attr("strided")),
                           keep(module.attr("bool")),
                           keep(module.attr("is_grad_enabled")),
                           keep(module.attr("get_num_threads")),
                           {},
                           keep(module.attr("uint8")),
                           keep(module.attr("autograd").attr("forward_ad")),
                           keep(module.attr("is_inference_mode_enabled"))};
  for (size_t index = 0; index < std::size(typeInfos); ++index)
    result->types[index] = keep(module.attr(typeInfos[index].torch));
  torch = result;
  return torch;
}

static std::string toText(nb::handle object) {
  auto text = nb::steal(PyObject_Str(object.ptr()));
  if (!text.is_valid())
    throw nb::python_error();
  return nb::cast<std::string>(text);
}

/// What makes an array of the library of `like` from DLPack; None if there is
/// no such function.
static nb::object getImporter(nb::handle like) {
  return nb::module_::import_("mlir_dropout._arrays")
      .attr("get_importer")(like);
}

static bool isA(nb::handle object, nb::handle type) {
  return PyType_IsSubtype(Py_TYPE(object.ptr()),
                          reinterpret_cast<PyTypeObject *>(type.ptr())) != 0;
}

void dropout::python::requireFloats(const ArrayArgument &array,
                                    const char *name) {
  if (array.get().elementType >= DROPOUT_F16)
    return;
  PyErr_Format(PyExc_TypeError,
               "expected %s to have elements of float16, bfloat16, float32 or "
               "float64, but got %s",
               name, describe(array.getObject()).c_str());
  throw nb::python_error();
}

std::string dropout::python::describe(nb::handle object) {
  auto *type = reinterpret_cast<PyObject *>(Py_TYPE(object.ptr()));
  std::string name = toText(nb::getattr(type, "__name__"));
  if (hasAttribute(object, "dtype"))
    return name + " of " + toText(nb::getattr(object, "dtype"));
  return name;
}

//===----------------------------------------------------------------------===//
// Views
//===----------------------------------------------------------------------===//

void ArrayArgument::refuse(PyObject *exception, const std::string &expected,
                           const std::string &got) const {
  PyErr_Format(exception, "expected %s %s, but got %s", name, expected.c_str(),
               got.c_str());
  throw nb::python_error();
}

ArrayArgument::ArrayArgument(nb::handle object, const char *name, Access access)
    : object(object), name(name) {
  array.shape = shape;
  array.strides = strides;
  if (viewNumPy(access) || viewTorch(access) || viewDLPack(access) ||
      viewBuffer(access))
    return;
  refuse(PyExc_TypeError,
         "to be an array (of NumPy or torch, or anything with DLPack or the "
         "buffer protocol)",
         describe(object));
}

void ArrayArgument::setType(DropoutElementType type, int32_t rank) {
  if (rank > maxRank)
    refuse(PyExc_ValueError, "to have at most 64 dims", std::to_string(rank));
  array.elementType = type;
  array.rank = rank;
}

int64_t ArrayArgument::getNumBytes() const {
  int64_t bytes = getInfo(array.elementType).size;
  for (int32_t dim = 0; dim < array.rank; ++dim)
    bytes *= shape[dim];
  return bytes;
}

bool ArrayArgument::isContiguous() const {
  int64_t step = 1;
  for (int32_t dim = array.rank - 1; dim >= 0; --dim) {
    if (shape[dim] == 0)
      return true;
    if (shape[dim] != 1 && strides[dim] != step)
      return false;
    step *= shape[dim];
  }
  return true;
}

/// The element type of a buffer's format; none if it is not one of ours.
static std::optional<DropoutElementType> readFormat(const char *format,
                                                    int64_t size) {
  if (!format)
    return std::nullopt; // Bytes.
  if (*format == '@' || *format == '=' || *format == '<')
    ++format;
  if (format[0] == 0 || format[1] != 0)
    return std::nullopt;
  switch (*format) {
  case 'e':
    return DROPOUT_F16;
  case 'f':
    return DROPOUT_F32;
  case 'd':
    return DROPOUT_F64;
  case '?':
    return DROPOUT_I1;
  case 'b':
  case 'B':
  case 'h':
  case 'H':
  case 'i':
  case 'I':
  case 'l':
  case 'L':
  case 'q':
  case 'Q':
    return size == 1   ? DROPOUT_I8
           : size == 2 ? DROPOUT_I16
           : size == 4 ? DROPOUT_I32
                       : DROPOUT_I64;
  default:
    return std::nullopt;
  }
}

/// Forgets an exception that says no more than that the object does not do what
/// it was asked for; others go on to the caller.
static void clearRefusal() {
  if (PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_BufferError) &&
      !PyErr_ExceptionMatches(PyExc_TypeError) &&
      !PyErr_ExceptionMatches(PyExc_ValueError))
    throw nb::python_error();
  PyErr_Clear();
}

void ArrayArgument::readBuffer(Access access, nb::handle exporter,
                               std::optional<DropoutElementType> type) {
  int flags = PyBUF_STRIDES | PyBUF_FORMAT;
  if (access == Access::Write)
    flags |= PyBUF_WRITABLE;
  if (PyObject_GetBuffer(exporter.ptr(), &buffer, flags) != 0) {
    clearRefusal();
    buffer.obj = nullptr;
    if (access == Access::Write &&
        PyObject_GetBuffer(exporter.ptr(), &buffer,
                           PyBUF_STRIDES | PyBUF_FORMAT) == 0)
      refuse(PyExc_ValueError, "to be writable",
             "a read-only " + describe(object));
    clearRefusal();
    buffer.obj = nullptr;
    refuse(PyExc_TypeError,
           "to have elements of float16, bfloat16, float32 or float64",
           describe(object));
  }
  if (!type)
    type = readFormat(buffer.format, buffer.itemsize);
  if (!type) {
    bool swapped =
        buffer.format && (*buffer.format == '>' || *buffer.format == '!');
    refuse(PyExc_TypeError,
           swapped ? "to have elements in the byte order of this machine"
                   : "to have elements of float16, bfloat16, float32 or "
                     "float64",
           swapped || !buffer.format || hasAttribute(object, "dtype")
               ? describe(object)
               : describe(object) + " of format '" + buffer.format + "'");
  }
  setType(*type, buffer.ndim);
  array.data = buffer.buf;
  int64_t inOrder = buffer.itemsize;
  for (int dim = buffer.ndim - 1; dim >= 0; --dim) {
    // ctypes leaves out strides, whatever it is asked for: C order.
    int64_t stride = buffer.strides ? buffer.strides[dim] : inOrder;
    shape[dim] = buffer.shape[dim];
    inOrder *= shape[dim];
    strides[dim] = stride / buffer.itemsize;
    if (stride % buffer.itemsize != 0 && shape[dim] > 1)
      refuse(PyExc_ValueError,
             "to have strides that are multiples of its elements (copy it "
             "first)",
             "a stride of " + std::to_string(stride) + " bytes");
  }
}

bool ArrayArgument::viewNumPy(Access access) {
  const NumPy &numpy = getNumPy();
  if (!isA(object, numpy.arrayType))
    return false;
  if (Py_TYPE(object.ptr()) !=
          reinterpret_cast<PyTypeObject *>(numpy.arrayType.ptr()) &&
      isA(object, numpy.maskedArrayType))
    refuse(PyExc_TypeError, "to be an array without a mask of its own",
           describe(object));
  static const Name dtypeName("dtype"), typeName("type"), nameName("__name__"),
      charName("char"), isNative("isnative");
  // The type of ml_dtypes has no format in the buffer protocol; its letter is
  // one that NumPy's own types do not have.
  nb::object dtype = dtypeName.of(object);
  nb::object letter = charName.of(dtype);
  if (PyUnicode_READ_CHAR(letter.ptr(), 0) == 'E' &&
      nb::cast<std::string>(nameName.of(typeName.of(dtype))) == "bfloat16") {
    if (isNative.of(dtype).ptr() != Py_True)
      refuse(PyExc_TypeError,
             "to have elements in the byte order of this machine",
             describe(object));
    owner = object.attr("view")("uint16");
    readBuffer(access, owner, DROPOUT_BF16);
    return true;
  }
  readBuffer(access, object, std::nullopt);
  return true;
}

bool ArrayArgument::viewTorch(Access access) {
  const Torch *torch = getTorch();
  if (!torch || !isA(object, torch->tensorType))
    return false;
  library = Library::Torch;
  static const Name isCpu("is_cpu"), layout("layout"), dtypeName("dtype"),
      dataPtr("data_ptr"), shapeName("shape"), strideName("stride"),
      isNeg("is_neg"), resolveNeg("resolve_neg"), isInference("is_inference");
  if (isCpu.of(object).ptr() != Py_True)
    refuse(PyExc_ValueError, "in CPU memory",
           "a tensor on " + toText(nb::getattr(object, "device")));
  if (layout.of(object).ptr() != torch->strided.ptr())
    refuse(PyExc_TypeError, "to be a strided tensor",
           "a tensor of layout " + toText(nb::getattr(object, "layout")));
  if (access == Access::Write && isInference.call(object).ptr() == Py_True &&
      !nb::cast<bool>(torch->isInferenceMode()))
    refuse(PyExc_ValueError, "to be writable",
           "an inference tensor outside of torch.inference_mode()");
  // The imaginary part of a conjugate has its sign changed when it is read.
  nb::handle tensor = object;
  if (isNeg.call(object).ptr() == Py_True) {
    if (access == Access::Write)
      refuse(PyExc_ValueError, "to be writable",
             "a tensor that torch negates when it is read (resolve_neg() gives "
             "one that is not)");
    owner = resolveNeg.call(object);
    tensor = owner;
  }
  nb::object dtype = dtypeName.of(object);
  nb::object sizes = shapeName.of(object);
  nb::object steps = strideName.call(tensor);
  const TypeInfo *info = nullptr;
  for (size_t index = 0; index < std::size(typeInfos); ++index)
    if (torch->types[index].ptr() == dtype.ptr())
      info = &typeInfos[index];
  DropoutElementType type;
  if (info)
    type = info->type;
  else if (dtype.ptr() == torch->uint8.ptr())
    type = DROPOUT_I8;
  else
    refuse(PyExc_TypeError,
           "to have elements of float16, bfloat16, float32 or float64",
           describe(object));
  auto rank = int32_t(PyTuple_GET_SIZE(sizes.ptr()));
  setType(type, rank);
  for (int32_t dim = 0; dim < rank; ++dim) {
    shape[dim] = PyLong_AsLongLong(PyTuple_GET_ITEM(sizes.ptr(), dim));
    strides[dim] = PyLong_AsLongLong(PyTuple_GET_ITEM(steps.ptr(), dim));
  }
  // Fake tensors have no memory, those of torch.func and the like will not say.
  auto address = nb::steal(
      PyObject_CallMethodNoArgs(tensor.ptr(), nb::handle(dataPtr).ptr()));
  if (address.is_valid())
    array.data = PyLong_AsVoidPtr(address.ptr());
  if (PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_RuntimeError))
    throw nb::python_error();
  PyErr_Clear();
  if (!array.data && getNumBytes() != 0)
    refuse(PyExc_TypeError,
           "to be a tensor with memory of its own (mlir_dropout.torch takes "
           "others, too)",
           describe(object));
  return true;
}

namespace {
/// What a capsule named "dltensor_versioned" holds, up to its flags.
/// Source: https://github.com/dmlc/dlpack/blob/v1.1/include/dlpack/dlpack.h
struct VersionedHeader {
  uint32_t major, minor;
  void *context;
  void (*deleter)(VersionedHeader *);
  uint64_t flags;
};
constexpr uint64_t readOnlyFlag = 1, copiedFlag = 2;
constexpr uint32_t knownMajor = 1;
} // namespace

/// Calls __dlpack__; null and an exception of Python if that fails.
static PyObject *callDLPack(nb::handle object, bool versioned) {
  static const Name method("__dlpack__"), keyword("max_version");
  static PyObject *const names = PyTuple_Pack(1, nb::handle(keyword).ptr()),
                         *const newest = Py_BuildValue("(II)", knownMajor, 1U);
  PyObject *arguments[] = {object.ptr(), newest};
  return PyObject_VectorcallMethod(nb::handle(method).ptr(), arguments, 1,
                                   versioned ? names : nullptr);
}

nb::object ArrayArgument::exportDLPack(Access access) const {
  // Capsules without a version are the cheaper ones, and can't say that their
  // memory is not to be written to.
  bool versioned = access == Access::Write;
  auto capsule = nb::steal(callDLPack(object, versioned));
  // Old exporters know no versions; read-only memory has no capsule without.
  if (!capsule.is_valid() && (PyErr_ExceptionMatches(PyExc_TypeError) ||
                              PyErr_ExceptionMatches(PyExc_BufferError))) {
    nb::python_error first;
    capsule = nb::steal(callDLPack(object, !versioned));
    // One of the two is about the argument, which is not the caller's.
    if (!capsule.is_valid() && PyErr_ExceptionMatches(PyExc_TypeError)) {
      PyErr_Clear();
      first.restore();
    }
  }
  if (!capsule.is_valid()) {
    nb::python_error error;
    if (!error.matches(PyExc_Exception) || error.matches(PyExc_MemoryError)) {
      error.restore();
      throw nb::python_error();
    }
    nb::raise_from(error, PyExc_TypeError,
                   "expected %s to export its memory by DLPack, but got %s",
                   name, describe(object).c_str());
  }
  if (auto *header = static_cast<VersionedHeader *>(
          PyCapsule_CheckExact(capsule.ptr()) &&
                  PyCapsule_IsValid(capsule.ptr(), "dltensor_versioned")
              ? PyCapsule_GetPointer(capsule.ptr(), "dltensor_versioned")
              : nullptr)) {
    if (header->major != knownMajor)
      refuse(PyExc_TypeError, "to export its memory by DLPack 1",
             describe(object) + ", which has version " +
                 std::to_string(header->major));
    if (access == Access::Write && header->flags & readOnlyFlag)
      refuse(PyExc_ValueError, "to be writable",
             "a read-only " + describe(object));
    if (access == Access::Write && header->flags & copiedFlag)
      refuse(PyExc_ValueError, "to be writable",
             describe(object) + ", which exports a copy of its memory");
    return capsule;
  }
  if (!PyCapsule_CheckExact(capsule.ptr()) ||
      !PyCapsule_IsValid(capsule.ptr(), "dltensor"))
    refuse(PyExc_TypeError, "to export its memory by DLPack", describe(object));
  return capsule;
}

bool ArrayArgument::viewDLPack(Access access) {
  if (PyType_Check(object.ptr()) || !hasAttribute(object, "__dlpack__"))
    return false;
  library = getImporter(object).is_none() ? Library::NumPy : Library::Other;
  // Asked before the memory is: an export may wait for the device.
  if (hasAttribute(object, "__dlpack_device__")) {
    nb::object device = object.attr("__dlpack_device__")();
    auto kind = nb::steal(PySequence_GetItem(device.ptr(), 0));
    long number = kind.is_valid() ? PyLong_AsLong(kind.ptr()) : -1;
    if (PyErr_Occurred()) {
      PyErr_Clear();
      refuse(PyExc_TypeError, "to be on a DLPack device", toText(device));
    }
    if (number != nb::device::cpu::value)
      refuse(PyExc_ValueError, "in CPU memory",
             "an array on DLPack device " + toText(device));
  }
  nb::dlpack::dtype dtype;
  auto read = [&](const auto &view) {
    if (view.device_type() != nb::device::cpu::value)
      refuse(PyExc_ValueError, "in CPU memory",
             "an array on DLPack device type " +
                 std::to_string(view.device_type()));
    array.data = const_cast<void *>(static_cast<const void *>(view.data()));
    dtype = view.dtype();
    if (view.ndim() > size_t(maxRank))
      refuse(PyExc_ValueError, "to have at most 64 dims",
             std::to_string(view.ndim()));
    array.rank = int32_t(view.ndim());
    for (size_t dim = 0; dim < view.ndim(); ++dim) {
      shape[dim] = int64_t(view.shape(dim));
      strides[dim] = view.stride(dim);
    }
  };
  if (access == Access::Write) {
    // JAX's arrays are values: nobody may write to them, whatever the capsule
    // says.
    if (hasAttribute(object, "at") &&
        hasAttribute(object, "addressable_shards"))
      refuse(PyExc_ValueError, "to be writable",
             "a read-only " + describe(object));
    if (!nb::try_cast(exportDLPack(access), writable))
      refuse(PyExc_ValueError, "to be writable", describe(object));
    read(writable);
  } else {
    if (!nb::try_cast(exportDLPack(access), readable))
      refuse(PyExc_TypeError, "to export its memory by DLPack",
             describe(object));
    read(readable);
  }
  if (dtype.code == code(nb::dlpack::dtype_code::UInt))
    dtype.code = code(nb::dlpack::dtype_code::Int);
  for (const TypeInfo &info : typeInfos)
    if (info.dlpack == dtype) {
      setType(info.type, array.rank);
      return true;
    }
  refuse(PyExc_TypeError,
         "to have elements of float16, bfloat16, float32 or float64",
         describe(object));
}

bool ArrayArgument::viewBuffer(Access access) {
  if (!PyObject_CheckBuffer(object.ptr()))
    return false;
  readBuffer(access, object, std::nullopt);
  return true;
}

//===----------------------------------------------------------------------===//
// New arrays
//===----------------------------------------------------------------------===//

nb::tuple dropout::python::makeShape(const DropoutArray &array) {
  auto shape = nb::steal<nb::tuple>(PyTuple_New(array.rank));
  for (int32_t dim = 0; dim < array.rank; ++dim)
    PyTuple_SET_ITEM(shape.ptr(), dim, PyLong_FromLongLong(array.shape[dim]));
  return shape;
}

static nb::object getNumPyType(int32_t type) {
  if (type != DROPOUT_BF16)
    return nb::str(getInfo(type).numpy);
  try {
    return nb::module_::import_("ml_dtypes").attr("bfloat16");
  } catch (nb::python_error &error) {
    nb::raise_from(error, PyExc_ImportError,
                   "an array of bfloat16 for NumPy needs the package "
                   "ml_dtypes: pip install ml_dtypes");
  }
}

nb::object dropout::python::makeNumPyArray(nb::handle shape, const char *type) {
  return getNumPy().empty(shape, nb::str(type));
}

/// Memory of that shape for `finishArray`.
static nb::object makeMemory(const DropoutArray &array, int32_t type) {
  // JAX takes memory of this alignment without a copy.
  constexpr size_t alignment = 64;
  size_t shape[maxRank], bytes = size_t(getInfo(type).size);
  for (int32_t dim = 0; dim < array.rank; ++dim)
    bytes *= shape[dim] = size_t(array.shape[dim]);
  void *memory =
      std::aligned_alloc(alignment, (bytes / alignment + 1) * alignment);
  if (!memory)
    throw std::bad_alloc();
  nb::capsule owner(memory, [](void *memory) noexcept { std::free(memory); });
  return nb::cast(nb::ndarray<nb::array_api>(
      memory, size_t(array.rank), shape, owner, nullptr, getInfo(type).dlpack));
}

nb::object dropout::python::makeArrayLike(const ArrayArgument &like) {
  switch (like.getLibrary()) {
  case Library::NumPy:
    if (isA(like.getObject(), getNumPy().arrayType))
      return takeResult(PyObject_CallOneArg(getNumPy().emptyLike.ptr(),
                                            like.getObject().ptr()));
    return getNumPy().empty(makeShape(like.get()),
                            getNumPyType(like.get().elementType));
  case Library::Torch:
    return takeResult(PyObject_CallOneArg(getTorch()->emptyLike.ptr(),
                                          like.getObject().ptr()));
  case Library::Other:
    break;
  }
  return makeMemory(like.get(), like.get().elementType);
}

nb::object dropout::python::makeMaskLike(const ArrayArgument &like) {
  nb::tuple shape = makeShape(like.get());
  if (like.getLibrary() == Library::Other) {
    nb::object memory = makeMemory(like.get(), DROPOUT_I1);
    // Asked now, before anything is drawn: not all take booleans by DLPack.
    try {
      getImporter(like.getObject())(memory);
      return memory;
    } catch (nb::python_error &error) {
      if (!error.matches(PyExc_Exception) || error.matches(PyExc_MemoryError))
        throw;
    }
  }
  if (like.getLibrary() != Library::Torch)
    return getNumPy().empty(shape, getNumPy().boolean);
  nb::object empty = nb::module_::import_("torch").attr("empty");
  return empty(shape, nb::arg("dtype") = getTorch()->boolean,
               nb::arg("device") = "cpu");
}

nb::object dropout::python::finishArray(nb::object array,
                                        const ArrayArgument &like) {
  if (like.getLibrary() != Library::Other || isA(array, getNumPy().arrayType))
    return array;
  return getImporter(like.getObject())(array);
}

nb::object dropout::python::adoptMemory(const DropoutArray &array, void *owner,
                                        Library library, nb::handle like) {
  nb::capsule capsule(owner,
                      [](void *memory) noexcept { dropoutFree(memory); });
  size_t shape[maxRank];
  std::copy(array.shape, array.shape + array.rank, shape);
  auto view = [&](auto tag, nb::dlpack::dtype type) {
    using Tag = decltype(tag);
    return nb::cast(nb::ndarray<Tag>(array.data, size_t(array.rank), shape,
                                     capsule, array.strides, type));
  };
  const TypeInfo &info = getInfo(array.elementType);
  nb::dlpack::dtype bits = {code(nb::dlpack::dtype_code::UInt),
                            uint8_t(8 * info.size), 1};
  switch (library) {
  case Library::NumPy:
    if (info.type != DROPOUT_BF16)
      return view(nb::numpy(), info.dlpack);
    return view(nb::numpy(), bits).attr("view")(getNumPyType(DROPOUT_BF16));
  case Library::Torch:
    // Old ones know no booleans in DLPack.
    if (info.type == DROPOUT_I1)
      return view(nb::pytorch(), bits).attr("view")(getTorch()->boolean);
    return view(nb::pytorch(), info.dlpack);
  case Library::Other:
    break;
  }
  return getImporter(like)(view(nb::array_api(), info.dlpack));
}

bool ArrayArgument::isOfNumPy() const {
  return isA(object, getNumPy().arrayType);
}

/// Copies the dims from \p dim on of an array to memory in C order; returns the
/// end of the copy.
static char *copyElements(const char *from, const DropoutArray &array,
                          int64_t size, int32_t dim, char *to) {
  if (dim == array.rank) {
    std::memcpy(to, from, size_t(size));
    return to + size;
  }
  for (int64_t index = 0; index < array.shape[dim]; ++index)
    to = copyElements(from + index * array.strides[dim] * size, array, size,
                      dim + 1, to);
  return to;
}

void ArrayArgument::makeContiguous() {
  auto *memory = new char[size_t(getNumBytes())];
  copyElements(static_cast<const char *>(array.data), array,
               getInfo(array.elementType).size, 0, memory);
  copy.reset(memory);
  array.data = memory;
  int64_t step = 1;
  for (int32_t dim = array.rank - 1; dim >= 0; --dim) {
    strides[dim] = step;
    step *= shape[dim];
  }
}

int32_t dropout::python::getTorchThreads() {
  return nb::cast<int32_t>(getTorch()->getNumThreads());
}

/// Backward by requires_grad, forward by a tangent.
static const char *getGradient(const ArrayArgument &array) {
  static const Name requiresGrad("requires_grad"), level("_current_level");
  if (array.getLibrary() != Library::Torch)
    return nullptr;
  if (requiresGrad.of(array.getObject()).ptr() == Py_True &&
      nb::cast<bool>(getTorch()->isGradEnabled()))
    return "requires_grad=True";
  if (nb::cast<int>(level.of(getTorch()->forwardAD)) >= 0 &&
      !getTorch()
           ->forwardAD.attr("unpack_dual")(array.getObject())
           .attr("tangent")
           .is_none())
    return "a tangent";
  return nullptr;
}

void dropout::python::refuseAutograd(const ArrayArgument &array,
                                     const char *name) {
  const char *gradient = getGradient(array);
  if (!gradient)
    return;
  PyErr_Format(PyExc_TypeError,
               "expected %s to be a tensor that needs no gradient, but it has "
               "%s: mlir_dropout.torch has functions with gradients; detach() "
               "gives a tensor without",
               name, gradient);
  throw nb::python_error();
}

void dropout::python::noteWritten(const ArrayArgument &array) {
  if (array.getLibrary() == Library::Torch)
    nb::module_::import_("mlir_dropout._arrays")
        .attr("bump_version")(array.getObject());
}
