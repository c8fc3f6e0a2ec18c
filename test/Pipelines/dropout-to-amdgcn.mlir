// RUN: dropout-opt %s --dropout-to-amdgcn > %t
// RUN: FileCheck %s --check-prefix=HOST < %t
// RUN: %python %S/Inputs/gpu-object.py %t > %t.s
// RUN: FileCheck %s --check-prefix=ELEMENT < %t.s
// RUN: FileCheck %s --check-prefix=CHANNEL < %t.s
// RUN: FileCheck %s --check-prefix=ALL --implicit-check-not=scratch_ --implicit-check-not=flat_load --implicit-check-not=__oc --implicit-check-not='segment_fixed_size{{:?}} {{[1-9]}}' < %t.s
// RUN: dropout-opt %s --dropout-to-amdgcn=format=bin | %python %S/Inputs/gpu-object.py > %t.hsaco
// RUN: llvm-readobj --file-headers --symbols --notes %t.hsaco | FileCheck %s --check-prefix=ELF
// RUN: llvm-nm --undefined-only %t.hsaco | count 0
// RUN: dropout-opt %s "--dropout-to-amdgcn=chip=gfx1100 block-size=128 elements-per-thread=32" | FileCheck %s --check-prefix=OPTIONS

// Kernels are made for AMD GPUs without any library of the vendor's; the host
// keeps its launches, of functions that are in the object.

// HOST: module attributes {gpu.container_module}
// HOST-LABEL: func.func @element(
// HOST-SAME: %{{.*}}: memref<?xf32>, %{{.*}}: memref<?xf32>, %{{.*}}: f64 {dropout.probability}, %{{.*}}: i64, %{{.*}}: i64)
// HOST: dropout.check_p
// HOST: gpu.launch_func @dropout_kernels::@element_0 blocks in
// HOST: gpu.launch_func @dropout_kernels::@element_0_unaligned blocks in
// HOST: gpu.binary @dropout_kernels [#gpu.object<#rocdl.target<O = 3, chip = "gfx942">

// OPTIONS: gpu.launch_func @dropout_kernels::@element_0 blocks in
// OPTIONS-SAME: threads in (%c128,
// OPTIONS: #rocdl.target<O = 3, chip = "gfx1100">

// Two blocks of eight f32: four loads of 16 bytes, then 20 multiplies for each
// block, all of them wide, of which the two have one in common (it is uniform,
// and so a scalar one), and one branch on ties.

// ELEMENT-LABEL: {{^}}element_0:
// ELEMENT-NOT:   v_mul_
// ELEMENT:       v_cmp_{{.*}}_i64
// ELEMENT-NOT:   v_mul_
// ELEMENT-COUNT-4: global_load_dwordx4
// ELEMENT-NOT:   global_load
// ELEMENT-COUNT-38: v_mad_u64_u32
// ELEMENT-NOT:   v_mad_u64_u32
// ELEMENT:       v_pk_min_u16
// ELEMENT-NOT:   v_mad_u64_u32
// ELEMENT:       s_cbranch_
// ELEMENT:       .amdhsa_private_segment_fixed_size 0
// ELEMENT:       .amdhsa_float_denorm_mode_32 3
// ELEMENT:       .amdhsa_ieee_mode 1

// CHANNEL-LABEL: {{^}}channel_0:
// CHANNEL:       global_load_dwordx4
// CHANNEL:       global_store_dwordx4
// CHANNEL:       .amdhsa_private_segment_fixed_size 0

// ALL-COUNT-21: .amdhsa_private_segment_fixed_size 0

// ELF:     Format: elf64-amdgpu
// ELF:     Arch: amdgcn
// ELF:     Type: SharedObject
// ELF:     EF_AMDGPU_MACH_AMDGCN_GFX942
// ELF:     Name: element_0.kd
// ELF:     .name: element_0
// ELF:     .private_segment_fixed_size: 0

func.func @element(%x: memref<?xf32>, %y: memref<?xf32>, %p: f64, %s: i64, %o: i64) {
  dropout.element %x into %y p(%p) rng(%s, %o) : memref<?xf32>, memref<?xf32>
  return
}

func.func @channel(%x: memref<?x?x?xbf16>, %y: memref<?x?x?xbf16>, %s: i64, %o: i64) {
  dropout.channel %x into %y p = 0.3 rng(%s, %o) : memref<?x?x?xbf16>, memref<?x?x?xbf16>
  return
}

func.func @alpha(%x: memref<?xf16>, %y: memref<?xf16>, %s: i64, %o: i64) {
  dropout.alpha %x into %y p = 0.3 rng(%s, %o) : memref<?xf16>, memref<?xf16>
  return
}

func.func @feature_alpha(%x: memref<?x?x?xf64>, %y: memref<?x?x?xf64>, %s: i64, %o: i64) {
  dropout.feature_alpha %x into %y p = 0.3 rng(%s, %o) : memref<?x?x?xf64>, memref<?x?x?xf64>
  return
}

func.func @backward(%x: memref<?xf64>, %y: memref<?xf64>, %s: i64, %o: i64) {
  dropout.backward alpha %x into %y p = 0.3 rng(%s, %o) : memref<?xf64>, memref<?xf64>
  return
}

func.func @mask(%m: memref<?xi1>, %s: i64, %o: i64) {
  dropout.mask into %m p = 0.3 rng(%s, %o) : memref<?xi1>
  return
}

func.func @bytes(%x: memref<?xbf16>, %y: memref<?xbf16>, %s: i64, %o: i64) {
  dropout.element %x into %y p = 0.25 rounds = 7 resolution = 8 rng(%s, %o) : memref<?xbf16>, memref<?xbf16>
  return
}

func.func @math(%x: tensor<?xf32>, %s: i64, %o: i64) -> tensor<?xf32> {
  %0 = math.erf %x : tensor<?xf32>
  %1 = math.exp %0 : tensor<?xf32>
  %2 = math.tanh %1 : tensor<?xf32>
  %3 = dropout.element %2 p = 0.3 rng(%s, %o) : tensor<?xf32>
  return %3 : tensor<?xf32>
}

func.func @matmul(%a: tensor<?x?xf32>, %b: tensor<?x?xf32>, %c: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %0 = linalg.matmul ins(%a, %b : tensor<?x?xf32>, tensor<?x?xf32>) outs(%c : tensor<?x?xf32>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}
