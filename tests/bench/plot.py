# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plot as SVG text: seconds of a whole run over the number of namespaces, both logarithmic."""

from __future__ import annotations

import io
import itertools
from collections.abc import Mapping, Sequence

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, LogLocator, NullLocator, StrMethodFormatter

SIZE = (9.0, 4.8)
"""Inches."""
LEFT, RIGHT, TOP, BOTTOM = 0.08, 0.62, 0.88, 0.13
"""Borders of the axes, as fractions of the figure. The labels are on their right."""
# People who see few colours can tell these apart: https://jfly.uni-koeln.de/color/
COLOURS = ("#d55e00", "#000000", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#888888")
UNSET = dict.fromkeys(("Date", "Creator", "Format", "Type"))

Points = Sequence[tuple[float, float]]


def svg(title: str, lines: Mapping[str, Points], across: tuple[str, str]) -> str:
    """Draw one line for each entry of `lines`, with its name beside its end. across: the names of the two axes."""
    # The same figures give the same bytes: no random IDs, no date, and no version of matplotlib.
    with matplotlib.rc_context({"svg.hashsalt": "freshpull", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(SIZE)
        figure.subplots_adjust(LEFT, BOTTOM, RIGHT, TOP)
        axes = figure.add_subplot()
        axes.set_title(title, loc="left")
        axes.set_xlabel(across[0], loc="right")
        axes.set_ylabel(across[1], loc="top")
        for number, (colour, line) in enumerate(zip(COLOURS, lines.values(), strict=False)):
            xs, ys = zip(*line, strict=True)
            axes.plot(xs, ys, color=colour, marker="o", markersize=4, gid=f"line-{number}")
        _scale(axes, sorted({x for line in lines.values() for x, _y in line}))
        _label(axes, lines)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Title": title, **UNSET})
    return file.getvalue()


def _scale(axes: Axes, sizes: Sequence[float]) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.xaxis.set_major_locator(FixedLocator(sizes))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    axes.yaxis.set_major_locator(LogLocator())
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_locator(NullLocator())
    axes.grid(color="#dddddd")
    axes.set_axisbelow(True)


def _label(axes: Axes, lines: Mapping[str, Points]) -> None:
    """Write the names on the right, each at the height of its line's end and in its colour, with a thin line to it."""
    axes.autoscale_view()  # The heights depend on the limits of the axes.
    to_axes = axes.transData + axes.transAxes.inverted()
    heights = {name: float(to_axes.transform(line[-1])[1]) for name, line in lines.items()}
    for colour, (name, height) in zip(COLOURS, apart(heights).items(), strict=False):
        axes.annotate(
            name,
            xy=lines[name][-1],
            xytext=(1.03, height),
            textcoords="axes fraction",
            color=colour,
            verticalalignment="center",
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.5, "alpha": 0.5},
        )


def apart(heights: Mapping[str, float], gap: float = 0.05) -> dict[str, float]:
    """Move heights up until any two differ by the gap at least: a label never covers another one."""
    ordered = sorted(heights, key=lambda name: heights[name])
    moved = itertools.accumulate((heights[name] for name in ordered), lambda last, height: max(height, last + gap))
    placed = dict(zip(ordered, moved, strict=True))
    return {name: placed[name] for name in heights}
