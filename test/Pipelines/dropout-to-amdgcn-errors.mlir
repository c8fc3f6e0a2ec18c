// RUN: split-file %s %t

// What can't be done is an error at once, and never LLVM ending the process.

// RUN: not dropout-opt %t/element.mlir --dropout-to-amdgcn=chip=gfx000 2>&1 | FileCheck %s --check-prefix=CHIP
// RUN: not dropout-opt %t/element.mlir --dropout-to-amdgcn=chip=tahiti 2>&1 | FileCheck %s --check-prefix=CHIP
// RUN: not dropout-opt %t/element.mlir --dropout-to-amdgcn=chip=gfx803 2>&1 | FileCheck %s --check-prefix=CHIP
// RUN: not dropout-opt %t/element.mlir --dropout-to-amdgcn=chip=sm_90 2>&1 | FileCheck %s --check-prefix=CHIP
// CHIP: error: expected option 'chip' to be one of {{.*}}gfx90a{{.*}}gfx942{{.*}}, but got '{{gfx000|tahiti|gfx803|sm_90}}'
// CHIP-NOT: error:

// RUN: not dropout-opt %t/element.mlir --dropout-to-amdgcn=features=+magic 2>&1 | FileCheck %s --check-prefix=FEATURES
// RUN: not dropout-opt %t/element.mlir --dropout-to-amdgcn=features=xnack 2>&1 | FileCheck %s --check-prefix=FEATURES
// RUN: not dropout-opt %t/element.mlir --dropout-to-amdgcn=features=+xnack,+wavefrontsize32 2>&1 | FileCheck %s --check-prefix=FEATURES
// FEATURES: error: expected option 'features' to be xnack or sramecc with a sign, as +xnack,-sramecc, but got
// FEATURES-NOT: error:

// RUN: not dropout-opt %t/element.mlir --dropout-to-amdgcn=format=ptx 2>&1 | FileCheck %s --check-prefix=FORMAT
// FORMAT: 'ptx'

// RUN: env PATH=%t ROCM_PATH=%t not dropout-opt %t/element.mlir --dropout-to-amdgcn=format=bin 2>&1 | FileCheck %s --check-prefix=LINKER
// LINKER: error: expected ld.lld, which links code objects, in ROCM_PATH/llvm/bin, or ld.lld-22 or ld.lld in PATH, but found none
// LINKER-NOT: error:
// RUN: env PATH=%t ROCM_PATH=%t dropout-opt %t/element.mlir --dropout-to-amdgcn | FileCheck %s --check-prefix=ASSEMBLY
// ASSEMBLY: gpu.binary

// ROCM_PATH comes first; a linker that fails is an error, and its folder is gone.
// RUN: mkdir -p %t/rocm/llvm/bin %t/tmp
// RUN: ln -sf /bin/false %t/rocm/llvm/bin/ld.lld
// RUN: env TMPDIR=%t/tmp ROCM_PATH=%t/rocm not dropout-opt %t/element.mlir --dropout-to-amdgcn=format=bin 2>&1 | FileCheck %s --check-prefix=FAILS
// FAILS: element.mlir:2:3: error: lld invocation
// RUN: ls %t/tmp | FileCheck %s --check-prefix=FOLDER --allow-empty
// FOLDER-NOT: dropout-rocm

// RUN: not dropout-opt %t/math.mlir --dropout-to-amdgcn 2>&1 | FileCheck %s --check-prefix=MATH
// MATH: math.mlir:2:8: error: expected a kernel to call functions with a body, but got @__ocml_exp_f64

//--- element.mlir
func.func @element(%x: memref<?xf32>, %s: i64, %o: i64) {
  dropout.element %x into %x p = 0.3 rng(%s, %o) : memref<?xf32>, memref<?xf32>
  return
}

//--- math.mlir
func.func @math(%x: tensor<?xf64>) -> tensor<?xf64> {
  %0 = math.exp %x : tensor<?xf64>
  return %0 : tensor<?xf64>
}
