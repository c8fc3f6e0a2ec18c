# RUN: %python %s %clang %if sanitizers %{ -std=c++17 -ffp-contract=off -DDROPOUT_RUNTIME_BUILD -I %include %dropout_src/lib/Runtime/*.cpp %} %else %{ %dropout_runtime_lib %}
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Dropout among its neighbours in one loop: a bias that is broadcast, an
# activation, a residual; two draws at different places; masks that are
# broadcast, permuted, turned or stored as well; static and dynamic shapes, every
# element type, rows of every length, between guard pages.

import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
sys.dont_write_bytecode = True
import numpy as np
import native, oracle
from harness import done, random
from native import HOST, Checker, Module, guarded, options

MOST = 6 * 1100
DATA = {(ty, k): random((MOST,), ty, 11 + k) for ty in oracle.TYPES for k in range(3)}
RNG, AT = "rng(%s, %o)", "at [%i, %j] of [%m, %n]"
BIG = dict(m=2**27, n=2**20 + 5)  # the whole that the windows are in


def shaped(shape, ty, layout=""):
    return f"memref<{''.join('?x' if s is None else f'{s}x' for s in shape)}{ty}{layout}>"


class Program:
    """Lines on tensors. shape: rows and columns, None where dynamic."""

    def __init__(self, shape, ty):
        self.shape, self.ty, self.lines, self.memrefs, self.dims = shape, ty, ["%c0 = arith.constant 0 : index",
                                                                              "%c1 = arith.constant 1 : index"], {}, None
        self.serial = 0

    def tensor(self, shape=None, ty=None):
        return shaped(shape or self.shape, ty or self.ty).replace("memref", "tensor")

    def input(self, name, shape=None, layout=""):
        shape = shape or self.shape
        T = shaped(shape, self.ty, layout)
        self.memrefs[name] = T
        self.lines.append(f"%{name}t = bufferization.to_tensor %{name} restrict : {T} to {self.tensor(shape)}")
        if self.dims is None and len(shape) == 2:
            self.dims = [d for d, s in enumerate(shape) if s is None]
            self.lines += [f"%d{d} = tensor.dim %{name}t, %c{d} : {self.tensor(shape)}" for d in self.dims]
        return f"%{name}t"

    def new(self, text, shape=None, ty=None):
        self.serial += 1
        self.lines.append(f"%v{self.serial} = " + text.replace("TYPE", self.tensor(shape, ty)))
        return f"%v{self.serial}"

    def sizes(self, order=(0, 1)):
        return ", ".join(f"%d{d}" for d in order if self.shape[d] is None)

    def empty(self, ty=None):
        return self.new(f"tensor.empty({self.sizes()}) : TYPE", ty=ty)

    def spread(self, value, kept):
        """A vector along dim `kept`, spread over the other."""
        n = self.new(f"linalg.broadcast ins({value} : {self.tensor((self.shape[kept],))}) outs({self.empty()} : TYPE) "
                     f"dimensions = [{1 - kept}]")
        return n

    def add(self, a, b):
        return self.new(f"arith.addf {a}, {b} : TYPE")

    def relu(self, a):
        zero = self.new("arith.constant dense<0.0> : TYPE") if None not in self.shape else self.new(
            f"tensor.splat %zero{'[' + self.sizes() + ']'} : TYPE")
        if None in self.shape:
            self.lines.insert(-1, f"%zero = arith.constant 0.0 : {self.ty}")
        return self.new(f"arith.maximumf {a}, {zero} : TYPE")

    def drop(self, op, a, tail):
        return self.new(f"dropout.{op} {a} {tail} : TYPE")

    def select(self, mask, map, a, mask_shape):
        """a where the mask, read through `map`, is 1; else 0."""
        init = self.empty()
        self.serial += 1
        k, ty = self.serial, self.ty
        self.lines += [f"%v{k} = linalg.generic {{indexing_maps = [affine_map<(d0, d1) -> {map}>, affine_map<(d0, d1) -> (d0, d1)>, "
                       f"affine_map<(d0, d1) -> (d0, d1)>], iterator_types = [\"parallel\", \"parallel\"]}} ins({mask}, {a} : "
                       f"{self.tensor(mask_shape, 'i1')}, {self.tensor()}) outs({init} : {self.tensor()}) {{",
                       f"^bb0(%l: i1, %e: {ty}, %old: {ty}):", f"  %z = arith.constant 0.0 : {ty}",
                       f"  %q = arith.select %l, %e, %z : {ty}", f"  linalg.yield %q : {ty}", f"}} -> {self.tensor()}"]
        return f"%v{k}"

    def output(self, name, value, layout="", ty=None):
        T = shaped(self.shape, ty or self.ty, layout)
        self.memrefs[name] = T
        self.lines.append(f"bufferization.materialize_in_destination {value} in restrict writable %{name} : "
                          f"({self.tensor(ty=ty)}, {T}) -> ()")


ROWS = ", strided<[?, 1], offset: ?>"
ANY = ", strided<[?, ?], offset: ?>"


def programs(m, shape, ty, tag=""):
    def program(name, last, layout=""):
        m.add(f"{name}_{ty}{tag}", p.memrefs, p.lines) if last is None else p.output("y", last, layout)
        if last is not None:
            m.add(f"{name}_{ty}{tag}", p.memrefs, p.lines)

    # relu(x + bias), dropout, + residual.
    p = Program(shape, ty)
    h = p.add(p.input("x"), p.spread(p.input("b", (shape[1],)), 1))
    p_r = p.input("r")
    program("chain", p.add(p.drop("element", p.relu(h), f"p(%p) {RNG} training(%t)"), p_r))
    # The same between rows with padding, alpha, somewhere in a larger whole; the bias one per row.
    p = Program(shape, ty)
    h = p.add(p.input("x", layout=ROWS), p.spread(p.input("b", (shape[0],)), 0))
    p_r = p.input("r", layout=ROWS)
    program("padded", p.add(p.drop("alpha", h, f"p = 0.3 {RNG} {AT}"), p_r), ROWS)
    # Two draws that do not begin together.
    p = Program(shape, ty)
    a = p.drop("element", p.input("x"), f"p = 0.3 {RNG} {AT}")
    b = p.drop("backward alpha", p.input("r"), f"p(%p) rounds = 7 rng(%o, %s) at [%j, %i] of [%m, %n]")
    program("two", p.add(a, b))
    # Two of the same operand, one of which draws bytes, gathered from strides.
    p = Program(shape, ty)
    x = p.input("x", layout=ANY)
    a = p.drop("element", x, f"p = 0.3 {RNG} {AT}")
    b = p.drop("element", x, f"p = 0.5 resolution = 8 {RNG}")
    program("twice", p.add(a, b), ANY)
    # Channels, by rows and by columns, and elements in one loop.
    p = Program(shape, ty)
    a = p.drop("channel", p.input("x"), f"p = 0.3 mask_dims = [0] {RNG}")
    a = p.drop("feature_alpha", a, f"p = 0.5 mask_dims = [1] rng(%o, %s)")
    program("channels", p.drop("element", p.add(a, p.input("r")), f"p = 0.3 {RNG} training(%t)"))
    # A mask's dims in the other order.
    p = Program(shape, ty)
    a = p.drop("feature_alpha", p.input("x"), f"p = 0.3 mask_dims = [1, 0] {RNG}")
    program("turned", p.add(a, p.input("r")))
    # The mask itself: turned, one per row, one per column.
    for name, map, order in (("transposed", "(d1, d0)", (1, 0)), ("per_row", "(d0)", (0,)), ("per_column", "(d1)", (1,))):
        p = Program(shape, ty)
        x = p.input("x")
        mask_shape = tuple(shape[d] for d in order)
        sizes = p.sizes(order)
        mask = p.new(f"dropout.mask{f'({sizes})' if sizes else ''} p = 0.3 {RNG} : TYPE", mask_shape, "i1")
        program(name, p.add(p.select(mask, map, x, mask_shape), p.input("r")))
    # Values and mask both.
    p = Program(shape, ty)
    p.lines.append(f"%drop, %mask = dropout.element {p.input('x')} p = 0.3 {RNG} {AT} : {p.tensor()}, {p.tensor(ty='i1')}")
    p.output("y", p.add("%drop", p.input("r")))
    p.output("k", "%mask", ty="i1")
    program("both", None)


def check(library, ty, sizes, tag=""):
    call = Checker(40 * native.PAGE, 4)
    plus = lambda a, b: oracle.narrow(oracle.widen(a, ty) + oracle.widen(b, ty), ty)
    for serial, (r, c) in enumerate(sizes):
        x, b, res = (DATA[ty, k] for k in range(3))
        x, res, b = x[:r * c].reshape(r, c), res[:r * c].reshape(r, c), b[:max(r, c)]
        where = ("end", "begin", [0, 8, 16, 0], [8, 0, 32, 8])[serial % 4]
        at = dict(i=serial % 37, j=(serial * 11) % 300, **BIG)
        if serial % 8 == 0:
            at.update(i=2**35 // BIG["n"] - 1, j=BIG["n"] - (c + 1) // 2 if serial % 16 else 2**35 % BIG["n"] - (c + 1) // 2)
            at["j"] = max(0, min(at["j"], BIG["n"] - c))
        window, of = (at["i"], at["j"]), (BIG["m"], BIG["n"])

        def drop(kind, v, p=.3, seed=42, offset=7, **k):
            return oracle.apply(kind, v, ty, p, seed, offset, **k)[0]

        def run(name, want, ins=(x, res), layout=None, **k):
            outs = [(w, "i1" if w.dtype == bool else ty) for w in (want if isinstance(want, list) else [want])]
            call(library, f"{name}_{ty}{tag}", [(v, ty) for v in ins], outs, where, layout=layout, **k)

        h = plus(x, b[None, :c])
        h = np.where(oracle.widen(h, ty) > 0, h, np.zeros((), h.dtype))
        for t, p in ((1, .3), (1, .75), (0, .3), (1, 0.0)) if serial % 4 == 0 else ((1, .3),):
            run("chain", plus(drop("element", h, p, training=bool(t)), res), (x, b[:c], res), t=t, p=p)
        pads = [serial % 5 + 1, serial % 3, (serial + 2) % 7]
        run("padded", plus(drop("alpha", plus(x, b[:r, None]), at=window, of=of), res), (x, b[:r], res),
            [[c + pads[0], 1], None, [c + pads[1], 1], [c + pads[2], 1]], **at)
        second = drop("alpha", res, .3, 7, 42, backward=True, rounds=7, at=window[::-1], of=of)
        run("two", plus(drop("element", x, at=window, of=of), second), **at)
        layouts = [[c + pads[0], 1], [2 * c + pads[0], 2], [1, r + pads[1]], [3 * c, 3]]
        run("twice", plus(drop("element", x, at=window, of=of), drop("element", x, .5, resolution=8)), (x,),
            [layouts[serial % 4], layouts[serial // 4 % 4]], **at)
        v = drop("feature_alpha", drop("channel", x, dims=[0]), .5, 7, 42, dims=[1])
        run("channels", drop("element", plus(v, res)))
        run("turned", plus(drop("feature_alpha", x, dims=[1, 0]), res))
        for name, mask in (("transposed", oracle.mask("element", (c, r), .3, 42, 7).T),
                           ("per_row", oracle.mask("element", (r,), .3, 42, 7)[:, None]),
                           ("per_column", oracle.mask("element", (c,), .3, 42, 7)[None, :])):
            run(name, plus(np.where(mask, x, np.zeros((), x.dtype)), res))
        run("both", [plus(drop("element", x, at=window, of=of), res), oracle.mask("element", (r, c), .3, 42, 7, at=window, of=of)], **at)


SIZES = [(1 + k % 3, c) for k, c in enumerate([*range(1, 131), 255, 256, 257, 263, 264, 265, 511, 512, 513, 520, 777])] + [
    (r, c) for r in (4, 5, 6) for c in (1, 7, 8, 9, 31, 64, 65, 127, 256, 264, 1001)] + [(r, 3) for r in range(1, 131, 7)] + [(0, 5)]
STATIC = [(2, 7), (3, 72), (1, 300), (5, 64), (3, 257), (2, 512), (130, 5), (4, 1001)]


def main():
    for k, target in enumerate((HOST, options(256, False, 64), options(512, True, 64), options(128, False))):
        types = oracle.TYPES if k == 0 else ("f32", ("bf16", "f16", "f64")[k % 3])
        module = Module("dynamic")
        for ty in types:
            programs(module, (None, None), ty)
        library = module.build(target)
        for ty in types:
            guarded(lambda: check(library, ty, SIZES if k == 0 and ty == "f32" else SIZES[k::5]))
        if k < 2:
            module = Module("static")
            shapes = [(s, oracle.TYPES[n % 4]) for n, s in enumerate(STATIC)][:None if k == 0 else 3]
            for (r, c), ty in shapes:
                programs(module, (r, c), ty, f"_{r}x{c}")
            library = module.build(target)
            for (r, c), ty in shapes:
                guarded(lambda: check(library, ty, [(r, c)] * 17, f"_{r}x{c}"))


if __name__ == "__main__":
    main()
    done()
