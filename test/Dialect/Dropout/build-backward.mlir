// RUN: dropout-opt %s -split-input-file -dropout-build-backward -cse | FileCheck %s
// The pass has nothing left to do when it runs again.
// RUN: dropout-opt %s -split-input-file -dropout-build-backward > %t.once
// RUN: dropout-opt %s -split-input-file -dropout-build-backward -dropout-build-backward > %t.twice
// RUN: diff %t.once %t.twice
// Only what is named, private or without dropout as it may be.
// RUN: dropout-opt %s -pass-pipeline='builtin.module(dropout-build-backward{functions=plain,hidden})' | FileCheck %s --check-prefix=NAMED
// NAMED-NOT:   @explicit_backward
// NAMED:       func.func @plain(%{{.*}}: tensor<4xf32>) -> tensor<4xf32> attributes {dropout.gradient = @plain_backward}
// NAMED:       func.func @plain_backward(%[[DY:.*]]: tensor<4xf32>, %{{.*}}: tensor<4xf32>) -> tensor<4xf32>
// NAMED-NEXT:    return %[[DY]]
// NAMED:       func.func private @hidden(
// NAMED:       func.func @hidden_backward(
// NAMED-NOT:   dropout.gradient

// Flag, seed, offset and p come behind the results, arguments and constants
// too, and the gradient reads them from there.
// CHECK-LABEL: func.func @explicit(
// CHECK-SAME:    %[[X:.*]]: tensor<4x8xf32>, %[[S:.*]]: i64, %[[O:.*]]: i64, %[[T:.*]]: i1, %[[P:.*]]: f64)
// CHECK-SAME:    -> (tensor<4x8xf32>, i1, i64, i64, f64) attributes {dropout.gradient = @explicit_backward}
// CHECK:         %[[Y:.*]] = dropout.element %[[X]] p(%[[P]]) rng(%[[S]], %[[O]]) training(%[[T]])
// CHECK:         return %[[Y]], %[[T]], %[[S]], %[[O]], %[[P]]
// CHECK-LABEL: func.func @explicit_backward(
// CHECK-SAME:    %[[DY:[^:]*]]: tensor<4x8xf32>, %{{[^:]*}}: tensor<4x8xf32>, %{{[^:]*}}: i64, %{{[^:]*}}: i64, %{{[^:]*}}: i1, %{{[^:]*}}: f64,
// CHECK-SAME:    %[[T:[^:]*]]: i1, %[[S:[^:]*]]: i64, %[[O:[^:]*]]: i64, %[[P:[^:]*]]: f64) -> tensor<4x8xf32>
// CHECK-NEXT:    %[[DX:.*]] = dropout.backward element %[[DY]] p(%[[P]]) rng(%[[S]], %[[O]]) training(%[[T]]) : tensor<4x8xf32>
// CHECK-NEXT:    return %[[DX]]
func.func @explicit(%x: tensor<4x8xf32>, %s: i64, %o: i64, %t: i1, %p: f64) -> tensor<4x8xf32> {
  %y = dropout.element %x p(%p) rng(%s, %o) training(%t) : tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// -----

// Every kind with every option; a value that several ops use is appended once.
// The masks are drawn again where a gradient needs the values.
// CHECK-LABEL: func.func @kinds(
// CHECK-SAME:    -> (tensor<4x8x3xf16>, i64, i64, i64)
// CHECK:         return %{{.*}}, %[[S:.*]], %{{.*}}, %{{.*}} : tensor<4x8x3xf16>, i64, i64, i64
// CHECK-LABEL: func.func @kinds_backward(
// CHECK-SAME:    %[[DY:[^:]*]]: tensor<4x8x3xf16>, {{.*}}, %[[S:[^:]*]]: i64, %[[O:[^:]*]]: i64, %[[Q:[^:]*]]: i64)
// CHECK-NOT:     tensor<4x8x3xi1>
// CHECK:         %[[D:.*]] = dropout.backward element %[[DY]] p = 1.250000e-01 rounds = 7 resolution = 8 rng(%[[S]], %[[Q]]) at [4, 0, 0] of [16, 8, 3]
// CHECK-NEXT:    %[[C:.*]] = dropout.backward feature_alpha %[[D]] p = 2.000000e-01 mask_dims = [2] rng(%[[S]], %[[O]])
// CHECK-NEXT:    %[[B:.*]] = dropout.backward alpha %[[C]] p = 1.000000e-01 rng(%[[S]], %[[Q]])
// CHECK-NEXT:    %[[A:.*]] = dropout.backward channel %[[B]] p = 5.000000e-01 rng(%[[S]], %[[O]])
// CHECK-NEXT:    return %[[A]]
func.func @kinds(%x: tensor<4x8x3xf16>, %s: i64, %o: i64) -> tensor<4x8x3xf16> {
  %c1 = arith.constant 1 : i64
  %q = arith.addi %o, %c1 : i64
  %a = dropout.channel %x p = 0.5 rng(%s, %o) : tensor<4x8x3xf16>
  %b, %m = dropout.alpha %a p = 0.1 rng(%s, %q) : tensor<4x8x3xf16>, tensor<4x8x3xi1>
  %c = dropout.feature_alpha %b p = 0.2 mask_dims = [2] rng(%s, %o) : tensor<4x8x3xf16>
  %d = dropout.element %c p = 0.125 rounds = 7 resolution = 8 rng(%s, %q) at [4, 0, 0] of [16, 8, 3] : tensor<4x8x3xf16>
  return %d : tensor<4x8x3xf16>
}

// -----

// What `dropout-materialize-state` leaves: the draw is passed on, not taken
// again, and so is the checked p. A second function gets its own gradient; one
// without dropout and one that is private get none.
// CHECK-LABEL: func.func @state(
// CHECK-SAME:    -> (tensor<?xf32>, i1, i64, i64, f64)
// CHECK:         %[[T:.*]], %[[S:.*]], %[[O:.*]] = dropout.reserve
// CHECK:         %[[Q:.*]] = dropout.check_p
// CHECK:         return %{{.*}}, %[[T]], %[[S]], %[[O]], %[[Q]]
// CHECK-LABEL: func.func @state_backward(
// CHECK-SAME:    %[[DY:[^:]*]]: tensor<?xf32>, %{{[^:]*}}: tensor<?xf32>, %{{[^:]*}}: f64, %[[T:[^:]*]]: i1, %[[S:[^:]*]]: i64, %[[O:[^:]*]]: i64, %[[Q:[^:]*]]: f64)
// CHECK-NOT:     dropout.reserve
// CHECK-NOT:     dropout.check_p
// CHECK:         dropout.backward element %[[DY]] p(%[[Q]]) rng(%[[S]], %[[O]]) training(%[[T]])
// CHECK-NOT:   func.func @plain_backward
// CHECK-NOT:   func.func @hidden_backward
func.func @state(%x: tensor<?xf32>, %p: f64) -> tensor<?xf32> {
  %t, %s, %o = dropout.reserve
  %q = dropout.check_p %p
  %y = dropout.element %x p(%q) rng(%s, %o) training(%t) : tensor<?xf32>
  return %y : tensor<?xf32>
}
func.func @plain(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
func.func private @hidden(%x: tensor<4xf32>, %s: i64) -> tensor<4xf32> {
  %y = dropout.element %x p = 0.5 rng(%s, %s) : tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// A call of the forward function takes the new results and leaves them.
// CHECK-LABEL: func.func @callee(
// CHECK-LABEL: func.func @caller(
// CHECK:         %[[R:.*]]:2 = call @callee(%{{.*}}, %{{.*}}) {mark} : (tensor<4xf32>, i64) -> (tensor<4xf32>, i64)
// CHECK:         return %[[R]]#0
func.func @callee(%x: tensor<4xf32>, %s: i64) -> (tensor<4xf32> {mark.of.result}) {
  %y = dropout.element %x p = 0.5 rng(%s, %s) : tensor<4xf32>
  return %y : tensor<4xf32>
}
func.func @caller(%x: tensor<4xf32>, %s: i64) -> tensor<4xf32> {
  %y = call @callee(%x, %s) {mark} : (tensor<4xf32>, i64) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// Bias, tanh, dropout, residual. The gradient of the broadcast bias is a sum
// over the rows, in f32 and rounded once; that of the unused argument is zero,
// and arguments that are no float tensors have none.
// CHECK-DAG:   #[[$ID:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG:   #[[$COL:.*]] = affine_map<(d0, d1) -> (d1)>
// CHECK-LABEL: func.func @block_backward(
// CHECK-SAME:    %[[DY:[^:]*]]: tensor<?x8xbf16>, %[[X:[^:]*]]: tensor<?x8xbf16>, %[[BIAS:[^:]*]]: tensor<8xbf16>, %{{[^:]*}}: tensor<?x8xbf16>, %{{[^:]*}}: tensor<2xf64>, %{{[^:]*}}: tensor<4xi32>,
// CHECK-SAME:    -> (tensor<?x8xbf16>, tensor<8xbf16>, tensor<?x8xbf16>, tensor<2xf64>)
// CHECK:         %[[DH:.*]] = dropout.backward element %[[DY]]
// CHECK:         %[[DX:.*]] = linalg.generic {indexing_maps = [#[[$ID]], #[[$COL]], #[[$ID]], #[[$ID]]], iterator_types = ["parallel", "parallel"]} ins(%[[X]], %[[BIAS]], %[[DH]] :
// CHECK-NEXT:    ^bb0(%[[A:.*]]: bf16, %[[B:.*]]: bf16, %[[G:.*]]: bf16, %{{.*}}: bf16):
// CHECK:           %[[SUM:.*]] = arith.addf %[[A]], %[[B]] : bf16
// CHECK:           %[[TANH:.*]] = math.tanh %[[SUM]] : bf16
// CHECK:           %[[SQUARE:.*]] = arith.mulf %[[TANH]], %[[TANH]] : bf16
// CHECK:           %[[SLOPE:.*]] = arith.subf %{{.*}}, %[[SQUARE]] : bf16
// CHECK:           %[[PRODUCT:.*]] = arith.mulf %[[G]], %[[SLOPE]] : bf16
// CHECK:           %[[DROPPED:.*]] = arith.cmpf oeq, %[[G]], %{{.*}} : bf16
// CHECK:           %[[GRADIENT:.*]] = arith.select %[[DROPPED]], %[[G]], %[[PRODUCT]] : bf16
// CHECK:           linalg.yield %[[GRADIENT]]
// CHECK:         %[[INIT:.*]] = linalg.fill {{.*}} -> tensor<8xf32>
// CHECK:         %[[WIDE:.*]] = linalg.generic {indexing_maps = [#[[$ID]], #[[$COL]], #[[$ID]], #[[$COL]]], iterator_types = ["reduction", "parallel"]} {{.*}} outs(%[[INIT]] : tensor<8xf32>)
// CHECK:           %[[TERM:.*]] = arith.extf %{{.*}} : bf16 to f32
// CHECK:           arith.addf %{{.*}}, %[[TERM]] : f32
// CHECK:         %[[DBIAS:.*]] = arith.truncf %[[WIDE]] : tensor<8xf32> to tensor<8xbf16>
// CHECK:         %[[ZERO:.*]] = linalg.fill {{.*}} -> tensor<2xf64>
// CHECK:         return %[[DX]], %[[DBIAS]], %[[DY]], %[[ZERO]]
#id = affine_map<(i, j) -> (i, j)>
#col = affine_map<(i, j) -> (j)>
func.func @block(%x: tensor<?x8xbf16>, %bias: tensor<8xbf16>, %residual: tensor<?x8xbf16>, %unused: tensor<2xf64>,
                 %ints: tensor<4xi32>, %s: i64, %o: i64) -> (tensor<?x8xbf16>, tensor<4xi32>) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x8xbf16>
  %e = tensor.empty(%n) : tensor<?x8xbf16>
  %h = linalg.generic {indexing_maps = [#id, #col, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %bias : tensor<?x8xbf16>, tensor<8xbf16>) outs(%e : tensor<?x8xbf16>) {
  ^bb0(%a: bf16, %b: bf16, %out: bf16):
    %0 = arith.addf %a, %b : bf16
    %1 = math.tanh %0 : bf16
    linalg.yield %1 : bf16
  } -> tensor<?x8xbf16>
  %d = dropout.element %h p = 0.25 rng(%s, %o) : tensor<?x8xbf16>
  %y = linalg.add ins(%d, %residual : tensor<?x8xbf16>, tensor<?x8xbf16>) outs(%e : tensor<?x8xbf16>) -> tensor<?x8xbf16>
  return %y, %ints : tensor<?x8xbf16>, tensor<4xi32>
}

// -----

// A dim of size 1 that stays at 0 is a broadcast, too: its sum gets it back.
// One tensor read twice through one map has one loop.
// CHECK-LABEL: func.func @unit_backward(
// CHECK:         %[[D:.*]] = dropout.backward
// CHECK:         linalg.generic {{.*}} iterator_types = ["parallel", "parallel"]
// CHECK:         %[[SUM:.*]] = linalg.generic {{.*}} iterator_types = ["reduction", "parallel"]
// CHECK:           %[[FACTOR:.*]] = arith.select
// CHECK:           %[[TERM:.*]] = arith.addf %[[FACTOR]], %[[G:.*]] : f32
// CHECK:           arith.addf %{{.*}}, %[[TERM]] : f32
// CHECK:         %[[ROW:.*]] = linalg.broadcast ins(%[[SUM]] : tensor<8xf32>) outs(%{{.*}} : tensor<1x8xf32>) dimensions = [0]
// CHECK-NOT:     linalg.generic
// CHECK:         return %{{.*}}, %[[ROW]]
func.func @unit(%x: tensor<4x8xf32>, %row: tensor<1x8xf32>, %s: i64) -> tensor<4x8xf32> {
  %e = tensor.empty() : tensor<4x8xf32>
  %h = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (0, j)>,
                                        affine_map<(i, j) -> (0, j)>, affine_map<(i, j) -> (i, j)>],
                       iterator_types = ["parallel", "parallel"]}
      ins(%x, %row, %row : tensor<4x8xf32>, tensor<1x8xf32>, tensor<1x8xf32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32, %out: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %0, %c : f32
    linalg.yield %1 : f32
  } -> tensor<4x8xf32>
  %y = dropout.element %h p = 0.25 rng(%s, %s) : tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// -----

// Named linalg ops, maps that permute, an output that is read, a loop index.
// CHECK-DAG:   #[[$ID:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG:   #[[$T:.*]] = affine_map<(d0, d1) -> (d1, d0)>
// CHECK-DAG:   #[[$ROW:.*]] = affine_map<(d0, d1) -> (d0)>
// CHECK-LABEL: func.func @named_backward(
// CHECK-SAME:    %[[DY:[^:]*]]: tensor<4x3xf32>
// CHECK:         %[[D:.*]] = dropout.backward element %[[DY]]
// CHECK:         %[[G:.*]] = linalg.generic {indexing_maps = [#[[$ID]], #[[$ID]]], {{.*}} ins(%[[D]] :
// CHECK:           linalg.index 0
// CHECK:         %[[DB:.*]] = linalg.generic {indexing_maps = [#[[$ID]], #[[$ROW]]], iterator_types = ["parallel", "reduction"]} ins(%[[D]] :
// CHECK:         %[[DE:.*]] = linalg.generic {indexing_maps = [#[[$ID]], #[[$ID]], #[[$ID]]], {{.*}} ins(%{{.*}}, %[[G]] :
// CHECK:         %[[DX:.*]] = linalg.generic {indexing_maps = [#[[$ID]], #[[$T]]], {{.*}} ins(%[[DE]] :
// CHECK:         return %[[DX]], %[[DB]]
func.func @named(%x: tensor<3x4xf32>, %b: tensor<4xf32>, %s: i64) -> tensor<4x3xf32> {
  %e = tensor.empty() : tensor<4x3xf32>
  %t = linalg.transpose ins(%x : tensor<3x4xf32>) outs(%e : tensor<4x3xf32>) permutation = [1, 0]
  %exp = linalg.exp ins(%t : tensor<4x3xf32>) outs(%e : tensor<4x3xf32>) -> tensor<4x3xf32>
  %wide = linalg.broadcast ins(%b : tensor<4xf32>) outs(%e : tensor<4x3xf32>) dimensions = [1]
  %sum = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
                         iterator_types = ["parallel", "parallel"]}
      ins(%exp : tensor<4x3xf32>) outs(%wide : tensor<4x3xf32>) {
  ^bb0(%a: f32, %out: f32):
    %i = linalg.index 0 : index
    %0 = arith.index_cast %i : index to i32
    %1 = arith.sitofp %0 : i32 to f32
    %2 = arith.mulf %a, %1 : f32
    %3 = arith.addf %2, %out : f32
    linalg.yield %3 : f32
  } -> tensor<4x3xf32>
  %y = dropout.element %sum p = 0.25 rng(%s, %s) : tensor<4x3xf32>
  return %y : tensor<4x3xf32>
}

// -----

// Where relu ties with its zero, the gradient is zero, on either side; of two
// differentiated tensors, the second gets it.
// CHECK-LABEL: func.func @extrema_backward(
// CHECK-SAME:    %[[DY:[^:]*]]: tensor<4xf32>, %[[DZ:[^:]*]]: tensor<4xf32>, %[[X:[^:]*]]: tensor<4xf32>, %[[Y:[^:]*]]: tensor<4xf32>
// CHECK-DAG:     %[[ZERO:.*]] = arith.constant dense<0.000000e+00>
// CHECK-DAG:     %[[D:.*]] = dropout.backward element %[[DY]]
// CHECK-DAG:     %[[OVER:.*]] = arith.cmpf ugt, %[[X]], %[[ZERO]]
// CHECK-DAG:     %[[DX:.*]] = arith.select %[[OVER]], %[[D]], %[[ZERO]]
// CHECK-DAG:     %[[LESS:.*]] = arith.cmpf olt, %[[X]], %[[Y]]
// CHECK-DAG:     arith.select %[[LESS]], %[[DZ]], %[[ZERO]]
// CHECK-DAG:     arith.select %[[LESS]], %[[ZERO]], %[[DZ]]
func.func @extrema(%x: tensor<4xf32>, %y: tensor<4xf32>, %s: i64) -> (tensor<4xf32>, tensor<4xf32>) {
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  %relu = arith.maximumf %zero, %x : tensor<4xf32>
  %d = dropout.element %relu p = 0.25 rng(%s, %s) : tensor<4xf32>
  %min = arith.minnumf %x, %y : tensor<4xf32>
  return %d, %min : tensor<4xf32>, tensor<4xf32>
}

// -----

// A mask is an ordinary i1 tensor. The gradient of a gradient op is the op.
// CHECK-LABEL: func.func @mask_backward(
// CHECK-SAME:    %[[DY:[^:]*]]: tensor<4xf32>
// CHECK:         %[[M:.*]] = dropout.mask p = 5.000000e-01 rng(%[[S:.*]], %[[S]]) : tensor<4xi1>
// CHECK:         %[[A:.*]] = dropout.backward alpha %[[DY]] p = 1.000000e-01 rng(%[[S]], %[[S]])
// CHECK:         %[[B:.*]] = arith.select %[[M]], %[[A]], %{{.*}}
// CHECK:         return %[[B]]
func.func @mask(%x: tensor<4xf32>, %s: i64) -> tensor<4xf32> {
  %m = dropout.mask p = 0.5 rng(%s, %s) : tensor<4xi1>
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  %k = arith.select %m, %x, %zero : tensor<4xi1>, tensor<4xf32>
  %y = dropout.backward alpha %k p = 0.1 rng(%s, %s) : tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// Dynamic sizes, casts of shape and of type, rank 0, a scalar that is no tensor.
// CHECK-LABEL: func.func @shapes_backward(
// CHECK-SAME:    %[[DY:[^:]*]]: tensor<4xf32>, %[[DZ:[^:]*]]: tensor<f64>
// CHECK-SAME:    -> (tensor<?xf16>, tensor<f64>)
// CHECK-DAG:     dropout.backward
// CHECK-DAG:     arith.truncf %{{.*}} : tensor<{{.*}}xf32> to tensor<{{.*}}xf16>
// CHECK-DAG:     arith.mulf %[[DZ]], %{{.*}} : tensor<f64>
func.func @shapes(%x: tensor<?xf16>, %r: tensor<f64>, %scale: f64, %s: i64) -> (tensor<4xf32>, tensor<f64>, f64) {
  %w = arith.extf %x : tensor<?xf16> to tensor<?xf32>
  %e = math.exp2 %w : tensor<?xf32>
  %c = tensor.cast %e : tensor<?xf32> to tensor<4xf32>
  %d = dropout.element %c p = 0.5 rng(%s, %s) : tensor<4xf32>
  %splat = tensor.splat %scale : tensor<f64>
  %y = arith.mulf %r, %splat : tensor<f64>
  return %d, %y, %scale : tensor<4xf32>, tensor<f64>, f64
}

// -----

// A square transpose is undone, though the types would allow to leave it out.
// CHECK-LABEL: func.func @square_backward(
// CHECK:         %[[D:.*]] = dropout.backward
// CHECK:         linalg.generic {{.*}} ins(%[[D]] : tensor<4x4xf32>)
func.func @square(%x: tensor<4x4xf32>, %s: i64) -> tensor<4x4xf32> {
  %e = tensor.empty() : tensor<4x4xf32>
  %t = linalg.transpose ins(%x : tensor<4x4xf32>) outs(%e : tensor<4x4xf32>) permutation = [1, 0]
  %y = dropout.element %t p = 0.25 rng(%s, %s) : tensor<4x4xf32>
  return %y : tensor<4x4xf32>
}

// -----

// The terms of a sum are not rounded before they are added.
// CHECK-LABEL: func.func @mixed_backward(
// CHECK:         %[[D:.*]] = dropout.backward
// CHECK:         linalg.generic {{.*}} iterator_types = ["reduction", "parallel"]} ins(%[[D]] : tensor<4x4xf32>) outs(%{{.*}} : tensor<4xf32>)
// CHECK-NEXT:    ^bb0(%[[G:.*]]: f32, %[[SUM:.*]]: f32):
// CHECK-NEXT:      %[[NEXT:.*]] = arith.addf %[[SUM]], %[[G]] : f32
// CHECK-NEXT:      linalg.yield %[[NEXT]]
// CHECK:         arith.truncf %{{.*}} : tensor<4xf32> to tensor<4xbf16>
func.func @mixed(%x: tensor<4x4xf32>, %bias: tensor<4xbf16>, %s: i64) -> tensor<4x4xf32> {
  %e = tensor.empty() : tensor<4x4xf32>
  %h = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>],
                       iterator_types = ["parallel", "parallel"]}
      ins(%x, %bias : tensor<4x4xf32>, tensor<4xbf16>) outs(%e : tensor<4x4xf32>) {
  ^bb0(%a: f32, %b: bf16, %out: f32):
    %0 = arith.extf %b : bf16 to f32
    %1 = arith.addf %a, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<4x4xf32>
  %y = dropout.element %h p = 0.25 rng(%s, %s) : tensor<4x4xf32>
  return %y : tensor<4x4xf32>
}
