# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# op-names.py DECLARATIONS PROGRAM: fails unless the program, in the generic form,
# has each op that mlir-tblgen declared, and no other of the dialect.

import re, sys

declarations, program = (open(name).read() for name in sys.argv[1:])
declared = set(re.findall(r'StringLiteral\("(dropout\.\w+)"\)', declarations))
used = set(re.findall(r'"(dropout\.\w+)"\(', program))
if len(declared) < 9 or declared != used:
    sys.exit(f"expected the ops {sorted(declared)}, but got {sorted(used)}")
