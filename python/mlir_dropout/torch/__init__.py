# ===- __init__.py - Dropout for PyTorch -----------------------------------===//
#
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Drop-in dropout for PyTorch on the CPU: torch's modules and functions, with
masks that are the same bits for every thread count, memory format and element
type, made inside of compiled kernels, and never stored.

>>> import torch, mlir_dropout
>>> import mlir_dropout.torch as mdt
>>> model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Dropout(0.2))
>>> mdt.patch(model)[1]
Dropout(p=0.2, inplace=False)
>>> isinstance(model[1], mdt.Dropout), isinstance(model[1], torch.nn.Dropout)
(True, True)

The modules are subclasses of torch's: ``Dropout``, ``Dropout1d``, ``Dropout2d``,
``Dropout3d``, ``AlphaDropout``, ``FeatureAlphaDropout``. The functions are in
``functional``. ``patch`` puts the modules into a model that has torch's.
``checkpoint`` is torch's for modules with generators.

Seeds and offsets come from torch's default generator of the CPU, one draw per
call in training, unless a generator is given. Modes and scopes of ``mlir_dropout``
itself (``training``, ``seed_scope``) have no say here: ``train()`` and ``eval()``
have. Large tensors are shared by ``torch.get_num_threads()`` threads, unless
``mlir_dropout.set_num_threads`` says otherwise.

Under ``torch.compile`` (PyTorch 2.4 on) the calls are operators of the graph,
``torch.ops.mlir_dropout.draw``, ``forward`` and ``backward``.

Works with PyTorch 1.13 and newer. Differences to torch's: dropped NaNs and
infinities don't leak and dropped negatives are +0; p = NaN is refused everywhere;
``inplace`` of the alpha modules is honoured; integers are refused in training also
with p = 1; nested tensors are refused; masks differ from torch's, and don't change with
the number of threads.
"""

try:
    import torch as _torch  # noqa: F401
except ImportError as _error:
    raise ImportError("mlir_dropout.torch needs PyTorch 1.13 or newer, but torch could not be imported "
                      f"({_error}): pip install torch, or on Debian apt-get install python3-torch") from _error

from . import functional
from . import _operators
from ._checkpoint import checkpoint
from ._modules import AlphaDropout, Dropout, Dropout1d, Dropout2d, Dropout3d, FeatureAlphaDropout
from ._patch import patch, patched_functional, unpatch

_operators.register()

__all__ = [
    "AlphaDropout",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Dropout3d",
    "FeatureAlphaDropout",
    "checkpoint",
    "functional",
    "patch",
    "patched_functional",
    "unpatch",
]
