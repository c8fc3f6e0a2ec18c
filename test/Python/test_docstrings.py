# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# What the docstrings say is what happens, and all that is public has one.

import doctest
import importlib
import inspect
import pathlib

import numpy as np
from support import md, process_state

MODULES = ("mlir_dropout", "mlir_dropout._arrays", "mlir_dropout._compile", "mlir_dropout._functions",
           "mlir_dropout._generator", "mlir_dropout._native", "mlir_dropout._threads", "mlir_dropout.__main__")


def test_examples():
    names = {"np": np, "md": md, **{name: getattr(md, name) for name in md.__all__}}
    count = 0
    for name in MODULES:
        module = importlib.import_module(name)
        state = md.get_state()
        failed, attempted = doctest.testmod(module, extraglobs=names)
        assert not failed, f"{failed} examples of {name} (see above)"
        md.set_state(state)
        count += attempted
    assert count >= 20, "examples that are not found prove nothing"


def test_everything_is_documented():
    for name in md.__all__:
        thing = getattr(md, name)
        if name == "__version__":
            continue
        assert (inspect.getdoc(thing) or "").strip(), f"{name} has no docstring"
        members = [m for m in vars(thing).items() if not m[0].startswith("_")] if inspect.isclass(thing) else []
        for member, value in members:
            if callable(value) or isinstance(value, property):
                assert (inspect.getdoc(value) or "").strip(), f"{name}.{member} has no docstring"
    for name in ("element", "channel", "alpha", "feature_alpha", "backward", "mask", "compile", "manual_seed"):
        signature = inspect.signature(getattr(md, name))
        assert signature.return_annotation is not signature.empty, name
        for parameter in signature.parameters.values():
            assert parameter.annotation is not parameter.empty, f"{name}: {parameter.name} has no type"
    package = pathlib.Path(md.__file__).parent
    assert (package / "py.typed").is_file()


def test_public_names():
    """What `from mlir_dropout import *` gives, and nothing by accident."""
    namespace = {}
    exec("from mlir_dropout import *", namespace)
    assert set(namespace) - {"__builtins__"} == set(md.__all__) == set(dict.fromkeys(md.__all__))
    public = {name for name, value in vars(md).items() if not name.startswith("_") and not inspect.ismodule(value)}
    assert public | {"__version__"} == set(md.__all__) | (public & {"annotations"})
    for function in (md.element, md.channel, md.alpha, md.feature_alpha):
        names = list(inspect.signature(function).parameters)
        assert names[:2] == ["x", "p"]
        kinds = [p.kind for p in inspect.signature(function).parameters.values()][2:]
        assert all(kind is inspect.Parameter.KEYWORD_ONLY for kind in kinds)
