#!/usr/bin/env python3
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Drops real handwritten digits with code that was just compiled.

Compiles the programs of this folder with dropout-run, runs them on the 1,797
digits, compares every result with the contract as NumPy computes it, compares
all lowerings with each other, and draws a contact sheet. Any check that fails
is named, and makes the exit code 1.
"""

import argparse
import hashlib
import math
import os
import re
import subprocess
import sys
import time

import numpy as np
from PIL import Image, ImageDraw, ImageFont

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "test", "Integration"))
import oracle  # noqa: E402  the contract in NumPy, which shares no code with the compiler

LOWERINGS = ("vector", "linalg", "linalg-inline", "affine")
SEED = 42

failures = []


def check(ok, what):
    if not ok:
        failures.append(what)
        print("  FAILED: " + what)
    return ok


# ---- Running compiled programs ------------------------------------------------------------------


class Tools:
    """dropout-run and dropout-opt of one build tree, and where files go."""

    def __init__(self, build):
        self.run = os.path.join(build, "bin", "dropout-run")
        self.opt = os.path.join(build, "bin", "dropout-opt")
        self.out = os.path.join(build, "demo")
        for tool in (self.run, self.opt):
            if not os.access(tool, os.X_OK):
                sys.exit("demo.py: there is no %s: build it first (tools/dev build)" % tool)
        os.makedirs(self.out, exist_ok=True)

    def call(self, command):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
        if done.returncode:
            sys.exit("demo.py: this ended with status %d:\n  %s\n%s"
                     % (done.returncode, " ".join(command), done.stderr))
        return done.stdout

    def path(self, name):
        return os.path.join(self.out, name)

    def save(self, name, array):
        np.save(self.path(name), array)
        return self.path(name)


class Call:
    """One function of one program with its inputs, run through any lowering."""

    def __init__(self, tools, program, function, inputs, results=1, dropout=True):
        self.tools, self.program, self.function = tools, program, function
        self.inputs, self.results = [str(v) for v in inputs], results
        self.dropout = dropout  # or a neighbour without

    def __call__(self, lowering="vector", *flags):
        """Returns the results as arrays; keeps what dropout-run said in self.said."""
        paths = [self.tools.path("%s-%s-%d.npy" % (self.function, lowering, k)) for k in range(self.results)]
        for path in paths:
            if os.path.exists(path):
                os.remove(path)  # a result of an earlier run proves nothing
        command = [self.tools.run, self.program, "--entry-point", self.function, "--lowering", lowering]
        for value in self.inputs:
            command += ["--input", value]
        for path in paths:
            command += ["--output", path]
        self.said = self.tools.call(command + list(flags))
        return [np.load(path) for path in paths]


def show_time(said, included=""):
    """What dropout-run --time measured."""
    found = re.search(r"median of (\d+) runs (\S+ \S+), (\S+) x memcpy of (\d+) bytes", said)
    if not found:
        sys.exit("demo.py: expected a time from dropout-run, but got:\n" + said)
    runs, median, ratio, size = found.groups()
    print("  time         %s%s, median of %s runs = %s times a memcpy of %s bytes" % (median, included, runs, ratio, size))


# ---- What should come out -----------------------------------------------------------------------


def account(name, x, y, kept, p, expected, said, included=""):
    """Prints the statistics of one dropout and checks them, and every value."""
    n, dropped = kept.size, int(kept.size - kept.sum())
    z = (dropped - n * p) / math.sqrt(n * p * (1 - p))
    print("  dropped      %d of %d = %.4f for p = %g (z = %+.2f)" % (dropped, n, dropped / n, p, z))
    check(abs(z) < 4.5, "%s: the dropped fraction is %.1f standard errors from p" % (name, z))
    x64, y64 = x.astype(np.float64), y.astype(np.float64)
    moments = [round(float(m), 4) + 0.0 for m in (x64.mean(), y64.mean(), x64.var(), y64.var())]  # no -0.0000
    print("  mean         %.4f -> %.4f      variance %.4f -> %.4f" % tuple(moments))
    show_time(said, included)
    same = y.shape == expected.shape and y.dtype == expected.dtype and y.tobytes() == expected.tobytes()
    if check(same, "%s: values differ from those of the contract" % name):
        print("  all %d values are those of the contract, bit for bit" % y.size)


def mean_stays(name, x, y, kept, p, kept_value, dropped_value):
    """Dropout moves the mean of y by chance only: bounds it by its exact standard error.

    y is kept_value(x) with probability 1-p, else dropped_value, one draw for
    each element of `kept`, which may stand for a whole feature map.
    """
    per_draw = x.astype(np.float64).reshape(kept.shape + (-1,))
    gap = (kept_value(per_draw) - dropped_value).sum(axis=-1)
    error = math.sqrt(p * (1 - p) * float((gap * gap).sum())) / x.size
    z = (float(y.astype(np.float64).mean()) - float(x.astype(np.float64).mean())) / error
    check(abs(z) < 4.5, "%s: the mean moved by %.1f standard errors" % (name, z))


def philox_mask(shape, p, offset):
    return oracle.mask("element", shape, p, SEED, offset)


# ---- The programs -------------------------------------------------------------------------------


def run_programs(tools, digits_path, times):
    """Runs everything once with the default lowering. Returns the calls and the arrays for the picture."""
    digits = np.load(digits_path)
    check(digits.shape == (1797, 8, 8) and digits.dtype == np.uint8 and digits.max() == 16, "digits.npy is not the digits")
    flags = ("--stats", "--time", str(times))
    x = digits.astype(np.float32)
    calls, shown = [], {"digits": x}

    def program(name, function, inputs):
        calls.append(Call(tools, os.path.join(HERE, name), function, inputs))
        return calls[-1]

    def title(text):
        print("\n" + text)

    # Element dropout, its mask, its gradient.
    p, offset = 0.3, 7
    kept = philox_mask(x.shape, p, offset)
    title("element dropout of the digits (element.mlir @element; p = %g given at run time, seed %d, offset %d)" % (p, SEED, offset))
    call = program("element.mlir", "element", [digits_path, p, SEED, offset])
    y = call("linalg", *flags)[0]
    account("element", x, y, kept, p, oracle.apply("element", x, "f32", p, SEED, offset)[0], call.said)
    mean_stays("element", x, y, kept, p, lambda v: v / (1 - p), 0.0)
    mask = program("element.mlir", "mask", [p, SEED, offset])()[0]
    check(np.array_equal(mask.astype(bool), kept), "element: the mask differs from that of the contract")
    shown["element"], shown["element kept"] = y, kept

    title("its gradient for dy = 1 (@gradient): no mask was stored, the same seed and offset give it again")
    dy = tools.save("ones.npy", np.ones(x.shape, np.float32))
    call = program("element.mlir", "gradient", [dy, p, SEED, offset])
    dx = call("linalg", *flags)[0]
    show_time(call.said)
    check(np.array_equal(dx != 0, kept), "gradient: dropped other elements than the forward")
    check(dx.tobytes() == oracle.apply("element", np.ones_like(x), "f32", p, SEED, offset, backward=True)[0].tobytes(),
          "gradient: values differ from those of the contract")
    print("  %d elements get 0, exactly those that the forward dropped; the others 1/(1-p) = %.6f" % ((dx == 0).sum(), dx.max()))
    shown["gradient"] = dx

    # Feature maps: whole maps dropped.
    padded = np.pad(x.astype(np.float64), ((0, 0), (1, 1), (1, 1)))
    ring = [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0)]  # clockwise from the corner
    maps = np.zeros((len(x), 8, 8, 8))
    for turn in range(8):
        for step, weight in enumerate((1, 2, 1, 0, -1, -2, -1, 0)):
            r, c = ring[(step + turn) % 8]
            maps[:, turn] += weight * padded[:, r:r + 8, c:c + 8]
    maps = maps.astype(np.float32) * np.float32(1 / 26)  # sums of integers, so exact until here
    p, offset = 0.5, 8
    kept = oracle.mask("channel", maps.shape, p, SEED, offset)
    title("channel dropout of eight feature maps a digit (features.mlir @channel; p = %g, offset %d)" % (p, offset))
    call = program("features.mlir", "channel", [digits_path, SEED, offset])
    y = call("linalg", *flags)[0]
    account("channel", maps, y, kept, p, oracle.apply("channel", maps, "f32", p, SEED, offset)[0], call.said,
            " (convolution included)")
    mean_stays("channel", maps, y, kept, p, lambda v: v / (1 - p), 0.0)
    mask = program("features.mlir", "channel_mask", [SEED, offset])()[0]
    check(np.array_equal(mask.astype(bool), kept), "channel: the mask differs from that of the contract")
    last = program("features.mlir", "channels_last", [digits_path, SEED, offset])()[0]
    if check(np.ascontiguousarray(last.transpose(0, 3, 1, 2)).tobytes() == y.tobytes(), "channels-last drops other maps"):
        print("  the same maps with the channels last (@channels_last), bit for bit")
    shown["channel"], shown["channel kept"] = y, kept

    p, offset = 0.25, 9
    kept = oracle.mask("feature_alpha", maps.shape, p, SEED, offset)
    a, b, d = oracle.alpha_constants(p)
    title("feature-alpha dropout of the same maps (@feature_alpha; p = %g, offset %d)" % (p, offset))
    call = program("features.mlir", "feature_alpha", [digits_path, SEED, offset])
    y = call("linalg", *flags)[0]
    account("feature-alpha", maps, y, kept, p, oracle.apply("feature_alpha", maps, "f32", p, SEED, offset)[0], call.said,
            " (convolution included)")
    check(abs(float(y.mean(dtype=np.float64))) < 0.05 and abs(float(y.var(dtype=np.float64)) - 1) < 0.05,
          "feature-alpha: mean 0 and variance 1 are not kept")
    shown["feature alpha"], shown["feature alpha kept"] = y, kept

    # Alpha dropout of standardised digits.
    p, offset = 0.3, 10
    whole = digits.astype(np.float64)
    mean = np.float64(digits.sum(dtype=np.int64)) / whole.size
    deviation = math.sqrt(float((digits.astype(np.int64) ** 2).sum()) / whole.size - mean * mean)
    standard = (x - np.float32(mean)) / np.float32(deviation)
    kept = philox_mask(x.shape, p, offset)
    title("alpha dropout of the standardised digits (alpha.mlir @alpha; p = %g given at run time, offset %d)" % (p, offset))
    call = program("alpha.mlir", "alpha", [digits_path, p, SEED, offset])
    y = call("linalg", *flags)[0]
    account("alpha", standard, y, kept, p, oracle.apply("alpha", standard, "f32", p, SEED, offset)[0], call.said)
    a, b, d = oracle.alpha_constants(p)
    mean_stays("alpha", standard, y, kept, p, lambda v: a * v + b, d)
    check(abs(float(y.var(dtype=np.float64)) - 1) < 0.05, "alpha: variance 1 is not kept")
    shown["alpha"], shown["alpha kept"] = y, kept

    calls += run_mlp(tools, digits_path, digits, flags, title)
    return calls, shown


def gelu(h):
    """Exact GELU and its derivative, in f64."""
    erf = np.vectorize(math.erf)(h / math.sqrt(2))
    return 0.5 * h * (1 + erf), 0.5 * (1 + erf) + h * np.exp(-0.5 * h * h) / math.sqrt(2 * math.pi)


def close(name, got, want):
    error = float(np.abs(got.astype(np.float64) - want).max() / np.abs(want).max())
    check(got.shape == want.shape and error < 2e-6, "%s: off by %.1e of the largest value" % (name, error))
    return error


def run_mlp(tools, digits_path, digits, flags, title):
    """y = x + dropout(gelu(x W + b), p), and the gradients of 1/2 sum y^2."""
    p, offset = 0.1, 11
    draw = np.random.default_rng(0)
    w, b = (draw.standard_normal((64, 64)) / 8).astype(np.float32), (draw.standard_normal(64) / 10).astype(np.float32)
    w_path, b_path = tools.save("w.npy", w), tools.save("b.npy", b)
    x = (digits.reshape(len(digits), 64) / 16.0).astype(np.float64)  # exact in f32 too
    w, b = w.astype(np.float64), b.astype(np.float64)
    kept = philox_mask(x.shape, p, offset)
    scale = 1 / (1 - p)
    title("an MLP layer y = x + dropout(gelu(x W + b)) (mlp.mlir @mlp; p = %g given at run time, offset %d)" % (p, offset))
    forward = Call(tools, os.path.join(HERE, "mlp.mlir"), "mlp", [digits_path, w_path, b_path, p, SEED, offset])
    y = forward("linalg", *flags)[0]
    show_time(forward.said, " (matmul included)")
    h = x @ w + b
    g, slope = gelu(h)
    error = close("mlp", y, x + np.where(kept, g * scale, 0))
    check(np.array_equal(y[~kept], x.astype(np.float32)[~kept]), "mlp: a dropped element is not the residual")
    print("  %d of %d elements dropped; largest error against NumPy in f64: %.1e" % ((~kept).sum(), kept.size, error))

    title("its gradients (@epilogue_backward made by dropout-build-backward, then @linear_backward)")
    built = tools.path("mlp_backward.mlir")
    tools.call([tools.opt, os.path.join(HERE, "mlp.mlir"), "--dropout-build-backward=functions=epilogue", "-o", built])
    linear = Call(tools, built, "linear", [digits_path, w_path, b_path], 2, dropout=False)
    h32, x32 = linear()
    dy_path = tools.save("dy.npy", y)  # the gradient of 1/2 sum y^2
    inputs = [dy_path, tools.save("h.npy", h32), tools.save("x.npy", x32), p, SEED, offset]
    inputs += saved_values(tools, built, p, SEED, offset)
    epilogue = Call(tools, built, "epilogue_backward", inputs, 2)
    dh, dresidual = epilogue("linalg", *flags)
    show_time(epilogue.said)
    backward = Call(tools, built, "linear_backward",
                    [digits_path, w_path, tools.save("dh.npy", dh), tools.save("dresidual.npy", dresidual)], 3, dropout=False)
    dw, db, dx = backward()
    dy = y.astype(np.float64)
    want = np.where(kept, dy * scale * slope, 0)
    check(not dh[~kept].any(), "mlp: a dropped element has a gradient")
    errors = [close("mlp gradient of h", dh, want), close("mlp gradient of W", dw, x.T @ want),
              close("mlp gradient of b", db, want.sum(axis=0)), close("mlp gradient of x", dx, dy + want @ w.T)]
    print("  gradients of W, b and x: largest error against NumPy in f64: %.1e" % max(errors))
    return [forward, linear, epilogue, backward]


def saved_values(tools, built, p, seed, offset):
    """What the forward hands to its gradient behind its own results: by the types in the built file."""
    with open(built) as f:
        signature = re.search(r"func\.func @epilogue_backward\((.*?)\)\s*->", f.read(), re.S)
    if not signature:
        sys.exit("demo.py: dropout-build-backward made no @epilogue_backward in %s" % built)
    extra = [t.split(":")[1].split("{")[0].strip() for t in signature.group(1).split(", %")][6:]
    values = {"i1": ["true"], "i64": [seed, offset], "f64": [p]}
    return [values[t].pop(0) for t in extra]


# ---- Lowerings against each other ---------------------------------------------------------------


def instructions(assembly):
    """The instructions alone: no comment, directive, label; jumps without their target's name."""
    out = []
    for line in assembly.splitlines():
        line = re.sub(r"\s+", " ", re.sub(r"(#|//).*", "", line)).strip()
        if line and not line.startswith(".") and not line.endswith(":"):
            out.append(re.sub(r"\.L\w+", ".L", line))
    return out


def compare_lowerings(tools, calls):
    """Runs every function with every lowering: the same bits out of different machine code. (erf is libm's for all:
    the vector library's may differ in the last bit.)"""
    print("\nevery lowering on the same data (final machine code: instructions, hash of them)")
    print("  %-20s%s" % ("", "".join("%17s" % l for l in LOWERINGS)))
    compared = 0
    for call in calls:
        results = {lowering: [r.tobytes() for r in call(lowering, "--no-vector-math")] for lowering in LOWERINGS}
        for lowering in LOWERINGS[1:]:
            check(results[lowering] == results[LOWERINGS[0]],
                  "@%s: --lowering %s gives other bits than %s" % (call.function, lowering, LOWERINGS[0]))
        compared += sum(len(r) for r in results[LOWERINGS[0]])
        if not call.dropout:
            continue
        codes = {}
        for lowering in LOWERINGS:
            command = [tools.run, call.program, "--entry-point", call.function, "--lowering", lowering, "--no-vector-math", "--emit=asm"]
            codes[lowering] = instructions(tools.call(command))
            check(len(codes[lowering]) > 20, "@%s: --emit=asm printed no code" % call.function)
        digests = {l: hashlib.sha256("\n".join(code).encode()).hexdigest()[:8] for l, code in codes.items()}
        print("  %-20s%s" % ("@" + call.function, "".join("%17s" % ("%d %s" % (len(codes[l]), digests[l])) for l in LOWERINGS)))
        check(len(set(digests.values())) == len(LOWERINGS),
              "@%s: two lowerings end in the same machine code, so their comparison says nothing" % call.function)
    return compared


# ---- The contact sheet --------------------------------------------------------------------------

DROPPED, PAPER, TEXT, FAINT = (232, 119, 34), (255, 255, 255), (20, 20, 20), (110, 110, 110)
SCALE, GAP, LEFT, TOP = 14, 16, 330, 118
CELL = 8 * SCALE


def font(size, bold=False):
    name = "/usr/share/fonts/truetype/dejavu/DejaVuSans%s.ttf" % ("-Bold" if bold else "")
    return ImageFont.truetype(name, size) if os.path.exists(name) else ImageFont.load_default()


def ink(values, low, high):
    """Values as ink on paper: low is white, high is black."""
    level = np.clip((values.astype(np.float64) - low) / (high - low), 0, 1)
    grey = (255 - 235 * level)[..., None]
    return np.repeat(grey, 3, axis=-1).astype(np.uint8)


def signed_ink(values, high):
    """Zero is white, positive black, negative blue."""
    level = np.clip(np.abs(values.astype(np.float64)) / high, 0, 1)[..., None]
    colour = np.where(values[..., None] < 0, np.array([60.0, 110.0, 200.0]), np.array([20.0, 20.0, 20.0]))
    return (255 - (255 - colour) * level).astype(np.uint8)


def enlarge(pixels, scale):
    return np.repeat(np.repeat(pixels, scale, axis=0), scale, axis=1)


def cell(pixels, kept=None):
    if kept is not None:
        pixels = np.where(kept[..., None], pixels, np.array(DROPPED, np.uint8))
    return enlarge(pixels, SCALE)


def compass(digit, maps, kept, high):
    """Eight feature maps around their digit, each on the side that its edges face."""
    out = np.full((CELL, CELL, 3), 235, np.uint8)
    places = [(0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0), (0, 0)]  # N, NE, E ... NW
    for turn, (row, column) in enumerate(places):
        pixels = signed_ink(maps[turn], high) if kept[turn] else np.full((8, 8, 3), DROPPED, np.uint8)
        out[row * 40:row * 40 + 32, column * 40:column * 40 + 32] = enlarge(pixels, 4)
    out[40:72, 40:72] = enlarge(ink(digit, 0, 16), 4)
    return out


def draw_sheet(path, shown, labels):
    which = [int(np.flatnonzero(labels == k)[0]) for k in range(10)]
    x = shown["digits"]
    standard_low, standard_high = float(shown["alpha"].min()), float(shown["alpha"].max())
    high = 2.5

    def fraction(key):
        return "%.1f %%" % (100 * (1 - shown[key].mean()))

    rows = [
        ("The digits", ["as they are: 8 x 8 pixels, 0 to 16"],
         lambda k: cell(ink(x[k], 0, 16))),
        ("Element dropout, p = 0.3", ["each pixel on its own: %s of all" % fraction("element kept"),
                                      "dropped to 0, the rest times 1/0.7"],
         lambda k: cell(ink(shown["element"][k], 0, 16 / 0.7), shown["element kept"][k])),
        ("Channel dropout, p = 0.5", ["eight feature maps around each digit;", "%s of the maps dropped whole" % fraction("channel kept"),
                                      "(black above 0, blue below)"],
         lambda k: compass(x[k], shown["channel"][k], shown["channel kept"][k], 2 * high)),
        ("Feature-alpha dropout, p = 0.25", ["whole maps (%s) set to SELU's floor;" % fraction("feature alpha kept"),
                                             "mean 0 and variance 1 stay"],
         lambda k: compass(x[k], shown["feature alpha"][k], shown["feature alpha kept"][k], high)),
        ("Alpha dropout, p = 0.3", ["single pixels (%s) of the standardised" % fraction("alpha kept"),
                                    "digits set to SELU's floor"],
         lambda k: cell(ink(shown["alpha"][k], standard_low, standard_high), shown["alpha kept"][k])),
        ("Gradient mask of row 2", ["dx for dy = 1: the same pixels get 0,", "the rest 1/0.7. No mask was stored:",
                                    "the code drew it again"],
         lambda k: cell(np.full((8, 8, 3), (70, 130, 120), np.uint8), shown["gradient"][k] != 0)),
    ]
    width = LEFT + 10 * (CELL + GAP) + GAP
    height = TOP + len(rows) * (CELL + GAP) + 40
    sheet = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((24, 20), "MLIR Dropout on 1,797 real handwritten digits", font=font(26, True), fill=TEXT)
    verdict = "%d CHECKS FAILED" % len(failures) if failures else "and checked bit for bit"
    draw.text((24, 60), "The first of each kind, 0 to 9. Every row below the first was computed by code compiled a moment"
              " ago, %s." % verdict, font=font(15), fill=FAINT)
    draw.rectangle((24, 88, 42, 106), fill=DROPPED)
    draw.text((50, 88), "= dropped", font=font(15, True), fill=TEXT)
    for r, (name, lines, make) in enumerate(rows):
        top = TOP + r * (CELL + GAP)
        draw.text((24, top + 14), name, font=font(16, True), fill=TEXT)
        for n, line in enumerate(lines):
            draw.text((24, top + 42 + 20 * n), line, font=font(13), fill=FAINT)
        for c, k in enumerate(which):
            left = LEFT + c * (CELL + GAP)
            sheet.paste(Image.fromarray(make(k)), (left, top))
            draw.rectangle((left - 1, top - 1, left + CELL, top + CELL), outline=(190, 190, 190))
    draw.text((24, height - 32), "Data: Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak, UCI, CC BY 4.0."
              "   Seed %d, offsets 7 to 10." % SEED, font=font(12), fill=FAINT)
    sheet.save(path, optimize=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=os.path.join(ROOT, "build"), help="the build tree (default: build)")
    parser.add_argument("--times", type=int, default=30, help="how often to run what is timed")
    arguments = parser.parse_args()
    tools = Tools(os.path.abspath(arguments.build))
    start = time.time()
    digits_path = os.path.join(HERE, "digits.npy")
    labels = np.load(os.path.join(HERE, "labels.npy"))
    oracle.known_answers()
    print("1,797 real handwritten digits, 8 x 8 pixels of 0 to 16 (UCI), through code compiled for this machine")
    calls, shown = run_programs(tools, digits_path, arguments.times)
    picture = tools.path("digits.png")
    draw_sheet(picture, shown, labels)
    compared = compare_lowerings(tools, calls)
    print("\nthe picture: %s" % picture)
    print("%d results of %d functions, %d ways to compile each, %.0f s" % (
        sum(c.results for c in calls), len(calls), len(LOWERINGS), time.time() - start))
    if failures:
        print("FAILED: %d checks\n  %s" % (len(failures), "\n  ".join(failures)))
        return 1
    print("all lowerings (%s) gave the same bits (%d bytes each), and their machine code differs" % (", ".join(LOWERINGS), compared))
    return 0


if __name__ == "__main__":
    sys.exit(main())
