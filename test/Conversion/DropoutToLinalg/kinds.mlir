// RUN: dropout-opt %s --allow-unregistered-dialect --convert-dropout-to-linalg=kinds=alpha | FileCheck %s --check-prefix=ALPHA
// RUN: dropout-opt %s --allow-unregistered-dialect --convert-dropout-to-linalg=kinds=element,channel | FileCheck %s --check-prefix=SCALE
// RUN: dropout-opt %s --allow-unregistered-dialect --convert-dropout-to-linalg=kinds=mask | FileCheck %s --check-prefix=MASK
// RUN: dropout-opt %s --allow-unregistered-dialect --convert-dropout-to-linalg=kinds=element --convert-dropout-to-linalg=kinds=channel,alpha --convert-dropout-to-linalg=kinds=feature_alpha,mask | FileCheck %s --check-prefix=ALL --implicit-check-not="p = 5"
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Only the named kinds are lowered, with their gradients.
// ALPHA: dropout.element
// ALPHA: dropout.channel
// ALPHA-NOT: dropout.alpha
// ALPHA: math.fma
// ALPHA: dropout.feature_alpha
// ALPHA-NOT: dropout.backward alpha
// ALPHA: linalg.generic
// ALPHA: dropout.backward element
// ALPHA: dropout.mask p = 5.000000e-01

// SCALE-NOT: dropout.element
// SCALE: linalg.generic
// SCALE-NOT: dropout.channel
// SCALE: linalg.generic
// SCALE: dropout.alpha
// SCALE: dropout.feature_alpha
// SCALE: dropout.backward alpha
// SCALE-NOT: dropout.backward element
// SCALE: linalg.generic
// SCALE: dropout.mask p = 5.000000e-01

// MASK-NOT: linalg.generic
// MASK: dropout.element
// MASK: dropout.channel
// MASK: dropout.alpha
// MASK: dropout.feature_alpha
// MASK: dropout.backward alpha
// MASK: dropout.backward element
// MASK: dropout.mask threshold

// No op is left with its p, anywhere.
// ALL-COUNT-6: linalg.generic

func.func @kinds(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) {
  %0 = dropout.element %x p = 0.5 rng(%seed, %offset) : tensor<4x8xf32>
  %1 = dropout.channel %x p = 0.5 rng(%seed, %offset) : tensor<4x8xf32>
  %2 = dropout.alpha %x p = 0.5 rng(%seed, %offset) : tensor<4x8xf32>
  %3 = dropout.feature_alpha %x p = 0.5 rng(%seed, %offset) : tensor<4x8xf32>
  %4 = dropout.backward alpha %x p = 0.5 rng(%seed, %offset) : tensor<4x8xf32>
  %5 = dropout.backward element %x p = 0.5 rng(%seed, %offset) : tensor<4x8xf32>
  %6 = dropout.mask p = 0.5 rng(%seed, %offset) : tensor<4x8xi1>
  "test.use"(%0, %1, %2, %3, %4, %5, %6) : (tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xi1>) -> ()
  return
}
