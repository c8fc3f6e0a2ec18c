// RUN: dropout-opt %s "--convert-dropout-to-arith=share-blocks=false" | FileCheck %s --implicit-check-not=i128 --implicit-check-not=scf.for
// RUN: dropout-opt %s --convert-dropout-to-arith | FileCheck %s --check-prefix=SHARED

// For targets without integers of 128 bits each draw is expanded where it
// stands, and its loop stays as it is.

// CHECK-LABEL: func.func @row(
// CHECK-SAME:  %[[N:[a-z0-9]+]]: index
// CHECK:       scf.for %[[I:.*]] = %{{.*}} to %[[N]] step
// CHECK:         %[[E:.*]] = arith.index_cast %[[I]]
// CHECK:         arith.shrui %[[E]], %{{.*}} : i64
// CHECK:         scf.if
// CHECK:         memref.store %{{.*}}[%[[I]]]

// SHARED: scf.for
// SHARED: i128
// SHARED: scf.for

func.func @row(%n: index, %m: memref<?xi1>, %t: i64, %s: i64, %o: i64) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    %e = arith.index_cast %i : index to i64
    %k = dropout.keep %e threshold(%t) rng(%s, %o)
    memref.store %k, %m[%i] : memref<?xi1>
  }
  return
}
