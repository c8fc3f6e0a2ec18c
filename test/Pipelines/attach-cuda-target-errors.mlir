// RUN: not dropout-opt %s --dropout-attach-cuda-target=chip=magic 2>&1 | FileCheck %s --check-prefix=CHIP
// RUN: not dropout-opt %s --dropout-attach-cuda-target=chip=sm_9 2>&1 | FileCheck %s --check-prefix=NINE
// RUN: not dropout-opt %s --dropout-attach-cuda-target=chip= 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not dropout-opt %s '--dropout-attach-cuda-target=features=ptx80' 2>&1 | FileCheck %s --check-prefix=FEATURES -DGOT=ptx80
// RUN: not dropout-opt %s '--dropout-attach-cuda-target=features=-ptx80' 2>&1 | FileCheck %s --check-prefix=FEATURES -DGOT=-ptx80
// RUN: not dropout-opt %s '--dropout-attach-cuda-target=features=+ptx8' 2>&1 | FileCheck %s --check-prefix=FEATURES -DGOT=+ptx8
// RUN: not dropout-opt %s '--dropout-attach-cuda-target=features=+sm_90' 2>&1 | FileCheck %s --check-prefix=FEATURES -DGOT=+sm_90
// RUN: not dropout-opt %s '--dropout-attach-cuda-target=chip=sm_100 features=+ptx80' 2>&1 | FileCheck %s --check-prefix=OLD
// RUN: not dropout-opt %s '--dropout-attach-cuda-target=chip=sm_90a features=+ptx78' 2>&1 | FileCheck %s --check-prefix=OLD90
// RUN: not dropout-opt %s --dropout-to-ptx=chip=sm_8 2>&1 | FileCheck %s --check-prefix=PIPELINE
// RUN: not dropout-opt %s '--dropout-to-ptx=chip=sm_80 features=+ptx64' 2>&1 | FileCheck %s --check-prefix=OLD80
// RUN: not dropout-opt %s --dropout-to-cubin=chip=sm_8 2>&1 | FileCheck %s --check-prefix=PIPELINE
// Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// LLVM would end the process at any of these.
// CHIP: error: expected option 'chip' to be one of {{.*}}sm_80, {{.*}}sm_90, {{.*}}, but got 'magic'
// NINE: error: expected option 'chip' to be one of {{.*}}, but got 'sm_9'
// NONE: error: expected option 'chip' to be one of {{.*}}, but got ''
// PIPELINE: error: expected option 'chip' to be one of {{.*}}, but got 'sm_8'
// FEATURES: error: expected option 'features' to be a PTX version, as +ptx80, but got '[[GOT]]'
// OLD: error: expected option 'features' to name PTX 8.6 or later for sm_100, but got '+ptx80'
// OLD90: error: expected option 'features' to name PTX 8.0 or later for sm_90a, but got '+ptx78'
// OLD80: error: expected option 'features' to name PTX 7.0 or later for sm_80, but got '+ptx64'
gpu.module @kernels {
}
