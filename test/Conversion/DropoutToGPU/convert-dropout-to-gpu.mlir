// RUN: dropout-opt %s --convert-dropout-to-gpu --canonicalize --cse | FileCheck %s
// RUN: dropout-opt %s --convert-dropout-to-gpu=packed-minimum --canonicalize --cse | FileCheck %s --check-prefix=PACKED
// RUN: dropout-opt %s --convert-dropout-to-gpu=vector-access=false --canonicalize --cse | FileCheck %s --check-prefix=SCALAR --implicit-check-not=vector.load --implicit-check-not=vector.store --implicit-check-not=_unaligned
// RUN: dropout-opt %s '--convert-dropout-to-gpu=block-size=64 elements-per-thread=32' --canonicalize --cse | FileCheck %s --check-prefix=SIZES
// RUN: dropout-opt %s --convert-dropout-to-gpu --gpu-kernel-outlining | FileCheck %s --check-prefix=OUTLINED
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The constants are 0xD2511F53, Philox's first multiplier, and for p = 0.1: T, one
// less than the word of its upper half, and its upper half twice.

// One kernel for memory that allows accesses of 16 bytes, which the host finds
// out, and one for any other. A thread has two groups of 8 elements, a block's
// apart; both are loaded first, then drawn: two blocks of 10 rounds. Ties are
// decided by as many more in a loop. Ends of rows go element by element, and so
// does the other kernel.
// CHECK-LABEL: func.func @element
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<?xf32>, %[[Y:[a-z0-9]+]]: memref<?xf32>, %[[S:[a-z0-9]+]]: i64, %[[O:[a-z0-9]+]]: i64
// CHECK-DAG: %[[M0:.*]] = arith.constant 3528531795 : i64
// CHECK-DAG: %[[T:.*]] = arith.constant 429496730 : i64
// CHECK-DAG: %[[LIMIT:.*]] = arith.constant 429457407 : i32
// CHECK-DAG: %[[TIE:.*]] = arith.constant 429463961 : i32
// CHECK: %[[PX:.*]] = memref.extract_aligned_pointer_as_index %[[X]]
// CHECK: %[[AX:.*]] = arith.andi %[[PX]], %c15
// CHECK: %[[BX:.*]] = arith.cmpi eq, %[[AX]], %c0
// CHECK: %[[PY:.*]] = memref.extract_aligned_pointer_as_index %[[Y]]
// CHECK: %[[AY:.*]] = arith.andi %[[PY]], %c15
// CHECK: %[[BY:.*]] = arith.cmpi eq, %[[AY]], %c0
// CHECK: %[[ALIGNED:.*]] = arith.andi %[[BX]], %[[BY]] : i1
// CHECK: scf.if %[[ALIGNED]] {
// CHECK: %[[N7:.*]] = arith.addi %[[N:.*]], %c7
// CHECK: %[[GROUPS:.*]] = arith.divui %[[N7]], %c8
// CHECK: %[[GRID:.*]] = arith.ceildivui %[[GROUPS]], %c512
// CHECK: gpu.launch blocks(%[[BLOCK:[a-z0-9]+]], {{.*}}) in (%{{.*}} = %[[GRID]], %{{.*}} = %c1, %{{.*}} = %c1) threads(%[[THREAD:[a-z0-9]+]], {{.*}}) in (%{{.*}} = %c256, %{{.*}} = %c1, %{{.*}} = %c1) module(@dropout_kernels) function(@element_0) {
// CHECK: %[[OF_BLOCK:.*]] = arith.muli %[[BLOCK]], %c512
// CHECK: %[[GROUP:.*]] = arith.addi %[[OF_BLOCK]], %[[THREAD]]
// CHECK: %[[I:.*]] = arith.muli %[[GROUP]], %c8
// CHECK: %[[J:.*]] = arith.addi %[[I]], %c2048
// CHECK: %[[END:.*]] = arith.addi %[[I]], %c2056
// CHECK: %[[WHOLE:.*]] = arith.cmpi sle, %[[END]], %[[N]]
// CHECK: scf.if %[[WHOLE]] {
// CHECK: vector.load %[[X]][%[[I]]] {alignment = 16 : i64} : memref<?xf32>, vector<4xf32>
// CHECK: %[[I4:.*]] = arith.addi %[[I]], %c4
// CHECK: vector.load %[[X]][%[[I4]]] {alignment = 16 : i64} : memref<?xf32>, vector<4xf32>
// CHECK: vector.load %[[X]][%[[J]]] {alignment = 16 : i64} : memref<?xf32>, vector<4xf32>
// CHECK: vector.load %[[X]][%{{.*}}] {alignment = 16 : i64} : memref<?xf32>, vector<4xf32>
// CHECK-COUNT-20: arith.muli %{{.*}}, %[[M0]]
// CHECK-NOT: arith.muli %{{.*}}, %[[M0]]
// CHECK-COUNT-8: arith.xori %{{.*}}, %[[TIE]]
// CHECK: %[[HALVES:.*]] = arith.andi %{{.*}}, %c-2147450880_i32
// CHECK: %[[IS_TIE:.*]] = arith.cmpi ne, %[[HALVES]], %c0_i32
// CHECK: %[[W:.*]]:8 = scf.if %[[IS_TIE]]
// CHECK: scf.for %{{.*}} = %c0 to %c2
// CHECK: arith.ori %{{.*}}, %c-9223372036854775808_i64
// CHECK: scf.for %{{.*}} = %c0 to %c10
// CHECK-COUNT-1: arith.muli %{{.*}}, %[[M0]]
// CHECK: arith.cmpi uge, %{{.*}}, %[[T]] : i64
// CHECK: } else {
// CHECK: %[[LOW:.*]] = arith.shli %[[W]]#0, %c16_i32
// CHECK: %[[K0:.*]] = arith.cmpi ugt, %[[LOW]], %[[LIMIT]]
// CHECK: %[[F0:.*]] = arith.mulf %{{.*}}, %[[C:.*]] : f32
// CHECK: %[[V0:.*]] = arith.select %[[K0]], %[[F0]], %[[ZERO:.*]] : f32
// CHECK: %[[K1:.*]] = arith.cmpi ugt, %[[W]]#0, %[[LIMIT]]
// CHECK: %[[F1:.*]] = arith.mulf %{{.*}}, %[[C]] : f32
// CHECK: %[[V1:.*]] = arith.select %[[K1]], %[[F1]], %[[ZERO]] : f32
// CHECK: %[[V:.*]] = vector.from_elements %[[V0]], %[[V1]]
// CHECK: vector.store %[[V]], %[[Y]][%[[I]]] {alignment = 16 : i64} : memref<?xf32>, vector<4xf32>
// CHECK-COUNT-3: vector.store %{{.*}}, %[[Y]][%{{.*}}] {alignment = 16 : i64} : memref<?xf32>, vector<4xf32>
// CHECK: } else {
// CHECK: scf.for %[[NUMBER:.*]] = %c0 to %c2
// CHECK: %[[DISTANCE:.*]] = arith.muli %[[NUMBER]], %c2048
// CHECK: %[[FIRST:.*]] = arith.addi %[[I]], %[[DISTANCE]]
// CHECK: %[[BEHIND:.*]] = arith.addi %[[FIRST]], %c8
// CHECK: %[[LAST:.*]] = arith.minsi %[[BEHIND]], %[[N]]
// CHECK: scf.for %[[ELEMENT:.*]] = %[[FIRST]] to %[[LAST]] step %c1 {
// CHECK: memref.load %[[X]][%[[ELEMENT]]]
// CHECK: scf.for %{{.*}} = %c0 to %c10
// CHECK: scf.if
// CHECK: scf.for %{{.*}} = %c0 to %c10
// CHECK: memref.store %{{.*}}, %[[Y]][%[[ELEMENT]]]
// CHECK: } else {
// CHECK: gpu.launch {{.*}} function(@element_0_unaligned) {
// CHECK-COUNT-10: arith.muli %{{.*}}, %[[M0]]
// CHECK-NOT: vector.load
// CHECK: scf.for %{{.*}} = %c0 to %c10
// CHECK: scf.for %[[ELEMENT:.*]] = %[[BEGIN:.*]] to
// CHECK: %[[NUMBER:.*]] = arith.subi %[[ELEMENT]], %[[BEGIN]]
// CHECK: %[[NARROW:.*]] = arith.index_cast %[[NUMBER]] : index to i32
// CHECK: %[[BIT:.*]] = arith.shli %c1_i32, %[[NARROW]]
// CHECK: memref.load
// CHECK: arith.andi %{{.*}}, %[[BIT]]
// CHECK: arith.select
// CHECK: memref.store
// CHECK-NOT: vector.store
// CHECK-NOT: gpu.launch
// CHECK: return
// The tie test of a target with a minimum of halfwords: one test of 16 of them.
// PACKED-LABEL: func.func @element
// PACKED: function(@element_0)
// PACKED-COUNT-7: arith.minui {{.*}} : vector<2xi16>
// PACKED-NOT: arith.minui
// PACKED: arith.subi %{{.*}}, %c65537_i32
// PACKED-NOT: arith.subi
// PACKED: arith.cmpi ne
// PACKED: scf.if
// PACKED: return
// SCALAR-LABEL: func.func @element
// SCALAR-NOT: scf.if
// SCALAR: gpu.launch {{.*}} function(@element_0) {
// SCALAR-COUNT-10: arith.muli %{{.*}}, %c3528531795_i64
// SCALAR: memref.store
// SCALAR-NOT: gpu.launch
// SCALAR: return
// SIZES-LABEL: func.func @element
// SIZES: arith.ceildivui %{{.*}}, %c256
// SIZES: gpu.launch {{.*}} threads({{.*}}) in (%{{.*}} = %c64, {{.*}} function(@element_0) {
// SIZES: arith.addi %{{.*}}, %c512
// SIZES-COUNT-8: vector.load {{.*}} {alignment = 16 : i64}
// SIZES-COUNT-40: arith.muli %{{.*}}, %c3528531795_i64
// SIZES-NOT: arith.muli %{{.*}}, %c3528531795_i64
// SIZES: scf.if
// SIZES: return
func.func @element(%x: memref<?xf32>, %y: memref<?xf32>, %s: i64, %o: i64) {
  dropout.element %x into %y p = 0.1 rng(%s, %o) : memref<?xf32>, memref<?xf32>
  return
}

// Static rows that are neighbours are one, and a grid is known.
// CHECK-LABEL: func.func @static
// CHECK: scf.if
// CHECK: gpu.launch {{.*}} in (%{{.*}} = %c1, %{{.*}} = %c1, %{{.*}} = %c1) threads({{.*}}) in (%{{.*}} = %c256, %{{.*}} = %c1, %{{.*}} = %c1) {{.*}} function(@static_0) {
// CHECK: arith.cmpi sle, %{{.*}}, %c1024
// CHECK: function(@static_0_unaligned)
// CHECK: return
func.func @static(%x: memref<4x256xf32>, %y: memref<4x256xf32>, %s: i64, %o: i64) {
  dropout.element %x into %y p = 0.1 rng(%s, %o) : memref<4x256xf32>, memref<4x256xf32>
  return
}

// Only the caller knows whether rows are neighbours in memory. If not, each is
// to begin at the same place in a group of 16 bytes as in a block of the mask; a
// merged one (a single row) need not. A row's first group may begin in front of
// it, inside of a block.
// CHECK-LABEL: func.func @rows
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<?x?xf32, strided<[?, 1]>>
// CHECK: %[[SAME:.*]] = arith.cmpi eq, %[[STRIDE:.*]], %[[DIM:.*]] : index
// CHECK: %[[LENGTH:.*]] = arith.select %[[SAME]], %{{.*}}, %[[DIM]]
// CHECK: %[[ROWS:.*]] = arith.select %[[SAME]], %c1, %{{.*}}
// CHECK: %[[PX:.*]] = memref.extract_aligned_pointer_as_index %[[X]]
// CHECK: %[[DIFFERENCE:.*]] = arith.subi %[[STRIDE]], %[[DIM]]
// CHECK: %[[BYTES:.*]] = arith.muli %[[DIFFERENCE]], %c4
// CHECK: %[[ONE:.*]] = arith.cmpi eq, %[[ROWS]], %c1
// CHECK: %[[MATTERS:.*]] = arith.select %[[ONE]], %c0, %[[BYTES]]
// CHECK: %[[ALL:.*]] = arith.ori %[[PX]], %[[MATTERS]]
// CHECK: arith.andi %[[ALL]], %c15
// CHECK: scf.if
// CHECK: %[[PLUS:.*]] = arith.addi %[[LENGTH]], %c14
// CHECK: arith.divui %[[PLUS]], %c8
// CHECK: %[[BLOCK_Y:.*]] = arith.divui %c256, %[[BLOCK_X:.*]] : index
// CHECK: %[[ROW_BLOCKS:.*]] = arith.ceildivui %[[ROWS]], %[[BLOCK_Y]]
// CHECK: %[[GRID_Y:.*]] = arith.minui %[[ROW_BLOCKS]], %c65535
// CHECK: gpu.launch {{.*}} = %[[GRID_Y]], {{.*}} in (%{{.*}} = %[[BLOCK_X]], %{{.*}} = %[[BLOCK_Y]], %{{.*}} = %c1) {{.*}} function(@rows_0) {
// CHECK: scf.for %[[ROW:.*]] = %{{.*}} to %[[ROWS]] step
// CHECK: %[[XROW:.*]] = arith.muli %[[ROW]], %[[STRIDE]]
// CHECK: %[[MASKROW:.*]] = arith.muli %[[ROW]], %[[DIM]]
// CHECK: %[[WITHIN:.*]] = arith.andi %[[MASKROW]], %c7
// CHECK: %[[FIRST:.*]] = arith.subi %{{.*}}, %[[WITHIN]]
// CHECK: arith.cmpi sle, %{{.*}}, %[[LENGTH]]
// CHECK: arith.cmpi sge, %[[FIRST]], %c0
// CHECK: scf.if
// CHECK: %[[AT:.*]] = arith.addi %[[XROW]], %[[FIRST]]
// CHECK: vector.load %{{.*}}[%[[AT]]] {alignment = 16 : i64}
// CHECK: %[[DRAW:.*]] = arith.addi %[[MASKROW]], %[[FIRST]]
// CHECK: %[[WIDE:.*]] = arith.index_cast %[[DRAW]] : index to i64
// CHECK: arith.shrui %[[WIDE]], %c3_i64
// CHECK: } else {
// CHECK: %[[FROM:.*]] = arith.maxsi %[[GROUP:.*]], %c0
// CHECK: %[[BEHIND:.*]] = arith.addi %[[GROUP]], %c8
// CHECK: %[[TO:.*]] = arith.minsi %[[BEHIND]], %[[LENGTH]]
// CHECK: scf.for %{{.*}} = %[[FROM]] to %[[TO]] step %c1
// CHECK: function(@rows_0_unaligned)
// CHECK: return
func.func @rows(%x: memref<?x?xf32, strided<[?, 1]>>, %y: memref<?x?xf32>, %s: i64, %o: i64) {
  dropout.element %x into %y p = 0.1 rng(%s, %o) : memref<?x?xf32, strided<[?, 1]>>, memref<?x?xf32>
  return
}

// A tile keeps the indices of the whole: rows of 27 elements from its fifth on.
// CHECK-LABEL: func.func @slice
// CHECK: gpu.launch {{.*}} function(@slice_0) {
// CHECK: scf.for %[[ROW:.*]] = %
// CHECK: %[[STEP:.*]] = arith.muli %[[ROW]], %c27
// CHECK: %[[BASE:.*]] = arith.addi %[[STEP]], %c5
// CHECK: arith.andi %[[BASE]], %c7
// CHECK: arith.addi %[[BASE]], %
// CHECK: arith.shrui %{{.*}}, %c3_i64
// CHECK: return
func.func @slice(%x: memref<?x16xf32>, %y: memref<?x16xf32>, %s: i64, %o: i64) {
  %c100 = arith.constant 100 : index
  dropout.element %x into %y p = 0.1 rng(%s, %o) at [0, 5] of [%c100, 27] : memref<?x16xf32>, memref<?x16xf32>
  return
}

// Elements that are not neighbours have no accesses of 16 bytes, whether the
// type says so or the caller.
// CHECK-LABEL: func.func @strided
// CHECK: %[[IS_ONE:.*]] = arith.cmpi eq, %{{.*}}, %c1
// CHECK: %[[BOTH:.*]] = arith.andi %{{.*}}, %[[IS_ONE]] : i1
// CHECK: scf.if %[[BOTH]] {
// CHECK: function(@strided_0) {
// CHECK: vector.load
// CHECK: function(@strided_0_unaligned) {
// CHECK-NOT: vector.load
// CHECK: arith.muli %{{.*}}, %[[STRIDE:.*]] : index
// CHECK: memref.load
// CHECK: return
func.func @strided(%x: memref<?xf32, strided<[?]>>, %y: memref<?xf32>, %s: i64, %o: i64) {
  dropout.element %x into %y p = 0.1 rng(%s, %o) : memref<?xf32, strided<[?]>>, memref<?xf32>
  return
}

// CHECK-LABEL: func.func @every_other
// CHECK-NOT: scf.if
// CHECK: gpu.launch {{.*}} function(@every_other_0) {
// CHECK-NOT: vector.load
// CHECK-NOT: gpu.launch
// CHECK: return
func.func @every_other(%x: memref<64xf32, strided<[2]>>, %s: i64, %o: i64) {
  dropout.element %x into %x p = 0.1 rng(%s, %o) : memref<64xf32, strided<[2]>>, memref<64xf32, strided<[2]>>
  return
}

// One draw a channel, and a branch on it: of a dropped one, nothing is read.
// CHECK-LABEL: func.func @channel
// CHECK: gpu.launch {{.*}} in (%{{.*}} = %c1, %{{.*}} = %c32, %{{.*}} = %c1) {{.*}} function(@channel_0) {
// CHECK: scf.for
// CHECK-COUNT-10: arith.muli %{{.*}}, %c3528531795_i64
// CHECK: %[[KEEP:.*]] = scf.if
// CHECK: scf.if %[[KEEP]] {
// CHECK: scf.if
// CHECK-COUNT-4: vector.load
// CHECK: arith.mulf
// CHECK-NOT: arith.select
// CHECK-COUNT-4: vector.store
// CHECK-COUNT-1: memref.load
// CHECK-NOT: {{vector|memref}}.load
// CHECK-COUNT-4: vector.store
// CHECK-NOT: {{vector|memref}}.load
// CHECK: memref.store
// CHECK-NOT: {{vector|memref}}.load
// CHECK: function(@channel_0_unaligned)
// CHECK: return
func.func @channel(%x: memref<8x4x4096xf32>, %y: memref<8x4x4096xf32>, %s: i64, %o: i64) {
  dropout.channel %x into %y p = 0.5 rng(%s, %o) : memref<8x4x4096xf32>, memref<8x4x4096xf32>
  return
}

// Channels last draw per element of a row, which walks the mask: whole blocks.
// CHECK-LABEL: func.func @channels_last
// CHECK: function(@channels_last_0) {
// CHECK: vector.load
// CHECK-COUNT-20: arith.muli %{{.*}}, %c3528531795_i64
// CHECK: vector.store
// CHECK: return
func.func @channels_last(%x: memref<8x28x64xf32>, %y: memref<8x28x64xf32>, %s: i64, %o: i64) {
  dropout.channel %x into %y p = 0.5 mask_dims = [0, 2] rng(%s, %o) : memref<8x28x64xf32>, memref<8x28x64xf32>
  return
}

// A bf16 is the upper half of an f32: the lower one of a word is shifted up, the
// upper one masked. Two results are rounded together, the first in the lower half.
// CHECK-LABEL: func.func @alpha
// CHECK: function(@alpha_0) {
// CHECK: %[[X:.*]] = vector.load {{.*}} {alignment = 16 : i64} : memref<?xbf16>, vector<8xbf16>
// CHECK: %[[WORDS:.*]] = vector.bitcast %[[X]] : vector<8xbf16> to vector<4xi32>
// CHECK: %[[WORD:.*]] = vector.extract %[[WORDS]][0]
// CHECK: %[[UP:.*]] = arith.shli %[[WORD]], %c16_i32
// CHECK: %[[MASKED:.*]] = arith.andi %[[WORD]], %c-65536_i32
// CHECK: %[[E0:.*]] = arith.bitcast %[[UP]] : i32 to f32
// CHECK: %[[E1:.*]] = arith.bitcast %[[MASKED]] : i32 to f32
// CHECK: vector.load {{.*}} {alignment = 16 : i64} : memref<?xbf16>, vector<8xbf16>
// CHECK-COUNT-20: arith.muli %{{.*}}, %c3528531795_i64
// CHECK: %[[F0:.*]] = math.fma %[[A:.*]], %[[E0]], %[[B:.*]] : f32
// CHECK: %[[V0:.*]] = arith.select %{{.*}}, %[[F0]], %[[D:.*]] : f32
// CHECK: %[[F1:.*]] = math.fma %[[A]], %[[E1]], %[[B]] : f32
// CHECK: %[[V1:.*]] = arith.select %{{.*}}, %[[F1]], %[[D]] : f32
// CHECK: %[[PAIR:.*]] = vector.from_elements %[[V0]], %[[V1]] : vector<2xf32>
// CHECK: arith.truncf %[[PAIR]] : vector<2xf32> to vector<2xbf16>
// CHECK-COUNT-7: arith.truncf {{.*}} : vector<2xf32> to vector<2xbf16>
// CHECK-NOT: arith.truncf
// CHECK: } else {
// CHECK: return
func.func @alpha(%x: memref<?xbf16>, %y: memref<?xbf16>, %s: i64, %o: i64) {
  dropout.alpha %x into %y p = 0.1 rng(%s, %o) : memref<?xbf16>, memref<?xbf16>
  return
}

// f16 is converted, not unpacked.
// CHECK-LABEL: func.func @feature_alpha
// CHECK: function(@feature_alpha_0) {
// CHECK: scf.if %{{.*}} {
// CHECK: vector.load {{.*}} {alignment = 16 : i64} : memref<?xf16>, vector<8xf16>
// CHECK: arith.extf {{.*}} : f16 to f32
// CHECK: math.fma
// CHECK: arith.truncf {{.*}} : vector<2xf32> to vector<2xf16>
// CHECK: return
func.func @feature_alpha(%x: memref<4x8x64xf16>, %y: memref<4x8x64xf16>, %s: i64, %o: i64) {
  dropout.feature_alpha %x into %y p = 0.1 rng(%s, %o) : memref<4x8x64xf16>, memref<4x8x64xf16>
  return
}

// f64: two elements in 16 bytes.
// CHECK-LABEL: func.func @double
// CHECK: function(@double_0) {
// CHECK-COUNT-8: vector.load {{.*}} {alignment = 16 : i64} : memref<?xf64>, vector<2xf64>
// CHECK-NOT: vector.load
// CHECK: arith.mulf {{.*}} : f64
// CHECK: return
func.func @double(%x: memref<?xf64>, %y: memref<?xf64>, %s: i64, %o: i64) {
  dropout.element %x into %y p = 0.1 rng(%s, %o) : memref<?xf64>, memref<?xf64>
  return
}

// The gradient of alpha: a product, no sum.
// CHECK-LABEL: func.func @backward
// CHECK: function(@backward_0) {
// CHECK-NOT: math.fma
// CHECK: arith.mulf
// CHECK-NOT: math.fma
// CHECK: return
func.func @backward(%dy: memref<?xf32>, %dx: memref<?xf32>, %s: i64, %o: i64) {
  dropout.backward alpha %dy into %dx p = 0.1 rng(%s, %o) : memref<?xf32>, memref<?xf32>
  return
}

// A mask is bytes, and its vectors are of bytes, not of packed bits.
// CHECK-LABEL: func.func @mask
// CHECK: %[[P:.*]] = memref.extract_aligned_pointer_as_index
// CHECK: arith.andi %[[P]], %c7
// CHECK: function(@mask_0) {
// CHECK-COUNT-20: arith.muli %{{.*}}, %c3528531795_i64
// CHECK-COUNT-16: arith.extui %{{.*}} : i1 to i8
// CHECK: vector.store {{.*}} {alignment = 8 : i64} : memref<?xi8>, vector<8xi8>
// CHECK: } else {
// CHECK: memref.store %{{.*}} : memref<?xi8>
// CHECK: return
func.func @mask(%m: memref<?xi1>, %s: i64, %o: i64) {
  dropout.mask into %m p = 0.1 rng(%s, %o) : memref<?xi1>
  return
}

// 8 bits an element: groups of 16 elements, one block each, and no ties.
// CHECK-LABEL: func.func @bytes
// CHECK: function(@bytes_0) {
// CHECK-COUNT-4: vector.load
// CHECK-COUNT-7: arith.muli %{{.*}}, %c3528531795_i64
// CHECK-NOT: arith.muli %{{.*}}, %c3528531795_i64
// CHECK-NOT: scf.if
// CHECK-COUNT-16: arith.cmpi uge, %{{.*}}, %c64_i32
// CHECK-NOT: arith.cmpi
// CHECK: vector.store
// CHECK: return
func.func @bytes(%x: memref<?xf32>, %y: memref<?xf32>, %s: i64, %o: i64) {
  dropout.element %x into %y p = 0.25 rounds = 7 resolution = 8 rng(%s, %o) : memref<?xf32>, memref<?xf32>
  return
}

// The host selects the kernel of eval, which draws nothing and copies.
// CHECK-LABEL: func.func @training
// CHECK-SAME: %[[TRAINING:[a-z0-9]+]]: i1)
// CHECK: scf.if %[[TRAINING]] {
// CHECK: function(@training_0) {
// CHECK: arith.mulf
// CHECK: function(@training_0_unaligned) {
// CHECK: function(@training_0_inactive) {
// CHECK-NOT: arith.muli {{.*}} : i64
// CHECK-NOT: arith.mulf
// CHECK: vector.store
// CHECK: function(@training_0_inactive_unaligned) {
// CHECK-NOT: arith.muli {{.*}} : i64
// CHECK-NOT: arith.mulf
// CHECK: return
func.func @training(%x: memref<?xf32>, %y: memref<?xf32>, %s: i64, %o: i64, %t: i1) {
  dropout.element %x into %y p = 0.1 rng(%s, %o) training(%t) : memref<?xf32>, memref<?xf32>
  return
}

// In place, eval does nothing at all.
// CHECK-LABEL: func.func @in_place
// CHECK-SAME: %[[TRAINING:[a-z0-9]+]]: i1)
// CHECK: scf.if %[[TRAINING]] {
// CHECK: function(@in_place_0) {
// CHECK: function(@in_place_0_unaligned) {
// CHECK-NOT: gpu.launch
// CHECK: return
func.func @in_place(%x: memref<?xf32>, %s: i64, %o: i64, %t: i1) {
  dropout.element %x into %x p = 0.1 rng(%s, %o) training(%t) : memref<?xf32>, memref<?xf32>
  return
}

// A p at run time: the threshold is computed in front of the kernel.
// CHECK-LABEL: func.func @runtime
// CHECK: arith.divf
// CHECK: scf.if
// CHECK: %[[TOP:.*]] = arith.shrui %[[T:.*]], %c16_i64
// CHECK: %[[LEAST:.*]] = arith.maxui %[[TOP]], %c1_i64
// CHECK: %[[UP:.*]] = arith.shli %[[LEAST]], %c16_i64
// CHECK: %[[WIDE:.*]] = arith.subi %[[UP]], %c1_i64
// CHECK: %[[HALF:.*]] = arith.andi %[[TOP]], %c65535_i64
// CHECK: %[[TWICE:.*]] = arith.muli %[[HALF]], %c65537_i64
// CHECK: %[[LIMIT:.*]] = arith.trunci %[[WIDE]] : i64 to i32
// CHECK: %[[TIE:.*]] = arith.trunci %[[TWICE]] : i64 to i32
// CHECK: gpu.launch {{.*}} function(@runtime_0) {
// CHECK: arith.xori %{{.*}}, %[[TIE]]
// CHECK: arith.cmpi uge, %{{.*}}, %[[T]]
// CHECK: arith.cmpi ugt, %{{.*}}, %[[LIMIT]]
// CHECK-NOT: arith.divf
// CHECK: return
func.func @runtime(%x: memref<?xf32>, %y: memref<?xf32>, %s: i64, %o: i64, %p: f64) {
  dropout.element %x into %y p(%p) rng(%s, %o) : memref<?xf32>, memref<?xf32>
  return
}

// {seed, offset} in device memory is read in the kernel.
// CHECK-LABEL: func.func @state
// CHECK-SAME: %[[STATE:[a-z0-9]+]]: memref<2xi64>
// CHECK-NOT: memref.load
// CHECK: function(@state_0) {
// CHECK-DAG: %[[S:.*]] = memref.load %[[STATE]][%c0]
// CHECK-DAG: %[[O:.*]] = memref.load %[[STATE]][%c1]
// CHECK: vector.load
// CHECK-DAG: vector.broadcast %[[S]] : i64
// CHECK-DAG: vector.broadcast %[[O]] : i64
// CHECK: } else {
// CHECK-NOT: memref.load %[[STATE]]
// CHECK: function(@state_0_unaligned) {
// CHECK-COUNT-2: memref.load %[[STATE]]
// CHECK: return
func.func @state(%x: memref<?xf32>, %y: memref<?xf32>, %state: memref<2xi64>) {
  dropout.element %x into %y p = 0.1 rng(%state : memref<2xi64>) : memref<?xf32>, memref<?xf32>
  return
}

// What was fused is one kernel; a bias along the rows is loaded as vectors.
// CHECK-LABEL: func.func @bias
// CHECK-SAME: memref<?x64xf32>, %[[B:[a-z0-9]+]]: memref<64xf32>
// CHECK: function(@bias_0) {
// CHECK-COUNT-8: vector.load {{.*}} {alignment = 16 : i64}
// CHECK-NOT: vector.load
// CHECK-COUNT-20: arith.muli %{{.*}}, %c3528531795_i64
// CHECK: arith.addf
// CHECK: arith.select
// CHECK: vector.store
// CHECK: function(@bias_0_unaligned)
// CHECK-NOT: gpu.launch
// CHECK: return
#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (j)>
func.func @bias(%x: memref<?x64xf32>, %b: memref<64xf32>, %y: memref<?x64xf32>, %t: i64, %s: i64, %o: i64) {
  %zero = arith.constant 0.0 : f32
  %c64 = arith.constant 64 : i64
  linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %b : memref<?x64xf32>, memref<64xf32>) outs(%y : memref<?x64xf32>) {
  ^bb0(%a: f32, %c: f32, %out: f32):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %i64 = arith.index_cast %i : index to i64
    %j64 = arith.index_cast %j : index to i64
    %r = arith.muli %i64, %c64 : i64
    %e = arith.addi %r, %j64 : i64
    %keep = dropout.keep %e threshold(%t) rng(%s, %o)
    %sum = arith.addf %a, %c : f32
    %v = arith.select %keep, %sum, %zero : f32
    linalg.yield %v : f32
  }
  return
}

// Other structured ops: one thread for each point of the parallel loops.
// CHECK-LABEL: func.func @matmul
// CHECK: %[[POINTS:.*]] = arith.muli %[[M:.*]], %[[N:.*]] : index
// CHECK: %[[GRID:.*]] = arith.ceildivui %[[POINTS]], %c256
// CHECK: gpu.launch {{.*}} in (%{{.*}} = %[[GRID]], {{.*}} function(@matmul_0) {
// CHECK: %[[INSIDE:.*]] = arith.cmpi ult, %[[POINT:.*]], %[[POINTS]]
// CHECK: scf.if %[[INSIDE]] {
// CHECK: %[[J:.*]] = arith.remui %[[POINT]], %[[N]]
// CHECK: %[[I:.*]] = arith.divui %[[POINT]], %[[N]]
// CHECK: scf.for %[[K:.*]] = %c0 to %c33
// CHECK: memref.load %{{.*}}[%[[I]], %[[K]]]
// CHECK: memref.load %{{.*}}[%[[K]], %[[J]]]
// CHECK: memref.store %{{.*}}, %{{.*}}[%[[I]], %[[J]]]
// CHECK: return
func.func @matmul(%a: memref<?x33xf32>, %b: memref<33x?xf32>, %c: memref<?x?xf32>) {
  linalg.matmul ins(%a, %b : memref<?x33xf32>, memref<33x?xf32>) outs(%c : memref<?x?xf32>)
  return
}

// Columns are summed by neighbouring threads, whatever the order of the loops.
// CHECK-LABEL: func.func @columns
// CHECK: function(@columns_0) {
// CHECK: scf.for %[[K:.*]] = %c0 to %c32
// CHECK: memref.load %{{.*}}[%[[K]], %[[J:.*]]]
// CHECK: memref.store %{{.*}}, %{{.*}}[%[[J]]]
// CHECK: return
func.func @columns(%x: memref<32x64xf32>, %y: memref<64xf32>) {
  linalg.reduce { arith.addf } ins(%x : memref<32x64xf32>) outs(%y : memref<64xf32>) dimensions = [0]
  return
}

// A sum of everything is one thread's.
// CHECK-LABEL: func.func @sum
// CHECK: gpu.launch {{.*}} in (%{{.*}} = %c1, %{{.*}} = %c1, %{{.*}} = %c1) threads({{.*}}) in (%{{.*}} = %c1, %{{.*}} = %c1, %{{.*}} = %c1) {{.*}} function(@sum_0) {
// CHECK: scf.for
// CHECK: return
func.func @sum(%x: memref<?xf32>, %y: memref<f32>) {
  linalg.reduce { arith.addf } ins(%x : memref<?xf32>) outs(%y : memref<f32>) dimensions = [0]
  return
}

// A copy is a kernel; names of a function's kernels are numbered, and are those
// that PTX allows.
// CHECK-LABEL: func.func @two.copies
// CHECK-NOT: memref.copy
// CHECK: function(@two_copies_0) {
// CHECK: vector.store
// CHECK: function(@two_copies_0_unaligned) {
// CHECK: function(@two_copies_1) {
// CHECK: function(@two_copies_1_unaligned) {
// CHECK: return
func.func @"two.copies"(%a: memref<?xf32>, %b: memref<?xf32, strided<[1], offset: ?>>, %c: memref<?xf32>) {
  memref.copy %a, %b : memref<?xf32> to memref<?xf32, strided<[1], offset: ?>>
  memref.copy %a, %c : memref<?xf32> to memref<?xf32>
  return
}

// Rank 0.
// CHECK-LABEL: func.func @scalar
// CHECK: function(@scalar_0)
// CHECK: return
func.func @scalar(%x: memref<f32>, %y: memref<f32>, %s: i64, %o: i64) {
  dropout.element %x into %y p = 0.1 rng(%s, %o) : memref<f32>, memref<f32>
  return
}

// In a kernel each thread runs the op on its operands, at its place in the whole.
// CHECK-LABEL: gpu.func @users_kernel
// CHECK-SAME: %[[I:[a-z0-9]+]]: index) kernel
// CHECK-NOT: gpu.launch
// CHECK: scf.for %[[J:.*]] = %c0 to %c8
// CHECK: %[[AT:.*]] = arith.addi %[[I]], %[[J]]
// CHECK: %[[E:.*]] = arith.index_cast %[[AT]] : index to i64
// CHECK: dropout.keep %[[E]]
// CHECK: gpu.return
gpu.module @kernels {
  gpu.func @users_kernel(%x: memref<8xf32>, %s: i64, %o: i64, %n: index, %i: index) kernel {
    dropout.element %x into %x p = 0.3 rng(%s, %o) at [%i] of [%n] : memref<8xf32>, memref<8xf32>
    gpu.return
  }
}

// All kernels are in one module.
// OUTLINED: gpu.launch_func @dropout_kernels::@element_0 blocks
// OUTLINED: gpu.launch_func @dropout_kernels::@element_0_unaligned blocks
// OUTLINED: gpu.module @dropout_kernels
// OUTLINED: gpu.func @element_0(
// OUTLINED: gpu.func @element_0_unaligned(
// OUTLINED: gpu.func @scalar_0(
// OUTLINED-NOT: gpu.module @dropout_kernels
