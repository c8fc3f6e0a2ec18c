//===- Program.h - Functions compiled from MLIR -----------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_PYTHON_PROGRAM_H
#define DROPOUT_PYTHON_PROGRAM_H

#include <nanobind/nanobind.h>

namespace dropout::python {

/// Adds what `compile` calls to the module.
void addProgram(nanobind::module_ &module);

} // namespace dropout::python

#endif // DROPOUT_PYTHON_PROGRAM_H
