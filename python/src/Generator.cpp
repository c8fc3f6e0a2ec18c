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

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
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
  std::lock_guard<std::mutex> lock(mutex);
  return {seed, offset};
}

void Generator::set(uint64_t newSeed, uint64_t newOffset) {
  if (isRuntimes)
    return check(dropoutGeneratorSet(getName(), newSeed, newOffset));
  std::lock_guard<std::mutex> lock(mutex);
  seed = newSeed;
  offset = newOffset;
}

int32_t Generator::reserve(int32_t mode, int8_t *training, uint64_t *outSeed,
                           uint64_t *outOffset) {
  if (isRuntimes)
    return dropoutReserve(getName(), mode, training, outSeed, outOffset);
  *training = int8_t(mode == DROPOUT_RUNTIME_MODE ? dropoutIsTraining() : mode);
  std::lock_guard<std::mutex> lock(mutex);
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
  if (name.find('\0') != std::string::npos) {
    PyErr_SetString(PyExc_ValueError, "expected a name without NUL");
    throw nb::python_error();
  }
  uint64_t forked;
  check(dropoutForkSeed(seed, name.c_str(), rank, &forked));
  return forked;
}

void dropout::python::addState(nb::module_ &module) {
  // What Python code builds the class `Generator` of: `_generator.py`.
  nb::class_<Generator>(module, "GeneratorState")
      .def("__init__",
           [](Generator *self, nb::handle seed, nb::handle offset) {
             new (self)
                 Generator(toUInt64(seed, "seed"), toUInt64(offset, "offset"));
           })
      .def_static("of_runtime", &Generator::ofRuntime, nb::arg("name").none())
      .def("get", &Generator::get)
      .def("set",
           [](Generator &self, nb::handle seed, nb::handle offset) {
             self.set(toUInt64(seed, "seed"), toUInt64(offset, "offset"));
           })
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

  module.def("fork_seed", [](nb::handle seed, const std::string &name,
                             nb::handle rank) {
    return forkSeed(toUInt64(seed, "seed"), name, toUInt64(rank, "rank"));
  });
  module.def("create_generator", [](const std::string &name, nb::handle seed,
                                    nb::handle offset) {
    check(dropoutGeneratorCreate(name.c_str(), toUInt64(seed, "seed"),
                                 toUInt64(offset, "offset")));
  });
  module.def("destroy_generator", [](const std::string &name) {
    check(dropoutGeneratorDestroy(name.c_str()));
  });
  module.def("generator_exists", [](const std::string &name) {
    return dropoutGeneratorExists(name.c_str()) != 0;
  });
  module.def("set_training", [](bool training) {
    check(dropoutSetTraining(training ? DROPOUT_TRAIN : DROPOUT_EVAL));
  });
  module.def("is_training", [] { return dropoutIsTraining() != 0; });
  module.def("begin_mode_scope", [](bool training) {
    uint64_t scope;
    check(
        dropoutModeScopeBegin(training ? DROPOUT_TRAIN : DROPOUT_EVAL, &scope));
    return scope;
  });
  module.def("begin_generator_scope", [](const Generator &generator,
                                         nb::handle seed, nb::handle offset) {
    uint64_t scope;
    check(dropoutGeneratorScopeBegin(generator.getName(),
                                     toUInt64(seed, "seed"),
                                     toUInt64(offset, "offset"), &scope));
    return scope;
  });
  module.def("end_scope",
             [](uint64_t scope) { check(dropoutScopeEnd(scope)); });
  module.def("get_state", [] { return readBytes(dropoutStateSave); });
  module.def("set_state", [](nb::bytes state) {
    check(dropoutStateRestore(state.c_str(), state.size()));
  });
}
