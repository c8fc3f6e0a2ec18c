# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Two samples, ours and torch's, of each module: rate, mean and spread. Seeds are
# fixed; a bound is five standard deviations of the difference, which chance
# passes once in 1.7 million, and the smallest defect named is one that is found
# in 98 of 100 cases (seven standard deviations).

import math

import pytest
import torch

import mlir_dropout.torch as mdt
from torch_cases import CHANNELS, MODULES, generator

RATES = (0.1, 0.5, 0.8)
ALPHA = ("AlphaDropout", "FeatureAlphaDropout")

# Independent draws per sample. Of channels, each is one of (N, C), the rest being 2 elements.
DRAWS = 1_000_000
SHAPES = {
    "Dropout": (1000, 1000),
    "AlphaDropout": (1000, 1000),
    "Dropout1d": (1000, 1000, 2),
    "Dropout2d": (1000, 1000, 2, 1),
    "Dropout3d": (1000, 1000, 1, 2, 1),
    "FeatureAlphaDropout": (1000, 1000, 2),
}


def samples(name, p, x):
    torch.manual_seed(round(p * 100))
    return getattr(mdt, name)(p)(x), getattr(torch.nn, name)(p)(x)


def first_of_channel(name, y):
    return y.reshape(1000, 1000, -1)[:, :, 0]


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("p", RATES)
def test_rate(name, p):
    # Of ones, what is dropped is the smaller value. The difference of two counts of n draws has the deviation
    # sqrt(2 n p q): at p = .5 the bound is 3536 of 10^6, and a rate that is off by .005 is found (.003 at p = .1).
    mine, theirs = samples(name, p, torch.ones(SHAPES[name]))
    counts = [(first_of_channel(name, y) < 0.5).sum().item() for y in (mine, theirs)]
    bound = 5 * math.sqrt(2 * DRAWS * p * (1 - p))
    assert abs(counts[0] - counts[1]) < bound
    # Against p itself a sample of one has the deviation sqrt(n p q): .0035 off is found.
    assert abs(counts[0] - DRAWS * p) < 5 * math.sqrt(DRAWS * p * (1 - p))
    if name in CHANNELS:  # A channel is dropped whole.
        whole = mine.reshape(1000, 1000, -1)
        assert (whole == whole[:, :, :1]).all()


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("p", RATES)
def test_rows_and_columns(name, p):
    # Each of 1000 rows and columns of 1000 draws on its own: |z| < 6 in all 2000 (chance: 4 in 10^6), which finds a
    # single row whose rate is off by .13 at p = .5; and the sum of z^2, which has mean 1000 and deviation 45 for rows
    # that are independent, within five deviations, which finds 20 rows or columns of 1000 that are the same.
    mine, _ = samples(name, p, torch.ones(SHAPES[name]))
    dropped = (first_of_channel(name, mine) < 0.5).double()
    for dim in (0, 1):
        z = (dropped.sum(dim) - 1000 * p) / math.sqrt(1000 * p * (1 - p))
        assert z.abs().max() < 6
        assert abs(z.pow(2).sum() - 1000) < 5 * math.sqrt(2000)
    # Neighbours in a row and in a column are not correlated: 10^6 pairs have the deviation .001, the bound is .005, and
    # a correlation of .007 is found.
    for a, b in ((dropped[:, 1:], dropped[:, :-1]), (dropped[1:], dropped[:-1])):
        correlation = ((a - p) * (b - p)).mean() / (p * (1 - p))
        assert abs(correlation) < 5 / math.sqrt(a.numel())


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("p", RATES)
def test_mean_and_spread(name, p):
    # Of a standard normal input. Dropout keeps the mean and has the variance 1/q; alpha dropout keeps both. The
    # deviation of a mean of n is sd/sqrt(n), of a variance sqrt((m4 - sd^4)/n), both taken from the sample: at p = .5
    # the bounds on the difference of two are .010 (Dropout) and .007 (alpha) for the mean, about .03 and .01 for the
    # variance, and .014 and .044 (alpha: .010 and .013) are found.
    torch.manual_seed(1)
    n = DRAWS
    x = torch.randn(SHAPES[name]).double()
    if name in CHANNELS:  # One value per channel, so that the n values are independent.
        x = x.reshape(1000, 1000, -1)[:, :, :1].expand(1000, 1000, 2).reshape(SHAPES[name])
    moments = []
    for y in samples(name, p, x):
        y = first_of_channel(name, y)
        mean, variance = y.mean().item(), y.var().item()
        fourth = (y - mean).pow(4).mean().item()
        moments.append((mean, variance, variance / n, (fourth - variance**2) / n))
    mine, theirs = moments
    assert abs(mine[0] - theirs[0]) < 5 * math.sqrt(mine[2] + theirs[2])
    assert abs(mine[1] - theirs[1]) < 5 * math.sqrt(mine[3] + theirs[3])
    # And against what they should be: x's own moments are in there.
    assert abs(mine[0]) < 5 * math.sqrt(mine[2])
    assert abs(mine[1] - (1 if name in ALPHA else 1 / (1 - p))) < 5 * math.sqrt(mine[3])


@pytest.mark.parametrize("name", ["AlphaDropout", "FeatureAlphaDropout"])
def test_self_normalising_net(name):
    # 16 layers of linear (LeCun normal), SELU and alpha dropout keep mean 0 and variance 1 where torch's modules do.
    # Over 30 seeds the mean of the last layer's 256 x 512 values has the deviation .003 and their variance .0075, with
    # either library; the bounds are five of those. A shift by .021 in each layer is found, or a scale of 1.01 (the
    # variance is 1.07 then); plain dropout in its place has the variance 1.26.
    def last(module, seed):
        torch.manual_seed(seed)
        x = torch.randn(256, 512)
        for _ in range(16):
            x = module(torch.selu(x @ (torch.randn(512, 512) / math.sqrt(512))))
        return x.mean().item(), x.var().item()

    for library in (mdt, torch.nn):
        mean, variance = last(getattr(library, name)(0.05), 1)
        assert abs(mean) < 0.015 and abs(variance - 1) < 0.0375, library.__name__


@pytest.mark.parametrize("resolution,p,exact", [(16, 0.3, 0.3), (8, 0.3, 77 / 256), (16, 1e-4, 1e-4)])
def test_rate_of_each_resolution(resolution, p, exact):
    # 4 10^6 draws: at p = .3 a rate that is off by .0016 is found; resolution 8 says 77/256 = .3008.
    n = 4_000_000
    y = mdt.Dropout(p, resolution=resolution, generator=generator(1, 2))(torch.ones(n))
    dropped = (y == 0).sum().item()
    assert abs(dropped - n * exact) < 5 * math.sqrt(n * exact * (1 - exact))
    assert y.max().item() == pytest.approx(1 / (1 - exact), rel=1e-6)
