# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plot as SVG text: seconds of a whole run over the number of namespaces, both logarithmic."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence

WIDTH, HEIGHT = 860, 460
LEFT, RIGHT, TOP, BOTTOM = 70, 330, 40, 50
# Told apart by people who see few colours, too: https://jfly.uni-koeln.de/color/
COLOURS = ("#d55e00", "#000000", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#888888")

Points = Sequence[tuple[float, float]]


def svg(title: str, lines: Mapping[str, Points], across: tuple[str, str]) -> str:
    """One line for each entry of `lines`, named beside its end. across: the names of the two axes."""
    points = [point for line in lines.values() for point in line]
    right = max(x for x, _y in points)
    low, high = (math.floor(math.log10(min(y for _x, y in points))), math.ceil(math.log10(max(y for _x, y in points))))
    scale = _Scale(math.log10(right) or 1.0, low, max(high, low + 1))
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family="sans-serif" font-size="12">',
        f"<title>{html.escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="20" font-size="14">{html.escape(title)}</text>',
        *_grid(scale, sorted({x for x, _y in points})),
        f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 10}" text-anchor="end">{html.escape(across[0])}</text>',
        f'<text x="{LEFT - 60}" y="{TOP - 6}">{html.escape(across[1])}</text>',
    ]
    ends = _apart({name: scale.y(line[-1][1]) for name, line in lines.items()})
    for colour, (name, line) in zip(COLOURS, lines.items(), strict=False):
        path = " ".join(f"{scale.x(x):.1f},{scale.y(y):.1f}" for x, y in line)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{scale.x(x):.1f}" cy="{scale.y(y):.1f}" r="3" fill="{colour}"/>' for x, y in line]
        where = f'x="{WIDTH - RIGHT + 12}" y="{ends[name] + 4:.1f}"'
        parts.append(f'<text {where} fill="{colour}">{html.escape(name)}</text>')
    return "\n".join([*parts, "</svg>", ""])


class _Scale:
    """Where a value lies; decades are powers of ten."""

    def __init__(self, decades: float, low: int, high: int) -> None:
        self._decades = decades
        self.low, self.high = low, high

    def x(self, value: float) -> float:
        return LEFT + math.log10(value) / self._decades * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def _grid(scale: _Scale, sizes: Sequence[float]) -> list[str]:
    parts = []
    for decade in range(scale.low, scale.high + 1):
        y = scale.y(10.0**decade)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dddddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{10.0**decade:g}</text>')
    for size in sizes:
        x = scale.x(size)
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" stroke="#dddddd"/>')
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{size:,g}</text>')
    return parts


def _apart(heights: Mapping[str, float], gap: float = 15) -> dict[str, float]:
    """The heights moved down as far as it takes that no name lies on another."""
    placed: dict[str, float] = {}
    last = -math.inf
    for name, height in sorted(heights.items(), key=lambda item: item[1]):
        last = max(height, last + gap)
        placed[name] = last
    return placed
