# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# listed.py HELP SOURCE: fails unless the help, `dropout-opt --help`, lists the
# passes of each Passes.td with summary and options, and no other of ours, and the
# pages of docs list the same.

import pathlib, re, sys

entry = re.compile(r"^      --([\w-]+) +-   (.*)\n((?:        --.*\n|    =.*\n)*)", re.M)
listed = {name: (summary, set(re.findall(r"^        --([\w-]+)", options, re.M)))
          for name, summary, options in entry.findall(open(sys.argv[1]).read())}
source = pathlib.Path(sys.argv[2])
defined = {}
for td in (source / "include").rglob("Passes.td"):
    for text in re.split(r"^def ", td.read_text(), flags=re.M)[1:]:
        name = re.match(r'\w+\s*:\s*Pass<\s*"([^"]+)"', text).group(1)
        summary = re.search(r'let summary = "([^"]*)"', text).group(1)
        defined[name] = summary, set(re.findall(r'Option<"\w+", "([\w-]+)"', text))
pipelines = {"dropout-to-amdgcn", "dropout-to-cubin", "dropout-to-llvm", "dropout-to-ptx", "dropout-to-spirv"}
ours = {name: what for name, what in listed.items() if "dropout" in name and name not in pipelines}
if len(defined) < 17 or ours != defined or not pipelines <= set(listed):
    sys.exit(f"--help and Passes.td differ: {[(n, ours.get(n), defined.get(n)) for n in ours.keys() | defined.keys() if ours.get(n) != defined.get(n)]}")
pages = "".join(page.read_text() for page in (source / "docs").glob("*Passes.md"))
documented = set(re.findall(r"^### `-([\w-]+)`$", pages, re.M))
if documented != set(defined):
    sys.exit(f"docs/*Passes.md and Passes.td differ: {documented ^ set(defined)}")
