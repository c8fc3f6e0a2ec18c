// RUN: dropout-opt %s -split-input-file -verify-diagnostics -dropout-build-backward
// RUN: not dropout-opt %s -split-input-file -pass-pipeline='builtin.module(dropout-build-backward{functions=missing})' 2>&1 | FileCheck %s --check-prefix=MISSING
// RUN: not dropout-opt %s -split-input-file -dropout-build-backward -mlir-print-ir-after-failure 2>&1 | FileCheck %s --check-prefix=UNCHANGED
// RUN: not dropout-opt %s -split-input-file -pass-pipeline='builtin.module(dropout-build-backward,dropout-build-backward{functions=second_backward})' 2>&1 | FileCheck %s --check-prefix=SECOND
// RUN: not dropout-opt %s -split-input-file -pass-pipeline='builtin.module(dropout-build-backward{functions=callable})' 2>&1 | FileCheck %s --check-prefix=RENAMED
// MISSING: error: expected option 'functions' to name functions of the module, but got 'missing'

func.func @implicit(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{'dropout.element' op expected 'rng', but got an implicit op, whose mask can't be drawn again; run 'dropout-materialize-state' first}}
  %y = dropout.element %x p = 0.3 : tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

func.func @memref(%x: memref<4xf32>, %s: i64) {
  // expected-error @below {{'dropout.element' op expected tensors, but got 'memref<4xf32>'; run 'dropout-build-backward' before bufferization}}
  dropout.element %x into %x p = 0.3 rng(%s, %s) : memref<4xf32>, memref<4xf32>
  return
}

// -----

func.func @linalg_on_memref(%x: tensor<4xf32>, %b: memref<4xf32>, %s: i64) -> tensor<4xf32> {
  // expected-error @below {{'linalg.exp' op expected tensors, but got 'memref<4xf32>'}}
  linalg.exp ins(%b : memref<4xf32>) outs(%b : memref<4xf32>)
  %y = dropout.element %x p = 0.3 rng(%s, %s) : tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

func.func @matmul(%x: tensor<4x4xf32>, %w: tensor<4x4xf32>, %s: i64) -> tensor<4x4xf32> {
  %e = tensor.empty() : tensor<4x4xf32>
  // expected-error @below {{'linalg.matmul' op expected an element-wise op, but got one that reduces; differentiate the element-wise code before and behind it in functions of their own}}
  %m = linalg.matmul ins(%x, %w : tensor<4x4xf32>, tensor<4x4xf32>) outs(%e : tensor<4x4xf32>) -> tensor<4x4xf32>
  %y = dropout.element %m p = 0.3 rng(%s, %s) : tensor<4x4xf32>
  return %y : tensor<4x4xf32>
}

// -----

func.func private @callee(%x: tensor<4xf32>) -> tensor<4xf32>
func.func @calls(%x: tensor<4xf32>, %s: i64) -> tensor<4xf32> {
  // expected-error @below {{'func.call' op expected dropout or element-wise code, but got a call; run 'inline' first, or differentiate the code before and behind it in functions of their own}}
  %c = call @callee(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %y = dropout.element %c p = 0.3 rng(%s, %s) : tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

func.func @control(%x: tensor<4xf32>, %s: i64, %b: i1) -> tensor<4xf32> {
  // expected-error @below {{'scf.if' op expected straight-line code, but got control flow; differentiate its body in a function of its own}}
  %c = scf.if %b -> tensor<4xf32> {
    %y = dropout.element %x p = 0.3 rng(%s, %s) : tensor<4xf32>
    scf.yield %y : tensor<4xf32>
  } else {
    scf.yield %x : tensor<4xf32>
  }
  return %c : tensor<4xf32>
}

// -----

// expected-error @below {{expected straight-line code, but got 2 blocks; differentiate each part in a function of its own}}
func.func @blocks(%x: tensor<4xf32>, %s: i64) -> tensor<4xf32> {
  cf.br ^next
^next:
  %y = dropout.element %x p = 0.3 rng(%s, %s) : tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

func.func @unknown(%x: tensor<4xf32>, %s: i64) -> tensor<4xf32> {
  // expected-error @below {{'arith.remf' op expected a dropout op or an element-wise arith, math or linalg op, but got one whose gradient is not known; differentiate the code before and behind it in functions of their own}}
  %c = arith.remf %x, %x : tensor<4xf32>
  %y = dropout.element %c p = 0.3 rng(%s, %s) : tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// Bits of a differentiated value would lose the gradient without a word.
func.func @bits(%x: tensor<4xf32>, %s: i64) -> tensor<4xf32> {
  // expected-error @below {{'arith.bitcast' op expected a dropout op or an element-wise}}
  %i = arith.bitcast %x : tensor<4xf32> to tensor<4xi32>
  %c = arith.bitcast %i : tensor<4xi32> to tensor<4xf32>
  %y = dropout.element %c p = 0.3 rng(%s, %s) : tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

func.func @in_body(%x: tensor<4xf32>, %s: i64) -> tensor<4xf32> {
  %e = tensor.empty() : tensor<4xf32>
  %c = linalg.map ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) (%a: f32, %o: f32) {
    // expected-error @below {{'arith.remf' op expected a dropout op or an element-wise}}
    %r = arith.remf %a, %a : f32
    linalg.yield %r : f32
  }
  %y = dropout.element %c p = 0.3 rng(%s, %s) : tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

func.func @effects(%x: tensor<4xf32>, %s: i64) -> tensor<4xf32> {
  %one = arith.constant true
  // expected-error @below {{'cf.assert' op expected a dropout op or an element-wise}}
  cf.assert %one, "no"
  %y = dropout.element %x p = 0.3 rng(%s, %s) : tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

func.func @slice(%x: tensor<8xf32>, %s: i64) -> tensor<4xf32> {
  // expected-error @below {{'tensor.extract_slice' op expected a dropout op or an element-wise}}
  %c = tensor.extract_slice %x[2] [4] [1] : tensor<8xf32> to tensor<4xf32>
  %y = dropout.element %c p = 0.3 rng(%s, %s) : tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

func.func @diagonal(%x: tensor<4x4xf32>, %s: i64) -> tensor<4xf32> {
  %e = tensor.empty() : tensor<4xf32>
  // expected-error @below {{'linalg.generic' op expected a projected permutation as the indexing map of a differentiated operand, but got affine_map<(d0) -> (d0, d0)> on 'tensor<4x4xf32>'; extract what it reads in a function of its own}}
  %c = linalg.generic {indexing_maps = [affine_map<(i) -> (i, i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%x : tensor<4x4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<4xf32>
  %y = dropout.element %c p = 0.3 rng(%s, %s) : tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// Index 0 of a dim that may be longer than 1.
func.func @first(%x: tensor<?xf32>, %s: i64) -> tensor<4xf32> {
  %e = tensor.empty() : tensor<4xf32>
  // expected-error @below {{but got affine_map<(d0) -> (0)> on 'tensor<?xf32>'}}
  %c = linalg.generic {indexing_maps = [affine_map<(i) -> (0)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%x : tensor<?xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<4xf32>
  %y = dropout.element %c p = 0.3 rng(%s, %s) : tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// Nothing is half-changed: the first function would do, but keeps its results.
// UNCHANGED:      IR Dump After {{.*}} Failed
// UNCHANGED:      func.func @first_of_two(%{{.*}}: tensor<4xf32>, %{{.*}}: i64) -> tensor<4xf32> {
// UNCHANGED-NOT:  func.func @first_of_two_backward
// UNCHANGED:      func.func @taken(
func.func @first_of_two(%x: tensor<4xf32>, %s: i64) -> tensor<4xf32> {
  %y = dropout.element %x p = 0.3 rng(%s, %s) : tensor<4xf32>
  return %y : tensor<4xf32>
}
// expected-error @below {{expected the name 'taken_backward' to be free for the gradient, but got a symbol of that name; rename it}}
func.func @taken(%x: tensor<4xf32>, %s: i64) -> tensor<4xf32> {
  %y = dropout.element %x p = 0.3 rng(%s, %s) : tensor<4xf32>
  return %y : tensor<4xf32>
}
// expected-note @below {{the symbol is here}}
func.func private @taken_backward()

// -----

func.func @used(%x: tensor<4xf32>, %s: i64) -> tensor<4xf32> {
  %y = dropout.element %x p = 0.3 rng(%s, %s) : tensor<4xf32>
  return %y : tensor<4xf32>
}
func.func @user() -> ((tensor<4xf32>, i64) -> tensor<4xf32>) {
  // expected-error @below {{'func.constant' op expected 'func.call' as the only use of '@used', whose results the gradient extends, but got this op; call the function directly}}
  %f = func.constant @used : (tensor<4xf32>, i64) -> tensor<4xf32>
  return %f : (tensor<4xf32>, i64) -> tensor<4xf32>
}

// -----

func.func @narrow(%x: tensor<4xf32>, %s: i64) -> tensor<4xf32> {
  // expected-error @below {{expected values of type f16, bf16, f32 or f64 to differentiate, but got 'tensor<4xf8E5M2>'; extend it before it is passed to the function}}
  %q = arith.truncf %x : tensor<4xf32> to tensor<4xf8E5M2>
  %w = arith.extf %q : tensor<4xf8E5M2> to tensor<4xf32>
  %y = dropout.element %w p = 0.3 rng(%s, %s) : tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// SECOND: error: expected a function that is no gradient, but got the gradient of another; second derivatives are not supported
func.func @second(%x: tensor<4xf32>, %s: i64) -> tensor<4xf32> {
  %y = dropout.element %x p = 0.3 rng(%s, %s) : tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// Built before, under a name that has changed since.
// RENAMED: error: expected a function without a gradient, but got one whose gradient is @renamed; remove its attribute 'dropout.gradient' to build another
func.func @callable(%x: tensor<4xf32>) -> tensor<4xf32> attributes {dropout.gradient = @renamed} {
  return %x : tensor<4xf32>
}
