//===- Module.cpp - The extension module mlir_dropout._core ---------------===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Functions.h"
#include "Generator.h"
#include "Program.h"

NB_MODULE(_core, module) {
  module.doc() = "What mlir_dropout is made of: the C API for Python. Private.";
  module.attr("__version__") = DROPOUT_VERSION_STRING;
  // Kernels and the default generator live until the process ends.
  nanobind::set_leak_warnings(false);
  dropout::python::addFunctions(module);
  dropout::python::addState(module);
  dropout::python::addProgram(module);
}
