# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

# An MLIR of a version that is not supported.
set(LLVM_VERSION_MAJOR 21)
set(LLVM_VERSION_MINOR 1)
