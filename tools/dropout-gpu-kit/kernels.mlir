// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What dropout-gpu-check runs: p, training flag, seed and offset are known at
// run time only. @KIND_TYPE reads %x and writes %y, which may be the same.

func.func @element_f32(%x: memref<?xf32>, %y: memref<?xf32>, %p: f64, %training: i1,
    %seed: i64, %offset: i64) {
  dropout.element %x into %y p(%p) rng(%seed, %offset) training(%training)
      : memref<?xf32>, memref<?xf32>
  return
}

func.func @element_bf16(%x: memref<?xbf16>, %y: memref<?xbf16>, %p: f64, %training: i1,
    %seed: i64, %offset: i64) {
  dropout.element %x into %y p(%p) rng(%seed, %offset) training(%training)
      : memref<?xbf16>, memref<?xbf16>
  return
}

func.func @element_f16(%x: memref<?xf16>, %y: memref<?xf16>, %p: f64, %training: i1,
    %seed: i64, %offset: i64) {
  dropout.element %x into %y p(%p) rng(%seed, %offset) training(%training)
      : memref<?xf16>, memref<?xf16>
  return
}

func.func @element_f64(%x: memref<?xf64>, %y: memref<?xf64>, %p: f64, %training: i1,
    %seed: i64, %offset: i64) {
  dropout.element %x into %y p(%p) rng(%seed, %offset) training(%training)
      : memref<?xf64>, memref<?xf64>
  return
}

func.func @backward_f32(%dy: memref<?xf32>, %dx: memref<?xf32>, %p: f64, %training: i1,
    %seed: i64, %offset: i64) {
  dropout.backward element %dy into %dx p(%p) rng(%seed, %offset) training(%training)
      : memref<?xf32>, memref<?xf32>
  return
}

func.func @backward_bf16(%dy: memref<?xbf16>, %dx: memref<?xbf16>, %p: f64, %training: i1,
    %seed: i64, %offset: i64) {
  dropout.backward element %dy into %dx p(%p) rng(%seed, %offset) training(%training)
      : memref<?xbf16>, memref<?xbf16>
  return
}

func.func @alpha_f32(%x: memref<?xf32>, %y: memref<?xf32>, %p: f64, %training: i1,
    %seed: i64, %offset: i64) {
  dropout.alpha %x into %y p(%p) rng(%seed, %offset) training(%training)
      : memref<?xf32>, memref<?xf32>
  return
}

func.func @alpha_bf16(%x: memref<?xbf16>, %y: memref<?xbf16>, %p: f64, %training: i1,
    %seed: i64, %offset: i64) {
  dropout.alpha %x into %y p(%p) rng(%seed, %offset) training(%training)
      : memref<?xbf16>, memref<?xbf16>
  return
}

func.func @alpha_f16(%x: memref<?xf16>, %y: memref<?xf16>, %p: f64, %training: i1,
    %seed: i64, %offset: i64) {
  dropout.alpha %x into %y p(%p) rng(%seed, %offset) training(%training)
      : memref<?xf16>, memref<?xf16>
  return
}

func.func @alpha_backward_f32(%dy: memref<?xf32>, %dx: memref<?xf32>, %p: f64, %training: i1,
    %seed: i64, %offset: i64) {
  dropout.backward alpha %dy into %dx p(%p) rng(%seed, %offset) training(%training)
      : memref<?xf32>, memref<?xf32>
  return
}

// The mask has the shape of dims 0 and 1.
func.func @channel_f32(%x: memref<?x?x?xf32>, %y: memref<?x?x?xf32>, %p: f64, %training: i1,
    %seed: i64, %offset: i64) {
  dropout.channel %x into %y p(%p) rng(%seed, %offset) training(%training)
      : memref<?x?x?xf32>, memref<?x?x?xf32>
  return
}

func.func @element_f32_7_rounds(%x: memref<?xf32>, %y: memref<?xf32>, %p: f64, %training: i1,
    %seed: i64, %offset: i64) {
  dropout.element %x into %y p(%p) rounds = 7 rng(%seed, %offset) training(%training)
      : memref<?xf32>, memref<?xf32>
  return
}

func.func @element_f32_8_bits(%x: memref<?xf32>, %y: memref<?xf32>, %p: f64, %training: i1,
    %seed: i64, %offset: i64) {
  dropout.element %x into %y p(%p) resolution = 8 rng(%seed, %offset) training(%training)
      : memref<?xf32>, memref<?xf32>
  return
}

// Seed and offset are read by the kernel: for graphs.
func.func @element_f32_state(%x: memref<?xf32>, %y: memref<?xf32>, %p: f64, %training: i1,
    %state: memref<2xi64>) {
  dropout.element %x into %y p(%p) rng(%state) training(%training)
      : memref<?xf32>, memref<?xf32>
  return
}

// One byte per element, 0 or 1.
func.func @mask(%y: memref<?xi1>, %p: f64, %training: i1, %seed: i64,
    %offset: i64) {
  dropout.mask into %y p(%p) rng(%seed, %offset) training(%training)
      : memref<?xi1>
  return
}

// Elements %first to %first + size - 1 of a mask of %total elements.
func.func @mask_at(%y: memref<?xi1>, %first: index, %total: index, %p: f64,
    %training: i1, %seed: i64, %offset: i64) {
  dropout.mask into %y p(%p) rng(%seed, %offset) training(%training)
      at [%first] of [%total] : memref<?xi1>
  return
}

// Eval mode is known when it is compiled.
func.func @element_f32_eval(%x: memref<?xf32>, %y: memref<?xf32>, %p: f64,
    %seed: i64, %offset: i64) {
  %false = arith.constant false
  dropout.element %x into %y p(%p) rng(%seed, %offset) training(%false)
      : memref<?xf32>, memref<?xf32>
  return
}

#mn = affine_map<(m, n) -> (m, n)>
#n = affine_map<(m, n) -> (n)>

// y = residual + dropout(gelu(x + bias)), in f32: one kernel.
// gelu(v) = v/2 (1 + tanh(sqrt(2 / pi) (v + 0.044715 v^3))).
func.func @fused_f32(%x: memref<?x?xf32>, %bias: memref<?xf32>,
    %residual: memref<?x?xf32>, %y: memref<?x?xf32>, %p: f64,
    %training: i1, %seed: i64, %offset: i64) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %tx = bufferization.to_tensor %x restrict : memref<?x?xf32> to tensor<?x?xf32>
  %tb = bufferization.to_tensor %bias restrict : memref<?xf32> to tensor<?xf32>
  %tr = bufferization.to_tensor %residual restrict : memref<?x?xf32> to tensor<?x?xf32>
  %rows = tensor.dim %tx, %c0 : tensor<?x?xf32>
  %columns = tensor.dim %tx, %c1 : tensor<?x?xf32>
  %empty = tensor.empty(%rows, %columns) : tensor<?x?xf32>
  %gelu = linalg.generic {indexing_maps = [#mn, #n, #mn], iterator_types = ["parallel", "parallel"]}
      ins(%tx, %tb : tensor<?x?xf32>, tensor<?xf32>) outs(%empty : tensor<?x?xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %half = arith.constant 0.5 : f32
    %one = arith.constant 1.0 : f32
    %root = arith.constant 0.797884583 : f32  // sqrt(2 / pi)
    %bend = arith.constant 0.044715 : f32
    %v = arith.addf %a, %b : f32
    %square = arith.mulf %v, %v : f32
    %cube = arith.mulf %square, %v : f32
    %bent = arith.mulf %cube, %bend : f32
    %sum = arith.addf %v, %bent : f32
    %scaled = arith.mulf %sum, %root : f32
    %tanh = math.tanh %scaled : f32
    %cdf2 = arith.addf %tanh, %one : f32
    %v2 = arith.mulf %v, %half : f32
    %g = arith.mulf %v2, %cdf2 : f32
    linalg.yield %g : f32
  } -> tensor<?x?xf32>
  %dropped = dropout.element %gelu p(%p) rng(%seed, %offset)
      training(%training) : tensor<?x?xf32>
  %sum_empty = tensor.empty(%rows, %columns) : tensor<?x?xf32>
  %sum = linalg.generic {indexing_maps = [#mn, #mn, #mn], iterator_types = ["parallel", "parallel"]}
      ins(%dropped, %tr : tensor<?x?xf32>, tensor<?x?xf32>) outs(%sum_empty : tensor<?x?xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %v = arith.addf %a, %b : f32
    linalg.yield %v : f32
  } -> tensor<?x?xf32>
  bufferization.materialize_in_destination %sum in restrict writable %y
      : (tensor<?x?xf32>, memref<?x?xf32>) -> ()
  return
}

// The same without dropout.
func.func @fused_f32_plain(%x: memref<?x?xf32>, %bias: memref<?xf32>,
    %residual: memref<?x?xf32>, %y: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %tx = bufferization.to_tensor %x restrict : memref<?x?xf32> to tensor<?x?xf32>
  %tb = bufferization.to_tensor %bias restrict : memref<?xf32> to tensor<?xf32>
  %tr = bufferization.to_tensor %residual restrict : memref<?x?xf32> to tensor<?x?xf32>
  %rows = tensor.dim %tx, %c0 : tensor<?x?xf32>
  %columns = tensor.dim %tx, %c1 : tensor<?x?xf32>
  %empty = tensor.empty(%rows, %columns) : tensor<?x?xf32>
  %gelu = linalg.generic {indexing_maps = [#mn, #n, #mn], iterator_types = ["parallel", "parallel"]}
      ins(%tx, %tb : tensor<?x?xf32>, tensor<?xf32>) outs(%empty : tensor<?x?xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %half = arith.constant 0.5 : f32
    %one = arith.constant 1.0 : f32
    %root = arith.constant 0.797884583 : f32  // sqrt(2 / pi)
    %bend = arith.constant 0.044715 : f32
    %v = arith.addf %a, %b : f32
    %square = arith.mulf %v, %v : f32
    %cube = arith.mulf %square, %v : f32
    %bent = arith.mulf %cube, %bend : f32
    %sum = arith.addf %v, %bent : f32
    %scaled = arith.mulf %sum, %root : f32
    %tanh = math.tanh %scaled : f32
    %cdf2 = arith.addf %tanh, %one : f32
    %v2 = arith.mulf %v, %half : f32
    %g = arith.mulf %v2, %cdf2 : f32
    linalg.yield %g : f32
  } -> tensor<?x?xf32>
  %sum_empty = tensor.empty(%rows, %columns) : tensor<?x?xf32>
  %sum = linalg.generic {indexing_maps = [#mn, #mn, #mn], iterator_types = ["parallel", "parallel"]}
      ins(%gelu, %tr : tensor<?x?xf32>, tensor<?x?xf32>) outs(%sum_empty : tensor<?x?xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %v = arith.addf %a, %b : f32
    linalg.yield %v : f32
  } -> tensor<?x?xf32>
  bufferization.materialize_in_destination %sum in restrict writable %y
      : (tensor<?x?xf32>, memref<?x?xf32>) -> ()
  return
}

// y = residual + dropout(gelu(x + bias)), in f32: one kernel.
// gelu(v) = v/2 (1 + tanh(sqrt(2 / pi) (v + 0.044715 v^3))).
func.func @fused_bf16(%x: memref<?x?xbf16>, %bias: memref<?xbf16>,
    %residual: memref<?x?xbf16>, %y: memref<?x?xbf16>, %p: f64,
    %training: i1, %seed: i64, %offset: i64) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %tx = bufferization.to_tensor %x restrict : memref<?x?xbf16> to tensor<?x?xbf16>
  %tb = bufferization.to_tensor %bias restrict : memref<?xbf16> to tensor<?xbf16>
  %tr = bufferization.to_tensor %residual restrict : memref<?x?xbf16> to tensor<?x?xbf16>
  %rows = tensor.dim %tx, %c0 : tensor<?x?xbf16>
  %columns = tensor.dim %tx, %c1 : tensor<?x?xbf16>
  %empty = tensor.empty(%rows, %columns) : tensor<?x?xf32>
  %gelu = linalg.generic {indexing_maps = [#mn, #n, #mn], iterator_types = ["parallel", "parallel"]}
      ins(%tx, %tb : tensor<?x?xbf16>, tensor<?xbf16>) outs(%empty : tensor<?x?xf32>) {
  ^bb0(%a: bf16, %b: bf16, %out: f32):
    %half = arith.constant 0.5 : f32
    %one = arith.constant 1.0 : f32
    %root = arith.constant 0.797884583 : f32  // sqrt(2 / pi)
    %bend = arith.constant 0.044715 : f32
    %aw = arith.extf %a : bf16 to f32
    %bw = arith.extf %b : bf16 to f32
    %v = arith.addf %aw, %bw : f32
    %square = arith.mulf %v, %v : f32
    %cube = arith.mulf %square, %v : f32
    %bent = arith.mulf %cube, %bend : f32
    %sum = arith.addf %v, %bent : f32
    %scaled = arith.mulf %sum, %root : f32
    %tanh = math.tanh %scaled : f32
    %cdf2 = arith.addf %tanh, %one : f32
    %v2 = arith.mulf %v, %half : f32
    %g = arith.mulf %v2, %cdf2 : f32
    linalg.yield %g : f32
  } -> tensor<?x?xf32>
  %dropped = dropout.element %gelu p(%p) rng(%seed, %offset)
      training(%training) : tensor<?x?xf32>
  %sum_empty = tensor.empty(%rows, %columns) : tensor<?x?xbf16>
  %sum = linalg.generic {indexing_maps = [#mn, #mn, #mn], iterator_types = ["parallel", "parallel"]}
      ins(%dropped, %tr : tensor<?x?xf32>, tensor<?x?xbf16>) outs(%sum_empty : tensor<?x?xbf16>) {
  ^bb0(%a: f32, %b: bf16, %out: bf16):
    %bw = arith.extf %b : bf16 to f32
    %v = arith.addf %a, %bw : f32
    %r = arith.truncf %v : f32 to bf16
    linalg.yield %r : bf16
  } -> tensor<?x?xbf16>
  bufferization.materialize_in_destination %sum in restrict writable %y
      : (tensor<?x?xbf16>, memref<?x?xbf16>) -> ()
  return
}

// The same without dropout.
func.func @fused_bf16_plain(%x: memref<?x?xbf16>, %bias: memref<?xbf16>,
    %residual: memref<?x?xbf16>, %y: memref<?x?xbf16>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %tx = bufferization.to_tensor %x restrict : memref<?x?xbf16> to tensor<?x?xbf16>
  %tb = bufferization.to_tensor %bias restrict : memref<?xbf16> to tensor<?xbf16>
  %tr = bufferization.to_tensor %residual restrict : memref<?x?xbf16> to tensor<?x?xbf16>
  %rows = tensor.dim %tx, %c0 : tensor<?x?xbf16>
  %columns = tensor.dim %tx, %c1 : tensor<?x?xbf16>
  %empty = tensor.empty(%rows, %columns) : tensor<?x?xf32>
  %gelu = linalg.generic {indexing_maps = [#mn, #n, #mn], iterator_types = ["parallel", "parallel"]}
      ins(%tx, %tb : tensor<?x?xbf16>, tensor<?xbf16>) outs(%empty : tensor<?x?xf32>) {
  ^bb0(%a: bf16, %b: bf16, %out: f32):
    %half = arith.constant 0.5 : f32
    %one = arith.constant 1.0 : f32
    %root = arith.constant 0.797884583 : f32  // sqrt(2 / pi)
    %bend = arith.constant 0.044715 : f32
    %aw = arith.extf %a : bf16 to f32
    %bw = arith.extf %b : bf16 to f32
    %v = arith.addf %aw, %bw : f32
    %square = arith.mulf %v, %v : f32
    %cube = arith.mulf %square, %v : f32
    %bent = arith.mulf %cube, %bend : f32
    %sum = arith.addf %v, %bent : f32
    %scaled = arith.mulf %sum, %root : f32
    %tanh = math.tanh %scaled : f32
    %cdf2 = arith.addf %tanh, %one : f32
    %v2 = arith.mulf %v, %half : f32
    %g = arith.mulf %v2, %cdf2 : f32
    linalg.yield %g : f32
  } -> tensor<?x?xf32>
  %sum_empty = tensor.empty(%rows, %columns) : tensor<?x?xbf16>
  %sum = linalg.generic {indexing_maps = [#mn, #mn, #mn], iterator_types = ["parallel", "parallel"]}
      ins(%gelu, %tr : tensor<?x?xf32>, tensor<?x?xbf16>) outs(%sum_empty : tensor<?x?xbf16>) {
  ^bb0(%a: f32, %b: bf16, %out: bf16):
    %bw = arith.extf %b : bf16 to f32
    %v = arith.addf %a, %bw : f32
    %r = arith.truncf %v : f32 to bf16
    linalg.yield %r : bf16
  } -> tensor<?x?xbf16>
  bufferization.materialize_in_destination %sum in restrict writable %y
      : (tensor<?x?xbf16>, memref<?x?xbf16>) -> ()
  return
}

