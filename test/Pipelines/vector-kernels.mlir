// A kernel on memory holds no buffer, no copy, no call of a library and no mask in
// memory, and is made of vectors: for every kind, direction, layout and type.
//
// DEFINE: %{target} = vector-bits=512 masked-memory=true
// DEFINE: %{check} = dropout-opt %s --dropout-to-llvm="entry-points=false %{target}" | FileCheck %s \
// DEFINE:   --implicit-check-not=malloc --implicit-check-not=aligned_alloc --implicit-check-not=alloca \
// DEFINE:   --implicit-check-not="llvm.call @{{dropoutReserve|[^d]}}" --implicit-check-not="llvm.func @{{[^(]*(alloc|copy|mem|__)}}" \
// DEFINE:   --implicit-check-not="llvm.intr.mem" --implicit-check-not="llvm.{{load|store}} {{.*}}{{[ x]}}i{{1|8}}{{$|>|,}}"
// RUN: %{check}
// REDEFINE: %{target} = vector-bits=512 masked-memory=true nontemporal-bytes=16777216
// RUN: %{check}
// REDEFINE: %{target} = vector-bits=256
// RUN: %{check}
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// ---- element

// CHECK-LABEL: llvm.func @element_static(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @element_static(%x: memref<4x1001xf32>, %y: memref<4x1001xf32>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.element %x into %y p = 0.3 rng(%s, %o) : memref<4x1001xf32>, memref<4x1001xf32>
  return
}

// CHECK-LABEL: llvm.func @element_dynamic(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @element_dynamic(%x: memref<?x?xf32>, %y: memref<?x?xf32>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.element %x into %y p(%p) rng(%s, %o) : memref<?x?xf32>, memref<?x?xf32>
  return
}

// CHECK-LABEL: llvm.func @element_rows(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @element_rows(%x: memref<?x?xf32, strided<[?, 1], offset: ?>>, %y: memref<?x?xf32, strided<[?, 1], offset: ?>>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.element %x into %y p = 0.3 rng(%s, %o) training(%t) : memref<?x?xf32, strided<[?, 1], offset: ?>>, memref<?x?xf32, strided<[?, 1], offset: ?>>
  return
}

// CHECK-LABEL: llvm.func @element_strided(
// CHECK: llvm.intr.masked.scatter
// CHECK: llvm.return
func.func @element_strided(%x: memref<?x?xf32, strided<[?, ?], offset: ?>>, %y: memref<?x?xf32, strided<[?, ?], offset: ?>>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.element %x into %y p = 0.3 rng(%s, %o) : memref<?x?xf32, strided<[?, ?], offset: ?>>, memref<?x?xf32, strided<[?, ?], offset: ?>>
  return
}

// CHECK-LABEL: llvm.func @element_columns(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @element_columns(%x: memref<?x?xf32, strided<[1, ?], offset: ?>>, %y: memref<?x?xf32, strided<[1, ?], offset: ?>>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.element %x into %y p = 0.3 rng(%s, %o) : memref<?x?xf32, strided<[1, ?], offset: ?>>, memref<?x?xf32, strided<[1, ?], offset: ?>>
  return
}

// CHECK-LABEL: llvm.func @element_transposed(
// CHECK: {{llvm.intr.masked.(gather|scatter)}}
// CHECK: llvm.return
func.func @element_transposed(%x: memref<?x?xf32>, %y: memref<?x?xf32, strided<[1, ?], offset: ?>>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.element %x into %y p = 0.3 rng(%s, %o) : memref<?x?xf32>, memref<?x?xf32, strided<[1, ?], offset: ?>>
  return
}

// CHECK-LABEL: llvm.func @element_inplace(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @element_inplace(%x: memref<?x?xf32>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.element %x into %x p(%p) rng(%s, %o) training(%t) : memref<?x?xf32>, memref<?x?xf32>
  return
}

// CHECK-LABEL: llvm.func @element_f16(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @element_f16(%x: memref<?x?xf16>, %y: memref<?x?xf16>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.element %x into %y p(%p) rng(%s, %o) : memref<?x?xf16>, memref<?x?xf16>
  return
}

// CHECK-LABEL: llvm.func @element_bf16(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @element_bf16(%x: memref<?x1001xbf16>, %y: memref<?x1001xbf16>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.element %x into %y p = 0.3 rng(%s, %o) training(%t) : memref<?x1001xbf16>, memref<?x1001xbf16>
  return
}

// CHECK-LABEL: llvm.func @element_f64(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @element_f64(%x: memref<?x?xf64>, %y: memref<?x?xf64>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.element %x into %y p = 0.3 rng(%s, %o) : memref<?x?xf64>, memref<?x?xf64>
  return
}

// ---- alpha

// CHECK-LABEL: llvm.func @alpha_static(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @alpha_static(%x: memref<4x1001xf32>, %y: memref<4x1001xf32>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.alpha %x into %y p = 0.3 rng(%s, %o) : memref<4x1001xf32>, memref<4x1001xf32>
  return
}

// CHECK-LABEL: llvm.func @alpha_dynamic(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @alpha_dynamic(%x: memref<?x?xf32>, %y: memref<?x?xf32>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.alpha %x into %y p(%p) rng(%s, %o) : memref<?x?xf32>, memref<?x?xf32>
  return
}

// CHECK-LABEL: llvm.func @alpha_rows(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @alpha_rows(%x: memref<?x?xf32, strided<[?, 1], offset: ?>>, %y: memref<?x?xf32, strided<[?, 1], offset: ?>>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.alpha %x into %y p = 0.3 rng(%s, %o) training(%t) : memref<?x?xf32, strided<[?, 1], offset: ?>>, memref<?x?xf32, strided<[?, 1], offset: ?>>
  return
}

// CHECK-LABEL: llvm.func @alpha_strided(
// CHECK: llvm.intr.masked.scatter
// CHECK: llvm.return
func.func @alpha_strided(%x: memref<?x?xf32, strided<[?, ?], offset: ?>>, %y: memref<?x?xf32, strided<[?, ?], offset: ?>>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.alpha %x into %y p = 0.3 rng(%s, %o) : memref<?x?xf32, strided<[?, ?], offset: ?>>, memref<?x?xf32, strided<[?, ?], offset: ?>>
  return
}

// CHECK-LABEL: llvm.func @alpha_columns(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @alpha_columns(%x: memref<?x?xf32, strided<[1, ?], offset: ?>>, %y: memref<?x?xf32, strided<[1, ?], offset: ?>>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.alpha %x into %y p = 0.3 rng(%s, %o) : memref<?x?xf32, strided<[1, ?], offset: ?>>, memref<?x?xf32, strided<[1, ?], offset: ?>>
  return
}

// CHECK-LABEL: llvm.func @alpha_transposed(
// CHECK: {{llvm.intr.masked.(gather|scatter)}}
// CHECK: llvm.return
func.func @alpha_transposed(%x: memref<?x?xf32>, %y: memref<?x?xf32, strided<[1, ?], offset: ?>>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.alpha %x into %y p = 0.3 rng(%s, %o) : memref<?x?xf32>, memref<?x?xf32, strided<[1, ?], offset: ?>>
  return
}

// CHECK-LABEL: llvm.func @alpha_inplace(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @alpha_inplace(%x: memref<?x?xf32>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.alpha %x into %x p(%p) rng(%s, %o) training(%t) : memref<?x?xf32>, memref<?x?xf32>
  return
}

// CHECK-LABEL: llvm.func @alpha_f16(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @alpha_f16(%x: memref<?x?xf16>, %y: memref<?x?xf16>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.alpha %x into %y p(%p) rng(%s, %o) : memref<?x?xf16>, memref<?x?xf16>
  return
}

// CHECK-LABEL: llvm.func @alpha_bf16(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @alpha_bf16(%x: memref<?x1001xbf16>, %y: memref<?x1001xbf16>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.alpha %x into %y p = 0.3 rng(%s, %o) training(%t) : memref<?x1001xbf16>, memref<?x1001xbf16>
  return
}

// CHECK-LABEL: llvm.func @alpha_f64(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @alpha_f64(%x: memref<?x?xf64>, %y: memref<?x?xf64>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.alpha %x into %y p = 0.3 rng(%s, %o) : memref<?x?xf64>, memref<?x?xf64>
  return
}

// ---- channel

// CHECK-LABEL: llvm.func @channel_static(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @channel_static(%x: memref<4x1001xf32>, %y: memref<4x1001xf32>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.channel %x into %y p = 0.3 mask_dims = [0] rng(%s, %o) : memref<4x1001xf32>, memref<4x1001xf32>
  return
}

// CHECK-LABEL: llvm.func @channel_dynamic(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @channel_dynamic(%x: memref<?x?xf32>, %y: memref<?x?xf32>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.channel %x into %y p(%p) mask_dims = [0] rng(%s, %o) : memref<?x?xf32>, memref<?x?xf32>
  return
}

// CHECK-LABEL: llvm.func @channel_rows(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @channel_rows(%x: memref<?x?xf32, strided<[?, 1], offset: ?>>, %y: memref<?x?xf32, strided<[?, 1], offset: ?>>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.channel %x into %y p = 0.3 mask_dims = [0] rng(%s, %o) training(%t) : memref<?x?xf32, strided<[?, 1], offset: ?>>, memref<?x?xf32, strided<[?, 1], offset: ?>>
  return
}

// CHECK-LABEL: llvm.func @channel_strided(
// CHECK: llvm.intr.masked.scatter
// CHECK: llvm.return
func.func @channel_strided(%x: memref<?x?xf32, strided<[?, ?], offset: ?>>, %y: memref<?x?xf32, strided<[?, ?], offset: ?>>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.channel %x into %y p = 0.3 mask_dims = [0] rng(%s, %o) : memref<?x?xf32, strided<[?, ?], offset: ?>>, memref<?x?xf32, strided<[?, ?], offset: ?>>
  return
}

// CHECK-LABEL: llvm.func @channel_columns(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @channel_columns(%x: memref<?x?xf32, strided<[1, ?], offset: ?>>, %y: memref<?x?xf32, strided<[1, ?], offset: ?>>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.channel %x into %y p = 0.3 mask_dims = [1] rng(%s, %o) : memref<?x?xf32, strided<[1, ?], offset: ?>>, memref<?x?xf32, strided<[1, ?], offset: ?>>
  return
}

// CHECK-LABEL: llvm.func @channel_transposed(
// CHECK: {{llvm.intr.masked.(gather|scatter)}}
// CHECK: llvm.return
func.func @channel_transposed(%x: memref<?x?xf32>, %y: memref<?x?xf32, strided<[1, ?], offset: ?>>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.channel %x into %y p = 0.3 mask_dims = [0] rng(%s, %o) : memref<?x?xf32>, memref<?x?xf32, strided<[1, ?], offset: ?>>
  return
}

// CHECK-LABEL: llvm.func @channel_inplace(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @channel_inplace(%x: memref<?x?xf32>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.channel %x into %x p(%p) mask_dims = [0] rng(%s, %o) training(%t) : memref<?x?xf32>, memref<?x?xf32>
  return
}

// CHECK-LABEL: llvm.func @channel_f16(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @channel_f16(%x: memref<?x?xf16>, %y: memref<?x?xf16>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.channel %x into %y p(%p) mask_dims = [0] rng(%s, %o) : memref<?x?xf16>, memref<?x?xf16>
  return
}

// CHECK-LABEL: llvm.func @channel_bf16(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @channel_bf16(%x: memref<?x1001xbf16>, %y: memref<?x1001xbf16>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.channel %x into %y p = 0.3 mask_dims = [0] rng(%s, %o) training(%t) : memref<?x1001xbf16>, memref<?x1001xbf16>
  return
}

// CHECK-LABEL: llvm.func @channel_f64(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @channel_f64(%x: memref<?x?xf64>, %y: memref<?x?xf64>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.channel %x into %y p = 0.3 mask_dims = [0] rng(%s, %o) : memref<?x?xf64>, memref<?x?xf64>
  return
}

// ---- feature_alpha

// CHECK-LABEL: llvm.func @feature_alpha_static(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @feature_alpha_static(%x: memref<4x1001xf32>, %y: memref<4x1001xf32>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.feature_alpha %x into %y p = 0.3 mask_dims = [0] rng(%s, %o) : memref<4x1001xf32>, memref<4x1001xf32>
  return
}

// CHECK-LABEL: llvm.func @feature_alpha_dynamic(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @feature_alpha_dynamic(%x: memref<?x?xf32>, %y: memref<?x?xf32>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.feature_alpha %x into %y p(%p) mask_dims = [0] rng(%s, %o) : memref<?x?xf32>, memref<?x?xf32>
  return
}

// CHECK-LABEL: llvm.func @feature_alpha_rows(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @feature_alpha_rows(%x: memref<?x?xf32, strided<[?, 1], offset: ?>>, %y: memref<?x?xf32, strided<[?, 1], offset: ?>>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.feature_alpha %x into %y p = 0.3 mask_dims = [0] rng(%s, %o) training(%t) : memref<?x?xf32, strided<[?, 1], offset: ?>>, memref<?x?xf32, strided<[?, 1], offset: ?>>
  return
}

// CHECK-LABEL: llvm.func @feature_alpha_strided(
// CHECK: llvm.intr.masked.scatter
// CHECK: llvm.return
func.func @feature_alpha_strided(%x: memref<?x?xf32, strided<[?, ?], offset: ?>>, %y: memref<?x?xf32, strided<[?, ?], offset: ?>>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.feature_alpha %x into %y p = 0.3 mask_dims = [0] rng(%s, %o) : memref<?x?xf32, strided<[?, ?], offset: ?>>, memref<?x?xf32, strided<[?, ?], offset: ?>>
  return
}

// CHECK-LABEL: llvm.func @feature_alpha_columns(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @feature_alpha_columns(%x: memref<?x?xf32, strided<[1, ?], offset: ?>>, %y: memref<?x?xf32, strided<[1, ?], offset: ?>>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.feature_alpha %x into %y p = 0.3 mask_dims = [1] rng(%s, %o) : memref<?x?xf32, strided<[1, ?], offset: ?>>, memref<?x?xf32, strided<[1, ?], offset: ?>>
  return
}

// CHECK-LABEL: llvm.func @feature_alpha_transposed(
// CHECK: {{llvm.intr.masked.(gather|scatter)}}
// CHECK: llvm.return
func.func @feature_alpha_transposed(%x: memref<?x?xf32>, %y: memref<?x?xf32, strided<[1, ?], offset: ?>>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.feature_alpha %x into %y p = 0.3 mask_dims = [0] rng(%s, %o) : memref<?x?xf32>, memref<?x?xf32, strided<[1, ?], offset: ?>>
  return
}

// CHECK-LABEL: llvm.func @feature_alpha_inplace(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @feature_alpha_inplace(%x: memref<?x?xf32>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.feature_alpha %x into %x p(%p) mask_dims = [0] rng(%s, %o) training(%t) : memref<?x?xf32>, memref<?x?xf32>
  return
}

// CHECK-LABEL: llvm.func @feature_alpha_f16(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @feature_alpha_f16(%x: memref<?x?xf16>, %y: memref<?x?xf16>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.feature_alpha %x into %y p(%p) mask_dims = [0] rng(%s, %o) : memref<?x?xf16>, memref<?x?xf16>
  return
}

// CHECK-LABEL: llvm.func @feature_alpha_bf16(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @feature_alpha_bf16(%x: memref<?x1001xbf16>, %y: memref<?x1001xbf16>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.feature_alpha %x into %y p = 0.3 mask_dims = [0] rng(%s, %o) training(%t) : memref<?x1001xbf16>, memref<?x1001xbf16>
  return
}

// CHECK-LABEL: llvm.func @feature_alpha_f64(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @feature_alpha_f64(%x: memref<?x?xf64>, %y: memref<?x?xf64>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.feature_alpha %x into %y p = 0.3 mask_dims = [0] rng(%s, %o) : memref<?x?xf64>, memref<?x?xf64>
  return
}

// ---- backward element

// CHECK-LABEL: llvm.func @backward_element_static(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @backward_element_static(%x: memref<4x1001xf32>, %y: memref<4x1001xf32>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.backward element %x into %y p = 0.3 rng(%s, %o) : memref<4x1001xf32>, memref<4x1001xf32>
  return
}

// CHECK-LABEL: llvm.func @backward_element_dynamic(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @backward_element_dynamic(%x: memref<?x?xf32>, %y: memref<?x?xf32>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.backward element %x into %y p(%p) rng(%s, %o) : memref<?x?xf32>, memref<?x?xf32>
  return
}

// CHECK-LABEL: llvm.func @backward_element_rows(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @backward_element_rows(%x: memref<?x?xf32, strided<[?, 1], offset: ?>>, %y: memref<?x?xf32, strided<[?, 1], offset: ?>>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.backward element %x into %y p = 0.3 rng(%s, %o) training(%t) : memref<?x?xf32, strided<[?, 1], offset: ?>>, memref<?x?xf32, strided<[?, 1], offset: ?>>
  return
}

// CHECK-LABEL: llvm.func @backward_element_strided(
// CHECK: llvm.intr.masked.scatter
// CHECK: llvm.return
func.func @backward_element_strided(%x: memref<?x?xf32, strided<[?, ?], offset: ?>>, %y: memref<?x?xf32, strided<[?, ?], offset: ?>>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.backward element %x into %y p = 0.3 rng(%s, %o) : memref<?x?xf32, strided<[?, ?], offset: ?>>, memref<?x?xf32, strided<[?, ?], offset: ?>>
  return
}

// CHECK-LABEL: llvm.func @backward_element_columns(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @backward_element_columns(%x: memref<?x?xf32, strided<[1, ?], offset: ?>>, %y: memref<?x?xf32, strided<[1, ?], offset: ?>>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.backward element %x into %y p = 0.3 rng(%s, %o) : memref<?x?xf32, strided<[1, ?], offset: ?>>, memref<?x?xf32, strided<[1, ?], offset: ?>>
  return
}

// CHECK-LABEL: llvm.func @backward_element_transposed(
// CHECK: {{llvm.intr.masked.(gather|scatter)}}
// CHECK: llvm.return
func.func @backward_element_transposed(%x: memref<?x?xf32>, %y: memref<?x?xf32, strided<[1, ?], offset: ?>>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.backward element %x into %y p = 0.3 rng(%s, %o) : memref<?x?xf32>, memref<?x?xf32, strided<[1, ?], offset: ?>>
  return
}

// CHECK-LABEL: llvm.func @backward_element_inplace(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @backward_element_inplace(%x: memref<?x?xf32>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.backward element %x into %x p(%p) rng(%s, %o) training(%t) : memref<?x?xf32>, memref<?x?xf32>
  return
}

// CHECK-LABEL: llvm.func @backward_element_f16(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @backward_element_f16(%x: memref<?x?xf16>, %y: memref<?x?xf16>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.backward element %x into %y p(%p) rng(%s, %o) : memref<?x?xf16>, memref<?x?xf16>
  return
}

// CHECK-LABEL: llvm.func @backward_element_bf16(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @backward_element_bf16(%x: memref<?x1001xbf16>, %y: memref<?x1001xbf16>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.backward element %x into %y p = 0.3 rng(%s, %o) training(%t) : memref<?x1001xbf16>, memref<?x1001xbf16>
  return
}

// CHECK-LABEL: llvm.func @backward_element_f64(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @backward_element_f64(%x: memref<?x?xf64>, %y: memref<?x?xf64>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.backward element %x into %y p = 0.3 rng(%s, %o) : memref<?x?xf64>, memref<?x?xf64>
  return
}

// ---- backward alpha

// CHECK-LABEL: llvm.func @backward_alpha_static(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @backward_alpha_static(%x: memref<4x1001xf32>, %y: memref<4x1001xf32>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.backward alpha %x into %y p = 0.3 rng(%s, %o) : memref<4x1001xf32>, memref<4x1001xf32>
  return
}

// CHECK-LABEL: llvm.func @backward_alpha_dynamic(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @backward_alpha_dynamic(%x: memref<?x?xf32>, %y: memref<?x?xf32>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.backward alpha %x into %y p(%p) rng(%s, %o) : memref<?x?xf32>, memref<?x?xf32>
  return
}

// CHECK-LABEL: llvm.func @backward_alpha_rows(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @backward_alpha_rows(%x: memref<?x?xf32, strided<[?, 1], offset: ?>>, %y: memref<?x?xf32, strided<[?, 1], offset: ?>>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.backward alpha %x into %y p = 0.3 rng(%s, %o) training(%t) : memref<?x?xf32, strided<[?, 1], offset: ?>>, memref<?x?xf32, strided<[?, 1], offset: ?>>
  return
}

// CHECK-LABEL: llvm.func @backward_alpha_strided(
// CHECK: llvm.intr.masked.scatter
// CHECK: llvm.return
func.func @backward_alpha_strided(%x: memref<?x?xf32, strided<[?, ?], offset: ?>>, %y: memref<?x?xf32, strided<[?, ?], offset: ?>>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.backward alpha %x into %y p = 0.3 rng(%s, %o) : memref<?x?xf32, strided<[?, ?], offset: ?>>, memref<?x?xf32, strided<[?, ?], offset: ?>>
  return
}

// CHECK-LABEL: llvm.func @backward_alpha_columns(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @backward_alpha_columns(%x: memref<?x?xf32, strided<[1, ?], offset: ?>>, %y: memref<?x?xf32, strided<[1, ?], offset: ?>>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.backward alpha %x into %y p = 0.3 rng(%s, %o) : memref<?x?xf32, strided<[1, ?], offset: ?>>, memref<?x?xf32, strided<[1, ?], offset: ?>>
  return
}

// CHECK-LABEL: llvm.func @backward_alpha_transposed(
// CHECK: {{llvm.intr.masked.(gather|scatter)}}
// CHECK: llvm.return
func.func @backward_alpha_transposed(%x: memref<?x?xf32>, %y: memref<?x?xf32, strided<[1, ?], offset: ?>>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.backward alpha %x into %y p = 0.3 rng(%s, %o) : memref<?x?xf32>, memref<?x?xf32, strided<[1, ?], offset: ?>>
  return
}

// CHECK-LABEL: llvm.func @backward_alpha_inplace(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @backward_alpha_inplace(%x: memref<?x?xf32>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.backward alpha %x into %x p(%p) rng(%s, %o) training(%t) : memref<?x?xf32>, memref<?x?xf32>
  return
}

// CHECK-LABEL: llvm.func @backward_alpha_f16(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @backward_alpha_f16(%x: memref<?x?xf16>, %y: memref<?x?xf16>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.backward alpha %x into %y p(%p) rng(%s, %o) : memref<?x?xf16>, memref<?x?xf16>
  return
}

// CHECK-LABEL: llvm.func @backward_alpha_bf16(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @backward_alpha_bf16(%x: memref<?x1001xbf16>, %y: memref<?x1001xbf16>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.backward alpha %x into %y p = 0.3 rng(%s, %o) training(%t) : memref<?x1001xbf16>, memref<?x1001xbf16>
  return
}

// CHECK-LABEL: llvm.func @backward_alpha_f64(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @backward_alpha_f64(%x: memref<?x?xf64>, %y: memref<?x?xf64>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.backward alpha %x into %y p = 0.3 rng(%s, %o) : memref<?x?xf64>, memref<?x?xf64>
  return
}

// ---- backward channel

// CHECK-LABEL: llvm.func @backward_channel_static(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @backward_channel_static(%x: memref<4x1001xf32>, %y: memref<4x1001xf32>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.backward channel %x into %y p = 0.3 mask_dims = [0] rng(%s, %o) : memref<4x1001xf32>, memref<4x1001xf32>
  return
}

// CHECK-LABEL: llvm.func @backward_channel_dynamic(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @backward_channel_dynamic(%x: memref<?x?xf32>, %y: memref<?x?xf32>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.backward channel %x into %y p(%p) mask_dims = [0] rng(%s, %o) : memref<?x?xf32>, memref<?x?xf32>
  return
}

// CHECK-LABEL: llvm.func @backward_channel_rows(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @backward_channel_rows(%x: memref<?x?xf32, strided<[?, 1], offset: ?>>, %y: memref<?x?xf32, strided<[?, 1], offset: ?>>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.backward channel %x into %y p = 0.3 mask_dims = [0] rng(%s, %o) training(%t) : memref<?x?xf32, strided<[?, 1], offset: ?>>, memref<?x?xf32, strided<[?, 1], offset: ?>>
  return
}

// CHECK-LABEL: llvm.func @backward_channel_strided(
// CHECK: llvm.intr.masked.scatter
// CHECK: llvm.return
func.func @backward_channel_strided(%x: memref<?x?xf32, strided<[?, ?], offset: ?>>, %y: memref<?x?xf32, strided<[?, ?], offset: ?>>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.backward channel %x into %y p = 0.3 mask_dims = [0] rng(%s, %o) : memref<?x?xf32, strided<[?, ?], offset: ?>>, memref<?x?xf32, strided<[?, ?], offset: ?>>
  return
}

// CHECK-LABEL: llvm.func @backward_channel_columns(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @backward_channel_columns(%x: memref<?x?xf32, strided<[1, ?], offset: ?>>, %y: memref<?x?xf32, strided<[1, ?], offset: ?>>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.backward channel %x into %y p = 0.3 mask_dims = [1] rng(%s, %o) : memref<?x?xf32, strided<[1, ?], offset: ?>>, memref<?x?xf32, strided<[1, ?], offset: ?>>
  return
}

// CHECK-LABEL: llvm.func @backward_channel_transposed(
// CHECK: {{llvm.intr.masked.(gather|scatter)}}
// CHECK: llvm.return
func.func @backward_channel_transposed(%x: memref<?x?xf32>, %y: memref<?x?xf32, strided<[1, ?], offset: ?>>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.backward channel %x into %y p = 0.3 mask_dims = [0] rng(%s, %o) : memref<?x?xf32>, memref<?x?xf32, strided<[1, ?], offset: ?>>
  return
}

// CHECK-LABEL: llvm.func @backward_channel_inplace(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @backward_channel_inplace(%x: memref<?x?xf32>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.backward channel %x into %x p(%p) mask_dims = [0] rng(%s, %o) training(%t) : memref<?x?xf32>, memref<?x?xf32>
  return
}

// CHECK-LABEL: llvm.func @backward_channel_f16(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @backward_channel_f16(%x: memref<?x?xf16>, %y: memref<?x?xf16>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.backward channel %x into %y p(%p) mask_dims = [0] rng(%s, %o) : memref<?x?xf16>, memref<?x?xf16>
  return
}

// CHECK-LABEL: llvm.func @backward_channel_bf16(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @backward_channel_bf16(%x: memref<?x1001xbf16>, %y: memref<?x1001xbf16>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.backward channel %x into %y p = 0.3 mask_dims = [0] rng(%s, %o) training(%t) : memref<?x1001xbf16>, memref<?x1001xbf16>
  return
}

// CHECK-LABEL: llvm.func @backward_channel_f64(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @backward_channel_f64(%x: memref<?x?xf64>, %y: memref<?x?xf64>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.backward channel %x into %y p = 0.3 mask_dims = [0] rng(%s, %o) : memref<?x?xf64>, memref<?x?xf64>
  return
}

// ---- backward feature_alpha

// CHECK-LABEL: llvm.func @backward_feature_alpha_static(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @backward_feature_alpha_static(%x: memref<4x1001xf32>, %y: memref<4x1001xf32>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.backward feature_alpha %x into %y p = 0.3 mask_dims = [0] rng(%s, %o) : memref<4x1001xf32>, memref<4x1001xf32>
  return
}

// CHECK-LABEL: llvm.func @backward_feature_alpha_dynamic(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @backward_feature_alpha_dynamic(%x: memref<?x?xf32>, %y: memref<?x?xf32>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.backward feature_alpha %x into %y p(%p) mask_dims = [0] rng(%s, %o) : memref<?x?xf32>, memref<?x?xf32>
  return
}

// CHECK-LABEL: llvm.func @backward_feature_alpha_rows(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @backward_feature_alpha_rows(%x: memref<?x?xf32, strided<[?, 1], offset: ?>>, %y: memref<?x?xf32, strided<[?, 1], offset: ?>>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.backward feature_alpha %x into %y p = 0.3 mask_dims = [0] rng(%s, %o) training(%t) : memref<?x?xf32, strided<[?, 1], offset: ?>>, memref<?x?xf32, strided<[?, 1], offset: ?>>
  return
}

// CHECK-LABEL: llvm.func @backward_feature_alpha_strided(
// CHECK: llvm.intr.masked.scatter
// CHECK: llvm.return
func.func @backward_feature_alpha_strided(%x: memref<?x?xf32, strided<[?, ?], offset: ?>>, %y: memref<?x?xf32, strided<[?, ?], offset: ?>>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.backward feature_alpha %x into %y p = 0.3 mask_dims = [0] rng(%s, %o) : memref<?x?xf32, strided<[?, ?], offset: ?>>, memref<?x?xf32, strided<[?, ?], offset: ?>>
  return
}

// CHECK-LABEL: llvm.func @backward_feature_alpha_columns(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @backward_feature_alpha_columns(%x: memref<?x?xf32, strided<[1, ?], offset: ?>>, %y: memref<?x?xf32, strided<[1, ?], offset: ?>>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.backward feature_alpha %x into %y p = 0.3 mask_dims = [1] rng(%s, %o) : memref<?x?xf32, strided<[1, ?], offset: ?>>, memref<?x?xf32, strided<[1, ?], offset: ?>>
  return
}

// CHECK-LABEL: llvm.func @backward_feature_alpha_transposed(
// CHECK: {{llvm.intr.masked.(gather|scatter)}}
// CHECK: llvm.return
func.func @backward_feature_alpha_transposed(%x: memref<?x?xf32>, %y: memref<?x?xf32, strided<[1, ?], offset: ?>>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.backward feature_alpha %x into %y p = 0.3 mask_dims = [0] rng(%s, %o) : memref<?x?xf32>, memref<?x?xf32, strided<[1, ?], offset: ?>>
  return
}

// CHECK-LABEL: llvm.func @backward_feature_alpha_inplace(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @backward_feature_alpha_inplace(%x: memref<?x?xf32>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.backward feature_alpha %x into %x p(%p) mask_dims = [0] rng(%s, %o) training(%t) : memref<?x?xf32>, memref<?x?xf32>
  return
}

// CHECK-LABEL: llvm.func @backward_feature_alpha_f16(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @backward_feature_alpha_f16(%x: memref<?x?xf16>, %y: memref<?x?xf16>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.backward feature_alpha %x into %y p(%p) mask_dims = [0] rng(%s, %o) : memref<?x?xf16>, memref<?x?xf16>
  return
}

// CHECK-LABEL: llvm.func @backward_feature_alpha_bf16(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @backward_feature_alpha_bf16(%x: memref<?x1001xbf16>, %y: memref<?x1001xbf16>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.backward feature_alpha %x into %y p = 0.3 mask_dims = [0] rng(%s, %o) training(%t) : memref<?x1001xbf16>, memref<?x1001xbf16>
  return
}

// CHECK-LABEL: llvm.func @backward_feature_alpha_f64(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @backward_feature_alpha_f64(%x: memref<?x?xf64>, %y: memref<?x?xf64>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.backward feature_alpha %x into %y p = 0.3 mask_dims = [0] rng(%s, %o) : memref<?x?xf64>, memref<?x?xf64>
  return
}

// ---- Any rank, channels-last, a window of something larger, the cheaper draws

// CHECK-LABEL: llvm.func @channels_last(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @channels_last(%x: memref<?x?x?x64xf32>, %y: memref<?x?x?x64xf32>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.channel %x into %y p(%p) mask_dims = [0, 3] rng(%s, %o) : memref<?x?x?x64xf32>, memref<?x?x?x64xf32>
  return
}

// CHECK-LABEL: llvm.func @channels_first(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @channels_first(%x: memref<?x?x?x64xf32>, %y: memref<?x?x?x64xf32>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.feature_alpha %x into %y p(%p) rng(%s, %o) : memref<?x?x?x64xf32>, memref<?x?x?x64xf32>
  return
}

// CHECK-LABEL: llvm.func @drop_path(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @drop_path(%x: memref<?x?x?x64xf32>, %y: memref<?x?x?x64xf32>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.channel %x into %y p(%p) mask_dims = [0] rng(%s, %o) : memref<?x?x?x64xf32>, memref<?x?x?x64xf32>
  return
}

// CHECK-LABEL: llvm.func @window(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @window(%x: memref<?x?xf32>, %y: memref<?x?xf32>, %p: f64, %t: i1, %s: i64, %o: i64) {
  %c = arith.index_cast %o : i64 to index
  dropout.element %x into %y p = 0.3 rng(%s, %o) at [%c, 5] of [1000000, 1001] : memref<?x?xf32>, memref<?x?xf32>
  return
}

// CHECK-LABEL: llvm.func @seven_rounds(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @seven_rounds(%x: memref<?x?xf32>, %y: memref<?x?xf32>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.element %x into %y p = 0.3 rounds = 7 rng(%s, %o) : memref<?x?xf32>, memref<?x?xf32>
  return
}

// CHECK-LABEL: llvm.func @bytes(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @bytes(%x: memref<?x?xf32>, %y: memref<?x?xf32>, %p: f64, %t: i1, %s: i64, %o: i64) {
  dropout.alpha %x into %y p(%p) resolution = 8 rng(%s, %o) : memref<?x?xf32>, memref<?x?xf32>
  return
}

// ---- Eval and p = 0: a copy made of vectors, or nothing

// CHECK-LABEL: llvm.func @p_zero(
// CHECK-NOT: llvm.mul {{.*}} : vector
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @p_zero(%x: memref<?x?xf32>, %y: memref<?x?xf32>, %s: i64, %o: i64) {
  dropout.element %x into %y p = 0.0 rng(%s, %o) : memref<?x?xf32>, memref<?x?xf32>
  return
}
// CHECK-LABEL: llvm.func @eval(
// CHECK-NOT: llvm.mul {{.*}} : vector
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @eval(%x: memref<?x?xf32>, %y: memref<?x?xf32>, %s: i64, %o: i64) {
  %f = arith.constant false
  dropout.alpha %x into %y p = 0.3 rng(%s, %o) training(%f) : memref<?x?xf32>, memref<?x?xf32>
  return
}
// CHECK-LABEL: llvm.func @eval_in_place(
// CHECK-NOT: {{llvm.store|llvm.br}}
// CHECK: llvm.return
func.func @eval_in_place(%x: memref<?x?xf32>, %s: i64, %o: i64) {
  %f = arith.constant false
  dropout.alpha %x into %x p = 0.3 rng(%s, %o) training(%f) : memref<?x?xf32>, memref<?x?xf32>
  return
}
// CHECK-LABEL: llvm.func @p_zero_in_place(
// CHECK-NOT: {{llvm.store|llvm.br}}
// CHECK: llvm.return
func.func @p_zero_in_place(%x: memref<?x?xf32>, %s: i64, %o: i64) {
  dropout.element %x into %x p = 0.0 rng(%s, %o) : memref<?x?xf32>, memref<?x?xf32>
  return
}

// ---- With what is around it

// CHECK-LABEL: llvm.func @chain_static(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @chain_static(%x: memref<64x1024xf32>, %b: memref<1024xf32>, %r: memref<64x1024xf32>, %y: memref<64x1024xf32>, %p: f64, %t: i1, %s: i64, %o: i64) {
  %xt = bufferization.to_tensor %x restrict : memref<64x1024xf32> to tensor<64x1024xf32>
  %bt = bufferization.to_tensor %b restrict : memref<1024xf32> to tensor<1024xf32>
  %rt = bufferization.to_tensor %r restrict : memref<64x1024xf32> to tensor<64x1024xf32>
  %e = tensor.empty() : tensor<64x1024xf32>
  %zero = arith.constant 0.0 : f32
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<64x1024xf32>) -> tensor<64x1024xf32>
  %a = linalg.broadcast ins(%bt : tensor<1024xf32>) outs(%e : tensor<64x1024xf32>) dimensions = [0]
  %h = arith.addf %xt, %a : tensor<64x1024xf32>
  %g = arith.maximumf %h, %z : tensor<64x1024xf32>
  %q = dropout.element %g p(%p) rng(%s, %o) training(%t) : tensor<64x1024xf32>
  %w = arith.addf %q, %rt : tensor<64x1024xf32>
  bufferization.materialize_in_destination %w in restrict writable %y : (tensor<64x1024xf32>, memref<64x1024xf32>) -> ()
  return
}

// CHECK-LABEL: llvm.func @chain_dynamic(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @chain_dynamic(%x: memref<?x?xf32>, %b: memref<?xf32>, %r: memref<?x?xf32>, %y: memref<?x?xf32>, %p: f64, %t: i1, %s: i64, %o: i64) {
  %xt = bufferization.to_tensor %x restrict : memref<?x?xf32> to tensor<?x?xf32>
  %bt = bufferization.to_tensor %b restrict : memref<?xf32> to tensor<?xf32>
  %rt = bufferization.to_tensor %r restrict : memref<?x?xf32> to tensor<?x?xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %d0 = tensor.dim %xt, %c0 : tensor<?x?xf32>
  %d1 = tensor.dim %xt, %c1 : tensor<?x?xf32>
  %e = tensor.empty(%d0, %d1) : tensor<?x?xf32>
  %zero = arith.constant 0.0 : f32
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?xf32>) -> tensor<?x?xf32>
  %a = linalg.broadcast ins(%bt : tensor<?xf32>) outs(%e : tensor<?x?xf32>) dimensions = [0]
  %h = arith.addf %xt, %a : tensor<?x?xf32>
  %g = arith.maximumf %h, %z : tensor<?x?xf32>
  %q = dropout.element %g p(%p) rng(%s, %o) training(%t) : tensor<?x?xf32>
  %w = arith.addf %q, %rt : tensor<?x?xf32>
  bufferization.materialize_in_destination %w in restrict writable %y : (tensor<?x?xf32>, memref<?x?xf32>) -> ()
  return
}

// CHECK-LABEL: llvm.func @chain_f16(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @chain_f16(%x: memref<?x?xf16>, %b: memref<?xf16>, %r: memref<?x?xf16>, %y: memref<?x?xf16>, %p: f64, %t: i1, %s: i64, %o: i64) {
  %xt = bufferization.to_tensor %x restrict : memref<?x?xf16> to tensor<?x?xf16>
  %bt = bufferization.to_tensor %b restrict : memref<?xf16> to tensor<?xf16>
  %rt = bufferization.to_tensor %r restrict : memref<?x?xf16> to tensor<?x?xf16>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %d0 = tensor.dim %xt, %c0 : tensor<?x?xf16>
  %d1 = tensor.dim %xt, %c1 : tensor<?x?xf16>
  %e = tensor.empty(%d0, %d1) : tensor<?x?xf16>
  %zero = arith.constant 0.0 : f16
  %z = linalg.fill ins(%zero : f16) outs(%e : tensor<?x?xf16>) -> tensor<?x?xf16>
  %a = linalg.broadcast ins(%bt : tensor<?xf16>) outs(%e : tensor<?x?xf16>) dimensions = [0]
  %h = arith.addf %xt, %a : tensor<?x?xf16>
  %g = arith.maximumf %h, %z : tensor<?x?xf16>
  %q = dropout.element %g p(%p) rng(%s, %o) training(%t) : tensor<?x?xf16>
  %w = arith.addf %q, %rt : tensor<?x?xf16>
  bufferization.materialize_in_destination %w in restrict writable %y : (tensor<?x?xf16>, memref<?x?xf16>) -> ()
  return
}

// CHECK-LABEL: llvm.func @chain_bf16(
// CHECK: llvm.store %{{.*}} : vector<
// CHECK: llvm.return
func.func @chain_bf16(%x: memref<64x1001xbf16>, %b: memref<1001xbf16>, %r: memref<64x1001xbf16>, %y: memref<64x1001xbf16>, %p: f64, %t: i1, %s: i64, %o: i64) {
  %xt = bufferization.to_tensor %x restrict : memref<64x1001xbf16> to tensor<64x1001xbf16>
  %bt = bufferization.to_tensor %b restrict : memref<1001xbf16> to tensor<1001xbf16>
  %rt = bufferization.to_tensor %r restrict : memref<64x1001xbf16> to tensor<64x1001xbf16>
  %e = tensor.empty() : tensor<64x1001xbf16>
  %zero = arith.constant 0.0 : bf16
  %z = linalg.fill ins(%zero : bf16) outs(%e : tensor<64x1001xbf16>) -> tensor<64x1001xbf16>
  %a = linalg.broadcast ins(%bt : tensor<1001xbf16>) outs(%e : tensor<64x1001xbf16>) dimensions = [0]
  %h = arith.addf %xt, %a : tensor<64x1001xbf16>
  %g = arith.maximumf %h, %z : tensor<64x1001xbf16>
  %q = dropout.element %g p(%p) rng(%s, %o) training(%t) : tensor<64x1001xbf16>
  %w = arith.addf %q, %rt : tensor<64x1001xbf16>
  bufferization.materialize_in_destination %w in restrict writable %y : (tensor<64x1001xbf16>, memref<64x1001xbf16>) -> ()
  return
}

// ---- Masks that run along another dim than the output's last: still vectors

// CHECK-LABEL: llvm.func @turned_mask(
// CHECK: {{vector<.*>|llvm.intr.masked.scatter}}
// CHECK: llvm.return
func.func @turned_mask(%x: memref<?x?xf32>, %y: memref<?x?xf32>, %s: i64, %o: i64) {
  dropout.channel %x into %y p = 0.3 mask_dims = [1, 0] rng(%s, %o) : memref<?x?xf32>, memref<?x?xf32>
  return
}

// CHECK-LABEL: llvm.func @turned_mask_of_columns(
// CHECK: {{vector<.*>|llvm.intr.masked.scatter}}
// CHECK: llvm.return
func.func @turned_mask_of_columns(%x: memref<?x?xf32, strided<[1, ?], offset: ?>>, %s: i64, %o: i64) {
  dropout.channel %x into %x p = 0.3 mask_dims = [1, 0] rng(%s, %o) : memref<?x?xf32, strided<[1, ?], offset: ?>>, memref<?x?xf32, strided<[1, ?], offset: ?>>
  return
}

// CHECK-LABEL: llvm.func @transposed_afterwards(
// CHECK: {{vector<.*>|llvm.intr.masked.scatter}}
// CHECK: llvm.return
func.func @transposed_afterwards(%x: memref<64x1024xf32>, %y: memref<1024x64xf32>, %s: i64, %o: i64) {
  %t = bufferization.to_tensor %x restrict : memref<64x1024xf32> to tensor<64x1024xf32>
  %d = dropout.element %t p = 0.3 rng(%s, %o) : tensor<64x1024xf32>
  %e = tensor.empty() : tensor<1024x64xf32>
  %z = linalg.transpose ins(%d : tensor<64x1024xf32>) outs(%e : tensor<1024x64xf32>) permutation = [1, 0]
  bufferization.materialize_in_destination %z in restrict writable %y : (tensor<1024x64xf32>, memref<1024x64xf32>) -> ()
  return
}

// CHECK-LABEL: llvm.func @transposed_before(
// CHECK: {{vector<.*>|llvm.intr.masked.gather}}
// CHECK: llvm.return
func.func @transposed_before(%x: memref<64x1024xf32>, %y: memref<1024x64xf32>, %s: i64, %o: i64) {
  %t = bufferization.to_tensor %x restrict : memref<64x1024xf32> to tensor<64x1024xf32>
  %e = tensor.empty() : tensor<1024x64xf32>
  %z = linalg.transpose ins(%t : tensor<64x1024xf32>) outs(%e : tensor<1024x64xf32>) permutation = [1, 0]
  %d = dropout.element %z p = 0.3 rng(%s, %o) : tensor<1024x64xf32>
  bufferization.materialize_in_destination %d in restrict writable %y : (tensor<1024x64xf32>, memref<1024x64xf32>) -> ()
  return
}
