//===- Functions.h - Dropout on arrays --------------------------*- C++ -*-===//
//
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DROPOUT_PYTHON_FUNCTIONS_H
#define DROPOUT_PYTHON_FUNCTIONS_H

#include <nanobind/nanobind.h>

namespace dropout::python {

/// Adds what `element`, `mask`, `backward` and mlir_dropout.torch call.
void addFunctions(nanobind::module_ &module);

} // namespace dropout::python

#endif // DROPOUT_PYTHON_FUNCTIONS_H
