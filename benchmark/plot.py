#!/usr/bin/env python3
# ===- plot.py - The figures of the benchmark as one picture --------------===//
#
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Draws ratio to memcpy by case, ours beside the yardstick, from the JSON of
dropout-bench.

    plot.py FILE --output BASE      writes BASE.svg and BASE.png
"""

import argparse
import json

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  (the backend comes first)
from matplotlib.lines import Line2D  # noqa: E402

OURS, YARDSTICK, BARE, COPY = "#0b6e99", "#d9822b", "#9aa5ab", "#333333"

# Panels from top to bottom: heading and condition on a case.
GROUPS = (
    ("element and alpha, f32", lambda t: t["type"] == "f32" and t["kind"] in ("element", "alpha")
     and t["chain"] == "none" and not t["odd_rows"] and t["threads"] == 1),
    ("other types", lambda t: t["type"] != "f32" and t["kind"] in ("element", "alpha") and t["threads"] == 1),
    ("whole channels", lambda t: t["kind"] in ("channel", "feature_alpha") and t["threads"] == 1),
    ("fused with neighbours", lambda t: t["chain"] != "none"),
    ("odd rows, two threads", lambda t: t["odd_rows"] or t["threads"] != 1),
)


def shorten(name, heading):
    name = name.replace("(x+bias),dropout,+residual", "bias, dropout, + residual").replace(
        "gelubias", "gelu(x+bias)")
    if "f32" in heading or "neighbours" in heading:
        name = name.replace(" f32", "")
    return name.replace("MiB", " MiB").replace("KiB", " KiB").replace("GiB", " GiB").replace("-", " ")


def draw(result, base):
    groups = []
    for heading, condition in GROUPS:
        cases = [case for case in result["cases"] if condition(case["tags"])]
        if cases:
            groups.append((heading, cases))
    if not groups:
        raise SystemExit("plot.py: the file has no cases to draw")
    heights = [len(cases) + 0.8 for _, cases in groups]
    figure, panels = plt.subplots(len(groups), 1, figsize=(10, 1.6 + 0.25 * sum(heights)), sharex=True,
                                  gridspec_kw={"height_ratios": heights, "hspace": 0.55 * len(groups) / sum(heights) * 2.2}, squeeze=False)
    biggest = max(case["kernels"]["compiled"]["ratio_to"]["memcpy"][1] for _, cases in groups for case in cases)
    for (heading, cases), panel in zip(groups, panels[:, 0]):
        panel.axvline(1, color=COPY, linewidth=1.2, zorder=1)
        for row, case in enumerate(cases):
            kernels = case["kernels"]
            first, median, third = kernels["compiled"]["ratio_to"]["memcpy"]
            panel.barh(row, median, height=0.62, color=OURS, zorder=2)
            panel.plot([first, third], [row, row], color="black", linewidth=0.8, zorder=3)
            if "yardstick" in kernels:
                panel.plot(kernels["yardstick"]["ratio_to"]["memcpy"][1], row, marker="D", markersize=5,
                           color=YARDSTICK, markeredgecolor="white", markeredgewidth=0.6, zorder=4)
            bare = kernels.get("compiled without dropout") or kernels.get("compiled rows of 1024")
            if bare:
                panel.plot([bare["ratio_to"]["memcpy"][1]] * 2, [row - 0.38, row + 0.38], color=BARE, linewidth=2.5,
                           zorder=4)
            panel.annotate("%.2f" % median, (max(median, third), row), xytext=(5, 0), textcoords="offset points", va="center",
                           fontsize=7, color=OURS, zorder=5)
        panel.set_yticks(range(len(cases)))
        panel.set_yticklabels([shorten(case["name"], heading) for case in cases], fontsize=7.5)
        panel.set_ylim(len(cases) - 0.4, -0.6)
        panel.set_title(heading, loc="left", fontsize=9, fontweight="bold", pad=3)
        panel.grid(axis="x", color="#e3e6e8", zorder=0)
        panel.set_axisbelow(True)
        for side in ("top", "right", "left"):
            panel.spines[side].set_visible(False)
        panel.tick_params(axis="y", length=0)
    bottom = panels[-1, 0]
    if biggest > 12:  # bars of a slow lowering would squeeze all the others
        bottom.set_xscale("log")
        bottom.set_xlim(0.3, biggest * 1.6)
        bottom.xaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda value, _: "%g" % value))
    else:
        bottom.set_xlim(0, biggest * 1.1)
    bottom.set_xlabel("time per element, as a multiple of memcpy's (less is better)")
    figure.legend(handles=[
        matplotlib.patches.Patch(color=OURS, label="compiled by MLIR Dropout (median, quartiles)"),
        Line2D([], [], marker="D", color="none", markerfacecolor=YARDSTICK, markeredgecolor="white",
               label="by hand, intrinsics"),
        Line2D([], [], color=BARE, linewidth=2.5, label="ours without dropout; ours on even rows"),
        Line2D([], [], color=COPY, linewidth=1.2, label="memcpy"),
    ], loc="upper center", ncol=2, frameon=False, fontsize=8.5, bbox_to_anchor=(0.5, 1 - 0.45 / figure.get_figheight()))
    figure.suptitle("Dropout against memcpy of the same bytes: %s, %s" % (
        result["machine"]["cpu"], result["date"][:10]), fontsize=11, y=1 - 0.15 / figure.get_figheight())
    figure.subplots_adjust(left=0.30, right=0.97, top=1 - 1.05 / figure.get_figheight(),
                           bottom=0.55 / figure.get_figheight())
    # The same input gives the same files.
    plt.rcParams["svg.hashsalt"] = "dropout"
    figure.savefig(base + ".svg", metadata={"Date": None})
    figure.savefig(base + ".png", dpi=150)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("--output", required=True, metavar="BASE", help="path without .svg and .png")
    arguments = parser.parse_args()
    with open(arguments.file) as f:
        draw(json.load(f), arguments.output)


if __name__ == "__main__":
    main()
