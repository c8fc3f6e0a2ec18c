# ===- _arrays.py - Arrays of other libraries ------------------------------===//
#
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""What the extension asks Python for."""


def get_importer(like):
    """What makes an array of the library of `like` from one that has DLPack; None if
    that is not known."""
    namespace = getattr(like, "__array_namespace__", None)
    if namespace is not None:  # The array API standard: JAX and others.
        importer = getattr(namespace(), "from_dlpack", None)
        if importer is not None:
            return importer
    module = type(like).__module__.partition(".")[0]
    if module == "jaxlib":
        import jax.dlpack

        return jax.dlpack.from_dlpack
    return getattr(type(like), "from_dlpack", None)


def bump_version(tensor):
    """Tells torch that `tensor` was written to, as its own in-place operations do:
    autograd then refuses to use what it had saved of it."""
    import torch

    increment = getattr(torch.autograd.graph, "increment_version", None)
    if increment is not None:
        increment(tensor)
        return
    with torch.no_grad():  # A view shares the version; this one has no elements.
        tensor.detach().reshape(-1)[:0].zero_() if tensor.dim() == 0 else tensor.detach().narrow(0, 0, 0).zero_()
