//===- Program.cpp - Functions compiled from MLIR -------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program.h"
#include "Arrays.h"
#include "Errors.h"
#include "Generator.h"
#include "Unlocked.h"

#include "dropout-c/ExecutionEngine.h"

#include <cmath>
#include <cstring>
#include <deque>
#include <memory>
#include <nanobind/stl/string.h>
#include <vector>

using namespace dropout::python;

#if PY_VERSION_HEX < 0x030B0000 // They became public then.
static int PyFloat_Pack2(double value, char *bytes, int littleEndian) {
  return _PyFloat_Pack2(value, reinterpret_cast<unsigned char *>(bytes),
                        littleEndian);
}
static double PyFloat_Unpack2(const char *bytes, int littleEndian) {
  return _PyFloat_Unpack2(reinterpret_cast<const unsigned char *>(bytes),
                          littleEndian);
}
#endif

namespace {
/// The source and the options: all that a program depends on.
struct Source {
  std::string text, function, lowering, cpu, features;
  DropoutCompileOptions options = dropoutGetDefaultCompileOptions();

  /// With the strings where they are now.
  DropoutCompileOptions getOptions() const {
    DropoutCompileOptions result = options;
    result.function = function.c_str();
    result.lowering = lowering.c_str();
    result.cpu = cpu.c_str();
    result.features = features.c_str();
    return result;
  }
};

class Program {
public:
  explicit Program(Source source);
  ~Program() {
    Unlocked unlocked; // It may have to wait for a fork, or the process's end.
    dropoutExecutableDestroy(executable);
  }
  Program(const Program &) = delete;
  Program &operator=(const Program &) = delete;

  std::vector<std::string> getNames() const;
  nb::list getTypes(int index, bool ofResults) const;
  nb::bytes emit(int kind) const;
  nb::object call(int index, nb::args arguments) const;

private:
  Source source;
  DropoutExecutable *executable = nullptr;
};
} // namespace

static nb::handle compileError;

/// Throws what a function with a message of its own refused.
[[noreturn]] static void throwMessage(int32_t status, char *message,
                                      bool compiling) {
  std::string text = message ? message : "";
  dropoutFree(message);
  if (!compiling || status == DROPOUT_OUT_OF_MEMORY)
    throwStatus(status, text);
  dropoutClearStatus();
  PyErr_SetString(compileError.ptr(), text.c_str());
  throw nb::python_error();
}

Program::Program(Source given) : source(std::move(given)) {
  DropoutCompileOptions options = source.getOptions();
  char *message = nullptr;
  int32_t status;
  {
    Unlocked unlocked;
    status = dropoutExecutableCompile(source.text.data(), source.text.size(),
                                      &options, &executable, &message);
  }
  if (status != 0)
    throwMessage(status, message, /*compiling=*/true);
}

std::vector<std::string> Program::getNames() const {
  std::vector<std::string> names;
  int32_t count = dropoutExecutableGetNumFunctions(executable);
  for (int32_t index = 0; index < count; ++index)
    names.emplace_back(dropoutExecutableGetFunction(executable, index).name);
  return names;
}

nb::list Program::getTypes(int index, bool ofResults) const {
  DropoutFunctionType type = dropoutExecutableGetFunction(executable, index);
  nb::list result;
  int32_t begin = ofResults ? type.numArguments : 0;
  int32_t end = ofResults ? begin + type.numResults : type.numArguments;
  for (int32_t at = begin; at < end; ++at)
    result.append(type.types[at].text);
  return result;
}

nb::bytes Program::emit(int kind) const {
  DropoutCompileOptions options = source.getOptions();
  char *code = nullptr, *message = nullptr;
  size_t size = 0;
  int32_t status;
  {
    Unlocked unlocked;
    status = dropoutEmit(source.text.data(), source.text.size(), &options, kind,
                         &code, &size, &message);
  }
  if (status != 0)
    throwMessage(status, message, /*compiling=*/true);
  nb::bytes result(code, size);
  dropoutFree(code);
  return result;
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

/// The bits of a bf16, rounded to nearest even.
static uint16_t toBF16(double value) {
  if (std::isnan(value))
    return 0x7fc0;
  // An inexact float is made odd, so that it does not decide the rounding.
  auto single = float(value);
  uint32_t bits;
  std::memcpy(&bits, &single, 4);
  if (double(single) != value && std::isfinite(single)) {
    if (std::fabs(double(single)) > std::fabs(value))
      --bits;
    bits |= 1;
  }
  return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static uint64_t toFloatBits(double value, int32_t type) {
  uint64_t bits = 0;
  if (type == DROPOUT_F64) {
    std::memcpy(&bits, &value, 8);
  } else if (type == DROPOUT_F32) {
    auto single = float(value);
    std::memcpy(&bits, &single, 4);
  } else if (type == DROPOUT_BF16) {
    bits = toBF16(value);
  } else { // Python rounds to nearest even, and overflows with an error.
    char bytes[2];
    if (PyFloat_Pack2(value, bytes, /*le=*/1) == 0) {
      std::memcpy(&bits, bytes, 2);
    } else {
      PyErr_Clear();
      bits = value < 0 ? 0xfc00 : 0x7c00; // Infinity, as of the other types.
    }
  }
  return bits;
}

static double fromFloatBits(uint64_t bits, int32_t type) {
  if (type == DROPOUT_F64) {
    double value;
    std::memcpy(&value, &bits, 8);
    return value;
  }
  if (type == DROPOUT_F16) {
    char bytes[2];
    std::memcpy(bytes, &bits, 2);
    return PyFloat_Unpack2(bytes, /*le=*/1);
  }
  auto word = uint32_t(type == DROPOUT_BF16 ? bits << 16 : bits);
  float value;
  std::memcpy(&value, &word, 4);
  return value;
}

static bool isFloat(int32_t type) { return type >= DROPOUT_F16; }

static int getWidth(int32_t type) {
  switch (type) {
  case DROPOUT_I1:
    return 1;
  case DROPOUT_I8:
    return 8;
  case DROPOUT_I16:
    return 16;
  case DROPOUT_I32:
    return 32;
  default:
    return 64;
  }
}

/// The bits of a scalar argument.
static uint64_t toBits(nb::handle value, const DropoutValueType &type,
                       const std::string &name) {
  auto fail = [&](PyObject *exception) {
    PyErr_Clear();
    PyErr_Format(exception, "expected %s of type %s, but got %R", name.c_str(),
                 type.text, value.ptr());
    throw nb::python_error();
  };
  if (isFloat(type.elementType)) {
    double number = PyFloat_AsDouble(value.ptr());
    if (number == -1.0 && PyErr_Occurred())
      fail(PyExc_TypeError);
    return toFloatBits(number, type.elementType);
  }
  if (type.elementType == DROPOUT_I1)
    return toBool(value, name.c_str());
  // Signless: all that fits the bits, with a sign or without.
  auto number = nb::steal(PyNumber_Index(value.ptr()));
  if (!number.is_valid())
    fail(PyExc_TypeError);
  int overflow = 0;
  long long small = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
  int width = getWidth(type.elementType);
  if (overflow == 0) {
    if (width < 64 && (small < -(1ll << (width - 1)) || small >= 1ll << width))
      fail(PyExc_ValueError);
    return uint64_t(small);
  }
  unsigned long long large = PyLong_AsUnsignedLongLong(number.ptr());
  if (PyErr_Occurred() || width < 64)
    fail(PyExc_ValueError);
  return large;
}

static nb::object toScalar(uint64_t bits, int32_t type) {
  if (isFloat(type))
    return nb::float_(fromFloatBits(bits, type));
  if (type == DROPOUT_I1)
    return nb::bool_(bits != 0);
  int shift = 64 - getWidth(type);
  return nb::int_(int64_t(bits << shift) >> shift);
}

nb::object Program::call(int index, nb::args arguments) const {
  DropoutFunctionType type = dropoutExecutableGetFunction(executable, index);
  if (!type.name) {
    PyErr_Format(PyExc_IndexError,
                 "expected the index of a function, but got "
                 "%d",
                 index);
    throw nb::python_error();
  }
  if (arguments.size() != size_t(type.numArguments)) {
    PyErr_Format(PyExc_TypeError,
                 "expected %d arguments of function '%s', but got %zu",
                 int(type.numArguments), type.name, arguments.size());
    throw nb::python_error();
  }
  std::deque<ArrayArgument> arrays;
  std::vector<nb::object> copies;
  std::vector<DropoutValue> values(arguments.size());
  auto getName = [](int32_t at) { return "argument #" + std::to_string(at); };
  // Scalars first: what converts them may be code of the user's, which must not
  // change arrays that were looked at.
  for (int32_t at = 0; at < type.numArguments; ++at) {
    values[at].array.elementType = type.types[at].elementType;
    if (!type.types[at].isArray)
      values[at].bits = toBits(arguments[at], type.types[at], getName(at));
  }
  for (int32_t at = 0; at < type.numArguments; ++at) {
    const DropoutValueType &expected = type.types[at];
    if (!expected.isArray)
      continue;
    std::string name = getName(at);
    nb::handle argument = arguments[at];
    Access access = expected.isMemRef ? Access::Write : Access::Read;
    arrays.emplace_back(argument, name.c_str(), access);
    if (!expected.isMemRef && !arrays.back().isContiguous()) {
      // A tensor is a value: a copy in C order is the same one.
      bool torch = arrays.back().getLibrary() == Library::Torch;
      if (torch || arrays.back().isOfNumPy()) { // Faster than we are.
        arrays.pop_back();
        copies.push_back(torch ? argument.attr("contiguous")()
                               : argument.attr("copy")("C"));
        arrays.emplace_back(copies.back(), name.c_str(), access);
      } else {
        arrays.back().makeContiguous();
      }
    }
    refuseAutograd(arrays.back(), name.c_str());
    values[at].array = arrays.back().get();
    bool sameType = values[at].array.elementType == expected.elementType ||
                    (expected.elementType == DROPOUT_INDEX &&
                     values[at].array.elementType == DROPOUT_I64) ||
                    (expected.elementType == DROPOUT_I1 &&
                     values[at].array.elementType == DROPOUT_I8);
    if (!sameType) {
      PyErr_Format(PyExc_TypeError, "expected %s of type %s, but got %s",
                   name.c_str(), expected.text, describe(argument).c_str());
      throw nb::python_error();
    }
    values[at].array.elementType = expected.elementType;
  }
  Library library = arrays.empty() ? Library::NumPy : arrays[0].getLibrary();
  nb::handle like = arrays.empty() ? nb::handle() : arrays[0].getObject();

  for (size_t at = 0, array = 0; at < values.size(); ++at)
    if (type.types[at].isArray) {
      if (type.types[at].isMemRef)
        noteWritten(arrays[array]);
      ++array;
    }

  std::vector<DropoutValue> results(size_t(type.numResults));
  char *message = nullptr;
  int32_t status;
  {
    Unlocked unlocked;
    status = dropoutExecutableCall(executable, index, values.data(),
                                   type.numArguments, results.data(), &message);
  }
  if (status != 0)
    throwMessage(status, message, /*compiling=*/false);

  // All memory is owned by something before anything else can fail.
  std::vector<std::unique_ptr<void, void (*)(void *)>> owners;
  for (DropoutValue &result : results)
    owners.emplace_back(result.owner, &dropoutFree);
  auto convert = [&](int32_t at) -> nb::object {
    const DropoutValue &result = results[at];
    if (!type.types[type.numArguments + at].isArray)
      return toScalar(result.bits, result.array.elementType);
    return adoptMemory(result.array, owners[at].release(), library, like);
  };
  if (type.numResults == 0)
    return nb::none();
  if (type.numResults == 1)
    return convert(0);
  auto tuple = nb::steal<nb::tuple>(PyTuple_New(type.numResults));
  for (int32_t at = 0; at < type.numResults; ++at)
    PyTuple_SET_ITEM(tuple.ptr(), at, convert(at).release().ptr());
  return tuple;
}

void dropout::python::addProgram(nb::module_ &module) {
  static nb::object error = nb::exception<std::runtime_error>(
      module, "CompileError", PyExc_ValueError);
  compileError = error;
  error.attr("__module__") = "mlir_dropout";
  error.attr("__doc__") =
      "A program that does not compile; the text has MLIR's diagnostics.";

  nb::class_<Program>(module, "Program")
      .def("__init__",
           [](Program *self, nb::bytes text, const std::string &function,
              const std::string &lowering, int64_t threads,
              int64_t nontemporalBytes, int optimizationLevel,
              nb::handle vectorMath, const std::string &cpu,
              const std::string &features, nb::handle cache) {
             Source source;
             source.text.assign(text.c_str(), text.size());
             source.function = function;
             source.lowering = lowering;
             source.cpu = cpu;
             source.features = features;
             source.options.threads = threads;
             source.options.nontemporalBytes = nontemporalBytes;
             source.options.optimizationLevel = optimizationLevel;
             source.options.vectorMath = toBool(vectorMath, "vector_math");
             source.options.useCache = toBool(cache, "cache");
             new (self) Program(std::move(source));
           })
      .def_prop_ro("names",
                   [](const Program &self) {
                     nb::list names;
                     for (const std::string &name : self.getNames())
                       names.append(name);
                     return names;
                   })
      .def("argument_types",
           [](const Program &self, int index) {
             return self.getTypes(index, /*ofResults=*/false);
           })
      .def("result_types",
           [](const Program &self, int index) {
             return self.getTypes(index, /*ofResults=*/true);
           })
      .def("emit", &Program::emit)
      .def("call", &Program::call);
  module.def("stop_compiling", [] {
    Unlocked unlocked;
    dropoutStopCompiling();
  });
  module.attr("EMIT_LLVM_IR") = int(DROPOUT_EMIT_LLVM_IR);
  module.attr("EMIT_ASSEMBLY") = int(DROPOUT_EMIT_ASSEMBLY);
  module.attr("EMIT_OBJECT") = int(DROPOUT_EMIT_OBJECT);
}
