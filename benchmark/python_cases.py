# ===- python_cases.py - What python.py measures ---------------------------===//
#
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Arrays, and what can be timed on them: ours, a copy, and what people use today."""

import ctypes
import itertools
import re

import peers

MIB = peers.MIB
P = 0.1


class Case(peers.Case):
    """Dropout of an array of ones, and with `backward` its gradient for ones."""

    def __init__(self, kind, type, size, backward, p=P):
        super().__init__(kind, type, p, size)
        self.backward = backward

    @property
    def name(self):
        return super().name + (" backward" if self.backward else "")

    @property
    def shape(self):
        """Channels are 1,024 elements long, as many in a batch entry as there are entries, or four times."""
        if self.kind != "channel":
            return (self.elements,)
        channels = self.elements // 1024
        batch = 1 << ((channels.bit_length() - 1) // 2)
        return (batch, channels // batch, 1024)

    @property
    def draws(self):
        return self.elements // 1024 if self.kind == "channel" else self.elements

    def describe(self):
        return {"name": self.name, "kind": self.kind, "type": self.type, "p": self.p, "bytes": self.bytes,
                "backward": self.backward}


def get_cases(quick, pattern=""):
    sizes = (64 << 10, MIB) if quick else (64 << 10, MIB, 64 * MIB)
    cases = [Case(kind, type, size, backward) for backward in (False, True) for kind in ("element", "alpha", "channel")
             for type in ("f32", "bf16") for size in sizes]
    return [case for case in cases if re.search(pattern, case.name)]


def alpha_constants(p):
    """Scale, shift and dropped value."""
    alpha, q = -1.7580993408473768, 1 - p
    scale = (q + alpha * alpha * q * p) ** -0.5
    return scale, -scale * p * alpha, scale * alpha - scale * p * alpha


# ===----------------------------------------------------------------------===//
# What can be timed on a case
# ===----------------------------------------------------------------------===//


class Kernel:
    """run(calls) does the work; result() gives (y, dx or None) of one call as NumPy arrays of f32."""

    def __init__(self, name, run, result):
        self.name, self.run, self.result = name, run, result


def repeat(call):
    def run(calls):
        for _ in range(calls):
            call()

    return run


class Memory:
    """x, y, dy and dx of a case, as NumPy arrays in huge pages; `bits` are the same as integers."""

    def __init__(self, case):
        import numpy as np
        kind = np.uint32 if case.type == "f32" else np.uint16
        self.bits = []
        for arrays in [peers.Arrays(case) for _ in range(2 if case.backward else 1)]:
            for memory, address in zip(arrays.maps, arrays.addresses):
                first = address - ctypes.addressof(ctypes.c_char.from_buffer(memory))
                self.bits.append(np.frombuffer(memory, kind, case.elements, first).reshape(case.shape))
        self.type = np.dtype(np.float32)
        if case.type == "bf16":
            import ml_dtypes
            self.type = np.dtype(ml_dtypes.bfloat16)
        self.x, self.y, *rest = (bits.view(self.type) for bits in self.bits)
        self.dy, self.dx = rest if case.backward else (None, None)


def make_copy(case, memory):
    import numpy as np
    copy = np.copyto
    x, y, *rest = memory.bits

    def run(calls):
        for _ in range(calls):
            copy(y, x)

    def run_both(calls):
        dy, dx = rest
        for _ in range(calls):
            copy(y, x)
            copy(dx, dy)

    return Kernel("copy", run_both if case.backward else run, None)


def make_ours(case, memory, threads=1):
    import mlir_dropout as md
    import numpy as np
    function, backward, kind, p = getattr(md, case.kind), md.backward, case.kind, case.p
    x, y, dy, dx = memory.x, memory.y, memory.dy, memory.dx
    offsets = itertools.count()

    def run(calls):
        md.set_num_threads(threads)
        for _ in range(calls):
            function(x, p, seed=42, offset=next(offsets), out=y)

    def run_both(calls):
        md.set_num_threads(threads)
        for _ in range(calls):
            offset = next(offsets)
            function(x, p, seed=42, offset=offset, out=y)
            backward(dy, p, kind=kind, seed=42, offset=offset, out=dx)

    run = run_both if case.backward else run

    def result():
        run(1)
        return y.astype(np.float32), dx.astype(np.float32) if case.backward else None

    return Kernel("ours, NumPy" if threads == 1 else "ours, %d threads" % threads, run, result)


def make_numpy(case, memory):
    """What people write by hand."""
    import numpy as np
    rng, x, dy, p = np.random.default_rng(42), memory.x, memory.dy, np.float32(case.p)
    one = np.float32(1)
    shape = x.shape[:2] + (1,) if case.kind == "channel" else x.shape
    scale, shift, dropped = map(np.float32, alpha_constants(case.p))
    to = (lambda a: a) if case.type == "f32" else lambda a: a.astype(x.dtype)

    def forward():
        keep = rng.random(shape, dtype=np.float32) >= p
        if case.kind == "alpha":
            return to(np.where(keep, scale * x + shift, dropped)), keep
        return to(x * keep / (one - p)), keep

    def both():
        y, keep = forward()
        if case.kind == "alpha":
            return y, to(scale * dy * keep)
        return y, to(dy * keep / (one - p))

    def result():
        y, dx = both() if case.backward else (forward()[0], None)
        return y.astype(np.float32), None if dx is None else dx.astype(np.float32)

    return Kernel("NumPy", repeat(both if case.backward else forward), result)


def make_torch(name, case, memory, layer):
    import torch
    signed = [bits.view("int32" if case.type == "f32" else "int16") for bits in memory.bits]
    x, _, *rest = (torch.from_numpy(bits).view(torch.float32 if case.type == "f32" else torch.bfloat16)
                   for bits in signed)
    gradient = torch.autograd.grad
    if case.backward:
        x.requires_grad_()

        def call():
            y = layer(x)
            return y, gradient(y, x, rest[0])[0]
    else:
        def call():
            return layer(x), None

    def result():
        y, dx = call()
        return y.detach().float().numpy(), None if dx is None else dx.float().numpy()

    return Kernel(name, repeat(call if case.backward else lambda: layer(x)), result)


def make_jax(case):
    import jax
    import jax.numpy as jnp
    import numpy as np
    p = case.p
    scale, shift, dropped = alpha_constants(p)
    x = jnp.ones(case.shape, dtype=jnp.float32 if case.type == "f32" else jnp.bfloat16)
    key = jax.random.key(42)

    def forward(x, key, step):
        shape = x.shape[:2] + (1,) if case.kind == "channel" else x.shape
        keep = jax.random.bernoulli(jax.random.fold_in(key, step), 1 - p, shape)
        if case.kind == "alpha":
            return jnp.where(keep, scale * x + shift, dropped).astype(x.dtype)
        return jnp.where(keep, x / (1 - p), 0).astype(x.dtype)

    def both(x, dy, key, step):
        y, pull = jax.vjp(lambda x: forward(x, key, step), x)
        return y, pull(dy)[0]

    function, arguments = (jax.jit(both), (x, x)) if case.backward else (jax.jit(forward), (x,))
    steps = itertools.count()

    def call():
        return jax.block_until_ready(function(*arguments, key, next(steps)))

    def result():
        found = call()
        y, dx = found if case.backward else (found, None)
        return np.asarray(y, np.float32), None if dx is None else np.asarray(dx, np.float32)

    return Kernel("JAX jit", repeat(call), result)


def check_kept(kernel, case):
    """Whether a kernel does what it shall: the share that is kept, within 6 sigma; values; the gradient's mask."""
    import numpy as np
    y, dx = kernel.result()
    kept = y > 0
    if case.kind == "channel":
        if not (kept == kept[..., :1]).all():
            raise RuntimeError("expected whole channels to be dropped")
        kept = kept[..., 0]
    share, bound = kept.mean(), 6 * (case.p * (1 - case.p) / case.draws) ** 0.5
    if abs(share - (1 - case.p)) > bound:
        raise RuntimeError("expected a share of %.4f +- %.4f to be kept, but got %.4f" % (1 - case.p, bound, share))
    scale, shift, dropped = alpha_constants(case.p) if case.kind == "alpha" else (1 / (1 - case.p), 0, 0)
    for what, got, on, off in (("y", y, scale + shift, dropped), ("dx", dx, scale, 0)):
        if got is None:
            continue
        if ((got > 0) != (y > 0)).any():
            raise RuntimeError("expected %s to keep what y keeps" % what)
        wrong = np.abs(got - np.where(got > 0, on, off)).max()
        if wrong > (1e-5 if case.type == "f32" else 2e-2):
            raise RuntimeError("expected values of %s to be %.4f and %.4f, but one is %.4f off"
                               % (what, on, off, wrong))


# ===----------------------------------------------------------------------===//
# What a call costs
# ===----------------------------------------------------------------------===//

OVERHEAD_ELEMENTS = 64


def overhead_calls():
    """(group, name, statement, goal in microseconds or None); names are those of `overhead_scope`."""
    yield "NumPy", "np.copyto(y, x)", "copyto(y, x)", None
    yield "NumPy", "np.copyto(np.empty_like(x), x)", "copyto(empty_like(x), x)", None
    yield "NumPy", "element(x, p)", "element(x, 0.1)", 3
    yield "NumPy", "element(x, p, out=y)", "element(x, 0.1, out=y)", 3
    yield "NumPy", "element(x, p, inplace=True)", "element(z, 0.0, inplace=True)", 3
    yield "NumPy", "element(x, p, seed=s, offset=o)", "element(x, 0.1, seed=1, offset=2)", 3
    yield "NumPy", "element(x, p, generator=g)", "element(x, 0.1, generator=g)", 3
    yield "NumPy", "element(x, p, training=False)", "element(x, 0.1, training=False)", 3
    yield "NumPy", "alpha(x, p)", "alpha(x, 0.1)", 3
    yield "NumPy", "channel(x, p), x of 4 x 4 x 4", "channel(x3, 0.1)", 3
    yield "NumPy", "backward(dy, p, seed=s, offset=o)", "backward(x, 0.1, seed=1, offset=2)", 3
    yield "NumPy", "mask(64, p)", "mask(64, 0.1)", 3
    yield "torch", "x.clone()", "t.clone()", None
    for title, layer, x in (("Dropout", "drop", "t"), ("AlphaDropout", "alphas", "t"), ("Dropout1d", "channels", "t3")):
        yield "torch", "mlir_dropout.torch.%s, forward" % title, "our_%s(%s)" % (layer, x), 8
        yield "torch", "torch.nn.%s, forward" % title, "their_%s(%s)" % (layer, x), None
    yield "torch", "mlir_dropout.torch.Dropout, forward of a tensor with gradient", "our_drop(tg)", 8
    yield "torch", "torch.nn.Dropout, forward of a tensor with gradient", "their_drop(tg)", None
    yield "torch", "mlir_dropout.torch.Dropout, forward and backward", "grad(our_drop(tg), tg, t)", None
    yield "torch", "torch.nn.Dropout, forward and backward", "grad(their_drop(tg), tg, t)", None
    yield "torch", "mlir_dropout.torch.Dropout with a generator, forward", "our_drop_g(t)", 8
    yield "torch", "mlir_dropout.torch.Dropout, eval()", "our_eval(t)", None
    yield "torch", "torch.nn.Dropout, eval()", "their_eval(t)", None


def overhead_scope():
    import mlir_dropout as md
    import numpy as np
    n = OVERHEAD_ELEMENTS
    scope = {name: getattr(md, name) for name in ("element", "alpha", "channel", "backward", "mask")}
    scope.update(copyto=np.copyto, empty_like=np.empty_like, g=md.Generator(1), x=np.ones(n, np.float32),
                 y=np.ones(n, np.float32), z=np.ones(n, np.float32), x3=np.ones((4, 4, 4), np.float32))
    versions = {"NumPy": np.__version__}
    try:
        import torch
    except ImportError:
        return scope, versions
    import mlir_dropout.torch as mdt
    torch.set_num_threads(1)
    versions["torch"] = torch.__version__
    for name, layer in (("drop", "Dropout"), ("alphas", "AlphaDropout"), ("channels", "Dropout1d")):
        scope["our_" + name] = getattr(mdt, layer)(P)
        scope["their_" + name] = getattr(torch.nn, layer)(P)
    scope.update(our_drop_g=mdt.Dropout(P, generator=md.Generator(1)), our_eval=mdt.Dropout(P).eval(),
                 their_eval=torch.nn.Dropout(P).eval(), t=torch.ones(n), t3=torch.ones(4, 4, 4),
                 tg=torch.ones(n, requires_grad=True), grad=torch.autograd.grad)
    return scope, versions
