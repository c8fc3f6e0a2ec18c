//===- Generator.cpp - Where seeds and offsets come from ------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Generator.h"
#include "Errors.h"

#include "dropout/Runtime/Runtime.h"

#include <cstring>
#include <mutex>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <pthread.h>
#include <vector>

namespace nb = nanobind;
using namespace dropout::python;

uint64_t dropout::python::toUInt64(nb::handle value, const char *name) {
  if (PyLong_CheckExact(value.ptr())) { // The common case, without a copy.
    uint64_t result = PyLong_AsUnsignedLongLong(value.ptr());
    if (result != uint64_t(-1) || !PyErr_Occurred())
      return result;
    PyErr_Clear();
  }
  auto number = nb::steal(PyNumber_Index(value.ptr()));
  if (!number.is_valid() || PyBool_Check(value.ptr())) {
    PyErr_Clear();
    PyErr_Format(PyExc_TypeError, "expected %s to be an int, but got %R", name,
                 value.ptr());
    throw nb::python_error();
  }
  uint64_t result = PyLong_AsUnsignedLongLong(number.ptr());
  if (result == uint64_t(-1) && PyErr_Occurred()) {
    PyErr_Clear();
    PyErr_Format(PyExc_ValueError, "expected %s in [0, 2**64), but got %R",
                 name, value.ptr());
    throw nb::python_error();
  }
  return result;
}

bool dropout::python::toBool(nb::handle value, const char *name) {
  if (PyBool_Check(value.ptr()))
    return value.ptr() == Py_True;
  // Neither None nor strings and the like, which are true for some reason.
  const PyNumberMethods *number = Py_TYPE(value.ptr())->tp_as_number;
  int truth = -1;
  if (!value.is_none() && number && number->nb_bool)
    truth = PyObject_IsTrue(value.ptr());
  if (truth < 0) {
    PyErr_Clear();
    PyErr_Format(PyExc_TypeError, "expected %s to be a bool, but got %R", name,
                 value.ptr());
    throw nb::python_error();
  }
  return truth != 0;
}

/// A name for the runtime, which takes it up to a NUL.
static std::string toName(nb::handle value) {
  if (!PyUnicode_Check(value.ptr())) {
    PyErr_Format(PyExc_TypeError, "expected name to be a str, but got %R",
                 value.ptr());
    throw nb::python_error();
  }
  Py_ssize_t size = 0;
  const char *text = PyUnicode_AsUTF8AndSize(value.ptr(), &size);
  if (!text || std::strlen(text) != size_t(size)) {
    PyErr_Clear();
    PyErr_Format(PyExc_ValueError,
                 "expected name to be UTF-8 without NUL, but got %R",
                 value.ptr());
    throw nb::python_error();
  }
  return text;
}

/// Guards all generators, for as long as it takes to count. One for all, so
/// that fork(2) can see to it that a child does not find it locked by nobody.
static std::mutex &getMutex() {
  static auto *mutex = [] {
    pthread_atfork([] { getMutex().lock(); }, [] { getMutex().unlock(); },
                   [] { getMutex().unlock(); });
    return new std::mutex();
  }();
  return *mutex;
}

/// Made when the module is loaded: a child of a fork(2) during its first use
/// would wait for ever for the thread that makes it.
[[maybe_unused]] static const std::mutex &madeMutex = getMutex();

Generator Generator::ofRuntime(std::optional<std::string> name) {
  Generator generator(0, 0);
  generator.isRuntimes = true;
  generator.name = std::move(name);
  return generator;
}

std::pair<uint64_t, uint64_t> Generator::get() const {
  if (isRuntimes) {
    uint64_t seed, offset;
    check(dropoutGeneratorGet(getName(), &seed, &offset));
    return {seed, offset};
  }
  std::lock_guard<std::mutex> lock(getMutex());
  return {seed, offset};
}

void Generator::set(uint64_t newSeed, uint64_t newOffset) {
  if (isRuntimes)
    return check(dropoutGeneratorSet(getName(), newSeed, newOffset));
  std::lock_guard<std::mutex> lock(getMutex());
  seed = newSeed;
  offset = newOffset;
}

void Generator::setSeed(uint64_t newSeed) {
  // The runtime sets both or none.
  if (isRuntimes)
    return check(dropoutGeneratorSet(getName(), newSeed, get().second));
  std::lock_guard<std::mutex> lock(getMutex());
  seed = newSeed;
}

void Generator::setOffset(uint64_t newOffset) {
  if (isRuntimes)
    return check(dropoutGeneratorSet(getName(), get().first, newOffset));
  std::lock_guard<std::mutex> lock(getMutex());
  offset = newOffset;
}

uint64_t Generator::beginScope(uint64_t newSeed, uint64_t newOffset) {
  if (isRuntimes) {
    uint64_t scope;
    check(dropoutGeneratorScopeBegin(getName(), newSeed, newOffset, &scope));
    return scope;
  }
  static uint64_t lastHandle = 0;
  std::lock_guard<std::mutex> lock(getMutex());
  scopes.push_back({++lastHandle, seed, offset});
  seed = newSeed;
  offset = newOffset;
  return lastHandle;
}

void Generator::endScope(uint64_t scope) {
  if (isRuntimes)
    return check(dropoutScopeEnd(scope));
  bool isInnermost;
  {
    std::lock_guard<std::mutex> lock(getMutex());
    isInnermost = !scopes.empty() && scopes.back().handle == scope;
    if (isInnermost) {
      seed = scopes.back().seed;
      offset = scopes.back().offset;
      scopes.pop_back();
    }
  }
  if (isInnermost)
    return;
  PyErr_SetString(PyExc_RuntimeError,
                  "expected the innermost open scope of the generator, but got "
                  "one that another began in or that has ended");
  throw nb::python_error();
}

int32_t Generator::reserve(int32_t mode, int8_t *training, uint64_t *outSeed,
                           uint64_t *outOffset) {
  if (isRuntimes)
    return dropoutReserve(getName(), mode, training, outSeed, outOffset);
  *training = int8_t(mode == DROPOUT_RUNTIME_MODE ? dropoutIsTraining() : mode);
  std::lock_guard<std::mutex> lock(getMutex());
  *outSeed = seed;
  *outOffset = offset;
  if (*training)
    ++offset;
  return DROPOUT_OK;
}

/// Reads what a function of the runtime writes to a buffer of its own size,
/// which may grow between two calls.
template <typename Write>
static nb::bytes readBytes(Write write) {
  std::vector<char> buffer;
  size_t size = 0;
  check(write(nullptr, size_t(0), &size));
  for (;;) {
    buffer.resize(size);
    int32_t status = write(buffer.data(), buffer.size(), &size);
    if (status != DROPOUT_BUFFER_TOO_SMALL) {
      check(status);
      return nb::bytes(buffer.data(), size);
    }
    dropoutClearStatus();
  }
}

static nb::bytes getState(const Generator &generator) {
  std::pair<uint64_t, uint64_t> at = generator.get();
  return readBytes([&](char *buffer, size_t capacity, size_t *size) {
    return dropoutGeneratorEncode(at.first, at.second, buffer, capacity, size);
  });
}

static void setState(Generator &generator, nb::bytes state) {
  uint64_t seed, offset;
  check(dropoutGeneratorDecode(state.c_str(), state.size(), &seed, &offset));
  generator.set(seed, offset);
}

static uint64_t forkSeed(uint64_t seed, const std::string &name,
                         uint64_t rank) {
  uint64_t forked;
  check(dropoutForkSeed(seed, name.c_str(), rank, &forked));
  return forked;
}

void dropout::python::addState(nb::module_ &module) {
  // What Python code builds the class `Generator` of: `_generator.py`.
  nb::class_<Generator>(module, "GeneratorState")
      .def(
          "__init__",
          [](Generator *self, nb::handle seed, nb::handle offset) {
            new (self)
                Generator(toUInt64(seed, "seed"), toUInt64(offset, "offset"));
          },
          nb::arg().none(), nb::arg().none())
      .def_static(
          "of_runtime",
          [](nb::handle name) {
            if (name.is_none())
              return Generator::ofRuntime(std::nullopt);
            return Generator::ofRuntime(toName(name));
          },
          nb::arg("name").none())
      .def("get", &Generator::get)
      .def(
          "set",
          [](Generator &self, nb::handle seed, nb::handle offset) {
            self.set(toUInt64(seed, "seed"), toUInt64(offset, "offset"));
          },
          nb::arg().none(), nb::arg().none())
      .def(
          "set_seed",
          [](Generator &self, nb::handle seed) {
            self.setSeed(toUInt64(seed, "seed"));
          },
          nb::arg().none())
      .def(
          "set_offset",
          [](Generator &self, nb::handle offset) {
            self.setOffset(toUInt64(offset, "offset"));
          },
          nb::arg().none())
      .def(
          "begin_scope",
          [](Generator &self, nb::handle seed, nb::handle offset) {
            return self.beginScope(toUInt64(seed, "seed"),
                                   toUInt64(offset, "offset"));
          },
          nb::arg().none(), nb::arg().none())
      .def("end_scope", &Generator::endScope)
      .def("reserve",
           [](Generator &self) {
             int8_t training;
             uint64_t seed, offset;
             check(self.reserve(DROPOUT_TRAIN, &training, &seed, &offset));
             return std::pair(seed, offset);
           })
      .def("encode", &getState)
      .def("decode", &setState)
      .def_prop_ro("is_runtimes", &Generator::isOfRuntime)
      .def_prop_ro("name", [](const Generator &self) -> nb::object {
        if (const char *name = self.getName())
          return nb::str(name);
        return nb::none();
      });

  module.def(
      "fork_seed",
      [](nb::handle seed, nb::handle name, nb::handle rank) {
        return forkSeed(toUInt64(seed, "seed"), toName(name),
                        toUInt64(rank, "rank"));
      },
      nb::arg(), nb::arg().none(), nb::arg().none());
  module.def(
      "create_generator",
      [](nb::handle name, nb::handle seed, nb::handle offset) {
        check(dropoutGeneratorCreate(toName(name).c_str(),
                                     toUInt64(seed, "seed"),
                                     toUInt64(offset, "offset")));
      },
      nb::arg().none(), nb::arg().none(), nb::arg().none());
  module.def(
      "destroy_generator",
      [](nb::handle name) {
        check(dropoutGeneratorDestroy(toName(name).c_str()));
      },
      nb::arg().none());
  module.def(
      "generator_exists",
      [](nb::handle name) {
        return dropoutGeneratorExists(toName(name).c_str()) != 0;
      },
      nb::arg().none());
  module.def(
      "set_training",
      [](nb::handle training) {
        check(dropoutSetTraining(toBool(training, "training") ? DROPOUT_TRAIN
                                                              : DROPOUT_EVAL));
      },
      nb::arg().none());
  module.def("is_training", [] { return dropoutIsTraining() != 0; });
  module.def(
      "begin_mode_scope",
      [](nb::handle training) {
        uint64_t scope;
        check(dropoutModeScopeBegin(toBool(training, "training") ? DROPOUT_TRAIN
                                                                 : DROPOUT_EVAL,
                                    &scope));
        return scope;
      },
      nb::arg().none());
  module.def("end_mode_scope",
             [](uint64_t scope) { check(dropoutScopeEnd(scope)); });
  module.def("get_state", [] { return readBytes(dropoutStateSave); });
  module.def("set_state", [](nb::bytes state) {
    check(dropoutStateRestore(state.c_str(), state.size()));
  });
}
