# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# With a PyTorch before 2.4 there is nothing to collect here: what holds for it
# is in test_torch_operators.py.

import torch

if not hasattr(torch.library, "register_fake"):
    collect_ignore = ["test_compile.py"]
