// RUN: dropout-opt %s --dropout-serialize-cuda | FileCheck %s
// RUN: dropout-opt %s --dropout-serialize-cuda --dropout-serialize-cuda | FileCheck %s

// One object, with text; what is the same for all threads is computed once.
// CHECK: gpu.binary @kernels [#gpu.object<#nvvm.target<O = 3, chip = "sm_90", features = "+ptx80">,
// CHECK-SAME: assembly = "{{.*}}.version 8.0{{.*}}.target sm_90{{.*}}.visible .entry scale({{.*}}mul.rn.f32{{.*}}st.global
// CHECK-NOT: gpu.module @kernels
module attributes {gpu.container_module} {
  gpu.module @kernels [#nvvm.target<O = 3, chip = "sm_90", features = "+ptx80">] {
    llvm.func @scale(%p: !llvm.ptr, %v: f32) attributes {gpu.kernel, nvvm.kernel} {
      %x = llvm.load %p : !llvm.ptr -> f32
      %y = llvm.fmul %x, %v : f32
      llvm.store %y, %p : f32, !llvm.ptr
      llvm.return
    }
  }

  // Upstream links libdevice.
  // CHECK: gpu.module @calls [#nvvm.target
  // CHECK: llvm.call @__nv_exp
  gpu.module @calls [#nvvm.target<chip = "sm_90">] {
    llvm.func @__nv_exp(f64) -> f64
    llvm.func @k(%p: !llvm.ptr, %v: f64) attributes {gpu.kernel, nvvm.kernel} {
      %y = llvm.call @__nv_exp(%v) : (f64) -> f64
      llvm.store %y, %p : f64, !llvm.ptr
      llvm.return
    }
  }

  // Somebody else's.
  // CHECK: gpu.module @amd [#rocdl.target
  gpu.module @amd [#rocdl.target<chip = "gfx942">] {
    llvm.func @k(%p: !llvm.ptr, %v: f64) attributes {gpu.kernel, rocdl.kernel} {
      llvm.store %v, %p : f64, !llvm.ptr
      llvm.return
    }
  }

  // CHECK: gpu.module @none {
  gpu.module @none {
    llvm.func @k(%p: !llvm.ptr, %v: f64) attributes {gpu.kernel} {
      llvm.store %v, %p : f64, !llvm.ptr
      llvm.return
    }
  }
}
