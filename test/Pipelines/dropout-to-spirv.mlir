// RUN: dropout-opt %s --dropout-to-spirv > %t
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=CHANNEL < %t
// RUN: FileCheck %s --check-prefix=KERNEL < %t
// RUN: FileCheck %s --check-prefix=NONE --implicit-check-not=i128 --implicit-check-not='i8,' --implicit-check-not='rtarray<f32, stride=2' < %t
// RUN: dropout-opt %s "--dropout-to-spirv=block-size=64 elements-per-thread=32" | FileCheck %s --check-prefix=OPTIONS

// The host keeps its launches: they say what is bound, in which order.

// CHECK-LABEL: func.func @element(
// CHECK-SAME:  %[[X:.*]]: memref<?xf32>, %[[Y:.*]]: memref<?xf32>, %{{.*}}: f64 {dropout.probability}, %[[S:.*]]: i64, %[[O:.*]]: i64)
// CHECK:       dropout.check_p
// CHECK:       %[[N:.*]] = memref.dim %[[X]]
// CHECK:       gpu.launch_func @dropout_kernels::@element_0 blocks in (%{{.*}}, %c1, %c1) threads in (%c128, %c1, %c1)
// CHECK-SAME:  args(%[[O]] : i64, %[[S]] : i64, %{{.*}} : i32, %{{.*}} : i64, %{{.*}} : i32, %[[N]] : index, %[[X]] : memref<?xf32>, %{{.*}} : f32, %[[Y]] : memref<?xf32>)
// CHECK:       gpu.launch_func @dropout_kernels::@element_0_inactive

// Rows go to y of the grid, and blocks keep their shape.
// CHANNEL-LABEL: func.func @channel(
// CHANNEL:       gpu.launch_func @dropout_kernels::@channel_0 blocks in (%{{.*}}, %{{.*}}, %c1) threads in (%c128, %c1, %c1)

// CHECK-LABEL: spirv.module @__spv__dropout_kernels Logical GLSL450 requires
// CHECK-SAME:  Int64
// CHECK-SAME:  StorageBuffer16BitAccess
// CHECK-DAG:   spirv.GlobalVariable @element_0_arg_0 bind(0, 0) : !spirv.ptr<!spirv.struct<(i64 [0])>, StorageBuffer>
// CHECK-DAG:   spirv.GlobalVariable @element_0_arg_5 bind(0, 5) : !spirv.ptr<!spirv.struct<(i64 [0])>, StorageBuffer>
// CHECK-DAG:   spirv.GlobalVariable @element_0_arg_6 bind(0, 6) : !spirv.ptr<!spirv.struct<(!spirv.rtarray<f32, stride=4> [0])>, StorageBuffer>
// CHECK-DAG:   spirv.GlobalVariable @element_0_arg_7 bind(0, 7) : !spirv.ptr<!spirv.struct<(f32 [0])>, StorageBuffer>
// CHECK-DAG:   spirv.GlobalVariable @element_0_arg_8 bind(0, 8) : !spirv.ptr<!spirv.struct<(!spirv.rtarray<f32, stride=4> [0])>, StorageBuffer>
// CHECK-DAG:   !spirv.rtarray<f16, stride=2>
// CHECK-DAG:   spirv.FMul %{{.*}}, %{{.*}} {no_contraction} : f32
// CHECK-DAG:   spirv.FAdd %{{.*}}, %{{.*}} {no_contraction} : f16
// CHECK-DAG:   spirv.GL.Fma {{.*}} : f32
// CHECK-DAG:   spirv.EntryPoint "GLCompute" @element_0,
// CHECK-DAG:   spirv.ExecutionMode @element_0 "LocalSize", 128, 1, 1
// CHECK-DAG:   spirv.ExecutionMode @element_0_inactive "LocalSize", 128, 1, 1
// CHECK-DAG:   spirv.ExecutionMode @channel_0 "LocalSize", 128, 1, 1
// CHECK:       gpu.module @dropout_kernels

// Two blocks of eight, drawn in a loop: the ten rounds once, and one more in the
// loop that decides ties.
// KERNEL-LABEL: spirv.func @element_0(
// KERNEL-COUNT-22: spirv.IMul {{.*}} : i64
// KERNEL: spirv.Return

// NONE: spirv.module

// OPTIONS: threads in (%c64,
// OPTIONS: spirv.ExecutionMode @element_0 "LocalSize", 64, 1, 1

func.func @element(%x: memref<?xf32>, %y: memref<?xf32>, %p: f64, %s: i64, %o: i64) {
  dropout.element %x into %y p(%p) rng(%s, %o) : memref<?xf32>, memref<?xf32>
  return
}

func.func @channel(%x: memref<?x?x?xf16>, %y: memref<?x?x?xf16>, %s: i64, %o: i64) {
  dropout.channel %x into %y p = 0.3 rng(%s, %o) : memref<?x?x?xf16>, memref<?x?x?xf16>
  return
}

func.func @alpha(%x: tensor<3x5xf16>, %b: tensor<3x5xf16>, %s: i64, %o: i64) -> tensor<3x5xf16> {
  %0 = arith.addf %x, %b : tensor<3x5xf16>
  %1 = dropout.alpha %0 p = 0.3 rng(%s, %o) : tensor<3x5xf16>
  return %1 : tensor<3x5xf16>
}

func.func @state(%x: memref<?xf32>, %y: memref<?xf32>, %state: memref<2xi64>) {
  dropout.element %x into %y p = 0.3 rng(%state : memref<2xi64>) : memref<?xf32>, memref<?xf32>
  return
}
