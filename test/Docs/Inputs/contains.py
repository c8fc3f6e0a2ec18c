# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# contains.py PAGE FILE...: fails unless the page holds every file word for word.

import pathlib
import sys

page, *files = (pathlib.Path(name).read_text() for name in sys.argv[1:])
for name, text in zip(sys.argv[2:], files):
    if text.strip() not in page:
        sys.exit(f"{sys.argv[1]} does not hold {name}:\n{text}")
