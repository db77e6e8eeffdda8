# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the version matrix: python -m matrix [CELL…], with PYTHONPATH=tests, in the root of the checkout.

Without a name all cells run that have not passed. After each cell tests/matrix.json and README.md are written, and at
the end a table is printed.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from . import page, run
from .cells import Cell, cells


def _selected(names: Sequence[str]) -> list[Cell]:
    every = {cell.name: cell for cell in cells()}
    unknown = [name for name in names if name not in every]
    if unknown:
        raise SystemExit(f"{unknown[0]} is no cell. These are: {', '.join(every)}")
    return [every[name] for name in names or every]


def _commit() -> str:
    """Return the commit that is tested. What the matrix itself writes does not count as a change."""
    commit = subprocess.check_output(["git", "rev-parse", "--short=10", "HEAD"], text=True).strip()
    others = [".", *(f":!{path.relative_to(page.ROOT)}" for path in (page.README, page.RESULTS))]
    changed = subprocess.check_output(["git", "status", "--porcelain", "--", *others], text=True)
    return f"{commit} with changes" if changed else commit


def _table(results: Sequence[run.Result]) -> str:
    lines = []
    for each in results:
        versions = ", ".join(f"{name} {version}" for name, version in each.versions.items())
        tests = ", ".join(f"{count} {name}" for name, count in each.tests.items())
        told = each.reason or f"{tests}; {versions}"
        lines.append(f"{each.cell:<32} {each.outcome:<10} {each.seconds / 60:5.1f} min  {each.commit}  {told}")
    return "\n".join(lines)


def main(names: Sequence[str]) -> int:
    """Run the cells. Return 1 if one failed."""
    commit = _commit()
    found: list[run.Result] = []
    for cell in _selected(names):
        found.append(run.run(cell, commit, again=bool(names)))
        page.write(page.merge(cells(), page.results(), found))
    print(f"\n{_table(list(page.results().values()))}", flush=True)
    return 1 if any(each.outcome == "failed" for each in found) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
