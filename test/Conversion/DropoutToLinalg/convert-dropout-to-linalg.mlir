// RUN: dropout-opt %s -split-input-file --convert-dropout-to-linalg | FileCheck %s --implicit-check-not=fastmath
// RUN: dropout-opt %s --convert-dropout-to-linalg > %t.once
// RUN: dropout-opt %t.once --convert-dropout-to-linalg > %t.twice
// RUN: diff %t.once %t.twice
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Element dropout with a known p: T(.3) and 1/.7 are constants, outside of the
// body, where the dropped element is selected, never multiplied.
// CHECK-DAG: #[[$ID2:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[$ID3:.*]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// CHECK-DAG: #[[$MASK_MAP:.*]] = affine_map<(d0, d1, d2) -> (d2, d0)>
// CHECK-LABEL: func @element
// CHECK-SAME: %[[X:.*]]: tensor<4x8xf32>, %[[SEED:.*]]: i64, %[[OFFSET:.*]]: i64
// CHECK-DAG: %[[T:.*]] = arith.constant 1288490189 : i64
// CHECK-DAG: %[[S:.*]] = arith.constant 1.42857146 : f32
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK-DAG: %[[EMPTY:.*]] = tensor.empty() : tensor<4x8xf32>
// CHECK-DAG: %[[MASK:.*]] = dropout.mask threshold(%[[T]]) rng(%[[SEED]], %[[OFFSET]]) : tensor<4x8xi1>
// CHECK: %[[Y:.*]] = linalg.generic {indexing_maps = [#[[$ID2]], #[[$ID2]], #[[$ID2]]], iterator_types = ["parallel", "parallel"]} ins(%[[X]], %[[MASK]] : tensor<4x8xf32>, tensor<4x8xi1>) outs(%[[EMPTY]] : tensor<4x8xf32>)
// CHECK-NEXT: ^bb0(%[[IN:.*]]: f32, %[[KEEP:.*]]: i1, %{{.*}}: f32):
// CHECK-NEXT: %[[KEPT:.*]] = arith.mulf %[[IN]], %[[S]] : f32
// CHECK-NEXT: %[[OUT:.*]] = arith.select %[[KEEP]], %[[KEPT]], %[[ZERO]] : f32
// CHECK-NEXT: linalg.yield %[[OUT]]
// CHECK: return %[[Y]]
func.func @element(%x: tensor<4x8xf32>, %seed: i64, %offset: i64) -> tensor<4x8xf32> {
  %y = dropout.element %x p = 0.3 rng(%seed, %offset) : tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}


// p at run time: what is no probability acts as 1; T is 2^32 p rounded to even,
// clamped where 0 < p < 1; the value is x where training is off or p is 0.
// CHECK-LABEL: func @runtime
// CHECK-SAME: %[[X:.*]]: tensor<?xf32>, %[[P:.*]]: f64, %[[FLAG:.*]]: i1
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0.000000e+00 : f64
// CHECK-DAG: %[[ONE:.*]] = arith.constant 1.000000e+00 : f64
// CHECK-DAG: %[[LEAST:.*]] = arith.constant 1 : i64
// CHECK-DAG: %[[MOST:.*]] = arith.constant 4294967295 : i64
// CHECK-DAG: %[[GE:.*]] = arith.cmpf oge, %[[P]], %[[ZERO]]
// CHECK-DAG: %[[LE:.*]] = arith.cmpf ole, %[[P]], %[[ONE]]
// CHECK: %[[VALID:.*]] = arith.andi %[[GE]], %[[LE]]
// CHECK: %[[Q:.*]] = arith.select %[[VALID]], %[[P]], %[[ONE]]
// CHECK: %[[UPPER:.*]] = arith.minui %{{.*}}, %[[MOST]]
// CHECK: %[[CLAMPED:.*]] = arith.maxui %[[UPPER]], %[[LEAST]]
// CHECK: %[[T:.*]] = arith.select %{{.*}}, %[[CLAMPED]], %{{.*}} : i64
// CHECK: %[[KEPT:.*]] = arith.subf %[[ONE]], %[[Q]] : f64
// CHECK: %[[S64:.*]] = arith.divf %[[ONE]], %[[KEPT]] : f64
// CHECK: %[[S:.*]] = arith.truncf %[[S64]] : f64 to f32
// CHECK: %[[NONZERO:.*]] = arith.cmpf one, %[[Q]], %[[ZERO]]
// CHECK: %[[ACTIVE:.*]] = arith.andi %[[FLAG]], %[[NONZERO]]
// CHECK: dropout.mask(%{{.*}}) threshold(%[[T]])
// CHECK: ^bb0(%[[IN:.*]]: f32, %[[KEEP:.*]]: i1, %{{.*}}: f32):
// CHECK-NEXT: %[[SCALED:.*]] = arith.mulf %[[IN]], %[[S]]
// CHECK-NEXT: %[[DROPPED:.*]] = arith.select %[[KEEP]], %[[SCALED]], %{{.*}}
// CHECK-NEXT: %[[OUT:.*]] = arith.select %[[ACTIVE]], %[[DROPPED]], %[[IN]]
// CHECK-NEXT: linalg.yield %[[OUT]]
func.func @runtime(%x: tensor<?xf32>, %p: f64, %flag: i1, %seed: i64, %offset: i64) -> tensor<?xf32> {
  %y = dropout.element %x p(%p) rng(%seed, %offset) training(%flag) : tensor<?xf32>
  return %y : tensor<?xf32>
}


// With 8 bits every constant is of p = k/256: 77/256 for p = .3.
// CHECK-LABEL: func @resolution
// CHECK-DAG: %[[T:.*]] = arith.constant 77 : i64
// CHECK-DAG: arith.constant 1.43016756 : f32
// CHECK: dropout.mask threshold(%[[T]]) rounds = 7 resolution = 8
func.func @resolution(%x: tensor<4xf32>, %seed: i64, %offset: i64) -> tensor<4xf32> {
  %y = dropout.element %x p = 0.3 rounds = 7 resolution = 8 rng(%seed, %offset) : tensor<4xf32>
  return %y : tensor<4xf32>
}


// The threshold is clamped for p next to 0 and 1, and is not for 0 and 1.
// CHECK-LABEL: func @thresholds
// CHECK-DAG: %[[LEAST:.*]] = arith.constant 1 : i64
// CHECK-DAG: %[[MOST:.*]] = arith.constant 4294967295 : i64
// CHECK-DAG: %[[NONE:.*]] = arith.constant 0 : i64
// CHECK-DAG: %[[ALL:.*]] = arith.constant 4294967296 : i64
// CHECK-DAG: dropout.mask threshold(%[[LEAST]]){{.*}} : tensor<1xi1>
// CHECK-DAG: dropout.mask threshold(%[[MOST]]){{.*}} : tensor<2xi1>
// CHECK-DAG: dropout.mask(%{{.*}}) threshold(%[[NONE]]){{.*}} : tensor<3x?xi1>
// CHECK-DAG: dropout.mask(%{{.*}}) threshold(%[[ALL]]){{.*}} : tensor<4x?xi1>
func.func @thresholds(%n: index, %seed: i64, %offset: i64) -> (tensor<1xi1>, tensor<2xi1>, tensor<3x?xi1>, tensor<4x?xi1>) {
  %a = dropout.mask p = 0x0000000000000001 rng(%seed, %offset) : tensor<1xi1>
  %b = dropout.mask p = 0x3FEFFFFFFFFFFFFF rng(%seed, %offset) : tensor<2xi1>
  %c = dropout.mask(%n) p = 0 rng(%seed, %offset) : tensor<3x?xi1>
  %d = dropout.mask(%n) p = 1 rng(%seed, %offset) : tensor<4x?xi1>
  return %a, %b, %c, %d : tensor<1xi1>, tensor<2xi1>, tensor<3x?xi1>, tensor<4x?xi1>
}


// Alpha dropout: one fused multiply-add in f32 and one rounding to f16; dropped
// elements take d, rounded to f32 and to f16.
// CHECK-LABEL: func @alpha
// CHECK-DAG: %[[A:.*]] = arith.constant 0.886404871 : f32
// CHECK-DAG: %[[B:.*]] = arith.constant 0.779193937 : f32
// CHECK-DAG: %[[D:.*]] = arith.constant -7.792960e-01 : f16
// CHECK: ^bb0(%[[IN:.*]]: f16, %[[KEEP:.*]]: i1, %{{.*}}: f16):
// CHECK-NEXT: %[[WIDE:.*]] = arith.extf %[[IN]] : f16 to f32
// CHECK-NEXT: %[[KEPT:.*]] = math.fma %[[A]], %[[WIDE]], %[[B]] : f32
// CHECK-NEXT: %[[NARROW:.*]] = arith.truncf %[[KEPT]] : f32 to f16
// CHECK-NEXT: %[[OUT:.*]] = arith.select %[[KEEP]], %[[NARROW]], %[[D]] : f16
// CHECK-NEXT: linalg.yield %[[OUT]]
func.func @alpha(%x: tensor<8xf16>, %seed: i64, %offset: i64) -> tensor<8xf16> {
  %y = dropout.alpha %x p = 0.5 rng(%seed, %offset) : tensor<8xf16>
  return %y : tensor<8xf16>
}


// Its constants at run time, in the order of the contract; p = 1 drops to +0.
// f64 is its own compute type.
// CHECK-LABEL: func @alpha_runtime
// CHECK-SAME: %{{.*}}: tensor<8xf64>, %[[P:.*]]: f64
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0.000000e+00 : f64
// CHECK-DAG: %[[ONE:.*]] = arith.constant 1.000000e+00 : f64
// CHECK-DAG: %[[ALPHA:.*]] = arith.constant -1.7580993408473768 : f64
// CHECK-DAG: %[[SQUARE:.*]] = arith.constant 3.0909132922{{[0-9]*}} : f64
// CHECK: %[[Q:.*]] = arith.select %{{.*}}, %[[P]], %[[ONE]] : f64
// CHECK: %[[KEPT:.*]] = arith.subf %[[ONE]], %[[Q]]
// CHECK-NEXT: %[[V0:.*]] = arith.mulf %[[KEPT]], %[[SQUARE]]
// CHECK-NEXT: %[[V1:.*]] = arith.mulf %[[V0]], %[[Q]]
// CHECK-NEXT: %[[V:.*]] = arith.addf %[[KEPT]], %[[V1]]
// CHECK-NEXT: %[[ROOT:.*]] = math.sqrt %[[V]]
// CHECK-NEXT: %[[A:.*]] = arith.divf %[[ONE]], %[[ROOT]]
// CHECK-NEXT: %[[B0:.*]] = arith.mulf %[[A]], %[[Q]]
// CHECK-NEXT: %[[B1:.*]] = arith.mulf %[[B0]], %[[ALPHA]]
// CHECK-NEXT: %[[B:.*]] = arith.negf %[[B1]]
// CHECK-NEXT: %[[D0:.*]] = arith.mulf %[[A]], %[[ALPHA]]
// CHECK-NEXT: %[[D1:.*]] = arith.addf %[[D0]], %[[B]]
// CHECK-NEXT: %[[IS_ONE:.*]] = arith.cmpf oeq, %[[Q]], %[[ONE]]
// CHECK-NEXT: %[[D:.*]] = arith.select %[[IS_ONE]], %[[ZERO]], %[[D1]]
// CHECK: ^bb0(%[[IN:.*]]: f64, %[[KEEP:.*]]: i1, %{{.*}}: f64):
// CHECK-NEXT: %[[FMA:.*]] = math.fma %[[A]], %[[IN]], %[[B]] : f64
// CHECK-NEXT: arith.select %[[KEEP]], %[[FMA]], %[[D]]
func.func @alpha_runtime(%x: tensor<8xf64>, %p: f64, %seed: i64, %offset: i64) -> tensor<8xf64> {
  %y = dropout.alpha %x p(%p) rng(%seed, %offset) : tensor<8xf64>
  return %y : tensor<8xf64>
}


// Channel masks have the listed dims only, in their order, at the place of the
// slice; the generic broadcasts them.
// CHECK-LABEL: func @channel
// CHECK-SAME: %[[X:.*]]: tensor<4x?x8xbf16>, %[[SEED:.*]]: i64, %[[OFFSET:.*]]: i64, %[[I:.*]]: index
// CHECK: %[[MASK:.*]] = dropout.mask threshold(%{{.*}}) rng(%[[SEED]], %[[OFFSET]]) at [0, %[[I]]] of [8, 12] : tensor<8x4xi1>
// CHECK: linalg.generic {indexing_maps = [#[[$ID3]], #[[$MASK_MAP]], #[[$ID3]]]
// CHECK-SAME: ins(%[[X]], %[[MASK]] : tensor<4x?x8xbf16>, tensor<8x4xi1>)
func.func @channel(%x: tensor<4x?x8xbf16>, %seed: i64, %offset: i64, %i: index) -> tensor<4x?x8xbf16> {
  %y = dropout.channel %x p = 0.5 mask_dims = [2, 0] rng(%seed, %offset) at [%i, 0, 0] of [12, 5, 8] : tensor<4x?x8xbf16>
  return %y : tensor<4x?x8xbf16>
}


// Gradients: dy times the scale, or a for the alpha kinds, and +0.
// CHECK-LABEL: func @backward
// CHECK-DAG: %[[A:.*]] = arith.constant 0.886404871 : f32
// CHECK-DAG: %[[S:.*]] = arith.constant 2.000000e+00 : f32
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK: %[[KEPT:.*]] = arith.mulf %{{.*}}, %[[S]]
// CHECK-NEXT: arith.select %{{.*}}, %[[KEPT]], %[[ZERO]]
// CHECK: %[[KEPT:.*]] = arith.mulf %{{.*}}, %[[A]]
// CHECK-NEXT: arith.select %{{.*}}, %[[KEPT]], %[[ZERO]]
func.func @backward(%dy: tensor<8xf32>, %seed: i64, %offset: i64) -> (tensor<8xf32>, tensor<8xf32>) {
  %a = dropout.backward element %dy p = 0.5 rng(%seed, %offset) : tensor<8xf32>
  %b = dropout.backward alpha %dy p = 0.5 rng(%seed, %offset) : tensor<8xf32>
  return %a, %b : tensor<8xf32>, tensor<8xf32>
}


// p and the flag of a mask become its threshold: 0 in eval.
// CHECK-LABEL: func @mask
// CHECK-SAME: %[[P:.*]]: f64, %[[FLAG:.*]]: i1, %[[SEED:.*]]: i64, %[[OFFSET:.*]]: i64
// CHECK-DAG: %[[KEEP_ALL:.*]] = arith.constant 0 : i64
// CHECK: %[[T:.*]] = arith.select %[[FLAG]], %{{.*}}, %[[KEEP_ALL]] : i64
// CHECK: %[[MASK:.*]] = dropout.mask threshold(%[[T]]) mask_dims = [1, 0] rng(%[[SEED]], %[[OFFSET]]) at [0, 0] of [8, 8] : tensor<4x8xi1>
// CHECK-NEXT: return %[[MASK]]
func.func @mask(%p: f64, %flag: i1, %seed: i64, %offset: i64) -> tensor<4x8xi1> {
  %m = dropout.mask p(%p) mask_dims = [1, 0] rng(%seed, %offset) training(%flag) at [0, 0] of [8, 8] : tensor<4x8xi1>
  return %m : tensor<4x8xi1>
}


// A mask result is the mask that the value reads, drawn of the same bits.
// CHECK-LABEL: func @mask_result
// CHECK-DAG: %[[M:.*]] = dropout.mask threshold(%[[T:.*]]) rng(%[[SEED:.*]], %[[OFFSET:.*]]) : tensor<8xi1>
// CHECK-DAG: %[[N:.*]] = dropout.mask threshold(%{{.*}}) rng(%[[SEED]], %[[OFFSET]]) : tensor<8xi1>
// CHECK: linalg.generic
func.func @mask_result(%x: tensor<8xf32>, %seed: i64, %offset: i64) -> (tensor<8xf32>, tensor<8xi1>) {
  %y, %m = dropout.element %x p = 0.5 rng(%seed, %offset) : tensor<8xf32>, tensor<8xi1>
  return %y, %m : tensor<8xf32>, tensor<8xi1>
}


// On memrefs no mask reaches memory: one bit is drawn in the body, from the
// element's place in the whole mask; the state is read in front.
// CHECK-LABEL: func @memref
// CHECK-SAME: %[[X:.*]]: memref<4x8xf32>, %[[Y:.*]]: memref<4x8xf32, strided<[?, 2]>>, %[[STATE:.*]]: memref<2xi64>
// CHECK-NOT: memref.alloc
// CHECK-DAG: %[[C8:.*]] = arith.constant 8 : index
// CHECK-DAG: %[[T:.*]] = arith.constant 2147483648 : i64
// CHECK-DAG: %[[SEED:.*]] = memref.load %[[STATE]][%{{.*}}]
// CHECK-DAG: %[[OFFSET:.*]] = memref.load %[[STATE]][%{{.*}}]
// CHECK: linalg.generic {{.*}} ins(%[[X]] : memref<4x8xf32>) outs(%[[Y]] : memref<4x8xf32, strided<[?, 2]>>)
// CHECK-DAG: %[[I:.*]] = linalg.index 0
// CHECK-DAG: %[[J:.*]] = linalg.index 1
// CHECK: %[[ROW:.*]] = arith.muli %[[I]], %[[C8]]
// CHECK: %[[SUM:.*]] = arith.addi %[[ROW]], %[[J]]
// CHECK: %[[INDEX:.*]] = arith.index_cast %[[SUM]] : index to i64
// CHECK: dropout.keep %[[INDEX]] threshold(%[[T]]) rng(%[[SEED]], %[[OFFSET]])
func.func @memref(%x: memref<4x8xf32>, %y: memref<4x8xf32, strided<[?, 2]>>, %state: memref<2xi64>) {
  dropout.element %x into %y p = 0.5 rng(%state) : memref<4x8xf32>, memref<4x8xf32, strided<[?, 2]>>
  return
}


// The index of a slice: base 100 * 3 + 3, and strides of the whole mask in the
// order of the mask dims, not of the tile.
// CHECK-LABEL: func @position
// CHECK-DAG: %[[BASE:.*]] = arith.constant 303 : index
// CHECK-DAG: %[[STRIDE:.*]] = arith.constant 100 : index
// CHECK: %[[J:.*]] = linalg.index 0
// CHECK: %[[I:.*]] = linalg.index 1
// CHECK-DAG: %[[FAST:.*]] = arith.addi %[[J]], %[[BASE]]
// CHECK-DAG: %[[SLOW:.*]] = arith.muli %[[I]], %[[STRIDE]]
// CHECK: %[[SUM:.*]] = arith.addi %[[FAST]], %[[SLOW]]
// CHECK: %[[INDEX:.*]] = arith.index_cast %[[SUM]] : index to i64
// CHECK: dropout.keep %[[INDEX]] {{.*}} rounds = 7
func.func @position(%x: memref<4x8x2xf32>, %seed: i64, %offset: i64) {
  dropout.channel %x into %x p = 0.5 mask_dims = [1, 0] rounds = 7 rng(%seed, %offset) at [3, 3, 1] of [100, 200, 4] : memref<4x8x2xf32>, memref<4x8x2xf32>
  return
}


// A scalar, an empty tensor and seven dims.
// CHECK-LABEL: func @ranks
// CHECK: linalg.generic {{.*}}iterator_types = []}
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel"]} {{.*}}tensor<0xf32>
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel", "parallel", "parallel"]}
func.func @ranks(%a: tensor<f32>, %b: tensor<0xf32>, %c: tensor<2x3x4x5x6x7x8xf32>, %seed: i64, %offset: i64)
    -> (tensor<f32>, tensor<0xf32>, tensor<2x3x4x5x6x7x8xf32>) {
  %0 = dropout.element %a p = 0.5 rng(%seed, %offset) : tensor<f32>
  %1 = dropout.alpha %b p = 0.5 rng(%seed, %offset) : tensor<0xf32>
  %2 = dropout.element %c p = 0.5 rng(%seed, %offset) : tensor<2x3x4x5x6x7x8xf32>
  return %0, %1, %2 : tensor<f32>, tensor<0xf32>, tensor<2x3x4x5x6x7x8xf32>
}


// What is not lowered here stays.
// CHECK-LABEL: func @others
// CHECK: dropout.reserve
// CHECK: dropout.check_p
// CHECK: dropout.keep
func.func @others(%p: f64, %i: i64) -> (f64, i1) {
  %train, %seed, %offset = dropout.reserve
  %q = dropout.check_p %p
  %k = dropout.keep %i threshold(%i) rng(%seed, %offset)
  return %q, %k : f64, i1
}
