// RUN: grep -rliE 'D2511F53|3528531795|-766435501' %dropout_src/lib %dropout_src/include | grep -v Runtime/ | count 1
// RUN: grep -rliE 'D2511F53|3528531795|-766435501' %dropout_src/lib %dropout_src/include | grep -v Runtime/ | FileCheck %s
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// One piece of code emits Philox for all lowerings: its multiplier stands in one
// file, the runtime's aside, and else in emitted IR only.
// CHECK: include/dropout/Conversion/Utils/Philox.h
