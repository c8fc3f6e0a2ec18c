#!/usr/bin/env python3
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Trains two networks on real handwritten digits, with dropout of PyTorch and ours.

First the accuracy of both on digits that were held out, from the same initial
weights and with the same batches. Then what dropout adds to a training step. Then
the same training run again in other circumstances (more threads, resumed in a new
process, with another user of PyTorch's random numbers, ...), which shall end at the
same weights, bit for bit.

    PYTHONPATH=build/python build/venv/bin/python examples/train_digits.py

Needs PyTorch 1.13 or newer. Less than a minute on two cores; --quick takes seconds.
Exit status: 0, or 1 if a run with our dropout ended at other weights than it should.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
import zlib

try:
    import numpy as np
    import torch
except ImportError as error:
    sys.exit("train_digits.py: needs NumPy and PyTorch: %s" % error)
try:
    import mlir_dropout
    import mlir_dropout.torch
except ImportError as error:
    sys.exit("train_digits.py: %s" % error)

HERE = os.path.dirname(os.path.realpath(__file__))
HELD_OUT = 450
BATCH = 128
RATE = 0.05


class Digits:
    """The 1,797 digits of examples/digits, shuffled once and split."""

    def __init__(self):
        pixels = np.load(os.path.join(HERE, "digits", "digits.npy")).reshape(1797, 64).astype(np.float32) / 16
        labels = np.load(os.path.join(HERE, "digits", "labels.npy")).astype(np.int64)
        order = np.random.default_rng(2024).permutation(len(pixels))
        train, held_out = order[HELD_OUT:], order[:HELD_OUT]
        # Zero mean and unit variance, which is what a self-normalising net starts from.
        mean, deviation = pixels[train].mean(axis=0), pixels[train].std(axis=0)
        pixels = (pixels - mean) / np.where(deviation == 0, 1, deviation)
        self.x, self.labels = torch.from_numpy(pixels[train]), torch.from_numpy(labels[train])
        self.held_out_x, self.held_out_labels = torch.from_numpy(pixels[held_out]), torch.from_numpy(labels[held_out])

    def batches(self, seed, epochs, size=BATCH):
        """Indices of the batches of a whole training, the same for everybody with this seed."""
        rng, count = np.random.default_rng(seed), len(self.labels) // size
        return [torch.from_numpy(order) for _ in range(epochs)
                for order in np.split(rng.permutation(len(self.labels))[:count * size], count)]


# ===----------------------------------------------------------------------===//
# Two networks, and three ways to drop
# ===----------------------------------------------------------------------===//


def mlp(dropout):
    """An MLP with ReLU; `dropout(p)` makes its dropout."""
    return torch.nn.Sequential(
        torch.nn.Linear(64, 128), torch.nn.ReLU(), dropout(0.3),
        torch.nn.Linear(128, 128), torch.nn.ReLU(), dropout(0.3),
        torch.nn.Linear(128, 10))


def self_normalising(dropout):
    """SELU and LeCun-normal weights (Klambauer et al., 2017); alpha dropout keeps mean and variance."""
    net = torch.nn.Sequential(
        torch.nn.Linear(64, 128), torch.nn.SELU(), dropout(0.1),
        torch.nn.Linear(128, 64), torch.nn.SELU(), dropout(0.1),
        torch.nn.Linear(64, 64), torch.nn.SELU(), dropout(0.1),
        torch.nn.Linear(64, 10))
    for layer in net:
        if isinstance(layer, torch.nn.Linear):
            torch.nn.init.normal_(layer.weight, std=layer.in_features ** -0.5)
            torch.nn.init.zeros_(layer.bias)
    return net


NETS = [
    ("MLP 64-128-128-10 with ReLU, Dropout(0.3)", "mlp", mlp, torch.nn.Dropout, mlir_dropout.torch.Dropout),
    ("self-normalising net 64-128-64-64-10 with SELU, AlphaDropout(0.1)", "self_normalising", self_normalising,
     torch.nn.AlphaDropout, mlir_dropout.torch.AlphaDropout),
]


class Training:
    """A net, its optimiser, and steps. The same seed gives the same initial weights, whoever drops."""

    def __init__(self, make, dropout, seed):
        torch.manual_seed(seed)
        self.net = make(dropout)
        self.optimiser = torch.optim.SGD(self.net.parameters(), lr=RATE, momentum=0.9)
        torch.manual_seed(seed + 1)  # for PyTorch's masks
        self.net.train()

    def step(self, x, labels):
        self.optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(self.net(x), labels)
        loss.backward()
        self.optimiser.step()

    def accuracy(self, digits):
        """In per cent, of the digits held out."""
        self.net.eval()
        with torch.no_grad():
            found = self.net(digits.held_out_x).argmax(dim=1)
        self.net.train()
        return 100 * float((found == digits.held_out_labels).float().mean())

    def hash(self):
        """The bits of all weights in 16 digits."""
        sha = hashlib.sha256()
        for parameter in self.net.parameters():
            sha.update(parameter.detach().numpy().tobytes())
        return sha.hexdigest()[:16]


def ways(theirs, ours, seed):
    """How to make a net's dropout. Ours draws from a generator of its own."""
    generator = mlir_dropout.Generator(seed)
    return {"torch": theirs, "ours": lambda p: ours(p, generator=generator), "none": lambda p: torch.nn.Identity()}


# ===----------------------------------------------------------------------===//
# Accuracy and time
# ===----------------------------------------------------------------------===//


def compare_accuracy(digits, make, theirs, ours, seeds, epochs):
    """Accuracies per way and seed."""
    found = {"torch": [], "ours": []}
    for seed in range(seeds):
        makers = ways(theirs, ours, seed)
        for way in found:
            training = Training(make, makers[way], seed)
            for batch in digits.batches(seed, epochs):
                training.step(digits.x[batch], digits.labels[batch])
            found[way].append(training.accuracy(digits))
    return found


def compare_time(digits, make, theirs, ours, seconds, size=BATCH):
    """Median milliseconds of a step per way, and what dropout adds to one. Steps of all ways come in turn. Taken is
    the time that the CPU spent on them, so that other programs of a busy machine do not count."""
    makers = ways(theirs, ours, 0)
    trainings = {way: Training(make, makers[way], 0) for way in makers}
    times = {way: [] for way in makers}
    batches, start = digits.batches(0, 1, size), time.perf_counter()
    while time.perf_counter() - start < seconds or len(times["none"]) < 8:
        round = len(times["none"])
        batch = batches[round % len(batches)]
        x, labels = digits.x[batch], digits.labels[batch]
        for turn in range(3):
            way = list(times)[(round + turn) % 3]
            begin = time.process_time()
            trainings[way].step(x, labels)
            times[way].append(time.process_time() - begin)
    times = {way: np.array(values[3:]) * 1e3 for way, values in times.items()}
    return {way: {"ms": float(np.median(values)), "added_ms": float(np.median(values - times["none"])),
                  "share": 100 * float(np.median((values - times["none"]) / values))}
            for way, values in times.items()}


def row(what, form, *values):
    print("  %-34s" % what + "".join((form % value).rjust(20) for value in values))


def time_rows(times):
    row("time of a training step, ms", "%.3f", *(times[way]["ms"] for way in ("torch", "ours", "none")))
    row("of it added by dropout, ms", "%.3f", *(times[way]["added_ms"] for way in ("torch", "ours")))
    row("share of dropout, %", "%.1f", *(times[way]["share"] for way in ("torch", "ours")))


def show_net(digits, title, make, theirs, ours, options):
    accuracy = compare_accuracy(digits, make, theirs, ours, options.seeds, options.epochs)
    times = compare_time(digits, make, theirs, ours, 0.2 if options.quick else 2)
    print("\n%s\n%d epochs of batches of %d; %d seeds; %d digits held out\n" % (
        title, options.epochs, BATCH, options.seeds, HELD_OUT))
    row("", "%s", "torch.nn", "mlir_dropout.torch", "no dropout")
    row("accuracy, mean +- deviation, %", "%.2f +- %.2f",
        *((np.mean(accuracy[way]), np.std(accuracy[way], ddof=1 if options.seeds > 1 else 0)) for way in accuracy))
    time_rows(times)
    difference = np.array(accuracy["ours"]) - np.array(accuracy["torch"])
    print("  per seed, ours is %+.2f +- %.2f points from torch's"
          % (difference.mean(), difference.std(ddof=1 if options.seeds > 1 else 0)))
    return {"accuracy": accuracy, "time": times}


# ===----------------------------------------------------------------------===//
# The same run again
# ===----------------------------------------------------------------------===//

SEED = 42
# What our masks of the first four steps are, on every machine, with every PyTorch.
MASKS = 0x95467581


def wide(dropout):
    """Of hidden activations of 1 MiB a batch, which our kernels share among threads. The last layer has 16
    outputs, though there are 10 digits: some builds of PyTorch multiply narrower matrices, bit for bit,
    otherwise by two threads than by one."""
    return torch.nn.Sequential(dropout(0.2), torch.nn.Linear(64, 256), torch.nn.ReLU(), dropout(0.5),
                               torch.nn.Linear(256, 16))


class OtherOrder(torch.nn.Module):
    """Dropout of the same numbers in another order in memory: column by column."""

    def __init__(self, dropout):
        super().__init__()
        self.dropout = dropout

    def forward(self, x):
        return self.dropout(x.t().contiguous().t()).contiguous()


class Run:
    """The training run that is repeated: `steps` steps of 1,024 digits."""

    LAYERS = 2  # of dropout: each takes one offset a step

    def __init__(self, digits, way, steps, threads=1, disturbed=False, order=False):
        torch.set_num_threads(threads)
        self.way, self.steps, self.disturbed = way, steps, disturbed
        self.digits, self.batches = digits, digits.batches(SEED, steps, 1024)[:steps]
        self.generator = mlir_dropout.Generator(SEED)
        makers = {"torch": torch.nn.Dropout, "none": lambda p: torch.nn.Identity(),
                  "ours": lambda p: mlir_dropout.torch.Dropout(p, generator=self.generator)}
        maker = makers[way]
        self.training = Training(wide, (lambda p: OtherOrder(maker(p))) if order else maker, SEED)
        self.masks = []

    def go(self, first=0, last=None):
        for step in range(first, self.steps if last is None else last):
            if self.disturbed:
                torch.rand(1)  # noise for a picture, a shuffled data set, another model, ...
            batch = self.batches[step]
            self.training.step(self.digits.x[batch], self.digits.labels[batch])
            if self.way == "ours":
                crc = 0
                for module in self.training.net.modules():
                    if isinstance(module, mlir_dropout.torch.Dropout):
                        crc = zlib.crc32(module.mask.numpy().tobytes(), crc)
                self.masks.append(crc)
        return self

    def hash(self):
        return self.training.hash()

    def save(self, folder):
        """Weights and optimiser as always. Beside them the state of the random numbers: PyTorch's is one for the
        whole process; ours is this net's."""
        torch.save({"net": self.training.net.state_dict(), "optimiser": self.training.optimiser.state_dict()},
                   os.path.join(folder, self.way + ".pt"))
        state = torch.get_rng_state().numpy().tobytes() if self.way == "torch" else self.generator.get_state()
        with open(os.path.join(folder, self.way + ".generator"), "wb") as f:
            f.write(state)
        return len(state)

    def load(self, folder, generator=True):
        saved = torch.load(os.path.join(folder, self.way + ".pt"))
        self.training.net.load_state_dict(saved["net"])
        self.training.optimiser.load_state_dict(saved["optimiser"])
        if generator:
            with open(os.path.join(folder, self.way + ".generator"), "rb") as f:
                state = f.read()
            if self.way == "torch":
                torch.set_rng_state(torch.frombuffer(bytearray(state), dtype=torch.uint8))
            else:
                self.generator.set_state(state)
        return self


def resume(folder, first, steps):
    """In a new process: the rest of both runs, by two threads; prints what they end at."""
    digits = Digits()
    print(json.dumps({way: Run(digits, way, steps, threads=2).load(folder).go(first).hash()
                      for way in ("torch", "ours")}))


def run_again(digits, steps):
    """Hashes of the weights, of each way in each circumstance; None where there is no way to do it."""
    half, found, again = steps // 2, [], {}
    with tempfile.TemporaryDirectory(prefix="train-digits-") as folder:
        sizes = {}
        for way in ("torch", "ours", "none"):
            run = Run(digits, way, steps).go(0, half)
            sizes[way] = run.save(folder)
            again[way] = run.go(half).hash()

        def add(what, **hashes):
            found.append((what, hashes))

        def each(**options):
            return {way: Run(digits, way, steps, **options).go().hash() for way in ("torch", "ours", "none")}

        add("one thread", **again)
        add("one thread, once more", **each())
        add("two threads", **each(threads=2))
        done = subprocess.run([sys.executable, os.path.realpath(__file__), "--resume", folder, str(half), str(steps)],
                              stdout=subprocess.PIPE, text=True)
        if done.returncode:
            sys.exit("train_digits.py: the new process ended with status %d" % done.returncode)
        add("stopped half-way, resumed from files in a new process, two threads", **json.loads(done.stdout))
        ours = Run(digits, "ours", steps).load(folder, generator=False)
        ours.generator.offset = half * Run.LAYERS
        add("the same from weights, seed and number of the step alone", torch=None, ours=ours.go(half).hash())
    add("something else draws from PyTorch's generator", **each(disturbed=True))
    add("the same numbers in another order in memory", **each(order=True))
    masks = {threads: Run(digits, "ours", steps, threads=threads).go().masks for threads in (1, 2)}
    torch.set_num_threads(1)
    return found, sizes, masks


def show_again(digits, steps, seconds):
    found, sizes, masks = run_again(digits, steps)
    times = compare_time(digits, wide, torch.nn.Dropout, mlir_dropout.torch.Dropout, seconds, 1024)
    base = found[0][1]
    print("\nMLP 64-256-16 with ReLU, Dropout(0.2) of the input, Dropout(0.5)\nbatches of 1,024\n")
    row("", "%s", "torch.nn", "mlir_dropout.torch", "no dropout")
    time_rows(times)
    print("\n  Times: CPU time, medians of steps of the three nets in turn, in one process. What dropout adds is the\n"
          "  median difference of two steps of the same turn, with it and without it, forward and backward together.")
    print("\nThe same training run again, %d steps of it: the weights it ends at (start of their SHA-256)\n" % steps)
    print("  %-68s %-18s %s" % ("", "torch.nn", "mlir_dropout.torch"))

    def cell(hashes, way):
        if hashes[way] is None:
            return "no way to say it"
        return hashes[way] if hashes is base else "same" if hashes[way] == base[way] else "DIFFERENT"

    for what, hashes in found:
        print("  %-68s %-18s %s" % (what, cell(hashes, "torch"), cell(hashes, "ours")))
    # Where PyTorch's own arithmetic moves, weights can't stay.
    moved = [what for what, hashes in found if hashes.get("none", base["none"]) != base["none"]]
    if moved:
        print("  Without dropout the weights are different, too: %s." % "; ".join(moved))
    crc = zlib.crc32(b"".join(value.to_bytes(4, "little") for value in masks[1][:4]))
    same = masks[1] == masks[2]
    print("\n  Our masks of all %d steps are the same with one thread and with two: %s."
          % (steps, "yes" if same else "NO"))
    print("  Those of the first four steps have CRC-32 %08x, as on every machine and with every PyTorch: %s."
          % (crc, "yes" if crc == MASKS else "NO"))
    print("  Saved state: %d bytes of PyTorch's, which the whole process shares; %d bytes of ours, this net's alone."
          % (sizes["torch"], sizes["ours"]))
    wrong = [what for what, hashes in found if hashes["ours"] != base["ours"] and what not in moved]
    if not same:
        wrong.append("masks of two threads")
    if crc != MASKS:
        wrong.append("masks of the first four steps")
    return {"time": times, "runs": [[what, hashes] for what, hashes in found], "moved": moved, "masks_same": same,
            "masks_crc": crc, "state_bytes": sizes, "wrong": wrong}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two seeds, few epochs")
    parser.add_argument("--seeds", type=int, help="how many [5]")
    parser.add_argument("--epochs", type=int, help="how many [20]")
    parser.add_argument("--json", help="write all figures to this file, too")
    parser.add_argument("--resume", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.resume:
        folder, first, steps = options.resume
        return resume(folder, int(first), int(steps))
    options.seeds = options.seeds or (2 if options.quick else 5)
    options.epochs = options.epochs or (4 if options.quick else 20)
    for name in ("seeds", "epochs"):
        if getattr(options, name) < 1:
            parser.error("expected --%s to be at least 1, but got %d" % (name, getattr(options, name)))

    torch.set_num_threads(1)
    digits = Digits()
    print("PyTorch %s, mlir_dropout %s; one thread where nothing else is said" % (
        torch.__version__, mlir_dropout.__version__))
    result = {"torch": torch.__version__, "seeds": options.seeds, "epochs": options.epochs}
    for title, name, make, theirs, ours in NETS:
        result[name] = show_net(digits, title, make, theirs, ours, options)
    result["again"] = show_again(digits, *((4, 0.1) if options.quick else (10, 2)))
    if options.json:
        with open(options.json, "w") as f:
            json.dump(result, f, indent=2)
            f.write("\n")
    for what in result["again"]["wrong"]:
        print("train_digits.py: with our dropout this is not the same: %s" % what, file=sys.stderr)
    return 1 if result["again"]["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
