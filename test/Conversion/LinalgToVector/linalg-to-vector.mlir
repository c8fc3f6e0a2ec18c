// RUN: dropout-opt %s --convert-dropout-to-linalg --dropout-convert-linalg-to-vector --canonicalize --cse | FileCheck %s
// RUN: dropout-opt %s --convert-dropout-to-linalg '--dropout-convert-linalg-to-vector=vector-bits=256 masked-memory=false' --canonicalize --cse | FileCheck %s --check-prefix=AVX2
// RUN: dropout-opt %s --convert-dropout-to-linalg '--dropout-convert-linalg-to-vector=nontemporal-bytes=16777216' --canonicalize --cse | FileCheck %s --check-prefix=NT
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (j)>
#transposed = affine_map<(i, j) -> (j, i)>

// A loop over the high words of block numbers around one over tiles: one draw,
// and the values of a whole tile or of a part of it.
// CHECK-LABEL: func.func @element
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<?xf32>, %[[Y:[a-z0-9]+]]: memref<?xf32>
// CHECK: scf.for %[[HIGH:.*]] =
// CHECK: %[[H:.*]] = arith.index_cast %[[HIGH]] : index to i64
// CHECK: scf.for %[[I:.*]] = %{{.*}} to %{{.*}} step %c256
// CHECK: %[[BASE:.*]] = arith.index_cast %[[I]] : index to i64
// CHECK: %[[BITS:.*]] = dropout.keep_run %[[BASE]] high(%[[H]]) threshold(%{{.*}}) rng(%{{.*}}, %{{.*}}) : vector<256xi1>
// CHECK: scf.if
// CHECK: vector.load %{{.*}}[%[[I]]] : {{.*}} vector<16xf32>
// CHECK: %[[SLICE:.*]] = vector.extract_strided_slice %[[BITS]] {offsets = [0], sizes = [16], strides = [1]}
// CHECK: arith.select %[[SLICE]]
// CHECK: vector.store {{.*}} vector<16xf32>
// CHECK: } else {
// CHECK: scf.for {{.*}} step %c16
// CHECK: vector.maskedload
// CHECK: vector.maskedstore
// CHECK-NOT: dropout.keep
// CHECK: return
// AVX2-LABEL: func.func @element
// AVX2: dropout.keep_run {{.*}} : vector<{{[0-9]+}}xi1>
// AVX2: vector.store {{.*}} vector<8xf32>
// AVX2-NOT: masked
// AVX2: memref.store {{.*}}xf32
// AVX2: return
// Past the caches if the output is large, aligned, and not x itself; a fence
// behind it.
// NT-LABEL: func.func @element
// NT: arith.cmpi sge, %{{.*}}, %c16777216
// NT: memref.extract_aligned_pointer_as_index
// NT: arith.andi %{{.*}}, %c63
// NT: arith.cmpi ne
// NT: memref.prefetch
// NT: vector.store {{.*}} {alignment = 64 : i64, nontemporal = true}
// NT: } else {
// NT: vector.store %{{.*}} : memref
// NT: llvm.fence seq_cst
// NT: return
func.func @element(%x: memref<?xf32>, %y: memref<?xf32>, %s: i64, %o: i64) {
  dropout.element %x into %y p = 0.1 rng(%s, %o) : memref<?xf32>, memref<?xf32>
  return
}

// A small mask has one high word; rows that are neighbours are one. No partial
// tile where sizes say so.
// CHECK-LABEL: func.func @static
// CHECK: scf.for %{{.*}} = %c0 to %c1024 step %c256
// CHECK: dropout.keep_run %{{.*}} high(%c0_i64)
// CHECK-NOT: scf.if
// CHECK-NOT: scf.for
// CHECK: return
// In place, nothing goes past the caches.
// NT-LABEL: func.func @static
// NT-NOT: nontemporal
// NT: return
func.func @static(%x: memref<4x256xf32>, %s: i64, %o: i64) {
  dropout.element %x into %x p = 0.1 rng(%s, %o) : memref<4x256xf32>, memref<4x256xf32>
  return
}

// Only the caller knows whether rows are neighbours in memory.
// CHECK-LABEL: func.func @rows
// CHECK: %[[SAME:.*]] = arith.cmpi eq, %{{.*}}, %[[N:.*]] : index
// CHECK: %[[ALL:.*]] = arith.muli
// CHECK: arith.select %[[SAME]], %[[ALL]], %[[N]]
// CHECK: arith.select %[[SAME]], %c1, %{{.*}}
// CHECK-COUNT-1: dropout.keep_run
// CHECK-NOT: dropout.keep
// CHECK: return
func.func @rows(%x: memref<?x?xf32, strided<[?, 1]>>, %y: memref<?x?xf32>, %s: i64, %o: i64) {
  dropout.element %x into %y p = 0.1 rng(%s, %o) : memref<?x?xf32, strided<[?, 1]>>, memref<?x?xf32>
  return
}

// And whether elements are.
// CHECK-LABEL: func.func @columns
// CHECK: arith.cmpi eq, %{{.*}}, %c1
// CHECK: scf.if
// CHECK: dropout.keep_run
// CHECK: vector.load
// CHECK: } else {
// CHECK: dropout.keep_run
// CHECK: vector.gather
// CHECK-NOT: dropout.keep
// CHECK: return
func.func @columns(%x: memref<?xf32, strided<[?]>>, %y: memref<?xf32>, %s: i64, %o: i64) {
  dropout.element %x into %y p = 0.1 rng(%s, %o) : memref<?xf32, strided<[?]>>, memref<?xf32>
  return
}

// One draw a channel; long rows branch on it, and a dropped one reads nothing.
// CHECK-LABEL: func.func @channel
// CHECK: scf.for
// CHECK: %[[KEEP:.*]] = dropout.keep %
// CHECK: scf.if %[[KEEP]] {
// CHECK: vector.load
// CHECK: } else {
// CHECK-NOT: vector.load
// CHECK: vector.store
// CHECK: return
func.func @channel(%x: memref<8x4x4096xf32>, %y: memref<8x4x4096xf32>, %s: i64, %o: i64) {
  dropout.channel %x into %y p = 0.5 rng(%s, %o) : memref<8x4x4096xf32>, memref<8x4x4096xf32>
  return
}

// Short ones select.
// CHECK-LABEL: func.func @short_channel
// CHECK: %[[KEEP:.*]] = dropout.keep %
// CHECK-NOT: scf.if
// CHECK: arith.select %[[KEEP]], %{{.*}}, %{{.*}} : vector<16xf32>
// CHECK: return
func.func @short_channel(%x: memref<8x4x64xf32>, %y: memref<8x4x64xf32>, %s: i64, %o: i64) {
  dropout.channel %x into %y p = 0.5 rng(%s, %o) : memref<8x4x64xf32>, memref<8x4x64xf32>
  return
}

// Either mode has loops of its own. In eval nothing is drawn: a copy.
// CHECK-LABEL: func.func @mode
// CHECK-SAME: %[[TRAINING:[a-z0-9]+]]: i1
// CHECK: scf.if %[[TRAINING]]
// CHECK-COUNT-1: dropout.keep_run
// CHECK: vector.maskedstore
// CHECK: } else {
// CHECK-NOT: arith.select
// CHECK: vector.store
// CHECK-NOT: dropout
// CHECK: return
func.func @mode(%training: i1, %x: memref<1000xf32>, %y: memref<1000xf32>, %s: i64, %o: i64) {
  dropout.element %x into %y p = 0.1 rng(%s, %o) training(%training) : memref<1000xf32>, memref<1000xf32>
  return
}

// In place, nothing at all.
// CHECK-LABEL: func.func @mode_in_place
// CHECK-SAME: %[[TRAINING:[a-z0-9]+]]: i1
// CHECK: scf.if %[[TRAINING]] {
// CHECK: vector.maskedstore
// CHECK-NOT: vector.
// CHECK: return
func.func @mode_in_place(%training: i1, %x: memref<1000xf32>, %s: i64, %o: i64) {
  dropout.element %x into %x p = 0.1 rng(%s, %o) training(%training) : memref<1000xf32>, memref<1000xf32>
  return
}

// A mask is a byte per element.
// CHECK-LABEL: func.func @mask
// CHECK: builtin.unrealized_conversion_cast %{{.*}} : memref<{{.*}}xi1{{.*}}> to memref<{{.*}}xi8{{.*}}>
// CHECK: dropout.keep_run
// CHECK: arith.extui {{.*}} : vector<16xi1> to vector<16xi8>
// CHECK: vector.store {{.*}} vector<16xi8>
// CHECK: return
func.func @mask(%y: memref<1024xi1>, %s: i64, %o: i64) {
  dropout.mask into %y p = 0.1 rng(%s, %o) : memref<1024xi1>
  return
}

// Neighbours along the output are not neighbours in the mask: the loop runs
// along the mask.
// CHECK-LABEL: func.func @transposed
// CHECK: dropout.keep_run
// CHECK: vector.scatter
// CHECK: return
func.func @transposed(%x: memref<64x64xf32>, %y: memref<64x64xf32>, %t: i64, %s: i64, %o: i64) {
  linalg.generic {indexing_maps = [#transposed, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<64x64xf32>) outs(%y : memref<64x64xf32>) {
  ^bb0(%a: f32, %b: f32):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %c64 = arith.constant 64 : index
    %r = arith.muli %j, %c64 : index
    %n = arith.addi %r, %i : index
    %l = arith.index_cast %n : index to i64
    %keep = dropout.keep %l threshold(%t) rng(%s, %o)
    %z = arith.constant 0.0 : f32
    %v = arith.select %keep, %a, %z : f32
    linalg.yield %v : f32
  }
  return
}

// Two draws with other positions in one loop: the tiles are the first one's, the
// second is shifted into place.
// CHECK-LABEL: func.func @two
// CHECK: dropout.keep_run %{{.*}} high(
// CHECK: dropout.keep_run %{{.*}} threshold(
// CHECK: return
func.func @two(%x: memref<1024xf32>, %t: i64, %s: i64, %o: i64) {
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      outs(%x : memref<1024xf32>) {
  ^bb0(%a: f32):
    %i = linalg.index 0 : index
    %c3 = arith.constant 3 : index
    %j = arith.addi %i, %c3 : index
    %k = arith.index_cast %i : index to i64
    %l = arith.index_cast %j : index to i64
    %first = dropout.keep %k threshold(%t) rng(%s, %o)
    %second = dropout.keep %l threshold(%t) rng(%s, %o)
    %both = arith.andi %first, %second : i1
    %z = arith.constant 0.0 : f32
    %v = arith.select %both, %a, %z : f32
    linalg.yield %v : f32
  }
  return
}

// A sum along columns: the loop over rows outside, in its order.
// CHECK-LABEL: func.func @column_sum
// CHECK: scf.for %{{.*}} = %c0 to %c32 step %c1
// CHECK: scf.for %{{.*}} = %c0 to %c128 step %c64
// CHECK: arith.addf {{.*}} : vector<16xf32>
// CHECK: return
func.func @column_sum(%x: memref<32x128xf32>, %y: memref<128xf32>) {
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["reduction", "parallel"]}
      ins(%x : memref<32x128xf32>) outs(%y : memref<128xf32>) {
  ^bb0(%a: f32, %b: f32):
    %v = arith.addf %a, %b : f32
    linalg.yield %v : f32
  }
  return
}

// Two conditions have loops of their own; a third is selected in the body.
// CHECK-LABEL: func.func @conditions
// CHECK-COUNT-4: arith.select {{.*}} : vector<16xf32>
// CHECK: return
func.func @conditions(%a: i1, %b: i1, %c: i1, %x: memref<16xf32>, %y: memref<16xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%x : memref<16xf32>) outs(%y : memref<16xf32>) {
  ^bb0(%p: f32, %q: f32):
    %n = arith.negf %p : f32
    %u = arith.select %a, %n, %p : f32
    %v = arith.addf %u, %p : f32
    %w = arith.select %b, %v, %u : f32
    %r = arith.mulf %w, %p : f32
    %z = arith.select %c, %r, %w : f32
    linalg.yield %z : f32
  }
  return
}

// What stays: a body that could trap in a lane that is off, a draw whose index
// is not linear, draws with limits of their own, and a full reduction.
// CHECK-LABEL: func.func @untouched
// CHECK-COUNT-4: linalg.generic
// CHECK: return
func.func @untouched(%x: memref<64xi32>, %y: memref<64xi32>, %z: memref<i32>, %w: memref<64xi64>, %m: memref<64xi1>, %t: i64, %s: i64) {
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%w : memref<64xi64>) outs(%m : memref<64xi1>) {
  ^bb0(%limit: i64, %b: i1):
    %i = linalg.index 0 : index
    %l = arith.index_cast %i : index to i64
    %keep = dropout.keep %l threshold(%limit) rng(%s, %s)
    linalg.yield %keep : i1
  }
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%x : memref<64xi32>) outs(%y : memref<64xi32>) {
  ^bb0(%a: i32, %b: i32):
    %v = arith.divsi %b, %a : i32
    linalg.yield %v : i32
  }
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%x : memref<64xi32>) outs(%y : memref<64xi32>) {
  ^bb0(%a: i32, %b: i32):
    %l = arith.extui %a : i32 to i64
    %keep = dropout.keep %l threshold(%t) rng(%s, %s)
    %v = arith.select %keep, %a, %b : i32
    linalg.yield %v : i32
  }
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> ()>], iterator_types = ["reduction"]}
      ins(%x : memref<64xi32>) outs(%z : memref<i32>) {
  ^bb0(%a: i32, %b: i32):
    %v = arith.addi %b, %a : i32
    linalg.yield %v : i32
  }
  return
}
