# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The examples in the docstrings of mlir_dropout.torch print what they say.

import doctest
import importlib
import inspect

import pytest
import torch

import mlir_dropout
import mlir_dropout.torch as mdt

# Module, and how many of its objects have examples at least.
MODULES = {"": 1, ".functional": 7, "._modules": 6, "._patch": 3, "._checkpoint": 1}


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    module = importlib.import_module("mlir_dropout.torch" + name)
    names = {"torch": torch, "mlir_dropout": mlir_dropout, **vars(mdt)}
    names.update({k: v for k, v in vars(module).items() if not k.startswith("__")})
    finder = doctest.DocTestFinder(exclude_empty=True)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    found = [t for t in finder.find(module, "mlir_dropout.torch" + name, extraglobs=names) if t.examples]
    assert len(found) >= MODULES[name]
    torch.manual_seed(0)
    for test in found:
        output = []
        runner.run(test, out=output.append)
        assert not runner.failures, "".join(output)


def test_all_that_is_public_is_documented():
    for name in mdt.__all__:
        assert inspect.getdoc(getattr(mdt, name)), name
    for name in mdt.functional.__all__:
        assert inspect.getdoc(getattr(mdt.functional, name)), name
    for module in (mdt.Dropout, mdt.Dropout2d):
        assert inspect.getdoc(vars(module.__mro__[2])["mask"]), module
