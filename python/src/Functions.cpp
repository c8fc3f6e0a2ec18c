//===- Functions.cpp - Dropout on arrays ----------------------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Functions.h"
#include "Arrays.h"
#include "Errors.h"
#include "Generator.h"
#include "Unlocked.h"

#include <atomic>

using namespace dropout::python;

/// For large arrays; 0: torch's number for tensors, else all of the machine.
static std::atomic<int32_t> numThreads{0};

static constexpr int32_t maxThreads = 1024;

namespace {
enum Operation : int { Forward, Backward, Mask };

/// Dims, positions or sizes from a sequence of ints.
class Indices {
public:
  /// \p name for messages. None stays unset.
  Indices(nb::handle object, const char *name) {
    if (object.is_none())
      return;
    // Not what only has elements in some order: sets, dicts, text.
    if (!PySequence_Check(object.ptr()) || PyUnicode_Check(object.ptr()) ||
        PyBytes_Check(object.ptr()) || PyByteArray_Check(object.ptr()))
      fail(object, name);
    auto sequence = nb::steal(PySequence_Fast(object.ptr(), ""));
    if (!sequence.is_valid())
      fail(object, name);
    given = true;
    Py_ssize_t size = PySequence_Fast_GET_SIZE(sequence.ptr());
    if (size > maxRank) {
      PyErr_Format(PyExc_ValueError,
                   "expected %s to have at most %d entries, but got %zd", name,
                   int(maxRank), size);
      throw nb::python_error();
    }
    count = int32_t(size);
    for (int32_t index = 0; index < count; ++index) {
      PyObject *item = PySequence_Fast_GET_ITEM(sequence.ptr(), index);
      values[index] = PyNumber_AsSsize_t(item, PyExc_OverflowError);
      if (PyBool_Check(item))
        fail(object, name);
      if (values[index] == -1 && PyErr_Occurred())
        fail(object, name);
    }
  }
  bool isGiven() const { return given; }
  int32_t size() const { return count; }
  const int64_t *data() const { return given ? values : nullptr; }

  [[noreturn]] static void fail(nb::handle object, const char *name) {
    bool large =
        PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_OverflowError);
    PyErr_Clear();
    PyErr_Format(large ? PyExc_ValueError : PyExc_TypeError,
                 large ? "expected %s to be below 2**63, but got %R"
                       : "expected %s to be a sequence of ints, but got %R",
                 name, object.ptr());
    throw nb::python_error();
  }

private:
  bool given = false;
  int32_t count = 0;
  int64_t values[maxRank];
};

/// The options that all functions share.
struct Options {
  DropoutParameters parameters = dropoutGetDefaultParameters();
  Indices maskDims, position, fullShape;

  Options(nb::handle p, nb::handle maskDims, nb::handle rounds,
          nb::handle resolution, nb::handle position, nb::handle fullShape)
      : maskDims(maskDims, "mask_dims"), position(position, "position"),
        fullShape(fullShape, "the full shape of position") {
    parameters.p = toDouble(p);
    parameters.rounds = toOneOf(7, 10, rounds, "rounds");
    parameters.resolution = toOneOf(8, 16, resolution, "resolution");
    if (this->maskDims.isGiven()) {
      parameters.numMaskDims = this->maskDims.size();
      parameters.maskDims = this->maskDims.data();
    }
    parameters.position = this->position.data();
    parameters.fullShape = this->fullShape.data();
  }

  /// The C API takes one entry per dim on trust.
  void checkPosition(int32_t rank) const {
    if (!position.isGiven() && !fullShape.isGiven())
      return;
    if (position.size() != rank || fullShape.size() != rank) {
      PyErr_Format(PyExc_ValueError,
                   "expected position to have %d offsets and %d sizes, one per "
                   "dim, but got %d and %d",
                   int(rank), int(rank), int(position.size()),
                   int(fullShape.size()));
      throw nb::python_error();
    }
  }

private:
  static double toDouble(nb::handle p) {
    double value = PyBool_Check(p.ptr()) ? -1.0 : PyFloat_AsDouble(p.ptr());
    if (value != -1.0 || (!PyErr_Occurred() && !PyBool_Check(p.ptr())))
      return value;
    bool large =
        PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_OverflowError);
    if (PyErr_Occurred() && !large &&
        !PyErr_ExceptionMatches(PyExc_TypeError) &&
        !PyErr_ExceptionMatches(PyExc_ValueError))
      throw nb::python_error();
    PyErr_Clear();
    PyErr_Format(large ? PyExc_ValueError : PyExc_TypeError,
                 large ? "expected p in [0, 1], but got %R"
                       : "expected p to be a number, but got %R",
                 p.ptr());
    throw nb::python_error();
  }
  static int32_t toOneOf(int32_t one, int32_t other, nb::handle value,
                         const char *name) {
    auto number = PyNumber_AsSsize_t(value.ptr(), nullptr); // Clipped.
    if (number == -1 && PyErr_Occurred()) {
      PyErr_Clear();
      PyErr_Format(PyExc_TypeError, "expected %s to be an int, but got %R",
                   name, value.ptr());
      throw nb::python_error();
    }
    if (number != one && number != other) {
      PyErr_Format(PyExc_ValueError, "expected %s to be %d or %d, but got %R",
                   name, int(one), int(other), value.ptr());
      throw nb::python_error();
    }
    return int32_t(number);
  }
};

/// Where the offset of a call comes from.
struct Draw {
  Generator *generator;
  int32_t mode;

  static int32_t call(void *context, int8_t *training, uint64_t *seed,
                      uint64_t *offset) {
    auto *draw = static_cast<Draw *>(context);
    return draw->generator->reserve(draw->mode, training, seed, offset);
  }
};

/// A call of the C API.
class Call {
public:
  Call(Operation operation, int kind, const Options &options)
      : operation(operation), kind(kind), parameters(options.parameters) {}

  /// Seed, offset and mode from the arguments of a function.
  void setState(nb::handle seed, nb::handle offset, nb::handle generator,
                nb::handle training);
  /// In place of the number that the package or torch has; 0 leaves it.
  void setThreads(int32_t threads) { statedThreads = threads; }
  /// The source is null for a mask; \p mask is null or gets the mask besides.
  void run(const ArrayArgument *source, const DropoutArray &out,
           const DropoutArray *mask, const ArrayArgument &largest);

private:
  int32_t getThreads(const ArrayArgument &array) const;
  int32_t invoke(const DropoutArray *source, const DropoutArray &out) const;

  Operation operation;
  int kind;
  DropoutParameters parameters;
  Draw draw = {};
  int32_t statedThreads = 0;
};
} // namespace

void Call::setState(nb::handle seed, nb::handle offset, nb::handle generator,
                    nb::handle training) {
  int32_t mode = DROPOUT_RUNTIME_MODE;
  if (!training.is_none())
    mode = toBool(training, "training") ? DROPOUT_TRAIN : DROPOUT_EVAL;
  if (!seed.is_none()) {
    if (!generator.is_none()) {
      PyErr_SetString(PyExc_TypeError,
                      "expected a seed or a generator, but got both");
      throw nb::python_error();
    }
    parameters.seed = toUInt64(seed, "seed");
    parameters.offset = offset.is_none() ? 0 : toUInt64(offset, "offset");
    parameters.training =
        mode == DROPOUT_RUNTIME_MODE ? dropoutIsTraining() : mode;
    return;
  }
  if (!offset.is_none()) {
    PyErr_Format(PyExc_TypeError,
                 "expected a seed beside the offset, but got only offset=%R",
                 offset.ptr());
    throw nb::python_error();
  }
  static Generator *processDefault =
      new Generator(Generator::ofRuntime(std::nullopt));
  draw = {processDefault, mode};
  if (!generator.is_none() && !nb::try_cast(generator, draw.generator)) {
    PyErr_Format(
        PyExc_TypeError,
        "expected generator to be a mlir_dropout.Generator, but got %R",
        generator.ptr());
    throw nb::python_error();
  }
}

int32_t Call::getThreads(const ArrayArgument &array) const {
  if (array.getNumBytes() < (int64_t(1) << 20))
    return 1;
  int32_t threads = statedThreads ? statedThreads : numThreads.load();
  return threads == 0 && array.getLibrary() == Library::Torch
             ? getTorchThreads()
             : threads;
}

int32_t Call::invoke(const DropoutArray *source,
                     const DropoutArray &out) const {
  Unlocked unlocked;
  if (operation == Forward)
    return dropoutForward(kind, source, &out, &parameters);
  if (operation == Backward)
    return dropoutBackward(kind, source, &out, &parameters);
  return dropoutMask(&out, &parameters);
}

void Call::run(const ArrayArgument *source, const DropoutArray &out,
               const DropoutArray *mask, const ArrayArgument &largest) {
  parameters.threads = getThreads(largest);
  parameters.mask = mask;
  if (draw.generator) {
    parameters.draw = &Draw::call;
    parameters.drawContext = &draw;
  }
  check(invoke(source ? &source->get() : nullptr, out));
}

/// A view of an array for a mask: bytes hold one as well.
static DropoutArray asMask(const ArrayArgument &argument) {
  DropoutArray array = argument.get();
  if (array.elementType == DROPOUT_I8)
    array.elementType = DROPOUT_I1;
  if (array.elementType == DROPOUT_I1)
    return array;
  PyErr_Format(PyExc_TypeError,
               "expected out to be an array of booleans or bytes, but got %s",
               describe(argument.getObject()).c_str());
  throw nb::python_error();
}

//===----------------------------------------------------------------------===//
// Functions of the module
//===----------------------------------------------------------------------===//

/// Forward and backward of the public functions.
static nb::object runOnArray(int operation, int kind, nb::handle x,
                             nb::handle p, nb::handle maskDims, nb::handle seed,
                             nb::handle offset, nb::handle generator,
                             nb::handle training, nb::handle rounds,
                             nb::handle resolution, nb::handle out,
                             nb::handle inplaceFlag, nb::handle returnMaskFlag,
                             nb::handle position, nb::handle fullShape) {
  const char *name = operation == Backward ? "dy" : "x";
  bool hasOut = !out.is_none();
  bool inplace = toBool(inplaceFlag, "inplace");
  bool returnMask = toBool(returnMaskFlag, "return_mask");
  if (inplace && hasOut) {
    PyErr_SetString(PyExc_TypeError, "expected inplace or out, but got both");
    throw nb::python_error();
  }
  // Numbers before arrays: what converts them may be code of the user's, which
  // must not change arrays that were looked at.
  Options options(p, maskDims, rounds, resolution, position, fullShape);
  Call call(Operation(operation), kind, options);
  call.setState(seed, offset, generator, training);

  ArrayArgument source(x, name, inplace ? Access::Write : Access::Read);
  options.checkPosition(source.get().rank);
  requireFloats(source, name);
  refuseAutograd(source, name);
  nb::object mask;
  std::optional<ArrayArgument> maskView;
  if (returnMask) {
    mask = makeMaskLike(source);
    maskView.emplace(mask, "mask", Access::Write);
  }
  const DropoutArray *maskArray = maskView ? &maskView->get() : nullptr;
  nb::object result;
  if (inplace) {
    call.run(&source, source.get(), maskArray, source);
    noteWritten(source);
    result = nb::borrow(x);
  } else {
    result = hasOut ? nb::borrow(out) : makeArrayLike(source);
    ArrayArgument destination(result, "out", Access::Write);
    if (hasOut)
      refuseAutograd(destination, "out");
    call.run(&source, destination.get(), maskArray, source);
    if (hasOut)
      noteWritten(destination);
    else
      result = finishArray(std::move(result), source);
  }
  if (!returnMask)
    return result;
  return nb::make_tuple(result, finishArray(std::move(mask), source));
}

static nb::object runOnMask(nb::handle shape, nb::handle p, nb::handle maskDims,
                            nb::handle seed, nb::handle offset,
                            nb::handle generator, nb::handle training,
                            nb::handle rounds, nb::handle resolution,
                            nb::handle out, nb::handle position,
                            nb::handle fullShape) {
  Indices sizes(shape, "shape");
  if (!sizes.isGiven())
    Indices::fail(shape, "shape");
  int64_t count = 1;
  bool empty = false, overflow = false;
  for (int32_t dim = 0; dim < sizes.size(); ++dim) {
    int64_t size = sizes.data()[dim];
    if (size < 0) {
      PyErr_Format(PyExc_ValueError,
                   "expected shape to have no negative size, but got %R",
                   shape.ptr());
      throw nb::python_error();
    }
    empty |= size == 0;
    overflow |= __builtin_mul_overflow(count, size, &count);
  }
  if (overflow && !empty) {
    PyErr_Format(PyExc_ValueError,
                 "expected shape to have fewer than 2**63 elements, but got %R",
                 shape.ptr());
    throw nb::python_error();
  }
  Options options(p, maskDims, rounds, resolution, position, fullShape);
  options.checkPosition(sizes.size());
  Call call(Mask, DROPOUT_ELEMENT, options);
  call.setState(seed, offset, generator, training);
  nb::object result = nb::borrow(out);
  if (out.is_none()) {
    DropoutArray like = {};
    like.rank = sizes.size();
    like.shape = sizes.data();
    result = makeNumPyArray(makeShape(like), "bool");
  }
  ArrayArgument destination(result, "out", Access::Write);
  DropoutArray array = asMask(destination);
  if (array.rank != sizes.size() ||
      !std::equal(array.shape, array.shape + array.rank, sizes.data())) {
    PyErr_Format(PyExc_ValueError,
                 "expected out to have the shape %R, but got one of shape %R",
                 shape.ptr(), makeShape(array).ptr());
    throw nb::python_error();
  }
  call.run(nullptr, array, nullptr, destination);
  if (!out.is_none())
    noteWritten(destination);
  return result;
}

/// The call without draws or new arrays that mlir_dropout.torch makes.
static void apply(int operation, int kind, nb::handle x, nb::handle out,
                  nb::handle p, nb::handle seed, nb::handle offset,
                  nb::handle maskDims, nb::handle rounds, nb::handle resolution,
                  nb::handle position, nb::handle fullShape, int threads) {
  auto toBits = [](nb::handle value) {
    uint64_t bits = PyLong_AsUnsignedLongLongMask(value.ptr());
    if (bits == uint64_t(-1) && PyErr_Occurred())
      throw nb::python_error();
    return bits;
  };
  Options options(p, maskDims, rounds, resolution, position, fullShape);
  options.parameters.seed = toBits(seed);
  options.parameters.offset = toBits(offset);
  static constexpr int64_t channelDims[] = {0, 1};
  bool channels = kind == DROPOUT_CHANNEL || kind == DROPOUT_FEATURE_ALPHA;
  if (operation == Mask && channels && maskDims.is_none()) {
    options.parameters.numMaskDims = 2;
    options.parameters.maskDims = channelDims;
  }
  ArrayArgument destination(out, "out", Access::Write);
  options.checkPosition(destination.get().rank);
  Call call(Operation(operation), kind, options);
  call.setThreads(threads);
  if (operation == Mask)
    return call.run(nullptr, asMask(destination), nullptr, destination);
  requireFloats(destination, "out");
  if (x.ptr() == out.ptr())
    return call.run(&destination, destination.get(), nullptr, destination);
  ArrayArgument source(x, operation == Backward ? "dy" : "x", Access::Read);
  call.run(&source, destination.get(), nullptr, source);
}

void dropout::python::addFunctions(nb::module_ &module) {
  module.attr("FORWARD") = int(Forward);
  module.attr("BACKWARD") = int(Backward);
  module.attr("MASK") = int(Mask);
  module.attr("ELEMENT") = int(DROPOUT_ELEMENT);
  module.attr("CHANNEL") = int(DROPOUT_CHANNEL);
  module.attr("ALPHA") = int(DROPOUT_ALPHA);
  module.attr("FEATURE_ALPHA") = int(DROPOUT_FEATURE_ALPHA);

  // None is refused by those that do not take it, with a message of their own.
  module.def("run", &runOnArray, nb::arg(), nb::arg(), nb::arg().none(),
             nb::arg().none(), nb::arg().none(), nb::arg().none(),
             nb::arg().none(), nb::arg().none(), nb::arg().none(),
             nb::arg().none(), nb::arg().none(), nb::arg().none(),
             nb::arg().none(), nb::arg().none(), nb::arg().none(),
             nb::arg().none());
  module.def("mask", &runOnMask, nb::arg().none(), nb::arg().none(),
             nb::arg().none(), nb::arg().none(), nb::arg().none(),
             nb::arg().none(), nb::arg().none(), nb::arg().none(),
             nb::arg().none(), nb::arg().none(), nb::arg().none(),
             nb::arg().none());
  module.def("apply", &apply, nb::arg(), nb::arg(), nb::arg().none(), nb::arg(),
             nb::arg(), nb::arg(), nb::arg(), nb::arg().none() = nb::none(),
             nb::arg() = 10, nb::arg() = 16, nb::arg().none() = nb::none(),
             nb::arg().none() = nb::none(), nb::arg() = 0);
  module.def(
      "set_num_threads",
      [](nb::handle n) {
        auto threads = PyNumber_AsSsize_t(n.ptr(), nullptr); // Clipped.
        bool isInt = threads != -1 || !PyErr_Occurred();
        if (isInt && threads >= 0 && threads <= maxThreads) {
          numThreads = int32_t(threads);
          return;
        }
        PyErr_Clear();
        PyErr_Format(isInt ? PyExc_ValueError : PyExc_TypeError,
                     "expected n to be a number of threads of at most %d, or 0 "
                     "for all, but got %R",
                     int(maxThreads), n.ptr());
        throw nb::python_error();
      },
      nb::arg().none());
  module.def("get_num_threads", []() -> int {
    return numThreads ? numThreads.load() : dropoutHardwareThreads();
  });
  module.def("kernel_statistics", [] {
    uint64_t resident, compiled, loaded;
    dropoutKernelStatistics(&resident, &compiled, &loaded);
    nb::dict result;
    result["resident"] = resident;
    result["compiled"] = compiled;
    result["loaded"] = loaded;
    return result;
  });
  module.def("abi_versions", [] {
    return nb::make_tuple(dropoutRuntimeAbiVersion(),
                          dropoutMaskContractVersion());
  });
}
