// RUN: dropout-opt %s --convert-dropout-to-arith --canonicalize | FileCheck %s --implicit-check-not=dropout.
// RUN: dropout-opt %s --convert-dropout-to-arith --canonicalize > %t.once
// RUN: dropout-opt %t.once --convert-dropout-to-arith --canonicalize > %t.twice
// RUN: diff %t.once %t.twice
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A loop over neighbours becomes one over blocks and one over their elements: ten
// rounds, of two multiplications each, serve eight elements from wherever the row
// starts. A second block is computed only where the halfword equals the
// threshold's.
// CHECK-LABEL: func @row
// CHECK-SAME: %[[A:.*]]: memref<?xi1>, %[[START:.*]]: i64, %[[N:.*]]: index
// CHECK-DAG: %[[C7:.*]] = arith.constant 7 : index
// CHECK-DAG: %[[C8:.*]] = arith.constant 8 : index
// CHECK: %[[SKIPPED:.*]] = arith.andi %{{.*}}, %[[C7]] : index
// CHECK: %[[BLOCKS:.*]] = arith.ceildivui %{{.*}}, %[[C8]] : index
// CHECK: %[[ORIGIN:.*]] = arith.subi %{{.*}}, %[[SKIPPED]] : index
// CHECK: scf.for %[[BLOCK:[a-z0-9]+]] = %{{.*}} to %[[BLOCKS]] step
// CHECK: %[[ELEMENT:.*]] = arith.muli %[[BLOCK]], %[[C8]]
// CHECK-COUNT-20: arith.mului_extended
// CHECK-NOT: arith.mului_extended
// CHECK: %[[FROM:.*]] = arith.addi %[[ORIGIN]], %[[ELEMENT]]
// CHECK: %[[TO:.*]] = arith.addi %[[FROM]], %[[C8]]
// CHECK: %[[LOWER:.*]] = arith.maxsi %[[FROM]], %{{.*}}
// CHECK: %[[UPPER:.*]] = arith.minsi %[[TO]], %[[N]]
// CHECK: scf.for %[[I:[a-z0-9]+]] = %[[LOWER]] to %[[UPPER]] step
// CHECK-NOT: arith.mului_extended
// CHECK: %[[TIE:.*]] = arith.cmpi eq
// CHECK: %[[K:.*]] = scf.if %[[TIE]] -> (i1)
// CHECK-COUNT-20: arith.mului_extended
// CHECK-NOT: arith.mului_extended
// CHECK: } else {
// CHECK: memref.store %[[K]], %[[A]][%[[I]]]
// CHECK: return
func.func @row(%a: memref<?xi1>, %start: i64, %n: index, %seed: i64, %offset: i64, %t: i64) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    %j = arith.index_cast %i : index to i64
    %e = arith.addi %start, %j : i64
    %k = dropout.keep %e threshold(%t) rng(%seed, %offset)
    memref.store %k, %a[%i] : memref<?xi1>
  }
  return
}

// With 8 bits a block serves sixteen, without ties; seven rounds are fourteen
// multiplications.
// CHECK-LABEL: func @bytes
// CHECK-DAG: %[[C16:.*]] = arith.constant 16 : index
// CHECK: scf.for %[[BLOCK:[a-z0-9]+]] =
// CHECK: arith.muli %[[BLOCK]], %[[C16]]
// CHECK-COUNT-14: arith.mului_extended
// CHECK-NOT: arith.mului_extended
// CHECK: arith.addi %{{.*}}, %[[C16]]
// CHECK: scf.for
// CHECK-NOT: arith.mului_extended
// CHECK-NOT: scf.if
// CHECK: return
func.func @bytes(%a: memref<?xi1>, %n: index, %seed: i64, %offset: i64, %t: i64) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    %j = arith.index_cast %i : index to i64
    %k = dropout.keep %j threshold(%t) rng(%seed, %offset) rounds = 7 resolution = 8
    memref.store %k, %a[%i] : memref<?xi1>
  }
  return
}

// Two draws of a loop share its blocks, each with its own words.
// CHECK-LABEL: func @two_draws
// CHECK: scf.for
// CHECK-COUNT-40: arith.mului_extended
// CHECK-NOT: arith.mului_extended
// CHECK: scf.for
// CHECK: scf.if
// CHECK: scf.if
// CHECK: return
func.func @two_draws(%a: memref<?xi1>, %n: index, %seed: i64, %offset: i64, %t: i64) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    %j = arith.index_cast %i : index to i64
    %k0 = dropout.keep %j threshold(%t) rng(%seed, %offset)
    %k1 = dropout.keep %j threshold(%t) rng(%offset, %seed)
    %k = arith.andi %k0, %k1 : i1
    memref.store %k, %a[%i] : memref<?xi1>
  }
  return
}

// Values that the loop carries go through both loops.
// CHECK-LABEL: func @carried
// CHECK: %[[R:.*]] = scf.for {{.*}} iter_args(%[[OUTER:[a-z0-9]+]] =
// CHECK: %[[INNER_R:.*]] = scf.for {{.*}} iter_args(%[[INNER:[a-z0-9]+]] = %[[OUTER]])
// CHECK: arith.addi %[[INNER]]
// CHECK: scf.yield %[[INNER_R]]
// CHECK: return %[[R]]
func.func @carried(%n: index, %seed: i64, %offset: i64, %t: i64) -> i64 {
  %zero = arith.constant 0 : i64
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%count = %zero) -> (i64) {
    %j = arith.index_cast %i : index to i64
    %k = dropout.keep %j threshold(%t) rng(%seed, %offset)
    %one = arith.extui %k : i1 to i64
    %next = arith.addi %count, %one : i64
    scf.yield %next : i64
  }
  return %r : i64
}

// A draw per channel leaves the loops over the channel's elements.
// CHECK-LABEL: func @channel
// CHECK: scf.for
// CHECK: arith.mului_extended
// CHECK: scf.if
// CHECK: scf.for
// CHECK-NOT: arith.mului_extended
// CHECK: scf.for
// CHECK-NOT: arith.mului_extended
// CHECK: memref.store
// CHECK: return
func.func @channel(%a: memref<?x?x?xi1>, %n: index, %seed: i64, %offset: i64, %t: i64) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %c = %c0 to %n step %c1 {
    scf.for %h = %c0 to %n step %c1 {
      scf.for %w = %c0 to %n step %c1 {
        %j = arith.index_cast %c : index to i64
        %k = dropout.keep %j threshold(%t) rng(%seed, %offset)
        memref.store %k, %a[%c, %h, %w] : memref<?x?x?xi1>
      }
    }
  }
  return
}

// Alone, in a loop with another step, of every second element, in a parallel
// loop, or where the index wraps in a narrow type, it is expanded where it
// stands.
// CHECK-LABEL: func @alone
// CHECK-COUNT-20: arith.mului_extended
// CHECK-NOT: arith.mului_extended
// CHECK: scf.if
// CHECK: return
func.func @alone(%i: i64, %seed: i64, %offset: i64, %t: i64) -> i1 {
  %k = dropout.keep %i threshold(%t) rng(%seed, %offset)
  return %k : i1
}

// CHECK-LABEL: func @step
// CHECK-SAME: %{{.*}}: memref<?xi1>, %[[N:.*]]: index
// CHECK: scf.for %{{.*}} to %[[N]] step %c2
// CHECK-NOT: scf.for
// CHECK: arith.mului_extended
// CHECK-NOT: scf.for
// CHECK: return
func.func @step(%a: memref<?xi1>, %n: index, %seed: i64, %offset: i64, %t: i64) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  scf.for %i = %c0 to %n step %c2 {
    %j = arith.index_cast %i : index to i64
    %k = dropout.keep %j threshold(%t) rng(%seed, %offset)
    memref.store %k, %a[%i] : memref<?xi1>
  }
  return
}

// CHECK-LABEL: func @factor
// CHECK: scf.for
// CHECK-NOT: scf.for
// CHECK: arith.mului_extended
// CHECK-NOT: scf.for
// CHECK: return
func.func @factor(%a: memref<?xi1>, %n: index, %seed: i64, %offset: i64, %t: i64) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  scf.for %i = %c0 to %n step %c1 {
    %twice = arith.muli %i, %c2 : index
    %j = arith.index_cast %twice : index to i64
    %k = dropout.keep %j threshold(%t) rng(%seed, %offset)
    memref.store %k, %a[%i] : memref<?xi1>
  }
  return
}

// CHECK-LABEL: func @parallel
// CHECK: scf.parallel
// CHECK-NOT: scf.for
// CHECK: arith.mului_extended
// CHECK-NOT: scf.for
// CHECK: return
func.func @parallel(%a: memref<?xi1>, %n: index, %seed: i64, %offset: i64, %t: i64) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    %j = arith.index_cast %i : index to i64
    %k = dropout.keep %j threshold(%t) rng(%seed, %offset)
    memref.store %k, %a[%i] : memref<?xi1>
  }
  return
}

// CHECK-LABEL: func @narrow
// CHECK: scf.for
// CHECK-NOT: scf.for
// CHECK: arith.mului_extended
// CHECK-NOT: scf.for
// CHECK: return
func.func @narrow(%a: memref<?xi1>, %n: index, %seed: i64, %offset: i64, %t: i64) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    %i8 = arith.index_cast %i : index to i8
    %wrapped = arith.index_cast %i8 : i8 to index
    %j = arith.index_cast %wrapped : index to i64
    %k = dropout.keep %j threshold(%t) rng(%seed, %offset)
    memref.store %k, %a[%i] : memref<?xi1>
  }
  return
}

// A loop that counts in i64 is as good as one in index, or left as it is; the IR
// is valid.
// CHECK-LABEL: func @integer_loop
// CHECK: scf.for
// CHECK: arith.mului_extended
// CHECK: return
func.func @integer_loop(%a: memref<?xi1>, %n: i64, %seed: i64, %offset: i64, %t: i64) {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  scf.for %i = %c0 to %n step %c1 : i64 {
    %k = dropout.keep %i threshold(%t) rng(%seed, %offset)
    %j = arith.index_cast %i : i64 to index
    memref.store %k, %a[%j] : memref<?xi1>
  }
  return
}

// A threshold that the loop computes belongs to one element each.
// CHECK-LABEL: func @varying_threshold
// CHECK: scf.for
// CHECK: memref.load
// CHECK-NOT: scf.for
// CHECK: arith.mului_extended
// CHECK-NOT: scf.for
// CHECK: return
func.func @varying_threshold(%a: memref<?xi1>, %ts: memref<?xi64>, %n: index, %seed: i64, %offset: i64) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    %t = memref.load %ts[%i] : memref<?xi64>
    %j = arith.index_cast %i : index to i64
    %k = dropout.keep %j threshold(%t) rng(%seed, %offset)
    memref.store %k, %a[%i] : memref<?xi1>
  }
  return
}
