// RUN: dropout-opt %s -split-input-file -verify-diagnostics
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The option is a boolean.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    transform.apply_patterns to %root {
      // expected-error@+1 {{attribute 'unread' failed to satisfy constraint: bool attribute}}
      transform.apply_patterns.dropout.inline_mask {unread = 1 : i64}
    } : !transform.any_op
    transform.yield
  }
}

// -----

// There or not there.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    transform.apply_patterns to %root {
      // expected-error@+1 {{attribute 'straight_line' failed to satisfy constraint: unit attribute}}
      transform.apply_patterns.dropout.expand_keep {straight_line = true}
    } : !transform.any_op
    transform.yield
  }
}
