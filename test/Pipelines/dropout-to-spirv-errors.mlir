// RUN: dropout-opt %s --split-input-file --verify-diagnostics --dropout-to-spirv

// Nothing becomes wider, or less exact, without a word.

func.func @bf16(%x: memref<?xbf16>, %s: i64, %o: i64) {
  // expected-error @below {{expected types that SPIR-V kernels have (i32, i64, f16, f32; f64 with the option 'float64'; i1 not in memory), but got 'bf16'}}
  dropout.element %x into %x p = 0.3 rng(%s, %o) : memref<?xbf16>, memref<?xbf16>
  return
}

// -----

func.func @f64(%x: memref<?xf64>, %s: i64, %o: i64) {
  // expected-error @below {{expected types that SPIR-V kernels have (i32, i64, f16, f32; f64 with the option 'float64'; i1 not in memory), but got}}
  dropout.element %x into %x p = 0.3 rng(%s, %o) : memref<?xf64>, memref<?xf64>
  return
}

// -----

func.func @mask(%m: memref<?xi1>, %s: i64, %o: i64) {
  // expected-error @below {{i1 not in memory), but got}}
  dropout.mask into %m p = 0.3 rng(%s, %o) : memref<?xi1>
  return
}

// -----

func.func @narrow_compute(%x: tensor<?xf32>) -> tensor<?xf32> {
  // expected-error @below {{but got 'bf16'}}
  %0 = arith.truncf %x : tensor<?xf32> to tensor<?xbf16>
  %1 = arith.extf %0 : tensor<?xbf16> to tensor<?xf32>
  return %1 : tensor<?xf32>
}

// -----

func.func @i8(%x: tensor<?xi8>) -> tensor<?xi8> {
  // expected-error @below {{i1 not in memory), but got}}
  %0 = arith.addi %x, %x : tensor<?xi8>
  return %0 : tensor<?xi8>
}

// -----

func.func @erf(%x: tensor<?xf32>) -> tensor<?xf32> {
  // expected-error @below {{failed to legalize operation 'math.erf'}}
  %0 = math.erf %x : tensor<?xf32>
  return %0 : tensor<?xf32>
}
