//===- Errors.cpp - Statuses of the C API as exceptions -------------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Errors.h"

#include "dropout/Runtime/Runtime.h"

#include <nanobind/nanobind.h>

namespace nb = nanobind;

void dropout::python::throwStatus(int32_t status, std::string message) {
  if (message.empty())
    message = dropoutLastMessage();
  if (message.empty())
    message = dropoutStatusName(status);
  dropoutClearStatus();
  PyObject *type = PyExc_RuntimeError;
  switch (status) {
  case DROPOUT_INVALID_P:
  case DROPOUT_INVALID_ARGUMENT:
  case DROPOUT_DAMAGED_STATE:
  case DROPOUT_UNSUPPORTED_VERSION:
  case DROPOUT_GENERATOR_EXISTS:
    type = PyExc_ValueError;
    break;
  case DROPOUT_UNKNOWN_GENERATOR:
    type = PyExc_LookupError;
    message += " (in Python: mlir_dropout.named_generator(name, seed))";
    break;
  case DROPOUT_OUT_OF_MEMORY:
    type = PyExc_MemoryError;
    break;
  case DROPOUT_NO_ENTROPY:
    type = PyExc_OSError;
    break;
  default: // RuntimeError
    break;
  }
  PyErr_SetString(type, message.c_str());
  throw nb::python_error();
}
