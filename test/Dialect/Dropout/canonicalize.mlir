// RUN: dropout-opt %s -split-input-file --canonicalize | FileCheck %s
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// p = 0 is the identity, whatever the flag is; so is eval, whatever p is.
// CHECK-LABEL: func @keeps_all
// CHECK-SAME: %[[X:.*]]: tensor<4x8xf32>, %[[D:.*]]: tensor<?xf16>
// CHECK-NEXT: return %[[X]], %[[D]], %[[X]], %[[X]]
func.func @keeps_all(%x: tensor<4x8xf32>, %d: tensor<?xf16>, %p: f64, %seed: i64, %offset: i64, %flag: i1)
    -> (tensor<4x8xf32>, tensor<?xf16>, tensor<4x8xf32>, tensor<4x8xf32>) {
  %false = arith.constant false
  %zero = arith.constant 0.0 : f64
  %a = dropout.element %x p = 0 rng(%seed, %offset) training(%flag) : tensor<4x8xf32>
  %b = dropout.alpha %d p(%zero) rng(%seed, %offset) : tensor<?xf16>
  %c = dropout.channel %x p(%p) rng(%seed, %offset) training(%false) : tensor<4x8xf32>
  %e = dropout.backward feature_alpha %x p = 1 rng(%seed, %offset) training(%false) : tensor<4x8xf32>
  return %a, %b, %c, %e : tensor<4x8xf32>, tensor<?xf16>, tensor<4x8xf32>, tensor<4x8xf32>
}

// -----

// The next number above 0 is not 0.
// CHECK-LABEL: func @almost_zero
// CHECK: dropout.element
func.func @almost_zero(%x: tensor<4xf32>, %seed: i64, %offset: i64) -> tensor<4xf32> {
  %y = dropout.element %x p = 0x0000000000000001 rng(%seed, %offset) : tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// p = 1 drops everything to +0, alpha dropout too.
// CHECK-LABEL: func @drops_all
// CHECK-SAME: %[[X:.*]]: tensor<4xf32>, %[[D:.*]]: tensor<?x2xbf16>
// CHECK-DAG: %[[STATIC:.*]] = arith.constant dense<0.000000e+00> : tensor<4xf32>
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0.000000e+00 : bf16
// CHECK-DAG: %[[SIZE:.*]] = tensor.dim %[[D]], %{{.*}}
// CHECK: %[[DYNAMIC:.*]] = tensor.splat %[[ZERO]][%[[SIZE]]] : tensor<?x2xbf16>
// CHECK: return %[[STATIC]], %[[DYNAMIC]]
func.func @drops_all(%x: tensor<4xf32>, %d: tensor<?x2xbf16>, %seed: i64, %offset: i64) -> (tensor<4xf32>, tensor<?x2xbf16>) {
  %a = dropout.alpha %x p = 1 rng(%seed, %offset) : tensor<4xf32>
  %b = dropout.channel %d p = 1 rng(%seed, %offset) : tensor<?x2xbf16>
  return %a, %b : tensor<4xf32>, tensor<?x2xbf16>
}

// -----

// With an unknown flag, p = 1 is not known to drop; the next number below 1 is
// not 1.
// CHECK-LABEL: func @not_known_to_drop
// CHECK: dropout.element %{{.*}} p = 1.000000e+00 {{.*}} training
// CHECK: dropout.element
func.func @not_known_to_drop(%x: tensor<4xf32>, %seed: i64, %offset: i64, %flag: i1) -> (tensor<4xf32>, tensor<4xf32>) {
  %a = dropout.element %x p = 1 rng(%seed, %offset) training(%flag) : tensor<4xf32>
  %b = dropout.element %x p = 0x3FEFFFFFFFFFFFFF rng(%seed, %offset) : tensor<4xf32>
  return %a, %b : tensor<4xf32>, tensor<4xf32>
}

// -----

// Masks that keep or drop everything, by p, flag or threshold (of 16 and of 8
// bits), static and dynamic.
// CHECK-LABEL: func @masks
// CHECK-SAME: %[[N:.*]]: index
// CHECK-DAG: %[[TRUE:.*]] = arith.constant true
// CHECK-DAG: %[[FALSE:.*]] = arith.constant false
// CHECK-DAG: %[[ONES:.*]] = arith.constant dense<true> : tensor<4xi1>
// CHECK-DAG: %[[ZEROS:.*]] = arith.constant dense<false> : tensor<4xi1>
// CHECK-DAG: %[[KEEP:.*]] = tensor.splat %[[TRUE]][%[[N]]] : tensor<?xi1>
// CHECK-DAG: %[[DROP:.*]] = tensor.splat %[[FALSE]][%[[N]]] : tensor<?xi1>
// CHECK: return %[[ONES]], %[[ZEROS]], %[[ONES]], %[[ONES]], %[[ZEROS]], %[[ZEROS]], %[[KEEP]], %[[DROP]]
func.func @masks(%n: index, %p: f64, %seed: i64, %offset: i64)
    -> (tensor<4xi1>, tensor<4xi1>, tensor<4xi1>, tensor<4xi1>, tensor<4xi1>, tensor<4xi1>, tensor<?xi1>, tensor<?xi1>) {
  %false = arith.constant false
  %t0 = arith.constant 0 : i64
  %t256 = arith.constant 256 : i64
  %t32 = arith.constant 4294967296 : i64
  %a = dropout.mask p = 0 rng(%seed, %offset) : tensor<4xi1>
  %b = dropout.mask p = 1 rng(%seed, %offset) : tensor<4xi1>
  %c = dropout.mask p(%p) rng(%seed, %offset) training(%false) : tensor<4xi1>
  %d = dropout.mask threshold(%t0) rng(%seed, %offset) : tensor<4xi1>
  %e = dropout.mask threshold(%t32) rng(%seed, %offset) : tensor<4xi1>
  %f = dropout.mask threshold(%t256) resolution = 8 rng(%seed, %offset) : tensor<4xi1>
  %g = dropout.mask(%n) p = 0 rng(%seed, %offset) : tensor<?xi1>
  %h = dropout.mask(%n) p = 1 rng(%seed, %offset) : tensor<?xi1>
  return %a, %b, %c, %d, %e, %f, %g, %h : tensor<4xi1>, tensor<4xi1>, tensor<4xi1>, tensor<4xi1>, tensor<4xi1>, tensor<4xi1>, tensor<?xi1>, tensor<?xi1>
}

// -----

// The largest threshold that keeps something stays.
// CHECK-LABEL: func @thresholds
// CHECK: dropout.mask threshold
// CHECK: dropout.mask threshold
func.func @thresholds(%seed: i64, %offset: i64) -> (tensor<4xi1>, tensor<4xi1>) {
  %t16 = arith.constant 4294967295 : i64
  %t8 = arith.constant 255 : i64
  %a = dropout.mask threshold(%t16) rng(%seed, %offset) : tensor<4xi1>
  %b = dropout.mask threshold(%t8) resolution = 8 rng(%seed, %offset) : tensor<4xi1>
  return %a, %b : tensor<4xi1>, tensor<4xi1>
}

// -----

// A constant p becomes the attribute, also behind its check, and a constant true
// flag goes.
// CHECK-LABEL: func @constant_operands
// CHECK-SAME: %[[X:.*]]: tensor<4xf32>, %[[M:.*]]: memref<4xf32>, %[[SEED:.*]]: i64, %[[OFFSET:.*]]: i64
// CHECK-NEXT: %[[Y:.*]] = dropout.element %[[X]] p = 3.000000e-01 rng(%[[SEED]], %[[OFFSET]]) : tensor<4xf32>
// CHECK-NEXT: dropout.alpha %[[M]] into %[[M]] p = 3.000000e-01 rng(%[[SEED]], %[[OFFSET]]) : memref<4xf32>, memref<4xf32>
// CHECK-NEXT: return %[[Y]]
func.func @constant_operands(%x: tensor<4xf32>, %m: memref<4xf32>, %seed: i64, %offset: i64) -> tensor<4xf32> {
  %p = arith.constant 0.3 : f64
  %true = arith.constant true
  %q = dropout.check_p %p
  %y = dropout.element %x p(%q) rng(%seed, %offset) training(%true) : tensor<4xf32>
  dropout.alpha %m into %m p(%p) rng(%seed, %offset) training(%true) : memref<4xf32>, memref<4xf32>
  return %y : tensor<4xf32>
}

// -----

// A constant that is no probability is reported at run time: its check stays,
// and no attribute is made that the verifier would refuse. With 8 bits, 0.001 is
// none.
// CHECK-LABEL: func @invalid_constants
// CHECK-DAG: %[[TWO:.*]] = arith.constant 2.000000e+00 : f64
// CHECK-DAG: %[[SMALL:.*]] = arith.constant 1.000000e-03 : f64
// CHECK: %[[Q:.*]] = dropout.check_p %[[TWO]]
// CHECK: %[[R:.*]] = dropout.check_p %[[SMALL]] resolution = 8
// CHECK: dropout.element %{{.*}} p(%[[Q]])
// CHECK: dropout.element %{{.*}} p(%[[R]]) resolution = 8
// CHECK: dropout.element %{{.*}} p(%[[SMALL]]) resolution = 8
func.func @invalid_constants(%x: tensor<4xf32>, %seed: i64, %offset: i64) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %two = arith.constant 2.0 : f64
  %small = arith.constant 0.001 : f64
  %q = dropout.check_p %two
  %r = dropout.check_p %small resolution = 8
  %a = dropout.element %x p(%q) rng(%seed, %offset) : tensor<4xf32>
  %b = dropout.element %x p(%r) resolution = 8 rng(%seed, %offset) : tensor<4xf32>
  %c = dropout.element %x p(%small) resolution = 8 rng(%seed, %offset) : tensor<4xf32>
  return %a, %b, %c : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

// A check of what is checked is one check, for one resolution.
// CHECK-LABEL: func @checks
// CHECK-SAME: %[[P:.*]]: f64
// CHECK-NEXT: %[[Q:.*]] = dropout.check_p %[[P]]{{$}}
// CHECK-NEXT: %[[R:.*]] = dropout.check_p %[[Q]] resolution = 8
// CHECK-NEXT: return %[[Q]], %[[R]]
func.func @checks(%p: f64) -> (f64, f64) {
  %a = dropout.check_p %p
  %b = dropout.check_p %a
  %c = dropout.check_p %b resolution = 8
  return %b, %c : f64, f64
}

// -----

// A mask result is split off with everything that decides its bits; its dims are
// those of the mask.
// CHECK-LABEL: func @split_mask
// CHECK-SAME: %[[X:.*]]: tensor<4x?x8xf32>, %[[P:.*]]: f64, %[[SEED:.*]]: i64, %[[OFFSET:.*]]: i64, %[[FLAG:.*]]: i1, %[[I:.*]]: index, %[[N:.*]]: index
// CHECK-DAG: %[[SIZE:.*]] = tensor.dim %[[X]], %{{.*}}
// CHECK-DAG: %[[M:.*]] = dropout.mask(%[[SIZE]]) p(%[[P]]) rounds = 7 resolution = 8 rng(%[[SEED]], %[[OFFSET]]) training(%[[FLAG]]) at [%[[I]], 4] of [%[[N]], 12] : tensor<?x4xi1>
// CHECK-DAG: %[[Y:.*]] = dropout.channel %[[X]] p(%[[P]]) mask_dims = [1, 0] rounds = 7 resolution = 8 rng(%[[SEED]], %[[OFFSET]]) training(%[[FLAG]]) at [4, %[[I]], 0] of [12, %[[N]], 8] : tensor<4x?x8xf32>{{$}}
// CHECK: return %[[Y]], %[[M]]
func.func @split_mask(%x: tensor<4x?x8xf32>, %p: f64, %seed: i64, %offset: i64, %flag: i1, %i: index, %n: index)
    -> (tensor<4x?x8xf32>, tensor<?x4xi1>) {
  %y, %m = dropout.channel %x p(%p) mask_dims = [1, 0] rounds = 7 resolution = 8 rng(%seed, %offset) training(%flag) at [4, %i, 0] of [12, %n, 8] : tensor<4x?x8xf32>, tensor<?x4xi1>
  return %y, %m : tensor<4x?x8xf32>, tensor<?x4xi1>
}

// -----

// Only the mask is wanted.
// CHECK-LABEL: func @mask_only
// CHECK-NEXT: %[[M:.*]] = dropout.mask p = 3.000000e-01 rng(%{{.*}}, %{{.*}}) : tensor<4xi1>
// CHECK-NEXT: return %[[M]]
func.func @mask_only(%x: tensor<4xf32>, %seed: i64, %offset: i64) -> tensor<4xi1> {
  %y, %m = dropout.alpha %x p = 0.3 rng(%seed, %offset) : tensor<4xf32>, tensor<4xi1>
  return %m : tensor<4xi1>
}

// -----

// The gradient of element and channel dropout is the forward op on dy; that of
// the alpha kinds is not.
// CHECK-LABEL: func @backward
// CHECK-SAME: %[[DY:.*]]: tensor<4x8xf32>, %[[M:.*]]: memref<4x8xf32>, %[[P:.*]]: f64, %[[SEED:.*]]: i64, %[[OFFSET:.*]]: i64, %[[FLAG:.*]]: i1
// CHECK-NEXT: %[[A:.*]] = dropout.element %[[DY]] p(%[[P]]) rng(%[[SEED]], %[[OFFSET]]) training(%[[FLAG]]) : tensor<4x8xf32>
// CHECK-NEXT: %[[B:.*]] = dropout.channel %[[DY]] p = 3.000000e-01 mask_dims = [1] rounds = 7 rng(%[[SEED]], %[[OFFSET]]) at [0, 8] of [4, 16] : tensor<4x8xf32>
// CHECK-NEXT: dropout.channel %[[M]] into %[[M]] p = 3.000000e-01 rng(%[[SEED]], %[[OFFSET]]) : memref<4x8xf32>, memref<4x8xf32>
// CHECK-NEXT: %[[C:.*]] = dropout.backward alpha %[[DY]]
// CHECK-NEXT: %[[D:.*]] = dropout.backward feature_alpha %[[DY]]
// CHECK-NEXT: return %[[A]], %[[B]], %[[C]], %[[D]]
func.func @backward(%dy: tensor<4x8xf32>, %m: memref<4x8xf32>, %p: f64, %seed: i64, %offset: i64, %flag: i1)
    -> (tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>) {
  %a = dropout.backward element %dy p(%p) rng(%seed, %offset) training(%flag) : tensor<4x8xf32>
  %b = dropout.backward channel %dy p = 0.3 mask_dims = [1] rounds = 7 rng(%seed, %offset) at [0, 8] of [4, 16] : tensor<4x8xf32>
  dropout.backward channel %m into %m p = 0.3 rng(%seed, %offset) : memref<4x8xf32>, memref<4x8xf32>
  %c = dropout.backward alpha %dy p = 0.3 rng(%seed, %offset) : tensor<4x8xf32>
  %d = dropout.backward feature_alpha %dy p = 0.3 rng(%seed, %offset) : tensor<4x8xf32>
  return %a, %b, %c, %d : tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>
}

// -----

// Doing nothing in place is nothing; into another buffer it is a copy, which
// stays.
// CHECK-LABEL: func @in_place
// CHECK-SAME: %[[X:.*]]: memref<4xf32>, %[[Y:.*]]: memref<4xf32>
// CHECK-NEXT: dropout.element %[[X]] into %[[Y]] p = 0.000000e+00
// CHECK-NEXT: return
func.func @in_place(%x: memref<4xf32>, %y: memref<4xf32>, %p: f64, %seed: i64, %offset: i64, %state: memref<2xi64>) {
  %false = arith.constant false
  dropout.element %x into %x p = 0 rng(%seed, %offset) : memref<4xf32>, memref<4xf32>
  dropout.alpha %x into %x p(%p) rng(%state) training(%false) : memref<4xf32>, memref<4xf32>
  dropout.element %x into %y p = 0 rng(%seed, %offset) : memref<4xf32>, memref<4xf32>
  return
}

// -----

// Constant entries of a position become static, and the position of what is not
// a slice goes.
// CHECK-LABEL: func @position
// CHECK-SAME: %[[X:.*]]: tensor<4x8xf32>
// CHECK-NEXT: dropout.element %[[X]] p = 3.000000e-01 rng(%{{[^ ]*}}, %{{[^ ]*}}) at [4, 0] of [16, 8] : tensor<4x8xf32>
// CHECK-NEXT: dropout.element %[[X]] p = 3.000000e-01 rng(%{{[^ ]*}}, %{{[^ ]*}}) : tensor<4x8xf32>
// CHECK-NEXT: dropout.element %{{.*}} p = 3.000000e-01 rng(%{{[^ ]*}}, %{{[^ ]*}}) : tensor<f32>
// CHECK-NEXT: dropout.element %{{.*}} p = 3.000000e-01 rng(%{{[^ ]*}}, %{{[^ ]*}}) at [0] of [8] : tensor<?xf32>
func.func @position(%x: tensor<4x8xf32>, %scalar: tensor<f32>, %d: tensor<?xf32>, %seed: i64, %offset: i64)
    -> (tensor<4x8xf32>, tensor<4x8xf32>, tensor<f32>, tensor<?xf32>) {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %c8 = arith.constant 8 : index
  %c16 = arith.constant 16 : index
  %a = dropout.element %x p = 0.3 rng(%seed, %offset) at [%c4, %c0] of [%c16, %c8] : tensor<4x8xf32>
  %b = dropout.element %x p = 0.3 rng(%seed, %offset) at [%c0, 0] of [4, %c8] : tensor<4x8xf32>
  %c = dropout.element %scalar p = 0.3 rng(%seed, %offset) at [] of [] : tensor<f32>
  %e = dropout.element %d p = 0.3 rng(%seed, %offset) at [%c0] of [%c8] : tensor<?xf32>
  return %a, %b, %c, %e : tensor<4x8xf32>, tensor<4x8xf32>, tensor<f32>, tensor<?xf32>
}

// -----

// Entries that the verifier would refuse stay operands.
// CHECK-LABEL: func @bad_position
// CHECK-DAG: %[[C4:.*]] = arith.constant 4 : index
// CHECK-DAG: %[[MINUS:.*]] = arith.constant -1 : index
// CHECK: dropout.element %{{.*}} at [%[[C4]], 0] of [%[[C4]], 8]
// CHECK: dropout.element %{{.*}} at [%[[MINUS]], 0] of [8, 8]
// CHECK: dropout.element %{{.*}} at [0, 0] of [%[[MINUS]], 8]
func.func @bad_position(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) -> (tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>) {
  %c4 = arith.constant 4 : index
  %minus = arith.constant -1 : index
  %a = dropout.element %x p = 0.3 rng(%seed, %offset) at [%c4, 0] of [%c4, 8] : tensor<4x8xf32>
  %b = dropout.element %x p = 0.3 rng(%seed, %offset) at [%minus, 0] of [8, 8] : tensor<4x8xf32>
  %c = dropout.element %x p = 0.3 rng(%seed, %offset) at [0, 0] of [%minus, 8] : tensor<4x8xf32>
  return %a, %b, %c : tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>
}

// -----

// Poison that every bit depends on makes the result poison; where nothing is
// drawn it does not, and a poison x is dropped in parts only.
// CHECK-LABEL: func @poison
// CHECK-SAME: %[[X:.*]]: tensor<4xf32>
// CHECK-DAG: %[[POISON:.*]] = ub.poison : tensor<4xf32>
// CHECK-DAG: %[[MASK:.*]] = ub.poison : tensor<4xi1>
// CHECK: %[[Y:.*]] = dropout.element %[[POISON]]
// CHECK: return %[[POISON]], %[[MASK]], %[[X]], %[[Y]]
func.func @poison(%x: tensor<4xf32>, %seed: i64, %offset: i64) -> (tensor<4xf32>, tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) {
  %bad = ub.poison : i64
  %bad_x = ub.poison : tensor<4xf32>
  %a = dropout.element %x p = 0.3 rng(%seed, %bad) : tensor<4xf32>
  %b = dropout.mask threshold(%bad) rng(%seed, %offset) : tensor<4xi1>
  %c = dropout.element %x p = 0 rng(%bad, %offset) : tensor<4xf32>
  %d = dropout.element %bad_x p = 0.3 rng(%seed, %offset) : tensor<4xf32>
  return %a, %b, %c, %d : tensor<4xf32>, tensor<4xi1>, tensor<4xf32>, tensor<4xf32>
}

// -----

// Where eval or p = 0 may give x a poison seed is not poison yet.
// CHECK-LABEL: func @poison_seed
// CHECK: dropout.element {{.*}} training(
// CHECK: dropout.element {{.*}} p(
func.func @poison_seed(%x: tensor<4xf32>, %o: i64, %f: i1, %p: f64) -> (tensor<4xf32>, tensor<4xf32>) {
  %bad = ub.poison : i64
  %a = dropout.element %x p = 0.5 rng(%bad, %o) training(%f) : tensor<4xf32>
  %b = dropout.element %x p(%p) rng(%bad, %o) : tensor<4xf32>
  return %a, %b : tensor<4xf32>, tensor<4xf32>
}

// -----

// A whole of 2^63 elements or more would not verify: its sizes stay operands.
// CHECK-LABEL: func @huge_position
// CHECK: dropout.element {{.*}} of [%{{.*}}, %{{.*}}]
func.func @huge_position(%x: tensor<4x8xf32>, %s: i64, %o: i64) -> tensor<4x8xf32> {
  %c = arith.constant 4611686018427387904 : index
  %y = dropout.element %x p = 0.5 rng(%s, %o) at [0, 0] of [%c, %c] : tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}
